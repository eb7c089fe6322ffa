#include "cordond/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/util.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/seal.h"
#include "wire/view_system.h"
#include "bus/pki_key.h"
#include "model/revision.h"

#define WAIT_MS 10000
#define BACKLOG 128
#define BACKUPS_MAX 1000
#define RESULT_MAX 65536 /* of last.json */
#define UDP_ROOM (8 * 1024 * 1024)

struct question {
    uint64_t number; /* of our own: an answer that came too late must not be taken for the next */
    uint32_t errand;
    uint32_t index;
};

struct answer {
    uint64_t number;
    int64_t result; /* 1: a descriptor comes along */
};

bool
errand_is_allowed(enum wire_role role, enum errand errand)
{
    switch (errand) {
    case ERRAND_POLICY_READ:
    case ERRAND_POLICY_WRITE:
    case ERRAND_BACKUP:
    case ERRAND_BACKUP_RESULT:
    case ERRAND_BACKUP_FILE:
    case ERRAND_KEY_CHECK:
        return role == ROLE_CORE;
    case ERRAND_SOURCE_FILE:
    case ERRAND_SOURCE_ROTATED:
    case ERRAND_SOURCE_WATCH:
    case ERRAND_SOURCE_LISTEN:
    case ERRAND_SOURCE_CERT:
    case ERRAND_SOURCE_KEY:
    case ERRAND_SOURCE_CA:
        return role == ROLE_INTAKE;
    case ERRAND_PASSWORD_FORGET:
        return role == ROLE_WEB;
    default:
        return false;
    }
}

/* ---- files ---- */

/* A regular file: a FIFO would hold up whoever reads it. */
static int
file_open(const char *path)
{
    struct stat found;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &found) < 0 || !S_ISREG(found.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    return fd;
}

static int
policy_write(const struct config *config, int given)
{
    char *text;
    size_t size;
    struct stat found;
    if (given < 0 || fstat(given, &found) < 0 || !S_ISREG(found.st_mode)) {
        return -EINVAL;
    }
    int error = file_read_open(given, POLICY_TEXT_MAX, &text, &size);
    if (error) {
        return error;
    }
    error = file_replace(config->policy_file, text, size);
    free(text);
    return error;
}

static int
password_forget(const struct config *config)
{
    char path[URL_SIZE + 32];
    snprintf(path, sizeof(path), "%s/admin.password", config->state_dir);
    return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

/* ---- backups ---- */

/* A process of its own, as we are: it takes as long as the disk takes.  Whoever waits for our
 * children takes its end, and the file that it leaves says what came of it. */
static int
backup_begin(const struct config *config, size_t keep)
{
    char number[24];
    snprintf(number, sizeof(number), "%zu", keep < BACKUPS_MAX ? keep : BACKUPS_MAX);
    pid_t child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        close_range(STDERR_FILENO + 1, ~0u, 0);
        execl("/proc/self/exe", "cordond", "--config", config->path, "--keep", number,
              "--leave-result", "backup", (char *)NULL);
        _exit(127);
    }
    return child < 0 ? -errno : 0;
}

static int
backup_result(const struct config *config)
{
    char path[URL_SIZE + 32];
    snprintf(path, sizeof(path), "%s/backups/last.json", config->state_dir);
    return file_open(path);
}

/* What last.json names, in that folder; it is root's, as the folder is. */
static int
backup_file(const struct config *config)
{
    char path[URL_SIZE + 320], *text = NULL;
    size_t size = 0;
    struct view_backup_result result = {.at_us = 0};
    struct codec_error error;
    int fd = backup_result(config);
    int failed = fd < 0 ? fd : file_read_open(fd, RESULT_MAX, &text, &size);
    if (fd >= 0) {
        close(fd);
    }
    if (failed) {
        return failed;
    }
    cJSON *json = codec_parse(text, size);
    bool is_read = json && codec_decode(&view_backup_result_shape, json, &result, &error) == 0;
    cJSON_Delete(json);
    free(text);
    const char *slash = strrchr(result.file, '/');
    if (!is_read || result.problem[0] || !result.has_secrets || !slash) {
        return -EPERM;
    }
    snprintf(path, sizeof(path), "%s/backups/%.255s", config->state_dir, slash + 1);
    return file_open(path);
}

/* ---- sources ---- */

static int
watch(const struct config_source *source)
{
    char folder[URL_SIZE];
    const char *slash = strrchr(source->path, '/');
    int size = slash ? (int)(slash - source->path) : 0;
    snprintf(folder, sizeof(folder), "%.*s", size ? size : 1,
             slash ? (size ? source->path : "/") : ".");
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    if (inotify_add_watch(fd, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

/* The socket address to listen at; false: it cannot be one. */
static bool
address_make(const struct config_source *source, struct sockaddr_storage *address, int *size)
{
    struct stat found;
    memset(address, 0, sizeof(*address));
    *size = sizeof(*address);
    if (source->kind != SOURCE_EVE_SOCKET) {
        return evutil_parse_sockaddr_port(source->listen, (struct sockaddr *)address, size) == 0;
    }
    struct sockaddr_un *local = (struct sockaddr_un *)(void *)address;
    if (strlen(source->path) >= sizeof(local->sun_path)) {
        return false;
    }
    local->sun_family = AF_UNIX;
    snprintf(local->sun_path, sizeof(local->sun_path), "%s", source->path);
    *size = sizeof(*local);
    /* a socket left over from before, never another kind of file */
    if (lstat(source->path, &found) == 0 && S_ISSOCK(found.st_mode)) {
        unlink(source->path);
    }
    return true;
}

static int
udp_room(int fd)
{
    int room = UDP_ROOM;
    return setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == 0
               ? 0
               : setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

static int
listen_here(const struct config_source *source)
{
    struct sockaddr_storage address;
    int size, on = 1;
    bool is_udp = source->kind == SOURCE_SYSLOG_UDP;
    if (!address_make(source, &address, &size)) {
        return -EINVAL;
    }
    int fd = socket(address.ss_family,
                    (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    bool is_good =
        is_udp ? udp_room(fd) == 0 : setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
    is_good = is_good && bind(fd, (struct sockaddr *)&address, (socklen_t)size) == 0 &&
              (is_udp || listen(fd, BACKLOG) == 0);
    if (is_good && source->kind == SOURCE_EVE_SOCKET) {
        is_good = chmod(source->path, 0660) == 0;
    }
    if (!is_good) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

/* Our own is sealed: it is handed over in memory. */
static int
own_key_open(const struct config *config)
{
    char path[URL_SIZE + 32], why[256];
    struct seal *seal = NULL;
    char *pem = NULL;
    size_t size = 0;
    snprintf(path, sizeof(path), "%s/pki/server" PKI_KEY_SEALED, config->state_dir);
    int error = seal_open(config->secret_key_file, SEAL_PKI, &seal, why);
    error = error ? error : seal_read(seal, path, 65536, &pem, &size);
    int fd = error ? error : memfd_create("key", MFD_CLOEXEC);
    if (!error && fd < 0) {
        fd = -errno;
    } else if (!error && (write(fd, pem, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        fd = -EIO;
    }
    seal_bytes_free(pem);
    seal_free(seal);
    return fd;
}

static int
source_do(const struct config *config, const struct config_source *source, enum errand errand)
{
    char path[URL_SIZE + 32];
    switch (errand) {
    case ERRAND_SOURCE_FILE:
        return source->kind == SOURCE_EVE_FILE ? file_open(source->path) : -EINVAL;
    case ERRAND_SOURCE_ROTATED:
        snprintf(path, sizeof(path), "%s.1", source->path);
        return source->kind == SOURCE_EVE_FILE ? file_open(path) : -EINVAL;
    case ERRAND_SOURCE_WATCH:
        return source->kind == SOURCE_EVE_FILE ? watch(source) : -EINVAL;
    case ERRAND_SOURCE_LISTEN:
        return source->kind != SOURCE_EVE_FILE ? listen_here(source) : -EINVAL;
    case ERRAND_SOURCE_CERT:
        snprintf(path, sizeof(path), "%s/pki/server.pem", config->state_dir);
        break;
    case ERRAND_SOURCE_KEY:
        if (source->kind == SOURCE_SYSLOG_TLS && !source->key[0]) {
            return own_key_open(config);
        }
        path[0] = '\0';
        break;
    default:
        path[0] = '\0';
    }
    const char *given = errand == ERRAND_SOURCE_CERT  ? source->cert
                        : errand == ERRAND_SOURCE_KEY ? source->key
                                                      : source->ca;
    return source->kind == SOURCE_SYSLOG_TLS ? file_open(given[0] ? given : path) : -EINVAL;
}

static int
key_check(const struct config *config)
{
    struct seal *seal = NULL;
    char why[256];
    int error = seal_open(config->secret_key_file, SEAL_PKI, &seal, why);
    seal_free(seal);
    return error;
}

int
errand_do(const struct config *config, enum errand errand, size_t index, int given)
{
    switch (errand) {
    case ERRAND_POLICY_READ:
        return file_open(config->policy_file);
    case ERRAND_POLICY_WRITE:
        return policy_write(config, given);
    case ERRAND_KEY_CHECK:
        return key_check(config);
    case ERRAND_PASSWORD_FORGET:
        return password_forget(config);
    case ERRAND_BACKUP:
        return backup_begin(config, index);
    case ERRAND_BACKUP_RESULT:
        return backup_result(config);
    case ERRAND_BACKUP_FILE:
        return backup_file(config);
    default:
        return index < config->source_count ? source_do(config, &config->sources[index], errand)
                                            : -EINVAL;
    }
}

/* ---- the line ---- */

union ancillary {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* 'fd' negative: none goes along. */
static int
part_send(int line, const void *bytes, size_t size, int fd)
{
    union ancillary ancillary = {.bytes = {0}};
    struct iovec data = {.iov_len = size};
    memcpy(&data.iov_base, &bytes, sizeof(bytes)); /* sendmsg does not write there */
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = ancillary.bytes;
        message.msg_controllen = sizeof(ancillary.bytes);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    }
    return sendmsg(line, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size ? 0 : -errno;
}

/* '*fd' is -1 where none came along. */
static int
part_receive(int line, void *bytes, size_t size, int *fd)
{
    union ancillary ancillary;
    struct iovec data = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = ancillary.bytes,
                             .msg_controllen = sizeof(ancillary.bytes)};
    *fd = -1;
    ssize_t got = recvmsg(line, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got <= 0) {
        return got < 0 ? -errno : -EPIPE;
    }
    int fds[sizeof(ancillary.bytes) / sizeof(int)];
    size_t count = 0;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(head), count * sizeof(int));
    }
    bool is_good = (size_t)got == size && count <= 1 && !(message.msg_flags & MSG_TRUNC);
    for (size_t i = 0; i < count && !is_good; i++) {
        close(fds[i]);
    }
    if (is_good && count == 1) {
        *fd = fds[0];
    }
    return is_good ? 0 : -EBADMSG;
}

/* The answer to 'number'; earlier ones, which came too late, are let go. */
static int
answer_wait(int line, uint64_t number, int64_t *result, int *fd)
{
    int64_t until_us = clock_boot_us(clock_system()) + WAIT_MS * 1000LL;
    struct answer answer = {.number = number + 1};
    *fd = -1;
    for (;;) {
        struct pollfd ready = {.fd = line, .events = POLLIN};
        int64_t left_us = until_us - clock_boot_us(clock_system());
        int count = poll(&ready, 1, left_us > 0 ? (int)(left_us / 1000) : 0);
        if (count == 0) {
            return -ETIMEDOUT;
        }
        int error = count > 0 ? part_receive(line, &answer, sizeof(answer), fd) : -errno;
        if (error && error != -EINTR && error != -EAGAIN) {
            return error;
        }
        if (!error && answer.number == number) {
            *result = answer.result;
            return 0;
        }
        if (*fd >= 0) {
            close(*fd);
        }
    }
}

int
errand_ask(int line, const struct config *config, enum errand errand, size_t index, int given)
{
    const struct question question = {.number = (uint64_t)clock_boot_us(clock_system()),
                                      .errand = (uint32_t)errand,
                                      .index = (uint32_t)index};
    int64_t result = 0;
    int fd = -1;
    if (line < 0) {
        return errand_do(config, errand, index, given);
    }
    int error = part_send(line, &question, sizeof(question), given);
    error = error ? error : answer_wait(line, question.number, &result, &fd);
    if (error) {
        return error;
    }
    if (result == 1) {
        return fd >= 0 ? fd : -EBADMSG;
    }
    if (fd >= 0) {
        close(fd);
    }
    return result <= 0 && result >= -4095 ? (int)result : -EBADMSG;
}

int
errand_serve(const struct config *config, enum wire_role role, int line)
{
    struct question question;
    struct answer answer = {0};
    int given;
    int error = part_receive(line, &question, sizeof(question), &given);
    if (error) {
        return error == -EAGAIN || error == -EINTR ? 0 : error;
    }
    bool is_allowed =
        question.errand < ERRAND_COUNT && errand_is_allowed(role, (enum errand)question.errand);
    int result = -EPERM;
    if (is_allowed) {
        result = errand_do(config, (enum errand)question.errand, question.index, given);
    }
    if (given >= 0) {
        close(given);
    }
    answer = (struct answer){.number = question.number, .result = result > 0 ? 1 : result};
    error =
        is_allowed ? part_send(line, &answer, sizeof(answer), result > 0 ? result : -1) : -EPERM;
    if (result > 0) {
        close(result);
    }
    return error;
}
