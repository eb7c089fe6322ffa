#include "notify/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "notify/kinds.h"
#include "wire/said.h"

#define SAID_SIZE (3 * TEXT_SIZE) /* Japanese takes no more of it than that */

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

static enum reader_language
reader_of(enum notify_language language)
{
    return language == NOTIFY_JA ? READER_JAPANESE : READER_ENGLISH;
}

/* Where the server itself said it, in the reader's words; what people typed and what other makers'
 * products said stays as it is.  'only': as of said_of(). */
static void
said_text(const char *text, const char *only, enum notify_language language, char out[SAID_SIZE])
{
    cJSON *said = said_of(text, only);
    if (!said || !said_in_words(said, reader_of(language), out, SAID_SIZE)) {
        snprintf(out, SAID_SIZE, "%s", text);
    }
    cJSON_Delete(said);
}

/* The database's and the disk's say nothing more than the title does. */
static void
object_text(const struct notice *notice, enum notify_language language, char out[SAID_SIZE])
{
    bool is_plain = notice->kind != NOTICE_DISK && notice->kind != NOTICE_STORE;
    said_text(is_plain ? notice->object : "", "word.signin.", language, out);
}

/* Whom or what it is about, as short as it can be. */
static void
subject_of(const struct notice *notice, enum notify_language language,
           char text[HOST_SIZE + 2 * NAME_SIZE + 8])
{
    char object[SAID_SIZE];
    char address[PREFIX_TEXT_SIZE] = "";
    if (!ip_is_none(&notice->ip)) {
        ip_format(&notice->ip, address);
    } else if (!mac_is_none(&notice->mac)) {
        mac_format(&notice->mac, address);
    } else if (!prefix_is_none(&notice->server)) {
        prefix_format(&notice->server, address);
    }
    object_text(notice, language, object);
    const char *name = notice->host_name[0]     ? notice->host_name
                       : object[0]              ? object
                       : notice->server_name[0] ? notice->server_name
                                                : address;
    snprintf(text, HOST_SIZE + 2 * NAME_SIZE + 8, "%.*s%s%s%s%s", HOST_SIZE - 1, name,
             notice->switch_name[0] ? " @ " : "", notice->switch_name, notice->port[0] ? "/" : "",
             notice->port);
}

void
text_line(const struct notice *notice, enum notify_language language, char line[SUBJECT_SIZE])
{
    char about[HOST_SIZE + 2 * NAME_SIZE + 8];
    subject_of(notice, language, about);
    int used = snprintf(line, SUBJECT_SIZE, "%s%s%s", kind_title(notice, language),
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
put_value(FILE *out, const char *label, const char *value)
{
    char plain[2 * URL_SIZE];
    if (!value[0]) {
        return;
    }
    snprintf(plain, sizeof(plain), "%s", value);
    utf8_make_plain(plain, strlen(plain));
    fprintf(out, "%s: %s\n", label, plain);
}

static void
put(FILE *out, enum notify_language language, const struct words *label, const char *value)
{
    put_value(out, pick(label, language), value);
}

/* Sentences. */
static void
put_said(FILE *out, enum notify_language language, const char *label, const char *text,
         const char *only)
{
    char words[SAID_SIZE];
    said_text(text, only, language, words);
    put_value(out, label, words);
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

/* "policy:c2" decided by itself; "switch:e1" means a person at that switch. */
static void
account_text(const struct notice *notice, enum notify_language language, char text[SAID_SIZE])
{
    static const struct {
        const char *begin;
        struct words words; /* what follows stands at its '*' */
    } known[] = {
        {"policy:time-out", {{"automatic, nobody answered", "自動（応答なし）"}}},
        {"policy:expiry", {{"automatic, its time was over", "自動（期限切れ）"}}},
        {"policy:protected", {{"automatic, it is protected now", "自動（保護対象に登録）"}}},
        {"policy:held-port",
         {{"automatic, it is at the port of a contained endpoint",
           "自動（封じ込め中の端末と同じポート）"}}},
        {"policy:", {{"automatic, policy *", "自動（ポリシー *）"}}},
        {"switch:", {{"somebody at the switch *", "スイッチ上での操作（*）"}}},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        size_t size = strlen(known[i].begin);
        if (strncmp(notice->account, known[i].begin, size) == 0) {
            const char *words = pick(&known[i].words, language);
            int before = (int)strcspn(words, "*");
            const char *after = words[before] ? words + before + 1 : "";
            const char *name = words[before] ? notice->account + size : "";
            snprintf(text, SAID_SIZE, "%.*s%s%s", before, words, name, after);
            return;
        }
    }
    snprintf(text, SAID_SIZE, "%s", notice->account);
}

/* Until when somebody may decide, and what happens then. */
static void
put_until(FILE *out, const struct notice *notice, enum notify_language language)
{
    static const struct words expires = {{"Ends by itself", "自動解除の予定"}};
    char at[READER_SIZE] = "";
    if (notice->until_us > 0) {
        reader_time(notice->until_us, reader_of(language), at);
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

/* What became of a pending one. */
static const char *
verdict(const struct notice *notice, enum notify_language language)
{
    static const struct words checked = {{"checked, nothing is blocked",
                                          "確認済み（遮断しません）"}},
                              reverted = {{"reverted, nothing is blocked",
                                           "取り消し（遮断しません）"}},
                              enforced = {{"enforced", "実施"}};
    return notice->kind != NOTICE_ANSWERED         ? ""
           : notice->state == CONTAINMENT_CHECKED  ? pick(&checked, language)
           : notice->state == CONTAINMENT_REVERTED ? pick(&reverted, language)
                                                   : pick(&enforced, language);
}

static void
put_whom(FILE *out, const struct notice *notice, enum notify_language language)
{
    static const struct words endpoint = {{"Endpoint", "端末"}},
                              place = {{"Where (switch / port)", "接続位置（スイッチ / ポート）"}},
                              server = {{"Server", "サーバー"}}, object = {{"About", "対象"}};
    char text[SAID_SIZE];
    endpoint_text(notice, text);
    put(out, language, &endpoint, text);
    snprintf(text, sizeof(text), "%s%s%s", notice->switch_name, notice->port[0] ? " / " : "",
             notice->port);
    put(out, language, &place, text);
    server_text(notice, text);
    put(out, language, &server, text);
    object_text(notice, language, text);
    put(out, language, &object, text);
}

static void
put_why(FILE *out, const struct notice *notice, enum notify_language language)
{
    static const struct words why = {{"Why", "理由"}}, first = {{"Why at first", "もとの理由"}},
                              policy = {{"Policy", "ポリシー"}}, account = {{"By", "実行者"}};
    bool is_ours = notice->kind == NOTICE_PROTECTION || notice->kind == NOTICE_AUDIT_ROW;
    bool is_over = notice->kind == NOTICE_RELEASED || notice->kind == NOTICE_EXPIRED ||
                   notice->kind == NOTICE_ANSWERED;
    bool is_said = kind_is_again(notice) || notice->kind == NOTICE_EXPIRED ||
                   (notice->kind == NOTICE_DETECTED &&
                    strncmp(notice->reason, notice->detail, strlen(notice->detail)) == 0);
    char text[SAID_SIZE];
    put_said(out, language, pick(is_over ? &first : &why, language), notice->reason,
             is_ours ? "" : "reason.");
    if (!is_said) {
        put_said(out, language, kind_detail_label(notice->kind, language), notice->detail, "");
    }
    put(out, language, &policy, notice->policy);
    account_text(notice, language, text);
    put(out, language, &account, text);
}

static void
put_notice(FILE *out, const struct wire_notice *wire, const struct notice *notice)
{
    static const struct words when = {{"When", "日時"}}, severity = {{"Severity", "重大度"}},
                              action = {{"Action", "措置"}}, result = {{"Result", "判断の結果"}},
                              number = {{"Case number", "受付番号"}},
                              link = {{"Console", "コンソール"}};
    static const struct words severities[SEVERITY_COUNT] = {
        {{"info", "情報"}}, {{"low", "低"}}, {{"medium", "中"}}, {{"high", "高"}}};
    enum notify_language language = wire->message.language;
    const char *meaning =
        wire->message.voice == VOICE_ON_CALL ? "" : kind_meaning(notice, language);
    char text[URL_SIZE + 64];
    reader_time(notice->at_us, reader_of(language), text);
    fprintf(out, "%s\n%s%s", kind_title(notice, language), meaning, meaning[0] ? "\n" : "");
    put(out, language, &when, text);
    put(out, language, &severity, pick(&severities[notice->severity], language));
    put(out, language, &action,
        notice->action == ACTION_NONE ? "" : pick(&actions[notice->action], language));
    put(out, language, &result, verdict(notice, language));
    put_whom(out, notice, language);
    put_why(out, notice, language);
    put_until(out, notice, language);
    put(out, language, &number, notice->case_number);
    text_link(wire->console_url, notice, text);
    put(out, language, &link, text);
}

/* For somebody who knows nothing of networks: what happened, what to do, what number to name. */
static void
put_owner(FILE *out, const struct notice *notice, enum notify_language language)
{
    char at[READER_SIZE];
    char name[2 * HOST_SIZE];
    bool is_cut = notice->kind == NOTICE_CONTAINED;
    reader_time(notice->at_us, reader_of(language), at);
    endpoint_text(notice, name);
    utf8_make_plain(name, strlen(name));
    if (language == NOTIFY_JA) {
        fprintf(
            out,
            is_cut
                ? "%s に、あなたが利用者として登録されている端末（%s）を、ネットワークから切り離し"
                  "ました。\nウイルスなどに感染しているおそれがあるため、被害が広がらないよう"
                  "自動または担当者の判断で行われた予防的な措置です。\n\n"
                  "・端末の電源は切らずに、そのままにしてください。\n"
                  "・USBメモリなどを抜き差ししないでください。別のネットワークにもつながないで"
                  "ください。\n"
                  "・ヘルプデスクに連絡し、下の受付番号をお伝えください。\n"
                : "%s に、あなたが利用者として登録されている端末（%s）の切り離しを解除しました。"
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

/* For whoever is called by the user, and may see Cordon's name for the first time. */
static void
put_help_desk(FILE *out, const struct wire_notice *wire)
{
    static const struct words cut = {
        {"The user may call you. Their screen may show the case number below; on most sites they "
         "see only that the connection fails.\n"
         "- Ask them to leave the computer switched on, and not to connect it to another network.\n"
         "- Note the case number and the user's name, and tell your network administrators.\n\n",
         "利用者から問い合わせがあるかもしれません。利用者の画面には下の受付番号が表示されることが"
         "ありますが、多くのサイトでは「接続できない」という表示だけになります。\n"
         "・端末の電源は切らず、別のネットワークにもつながないよう伝えてください。\n"
         "・受付番号と利用者の名前を控え、ネットワークの担当者に連絡してください。\n\n"}};
    static const struct words back = {
        {"The computer below can use the network again. If the user calls because something still "
         "does not work, note the case number and tell your network administrators.\n\n",
         "下の端末は、再びネットワークを利用できます。利用者から「つながらない」という問い合わせが"
         "あれば、受付番号を控え、ネットワークの担当者に連絡してください。\n\n"}};
    const struct message *message = &wire->message;
    bool is_cut = message->notice_count > 0 && message->notices[0].kind == NOTICE_CONTAINED;
    fputs(pick(is_cut ? &cut : &back, message->language), out);
}

static void
put_intro(FILE *out, const struct wire_notice *wire)
{
    if (wire->message.voice == VOICE_HELP_DESK) {
        put_help_desk(out, wire);
    } else if (wire->message.voice == VOICE_ON_CALL) {
        fprintf(out,
                wire->message.language == NOTIFY_JA
                    ? "%s さん: 当番として判断をお願いします。まだ遮断していません。コンソールで"
                      "「実施」「確認済みにする」「取り消し」のいずれかを選んでください。\n\n"
                    : "%s: you are on call. Nothing has been blocked yet. Please decide in the "
                      "console: Enforce, Check or Revert.\n\n",
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
