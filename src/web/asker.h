/* Questions on their way to core: numbers them, keeps who waits, and answers 503 where core is away
 * and 504 where it does not answer in time.  One loop thread. */
#ifndef CORDON_WEB_ASKER_H
#define CORDON_WEB_ASKER_H

#include <stddef.h>

#include "base/clock.h"
#include "wire/answer.h"
#include "wire/ask.h"
#include "wire/op.h"

#define ASKS_MAX 256 /* on their way at once; beyond: 503 */
#define ASK_TIMEOUT_US (10 * 1000000)

struct asker;

/* Called exactly once per ask, perhaps before asker_ask returns; 'answer' is borrowed. */
typedef void asker_done_fn(void *context, const struct wire_answer *answer);

struct asker_port {
    /* False: it did not go out. */
    bool (*send)(void *context, const struct wire_ask *ask);
    void *context;
};

struct asker *asker_new(const struct clock *clock, const struct asker_port *port);
/* Whoever waits still is answered 503. */
void asker_free(struct asker *asker);
/* Core came or went: when it goes, whoever waits is answered 503. */
void asker_set_connected(struct asker *asker, bool is_connected);
bool asker_is_connected(const struct asker *asker);
/* Takes 'parameters' (NULL: none). */
void asker_ask(struct asker *asker, const char *account, enum account_role role, enum op op,
               cJSON *parameters, asker_done_fn *done, void *context);
/* An answer came; one that nobody waits for (any more) is dropped. */
void asker_answer(struct asker *asker, const struct wire_answer *answer);
/* Call a few times a second: ends what waited too long. */
void asker_tick(struct asker *asker);
size_t asker_waiting(const struct asker *asker);

#endif
