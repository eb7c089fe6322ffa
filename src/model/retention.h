/* Retention: how long each kind of what is kept stays, and what the disk may hold of it.  Days;
 * what is older is taken away (names: taken out of what stays).  Pure. */
#ifndef CORDON_MODEL_RETENTION_H
#define CORDON_MODEL_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

enum retention_kind {
    RETENTION_EVIDENCE,     /* packets */
    RETENTION_NAMES,        /* DNS, HTTP, TLS and file names, URLs, host names in what was found */
    RETENTION_DETECTIONS,   /* and incidents that do not collect any more */
    RETENTION_CONTAINMENTS, /* that ended */
    RETENTION_NOTICES,      /* and what receivers were told */
    RETENTION_BINDINGS,     /* who had which address, and an endpoint's history */
    RETENTION_ENDPOINTS,    /* that were not seen */
    RETENTION_AUDIT,
    RETENTION_KIND_COUNT
};
extern const char *const retention_kind_names[RETENTION_KIND_COUNT + 1];

/* Days. */
struct retention_bounds {
    uint32_t usual, least, most;
};
extern const struct retention_bounds retention_bounds[RETENTION_KIND_COUNT];

#define RETENTION_BUDGET_LEAST 16        /* MiB */
#define RETENTION_BUDGET_MOST (1u << 24) /* 16 TiB */
struct retention_settings {
    uint32_t days[RETENTION_KIND_COUNT];
    uint32_t budget_mib; /* what the database may hold; 0: what its file system has room for */
};
void retention_usual(struct retention_settings *settings);
/* False: out of bounds, or packets or names would outlive what they belong to. */
bool retention_check(const struct retention_settings *settings, char why[128]) MUST_CHECK;

/* "evidence=30 names=90 ... budget=0"; what is not said stays as it is.
 * False: nothing is, or something else. */
#define RETENTION_TEXT_SIZE 256
void retention_format(const struct retention_settings *settings, char text[RETENTION_TEXT_SIZE]);
bool retention_parse(const char *text, struct retention_settings *settings) MUST_CHECK;

#endif
