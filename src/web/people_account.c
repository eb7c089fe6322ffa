/* people_serve_accounts(): accounts of people, and the rules for them. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "web/people_state.h"
#include "web/session.h"

static cJSON *
account_body(const struct people *people, const struct account *account)
{
    struct view_account view = {
        .role = (int)account->role,
        .is_disabled = account->is_disabled,
        .must_change = account->must_change,
        .created_us = account->created_us,
        .sessions = (uint32_t)sessions_count_of(people->sessions, account->name),
        .source = (int)account->source,
        .has_factor = factors_have(people->factors, account->name),
        .must_have_factor = people_needs_factor(people, account->role),
    };
    memcpy(view.name, account->name, sizeof(view.name));
    return codec_encode(&view_account_shape, &view);
}

static cJSON *
account_item(const struct people *people, size_t index, const char **name)
{
    const struct account_list *list = account_file_list(people->accounts);
    *name = index < list->count ? list->items[index].name : NULL;
    return *name ? account_body(people, &list->items[index]) : NULL;
}

void
people_serve_list(struct serving *serving, const struct op_page *page,
                  cJSON *(*item_at)(const struct people *people, size_t index, const char **name))
{
    cJSON *body = cJSON_CreateObject(), *items = cJSON_AddArrayToObject(body, "items"), *item;
    uint64_t seen = 0, taken = 0, limit = page->limit ? page->limit : OP_LIMIT_DEFAULT;
    const char *name;
    for (size_t i = 0; (item = item_at(serving->people, i, &name)); i++) {
        if (page->q[0] && !strcasestr(name, page->q)) {
            cJSON_Delete(item);
        } else if (seen++ < page->cursor || taken == limit) {
            cJSON_Delete(item);
        } else {
            cJSON_AddItemToArray(items, item);
            taken++;
        }
    }
    if (page->cursor + taken < seen) {
        cJSON_AddNumberToObject(body, "next", (double)(page->cursor + taken));
    }
    cJSON_AddNumberToObject(body, "total", (double)seen);
    people_answer(serving, 200, body);
    cJSON_Delete(body);
}

/* The second factor of an account that was removed is nobody's: the next one of that name has its
 * own. */
static void
factor_forget(struct people *people, const char *name)
{
    char why[256];
    if (factors_have(people->factors, name) && factors_remove(people->factors, name, why)) {
        log_error("web", "a removed account's second factor is still there", LOG_S("why", why));
    }
}

/* The change that 'serving' describes is made, and answered when the audit has it. */
static void
account_change(struct serving *serving, enum account_change change, const char *action)
{
    struct people *people = serving->people;
    char why[256];
    int error = account_apply(people->settings.state_dir, change, &serving->account, why);
    if (error != 0) {
        people_refuse_change(serving, error, why);
        return;
    }
    if (change == ACCOUNT_REMOVE || change == ACCOUNT_CREATE) {
        factor_forget(people, serving->name);
    }
    bool frees = change == ACCOUNT_CREATE ||
                 (change == ACCOUNT_SET_DISABLED && !serving->account.is_disabled);
    if (!frees) {
        sessions_end_of(people->sessions, serving->name, 0);
    }
    const struct account *now = account_find(account_file_list(people->accounts), serving->name);
    cJSON *body = now ? account_body(people, now) : people_done_body("removed");
    people_answer_recorded(serving, change == ACCOUNT_CREATE ? 201 : 200, body, action);
}

static void
on_account_password_made(void *context, bool is_good, const char *hash)
{
    struct serving *serving = context;
    if (!is_good) {
        people_refuse(serving, 503, "not enough memory to hash a password", NULL, "try again");
        return;
    }
    snprintf(serving->account.hash, sizeof(serving->account.hash), "%s", hash);
    if (serving->op == OP_ACCOUNT_CREATE) {
        account_change(serving, ACCOUNT_CREATE, "account.create");
    } else {
        account_change(serving, ACCOUNT_SET_PASSWORD, "account.password");
    }
}

static void
serve_account_password(struct serving *serving, const struct op_account *asked)
{
    char why[256];
    const struct account *there =
        account_find(account_file_list(serving->people->accounts), serving->name);
    serving->account.must_change = true; /* whoever sets it knows it */
    if (there && there->source != ACCOUNT_LOCAL) {
        people_refuse(serving, 409, "this account's password is not kept here", NULL,
                      "change it where the account comes from");
    } else if (!account_password_is_good(serving->name, asked->password, why)) {
        people_refuse(serving, 422, why, "password", NULL);
    } else if (!hasher_make(serving->people->hasher, asked->password, on_account_password_made,
                            serving)) {
        people_refuse_busy(serving);
    }
}

static void
serve_reset_factor(struct serving *serving)
{
    struct people *people = serving->people;
    char why[256];
    int error = factors_remove(people->factors, serving->name, why);
    if (error) {
        people_refuse_change(serving, error, why);
        return;
    }
    sessions_end_of(people->sessions, serving->name, 0);
    const struct account *now = account_find(account_file_list(people->accounts), serving->name);
    people_answer_recorded(serving, 200, now ? account_body(people, now) : NULL,
                           "account.reset-factor");
}

static void
serve_account(struct serving *serving, const struct op_account *asked)
{
    struct people *people = serving->people;
    const char *name = serving->op == OP_ACCOUNT_CREATE ? asked->name : asked->id;
    snprintf(serving->name, sizeof(serving->name), "%s", name);
    serving->account.role = (enum account_role)asked->role;
    serving->account.created_us = clock_wall_us(people->settings.clock);
    memcpy(serving->account.name, serving->name, sizeof(serving->name));
    switch (serving->op) {
    case OP_ACCOUNT_CREATE:
    case OP_ACCOUNT_PASSWORD:
        serve_account_password(serving, asked);
        break;
    case OP_ACCOUNT_ROLE:
        account_change(serving, ACCOUNT_SET_ROLE, "account.role");
        break;
    case OP_ACCOUNT_DISABLE:
        serving->account.is_disabled = true;
        account_change(serving, ACCOUNT_SET_DISABLED, "account.disable");
        break;
    case OP_ACCOUNT_ENABLE:
        account_change(serving, ACCOUNT_SET_DISABLED, "account.enable");
        break;
    case OP_ACCOUNT_RESET_FACTOR:
        serve_reset_factor(serving);
        break;
    case OP_ACCOUNT_REMOVE:
        account_change(serving, ACCOUNT_REMOVE, "account.remove");
        break;
    default: /* OP_ACCOUNT_END_SESSIONS */
        sessions_end_of(people->sessions, serving->name, 0);
        people_answer_recorded(serving, 200, people_done_body("its sessions are over"),
                               "account.end-sessions");
        break;
    }
}

static void
mappings_add(struct view_rules *view, int source, const struct config_mapping *mappings,
             size_t count)
{
    for (size_t i = 0; i < count && view->mapping_count < VIEW_MAPPINGS_MAX; i++) {
        struct view_mapping *to = &view->mappings[view->mapping_count++];
        to->source = source;
        to->role = mappings[i].role;
        snprintf(to->group, sizeof(to->group), "%s", mappings[i].group);
    }
}

static void
serve_rules(struct serving *serving)
{
    const struct config *rules = serving->people->rules;
    struct view_rules view = {.factor_role_count = rules->accounts.factor_role_count,
                              .token_days = config_token_days(rules),
                              .session_hours = (uint32_t)(SESSION_LIFE_US / 3600000000ll),
                              .idle_minutes = (uint32_t)(SESSION_IDLE_US / 60000000ll),
                              .mappings = mem_new(VIEW_MAPPINGS_MAX, sizeof(struct view_mapping))};
    memcpy(view.factor_roles, rules->accounts.second_factor, sizeof(view.factor_roles));
    memcpy(view.ldap, rules->ldap.url, sizeof(view.ldap));
    memcpy(view.openid, rules->openid.issuer, sizeof(view.openid));
    mappings_add(&view, ACCOUNT_LDAP, rules->ldap.roles, rules->ldap.role_count);
    mappings_add(&view, ACCOUNT_OPENID, rules->openid.roles, rules->openid.role_count);
    cJSON *body = codec_encode(&view_rules_shape, &view);
    people_answer(serving, 200, body);
    cJSON_Delete(body);
    codec_fini(&view_rules_shape, &view);
}

void
people_serve_accounts(struct serving *serving, const void *parameters)
{
    if (serving->op == OP_ACCOUNT_LIST) {
        people_serve_list(serving, parameters, account_item);
    } else if (serving->op == OP_ACCOUNT_RULES) {
        serve_rules(serving);
    } else {
        serve_account(serving, parameters);
    }
}
