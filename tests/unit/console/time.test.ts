/* Times, numbers and languages by Intl; this file runs in the zone Asia/Tokyo. */
import { stored, world } from './world';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { language, words } from 'console/lib/language.svelte';
import { ago, clock, exact, milliseconds, number, relative, short } from 'console/lib/time.svelte';

const AT = '2026-03-09T02:58:24.532140Z'; /* 11:58:24 in Tokyo */

test('the exact time, with its zone', () => {
  language.set('en');
  assert.match(exact(AT), /^Mar 9, 2026, 11:58:24\sAM GMT\+9$/);
  language.set('ja');
  assert.equal(exact(AT), '2026/03/09 11:58:24 JST');
});

test('short: today the time, otherwise the day too', async () => {
  language.set('ja');
  clock.now = world.now;
  assert.equal(short(AT), '11:58:24');
  assert.equal(short('2026-03-08T14:59:59Z'), '2026/03/08 23:59'); /* yesterday in Tokyo */
  assert.equal(short('2026-03-08T15:00:00Z'), '0:00:00'); /* today in Tokyo, yesterday in UTC */
  language.set('en');
  assert.match(short('2026-03-08T14:59:59Z'), /^3\/8\/26, 11:59\sPM$/);
});

test('relative, in both languages and directions', () => {
  clock.now = Date.parse('2026-03-09T03:00:00Z');
  language.set('en');
  assert.equal(relative('2026-03-09T02:57:00Z'), '3 min. ago');
  assert.equal(relative('2026-03-09T05:00:00Z'), 'in 2 hr.');
  assert.equal(relative('2026-03-09T03:00:00.4Z'), 'now');
  language.set('ja');
  assert.equal(relative('2026-03-09T02:57:00Z'), '3 分前');
  assert.equal(relative('2026-03-11T03:00:00Z'), '明後日');
  assert.equal(relative('2026-03-09T02:59:50Z'), '10 秒前');
});

test('what has happened is never to come', () => {
  clock.now = Date.parse('2026-03-09T03:00:00Z'); /* goes by steps: the event is later than it */
  language.set('en');
  assert.equal(ago('2026-03-09T03:00:04Z'), 'now');
  assert.equal(ago('2026-03-09T03:02:00Z'), 'now');
  assert.equal(ago('2026-03-09T02:57:00Z'), '3 min. ago');
  language.set('ja');
  assert.equal(ago('2026-03-09T03:00:04Z'), '今');
  assert.equal(relative('2026-03-09T03:00:04Z'), '4 秒後'); /* what is to come stays so */
});

test('what is no time stops nothing', () => {
  for (const call of [exact, short, relative, ago]) {
    assert.equal(call(undefined), '');
    assert.equal(call(''), '');
    assert.equal(call('not a time'), 'not a time');
    assert.equal(call('2026-13-45T99:00:00Z'), '2026-13-45T99:00:00Z');
  }
});

test('numbers', () => {
  language.set('ja');
  assert.equal(number(1234567), '1,234,567');
  assert.equal(number(undefined), '');
  assert.equal(milliseconds(1234), '1.23 ms');
  assert.equal(milliseconds(45678), '45.7 ms');
  assert.equal(milliseconds(12345678), '12,346 ms');
});

test('the clock goes on only while somebody looks', async () => {
  const before = clock.now;
  await world.pass(5000);
  assert.ok(clock.now > before);
  (document as { hidden: boolean }).hidden = true;
  const still = clock.now;
  await world.pass(20000);
  assert.equal(clock.now, still);
  (document as { hidden: boolean }).hidden = false;
  world.tell('visibilitychange');
  assert.equal(clock.now, world.now);
});

test('the choice of language is kept; values are put in as text', () => {
  language.set('ja');
  assert.equal(stored.get('cordon.language'), 'ja');
  const w = words({ en: { a: '{n} of {total}' }, ja: { a: '{total} 件中 {n} 件' } });
  assert.equal(w('a', { n: '{total}', total: '$&' }), '$& 件中 {total} 件'); /* put in once */
  assert.equal(w('a'), '{total} 件中 {n} 件');
});
