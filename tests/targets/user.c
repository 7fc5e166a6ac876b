/* A program as users of the C interface write it. */
#include <stdio.h>
#include <string.h>
#include "tally.h"

int main(void) {
    const char *text = "to be or not to be";
    const char broken[] = "\xff";
    int words = tally_words((const uint8_t *)text, strlen(text));
    int failed = tally_words((const uint8_t *)broken, 1);
    printf("%d %d\n", words, failed);
    return 0;
}
