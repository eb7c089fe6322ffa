#include "edge/checkpoints.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define FILE_MAX (WIRE_CHECKPOINTS_MAX * TEXT_SIZE * 2)

struct shelf {
    char origin[NAME_SIZE];                       /* "": free */
    struct checkpoint items[CHECKPOINTS_MAX + 1]; /* by row; one more while one is put */
    size_t count;
};

struct shelves {
    struct shelf of[CHECKPOINTS_ORIGINS_MAX];
};

struct checkpoints {
    char path[URL_SIZE + 32];
    struct shelves given, held, writing; /* held: on the disk */
    struct disk *disk;                   /* NULL: whoever puts waits */
    bool is_writing;
    bool is_dirty; /* what was given is neither on the disk nor on its way */
    void (*failed)(int error);
};

static struct shelf *
shelf_of(struct checkpoints *checkpoints, const char *origin)
{
    struct shelf *empty = NULL;
    for (size_t i = 0; i < CHECKPOINTS_ORIGINS_MAX; i++) {
        struct shelf *shelf = &checkpoints->given.of[i];
        if (strcmp(shelf->origin, origin) == 0) {
            return shelf;
        }
        empty = !empty && !shelf->origin[0] ? shelf : empty;
    }
    if (empty) {
        snprintf(empty->origin, sizeof(empty->origin), "%s", origin);
    }
    return empty;
}

/* Which of the older ones says the least: it stands nearest to its neighbours. */
static size_t
least_of(const struct shelf *shelf)
{
    size_t least = 1;
    int64_t smallest = INT64_MAX;
    for (size_t i = 1; i + CHECKPOINTS_NEWEST < shelf->count; i++) {
        int64_t gap = shelf->items[i + 1].number - shelf->items[i - 1].number;
        if (gap < smallest) {
            smallest = gap;
            least = i;
        }
    }
    return least;
}

/* False: it was there. */
static bool
shelf_put(struct shelf *shelf, const struct checkpoint *checkpoint)
{
    size_t at = shelf->count;
    while (at > 0 && shelf->items[at - 1].number >= checkpoint->number) {
        at--;
        if (checkpoint_is_same(&shelf->items[at], checkpoint)) {
            return false;
        }
    }
    memmove(&shelf->items[at + 1], &shelf->items[at],
            (shelf->count - at) * sizeof(shelf->items[0]));
    shelf->items[at] = *checkpoint;
    shelf->count++;
    if (shelf->count > CHECKPOINTS_MAX) {
        size_t least = least_of(shelf);
        shelf->count--;
        memmove(&shelf->items[least], &shelf->items[least + 1],
                (shelf->count - least) * sizeof(shelf->items[0]));
    }
    return true;
}

struct checkpoints *
checkpoints_open(const char *state_dir)
{
    struct checkpoints *checkpoints = MEM_NEW(struct checkpoints);
    char *text = NULL, *rest = NULL;
    size_t size = 0;
    snprintf(checkpoints->path, sizeof(checkpoints->path), "%s/checkpoints", state_dir);
    if (file_read(checkpoints->path, FILE_MAX, &text, &size) != 0) {
        return checkpoints; /* there are none */
    }
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        struct checkpoint checkpoint;
        struct shelf *shelf = checkpoint_line_find(line, &checkpoint)
                                  ? shelf_of(checkpoints, checkpoint.origin)
                                  : NULL;
        if (shelf) {
            (void)shelf_put(shelf, &checkpoint);
        }
    }
    free(text);
    checkpoints->held = checkpoints->given;
    return checkpoints;
}

void
checkpoints_use(struct checkpoints *checkpoints, struct disk *disk, void (*failed)(int error))
{
    checkpoints->disk = disk;
    checkpoints->failed = failed;
}

void
checkpoints_free(struct checkpoints *checkpoints)
{
    free(checkpoints);
}

/* The caller frees it. */
static char *
shelves_format(const struct shelves *shelves, size_t *size)
{
    size_t room = WIRE_CHECKPOINTS_MAX * (size_t)CHECKPOINT_NOTE_SIZE, used = 0;
    char *text = mem_new(room, 1);
    for (size_t i = 0; i < CHECKPOINTS_ORIGINS_MAX; i++) {
        for (size_t j = 0; j < shelves->of[i].count; j++) {
            char line[CHECKPOINT_NOTE_SIZE];
            checkpoint_line_format(&shelves->of[i].items[j], line);
            used += (size_t)snprintf(text + used, room - used, "%s\n", line);
        }
    }
    *size = used;
    return text;
}

static void on_written(void *context, int error);

/* One at a time; what is given meanwhile follows. */
static void
write_begin(struct checkpoints *checkpoints)
{
    size_t size;
    checkpoints->writing = checkpoints->given;
    checkpoints->is_writing = true;
    checkpoints->is_dirty = false;
    char *text = shelves_format(&checkpoints->writing, &size);
    disk_replace(checkpoints->disk, checkpoints->path, text, size, on_written, checkpoints);
}

/* What the disk did not take is tried again with the next one that comes. */
static void
on_written(void *context, int error)
{
    struct checkpoints *checkpoints = context;
    bool has_more = checkpoints->is_dirty;
    checkpoints->is_writing = false;
    if (error) {
        checkpoints->is_dirty = true;
        checkpoints->failed(error);
    } else {
        checkpoints->held = checkpoints->writing;
    }
    if (has_more) {
        write_begin(checkpoints);
    }
}

static int
given_write(struct checkpoints *checkpoints)
{
    size_t size;
    if (checkpoints->disk) {
        if (!checkpoints->is_writing) {
            write_begin(checkpoints);
        }
        return 0;
    }
    char *text = shelves_format(&checkpoints->given, &size);
    int error = file_write_atomic(checkpoints->path, text, size, 0600);
    free(text);
    if (!error) {
        checkpoints->held = checkpoints->given;
        checkpoints->is_dirty = false;
    }
    return error;
}

int
checkpoints_put(struct checkpoints *checkpoints, const char *line)
{
    struct checkpoint checkpoint;
    if (!checkpoint_line_find(line, &checkpoint)) {
        return -EINVAL;
    }
    struct shelf *shelf = shelf_of(checkpoints, checkpoint.origin);
    if (!shelf) {
        return -ENOSPC;
    }
    checkpoints->is_dirty = shelf_put(shelf, &checkpoint) || checkpoints->is_dirty;
    return checkpoints->is_dirty ? given_write(checkpoints) : 0;
}

size_t
checkpoints_list(const struct checkpoints *checkpoints, const char *origin,
                 struct wire_checkpoint_line *lines)
{
    size_t count = 0;
    for (size_t i = 0; i < CHECKPOINTS_ORIGINS_MAX; i++) {
        const struct shelf *shelf = &checkpoints->held.of[i];
        bool is_asked = !origin[0] || strcmp(origin, shelf->origin) == 0;
        for (size_t j = 0; is_asked && j < shelf->count; j++) {
            checkpoint_line_format(&shelf->items[j], lines[count++].line);
        }
    }
    return count;
}
