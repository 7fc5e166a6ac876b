#ifndef KV_STORE_H
#define KV_STORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a call came to. */
typedef enum kv_status {
    KV_OK = 0,
    /** There is no such key. */
    KV_NOT_FOUND,
    KV_CLOSED,
    KV_BROKEN = 9
} kv_status;

/** A store; a cursor keeps it. */
typedef struct kv_db kv_db;
typedef struct kv_cursor_t kv_cursor_t;

typedef struct {
    uint64_t keys;
    double load;
} kv_stats;

kv_status kv_db_open(const char *path, kv_db **db);
void kv_db_close(kv_db *db);
kv_status kv_db_put(kv_db *db, const char *key, size_t key_len, const char *value, size_t value_len);
/** Gives the value of a key. */
kv_status kv_db_get(const kv_db *db, const char *key, size_t key_len, char **value, size_t *value_len);
kv_status kv_db_stats(const kv_db *db, kv_stats *stats);
kv_status kv_db_cursor(kv_db *db, kv_cursor_t **cursor);
kv_status kv_cursor_next(kv_cursor_t *cursor, char **key, int32_t *more);
void kv_cursor_free(kv_cursor_t *cursor);
void kv_string_free(char *text);
size_t kv_last_error(char *buffer, size_t len);
const char *kv_build_info(void);

#ifdef __cplusplus
}
#endif
#endif
