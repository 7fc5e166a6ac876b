/* Eight threads use the same handles of all three libraries at once, as the headers allow: each gets what one gets alone.
 * A consumer for sanitizers (run.py): its own memory and that of the libraries is watched, and what is left is a leak.
 *
 * Called as `threads ROUNDS`; `threads ROUNDS faulty` has a race and a leak, which they have to find. */

#include <email_validator.h>
#include <pthread.h>
#include <sealed_box.h>
#include <signal_stats.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, VALUES = 1000, BLOCK = 100 };

#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

static int rounds, faulty, unguarded;
static atomic_uint look_ups, uses, observed;
static EmailValidator *validator;
static SealedBox *box;
static SealedBoxKey *shared_key;
static SignalStats *stats;
static SignalStatsStream *stream;
static SignalStatsSketch *sketch;
static double values[VALUES], mean_of_all;

static int32_t is_free(void *user_data, const char *domain, size_t length) {
    atomic_fetch_add((atomic_uint *)user_data, 1);
    return length == 9 && memcmp(domain, "gmail.com", length) == 0;
}

static void audit(void *user_data, const SealedBoxKeyUse *use) {
    atomic_fetch_add((atomic_uint *)user_data, use->key_id == 7);
}

static void observe(void *user_data, const char *function, uint64_t nanoseconds, SignalStatsStatus status) {
    (void)nanoseconds;
    EXPECT(strncmp(function, "signal_stats_", 13) == 0);
    atomic_fetch_add((atomic_uint *)user_data, status == SIGNAL_STATS_STATUS_OK);
}

static void check(const EmailValidator *used, const char *address, const char *decision) {
    char *said = NULL;
    size_t length = 0;
    EXPECT(email_validator_check(used, address, strlen(address), &said, &length) == EMAIL_VALIDATOR_STATUS_OK);
    EXPECT(length >= strlen(decision) && strstr(said, decision) != NULL);
    if (faulty)
        unguarded += 1;
    else
        email_validator_string_free(said);
}

static void validate(void) {
    const char not_text[] = {'\xff', '\xfe'};
    char *said = NULL, message[128];
    size_t length = 0;
    check(validator, "joe@gmail.com", "FREE");
    check(validator, "joe@example.org", "Allowed");
    EXPECT(email_validator_check(validator, not_text, 2, &said, &length) == EMAIL_VALIDATOR_STATUS_NOT_UTF8);
    EXPECT(said == NULL && email_validator_last_error(message, sizeof message) > 0);
}

static void seal(unsigned number) {
    SealedBoxKey *own = NULL;
    uint8_t message[64], *sealed = NULL, *opened = NULL, *end = NULL;
    size_t sealed_length = 0, opened_length = 0, end_length = 0;
    SealedBoxStream *sealing = NULL;
    memset(message, (int)number, sizeof message);
    EXPECT(sealed_box_key_generate(box, SEALED_BOX_ALGORITHM_XCHACHA20_POLY1305, 7, &own) == SEALED_BOX_STATUS_OK);
    EXPECT(sealed_box_seal(box, shared_key, NULL, 0, message, sizeof message, &sealed, &sealed_length) == SEALED_BOX_STATUS_OK);
    EXPECT(sealed_box_open(box, shared_key, NULL, 0, sealed, sealed_length, &opened, &opened_length) == SEALED_BOX_STATUS_OK);
    EXPECT(opened_length == sizeof message && memcmp(opened, message, sizeof message) == 0);
    sealed_box_bytes_free(opened, opened_length);
    opened = NULL;
    EXPECT(sealed_box_open(box, own, NULL, 0, sealed, sealed_length, &opened, &opened_length) != SEALED_BOX_STATUS_OK);
    EXPECT(opened == NULL && sealed_box_last_error(NULL, 0) > 0);
    sealed_box_bytes_free(sealed, sealed_length);
    sealed = NULL;
    EXPECT(sealed_box_stream_seal(box, own, NULL, 0, &sealing) == SEALED_BOX_STATUS_OK);
    sealed_box_key_free(own);
    EXPECT(sealed_box_stream_push(sealing, message, sizeof message, &sealed, &sealed_length) == SEALED_BOX_STATUS_OK);
    EXPECT(sealed_box_stream_finish(sealing, &end, &end_length) == SEALED_BOX_STATUS_OK && end_length > 0);
    sealed_box_bytes_free(sealed, sealed_length);
    sealed_box_bytes_free(end, end_length);
    sealed_box_stream_free(sealing);
}

static void compute(void) {
    const double middle = 0.5;
    double mean = 0.0, quantile = 0.0, block[BLOCK];
    size_t taken = 0;
    SignalStatsBlock popped;
    SignalStatsStatus status;
    memset(&popped, 0, sizeof popped);
    EXPECT(signal_stats_mean(stats, values, VALUES, &mean) == SIGNAL_STATS_STATUS_OK && mean == mean_of_all);
    EXPECT(signal_stats_checksum(stats, values, VALUES, &(uint32_t){0}) == SIGNAL_STATS_STATUS_OK);
    status = signal_stats_sketch_add(sketch, values, VALUES);
    EXPECT(status == SIGNAL_STATS_STATUS_OK || status == SIGNAL_STATS_STATUS_BUSY);
    status = signal_stats_sketch_quantiles(sketch, &middle, 1, &quantile, 1);
    EXPECT(status == SIGNAL_STATS_STATUS_OK || status == SIGNAL_STATS_STATUS_BUSY);
    status = signal_stats_stream_push(stream, values, BLOCK, &taken);
    EXPECT((status == SIGNAL_STATS_STATUS_OK && taken <= BLOCK) || status == SIGNAL_STATS_STATUS_BUSY);
    status = signal_stats_stream_pop(stream, block, BLOCK, &popped);
    EXPECT(status == SIGNAL_STATS_STATUS_OK || status == SIGNAL_STATS_STATUS_BUSY);
}

static void *work(void *number) {
    for (int round = 0; round < rounds; round++) {
        validate();
        seal((unsigned)(size_t)number);
        compute();
    }
    return NULL;
}

int main(int argc, char **argv) {
    const EmailValidatorText blocked = {"FREE", 4};
    EmailValidatorOptions options;
    EmailValidatorCallbacks look;
    SealedBoxCallbacks audited;
    SignalStatsCallbacks watched;
    pthread_t threads[THREADS];

    rounds = argc > 1 ? atoi(argv[1]) : 100;
    faulty = argc > 2 && strcmp(argv[2], "faulty") == 0;
    memset(&options, 0, sizeof options);
    memset(&look, 0, sizeof look);
    memset(&audited, 0, sizeof audited);
    memset(&watched, 0, sizeof watched);
    options.struct_size = sizeof options;
    options.blocked_emails = &blocked;
    options.blocked_emails_count = 1;
    look.struct_size = sizeof look;
    look.user_data = &look_ups;
    look.is_free_email = is_free;
    audited.struct_size = sizeof audited;
    audited.user_data = &uses;
    audited.audit = audit;
    watched.struct_size = sizeof watched;
    watched.user_data = &observed;
    watched.observe = observe;
    for (int at = 0; at < VALUES; at++)
        values[at] = at * 0.1;

    EXPECT(email_validator_new(&options, &look, &validator) == EMAIL_VALIDATOR_STATUS_OK);
    EXPECT(sealed_box_new(NULL, &audited, &box) == SEALED_BOX_STATUS_OK);
    EXPECT(sealed_box_key_generate(box, SEALED_BOX_ALGORITHM_XCHACHA20_POLY1305, 7, &shared_key) == SEALED_BOX_STATUS_OK);
    EXPECT(signal_stats_new(&watched, &stats) == SIGNAL_STATS_STATUS_OK);
    EXPECT(signal_stats_stream_new(stats, 4, BLOCK, NULL, 0, &stream) == SIGNAL_STATS_STATUS_OK);
    EXPECT(signal_stats_sketch_new(stats, 8, &sketch) == SIGNAL_STATS_STATUS_OK);
    EXPECT(signal_stats_mean(stats, values, VALUES, &mean_of_all) == SIGNAL_STATS_STATUS_OK);

    for (size_t number = 0; number < THREADS; number++)
        EXPECT(pthread_create(&threads[number], NULL, work, (void *)number) == 0);
    for (size_t number = 0; number < THREADS; number++)
        EXPECT(pthread_join(threads[number], NULL) == 0);

    signal_stats_sketch_free(sketch);
    signal_stats_stream_free(stream);
    signal_stats_free(stats);
    sealed_box_key_free(shared_key);
    sealed_box_free(box);
    email_validator_free(validator);
    EXPECT(atomic_load(&look_ups) > 0 && atomic_load(&uses) > 0 && atomic_load(&observed) > 0);
    printf("%u look-ups, %u uses of keys, %u calls observed\n", look_ups, uses, observed);
    return 0;
}
