/* Accounts of people and tokens of programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"

#define PASSWORD_ROOM 1026

/* Takes 'body'. */
static int
change(struct run *run, const char *path, cJSON *body)
{
    static const struct column facts[] = {
        {"NAME", "name", COLUMN_TEXT},   {"ROLE", "role", COLUMN_TEXT},
        {"TOKEN", "token", COLUMN_TEXT}, {"READ PAYLOAD", "payload", COLUMN_TEXT},
        {"done", "done", COLUMN_TEXT},
    };
    struct client_answer answer;
    int code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print_object(run, answer.json, facts, COUNT_OF(facts));
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    return code;
}

/* A line of standard input, not shown where that is a terminal.  False: there is none. */
static bool
read_password(const struct run *run, char password[PASSWORD_ROOM])
{
    struct termios shown, hidden;
    bool is_terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (is_terminal) {
        hidden = shown;
        hidden.c_lflag &= (tcflag_t)~ECHO;
        fprintf(stderr, "%s: ", run_text(run, "password"));
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    bool is_read = fgets(password, PASSWORD_ROOM, stdin) != NULL;
    if (is_terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    password[is_read ? strcspn(password, "\n") : 0] = '\0';
    return password[0] != '\0';
}

static int
account_change(struct run *run, const char *verb, const char *name, const char *role)
{
    char password[PASSWORD_ROOM];
    bool is_new = strcmp(verb, "create") == 0;
    cJSON *body = cJSON_CreateObject();
    char *path = is_new ? strdup(API "/accounts") : run_path("accounts", name, verb);
    if (is_new) {
        cJSON_AddStringToObject(body, "name", name);
    }
    if (role) {
        cJSON_AddStringToObject(body, "role", role);
    }
    if (is_new || strcmp(verb, "password") == 0) {
        if (!read_password(run, password)) {
            cJSON_Delete(body);
            free(path);
            return run_usage("give the password on standard input");
        }
        cJSON_AddStringToObject(body, "password", password);
    }
    int code = change(run, path, body);
    free(path);
    return code;
}

static int
rules(struct run *run)
{
    static const struct column facts[] = {
        {"ROLES WITH A SECOND FACTOR", "second_factor_roles", COLUMN_TEXT},
        {"TOKEN DAYS", "token_days", COLUMN_TEXT},
        {"SESSION HOURS", "session_hours", COLUMN_TEXT},
        {"IDLE MINUTES", "idle_minutes", COLUMN_TEXT},
        {"DIRECTORY", "ldap", COLUMN_TEXT},
        {"OPENID PROVIDER", "openid", COLUMN_TEXT},
    };
    static const struct column columns[] = {
        {"PROVIDED BY", "source", COLUMN_TEXT},
        {"GROUP", "group", COLUMN_TEXT},
        {"ROLE", "role", COLUMN_TEXT},
    };
    struct client_answer answer;
    int code = run_ask(run, API "/accounts/rules", NULL, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print_object(run, answer.json, facts, COUNT_OF(facts));
        columns_print(run, cJSON_GetObjectItemCaseSensitive(answer.json, "mappings"), columns,
                      COUNT_OF(columns));
    }
    client_answer_fini(&answer);
    return code;
}

int
cmd_accounts(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"ROLE", "role", COLUMN_TEXT},
        {"DISABLED", "disabled", COLUMN_TEXT},
        {"MUST CHANGE PASSWORD", "must_change_password", COLUMN_TEXT},
        {"SESSIONS", "sessions", COLUMN_TEXT},
        {"PROVIDED BY", "source", COLUMN_TEXT},
        {"SECOND FACTOR", "second_factor", COLUMN_TEXT},
        {"SINCE", "created", COLUMN_TIME},
    };
    static const char *const verbs[] = {"password", "disable",      "enable",
                                        "remove",   "end-sessions", "reset-factor"};
    if (count == 0) {
        return columns_list(run, API "/accounts", columns, COUNT_OF(columns));
    }
    if (count == 1 && strcmp(words[0], "rules") == 0) {
        return rules(run);
    }
    bool sets_role = strcmp(words[0], "create") == 0 || strcmp(words[0], "role") == 0;
    if (sets_role && count == 3) {
        return account_change(run, words[0], words[1], words[2]);
    }
    for (size_t i = 0; i < COUNT_OF(verbs) && count == 2; i++) {
        if (strcmp(words[0], verbs[i]) == 0) {
            return account_change(run, verbs[i], words[1], NULL);
        }
    }
    return run_usage("accounts | accounts rules | accounts create|role NAME ROLE | accounts "
                     "password|disable|enable|remove|end-sessions|reset-factor NAME");
}

#define DAYS_MOST 3650

/* False: not a word for it, or without a reason. */
static bool
token_payload(const struct run *run, cJSON *body)
{
    const char *payload = run->options.payload;
    if (!payload) {
        return true;
    }
    bool is_allowed = strcmp(payload, "allow") == 0;
    if ((!is_allowed && strcmp(payload, "deny") != 0) || !run->options.reason) {
        return false;
    }
    cJSON_AddStringToObject(body, "payload", is_allowed ? "allowed" : "denied");
    cJSON_AddStringToObject(body, "reason", run->options.reason);
    return true;
}

static bool
token_limits(const struct run *run, cJSON *body)
{
    const char *days = run->options.days;
    char *end = NULL, *rest = NULL;
    if (days && strcmp(days, "never") == 0) {
        cJSON_AddTrueToObject(body, "never_expires");
    } else if (days) {
        long number = strtol(days, &end, 10);
        if (*end != '\0' || number < 1 || number > DAYS_MOST) {
            return false;
        }
        cJSON_AddNumberToObject(body, "expires_s", (double)number * 86400);
    }
    if (run->options.read_only) {
        cJSON_AddTrueToObject(body, "read_only");
    }
    if (run->options.operations) {
        char *names = strdup(run->options.operations);
        cJSON *list = cJSON_AddArrayToObject(body, "operations");
        for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
            cJSON_AddItemToArray(list, cJSON_CreateString(name));
        }
        free(names);
    }
    return true;
}

int
cmd_tokens(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"ROLE", "role", COLUMN_TEXT},
        {"SINCE", "created", COLUMN_TIME},
        {"EXPIRES", "expires", COLUMN_TIME},
        {"EXPIRED", "expired", COLUMN_TEXT},
        {"READ ONLY", "read_only", COLUMN_TEXT},
        {"OPERATIONS", "operations", COLUMN_TEXT},
        {"LAST USED", "used", COLUMN_TIME},
        {"FROM ADDRESS", "used_from", COLUMN_TEXT},
    };
    if (count == 0) {
        return columns_list(run, API "/tokens", columns, COUNT_OF(columns));
    }
    if (count == 3 && strcmp(words[0], "create") == 0) {
        cJSON *body = cJSON_CreateObject();
        cJSON_AddStringToObject(body, "name", words[1]);
        cJSON_AddStringToObject(body, "role", words[2]);
        if (!token_limits(run, body)) {
            cJSON_Delete(body);
            return run_usage("--days wants a number of days, or never");
        }
        if (!token_payload(run, body)) {
            cJSON_Delete(body);
            return run_usage("--payload wants allow or deny, and a --reason");
        }
        return change(run, API "/tokens", body);
    }
    if (count == 2 && strcmp(words[0], "revoke") == 0) {
        char *path = run_path("tokens", words[1], "revoke");
        int code = change(run, path, cJSON_CreateObject());
        free(path);
        return code;
    }
    return run_usage("tokens | tokens create NAME ROLE | tokens revoke NAME");
}
