/* Somebody who asks a campus's controller what the API asks: operator, by a token. */
#ifndef CORDON_TESTS_CONTROLLER_ASKER_H
#define CORDON_TESTS_CONTROLLER_ASKER_H

#include "campus.h"
#include "controller/ask/ask.h"

struct asker {
    struct campus campus;
    struct asks *asks;
    cJSON *body; /* of the last answer; owned */
    unsigned status;
};

/* The campus is opened; questions begin with asker_begin(), when it is as the test wants it. */
void asker_open(struct asker *asker);
void asker_begin(struct asker *asker);
void asker_close(struct asker *asker);
/* The controller is started anew. */
void asker_restart(struct asker *asker);
/* Returns the status; 0: not answered yet. */
unsigned asker_ask(struct asker *asker, const char *op, const char *parameters);

/* Of the last answer: a number (-1: there is none), its items, one of them. */
int64_t asker_number(const struct asker *asker, const char *name);
int asker_item_count(const struct asker *asker);
const cJSON *asker_item(const struct asker *asker, int index);

#endif
