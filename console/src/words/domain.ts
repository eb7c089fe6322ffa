/* The field's words, once for all screens: states, actions, phases, reasons.  Keys are the API's. */
import { words } from '../lib/language.svelte';

const w = words({
  en: {
    action_none: 'None',
    action_isolate: 'Isolate',
    action_block_pair: 'Block pair',
    action_block_server: 'Block server',
    action_mirror: 'Mirror in detail',
    action_notify: 'Notify',
    state_pending: 'Pending',
    state_requested: 'Requested',
    state_waiting: 'Waiting for location',
    state_located: 'Located',
    state_applied: 'Applied',
    state_verified: 'Verified',
    state_failed: 'Failed',
    state_released: 'Released',
    state_expired: 'Expired',
    state_checked: 'Checked',
    state_reverted: 'Reverted',
    state_absent: 'Absent',
    hold_none: 'Not held',
    hold_mode: 'Approval mode',
    hold_protected: 'Protected host',
    hold_weak: 'Evidence could be forged',
    hold_shared: 'Shared destination',
    hold_unresolved: 'Endpoint not certain',
    hold_both_inside: 'Both ends are ours',
    hold_budget: 'Budget used up',
    hold_never_block: 'Never-block list',
    hold_grace: 'Just released',
    hold_rollout: 'Roll-out rule',
    hold_maintenance: 'Maintenance window',
    phase_unknown: 'Unknown phase',
    phase_intelligence_gathering: 'Intelligence gathering',
    phase_point_of_entry: 'Point of entry',
    phase_c2: 'C&C communication',
    phase_lateral_movement: 'Lateral movement',
    phase_discovery: 'Asset and data discovery',
    phase_exfiltration: 'Data exfiltration',
    severity_info: 'Info',
    severity_low: 'Low',
    severity_medium: 'Medium',
    severity_high: 'High',
    strength_unrated: 'Unrated',
    strength_weak: 'Weak',
    strength_strong: 'Strong',
    class_none: 'Not located',
    class_direct: 'Own port',
    class_shared: 'Shared port',
    class_conflict: 'Conflict',
    machine_unknown: 'Unknown',
    machine_workstation: 'Workstation',
    machine_server: 'Server',
    machine_phone: 'Phone',
    machine_printer: 'Printer',
    machine_medical: 'Medical device',
    machine_camera: 'Camera',
    machine_iot: 'IoT device',
    machine_network: 'Network device',
    machine_other: 'Other',
    role_viewer: 'Viewer',
    role_operator: 'Operator',
    role_admin: 'Administrator',
    role_auditor: 'Auditor',
    step_first_packet: 'First packet',
    step_packet: 'Packet',
    step_detected: 'Detected',
    step_received: 'Received',
    step_decided: 'Decided',
    step_committed: 'Stored',
    step_pushed: 'Sent to the switches',
    step_verified_again: 'Verified again',
    step_unverified: 'Not verified any more',
    step_moved: 'Moved',
    step_mac_joined: 'Another MAC of it',
    step_conflict: 'Seen in two places',
    step_mac_held: 'New MAC held',
    step_known: 'Address found to be its own',
    step_site: 'Site found',
    step_no_site: 'At every site',
    step_enforce: 'Enforced',
    step_check: 'Checked',
    step_revert: 'Reverted',
    step_release: 'Released',
    step_expire: 'Expired',
    step_extend: 'Expiry set',
    step_tightened: 'Permits taken away',
  },
  ja: {
    action_none: '措置なし',
    action_isolate: '隔離',
    action_block_pair: '通信ペアの遮断',
    action_block_server: 'サーバーの遮断',
    action_mirror: '詳細ミラー',
    action_notify: '通知のみ',
    state_pending: '承認待ち',
    state_requested: '要求済み',
    state_waiting: '接続位置の特定待ち',
    state_located: '位置特定済み',
    state_applied: '適用済み',
    state_verified: '検証済み',
    state_failed: '失敗',
    state_released: '解除済み',
    state_expired: '期限切れ',
    state_checked: '確認済み',
    state_reverted: '取り消し済み',
    state_absent: '未設定',
    hold_none: '保留なし',
    hold_mode: '承認モード',
    hold_protected: '保護対象',
    hold_weak: '証拠が偽装可能',
    hold_shared: '共用の宛先',
    hold_unresolved: '端末が不確か',
    hold_both_inside: '両端とも内部',
    hold_budget: '上限に到達',
    hold_never_block: '遮断禁止リスト',
    hold_grace: '解除直後',
    hold_rollout: '展開ルール',
    hold_maintenance: 'メンテナンス時間帯',
    phase_unknown: 'フェーズ不明',
    phase_intelligence_gathering: '事前調査',
    phase_point_of_entry: '侵入',
    phase_c2: 'C&C 通信',
    phase_lateral_movement: '横展開',
    phase_discovery: '資産・データ探索',
    phase_exfiltration: 'データ持ち出し',
    severity_info: '情報',
    severity_low: '低',
    severity_medium: '中',
    severity_high: '高',
    strength_unrated: '未評価',
    strength_weak: '弱い',
    strength_strong: '強い',
    class_none: '位置不明',
    class_direct: '専用ポート',
    class_shared: '共用ポート',
    class_conflict: '競合',
    machine_unknown: '不明',
    machine_workstation: 'パソコン',
    machine_server: 'サーバー',
    machine_phone: '電話機',
    machine_printer: 'プリンター',
    machine_medical: '医療機器',
    machine_camera: 'カメラ',
    machine_iot: 'IoT 機器',
    machine_network: 'ネットワーク機器',
    machine_other: 'その他',
    role_viewer: '閲覧者',
    role_operator: '運用担当者',
    role_admin: '管理者',
    role_auditor: '監査担当者',
    step_first_packet: '最初のパケット',
    step_packet: 'パケット',
    step_detected: '検知',
    step_received: '受信',
    step_decided: '判断',
    step_committed: '保存',
    step_pushed: 'スイッチへ送信',
    step_verified_again: '再検証済み',
    step_unverified: '検証不可',
    step_moved: '移動',
    step_mac_joined: '別の MAC アドレス',
    step_conflict: '2 か所で観測',
    step_mac_held: '新しい MAC アドレスを保留',
    step_known: 'アドレスの使用者を特定',
    step_site: '拠点を特定',
    step_no_site: 'すべての拠点で有効',
    step_enforce: '実施',
    step_check: '確認済み',
    step_revert: '取り消し',
    step_release: '解除',
    step_expire: '期限切れ',
    step_extend: '期限を設定',
    step_tightened: '許可する通信の取り消し',
  },
});

type Kind = 'action' | 'state' | 'hold' | 'phase' | 'severity' | 'strength' | 'class' | 'machine' | 'role' | 'step';

/* The word for an enum's value; a value that this console does not know yet is shown as it is. */
export function term(kind: Kind, value: string | undefined): string {
  if (!value) {
    return '';
  }
  const text = w(`${kind}_${value}` as Parameters<typeof w>[0]) as string | undefined;
  return text ?? value;
}

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'accent';
export function stateTone(state: string): Tone {
  switch (state) {
    case 'verified':
      return 'good';
    case 'applied':
    case 'located':
    case 'requested':
      return 'accent';
    case 'pending':
    case 'waiting':
      return 'warn';
    case 'failed':
    case 'absent':
      return 'bad';
    default:
      return 'plain';
  }
}
export function severityTone(severity: string): Tone {
  return severity === 'high' ? 'bad' : severity === 'medium' ? 'warn' : 'plain';
}

/* Classes of endpoints, as they are offered. */
export const machineClasses = [
  'unknown', 'workstation', 'server', 'phone', 'printer', 'medical', 'camera', 'iot', 'network', 'other',
] as const;
