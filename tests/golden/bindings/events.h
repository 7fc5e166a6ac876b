#ifndef EV_EVENTS_H
#define EV_EVENTS_H
#include <stddef.h>
#include <stdint.h>

typedef enum { EV_STATUS_OK = 0, EV_STATUS_CALLBACK_FAILED = 3, EV_STATUS_INTERNAL = 4 } ev_status;
typedef enum { EV_LEVEL_LOW = -1, EV_LEVEL_HIGH = 1 } ev_level;

typedef struct ev_loop ev_loop;

typedef int32_t (*ev_on_event)(void *user_data, const char *name, size_t name_len);

typedef struct ev_handlers {
    size_t struct_size;
    void *user_data;
    ev_on_event on_event;
    double (*weigh)(const uint8_t *data, size_t len, void *ctx);
    ev_status (*veto)(void *user_data, ev_level level);
    void (*log)(void *user_data, const char *message);
    void (*release)(void *user_data);
    int32_t limit;
} ev_handlers;

ev_status ev_loop_new(const ev_handlers *handlers, ev_loop **loop);
void ev_loop_free(ev_loop *loop);
ev_status ev_loop_emit(ev_loop *loop, const char *name, size_t name_len, int32_t *answer);
ev_status ev_loop_weigh(ev_loop *loop, const uint8_t *data, size_t len, double *weight);
ev_status ev_loop_ask(ev_loop *loop, ev_level level);
/* Calls on_event in a thread of its own, and waits for that. */
ev_status ev_loop_emit_elsewhere(ev_loop *loop, const char *name, size_t name_len, int32_t *answer);

#endif
