/* What every source of other makers' detections shares: parsing, counting, refusing, handing on.
 * The kinds (source_stream.c, source_udp.c, source_file.c) only find lines. */
#ifndef CORDON_INTAKE_SOURCE_H
#define CORDON_INTAKE_SOURCE_H

#include <event2/event.h>

#include "base/log.h"
#include "cordond/config.h"
#include "cordond/errand.h"
#include "intake/deliveries.h"
#include "intake/line.h"
#include "wire/source_stats.h"

struct source;

/* Detections of one source on their way: nobody takes all the room, and while a commit of them
 * waits for the disk there is work for core.  Over UDP fewer, since anybody can send those. */
#define SOURCE_OUTSTANDING_MAX 768
#define SOURCE_OUTSTANDING_UDP 256
/* So many a source has in any case, whatever the others send; fewer where there are more than a
 * dozen of them: DELIVERIES_KEPT_MAX. */
#define SOURCE_OUTSTANDING_OWN 64
#define STREAM_CONNECTIONS_MAX 256 /* per source; beyond, the one silent for longest is closed */

struct source_kind_ops {
    /* Opens; on failure stats.problem says why, and start is called again every few seconds. */
    int (*start)(struct source *source);
    /* There is room for detections again: read on. */
    void (*resume)(struct source *source);
    /* Once a second: positions, files that appeared; may be NULL. */
    void (*tick)(struct source *source);
    void (*stop)(struct source *source);
};

struct source {
    const struct source_kind_ops *ops;
    const struct config *whole;         /* borrowed */
    const struct config_source *config; /* its entry there */
    size_t index;
    int errands; /* the line for errand_ask: files and sockets are opened for us */
    struct event_base *base;
    struct deliveries *deliveries;
    struct line_source line_source;
    struct line_ids *ids;     /* owned; NULL: the crypto library has no SHA-256 */
    struct wire_source stats; /* refusals: room for REFUSALS_MAX */
    struct log_limit log_limit;
    size_t outstanding; /* on their way to core */
    size_t own_places;  /* of them nobody else takes */
    bool is_started;
    bool is_paused; /* stopped reading: no room */
    void *own;      /* the kind's */
};

/* The entry 'index' of config's sources; 'config' and 'deliveries' are borrowed; 'errands' as in
 * cordond/role.h. */
struct source *source_new(const struct config *config, size_t index, int errands,
                          struct event_base *base, struct deliveries *deliveries);
void source_free(struct source *source);
void source_tick(struct source *source);
/* After deliveries got room. */
void source_resume(struct source *source);

enum line_fate { LINE_TAKEN, LINE_NO_ROOM };
/* One line (EVE) or syslog message; 'cookie' see deliveries_put.  NO_ROOM: nothing was counted; the
 * kind offers it again later, or counts the loss with source_refuse. */
enum line_fate source_line(struct source *source, const char *line, size_t size, uint64_t cookie);
void source_refuse(struct source *source, const char *why, const char *line, size_t size);
/* A descriptor that we may not open ourselves, or negative errno. */
int source_open(const struct source *source, enum errand errand);
void source_set_state(struct source *source, const char *state, const char *problem);

extern const struct source_kind_ops source_stream_ops; /* eve-socket, syslog-tcp, syslog-tls */
extern const struct source_kind_ops source_udp_ops;
extern const struct source_kind_ops source_file_ops;

#endif
