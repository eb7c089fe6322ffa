#include "wire/source_stats.h"

static const struct field refusal_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_refusal, why),
    F_UINT(FIELD_NEEDED, struct wire_refusal, count),
};
static const struct shape refusal_shape =
    SHAPE("refusal", struct wire_refusal, refusal_fields, NULL);

static const struct field source_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_source, name),
    F_TEXT(FIELD_NEEDED, struct wire_source, kind),
    F_UINT(FIELD_OPTIONAL, struct wire_source, received),
    F_UINT(FIELD_OPTIONAL, struct wire_source, accepted),
    F_UINT(FIELD_OPTIONAL, struct wire_source, refused),
    F_UINT(FIELD_OPTIONAL, struct wire_source, duplicates),
    F_UINT(FIELD_OPTIONAL, struct wire_source, ignored),
    F_LIST(FIELD_OPTIONAL, struct wire_source, refusals, refusal_count, REFUSALS_MAX,
           &refusal_shape),
    F_INT(FIELD_OPTIONAL, struct wire_source, last_us),
    F_TEXT(FIELD_OPTIONAL, struct wire_source, state),
    F_TEXT(FIELD_OPTIONAL, struct wire_source, problem),
};
static const struct shape source_shape = SHAPE("source", struct wire_source, source_fields, NULL);

static const struct field stats_fields[] = {
    F_LIST(FIELD_NEEDED, struct wire_source_stats, sources, source_count, SOURCES_MAX,
           &source_shape),
};

const struct shape wire_source_stats_shape =
    SHAPE("source_stats", struct wire_source_stats, stats_fields, NULL);
