/* Lists that keep themselves up to date: pages, search, changes, slow and failing answers. */
import { FakeSource, settle, world } from './world';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { live } from 'console/lib/live.svelte';
import { LiveList, LiveObject, type Page } from 'console/lib/list.svelte';

interface Row {
  id: string;
  state?: string;
}
interface Call {
  q: string;
  cursor?: number;
  signal: AbortSignal;
  answer: (page: Page<Row>) => void;
  fail: (error: unknown) => void;
}
let calls: Call[] = [];
const load = ({ q, cursor }: { q: string; cursor?: number }, signal: AbortSignal) =>
  new Promise<Page<Row>>((answer, fail) => calls.push({ q, cursor, signal, answer, fail }));
const make = (more: object = {}) =>
  new LiveList<Row>({ load, topics: ['containment', 'endpoint'], rows: 'containment', id: (row) => row.id, ...more });
const page = (...ids: string[]): Page<Row> => ({ items: ids.map((id) => ({ id })), total: ids.length });
const last = () => calls[calls.length - 1] as Call;
const ids = (list: LiveList<Row>) => list.items.map((row) => row.id).join(' ');

let stop = () => {};
async function begin(list: LiveList<Row>, first: Page<Row>) {
  stop = list.start();
  last().answer(first);
  await settle();
}
beforeEach(() => {
  stop();
  calls = [];
  live.stop();
  live.start();
  FakeSource.last.opens();
});

test('loading, then rows', async () => {
  const list = make();
  stop = list.start();
  assert.equal(list.loading, true);
  assert.equal(list.items.length, 0);
  last().answer(page('a', 'b'));
  await settle();
  assert.equal(list.loading, false);
  assert.equal(ids(list), 'a b');
  assert.equal(list.next, undefined);
  assert.equal(list.total, 2);
});

test('an event replaces its row at once, and the server is asked again a little later', async () => {
  const list = make();
  await begin(list, page('a', 'b'));
  FakeSource.last.says('containment', { id: 'b', state: 'failed' });
  assert.equal(list.items[1]?.state, 'failed');
  assert.equal(calls.length, 1);
  await world.pass(300);
  assert.equal(calls.length, 2);
  last().answer(page('c', 'b'));
  await settle();
  assert.equal(ids(list), 'c b');
});

test('a burst of changes is one question', async () => {
  const list = make();
  await begin(list, page('a'));
  for (let i = 0; i < 50; i++) {
    FakeSource.last.says('endpoint', { id: `e${i}` });
  }
  await world.pass(1000);
  assert.equal(calls.length, 2);
  for (let i = 0; i < 50; i++) {
    FakeSource.last.says('endpoint', { id: `e${i}` }); /* while the answer is on its way */
    await world.pass(300);
  }
  assert.equal(calls.length, 2);
  last().answer(page('a'));
  await settle();
  assert.equal(calls.length, 3); /* once more: something has changed since */
  last().answer(page('b'));
  await settle();
  await world.pass(60_000);
  assert.equal(calls.length, 3);
  assert.equal(ids(list), 'b');
});

test('more pages: as many are loaded again after a change', async () => {
  const list = make();
  await begin(list, { items: [{ id: 'a' }], next: 1, total: 3 });
  assert.equal(list.next, 1);
  const more = list.more();
  assert.deepEqual([last().q, last().cursor], ['', undefined]);
  last().answer({ items: [{ id: 'a' }], next: 1, total: 3 });
  await settle();
  assert.equal(last().cursor, 1);
  assert.equal(ids(list), 'a', 'no half of a list');
  last().answer({ items: [{ id: 'b' }], next: 2, total: 3 });
  await more;
  assert.equal(ids(list), 'a b');
  assert.equal(list.next, 2);
  void list.reload();
  last().answer({ items: [{ id: 'a' }], total: 1 }); /* it has become shorter */
  await settle();
  assert.equal(ids(list), 'a');
  assert.equal(list.next, undefined);
});

test('a search gives up the question before, and begins at the first page', async () => {
  const list = make();
  await begin(list, { items: [{ id: 'a' }], next: 1 });
  void list.more();
  const slow = last();
  list.search('x');
  assert.equal(slow.signal.aborted, true);
  slow.fail(new DOMException('aborted', 'AbortError'));
  await settle();
  assert.equal(last().q, 'x');
  assert.equal(last().cursor, undefined);
  assert.equal(list.error, undefined, 'a question that was given up is no error');
  last().answer(page('x1'));
  await settle();
  assert.equal(ids(list), 'x1');
});

test('each key is not a question', async () => {
  const list = make();
  await begin(list, page('a'));
  for (const q of ['c', 'co', 'cor', 'core']) {
    list.search(q);
    await world.pass(50);
  }
  await world.pass(300);
  assert.equal(calls.length, 2);
  assert.equal(last().q, 'core');
});

test('what fails is said, and what was known stays to be seen', async () => {
  const list = make();
  await begin(list, page('a'));
  void list.reload();
  const error = new Error('away');
  last().fail(error);
  await settle();
  assert.equal(list.error, error);
  assert.equal(ids(list), 'a');
  void list.reload();
  last().answer(page('b'));
  await settle();
  assert.equal(list.error, undefined);
  assert.equal(ids(list), 'b');
});

test('a gap in the stream loads again; left alone it is quiet', async () => {
  const list = make();
  await begin(list, page('a'));
  FakeSource.last.says('gap');
  await world.pass(300);
  assert.equal(calls.length, 2);
  last().answer(page('a', 'b'));
  await settle();
  stop();
  FakeSource.last.says('gap');
  FakeSource.last.says('containment', { id: 'a', state: 'failed' });
  await world.pass(60_000);
  assert.equal(calls.length, 2);
  assert.equal(list.items[0]?.state, undefined);
});

test('changes that do not end are asked for ever more seldom', async () => {
  const list = make();
  await begin(list, page('a'));
  for (let i = 0; i < 600; i++) {
    FakeSource.last.says('endpoint', { id: `e${i}` });
    await world.pass(100);
    last().answer(page('a'));
    await settle();
  }
  assert.ok(calls.length > 15 && calls.length < 30, `${calls.length} questions in a minute`);
});

test('where nobody looks nothing is asked for; what was missed is, at the first look', async () => {
  const list = make({ every: 10_000 });
  await begin(list, page('a'));
  (document as { hidden: boolean }).hidden = true;
  for (let i = 0; i < 50; i++) {
    FakeSource.last.says('endpoint', { id: `e${i}` });
    await world.pass(1000);
  }
  FakeSource.last.says('gap');
  await world.pass(60_000);
  assert.equal(calls.length, 1);
  (document as { hidden: boolean }).hidden = false;
  world.tell('visibilitychange');
  await world.pass(300);
  assert.equal(calls.length, 2);
  last().answer(page('a', 'b'));
  await settle();
  assert.equal(ids(list), 'a b');
});

test('a row that moved from one page to the next is shown once', async () => {
  const list = make();
  await begin(list, { items: [{ id: 'a' }, { id: 'b' }], next: 2 });
  const more = list.more();
  last().answer({ items: [{ id: 'a' }, { id: 'b' }], next: 2 });
  await settle();
  last().answer(page('b', 'c'));
  await more;
  assert.equal(ids(list), 'a b c');
});

test('a list without events asks by the clock, but not where nobody looks', async () => {
  const list = make({ topics: [], every: 10_000 });
  await begin(list, page('a'));
  await world.pass(10_300);
  assert.equal(calls.length, 2);
  last().answer(page('a'));
  (document as { hidden: boolean }).hidden = true;
  await world.pass(60_000);
  assert.equal(calls.length, 2);
  (document as { hidden: boolean }).hidden = false;
});

test('an object: the newest question counts, whatever the order of answers', async () => {
  const answers: ((value: string) => void)[] = [];
  const object = new LiveObject(() => new Promise<string>((answer) => answers.push(answer)), ['containment']);
  object.start()(); /* a screen that is left at once asks nothing */
  await world.pass(300);
  assert.equal(answers.length, 0);
  stop = object.start();
  await world.pass(0);
  FakeSource.last.says('containment', {});
  await world.pass(300);
  assert.equal(answers.length, 2);
  answers[1]?.('new');
  await settle();
  answers[0]?.('old');
  await settle();
  assert.equal(object.value, 'new');
});
