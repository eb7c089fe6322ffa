#include "model/rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
rule_fini(struct rule *rule)
{
    switch (rule->kind) {
    case RULE_ISOLATE:
        free(rule->isolate.addresses);
        free(rule->isolate.reason);
        break;
    case RULE_HOLD_PORT:
        free(rule->hold_port.known_macs);
        break;
    case RULE_PERMIT_SET:
        free(rule->permit_set.dhcp_servers);
        free(rule->permit_set.resolvers);
        free(rule->permit_set.permits);
        break;
    case RULE_MIRROR:
        if (rule->mirror) {
            free(rule->mirror->filters);
        }
        free(rule->mirror);
        break;
    case RULE_WARNING:
        free(rule->warning);
        break;
    case RULE_BLOCK_PAIR:
    case RULE_BLOCK_SERVER:
    case RULE_PROTECT:
    case RULE_KIND_COUNT:
        break;
    }
    memset(rule, 0, sizeof(*rule));
}

/* A copy of 'count' items, or NULL for none. */
static void *
copy_of(const void *items, size_t count, size_t size)
{
    if (count == 0 || !items) {
        return NULL;
    }
    return memcpy(mem_new(count, size), items, count * size);
}

static void
permit_set_copy(struct permit_set *to, const struct permit_set *from)
{
    to->dhcp_servers =
        copy_of(from->dhcp_servers, from->dhcp_server_count, sizeof(from->dhcp_servers[0]));
    to->resolvers = copy_of(from->resolvers, from->resolver_count, sizeof(from->resolvers[0]));
    to->permits = copy_of(from->permits, from->permit_count, sizeof(from->permits[0]));
}

void
rule_copy(struct rule *to, const struct rule *from)
{
    *to = *from;
    switch (from->kind) {
    case RULE_ISOLATE:
        to->isolate.addresses = copy_of(from->isolate.addresses, from->isolate.address_count,
                                        sizeof(from->isolate.addresses[0]));
        to->isolate.reason = from->isolate.reason ? mem_strdup(from->isolate.reason) : NULL;
        break;
    case RULE_HOLD_PORT:
        to->hold_port.known_macs =
            copy_of(from->hold_port.known_macs, from->hold_port.known_mac_count,
                    sizeof(from->hold_port.known_macs[0]));
        break;
    case RULE_PERMIT_SET:
        permit_set_copy(&to->permit_set, &from->permit_set);
        break;
    case RULE_MIRROR:
        to->mirror = copy_of(from->mirror, 1, sizeof(*from->mirror));
        if (to->mirror) {
            to->mirror->filters = copy_of(from->mirror->filters, from->mirror->filter_count,
                                          sizeof(from->mirror->filters[0]));
        }
        break;
    case RULE_WARNING:
        to->warning = copy_of(from->warning, 1, sizeof(*from->warning));
        break;
    case RULE_BLOCK_PAIR:
    case RULE_BLOCK_SERVER:
    case RULE_PROTECT:
    case RULE_KIND_COUNT:
        break;
    }
}
