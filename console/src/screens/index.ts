/* Every screen: where it stands in the navigation, who sees it, its code (loaded when first opened).
 * Adding one is one file and one line here. */
import type { Component } from 'svelte';
import { words } from '../lib/language.svelte';
import type { Role } from '../lib/session.svelte';

export interface Screen {
  path: string;
  group: 'now' | 'network' | 'rules' | 'system' | 'self'; /* self: in the account's menu */
  roles?: Role[]; /* absent: everybody */
  load: () => Promise<{ default: Component }>;
}

export const screens: Screen[] = [
  { path: 'dashboard', group: 'now', load: () => import('./Dashboard.svelte') },
  { path: 'pending', group: 'now', load: () => import('./Pending.svelte') },
  { path: 'incidents', group: 'now', load: () => import('./Incidents.svelte') },
  { path: 'hosts', group: 'now', load: () => import('./Hosts.svelte') },
  { path: 'containments', group: 'now', load: () => import('./Containments.svelte') },
  { path: 'watch', group: 'now', load: () => import('./Watch.svelte') },
  { path: 'budgets', group: 'now', load: () => import('./Budgets.svelte') },
  { path: 'endpoints', group: 'network', load: () => import('./Endpoints.svelte') },
  { path: 'map', group: 'network', load: () => import('./Map.svelte') },
  { path: 'switches', group: 'network', load: () => import('./Switches.svelte') },
  { path: 'mirrors', group: 'network', load: () => import('./Mirrors.svelte') },
  { path: 'sources', group: 'network', load: () => import('./Sources.svelte') },
  { path: 'policies', group: 'rules', load: () => import('./Policies.svelte') },
  { path: 'rollout', group: 'rules', load: () => import('./Rollout.svelte') },
  { path: 'report', group: 'rules', load: () => import('./Report.svelte') },
  { path: 'permits', group: 'rules', load: () => import('./Permits.svelte') },
  { path: 'protected', group: 'rules', load: () => import('./Protected.svelte') },
  { path: 'servers', group: 'rules', load: () => import('./Servers.svelte') },
  { path: 'warning', group: 'rules', load: () => import('./Warning.svelte') },
  {
    path: 'notifications',
    group: 'system',
    roles: ['operator', 'admin', 'auditor'],
    load: () => import('./Notifications.svelte'),
  },
  { path: 'certificates', group: 'system', load: () => import('./Certificates.svelte') },
  { path: 'accounts', group: 'system', roles: ['admin'], load: () => import('./Accounts.svelte') },
  {
    path: 'audit',
    group: 'system',
    roles: ['operator', 'admin', 'auditor'],
    load: () => import('./Audit.svelte'),
  },
  { path: 'retention', group: 'system', load: () => import('./Retention.svelte') },
  { path: 'profile', group: 'self', load: () => import('./Profile.svelte') },
  { path: 'system', group: 'system', load: () => import('./System.svelte') },
];

const w = words({
  en: {
    now: 'Now',
    network: 'Network',
    rules: 'Rules',
    system: 'System',
    dashboard: 'Dashboard',
    pending: 'Pending',
    incidents: 'Incidents',
    hosts: 'Affected hosts',
    containments: 'Containments',
    watch: 'Watch list',
    budgets: 'Budgets and conflicts',
    endpoints: 'Endpoints',
    map: 'Network map',
    switches: 'Switches',
    mirrors: 'Mirroring',
    sources: 'Sensors and sources',
    policies: 'Policies',
    rollout: 'Roll-out',
    report: 'Report',
    permits: 'Permitted servers',
    protected: 'Protected hosts',
    servers: 'Blocked servers',
    warning: 'Warning page',
    notifications: 'Notifications',
    certificates: 'Certificates',
    accounts: 'Accounts and tokens',
    retention: 'Data retention',
    profile: 'My account',
    self: 'My account',
    audit: 'Operation log',
    system_page: 'System',
  },
  ja: {
    now: '現在の状況',
    network: 'ネットワーク',
    rules: 'ルール',
    system: 'システム',
    dashboard: 'ダッシュボード',
    pending: '承認待ち',
    incidents: 'インシデント',
    hosts: '影響端末',
    containments: '封じ込め',
    watch: '解除後の監視',
    budgets: '自動隔離の上限と競合',
    endpoints: '端末',
    map: 'ネットワーク図',
    switches: 'スイッチ',
    mirrors: 'ミラーリング',
    sources: 'センサーと検知元',
    policies: 'ポリシー',
    rollout: '展開状況',
    report: 'レポート',
    permits: '通信許可サーバー',
    protected: '保護対象',
    servers: '遮断サーバー',
    warning: '警告表示',
    notifications: '通知',
    certificates: '証明書',
    accounts: 'アカウントとトークン',
    retention: 'データの保存期間',
    profile: '自分のアカウント',
    self: '自分のアカウント',
    audit: '操作ログ',
    system_page: 'システム',
  },
});
export const screenName = (path: string) =>
  w((path === 'system' ? 'system_page' : path) as Parameters<typeof w>[0]);
export const groupName = (group: Screen['group']) => w(group);
