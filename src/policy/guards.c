/* The guards: each may turn a decision into one that waits for a person.  In this order, so that
 * the weightiest reason is the one that is shown: protected, who it was, which of two ends, how
 * hard the evidence is to forge, a shared destination, a release a moment ago. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "policy/engine_state.h"

#define CONTACT_US (3600 * SECOND_US)
#define SURE_CONFIDENCE 90 /* so sure a finder overrules how many have to do with a server */

static enum hold hold_as(enum hold hold, char why[TEXT_SIZE], const char *format, ...)
    PRINTF_LIKE(3, 4);

static enum hold
hold_as(enum hold hold, char why[TEXT_SIZE], const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(why, TEXT_SIZE, format, values);
    va_end(values);
    return hold;
}

/* Protected */

bool
file_protects_mac(const struct policy *policy, const struct mac *mac, const char **name)
{
    for (size_t i = 0; i < policy->file.protected_count; i++) {
        const struct file_protected *item = &policy->file.protected[i];
        for (size_t k = 0; k < item->mac_count; k++) {
            if (mac_is_equal(&item->macs[k], mac)) {
                *name = item->name;
                return true;
            }
        }
    }
    return false;
}

static bool
file_protects_ip(const struct policy *policy, const char *site, const struct ip *ip,
                 const char **name)
{
    for (size_t i = 0; i < policy->file.protected_count; i++) {
        const struct file_protected *item = &policy->file.protected[i];
        if (sites_have(item->sites, item->site_count, site) && prefixes_have(&item->meaning, ip)) {
            *name = item->name;
            return true;
        }
    }
    return false;
}

static bool
file_protects_name(const struct policy *policy, const char *host, const char **name)
{
    for (size_t i = 0; i < policy->file.protected_count; i++) {
        const struct file_protected *item = &policy->file.protected[i];
        for (size_t k = 0; k < item->host_name_count; k++) {
            if (glob_matches(item->host_names[k], host)) {
                *name = item->name;
                return true;
            }
        }
    }
    return false;
}

bool
is_trusted_place(const struct engine *engine, const struct endpoint *endpoint)
{
    const struct policy_world *world = &engine->world;
    return !world->is_trusted_place || world->is_trusted_place(world->context, endpoint);
}

static bool
file_spares_ip(const struct policy *policy, const struct binding *b, const char **name)
{
    const char *kind = policy_relay(policy, &b->ip);
    *name = kind ? kind : *name;
    return kind || file_protects_ip(policy, binding_site(b), &b->ip, name);
}

/* Somebody contests the lease of a protected address: a device that was set up wrongly, or who
 * forged one of the two.  Which of them is the protected one is not known, unless the other stands
 * where servers are put. */
static bool
contested_is_protected(const struct engine *engine, const struct endpoint *endpoint,
                       const char **name)
{
    const struct policy_world *world = &engine->world;
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        const struct binding *b = &endpoint->bindings[i];
        if (b->is_contested && binding_is_given(b) && file_spares_ip(engine->policy, b, name) &&
            !(world->is_a_servers && world->is_a_servers(world->context, endpoint, b))) {
            return true;
        }
    }
    return false;
}

static bool
endpoint_matches_protected(const struct engine *engine, const struct endpoint *endpoint,
                           const char **name)
{
    const struct policy *policy = engine->policy;
    bool is_trusted = is_trusted_place(engine, endpoint);
    for (size_t i = 0; i < endpoint->mac_count; i++) {
        if (file_protects_mac(policy, &endpoint->macs[i], name)) {
            return true;
        }
    }
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        const struct binding *b = &endpoint->bindings[i];
        /* A server's address stays its own there, whoever claims it elsewhere. */
        bool is_sure = is_trusted || binding_is_leased(b);
        if (is_sure && file_protects_ip(policy, binding_site(b), &b->ip, name)) {
            return true;
        }
    }
    return is_trusted && endpoint_name(endpoint)[0] != '\0' &&
           file_protects_name(policy, endpoint_name(endpoint), name);
}

bool
engine_protects(const struct engine *engine, const struct endpoint *endpoint, char why[TEXT_SIZE])
{
    const char *name = "";
    if (!endpoint_matches_protected(engine, endpoint, &name)) {
        return false;
    }
    snprintf(why, TEXT_SIZE, "declared as protected in the policy: %s", name);
    return true;
}

bool
endpoint_is_protected(struct engine *engine, const struct finding *f, char why[TEXT_SIZE])
{
    const struct policy *policy = engine->policy;
    const struct policy_world *world = &engine->world;
    const char *name = "";
    bool is_declared = (!ip_is_none(&f->ip) && file_protects_ip(policy, f->site, &f->ip, &name)) ||
                       (!mac_is_none(&f->mac) && file_protects_mac(policy, &f->mac, &name)) ||
                       (f->endpoint && endpoint_matches_protected(engine, f->endpoint, &name));
    if (is_declared) {
        snprintf(why, TEXT_SIZE, "it is declared protected as %s", name);
        return true;
    }
    if (f->endpoint && contested_is_protected(engine, f->endpoint, &name)) {
        snprintf(why, TEXT_SIZE, "another one uses its address, which is declared protected as %s",
                 name);
        return true;
    }
    bool is_resolver = ips_have(policy->file.resolvers, policy->file.resolver_count, &f->ip);
    if (is_resolver) {
        snprintf(why, TEXT_SIZE, "it is a declared resolver");
        return true;
    }
    return world->is_protected(world->context, f->site, f->endpoint_id, &f->ip, why);
}

/* Who else contacted it */

/* It scans, breaks in or spreads: the server is whom it is done to, and says nothing against the
 * evidence, however many do so.  A contact is only as bad as what is contacted. */
static bool
is_own_deed(const struct finding *f)
{
    const struct detection *d = f->detection;
    bool is_deed = d->phase == PHASE_LATERAL_MOVEMENT || d->phase == PHASE_DISCOVERY;
    bool is_sure = strcmp(d->maker, "cordon") == 0 || f->confidence >= SURE_CONFIDENCE;
    return is_deed && is_sure && d->list[0] == '\0';
}

/* Weak evidence counts nobody in: else one packet in another's name would make a real victim's own
 * contact a shared one, and keep him from containment. */
void
contacts_note(struct engine *engine, struct finding *f)
{
    char key[TABLE_KEY_SIZE] = "";
    char who[ID_SIZE + IP_TEXT_SIZE];
    char text[IP_TEXT_SIZE];
    if (!f->other || f->relay || f->strength != STRENGTH_STRONG || is_own_deed(f)) {
        return;
    }
    const struct policy_file *file = &engine->policy->file;
    bool is_shared_kind = ips_have(file->proxies, file->proxy_count, &f->other->ip) ||
                          ips_have(file->resolvers, file->resolver_count, &f->other->ip) ||
                          policy_is_home(engine->policy, &f->other->ip);
    bool is_low = f->detection->list[0] != '\0' && f->confidence < file->defaults.low_confidence;
    if (!is_shared_kind && !is_low) {
        return;
    }
    ip_format(&f->other->ip, text);
    snprintf(key, sizeof(key), "%s|%.50s|%.80s", text, is_shared_kind ? f->site : "",
             is_shared_kind ? "" : f->server_name);
    ip_format(&f->ip, text);
    snprintf(who, sizeof(who), "%s", f->endpoint_id[0] ? f->endpoint_id : text);
    int64_t now_us = clock_boot_us(engine->clock);
    struct contact_item *item = table_need(&engine->contacts, key, now_us);
    size_t to = 0;
    for (size_t i = 0; i < item->count; i++) { /* forget the old ones, and this one's old time */
        bool is_itself =
            strcmp(item->who[i], who) == 0 ||
            (f->is_again && strcmp(item->who[i], text) == 0); /* when it was nobody's */
        if (now_us - item->at_us[i] < CONTACT_US && !is_itself) {
            memmove(item->who[to], item->who[i], sizeof(item->who[0]));
            item->at_us[to++] = item->at_us[i];
        }
    }
    if (to == CONTACTS_MAX) {
        memmove(item->who[0], item->who[1], (CONTACTS_MAX - 1) * sizeof(item->who[0]));
        memmove(&item->at_us[0], &item->at_us[1], (CONTACTS_MAX - 1) * sizeof(item->at_us[0]));
        to--;
    }
    memcpy(item->who[to], who, sizeof(who));
    item->at_us[to++] = now_us;
    item->count = to;
    f->sharers = to;
}

static const char *
shared_word(const struct engine *engine, const struct finding *f)
{
    const struct policy_file *file = &engine->policy->file;
    return ips_have(file->proxies, file->proxy_count, &f->other->ip)        ? "declared proxy"
           : ips_have(file->resolvers, file->resolver_count, &f->other->ip) ? "declared resolver"
           : policy_is_home(engine->policy, &f->other->ip)                  ? "inside host"
                                                           : "entry of a list of low confidence";
}

bool
was_just_released(const struct engine *engine, const char *endpoint_id)
{
    int64_t grace_us = (int64_t)engine->policy->file.after_release.grace_s * SECOND_US;
    const struct released_item *item = table_find(&engine->released, endpoint_id);
    return item && clock_boot_us(engine->clock) - item->item.touched_us < grace_us;
}

enum hold
guard_endpoint(struct engine *engine, const struct finding *f, const struct file_policy *policy,
               char why[TEXT_SIZE])
{
    if (f->relay) { /* never to be enforced: who is behind it is for a person to find out */
        char ip[IP_TEXT_SIZE];
        ip_format(&f->ip, ip);
        return hold_as(HOLD_UNRESOLVED, why, "%s is a %s: who was behind it is not known", ip,
                       f->relay);
    }
    if (endpoint_is_protected(engine, f, why)) {
        return HOLD_PROTECTED;
    }
    if (f->doubt != HOLD_NONE || !f->endpoint) {
        return hold_as(HOLD_UNRESOLVED, why, "%s",
                       f->doubt != HOLD_NONE ? f->doubt_why : "nobody known");
    }
    if (f->both_inside && policy->both_inside != FILE_BOTH_SOURCE) {
        return hold_as(HOLD_BOTH_INSIDE, why,
                       "both ends are inside, and neither the finder nor the policy says which");
    }
    if (f->strength != STRENGTH_STRONG) {
        return hold_as(HOLD_WEAK, why, "weak evidence: %s", f->strength_why);
    }
    if (f->sharers > 1) {
        return hold_as(HOLD_SHARED, why, "%zu endpoints contacted the same %s within an hour",
                       f->sharers, shared_word(engine, f));
    }
    if (f->is_refused || was_just_released(engine, f->endpoint_id)) {
        return hold_as(HOLD_GRACE, why, "it was released a moment ago");
    }
    return HOLD_NONE;
}

/* The domain, or anything below it. */
static bool
domain_has(const char *domain, const char *name)
{
    size_t size = strlen(domain);
    size_t name_size = strlen(name);
    return name_size >= size && strcasecmp(name + name_size - size, domain) == 0 &&
           (name_size == size || name[name_size - size - 1] == '.');
}

static bool
is_never_blocked(const struct engine *engine, const struct finding *f, char why[TEXT_SIZE])
{
    const struct file_never_block *never = &engine->policy->file.never_block;
    const char *name = "";
    if (!ip_is_none(&f->server) && prefixes_have(&never->meaning, &f->server)) {
        snprintf(why, TEXT_SIZE, "its address is on the never-block list");
        return true;
    }
    if (!ip_is_none(&f->server) && file_protects_ip(engine->policy, "", &f->server, &name)) {
        snprintf(why, TEXT_SIZE, "it is declared protected as %s", name);
        return true;
    }
    for (size_t i = 0; i < never->domain_count; i++) {
        if (domain_has(never->domains[i], f->server_name)) {
            snprintf(why, TEXT_SIZE, "%s is on the never-block list", never->domains[i]);
            return true;
        }
    }
    return false;
}

bool
engine_never_blocks(const struct engine *engine, const struct prefix *server,
                    const char *server_name, char why[TEXT_SIZE])
{
    struct finding finding = {.server = server->ip};
    snprintf(finding.server_name, sizeof(finding.server_name), "%s", server_name);
    return is_never_blocked(engine, &finding, why);
}

enum hold
guard_server(struct engine *engine, const struct finding *f, char why[TEXT_SIZE])
{
    const struct policy_world *world = &engine->world;
    const struct policy_file *file = &engine->policy->file;
    if (is_never_blocked(engine, f, why)) {
        return HOLD_NEVER_BLOCK;
    }
    bool is_anywhere = policy_has_sites(engine->policy) && f->site[0] == '\0' &&
                       policy_is_internal(engine->policy, &f->server);
    if (is_anywhere) {
        return hold_as(HOLD_UNRESOLVED, why,
                       "several sites have that address, and nothing says at which it was seen");
    }
    if (f->strength != STRENGTH_STRONG) {
        return hold_as(HOLD_WEAK, why, "weak evidence: %s", f->strength_why);
    }
    if (f->sharers > 1) {
        return hold_as(HOLD_SHARED, why, "%zu endpoints contacted the same %s within an hour",
                       f->sharers, shared_word(engine, f));
    }
    size_t talkers = ip_is_none(&f->server) ? 0 : world->talkers(world->context, &f->server);
    if (talkers >= file->never_block.popular && f->confidence < SURE_CONFIDENCE) {
        return hold_as(HOLD_NEVER_BLOCK, why, "%zu endpoints talked to it lately", talkers);
    }
    return HOLD_NONE;
}
