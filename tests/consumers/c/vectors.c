/*
 * Answers every test vector through the C interface: C11 and C++17 alike, with nothing but the standard library.
 *
 *     vectors PATH/email-validator.json
 *
 * Prints a line for each vector, in order, as compact JSON: {"ok":"…"} or {"err":"…"}. Exit code 1 says that the
 * program could not run; what the library answers is never a reason.
 *
 * The file is read by a strict reader of just this shape: keys in the file's order, UTF-8, no number anywhere.
 */
#include <email_validator.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ITEMS 32

typedef struct List {
    EmailValidatorText items[MAX_ITEMS];
    size_t count;
} List;

typedef struct Vector {
    EmailValidatorText candidate;
    uint8_t require_top_level_domain;
    uint8_t allow_domain_literal;
    List blocked;
    List free_domains;
    List disposable_domains;
    List mx_domains;
    List gravatar_emails;
} Vector;

/* The file, whose texts are decoded where they lie: no escape is shorter than what it stands for. */
typedef struct Reader {
    char *start;
    char *at;
    char *end;
} Reader;

static void fail(const char *what) {
    fprintf(stderr, "vectors: %s\n", what);
    exit(1);
}

static void fail_at(const Reader *reader, const char *what) {
    fprintf(stderr, "vectors: byte %lu: %s\n", (unsigned long)(reader->at - reader->start), what);
    exit(1);
}

static void skip_space(Reader *reader) {
    while (reader->at < reader->end && *reader->at != '\0' && strchr(" \t\r\n", *reader->at) != NULL) {
        reader->at += 1;
    }
}

static int next_is(Reader *reader, char wanted) {
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != wanted) {
        return 0;
    }
    reader->at += 1;
    return 1;
}

static void expect(Reader *reader, char wanted) {
    char message[] = "expected '?'";
    if (!next_is(reader, wanted)) {
        message[10] = wanted;
        fail_at(reader, message);
    }
}

static uint32_t hexadecimal(Reader *reader) {
    static const char digits[] = "0123456789abcdef";
    uint32_t value = 0;
    int i;
    for (i = 0; i < 4; i += 1) {
        char digit = reader->at < reader->end ? *reader->at++ : '\0';
        const char *found = strchr(digits, digit >= 'A' && digit <= 'F' ? digit + ('a' - 'A') : digit);
        if (digit == '\0' || found == NULL) {
            fail_at(reader, "an escape needs four hexadecimal digits");
        }
        value = value * 16 + (uint32_t)(found - digits);
    }
    return value;
}

static uint32_t code_point(Reader *reader) {
    uint32_t low;
    uint32_t value = hexadecimal(reader);
    if (value < 0xD800 || value > 0xDFFF) {
        return value;
    }
    if (value > 0xDBFF || reader->end - reader->at < 2 || memcmp(reader->at, "\\u", 2) != 0) {
        fail_at(reader, "half a surrogate pair");
    }
    reader->at += 2;
    low = hexadecimal(reader);
    if (low < 0xDC00 || low > 0xDFFF) {
        fail_at(reader, "half a surrogate pair");
    }
    return 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
}

static char *put_utf8(char *to, uint32_t value) {
    if (value < 0x80) {
        *to++ = (char)value;
        return to;
    }
    if (value < 0x800) {
        *to++ = (char)(0xC0 | (value >> 6));
    } else {
        if (value < 0x10000) {
            *to++ = (char)(0xE0 | (value >> 12));
        } else {
            *to++ = (char)(0xF0 | (value >> 18));
            *to++ = (char)(0x80 | ((value >> 12) & 0x3F));
        }
        *to++ = (char)(0x80 | ((value >> 6) & 0x3F));
    }
    *to++ = (char)(0x80 | (value & 0x3F));
    return to;
}

static EmailValidatorText text(Reader *reader) {
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    EmailValidatorText read;
    char *to;
    expect(reader, '"');
    read.data = to = reader->at;
    for (;;) {
        char found = reader->at < reader->end ? *reader->at++ : '\n';
        if (found == '"') {
            read.length = (size_t)(to - read.data);
            return read;
        }
        if ((unsigned char)found < 0x20) {
            fail_at(reader, "a text does not end");
        }
        if (found != '\\') {
            *to++ = found;
            continue;
        }
        found = reader->at < reader->end ? *reader->at++ : '\0';
        if (found == 'u') {
            to = put_utf8(to, code_point(reader));
        } else if (found != '\0' && strchr(letters, found) != NULL) {
            *to++ = meanings[strchr(letters, found) - letters];
        } else {
            fail_at(reader, "an unknown escape");
        }
    }
}

static int same(EmailValidatorText text, const char *other, size_t length) {
    return text.length == length && (length == 0 || memcmp(text.data, other, length) == 0);
}

static void key(Reader *reader, const char *wanted) {
    if (!same(text(reader), wanted, strlen(wanted))) {
        fail_at(reader, "another key than expected");
    }
    expect(reader, ':');
}

static uint8_t flag(Reader *reader) {
    size_t left;
    int is_true;
    skip_space(reader);
    left = (size_t)(reader->end - reader->at);
    is_true = left >= 4 && memcmp(reader->at, "true", 4) == 0;
    if (!is_true && (left < 5 || memcmp(reader->at, "false", 5) != 0)) {
        fail_at(reader, "expected true or false");
    }
    reader->at += is_true ? 4 : 5;
    return (uint8_t)is_true;
}

static void list(Reader *reader, List *into) {
    into->count = 0;
    expect(reader, '[');
    if (next_is(reader, ']')) {
        return;
    }
    do {
        if (into->count == MAX_ITEMS) {
            fail_at(reader, "a list is too long for this program");
        }
        into->items[into->count] = text(reader);
        into->count += 1;
    } while (next_is(reader, ','));
    expect(reader, ']');
}

static void vector(Reader *reader, Vector *into) {
    expect(reader, '{');
    key(reader, "name");
    text(reader);
    expect(reader, ',');
    key(reader, "candidate");
    into->candidate = text(reader);
    expect(reader, ',');
    key(reader, "options");
    expect(reader, '{');
    key(reader, "require_top_level_domain");
    into->require_top_level_domain = flag(reader);
    expect(reader, ',');
    key(reader, "allow_domain_literal");
    into->allow_domain_literal = flag(reader);
    expect(reader, ',');
    key(reader, "blocked_emails");
    list(reader, &into->blocked);
    expect(reader, '}');
    expect(reader, ',');
    key(reader, "overrides");
    expect(reader, '{');
    key(reader, "free");
    list(reader, &into->free_domains);
    expect(reader, ',');
    key(reader, "disposable");
    list(reader, &into->disposable_domains);
    expect(reader, ',');
    key(reader, "mx");
    list(reader, &into->mx_domains);
    expect(reader, ',');
    key(reader, "gravatar");
    list(reader, &into->gravatar_emails);
    expect(reader, '}');
    expect(reader, ',');
    key(reader, "expected"); /* not for us: whoever reads our lines compares */
    expect(reader, '{');
    text(reader);
    expect(reader, ':');
    text(reader);
    expect(reader, '}');
    expect(reader, '}');
}

static int32_t is_in(const List *list, const char *wanted, size_t length) {
    size_t i;
    for (i = 0; i < list->count; i += 1) {
        if (same(list->items[i], wanted, length)) {
            return 1;
        }
    }
    return 0;
}

static int32_t is_free_email(void *user_data, const char *domain, size_t length) {
    return is_in(&((const Vector *)user_data)->free_domains, domain, length);
}

static int32_t is_disposable_email(void *user_data, const char *domain, size_t length) {
    return is_in(&((const Vector *)user_data)->disposable_domains, domain, length);
}

static int32_t has_mx_records(void *user_data, const char *domain, size_t length) {
    return is_in(&((const Vector *)user_data)->mx_domains, domain, length);
}

static int32_t has_gravatar(void *user_data, const char *email, size_t length) {
    return is_in(&((const Vector *)user_data)->gravatar_emails, email, length);
}

static void line(const char *name, const char *value, size_t length) {
    static const char letters[] = "\"\\\b\f\n\r\t";
    static const char escapes[] = "\"\\bfnrt";
    size_t i;
    printf("{\"%s\":\"", name);
    for (i = 0; i < length; i += 1) {
        const char *found = value[i] == '\0' ? NULL : strchr(letters, value[i]);
        if (found != NULL) {
            printf("\\%c", escapes[found - letters]);
        } else if ((unsigned char)value[i] < 0x20) {
            printf("\\u%04x", (unsigned)value[i]);
        } else {
            putchar(value[i]);
        }
    }
    puts("\"}");
}

/* The message of the last call; its length is asked for first, because it has no limit. */
static char *message(size_t *length) {
    char *copy;
    *length = email_validator_last_error(NULL, 0);
    copy = (char *)malloc(*length + 1);
    if (copy == NULL) {
        fail("out of memory");
    }
    email_validator_last_error(copy, *length + 1);
    return copy;
}

static void answer(Vector *vector) {
    EmailValidatorOptions options;
    EmailValidatorCallbacks callbacks;
    EmailValidatorStatus status;
    EmailValidator *validator = NULL;
    char *said = NULL;
    size_t length = 0;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.require_top_level_domain = vector->require_top_level_domain;
    options.allow_domain_literal = vector->allow_domain_literal;
    options.blocked_emails = vector->blocked.items;
    options.blocked_emails_count = vector->blocked.count;
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.struct_size = sizeof callbacks;
    callbacks.user_data = vector;
    callbacks.is_free_email = is_free_email;
    callbacks.is_disposable_email = is_disposable_email;
    callbacks.has_mx_records = has_mx_records;
    callbacks.has_gravatar = has_gravatar;

    status = email_validator_new(&options, &callbacks, &validator);
    if (status == EMAIL_VALIDATOR_STATUS_OK) {
        status = email_validator_check(validator, vector->candidate.data, vector->candidate.length, &said, &length);
        if (status == EMAIL_VALIDATOR_STATUS_OK) {
            line("ok", said, length);
        }
        email_validator_string_free(said);
        email_validator_free(validator);
    }
    if (status != EMAIL_VALIDATOR_STATUS_OK) {
        said = message(&length);
        if (status != EMAIL_VALIDATOR_STATUS_UNKNOWN_EMAIL_TYPE) {
            fail(said);
        }
        line("err", said, length);
        free(said);
    }
}

static char *contents(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    long size = file == NULL || fseek(file, 0, SEEK_END) != 0 ? -1 : ftell(file);
    char *data = size < 0 ? NULL : (char *)malloc((size_t)size + 1);
    if (data == NULL || fseek(file, 0, SEEK_SET) != 0 || fread(data, 1, (size_t)size, file) != (size_t)size) {
        fail("the file cannot be read");
    }
    fclose(file);
    *length = (size_t)size;
    return data;
}

int main(int argc, char **argv) {
    Reader reader;
    Vector current;
    size_t length;

    if (argc != 2) {
        fail("usage: vectors PATH/email-validator.json");
    }
    if (email_validator_abi_version() != EMAIL_VALIDATOR_ABI_VERSION ||
        strstr(email_validator_build_info(), "\"interface\":\"" EMAIL_VALIDATOR_INTERFACE "\"") == NULL) {
        fail("the library does not belong to the header");
    }
    reader.start = reader.at = contents(argv[1], &length);
    reader.end = reader.start + length;
    expect(&reader, '[');
    do {
        vector(&reader, &current);
        answer(&current);
    } while (next_is(&reader, ','));
    expect(&reader, ']');
    skip_space(&reader);
    if (reader.at != reader.end) {
        fail_at(&reader, "there is more after the list");
    }
    free(reader.start);
    return fclose(stdout) != 0;
}
