/* What policy may ask about the world (policy_world), over topology, store and what people
 * confirmed; and the memory of who talked to which server. */
#ifndef CORDON_CONTROLLER_WORLD_H
#define CORDON_CONTROLLER_WORLD_H

#include "controller/state.h"

struct talkers *talkers_new(void);
void talkers_free(struct talkers *talkers);
/* Our clock was set by so much (clocks.h). */
void talkers_shift(struct controller *controller, int64_t by_us);

void world_init(struct controller *controller, struct policy_world *world);
void world_note_talk(struct controller *controller, const struct outcome *outcome);
/* Declared in the policy file, confirmed by a person, a switch, or this machine itself.  Any of the
 * subject may be none; 'site' "": where 'address' is is not known. */
bool world_is_protected(const struct controller *controller, const struct endpoint *endpoint,
                        const struct mac *mac, const struct prefix *address, const char *site,
                        char why[TEXT_SIZE]);
/* Does the policy name it as protected, by a MAC or an address that a DHCP server gave it, now or
 * before; or did a person? */
bool world_is_named(const struct controller *controller, const struct endpoint *endpoint);
/* Is whom or what that containment is about protected now?  An address that its endpoint had when
 * it was detected, and has not any more, says nothing. */
bool world_bars(const struct controller *controller, const struct containment *c,
                char why[TEXT_SIZE]);
/* Who has its address now surely is not who had it when that was detected. */
bool world_is_of_another(const struct controller *controller, const struct containment *c);
/* Which switch is of which site, as the running policy has it. */
void world_set_sites(struct controller *controller);

#endif
