#include "edge/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "edge/lines.h"

#define JOURNAL_MAX (512u * 1024 * 1024)

struct journal {
    char path[PATH_MAX];
    int fd;                /* -1: not open */
    size_t size, new_size; /* of the file; and of the one that takes its place */
    bool is_dirty;         /* lines are not on the disk ... */
    bool is_moved;         /* ... nor is that the file has taken its place */
    bool is_behind;
    struct event *due; /* NULL: nobody's loop */
    struct disk *disk; /* NULL: whoever asks waits */
    bool is_syncing, is_replacing;
    bool is_syncing_move; /* with the folder */
    struct lines later;   /* came while the whole is being written: they follow on it */
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

static void on_synced(void *context, int error);

static void
on_due(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct journal *journal = context;
    if (journal->is_dirty && journal->fd >= 0 && !journal->is_syncing) {
        journal->is_syncing = true;
        journal->is_dirty = false;
        journal->is_syncing_move = journal->is_moved;
        journal->is_moved = false;
        disk_sync(journal->disk, journal->fd, journal->is_syncing_move ? journal->path : NULL,
                  on_synced, journal);
    }
}

int
journal_use(struct journal *journal, struct event_base *base, struct disk *disk,
            void (*failed)(void *context, int error), void *context)
{
    journal->failed = failed;
    journal->context = context;
    journal->disk = disk;
    journal->due = event_new(base, -1, 0, on_due, journal);
    return journal->due ? 0 : -ENOMEM;
}

/* From the first line that is not on the disk: those that follow do not put it off. */
static void
due_set(struct journal *journal)
{
    const struct timeval soon = {.tv_usec = JOURNAL_SYNC_MS * 1000};
    if (journal->due && !journal->is_dirty && !journal->is_syncing) {
        (void)event_add(journal->due, &soon);
    }
    journal->is_dirty = true;
}

/* What came meanwhile follows at once: it has waited as long. */
static void
on_synced(void *context, int error)
{
    struct journal *journal = context;
    journal->is_syncing = false;
    if (error) {
        journal->is_dirty = true; /* with the next line, or the next second */
        journal->is_moved = journal->is_moved || journal->is_syncing_move;
        journal->is_behind = true; /* the kernel tells it once, and may have let go of the pages */
        journal->failed(journal->context, error);
    } else if (journal->is_dirty) {
        on_due(-1, 0, journal);
    }
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
        free(journal->later.bytes);
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
    bool is_torn = at < end; /* was being written when we were killed, or when the power went */
    free(text);
    return is_torn;
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

/* Half a line would swallow the next one: nothing stays of what does not fit. */
static int
lines_write(int fd, size_t before, const char *text, size_t size)
{
    ssize_t written = write(fd, text, size);
    if (written == (ssize_t)size) {
        return 0;
    }
    int error = written < 0 ? -errno : -ENOSPC;
    return ftruncate(fd, (off_t)before) < 0 ? -errno : error;
}

int
journal_append_lines(struct journal *journal, const char *text, size_t size)
{
    int result = open_for_append(journal);
    result = result ? result : lines_write(journal->fd, journal->size, text, size);
    if (!result) {
        journal->size += size;
        due_set(journal);
    }
    journal->is_behind = journal->is_behind || result;
    if (journal->is_replacing) {
        lines_add(&journal->later, text, size);
    }
    return result;
}

int
journal_append(struct journal *journal, const char *line)
{
    struct lines one = {.bytes = NULL};
    lines_add_line(&one, line);
    int result = journal_append_lines(journal, one.bytes, one.size);
    free(one.bytes);
    return result;
}

int
journal_sync(struct journal *journal)
{
    if (journal->disk) {
        on_due(-1, 0, journal);
        return 0;
    }
    if (!journal->is_dirty || journal->fd < 0) {
        return 0;
    }
    if (fdatasync(journal->fd) < 0) {
        return -errno;
    }
    int result = journal->is_moved ? file_sync_folder(journal->path) : 0;
    if (result) {
        return result;
    }
    journal->is_dirty = journal->is_moved = false;
    return 0;
}

/* 'fd' is the file from now on; -1: it is opened again when it is needed. */
static void
file_is_new(struct journal *journal, int fd, size_t size)
{
    if (journal->fd >= 0) {
        close(journal->fd);
    }
    journal->fd = fd;
    journal->size = size;
    journal->is_dirty = journal->is_behind = false;
}

/* What came meanwhile follows on the whole before that is the file: who kills us after a rename
 * finds it, who kills us before finds it in the old one. */
static int
place_take(struct journal *journal, int fd, const struct lines *later)
{
    int error = fcntl(fd, F_SETFL, O_APPEND) < 0 ? -errno : 0;
    if (!error && later->size > 0) {
        error = lines_write(fd, journal->new_size, later->bytes, later->size);
    }
    if (error) {
        file_drop_beside(journal->path);
    }
    return error ? error : file_take_place(journal->path);
}

/* Where that failed the file is as it was, with what came meanwhile. */
static void
on_written_beside(void *context, int fd)
{
    struct journal *journal = context;
    struct lines later = journal->later;
    journal->later = (struct lines){.bytes = NULL};
    journal->is_replacing = false;
    int error = fd < 0 ? fd : place_take(journal, fd, &later);
    if (!error) {
        file_is_new(journal, fd, journal->new_size + later.size);
        journal->is_dirty = journal->is_moved = true;
        on_due(-1, 0, journal);
    } else {
        if (fd >= 0) {
            close(fd);
        }
        journal->is_behind = true;
        journal->failed(journal->context, error);
    }
    free(later.bytes);
}

int
journal_replace(struct journal *journal, char *text, size_t size)
{
    if (journal->is_replacing) {
        free(text);
        return -EBUSY;
    }
    if (journal->disk) {
        journal->is_replacing = true;
        journal->new_size = size;
        disk_write_beside(journal->disk, journal->path, text, size, on_written_beside, journal);
        return 0;
    }
    int result = file_write_atomic(journal->path, text, size, 0600);
    free(text);
    if (result) {
        journal->is_behind = true;
        return result;
    }
    file_is_new(journal, -1, size);
    return 0;
}

bool
journal_is_replacing(const struct journal *journal)
{
    return journal->is_replacing;
}

bool
journal_is_behind(const struct journal *journal)
{
    return journal->is_behind;
}

void
journal_settle(struct journal *journal)
{
    if (journal->disk) {
        disk_drain(journal->disk);
        journal->disk = NULL;
    }
}

size_t
journal_size(const struct journal *journal)
{
    return journal->size;
}
