#include "web/route.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *const route_method_names[METHOD_COUNT + 1] = {"GET", "POST", NULL};

#define ASK(method_, path_, op_, tag_, summary_)                                                   \
    {                                                                                              \
        .method = (method_), .path = (path_), .kind = ROUTE_ASK, .op = (op_), .tag = (tag_),       \
        .summary = (summary_)                                                                      \
    }

#define PEOPLE(method_, path_, op_, tag_, summary_)                                                \
    {                                                                                              \
        .method = (method_), .path = (path_), .kind = ROUTE_PEOPLE, .op = (op_), .tag = (tag_),    \
        .summary = (summary_)                                                                      \
    }

#define PCAP_MEDIA "application/vnd.tcpdump.pcap"
#define CSV_MEDIA "text/csv; charset=utf-8"
#define SSE_MEDIA "text/event-stream"
#define HTML_MEDIA "text/html; charset=utf-8"
#define LINES_MEDIA "application/x-ndjson"
#define FILE_MEDIA "application/octet-stream"
#define PROMETHEUS_MEDIA "text/plain; version=0.0.4"

/* clang-format off */
const struct route route_table[] = {
    ASK(METHOD_GET, API_PREFIX "/endpoints", OP_ENDPOINT_LIST, "endpoints",
        "Endpoints with their MACs, addresses, names and locations"),
    ASK(METHOD_GET, API_PREFIX "/endpoints/{id}", OP_ENDPOINT_SHOW, "endpoints",
        "One endpoint, by id, MAC, address or host name, with reasons and history"),
    ASK(METHOD_POST, API_PREFIX "/endpoints/{id}/annotate", OP_ENDPOINT_ANNOTATE, "endpoints",
        "Says what a machine is: class, tags, note and owner; also by MAC before it is seen"),
    ASK(METHOD_POST, API_PREFIX "/endpoints/{id}/protect", OP_ENDPOINT_PROTECT, "endpoints",
        "Protects an endpoint by hand: it may never be contained"),
    {.method = METHOD_GET, .path = API_PREFIX "/endpoints.csv", .kind = ROUTE_CSV,
     .op = OP_ENDPOINT_EXPORT, .media = CSV_MEDIA, .tag = "endpoints",
     .summary = "A page of the endpoints as a CSV file; X-Cordon-Next is the next one's cursor"},
    ASK(METHOD_POST, API_PREFIX "/endpoints/import", OP_ENDPOINT_IMPORT, "endpoints",
        "Takes up to 500 rows of an inventory: what machines are, by MAC, seen yet or not"),
    ASK(METHOD_GET, API_PREFIX "/map/layout", OP_MAP_SHOW, "topology",
        "Where switches are drawn on the network map"),
    ASK(METHOD_POST, API_PREFIX "/map/layout", OP_MAP_PLACE, "topology",
        "Draws switches elsewhere on the network map"),
    ASK(METHOD_GET, API_PREFIX "/annotations", OP_ANNOTATION_LIST, "endpoints",
        "What people say of machines, by MAC, seen or not"),
    ASK(METHOD_GET, API_PREFIX "/links", OP_LINK_LIST, "topology",
        "Links between switches"),
    ASK(METHOD_GET, API_PREFIX "/switches", OP_SWITCH_LIST, "topology",
        "Switches: state, capabilities, generations"),
    ASK(METHOD_GET, API_PREFIX "/switches/{id}", OP_SWITCH_SHOW, "topology",
        "One switch by name, with ports, counters and problems"),
    ASK(METHOD_GET, API_PREFIX "/containments", OP_CONTAINMENT_LIST, "containments",
        "Containments in force, newest first"),
    {.method = METHOD_POST, .path = API_PREFIX "/containments", .kind = ROUTE_ASK,
     .op = OP_CONTAINMENT_CREATE, .creates = true, .tag = "containments",
     .summary = "Isolates an endpoint, blocks a pair or a server, or mirrors an endpoint"},
    ASK(METHOD_GET, API_PREFIX "/containments/{id}", OP_CONTAINMENT_SHOW, "containments",
        "One containment with its timeline, its switches and its residual reach"),
    ASK(METHOD_POST, API_PREFIX "/containments/{id}/release", OP_CONTAINMENT_RELEASE,
        "containments", "Ends a containment"),
    ASK(METHOD_POST, API_PREFIX "/containments/{id}/extend", OP_CONTAINMENT_EXTEND,
        "containments", "Sets a containment's expiry, counted from now"),
    ASK(METHOD_GET, API_PREFIX "/server-blocks", OP_SERVER_LIST, "server blocks",
        "Servers that nobody may reach"),
    {.method = METHOD_POST, .path = API_PREFIX "/server-blocks", .kind = ROUTE_ASK,
     .op = OP_SERVER_CREATE, .creates = true, .tag = "server blocks",
     .summary = "Blocks a server for everybody"},
    ASK(METHOD_GET, API_PREFIX "/server-blocks/{id}", OP_SERVER_SHOW, "server blocks",
        "One server block with its timeline"),
    ASK(METHOD_POST, API_PREFIX "/server-blocks/{id}/release", OP_SERVER_RELEASE,
        "server blocks", "Ends a server block"),
    ASK(METHOD_POST, API_PREFIX "/server-blocks/{id}/extend", OP_SERVER_EXTEND,
        "server blocks", "Sets a server block's expiry, counted from now"),
    ASK(METHOD_GET, API_PREFIX "/pending", OP_PENDING_LIST, "pending",
        "Decisions that wait for a person, with their evidence"),
    ASK(METHOD_POST, API_PREFIX "/pending/{id}/enforce", OP_PENDING_ENFORCE, "pending",
        "Enforce: do it"),
    ASK(METHOD_POST, API_PREFIX "/pending/{id}/check", OP_PENDING_CHECK, "pending",
        "Check: seen, and left"),
    ASK(METHOD_POST, API_PREFIX "/pending/{id}/revert", OP_PENDING_REVERT, "pending",
        "Revert: refuse it"),
    ASK(METHOD_GET, API_PREFIX "/incidents", OP_INCIDENT_LIST, "incidents",
        "Incidents, newest first"),
    ASK(METHOD_GET, API_PREFIX "/incidents/{id}", OP_INCIDENT_SHOW, "incidents",
        "One incident with its detections"),
    {.method = METHOD_GET, .path = API_PREFIX "/evidence/{id}", .kind = ROUTE_ASK,
     .op = OP_EVIDENCE_SHOW, .media = PCAP_MEDIA, .tag = "incidents",
     .summary = "The packets that prove a detection, as a pcap file"},
    ASK(METHOD_GET, API_PREFIX "/intake", OP_SOURCE_LIST, "health",
        "Sources of detections: received, accepted, refused and why"),
    ASK(METHOD_GET, API_PREFIX "/sensors", OP_SENSOR_LIST, "health",
        "Sensors: what arrives at them and what they drop"),
    ASK(METHOD_GET, API_PREFIX "/mirrors", OP_MIRROR_LIST, "health",
        "Mirror sessions, declared and asked for"),
    ASK(METHOD_GET, API_PREFIX "/protected", OP_PROTECTION_LIST, "policy",
        "Who may never be contained, and who is proposed"),
    ASK(METHOD_POST, API_PREFIX "/protected/{id}/confirm", OP_PROTECTION_CONFIRM, "policy",
        "Confirms a proposed protection"),
    ASK(METHOD_POST, API_PREFIX "/protected/{id}/remove", OP_PROTECTION_REMOVE, "policy",
        "Removes a proposed or confirmed protection"),
    ASK(METHOD_GET, API_PREFIX "/policy", OP_POLICY_SHOW, "policy", "The running policy"),
    ASK(METHOD_POST, API_PREFIX "/policy", OP_POLICY_SAVE, "policy",
        "Stores a policy as a new revision, which runs from then on, and writes the policy file"),
    ASK(METHOD_POST, API_PREFIX "/policy/check", OP_POLICY_CHECK, "policy",
        "Whether a text is a good policy; what is wrong, with line and column"),
    ASK(METHOD_GET, API_PREFIX "/policy/revisions", OP_REVISION_LIST, "policy",
        "Revisions of the policy, newest first: who stored them, when and why"),
    ASK(METHOD_GET, API_PREFIX "/policy/revisions/{id}", OP_REVISION_SHOW, "policy",
        "One revision by its number, with its text"),
    ASK(METHOD_POST, API_PREFIX "/policy/revisions/{id}/restore", OP_REVISION_RESTORE, "policy",
        "Stores that revision's text as a new revision, which runs from then on"),
    {.method = METHOD_POST, .path = API_PREFIX "/policy/test", .kind = ROUTE_TEST,
     .op = OP_POLICY_TEST, .tag = "policy",
     .summary = "What each line of an event file would do, and why; nothing is done"},
    {.method = METHOD_POST, .path = API_PREFIX "/policy/replay", .kind = ROUTE_ASK,
     .op = OP_REPLAY_START, .creates = true, .tag = "policy",
     .summary = "Replays stored detections through a policy, as a job; nothing is done"},
    ASK(METHOD_GET, API_PREFIX "/policy/replay/{id}", OP_REPLAY_SHOW, "policy",
        "What a replay found: sums, what really happened, the endpoints most concerned"),
    ASK(METHOD_GET, API_PREFIX "/policy/replay/{id}/decisions", OP_REPLAY_LIST, "policy",
        "What a replay found: each decision, in the order of time"),
    ASK(METHOD_GET, API_PREFIX "/policy/rollout", OP_ROLLOUT_SHOW, "policy",
        "Which mode holds where, who says so, and for how many endpoints now"),
    ASK(METHOD_GET, API_PREFIX "/policy/maintenance", OP_WINDOW_LIST, "policy",
        "Maintenance windows: which are in force, until when, and when the others begin"),
    ASK(METHOD_GET, API_PREFIX "/jobs", OP_JOB_LIST, "jobs",
        "Long work that runs or ran lately, newest first"),
    ASK(METHOD_GET, API_PREFIX "/jobs/{id}", OP_JOB_SHOW, "jobs",
        "One job: how far it is, or how it ended"),
    ASK(METHOD_POST, API_PREFIX "/jobs/{id}/cancel", OP_JOB_CANCEL, "jobs",
        "Cancels a job that runs: one's own, or as an admin any"),
    ASK(METHOD_GET, API_PREFIX "/enforcement", OP_ENFORCEMENT_SHOW, "enforcement",
        "Whether containments are enforced"),
    ASK(METHOD_POST, API_PREFIX "/enforcement/panic", OP_ENFORCEMENT_PANIC, "enforcement",
        "Suspends all enforcement at once"),
    ASK(METHOD_POST, API_PREFIX "/enforcement/resume", OP_ENFORCEMENT_RESUME, "enforcement",
        "Puts all containments in force again"),
    ASK(METHOD_GET, API_PREFIX "/conflicts", OP_CONFLICT_LIST, "endpoints",
        "What contradicts itself: MACs in two places, addresses that two claim, ports full of MACs"),
    ASK(METHOD_GET, API_PREFIX "/budgets", OP_BUDGET_SHOW, "enforcement",
        "What policy may isolate by itself, how much of it is used, and whether there is a storm"),
    ASK(METHOD_GET, API_PREFIX "/notifications", OP_NOTIFICATIONS_SHOW, "notifications",
        "Who is told of what, by which channel, and how the channels do"),
    ASK(METHOD_POST, API_PREFIX "/notifications", OP_NOTIFICATIONS_SET, "notifications",
        "Sets all of it; secrets are kept apart and never shown"),
    ASK(METHOD_POST, API_PREFIX "/notifications/{id}/test", OP_NOTIFICATIONS_TEST, "notifications",
        "Sends a real test message by that channel and answers with the receiver's words"),
    ASK(METHOD_GET, API_PREFIX "/notices", OP_NOTICE_LIST, "notifications",
        "What was or is to be sent to whom, and what became of it; newest first"),
    ASK(METHOD_GET, API_PREFIX "/doctor", OP_DOCTOR, "health",
        "What is wrong or works less well, where, and what to do"),
    ASK(METHOD_GET, API_PREFIX "/audit", OP_AUDIT_LIST, "audit",
        "Who did what to what, and why; newest first"),
    ASK(METHOD_GET, API_PREFIX "/retention", OP_RETENTION_SHOW, "retention",
        "How long each kind of what is kept stays, how much there is, and the disk's budget"),
    ASK(METHOD_POST, API_PREFIX "/retention", OP_RETENTION_SET, "retention",
        "Changes how long kinds stay, or the disk's budget"),
    {.method = METHOD_POST, .path = API_PREFIX "/purges", .kind = ROUTE_ASK,
     .op = OP_PURGE_START, .creates = true, .tag = "retention",
     .summary = "Purges everything about an endpoint, address, MAC or name, or all that is older; "
                "or only counts it"},
    ASK(METHOD_GET, API_PREFIX "/purges/{id}", OP_PURGE_SHOW, "retention",
        "What a purge has found, by kind: what went, and what stays because it is needed"),
    ASK(METHOD_GET, API_PREFIX "/backup", OP_BACKUP_SHOW, "backup",
        "The last backup, the schedule, the last good copy, and whether the database was restored"),
    ASK(METHOD_POST, API_PREFIX "/backup/start", OP_BACKUP_START, "backup",
        "Makes a backup now, below the controller's state folder"),
    ASK(METHOD_POST, API_PREFIX "/backup/schedule", OP_BACKUP_SCHEDULE, "backup",
        "How often backups are made by themselves, and how many are kept"),
    {.method = METHOD_GET, .path = API_PREFIX "/backup/download", .kind = ROUTE_EXPORT,
     .op = OP_BACKUP_DOWNLOAD, .media = FILE_MEDIA, .tag = "backup",
     .summary = "The last backup as a file, where it is encrypted; itself in the audit"},
    ASK(METHOD_GET, API_PREFIX "/unproven", OP_UNPROVEN_LIST, "backup",
        "Blocks that switches hold and a restored database did not know; they stay until a person "
        "decides: keep, or release them as containments and server blocks are released"),
    ASK(METHOD_POST, API_PREFIX "/unproven/{id}/keep", OP_UNPROVEN_KEEP, "backup",
        "Keeps one: a containment like any other from now on"),
    ASK(METHOD_GET, API_PREFIX "/storage", OP_STORAGE_SHOW, "health",
        "Size of the database, room on its disk, latency of its commits"),
    ASK(METHOD_GET, API_PREFIX "/watch", OP_WATCH_LIST, "containments",
        "Endpoints that were released lately, until when they are watched, and what came since"),
    ASK(METHOD_GET, API_PREFIX "/server-assessment", OP_SERVER_ASSESS, "server blocks",
        "Before a server is blocked: who talked to it in the last week, and whether it should never be"),
    ASK(METHOD_GET, API_PREFIX "/warning", OP_WARNING_SHOW, "warning page",
        "The texts of the page that contained people see"),
    ASK(METHOD_POST, API_PREFIX "/warning", OP_WARNING_SET, "warning page",
        "Changes the texts; every edge serves them from then on"),
    ASK(METHOD_POST, API_PREFIX "/warning/reset", OP_WARNING_RESET, "warning page",
        "Back to the texts of the configuration file"),
    {.method = METHOD_POST, .path = API_PREFIX "/warning/preview", .kind = ROUTE_ASK,
     .op = OP_WARNING_PREVIEW, .media = HTML_MEDIA, .tag = "warning page",
     .summary = "The page with these texts, byte by byte as an edge serves it; nothing is changed"},
    ASK(METHOD_GET, API_PREFIX "/audit/verify", OP_AUDIT_VERIFY, "audit",
        "Walks through the whole chain of hashes: finds the first row that was edited, removed, "
        "inserted or put elsewhere, and compares it with the signed checkpoints that switches hold"),
    ASK(METHOD_POST, API_PREFIX "/audit/verify", OP_AUDIT_COMPARE, "audit",
        "The same, and compares with checkpoints that were told elsewhere (syslog), too"),
    ASK(METHOD_GET, API_PREFIX "/audit/checkpoints", OP_AUDIT_CHECKPOINTS, "audit",
        "The last signed checkpoints, who keeps them, what checks them, and the last check"),
    {.method = METHOD_GET, .path = API_PREFIX "/audit/export", .kind = ROUTE_EXPORT,
     .op = OP_AUDIT_EXPORT, .media = LINES_MEDIA, .tag = "audit",
     .summary = "The audit as a file, oldest first: JSON lines, CSV or CEF; itself in the audit"},
    ASK(METHOD_GET, API_PREFIX "/certificates", OP_CERTIFICATE_LIST, "certificates",
        "Certificates of switches and sensors, newest first"),
    ASK(METHOD_POST, API_PREFIX "/certificates/{id}/revoke", OP_CERTIFICATE_REVOKE, "certificates",
        "Revokes a certificate by its serial number, or all of a name; its connection is closed"),
    ASK(METHOD_GET, API_PREFIX "/enrolments", OP_ENROLMENT_LIST, "certificates",
        "One-time tokens for switches and sensors, newest first"),
    {.method = METHOD_POST, .path = API_PREFIX "/enrolments", .kind = ROUTE_ASK,
     .op = OP_ENROLMENT_OFFER, .creates = true, .tag = "certificates",
     .summary = "Makes a one-time token for one switch or sensor, and the command to run there"},
    ASK(METHOD_POST, API_PREFIX "/enrolments/{id}/withdraw", OP_ENROLMENT_WITHDRAW,
        "certificates", "Withdraws a token that was not used yet"),
    {.method = METHOD_POST, .path = API_PREFIX "/enrol", .kind = ROUTE_ENROL,
     .op = OP_ENROLMENT_REDEEM, .is_open = true, .tag = "certificates",
     .summary = "Asked by a device: its one-time token and certificate request for a certificate"},
    ASK(METHOD_GET, API_PREFIX "/refused-peers", OP_REFUSED_LIST, "certificates",
        "Switches, sensors and strangers that were refused lately, and why"),
    ASK(METHOD_GET, API_PREFIX "/payload-readers", OP_PAYLOAD_LIST, "accounts",
        "Who may read packets, names and URLs beside administrators, and who may not"),
    ASK(METHOD_POST, API_PREFIX "/payload-readers/{id}", OP_PAYLOAD_SET, "accounts",
        "Allows or denies an account or a token to read packets, names and URLs"),
    ASK(METHOD_GET, API_PREFIX "/version", OP_VERSION, "health",
        "Version, site, epoch and clock"),
    {.method = METHOD_POST, .path = API_PREFIX "/session", .kind = ROUTE_PEOPLE,
     .op = OP_SESSION_OPEN, .is_open = true, .tag = "accounts",
     .summary = "Signs in; sets the cookie __Host-cordon"},
    PEOPLE(METHOD_GET, API_PREFIX "/session", OP_SESSION_SHOW, "accounts",
        "Who is asking, in which role"),
    PEOPLE(METHOD_POST, API_PREFIX "/session/end", OP_SESSION_END, "accounts", "Signs out"),
    PEOPLE(METHOD_POST, API_PREFIX "/session/end-all", OP_SESSION_END_ALL, "accounts",
        "Signs out everywhere"),
    PEOPLE(METHOD_POST, API_PREFIX "/session/password", OP_SESSION_PASSWORD, "accounts",
        "Changes one's own password; all other sessions of the account end"),
    {.method = METHOD_POST, .path = API_PREFIX "/session/code", .kind = ROUTE_PEOPLE,
     .op = OP_SESSION_CODE, .is_open = true, .tag = "accounts",
     .summary = "The second step of a sign-in: the code of the second factor"},
    {.method = METHOD_GET, .path = API_PREFIX "/session/ways", .kind = ROUTE_PEOPLE,
     .op = OP_SESSION_WAYS, .is_open = true, .tag = "accounts",
     .summary = "Which ways there are to sign in"},
    {.method = METHOD_POST, .path = API_PREFIX "/session/openid/begin", .kind = ROUTE_PEOPLE,
     .op = OP_SESSION_OPENID_BEGIN, .is_open = true, .tag = "accounts",
     .summary = "Begins a sign-in at the OpenID provider: where to go"},
    {.method = METHOD_POST, .path = API_PREFIX "/session/openid", .kind = ROUTE_PEOPLE,
     .op = OP_SESSION_OPENID, .is_open = true, .tag = "accounts",
     .summary = "Ends a sign-in at the OpenID provider: with what it sent back"},
    PEOPLE(METHOD_GET, API_PREFIX "/session/list", OP_SESSION_LIST, "accounts",
        "One's own open sessions"),
    PEOPLE(METHOD_POST, API_PREFIX "/session/end-others", OP_SESSION_END_OTHERS, "accounts",
        "Signs out everywhere else"),
    PEOPLE(METHOD_POST, API_PREFIX "/session/factor/begin", OP_FACTOR_BEGIN, "accounts",
        "Begins to set up a second factor: the secret, which is shown in this answer only"),
    PEOPLE(METHOD_POST, API_PREFIX "/session/factor/confirm", OP_FACTOR_CONFIRM, "accounts",
        "The app's first code: from now on sign-in needs one; all other sessions end"),
    PEOPLE(METHOD_POST, API_PREFIX "/session/factor/recover", OP_FACTOR_RECOVER, "accounts",
        "New recovery codes; the old ones are worth nothing"),
    PEOPLE(METHOD_POST, API_PREFIX "/session/factor/remove", OP_FACTOR_REMOVE, "accounts",
        "Takes one's own second factor away, where the role needs none"),
    PEOPLE(METHOD_GET, API_PREFIX "/accounts/rules", OP_ACCOUNT_RULES, "accounts",
        "What cordond.yaml says of sign-in: sources, roles, second factors, tokens"),
    PEOPLE(METHOD_GET, API_PREFIX "/accounts", OP_ACCOUNT_LIST, "accounts", "Accounts of people"),
    {.method = METHOD_POST, .path = API_PREFIX "/accounts", .kind = ROUTE_PEOPLE,
     .op = OP_ACCOUNT_CREATE, .creates = true, .tag = "accounts", .summary = "Makes an account"},
    PEOPLE(METHOD_POST, API_PREFIX "/accounts/{id}/role", OP_ACCOUNT_ROLE, "accounts",
        "Sets the role; the account's sessions end"),
    PEOPLE(METHOD_POST, API_PREFIX "/accounts/{id}/password", OP_ACCOUNT_PASSWORD, "accounts",
        "Sets a password that must be changed at the next sign-in; the account's sessions end"),
    PEOPLE(METHOD_POST, API_PREFIX "/accounts/{id}/disable", OP_ACCOUNT_DISABLE, "accounts",
        "Nobody can sign in with it any more; its sessions end"),
    PEOPLE(METHOD_POST, API_PREFIX "/accounts/{id}/enable", OP_ACCOUNT_ENABLE, "accounts",
        "It can be used again"),
    PEOPLE(METHOD_POST, API_PREFIX "/accounts/{id}/remove", OP_ACCOUNT_REMOVE, "accounts",
        "Removes it; its sessions end"),
    PEOPLE(METHOD_POST, API_PREFIX "/accounts/{id}/end-sessions", OP_ACCOUNT_END_SESSIONS,
        "accounts", "Ends its sessions"),
    PEOPLE(METHOD_POST, API_PREFIX "/accounts/{id}/reset-factor", OP_ACCOUNT_RESET_FACTOR, "accounts",
        "Takes its second factor away, for whoever lost it; its sessions end"),
    PEOPLE(METHOD_GET, API_PREFIX "/tokens", OP_TOKEN_LIST, "accounts", "Tokens of programs"),
    {.method = METHOD_POST, .path = API_PREFIX "/tokens", .kind = ROUTE_PEOPLE,
     .op = OP_TOKEN_CREATE, .creates = true, .tag = "accounts",
     .summary = "Makes a token; it is shown in this answer only"},
    PEOPLE(METHOD_POST, API_PREFIX "/tokens/{id}/revoke", OP_TOKEN_REVOKE, "accounts",
        "Revokes a token at once"),
    {.method = METHOD_GET, .path = API_PREFIX "/events", .kind = ROUTE_EVENTS,
     .media = SSE_MEDIA, .tag = "events",
     .summary = "Live changes; goes on after Last-Event-ID; 'gap' means: load the lists again"},
    {.method = METHOD_GET, .path = API_PREFIX "/openapi.json", .kind = ROUTE_OPENAPI,
     .is_open = true, .tag = "health", .summary = "This document"},
    {.method = METHOD_GET, .path = "/metrics", .kind = ROUTE_METRICS, .op = OP_METRICS,
     .media = PROMETHEUS_MEDIA, .tag = "health", .summary = "Counters for Prometheus"},
    {.method = METHOD_GET, .path = "/health", .kind = ROUTE_HEALTH, .is_open = true,
     .tag = "health", .summary = "Whether cordond answers"},
};
/* clang-format on */
const size_t route_count = COUNT_OF(route_table);

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
route_decode(const char *text, size_t size, bool is_query, char *out, size_t room)
{
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 1 < size ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < size ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = high * 16 + low;
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f || used + 1 >= room) {
            return false;
        }
        out[used++] = (char)c;
    }
    out[used] = '\0';
    return true;
}

/* Segment by segment, both starting at '/'. */
static bool
path_matches(const char *pattern, const char *path, char id[HOST_SIZE])
{
    id[0] = '\0';
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t want = strcspn(pattern, "/");
        size_t have = strcspn(path, "/");
        bool is_variable = want == 4 && strncmp(pattern, "{id}", 4) == 0;
        if (is_variable) {
            if (have == 0 || !route_decode(path, have, false, id, HOST_SIZE)) {
                return false;
            }
        } else if (want != have || strncmp(pattern, path, want) != 0) {
            return false;
        }
        pattern += want;
        path += have;
    }
    return *pattern == '\0' && *path == '\0';
}

enum route_found
route_find(const char *method, const char *path, const struct route **route, char id[HOST_SIZE],
           char allow[32])
{
    char found[HOST_SIZE];
    size_t used = 0;
    allow[0] = '\0';
    for (size_t i = 0; i < route_count; i++) {
        const char *name = route_method_names[route_table[i].method];
        if (!path_matches(route_table[i].path, path, found)) {
            continue;
        }
        if (strcmp(name, method) == 0) {
            *route = &route_table[i];
            memcpy(id, found, sizeof(found));
            return ROUTE_FOUND;
        }
        used += (size_t)snprintf(allow + used, 32 - used, "%s%s", used > 0 ? ", " : "", name);
    }
    return used > 0 ? ROUTE_WRONG_METHOD : ROUTE_UNKNOWN;
}

bool
route_is_allowed(const struct route *route, enum account_role role)
{
    switch (route->kind) {
    case ROUTE_HEALTH:
    case ROUTE_OPENAPI:
    case ROUTE_EVENTS:
        return true; /* every account may look */
    case ROUTE_ASK:
    case ROUTE_TEST:
    case ROUTE_CSV:
    case ROUTE_EXPORT:
    case ROUTE_METRICS:
    case ROUTE_PEOPLE:
    case ROUTE_ENROL:
        break;
    }
    return op_allows(route->op, role);
}
