"""What a contained endpoint may try in order to be heard, and what others may try to reach it.

OUT: attempts of 's' at anybody; IN: attempts of 's' at 't'.  Each is a function of the campus 'w'
that gives frames with the token in them.  'at' is where the attempt of a free sender arrives (its
twin), 'may' where that of a contained one is permitted to.

What is sent to everybody in a permitted server's name by a free client of another switch comes in
by the uplink, as the server's own would: here nobody can tell them apart (UPLINK_LIES).
"""
import socket
import struct
from collections import namedtuple

from scapy.all import (ARP, BOOTP, DHCP, GRE, ICMP, IP, IPv6, LLC, SNAP, STP, TCP, UDP, VXLAN,
                       Dot3, Ether, ICMPv6EchoRequest, ICMPv6MLReport, ICMPv6ND_NA, ICMPv6ND_NS,
                       ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ND_RS, ICMPv6NDOptDstLLAddr,
                       ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, IPOption, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, raw)
from wire import Whole

ALL = "ff:ff:ff:ff:ff:ff"
STRANGER = "02:00:00:00:0e:0e"  # a MAC that nobody has
NOBODY4, NOBODY6 = "10.77.0.250", "2001:db8:77::bad"  # addresses that nobody has
PERMITTED = 443  # the port at upd
# Where a broadcast goes that is permitted at all: machines on server ports.
SERVERS = "svc upd web rt"

Attempt = namedtuple("Attempt", "make at may")
OUT, IN = {}, {}
UPLINK_LIES = ("who-has to everybody, asked as a permitted server", "router advertisement")


def out(name, at="c1", may=""):
    def keep(make):
        assert name not in OUT, name
        OUT[name] = Attempt(make, at, tuple(may.split()))
        return make
    return keep


def into(name):
    def keep(make):
        assert name not in IN, name
        IN[name] = Attempt(make, None, ())
        return make
    return keep


def text(token):
    return Raw(b"odd" + token + b"odd")


def to(s, t, **words):
    return Ether(src=s.mac, dst=t.mac, **words)


def ip(s, t, **words):
    return IP(src=s.ip4, dst=t.ip4, **words)


def ip6(s, t, **words):
    return IPv6(src=s.ip6, dst=t.ip6, **words)


def udp(token, port=9, sport=40001):
    return UDP(sport=sport, dport=port) / text(token)


def tcp(token, port=PERMITTED, flags="PA", sport=40001):
    return TCP(sport=sport, dport=port, flags=flags, seq=1, ack=1) / text(token)


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


# -------------------------------------------------------------------------------------------- ARP

def arp(s, mac, token, **words):
    return Ether(src=s.mac, dst=mac) / ARP(**{"hwsrc": s.mac, "psrc": s.ip4, **words}) / text(token)


def _arp_attempts(name, at, mac, words):
    @out(name, at=at)
    def claim(w, s, token):
        return [arp(s, mac(w), token, **words(w, s))]


def everybody(w):
    return ALL


ARPS = {
    "announcement of its own address": (
        "c4", everybody, lambda w, s: {"op": 1, "pdst": s.ip4}),
    "announcement of the gateway's address": (
        "c4", everybody, lambda w, s: {"op": 1, "psrc": w["rt"].ip4, "pdst": w["rt"].ip4}),
    "announcement of a neighbour's address": (
        "c4", everybody, lambda w, s: {"op": 2, "psrc": w["c5"].ip4, "pdst": w["c5"].ip4}),
    "ARP reply: I am the gateway": (
        "c1", lambda w: w["c1"].mac, lambda w, s: {
            "op": 2, "psrc": w["rt"].ip4, "hwdst": w["c1"].mac, "pdst": w["c1"].ip4}),
    "ARP reply to a permitted server: I am a neighbour": (
        "upd", lambda w: w["upd"].mac, lambda w, s: {
            "op": 2, "psrc": w["c5"].ip4, "hwdst": w["upd"].mac, "pdst": w["upd"].ip4}),
    "ARP reply to a permitted server: I am the gateway": (
        "upd", lambda w: w["upd"].mac, lambda w, s: {
            "op": 2, "psrc": w["rt"].ip4, "hwdst": w["upd"].mac, "pdst": w["upd"].ip4}),
    "who-has a permitted server, asked as a neighbour": (
        "upd", everybody, lambda w, s: {"op": 1, "psrc": w["c5"].ip4, "pdst": w["upd"].ip4}),
    "who-has a permitted server, asked as the gateway": (
        "upd", everybody, lambda w, s: {"op": 1, "psrc": w["rt"].ip4, "pdst": w["upd"].ip4}),
    "who-has the gateway, asked as a server": (
        "rt", everybody, lambda w, s: {"op": 1, "psrc": w["web"].ip4, "pdst": w["rt"].ip4}),
    "who-has a permitted server, in another MAC's name": (
        "upd", everybody, lambda w, s: {"op": 1, "hwsrc": w["c5"].mac, "pdst": w["upd"].ip4}),
    "probe for a permitted server's address": (
        "upd", everybody, lambda w, s: {"op": 1, "psrc": "0.0.0.0", "pdst": w["upd"].ip4}),
    "reverse ARP": ("upd", everybody, lambda w, s: {"op": 3, "psrc": "0.0.0.0", "pdst": "0.0.0.0"}),
    "inverse ARP": ("upd", everybody, lambda w, s: {"op": 8, "pdst": w["upd"].ip4}),
    "ARP of another hardware": (
        "upd", everybody, lambda w, s: {"op": 1, "hwtype": 6, "pdst": w["upd"].ip4}),
}
for _name, (_at, _mac, _words) in ARPS.items():
    _arp_attempts(_name, _at, _mac, _words)


@into("ARP reply")
def _(w, s, t, token):
    return [arp(s, t.mac, token, op=2, hwdst=t.mac, pdst=t.ip4)]


@into("ARP reply: I am a permitted server")
def _(w, s, t, token):
    return [arp(s, t.mac, token, op=2, psrc=w["upd"].ip4, hwdst=t.mac, pdst=t.ip4)]


@into("who-has to everybody")
def _(w, s, t, token):
    return [arp(s, ALL, token, op=1, pdst=t.ip4)]


@into("who-has to everybody, asked as a permitted server")
def _(w, s, t, token):
    return [arp(s, ALL, token, op=1, psrc=w["upd"].ip4, pdst=t.ip4)]


# ---------------------------------------------------------------------------- neighbour discovery

ALL_NODES = ("33:33:00:00:00:01", "ff02::1")
ALL_ROUTERS = ("33:33:00:00:00:02", "ff02::2")


def solicited(address):
    tail = socket.inet_pton(socket.AF_INET6, address)[13:]
    return "33:33:ff:" + tail.hex(":"), f"ff02::1:ff{tail[0]:02x}:{tail[1]:02x}{tail[2]:02x}"


def link_local(mac):
    m = bytes.fromhex(mac.replace(":", ""))
    return socket.inet_ntop(socket.AF_INET6, b"\xfe\x80" + b"\0" * 6 + bytes([m[0] ^ 2]) + m[1:3]
                            + b"\xff\xfe" + m[3:])


def nd(s, target, body, source=None):
    mac, address = target
    return Ether(src=s.mac, dst=mac) / IPv6(src=source or s.ip6, dst=address, hlim=255) / body


def nonce(token):
    return Raw(b"\x0e\x01" + token)


def at_host(host):
    return host.mac, host.ip6


def no_router(token):
    """A router advertisement that changes nothing: no default router, no prefix."""
    return ICMPv6ND_RA(routerlifetime=0) / nonce(token)


@out("router advertisement", at="c4")
def _(w, s, token):
    return [nd(s, ALL_NODES, no_router(token), link_local(s.mac))]


@out("router advertisement to a neighbour")
def _(w, s, token):
    return [nd(s, at_host(w["c1"]), no_router(token), link_local(s.mac))]


@out("router advertisement behind options", at="c4")
def _(w, s, token):
    return [nd(s, ALL_NODES, IPv6ExtHdrDestOpt() / no_router(token), link_local(s.mac))]


@out("router advertisement in a fragment", at="c4")
def _(w, s, token):
    return [nd(s, ALL_NODES, IPv6ExtHdrFragment(m=1, id=3) / no_router(token), link_local(s.mac))]


@out("neighbour advertisement of its own address", at="c4", may=SERVERS)
def _(w, s, token):
    return [nd(s, ALL_NODES, ICMPv6ND_NA(tgt=s.ip6, R=0, S=0, O=1) / nonce(token))]


@out("neighbour advertisement of another's address", at="c4")
def _(w, s, token):
    return [nd(s, ALL_NODES, ICMPv6ND_NA(tgt="2001:db8:bad::1", R=1, S=0, O=1)
               / ICMPv6NDOptDstLLAddr(lladdr=s.mac) / nonce(token))]


@out("neighbour advertisement of another's address to a permitted server", at="upd")
def _(w, s, token):
    return [nd(s, at_host(w["upd"]), ICMPv6ND_NA(tgt=NOBODY6, R=0, S=1, O=1)
               / ICMPv6NDOptDstLLAddr(lladdr=s.mac) / nonce(token))]


@out("neighbour solicitation to everybody", at="c4")
def _(w, s, token):
    return [nd(s, ALL_NODES, ICMPv6ND_NS(tgt=w["c4"].ip6) / nonce(token))]


@out("solicitation of a permitted server to a neighbour")
def _(w, s, token):
    return [nd(s, at_host(w["c1"]), ICMPv6ND_NS(tgt=w["upd"].ip6) / nonce(token))]


@out("solicitation of a permitted server to everybody", at="c4")
def _(w, s, token):
    return [nd(s, ALL_NODES, ICMPv6ND_NS(tgt=w["upd"].ip6) / nonce(token))]


@out("solicitation of a permitted server sent to the Internet", at="world")
def _(w, s, token):
    return [nd(s, (w["rt"].mac, w["world"].ip6), ICMPv6ND_NS(tgt=w["upd"].ip6) / nonce(token))]


@out("router solicitation sent to the Internet", at="world")
def _(w, s, token):
    return [nd(s, (w["rt"].mac, w["world"].ip6), ICMPv6ND_RS() / nonce(token))]


@out("neighbour advertisement sent to the Internet", at="world")
def _(w, s, token):
    return [nd(s, (w["rt"].mac, w["world"].ip6), ICMPv6ND_NA(tgt=s.ip6) / nonce(token))]


@out("solicitation of a permitted server with another's option", at="upd")
def _(w, s, token):
    return [nd(s, solicited(w["upd"].ip6), ICMPv6ND_NS(tgt=w["upd"].ip6)
               / ICMPv6NDOptSrcLLAddr(lladdr=w["c5"].mac) / nonce(token))]


@out("solicitation of a permitted server as a neighbour", at="upd")
def _(w, s, token):
    return [nd(s, solicited(w["upd"].ip6), ICMPv6ND_NS(tgt=w["upd"].ip6) / nonce(token),
               w["c5"].ip6)]


@out("solicitation of a permitted server with much behind it", at="upd")
def _(w, s, token):
    return [nd(s, solicited(w["upd"].ip6), ICMPv6ND_NS(tgt=w["upd"].ip6)
               / Raw(b"\x0e\x08" + b"x" * 56 + token))]


@out("solicitation of a permitted server", at="upd", may=SERVERS)
def _(w, s, token):
    return [nd(s, solicited(w["upd"].ip6), ICMPv6ND_NS(tgt=w["upd"].ip6) / nonce(token))]


@out("router solicitation to everybody", at="c4")
def _(w, s, token):
    return [nd(s, ALL_NODES, ICMPv6ND_RS() / nonce(token), link_local(s.mac))]


@out("router solicitation", at="rt", may=SERVERS)
def _(w, s, token):
    return [nd(s, ALL_ROUTERS, ICMPv6ND_RS() / nonce(token), link_local(s.mac))]


@out("router solicitation to a neighbour")
def _(w, s, token):
    return [nd(s, at_host(w["c1"]), ICMPv6ND_RS() / nonce(token), link_local(s.mac))]


@out("redirect")
def _(w, s, token):
    return [nd(s, at_host(w["c1"]), ICMPv6ND_Redirect(tgt=link_local(s.mac), dst="2001:db8:bad::3")
               / nonce(token), link_local(w["rt"].mac))]


@out("detection of a double address", at="c4")
def _(w, s, token):
    return [nd(s, solicited(NOBODY6), ICMPv6ND_NS(tgt=NOBODY6) / nonce(token), "::")]


@into("router advertisement")
def _(w, s, t, token):
    return [nd(s, ALL_NODES, no_router(token), link_local(s.mac))]


@into("router advertisement in the gateway's name")
def _(w, s, t, token):
    return [nd(s, (t.mac, "ff02::1"), ICMPv6ND_RA(routerlifetime=1800) / nonce(token),
               link_local(w["rt"].mac))]


@into("neighbour advertisement")
def _(w, s, t, token):
    return [nd(s, at_host(t), ICMPv6ND_NA(tgt="2001:db8:bad::2", O=0) / nonce(token))]


@into("neighbour advertisement as a permitted server")
def _(w, s, t, token):
    return [nd(s, at_host(t), ICMPv6ND_NA(tgt=w["upd"].ip6, O=0) / nonce(token), w["upd"].ip6)]


@into("neighbour solicitation as a permitted server")
def _(w, s, t, token):
    return [nd(s, at_host(t), ICMPv6ND_NS(tgt=t.ip6) / nonce(token), w["upd"].ip6)]


@into("redirect")
def _(w, s, t, token):
    return [nd(s, at_host(t), ICMPv6ND_Redirect(tgt="2001:db8:bad::2", dst="2001:db8:bad::3")
               / nonce(token), link_local(w["rt"].mac))]


# ------------------------------------------------------------------------------------------- DHCP

def dhcp(s, token, kind="discover", chaddr=None, source="0.0.0.0", target="255.255.255.255",
         client_id=None, **boot):
    mac = bytes.fromhex((chaddr or s.mac).replace(":", ""))
    options = [("message-type", kind)] + ([("client_id", client_id)] if client_id else [])
    return IP(src=source, dst=target) / UDP(sport=68, dport=67) / BOOTP(
        chaddr=mac + b"\0" * 10, xid=int.from_bytes(token[:4], "big"), **boot) \
        / DHCP(options=options + [("hostname", b"h" + token), "end"])


for _name, (_at, _mac, _may) in BESIDE.items():
    _beside_attempts(_name, _at, _mac, _may)


def _dhcp_attempts(name, words):
    @out(name, at="svc")
    def request(w, s, token):
        given = words(w, s)
        mac = w["svc"].mac if "target" in given else ALL
        return [Ether(src=s.mac, dst=mac) / dhcp(s, token, **given)]


DHCPS = {
    "DHCP with another's MAC in it": lambda w, s: {"chaddr": "02:00:00:00:0d:01"},
    "DHCP as a relay": lambda w, s: {"giaddr": w["c1"].ip4},
    "DHCP over hops": lambda w, s: {"hops": 2},
    "DHCP from another's address": lambda w, s: {"source": w["c1"].ip4},
    "DHCP inform with another's address": lambda w, s: {"kind": "inform", "ciaddr": w["c1"].ip4},
    "DHCP release of another's lease": lambda w, s: {
        "kind": "release", "ciaddr": w["c5"].ip4, "source": w["c5"].ip4, "target": w["svc"].ip4,
        "client_id": b"campus-nobody"},
    "DHCP release of another's lease from its own address": lambda w, s: {
        "kind": "release", "ciaddr": w["c5"].ip4, "source": s.ip4, "target": w["svc"].ip4,
        "client_id": b"campus-nobody"},
}
for _name, _words in DHCPS.items():
    _dhcp_attempts(_name, _words)


@out("DHCP offer", at="c4")
def _(w, s, token):
    return [Ether(src=s.mac, dst=ALL) / IP(src=s.ip4, dst="255.255.255.255") / UDP(sport=67, dport=68)
            / BOOTP(op=2, xid=1) / DHCP(options=[("message-type", "offer"), ("hostname", token),
                                                "end"])]


@out("DHCP to a host that is no DHCP server", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / dhcp(s, token, source=s.ip4, target=w["upd"].ip4)]


@out("from the DHCP client's port", at="upd")
def _(w, s, token):
    return [to(s, w["upd"]) / ip(s, w["upd"]) / UDP(sport=68, dport=443) / text(token)]


def _dhcp6_attempts(name, kind, at, mac, address, ports, may=""):
    @out(name, at=at, may=may)
    def message(w, s, token):
        return [Ether(src=s.mac, dst=mac) / IPv6(src=link_local(s.mac), dst=address)
                / UDP(sport=ports[0], dport=ports[1]) / Raw(bytes([kind]) + b"\0" * 33 + token)]


_dhcp6_attempts("DHCPv6 as a relay", 12, "c4", "33:33:00:01:00:02", "ff02::1:2", (546, 547))
_dhcp6_attempts("DHCPv6 as a server to a relay", 13, "c4", "33:33:00:01:00:02", "ff02::1:2",
                (546, 547))
_dhcp6_attempts("DHCPv6 reply", 7, "c4", "33:33:00:00:00:01", "ff02::1", (547, 546))
_dhcp6_attempts("DHCPv6 solicitation", 1, "svc", "33:33:00:01:00:02", "ff02::1:2", (546, 547),
                SERVERS)


# ----------------------------------------------------------------------------------------- groups

GROUPS = {"broadcast": (ALL, "255.255.255.255"), "directed broadcast": (ALL, "10.77.0.255"),
          "mDNS": ("01:00:5e:00:00:fb", "224.0.0.251"),
          "SSDP": ("01:00:5e:7f:ff:fa", "239.255.255.250"),
          "LLMNR": ("01:00:5e:00:00:fc", "224.0.0.252"),
          "one's address, everybody's MAC": (ALL, None)}


def _group_attempts(name, mac, address):
    @out(name, at="c4")
    def outward(w, s, token):
        return [Ether(src=s.mac, dst=mac) / IP(src=s.ip4, dst=address or w["c4"].ip4, ttl=1)
                / udp(token, 5353)]

    @into(name)
    def inward(w, s, t, token):
        return [Ether(src=s.mac, dst=mac) / IP(src=s.ip4, dst=address or t.ip4, ttl=1)
                / udp(token, 5353)]


for _name, (_mac, _address) in GROUPS.items():
    _group_attempts(_name, _mac, _address)


@out("IGMP report", at="c4")
def _(w, s, token):
    return [Ether(src=s.mac, dst="01:00:5e:00:00:16") / IP(
        src=s.ip4, dst="224.0.0.22", proto=2, ttl=1, options=IPOption(b"\x94\x04\0\0"))
        / Raw(b"\x22\0\0\0" + token)]


@out("MLD report", at="c4")
def _(w, s, token):
    return [Ether(src=s.mac, dst="33:33:00:00:00:16") / IPv6(src=link_local(s.mac), dst="ff02::16",
                                                            hlim=1)
            / options_header(IPv6ExtHdrHopByHop, 4) / ICMPv6MLReport() / Raw(token)]


@out("IPv6 to all nodes", at="c4")
def _(w, s, token):
    return [Ether(src=s.mac, dst=ALL_NODES[0]) / IPv6(src=s.ip6, dst="ff02::1") / udp(token)]


@out("a permitted server's address to all nodes", at="c4")
def _(w, s, token):
    return [Ether(src=s.mac, dst=ALL_NODES[0]) / ip6(s, w["upd"]) / tcp(token)]


@into("IPv6 to all nodes")
def _(w, s, t, token):
    return [Ether(src=s.mac, dst=ALL_NODES[0]) / IPv6(src=s.ip6, dst="ff02::1") / udp(token)]


@into("its address, nobody's MAC")
def _(w, s, t, token):
    return [Ether(src=s.mac, dst=STRANGER) / ip(s, t) / udp(token)]


@into("its MAC, nobody's address")
def _(w, s, t, token):
    return [to(s, t) / IP(src=s.ip4, dst=NOBODY4) / udp(token)]


# --------------------------------------------------------------------- inwards, in a server's name

@into("UDP")
def _(w, s, t, token):
    return [to(s, t) / ip(s, t) / udp(token)]


@into("TCP SYN")
def _(w, s, t, token):
    return [to(s, t) / ip(s, t) / tcp(token, 445, "S")]


@into("echo")
def _(w, s, t, token):
    return [to(s, t) / ip(s, t) / ICMP() / text(token)]


@into("TCP as a permitted server")
def _(w, s, t, token):
    return [to(s, t) / ip(w["upd"], t) / tcp(token, 40001, "PA", PERMITTED)]


@into("SYN and ACK as a permitted server")
def _(w, s, t, token):
    return [to(s, t) / ip(w["upd"], t) / tcp(token, 40001, "SA", PERMITTED)]


@into("TCP by IPv6 as a permitted server")
def _(w, s, t, token):
    return [to(s, t) / ip6(w["upd"], t) / tcp(token, 40001, "PA", PERMITTED)]


@into("a later fragment as a permitted server")
def _(w, s, t, token):
    head = raw(TCP(sport=PERMITTED, dport=40001, flags="A")) + b"x" * 28
    return [to(s, t) / fragment(w["upd"], t, token, 0, True, head),
            to(s, t) / fragment(w["upd"], t, token, 6, False)]


@into("DHCP offer as the DHCP server")
def _(w, s, t, token):
    return [to(s, t) / ip(w["svc"], t) / UDP(sport=67, dport=68) / BOOTP(op=2, xid=1) / DHCP(
        options=[("message-type", "offer"), ("hostname", token), "end"])]


@into("DNS answer as the resolver")
def _(w, s, t, token):
    return [to(s, t) / ip(w["svc"], t) / UDP(sport=53, dport=40001)
            / Raw(token[:2] + b"\x81\x80" + b"\0" * 8 + token)]


@into("ICMP error about a permitted flow")
def _(w, s, t, token):
    return [to(s, t) / ip(s, t) / ICMP(type=3, code=4, nexthopmtu=1400)
            / Raw(raw(ip(t, w["upd"]) / TCP(sport=40001, dport=PERMITTED)) + token)]


@into("ICMPv6 error about a permitted flow")
def _(w, s, t, token):
    return [to(s, t) / ip6(s, t) / ICMPv6PacketTooBig(mtu=1400)
            / Raw(raw(ip6(t, w["upd"]) / TCP(sport=40001, dport=PERMITTED)) + token)]
