/* Hands one message to its receiver: SMTP, syslog or webhook.  Blocks for at most half a minute:
 * only on a worker's thread. */
#ifndef CORDON_NOTIFY_DELIVER_H
#define CORDON_NOTIFY_DELIVER_H

#include "wire/notice.h"

/* Once, before the first thread. */
void deliver_setup(void);
/* Fills 'is_delivered' and 'answer'.  Servers are who their certificates say, by name; redirects
 * are not followed; 'secret' ("": none) is sent to nobody else. */
void deliver(const struct wire_notice *wire, const char *secret, struct wire_notice_result *result);

/* syslog's own (deliver_syslog.c). */
void deliver_syslog(const struct wire_notice *wire, struct wire_notice_result *result);
#define DELIVER_CONNECT_MS 10000
#define DELIVER_MS 30000

#endif
