/* A rule as map entries: pure.  What of this switch a rule refers to (a port, a mirror session) has
 * been looked up by the caller. */
#ifndef CORDON_EDGE_COMPILE_H
#define CORDON_EDGE_COMPILE_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/rtnl.h"
#include "edge/claims.h"
#include "model/rule.h"

struct compile_place {
    uint64_t tag;            /* digest of the rule's id, never 0 */
    uint64_t expires_ns;     /* boot clock; 0: never */
    int ifindex;             /* the port that it names; a mirror's way out.  0: none */
    bool is_cleared;         /* a hold that ended with the link */
    bool strips_tag;         /* RSPAN that ends here */
    uint32_t slot;           /* of a mirror session */
    struct next_hop hop;     /* ERSPAN */
    struct ip mirror_source; /* ERSPAN; none: the kernel's choice */
    uint64_t bytes_per_s;    /* budget of a remote mirror */
    bool has_shared_budget;  /* with the switch's other remote mirrors */
};

/* Key of a permit set in the maps, and what an isolate rule refers to; 0 for "". */
uint64_t compile_set_key(const char *permit_set);
uint64_t compile_tag(const char *rule_id);
/* Sessions with equal digests copy to the same place in the same way: they share a slot. */
uint64_t compile_mirror_digest(const struct rule_mirror *mirror);
void compile_owner(const struct mac *mac, const struct ip *ip, struct dp_owner *owner);

void compile_rule(const struct rule *rule, const struct compile_place *place,
                  struct map_entries *wishes);

#endif
