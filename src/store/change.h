/* A transaction as it waits for the store thread: a list of rows, all copied.  Built on the loop,
 * run on the store thread, freed on the loop. */
#ifndef CORDON_STORE_CHANGE_H
#define CORDON_STORE_CHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "model/text.h"
#include "store/store.h"

struct store_sweep;

enum row_kind {
    ROW_CONTAINMENT,
    ROW_INCIDENT,
    ROW_DETECTION,
    ROW_MOVED_DETECTION,
    ROW_EVIDENCE,
    ROW_ENDPOINT,
    ROW_ANNOTATION,
    ROW_SETTING,
    ROW_AUDIT,
    ROW_REVISION,
    ROW_NOTICE,
    ROW_MESSAGE,
    ROW_CERTIFICATE,
    ROW_ENROLMENT,
    ROW_SWEEP, /* no statement of its own: sweeper.h */
    ROW_KIND_COUNT
};

/* What each kind uses of this is said where its statement is (writer.c). */
struct row {
    enum row_kind kind;
    char id[SETTING_NAME_SIZE]; /* NAME_SIZE, but of a setting */
    char key[NAME_SIZE];
    char other[NAME_SIZE];
    int64_t at_us;
    int64_t flag;
    char *text; /* in the change's own room, or owned */
    size_t text_size;
    bool owns_text;
    char *more;     /* owned; NULL: none */
    uint8_t *bytes; /* owned */
    size_t byte_count;
    struct store_sweep *sweep;  /* borrowed: gets what the slice found */
    struct store_sweep *before; /* owned */
};

/* One block of memory for what a detection alone leads to: floods are made of those. */
#define CHANGE_ROWS_FEW 2
#define CHANGE_TEXT_ROOM 2048

struct store_change {
    struct row *rows; /* 'few', or owned */
    size_t count, room;
    void (*done)(void *context, int error);
    void *context;
    int error; /* set by the store thread */
    size_t text_used;
    struct row few[CHANGE_ROWS_FEW];
    char texts[CHANGE_TEXT_ROOM]; /* not zeroed */
};

#endif
