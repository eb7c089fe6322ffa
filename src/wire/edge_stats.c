#include "wire/edge_stats.h"

static const struct field counter_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_counter, name),
    F_UINT(FIELD_NEEDED, struct wire_counter, count),
};
static const struct shape counter_shape =
    SHAPE("counter", struct wire_counter, counter_fields, NULL);

static const struct field stats_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_edge_stats, switch_name),
    F_INT(FIELD_NEEDED, struct wire_edge_stats, at_us),
    F_LIST(FIELD_OPTIONAL, struct wire_edge_stats, counters, counter_count, COUNTERS_MAX,
           &counter_shape),
    F_TEXTS(FIELD_OPTIONAL, struct wire_edge_stats, problems,
            offsetof(struct wire_edge_stats, problem_count), 16),
};

const struct shape wire_edge_stats_shape =
    SHAPE("edge_stats", struct wire_edge_stats, stats_fields, NULL);
