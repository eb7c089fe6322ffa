/* POST /policy/test: raw lines -> parsed lines for core, which reads only checked messages.  The
 * parsers of other makers' formats come from intake, handed in where cordond is put together. */
#ifndef CORDON_WEB_EVENT_LINES_H
#define CORDON_WEB_EVENT_LINES_H

#include "web/web.h"
#include "wire/codec.h"

/* 'body' as in test_raw_shape -> parameters of the operation policy.test; NULL: 'error' says what
 * is wrong.  The caller owns the result. */
cJSON *event_lines_parse(const cJSON *body, web_parse_line_fn *parse_line,
                         const struct config *config, struct codec_error *error);

#endif
