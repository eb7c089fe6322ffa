/* Joins the responder (pure) to the datapath: frames of contained endpoints come out of the tap,
 * answers go out of the endpoint's port, permitted DNS queries go on.  Remembers what it told whom,
 * to put it right at the release. */
#ifndef CORDON_EDGE_RESPONDER_LINK_H
#define CORDON_EDGE_RESPONDER_LINK_H

#include <event2/event.h>

#include "edge/datapath.h"
#include "edge/desired.h"
#include "edge/learn.h"
#include "edge/settings.h"

struct responder_link;

struct responder_link *responder_link_new(struct event_base *base, struct datapath *datapath,
                                          const struct edge_settings *settings);
/* Before the first frame. */
void responder_link_join(struct responder_link *respond, const struct desired *desired,
                         const struct learn *learn);
void responder_link_free(struct responder_link *respond);
/* A resolver's answer to a contained endpoint: permits what the permitted name leads to. */
void responder_link_dns_answer(struct responder_link *respond, const uint8_t *frame, size_t size);
/* Others may be permitted now, or everything is: what endpoints were told is put right. */
void responder_link_correct_all(struct responder_link *respond);
/* Addresses were learnt: what waited for them is put right. */
void responder_link_learnt(struct responder_link *respond);
/* Tells the endpoint of this isolate rule the true MACs of the addresses that it was told wrong. */
void responder_link_release(struct responder_link *respond, const struct rule *rule);

#endif
