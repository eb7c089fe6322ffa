/* The network as the map draws it: where switches stand, which way leads to the core, what stands
 * around a switch.  Pure; drawing is parts/MapCanvas.svelte. */
import type { Schemas } from './api';

export type Switch = Schemas['Switch'];
export type Link = Schemas['Link'];
export interface Point {
  x: number;
  y: number;
}

export interface MapNode {
  id: string;
  kind: 'switch' | 'port' | 'endpoint' | 'sensor';
  label: string;
  state: string;
  at: Point;
  fixed?: boolean; /* not to be dragged */
  near?: string; /* goes where that one goes */
}
export interface MapEdge {
  id: string;
  from: string;
  to: string;
  confirmed: boolean;
  kind: 'link' | 'attached' | 'saw';
}
export interface Drawing {
  nodes: MapNode[];
  edges: MapEdge[];
}

/* All pages of a list. */
export async function loadAll<T>(
  load: (cursor?: number) => Promise<{ items: T[]; next?: number }>,
  most = 2000,
): Promise<T[]> {
  let items: T[] = [];
  for (let cursor: number | undefined; ; ) {
    const page = await load(cursor);
    items = items.concat(page.items);
    cursor = page.next;
    if (!cursor || items.length >= most) {
      return items;
    }
  }
}

/* Who is linked with whom; names sorted, so that the same network always looks the same. */
export function neighboursOf(links: Link[]): Map<string, string[]> {
  const all = new Map<string, Set<string>>();
  const add = (from: string, to: string) => {
    all.set(from, (all.get(from) ?? new Set()).add(to));
  };
  for (const one of links) {
    if (one.a.switch !== one.b.switch) {
      add(one.a.switch, one.b.switch);
      add(one.b.switch, one.a.switch);
    }
  }
  return new Map([...all].map(([name, others]) => [name, [...others].sort(byName)]));
}
const byName = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });

/* The switch that most others hang from. */
export function coreOf(names: string[], neighbours: Map<string, string[]>): string | undefined {
  const weight = (name: string) =>
    (neighbours.get(name) ?? []).reduce((sum, one) => sum + (neighbours.get(one)?.length ?? 0), 0) +
    (neighbours.get(name)?.length ?? 0);
  return [...names].sort((a, b) => weight(b) - weight(a) || byName(a, b))[0];
}

/* The way from a switch to the core, both included; just the switch where there is none. */
export function wayToCore(from: string, core: string, neighbours: Map<string, string[]>): string[] {
  const before = new Map<string, string>([[core, '']]);
  const queue = [core];
  for (let at = queue.shift(); at !== undefined && !before.has(from); at = queue.shift()) {
    for (const next of neighbours.get(at) ?? []) {
      if (!before.has(next)) {
        before.set(next, at);
        queue.push(next);
      }
    }
  }
  const way = [from];
  for (let at = before.get(from); at; at = before.get(at)) {
    way.push(at);
  }
  return way;
}

interface Tree {
  name: string;
  below: Tree[];
  leaves: number;
}
function grow(root: string, neighbours: Map<string, string[]>, seen: Set<string>): Tree {
  const tree: Tree = { name: root, below: [], leaves: 0 };
  const queue = [tree];
  const order: Tree[] = [];
  seen.add(root);
  for (let at = queue.shift(); at; at = queue.shift()) {
    order.push(at);
    for (const next of neighbours.get(at.name) ?? []) {
      if (!seen.has(next)) {
        seen.add(next);
        const one = { name: next, below: [], leaves: 0 };
        at.below.push(one);
        queue.push(one);
      }
    }
  }
  for (const one of order.reverse()) {
    one.leaves = one.below.reduce((sum, each) => sum + each.leaves, 0) || 1;
  }
  return tree;
}

const STEP = 150; /* between neighbours */
const ROOM = 90; /* of a leaf on its circle */

/* Around the core, each branch as wide as what hangs from it. */
function radial(tree: Tree, centre: Point, places: Map<string, Point>): number {
  const ring = Math.max(STEP, (tree.leaves * ROOM) / (2 * Math.PI));
  let reach = 0;
  const put = (one: Tree, depth: number, from: number, to: number) => {
    const angle = (from + to) / 2;
    /* The outer circles have room for their leaves; the first keeps its distance. */
    const radius = depth === 0 ? 0 : depth === 1 ? Math.max(STEP, ring / 2) : ring + (depth - 2) * STEP;
    reach = Math.max(reach, radius);
    places.set(one.name, {
      x: Math.round(centre.x + radius * Math.cos(angle)),
      y: Math.round(centre.y + radius * Math.sin(angle)),
    });
    let start = from;
    for (const each of one.below) {
      const end = start + ((to - from) * each.leaves) / one.leaves;
      put(each, depth + 1, start, end);
      start = end;
    }
  };
  put(tree, 0, -Math.PI, Math.PI);
  return reach;
}

/* Everything anew: trees beside each other, those without any link in rows below. */
export function arrange(names: string[], links: Link[]): Map<string, Point> {
  const neighbours = neighboursOf(links);
  const places = new Map<string, Point>();
  const seen = new Set<string>();
  const linked = names.filter((name) => neighbours.has(name)).sort(byName);
  let right = 0;
  let bottom = 0;
  for (;;) {
    const core = coreOf(linked.filter((name) => !seen.has(name)), neighbours);
    if (!core) {
      break;
    }
    const trial = new Map<string, Point>();
    const tree = grow(core, neighbours, seen);
    const reach = radial(tree, { x: 0, y: 0 }, trial);
    const shift = right === 0 ? 0 : right + reach + STEP;
    for (const [name, at] of trial) {
      places.set(name, { x: at.x + shift, y: at.y });
    }
    right = shift + reach;
    bottom = Math.max(bottom, reach);
  }
  const alone = names.filter((name) => !neighbours.has(name)).sort(byName);
  const columns = Math.max(4, Math.ceil(Math.sqrt(alone.length * 2)));
  alone.forEach((name, i) => {
    places.set(name, {
      x: Math.round(((i % columns) - (columns - 1) / 2) * STEP),
      y: bottom + STEP + Math.floor(i / columns) * STEP,
    });
  });
  return places;
}

/* The first free place around 'at', in growing squares. */
function freeBeside(at: Point, taken: Point[]): Point {
  const isFree = (p: Point) => taken.every((one) => Math.hypot(one.x - p.x, one.y - p.y) >= ROOM);
  for (let ring = 1; ring < 40; ring++) {
    for (let i = 0; i < 8 * ring; i++) {
      const angle = (i / (8 * ring)) * 2 * Math.PI + Math.PI / 2;
      const p = {
        x: Math.round(at.x + ring * STEP * Math.cos(angle)),
        y: Math.round(at.y + ring * STEP * Math.sin(angle)),
      };
      if (isFree(p)) {
        return p;
      }
    }
  }
  return at;
}

/* Kept places stay; who has none finds one beside a neighbour, and nobody else moves. */
export function placeAll(names: string[], links: Link[], kept: Map<string, Point>): Map<string, Point> {
  const here = new Set(names);
  const places = new Map([...kept].filter(([name]) => here.has(name)));
  if (places.size === 0) {
    return arrange(names, links);
  }
  const neighbours = neighboursOf(links);
  const taken = [...places.values()];
  const put = (name: string, beside: Point) => {
    const at = freeBeside(beside, taken);
    places.set(name, at);
    taken.push(at);
  };
  let waiting = names.filter((name) => !places.has(name)).sort(byName);
  for (let moved = true; moved && waiting.length > 0; ) {
    moved = false;
    const later: string[] = [];
    for (const name of waiting) {
      const beside = (neighbours.get(name) ?? []).find((one) => places.has(one));
      if (beside) {
        put(name, places.get(beside) as Point);
        moved = true;
      } else {
        later.push(name);
      }
    }
    waiting = later;
  }
  const below = { x: 0, y: Math.max(...taken.map((one) => one.y)) + STEP };
  waiting.forEach((name) => put(name, below));
  return places;
}

/* The 'i'th of 'count' around a point. */
export function around(at: Point, i: number, count: number, radius: number): Point {
  const angle = (i / Math.max(count, 1)) * 2 * Math.PI - Math.PI / 2;
  return { x: at.x + radius * Math.cos(angle), y: at.y + radius * Math.sin(angle) };
}

export function groupBy<T>(items: T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of items) {
    const key = keyOf(one);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}
