/* Two texts line by line: the fewest changes, as `cordonctl policy diff` finds them; and two people's
 * changes of one text put together. */
export interface DiffLine {
  sign: ' ' | '-' | '+';
  text: string;
  before?: number; /* line number in the first text, from 1 */
  after?: number;
}

const CELLS_MAX = 4 * 1024 * 1024; /* beyond, what differs is taken out and put in as a whole */

function lines(text: string): string[] {
  const all = text.split('\n');
  if (all[all.length - 1] === '') {
    all.pop();
  }
  return all;
}

/* For each line of 'a' its partner in 'b', or -1: a longest common subsequence. */
function partners(a: string[], b: string[]): Int32Array {
  const found = new Int32Array(a.length).fill(-1);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) {
    found[head] = head;
    head++;
  }
  let tail = 0;
  const least = Math.min(a.length, b.length) - head;
  while (tail < least && a[a.length - tail - 1] === b[b.length - tail - 1]) {
    found[a.length - tail - 1] = b.length - tail - 1;
    tail++;
  }
  const n = a.length - head - tail;
  const m = b.length - head - tail;
  const width = m + 1;
  if ((n + 1) * width > CELLS_MAX) {
    return found;
  }
  const cells = new Uint32Array((n + 1) * width);
  const cell = (i: number, j: number) => cells[i * width + j] as number;
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      cells[i * width + j] =
        a[head + i] === b[head + j]
          ? cell(i + 1, j + 1) + 1
          : Math.max(cell(i + 1, j), cell(i, j + 1));
    }
  }
  for (let i = 0, j = 0; i < n && j < m; ) {
    if (a[head + i] === b[head + j]) {
      found[head + i++] = head + j++;
    } else if (cell(i + 1, j) >= cell(i, j + 1)) {
      i++;
    } else {
      j++;
    }
  }
  return found;
}

export function diff(before: string, after: string): DiffLine[] {
  const a = lines(before);
  const b = lines(after);
  const found = partners(a, b);
  const all: DiffLine[] = [];
  let j = 0;
  const added = (end: number) => {
    for (; j < end; j++) {
      all.push({ sign: '+', text: b[j] as string, after: j + 1 });
    }
  };
  /* What was taken out stands before what came in its place. */
  for (let i = 0; i < a.length; i++) {
    const partner = found[i] as number;
    if (partner < 0) {
      all.push({ sign: '-', text: a[i] as string, before: i + 1 });
    } else {
      added(partner);
      all.push({ sign: ' ', text: a[i] as string, before: i + 1, after: partner + 1 });
      j = partner + 1;
    }
  }
  added(b.length);
  return all;
}

/* The changes with so many lines around them; 'null' stands where lines were left out. */
export function around(all: DiffLine[], count = 3): (DiffLine | null)[] {
  const near = all.map(() => false);
  all.forEach((line, i) => {
    if (line.sign !== ' ') {
      near.fill(true, Math.max(0, i - count), i + count + 1);
    }
  });
  const shown: (DiffLine | null)[] = [];
  all.forEach((line, i) => {
    if (near[i]) {
      shown.push(line);
    } else if (i === 0 || near[i - 1]) {
      shown.push(null);
    }
  });
  return shown;
}

/* Lines [from, to) of the base become 'now'. */
interface Hunk {
  from: number;
  to: number;
  now: string[];
}

function hunks(base: string[], other: string[]): Hunk[] {
  const found = partners(base, other);
  const all: Hunk[] = [];
  let i = 0;
  let j = 0;
  while (i < base.length || j < other.length) {
    if (i < base.length && found[i] === j) {
      i++;
      j++;
      continue;
    }
    const from = i;
    while (i < base.length && (found[i] as number) < 0) {
      i++;
    }
    const end = i < base.length ? (found[i] as number) : other.length;
    all.push({ from, to: i, now: other.slice(j, end) });
    j = end;
  }
  return all;
}

/* Both changes of 'base' in one text; undefined where they touch the same lines differently. */
export function merge(base: string, theirs: string, mine: string): string | undefined {
  if (theirs === base || theirs === mine) {
    return mine;
  }
  const all = lines(base);
  const ours = hunks(all, lines(mine));
  const others = hunks(all, lines(theirs)).filter(
    (one) => !ours.some((two) => JSON.stringify(one) === JSON.stringify(two)),
  );
  if (others.some((one) => ours.some((two) => one.from <= two.to && two.from <= one.to))) {
    return undefined;
  }
  const merged = [...all];
  for (const hunk of [...ours, ...others].sort((a, b) => b.from - a.from)) {
    merged.splice(hunk.from, hunk.to - hunk.from, ...hunk.now);
  }
  return merged.length > 0 ? `${merged.join('\n')}\n` : '';
}
