/* Times in the viewer's zone, by Intl; the exact one is the title of every short one. */
import { language } from './language.svelte';

class Clock {
  now = $state(Date.now());
  constructor() {
    setInterval(() => {
      if (!document.hidden) {
        this.now = Date.now();
      }
    }, 5000);
    document.addEventListener('visibilitychange', () => (this.now = Date.now()));
  }
}
export const clock = new Clock();

/* Undefined or "" or what is no time: nothing to format; it stays what it is. */
function isTime(at: string | undefined): at is string {
  return Boolean(at) && !Number.isNaN(Date.parse(at as string));
}

export function exact(at: string | undefined): string {
  if (!isTime(at)) {
    return at ?? '';
  }
  return new Intl.DateTimeFormat(language.now, {
    dateStyle: 'medium',
    timeStyle: 'long',
  }).format(new Date(at));
}

export function short(at: string | undefined): string {
  if (!isTime(at)) {
    return at ?? '';
  }
  const date = new Date(at);
  const today = new Date(clock.now).toDateString() === date.toDateString();
  return new Intl.DateTimeFormat(
    language.now,
    today ? { timeStyle: 'medium' } : { dateStyle: 'short', timeStyle: 'short' },
  ).format(date);
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/* "3 minutes ago", "in 2 hours". */
export function relative(at: string | undefined): string {
  return isTime(at) ? fromNow(seconds(at)) : (at ?? '');
}

/* Of what has happened: never in the future, though the page's clock goes by steps and the server's
 * may be a little ahead of the browser's. */
export function ago(at: string | undefined): string {
  return isTime(at) ? fromNow(Math.min(seconds(at), 0)) : (at ?? '');
}

function seconds(at: string): number {
  return (Date.parse(at) - clock.now) / 1000;
}

function fromNow(seconds: number): string {
  const format = new Intl.RelativeTimeFormat(language.now, { numeric: 'auto', style: 'short' });
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) {
      return format.format(Math.trunc(seconds / size), unit);
    }
  }
  return format.format(0, 'second');
}

/* "2 hr 1 min": the largest unit and the one below it, rounded down. */
export function span(seconds: number): string {
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  const shown = first < 0 ? UNITS.slice(-1) : UNITS.slice(first, first + 2);
  const words = shown.map(([unit, size]) => {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    const style = { style: 'unit', unit, unitDisplay: 'short' } as const;
    const isWord = count > 0 || shown.length === 1;
    return isWord ? new Intl.NumberFormat(language.now, style).format(count) : '';
  });
  return words.join(' ').trim();
}

export function number(value: number | undefined): string {
  return value === undefined ? '' : new Intl.NumberFormat(language.now).format(value);
}

/* Milliseconds for people, from microseconds. */
export function milliseconds(us: number): string {
  const digits = us < 10_000 ? 2 : us < 100_000 ? 1 : 0;
  return `${new Intl.NumberFormat(language.now, { maximumFractionDigits: digits }).format(us / 1000)} ms`;
}
