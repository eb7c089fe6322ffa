/* cordond.yaml: a whole file, the defaults, and each mistake with its line and column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cordond/config.h"
#include "cordond/role.h"

static const char *source_root;
static char file_path[] = "/tmp/cordon-config-XXXXXX";

static int
group_setup(void **state)
{
    (void)state;
    int fd = mkstemp(file_path);
    return fd < 0 ? -1 : close(fd);
}

static int
group_teardown(void **state)
{
    (void)state;
    return unlink(file_path);
}

static int
load(const char *text, struct config **config, struct yaml_file_error *error)
{
    FILE *file = fopen(file_path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    *config = NULL;
    return config_load(file_path, NULL, config, error);
}

static struct config *
load_good(const char *text)
{
    struct config *config;
    struct yaml_file_error error;
    if (load(text, &config, &error)) {
        fail_msg("%u:%u: %s", error.line, error.column, error.text);
    }
    return config;
}

static void
assert_refused(const char *text, unsigned line, unsigned column, const char *why)
{
    struct config *config;
    struct yaml_file_error error;
    if (load(text, &config, &error) != -EINVAL) {
        fail_msg("taken:\n%s", text);
    }
    assert_null(config);
    if (error.line != line || error.column != column || !strstr(error.text, why)) {
        fail_msg("%s\ngives %u:%u: %s", text, error.line, error.column, error.text);
    }
}

static void
test_an_empty_file_means_the_defaults(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# nothing\n", "switches:\nsources: []\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct config *config = load_good(texts[i]);
        assert_string_equal(config->state_dir, "/var/lib/cordon");
        assert_string_equal(config->policy_file, "/etc/cordon/policy.yaml");
        assert_string_equal(config->api_listen, "[::]:8443");
        assert_string_equal(config->edge_listen, "[::]:8701");
        assert_string_equal(config->sensor_listen, "[::]:8702");
        assert_string_equal(config->server_names, "");
        assert_int_equal(config->log_format, LOG_TEXT);
        assert_int_equal(config->evidence_mib, 1024);
        assert_int_equal(config->switch_count + config->source_count + config->mirror_count, 0);
        config_free(config);
    }
    config_free(NULL);
}

static const char whole[] =
    "state_dir: /srv/cordon\n"
    "policy_file: /srv/policy.yaml\n"
    "api_listen: \"127.0.0.1:443\"\n"
    "edge_listen: \"[::1]:1\"\n"
    "sensor_listen: \"192.0.2.1:65535\"\n"
    "server_names: cordon.example.org\n"
    "log_format: json\n"
    "evidence_mib: 7\n"
    "switches:\n"
    "  - name: e1\n"
    "  - {name: d1, driver: dummy, room: 12, latency_ms: 40, mac_only: true}\n"
    "mirrors:\n"
    "  - switch: d1\n"
    "    mirror: {kind: always, carrier: erspan, erspan_to: 192.0.2.9, session: 7}\n"
    "sources:\n"
    "  - {name: file, kind: eve-file, path: /var/log/eve.json}\n"
    "  - {name: dd, kind: syslog-tls, format: cef, listen: \"[::]:6514\", cert: c.pem, key: "
    "c.key,\n"
    "     ca: ca.pem, strength: strong, confidence: 90, adjacent: true}\n"
    "warnings:\n"
    "  - {language: ja, title: t, body: b, contact: c}\n";

static void
test_a_whole_file(void **state)
{
    (void)state;
    struct config *config = load_good(whole);
    assert_string_equal(config->state_dir, "/srv/cordon");
    assert_string_equal(config->policy_file, "/srv/policy.yaml");
    assert_string_equal(config->api_listen, "127.0.0.1:443");
    assert_string_equal(config->edge_listen, "[::1]:1");
    assert_string_equal(config->sensor_listen, "192.0.2.1:65535");
    assert_int_equal(config->log_format, LOG_JSON);
    assert_int_equal(config->evidence_mib, 7);
    assert_int_equal(config->switch_count, 2);
    assert_string_equal(config->switches[0].driver, "edge"); /* the default */
    assert_string_equal(config->switches[1].driver, "dummy");
    assert_int_equal(config->switches[1].room, 12);
    assert_int_equal(config->switches[1].latency_ms, 40);
    assert_true(config->switches[1].mac_only);
    assert_string_equal(config->mirrors[0].switch_name, "d1");
    assert_int_equal(config->mirrors[0].mirror.session, 7);
    assert_int_equal(config->sources[0].kind, SOURCE_EVE_FILE);
    assert_int_equal(config->sources[0].strength, STRENGTH_WEAK); /* unless declared strong */
    assert_int_equal(config->sources[0].confidence, 70);
    assert_int_equal(config->sources[1].kind, SOURCE_SYSLOG_TLS);
    assert_int_equal(config->sources[1].format, SOURCE_FORMAT_CEF);
    assert_int_equal(config->sources[1].strength, STRENGTH_STRONG);
    assert_int_equal(config->sources[1].confidence, 90);
    assert_true(config->sources[1].adjacent);
    assert_string_equal(config->warnings[0].language, "ja");
    config_free(config);
}

static void
test_the_packaged_file_is_good(void **state)
{
    (void)state;
    char path[1024];
    struct config *config = NULL;
    struct yaml_file_error error;
    snprintf(path, sizeof(path), "%s/packaging/cordond.yaml", source_root);
    if (config_load(path, NULL, &config, &error)) {
        fail_msg("%u:%u: %s", error.line, error.column, error.text);
    }
    assert_string_equal(config->state_dir, "/var/lib/cordon");
    config_free(config);
}

static void
test_each_key_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
        const char *why;
    } rows[] = {
        {"state_dri: /x\n", 1, 1, "state_dri is not known here"},
        {"\nstate_dir: [a]\n", 2, 1, "state_dir not a text"},
        {"state_dir: 7\n", 1, 1, "state_dir not a text"},
        {"state_dir: /a\nstate_dir: /b\n", 1, 1, "state_dir stands twice"},
        {"policy_file: true\n", 1, 1, "policy_file not a text"},
        {"api_listen: 8443\n", 1, 1, "api_listen not a text"},
        {"log_format: xml\n", 1, 1, "log_format not one of the known words"},
        {"evidence_mib: -1\n", 1, 1, "evidence_mib out of range"},
        {"evidence_mib: 1.5\n", 1, 1, "evidence_mib not a whole number"},
        {"evidence_mib: lots\n", 1, 1, "evidence_mib not a whole number"},
        {"switches: e1\n", 1, 1, "switches not a list"},
        {"switches:\n  - e1\n", 2, 5, "switches[0] not an object"},
        {"switches:\n  - driver: edge\n", 2, 5, "switches[0].name is missing"},
        {"switches:\n  - name: e1\n    rooms: 1\n", 3, 5, "switches[0].rooms is not known here"},
        {"switches:\n  - name: e1\n    room: 4294967296\n", 3, 5, "switches[0].room out of range"},
        {"switches:\n  - name: e1\n    mac_only: 1\n", 3, 5,
         "switches[0].mac_only not true or false"},
        {"switches:\n  - name: e1\n    edge_hub: 1\n", 3, 5, "edge_hub is not known here"},
        {"mirrors:\n  - switch: e1\n", 2, 5, "mirrors[0].mirror is missing"},
        {"mirrors:\n  - switch: e1\n    mirror: {kind: always}\n", 3, 5,
         "mirrors[0].mirror.carrier is missing"},
        {"mirrors:\n  - switch: e1\n    mirror: {kind: always, carrier: erspan}\n", 3, 5,
         "erspan needs erspan_to"},
        {"sources:\n  - name: a\n    kind: eve\n", 3, 5,
         "sources[0].kind not one of the known words"},
        {"sources:\n  - name: a\n    kind: eve-file\n", 2, 5, "sources[0] needs a path"},
        {"sources:\n  - name: a\n    kind: eve-socket\n", 2, 5, "sources[0] needs a path"},
        {"sources:\n  - name: a\n    kind: syslog-udp\n    path: /x\n", 2, 5,
         "sources[0] needs listen"},
        {"sources:\n  - name: a\n    kind: syslog-tls\n    listen: \"[::]:1\"\n    cert: c\n", 2, 5,
         "cert and key belong together"},
        {"sources:\n  - {name: a, kind: eve-file, path: x,\n     confidence: 101}\n", 3, 6,
         "confidence out of range"},
        {"sources:\n  - {name: a, kind: eve-file, path: x,\n     strength: huge}\n", 3, 6,
         "strength not one of the known words"},
        {"warnings:\n  - {language: ja, title: t}\n", 2, 5, "warnings[0].body is missing"},
        {"warnings:\n  - {language: japanese, title: t, body: b}\n", 2, 6,
         "warnings[0].language too long"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_refused(rows[i].text, rows[i].line, rows[i].column, rows[i].why);
    }
}

static void
test_entries_that_do_not_fit_together(void **state)
{
    (void)state;
    assert_refused("switches:\n  - name: e1\n  - name: e2\n  - driver: edge\n    name: e1\n", 5, 5,
                   "switches[2].name is the second switch called e1");
    assert_refused("switches:\n  - name: e1\nmirrors:\n"
                   "  - switch: e1\n    mirror: {kind: always, carrier: local, out_port: m}\n"
                   "  - switch: e2\n    mirror: {kind: always, carrier: local, out_port: m}\n",
                   6, 5, "mirrors[1].switch no switch is called e2");
    assert_refused("sources:\n  - {name: a, kind: eve-file, path: x}\n"
                   "  - {name: a, kind: eve-file, path: y}\n",
                   3, 6, "sources[1].name is the second source called a");
}

/* What would only be found when a role cannot start. */
static void
test_addresses_to_listen_at(void **state)
{
    (void)state;
    static const char *const keys[] = {"api_listen", "edge_listen", "sensor_listen"};
    static const char *const bad[] = {
        "nowhere", ":8443", "[::]", "127.0.0.1", "8443:", "[::]:65536", "cordon.example.org:8443",
        "[::]:x"};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        for (size_t j = 0; j < COUNT_OF(bad); j++) {
            char text[128];
            snprintf(text, sizeof(text), "log_format: text\n%s: \"%s\"\n", keys[i], bad[j]);
            assert_refused(text, 2, 1, "is no address with port");
        }
    }
    assert_refused("sources:\n  - name: a\n    kind: syslog-udp\n    listen: somewhere\n", 4, 5,
                   "sources[0].listen 'somewhere' is no address with port");
}

static void
test_an_unreadable_file(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct yaml_file_error error;
    assert_int_equal(config_load("/nonexistent/cordond.yaml", NULL, &config, &error), -ENOENT);
    assert_null(config);
    assert_int_equal(error.line, 0);
    assert_string_equal(error.text,
                        "cannot read /nonexistent/cordond.yaml: No such file or directory");
    assert_true(config_load("/tmp", NULL, &config, &error) < 0);
    assert_null(config);
}

/* Cut off anywhere it is taken or refused with a place, and nothing is left (sanitizer). */
static void
test_every_prefix(void **state)
{
    (void)state;
    char text[sizeof(whole)];
    for (size_t size = 0; size < strlen(whole); size++) {
        struct config *config;
        struct yaml_file_error error;
        memcpy(text, whole, size);
        text[size] = '\0';
        if (load(text, &config, &error) == 0) {
            config_free(config);
        } else {
            assert_null(config);
            assert_true(error.line > 0 && error.column > 0 && error.text[0]);
        }
    }
}

static void
test_the_files_of_the_authority(void **state)
{
    (void)state;
    struct config *config = load_good("state_dir: /srv/cordon\n");
    struct role_files files;
    role_tls_files(config, &files);
    assert_string_equal(files.ca, "/srv/cordon/pki/ca.pem");
    assert_string_equal(files.cert, "/srv/cordon/pki/server.pem");
    assert_string_equal(files.key, "/srv/cordon/pki/server.key.sealed");
    config_free(config);
}

int
main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_file_means_the_defaults),
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_the_packaged_file_is_good),
        cmocka_unit_test(test_each_key_is_checked),
        cmocka_unit_test(test_entries_that_do_not_fit_together),
        cmocka_unit_test(test_addresses_to_listen_at),
        cmocka_unit_test(test_an_unreadable_file),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_the_files_of_the_authority),
    };
    if (count != 2) {
        fprintf(stderr, "usage: %s SOURCE-FOLDER\n", words[0]);
        return 2;
    }
    source_root = words[1];
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
