"""A controller that comes back takes switches over as they are, where they hold just what they must: real
edges, whose sum is made of what the kernel's maps hold."""
import ledger
import pytest
from light import Light
from netns import wait_for

TAKEN, TOLD = "switch taken over as it is", "it is told everything"


@pytest.fixture(scope="module")
def lab():
    with Light() as made:
        yield made


def said(lab, word, since=0):
    """The switches of which cordond's log says that, by the lines behind 'since'."""
    lines = lab.cordond.log(10 ** 7).splitlines()[since:]
    return [name for line in lines if word in line
            for name in ("s1", "s2") if f"switch={name}" in line or f'switch="{name}"' in line]


def line_count(lab):
    return len(lab.cordond.log(10 ** 7).splitlines())


def test_what_is_held_is_not_told_again(lab):
    one, other, free = lab.endpoints[1], lab.endpoints[9], lab.endpoints[3]
    for each in (one, other):
        lab.contain(each)
    ledger.converge(lab, 30)
    for _ in range(3):  # where a switch learns something while core stops, it is told everything
        since = line_count(lab)
        lab.cordond.stop()
        lab.start_cordond()
        ledger.converge(lab, 30)
        taken, told = said(lab, TAKEN, since), said(lab, TOLD, since)
        if sorted(set(taken)) == ["s1", "s2"]:
            break
    assert sorted(set(taken)) == ["s1", "s2"] and told == [], lab.cordond.log(4000)
    assert lab.wires.reaches([(one, free), (free, one), (other, free), (free, other)]) == set()
    # and it goes on from there
    late = lab.endpoints[4]
    lab.contain(late)
    ledger.converge(lab, 30)
    assert lab.wires.reaches([(late, free), (free, late)]) == set()


def test_a_switch_that_missed_something_is_told_everything(lab):
    missed, free = lab.endpoints[5], lab.endpoints[3]
    lab.edges["s1"].kill()
    lab.edges["s1"].popen.wait(30)
    wait_for(lambda: lab.switch("s1")["state"] != "good", "s1 is seen to be away", 30)
    lab.contain(missed)
    since = line_count(lab)
    lab.start_edge("s1")
    ledger.converge(lab, 30)
    assert "s1" in said(lab, TOLD, since) and "s1" not in said(lab, TAKEN, since)
    assert lab.wires.reaches([(missed, free), (free, missed)]) == set()
