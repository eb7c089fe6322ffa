/* The document: each route is in it, every reference leads somewhere, schemas say what the codec
 * does, and docs/api/openapi.json is what the code would write (set CORDON_WRITE to write it). */
#include "web/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "web/route.h"
#include "web/schema.h"
#include "wire/view_containment.h"

static const cJSON *
at(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (!item) {
        fail_msg("no '%s' in the document", name);
    }
    return item;
}

static void
has_each_route(void **state)
{
    cJSON *document = openapi_make();
    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        const cJSON *path = at(at(document, "paths"), route_table[i].path);
        const cJSON *operation = at(path, route_table[i].method == METHOD_GET ? "get" : "post");
        const cJSON *responses = at(operation, "responses");
        at(responses, "200");
        bool signs_in = route_table[i].kind == ROUTE_PEOPLE && route_table[i].op != OP_SESSION_WAYS;
        assert_int_equal(cJSON_HasObjectItem(responses, "401"),
                         !route_table[i].is_open || signs_in);
        assert_int_equal(cJSON_HasObjectItem(operation, "requestBody"),
                         route_table[i].method == METHOD_POST);
    }
    cJSON_Delete(document);
}

static unsigned
check_references(const cJSON *json, const cJSON *schemas)
{
    static const char prefix[] = "#/components/schemas/";
    unsigned count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        if (item->string && strcmp(item->string, "$ref") == 0) {
            assert_memory_equal(item->valuestring, prefix, sizeof(prefix) - 1);
            at(schemas, item->valuestring + sizeof(prefix) - 1);
            count++;
        }
        count += check_references(item, schemas);
    }
    return count;
}

static void
references_lead_somewhere(void **state)
{
    cJSON *document = openapi_make();
    (void)state;
    assert_true(check_references(document, at(at(document, "components"), "schemas")) > 100);
    cJSON_Delete(document);
}

static void
schemas_say_what_the_codec_does(void **state)
{
    cJSON *components = cJSON_CreateObject();
    cJSON_Delete(schema_refer(&view_containment_detail_shape, components));
    const cJSON *schema = at(components, "ContainmentDetail");
    const cJSON *properties = at(schema, "properties");
    (void)state;
    assert_true(cJSON_IsFalse(at(schema, "additionalProperties")));
    assert_string_equal(at(at(properties, "requested"), "format")->valuestring, "date-time");
    assert_int_equal(cJSON_GetArraySize(at(at(properties, "state"), "enum")),
                     CONTAINMENT_STATE_COUNT);
    assert_int_equal(at(at(properties, "reason"), "maxLength")->valueint, TEXT_SIZE - 1);
    assert_int_equal(at(at(properties, "timeline"), "maxItems")->valueint, MARKS_MAX);
    at(components, "TimelineStep");
    at(components, "Location");
    bool is_required = false;
    const cJSON *name;
    cJSON_ArrayForEach(name, at(schema, "required"))
    {
        assert_string_not_equal(name->valuestring, "reason"); /* may be left out */
        is_required |= strcmp(name->valuestring, "requested") == 0;
    }
    assert_true(is_required);
    cJSON_Delete(components);
}

static void
document_in_docs_is_ours(void **state)
{
    const char *source = getenv("CORDON_SOURCE");
    char path[1024];
    char *kept = NULL;
    size_t size = 0;
    (void)state;
    if (!source) {
        skip();
    }
    snprintf(path, sizeof(path), "%s/docs/api/openapi.json", source);
    char *text = openapi_text();
    if (getenv("CORDON_WRITE")) {
        assert_int_equal(file_write_atomic(path, text, strlen(text), 0644), 0);
    }
    assert_int_equal(file_read(path, 4 * 1024 * 1024, &kept, &size), 0);
    if (strcmp(kept, text) != 0) {
        fail_msg("docs/api/openapi.json is not what the code says: 'cordond --openapi' writes it");
    }
    free(kept);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_each_route),
        cmocka_unit_test(references_lead_somewhere),
        cmocka_unit_test(schemas_say_what_the_codec_does),
        cmocka_unit_test(document_in_docs_is_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
