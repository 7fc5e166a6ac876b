int untrue_old(void) { return 5; }
int untrue_new(void) { return 36; }
