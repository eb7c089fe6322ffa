#include "cordond/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define MAGIC "CORDON BACKUP 1\n"
#define MAGIC_SIZE (sizeof(MAGIC) - 1)
#define CHUNK 65536
#define EXTRA crypto_secretstream_xchacha20poly1305_ABYTES
#define HEAD_MAX 65536
#define KEY_SIZE crypto_secretstream_xchacha20poly1305_KEYBYTES
#define BOX_SIZE (KEY_SIZE + crypto_box_SEALBYTES)
#define NAME_ROOM 256

struct stream {
    FILE *file;
    crypto_secretstream_xchacha20poly1305_state state;
    uint8_t plain[CHUNK + 1], sealed[CHUNK + 1 + EXTRA];
};

struct bundle_writer {
    struct stream stream;
    char path[URL_SIZE], beside[URL_SIZE + 8];
    cJSON *members;
};

static int
fail(char why[256], int error, const char *what)
{
    snprintf(why, 256, "%.200s", what);
    return error;
}

bool
bundle_name_check(const char *name)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
    return name[0] && strlen(name) < NAME_ROOM && name[strspn(name, plain)] == '\0' &&
           name[0] != '/' && name[0] != '.' && !strstr(name, "/.") && !strstr(name, "//") &&
           name[strlen(name) - 1] != '/';
}

bool
bundle_key_check(const char *hex)
{
    uint8_t key[crypto_box_PUBLICKEYBYTES];
    size_t size = 0;
    return strlen(hex) == BUNDLE_KEY_HEX - 1 &&
           sodium_hex2bin(key, sizeof(key), hex, BUNDLE_KEY_HEX - 1, NULL, &size, NULL) == 0 &&
           size == sizeof(key);
}

int
bundle_key_make(char public_key[BUNDLE_KEY_HEX], char secret_key[BUNDLE_KEY_HEX])
{
    uint8_t public[crypto_box_PUBLICKEYBYTES], secret[crypto_box_SECRETKEYBYTES];
    if (sodium_init() < 0 || crypto_box_keypair(public, secret)) {
        return -EIO;
    }
    sodium_bin2hex(public_key, BUNDLE_KEY_HEX, public, sizeof(public));
    sodium_bin2hex(secret_key, BUNDLE_KEY_HEX, secret, sizeof(secret));
    sodium_memzero(secret, sizeof(secret));
    return 0;
}

/* ---- keys ---- */

static bool
key_from_passphrase(const char *passphrase, const char *salt_hex, uint8_t key[KEY_SIZE])
{
    uint8_t salt[crypto_pwhash_SALTBYTES];
    size_t size = 0;
    return sodium_hex2bin(salt, sizeof(salt), salt_hex, strlen(salt_hex), NULL, &size, NULL) == 0 &&
           size == sizeof(salt) &&
           crypto_pwhash(key, KEY_SIZE, passphrase, strlen(passphrase), salt,
                         crypto_pwhash_OPSLIMIT_MODERATE, crypto_pwhash_MEMLIMIT_MODERATE,
                         crypto_pwhash_ALG_ARGON2ID13) == 0;
}

/* Completes 'head'. */
static bool
key_make(const struct bundle_lock *lock, struct view_backup_head *head, uint8_t key[KEY_SIZE])
{
    if (lock->public_key[0]) {
        uint8_t to[crypto_box_PUBLICKEYBYTES], box[BOX_SIZE];
        crypto_secretstream_xchacha20poly1305_keygen(key);
        (void)sodium_hex2bin(to, sizeof(to), lock->public_key, BUNDLE_KEY_HEX - 1, NULL, NULL,
                             NULL);
        snprintf(head->locked, sizeof(head->locked), "key");
        if (crypto_box_seal(box, key, KEY_SIZE, to)) {
            return false;
        }
        sodium_bin2hex(head->box, sizeof(head->box), box, sizeof(box));
        return true;
    }
    if (lock->passphrase[0]) {
        uint8_t salt[crypto_pwhash_SALTBYTES];
        randombytes_buf(salt, sizeof(salt));
        snprintf(head->locked, sizeof(head->locked), "passphrase");
        sodium_bin2hex(head->box, sizeof(head->box), salt, sizeof(salt));
        return key_from_passphrase(lock->passphrase, head->box, key);
    }
    snprintf(head->locked, sizeof(head->locked), "none");
    memset(key, 0, KEY_SIZE);
    return true;
}

static int
key_find(const struct bundle_lock *lock, const struct view_backup_head *head, uint8_t key[KEY_SIZE],
         char why[256])
{
    if (strcmp(head->locked, "none") == 0) {
        memset(key, 0, KEY_SIZE);
        return !lock->passphrase[0] && !lock->secret_key[0]
                   ? 0
                   : fail(why, -EKEYREJECTED,
                          "it is not locked, so whoever reached the place where it lay may have "
                          "made "
                          "it: without --key and --passphrase-file if you trust that place");
    }
    if (strcmp(head->locked, "passphrase") == 0) {
        if (!lock->passphrase[0]) {
            return fail(why, -ENOKEY, "it is locked with a passphrase: --passphrase-file FILE");
        }
        return key_from_passphrase(lock->passphrase, head->box, key)
                   ? 0
                   : fail(why, -ENOMEM, "no memory for the passphrase's key");
    }
    uint8_t secret[crypto_box_SECRETKEYBYTES], public[crypto_box_PUBLICKEYBYTES], box[BOX_SIZE];
    if (!bundle_key_check(lock->secret_key)) {
        return fail(why, -ENOKEY, "it is locked with the operator's key: --key FILE");
    }
    (void)sodium_hex2bin(secret, sizeof(secret), lock->secret_key, BUNDLE_KEY_HEX - 1, NULL, NULL,
                         NULL);
    size_t size = 0;
    bool is_open =
        crypto_scalarmult_base(public, secret) == 0 &&
        sodium_hex2bin(box, sizeof(box), head->box, strlen(head->box), NULL, &size, NULL) == 0 &&
        size == sizeof(box) && crypto_box_seal_open(key, box, sizeof(box), public, secret) == 0;
    sodium_memzero(secret, sizeof(secret));
    return is_open ? 0 : fail(why, -EKEYREJECTED, "this key does not open it");
}

/* ---- the stream ---- */

static bool
size_put(FILE *file, size_t size)
{
    const uint8_t bytes[4] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16),
                              (uint8_t)(size >> 24)};
    return fwrite(bytes, sizeof(bytes), 1, file) == 1;
}

static bool
size_get(FILE *file, size_t most, size_t *size)
{
    uint8_t bytes[4];
    if (fread(bytes, sizeof(bytes), 1, file) != 1) {
        return false;
    }
    *size =
        (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    return *size <= most;
}

/* 'plain' has a letter and 'size' bytes behind it; 'head' vouched for by the first one. */
static int
chunk_put(struct stream *stream, size_t size, bool is_last, const char *head, char why[256])
{
    unsigned long long sealed = 0;
    (void)crypto_secretstream_xchacha20poly1305_push(
        &stream->state, stream->sealed, &sealed, stream->plain, size + 1, (const uint8_t *)head,
        head ? strlen(head) : 0, is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
    if (!size_put(stream->file, (size_t)sealed) ||
        fwrite(stream->sealed, (size_t)sealed, 1, stream->file) != 1) {
        int error = errno ? -errno : -EIO;
        return fail(why, error, strerror(-error));
    }
    return 0;
}

static int
chunk_get(struct stream *stream, const char *head, size_t *size, bool *is_last, char why[256])
{
    size_t sealed = 0;
    unsigned long long plain = 0;
    uint8_t tag = 0;
    if (!size_get(stream->file, sizeof(stream->sealed), &sealed) || sealed < EXTRA + 1 ||
        fread(stream->sealed, sealed, 1, stream->file) != 1) {
        return fail(why, -EBADMSG, "it is cut off");
    }
    if (crypto_secretstream_xchacha20poly1305_pull(&stream->state, stream->plain, &plain, &tag,
                                                   stream->sealed, sealed, (const uint8_t *)head,
                                                   head ? strlen(head) : 0)) {
        return fail(why, head ? -EKEYREJECTED : -EBADMSG,
                    head ? "another key or passphrase, or it was altered" : "it was altered");
    }
    *size = (size_t)plain - 1;
    *is_last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return 0;
}

/* ---- writing ---- */

static void
writer_free(struct bundle_writer *writer)
{
    if (writer->stream.file) {
        fclose(writer->stream.file);
    }
    cJSON_Delete(writer->members);
    sodium_memzero(writer, sizeof(*writer));
    free(writer);
}

void
bundle_abort(struct bundle_writer *writer)
{
    if (writer) {
        unlink(writer->beside);
        writer_free(writer);
    }
}

/* The first chunk is an empty one, for the head. */
static int
head_put(struct bundle_writer *writer, const struct view_backup_head *given,
         const struct bundle_lock *lock, char why[256])
{
    struct view_backup_head head = *given;
    uint8_t key[KEY_SIZE], start[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
    struct stream *stream = &writer->stream;
    if (!key_make(lock, &head, key)) {
        return fail(why, -ENOMEM, "no key can be made");
    }
    crypto_secretstream_xchacha20poly1305_init_push(&stream->state, start, key);
    sodium_memzero(key, sizeof(key));
    cJSON *json = codec_encode(&view_backup_head_shape, &head);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    int error = !text ? -ENOMEM
                : fwrite(MAGIC, MAGIC_SIZE, 1, stream->file) == 1 &&
                        size_put(stream->file, strlen(text)) &&
                        fwrite(text, strlen(text), 1, stream->file) == 1 &&
                        fwrite(start, sizeof(start), 1, stream->file) == 1
                    ? 0
                    : -EIO;
    if (error) {
        fail(why, error, strerror(-error));
    } else {
        stream->plain[0] = 'B';
        error = chunk_put(stream, 0, false, text, why);
    }
    cJSON_free(text);
    return error;
}

int
bundle_create(const char *path, const struct view_backup_head *head, const struct bundle_lock *lock,
              struct bundle_writer **out, char why[256])
{
    if (sodium_init() < 0) {
        return fail(why, -EIO, "libsodium cannot start");
    }
    struct bundle_writer *writer = MEM_NEW(struct bundle_writer);
    writer->members = cJSON_CreateArray();
    snprintf(writer->path, sizeof(writer->path), "%s", path);
    snprintf(writer->beside, sizeof(writer->beside), "%s.new", writer->path);
    unlink(writer->beside); /* never through what somebody else put there */
    int fd = open(writer->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = fd < 0 ? -errno : 0;
    if (error) {
        snprintf(why, 256, "%.180s: %s", writer->beside, strerror(-error));
    } else {
        writer->stream.file = fdopen(fd, "w");
        error = head_put(writer, head, lock, why);
    }
    if (error) {
        bundle_abort(writer);
        return error;
    }
    *out = writer;
    return 0;
}

int
bundle_add(struct bundle_writer *writer, const char *name, int fd, char why[256])
{
    struct stream *stream = &writer->stream;
    crypto_hash_sha256_state hash;
    uint8_t digest[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    uint64_t bytes = 0;
    if (!bundle_name_check(name)) {
        return fail(why, -EINVAL, "a file has a name that no backup can hold");
    }
    crypto_hash_sha256_init(&hash);
    stream->plain[0] = 'M';
    memcpy(stream->plain + 1, name, strlen(name));
    int error = chunk_put(stream, strlen(name), false, NULL, why);
    ssize_t got = 1;
    while (!error && (got = read(fd, stream->plain + 1, CHUNK)) > 0) {
        stream->plain[0] = 'D';
        crypto_hash_sha256_update(&hash, stream->plain + 1, (size_t)got);
        bytes += (uint64_t)got;
        error = chunk_put(stream, (size_t)got, false, NULL, why);
    }
    if (!error && got < 0) {
        error = -errno;
        snprintf(why, 256, "%.100s cannot be read: %s", name, strerror(-error));
    }
    crypto_hash_sha256_final(&hash, digest);
    sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
    cJSON *member = cJSON_CreateObject();
    cJSON_AddStringToObject(member, "name", name);
    cJSON_AddNumberToObject(member, "bytes", (double)bytes);
    cJSON_AddStringToObject(member, "sha256", hex);
    cJSON_AddItemToArray(writer->members, member);
    return error;
}

int
bundle_commit(struct bundle_writer *writer, uint64_t *bytes, char why[256])
{
    struct stream *stream = &writer->stream;
    struct stat found;
    char *text = cJSON_PrintUnformatted(writer->members);
    size_t size = text ? strlen(text) : CHUNK + 1;
    int error = size > CHUNK ? fail(why, -EFBIG, "too many members") : 0;
    if (!error) {
        stream->plain[0] = 'E';
        memcpy(stream->plain + 1, text, size);
        error = chunk_put(stream, size, true, NULL, why);
    }
    cJSON_free(text);
    if (!error && (fflush(stream->file) || fsync(fileno(stream->file)) ||
                   fstat(fileno(stream->file), &found) || rename(writer->beside, writer->path))) {
        error = -errno;
    }
    error = error ? error : file_sync_folder(writer->path);
    if (error) {
        snprintf(why, 256, "%.180s: %s", writer->path, strerror(-error));
        bundle_abort(writer);
        return error;
    }
    *bytes = (uint64_t)found.st_size;
    writer_free(writer);
    return 0;
}

/* ---- reading ---- */

struct unpacking {
    struct stream stream;
    const char *folder;
    char name[NAME_ROOM];
    FILE *out; /* of the member that is coming in */
    crypto_hash_sha256_state hash;
    uint64_t bytes;
    cJSON *members;
};

static void
member_end(struct unpacking *u, int *error)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    if (!u->out) {
        return;
    }
    if (fflush(u->out) || fsync(fileno(u->out))) {
        *error = *error ? *error : -errno;
    }
    fclose(u->out);
    u->out = NULL;
    crypto_hash_sha256_final(&u->hash, digest);
    sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
    cJSON *member = cJSON_CreateObject();
    cJSON_AddStringToObject(member, "name", u->name);
    cJSON_AddNumberToObject(member, "bytes", (double)u->bytes);
    cJSON_AddStringToObject(member, "sha256", hex);
    cJSON_AddItemToArray(u->members, member);
}

static int
member_begin(struct unpacking *u, size_t size, char why[256])
{
    char path[URL_SIZE + NAME_ROOM + 8], folder[URL_SIZE + NAME_ROOM + 8];
    snprintf(u->name, sizeof(u->name), "%.*s", (int)(size < NAME_ROOM ? size : NAME_ROOM - 1),
             (const char *)u->stream.plain + 1);
    if (size >= NAME_ROOM || strlen(u->name) != size || !bundle_name_check(u->name)) {
        return fail(why, -EBADMSG, "it holds a name that no backup has");
    }
    snprintf(path, sizeof(path), "%s/%s", u->folder, u->name);
    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
    int error = file_make_dirs(folder, 0700);
    int fd = error ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        error = error ? error : -errno;
        snprintf(why, 256, "%.180s: %s", path, strerror(-error));
        return error;
    }
    u->out = fdopen(fd, "w");
    u->bytes = 0;
    crypto_hash_sha256_init(&u->hash);
    return 0;
}

static int
end_check(struct unpacking *u, size_t size, char why[256])
{
    cJSON *said = cJSON_ParseWithLength((const char *)u->stream.plain + 1, size);
    bool is_same = said && cJSON_Compare(said, u->members, true);
    cJSON_Delete(said);
    return is_same ? 0 : fail(why, -EBADMSG, "what it holds is not what it says that it holds");
}

static int
chunks_take(struct unpacking *u, const char *head, char why[256])
{
    size_t size = 0;
    bool is_last = false;
    int error = chunk_get(&u->stream, head, &size, &is_last, why);
    if (!error && (u->stream.plain[0] != 'B' || is_last)) {
        error = fail(why, -EBADMSG, "it does not begin as a backup does");
    }
    while (!error && !is_last) {
        error = chunk_get(&u->stream, NULL, &size, &is_last, why);
        char letter = error ? '\0' : (char)u->stream.plain[0];
        if (letter == 'D' && u->out) {
            crypto_hash_sha256_update(&u->hash, u->stream.plain + 1, size);
            u->bytes += size;
            if (fwrite(u->stream.plain + 1, 1, size, u->out) != size) {
                error = fail(why, -errno, strerror(errno));
            }
        } else if (letter == 'M' || letter == 'E') {
            member_end(u, &error);
            error = error           ? error
                    : letter == 'M' ? member_begin(u, size, why)
                                    : end_check(u, size, why);
        } else if (!error) {
            error = fail(why, -EBADMSG, "it holds what no backup has");
        }
        if (!error && is_last != (letter == 'E')) {
            error = fail(why, -EBADMSG, "it does not end as a backup does");
        }
    }
    member_end(u, &error);
    return error;
}

static int
head_get(FILE *file, char **text, struct view_backup_head *head, char why[256])
{
    char magic[MAGIC_SIZE];
    size_t size = 0;
    struct codec_error error = {.path = ""};
    if (fread(magic, sizeof(magic), 1, file) != 1 || memcmp(magic, MAGIC, 14) != 0) {
        return fail(why, -EBADMSG, "this is no backup of Cordon");
    }
    if (memcmp(magic, MAGIC, MAGIC_SIZE) != 0) {
        return fail(why, -EPROTO, "it is of a later release: install that one");
    }
    if (!size_get(file, HEAD_MAX, &size)) {
        return fail(why, -EBADMSG, "it is cut off");
    }
    *text = mem_new(size + 1, 1);
    if (fread(*text, 1, size, file) != size) {
        return fail(why, -EBADMSG, "it is cut off");
    }
    cJSON *json = codec_parse(*text, size);
    int result = json ? codec_decode(&view_backup_head_shape, json, head, &error) : -EBADMSG;
    cJSON_Delete(json);
    return result ? fail(why, -EBADMSG, "its head cannot be read") : 0;
}

int
bundle_unpack(const char *path, const struct bundle_lock *lock, const char *folder,
              struct view_backup_head *head, char why[256])
{
    uint8_t key[KEY_SIZE], start[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
    struct unpacking *u = MEM_NEW(struct unpacking);
    char *text = NULL;
    u->folder = folder;
    u->members = cJSON_CreateArray();
    u->stream.file = sodium_init() < 0 ? NULL : fopen(path, "re");
    int error = u->stream.file ? file_make_dirs(folder, 0700) : errno ? -errno : -EIO;
    if (error) {
        snprintf(why, 256, "%.180s: %s", path, strerror(-error));
        goto out;
    }
    error = head_get(u->stream.file, &text, head, why);
    error = error ? error : key_find(lock, head, key, why);
    if (!error && (fread(start, sizeof(start), 1, u->stream.file) != 1 ||
                   crypto_secretstream_xchacha20poly1305_init_pull(&u->stream.state, start, key))) {
        error = fail(why, -EBADMSG, "it is cut off");
    }
    sodium_memzero(key, sizeof(key));
    error = error ? error : chunks_take(u, text, why);
    if (!error && fgetc(u->stream.file) != EOF) {
        error = fail(why, -EBADMSG, "something stands behind its end");
    }
out:
    if (u->stream.file) {
        fclose(u->stream.file);
    }
    cJSON_Delete(u->members);
    sodium_memzero(u, sizeof(*u));
    free(u);
    free(text);
    return error;
}
