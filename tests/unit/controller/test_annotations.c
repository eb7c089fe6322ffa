/* What people say of machines: durable before acknowledged, audited, kept through restarts, joins
 * and forgetting; nobody's words are lost to another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_rows.h"
#include "campus.h"
#include "controller/ask/ask.h"
#include "controller/lifecycle.h"
#include "wire/op.h"

#define SECOND INT64_C(1000000)
#define C2 "02:00:00:00:00:02"
#define C3 "02:00:00:00:00:03"
#define TO_COME "02:00:00:00:00:30"

struct fixture {
    struct campus campus;
    struct asks *asks;
    cJSON *body; /* of the last answer */
    unsigned status;
    int answers;
};

static void
asks_begin(struct fixture *f)
{
    const struct ask_settings settings = {.controller = f->campus.controller};
    f->asks = asks_new(&settings);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    campus_open(&f->campus);
    campus_client(&f->campus, "e1", "p2", 2, "10.1.0.2", "c2");
    campus_client(&f->campus, "e1", "p3", 3, "10.1.0.3", "c3");
    asks_begin(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    campus_close(&f->campus);
    asks_free(f->asks);
    cJSON_Delete(f->body);
    free(f);
    return 0;
}

static void
restart(struct fixture *f)
{
    campus_pass(&f->campus, 3 * SECOND); /* endpoints are written behind */
    asks_free(f->asks);
    campus_restart(&f->campus);
    asks_begin(f);
}

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct fixture *f = context;
    cJSON_Delete(f->body);
    f->body = cJSON_Duplicate(answer->body, true);
    f->status = answer->status;
    f->answers++;
}

/* Without waiting for the answer. */
static void
begin(struct fixture *f, const char *op, const char *parameters)
{
    struct wire_ask asked = {.number = 1,
                             .account = "token:ann",
                             .role = "operator",
                             .parameters = cJSON_Parse(parameters)};
    assert_non_null(asked.parameters);
    snprintf(asked.op, sizeof(asked.op), "%s", op);
    f->status = 0;
    asks_handle(f->asks, &asked, on_answer, f);
    cJSON_Delete(asked.parameters);
}

static unsigned
ask(struct fixture *f, const char *op, const char *parameters)
{
    begin(f, op, parameters);
    campus_settle(&f->campus);
    return f->status;
}

static unsigned
annotate(struct fixture *f, const char *parameters)
{
    return ask(f, "endpoints.annotate", parameters);
}

static const char *
text(const struct fixture *f, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(f->body, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static int
number(const struct fixture *f, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(f->body, name);
    return item ? item->valueint : -1;
}

static unsigned
show(struct fixture *f, const char *who)
{
    char parameters[128];
    snprintf(parameters, sizeof(parameters), "{\"id\":\"%s\"}", who);
    return ask(f, "endpoints.show", parameters);
}

static int
found(struct fixture *f, const char *part)
{
    char parameters[128];
    snprintf(parameters, sizeof(parameters), "{\"q\":\"%s\"}", part);
    assert_int_equal(ask(f, "endpoints.list", parameters), 200);
    return number(f, "total");
}

struct audited {
    size_t count;
    char object[NAME_SIZE], detail[TEXT_SIZE], account[NAME_SIZE];
};

static void
see_audit(void *context, const struct audit_fields *row)
{
    struct audited *audited = context;
    if (strcmp(row->action, "annotate") == 0 && audited->count++ == 0) { /* newest first */
        snprintf(audited->object, sizeof(audited->object), "%s", row->object);
        snprintf(audited->detail, sizeof(audited->detail), "%s", row->detail);
        snprintf(audited->account, sizeof(audited->account), "%s", row->account);
    }
}

static struct audited
audit(struct fixture *f)
{
    struct audited audited = {.count = 0};
    assert_int_equal(audit_rows(f->campus.store, f->campus.base, see_audit, &audited), 0);
    return audited;
}

static void
test_it_is_shown_found_audited_and_kept(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(show(f, C2), 200);
    assert_string_equal(text(f, "class"), "unknown");
    assert_int_equal(number(f, "annotation_version"), 1);
    unsigned published = f->campus.published;
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\",\"class\":\"medical\",\"tags\":[\"Ward 3\"],"
                                 "\"note\":\"pump\",\"owner\":\"Ann\","
                                 "\"owner_email\":\"ann@example.org\"}"),
                     200);
    assert_string_equal(text(f, "class"), "medical");
    assert_int_equal(number(f, "annotation_version"), 2);
    assert_int_equal(f->campus.published, published + 1);
    struct audited audited = audit(f);
    assert_int_equal(audited.count, 1);
    assert_string_equal(audited.object, campus_endpoint(&f->campus, 2)->id);
    assert_string_equal(audited.account, "token:ann");
    assert_string_equal(audited.detail,
                        "class medical; tags Ward 3; owner Ann; e-mail ann@example.org; note pump");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(show(f, C2), 200);
        assert_string_equal(text(f, "class"), "medical");
        assert_string_equal(text(f, "note"), "pump");
        assert_string_equal(text(f, "owner_email"), "ann@example.org");
        assert_string_equal(text(f, "annotated_by"), "token:ann");
        assert_int_equal(number(f, "annotation_version"), 2);
        /* none that could stand in a random id, which is searched too */
        static const char *const parts[] = {"medic", "ward 3", "PUMP", "ann@", "ANN@EX"};
        for (size_t j = 0; j < COUNT_OF(parts); j++) {
            assert_int_equal(found(f, parts[j]), 1);
        }
        assert_int_equal(found(f, "nowhere"), 0);
        restart(f);
    }
}

static void
test_what_says_nothing_new_writes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\",\"class\":\"phone\"}"), 200);
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\",\"class\":\"phone\",\"note\":\"  \"}"), 200);
    assert_int_equal(number(f, "annotation_version"), 2);
    assert_int_equal(audit(f).count, 1);
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\"}"), 200);
    assert_int_equal(audit(f).count, 2);
    assert_int_equal(topology_annotation_count(controller_topology(f->campus.controller)), 0);
    restart(f);
    assert_int_equal(show(f, C2), 200);
    assert_string_equal(text(f, "class"), "unknown");
}

static void
test_nobodys_words_are_lost(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\",\"note\":\"one\",\"version\":1}"), 200);
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\",\"note\":\"two\",\"version\":1}"), 409);
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\",\"note\":\"two\",\"version\":2}"), 200);
    /* Both made from version 3, the second while the first is on its way to the disk. */
    int before = f->answers;
    begin(f, "endpoints.annotate", "{\"id\":\"" C2 "\",\"note\":\"three\",\"version\":3}");
    begin(f, "endpoints.annotate", "{\"id\":\"" C2 "\",\"note\":\"other\",\"version\":3}");
    begin(f, "endpoints.annotate", "{\"id\":\"" C3 "\",\"note\":\"another\",\"version\":1}");
    assert_int_equal(f->answers, before); /* nobody is told before it is stored */
    campus_settle(&f->campus);
    assert_int_equal(f->answers, before + 3);
    assert_int_equal(show(f, C2), 200);
    assert_string_equal(text(f, "note"), "three");
    assert_int_equal(number(f, "annotation_version"), 4);
    assert_int_equal(show(f, C3), 200);
    assert_string_equal(text(f, "note"), "another");
    assert_int_equal(audit(f).count, 4);
}

static void
test_a_machine_to_come(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(annotate(f, "{\"id\":\"02-00-00-00-00-30\",\"class\":\"printer\"}"), 200);
    assert_string_equal(text(f, "endpoint_id"), "");
    assert_string_equal(audit(f).object, TO_COME);
    restart(f);
    assert_int_equal(ask(f, "annotations.list", "{\"unseen\":true}"), 200);
    assert_int_equal(number(f, "total"), 1);
    assert_int_equal(ask(f, "annotations.list", "{\"unseen\":true,\"q\":\"camera\"}"), 200);
    assert_int_equal(number(f, "total"), 0);
    campus_client(&f->campus, "e2", "p3", 0x30, "10.1.0.48", NULL);
    assert_int_equal(show(f, TO_COME), 200);
    assert_string_equal(text(f, "class"), "printer");
    assert_int_equal(ask(f, "annotations.list", "{\"unseen\":true}"), 200);
    assert_int_equal(number(f, "total"), 0);
    assert_int_equal(ask(f, "annotations.list", "{}"), 200);
    assert_int_equal(number(f, "total"), 1);
}

static void
test_who_cannot_be_meant(void **state)
{
    struct fixture *f = *state;
    static const char *const nobodys[] = {"ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00",
                                          "00:00:5e:00:01:07"};
    char parameters[128];
    for (size_t i = 0; i < COUNT_OF(nobodys); i++) {
        snprintf(parameters, sizeof(parameters), "{\"id\":\"%s\",\"note\":\"x\"}", nobodys[i]);
        assert_int_equal(annotate(f, parameters), 422);
    }
    assert_int_equal(annotate(f, "{\"id\":\"10.1.0.99\",\"note\":\"x\"}"), 404);
    assert_int_equal(annotate(f, "{\"id\":\"nobody\",\"note\":\"x\"}"), 404);
    assert_int_equal(audit(f).count, 0);
}

/* A phone that changes its MAC keeps what is said of it, with either. */
static void
test_a_mac_that_joins_bears_it_too(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\",\"class\":\"phone\",\"note\":\"Ann's\"}"),
                     200);
    clock_fake_advance(&f->campus.clock, 600 * SECOND);
    campus_fact(&f->campus, "e1", &(struct fact){.kind = FACT_LINK_DOWN, .port = "p2"});
    campus_client(&f->campus, "e1", "p4", 0x22, "10.1.0.22", "c2");
    assert_ptr_equal(campus_endpoint(&f->campus, 2), campus_endpoint(&f->campus, 0x22));
    assert_int_equal(topology_annotation_count(controller_topology(f->campus.controller)), 2);
    restart(f);
    struct mac joined = campus_mac(0x22);
    const struct annotation *said =
        topology_annotation(controller_topology(f->campus.controller), &joined);
    assert_non_null(said);
    assert_string_equal(said->note, "Ann's");
    assert_int_equal(audit(f).count, 1);
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\",\"class\":\"phone\",\"note\":\"Bo's\"}"), 200);
    assert_string_equal(said->note, "Bo's"); /* of both MACs */
}

/* Whoever sends a pump's DHCP client id is no pump before a person says so: policies do not spare
 * it. */
static void
test_a_class_that_was_only_inherited_spares_nobody(void **state)
{
    struct fixture *f = *state;
    char policy[8192];
    snprintf(policy, sizeof(policy),
             "%s"
             "rollout: [{name: medical, when: {classes: [medical]}, mode: approve}]\n",
             campus_policy);
    f->campus.policy_text = policy;
    restart(f);
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\",\"class\":\"medical\"}"), 200);
    campus_detect(&f->campus, "genuine", "10.1.0.2", STRENGTH_STRONG);
    assert_int_equal(campus_newest(&f->campus)->state, CONTAINMENT_PENDING);
    assert_int_equal(campus_newest(&f->campus)->hold, HOLD_ROLLOUT);
    clock_fake_advance(&f->campus.clock, 600 * SECOND);
    campus_fact(&f->campus, "e1", &(struct fact){.kind = FACT_LINK_DOWN, .port = "p2"});
    campus_client(&f->campus, "e1", "p4", 0x22, "10.1.0.22", "c2");
    assert_ptr_equal(campus_endpoint(&f->campus, 2), campus_endpoint(&f->campus, 0x22));
    restart(f); /* kept as inherited */
    campus_detect(&f->campus, "attack", "10.1.0.22", STRENGTH_STRONG);
    assert_int_equal(campus_newest(&f->campus)->action, ACTION_ISOLATE);
    assert_true(lifecycle_is_in_force(campus_newest(&f->campus)->state));
}

static void
test_a_person_confirms_what_was_inherited(void **state)
{
    struct fixture *f = *state;
    const char *said = "{\"id\":\"" C2 "\",\"class\":\"medical\"}";
    struct mac joined = campus_mac(0x22);
    struct topology *topology = controller_topology(f->campus.controller);
    assert_int_equal(annotate(f, said), 200);
    clock_fake_advance(&f->campus.clock, 600 * SECOND);
    campus_fact(&f->campus, "e1", &(struct fact){.kind = FACT_LINK_DOWN, .port = "p2"});
    campus_client(&f->campus, "e1", "p4", 0x22, "10.1.0.22", "c2");
    assert_true(topology_annotation(topology, &joined)->is_inherited);
    assert_int_equal(controller_conflict_count(f->campus.controller), 1);
    assert_non_null(strstr(controller_conflict_at(f->campus.controller, 0)->why,
                           "02:00:00:00:00:22 uses the DHCP client id"));
    assert_int_equal(annotate(f, said), 200); /* the same words again, for both */
    assert_false(topology_annotation(topology, &joined)->is_inherited);
    assert_int_equal(audit(f).count, 2);
}

/* ---- CSV out and in ---- */

static const char *
row_member(const struct fixture *f, int row, const char *name)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(f->body, "rows");
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(rows, row), name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void
test_rows_are_judged_one_by_one(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(annotate(f, "{\"id\":\"" C2 "\",\"note\":\"kept\",\"tags\":[\"old\"]}"), 200);
    static const char rows[] =
        "\"columns\":[\"class\",\"tags\"],\"rows\":["
        "{\"line\":2,\"mac\":\"" C2
        "\",\"class\":\"Phone\",\"tags\":\"a; b;;\",\"note\":\"not taken\"},"
        "{\"line\":3,\"mac\":\"0200.0000.0030\",\"class\":\"iot\"},"
        "{\"line\":4,\"mac\":\"" C3 "\"},"
        "{\"line\":5,\"mac\":\"" C2 "\",\"class\":\"iot\"},"
        "{\"line\":6,\"mac\":\"ff:ff:ff:ff:ff:ff\"},"
        "{\"line\":7,\"mac\":\"02:00:00:00:00:31\",\"class\":\"toaster\"},"
        "{\"line\":8,\"mac\":\"02:00:00:00:00:32\",\"tags\":\"1;2;3;4;5;6;7;8;9;10;11\"}]}";
    static const char *const results[] = {"changed", "created", "unchanged", "refused",
                                          "refused", "refused", "refused"};
    char parameters[2048];
    for (int dry = 1; dry >= 0; dry--) {
        snprintf(parameters, sizeof(parameters), "{\"dry_run\":%s,%s", dry ? "true" : "false",
                 rows);
        assert_int_equal(ask(f, "endpoints.import", parameters), 200);
        for (int i = 0; i < (int)COUNT_OF(results); i++) {
            assert_string_equal(row_member(f, i, "result"), results[i]);
        }
        assert_non_null(strstr(row_member(f, 3, "why"), "line 2"));
        assert_int_equal(number(f, "refused"), 4);
        assert_int_equal(audit(f).count, dry ? 1 : 3);
    }
    restart(f);
    assert_int_equal(show(f, C2), 200);
    assert_string_equal(text(f, "class"), "phone");
    assert_string_equal(text(f, "note"), "kept"); /* no column of the file */
    assert_int_equal(found(f, "old"), 0);
    assert_int_equal(ask(f, "annotations.list", "{\"unseen\":true}"), 200);
    assert_int_equal(number(f, "total"), 1);
    snprintf(parameters, sizeof(parameters), "{%s", rows);
    assert_int_equal(ask(f, "endpoints.import", parameters), 200);
    assert_int_equal(number(f, "unchanged"), 3);
}

/* 500 rows go in slices; whoever comes between is served. */
static void
test_a_long_list_lets_others_through(void **state)
{
    struct fixture *f = *state;
    cJSON *asked = cJSON_CreateObject();
    cJSON *rows = cJSON_AddArrayToObject(asked, "rows");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(asked, "columns"), cJSON_CreateString("note"));
    for (int i = 0; i < IMPORT_ROWS_MAX; i++) {
        char mac[MAC_TEXT_SIZE];
        cJSON *row = cJSON_CreateObject();
        snprintf(mac, sizeof(mac), "06:00:00:00:%02x:%02x", i >> 8, i & 0xff);
        cJSON_AddNumberToObject(row, "line", i + 2);
        cJSON_AddStringToObject(row, "mac", mac);
        cJSON_AddStringToObject(row, "note", "of the list");
        cJSON_AddItemToArray(rows, row);
    }
    char *parameters = cJSON_PrintUnformatted(asked);
    int before = f->answers;
    begin(f, "endpoints.import", parameters);
    begin(f, "endpoints.annotate", "{\"id\":\"" C2 "\",\"note\":\"between\"}");
    while (f->answers == before) {
        event_base_loop(f->campus.base, EVLOOP_ONCE);
    }
    assert_string_equal(text(f, "note"), "between"); /* answered first */
    campus_settle(&f->campus);
    assert_int_equal(f->answers, before + 2);
    assert_int_equal(number(f, "created"), IMPORT_ROWS_MAX);
    assert_int_equal(topology_annotation_count(controller_topology(f->campus.controller)),
                     IMPORT_ROWS_MAX + 1);
    cJSON_free(parameters);
    cJSON_Delete(asked);
}

static void
test_an_export_goes_on_though_endpoints_come_and_go(void **state)
{
    struct fixture *f = *state;
    campus_client(&f->campus, "e2", "p1", 4, "10.1.0.4", "c4");
    assert_int_equal(annotate(f, "{\"id\":\"" TO_COME "\",\"tags\":[\"=x\",\"y\"]}"), 200);
    assert_int_equal(ask(f, "endpoints.export", "{\"limit\":1}"), 200);
    assert_non_null(strstr(text(f, "csv"), C2 ",,,,,,,10.1.0.2,,e1,p2,"));
    char parameters[128];
    snprintf(parameters, sizeof(parameters), "{\"limit\":500,\"cursor\":\"%s\"}", text(f, "next"));
    /* The one that the cursor names joins another: it is gone, and nobody else is left out. */
    clock_fake_advance(&f->campus.clock, 600 * SECOND);
    campus_fact(&f->campus, "e1", &(struct fact){.kind = FACT_LINK_DOWN, .port = "p2"});
    assert_int_equal(ask(f, "endpoints.export", parameters), 200);
    assert_non_null(strstr(text(f, "csv"), C3));
    assert_non_null(strstr(text(f, "csv"), "02:00:00:00:00:04"));
    assert_non_null(strstr(text(f, "csv"), TO_COME ",,\"'=x;y\",,,,"));
    assert_null(strstr(text(f, "csv"), C2));
    assert_null(cJSON_GetObjectItemCaseSensitive(f->body, "next"));
    snprintf(parameters, sizeof(parameters), "{\"cursor\":\"e%s\"}", "00000000000000000000000000");
    assert_int_equal(ask(f, "endpoints.export", parameters), 200); /* one that nobody knows */
    assert_non_null(strstr(text(f, "csv"), C2));
}

/* ---- map ---- */

static void
test_the_map_is_kept_and_not_overwritten(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "map.show", "{}"), 200);
    assert_int_equal(number(f, "version"), 0);
    static const char first[] = "{\"places\":[{\"switch\":\"e1\",\"x\":-7,\"y\":8},"
                                "{\"switch\":\"e2\",\"x\":1,\"y\":2}],\"version\":0}";
    begin(f, "map.place", first);
    begin(f, "map.place", first); /* while the first is being stored */
    assert_int_equal(f->status, 409);
    campus_settle(&f->campus);
    assert_int_equal(f->status, 200);
    assert_int_equal(ask(f, "map.place", first), 409); /* made from version 0 */
    assert_int_equal(ask(f, "map.place",
                         "{\"places\":[{\"switch\":\"e2\",\"x\":3,\"y\":4}],"
                         "\"version\":1}"),
                     200);
    restart(f);
    assert_int_equal(ask(f, "map.show", "{}"), 200);
    assert_int_equal(number(f, "version"), 2);
    char *shown = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(f->body, "places"));
    assert_string_equal(shown, "[{\"switch\":\"e1\",\"x\":-7,\"y\":8},"
                               "{\"switch\":\"e2\",\"x\":3,\"y\":4}]");
    cJSON_free(shown);
}

/* ---- protected by hand ---- */

static unsigned
protect(struct fixture *f, const char *who)
{
    char parameters[128];
    struct wire_ask asked = {.number = 1, .account = "token:ann", .role = "admin"};
    snprintf(parameters, sizeof(parameters), "{\"id\":\"%s\",\"reason\":\"pump\"}", who);
    snprintf(asked.op, sizeof(asked.op), "endpoints.protect");
    asked.parameters = cJSON_Parse(parameters);
    asks_handle(f->asks, &asked, on_answer, f);
    cJSON_Delete(asked.parameters);
    campus_settle(&f->campus);
    return f->status;
}

static unsigned
contain(struct fixture *f, const char *mac)
{
    char parameters[128];
    snprintf(parameters, sizeof(parameters),
             "{\"action\":\"isolate\",\"mac\":\"%s\",\"reason\":\"r\"}", mac);
    return ask(f, "containments.create", parameters);
}

static void
test_who_is_protected_by_hand_is_not_contained(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "endpoints.protect", "{\"id\":\"" C2 "\",\"reason\":\"r\"}"), 403);
    assert_int_equal(protect(f, C2), 200);
    assert_int_equal(protect(f, C2), 200);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(contain(f, C2), 409);
        assert_int_equal(show(f, C2), 200);
        assert_string_equal(text(f, "protected_why"), "pump");
        restart(f);
    }
    /* The other way round a person has to release it first. */
    assert_int_equal(contain(f, C3), 201);
    assert_int_equal(protect(f, C3), 409);
    assert_non_null(strstr(text(f, "detail"), "release"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_shown_found_audited_and_kept),
        TEST(test_what_says_nothing_new_writes_nothing),
        TEST(test_nobodys_words_are_lost),
        TEST(test_a_machine_to_come),
        TEST(test_who_cannot_be_meant),
        TEST(test_a_mac_that_joins_bears_it_too),
        TEST(test_a_class_that_was_only_inherited_spares_nobody),
        TEST(test_a_person_confirms_what_was_inherited),
        TEST(test_rows_are_judged_one_by_one),
        TEST(test_a_long_list_lets_others_through),
        TEST(test_an_export_goes_on_though_endpoints_come_and_go),
        TEST(test_the_map_is_kept_and_not_overwritten),
        TEST(test_who_is_protected_by_hand_is_not_contained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
