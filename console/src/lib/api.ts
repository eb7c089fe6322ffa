/* The API, typed by the OpenAPI document that the server itself is made from (schema.ts is generated
 * at every build), so that console and API cannot drift apart. */
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

type Method = 'get' | 'post';
type With<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];
type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O>
  ? O
  : never;
type Content<R> = R extends { content: { 'application/json': infer J } } ? J : never;
export type Answer<P extends keyof paths, M extends Method> = Operation<P, M> extends {
  responses: infer R;
}
  ? { [S in keyof R & (200 | 201 | 202)]: Content<R[S]> }[keyof R & (200 | 201 | 202)]
  : never;
type Body<P extends keyof paths> = Operation<P, 'post'> extends {
  requestBody?: { content: { 'application/json': infer J } };
}
  ? J
  : undefined;
type Query<P extends keyof paths> = Operation<P, 'get'> extends { parameters: { query?: infer Q } }
  ? Q
  : undefined;

export type GetPath = With<'get'>;
export type PostPath = With<'post'>;

/* What the server answers where it refuses (RFC 9457), with the field and what to do. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Schemas['Problem']>,
    readonly retryAfter: number | undefined,
  ) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
  }
}

/* The session's token against cross-site requests; set by session.svelte.ts. */
let csrf = '';
export function setCsrf(token: string) {
  csrf = token;
}
let onUnauthorised = () => {};
export function whenUnauthorised(call: () => void) {
  onUnauthorised = call;
}

/* Relative to the page: works under a sub-path of a reverse proxy. */
export function address(path: string, id?: string, query?: object): string {
  const filled = path.replace('{id}', encodeURIComponent(id ?? '')).replace(/^\//, '');
  const url = new URL(filled, document.baseURI);
  url.hash = '';
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '' && value !== false) {
      url.searchParams.set(key, String(value));
    }
  }
  return url.href;
}

async function refusal(answer: Response): Promise<ApiError> {
  let problem: Partial<Schemas['Problem']> = {};
  try {
    problem = await answer.json();
  } catch {
    /* a proxy's page, or nothing: the status says enough */
  }
  const wait = Number(answer.headers.get('Retry-After'));
  return new ApiError(answer.status, problem, wait > 0 ? wait : undefined);
}

async function send(url: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(url, { ...init, credentials: 'same-origin', cache: 'no-store' });
  if (!answer.ok) {
    if (answer.status === 401) {
      onUnauthorised();
    }
    throw await refusal(answer);
  }
  return answer;
}

interface GetOptions<P extends GetPath> {
  id?: string;
  query?: Query<P>;
  signal?: AbortSignal;
}

export async function get<P extends GetPath>(
  path: P,
  options: GetOptions<P> = {},
): Promise<Answer<P, 'get'>> {
  const answer = await send(address(path, options.id, options.query as object | undefined), {
    headers: { Accept: 'application/json' },
    signal: options.signal ?? null,
  });
  return (await answer.json()) as Answer<P, 'get'>;
}

export async function post<P extends PostPath>(
  path: P,
  body: Body<P> extends undefined ? object : Body<P>,
  id?: string,
): Promise<Answer<P, 'post'>> {
  const answer = await send(address(path, id), {
    method: 'POST',
    headers: {
      Accept: 'application/json',
      'Content-Type': 'application/json',
      'X-Cordon-Csrf': csrf,
    },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Answer<P, 'post'>;
}

/* A page of a file as text, and where it goes on. */
export async function page<P extends GetPath>(
  path: P,
  query: Query<P>,
  signal: AbortSignal,
): Promise<{ text: string; next: string | undefined; total: number }> {
  const answer = await send(address(path, '', query as object | undefined), { signal });
  return {
    text: await answer.text(),
    next: answer.headers.get('X-Cordon-Next') ?? undefined,
    total: Number(answer.headers.get('X-Cordon-Total')),
  };
}

/* Gives the person a file. */
export function save(name: string, media: string, parts: BlobPart[]) {
  const url = URL.createObjectURL(new Blob(parts, { type: media }));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  URL.revokeObjectURL(url);
}

/* A page, as text: for a sandboxed frame. */
export async function postForPage<P extends PostPath>(
  path: P,
  body: Body<P>,
  signal: AbortSignal,
): Promise<string> {
  const answer = await send(address(path), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Cordon-Csrf': csrf },
    body: JSON.stringify(body),
    signal,
  });
  return answer.text();
}

/* Bytes, e.g. the packets of a detection. */
export async function download(path: GetPath, id: string): Promise<ArrayBuffer> {
  return (await send(address(path, id), {})).arrayBuffer();
}
