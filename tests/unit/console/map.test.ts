/* Where switches are drawn: the same network looks the same, nothing lies upon another, and a new
 * switch moves nobody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrange, coreOf, neighboursOf, placeAll, wayToCore, type Link, type Point } from 'console/lib/map';

const link = (a: string, b: string): Link => ({
  a: { switch: a, port: 'x' },
  b: { switch: b, port: 'y' },
  confirmed: true,
});
/* A core, 'wide' switches around it, and as many below each. */
function campus(wide: number) {
  const names = ['core'];
  const links: Link[] = [];
  for (let i = 0; i < wide; i++) {
    names.push(`d${i}`);
    links.push(link('core', `d${i}`));
    for (let j = 0; j < wide; j++) {
      names.push(`d${i}e${j}`);
      links.push(link(`d${i}e${j}`, `d${i}`));
    }
  }
  return { names, links };
}
function closest(places: Map<string, Point>): number {
  const all = [...places.values()];
  let least = Infinity;
  for (const [i, a] of all.entries()) {
    for (const b of all.slice(i + 1)) {
      least = Math.min(least, Math.hypot(a.x - b.x, a.y - b.y));
    }
  }
  return least;
}

test('507 switches find room, each its own, in the same place every time', () => {
  const { names, links } = campus(22);
  const places = arrange(names, links);
  assert.equal(places.size, names.length);
  assert.ok(closest(places) > 40, String(closest(places)));
  const again = arrange([...names].reverse(), [...links].reverse());
  assert.deepEqual([...again].sort(), [...places].sort());
  for (const { x, y } of places.values()) {
    assert.ok(Math.abs(x) <= 100_000 && Math.abs(y) <= 100_000 && Number.isInteger(x) && Number.isInteger(y));
  }
});

test('a new switch comes beside its neighbour and moves nobody', () => {
  const { names, links } = campus(4);
  const kept = arrange(names, links);
  const places = placeAll([...names, 'new', 'newer', 'lonely'], [...links, link('new', 'd1'), link('newer', 'new')], kept);
  for (const [name, at] of kept) {
    assert.deepEqual(places.get(name), at);
  }
  const distance = (a: string, b: string) => {
    const [p, q] = [places.get(a) as Point, places.get(b) as Point];
    return Math.hypot(p.x - q.x, p.y - q.y);
  };
  assert.ok(distance('new', 'd1') < 700 && distance('newer', 'new') < 700);
  assert.equal(places.size, names.length + 3);
  assert.ok(closest(places) > 40);
  assert.equal(placeAll(['core'], [], kept).size, 1); /* who is gone is not drawn */
});

test('the core is what the others hang from, and ways lead there', () => {
  const { names, links } = campus(5);
  const neighbours = neighboursOf(links);
  assert.equal(coreOf(names, neighbours), 'core');
  assert.deepEqual(wayToCore('d3e2', 'core', neighbours), ['d3e2', 'd3', 'core']);
  assert.deepEqual(wayToCore('core', 'core', neighbours), ['core']);
  assert.deepEqual(wayToCore('alone', 'core', neighbours), ['alone']);
  assert.equal(coreOf([], neighbours), undefined);
  assert.equal(neighboursOf([link('a', 'a')]).size, 0);
});
