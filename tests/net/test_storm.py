"""A signature that is wrong about everybody: Suricata writes ten thousand alerts about ten thousand endpoints
into the file that Cordon follows.  Exactly the budget is isolated, the most confident first, the others' pairs
are blocked meanwhile, whoever is on call is told once, on the wire, and somebody asked for by hand
is contained all the same."""
import json
import os
import socket
import time

import device
import pytest
from light import POLICY, Light
from netns import wait_for

CROWD = int(os.environ.get("CORDON_STORM", "10000"))
BUDGET, AT_ONCE = 30, 3  # of which a tenth goes before anybody knows that more come
ON_PORT = 250
SURE = 40  # so many alerts are surer than the others: more than there is room for
STORM = (POLICY.replace("10.77.0.0/24", "10.0.0.0/8").replace("per_minute: 10000", f"per_minute: {BUDGET}")
         .replace("per_hour: 10000", f"per_hour: {BUDGET}"))


def mac(number):
    return f"02:00:01:00:{number >> 8:02x}:{number & 255:02x}"


def ip(number):
    return f"10.9.{number >> 8}.{number & 255}"


def is_sure(number):
    """Among the first, so that they come while the most confident are still gathered."""
    return number % 37 == 20 and number < 37 * SURE


class StormLab(Light):
    """With a switch of our own making, which tells of the crowd."""

    def __init__(self, crowd=CROWD, policy=STORM, sure=is_sure, server=None):
        """'server' is whom all of them call; None: each another one, so that none is popular."""
        super().__init__(policy=policy, switches="  - name: big\n    driver: edge")
        self.size, self.sure, self.server = crowd, sure, server
        self.eve = os.path.join(self.dir, "eve", "eve.json")
        os.makedirs(os.path.dirname(self.eve))
        self.sources = f"""sources:
  - {{name: ids, kind: eve-file, path: "{self.eve}", strength: strong, confidence: 50}}
"""

    def crowd(self):
        pki = self.issue("edge", "big")
        line = device.Line(("127.0.0.1", 8701), f"{pki}/big.pem", f"{pki}/big.key", f"{pki}/ca.pem",
                           "big").hello()
        line.facts([{"kind": "port", "port": f"p{port}", "port_number": port + 1, "role": "access",
                     "is_up": True} for port in range(-(-self.size // ON_PORT))], is_full=True)
        for first in range(0, self.size, 250):
            line.facts([{"kind": "binding", "port": f"p{number // ON_PORT}", "mac": mac(number),
                         "ip": ip(number), "source": "arp"}
                        for number in range(first, min(first + 250, self.size))])
            time.sleep(0.12)  # a switch may tell 5,000 facts a second, and who reads them may do so late
        return line

    def alert(self, number, stamp):
        return json.dumps({
            "timestamp": stamp, "flow_id": 1000 + number, "event_type": "alert",
            "src_ip": ip(number), "src_port": 40001, "dest_ip": self.server or f"198.18.{number >> 8}.{number & 255}",
            "dest_port": 443, "proto": "TCP", "direction": "to_server",
            "alert": {"signature_id": 2099999, "signature": "C2 everybody calls home",
                      "category": "Malware Command and Control Activity Detected",
                      "severity": 1, "metadata": {"confidence": ["High" if self.sure(number) else "Medium"]}}}) + "\n"

    def write(self, path, numbers):
        """Alerts about those, as one program writes them; the time now is that of all."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000+0000", time.gmtime())
        with open(path, "a", encoding="ascii") as file:
            file.write("".join(self.alert(number, stamp) for number in numbers))

    def storm(self):
        self.write(self.eve, range(self.size))


@pytest.fixture(scope="module")
def lab():
    with StormLab() as made:
        with made.crowd():
            yield made


def test_a_storm_contains_the_budget_and_rings_once(lab):
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.bind(("127.0.0.1", 5140))
    wire.setblocking(False)
    version = lab.api.get("/notifications")["settings"].get("version", 0)
    lab.api.post("/notifications", {"settings": {
        "version": version, "help_desk": {}, "owner": {}, "on_call": {},
        "channels": [{"name": "siem", "kind": "syslog", "host": "127.0.0.1", "port": 5140,
                      "transport": "udp"}],
        "rules": [{"kind": kind, "channels": ["siem"]} for kind in ("storm", "pending")]}, "secrets": []})
    wait_for(lambda: lab.api.get("/endpoints?limit=1")["total"] >= CROWD, "everybody is known", 60, 0.2)
    began = time.monotonic()
    lab.storm()
    def accepted():
        return next(one for one in lab.items("/intake") if one["name"] == "ids")["accepted"]
    wait_for(lambda: accepted() >= CROWD, "every alert is stored", 120, 0.5)
    wait_for(lambda: lab.api.get("/budgets")["hour"] == BUDGET, "the budget is spent", 60, 0.2)
    all_of_it = CROWD - AT_ONCE + min(CROWD - BUDGET, 4000)
    wait_for(lambda: lab.api.get("/containments?limit=1")["total"] >= all_of_it, "everybody's pair is blocked",
             120, 0.5)
    stored_s = time.monotonic() - began

    found = lab.items("/containments")
    isolated = [one for one in found if one["action"] == "isolate" and one["state"] != "pending"]
    sure = [one for one in isolated if is_sure(int(one["ip"].split(".")[2]) * 256 + int(one["ip"].split(".")[3]))]
    pairs = [one for one in found if one["action"] == "block_pair" and one["state"] != "pending"]
    waiting = lab.api.get("/pending?limit=1")["total"]
    print(f"{CROWD} alerts stored in {stored_s:.1f} s: {len(isolated)} isolated, {len(sure)} of them sure, "
          f"{len(pairs)} pairs blocked, {waiting} wait")
    assert len(isolated) == BUDGET, len(isolated)
    assert len(sure) >= BUDGET - AT_ONCE, [one["ip"] for one in isolated]
    assert 4096 >= waiting >= min(CROWD - BUDGET, 4000), waiting
    assert len(pairs) >= CROWD - BUDGET - AT_ONCE, len(pairs)
    # on a real switch, too: the isolated MACs, and nobody else's
    macs = {one["mac"] for one in isolated}
    wait_for(lambda: {held for held in lab.held_macs("s1")} >= macs, "s1 holds them", 30, 0.2)

    lines = []
    def rung():
        try:
            while True:
                lines.append(wire.recv(8192).decode())
        except BlockingIOError:
            return [line for line in lines if "storm" in line.lower()]
    wait_for(rung, f"the alarm, on the wire; heard: {lines}", 30, 0.2)
    assert len(lines) <= 3, lines  # the alarm and one decision to judge, not ten thousand
    wire.close()

    # whoever works is not kept from it
    one = lab.endpoints[3]
    made = lab.contain(one)
    wait_for(lambda: not lab.wires.reaches([(one, lab.endpoints[4])]), f"{one} is cut off", 30, 0.1)
    wait_for(lambda: lab.wires.reaches([(lab.endpoints[5], lab.endpoints[4])]), "its neighbour is not", 30)
    lab.release(made["id"])
