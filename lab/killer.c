/* SIGKILL at a system call: follows a process, all its threads, and kills it when it begins its
 * call number NTH of the wanted kinds, so before that is done; told to end before, it lets go of
 * it.
 *
 *   killer PID NTH KIND [END]
 *     KIND  disk (what changes a file), wire (bytes to or from a socket), or the name of a call
 *     END   only where the file's name ends so; "*TEXT": where it has that in it
 *
 * Says "ready", then a line for each such call: "7 pwrite64 /path".  NTH 0: kills nobody. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE)
#define THREADS_MAX 64

enum what { WHAT_FILE, WHAT_PATH, WHAT_PATH_AT, WHAT_CREATE, WHAT_BYTES };

/* Of a call: its first argument is a descriptor, a path, or a folder before a path. */
static const struct call {
    long number;
    const char *name;
    enum what what;
    bool is_disk, is_wire;
} calls[] = {
    {SYS_pwrite64, "pwrite64", WHAT_BYTES, true, false},
    {SYS_write, "write", WHAT_BYTES, true, true},
    {SYS_writev, "writev", WHAT_BYTES, true, true},
    {SYS_fsync, "fsync", WHAT_FILE, true, false},
    {SYS_fdatasync, "fdatasync", WHAT_FILE, true, false},
    {SYS_ftruncate, "ftruncate", WHAT_FILE, true, false},
    {SYS_fchmod, "fchmod", WHAT_FILE, true, false},
    {SYS_rename, "rename", WHAT_PATH, true, false},
    {SYS_renameat, "renameat", WHAT_PATH_AT, true, false},
    {SYS_renameat2, "renameat2", WHAT_PATH_AT, true, false},
    {SYS_link, "link", WHAT_PATH, true, false},
    {SYS_unlink, "unlink", WHAT_PATH, true, false},
    {SYS_unlinkat, "unlinkat", WHAT_PATH_AT, true, false},
    {SYS_openat, "openat", WHAT_CREATE, true, false},
    {SYS_sendto, "sendto", WHAT_BYTES, false, true},
    {SYS_sendmsg, "sendmsg", WHAT_BYTES, false, true},
    {SYS_read, "read", WHAT_BYTES, false, true},
    {SYS_readv, "readv", WHAT_BYTES, false, true},
    {SYS_recvfrom, "recvfrom", WHAT_BYTES, false, true},
    {SYS_recvmsg, "recvmsg", WHAT_BYTES, false, true},
};

struct wanted {
    unsigned long nth;
    const char *kind, *end;
};

static volatile sig_atomic_t is_over;

static void
on_end(int signal)
{
    (void)signal;
    is_over = 1;
}

static void
text_of(pid_t pid, unsigned long address, char text[256])
{
    struct iovec here = {.iov_base = text, .iov_len = 255},
                 there = {.iov_base = (void *)address, .iov_len = 255}; // NOLINT: another's address
    ssize_t size = process_vm_readv(pid, &here, 1, &there, 1, 0);
    while (size <= 0 && there.iov_len > 16) { /* the page ends before */
        there.iov_len -= 16;
        size = process_vm_readv(pid, &here, 1, &there, 1, 0);
    }
    text[size > 0 ? size : 0] = '\0';
}

/* What the call is about, in 'text': a path, or what the descriptor is.  False: it changes nothing.
 */
static bool
subject_of(const struct call *call, pid_t pid, const uint64_t args[6], char text[256])
{
    char link[64];
    ssize_t size;
    switch (call->what) {
    case WHAT_PATH:
        text_of(pid, args[0], text);
        return true;
    case WHAT_PATH_AT:
    case WHAT_CREATE:
        text_of(pid, args[1], text);
        return call->what == WHAT_PATH_AT || (args[2] & O_CREAT) != 0;
    default:
        snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, (int)args[0]);
        size = readlink(link, text, 255);
        text[size > 0 ? size : 0] = '\0';
        return true;
    }
}

static bool
is_wanted(const struct call *call, const struct wanted *wanted, const char *text)
{
    size_t size = strlen(text), end = strlen(wanted->end);
    if (wanted->end[0] == '*' ? !strstr(text, wanted->end + 1)
                              : size < end || strcmp(text + size - end, wanted->end) != 0) {
        return false;
    }
    if (strcmp(wanted->kind, "wire") == 0) {
        return call->is_wire && strncmp(text, "socket:", 7) == 0;
    }
    bool is_file = text[0] == '/' && strncmp(text, "/dev/", 5) != 0;
    return is_file && (strcmp(wanted->kind, call->name) == 0 ||
                       (strcmp(wanted->kind, "disk") == 0 && call->is_disk));
}

static const struct call *
call_of(uint64_t number)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (calls[i].number == (long)number) {
            return &calls[i];
        }
    }
    return NULL;
}

static int
seize(pid_t pid)
{
    char path[64];
    pid_t seen[THREADS_MAX];
    size_t count = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *folder = opendir(path);
    for (struct dirent *one; folder && (one = readdir(folder)) != NULL && count < THREADS_MAX;) {
        pid_t thread = atoi(one->d_name);
        if (thread > 0) {
            if (ptrace(PTRACE_SEIZE, thread, NULL, OPTIONS) ||
                ptrace(PTRACE_INTERRUPT, thread, NULL, NULL)) {
                perror("ptrace");
                return -1;
            }
            seen[count++] = thread;
        }
    }
    if (folder) {
        closedir(folder);
    }
    for (size_t i = 0; i < count; i++) {
        if (waitpid(seen[i], NULL, __WALL) != seen[i] ||
            ptrace(PTRACE_SYSCALL, seen[i], NULL, NULL)) {
            return -1;
        }
    }
    return count > 0 ? 0 : -1;
}

/* True: that was the one, and it is dead. */
static bool
at_call(pid_t pid, pid_t thread, const struct wanted *wanted)
{
    static unsigned long count;
    struct __ptrace_syscall_info info;
    char text[256] = "";
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY) {
        return false;
    }
    const struct call *call = call_of(info.entry.nr);
    if (!call || !subject_of(call, pid, info.entry.args, text) || !is_wanted(call, wanted, text)) {
        return false;
    }
    count++;
    bool is_it = count == wanted->nth;
    if (is_it) {
        kill(pid, SIGKILL);
    }
    printf("%lu %s %s\n", count, call->name, text);
    return is_it;
}

static void
let_go(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *folder = opendir(path);
    for (struct dirent *one; folder && (one = readdir(folder)) != NULL;) {
        pid_t thread = atoi(one->d_name);
        int status;
        if (thread > 0 && ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) == 0 &&
            waitpid(thread, &status, __WALL) == thread) {
            ptrace(PTRACE_DETACH, thread, NULL, NULL);
        }
    }
    if (folder) {
        closedir(folder);
    }
}

int
main(int argc, char **argv)
{
    const struct sigaction end = {.sa_handler = on_end}; /* interrupts the wait */
    if (argc < 4 || argc > 5) {
        return 2;
    }
    pid_t pid = atoi(argv[1]), thread;
    const struct wanted wanted = {strtoul(argv[2], NULL, 10), argv[3], argc == 5 ? argv[4] : ""};
    sigaction(SIGTERM, &end, NULL);
    if (seize(pid)) {
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (int status; !is_over && (thread = waitpid(-1, &status, __WALL)) > 0;) {
        if (!WIFSTOPPED(status)) {
            continue; /* a thread has ended */
        }
        int signal = WSTOPSIG(status), event = status >> 16;
        if (signal == (SIGTRAP | 0x80)) {
            if (at_call(pid, thread, &wanted)) {
                return 0;
            }
            signal = 0;
        } else if (event) {
            signal = 0;
        }
        ptrace(PTRACE_SYSCALL, thread, NULL, (long)signal);
    }
    let_go(pid);
    return 0;
}
