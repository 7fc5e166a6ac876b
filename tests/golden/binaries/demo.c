#include <stdlib.h>
#include <string.h>

int demo_add(int a, int b) { return a + b; }

char *demo_copy(const char *text) {
  size_t size = strlen(text) + 1;
  return memcpy(malloc(size), text, size);
}
