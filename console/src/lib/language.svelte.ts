/* Two languages, equal: every text is a pair, and a missing one does not compile. */
export type Language = 'ja' | 'en';

const KEY = 'cordon.language';

function stored(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; /* storage is off: the choice lasts for the page */
  }
}
export function remember(name: string, value: string) {
  try {
    localStorage.setItem(name, value);
  } catch {
    /* the same */
  }
}
export const recall = stored;

function first(): Language {
  const known = stored(KEY);
  if (known === 'ja' || known === 'en') {
    return known;
  }
  return navigator.language.toLowerCase().startsWith('ja') ? 'ja' : 'en';
}

class LanguageChoice {
  now = $state<Language>(first());
  set(language: Language) {
    this.now = language;
    remember(KEY, language);
  }
}
export const language = new LanguageChoice();

/* "{name}" in a text is replaced by the parameter of that name. */
export type Parameters = Record<string, string | number>;

function fill(text: string, parameters?: Parameters): string {
  return parameters && text
    ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(parameters[name] ?? whole))
    : text;
}

/* A screen's words: const w = words({ en: {...}, ja: {...} }); then {w('title')}. */
export function words<const T extends Record<string, string>>(both: {
  en: T;
  ja: { [K in keyof T]: string };
}) {
  return (key: keyof T & string, parameters?: Parameters): string =>
    fill(both[language.now][key] as string, parameters);
}
