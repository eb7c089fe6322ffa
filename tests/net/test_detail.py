"""Step 9: a suspect is mirrored in detail before anything is blocked."""
import malware
import oracles
import pytest
from netns import wait_for
from probes import Http, Ping, Tcp, can, cannot

CORDON = {"mirrors": "detail"}  # nothing else comes from the edges


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)
        can(Tcp(campus["c4"].ip4 if client.name != "c4" else campus["c5"].ip4), client)


@pytest.fixture
def remote(campus):
    with oracles.watching(campus, "sensor", "span", everything=True) as witness:
        yield witness


def copies_of(remote, client, other):
    """How many came while 'client' talked to 'other': each frame's, or one of the suspect's own doing just then."""
    remote._say("clear")
    can(Tcp(other.ip4), client)
    return remote.kinds().get("ip4 proto 47", 0)


def test_only_the_suspect_is_copied_and_nothing_is_blocked(campus, cordon, remote, c1, c2, c3):
    can(Tcp(c3.ip4), c1)
    assert "ip4 proto 47" not in remote.kinds(), "copies without a session"
    malware.contact(campus, c2, "watch.evil.example")
    mirror = cordon.wait_state("verified", c2, "mirror")
    wait_for(lambda: not copies_of(remote, c1, c3), "another pair on the same switch is not in this session")
    can(Tcp(c3.ip4), c2)
    wait_for(lambda: remote.kinds().get("ip4 proto 47", 0) >= 6, "its frames are copied", 30)
    can(Http(campus["world"].ip4, "www.world.example", "World"), c2)
    shown = [m for m in cordon.api.items("/mirrors") if m["kind"] == "detailed"]
    assert shown and shown[0]["containment_id"] == mirror["id"]


def test_frames_that_are_dropped_are_copied_too(campus, cordon, remote, c2, c3):
    endpoint = cordon.endpoint(c2)
    cordon.api.post("/containments", {"action": "isolate", "endpoint_id": endpoint["id"],
                                      "reason": "while it is mirrored"})
    cordon.wait_state("verified", c2, "isolate")
    remote._say("clear")
    cannot(Ping(campus["world"].ip4), c2, twin=c3)
    wait_for(lambda: remote.kinds().get("ip4 proto 47", 0), "dropped frames are copied", 30)


def test_the_session_ends_with_its_containment(campus, cordon, remote, c2, c3):
    cordon.release_all()
    wait_for(lambda: not [m for m in cordon.api.items("/mirrors") if m["kind"] == "detailed"],
             "no session", 30, 0.1)
    can(Ping(campus["world"].ip4), c2)
    wait_for(lambda: not copies_of(remote, c2, c3), "nothing is copied any more")
