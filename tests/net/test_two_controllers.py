"""Two cordond by mistake: a copy of the state runs on a second machine, and switches reach both.

A switch obeys one of them, the other one leaves it alone and says so; people are told on both sides, and no
rule comes and goes.
"""
import os
import shutil
import time

import ledger
import pytest
from light import Light
from netns import wait_for

OTHER = "10.99.0.13"  # where the copy runs: the machine of the sensor, which none uses here


@pytest.fixture(scope="module")
def lab():
    with Light() as made:
        yield made


class Copy:
    """cordond with a copy of the state, on another machine."""

    def __init__(self, lab):
        self.lab, self.state = lab, lab.state_dir + ".copy"
        shutil.copytree(lab.state_dir, self.state, copy_function=self._copy)
        for folder, _, _ in os.walk(lab.state_dir):  # copytree keeps no owners of folders
            self._own(folder, folder.replace(lab.state_dir, self.state, 1))
        self.config = os.path.join(lab.dir, "copy.yaml")
        with open(lab.config_file, encoding="ascii") as file:
            text = file.read().replace(f'"{lab.state_dir}"', f'"{self.state}"')
        with open(self.config, "w", encoding="ascii") as file:
            file.write(text)
        self.process = lab.machines["sensor"].spawn("copy", lab.program("cordond"), "--config",
                                                    self.config, env=lab.env)
        self.api = lab.new_api()
        wait_for(lambda: self.get("/version"), "the copy answers", 30, 0.05)

    @staticmethod
    def _own(source, target):
        found = os.stat(source)
        os.chown(target, found.st_uid, found.st_gid)
        os.chmod(target, found.st_mode & 0o7777)

    def _copy(self, source, target):
        shutil.copyfile(source, target)
        self._own(source, target)

    def get(self, path):
        try:
            return self.lab.machines["sensor"].call(lambda: self.api.get(path, validate=False))
        except (OSError, ValueError, AssertionError):
            return None


def point(lab, name, address):
    """The switch's controller is at that address from now on."""
    path = lab.edge_config(name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("10.99.0.1:", f"{address}:"))
    lab.edges[name].kill()
    lab.edges[name].popen.wait(30)
    lab.edges[name] = lab.machines[name].spawn(f"edge-{name}", lab.program("cordon-edge"),
                                               "--config", path, env=lab.env)


def actions(rows):
    return [row["action"] for row in rows["items"]] if rows else []


def test_a_copy_takes_a_switch_over_and_the_first_one_leaves_it_and_both_say_so(lab):
    one, late, free = lab.endpoints[1], lab.endpoints[2], lab.endpoints[5]
    held = lab.contain(one)["id"]
    ledger.converge(lab, 30)
    lab.cordond.stop()
    copy = Copy(lab)
    lab.start_cordond()
    ledger.converge(lab, 30)
    first_epoch = lab.switch("s1")["epoch"]
    # both have claimed the same number by now: neither knows of the other
    point(lab, "s1", OTHER)
    wait_for(lambda: (copy.get("/switches/s1") or {}).get("state") == "good", "the copy drives", 30)
    wait_for(lambda: (copy.get("/switches/s1") or {}).get("epoch") == first_epoch + 1, "one above", 30)
    wait_for(lambda: "took_over" in actions(copy.get("/audit?limit=50")), "the copy's audit says so", 30)
    assert lab.held_macs("s1") == {one.mac}
    # back at the first one: it sees that another has the reins, and lets go of that switch
    point(lab, "s1", "10.99.0.1")
    wait_for(lambda: "another controller took over" in (lab.switch("s1").get("problem") or ""),
             "the first one knows", 30, 0.05)
    wait_for(lambda: "fenced" in actions(lab.api.get("/audit?limit=50", validate=False)), "the audit says so", 30)
    assert any("another controller" in str(found) for found in lab.api.get(
        "/doctor", validate=False)["findings"])
    wait_for(lambda: lab.containment(held)["state"] != "verified", "it is not shown as proven", 30)
    lab.release(held)
    made = lab.contain(late)["id"]  # stored; nobody may believe that it is proven at its own port
    wait_for(lambda: lab.held_macs("s2") == {late.mac}, "the other switch is driven on", 30, 0.1)
    end = time.monotonic() + 6  # a round of read-backs: no rule comes or goes
    while time.monotonic() < end:
        assert lab.held_macs("s1") == {one.mac} and lab.held_macs("s2") == {late.mac}
        assert lab.containment(made)["state"] != "verified"
        assert not lab.wires.reaches([(one, free)])
        time.sleep(0.3)
    assert "another controller" in lab.containment(made)["problem"]
    # the copy is ended and the first one started again: it goes on above, with what it knows
    copy.process.stop()
    lab.cordond.stop()
    lab.start_cordond()
    found = ledger.converge(lab, 30)
    assert {mac: entry["id"] for mac, entry in found.items()} == {late.mac: made}
    assert lab.switch("s1")["epoch"] > first_epoch + 1
    ledger.frames(lab, found)
    ledger.switches(lab, found)
    lab.release_all()
