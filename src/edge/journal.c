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

#define JOURNAL_MAX (512u * 1024 * 1024)

struct lines {
    char *bytes; /* owned */
    size_t size, room;
};

struct journal {
    char path[PATH_MAX];
    int fd;                /* -1: not open */
    size_t size, new_size; /* of the file; and of the one that takes its place */
    bool is_dirty;
    struct event *due; /* NULL: nobody's loop */
    struct disk *disk; /* NULL: whoever asks waits */
    bool is_syncing, is_replacing;
    struct lines later; /* came while the file is being replaced ... */
    bool is_whole;      /* ... and say everything: what the file is to become next */
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
        disk_sync(journal->disk, journal->fd, on_synced, journal);
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

/* Whole lines. */
static int
lines_append(struct journal *journal, const char *text, size_t size)
{
    int result = open_for_append(journal);
    if (result) {
        return result;
    }
    ssize_t written = write(journal->fd, text, size);
    if (written != (ssize_t)size) {
        int error = written < 0 ? -errno : -ENOSPC;
        /* half a line would swallow the next one */
        if (ftruncate(journal->fd, (off_t)journal->size) < 0) {
            error = -errno;
        }
        return error;
    }
    journal->size += size;
    due_set(journal);
    return 0;
}

static void
lines_add(struct lines *lines, const char *text, size_t size)
{
    while (lines->size + size > lines->room) {
        lines->room = lines->room ? lines->room * 2 : 4096;
        lines->bytes = mem_resize(lines->bytes, lines->room, 1);
    }
    memcpy(lines->bytes + lines->size, text, size);
    lines->size += size;
}

int
journal_append(struct journal *journal, const char *line)
{
    struct lines one = {.bytes = NULL};
    lines_add(&one, line, strlen(line));
    lines_add(&one, "\n", 1);
    /* also while another file is made to take its place: who kills us then must not lose it */
    int result = lines_append(journal, one.bytes, one.size);
    if (journal->is_replacing) {
        lines_add(&journal->later, one.bytes, one.size);
    }
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
    journal->is_dirty = false;
    return 0;
}

static void
file_is_new(struct journal *journal)
{
    if (journal->fd >= 0) {
        close(journal->fd);
        journal->fd = -1;
    }
    journal->is_dirty = false;
}

static void on_replaced(void *context, int error);

/* Takes 'text'. */
static void
replace_begin(struct journal *journal, char *text, size_t size)
{
    journal->is_replacing = true;
    journal->new_size = size;
    disk_replace(journal->disk, journal->path, text, size, on_replaced, journal);
}

/* Where that failed the file is as it was, with what came meanwhile. */
static void
on_replaced(void *context, int error)
{
    struct journal *journal = context;
    struct lines later = journal->later;
    journal->later = (struct lines){.bytes = NULL};
    journal->is_replacing = false;
    if (error) {
        journal->failed(journal->context, error);
    } else {
        file_is_new(journal);
        journal->size = journal->new_size;
    }
    if (journal->is_whole) {
        journal->is_whole = false;
        replace_begin(journal, later.bytes, later.size);
        return;
    }
    int result = !error && later.size > 0 ? lines_append(journal, later.bytes, later.size) : 0;
    if (result) {
        journal->failed(journal->context, result);
    }
    free(later.bytes);
}

int
journal_replace(struct journal *journal, char *text, size_t size)
{
    int result = 0;
    if (journal->disk && journal->is_replacing) { /* next; it says what was to come anyway */
        free(journal->later.bytes);
        journal->later = (struct lines){.bytes = text, .size = size, .room = size};
        journal->is_whole = true;
        return 0;
    }
    if (journal->disk) {
        replace_begin(journal, text, size);
        return 0;
    }
    result = file_write_atomic(journal->path, text, size, 0600);
    free(text);
    if (result) {
        return result;
    }
    file_is_new(journal);
    journal->size = size;
    return 0;
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
    return journal->is_replacing ? journal->new_size + journal->later.size : journal->size;
}
