/* Whether somebody at the switch has suspended enforcement on it: a file in the state folder, there
 * or not, so that a restart knows. */
#ifndef CORDON_EDGE_PANIC_H
#define CORDON_EDGE_PANIC_H

#include <stdbool.h>

#include "base/macros.h"

bool panic_is_kept(const char *state_dir);
/* 0 or negative errno. */
int panic_keep(const char *state_dir, bool is_suspended) MUST_CHECK;

#endif
