/* people_serve_tokens(): tokens of programs. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "web/people_state.h"
#include "wire/view_payload.h"

/* 'text' and 'payload' are said once, by the answer that makes it. */
static cJSON *
token_body(const struct people *people, const struct token *token, const char *text, int payload)
{
    const struct token_use *use = token_uses_find(people->token_uses, token->name);
    struct view_token view = {.role = (int)token->role,
                              .created_us = token->created_us,
                              .expires_us = token->expires_us,
                              .is_expired =
                                  token_is_expired(token, clock_wall_us(people->settings.clock)),
                              .is_read_only = token->is_read_only,
                              .op_count = token->op_count,
                              .payload = payload,
                              .used_us = use ? use->at_us : 0};
    memcpy(view.name, token->name, sizeof(view.name));
    snprintf(view.token, sizeof(view.token), "%s", text);
    snprintf(view.used_from, sizeof(view.used_from), "%s", use ? use->peer : "");
    for (size_t i = 0; i < token->op_count; i++) {
        snprintf(view.ops[i], sizeof(view.ops[i]), "%s", op_table[token->ops[i]].name);
    }
    cJSON *body = codec_encode(&view_token_shape, &view);
    sodium_memzero(&view, sizeof(view));
    return body;
}

static cJSON *
token_item(const struct people *people, size_t index, const char **name)
{
    const struct token_list *list = token_file_list(people->tokens);
    *name = index < list->count ? list->tokens[index].name : NULL;
    return *name ? token_body(people, &list->tokens[index], "", PAYLOAD_BY_ROLE) : NULL;
}

/* False: refused already. */
static bool
token_limits(struct serving *serving, const struct op_token *asked, struct token *token)
{
    int64_t life_us = asked->expires_s
                          ? (int64_t)asked->expires_s * 1000000
                          : config_token_days(serving->people->rules) * 86400 * 1000000ll;
    token->expires_us = asked->never_expires ? 0 : token->created_us + life_us;
    token->is_read_only = asked->is_read_only;
    for (size_t i = 0; i < asked->op_count; i++) {
        if (!op_parse(asked->ops[i], &token->ops[token->op_count])) {
            char why[256];
            snprintf(why, sizeof(why), "there is no operation '%.60s'", asked->ops[i]);
            people_refuse(serving, 422, why, "operations", NULL);
            return false;
        }
        if (op_gives_rights(token->ops[token->op_count])) {
            people_refuse(serving, 422, "what gives rights cannot be a part of a scope",
                          "operations", "whoever may that may everything: leave the scope out");
            return false;
        }
        token->op_count++;
    }
    return true;
}

/* Without its row and what it may read there is no such token: nobody has seen its text. */
static void
on_token_recorded(void *context, const struct wire_answer *answer)
{
    struct serving *serving = context;
    char why[256];
    if (answer->status == 200) {
        people_answer(serving, serving->status, serving->body);
    } else if (token_remove(serving->people->settings.state_dir, serving->name, why) == 0) {
        people_refuse(serving, 503, "the audit could not be written", NULL,
                      "nothing was changed; try again");
    } else {
        people_refuse(serving, 503, "it was done, but could not be written to the audit", NULL,
                      "look into the log of cordond");
    }
}

static cJSON *
payload_row(const struct op_token *asked)
{
    if (asked->payload == PAYLOAD_BY_ROLE) {
        return NULL;
    }
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "payload", payload_right_names[asked->payload]);
    cJSON_AddStringToObject(row, "reason", asked->reason);
    return row;
}

static void
serve_token_create(struct serving *serving, const struct op_token *asked)
{
    const struct people_settings *settings = &serving->people->settings;
    char text[TOKEN_TEXT_SIZE], why[256];
    struct token token = {.role = (enum account_role)asked->role,
                          .created_us = clock_wall_us(settings->clock)};
    memcpy(token.name, asked->name, sizeof(token.name));
    memcpy(serving->name, asked->name, sizeof(serving->name));
    if (!token_limits(serving, asked, &token)) {
        return;
    }
    token_uses_forget(serving->people->token_uses, token.name); /* of an older one of that name */
    int error = token_add(settings->state_dir, &token, text, why);
    if (error != 0) {
        people_refuse_change(serving, error, why);
        return;
    }
    serving->status = 201;
    serving->body = token_body(serving->people, &token, text, asked->payload);
    people_record(serving, "token.create", payload_row(asked), on_token_recorded);
    sodium_memzero(text, sizeof(text));
}

static void
serve_token_revoke(struct serving *serving, const struct op_id *asked)
{
    char why[256];
    snprintf(serving->name, sizeof(serving->name), "%.63s", asked->id);
    int error = token_remove(serving->people->settings.state_dir, serving->name, why);
    if (error != 0) {
        people_refuse_change(serving, error, why);
        return;
    }
    token_uses_forget(serving->people->token_uses, serving->name);
    people_answer_recorded(serving, 200, people_done_body("revoked"), "token.revoke");
}

void
people_serve_tokens(struct serving *serving, const void *parameters)
{
    if (serving->op == OP_TOKEN_LIST) {
        people_serve_list(serving, parameters, token_item);
    } else if (serving->op == OP_TOKEN_CREATE) {
        serve_token_create(serving, parameters);
    } else {
        serve_token_revoke(serving, parameters);
    }
}
