/* A row of the audit as `cordonctl audit export --format json` writes it: a line of JSON. */
#ifndef CORDON_WIRE_AUDIT_LINE_H
#define CORDON_WIRE_AUDIT_LINE_H

#include <cjson/cJSON.h>

#include "base/macros.h"
#include "model/audit_chain.h"

struct audit_line {
    struct audit_fields fields; /* texts borrowed from the JSON */
    uint8_t before[AUDIT_HASH_SIZE], hash[AUDIT_HASH_SIZE];
};

/* False: that is no row. */
bool audit_line_read(const cJSON *json, struct audit_line *line) MUST_CHECK;

#endif
