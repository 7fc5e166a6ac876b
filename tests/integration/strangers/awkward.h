/* What is legal in C and of which JavaScript has its own idea. */
#ifndef AWKWARD_H
#define AWKWARD_H

#include <stddef.h>
#include <stdint.h>

/** All failures are negative, and as wide as the typedef says. */
enum awkward_status {
    AWKWARD_OK = 0,
    AWKWARD_ERR_IO = -1,
    AWKWARD_closed = -2,
    AWKWARD_CLOSED = -3
};
typedef int64_t awkward_status;

typedef struct awkward_point {
    double x;
    double y;
} awkward_point;

/** Called as what every object of JavaScript has. */
typedef struct awkward_hooks {
    size_t size;
    void *user_data;
    int32_t constructor;
    int32_t (*to_string)(void *user_data, int32_t value);
    int32_t (*value_of)(void *user_data);
    void (*moved)(void *user_data, const awkward_point *to);
    void (*said)(void *user_data, const char *text);
} awkward_hooks;

/** A tuple. */
typedef struct awkward_pair {
    int32_t _0;
    int32_t _1;
} awkward_pair;

/** Nothing that anybody fills in. */
typedef struct awkward_nothing {
    size_t size;
    uint32_t reserved;
} awkward_nothing;

typedef struct awkward_proto {
    int32_t __proto__;
    int32_t other;
} awkward_proto;

typedef struct awkward_record awkward_record;
typedef struct awkward_box awkward_box;
typedef struct awkward_readonly {
    int32_t read;
} awkward_readonly;

typedef struct awkward_text {
    const char *data;
    size_t size;
} awkward_text;

const char *awkward_build_info(void);

awkward_status awkward_record_new(const awkward_hooks *hooks, awkward_record **record);
void awkward_record_free(awkward_record *record);
awkward_status awkward_box_new(awkward_box **box);
void awkward_box_free(awkward_box *box);
/** Gives itself, for chains, and says what is not true: The caller owns it. */
awkward_record *awkward_record_add(awkward_record *record, int32_t value);
awkward_status awkward_record_fail(awkward_record *record, int32_t value);
/** How many of the two callbacks there are. */
int32_t awkward_record_callbacks(const awkward_record *record);
int32_t awkward_record_length(const awkward_record *record);
void awkward_record_move(awkward_record *record, int32_t nowhere);
void awkward_record_say(awkward_record *record);

int32_t awkward_first(const awkward_pair *pair);
int32_t awkward_none(const awkward_nothing *nothing);
int32_t awkward_count(const awkward_proto *proto);
int32_t awkward_message_of(int32_t _0, const awkward_readonly *readonly);
int32_t awkward_open_library(int32_t a);
size_t awkward_size(size_t size);
size_t awkward_total(const awkward_text *texts, size_t texts_count);

#endif
