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

static int
list(struct run *run, const char *path, const struct column *columns, size_t count)
{
    int code = EXIT_GOOD;
    cJSON *items = run_list(run, path, &code);
    if (items && run->options.json) {
        run_print_json(items);
    } else if (items) {
        columns_print(run, items, columns, count);
    }
    cJSON_Delete(items);
    return code;
}

/* Takes 'body'. */
static int
change(struct run *run, const char *path, cJSON *body)
{
    static const struct column facts[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"ROLE", "role", COLUMN_TEXT},
        {"TOKEN", "token", COLUMN_TEXT},
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

int
cmd_accounts(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"ROLE", "role", COLUMN_TEXT},
        {"DISABLED", "disabled", COLUMN_TEXT},
        {"MUST CHANGE PASSWORD", "must_change_password", COLUMN_TEXT},
        {"SESSIONS", "sessions", COLUMN_TEXT},
        {"SINCE", "created", COLUMN_TIME},
    };
    static const char *const verbs[] = {"password", "disable", "enable", "remove",
                                        "end-sessions"};
    if (count == 0) {
        return list(run, API "/accounts", columns, COUNT_OF(columns));
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
    return run_usage("accounts | accounts create|role NAME ROLE | accounts "
                     "password|disable|enable|remove|end-sessions NAME");
}

int
cmd_tokens(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"ROLE", "role", COLUMN_TEXT},
        {"SINCE", "created", COLUMN_TIME},
    };
    if (count == 0) {
        return list(run, API "/tokens", columns, COUNT_OF(columns));
    }
    if (count == 3 && strcmp(words[0], "create") == 0) {
        cJSON *body = cJSON_CreateObject();
        cJSON_AddStringToObject(body, "name", words[1]);
        cJSON_AddStringToObject(body, "role", words[2]);
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
