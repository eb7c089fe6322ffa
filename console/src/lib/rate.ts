/* How fast counters go, from what they were at each look: the mean of the last minute, so that it
 * does not jump with the pace at which the switches tell. */
const WINDOW_MS = 60_000;
const LEAST_MS = 5_000; /* less says nothing */

interface Look {
  at: number;
  count: number;
}

export class Rates {
  private looks = new Map<string, Look[]>();

  /* What all counters are now, by their ids; those that are not among them are forgotten. */
  note(at: number, counts: Iterable<[string, number]>) {
    const next = new Map<string, Look[]>();
    for (const [id, count] of counts) {
      const before = (this.looks.get(id) ?? []).filter((look) => look.at >= at - WINDOW_MS && look.at < at);
      const began = before.length > 0 && (before.at(-1)?.count ?? 0) > count; /* it counts from 0 again */
      next.set(id, [...(began ? [] : before), { at, count }]);
    }
    this.looks = next;
  }
  /* Per second; undefined: not known yet. */
  of(id: string): number | undefined {
    const looks = this.looks.get(id) ?? [];
    const first = looks[0];
    const last = looks.at(-1);
    if (!first || !last || last.at - first.at < LEAST_MS) {
      return undefined;
    }
    return ((last.count - first.count) * 1000) / (last.at - first.at);
  }
}
