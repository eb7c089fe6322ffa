/* Words that the report, replays and the roll-out share: outcomes and modes. */
import { words } from '../lib/language.svelte';

const w = words({
  en: {
    outcome_contained: 'Contained',
    outcome_held: 'Held for a person',
    outcome_observed: 'Observed only',
    outcome_notified: 'Notified',
    outcome_nothing: 'Nothing',
    really_nothing: 'Nothing',
    really_held: 'Held for a person',
    really_contained: 'Contained',
    mode_observe: 'Observe',
    mode_approve: 'Approve',
    mode_auto: 'Auto',
  },
  ja: {
    outcome_contained: '封じ込め',
    outcome_held: '承認待ち',
    outcome_observed: '観察のみ',
    outcome_notified: '通知のみ',
    outcome_nothing: 'なし',
    really_nothing: 'なし',
    really_held: '承認待ち',
    really_contained: '封じ込め',
    mode_observe: '観察',
    mode_approve: '承認',
    mode_auto: '自動',
  },
});
type Kind = 'outcome' | 'really' | 'mode';
/* A value that this console does not know yet is shown as it is. */
export function rolloutTerm(kind: Kind, value: string): string {
  return (w(`${kind}_${value}` as Parameters<typeof w>[0]) as string | undefined) ?? value;
}
