/* The warning page: texts are only text, both languages are there, every kind of visitor gets it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "edge/packet.h"
#include "edge/responder_reply.h"
#include "replies.h"

#define PAGE_ROOM 14000

static struct rule_warning japanese = {.language = "ja",
                                       .title = "通信を遮断しました",
                                       .body = "管理者へ連絡してください。",
                                       .contact = "内線 1234"};
static struct rule_warning english = {
    .language = "en", .title = "Cut off", .body = "Call us.", .contact = "ext. 1234"};
static struct rule_warning *configured[8];
static size_t configured_count;

static size_t
warnings(void *context, const struct rule_warning **texts, size_t room)
{
    (void)context;
    size_t count = configured_count < room ? configured_count : room;
    for (size_t i = 0; i < count; i++) {
        texts[i] = configured[i];
    }
    return count;
}

static struct responder_settings
settings_with(struct rule_warning *first, struct rule_warning *second)
{
    struct responder_settings settings = asked_settings;
    settings.warnings = warnings;
    configured[0] = first;
    configured[1] = second;
    configured_count = (size_t)(first != NULL) + (second != NULL);
    return settings;
}

/* The page of these settings; its length is what it says, and it is UTF-8. */
static void
make(const struct responder_settings *settings, const char *reason, char page[PAGE_ROOM + 1])
{
    const struct responder_endpoint endpoint = {.case_number = "C-7", .reason = reason};
    size_t size = page_make(settings, &endpoint, false, page, PAGE_ROOM);
    assert_true(size < PAGE_ROOM);
    assert_int_equal(strlen(page), size);
    const char *body = strstr(page, "\r\n\r\n"), *length = strstr(page, "Content-Length: ");
    assert_non_null(body);
    assert_non_null(length);
    body += 4;
    assert_int_equal(strtoul(length + 16, NULL, 10), size - (size_t)(body - page));
    for (const char *at = body; *at;) {
        size_t step = utf8_size(at, strlen(at));
        assert_int_not_equal(step, 0);
        at += step;
    }
}

static void
texts_are_only_text(void **state)
{
    (void)state;
    char page[PAGE_ROOM + 1];
    struct rule_warning hostile = {.language = "\"><b>",
                                   .title = "<title>&amp;</title>",
                                   .body = "<script>alert(1)</script>",
                                   .contact = "\"><img src=x onerror=alert(1)>"};
    struct responder_settings settings = settings_with(&hostile, NULL);
    make(&settings, "<svg onload=\"alert('x')\"> & more", page);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<img"));
    assert_null(strstr(page, "<svg"));
    assert_null(strstr(page, "<b>"));
    assert_non_null(strstr(page, "&lt;svg onload=&quot;alert('x')&quot;&gt; &amp; more"));
    assert_non_null(strstr(page, "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;"));
    assert_non_null(strstr(page, "&lt;title&gt;&amp;amp;&lt;/title&gt;"));
    assert_non_null(strstr(page, "<html lang=\"&quot;&gt;&lt;b&gt;\">"));
}

/* Nothing is fetched, run or kept. */
static void
the_page_stands_alone(void **state)
{
    (void)state;
    static const char *const foreign[] = {"src=",    "href=", "url(",  "<script",
                                          "@import", "http:", "https:"};
    char page[PAGE_ROOM + 1];
    struct responder_settings settings = settings_with(&japanese, &english);
    make(&settings, "Malware", page);
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        assert_null(strstr(page, foreign[i]));
    }
    assert_non_null(strstr(page, "Cache-Control: no-store\r\n"));
    assert_non_null(strstr(page, "Connection: close\r\n"));
    assert_non_null(strstr(page, "Content-Type: text/html; charset=utf-8\r\n"));
}

static void
both_languages_are_there(void **state)
{
    (void)state;
    char page[PAGE_ROOM + 1];
    struct responder_settings settings = settings_with(&japanese, &english);
    make(&settings, "Malware", page);
    assert_non_null(strstr(page, "<html lang=\"ja\">"));
    assert_non_null(strstr(page, "<section lang=\"ja\"><h1>通信を遮断しました</h1>"));
    assert_non_null(strstr(page, "<dt>連絡先</dt><dd>内線 1234</dd>"));
    assert_non_null(strstr(page, "<dt>受付番号</dt><dd>C-7</dd>"));
    assert_non_null(strstr(page, "<section lang=\"en\"><h1>Cut off</h1>"));
    assert_non_null(strstr(page, "<dt>Contact</dt><dd>ext. 1234</dd>"));
    assert_non_null(strstr(page, "<dt>Case number</dt><dd>C-7</dd>"));
    assert_non_null(strstr(page, "<dt>理由</dt><dd>Malware</dd>"));
    assert_non_null(strstr(page, "<dt>Reason</dt><dd>Malware</dd>"));
}

static void
without_settings_there_are_built_in_texts(void **state)
{
    (void)state;
    char page[PAGE_ROOM + 1];
    struct responder_settings settings = settings_with(NULL, NULL);
    make(&settings, "", page);
    assert_non_null(strstr(page, "<section lang=\"ja\">"));
    assert_non_null(strstr(page, "<section lang=\"en\">"));
    assert_null(strstr(page, "<dt>Reason</dt>")); /* no empty rows */
    assert_null(strstr(page, "<dt>Contact</dt>"));
}

/* Texts of any permitted length, each character worth six: still well-formed HTML and UTF-8. */
static void
long_texts_stay_whole(void **state)
{
    (void)state;
    static struct rule_warning longest = {.language = "ja"};
    char page[PAGE_ROOM + 1], reason[TEXT_SIZE];
    memset(longest.title, '"', sizeof(longest.title) - 1);
    memset(longest.contact, '<', sizeof(longest.contact) - 1);
    memset(reason, '&', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    for (size_t i = 0; i + 3 < sizeof(longest.body); i += 3) {
        memcpy(longest.body + i, "あ", 3);
    }
    struct responder_settings settings = settings_with(&longest, &longest);
    make(&settings, reason, page);
    size_t size = strlen(page);
    assert_non_null(strstr(page, "<section lang=\"ja\"><h1>&quot;"));
    assert_non_null(strstr(strstr(page, "</section>") + 1, "<section lang=\"ja\"><h1>&quot;"));
    assert_string_equal(page + size - strlen("</main></body></html>\n"), "</main></body></html>\n");
    /* no reference is cut in the middle */
    for (const char *at = strchr(page, '&'); at; at = strchr(at + 1, '&')) {
        assert_true(strncmp(at, "&quot;", 6) == 0 || strncmp(at, "&lt;", 4) == 0 ||
                    strncmp(at, "&amp;", 5) == 0);
    }
}

/* Plain texts as long as they may be, in two languages: not a letter is missing. */
static void
long_plain_texts_fit(void **state)
{
    (void)state;
    static struct rule_warning longest = {.language = "ja"};
    char page[PAGE_ROOM + 1], reason[TEXT_SIZE];
    memset(longest.title, 't', sizeof(longest.title) - 1);
    memset(longest.body, 'b', sizeof(longest.body) - 1);
    memset(longest.contact, 'c', sizeof(longest.contact) - 1);
    memset(reason, 'r', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    struct responder_settings settings = settings_with(&longest, &longest);
    make(&settings, reason, page);
    const char *second = strstr(strstr(page, "</section>"), "<section");
    assert_non_null(strstr(second, longest.title));
    assert_non_null(strstr(second, longest.body));
    assert_non_null(strstr(second, reason));
    assert_non_null(strstr(second, longest.contact));
    assert_non_null(strstr(second, "C-7"));
}

/* More languages than anybody has, all of them too long. */
static void
eight_languages_stay_whole(void **state)
{
    (void)state;
    static struct rule_warning longest = {.language = "ja"};
    char page[PAGE_ROOM + 1];
    memset(longest.title, '"', sizeof(longest.title) - 1);
    memset(longest.body, '"', sizeof(longest.body) - 1);
    memset(longest.contact, '"', sizeof(longest.contact) - 1);
    struct responder_settings settings = settings_with(&longest, &longest);
    for (configured_count = 0; configured_count < 8; configured_count++) {
        configured[configured_count] = &longest;
    }
    make(&settings, longest.title, page);
    assert_non_null(strstr(page, "</section></main></body></html>\n"));
}

static void
heads_only(void **state)
{
    (void)state;
    char page[PAGE_ROOM + 1], head[PAGE_ROOM + 1];
    const struct responder_endpoint endpoint = {.case_number = "C-7", .reason = "Malware"};
    struct responder_settings settings = settings_with(&japanese, &english);
    make(&settings, "Malware", page);
    size_t size = page_make(&settings, &endpoint, true, head, PAGE_ROOM);
    assert_memory_equal(head, page, size); /* the same head, with the same length in it */
    assert_string_equal(head + size - 4, "\r\n\r\n");
}

/* Whatever is asked for, in whatever language, is answered with all languages; a probe for a
 * captive portal gets neither its 204 nor its "Success", so the system shows the page. */
static void
every_visitor_gets_it(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /generate_204 HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\n\r\n",
        "GET /gen_204 HTTP/1.1\r\nHost: www.google.com\r\n\r\n",
        "GET /hotspot-detect.html HTTP/1.0\r\nHost: captive.apple.com\r\n\r\n",
        "GET /library/test/success.html HTTP/1.1\r\nHost: www.apple.com\r\n\r\n",
        "GET /connecttest.txt HTTP/1.1\r\nHost: www.msftconnecttest.com\r\n\r\n",
        "GET /ncsi.txt HTTP/1.1\r\nHost: www.msftncsi.com\r\n\r\n",
        "GET /canonical.html HTTP/1.1\r\nHost: detectportal.firefox.com\r\n\r\n",
        "GET /success.txt?ipv4 HTTP/1.1\r\nHost: detectportal.firefox.com\r\n\r\n",
        "GET / HTTP/1.1\r\nAccept-Language: en-GB,en;q=0.9\r\n\r\n",
        "GET / HTTP/1.1\r\nAccept-Language: ja\r\n\r\n",
        "GET / HTTP/1.1\r\nAccept-Language: de, *;q=0.1\r\n\r\n",
        "GET / HTTP/1.1\r\nAccept-Language: \xff\r\n\r\n",
    };
    static const struct hosts hosts = {"02:00:00:00:00:01", "02:00:00:00:00:02", "192.0.2.1",
                                       "192.0.2.80"};
    struct responder_settings settings = settings_with(&japanese, &english);
    struct frame frame;
    struct replies replies;
    const struct segment syn = {40000, 80, 1, 0, TCP_SYN, NULL};
    frame_tcp(&frame, &hosts, &syn);
    ask(&settings, &frame, &replies);
    uint32_t isn = be32_at(replies.frames[0].b + 38);
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        char text[16384] = "";
        const struct segment get = {40000, 80, 2, isn + 1, TCP_ACK, requests[i]};
        frame_tcp(&frame, &hosts, &get);
        ask(&settings, &frame, &replies);
        for (size_t j = 0; j < replies.count; j++) {
            const struct frame *reply = &replies.frames[j];
            strncat(text, (const char *)reply->b + 54, reply->size - 54);
        }
        assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
        assert_non_null(strstr(text, "<section lang=\"ja\">"));
        assert_non_null(strstr(text, "<section lang=\"en\">"));
        assert_null(strstr(text, "Success"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_only_text),
        cmocka_unit_test(the_page_stands_alone),
        cmocka_unit_test(both_languages_are_there),
        cmocka_unit_test(without_settings_there_are_built_in_texts),
        cmocka_unit_test(long_texts_stay_whole),
        cmocka_unit_test(long_plain_texts_fit),
        cmocka_unit_test(eight_languages_stay_whole),
        cmocka_unit_test(heads_only),
        cmocka_unit_test(every_visitor_gets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
