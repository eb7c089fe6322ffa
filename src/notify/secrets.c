#include "notify/secrets.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "wire/notify.h"

#define FILE_MAX (256 * 1024)
#define SECRETS_MAX (2 * NOTIFY_CHANNELS_MAX) /* also of channels that are taken out just now */

struct secrets {
    char path[URL_SIZE + 32], key_path[URL_SIZE + 32];
    uint8_t key[crypto_secretbox_KEYBYTES];
    bool has_key;
    struct wire_secret items[SECRETS_MAX];
    size_t count;
};

static const struct field item_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_secret, channel),
    F_TEXT(FIELD_NEEDED, struct wire_secret, place),
    F_TEXT(FIELD_NEEDED, struct wire_secret, value),
};
static const struct shape item_shape = SHAPE("secret", struct wire_secret, item_fields, NULL);

struct kept {
    struct wire_secret *items; /* owned when read */
    size_t count;
};
static const struct field kept_fields[] = {
    F_LIST(FIELD_NEEDED, struct kept, items, count, SECRETS_MAX, &item_shape),
};
static const struct shape kept_shape = SHAPE("secrets", struct kept, kept_fields, NULL);

static int
key_read(struct secrets *secrets)
{
    char *bytes = NULL;
    size_t size = 0;
    int error = file_read(secrets->key_path, sizeof(secrets->key), &bytes, &size);
    if (!error && size == sizeof(secrets->key)) {
        memcpy(secrets->key, bytes, sizeof(secrets->key));
        secrets->has_key = true;
    }
    error = error ? error : secrets->has_key ? 0 : -EBADMSG;
    if (bytes) {
        sodium_memzero(bytes, size);
    }
    free(bytes);
    return error;
}

static int
key_need(struct secrets *secrets)
{
    if (secrets->has_key) {
        return 0;
    }
    int error = key_read(secrets);
    if (error == -ENOENT) {
        crypto_secretbox_keygen(secrets->key);
        error = file_write_atomic(secrets->key_path, secrets->key, sizeof(secrets->key), 0600);
        secrets->has_key = !error;
    }
    return error;
}

static int
kept_read(struct secrets *secrets, const uint8_t *sealed, size_t size)
{
    size_t head = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    if (size < head) {
        return -EBADMSG;
    }
    size_t length = size - head;
    char *text = mem_new(length + 1, 1);
    struct kept kept = {.items = NULL};
    struct codec_error error;
    cJSON *json = NULL;
    int result = -EBADMSG;
    if (crypto_secretbox_open_easy((uint8_t *)text, sealed + crypto_secretbox_NONCEBYTES,
                                   size - crypto_secretbox_NONCEBYTES, sealed, secrets->key) == 0) {
        json = codec_parse(text, length);
        result = json ? codec_decode(&kept_shape, json, &kept, &error) : -EBADMSG;
    }
    if (!result) {
        secrets->count = kept.count;
        for (size_t i = 0; i < kept.count; i++) {
            secrets->items[i] = kept.items[i];
            sodium_memzero(&kept.items[i], sizeof(kept.items[i]));
        }
        codec_fini(&kept_shape, &kept);
    }
    cJSON_Delete(json);
    sodium_memzero(text, length);
    free(text);
    return result;
}

static int
kept_write(struct secrets *secrets)
{
    struct kept kept = {.items = secrets->items, .count = secrets->count};
    cJSON *json = codec_encode(&kept_shape, &kept);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    if (!text) {
        abort(); /* out of memory, as in base/mem.h */
    }
    size_t length = strlen(text);
    size_t size = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + length;
    uint8_t *sealed = mem_new(size, 1);
    randombytes_buf(sealed, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(sealed + crypto_secretbox_NONCEBYTES, (const uint8_t *)text, length,
                          sealed, secrets->key);
    int error = file_write_atomic(secrets->path, sealed, size, 0600);
    sodium_memzero(text, length);
    cJSON_free(text);
    free(sealed);
    return error;
}

struct secrets *
secrets_open(const char *state_dir, char why[TEXT_SIZE])
{
    struct secrets *secrets = MEM_NEW(struct secrets);
    char *bytes = NULL;
    size_t size = 0;
    why[0] = '\0';
    snprintf(secrets->path, sizeof(secrets->path), "%s/notify.secrets", state_dir);
    snprintf(secrets->key_path, sizeof(secrets->key_path), "%s/notify.key", state_dir);
    if (sodium_init() < 0) {
        snprintf(why, TEXT_SIZE, "libsodium cannot start");
        return secrets;
    }
    int error = file_read(secrets->path, FILE_MAX, &bytes, &size);
    if (!error) {
        error = key_read(secrets);
        error = error ? error : kept_read(secrets, (const uint8_t *)bytes, size);
    }
    if (error && error != -ENOENT) {
        snprintf(why, TEXT_SIZE, "%.200s cannot be opened with %.200s: give the secrets again",
                 secrets->path, secrets->key_path);
    }
    free(bytes);
    return secrets;
}

void
secrets_free(struct secrets *secrets)
{
    if (secrets) {
        sodium_memzero(secrets, sizeof(*secrets));
    }
    free(secrets);
}

static struct wire_secret *
item_find(const struct secrets *secrets, const char *channel)
{
    for (size_t i = 0; i < secrets->count; i++) {
        if (strcmp(secrets->items[i].channel, channel) == 0) {
            return (struct wire_secret *)&secrets->items[i];
        }
    }
    return NULL;
}

int
secrets_put(struct secrets *secrets, const struct wire_secret *secret, char why[TEXT_SIZE])
{
    struct wire_secret *item = item_find(secrets, secret->channel);
    why[0] = '\0';
    if (!secret->place[0] || !secret->value[0]) {
        if (!item) {
            return 0;
        }
        *item = secrets->items[--secrets->count];
        sodium_memzero(&secrets->items[secrets->count], sizeof(secrets->items[0]));
    } else if (!item && secrets->count == SECRETS_MAX) {
        snprintf(why, TEXT_SIZE, "too many secrets");
        return -ENOSPC;
    } else {
        item = item ? item : &secrets->items[secrets->count++];
        *item = *secret;
        item->number = 0;
    }
    int error = key_need(secrets);
    error = error ? error : kept_write(secrets);
    if (error) {
        snprintf(why, TEXT_SIZE, "%.200s cannot be written: %s", secrets->path, strerror(-error));
    }
    return error;
}

void
secrets_list(const struct secrets *secrets, struct wire_secrets *list)
{
    for (size_t i = 0; i < secrets->count && list->channel_count < NOTIFY_CHANNELS_MAX; i++) {
        memcpy(list->channels[list->channel_count++], secrets->items[i].channel, NAME_SIZE);
    }
}

bool
secrets_find(const struct secrets *secrets, const struct notify_channel *channel,
             char value[NOTIFY_SECRET_SIZE])
{
    char place[URL_SIZE + NAME_SIZE];
    const struct wire_secret *item = item_find(secrets, channel->name);
    value[0] = '\0';
    if (!item) {
        return true;
    }
    notify_place(channel, place);
    if (strcmp(place, item->place) != 0) {
        return false;
    }
    memcpy(value, item->value, NOTIFY_SECRET_SIZE);
    return true;
}
