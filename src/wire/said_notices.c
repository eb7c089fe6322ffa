/* What only notices say of the server itself: its disk, database, processes and backups; and what
 * the system says of a file or a network (codes "errno.", strerror() in the C locale). */
#include "wire/said_table.h"

const struct said said_notices[] = {
    {"notice.ended_how", "the process ended by itself ({1:word.ended.}) and was started again",
     "プログラムが異常終了しましたが（{1}）、自動的に再起動しました"},
    {"notice.ended", "the process ended by itself and was started again",
     "プログラムが異常終了しましたが、自動的に再起動しました"},
    {"notice.retention",
     "the stored retention cannot be read: nothing goes by its age until it is set with 'cordonctl "
     "retention set'",
     "保存期間の設定を読み取れないため、期限によるデータの削除を停止しています。「データの保存期間"
     "」"
     "画面で設定し直してください"},
    {"notice.crowded",
     "others than Cordon fill its file system ({1#} MiB are left): nothing of ours goes for that; "
     "make room, or accept it by setting the budget again",
     "Cordon 以外のデータがディスクを占めています（空き {1} MiB）。Cordon のデータは削除しません。"
     "空きを確保するか、「データの保存期間」画面で容量を設定し直してください"},
    {"notice.budget", "the disk budget is used to {1#} % ({2#} of {3#} MiB): {4:notice.disk_}",
     "ディスク容量の上限の {1} % を使用しています（{3} MiB のうち {2} MiB）。{4}"},
    {"notice.disk_sheds", "the oldest packets, then names, then detections go before their time",
     "古いものから順に、パケット、名前、検知の記録を保存期限前に削除しています"},
    {"notice.disk_warns", "at 100 % packets, names and detections go before their time",
     "100 % に達すると、パケット、名前、検知の記録を保存期限前に削除します"},
    {"notice.disk_stuck", "nothing is left that may go; give it more room",
     "これ以上削除できる記録がありません。ディスク容量を増やしてください"},
    {"notice.unstored_why",
     "the database could not be stored on the disk: nothing new is decided, what is in force "
     "stays: "
     "{1~}",
     "データベースをディスクに保存できません（{1}）。新しい封じ込めは行いません。実施中の封じ込めは"
     "継続します"},
    {"notice.unstored",
     "the database could not be stored on the disk: nothing new is decided, what is in force stays",
     "データベースをディスクに保存できません。新しい封じ込めは行いません。実施中の封じ込めは継続し"
     "ます"},
    {"notice.stored", "the database is stored again", "データベースへの保存が回復しました"},
    {"notice.refused", "what it sends is refused: {1~}", "送信された検知を受け付けられません: {1}"},
    {"notice.audit_row", "row {1#} {2:word.audit.} hash {3!}", "{1} 行目: {2}（ハッシュ {3}）"},
    {"notice.audit_row_other", "row {1#} {2!} hash {3!}", "{1} 行目: {2}（ハッシュ {3}）"},
    {"word.ended.signal", "signal {1#}", "シグナル {1}"},
    {"word.ended.status", "status {1#}", "終了コード {1}"},
    /* who tried to sign in, from where */
    {"word.signin.nobody", "somebody from {1!}", "アカウント不明、接続元 {1}"},
    {"word.signin.account", "{1} from {2!}", "{1}、接続元 {2}"},
    /* why a backup could not be made */
    {"backup.mute", "it said nothing for an hour; look into the log",
     "1 時間応答がありませんでした。ログを確認してください"},
    {"backup.copy", "the database cannot be copied: {1~}",
     "データベースを複製できませんでした: {1}"},
    {"backup.members", "the state folder holds more files than a backup may",
     "状態フォルダーのファイル数がバックアップの上限を超えています"},
    {"backup.link", "{1!}: a link of another user's is not followed: make it root's",
     "{1}: 別の利用者が作成したリンクのため収録しません。所有者を root にしてください"},
    {"backup.first_line", "{1!}: its first line is empty", "{1}: 1 行目が空です"},
    {"backup.file", "{1!}: {2:errno.}", "{1}: {2}"},
    {"backup.member", "{1!} cannot be read: {2:errno.}", "{1} を読み取れません: {2}"},
    /* the system's own words */
    {"errno.nospc", "No space left on device", "ディスクに空きがありません"},
    {"errno.io", "Input/output error", "ディスクの入出力エラー"},
    {"errno.rofs", "Read-only file system", "ディスクが読み取り専用です"},
    {"errno.dquot", "Disk quota exceeded", "ディスクの割り当てを超えています"},
    {"errno.fbig", "File too large", "ファイルが大きすぎます"},
    {"errno.acces", "Permission denied", "アクセス権がありません"},
    {"errno.perm", "Operation not permitted", "許可されていない操作です"},
    {"errno.noent", "No such file or directory", "ファイルまたはフォルダーがありません"},
    {"errno.exist", "File exists", "すでにファイルがあります"},
    {"errno.notdir", "Not a directory", "フォルダーではありません"},
    {"errno.isdir", "Is a directory", "ファイルではなくフォルダーです"},
    {"errno.nomem", "Cannot allocate memory", "メモリーが不足しています"},
    {"errno.mfile", "Too many open files", "開いているファイルが多すぎます"},
    {"errno.inval", "Invalid argument", "無効な値です"},
    {"errno.addrinuse", "Address already in use", "アドレスとポートがすでに使われています"},
    {"errno.addrnotavail", "Cannot assign requested address", "この装置にないアドレスです"},
    {"errno.connrefused", "Connection refused", "接続を拒否されました"},
    {"errno.connreset", "Connection reset by peer", "相手が接続を切りました"},
    {"errno.timedout", "Connection timed out", "時間内に応答がありません"},
    {"errno.hostunreach", "No route to host", "相手に到達できません"},
    {"errno.netunreach", "Network is unreachable", "ネットワークに到達できません"},
};
const size_t said_notice_count = COUNT_OF(said_notices);
