"""What nobody watches is named, and is watched as soon as a mirror is declared where the doctor says.

Mirrors are declared in cordond.yaml, so that the one that is missing comes with a restart."""
import cordon as programs
import malware
import oracles
import pytest
from netns import wait_for
from probes import Ping, Tcp, can

CORDON = {"mirrors": "servers"}  # nothing of what goes from edge to edge
pytestmark = pytest.mark.incremental


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)
    can(Tcp(campus["c1"].ip4), campus["c4"])


def unseen(cordon):
    return [one for one in cordon.api.get("/doctor")["findings"] if one["check"] == "coverage"]


def detections(cordon, client):
    endpoint = cordon.endpoint(client)["id"]
    return [one for one in cordon.api.items("/incidents") if one.get("endpoint_id") == endpoint]


def test_the_pair_is_named_with_what_to_do(cordon):
    def found():  # once both ends have told of their links, nothing is unknown
        told = unseen(cordon)
        return told if [one["severity"] for one in told] == ["warning"] else None
    found = wait_for(found, f"one finding: {unseen(cordon)}", 40, 0.5)
    assert "between switches core (upd), e1, e2: no mirror" in found[0]["what"], found
    assert "core/e1 - e1/uplink" in found[0]["what"] and found[0]["where"] == "core", found
    assert "ports e1, e2 of core" in found[0]["advice"], found
    assert found[0]["what_said"]["code"] == "doctor.unseen_between", found
    told = cordon.ctl("doctor", check=False)
    assert "no sensor sees traffic between switches" in " ".join(told.stdout.split()), told


def test_and_indeed_nobody_sees_it(campus, cordon, c1, c4):
    with oracles.watching(campus, "sensor", "mon") as mirror:
        mirror.suspect(c4)
        can(Tcp(c1.ip4), c4)
        malware.ports(c4, c1.ip4)
        can(Tcp(campus["world"].ip4, 80), c4)  # which is copied
        wait_for(lambda: "ip4 tcp 80" in mirror.kinds(), "the copies that are wanted", 30)
        assert "ip4 tcp 445" not in mirror.kinds(), mirror.kinds()
    assert not detections(cordon, c4)


def test_with_the_mirror_it_is_seen_and_the_finding_is_gone(campus, cordon, c1, c4):
    cordon.mirrors = programs.MIRRORS["port"]
    cordon.fill("cordond.yaml", cordon.config_file, state_dir=cordon.state_dir, sources=cordon.sources,
                policy_file=cordon.policy_file, mirrors=cordon.mirrors)
    cordon.cordond.stop()
    cordon.start_cordond()
    cordon.wait_ready()
    wait_for(lambda: not unseen(cordon), f"nothing is unseen: {unseen(cordon)}", 40, 0.5)
    with oracles.watching(campus, "sensor", "mon") as mirror:
        mirror.suspect(c4)
        can(Tcp(c1.ip4), c4)
        wait_for(lambda: "ip4 tcp 445" in mirror.kinds(), "its frames at the sensor", 30)


def test_and_a_port_scan_from_edge_to_edge_is_recognised(campus, cordon, c1, c4):
    malware.ports(c4, c1.ip4)
    found = wait_for(lambda: detections(cordon, c4), "an incident about the scanner", 30, 0.2)
    assert any("scan" in str(one).lower() for one in found), found
    held = cordon.wait_state("pending", c4, "isolate")  # a copy without a stamp: a person decides
    assert held["hold"] == "weak", held
