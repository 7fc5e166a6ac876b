#ifndef MIX_MIXER_H
#define MIX_MIXER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mix_status { MIX_OK = 0, MIX_TOO_LOUD = 1, MIX_CALLBACK_FAILED = 2 } mix_status;

typedef enum mix_side { MIX_SIDE_LEFT = 0, MIX_SIDE_RIGHT = 1 } mix_side;

/* All are declared before any is defined. */
typedef struct mix_handlers mix_handlers;
typedef struct mix_level mix_level;
typedef struct mix_block mix_block;
typedef struct mix_desk mix_desk;

/** What a desk tells. */
struct mix_handlers {
    void *user_data;
    /** Told of each level; whoever returns 0 is given nothing. */
    int32_t (*on_level)(void *user_data, const mix_level *level, double gain);
};

/** How loud it is. */
struct mix_level {
    double left;
    double right;
    float peak;
};

/** What became of values. */
struct mix_block {
    size_t length;
    double sum;
};

mix_status mix_desk_new(const mix_handlers *handlers, double gain, mix_desk **desk);
void mix_desk_free(mix_desk *desk);
/** The gain in decibel. */
double mix_desk_gain(const mix_desk *desk);
/** Mixes two levels and names what came of it. */
mix_status mix_desk_blend(mix_desk *desk, const char *title, double left, float right, bool loud, double *level, char **text);
/** Scales values where they are. */
mix_status mix_desk_scale(mix_desk *desk, double factor, double *values, size_t count, mix_block *block);
float mix_half(float value);
void mix_forget(double value);
/** Ten numbers, of which some are on the stack. */
double mix_sum(double a, double b, double c, double d, double e, double f, double g, double h, double i, double j);
/** Eleven numbers, of which some are on the stack and narrow. */
int64_t mix_weigh(int8_t a, int8_t b, int8_t c, int8_t d, int8_t e, int8_t f, int8_t g, int8_t h, int8_t i, int16_t j, mix_side k);
void mix_string_free(char *text);
size_t mix_last_error(char *buffer, size_t length);

#endif
