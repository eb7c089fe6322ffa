/* cordond: the supervisor, its roles, and the commands that need no running server. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/seal.h"
#include "base/sandbox.h"
#include "bus/pki.h"
#include "cordond/backup.h"
#include "cordond/check.h"
#include "cordond/config.h"
#include "cordond/errand.h"
#include "cordond/keep.h"
#include "cordond/role.h"
#include "cordond/sandbox_view.h"
#include "cordond/state.h"
#include "cordond/supervisor.h"
#include "intake/line.h"
#include "policy/policy.h"
#include "web/openapi.h"
#include "web/account.h"
#include "web/factor.h"
#include "web/token.h"

#define CONFIG_DEFAULT "/etc/cordon/cordond.yaml"
#define USAGE_STATUS 2
#define FIRST_TRIES 100 /* of 50 ms */

struct arguments {
    const char *config_path;
    const char *role; /* NULL: the supervisor */
    const char *state;
    const char *out;
    const char *key, *passphrase, *audit;
    unsigned keep;
    bool leaves_result;
    const char *days; /* of a token */
    bool is_check;
};

static int
usage(FILE *to)
{
    fprintf(to,
            "cordond " CORDON_VERSION "\n"
            "usage: cordond [--config FILE]            run (default " CONFIG_DEFAULT ")\n"
            "       cordond --check-config [--config FILE]\n"
            "       cordond pki issue edge|sensor NAME --out DIR [--state DIR]\n"
            "                                          a certificate for a switch or sensor\n"
            "       cordond token add NAME viewer|operator|admin|auditor [--days N|never] "
            "[--state DIR]\n"
            "                                          an API token, shown once (90 days)\n"
            "       cordond account add NAME ROLE | reset NAME | reset-factor NAME "
            "[--state DIR]\n"
            "                                          a person's first password, shown once;\n"
            "                                          the second factor is taken away\n"
            "       cordond backup [--out FILE] [--passphrase-file FILE]\n"
            "                                          a backup, also while cordond runs\n"
            "       cordond restore FILE [--key FILE | --passphrase-file FILE] "
            "[--audit FILE]\n"
            "                                          cordond must not run; --audit: newer rows of\n"
            "                                          what 'cordonctl audit export' wrote\n"
            "       cordond backup-key --out FILE      the operator's keys for backups\n"
            "       cordond key rotate [--state DIR] [--key FILE]\n"
            "                                          another master key; cordond must not run\n"
            "       cordond --openapi                  the API's document\n"
            "       cordond --sandbox                  what each process may do\n"
            "       cordond --version | --help\n"
            "Without --state the state folder named in --config is used.\n");
    return to == stdout ? 0 : USAGE_STATUS;
}

static struct config *
config_read(const char *path, yaml_file_check *check)
{
    struct config *config;
    struct yaml_file_error error;
    if (config_load(path, check, &config, &error)) {
        if (error.line) {
            fprintf(stderr, "%s:%u:%u: %s\n", path, error.line, error.column, error.text);
        } else {
            fprintf(stderr, "%s\n", error.text);
        }
        return NULL;
    }
    return config;
}

static bool
policy_check(const char *path)
{
    struct policy *policy;
    struct policy_error error;
    if (policy_load(path, &policy, &error)) {
        fprintf(stderr, "%s:%u:%u: %s\n", path, error.line, error.column, error.text);
        return false;
    }
    policy_unref(policy);
    return true;
}

/* A policy file that was broken by hand keeps nothing from starting where one is stored: core runs
 * that one, and shows what is wrong. */
static bool
has_policy(const struct config *config)
{
    return policy_check(config->policy_file) || state_has_database(config->state_dir);
}

static int
files_check(const struct arguments *arguments)
{
    struct config *config = config_read(arguments->config_path, check_here);
    bool is_good = config && policy_check(config->policy_file);
    if (is_good) {
        printf("%s: good; %s: good\n", arguments->config_path, config->policy_file);
    }
    config_free(config);
    return is_good ? 0 : 1;
}

/* The state folder of a command: given, or the configuration's; "" (told): neither. */
static void
state_of(const struct arguments *arguments, char state[URL_SIZE])
{
    struct config *config = arguments->state ? NULL : config_read(arguments->config_path, NULL);
    snprintf(state, URL_SIZE, "%s",
             arguments->state ? arguments->state
             : config         ? config->state_dir
                              : "");
    config_free(config);
}

/* The master key's file of a command, likewise. */
static void
key_of(const struct arguments *arguments, const char *state, char key[URL_SIZE + 16])
{
    bool is_given = arguments->key != NULL;
    struct config *config =
        is_given || arguments->state ? NULL : config_read(arguments->config_path, NULL);
    if (is_given) {
        snprintf(key, URL_SIZE + 16, "%s", arguments->key);
    } else if (config) {
        snprintf(key, URL_SIZE + 16, "%s", config->secret_key_file);
    } else {
        snprintf(key, URL_SIZE + 16, "%s/" CONFIG_SECRET_KEY, state);
    }
    config_free(config);
}

/* In a process of its own, which ends: OpenSSL leaves parts of the keys that it made or read in its
 * memory, and the supervisor lives as long as we do. */
static int
apart(int (*work)(const struct config *config), const struct config *config)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int error = work(config);
        fflush(NULL);
        _exit(error ? 1 : 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : -EIO;
}

/* What must be there before the first role runs. */
static int
state_prepare(const struct config *config)
{
    const char *state = config->state_dir;
    char pki[URL_SIZE + 8], why[256] = "";
    snprintf(pki, sizeof(pki), "%s/pki", state);
    int result = keep_take_over(state, config->secret_key_file, config, why);
    result = result ? result : pki_prepare(pki, config->secret_key_file, config->server_names, why);
    result = result ? result : token_prepare(state, clock_system(), why);
    result = result ? result : account_prepare(state, clock_system(), why);
    if (result) {
        fprintf(stderr, "cordond: %s\n", why);
    }
    return result;
}

/* Beside a cordond that runs, too: it alone makes a certificate for itself. */
static int
accounts_prepare(const char *state)
{
    char why[256] = "";
    int result = state_make(state, why);
    result = result ? result : token_prepare(state, clock_system(), why);
    result = result ? result : account_prepare(state, clock_system(), why);
    if (result) {
        fprintf(stderr, "cordond: %s\n", why);
    }
    return result;
}

/* Where the authority or the master key is not there yet, only one of us makes it: whoever is
 * making it (a first start) is waited for. */
static int
first_lock(const char *state, const char *key, const char *pki, char why[256])
{
    static const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    char authority[URL_SIZE + 16];
    int error = 0;
    snprintf(authority, sizeof(authority), "%s/ca.pem", pki);
    for (int tries = 0; tries < FIRST_TRIES; tries++) {
        bool is_first = access(key, F_OK) != 0 || access(authority, F_OK) != 0;
        error = is_first ? keep_lock(state, why) : 0;
        if (error != -EWOULDBLOCK) {
            break;
        }
        nanosleep(&pause, NULL);
    }
    return error;
}

/* The authority, made where there is none. */
static int
authority_prepare(const char *state, const char *key, const char *pki, char why[256])
{
    int error = state_make(state, why);
    error = error ? error : first_lock(state, key, pki, why);
    error = error ? error : keep_prepare(state, key, why);
    error = error ? error : keep_take_over(state, key, NULL, why);
    return error ? error : pki_prepare(pki, key, NULL, why);
}

static int
pki_command(const struct arguments *arguments, char **words, int count)
{
    char state[URL_SIZE], key[URL_SIZE + 16], pki[URL_SIZE + 8], why[256];
    if (count != 3 || strcmp(words[0], "issue") != 0 || !arguments->out) {
        return usage(stderr);
    }
    state_of(arguments, state);
    if (!state[0]) {
        return 1;
    }
    key_of(arguments, state, key);
    snprintf(pki, sizeof(pki), "%s/pki", state);
    if (authority_prepare(state, key, pki, why) ||
        pki_issue(pki, key, words[1], words[2], arguments->out, why)) {
        fprintf(stderr, "cordond: %s\n", why);
        return 1;
    }
    printf("%s/%s.pem, %s.key and ca.pem are for %s %s\n", arguments->out, words[2], words[2],
           words[1], words[2]);
    return 0;
}

/* "90", "never" or nothing (90). */
static bool
days_parse(const char *text, struct token *token)
{
    char *end = NULL;
    if (text && strcmp(text, "never") == 0) {
        return true;
    }
    unsigned long days = text ? strtoul(text, &end, 10) : 90;
    if (text && (*end != '\0' || text[0] == '-' || days == 0 || days > 3650)) {
        return false;
    }
    token->expires_us = token->created_us + (int64_t)days * 86400 * 1000000;
    return true;
}

static int
token_command(const struct arguments *arguments, char **words, int count)
{
    char state[URL_SIZE], text[TOKEN_TEXT_SIZE], why[256];
    struct token token = {.created_us = clock_wall_us(clock_system())};
    if (count != 3 || strcmp(words[0], "add") != 0 || !account_role_parse(words[2], &token.role) ||
        !days_parse(arguments->days, &token)) {
        return usage(stderr);
    }
    snprintf(token.name, sizeof(token.name), "%.63s", words[1]);
    state_of(arguments, state);
    if (!state[0] || accounts_prepare(state)) {
        return 1;
    }
    if (token_add(state, &token, text, why)) {
        fprintf(stderr, "cordond: %s\n", why);
        return 1;
    }
    puts(text);
    return 0;
}

static int
factor_reset(const char *state, const char *key, const char *name)
{
    char why[256] = "";
    struct seal *seal = NULL;
    int error = seal_open(key, SEAL_ACCOUNTS, &seal, why);
    struct factors *factors = error ? NULL : factors_open(state, seal);
    error = error ? error : factors_remove(factors, name, why);
    factors_free(factors);
    if (error) {
        fprintf(stderr, "cordond: %s\n", why);
        return 1;
    }
    printf("%s signs in with the password alone\n", name);
    return 0;
}

/* "add NAME ROLE", "reset NAME", "reset-factor NAME": for whoever cannot sign in any more. */
static int
account_command(const struct arguments *arguments, char **words, int count)
{
    char state[URL_SIZE], password[FIRST_PASSWORD_SIZE], why[256];
    struct account account = {.must_change = true, .created_us = clock_wall_us(clock_system())};
    bool is_new = count == 3 && strcmp(words[0], "add") == 0;
    bool is_reset = count == 2 && strcmp(words[0], "reset") == 0;
    bool is_factor = count == 2 && strcmp(words[0], "reset-factor") == 0;
    if ((!is_new && !is_reset && !is_factor) ||
        (is_new && !account_role_parse(words[2], &account.role))) {
        return usage(stderr);
    }
    state_of(arguments, state);
    if (!state[0] || accounts_prepare(state)) {
        return 1;
    }
    if (is_factor) {
        char key[URL_SIZE + 16];
        key_of(arguments, state, key);
        return factor_reset(state, key, words[1]);
    }
    snprintf(account.name, sizeof(account.name), "%.63s", words[1]);
    account_password_make(password);
    if (account_password_hash(password, account.hash)) {
        fprintf(stderr, "cordond: not enough memory to hash a password\n");
        return 1;
    }
    if (account_apply(state, is_new ? ACCOUNT_CREATE : ACCOUNT_SET_PASSWORD, &account, why)) {
        fprintf(stderr, "cordond: %s\n", why);
        return 1;
    }
    puts(password);
    return 0;
}

/* For POST /policy/test: as if the line came from that source, or, where none is named, from the
 * first declared one of its format; without one, as from a source of strong evidence. */
static bool
line_read(const struct config *config, const char *name, const char *line, size_t size,
          struct detection *detection, char why[TEXT_SIZE])
{
    bool is_cef = size == 0 || line[strspn(line, " ")] != '{';
    struct line_source source = {
        .name = name[0] ? name : "policy-test", .strength = STRENGTH_STRONG, .confidence = 70};
    bool is_found = false;
    for (size_t i = 0; i < config->source_count && !is_found; i++) {
        const struct config_source *each = &config->sources[i];
        bool is_eve = each->kind == SOURCE_EVE_SOCKET || each->kind == SOURCE_EVE_FILE ||
                      each->format == SOURCE_FORMAT_EVE;
        is_found = name[0] ? strcmp(name, each->name) == 0 : is_eve != is_cef;
        if (is_found) {
            source = (struct line_source){.name = each->name,
                                          .strength = each->strength,
                                          .confidence = each->confidence ? each->confidence : 70,
                                          .adjacent = each->adjacent};
        }
    }
    if (name[0] && !is_found) {
        snprintf(why, TEXT_SIZE, "no source '%.60s' is declared in cordond.yaml", name);
        return false;
    }
    return line_parse(is_cef ? LINE_CEF : LINE_EVE, line, size, &source,
                      clock_wall_us(clock_system()), detection, why) == LINE_DETECTION;
}

static int
key_command(const struct arguments *arguments, char **words, int count)
{
    char state[URL_SIZE], key[URL_SIZE + 16];
    if (count != 1 || strcmp(words[0], "rotate") != 0) {
        return usage(stderr);
    }
    state_of(arguments, state);
    key_of(arguments, state, key);
    return state[0] ? keep_rotate(state, key) : 1;
}

static int
backup_command(const struct arguments *arguments, char **words, int count)
{
    bool is_restore = strcmp(words[0], "restore") == 0;
    if (strcmp(words[0], "backup-key") == 0) {
        return count == 1 && arguments->out ? backup_key(arguments->out) : usage(stderr);
    }
    if (count != (is_restore ? 2 : 1)) {
        return usage(stderr);
    }
    struct config *config = config_read(arguments->config_path, NULL);
    if (!config) {
        return 1;
    }
    log_setup("cordond-backup", config->log_format, LOG_INFO);
    const struct backup_arguments wanted = {.config = config,
                                            .config_path = arguments->config_path,
                                            .file = is_restore ? words[1] : arguments->out,
                                            .key_file = arguments->key,
                                            .passphrase_file = arguments->passphrase,
                                            .audit_file = is_restore ? arguments->audit : NULL,
                                            .leaves_result = arguments->leaves_result,
                                            .keep = arguments->keep};
    int status = is_restore ? backup_restore(&wanted) : backup_make(&wanted);
    config_free(config);
    return status;
}

/* Nothing starts beside another cordond, or with a key that others can read. */
static int
start_check(const struct config *config)
{
    char why[256];
    int error = state_make(config->state_dir, why);
    error = error ? error : keep_lock(config->state_dir, why);
    error = error ? error : keep_prepare(config->state_dir, config->secret_key_file, why);
    if (!error) {
        file_clear_unfinished(config->state_dir);
    }
    if (error) {
        fprintf(stderr, "cordond: %s\n", why);
    }
    return error;
}

static int
lock_in(const struct role *role, char why[256])
{
    static const enum sandbox_role rows[ROLE_COUNT] = {
        [ROLE_CORE] = SANDBOX_CORE,     [ROLE_INTAKE] = SANDBOX_INTAKE,
        [ROLE_WEB] = SANDBOX_WEB,       [ROLE_DRIVER] = SANDBOX_DRIVER,
        [ROLE_NOTIFY] = SANDBOX_NOTIFY, [ROLE_LOGIN] = SANDBOX_LOGIN};
    char folder[ROLE_PATH_SIZE];
    role_folder(role->config, role->self, folder);
    file_clear_unfinished(folder);
    const struct sandbox_settings settings = {.role = rows[role->self],
                                              .folder = folder,
                                              .keeps_own_user = role->config->users == USERS_OWN};
    return sandbox_enter(&settings, why);
}

static int
role_main(enum wire_role self, const struct config *config, const char *config_path)
{
    static int (*const mains[ROLE_COUNT])(struct role *) = {
        [ROLE_CORE] = core_role_run,     [ROLE_INTAKE] = intake_role_run,
        [ROLE_WEB] = web_role_run,       [ROLE_DRIVER] = driver_role_run,
        [ROLE_NOTIFY] = notify_role_run, [ROLE_LOGIN] = login_role_run};
    struct role role = {.self = self,
                        .base = event_base_new(),
                        .config = config,
                        .config_path = config_path,
                        .parse_line = line_read,
                        .lock_in = lock_in,
                        .errands = ERRAND_FD};
    int status = mains[self] ? mains[self](&role) : USAGE_STATUS;
    event_base_free(role.base);
    return status;
}

/* Takes 'text'. */
static int
text_print(char *text)
{
    bool is_written = text && fputs(text, stdout) >= 0 && fflush(stdout) == 0;
    free(text);
    return is_written ? 0 : 1;
}

/* The state folder is everybody's who needs it, and nobody else's; then what only that needed goes.
 */
static int
supervisor_main(const struct config *config, const struct arguments *arguments, const char *program)
{
    const struct sandbox_settings settings = {.role = SANDBOX_SUPERVISOR,
                                              .keeps_own_user = config->users == USERS_OWN};
    char why[256];
    if (!clock_is_synchronised()) {
        setenv(ROLE_CLOCK_FREE_ENV, "1", 1);
    }
    if (!state_users_check(config, why) || !has_policy(config) || start_check(config) ||
        apart(state_prepare, config) || state_own(config, why) || sandbox_enter(&settings, why)) {
        return 1;
    }
    if (sandbox_paths_version() == 0) {
        log_warn("supervisor", "this kernel has no Landlock: only their owners and modes keep the "
                               "processes from files");
    }
    return supervisor_run(program, arguments->config_path, config);
}

static int
run(const struct arguments *arguments, const char *program)
{
    signal(SIGHUP, SIG_IGN); /* whoever starts is not ended by "read the policy again" */
    struct config *config = config_read(arguments->config_path, check_start);
    if (!config) {
        return 1;
    }
    enum wire_role self = ROLE_COUNT;
    for (int i = 0; arguments->role && wire_role_names[i]; i++) {
        if (strcmp(wire_role_names[i], arguments->role) == 0) {
            self = (enum wire_role)i;
        }
    }
    static char name[64] = "cordond";
    if (arguments->role) {
        snprintf(name, sizeof(name), "cordond-%.40s", arguments->role);
    }
    log_setup(name, config->log_format, LOG_INFO);
    int status;
    if (arguments->role) {
        status =
            self < ROLE_COUNT ? role_main(self, config, arguments->config_path) : usage(stderr);
    } else {
        status = supervisor_main(config, arguments, program);
    }
    config_free(config);
    return status;
}

static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                        {"check-config", no_argument, NULL, 'k'},
                                        {"role", required_argument, NULL, 'r'},
                                        {"state", required_argument, NULL, 's'},
                                        {"out", required_argument, NULL, 'o'},
                                        {"days", required_argument, NULL, 'd'},
                                        {"key", required_argument, NULL, 'y'},
                                        {"passphrase-file", required_argument, NULL, 'p'},
                                        {"audit", required_argument, NULL, 'u'},
                                        {"keep", required_argument, NULL, 'n'},
                                        {"leave-result", no_argument, NULL, 'l'},
                                        {"openapi", no_argument, NULL, 'a'},
                                        {"sandbox", no_argument, NULL, 'b'},
                                        {"version", no_argument, NULL, 'v'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

/* Where the option's value goes; NULL: it has none, or is none of these. */
static const char **
option_place(int option, struct arguments *arguments)
{
    switch (option) {
    case 'c':
        return &arguments->config_path;
    case 'r':
        return &arguments->role;
    case 's':
        return &arguments->state;
    case 'o':
        return &arguments->out;
    case 'd':
        return &arguments->days;
    case 'y':
        return &arguments->key;
    case 'p':
        return &arguments->passphrase;
    case 'u':
        return &arguments->audit;
    default:
        return NULL;
    }
}

static int
command_run(const struct arguments *arguments, char **words, int count)
{
    static const struct {
        const char *name;
        int (*run)(const struct arguments *arguments, char **words, int count);
    } commands[] = {
        {"pki", pki_command},
        {"token", token_command},
        {"account", account_command},
        {"key", key_command},
    };
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(words[0], commands[i].name) == 0) {
            return commands[i].run(arguments, words + 1, count - 1);
        }
    }
    bool is_backup = strcmp(words[0], "backup") == 0 || strcmp(words[0], "restore") == 0 ||
                     strcmp(words[0], "backup-key") == 0;
    return is_backup ? backup_command(arguments, words, count) : usage(stderr);
}

int
main(int count, char **words)
{
    struct arguments arguments = {.config_path = CONFIG_DEFAULT};
    umask(077);
    for (int option; (option = getopt_long(count, words, "c:h", options, NULL)) >= 0;) {
        const char **place = option_place(option, &arguments);
        if (place) {
            *place = optarg;
            continue;
        }
        switch (option) {
        case 'k':
            arguments.is_check = true;
            break;
        case 'n':
            arguments.keep = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'l':
            arguments.leaves_result = true;
            break;
        case 'a':
            return text_print(openapi_text());
        case 'b':
            return text_print(sandbox_view_text());
        case 'v':
            puts("cordond " CORDON_VERSION);
            return 0;
        default:
            return usage(option == 'h' ? stdout : stderr);
        }
    }
    if (arguments.is_check) {
        return files_check(&arguments);
    }
    return optind < count ? command_run(&arguments, words + optind, count - optind)
                          : run(&arguments, words[0]);
}
