#include "base/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define MAGIC "CORDSEAL"
#define MAGIC_SIZE 8
#define ID_BYTES 8
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define MAC_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD_SIZE (MAGIC_SIZE + ID_BYTES + NONCE_SIZE)
#define CONTEXT "cordseal" /* crypto_kdf_CONTEXTBYTES */
#define KEYS_MAX 4         /* the present one, and former ones during a rotation or a restore */
#define NAME_MAX_SIZE 256

_Static_assert(SEAL_KEY_SIZE == crypto_kdf_KEYBYTES, "the master key derives the others");
_Static_assert(crypto_kdf_CONTEXTBYTES == MAGIC_SIZE, "CONTEXT");

const char *const seal_purpose_names[SEAL_PURPOSE_COUNT + 1] = {
    "notify", "accounts", "login", "devices", "pki", "authority", "audit", NULL};

/* In locked memory. */
struct seal {
    enum seal_purpose purpose;
    size_t count;
    uint8_t keys[KEYS_MAX][crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    uint8_t ids[KEYS_MAX][ID_BYTES];
};

/* Likewise. */
struct masters {
    size_t count;
    uint8_t keys[KEYS_MAX][SEAL_KEY_SIZE];
};

/* ---- the key file ---- */

static int
complain(char why[256], int error, const char *path, const char *what)
{
    snprintf(why, 256, "%.120s: %.120s", path, what);
    return error;
}

/* Of whom we are, or 'also'. */
static int
private_check(const struct stat *found, const char *path, uid_t also, char why[256])
{
    bool is_owner = found->st_uid == geteuid() || found->st_uid == also;
    if (!S_ISREG(found->st_mode)) {
        return complain(why, -EINVAL, path, "not a plain file");
    }
    if (!is_owner) {
        return complain(why, -EPERM, path, "belongs to another user: chown it to this one");
    }
    if (found->st_mode & (S_IRWXG | S_IRWXO)) {
        return complain(why, -EPERM, path,
                        "others than its owner may read or write it: chmod 400, and change what it "
                        "protects if they could");
    }
    if (found->st_nlink != 1) {
        return complain(why, -EMLINK, path, "has a second name (hard link): remove that");
    }
    return 0;
}

static int
private_open(const char *path, int access, uid_t also, int *out, struct stat *found, char why[256])
{
    int fd = open(path, access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        int error = -errno;
        return complain(why, error, path,
                        error == -ELOOP ? "is a link: put the file itself there"
                                        : strerror(-error));
    }
    int error = fstat(fd, found) < 0 ? complain(why, -errno, path, strerror(errno))
                                     : private_check(found, path, also, why);
    if (error) {
        close(fd);
        return error;
    }
    *out = fd;
    return 0;
}

int
seal_check_private(const char *path, char why[256])
{
    struct stat found;
    int fd = -1;
    int error = private_open(path, O_RDONLY, 0, &fd, &found, why);
    if (!error) {
        close(fd);
    }
    return error;
}

/* '*masters' in locked memory. */
static int
masters_read(const char *path, struct masters **out, char why[256])
{
    struct stat found;
    int fd = -1;
    if (sodium_init() < 0) {
        return complain(why, -EIO, path, "libsodium cannot start");
    }
    int error = private_open(path, O_RDONLY, geteuid(), &fd, &found, why);
    if (error) {
        return error;
    }
    bool is_size = found.st_size > 0 && found.st_size % SEAL_KEY_SIZE == 0 &&
                   found.st_size <= KEYS_MAX * SEAL_KEY_SIZE;
    struct masters *masters = is_size ? sodium_malloc(sizeof(*masters)) : NULL;
    if (!is_size) {
        error = complain(why, -EBADMSG, path,
                         "has not the size of a key: put the right file back (a backup has it)");
    } else if (!masters) {
        error = complain(why, -ENOMEM, path, "no memory can be locked for it");
    } else if (read(fd, masters->keys, (size_t)found.st_size) != found.st_size) {
        error = complain(why, -EIO, path, "cannot be read");
    } else {
        masters->count = (size_t)found.st_size / SEAL_KEY_SIZE;
        *out = masters;
    }
    if (error) {
        sodium_free(masters);
    }
    close(fd);
    return error;
}

static int
masters_write(const char *path, const struct masters *masters, char why[256])
{
    int error = file_write_atomic(path, masters->keys, masters->count * SEAL_KEY_SIZE, 0400);
    return error ? complain(why, error, path, strerror(-error)) : 0;
}

static int
master_make(const char *path, char why[256])
{
    struct masters *masters = sodium_init() < 0 ? NULL : sodium_malloc(sizeof(*masters));
    if (!masters) {
        return complain(why, -ENOMEM, path, "no memory can be locked for it");
    }
    masters->count = 1;
    crypto_kdf_keygen(masters->keys[0]);
    int error = masters_write(path, masters, why);
    sodium_free(masters);
    return error;
}

int
seal_prepare(const char *key_path, char why[256])
{
    struct stat found;
    struct masters *masters = NULL;
    if (lstat(key_path, &found) < 0 && errno == ENOENT) {
        int error = master_make(key_path, why);
        if (error) {
            return error;
        }
    }
    int error = masters_read(key_path, &masters, why);
    if (!error) {
        sodium_free(masters);
    }
    return error;
}

/* ---- keys of purposes ---- */

static void
seal_derive(struct seal *seal, const struct masters *masters)
{
    uint8_t digest[crypto_kdf_BYTES_MIN];
    for (size_t i = 0; i < masters->count; i++) {
        (void)crypto_kdf_derive_from_key(seal->keys[i], sizeof(seal->keys[i]),
                                         (uint64_t)seal->purpose + 1, CONTEXT, masters->keys[i]);
        /* Subkey 0 says which master it was, and nothing about it. */
        (void)crypto_kdf_derive_from_key(digest, sizeof(digest), 0, CONTEXT, masters->keys[i]);
        memcpy(seal->ids[i], digest, ID_BYTES);
    }
    seal->count = masters->count;
}

static struct seal *
seal_make(const struct masters *masters, enum seal_purpose purpose)
{
    struct seal *seal = sodium_malloc(sizeof(*seal));
    if (seal) {
        seal->purpose = purpose;
        seal_derive(seal, masters);
    }
    return seal;
}

int
seal_open(const char *key_path, enum seal_purpose purpose, struct seal **out, char why[256])
{
    struct masters *masters = NULL;
    int error = masters_read(key_path, &masters, why);
    if (error) {
        return error;
    }
    *out = seal_make(masters, purpose);
    sodium_free(masters);
    return *out ? 0 : complain(why, -ENOMEM, key_path, "no memory can be locked for it");
}

void
seal_free(struct seal *seal)
{
    sodium_free(seal); /* wipes */
}

void
seal_bytes_free(char *bytes)
{
    sodium_free(bytes);
}

/* ---- sealed files ---- */

/* What is authenticated beside the content: purpose and file name. */
struct about {
    uint8_t bytes[NAME_MAX_SIZE + 32];
    size_t size;
};

static int
about_make(const struct seal *seal, const char *path, struct about *about)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    int used = snprintf((char *)about->bytes, sizeof(about->bytes), "%s/%s",
                        seal_purpose_names[seal->purpose], name);
    about->size = (size_t)used;
    return used > 0 && about->size < sizeof(about->bytes) ? 0 : -ENAMETOOLONG;
}

int
seal_write(const struct seal *seal, const char *path, const void *bytes, size_t size)
{
    struct about about;
    int error = about_make(seal, path, &about);
    size_t room = HEAD_SIZE + size + MAC_SIZE;
    uint8_t *sealed = error ? NULL : malloc(room);
    if (!sealed) {
        return error ? error : -ENOMEM;
    }
    memcpy(sealed, MAGIC, MAGIC_SIZE);
    memcpy(sealed + MAGIC_SIZE, seal->ids[0], ID_BYTES);
    uint8_t *nonce = sealed + MAGIC_SIZE + ID_BYTES;
    randombytes_buf(nonce, NONCE_SIZE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed + HEAD_SIZE, NULL, bytes, size, about.bytes, about.size, NULL, nonce, seal->keys[0]);
    error = file_write_atomic(path, sealed, room, 0600);
    free(sealed);
    return error;
}

static int
sealed_open(const struct seal *seal, const struct about *about, const uint8_t *sealed, size_t size,
            char *bytes)
{
    const uint8_t *id = sealed + MAGIC_SIZE, *nonce = id + ID_BYTES;
    for (size_t i = 0; i < seal->count; i++) {
        if (memcmp(id, seal->ids[i], ID_BYTES) == 0) {
            return crypto_aead_xchacha20poly1305_ietf_decrypt(
                       (uint8_t *)bytes, NULL, NULL, sealed + HEAD_SIZE, size - HEAD_SIZE,
                       about->bytes, about->size, nonce, seal->keys[i]) == 0
                       ? 0
                       : -EBADMSG;
        }
    }
    return -EKEYREJECTED;
}

int
seal_read(const struct seal *seal, const char *path, size_t limit, char **bytes, size_t *size)
{
    struct about about;
    char *sealed = NULL;
    size_t length = 0;
    int error = about_make(seal, path, &about);
    error = error ? error : file_read(path, HEAD_SIZE + limit + MAC_SIZE, &sealed, &length);
    if (error) {
        return error;
    }
    if (length < HEAD_SIZE + MAC_SIZE || memcmp(sealed, MAGIC, MAGIC_SIZE) != 0) {
        free(sealed);
        return -EBADMSG;
    }
    size_t plain = length - HEAD_SIZE - MAC_SIZE;
    char *opened = sodium_malloc(plain + 1);
    error = opened ? sealed_open(seal, &about, (const uint8_t *)sealed, length, opened) : -ENOMEM;
    free(sealed);
    if (error) {
        sodium_free(opened);
        return error;
    }
    opened[plain] = '\0';
    *bytes = opened;
    *size = plain;
    return 0;
}

/* ---- what lay in the clear ---- */

#define PLAIN_MAX (64u << 10)

/* Root takes over what is a role's own, too: of whom the folder is. */
static uid_t
owner_of(const char *plain)
{
    char folder[PATH_MAX];
    struct stat found;
    const char *slash = strrchr(plain, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - plain) : 0, plain);
    return geteuid() == 0 && slash && stat(folder, &found) == 0 ? found.st_uid : 0;
}

/* '*bytes' in locked memory. */
static int
plain_read(const char *plain, char **bytes, size_t *size, char why[256])
{
    struct stat found;
    int fd = -1;
    int error = private_open(plain, O_RDONLY, owner_of(plain), &fd, &found, why);
    if (error) {
        return error;
    }
    *size = (size_t)found.st_size;
    *bytes = found.st_size <= PLAIN_MAX ? sodium_malloc(*size + 1) : NULL;
    if (!*bytes || read(fd, *bytes, *size) != found.st_size) {
        error = complain(why, -EIO, plain, *bytes ? "cannot be read whole" : "is too large");
        sodium_free(*bytes);
        *bytes = NULL;
    }
    close(fd);
    return error;
}

static int
zeros_put(int fd, off_t size)
{
    static const char zeros[4096];
    int error = 0;
    for (off_t done = 0; !error && done < size;) {
        size_t part = size - done < (off_t)sizeof(zeros) ? (size_t)(size - done) : sizeof(zeros);
        ssize_t put = write(fd, zeros, part);
        error = put < 0 && errno != EINTR ? -errno : 0;
        done += put > 0 ? put : 0;
    }
    return !error && fsync(fd) < 0 ? -errno : error;
}

/* Renamed first: one that is overwritten by half is never taken for a secret.  What bears that name
 * is looked at again: whoever owns the folder could make it another name of somebody's file.  On a
 * disk that writes elsewhere what is written anew, the former bytes stay until it needs the room:
 * docs/threats.md says so. */
static int
plain_wipe(const char *plain, bool is_there, char why[256])
{
    char gone[PATH_MAX];
    struct stat found;
    int fd = -1, used = snprintf(gone, sizeof(gone), "%s.gone", plain);
    int error = used < 0 || (size_t)used >= sizeof(gone) ? -ENAMETOOLONG : 0;
    if (!error && is_there && rename(plain, gone) < 0) {
        error = -errno;
    }
    if (error) {
        return complain(why, error, plain, strerror(-error));
    }
    error = private_open(gone, O_WRONLY, owner_of(plain), &fd, &found, why);
    if (error) {
        return error == -ENOENT && !is_there ? 0 : error;
    }
    error = zeros_put(fd, found.st_size);
    close(fd);
    error = error ? error : unlink(gone) < 0 ? -errno : file_sync_folder(gone);
    return error ? complain(why, error, gone,
                            "was sealed, and the file itself cannot be removed: remove it")
                 : 0;
}

static bool
is_sealed_so(const struct seal *seal, const char *path, const char *bytes, size_t size, int *error)
{
    char *opened = NULL;
    size_t length = 0;
    *error = seal_read(seal, path, PLAIN_MAX, &opened, &length);
    bool is_same = !*error && length == size && sodium_memcmp(opened, bytes, size) == 0;
    sodium_free(opened);
    return is_same;
}

/* Written, and seen to open again: the plain one is the only other copy. */
static int
plain_seal(const struct seal *seal, const char *path, const char *bytes, size_t size, bool is_newer,
           char why[256])
{
    int error;
    if (is_sealed_so(seal, path, bytes, size, &error)) {
        return 0;
    }
    if (error != -ENOENT && !is_newer) {
        return complain(why, -EEXIST, path,
                        "is there, and the same in the clear beside it (without .sealed), and they "
                        "differ: keep the right one");
    }
    error = seal_write(seal, path, bytes, size);
    if (!error && !is_sealed_so(seal, path, bytes, size, &error)) {
        error = error ? error : -EIO;
    }
    return error ? complain(why, error, path, strerror(-error)) : 0;
}

int
seal_take_over(const struct seal *seal, const char *plain, const char *path, bool is_newer,
               bool *is_taken, char why[256])
{
    struct stat found;
    char *bytes = NULL;
    size_t size = 0;
    *is_taken = false;
    int error = plain_wipe(plain, false, why); /* of one that was cut off */
    if (!error && lstat(plain, &found) < 0) {
        bool is_none = errno == ENOENT || errno == ENOTDIR;
        return is_none ? 0 : complain(why, -errno, plain, strerror(errno));
    }
    error = error ? error : plain_read(plain, &bytes, &size, why);
    error = error ? error : plain_seal(seal, path, bytes, size, is_newer, why);
    sodium_free(bytes);
    error = error ? error : plain_wipe(plain, true, why);
    *is_taken = !error;
    return error;
}

/* ---- another master key ---- */

#define ROTATED_MAX (16u << 20)

static int
file_renew(const struct masters *masters, const struct seal_file *file, char why[256])
{
    char *bytes = NULL;
    size_t size = 0;
    struct seal *seal = seal_make(masters, file->purpose);
    int error = seal ? seal_read(seal, file->path, ROTATED_MAX, &bytes, &size) : -ENOMEM;
    if (!error) {
        error = seal_write(seal, file->path, bytes, size);
    } else if (error == -ENOENT) {
        error = 0;
    }
    seal_bytes_free(bytes);
    seal_free(seal);
    return error ? complain(why, error, file->path,
                            error == -EKEYREJECTED || error == -EBADMSG
                                ? "cannot be opened with the present key: nothing is given up, put "
                                  "the right file back or remove it"
                                : strerror(-error))
                 : 0;
}

static int
files_renew(const char *key_path, struct masters *masters, const struct seal_file *files,
            size_t count, char why[256])
{
    int error = 0;
    for (size_t i = 0; !error && i < count; i++) {
        error = file_renew(masters, &files[i], why);
    }
    if (!error) {
        masters->count = 1;
        error = masters_write(key_path, masters, why);
    }
    return error;
}

int
seal_rotate(const char *key_path, const struct seal_file *files, size_t count, bool *is_new,
            char why[256])
{
    struct masters *masters = NULL;
    int error = masters_read(key_path, &masters, why);
    if (error) {
        return error;
    }
    *is_new = masters->count == 1;
    if (*is_new) { /* else: what was cut off, or joined, goes on with its first key */
        memcpy(masters->keys[1], masters->keys[0], SEAL_KEY_SIZE);
        crypto_kdf_keygen(masters->keys[0]);
        masters->count = 2;
        error = masters_write(key_path, masters, why);
    }
    error = error ? error : files_renew(key_path, masters, files, count, why);
    sodium_free(masters);
    return error;
}

int
seal_settle(const char *key_path, const struct seal_file *files, size_t count, char why[256])
{
    struct masters *masters = NULL;
    int error = masters_read(key_path, &masters, why);
    if (!error && masters->count > 1) {
        error = files_renew(key_path, masters, files, count, why);
    }
    sodium_free(masters);
    return error;
}

int
seal_join(const char *key_path, const char *former_path, char why[256])
{
    struct masters *masters = NULL, *former = NULL;
    if (access(former_path, F_OK) < 0 && errno == ENOENT) {
        return 0;
    }
    int error = masters_read(key_path, &masters, why);
    error = error ? error : masters_read(former_path, &former, why);
    if (!error && sodium_memcmp(masters->keys[0], former->keys[0], SEAL_KEY_SIZE) != 0) {
        size_t count = masters->count + former->count;
        if (count > KEYS_MAX) {
            error = complain(why, -EBUSY, former_path,
                             "a change of the key was cut off: 'cordond key rotate' first");
        } else {
            memcpy(masters->keys[masters->count], former->keys, former->count * SEAL_KEY_SIZE);
            masters->count = count;
            error = masters_write(key_path, masters, why);
        }
    }
    sodium_free(masters);
    sodium_free(former);
    return error;
}
