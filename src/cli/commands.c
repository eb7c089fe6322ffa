#include "cli/commands.h"

#include <string.h>

#include "base/macros.h"

#define REASON "--reason TEXT"

/* clang-format off */
const struct command command_table[] = {
    {"endpoints", "[SEARCH | export FILE | import FILE]", "[--limit N] [--dry-run] [--bom]",
     "endpoints with MACs, addresses, names, locations; as a CSV file, and from one",
     "SEARCH is any part of a MAC, address, host name, switch, port, class, tag, note or owner.\n"
     "export writes mac, class, tags (with ; between), note, owner, owner_email and what is known\n"
     "of the endpoint; --bom: for spreadsheets that need it. import reads the first six, by their\n"
     "names in the first line; machines may be unseen yet. --dry-run: only say what would be done.\n"
     "FILE - is standard output or input.", 0, 2, cmd_endpoints},
    {"endpoint", "[show|annotate|protect] ENDPOINT", "[--class CLASS] [--tags A,B] [--note TEXT] "
     "[--owner NAME] [--owner-email ADDRESS] [" REASON "]",
     "one endpoint: why we think it is there, and its history; or what people say of it",
     "ENDPOINT is an id, a MAC, an address, or a host name.\n"
     "annotate changes what is given and leaves the rest; '' empties it. A MAC may be that of a\n"
     "machine that was not seen yet. CLASS is unknown, workstation, server, phone, printer,\n"
     "medical, camera, iot, network or other.", 1, 2, cmd_endpoint},
    {"layout", "[SWITCH X Y]", "", "where switches are drawn on the network map",
     "X and Y are whole numbers; write -- before negative ones.", 0, 3,
     cmd_layout},
    {"annotations", "[SEARCH]", "[--unseen] [--limit N]", "what people say of machines, by MAC",
     "--unseen: only machines that were not seen yet.", 0, 1, cmd_annotations},
    {"links", "", "", "links between switches, learnt by LLDP", NULL, 0, 0, cmd_links},
    {"switches", "", "", "switches, their state and generations", NULL, 0, 0, cmd_switches},
    {"switch", "[show] NAME", "", "one switch: ports, counters, problems", NULL, 1, 2, cmd_switch},
    {"containments", "[SEARCH]", "[--state STATE] [--ended] [--limit N]", "containments in force",
     "--ended shows also those that were released or have expired.", 0, 1, cmd_containments},
    {"containment", "[show] ID", "", "one containment: timeline, switches, residual reach",
     "ID may be the case number of the warning page.", 1, 2, cmd_containment},
    {"server-blocks", "[SEARCH]", "[--ended]", "servers that nobody may reach", NULL, 0, 1,
     cmd_server_blocks},
    {"contain", "ENDPOINT", "(--permit SET | --none) " REASON " [--expires TIME] "
     "[--external-id ID] [--observed-at TIME] [--site SITE] [--by-address]", "isolates an endpoint",
     "--permit SET: what stays permitted, a named set of the policy; --none: nothing.\n"
     "With an address, --observed-at says when that address was the endpoint's.\n"
     "--by-address: also where nobody is known to have that address; whoever gets it is cut off.\n"
     "TIME of --expires: 90s, 10m, 8h, 2d.", 1, 1, cmd_contain},
    {"block-pair", "ENDPOINT SERVER", REASON " [--expires TIME]",
     "blocks traffic between one endpoint and one server", NULL, 2, 2, cmd_block_pair},
    {"block-server", "SERVER", REASON " [--expires TIME] [--site SITE]", "blocks a server for everybody",
     "SERVER is an address, a prefix or a name.", 1, 1, cmd_block_server},
    {"mirror", "ENDPOINT", "--for TIME " REASON, "mirrors an endpoint's traffic in detail", NULL,
     1, 1, cmd_mirror},
    {"release", "ID|ENDPOINT", REASON, "ends a containment",
     "With an endpoint, ends the containment in force on it.", 1, 1, cmd_release},
    {"extend", "ID", "--expires TIME", "sets a containment's expiry, counted from now", NULL, 1, 1,
     cmd_extend},
    {"pending", "[enforce|check|revert ID]", "[" REASON "]",
     "decisions that wait for a person, with their evidence",
     "With a verb, the same as the commands enforce, check and revert.", 0, 2, cmd_pending},
    {"enforce", "ID", REASON, "a pending decision: do it", NULL, 1, 1, cmd_enforce},
    {"check", "ID", REASON, "a pending decision: seen, and left", NULL, 1, 1, cmd_check},
    {"revert", "ID", REASON, "a pending decision: refuse it", NULL, 1, 1, cmd_revert},
    {"incidents", "[SEARCH]", "[--closed] [--limit N]", "incidents", NULL, 0, 1, cmd_incidents},
    {"incident", "[show] ID", "", "one incident with its detections", NULL, 1, 2, cmd_incident},
    {"evidence", "DETECTION", "-o FILE", "the packets that prove a detection, as a pcap file",
     "-o - writes to standard output.", 1, 1, cmd_evidence},
    {"intake", "", "", "sources of detections: received, accepted, refused and why", NULL, 0, 0,
     cmd_intake},
    {"sensors", "", "", "sensors: what arrives at them and what they drop", NULL, 0, 0,
     cmd_sensors},
    {"mirrors", "", "", "mirror sessions, declared and asked for", NULL, 0, 0, cmd_mirrors},
    {"protected", "[confirm|remove ID]", "[" REASON "]",
     "who may never be contained, and who is proposed", NULL, 0, 2, cmd_protected},
    {"policy", "show | text [N] | check FILE | put FILE | history | diff A [B] | restore N | "
     "rollout | maintenance | replay [FILE] | test FILE", "[" REASON "] [--base N] [--overwrite-file] [--assume] [--source NAME] [--days N] "
     "[--auto | --auto-everywhere] [-o FILE]",
     "the running policy, its revisions, and what it would do about events",
     "check says with line and column what is wrong with FILE, and exits with 1.\n"
     "put stores FILE as a new revision, which runs from then on; refused where another one than\n"
     "--base N (absent: the one that runs now) runs by then. A policy file that was changed by hand\n"
     "is left as it is unless --overwrite-file is given. restore stores revision N once more.\n"
     "text prints the running policy or revision N; diff compares two (with one: to the running\n"
     "one) and exits with 1 where they differ.\n"
     "replay: what the running policy, or FILE, would have done about the detections of the last N\n"
     "days, and what really happened; -o writes CSV. --auto: as if networks and policies were in\n"
     "mode auto; --auto-everywhere: also without roll-out rules and maintenance windows.\n"
     "rollout shows which mode holds where, for how many endpoints; maintenance the windows.\n"
     "test: FILE has one event per line: Suricata EVE, Deep Discovery CEF, or our detection JSON.\n"
     "Nothing is done. --assume takes every inside address for an endpoint. --source: as if the\n"
     "lines came from that source of cordond.yaml (strength, MACs).  FILE - is standard input.", 1, 3,
     cmd_policy},
    {"enforcement", "", "", "whether containments are enforced", NULL, 0, 0, cmd_enforcement},
    {"conflicts", "", "[--limit N]", "MACs in two places, addresses that two claim, ports full of MACs",
     NULL, 0, 0, cmd_conflicts},
    {"budgets", "", "", "what may be isolated without a person, and how much of it is used", NULL, 0, 0,
     cmd_budgets},
    {"panic", "", REASON, "suspends all enforcement at once", NULL, 0, 0, cmd_panic},
    {"resume", "", REASON, "puts all containments in force again", NULL, 0, 0, cmd_resume},
    {"notify", "[show | get | history | set FILE | test CHANNEL | secret CHANNEL]", "",
     "who is told of what; what was sent; a test message",
     "get writes the settings as JSON, set takes them again (- is standard input).\n"
     "secret reads a channel's password or signing key from standard input; nobody can read it.\n"
     "test sends a real message and prints the receiver's words; exits with 1 where it failed.",
     0, 2, cmd_notify},
    {"doctor", "", "", "what is wrong or works less well, where, and what to do",
     "Exits with 1 where there is an error or a warning.", 0, 0, cmd_doctor},
    {"watch", "[SEARCH]", "[--limit N]",
     "endpoints that were released lately, until when they are watched, and what came since", NULL,
     0, 1, cmd_watch},
    {"assess", "SERVER", "", "who talked to a server in the last week; should it never be blocked?",
     "SERVER is an address, a prefix or a name. Look before block-server: that is for everybody.", 1,
     1, cmd_assess},
    {"warning", "[set FILE | reset | preview [FILE]]", "[" REASON "] [-o FILE]",
     "the page that contained people see",
     "FILE is JSON as 'warning --json' writes it: {\"texts\": [{\"language\", \"title\", \"body\",\n"
     "\"contact\"}], \"version\"}. The version is the one that you read, so that nobody else's\n"
     "change is overwritten. reset goes back to the texts of cordond.yaml. preview writes the very\n"
     "page that the edges serve to standard output or -o FILE.", 0, 2, cmd_warning},
    {"payload-readers", "[allow|deny|reset WHO]", "[" REASON "]",
     "who may read packets, names and URLs of detections",
     "WHO is account:NAME or token:NAME. Administrators may; 'allow' gives it to others, 'deny' takes\n"
     "it from an administrator, 'reset' goes back to the role. Each reading is in the audit.", 0, 2,
     cmd_payload},
    {"audit", "[SEARCH] | verify | checkpoints | key | export",
     "[--account A] [--action A] [--object O] [--from TIME] [--until TIME] [--limit N] "
     "[--newest HASH] [--checkpoints FILE] [--key KEY] [--file FILE] [--format json|csv|cef] "
     "[-o FILE]",
     "who did what to what, and why; newest first",
     "verify walks through the chain of hashes: it finds the first row that was edited, removed,\n"
     "inserted or put elsewhere, and exits with 1. --newest HASH, which an earlier check said,\n"
     "finds also that the end was cut off or the chain made anew. --file checks a file of\n"
     "'audit export' (JSON lines), without a server. It compares the chain with the signed\n"
     "checkpoints that switches hold, and with those in a FILE of syslog that --checkpoints names;\n"
     "--key is what 'audit key' said, kept elsewhere: another signing key is refused. 'audit\n"
     "checkpoints' shows the last ones and who keeps them.\n"
     "export writes the rows, oldest first, to standard output or -o FILE; it is itself in the\n"
     "audit. --action without a dot means all below it: session, session.open.", 0, 1,
     cmd_audit},
    {"jobs", "[cancel ID]", "", "long work that runs or ran lately; ends one that runs",
     "Only who started a job, or an admin, may cancel it.", 0, 2, cmd_jobs},
    {"accounts", "[rules | create|role NAME ROLE | "
     "password|disable|enable|remove|end-sessions|reset-factor NAME]", "",
     "accounts of people, who sign in at the console",
     "rules shows what cordond.yaml says of sign-in. reset-factor takes a second factor away, for\n"
     "whoever lost it. create and password read the password from standard input; it must be changed at the next\n"
     "sign-in. ROLE is viewer, operator, admin or auditor.", 0, 3, cmd_accounts},
    {"tokens", "[create NAME ROLE | revoke NAME]",
     "[--days N|never] [--read-only] [--operations A,B] [--payload allow|deny " REASON "]",
     "tokens of programs",
     "A new token is shown once, and expires as cordond.yaml says (90 days) unless --days says\n"
     "otherwise. --operations: it may do these only, by their names in the OpenAPI document.\n"
     "--payload: it may (or may not) read packets, and names and URLs in detections, whatever its\n"
     "role says; needs a --reason.",
     0, 3, cmd_tokens},
    {"enrol", "edge|sensor NAME", "[--controller URL] [--expires TIME] [" REASON "]",
     "the one command by which a switch or sensor gets its certificate",
     "It holds a token that works once, for that device, for 15 minutes (--expires), and the\n"
     "fingerprint by which the device knows this controller. --controller: where the device\n"
     "reaches it, where that is not --url. What the name had before is refused from then on.", 2, 2,
     cmd_enrol},
    {"enrolments", "[SEARCH | withdraw ID]", "[" REASON "]",
     "one-time tokens that were made, and what became of them", NULL, 0, 2, cmd_enrolments},
    {"certificates", "[SEARCH | revoke SERIAL|NAME | refused [SEARCH]]", "[" REASON "]",
     "certificates of switches and sensors; who was refused",
     "revoke closes the connection at once, and lets nobody in with it any more; NAME: all that\n"
     "this name has.", 0, 2, cmd_certificates},
    {"events", "", "[--last-id ID]", "live changes, until Ctrl-C",
     "With --json each line is one event: {\"id\":..., \"event\":..., \"data\":...}.", 0, 0,
     cmd_events},
    {"backup", "[start | schedule HOURS KEEP | download]", "[-o FILE]",
     "the last backup and the schedule; makes one; has one made every HOURS hours; fetches the last",
     "HOURS 0: by hand only.  KEEP of them are kept.  Backups lie on the controller, below its state\n"
     "folder; 'cordond restore FILE' there puts one back.  download fetches the last one to -o FILE,\n"
     "only where it is encrypted to the operator's key (backup_key in cordond.yaml).", 0, 3, cmd_backup},
    {"unproven", "[keep ID]", "[" REASON "]",
     "blocks that switches hold and a restored database did not know; keeps one",
     "'cordonctl release ID' releases one instead.", 0, 2, cmd_unproven},
    {"retention", "[show | set KIND=DAYS ... [budget=MIB|budget=none]]", "[" REASON "]",
     "how long what is kept stays, how much there is, and the disk's budget",
     "KIND is evidence, names, detections, containments, notices, bindings, endpoints or audit.\n"
     "What is older is taken away within the hour; names are taken out of detections that stay.\n"
     "What a containment in force, a pending decision or an open incident needs stays.", 0, 10,
     cmd_retention},
    {"purge", "endpoint|address|mac|name VALUE | older | show JOB",
     REASON " [--until TIME] [--dry-run]",
     "takes away everything about somebody, or everything that is older",
     "--dry-run: only counts, by kind. VALUE is looked for as a whole word, and kept until the\n"
     "purge has ended: the reason must not name it. The audit keeps its rows until their own\n"
     "time is over, and backups hold what was in them.", 1, 2, cmd_purge},
    {"storage", "", "", "size of the database, room on its disk, latency of its commits", NULL, 0, 0,
     cmd_storage},
    {"licences", "[NAME]", "", "whose work is in Cordon, and under which licence",
     "NAME: the text of that one.", 0, 1, cmd_licences},
    {"version", "", "", "versions of cordonctl and of the server", NULL, 0, 0, cmd_version},
    {"openapi", "", "", "the API's OpenAPI document", NULL, 0, 0, cmd_openapi},
};
/* clang-format on */
const size_t command_count = COUNT_OF(command_table);

const struct command *
command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(command_table[i].name, name) == 0) {
            return &command_table[i];
        }
    }
    return NULL;
}
