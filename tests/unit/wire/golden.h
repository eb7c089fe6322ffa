/* A golden JSON object against the shape that describes it: whole, without each member in turn,
 * with null for each member, and with a member more in each object. */
#ifndef CORDON_TESTS_WIRE_GOLDEN_H
#define CORDON_TESTS_WIRE_GOLDEN_H

#include <stdbool.h>

#include "wire/codec.h"

/* The text of FOLDER/NAME.json; freed by the caller. */
char *golden_text(const char *folder, const char *name);
cJSON *golden_read(const char *folder, const char *name);

/* Decoded and encoded again (also through text) equals 'json'; fails the test otherwise. */
void golden_round_trip(const struct shape *shape, const cJSON *json, bool is_message);
/* Every field that the shape and those in it have stands in 'json' at least once. */
void golden_is_filled(const struct shape *shape, const cJSON *json);
/* No null and no unknown member anywhere. */
void golden_is_strict(const struct shape *shape, cJSON *json, bool is_message);
/* The members without which it is refused, each once, sorted as met: "id add.id add.kind ?add.x"; a
 * '?' marks those that the shape's check asks for, not its table. */
void golden_needed(const struct shape *shape, cJSON *json, bool is_message, char needed[4096]);

#endif
