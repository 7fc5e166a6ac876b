#ifndef BARE_H
#define BARE_H
long add(long a, unsigned long len);
const char *greet(const char *name);
char initial(const char *str, unsigned char at);
#endif
