/* The audit's signed checkpoints as the API shows them. */
#ifndef CORDON_WIRE_VIEW_AUDIT_H
#define CORDON_WIRE_VIEW_AUDIT_H

#include "model/checkpoint.h"
#include "wire/codec.h"
#include "wire/view_system.h"

struct view_checkpoint {
    int64_t number;
    char hash[AUDIT_HEX_SIZE];
    int64_t at_us;
    char line[CHECKPOINT_NOTE_SIZE];
};
struct view_checkpoint_edge {
    char name[NAME_SIZE];
    bool is_connected;
    uint64_t count;
    int64_t newest;
    int64_t asked_us;
};
struct view_checkpoints {
    char origin[NAME_SIZE];
    char key[CHECKPOINT_VKEY_SIZE];
    struct view_checkpoint *items; /* owned by whoever fills it */
    size_t item_count;
    struct view_checkpoint_edge *edges;
    size_t edge_count;
    struct view_audit_check *last; /* NULL: none in this run */
};
extern const struct shape view_checkpoints_shape;

#endif
