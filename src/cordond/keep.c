#include "cordond/keep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/seal.h"

/* Everything that is sealed with the master key: a new kind of secret is one line here, and then a
 * rotation and a backup know of it. */
static const struct {
    const char *name; /* below the state folder */
    enum seal_purpose purpose;
} sealed[] = {
    {"notify/secrets.sealed", SEAL_NOTIFY},
    {"web/factors.sealed", SEAL_ACCOUNTS},
};
#define SEALED_COUNT COUNT_OF(sealed)
#define PATH_ROOM (URL_SIZE + 64)

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

int
keep_prepare(const char *state, const char *key_path, char why[256])
{
    bool has_key = access(key_path, F_OK) == 0 || errno != ENOENT;
    for (size_t i = 0; !has_key && i < SEALED_COUNT; i++) {
        char path[PATH_ROOM];
        snprintf(path, sizeof(path), "%s/%s", state, sealed[i].name);
        if (access(path, F_OK) == 0) {
            snprintf(why, 256,
                     "%.100s is not there, but %.60s is, which only it opens: put the key back "
                     "(a backup has it), or remove that file and give its secrets again",
                     key_path, sealed[i].name);
            return -ENOKEY;
        }
    }
    return seal_prepare(key_path, why);
}

int
keep_rotate(const char *state, const char *key_path)
{
    char paths[SEALED_COUNT][PATH_ROOM], why[256];
    struct seal_file files[SEALED_COUNT];
    for (size_t i = 0; i < SEALED_COUNT; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", state, sealed[i].name);
        files[i] = (struct seal_file){paths[i], sealed[i].purpose};
    }
    int error = keep_lock(state, why);
    error = error ? error : seal_rotate(key_path, files, SEALED_COUNT, why);
    if (error) {
        fprintf(stderr, "cordond: %s\n", why);
        return 1;
    }
    printf("%s is new; everything is sealed with it. What opens an older backup is the key in that "
           "backup.\n",
           key_path);
    return 0;
}
