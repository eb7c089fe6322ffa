/* The commands of cordonctl: one table, from which main dispatches and help is written. */
#ifndef CORDON_CLI_COMMANDS_H
#define CORDON_CLI_COMMANDS_H

#include "cli/run.h"

/* 'words' are those after the command's name.  The exit status. */
typedef int command_fn(struct run *run, char **words, int count);

struct command {
    const char *name;
    const char *words;   /* "[SEARCH]" */
    const char *options; /* "--reason TEXT", ... as in the synopsis */
    const char *about;   /* one line */
    const char *more;    /* paragraphs for --help; NULL: nothing to add */
    int least, most;     /* words */
    command_fn *run;
};

extern const struct command command_table[];
extern const size_t command_count;
/* NULL: unknown. */
const struct command *command_find(const char *name);

command_fn cmd_endpoints, cmd_endpoint, cmd_links, cmd_switches, cmd_switch, cmd_containments,
    cmd_containment, cmd_pending, cmd_incidents, cmd_incident, cmd_evidence, cmd_intake,
    cmd_sensors, cmd_mirrors, cmd_protected, cmd_policy, cmd_enforcement, cmd_doctor, cmd_audit,
    cmd_payload, cmd_budgets, cmd_conflicts, cmd_warning, cmd_watch, cmd_assess, cmd_licences,
    cmd_storage, cmd_events, cmd_version, cmd_openapi, cmd_contain, cmd_block_server,
    cmd_block_pair, cmd_mirror, cmd_release, cmd_extend, cmd_enforce, cmd_check, cmd_revert,
    cmd_panic, cmd_resume, cmd_server_blocks, cmd_jobs, cmd_accounts, cmd_tokens, cmd_annotate,
    cmd_protect, cmd_annotations, cmd_export, cmd_import, cmd_layout, cmd_notify, cmd_certificates,
    cmd_enrolments, cmd_enrol, cmd_backup, cmd_unproven, cmd_retention, cmd_purge;

/* What is known of a server before it is blocked: would the policy do it, and who talked to it. */
int assess_print(struct run *run, const char *server);

/* cmd_policy calls it for what is about texts and revisions; count > 0. */
command_fn policy_revisions;
/* What runs, and what is wrong with the file, from the API's Policy. */
void policy_print(const struct run *run, const cJSON *json);

#endif
