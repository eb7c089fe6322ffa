#!/usr/bin/python3
"""Everything at once, from a seed, for as long as one likes:  make soak MINUTES=60 [SEED=...]

Endpoints move, are reported and contained and released; programs die, links are cut and stretched.  All the
time frames must show that every containment that was verified blocks, and that nobody else is blocked; at each
rest everything that was acknowledged is compared, and at the end nothing may be left over: entries in the
kernels' maps, descriptors, memory.
"""
import argparse
import os
import random
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "lab"), os.path.join(TOP, "tests", "net")]

import clients  # noqa: E402
import ledger  # noqa: E402
import test_kills as kills  # noqa: E402
from light import SWITCHES, Light  # noqa: E402
from netns import wait_for  # noqa: E402

REST_EVERY_S = 10
TRIES = 20  # of a frame that should come through: one may be lost on a busy machine
MEMORY_MORE_KIB = 24 * 1024  # of one program, from the first rest to the last
SETTLED_S = 1.0  # after a move or an acknowledgement: then frames must agree


class Soak:
    def __init__(self, lab, seed):
        self.lab, self.dice = lab, random.Random(seed)
        self.http = clients.Http(lab)
        ends = lab.endpoints
        lab.endpoints = ends[:14]
        self.bystanders = [ends[5], ends[13]]  # never contained
        self.reported = [ends[3], ends[11]]
        self.asked = [*ends[0:3], *ends[8:11]]
        self.spare = [ends[14].name, ends[15].name]  # cables without a machine
        self.held, self.since = {}, {}  # endpoint -> containment id; when that or its place began
        self.count = {}
        self.number = 0

    # --------------------------------------------------------------- what is done

    def step(self):
        act = self.dice.choice([self.contain, self.contain, self.release, self.release, self.move,
                                self.report, self.fault])
        act()
        self.count[act.__name__] = self.count.get(act.__name__, 0) + 1

    def ask(self, path, body):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            answer = self.http.ask("POST", path, body)
            if answer and answer[0] in (200, 201):
                return answer[1]
            assert not answer or answer[0] >= 500 or answer[0] == 429, answer
            self.look()
        raise AssertionError(f"{path}: no answer within a minute")

    def contain(self):
        free = [one for one in self.asked if one not in self.held]
        if free:
            one = self.dice.choice(free)
            self.number += 1
            made = self.ask("/containments", {"action": "isolate", "mac": one.mac, "reason": "soak",
                                              "external_id": f"soak-{self.number}"})
            self.held[one] = made["id"]
            self.since.pop(one, None)  # until it is verified

    def release(self):
        if self.held:
            one = self.dice.choice(sorted(self.held, key=str))
            self.since.pop(one, None)
            self.ask(f"/containments/{self.held.pop(one)}/release", {"reason": "soak"})

    def move(self):
        one = self.dice.choice([*self.asked, *self.reported])
        place = self.dice.randrange(len(self.spare))
        old = one.cable
        self.lab.wires.move(one, self.spare[place])
        self.spare[place] = old
        if one in self.since:
            self.since[one] = time.monotonic()

    def report(self):
        one = self.dice.choice(self.reported)
        self.number += 1
        kills.append(kills.eve_path(self.lab), clients.eve_line(one, f"soak {self.number}"))

    def fault(self):
        what = self.dice.choice(["role", "edge", "cut", "one way", "stretch", "cordond"])
        name = self.dice.choice(SWITCHES)
        link = self.lab.links[name]
        if what == "role":
            running = sorted(self.lab.role_pids())
            if running:
                kills.kill(self.lab, self.dice.choice(running))
        elif what in ("edge", "cordond"):
            target = name if what == "edge" else what
            kills.kill(self.lab, target)
            self.watch(self.dice.uniform(0, 0.5))
            kills.revive(self.lab, target)
        elif what == "stretch":
            link.stretch(self.dice.uniform(0.01, 0.3))
        else:
            link.cut(*((self.dice.randrange(2),) if what == "one way" else ()))
        self.watch(self.dice.uniform(0.2, 2))
        link.mend()

    # -------------------------------------------------------------- what must hold

    def watch(self, for_s):
        end = time.monotonic() + for_s
        while time.monotonic() < end:
            self.look()

    def look(self):
        """By frames: whoever was verified as contained is cut off, wherever he is and whatever has
        died; bystanders reach each other."""
        now = time.monotonic()
        cut = [one for one, at in self.since.items() if now - at > SETTLED_S]
        a, b = self.bystanders
        pairs = [(a, b), (b, a)] + [pair for one in cut for pair in ((one, a), (b, one))]
        passed = self.lab.wires.reaches(pairs, 0.03)
        wrong = [(str(x), str(y)) for x, y in passed if x in cut or y in cut]
        assert not wrong, f"contained, and frames pass: {wrong}"
        for _ in range(TRIES):
            if {(a, b), (b, a)} <= passed:
                return
            passed |= self.lab.wires.reaches([(a, b), (b, a)])
        state = [(one["name"], one["state"]) for one in self.lab.items("/switches")]
        raise AssertionError(f"bystanders do not reach each other: {passed}, {state}")

    def verified(self):
        """From now on frames must agree with those that every switch holds."""
        found = ledger.in_force(self.lab)
        for one, containment_id in self.held.items():
            entry = found.get(one.mac)
            if entry and entry["id"] == containment_id and entry["state"] == "verified" \
                    and not entry.get("problem"):
                self.since.setdefault(one, time.monotonic())

    def rest(self):
        """All faults mended: what was acknowledged is what is in force."""
        for link in self.lab.links.values():
            link.mend()
        wait_for(lambda: kills.all_up(self.lab), "every program runs", kills.UP_S, 0.02)
        ledger.converge(self.lab, 30)
        self.lab.wires.announce()
        found = ledger.converge(self.lab, 30)
        held = {one.mac: containment_id for one, containment_id in self.held.items()}
        reported = {one.mac for one in self.reported}
        assert {mac: entry["id"] for mac, entry in found.items() if mac not in reported} == held
        self.verified()
        ledger.switches(self.lab, found)
        self.look()
        for mac, entry in found.items():
            if mac in reported:
                self.ask(f"/containments/{entry['id']}/release", {"reason": "soak"})

    def sizes(self):
        """Memory (KiB) and descriptors of every program, by name."""
        pids = {**self.lab.role_pids(), "supervisor": self.lab.cordond.pid,
                **{name: edge.pid for name, edge in self.lab.edges.items()}}
        found = {}
        for name, pid in pids.items():
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                words = dict(line.split(":", 1) for line in file)
            found[name] = (int(words["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")))
        return found

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rest_at = min(time.monotonic() + REST_EVERY_S, end)
            while time.monotonic() < rest_at:
                self.step()
                self.look()
                try:
                    self.verified()
                except (OSError, ValueError, AssertionError):
                    pass  # nobody answers just now
            self.rest()
        self.end()

    def end(self):
        """Nobody dies any more: many lives, and nothing is left of them."""
        kills.kill(self.lab, "cordond")
        kills.revive(self.lab, "cordond")
        self.rest()
        entries = {name: entries_of(self.lab, name) for name in SWITCHES}
        self.cycle(60)
        before = self.sizes()
        self.cycle(240)
        after = self.sizes()
        for name, (memory, descriptors) in after.items():
            assert memory - before[name][0] < MEMORY_MORE_KIB, (name, before[name], after[name])
            assert descriptors <= before[name][1] + 4, (name, before[name], after[name])
        self.lab.release_all()
        self.held.clear()
        self.since.clear()
        found = ledger.converge(self.lab, 30)
        ledger.frames(self.lab, found)
        ledger.switches(self.lab, {})
        for name in SWITCHES:
            left = entries_of(self.lab, name)
            more = {key: (count, entries[name].get(key)) for key, count in left.items()
                    if count > entries[name].get(key, 0)}
            assert not more, f"{name}: entries are left over: {more}"
        ledger.chain(self.lab)
        print(f"done: {self.count}; memory (KiB) and descriptors {after}")

    def cycle(self, times):
        for _ in range(times):
            (self.contain if len(self.held) < 3 else self.release)()


def entries_of(lab, name):
    """How many entries each map of rules has, in that switch's kernel."""
    from light import bpftool
    counts = {}
    for key, shown in lab.bpf_maps(name).items():
        if shown["type"] == "hash" and any(word in key for word in ("iso", "pair", "server", "hold")):
            counts[key] = len(bpftool("map", "dump", "id", str(shown["id"])) or [])
    return counts


def soak(seconds, seed):
    print(f"seed {seed}, {seconds:.0f} s", flush=True)
    lab = Light(has_links=True)
    kills.sources(lab)
    with lab:
        lab.start_sensor()
        run = Soak(lab, seed)
        try:
            run.run(seconds)
        except BaseException:
            print(f"seed {seed}: after {run.count}", flush=True)
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 2**31))
    arguments = parser.parse_args()
    soak(arguments.minutes * 60, arguments.seed)


if __name__ == "__main__":
    main()
