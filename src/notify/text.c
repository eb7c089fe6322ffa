#include "notify/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

struct words {
    const char *by[NOTIFY_LANGUAGE_COUNT];
};

static const struct words kinds[NOTICE_KIND_COUNT] = {
    [NOTICE_DETECTED] = {{"Detected", "脅威を検知しました"}},
    [NOTICE_PENDING] = {{"Waits for your decision", "承認待ちの措置があります"}},
    [NOTICE_ANSWERED] = {{"Decided", "承認待ちの措置が判断されました"}},
    [NOTICE_CONTAINED] = {{"Contained and verified", "封じ込め、動作を検証しました"}},
    [NOTICE_UNVERIFIED] = {{"Containment not verified everywhere",
                            "封じ込めを検証できないスイッチがあります"}},
    [NOTICE_FAILED] = {{"Containment failed", "封じ込めに失敗しました"}},
    [NOTICE_MOVED] = {{"Contained endpoint moved", "封じ込め中の端末が移動しました"}},
    [NOTICE_RELEASED] = {{"Released", "封じ込めを解除しました"}},
    [NOTICE_EXPIRED] = {{"Containment expired", "封じ込めが期限切れで終了しました"}},
    [NOTICE_PROTECTION] = {{"Proposed as protected", "保護対象の候補があります"}},
    [NOTICE_SWITCH_LOST] = {{"Switch lost", "スイッチと通信できません"}},
    [NOTICE_SWITCH_BACK] = {{"Switch is back", "スイッチとの通信が回復しました"}},
    [NOTICE_SWITCH_PROBLEM] = {{"Switch has a problem", "スイッチに問題があります"}},
    [NOTICE_SENSOR_SILENT] =
        {{"Sensor is silent: its networks are not watched",
          "センサーからの通知が途絶えました。監視されていないネットワークがあります"}},
    [NOTICE_SENSOR_BACK] = {{"Sensor is heard again", "センサーからの通知が回復しました"}},
    [NOTICE_SOURCE_PROBLEM] = {{"Source of detections has a problem", "検知元に問題があります"}},
    [NOTICE_PANIC] = {{"PANIC: all enforcement is suspended",
                       "全停止: すべての封じ込めを停止しました"}},
    [NOTICE_RESUME] = {{"Enforcement is resumed", "封じ込めを再開しました"}},
    [NOTICE_POLICY] = {{"Policy changed", "ポリシーが変更されました"}},
    [NOTICE_SIGN_IN] = {{"Sign-in locked out", "サインインがロックされました"}},
    [NOTICE_AUDIT] = {{"The audit log is broken", "操作ログの改ざんまたは欠損を検出しました"}},
    [NOTICE_STORM] = {{"More is detected than the budget lets contain",
                       "検知が集中し、自動隔離の上限を超えています"}},
    [NOTICE_CONFLICT] = {{"Two machines contradict each other", "端末の情報に矛盾があります"}},
    [NOTICE_CERTIFICATE] = {{"A certificate expires", "証明書の有効期限が近づいています"}},
    [NOTICE_CLOCK] = {{"A clock was set or is wrong", "時計のずれまたは変更を検出しました"}},
    [NOTICE_STORE] = {{"The database cannot be written or read, or can again",
                       "データベースの読み書きの異常または回復"}},
    [NOTICE_BACKUP] = {{"A backup failed", "バックアップに失敗しました"}},
    [NOTICE_PROCESS] = {{"A process of Cordon ended, or its memory runs out",
                         "Cordonのプロセスの異常終了またはメモリ不足"}},
    [NOTICE_DISK] = {{"The disk budget is being used up", "ディスク容量の不足"}},
    [NOTICE_CHECKPOINT] = {{"Checkpoint of the audit log", "操作ログのチェックポイント"}},
    [NOTICE_AUDIT_ROW] = {{"Audit log row", "操作ログの記録"}},
    [NOTICE_TEST] = {{"Test message", "テスト通知"}},
};

static const struct words actions[ACTION_COUNT] = {
    [ACTION_NONE] = {{"nothing", "措置なし"}},
    [ACTION_ISOLATE] = {{"isolate the endpoint", "隔離"}},
    [ACTION_BLOCK_PAIR] = {{"block endpoint and server", "通信ペアの遮断"}},
    [ACTION_BLOCK_SERVER] = {{"block the server for everybody", "サーバーの遮断"}},
    [ACTION_MIRROR] = {{"mirror in detail", "詳細ミラー"}},
    [ACTION_NOTIFY] = {{"notify", "通知のみ"}},
};

static const char *
pick(const struct words *words, enum notify_language language)
{
    return words->by[language];
}

static void
time_text(int64_t us, char text[40])
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(text, 40, "%Y-%m-%d %H:%M:%S %z", &local);
}

/* Whom or what it is about, as short as it can be. */
static void
subject_of(const struct notice *notice, char text[HOST_SIZE + 2 * NAME_SIZE + 8])
{
    char address[PREFIX_TEXT_SIZE] = "";
    if (!ip_is_none(&notice->ip)) {
        ip_format(&notice->ip, address);
    } else if (!mac_is_none(&notice->mac)) {
        mac_format(&notice->mac, address);
    } else if (!prefix_is_none(&notice->server)) {
        prefix_format(&notice->server, address);
    }
    const char *name = notice->host_name[0]     ? notice->host_name
                       : notice->object[0]      ? notice->object
                       : notice->server_name[0] ? notice->server_name
                                                : address;
    snprintf(text, HOST_SIZE + 2 * NAME_SIZE + 8, "%s%s%s%s%s", name,
             notice->switch_name[0] ? " @ " : "", notice->switch_name, notice->port[0] ? "/" : "",
             notice->port);
}

void
text_line(const struct notice *notice, enum notify_language language, char line[SUBJECT_SIZE])
{
    char about[HOST_SIZE + 2 * NAME_SIZE + 8];
    subject_of(notice, about);
    int used = snprintf(line, SUBJECT_SIZE, "%s%s%s", pick(&kinds[notice->kind], language),
                        about[0] ? ": " : "", about);
    if (notice->case_number[0] && used > 0 && used < SUBJECT_SIZE) {
        snprintf(line + used, SUBJECT_SIZE - (size_t)used,
                 language == NOTIFY_JA ? "（受付番号 %s）" : " (case %s)", notice->case_number);
    }
    utf8_make_plain(line, strlen(line));
}

static void
owner_subject(const struct notice *notice, enum notify_language language,
              char subject[SUBJECT_SIZE])
{
    static const struct words cut = {
        {"Your computer was disconnected from the network (case %s)",
         "ご利用の端末をネットワークから切り離しました（受付番号 %s）"}};
    static const struct words back = {
        {"Your computer can use the network again (case %s)",
         "ご利用の端末がネットワークを再び利用できます（受付番号 %s）"}};
    bool is_cut = notice->kind == NOTICE_CONTAINED;
    char head[256];
    /* One of the four above, chosen here: no text from outside is a format. */
    const char *format = pick(is_cut ? &cut : &back, language);
    const char *at = strstr(format, "%s");
    snprintf(head, sizeof(head), "%.*s", (int)(at - format), format);
    snprintf(subject, SUBJECT_SIZE, "%s%s%s", head, notice->case_number, at + 2);
}

void
text_subject(const struct wire_notice *wire, char subject[SUBJECT_SIZE])
{
    const struct message *message = &wire->message;
    char line[SUBJECT_SIZE] = "";
    if (message->notice_count > 0 && message->voice == VOICE_OWNER) {
        owner_subject(&message->notices[0], message->language, subject);
        return;
    }
    if (message->notice_count > 0) {
        text_line(&message->notices[0], message->language, line);
    }
    size_t others = message->notice_count + message->more - (message->notice_count > 0);
    if (others == 0) {
        snprintf(subject, SUBJECT_SIZE, "[Cordon] %.490s", line);
    } else {
        snprintf(subject, SUBJECT_SIZE,
                 message->language == NOTIFY_JA ? "[Cordon] %.440s ほか%zu件"
                                                : "[Cordon] %.440s, and %zu more",
                 line, others);
    }
    utf8_make_plain(subject, strlen(subject));
}

void
text_link(const char *console_url, const struct notice *notice, char link[URL_SIZE + 64])
{
    size_t size = strlen(console_url);
    const char *slash = size > 0 && console_url[size - 1] == '/' ? "" : "/";
    link[0] = '\0';
    if (size == 0) {
        return;
    }
    if (notice->kind == NOTICE_PENDING) {
        snprintf(link, URL_SIZE + 64, "%s%s#/pending", console_url, slash);
    } else if (notice->containment_id[0]) {
        snprintf(link, URL_SIZE + 64, "%s%s#/containments/%s", console_url, slash,
                 notice->containment_id);
    } else {
        snprintf(link, URL_SIZE + 64, "%s%s", console_url, slash);
    }
}

/* ---- bodies ---- */

/* "Label: value", where there is a value. */
static void
put(FILE *out, enum notify_language language, const struct words *label, const char *value)
{
    char plain[2 * URL_SIZE];
    if (!value[0]) {
        return;
    }
    snprintf(plain, sizeof(plain), "%s", value);
    utf8_make_plain(plain, strlen(plain));
    fprintf(out, "%s: %s\n", pick(label, language), plain);
}

static void
endpoint_text(const struct notice *notice, char text[2 * HOST_SIZE])
{
    char mac[MAC_TEXT_SIZE] = "";
    char ip[IP_TEXT_SIZE] = "";
    if (!mac_is_none(&notice->mac)) {
        mac_format(&notice->mac, mac);
    }
    if (!ip_is_none(&notice->ip)) {
        ip_format(&notice->ip, ip);
    }
    snprintf(text, 2 * HOST_SIZE, "%s%s%s%s%s", notice->host_name,
             notice->host_name[0] && ip[0] ? ", " : "", ip,
             (notice->host_name[0] || ip[0]) && mac[0] ? ", " : "", mac);
}

static void
server_text(const struct notice *notice, char text[HOST_SIZE + PREFIX_TEXT_SIZE + 4])
{
    char address[PREFIX_TEXT_SIZE] = "";
    if (!prefix_is_none(&notice->server)) {
        prefix_format(&notice->server, address);
    }
    snprintf(text, HOST_SIZE + PREFIX_TEXT_SIZE + 4, "%s%s%s", notice->server_name,
             notice->server_name[0] && address[0] ? ", " : "", address);
}

/* Until when somebody may decide, and what happens then. */
static void
put_until(FILE *out, const struct notice *notice, enum notify_language language)
{
    static const struct words expires = {{"Ends by itself", "自動終了"}};
    char at[40] = "";
    if (notice->until_us > 0) {
        time_text(notice->until_us, at);
    }
    if (notice->kind != NOTICE_PENDING) {
        put(out, language, &expires, at);
        return;
    }
    bool is_ja = language == NOTIFY_JA;
    if (notice->until_us == 0) {
        fputs(is_ja ? "応答がない場合: 判断されるまで待ち続けます（自動では何も行いません）。\n"
                    : "If nobody answers: it goes on waiting; nothing is done by itself.\n",
              out);
    } else if (notice->pending_action == ACTION_NONE) {
        fprintf(out,
                is_ja ? "応答がない場合: %s に取り消され、何も行いません。\n"
                      : "If nobody answers: at %s it is refused and nothing is done.\n",
                at);
    } else {
        fprintf(out,
                is_ja ? "応答がない場合: %s に自動で実施します: %s\n"
                      : "If nobody answers: at %s it is done by itself: %s\n",
                at, pick(&actions[notice->pending_action], language));
    }
}

static void
put_notice(FILE *out, const struct wire_notice *wire, const struct notice *notice)
{
    static const struct words when = {{"When", "日時"}}, severity = {{"Severity", "重大度"}},
                              action = {{"Action", "措置"}}, endpoint = {{"Endpoint", "端末"}},
                              place = {{"Where", "接続位置"}}, server = {{"Server", "サーバー"}},
                              object = {{"About", "対象"}}, why = {{"Why", "理由"}},
                              detail = {{"Detail", "詳細"}}, policy = {{"Policy", "ポリシー"}},
                              account = {{"By", "実行者"}}, number = {{"Case number", "受付番号"}},
                              link = {{"Console", "コンソール"}};
    static const struct words severities[SEVERITY_COUNT] = {
        {{"info", "情報"}}, {{"low", "低"}}, {{"medium", "中"}}, {{"high", "高"}}};
    enum notify_language language = wire->message.language;
    char text[URL_SIZE + 64];
    time_text(notice->at_us, text);
    fprintf(out, "%s\n", pick(&kinds[notice->kind], language));
    put(out, language, &when, text);
    put(out, language, &severity, pick(&severities[notice->severity], language));
    put(out, language, &action,
        notice->action == ACTION_NONE ? "" : pick(&actions[notice->action], language));
    endpoint_text(notice, text);
    put(out, language, &endpoint, text);
    snprintf(text, sizeof(text), "%s%s%s", notice->switch_name, notice->port[0] ? " / " : "",
             notice->port);
    put(out, language, &place, text);
    server_text(notice, text);
    put(out, language, &server, text);
    put(out, language, &object, notice->object);
    put(out, language, &why, notice->reason);
    put(out, language, &detail, notice->detail);
    put(out, language, &policy, notice->policy);
    put(out, language, &account, notice->account);
    put_until(out, notice, language);
    put(out, language, &number, notice->case_number);
    text_link(wire->console_url, notice, text);
    put(out, language, &link, text);
}

/* For somebody who knows nothing of networks: what happened, what to do, what number to name. */
static void
put_owner(FILE *out, const struct notice *notice, enum notify_language language)
{
    char at[40];
    char name[2 * HOST_SIZE];
    bool is_cut = notice->kind == NOTICE_CONTAINED;
    time_text(notice->at_us, at);
    endpoint_text(notice, name);
    utf8_make_plain(name, strlen(name));
    if (language == NOTIFY_JA) {
        fprintf(out,
                is_cut
                    ? "%s、あなたが利用者として登録されている端末（%s）を、ネットワークから切り離し"
                      "ました。\nウイルスなどに感染しているおそれがあるため、被害が広がらないよう"
                      "自動または担当者の判断で行われた予防的な措置です。\n\n"
                      "・端末の電源は切らずに、そのままにしてください。\n"
                      "・USBメモリなどを抜き差ししないでください。別のネットワークにもつながないで"
                      "ください。\n"
                      "・ヘルプデスクに連絡し、下の受付番号をお伝えください。\n"
                    : "%s、あなたが利用者として登録されている端末（%s）の切り離しを解除しました。"
                      "\nネットワークを再び利用できます。つながらない場合は、ヘルプデスクに下の"
                      "受付番号をお伝えください。\n",
                at, name);
        fprintf(
            out,
            "\n受付番号: %s\n\nこのメールがパスワードの入力を求めることはありません。リンクや添付"
            "ファイルもありません。\n",
            notice->case_number);
        return;
    }
    fprintf(out,
            is_cut ? "At %s the computer that is registered to you (%s) was disconnected from the "
                     "network.\nIt may be infected; this keeps any harm from spreading.  It is a "
                     "precaution and no accusation.\n\n"
                     "- Please leave the computer switched on, as it is.\n"
                     "- Do not plug in USB sticks, and do not connect it to another network.\n"
                     "- Call the help desk and tell them the case number below.\n"
                   : "At %s the computer that is registered to you (%s) was connected to the "
                     "network again.\nIf something still does not work, tell the help desk the "
                     "case number below.\n",
            at, name);
    fprintf(out,
            "\nCase number: %s\n\nThis message never asks for a password; it has no links and no "
            "attachments.\n",
            notice->case_number);
}

static void
put_intro(FILE *out, const struct wire_notice *wire)
{
    bool is_ja = wire->message.language == NOTIFY_JA;
    if (wire->message.voice == VOICE_HELP_DESK) {
        fputs(
            is_ja
                ? "利用者から問い合わせがあるかもしれません。利用者の画面には同じ受付番号が表示され"
                  "ます。多くのサイトでは警告画面が出ず、接続エラーだけが表示されます。\n\n"
                : "The user may call you.  Their screen shows the same case number; on most "
                  "sites they see only that the connection fails.\n\n",
            out);
    } else if (wire->message.voice == VOICE_ON_CALL) {
        fprintf(out,
                is_ja ? "%s さん: "
                        "当番として判断をお願いします。コンソールで「実施」「確認済みにする」「取り"
                        "消し」の"
                        "いずれかを選んでください。\n\n"
                      : "%s: you are on call.  Please decide in the console: Enforce, Check or "
                        "Revert.\n\n",
                wire->message.contact);
    }
}

char *
text_body(const struct wire_notice *wire)
{
    const struct message *message = &wire->message;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        abort(); /* out of memory, as in base/mem.h */
    }
    put_intro(out, wire);
    for (size_t i = 0; i < message->notice_count; i++) {
        fputs(i > 0 ? "\n" : "", out);
        if (message->voice == VOICE_OWNER) {
            put_owner(out, &message->notices[i], message->language);
        } else {
            put_notice(out, wire, &message->notices[i]);
        }
    }
    if (message->more > 0) {
        fprintf(out,
                message->language == NOTIFY_JA
                    ? "\nこのほかに%"
                      "u件の通知がありましたが、送信数の上限により省略しました。コンソールを確認"
                      "してください。\n"
                    : "\nAnd %u more, left out because of the channel's limit: see the console.\n",
                message->more);
    }
    fclose(out);
    return text;
}
