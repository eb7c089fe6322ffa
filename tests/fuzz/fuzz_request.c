/* Any bytes as a request of the API: "METHOD PATH?QUERY\nBODY".  What is accepted must survive a
 * second reading, as core does it.  And as a token file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/query.h"
#include "web/route.h"
#include "web/event_lines.h"
#include "web/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
read_tokens(const char *text, size_t size)
{
    struct token_list list;
    char why[256];
    if (token_parse(text, size, &list, why) == 0) {
        for (size_t i = 0; i < list.count; i++) {
            if (!token_name_is_valid(list.tokens[i].name)) {
                abort();
            }
        }
        token_list_fini(&list);
    }
}

static void
check_again(const struct shape *shape, const cJSON *json)
{
    struct codec_error error;
    char *text = cJSON_PrintUnformatted(json);
    cJSON *again = text ? codec_parse(text, strlen(text)) : NULL;
    if (text && again && !query_check(shape, again, &error)) {
        abort(); /* web would accept what core refuses */
    }
    cJSON_Delete(again);
    cJSON_free(text);
}

static void
read_request(const struct route *route, const char *id, const char *query, const char *body)
{
    struct codec_error error;
    const struct shape *shape = op_table[route->op].parameters;
    cJSON *json = route->method == METHOD_GET ? query_read(shape, query, &error)
                                              : codec_parse(body, strlen(body));
    if (json && route->kind == ROUTE_TEST) {
        cJSON *parsed = event_lines_parse(json, NULL, NULL, &error);
        cJSON_Delete(json);
        json = parsed;
    } else if (cJSON_IsObject(json) && id[0]) {
        (void)query_add_id(json, id);
    }
    if (json && query_check(shape, json, &error)) {
        check_again(shape, json);
    }
    cJSON_Delete(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    const struct route *route = NULL;
    char id[HOST_SIZE], allow[32];
    if (!text) {
        return 0;
    }
    memcpy(text, bytes, size);
    text[size] = '\0';
    read_tokens(text, size);
    char *body = strchr(text, '\n');
    char *path = strchr(text, ' ');
    if (body && path && path < body) {
        *body++ = '\0';
        *path++ = '\0';
        char *query = strchr(path, '?');
        if (query) {
            *query++ = '\0';
        }
        if (route_find(text, path, &route, id, allow) == ROUTE_FOUND) {
            read_request(route, id, query, body);
        }
    }
    free(text);
    return 0;
}
