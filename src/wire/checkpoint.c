#include "wire/checkpoint.h"

#include <stdio.h>

static bool
line_is_good(const char *line, char why[128])
{
    struct checkpoint checkpoint;
    if (checkpoint_line_find(line, &checkpoint)) {
        return true;
    }
    snprintf(why, 128, "not a checkpoint");
    return false;
}

static bool
checkpoint_check(const void *thing, char why[128])
{
    const struct wire_checkpoint *message = thing;
    return !message->line[0] || line_is_good(message->line, why);
}

static const struct field checkpoint_fields[] = {
    F_TEXT(FIELD_OPTIONAL, struct wire_checkpoint, line),
    F_UINT(FIELD_OPTIONAL, struct wire_checkpoint, request),
    F_TEXT(FIELD_OPTIONAL, struct wire_checkpoint, origin),
};
const struct shape wire_checkpoint_shape =
    SHAPE("checkpoint", struct wire_checkpoint, checkpoint_fields, checkpoint_check);

static bool
one_check(const void *thing, char why[128])
{
    return line_is_good(((const struct wire_checkpoint_line *)thing)->line, why);
}

static const struct field line_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_checkpoint_line, line),
};
static const struct shape line_shape =
    SHAPE("checkpoint_line", struct wire_checkpoint_line, line_fields, one_check);

static const struct field checkpoints_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_checkpoints, switch_name),
    F_UINT(FIELD_NEEDED, struct wire_checkpoints, request),
    F_LIST(FIELD_OPTIONAL, struct wire_checkpoints, lines, line_count, WIRE_CHECKPOINTS_MAX,
           &line_shape),
};
const struct shape wire_checkpoints_shape =
    SHAPE("checkpoints", struct wire_checkpoints, checkpoints_fields, NULL);
