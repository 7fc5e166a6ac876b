#include "counter.h"
#include <stdlib.h>

struct counter { int32_t value; };

counter *counter_create(int32_t from) {
    counter *self = from < 0 ? NULL : malloc(sizeof *self);
    if (self) self->value = from;
    return self;
}
void counter_destroy(counter *self) { free(self); }
counter *counter_clone(counter *self, bool deep) { return deep ? counter_create(self->value) : self; }
int32_t counter_add(counter *self, int32_t lambda, bool chan) { return self->value += chan ? lambda : -lambda; }
void counter_import(counter *self, const counter *other) { self->value = other->value; }
int64_t counter_peek(const counter *self) { return self->value; }
uint8_t counter_step(uint8_t range, float func) { return (uint8_t)(range * func); }
