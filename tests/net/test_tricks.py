"""Forged evidence, with real frames: each trick that would have an innocent contained, or a guilty one
not, comes to nothing; its genuine twin is contained.  Then the last layers, each alone: an edge that is
told to block a protected host by whoever holds the controller's certificate."""
import json
import os
import socket
import ssl
import struct
import time

import attempts
import campus as places
import malware
import opened
import pytest
from netns import wait_for
from probes import Http, Ping, can, cannot
from scapy.all import (BOOTP, DHCP, DNS, DNSQR, DNSRR, IP, TCP, UDP, Ether, ICMPv6ND_NS,
                       ICMPv6ND_RA, IPv6, Raw, raw)
from test_evasion import lldp
from test_forgeries import eve_alert

STRONG, WEAK = places.socket_path("strong"), places.socket_path("weak")
CORDON = {"sources": "sources:\n" + "".join(f"""  - name: {name}
    kind: eve-socket
    path: {path}
    strength: {name}
    confidence: 80
""" for name, path in (("strong", STRONG), ("weak", WEAK)))}
HARD = "hard.evil.example"
TIMES = int(os.environ.get("CORDON_TRIES", "3"))  # how often each trick is tried


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)


@pytest.fixture(autouse=True)
def clean(cordon):
    yield
    cordon.release_all()


def tell(path, lines):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(path)
        sock.sendall("".join(lines).encode())


def isolated(cordon):
    return {c.get("endpoint_id") for c in cordon.containments(action="isolate", pending=False)}


def twin_is_contained(campus, cordon, twin, free, name=HARD):
    """A genuine contact, later than the trick: so what the trick led to would be there by now.  Each test
    has a twin of its own: the same finding is not told again at once."""
    malware.contact(campus, twin, name)
    cordon.wait_state("verified", twin, "isolate")
    assert isolated(cordon) == {cordon.endpoint(twin)["id"]}
    assert not [b for b in cordon.api.items("/server-blocks")
                if b.get("server") in (campus["web"].ip4, campus["rt"].ip4, campus["svc"].ip4)]
    for client in free:
        can(Ping(campus["world"].ip4), client)
    cannot(Ping(campus["world"].ip4), twin, twin=free[0])


def handshake(client, router, server, port):
    """Frames of a contact as a capture has them: both directions."""
    out, back = Ether(src=client.mac, dst=router.mac), Ether(src=router.mac, dst=client.mac)
    there = dict(sport=port, dport=80)
    here = dict(sport=80, dport=port)
    get = f"GET /gate.php HTTP/1.1\r\nHost: {HARD}\r\n\r\n".encode()
    to, fro = IP(src=client.ip4, dst=server), IP(src=server, dst=client.ip4)
    return [out / to / TCP(**there, flags="S", seq=100),
            back / fro / TCP(**here, flags="SA", seq=900, ack=101),
            out / to / TCP(**there, flags="A", seq=101, ack=901),
            out / to / TCP(**there, flags="PA", seq=101, ack=901) / Raw(get),
            back / fro / TCP(**here, flags="PA", seq=901, ack=101 + len(get))
            / Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nCommand")]


def put(client, frames, gap_s=0.002):
    import wire
    wire.put(client, [raw(f) for f in frames], gap_s)


def test_a_replayed_capture_contains_nobody(campus, cordon, c3, c4, c5, c6):
    """Both directions of a contact of c5, from the port of c6."""
    for i in range(TIMES):
        put(c6, handshake(c5, campus["rt"], places.CNC[HARD][0], 40100 + i))
    Ping(campus["world"].ip4).ask(c5)  # takes its place back
    twin_is_contained(campus, cordon, c4, [c3, c5, c6])


def test_whoever_takes_anothers_mac_and_address_does_not_get_it_contained(campus, cordon, c3, c5, c6):
    """c6 talks to the C&C server as c5, and hears the answers that the switch now sends to it."""
    server = places.CNC[HARD][0]

    def lie(port):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as sock:
            sock.bind(("eth0", 3))
            sock.settimeout(1)
            syn, _, ack, get, _ = handshake(c5, campus["rt"], server, port)
            sock.send(raw(syn))
            end, heard = time.monotonic() + 1, None
            while time.monotonic() < end and not heard:
                try:
                    frame = Ether(sock.recv(2000))
                except TimeoutError:
                    break
                if TCP in frame and frame[TCP].dport == port and frame[TCP].flags == "SA":
                    heard = frame[TCP].seq
            for one in (ack, get):
                one[TCP].ack = (heard or 0) + 1
                sock.send(raw(one))
            return heard is not None
    heard = [c6.ns.call(lambda i=i: lie(40200 + i)) for i in range(TIMES)]
    assert any(heard), "the trick was not even tried: no answer came to c6"
    Ping(campus["world"].ip4).ask(c5)
    twin_is_contained(campus, cordon, c3, [campus["c2"]])
    held = [p["containment"] for p in cordon.api.items("/pending")
            if p["containment"].get("endpoint_id") == cordon.endpoint(c5)["id"]]
    assert all(one["hold"] in ("weak", "unresolved") for one in held), held


def test_many_weak_alerts_are_no_strong_one(campus, cordon, c3, c4, c5):
    """Five hundred about c5, from a source that anybody can feed; one strong about c4."""
    tell(WEAK, [eve_alert(c5.ip4, "198.51.100.66", c5.mac) for _ in range(500)])
    wait_for(lambda: cordon.api.items(f"/incidents?endpoint={cordon.endpoint(c5)['id']}"),
             "an incident about c5", 30, 0.1)
    tell(STRONG, [eve_alert(c4.ip4, "198.51.100.66", c4.mac)])
    cordon.wait_state("verified", c4, "isolate")
    pending = [p["containment"] for p in cordon.api.items("/pending")
               if p["containment"].get("endpoint_id") == cordon.endpoint(c5)["id"]]
    assert len(pending) == 1 and pending[0]["hold"] in ("weak", "unresolved"), pending
    assert isolated(cordon) == {cordon.endpoint(c4)["id"]}
    can(Ping(campus["world"].ip4), c5)


@pytest.mark.parametrize("pointed_at, twin", [("web", "c1"), ("rt", "c2"), ("svc", "c4")])
def test_a_dns_answer_makes_no_inside_server_a_command_server(campus, cordon, c3, c6, pointed_at,
                                                            twin):
    """c6 answers, in the resolver's name, that the listed name is an inside server or the gateway; then
    c3 innocently talks to that one."""
    target, svc = campus[pointed_at], campus["svc"]
    for i in range(TIMES):
        question = DNSQR(qname=HARD)
        put(c6, [Ether(src=c6.mac, dst=svc.mac) / IP(src=c6.ip4, dst=svc.ip4)
                 / UDP(sport=41000 + i, dport=53) / DNS(id=7 + i, rd=1, qd=question),
                 Ether(src=svc.mac, dst=c3.mac) / IP(src=svc.ip4, dst=c3.ip4)
                 / UDP(sport=53, dport=41000 + i)
                 / DNS(id=7 + i, qr=1, qd=question,
                       an=DNSRR(rrname=HARD, type="A", ttl=600, rdata=target.ip4))])
    for client in campus.clients:
        Ping(client.ip4).ask(svc)  # takes its place back
    can(Ping(target.ip4), c3)
    if pointed_at == "web":
        can(Http(target.ip4, "www.campus.test", "Campus web"), c3)
    twin_is_contained(campus, cordon, campus[twin], [c3],
                      places.CNC_NAME if twin == "c4" else HARD)


def test_what_is_late_is_not_about_whoever_has_the_address_now(campus, cordon, c3, c4, c1):
    """An alert of a minute ago, when c1 did not have that address yet."""
    address = "10.77.0.199"
    before = json.loads(eve_alert(address, "198.51.100.66"))
    before["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S.000000+0000", time.gmtime(time.time() - 60))
    c1.ns.ip(f"addr add {address}/24 dev eth0")
    try:
        put(c1, [attempts.arp(c1, attempts.ALL, b"\x55" * 6, op=1, psrc=address, pdst=address)] * 3)
        wait_for(lambda: address in cordon.endpoint(c1)["addresses"], "c1 has the address", 30, 0.1)
        tell(STRONG, [json.dumps(before) + "\n"])
        wait_for(lambda: [p for p in cordon.api.items("/pending")
                          if p["containment"]["hold"] == "unresolved"
                          and address in json.dumps(p)], "it is held", 30, 0.1)
        tell(STRONG, [eve_alert(c4.ip4, "198.51.100.66")])
        cordon.wait_state("verified", c4, "isolate")
        assert isolated(cordon) == {cordon.endpoint(c4)["id"]}
        can(Ping(campus["world"].ip4), c1)
        tell(STRONG, [eve_alert(address, "198.51.100.67")])  # and now it does
        cordon.wait_state("verified", c1, "isolate")
    finally:
        c1.ns.run("ip", "addr", "del", f"{address}/24", "dev", "eth0", check=False)


def ends_of(link):
    return {(link[end]["switch"], link[end]["port"]) for end in "ab"}


@pytest.mark.parametrize("family", ("ip4", "ip6"))
def test_whose_it_was_is_learnt_after_the_finding(campus, cordon, c1, c3, family):
    """What finders and what switches tell comes on different ways.  An alert about an address that
    nobody has; then c3 says that it is its own: an ARP, or a probe for duplicates (DAD).  Who says
    so much later is not meant."""
    def own(client, address):
        if family == "ip4":
            frame = attempts.arp(client, attempts.ALL, b"\x55" * 6, op=1, psrc=address, pdst=address)
        else:
            frame = (Ether(src=client.mac, dst="33:33:ff:00:00:01")
                     / IPv6(src="::", dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt=address))
        put(client, [frame] * 3)

    def told(number, ago_s):
        """An alert of so long ago about a fresh address, which waits by now."""
        address = f"10.77.0.{180 + number}" if family == "ip4" else f"2001:db8:77::7:{180 + number}"
        alert = json.loads(eve_alert(address, "198.51.100.66"))
        at = time.gmtime(time.time() - ago_s)
        alert["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S.000000+0000", at)
        tell(STRONG, [json.dumps(alert) + "\n"])
        wait_for(lambda: [p for p in cordon.api.items("/pending")
                          if address in json.dumps(p)], "it waits for a person", 30, 0.02)
        return address

    late = told(0, 20)
    own(c1, late)
    wait_for(lambda: late in cordon.endpoint(c1)["addresses"], "c1 has that address", 30, 0.1)
    for number in range(1, 8):
        began = time.monotonic()
        address = told(number, 0)
        own(c3, address)
        wait_for(lambda: address in cordon.endpoint(c3)["addresses"], "c3 has it", 30, 0.1)
        if time.monotonic() - began < 6:
            break
    contained = cordon.wait_state("verified", c3, "isolate")
    assert isolated(cordon) == {cordon.endpoint(c3)["id"]}
    assert "known" in [step["step"] for step in contained["timeline"]], contained["timeline"]
    incident = cordon.api.get(f"/incidents/{contained['incident_id']}")
    assert incident["endpoint_id"] == cordon.endpoint(c3)["id"] and incident["detections"], incident
    cannot(Ping(campus["world"].ip4), c3, c1)


def test_who_behaves_like_a_server_is_contained_all_the_same(campus, cordon, c1, c3, c6):
    """c6 answers DHCP, advertises itself as a router, and says by LLDP that it is the core; then it and c1, on
    another switch, each say that they are the other one's port.  The twin: the switches' own cables."""
    everybody = attempts.ALL
    place, other = (cordon.endpoint(client)["location"] for client in (c6, c1))
    faked = {(at["switch"], at["port"]) for at in (place, other)}
    assert len({at["switch"] for at in (place, other)}) == 2, faked
    for _ in range(TIMES):
        put(c1, [lldp(c1.mac, place["switch"].encode(), place["port"].encode())])
    wait_for(lambda: [one for one in cordon.api.items("/links") if ends_of(one) == faked], "c1 is heard", 30, 0.1)
    for _ in range(TIMES):
        put(c6, [Ether(src=c6.mac, dst=everybody) / IP(src=c6.ip4, dst="255.255.255.255")
                 / UDP(sport=67, dport=68) / BOOTP(op=2, yiaddr="10.77.0.250",
                                                   chaddr=b"\x02\0\0\0\x0e\x0e" + b"\0" * 10)
                 / DHCP(options=[("message-type", "offer"), ("server_id", c6.ip4),
                                 ("lease_time", 600), "end"]),
                 Ether(src=c6.mac, dst="33:33:00:00:00:01")
                 / IPv6(src=attempts.link_local(c6.mac), dst="ff02::1", hlim=255)
                 / ICMPv6ND_RA(routerlifetime=0),
                 lldp(c6.mac, b"core", b"e2"), lldp(c6.mac, b"e1", b"uplink"),
                 lldp(c6.mac, other["switch"].encode(), other["port"].encode())])
    wait_for(lambda: [p for p in cordon.api.items("/protected")
                      if p.get("endpoint_id") == cordon.endpoint(c6)["id"]], "it is proposed", 30, 0.1)
    malware.contact(campus, c6, HARD)
    cordon.wait_state("verified", c6, "isolate")
    cannot(Ping(campus["world"].ip4), c6, twin=c3)
    ports = {p["name"]: p["role"] for p in cordon.api.get("/switches/e2").get("ports", [])}
    assert ports[place["port"]] == "access"
    links = cordon.api.items("/links")
    assert not [one for one in links if ends_of(one) & faked and one["confirmed"]], links
    assert [one for one in links if one["confirmed"]], links
    at = cordon.endpoint(c6)["location"]
    assert (at["switch"], at["port"]) == (place["switch"], place["port"]), at


# ------------------------------------------------------------------ the last layer

class Impostor:
    """A controller with the driver's own certificate: no policy, no controller, no driver before it."""

    def __init__(self, cordon):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pki = os.path.join(cordon.state_dir, "pki")
        self.context.load_cert_chain(os.path.join(pki, "server.pem"),
                                     opened.key_written(pki, "server", os.path.join(cordon.dir, "impostor.key")))
        self.context.load_verify_locations(os.path.join(pki, "ca.pem"))
        self.context.verify_mode = ssl.CERT_REQUIRED

    def meet(self, name):
        """Waits for the edge of that name; returns its hello."""
        with socket.create_server((places.MANAGEMENT["ctl"], 8701), reuse_port=False) as server:
            server.settimeout(60)
            while True:
                sock, _ = server.accept()
                try:
                    self.sock = self.context.wrap_socket(sock, server_side=True)
                    self.sock.settimeout(30)
                    hello = self.read()
                except OSError:
                    continue
                if hello["name"] == name:
                    return hello
                self.sock.close()

    def read(self):
        def exactly(size):
            data = b""
            while len(data) < size:
                more = self.sock.recv(size - len(data))
                if not more:
                    raise OSError("the edge closed")
                data += more
            return data
        return json.loads(exactly(struct.unpack("!I", exactly(4))[0]))

    def send(self, message):
        data = json.dumps(message).encode()
        self.sock.sendall(struct.pack("!I", len(data)) + data)

    def answer(self, generation):
        """What the edge reports of that generation, by rule."""
        found = {}
        while True:
            message = self.read()
            if message["type"] == "observed" and message["generation"] == generation:
                found.update({rule["id"]: rule for rule in message.get("rules", [])})
                if message.get("is_last"):
                    return found


def test_an_edge_refuses_to_block_what_it_knows_as_protected(campus, cordon, c4, c5):
    """By wire messages straight to the live edge; a twin in the same message is blocked."""
    gateway, path = campus["rt"], os.path.join(cordon.dir, "e2.yaml")
    cordon.edges["e2"].kill()
    cordon.edges["e2"].popen.wait(30)
    with open(path, "a", encoding="utf-8") as file:
        file.write(f'protected: ["{gateway.mac}", {gateway.ip4}, "{gateway.ip6}"]\n')
    cordon.edges["e2"] = campus.machines["e2"].spawn(
        "edge-e2", cordon.program("cordon-edge"), "--config", path)
    for client in (c4, c5):
        can(Ping(gateway.ip4), client)
    cordon.kill_cordond()
    rules = {"mac": ("isolate", {"mac": gateway.mac}), "ip4": ("isolate", {"ip": gateway.ip4}),
             "ip6": ("isolate", {"ip": gateway.ip6}),
             "pair": ("block_pair", {"mac": gateway.mac, "server": "198.51.100.0/24"}),
             "server": ("block_server", {"server": gateway.ip4}),
             "net": ("block_server", {"server": "10.77.0.0/24"}),
             "twin": ("isolate", {"mac": c4.mac})}
    try:
        def work():
            impostor = Impostor(cordon)
            hello = impostor.meet("e2")
            generation = hello.get("generation", 0) + 1000
            impostor.send({"type": "desired", "switch_name": "e2", "epoch": hello.get("epoch", 0) + 1,
                           "generation": generation, "is_last": True,
                           "add": [{"id": name, "kind": kind, kind: body}
                                   for name, (kind, body) in rules.items()]})
            answer = impostor.answer(generation)
            return answer
        answer = campus.machines["ctl"].call(work)
        for name in rules:
            if name == "twin":
                assert answer[name]["state"] in ("applied", "verified"), answer
            else:
                assert answer[name]["state"] == "failed" and "protected" in answer[name]["why"], answer
        can(Ping(gateway.ip4), c5)
        can(Ping(campus["world"].ip4), c5)
        cannot(Ping(gateway.ip4), c4, twin=c5)
    finally:
        cordon.start_cordond()
        wait_for(lambda: cordon.is_answering() and all(
            s["state"] == "good" for s in cordon.api.items("/switches")), "all is good again", 30, 0.2)
    can(Ping(campus["world"].ip4), c4)  # what nobody asks for is gone
