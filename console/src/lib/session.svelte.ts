/* Who is signed in, and what they may do: the server decides, this only knows it beforehand. */
import { ApiError, address, setCsrf, whenUnauthorised } from './api';

export type Role = 'viewer' | 'operator' | 'admin' | 'auditor';
export interface SessionView {
  account: { name: string; role: Role };
  must_change_password: boolean;
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
  async signIn(name: string, password: string) {
    this.take((await (await call('', { name, password })).json()) as SessionView);
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
