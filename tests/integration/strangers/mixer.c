#include "mixer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mix_desk { mix_handlers handlers; double gain; };

static _Thread_local char message[64];

static mix_status told(mix_desk *desk, double left, float right) {
    mix_level level = {left, right, left > right ? (float)left : right};
    if (!desk->handlers.on_level || desk->handlers.on_level(desk->handlers.user_data, &level, desk->gain) > 0) return MIX_OK;
    strcpy(message, "nobody answered");
    return MIX_CALLBACK_FAILED;
}

mix_status mix_desk_new(const mix_handlers *handlers, double gain, mix_desk **desk) {
    if (gain > 100) {
        strcpy(message, "the gain is above 100");
        return MIX_TOO_LOUD;
    }
    *desk = calloc(1, sizeof **desk);
    if (handlers) (*desk)->handlers = *handlers;
    (*desk)->gain = gain;
    return MIX_OK;
}
void mix_desk_free(mix_desk *desk) { free(desk); }
double mix_desk_gain(const mix_desk *desk) { return desk->gain; }
mix_status mix_desk_blend(mix_desk *desk, const char *title, double left, float right, bool loud, double *level, char **text) {
    mix_status status = told(desk, left, right);
    if (status) return status;
    *level = (left + right) * desk->gain * (loud ? 2 : 1);
    *text = malloc(64);
    snprintf(*text, 64, "%s %.2f", title, *level);
    return MIX_OK;
}
mix_status mix_desk_scale(mix_desk *desk, double factor, double *values, size_t count, mix_block *block) {
    block->length = count;
    block->sum = 0;
    for (size_t at = 0; at < count; at++) block->sum += values[at] *= factor * desk->gain;
    return MIX_OK;
}
float mix_half(float value) { return value / 2; }
void mix_forget(double value) { (void)value; }
double mix_sum(double a, double b, double c, double d, double e, double f, double g, double h, double i, double j) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}
int64_t mix_weigh(int8_t a, int8_t b, int8_t c, int8_t d, int8_t e, int8_t f, int8_t g, int8_t h, int8_t i, int16_t j, mix_side k) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 1000 * (int64_t)k;
}
void mix_string_free(char *text) { free(text); }
size_t mix_last_error(char *buffer, size_t length) {
    if (buffer && length) snprintf(buffer, length, "%s", message);
    return strlen(message);
}
