/* Reads a pcap file (draft-ietf-opsawg-pcap) far enough to show each packet in a line: what came from
 * whom to whom, and the first text in it.  Packets come from attackers: every read is bounded, and
 * the result is only ever shown as text. */
export interface Packet {
  number: number;
  at: string; /* RFC 3339 */
  size: number;
  what: string; /* "TCP SYN", "UDP", "ARP" */
  from: string;
  to: string;
  text: string; /* printable beginning of the payload */
  bytes: Uint8Array;
}

const PACKETS_MAX = 1000;
const TEXT_MAX = 160;

class Reader {
  constructor(
    private readonly view: DataView,
    private readonly little: boolean,
  ) {}
  u8(at: number): number {
    return at < this.view.byteLength ? this.view.getUint8(at) : 0;
  }
  /* Network order. */
  u16(at: number): number {
    return at + 2 <= this.view.byteLength ? this.view.getUint16(at) : 0;
  }
  /* The file's order. */
  u32(at: number): number {
    return at + 4 <= this.view.byteLength ? this.view.getUint32(at, this.little) : 0;
  }
  get size(): number {
    return this.view.byteLength;
  }
}

function mac(bytes: Uint8Array, at: number): string {
  return [...bytes.slice(at, at + 6)].map((b) => b.toString(16).padStart(2, '0')).join(':');
}
function ip4(bytes: Uint8Array, at: number): string {
  return [...bytes.slice(at, at + 4)].join('.');
}
function ip6(bytes: Uint8Array, at: number): string {
  const words: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    words.push((((bytes[at + i] ?? 0) << 8) | (bytes[at + i + 1] ?? 0)).toString(16));
  }
  /* RFC 5952: the longest run of two or more zero words is shortened */
  const text = words.join(':');
  const runs = text.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? [];
  const longest = runs.sort((a, b) => b.length - a.length)[0];
  return longest ? text.replace(longest, ':').replace(/^:(?!:)/, '::').replace(/:$/, '::').replace(':::', '::') : text;
}

function printable(bytes: Uint8Array, at: number): string {
  let text = '';
  for (const byte of bytes.slice(at, at + TEXT_MAX)) {
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 10 ? '⏎' : '·';
  }
  return /[\x20-\x7e]{4}/.test(text) ? text.replace(/·⏎/g, '⏎') : '';
}

const FLAGS: [number, string][] = [
  [0x02, 'SYN'],
  [0x01, 'FIN'],
  [0x04, 'RST'],
  [0x08, 'PSH'],
  [0x10, 'ACK'],
];

function transport(bytes: Uint8Array, protocol: number, at: number) {
  const read = new Reader(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), false);
  const ports = { from: `:${read.u16(at)}`, to: `:${read.u16(at + 2)}` };
  if (protocol === 6) {
    const flags = read.u8(at + 13);
    const names = FLAGS.filter(([bit]) => flags & bit).map(([, name]) => name);
    return { ...ports, what: `TCP ${names.join(' ')}`, data: at + (read.u8(at + 12) >> 4) * 4 };
  }
  if (protocol === 17) {
    return { ...ports, what: 'UDP', data: at + 8 };
  }
  const what = protocol === 1 ? 'ICMP' : protocol === 58 ? 'ICMPv6' : `IP ${protocol}`;
  return { from: '', to: '', what, data: at + 8 };
}

function describe(bytes: Uint8Array): Pick<Packet, 'what' | 'from' | 'to' | 'text'> {
  const read = new Reader(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), false);
  let at = 14;
  let type = read.u16(12);
  for (let tags = 0; tags < 3 && (type === 0x8100 || type === 0x88a8); tags++) {
    type = read.u16(at + 2);
    at += 4;
  }
  if (type === 0x0800 && read.size >= at + 20) {
    const upper = at + (read.u8(at) & 15) * 4;
    const inner = transport(bytes, read.u8(at + 9), upper);
    return {
      what: inner.what,
      from: ip4(bytes, at + 12) + inner.from,
      to: ip4(bytes, at + 16) + inner.to,
      text: printable(bytes, inner.data),
    };
  }
  if (type === 0x86dd && read.size >= at + 40) {
    const inner = transport(bytes, read.u8(at + 6), at + 40);
    const wrap = (address: string, port: string) => (port ? `[${address}]${port}` : address);
    return {
      what: inner.what,
      from: wrap(ip6(bytes, at + 8), inner.from),
      to: wrap(ip6(bytes, at + 24), inner.to),
      text: printable(bytes, inner.data),
    };
  }
  const what = type === 0x0806 ? 'ARP' : `0x${type.toString(16).padStart(4, '0')}`;
  return { what, from: mac(bytes, 6), to: mac(bytes, 0), text: '' };
}

/* Undefined: this is no pcap file of Ethernet frames. */
export function readPcap(file: ArrayBuffer): Packet[] | undefined {
  if (file.byteLength < 24) {
    return undefined;
  }
  const magic = new DataView(file).getUint32(0, true);
  const isNano = magic === 0xa1b23c4d || magic === 0x4d3cb2a1;
  const little = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d;
  if (!little && magic !== 0xd4c3b2a1 && magic !== 0x4d3cb2a1) {
    return undefined;
  }
  const read = new Reader(new DataView(file), little);
  if ((read.u32(20) & 0xffff) !== 1) {
    return undefined;
  }
  const packets: Packet[] = [];
  for (let at = 24; at + 16 <= file.byteLength && packets.length < PACKETS_MAX; ) {
    const size = read.u32(at + 8);
    if (at + 16 + size > file.byteLength) {
      break;
    }
    const bytes = new Uint8Array(file, at + 16, size);
    const ms = read.u32(at) * 1000 + read.u32(at + 4) / (isNano ? 1e6 : 1e3);
    packets.push({
      number: packets.length + 1,
      at: new Date(ms).toISOString(),
      size: read.u32(at + 12),
      bytes,
      ...describe(bytes),
    });
    at += 16 + size;
  }
  return packets;
}

/* 16 bytes a line: offset, hexadecimal, text. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.slice(at, at + 16)];
    const hex = row.map((b) => b.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : '.')).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join('\n');
}
