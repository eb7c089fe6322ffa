"""Clocks that somebody sets, an hour either way, while everything runs: of the controller, of a
switch, of a sensor, of an event source.  What ends by time ends when it was meant to, nobody is
taken for somebody else, and people are told.

The programs are the real ones; their clock is lab/clock.c, preloaded.
"""
import json
import os
import time

import clients
import ledger
import pytest
from clock_lab import ClockLab
from light import SWITCHES, arp_frame
from netns import wait_for
from people import Browser

HOUR = 3600
LASTS_S = 4
ALL = bool(os.environ.get("CORDON_CLOCKS"))  # each combination, by hand; else what differs most
TOLD_S = 30  # that a device's clock is wrong


MIRRORS = """mirrors:
  - switch: s1
    mirror: {kind: port, direction: both, ports: [p7, p8], carrier: local, out_port: mon}
"""


@pytest.fixture(scope="module")
def lab():
    with ClockLab(mirrors=MIRRORS) as made:
        yield made


@pytest.fixture(autouse=True)
def calm(lab):
    yield
    told, was_set = len(rows_about_clocks(lab)), lab_wall_s(lab) != 0
    lab.set(0)
    if was_set:  # that is told, too: now, not in the middle of the next test
        wait_for(lambda: len(rows_about_clocks(lab)) > told, "core sees that its clock was set back")
    lab.wait_level()
    lab.release_all()
    ledger.converge(lab, 30)
    lab.locate()


def rows_about_clocks(lab):
    return [one for one in lab.items("/audit") if one["action"] == "clock_set"]


def findings(lab):
    return [str(one) for one in lab.api.get("/doctor", validate=False)["findings"]
            if one["check"] == "clock"]


def is_cut_off(lab, endpoint):
    other = lab.endpoints[5 if endpoint is not lab.endpoints[5] else 6]
    return not lab.wires.reaches([(endpoint, other), (other, endpoint)])


CONTROLLER, BOTH, ONE, EVERY = ("cordond",), ("s1", "s2"), ("s1",), ("cordond", "s1", "s2")


@pytest.mark.parametrize("by_s, names", [(HOUR, CONTROLLER), (-HOUR, EVERY)] + [
    (-HOUR, CONTROLLER), (HOUR, BOTH), (-HOUR, BOTH), (HOUR, EVERY)] * ALL)
def test_what_ends_by_time_ends_when_it_was_meant_to(lab, by_s, names):
    ends, stays, later = lab.endpoints[1], lab.endpoints[2], lab.endpoints[9]
    before = len(rows_about_clocks(lab))
    held = lab.contain(stays)["id"]
    begin = time.monotonic()
    made = lab.contain(ends, expires_in_s=LASTS_S)["id"]
    ledger.converge(lab, 30)
    lab.set(by_s, *names)
    wait_for(lambda: not is_cut_off(lab, ends), "it ends", 60, 0.05)  # nothing of an hour
    took = time.monotonic() - begin
    assert took > LASTS_S - 1, f"it ended too early: {took}"
    if "cordond" in names:
        assert len(wait_for(lambda: rows_about_clocks(lab)[before:], "told", 30)) == 1
    lab.wait_state(made, ("expired",), 30)
    assert is_cut_off(lab, stays)
    # and what is asked for now, by the clock as it is
    begin = time.monotonic()
    again = lab.contain(later, expires_in_s=4)["id"]
    lab.wait_state(again, ("verified", "expired"))  # who looks late sees its end only
    lab.wait_state(again, ("expired",), 30)
    assert time.monotonic() - begin > 3
    assert set(ledger.converge(lab, 30)) == {stays.mac}
    assert lab.containment(held)["state"] == "verified"
    assert lab.api.get("/audit/verify", validate=False)["sound"]
    print(f"{names} {by_s} s: ended after {took:.1f} s")


@pytest.mark.parametrize("by_s", [HOUR] + [-HOUR] * ALL)
def test_set_while_core_is_away(lab, by_s):
    """The machine was not started anew: nobody's hour went by."""
    one = lab.endpoints[1]
    begin = time.monotonic()
    made = lab.contain(one, expires_in_s=5)["id"]
    lab.wait_state(made, ("verified", "expired"))  # who looks late sees its end only
    os.kill(lab.role_pids()["core"], 9)
    lab.set(by_s, "cordond")
    wait_for(lab.is_answering, "core is back", 30, 0.05)
    wait_for(lambda: not is_cut_off(lab, one), "it ends", 60)
    assert time.monotonic() - begin > 4, "it ended too early"
    lab.wait_state(made, ("expired",), 30)


@pytest.mark.parametrize("number, by_s, names", [
    (0, HOUR, CONTROLLER), (1, -HOUR, ONE)] + [
        (2, -HOUR, CONTROLLER), (3, HOUR, ONE), (4, HOUR, BOTH), (5, -HOUR, BOTH)] * ALL)
def test_who_is_where_and_whose_address_it_is(lab, number, by_s, names):
    """Whoever moves is followed, and an address that changes hands is the new one's."""
    first, second, mover = lab.endpoints[0], lab.endpoints[9], lab.endpoints[3]
    shared = f"10.77.0.{100 + number}"
    lab.set(by_s, *names)
    made = lab.contain(mover)["id"]
    lab.wait_state(made)
    home = mover.cable
    lab.wires.move(mover, "h12")
    try:
        wait_for(lambda: where(lab, mover) == "s2/p4" or lab.wires.put(mover, arp_frame(mover)),
                 "its move is seen", 30, 0.1)
        assert is_cut_off(lab, mover)
    finally:
        lab.wires.move(mover, home)
    lab.release(made)
    take(lab, first, shared)
    take(lab, second, shared)
    append(lab, first, shared, 0)
    got = wait_for(lambda: [one for one in lab.items("/containments") if one.get("endpoint_id")],
                   "it is contained or held", 30, 0.05)
    assert {one["mac"] for one in got} == {second.mac}, got
    for name in SWITCHES:
        wanted = by_s * (name in names) - by_s * ("cordond" in names)
        wait_for(lambda: abs(lab.switch(name)["skew_us"] / 1e6 - wanted) < 2, "it is measured",
                 TOLD_S, 0.2)
        assert any(name in one for one in findings(lab)) == (wanted != 0), findings(lab)


def where(lab, endpoint):
    found = [one for one in lab.items("/endpoints") if endpoint.mac in one.get("macs", [])]
    place = found[0].get("location") or {} if found else {}
    return f"{place.get('switch')}/{place.get('port')}"


def take(lab, endpoint, address):
    """It says that it has that address; the others believe it."""
    other = type(endpoint)(endpoint.number)
    other.ip = address

    def holds():
        lab.wires.put(endpoint, arp_frame(other))
        found = [one for one in lab.items("/endpoints") if endpoint.mac in one.get("macs", [])]
        return found and address in json.dumps(found[0])
    wait_for(holds, f"{address} is {endpoint}'s", 30, 0.1)


def append(lab, endpoint, address, ahead_s):
    """An alert about an address, by a finder whose clock is off."""
    append.count = getattr(append, "count", 0) + 1
    line = json.loads(clients.eve_line(endpoint, f"clock {append.count}"))
    at = time.time() + ahead_s + lab_wall_s(lab)
    line["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + \
        f".{int(at * 1e6) % 10**6:06d}+0000"
    line["src_ip"] = line["flow"]["src_ip"] = address
    del line["ether"]
    with open(lab.eve, "ab", buffering=0) as file:
        file.write((json.dumps(line) + "\n").encode())


def lab_wall_s(lab):
    """What the test added to the controller's wall clock."""
    import struct
    return struct.unpack("=qq", lab.clocks["cordond"]._map[0:16])[0] / 1e6


@pytest.mark.parametrize("ahead_s", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_source_whose_clock_is_wrong_accuses_nobody_for_another(lab, ahead_s):
    """The address changed hands: it is held for a person, whoever it names."""
    first, second = lab.endpoints[1], lab.endpoints[10]
    shared = f"10.77.0.{150 if ahead_s > 0 else 160}"
    take(lab, first, shared)
    take(lab, second, shared)
    append(lab, first, shared, ahead_s)
    held = wait_for(lambda: lab.items("/containments?state=pending"), "it is held", 30, 0.05)
    assert [one["hold"] for one in held] == ["unresolved"], held
    assert not ledger.in_force(lab)
    assert not is_cut_off(lab, first) and not is_cut_off(lab, second)
    append(lab, first, shared, 0)  # the same with the right clock
    wait_for(lambda: set(ledger.in_force(lab)) == {second.mac}, "its twin is contained", 30, 0.05)


@pytest.mark.parametrize("skew_s", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_sensor_whose_clock_is_wrong(lab, skew_s):
    """It says when it sent what it found when: what it found before the address changed hands is not
    about the new one."""
    number = 2 if skew_s > 0 else 4  # none that moved a moment ago
    first, second = lab.endpoints[number], lab.endpoints[number + 9]
    shared = f"10.77.0.{170 if skew_s > 0 else 180}"
    sensor = SkewedSensor(lab, 3, [first], f"wrong{'a' if skew_s > 0 else 'b'}")
    sensor.skew_s = skew_s
    take(lab, first, shared)
    time.sleep(0.2)
    old = sensor.make_about(first, shared)
    take(lab, second, shared)
    sensor.drain()
    held = wait_for(lambda: lab.items("/containments?state=pending"), "it is held", 30, 0.05)
    assert held[0]["hold"] == "unresolved" or \
        held[0].get("endpoint_id") != endpoint_id(lab, second), (old, held)
    new = sensor.make_about(second, shared)
    time.sleep(0.2)
    sensor.close_connection()
    sensor.drain()
    wait_for(lambda: endpoint_id(lab, second) in
             {one.get("endpoint_id") for one in lab.items("/containments?state=pending")},
             f"{new['id']} is about the new one", 30, 0.05)
    wait_for(lambda: any(sensor.sensor in one for one in findings(lab)), "its clock is told", TOLD_S,
             0.2)
    sensor.close_connection()


@pytest.mark.parametrize("by_s", [HOUR, -HOUR], ids=["behind", "ahead"])
def test_the_real_sensor_beside_which_all_others_are_an_hour_off(lab, by_s):
    """What it sees is contained as ever: the other way round than above, because its frames are dated
    by the kernel."""
    caller, router = lab.endpoints[6 if by_s > 0 else 7], lab.endpoints[15]
    if not lab.sensor:
        lab.start_sensor()
    lab.set(by_s)

    def skew_s():
        found = [one for one in lab.items("/sensors") if one["name"] == "s9"]
        return found[0].get("skew_us", 0) / 1e6 if found else 0
    wait_for(lambda: abs(skew_s() + by_s) < 5, "its clock is told", 30, 0.1)

    def is_contained():
        lab.wires.call_home(caller, router)
        held = lab.items("/containments?state=pending")
        assert not held, held  # it would have been taken for an old one
        return set(ledger.in_force(lab)) == {caller.mac}
    wait_for(is_contained, "it is contained", 30, 0.5)


def endpoint_id(lab, endpoint):
    return next(one["id"] for one in lab.items("/endpoints") if endpoint.mac in one["macs"])


class SkewedSensor(clients.WireSensor):
    skew_s = 0

    def now_us(self):
        return int((time.time() + self.skew_s) * 1e6)

    def _send(self, message):
        if message["type"] == "hello":
            message["wall_us"] = self.now_us()
        elif message["type"] == "detection":
            message["sent_us"] = self.now_us()
        super()._send(message)

    def make_about(self, endpoint, address):
        made = self.make(endpoint)
        made["src"] = {"ip": address, "port": 40000}
        made["seen_us"] = made["first_us"] = made["reported_us"] = self.now_us()
        return made


def test_who_is_signed_in_stays_so_and_no_longer(lab):
    with open(f"{lab.state_dir}/admin.password", encoding="utf-8") as file:
        password = file.read().strip()
    one = Browser(lab.api)
    status, answer = one.sign_in("admin", password)
    assert status in (200, 201), answer
    changed = {"old": password, "new": "a better long passphrase 7"}
    one.send("POST", "/session/password", changed)
    password = changed["new"]
    for by_s in (HOUR, -HOUR, 0):
        lab.set(by_s, "cordond")
        wait_for(lab.is_answering, "it answers", 30)
        assert one.send("GET", "/session")[0] == 200
        two = Browser(lab.api)
        assert two.sign_in("admin", password)[0] in (200, 201)
        assert lab.api.raw("GET", "/containments", validate=False)[0] == 200  # by a token
