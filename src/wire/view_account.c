#include "wire/view_account.h"

#include "wire/view_field.h"
#include "wire/view_payload.h"

const char *const account_source_names[ACCOUNT_SOURCE_COUNT + 1] = {"local", "ldap", "openid",
                                                                    NULL};

static const struct field caller_fields[] = {
    ROW(struct view_caller, name, "name", FIELD_TEXT, "the account; token:NAME for a token"),
    ROW_ENUM(struct view_caller, role, "role", false, account_role_names, "what it may do"),
};
static const struct shape caller_shape = SHAPE("Caller", struct view_caller, caller_fields, NULL);

static const struct field session_fields[] = {
    ROW_SUB(struct view_session, account, "account", FIELD_OBJECT, &caller_shape, "who is asking"),
    ROW(struct view_session, must_change, "must_change_password", FIELD_BOOL,
        "true: only /session is served until the password is changed"),
    ROW_OPT(struct view_session, csrf, "csrf", FIELD_TEXT,
            "send it as X-Cordon-Csrf with every POST that is authenticated by the cookie"),
    ROW_OPT(struct view_session, expires_us, "expires_at", FIELD_TIME,
            "the session ends then at the latest; absent: a token that does not expire"),
    ROW(struct view_session, must_enrol, "must_enrol_second_factor", FIELD_BOOL,
        "true: only /session is served until a second factor is set up"),
    ROW(struct view_session, has_factor, "second_factor", FIELD_BOOL,
        "this account's sign-in needs a code"),
    ROW(struct view_session, has_password, "password", FIELD_BOOL,
        "its password is kept here and can be changed here"),
    ROW_OPT(struct view_session, recovery_left, "recovery_codes_left", FIELD_UINT,
            "codes that work once instead of the app's"),
    ROW_OPT(struct view_session, ticket, "ticket", FIELD_TEXT,
            "present: nobody is signed in yet; send it to /session/code with a code, within 5 "
            "minutes"),
};
const struct shape view_session_shape = SHAPE("Session", struct view_session, session_fields, NULL);

static const struct field session_info_fields[] = {
    ROW(struct view_session_info, number, "number", FIELD_UINT, "of this session"),
    ROW(struct view_session_info, opened_us, "opened", FIELD_TIME, "signed in at"),
    ROW(struct view_session_info, used_us, "used", FIELD_TIME, "last request"),
    ROW(struct view_session_info, peer, "address", FIELD_TEXT, "signed in from"),
    ROW_OPT(struct view_session_info, agent, "browser", FIELD_TEXT, "what it says it is"),
    ROW(struct view_session_info, is_current, "current", FIELD_BOOL, "the one that asks"),
};
const struct shape view_session_info_shape =
    SHAPE("SessionInfo", struct view_session_info, session_info_fields, NULL);

static const struct field ways_fields[] = {
    ROW_OPT(struct view_ways, openid, "openid", FIELD_TEXT,
            "name of the OpenID provider; absent: none"),
};
const struct shape view_ways_shape = SHAPE("SignInWays", struct view_ways, ways_fields, NULL);

static const struct field openid_begin_fields[] = {
    ROW_LINES(struct view_openid_begin, url, "url", false, 4096,
              "go there; it sends you back with code and state"),
};
const struct shape view_openid_begin_shape =
    SHAPE("OpenIdBegin", struct view_openid_begin, openid_begin_fields, NULL);

static const struct field factor_fields[] = {
    ROW(struct view_factor, secret, "secret", FIELD_TEXT, "base32, for apps without a camera"),
    ROW(struct view_factor, uri, "uri", FIELD_TEXT, "otpauth:// address, for a QR code"),
};
const struct shape view_factor_shape =
    SHAPE("SecondFactor", struct view_factor, factor_fields, NULL);

static const struct field recovery_fields[] = {
    ROW_TEXTS(struct view_recovery, codes, code_count, "codes",
              "each works once instead of the app's; shown in this answer only"),
};
const struct shape view_recovery_shape =
    SHAPE("RecoveryCodes", struct view_recovery, recovery_fields, NULL);

static const struct field mapping_fields[] = {
    ROW_ENUM(struct view_mapping, source, "source", false, account_source_names, "which source"),
    ROW(struct view_mapping, group, "group", FIELD_TEXT, "whoever is in it there"),
    ROW_ENUM(struct view_mapping, role, "role", false, account_role_names, "has this role here"),
};
static const struct shape mapping_shape =
    SHAPE("RoleMapping", struct view_mapping, mapping_fields, NULL);
static const struct field rules_fields[] = {
    ROW_TEXTS(struct view_rules, factor_roles, factor_role_count, "second_factor_roles",
              "these roles need a second factor"),
    ROW(struct view_rules, token_days, "token_days", FIELD_UINT,
        "how long tokens last where nobody says"),
    ROW(struct view_rules, session_hours, "session_hours", FIELD_UINT,
        "sessions end then at the latest"),
    ROW(struct view_rules, idle_minutes, "idle_minutes", FIELD_UINT, "unused ones end then"),
    ROW_OPT(struct view_rules, ldap, "ldap", FIELD_TEXT, "directory server"),
    ROW_OPT(struct view_rules, openid, "openid", FIELD_TEXT, "OpenID provider"),
    ROW_LIST(struct view_rules, mappings, mapping_count, "mappings", FIELD_LIST, &mapping_shape,
             VIEW_MAPPINGS_MAX, "which group has which role; the first one that fits counts"),
};
const struct shape view_rules_shape = SHAPE("SignInRules", struct view_rules, rules_fields, NULL);

static const struct field account_fields[] = {
    ROW(struct view_account, name, "name", FIELD_TEXT, "what one signs in with"),
    ROW_ENUM(struct view_account, role, "role", false, account_role_names, "what it may do"),
    ROW(struct view_account, is_disabled, "disabled", FIELD_BOOL, "cannot sign in"),
    ROW(struct view_account, must_change, "must_change_password", FIELD_BOOL,
        "has a password that somebody else has seen"),
    ROW_OPT(struct view_account, created_us, "created", FIELD_TIME, "since when"),
    ROW(struct view_account, sessions, "sessions", FIELD_UINT, "open sessions"),
    ROW_ENUM(struct view_account, source, "source", false, account_source_names,
             "where it, its role and its password come from"),
    ROW(struct view_account, has_factor, "second_factor", FIELD_BOOL, "its sign-in needs a code"),
    ROW(struct view_account, must_have_factor, "second_factor_required", FIELD_BOOL,
        "its role needs a second factor"),
};
const struct shape view_account_shape = SHAPE("Account", struct view_account, account_fields, NULL);

static const struct field token_fields[] = {
    ROW(struct view_token, name, "name", FIELD_TEXT, "name, for the audit"),
    ROW_ENUM(struct view_token, role, "role", false, account_role_names, "what it may do"),
    ROW_OPT(struct view_token, created_us, "created", FIELD_TIME, "since when"),
    ROW_OPT(struct view_token, token, "token", FIELD_TEXT,
            "the token itself, in the answer that makes it and never again"),
    ROW_OPT(struct view_token, expires_us, "expires", FIELD_TIME, "absent: never"),
    ROW(struct view_token, is_expired, "expired", FIELD_BOOL, "it is refused"),
    ROW(struct view_token, is_read_only, "read_only", FIELD_BOOL, "it changes nothing"),
    ROW_TEXTS(struct view_token, ops, op_count, "operations",
              "only these; none: whatever the role may"),
    ROW_OPT(struct view_token, used_us, "used", FIELD_TIME, "last used; absent: not yet"),
    ROW_OPT(struct view_token, used_from, "used_from", FIELD_TEXT, "from there"),
    ROW_ENUM(struct view_token, payload, "payload", true, payload_right_names,
             "what was said of reading payload, in the answer that makes it"),
};
const struct shape view_token_shape = SHAPE("Token", struct view_token, token_fields, NULL);
