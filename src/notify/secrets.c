#include "notify/secrets.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/seal.h"
#include "wire/notify.h"

#define FILE_MAX (256 * 1024)
#define SECRETS_MAX (2 * NOTIFY_CHANNELS_MAX) /* also of channels that are taken out just now */

struct kept {
    struct wire_secret *items; /* owned when read */
    size_t count;
};

struct secrets {
    char folder[URL_SIZE + 16], path[URL_SIZE + 48], key_path[URL_SIZE + 16];
    struct seal *seal; /* NULL: the key file cannot be used; then nothing is kept */
    char seal_why[256];
    struct wire_secret *items; /* room for SECRETS_MAX, in locked memory */
    size_t count;
};

static const struct field item_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_secret, channel),
    F_TEXT(FIELD_NEEDED, struct wire_secret, place),
    F_TEXT(FIELD_NEEDED, struct wire_secret, value),
};
static const struct shape item_shape = SHAPE("secret", struct wire_secret, item_fields, NULL);

static const struct field kept_fields[] = {
    F_LIST(FIELD_NEEDED, struct kept, items, count, SECRETS_MAX, &item_shape),
};
static const struct shape kept_shape = SHAPE("secrets", struct kept, kept_fields, NULL);

static struct wire_secret *
items_new(void)
{
    struct wire_secret *items =
        sodium_init() < 0 ? NULL : sodium_allocarray(SECRETS_MAX, sizeof(*items));
    if (!items) {
        abort(); /* out of memory, as in base/mem.h */
    }
    memset(items, 0, SECRETS_MAX * sizeof(*items));
    return items;
}

/* cJSON's copies of the texts, before they are given back. */
static void
json_wipe(cJSON *json)
{
    for (cJSON *item = json; item; item = item->next) {
        if (cJSON_IsString(item)) {
            sodium_memzero(item->valuestring, strlen(item->valuestring));
        }
        json_wipe(item->child);
    }
}

static int
kept_parse(struct secrets *secrets, const char *text, size_t size)
{
    struct kept kept = {.items = NULL};
    struct codec_error error;
    cJSON *json = codec_parse(text, size);
    int result = json ? codec_decode(&kept_shape, json, &kept, &error) : -EBADMSG;
    if (!result) {
        secrets->count = kept.count;
        for (size_t i = 0; i < kept.count; i++) {
            secrets->items[i] = kept.items[i];
            sodium_memzero(&kept.items[i], sizeof(kept.items[i]));
        }
        codec_fini(&kept_shape, &kept);
    }
    json_wipe(json);
    cJSON_Delete(json);
    return result;
}

static int
kept_write(const struct secrets *secrets, struct wire_secret *items, size_t count)
{
    struct kept kept = {.items = items, .count = count};
    if (!secrets->seal) {
        return -ENOKEY;
    }
    cJSON *json = codec_encode(&kept_shape, &kept);
    char *text = cJSON_PrintUnformatted(json);
    json_wipe(json);
    cJSON_Delete(json);
    if (!text) {
        abort(); /* out of memory, as in base/mem.h */
    }
    int error = seal_write(secrets->seal, secrets->path, text, strlen(text));
    sodium_memzero(text, strlen(text));
    cJSON_free(text);
    return error;
}

/* ---- what releases before the master key kept: secretbox, with a key beside it ---- */

static int
former_open(const char *path, const char *key_path, struct secrets *secrets)
{
    char *sealed = NULL, *key = NULL;
    size_t size = 0, key_size = 0;
    const size_t head = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    int error = file_read(path, FILE_MAX, &sealed, &size);
    if (!error) {
        error = file_read(key_path, crypto_secretbox_KEYBYTES, &key, &key_size);
        error = error == -ENOENT ? -EBADMSG : error;
    }
    if (!error && (key_size != crypto_secretbox_KEYBYTES || size < head)) {
        error = -EBADMSG;
    }
    char *text = error ? NULL : mem_new(size - head + 1, 1);
    if (!error && crypto_secretbox_open_easy(
                      (uint8_t *)text, (uint8_t *)sealed + crypto_secretbox_NONCEBYTES,
                      size - crypto_secretbox_NONCEBYTES, (uint8_t *)sealed, (uint8_t *)key)) {
        error = -EBADMSG;
    }
    error = error ? error : kept_parse(secrets, text, size - head);
    if (text) {
        sodium_memzero(text, size - head);
    }
    if (key) {
        sodium_memzero(key, key_size);
    }
    free(text);
    free(key);
    free(sealed);
    return error;
}

static int
former_take_over(struct secrets *secrets)
{
    char path[URL_SIZE + 48], key_path[URL_SIZE + 48];
    snprintf(path, sizeof(path), "%s/notify.secrets", secrets->folder);
    snprintf(key_path, sizeof(key_path), "%s/notify.key", secrets->folder);
    int error = former_open(path, key_path, secrets);
    if (!error) {
        error = kept_write(secrets, secrets->items, secrets->count);
    }
    if (!error) { /* only now: a crash in between finds both */
        unlink(path);
        unlink(key_path);
    }
    return error;
}

/* ---- */

static int
kept_read(struct secrets *secrets)
{
    char *text = NULL;
    size_t size = 0;
    int error = seal_read(secrets->seal, secrets->path, FILE_MAX, &text, &size);
    if (error == -ENOENT) {
        return former_take_over(secrets);
    }
    error = error ? error : kept_parse(secrets, text, size);
    seal_bytes_free(text);
    return error;
}

struct secrets *
secrets_open(const char *state_dir, const char *key_path, char why[TEXT_SIZE])
{
    struct secrets *secrets = MEM_NEW(struct secrets);
    why[0] = '\0';
    secrets->items = items_new();
    snprintf(secrets->folder, sizeof(secrets->folder), "%s/notify", state_dir);
    snprintf(secrets->path, sizeof(secrets->path), "%s/secrets.sealed", secrets->folder);
    snprintf(secrets->key_path, sizeof(secrets->key_path), "%s", key_path);
    if (seal_open(key_path, SEAL_NOTIFY, &secrets->seal, secrets->seal_why)) {
        snprintf(why, TEXT_SIZE, "%s", secrets->seal_why);
    }
    return secrets;
}

void
secrets_load(struct secrets *secrets, char why[TEXT_SIZE])
{
    int error = file_make_dirs(secrets->folder, 0700);
    why[0] = '\0';
    if (!secrets->seal) {
        return; /* told already */
    }
    error = error ? error : kept_read(secrets);
    if (error && error != -ENOENT) {
        secrets->count = 0;
        snprintf(why, TEXT_SIZE, "%.200s cannot be opened with %.200s: give the secrets again",
                 secrets->path, secrets->key_path);
    }
}

void
secrets_free(struct secrets *secrets)
{
    if (secrets) {
        sodium_free(secrets->items); /* wipes */
        seal_free(secrets->seal);
    }
    free(secrets);
}

static struct wire_secret *
item_find(struct wire_secret *items, size_t count, const char *channel)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i].channel, channel) == 0) {
            return &items[i];
        }
    }
    return NULL;
}

/* False: there is no room. */
static bool
item_put(struct wire_secret *items, size_t *count, const struct wire_secret *secret)
{
    struct wire_secret *item = item_find(items, *count, secret->channel);
    bool is_forgotten = !secret->place[0] || !secret->value[0];
    if (is_forgotten && item) {
        *item = items[--*count];
        sodium_memzero(&items[*count], sizeof(*item));
    } else if (!is_forgotten) {
        if (!item && *count == SECRETS_MAX) {
            return false;
        }
        item = item ? item : &items[(*count)++];
        *item = *secret;
    }
    return true;
}

int
secrets_put(struct secrets *secrets, const struct wire_secret *change, size_t change_count,
            char why[TEXT_SIZE])
{
    struct wire_secret *items = items_new();
    size_t count = secrets->count;
    int error = 0;
    why[0] = '\0';
    memcpy(items, secrets->items, count * sizeof(*items));
    for (size_t i = 0; !error && i < change_count; i++) {
        error = item_put(items, &count, &change[i]) ? 0 : -ENOSPC;
    }
    if (error) {
        snprintf(why, TEXT_SIZE, "too many secrets");
    } else {
        error = kept_write(secrets, items, count);
        if (error) {
            snprintf(why, TEXT_SIZE, "%.200s cannot be written: %s", secrets->path,
                     secrets->seal ? strerror(-error) : secrets->seal_why);
        }
    }
    if (error) {
        sodium_free(items);
        return error;
    }
    sodium_free(secrets->items);
    secrets->items = items;
    secrets->count = count;
    return 0;
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
    const struct wire_secret *item = item_find(secrets->items, secrets->count, channel->name);
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
