"""The disks of the switches are slow: a block is put in force, and proven, before they have it, and none waits
behind the one before.  They hang, or take nothing: that is told, and no longer than it is so."""
import datetime
import errno
import os
import random
import statistics
import time

import ledger
from light import Light
from netns import wait_for
from test_disk import Disk

SLOW_S = float(os.environ.get("CORDON_SLOW_S", "1"))


class EdgeDiskLab(Light):
    def __init__(self):
        super().__init__()
        self.disk = Disk(self.build)

    def start_edge(self, name, env=None):
        super().start_edge(name, dict(env or self.env, **self.disk.env))

    def close(self):
        super().close()
        self.disk.close()


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def took(lab, containment_id):
    """From being sent to the switches until the last of them had it in force."""
    at = {}
    for mark in lab.containment(containment_id)["timeline"]:
        at.setdefault(mark["step"], seconds(mark["at"]))
    return at["applied"] - at["pushed"]


def test_no_block_waits_for_a_switch_s_disk():
    with EdgeDiskLab() as lab:
        lab.disk.set(slow_s=SLOW_S)
        syncs = lab.disk.syncs()
        chance, made = random.Random(1), []
        for one in lab.endpoints[:14]:
            made.append(lab.contain(one)["id"])
            time.sleep(chance.uniform(0, 0.25))
        for containment_id in made:
            lab.wait_state(containment_id)
        all_s = sorted(took(lab, containment_id) for containment_id in made)
        assert lab.disk.syncs() > syncs, "the disk is the one that was meant"
        print(f"disks of {SLOW_S:g} s: {len(all_s)} blocks in force {statistics.median(all_s) * 1000:.1f} ms after "
              f"they were sent, the slowest {all_s[-1] * 1000:.1f} ms")
        assert statistics.median(all_s) < SLOW_S / 4, all_s
        time.sleep(3 * SLOW_S)  # the disks have all
        lab.edges["s1"].kill()
        lab.edges["s1"].popen.wait(30)
        wait_for(lambda: lab.switch("s1")["state"] != "good", "s1 is seen to be away", 30)
        lab.start_edge("s1")
        ledger.switches(lab, ledger.converge(lab, 30))


def told(lab, name):
    """Of that switch's disk: by the API, then by doctor; what is said in both languages."""
    shown = lab.api.get(f"/switches/{name}")
    texts = list(zip(shown.get("problems", []), shown.get("problems_said", [])))
    found = [(one["what"], one.get("what_said")) for one in lab.api.get("/doctor")["findings"] if one["where"] == name]
    return [[text for text, said in some if "the disk" in text and said] for some in (texts, found)]


def test_a_switch_s_disk_that_hangs_or_takes_nothing_is_told():
    hangs = "the disk has not answered for more than 10 s: a reboot would lose what was set since"
    refuses = "the disk did not take all that was set: a reboot would lose it; it is tried again"
    with EdgeDiskLab() as lab:
        lab.disk.set(slow_s=3600)
        lab.wait_state(lab.contain(lab.endpoints[0])["id"])  # in force, whatever the disk does
        wait_for(lambda: told(lab, "s1") == [[hangs], [hangs]], "told that it hangs", 60, 0.5)
        lab.disk.set(error=errno.ENOSPC)
        lab.wait_state(lab.contain(lab.endpoints[1])["id"])
        wait_for(lambda: told(lab, "s1") == [[refuses], [refuses]], "told that it takes nothing", 60, 0.5)
