#include "elsewhere.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct el_box { el_hooks hooks; int32_t last; };
struct job { el_hooks hooks; int32_t after; el_box *box; };

static void begin(void *(*work)(void *), void *argument) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, argument);
    pthread_detach(thread);
}
el_box *el_box_new(const el_hooks *hooks) {
    el_box *box = calloc(1, sizeof *box);
    if (hooks) box->hooks = *hooks;
    return box;
}
static void *forget(void *argument) {
    el_box *box = argument;
    usleep(2000);
    if (box->hooks.release) box->hooks.release(box->hooks.user_data);
    free(box);
    return NULL;
}
void el_box_free(el_box *box) { begin(forget, box); }
static void *run(void *argument) {
    struct job *job = argument;
    usleep(1000 * (unsigned)job->after);
    int32_t answer = job->hooks.on(job->hooks.user_data, 7);
    if (job->box) job->box->last = answer;
    free(job);
    return NULL;
}
void el_box_start(el_box *box, int32_t after) {
    struct job *job = malloc(sizeof *job);
    *job = (struct job){box->hooks, after, after > 20 ? NULL : box};
    begin(run, job);
}
int32_t el_box_last(const el_box *box) { return box->last; }
int32_t el_box_call(const el_box *box, int32_t n) { return box->hooks.on(box->hooks.user_data, n); }
uint64_t el_most(void) { return UINT64_MAX; }
int64_t el_least(uint64_t a, int64_t b) { return a == UINT64_MAX ? b : 0; }
