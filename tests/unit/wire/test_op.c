/* The operations: found by name, with the least role, and what their parameters must and must not
 * say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/op.h"

#define WHY "\"reason\":\"because\""
#define GOOD NULL, NULL

static const struct {
    enum op op;
    const char *parameters;
    const char *path, *why; /* NULL: taken */
} rows[] = {
    {OP_ENDPOINT_LIST, "{}", GOOD},
    {OP_ENDPOINT_LIST, "{\"q\":\"c1\",\"limit\":500,\"cursor\":7}", GOOD},
    {OP_ENDPOINT_LIST, "{\"limit\":501}", "limit", "out of range"},
    {OP_ENDPOINT_LIST, "{\"limit\":0}", "limit", "out of range"},
    {OP_ENDPOINT_LIST, "{\"state\":\"failed\"}", "state", "is not known here"},
    {OP_ENDPOINT_SHOW, "{}", "id", "is missing"},
    {OP_CONTAINMENT_LIST, "{\"state\":\"verified\",\"action\":\"mirror\",\"ended\":true}", GOOD},
    {OP_CONTAINMENT_LIST, "{\"state\":\"gone\"}", "state",
     "not one of the known words: any, pending, requested, waiting, located, applied, verified, "
     "failed, released, expired, ..."},
    {OP_CONTAINMENT_LIST, "{\"action\":\"notify\"}", "action", "not one of the known words"},
    {OP_INCIDENT_LIST, "{\"endpoint\":\"x\",\"closed\":true}", GOOD},
    {OP_CONTAINMENT_CREATE, "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\"," WHY "}", GOOD},
    {OP_CONTAINMENT_CREATE,
     "{\"action\":\"isolate\",\"mac\":\"02:00:00:00:00:01\",\"permit_set\":\"p\","
     "\"observed_at\":\"2026-03-09T02:58:24.000000Z\",\"expires_in_s\":60,\"external_id\":"
     "\"a\"," WHY "}",
     GOOD},
    {OP_CONTAINMENT_CREATE, "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\"}", "reason",
     "is missing"},
    {OP_CONTAINMENT_CREATE, "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\",\"reason\":\"  \"}", "",
     "a reason is required: it goes into the audit"},
    {OP_CONTAINMENT_CREATE, "{\"action\":\"isolate\"," WHY "}", "",
     "give exactly one of endpoint_id, mac and ip"},
    {OP_CONTAINMENT_CREATE,
     "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\",\"endpoint_id\":\"x\"," WHY "}", "",
     "give exactly one of endpoint_id, mac and ip"},
    {OP_CONTAINMENT_CREATE,
     "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\",\"server\":\"203.0.113.8\"," WHY "}", "",
     "a server is only for block_pair and block_server"},
    {OP_CONTAINMENT_CREATE,
     "{\"action\":\"mirror\",\"ip\":\"192.0.2.7\",\"permit_set\":\"p\"," WHY "}", "",
     "permit_set is only for isolate"},
    {OP_CONTAINMENT_CREATE, "{\"action\":\"mirror\",\"ip\":\"192.0.2.7\"," WHY "}", GOOD},
    {OP_CONTAINMENT_CREATE,
     "{\"action\":\"block_pair\",\"ip\":\"192.0.2.7\",\"server\":\"203.0.113.8\"," WHY "}", GOOD},
    {OP_CONTAINMENT_CREATE, "{\"action\":\"block_pair\",\"ip\":\"192.0.2.7\"," WHY "}", "",
     "give exactly one of server and server_name"},
    {OP_CONTAINMENT_CREATE,
     "{\"action\":\"block_pair\",\"ip\":\"192.0.2.7\",\"server\":\"203.0.113.8\","
     "\"server_name\":\"x.example\"," WHY "}",
     "", "give exactly one of server and server_name"},
    {OP_CONTAINMENT_CREATE,
     "{\"action\":\"block_server\",\"ip\":\"192.0.2.7\",\"server\":\"203.0.113.8\"," WHY "}", "",
     "block_server is for everybody: leave out the endpoint"},
    {OP_CONTAINMENT_CREATE, "{\"action\":\"block_server\",\"server_name\":\"x.example\"," WHY "}",
     GOOD},
    {OP_CONTAINMENT_CREATE, "{\"action\":\"none\",\"ip\":\"192.0.2.7\"," WHY "}", "action",
     "not one of the known words"},
    {OP_CONTAINMENT_CREATE,
     "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\",\"expires_in_s\":0," WHY "}", "expires_in_s",
     "out of range"},
    {OP_CONTAINMENT_CREATE,
     "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\",\"expires_in_s\":31622401," WHY "}",
     "expires_in_s", "out of range"},
    {OP_SERVER_CREATE, "{\"server\":\"203.0.113.0/24\"," WHY "}", GOOD},
    {OP_SERVER_CREATE, "{" WHY "}", "", "give exactly one of server and server_name"},
    /* All of IPv6 would read as "none". */
    {OP_SERVER_CREATE, "{\"server\":\"::/0\"," WHY "}", "server",
     "not an address or prefix (are host bits set?)"},
    {OP_CONTAINMENT_RELEASE, "{\"id\":\"x\"," WHY "}", GOOD},
    {OP_CONTAINMENT_RELEASE, "{\"id\":\"x\",\"reason\":\"\"}", "",
     "a reason is required: it goes into the audit"},
    {OP_CONTAINMENT_EXTEND, "{\"id\":\"x\",\"expires_in_s\":1}", GOOD},
    {OP_CONTAINMENT_EXTEND, "{\"id\":\"x\"}", "expires_in_s", "is missing"},
    {OP_CONTAINMENT_EXTEND, "{\"id\":\"x\",\"expires_in_s\":0}", "expires_in_s", "out of range"},
    {OP_ENDPOINT_ANNOTATE,
     "{\"id\":\"c2\",\"class\":\"medical\",\"tags\":[\"ward 3\"],\"note\":\"n\",\"owner\":\"o\","
     "\"owner_email\":\"o@example.org\",\"version\":3}",
     GOOD},
    {OP_ENDPOINT_ANNOTATE, "{\"id\":\"c2\"}", GOOD}, /* all of it is emptied */
    {OP_ENDPOINT_ANNOTATE, "{\"id\":\"c2\",\"class\":\"pump\"}", "class",
     "not one of the known words"},
    {OP_ENDPOINT_ANNOTATE, "{\"id\":\"c2\",\"tags\":[\"a;b\"]}", "", "tag 1 has a comma"},
    {OP_ENDPOINT_ANNOTATE,
     "{\"id\":\"c2\",\"tags\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\","
     "\"11\"]}",
     "tags", "too many items"},
    {OP_ENDPOINT_ANNOTATE, "{\"id\":\"c2\",\"owner_email\":\"a@b,c@d\"}", "",
     "owner_email is not one"},
    {OP_ENDPOINT_IMPORT,
     "{\"rows\":[{\"line\":2,\"mac\":\"no MAC\",\"tags\":\"a;b\"}],\"columns\":[\"tags\"]}", GOOD},
    {OP_ENDPOINT_IMPORT, "{\"rows\":[],\"columns\":[\"tagz\"]}", "", "columns: class, tags"},
    {OP_ENDPOINT_IMPORT, "{\"rows\":[{\"line\":2}],\"columns\":[]}", "rows[0].mac", "is missing"},
    {OP_MAP_PLACE,
     "{\"places\":[{\"switch\":\"e1\",\"x\":-5,\"y\":7}],\"removed\":[\"e2\"],\"version\":1}",
     GOOD},
    {OP_MAP_PLACE, "{\"places\":[{\"switch\":\"e1\",\"x\":100001,\"y\":7}],\"version\":1}",
     "places[0].x", "out of range"},
    {OP_MAP_PLACE, "{\"places\":[]}", "version", "is missing"},
    {OP_ANNOTATION_LIST, "{\"q\":\"ward\",\"unseen\":true}", GOOD},
    {OP_REPLAY_START, "{\"days\":7,\"assume\":\"auto\",\"policy\":\"defaults: {}\"}", GOOD},
    {OP_REPLAY_START, "{}", "days", "is missing"},
    {OP_REPLAY_START, "{\"days\":0}", "days", "out of range"},
    {OP_REPLAY_START, "{\"days\":91}", "days", "out of range"},
    {OP_REPLAY_START, "{\"days\":1,\"assume\":\"yes\"}", "assume", "not one of the known words"},
    {OP_REPLAY_LIST, "{\"id\":\"x\",\"outcome\":\"held\",\"limit\":5}", GOOD},
    {OP_REPLAY_LIST, "{\"outcome\":\"held\"}", "id", "is missing"},
    {OP_ENFORCEMENT_PANIC, "{" WHY "}", GOOD},
    {OP_ENFORCEMENT_PANIC, "{}", "reason", "is missing"},
    {OP_POLICY_TEST, "{\"lines\":[{\"line\":1,\"why\":\"no JSON\"}],\"assume\":true}", GOOD},
    {OP_POLICY_TEST, "{\"lines\":[{\"line\":1,\"detection\":{\"id\":\"d\"}}]}",
     "lines[0].detection.sensor", "is missing"},
    {OP_POLICY_TEST, "{}", "lines", "is missing"},
    {OP_POLICY_TEST, "{\"lines\":[],\"policy\":\"a:\\n\\tb # \u5b9a\\n\"}", GOOD},
    {OP_POLICY_TEST, "{\"lines\":[],\"policy\":\"\\u001b\"}", "policy", "has control characters"},
    {OP_POLICY_TEST, "{\"lines\":[],\"policy\":\"a\u202eb\"}", "policy", "has control characters"},
    {OP_POLICY_CHECK, "{\"text\":\"\"}", GOOD},
    {OP_POLICY_CHECK, "{}", "text", "is missing"},
    {OP_POLICY_SAVE, "{\"text\":\"a\\n\",\"base_revision\":3,\"overwrite_file\":true," WHY "}",
     GOOD},
    {OP_POLICY_SAVE, "{\"text\":\"a\\n\"," WHY "}", "base_revision", "is missing"},
    {OP_POLICY_SAVE, "{\"text\":\"a\\n\",\"base_revision\":0," WHY "}", "",
     "base_revision must name"},
    {OP_POLICY_SAVE, "{\"text\":\"a\\n\",\"base_revision\":3,\"reason\":\" \"}", "",
     "a reason is required: it goes into the audit"},
    {OP_REVISION_RESTORE, "{\"id\":\"3\"," WHY "}", GOOD},
    {OP_REVISION_RESTORE, "{\"id\":\"3\"}", "reason", "is missing"},
};

static void
test_parameters(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct shape *shape = op_table[rows[i].op].parameters;
        struct codec_error error;
        void *thing = mem_new(1, shape->size);
        cJSON *json = codec_parse(rows[i].parameters, strlen(rows[i].parameters));
        assert_non_null(json);
        int result = codec_decode(shape, json, thing, &error);
        if (result != (rows[i].why ? -EBADMSG : 0)) {
            fail_msg("%s: %s %s", rows[i].parameters, error.path, error.why);
        }
        if (result) {
            assert_string_equal(error.path, rows[i].path);
            assert_memory_equal(error.why, rows[i].why, strlen(rows[i].why));
        } else {
            cJSON *written = codec_encode(shape, thing);
            cJSON_AddStringToObject(json, "x", "y"); /* and nothing more */
            assert_false(cJSON_Compare(json, written, true));
            codec_fini(shape, thing);
            assert_int_equal(codec_decode(shape, json, thing, &error), -EBADMSG);
            assert_string_equal(error.path, "x");
            cJSON_DeleteItemFromObjectCaseSensitive(json, "x");
            assert_true(cJSON_Compare(json, written, true));
            cJSON_Delete(written);
        }
        cJSON_Delete(json);
        free(thing);
    }
}

static void
test_names(void **state)
{
    (void)state;
    enum op op;
    for (int i = 0; i < OP_COUNT; i++) {
        assert_non_null(op_table[i].name);
        assert_true(op_parse(op_table[i].name, &op));
        assert_int_equal(op, i); /* also: no name twice */
        assert_true(strlen(op_table[i].name) < NAME_SIZE);
        assert_false(op_table[i].is_list && !op_table[i].answer);
    }
    static const char *const bad[] = {"", "endpoints", "endpoints.", "Endpoints.list",
                                      "endpoints.list "};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(op_parse(bad[i], &op));
    }
}

/* Whoever may only look can only look; who may do what is written out a second time. */
static void
test_least_roles(void **state)
{
    (void)state;
    static const enum op operators[] = {
        OP_CONTAINMENT_CREATE, OP_CONTAINMENT_RELEASE, OP_CONTAINMENT_EXTEND, OP_SERVER_CREATE,
        OP_SERVER_RELEASE,     OP_SERVER_EXTEND,       OP_PENDING_ENFORCE,    OP_PENDING_CHECK,
        OP_PENDING_REVERT,     OP_POLICY_TEST,         OP_JOB_CANCEL,         OP_REPLAY_START,
        OP_ENFORCEMENT_PANIC,  OP_ENFORCEMENT_RESUME,  OP_ENDPOINT_ANNOTATE,  OP_ENDPOINT_IMPORT,
        OP_MAP_PLACE,          OP_POLICY_CHECK};
    static const enum op admins[] = {
        OP_ENDPOINT_PROTECT,     OP_PROTECTION_CONFIRM,   OP_PROTECTION_REMOVE,
        OP_ACCOUNT_LIST,         OP_ACCOUNT_CREATE,       OP_ACCOUNT_ROLE,
        OP_ACCOUNT_PASSWORD,     OP_ACCOUNT_DISABLE,      OP_ACCOUNT_ENABLE,
        OP_ACCOUNT_REMOVE,       OP_TOKEN_LIST,           OP_TOKEN_CREATE,
        OP_TOKEN_REVOKE,         OP_ACCOUNT_RESET_FACTOR, OP_ACCOUNT_RULES,
        OP_ACCOUNT_END_SESSIONS, OP_POLICY_SAVE,          OP_REVISION_RESTORE,
        OP_NOTIFICATIONS_SET,    OP_NOTIFICATIONS_TEST,   OP_CERTIFICATE_REVOKE,
        OP_ENROLMENT_OFFER,      OP_ENROLMENT_WITHDRAW};
    static const char *const all = "viewer operator admin auditor";
    const char *wanted[OP_COUNT];
    for (int i = 0; i < OP_COUNT; i++) {
        wanted[i] = all;
    }
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        wanted[operators[i]] = "operator admin";
    }
    for (size_t i = 0; i < COUNT_OF(admins); i++) {
        wanted[admins[i]] = "admin";
    }
    wanted[OP_AUDIT_LIST] = wanted[OP_AUDIT_VERIFY] = "operator admin auditor";
    wanted[OP_PAYLOAD_LIST] = "operator admin auditor";
    wanted[OP_PAYLOAD_SET] = "admin";
    wanted[OP_AUDIT_COMPARE] = wanted[OP_AUDIT_CHECKPOINTS] = "operator admin auditor";
    wanted[OP_BACKUP_START] = wanted[OP_BACKUP_SCHEDULE] = wanted[OP_BACKUP_DOWNLOAD] = "admin";
    wanted[OP_RETENTION_SET] = wanted[OP_PURGE_START] = "admin";
    wanted[OP_PURGE_SHOW] = "operator admin auditor";
    wanted[OP_UNPROVEN_KEEP] = "operator admin";
    wanted[OP_WARNING_SET] = wanted[OP_WARNING_RESET] = "admin";
    wanted[OP_AUDIT_EXPORT] = "operator admin auditor";
    wanted[OP_NOTIFICATIONS_SHOW] = wanted[OP_NOTICE_LIST] = "operator admin auditor";
    for (int i = 0; i < OP_COUNT; i++) {
        for (int role = 0; role < ACCOUNT_ROLE_COUNT; role++) {
            bool is_wanted = strstr(wanted[i], account_role_names[role]) != NULL;
            if (op_allows((enum op)i, (enum account_role)role) != is_wanted) {
                fail_msg("%s: %s", op_table[i].name, account_role_names[role]);
            }
        }
    }
}

static void
test_roles(void **state)
{
    (void)state;
    enum account_role role;
    for (int i = 0; i < ACCOUNT_ROLE_COUNT; i++) {
        assert_true(account_role_parse(account_role_names[i], &role));
        assert_int_equal(role, i);
    }
    assert_null(account_role_names[ACCOUNT_ROLE_COUNT]);
    assert_false(account_role_parse("", &role));
    assert_false(account_role_parse("root", &role));
    assert_false(account_role_parse("Admin", &role));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_least_roles),
        cmocka_unit_test(test_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
