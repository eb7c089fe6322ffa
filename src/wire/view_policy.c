#include "wire/view_policy.h"

#include "wire/view_field.h"

static const struct field permit_fields[] = {
    ROW_OPT(struct permit, server, "server", FIELD_PREFIX, "address or prefix"),
    ROW_OPT(struct permit, name, "name", FIELD_TEXT, "DNS name; *.example.org: all below it"),
    ROW_OPT(struct permit, protocol, "protocol", FIELD_UINT, "IP protocol number; absent: any"),
    ROW_OPT(struct permit, port_low, "port_low", FIELD_UINT, "lowest port; absent: any"),
    ROW_OPT(struct permit, port_high, "port_high", FIELD_UINT, "highest port"),
};
static const struct shape permit_shape = SHAPE("Permit", struct permit, permit_fields, NULL);

static const struct field permit_set_fields[] = {
    ROW(struct permit_set, name, "name", FIELD_TEXT, "name of the set"),
    ROW(struct permit_set, allows_dhcp, "allows_dhcp", FIELD_BOOL, "DHCP is permitted"),
    ROW(struct permit_set, forwards_dns, "forwards_dns", FIELD_BOOL,
        "queries for permitted names are forwarded"),
    ROW_LIST(struct permit_set, dhcp_servers, dhcp_server_count, "dhcp_servers", FIELD_IPS, NULL,
             RULE_ADDRESSES_MAX, "known DHCP servers"),
    ROW_LIST(struct permit_set, resolvers, resolver_count, "resolvers", FIELD_IPS, NULL,
             RULE_ADDRESSES_MAX, "resolvers"),
    ROW_LIST(struct permit_set, permits, permit_count, "permits", FIELD_LIST, &permit_shape,
             PERMITS_MAX, "permitted servers"),
};
const struct shape view_permit_set_shape =
    SHAPE("PermitSet", struct permit_set, permit_set_fields, NULL);

#define REVISION_ROWS(type, revision)                                                              \
    ROW(type, revision.number, "revision", FIELD_INT, "its number, from 1; the highest runs"),     \
        ROW(type, revision.at_us, "stored", FIELD_TIME, "when it was stored"),                     \
        ROW(type, revision.account, "account", FIELD_TEXT,                                         \
            "who stored it; file: it was read from the policy file"),                              \
        ROW_OPT(type, revision.reason, "reason", FIELD_TEXT, "why"),                               \
        ROW(type, revision.sha256, "sha256", FIELD_TEXT, "of the text"),                           \
        ROW(type, revision.size, "size", FIELD_UINT, "bytes of the text")

struct revision_only {
    struct revision revision;
};
_Static_assert(sizeof(struct revision_only) == sizeof(struct revision), "one and the same");
static const struct field revision_fields[] = {
    REVISION_ROWS(struct revision_only, revision),
};
const struct shape view_revision_shape =
    SHAPE("PolicyRevision", struct revision, revision_fields, NULL);

static const struct field revision_text_fields[] = {
    REVISION_ROWS(struct view_revision_text, revision),
    ROW_LINES(struct view_revision_text, text, "text", false, POLICY_TEXT_MAX, "the policy (YAML)"),
};
const struct shape view_revision_text_shape =
    SHAPE("PolicyRevisionText", struct view_revision_text, revision_text_fields, NULL);

static const struct field problem_fields[] = {
    ROW_OPT(struct view_policy_problem, line, "line", FIELD_UINT,
            "from 1; absent: the text as a whole"),
    ROW_OPT(struct view_policy_problem, column, "column", FIELD_UINT, "in characters, from 1"),
    ROW_SAID(struct view_policy_problem, what, "what", "word.text.", "what is wrong"),
    ROW_SAID(struct view_policy_problem, advice, "advice", "do.", "what to do"),
};
const struct shape view_policy_problem_shape =
    SHAPE("PolicyProblem", struct view_policy_problem, problem_fields, NULL);

static const struct field check_fields[] = {
    ROW(struct view_policy_check, is_good, "good", FIELD_BOOL, "it could be stored"),
    ROW_LIST(struct view_policy_check, problems, problem_count, "problems", FIELD_LIST,
             &view_policy_problem_shape, POLICY_PROBLEMS_MAX, "the first one of the text"),
};
const struct shape view_policy_check_shape =
    SHAPE("PolicyCheck", struct view_policy_check, check_fields, NULL);

const char *const view_policy_file_state_names[] = {"same",      "refused", "unreadable",
                                                    "unwritten", "changed", NULL};

static const struct field policy_fields[] = {
    ROW_OPT(struct view_policy, file, "file", FIELD_TEXT, "the policy file"),
    ROW_ENUM(struct view_policy, file_state, "file_state", false, view_policy_file_state_names,
             "same: it holds the running policy; refused: what it holds is no good policy; "
             "unreadable; unwritten: it holds an older one; changed: by hand, and not taken over"),
    ROW_SUB(struct view_policy, file_problem, "file_problem", FIELD_POINTER,
            &view_policy_problem_shape, "what keeps the file from being in step"),
    REVISION_ROWS(struct view_policy, revision),
    ROW_LINES(struct view_policy, text, "text", false, POLICY_TEXT_MAX,
              "the running policy (YAML)"),
    ROW_LIST(struct view_policy, sets, set_count, "permit_sets", FIELD_LIST, &view_permit_set_shape,
             VIEW_PERMIT_SETS_MAX, "named sets of permitted traffic"),
    ROW(struct view_policy, protected_count, "protected_count", FIELD_UINT,
        "declared protected addresses and MACs"),
};
const struct shape view_policy_shape = SHAPE("Policy", struct view_policy, policy_fields, NULL);
