#include "wire/view_audit.h"

#include "wire/view_field.h"

#define EDGES_MAX 4096
#define ITEMS_MAX 64

static const struct field checkpoint_fields[] = {
    ROW(struct view_checkpoint, number, "number", FIELD_INT, "number of the row"),
    ROW(struct view_checkpoint, hash, "hash", FIELD_TEXT, "its hash, over all before it"),
    ROW(struct view_checkpoint, at_us, "at", FIELD_TIME, "when it was signed"),
    ROW(struct view_checkpoint, line, "line", FIELD_TEXT,
        "the signed note in one line, as syslog has it; 'cordonctl audit verify --checkpoints' "
        "reads it"),
};
static const struct shape checkpoint_shape =
    SHAPE("AuditCheckpoint", struct view_checkpoint, checkpoint_fields, NULL);

static const struct field edge_fields[] = {
    ROW(struct view_checkpoint_edge, name, "switch", FIELD_TEXT, "which one"),
    ROW(struct view_checkpoint_edge, is_connected, "connected", FIELD_BOOL, "now"),
    ROW(struct view_checkpoint_edge, count, "held", FIELD_UINT,
        "checkpoints signed by our key that it held when it was asked last"),
    ROW_OPT(struct view_checkpoint_edge, newest, "newest_number", FIELD_INT,
            "row of the newest of them"),
    ROW_OPT(struct view_checkpoint_edge, asked_us, "asked_at", FIELD_TIME, "when it said so"),
};
static const struct shape edge_shape =
    SHAPE("AuditCheckpointEdge", struct view_checkpoint_edge, edge_fields, NULL);

static const struct field checkpoints_fields[] = {
    ROW(struct view_checkpoints, origin, "origin", FIELD_TEXT, "name of the signing key"),
    ROW(struct view_checkpoints, key, "key", FIELD_TEXT,
        "what checks the signatures (a verifier key as of C2SP signed notes): keep it elsewhere"),
    ROW_LIST(struct view_checkpoints, items, item_count, "items", FIELD_LIST, &checkpoint_shape,
             ITEMS_MAX, "the last ones, newest first"),
    ROW_LIST(struct view_checkpoints, edges, edge_count, "switches", FIELD_LIST, &edge_shape,
             EDGES_MAX, "who keeps them"),
    ROW_SUB(struct view_checkpoints, last, "last_check", FIELD_POINTER, &view_audit_check_shape,
            "what the last check found, whoever asked for it"),
};
const struct shape view_checkpoints_shape =
    SHAPE("AuditCheckpoints", struct view_checkpoints, checkpoints_fields, NULL);
