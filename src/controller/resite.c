#include "controller/resite.h"

#include <stdio.h>
#include <string.h>

#include "controller/entry.h"
#include "controller/judge.h"
#include "controller/notices/notices.h"

#define OPEN_STEP "no_site"

/* ---- what a policy would lift ---- */

/* Switches that hold it by that policy. */
static size_t
holders_by(const struct controller *controller, const struct policy *policy,
           const struct want *want)
{
    const struct switch_state *sw;
    size_t count = 0;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        count += strcmp(policy_site_of(policy, sw->device.switch_name), want->site) == 0;
    }
    return count;
}

static bool
is_lifted(const struct controller *controller, const struct entry *entry,
          const struct policy *policy)
{
    const struct policy *now = engine_policy(controller->engine);
    for (size_t i = 0; i < entry->wants.count; i++) {
        const struct want *want = &entry->wants.items[i];
        if (!want->site) {
            continue;
        }
        bool is_gone = policy_knows_site(now, want->site) && !policy_knows_site(policy, want->site);
        if (is_gone ||
            (holders_by(controller, now, want) > 0 && holders_by(controller, policy, want) == 0)) {
            return true;
        }
    }
    return false;
}

static void
whom_format(const struct containment *c, char text[PREFIX_TEXT_SIZE])
{
    if (!ip_is_none(&c->subject_ip)) {
        ip_format(&c->subject_ip, text);
    } else if (!prefix_is_none(&c->server)) {
        prefix_format(&c->server, text);
    } else {
        mac_format(&c->subject_mac, text);
    }
}

bool
controller_policy_fits(const struct controller *controller, const struct policy *policy,
                       struct policy_error *why)
{
    char list[TEXT_SIZE - 128] = "";
    size_t count = 0, listed = 0, used = 0;
    const struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        char whom[PREFIX_TEXT_SIZE];
        char item[ID_SIZE + PREFIX_TEXT_SIZE + NAME_SIZE + 16];
        if (!lifecycle_is_in_force(entry->c.state) || !is_lifted(controller, entry, policy)) {
            continue;
        }
        count++;
        whom_format(&entry->c, whom);
        int size = snprintf(item, sizeof(item), "%s%s (%s at %s)", used ? ", " : "", entry->c.id,
                            whom, entry->c.site);
        if (listed + 1 == count && used + (size_t)size < sizeof(list)) {
            memcpy(list + used, item, (size_t)size + 1);
            used += (size_t)size;
            listed++;
        }
    }
    if (count == 0) {
        return true;
    }
    *why = (struct policy_error){.line = 0};
    snprintf(
        why->text, sizeof(why->text),
        "with it no switch is at a site where %zu containments are in force, and it would lift "
        "them: %s%s",
        count, list, count > listed ? ", ..." : "");
    return false;
}

/* ---- what is older than the sites ---- */

static bool
is_by_address(const struct containment *c)
{
    return c->action != ACTION_BLOCK_SERVER && c->endpoint_id[0] == '\0' &&
           mac_is_none(&c->subject_mac) && !ip_is_none(&c->subject_ip);
}

bool
resite_is_open(struct controller *controller, const struct containment *c)
{
    const struct policy *policy = engine_policy(controller->engine);
    bool has_server = c->action == ACTION_BLOCK_SERVER || c->action == ACTION_BLOCK_PAIR;
    bool is_inside =
        has_server && !prefix_is_none(&c->server) && policy_is_internal(policy, &c->server.ip);
    return c->site[0] == '\0' && policy_has_sites(policy) && (is_inside || is_by_address(c));
}

bool
resite_is_gone(const struct controller *controller, const struct containment *c)
{
    const struct policy *policy = engine_policy(controller->engine);
    bool is_inside_pair =
        c->action == ACTION_BLOCK_PAIR && policy_is_internal(policy, &c->server.ip);
    return c->site[0] != '\0' && !policy_knows_site(policy, c->site) &&
           (c->action == ACTION_BLOCK_SERVER || is_inside_pair || is_by_address(c));
}

/* Where the address surely is now; "": nobody can say. */
static const char *
site_meant(const struct controller *controller, const struct entry *entry)
{
    const struct containment *c = &entry->c;
    const struct endpoint *endpoint = entry_endpoint(controller, entry);
    struct held held;
    if (c->action != ACTION_BLOCK_SERVER && endpoint) {
        return topology_site_of_endpoint(controller->topology, endpoint);
    }
    const struct ip *ip = c->action == ACTION_BLOCK_SERVER ? &c->server.ip : &c->subject_ip;
    if (ip_is_none(ip) || (c->action == ACTION_BLOCK_SERVER && c->server.length != 128)) {
        return "";
    }
    return topology_resolve(controller->topology, "", ip, clock_wall_us(controller->clock),
                            &held) == RESOLUTION_SURE
               ? held.site
               : "";
}

static void
open_tell(struct controller *controller, struct entry *entry)
{
    static const char text[] =
        "it is in force at every site: several may have that address; contain "
        "it where it is meant, and release this";
    for (size_t i = 0; i < entry->c.mark_count; i++) {
        if (strcmp(entry->c.marks[i].step, OPEN_STEP) == 0) {
            return;
        }
    }
    log_warn("controller", "a containment is in force at every site: nobody knows of which it is",
             LOG_S("containment", entry->c.id));
    entry_mark(entry, OPEN_STEP, clock_wall_us(controller->clock), text);
    controller->has_dirty = true;
    notices_tell_containment(controller, &entry->c, NOTICE_CONFLICT, text);
}

bool
resite_close(struct controller *controller, struct entry *entry)
{
    const char *site = site_meant(controller, entry);
    if (site[0] == '\0') {
        return false;
    }
    snprintf(entry->c.site, sizeof(entry->c.site), "%s", site);
    entry_rekey(controller, entry);
    entry_mark(entry, "site", clock_wall_us(controller->clock), site);
    controller->has_dirty = true;
    if (lifecycle_is_in_force(entry->c.state) && !entry_only_on(entry)) {
        engine_note_sited(controller->engine, &entry->c);
    }
    return true;
}

void
resite_older(struct controller *controller)
{
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        bool is_open = entry->is_committed && !lifecycle_is_ended(entry->c.state) &&
                       resite_is_open(controller, &entry->c);
        if (is_open && !resite_close(controller, entry) && lifecycle_is_in_force(entry->c.state)) {
            open_tell(controller, entry);
        }
    }
}

void
resite_refresh(struct controller *controller)
{
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        if (!entry->is_committed || !lifecycle_is_in_force(entry->c.state)) {
            continue;
        }
        if (is_by_address(&entry->c)) {
            entry_enforce(controller, entry); /* somebody may have that address there now */
        }
        if (entry->c.site[0] != '\0') {
            entry_refresh(controller, entry);
            judge_look(controller, entry); /* its switches may be no more */
        }
    }
}
