/*
 * Prints the decision about each address, one JSON text per line.
 *
 *     check [--block TYPE]... ADDRESS...
 *     check --build-info
 *
 * Built against the SDK, as C11 or as C++:
 *
 *     cc -std=c11 check.c -I include -L lib -lemail_validator -o check
 *
 * The look-ups below stand in for the lists and the DNS client of a real service.
 */
#include <email_validator.h>

#include <stdio.h>
#include <string.h>

#define MAX_BLOCKED 16

static int32_t is_free_email(void *user_data, const char *domain, size_t length) {
    (void)user_data;
    (void)length;
    return strcmp(domain, "gmail.com") == 0;
}

static int32_t is_disposable_email(void *user_data, const char *domain, size_t length) {
    (void)user_data;
    (void)length;
    return strcmp(domain, "mailinator.com") == 0;
}

static int32_t has_mx_records(void *user_data, const char *domain, size_t length) {
    (void)user_data;
    (void)length;
    return strcmp(domain, "nomail.example") != 0;
}

static int32_t has_gravatar(void *user_data, const char *email, size_t length) {
    (void)user_data;
    (void)length;
    return strchr(email, '+') == NULL;
}

/* The message lives in the library, per thread: copy it before the next call. */
static int report(const char *what) {
    char message[512];
    email_validator_last_error(message, sizeof message);
    fprintf(stderr, "%s: %s\n", what, message);
    return 1;
}

static int check(const EmailValidator *validator, const char *address) {
    char *decision = NULL;
    if (email_validator_check(validator, address, strlen(address), &decision, NULL) != EMAIL_VALIDATOR_STATUS_OK) {
        return report("cannot check");
    }
    puts(decision);
    email_validator_string_free(decision);
    return 0;
}

static EmailValidator *make(const EmailValidatorText *blocked, size_t count) {
    EmailValidator *validator = NULL;
    EmailValidatorOptions options;
    EmailValidatorCallbacks callbacks;
    /* What this program does not set is 0, also in structures that have grown since it was written. */
    memset(&options, 0, sizeof options);
    memset(&callbacks, 0, sizeof callbacks);
    options.struct_size = sizeof options;
    options.require_top_level_domain = 1;
    options.blocked_emails = blocked;
    options.blocked_emails_count = count;
    callbacks.struct_size = sizeof callbacks;
    callbacks.is_free_email = is_free_email;
    callbacks.is_disposable_email = is_disposable_email;
    callbacks.has_mx_records = has_mx_records;
    callbacks.has_gravatar = has_gravatar;
    if (email_validator_new(&options, &callbacks, &validator) != EMAIL_VALIDATOR_STATUS_OK) {
        report("cannot start");
    }
    return validator;
}

int main(int argc, char **argv) {
    EmailValidatorText blocked[MAX_BLOCKED];
    EmailValidator *validator;
    size_t count = 0;
    int failures = 0;
    int i = 1;

    if (email_validator_abi_version() != EMAIL_VALIDATOR_ABI_VERSION) {
        fprintf(stderr, "the library does not belong to the header\n");
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--build-info") == 0) {
        puts(email_validator_build_info());
        return 0;
    }
    for (; i + 1 < argc && strcmp(argv[i], "--block") == 0 && count < MAX_BLOCKED; i += 2, count += 1) {
        blocked[count].data = argv[i + 1];
        blocked[count].length = strlen(argv[i + 1]);
    }
    validator = make(blocked, count);
    if (validator == NULL) {
        return 1;
    }
    for (; i < argc; i += 1) {
        failures += check(validator, argv[i]);
    }
    email_validator_free(validator);
    return failures > 0;
}
