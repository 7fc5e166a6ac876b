#include <pthread.h>

static void *run(void *argument) { return argument; }

int threads_start(pthread_t *thread) { return pthread_create(thread, 0, run, 0); }
