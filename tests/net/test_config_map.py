"""The edge's configuration map cannot be written any more: the programs pass plain frames by what it says,
and frames of a test run are never plain.  What hangs on it is not shown as proven."""
import json
import subprocess

import pytest
from light import Light
from netns import wait_for


def bpftool(*words):
    done = subprocess.run(["bpftool", "-j", *words], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout or "{}")


def config_map(lab, name):
    """The id of the map that this edge's program on its first port uses."""
    def filters():
        out = subprocess.run(["tc", "-j", "filter", "show", "dev", "p1", "ingress"], capture_output=True,
                             text=True, timeout=60, check=True).stdout
        return [one["options"]["prog"]["id"] for one in json.loads(out)
                if "prog" in one.get("options", {})]
    program = lab.machines[name].call(filters)[0]
    ids = bpftool("prog", "show", "id", str(program))["map_ids"]
    return next(one for one in ids if bpftool("map", "show", "id", str(one))["name"] == "cdn_config")


@pytest.fixture(name="lab")
def _lab():
    with Light() as made:
        yield made


def test_a_hold_that_the_configuration_does_not_know_of_is_not_proven(lab):
    twin, held = lab.endpoints[8], lab.endpoints[0]  # on s2, on s1
    bpftool("map", "freeze", "id", str(config_map(lab, "s1")))  # for good: a map knows no thaw
    proven = lab.contain(twin)["id"]  # its port's hold is a matter of s2
    made = lab.contain(held)["id"]

    def told():
        one = lab.containment(made)
        return one["state"] == "failed" and "the configuration in the maps" in (one.get("problem") or "")
    wait_for(told, "what the map did not take is not proven", 20, 0.1)


    def states(containment):
        return {one["switch"]: one["state"] for one in lab.containment(containment)["switches"]}
    wait_for(lambda: states(made) == {"s1": "failed", "s2": "verified"}, "and s2 proves it", 30, 0.1)
    assert lab.switch("s1")["state"] != "good" or lab.switch("s1")["missing_rules"] > 0
    wait_for(lambda: any(one["where"] == "s1" and one["severity"] == "error"
                         for one in lab.api.get("/doctor", validate=False)["findings"]), "people are told", 30, 0.1)
    # its own rule is in a map of its own: the machine itself is cut off all the same
    assert not lab.wires.reaches([(held, lab.endpoints[1]), (lab.endpoints[1], held)])
    wait_for(lambda: states(proven)["s2"] == "verified", "the twin is proven at its switch", 30, 0.1)
