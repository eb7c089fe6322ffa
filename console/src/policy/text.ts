/* The policy's text as data, and changes of it that leave everything else as people wrote it: only
 * the bytes of what changes are exchanged, so that comments, order and spaces stay and a diff shows
 * one change.  What was made is read again and compared with what was wanted; where it is not that
 * (a form that is not foreseen here), the library writes the document anew, comments included. */
import {
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

export type Mode = 'observe' | 'approve' | 'auto';
export type Path = (string | number)[];
export type Value = string | number | boolean | Value[] | { [key: string]: Value | undefined };

export interface Network {
  name: string;
  prefixes: string[];
  mode?: Mode | 'default';
  home?: boolean;
}
export interface Rule {
  name: string;
  mode?: Mode | 'default';
  then?: { action: string; permit_set?: string }[];
  when?: { networks?: string[]; phases?: string[] };
}
export interface Permit {
  server?: string;
  name?: string;
  protocol?: string;
  port?: number;
  port_to?: number;
}
export interface PermitSet {
  name: string;
  allows_dhcp?: boolean;
  forwards_dns?: boolean;
  dhcp_servers?: string[];
  resolvers?: string[];
  permits?: Permit[];
}
export interface Protected {
  name: string;
  addresses?: string[];
  macs?: string[];
  host_names?: string[];
}
export interface Policy {
  defaults?: { mode?: Mode | 'default' };
  networks?: Network[];
  permit_sets?: PermitSet[];
  protected?: Protected[];
  proxies?: string[];
  truthful_proxies?: string[];
  nats?: string[];
  resolvers?: string[];
  never_block?: { prefixes?: string[]; domains?: string[]; popular?: number };
  policies?: Rule[];
  rollout?: unknown[];
  maintenance?: unknown[];
}

const WRITE = { lineWidth: 0, flowCollectionPadding: false } as const;
/* As the server reads it: numbers and true or false; nothing else is anything but text. */
const READ = { version: '1.2', schema: 'core', prettyErrors: false } as const;

function parse(text: string): Document {
  return parseDocument(text, READ);
}

/* undefined: it is no policy that could be read. */
export function read(text: string): Policy | undefined {
  const doc = parse(text);
  if (doc.errors.length > 0) {
    return undefined;
  }
  try {
    const data: unknown = doc.toJS({ maxAliasCount: 100 }) ?? {};
    return typeof data === 'object' && !Array.isArray(data) ? (data as Policy) : undefined;
  } catch {
    return undefined; /* too many aliases */
  }
}

/* What counts where it is not said. */
export const defaultMode = (policy: Policy): Mode => {
  const mode = policy.defaults?.mode;
  return mode && mode !== 'default' ? mode : 'observe';
};
export const networkMode = (policy: Policy, network: Network): Mode =>
  network.mode && network.mode !== 'default' ? network.mode : defaultMode(policy);

/* ---- writing ---- */

const PLAIN = /^[A-Za-z/_][A-Za-z0-9/_.-]*(?: [A-Za-z0-9/_.-]+)*$/;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/;
const WORD_WITH_MEANING = /^(true|false|null|yes|no|on|off|y|n)$/i;

function scalar(value: string | number | boolean): string {
  if (typeof value !== 'string') {
    return String(value);
  }
  const plain = (PLAIN.test(value) && !WORD_WITH_MEANING.test(value)) || ADDRESS.test(value);
  return plain ? value : JSON.stringify(value);
}

/* On one line, as the packaged policy has it: {name: a, addresses: [192.0.2.1]}. */
export function flow(value: Value): string {
  if (Array.isArray(value)) {
    return `[${value.map(flow).join(', ')}]`;
  }
  if (typeof value === 'object') {
    const pairs = Object.entries(value).filter(([, one]) => one !== undefined);
    return `{${pairs.map(([key, one]) => `${scalar(key)}: ${flow(one as Value)}`).join(', ')}}`;
  }
  return scalar(value);
}

const from = (node: Node) => node.range?.[0] ?? -1;
const to = (node: Node) => node.range?.[1] ?? -1;
const lineStart = (text: string, at: number) => text.lastIndexOf('\n', at - 1) + 1;
const lineEnd = (text: string, at: number) => {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
};
const splice = (text: string, start: number, end: number, now: string) =>
  text.slice(0, start) + now + text.slice(end);
const withEnd = (text: string) => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

/* Where the text of a node ends, without a comment behind it or the line's end. */
function contentEnd(text: string, node: Node): number {
  let end = to(node);
  while (end > from(node) && /\s/.test(text[end - 1] as string)) {
    end--;
  }
  return end;
}

function pairOf(map: YAMLMap, key: string): Pair<Node, Node | null> | undefined {
  return map.items.find((one) => isScalar(one.key) && one.key.value === key) as
    | Pair<Node, Node | null>
    | undefined;
}

function isEmpty(node: Node | null | undefined): boolean {
  return (
    !node || (isScalar(node) && node.value === null) || ((isSeq(node) || isMap(node)) && node.items.length === 0)
  );
}

/* "key: value" as a new pair at the end of a map. */
function addPair(text: string, map: YAMLMap, key: string, value: Value, block: string): string | undefined {
  const last = map.items[map.items.length - 1] as Pair<Node, Node | null> | undefined;
  if (map.flow) {
    const at = last ? contentEnd(text, last.value ?? last.key) : to(map) - 1;
    return splice(text, at, at, `${last ? ', ' : ''}${scalar(key)}: ${flow(value)}`);
  }
  if (!last) {
    return undefined;
  }
  const indent = from(last.key) - lineStart(text, from(last.key));
  const at = lineEnd(text, contentEnd(text, last.value ?? last.key));
  return splice(text, at, at, `\n${' '.repeat(indent)}${scalar(key)}:${block || ` ${flow(value)}`}`);
}

function setPair(text: string, map: YAMLMap, key: string, value: Value): string | undefined {
  const pair = pairOf(map, key);
  if (!pair) {
    return addPair(text, map, key, value, '');
  }
  if (isEmpty(pair.value) && !(pair.value && to(pair.value) > from(pair.value))) {
    const at = text.indexOf(':', to(pair.key)) + 1;
    return splice(text, at, at, ` ${flow(value)}`);
  }
  const node = pair.value as Node;
  const isBlock = (isSeq(node) || isMap(node)) && !node.flow;
  const start = isBlock ? text.indexOf(':', to(pair.key)) + 1 : from(node);
  return splice(text, start, contentEnd(text, node), `${isBlock ? ' ' : ''}${flow(value)}`);
}

/* Whole lines of a block item or pair; its own comment behind it goes too. */
function dropLines(text: string, start: number, node: Node): string {
  const begin = lineStart(text, start);
  return splice(text, begin, Math.min(lineEnd(text, contentEnd(text, node)) + 1, text.length), '');
}

/* One of a flow list or map, with the comma on one side of it. */
function dropFlow(text: string, start: number, end: number): string {
  const after = /^\s*,\s*/.exec(text.slice(end));
  if (after) {
    return splice(text, start, end + after[0].length, '');
  }
  const before = /\s*,\s*$/.exec(text.slice(0, start));
  return splice(text, before ? start - before[0].length : start, end, '');
}

function dropPair(text: string, map: YAMLMap, key: string): string | undefined {
  const pair = pairOf(map, key);
  if (!pair) {
    return text;
  }
  const end = pair.value ?? pair.key;
  if (map.flow) {
    return dropFlow(text, from(pair.key), contentEnd(text, end));
  }
  /* The first pair of a list's item stands behind its dash. */
  const leads = text.slice(lineStart(text, from(pair.key)), from(pair.key)).trim() !== '';
  return leads ? undefined : dropLines(text, from(pair.key), end);
}

/* The first item of a list that is there but empty, or not there: as a block below its key. */
function firstItem(text: string, map: YAMLMap, key: string, value: Value): string | undefined {
  const pair = pairOf(map, key);
  if (map.flow) {
    return setPair(text, map, key, [value]);
  }
  const column = map.items[0] ? from(map.items[0].key as Node) : 0;
  const indent = ' '.repeat(column - lineStart(text, column) + 2);
  const item = `\n${indent}- ${flow(value)}`;
  if (!pair) {
    return addPair(text, map, key, [value], item);
  }
  const colon = text.indexOf(':', to(pair.key)) + 1;
  const end = pair.value && to(pair.value) > from(pair.value) ? contentEnd(text, pair.value) : colon;
  const rest = text.slice(end, lineEnd(text, end)); /* a comment behind it stays there */
  return splice(text, colon, end + rest.length, `${rest}${item}`);
}

function addItem(text: string, seq: YAMLSeq, value: Value): string | undefined {
  const last = seq.items[seq.items.length - 1] as Node | undefined;
  if (!last) {
    return undefined;
  }
  const end = contentEnd(text, last);
  if (seq.flow) {
    return splice(text, end, end, `, ${flow(value)}`);
  }
  const dash = text.lastIndexOf('-', from(last) - 1);
  const indent = ' '.repeat(dash - lineStart(text, dash));
  const at = lineEnd(text, end);
  return splice(text, at, at, `\n${indent}- ${flow(value)}`);
}

function dropItem(text: string, map: YAMLMap, key: string, seq: YAMLSeq, index: number): string | undefined {
  const item = seq.items[index] as Node | undefined;
  if (!item) {
    return undefined;
  }
  if (seq.flow) {
    return dropFlow(text, from(item), contentEnd(text, item));
  }
  const dropped = dropLines(text, text.lastIndexOf('-', from(item) - 1), item);
  if (seq.items.length > 1) {
    return dropped;
  }
  const pair = pairOf(map, key);
  const colon = pair ? text.indexOf(':', to(pair.key)) + 1 : -1;
  return colon > 0 ? splice(dropped, colon, colon, ' []') : undefined;
}

/* ---- changes, checked ---- */

function same(a: unknown, b: unknown): boolean {
  const sorted = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(sorted)
      : value && typeof value === 'object'
        ? Object.fromEntries(
            Object.entries(value)
              .filter(([, one]) => one !== undefined)
              .sort(([x], [y]) => (x < y ? -1 : 1))
              .map(([key, one]) => [key, sorted(one)]),
          )
        : value;
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

export class TextError extends Error {}

/* 'light' changes the text, 'whole' the document: the first one counts if it says the same. */
function change(
  text: string,
  light: (doc: Document, text: string) => string | undefined,
  whole: (doc: Document) => void,
): string {
  const wanted = parse(text);
  if (wanted.errors.length > 0) {
    throw new TextError('the text is not good YAML');
  }
  whole(wanted);
  const good = withEnd(text);
  const doc = parse(good);
  const made = light(doc, good);
  if (made !== undefined) {
    const again = parse(made);
    if (again.errors.length === 0 && same(again.toJS() ?? {}, wanted.toJS() ?? {})) {
      return made;
    }
  }
  return wanted.toString(WRITE);
}

function mapAt(doc: Document, path: Path): YAMLMap | undefined {
  const node: unknown = path.length === 0 ? doc.contents : doc.getIn(path, true);
  return isMap(node) ? node : undefined;
}

/* Sets path; undefined takes it away. */
export function set(text: string, path: Path, value: Value | undefined): string {
  const parent = path.slice(0, -1);
  const key = path[path.length - 1] as string;
  return change(
    text,
    (doc, good) => {
      const map = mapAt(doc, parent);
      if (!map && parent.length === 0 && doc.contents === null && value !== undefined) {
        return `${good}${scalar(key)}: ${flow(value)}\n`;
      }
      if (!map && parent.length === 1 && value !== undefined) { /* such as 'never_block' */
        const root = mapAt(doc, []);
        return root && setPair(good, root, parent[0] as string, { [key]: value });
      }
      return map && (value === undefined ? dropPair(good, map, key) : setPair(good, map, key, value));
    },
    (doc) => {
      if (value === undefined) {
        doc.deleteIn(path);
      } else {
        doc.setIn(path, doc.createNode(value));
      }
    },
  );
}

/* One more item at the end of the list at 'path', which is made where it is not there. */
export function add(text: string, path: Path, item: Value): string {
  const parent = path.slice(0, -1);
  const key = path[path.length - 1] as string;
  return change(
    text,
    (doc, good) => {
      const map = mapAt(doc, parent);
      const seq: unknown = map?.get(key, true);
      if (!map && parent.length === 0 && doc.contents === null) {
        return `${good}${scalar(key)}:\n  - ${flow(item)}\n`;
      }
      if (!map && parent.length === 1) {
        const root = mapAt(doc, []);
        return root && setPair(good, root, parent[0] as string, { [key]: [item] });
      }
      return map && (isSeq(seq) && seq.items.length > 0 ? addItem(good, seq, item) : firstItem(good, map, key, item));
    },
    (doc) => {
      const there: unknown = doc.getIn(path, true);
      if (isSeq(there)) {
        there.add(doc.createNode(item));
      } else {
        doc.setIn(path, doc.createNode([item]));
      }
    },
  );
}

/* Item 'index' of the list at 'path' goes. */
export function remove(text: string, path: Path, index: number): string {
  return change(
    text,
    (doc, good) => {
      const map = mapAt(doc, path.slice(0, -1));
      const key = path[path.length - 1] as string;
      const seq: unknown = map?.get(key, true);
      return map && isSeq(seq) ? dropItem(good, map, key, seq, index) : undefined;
    },
    (doc) => void doc.deleteIn([...path, index]),
  );
}

/* Item 'index' becomes 'item': key by key, so that comments between them stay. */
export function replace(
  text: string,
  path: Path,
  index: number,
  item: { [key: string]: Value | undefined },
): string {
  const before = parse(text).getIn([...path, index], true);
  const keys = isMap(before) ? before.items.map((one) => String((one.key as { value: unknown }).value)) : [];
  let now = text;
  for (const key of new Set([...Object.keys(item), ...keys])) {
    const there: unknown = parse(now).getIn([...path, index, key]);
    const old = there && typeof there === 'object' && 'toJSON' in there ? (there as { toJSON(): unknown }).toJSON() : there;
    if (!same(old, item[key])) {
      now = set(now, [...path, index, key], item[key]);
    }
  }
  return now;
}

/* By name, since others may have changed the order meanwhile; -1: gone. */
export const indexOf = (list: { name: string }[] | undefined, name: string) =>
  list?.findIndex((one) => one.name === name) ?? -1;
