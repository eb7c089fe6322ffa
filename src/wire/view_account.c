#include "wire/view_account.h"

#include "wire/view_field.h"

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
            "the session ends then at the latest; absent: a token"),
};
const struct shape view_session_shape = SHAPE("Session", struct view_session, session_fields, NULL);

static const struct field account_fields[] = {
    ROW(struct view_account, name, "name", FIELD_TEXT, "what one signs in with"),
    ROW_ENUM(struct view_account, role, "role", false, account_role_names, "what it may do"),
    ROW(struct view_account, is_disabled, "disabled", FIELD_BOOL, "cannot sign in"),
    ROW(struct view_account, must_change, "must_change_password", FIELD_BOOL,
        "has a password that somebody else has seen"),
    ROW_OPT(struct view_account, created_us, "created", FIELD_TIME, "since when"),
    ROW(struct view_account, sessions, "sessions", FIELD_UINT, "open sessions"),
};
const struct shape view_account_shape = SHAPE("Account", struct view_account, account_fields, NULL);

static const struct field token_fields[] = {
    ROW(struct view_token, name, "name", FIELD_TEXT, "name, for the audit"),
    ROW_ENUM(struct view_token, role, "role", false, account_role_names, "what it may do"),
    ROW_OPT(struct view_token, created_us, "created", FIELD_TIME, "since when"),
    ROW_OPT(struct view_token, token, "token", FIELD_TEXT,
            "the token itself, in the answer that makes it and never again"),
};
const struct shape view_token_shape = SHAPE("Token", struct view_token, token_fields, NULL);
