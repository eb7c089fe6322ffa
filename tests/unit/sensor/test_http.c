/* Heads of HTTP requests: golden ones, odd ones, every prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sensor/protocol/http/request.h"

static enum parsed
parse(const char *text, struct http_request *request)
{
    return http_parse((const uint8_t *)text, strlen(text), request);
}

static const char get[] = "GET /a/b?c=d HTTP/1.1\r\nAccept: */*\r\nhOST:  C2.Example.NET:8080\r\n"
                          "User-Agent: Mozilla/5.0 (X11)\r\n\r\n";

static void
test_get(void **state)
{
    (void)state;
    struct http_request request;
    assert_int_equal(parse(get, &request), PARSED_YES);
    assert_string_equal(request.method, "GET");
    assert_string_equal(request.host, "c2.example.net");
    assert_string_equal(request.path, "/a/b?c=d");
    assert_string_equal(request.user_agent, "Mozilla/5.0 (X11)");
}

/* Never "no" before the end, never "yes" without the host that it has. */
static void
test_prefixes(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(get) - 1; size++) {
        uint8_t *copy = malloc(size + 1);
        struct http_request request;
        assert_non_null(copy);
        memcpy(copy, get, size);
        enum parsed parsed = http_parse(copy, size, &request);
        free(copy);
        assert_int_not_equal(parsed, PARSED_NO);
        if (parsed == PARSED_YES) {
            assert_string_equal(request.host, "c2.example.net");
        } else {
            assert_true(size < 70);
        }
    }
}

static void
test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *path;
    } cases[] = {
        {"GET http://User@C2.example:99/x HTTP/1.1\r\nHost: other.example\r\n\r\n", "c2.example",
         "http://User@C2.example:99/x"}, /* the target wins (RFC 9112 3.2.2) */
        {"CONNECT c2.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n", "c2.example",
         "c2.example:443"},
        {"POST / HTTP/1.0\n\n", "", "/"}, /* bare line feeds, no host */
        {"GET /v6 HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n", "2001:db8::1", "/v6"},
        {"GET /two HTTP/1.1\r\nHost: first.example\r\nHost: second.example\r\n\r\n",
         "first.example", "/two"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_request request;
        assert_int_equal(parse(cases[i].text, &request), PARSED_YES);
        assert_string_equal(request.host, cases[i].host);
        assert_string_equal(request.path, cases[i].path);
    }
}

static void
test_not_http(void **state)
{
    (void)state;
    static const char *const others[] = {"SSH-2.0-OpenSSH_9.2\r\n", "GETAWAY / HTTP/1.1\r\n\r\n",
                                         "GET /\r\n\r\n",           "GET / SMTP/1.1\r\n\r\n",
                                         "get / HTTP/1.1\r\n\r\n",  "\x16\x03\x01"};
    struct http_request request;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(parse(others[i], &request), PARSED_NO);
    }
}

/* Longer than what is kept: cut, and plain text all the same. */
static void
test_long_and_rude(void **state)
{
    (void)state;
    static char text[8000];
    struct http_request request;
    int used = snprintf(text, sizeof(text), "GET /");
    memset(text + used, 'x', 3000);
    snprintf(text + used + 3000, 1000, " HTTP/1.1\r\nHost: a\x1b[31mb\x7f.example\r\n\r\n");
    assert_int_equal(parse(text, &request), PARSED_YES);
    assert_int_equal(strlen(request.path), URL_SIZE - 1);
    for (const char *at = request.host; *at; at++) {
        assert_true(*at >= ' ' && *at != 0x7f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),           cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_forms),         cmocka_unit_test(test_not_http),
        cmocka_unit_test(test_long_and_rude),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
