/* Whom or what rows are about: any of some values, as a whole word, whatever the case.  Used by the
 * sweeper on the store thread, and by whoever is asked to purge somebody. */
#ifndef CORDON_STORE_SWEEP_SUBJECT_H
#define CORDON_STORE_SWEEP_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "model/text.h"

#define SUBJECT_VALUES_MAX 16
#define SUBJECT_LEAST 3 /* characters: less would be found in everything */
struct sweep_subject {
    char values[SUBJECT_VALUES_MAX][HOST_SIZE];
    size_t count; /* 0: nobody */
};
/* False: no room, or nothing that can be looked for (too short, quotes, control characters). */
bool sweep_subject_add(struct sweep_subject *subject, const char *value);
/* A word that rows are written with, whomever they are about: a member, or one of its fixed values.
 */
bool sweep_subject_is_word(const char *value);
/* Does the text, a row's JSON, name one of them?  Not as the name of a member. */
bool sweep_subject_is_in(const struct sweep_subject *subject, const char *text);

#endif
