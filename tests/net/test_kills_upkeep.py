"""SIGKILL in the middle of retention and of purges: at each of the system calls by which core changes
its files, or at the named steps of them (CORDON_KILL_POINTS: how many more, spread over all calls).

The past is real: cordond works with a clock of 400 days ago, and the days go by on every clock.  After
each kill: the chain of the operation log is sound and every young row of it is what it was, what was
acknowledged to a witness outside is there, nothing refers to what is gone; and in the end all that was
to go is gone, also from the bytes.
"""
import json
import os
import random
import ssl
import subprocess
import tempfile
import time

import pytest
from api import ApiError
from clocks import Clock
from database import opened
from family import kill_family
from killer import Killer
from netns import wait_for
from test_backup import BUILD, SLOW_S, Bench

DAY = 86400
AGO = 400 * DAY
POINTS = int(os.environ.get("CORDON_KILL_POINTS", "0"))
SEED = int(os.environ.get("CORDON_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
YOUNG, OLD = 60, 3000
WHOM = "ward-laptop.of-long-ago.example"
LOG, FILE = "cordon.db-wal", "cordon.db"
# the anchor; a slice of the audit; in a slice; between slices; the file gets shorter, twice; the log
# is emptied
PASS_STEPS = [("fdatasync", LOG, 1), ("fdatasync", LOG, 2), ("pwrite64", LOG, 300),
              ("fdatasync", LOG, 8), ("ftruncate", FILE, 1), ("ftruncate", LOG, 1)]
# before a purge's first word; between its slices; in the index of texts; the log is emptied
PURGE_STEPS = [("fdatasync", LOG, 1), ("fdatasync", LOG, 12), ("fdatasync", LOG, 30),
               ("ftruncate", LOG, 1)]


class Old(Bench):
    """A cordond with a past, whose clock is the test's."""

    def __init__(self, folder):
        self.clock, self.passed_s = Clock(folder, "cordond", BUILD), 0
        self.acked, self.wall_s = {}, -AGO - 2 * DAY
        self.clock.set(self.wall_s)
        super().__init__(folder)

    def start(self):
        self.cordon.env = dict(os.environ, **self.clock.env)
        super().start()

    def is_there(self):
        self.api.tls = ssl._create_unverified_context()  # what it shows is of another year
        return super().is_there()

    def passes(self, seconds):
        self.passed_s += seconds
        self.clock.set(self.wall_s, self.passed_s)

    def pass_is_due(self):
        """The first of a run, 120 s after a tick of core's."""
        time.sleep(0.5)  # two ticks: it knows when it began
        self.passes(130)
        self.due_at = time.monotonic()

    def pass_is_late(self):
        """Where the machine was too busy for those ticks the time goes by once more."""
        if time.monotonic() - self.due_at > 10:
            self.pass_is_due()

    def kill_all(self):
        self.cordon.popen, self.cordon.pid = self.cordon.process, self.cordon.process.pid
        kill_family(self.cordon)

    def rows(self, question):
        with opened(self.database(), read_only=True) as db:
            found = db.execute(question).fetchall()
        return found

    def wish(self, number, stays):
        """What is acknowledged is remembered; the state that it must have."""
        made = self.contain(f"02:00:00:01:{number // 256:02x}:{number % 256:02x}", f"wish {number}")
        self.acked[made["id"]] = "in force"
        if not stays:
            self.api.post(f"/containments/{made['id']}/release", {"reason": "over"})
            self.acked[made["id"]] = "released"
        return made["id"]

    def live(self):
        """The past: wishes, of which most ended, and what sensors found; then the days go by."""
        old = [self.wish(number, number < 5) for number in range(30)]
        for one in old[5:]:
            del self.acked[one]  # may go
        wait_for(lambda: not self.rows("SELECT 1 FROM notice WHERE is_routed = 0"), "all is told", 10)
        self.passes(AGO)
        time.sleep(0.6)  # two ticks: it holds everything for a day
        self.passes(DAY + 7200)
        wait_for(lambda: self.api.get("/retention").get("passed"), "that day is over", SLOW_S, 0.05)
        self.stop()
        self.find(OLD + YOUNG)
        self.start()
        for number in range(30, 40):
            self.wish(number, number % 2)
        self.young = self.log_rows()

    def find(self, count):
        then, now = int((time.time() - AGO) * 1e6), int(time.time() * 1e6)
        with opened(self.database()) as db:
            db.executemany(
                "INSERT INTO detection(id, incident_id, seen_us, json) VALUES(?, ?, ?, ?)",
                ((f"{'old' if i >= YOUNG else 'young'}-{i}", f"I-{i % 50}",
                  then + i if i >= YOUNG else now - i, json.dumps({
                      "id": f"d-{i}", "sensor": "s1", "maker": "cordon", "signature": "on a list",
                      "phase": "c2", "severity": "high",
                      "server_name": WHOM if i >= YOUNG else "of-today.example"}, separators=(",", ":")))
                 for i in range(count)))
            db.executemany("INSERT INTO evidence(detection_id, pcap) VALUES(?, ?)",
                           ((f"{'old' if i >= YOUNG else 'young'}-{i}", os.urandom(1500))
                            for i in range(0, count, 3)))

    def log_rows(self):
        """{number: what it says} of the rows of the operation log that are young."""
        since = int((time.time() - 30 * DAY) * 1e6)
        return {number: rest for number, *rest in self.rows(
            f"SELECT number, at_us, account, action, object, detail, hash FROM audit "
            f"WHERE at_us > {since}")}

    def assert_whole(self):
        verified = self.api.get("/audit/verify")
        assert verified["sound"], verified
        now = self.log_rows()
        assert {number: now.get(number) for number in self.young} == self.young
        self.young = now
        states = dict(self.rows("SELECT id, state FROM containment"))
        for one, wanted in self.acked.items():
            state = states.get(one, "lost")
            assert (state == wanted) if wanted == "released" else state in (
                "requested", "waiting", "located", "applied", "verified"), (one, wanted, state)
        assert self.rows("SELECT count(*) FROM detection WHERE id LIKE 'young%'") == [(YOUNG,)]
        assert self.rows("SELECT count(*) FROM evidence WHERE detection_id LIKE 'young%'") == [(YOUNG // 3,)]
        for question in ("SELECT detection_id FROM evidence WHERE detection_id NOT IN "
                         "(SELECT id FROM detection)",
                         "SELECT id FROM ended WHERE id NOT IN (SELECT id FROM containment)",
                         "SELECT id FROM containment WHERE ended_us <> 0 AND id NOT IN "
                         "(SELECT id FROM ended)"):
            assert not self.rows(question), question
        assert self.rows("PRAGMA integrity_check") == [("ok",)]

    def kill_at(self, point, begin, is_over, number):
        """Begins, and kills core at its nth such call, and with it all the rest, as a power switch
        would; True: it came to that."""
        call, end, nth = point
        with Killer(self.cordon.roles()["core"], nth, call, end) as killer:
            begin()
            self.asks(lambda: self.wish(number, stays=True))  # where no answer comes nobody knows
            wait_for(lambda: killer.has_killed or self.asks(is_over), "it is over, one way or another",
                     20, 0.01)
            has_killed = killer.has_killed
        self.kill_all()
        self.start()
        return has_killed

    def begin_anew(self):
        """As the past left it."""
        if self.cordon.process and self.cordon.process.poll() is None:
            self.kill_all()
        self.acked, self.young = map(dict, self.kept)
        subprocess.run(["rm", "-rf", self.state], check=True)
        subprocess.run(["cp", "-a", f"{self.state}.kept", self.state], check=True)
        self.start()

    def is_short(self):
        """Nothing in the file is free, and nothing in the log."""
        log = self.database().parent / LOG
        return self.rows("PRAGMA freelist_count") == [(0,)] and log.stat().st_size == 0

    @staticmethod
    def asks(question):
        try:
            return question()
        except (OSError, ApiError, ValueError):
            return None


def gone(bench):
    """The bytes that were to go are in no file of the database."""
    return not any(WHOM.encode() in path.read_bytes()
                   for path in bench.database().parent.glob("cordon.db*"))


@pytest.fixture(scope="module")
def past():
    with tempfile.TemporaryDirectory(prefix="cordon-upkeep-") as name:
        os.chmod(name, 0o755)
        bench = Old(name)
        try:
            bench.live()
            bench.assert_whole()
            bench.stop()
            subprocess.run(["cp", "-a", bench.state, f"{bench.state}.kept"], check=True)
            yield bench
        finally:
            bench.close()


@pytest.fixture
def bench(past):
    """As the past left it."""
    past.kept = dict(past.acked), dict(past.young)
    past.begin_anew()
    yield past
    past.kill_all()
    past.acked, past.young = past.kept


def points(steps, calls):
    """The named ones; and any of all calls, each over the same past, as many as wanted."""
    dice = random.Random(SEED)
    more = [[("disk", "", dice.randrange(1, calls))] for _ in range(POINTS)]
    return pytest.mark.parametrize("steps", [steps, *more],
                                   ids=["steps", *(f"call{one[0][2]}" for one in more)])


@points(PASS_STEPS, 3000)
def test_retention_is_killed_at_every_step_of_a_pass(bench, steps):
    begin = bench.pass_is_due

    def passed():
        bench.pass_is_late()
        told = bench.api.get("/retention")
        return told.get("passed") and not told["running"] and bench.is_short()
    bench.api.post("/retention", {"reason": "less", "kinds": [
        {"kind": kind, "days": days} for kind, days in
        (("audit", 365), ("detections", 100), ("containments", 99))]})
    reached, missed = [], []
    for number, point in enumerate(steps):
        is_hit = bench.kill_at(point, begin, passed, 100 + number)
        bench.assert_whole()
        left = [bench.rows(f"SELECT count(*) FROM {table}")[0][0]
                for table in ("audit", "detection", "containment")]
        (reached if is_hit else missed).append((point, left))
    begin()
    wait_for(passed, "a pass comes to its end", SLOW_S, 0.05)
    wait_for(lambda: gone(bench), "what went is gone from the bytes", SLOW_S, 0.1)
    bench.assert_whole()
    print(f"seed {SEED}; killed at {reached}; not reached {missed}")
    assert bench.rows("SELECT count(*) FROM detection WHERE id LIKE 'old%'") == [(0,)]
    assert bench.api.get("/audit/verify")["pruned"] > 40
    old = [one for one in bench.api.items("/containments?ended=true") if one["reason"] == "wish 20"]
    assert not old
    assert not missed or steps is not PASS_STEPS


@points(PURGE_STEPS, 6000)
def test_a_purge_is_killed_at_every_step(bench, steps):
    """What was acknowledged goes on by itself after the restart, as the same job, until everything is
    gone, also from the bytes; nobody asks again.  What was not is not begun either, or all of it is
    done: then its beginning stands in the operation log."""
    job = {}

    def begin():
        job.clear()
        made = bench.asks(lambda: bench.api.post("/purges", {
            "subject": "name", "value": WHOM, "dry_run": False, "reason": "case 4711"}))
        job.update(made or {})

    def is_over():
        return job and bench.api.get(f"/purges/{job['id']}")["job"]["state"] == "done"

    def log(action):
        return len([row for row in bench.young.values() if row[2] == action])
    reached, missed = [], []
    for number, point in enumerate(steps):
        bench.begin_anew()
        is_hit = bench.kill_at(point, begin, is_over, 200 + number)
        bench.assert_whole()
        found = log("purge.start"), log("purge.end"), len(
            bench.rows("SELECT 1 FROM setting WHERE name LIKE 'purge/%'"))
        (reached if is_hit else missed).append((point, *found, bool(job)))
        if job:  # acknowledged: so it stands in the log
            assert found[0] == 1
        if not found[0]:  # it was never begun, and nobody was told that it was
            assert bench.rows("SELECT count(*) FROM detection WHERE id LIKE 'old%'") == [(OLD,)]
            continue
        ends = lambda: bench.assert_whole() or log("purge.end") == 1  # noqa: E731
        wait_for(ends, "it goes on and comes to its end", SLOW_S, 0.1)
        assert bench.rows("SELECT 1 FROM setting WHERE name LIKE 'purge/%'") == []
        assert bench.rows("SELECT count(*) FROM detection WHERE id LIKE 'old%'") == [(0,)]
        if found[1]:  # killed behind its end: the bytes go with the next pass
            bench.pass_is_due()
            wait_for(lambda: gone(bench) or bench.pass_is_late(), "the next pass", SLOW_S, 0.1)
        wait_for(lambda: gone(bench), "what went is gone from the bytes", SLOW_S, 0.1)
        bench.assert_whole()
    print(f"seed {SEED}; killed at (point, begun, ended, remembered, acknowledged) {reached}; "
          f"not reached {missed}")
    assert not missed or steps is not PURGE_STEPS
