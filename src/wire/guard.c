#include "wire/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define REFUSED_MAX 256 /* remembered, so that they can be told; all are refused */

struct learnt {
    char id[RULE_ID_SIZE];
    struct rule_protect protect;
};

struct guard {
    struct rule_protect *fixed; /* owned, all three */
    size_t fixed_count;
    struct learnt *learnt;
    size_t learnt_count, learnt_room;
    char (*refused)[RULE_ID_SIZE]; /* asked for, and not in force */
    size_t refused_count, refused_room;
    bool learns, is_in_snapshot;
    uint64_t count;
};

bool
guard_parse(const char *text, struct rule_protect *protect)
{
    *protect = (struct rule_protect){.mac = {{0}}};
    return mac_parse(text, &protect->mac) ? !mac_is_none(&protect->mac)
                                          : prefix_parse(text, &protect->server);
}

struct guard *
guard_new(const char (*texts)[PREFIX_TEXT_SIZE], size_t count, bool learns)
{
    struct guard *guard = MEM_NEW(struct guard);
    guard->fixed = mem_new(count + 1, sizeof(*guard->fixed));
    guard->learns = learns;
    for (size_t i = 0; i < count; i++) {
        guard->fixed_count += guard_parse(texts[i], &guard->fixed[guard->fixed_count]) ? 1 : 0;
    }
    return guard;
}

void
guard_free(struct guard *guard)
{
    if (guard) {
        free(guard->fixed);
        free(guard->learnt);
        free(guard->refused);
        free(guard);
    }
}

uint64_t
guard_count(const struct guard *guard)
{
    return guard->count;
}

static bool
mac_meets(const struct rule_protect *protect, const struct mac *mac)
{
    return !mac_is_none(mac) && mac_is_equal(mac, &protect->mac);
}

static bool
ip_meets(const struct rule_protect *protect, const struct ip *ip)
{
    return !ip_is_none(ip) && !prefix_is_none(&protect->server) && prefix_has(&protect->server, ip);
}

bool
guard_meets(const struct rule *rule, const struct rule_protect *protect)
{
    const struct prefix *server = &rule->server.server;
    switch (rule->kind) {
    case RULE_ISOLATE: /* its addresses are what it may say it has: not whom it is about */
        return mac_meets(protect, &rule->isolate.mac) || ip_meets(protect, &rule->isolate.ip);
    case RULE_BLOCK_PAIR:
        return mac_meets(protect, &rule->pair.mac) || ip_meets(protect, &rule->pair.ip);
    case RULE_BLOCK_SERVER: /* also where it is only a part of what is blocked */
        return !prefix_is_none(&protect->server) && (prefix_has(&protect->server, &server->ip) ||
                                                     prefix_has(server, &protect->server.ip));
    default:
        return false;
    }
}

static bool
is_refused(const struct guard *guard, const struct rule *rule)
{
    for (size_t i = 0; i < guard->fixed_count; i++) {
        if (guard_meets(rule, &guard->fixed[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < guard->learnt_count; i++) {
        if (guard_meets(rule, &guard->learnt[i].protect)) {
            return true;
        }
    }
    return false;
}

static void
learnt_drop(struct guard *guard, const char *id)
{
    for (size_t i = 0; i < guard->learnt_count; i++) {
        if (strcmp(guard->learnt[i].id, id) == 0) {
            guard->learnt[i] = guard->learnt[--guard->learnt_count];
            return;
        }
    }
}

static void
refused_drop(struct guard *guard, const char *id)
{
    for (size_t i = 0; i < guard->refused_count; i++) {
        if (strcmp(guard->refused[i], id) == 0) {
            memcpy(guard->refused[i], guard->refused[--guard->refused_count], RULE_ID_SIZE);
            return;
        }
    }
}

/* What came before does not count any more: of a delta what it removes, of a snapshot everything.
 */
static void
forget(struct guard *guard, const struct wire_desired *in)
{
    if (in->base == 0 && !guard->is_in_snapshot) {
        guard->learnt_count = guard->refused_count = 0;
    }
    guard->is_in_snapshot = in->base == 0 && !in->is_last;
    for (size_t i = 0; i < in->remove_count; i++) {
        learnt_drop(guard, in->remove[i].id);
        refused_drop(guard, in->remove[i].id);
    }
}

static void
learn(struct guard *guard, const struct wire_desired *in)
{
    for (size_t i = 0; guard->learns && i < in->add_count; i++) {
        const struct rule *rule = &in->add[i];
        if (rule->kind != RULE_PROTECT) {
            continue;
        }
        learnt_drop(guard, rule->id);
        if (guard->learnt_count == guard->learnt_room) {
            guard->learnt_room = guard->learnt_room ? guard->learnt_room * 2 : 64;
            guard->learnt = mem_resize(guard->learnt, guard->learnt_room, sizeof(*guard->learnt));
        }
        struct learnt *one = &guard->learnt[guard->learnt_count++];
        one->protect = rule->protect;
        memcpy(one->id, rule->id, sizeof(one->id));
    }
}

static void
refuse(struct guard *guard, const struct wire_desired *in, const struct rule *rule)
{
    guard->count++;
    log_error("guard", "REFUSED: a rule would block a protected host",
              LOG_S("switch", in->switch_name), LOG_S("rule", rule->id),
              LOG_I("refused", guard->count));
    refused_drop(guard, rule->id);
    if (guard->refused_count == REFUSED_MAX) {
        return;
    }
    if (guard->refused_count == guard->refused_room) {
        guard->refused_room = guard->refused_room ? guard->refused_room * 2 : 16;
        guard->refused = mem_resize(guard->refused, guard->refused_room, RULE_ID_SIZE);
    }
    memcpy(guard->refused[guard->refused_count++], rule->id, RULE_ID_SIZE);
}

size_t
guard_desired(struct guard *guard, const struct wire_desired *in, struct wire_desired *out)
{
    size_t refused = 0;
    *out = *in;
    out->add = mem_new(in->add_count + 1, sizeof(*out->add));
    out->add_count = 0;
    forget(guard, in);
    learn(guard, in); /* before: they may stand behind what they are about */
    for (size_t i = 0; i < in->add_count; i++) {
        if (is_refused(guard, &in->add[i])) {
            refuse(guard, in, &in->add[i]);
            refused++;
        } else {
            out->add[out->add_count++] = in->add[i];
        }
    }
    return refused;
}

bool
guard_has_refused(const struct guard *guard)
{
    return guard->refused_count > 0;
}

void
guard_observed(const struct guard *guard, struct wire_observed *observed)
{
    if (guard->refused_count == 0 || !observed->is_last || observed->needs_snapshot ||
        observed->refused[0] != '\0') {
        return;
    }
    observed->rules = mem_resize(observed->rules, observed->rule_count + guard->refused_count,
                                 sizeof(*observed->rules));
    for (size_t i = 0; i < guard->refused_count; i++) {
        struct rule_report *report = &observed->rules[observed->rule_count++];
        *report = (struct rule_report){.state = RULE_FAILED};
        memcpy(report->id, guard->refused[i], sizeof(report->id));
        snprintf(report->why, sizeof(report->why), GUARD_REFUSAL);
    }
}
