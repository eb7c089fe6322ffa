#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

int
file_read_open(int fd, size_t limit, char **bytes, size_t *size)
{
    size_t room = 4096, used = 0;
    char *buffer = mem_new(room, 1);
    for (;;) {
        ssize_t got = read(fd, buffer + used, room - used - 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        used += got > 0 ? (size_t)got : 0;
        if (got < 0 || used > limit) {
            int error = got < 0 ? -errno : -EFBIG;
            free(buffer);
            return error;
        }
        if (got == 0) {
            buffer[used] = '\0';
            *bytes = buffer;
            *size = used;
            return 0;
        }
        if (room - used < 2) {
            room *= 2;
            buffer = mem_resize(buffer, room, 1);
        }
    }
}

int
file_read(const char *path, size_t limit, char **bytes, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = file_read_open(fd, limit, bytes, size);
    close(fd);
    return error;
}

static int
write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno != EINTR) {
            return -errno;
        }
        bytes += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static void
folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    int size = slash ? (int)(slash - path) : 0;
    snprintf(folder, PATH_MAX, "%.*s", size ? size : 1, slash ? (size ? path : "/") : ".");
}

int
file_sync_folder(const char *path)
{
    char folder[PATH_MAX];
    folder_of(path, folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}

/* Whose 'path' is, or will be.  False: nobody else's than of whoever writes it. */
static bool
owner_find(const char *path, struct stat *found)
{
    char folder[PATH_MAX];
    folder_of(path, folder);
    return geteuid() == 0 && (lstat(path, found) == 0 || stat(folder, found) == 0);
}

/* Of 'fd', which will be 'path'. */
static int
owner_follow(int fd, const char *path)
{
    struct stat found, made;
    if (!owner_find(path, &found)) {
        return 0;
    }
    bool is_theirs =
        fstat(fd, &made) == 0 && made.st_uid == found.st_uid && made.st_gid == found.st_gid;
    return is_theirs || fchown(fd, found.st_uid, found.st_gid) == 0 ? 0 : -errno;
}

/* Never through a link, nor into what somebody put there: root writes in folders of others. */
static int
beside_open(const char *beside, mode_t mode)
{
    (void)unlink(beside); /* of a process of that number that did not finish */
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    return fd < 0 ? -errno : fd;
}

/* With the group that 'path' has: the supervisor may not give files away, but be of any group. */
static int
beside_open_for(const char *path, const char *beside, mode_t mode)
{
    struct stat found;
    gid_t own = getegid();
    bool is_other = owner_find(path, &found) && found.st_gid != own && setegid(found.st_gid) == 0;
    int fd = beside_open(beside, mode);
    if (is_other && setegid(own) < 0) {
        abort(); /* whatever comes next would be done as somebody else */
    }
    return fd;
}

static int
beside_name(const char *path, char beside[PATH_MAX])
{
    int used = snprintf(beside, PATH_MAX, "%s.%ld.new", path, (long)getpid());
    return used < 0 || used >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int
file_write_beside(const char *path, const void *bytes, size_t size, mode_t mode)
{
    char beside[PATH_MAX];
    int error = beside_name(path, beside);
    int fd = error ? error : beside_open_for(path, beside, mode);
    if (fd < 0) {
        return fd;
    }
    error = write_all(fd, bytes, size);
    if (!error && fchmod(fd, mode) < 0) { /* while it is ours: root may lack what others' takes */
        error = -errno;
    }
    error = error ? error : owner_follow(fd, path);
    if (!error && fsync(fd) < 0) {
        error = -errno;
    }
    if (error) {
        close(fd);
        unlink(beside);
        return error;
    }
    return fd;
}

void
file_drop_beside(const char *path)
{
    char beside[PATH_MAX];
    if (beside_name(path, beside) == 0) {
        (void)unlink(beside);
    }
}

int
file_take_place(const char *path)
{
    char beside[PATH_MAX];
    int error = beside_name(path, beside);
    if (!error && rename(beside, path) < 0) {
        error = -errno;
        unlink(beside);
    }
    return error;
}

int
file_write_atomic(const char *path, const void *bytes, size_t size, mode_t mode)
{
    int fd = file_write_beside(path, bytes, size, mode);
    if (fd < 0) {
        return fd;
    }
    close(fd);
    int error = file_take_place(path);
    return error ? error : file_sync_folder(path);
}

#define PID_DIGITS 7 /* Linux gives no number above 4,194,304 */

/* The number in NAME.PID.new; 0: it is not called so. */
static pid_t
writer_of(const char *name)
{
    static const char end[] = ".new";
    size_t size = strlen(name), digits = 0;
    if (size < sizeof(end) || strcmp(name + size - strlen(end), end) != 0) {
        return 0;
    }
    size -= strlen(end);
    while (digits < size && name[size - digits - 1] >= '0' && name[size - digits - 1] <= '9') {
        digits++;
    }
    bool is_number = digits > 0 && digits <= PID_DIGITS && name[size - digits] != '0';
    bool has_name = size > digits + 1 && name[size - digits - 1] == '.';
    return is_number && has_name ? (pid_t)strtol(name + size - digits, NULL, 10) : 0;
}

static bool
is_at_work(pid_t pid)
{
    return pid != getpid() && (kill(pid, 0) == 0 || errno != ESRCH);
}

/* Did a write leave it?  Whoever may write into the folder may remove it too: a name that is put in
 * its place meanwhile is his own. */
static bool
is_unfinished(int folder, const struct stat *owner, const char *name)
{
    struct stat found;
    pid_t pid = writer_of(name);
    return pid > 0 && fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(found.st_mode) && found.st_nlink == 1 &&
           (found.st_uid == owner->st_uid || found.st_uid == geteuid()) && !is_at_work(pid);
}

void
file_clear_unfinished(const char *folder)
{
    struct stat owner;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = fd >= 0 && fstat(fd, &owner) == 0 ? fdopendir(fd) : NULL;
    int64_t removed = 0;
    if (!list) {
        if (fd >= 0) {
            close(fd);
        }
        return; /* not made yet */
    }
    for (struct dirent *each; (each = readdir(list)) != NULL;) {
        if (!is_unfinished(fd, &owner, each->d_name)) {
            continue;
        }
        if (unlinkat(fd, each->d_name, 0) == 0) {
            removed++;
        } else {
            log_warn("files", "what a write left cannot be removed", LOG_S("folder", folder),
                     LOG_S("file", each->d_name), LOG_S("why", strerror(errno)));
        }
    }
    if (removed > 0) {
        log_info("files", "what writes left that were cut off was removed", LOG_S("folder", folder),
                 LOG_I("files", removed));
    }
    closedir(list);
}

static int
lock_open(const char *path, int flags, int *out)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    *out = fd;
    return 0;
}

int
file_replace(const char *path, const void *bytes, size_t size)
{
    char real[PATH_MAX];
    struct stat found = {.st_mode = 0600};
    if (!realpath(path, real) || stat(real, &found) < 0) {
        if ((size_t)snprintf(real, sizeof(real), "%s", path) >= sizeof(real)) {
            return -ENAMETOOLONG;
        }
    }
    return file_write_atomic(real, bytes, size, found.st_mode & 0777);
}

int
file_lock(const char *path, int *fd)
{
    return lock_open(path, O_RDWR | O_CREAT, fd);
}

int
file_lock_folder(const char *path, int *fd)
{
    return lock_open(path, O_RDONLY | O_DIRECTORY, fd);
}

int
file_make_dirs(const char *path, mode_t mode)
{
    char part[PATH_MAX];
    if (path[0] == '\0') {
        return -ENOENT; /* below, the first character is taken to be there */
    }
    if (strlen(path) >= sizeof(part)) {
        return -ENAMETOOLONG;
    }
    snprintf(part, sizeof(part), "%s", path);
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char was = *at;
        *at = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST) {
            return -errno;
        }
        *at = was;
        if (was == '\0') {
            break;
        }
    }
    struct stat found;
    return stat(path, &found) < 0 ? -errno : S_ISDIR(found.st_mode) ? 0 : -ENOTDIR;
}

int
file_lock_wait(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat found;
    if (fd < 0) {
        return -errno;
    }
    int error = fstat(fd, &found) < 0 ? -errno : 0;
    if (!error && (!S_ISREG(found.st_mode) || found.st_nlink > 1)) {
        error = -EPERM; /* somebody's trick */
    }
    if (!error && geteuid() == 0) {
        char folder[PATH_MAX];
        folder_of(path, folder);
        error = stat(folder, &found) < 0 || fchown(fd, found.st_uid, found.st_gid) < 0 ? -errno : 0;
    }
    if (!error && flock(fd, LOCK_EX) < 0) {
        error = -errno;
    }
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

/* Takes 'folder', a descriptor. */
static int
contents_own(int folder, uid_t uid, gid_t gid)
{
    DIR *list = fdopendir(folder);
    if (!list) {
        int error = -errno;
        close(folder);
        return error;
    }
    int error = 0;
    for (struct dirent *each; !error && (each = readdir(list)) != NULL;) {
        struct stat found;
        if (strcmp(each->d_name, ".") == 0 || strcmp(each->d_name, "..") == 0) {
            continue;
        }
        if (fstatat(dirfd(list), each->d_name, &found, AT_SYMLINK_NOFOLLOW) < 0) {
            error = -errno;
            continue;
        }
        if (S_ISDIR(found.st_mode)) {
            int inner =
                openat(dirfd(list), each->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            error = inner < 0 ? -errno : contents_own(inner, uid, gid);
        }
        if (error || (found.st_uid == uid && found.st_gid == gid)) {
            continue;
        }
        if (S_ISREG(found.st_mode) && found.st_nlink > 1) {
            error = -EMLINK;
        } else if (fchownat(dirfd(list), each->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0) {
            error = -errno;
        }
    }
    closedir(list);
    return error;
}

int
file_own_tree(const char *path, uid_t uid, gid_t gid)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int inner = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = inner < 0 ? -errno : contents_own(inner, uid, gid);
    if (!error && fchown(fd, uid, gid) < 0) {
        error = -errno;
    }
    close(fd);
    return error;
}

/* ---- elsewhere ---- */

static int
contents_copy(int from, int to)
{
    static const size_t room = 1u << 16;
    char *bytes = malloc(room);
    int error = bytes ? 0 : -ENOMEM;
    while (!error) {
        ssize_t size = read(from, bytes, room);
        if (size <= 0) {
            error = size < 0 ? -errno : 0;
            break;
        }
        error = write_all(to, bytes, (size_t)size);
    }
    free(bytes);
    return error;
}

static int
copy_beside(int from, const char *beside)
{
    struct stat found;
    int to = beside_open(beside, 0600);
    if (to < 0) {
        return to;
    }
    int error = fstat(from, &found) < 0 ? -errno : contents_copy(from, to);
    if (!error &&
        (fchmod(to, found.st_mode & 0777) < 0 ||
         (geteuid() == 0 && fchown(to, found.st_uid, found.st_gid) < 0) || fsync(to) < 0)) {
        error = -errno;
    }
    close(to);
    return error;
}

int
file_carry(const char *from, const char *to)
{
    char beside[PATH_MAX];
    if (rename(from, to) == 0) {
        return 0;
    }
    if (errno != EXDEV) {
        return -errno;
    }
    int used = snprintf(beside, sizeof(beside), "%s.%ld.new", to, (long)getpid());
    if (used < 0 || (size_t)used >= sizeof(beside)) {
        return -ENAMETOOLONG;
    }
    int fd = open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int error = fd < 0 ? -errno : copy_beside(fd, beside);
    if (fd >= 0) {
        close(fd);
    }
    if (!error && rename(beside, to) < 0) {
        error = -errno;
    }
    if (error) {
        (void)unlink(beside);
        return error;
    }
    error = file_sync_folder(to);
    return error ? error : unlink(from) < 0 ? -errno : 0;
}

#define LINKS_MAX 8 /* one behind another */

/* Where a link of root's or ours leads; 0 or negative errno. */
static int
link_read(const char *path, char to[PATH_MAX])
{
    char text[PATH_MAX];
    struct stat found;
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = fstat(fd, &found) < 0 ? -errno : 0;
    if (!error && (!S_ISLNK(found.st_mode) || (found.st_uid != 0 && found.st_uid != geteuid()))) {
        error = -ELOOP;
    }
    ssize_t size = error ? 0 : readlinkat(fd, "", text, sizeof(text) - 1);
    error = size < 0 ? -errno : error;
    close(fd);
    if (error) {
        return error;
    }
    text[size] = '\0';
    const char *name = strrchr(path, '/');
    int folder = text[0] == '/' || !name ? 0 : (int)(name - path) + 1;
    int used = snprintf(to, PATH_MAX, "%.*s%s", folder, path, text);
    return used < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int
file_open_plain(const char *path)
{
    char at[PATH_MAX], next[PATH_MAX];
    struct stat found;
    if (snprintf(at, sizeof(at), "%s", path) >= (int)sizeof(at)) {
        return -ENAMETOOLONG;
    }
    for (int i = 0; i < LINKS_MAX; i++) {
        int fd = open(at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &found) == 0 && S_ISREG(found.st_mode)) {
            return fd;
        }
        int error = fd < 0 ? -errno : -EINVAL;
        if (fd >= 0) {
            close(fd);
        }
        error = error == -ELOOP ? link_read(at, next) : error;
        if (error) {
            return error;
        }
        memcpy(at, next, sizeof(at));
    }
    return -ELOOP;
}
