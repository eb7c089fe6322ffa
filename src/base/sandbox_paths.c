#include "base/sandbox_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h, of a later release than the headers that we build with may be. */
#define FS_EXECUTE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_REMOVE_DIR (1ull << 4)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_DIR (1ull << 7)
#define FS_MAKE_REG (1ull << 8)
#define FS_MAKE_SOCK (1ull << 9)
#define FS_REFER (1ull << 13)     /* version 2 */
#define FS_TRUNCATE (1ull << 14)  /* version 3 */
#define FS_IOCTL_DEV (1ull << 15) /* version 5 */
#define NET_BIND_TCP (1ull << 0)  /* version 4 */
#define NET_CONNECT_TCP (1ull << 1)
#define SCOPE_ABSTRACT (1ull << 0) /* version 6 */
#define SCOPE_SIGNAL (1ull << 1)

#define FS_READS (FS_READ_FILE | FS_READ_DIR)
#define FS_OF_FILES (FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define FS_WRITES                                                                                  \
    (FS_READS | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |       \
     FS_MAKE_SOCK | FS_REFER | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset {
    uint64_t fs, net, scoped;
};

struct beneath {
    uint64_t allowed;
    int32_t folder;
} __attribute__((packed));

static const uint64_t versions[] = {(1ull << 13) - 1, (1ull << 14) - 1, (1ull << 15) - 1,
                                    (1ull << 15) - 1, (1ull << 16) - 1};

int
sandbox_paths_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u);
    return version > 0 ? (int)version : 0;
}

static int
path_allow(int ruleset, const struct sandbox_path *path, uint64_t handled)
{
    struct stat found;
    int fd = open(path->path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
    }
    struct beneath beneath = {.allowed = path->is_writable ? FS_WRITES : FS_READS, .folder = fd};
    int error = fstat(fd, &found) < 0 ? -errno : 0;
    if (!error && !S_ISDIR(found.st_mode)) {
        beneath.allowed &= FS_OF_FILES;
    }
    beneath.allowed &= handled;
    if (!error && syscall(SYS_landlock_add_rule, ruleset, 1, &beneath, 0) < 0) {
        error = -errno;
    }
    close(fd);
    return error;
}

int
sandbox_paths_enter(const struct sandbox_path *paths, size_t count, bool connects)
{
    int version = sandbox_paths_version();
    if (version == 0) {
        return 0;
    }
    size_t newest = COUNT_OF(versions) - 1;
    size_t known = (size_t)version - 1 < newest ? (size_t)version - 1 : newest;
    const struct ruleset wanted = {.fs = versions[known],
                                   .net = connects ? 0 : NET_BIND_TCP | NET_CONNECT_TCP,
                                   .scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL};
    size_t size = version >= 6   ? sizeof(wanted)
                  : version >= 4 ? offsetof(struct ruleset, scoped)
                                 : offsetof(struct ruleset, net);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &wanted, size, 0u);
    if (ruleset < 0) {
        return -errno;
    }
    int error = 0;
    for (size_t i = 0; i < count && !error; i++) {
        error = path_allow(ruleset, &paths[i], wanted.fs);
    }
    if (!error && syscall(SYS_landlock_restrict_self, ruleset, 0u) < 0) {
        error = -errno;
    }
    close(ruleset);
    return error;
}
