"""Explicit proxies and NAT: alerts whose source is one of them concern somebody behind it.  h1 is a proxy,
h2 a NAT, h3 a proxy whose X-Forwarded-For nobody else can write; h4 to h6 are endpoints.  Whoever speaks
for others is never cut off; each time its genuine twin is, by frames on their cables."""
import json
import os

import clients
import pytest
from light import POLICY, Light
from netns import wait_for

RELAYS = POLICY.replace("permit_sets:\n", """proxies: [10.77.0.11]
nats: [10.77.0.12]
truthful_proxies: [10.77.0.13]
permit_sets:
""")


class RelayLab(Light):
    def __init__(self):
        super().__init__(policy=RELAYS)
        self.eve = os.path.join(self.dir, "eve", "eve.json")
        os.makedirs(os.path.dirname(self.eve))
        self.sources = f"""sources:
  - {{name: ids, kind: eve-file, path: "{self.eve}", strength: strong, confidence: 80}}
"""
        self.count = 0

    def alert(self, endpoint, **more):
        """As Suricata writes it between the proxy and the Internet."""
        self.count += 1
        line = json.loads(clients.eve_line(endpoint, f"relay {self.count}"))
        del line["ether"]
        with open(self.eve, "ab", buffering=0) as file:
            file.write((json.dumps({**line, **more}) + "\n").encode())

    def held(self):
        return wait_for(lambda: self.items("/containments?state=pending"), "it is held", 30, 0.05)

    def is_cut(self, *cut, free):
        there = self.endpoints[9]
        pairs = {(one, there) for one in (*cut, *free)}
        wait_for(lambda: self.wires.reaches(pairs) == {(one, there) for one in free},
                 f"{cut} cannot, {free} can", 30, 0.05)


@pytest.fixture(scope="module")
def lab():
    with RelayLab() as made:
        yield made


@pytest.fixture(autouse=True)
def clean(lab):
    yield
    lab.release_all()


@pytest.mark.parametrize("number, word", [(1, "declared proxy"), (2, "declared NAT"), (3, "declared proxy")],
                         ids=["proxy", "nat", "truthful"])
def test_who_speaks_for_others_is_not_cut_off(lab, number, word):
    relay, twin = lab.endpoints[number - 1], lab.endpoints[3]
    lab.alert(relay)
    held = lab.held()
    assert [(one["hold"], one["action"]) for one in held] == [("unresolved", "isolate")], held
    assert word in held[0]["hold_detail"] and "endpoint_id" not in held[0], held
    status, answer = lab.api.raw("POST", f"/pending/{held[0]['id']}/enforce", {"reason": "a mistake"},
                                 validate=False)
    assert status == 409, (status, answer)  # nor by a person who does not look
    status, answer = lab.api.raw("POST", "/containments", {
        "action": "isolate", "mac": relay.mac, "ip": relay.ip, "reason": "a mistake"}, validate=False)
    assert status == 422, (status, answer)
    status, answer = lab.api.raw("POST", "/containments", {
        "action": "isolate", "ip": relay.ip, "reason": "a mistake"}, validate=False)
    assert status == 409 and word in answer["detail"], (status, answer)
    lab.alert(twin)
    lab.is_cut(twin, free=[relay])


def test_whom_a_truthful_proxy_names_is_cut_off(lab):
    infected, proxy, other = lab.endpoints[4], lab.endpoints[2], lab.endpoints[5]
    lab.alert(proxy, xff=infected.ip)
    lab.is_cut(infected, free=[proxy, other])


def test_whom_another_proxy_names_is_asked_about(lab):
    """Malware writes what it likes into its request: the last name is the proxy's word, but whether it adds
    one is not known."""
    victim, proxy = lab.endpoints[5], lab.endpoints[0]
    lab.alert(proxy, http={"hostname": "c2.example.org", "url": "/x", "xff": f"198.51.100.1, {victim.ip}"})
    held = lab.held()
    assert [one["hold"] for one in held] == ["weak"], held
    assert "X-Forwarded-For" in held[0]["hold_detail"] and held[0]["ip"] == victim.ip
    lab.is_cut(free=[victim, proxy])
    lab.api.post(f"/pending/{held[0]['id']}/enforce", {"reason": "the proxy's log says the same"})
    lab.is_cut(victim, free=[proxy])


def test_who_writes_the_header_without_a_proxy_names_nobody(lab):
    infected, victim = lab.endpoints[3], lab.endpoints[4]
    lab.alert(infected, xff=victim.ip)
    lab.is_cut(infected, free=[victim])
