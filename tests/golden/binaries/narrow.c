extern int getpid(void);
int demo_data = 3;
int demo_add(int a, int b) { return a + b + demo_data + getpid(); }
