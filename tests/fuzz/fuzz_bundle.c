/* Any bytes as a backup; and, sealed as they must be, any members, names, bytes and ends in any
 * order: what is unpacked is what its end says, below the folder, in plain files.
 *
 *     0 FILE                        as it is
 *     1 (LETTER SIZE BYTES)...      chunks; SIZE is one byte; 'e': the end, as it must be */
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cordond/bundle.h"

#define MAGIC "CORDON BACKUP 1\n"
#define CHUNK_MAX 8192
#define STREAM_KEY crypto_secretstream_xchacha20poly1305_KEYBYTES
#define STREAM_START crypto_secretstream_xchacha20poly1305_HEADERBYTES
#define STREAM_EXTRA crypto_secretstream_xchacha20poly1305_ABYTES

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct forging {
    FILE *file;
    crypto_secretstream_xchacha20poly1305_state state;
    cJSON *members;
    crypto_hash_sha256_state hash;
    char name[256];
    unsigned long long bytes;
    bool has_member;
    bool is_whole; /* members, and behind them the end, once */
};

static void
chunk_put(struct forging *f, const uint8_t *plain, size_t size, bool is_last, const char *head)
{
    uint8_t sealed[CHUNK_MAX + 1 + STREAM_EXTRA];
    unsigned long long made = 0;
    (void)crypto_secretstream_xchacha20poly1305_push(
        &f->state, sealed, &made, plain, size, (const uint8_t *)head, head ? strlen(head) : 0,
        is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
    const uint8_t length[4] = {(uint8_t)made, (uint8_t)(made >> 8), 0, 0};
    fwrite(length, sizeof(length), 1, f->file);
    fwrite(sealed, (size_t)made, 1, f->file);
}

static void
member_end(struct forging *f)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(digest) + 1];
    if (!f->has_member) {
        return;
    }
    f->has_member = false;
    crypto_hash_sha256_final(&f->hash, digest);
    sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
    cJSON *member = cJSON_CreateObject();
    cJSON_AddStringToObject(member, "name", f->name);
    cJSON_AddNumberToObject(member, "bytes", (double)f->bytes);
    cJSON_AddStringToObject(member, "sha256", hex);
    cJSON_AddItemToArray(f->members, member);
}

static void
end_put(struct forging *f, bool is_last)
{
    uint8_t plain[CHUNK_MAX + 1] = "E";
    member_end(f);
    char *text = cJSON_PrintUnformatted(f->members);
    size_t size = strlen(text) < CHUNK_MAX ? strlen(text) : CHUNK_MAX;
    memcpy(plain + 1, text, size);
    cJSON_free(text);
    f->is_whole = f->is_whole && is_last && size < CHUNK_MAX;
    chunk_put(f, plain, size + 1, is_last, NULL);
}

/* One chunk; gives how many bytes it took. */
static size_t
record_put(struct forging *f, const uint8_t *bytes, size_t left)
{
    uint8_t plain[CHUNK_MAX + 1];
    size_t size = left > 1 ? bytes[1] : 0;
    size = left < 2 ? 0 : size > left - 2 ? left - 2 : size;
    size_t used = left < 2 ? left : size + 2;
    bool is_last = used == left;
    plain[0] = bytes[0];
    memcpy(plain + 1, bytes + (left < 2 ? 1 : 2), size);
    if (plain[0] == 'e') {
        end_put(f, is_last);
        return used;
    }
    if (plain[0] == 'M') {
        member_end(f);
        snprintf(f->name, sizeof(f->name), "%.*s", (int)size, (const char *)plain + 1);
        f->has_member = true;
        f->bytes = 0;
        crypto_hash_sha256_init(&f->hash);
    } else if (plain[0] == 'D' && f->has_member) {
        crypto_hash_sha256_update(&f->hash, plain + 1, size);
        f->bytes += size;
    } else if (plain[0] == 'E') { /* it may happen to be true */
        member_end(f);
        cJSON *said = cJSON_ParseWithLength((const char *)plain + 1, size);
        f->is_whole = f->is_whole && is_last && said && cJSON_Compare(said, f->members, true);
        cJSON_Delete(said);
    } else {
        f->is_whole = false;
    }
    f->is_whole = f->is_whole && is_last == (plain[0] == 'E');
    chunk_put(f, plain, size + 1, is_last, NULL);
    return used;
}

/* False: nothing that must be taken or refused for sure. */
static bool
forge(FILE *file, const uint8_t *bytes, size_t size)
{
    static const struct view_backup_head head = {
        .locked = "none", .version = "1", .audit_hash = "0"};
    const uint8_t key[STREAM_KEY] = {0}, begin[] = "B";
    uint8_t start[STREAM_START];
    struct forging f = {.file = file, .members = cJSON_CreateArray(), .is_whole = true};
    cJSON *json = codec_encode(&view_backup_head_shape, &head);
    char *text = cJSON_PrintUnformatted(json);
    const uint8_t length[4] = {(uint8_t)strlen(text), (uint8_t)(strlen(text) >> 8), 0, 0};
    crypto_secretstream_xchacha20poly1305_init_push(&f.state, start, key);
    fwrite(MAGIC, strlen(MAGIC), 1, file);
    fwrite(length, sizeof(length), 1, file);
    fwrite(text, strlen(text), 1, file);
    fwrite(start, sizeof(start), 1, file);
    chunk_put(&f, begin, 1, size == 0, text);
    f.is_whole = size > 0;
    for (size_t at = 0; at < size;) {
        at += record_put(&f, bytes + at, size - at);
    }
    cJSON_free(text);
    cJSON_Delete(json);
    cJSON_Delete(f.members);
    return f.is_whole;
}

static char folder[64];
static unsigned files;

static int
look(const char *path, const struct stat *found, int kind, struct FTW *at)
{
    (void)kind, (void)at;
    bool is_plain = S_ISREG(found->st_mode) && found->st_nlink == 1;
    if (!is_plain && !S_ISDIR(found->st_mode)) {
        abort();
    }
    if (is_plain && !bundle_name_check(path + strlen(folder) + 1)) {
        abort();
    }
    files += is_plain;
    return 0;
}

static int
drop(const char *path, const struct stat *found, int kind, struct FTW *at)
{
    (void)found, (void)kind, (void)at;
    return remove(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct bundle_lock none;
    struct view_backup_head head;
    char path[64], why[256] = "";
    if (size == 0 || size > 4096 || sodium_init() < 0) {
        return 0;
    }
    int fd = memfd_create("backup", MFD_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    snprintf(folder, sizeof(folder), "%s/cordon-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!file || !mkdtemp(folder)) {
        abort();
    }
    bool is_whole = false;
    if (bytes[0] & 1) {
        is_whole = forge(file, bytes + 1, size - 1);
    } else {
        fwrite(bytes + 1, 1, size - 1, file);
    }
    fflush(file);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int error = bundle_unpack(path, &none, folder, &head, why);
    if (error == 0 && (bytes[0] & 1) && !is_whole) {
        abort(); /* it does not end as a backup does */
    }
    if (error != 0 && !why[0]) {
        abort();
    }
    files = 0;
    nftw(folder, look, 16, FTW_PHYS);
    nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
    fclose(file);
    return 0;
}
