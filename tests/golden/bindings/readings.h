#ifndef RD_READINGS_H
#define RD_READINGS_H
#include <stddef.h>
#include <stdint.h>

typedef enum { RD_STATUS_OK = 0, RD_STATUS_REFUSED = 1 } rd_status;

typedef struct rd_sensor rd_sensor;

/** One reading. */
typedef struct rd_reading {
    uint16_t channel;
    uint16_t reserved;
    uint64_t at;
    double celsius;
    rd_status status;
} rd_reading;

/** A point on a map. */
typedef struct rd_point {
    int32_t x, y;
} rd_point;

typedef struct rd_options {
    uint32_t struct_size;
    uint32_t reserved;
    /** The channels; null stands for all. */
    const uint32_t *channels;
    size_t channels_count;
    const double *weights;
    size_t weights_count;
    const void *key;
    size_t key_size;
} rd_options;

typedef struct rd_callbacks {
    void *user_data;
    /** Told of each reading. */
    void (*reading)(void *user_data, const rd_reading *reading);
    void (*moved)(void *user_data, const rd_point *to);
} rd_callbacks;

rd_status rd_sensor_new(const rd_options *options, const rd_callbacks *callbacks, rd_sensor **sensor);
void rd_sensor_free(rd_sensor *sensor);
/** The last reading. */
rd_status rd_sensor_last(const rd_sensor *sensor, rd_reading *reading);
rd_status rd_sensor_place(const rd_sensor *sensor, rd_point *point);

#endif
