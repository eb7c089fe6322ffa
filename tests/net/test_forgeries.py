"""Step 8: what could be forged, or would hurt, waits for a person; its genuine twin does not."""
import json
import socket
import time

import campus as places
import malware
import pytest
from netns import wait_for
from probes import Dns, Http, Ping, Probed, Tcp, can, cannot

SOCKET = places.socket_path("eve")
CORDON = {"sources": f"""sources:
  - name: ids
    kind: eve-socket
    path: {SOCKET}
    strength: strong
    confidence: 80
"""}


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)
        can(Ping(campus["c1"].ip4 if client.name != "c1" else campus["c3"].ip4), client)


def pending_of(cordon, client):
    endpoint = cordon.endpoint(client)
    return [p for p in cordon.api.items("/pending")
            if p["containment"].get("endpoint_id") == endpoint["id"]]


def wait_pending(cordon, client, *holds):
    found = wait_for(lambda: [p for p in pending_of(cordon, client)
                              if p["containment"]["hold"] in holds],
                     f"a pending decision about {client}, held for {holds}; there are "
                     f"{cordon.api.items('/pending')}", 30, 0.1)
    return found[0]


def isolated(cordon, client):
    return [c for c in cordon.containments(client, "isolate", pending=False)]


def until(act, condition):
    """Acts again until it shows: a sensor tells the same finding again after ten seconds only."""
    def both():
        try:
            act()
        except Probed:
            pass  # contained already
        return condition()
    return wait_for(both, "it shows", 30, 1.0)


@pytest.fixture(autouse=True)
def clean(cordon):
    yield
    cordon.release_all()


def eve_alert(source, target, source_mac=None):
    """A Suricata alert about a C&C contact of 'source'."""
    at_us = time.time_ns() // 1000  # once: a second may begin between two looks
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_us // 10**6)) + f".{at_us % 10**6:06d}+0000"
    event = {"timestamp": now, "flow_id": time.time_ns() % 10**15, "event_type": "alert",
             "src_ip": source, "src_port": 40001, "dest_ip": target, "dest_port": 443,
             "proto": "TCP", "app_proto": "tls", "direction": "to_server",
             "alert": {"action": "allowed", "gid": 1, "signature_id": 2030001, "rev": 1,
                       "signature": "MALWARE command and control check-in",
                       "category": "Malware Command and Control Activity Detected", "severity": 1,
                       "metadata": {"mitre_tactic_id": ["TA0011"],
                                    "mitre_technique_id": ["T1071"]}},
             "flow": {"src_ip": source, "dest_ip": target, "src_port": 40001, "dest_port": 443}}
    if source_mac:
        event["ether"] = {"src_mac": source_mac}
    return json.dumps(event) + "\n"


def send_eve(line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(SOCKET)
        sock.sendall(line.encode())


def test_a_lone_udp_source_waits_and_its_genuine_twin_does_not(campus, cordon, c4, c5, c6):
    """c6 asks for a listed name in the name of c5; c4 really contacts the server."""
    can(Ping(campus["svc"].ip4), c6)
    malware.lie_dns(c6, c5.ip4, campus["svc"].ip4, campus["svc"].mac, places.CNC_NAME)
    # weak by itself; here the frames even bear the liar's MAC
    wait_pending(cordon, c5, "weak", "unresolved")
    assert not isolated(cordon, c5) and not isolated(cordon, c6)
    can(Ping(campus["world"].ip4), c5)
    malware.contact(campus, c4)
    cordon.wait_state("verified", c4, "isolate")
    cannot(Ping(campus["world"].ip4), c4, twin=c5)


def test_a_forged_syn_contains_nobody_and_its_genuine_twin_does(campus, cordon, c3, c5, c6):
    """c6 sends a SYN to the C&C server in the name of c5: no handshake can follow."""
    ip4 = places.CNC["hard.evil.example"][0]
    malware.lie_syn(c6, c5.ip4, ip4, campus["rt"].mac)
    malware.contact(campus, c3, "hard.evil.example")  # the twin, later: so the first was seen
    cordon.wait_state("verified", c3, "isolate")
    assert not isolated(cordon, c5)
    can(Ping(campus["world"].ip4), c5)
    cannot(Ping(campus["world"].ip4), c3, twin=c5)


def test_several_behind_a_declared_proxy_wait_and_an_outbreak_does_not(campus, cordon, c3, c4, c5,
                                                                     c6):
    """From the second endpoint on, requests for a listed name through the campus' proxy are held;
    contacts with the server itself, by as many, are an outbreak."""
    proxy = campus["web"].ip4
    for client in (c5, c6):
        Http(proxy, places.CNC_NAME, "x", path=f"http://{places.CNC_NAME}/gate.php").ask(client)
    held = wait_for(lambda: [p for p in cordon.api.items("/pending")
                             if p["containment"]["hold"] == "shared"],
                    f"held for the shared proxy; pending: {cordon.api.items('/pending')}", 30, 0.1)
    assert held[0]["containment"].get("endpoint_id") == cordon.endpoint(c6)["id"]
    assert not isolated(cordon, c6)
    can(Ping(campus["world"].ip4), c6)
    for client in (c3, c4):
        until(lambda: malware.contact(campus, client, "hard.evil.example"),
              lambda: [c for c in isolated(cordon, client) if c["state"] == "verified"])


def test_a_protected_host_waits_and_an_ordinary_one_does_not(campus, cordon, c3, c5):
    """The gateway, by an alert as good as any; the resolver, by its own real contact."""
    server = "198.51.100.66"
    send_eve(eve_alert(campus["rt"].ip4, server, campus["rt"].mac))
    held = wait_for(lambda: [p for p in cordon.api.items("/pending")
                             if p["containment"]["hold"] == "protected"], "held: the gateway", 30)
    assert held[0]["detections"], "no evidence beside it"
    can(Ping(campus["world"].ip4), c5)
    send_eve(eve_alert(c3.ip4, server, c3.mac))
    cordon.wait_state("verified", c3, "isolate")
    cannot(Ping(campus["world"].ip4), c3, twin=c5)
    can(Http(places.CNC[places.CNC_NAME][0], places.CNC_NAME, "Command"), campus["svc"])
    wait_for(lambda: len([p for p in cordon.api.items("/pending")
                          if p["containment"]["hold"] == "protected"]) > len(held),
             "held: the resolver, which really contacted the server", 30)


def test_pending_enforce_check_and_revert(campus, cordon, c3, c4, c5, c6):
    def hold(client):
        until(lambda: malware.lie_dns(client, client.ip4, campus["svc"].ip4, campus["svc"].mac,
                                      "hard.evil.example"), lambda: pending_of(cordon, client))
        return wait_pending(cordon, client, "weak")["containment"]["id"]

    enforced, checked, reverted = hold(c4), hold(c5), hold(c6)
    table = cordon.ctl("pending").stdout
    assert "c4" in table and "c5" in table and "weak" in table
    cordon.ctl("enforce", enforced, "--reason", "looked at it")
    cordon.ctl("check", checked, "--reason", "seen")
    cordon.ctl("revert", reverted, "--reason", "a test machine")
    cordon.wait_state("verified", c4, "isolate")
    cannot(Ping(campus["world"].ip4), c4, twin=c3)
    for client, identity, state in ((c5, checked, "checked"), (c6, reverted, "reverted")):
        can(Ping(campus["world"].ip4), client)
        assert cordon.api.get(f"/containments/{identity}")["state"] == state
    assert not cordon.api.items("/pending")
