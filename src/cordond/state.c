#include "cordond/state.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sandbox.h"

#define PATH_ROOM (URL_SIZE + 320)

/* The roles that have a folder. */
static const enum sandbox_role owners[] = {SANDBOX_CORE, SANDBOX_DRIVER, SANDBOX_INTAKE,
                                           SANDBOX_WEB,  SANDBOX_NOTIFY, SANDBOX_LOGIN};

/* Where an earlier version had it, all in the state folder itself. */
static const struct {
    enum sandbox_role owner;
    const char *name;
} moved[] = {
    {SANDBOX_CORE, "cordon.db-wal"},
    {SANDBOX_CORE, "cordon.db-shm"},
    {SANDBOX_CORE, "cordon.db"},
    {SANDBOX_CORE, "cordon.db.made"},
    {SANDBOX_CORE, "cordon.db.open"},
    {SANDBOX_CORE, "cordon.db.unclean"},
    {SANDBOX_CORE, "cordon.db.suspect"},
    {SANDBOX_CORE, "cordon.db.from"},
    {SANDBOX_CORE, "copies"},
    {SANDBOX_CORE, "aside"},
    {SANDBOX_WEB, "tokens"},
    {SANDBOX_WEB, "tokens.lock"},
    {SANDBOX_WEB, "accounts"},
    {SANDBOX_WEB, "accounts.lock"},
    {SANDBOX_NOTIFY, "notify.secrets"},
    {SANDBOX_NOTIFY, "notify.key"},
};

static void
folder_of(const char *state, enum sandbox_role role, char path[PATH_ROOM])
{
    snprintf(path, PATH_ROOM, "%s/%s", state, sandbox_of(role)->name);
}

/* ---- users ---- */

bool
state_users_check(const struct config *config, char why[256])
{
    uid_t uid;
    gid_t gid;
    bool is_root = geteuid() == 0;
    why[0] = '\0';
    if (config->users == USERS_OWN && is_root) {
        snprintf(why, 256,
                 "'users: own' is for a cordond that is not started by root: start it as "
                 "an ordinary user, or leave 'users' out");
    } else if (config->users == USERS_ROLES && !is_root) {
        snprintf(why, 256,
                 "must be started by root, so that each role can take its own user; or "
                 "set 'users: own' in cordond.yaml: then all run as whoever starts it");
    }
    for (size_t i = 0; i < COUNT_OF(owners) && !why[0] && config->users == USERS_ROLES; i++) {
        if (sandbox_user(sandbox_of(owners[i])->user, &uid, &gid, why)) {
            break;
        }
    }
    if (why[0]) {
        log_error("supervisor", "cordond cannot start", LOG_S("why", why));
    }
    return why[0] == '\0';
}

/* ---- folders ---- */

/* By renames: whenever it is cut off, the next start goes on. */
static int
earlier_move(const char *state, char why[256])
{
    for (size_t i = 0; i < COUNT_OF(moved); i++) {
        char from[PATH_ROOM], to[PATH_ROOM + 32], folder[PATH_ROOM];
        struct stat found;
        folder_of(state, moved[i].owner, folder);
        snprintf(from, sizeof(from), "%s/%s", state, moved[i].name);
        snprintf(to, sizeof(to), "%s/%s", folder, moved[i].name);
        if (lstat(from, &found) < 0 || (!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode))) {
            continue;
        }
        if (lstat(to, &found) == 0) {
            snprintf(why, 256, "%.100s is there twice, also as %.110s: keep one", from, to);
            return -EEXIST;
        }
        if (rename(from, to) < 0) {
            int error = -errno;
            snprintf(why, 256, "%.100s cannot go to %.100s: %s", from, to, strerror(-error));
            return error;
        }
        log_info("supervisor", "moved into the folder of its role", LOG_S("file", to));
    }
    return 0;
}

int
state_make(const char *state, char why[256])
{
    mode_t before = umask(066); /* nor may a folder above it that is made keep its users out */
    int error = file_make_dirs(state, 0711);
    umask(before);
    if (!error && chmod(state, 0711) < 0) { /* our umask made it 0700, an earlier version too */
        error = -errno;
    }
    for (size_t i = 0; i < COUNT_OF(owners) && !error; i++) {
        char folder[PATH_ROOM];
        folder_of(state, owners[i], folder);
        error = file_make_dirs(folder, 0700);
    }
    if (error) {
        snprintf(why, 256, "cannot make %.180s: %s", state, strerror(-error));
        return error;
    }
    return earlier_move(state, why);
}

/* ---- owners ---- */

/* The folder itself last: until then it is not its user's, and the next start does it again. */
static int
folder_own(const char *path, uid_t uid, gid_t gid)
{
    struct stat found;
    int error = lstat(path, &found) < 0 ? -errno : 0;
    if (!error && (found.st_uid != uid || found.st_gid != gid)) {
        error = file_own_tree(path, uid, gid);
    }
    if (!error && (found.st_mode & 07777) != 0700 && chmod(path, 0700) < 0) {
        error = -errno;
    }
    return error;
}

/* As that user: does it come there? */
static bool
is_reached(const char *path, uid_t uid, gid_t gid)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
              setresuid(uid, uid, uid) < 0 || access(path, R_OK | W_OK | X_OK) < 0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* The folder on the way that stops it, in words. */
static void
obstacle_name(const char *path, const char *user, char why[256])
{
    char part[PATH_MAX];
    struct stat found;
    snprintf(part, sizeof(part), "%s", path);
    for (char *at = strchr(part + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (stat(part, &found) == 0 && !(found.st_mode & S_IXOTH)) {
            snprintf(why, 256, "%.60s may not pass %.120s: 'chmod o+x' it, or move state_dir", user,
                     part);
            return;
        }
        *at = '/';
    }
    snprintf(why, 256, "%.60s does not come to %.160s", user, path);
}

static int
role_own(const char *state, const struct sandbox *role, char why[256])
{
    char path[PATH_ROOM];
    uid_t uid;
    gid_t gid;
    int error = sandbox_user(role->user, &uid, &gid, why);
    if (error) {
        return error;
    }
    snprintf(path, sizeof(path), "%s/%s", state, role->name);
    error = folder_own(path, uid, gid);
    if (error) {
        snprintf(why, 256, "%.120s cannot be given to %.40s: %s", path, role->user,
                 strerror(-error));
        return error;
    }
    if (!is_reached(path, uid, gid)) {
        obstacle_name(path, role->user, why);
        return -EACCES;
    }
    return 0;
}

int
state_own(const struct config *config, char why[256])
{
    for (size_t i = 0; i < COUNT_OF(owners) && config->users == USERS_ROLES; i++) {
        int error = role_own(config->state_dir, sandbox_of(owners[i]), why);
        if (error) {
            log_error("supervisor", "cordond cannot start", LOG_S("why", why));
            return error;
        }
    }
    return 0;
}

bool
state_has_database(const char *state)
{
    char path[PATH_ROOM];
    folder_of(state, SANDBOX_CORE, path);
    strncat(path, "/cordon.db", sizeof(path) - strlen(path) - 1);
    if (access(path, F_OK) == 0) {
        return true;
    }
    snprintf(path, sizeof(path), "%s/cordon.db", state);
    return access(path, F_OK) == 0;
}
