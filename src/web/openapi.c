#include "web/openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/route.h"
#include "web/schema.h"
#include "web/session.h"
#include "wire/op.h"
#include "wire/view_containment.h"
#include "wire/view_endpoint.h"
#include "wire/view_field.h"
#include "wire/view_job.h"
#include "wire/view_policy.h"
#include "wire/view_switch.h"
#include "wire/view_system.h"

static const struct field raw_line_fields[] = {
    ROW(struct test_raw_line, line, "line", FIELD_UINT, "number of the line, echoed"),
    ROW(struct test_raw_line, text, "text", FIELD_TEXT, "EVE JSON, CEF or our detection JSON"),
};
static const struct shape raw_line_shape =
    SHAPE("TestLine", struct test_raw_line, raw_line_fields, NULL);
static const struct field raw_fields[] = {
    ROW_LIST(struct test_raw, lines, line_count, "lines", FIELD_LIST, &raw_line_shape,
             TEST_LINES_MAX, "lines of an event file"),
    ROW_OPT(struct test_raw, assumes, "assume", FIELD_BOOL,
            "true: takes every inside address for an endpoint of its own; otherwise the endpoints "
            "and bindings that are known here count"),
    ROW_OPT(struct test_raw, source, "source", FIELD_TEXT,
            "the declared source that the lines come from; absent: the first one of their format"),
    ROW_OPT(struct test_raw, run, "run", FIELD_TEXT,
            "for a file in several requests, so that counts and what is in force carry over: 'new' "
            "in the first, then 'run' of its answer; it is forgotten after a minute"),
    ROW_OPT(struct test_raw, is_last, "last", FIELD_BOOL, "true: nothing more of this run comes"),
    ROW_LINES(struct test_raw, policy, "policy", true, POLICY_TEXT_MAX,
              "a draft to be tried in place of the running policy; of a run, in its first request"),
};
const struct shape test_raw_shape = SHAPE("TestLines", struct test_raw, raw_fields, NULL);

/* Has it an entry in op_table? */
static bool
is_operation(const struct route *route)
{
    return route->kind == ROUTE_ASK || route->kind == ROUTE_TEST || route->kind == ROUTE_CSV ||
           route->kind == ROUTE_METRICS || route->kind == ROUTE_PEOPLE ||
           route->kind == ROUTE_EXPORT || route->kind == ROUTE_ENROL;
}

static cJSON *
content_of(const char *media, cJSON *schema)
{
    cJSON *content = cJSON_CreateObject();
    cJSON *type = cJSON_AddObjectToObject(content, media);
    cJSON_AddItemToObject(type, "schema", schema);
    return content;
}

static void
add_response(cJSON *responses, const char *status, const char *about, cJSON *content)
{
    cJSON *response = cJSON_AddObjectToObject(responses, status);
    cJSON_AddStringToObject(response, "description", about);
    if (content) {
        cJSON_AddItemToObject(response, "content", content);
    }
}

static cJSON *
list_schema(const struct shape *item, cJSON *components)
{
    char name[NAME_SIZE];
    char path[NAME_SIZE + 32];
    snprintf(name, sizeof(name), "%.50sList", item->name);
    if (!cJSON_GetObjectItemCaseSensitive(components, name)) {
        cJSON *schema = cJSON_CreateObject();
        cJSON_AddStringToObject(schema, "type", "object");
        cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
        cJSON *items = cJSON_AddObjectToObject(properties, "items");
        cJSON_AddStringToObject(items, "type", "array");
        cJSON_AddItemToObject(items, "items", schema_refer(item, components));
        cJSON *next = cJSON_AddObjectToObject(properties, "next");
        cJSON_AddStringToObject(next, "type", "integer");
        cJSON_AddStringToObject(next, "description",
                                "'cursor' of the next request; absent: this is the end");
        cJSON *total = cJSON_AddObjectToObject(properties, "total");
        cJSON_AddStringToObject(total, "type", "integer");
        cJSON_AddStringToObject(total, "description", "how many match; absent: not counted");
        cJSON *required = cJSON_AddArrayToObject(schema, "required");
        cJSON_AddItemToArray(required, cJSON_CreateString("items"));
        cJSON_AddFalseToObject(schema, "additionalProperties");
        cJSON_AddItemToObject(components, name, schema);
    }
    snprintf(path, sizeof(path), "#/components/schemas/%s", name);
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddStringToObject(schema, "$ref", path);
    return schema;
}

static cJSON *
good_content(const struct route *route, cJSON *components)
{
    const struct op_info *op = &op_table[route->op];
    cJSON *schema;
    if (route->media) {
        schema = cJSON_CreateObject();
        cJSON_AddStringToObject(schema, "type", "string");
        return content_of(route->media, schema);
    }
    if (route->kind == ROUTE_HEALTH) {
        schema = schema_refer(&view_health_shape, components);
    } else if (route->kind == ROUTE_OPENAPI) {
        schema = cJSON_CreateObject();
        cJSON_AddStringToObject(schema, "type", "object");
    } else if (op->is_list) {
        schema = list_schema(op->answer, components);
    } else {
        schema = schema_refer(op->answer, components);
    }
    return content_of("application/json", schema);
}

/* Is a password or a code shown to it? */
static bool
takes_secret(const struct route *route)
{
    static const enum op takers[] = {OP_SESSION_OPEN,         OP_SESSION_PASSWORD, OP_SESSION_CODE,
                                     OP_SESSION_OPENID_BEGIN, OP_SESSION_OPENID,   OP_FACTOR_BEGIN,
                                     OP_FACTOR_RECOVER,       OP_FACTOR_REMOVE};
    for (size_t i = 0; route->kind == ROUTE_PEOPLE && i < COUNT_OF(takers); i++) {
        if (takers[i] == route->op) {
            return true;
        }
    }
    return false;
}

/* Whose cursors are of one run of core. */
static bool
has_run_cursor(const struct route *route)
{
    static const enum op lists[] = {OP_ENDPOINT_LIST, OP_CONTAINMENT_LIST, OP_SERVER_LIST,
                                    OP_PENDING_LIST, OP_UNPROVEN_LIST};
    for (size_t i = 0; route->kind == ROUTE_ASK && i < COUNT_OF(lists); i++) {
        if (lists[i] == route->op) {
            return true;
        }
    }
    return false;
}

static void
add_problem(cJSON *responses, cJSON *components, const char *status, const char *about)
{
    add_response(
        responses, status, about,
        content_of("application/problem+json", schema_refer(&view_problem_shape, components)));
}

/* What some routes answer beside what every route of their kind does, or instead of it. */
static void
add_own_problems(const struct route *route, cJSON *responses, cJSON *components)
{
    if (has_run_cursor(route)) {
        add_problem(responses, components, "409",
                    "the controller was started anew since that page was given: begin again "
                    "without cursor");
    }
    if (route->op == OP_BACKUP_DOWNLOAD) {
        add_problem(responses, components, "409",
                    "there is no whole backup, or it is not encrypted: it stays on the controller");
    }
    if (takes_secret(route)) {
        cJSON_DeleteItemFromObject(responses, "401");
        add_problem(responses, components, "401", "the name, password or code is wrong");
        cJSON_DeleteItemFromObject(responses, "429");
        add_problem(responses, components, "429",
                    "too many failed attempts: wait as long as Retry-After says");
    }
    if (takes_secret(route) && route->is_open) {
        add_problem(responses, components, "403", "not sent by the console");
    }
    if (route->kind == ROUTE_EVENTS) {
        add_problem(responses, components, "503",
                    "too many listeners: try again after Retry-After");
    } else if (route->kind == ROUTE_HEALTH) {
        add_response(responses, "503", "core is away",
                     content_of("application/json", schema_refer(&view_health_shape, components)));
    }
}

static void
add_problems(const struct route *route, cJSON *responses, cJSON *components)
{
    static const struct {
        const char *status, *about;
        bool needs_token, is_asked, has_id, changes;
    } problems[] = {
        {"400", "malformed request", false, true, false, false},
        {"401", "no token, or an unknown one", true, false, false, false},
        {"403", "the token's role does not suffice", true, false, false, false},
        {"404", "there is no such thing", false, true, true, false},
        {"409", "refused: it would break a rule, or its state does not allow it", false, true,
         false, true},
        {"429", "too many requests: wait as long as Retry-After says", false, false, false, false},
        {"413", "the body or the answer is too large", false, true, false, false},
        {"415", "the body is not application/json", false, true, false, true},
        {"422", "a field or parameter is wrong: see 'where'", false, true, false, false},
        {"500", "an error of ours", false, true, false, false},
        {"503", "core is away or could not store it: try again after Retry-After", false, true,
         false, false},
        {"504", "core did not answer in time", false, true, false, false},
    };
    bool is_asked = is_operation(route);
    bool has_id = strstr(route->path, "{id}") || route->op == OP_CONTAINMENT_CREATE ||
                  route->op == OP_PURGE_START || route->kind == ROUTE_TEST ||
                  (route->kind == ROUTE_PEOPLE &&
                   (route->op == OP_SESSION_OPENID || route->op == OP_SESSION_OPENID_BEGIN));
    bool changes = route->method == METHOD_POST;
    for (size_t i = 0; i < COUNT_OF(problems); i++) {
        if ((problems[i].needs_token && route->is_open) || (problems[i].is_asked && !is_asked) ||
            (problems[i].has_id && !has_id) || (problems[i].changes && !changes)) {
            continue;
        }
        add_problem(responses, components, problems[i].status, problems[i].about);
    }
    add_own_problems(route, responses, components);
}

static void
add_parameter(cJSON *parameters, const char *in, const struct field *field, cJSON *components)
{
    cJSON *parameter = cJSON_CreateObject();
    bool is_path = strcmp(in, "path") == 0;
    cJSON_AddStringToObject(parameter, "name", field->name);
    cJSON_AddStringToObject(parameter, "in", in);
    cJSON_AddBoolToObject(parameter, "required", is_path || !field->optional);
    if (field->about) {
        cJSON_AddStringToObject(parameter, "description", field->about);
    }
    cJSON *schema = schema_of_field(field, components);
    cJSON_DeleteItemFromObject(schema, "description");
    cJSON_AddItemToObject(parameter, "schema", schema);
    cJSON_AddItemToArray(parameters, parameter);
}

static cJSON *
empty_schema(void)
{
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddStringToObject(schema, "type", "object");
    cJSON_AddFalseToObject(schema, "additionalProperties");
    return schema;
}

static void
add_request(const struct route *route, cJSON *operation, cJSON *components)
{
    bool is_asked = is_operation(route) && route->kind != ROUTE_METRICS;
    const struct shape *shape = is_asked ? op_table[route->op].parameters : NULL;
    bool has_id = strstr(route->path, "{id}") != NULL;
    if (route->kind == ROUTE_TEST) {
        shape = &test_raw_shape;
    } else if (route->kind == ROUTE_ENROL) {
        shape = &op_enrol_request_shape;
    }
    cJSON *parameters = cJSON_CreateArray();
    for (size_t i = 0; shape && i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        bool is_path = has_id && strcmp(field->name, "id") == 0;
        if (is_path || route->method == METHOD_GET) {
            add_parameter(parameters, is_path ? "path" : "query", field, components);
        }
    }
    if (cJSON_GetArraySize(parameters) > 0) {
        cJSON_AddItemToObject(operation, "parameters", parameters);
    } else {
        cJSON_Delete(parameters);
    }
    if (route->method == METHOD_POST) {
        cJSON *body = cJSON_AddObjectToObject(operation, "requestBody");
        cJSON_AddTrueToObject(body, "required");
        cJSON *schema = !shape   ? empty_schema()
                        : has_id ? schema_of_shape(shape, "id", components)
                                 : schema_refer(shape, components);
        cJSON_AddItemToObject(body, "content", content_of("application/json", schema));
    }
}

static void
add_last_event_id(cJSON *operation)
{
    cJSON *parameters = cJSON_AddArrayToObject(operation, "parameters");
    cJSON *parameter = cJSON_CreateObject();
    cJSON_AddStringToObject(parameter, "name", "Last-Event-ID");
    cJSON_AddStringToObject(parameter, "in", "header");
    cJSON_AddStringToObject(parameter, "description", "go on after this event");
    cJSON *schema = cJSON_AddObjectToObject(parameter, "schema");
    cJSON_AddStringToObject(schema, "type", "string");
    cJSON_AddItemToArray(parameters, parameter);
}

/* What the data of each topic is; 'gap' carries "why" and "advice". */
static const struct {
    const char *topic;
    const struct shape *shape;
} topics[] = {
    {"containment", &view_containment_shape},
    {"endpoint", &view_endpoint_shape},
    {"incident", &view_incident_shape},
    {"link", &view_link_shape},
    {"switch", &view_switch_shape},
    {"source", &view_source_shape},
    {"job", &view_job_shape},
    {"policy", &view_revision_shape},
    {"map", &view_map_shape},
    {"changed", &view_changed_shape},
};

const struct shape *
openapi_topic(const char *topic)
{
    for (size_t i = 0; i < COUNT_OF(topics); i++) {
        if (strcmp(topics[i].topic, topic) == 0) {
            return topics[i].shape;
        }
    }
    return NULL;
}

static void
add_topics(cJSON *operation, cJSON *components)
{
    cJSON *list = cJSON_AddObjectToObject(operation, "x-events");
    for (size_t i = 0; i < COUNT_OF(topics); i++) {
        cJSON_AddItemToObject(list, topics[i].topic, schema_refer(topics[i].shape, components));
    }
}

static void
add_roles(const struct route *route, cJSON *operation)
{
    cJSON *roles = cJSON_AddArrayToObject(operation, "x-roles");
    for (int role = 0; role < ACCOUNT_ROLE_COUNT; role++) {
        if (route_is_allowed(route, (enum account_role)role)) {
            cJSON_AddItemToArray(roles, cJSON_CreateString(account_role_names[role]));
        }
    }
}

static void
add_route(const struct route *route, cJSON *paths, cJSON *components)
{
    static const char *const verbs[METHOD_COUNT] = {"get", "post"};
    cJSON *path = cJSON_GetObjectItemCaseSensitive(paths, route->path);
    if (!path) {
        path = cJSON_AddObjectToObject(paths, route->path);
    }
    cJSON *operation = cJSON_AddObjectToObject(path, verbs[route->method]);
    bool is_asked = is_operation(route);
    cJSON_AddStringToObject(operation, "operationId",
                            is_asked ? op_table[route->op].name : strrchr(route->path, '/') + 1);
    cJSON_AddStringToObject(operation, "summary", route->summary);
    cJSON *tags = cJSON_AddArrayToObject(operation, "tags");
    cJSON_AddItemToArray(tags, cJSON_CreateString(route->tag));
    if (route->is_open) {
        cJSON_AddArrayToObject(operation, "security");
    } else {
        add_roles(route, operation);
    }
    add_request(route, operation, components);
    if (route->kind == ROUTE_EVENTS) {
        add_last_event_id(operation);
        add_topics(operation, components);
    }
    cJSON *responses = cJSON_AddObjectToObject(operation, "responses");
    add_response(responses, "200", route->creates ? "it was there already" : "good",
                 good_content(route, components));
    if (route->creates) {
        add_response(responses, "201", "made", good_content(route, components));
    }
    add_problems(route, responses, components);
}

cJSON *
openapi_make(void)
{
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "openapi", "3.1.0");
    cJSON *info = cJSON_AddObjectToObject(document, "info");
    cJSON_AddStringToObject(info, "title", "Cordon");
    cJSON_AddStringToObject(info, "version", CORDON_VERSION);
    cJSON_AddStringToObject(info, "description",
                            "Automated threat containment for campus networks. Times are RFC 3339 "
                            "in UTC; what is empty or unknown is left out.");
    cJSON *license = cJSON_AddObjectToObject(info, "license");
    cJSON_AddStringToObject(license, "name", "Apache-2.0");
    cJSON_AddStringToObject(license, "identifier", "Apache-2.0");
    cJSON *security = cJSON_AddArrayToObject(document, "security");
    cJSON *bearer = cJSON_CreateObject();
    cJSON_AddArrayToObject(bearer, "token");
    cJSON_AddItemToArray(security, bearer);
    cJSON *person = cJSON_CreateObject();
    cJSON_AddArrayToObject(person, "session");
    cJSON_AddItemToArray(security, person);
    cJSON *paths = cJSON_AddObjectToObject(document, "paths");
    cJSON *components = cJSON_AddObjectToObject(document, "components");
    cJSON *schemes = cJSON_AddObjectToObject(components, "securitySchemes");
    cJSON *scheme = cJSON_AddObjectToObject(schemes, "token");
    cJSON_AddStringToObject(scheme, "type", "http");
    cJSON_AddStringToObject(scheme, "scheme", "bearer");
    cJSON *cookie = cJSON_AddObjectToObject(schemes, "session");
    cJSON_AddStringToObject(cookie, "type", "apiKey");
    cJSON_AddStringToObject(cookie, "in", "cookie");
    cJSON_AddStringToObject(cookie, "name", SESSION_COOKIE);
    cJSON_AddStringToObject(cookie, "description",
                            "of people; a POST also needs the session's csrf as X-Cordon-Csrf");
    cJSON *schemas = cJSON_AddObjectToObject(components, "schemas");
    for (size_t i = 0; i < route_count; i++) {
        add_route(&route_table[i], paths, schemas);
    }
    return document;
}

char *
openapi_text(void)
{
    cJSON *document = openapi_make();
    char *text = cJSON_Print(document);
    size_t size = strlen(text);
    char *out = malloc(size + 2);
    if (out) {
        memcpy(out, text, size);
        memcpy(out + size, "\n", 2);
    }
    cJSON_free(text);
    cJSON_Delete(document);
    return out;
}
