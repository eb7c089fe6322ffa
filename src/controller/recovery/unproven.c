#include "controller/recovery/unproven.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "controller/commit.h"
#include "controller/entry.h"
#include "controller/notices/notices.h"
#include "controller/switches.h"
#include "controller/world.h"
#include "store/rescue.h"

/* A switch that does not answer is asked again after so long: longer than the driver waits for it.
 */
#define AGAIN_US 15000000
/* Whoever does not say it for so long has a problem: nothing can be sent to it meanwhile. */
#define MUTE_US 60000000
#define LOOKED "looked/"

void
unproven_begin(struct controller *controller)
{
    const struct rescue *rescue = store_rescue(controller->store);
    controller->restored.is_doubted = rescue->was_unclean || rescue->is_restored;
}

void
unproven_setting(struct controller *controller, const char *name, const char *value)
{
    struct restored_view *restored = &controller->restored;
    if (strcmp(name, RESCUE_SETTING) == 0) {
        long long at_us = 0;
        int used = 0;
        if (sscanf(value, "%lld%n", &at_us, &used) == 1) {
            restored->at_us = at_us;
            text_put(restored->cause, sizeof(restored->cause), value + used + (value[used] == ' '));
        }
    } else if (strncmp(name, LOOKED, strlen(LOOKED)) == 0) {
        restored->looked =
            mem_resize(restored->looked, restored->looked_count + 1, sizeof(*restored->looked));
        text_put(restored->looked[restored->looked_count++], NAME_SIZE, name + strlen(LOOKED));
    }
}

void
unproven_doubt(struct controller *controller, const char *why)
{
    if (!controller->restored.is_doubted) {
        log_warn("controller", "switches are looked at before anything is taken from them",
                 LOG_S("why", why));
    }
    controller->restored.is_doubted = true;
}

void
unproven_loaded(struct controller *controller, const struct entry *entry)
{
    controller->restored.has_some = controller->restored.has_some || entry->c.unproven;
}

int64_t
controller_restored(const struct controller *controller, const char **cause)
{
    *cause = controller->restored.cause;
    return controller->restored.at_us;
}

static bool
was_looked_at(const struct controller *controller, const char *name)
{
    const struct restored_view *restored = &controller->restored;
    for (size_t i = 0; i < restored->looked_count; i++) {
        if (strcmp(restored->looked[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool
must_look(const struct controller *controller, const struct switch_state *sw)
{
    bool is_new =
        controller->restored.at_us > 0 && !was_looked_at(controller, sw->device.switch_name);
    return !sw->is_looked_at &&
           (controller->restored.is_doubted || controller->restored.has_some || is_new);
}

/* As a problem of the switch: shown, and told when it stays. */
static void
mute_tell(struct controller *controller, struct switch_state *sw, int64_t now_us)
{
    char text[TEXT_SIZE];
    if (now_us - sw->look_since_us >= MUTE_US) {
        snprintf(text, sizeof(text),
                 "it does not say what it blocks, so nothing is sent to it: %.400s",
                 sw->look_why[0] ? sw->look_why : "no answer in time");
        switch_problem(controller, sw, text);
    }
}

bool
unproven_waits(struct controller *controller, struct switch_state *sw)
{
    int64_t now_us = clock_boot_us(controller->clock);
    if (controller->restored.storing > 0) {
        return true;
    }
    if (!must_look(controller, sw)) {
        return false;
    }
    if (sw->look_request == 0 || now_us - sw->look_us >= AGAIN_US) {
        bool is_first = sw->look_request == 0;
        /* no number in between was another question's */
        bool is_next = !is_first && sw->look_request == sw->request;
        sw->look_us = now_us;
        sw->look_request = ++sw->request;
        sw->look_first = is_next ? sw->look_first : sw->look_request;
        sw->look_since_us = is_first ? now_us : sw->look_since_us;
        struct wire_read_back question = {.request = sw->look_request, .asks_held = true};
        snprintf(question.switch_name, sizeof(question.switch_name), "%s", sw->device.switch_name);
        (void)controller->ports.send_read_back(controller->ports.context, &question);
    }
    mute_tell(controller, sw, now_us);
    return true;
}

/* ---- what it holds ---- */

/* A rule's id begins with that of its containment: "<id>/<whom>#<digest>". */
static bool
containment_of(const struct rule *rule, char id[ID_SIZE])
{
    const char *slash = strchr(rule->id, '/');
    size_t size = slash ? (size_t)(slash - rule->id) : 0;
    if (size == 0 || size >= ID_SIZE) {
        return false;
    }
    memcpy(id, rule->id, size);
    id[size] = '\0';
    return true;
}

static void
subject_take(const struct rule *rule, struct containment *c)
{
    switch (rule->kind) {
    case RULE_ISOLATE:
        c->action = ACTION_ISOLATE;
        c->subject_mac = rule->isolate.mac;
        c->subject_ip = rule->isolate.ip;
        memcpy(c->permit_set, rule->isolate.permit_set, sizeof(c->permit_set));
        text_keep(&c->reason, TEXT_SIZE, text_or_empty(rule->isolate.reason));
        text_put(c->case_number, sizeof(c->case_number), rule->isolate.case_number);
        break;
    case RULE_BLOCK_PAIR:
        c->action = ACTION_BLOCK_PAIR;
        c->subject_mac = rule->pair.mac;
        c->subject_ip = rule->pair.ip;
        c->server = rule->pair.server;
        break;
    case RULE_BLOCK_SERVER:
        c->action = ACTION_BLOCK_SERVER;
        c->server = rule->server.server;
        break;
    default:
        break;
    }
}

static bool
endpoint_has(const struct endpoint *endpoint, const struct mac *mac)
{
    for (size_t i = 0; endpoint && i < endpoint->mac_count; i++) {
        if (mac_is_equal(&endpoint->macs[i], mac)) {
            return true;
        }
    }
    return false;
}

/* What names an address of a site's own is another restriction at another site. */
static bool
is_elsewhere(const struct controller *controller, const struct entry *entry,
             const struct containment *c)
{
    bool is_inside_pair = c->action == ACTION_BLOCK_PAIR &&
                          policy_is_internal(engine_policy(controller->engine), &c->server.ip);
    bool is_of_site =
        c->action == ACTION_BLOCK_SERVER || is_inside_pair || mac_is_none(&c->subject_mac);
    return is_of_site && c->site[0] != '\0' && entry->c.site[0] != '\0' &&
           strcmp(c->site, entry->c.site) != 0;
}

/* Is that rule's restriction one of 'entry', as it is or will be pushed? */
static bool
is_covered(const struct controller *controller, const struct entry *entry,
           const struct containment *c)
{
    bool is_server = c->action == ACTION_BLOCK_SERVER || c->action == ACTION_BLOCK_PAIR;
    if (entry->c.action != c->action || !lifecycle_is_in_force(entry->c.state) ||
        is_elsewhere(controller, entry, c) ||
        (is_server && (entry->c.server.length != c->server.length ||
                       !ip_is_equal(&entry->c.server.ip, &c->server.ip)))) {
        return false;
    }
    if (c->action == ACTION_BLOCK_SERVER) {
        return true;
    }
    if (mac_is_none(&c->subject_mac)) {
        return ip_is_equal(&entry->c.subject_ip, &c->subject_ip);
    }
    const struct endpoint *endpoint = entry_endpoint(controller, entry);
    return endpoint && endpoint->mac_count > 0
               ? endpoint_has(endpoint, &c->subject_mac)
               : mac_is_equal(&entry->c.subject_mac, &c->subject_mac);
}

/* The database says that it was released: that is proof. */
static bool
has_ended(const struct controller *controller, const char *id)
{
    struct containment c;
    const struct entry *entry = entry_find(controller, id);
    if (entry) {
        return lifecycle_is_ended(entry->c.state);
    }
    if (!store_find_ended(controller->store, id, NULL, &c)) {
        return false;
    }
    bool is_it = strcmp(c.id, id) == 0;
    containment_fini(&c);
    return is_it;
}

static bool
is_barred(struct controller *controller, const struct endpoint *endpoint,
          const struct containment *c)
{
    char why[TEXT_SIZE];
    bool is_server = c->action == ACTION_BLOCK_SERVER;
    struct prefix address = {.ip = c->subject_ip, .length = ip_is_none(&c->subject_ip) ? 0 : 128};
    bool is_protected = world_is_protected(controller, endpoint, is_server ? NULL : &c->subject_mac,
                                           is_server ? &c->server : &address, c->site, why);
    if (is_protected) {
        log_error("controller", "a block that nothing here knows is of a protected host: it goes",
                  LOG_S("containment", c->id), LOG_S("why", why));
    }
    return is_protected;
}

static void
on_adopted(void *context, int error)
{
    struct controller *controller = context;
    controller->restored.storing--;
    if (error) {
        controller->restored.has_failed = true; /* then the switch is asked again */
    }
    if (controller->restored.storing > 0) {
        return;
    }
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        sw->is_looked_at = sw->is_looked_at && !controller->restored.has_failed;
    }
    controller->restored.has_failed = false;
    switches_flush(controller);
}

static void
adopt(struct controller *controller, const struct switch_state *sw, const struct rule *rule,
      struct containment *c, const struct endpoint *endpoint)
{
    char detail[TEXT_SIZE];
    int64_t now_us = clock_wall_us(controller->clock);
    snprintf(c->endpoint_id, sizeof(c->endpoint_id), "%s", endpoint ? endpoint->id : "");
    text_keep(&c->unproven, NAME_SIZE, sw->device.switch_name);
    c->expires_us = rule->expires_s ? now_us + (int64_t)rule->expires_s * 1000000 : 0;
    snprintf(detail, sizeof(detail), "switch %s holds rule %s", sw->device.switch_name, rule->id);
    containment_mark(c, "requested", now_us, detail);
    if (!c->reason) {
        text_keep(&c->reason, TEXT_SIZE, "held by a switch; the database does not know why");
    }
    struct commit *commit = commit_new(controller);
    commit_add(commit, entry_new(controller, c));
    store_put_audit(commit_change(commit), now_us, "cordon", "unproven", c->id, detail);
    controller->restored.storing++;
    controller->restored.found++;
    controller->restored.has_some = true;
    commit_submit(commit, on_adopted, controller);
}

void
unproven_believe(struct controller *controller, struct entry *entry)
{
    if (!entry_only_on(entry)) {
        return;
    }
    entry->is_corroborated = true;
    if (entry->is_committed) {
        entry_refresh(controller, entry);
        entry_note_begun(controller, entry);
    }
}

/* What one switch alone says is believed of that switch: a rogue one must not have anybody cut off
 * elsewhere.  What a second one holds, too, was sent to them by whoever drove both. */
static void
corroborate(struct controller *controller, const struct switch_state *sw, struct entry *entry)
{
    const char *only_on = entry_only_on(entry);
    if (only_on && strcmp(only_on, sw->device.switch_name) != 0) {
        unproven_believe(controller, entry);
    }
}

static void
held_take(struct controller *controller, const struct switch_state *sw, const struct rule *rule)
{
    char id[ID_SIZE];
    struct containment c;
    if (rule->kind == RULE_HOLD_PORT || !observed_is_block(rule) || !containment_of(rule, id) ||
        has_ended(controller, id)) {
        return;
    }
    containment_begin(controller, &c, ACTION_ISOLATE, "switch");
    snprintf(c.requested_by, sizeof(c.requested_by), "switch:%.50s", sw->device.switch_name);
    subject_take(rule, &c);
    bool is_of_site = mac_is_none(&c.subject_mac) || c.action == ACTION_BLOCK_PAIR;
    snprintf(c.site, sizeof(c.site), "%s",
             subject_site(controller, c.action, &c.server, is_of_site ? sw->site : ""));
    struct entry *entry = entry_find(controller, id);
    const struct endpoint *endpoint =
        mac_is_none(&c.subject_mac) ? NULL : topology_by_mac(controller->topology, &c.subject_mac);
    const struct subject subject = {.action = c.action,
                                    .endpoint_id = endpoint ? endpoint->id : "",
                                    .mac = c.subject_mac,
                                    .ip = c.subject_ip,
                                    .server = c.server,
                                    .site = c.site};
    struct entry *same = entry_find_same(controller, &subject);
    same = entry && is_covered(controller, entry, &c) ? entry : same;
    bool is_known = same && is_covered(controller, same, &c);
    if (is_known) {
        corroborate(controller, sw, same);
    }
    if (is_known || is_barred(controller, endpoint, &c)) {
        containment_fini(&c);
        return;
    }
    if (!entry) { /* else it has another one of its machine's MACs, and this is one beside it */
        snprintf(c.id, sizeof(c.id), "%s", id);
    }
    adopt(controller, sw, rule, &c, endpoint);
}

static void
looked_note(struct controller *controller, struct switch_state *sw, uint64_t found)
{
    char name[NAME_SIZE + sizeof(LOOKED)];
    sw->is_looked_at = true;
    if (controller->restored.at_us > 0) {
        struct store_change *change = store_change_new();
        snprintf(name, sizeof(name), LOOKED "%s", sw->device.switch_name);
        store_put_setting(change, name, "1");
        controller->restored.storing++; /* behind what was found: in the order of submission */
        store_submit(controller->store, change, on_adopted, controller);
    }
    if (found > 0) {
        char detail[TEXT_SIZE];
        snprintf(detail, sizeof(detail),
                 "it holds %llu blocks that the database does not know: they stay until a person "
                 "decides",
                 (unsigned long long)found);
        log_error("controller", "ALARM: unproven blocks", LOG_S("switch", sw->device.switch_name),
                  LOG_I("count", found));
        notices_tell_object(controller, NOTICE_SWITCH_PROBLEM, SEVERITY_HIGH,
                            sw->device.switch_name, detail);
    }
}

bool
unproven_take(struct controller *controller, struct switch_state *sw,
              const struct wire_observed *observed)
{
    /* also to an earlier question, which came late: nothing was sent to the switch since */
    if (sw->look_request == 0 || observed->request < sw->look_first ||
        observed->request > sw->look_request) {
        return false;
    }
    if (sw->is_looked_at) { /* one more answer */
        return true;
    }
    if (observed->refused[0] != '\0' || observed->needs_snapshot) {
        text_put(sw->look_why, sizeof(sw->look_why), observed->refused);
        log_warn("controller", "a switch does not say what it holds; it is asked again",
                 LOG_S("switch", sw->device.switch_name), LOG_S("why", observed->refused));
        return true;
    }
    uint64_t before = controller->restored.found;
    for (size_t i = 0; i < observed->held_count; i++) {
        held_take(controller, sw, &observed->held[i]);
    }
    sw->look_found += controller->restored.found - before;
    if (observed->is_last) {
        looked_note(controller, sw, sw->look_found);
        sw->look_found = 0;
    }
    return true;
}
