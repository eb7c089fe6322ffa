/* What the server says, in the viewer's language.  The API gives its English text and, where the text
 * is one of the server's own sentences, the same as a code and values; the wording of each code comes
 * from the OpenAPI document (lib/said-texts.ts is made from it at every build).  What others wrote
 * (names, notes, other makers' signatures) has no code and stays as it is. */
import { language, type Language } from '../lib/language.svelte';
import { texts } from '../lib/said-texts';
import { short, span } from '../lib/time.svelte';

export interface Said {
  code: string;
  values: (string | Said)[];
}
/* English only where times stand in it, which the viewer's zone decides, or lengths of time. */
interface Wording {
  ja: string;
  en?: string;
}
const LIST = 'list'; /* sentences one after the other */
const JOIN: Record<Language, string> = { en: '; ', ja: '。' };

/* 'kind': of the template's place, '@' a time, 's' a length of time ("90 s"). */
function value(one: string | Said | undefined, kind: string): string | undefined {
  if (typeof one !== 'string') {
    return one && wording(one);
  }
  return kind === '@' ? short(one) || one : kind === 's' ? span(parseInt(one, 10)) : one;
}

/* Undefined: this console does not know the code (the server is newer). */
export function wording(said: Said): string | undefined {
  if (said.code === LIST) {
    const all = said.values.map((one) => value(one, ''));
    return all.includes(undefined) ? undefined : all.join(JOIN[language.now]);
  }
  const row = (texts as Record<string, Wording>)[said.code];
  if (!row || !Object.hasOwn(texts, said.code)) {
    return undefined;
  }
  let isWhole = true;
  const template = row[language.now];
  if (!template) {
    return undefined; /* English is the text that came */
  }
  const text = template.replace(/\{(\d)[^}]*\}/g, (_, digit: string) => {
    const at = row.en?.indexOf(`{${digit}`) ?? -1;
    const filled = value(said.values[Number(digit) - 1], at < 0 ? '' : row.en!.charAt(at + 2));
    isWhole &&= filled !== undefined;
    return filled ?? '';
  });
  return isWhole ? text.trim() : undefined;
}

export function say(text: string | undefined, said: Said | null | undefined): string {
  return (said && wording(said)) ?? text ?? '';
}
/* Is it only to be had in English? */
export function isForeign(text: string | undefined, said: Said | null | undefined): boolean {
  return language.now !== 'en' && Boolean(text) && !(said && wording(said));
}
