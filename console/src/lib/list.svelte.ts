/* A list from the API that keeps itself up to date: pages, search, live changes.  What an event
 * brings replaces its row at once; a new row is looked up again from the server, so that filters are
 * the server's and not guessed here. */
import { tick } from 'svelte';
import { ApiError } from './api';
import { live, type Topic } from './live.svelte';

export interface Page<T> {
  items: T[];
  next?: number;
  total?: number;
}
interface ListOptions<T> {
  load: (query: { q: string; cursor?: number }, signal: AbortSignal) => Promise<Page<T>>;
  topics?: Topic[];
  /* The row's identity, also of an event's object. */
  id: (row: T) => string;
  /* The topic whose objects are rows of this list; others only cause a reload. */
  rows?: Topic;
  /* Load again this often where no event tells (milliseconds). */
  every?: number;
}

const SETTLE_MS = 300; /* changes come in bursts: one reload for all of them */
const BUSY_MS = 3000; /* where they do not end: ever more seldom, up to this */
const QUIET_MS = 5000; /* nothing for so long: the next one is told quickly again */

/* Loads again soon after a change, at a pace that many consoles do not burden the server with, and
 * not where nobody looks: a page in the background loads when it is looked at. */
class Again {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pause = SETTLE_MS;
  private asked = 0;
  private static readonly missed = new Set<Again>();

  constructor(private readonly run: () => void) {}
  static {
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) {
        const missed = [...Again.missed];
        Again.missed.clear();
        missed.forEach((one) => one.now());
      }
    });
  }
  now() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.run();
    }, SETTLE_MS);
  }
  soon() {
    if (document.hidden) {
      Again.missed.add(this);
    } else if (!this.timer) {
      const now = Date.now();
      this.pause = now - this.asked > QUIET_MS ? SETTLE_MS : Math.min(this.pause * 2, BUSY_MS);
      this.asked = now;
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.run();
      }, this.pause);
    }
  }
  stop() {
    clearTimeout(this.timer);
    this.timer = undefined;
    Again.missed.delete(this);
  }
}

/* A row that moves loses the focus: it gets it back, so that a key pressed a moment later is for what
 * the person sees it on. */
async function keepFocus(change: () => void) {
  const before = document.activeElement as HTMLElement | null;
  change();
  await tick();
  if (before?.isConnected && document.activeElement === document.body) {
    before.focus({ preventScroll: true });
  }
}

export class LiveList<T> {
  items = $state.raw<T[]>([]);
  total = $state<number | undefined>();
  next = $state<number | undefined>();
  q = $state('');
  loading = $state(true);
  error = $state<unknown>();
  loadedAt = $state(0);
  private abort: AbortController | undefined;
  private readonly later = new Again(() => void this.reload());
  private pages = 1;
  private busy = false;
  private again = false;

  constructor(private readonly options: ListOptions<T>) {}

  /* Call in $effect: starts, and returns how to stop. */
  start(): () => void {
    const ends = (this.options.topics ?? []).map((topic) =>
      live.on(
        topic,
        (object) => this.change(topic, object),
        () => this.soon(),
      ),
    );
    const period = this.options.every
      ? setInterval(() => this.later.soon(), this.options.every)
      : undefined;
    void this.reload();
    return () => {
      ends.forEach((end) => end());
      clearInterval(period);
      this.later.stop();
      this.abort?.abort();
    };
  }
  private change(topic: Topic, object: unknown) {
    if (topic === this.options.rows) {
      const row = object as T;
      const id = this.options.id(row);
      void keepFocus(() => {
        this.items = this.items.map((old) => (this.options.id(old) === id ? row : old));
      });
    }
    this.soon();
  }
  private soon() {
    if (this.busy) {
      this.again = true;
    } else {
      this.later.soon();
    }
  }
  search(q: string) {
    this.q = q;
    this.pages = 1;
    if (this.busy) {
      this.again = true;
      this.abort?.abort();
    } else {
      this.later.now();
    }
  }
  /* One load at a time: a change during it leads to one more, so that neither a burst of changes
   * floods the server nor a slow answer starves the list. */
  async reload() {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    this.again = false;
    await this.loadPages();
    if (this.again) {
      this.again = false;
      await this.loadPages();
    }
    this.busy = false;
    this.loading = false;
    if (this.again) {
      this.later.soon(); /* changes do not end: at their pace */
    }
  }
  private async loadPages() {
    const abort = new AbortController();
    this.abort = abort;
    try {
      let items: T[] = [];
      let page: Page<T> | undefined;
      for (let i = 0; i < this.pages && (i === 0 || page?.next); i++) {
        const cursor = page?.next;
        page = await this.options.load({ q: this.q, ...(cursor ? { cursor } : {}) }, abort.signal);
        items = items.concat(page.items);
      }
      /* a row that moved along the list between two pages is shown once */
      items = [...new Map(items.map((row) => [this.options.id(row), row])).values()];
      void keepFocus(() => (this.items = items));
      this.next = page?.next || undefined;
      this.total = page?.total;
      this.error = undefined;
      this.loadedAt = Date.now();
    } catch (error) {
      if (!abort.signal.aborted) {
        this.error = error;
        /* the controller was started anew between two pages: from the first one again */
        this.again ||= error instanceof ApiError && error.status === 409;
      }
    }
  }
  async more() {
    this.pages++;
    await this.reload();
  }
}

/* One object that keeps itself up to date in the same way. */
export class LiveObject<T> {
  value = $state.raw<T | undefined>();
  error = $state<unknown>();
  private readonly later = new Again(() => void this.reload());
  private run = 0;

  constructor(
    private readonly load: () => Promise<T>,
    private readonly topics: Topic[] = [],
    private readonly every?: number,
  ) {}
  start(): () => void {
    const ends = this.topics.map((topic) =>
      live.on(
        topic,
        () => this.later.soon(),
        () => this.later.soon(),
      ),
    );
    const period = this.every
      ? setInterval(() => this.later.soon(), this.every)
      : undefined;
    const first = setTimeout(() => void this.reload()); /* not for a screen that is left at once */
    return () => {
      ends.forEach((end) => end());
      clearInterval(period);
      clearTimeout(first);
      this.later.stop();
      this.run++;
    };
  }
  async reload() {
    const run = ++this.run;
    try {
      const value = await this.load();
      if (run === this.run) {
        this.value = value;
        this.error = undefined;
      }
    } catch (error) {
      if (run === this.run) {
        this.error = error;
      }
    }
  }
}
