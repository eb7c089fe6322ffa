/* Messages in the form of each channel: what receivers read is what happened, whatever names an
 * attacker has chosen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "notify/form.h"

#define NOW_US INT64_C(1773025104532140) /* 2026-03-09T02:58:24.532140Z */

static const char hostile[] =
    "pc\r\nBcc: thief@elsewhere.example\r\n\r\n=?UTF-8?B?QQ==?=\x01\xe2\x80\xae";

static struct wire_notice
example(struct notice *notice, enum notify_language language)
{
    *notice = (struct notice){.id = "01HN0000000000000000000001",
                              .kind = NOTICE_CONTAINED,
                              .severity = SEVERITY_HIGH,
                              .at_us = NOW_US,
                              .action = ACTION_ISOLATE,
                              .containment_id = "01HN0000000000000000000002",
                              .case_number = "1A2B3C4D",
                              .host_name = "pc-7",
                              .switch_name = "e1",
                              .port = "p3",
                              .reason = "C&C contact"};
    assert_true(ip_parse("192.0.2.7", &notice->ip));
    struct wire_notice wire = {
        .message = {.id = "01HN0000000000000000000009",
                    .language = language,
                    .notices = notice,
                    .notice_count = 1},
        .channel = {.name = "mail",
                    .from = "cordon@hospital.example",
                    .to = {"net@hospital.example"},
                    .to_count = 1},
        .console_url = "https://cordon.hospital.example",
    };
    return wire;
}

/* The lines of the header, each at most 998 bytes, none of them new. */
static void
assert_header_holds(const char *mail, size_t size)
{
    static const char *const known[] = {"Date: ",
                                        "From: ",
                                        "To: ",
                                        "Subject: ",
                                        "Message-ID: ",
                                        "Auto-Submitted: ",
                                        "MIME-Version: ",
                                        "Content-Type: ",
                                        "Content-Transfer-Encoding: ",
                                        "Content-Language: ",
                                        " "};
    const char *end = strstr(mail, "\r\n\r\n");
    assert_non_null(end);
    for (const char *line = mail; line < end;) {
        const char *stop = strstr(line, "\r\n");
        bool is_known = false;
        for (size_t i = 0; i < COUNT_OF(known); i++) {
            is_known = is_known || strncmp(line, known[i], strlen(known[i])) == 0;
        }
        assert_true(is_known);
        assert_true(stop - line <= 998);
        line = stop + 2;
    }
    for (size_t i = 0; i < size; i++) { /* ASCII throughout, and no bare CR or LF */
        assert_true((unsigned char)mail[i] < 0x7f);
        assert_true(mail[i] != '\n' || (i > 0 && mail[i - 1] == '\r'));
        assert_true(mail[i] != '\r' || mail[i + 1] == '\n');
    }
}

/* The body as a mail program shows it. */
static char *
body_of(const char *mail)
{
    const char *from = strstr(mail, "\r\n\r\n") + 4;
    char *packed = mem_new(strlen(from) + 1, 1);
    size_t used = 0;
    for (; *from; from++) {
        if (*from != '\r' && *from != '\n') {
            packed[used++] = *from;
        }
    }
    char *text = mem_new(used + 4, 1);
    assert_true(EVP_DecodeBlock((unsigned char *)text, (unsigned char *)packed, (int)used) >= 0);
    free(packed);
    return text;
}

static void
test_a_mail_says_what_where_why_and_which_case(void **state)
{
    (void)state;
    static const char *const said[] = {"pc-7, 192.0.2.7", "e1 / p3", "C&C contact", "1A2B3C4D",
                                       ("https://cordon.hospital.example/#/containments/"
                                        "01HN0000000000000000000002")};
    for (int language = 0; language < NOTIFY_LANGUAGE_COUNT; language++) {
        struct notice notice;
        struct wire_notice wire = example(&notice, (enum notify_language)language);
        size_t size = 0;
        char *mail = form_mail(&wire, NOW_US, &size);
        char *body = body_of(mail);
        assert_header_holds(mail, size);
        assert_non_null(strstr(mail, "Date: Mon, 09 Mar 2026 02:58:24 +0000\r\n"));
        assert_non_null(
            strstr(mail, "Message-ID: <01HN0000000000000000000009.cordon@hospital.example>\r\n"));
        for (size_t i = 0; i < COUNT_OF(said); i++) {
            assert_non_null(strstr(body, said[i]));
        }
        assert_non_null(strstr(body, language == NOTIFY_JA ? "受付番号" : "Case number"));
        assert_non_null(
            strstr(mail, language == NOTIFY_JA
                             ? "Subject: =?UTF-8?B?"
                             : "Subject: [Cordon] Contained and verified: pc-7 @ e1/p3"));
        free(body);
        free(mail);
    }
}

static void
test_no_name_of_an_attacker_ends_a_header(void **state)
{
    (void)state;
    for (int voice = 0; voice < VOICE_COUNT; voice++) {
        struct notice notice;
        struct wire_notice wire = example(&notice, NOTIFY_EN);
        size_t size = 0;
        wire.message.voice = (enum notify_voice)voice;
        snprintf(notice.host_name, sizeof(notice.host_name), "%s", hostile);
        snprintf(notice.switch_name, sizeof(notice.switch_name), "%s", hostile);
        snprintf(notice.reason, sizeof(notice.reason), "%s", hostile);
        snprintf(notice.case_number, sizeof(notice.case_number), "\r\nX: 1");
        char *mail = form_mail(&wire, NOW_US, &size);
        char *body = body_of(mail);
        assert_header_holds(mail, size);
        assert_null(strstr(mail, "\r\nBcc"));
        assert_null(strstr(mail, "QQ==?=")); /* what looks encoded was encoded itself */
        assert_null(strstr(body, "\nBcc"));  /* nor does the text look like another one */
        assert_null(strstr(body, "\xe2\x80\xae"));
        free(body);
        free(mail);
    }
}

/* Encoded words are whole characters of at most 75 bytes (RFC 2047), however long the text is. */
static void
test_long_japanese_subjects_fold_between_characters(void **state)
{
    (void)state;
    for (size_t count = 1; count < 160; count++) {
        char text[SUBJECT_SIZE] = "";
        char out[4 * SUBJECT_SIZE + 64];
        char back[SUBJECT_SIZE] = "";
        for (size_t i = 0; i < count; i++) {
            strcat(text, i % 7 == 3 ? "a" : "隔");
        }
        form_header(text, strlen("Subject: "), out, sizeof(out));
        char *rest = NULL;
        for (char *word = strtok_r(out, "\r\n ", &rest); word;
             word = strtok_r(NULL, "\r\n ", &rest)) {
            unsigned char plain[128];
            size_t length = strlen(word);
            assert_true(length <= 75);
            assert_int_equal(strncmp(word, "=?UTF-8?B?", 10), 0);
            assert_string_equal(word + length - 2, "?=");
            int size = EVP_DecodeBlock(plain, (unsigned char *)word + 10, (int)length - 12);
            while (size > 0 && plain[size - 1] == '\0') {
                size--;
            }
            assert_true((plain[0] & 0xc0) != 0x80); /* begins with a character */
            strncat(back, (char *)plain, (size_t)size);
        }
        assert_string_equal(back, text);
    }
}

static void
test_several_notices_in_one_message(void **state)
{
    (void)state;
    struct notice notices[MESSAGE_NOTICES_MAX];
    struct wire_notice wire = example(&notices[0], NOTIFY_EN);
    for (size_t i = 1; i < MESSAGE_NOTICES_MAX; i++) {
        notices[i] = notices[0];
        snprintf(notices[i].host_name, sizeof(notices[i].host_name), "other-%zu", i);
    }
    wire.message.notice_count = MESSAGE_NOTICES_MAX;
    wire.message.more = 7;
    char subject[SUBJECT_SIZE];
    text_subject(&wire, subject);
    assert_non_null(strstr(subject, ", and 26 more"));
    char *body = text_body(&wire);
    assert_non_null(strstr(body, "other-19"));
    assert_non_null(strstr(body, "And 7 more, left out"));
    free(body);
}

static void
test_a_pending_one_says_what_happens_when_nobody_answers(void **state)
{
    (void)state;
    static const struct {
        int64_t until_us;
        enum action action;
        const char *en, *ja;
    } cases[] = {
        {0, ACTION_NONE, "it goes on waiting", "待ち続けます"},
        {NOW_US, ACTION_NONE, "it is refused", "取り消され"},
        {NOW_US, ACTION_ISOLATE, "done by itself: isolate the endpoint", "自動で実施します: 隔離"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int language = 0; language < NOTIFY_LANGUAGE_COUNT; language++) {
            struct notice notice;
            struct wire_notice wire = example(&notice, (enum notify_language)language);
            notice.kind = NOTICE_PENDING;
            notice.until_us = cases[i].until_us;
            notice.pending_action = cases[i].action;
            char *body = text_body(&wire);
            assert_non_null(strstr(body, language == NOTIFY_JA ? cases[i].ja : cases[i].en));
            assert_non_null(strstr(body, language == NOTIFY_JA ? "2026年3月9日"
                                                               : "2026-03-09")); /* its own time */
            free(body);
        }
    }
}

static void
test_an_owner_reads_no_network_and_no_link(void **state)
{
    (void)state;
    for (int language = 0; language < NOTIFY_LANGUAGE_COUNT; language++) {
        struct notice notice;
        struct wire_notice wire = example(&notice, (enum notify_language)language);
        wire.message.voice = VOICE_OWNER;
        char subject[SUBJECT_SIZE];
        text_subject(&wire, subject);
        char *body = text_body(&wire);
        assert_non_null(strstr(subject, "1A2B3C4D"));
        assert_non_null(strstr(body, "1A2B3C4D"));
        assert_non_null(strstr(body, language == NOTIFY_JA ? "ヘルプデスク" : "help desk"));
        assert_null(strstr(body, "https://"));
        assert_null(strstr(body, "C&C"));
        assert_null(strstr(body, "e1"));
        free(body);
    }
}

/* ---- syslog ---- */

static void
test_syslog_text(void **state)
{
    (void)state;
    struct notice notice;
    struct wire_notice wire = example(&notice, NOTIFY_EN);
    char out[FORM_SYSLOG_SIZE];
    snprintf(notice.reason, sizeof(notice.reason), "a \"b\" \\ ]\n<13>1 forged");
    size_t size = form_syslog(&wire, &notice, "cordon.hospital.example", out);
    assert_int_equal(size, strlen(out));
    static const char head[] = "<34>1 2026-03-09T02:58:24.532140Z cordon.hospital.example cordon - "
                               "contained - \xef\xbb\xbf"
                               "Contained and verified: pc-7 @ e1/p3 (case 1A2B3C4D)";
    assert_int_equal(strncmp(out, head, strlen(head)), 0);
    assert_non_null(strstr(out, "reason=\"a \\\"b\\\" \\\\ ]?<13>1 forged\""));
    assert_null(strchr(out, '\n'));
}

static void
test_cef_escapes(void **state)
{
    (void)state;
    struct notice notice;
    struct wire_notice wire = example(&notice, NOTIFY_EN);
    char out[FORM_SYSLOG_SIZE];
    wire.channel.format = NOTIFY_CEF;
    wire.channel.facility = 13;
    snprintf(notice.host_name, sizeof(notice.host_name), "a|b\\c=d src=9.9.9.9");
    (void)form_syslog(&wire, &notice, "", out);
    assert_int_equal(strncmp(out, "<106>1 ", 7), 0);
    assert_non_null(strstr(out, "Z - cordon - contained - CEF:0|Cordon|Cordon|"));
    /* in the head: pipe and backslash; in a value: backslash and equals */
    assert_non_null(strstr(out, "|contained|Contained and verified: a\\|b\\\\c=d src=9.9.9.9 @ "));
    assert_non_null(strstr(out, " shost=a|b\\\\c\\=d src\\=9.9.9.9 src=192.0.2.7 "));
    assert_non_null(strstr(out, " cs1=1A2B3C4D cs1Label=Case"));
    assert_non_null(strstr(out, "|9|rt=1773025104532 "));
}

/* The longest of everything fits, is cut at the end at most, and stays one line. */
static void
test_nothing_is_too_long(void **state)
{
    (void)state;
    for (int format = 0; format < NOTIFY_FORMAT_COUNT; format++) {
        struct notice notice;
        struct wire_notice wire = example(&notice, NOTIFY_JA);
        char out[FORM_SYSLOG_SIZE];
        wire.channel.format = (enum notify_format)format;
        memset(notice.host_name, '\\', sizeof(notice.host_name) - 1);
        memset(notice.reason, '=', sizeof(notice.reason) - 1);
        memset(notice.detail, '"', sizeof(notice.detail) - 1);
        memset(notice.switch_name, '|', sizeof(notice.switch_name) - 1);
        memset(notice.server_name, '\\', sizeof(notice.server_name) - 1);
        memset(notice.port, '\n', sizeof(notice.port) - 1);
        size_t size = form_syslog(&wire, &notice, "h", out);
        assert_true(size < FORM_SYSLOG_SIZE);
        assert_int_equal(size, strlen(out));
        assert_null(strchr(out, '\n'));
        char *mail = form_mail(&wire, NOW_US, &size);
        assert_header_holds(mail, size);
        free(mail);
    }
}

/* ---- webhook ---- */

static void
test_a_signature_is_of_time_and_body(void **state)
{
    (void)state;
    char signature[FORM_SIGNATURE_SIZE];
    /* printf '1700000000.{}' | openssl dgst -sha256 -hmac key */
    form_signature("key", 1700000000, "{}", signature);
    assert_string_equal(signature,
                        "v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae");
}

static void
test_a_webhooks_body_is_json_with_everything(void **state)
{
    (void)state;
    struct notice notice;
    struct wire_notice wire = example(&notice, NOTIFY_EN);
    snprintf(notice.host_name, sizeof(notice.host_name), "%s", "a\"b");
    char *text = form_webhook(&wire);
    cJSON *body = codec_parse(text, strlen(text));
    assert_non_null(body);
    const cJSON *item = cJSON_GetObjectItem(body, "notices")->child;
    assert_string_equal(cJSON_GetObjectItem(body, "id")->valuestring, wire.message.id);
    assert_string_equal(cJSON_GetObjectItem(item, "host_name")->valuestring, "a\"b");
    assert_string_equal(cJSON_GetObjectItem(item, "kind")->valuestring, "contained");
    assert_string_equal(cJSON_GetObjectItem(item, "at")->valuestring,
                        "2026-03-09T02:58:24.532140Z");
    assert_non_null(strstr(cJSON_GetObjectItem(item, "link")->valuestring, "/#/containments/"));
    cJSON_Delete(body);
    free(text);
}

int
main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mail_says_what_where_why_and_which_case),
        cmocka_unit_test(test_no_name_of_an_attacker_ends_a_header),
        cmocka_unit_test(test_long_japanese_subjects_fold_between_characters),
        cmocka_unit_test(test_several_notices_in_one_message),
        cmocka_unit_test(test_a_pending_one_says_what_happens_when_nobody_answers),
        cmocka_unit_test(test_an_owner_reads_no_network_and_no_link),
        cmocka_unit_test(test_syslog_text),
        cmocka_unit_test(test_cef_escapes),
        cmocka_unit_test(test_nothing_is_too_long),
        cmocka_unit_test(test_a_signature_is_of_time_and_body),
        cmocka_unit_test(test_a_webhooks_body_is_json_with_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
