"""All attempts (attempt.py): these modules put theirs into OUT and IN when they are imported; here are
those inwards, in a server's name."""
# Tests make frames of their own with what is imported here: it is not all for this file.
from attempt import (ALL, PERMITTED, OUT, IN, UPLINK_LIES, into, text, to, ip, ip6, udp,  # noqa: F401
                     tcp, arp, dhcp)
from attempts_local import (ALL_NODES, ALL_ROUTERS, solicited, link_local, nd, nonce,  # noqa: F401
                            at_host, no_router)
from attempts_routed import fragment
from scapy.all import (BOOTP, DHCP, ICMP, IP, IPv6, TCP, UDP, Ether, ICMPv6ND_NA,  # noqa: F401
                       ICMPv6ND_NS, ICMPv6ND_RS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr,
                       ICMPv6PacketTooBig, Raw, raw)


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
