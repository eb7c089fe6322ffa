/* cordonctl: everything the API can do, from a shell. */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/run.h"

static void
print_overview(FILE *out)
{
    fputs("usage: cordonctl COMMAND [WORDS] [OPTIONS]\n\nCommands:\n", out);
    for (size_t i = 0; i < command_count; i++) {
        fprintf(out, "  %-14s %s\n", command_table[i].name, command_table[i].about);
    }
    fputs("\nOptions of every command:\n"
          "  --json               the API's JSON, for programs\n"
          "  --url URL            CORDON_URL; default https://localhost:8443\n"
          "  --token-file FILE    CORDON_TOKEN_FILE, or the token itself in CORDON_TOKEN\n"
          "  --ca FILE            CORDON_CA; the server's certificate authority (PEM)\n"
          "  --config FILE        default " SETTINGS_FILE "\n"
          "  --help               with a command: about it\n"
          "\nExit status: 0 good; 1 refused, not found, or doctor found a problem; 2 usage;\n"
          "3 not reachable, or the controller is away; 4 not authorised.\n",
          out);
}

static void
print_help(const struct command *command)
{
    printf("NAME\n    cordonctl %s - %s\n\nSYNOPSIS\n    cordonctl %s %s%s%s [--json]\n",
           command->name, command->about, command->name, command->words,
           command->words[0] ? " " : "", command->options);
    if (command->more) {
        const char *at = command->more;
        printf("\nDESCRIPTION\n");
        while (*at) {
            size_t size = strcspn(at, "\n");
            printf("    %.*s\n", (int)size, at);
            at += size + (at[size] == '\n');
        }
    }
    printf("\nEXIT STATUS\n    0 good, 1 refused or not found, 2 usage, 3 not reachable, 4 not "
           "authorised\n");
}

enum option_code {
    OPTION_URL = 256,
    OPTION_TOKEN_FILE,
    OPTION_CA,
    OPTION_CONFIG,
    OPTION_JSON,
    OPTION_ENDED,
    OPTION_CLOSED,
    OPTION_NONE,
    OPTION_ASSUME,
    OPTION_DAYS,
    OPTION_AUTO,
    OPTION_EVERYWHERE,
    OPTION_REASON,
    OPTION_PERMIT,
    OPTION_EXPIRES,
    OPTION_SITE,
    OPTION_EXTERNAL_ID,
    OPTION_OBSERVED_AT,
    OPTION_STATE,
    OPTION_LAST_ID,
    OPTION_LIMIT,
    OPTION_SOURCE,
    OPTION_CLASS,
    OPTION_TAGS,
    OPTION_NOTE,
    OPTION_OWNER,
    OPTION_OWNER_EMAIL,
    OPTION_UNSEEN,
    OPTION_BASE,
    OPTION_OVERWRITE,
    OPTION_BY_ADDRESS,
    OPTION_DRY_RUN,
    OPTION_BOM,
    OPTION_ACCOUNT,
    OPTION_ACTION,
    OPTION_OBJECT,
    OPTION_FROM,
    OPTION_UNTIL,
    OPTION_FORMAT,
    OPTION_NEWEST,
    OPTION_FILE,
    OPTION_READ_ONLY,
    OPTION_OPERATIONS,
    OPTION_CONTROLLER,
    OPTION_CHECKPOINTS,
    OPTION_KEY,
    OPTION_PAYLOAD,
};

static const struct option long_options[] = {
    {"url", required_argument, NULL, OPTION_URL},
    {"token-file", required_argument, NULL, OPTION_TOKEN_FILE},
    {"ca", required_argument, NULL, OPTION_CA},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"json", no_argument, NULL, OPTION_JSON},
    {"ended", no_argument, NULL, OPTION_ENDED},
    {"closed", no_argument, NULL, OPTION_CLOSED},
    {"none", no_argument, NULL, OPTION_NONE},
    {"assume", no_argument, NULL, OPTION_ASSUME},
    {"days", required_argument, NULL, OPTION_DAYS},
    {"auto", no_argument, NULL, OPTION_AUTO},
    {"auto-everywhere", no_argument, NULL, OPTION_EVERYWHERE},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"permit", required_argument, NULL, OPTION_PERMIT},
    {"expires", required_argument, NULL, OPTION_EXPIRES},
    {"for", required_argument, NULL, OPTION_EXPIRES},
    {"site", required_argument, NULL, OPTION_SITE},
    {"external-id", required_argument, NULL, OPTION_EXTERNAL_ID},
    {"observed-at", required_argument, NULL, OPTION_OBSERVED_AT},
    {"state", required_argument, NULL, OPTION_STATE},
    {"last-id", required_argument, NULL, OPTION_LAST_ID},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"source", required_argument, NULL, OPTION_SOURCE},
    {"class", required_argument, NULL, OPTION_CLASS},
    {"tags", required_argument, NULL, OPTION_TAGS},
    {"note", required_argument, NULL, OPTION_NOTE},
    {"owner", required_argument, NULL, OPTION_OWNER},
    {"owner-email", required_argument, NULL, OPTION_OWNER_EMAIL},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"bom", no_argument, NULL, OPTION_BOM},
    {"unseen", no_argument, NULL, OPTION_UNSEEN},
    {"base", required_argument, NULL, OPTION_BASE},
    {"overwrite-file", no_argument, NULL, OPTION_OVERWRITE},
    {"by-address", no_argument, NULL, OPTION_BY_ADDRESS},
    {"account", required_argument, NULL, OPTION_ACCOUNT},
    {"action", required_argument, NULL, OPTION_ACTION},
    {"object", required_argument, NULL, OPTION_OBJECT},
    {"from", required_argument, NULL, OPTION_FROM},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"newest", required_argument, NULL, OPTION_NEWEST},
    {"file", required_argument, NULL, OPTION_FILE},
    {"read-only", no_argument, NULL, OPTION_READ_ONLY},
    {"operations", required_argument, NULL, OPTION_OPERATIONS},
    {"controller", required_argument, NULL, OPTION_CONTROLLER},
    {"checkpoints", required_argument, NULL, OPTION_CHECKPOINTS},
    {"key", required_argument, NULL, OPTION_KEY},
    {"payload", required_argument, NULL, OPTION_PAYLOAD},
    {"out", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Where the option's text goes; NULL: it has none. */
static const char **
text_of(struct options *options, int code)
{
    switch (code) {
    case OPTION_REASON:
        return &options->reason;
    case OPTION_DAYS:
        return &options->days;
    case OPTION_PERMIT:
        return &options->permit;
    case OPTION_EXPIRES:
        return &options->expires;
    case OPTION_SITE:
        return &options->site;
    case OPTION_EXTERNAL_ID:
        return &options->external_id;
    case OPTION_OBSERVED_AT:
        return &options->observed_at;
    case OPTION_STATE:
        return &options->state;
    case OPTION_LAST_ID:
        return &options->last_id;
    case OPTION_LIMIT:
        return &options->limit;
    case OPTION_SOURCE:
        return &options->source;
    case OPTION_CLASS:
        return &options->class;
    case OPTION_TAGS:
        return &options->tags;
    case OPTION_NOTE:
        return &options->note;
    case OPTION_OWNER:
        return &options->owner;
    case OPTION_OWNER_EMAIL:
        return &options->owner_email;
    case OPTION_BASE:
        return &options->base;
    case OPTION_ACCOUNT:
        return &options->account;
    case OPTION_ACTION:
        return &options->action;
    case OPTION_OBJECT:
        return &options->object;
    case OPTION_FROM:
        return &options->from;
    case OPTION_UNTIL:
        return &options->until;
    case OPTION_FORMAT:
        return &options->format;
    case OPTION_NEWEST:
        return &options->newest;
    case OPTION_CONTROLLER:
        return &options->controller;
    case OPTION_FILE:
        return &options->input;
    case OPTION_OPERATIONS:
        return &options->operations;
    case OPTION_CHECKPOINTS:
        return &options->checkpoints;
    case OPTION_KEY:
        return &options->key;
    case OPTION_PAYLOAD:
        return &options->payload;
    case OPTION_CONFIG:
        return &options->file;
    case 'o':
        return &options->out;
    default:
        return NULL;
    }
}

static bool *
flag_of(struct options *options, int code)
{
    switch (code) {
    case OPTION_JSON:
        return &options->json;
    case OPTION_ENDED:
        return &options->ended;
    case OPTION_CLOSED:
        return &options->closed;
    case OPTION_NONE:
        return &options->none;
    case OPTION_ASSUME:
        return &options->assume;
    case OPTION_AUTO:
        return &options->automatic;
    case OPTION_EVERYWHERE:
        return &options->everywhere;
    case OPTION_DRY_RUN:
        return &options->dry_run;
    case OPTION_BOM:
        return &options->bom;
    case OPTION_READ_ONLY:
        return &options->read_only;
    case OPTION_UNSEEN:
        return &options->unseen;
    case OPTION_OVERWRITE:
        return &options->overwrite_file;
    case OPTION_BY_ADDRESS:
        return &options->by_address;
    case 'h':
        return &options->help;
    default:
        return NULL;
    }
}

static bool
set_setting(struct options *options, int code, const char *text)
{
    char *to = code == OPTION_URL          ? options->settings.url
               : code == OPTION_TOKEN_FILE ? options->settings.token_file
                                           : options->settings.ca;
    if (strlen(text) >= URL_SIZE) {
        return false;
    }
    memcpy(to, text, strlen(text) + 1);
    return true;
}

static bool
read_options(int count, char **words, struct options *options)
{
    int code;
    while ((code = getopt_long(count, words, "ho:", long_options, NULL)) != -1) {
        const char **text = text_of(options, code);
        bool *flag = flag_of(options, code);
        if (text) {
            *text = optarg;
        } else if (flag) {
            *flag = true;
        } else if (code == '?' || !set_setting(options, code, optarg)) {
            return false; /* told by getopt_long, or far too long */
        }
    }
    return true;
}

static int
run_command(struct run *run, const struct command *command, char **words, int count)
{
    char why[512];
    if (count < command->least || count > command->most) {
        return run_usage("usage: cordonctl %s %s %s", command->name, command->words,
                         command->options);
    }
    bool is_offline = command->run == cmd_audit && run->options.input && count == 1 &&
                      strcmp(words[0], "verify") == 0;
    if (is_offline) {
        return command->run(run, words, count);
    }
    if (settings_complete(&run->options.settings, run->options.file, why) != 0) {
        return run_usage("%s", why);
    }
    struct client_settings settings = {.url = run->options.settings.url,
                                       .token = run->options.settings.token,
                                       .ca = run->options.settings.ca};
    run->client = client_new(&settings);
    if (!run->client) {
        fprintf(stderr, "cordonctl: libcurl cannot be set up\n");
        return EXIT_UNREACHABLE;
    }
    int code = command->run(run, words, count);
    client_free(run->client);
    memset(run->options.settings.token, 0, sizeof(run->options.settings.token));
    if (fflush(stdout) != 0 && code == EXIT_GOOD) {
        code = EXIT_REFUSED;
    }
    return code;
}

int
main(int count, char **words)
{
    struct run run = {.language = catalog_language(), .is_terminal = isatty(STDOUT_FILENO) == 1};
    setlocale(LC_TIME, "");
    log_setup("cordonctl", LOG_TEXT, LOG_WARN);
    if (!read_options(count, words, &run.options)) {
        return EXIT_USAGE;
    }
    const struct command *command = optind < count ? command_find(words[optind]) : NULL;
    bool is_help = optind < count && strcmp(words[optind], "help") == 0;
    if (is_help || (optind == count && run.options.help)) {
        const struct command *about =
            is_help && optind + 1 < count ? command_find(words[optind + 1]) : NULL;
        if (about) {
            print_help(about);
        } else {
            print_overview(stdout);
        }
        return EXIT_GOOD;
    }
    if (!command) {
        print_overview(stderr);
        return optind < count ? run_usage("there is no command '%s'", words[optind]) : EXIT_USAGE;
    }
    if (run.options.help) {
        print_help(command);
        return EXIT_GOOD;
    }
    return run_command(&run, command, words + optind + 1, count - optind - 1);
}
