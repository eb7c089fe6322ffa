#include "cordond/keep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/seal.h"

/* Everything that is sealed with the master key: a new kind of secret is one line here, and then a
 * rotation, a restore and the start know of it. */
static const struct kept {
    const char *name; /* below the state folder */
    enum seal_purpose purpose;
    const char *plain; /* where an earlier release had it, likewise; NULL: it never had */
} kept[] = {
    {"pki/ca.key.sealed", SEAL_AUTHORITY, "pki/ca.key"},
    {"pki/server.key.sealed", SEAL_PKI, "pki/server.key"},
    {"core/audit.key.sealed", SEAL_AUDIT, "core/audit.key"},
    {"login/" CONFIG_LDAP_SEALED, SEAL_LOGIN, NULL},
    {"login/" CONFIG_OPENID_SEALED, SEAL_LOGIN, NULL},
    {"notify/secrets.sealed", SEAL_NOTIFY, NULL},
    {"web/factors.sealed", SEAL_ACCOUNTS, NULL},
};
#define KEPT_COUNT COUNT_OF(kept)
#define PATH_ROOM (URL_SIZE + 64)
#define KEPT_MAX (16u << 20)

int
keep_lock(const char *state, char why[256])
{
    char path[PATH_ROOM];
    int fd = -1; /* never closed: held as long as we are */
    snprintf(path, sizeof(path), "%s/lock", state);
    int error = file_lock(path, &fd);
    if (error == -EWOULDBLOCK) {
        snprintf(why, 256, "%.160s: a cordond runs with this state folder: stop it first", state);
    } else if (error) {
        snprintf(why, 256, "%.180s: %s", path, strerror(-error));
    }
    return error;
}

const char *
keep_sealed_name(const char *plain)
{
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        if (kept[i].plain && strcmp(kept[i].plain, plain) == 0) {
            return kept[i].name;
        }
    }
    return NULL;
}

/* ---- the master key ---- */

/* Another master key than the certificate authority's stops the start; another one of something
 * else is told, and whoever needs that goes without. */
static int
kept_check(const char *key_path, const struct kept *one, const char *path, char why[256])
{
    struct seal *seal = NULL;
    char *bytes = NULL;
    size_t size;
    int error = seal_open(key_path, one->purpose, &seal, why);
    if (error) {
        return error;
    }
    error = seal_read(seal, path, KEPT_MAX, &bytes, &size);
    seal_bytes_free(bytes);
    seal_free(seal);
    if (error == -EKEYREJECTED && one->purpose != SEAL_AUTHORITY) {
        log_error("keep",
                  "sealed with another master key: put the right one back, or remove it and "
                  "give its secrets again",
                  LOG_S("file", path), LOG_S("key", key_path));
        return 0;
    }
    if (error == -EKEYREJECTED) {
        snprintf(why, 256,
                 "%.110s is another key than the one that sealed %.40s: put the right one back (a "
                 "backup has it); nothing was changed",
                 key_path, one->name);
    } /* one that is damaged is told by whoever needs it */
    return error == -EKEYREJECTED ? error : 0;
}

int
keep_prepare(const char *state, const char *key_path, char why[256])
{
    bool has_key = access(key_path, F_OK) == 0 || errno != ENOENT;
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        char path[PATH_ROOM];
        snprintf(path, sizeof(path), "%s/%s", state, kept[i].name);
        if (access(path, F_OK) != 0) {
            continue;
        }
        int error = has_key ? kept_check(key_path, &kept[i], path, why) : -ENOKEY;
        if (error == -ENOKEY) {
            snprintf(why, 256,
                     "%.90s is not there, but %.32s is, which only it opens: put the key back "
                     "(a backup has it); nothing was changed",
                     key_path, kept[i].name);
        }
        if (error) {
            return error;
        }
    }
    return seal_prepare(key_path, why);
}

/* ---- what lay in the clear ---- */

/* What systemd gives lies in memory, and goes when the service ends (LoadCredential=). */
static bool
is_credential(const char *path)
{
    return strncmp(path, CONFIG_CREDENTIALS, strlen(CONFIG_CREDENTIALS)) == 0;
}

static int
one_take_over(const char *key_path, enum seal_purpose purpose, const char *plain, const char *path,
              bool is_newer, char why[256])
{
    struct seal *seal = NULL;
    bool is_taken = false;
    int error = seal_open(key_path, purpose, &seal, why);
    error = error ? error : seal_take_over(seal, plain, path, is_newer, &is_taken, why);
    seal_free(seal);
    if (is_taken) {
        log_info("keep", "a secret that lay in the clear is sealed now, and its file is gone",
                 LOG_S("file", plain), LOG_S("sealed", path));
    }
    return error;
}

/* One that a person put there: whatever is wrong with it stops nothing. */
static void
given_take_over(const char *state, const char *key_path, const char *plain, const char *name)
{
    char path[PATH_ROOM], why[256] = "";
    snprintf(path, sizeof(path), "%s/login/%s", state, name);
    if (plain[0] && !is_credential(plain) &&
        one_take_over(key_path, SEAL_LOGIN, plain, path, true, why)) {
        log_error("keep", "a secret stays in the clear", LOG_S("file", plain), LOG_S("why", why));
    }
}

int
keep_take_over(const char *state, const char *key_path, const struct config *config, char why[256])
{
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        char plain[PATH_ROOM], path[PATH_ROOM];
        if (!kept[i].plain) {
            continue;
        }
        snprintf(plain, sizeof(plain), "%s/%s", state, kept[i].plain);
        snprintf(path, sizeof(path), "%s/%s", state, kept[i].name);
        int error = one_take_over(key_path, kept[i].purpose, plain, path, false, why);
        if (error) {
            return error;
        }
    }
    if (config) {
        given_take_over(state, key_path, config->ldap.bind_password_file, CONFIG_LDAP_SEALED);
        given_take_over(state, key_path, config->openid.client_secret_file, CONFIG_OPENID_SEALED);
    }
    return 0;
}

/* ---- another one ---- */

int
keep_seal_anew(const char *state, const char *key_path, bool *is_new, char why[256])
{
    char paths[KEPT_COUNT][PATH_ROOM];
    struct seal_file files[KEPT_COUNT];
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", state, kept[i].name);
        files[i] = (struct seal_file){paths[i], kept[i].purpose};
    }
    return is_new ? seal_rotate(key_path, files, KEPT_COUNT, is_new, why)
                  : seal_settle(key_path, files, KEPT_COUNT, why);
}

int
keep_rotate(const char *state, const char *key_path)
{
    char why[256];
    bool is_new = false;
    int error = keep_lock(state, why);
    error = error ? error : keep_seal_anew(state, key_path, &is_new, why);
    if (error) {
        fprintf(stderr, "cordond: %s\n", why);
        return 1;
    }
    if (is_new) {
        printf("%s is new; everything is sealed with it. What opens an older backup is the key in "
               "that backup.\n",
               key_path);
    } else {
        printf("%s held several keys: a rotation or a restore had been cut off. That is ended: "
               "everything is sealed with the first of them, and the others are gone. For a new "
               "key, give the command once more.\n",
               key_path);
    }
    return 0;
}
