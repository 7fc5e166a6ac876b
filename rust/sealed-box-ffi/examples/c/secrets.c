/* Uses secrets that valgrind takes for undefined, so that it reports each branch and each address that depends on one.
 *
 *     valgrind --error-exitcode=9 ./secrets seal
 *
 * The argument is what to do. What becomes public by design (an envelope, a tag, a signature, a public key, a message
 * that was opened, a status) is declared defined again before this program looks at it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/memcheck.h>

#include "sealed_box.h"

static const uint32_t sealing[] = {
    SEALED_BOX_ALGORITHM_AES256_GCM,
    SEALED_BOX_ALGORITHM_AES256_GCM_SIV,
    SEALED_BOX_ALGORITHM_CHACHA20_POLY1305,
    SEALED_BOX_ALGORITHM_XCHACHA20_POLY1305,
};
static const uint32_t all[] = {
    SEALED_BOX_ALGORITHM_AES256_GCM,
    SEALED_BOX_ALGORITHM_AES256_GCM_SIV,
    SEALED_BOX_ALGORITHM_CHACHA20_POLY1305,
    SEALED_BOX_ALGORITHM_XCHACHA20_POLY1305,
    SEALED_BOX_ALGORITHM_HMAC_SHA256,
    SEALED_BOX_ALGORITHM_HMAC_SHA512,
    SEALED_BOX_ALGORITHM_HKDF_SHA256,
    SEALED_BOX_ALGORITHM_ED25519,
    SEALED_BOX_ALGORITHM_X25519,
};
static const uint8_t base_point[32] = {9};

/* Not a multiple of any block, so that the last block is a part of one. */
enum { MESSAGE_LENGTH = 1003 };

static uint8_t message[MESSAGE_LENGTH];
static SealedBox *box;

/* The status of a call, which is public. */
static void expect_ok(SealedBoxStatus status)
{
    VALGRIND_MAKE_MEM_DEFINED(&status, sizeof status);
    if (status != SEALED_BOX_STATUS_OK) {
        fprintf(stderr, "status %d\n", (int)status);
        exit(1);
    }
}

static SealedBoxKey *secret_key(uint32_t algorithm, uint8_t seed)
{
    uint8_t bytes[32];
    SealedBoxKey *key = NULL;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(seed + 7 * i);
    VALGRIND_MAKE_MEM_UNDEFINED(bytes, sizeof bytes);
    expect_ok(sealed_box_key_import(box, algorithm, 1, bytes, sizeof bytes, &key));
    return key;
}

static void free_public(uint8_t *bytes, size_t length)
{
    VALGRIND_MAKE_MEM_DEFINED(bytes, length);
    sealed_box_bytes_free(bytes, length);
}

static void seal(void)
{
    for (size_t i = 0; i < sizeof sealing / sizeof *sealing; i++) {
        uint8_t *bytes = NULL;
        size_t length = 0;
        SealedBoxKey *key = secret_key(sealing[i], 1);
        expect_ok(sealed_box_seal(box, key, base_point, sizeof base_point, message, sizeof message, &bytes, &length));
        free_public(bytes, length);
        sealed_box_key_free(key);
    }
}

/* What is opened was sealed under a key that only looks secret to valgrind: the same bytes, so that it is genuine. */
static void open_sealed(void)
{
    for (size_t i = 0; i < sizeof sealing / sizeof *sealing; i++) {
        uint8_t *sealed = NULL, *opened = NULL;
        size_t sealed_length = 0, opened_length = 0;
        SealedBoxKey *key = secret_key(sealing[i], 2);
        expect_ok(sealed_box_seal(box, key, NULL, 0, message, sizeof message, &sealed, &sealed_length));
        VALGRIND_MAKE_MEM_DEFINED(sealed, sealed_length);
        expect_ok(sealed_box_open(box, key, NULL, 0, sealed, sealed_length, &opened, &opened_length));
        free_public(opened, opened_length);
        free_public(sealed, sealed_length);
        sealed_box_key_free(key);
    }
}

static void stream(void)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    SealedBoxStream *sealer = NULL;
    SealedBoxKey *key = secret_key(SEALED_BOX_ALGORITHM_XCHACHA20_POLY1305, 3);
    expect_ok(sealed_box_stream_seal(box, key, NULL, 0, &sealer));
    for (int i = 0; i < 70; i++) {
        expect_ok(sealed_box_stream_push(sealer, message, sizeof message, &bytes, &length));
        free_public(bytes, length);
    }
    expect_ok(sealed_box_stream_finish(sealer, &bytes, &length));
    free_public(bytes, length);
    sealed_box_stream_free(sealer);
    sealed_box_key_free(key);
}

static void hash(void)
{
    static const uint32_t hashing[] = {SEALED_BOX_ALGORITHM_HMAC_SHA256, SEALED_BOX_ALGORITHM_HMAC_SHA512};
    for (size_t i = 0; i < sizeof hashing / sizeof *hashing; i++) {
        uint8_t *bytes = NULL;
        size_t length = 0;
        SealedBoxKey *key = secret_key(hashing[i], 4);
        expect_ok(sealed_box_hash(box, key, message, sizeof message, &bytes, &length));
        VALGRIND_MAKE_MEM_DEFINED(bytes, length);
        expect_ok(sealed_box_hash_check(box, key, message, sizeof message, bytes, length));
        sealed_box_bytes_free(bytes, length);
        sealed_box_key_free(key);
    }
}

static void derive(void)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    SealedBoxKey *key = secret_key(SEALED_BOX_ALGORITHM_HKDF_SHA256, 5), *derived = NULL;
    expect_ok(sealed_box_derive(box, key, message, 16, message, 32, 100, &bytes, &length));
    sealed_box_bytes_free(bytes, length);
    expect_ok(sealed_box_derive_key(box, key, NULL, 0, NULL, 0, SEALED_BOX_ALGORITHM_ED25519, 2, &derived));
    sealed_box_key_free(derived);
    sealed_box_key_free(key);
}

static void sign(void)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    SealedBoxKey *key = secret_key(SEALED_BOX_ALGORITHM_ED25519, 6);
    expect_ok(sealed_box_sign(box, key, message, sizeof message, &bytes, &length));
    free_public(bytes, length);
    sealed_box_key_free(key);
}

static void agree(void)
{
    SealedBoxKey *key = secret_key(SEALED_BOX_ALGORITHM_X25519, 7), *agreed = NULL;
    expect_ok(sealed_box_agree(box, key, base_point, sizeof base_point, 2, &agreed));
    sealed_box_key_free(agreed);
    sealed_box_key_free(key);
}

static void equal(void)
{
    uint8_t secret[64] = {0}, are_equal = 0;
    VALGRIND_MAKE_MEM_UNDEFINED(secret, sizeof secret);
    expect_ok(sealed_box_equal(secret, sizeof secret, message, sizeof secret, &are_equal));
    VALGRIND_MAKE_MEM_DEFINED(&are_equal, sizeof are_equal);
    if (are_equal > 1)
        exit(1);
}

/* What valgrind has to report: it would see a branch, and an address. */
static void leak(void)
{
    static const uint8_t table[256] = {1};
    uint8_t secret = 5;
    volatile uint8_t sink;
    VALGRIND_MAKE_MEM_UNDEFINED(&secret, sizeof secret);
    sink = table[secret];
    if (secret == 5)
        sink = 1;
    (void)sink;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } works[] = {{"seal", seal}, {"open", open_sealed}, {"stream", stream}, {"hash", hash},   {"derive", derive},
                 {"sign", sign}, {"agree", agree},      {"equal", equal},   {"leak", leak}};
    SealedBoxOptions options = {0};
    options.struct_size = sizeof options;
    options.allow_export = 1;
    options.algorithms = all;
    options.algorithms_count = sizeof all / sizeof *all;
    expect_ok(sealed_box_new(&options, NULL, &box));
    for (size_t i = 0; argc == 2 && i < sizeof works / sizeof *works; i++) {
        if (strcmp(argv[1], works[i].name) == 0) {
            works[i].run();
            sealed_box_free(box);
            printf("%s done, %s\n", works[i].name, RUNNING_ON_VALGRIND ? "watched" : "not watched");
            return 0;
        }
    }
    fprintf(stderr, "usage: secrets seal|open|stream|hash|derive|sign|agree|equal|leak\n");
    return 2;
}
