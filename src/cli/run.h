/* One run of cordonctl: options, connection, language, and what all commands share. */
#ifndef CORDON_CLI_RUN_H
#define CORDON_CLI_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "cli/catalog.h"
#include "cli/client.h"
#include "cli/settings.h"

enum exit_code {
    EXIT_GOOD = 0,
    EXIT_REFUSED = 1, /* refused, not found, or doctor found a problem */
    EXIT_USAGE = 2,
    EXIT_UNREACHABLE = 3, /* no connection, or core is away */
    EXIT_UNAUTHORISED = 4,
};

struct options {
    struct settings settings;
    const char *file; /* of settings */
    bool automatic, everywhere, json, help, ended, closed, none, assume, unseen, dry_run, bom,
        overwrite_file, read_only, by_address;
    const char *days, *reason, *permit, *expires, *site, *external_id, *observed_at, *state, *out,
        *last_id, *limit, *source, *class, *tags, *note, *owner, *owner_email, *base, *account,
        *action, *object, *from, *until, *format, *newest, *input, *operations, *controller,
        *checkpoints, *key, *payload;
};

struct run {
    struct options options;
    struct client *client;
    enum language language;
    bool is_terminal;
};

#define API "/api/v1"

/* The text in the user's language. */
const char *run_text(const struct run *run, const char *english);
/* The server's own sentences in 'json' in the user's language, in place; not for --json. */
void run_translate(const struct run *run, cJSON *json);
/* Asks; where the answer is no 2xx, tells it on stderr.  EXIT_GOOD: 'answer' has JSON or bytes.
 * Finish 'answer' always. */
int run_ask(struct run *run, const char *path, const cJSON *body, struct client_answer *answer);
/* The same of an answer that came by other means. */
int run_judge(struct run *run, struct client_answer *answer);
/* Adds "?name=value" or "&name=value", escaped; nothing where 'value' is NULL or empty. */
void run_query(char *path, size_t room, const char *name, const char *value);
/* All pages of a list, as one array of items; NULL: '*code' says why, told already. */
cJSON *run_list(struct run *run, const char *path, int *code);
/* Prints JSON for programs. */
void run_print_json(const cJSON *json);
int run_usage(const char *format, ...) PRINTF_LIKE(1, 2);
/* "90s", "10m", "8h", "2d", or seconds; 0: not a duration. */
unsigned run_duration(const char *text);
/* API "/endpoints/" and the escaped name; freed with free(). */
char *run_path(const char *collection, const char *id, const char *verb);

#endif
