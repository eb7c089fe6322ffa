#include "asker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

void
asker_open(struct asker *asker)
{
    *asker = (struct asker){.status = 0};
    campus_open(&asker->campus);
}

void
asker_begin(struct asker *asker)
{
    const struct ask_settings settings = {.controller = asker->campus.controller};
    asker->asks = asks_new(&settings);
}

void
asker_close(struct asker *asker)
{
    cJSON_Delete(asker->body);
    asks_free(asker->asks);
    campus_close(&asker->campus);
}

void
asker_restart(struct asker *asker)
{
    asks_free(asker->asks);
    campus_restart(&asker->campus);
    asker_begin(asker);
}

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct asker *asker = context;
    cJSON_Delete(asker->body);
    asker->body = cJSON_Duplicate(answer->body, true);
    asker->status = answer->status;
}

unsigned
asker_ask(struct asker *asker, const char *op, const char *parameters)
{
    struct wire_ask asked = {.number = 1,
                             .account = "token:t",
                             .role = "operator",
                             .parameters = cJSON_Parse(parameters)};
    assert_non_null(asked.parameters);
    snprintf(asked.op, sizeof(asked.op), "%s", op);
    asker->status = 0;
    asks_handle(asker->asks, &asked, on_answer, asker);
    cJSON_Delete(asked.parameters);
    return asker->status;
}

int64_t
asker_number(const struct asker *asker, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(asker->body, name);
    return member ? (int64_t)member->valuedouble : -1;
}

int
asker_item_count(const struct asker *asker)
{
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(asker->body, "items"));
}

const cJSON *
asker_item(const struct asker *asker, int index)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(asker->body, "items"), index);
}
