#include "base/sandbox_calls.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Names that an architecture or this libseccomp does not know are passed over. */
static const char *const basic[] = {
    /* memory */
    "brk", "madvise", "mlock", "mlock2", "mmap", "mprotect", "mremap", "munlock", "munmap",
    /* threads and signals of our own */
    "clone", "exit", "exit_group", "futex", "get_robust_list", "membarrier", "prctl",
    "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigtimedwait", "sched_getaffinity", "sched_yield", "set_robust_list", "sigaltstack",
    "tgkill",
    /* time, chance, and who we are */
    "clock_getres", "clock_gettime", "clock_nanosleep", "getegid", "geteuid", "getgid", "getpid",
    "getppid", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "gettid",
    "gettimeofday", "getuid", "nanosleep", "prlimit64", "sysinfo", "time", "times", "uname",
    /* descriptors that are open */
    "close", "close_range", "dup", "dup2", "dup3", "epoll_create1", "epoll_ctl", "epoll_pwait",
    "epoll_pwait2", "epoll_wait", "eventfd2", "fcntl", "fstat", "ioctl", "lseek", "memfd_create",
    "newfstatat", "pipe2", "poll", "ppoll", "pread64", "preadv", "pselect6", "pwrite64", "pwritev",
    "read", "readv", "select", "signalfd4", "statx", "timerfd_create", "timerfd_gettime",
    "timerfd_settime", "write", "writev",
    /* sockets that are open */
    "getpeername", "getsockname", "getsockopt", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg",
    "sendmsg", "sendto", "setsockopt", "shutdown", "socketpair", NULL};

static const char *const files[] = {
    "access", "copy_file_range", "faccessat",  "faccessat2", "fadvise64",       "fallocate",
    "fchmod", "fdatasync",       "flock",      "fstatfs",    "fsync",           "ftruncate",
    "getcwd", "getdents64",      "lstat",      "mkdir",      "mkdirat",         "open",
    "openat", "readlink",        "readlinkat", "rename",     "renameat",        "renameat2",
    "rmdir",  "sendfile",        "stat",       "statfs",     "sync_file_range", "umask",
    "unlink", "unlinkat",        NULL};

static const char *const accepting[] = {"accept", "accept4", NULL};

static const char *const connecting[] = {"bind", "connect", "socket", NULL};

static const char *const library[] = {NULL}; /* mmap() of a file's code, below */

static const char *const devices[] = {"bpf", "ioctl", "listen", NULL};

static const char *const starting[] = {"bind",
                                       "capget",
                                       "capset",
                                       "chmod",
                                       "chown",
                                       "clone3",
                                       "execve",
                                       "fchmodat",
                                       "fchown",
                                       "fchownat",
                                       "fork",
                                       "getgroups",
                                       "inotify_add_watch",
                                       "inotify_init1",
                                       "kill",
                                       "landlock_add_rule",
                                       "landlock_create_ruleset",
                                       "landlock_restrict_self",
                                       "lchown",
                                       "listen",
                                       "rt_sigsuspend",
                                       "seccomp",
                                       "set_tid_address",
                                       "setgid",
                                       "setgroups",
                                       "setresgid",
                                       "setresuid",
                                       "setrlimit",
                                       "setuid",
                                       "socket",
                                       "vfork",
                                       "wait4",
                                       "waitid",
                                       "arch_prctl",
                                       NULL};

static const char *const sanitizer[] = {"arch_prctl",
                                        "clone3",
                                        "execve",
                                        "fork",
                                        "getdents64",
                                        "kill",
                                        "open",
                                        "openat",
                                        "personality",
                                        "prctl",
                                        "process_vm_readv",
                                        "ptrace",
                                        "readlink",
                                        "readlinkat",
                                        "sched_getparam",
                                        "sched_getscheduler",
                                        "setrlimit",
                                        "vfork",
                                        "wait4",
                                        "waitid",
                                        NULL};

static const char *const *const groups_of[CALLS_COUNT] = {basic,   files,   accepting, connecting,
                                                          library, devices, starting,  sanitizer};

const char *const sandbox_calls_names[CALLS_COUNT + 1] = {
    "basic", "files", "accept", "connect", "library", "devices", "start", "sanitizer", NULL};

const char *const sandbox_calls_fatal[] = {"acct",
                                           "add_key",
                                           "adjtimex",
                                           "bpf",
                                           "chroot",
                                           "clock_adjtime",
                                           "clock_settime",
                                           "create_module",
                                           "delete_module",
                                           "execve",
                                           "execveat",
                                           "finit_module",
                                           "fork",
                                           "fsconfig",
                                           "fsmount",
                                           "fsopen",
                                           "fspick",
                                           "init_module",
                                           "io_uring_enter",
                                           "io_uring_register",
                                           "io_uring_setup",
                                           "ioperm",
                                           "iopl",
                                           "kcmp",
                                           "kexec_file_load",
                                           "kexec_load",
                                           "keyctl",
                                           "kill",
                                           "lookup_dcookie",
                                           "mknod",
                                           "mknodat",
                                           "modify_ldt",
                                           "mount",
                                           "mount_setattr",
                                           "move_mount",
                                           "move_pages",
                                           "name_to_handle_at",
                                           "nfsservctl",
                                           "open_by_handle_at",
                                           "open_tree",
                                           "perf_event_open",
                                           "personality",
                                           "pidfd_getfd",
                                           "pidfd_open",
                                           "pidfd_send_signal",
                                           "pivot_root",
                                           "process_madvise",
                                           "process_vm_readv",
                                           "process_vm_writev",
                                           "ptrace",
                                           "quotactl",
                                           "quotactl_fd",
                                           "reboot",
                                           "request_key",
                                           "rt_sigqueueinfo",
                                           "rt_tgsigqueueinfo",
                                           "setdomainname",
                                           "setgid",
                                           "setgroups",
                                           "sethostname",
                                           "setns",
                                           "setregid",
                                           "setresgid",
                                           "setresuid",
                                           "setreuid",
                                           "settimeofday",
                                           "setuid",
                                           "swapoff",
                                           "swapon",
                                           "syslog",
                                           "tkill",
                                           "umount",
                                           "umount2",
                                           "unshare",
                                           "uselib",
                                           "userfaultfd",
                                           "vfork",
                                           "vhangup",
                                           NULL};

bool
sandbox_has_sanitizer(void)
{
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#else
    return false;
#endif
}

const char *const *
sandbox_calls_of(enum sandbox_calls group)
{
    return groups_of[group];
}

/* ---- arguments ---- */

static bool
has(unsigned groups, enum sandbox_calls group)
{
    return groups >> group & 1;
}

static struct scmp_arg_cmp
is(unsigned argument, uint64_t value)
{
    return (struct scmp_arg_cmp){.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value};
}

/* Of 'mask', exactly the bits 'value'. */
static struct scmp_arg_cmp
is_masked(unsigned argument, uint64_t mask, uint64_t value)
{
    return (struct scmp_arg_cmp){
        .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

/* One rule per value that the argument may have. */
static int
allow_values(scmp_filter_ctx filter, int call, unsigned argument, const uint64_t *values,
             size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count && !error; i++) {
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, is(argument, values[i]));
    }
    return error;
}

static int
allow_socket(scmp_filter_ctx filter, int call, const int *families)
{
    int error = 0;
    for (; *families && !error; families++) {
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, is(0, (scmp_datum_t)*families));
    }
    return error;
}

/* Memory is never code; with CALLS_LIBRARY a file's is, that is not written. */
static int
allow_memory(scmp_filter_ctx filter, int call, bool is_map, unsigned groups)
{
    int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, is_masked(2, PROT_EXEC, 0));
    if (!error && is_map && has(groups, CALLS_LIBRARY)) {
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 2,
                                 is_masked(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
                                 is_masked(3, MAP_ANONYMOUS, 0));
    }
    return error;
}

static int
allow_some(scmp_filter_ctx filter, const char *name, int call, unsigned groups, const int *families,
           bool *is_done)
{
    static const uint64_t requests[] = {FIONBIO,  FIONREAD,   FIOCLEX,
                                        TIOCOUTQ, TIOCGWINSZ, 0x5401 /* TCGETS */};
    static const uint64_t options[] = {PR_SET_NAME, PR_GET_NAME, 0x53564d41 /* PR_SET_VMA */};
    *is_done = true;
    if (strcmp(name, "socket") == 0) {
        return allow_socket(filter, call, families);
    }
    if (strcmp(name, "socketpair") == 0) {
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, is(0, 1));
    }
    if (strcmp(name, "mmap") == 0 || strcmp(name, "mprotect") == 0) {
        return allow_memory(filter, call, strcmp(name, "mmap") == 0, groups);
    }
    if (strcmp(name, "clone") == 0) { /* threads, no processes */
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
                                is_masked(0, CLONE_THREAD, CLONE_THREAD));
    }
    if (strcmp(name, "tgkill") == 0) { /* raise() and abort() */
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, is(0, (scmp_datum_t)getpid()));
    }
    if (strcmp(name, "prlimit64") == 0) { /* our own, to read */
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 2, is(0, 0), is(2, 0));
    }
    if (strcmp(name, "ioctl") == 0 && !has(groups, CALLS_DEVICES)) {
        return allow_values(filter, call, 1, requests, COUNT_OF(requests));
    }
    if (strcmp(name, "prctl") == 0) {
        return allow_values(filter, call, 0, options, COUNT_OF(options));
    }
    *is_done = false;
    return 0;
}

/* ---- the filter ---- */

static int
allow(scmp_filter_ctx filter, const char *name, unsigned groups, const int *families)
{
    bool is_done = false;
    int call = seccomp_syscall_resolve_name(name);
    if (call < 0) {
        return 0; /* not on this machine */
    }
    bool is_free =
        (has(groups, CALLS_START) || has(groups, CALLS_SANITIZER)) && strcmp(name, "socket") != 0;
    int error = is_free ? 0 : allow_some(filter, name, call, groups, families, &is_done);
    return is_done || error ? error : seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
}

static bool
is_allowed(unsigned groups, const char *name)
{
    for (int group = 0; group < CALLS_COUNT; group++) {
        for (size_t i = 0; has(groups, (enum sandbox_calls)group) && groups_of[group][i]; i++) {
            if (strcmp(groups_of[group][i], name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static int
rules_add(scmp_filter_ctx filter, unsigned groups, const int *families)
{
    int error = 0;
    for (int group = 0; group < CALLS_COUNT && !error; group++) {
        const char *const *names = groups_of[group];
        for (size_t i = 0; has(groups, (enum sandbox_calls)group) && names[i] && !error; i++) {
            error = allow(filter, names[i], groups, families);
        }
    }
    for (size_t i = 0; sandbox_calls_fatal[i] && !error; i++) {
        int call = seccomp_syscall_resolve_name(sandbox_calls_fatal[i]);
        if (call >= 0 && !is_allowed(groups, sandbox_calls_fatal[i])) {
            error = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, call, 0);
        }
    }
    return error;
}

int
sandbox_calls_enter(unsigned groups, const int *families)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter) {
        return -ENOMEM;
    }
    int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    error = error ? error : seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    error = error ? error : seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    error = error ? error : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    error = error ? error : rules_add(filter, groups, families);
    error = error ? error : seccomp_load(filter);
    seccomp_release(filter);
    return error;
}
