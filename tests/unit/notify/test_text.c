/* Every kind of notice in words, for readers of each language: what the server says of it is in
 * their language, what people typed and other makers' products said stays as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "notify/text.h"

#define NOW_US INT64_C(1773025104532140) /* 2026-03-09T02:58:24.532140Z */
#define TYPED "Anna saw it"              /* a person's own words */
#define THEIRS "ET MALWARE Beacon"       /* another maker's */

/* As the server makes them. */
struct example {
    enum notice_kind kind;
    enum severity severity;
    enum action action;
    enum containment_state state;
    const char *object, *account, *reason, *detail;
    const char *ja; /* stands in the Japanese body */
};

static const struct example examples[] = {
    {NOTICE_DETECTED, SEVERITY_HIGH, ACTION_NOTIFY, 0, "", "", THEIRS, THEIRS, THEIRS},
    {NOTICE_DETECTED, SEVERITY_HIGH, ACTION_NOTIFY, 0, "", "",
     "CORDON C&C contact: listed address: 198.51.100.7", "CORDON C&C contact: listed address",
     "理由: C&C 通信: リストにあるアドレスへの接続（198.51.100.7）"},
    {NOTICE_PENDING, SEVERITY_HIGH, ACTION_ISOLATE, CONTAINMENT_PENDING, "", "policy:c2",
     "CORDON port scan", "weak evidence: one-way traffic, which anybody can send in its name",
     "保留の理由: 証拠が弱いため"},
    {NOTICE_PENDING, SEVERITY_HIGH, ACTION_ISOLATE, CONTAINMENT_PENDING, "", "policy:c2",
     "CORDON host sweep of port 445", "3 of 40 endpoints of network clinic are contained: over 5 %",
     "ポート 445 のホストスイープ"},
    {NOTICE_ANSWERED, SEVERITY_LOW, ACTION_ISOLATE, CONTAINMENT_REVERTED, "", "policy:time-out",
     "CORDON ARP sweep", "nobody judged it in time", "期限内に判断されませんでした"},
    {NOTICE_ANSWERED, SEVERITY_LOW, ACTION_ISOLATE, CONTAINMENT_CHECKED, "", "hana",
     "CORDON ARP sweep", TYPED, "判断の結果: 確認済み（遮断しません）"},
    {NOTICE_ANSWERED, SEVERITY_LOW, ACTION_ISOLATE, CONTAINMENT_REQUESTED, "", "policy:c2",
     "CORDON ARP sweep", "another detection leaves no doubt", "別の検知により確実になりました"},
    {NOTICE_CONTAINED, SEVERITY_HIGH, ACTION_ISOLATE, CONTAINMENT_VERIFIED, "", "",
     "CORDON DNS query for a listed name: cnc.example", "", "端末をネットワークから切り離しました"},
    {NOTICE_CONTAINED, SEVERITY_HIGH, ACTION_BLOCK_PAIR, CONTAINMENT_VERIFIED, "", "", TYPED,
     "again", "端末のほかの通信はそのまま使えます"},
    {NOTICE_CONTAINED, SEVERITY_HIGH, ACTION_BLOCK_SERVER, CONTAINMENT_VERIFIED, "", "", TYPED, "",
     "すべての端末で遮断しました"},
    {NOTICE_CONTAINED, SEVERITY_HIGH, ACTION_MIRROR, CONTAINMENT_VERIFIED, "", "", TYPED, "",
     "詳しく監視しています"},
    {NOTICE_UNVERIFIED, SEVERITY_HIGH, ACTION_ISOLATE, CONTAINMENT_APPLIED, "", "", TYPED,
     "e1 not connected since 2026-03-09T02:58:24Z; e2 the entry in ports is missing",
     "e1 は 2026年3月9日 11:58:24 から未接続です"},
    {NOTICE_FAILED, SEVERITY_HIGH, ACTION_ISOLATE, CONTAINMENT_FAILED, "", "", TYPED,
     "no switch holds it: none that must is known", "対象のスイッチが登録されていません"},
    {NOTICE_MOVED, SEVERITY_MEDIUM, ACTION_ISOLATE, CONTAINMENT_VERIFIED, "", "", TYPED,
     "e1/p3 -> e2/p4", "移動先: e1/p3 -> e2/p4"},
    {NOTICE_RELEASED, SEVERITY_LOW, ACTION_ISOLATE, CONTAINMENT_RELEASED, "", "hana", TYPED, TYPED,
     "解除の理由: " TYPED},
    {NOTICE_RELEASED, SEVERITY_LOW, ACTION_ISOLATE, CONTAINMENT_RELEASED, "", "policy:protected",
     TYPED, "protected since: declared in the policy file", "保護対象になりました"},
    {NOTICE_EXPIRED, SEVERITY_LOW, ACTION_ISOLATE, CONTAINMENT_EXPIRED, "", "policy:expiry", TYPED,
     "its time is over", "実行者: 自動（期限切れ）"},
    {NOTICE_PROTECTION, SEVERITY_LOW, ACTION_NONE, 0, "", "",
     "acts as dhcp_server on access port e1/p3", "",
     "e1/p3（アクセスポート）で DHCP サーバーとして動作しています"},
    {NOTICE_SWITCH_LOST, SEVERITY_HIGH, ACTION_NONE, 0, "e1", "", "", "the connection was lost",
     "接続が切れました"},
    {NOTICE_SWITCH_BACK, SEVERITY_LOW, ACTION_NONE, 0, "e1", "", "", "", "対象: e1"},
    {NOTICE_SWITCH_PROBLEM, SEVERITY_HIGH, ACTION_NONE, 0, "e1", "", "",
     "2 differences: it holds rules that it must not hold", "相違 2 件"},
    {NOTICE_SWITCH_PROBLEM, SEVERITY_HIGH, ACTION_NONE, 0, "e1", "", "",
     "it holds 4 blocks that the database does not know: they stay until a person decides",
     "データベースにない遮断を 4 件保持しています"},
    {NOTICE_SWITCH_PROBLEM, SEVERITY_MEDIUM, ACTION_NONE, 0, "e1", "", "",
     "it has seen epoch 7, ours is 6: another controller took it over, this one does not drive it "
     "any more",
     "別のコントローラーが引き継いだ"},
    {NOTICE_SENSOR_SILENT, SEVERITY_HIGH, ACTION_NONE, 0, "s1", "", "", "", "監視されていません"},
    {NOTICE_SENSOR_BACK, SEVERITY_LOW, ACTION_NONE, 0, "s1", "", "", "", "対象: s1"},
    {NOTICE_SOURCE_PROBLEM, SEVERITY_MEDIUM, ACTION_NONE, 0, "s1", "", "",
     "cannot listen at 192.0.2.1:514: Address already in use", "すでに使われています"},
    {NOTICE_SOURCE_PROBLEM, SEVERITY_MEDIUM, ACTION_NONE, 0, "s1", "", "",
     "what it sends is refused: malformed", "形式が不正です"},
    {NOTICE_PANIC, SEVERITY_HIGH, ACTION_NONE, 0, "", "hana", TYPED, "", "理由: " TYPED},
    {NOTICE_PANIC, SEVERITY_HIGH, ACTION_NONE, 0, "e1", "switch:e1", "",
     "somebody at the switch suspended enforcement on it", "スイッチ 1 台の封じ込めを停止"},
    {NOTICE_RESUME, SEVERITY_HIGH, ACTION_NONE, 0, "", "hana", TYPED, "", "再開しました"},
    {NOTICE_RESUME, SEVERITY_HIGH, ACTION_NONE, 0, "e1", "switch:e1", "",
     "somebody at the switch resumed enforcement on it", "スイッチ 1 台の封じ込めを再開"},
    {NOTICE_POLICY, SEVERITY_LOW, ACTION_NONE, 0, "", "", "", "", "ポリシーが変更されました"},
    {NOTICE_SIGN_IN, SEVERITY_MEDIUM, ACTION_NONE, 0, "hana from 192.0.2.9", "", "", "",
     "対象: hana、接続元 192.0.2.9"},
    {NOTICE_SIGN_IN, SEVERITY_MEDIUM, ACTION_NONE, 0, "somebody from 192.0.2.9", "", "", "",
     "対象: アカウント不明、接続元 192.0.2.9"},
    {NOTICE_AUDIT, SEVERITY_HIGH, ACTION_NONE, 0, "", "", "",
     "rows from 9 on are missing: e1 holds a checkpoint of row 12, signed at 2026-03-09T02:58:24Z",
     "9 行目以降がありません"},
    {NOTICE_STORM, SEVERITY_HIGH, ACTION_NONE, 0, "", "", "",
     "more endpoints are to be isolated than the budget allows (5 within a minute, 20 within an "
     "hour): the most confident go first",
     "1 分間に 5 台"},
    {NOTICE_CONFLICT, SEVERITY_MEDIUM, ACTION_NONE, 0, "", "", "",
     "claims 192.0.2.7, which is leased to 01HN0000000000000000000003",
     "192.0.2.7 を使おうとしています"},
    {NOTICE_CONFLICT, SEVERITY_MEDIUM, ACTION_NONE, 0, "", "", "",
     "more than 512 MAC addresses on one port: new ones are not followed", "512 個を超える"},
    {NOTICE_CERTIFICATE, SEVERITY_MEDIUM, ACTION_NONE, 0, "e1", "", "",
     "its certificate expires on 2026-03-09T02:58:24Z: enrol it again ('cordonctl enrol')",
     "2026年3月9日 11:58:24 です"},
    {NOTICE_CLOCK, SEVERITY_MEDIUM, ACTION_NONE, 0, "", "", "",
     "this machine's clock was set forward by 7200 s: 3 containments end when they were meant to",
     "2 時間進められました"},
    {NOTICE_CLOCK, SEVERITY_MEDIUM, ACTION_NONE, 0, "e1", "", "", "its clock is 90 s behind ours",
     "1 分 30 秒遅れています"},
    {NOTICE_CLOCK, SEVERITY_LOW, ACTION_NONE, 0, "e1", "", "", "its clock agrees with ours again",
     "時計のずれが解消しました"},
    {NOTICE_STORE, SEVERITY_HIGH, ACTION_NONE, 0, "", "", "",
     "the database could not be stored on the disk: nothing new is decided, what is in force "
     "stays: No space left on device",
     "ディスクに空きがありません"},
    {NOTICE_STORE, SEVERITY_LOW, ACTION_NONE, 0, "", "", "", "the database is stored again",
     "データベースが回復しました"},
    {NOTICE_STORE, SEVERITY_MEDIUM, ACTION_NONE, 0, "retention", "", "",
     "the stored retention cannot be read: nothing goes by its age until it is set with "
     "'cordonctl retention set'",
     "保存期間の設定を読み取れない"},
    {NOTICE_BACKUP, SEVERITY_MEDIUM, ACTION_NONE, 0, "", "", "",
     "/var/lib/cordon/backups: Read-only file system", "ディスクが読み取り専用です"},
    {NOTICE_BACKUP, SEVERITY_MEDIUM, ACTION_NONE, 0, "", "", "",
     "it said nothing for an hour; look into the log", "1 時間応答がありません"},
    {NOTICE_PROCESS, SEVERITY_MEDIUM, ACTION_NONE, 0, "core", "", "",
     "the process ended by itself (signal 11) and was started again", "シグナル 11"},
    {NOTICE_PROCESS, SEVERITY_MEDIUM, ACTION_NONE, 0, "core", "", "",
     "memory runs out: 91 % of 512 MiB are used; what is only kept to be shown is dropped from "
     "memory",
     "メモリーが不足しています"},
    {NOTICE_PROCESS, SEVERITY_LOW, ACTION_NONE, 0, "core", "", "",
     "there is memory again: 70 % of 512 MiB are used", "異常が解消しました"},
    {NOTICE_DISK, SEVERITY_HIGH, ACTION_NONE, 0, "disk", "", "",
     "the disk budget is used to 100 % (900 of 900 MiB): nothing is left that may go; give it "
     "more room",
     "これ以上削除できる記録がありません"},
    {NOTICE_DISK, SEVERITY_HIGH, ACTION_NONE, 0, "disk", "", "",
     "others than Cordon fill its file system (12 MiB are left): nothing of ours goes for that; "
     "make room, or accept it by setting the budget again",
     "空き 12 MiB"},
    {NOTICE_DISK, SEVERITY_HIGH, ACTION_NONE, 0, "disk", "", "",
     "the packets that are kept reach their limit, and cases in force need all of them: the newest "
     "go, of long cases first",
     "パケットの保存量が上限に達しており"},
    {NOTICE_CHECKPOINT, SEVERITY_INFO, ACTION_NONE, 0, "", "", "", "", "保管してください"},
    {NOTICE_AUDIT_ROW, SEVERITY_LOW, ACTION_NONE, 0, "e1", "hana", "declared in the policy file",
     "row 12 protect hash 0123456789", "12 行目: 保護対象の登録"},
    {NOTICE_TEST, SEVERITY_INFO, ACTION_NONE, 0, "", "hana", "", "", "対応は不要です"},
};

static struct wire_notice
wire_of(const struct example *e, struct notice *notice, enum notify_language language,
        enum notify_voice voice)
{
    *notice = (struct notice){.id = "01HN0000000000000000000001",
                              .kind = e->kind,
                              .severity = e->severity,
                              .at_us = NOW_US,
                              .action = e->action,
                              .state = e->state};
    snprintf(notice->object, sizeof(notice->object), "%s", e->object);
    snprintf(notice->account, sizeof(notice->account), "%s", e->account);
    snprintf(notice->reason, sizeof(notice->reason), "%s", e->reason);
    snprintf(notice->detail, sizeof(notice->detail), "%s", e->detail);
    if (e->action != ACTION_NONE) {
        snprintf(notice->containment_id, ID_SIZE, "01HN0000000000000000000002");
        snprintf(notice->case_number, sizeof(notice->case_number), "1A2B3C4D");
        snprintf(notice->host_name, HOST_SIZE, "pc-7");
        snprintf(notice->switch_name, NAME_SIZE, "e1");
        snprintf(notice->port, NAME_SIZE, "p3");
        snprintf(notice->policy, NAME_SIZE, "c2");
        assert_true(ip_parse("192.0.2.7", &notice->ip));
    }
    if (e->kind == NOTICE_PENDING || e->kind == NOTICE_CONTAINED) {
        notice->until_us = NOW_US + INT64_C(3600000000);
        notice->pending_action = ACTION_ISOLATE;
    }
    struct wire_notice wire = {.message = {.language = language,
                                           .voice = voice,
                                           .contact = "Hana",
                                           .notices = notice,
                                           .notice_count = 1},
                               .console_url = "https://cordon.hospital.example"};
    return wire;
}

/* What may stand in a Japanese message: names, what others wrote, and abbreviations that Japanese
 * uses as they are. */
static void
take_names_out(char *text)
{
    static const char *const names[] = {"https://cordon.hospital.example",
                                        "#/containments/",
                                        "#/pending",
                                        "01HN0000000000000000000002",
                                        "01HN0000000000000000000003",
                                        "cnc.example",
                                        "/var/lib/cordon/backups",
                                        "ports",
                                        "core",
                                        "clinic",
                                        "hana",
                                        "Hana",
                                        TYPED,
                                        THEIRS,
                                        "[Cordon]",
                                        "Cordon",
                                        "DNS",
                                        "DHCP",
                                        "NTP",
                                        "MAC",
                                        "ARP",
                                        "MiB",
                                        "USB"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        for (char *at; (at = strstr(text, names[i])) != NULL;) {
            memset(at, '.', strlen(names[i]));
        }
    }
}

static void
assert_japanese(const char *text)
{
    char *rest = strdup(text);
    size_t letters = 0;
    take_names_out(rest);
    for (const char *at = rest; *at; at++) {
        letters = isalpha((unsigned char)*at) ? letters + 1 : 0;
        if (letters >= 3) {
            fail_msg("'%.40s' is not Japanese in: %s", at - 2, text);
        }
    }
    free(rest);
}

static void
test_what_the_server_says_is_in_the_readers_language(void **state)
{
    bool is_seen[NOTICE_KIND_COUNT] = {false};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        const struct example *e = &examples[i];
        is_seen[e->kind] = true;
        for (int voice = 0; voice < VOICE_COUNT; voice++) {
            struct notice notice;
            char subject[SUBJECT_SIZE];
            struct wire_notice wire = wire_of(e, &notice, NOTIFY_JA, (enum notify_voice)voice);
            text_subject(&wire, subject);
            assert_japanese(subject);
            char *body = text_body(&wire);
            assert_japanese(body);
            assert_true(utf8_is_plain(subject, strlen(subject)));
            if (voice == VOICE_CHANNEL && !strstr(body, e->ja)) {
                fail_msg("'%s' does not stand in: %s", e->ja, body);
            }
            free(body);
        }
    }
    for (size_t i = 0; i < NOTICE_KIND_COUNT; i++) {
        if (!is_seen[i]) {
            fail_msg("no example of %s", notice_kind_names[i]);
        }
    }
}

/* No Japanese, and everything that the Japanese reader is told. */
static void
test_english_says_as_much(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        for (int voice = 0; voice < VOICE_COUNT; voice++) {
            struct notice notice;
            size_t lines[NOTIFY_LANGUAGE_COUNT] = {0};
            for (int language = 0; language < NOTIFY_LANGUAGE_COUNT; language++) {
                struct wire_notice wire =
                    wire_of(&examples[i], &notice, (enum notify_language)language,
                            (enum notify_voice)voice);
                char *body = text_body(&wire);
                for (const char *at = body; *at; at++) {
                    lines[language] += *at == '\n';
                    assert_true(language != NOTIFY_EN || (unsigned char)*at < 0x80);
                }
                free(body);
            }
            assert_int_equal(lines[NOTIFY_EN], lines[NOTIFY_JA]);
        }
    }
}

int
main(void)
{
    setenv("TZ", "JST-9", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_server_says_is_in_the_readers_language),
        cmocka_unit_test(test_english_says_as_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
