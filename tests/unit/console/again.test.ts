/* Undo: whom it is about, and what was cut off, stay the same whatever changed since. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { again } from 'console/lib/again';

const ended = {
  id: '01C',
  action: 'isolate',
  state: 'reverted',
  requested: '2026-11-01T08:00:00Z',
  reason: 'C&C',
} as Parameters<typeof again>[0];

test('by address it is whoever had it then, not whoever has it now', () => {
  assert.deepEqual(again({ ...ended, ip: '10.1.0.7' }, 'r'), {
    action: 'isolate',
    reason: 'r',
    ip: '10.1.0.7',
    observed_at: '2026-11-01T08:00:00Z',
  });
});

test('a machine that is known is named as such', () => {
  const known = { ...ended, endpoint_id: 'e-1', mac: '02:00:00:00:00:01', ip: '10.1.0.7' };
  assert.deepEqual(again(known, 'r'), { action: 'isolate', reason: 'r', endpoint_id: 'e-1' });
  assert.equal(again({ ...known, endpoint_id: '' }, 'r').mac, '02:00:00:00:00:01');
});

test('the address that was blocked, not what its name means by now', () => {
  const pair = { ...ended, action: 'block_pair', endpoint_id: 'e-1', server: '192.0.2.7', server_name: 'c2.example' };
  assert.deepEqual(again(pair as typeof ended, 'r'), {
    action: 'block_pair',
    reason: 'r',
    endpoint_id: 'e-1',
    server: '192.0.2.7',
  });
  const everybody = again({ ...pair, action: 'block_server' } as typeof ended, 'r');
  assert.deepEqual(everybody, { action: 'block_server', reason: 'r', server: '192.0.2.7' });
});

test('as long as it was meant to last', () => {
  const hour = { ...ended, endpoint_id: 'e-1', expires: '2026-11-01T09:00:00Z', permit_set: 'updates' };
  assert.deepEqual(again(hour, 'r'), {
    action: 'isolate',
    reason: 'r',
    endpoint_id: 'e-1',
    permit_set: 'updates',
    expires_in_s: 3600,
  });
});
