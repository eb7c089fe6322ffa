/* ATT&CK ids and their names. */
import './world';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { summaryTechniques, technique } from 'console/lib/attack';

test('a technique and a part of one, with its page', () => {
  assert.deepEqual(technique('T1046'), {
    id: 'T1046',
    name: 'Network Service Discovery',
    page: 'https://attack.mitre.org/techniques/T1046/',
  });
  assert.deepEqual(technique('T1071.004'), {
    id: 'T1071.004',
    name: 'Application Layer Protocol: DNS',
    page: 'https://attack.mitre.org/techniques/T1071/004/',
  });
});

test('a part that is not known is at least part of something', () => {
  assert.equal(technique('T1071.099').name, 'Application Layer Protocol');
  assert.deepEqual(technique('T9999'), { id: 'T9999', page: 'https://attack.mitre.org/techniques/T9999/' });
});

test('what a source calls a technique and is none leads nowhere', () => {
  for (const id of ['', 'T10', 'T1046/../..', 'javascript:alert(1)', 'T1046.1', 'T1046\n', 'constructor']) {
    assert.deepEqual(technique(id), { id });
  }
});

/* Read from the sensor's own text. */
test('what our sensor reports has a name', () => {
  const top = resolve(process.env['OPENAPI'] as string, '../../..');
  const found = ['reputation/reputation.c', 'scan/scan.c']
    .flatMap((name) => readFileSync(`${top}/src/sensor/detect/${name}`, 'utf8').match(/"T\d{4}(\.\d{3})?"/g) ?? [])
    .map((one) => one.slice(1, -1));
  assert.ok(found.length > 8, String(found));
  for (const id of found) {
    assert.equal((technique(id).name ?? '').split(': ').length, id.split('.').length, id);
  }
});

test('those of an incident’s summary', () => {
  const values = ['c2', 'CORDON sweep', 'T1018 T1046', '3', 'discovery'];
  assert.deepEqual(summaryTechniques({ code: 'incident.many_techniques', values }), ['T1018', 'T1046']);
  assert.deepEqual(summaryTechniques({ code: 'incident.many', values }), []);
  assert.deepEqual(summaryTechniques(undefined), []);
});
