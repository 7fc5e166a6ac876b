#include "events.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct ev_loop { ev_handlers handlers; };

ev_status ev_loop_new(const ev_handlers *handlers, ev_loop **loop) {
    if (!handlers || handlers->limit < 0) return EV_STATUS_INTERNAL;
    *loop = malloc(sizeof **loop);
    (*loop)->handlers = *handlers;
    return EV_STATUS_OK;
}
void ev_loop_free(ev_loop *loop) {
    if (loop->handlers.log) loop->handlers.log(loop->handlers.user_data, "freed");
    if (loop->handlers.release) loop->handlers.release(loop->handlers.user_data);
    free(loop);
}
/* A while without the interpreter, so that a signal is likely to come in here. */
static void work(void) { nanosleep(&(struct timespec){0, 100000}, NULL); }
ev_status ev_loop_emit(ev_loop *loop, const char *name, size_t name_len, int32_t *answer) {
    const ev_handlers *h = &loop->handlers;
    *answer = 0;
    for (int i = 0; i < h->limit; i++) {
        work();
        int32_t one = h->on_event(h->user_data, name, name_len);
        if (one != 0 && one != 1) return one == -1 ? EV_STATUS_CALLBACK_FAILED : EV_STATUS_INTERNAL;
        *answer += one;
    }
    work();
    return EV_STATUS_OK;
}
ev_status ev_loop_weigh(ev_loop *loop, const uint8_t *data, size_t len, double *weight) {
    *weight = loop->handlers.weigh(data, len, loop->handlers.user_data);
    return EV_STATUS_OK;
}
ev_status ev_loop_ask(ev_loop *loop, ev_level level) { return loop->handlers.veto(loop->handlers.user_data, level); }
struct order { ev_loop *loop; const char *name; size_t len; int32_t answer; ev_status status; };
static void *run(void *argument) {
    struct order *order = argument;
    order->status = ev_loop_emit(order->loop, order->name, order->len, &order->answer);
    return NULL;
}
ev_status ev_loop_emit_elsewhere(ev_loop *loop, const char *name, size_t name_len, int32_t *answer) {
    struct order order = {loop, name, name_len, 0, EV_STATUS_OK};
    pthread_t thread;
    pthread_create(&thread, NULL, run, &order);
    pthread_join(thread, NULL);
    *answer = order.answer;
    return order.status;
}
