// Only memory: what is borrowed, what is filled in, and what the library allocates.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PX_ABI_VERSION 3u

uint32_t px_abi_version(void);
/** Turns every byte around. */
void px_invert(const uint8_t *data, size_t data_len, uint8_t *out, size_t out_len);
double px_mean(const double *values, size_t count);
void px_scale(float *values, size_t n, float factor);
int px_repeat(const void *data, size_t size, unsigned times, uint8_t **out, size_t *out_len);
void px_bytes_free(uint8_t *data, size_t len);
int px_extent(const int32_t *values, size_t count, int32_t *least, int32_t *greatest);
