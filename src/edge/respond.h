/* Joins the responder (pure) to the datapath: frames of contained endpoints come out of the tap,
 * answers go out of the endpoint's port, permitted DNS queries go on.  Remembers what it told whom,
 * to put it right at the release. */
#ifndef CORDON_EDGE_RESPOND_H
#define CORDON_EDGE_RESPOND_H

#include <event2/event.h>

#include "edge/datapath.h"
#include "edge/desired.h"
#include "edge/learn.h"
#include "edge/settings.h"

struct respond;

struct respond *respond_new(struct event_base *base, struct datapath *datapath,
                            const struct edge_settings *settings);
/* Before the first frame. */
void respond_join(struct respond *respond, const struct desired *desired,
                  const struct learn *learn);
void respond_free(struct respond *respond);
/* A resolver's answer to a contained endpoint: permits what the permitted name leads to. */
void respond_dns_answer(struct respond *respond, const uint8_t *frame, size_t size);
/* Others may be permitted now, or everything is: what endpoints were told is put right. */
void respond_correct_all(struct respond *respond);
/* Addresses were learnt: what waited for them is put right. */
void respond_learnt(struct respond *respond);
/* Tells the endpoint of this isolate rule the true MACs of the addresses that it was told wrong. */
void respond_release(struct respond *respond, const struct rule *rule);

#endif
