#include "awkward.h"

#include <stdlib.h>

struct awkward_record {
    awkward_hooks hooks;
    int32_t sum;
};

const char *awkward_build_info(void) {
    return getenv("AWKWARD_INFO");
}

awkward_status awkward_record_new(const awkward_hooks *hooks, awkward_record **record) {
    *record = calloc(1, sizeof **record);
    if (!*record) return AWKWARD_ERR_IO;
    if (hooks) (*record)->hooks = *hooks;
    (*record)->sum = (*record)->hooks.constructor;
    return AWKWARD_OK;
}

void awkward_record_free(awkward_record *record) {
    free(record);
}

awkward_status awkward_box_new(awkward_box **box) {
    *box = calloc(1, 8);
    return *box ? AWKWARD_OK : AWKWARD_ERR_IO;
}

void awkward_box_free(awkward_box *box) {
    free(box);
}

awkward_record *awkward_record_add(awkward_record *record, int32_t value) {
    record->sum += value;
    return record;
}

awkward_status awkward_record_fail(awkward_record *record, int32_t value) {
    (void)record;
    return value;
}

int32_t awkward_record_callbacks(const awkward_record *record) {
    return !!record->hooks.to_string + !!record->hooks.value_of;
}

int32_t awkward_record_length(const awkward_record *record) {
    return record->sum;
}

void awkward_record_move(awkward_record *record, int32_t nowhere) {
    awkward_point point = {1, 2};
    record->hooks.moved(record->hooks.user_data, nowhere ? NULL : &point);
}

void awkward_record_say(awkward_record *record) {
    record->hooks.said(record->hooks.user_data, "\xff");
}

int32_t awkward_first(const awkward_pair *pair) {
    return pair ? pair->_0 : 0;
}

int32_t awkward_none(const awkward_nothing *nothing) {
    return nothing ? (int32_t)nothing->size : 0;
}

int32_t awkward_count(const awkward_proto *proto) {
    return proto ? proto->other : 0;
}

int32_t awkward_message_of(int32_t _0, const awkward_readonly *readonly) {
    return _0 + (readonly ? readonly->read : 0);
}

int32_t awkward_open_library(int32_t a) {
    return a;
}

size_t awkward_size(size_t size) {
    return size;
}

size_t awkward_total(const awkward_text *texts, size_t texts_count) {
    size_t total = 0;
    for (size_t at = 0; at < texts_count; at += 1) total += texts[at].size;
    return total;
}
