/* Captures hold what attackers sent: nothing in them may stop the page, whatever is cut or altered. */
import './world';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexDump, readPcap } from 'console/lib/pcap';

function bytes(...parts: (number[] | string)[]): number[] {
  return parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part));
}
const u32 = (value: number, little = true) => {
  const out = new DataView(new ArrayBuffer(4));
  out.setUint32(0, value, little);
  return [...new Uint8Array(out.buffer)];
};
const HEAD = (magic = 0xa1b2c3d4, link = 1, little = true) =>
  bytes(u32(magic, little), little ? [2, 0, 4, 0] : [0, 2, 0, 4], u32(0), u32(0), u32(65535, little), u32(link, little));
const record = (frame: number[], little = true, fraction = 532140) =>
  bytes(u32(1773025104, little), u32(fraction, little), u32(frame.length, little), u32(frame.length, little), frame);
const file = (...parts: number[][]) => new Uint8Array(parts.flat()).buffer;

const ETHERNET = (type: number[], tags: number[] = []) => [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...tags, ...type];
const IP4 = (protocol: number, options = 0) => [0x45 + options, 0, 0, 60, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 1, 0, 12, 203, 0, 113, 80, ...Array(options * 4).fill(1)];
const TCP = (flags: number) => [0xc0, 0x01, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0];
const GET = bytes(ETHERNET([8, 0]), IP4(6), TCP(0x18), 'GET /gate.php HTTP/1.1\r\nHost: cnc.test\r\n');

function only(frame: number[]) {
  const packets = readPcap(file(HEAD(), record(frame)));
  assert.equal(packets?.length, 1);
  return packets![0]!;
}

test('a request over TCP', () => {
  const packet = only(GET);
  assert.equal(packet.what, 'TCP PSH ACK');
  assert.equal(packet.from, '10.1.0.12:49153');
  assert.equal(packet.to, '203.0.113.80:80');
  assert.equal(packet.at, '2026-03-09T02:58:24.532Z');
  assert.match(packet.text, /^GET \/gate\.php HTTP\/1\.1⏎Host: cnc\.test⏎$/);
});

test('options, tags, UDP, ICMP, ARP and what is not known', () => {
  assert.equal(only(bytes(ETHERNET([8, 0]), IP4(6, 2), TCP(2))).what, 'TCP SYN');
  assert.equal(only(bytes(ETHERNET([8, 0], [0x81, 0, 0, 10]), IP4(17), [0, 53, 0x10, 0, 0, 8, 0, 0])).from, '10.1.0.12:53');
  assert.equal(only(bytes(ETHERNET([8, 0], [0x88, 0xa8, 0, 1, 0x81, 0, 0, 10]), IP4(1))).what, 'ICMP');
  assert.equal(only(bytes(ETHERNET([8, 0]), IP4(47))).what, 'IP 47');
  assert.equal(only(ETHERNET([8, 6])).what, 'ARP');
  assert.equal(only(ETHERNET([8, 6])).from, '02:00:00:00:00:02');
  assert.equal(only(ETHERNET([0x88, 0xcc])).what, '0x88cc');
});

test('IPv6 addresses as RFC 5952 writes them', () => {
  const ip6 = (address: number[]) =>
    only(bytes(ETHERNET([0x86, 0xdd]), [0x60, 0, 0, 0, 0, 8, 17, 64], address, Array(15).fill(0), [1], [0, 53, 0, 53, 0, 8, 0, 0]));
  assert.equal(ip6([0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 1]).from, '[2001:db8::1]:53');
  assert.equal(ip6([0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]).from, '[2001:db8:1::1:0:1]:53');
  assert.equal(ip6(Array(16).fill(0)).from, '[::]:53');
  assert.equal(ip6([0xfe, 0x80, ...Array(14).fill(0)]).from, '[fe80::]:53');
  assert.equal(ip6([...Array(16).keys()].map((i) => i + 1)).to, '[::1]:53');
});

test('both orders of bytes, both resolutions', () => {
  for (const [magic, fraction] of [[0xa1b2c3d4, 532140], [0xa1b23c4d, 532140000]] as const) {
    for (const little of [true, false]) {
      const packets = readPcap(file(HEAD(magic, 1, little), record(GET, little, fraction)));
      assert.equal(packets?.[0]?.at, '2026-03-09T02:58:24.532Z', `${magic.toString(16)} ${little}`);
    }
  }
});

test('what is no capture of Ethernet frames', () => {
  assert.equal(readPcap(new ArrayBuffer(0)), undefined);
  assert.equal(readPcap(file(HEAD(0x0a0d0d0a))), undefined);
  assert.equal(readPcap(file(HEAD(0xa1b2c3d4, 113))), undefined);
  assert.deepEqual(readPcap(file(HEAD())), []);
});

test('sizes that lie', () => {
  const lies = bytes(u32(1), u32(1), u32(0xffffffff), u32(0xffffffff), GET);
  assert.deepEqual(readPcap(file(HEAD(), lies)), []);
  const many = Array.from({ length: 3000 }, () => record([])).flat();
  assert.equal(readPcap(file(HEAD(), many))?.length, 1000); /* bounded */
  const late = bytes(u32(0xffffffff), u32(0xffffffff), u32(0), u32(0));
  assert.equal(readPcap(file(HEAD(), late))?.length, 1); /* a time that is none */
});

test('every prefix of a capture', () => {
  const whole = new Uint8Array(file(HEAD(), record(GET), record(bytes(ETHERNET([0x86, 0xdd]), Array(60).fill(0)))));
  for (let size = 0; size <= whole.length; size++) {
    const packets = readPcap(whole.slice(0, size).buffer);
    assert.equal(packets === undefined, size < 24, `prefix of ${size}`);
    packets?.forEach((one) => hexDump(one.bytes));
  }
  for (let size = 0; size < GET.length; size++) {
    assert.equal(typeof only(GET.slice(0, size)).what, 'string'); /* frames that were cut */
  }
});

test('random mutations', () => {
  const whole = new Uint8Array(file(HEAD(), record(GET), record(GET), record(bytes(ETHERNET([8, 0]), IP4(17), [1, 2]))));
  let seed = 42;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 20000; round++) {
    const copy = whole.slice();
    for (let n = random(6); n >= 0; n--) {
      copy[random(copy.length)] = random(256);
    }
    for (const packet of readPcap(copy.buffer) ?? []) {
      assert.ok(packet.text.length <= 160);
      assert.doesNotMatch(packet.text, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      assert.ok(!Number.isNaN(new Date(packet.at).getTime()));
      hexDump(packet.bytes);
    }
  }
});

test('bytes in lines', () => {
  assert.equal(hexDump(new Uint8Array([0x3c, 0x62, 0x3e, 0, 0xff])), `0000  3c 62 3e 00 ff${' '.repeat(35)}<b>..`);
  assert.equal(hexDump(new Uint8Array(17)).split('\n').length, 2);
  assert.equal(hexDump(new Uint8Array(0)), '');
});
