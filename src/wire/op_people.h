/* A part of op.c's table; only for op.c. */
#ifndef CORDON_WIRE_OP_PEOPLE_H
#define CORDON_WIRE_OP_PEOPLE_H

#include "wire/codec.h"

extern const struct shape op_sign_in_shape, op_password_shape, op_account_create_shape,
    op_account_role_shape, op_account_password_shape, op_account_id_shape, op_token_create_shape,
    op_code_shape, op_own_code_shape, op_factor_begin_shape, op_openid_shape;

#endif
