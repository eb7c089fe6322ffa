"""A network between our programs that is cut for hours.

Three hours go by on every clock of every program within a moment (lab/clock.c), while one switch is
behind a link that swallows everything.
"""
import re
import time

import ledger
from clock_lab import ClockLab
from netns import wait_for
from test_enrolment import Enrolling

HOURS_S = 3 * 3600
BACK_S = 30
CERTIFICATES = "certificates: {{life_s: 600, grace_s: {grace_s}, token_s: 600}}\n"


class HoursLab(ClockLab, Enrolling):
    """Switches enrol, with certificates that live for ten minutes."""


def cut_for_hours(lab):
    """s1 is cut off; then the hours go by."""
    lab.links["s1"].cut()
    wait_for(lambda: not lab.switch("s1")["connected"], "s1 is away", 30, 0.1)
    lab.passes(HOURS_S)


def is_cut_off(lab, one, other):
    return not lab.wires.reaches([(one, other), (other, one)])


def test_hours_apart():
    """Its own timers ran, alone; what was decided meanwhile arrives; its old generation is not what
    it is taken for.  Its certificate ended meanwhile, beyond the grace: it is refused, people are
    told which, and it goes on blocking.  Who gives more grace has it back, with a new certificate,
    without a visit to the switch."""
    with HoursLab(CERTIFICATES.format(grace_s=20), has_links=True) as lab:
        stays, ends, new, gone = (lab.endpoints[n] for n in (1, 2, 3, 4))
        free = lab.endpoints[5]
        made = {stays.mac: lab.contain(stays)["id"]}
        timed = lab.contain(ends, expires_in_s=3600)["id"]
        freed = lab.contain(gone)["id"]
        ledger.converge(lab, 30)
        generation = lab.switch("s1")["observed_generation"]
        before = lab.wait_certificate("s1", connected=True, state="valid")["serial"]
        cut_for_hours(lab)
        wait_for(lambda: not is_cut_off(lab, ends, free), "it ends by the edge's own timer", 30)
        lab.wait_state(timed, ("expired",), 30)
        lab.release(freed)
        made[new.mac] = lab.contain(new)["id"]
        assert is_cut_off(lab, stays, free)
        lab.links["s1"].mend()
        lab.wait_refused("expired", "s1")
        told = [str(each) for each in lab.api.get("/doctor", validate=False)["findings"]
                if each["where"] == "s1"]
        assert any("certificate expired" in each for each in told), told
        assert is_cut_off(lab, stays, free), "it blocks on"
        assert not lab.switch("s1")["connected"]
        assert lab.containment(made[new.mac])["state"] != "verified"  # s1 did not say so
        give_grace(lab, 86400)
        wait_for(lambda: lab.switch("s1")["connected"], "s1 is back", 90, 0.05)
        begin = time.monotonic()
        found = ledger.converge(lab, BACK_S)
        print(f"level {time.monotonic() - begin:.1f} s after it was back")
        assert {mac: one["id"] for mac, one in found.items()} == made
        assert lab.switch("s1")["observed_generation"] > generation
        ledger.frames(lab, found)
        ledger.switches(lab, found)
        assert lab.wait_certificate("s1", connected=True, state="valid")["serial"] != before
        lab.wait_state(lab.contain(lab.endpoints[6])["id"])  # whom nobody has heard for hours


def give_grace(lab, seconds):
    with open(lab.config_file, encoding="utf-8") as file:
        text = file.read()
    with open(lab.config_file, "w", encoding="utf-8") as file:
        file.write(re.sub(r"grace_s: \d+", f"grace_s: {seconds}", text))
    lab.cordond.stop(60)
    lab.start_cordond()
