/* The event stream: what a break, a silence, a restart of the server do to what is shown. */
import { FakeSource, world } from './world';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { live } from 'console/lib/live.svelte';
import { session } from 'console/lib/session.svelte';

let told: unknown[] = [];
let gaps = 0;
let off = () => {};
beforeEach(() => {
  live.stop();
  off();
  told = [];
  gaps = 0;
  off = live.on('containment', (object) => told.push(object), () => gaps++);
  FakeSource.made = [];
  live.start();
});

test('connects once, below the path that a proxy gave', () => {
  live.start();
  assert.equal(FakeSource.made.length, 1);
  assert.equal(FakeSource.last.url, 'https://cordon.test/sub/path/api/v1/events');
  assert.equal(live.state, 'connecting');
  FakeSource.last.opens();
  assert.equal(live.state, 'live');
});

test('tells those who listen to a topic, and nobody else', () => {
  FakeSource.last.opens();
  FakeSource.last.says('containment', { id: 'c-1' });
  FakeSource.last.says('switch', { name: 'e1' });
  FakeSource.last.says('unheard-of', {});
  assert.deepEqual(told, [{ id: 'c-1' }]);
  off();
  FakeSource.last.says('containment', { id: 'c-2' });
  assert.equal(told.length, 1);
});

test('a list whose rows are not told one by one is named', () => {
  const heard: unknown[] = [];
  const end = live.on('audit', (object) => heard.push(object), () => {});
  FakeSource.last.opens();
  FakeSource.last.says('changed', { list: 'audit' });
  FakeSource.last.says('changed', { list: 'sensors' });
  end();
  assert.deepEqual(heard, [{ list: 'audit' }]);
  assert.deepEqual(told, []);
});

test('a short break: the browser joins again, and Last-Event-ID loses nothing', () => {
  FakeSource.last.opens();
  FakeSource.last.breaks();
  assert.equal(live.state, 'stale');
  FakeSource.last.opens();
  assert.equal(live.state, 'live');
  assert.equal(gaps, 0);
  assert.equal(FakeSource.made.length, 1);
});

test('the server says that events are lost: lists load again', () => {
  FakeSource.last.opens();
  FakeSource.last.says('gap', { why: 'another run' });
  assert.equal(gaps, 1);
  assert.equal(live.state, 'live');
});

test('silence means a dead connection: a new one, and lists load again', async () => {
  FakeSource.last.opens();
  await world.pass(30_000);
  FakeSource.last.says('alive');
  await world.pass(35_000);
  assert.equal(FakeSource.made.length, 1); /* it was heard */
  await world.pass(15_000);
  assert.equal(FakeSource.made.length, 2);
  assert.equal(FakeSource.made[0]?.readyState, FakeSource.CLOSED);
  assert.equal(live.state, 'stale');
  FakeSource.last.opens();
  assert.equal(live.state, 'live');
  assert.equal(gaps, 1); /* a new stream does not know the last id */
});

test('the stream of before says nothing any more', async () => {
  const old = FakeSource.last;
  old.opens();
  await world.pass(50_000);
  FakeSource.last.opens();
  const since = live.since;
  await world.pass(1_000);
  old.onerror?.();
  assert.equal(live.state, 'live', 'an error of a stream that was closed');
  old.says('containment', { id: 'old' });
  assert.deepEqual(told, []);
  assert.equal(live.since, since);
});

test('refused: perhaps the session has ended', async () => {
  let asked = 0;
  const load = session.load;
  session.load = () => (asked++, Promise.resolve());
  FakeSource.last.breaks(FakeSource.CLOSED);
  assert.equal(live.state, 'stale');
  await world.pass(3_000);
  assert.equal(asked, 1);
  await world.pass(5_000);
  assert.equal(FakeSource.made.length, 2); /* and it is tried again */
  session.load = load;
});

test('stopped is stopped', async () => {
  live.stop();
  await world.pass(120_000);
  assert.equal(FakeSource.made.length, 1);
  assert.equal(FakeSource.last.readyState, FakeSource.CLOSED);
});

test('an event that is no JSON does not end the stream', () => {
  FakeSource.last.opens();
  FakeSource.last.says('containment', '{"id": ');
  FakeSource.last.says('containment', { id: 'c-3' });
  assert.deepEqual(told, [{ id: 'c-3' }]);
  assert.equal(gaps, 1); /* what it said is not known: load again */
});
