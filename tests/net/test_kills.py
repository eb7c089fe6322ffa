"""SIGKILL to every program: over every step of a containment's life, and at random moments while
outside clients ask for containments, release them, and report detections.

After each group of kills everything that was acknowledged is compared with intent, switches, frames
and the audit.  Whatever happens, it is level and verified again within five seconds of everything
being up.  CORDON_KILLS says how many random ones (500), CORDON_SEED from which seed.
"""
import json
import os
import random
import signal
import threading
import time

import clients
import ledger
import pytest
from cordon import parse_time
from light import POLICY, SWITCHES, Light
from netns import wait_for

KILLS = int(os.environ.get("CORDON_KILLS", "500"))
SEED = int(os.environ.get("CORDON_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
KILLS_A_ROUND = 20
STORMS = int(os.environ.get("CORDON_STORMS", "3"))
APART_S = 0.0001  # steps that come closer together are one moment for a kill
LEVEL_S = 5  # by the issue: of everything being up
ANSWERED_S = 2  # and what was asked for last of all, from its answer on
LAPSE_S = 3  # of a containment that ends by itself
RELEASE_S = 0.004  # after a release was sent: about when it is on disk
UP_S = 30  # roles are started again with back-off; not what is measured


def eve_path(lab):
    return os.path.join(lab.dir, "eve", "eve.json")


def sources(made):
    """A file of alerts that Cordon follows, and a mirror for a sensor."""
    os.makedirs(os.path.join(made.dir, "eve"))
    made.sources = f"""sources:
  - name: ids
    kind: eve-file
    path: {eve_path(made)}
    strength: strong
    confidence: 80
    adjacent: true
"""
    made.mirrors = """mirrors:
  - switch: s1
    mirror: {kind: port, direction: both, ports: [p7, p8], carrier: local, out_port: mon}
"""


@pytest.fixture(scope="module")
def lab():
    made = Light()
    sources(made)
    with made:
        made.start_sensor()
        wait_for(lambda: made.items("/sensors"), "the sensor has reported", 30, 0.05)
        yield made


def kill(lab, target):
    """SIGKILL; True: it ran.  What nobody starts again is started by revive()."""
    if target == "cordond":
        lab.kill_all()
        return True
    if target == "supervisor":  # its children end by themselves, beside their successors
        lab.cordond.kill()
        lab.cordond.popen.wait(30)
        return True
    if target in SWITCHES:
        process = lab.edges[target]
    elif target == "sensor":
        process = lab.sensor
    else:
        pid = lab.role_pids().get(target)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True
    process.kill()
    process.popen.wait(30)
    return True


def revive(lab, target):
    if target in ("cordond", "supervisor"):
        lab.start_cordond(wait=False)
    elif target in SWITCHES:
        lab.start_edge(target)
    elif target == "sensor":
        lab.start_sensor()


def all_up(lab):
    """Every program runs, and core answers through web."""
    assert lab.cordond.is_running(), lab.cordond.log(3000)
    for name, process in [*lab.edges.items(), ("sensor", lab.sensor)]:
        assert process.is_running(), f"{name} has ended:\n{process.log(3000)}"
    return sorted(lab.role_pids()) == lab.roles and lab.is_answering()


def converged(lab):
    """Everything up, then level: what is in force, and how long that took."""
    wait_for(lambda: all_up(lab), "every program runs again", UP_S, 0.01)
    begin = time.monotonic()
    found = ledger.converge(lab, LEVEL_S)
    return found, time.monotonic() - begin


def append(path, line):
    with open(path, "ab", buffering=0) as file:
        file.write(line.encode())


def stored(database, names, path="$.signature"):
    try:
        ledger.detections(database, names, path)
        return True
    except AssertionError:
        return False


def spooled(lab):
    """The detections that the real sensor has on disk and nobody acknowledged yet, by id."""
    try:
        with open(f"{lab.dir}/sensor-state/spool.jsonl", encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
    except (OSError, ValueError):
        return set()
    return {line["id"] for line in lines if line.get("type") == "detection"}


# ------------------------------------------------------------------ every step

class Life:
    """One containment's life, and a kill in it."""

    def __init__(self, lab, database):
        self.lab, self.database = lab, database
        self.alerted, self.caller, self.router = (lab.endpoints[8], lab.endpoints[6],
                                                  lab.endpoints[15])
        self.names, self.reached, self.slowest, self.kills = [], {}, 0, 0

    def steps(self, one, tell):
        """The steps of a real containment, from packet to release: their names, and when after its
        beginning each was reached (seconds)."""
        def told():
            tell()
            return ledger.in_force(self.lab).get(one.mac)
        found = wait_for(told, "a detection contains", 30, 0.2)
        self.lab.wait_state(found["id"])
        self.lab.release(found["id"])
        story = self.lab.wait_state(found["id"], ("released",))
        marks = {mark["step"]: mark["since_start_us"] / 1e6 for mark in story["timeline"]}
        assert {"detected", "committed", "applied", "verified", "release"} <= set(marks), marks
        return marks

    def model(self):
        """Of one that a file told, and of one that the sensor saw."""
        self.marks = self.steps(self.alerted, lambda: append(
            eve_path(self.lab), clients.eve_line(self.alerted, f"model {time.time_ns()}")))
        self.marks_of_calls = self.steps(self.caller, self._call)

    def moments(self):
        """The steps one after the other, without those that no kill can tell from the one before."""
        last = None
        for step, offset in self.marks.items():
            if last is None or offset - last > APART_S:
                yield step
            last = offset

    def kill_after(self, target, after_s, begin):
        """Begins, and kills so long after."""
        start = time.monotonic()
        begin()
        while time.monotonic() - start < after_s:
            pass
        at = time.time()
        kill(self.lab, target)
        self.kills += 1
        revive(self.lab, target)
        found, took = converged(self.lab)
        self.slowest = max(self.slowest, took)
        return at, found

    def begin(self, target, step):
        """A detection contains: told by a file that Cordon follows; where the sensor is to die, by
        frames that it sees (which it may miss while it is dead: they come again)."""
        if target == "sensor":
            one, tell, marks = self.caller, self._call, self.marks_of_calls
        else:
            one, marks = self.alerted, self.marks
            self.names.append(f"C2 check-in {step} {target} {time.time_ns()}")

            def tell():
                append(eve_path(self.lab), clients.eve_line(one, self.names[-1][12:]))
        at, _ = self.kill_after(target, marks.get(step, 0), tell)
        if target != "sensor":
            wait_for(lambda: stored(self.database, self.names[-1:]), "it is stored", 30, 0.02)

        def contained():
            if target == "sensor":
                self._call()
            return ledger.in_force(self.lab).get(one.mac)
        made = wait_for(contained, f"{one} is contained", 30, 0.05)
        found = ledger.converge(self.lab, LEVEL_S)
        self._note(target, made["id"], at)
        ledger.frames(self.lab, found)
        if target in ("s1", "driver"):
            ledger.switches(self.lab, found)
        for each in found.values():
            self.lab.release(each["id"])
        ledger.converge(self.lab, LEVEL_S)

    def _call(self):
        self.lab.wires.call_home(self.caller, self.router)

    def end(self, target):
        """A person releases.  Where no answer came he asks again."""
        made = self.lab.contain(self.alerted)
        self.lab.wait_state(made["id"])
        asking = clients.Http(self.lab)
        person = threading.Thread(target=asking.ask, args=(
            "POST", f"/containments/{made['id']}/release", {"reason": "the first time"}))
        _, found = self.kill_after(target, RELEASE_S, person.start)
        person.join(60)
        if self.alerted.mac in found:
            self.lab.release(made["id"], "once more")
        found = ledger.converge(self.lab, LEVEL_S)
        assert self.lab.containment(made["id"])["state"] == "released"
        ledger.audit(self.database, [made["id"]], [made["id"]])
        ledger.frames(self.lab, found)

    def lapse(self, target):
        """Its time ends; the kill comes when it does.  It is over once, and for everybody."""
        made = self.lab.contain(self.alerted, expires_in_s=LAPSE_S)["id"]
        self.lab.wait_state(made, ("verified", "expired"))
        # by its own word: how long it took until then is none of its time
        left = parse_time(self.lab.containment(made)["expires"]) - time.time()
        self.kill_after(target, max(left, 0), lambda: None)
        self.lab.wait_state(made, ("expired",))
        found = ledger.converge(self.lab, LEVEL_S)
        assert self.alerted.mac not in found
        rows = self.database.rows("SELECT count(*) FROM audit WHERE action = 'expire' AND object = ?", made)
        assert rows == [(1,)], rows
        ledger.frames(self.lab, found)
        ledger.switches(self.lab, found)

    def _note(self, target, containment_id, at):
        """How far the story was when the kill came."""
        last = "nothing"
        for mark in self.lab.containment(containment_id)["timeline"]:
            last = mark["step"] if parse_time(mark["at"]) <= at else last
        self.reached.setdefault(last, set()).add(target)


def test_every_program_is_killed_at_every_step_of_a_containments_life(lab):
    """The steps are those that a containment's own timeline has; the kill comes at the moment at
    which one that lived before had got there."""
    database = ledger.Database(lab)
    life = Life(lab, database)
    life.model()
    moments = list(life.moments())
    for step in moments:
        for target in [*lab.roles, "s1", "sensor", "cordond"]:
            if step == "release":
                life.end(target)
            else:
                life.begin(target, step)
    for target in ("core", "driver", "s1", "cordond"):  # the others have no part in it
        life.lapse(target)
    ledger.detections(database, life.names)
    ledger.switches(lab, {})
    ledger.chain(lab)
    print(f"{life.kills} kills at {moments} of {list(life.marks)}; slowest {life.slowest:.2f} s; "
          f"so far the story was: { {step: sorted(who) for step, who in life.reached.items()} }")


# --------------------------------------------------------------- random moments

class Crowd:
    """Everybody outside who asks and reports."""

    def __init__(self, lab, seed):
        ends = lab.endpoints
        self.lab, self.database = lab, ledger.Database(lab)
        self.wishers = [clients.Wisher(lab, seed + 1, ends[0:3]),
                        clients.Wisher(lab, seed + 2, ends[8:11])]
        self.suricata = clients.Suricata(lab, seed + 3, [ends[3], ends[11]], eve_path(lab))
        self.malware = clients.Malware(lab, seed + 6, [ends[6]], ends[15])
        self.operator = clients.Operator(lab, seed + 4, [ends[3], ends[11], ends[6]])
        self.sensor = clients.WireSensor(lab, seed + 5, [ends[4], ends[12]])
        self.all = [*self.wishers, self.suricata, self.malware, self.operator, self.sensor]
        self.spooled = set()  # seen in the real sensor's spool
        for one in self.all:
            one.start()

    def go(self):
        for one in self.all:
            one.may_go.set()

    def rest(self):
        """Everybody has the answer to what he last asked."""
        for one in self.all:
            one.may_go.clear()
        wait_for(lambda: all(one.rests.is_set() for one in self.all), "all have answers", 60, 0.01)
        errors = [error for one in self.all for error in one.errors]
        assert not errors, errors

    def end(self):
        for one in self.all:
            one.is_over = True
            one.may_go.set()

    def compare(self, found):
        """What they were told, and what is in force."""
        for endpoint, at in self.suricata.last.items():
            if at > self.operator.released_at.get(endpoint, 0):
                assert endpoint.mac in found, f"{endpoint} was reported and is free"
        for wisher in self.wishers:
            for endpoint in wisher.endpoints:
                held = found.get(endpoint.mac, {}).get("id")
                assert held == wisher.live.get(endpoint), (endpoint, held, wisher.live)

    def compare_all(self):
        self.sensor.drain()
        wait_for(lambda: stored(self.database, self.suricata.written), "every line is stored", 30)
        wait_for(lambda: stored(self.database, self.spooled, "$.id"), "the spool is stored", 30)
        ledger.detections(self.database, self.suricata.written)
        ledger.detections(self.database, [*self.sensor.sent, *self.spooled], "$.id")
        for wisher in self.wishers:
            ledger.wishes(self.lab, wisher, self.database)
        ledger.audit(self.database, (), self.operator.released)
        found = ledger.converge(self.lab, LEVEL_S)
        ledger.switches(self.lab, found)
        ledger.chain(self.lab)

    def __str__(self):
        return (f"{sum(len(one.made) for one in self.wishers)} wishes, "
                f"{sum(len(one.released) for one in [*self.wishers, self.operator])} releases, "
                f"{len(self.suricata.written)} lines, {len(self.sensor.acked)} detections by wire "
                f"and {len(self.spooled)} in the spool of a sensor that died")


def one_round(lab, dice, crowd, killed):
    """Kills at random moments; the last one is the supervisor's, which forgets its back-off."""
    crowd.go()
    for number in range(KILLS_A_ROUND):
        time.sleep(dice.uniform(0, 0.06))
        is_last = number == KILLS_A_ROUND - 1
        running = sorted(lab.role_pids())
        target = dice.choice(["cordond", "supervisor"] if is_last else
                             [*running, *running, *SWITCHES, "sensor"])
        if kill(lab, target):
            killed[target] = killed.get(target, 0) + 1
            if target == "sensor":
                crowd.spooled |= spooled(lab)
            time.sleep(dice.uniform(0, 0.02))
            revive(lab, target)


def rest_and_compare(lab, crowd, number):
    wait_for(lambda: all_up(lab), "every program runs again", UP_S, 0.01)
    begin, stall = time.monotonic(), lab.stall()
    crowd.rest()
    ledger.converge(lab, max(LEVEL_S + stall.seconds() - (time.monotonic() - begin), ANSWERED_S))
    took = time.monotonic() - begin
    wait_for(lambda: stored(crowd.database, crowd.suricata.written[-50:]), "all is stored", 30, 0.02)
    found = ledger.converge(lab, LEVEL_S)
    crowd.compare(found)
    ledger.frames(lab, found)
    while number % 5 == 0:
        try:
            ledger.switches(lab, found)
            break
        except AssertionError:
            before, found = found, ledger.converge(lab, LEVEL_S)
            if before.keys() == found.keys():
                raise  # else what waited in the sensor's spool came meanwhile
    return took


def test_random_kills_lose_and_double_nothing_that_was_acknowledged(lab):
    print(f"seed {SEED}")
    crowd = Crowd(lab, SEED)
    killed, slowest, rounds = {}, 0, 0
    try:
        while sum(killed.values()) < KILLS:
            rounds += 1
            one_round(lab, random.Random(SEED * 1000 + rounds), crowd, killed)
            slowest = max(slowest, rest_and_compare(lab, crowd, rounds))
    finally:
        crowd.end()
    crowd.compare_all()
    print(f"{sum(killed.values())} kills in {rounds} rounds: {killed}; {crowd}; slowest "
          f"{slowest:.2f} s")
    lab.release_all()


def test_what_a_dead_sensor_had_found_comes_from_its_spool(lab):
    """It saw the call and wrote it down; nobody had acknowledged it when it died."""
    intake = lab.role_pids()["intake"]
    one = lab.endpoints[7]

    def found():
        lab.wires.call_home(one, lab.endpoints[15])
        return spooled(lab)
    os.kill(intake, signal.SIGSTOP)
    try:
        names = wait_for(found, "the sensor has written it down", 30, 0.2)
        kill(lab, "sensor")
        names = spooled(lab)
    finally:
        os.kill(intake, signal.SIGKILL)  # and with it what the sensor had sent already
    wait_for(lambda: sorted(lab.role_pids()) == lab.roles and lab.is_answering(), "intake is back", UP_S,
             0.01)
    assert one.mac not in ledger.in_force(lab)
    revive(lab, "sensor")
    made = wait_for(lambda: ledger.in_force(lab).get(one.mac), "it is contained", 30, 0.05)
    wait_for(lambda: not spooled(lab), "the spool is empty", 30, 0.1)
    ledger.detections(ledger.Database(lab), names, "$.id")
    lab.release(made["id"])
    converged(lab)


# -------------------------------------------------------------- who comes after

def test_a_switch_that_does_not_answer_does_not_hold_up_the_end(lab):
    """The driver process waits for an answer that will not come; told to end, it ends, and its port
    is free for its successor."""
    for edge in lab.edges.values():
        os.kill(edge.pid, signal.SIGSTOP)
    try:
        made = lab.contain(lab.endpoints[0])
        begin, stall = time.monotonic(), lab.stall()
        lab.cordond.stop(60)
        took = time.monotonic() - begin - stall.seconds()
    finally:
        for edge in lab.edges.values():
            os.kill(edge.pid, signal.SIGCONT)
    lab.start_cordond()
    converged(lab)
    lab.release(made["id"])
    assert took < 6, f"{took:.1f} s"  # an answer is waited for ten seconds


def test_a_core_that_is_not_dead_yet_keeps_its_successor_out(lab):
    """Two would number the audit twice and write old states over new ones."""
    old = lab.role_pids()["core"]
    made = lab.contain(lab.endpoints[0])["id"]
    os.kill(old, signal.SIGSTOP)
    try:
        lab.cordond.kill()
        lab.cordond.popen.wait(30)
        lab.start_cordond(wait=False)
        wait_for(lambda: "another cordond works in this folder" in lab.cordond.log(20000),
                 "the successor says why it waits", 30)
        assert not lab.is_answering()
    finally:
        os.kill(old, signal.SIGCONT)
    converged(lab)
    assert lab.wait_state(made)
    lab.release(made)
    ledger.chain(lab)


# ------------------------------------------------- while several wait for their turn

STORM = "  per_minute: 60\n"  # six go at once, who comes with them is gathered for a moment


@pytest.fixture(scope="module")
def stormy():
    made = Light(policy=POLICY.replace("  per_minute: 10000\n", STORM))
    assert STORM in made.policy
    sources(made)
    with made:
        made.start_sensor()
        yield made


def gathered(database):
    return database.rows("SELECT count(*) FROM setting WHERE name LIKE 'gathered/%'")[0][0]


def storm_round(lab, database, dice, number):
    """Twelve at once, and the kill while some wait for their turn; how many did."""
    crowd = lab.endpoints[:12]
    names = [f"storm {number} {one}" for one in crowd]
    append(eve_path(lab), "".join(clients.eve_line(*pair) for pair in zip(crowd, names)))
    names = [f"C2 check-in {name}" for name in names]
    wait_for(lambda: gathered(database) or stored(database, names), "some wait", 30, 0.001)
    time.sleep(dice.uniform(0, 0.1))
    target = dice.choice(["cordond", "core"])
    kill(lab, target)
    waited = gathered(database)
    revive(lab, target)
    converged(lab)
    wait_for(lambda: stored(database, names), "every line is stored", 30, 0.02)

    def all_have_had_their_turn():
        found = ledger.in_force(lab)
        return all(one.mac in found for one in crowd) and not gathered(database)
    wait_for(all_have_had_their_turn, "the budget had room for all of them", 30, 0.05)
    assert not [one for one in lab.items("/containments") if one["state"] == "pending"]
    found = ledger.converge(lab, LEVEL_S)
    ledger.detections(database, names)
    ledger.audit(database, [one["id"] for one in found.values()], ())
    ledger.frames(lab, found)
    ledger.switches(lab, found)
    lab.release_all()
    return waited


def test_who_waits_for_the_budget_has_his_turn_although_core_dies(stormy):
    """What a sensor was told is stored is asked for by nobody again."""
    database, dice = ledger.Database(stormy), random.Random(SEED)
    waited = []
    while len(waited) < STORMS or not any(waited) and len(waited) < 10 * STORMS:  # it must hit once
        waited.append(storm_round(stormy, database, dice, len(waited)))
    ledger.chain(stormy)
    print(f"seed {SEED}; waited when the kill came: {waited}")
    assert any(waited), "no kill came while somebody waited"
