/* Signing in by name and password, and one's own new password. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "web/people_state.h"

#define PATH_ROOM 512

/* An account that is disabled is treated like one that is not there. */
const char *
people_hash(const struct people *people, const char *name)
{
    const struct account *account = account_find(account_file_list(people->accounts), name);
    return account && !account->is_disabled && account->source == ACCOUNT_LOCAL ? account->hash
                                                                                : NULL;
}

static void
on_sign_in_checked(void *context, bool is_good, const char *hash)
{
    struct serving *serving = context;
    struct people *people = serving->people;
    const struct account *account =
        account_find(account_file_list(people->accounts), serving->name);
    /* it may have been changed, disabled or removed while the hash was made */
    if (!is_good || !account || account->is_disabled || strcmp(account->hash, hash) != 0) {
        people_fail_password(serving, "session.failed");
    } else {
        people_ask_code(serving, account);
    }
}

/* An account of ours is asked here, whatever the directory says of that name. */
static bool
is_of_directory(const struct people *people, const char *name)
{
    const struct account *account = account_find(account_file_list(people->accounts), name);
    return people->rules->ldap.url[0] && account_name_is_valid(name) &&
           (!account || account->source == ACCOUNT_LDAP);
}

void
people_serve_sign_in(struct serving *serving, const struct op_sign_in *asked)
{
    struct people *people = serving->people;
    snprintf(serving->name, sizeof(serving->name), "%s", asked->name);
    if (people_must_wait(serving)) {
        return;
    }
    if (is_of_directory(people, serving->name)) {
        people_ask_directory(serving, asked->password);
        return;
    }
    if (!hasher_check(people->hasher, people_hash(people, serving->name), asked->password,
                      on_sign_in_checked, serving)) {
        people_refuse_busy(serving);
    }
}

/* ---- one's own password ---- */

static void
first_password_forget(const struct people *people)
{
    char path[PATH_ROOM];
    const struct people_settings *settings = &people->settings;
    int error;
    snprintf(path, sizeof(path), "%s/admin.password", settings->state_dir);
    if (settings->forget_password) {
        error = settings->forget_password(settings->forget_context);
    } else {
        error = unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
    }
    if (error) {
        log_warn("web", "the first password's file is still there", LOG_S("file", path),
                 LOG_S("why", strerror(-error)));
    }
}

static void
on_own_password_made(void *context, bool is_good, const char *hash)
{
    struct serving *serving = context;
    struct people *people = serving->people;
    struct account account = {.must_change = false};
    char why[256] = "not enough memory to hash a password";
    memcpy(account.name, serving->name, sizeof(account.name));
    snprintf(account.hash, sizeof(account.hash), "%s", hash);
    int error = is_good
                    ? account_apply(people->settings.state_dir, ACCOUNT_SET_PASSWORD, &account, why)
                    : -ENOMEM;
    if (error != 0) {
        people_refuse_change(serving, error, why);
        return;
    }
    if (strcmp(serving->name, "admin") == 0) {
        first_password_forget(people);
    }
    sessions_end_of(people->sessions, serving->name, 0);
    people_give_session(serving, serving->caller.role, "account.own-password", "");
}

static void
on_own_password_checked(void *context, bool is_good, const char *hash)
{
    struct serving *serving = context;
    (void)hash;
    if (!is_good) {
        people_fail_password(serving, "session.password-failed");
    } else if (!hasher_make(serving->people->hasher, serving->password, on_own_password_made,
                            serving)) {
        people_refuse_busy(serving);
    }
}

void
people_serve_password(struct serving *serving, const struct op_password *asked)
{
    struct people *people = serving->people;
    const struct session *session = people_session(serving);
    char why[256];
    if (!session) {
        people_refuse(serving, 409, "a token has no password", NULL, NULL);
        return;
    }
    memcpy(serving->name, session->account, sizeof(serving->name));
    if (!people_hash(people, serving->name)) {
        people_refuse(serving, 409, "this account's password is not kept here", NULL,
                      "change it where the account comes from");
    } else if (!account_password_is_good(serving->name, asked->password, why)) {
        people_refuse(serving, 422, why, "new", NULL);
    } else if (strcmp(asked->old, asked->password) == 0) {
        people_refuse(serving, 422, "the new password is the old one", "new", "choose another one");
    } else if (!people_must_wait(serving)) {
        snprintf(serving->password, sizeof(serving->password), "%s", asked->password);
        if (!hasher_check(people->hasher, people_hash(people, serving->name), asked->old,
                          on_own_password_checked, serving)) {
            people_refuse_busy(serving);
        }
    }
}
