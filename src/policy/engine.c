/* Detections -> decisions.  One way for live traffic and for `cordonctl policy test`. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/join.h"
#include "base/mem.h"
#include "policy/engine_state.h"

#define INCIDENTS_MAX 20000
#define COUNTS_MAX 20000
#define CONTACTS_ITEMS_MAX 5000
#define FORCES_MAX 100000
#define SAID_MAX 20000
#define RELEASED_MAX 20000
#define SAID_AGAIN_US (600 * SECOND_US)
#define PLACE_SOON_US (8 * SECOND_US) /* as topology believes it of an address (bindings.c) */

struct engine *
engine_new(struct policy *policy, const struct policy_world *world, const struct clock *clock)
{
    struct engine *e = MEM_NEW(struct engine);
    struct engine_counters *c = &e->counters;
    e->policy = policy_ref(policy);
    e->world = *world;
    e->clock = clock;
    table_init(&e->incidents, sizeof(struct incident_item), INCIDENTS_MAX, &c->incidents_evicted);
    table_init(&e->counts, sizeof(struct count_item), COUNTS_MAX, &c->subjects_evicted);
    table_init(&e->contacts, sizeof(struct contact_item), CONTACTS_ITEMS_MAX, &c->servers_evicted);
    table_init(&e->forces, sizeof(struct force_item), FORCES_MAX, &c->decisions_evicted);
    table_init(&e->said, sizeof(struct said_item), SAID_MAX, &c->decisions_evicted);
    table_init(&e->released, sizeof(struct released_item), RELEASED_MAX, &c->subjects_evicted);
    budget_init(e);
    return e;
}

void
engine_free(struct engine *e)
{
    if (!e) {
        return;
    }
    struct table *tables[] = {&e->incidents, &e->counts,   &e->contacts, &e->forces,
                              &e->said,      &e->released, &e->shares};
    budget_fini(e);
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        table_fini(tables[i]);
    }
    policy_unref(e->policy);
    free(e);
}

void
engine_set_policy(struct engine *e, struct policy *policy)
{
    struct policy *old = e->policy;
    bool is_same = policy_digest(old) == policy_digest(policy);
    e->policy = policy_ref(policy);
    if (!is_same) {
        budget_forget(e);
    }
    policy_unref(old);
}

void
engine_assume(struct engine *e, enum assumption assumption)
{
    e->assumption = assumption;
}

struct policy *
engine_policy(struct engine *e)
{
    return e->policy;
}

void
engine_read_counters(const struct engine *e, struct engine_counters *counters)
{
    *counters = e->counters;
}

static int64_t
watch_us(const struct engine *e)
{
    const struct file_released *released = &e->policy->file.after_release;
    return ((int64_t)released->grace_s + released->watch_s) * SECOND_US;
}

int64_t
engine_watch_since(const struct engine *e)
{
    return clock_wall_us(e->clock) - watch_us(e);
}

int64_t
engine_collects_since(const struct engine *e)
{
    return clock_wall_us(e->clock) - (int64_t)e->policy->file.defaults.incident_s * SECOND_US;
}

void
engine_restore_released(struct engine *e, const char *endpoint_id, int64_t released_us)
{
    int64_t ago_us = clock_wall_us(e->clock) - released_us;
    if (endpoint_id[0] != '\0') { /* a release in the future: the clock was set back since */
        table_need(&e->released, endpoint_id, clock_boot_us(e->clock) - (ago_us > 0 ? ago_us : 0));
    }
}

void
engine_note_spent(struct engine *e, int64_t requested_us)
{
    int64_t ago_us = clock_wall_us(e->clock) - requested_us;
    /* in the future: the clock was set back since; nobody gets his budget back by that */
    budget_spend(e, clock_boot_us(e->clock) - (ago_us > 0 ? ago_us : 0));
}

void
engine_tick(struct engine *e)
{
    int64_t now_us = clock_boot_us(e->clock);
    const struct policy_file *file = &e->policy->file;
    table_expire(&e->incidents, now_us - (int64_t)file->defaults.incident_s * SECOND_US);
    table_expire(&e->counts, now_us - 86400 * SECOND_US);
    table_expire(&e->contacts, now_us - 3600 * SECOND_US);
    table_expire(&e->said, now_us - SAID_AGAIN_US);
    table_expire(&e->released, now_us - watch_us(e));
    struct table_item *item = TAILQ_FIRST(&e->forces.by_age);
    while (item) {
        struct table_item *next = TAILQ_NEXT(item, by_age);
        if (!force_is_live(e, (struct force_item *)(void *)item)) {
            force_drop(e, item);
        }
        item = next;
    }
}

/* Decisions */

/* One more sentence of the story. */
static struct join
sentence(struct outcome *outcome)
{
    struct join join = {outcome->why, sizeof(outcome->why), strlen(outcome->why)};
    if (join.used > 0 && join.used + 2 < join.room) {
        join_text(&join, "; ");
    }
    return join;
}

static void tell(struct outcome *outcome, const char *format, ...) PRINTF_LIKE(2, 3);

static void
tell(struct outcome *outcome, const char *format, ...)
{
    struct join join = sentence(outcome);
    va_list values;
    va_start(values, format);
    vsnprintf(join.to + join.used, join.room - join.used, format, values);
    va_end(values);
}

/* Who says whether it is done: see rollout.h. */
static void
decision_rule(const struct engine *e, const struct finding *f, const struct file_policy *policy,
              struct decision *d)
{
    const struct machine machine = machine_of_finding(e, f);
    struct ruled ruled;
    machine_ruled(e->policy, &machine, policy, e->assumption, clock_wall_us(e->clock), &ruled);
    d->mode = ruled.mode;
    d->is_limited = ruled_is_limited(&ruled);
    ruled_words(&ruled, d->mode_why);
    if (ruled.mode == MODE_APPROVE) { /* for when no guard has a weightier reason */
        d->hold = ruled.from == MODE_FROM_ROLLOUT       ? HOLD_ROLLOUT
                  : ruled.from == MODE_FROM_MAINTENANCE ? HOLD_MAINTENANCE
                                                        : HOLD_MODE;
        struct join join = join_to(d->hold_detail, sizeof(d->hold_detail));
        join_most(&join, d->is_limited ? d->mode_why : "mode approve", 400);
        join_text(&join, d->is_limited ? " leaves it to a person" : ": a person decides");
    }
}

static void
describe(const struct finding *f, char reason[TEXT_SIZE])
{
    char ip[IP_TEXT_SIZE] = "";
    if (!ip_is_none(&f->server)) {
        ip_format(&f->server, ip);
    }
    const char *server = f->server_name[0] != '\0' ? f->server_name : ip;
    struct join join = join_to(reason, TEXT_SIZE);
    join_most(&join, f->detection->signature, 250);
    join_text(&join, server[0] != '\0' ? ": " : "");
    join_most(&join, server, 200);
}

static void
decision_fill(const struct engine *e, const struct finding *f, const struct file_policy *policy,
              const struct file_action *action, struct decision *d)
{
    memset(d, 0, sizeof(*d));
    d->action = action->action;
    decision_rule(e, f, policy, d);
    memcpy(d->incident_id, f->incident->id, sizeof(d->incident_id));
    if (d->action != ACTION_BLOCK_SERVER) {
        memcpy(d->endpoint_id, f->endpoint_id, sizeof(d->endpoint_id));
        d->mac = f->mac;
        d->ip = f->ip;
    }
    join_copy(d->site, sizeof(d->site), site_said(e, f));
    if (d->action != ACTION_ISOLATE && d->action != ACTION_MIRROR && !ip_is_none(&f->server)) {
        d->server = (struct prefix){.ip = f->server, .length = 128};
    }
    memcpy(d->server_name, f->server_name, sizeof(d->server_name));
    memcpy(d->permit_set, action->permit_set, sizeof(d->permit_set));
    memcpy(d->policy, policy->name, sizeof(d->policy));
    describe(f, d->reason);
    d->expires_s = action->expires_s ? action->expires_s : e->policy->file.defaults.expires_s;
    d->confidence = f->confidence;
    d->severity = f->detection->severity;
}

/* A held decision's time-out may enforce only where a person was merely asked for leave: never on
 * weak evidence, an unsure address, a protected host, a shared destination or a spent budget.
 * What a roll-out rule or a maintenance window leaves to people then waits until one decides: where
 * waiting was to enforce, it must not end in letting go.  Nor must it where several shared a
 * destination: each of them may be a victim whose own contact cannot be doubted. */
static void
hold_fill(const struct engine *e, const struct file_policy *policy, struct decision *d)
{
    const struct file_hold *common = &e->policy->file.hold;
    enum file_after after = policy->hold.then ? policy->hold.then : common->then;
    bool may_enforce = (d->hold == HOLD_MODE || d->hold == HOLD_GRACE) && !d->is_limited;
    bool is_by_rule = d->is_limited && (d->hold == HOLD_ROLLOUT || d->hold == HOLD_MAINTENANCE ||
                                        d->hold == HOLD_MODE || d->hold == HOLD_GRACE);
    bool is_for_people = after == FILE_AFTER_ENFORCE && (is_by_rule || d->hold == HOLD_SHARED);
    d->pending_s = policy->hold.pending_s ? policy->hold.pending_s : common->pending_s;
    d->pending_s = is_for_people ? 0 : d->pending_s;
    d->pending_action = after == FILE_AFTER_ENFORCE && may_enforce ? d->action : ACTION_NONE;
}

static enum hold
guard(struct engine *e, const struct finding *f, const struct file_policy *policy,
      struct decision *d)
{
    enum hold by_mode = d->hold;
    enum hold hold = HOLD_NONE;
    switch (d->action) {
    case ACTION_ISOLATE:
        hold = guard_endpoint(e, f, policy, d->hold_detail);
        break;
    case ACTION_BLOCK_PAIR:
        hold = guard_endpoint(e, f, policy, d->hold_detail);
        hold = hold == HOLD_NONE ? guard_server(e, f, d->hold_detail) : hold;
        break;
    case ACTION_BLOCK_SERVER:
        hold = guard_server(e, f, d->hold_detail);
        break;
    case ACTION_MIRROR: /* a copy harms nobody, but whose? */
        if (f->doubt != HOLD_NONE) {
            hold = HOLD_UNRESOLVED;
            memcpy(d->hold_detail, f->doubt_why, sizeof(d->hold_detail));
        }
        break;
    default:
        d->hold_detail[0] = '\0';
        return HOLD_NONE;
    }
    if (hold == HOLD_NONE) {
        hold = by_mode; /* which has its words there already */
    }
    return hold;
}

static bool
is_graver(const struct said_item *item, const struct detection *detection)
{
    return detection->phase > item->phase || detection->severity > item->severity;
}

/* Held, observed and notified decisions are said once in a while, not for every detection; but at
 * once where more was seen than when they were said, or where another mode rules by now. */
static bool
was_said(struct engine *e, const struct finding *f, const struct decision *d)
{
    char subject[TABLE_KEY_SIZE];
    char key[TABLE_KEY_SIZE];
    char server[IP_TEXT_SIZE];
    int64_t now_us = clock_boot_us(e->clock);
    finding_subject(f, subject);
    ip_format(&d->server.ip, server);
    struct join join = join_to(key, sizeof(key));
    join_number(&join, (uint64_t)d->action);
    join_text(&join, "|");
    join_most(&join, d->policy, 63);
    join_text(&join, "|");
    join_most(&join, server, 44);
    join_text(&join, "@");
    join_most(&join, server_site(e, &d->server.ip, d->site), 63);
    join_text(&join, "|");
    join_most(&join, d->action == ACTION_BLOCK_SERVER ? d->server_name : subject, 80);
    struct said_item *item = table_find(&e->said, key);
    bool was_lately =
        item && item->until_us > now_us && item->hold == d->hold && item->mode == d->mode;
    if (was_lately && !is_graver(item, f->detection)) {
        return true;
    }
    item = table_need(&e->said, key, now_us);
    enum phase phase = was_lately ? item->phase : PHASE_UNKNOWN;
    enum severity severity = was_lately ? item->severity : SEVERITY_INFO;
    item->phase = f->detection->phase > phase ? f->detection->phase : phase;
    item->severity = f->detection->severity > severity ? f->detection->severity : severity;
    item->hold = d->hold;
    item->mode = d->mode;
    item->until_us = now_us + SAID_AGAIN_US;
    memcpy(item->endpoint_id, d->endpoint_id, sizeof(item->endpoint_id));
    return false;
}

/* "policy C&C: isolate" */
static struct join
sentence_of_policy(struct outcome *outcome, const struct decision *d)
{
    struct join join = sentence(outcome);
    join_text(&join, "policy ");
    join_text(&join, d->policy);
    join_text(&join, ": ");
    join_text(&join, action_names[d->action]);
    return join;
}

static void
story(struct outcome *outcome, const struct finding *f, const struct decision *d)
{
    char label[HOST_SIZE];
    char server[IP_TEXT_SIZE] = "";
    bool is_about_server = d->action == ACTION_BLOCK_SERVER;
    party_label(f, label);
    if (!ip_is_none(&f->server)) {
        ip_format(&f->server, server);
    }
    const char *object = !is_about_server ? label : server[0] ? server : f->server_name;
    if (d->mode == MODE_OBSERVE) {
        tell(outcome, "policy %s would %s %.100s (mode observe%s%.150s)%s%.200s", d->policy,
             action_names[d->action], object, d->is_limited ? ": " : "",
             d->is_limited ? d->mode_why : "", d->hold != HOLD_NONE ? ", held: " : "",
             d->hold_detail);
        return;
    }
    struct join join = sentence_of_policy(outcome, d);
    join_text(&join, " ");
    join_most(&join, object, 100);
    if (d->hold != HOLD_NONE) {
        join_text(&join, " is held for a person: ");
        join_most(&join, d->hold_detail, 200);
    }
}

/* Puts it into the outcome, unless the same is in force, pending or was said. */
static bool
decide(struct engine *e, const struct finding *f, const struct decision *d, struct outcome *outcome)
{
    bool acts = d->hold == HOLD_NONE && d->mode == MODE_AUTO && d->action != ACTION_NOTIFY;
    bool is_known = decision_is_in_force(e, d);
    if (is_known || (!acts && was_said(e, f, d))) {
        e->counters.suppressed++;
        struct join join = sentence_of_policy(outcome, d);
        join_text(&join, is_known ? " is already in force" : " is already said");
        return false;
    }
    if (outcome->decision_count == DECISIONS_MAX) {
        tell(outcome, "no room for more decisions");
        return false;
    }
    if (acts) {
        char network[NAME_SIZE], place[NAME_SIZE];
        finding_place(f, network, place);
        decision_start(e, d, network, place);
    }
    outcome->decisions[outcome->decision_count++] = *d;
    story(outcome, f, d);
    return true;
}

/* The budget is spent: the isolation waits, and its pair is blocked meanwhile. */
static void
fall_back(struct engine *e, const struct finding *f, const struct file_policy *policy,
          const struct file_action *action, struct outcome *outcome)
{
    struct file_action pair = {.action = ACTION_BLOCK_PAIR, .expires_s = action->expires_s};
    struct decision d;
    if (ip_is_none(&f->server)) {
        tell(outcome, "no outside server to block instead");
        return;
    }
    decision_fill(e, f, policy, &pair, &d);
    d.hold = guard(e, f, policy, &d);
    if (d.hold == HOLD_NONE) {
        decide(e, f, &d, outcome);
    }
}

/* Can this action be taken at all?  Says why not. */
static bool
is_possible(const struct finding *f, const struct file_action *action, struct outcome *outcome)
{
    bool needs_endpoint = action->action == ACTION_ISOLATE || action->action == ACTION_MIRROR ||
                          action->action == ACTION_BLOCK_PAIR;
    if (needs_endpoint && f->relay && action->action != ACTION_ISOLATE) {
        tell(outcome, "%s: its address is a %s; the endpoint is behind it",
             action_names[action->action], f->relay);
        return false;
    }
    if (needs_endpoint && f->party == PARTY_UNSAID) {
        tell(outcome, "%s: no end is ours", action_names[action->action]);
        return false;
    }
    bool needs_server =
        action->action == ACTION_BLOCK_PAIR || action->action == ACTION_BLOCK_SERVER;
    if (needs_server && ip_is_none(&f->server)) { /* switches match addresses, not names */
        tell(outcome, "%s: no address of an outside server is known%s%.80s",
             action_names[action->action], f->server_name[0] ? " yet for " : "", f->server_name);
        return false;
    }
    return true;
}

static void
act(struct engine *e, const struct finding *f, const struct file_policy *policy,
    const struct file_action *action, struct outcome *outcome)
{
    struct decision d;
    bool is_told = f->is_refused && action->action == ACTION_BLOCK_SERVER;
    if (is_told || !is_possible(f, action, outcome)) {
        return; /* of the server nothing more is known than when a person let it go */
    }
    decision_fill(e, f, policy, action, &d);
    d.hold = guard(e, f, policy, &d);
    bool is_asked = d.action == ACTION_ISOLATE && d.hold == HOLD_NONE && d.mode == MODE_AUTO &&
                    !decision_is_in_force(e, &d);
    d.is_tighter = is_asked && isolation_of(e, &d) != NULL;
    bool is_spending = is_asked && !d.is_tighter;
    enum budget_word word = is_spending ? budget_ask(e, f, &d, d.hold_detail) : BUDGET_GO;
    if (word == BUDGET_GATHER) {
        gather_add(e, f, &d);
    }
    if (word != BUDGET_GO) {
        d.hold = HOLD_BUDGET;
    }
    if (d.hold != HOLD_NONE) {
        hold_fill(e, policy, &d);
        d.pending_action = f->is_refused ? ACTION_NONE : d.pending_action;
    }
    d.is_gathered = word == BUDGET_GATHER;
    bool is_decided = decide(e, f, &d, outcome);
    e->counters.over_budget += word == BUDGET_OVER && is_decided ? 1 : 0;
    if (word != BUDGET_GO) {
        fall_back(e, f, policy, action, outcome);
    } else if (is_spending && is_decided) {
        char network[NAME_SIZE], place[NAME_SIZE];
        finding_place(f, network, place);
        budget_take(e, network, place);
    }
}

static uint8_t
confidence_of(const struct policy *policy, const struct detection *d)
{
    for (size_t i = 0; d->list[0] != '\0' && i < policy->file.list_count; i++) {
        if (strcmp(policy->file.lists[i].name, d->list) == 0) {
            return policy->file.lists[i].confidence;
        }
    }
    return d->confidence;
}

static bool
is_watched(const struct engine *e, const char *endpoint_id)
{
    const struct released_item *item =
        endpoint_id[0] ? table_find(&e->released, endpoint_id) : NULL;
    return item && clock_boot_us(e->clock) - item->item.touched_us < watch_us(e);
}

static void
run_policies(struct engine *e, struct finding *f, struct outcome *outcome)
{
    const struct policy_file *file = &e->policy->file;
    bool has_matched = false;
    for (size_t i = 0; i < file->policy_count; i++) {
        const struct file_policy *policy = &file->policies[i];
        if (!policy_matches(e, policy, f)) {
            continue;
        }
        has_matched = true;
        for (size_t k = 0; k < policy->action_count; k++) {
            act(e, f, policy, &policy->then[k], outcome);
        }
        if (!policy->goes_on) {
            break;
        }
    }
    if (!has_matched) {
        tell(outcome, "no policy matches: phase %s, severity %s, confidence %u, evidence %s",
             phase_names[f->detection->phase], severity_names[f->detection->severity],
             (unsigned)f->confidence, strength_names[f->strength]);
    }
}

/* An outcome is either observed or not.  Where policies of both kinds matched, what only would have
 * been stays in the story, and the decisions are those to be taken. */
static void
settle_observed(struct outcome *outcome)
{
    size_t taken = 0;
    for (size_t i = 0; i < outcome->decision_count; i++) {
        taken += outcome->decisions[i].mode != MODE_OBSERVE ? 1 : 0;
    }
    outcome->is_observed = taken == 0 && outcome->decision_count > 0;
    if (outcome->is_observed || taken == outcome->decision_count) {
        return;
    }
    size_t to = 0;
    for (size_t i = 0; i < outcome->decision_count; i++) {
        if (outcome->decisions[i].mode != MODE_OBSERVE) {
            outcome->decisions[to++] = outcome->decisions[i];
        }
    }
    outcome->decision_count = to;
}

/* Whose, where and how strong; changes nothing. */
static void
look(struct engine *e, const struct detection *detection, struct finding *f)
{
    *f = (struct finding){.detection = detection};
    f->confidence = confidence_of(e->policy, detection);
    party_find(e, f);
    strength_rate(e, f);
    f->is_watched = is_watched(e, f->endpoint_id);
}

static enum unclear
unclear_of(const struct finding *f)
{
    if (f->party == PARTY_UNSAID || f->relay || ip_is_none(&f->ip)) {
        return UNCLEAR_NOT;
    }
    if (f->known == KNOWN_NONE || f->known == KNOWN_OLD) {
        return UNCLEAR_ADDRESS;
    }
    bool is_ours = strcmp(f->detection->maker, "cordon") == 0;
    return is_ours && f->known == KNOWN_SURE && f->endpoint &&
                   f->endpoint->location.class == LOCATION_NONE && f->strength != STRENGTH_STRONG
               ? UNCLEAR_PLACE
               : UNCLEAR_NOT;
}

/* Whoever had it may have himself forgotten, where another was seen to have it, too: who is left
 * then is not taken for him. */
enum clearing
engine_clears(struct engine *e, const struct detection *detection, const struct incident *was,
              enum unclear unclear)
{
    struct finding f;
    look(e, detection, &f);
    bool is_late = unclear == UNCLEAR_PLACE && f.endpoint &&
                   f.endpoint->location.since_us - detection->seen_us > PLACE_SOON_US;
    bool is_anothers = was->endpoint_id[0] != '\0' && f.known == KNOWN_SURE &&
                       strcmp(was->endpoint_id, f.endpoint_id) != 0;
    bool has_rivals =
        f.known == KNOWN_CHANGED || f.known == KNOWN_CONFLICT || f.known == KNOWN_SITES;
    if (is_late || is_anothers || has_rivals) {
        return CLEARING_NEVER;
    }
    return f.known == KNOWN_SURE && unclear_of(&f) != unclear ? CLEARING_KNOWN : CLEARING_WAITS;
}

static void
judge(struct engine *e, struct finding *f, struct outcome *outcome)
{
    outcome->decision_count = 0; /* what is behind the count is not looked at: 16 KB */
    outcome->is_observed = false;
    outcome->why[0] = '\0';
    contacts_note(e, f);
    incident_add(e, f);
    run_policies(e, f, outcome);
    settle_observed(outcome);
    outcome->strength = f->strength;
    outcome->party = f->relay ? PARTY_UNSAID : f->party;
    outcome->incident = *f->incident;
    outcome->unclear = unclear_of(f);
}

void
engine_detection(struct engine *e, const struct detection *detection, struct outcome *outcome)
{
    struct finding f;
    outcome->left.id[0] = '\0';
    look(e, detection, &f);
    judge(e, &f, outcome);
}

void
engine_detection_again(struct engine *e, const struct detection *detection,
                       const struct incident *was, bool is_refused, struct outcome *outcome)
{
    struct finding f;
    outcome->left.id[0] = '\0';
    look(e, detection, &f);
    f.is_again = true;
    f.is_counted = incident_is_about(was, &f);
    f.is_refused = is_refused;
    incident_leave(e, &f, was, &outcome->left);
    judge(e, &f, outcome);
    outcome->unclear = is_refused ? UNCLEAR_NOT : outcome->unclear; /* that once is all */
}
