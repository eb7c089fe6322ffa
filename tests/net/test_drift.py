"""Clocks that drift, as where no time server answers or NTP slews them: by 500 millionths, the controller's
one way, a switch's and a sensor's the other, for an hour and a half; and steps so small that nobody is
told of them, or of minutes.  What ends by time ends on time but for the drift, nobody is taken for
somebody else, and what is found is not refused.

The hours go by within seconds on every clock (lab/clock.c), on each by its own rate.
"""
import os
import struct
import time

import ledger
import pytest
from clock_lab import ClockLab
from light import arp_frame
from netns import wait_for
from test_clocks import (MIRRORS, SkewedSensor, append, endpoint_id, is_cut_off, lab_wall_s,
                         rows_about_clocks, take, where)

ALL = bool(os.environ.get("CORDON_CLOCKS"))  # by hand
PPM = 500
HOUR_AND_HALF_S = 5400
TURN_S = 300
SLACK_S = 2.5  # of a busy machine; the drift comes to it


class DriftLab(ClockLab):
    def __init__(self):
        super().__init__(mirrors=MIRRORS)
        self.rates, self.true_s = {}, 0
        self.off_s = {name: 0 for name in self.clocks}  # by what went by at other rates before

    def goes_by(self, seconds):
        """True seconds; each clock goes by its own rate."""
        while seconds > 0:
            turn = min(seconds, TURN_S)
            seconds -= turn
            self.true_s += turn
            for name, clock in self.clocks.items():
                self.off_s[name] += turn * self.rates.get(name, 0) / 1e6
                clock.set(0, self.true_s + self.off_s[name])
            self.wires.announce()  # they are there all the time
            time.sleep(0.05)

    def now_s(self):
        """True time."""
        return time.monotonic() + self.true_s

    def wall_was_set_s(self):
        """By how much somebody set the controller's wall clock: the other clocks do not know of it."""
        wall_us, passed_us = struct.unpack("=qq", self.clocks["cordond"]._map[0:16])
        return (wall_us - passed_us) / 1e6

    def drifts(self, ppm):
        self.rates = {"cordond": ppm, "s1": -ppm}

    def agree(self):
        """A time server answers at last: all are set right."""
        self.off_s = {name: 0 for name in self.clocks}
        self.rates = {}
        for clock in self.clocks.values():
            clock.set(0, self.true_s)


@pytest.fixture(scope="module")
def lab():
    with DriftLab() as made:
        made.start_sensor()
        wait_for(lambda: made.items("/sensors"), "the sensor has reported", 30, 0.05)
        yield made


@pytest.fixture(autouse=True)
def calm(lab):
    yield
    told, was_set = len(rows_about_clocks(lab)), abs(lab.wall_was_set_s()) > 2
    lab.agree()
    if was_set:  # that is told, too: now, not in the middle of the next test
        wait_for(lambda: len(rows_about_clocks(lab)) > told, "core sees that its clock was set back")
    lab.wait_level()
    lab.release_all()
    ledger.converge(lab, 10)
    lab.locate()


def ends_on_time(lab, endpoint, containment_id, end_s, within_s):
    """It ends, on the wire and by the API, at that true time; what the programs wait for a processor is no
    time of theirs."""
    stall = lab.stall()
    while lab.now_s() < end_s - within_s:
        assert is_cut_off(lab, endpoint), f"it ended {end_s - lab.now_s():.1f} s too early"
    wait_for(lambda: not is_cut_off(lab, endpoint), "it ends", within_s + 60, 0.05)
    late_s = lab.now_s() - end_s - stall.seconds()
    assert late_s < within_s, f"it ended {late_s:.1f} s late"
    lab.wait_state(containment_id, ("expired",), 30)
    return late_s


CONTROLLER, SWITCH, BUT_SENSOR = ("cordond",), ("s1",), ("cordond", "s1", "s2")


@pytest.mark.parametrize("by_s, names", [(1.9, CONTROLLER), (240, CONTROLLER), (-240, BUT_SENSOR)] + [
    (-1.9, SWITCH), (-240, SWITCH)] * ALL)
def test_steps_small_and_of_minutes(lab, by_s, names):
    """Below what counts as set it is a drift; above, what is held is moved and people are told."""
    ends, caller = lab.endpoints[1], lab.endpoints[7]
    before = len(rows_about_clocks(lab))
    begin = lab.now_s()
    made = lab.contain(ends, expires_in_s=5)["id"]
    ledger.converge(lab, 10)
    lab.set(by_s, *names)
    is_small = abs(by_s) < 2
    late_s = ends_on_time(lab, ends, made, begin + 5, abs(by_s) * is_small + SLACK_S)
    assert len(rows_about_clocks(lab)) - before == ("cordond" in names and not is_small)
    # Where ours went forward, what the sensor sends looks late for a while: whoever has his address for
    # a shorter time (here, since the lab began) is a case for a person.
    is_unsure = by_s > 2 and names == CONTROLLER

    def is_meant():
        lab.wires.call_home(caller, lab.endpoints[15])
        held = {one["mac"]: one["hold"] for one in lab.items("/containments?state=pending")}
        assert not held or (is_unsure and held == {caller.mac: "unresolved"}), held
        return set(ledger.in_force(lab)) | set(held) == {caller.mac}
    wait_for(is_meant, "what the sensor finds contains, or is held", 30, 0.3)
    print(f"{names} by {by_s} s: ended {late_s:+.1f} s from its true end")


@pytest.mark.parametrize("ppm", [PPM] + [-PPM] * ALL)
def test_clocks_that_drift_apart(lab, ppm):
    number = 0 if ppm > 0 else 3
    ends, stays, first = (lab.endpoints[number + at] for at in (0, 1, 2))
    second = lab.endpoints[number + 9]
    shared = f"10.77.0.{200 + number}"
    if lab.sensor.is_running():
        lab.sensor.stop()  # its frames are dated by the kernel, which knows nothing of these hours
    before = len(rows_about_clocks(lab))
    held = lab.contain(stays)["id"]
    begin = lab.now_s()
    made = lab.contain(ends, expires_in_s=HOUR_AND_HALF_S)["id"]
    ledger.converge(lab, 10)
    lab.drifts(ppm)
    drift_s = HOUR_AND_HALF_S * PPM / 1e6
    lab.goes_by(HOUR_AND_HALF_S - drift_s - SLACK_S - 2)
    late_s = ends_on_time(lab, ends, made, begin + HOUR_AND_HALF_S, drift_s + SLACK_S)
    lab.wait_level()
    assert is_cut_off(lab, stays) and lab.containment(held)["state"] == "verified"
    assert len(rows_about_clocks(lab)) == before, "a drift is no clock that was set"
    # who has an address: an alert of a source whose clock is right
    lab.locate()
    take(lab, first, shared)
    lab.goes_by(30)
    take(lab, second, shared)
    lab.goes_by(10)
    append(lab, first, shared, lab.true_s - lab_wall_s(lab))
    wait_for(lambda: endpoint_in_force(lab) == {stays.mac, second.mac}, "its holder is contained", 30,
             0.05)
    print(f"{ppm} ppm: {drift_s:.1f} s of drift each way; ended {late_s:+.1f} s from its true end")


def endpoint_in_force(lab):
    return set(ledger.in_force(lab))


@pytest.mark.parametrize("ahead", [True] + [False] * ALL)
def test_a_sensor_that_has_drifted_accuses_nobody_for_another(lab, ahead):
    """By less than what two clocks may differ by without being told: what it saw before the address
    changed hands is not about who has it now; what it sees then is."""
    number = 4 if ahead else 5
    first, second = lab.endpoints[number], lab.endpoints[number + 9]
    shared = f"10.77.0.{220 + number}"
    sensor = SkewedSensor(lab, 3, [first], f"drift{number}")
    sensor.skew_s = lab.true_s + (1.9 if ahead else -1.9)
    take(lab, first, shared)
    lab.goes_by(30)
    sensor.skew_s += 30
    old = sensor.make_about(first, shared)
    lab.goes_by(8)
    sensor.skew_s += 8
    take(lab, second, shared)
    sensor.drain()
    held = wait_for(lambda: lab.items("/containments?state=pending"), "it is held", 30, 0.05)
    assert not ledger.in_force(lab), (old, held)
    assert all(one.get("endpoint_id") != endpoint_id(lab, second) for one in held), held
    assert not is_cut_off(lab, second)
    lab.goes_by(10)
    sensor.skew_s += 10
    new = sensor.make_about(second, shared)
    sensor.close_connection()
    sensor.drain()

    def is_about_its_holder():
        found = [one for one in lab.items("/containments?state=pending")
                 if one.get("endpoint_id") == endpoint_id(lab, second)]
        return found and [one["hold"] for one in found] == ["weak"]  # one-way, and certain of whom
    wait_for(is_about_its_holder, f"{new['id']} is about its holder", 30, 0.05)
    ledger.detections(ledger.Database(lab), sensor.sent, "$.id")
    sensor.close_connection()


def test_a_held_machine_that_moved_is_not_taken_for_two(lab):
    """Its new switch has it in its table still, at the uplink where its frames came in before: frames of who is
    held do not come as far as that table.  Taken for news, two machines would seem to have that MAC."""
    mover = lab.endpoints[3]
    lab.wires.announce()
    made = lab.contain(mover)["id"]
    lab.wait_state(made)
    home = mover.cable
    lab.wires.move(mover, "h12")
    try:
        wait_for(lambda: where(lab, mover) == "s2/p4" or lab.wires.put(mover, arp_frame(mover)),
                 "its move is seen", 30, 0.1)
        table = lab.machines["s2"].run("bridge", "fdb", "show", "br", "br0").stdout
        assert f"{mover.mac} dev uplink" in table, table
        # What stays as it is is told again after a minute, and the table is read every half a minute.  In
        # true time: the kernel knows no other, and says how old an entry is.
        end = time.monotonic() + 95
        while time.monotonic() < end:
            lab.wires.put(mover, arp_frame(mover))
            seen = [one for one in lab.items("/conflicts") if one.get("mac") == mover.mac]
            assert not seen, seen
            time.sleep(0.5)
        assert where(lab, mover) == "s2/p4" and is_cut_off(lab, mover)
    finally:
        lab.wires.move(mover, home)
