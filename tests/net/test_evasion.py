"""A contained endpoint tries to be heard, others try to reach it, and an outsider tries to have an
innocent one blocked or a block lifted.  The frames are such as no well-meant stack sends
(attempts.py); taps on every other machine say where each arrives.  For each there is a free twin,
whose frames of the same kind do arrive."""
import attempts
import campus as places
import pytest
import wire
from netns import wait_for
from probes import Ping, Tls, can

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


@pytest.fixture(scope="module")
def outwards(campus, contained, c2, c3):
    """{sender: {attempt: {host: frames that arrived}}}"""
    found = {}
    for sender in (c2, c3):
        introduce(campus)
        others = [campus[name] for name in EVERYBODY if name != sender.name]
        with wire.Tap(others) as taps:
            found[sender.name] = wire.arrivals(
                taps, sender, attempts.OUT,
                lambda name, token: attempts.OUT[name].make(campus, sender, token))
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
                found[sender.name][target.name] = wire.arrivals(
                    taps, sender, attempts.IN,
                    lambda name, token: attempts.IN[name].make(campus, sender, target, token))
    heal(campus)
    return found


@pytest.mark.parametrize("sender", ["c1", "c4"])
@pytest.mark.parametrize("name", list(attempts.IN))
def test_it_is_not_reached(inwards, name, sender):
    is_beside = sender == "c1"  # on the same switch
    if is_beside or name not in attempts.UPLINK_LIES:
        assert not inwards[sender]["c2"][name], "it reached c2"
    assert inwards[sender]["c3"][name], "it does not reach the free twin either"
