/* A program of an earlier release: what it prints depends on the library alone. */

#include <sealed_box.h>
#include <stdio.h>
#include <string.h>

static void print(const char *name, const uint8_t *bytes, size_t length)
{
    printf("%s ", name);
    for (size_t at = 0; at < length; at++)
        printf("%02x", bytes[at]);
    printf("\n");
}

static unsigned uses;

static void audit(void *user_data, const SealedBoxKeyUse *key_use)
{
    (void)user_data;
    uses += key_use->key_id == 7;
}

int main(void)
{
    /* RFC 4231, test case 2: HMAC itself fills a key up with zeros (RFC 2104, 2). */
    const uint8_t secret[32] = "Jefe";
    const uint8_t message[] = "what do ya want for nothing?";
    const SealedBoxCallbacks callbacks = {.struct_size = sizeof callbacks, .audit = audit};
    SealedBox *box = NULL;
    SealedBoxKey *mac = NULL, *key = NULL;
    uint8_t *tag = NULL, *sealed = NULL, *opened = NULL;
    size_t tag_length = 0, sealed_length = 0, opened_length = 0;

    printf("new %d\n", sealed_box_new(NULL, &callbacks, &box));
    printf("import %d\n", sealed_box_key_import(box, SEALED_BOX_ALGORITHM_HMAC_SHA256, 7, secret, 32, &mac));
    printf("hash %d\n", sealed_box_hash(box, mac, message, sizeof message - 1, &tag, &tag_length));
    print("tag", tag, tag_length);
    printf("import %d\n", sealed_box_key_import(box, SEALED_BOX_ALGORITHM_XCHACHA20_POLY1305, 7, secret, 32, &key));
    printf("seal %d\n", sealed_box_seal(box, key, tag, tag_length, message, sizeof message - 1, &sealed, &sealed_length));
    printf("open %d\n", sealed_box_open(box, key, tag, tag_length, sealed, sealed_length, &opened, &opened_length));
    printf("same %d\n", opened_length == sizeof message - 1 && memcmp(opened, message, opened_length) == 0);
    sealed[sealed_length - 1] ^= 1;
    sealed_box_bytes_free(opened, opened_length);
    opened = NULL;
    printf("altered %d\n", sealed_box_open(box, key, tag, tag_length, sealed, sealed_length, &opened, &opened_length));
    printf("null %d\n", sealed_box_hash(box, NULL, message, 1, &opened, &opened_length));
    printf("uses %u\n", uses);
    sealed_box_bytes_free(sealed, sealed_length);
    sealed_box_bytes_free(tag, tag_length);
    sealed_box_key_free(key);
    sealed_box_key_free(mac);
    sealed_box_free(box);
    return 0;
}
