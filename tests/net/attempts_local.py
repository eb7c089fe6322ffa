"""What a contained endpoint may try on its own network: ARP, neighbour discovery, DHCP, groups.  See
attempt.py for what an attempt is."""
import socket

from attempt import (ALL, STRANGER, NOBODY4, NOBODY6, SERVERS, out, into, text, to, ip, ip6, udp,
                     tcp, arp, dhcp)
from attempts_routed import _beside_attempts, BESIDE, options_header
from scapy.all import (BOOTP, DHCP, IP, IPv6, UDP, Ether, ICMPv6MLReport, ICMPv6ND_NA,
                       ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ND_RS,
                       ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPOption, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw)


# -------------------------------------------------------------------------------------------- ARP

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
