#include "wire/evidence.h"

static const struct field evidence_fields[] = {
    F_TEXT(FIELD_NEEDED, struct evidence, detection_id),
    F_BYTES(FIELD_NEEDED, struct evidence, pcap, size, EVIDENCE_SIZE_MAX),
};

const struct shape wire_evidence_shape = SHAPE("evidence", struct evidence, evidence_fields, NULL);
