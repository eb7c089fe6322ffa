import { recall, remember } from './language.svelte';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'cordon.theme';

class ThemeChoice {
  now = $state<Theme>(first());
  set(theme: Theme) {
    this.now = theme;
    remember(KEY, theme);
  }
}

function first(): Theme {
  const known = recall(KEY);
  return known === 'light' || known === 'dark' ? known : 'system';
}
export const theme = new ThemeChoice();
