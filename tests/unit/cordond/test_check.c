/* cordond.yaml that is good in itself, and with which cordond could not work: each refused with
 * line and column, and its nearest neighbour taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bus/pki.h"
#include "cordond/check.h"
#include "cordond/config.h"

static char folder[] = "/tmp/cordon-check-XXXXXX";

static int
group_setup(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int
group_teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return chdir("/") || system(command);
}

static void
file_put(const char *name, const char *text)
{
    FILE *file = fopen(name, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int
load(const char *text, yaml_file_check *check, struct yaml_file_error *error)
{
    struct config *config = NULL;
    file_put("cordond.yaml", text);
    int result = config_load("cordond.yaml", check, &config, error);
    config_free(config);
    return result;
}

static void
assert_taken(const char *text, yaml_file_check *check)
{
    struct yaml_file_error error;
    if (load(text, check, &error)) {
        fail_msg("%s\ngives %u:%u: %s", text, error.line, error.column, error.text);
    }
}

static void
assert_refused(const char *text, yaml_file_check *check, unsigned line, unsigned column,
               const char *why)
{
    struct yaml_file_error error;
    if (load(text, check, &error) != -EINVAL) {
        fail_msg("taken:\n%s", text);
    }
    if (error.line != line || error.column != column || !strstr(error.text, why)) {
        fail_msg("%s\ngives %u:%u: %s", text, error.line, error.column, error.text);
    }
}

static void
test_an_unknown_driver(void **state)
{
    (void)state;
    assert_taken("switches:\n  - name: e1\n  - {name: e2, driver: edge}\n"
                 "  - {name: d, driver: dummy}\n",
                 check_start);
    assert_refused("switches:\n  - name: e1\n  - name: e2\n    driver: egde\n", check_start, 4, 5,
                   "switches[1].driver 'egde' is no driver; known: edge, dummy");
    /* what the file alone says is still looked at first */
    assert_refused("switches:\n  - name: e1\n  - name: e1\n", check_start, 3, 5, "second switch");
}

static void
test_names_that_no_certificate_has(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"\"", "a b", "a/b", "\".a\"", "ca", "server"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char text[64];
        snprintf(text, sizeof(text), "switches:\n  - name: %s\n", bad[i]);
        assert_refused(text, check_start, 2, 5, "switches[0].name");
    }
    assert_taken("switches:\n  - name: Floor-3.east_1\n", check_start);
    assert_refused("log_format: text\nserver_names: \"cordon.example.org, a b!\"\n", check_start, 2,
                   1, "'b!' is no host name or address");
    assert_taken("server_names: \"cordon.example.org, 192.0.2.1,2001:db8::1\"\n", check_start);
}

static void
test_proxies(void **state)
{
    (void)state;
    static const char *const bad[] = {"proxy.example.org", "192.0.2.1/24", "192.0.2.300",
                                      "0.0.0.0/0",         "\"::/0\"",     "\"\"",
                                      "192.0.2.1:80"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char text[96];
        snprintf(text, sizeof(text), "trusted_proxies: [192.0.2.1, %s]\n", bad[i]);
        assert_refused(text, check_start, 1, 30, "trusted_proxies[1]");
    }
    assert_taken("trusted_proxies: [192.0.2.1, 198.51.100.0/24, \"2001:db8::/64\"]\n", check_start);
}

static void
test_listeners_at_one_address(void **state)
{
    (void)state;
    assert_refused("edge_listen: \"[::]:9\"\nsensor_listen: \"[::]:9\"\n", check_start, 2, 1,
                   "sensor_listen '[::]:9' is taken by edge_listen");
    assert_refused("log_format: text\nedge_listen: \"192.0.2.1:8443\"\n", check_start, 2, 1,
                   "is taken by api_listen, '[::]:8443'");
    /* the default is the later one: told at the key that is written */
    assert_refused("api_listen: \"[::]:8702\"\n", check_start, 1, 1, "taken by sensor_listen");
    assert_refused("api_listen: \"0.0.0.0:9\"\nedge_listen: \"192.0.2.1:9\"\n", check_start, 2, 1,
                   "is taken by api_listen");
    assert_taken("api_listen: \"192.0.2.1:9\"\nedge_listen: \"192.0.2.2:9\"\n"
                 "sensor_listen: \"[2001:db8::1]:9\"\n",
                 check_start);
    assert_taken("api_listen: \"0.0.0.0:9\"\nedge_listen: \"[2001:db8::1]:9\"\n", check_start);
    assert_refused("sources:\n  - {name: a, kind: syslog-tcp, listen: \"[::]:514\"}\n"
                   "  - name: b\n    kind: syslog-tls\n    listen: \"127.0.0.1:514\"\n",
                   check_start, 5, 5,
                   "sources[1].listen '127.0.0.1:514' is taken by "
                   "sources[0].listen");
    assert_taken("sources:\n  - {name: a, kind: syslog-tcp, listen: \"[::]:514\"}\n"
                 "  - {name: b, kind: syslog-udp, listen: \"[::]:514\"}\n",
                 check_start);
    assert_refused("sources:\n  - {name: a, kind: syslog-udp, listen: \"[::]:514\"}\n"
                   "  - {name: b, kind: syslog-udp, listen: \"[::1]:514\"}\n",
                   check_start, 3, 33, "sources[1].listen");
}

static void
test_texts_that_do_not_fit(void **state)
{
    (void)state;
    char text[300], path[109];
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    snprintf(text, sizeof(text), "sources:\n  - name: a\n    kind: eve-socket\n    path: %s\n",
             path);
    assert_refused(text, check_start, 4, 5, "is too long for a socket: at most 107 bytes");
    snprintf(text, sizeof(text), "sources:\n  - name: a\n    kind: eve-socket\n    path: %s\n",
             path + 1);
    assert_taken(text, check_start);
    assert_refused("warnings:\n  - {language: en, title: t, body: b}\n"
                   "  - {language: ja, title: t, body: b}\n"
                   "  - {title: t, body: b, language: en}\n",
                   check_start, 4, 25, "warnings[2].language is the second page in 'en'");
}

static void
test_the_state_folder(void **state)
{
    (void)state;
    char text[200], why[256];
    file_put("plain", "x");
    snprintf(text, sizeof(text), "log_format: text\nstate_dir: %s/plain\n", folder);
    assert_refused(text, check_here, 2, 1, "plain is no folder");
    assert_taken(text, check_start); /* a matter of the machine */
    snprintf(text, sizeof(text), "state_dir: %s/plain/state\n", folder);
    assert_refused(text, check_here, 1, 1, "Not a directory");
    snprintf(text, sizeof(text), "state_dir: %s/not/yet/there\n", folder);
    assert_taken(text, check_here);
    snprintf(text, sizeof(text), "state_dir: %s/state\n", folder);
    assert_int_equal(mkdir("state", 0700), 0);
    assert_int_equal(pki_prepare("state/pki", NULL, "", why), 0);
    assert_taken(text, check_here);
    file_put("state/pki/server.key", "not a key");
    assert_refused(text, check_here, 1, 1, "state_dir cannot use the key");
}

/* 'base' is everything of the source but the line that is tried. */
static void
assert_source(const char *base, const char *line, const char *why)
{
    char text[600];
    snprintf(text, sizeof(text), "state_dir: %s/nothing\nsources:\n  - name: a\n    %s\n    %s\n",
             folder, base, line);
    if (why) {
        assert_refused(text, check_here, 5, 5, why);
    } else {
        assert_taken(text, check_here);
    }
}

static void
test_files_of_sources(void **state)
{
    (void)state;
    char why[256];
    assert_int_equal(pki_prepare("ca", NULL, "", why), 0);
    assert_int_equal(pki_issue("ca", NULL, "edge", "a", "made", why), 0);
    assert_int_equal(pki_issue("ca", NULL, "edge", "b", "made", why), 0);
    file_put("broken.pem", "-----BEGIN CERTIFICATE-----\n");
    const char *base = "kind: syslog-tls\n    listen: \"[::]:6514\"\n    ca: made/ca.pem";
    char text[600];
    static const struct {
        const char *cert, *key, *ca, *why; /* NULL: taken */
    } rows[] = {
        {"made/a.pem", "made/a.key", "made/ca.pem", NULL},
        {"made/c.pem", "made/a.key", "made/ca.pem", "cannot use the certificate made/c.pem"},
        {"broken.pem", "made/a.key", "made/ca.pem", "cannot use the certificate broken.pem"},
        {"made/a.pem", "made/c.key", "made/ca.pem", "cannot use the key made/c.key"},
        {"made/a.pem", "made/b.key", "made/ca.pem", "made/b.key"},
        {"made/a.pem", "made/a.key", "made/c.pem", "certificate authority made/c.pem"},
        {"made/a.pem", "made/a.key", "broken.pem", "certificate authority broken.pem"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        snprintf(text, sizeof(text),
                 "state_dir: %s/nothing\nsources:\n  - name: a\n    kind: syslog-tls\n"
                 "    cert: %s\n    key: %s\n    ca: %s\n    listen: \"[::]:6514\"\n",
                 folder, rows[i].cert, rows[i].key, rows[i].ca);
        if (rows[i].why) {
            assert_refused(text, check_here, 5, 5, rows[i].why);
        } else {
            assert_taken(text, check_here);
        }
        assert_taken(text, check_start);
    }
    assert_source(base, "cert: made/a.pem\n    key: made/a.key", NULL);
    /* our own certificate, made at the first start */
    assert_source(base, "strength: strong", NULL);
}

static void
test_paths_of_sources(void **state)
{
    (void)state;
    const char *base = "kind: eve-socket";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "left.sock"};
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(close(fd), 0);
    file_put("eve.json", "{}");
    assert_source(base, "path: left.sock", NULL); /* of the last run */
    assert_source(base, "path: new.sock", NULL);
    assert_source(base, "path: eve.json", "eve.json is there, and is no socket");
    assert_source(base, "path: /nowhere/at/all/eve.sock", "/nowhere/at/all: No such file");
    assert_source("kind: eve-file", "path: eve.json", NULL);
    assert_source("kind: eve-file", "path: later.json", NULL);
    assert_source("kind: eve-file", "path: /tmp", "/tmp is a folder");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_unknown_driver),
        cmocka_unit_test(test_names_that_no_certificate_has),
        cmocka_unit_test(test_proxies),
        cmocka_unit_test(test_listeners_at_one_address),
        cmocka_unit_test(test_texts_that_do_not_fit),
        cmocka_unit_test(test_the_state_folder),
        cmocka_unit_test(test_files_of_sources),
        cmocka_unit_test(test_paths_of_sources),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
