#include "store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kv_db { int cursors; uint64_t keys; char key[64], value[64]; };
struct kv_cursor_t { kv_db *db; int at; };

static _Thread_local char failure[64];
static int freed;

const char *kv_build_info(void) { return "{\"name\": \"store\", \"interface\": \"unreleased\"}"; }
static kv_status fail(kv_status status, const char *text) {
    snprintf(failure, sizeof failure, "%s", text);
    return status;
}
kv_status kv_db_open(const char *path, kv_db **db) {
    if (strlen(path) > 20) return fail(KV_BROKEN, "the path is too long");
    *db = calloc(1, sizeof **db);
    return KV_OK;
}
void kv_db_close(kv_db *db) {
    if (db->cursors) abort();
    freed++;
    free(db);
}
kv_status kv_db_put(kv_db *db, const char *key, size_t key_len, const char *value, size_t value_len) {
    snprintf(db->key, sizeof db->key, "%.*s", (int)key_len, key);
    snprintf(db->value, sizeof db->value, "%.*s", (int)value_len, value);
    db->keys = 1;
    return KV_OK;
}
static char *copy(const char *text) { return strcpy(malloc(strlen(text) + 1), text); }
kv_status kv_db_get(const kv_db *db, const char *key, size_t key_len, char **value, size_t *value_len) {
    if (strlen(db->key) != key_len || memcmp(db->key, key, key_len)) return fail(KV_NOT_FOUND, "no such key: é");
    *value = copy(db->value);
    *value_len = strlen(db->value);
    return KV_OK;
}
kv_status kv_db_stats(const kv_db *db, kv_stats *stats) {
    stats->keys = db->keys;
    stats->load = 0.5;
    return KV_OK;
}
kv_status kv_db_cursor(kv_db *db, kv_cursor_t **cursor) {
    *cursor = calloc(1, sizeof **cursor);
    (*cursor)->db = db;
    db->cursors++;
    return KV_OK;
}
kv_status kv_cursor_next(kv_cursor_t *cursor, char **key, int32_t *more) {
    if (cursor->at++) return fail((kv_status)77, "");
    *key = copy(cursor->db->key);
    *more = 0;
    return KV_OK;
}
void kv_cursor_free(kv_cursor_t *cursor) {
    cursor->db->cursors--;
    free(cursor);
}
void kv_string_free(char *text) { free(text); }
size_t kv_last_error(char *buffer, size_t len) {
    if (buffer && len) snprintf(buffer, len, "%s", failure);
    return strlen(failure);
}
