/* What the parts of the notifications screen say together. */
import type { Schemas } from '../../lib/api';
import { words } from '../../lib/language.svelte';

export type Settings = Schemas['NotificationSettings'];
export type Channel = Schemas['NotificationChannel'];
export type NoticeKind = Schemas['Notice']['kind'];

/* In the order of the matrix; test messages follow no rule. */
export const KINDS: NoticeKind[] = [
  'pending',
  'answered',
  'contained',
  'unverified',
  'failed',
  'moved',
  'released',
  'expired',
  'detected',
  'protection',
  'switch_lost',
  'switch_back',
  'switch_problem',
  'sensor_silent',
  'sensor_back',
  'source_problem',
  'panic',
  'resume',
  'policy',
  'sign_in',
  'certificate',
  'clock',
  'store',
  'backup',
  'process',
  'disk',
  'audit',
  'storm',
  'conflict',
  'checkpoint',
  'audit_row',
];

const kind = words({
  en: {
    detected: 'Detected, policy says notify',
    pending: 'Pending: waits for a person',
    answered: 'Pending decision answered',
    contained: 'Contained and verified',
    unverified: 'Containment not verified',
    failed: 'Containment failed',
    moved: 'Contained endpoint moved',
    released: 'Released',
    expired: 'Containment expired',
    protection: 'Protection proposed',
    switch_lost: 'Switch lost',
    switch_back: 'Switch is back',
    switch_problem: 'Switch has a problem',
    sensor_silent: 'Sensor silent',
    sensor_back: 'Sensor heard again',
    source_problem: 'Source has a problem',
    panic: 'All enforcement suspended',
    resume: 'Enforcement resumed',
    policy: 'Policy changed',
    sign_in: 'Sign-in locked out',
    certificate: 'A certificate expires',
    clock: 'A clock was set or is wrong',
    store: 'The disk of the database',
    backup: 'A backup failed',
    process: 'A process was started again',
    disk: 'The disk budget is being used up',
    audit: 'Operation log broken',
    storm: 'More detected than the budget lets contain',
    conflict: 'Contradictions about endpoints',
    checkpoint: 'Operation log: signed checkpoint',
    audit_row: 'Operation log: every row',
    test: 'Test message',
  },
  ja: {
    detected: '検知（ポリシーは通知のみ）',
    pending: '承認待ち',
    answered: '承認待ちの判断',
    contained: '封じ込めの検証完了',
    unverified: '封じ込めの未検証',
    failed: '封じ込めの失敗',
    moved: '封じ込め中の端末の移動',
    released: '封じ込めの解除',
    expired: '封じ込めの期限切れ',
    protection: '保護対象の候補',
    switch_lost: 'スイッチとの通信断',
    switch_back: 'スイッチとの通信回復',
    switch_problem: 'スイッチの問題',
    sensor_silent: 'センサーの無応答',
    sensor_back: 'センサーの回復',
    source_problem: '検知元の問題',
    panic: '封じ込めの全停止',
    resume: '封じ込めの再開',
    policy: 'ポリシーの変更',
    sign_in: 'サインインのロック',
    certificate: '証明書の有効期限',
    clock: '時計のずれ・変更',
    store: 'データベースのディスク異常',
    backup: 'バックアップの失敗',
    process: 'プロセスの再起動',
    disk: 'ディスク容量の不足',
    audit: '操作ログの異常',
    storm: '自動隔離の上限超過',
    conflict: '端末情報の矛盾',
    checkpoint: '操作ログの署名付きチェックポイント',
    audit_row: '操作ログの全記録',
    test: 'テスト通知',
  },
});
export const kindName = (value: NoticeKind) => kind(value);

const channelKind = words({
  en: { email: 'E-mail', syslog: 'Syslog', webhook: 'Webhook' },
  ja: { email: 'メール', syslog: 'Syslog', webhook: 'Webhook' },
});
export const channelKindName = (value: Channel['kind']) => channelKind(value);

/* "a@x, b@x" or one per line. */
export const listOf = (text: string) =>
  text
    .split(/[\s,;]+/)
    .map((one) => one.trim())
    .filter((one) => one !== '');

/* The API takes no empty texts and no zeros where something is optional. */
export function tidy<T extends object>(thing: T): T {
  return Object.fromEntries(
    Object.entries(thing).filter(
      ([, value]) =>
        value !== undefined && value !== null && value !== '' && value !== 0 && value !== false,
    ),
  ) as T;
}
