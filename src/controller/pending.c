#include "controller/pending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/alteration.h"
#include "controller/controller.h"
#include "controller/decide.h"
#include "controller/entry.h"
#include "controller/notices/notices.h"
#include "controller/resite.h"
#include "controller/wish.h"
#include "controller/world.h"
#include "policy/rollout.h"

#define WHY_SIZE TEXT_SIZE

/* Policy decided it after all, and no person: it has spent its budget, which a restart must know by
 * the containment alone (store_read_isolations).  Time that has passed is no decision. */
static bool
is_by_policy(const char *account)
{
    return strncmp(account, "policy:", 7) == 0 && strcmp(account, "policy:time-out") != 0;
}

/* A rule on an address is for whoever has it, or gets it next: that must surely be who had it when
 * it was seen. */
static bool
address_is_barred(struct controller *controller, const struct containment *c, char why[WHY_SIZE])
{
    struct held held;
    int64_t now_us = clock_wall_us(controller->clock);
    if (world_is_of_another(controller, c)) {
        snprintf(why, WHY_SIZE,
                 "the address has changed hands since; name the endpoint or its MAC");
        return true;
    }
    return !wish_address_is_clear(
        topology_resolve(controller->topology, c->site, &c->subject_ip, now_us, &held), why);
}

/* Why a pending one cannot be enforced; false: it can. */
static bool
enforce_is_barred(struct controller *controller, struct entry *entry, char why[WHY_SIZE])
{
    const struct containment *c = &entry->c;
    const struct endpoint *endpoint = entry_endpoint(controller, entry);
    bool is_server = c->action == ACTION_BLOCK_SERVER;
    if (!is_server && !endpoint && mac_is_none(&c->subject_mac) && ip_is_none(&c->subject_ip)) {
        snprintf(why, WHY_SIZE, "nobody is known whom it could be enforced on");
        return true;
    }
    if ((is_server || c->action == ACTION_BLOCK_PAIR) && prefix_is_none(&c->server)) {
        snprintf(why, WHY_SIZE,
                 "no address of %.100s is known: switches match addresses, not names",
                 c->server_name ? c->server_name : "the server");
        return true;
    }
    bool is_by_address = !is_server && !endpoint && mac_is_none(&c->subject_mac);
    if (is_by_address && !wish_is_host(&c->subject_ip)) {
        snprintf(why, WHY_SIZE, "that address cannot be an endpoint's");
        return true;
    }
    if (resite_is_open(controller, c) && !resite_close(controller, entry)) {
        snprintf(why, WHY_SIZE,
                 "several sites may have that address; contain it at the one that is "
                 "meant instead");
        return true;
    }
    if (resite_is_gone(controller, c)) {
        snprintf(why, WHY_SIZE,
                 "the policy has no site \"%.60s\" any more; contain it at the one that is meant "
                 "instead",
                 c->site);
        return true;
    }
    if (is_by_address && address_is_barred(controller, c, why)) {
        return true;
    }
    char reason[TEXT_SIZE];
    if (world_bars(controller, c, reason)) {
        snprintf(why, WHY_SIZE, "protected: %.480s", reason);
        return true;
    }
    return false;
}

void
pending_admit(struct containment *c)
{
    text_keep(&c->refused, TEXT_SIZE, "");
    c->refused_us = 0;
}

static void
enforce(struct controller *controller, struct entry *entry, const char *account, const char *reason,
        wish_done_fn *done, void *context)
{
    char why[WHY_SIZE];
    if (enforce_is_barred(controller, entry, why)) {
        alteration_tell(done, context, WISH_REFUSED, why, &entry->c);
        return;
    }
    struct alteration *a = alteration_new(controller, entry, done, context);
    a->has_event = true;
    a->event = LIFE_ENFORCE;
    a->after.pending_until_us = 0;
    pending_admit(&a->after);
    if (is_by_policy(account)) {
        a->after.hold = HOLD_NONE;
        text_keep(&a->after.hold_detail, TEXT_SIZE, "");
    }
    if (a->after.expires_us > 0) { /* it lasts as long as was meant, from now on */
        int64_t lasts_us = a->after.expires_us - a->after.requested_us;
        a->after.expires_us = clock_wall_us(controller->clock) + lasts_us;
    }
    alteration_submit(a, account, life_event_names[LIFE_ENFORCE], reason);
}

void
controller_judge(struct controller *controller, const char *containment_id, enum verdict verdict,
                 const char *account, const char *reason, wish_done_fn *done, void *context)
{
    struct alteration_turn turn = alteration_turn(containment_id, account, reason, done, context);
    turn.kind = TURN_JUDGE;
    turn.verdict = verdict;
    struct entry *entry = alteration_find(controller, &turn);
    if (!entry) {
        return;
    }
    static const enum life_event events[] = {[VERDICT_ENFORCE] = LIFE_ENFORCE,
                                             [VERDICT_CHECK] = LIFE_CHECK,
                                             [VERDICT_REVERT] = LIFE_REVERT};
    if (!lifecycle_is_expected(entry->c.state, events[verdict])) {
        alteration_tell(done, context, WISH_REFUSED, "it does not wait for a verdict", &entry->c);
    } else if (verdict == VERDICT_ENFORCE) {
        enforce(controller, entry, account, reason, done, context);
    } else if (verdict == VERDICT_REVERT) {
        alteration_end(controller, entry, LIFE_REVERT, account, reason, done, context);
    } else {
        struct alteration *a = alteration_new(controller, entry, done, context);
        a->has_event = true;
        a->event = LIFE_CHECK;
        a->after.pending_until_us = 0;
        alteration_submit(a, account, life_event_names[LIFE_CHECK], reason);
    }
}

void
pending_refuse(struct controller *controller, struct entry *entry, const char *why,
               bool is_over_budget)
{
    bool is_first = !entry->c.refused;
    if (strcmp(text_or_empty(entry->c.refused), why) == 0) {
        return;
    }
    text_keep(&entry->c.refused, TEXT_SIZE, why);
    entry->c.refused_us = is_first ? clock_wall_us(controller->clock) : entry->c.refused_us;
    log_warn("controller", "policy is sure, and cannot enforce it",
             LOG_S("containment", entry->c.id), LOG_S("why", why));
    if (is_first && !is_over_budget) {
        notices_tell_containment(controller, &entry->c, NOTICE_PENDING, why);
    }
    entry_touch(controller, entry);
}

struct confirming {
    struct controller *controller;
    char id[ID_SIZE];
};

/* Nobody else hears of a refusal: policy's next detection of it would only be refused again. */
static void
on_confirmed(void *context, enum wish_result result, const char *why,
             const struct containment *containment)
{
    struct confirming *confirming = context;
    struct entry *entry = entry_find(confirming->controller, confirming->id);
    (void)containment;
    if (result == WISH_REFUSED && entry && lifecycle_is_expected(entry->c.state, LIFE_ENFORCE)) {
        pending_refuse(confirming->controller, entry, why, false);
    }
    free(confirming);
}

void
pending_confirm(struct controller *controller, struct entry *entry, const char *policy)
{
    char account[NAME_SIZE];
    struct confirming *confirming = MEM_NEW(struct confirming);
    confirming->controller = controller;
    memcpy(confirming->id, entry->c.id, sizeof(confirming->id));
    snprintf(account, sizeof(account), "policy:%.50s", policy);
    controller_judge(controller, entry->c.id, VERDICT_ENFORCE, account,
                     entry->c.hold == HOLD_BUDGET ? "the budget has room for it"
                     : controller->is_again       ? "what was in doubt is known now"
                                                  : "another detection leaves no doubt",
                     on_confirmed, confirming);
}

void
pending_ask_again(struct controller *controller, struct entry *entry,
                  const struct decision *decision)
{
    char account[NAME_SIZE];
    struct alteration *a = alteration_new(controller, entry, NULL, NULL);
    a->has_event = true;
    a->event = LIFE_ASK;
    memcpy(a->after.incident_id, decision->incident_id, sizeof(a->after.incident_id));
    decision_hold(&a->after, decision, clock_wall_us(controller->clock));
    snprintf(account, sizeof(account), "policy:%.50s", decision->policy);
    alteration_submit(a, account, life_event_names[LIFE_ASK], decision->reason);
}

/* Since it began to wait, a maintenance window may have begun, or the policy may have changed: what
 * they leave to people is never enforced by waiting.  True: it goes on waiting, for ever. */
static bool
pending_waits_on(struct controller *controller, struct entry *entry)
{
    const struct containment *c = &entry->c;
    const struct incident *incident =
        c->incident_id[0] ? controller_incident(controller, c->incident_id) : NULL;
    const char *who = c->endpoint_id[0] || !incident ? c->endpoint_id : incident->endpoint_id;
    const struct endpoint *endpoint = who[0] ? topology_by_id(controller->topology, who) : NULL;
    const struct ip *ip = ip_is_none(&c->subject_ip) && incident ? &incident->ip : &c->subject_ip;
    char why[TEXT_SIZE] = "it was released since: a person decides";
    if (!entry_was_released(controller, entry) &&
        !policy_leaves_to_people(engine_policy(controller->engine), endpoint, ip, c->policy,
                                 clock_wall_us(controller->clock), why)) {
        return false;
    }
    struct alteration *a = alteration_new(controller, entry, NULL, NULL);
    a->after.pending_until_us = 0;
    text_keep(&a->after.hold_detail, TEXT_SIZE, why);
    const char *detail = text_or_empty(a->after.hold_detail);
    notices_tell_containment(controller, &a->after, NOTICE_PENDING, detail);
    alteration_submit(a, "policy:time-out", "wait", detail);
    return true;
}

void
pending_due(struct controller *controller, struct entry *entry)
{
    const char *account = "policy:time-out";
    if (entry->c.pending_action == ACTION_NONE) {
        alteration_end(controller, entry, LIFE_REVERT, account, "nobody judged it in time", NULL,
                       NULL);
        return;
    }
    if (pending_waits_on(controller, entry)) {
        return;
    }
    char why[WHY_SIZE];
    entry->c.action =
        entry->c.pending_action; /* before: another action is barred by other things */
    entry_rekey(controller, entry);
    if (enforce_is_barred(controller, entry, why)) {
        alteration_end(controller, entry, LIFE_REVERT, account, why, NULL, NULL);
        return;
    }
    enforce(controller, entry, account, "nobody judged it in time", NULL, NULL);
}
