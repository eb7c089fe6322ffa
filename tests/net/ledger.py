"""What clients were told, compared with what Cordon holds: its answers, its database, its audit,
the kernels of its switches, and frames on the wires."""
import json
import os
import time

from database import opened
from netns import LabError, wait_for

IN_FORCE = ("requested", "waiting", "located", "applied", "verified", "failed")


class Database:
    """The controller's database, read as it is on disk, beside the running controller."""

    def __init__(self, lab):
        self.path = os.path.join(lab.state_dir, "core", "cordon.db")

    def rows(self, question, *values):
        with opened(self.path, read_only=True) as connection:
            return connection.execute(question, values).fetchall()


def in_force(lab):
    """{MAC: containment} of everything that is in force by the API."""
    found = {}
    for one in lab.items("/containments"):
        if one["state"] in IN_FORCE and one["action"] == "isolate":
            assert one.get("mac") not in found, f"two for {one['mac']}: {one} {found[one['mac']]}"
            found[one["mac"]] = one
    return found


def converge(lab, timeout_s):
    """Waits until switches are level and everything in force is verified; returns what is.  That it
    takes no longer is what is asserted: what the programs waited for a processor does not count."""
    stall, begin = lab.stall(), time.monotonic()

    def level():
        if time.monotonic() - begin - stall.seconds() > timeout_s:
            raise LabError("too late")
        try:
            if not lab.is_level():
                return None
            found = in_force(lab)
        except (OSError, ValueError):
            return None
        is_good = all(one["state"] == "verified" for one in found.values())
        return (found,) if is_good else None
    try:
        return wait_for(level, "", 10 * timeout_s + 60, 0.01)[0]
    except Exception:
        seen = [[(one.get("mac") or one["name"], one["state"], one.get("problem"))
                 for one in lab.items(path)] for path in ("/switches", "/containments")]
        raise AssertionError(f"not level within {timeout_s:g} s: {seen}") from None


def frames(lab, contained, timeout_s=30):
    """By real frames: whoever is contained reaches nobody and is reached by nobody; all others do.
    Frames may be lost on a busy machine: what should come through is tried again; what should not
    never comes through."""
    ends = lab.endpoints
    free = [one for one in ends if one.mac not in contained]
    cut = [one for one in ends if one.mac in contained]
    pairs = [(one, ends[(index + 5) % len(ends)]) for index, one in enumerate(ends)]
    for one in cut:
        pairs += [(one, free[0]), (free[0], one)] if free else []
    passing = lab.wires.reaches(pairs)
    wrong = [(str(a), str(b)) for a, b in passing if a.mac in contained or b.mac in contained]
    assert not wrong, f"contained, and frames pass: {wrong}"
    wanted = {(a, b) for a, b in pairs if a.mac not in contained and b.mac not in contained}

    def all_pass():
        # a bridge may still have one where he was before he moved: contained, he could not tell it
        lab.wires.announce(free)
        passing.update(lab.wires.reaches([pair for pair in wanted if pair not in passing]))
        return wanted <= passing
    wait_for(all_pass, f"free, and frames do not pass: {sorted(map(str, wanted - passing))}",
             timeout_s, 0.01)


def switches(lab, contained):
    """By the kernels' own maps, and by what each edge says of itself."""
    for name in lab.edges:
        held = lab.held_macs(name)
        assert held == set(contained), (name, "held, not wanted", held - set(contained),
                                        "wanted, not held", set(contained) - held)
        said = lab.edge_command(name, "--status").stdout
        assert f"isolating an endpoint: {len(contained)}" in said, said


def wishes(lab, wisher, database):
    """Everything that was acknowledged to it is there, once, and has its rows in the audit."""
    rows = database.rows("SELECT external_id, id, state FROM containment WHERE external_id LIKE ?",
                         wisher.name + "-%")
    by_name = {}
    for name, containment_id, state in rows:
        assert name not in by_name, f"doubled: {name}: {by_name[name]} and {containment_id}"
        by_name[name] = (containment_id, state)
    for name, containment_id in wisher.made.items():
        assert name in by_name, f"lost: {name} was acknowledged as {containment_id}"
        assert by_name[name][0] == containment_id, (name, containment_id, by_name[name])
    states = {containment_id: state for _, containment_id, state in rows}
    for containment_id in wisher.released:
        assert states[containment_id] == "released", (containment_id, states[containment_id])
    for containment_id in wisher.live.values():
        assert states[containment_id] in IN_FORCE, (containment_id, states[containment_id])
    audit(database, wisher.made.values(), wisher.released)


def audit(database, made, released):
    counts = {}
    for action, thing, count in database.rows(
            "SELECT action, object, count(*) FROM audit WHERE action IN ('contain', 'release') "
            "GROUP BY action, object"):
        counts[action, thing] = count
    for containment_id in made:
        assert counts.get(("contain", containment_id)) == 1, \
            f"{containment_id}: {counts.get(('contain', containment_id), 0)} rows of its beginning"
    for containment_id in released:
        assert counts.get(("release", containment_id)) == 1, \
            f"{containment_id}: {counts.get(('release', containment_id), 0)} rows of its end"


def detections(database, names, path="$.signature"):
    """Each is stored once."""
    counts = {}
    for (text,) in database.rows("SELECT json FROM detection"):
        found = json.loads(text)
        found = found["signature"] if path == "$.signature" else found["id"]
        counts[found] = counts.get(found, 0) + 1
    lost = [name for name in names if name not in counts]
    doubled = [name for name in names if counts.get(name, 0) > 1]
    assert not lost, f"{len(lost)} detections of {len(names)} are lost: {lost[:5]}"
    assert not doubled, f"doubled: {doubled[:5]}"


def chain(lab):
    """The audit's chain of hashes holds."""
    answer = lab.api.get("/audit/verify", validate=False)
    assert answer["sound"] and answer["checked"] > 0, answer
