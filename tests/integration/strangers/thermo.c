#include "thermo.h"
#include <stdio.h>
#include <stdlib.h>

struct thermo_log { thermo_watch watch; size_t count; };

static _Thread_local char failure[64];

uint32_t thermo_abi_version(void) { return THERMO_ABI_VERSION; }
thermo_status thermo_log_new(const thermo_watch *watch, thermo_log **log) {
    *log = calloc(1, sizeof **log);
    if (watch) (*log)->watch = *watch;
    return THERMO_OK;
}
void thermo_log_free(thermo_log *log) { free(log); }
thermo_status thermo_log_add(thermo_log *log, const double *celsius, size_t count, size_t *kept) {
    *kept = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t keep = 1;
        if (celsius[i] < -273.15) {
            snprintf(failure, sizeof failure, "%g is below absolute zero", celsius[i]);
            return THERMO_TOO_COLD;
        }
        if (log->watch.alarm && celsius[i] > log->watch.limit) keep = log->watch.alarm(log->watch.user_data, celsius[i]);
        if (keep < 0) return THERMO_CALLBACK_FAILED;
        *kept += (size_t)keep;
    }
    log->count += *kept;
    return THERMO_OK;
}
thermo_status thermo_log_describe(const thermo_log *log, const char *name, size_t name_len, char **text, size_t *text_len) {
    *text = malloc(name_len + 64);
    *text_len = (size_t)sprintf(*text, "%.*s: %zu temperatures", (int)name_len, name, log->count);
    return THERMO_OK;
}
void thermo_string_free(char *text) { free(text); }
size_t thermo_last_error(char *buffer, size_t len) { return (size_t)snprintf(buffer, buffer ? len : 0, "%s", failure); }
