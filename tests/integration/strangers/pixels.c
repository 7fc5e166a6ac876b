#include "pixels.h"
#include <stdlib.h>
#include <string.h>

uint32_t px_abi_version(void) { return PX_ABI_VERSION; }
void px_invert(const uint8_t *data, size_t data_len, uint8_t *out, size_t out_len) {
    for (size_t i = 0; i < data_len && i < out_len; i++) out[i] = (uint8_t)~data[i];
}
double px_mean(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += values[i];
    return count ? sum / (double)count : 0;
}
void px_scale(float *values, size_t n, float factor) {
    for (size_t i = 0; i < n; i++) values[i] *= factor;
}
int px_repeat(const void *data, size_t size, unsigned times, uint8_t **out, size_t *out_len) {
    *out = malloc(size * times + 1);
    *out_len = size * times;
    for (unsigned i = 0; i < times; i++) memcpy(*out + i * size, data, size);
    return (int)times;
}
void px_bytes_free(uint8_t *data, size_t len) {
    (void)len;
    free(data);
}
int px_extent(const int32_t *values, size_t count, int32_t *least, int32_t *greatest) {
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || values[i] < *least) *least = values[i];
        if (i == 0 || values[i] > *greatest) *greatest = values[i];
    }
    return count > 0;
}
