/* What kinds of kept data are called, and sizes. */
import type { Schemas } from '../../lib/api';
import { words } from '../../lib/language.svelte';
import { number } from '../../lib/time.svelte';

type Kind = Schemas['RetentionKind']['kind'] | Schemas['PurgedKind']['kind'];

const w = words({
  en: {
    evidence: 'Packets',
    names: 'Names in detections (DNS, HTTP, TLS, files)',
    detections: 'Detections and incidents',
    incidents: 'Incidents',
    containments: 'Ended containments',
    notices: 'Notifications',
    bindings: 'Addresses of endpoints over time',
    endpoints: 'Endpoints not seen any more',
    annotations: 'Notes about machines',
    audit: 'Operation log',
  },
  ja: {
    evidence: 'パケット',
    names: '検知内の名前（DNS、HTTP、TLS、ファイル）',
    detections: '検知とインシデント',
    incidents: 'インシデント',
    containments: '終了した封じ込め',
    notices: '通知',
    bindings: '端末のアドレス履歴',
    endpoints: '検出されなくなった端末',
    annotations: '端末のメモ',
    audit: '操作ログ',
  },
});
export const kindText = (kind: Kind) => w(kind);

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = count;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${number(unit > 0 && size < 10 ? Math.round(size * 10) / 10 : Math.round(size))} ${units[unit] ?? ''}`;
}
