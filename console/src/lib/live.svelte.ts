/* Live changes: one event stream for the page.  A break is filled by Last-Event-ID, which the
 * browser sends by itself; 'gap' means that this was not possible: lists load again.  The server
 * says something at least every ALIVE_MS / 2, so that silence means a dead connection. */
import { address } from './api';
import { session } from './session.svelte';

/* Objects that changed, by their topic. */
const TOPICS = [
  'containment',
  'endpoint',
  'incident',
  'switch',
  'link',
  'source',
  'job',
  'map',
  'policy',
  'notice',
] as const;
/* Lists whose rows are not told one by one: the topic 'changed' names the list. */
type Changed = 'audit' | 'backup' | 'sensors' | 'protected' | 'enforcement' | 'budgets' | 'conflicts' | 'certificates' | 'retention';
export type Topic = (typeof TOPICS)[number] | Changed;
const ALIVE_MS = 40_000;
const RETRY_MS = 3000;

type OnChange = (object: unknown) => void;
type Listener = { topic: Topic; onChange: OnChange; onGap: () => void };

class Live {
  state = $state<'connecting' | 'live' | 'stale'>('connecting');
  since = $state<number>(Date.now()); /* of that state */
  private source: EventSource | undefined;
  private listeners = new Set<Listener>();
  private heard = 0;
  private wasBroken = false;

  constructor() {
    setInterval(() => this.watch(), 5000);
  }
  private become(state: 'connecting' | 'live' | 'stale') {
    if (this.state !== state) {
      this.state = state;
      this.since = Date.now();
    }
  }
  private hear() {
    this.heard = Date.now();
    this.become('live');
  }
  private watch() {
    if (!this.source) {
      return;
    }
    if (this.source.readyState === EventSource.CLOSED || Date.now() - this.heard > ALIVE_MS) {
      this.become('stale');
      this.wasBroken = true; /* a new EventSource does not know the last id */
      this.open();
    }
  }
  private open() {
    this.source?.close();
    const source = new EventSource(address('api/v1/events'), { withCredentials: true });
    this.source = source;
    this.heard = Date.now();
    const isOld = () => this.source !== source; /* what was on its way says nothing any more */
    source.onopen = () => {
      if (isOld()) {
        return;
      }
      this.hear();
      if (this.wasBroken) {
        this.wasBroken = false;
        this.gap();
      }
    };
    source.onerror = () => {
      if (isOld()) {
        return;
      }
      this.become('stale');
      if (source.readyState === EventSource.CLOSED) {
        /* refused, not broken: perhaps the session has ended */
        setTimeout(() => this.source === source && session.load().catch(() => {}), RETRY_MS);
      }
    };
    source.addEventListener('alive', () => isOld() || this.hear());
    source.addEventListener('gap', () => {
      if (!isOld()) {
        this.hear();
        this.gap();
      }
    });
    for (const topic of [...TOPICS, 'changed'] as const) {
      source.addEventListener(topic, (event) => {
        if (!isOld()) {
          this.hear();
          this.tell(topic, (event as MessageEvent<string>).data);
        }
      });
    }
  }
  private tell(topic: Topic | 'changed', data: string) {
    let object: unknown;
    try {
      object = JSON.parse(data);
    } catch {
      this.gap(); /* something has changed, and nobody knows what */
      return;
    }
    const told = topic === 'changed' ? (object as { list?: string }).list : topic;
    for (const listener of [...this.listeners]) {
      if (listener.topic !== told) {
        continue;
      }
      if (topic === 'changed' && (TOPICS as readonly string[]).includes(told)) {
        listener.onGap(); /* more rows than are told one by one */
      } else {
        listener.onChange(object);
      }
    }
  }
  private gap() {
    for (const listener of [...this.listeners]) {
      listener.onGap();
    }
  }
  start() {
    if (!this.source) {
      this.become('connecting');
      this.open();
    }
  }
  stop() {
    this.source?.close();
    this.source = undefined;
    this.wasBroken = false; /* lists that begin later load by themselves */
    this.become('connecting');
  }
  /* Returns how to stop listening. */
  on(topic: Topic, onChange: OnChange, onGap: () => void): () => void {
    const listener = { topic, onChange, onGap };
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
export const live = new Live();
