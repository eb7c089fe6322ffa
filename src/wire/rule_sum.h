/* One sum over all rules that a switch holds: a controller that comes back, and a switch that has
 * held everything meanwhile, need not tell each other thousands of rules to know that.
 *
 * The switch makes it from what it reads back, under a key that is drawn for the question: an
 * answer to another question, or one made without the rules' contents, is of no use.  SHA-256 of
 * each rule as it goes over the wire, with 1 for any time that is left of it (that it ends is part
 * of what was asked; how soon, each side counts for itself), then HMAC-SHA-256 over those in
 * ascending order. */
#ifndef CORDON_WIRE_RULE_SUM_H
#define CORDON_WIRE_RULE_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/rule.h"

#define RULE_DIGEST_SIZE 32
#define RULES_SUM_KEY_SIZE 33 /* hexadecimal, with the NUL */
#define RULES_SUM_SIZE 65

struct rule_digest {
    uint8_t bytes[RULE_DIGEST_SIZE];
};

void rule_digest(const struct rule *rule, struct rule_digest *digest);
/* Sorts 'digests'; each counts once.  False: the crypto library has none. */
bool rules_sum(struct rule_digest *digests, size_t count, const char *key,
               char sum[RULES_SUM_SIZE]) MUST_CHECK;

#endif
