"""Retention of a cordond that runs: many old rows go while others ask, core is killed in the middle
of it, and the operation log is what it was.  CORDON_RETENTION_ROWS: how many (a million takes a few
minutes; the figures are printed, not judged)."""
import json
import os
import signal
import tempfile
import time

import pytest
from api import ApiError
from database import opened
from netns import wait_for
from test_backup import Bench

ROWS = int(os.environ.get("CORDON_RETENTION_ROWS", "6000"))
SLOW_S = 60 + ROWS // 2000
DAY_US = 86400 * 10**6


def old_rows(database, count):
    """As a year of use leaves them: written while nobody runs."""
    then = int(time.time() * 10**6) - 400 * DAY_US
    with opened(database) as db:
        db.executemany(
            "INSERT INTO detection(id, incident_id, seen_us, json) VALUES(?, ?, ?, ?)",
            ((f"old-{i}", f"I-{i % 1000}", then + i, json.dumps({
                "id": f"old-{i}", "sensor": "s1", "maker": "cordon", "seen_us": then + i,
                "signature": "a name on a list", "phase": "c2", "severity": "high",
                "server_name": f"host-{i}.of-long-ago.example"}, separators=(",", ":")))
             for i in range(count)))


def left(database):
    with opened(database, read_only=True) as db:
        return db.execute("SELECT count(*) FROM detection").fetchone()[0]


def ask(bench, seconds, until=lambda: False):
    """How long core takes meanwhile, in ms: reads, and blocks."""
    reads, blocks, ends, number = [], [], time.monotonic() + seconds, 0
    while time.monotonic() < ends and not until():
        began = time.monotonic()
        bench.api.get("/containments?limit=20", validate=False)
        reads.append((time.monotonic() - began) * 1000)
        number += 1
        if number % 10 == 0:
            began = time.monotonic()
            bench.contain(f"02:00:00:00:{number // 256 % 256:02x}:{number % 256:02x}", "meanwhile")
            blocks.append((time.monotonic() - began) * 1000)
        time.sleep(0.005)
    return sorted(reads), sorted(blocks)


def told(what, times):
    if times:
        print(f"{what}: {len(times)} asked, p50 {times[len(times) // 2]:.1f} ms,"
              f" p99 {times[int(len(times) * 0.99)]:.1f} ms, slowest {times[-1]:.1f} ms")


@pytest.fixture(scope="module")
def bench():
    with tempfile.TemporaryDirectory(prefix="cordon-retention-") as name:
        made = Bench(name)
        wait_for(lambda: made.api.get("/version"), "core", SLOW_S)
        yield made
        made.close()


def test_old_rows_go_while_others_ask_and_core_is_killed(bench):
    database = bench.database()
    bench.stop()
    old_rows(database, ROWS)
    before_bytes = os.path.getsize(database)
    bench.start()
    kept = bench.contain("02:00:00:00:00:01", "before")
    reads, blocks = ask(bench, 3)
    told("before, reads", reads)
    told("before, blocks", blocks)
    assert left(database) == ROWS
    core = bench.cordon.roles()["core"]
    bench.api.post("/retention", {"kinds": [{"kind": "names", "days": 89}], "reason": "measured"})
    wait_for(lambda: left(database) < ROWS, "the first rows to go", SLOW_S, 0.002)
    began = time.monotonic()
    os.kill(core, signal.SIGKILL)  # in the middle
    wait_for(lambda: bench.cordon.roles().get("core") not in (None, core) and bench.is_there(),
             "core again", SLOW_S)
    assert bench.api.get("/audit/verify")["sound"]
    some = left(database)
    assert 0 < some < ROWS

    def again():
        try:
            return bench.api.post("/retention", {"kinds": [{"kind": "names", "days": 90}],
                                                 "reason": "go on"})
        except (OSError, ApiError):
            return None
    wait_for(again, "core to be asked", SLOW_S)
    reads, blocks = ask(bench, SLOW_S, lambda: left(database) == 0)
    told("meanwhile, reads", reads)
    told("meanwhile, blocks", blocks)
    print(f"{ROWS} rows in {time.monotonic() - began:.1f} s")
    assert left(database) == 0
    wait_for(lambda: os.path.getsize(database) < before_bytes / 2 + (8 << 20),
             "the file to be shorter", SLOW_S)
    print(f"the file: {before_bytes >> 10} KiB, now {os.path.getsize(database) >> 10} KiB")
    log = database.with_name(database.name + "-wal")
    wait_for(lambda: not any(b"of-long-ago" in path.read_bytes() for path in (database, log)),
             "the names to be gone from file and log", SLOW_S)  # at the end of the pass
    assert bench.api.get(f"/containments/{kept['id']}")["reason"] == "before"
    assert bench.api.get("/audit/verify")["sound"]
    actions = [row["action"] for row in bench.api.get("/audit?limit=500&action=retention")["items"]]
    assert "retention.prune" in actions and actions.count("retention.set") == 2
