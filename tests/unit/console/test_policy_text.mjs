/* The console's changes of a policy's text: what was wanted, and nothing else.  And its diff and merge.
 *
 *     test_policy_text.mjs SOURCE */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';

const source = process.argv[2] ?? process.cwd();
const console_ = join(source, 'console');
const require = createRequire(join(console_, 'package.json'));
const folder = mkdtempSync(join(tmpdir(), 'cordon-text-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function load(name) {
  const out = join(folder, `${name.replace(/\W/g, '_')}.mjs`);
  require('esbuild').buildSync({
    entryPoints: [join(console_, 'src', name)],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    outfile: out,
    logLevel: 'error',
  });
  return import(pathToFileURL(out).href);
}
const text = await load('policy/text.ts');
const lines = await load('lib/diff.ts');

const lab = readFileSync(join(source, 'lab/config/policy.yaml'), 'utf8');
const packaged = readFileSync(join(source, 'packaging/policy.yaml'), 'utf8');

/* [-, +] lines between the two. */
function changed(before, after) {
  const all = lines.diff(before, after);
  return ['-', '+'].map((sign) => all.filter((one) => one.sign === sign).map((one) => one.text));
}

test('a mode is one word on one line', () => {
  assert.deepEqual(changed(lab, text.set(lab, ['networks', 0, 'mode'], 'approve')), [
    ['    mode: auto'],
    ['    mode: approve'],
  ]);
  const one = text.set(packaged, ['defaults', 'mode'], 'auto');
  assert.match(one, /^ {2}mode: auto {8}# observe, approve, auto; each/m);
  assert.deepEqual(changed(packaged, one).map((all) => all.length), [1, 1]);
  const rule = text.set(packaged, ['policies', 0, 'mode'], 'approve');
  assert.deepEqual(changed(packaged, rule)[0], []);
  assert.equal(text.read(rule).policies[0].mode, 'approve');
  assert.equal(text.set(rule, ['policies', 0, 'mode'], undefined), packaged);
  assert.equal(text.read(text.set('', ['defaults', 'mode'], 'auto')).defaults.mode, 'auto');
});

test('a permitted server is one more line', () => {
  const permit = { server: '2001:db8::7', protocol: 'tcp', port: 443 };
  const now = text.add(lab, ['permit_sets', 0, 'permits'], permit);
  assert.deepEqual(changed(lab, now), [[], ['      - {server: "2001:db8::7", protocol: tcp, port: 443}']]);
  assert.equal(text.remove(now, ['permit_sets', 0, 'permits'], 3), lab);
  const named = text.add(packaged, ['permit_sets', 0, 'permits'], { name: '*.example.org' });
  assert.deepEqual(text.read(named).permit_sets[0].permits, [{ name: '*.example.org' }]);
  assert.deepEqual(changed(packaged, named)[0], []);
});

test('an item is changed key by key', () => {
  const now = text.replace(lab, ['permit_sets', 0, 'permits'], 1, { server: '10.77.0.10', protocol: 'tcp', port: 8443 });
  assert.deepEqual(changed(lab, now), [
    ['      - {server: 10.77.0.10, protocol: tcp, port: 443}'],
    ['      - {server: 10.77.0.10, protocol: tcp, port: 8443}'],
  ]);
  const any = text.replace(lab, ['permit_sets', 0, 'permits'], 1, { server: '10.77.0.10' });
  assert.match(any, /- \{server: 10\.77\.0\.10\}$/m);
  const host = text.replace(lab, ['protected'], 0, { name: 'gateway', addresses: ['10.77.0.1'], host_names: ['gw*'] });
  assert.deepEqual(text.read(host).protected[0], { name: 'gateway', addresses: ['10.77.0.1'], host_names: ['gw*'] });
  assert.deepEqual(changed(lab, host)[0], [
    '    addresses: [10.77.0.1, "2001:db8:77::1"]',
    '    macs: ["02:00:00:00:01:01"]',
  ]);
});

test('the first item of an empty list, below its comments', () => {
  const now = text.add(packaged, ['protected'], { name: 'gateway', addresses: ['192.0.2.1'] });
  assert.deepEqual(changed(packaged, now), [
    ['protected: []'],
    ['protected:', '  - {name: gateway, addresses: [192.0.2.1]}'],
  ]);
  assert.deepEqual(text.read(text.remove(now, ['protected'], 0)).protected, []);
  const proxy = text.add(lab, ['proxies'], '10.77.0.21');
  assert.match(proxy, /^proxies: \[10\.77\.0\.20, 10\.77\.0\.21\]$/m);
  assert.equal(text.remove(proxy, ['proxies'], 1), lab);
  assert.match(text.remove(lab, ['proxies'], 0), /^proxies: \[\]$/m);
  const never = text.add(lab, ['never_block', 'domains'], 'example.org');
  assert.deepEqual(text.read(never).never_block, { domains: ['example.org'] });
  assert.deepEqual(changed(lab, never)[0], []);
  assert.deepEqual(text.read(text.add('', ['protected'], { name: 'a' })).protected, [{ name: 'a' }]);
});

test('items of lists on their own lines, with comments between', () => {
  const block = 'proxies:\n  # the first\n  - 192.0.2.1 # old\n\n  # the second\n  - 192.0.2.2\nresolvers: []\n';
  assert.equal(
    text.remove(block, ['proxies'], 0),
    'proxies:\n  # the first\n\n  # the second\n  - 192.0.2.2\nresolvers: []\n',
  );
  assert.equal(text.add(block, ['proxies'], '192.0.2.3'), block.replace('192.0.2.2\n', '192.0.2.2\n  - 192.0.2.3\n'));
  const flush = 'protected:\n- name: a # why\n  macs:\n  - "02:00:00:00:00:01"\n';
  assert.equal(text.add(flush, ['protected'], { name: 'b' }), `${flush}- {name: b}\n`);
  const changedMacs = text.replace(flush, ['protected'], 0, { name: 'a', macs: ['02:00:00:00:00:02'] });
  assert.equal(changedMacs, 'protected:\n- name: a # why\n  macs: ["02:00:00:00:00:02"]\n');
  assert.equal(text.add('proxies: [192.0.2.1]', ['proxies'], '192.0.2.2'), 'proxies: [192.0.2.1, 192.0.2.2]\n');
});

test('hostile and odd values come back as they went in', () => {
  const odd = ['a: b', '# x', "it's", '"', 'true', 'No', '12', '1e3', '', ' x ', '- a', '{', '}', '[', ']', ',', '&a', '*a',
    '!t', '%', '@', '`', '|', '>', '?', 'a #b', 'a\\nb', '日本', '0x1f', '~', 'null', '2001:db8::1', '02:00:00:00:00:01', '=1+1', '1:30'];
  for (const value of odd) {
    const now = text.add(lab, ['protected'], { name: value, host_names: [value] });
    assert.deepEqual(text.read(now).protected.at(-1), { name: value, host_names: [value] }, value);
    assert.deepEqual(changed(lab, now)[0], [], value);
    const set = text.set(lab, ['networks', 0, 'name'], value);
    assert.equal(text.read(set).networks[0].name, value, value);
  }
});

test('what is no good text is refused, not mended', () => {
  assert.throws(() => text.set('a: [1', ['a'], 'b'));
  assert.equal(text.read('a: [1'), undefined);
  assert.equal(text.read('- a'), undefined);
  assert.deepEqual(text.read('# nothing\n'), {});
  const alias = 'networks:\n  - &one {name: a, prefixes: [192.0.2.0/24]}\nprotected:\n  - *one\n';
  assert.throws(() => text.set(alias, ['protected', 0, 'name'], 'b')); /* would change both, or neither */
});

test('the effective mode', () => {
  const policy = text.read('defaults: {mode: approve}\nnetworks:\n  - {name: a}\n  - {name: b, mode: auto}\n  - {name: c, mode: default}\n');
  assert.deepEqual(policy.networks.map((one) => text.networkMode(policy, one)), ['approve', 'auto', 'approve']);
  assert.equal(text.defaultMode({}), 'observe');
});

test('diff: both texts can be read from it, and changes are few', () => {
  let seed = 7;
  const random = (most) => (seed = (seed * 1103515245 + 12345) % 2147483648) % most;
  const some = () => Array.from({ length: random(14) }, () => 'abcd'[random(4)]).join('\n');
  for (let round = 0; round < 500; round++) {
    const [a, b] = [some(), some()];
    const all = lines.diff(a, b);
    for (const [sign, whole] of [['+', a], ['-', b]]) {
      assert.equal(all.filter((one) => one.sign !== sign).map((one) => one.text).join('\n'), whole);
    }
  }
  assert.deepEqual(changed('a\nb\nc\nd\n', 'b\nc\na\nd\n'), [['a'], ['a']]);
  assert.deepEqual(lines.around(lines.diff('1\n2\n3\n4\n5\n6\n', '1\n2\n3\n4\n5\n6\n7\n')).map((one) => one?.text ?? '…'),
    ['…', '4', '5', '6', '7']);
});

test('merge: two people at different places; the same place is nobody\'s to decide', () => {
  const mine = text.set(lab, ['networks', 0, 'mode'], 'approve');
  const theirs = text.add(lab, ['protected'], { name: 'new', addresses: ['10.77.0.99'] });
  const both = lines.merge(lab, theirs, mine);
  assert.deepEqual(changed(theirs, both), [['    mode: auto'], ['    mode: approve']]);
  assert.equal(lines.merge(lab, lab, mine), mine);
  assert.equal(lines.merge(lab, mine, mine), mine);
  assert.equal(lines.merge(lab, text.set(lab, ['networks', 0, 'mode'], 'observe'), mine), undefined);
  assert.equal(lines.merge('a\n', 'a\nb\n', 'a\nc\n'), undefined);
  assert.equal(lines.merge('', 'a\n', ''), 'a\n');
});
