/* What certificates.c (who has one), enrolments.c (who gets one) and refusals.c (who was not let
 * in) share, and nobody else. */
#ifndef CORDON_CONTROLLER_CERTIFICATES_STATE_H
#define CORDON_CONTROLLER_CERTIFICATES_STATE_H

#include "base/log.h"
#include "controller/certificates/certificates.h"

struct held { /* one certificate */
    struct certificate c;
    bool is_changing;   /* on its way to the disk */
    bool is_dirty;      /* seen since it was written */
    bool is_told;       /* that it expires */
    bool is_past;       /* its end, and the grace after it */
    int64_t asked_us;   /* boot: the device was last asked for a renewal; 0: was not */
    int64_t written_us; /* boot */
};

struct ticket { /* one enrolment */
    struct enrolment e;
    bool is_changing;
    char trying[DEVICE_HASH_SIZE]; /* SHA-256 of the key that is being signed for */
};

struct certificates {
    struct certificates_settings settings;
    struct held **held; /* owned, in the order of issue */
    size_t held_count, held_room;
    struct ticket **tickets;
    size_t ticket_count, ticket_room;
    struct refused_peer refused[REFUSED_PEERS_MAX];
    size_t refused_count;
    int64_t audited_us[REFUSED_PEERS_MAX]; /* boot: its last row in the audit */
    uint64_t refusals[REFUSAL_COUNT];
    struct log_limit refused_log, refused_audit;
    int64_t ticked_us; /* boot */
    int64_t issued_at; /* how far the register was read */
    bool is_entering;  /* one of it is on its way to the disk */
};

/* Is something of that name on its way to the disk?  'role' -1: either. */
bool name_is_busy(const struct certificates *certificates, int role, const char *name);
bool certificate_is_live(const struct certificate *certificate);
struct held *held_by_serial(const struct certificates *certificates, const char *serial);
/* Takes no notice of 'but'; 'role' and 'name' of those that are live.  Next after 'index'. */
struct held *held_next_live(const struct certificates *certificates, enum device_role role,
                            const char *name, size_t *index);
/* A copy that has ended is put into 'change'; what is in memory is ended by held_end() after the
 * commit. */
void held_put_end(const struct certificates *certificates, struct store_change *change,
                  const struct held *held, enum certificate_state state, const char *account,
                  const char *reason);
void held_end(const struct certificates *certificates, struct held *held,
              enum certificate_state state, const char *account, const char *reason);
struct held *held_add(struct certificates *certificates, const struct certificate *certificate);
struct ticket *ticket_add(struct certificates *certificates, const struct enrolment *enrolment);
bool ticket_is_open(const struct certificates *certificates, const struct enrolment *enrolment);
void ticket_free(struct ticket *ticket);

/* A peer was refused, 'count' times: log, list, metric and audit, each within its limit. */
void refusal_note(struct certificates *certificates, const struct refused_peer *peer);

#endif
