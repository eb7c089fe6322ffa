#include "base/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

#define OWN_FILES (1u << CALLS_BASIC | 1u << CALLS_FILES)
#define ACCEPTS (1u << CALLS_ACCEPT)
#define CONNECTS (1u << CALLS_CONNECT)
#define NAMES (1u << CALLS_CONNECT | 1u << CALLS_LIBRARY)

/* What every library may want to read: time zones, and how OpenSSL is set up. */
#define COMMON_PATHS                                                                               \
    {"/etc/localtime", false}, {"/usr/share/zoneinfo", false}, {"/etc/ssl", false},                \
        {"/usr/lib/ssl", false}, {"/dev/urandom", false},                                          \
    {                                                                                              \
        "/dev/null", true                                                                          \
    }
/* Where the names of hosts come from, certificates of authorities, and libraries for both. */
#define NAME_PATHS                                                                                 \
    {"/etc", false}, {"/usr", false}, {"/lib", false}, {"/lib64", false},                          \
        {"/run/systemd/resolve", false}, {"/run/resolvconf", false},                               \
        {"/run/NetworkManager", false}, {"/dev/urandom", false},                                   \
    {                                                                                              \
        "/dev/null", true                                                                          \
    }

/* The table.  RLIMIT_CORE is 0, the process is not dumpable and has no_new_privs in every row. */
static const struct sandbox
    table[SANDBOX_ROLE_COUNT] =
        {
            /* Starts roles, so it keeps what a role needs until it is locked in; ends them. */
            [SANDBOX_SUPERVISOR] = {.name = "supervisor",
                                    .user = "root",
                                    .kept = {CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL,
                                             CAP_NET_BIND_SERVICE, CAP_DAC_READ_SEARCH},
                                    .kept_count = 6,
                                    .files = 1024,
                                    .has_all_paths = true,
                                    .calls = OWN_FILES | ACCEPTS | CONNECTS | 1u << CALLS_START,
                                    .families = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}},
            [SANDBOX_CORE] = {.name = "core",
                              .user = "cordon-core",
                              .files = 1024,
                              .processes = 512,
                              .has_folder = true,
                              .paths = {COMMON_PATHS},
                              .calls = OWN_FILES},
            [SANDBOX_DRIVER] = {.name = "driver",
                                .user = "cordon-driver",
                                .files = 8192,
                                .processes = 4096,
                                .has_folder = true,
                                .paths = {COMMON_PATHS},
                                .calls = 1u << CALLS_BASIC | ACCEPTS},
            [SANDBOX_INTAKE] = {.name = "intake",
                                .user = "cordon-intake",
                                .files = 32768,
                                .processes = 64,
                                .has_folder = true,
                                .paths = {COMMON_PATHS},
                                .calls = OWN_FILES | ACCEPTS},
            [SANDBOX_WEB] = {.name = "web",
                             .user = "cordon-web",
                             .files = 8192,
                             .processes = 64,
                             .has_folder = true,
                             .paths = {COMMON_PATHS},
                             .calls = OWN_FILES | ACCEPTS},
            [SANDBOX_NOTIFY] = {.name = "notify",
                                .user = "cordon-notify",
                                .files = 256,
                                .processes = 512,
                                .has_folder = true,
                                .paths = {NAME_PATHS},
                                .calls = OWN_FILES | NAMES,
                                .families = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}},
            [SANDBOX_LOGIN] = {.name = "login",
                               .user = "cordon-login",
                               .files = 1024,
                               .processes = 512,
                               .has_folder = true,
                               .paths = {NAME_PATHS},
                               .calls = OWN_FILES | NAMES,
                               .families = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}},
            [SANDBOX_SENSOR] = {.name = "sensor",
                                .user = "cordon-sensor",
                                .files = 256,
                                .processes = 512,
                                .paths = {COMMON_PATHS},
                                .configured = "spool_dir (to write), the folders of lists",
                                .calls = OWN_FILES | CONNECTS,
                                .families = {AF_UNIX, AF_INET, AF_INET6}},
            [SANDBOX_EDGE] = {.name = "edge",
                              .user = "cordon-edge",
                              .kept = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON},
                              .kept_count = 4,
                              .files = 4096,
                              .paths =
                                  {
                                      COMMON_PATHS,
                                      {"/proc/sys/net", true},
                                      {"/proc/sys/kernel", false},
                                      {"/proc/self", false},
                                      {"/sys", false},
                                  },
                              .configured = "state_dir and run_dir (to write)",
                              .calls = OWN_FILES | ACCEPTS | CONNECTS | 1u << CALLS_DEVICES,
                              .families = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET}},
};

const struct sandbox *
sandbox_of(enum sandbox_role role)
{
    return &table[role];
}

unsigned
sandbox_calls_bits(const struct sandbox *sandbox)
{
    return sandbox->calls | (sandbox_has_sanitizer() ? 1u << CALLS_SANITIZER : 0);
}

const char *
sandbox_capability_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{CAP_SETUID, "setuid"},
                 {CAP_SETGID, "setgid"},
                 {CAP_SETPCAP, "setpcap"},
                 {CAP_KILL, "kill"},
                 {CAP_NET_BIND_SERVICE, "net_bind_service"},
                 {CAP_DAC_READ_SEARCH, "dac_read_search"},
                 {CAP_NET_ADMIN, "net_admin"},
                 {CAP_NET_RAW, "net_raw"},
                 {CAP_BPF, "bpf"},
                 {CAP_PERFMON, "perfmon"}};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (names[i].number == number) {
            return names[i].name;
        }
    }
    return NULL;
}

int
sandbox_user(const char *name, uid_t *uid, gid_t *gid, char why[256])
{
    const struct passwd *user = getpwnam(name);
    if (!user) {
        snprintf(why, 256,
                 "there is no user %.60s: make the users with 'systemd-sysusers "
                 "/usr/lib/sysusers.d/cordon.conf' (packaging/sysusers.d/cordon.conf)",
                 name);
        return -ENOENT;
    }
    if (user->pw_uid == 0) {
        snprintf(why, 256, "the user %.60s is root", name);
        return -EINVAL;
    }
    *uid = user->pw_uid;
    *gid = user->pw_gid;
    return 0;
}

/* ---- capabilities and user ---- */

static uint64_t
kept_bits(const struct sandbox *sandbox)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < sandbox->kept_count; i++) {
        bits |= (uint64_t)1 << sandbox->kept[i];
    }
    return bits;
}

static int
capabilities_get(struct __user_cap_data_struct data[2])
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    memset(data, 0, 2 * sizeof(data[0]));
    return syscall(SYS_capget, &head, data) < 0 ? -errno : 0;
}

/* Keeps of the permitted ones those of 'bits', and has them in force. */
static int
capabilities_keep(uint64_t bits)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    int error = capabilities_get(data);
    if (error) {
        return error;
    }
    for (size_t i = 0; i < COUNT_OF(data); i++) {
        data[i].permitted &= (uint32_t)(bits >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* No program started from here could get them back. */
static int
bounding_set_drop(uint64_t bits)
{
    struct __user_cap_data_struct data[2];
    int error = capabilities_get(data);
    if (error || !(data[0].effective & (1u << CAP_SETPCAP))) {
        return error; /* without root there is nothing in it that we could get */
    }
    for (int number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++) {
        if (!(bits >> number & 1) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0) {
            return -errno;
        }
    }
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ? -errno : 0;
}

static int
user_become(uid_t uid, gid_t gid, bool keeps)
{
    if ((keeps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) || setgroups(0, NULL) < 0 ||
        setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0) {
        return -errno;
    }
    return 0;
}

static int
privileges_drop(const struct sandbox *sandbox, const struct sandbox_settings *settings,
                char why[256])
{
    const char *name = settings->user ? settings->user : sandbox->user;
    bool stays = settings->keeps_own_user || strcmp(name, "root") == 0;
    uint64_t bits = kept_bits(sandbox);
    uid_t uid = 0;
    gid_t gid = 0;
    int error = stays ? 0 : sandbox_user(name, &uid, &gid, why);
    if (error) {
        return error;
    }
    error = bounding_set_drop(bits);
    if (!error && !stays) {
        error = user_become(uid, gid, bits != 0);
    }
    error = error ? error : capabilities_keep(bits);
    if (error) {
        snprintf(why, 256, "%.60s cannot become %.60s: %s", sandbox->name, name, strerror(-error));
    }
    return error;
}

/* ---- limits ---- */

static int
limit_set(__rlimit_resource_t resource, unsigned long most)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) {
        return -errno;
    }
    limit.rlim_max = limit.rlim_max < most ? limit.rlim_max : most;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

static int
limits_set(const struct sandbox *sandbox, const struct sandbox_settings *settings, char why[256])
{
    int error = limit_set(RLIMIT_CORE, 0);
    error = error ? error : limit_set(RLIMIT_NOFILE, sandbox->files);
    /* Our own user may have other processes, which count too. */
    if (!error && sandbox->processes && !settings->keeps_own_user) {
        error = limit_set(RLIMIT_NPROC, sandbox->processes);
    }
    if (!error && (prctl(PR_SET_DUMPABLE, sandbox_has_sanitizer() ? 1 : 0, 0, 0, 0) < 0 ||
                   prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)) {
        error = -errno;
    }
    if (error) {
        snprintf(why, 256, "the limits of %.60s cannot be set: %s", sandbox->name,
                 strerror(-error));
    }
    return error;
}

static int
paths_bound(const struct sandbox *sandbox, const struct sandbox_settings *settings, char why[256])
{
    size_t count = 0;
    if (sandbox->has_all_paths) {
        return 0;
    }
    struct sandbox_path *all = mem_new(SANDBOX_PATHS_MAX + settings->path_count + 2, sizeof(*all));
    for (size_t i = 0; i < SANDBOX_PATHS_MAX && sandbox->paths[i].path; i++) {
        all[count++] = sandbox->paths[i];
    }
    for (size_t i = 0; i < settings->path_count; i++) {
        all[count++] = settings->paths[i];
    }
    if (settings->folder) {
        all[count++] = (struct sandbox_path){settings->folder, true};
    }
    if (sandbox_has_sanitizer()) {
        all[count++] = (struct sandbox_path){"/", false};
    }
    int error = sandbox_paths_enter(all, count, sandbox->calls & CONNECTS);
    free(all);
    if (error) {
        snprintf(why, 256, "the paths of %.60s cannot be bounded: %s", sandbox->name,
                 strerror(-error));
    }
    return error;
}

static int
calls_bound(const struct sandbox *sandbox, char why[256])
{
    int error = sandbox_calls_enter(sandbox_calls_bits(sandbox), sandbox->families);
    if (error) {
        snprintf(why, 256, "the system calls of %.60s cannot be bounded: %s", sandbox->name,
                 strerror(-error));
    }
    return error;
}

/* A thread that is there already would keep what this one gives up. */
static bool
is_single(void)
{
    struct stat found;
    return stat("/proc/self/task", &found) < 0 || found.st_nlink <= 3;
}

int
sandbox_enter(const struct sandbox_settings *settings, char why[256])
{
    const struct sandbox *sandbox = &table[settings->role];
    if (!is_single() && !sandbox_has_sanitizer()) { /* one of its own */
        snprintf(why, 256, "%.60s has threads before it is locked in", sandbox->name);
        return -EBUSY;
    }
    int error = privileges_drop(sandbox, settings, why);
    error = error ? error : limits_set(sandbox, settings, why);
    error = error ? error : paths_bound(sandbox, settings, why);
    return error ? error : calls_bound(sandbox, why);
}
