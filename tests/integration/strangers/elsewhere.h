/* Calls back from threads of its own, also after it was freed. */
#ifndef ELSEWHERE_H
#define ELSEWHERE_H
#include <stddef.h>
#include <stdint.h>
typedef struct el_box el_box;
typedef struct el_hooks { void *user_data; int32_t (*on)(void *user_data, int32_t n); void (*release)(void *user_data); } el_hooks;
el_box *el_box_new(const el_hooks *hooks);
void el_box_free(el_box *box);
void el_box_start(el_box *box, int32_t after);
int32_t el_box_last(const el_box *box);
int32_t el_box_call(const el_box *box, int32_t n);
uint64_t el_most(void);
int64_t el_least(uint64_t a, int64_t b);
#endif
