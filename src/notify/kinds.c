#include "notify/kinds.h"

#include <string.h>

/* 'over': its title when the trouble has passed (of low severity then). */
struct kind {
    struct words title, meaning, over;
};

static const struct kind kinds[NOTICE_KIND_COUNT] = {
    [NOTICE_DETECTED] =
        {.title = {{"Threat detected", "脅威を検知しました"}},
         .meaning =
             {{"Nothing was blocked: the policy says to notify only. Please look at the endpoint.",
               "ポリシーの設定により通知だけを行い、通信は遮断していません。端末の状態を確認してく"
               "ださい。"}}},
    [NOTICE_PENDING] =
        {.title = {{"Waits for your decision", "承認待ちの措置があります"}},
         .meaning = {{"Nothing has been blocked yet. Please decide in the console, under Pending.",
                      "まだ遮断していません。コンソールの「承認待ち」画面で、実施するかどうかを判断"
                      "してください。"}}},
    [NOTICE_ANSWERED] = {.title = {{"Decided", "承認待ちの措置が判断されました"}}},
    [NOTICE_CONTAINED] = {.title = {{"Contained and verified",
                                     "封じ込めを実施し、動作を確認しました"}}},
    [NOTICE_UNVERIFIED] =
        {.title = {{"Containment not verified everywhere",
                    "封じ込めの動作を確認できないスイッチがあります"}},
         .meaning = {{"The block stays, but not every switch can show that it works: it may still "
                      "be able to communicate. Please look at these switches.",
                      "遮断は続けていますが、一部のスイッチで動作を確認できず、通信できてしまう可能"
                      "性があります。スイッチの状態を確認してください。"}}},
    [NOTICE_FAILED] = {.title = {{"Containment failed", "封じ込めに失敗しました"}},
                       .meaning = {{"It may still be able to communicate. Cordon goes on trying; "
                                    "if it is urgent, unplug it from the network.",
                                    "対象がまだ通信できる可能性があります。自動的に再試行しますが、"
                                    "急ぐ場合は対象を手動でネットワークから切り離してください。"}}},
    [NOTICE_MOVED] = {.title = {{"Contained endpoint moved", "封じ込め中の端末が移動しました"}},
                      .meaning = {{"It stays contained where it is now.",
                                   "移動先でも封じ込めを続けます。"}}},
    [NOTICE_RELEASED] = {.title = {{"Released", "封じ込めを解除しました"}},
                         .meaning = {{"The restriction is lifted.",
                                      "通信の制限はなくなりました。"}}},
    [NOTICE_EXPIRED] =
        {.title = {{"Containment expired", "封じ込めが期限により終了しました"}},
         .meaning = {{"Its time is over, and the restriction is lifted.",
                      "期限になったため解除しました。通信の制限はなくなりました。"}}},
    [NOTICE_PROTECTION] =
        {.title = {{"Proposed as protected", "保護対象の候補があります"}},
         .meaning = {{"It behaves like network equipment. If it is yours, confirm it in the "
                      "console, under Protected hosts: what is protected is never blocked. If it "
                      "is not, look at it.",
                      "ネットワーク機器のように動作しています。正規の機器であれば、コンソールの「保"
                      "護対象」画面で登録してください（登録した機器は遮断しません）。心当たりがなけ"
                      "れば調査してください。"}}},
    [NOTICE_SWITCH_LOST] =
        {.title = {{"Switch lost", "スイッチと通信できません"}},
         .meaning = {{"What it blocks stays blocked, but it cannot be told anything new. Please "
                      "look at its power and its network.",
                      "実施中の遮断はスイッチ側で維持されますが、新しい設定を送信できません。スイッ"
                      "チの電源とネットワークを確認してください。"}}},
    [NOTICE_SWITCH_BACK] = {.title = {{"Switch is back", "スイッチとの通信が回復しました"}}},
    [NOTICE_SWITCH_PROBLEM] =
        {.title = {{"Switch has a problem", "スイッチに問題があります"}},
         .meaning = {{"Please look at it in the console, under Switches.",
                      "コンソールの「スイッチ」画面で状態を確認してください。"}},
         .over = {{"Switch is well again", "スイッチの問題が解消しました"}}},
    [NOTICE_SENSOR_SILENT] = {.title = {{"Sensor is silent: its networks are not watched",
                                         "センサーからの報告が途絶えました"}},
                              .meaning = {{"Attacks there would not be seen. Please look whether "
                                           "the sensor runs and whether the network to it works.",
                                           "このセンサーが受け持つネットワークは監視されていません"
                                           "。センサーの動作とネットワークを確認してください。"}}},
    [NOTICE_SENSOR_BACK] = {.title = {{"Sensor is heard again",
                                       "センサーからの報告が再開しました"}}},
    [NOTICE_SOURCE_PROBLEM] =
        {.title = {{"Source of detections has a problem", "検知元に問題があります"}},
         .meaning =
             {{"What it detects may not arrive.",
               "この検知元（連携している検知製品など）の検知が届いていない可能性があります。"}}},
    [NOTICE_PANIC] = {.title = {{"PANIC: all enforcement is suspended",
                                 "全停止: すべての封じ込めを停止しました"}},
                      .meaning = {{"Contained endpoints reach everything until it is resumed, in "
                                   "the console under System.",
                                   "再開するまで、封じ込めた端末もすべてに通信できます。再開はコン"
                                   "ソールの「システム」画面で行えます。"}}},
    [NOTICE_RESUME] = {.title = {{"Enforcement is resumed", "封じ込めを再開しました"}},
                       .meaning = {{"What was contained before is contained again.",
                                    "停止前の封じ込めが再び有効になりました。"}}},
    [NOTICE_POLICY] =
        {.title = {{"Policy changed", "ポリシーが変更されました"}},
         .meaning = {{"What was changed, by whom and why stands in the console, under Policy.",
                      "変更の内容、実行者、理由は、コンソールの「ポリシー」画面で確認できます。"}}},
    [NOTICE_SIGN_IN] =
        {.title = {{"Sign-in locked out", "サインインを一時的に停止しました"}},
         .meaning = {{"It failed again and again; the next tries have to wait. If it was none of "
                      "you, somebody may be guessing passwords.",
                      "サインインの失敗が続いたため、しばらく受け付けません。心当たりがなければ、パ"
                      "スワードを推測されている可能性があります。"}}},
    [NOTICE_AUDIT] = {.title = {{"The operation log is broken",
                                 "操作ログの改ざんまたは欠損を検出しました"}},
                      .meaning = {{"It is not as it was written. Please find out who had access to "
                                   "the server, and compare it with copies kept elsewhere.",
                                   "記録された時の内容と異なります。サーバーを操作した人を調査し、"
                                   "別に保管した控えと比較してください。"}}},
    [NOTICE_STORM] = {.title = {{"More is detected than the budget lets contain",
                                 "検知が集中し、自動隔離の上限を超えています"}},
                      .meaning = {{"What is above it waits in the console, under Pending. Is it an "
                                   "attack, or a rule that is wrong?",
                                   "上限を超えた分は承認待ちです。コンソールの「承認待ち」画面で、"
                                   "攻撃か誤検知かを判断してください。"}}},
    [NOTICE_CONFLICT] =
        {.title = {{"Contradictions about machines", "端末の情報に矛盾があります"}},
         .meaning = {{"An address may be in use twice, or a machine may pose as another.",
                      "アドレスの重複や、別の機器へのなりすましの可能性があります。"}}},
    [NOTICE_CERTIFICATE] =
        {.title = {{"A certificate expires", "証明書の有効期限が近づいているか、切れています"}},
         .meaning = {{"Without a valid one that device cannot connect to Cordon.",
                      "期限が切れた機器は Cordon に接続できません。"}}},
    [NOTICE_CLOCK] = {.title = {{"A clock was set or is wrong",
                                 "時計のずれまたは変更を検出しました"}},
                      .meaning = {{"Please look at the time service (NTP) of that machine.",
                                   "時刻同期（NTP）の設定を確認してください。"}},
                      .over = {{"A clock is right again", "時計のずれが解消しました"}}},
    [NOTICE_STORE] = {.title = {{"The database has a problem", "データベースに問題があります"}},
                      .meaning = {{"Please look at the disk and the log of the server.",
                                   "サーバーのディスクの状態とログを確認してください。"}},
                      .over = {{"The database is well again", "データベースが回復しました"}}},
    [NOTICE_BACKUP] =
        {.title = {{"A backup failed", "バックアップに失敗しました"}},
         .meaning = {{"Please mend that, then make one in the console, under System.",
                      "原因を取り除いてから、コンソールの「システム」画面で作成してください。"}}},
    [NOTICE_PROCESS] =
        {.title = {{"A program of Cordon has a problem", "Cordon のプログラムに異常がありました"}},
         .meaning = {{"If this comes again and again, please look at the log of the server.",
                      "繰り返し発生する場合は、サーバーのログを確認してください。"}},
         .over = {{"A program of Cordon is well again",
                   "Cordon のプログラムの異常が解消しました"}}},
    [NOTICE_DISK] = {.title = {{"The storage fills up", "記録の保存領域が不足しています"}}},
    [NOTICE_CHECKPOINT] = {.title = {{"Checkpoint of the operation log",
                                      "操作ログのチェックポイント"}},
                           .meaning = {{"Keep it: it shows later whether the log was changed.",
                                        "操作ログが書き換えられていないことを後で確かめるための控え"
                                        "です。保管してください。"}}},
    [NOTICE_AUDIT_ROW] = {.title = {{"Row of the operation log", "操作ログの記録"}}},
    [NOTICE_TEST] = {.title = {{"Test message", "テスト通知"}},
                     .meaning = {{"It shows that this channel works; there is nothing to do.",
                                  "この通知先の設定を確認するための通知です。対応は不要です。"}}},
};

/* What is done to whom, for those who see the word "contained" for the first time. */
static const struct words done[ACTION_COUNT] = {
    [ACTION_ISOLATE] = {{"The endpoint is cut off from the network, except for what is permitted.",
                         "端末をネットワークから切り離しました（許可した通信先を除く）。"}},
    [ACTION_BLOCK_PAIR] =
        {{"The endpoint and this server cannot communicate; all else of the endpoint works.",
          "端末とこのサーバーの間の通信を遮断しました。端末のほかの通信はそのまま使えます。"}},
    [ACTION_BLOCK_SERVER] = {{"Nobody can communicate with this server.",
                              "このサーバーとの通信を、すべての端末で遮断しました。"}},
    [ACTION_MIRROR] = {{"All traffic of the endpoint is watched; nothing is blocked.",
                        "端末の通信を詳しく監視しています。通信は遮断していません。"}},
};

static const struct words again = {
    {"Contained again and verified", "封じ込めの動作を再び確認しました"}};
/* Somebody did it at one switch. */
static const struct words panic_here = {
    {"Enforcement is suspended at a switch", "スイッチ 1 台の封じ込めを停止しました"}};
static const struct words resume_here = {
    {"Enforcement is resumed at a switch", "スイッチ 1 台の封じ込めを再開しました"}};
static const struct words panic_here_meaning = {
    {"Contained endpoints at this switch reach everything until it is resumed there.",
     "再開するまで、このスイッチにつながる端末は封じ込め中でもすべてに通信できます。"}};

bool
kind_is_again(const struct notice *notice)
{
    return notice->kind == NOTICE_CONTAINED && strcmp(notice->detail, "again") == 0;
}

const char *
kind_title(const struct notice *notice, enum notify_language language)
{
    const struct kind *kind = &kinds[notice->kind];
    const struct words *title = &kind->title;
    bool is_here = notice->object[0] != '\0';
    if (kind_is_again(notice)) {
        title = &again;
    } else if (notice->severity <= SEVERITY_LOW && kind->over.by[language]) {
        title = &kind->over;
    } else if (notice->kind == NOTICE_PANIC && is_here) {
        title = &panic_here;
    } else if (notice->kind == NOTICE_RESUME && is_here) {
        title = &resume_here;
    }
    return title->by[language];
}

const char *
kind_meaning(const struct notice *notice, enum notify_language language)
{
    const struct kind *kind = &kinds[notice->kind];
    const struct words *meaning = &kind->meaning;
    if (notice->kind == NOTICE_CONTAINED) {
        meaning = &done[notice->action];
    } else if (notice->severity <= SEVERITY_LOW && kind->over.by[language]) {
        return "";
    } else if (notice->kind == NOTICE_PANIC && notice->object[0]) {
        meaning = &panic_here_meaning;
    }
    return meaning->by[language] ? meaning->by[language] : "";
}

const char *
kind_detail_label(enum notice_kind kind, enum notify_language language)
{
    static const struct words usual = {{"Detail", "詳細"}}, held = {{"Why it waits", "保留の理由"}},
                              moved = {{"Moved to", "移動先"}},
                              released = {{"Why released", "解除の理由"}},
                              decided = {{"Why decided so", "判断の理由"}};
    const struct words *label = kind == NOTICE_PENDING    ? &held
                                : kind == NOTICE_MOVED    ? &moved
                                : kind == NOTICE_RELEASED ? &released
                                : kind == NOTICE_ANSWERED ? &decided
                                                          : &usual;
    return label->by[language];
}
