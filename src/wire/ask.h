/* A question or wish of a person or program, passed on by web: it can only ask.  Core checks the
 * right of 'account' again.  'op' names the operation ("containments.create"); 'parameters' is
 * decoded with that operation's own shape. */
#ifndef CORDON_WIRE_ASK_H
#define CORDON_WIRE_ASK_H

#include <cjson/cJSON.h>
#include "model/text.h"
#include "wire/codec.h"

struct wire_ask {
    uint64_t number; /* echoed in the answer */
    char op[NAME_SIZE];
    char account[NAME_SIZE]; /* "token:demo" */
    char role[NAME_SIZE];    /* "viewer", "operator", "admin" */
    cJSON *parameters;       /* owned */
};

extern const struct shape wire_ask_shape;

#endif
