#include <stdint.h>

/* Writes where nothing is. */
void crash_fall(uintptr_t where) {
    *(volatile int *)where = 7;
}
