/* What the tables of a rule cannot say: which members go together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/rule.h"

#define MAC "\"mac\":\"02:00:00:00:00:01\""
#define IP "\"ip\":\"192.0.2.7\""
#define SERVER "\"server\":\"203.0.113.80\""

static const struct {
    const char *kind, *body;
    const char *path, *why; /* NULL: taken */
} rows[] = {
    {"isolate", MAC, NULL, NULL},
    {"isolate", IP, NULL, NULL},
    {"isolate", MAC "," IP, "isolate", "needs a mac or an ip, not both"},
    {"isolate", "", "isolate", "needs a mac or an ip, not both"},
    {"isolate", "\"mac\":\"00:00:00:00:00:00\"", "isolate", "needs a mac or an ip, not both"},
    {"isolate", MAC ",\"case_number\":\"1234567890123456\"", "isolate.case_number", "too long"},
    {"block_pair", MAC "," SERVER, NULL, NULL},
    {"block_pair", MAC "," IP "," SERVER, "block_pair", "needs a mac or an ip, not both"},
    {"block_pair", SERVER, "block_pair", "needs a mac or an ip, not both"},
    {"block_server", "", "block_server.server", "is missing"},
    {"permit_set", "\"name\":\"p\"", NULL, NULL},
    {"permit_set", "\"name\":\"p\",\"permits\":[{}]", "permit_set.permits[0]",
     "needs a server or a name, not both"},
    {"permit_set", "\"name\":\"p\",\"permits\":[{" SERVER ",\"name\":\"x\"}]",
     "permit_set.permits[0]", "needs a server or a name, not both"},
    {"permit_set", "\"name\":\"p\",\"permits\":[{" SERVER ",\"port_low\":443,\"port_high\":80}]",
     "permit_set.permits[0]", "port_low is above port_high"},
    {"permit_set", "\"name\":\"p\",\"permits\":[{" SERVER ",\"protocol\":256}]",
     "permit_set.permits[0].protocol", "out of range"},
    {"mirror", "\"kind\":\"port\",\"carrier\":\"local\",\"out_port\":\"m1\"", NULL, NULL},
    {"mirror", "\"kind\":\"port\",\"carrier\":\"local\"", "mirror",
     "erspan needs erspan_to, rspan rspan_vlan, local out_port"},
    {"mirror", "\"kind\":\"port\",\"carrier\":\"erspan\",\"out_port\":\"m1\"", "mirror",
     "erspan needs erspan_to, rspan rspan_vlan, local out_port"},
    {"mirror", "\"kind\":\"port\",\"carrier\":\"rspan\"", "mirror",
     "erspan needs erspan_to, rspan rspan_vlan, local out_port"},
    {"mirror", "\"kind\":\"port\",\"carrier\":\"rspan\",\"rspan_vlan\":99", NULL, NULL},
    {"mirror", "\"kind\":\"port\",\"carrier\":\"rspan\",\"rspan_vlan\":4095", "mirror.rspan_vlan",
     "out of range"},
    {"mirror",
     "\"kind\":\"always\",\"carrier\":\"erspan\",\"erspan_to\":\"192.0.2.9\","
     "\"session\":1024",
     "mirror.session", "out of range"},
    {"mirror", "\"kind\":\"detailed\",\"carrier\":\"rspan\",\"rspan_vlan\":99", "",
     "a detailed mirror needs a mac or an ip"},
    {"mirror", "\"kind\":\"detailed\",\"carrier\":\"rspan\",\"rspan_vlan\":99," IP, NULL, NULL},
    {"mirror", "\"kind\":\"transit\",\"carrier\":\"rspan\",\"rspan_vlan\":99", "mirror",
     "transit needs carrier rspan, rspan_vlan and out_port"},
    {"mirror", "\"kind\":\"transit\",\"carrier\":\"local\",\"out_port\":\"m1\"", "mirror",
     "transit needs carrier rspan, rspan_vlan and out_port"},
    {"mirror", "\"kind\":\"transit\",\"carrier\":\"rspan\",\"rspan_vlan\":99,\"out_port\":\"m1\"",
     NULL, NULL},
    {"warning", "\"language\":\"ja-Hira-JP\",\"title\":\"t\",\"body\":\"b\"", "warning.language",
     "too long"},
};

static int
decode(const char *text, struct rule *rule, struct codec_error *error)
{
    cJSON *json = codec_parse(text, strlen(text));
    assert_non_null(json);
    int result = codec_decode(&wire_rule_shape, json, rule, error);
    cJSON_Delete(json);
    return result;
}

static void
test_what_belongs_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[512];
        struct rule rule;
        struct codec_error error;
        snprintf(text, sizeof(text), "{\"id\":\"r\",\"kind\":\"%s\",\"%s\":{%s}}", rows[i].kind,
                 rows[i].kind, rows[i].body);
        int result = decode(text, &rule, &error);
        if (!rows[i].why) {
            if (result) {
                fail_msg("%s: %s %s", text, error.path, error.why);
            }
            codec_fini(&wire_rule_shape, &rule);
            continue;
        }
        if (result != -EBADMSG) {
            fail_msg("taken: %s", text);
        }
        assert_string_equal(error.path, rows[i].path);
        assert_string_equal(error.why, rows[i].why);
    }
}

static void
test_only_the_object_of_the_kind(void **state)
{
    (void)state;
    struct rule rule;
    struct codec_error error;
    assert_int_equal(decode("{\"id\":\"r\",\"kind\":\"isolate\"}", &rule, &error), -EBADMSG);
    assert_string_equal(error.path, "isolate");
    assert_int_equal(
        decode("{\"id\":\"r\",\"kind\":\"protect\",\"isolate\":{" MAC "}}", &rule, &error),
        -EBADMSG);
    assert_string_equal(error.why, "does not belong to this kind");
    assert_int_equal(decode("{\"id\":\"r\",\"kind\":\"open\"}", &rule, &error), -EBADMSG);
    assert_string_equal(error.path, "kind");
    assert_int_equal(decode("{\"id\":\"r\",\"isolate\":{" MAC "}}", &rule, &error), -EBADMSG);
    assert_string_equal(error.path, "kind");
    assert_string_equal(error.why, "is missing");
}

/* One list item more than the switch has room for. */
static void
test_lists_are_bounded(void **state)
{
    (void)state;
    static char text[8192];
    struct rule rule;
    struct codec_error error;
    for (int extra = 0; extra < 2; extra++) {
        int used = sprintf(text, "{\"id\":\"r\",\"kind\":\"isolate\",\"isolate\":{" MAC
                                 ",\"addresses\":[");
        for (int i = 0; i < RULE_ADDRESSES_MAX + extra; i++) {
            used += sprintf(text + used, "%s\"192.0.2.%d\"", i ? "," : "", i + 1);
        }
        sprintf(text + used, "]}}");
        int result = decode(text, &rule, &error);
        assert_int_equal(result, extra ? -EBADMSG : 0);
        if (result) {
            assert_string_equal(error.path, "isolate.addresses");
        } else {
            codec_fini(&wire_rule_shape, &rule);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_belongs_together),
        cmocka_unit_test(test_only_the_object_of_the_kind),
        cmocka_unit_test(test_lists_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
