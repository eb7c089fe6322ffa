"""The lab itself: what it says of the network must be true, or no other test here means anything."""
import malware
import oracles
import probes
import pytest
from netns import LabError, wait_for
from probes import Arp, Ping, Probed, Tcp, can, cannot, cannot_be_reached


def test_a_cannot_without_an_earlier_can_is_refused(campus, c1, c3):
    with pytest.raises(LabError, match="unsound"):
        cannot(Ping("10.77.0.250"), c1, twin=c3)


def test_a_cannot_of_what_works_fails(campus, c1, c3, c4):
    can(Ping(c4.ip4), c1)
    with pytest.raises(Probed, match="should not"):
        cannot(Ping(c4.ip4), c1, twin=c3)


def test_a_cannot_needs_a_twin_that_can(campus, c1, c3, c4, monkeypatch):
    can(Ping(c4.ip4), c1)
    monkeypatch.setattr(probes, "LONG_S", 1)
    campus.unplug(c4)
    try:
        with pytest.raises(Probed, match="nothing is said"):
            cannot(Ping(c4.ip4), c1, twin=c3)
    finally:
        campus.plug(c4, *campus.home(c4))
    can(Ping(c4.ip4), c1)


def test_a_pulled_cable_cuts_both_ways_and_is_seen_by_switch_and_client(campus, c1, c3, c4):
    for client in (c1, c4):
        can(Tcp(c3.ip4), client)
        can(Tcp(client.ip4), c3)
    campus.unplug(c1)
    try:
        for machine, port in ((c1, "eth0"), (campus.machines["e1"], "p1")):  # the kernel tells it within a second
            wait_for(lambda: "NO-CARRIER" in machine.run("ip", "link", "show", port).stdout, f"{port} is down", 30)
        cannot(Tcp(c3.ip4), c1, twin=c4)
        cannot_be_reached(lambda host: Tcp(host.ip4), c1, from_=c3, twin=c4)
    finally:
        campus.plug(c1, *campus.home(c1))
    can(Arp(c3.ip4), c1)
    can(Tcp(c1.ip4), c3)


def test_flows_count_a_lost_frame(campus, c1, c3, c4, c5):
    flows = oracles.Flows(campus, [(c1, c3), (c4, c5)])
    flows.begin()
    assert flows.lost() == {}
    campus.unplug(c1)
    campus.plug(c1, *campus.home(c1))
    lost = wait_for(flows.lost, "the next frames say what was lost", 30)
    flows.close()
    assert lost and all("c1" in name for name in lost), lost


def test_the_witness_sees_a_single_frame(campus, c1, c2, c3):
    with oracles.watching(campus, "c3", "eth0") as witness:
        witness.suspect(c2)
        malware.lie_udp(c2, c1.ip4, c3.ip4, c3.mac, b"x", 9999)
        can(Ping(c3.ip4), c1)  # not the suspect's
        assert wait_for(lambda: witness.kinds().get("ip4 udp 9999"), "it is seen", 30) == 1
