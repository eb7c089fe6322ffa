/* The server's sentences as codes and values, in both languages: each row is found again from its
 * own text, real texts are found, and hostile ones cost little. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "wire/said.h"

#define TEXT_ROOM 2048

static const struct said *
first_of(const char *only, size_t size)
{
    const struct said *row;
    for (size_t i = 0; (row = said_at(i)); i++) {
        if (strncmp(row->code, only, size) == 0) {
            return row;
        }
    }
    fail_msg("no row begins with %.*s", (int)size, only);
    return NULL;
}

static bool
in_japanese(const cJSON *said, char *out, size_t size)
{
    return said_in_words(said, READER_JAPANESE, out, size);
}

/* The template with something fitting at each place. */
static void
fill(const struct said *row, char *out)
{
    size_t used = 0;
    for (const char *at = row->english; *at;) {
        if (*at != '{') {
            out[used++] = *at++;
            continue;
        }
        char inner[TEXT_ROOM];
        const char *end = strchr(at, '}');
        const char *put = at[2] == '#'   ? "7"
                          : at[2] == '@' ? "2026-03-09T02:58:24Z"
                          : at[2] == 's' ? "7 s"
                                         : "p1";
        if (at[2] == ':') {
            fill(first_of(at + 3, (size_t)(end - at - 3)), inner);
            put = inner;
        }
        memcpy(out + used, put, strlen(put));
        used += strlen(put);
        at = end + 1;
    }
    out[used] = '\0';
}

static void
places_of(const char *form, bool places[SAID_VALUES_MAX + 1])
{
    for (const char *at = strchr(form, '{'); at; at = strchr(at + 1, '{')) {
        assert_in_range(at[1], '1', '0' + SAID_VALUES_MAX);
        places[at[1] - '0'] = true;
    }
}

static void
test_rows_are_whole(void **state)
{
    const struct said *row, *other;
    (void)state;
    for (size_t i = 0; (row = said_at(i)); i++) {
        bool english[SAID_VALUES_MAX + 1] = {false}, japanese[SAID_VALUES_MAX + 1] = {false};
        places_of(row->english, english);
        places_of(row->japanese, japanese);
        assert_memory_equal(english, japanese, sizeof(english));
        assert_true(row->english[0] && row->japanese[0]);
        assert_true(utf8_is_plain(row->japanese, strlen(row->japanese)));
        for (size_t k = 1; k < SAID_VALUES_MAX; k++) {
            assert_true(english[k] || !english[k + 1]); /* values are counted from 1 */
        }
        for (size_t j = 0; j < i && (other = said_at(j)); j++) {
            if (strcmp(row->code, other->code) == 0) {
                fail_msg("%s stands twice", row->code);
            }
        }
    }
}

/* Nobody has forgotten to translate. */
static void
test_japanese_is_japanese(void **state)
{
    static const char *const same[] = {"word.protocol.",
                                       "word.learnt.",
                                       "word.check.",
                                       "reach.permitted",
                                       "reason.detection_only",
                                       "backup.file",
                                       "report.said",
                                       "doctor.source",
                                       "hold.held",
                                       "story.done",
                                       "trial."};
    const struct said *row;
    (void)state;
    for (size_t i = 0; (row = said_at(i)); i++) {
        bool is_excused = false, is_foreign = false;
        for (size_t k = 0; k < COUNT_OF(same); k++) {
            is_excused |= strncmp(row->code, same[k], strlen(same[k])) == 0;
        }
        for (const char *at = row->japanese; *at; at++) {
            is_foreign |= (unsigned char)*at >= 0x80;
        }
        if (!is_excused && !is_foreign) {
            fail_msg("%s: '%s' is not Japanese", row->code, row->japanese);
        }
    }
}

static const char *
code_of(const cJSON *said)
{
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(said, "code");
    return cJSON_IsString(code) ? code->valuestring : "none";
}

static void
test_each_row_is_found_again(void **state)
{
    const struct said *row;
    (void)state;
    for (size_t i = 0; (row = said_at(i)); i++) {
        char text[TEXT_ROOM], japanese[TEXT_ROOM], only[64] = "";
        const char *word_end = strrchr(row->code, '.');
        fill(row, text);
        if (strncmp(row->code, "word.", 5) == 0 || strncmp(row->code, "reason.", 7) == 0) {
            snprintf(only, sizeof(only), "%.*s", (int)(word_end - row->code + 1), row->code);
        }
        cJSON *said = said_of(text, only);
        if (strcmp(code_of(said), row->code) != 0) {
            fail_msg("'%s' of %s is taken for %s", text, row->code, code_of(said));
        }
        assert_true(in_japanese(said, japanese, sizeof(japanese)));
        assert_null(strchr(japanese, '{'));
        cJSON_Delete(said);
    }
}

/* A text, and what it is in Japanese. */
static void
says(const char *text, const char *only, const char *code, const char *japanese)
{
    char out[TEXT_ROOM];
    cJSON *said = said_of(text, only);
    assert_string_equal(code_of(said), code);
    assert_true(in_japanese(said, out, sizeof(out)));
    assert_string_equal(out, japanese);
    cJSON_Delete(said);
}

static void
test_real_texts(void **state)
{
    (void)state;
    says("weak evidence: one-way traffic, which anybody can send in its name", "hold.", "hold.weak",
         "証拠が弱いため: 片方向の通信であり、ほかの機器がその端末を装って送信できます");
    says("c2: CORDON DNS query for a listed name (T1071.004); 3 detections, furthest phase c2",
         "incident.", "incident.many_techniques",
         "c2: リストにある名前の DNS 問い合わせ（T1071.004）。検知 3 件、最も進んだフェーズは"
         "「C&C 通信」");
    says("ET MALWARE x: y; 1 detection, furthest phase discovery", "incident.", "incident.one",
         "ET MALWARE x: y。検知 1 件、最も進んだフェーズは「資産・データ探索」");
    says("seen on access port p1 of e1 since 2026-03-09T02:58:24Z, the only one there; core and e2 "
         "see it on their uplinks",
         "place.", SAID_LIST,
         "2026年3月9日 11:58:24 から e1 のアクセスポート p1 "
         "で確認。そのポートにはこの端末のみ。core "
         "と e2 はアップリンクで観測");
    says("e1 not connected since 2026-03-09T02:58:24Z; e2 is still being told", "", SAID_LIST,
         "e1 は 2026年3月9日 11:58:24 から未接続です。e2 へ設定を送信中です");
    says("e1 has not answered what it was told at 2026-03-09T02:58:24Z", "", "report.unanswered",
         "e1 は 2026年3月9日 11:58:24 に送信した設定に応答していません");
    says("has not answered what it was told at 2026-03-09T02:58:24Z", "", "switch.unanswered",
         "2026年3月9日 11:58:24 に送信した設定に応答していません");
    says("policy a: isolate c2 is held for a person: weak evidence: s has no declared strength; "
         "policy b: notify c2",
         "", SAID_LIST,
         "ポリシー a: c2 への「隔離」を保留し、担当者の判断を待ちます: 証拠が弱いため: 検知元 s "
         "の証拠の強さが宣言されていません。ポリシー b: c2 に「通知のみ」");
    says("c3: ET MALWARE Beacon (GET) (T1071); 1 detection, furthest phase c2", "incident.",
         "incident.one_techniques",
         "c3: ET MALWARE Beacon (GET)（T1071）。検知 1 件、最も進んだフェーズは「C&C 通信」");
    says("CORDON port scan", "reason.", "reason.detection_only", "ポートスキャン");
    says("CORDON C&C contact: listed URL: cnc.example", "reason.", "reason.detection",
         "C&C 通信: リストにある URL への接続（cnc.example）");
    says("the notify process is away; try again", "", SAID_LIST,
         "通知プロセスが停止しています。再試行してください");
    says("the notify process ended; nothing was changed", "", SAID_LIST,
         "通知プロセスが終了しました。何も変更していません");
    says("another change is being stored; try again", "", SAID_LIST,
         "別の変更を保存中です。再試行してください");
    says("the settings were changed meanwhile: version 7", "", "notify.stale",
         "読み込んだ後に、ほかの担当者が設定を変更しています（版 7）");
    says("on_call needs one of the e-mail channels", "", "notify.mail_channel",
         "on_call にはメールの通知先を指定してください");
    says("the server's certificate is refused, nothing was sent: SSL: no alternative name; x", "",
         "sent.certificate",
         "サーバーの証明書を検証できないため、何も送信していません: SSL: no alternative name; x");
    says("disconnected: the sensor is not connected", "", "doctor.source",
         "未接続: センサーが接続していません");
    says("sent; UDP receivers do not answer", "", "sent.udp",
         "送信しました。UDP では受信側からの応答はありません");
    says("contain", "word.audit.", "word.audit.contain", "封じ込め");
}

/* In English it is the text that it was, but for times and lengths of time. */
static void
test_times_are_the_readers(void **state)
{
    static const struct {
        const char *text, *english, *japanese;
    } cases[] = {
        {"its certificate expired on 2026-03-08T15:04:05Z",
         "its certificate expired on 2026-03-09 00:04:05 +0900",
         "証明書の期限が 2026年3月9日 0:04:05 に切れました"},
        {"its clock is 59 s behind ours", "its clock is 59 s behind ours",
         "この機器の時計が Cordon より 59 秒遅れています"},
        {"its clock is 7261 s ahead of ours", "its clock is 2 h 1 min ahead of ours",
         "この機器の時計が Cordon より 2 時間 1 分進んでいます"},
        {"this machine's clock was set back by 172800 s: 3 containments end when they were meant "
         "to",
         "this machine's clock was set back by 2 d: 3 containments end when they were meant to",
         "Cordon のサーバーの時計が 2 日戻されました。封じ込め 3 件の期限は、元の予定どおりに終わる"
         "よう補正しました"},
        {"e1 has not connected yet; e2 not connected since 2026-03-09T02:58:24Z",
         "e1 has not connected yet; e2 not connected since 2026-03-09 11:58:24 +0900",
         "e1 はまだ一度も接続していません。e2 は 2026年3月9日 11:58:24 から未接続です"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char out[TEXT_ROOM];
        cJSON *said = said_of(cases[i].text, "");
        assert_true(said_in_words(said, READER_ENGLISH, out, sizeof(out)));
        assert_string_equal(out, cases[i].english);
        assert_true(in_japanese(said, out, sizeof(out)));
        assert_string_equal(out, cases[i].japanese);
        cJSON_Delete(said);
    }
}

static void
test_a_zone_that_is_not_the_readers_is_named(void **state)
{
    char text[READER_SIZE];
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    reader_time(INT64_C(1773025104532140), READER_JAPANESE, text);
    setenv("TZ", "JST-9", 1);
    tzset();
    assert_string_equal(text, "2026年3月9日 2:58:24（UTC+00:00）");
}

/* A dozen switches that are away. */
static void
test_a_long_list(void **state)
{
    char text[TEXT_ROOM] = "", out[TEXT_ROOM];
    (void)state;
    for (size_t i = 1; i <= 12; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, "%se%zu has not connected yet",
                 used > 0 ? "; " : "", i);
    }
    cJSON *said = said_of(text, "");
    assert_true(in_japanese(said, out, sizeof(out)));
    assert_non_null(strstr(out, "e12 はまだ"));
    cJSON_Delete(said);
}

/* What people and attackers write is nobody's sentence. */
static void
test_others_texts_stay(void **state)
{
    static const char *const texts[] = {"",        "x",   "cleaned",           "policy",
                                        "p1",      "; ",  "; ; ; ;",           "{1}",
                                        "contain", "c2 ", "ET MALWARE x; y: z"};
    char out[64];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_null(said_of(texts[i], ""));
    }
    assert_null(said_of("nobody known", "reason."));
    assert_false(in_japanese(NULL, out, sizeof(out)));
    cJSON *made = cJSON_Parse("{\"code\": \"story.done\", \"values\": [\"a\"]}");
    assert_false(in_japanese(made, out, sizeof(out))); /* values are missing */
    cJSON_Delete(made);
}

static void
test_cut_between_characters(void **state)
{
    char out[64];
    cJSON *said = said_of("nobody known", "");
    (void)state;
    for (size_t size = 1; size <= sizeof(out); size++) {
        assert_true(in_japanese(said, out, size));
        assert_true(strlen(out) < size);
        assert_true(utf8_is_plain(out, strlen(out)));
    }
    cJSON_Delete(said);
}

/* Every prefix of every text, and texts made to be found nearly everywhere. */
static void
test_hostile_texts_cost_little(void **state)
{
    static const char *const parts[] = {"; ",
                                        ": ",
                                        " is ",
                                        "policy a: ",
                                        "x by ",
                                        " (mode observe)",
                                        " endpoints of network ",
                                        " not connected",
                                        ", held: "};
    const struct said *row;
    (void)state;
    clock_t begun = clock();
    for (size_t i = 0; (row = said_at(i)); i++) {
        char text[TEXT_ROOM];
        fill(row, text);
        for (size_t size = strlen(text); size > 0; size--) {
            text[size] = '\0';
            cJSON_Delete(said_of(text, ""));
        }
    }
    uint64_t random = 88172645463325252U;
    for (size_t round = 0; round < 200; round++) {
        char text[TEXT_ROOM] = "";
        while (strlen(text) < 1400) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            strcat(text, parts[random % COUNT_OF(parts)]);
        }
        char out[256];
        cJSON *said = said_of(text, "");
        assert_true(!said || in_japanese(said, out, sizeof(out)));
        cJSON_Delete(said);
    }
    assert_true((double)(clock() - begun) / CLOCKS_PER_SEC < 20);
}

int
main(void)
{
    setenv("TZ", "JST-9", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_whole),
        cmocka_unit_test(test_japanese_is_japanese),
        cmocka_unit_test(test_each_row_is_found_again),
        cmocka_unit_test(test_real_texts),
        cmocka_unit_test(test_times_are_the_readers),
        cmocka_unit_test(test_a_zone_that_is_not_the_readers_is_named),
        cmocka_unit_test(test_a_long_list),
        cmocka_unit_test(test_others_texts_stay),
        cmocka_unit_test(test_cut_between_characters),
        cmocka_unit_test(test_hostile_texts_cost_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
