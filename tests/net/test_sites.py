"""Two sites with the same addresses: switch s1 is the one at "east", s2 the one at "west", with no cable
between them.  h9 to h16 have the addresses of h1 to h8.  What is found out about one of them concerns its
twin in nothing; each "cannot" is proven beside the twin that can, by frames on their cables."""
import json
import os

import clients
import pytest
from light import POLICY, Light
from netns import wait_for

SITES = POLICY.replace("permit_sets:\n", """sites:
  - {name: east, switches: [s1], own_addresses: true, sensors: [ids-east, s9]}
  - {name: west, switches: [s2], own_addresses: true, sensors: [ids-west]}
permit_sets:
""")
SOURCES = ("ids-east", "ids-west", "ids")


class SiteLab(Light):
    def __init__(self):
        super().__init__(policy=SITES)
        self.sources = "sources:\n"
        for name in SOURCES:
            os.makedirs(os.path.dirname(self.eve(name)), exist_ok=True)
            self.sources += (f"  - {{name: {name}, kind: eve-file, path: \"{self.eve(name)}\", "
                             "strength: strong, confidence: 80}\n")
        self.mirrors = """mirrors:
  - switch: s1
    mirror: {kind: port, direction: both, ports: [p7, p8], carrier: local, out_port: mon}
"""

    def eve(self, name):
        return os.path.join(self.dir, "eve", f"{name}.json")

    def start(self):
        super().start()
        self.machines["s1"].ip("link set uplink down")
        for one in self.endpoints[8:]:
            one.ip = self.endpoints[one.number - 9].ip
        self.announce()
        self.start_sensor()
        wait_for(lambda: self.items("/sensors"), "the sensor has reported", 30, 0.05)
        return self

    def announce(self):
        def told():
            self.wires.announce()
            found = {mac: one for one in self.items("/endpoints") for mac in one["macs"]}
            return all(one.ip in found[one.mac].get("addresses", []) for one in self.endpoints)
        wait_for(told, "everybody's address is known", 30, 0.2)

    def alert(self, source, endpoint):
        """By a finder that knows addresses only."""
        self.count = getattr(self, "count", 0) + 1
        line = json.loads(clients.eve_line(endpoint, f"site {self.count}"))
        del line["ether"]
        with open(self.eve(source), "ab", buffering=0) as file:
            file.write((json.dumps(line) + "\n").encode())
        return line["alert"]["signature"]

    def pending(self):
        return self.items("/containments?state=pending")

    def about(self, endpoint):
        """Isolations of that machine that are in force."""
        ids = {one["id"] for one in self.items("/endpoints") if endpoint.mac in one["macs"]}
        return [one for one in self.items("/containments")
                if one.get("endpoint_id") in ids and one["state"] == "verified"]


@pytest.fixture(scope="module")
def lab():
    with SiteLab() as made:
        yield made


@pytest.fixture(autouse=True)
def clean(lab):
    yield
    lab.release_all()
    lab.announce()


def proven(lab, cut, free):
    """One is cut off from its neighbour, the other, with the same address, is not."""
    there = lab.endpoints[5], lab.endpoints[13]
    pairs = {(one, there[one.number > 8]) for one in (cut, free)}
    wait_for(lambda: lab.wires.reaches(pairs) == {pair for pair in pairs if pair[0] is free},
             f"{cut} is cut off, {free} is not", 30, 0.05)


@pytest.mark.parametrize("source, number, twin", [("ids-west", 9, 1), ("ids-east", 2, 10)])
def test_a_detection_is_about_whoever_has_the_address_at_its_site(lab, source, number, twin):
    about, other = lab.endpoints[number - 1], lab.endpoints[twin - 1]
    lab.alert(source, about)
    found = wait_for(lambda: lab.about(about), f"{about} is contained", 30, 0.05)[0]
    assert found["site"] == source.removeprefix("ids-")
    proven(lab, about, other)
    assert not lab.about(other) and not lab.pending()
    held = {one["name"]: one["site"] for one in lab.items("/switches")}
    assert held == {"s1": "east", "s2": "west"}


def test_a_real_sensor_at_one_site_accuses_nobody_at_the_other(lab):
    infected, twin = lab.endpoints[6], lab.endpoints[14]
    wait_for(lambda: lab.wires.call_home(infected, lab.endpoints[7]) or lab.about(infected),
             f"{infected} is contained", 30, 0.5)
    proven(lab, infected, twin)
    assert not lab.about(twin)


def test_where_nobody_says_the_site_a_person_decides(lab):
    about, twin = lab.endpoints[2], lab.endpoints[10]
    lab.alert("ids", about)
    held = wait_for(lab.pending, "it is held", 30, 0.05)
    assert [one["hold"] for one in held] == ["unresolved"], held
    assert "several sites have that address" in held[0]["hold_detail"]
    assert not lab.about(about) and not lab.about(twin)
    there = {(about, lab.endpoints[5]), (twin, lab.endpoints[13])}
    wait_for(lambda: lab.wires.reaches(there) == there, "neither is cut off", 30)
    status, answer = lab.api.raw("POST", "/containments", {
        "action": "isolate", "ip": about.ip, "reason": "a test"}, validate=False)
    assert status == 409 and "name the site" in json.dumps(answer), (status, answer)
    lab.api.post("/containments", {"action": "isolate", "ip": about.ip, "site": "west", "reason": "a test"})
    wait_for(lambda: lab.about(twin), f"{twin} is contained", 30, 0.05)
    proven(lab, twin, about)


def test_an_inside_server_is_blocked_at_its_site_only(lab):
    server, twin = lab.endpoints[3], lab.endpoints[11]
    lab.api.post("/server-blocks", {"server": server.ip, "site": "east", "reason": "a test"})
    pairs = {(lab.endpoints[0], server), (lab.endpoints[8], twin)}
    wait_for(lambda: lab.wires.reaches(pairs) == {(lab.endpoints[8], twin)},
             f"nobody reaches {server}, its twin is reached", 30, 0.05)


def test_one_mac_at_both_sites_is_shown_and_nobody_is_cut_off_by_itself(lab):
    """A machine and its clone, both alive."""
    one, clone = lab.endpoints[4], lab.endpoints[12]
    own = clone.mac
    clone.mac = one.mac
    try:
        def both():
            lab.wires.announce([one, clone])
            return [found for found in lab.items("/conflicts") if "two sites" in found["why"]]
        wait_for(both, "the conflict is shown", 30, 0.1)
        lab.alert("ids-east", one)
        held = wait_for(lab.pending, "it is held", 30, 0.05)
        assert [found["hold"] for found in held] == ["unresolved"], held
        there = {(one, lab.endpoints[5]), (clone, lab.endpoints[13])}
        wait_for(lambda: lab.wires.reaches(there) == there, "neither is cut off", 30)
    finally:
        clone.mac = own
