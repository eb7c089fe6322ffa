/* What a browser has around the console's modules, held in the hand: a clock that stands still until
 * it is moved, an address, storage, and event streams that say what the test lets them say. */
interface Timer {
  at: number;
  every: number;
  call: () => void;
}
class World {
  now = Date.UTC(2026, 2, 9, 3, 0, 0);
  private timers = new Map<number, Timer>();
  private next = 1;
  private heard = new Map<string, Set<() => void>>();

  set(call: () => void, ms: number, every: number): number {
    this.timers.set(this.next, { at: this.now + ms, every, call });
    return this.next++;
  }
  clear(id: number) {
    this.timers.delete(id);
  }
  /* Time goes on; what is due happens in order, and promises settle in between. */
  async pass(ms: number) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) {
        break;
      }
      const [id, timer] = due;
      this.now = Math.max(this.now, timer.at);
      if (timer.every) {
        timer.at += timer.every;
      } else {
        this.timers.delete(id);
      }
      timer.call();
      await settle();
    }
    this.now = end;
    await settle();
  }
  listen(type: string, call: () => void) {
    const calls = this.heard.get(type) ?? new Set();
    this.heard.set(type, calls.add(call));
  }
  tell(type: string) {
    this.heard.get(type)?.forEach((call) => call());
  }
  goto(hash: string) {
    place.hash = hash;
    this.tell('hashchange');
  }
}
export const world = new World();

export async function settle() {
  for (let i = 0; i < 20; i++) {
    await Promise.resolve();
  }
}

export const place = { hash: '', href: 'https://cordon.test/sub/path/' };
export const stored = new Map<string, string>();

export class FakeSource {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  static made: FakeSource[] = [];
  readyState = FakeSource.CONNECTING;
  onopen?: () => void;
  onerror?: () => void;
  private heard = new Map<string, (event: { data: string }) => void>();
  constructor(readonly url: string) {
    FakeSource.made.push(this);
  }
  addEventListener(type: string, call: (event: { data: string }) => void) {
    this.heard.set(type, call);
  }
  close() {
    this.readyState = FakeSource.CLOSED;
  }
  /* What the server and the network do. */
  opens() {
    this.readyState = FakeSource.OPEN;
    this.onopen?.();
  }
  breaks(state: number = FakeSource.CONNECTING) {
    this.readyState = state;
    this.onerror?.();
  }
  says(type: string, object: unknown = {}) {
    this.heard.get(type)?.({ data: typeof object === 'string' ? object : JSON.stringify(object) });
  }
  static get last(): FakeSource {
    return FakeSource.made[FakeSource.made.length - 1] as FakeSource;
  }
}

const RealDate = Date;
class FakeDate extends RealDate {
  constructor(...words: unknown[]) {
    super(...((words.length ? words : [world.now]) as [number]));
  }
  static override now() {
    return world.now;
  }
}
const replaced: Record<string, unknown> = {
  Date: FakeDate,
  setTimeout: (call: () => void, ms = 0) => world.set(call, ms, 0),
  setInterval: (call: () => void, ms = 0) => world.set(call, ms, ms),
  clearTimeout: (id: number) => world.clear(id),
  clearInterval: (id: number) => world.clear(id),
  EventSource: FakeSource,
  location: place,
  history: { replaceState: (_: unknown, __: string, hash: string) => (place.hash = hash) },
  addEventListener: (type: string, call: () => void) => world.listen(type, call),
  navigator: { language: 'en-GB' },
  localStorage: {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => void stored.set(name, value),
  },
  document: {
    baseURI: place.href,
    hidden: false,
    documentElement: { dataset: {} },
    addEventListener: (type: string, call: () => void) => world.listen(type, call),
  },
};
for (const [name, value] of Object.entries(replaced)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
