/* What no convention covers, and something of everything that is odd. */
#ifndef ODD_H
#define ODD_H
#include <stdio.h>
#include <stddef.h>
#include <stdint.h>

struct odd_pair { int32_t first, second; };
union odd_union { int32_t number; float real; };
struct odd_hidden;
typedef void (*odd_plain)(int code);
struct odd_hooks { odd_plain on_exit; };
struct odd_with { void *user_data; void (*on)(int code); };

int32_t odd_sum(const struct odd_pair *pair);
void odd_by_value(struct odd_pair pair);
void odd_many(const struct odd_pair *pairs, size_t count);
void odd_union_of(const union odd_union *one);
int odd_printf(const char *format, ...);
void odd_to_file(FILE *file);
void odd_at_exit(odd_plain hook);
void odd_watch(const struct odd_hooks *hooks);
struct odd_hidden *odd_find(int key);
char *odd_name(void);
void odd_long(long double precise);
int *odd_pointer(void);
void odd_unsized(const double *values);
static inline int odd_inline(int a) { return a; }

#endif
