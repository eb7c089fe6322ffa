/* Who is signed in, and what they may do: the server decides, this only knows it beforehand. */
import { ApiError, address, setCsrf, whenUnauthorised } from './api';

export type Role = 'viewer' | 'operator' | 'admin' | 'auditor';
export interface SessionView {
  account: { name: string; role: Role };
  must_change_password: boolean;
  must_enrol_second_factor: boolean;
  second_factor: boolean;
  password: boolean; /* one that is kept here */
  recovery_codes_left?: number;
  ticket?: string; /* nobody is signed in yet: a code is wanted */
  csrf?: string;
  expires_at?: string;
}

async function call(path: string, body?: object): Promise<Response> {
  const init: RequestInit = { credentials: 'same-origin', cache: 'no-store' };
  if (body) {
    init.method = 'POST';
    init.headers = { 'Content-Type': 'application/json', 'X-Cordon-Csrf': session.csrf };
    init.body = JSON.stringify(body);
  }
  const answer = await fetch(address(`api/v1/session${path}`), init);
  if (!answer.ok) {
    const wait = Number(answer.headers.get('Retry-After'));
    throw new ApiError(
      answer.status,
      await answer.json().catch(() => ({})),
      wait > 0 ? wait : undefined,
    );
  }
  return answer;
}

function takeProviderAnswer(): { code: string; state: string } | undefined {
  const query = new URLSearchParams(location.search);
  if (!query.has('state') || !(query.has('code') || query.has('error'))) {
    return undefined;
  }
  history.replaceState(null, '', location.pathname + location.hash);
  return { code: query.get('code') ?? '', state: query.get('state') ?? '' };
}

class Session {
  known = $state(false); /* the first question was answered */
  view = $state<SessionView | undefined>();
  csrf = '';

  private take(view: SessionView | undefined) {
    this.view = view;
    this.csrf = view?.csrf ?? '';
    setCsrf(this.csrf);
    this.known = true;
  }
  async load() {
    try {
      this.take((await (await call('')).json()) as SessionView);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        this.take(undefined);
        return;
      }
      throw error;
    }
  }
  /* The ticket with which a code must be sent; nothing: signed in. */
  private async step(path: string, body: object): Promise<string | undefined> {
    const view = (await (await call(path, body)).json()) as SessionView;
    if (!view.ticket) {
      this.take(view);
    }
    return view.ticket;
  }
  async signIn(name: string, password: string): Promise<string | undefined> {
    return this.step('', { name, password });
  }
  async sendCode(ticket: string, code: string) {
    await this.step('/code', { ticket, code });
  }
  /* The name of the OpenID provider; nothing: there is none. */
  async provider(): Promise<string | undefined> {
    return ((await (await call('/ways')).json()) as { openid?: string }).openid;
  }
  async goToProvider() {
    location.assign(((await (await call('/openid/begin', {})).json()) as { url: string }).url);
  }
  /* Where the provider has sent the browser back: its answer, taken out of the address. */
  providerAnswer = takeProviderAnswer();
  async finishProvider(): Promise<string | undefined> {
    const answer = this.providerAnswer;
    this.providerAnswer = undefined;
    return answer?.code ? this.step('/openid', { code: answer.code, state: answer.state }) : undefined;
  }
  async changePassword(before: string, after: string) {
    this.take((await (await call('/password', { old: before, new: after })).json()) as SessionView);
  }
  async signOut(everywhere = false) {
    await call(everywhere ? '/end-all' : '/end', {});
    this.take(undefined);
  }
  lost() {
    if (this.view) {
      this.take(undefined);
    }
  }
  get role(): Role | undefined {
    return this.view?.account.role;
  }
  get canOperate(): boolean {
    return this.role === 'operator' || this.role === 'admin';
  }
  get isAdmin(): boolean {
    return this.role === 'admin';
  }
  get seesAudit(): boolean {
    return this.role !== 'viewer';
  }
}
export const session = new Session();
whenUnauthorised(() => session.lost());
