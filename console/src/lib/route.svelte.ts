/* "#/endpoints/e-12?q=c2": the part after '#' alone, so that the server knows one page only and any
 * sub-path works. */
class Route {
  parts = $state<string[]>([]);
  query = $state<URLSearchParams>(new URLSearchParams());

  constructor() {
    this.read();
    addEventListener('hashchange', () => this.read());
  }
  private read() {
    const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
    this.parts = path
      .split('/')
      .filter((part) => part !== '')
      .map((part) => {
        try {
          return decodeURIComponent(part);
        } catch {
          return part;
        }
      });
    this.query = new URLSearchParams(query);
  }
  get screen(): string {
    return this.parts[0] ?? 'dashboard';
  }
  get id(): string {
    return this.parts[1] ?? '';
  }
  /* Changes one parameter of the address without a new entry in the history. */
  setQuery(name: string, value: string) {
    const query = new URLSearchParams(this.query);
    if (value) {
      query.set(name, value);
    } else {
      query.delete(name);
    }
    history.replaceState(null, '', link(this.parts, Object.fromEntries(query)));
    this.query = query;
  }
}
export const route = new Route();

export function link(parts: string[], query: Record<string, string> = {}): string {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}
export function go(parts: string[], query: Record<string, string> = {}) {
  location.hash = link(parts, query);
}
