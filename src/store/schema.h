/* The database's shape over time: one step per version, each run once, in order. */
#ifndef CORDON_STORE_SCHEMA_H
#define CORDON_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stddef.h>

#include "base/macros.h"

/* Step i leads from version i to version i + 1; SQL of several statements. */
extern const char *const schema_steps[];
extern const size_t schema_version;

/* The incident that a row of 'containment' is about, as its index has it. */
#define SCHEMA_NEEDS "CASE WHEN json_valid(json) THEN json ->> '$.incident_id' END"

/* Brings the database to version 'count' in one transaction.  0; -EPROTO: it is of a later
 * version; -EIO: a step failed ('why' says which), and nothing was changed. */
int schema_migrate(sqlite3 *db, const char *const *steps, size_t count, char why[256]) MUST_CHECK;

#endif
