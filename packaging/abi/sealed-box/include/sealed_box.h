#ifndef SEALED_BOX_H
#define SEALED_BOX_H

#define SEALED_BOX_VERSION "0.1.0"
#define SEALED_BOX_FINGERPRINT "e7644bc686003eef535b0d3716f026b20798993f8568293c892e32daba7a946e"
#define SEALED_BOX_INTERFACE "bd17ef4a0a8a70e5c865b2df01d3a70031b271fbf0a90271009064f38f635724"

#include <stddef.h>
#include <stdint.h>

/**
 * The version of this interface. A library with another number must not be used with this header.
 */
#define SEALED_BOX_ABI_VERSION 1

/**
 * The most bytes that a message and what is associated with it may have together, or all items of a batch, or a piece
 * of a stream: 64 MiB.
 */
#define SEALED_BOX_MAX_LENGTH 67108864

/**
 * The most items an array may have.
 */
#define SEALED_BOX_MAX_COUNT 1048576

/**
 * What a call came to. The set is closed for this ABI version: no other value is ever returned.
 */
enum SealedBoxStatus
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It worked, and every out-pointer was written. With any other status none was.
     */
    SEALED_BOX_STATUS_OK = 0,
    /**
     * A pointer is null that must not be.
     */
    SEALED_BOX_STATUS_NULL_POINTER = 1,
    /**
     * A pointer does not have the alignment of what it points to.
     */
    SEALED_BOX_STATUS_MISALIGNED = 2,
    /**
     * The memory for a result overlaps other memory of the same call.
     */
    SEALED_BOX_STATUS_OVERLAP = 3,
    /**
     * A length or a count is beyond its limit.
     */
    SEALED_BOX_STATUS_TOO_LONG = 4,
    /**
     * A text is not UTF-8.
     */
    SEALED_BOX_STATUS_NOT_UTF8 = 5,
    /**
     * A structure has an impossible size, a flag that is neither 0 nor 1, or a reserved field that is not 0.
     */
    SEALED_BOX_STATUS_INVALID_STRUCT = 6,
    /**
     * A fault of the library. It was contained; handles can still be freed.
     */
    SEALED_BOX_STATUS_INTERNAL = 10,
    /**
     * Two threads use one stream or one hash at the same time.
     */
    SEALED_BOX_STATUS_BUSY = 11,
    /**
     * No algorithm has this name or number.
     */
    SEALED_BOX_STATUS_UNKNOWN_ALGORITHM = 16,
    /**
     * The policy does not allow the algorithm or the operation.
     */
    SEALED_BOX_STATUS_NOT_ALLOWED = 17,
    /**
     * The key is of another algorithm, another number or another half than the operation needs.
     */
    SEALED_BOX_STATUS_WRONG_KEY = 18,
    /**
     * The bytes are no key of this algorithm.
     */
    SEALED_BOX_STATUS_INVALID_KEY = 19,
    /**
     * The nonce does not have the length that the algorithm asks for.
     */
    SEALED_BOX_STATUS_INVALID_NONCE = 20,
    /**
     * The algorithm cannot make a result of this length.
     */
    SEALED_BOX_STATUS_INVALID_LENGTH = 21,
    /**
     * The bytes are no envelope, or one of another operation.
     */
    SEALED_BOX_STATUS_MALFORMED = 22,
    /**
     * The envelope is of a version that this release does not know.
     */
    SEALED_BOX_STATUS_UNSUPPORTED_VERSION = 23,
    /**
     * What was checked is not genuine: sealed otherwise, altered, cut, or signed by another key.
     */
    SEALED_BOX_STATUS_REJECTED = 24,
    /**
     * The key or the stream has been used as often as is safe.
     */
    SEALED_BOX_STATUS_EXHAUSTED = 25,
    /**
     * The source of random bytes failed.
     */
    SEALED_BOX_STATUS_ENTROPY_FAILED = 26,
    /**
     * The stream or the hash has ended, by its end or by a failure.
     */
    SEALED_BOX_STATUS_STREAM_ENDED = 27,
    /**
     * There is not enough memory for the result.
     */
    SEALED_BOX_STATUS_OUT_OF_MEMORY = 28,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum SealedBoxStatus SealedBoxStatus;
#else
typedef int32_t SealedBoxStatus;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The algorithms. A later release may know more.
 */
enum SealedBoxAlgorithm
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * AES-256-GCM (NIST SP 800-38D), nonces of 96 bits. A key seals at most 2³² messages.
     */
    SEALED_BOX_ALGORITHM_AES256_GCM = 257,
    /**
     * ChaCha20-Poly1305 (RFC 8439). A key seals at most 2³² messages.
     */
    SEALED_BOX_ALGORITHM_CHACHA20_POLY1305 = 258,
    /**
     * XChaCha20-Poly1305, nonces of 192 bits. Streams are sealed with it.
     */
    SEALED_BOX_ALGORITHM_XCHACHA20_POLY1305 = 259,
    /**
     * AES-256-GCM-SIV (RFC 8452). A key seals at most 2³² messages.
     */
    SEALED_BOX_ALGORITHM_AES256_GCM_SIV = 260,
    /**
     * HMAC-SHA-256 (RFC 2104): keys of 16 to 1024 bytes.
     */
    SEALED_BOX_ALGORITHM_HMAC_SHA256 = 513,
    /**
     * HMAC-SHA-512 (RFC 2104): keys of 16 to 1024 bytes.
     */
    SEALED_BOX_ALGORITHM_HMAC_SHA512 = 514,
    /**
     * HKDF-SHA-256 (RFC 5869): keys of 16 to 1024 bytes.
     */
    SEALED_BOX_ALGORITHM_HKDF_SHA256 = 769,
    /**
     * Ed25519 (RFC 8032), verified strictly.
     */
    SEALED_BOX_ALGORITHM_ED25519 = 1025,
    /**
     * X25519 (RFC 7748); a shared secret of zeros is rejected.
     */
    SEALED_BOX_ALGORITHM_X25519 = 1281,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum SealedBoxAlgorithm SealedBoxAlgorithm;
#else
typedef uint32_t SealedBoxAlgorithm;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What is done with a key, as envelopes and the audit write it.
 */
enum SealedBoxOperation
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Bytes become a key.
     */
    SEALED_BOX_OPERATION_IMPORT = 1,
    /**
     * Random bytes become a key.
     */
    SEALED_BOX_OPERATION_GENERATE = 2,
    /**
     * A key becomes bytes.
     */
    SEALED_BOX_OPERATION_EXPORT = 3,
    /**
     * A message becomes an envelope.
     */
    SEALED_BOX_OPERATION_SEAL = 4,
    /**
     * An envelope becomes a message.
     */
    SEALED_BOX_OPERATION_OPEN = 5,
    /**
     * A message is sealed with the caller's nonce.
     */
    SEALED_BOX_OPERATION_ENCRYPT = 6,
    /**
     * The opposite of that.
     */
    SEALED_BOX_OPERATION_DECRYPT = 7,
    /**
     * A stream is sealed.
     */
    SEALED_BOX_OPERATION_SEAL_STREAM = 8,
    /**
     * A stream is opened.
     */
    SEALED_BOX_OPERATION_OPEN_STREAM = 9,
    /**
     * A keyed hash is computed or checked.
     */
    SEALED_BOX_OPERATION_HASH = 10,
    /**
     * A key or bytes are derived from a key.
     */
    SEALED_BOX_OPERATION_DERIVE = 11,
    /**
     * A message is signed.
     */
    SEALED_BOX_OPERATION_SIGN = 12,
    /**
     * A signature is verified.
     */
    SEALED_BOX_OPERATION_VERIFY = 13,
    /**
     * Two parties agree on a key.
     */
    SEALED_BOX_OPERATION_AGREE = 14,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum SealedBoxOperation SealedBoxOperation;
#else
typedef uint32_t SealedBoxOperation;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A box: what is allowed, and the caller's functions.
 *
 * It never changes, so one may be used from any number of threads at once. It is made by `sealed_box_new` and ended by
 * `sealed_box_free`, which must not run while another thread still uses it, and after which it must not be used: that
 * cannot be noticed.
 */
typedef struct SealedBox SealedBox;

/**
 * A key. Its bytes are overwritten when it is freed. It needs nothing that it was made with, neither the box nor the key
 * that it was derived from.
 *
 * One may be used from any number of threads at once, and with any box whose options allow its algorithm. It is ended
 * by `sealed_box_key_free`, which must not run while another thread still uses it, and after which it must not be used:
 * that cannot be noticed.
 */
typedef struct SealedBoxKey SealedBoxKey;

/**
 * A stream that is being sealed or opened, or a keyed hash. A second thread that uses it meanwhile gets
 * `SEALED_BOX_STATUS_BUSY`. It needs nothing that it was made with, neither the box nor the key, and calls none of the
 * caller's functions. It is ended by `sealed_box_stream_free`.
 */
typedef struct SealedBoxStream SealedBoxStream;

/**
 * What is allowed. The default, for a null pointer, is XChaCha20-Poly1305, HMAC-SHA-256, HKDF-SHA-256, Ed25519 and
 * X25519, without the callers' nonces and without export.
 */
typedef struct SealedBoxOptions {
    /**
     * `sizeof(SealedBoxOptions)`.
     */
    uint32_t struct_size;
    /**
     * 1 lets a caller choose nonces, in `sealed_box_encrypt` and `sealed_box_decrypt`; 0 does not. Whoever uses a nonce
     * twice loses the key.
     */
    uint8_t allow_caller_nonces;
    /**
     * 1 lets keys and derived bytes leave the library, by `sealed_box_key_export` and `sealed_box_derive`; 0 does not.
     */
    uint8_t allow_export;
    /**
     * Must be 0.
     */
    uint8_t reserved[2];
    /**
     * The algorithms that are allowed, each a `SealedBoxAlgorithm`. Null, with a count of 0, allows those of the
     * default.
     */
    const uint32_t *algorithms;
    /**
     * How many there are; at most `SEALED_BOX_MAX_COUNT`.
     */
    size_t algorithms_count;
} SealedBoxOptions;

/**
 * A use of a key. Nothing of it is secret.
 */
typedef struct SealedBoxKeyUse {
    /**
     * What was done: a `SealedBoxOperation`.
     */
    uint32_t operation;
    /**
     * The key's algorithm: a `SealedBoxAlgorithm`.
     */
    uint32_t algorithm;
    /**
     * The number that the caller gave to the key.
     */
    uint64_t key_id;
    /**
     * What it came to.
     */
    SealedBoxStatus status;
    /**
     * Always 0.
     */
    uint32_t reserved;
} SealedBoxKeyUse;

/**
 * Told after each use of a key, also of those that were refused. `key_use` is gone when the function returns.
 */
typedef void (*SealedBoxAudit)(void *user_data, const struct SealedBoxKeyUse *key_use);

/**
 * Told after each call of a function that takes a box and returns a status: the function's name (static, with a NUL),
 * how long it took, and what it returns.
 */
typedef void (*SealedBoxObserve)(void *user_data,
                                 const char *function,
                                 uint64_t duration_nanoseconds,
                                 SealedBoxStatus status);

/**
 * Told, once, that the library calls none of the functions any more and does not use `user_data` again: when the box
 * is freed, and every call has ended that may call them. It is called in the thread in which that happened, may call
 * the library in turn, and leaves no message.
 *
 * It is not called if `sealed_box_new` fails: then the library has kept nothing, and all is still the caller's.
 */
typedef void (*SealedBoxRelease)(void *user_data);

/**
 * The caller's functions. Both may be null.
 *
 * They are called from the thread that called the library, so from several at once where a box is shared, and may call
 * the library in turn, and also free what the call uses: it stays until the call has ended. They must return: no C++
 * exception and no longjmp may leave them.
 */
typedef struct SealedBoxCallbacks {
    /**
     * `sizeof(SealedBoxCallbacks)`.
     */
    uint32_t struct_size;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * Handed to every function as it is. It must stay usable until `release` is called: until the box is freed,
     * and, where a callback frees it, until the call that was running has ended.
     */
    void *user_data;
    /**
     * Takes the uses of keys.
     */
    SealedBoxAudit audit;
    /**
     * Takes the measurements.
     */
    SealedBoxObserve observe;
    /**
     * Told when the functions are needed no more. May be null; a structure that ends before it has none.
     */
    SealedBoxRelease release;
} SealedBoxCallbacks;

/**
 * One item of a batch. What is empty may be null. No callback of the call may change what it points to.
 */
typedef struct SealedBoxItem {
    /**
     * The message, or the envelope to open.
     */
    const uint8_t *data;
    /**
     * How many bytes it has.
     */
    size_t data_length;
    /**
     * What is authenticated with it; the signature where one is verified; nothing where it is hashed.
     */
    const uint8_t *associated;
    /**
     * How many bytes that has.
     */
    size_t associated_length;
} SealedBoxItem;

/**
 * The parts of an envelope.
 */
typedef struct SealedBoxEnvelope {
    /**
     * What made it: a `SealedBoxOperation`.
     */
    uint32_t operation;
    /**
     * With which algorithm: a `SealedBoxAlgorithm`.
     */
    uint32_t algorithm;
    /**
     * The number that the caller gave to the key.
     */
    uint64_t key_id;
    /**
     * What it came to. A failure has no payload.
     */
    SealedBoxStatus status;
    /**
     * Always 0.
     */
    uint32_t reserved;
    /**
     * Where the payload starts, from the start of the envelope.
     */
    size_t payload_offset;
    /**
     * How many bytes the payload has.
     */
    size_t payload_length;
    /**
     * How many bytes the envelope has; the next one starts there.
     */
    size_t length;
} SealedBoxEnvelope;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The `SEALED_BOX_ABI_VERSION` the library was built with.
 */
uint32_t sealed_box_abi_version(void);

/**
 * What this library is: a JSON object with `name`, `version`, `commit`, `fingerprint`, `interface`, `target`,
 * `rustc` (texts), `dependencies` (name to version) and `cryptography` (name to an object with `version` and `sha256`,
 * the checksum of the crate in the lock file).
 *
 * The text ends with a NUL, is valid as long as the library is loaded, and is not freed.
 */
const char *sealed_box_build_info(void);

/**
 * Makes a box and writes it to `sealed_box`. It is freed with `sealed_box_free`.
 *
 * `options` may be null for the default, and `callbacks` if nobody listens. Both structures and all they point to are
 * copied; only `user_data` is kept as it is.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; a structure has as many bytes as its `struct_size`.
 */
SealedBoxStatus sealed_box_new(const struct SealedBoxOptions *options,
                               const struct SealedBoxCallbacks *callbacks,
                               struct SealedBox **sealed_box);

/**
 * Ends a box. Null is allowed and does nothing. Its keys and streams stay usable.
 *
 * # Safety
 *
 * `sealed_box` is null or comes from `sealed_box_new`, was not freed before, and no other thread uses it.
 */
void sealed_box_free(struct SealedBox *sealed_box);

/**
 * Overwrites and frees bytes that this library handed out. Null is allowed and does nothing.
 *
 * # Safety
 *
 * `bytes` and `length` are what this library wrote, and were not freed before; or `bytes` is null.
 */
void sealed_box_bytes_free(uint8_t *bytes, size_t length);

/**
 * Copies the message of the last call in this thread that returned a status, empty if that was
 * `SEALED_BOX_STATUS_OK`, and a NUL to `buffer`. What does not fit is cut between two characters. No message holds a
 * key, a text or a part of one.
 *
 * Returns the length of the whole message without the NUL, so that `sealed_box_last_error(NULL, 0) + 1` is the size to
 * provide.
 *
 * # Safety
 *
 * `buffer` is null, or `length` bytes may be written there.
 */
size_t sealed_box_last_error(char *buffer, size_t length);

/**
 * Seals many messages: their envelopes one after the other, in the order of the items. A failure is an envelope with
 * that status. They are freed with `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; `items` to `count` items.
 */
SealedBoxStatus sealed_box_seal_batch(const struct SealedBox *sealed_box,
                                      const struct SealedBoxKey *key,
                                      const struct SealedBoxItem *items,
                                      size_t count,
                                      uint8_t **envelopes,
                                      size_t *envelopes_length);

/**
 * Opens many envelopes: for each, an envelope of the operation `OPEN` with the message, in the order of the items. They
 * are freed, and overwritten, with `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; `items` to `count` items.
 */
SealedBoxStatus sealed_box_open_batch(const struct SealedBox *sealed_box,
                                      const struct SealedBoxKey *key,
                                      const struct SealedBoxItem *items,
                                      size_t count,
                                      uint8_t **envelopes,
                                      size_t *envelopes_length);

/**
 * Hashes many messages: for each, an envelope with the tag, in the order of the items. They are freed with
 * `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; `items` to `count` items.
 */
SealedBoxStatus sealed_box_hash_batch(const struct SealedBox *sealed_box,
                                      const struct SealedBoxKey *key,
                                      const struct SealedBoxItem *items,
                                      size_t count,
                                      uint8_t **envelopes,
                                      size_t *envelopes_length);

/**
 * Verifies many signatures: for each, an envelope with the outcome, in the order of the items. They are freed with
 * `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; `items` to `count` items.
 */
SealedBoxStatus sealed_box_verify_batch(const struct SealedBox *sealed_box,
                                        const struct SealedBoxKey *key,
                                        const struct SealedBoxItem *items,
                                        size_t count,
                                        uint8_t **envelopes,
                                        size_t *envelopes_length);

/**
 * Reads the envelope at the start of `bytes`, without opening it.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; `bytes` to `bytes_length` bytes.
 */
SealedBoxStatus sealed_box_envelope_read(const uint8_t *bytes, size_t bytes_length, struct SealedBoxEnvelope *envelope);

/**
 * Derives `length` bytes, at most 8160, if `allow_export` is 1. `salt` may be empty; `info` says what they are for.
 * They are freed, and overwritten, with `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_derive(const struct SealedBox *sealed_box,
                                  const struct SealedBoxKey *key,
                                  const uint8_t *salt,
                                  size_t salt_length,
                                  const uint8_t *info,
                                  size_t info_length,
                                  size_t length,
                                  uint8_t **bytes,
                                  size_t *bytes_length);

/**
 * Derives a key for another algorithm, with a number of its own. It is freed with `sealed_box_key_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_derive_key(const struct SealedBox *sealed_box,
                                      const struct SealedBoxKey *key,
                                      const uint8_t *salt,
                                      size_t salt_length,
                                      const uint8_t *info,
                                      size_t info_length,
                                      uint32_t algorithm,
                                      uint64_t id,
                                      struct SealedBoxKey **derived);

/**
 * Agrees with a peer, of whom `peer` is the public half, on a key for HKDF-SHA-256 with the number `id`. It is freed
 * with `sealed_box_key_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_agree(const struct SealedBox *sealed_box,
                                 const struct SealedBoxKey *key,
                                 const uint8_t *peer,
                                 size_t peer_length,
                                 uint64_t id,
                                 struct SealedBoxKey **agreed);

/**
 * Computes a keyed hash. The tag is freed with `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_hash(const struct SealedBox *sealed_box,
                                const struct SealedBoxKey *key,
                                const uint8_t *message,
                                size_t message_length,
                                uint8_t **tag,
                                size_t *tag_length);

/**
 * Checks a keyed hash in constant time: `SEALED_BOX_STATUS_OK` or `SEALED_BOX_STATUS_REJECTED`. A tag that was cut is
 * rejected.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_hash_check(const struct SealedBox *sealed_box,
                                      const struct SealedBoxKey *key,
                                      const uint8_t *message,
                                      size_t message_length,
                                      const uint8_t *tag,
                                      size_t tag_length);

/**
 * Compares in constant time, which depends on the lengths alone. Writes 1 if the bytes are the same, and 0 if not.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_equal(const uint8_t *one,
                                 size_t one_length,
                                 const uint8_t *other,
                                 size_t other_length,
                                 uint8_t *are_equal);

/**
 * Makes a key from its bytes, which are copied; the caller overwrites its own. It is freed with `sealed_box_key_free`.
 *
 * `algorithm` is a `SealedBoxAlgorithm`. `id` is the caller's own number for the key: it is written into envelopes, and
 * told to the audit.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; `bytes` to `bytes_length` bytes.
 */
SealedBoxStatus sealed_box_key_import(const struct SealedBox *sealed_box,
                                      uint32_t algorithm,
                                      uint64_t id,
                                      const uint8_t *bytes,
                                      size_t bytes_length,
                                      struct SealedBoxKey **key);

/**
 * Makes a key from the public half of somebody's Ed25519 pair, which verifies. It is freed with `sealed_box_key_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; `bytes` to `bytes_length` bytes.
 */
SealedBoxStatus sealed_box_key_import_public(const struct SealedBox *sealed_box,
                                             uint32_t algorithm,
                                             uint64_t id,
                                             const uint8_t *bytes,
                                             size_t bytes_length,
                                             struct SealedBoxKey **key);

/**
 * Makes a new key from random bytes of the operating system. It is freed with `sealed_box_key_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says.
 */
SealedBoxStatus sealed_box_key_generate(const struct SealedBox *sealed_box,
                                        uint32_t algorithm,
                                        uint64_t id,
                                        struct SealedBoxKey **key);

/**
 * Writes the public half of an Ed25519 or X25519 key, 32 bytes. They are freed with `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says.
 */
SealedBoxStatus sealed_box_key_public(const struct SealedBoxKey *key, uint8_t **bytes, size_t *bytes_length);

/**
 * Writes the bytes of a key, if `allow_export` is 1. They are freed, and overwritten, with `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says.
 */
SealedBoxStatus sealed_box_key_export(const struct SealedBox *sealed_box,
                                      const struct SealedBoxKey *key,
                                      uint8_t **bytes,
                                      size_t *bytes_length);

/**
 * Ends a key: its bytes are overwritten. Null is allowed and does nothing.
 *
 * # Safety
 *
 * `key` is null or comes from this library, was not freed before, and no other thread uses it.
 */
void sealed_box_key_free(struct SealedBoxKey *key);

/**
 * Seals a message into an envelope. What is associated is authenticated, is not in the envelope, and may be empty.
 * The envelope is freed with `sealed_box_bytes_free`.
 *
 * An envelope is `SBOX`, then big-endian: version (1 byte: 1), operation (1), algorithm (2), status (2: 0), reserved
 * (2: 0), key id (8), length of the nonce (4), nonce, length of the payload (4), payload: the sealed text and its tag.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_seal(const struct SealedBox *sealed_box,
                                const struct SealedBoxKey *key,
                                const uint8_t *associated,
                                size_t associated_length,
                                const uint8_t *message,
                                size_t message_length,
                                uint8_t **sealed,
                                size_t *sealed_length);

/**
 * Opens an envelope. The message is freed, and overwritten, with `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_open(const struct SealedBox *sealed_box,
                                const struct SealedBoxKey *key,
                                const uint8_t *associated,
                                size_t associated_length,
                                const uint8_t *sealed,
                                size_t sealed_length,
                                uint8_t **message,
                                size_t *message_length);

/**
 * Seals with the caller's nonce, if `allow_caller_nonces` is 1: text and tag, without an envelope. They are freed with
 * `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_encrypt(const struct SealedBox *sealed_box,
                                   const struct SealedBoxKey *key,
                                   const uint8_t *nonce,
                                   size_t nonce_length,
                                   const uint8_t *associated,
                                   size_t associated_length,
                                   const uint8_t *message,
                                   size_t message_length,
                                   uint8_t **sealed,
                                   size_t *sealed_length);

/**
 * Opens what `sealed_box_encrypt` made. The message is freed, and overwritten, with `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_decrypt(const struct SealedBox *sealed_box,
                                   const struct SealedBoxKey *key,
                                   const uint8_t *nonce,
                                   size_t nonce_length,
                                   const uint8_t *associated,
                                   size_t associated_length,
                                   const uint8_t *sealed,
                                   size_t sealed_length,
                                   uint8_t **message,
                                   size_t *message_length);

/**
 * Signs a message. The signature, 64 bytes, is freed with `sealed_box_bytes_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_sign(const struct SealedBox *sealed_box,
                                const struct SealedBoxKey *key,
                                const uint8_t *message,
                                size_t message_length,
                                uint8_t **signature,
                                size_t *signature_length);

/**
 * Verifies a signature: `SEALED_BOX_STATUS_OK` or `SEALED_BOX_STATUS_REJECTED`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_verify(const struct SealedBox *sealed_box,
                                  const struct SealedBoxKey *key,
                                  const uint8_t *message,
                                  size_t message_length,
                                  const uint8_t *signature,
                                  size_t signature_length);

/**
 * Begins to seal a stream with an XChaCha20-Poly1305 key. It is freed with `sealed_box_stream_free`.
 *
 * The bytes that come out do not depend on the pieces in which the message goes in.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_stream_seal(const struct SealedBox *sealed_box,
                                       const struct SealedBoxKey *key,
                                       const uint8_t *associated,
                                       size_t associated_length,
                                       struct SealedBoxStream **stream);

/**
 * Begins to open a stream. It is freed with `sealed_box_stream_free`.
 *
 * What comes out is genuine and in order; that it is all is known when `sealed_box_stream_finish` succeeds.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_stream_open(const struct SealedBox *sealed_box,
                                       const struct SealedBoxKey *key,
                                       const uint8_t *associated,
                                       size_t associated_length,
                                       struct SealedBoxStream **stream);

/**
 * Begins a keyed hash of a message that comes in pieces: they go in by `sealed_box_stream_push`, which gives no bytes,
 * and the tag comes from `sealed_box_stream_finish`. It is freed with `sealed_box_stream_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says.
 */
SealedBoxStatus sealed_box_stream_hash(const struct SealedBox *sealed_box,
                                       const struct SealedBoxKey *key,
                                       struct SealedBoxStream **stream);

/**
 * Takes the next piece. Writes what came of it, null if that is nothing yet; it is freed with `sealed_box_bytes_free`.
 * A stream that failed has ended.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says, bytes to as many as their length says.
 */
SealedBoxStatus sealed_box_stream_push(const struct SealedBoxStream *stream,
                                       const uint8_t *piece,
                                       size_t piece_length,
                                       uint8_t **bytes,
                                       size_t *bytes_length);

/**
 * Ends a stream and writes the rest, null if that is nothing; it is freed with `sealed_box_bytes_free`. The stream
 * itself is freed with `sealed_box_stream_free` also then.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says.
 */
SealedBoxStatus sealed_box_stream_finish(const struct SealedBoxStream *stream, uint8_t **bytes, size_t *bytes_length);

/**
 * Ends a stream or a hash. Null is allowed and does nothing.
 *
 * # Safety
 *
 * `stream` is null or comes from this library, was not freed before, and no other thread uses it.
 */
void sealed_box_stream_free(struct SealedBoxStream *stream);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SEALED_BOX_H */
