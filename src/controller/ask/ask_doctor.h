/* What the parts of doctor share.  Core's loop thread. */
#ifndef CORDON_CONTROLLER_ASK_DOCTOR_H
#define CORDON_CONTROLLER_ASK_DOCTOR_H

#include "controller/ask/ask_call.h"

struct doctor_visit {
    struct controller *controller;
    int64_t now_us;
    struct view_doctor *doctor;
    size_t troubles; /* warnings and errors so far */
};

/* Says that 'check' was made, whatever it finds. */
void doctor_begin(struct doctor_visit *visit, const char *check);
/* What was found, where, and what to do; each sentence also stands in wire/said_health.c. */
void doctor_find(struct doctor_visit *visit, enum finding_severity severity, const char *check,
                 const char *where, const char *advice, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* ask_doctor_unseen.c: traffic between endpoints that no mirror copies. */
void doctor_check_unseen(struct doctor_visit *visit);
/* ask_doctor_own.c: what keeps ourselves safe (audit, backups, keys, disk, kernel, budget). */
void doctor_check_own(struct doctor_visit *visit, const struct ask_settings *settings);
/* Since when the newest checkpoint that no switch holds waits for one; 0: none does, or 'now_us' is
 * not later.  For doctor and metrics. */
int64_t doctor_unheld_us(const struct controller *controller);
/* Blocks that wait for a person because the database did not know them. */
size_t doctor_unproven(const struct controller *controller);

#endif
