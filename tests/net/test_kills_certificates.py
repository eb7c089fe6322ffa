"""A switch, a sensor, the driver, intake and core are killed while certificates are renewed, cordond's own
among them: at each call by which a device writes its new identity, and by which core records it.

After each kill everybody is in again by himself (nobody must walk to a switch), with a certificate
that is valid beyond the old one's end; who is contained stays so at every moment.  Hours go by on
every clock of the lab at once.
"""
import glob
import os
import random
import re
import signal
import ssl
import subprocess
import threading
import time

import ledger
import pytest
from clock_lab import ClockLab
from clocks import Clock
from device import shorten
from killer import Killer
from netns import wait_for
from test_enrolment import MIRROR, Enrolling

LIFE_S = 3600
GOES_BY_S = 2500  # beyond two thirds of a life: all are due
SETTINGS = f"certificates: {{life_s: {LIFE_S}, grace_s: 600, token_s: 600}}\n"
POINTS = int(os.environ.get("CORDON_KILL_POINTS", "0"))
SEED = int(os.environ.get("CORDON_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: ours is another year's clock
BACK_S = 30
UNFINISHED = re.compile(r"\.\d+\.new$")
DEVICE, CORE = ("disk", "*identity.pem"), ("fdatasync", "cordon.db-wal")
# made, put in its place; recorded as issued; told
STEPS = [("s1", *DEVICE, 2), ("s10", *DEVICE, 6), ("core", *CORE, 1), ("driver", "wire", "", 9)]
MORE = ([(name, *DEVICE, nth) for name in ("s1", "s10") for nth in range(1, 7)]
        + [("core", *CORE, nth) for nth in range(1, 7)])


class Lab(ClockLab, Enrolling):
    def __init__(self):
        super().__init__(settings=SETTINGS, mirrors=MIRROR)
        self.clocks["sensor"] = Clock(self.clock_dir, "sensor", self.build)
        self.passed_s = 0

    def start_sensor(self, name="s10"):
        before, self.env = self.env, dict(self.env, **self.clocks["sensor"].env)
        super().start_sensor(name)
        self.env = before

    def new_api(self):
        made = super().new_api()
        made.tls.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
        return made

    def hours_go_by(self):
        self.passed_s += GOES_BY_S
        self.passes(self.passed_s)

    def process(self, target):
        return {**self.edges, "s10": self.sensor}.get(target)

    def pid(self, target):
        process = self.process(target)
        return process.pid if process else self.role_pids()[target]

    def revive(self, target):
        if target in self.edges:
            self.edges[target].popen.wait(30)
            self.start_edge(target)
        elif target == "s10":
            self.sensor.popen.wait(30)
            self.start_sensor()

    def newest(self):
        """{name: serial} of those that are connected, and valid for another life."""
        found = {}
        for name in ("s1", "s2", "s10"):
            for one in self.certificates(name, connected=True, state="valid"):
                found[name] = one["serial"]
        return found


@pytest.fixture(scope="module")
def lab():
    with Lab() as made:
        made.start_sensor()
        made.cordond.stop()
        shorten(made.state_dir, LIFE_S)
        made.start_cordond()
        made.wait_level(60)
        wait_for(lambda: len(made.newest()) == 3, "all are in", BACK_S, 0.1)
        yield made


class Witness(threading.Thread):
    """Puts frames of who is contained on the wire all the time."""

    def __init__(self, lab, endpoint):
        super().__init__(daemon=True)
        self.lab, self.endpoint, self.is_over, self.leaks, self.count = lab, endpoint, False, [], 0
        self.start()

    def run(self):
        others = [self.lab.endpoints[4], self.lab.endpoints[12]]
        while not self.is_over:
            pairs = [(self.endpoint, one) for one in others] + [(one, self.endpoint) for one in others]
            self.leaks += self.lab.wires.reaches(pairs, 0.02)
            self.count += 1

    def stop(self):
        self.is_over = True
        self.join(5)
        assert self.count > 20 and not self.leaks, (self.count, self.leaks)


def one_round(lab, target, kind, end, nth):
    """The call before which it was killed; None: it had done all of them by then."""
    before = wait_for(lambda: (lambda now: now if len(now) == 3 else None)(lab.newest()), "all are in", BACK_S, 0.05)
    with Killer(lab.pid(target), nth, kind, end) as killer:
        lab.hours_go_by()
        wait_for(lambda: killer.has_killed or is_renewed(lab, before), "it is killed or done", 60, 0.02)
        call = killer.wait() if killer.has_killed else None
    if call is None:
        os.kill(lab.pid(target), signal.SIGKILL)
    lab.revive(target)
    wait_for(lambda: is_renewed(lab, before), f"all are in again behind {target} {call}", BACK_S, 0.05)
    lab.wait_level(BACK_S)
    # what the dead one wrote went at the start of the next; who lives may be writing just now
    wait_for(lambda: not [path for path in glob.glob(f"{lab.dir}/**", recursive=True) if UNFINISHED.search(path)],
             "nothing is left half written", BACK_S, 0.1)
    for path in glob.glob(f"{lab.dir}/*-state/identity.pem"):
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert key_of(path, "pkey") == key_of(path, "x509")
    return call


def key_of(path, kind):
    words = {"pkey": ("pkey", "-pubout"), "x509": ("x509", "-noout", "-pubkey")}[kind]
    return subprocess.run(["openssl", *words, "-in", path], check=True, capture_output=True).stdout


def is_renewed(lab, before):
    try:
        now = lab.newest()
    except (OSError, ValueError, AssertionError):
        return False
    return len(now) == 3 and all(now[name] != before[name] for name in now)


def test_killed_while_certificates_are_renewed(lab):
    dice, done = random.Random(SEED), []
    held = lab.contain(lab.endpoints[1])["id"]
    ledger.converge(lab, BACK_S)
    witness = Witness(lab, lab.endpoints[1])
    more = MORE if POINTS else []
    more = more + [(dice.choice(("driver", "intake", "core")), "wire", "", dice.randrange(1, 60))
                   for _ in range(POINTS)]
    begin = time.monotonic()
    for target, *point in STEPS + more:
        done.append((target, *point, one_round(lab, target, *point)))
    witness.stop()
    print(f"seed {SEED}; {len(done)} kills, {time.monotonic() - begin:.0f} s: {done}")
    assert lab.containment(held)["state"] == "verified"
    renewed = [row["object"] for row in lab.items("/audit") if row["action"] == "certificate.renew"]
    assert len(renewed) >= 3 * len(done)
    ledger.chain(lab)
    for target, kind, _, nth, call in done[:len(STEPS)]:
        assert call, f"{target} did not come to {kind} {nth}"
