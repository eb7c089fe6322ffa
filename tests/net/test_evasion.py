"""A contained endpoint tries to be heard, others try to reach it, and an outsider tries to have an
innocent one blocked or a block lifted.  The frames are such as no well-meant stack sends
(attempts.py); taps on every other machine say where each arrives.  For each there is a free twin,
whose frames of the same kind do arrive."""
import time

import attempts
import campus as places
import pytest
import wire
from netns import wait_for
from probes import Ping, Tls, can, cannot

EVERYBODY = places.CLIENTS + places.SERVERS + places.OUTSIDE + (places.VMS,)


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)
    for client in (campus["c2"], campus["c3"]):
        can(Ping(campus["c1"].ip4), client)
        can(Ping(campus["c4"].ip6), client)
        can(Tls(campus["upd"].ip4, "update.campus.test"), client)


def introduce(campus):
    """Everybody speaks, so that the switches know where all are."""
    for name in EVERYBODY:
        if name not in places.OUTSIDE + ("c2", "rt"):
            Ping(campus["rt"].ip4).ask(campus[name])
            Ping(campus["rt"].ip6).ask(campus[name])


def heal(campus):
    """What lies have left in the caches of the clients goes."""
    for client in campus.clients:
        client.ns.ip("neigh flush dev eth0")
    introduce(campus)


@pytest.fixture(scope="module")
def contained(campus, cordon, c2):
    told = cordon.api.post("/containments", {
        "action": "isolate", "endpoint_id": cordon.endpoint(c2)["id"], "permit_set": "updates",
        "reason": "a test"})
    cordon.wait_state("verified", c2, "isolate")
    return told


def tried(taps, sender, names, make, has_arrived):
    """{attempt: {host: frames}}.  What should arrive is tried again: on a busy machine a frame may be lost."""
    found = wire.arrivals(taps, sender, names, make)
    for _ in range(3):
        lost = [name for name in names if not has_arrived(name, found[name])]
        if not lost:
            break
        found.update(wire.arrivals(taps, sender, lost, make))
    return found


@pytest.fixture(scope="module")
def outwards(campus, contained, c2, c3):
    """{sender: {attempt: {host: frames that arrived}}}"""
    found = {}
    for sender in (c2, c3):
        introduce(campus)
        others = [campus[name] for name in EVERYBODY if name != sender.name]
        with wire.Tap(others) as taps:
            found[sender.name] = tried(
                taps, sender, attempts.OUT,
                lambda name, token: attempts.OUT[name].make(campus, sender, token),
                lambda name, hosts: sender is c2 or attempts.OUT[name].at in hosts)
    heal(campus)
    return found


@pytest.mark.parametrize("name", list(attempts.OUT))
def test_it_is_not_heard(outwards, name):
    attempt = attempts.OUT[name]
    arrived = {host: n for host, n in outwards["c2"][name].items() if host not in attempt.may}
    assert not arrived, f"of c2 there arrived: {arrived}"
    assert attempt.at in outwards["c3"][name], "its free twin is not heard either"


@pytest.fixture(scope="module")
def inwards(campus, contained, c2, c3):
    """{sender: {target: {attempt: {host: frames that arrived}}}}"""
    found = {}
    for sender in (campus["c1"], campus["c4"]):
        found[sender.name] = {}
        for target in (c2, c3):
            introduce(campus)
            with wire.Tap([target]) as taps:
                found[sender.name][target.name] = tried(
                    taps, sender, attempts.IN,
                    lambda name, token: attempts.IN[name].make(campus, sender, target, token),
                    lambda name, hosts: target is c2 or hosts)
    heal(campus)
    return found


@pytest.mark.parametrize("sender", ["c1", "c4"])
@pytest.mark.parametrize("name", list(attempts.IN))
def test_it_is_not_reached(inwards, name, sender):
    is_beside = sender == "c1"  # on the same switch
    if is_beside or name not in attempts.UPLINK_LIES:
        assert not inwards[sender]["c2"][name], "it reached c2"
    assert inwards[sender]["c3"][name], "it does not reach the free twin either"


# --------------------------------------------------------------- lies: whose MAC, whose address

def learnt_at(campus, switch, mac):
    """The ports where a bridge has that MAC."""
    found = campus.machines[switch].run("bridge", "fdb", "show", "br", "br0").stdout
    return {line.split()[2] for line in found.splitlines()
            if line.startswith(mac) and "permanent" not in line}


def disguised(campus, client, mac):
    """All that a held port would let pass of a newcomer, and more, from another MAC."""
    class Other:
        ip4, ip6 = client.ip4, client.ip6
    Other.mac = mac
    token = b"\x77" * 6
    upd = campus["upd"]
    return [attempts.Ether(src=mac, dst=attempts.ALL) / attempts.dhcp(Other, token),
            attempts.arp(Other, attempts.ALL, token, op=1, pdst=upd.ip4),
            attempts.arp(Other, attempts.ALL, token, op=1, psrc="0.0.0.0", pdst=upd.ip4),
            attempts.to(Other, upd) / attempts.ip(Other, upd) / attempts.tcp(token, flags="S"),
            attempts.nd(Other, attempts.ALL_ROUTERS, attempts.ICMPv6ND_RS(), "::"),
            attempts.nd(Other, attempts.ALL_ROUTERS, attempts.ICMPv6ND_RS(),
                        attempts.link_local(mac)),
            attempts.Ether(src=mac, dst=attempts.ALL, type=0x88b5) / attempts.text(token)] * 3


@pytest.mark.parametrize("victim", ["c1", "c3", "c4", "rt", "upd", "svc", "web"])
def test_it_cannot_draw_anothers_traffic_by_its_mac(campus, contained, c2, victim):
    """Frames from another's MAC would teach the switches that it is here."""
    introduce(campus)
    target = campus[victim]
    before = {switch: learnt_at(campus, switch, target.mac) for switch in places.SWITCHES}
    assert all(before.values()), f"{victim} is not known: {before}"
    for _ in range(3):
        wire.put(c2, disguised(campus, c2, target.mac))
        assert {s: learnt_at(campus, s, target.mac) for s in places.SWITCHES} == before
    can(Ping(target.ip4), campus["c5"])


def test_a_free_client_can_do_that(campus, contained, c3, c6):
    """The twin: the switches do learn from such frames.  (c6's MAC, which c6 takes back.)"""
    introduce(campus)
    before = learnt_at(campus, "e1", c6.mac)

    def is_drawn():  # until c6 itself speaks, which an answer to these frames may make it do
        wire.put(c3, disguised(campus, c3, c6.mac))
        return learnt_at(campus, "e1", c6.mac) != before
    wait_for(is_drawn, "frames for c6 would go to c3", 30)
    wait_for(lambda: Ping(campus["c1"].ip4).ask(c6)[0] and
             learnt_at(campus, "e1", c6.mac) == before, "c6 has its MAC again", 30)


def test_a_newcomer_on_its_port_gets_what_the_hold_permits(campus, contained, c2):
    """A MAC that nobody has, behind the same port: held, but it may ask for an address."""
    stranger = "02:00:00:00:0f:0f"
    frames = [attempts.Ether(src=stranger, dst=attempts.ALL) / attempts.dhcp(
        c2, b"\x78" * 6, chaddr=stranger)]
    with wire.Tap([campus["svc"], campus["c1"]]) as taps:
        def heard():
            wire.put(c2, frames)
            return {host for host, data in taps.frames(0.1) if b"\x78" * 6 in data}
        assert wait_for(heard, "its request at the DHCP server", 30) == {"svc"}


CLAIMS = {  # what it says it has: by ARP, by packets with that source
    "the gateway's": lambda w: (w["rt"].ip4, w["rt"].ip6),
    "a server's": lambda w: (w["web"].ip4, w["web"].ip6),
    "a neighbour's": lambda w: (w["c1"].ip4, w["c1"].ip6),
    "a far neighbour's": lambda w: (w["c5"].ip4, w["c5"].ip6),
}


@pytest.mark.parametrize("name", list(CLAIMS))
def test_it_cannot_claim_anothers_address(campus, cordon, contained, c1, c2, name):
    """However often it says so, permitted servers are told nothing of the kind; and it stays
    contained."""
    ip4, ip6 = CLAIMS[name](campus)
    upd, token = campus["upd"], b"\x79" * 6
    introduce(campus)
    for client in (c1, campus["c5"]):  # it is asked for that address, not for a temporary one alone
        campus["web"].ns.ip("neigh flush dev eth0")
        client.ns.ip("neigh flush dev eth0")
        client.run("ping", "-c1", "-W2", "-n", "-I", client.ip6, campus["web"].ip6)
    said = [attempts.arp(c2, attempts.ALL, token, op=1, psrc=ip4, pdst=ip4),
            attempts.to(c2, upd) / attempts.IP(src=ip4, dst=upd.ip4) / attempts.udp(token),
            attempts.to(c2, upd) / attempts.IPv6(src=ip6, dst=upd.ip6) / attempts.udp(token),
            attempts.nd(c2, attempts.ALL_NODES, attempts.ICMPv6ND_NA(tgt=ip6, S=0, O=1)
                        / attempts.ICMPv6NDOptDstLLAddr(lladdr=c2.mac) / attempts.nonce(token), ip6)]
    asked = [attempts.arp(c2, attempts.ALL, token, op=1, psrc=ip4, pdst=upd.ip4),
             attempts.arp(c2, upd.mac, token, op=2, psrc=ip4, hwdst=upd.mac, pdst=upd.ip4),
             attempts.nd(c2, attempts.solicited(upd.ip6), attempts.ICMPv6ND_NS(tgt=upd.ip6)
                         / attempts.ICMPv6NDOptSrcLLAddr(lladdr=c2.mac) / attempts.nonce(token), ip6),
             attempts.nd(c2, attempts.at_host(upd), attempts.ICMPv6ND_NA(tgt=ip6, S=0, O=1)
                         / attempts.ICMPv6NDOptDstLLAddr(lladdr=c2.mac) / attempts.nonce(token), ip6),
             attempts.to(c2, upd) / attempts.IP(src=ip4, dst=upd.ip4) / attempts.tcp(token),
             attempts.to(c2, upd) / attempts.IPv6(src=ip6, dst=upd.ip6) / attempts.tcp(token)]
    with wire.Tap([upd, campus["rt"], campus["svc"]]) as taps:
        for _ in range(10):  # whatever the controller makes of it has come back by then
            wire.put(c2, said + asked)
            heard = [data for _, data in taps.frames(0.2) if token in data]
            assert not heard, f"heard {len(heard)}: {attempts.Ether(heard[0]).summary()}"
    assert cordon.api.get(f"/containments/{contained['id']}")["state"] == "verified"
    cannot(Ping(c1.ip4), c2, twin=campus["c3"])


# ------------------------------------------------- an outsider: to have one blocked, or a block lifted

def isolated(cordon):
    """Endpoints that are isolated, by what the API says."""
    return {c.get("endpoint_id") for c in cordon.containments(action="isolate", pending=False)}


def frames_of_outsider(campus, c2, liar, name):
    victim, svc = campus["c5"], campus["svc"]
    token = b"\x7a" * 6

    class As:
        """The liar's frames in another's name."""
        def __init__(self, mac, ip4, ip6):
            self.mac, self.ip4, self.ip6 = mac, ip4, ip6
    own = As(liar.mac, liar.ip4, liar.ip6)
    bad = As(c2.mac, c2.ip4, c2.ip6)
    innocent = As(victim.mac, victim.ip4, victim.ip6)
    everybody = attempts.ALL
    return {
        "its DHCP client id, from the liar": lambda: [
            attempts.Ether(src=own.mac, dst=everybody) / attempts.dhcp(
                own, token, kind="request", client_id=b"campus-c2")],
        "its DHCP client id, from an innocent's MAC": lambda: [
            attempts.Ether(src=innocent.mac, dst=everybody) / attempts.dhcp(
                innocent, token, kind="request", client_id=b"campus-c2")],
        "its DHCP client id, about an innocent": lambda: [
            attempts.Ether(src=own.mac, dst=everybody) / attempts.dhcp(
                own, token, kind="request", chaddr=innocent.mac, client_id=b"campus-c2")],
        "an innocent's DHCP client id, from its MAC": lambda: [
            attempts.Ether(src=bad.mac, dst=everybody) / attempts.dhcp(
                bad, token, kind="request", client_id=b"campus-c5")],
        "DHCP release in its name": lambda: [
            attempts.to(own, svc) / attempts.dhcp(own, token, kind="release", chaddr=bad.mac,
                                                  ciaddr=bad.ip4, source=bad.ip4, target=svc.ip4,
                                                  client_id=b"campus-c2")],
        "DHCP answer: its address is an innocent's": lambda: [
            attempts.Ether(src=own.mac, dst=everybody) / attempts.IP(
                src=svc.ip4, dst="255.255.255.255") / attempts.UDP(sport=67, dport=68)
            / attempts.BOOTP(op=2, yiaddr=bad.ip4, chaddr=bytes.fromhex(
                innocent.mac.replace(":", "")) + b"\0" * 10) / attempts.DHCP(options=[
                    ("message-type", "ack"), ("lease_time", 3600), ("server_id", svc.ip4),
                    ("client_id", b"campus-c2"), "end"])],
        "DHCP answer: it is the gateway": lambda: [
            attempts.Ether(src=own.mac, dst=everybody) / attempts.IP(
                src=svc.ip4, dst="255.255.255.255") / attempts.UDP(sport=67, dport=68)
            / attempts.BOOTP(op=2, yiaddr=campus["rt"].ip4, chaddr=bytes.fromhex(
                bad.mac.replace(":", "")) + b"\0" * 10) / attempts.DHCP(options=[
                    ("message-type", "ack"), ("lease_time", 3600), ("server_id", svc.ip4), "end"])],
        "ARP: an innocent has its address": lambda: [
            attempts.arp(own, everybody, token, op=2, hwsrc=innocent.mac, psrc=bad.ip4,
                         pdst=bad.ip4),
            attempts.arp(innocent, everybody, token, op=2, psrc=bad.ip4, pdst=bad.ip4)],
        "ARP: it has an innocent's address": lambda: [
            attempts.arp(bad, everybody, token, op=2, psrc=innocent.ip4, pdst=innocent.ip4)],
        "ARP: it is the gateway": lambda: [
            attempts.arp(bad, everybody, token, op=2, psrc=campus["rt"].ip4,
                         pdst=campus["rt"].ip4)],
        "frames from its MAC": lambda: [
            attempts.to(bad, campus["c1"]) / attempts.ip(bad, campus["c1"]) / attempts.udp(token),
            attempts.Ether(src=bad.mac, dst=everybody, type=0x88b5) / attempts.text(token)],
        "its MAC as a router": lambda: [
            attempts.nd(bad, attempts.ALL_NODES, attempts.no_router(token),
                        attempts.link_local(bad.mac))],
        "LLDP of the core": lambda: [lldp(liar.mac, b"core", b"e2"), lldp(liar.mac, b"e1", b"uplink")],
    }[name]()


OUTSIDER = ("its DHCP client id, from the liar", "its DHCP client id, from an innocent's MAC",
            "its DHCP client id, about an innocent", "an innocent's DHCP client id, from its MAC",
            "DHCP release in its name", "DHCP answer: its address is an innocent's",
            "DHCP answer: it is the gateway", "ARP: an innocent has its address",
            "ARP: it has an innocent's address", "ARP: it is the gateway", "frames from its MAC",
            "its MAC as a router", "LLDP of the core")


def lldp(mac, system, port):
    def tlv(kind, value):
        return (kind << 9 | len(value)).to_bytes(2, "big") + value
    return attempts.Ether(src=mac, dst="01:80:c2:00:00:0e", type=0x88cc) / attempts.Raw(
        tlv(1, b"\x04" + bytes.fromhex(mac.replace(":", ""))) + tlv(2, b"\x05" + port)
        + tlv(3, b"\0\x78") + tlv(5, system) + tlv(7, b"\0\x04\0\x04") + b"\0\0")


@pytest.mark.parametrize("name", OUTSIDER)
def test_an_outsider_changes_nothing(campus, cordon, contained, c1, c2, c3, name):
    """c6 lies for three seconds: then c2 is contained still, and nobody else is."""
    liar, victim = campus["c6"], campus["c5"]
    introduce(campus)
    frames = frames_of_outsider(campus, c2, liar, name)
    for _ in range(15):
        wire.put(liar, frames)
        time.sleep(0.2)
    # who lies in another's name has its MAC and address for a moment: that is between these two
    campus["upd"].ns.ip("neigh flush dev eth0")
    heal(campus)
    assert isolated(cordon) == {contained["endpoint_id"]}
    wait_for(lambda: cordon.api.get(f"/containments/{contained['id']}")["state"] == "verified",
             "it is proven where its MAC is by now", 30, 0.1)
    for host in (liar, victim):
        can(Ping(campus["web"].ip4), host)
        can(Ping(c1.ip6), host)
    cannot(Ping(c1.ip4), c2, twin=c3)
    cannot(Ping(campus["c4"].ip6), c2, twin=c3)
    can(Tls(campus["upd"].ip4, "update.campus.test"), c2)
    uplinks = {(end["switch"], end["port"]) for link in cordon.api.items("/links")
               if link["confirmed"] for end in (link["a"], link["b"])}
    assert liar.plugged not in uplinks, "an access port became a link"
