"""The second run of step 1: policy-based mirroring at the core, remote mirroring with a VLAN tag
through it; and what arrives is enough to contain."""
import campus as places
import malware
import oracles
import pytest
from netns import wait_for
from probes import Dns, Http, Ping, Tcp, Tls, Udp, can, cannot

CORDON = {"mirrors": "policy"}


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)


@pytest.fixture
def mirror(campus):
    with oracles.watching(campus, "sensor", "mon", everything=True) as witness:
        yield witness


def test_web_is_copied_and_nothing_else_of_the_internet_traffic(campus, cordon, mirror, c4):
    world = campus["world"]
    for probe in (Ping(world.ip4), Udp(world.ip4), Tcp(world.ip4, 445), Ping(world.ip6)):
        can(probe, c4)
    can(Http(world.ip4, "www.world.example", "World"), c4)
    can(Tls(world.ip6, "www.world.example"), c4)
    wait_for(lambda: mirror.kinds().get("ip4 tcp 80") and mirror.kinds().get("ip6 tcp 443"),
             f"web on the mirror port: {mirror.kinds()}", 30)
    kinds = mirror.kinds()
    for kind in ("ip4 proto 1", "ip4 udp 7", "ip6 proto 58", "ip4 tcp 445"):
        assert kind not in kinds, f"{kind} was copied: {kinds}"


def test_traffic_between_endpoints_comes_in_a_vlan_through_the_core(campus, cordon, mirror, c1, c3,
                                                                   c4, c5):
    """It reaches the mirror port, no other port of the core, and poisons nobody's table."""
    with oracles.Witness(campus, [campus["web"], campus["rt"], campus["upd"]]) as elsewhere:
        elsewhere.suspect_address("ip", c1.ip4)
        can(Tcp(c3.ip4), c1)
        wait_for(lambda: mirror.kinds().get("ip4 tcp 445"), f"copies: {mirror.kinds()}", 30)
        seen = {host: kinds for host, kinds in elsewhere.counts().items()
                if any("tcp" in kind for kind in kinds)}
        assert not seen, f"copies went elsewhere: {seen}"
    for client in (c4, c5):  # the core knows still where everybody is
        can(Ping(c1.ip4), client)
        can(Ping(c3.ip4), client)


def test_mirrors_are_shown_with_what_arrives(cordon):
    def shown():
        mirrors = {(m["switch"], m["kind"], m["carrier"]): m for m in cordon.api.items("/mirrors")}
        return mirrors if all(m["copied"] for m in mirrors.values()) else None
    mirrors = wait_for(shown, f"copies counted: {cordon.api.items('/mirrors')}", 40, 0.5)
    assert set(mirrors) == {("core", "policy", "local"), ("core", "transit", "rspan"),
                            ("e1", "always", "rspan"), ("e2", "always", "rspan")}


def test_a_client_is_contained_from_these_copies_too(campus, cordon, c4, c5):
    malware.contact(campus, c5)
    cordon.wait_state("verified", c5, "isolate")
    cannot(Ping(campus["world"].ip4), c5, twin=c4)


def test_a_sweep_in_the_vlan_is_seen_and_waits_for_a_person(campus, cordon, c1, c2):
    """One-way frames in a VLAN carry no stamp of the port where they entered: weak evidence."""
    can(Ping(c1.ip4), c2)
    malware.sweep(c2, places.SWEPT)
    held = cordon.wait_state("pending", c2, "isolate")
    assert held["hold"] == "weak", held
    can(Ping(campus["world"].ip4), c2)
