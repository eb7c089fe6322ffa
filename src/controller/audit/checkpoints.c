#include "controller/audit/checkpoints.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/mem.h"
#include "controller/ask/inspect.h"
#include "controller/notices/notices.h"
#include "controller/state.h"

#define GATHER_US (INT64_C(3) * 1000000) /* an edge that does not answer is not waited for */
#define SOON_US (INT64_C(5) * 1000000)   /* after an edge came */
#define LEAST_US (INT64_C(60) * 1000000) /* between checks that edges cause by coming */
#define ASK_US (INT64_C(15) * 1000000)   /* between questions whether edges keep what is new */
#define ALARM_EVERY_US (INT64_C(86400) * 1000000)
#define CHECKS_MAX 8
#define HELD_MAX 8192

struct check {
    TAILQ_ENTRY(check) link;
    struct controller *controller;
    uint64_t request;
    int64_t ends_us; /* boot */
    bool is_walking;
    bool is_own; /* nobody asked: the periodic one */
    uint32_t expected, answered;
    struct audit_held *held; /* owned */
    size_t held_count, held_room;
    uint64_t foreign;
    struct store_walk walk;
    checkpoint_check_fn *done; /* NULL: nobody waits */
    void *context;
};

struct checkpoints {
    struct checkpoint_signer signer;
    bool has_key, is_stopping;
    uint32_t rows;
    int64_t every_us, check_us, soon_us;
    struct checkpoint recent[CHECKPOINT_RECENT];
    size_t recent_count;
    int64_t made_us;  /* boot */
    int64_t next_us;  /* boot: the next check by ourselves */
    int64_t began_us; /* boot: the last one */
    int64_t ask_us;   /* boot: edges are asked whether they keep what they were given; 0: no need */
    int64_t asked_us; /* boot: when they were, last */
    uint64_t requests, asked;
    TAILQ_HEAD(, check) checks;
    size_t check_count;
    struct checkpoint_edge *edges; /* owned */
    size_t edge_count;
    struct checkpoints_view last;
    int64_t alarmed_us; /* boot */
    char alarmed[TEXT_SIZE];
};

struct checkpoints *
checkpoints_new(void)
{
    struct checkpoints *checkpoints = MEM_NEW(struct checkpoints);
    TAILQ_INIT(&checkpoints->checks);
    return checkpoints;
}

static void
check_free(struct checkpoints *checkpoints, struct check *check)
{
    TAILQ_REMOVE(&checkpoints->checks, check, link);
    checkpoints->check_count--;
    free(check->held);
    free(check);
}

void
checkpoints_free(struct checkpoints *checkpoints)
{
    if (!checkpoints) {
        return;
    }
    while (!TAILQ_EMPTY(&checkpoints->checks)) {
        check_free(checkpoints, TAILQ_FIRST(&checkpoints->checks));
    }
    sodium_memzero(&checkpoints->signer, sizeof(checkpoints->signer));
    free(checkpoints->edges);
    free(checkpoints);
}

void
controller_set_checkpoints(struct controller *controller,
                           const struct checkpoint_settings *settings)
{
    struct checkpoints *checkpoints = controller->checkpoints;
    checkpoints->signer = *settings->signer;
    checkpoints->has_key = true;
    checkpoints->rows = settings->rows ? settings->rows : CHECKPOINT_ROWS;
    checkpoints->every_us = settings->every_us ? settings->every_us : CHECKPOINT_EVERY_US;
    checkpoints->check_us = settings->check_us ? settings->check_us : CHECKPOINT_CHECK_US;
    checkpoints->soon_us = checkpoints->check_us < SOON_US ? checkpoints->check_us : SOON_US;
    checkpoints->next_us = clock_boot_us(controller->clock) + checkpoints->soon_us;
}

/* ---- making ---- */

static void
edges_tell(struct controller *controller, const struct wire_checkpoint *message)
{
    if (controller->ports.send_checkpoint) {
        (void)controller->ports.send_checkpoint(controller->ports.context, message);
    }
}

static bool
is_told(const struct controller *controller, enum notice_kind kind)
{
    const struct notify_settings *settings = controller_notify_settings(controller);
    for (size_t i = 0; i < settings->rule_count; i++) {
        if (settings->rules[i].kind == kind && settings->rules[i].channel_count > 0) {
            return true;
        }
    }
    return false;
}

static void
recent_add(struct checkpoints *checkpoints, const struct checkpoint *made)
{
    if (checkpoints->recent_count == CHECKPOINT_RECENT) {
        checkpoints->recent_count--;
        memmove(&checkpoints->recent[0], &checkpoints->recent[1],
                checkpoints->recent_count * sizeof(*made));
    }
    checkpoints->recent[checkpoints->recent_count++] = *made;
}

static int64_t
last_number(const struct checkpoints *checkpoints)
{
    return checkpoints->recent_count > 0 ? checkpoints->recent[checkpoints->recent_count - 1].number
                                         : 0;
}

/* Not at each of them: hundreds are made in an outbreak. */
static void
held_ask_soon(struct checkpoints *checkpoints, int64_t now_us)
{
    int64_t least_us = checkpoints->asked_us ? checkpoints->asked_us + ASK_US : 0;
    int64_t soon_us = now_us + checkpoints->soon_us;
    if (!checkpoints->ask_us) {
        checkpoints->ask_us = soon_us > least_us ? soon_us : least_us;
    }
}

void
checkpoints_make(struct controller *controller)
{
    struct checkpoints *checkpoints = controller->checkpoints;
    struct checkpoint made = {.at_us = clock_wall_us(controller->clock)};
    struct wire_checkpoint message = {.request = 0};
    if (!checkpoints->has_key) {
        return;
    }
    made.number = store_audit_tip(controller->store, made.hash);
    checkpoints->made_us = clock_boot_us(controller->clock);
    if (made.number == 0 || made.number == last_number(checkpoints)) {
        return;
    }
    checkpoint_sign(&made, &checkpoints->signer.key, checkpoints->signer.secret);
    recent_add(checkpoints, &made);
    checkpoint_line_format(&made, message.line);
    log_info("core", "checkpoint of the audit", LOG_S("checkpoint", message.line));
    if (is_told(controller, NOTICE_CHECKPOINT)) {
        notices_tell_object(controller, NOTICE_CHECKPOINT, SEVERITY_INFO, made.origin,
                            message.line);
    }
    edges_tell(controller, &message);
    held_ask_soon(checkpoints, checkpoints->made_us);
}

bool
checkpoints_can_sign(const struct controller *controller)
{
    return controller->checkpoints->has_key;
}

void
checkpoints_sign(const struct controller *controller, struct checkpoint *checkpoint)
{
    const struct checkpoint_signer *signer = &controller->checkpoints->signer;
    checkpoint_sign(checkpoint, &signer->key, signer->secret);
}

bool
checkpoints_is_ours(const struct controller *controller, const struct checkpoint *checkpoint)
{
    return checkpoint_is_signed(checkpoint, &controller->checkpoints->signer.key);
}

/* ---- what edges hold ---- */

static struct checkpoint_edge *
edge_find(struct checkpoints *checkpoints, const char *name)
{
    for (size_t i = 0; i < checkpoints->edge_count; i++) {
        if (strcmp(checkpoints->edges[i].name, name) == 0) {
            return &checkpoints->edges[i];
        }
    }
    return NULL;
}

void
checkpoints_device(struct controller *controller, const struct wire_device *device)
{
    struct checkpoints *checkpoints = controller->checkpoints;
    struct checkpoint_edge *edge = edge_find(checkpoints, device->switch_name);
    bool was_connected = edge && edge->is_connected;
    bool is_connected = device->is_connected && device->keeps_checkpoints;
    if (!edge && (!is_connected || checkpoints->edge_count == CHECKPOINT_EDGES_MAX)) {
        return;
    }
    if (!edge) {
        checkpoints->edges = mem_resize(checkpoints->edges, checkpoints->edge_count + 1,
                                        sizeof(*checkpoints->edges));
        edge = &checkpoints->edges[checkpoints->edge_count++];
        *edge = (struct checkpoint_edge){.count = 0};
        snprintf(edge->name, sizeof(edge->name), "%s", device->switch_name);
    }
    edge->is_connected = is_connected;
    if (!checkpoints->has_key || !is_connected || was_connected) {
        return;
    }
    /* What it holds is asked first, at the next check: then it is given the newest one. */
    int64_t now_us = clock_boot_us(controller->clock);
    int64_t soon_us = checkpoints->began_us ? checkpoints->began_us + LEAST_US : 0;
    soon_us = soon_us > now_us + checkpoints->soon_us ? soon_us : now_us + checkpoints->soon_us;
    checkpoints->next_us = checkpoints->next_us < soon_us ? checkpoints->next_us : soon_us;
    struct wire_checkpoint message = {.request = 0};
    if (checkpoints->recent_count > 0) {
        checkpoint_line_format(&checkpoints->recent[checkpoints->recent_count - 1], message.line);
        edges_tell(controller, &message);
        held_ask_soon(checkpoints, now_us);
    }
}

/* Whether edges keep what they were given, for who looks; nothing is compared with the chain. */
static void
held_ask(struct controller *controller, int64_t now_us)
{
    struct checkpoints *checkpoints = controller->checkpoints;
    struct wire_checkpoint message = {.request = ++checkpoints->requests};
    checkpoints->ask_us = 0;
    checkpoints->asked_us = now_us;
    checkpoints->asked = message.request;
    snprintf(message.origin, sizeof(message.origin), "%s", checkpoints->signer.key.origin);
    edges_tell(controller, &message);
}

/* One that we just made needs no look at its signature: its hash is ours. */
static bool
is_recent(const struct checkpoints *checkpoints, const struct checkpoint *found)
{
    for (size_t i = 0; i < checkpoints->recent_count; i++) {
        const struct checkpoint *made = &checkpoints->recent[i];
        if (checkpoint_is_same(made, found) &&
            memcmp(made->hash, found->hash, AUDIT_HASH_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

static void
held_note(const struct controller *controller, struct checkpoint_edge *edge,
          const struct wire_checkpoints *held)
{
    int64_t newest = 0;
    for (size_t i = 0; i < held->line_count; i++) {
        struct checkpoint found;
        if (checkpoint_line_find(held->lines[i].line, &found) && found.number > newest &&
            is_recent(controller->checkpoints, &found)) {
            newest = found.number;
        }
    }
    if (newest > 0) {
        edge->newest = newest;
        edge->count = held->line_count;
        edge->asked_us = clock_wall_us(controller->clock);
    }
}

/* Of our key, and signed: what anybody could have made up convicts nobody. */
static bool
held_add(struct check *check, const struct checkpoint *checkpoint, const char *by)
{
    const struct checkpoints *checkpoints = check->controller->checkpoints;
    for (size_t i = 0; i < check->held_count; i++) {
        if (check->held[i].number == checkpoint->number &&
            memcmp(check->held[i].hash, checkpoint->hash, AUDIT_HASH_SIZE) == 0 &&
            strcmp(checkpoint->origin, checkpoints->signer.key.origin) == 0) {
            return true; /* known, and compared once */
        }
    }
    if (!checkpoint_is_signed(checkpoint, &checkpoints->signer.key)) {
        check->foreign++;
        return false;
    }
    if (check->held_count == HELD_MAX) {
        return true;
    }
    if (check->held_count == check->held_room) {
        check->held_room = check->held_room ? check->held_room * 2 : 64;
        check->held = mem_resize(check->held, check->held_room, sizeof(*check->held));
    }
    struct audit_held *held = &check->held[check->held_count++];
    *held = (struct audit_held){.number = checkpoint->number, .at_us = checkpoint->at_us};
    memcpy(held->hash, checkpoint->hash, AUDIT_HASH_SIZE);
    snprintf(held->by, sizeof(held->by), "%s", by);
    return true;
}

static void check_walk(struct check *check);

static void
answer_take(struct check *check, struct checkpoint_edge *edge, const struct wire_checkpoints *held)
{
    edge->count = 0;
    edge->newest = 0;
    edge->asked_us = clock_wall_us(check->controller->clock);
    for (size_t i = 0; i < held->line_count; i++) {
        struct checkpoint checkpoint;
        if (checkpoint_line_find(held->lines[i].line, &checkpoint) &&
            held_add(check, &checkpoint, edge->name)) {
            edge->count++;
            edge->newest = checkpoint.number > edge->newest ? checkpoint.number : edge->newest;
        }
    }
    if (++check->answered >= check->expected) {
        check_walk(check);
    }
}

void
controller_checkpoints(struct controller *controller, const struct wire_checkpoints *held)
{
    struct checkpoints *checkpoints = controller->checkpoints;
    struct checkpoint_edge *edge = edge_find(checkpoints, held->switch_name);
    struct check *check;
    TAILQ_FOREACH(check, &checkpoints->checks, link)
    {
        if (edge && check->request == held->request && !check->is_walking) {
            if (edge->answered != check->request) { /* once each */
                edge->answered = check->request;
                answer_take(check, edge, held);
            }
            return;
        }
    }
    if (edge && held->request == checkpoints->asked) {
        held_note(controller, edge, held);
    }
}

/* ---- checking ---- */

/* Told at once, and again each day while it lasts. */
static void
alarm_tell(struct controller *controller, const struct audit_chain *chain)
{
    struct checkpoints *checkpoints = controller->checkpoints;
    int64_t now_us = clock_boot_us(controller->clock);
    if (checkpoints->alarmed_us && strcmp(checkpoints->alarmed, chain->what) == 0 &&
        now_us - checkpoints->alarmed_us < ALARM_EVERY_US) {
        return;
    }
    checkpoints->alarmed_us = now_us;
    snprintf(checkpoints->alarmed, sizeof(checkpoints->alarmed), "%s", chain->what);
    log_error("core", "ALARM: the audit is not as it was written", LOG_I("row", chain->bad_number),
              LOG_S("fault", audit_fault_names[chain->fault]), LOG_S("what", chain->what));
    controller_notice(controller, NOTICE_AUDIT, SEVERITY_HIGH, "", chain->what);
}

static void
result_note(struct check *check, const struct audit_chain *chain)
{
    struct checkpoints_view *last = &check->controller->checkpoints->last;
    last->checked_us = clock_wall_us(check->controller->clock);
    last->is_sound = chain->fault == AUDIT_SOUND;
    last->fault = (int)chain->fault;
    last->bad_number = chain->bad_number;
    last->rows = (uint64_t)(chain->checked - chain->anchor);
    last->compared = check->held_count;
    last->foreign = check->foreign;
    last->answered = check->answered;
    audit_hash_format(chain->last, last->newest);
    snprintf(last->what, sizeof(last->what), "%s", chain->what);
}

static void
on_walked(void *context, int error, const struct audit_chain *chain)
{
    struct check *check = context;
    struct controller *controller = check->controller;
    struct checkpoint_check found = {
        .error = error,
        .chain = error ? NULL : chain,
        .compared = check->held_count,
        .foreign = check->foreign,
        .edges = check->answered,
        .silent = check->expected > check->answered ? check->expected - check->answered : 0};
    /* A hash that somebody brings may be of another machine: that alone is no alarm. */
    bool is_alien = check->walk.has_wanted;
    bool is_alarm =
        !error && chain->fault != AUDIT_SOUND && !(is_alien && chain->fault == AUDIT_CUT);
    if (!error && !is_alien) {
        result_note(check, chain);
    }
    if (is_alarm && !controller->checkpoints->is_stopping) {
        alarm_tell(controller, chain);
    }
    if (!error && check->is_own && chain->fault == AUDIT_SOUND) {
        log_info("core", "the audit was verified", LOG_I("rows", chain->checked),
                 LOG_I("checkpoints", check->held_count));
        checkpoints_make(controller);
    }
    if (check->done) {
        check->done(check->context, &found);
    }
    check_free(controller->checkpoints, check);
}

static void
check_walk(struct check *check)
{
    check->is_walking = true;
    check->walk.held = check->held;
    check->walk.held_count = check->held_count;
    check->walk.key = check->controller->checkpoints->signer.key;
    store_check_audit(check->controller->store, &check->walk, on_walked, check);
}

static uint32_t
edges_ask(struct controller *controller, uint64_t request)
{
    struct checkpoints *checkpoints = controller->checkpoints;
    const struct wire_checkpoint message = {.request = request};
    uint32_t count = 0;
    for (size_t i = 0; checkpoints->has_key && i < checkpoints->edge_count; i++) {
        count += checkpoints->edges[i].is_connected;
    }
    if (count > 0) {
        edges_tell(controller, &message);
    }
    return count;
}

static struct check *
check_begin(struct controller *controller)
{
    struct checkpoints *checkpoints = controller->checkpoints;
    if (checkpoints->check_count >= CHECKS_MAX || checkpoints->is_stopping) {
        return NULL;
    }
    struct check *check = MEM_NEW(struct check);
    check->controller = controller;
    check->request = ++checkpoints->requests;
    check->ends_us = clock_boot_us(controller->clock) + GATHER_US;
    TAILQ_INSERT_TAIL(&checkpoints->checks, check, link);
    checkpoints->check_count++;
    return check;
}

static void
check_go(struct check *check)
{
    check->expected = edges_ask(check->controller, check->request);
    if (check->expected == 0) {
        check_walk(check);
    }
}

void
checkpoints_check(struct controller *controller, const uint8_t *wanted,
                  const struct checkpoint *given, size_t given_count, checkpoint_check_fn *done,
                  void *context)
{
    struct check *check = check_begin(controller);
    if (!check) {
        done(context, &(struct checkpoint_check){.error = -EBUSY});
        return;
    }
    check->done = done;
    check->context = context;
    check->walk.has_wanted = wanted != NULL;
    if (wanted) {
        memcpy(check->walk.wanted, wanted, AUDIT_HASH_SIZE);
    }
    for (size_t i = 0; controller->checkpoints->has_key && i < given_count; i++) {
        (void)held_add(check, &given[i], "the file");
    }
    check_go(check);
}

void
checkpoints_tick(struct controller *controller)
{
    struct checkpoints *checkpoints = controller->checkpoints;
    int64_t now_us = clock_boot_us(controller->clock);
    uint8_t hash[AUDIT_HASH_SIZE];
    struct check *check = TAILQ_FIRST(&checkpoints->checks);
    while (check) {
        struct check *next = TAILQ_NEXT(check, link);
        if (!check->is_walking && now_us >= check->ends_us) {
            check_walk(check);
        }
        check = next;
    }
    if (!checkpoints->has_key) {
        return;
    }
    int64_t fresh = store_audit_tip(controller->store, hash) - last_number(checkpoints);
    if (fresh >= checkpoints->rows ||
        (fresh > 0 && now_us - checkpoints->made_us >= checkpoints->every_us)) {
        checkpoints_make(controller);
    }
    if (checkpoints->ask_us && now_us >= checkpoints->ask_us) {
        held_ask(controller, now_us);
    }
    if (now_us >= checkpoints->next_us) {
        checkpoints->next_us = now_us + checkpoints->check_us;
        checkpoints->began_us = now_us;
        struct check *own = check_begin(controller);
        if (own) {
            own->is_own = true;
            check_go(own);
        }
    }
}

void
checkpoints_stop(struct controller *controller)
{
    checkpoints_make(controller);
    controller->checkpoints->is_stopping = true;
}

void
checkpoints_look(const struct controller *controller, struct checkpoints_view *view)
{
    const struct checkpoints *checkpoints = controller->checkpoints;
    *view = checkpoints->last;
    view->has_key = checkpoints->has_key;
    view->is_told = is_told(controller, NOTICE_CHECKPOINT);
    view->key = checkpoints->signer.key;
    view->recent = checkpoints->recent;
    view->recent_count = checkpoints->recent_count;
    view->edges = checkpoints->edges;
    view->edge_count = checkpoints->edge_count;
}
