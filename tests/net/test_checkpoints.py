"""Signed checkpoints of the audit leave the controller: what was cut off, made anew or put back is found by
what the switches hold.  A real cordond and two real cordon-edge in a namespace of their own."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import hashlib
import time

import campus as places
import pytest
from database import opened
from netns import wait_for

TOP = pathlib.Path(places.TOP)
BUILD = pathlib.Path(os.environ.get("CORDON_BUILD", TOP / "build"))
POLICY = "networks:\n  - {name: all, prefixes: [192.0.2.0/24], mode: observe}\npolicies: []\n"
EDGES = ("e1", "e2")


def program(name):
    for folder in ("", "src/edge", "src/cli"):
        if (BUILD / folder / name).is_file():
            return str(BUILD / folder / name)
    raise RuntimeError(f"{name} is not built")


class Site:
    """cordond and its edges; everything is asked through cordonctl inside the namespace."""

    def __init__(self, folder):
        self.folder = folder
        self.ns = f"cp{os.getpid()}"
        self.state = folder / "state"
        self.core = self.state / "core"
        self.processes = {}
        subprocess.run(["ip", "netns", "add", self.ns], check=True)
        subprocess.run(["ip", "-n", self.ns, "link", "set", "lo", "up"], check=True)
        (folder / "policy.yaml").write_text(POLICY)
        (folder / "cordond.yaml").write_text(
            f"state_dir: {self.state}\npolicy_file: {folder}/policy.yaml\n"
            'api_listen: "127.0.0.1:8443"\nedge_listen: "127.0.0.1:8701"\n'
            'sensor_listen: "127.0.0.1:8702"\nserver_names: "127.0.0.1"\n'
            "audit_checkpoint_rows: 5\naudit_checkpoint_s: 1\naudit_check_s: 1\n"
            "switches: [{name: e1}, {name: e2}]\n")

    def spawn(self, name, *words):
        log = open(self.folder / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(
            ["ip", "netns", "exec", self.ns, *words], stdout=log, stderr=log)

    def start(self):
        self.spawn("cordond", program("cordond"), "--config", str(self.folder / "cordond.yaml"))
        wait_for(lambda: self.ctl("version", check=False).returncode == 0, "cordond answers", 30, 0.1)

    def start_edge(self, name):
        out = self.folder / name
        if not out.exists():
            subprocess.run([program("cordond"), "pki", "issue", "edge", name, "--state",
                            str(self.state), "--out", str(out)], check=True, capture_output=True)
            (self.folder / f"{name}.yaml").write_text(
                f"name: {name}\nbridge: br-{name}\nmakes_bridge: true\nports: [{{name: p-{name}, role: access}}]\n"
                f'server: "127.0.0.1:8701"\nca: {out}/ca.pem\ncert: {out}/{name}.pem\n'
                f"key: {out}/{name}.key\nstate_dir: {self.folder}/{name}-state\n"
                f"run_dir: {self.folder}/{name}-pins\n")
        self.spawn(name, program("cordon-edge"), "--config", str(self.folder / f"{name}.yaml"))

    def stop(self, *names):
        ending = [self.processes.pop(name) for name in names or ("cordond",)]
        for process in ending:
            process.send_signal(signal.SIGTERM)
        assert {process.wait(30) for process in ending} <= {0, -signal.SIGTERM}  # as it was starting

    def close(self):
        for name in list(self.processes):
            process = self.processes.pop(name)
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        for name in EDGES:
            places.unmount_below(str(self.folder / f"{name}-pins"))
        subprocess.run(["ip", "netns", "del", self.ns], check=False)

    def ctl(self, *words, check=True):
        env = dict(os.environ, CORDON_URL="https://127.0.0.1:8443",
                   CORDON_CA=str(self.state / "pki" / "ca.pem"),
                   CORDON_TOKEN_FILE=str(self.state / "admin.token"))
        done = subprocess.run(["ip", "netns", "exec", self.ns, program("cordonctl"), *words], env=env,
                              capture_output=True, text=True, timeout=60, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def json(self, *words, check=True):
        return json.loads(self.ctl(*words, "--json", check=check).stdout)

    def said(self):
        return (self.folder / "cordond.log").read_text("utf-8", "replace")

    # ------------------------------------------------------------ the database, by other means

    @property
    def file(self):
        return self.core / "cordon.db"

    def sql(self, text, *values):
        with opened(self.file) as db:
            return db.execute(text, values).fetchall()

    def put_back(self, copy):
        """A former state of the database's folder, as whoever has its disk could."""
        owner = self.core.stat()
        for path in self.core.glob("cordon.db*"):
            path.unlink()
        for path in copy.iterdir():
            os.chown(shutil.copy(path, self.core), owner.st_uid, owner.st_gid)

    def tip(self):
        return self.sql("SELECT max(number) FROM audit")[0][0]

    def write_rows(self, count):
        """Panic and resume: rows of the audit that an operator makes."""
        for i in range(count):
            self.ctl("resume" if i % 2 else "panic", "--reason", f"row {i}")

    def held(self):
        """{switch: newest row that it holds}"""
        return {one["switch"]: one.get("newest_number", 0)
                for one in self.json("audit", "checkpoints")["switches"]}

    def verify(self, *words):
        return self.json("audit", "verify", *words, check=False)

    @staticmethod
    def numbers(path):
        """Rows of which an edge's file holds a checkpoint."""
        lines = path.read_text().splitlines() if path.exists() else []
        return [int(line.split()[2]) for line in lines]

    def wait_held(self, number):
        """Both switches hold a checkpoint of that row or a later one, in their own files."""
        def newest(name):
            return max(self.numbers(self.folder / f"{name}-state" / "checkpoints"), default=0)
        wait_for(lambda: all(newest(name) >= number for name in EDGES), f"row {number} is held", 30)

    def new_alarm(self, since):
        return wait_for(lambda: "ALARM: the audit is not as it was written" in self.said()[since:],
                        "the periodic check alarms by itself", 30)


def row_hash(before, number, at_us, texts):
    hasher = hashlib.sha256(before + number.to_bytes(8, "big") + at_us.to_bytes(8, "big"))
    for text in texts:
        data = text.encode()
        hasher.update(len(data).to_bytes(8, "big") + data)
    return hasher.digest()


@pytest.fixture(scope="module")
def site():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cordon-checkpoints-"))
    folder.chmod(0o711)  # each role passes through it as its own user
    made = Site(folder)
    try:
        made.start()
        for name in EDGES:
            made.start_edge(name)
        wait_for(lambda: sum(s["connected"] for s in made.json("audit", "checkpoints")["switches"]) == 2,
                 "both switches keep checkpoints", 40, 0.2)
        made.write_rows(12)
        made.wait_held(made.tip())
        made.honest = made.said()
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tampered(site, tmp_path):
    """cordond ended; a copy of its database before somebody else writes into it, put back afterwards."""
    if "cordond" in site.processes:
        site.stop()
    before = tmp_path / "before"
    before.mkdir()
    for path in site.core.glob("cordon.db*"):
        shutil.copy(path, before)
    yield before
    if site.processes:
        site.stop(*site.processes)
    site.put_back(before)
    for name in EDGES:  # what was signed over the tampered rows is no part of the story
        shutil.copy(before.parent / f"{name}.held", site.folder / f"{name}-state" / "checkpoints")
        site.start_edge(name)


@pytest.fixture(autouse=True)
def held_copies(site, tmp_path):
    for name in EDGES:
        shutil.copy(site.folder / f"{name}-state" / "checkpoints", tmp_path / f"{name}.held")


def found(site, since):
    """What the controller says once both switches have spoken; the alarm came without asking."""
    site.start()
    site.new_alarm(since)
    wait_for(lambda: site.verify().get("switches") == 2, "both switches answer", 40, 0.2)
    done = site.ctl("audit", "verify", "--json", check=False)
    assert done.returncode == 1, done.stdout
    return json.loads(done.stdout)


def test_an_honest_restart_is_sound_and_its_last_row_was_signed(site):
    told = site.verify()
    assert told["sound"] and told["checkpoints"] >= 2 and told["switches"] == 2, told
    assert "foreign_checkpoints" not in told
    site.write_rows(1)
    tip = site.tip()
    site.stop()  # the last one is signed at the end, and still reaches the switches
    site.wait_held(tip)
    site.start()
    wait_for(lambda: site.verify().get("switches") == 2, "both switches answer", 40, 0.2)
    told = site.verify()
    assert told["sound"] and told["checkpoints"] >= 2, told
    site.ctl("resume", "--reason", "as before")


def test_a_cut_tail_is_found(site, tampered):
    since, tip = len(site.said()), site.tip()
    site.sql("DELETE FROM audit WHERE number > ?", tip - 4)
    told = found(site, since)
    assert not told["sound"] and told["fault"] == "cut", told
    assert told["bad_number"] == tip - 3, told
    assert "holds a checkpoint of row" in told["what"]


def test_a_chain_made_anew_with_its_hashes_is_found(site, tampered, tmp_path):
    since, tip = len(site.said()), site.tip()
    rows = site.sql("SELECT number, at_us, account, action, object, detail, hash FROM audit"
                    " WHERE number >= ? ORDER BY number", tip - 8)
    before = rows[0][6]
    with opened(site.file) as db:
        for number, at_us, account, action, what, detail, _ in rows[1:]:
            before = row_hash(before, number, at_us, (account, action, what, "nothing was done"))
            db.execute("UPDATE audit SET detail = 'nothing was done', hash = ? WHERE number = ?",
                       (before, number))
    told = found(site, since)
    assert told["fault"] == "rewritten" and not told["sound"], told
    # From behind the last row that was vouched for: how near that is, is a matter of when it was signed.
    signed = [number for name in EDGES for number in site.numbers(tmp_path / f"{name}.held")]
    assert told["bad_number"] == max(number for number in signed if number <= tip - 8) + 1, (tip, told)


def test_an_old_copy_of_the_database_is_found(site, tampered, tmp_path):
    """Put back as it was, by itself in order; and rows were written since."""
    site.start()
    old_tip = site.tip()
    site.write_rows(8)
    newest = site.tip()
    site.wait_held(newest)
    site.stop()
    site.put_back(tampered)
    since = len(site.said())
    told = found(site, since)
    assert told["fault"] in ("cut", "rewritten") and told["bad_number"] == old_tip + 1, told
    site.write_rows(12)  # beyond the last row that was signed
    wait_for(lambda: site.verify()["fault"] == "rewritten", "found all the same", 30)
    told = site.verify()
    assert told["bad_number"] == old_tip + 1, told


def test_an_old_copy_with_its_row_of_the_restore_is_no_alarm(site, tampered, tmp_path):
    site.start()
    old_tip = site.tip()
    site.write_rows(8)
    site.wait_held(site.tip())
    site.stop()
    site.put_back(tampered)
    number, at_us = old_tip + 1, int(time.time() * 1e6)
    texts = ("account:admin", "restored", "database", "the disk was broken")
    before = site.sql("SELECT hash FROM audit WHERE number = ?", old_tip)[0][0]
    site.sql("INSERT INTO audit(number, at_us, account, action, object, detail, hash)"
             " VALUES(?, ?, ?, ?, ?, ?, ?)", number, at_us, *texts,
             row_hash(before, number, at_us, texts))
    since = len(site.said())
    site.start()
    wait_for(lambda: site.verify().get("switches") == 2, "both switches answer", 40, 0.2)
    told = site.verify()
    assert told["sound"] and told["lost_checkpoints"] >= 1, (told, site.said()[since:][:3000])
    wait_for(lambda: "the audit was verified" in site.said()[since:], "the periodic check", 30)
    assert "ALARM: the audit" not in site.said()[since:]


def test_checkpoints_of_a_log_find_it_without_any_switch(site, tampered, tmp_path):
    """Syslog's copy, the pinned key, and an exported file that was made anew."""
    log = tmp_path / "syslog"
    log.write_text("".join(f"<36>1 - host cordon - - {line}\n" for line in site.honest.splitlines()))
    site.start()
    key = site.ctl("audit", "key").stdout.strip()
    assert key == (site.core / "audit.pub").read_text().strip()
    whole = tmp_path / "whole.jsonl"
    site.ctl("audit", "export", "-o", str(whole))
    words = ("--checkpoints", str(log), "--key", key)
    assert site.ctl("audit", "verify", *words, check=False).returncode == 0
    offline = ("audit", "verify", "--file", str(whole), *words, "--json")
    told = json.loads(site.ctl(*offline).stdout)
    assert told["sound"] and told["checkpoints"] >= 2, told
    tip = site.tip()
    site.stop("cordond", *EDGES)
    site.sql("DELETE FROM audit WHERE number > ?", tip - 9)
    site.start()
    assert site.verify()["sound"]  # the chain alone says nothing
    done = site.ctl("audit", "verify", *words, "--json", check=False)
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["fault"] in ("cut", "rewritten"), told
    assert "the file holds a checkpoint" in told["what"] and told["bad_number"] <= tip - 8, told
    other = "cordon/0000000000000000+" + key.split("+", 1)[1]
    assert site.ctl("audit", "verify", "--key", other, check=False).returncode == 2
    lines = whole.read_text().splitlines()
    cut = [line for line in lines[:-1] if json.loads(line)["number"] <= 6]
    end = {"rows": len(cut), "newest_number": 6, "newest": json.loads(cut[-1])["hash"], "whole": True}
    whole.write_text("\n".join(cut + [json.dumps(end, separators=(",", ":"))]) + "\n")
    assert site.ctl("audit", "verify", "--file", str(whole)).returncode == 0  # a whole file, it seems
    assert site.ctl(*offline, check=False).returncode == 1
