#include "web/asker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/view_system.h"

struct waiter {
    uint64_t number; /* 0: free */
    int64_t until_us;
    asker_done_fn *done;
    void *context;
};

struct asker {
    const struct clock *clock;
    struct asker_port port;
    bool is_connected;
    uint64_t last_number;
    struct waiter waiters[ASKS_MAX];
    size_t waiting;
};

struct asker *
asker_new(const struct clock *clock, const struct asker_port *port)
{
    struct asker *asker = MEM_NEW(struct asker);
    asker->clock = clock;
    asker->port = *port;
    /* Not from 0: an answer to our predecessor, which died, must not fit an ask of ours. */
    asker->last_number = (uint64_t)clock_boot_us(clock);
    return asker;
}

static void
answer_problem(asker_done_fn *done, void *context, unsigned status, const char *detail,
               const char *advice)
{
    struct wire_answer answer = {.status = (uint16_t)status,
                                 .body = view_problem_make(status, detail, NULL, advice)};
    done(context, &answer);
    cJSON_Delete(answer.body);
}

static void
waiter_end(struct asker *asker, struct waiter *waiter, unsigned status, const char *detail,
           const char *advice)
{
    struct waiter ended = *waiter;
    *waiter = (struct waiter){0};
    asker->waiting--;
    answer_problem(ended.done, ended.context, status, detail, advice);
}

static void
end_all(struct asker *asker)
{
    for (size_t i = 0; i < ASKS_MAX; i++) {
        if (asker->waiters[i].number != 0) {
            waiter_end(asker, &asker->waiters[i], 503, "core went away before it answered",
                       "whether a wish was carried out shows when core is back: look, then ask "
                       "again");
        }
    }
}

void
asker_free(struct asker *asker)
{
    if (asker) {
        asker->is_connected = false;
        end_all(asker);
        free(asker);
    }
}

void
asker_set_connected(struct asker *asker, bool is_connected)
{
    asker->is_connected = is_connected;
    if (!is_connected) {
        end_all(asker);
    }
}

bool
asker_is_connected(const struct asker *asker)
{
    return asker->is_connected;
}

static int64_t
patience_us(enum op op)
{
    return op_table[op].patience_s ? (int64_t)op_table[op].patience_s * 1000000 : ASK_TIMEOUT_US;
}

void
asker_ask(struct asker *asker, const char *account, enum account_role role, enum op op,
          cJSON *parameters, asker_done_fn *done, void *context)
{
    struct waiter *waiter = NULL;
    for (size_t i = 0; i < ASKS_MAX && !waiter; i++) {
        waiter = asker->waiters[i].number == 0 ? &asker->waiters[i] : NULL;
    }
    if (!asker->is_connected || !waiter) {
        cJSON_Delete(parameters);
        answer_problem(done, context, 503,
                       asker->is_connected ? "too many requests wait for core" : "core is away",
                       "try again in a second");
        return;
    }
    struct wire_ask ask = {.number = ++asker->last_number, .parameters = parameters};
    snprintf(ask.op, sizeof(ask.op), "%s", op_table[op].name);
    snprintf(ask.account, sizeof(ask.account), "%s", account);
    snprintf(ask.role, sizeof(ask.role), "%s", account_role_names[role]);
    *waiter = (struct waiter){.number = ask.number,
                              .until_us = clock_boot_us(asker->clock) + patience_us(op),
                              .done = done,
                              .context = context};
    asker->waiting++;
    bool sent = asker->port.send(asker->port.context, &ask);
    cJSON_Delete(parameters);
    /* A failed send may have ended it already, by asker_set_connected. */
    if (!sent && waiter->number == ask.number) {
        waiter_end(asker, waiter, 503, "core is away", "try again in a second");
    }
}

void
asker_answer(struct asker *asker, const struct wire_answer *answer)
{
    for (size_t i = 0; i < ASKS_MAX; i++) {
        struct waiter waiter = asker->waiters[i];
        if (waiter.number == answer->number && waiter.number != 0) {
            asker->waiters[i] = (struct waiter){0};
            asker->waiting--;
            waiter.done(waiter.context, answer);
            return;
        }
    }
}

void
asker_tick(struct asker *asker)
{
    int64_t now_us = clock_boot_us(asker->clock);
    for (size_t i = 0; i < ASKS_MAX; i++) {
        if (asker->waiters[i].number != 0 && asker->waiters[i].until_us < now_us) {
            waiter_end(asker, &asker->waiters[i], 504, "core did not answer in time",
                       "whether a wish was carried out shows in its list: look, then ask again");
        }
    }
}

size_t
asker_waiting(const struct asker *asker)
{
    return asker->waiting;
}
