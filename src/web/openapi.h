/* The OpenAPI 3.1 document, made from the route table, the operations and their shapes: what the
 * code does and what the document says cannot drift apart. */
#ifndef CORDON_WEB_OPENAPI_H
#define CORDON_WEB_OPENAPI_H

#include "model/text.h"
#include "wire/codec.h"

/* The caller owns the result. */
cJSON *openapi_make(void);
/* Indented text with a newline at the end; freed with free(). */
char *openapi_text(void);

/* What the data of a topic of live events is; NULL: unknown. */
const struct shape *openapi_topic(const char *topic);

/* The body of POST /policy/test. */
#define TEST_TEXT_MAX 16384
struct test_raw_line {
    uint32_t line;
    char text[TEST_TEXT_MAX];
};
struct test_raw {
    struct test_raw_line *lines; /* owned */
    size_t line_count;
    bool assumes;
    char source[NAME_SIZE];
    char run[ID_SIZE];
    bool is_last;
    char *policy; /* owned; NULL: none */
};
extern const struct shape test_raw_shape;

#endif
