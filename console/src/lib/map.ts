/* The network as the map draws it: where switches stand, which way leads to the core, what stands
 * around a switch.  Pure; drawing is parts/MapCanvas.svelte. */
import { ApiError, type Schemas } from './api';

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
  held?: number; /* contained endpoints on it */
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
  for (let cursor: number | undefined, again = false; ; ) {
    let page: { items: T[]; next?: number };
    try {
      page = await load(cursor);
    } catch (error) {
      /* the controller was started anew between two pages: from the first one, once */
      if (!(error instanceof ApiError) || error.status !== 409 || !cursor || again) {
        throw error;
      }
      again = true;
      cursor = undefined;
      items = [];
      continue;
    }
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
}
function grow(root: string, neighbours: Map<string, string[]>, seen: Set<string>): Tree {
  const tree: Tree = { name: root, below: [] };
  const queue = [tree];
  seen.add(root);
  for (let at = queue.shift(); at; at = queue.shift()) {
    for (const next of neighbours.get(at.name) ?? []) {
      if (!seen.has(next)) {
        seen.add(next);
        const one = { name: next, below: [] };
        at.below.push(one);
        queue.push(one);
      }
    }
  }
  return tree;
}

const STEP = 150; /* between neighbours */
const ROOM = 100; /* that one switch takes */
const GAP = 24;

/* A branch as a disc: what hangs from a switch stands around it, leaves in as many rings as they
 * need, whole branches in one ring outside, so that no line crosses another branch. */
interface Disc {
  radius: number;
  at: Map<string, Point>; /* from its centre */
}
function ring(discs: Disc[], least: number, into: Map<string, Point>): number {
  const widest = Math.max(...discs.map((one) => one.radius));
  const needed = discs.reduce((sum, one) => sum + 2 * one.radius + GAP, 0) / (2 * Math.PI);
  const radius = Math.max(least + widest + GAP, discs.length > 1 ? needed * 1.05 : 0);
  const round = discs.reduce((sum, one) => sum + 2 * one.radius + GAP, 0);
  let angle = -Math.PI / 2 - ((2 * (discs[0]?.radius ?? 0) + GAP) / round) * Math.PI;
  for (const one of discs) {
    const share = ((2 * one.radius + GAP) / round) * 2 * Math.PI;
    const x = radius * Math.cos(angle + share / 2);
    const y = radius * Math.sin(angle + share / 2);
    one.at.forEach((at, name) => into.set(name, { x: at.x + x, y: at.y + y }));
    angle += share;
  }
  return radius + widest;
}
function discOf(tree: Tree): Disc {
  const at = new Map<string, Point>([[tree.name, { x: 0, y: 0 }]]);
  const discs = tree.below.map(discOf);
  let leaves = discs.filter((_, i) => tree.below[i]?.below.length === 0);
  const branches = discs.filter((_, i) => tree.below[i]?.below.length !== 0);
  let radius = ROOM / 2;
  for (let inner = STEP - ROOM / 2 - GAP; leaves.length > 0; inner = radius) {
    const fit = Math.max(1, Math.floor((2 * Math.PI * (inner + ROOM / 2 + GAP)) / (ROOM + GAP)));
    radius = ring(leaves.slice(0, fit), inner, at);
    leaves = leaves.slice(fit);
  }
  if (branches.length > 0) {
    radius = ring(branches, Math.max(radius, STEP - ROOM / 2), at);
  }
  return { radius, at };
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
    const disc = discOf(grow(core, neighbours, seen));
    const shift = places.size === 0 ? 0 : right + disc.radius + STEP;
    for (const [name, at] of disc.at) {
      places.set(name, { x: Math.round(at.x + shift), y: Math.round(at.y) });
    }
    right = shift + disc.radius;
    bottom = Math.max(bottom, disc.radius);
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
    const group = groups.get(key);
    if (group) {
      group.push(one);
    } else {
      groups.set(key, [one]);
    }
  }
  return groups;
}
