#include "edge/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define JOURNAL_MAX (512u * 1024 * 1024)

struct journal {
    char path[PATH_MAX];
    int fd; /* -1: not open */
    size_t size;
    bool is_dirty;
    struct event *due; /* NULL: nobody's loop */
    void (*failed)(void *context, int error);
    void *context;
};

struct journal *
journal_new(const char *path)
{
    struct journal *journal = MEM_NEW(struct journal);
    snprintf(journal->path, sizeof(journal->path), "%s", path);
    journal->fd = -1;
    return journal;
}

static void
on_due(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct journal *journal = context;
    int error = journal_sync(journal);
    if (error) {
        journal->failed(journal->context, error);
    }
}

int
journal_use(struct journal *journal, struct event_base *base,
            void (*failed)(void *context, int error), void *context)
{
    journal->failed = failed;
    journal->context = context;
    journal->due = event_new(base, -1, 0, on_due, journal);
    return journal->due ? 0 : -ENOMEM;
}

/* From the first line that is not on the disk: those that follow do not put it off. */
static void
due_set(struct journal *journal)
{
    const struct timeval soon = {.tv_usec = JOURNAL_SYNC_MS * 1000};
    if (journal->due && !journal->is_dirty) {
        (void)event_add(journal->due, &soon);
    }
    journal->is_dirty = true;
}

void
journal_free(struct journal *journal)
{
    if (journal) {
        if (journal->due) {
            event_free(journal->due);
        }
        if (journal->fd >= 0) {
            close(journal->fd);
        }
        free(journal);
    }
}

int
journal_read(struct journal *journal, void (*each)(void *context, const char *line, size_t size),
             void *context)
{
    char *text;
    size_t size;
    int result = file_read(journal->path, JOURNAL_MAX, &text, &size);
    if (result) {
        return result == -ENOENT ? 0 : result;
    }
    const char *at = text, *end = text + size;
    for (const char *stop = memchr(at, '\n', (size_t)(end - at)); stop;
         stop = memchr(at, '\n', (size_t)(end - at))) {
        each(context, at, (size_t)(stop - at));
        at = stop + 1;
    }
    /* What follows the last line end was being written when the power went. */
    free(text);
    return 0;
}

/* Where the last whole line of the file ends. */
static off_t
whole_size(int fd, off_t size)
{
    char bytes[4096];
    while (size > 0) {
        off_t from = size > (off_t)sizeof(bytes) ? size - (off_t)sizeof(bytes) : 0;
        ssize_t got = pread(fd, bytes, (size_t)(size - from), from);
        if (got != (ssize_t)(size - from)) {
            errno = got < 0 ? errno : EIO;
            return -1;
        }
        const char *end = memrchr(bytes, '\n', (size_t)got);
        if (end) {
            return from + (end - bytes) + 1;
        }
        size = from;
    }
    return 0;
}

/* A line that was being written when the power went would swallow the next one: it is cut off. */
static int
open_for_append(struct journal *journal)
{
    if (journal->fd >= 0) {
        return 0;
    }
    int fd = open(journal->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    off_t size = lseek(fd, 0, SEEK_END);
    off_t whole = size < 0 ? -1 : whole_size(fd, size);
    if (whole < 0 || (whole < size && ftruncate(fd, whole) < 0)) {
        int error = -errno;
        close(fd);
        return error;
    }
    journal->fd = fd;
    journal->size = (size_t)whole;
    return 0;
}

int
journal_append(struct journal *journal, const char *line)
{
    size_t size = strlen(line);
    int result = open_for_append(journal);
    if (result) {
        return result;
    }
    char end[] = "\n";
    const struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)line, .iov_len = size},
                                   {.iov_base = end, .iov_len = 1}};
    ssize_t written = writev(journal->fd, parts, 2);
    if (written != (ssize_t)(size + 1)) {
        int error = written < 0 ? -errno : -ENOSPC;
        /* half a line would swallow the next one */
        if (ftruncate(journal->fd, (off_t)journal->size) < 0) {
            error = -errno;
        }
        return error;
    }
    journal->size += size + 1;
    due_set(journal);
    return 0;
}

int
journal_sync(struct journal *journal)
{
    if (!journal->is_dirty || journal->fd < 0) {
        return 0;
    }
    if (fdatasync(journal->fd) < 0) {
        return -errno;
    }
    journal->is_dirty = false;
    return 0;
}

int
journal_replace(struct journal *journal, const char *text, size_t size)
{
    int result = file_write_atomic(journal->path, text, size, 0600);
    if (result) {
        return result;
    }
    if (journal->fd >= 0) {
        close(journal->fd);
        journal->fd = -1;
    }
    journal->is_dirty = false;
    journal->size = size;
    return 0;
}

size_t
journal_size(const struct journal *journal)
{
    return journal->size;
}
