"""What a contained endpoint may try beyond its own network: tags, other protocols, a permitted server's
address, options, fragments, forged senders.  See attempt.py for what an attempt is."""
import socket
import struct

from attempt import ALL, STRANGER, PERMITTED, SERVERS, out, into, text, to, ip, ip6, udp, \
    tcp, arp, dhcp
from scapy.all import (ARP, GRE, ICMP, IP, IPv6, LLC, SNAP, STP, TCP, UDP, VXLAN, Dot3, Ether,
                       ICMPv6EchoRequest, IPOption, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, raw)
from wire import Whole


# --------------------------------------------------------------------------- tags, other protocols

TAGS = {
    "priority tag": [(0x8100, 0)], "802.1Q, VLAN 1": [(0x8100, 1)],
    "802.1Q, VLAN 100": [(0x8100, 100)], "QinQ": [(0x88a8, 101), (0x8100, 100)],
    "802.1Q twice": [(0x8100, 1), (0x8100, 100)], "three tags": [(0x8100, 1)] * 3,
    "five tags": [(0x8100, 1)] * 5, "old QinQ": [(0x9100, 5)], "older QinQ": [(0x9200, 5)],
}


def tagged(frame, tags):
    frame = raw(frame)
    return frame[:12] + b"".join(struct.pack("!HH", *tag) for tag in tags) + frame[12:]


def _tag_attempts(name, tags):
    @out(name)
    def near(w, s, token):
        return [tagged(to(s, w["c1"]) / ip(s, w["c1"]) / udp(token), tags)]

    @out(f"{name}, to the other switch", at="c4")
    def far(w, s, token):
        return [tagged(to(s, w["c4"]) / ip6(s, w["c4"]) / udp(token), tags)]

    @out(f"{name}, a permitted server's address, a neighbour's MAC")
    def beside(w, s, token):
        return [tagged(to(s, w["c1"]) / ip(s, w["upd"]) / tcp(token), tags)]

    @into(name)
    def inward(w, s, t, token):
        return [tagged(to(s, t) / ip(s, t) / udp(token), tags)]


for _name, _tags in TAGS.items():
    _tag_attempts(_name, _tags)

ETHERTYPES = (0x0060, 0x0600, 0x0805, 0x0842, 0x6003, 0x8035, 0x8137, 0x22f0, 0x8847, 0x8848, 0x8863,
              0x8864, 0x886d, 0x888e, 0x88a2, 0x88b5, 0x88b7, 0x88cc, 0x88e5, 0x88f7, 0x8902, 0x8906,
              0x8915, 0x893a, 0x9000, 0xcafe, 0xffff)


def _ethertype_attempts(kind):
    @out(f"ethertype {kind:04x}")
    def unicast(w, s, token):
        return [to(s, w["c1"], type=kind) / text(token + b"x" * 40)]

    @out(f"ethertype {kind:04x} to everybody", at="c4")
    def broadcast(w, s, token):
        return [Ether(src=s.mac, dst=ALL, type=kind) / text(token + b"x" * 40)]

    @into(f"ethertype {kind:04x}")
    def inward(w, s, t, token):
        return [to(s, t, type=kind) / text(token + b"x" * 40)]


for _kind in ETHERTYPES:
    _ethertype_attempts(_kind)


def llc(sap):
    return LLC(dsap=sap, ssap=sap, ctrl=3)


LLCS = {
    "LLC": lambda s, t, token: llc(0x42) / text(token),
    "NetBIOS by LLC": lambda s, t, token: llc(0xf0) / text(token),
    "IPv4 by SNAP": lambda s, t, token: llc(0xaa) / SNAP(OUI=0, code=0x800) / ip(s, t) / udp(token),
    "ARP by SNAP": lambda s, t, token: llc(0xaa) / SNAP(OUI=0, code=0x806)
    / ARP(op=1, hwsrc=s.mac, psrc=s.ip4, pdst=t.ip4) / text(token),
    "a vendor's SNAP": lambda s, t, token: llc(0xaa) / SNAP(OUI=0xc, code=0x2000) / text(token),
    "raw IPX": lambda s, t, token: Raw(b"\xff\xff\0\x1e" + b"\0" * 20 + token),
}


def _llc_attempts(name, body):
    @out(name)
    def near(w, s, token):
        return [Dot3(src=s.mac, dst=w["c1"].mac) / body(s, w["c1"], token)]

    @out(f"{name} to a permitted server", at="upd")
    def server(w, s, token):
        return [Dot3(src=s.mac, dst=w["upd"].mac) / body(s, w["upd"], token)]

    @into(name)
    def inward(w, s, t, token):
        return [Dot3(src=s.mac, dst=t.mac) / body(s, t, token)]


for _name, _body in LLCS.items():
    _llc_attempts(_name, _body)


@out("spanning tree", at="c4")
def _(w, s, token):
    return [Dot3(src=s.mac, dst="01:80:c2:00:00:00") / llc(0x42) / STP(
        rootid=0, rootmac=s.mac, bridgeid=0, bridgemac=s.mac) / Raw(token)]


@out("a vendor's spanning tree", at="c4")
def _(w, s, token):
    return [Dot3(src=s.mac, dst="01:00:0c:cc:cc:cd") / llc(0xaa) / SNAP(OUI=0xc, code=0x10b)
            / STP(rootid=0, rootmac=s.mac) / Raw(token)]


@out("a vendor's neighbour protocol", at="c4")
def _(w, s, token):
    return [Dot3(src=s.mac, dst="01:00:0c:cc:cc:cc") / llc(0xaa) / SNAP(OUI=0xc, code=0x2000)
            / Raw(b"\x02\xb4" + token)]


def _short_attempts(size):
    def cut(frame):
        return [raw(frame)[:size]], Whole(raw(frame)[:size])

    @out(f"{size} bytes of IPv4")
    def four(w, s, token):
        return cut(to(s, w["c1"]) / ip(s, w["c1"], id=0x7000 + size) / udp(token * 6))

    @out(f"{size} bytes of IPv6")
    def six(w, s, token):
        return cut(to(s, w["c1"]) / ip6(s, w["c1"], fl=0x7000 + size) / udp(token * 6))

    @out(f"{size} bytes of ARP")
    def arp_(w, s, token):
        return cut(to(s, w["c1"]) / ARP(op=2, hwsrc=s.mac, psrc=s.ip4, hwdst=w["c1"].mac,
                                        pdst=w["c1"].ip4) / text(token * 6))

    @out(f"{size} bytes of an ethertype of its own")
    def own(w, s, token):
        return cut(to(s, w["c1"], type=0xbe00 + size) / Raw(token * 10))

    if size < 22:  # four bytes behind the tag
        return

    @out(f"{size} bytes with a tag")
    def with_tag(w, s, token):  # a capture shows the frame without it
        frame = raw(to(s, w["c1"], type=0xbf00 + size) / Raw(token * 10))[:size - 4]
        return [tagged(frame, [(0x8100, 7)])], Whole(frame)


# The lab's cables (cls_u32) carry nothing that has less than four bytes behind its EtherType.
for _size in (18, 19, 20, 22, 33, 34, 35, 38, 42, 46, 53, 54, 55, 59, 60):
    _short_attempts(_size)


# ------------------------------------------------------------------- a permitted server's address

def _beside_attempts(name, at, mac, may):
    @out(f"a permitted server's address, {name}", at=at, may=may if name == FLOODED else "")
    def four(w, s, token):
        return [Ether(src=s.mac, dst=mac(w)) / ip(s, w["upd"]) / tcp(token)]

    @out(f"a permitted server's IPv6 address, {name}", at=at, may=may if name == FLOODED else "")
    def six(w, s, token):
        return [Ether(src=s.mac, dst=mac(w)) / ip6(s, w["upd"]) / tcp(token)]

    @out(f"who-has a permitted server, {name}", at=at, may=may)
    def who(w, s, token):
        return [arp(s, mac(w), token, op=1, pdst=w["upd"].ip4)]

    @out(f"DHCP request, {name}", at=at, may=may)
    def request(w, s, token):
        return [Ether(src=s.mac, dst=mac(w)) / dhcp(s, token)]


FLOODED = "nobody's MAC"
BESIDE = {"a neighbour's MAC": ("c1", lambda w: w["c1"].mac, ""),
          "a far neighbour's MAC": ("c4", lambda w: w["c4"].mac, ""),
          FLOODED: ("c4", lambda w: STRANGER, SERVERS),
          "everybody's MAC": ("c4", lambda w: ALL, SERVERS),
          "a group's MAC": ("c4", lambda w: "01:00:5e:01:02:03", SERVERS)}


@out("a query for a permitted name, a neighbour's MAC")
def _(w, s, token):
    name = b"".join(bytes([len(p)]) + p for p in (b"update", b"campus", b"test"))
    sport = 1024 + int.from_bytes(token[2:4], "big") % 60000
    body = token[:2] + b"\x01\0\0\x01\0\0\0\0\0\0" + name + b"\0\0\x01\0\x01"
    return [to(s, w["c1"]) / ip(s, w["svc"]) / UDP(sport=sport, dport=53) / Raw(body)], \
        struct.pack("!HH", sport, 53)


@out("another port of a permitted server", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / ip(s, w["upd"]) / tcp(token, 8443)]


@out("ports swapped", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / ip(s, w["upd"]) / tcp(token, 40001, sport=PERMITTED)]


@out("UDP to a permitted server", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / ip(s, w["upd"]) / udp(token, 4443)]


@out("a permitted server's IPv4 address in IPv6, a neighbour's MAC")
def _(w, s, token):
    return [to(s, w["c1"]) / IPv6(src=s.ip6, dst="::ffff:" + w["upd"].ip4) / tcp(token)]


@out("a permitted server's IPv4 address in IPv6", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / IPv6(src=s.ip6, dst="::ffff:" + w["upd"].ip4) / tcp(token)]


@out("its own IPv4 address in IPv6", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / IPv6(src="::ffff:" + s.ip4, dst=w["upd"].ip6) / tcp(token)]


PROTOCOLS = {"IGMP": 2, "IP in IP": 4, "EGP": 8, "DCCP": 33, "6in4": 41, "GRE": 47, "ESP": 50,
             "AH": 51, "EIGRP": 88, "OSPF": 89, "PIM": 103, "VRRP": 112, "L2TP": 115, "SCTP": 132,
             "UDP-Lite": 136, "protocol 253": 253, "protocol 255": 255}


def _protocol_attempts(name, number):
    @out(f"{name} to a permitted server", at="upd")
    def server(w, s, token):
        return [to(s, w["upd"]) / ip(s, w["upd"], proto=number) / text(token)]

    @out(f"{name} by IPv6 to a permitted server", at="upd")
    def server6(w, s, token):
        return [to(s, w["upd"]) / ip6(s, w["upd"], nh=number) / Raw(b"\x3b\0" + b"\0" * 6 + token)]

    @out(name)
    def near(w, s, token):
        return [to(s, w["c1"]) / ip(s, w["c1"], proto=number) / text(token)]

    @into(name)
    def inward(w, s, t, token):
        return [to(s, t) / ip(s, t, proto=number) / text(token)]


for _name, _number in PROTOCOLS.items():
    _protocol_attempts(_name, _number)


def _tunnel_attempts(name, make):
    @out(f"tunnel by {name}", at="upd")
    def tunnel(w, s, token):
        return [to(s, w["upd"]) / make(w, s, text(token))]


TUNNELS = {
    "6in4": lambda w, s, i: ip(s, w["upd"], proto=41) / ip6(s, w["world"]) / i,
    "4in6": lambda w, s, i: ip6(s, w["upd"], nh=4) / ip(s, w["world"]) / i,
    "GRE": lambda w, s, i: ip(s, w["upd"]) / GRE() / ip(s, w["world"]) / i,
    "VXLAN": lambda w, s, i: ip(s, w["upd"]) / UDP(sport=40001, dport=4789) / VXLAN(vni=7)
    / Ether(src=s.mac, dst=ALL) / ip(s, w["world"]) / i,
    "VXLAN on a permitted number": lambda w, s, i: ip(s, w["upd"])
    / UDP(sport=40001, dport=444) / VXLAN(vni=7) / Ether(src=s.mac, dst=ALL) / i,
    "Teredo": lambda w, s, i: ip(s, w["upd"]) / UDP(sport=3544, dport=3544) / ip6(s, w["world"]) / i,
    "a VPN": lambda w, s, i: ip(s, w["upd"]) / UDP(sport=51820, dport=51820) / i,
    "echo": lambda w, s, i: ip(s, w["upd"]) / ICMP() / i,
    "echo of IPv6": lambda w, s, i: ip6(s, w["upd"]) / ICMPv6EchoRequest() / i,
    "echo reply": lambda w, s, i: ip(s, w["upd"]) / ICMP(type=0) / i,
    "ICMP timestamp": lambda w, s, i: ip(s, w["upd"]) / ICMP(type=13) / i,
    "ICMP error": lambda w, s, i: ip(s, w["upd"]) / ICMP(type=3, code=4) / i,
    "ICMP redirect": lambda w, s, i: ip(s, w["upd"]) / ICMP(type=5, code=1) / i,
}
for _name, _make in TUNNELS.items():
    _tunnel_attempts(_name, _make)


# ----------------------------------------------------------------------------- options, fragments

OPTIONS = {
    "record route": b"\x07\x07\x04\0\0\0\0\0", "timestamp": b"\x44\x08\x05\0\0\0\0\0",
    "router alert": b"\x94\x04\0\0", "stream id": b"\x88\x04\0\1", "padding": b"\1\1\1\0",
    "security": b"\x82\x0b" + b"\0" * 10,
}


def _option_attempts(name, option):
    @out(f"IPv4 option {name}")
    def near(w, s, token):
        return [to(s, w["c1"]) / ip(s, w["c1"], options=IPOption(option)) / udp(token)]

    @out(f"IPv4 option {name} to a permitted server", at="upd")
    def server(w, s, token):
        return [to(s, w["upd"]) / ip(s, w["upd"], options=IPOption(option)) / tcp(token)]

    @into(f"IPv4 option {name}")
    def inward(w, s, t, token):
        return [to(s, t) / ip(s, t, options=IPOption(option)) / udp(token)]


for _name, _option in OPTIONS.items():
    _option_attempts(_name, _option)


def _route_attempts(name, number):
    @out(f"{name} source route by a permitted server", at="upd")
    def through(w, s, token):
        route = bytes([number, 7, 4]) + socket.inet_aton(w["c1"].ip4) + b"\0"
        return [to(s, w["upd"]) / ip(s, w["upd"], options=IPOption(route)) / tcp(token)]


_route_attempts("loose", 0x83)
_route_attempts("strict", 0x89)


def fragment(s, t, token, offset, more, body=None, protocol=6):
    return IP(src=s.ip4, dst=t.ip4, proto=protocol, id=int.from_bytes(token[:2], "big"),
              frag=offset, flags="MF" if more else 0) / Raw(body or b"12345678" + token)


def first(s, t, token, port=PERMITTED):
    """A first fragment without the token."""
    return to(s, t) / fragment(s, t, token, 0, True, raw(TCP(sport=1, dport=port)) + b"x" * 28)


@out("a lone later fragment")
def _(w, s, token):
    return [to(s, w["c1"]) / fragment(s, w["c1"], token, 185, False)]


@out("a lone later fragment to a permitted server", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / fragment(s, w["upd"], token, 185, False)]


@out("a later fragment after a refused first", at="upd")
def _(w, s, token):
    return [first(s, w["upd"], token, 8443), to(s, w["upd"]) / fragment(s, w["upd"], token, 6, False)]


@out("a first fragment to another port of a permitted server", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / fragment(s, w["upd"], token, 0, True,
                                       raw(TCP(sport=1, dport=8443)) + token)]


@out("a tiny first fragment to a permitted server", at="upd")
def _(w, s, token):
    frame = raw(to(s, w["upd"]) / fragment(s, w["upd"], token, 0, True,
                                           raw(TCP(sport=1, dport=PERMITTED))[:8]))
    return [frame], Whole(frame)


def _after_first_attempts(name, at, offset, target, mac, protocol=6):
    @out(f"after a permitted first fragment, {name}", at=at)
    def later(w, s, token):
        upd = w["upd"]
        return [first(s, upd, token), to(s, w[mac]) / fragment(s, w[target], token, offset, False,
                                                               protocol=protocol)]


_after_first_attempts("one over its ports", "upd", 1, "upd", "upd")
_after_first_attempts("one over its flags", "upd", 2, "upd", "upd")
_after_first_attempts("another protocol", "upd", 6, "upd", "upd", 17)
_after_first_attempts("another target", "c1", 6, "c1", "c1")
_after_first_attempts("a neighbour's MAC", "c1", 6, "upd", "c1")


@into("a lone later fragment")
def _(w, s, t, token):
    return [to(s, t) / fragment(s, t, token, 185, False)]


@into("a first fragment")
def _(w, s, t, token):
    return [to(s, t) / fragment(s, t, token, 0, True, raw(udp(token)), 17)]


# ------------------------------------------------------------------------- IPv6 extension headers

def options_header(kind, size):
    return kind(options=[PadN(optdata=b"\0" * min(size - at, 250)) for at in range(0, size, 250)])


def several(kind, count):
    made = kind()
    for _ in range(count - 1):
        made = made / kind()
    return made


def home_address(address):
    """Destination option 201 (RFC 6275): the receiver takes this for the source."""
    return Raw(b"\x06\x02\x01\x02\0\0\xc9\x10" + socket.inet_pton(socket.AF_INET6, address))


def route(kind, address, left=1):
    return IPv6ExtHdrRouting(type=kind, segleft=left, addresses=[address])


CHAINS = {  # name: (first header where scapy does not know it, headers before a permitted segment)
    "hop-by-hop options": (None, lambda w: options_header(IPv6ExtHdrHopByHop, 4)),
    "destination options": (None, lambda w: options_header(IPv6ExtHdrDestOpt, 4)),
    "both options": (None, lambda w: IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()),
    "nine destination options": (None, lambda w: several(IPv6ExtHdrDestOpt, 9)),
    "large destination options": (None, lambda w: options_header(IPv6ExtHdrDestOpt, 1000)),
    "routing type 0": (None, lambda w: route(0, w["c1"].ip6)),
    "routing type 2": (None, lambda w: route(2, w["c1"].ip6)),
    "routing type 3": (None, lambda w: route(3, w["c1"].ip6)),
    "segment routing": (None, lambda w: route(4, w["c1"].ip6)),
    "routing with nothing left": (None, lambda w: route(0, w["c1"].ip6, 0)),
    "home address": (60, lambda w: home_address(w["c1"].ip6)),
    "authentication header": (51, lambda w: Raw(b"\x06\x04\0\0" + b"\0" * 20)),
    "fragment in a fragment": (None, lambda w: IPv6ExtHdrFragment(m=1, id=10)
                               / IPv6ExtHdrFragment(id=11)),
    "options in a first fragment": (None, lambda w: IPv6ExtHdrFragment(m=1, id=12)
                                    / options_header(IPv6ExtHdrDestOpt, 200)),
    "options before a first fragment": (None, lambda w: IPv6ExtHdrDestOpt()
                                        / IPv6ExtHdrFragment(m=1, id=13)),
    # what a permitted server may get: ordinary fragments of a permitted flow
    "atomic fragment": (None, lambda w: IPv6ExtHdrFragment(id=14)),
    "first fragment": (None, lambda w: IPv6ExtHdrFragment(m=1, id=15)),
}
FINE = ("atomic fragment", "first fragment")


def _chain_attempts(name, next_header, make):
    words = {"nh": next_header} if next_header else {}

    @out(f"IPv6 {name}")
    def near(w, s, token):
        return [to(s, w["c1"]) / ip6(s, w["c1"], **words) / make(w) / tcp(token)]

    @out(f"IPv6 {name} to a permitted server", at="upd", may="upd" if name in FINE else "")
    def server(w, s, token):
        return [to(s, w["upd"]) / ip6(s, w["upd"], **words) / make(w) / tcp(token)]

    @into(f"IPv6 {name}")
    def inward(w, s, t, token):
        return [to(s, t) / ip6(s, t, **words) / make(w) / tcp(token)]


for _name, (_next, _make) in CHAINS.items():
    _chain_attempts(_name, _next, _make)


@out("IPv6 without a next header", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / ip6(s, w["upd"], nh=59) / text(token)]


@out("IPv6 lone later fragment to a permitted server", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / ip6(s, w["upd"]) / IPv6ExtHdrFragment(nh=6, offset=100, id=16)
            / text(token)]


@out("IPv6 later fragment over the options of a permitted first", at="upd")
def _(w, s, token):
    upd, ident = w["upd"], int.from_bytes(token[:4], "big")
    head = options_header(IPv6ExtHdrDestOpt, 60) / TCP(sport=1, dport=PERMITTED) / Raw(b"x" * 4)
    return [to(s, upd) / ip6(s, upd) / IPv6ExtHdrFragment(m=1, id=ident) / head,
            to(s, upd) / ip6(s, upd) / IPv6ExtHdrFragment(nh=60, offset=4, id=ident) / text(token)]


# --------------------------------------------------------------------------------- forged senders

SOURCES = {"a neighbour's": lambda w: w["c1"].ip4, "the gateway's": lambda w: w["rt"].ip4,
           "an outside": lambda w: "198.51.100.7", "no": lambda w: "0.0.0.0",
           "a loopback": lambda w: "127.0.0.1", "the server's own": lambda w: w["upd"].ip4,
           "everybody's": lambda w: "255.255.255.255", "a group's": lambda w: "224.0.0.5"}
SOURCES6 = {"a neighbour's": lambda w: w["c1"].ip6, "the gateway's": lambda w: w["rt"].ip6,
            "an outside": lambda w: "2001:db8:bad::7", "no": lambda w: "::",
            "a loopback": lambda w: "::1", "a group's": lambda w: "ff02::1"}


def _source_attempts(name, kind, family, source):
    @out(f"to a permitted server from {name} {kind} address", at="upd")
    def forged(w, s, token):
        target = w["upd"].ip4 if family is IP else w["upd"].ip6
        return [to(s, w["upd"]) / family(src=source(w), dst=target) / tcp(token, flags="S")]


for _name, _source in SOURCES.items():
    _source_attempts(_name, "IPv4", IP, _source)
for _name, _source in SOURCES6.items():
    _source_attempts(_name, "IPv6", IPv6, _source)
