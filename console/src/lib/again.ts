/* What is asked for to contain again, as it was: the same machine, not whoever has its address by
 * now. */
import type { Schemas } from './api';

type Containment = Schemas['Containment'];
type Request = Schemas['ContainmentRequest'];

/* By address alone: as it was held then.  The server refuses where it has changed hands since. */
function subject(of: Containment): Partial<Request> {
  return of.endpoint_id
    ? { endpoint_id: of.endpoint_id }
    : of.mac
      ? { mac: of.mac }
      : { ip: of.ip ?? '', observed_at: of.requested };
}

/* The address that switches matched; a name may have another one by now. */
function server(of: Containment): Partial<Request> {
  return of.server ? { server: of.server } : of.server_name ? { server_name: of.server_name } : {};
}

export function again(of: Containment, reason: string): Request {
  const action = of.action === 'none' || of.action === 'notify' ? 'isolate' : of.action;
  const seconds =
    of.expires && of.requested ? Math.round((Date.parse(of.expires) - Date.parse(of.requested)) / 1000) : 0;
  return {
    action,
    reason,
    ...(action === 'block_server' ? {} : subject(of)),
    ...(action === 'block_server' || action === 'block_pair' ? server(of) : {}),
    ...(action === 'isolate' && of.permit_set ? { permit_set: of.permit_set } : {}),
    ...(seconds > 0 ? { expires_in_s: seconds } : {}),
  };
}
