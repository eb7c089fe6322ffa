"""Other makers' sensors and policy managers, and people at the shell."""
import json
import os
import socket
import ssl
import subprocess
import time
import urllib.request

import campus as places
import pytest
from forward import forward
from netns import LabError, wait_for
from probes import Ping, Tcp, can, cannot
from test_forgeries import eve_alert

EVE = places.socket_path("eve2")
CORDON = {"sources": f"""sources:
  - name: ids
    kind: eve-socket
    path: {EVE}
    strength: strong
    confidence: 80
  - name: ddi
    kind: syslog-tcp
    format: cef
    listen: "127.0.0.1:5514"
    strength: strong
    confidence: 80
  - name: ddi-udp
    kind: syslog-udp
    format: cef
    listen: "127.0.0.1:5514"
"""}


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)


@pytest.fixture(autouse=True)
def clean(cordon):
    yield
    cordon.release_all()


def cef(client, number):
    """A C&C callback as Deep Discovery Inspector reports it."""
    when = time.strftime("%b %d %Y %H:%M:%S GMT+00:00", time.gmtime())
    return ("<142>" + time.strftime("%b %d %H:%M:%S", time.gmtime()) + " ddi-lab "
            f"CEF:0|Trend Micro|Deep Discovery Inspector|6.7.1052|{number}|C&C callback|8|rt={when} "
            f"dvc=10.99.0.50 dvchost=ddi-lab app=HTTP deviceDirection=1 src={client.ip4} spt=12121 "
            f"smac={client.mac} dst=198.51.100.77 dpt=80 cn1Label=CCCA_Detection cn1=1 "
            "cn3Label=Threat Type cn3=1 cs6Label=pAttackPhase cs6=Command and Control Communication "
            f"act=not blocked sourceTranslatedAddress={client.ip4} "
            f"destinationTranslatedAddress=198.51.100.77 devicePayloadId=1:{number}:P\n")


def test_an_alert_of_suricata_contains(campus, cordon, c3, c4):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(EVE)
        sock.sendall(b"this is no JSON\n" + eve_alert(c4.ip4, "198.51.100.66", c4.mac).encode())
        cordon.wait_state("verified", c4, "isolate")
    cannot(Ping(campus["world"].ip4), c4, twin=c3)
    def counted():
        source = {s["name"]: s for s in cordon.api.items("/intake")}["ids"]
        return source["accepted"] >= 1 and source["refused"] >= 1
    wait_for(counted, "both lines are counted", 30, 0.2)
    assert "ids" in cordon.ctl("intake").stdout


def test_an_alert_of_deep_discovery_contains(campus, cordon, c3, c5):
    with socket.create_connection(("127.0.0.1", 5514), timeout=5) as sock:
        sock.sendall(cef(c5, 20).encode())
        cordon.wait_state("verified", c5, "isolate")
    cannot(Ping(campus["world"].ip4), c5, twin=c3)


def test_the_same_by_unauthenticated_syslog_waits(campus, cordon, c6):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(cef(c6, 21).encode(), ("127.0.0.1", 5514))
    held = wait_for(lambda: cordon.api.items("/pending"), "a pending decision", 30)
    assert held[0]["containment"]["hold"] == "weak"
    can(Ping(campus["world"].ip4), c6)


def test_another_policy_manager_asks_twice_and_gets_one_containment(campus, cordon, c3, c4):
    wish = {"action": "isolate", "ip": c4.ip4, "site": "default", "reason": "their rule 7",
            "external_id": "manager-42",
            "observed_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    status, first = cordon.api.post_raw("/containments", wish)
    assert status == 201
    cordon.wait_state("verified", c4, "isolate")
    status, again = cordon.api.post_raw("/containments", wish)
    assert status == 200 and again["id"] == first["id"]
    assert len(cordon.containments(c4)) == 1
    cannot(Ping(campus["world"].ip4), c4, twin=c3)
    cordon.api.post(f"/containments/{first['id']}/release", {"reason": "their rule 8"})
    wait_for(lambda: Ping(campus["world"].ip4).ask(c4)[0], "it is free", 30)


def test_another_policy_manager_blocks_and_releases_a_server(campus, cordon, c3):
    world, fine = campus["world"].ip6, campus["world"].ip4
    can(Ping(world), c3)
    made = cordon.api.post("/server-blocks", {"server": world, "reason": "listed there"})
    wait_for(lambda: cordon.api.get(f"/server-blocks/{made['id']}")["state"] == "verified",
             "the server block is verified", 30)
    from probes import cannot_be_reached
    cannot_be_reached(lambda address: Ping(address), world, from_=c3, twin=fine)
    cordon.api.post(f"/server-blocks/{made['id']}/release", {"reason": "no more"})
    wait_for(lambda: Ping(world).ask(c3)[0], "the server is reached again", 30)


def test_a_protected_host_is_never_contained_even_if_asked(campus, cordon, c3):
    status, answer = cordon.api.post_raw("/containments", {
        "action": "isolate", "ip": campus["rt"].ip4, "reason": "a mistake"})
    assert status in (403, 409), answer
    can(Ping(campus["world"].ip4), c3)


def test_without_a_token_nothing_is_told(cordon):
    for token in (None, "cordon_" + "A" * 43):
        status, _ = cordon.api.raw("GET", "/containments", token=token)
        assert status == 401


def test_panic_lets_everything_through_and_resume_puts_it_back(campus, cordon, c2, c3):
    endpoint = cordon.endpoint(c2)
    cordon.api.post("/containments", {"action": "isolate", "endpoint_id": endpoint["id"],
                                      "reason": "before the panic"})
    cordon.wait_state("verified", c2, "isolate")
    cannot(Ping(campus["world"].ip4), c2, twin=c3)
    cordon.ctl("panic", "--reason", "something is very wrong")
    wait_for(lambda: Ping(campus["world"].ip4).ask(c2)[0], "traffic flows", 30)
    assert cordon.api.get("/enforcement")["state"] == "suspended"
    cordon.ctl("resume", "--reason", "it was not us")
    wait_for(lambda: not Ping(campus["world"].ip4).ask(c2)[0], "blocked again", 30)
    cannot(Ping(campus["world"].ip4), c2, twin=c3)


def test_doctor_finds_nothing_wrong_with_the_campus(cordon):
    def errors():
        return [f for f in cordon.api.get("/doctor")["findings"] if f["severity"] == "error"]
    try:  # what the test before released may be on its way to the switches still
        wait_for(lambda: not errors(), "no error", 30, 0.2)
    except LabError:
        raise AssertionError((errors(), cordon.ctl("doctor", check=False).stdout)) from None
    assert not [f for f in cordon.api.get("/doctor")["findings"] if (f["check"], f["where"]) == ("source", "s1")], \
        "a sensor that finds nothing is well"


def test_the_console_is_reached_from_where_a_browser_is(campus):
    """Outside the campus, in which this process lives: the link that the demo prints."""
    port = forward(campus, "ctl", 8443)

    def page():
        unproven = ssl.create_default_context()
        unproven.check_hostname, unproven.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=unproven, timeout=60) as answer:
            return answer.read()
    assert b"<title>Cordon</title>" in campus.outside(page)


def test_metrics_are_in_prometheus_format(cordon):
    text = cordon.api.text("/metrics")
    assert "# TYPE cordon_" in text
    for line in text.splitlines():
        assert line.startswith("#") or len(line.rsplit(" ", 1)) == 2 and float(line.rsplit(" ")[-1]) >= 0


def test_live_events_tell_of_a_containment(campus, cordon, c4):
    events = cordon.api.events()
    cordon.api.post("/containments", {"action": "isolate", "reason": "an event",
                                      "endpoint_id": cordon.endpoint(c4)["id"]})
    states = []

    def told():
        states.extend(e["body"].get("state") for e in events.poll() if e["topic"] == "containment")
        return "verified" in states
    wait_for(told, f"events of its life: {states}", 30, 0.05)
    events.close()
