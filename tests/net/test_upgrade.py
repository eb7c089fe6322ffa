"""From each earlier schema of the database to this one, with containments in force on real edges: no
frame passes meanwhile, and all is verified afterwards.  A later schema is refused, and blocks stay."""
import os
import shutil
import subprocess
import threading

import ledger
import pytest
from database import opened
from light import Light
from netns import wait_for

ALL = bool(os.environ.get("CORDON_UPGRADES"))  # by hand: every step
TABLES = ("containment", "incident", "detection", "evidence", "endpoint", "setting", "audit",
          "annotation", "revision", "notice", "message", "certificate", "enrolment")
BACK_S = 30


@pytest.fixture(scope="module")
def lab():
    with Light() as made:
        yield made


@pytest.fixture(scope="module")
def steps(lab):
    """The SQL of each step, as the program has it."""
    program = os.path.join(lab.build, "tests", "unit", "store", "print_schema")
    return subprocess.run([program], capture_output=True, check=True,
                          timeout=60).stdout.decode().split("\0")[:-1]


class Witness(threading.Thread):
    """Tries all the time, in both directions; whatever comes through is written down."""

    def __init__(self, lab, cut):
        super().__init__(daemon=True)
        free = [one for one in lab.endpoints if one not in cut]
        self.pairs = [(one, other) for one in cut for other in (free[0], free[-1])]
        self.pairs += [(other, one) for one, other in self.pairs]
        self.free = [(free[0], free[1]), (free[-1], free[-2])]
        self.lab, self.is_over, self.rounds, self.twins = lab, False, 0, 0
        self.passed = set()
        self.start()

    def run(self):
        while not self.is_over:
            found = self.lab.wires.reaches(self.pairs + self.free, 0.02)
            self.passed |= found & set(self.pairs)
            self.twins += found >= set(self.free)
            self.rounds += 1

    def stop(self):
        self.is_over = True
        self.join(10)


def names(connection, schema="main"):
    return {row[0] for row in connection.execute(
        f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'")}


def columns(connection, table, schema="main"):
    return [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({table})")]


def as_an_earlier_release_left_it(lab, steps, number):
    """What is in the database now, in tables as they were after that step."""
    core = os.path.join(lab.state_dir, "core")
    path, old = os.path.join(core, "cordon.db"), os.path.join(lab.dir, "old.db")
    with opened(old) as connection:
        for step in steps[:number]:
            connection.executescript(step)
        connection.execute("ATTACH ? AS live", (path,))
        for table in TABLES:
            if table in names(connection) and table in names(connection, "live"):
                both = ", ".join(one for one in columns(connection, table)
                                 if one in columns(connection, table, "live"))
                connection.execute(f"INSERT INTO {table}({both}) SELECT {both} FROM live.{table}")
        if "revision" not in names(connection):  # nor what later releases note beside it
            connection.execute("DELETE FROM setting WHERE name NOT IN ('epoch', 'suspended')"
                               " AND name NOT LIKE 'hold/%' AND name NOT LIKE 'protected/%'")
        connection.execute(f"PRAGMA user_version = {number}")
    owner = os.stat(path)
    for name in os.listdir(core):
        if name.startswith("cordon.db") or name == "copies":
            where = os.path.join(core, name)
            shutil.rmtree(where) if os.path.isdir(where) else os.remove(where)
    shutil.move(old, path)
    os.chown(path, owner.st_uid, owner.st_gid)
    os.chmod(path, owner.st_mode & 0o777)


def version(lab):
    return ledger.Database(lab).rows("PRAGMA user_version")[0][0]


def test_from_every_earlier_schema_with_blocks_in_force(lab, steps):
    cut = lab.endpoints[1:4]
    made = {one.mac: lab.contain(one)["id"] for one in cut}
    ledger.converge(lab, BACK_S)
    newest = version(lab)
    assert newest == len(steps)
    wanted = range(1, newest) if ALL else sorted({1, newest // 2, newest - 1})
    witness = Witness(lab, cut)
    try:
        for number in wanted:
            assert lab.cordond.stop(60) == 0
            as_an_earlier_release_left_it(lab, steps, number)
            lab.start_cordond()
            lab.wait_level()
            found = ledger.converge(lab, BACK_S)
            assert {mac: one["id"] for mac, one in found.items()} == made, f"from schema {number}"
            assert version(lab) == newest
            copy = os.path.join(lab.state_dir, "core", "copies", f"before-schema-{number + 1}.db")
            assert os.path.exists(copy)  # the way back
            other = lab.contain(lab.endpoints[9])["id"]  # and it goes on
            lab.wait_state(other)
            lab.release(other)
            assert lab.api.get("/audit/verify", validate=False)["sound"]
            assert not witness.passed, f"from schema {number}: {witness.passed}"
    finally:
        witness.stop()
    print(f"schemas {list(wanted)} to {newest}: {witness.rounds} rounds of frames, none passed")
    assert witness.rounds > 50 and witness.twins > 20  # it would have seen them
    ledger.switches(lab, ledger.converge(lab, BACK_S))


def test_a_later_schema_is_refused_and_blocks_stay(lab):
    found = ledger.converge(lab, BACK_S)
    assert found
    cut = [one for one in lab.endpoints if one.mac in found]
    newest = version(lab)
    assert lab.cordond.stop(60) == 0
    database = os.path.join(lab.state_dir, "core", "cordon.db")

    def set_version(number):
        with opened(database) as connection:
            connection.execute(f"PRAGMA user_version = {number}")
    set_version(newest + 1)
    witness = Witness(lab, cut)
    lab.start_cordond(wait=False)
    wait_for(lambda: f"schema {newest + 1}" in lab.cordond.log(20000), "it says why", 30)
    assert "restore a backup" in lab.cordond.log(20000)
    assert not lab.is_answering()
    lab.cordond.stop(60)
    set_version(newest)
    lab.start_cordond()
    lab.wait_level()
    after = ledger.converge(lab, BACK_S)
    witness.stop()
    assert {mac: one["id"] for mac, one in after.items()} == \
        {mac: one["id"] for mac, one in found.items()}
    assert not witness.passed and witness.rounds > 10


def sum_of(text):
    """As src/store/sum.c has it."""
    prime, low = 0x100000001b3, 2**64 - 1
    data = text.encode()
    found = 0xcbf29ce484222325 ^ len(data)
    whole = len(data) // 8 * 8
    for at in range(0, whole, 8):
        found = (found ^ int.from_bytes(data[at:at + 8], "little")) * prime & low
        found ^= found >> 32
    for one in data[whole:]:
        found = (found ^ one) * prime & low
    return found ^ found >> 29


def setting_sum(name, value):
    return (sum_of(name) * 31 + sum_of(value) & 2**64 - 1) >> 1


def test_names_that_an_earlier_build_cut_are_no_damage(lab):
    """The right of an account with a long name, as earlier builds stored it: the name after 63
    characters, with no sum, or for a while with that of the whole name.  It starts with its own
    database, and nobody gets a right by it."""
    lab.wait_state(lab.contain(lab.endpoints[10])["id"])
    found = ledger.converge(lab, BACK_S)
    assert found
    assert lab.cordond.stop(60) == 0
    value = "denied 1 account:jane\nleft"
    rows = [(f"payload/account:{letter * 60}"[:63], value, check) for letter, check in (
        ("m", None), ("n", setting_sum(f"payload/account:{'n' * 60}", value)))]
    path = os.path.join(lab.state_dir, "core", "cordon.db")
    with opened(path) as connection:
        connection.executemany("INSERT INTO setting(name, value, sum) VALUES(?, ?, ?)", rows)
        ours = connection.execute("SELECT name, value, sum FROM setting WHERE name = 'epoch'").fetchone()
        assert ours[2] == setting_sum(*ours[:2])  # this is how it sums
    lab.start_cordond()
    lab.wait_level()
    after = ledger.converge(lab, BACK_S)
    assert {mac: one["id"] for mac, one in after.items()} == \
        {mac: one["id"] for mac, one in found.items()}
    database = ledger.Database(lab)
    assert not database.rows("SELECT 1 FROM setting WHERE name = 'restored'")
    assert not os.path.exists(os.path.join(lab.state_dir, "core", "aside"))
    listed = {one["account"]: one for one in lab.items("/payload-readers")}
    for name, _, _ in rows:
        assert listed[name.removeprefix("payload/")]["right"] == "denied"
    assert listed[rows[0][0].removeprefix("payload/")]["reason"] == "left"
    assert "cannot be read" in listed[rows[1][0].removeprefix("payload/")]["reason"]
    assert "cordonctl payload-readers" in lab.cordond.log(200000)
    for name, _, _ in rows:  # and said again they are as any other
        lab.api.post(f"/payload-readers/{name.removeprefix('payload/')}",
                     {"right": "by_role", "reason": "it is known whose it was"})
    assert not database.rows("SELECT 1 FROM setting WHERE name LIKE 'payload/%'")
