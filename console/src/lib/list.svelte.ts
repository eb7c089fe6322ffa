/* A list from the API that keeps itself up to date: pages, search, live changes.  What an event
 * brings replaces its row at once; a new row is looked up again from the server, so that filters are
 * the server's and not guessed here. */
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

export class LiveList<T> {
  items = $state.raw<T[]>([]);
  total = $state<number | undefined>();
  next = $state<number | undefined>();
  q = $state('');
  loading = $state(true);
  error = $state<unknown>();
  loadedAt = $state(0);
  private abort: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
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
      ? setInterval(() => !document.hidden && this.soon(), this.options.every)
      : undefined;
    void this.reload();
    return () => {
      ends.forEach((end) => end());
      clearInterval(period);
      clearTimeout(this.timer);
      this.abort?.abort();
    };
  }
  private change(topic: Topic, object: unknown) {
    if (topic === this.options.rows) {
      const row = object as T;
      const id = this.options.id(row);
      this.items = this.items.map((old) => (this.options.id(old) === id ? row : old));
    }
    this.soon();
  }
  private soon() {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.reload();
    }, SETTLE_MS);
  }
  search(q: string) {
    this.q = q;
    this.pages = 1;
    if (this.busy) {
      this.again = true;
      this.abort?.abort();
    } else {
      this.soon();
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
    do {
      this.again = false;
      await this.loadPages();
    } while (this.again);
    this.busy = false;
    this.loading = false;
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
      this.items = items;
      this.next = page?.next || undefined;
      this.total = page?.total;
      this.error = undefined;
      this.loadedAt = Date.now();
    } catch (error) {
      if (!abort.signal.aborted) {
        this.error = error;
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
  private timer: ReturnType<typeof setTimeout> | undefined;
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
        () => this.soon(),
        () => this.soon(),
      ),
    );
    const period = this.every
      ? setInterval(() => !document.hidden && this.soon(), this.every)
      : undefined;
    void this.reload();
    return () => {
      ends.forEach((end) => end());
      clearInterval(period);
      clearTimeout(this.timer);
      this.run++;
    };
  }
  private soon() {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.reload();
    }, SETTLE_MS);
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
