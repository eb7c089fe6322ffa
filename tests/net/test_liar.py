"""A switch that lies: it speaks the wire as cordon-edge does, and holds what it likes.

What is found, and by what: a rule that its read-back leaves out, names as absent or as failed; rules that
nobody asked for; a delta that it took in part; silence, from the start or later; that it is another switch than its certificate says.
What cannot be found from here: a switch that tells exactly what was asked of it and drops nothing.  Only what
its endpoint does says so: a sensor that sees the traffic of a contained endpoint.
"""
import json
import socket
import ssl
import struct
import threading
import time

import ledger
import pytest
from light import Light
from netns import wait_for

FOUND_S = 30  # read-backs come every five seconds; the machine may be busy


class WireEdge(threading.Thread):
    """Connects as a switch and answers by its 'answer' and 'read_back', which a test replaces."""

    def __init__(self, lab, name):
        super().__init__(daemon=True)
        pki = lab.issue("edge", name)
        self.lab, self.switch = lab, name
        self.tls = ssl.create_default_context(cafile=f"{pki}/ca.pem")
        self.tls.check_hostname = False
        self.tls.load_cert_chain(f"{pki}/{name}.pem", f"{pki}/{name}.key")
        self.epoch = self.generation = 0
        self.held = {}           # rule id -> rule, as it was told
        self.lie = lambda reports, is_delta: reports
        self.speaks_as = name
        self.is_silent = self.is_cut = self.is_over = False
        self.told = 0            # messages with something to hold
        self.facts = 1
        self.connects = 0
        self.socket = None

    def send(self, message):
        data = json.dumps(message).encode()
        self.socket.sendall(struct.pack("!I", len(data)) + data)

    def receive(self, size):
        data = b""
        while len(data) < size:
            try:
                more = self.socket.recv(size - len(data))
            except TimeoutError:
                if self.is_cut or self.is_over:
                    raise OSError("cut by the test") from None
                continue
            if not more:
                raise OSError("closed")
            data += more
        return data

    def run(self):
        while not self.is_over:
            try:
                self.socket = self.tls.wrap_socket(socket.create_connection(("10.99.0.1", 8701), 5))
                self.socket.settimeout(0.2)
                self.is_cut = False
                self.connects += 1
                self.send({"type": "hello", "name": self.switch, "version": "test", "boot_id": "b",
                           "run_id": "r", "epoch": self.epoch, "generation": self.generation,
                           "wall_us": int(time.time() * 1e6), "tells_held": True})
                self.tell(is_full=True)
                while True:
                    size = struct.unpack("!I", self.receive(4))[0]
                    self.take(json.loads(self.receive(size)))
            except (OSError, ValueError):
                if self.socket:
                    self.socket.close()
                    self.socket = None
                time.sleep(0.1)

    def take(self, message):
        if message["type"] == "desired":
            self.told += 1
            is_delta = message.get("base", 0) != 0
            self.held = self.held if is_delta else {}
            for rule in message.get("remove", []):
                self.held.pop(rule["id"], None)
            self.held.update({rule["id"]: rule for rule in message.get("add", [])})
            self.epoch, self.generation = message["epoch"], message["generation"]
            if message.get("is_last", False):
                about = [rule["id"] for rule in message.get("add", [])] if is_delta else list(self.held)
                self.observe(about, is_delta, 0)
        elif message["type"] == "read_back":
            self.observe(list(self.held), False, message["request"])

    def observe(self, ids, is_delta, request):
        reports = self.lie([{"id": one, "state": "verified"} for one in ids], is_delta)
        if self.is_silent:
            return
        self.send({"type": "observed", "switch_name": self.speaks_as, "epoch": self.epoch,
                   "generation": self.generation, "request": request, "is_full": not is_delta,
                   "is_last": True, "rules": reports})

    def tell(self, *facts, is_full=False):
        self.facts += 1
        seen = [{**one, "seen_us": int(time.time() * 1e6)} for one in facts]
        self.send({"type": "facts", "switch_name": self.switch, "sequence": self.facts,
                   "is_full": is_full, "is_last": True, "facts": seen})

    def cut(self):
        """It connects again."""
        self.is_cut = True

    def close(self):
        self.is_over = True
        self.join(10)


@pytest.fixture(scope="module")
def lab():
    with Light(switches="  - name: liar\n    driver: edge\n") as made:
        yield made


@pytest.fixture
def liar(lab):
    made = WireEdge(lab, "liar")
    made.start()
    wait_for(lambda: lab.switch("liar")["state"] == "good", "the switch is taken for good", 30, 0.05)
    yield made
    made.close()
    wait_for(lambda: not lab.switch("liar")["connected"], "it is gone", 30, 0.05)
    lab.release_all()
    ledger.converge(lab, 30)


CASES = {
    "leaves it out": lambda one: None,
    "says that it is absent": lambda one: {**one, "state": "absent", "why": "gone"},
    "says that it failed": lambda one: {**one, "state": "failed", "why": "no room"},
    "cannot prove it": lambda one: {**one, "state": "applied", "why": "not proven"},
}


def is_alarmed(lab, containment_id):
    """Not shown as verified; says which switch, and the story has the moment."""
    found = lab.containment(containment_id)
    return (found["state"] != "verified" and "liar" in (found.get("problem") or "")
            and any(mark["step"] in ("unverified", "failed") for mark in found["timeline"]))


def test_what_its_read_back_does_not_have_is_not_shown_as_verified(lab, liar):
    """One containment for each kind of lie, all at once."""
    ends = lab.endpoints[0:len(CASES)]
    made = [lab.contain(one)["id"] for one in ends]
    ledger.converge(lab, 30)
    kinds = {}
    for containment_id, change in zip(made, CASES.values()):
        ids = [name for name in liar.held if containment_id in name]
        assert ids, sorted(liar.held)
        kinds.update({name: change for name in ids})
    before = liar.told
    liar.lie = lambda reports, _: [told for told in (
        kinds.get(one["id"], lambda same: same)(one) for one in reports) if told]
    for name, containment_id in zip(CASES, made):
        wait_for(lambda: is_alarmed(lab, containment_id), f"found and said: {name}", FOUND_S, 0.1)
    assert lab.switch("liar")["state"] != "good"
    wait_for(lambda: liar.told > before, "what is missing is sent again", FOUND_S, 0.1)
    assert lab.held_macs("s1") == lab.held_macs("s2") == {one.mac for one in ends}
    liar.lie = lambda reports, _: reports
    for containment_id in made:
        lab.wait_state(containment_id)
    wait_for(lambda: lab.switch("liar")["state"] == "good", "it is good again", 2 * FOUND_S, 0.1)


def test_a_change_that_was_taken_in_part_is_failed_and_tried_again(lab, liar):
    """The first half goes in, then the table is full; later there is room."""
    full = threading.Event()
    full.set()

    def lie(reports, is_delta):
        if not full.is_set():
            return reports
        return [{**one, "state": "failed", "why": "the switch's table is full"}
                if index >= len(reports) // 2 and "isolate" in json.dumps(liar.held[one["id"]])
                else one for index, one in enumerate(reports)]
    liar.lie = lie
    made = [lab.contain(one)["id"] for one in lab.endpoints[0:4]]

    def is_told():  # of each: the last may not have been pushed when the first has failed
        found = [lab.containment(one) for one in made]
        return "failed" in [one["state"] for one in found] and all(
            one["state"] == "verified" or one["state"] == "failed" and "table is full" in one["problem"]
            for one in found)
    wait_for(is_told, "what was refused is failed", FOUND_S, 0.1)
    wait_for(lambda: lab.switch("liar")["missing_rules"] > 0, "the switch says how many", FOUND_S, 0.1)
    before, begin = liar.told, time.monotonic()
    wait_for(lambda: liar.told >= before + 3, "it is tried again", 30, 0.05)
    assert time.monotonic() - begin > 0.25, "with back-off"  # two of them may have come before we looked
    full.clear()
    for one in made:
        lab.wait_state(one, timeout_s=60)
    ledger.switches(lab, {one.mac: 1 for one in lab.endpoints[0:4]})


def test_rules_that_nobody_asked_for_are_found_and_taken_away(lab, liar):
    liar.lie = lambda reports, is_delta: reports if is_delta else [
        *reports, {"id": "somebody-elses", "state": "verified"}]
    wait_for(lambda: [row for row in lab.api.get("/audit?limit=100", validate=False)["items"]
                      if row["action"] == "altered" and row["object"] == "liar"],
             "the audit says so", FOUND_S, 0.1)


def test_a_switch_that_says_nothing_is_told_and_holds_nobody_up(lab, liar):
    liar.is_silent = True
    made = lab.contain(lab.endpoints[2])["id"]
    wait_for(lambda: {"s1", "s2"} <= {one["switch"] for one in lab.containment(made)["switches"]
                                      if one["state"] == "verified"}, "the honest ones", 30, 0.05)
    wait_for(lambda: "has not answered what it was told" in (lab.switch("liar").get("problem") or ""),
             "people are told", 30, 0.1)
    assert lab.containment(made)["state"] != "verified"
    states = {one["switch"]: one["state"] for one in lab.containment(made)["switches"]}
    assert states["liar"] != "verified", states
    liar.is_silent = False
    lab.wait_state(made, timeout_s=40)


def test_one_that_goes_mute_is_not_believed_for_what_it_was_told_since(lab, liar):
    """A machine on it is contained, proven; then its line lives and it answers nothing, while the machine
    comes with another MAC.  It is told, and stays so until a new line, which is tried once, heals it."""
    first, second, other = "02:00:00:00:05:01", "02:00:00:00:05:02", lab.endpoints[5]
    liar.tell({"kind": "port", "port": "p1", "port_number": 1, "role": "access", "is_up": True})
    liar.tell(*seen_on("p1", first))
    contained = lab.api.post("/containments", {"action": "isolate", "mac": first, "reason": "a test"})["id"]
    lab.wait_state(contained)
    before = lab.contain(other)["id"]
    lab.wait_state(before)
    liar.is_silent, begin, connects = True, time.monotonic(), liar.connects
    liar.tell({"kind": "link_down", "port": "p1"}, {"kind": "link_up", "port": "p1"})
    liar.tell(*seen_on("p1", second))
    wait_for(lambda: marks(lab, contained, "mac_joined"), "the MAC is the same machine's", 5, 0.05)

    def is_doubted():
        return lab.containment(contained)["state"] != "verified"
    wait_for(is_doubted, "what it was told is not shown as proven", 20, 0.1)
    took = time.monotonic() - begin
    assert took > 9, took  # not before its time
    assert marks(lab, contained, "unverified")
    assert "liar has not answered what it was told at" in lab.containment(contained)["problem"]
    assert lab.switch("liar")["connected"] and lab.switch("liar")["state"] == "unverified"
    assert "has not answered" in lab.switch("liar")["problem"]
    found = [one for one in lab.api.get("/doctor", validate=False)["findings"]
             if one["where"] == "liar" and "has not answered" in one["what"]]
    assert found and found[0]["severity"] == "error", found
    # what it had proven before, it is not believed to have lost
    assert lab.containment(before)["state"] == "verified" and not marks(lab, before, "unverified")
    wait_for(lambda: liar.connects > connects, "a new line is tried", 45, 0.1)
    time.sleep(2)
    assert lab.containment(contained)["state"] != "verified", "a line alone proves nothing"
    assert not marks(lab, contained, "verified_again")
    liar.is_silent = False
    wait_for(lambda: not is_doubted(), "it answers, and is believed again", 40, 0.1)
    assert any(second in one for one in liar.held)
    assert marks(lab, contained, "verified_again")
    wait_for(lambda: lab.switch("liar")["state"] == "good", "it is good again", 20, 0.1)
    assert liar.connects == connects + 1
    print(f"doubted {took:.1f} s after it was told")


def seen_on(port, mac):
    """Facts: a MAC on a port, which asks for an address; one machine by its client id."""
    return ({"kind": "mac", "port": port, "mac": mac},
            {"kind": "lease", "port": port, "mac": mac, "source": "dhcp4", "client_id": "01aabbcc"})


def marks(lab, containment_id, step):
    return [one for one in lab.containment(containment_id)["timeline"] if one["step"] == step]


def test_a_switch_speaks_for_itself_only(lab, liar):
    """What it says of another one is not taken, and the line is cut."""
    made = lab.contain(lab.endpoints[3])["id"]
    lab.wait_state(made)
    connects = liar.connects
    liar.speaks_as = "s1"
    liar.lie = lambda reports, _: [{**one, "state": "absent"} for one in reports]
    wait_for(lambda: liar.connects > connects, "the line is cut", FOUND_S, 0.05)
    assert lab.switch("s1")["state"] == "good"
    assert {one["switch"]: one["state"] for one in lab.containment(made)["switches"]}[
        "s1"] == "verified"
    liar.speaks_as = "liar"
    liar.lie = lambda reports, _: reports


def test_a_switch_that_says_the_highest_epoch_harms_itself_only(lab, liar):
    liar.epoch = 2**52
    liar.cut()
    wait_for(lambda: "another controller" in (lab.switch("liar").get("problem") or ""),
             "people are told", 30, 0.05)
    made = lab.contain(lab.endpoints[4])["id"]
    wait_for(lambda: {"s1", "s2"} <= {one["switch"] for one in lab.containment(made)["switches"]
                                      if one["state"] == "verified"}, "the others go on", 30, 0.05)
    assert lab.switch("s1")["epoch"] < 1000
    liar.epoch = 0
    liar.cut()
    wait_for(lambda: lab.switch("liar")["state"] == "good", "it is good again", 30, 0.05)
