/* The server's sentences: every code of the OpenAPI document has words in both languages, and what
 * has none stays the English text. */
import './world';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { language } from 'console/lib/language.svelte';
import { isForeign, say, wording, type Said } from 'console/words/said';

const texts: Record<string, { en: string; ja: string }> = JSON.parse(readFileSync(process.env.OPENAPI!, 'utf8'))
  .components.schemas.Said['x-texts'];
const places = (form: string) => [...form.matchAll(/\{(\d)([^}]*)\}/g)].map(([, digit, kind]) => ({ digit, kind }));

/* What is worded for the reader: times, and lengths of time in seconds. */
const ODD: Record<string, { value: string; shown: string }> = {
  '@': { value: '2026-03-09T02:58:24Z', shown: '11:58' },
  s: { value: '5521', shown: '1 時間 32 分' },
};

/* Something that fits at each place. */
function sample(code: string): Said {
  const values: Said['values'] = [];
  for (const { digit, kind } of places(texts[code]!.en)) {
    const inner = kind!.startsWith(':') && Object.keys(texts).find((other) => other.startsWith(kind!.slice(1)));
    values[Number(digit) - 1] = inner ? sample(inner) : (ODD[kind!]?.value ?? `value-${digit}`);
  }
  return { code, values };
}

test('every code is worded in Japanese, with all its values', () => {
  language.set('ja');
  assert.ok(Object.keys(texts).length > 300);
  for (const code of Object.keys(texts)) {
    const said = sample(code);
    const text = wording(said);
    assert.ok(text, code);
    assert.doesNotMatch(text, /[{}]|undefined/, code);
    for (const one of said.values) {
      const odd = Object.values(ODD).find(({ value }) => value === one);
      const shown = odd?.shown ?? (typeof one === 'string' ? one : wording(one)!);
      assert.ok(text.includes(shown), `${code}: ${text} lacks ${shown}`);
    }
  }
});

test('in English the text stays, but for its times', () => {
  language.set('en');
  assert.equal(say('nobody known', { code: 'hold.nobody', values: [] }), 'nobody known');
  const said = { code: 'report.gone_since', values: ['e1', '2026-03-09T02:58:24Z'] };
  assert.match(say('e1 not connected since 2026-03-09T02:58:24Z', said), /^e1 not connected since .*11:58/);
  assert.equal(isForeign('nobody known', undefined), false);
});

test('sentences one after the other, and one within another', () => {
  language.set('ja');
  const said = { code: 'list', values: [{ code: 'hold.weak', values: [{ code: 'strength.nobody', values: [] }] }, { code: 'hold.grace', values: [] }] };
  assert.equal(say('x', said), '証拠が弱いため: 証拠を照合する端末が不明です。解除された直後です');
});

test('codes that are not known, and ones that somebody made up', () => {
  language.set('ja');
  for (const said of [
    undefined,
    null,
    { code: 'story.of_tomorrow', values: [] },
    { code: 'constructor', values: [] },
    { code: '__proto__', values: [] },
    { code: 'hold.weak', values: [] } /* values are missing */,
    { code: 'list', values: [{ code: 'story.of_tomorrow', values: [] }] },
  ]) {
    assert.equal(say('in English', said), 'in English');
    assert.equal(isForeign('in English', said), true);
  }
  assert.equal(say(undefined, undefined), '');
  assert.equal(say('x', { code: 'hold.weak', values: ['<b>{1}$&</b>'] }), '証拠が弱いため: <b>{1}$&</b>'); /* text, once */
});
