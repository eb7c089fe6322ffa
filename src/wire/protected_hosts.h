/* The last look at a desired state before it is put in force: no rule that would block a protected
 * host goes on, whoever sent it.  Stands in the driver process (with what cordond.yaml names, and
 * what core itself asked to protect) and in cordon-edge (with what edge.yaml names): neither asks
 * anybody. What is refused is counted, logged, and told as a failed rule with the reason.  One
 * thread. */
#ifndef CORDON_WIRE_PROTECTED_HOSTS_H
#define CORDON_WIRE_PROTECTED_HOSTS_H

#include "wire/desired.h"
#include "wire/observed.h"

#define PROTECTED_REFUSAL "refused: this rule would block a protected host"
#define PROTECTED_HOSTS_MAX 256

struct protected_hosts;

/* A MAC, an address or a prefix. */
bool protected_host_parse(const char *text, struct rule_protect *protect);
/* Would 'rule' block what 'protect' names? */
bool protected_host_meets(const struct rule *rule, const struct rule_protect *protect);

/* 'texts' are good (protected_host_parse).  'learns': protect rules in the desired states count as
 * well. */
struct protected_hosts *protected_hosts_new(const char (*texts)[PREFIX_TEXT_SIZE], size_t count,
                                            bool learns);
void protected_hosts_free(struct protected_hosts *protected);

/* 'out' is 'in' without what is refused: borrows all of it but 'out->add', which is the caller's to
 * free (not the rules in it).  Returns how many rules were refused. */
size_t protected_hosts_filter(struct protected_hosts *protected, const struct wire_desired *in,
                              struct wire_desired *out);
/* Is something asked for that is refused? */
bool protected_hosts_has_refused(const struct protected_hosts *protected);
/* Adds what is refused, as failed, to the last part of a report; 'observed->rules' is owned. */
void protected_hosts_report(const struct protected_hosts *protected,
                            struct wire_observed *observed);
/* Since the start. */
uint64_t protected_hosts_refused(const struct protected_hosts *protected);

#endif
