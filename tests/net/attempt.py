"""What a contained endpoint may try in order to be heard, and what others may try to reach it.

OUT: attempts of 's' at anybody; IN: attempts of 's' at 't'.  Each is a function of the campus 'w'
that gives frames with the token in them.  'at' is where the attempt of a free sender arrives (its
twin), 'may' where that of a contained one is permitted to.

What is sent to everybody in a permitted server's name by a free client of another switch comes in
by the uplink, as the server's own would: here nobody can tell them apart (UPLINK_LIES).
"""
from collections import namedtuple

from scapy.all import ARP, BOOTP, DHCP, IP, IPv6, TCP, UDP, Ether, Raw


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


def arp(s, mac, token, **words):
    return Ether(src=s.mac, dst=mac) / ARP(**{"hwsrc": s.mac, "psrc": s.ip4, **words}) / text(token)


def dhcp(s, token, kind="discover", chaddr=None, source="0.0.0.0", target="255.255.255.255",
         client_id=None, **boot):
    mac = bytes.fromhex((chaddr or s.mac).replace(":", ""))
    options = [("message-type", kind)] + ([("client_id", client_id)] if client_id else [])
    return IP(src=source, dst=target) / UDP(sport=68, dport=67) / BOOTP(
        chaddr=mac + b"\0" * 10, xid=int.from_bytes(token[:4], "big"), **boot) \
        / DHCP(options=options + [("hostname", b"h" + token), "end"])
