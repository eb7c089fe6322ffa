#include "bus/issued.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "bus/pki.h"

#define NAME "issued"

static int
fail(int error, const char *path, char why[256])
{
    snprintf(why, 256, "%.180s: %s", path, strerror(-error));
    return error;
}

/* A line that its writer did not finish is ended first. */
static int
line_append(int fd, const char *line, size_t size)
{
    struct stat found;
    char last = '\n';
    if (fstat(fd, &found) < 0 || !S_ISREG(found.st_mode)) {
        return errno ? -errno : -EINVAL;
    }
    if (found.st_size > 0 && pread(fd, &last, 1, found.st_size - 1) != 1) {
        return -EIO;
    }
    if (last != '\n' && write(fd, "\n", 1) != 1) {
        return -EIO;
    }
    ssize_t put = write(fd, line, size);
    return put < 0 ? -errno : (size_t)put != size ? -ENOSPC : fsync(fd) < 0 ? -errno : 0;
}

int
issued_put(const char *dir, X509 *certificate, const char *role, const char *name, char why[256])
{
    char path[PATH_MAX], lock[PATH_MAX], line[ISSUED_LINE_MAX];
    char serial[SERIAL_SIZE], fingerprint[FINGERPRINT_SIZE];
    snprintf(path, sizeof(path), "%s/" NAME, dir);
    snprintf(lock, sizeof(lock), "%s/" NAME ".lock", dir);
    pki_serial(certificate, serial);
    pki_fingerprint(certificate, fingerprint);
    int size =
        snprintf(line, sizeof(line), "%s %s %s %s %lld %lld\n", serial, role, name, fingerprint,
                 (long long)pki_issued_us(certificate), (long long)pki_expires_us(certificate));
    int held = file_lock_wait(lock);
    if (held < 0) {
        return fail(held, lock, why);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = fd < 0 ? -errno : line_append(fd, line, (size_t)size);
    error = error ? error : file_sync_folder(path);
    if (fd >= 0) {
        close(fd);
    }
    close(held);
    return error ? fail(error, path, why) : 0;
}

int
issued_open(const char *dir, char why[256])
{
    char path[PATH_MAX];
    struct stat found;
    snprintf(path, sizeof(path), "%s/" NAME, dir);
    int fd = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(-errno, path, why);
    }
    if (fstat(fd, &found) < 0 || !S_ISREG(found.st_mode)) {
        close(fd);
        return fail(-EINVAL, path, why);
    }
    return fd;
}

static bool
time_read(const char *text, int64_t *us)
{
    char *end = NULL;
    errno = 0;
    *us = strtoll(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool
is_hex(const char *text, size_t least, size_t most)
{
    size_t size = strlen(text);
    return size >= least && size <= most && size % 2 == 0 &&
           strspn(text, "0123456789abcdef") == size;
}

bool
issued_parse(char *line, struct certificate *certificate)
{
    static const char kind[] = "sha256:";
    char *words[6] = {0}, *rest = NULL, why[256];
    size_t count = 0;
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (count == COUNT_OF(words)) {
            return false;
        }
        words[count++] = word;
    }
    if (count != COUNT_OF(words) || !is_hex(words[0], 2, SERIAL_SIZE - 2) ||
        !pki_name_check(words[2], why) || strncmp(words[3], kind, sizeof(kind) - 1) != 0 ||
        !is_hex(words[3] + sizeof(kind) - 1, 64, 64) ||
        !time_read(words[4], &certificate->issued_us) ||
        !time_read(words[5], &certificate->expires_us)) {
        return false;
    }
    int role = 0;
    while (role < DEVICE_ROLE_COUNT && strcmp(device_role_names[role], words[1]) != 0) {
        role++;
    }
    certificate->role = (enum device_role)role;
    snprintf(certificate->serial, sizeof(certificate->serial), "%s", words[0]);
    snprintf(certificate->name, sizeof(certificate->name), "%s", words[2]);
    snprintf(certificate->fingerprint, sizeof(certificate->fingerprint), "%s", words[3]);
    return role < DEVICE_ROLE_COUNT && certificate->issued_us < certificate->expires_us;
}

int
issued_next(int fd, int64_t *at, struct certificate *certificate)
{
    char line[ISSUED_LINE_MAX];
    ssize_t got = pread(fd, line, sizeof(line), (off_t)*at);
    if (got <= 0) {
        return got < 0 ? -errno : 0;
    }
    char *end = memchr(line, '\n', (size_t)got);
    if (!end && (size_t)got < sizeof(line)) {
        return 0; /* it is being written */
    }
    *at += end ? end - line + 1 : got;
    if (!end || memchr(line, '\0', (size_t)(end - line))) {
        return -EBADMSG;
    }
    *end = '\0';
    return issued_parse(line, certificate) ? 1 : -EBADMSG;
}
