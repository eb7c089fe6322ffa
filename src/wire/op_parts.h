/* Shapes of parameters for op.c's table, by subject: op_people.c, op_policy.c; and what the parts
 * share.  Only for them. */
#ifndef CORDON_WIRE_OP_PARTS_H
#define CORDON_WIRE_OP_PARTS_H

#include "wire/codec.h"
#include "wire/view_field.h"

extern const struct shape op_sign_in_shape, op_password_shape, op_account_create_shape,
    op_account_role_shape, op_account_password_shape, op_account_id_shape, op_token_create_shape,
    op_code_shape, op_own_code_shape, op_factor_begin_shape, op_openid_shape;

extern const struct shape op_policy_text_shape, op_policy_save_shape, op_policy_restore_shape,
    op_replay_shape, op_replay_list_shape, op_test_shape;

#define PAGE_ROWS(type, page)                                                                      \
    ROW_OPT(type, page.q, "q", FIELD_TEXT, "any part of a name, address, MAC, switch or port"),    \
        ROW_RANGE(type, page.limit, "limit", FIELD_UINT, 1, OP_LIMIT_MAX, "items per answer"),     \
        ROW_OPT(type, page.cursor, "cursor", FIELD_UINT, "'next' of the answer before")

/* False where it is empty, and 'why' says so. */
bool op_reason_given(const char *reason, char why[128]);

#endif
