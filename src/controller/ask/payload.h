/* Reading payload: packets, and the names and URLs in detections, are about people.  Administrators
 * may, and whoever was allowed by name; an administrator can be denied too.  Kept as settings
 * "payload/ACCOUNT"; an account that is made or removed begins anew.  Each reading is in the audit:
 * packets before they go out, what is shown once an hour for each reader and incident.
 *
 * Core's loop thread. */
#ifndef CORDON_CONTROLLER_PAYLOAD_H
#define CORDON_CONTROLLER_PAYLOAD_H

#include "controller/ask/ask_call.h"
#include "wire/view_payload.h"

#define PAYLOAD_SETTING STORE_PAYLOAD_SETTING
#define PAYLOAD_NOTED_MAX 512
#define PAYLOAD_NOTE_US (INT64_C(3600) * 1000000)

/* Where it cannot be read what was said, nobody may, and people are told. */
bool payload_may_read(const struct ask_call *call);
/* Takes out what the asker may not read; what they may, and do, is noted. */
void payload_pass(const struct ask_call *call, const char *incident_id,
                  struct detection *detections, size_t count);
/* An account or token of that name was made or taken away: what was said of its like is over. */
void payload_forget(struct store_change *change, const char *action, const char *object);

/* A token was made, and with it was said whether it may read payload: both in one commit, or
 * neither. */
void payload_record(const struct ask_call *call, const struct op_audit_record *record);

#endif
