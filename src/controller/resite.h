/* What is in force when the sites of the policy change.  What names an address is at its site's
 * switches: with the site it would end, and where it has none it is at all of them.  Loop thread.
 */
#ifndef CORDON_CONTROLLER_RESITE_H
#define CORDON_CONTROLLER_RESITE_H

#include "controller/state.h"

/* Does it name an address that is a site's own, without saying of which site? */
bool resite_is_open(struct controller *controller, const struct containment *c);
/* Does it name an address of a site that the policy has not any more? No switch would hold it. */
bool resite_is_gone(const struct controller *controller, const struct containment *c);
/* Then it is of the site where that address surely is now; false: nobody can say. */
bool resite_close(struct controller *controller, struct entry *entry);
/* After the policy changed, and at start: what is older than its sites is of the site where its
 * address surely is; where that is not known it stays at all of them, and people are told. */
void resite_older(struct controller *controller);
/* After the policy changed: switches are told what that changes for them. */
void resite_refresh(struct controller *controller);

#endif
