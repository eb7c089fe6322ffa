/* Addresses within the page, also those that somebody else made up. */
import { place, world } from './world';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { go, link, route } from 'console/lib/route.svelte';

test('screen, id and query', () => {
  world.goto('');
  assert.equal(route.screen, 'dashboard');
  assert.equal(route.id, '');
  world.goto('#/endpoints/e-12?q=c2%20x&closed=1');
  assert.equal(route.screen, 'endpoints');
  assert.equal(route.id, 'e-12');
  assert.equal(route.query.get('q'), 'c2 x');
  world.goto('#endpoints//e-12/');
  assert.deepEqual(route.parts, ['endpoints', 'e-12']);
});

test('parts with any characters come back as they were', () => {
  for (const id of ['a/b', '..', '%', 'ホスト 名', '?q=1#x', '<img src=x>', "javascript:alert('1')"]) {
    world.goto(link(['switches', id], { q: id }));
    assert.equal(route.id, id);
    assert.equal(route.query.get('q'), id);
    assert.match(place.hash, /^#\/switches\//); /* never another page */
  }
});

test('what cannot be decoded stays as it is', () => {
  world.goto('#/endpoints/%E0%A4%A');
  assert.equal(route.id, '%E0%A4%A');
  world.goto('#//evil.example/');
  assert.deepEqual(route.parts, ['evil.example']); /* a screen that does not exist */
});

test('empty parameters are left out', () => {
  assert.equal(link(['endpoints'], { q: '', state: 'failed' }), '#/endpoints?state=failed');
  assert.equal(link([]), '#/');
});

test('a search changes the address and nothing else', () => {
  world.goto('#/endpoints/?a=1');
  route.setQuery('q', 'c2');
  assert.equal(place.hash, '#/endpoints?a=1&q=c2');
  route.setQuery('q', '');
  assert.equal(place.hash, '#/endpoints?a=1');
  go(['incidents', 'i-1']);
  assert.equal(place.hash, '#/incidents/i-1');
});
