#include "wire/login.h"

const char *const login_kind_names[LOGIN_KIND_COUNT + 1] = {"password", "begin", "finish", NULL};
const char *const login_outcome_names[LOGIN_OUTCOME_COUNT + 1] = {
    "refused", "unmapped", "away", "busy", "begun", "granted", NULL};

static const struct field login_fields[] = {
    F_UINT(FIELD_NEEDED, struct wire_login, number),
    F_ENUM(FIELD_NEEDED, struct wire_login, kind, login_kind_names),
    F_TEXT(FIELD_OPTIONAL, struct wire_login, name),
    F_TEXT(FIELD_OPTIONAL, struct wire_login, password),
    F_TEXT(FIELD_OPTIONAL, struct wire_login, flow),
    F_TEXT(FIELD_OPTIONAL, struct wire_login, peer),
    F_TEXT(FIELD_OPTIONAL, struct wire_login, code),
    F_TEXT(FIELD_OPTIONAL, struct wire_login, state),
};
const struct shape wire_login_shape = SHAPE("login", struct wire_login, login_fields, NULL);

static const struct field login_result_fields[] = {
    F_UINT(FIELD_NEEDED, struct wire_login_result, number),
    F_ENUM(FIELD_NEEDED, struct wire_login_result, kind, login_kind_names),
    F_TEXT(FIELD_OPTIONAL, struct wire_login_result, about),
    F_ENUM(FIELD_NEEDED, struct wire_login_result, outcome, login_outcome_names),
    F_ENUM(FIELD_NEEDED, struct wire_login_result, source, account_source_names),
    F_TEXT(FIELD_OPTIONAL, struct wire_login_result, name),
    F_TEXT(FIELD_OPTIONAL, struct wire_login_result, subject),
    F_ENUM(FIELD_NEEDED, struct wire_login_result, role, account_role_names),
    {.name = "url",
     .kind = FIELD_LINES,
     .optional = true,
     .at = offsetof(struct wire_login_result, url),
     .size = sizeof(char *),
     .max_count = LOGIN_LINK_MAX},
    F_TEXT(FIELD_OPTIONAL, struct wire_login_result, why),
};
const struct shape wire_login_result_shape =
    SHAPE("login_result", struct wire_login_result, login_result_fields, NULL);
