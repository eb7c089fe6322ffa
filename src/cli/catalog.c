#include "cli/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* Sorted by the English text. */
static const struct {
    const char *english, *japanese;
} texts[] = {
    {"ACCEPTED", "受理"},
    {"ACCOUNT", "アカウント"},
    {"ACTION", "措置"},
    {"ADDRESS", "アドレス"},
    {"ADDRESSES", "IPアドレス"},
    {"ADVICE", "対処"},
    {"ANSWER", "応答"},
    {"ANSWERED BY", "応答者"},
    {"APPROVE", "承認"},
    {"ARRIVED", "到着数"},
    {"AUTO", "自動"},
    {"BOTH", "一致"},
    {"BUSIEST HOUR", "1時間の最大隔離数"},
    {"CARRIER", "転送方式"},
    {"CASE", "受付番号"},
    {"CLASS", "分類"},
    {"COLUMN", "桁"},
    {"CHANGES", "切替予定"},
    {"CHANNEL", "通知先"},
    {"CONFIRMED", "両端で確認"},
    {"CONNECTED", "接続"},
    {"CONTAINED", "封じ込め"},
    {"COPIED", "複製数"},
    {"COUNT", "数"},
    {"COUNTER", "カウンター"},
    {"DAYS", "曜日"},
    {"DETAIL", "詳細"},
    {"DETECTION", "検知"},
    {"DETECTIONS", "検知数"},
    {"DISABLED", "無効"},
    {"DONE", "済み"},
    {"DRIVER", "ドライバー"},
    {"DROPPED", "取りこぼし"},
    {"ENDPOINTS", "端末数"},
    {"ENDPOINT", "端末"},
    {"EVENT", "イベント"},
    {"EXPIRES", "期限"},
    {"FILE", "ファイル"},
    {"FAILING", "送信失敗"},
    {"FROM", "開始"},
    {"GENERATION", "世代"},
    {"GROUP", "グループ"},
    {"HELD", "保留の理由"},
    {"HITS", "遮断数"},
    {"HOST NAME", "ホスト名"},
    {"ID", "ID"},
    {"IP", "IPアドレス"},
    {"KIND", "種類"},
    {"LAST", "最終"},
    {"LAST SEEN", "最終確認"},
    {"LINE", "行"},
    {"LOCATION", "接続位置"},
    {"LOST", "欠落"},
    {"MAC", "MACアドレス"},
    {"MACS", "MAC数"},
    {"MESSAGE", "内容"},
    {"MODE", "動作モード"},
    {"MS", "ミリ秒"},
    {"MUST CHANGE PASSWORD", "パスワード変更待ち"},
    {"NAME", "名前"},
    {"NOTE", "メモ"},
    {"NETWORK", "ネットワーク"},
    {"NOW", "実施中"},
    {"NUMBER", "番号"},
    {"OBJECT", "対象"},
    {"OBSERVED", "観察のみ"},
    {"OBSERVE", "観察"},
    {"ONLY HERE", "再検証のみ"},
    {"ONLY REALLY", "実際のみ"},
    {"ONE-SIDED", "片方向"},
    {"OWNER", "所有者"},
    {"OWNER E-MAIL", "所有者のメールアドレス"},
    {"PACKETS", "パケット"},
    {"PHASE", "攻撃フェーズ"},
    {"POLICY", "ポリシー"},
    {"PORT", "ポート"},
    {"PROBLEM", "問題"},
    {"REALLY", "実際"},
    {"REASON", "理由"},
    {"RECEIVED", "受信"},
    {"REFUSED", "拒否"},
    {"REVISION", "リビジョン"},
    {"ROLE", "権限"},
    {"RULES", "ルール"},
    {"SECRET", "秘密情報"},
    {"SERVER", "サーバー"},
    {"SESSION", "セッション"},
    {"SESSIONS", "セッション数"},
    {"ROWS CHECKED", "確認した行数"},
    {"SOUND", "改ざんなし"},
    {"FAULT", "異常の種類"},
    {"FIRST BAD ROW", "最初の異常行"},
    {"NEWEST HASH", "最新のハッシュ"},
    {"Note the newest hash elsewhere: --newest HASH finds later that the end was cut off or the "
     "log "
     "made anew.",
     "最新のハッシュを別の場所に控えてください。後で --newest HASH "
     "を指定すると、末尾の切り捨てや全体の作り直し"
     "も検出できます。"},
    {"The log is not as it was written.", "ログは書き込まれた時のままではありません。"},
    {"RELEASED", "解除"},
    {"WATCHED UNTIL", "監視の期限"},
    {"NEW INCIDENTS", "新しいインシデント"},
    {"NEVER BLOCK", "遮断禁止リスト"},
    {"LICENCE", "ライセンス"},
    {"PART", "使用箇所"},
    {"DATABASE BYTES", "データベース（バイト）"},
    {"FREE BYTES", "空き容量（バイト）"},
    {"DISK BYTES", "ディスク容量（バイト）"},
    {"SLOWEST COMMIT (MS)", "最も遅い書き込み（ミリ秒）"},
    {"VERSION", "版"},
    {"EDITED", "編集済み"},
    {"LANGUAGE", "言語"},
    {"TITLE", "見出し"},
    {"CONTACT", "連絡先"},
    {"SEVERITY", "重大度"},
    {"SIGNATURE", "シグネチャ"},
    {"SITE", "拠点"},
    {"SINCE", "開始時刻"},
    {"SIZE", "サイズ"},
    {"SKEW", "時計のずれ"},
    {"SOURCE", "検知元"},
    {"STATE", "状態"},
    {"STEP", "段階"},
    {"STRENGTH", "証拠の強さ"},
    {"SUMMARY", "概要"},
    {"SWITCH", "スイッチ"},
    {"TAGS", "タグ"},
    {"TIMES", "回数"},
    {"TIME ZONE", "タイムゾーン"},
    {"TIME", "時刻"},
    {"TOKEN", "トークン"},
    {"TOTAL", "全体"},
    {"TOTAL MS", "累計ミリ秒"},
    {"UNTIL", "終了"},
    {"UP", "リンク"},
    {"VLAN", "VLAN"},
    {"WAITING", "送信待ち"},
    {"WHAT", "内容"},
    {"WHERE", "場所"},
    {"CHECK", "項目"},
    {"ALL", "全体"},
    {"GOOD", "正常"},
    {"WHO", "実行者"},
    {"WOULD BE", "再検証"},
    {"WHY", "理由"},
    {" (dry run)", "（試行）"},
    {"advice", "対処"},
    {"all is well", "問題はありません"},
    {"changed", "変更"},
    {"contained by", "封じ込め"},
    {"created", "新規"},
    {"done", "完了"},
    {"error", "エラー"},
    {"history", "履歴"},
    {"note", "情報"},
    {"nothing to show", "表示するものはありません"},
    {"not authorised", "権限がありません"},
    {"not reachable", "接続できません"},
    {"password", "パスワード"},
    {"refused", "拒否"},
    {"residual reach", "まだ到達できる範囲"},
    {"says of it", "各スイッチの報告"},
    {"timeline", "時系列"},
    {"unchanged", "変更なし"},
    {"warning", "警告"},
    {"why there", "位置の根拠"},
};

enum language
catalog_language(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *value = getenv(names[i]);
        if (value && value[0]) {
            return strncmp(value, "ja", 2) == 0 ? LANGUAGE_JA : LANGUAGE_EN;
        }
    }
    return LANGUAGE_EN;
}

const char *
catalog_text(enum language language, const char *english)
{
    for (size_t i = 0; language == LANGUAGE_JA && i < COUNT_OF(texts); i++) {
        if (strcmp(texts[i].english, english) == 0) {
            return texts[i].japanese;
        }
    }
    return english;
}
