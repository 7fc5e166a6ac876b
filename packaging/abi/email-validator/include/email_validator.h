#ifndef EMAIL_VALIDATOR_H
#define EMAIL_VALIDATOR_H

#define EMAIL_VALIDATOR_VERSION "0.1.0"
#define EMAIL_VALIDATOR_FINGERPRINT "1f56c27f17d896011899cb8dcc627bbe89fe84eba90955038421a3927742510e"
#define EMAIL_VALIDATOR_INTERFACE "48930e297b2e5dd01b8d4caa19db5cf60ebc980e78b873f163c990afe60e6719"

#include <stddef.h>
#include <stdint.h>

/**
 * The version of this interface. A library with another number must not be used with this header.
 */
#define EMAIL_VALIDATOR_ABI_VERSION 1

/**
 * The most bytes a text may have, 1 MiB. An address that could be valid is far shorter; the limit catches lengths
 * that come from a negative number.
 */
#define EMAIL_VALIDATOR_MAX_LENGTH 1048576

/**
 * The most items an array may have.
 */
#define EMAIL_VALIDATOR_MAX_COUNT 1048576

/**
 * What a call came to. The set is closed for this ABI version: no other value is ever returned.
 */
enum EmailValidatorStatus
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It worked, and every out-pointer was written. With any other status none was.
     */
    EMAIL_VALIDATOR_STATUS_OK = 0,
    /**
     * A pointer is null that must not be.
     */
    EMAIL_VALIDATOR_STATUS_NULL_POINTER = 1,
    /**
     * A pointer does not have the alignment of what it points to.
     */
    EMAIL_VALIDATOR_STATUS_MISALIGNED = 2,
    /**
     * The memory for a result overlaps other memory of the same call.
     */
    EMAIL_VALIDATOR_STATUS_OVERLAP = 3,
    /**
     * A length or a count is beyond its limit.
     */
    EMAIL_VALIDATOR_STATUS_TOO_LONG = 4,
    /**
     * A text is not UTF-8.
     */
    EMAIL_VALIDATOR_STATUS_NOT_UTF8 = 5,
    /**
     * A structure has an impossible size, a flag that is neither 0 nor 1, or a reserved field that is not 0.
     */
    EMAIL_VALIDATOR_STATUS_INVALID_STRUCT = 6,
    /**
     * `blocked_emails` names a type that does not exist.
     */
    EMAIL_VALIDATOR_STATUS_UNKNOWN_EMAIL_TYPE = 7,
    /**
     * A blocked type needs a look-up, and its callback is null.
     */
    EMAIL_VALIDATOR_STATUS_MISSING_CALLBACK = 8,
    /**
     * A look-up returned neither 0 nor 1.
     */
    EMAIL_VALIDATOR_STATUS_CALLBACK_FAILED = 9,
    /**
     * A fault of the library. It was contained; the validator can still be used and freed.
     */
    EMAIL_VALIDATOR_STATUS_INTERNAL = 10,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum EmailValidatorStatus EmailValidatorStatus;
#else
typedef int32_t EmailValidatorStatus;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How important a message is.
 */
enum EmailValidatorLogLevel
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Detail for whoever looks for a fault.
     */
    EMAIL_VALIDATOR_LOG_LEVEL_DEBUG = 0,
    /**
     * An event of ordinary work.
     */
    EMAIL_VALIDATOR_LOG_LEVEL_LOG = 1,
    /**
     * Something that works and probably is not meant.
     */
    EMAIL_VALIDATOR_LOG_LEVEL_WARN = 2,
    /**
     * Something that does not work.
     */
    EMAIL_VALIDATOR_LOG_LEVEL_ERROR = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum EmailValidatorLogLevel EmailValidatorLogLevel;
#else
typedef int32_t EmailValidatorLogLevel;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A validator: options that were understood, and the caller's functions.
 *
 * It never changes, so one may be used from any number of threads at once. It is made by `email_validator_new` and
 * ended by `email_validator_free`, which must not run while another thread still uses it, and after which it must not
 * be used: that cannot be noticed.
 */
typedef struct EmailValidator EmailValidator;

/**
 * A text of the caller: UTF-8, its length in bytes, no NUL needed. An empty text may be null.
 */
typedef struct EmailValidatorText {
    /**
     * Where it starts.
     */
    const char *data;
    /**
     * How many bytes it has; at most `EMAIL_VALIDATOR_MAX_LENGTH`.
     */
    size_t length;
} EmailValidatorText;

/**
 * What to demand of an address.
 */
typedef struct EmailValidatorOptions {
    /**
     * `sizeof(EmailValidatorOptions)`.
     */
    uint32_t struct_size;
    /**
     * 1 refuses a domain of a single label, such as `localhost`; 0 accepts it.
     */
    uint8_t require_top_level_domain;
    /**
     * 1 accepts an address literal as the domain, such as `[192.0.2.1]`; 0 refuses it.
     */
    uint8_t allow_domain_literal;
    /**
     * Must be 0.
     */
    uint8_t reserved[2];
    /**
     * The types to refuse: `FREE`, `DISPOSABLE`, `NO_MX_RECORDS`, `NO_GRAVATAR`, `INVALID`. An address that is not
     * well formed is refused as `INVALID` even if that is not named. Null if there are none.
     */
    const struct EmailValidatorText *blocked_emails;
    /**
     * How many there are; at most `EMAIL_VALIDATOR_MAX_COUNT`, with 64 MiB together.
     */
    size_t blocked_emails_count;
} EmailValidatorOptions;

/**
 * A look-up: returns 1 for yes and 0 for no. Any other value ends the call with
 * `EMAIL_VALIDATOR_STATUS_CALLBACK_FAILED`.
 *
 * `text` is UTF-8, has `length` bytes and a NUL after them, and is gone when the function returns.
 */
typedef int32_t (*EmailValidatorLookup)(void *user_data, const char *text, size_t length);

/**
 * Takes a message for the people who run the service. No message holds an address or a part of one.
 *
 * `message` is UTF-8, has `length` bytes and a NUL after them, and is gone when the function returns.
 */
typedef void (*EmailValidatorLog)(void *user_data, EmailValidatorLogLevel level, const char *message, size_t length);

/**
 * Told after each call of `email_validator_new`, `email_validator_check` and `email_validator_check_batch`: the
 * function's name (static, with a NUL), how long it took, and what it returns.
 */
typedef void (*EmailValidatorObserve)(void *user_data,
                                      const char *function,
                                      uint64_t duration_nanoseconds,
                                      EmailValidatorStatus status);

/**
 * Told, once, that the library calls none of the functions any more and does not use `user_data` again: when the
 * validator is freed, and every call has ended that may call them. It is called in the thread in which that happened,
 * may call the library in turn, and leaves no message.
 *
 * It is not called if `email_validator_new` fails: then the library has kept nothing, and all is still the caller's.
 */
typedef void (*EmailValidatorRelease)(void *user_data);

/**
 * The caller's functions. All may be null, except those that `blocked_emails` needs.
 *
 * They are called from the thread that called the library, so from several at once where a validator is shared, and
 * may call the library in turn, and also free the validator that called them. They must return: no C++ exception and
 * no longjmp may leave them.
 */
typedef struct EmailValidatorCallbacks {
    /**
     * `sizeof(EmailValidatorCallbacks)`.
     */
    uint32_t struct_size;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * Handed to every function as it is. It must stay usable until `release` is called: until the
     * validator is freed, and, where a callback frees it, until the call that was running has ended.
     */
    void *user_data;
    /**
     * Whether anybody can open a mailbox at this domain free of charge. Needed for `FREE`.
     */
    EmailValidatorLookup is_free_email;
    /**
     * Whether the domain hands out mailboxes meant to be thrown away. Needed for `DISPOSABLE`.
     */
    EmailValidatorLookup is_disposable_email;
    /**
     * Whether the domain says who receives its mail. Needed for `NO_MX_RECORDS`.
     */
    EmailValidatorLookup has_mx_records;
    /**
     * Whether the address has a Gravatar picture. Needed for `NO_GRAVATAR`.
     */
    EmailValidatorLookup has_gravatar;
    /**
     * Takes the messages.
     */
    EmailValidatorLog log;
    /**
     * Takes the measurements.
     */
    EmailValidatorObserve observe;
    /**
     * Told when the functions are needed no more. May be null; a structure that ends before it has none.
     */
    EmailValidatorRelease release;
} EmailValidatorCallbacks;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The `EMAIL_VALIDATOR_ABI_VERSION` the library was built with.
 */
uint32_t email_validator_abi_version(void);

/**
 * What this library is: a JSON object with `name`, `version`, `commit`, `fingerprint`, `interface`, `target`,
 * `rustc` (texts) and `dependencies` (name to version).
 *
 * The text ends with a NUL, is valid as long as the library is loaded, and is not freed.
 */
const char *email_validator_build_info(void);

/**
 * Makes a validator and writes it to `validator`. It is freed with `email_validator_free`.
 *
 * `callbacks` may be null if no blocked type needs a look-up. Both structures and all they point to are copied;
 * only `user_data` is kept as it is.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; a structure has as many bytes as its `struct_size`.
 */
EmailValidatorStatus email_validator_new(const struct EmailValidatorOptions *options,
                                         const struct EmailValidatorCallbacks *callbacks,
                                         struct EmailValidator **validator);

/**
 * Ends a validator. Null is allowed and does nothing. A callback may free the validator that called it: the call ends
 * as any other, may still call the callbacks, and only then is the validator gone.
 *
 * # Safety
 *
 * `validator` is null or comes from `email_validator_new`, was not freed before, and no other thread uses it.
 */
void email_validator_free(struct EmailValidator *validator);

/**
 * Decides about one address. Writes the decision to `decision` and its length to `decision_length`.
 *
 * The decision is JSON in UTF-8, `{"decision":"Allowed"}` or `{"decision":"Denied","blocked":["FREE"]}`, the blocked
 * types in the order of the options' documentation. A NUL follows, which the length does not count; a caller that
 * does not need the length passes null. The text is freed with `email_validator_string_free`.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; `candidate` to `candidate_length` bytes.
 */
EmailValidatorStatus email_validator_check(const struct EmailValidator *validator,
                                           const char *candidate,
                                           size_t candidate_length,
                                           char **decision,
                                           size_t *decision_length);

/**
 * Decides about many addresses in one call. Writes a JSON array to `decisions`, in the order of the addresses; each
 * item is what `email_validator_check` gives. Length, NUL and freeing are as there.
 *
 * All texts are copied and checked before the first look-up is made; together they may have at most 64 MiB, beyond
 * which the call ends with `EMAIL_VALIDATOR_STATUS_TOO_LONG`. If one cannot be read, or a look-up fails, there is no
 * result for any, and the message names the item, counted from 0.
 *
 * # Safety
 *
 * Each pointer is null or points to what its type says; `candidates` to `count` texts.
 */
EmailValidatorStatus email_validator_check_batch(const struct EmailValidator *validator,
                                                 const struct EmailValidatorText *candidates,
                                                 size_t count,
                                                 char **decisions,
                                                 size_t *decisions_length);

/**
 * Frees a text that this library handed out. Null is allowed and does nothing.
 *
 * # Safety
 *
 * `text` is null or comes from `email_validator_check` or `email_validator_check_batch`, and was not freed before.
 */
void email_validator_string_free(char *text);

/**
 * Copies the message of the last call in this thread that returned a status, empty if that was
 * `EMAIL_VALIDATOR_STATUS_OK`, and a NUL to `buffer`. What does not fit is cut between two characters.
 *
 * Returns the length of the whole message without the NUL, so that `email_validator_last_error(NULL, 0) + 1` is the
 * size to provide.
 *
 * # Safety
 *
 * `buffer` is null, or `length` bytes may be written there.
 */
size_t email_validator_last_error(char *buffer, size_t length);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* EMAIL_VALIDATOR_H */
