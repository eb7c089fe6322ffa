/* The last look at a desired state before it is put in force: no rule that would block a protected
 * host goes on, whoever sent it.  Stands in the driver process (with what cordond.yaml names, and
 * what core itself asked to protect) and in cordon-edge (with what edge.yaml names): neither asks
 * anybody. What is refused is counted, logged, and told as a failed rule with the reason.  One
 * thread. */
#ifndef CORDON_WIRE_GUARD_H
#define CORDON_WIRE_GUARD_H

#include "wire/desired.h"
#include "wire/observed.h"

#define GUARD_REFUSAL "refused: this rule would block a protected host"
#define GUARD_TEXTS_MAX 256

struct guard;

/* A MAC, an address or a prefix. */
bool guard_parse(const char *text, struct rule_protect *protect);
/* Would 'rule' block what 'protect' names? */
bool guard_meets(const struct rule *rule, const struct rule_protect *protect);

/* 'texts' are good (guard_parse).  'learns': protect rules in the desired states count as well. */
struct guard *guard_new(const char (*texts)[PREFIX_TEXT_SIZE], size_t count, bool learns);
void guard_free(struct guard *guard);

/* 'out' is 'in' without what is refused: borrows all of it but 'out->add', which is the caller's to
 * free (not the rules in it).  Returns how many rules were refused. */
size_t guard_desired(struct guard *guard, const struct wire_desired *in, struct wire_desired *out);
/* Is something asked for that is refused? */
bool guard_has_refused(const struct guard *guard);
/* Adds what is refused, as failed, to the last part of a report; 'observed->rules' is owned. */
void guard_observed(const struct guard *guard, struct wire_observed *observed);
/* Since the start. */
uint64_t guard_count(const struct guard *guard);

#endif
