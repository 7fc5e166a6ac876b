#define EXPORT __declspec(dllexport)
EXPORT int demo_add(int a, int b) { return a + b; }
EXPORT char *demo_copy(const char *text) { return (char *)text; }
int DllMainCRTStartup(void *module, unsigned reason, void *reserved) { return 1; }
