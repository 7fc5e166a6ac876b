/* No status and no messages: a handle, and parameters that are called as languages have words. */
#ifndef COUNTER_H
#define COUNTER_H
#include <stdbool.h>
#include <stdint.h>

typedef struct counter counter;

counter *counter_create(int32_t from);
void counter_destroy(counter *self);
/* A shallow one is no new one, which is a fault. */
counter *counter_clone(counter *self, bool deep);
int32_t counter_add(counter *self, int32_t lambda, bool chan);
void counter_import(counter *self, const counter *class);
int64_t counter_peek(const counter *self);
uint8_t counter_step(uint8_t range, float func);

#endif
