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

/* Every option: what it is, and where in struct options it goes. */
enum option_kind { KIND_TEXT, KIND_FLAG, KIND_SETTING };
#define TEXT(name, member)                                                                         \
    {                                                                                              \
        name, KIND_TEXT, offsetof(struct options, member)                                          \
    }
#define FLAG(name, member)                                                                         \
    {                                                                                              \
        name, KIND_FLAG, offsetof(struct options, member)                                          \
    }
#define SETTING(name, member)                                                                      \
    {                                                                                              \
        name, KIND_SETTING, offsetof(struct options, settings.member)                              \
    }

static const struct option_row {
    const char *name;
    enum option_kind kind;
    size_t at;
} option_rows[] = {
    SETTING("url", url),
    SETTING("token-file", token_file),
    SETTING("ca", ca),
    TEXT("config", file),
    FLAG("json", json),
    FLAG("ended", ended),
    FLAG("closed", closed),
    FLAG("none", none),
    FLAG("assume", assume),
    TEXT("days", days),
    FLAG("auto", automatic),
    FLAG("auto-everywhere", everywhere),
    TEXT("reason", reason),
    TEXT("permit", permit),
    TEXT("expires", expires),
    TEXT("for", expires),
    TEXT("site", site),
    TEXT("external-id", external_id),
    TEXT("observed-at", observed_at),
    TEXT("state", state),
    TEXT("last-id", last_id),
    TEXT("limit", limit),
    TEXT("source", source),
    TEXT("class", class),
    TEXT("tags", tags),
    TEXT("note", note),
    TEXT("owner", owner),
    TEXT("owner-email", owner_email),
    FLAG("dry-run", dry_run),
    FLAG("bom", bom),
    FLAG("unseen", unseen),
    TEXT("base", base),
    FLAG("overwrite-file", overwrite_file),
    FLAG("by-address", by_address),
    TEXT("account", account),
    TEXT("action", action),
    TEXT("object", object),
    TEXT("from", from),
    TEXT("until", until),
    TEXT("format", format),
    TEXT("newest", newest),
    TEXT("file", input),
    FLAG("read-only", read_only),
    TEXT("operations", operations),
    TEXT("controller", controller),
    TEXT("checkpoints", checkpoints),
    TEXT("key", key),
    TEXT("payload", payload),
    TEXT("out", out),
    FLAG("help", help),
};

#define CODE_FIRST 256 /* of the first row; above the letters -h and -o */

static void
table_fill(struct option table[COUNT_OF(option_rows) + 1])
{
    for (size_t i = 0; i < COUNT_OF(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        table[i] =
            (struct option){.name = row->name,
                            .has_arg = row->kind == KIND_FLAG ? no_argument : required_argument,
                            .val = CODE_FIRST + (int)i};
    }
    table[COUNT_OF(option_rows)] = (struct option){.name = NULL};
}

/* False: far too long. */
static bool
option_take(struct options *options, const struct option_row *row, const char *text)
{
    void *to = (char *)options + row->at;
    if (row->kind == KIND_FLAG) {
        *(bool *)to = true;
    } else if (row->kind == KIND_TEXT) {
        *(const char **)to = text;
    } else if (strlen(text) >= URL_SIZE) {
        return false;
    } else {
        memcpy(to, text, strlen(text) + 1);
    }
    return true;
}

static bool
read_options(int count, char **words, struct options *options)
{
    struct option table[COUNT_OF(option_rows) + 1];
    int code;
    table_fill(table);
    while ((code = getopt_long(count, words, "ho:", table, NULL)) != -1) {
        if (code == 'h') {
            options->help = true;
        } else if (code == 'o') {
            options->out = optarg;
        } else if (code == '?' || !option_take(options, &option_rows[code - CODE_FIRST], optarg)) {
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
