#ifndef SIGNAL_STATS_H
#define SIGNAL_STATS_H

#define SIGNAL_STATS_VERSION "0.1.0"
#define SIGNAL_STATS_FINGERPRINT "9f69406cd10fded7b17c075cd301f51ab0a7bf3582db348c4c43b51c466a9724"
#define SIGNAL_STATS_INTERFACE "eda4ec49c685b046c2dde607ddf30d618235622951bcbb1096f862ff472db35d"

#include <stddef.h>
#include <stdint.h>

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#ifdef __cplusplus
extern "C" {
#endif

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#ifdef __cplusplus
}
#endif

#endif /* ARROW_C_DATA_INTERFACE */


/**
 * The version of this interface. A library with another number must not be used with this header.
 */
#define SIGNAL_STATS_ABI_VERSION 1

/**
 * The most values an array may have: 2^27, which are 1 GiB.
 */
#define SIGNAL_STATS_MAX_COUNT 134217728

/**
 * What a call came to. The set is closed for this ABI version: no other value is ever returned.
 */
enum SignalStatsStatus
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It worked, and every out-pointer was written. With any other status none was.
     */
    SIGNAL_STATS_STATUS_OK = 0,
    /**
     * A pointer is null that must not be.
     */
    SIGNAL_STATS_STATUS_NULL_POINTER = 1,
    /**
     * A pointer does not have the alignment of what it points to.
     */
    SIGNAL_STATS_STATUS_MISALIGNED = 2,
    /**
     * The memory for a result overlaps other memory of the same call.
     */
    SIGNAL_STATS_STATUS_OVERLAP = 3,
    /**
     * A length or a count is beyond its limit.
     */
    SIGNAL_STATS_STATUS_TOO_LONG = 4,
    /**
     * A text is not UTF-8.
     */
    SIGNAL_STATS_STATUS_NOT_UTF8 = 5,
    /**
     * A structure has an impossible size, or a reserved field that is not 0.
     */
    SIGNAL_STATS_STATUS_INVALID_STRUCT = 6,
    /**
     * A fault of the library. It was contained; handles can still be freed.
     */
    SIGNAL_STATS_STATUS_INTERNAL = 10,
    /**
     * Two threads use one handle that remembers something at the same time.
     */
    SIGNAL_STATS_STATUS_BUSY = 11,
    /**
     * There are too few values for the result to be defined.
     */
    SIGNAL_STATS_STATUS_TOO_FEW = 16,
    /**
     * Two buffers do not have the lengths that belong together.
     */
    SIGNAL_STATS_STATUS_LENGTH_MISMATCH = 17,
    /**
     * A parameter is outside of its range.
     */
    SIGNAL_STATS_STATUS_INVALID_ARGUMENT = 18,
    /**
     * A spectrum has a length that is no power of two.
     */
    SIGNAL_STATS_STATUS_NOT_POWER_OF_TWO = 19,
    /**
     * A block is not what its checksum was computed of.
     */
    SIGNAL_STATS_STATUS_CHECKSUM_MISMATCH = 20,
    /**
     * The stream was finished.
     */
    SIGNAL_STATS_STATUS_STREAM_ENDED = 21,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum SignalStatsStatus SignalStatsStatus;
#else
typedef int32_t SignalStatsStatus;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What stands between two values, where a quantile falls between them.
 */
enum SignalStatsInterpolation
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The straight line between them.
     */
    SIGNAL_STATS_INTERPOLATION_LINEAR = 0,
    /**
     * The lower one.
     */
    SIGNAL_STATS_INTERPOLATION_LOWER = 1,
    /**
     * The higher one.
     */
    SIGNAL_STATS_INTERPOLATION_HIGHER = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum SignalStatsInterpolation SignalStatsInterpolation;
#else
typedef uint32_t SignalStatsInterpolation;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What is computed of each window.
 */
enum SignalStatsRolling
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The mean, correctly rounded.
     */
    SIGNAL_STATS_ROLLING_MEAN = 0,
    /**
     * The variance of a sample.
     */
    SIGNAL_STATS_ROLLING_VARIANCE = 1,
    /**
     * The smallest value.
     */
    SIGNAL_STATS_ROLLING_MINIMUM = 2,
    /**
     * The greatest value.
     */
    SIGNAL_STATS_ROLLING_MAXIMUM = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum SignalStatsRolling SignalStatsRolling;
#else
typedef uint32_t SignalStatsRolling;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * By what values are multiplied before they are transformed.
 */
enum SignalStatsWindow
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * By 1.
     */
    SIGNAL_STATS_WINDOW_RECTANGULAR = 0,
    /**
     * Hann's, periodic.
     */
    SIGNAL_STATS_WINDOW_HANN = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum SignalStatsWindow SignalStatsWindow;
#else
typedef uint32_t SignalStatsWindow;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What every function is called with, and every other handle made with: it knows the observer.
 *
 * It never changes, so one may be used from any number of threads at once. It is made by `signal_stats_new` and ended by
 * `signal_stats_free`, which must not run while another thread still uses it.
 */
typedef struct SignalStats SignalStats;

/**
 * A filter with infinite response. A second thread that uses it meanwhile gets `SIGNAL_STATS_STATUS_BUSY`. It outlives what it was made with.
 */
typedef struct SignalStatsBiquad SignalStatsBiquad;

/**
 * A filter with finite response. A second thread that uses it meanwhile gets `SIGNAL_STATS_STATUS_BUSY`. It outlives what it was made with.
 */
typedef struct SignalStatsFir SignalStatsFir;

/**
 * A sketch of quantiles. A second thread that uses it meanwhile gets `SIGNAL_STATS_STATUS_BUSY`. It outlives what it was made with.
 */
typedef struct SignalStatsSketch SignalStatsSketch;

/**
 * A transform of one length. A second thread that uses it meanwhile gets `SIGNAL_STATS_STATUS_BUSY`. It outlives what it was made with.
 */
typedef struct SignalStatsSpectrum SignalStatsSpectrum;

/**
 * A signal in blocks, with back-pressure. A second thread that uses it meanwhile gets `SIGNAL_STATS_STATUS_BUSY`. It outlives what it was made with.
 */
typedef struct SignalStatsStream SignalStatsStream;

/**
 * Told after each call of a function that returns a status: the function's name (static, with a NUL), how long it took,
 * and what it returns.
 */
typedef void (*SignalStatsObserve)(void *user_data,
                                   const char *function,
                                   uint64_t duration_nanoseconds,
                                   SignalStatsStatus status);

/**
 * Told, once, that the library calls none of the functions any more and does not use `user_data` again: when the
 * handle, and all that were made with it, are freed, and every call has ended that may call them. It is called in the
 * thread in which that happened, may call the library in turn, and leaves no message.
 *
 * It is not called if `signal_stats_new` fails: then the library has kept nothing, and all is still the caller's.
 */
typedef void (*SignalStatsRelease)(void *user_data);

/**
 * The caller's functions.
 *
 * They are called from the thread that called the library, so from several at once where a handle is shared, and may
 * call the library in turn, and also free what the call uses: it stays until the call has ended. They must return: no C++
 * exception and no longjmp may leave them.
 */
typedef struct SignalStatsCallbacks {
    /**
     * `sizeof(SignalStatsCallbacks)`.
     */
    uint32_t struct_size;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * Handed to every function as it is. It must stay usable until `release` is called: until the handle, and all
     * that were made with it, are freed, and, where a callback frees one, until the call that was running has ended.
     */
    void *user_data;
    /**
     * Takes the measurements. May be null.
     */
    SignalStatsObserve observe;
    /**
     * Told when the functions are needed no more. May be null; a structure that ends before it has none.
     */
    SignalStatsRelease release;
} SignalStatsCallbacks;

/**
 * The bounds of a histogram.
 */
typedef struct SignalStatsBins {
    /**
     * `sizeof(SignalStatsBins)`.
     */
    uint32_t struct_size;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * The lower edge of the first bin.
     */
    double lower;
    /**
     * The upper edge of the last bin, which has it.
     */
    double upper;
} SignalStatsBins;

/**
 * The values that are in no bin.
 */
typedef struct SignalStatsOutside {
    /**
     * Smaller than the lower bound.
     */
    uint64_t below;
    /**
     * Greater than the upper bound.
     */
    uint64_t above;
    /**
     * Not a number.
     */
    uint64_t nans;
} SignalStatsOutside;

/**
 * A section of second order, divided by `a0`.
 */
typedef struct SignalStatsBiquadCoefficients {
    /**
     * `sizeof(SignalStatsBiquadCoefficients)`.
     */
    uint32_t struct_size;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * Of the value itself.
     */
    double b0;
    /**
     * Of the value before.
     */
    double b1;
    /**
     * Of the value before that.
     */
    double b2;
    /**
     * Of the result before.
     */
    double a1;
    /**
     * Of the result before that.
     */
    double a2;
} SignalStatsBiquadCoefficients;

/**
 * What a block of a stream was, before the filter.
 */
typedef struct SignalStatsBlock {
    /**
     * The number of its values; 0 if no block was ready, and nothing else is set then.
     */
    uint64_t length;
    /**
     * Their mean, correctly rounded.
     */
    double mean;
    /**
     * Their variance as a sample; 0 for a single finite one.
     */
    double variance;
    /**
     * The CRC-32 of their little-endian bytes.
     */
    uint32_t checksum;
    /**
     * Always 0.
     */
    uint32_t reserved;
} SignalStatsBlock;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The `SIGNAL_STATS_ABI_VERSION` the library was built with.
 */
uint32_t signal_stats_abi_version(void);

/**
 * What this library is: a JSON object with `name`, `version`, `commit`, `fingerprint`, `interface`, `target`, `rustc`
 * (texts) and `dependencies` (name to version).
 *
 * The text ends with a NUL, is valid as long as the library is loaded, and is not freed.
 */
const char *signal_stats_build_info(void);

/**
 * Makes a handle and writes it to `stats`. It is freed with `signal_stats_free`.
 *
 * `callbacks` may be null if nobody listens. The structure is copied; only `user_data` is kept as it is.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; a structure has as many bytes as its `struct_size`.
 */
SignalStatsStatus signal_stats_new(const struct SignalStatsCallbacks *callbacks, struct SignalStats **stats);

/**
 * Ends a handle. Null is allowed and does nothing. What was made with it stays usable.
 *
 * # Safety
 *
 * `stats` is null or comes from `signal_stats_new`, was not freed before, and no other thread uses it.
 */
void signal_stats_free(struct SignalStats *stats);

/**
 * Copies the message of the last call in this thread that returned a status, empty if that was
 * `SIGNAL_STATS_STATUS_OK`, and a NUL to `buffer`. What does not fit is cut between two characters.
 *
 * Returns the length of the whole message without the NUL, so that `signal_stats_last_error(NULL, 0) + 1` is the size to
 * provide.
 *
 * # Safety
 *
 * `buffer` is null, or `length` bytes may be written there.
 */
size_t signal_stats_last_error(char *buffer,
                               size_t length);

/**
 * Says where the values of a column lie, and how many there are. Nothing is copied, and neither structure is released:
 * both stay the caller's, and `values` may be read until the caller releases `array`.
 *
 * The column is of 64-bit floating point numbers (format `g`) without nulls, which have no place in a series of numbers;
 * anything else is `SIGNAL_STATS_STATUS_INVALID_ARGUMENT`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, and both structures are as Arrow's specification wants them.
 */
SignalStatsStatus signal_stats_arrow_values(const struct SignalStats *stats,
                                            const struct ArrowSchema *schema,
                                            const struct ArrowArray *array,
                                            const double **values,
                                            size_t *count);

/**
 * Makes a column of `count` zeros and says where they lie, for results to be written there: whoever takes the column over
 * gets them without a copy.
 *
 * `schema` and `array` are released by their own `release`, in any order and by any thread, and `values` may be written
 * until `array` is.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says. What `schema` and `array` held before is not released.
 */
SignalStatsStatus signal_stats_arrow_new(const struct SignalStats *stats,
                                         size_t count,
                                         struct ArrowSchema *schema,
                                         struct ArrowArray *array,
                                         double **values);

/**
 * The mean, correctly rounded.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_mean(const struct SignalStats *stats, const double *values, size_t count, double *mean);

/**
 * The variance, at most 1 unit in the last place from the exact one. Degrees of freedom are 1 for a sample.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_variance(const struct SignalStats *stats,
                                        const double *values,
                                        size_t count,
                                        uint32_t degrees_of_freedom,
                                        double *variance);

/**
 * The covariance of two series of the same length.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_covariance(const struct SignalStats *stats,
                                          const double *first,
                                          size_t first_count,
                                          const double *second,
                                          size_t second_count,
                                          uint32_t degrees_of_freedom,
                                          double *covariance);

/**
 * Writes the quantile of each probability; `interpolation` is a `SignalStatsInterpolation`. `scratch` is as long as `values` and
 * overwritten, `quantiles` as long as `probabilities`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_quantiles(const struct SignalStats *stats,
                                         const double *values,
                                         size_t count,
                                         const double *probabilities,
                                         size_t probabilities_count,
                                         uint32_t interpolation,
                                         double *scratch,
                                         size_t scratch_count,
                                         double *quantiles,
                                         size_t quantiles_count);

/**
 * Adds the values to the counts of as many bins of the same width. A bin has its lower edge, and the last one both.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_histogram(const struct SignalStats *stats,
                                         const struct SignalStatsBins *bins,
                                         const double *values,
                                         size_t count,
                                         uint64_t *counts,
                                         size_t counts_count,
                                         struct SignalStatsOutside *outside);

/**
 * Filters a signal before which there were zeros. `filtered` is as long as `values`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_filter(const struct SignalStats *stats,
                                      const double *values,
                                      size_t count,
                                      const double *taps,
                                      size_t taps_count,
                                      double *filtered,
                                      size_t filtered_count);

/**
 * Writes a statistic, a `SignalStatsRolling`, of each window of so many values: `count - window + 1` results.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_rolling(const struct SignalStats *stats,
                                       const double *values,
                                       size_t count,
                                       size_t window,
                                       uint32_t statistic,
                                       double *statistics,
                                       size_t statistics_count);

/**
 * Resamples by `up / down` through the taps of a low pass: `count * up / down` results, rounded up.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_resample(const struct SignalStats *stats,
                                        const double *values,
                                        size_t count,
                                        size_t up,
                                        size_t down,
                                        const double *taps,
                                        size_t taps_count,
                                        double *resampled,
                                        size_t resampled_count);

/**
 * The CRC-32 (IEEE 802.3) of the values as little-endian bytes.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_checksum(const struct SignalStats *stats,
                                        const double *values,
                                        size_t count,
                                        uint32_t *checksum);

/**
 * A filter before whose signal there were zeros. It is freed with `signal_stats_fir_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_fir_new(const struct SignalStats *stats,
                                       const double *taps,
                                       size_t taps_count,
                                       struct SignalStatsFir **fir);

/**
 * Filters the next piece of the signal. `filtered` is as long as `values`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_fir_process(const struct SignalStatsFir *fir,
                                           const double *values,
                                           size_t count,
                                           double *filtered,
                                           size_t filtered_count);

/**
 * Ends a filter. Null is allowed and does nothing.
 *
 * # Safety
 *
 * `handle` is null or comes from this library, was not freed before, and no other thread uses it.
 */
void signal_stats_fir_free(struct SignalStatsFir *handle);

/**
 * A filter of one section before whose signal there were zeros; several are used one after the other. It is freed with
 * `signal_stats_biquad_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_biquad_new(const struct SignalStats *stats,
                                          const struct SignalStatsBiquadCoefficients *coefficients,
                                          struct SignalStatsBiquad **biquad);

/**
 * Filters the next piece of the signal. `filtered` is as long as `values`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_biquad_process(const struct SignalStatsBiquad *biquad,
                                              const double *values,
                                              size_t count,
                                              double *filtered,
                                              size_t filtered_count);

/**
 * Ends a filter. Null is allowed and does nothing.
 *
 * # Safety
 *
 * `handle` is null or comes from this library, was not freed before, and no other thread uses it.
 */
void signal_stats_biquad_free(struct SignalStatsBiquad *handle);

/**
 * A transform of `period` values, a power of two up to 2^24. It is freed with `signal_stats_spectrum_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_spectrum_new(const struct SignalStats *stats,
                                            size_t period,
                                            struct SignalStatsSpectrum **spectrum);

/**
 * Writes the squares of the magnitudes of the transform of `values`, of which there are as many as the spectrum is for;
 * `window` is a `SignalStatsWindow`. There are half as many powers, and one.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_spectrum_power(const struct SignalStatsSpectrum *spectrum,
                                              const double *values,
                                              size_t count,
                                              uint32_t window,
                                              double *powers,
                                              size_t powers_count);

/**
 * Writes the real and the imaginary parts of the transform, as `signal_stats_spectrum_power`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_spectrum_transform(const struct SignalStatsSpectrum *spectrum,
                                                  const double *values,
                                                  size_t count,
                                                  uint32_t window,
                                                  double *reals,
                                                  size_t reals_count,
                                                  double *imaginaries,
                                                  size_t imaginaries_count);

/**
 * Ends a transform. Null is allowed and does nothing.
 *
 * # Safety
 *
 * `handle` is null or comes from this library, was not freed before, and no other thread uses it.
 */
void signal_stats_spectrum_free(struct SignalStatsSpectrum *handle);

/**
 * A sketch of nothing, with 1 to 12 bits of precision: a quantile is at most 2^-(bits + 1) of its magnitude away from the
 * value of that rank. It is freed with `signal_stats_sketch_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_sketch_new(const struct SignalStats *stats,
                                          uint32_t precision,
                                          struct SignalStatsSketch **sketch);

/**
 * Adds values.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_sketch_add(const struct SignalStatsSketch *sketch, const double *values, size_t count);

/**
 * Writes the quantile of each probability. There are as many quantiles as probabilities.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_sketch_quantiles(const struct SignalStatsSketch *sketch,
                                                const double *probabilities,
                                                size_t probabilities_count,
                                                double *quantiles,
                                                size_t quantiles_count);

/**
 * Ends a sketch. Null is allowed and does nothing.
 *
 * # Safety
 *
 * `handle` is null or comes from this library, was not freed before, and no other thread uses it.
 */
void signal_stats_sketch_free(struct SignalStatsSketch *handle);

/**
 * A stream of so many blocks, 2^20 at most, of so many values, 2^27 at most in all, filtered by the taps when they are
 * popped; no taps, no filter. All its memory is allocated here. It is freed with `signal_stats_stream_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_stream_new(const struct SignalStats *stats,
                                          size_t blocks,
                                          size_t block_length,
                                          const double *taps,
                                          size_t taps_count,
                                          struct SignalStatsStream **stream);

/**
 * Takes as many values as there is room for, and writes how many: fewer than all if a block has to be popped first.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_stream_push(const struct SignalStatsStream *stream,
                                           const double *values,
                                           size_t count,
                                           size_t *taken);

/**
 * As `signal_stats_stream_push`, if the checksum is that of the values; nothing is taken otherwise.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_stream_push_checked(const struct SignalStatsStream *stream,
                                                   const double *values,
                                                   size_t count,
                                                   uint32_t checksum,
                                                   size_t *taken);

/**
 * No more values come: a block that is not full is ready as it is.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_stream_finish(const struct SignalStatsStream *stream);

/**
 * Writes the oldest block, filtered, to the start of `values`, which has room for a block, and what it was to `block`: a
 * length of 0 if none is ready.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, arrays to as many values as their count says.
 */
SignalStatsStatus signal_stats_stream_pop(const struct SignalStatsStream *stream,
                                          double *values,
                                          size_t count,
                                          struct SignalStatsBlock *block);

/**
 * Ends a stream. Null is allowed and does nothing.
 *
 * # Safety
 *
 * `handle` is null or comes from this library, was not freed before, and no other thread uses it.
 */
void signal_stats_stream_free(struct SignalStatsStream *handle);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SIGNAL_STATS_H */
