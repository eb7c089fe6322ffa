/* Parameters of what web answers itself: sign-in, accounts, tokens. */
#include "wire/op_parts.h"

#include <stdio.h>

#include "wire/op.h"
#include "wire/view_field.h"
#include "wire/view_payload.h"

static const struct field sign_in_fields[] = {
    ROW(struct op_sign_in, name, "name", FIELD_TEXT, "account name"),
    ROW(struct op_sign_in, password, "password", FIELD_TEXT, "its password"),
};
const struct shape op_sign_in_shape = SHAPE("SignIn", struct op_sign_in, sign_in_fields, NULL);

static const struct field password_fields[] = {
    ROW(struct op_password, old, "old", FIELD_TEXT, "the password so far"),
    ROW(struct op_password, password, "new", FIELD_TEXT, "the new one: at least 12 characters"),
};
const struct shape op_password_shape =
    SHAPE("PasswordChange", struct op_password, password_fields, NULL);

static const struct field account_create_fields[] = {
    ROW(struct op_account, name, "name", FIELD_TEXT, "letters, digits, '.', '_' and '-'"),
    ROW_ENUM(struct op_account, role, "role", false, account_role_names, "what it may do"),
    ROW(struct op_account, password, "password", FIELD_TEXT,
        "at least 12 characters; must be changed at the first sign-in"),
};
const struct shape op_account_create_shape =
    SHAPE("AccountRequest", struct op_account, account_create_fields, NULL);

static const struct field account_role_fields[] = {
    ROW(struct op_account, id, "id", FIELD_TEXT, "account name"),
    ROW_ENUM(struct op_account, role, "role", false, account_role_names, "what it may do"),
};
const struct shape op_account_role_shape =
    SHAPE("AccountRole", struct op_account, account_role_fields, NULL);

static const struct field account_password_fields[] = {
    ROW(struct op_account, id, "id", FIELD_TEXT, "account name"),
    ROW(struct op_account, password, "password", FIELD_TEXT,
        "at least 12 characters; must be changed at the next sign-in"),
};
const struct shape op_account_password_shape =
    SHAPE("AccountPassword", struct op_account, account_password_fields, NULL);

static const struct field account_id_fields[] = {
    ROW(struct op_account, id, "id", FIELD_TEXT, "account name"),
};
const struct shape op_account_id_shape =
    SHAPE("AccountId", struct op_account, account_id_fields, NULL);

static const struct field token_create_fields[] = {
    ROW(struct op_token, name, "name", FIELD_TEXT, "letters, digits, '.', '_' and '-'"),
    ROW_ENUM(struct op_token, role, "role", false, account_role_names, "what it may do"),
    ROW_RANGE(struct op_token, expires_s, "expires_s", FIELD_UINT, 1, OP_TOKEN_LIFE_MAX_S,
              "it lasts for so many seconds; absent: as cordond.yaml says, else 90 days"),
    ROW_OPT(struct op_token, never_expires, "never_expires", FIELD_BOOL, "it lasts for ever"),
    ROW_OPT(struct op_token, is_read_only, "read_only", FIELD_BOOL, "it changes nothing"),
    {.name = "operations",
     .kind = FIELD_TEXTS,
     .optional = true,
     .at = offsetof(struct op_token, ops),
     .size = NAME_SIZE,
     .count_at = offsetof(struct op_token, op_count),
     .max_count = COUNT_OF(((struct op_token *)0)->ops),
     .about = "only these, by their operationId; absent: whatever the role may"},
    ROW_ENUM(struct op_token, payload, "payload", true, payload_right_names,
             "may it read payload (packets, names and URLs); absent: as its role says"),
    ROW_OPT(struct op_token, reason, "reason", FIELD_TEXT, "why, where payload is said"),
};
static bool
check_token_create(const void *thing, char why[128])
{
    const struct op_token *token = thing;
    if (token->payload != PAYLOAD_BY_ROLE && !op_reason_given(token->reason, why)) {
        return false;
    }
    if (token->never_expires && token->expires_s) {
        snprintf(why, 128, "a token either expires or never does");
        return false;
    }
    return true;
}

const struct shape op_token_create_shape =
    SHAPE("TokenRequest", struct op_token, token_create_fields, check_token_create);

static const struct field code_fields[] = {
    ROW(struct op_code, ticket, "ticket", FIELD_TEXT, "of the answer to the sign-in"),
    ROW(struct op_code, code, "code", FIELD_TEXT, "of the app, or a recovery code"),
};
const struct shape op_code_shape = SHAPE("SignInCode", struct op_code, code_fields, NULL);

static const struct field own_code_fields[] = {
    ROW(struct op_code, code, "code", FIELD_TEXT, "of the app, or a recovery code"),
};
const struct shape op_own_code_shape = SHAPE("Code", struct op_code, own_code_fields, NULL);

static const struct field factor_begin_fields[] = {
    ROW_OPT(struct op_factor_begin, password, "password", FIELD_TEXT,
            "one's own, once more, where it is kept here"),
};
const struct shape op_factor_begin_shape =
    SHAPE("SecondFactorBegin", struct op_factor_begin, factor_begin_fields, NULL);

static const struct field openid_fields[] = {
    ROW(struct op_openid, code, "code", FIELD_TEXT, "as the provider sent it"),
    ROW(struct op_openid, state, "state", FIELD_TEXT, "as the provider sent it"),
};
const struct shape op_openid_shape = SHAPE("OpenIdAnswer", struct op_openid, openid_fields, NULL);
