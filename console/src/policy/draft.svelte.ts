/* The text that somebody is writing.  Kept for as long as the page is open: going to another screen,
 * or a session that ends, loses nothing; closing the page asks first. */
import type { Schemas } from '../lib/api';
import { merge } from '../lib/diff';

type Base = Pick<Schemas['Policy'], 'revision' | 'text'>;

class Draft {
  text = $state<string | undefined>();
  base = $state.raw<Base | undefined>(); /* what it began from */

  constructor() {
    addEventListener('beforeunload', (event) => {
      if (this.dirty) {
        event.preventDefault();
      }
    });
  }
  get dirty(): boolean {
    return this.text !== undefined;
  }
  set(text: string, running: Base) {
    this.base ??= { revision: running.revision, text: running.text };
    this.text = text;
    if (text === this.base.text) {
      this.clear();
    }
  }
  clear() {
    this.text = this.base = undefined;
  }
  /* The draft upon another running text; undefined: both changed the same lines. */
  upon(running: string): string | undefined {
    return this.base && this.text !== undefined ? merge(this.base.text, running, this.text) : running;
  }
}
export const draft = new Draft();
