"""Backup and restore of a cordond that runs, secrets at rest, and a database that is damaged or has no
room: real processes, a real disk.  No campus: one switch made of memory, everything on loopback."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import api as client
import pytest
import receivers
from api import ApiError
from database import opened
from netns import wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
CORDOND = os.path.join(BUILD, "cordond")
CANARY = "canary-correct-horse-4711"
SLOW_S = 60  # of waits, on a machine that has much to do; never of a measurement


class Bench:
    def __init__(self, folder, **lines):
        self.folder = pathlib.Path(folder)
        os.chmod(folder, 0o755)
        self.cordon = receivers.Controller(CORDOND, self.folder)
        with open(self.cordon.config, "a", encoding="utf-8") as config:
            config.writelines(f"{key}: {value}\n" for key, value in lines.items())
        self.state = self.cordon.state
        self.start()

    def start(self):
        self.cordon.start()
        self.api = client.Api(f"https://127.0.0.1:{self.cordon.port}",
                              str(self.state / "admin.token"), str(self.state / "pki" / "ca.pem"))
        wait_for(self.is_there, "cordond", SLOW_S)

    def is_there(self):
        return self.api.is_up()

    def stop(self):
        self.cordon.process.send_signal(signal.SIGTERM)
        assert self.cordon.process.wait(SLOW_S) == 0

    def close(self):
        """Whatever a test left: one that failed hides nothing."""
        if self.cordon.process.poll() is None:
            self.stop()
        self.cordon.log.close()

    def contain(self, mac, reason="beacon"):
        return self.api.post("/containments", {"action": "isolate", "mac": mac, "reason": reason})

    def reasons(self):
        return sorted(c["reason"] for c in self.api.items("/containments"))

    def knows(self, reasons):
        """Exactly these, once core answers again."""
        try:
            return self.reasons() == sorted(reasons)
        except (OSError, ApiError):
            return False

    def has_secret(self):
        return [c["has_secret"] for c in self.api.get("/notifications")["channels"]] == [True]

    def database(self):
        return next(path for path in (self.state / "core" / "cordon.db", self.state / "cordon.db")
                    if path.exists())

    def command(self, *words, check=True):
        done = subprocess.run([CORDOND, "--config", self.cordon.config, *words], text=True,
                              capture_output=True, timeout=SLOW_S, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done


@pytest.fixture(scope="module")
def operator():
    """The operator's key pair, made as an operator makes it."""
    with tempfile.TemporaryDirectory(prefix="cordon-operator-") as name:
        path = os.path.join(name, "operator.key")
        told = subprocess.run([CORDOND, "backup-key", "--out", path], text=True, check=True,
                              capture_output=True)
        assert os.stat(path).st_mode & 0o777 == 0o400
        yield path, re.match(r"backup_key: ([0-9a-f]{64})\n", told.stdout).group(1)


@pytest.fixture(scope="module")
def bench(operator):
    with tempfile.TemporaryDirectory(prefix="cordon-backup-") as name:
        bench = Bench(name, backup_key=f'"{operator[1]}"')
        bench.api.post("/notifications", {
            "settings": {"version": 0, "channels": [
                {"name": "hook", "kind": "webhook", "url": "https://localhost:1/x"}],
                "rules": [], "help_desk": {}, "owner": {}, "on_call": {}},
            "secrets": [{"channel": "hook", "value": CANARY}]})
        yield bench
        bench.close()


def everything(folder):
    for path in pathlib.Path(folder).rglob("*"):
        try:
            if path.is_file():
                yield path, path.read_bytes()
        except FileNotFoundError:
            continue  # what is being written beside


def test_a_secret_is_nowhere_in_the_clear(bench):
    """Files, log, answers, and the memory of each role that need not know it."""
    answers = json.dumps([bench.api.get(path) for path in
                          ("/notifications", "/notices", "/audit", "/backup")]).encode()
    kept = dict(everything(bench.state), log=bench.cordon.said(), answers=answers)
    for text in (CANARY.encode(), CANARY.encode().hex().encode()):
        assert [str(name) for name, found in kept.items() if text in found] == []
    if not shutil.which("gcore"):
        pytest.skip("gdb is not installed: no core images")
    roles = bench.cordon.roles()
    for role in ("intake", "driver"):  # web and core passed it on, notify keeps it
        with tempfile.TemporaryDirectory(prefix="cordon-core-") as name:
            subprocess.run(["gcore", "-o", f"{name}/core", str(roles[role])], check=True,
                           capture_output=True, timeout=SLOW_S)
            images = list(everything(name))
            assert images and all(len(found) > 100000 for _, found in images)
            assert not any(CANARY.encode() in found for _, found in images), role


def test_the_key_file_is_checked_at_every_start(bench):
    key = bench.state / "secret.key"
    assert os.stat(key).st_mode & 0o7777 == 0o400
    second = bench.command(check=False)  # two of them on one folder
    assert second.returncode == 1 and "stop it first" in second.stderr
    bench.stop()
    for mode, why in ((0o440, "chmod 400"), (0o404, "chmod 400"), (0o602, "chmod 400")):
        os.chmod(key, mode)
        refused = bench.command(check=False)
        assert refused.returncode == 1 and why in refused.stderr
    os.chmod(key, 0o400)
    os.rename(key, f"{key}.away")
    refused = bench.command(check=False)
    assert refused.returncode == 1 and "put the key back" in refused.stderr
    os.rename(f"{key}.away", key)
    before = key.read_bytes()
    bench.command("key", "rotate")
    assert key.read_bytes() != before and len(key.read_bytes()) == 32
    bench.start()
    wait_for(bench.has_secret, "the secret", SLOW_S)


def ctl(bench, *words, token=None):
    environment = dict(os.environ, CORDON_URL=bench.api.url, CORDON_CA=str(bench.state / "pki" / "ca.pem"),
                       LANG="C.UTF-8", CORDON_TOKEN_FILE=str(bench.state / "admin.token"))
    if token:
        environment["CORDON_TOKEN"] = token
    return subprocess.run([os.path.join(BUILD, "src", "cli", "cordonctl"), *words], env=environment,
                          capture_output=True, text=True, timeout=SLOW_S, check=False)


def backed_up(bench):
    before = bench.api.get("/backup")["last"]["at"]
    bench.api.post("/backup/start", {})
    return wait_for(lambda: not (now := bench.api.get("/backup"))["running"] and now["last"]["at"] != before
                    and now["last"], "the backup", SLOW_S)


def test_a_backup_is_fetched_and_restored_elsewhere(bench, operator):
    reason = "fetched 4711"
    made = bench.contain("02:00:00:00:00:41", reason)
    made_at = backed_up(bench)
    out = bench.folder / "fetched.backup"
    told = ctl(bench, "backup", "download", "-o", str(out))
    assert told.returncode == 0, told.stderr
    blob = pathlib.Path(made_at["file"]).read_bytes()
    assert out.read_bytes() == blob and len(blob) > 128 * 1024  # in more than one part
    status, media, body = bench.api.ask("GET", "/backup/download")
    assert (status, media, body) == (200, "application/octet-stream", blob)
    rows = bench.api.items("/audit?action=backup.download")
    assert [row["account"] for row in rows] == ["token:admin"] * 2
    assert {row["object"] for row in rows} == {os.path.basename(made_at["file"])}
    # what is there already is not overwritten
    assert ctl(bench, "backup", "download", "-o", str(out)).returncode != 0 and out.read_bytes() == blob
    for role in ("viewer", "operator", "auditor"):
        token = bench.api.post("/tokens", {"name": f"fetch-{role}", "role": role})["token"]
        assert bench.api.raw("GET", "/backup/download", token=token, validate=False)[0] == 403, role
    assert len(bench.api.items("/audit?action=backup.download")) == 2
    # a machine that never was one of ours: the file and the operator's key are all that it has
    with tempfile.TemporaryDirectory(prefix="cordon-elsewhere-") as name:
        os.chmod(name, 0o755)
        text = pathlib.Path(bench.cordon.config).read_text(encoding="utf-8")
        other = pathlib.Path(name, "cordond.yaml")
        other.write_text(text.replace(str(bench.state), f"{name}/state"), encoding="utf-8")
        done = subprocess.run([CORDOND, "--config", str(other), "restore", str(out), "--key", operator[0]],
                              text=True, capture_output=True, timeout=SLOW_S, check=False)
        assert done.returncode == 0, done.stderr
        file = next(pathlib.Path(name, "state").rglob("cordon.db"))
        with opened(file, read_only=True) as found:
            assert found.execute("SELECT count(*) FROM containment WHERE json LIKE ?",
                                 (f"%{reason}%",)).fetchone() == (1,)
        assert (pathlib.Path(name, "state", "web", "accounts")).exists()
    bench.api.post(f"/containments/{made['id']}/release", {"reason": "over"})


def test_what_is_not_encrypted_stays_here():
    with tempfile.TemporaryDirectory(prefix="cordon-open-") as name:
        bench = Bench(name)
        try:
            status, problem = bench.api.raw("GET", "/backup/download", validate=False)
            assert status == 409 and "no backup" in str(problem)
            assert not backed_up(bench)["secrets"]
            out = bench.folder / "fetched.backup"
            told = ctl(bench, "backup", "download", "-o", str(out))
            assert told.returncode == 1 and "not encrypted" in told.stderr and "backup_key" in told.stderr
            assert not out.exists()
            assert bench.api.items("/audit?action=backup.download") == []
        finally:
            bench.close()


def test_backup_and_restore(bench, operator):
    bench.contain("02:00:00:00:00:11", "before")
    signed_in = bench.api.raw("POST", "/session", {
        "name": "admin", "password": (bench.state / "admin.password").read_text().strip()})
    assert signed_in[0] == 200 and "admin" in (bench.state / "web" / "sessions").read_text()
    with opened(bench.database(), SLOW_S) as db:  # a purge has begun
        db.execute("INSERT INTO setting(name, value) VALUES('purge/01JOB', "
                   "'name 0 1\naccount:ann\nbefore')")
    file = backed_up(bench)
    assert "problem" not in file and file["secrets"] and file["bytes"] > 10000
    blob = pathlib.Path(file["file"]).read_bytes()
    assert os.stat(file["file"]).st_mode & 0o777 == 0o600
    for text in (CANARY.encode(), b"before", (bench.state / "secret.key").read_bytes()):
        assert text not in blob
    bench.contain("02:00:00:00:00:12", "after")
    rows = len(bench.api.get("/audit?limit=500")["items"])
    refused = bench.command("restore", file["file"], "--key", operator[0], check=False)
    assert refused.returncode == 1 and "stop it first" in refused.stderr
    bench.stop()
    # what is damaged, cut, or for another key changes nothing
    database = bench.database().read_bytes()
    spoilt = bench.folder / "spoilt.backup"
    for at in (3, 40, 300, len(blob) // 2, len(blob) - 1):
        spoilt.write_bytes(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1:])
        assert bench.command("restore", spoilt, "--key", operator[0], check=False).returncode == 1
    spoilt.write_bytes(blob[:-1000])
    assert "Nothing was changed" in bench.command("restore", spoilt, "--key", operator[0],
                                                  check=False).stderr
    other = bench.folder / "other.key"
    bench.command("backup-key", "--out", other)
    told = bench.command("restore", file["file"], "--key", other, check=False)
    assert told.returncode == 1 and "does not open it" in told.stderr
    assert bench.command("restore", file["file"], check=False).returncode == 1
    assert bench.database().read_bytes() == database
    # the machine is lost: another one, with nothing but the backup and the key
    shutil.rmtree(bench.state / "notify")
    for name in ("secret.key", "web/accounts", "web/sessions"):
        os.remove(bench.state / name)
    told = bench.command("restore", file["file"], "--key", operator[0])
    assert "unproven" in told.stdout and "1 purges had begun" in told.stdout
    assert (bench.state / "web" / "accounts").exists()
    assert not (bench.state / "web" / "sessions").exists()  # who was signed in is in no backup
    bench.start()
    assert bench.reasons() == ["before"]
    wait_for(bench.has_secret, "the secret", SLOW_S)
    audit = bench.api.get("/audit?limit=500")["items"]
    restored = [row["detail"] for row in audit if row["action"] == "restored"]
    assert len(restored) == 1 and restored[0].endswith("1 purges that had begun do not go on")
    assert not [row for row in audit if row["action"].startswith("purge.")]
    assert bench.api.get("/jobs")["items"] == []
    assert len(audit) >= rows + 1  # also what was done after the backup
    assert bench.api.get("/audit/verify")["sound"]
    assert "by hand" in bench.api.get("/backup")["restored_cause"]
    assert list((bench.database().parent / "aside").iterdir())  # nothing was deleted


def states(bench):
    return {one["reason"]: one["state"] for one in bench.api.get("/containments?ended=true")["items"]}


def without(bench, database):
    """The machine is lost: no row of its database is left."""
    for path in database.parent.glob("cordon.db*"):
        path.unlink()


def test_an_exported_audit_undoes_no_release():
    """All that is left are a backup and an export of the log that is newer: what somebody released in between
    stays so.  A file that is not as it was written, or of another log, changes nothing."""
    with tempfile.TemporaryDirectory(prefix="cordon-export-") as name:
        bench = Bench(name)
        try:
            released = bench.contain("02:00:00:00:00:51", "released since")
            bench.contain("02:00:00:00:00:52", "in force")
            backup, whole = bench.folder / "plain.backup", bench.folder / "whole.jsonl"
            bench.command("backup", "--out", backup)
            bench.api.post(f"/containments/{released['id']}/release", {"reason": "a mistake"})
            bench.contain("02:00:00:00:00:53", "begun since")
            assert ctl(bench, "audit", "export", "--format", "json", "-o", str(whole)).returncode == 0
            lines = whole.read_text().splitlines()
            rows = [json.loads(line) for line in lines]
            database = bench.database()
            bench.stop()
            without(bench, database)
            # the twin: the backup alone knows of no release
            bench.command("restore", backup)
            bench.start()
            assert states(bench)["released since"] not in ("released", "expired")
            bench.stop()
            without(bench, database)
            mistake = next(at for at, line in enumerate(lines) if "a mistake" in line)
            for spoilt, why in (
                    (lines[:mistake] + [lines[mistake].replace("a mistake", "no mistake")] + lines[mistake + 1:],
                     "not as it was written"),
                    (lines[:mistake] + lines[mistake + 1:], "comes behind"),
                    ([re.sub(r'("hash": ?")[0-9a-f]{64}', r"\g<1>" + "0" * 64, line) for line in lines], "another one"),
                    ([*lines[:mistake], "x"], "none of")):
                bad = bench.folder / "bad.jsonl"
                bad.write_text("\n".join(spoilt) + "\n")
                told = bench.command("restore", backup, "--audit", bad, check=False)
                assert told.returncode == 1 and why in told.stderr and "Nothing was changed" in told.stderr, told.stderr
                assert not database.exists()
            told = bench.command("restore", backup, "--audit", whole)
            assert "rows of the audit were taken from" in told.stdout
            bench.start()
            now = states(bench)
            assert now["released since"] == "released" and now["in force"] not in ("released", "expired"), now
            assert "begun since" not in now  # what switches hold of it is listed there
            kept = {row["number"]: row for row in bench.api.items("/audit")}
            assert all(kept[row["number"]]["detail"] == row["detail"] for row in rows if "number" in row)
            assert bench.api.get("/audit/verify")["sound"]
            assert "rows of an exported audit" in bench.api.get("/backup")["restored_cause"]
        finally:
            bench.close()


def test_without_a_key_no_secret_is_inside(bench):
    config = bench.cordon.config.read_text()
    bench.cordon.config.write_text(re.sub(r"backup_key:.*\n", "", config))
    plain, locked = bench.folder / "plain.backup", bench.folder / "locked.backup"
    told = bench.command("backup", "--out", plain)
    assert "Left out" in told.stderr
    blob = plain.read_bytes()
    for name in (b"secret.key", b"secrets.sealed", b"ca.key", b"accounts"):
        assert name not in blob
    assert (bench.state / "secret.key").read_bytes() not in blob
    secret = bench.folder / "passphrase"
    secret.write_text("four plain words here\n")
    os.chmod(secret, 0o644)
    refused = bench.command("backup", "--out", locked, "--passphrase-file", secret, check=False)
    assert refused.returncode == 1 and "chmod" in refused.stderr
    os.chmod(secret, 0o400)
    assert "the secrets" in bench.command("backup", "--out", locked, "--passphrase-file",
                                          secret).stderr
    assert b"before" not in locked.read_bytes()
    bench.cordon.config.write_text(config)


def test_damaged_while_it_runs(bench):
    """Pages are overwritten under it: it says so, starts with the good copy, loses nothing that it
    acknowledged, and listens on."""
    bench.contain("02:00:00:00:00:21", "kept")
    copies = bench.database().parent / "copies"
    wait_for(lambda: (copies / "good.db").exists(), "a good copy", SLOW_S)
    before = bench.reasons()
    rows = bench.api.get("/audit?limit=500")["items"]
    core = bench.cordon.roles()["core"]
    with open(bench.database(), "r+b") as file:
        file.write(b"\0" * 100)
    os.kill(core, signal.SIGKILL)
    wait_for(lambda: bench.cordon.roles().get("core") not in (None, core) and bench.is_there(),
             "core with another database", SLOW_S)
    wait_for(lambda: bench.knows(before), "the containments", SLOW_S)
    assert bench.api.get("/audit/verify")["sound"]
    after = {row["number"] for row in bench.api.get("/audit?limit=500")["items"]}
    missing = [row for row in rows if row["number"] not in after]
    assert missing == []
    bench.contain("02:00:00:00:00:22", "and on")


def test_a_damaged_setting_is_not_its_default():
    """One bit of 'suspended': a start that took the default would block again what a person let go, and
    one of the retention would delete what is to be kept.  The last good copy takes its place."""
    with tempfile.TemporaryDirectory(prefix="cordon-setting-") as name:
        bench = Bench(name)
        try:
            bench.api.post("/enforcement/panic", {"reason": "test 4711"})
            assert bench.api.get("/enforcement")["state"] == "suspended"
            bench.stop()
            bench.start()  # a copy is made soon after a start
            wait_for(lambda: bench.api.get("/backup").get("copied"), "a good copy", SLOW_S)
            bench.stop()
            with opened(bench.database()) as found:
                assert found.execute("UPDATE setting SET value = replace(value, 'test 4711', 'test 4710')"
                                     " WHERE name = 'suspended'").rowcount == 1
            bench.start()

            def told():
                try:
                    return bench.api.get("/backup").get("restored") and bench.api.get("/enforcement")
                except (OSError, ApiError):
                    return None  # core comes again, with another database
            now = wait_for(told, "the good copy", SLOW_S)
            assert (now["state"], now["reason"]) == ("suspended", "test 4711")
            assert "restored" in [row["action"] for row in bench.api.items("/audit")]
            assert "its sum is not that of its content" in bench.cordon.said().decode()
        finally:
            bench.close()


def test_over_file_systems_and_through_links(operator):
    """The policy is a link into a folder that a tool fills, part of the state a disk of its own: both
    are backed up and restored.  Another user's link is not followed, and people are told."""
    with tempfile.TemporaryDirectory(prefix="cordon-links-") as name, \
            tempfile.TemporaryDirectory(prefix="cordon-managed-", dir="/dev/shm") as managed:
        mounted, bench = pathlib.Path(name) / "state" / "web", None
        mounted.mkdir(parents=True)
        os.chmod(mounted.parent, 0o755)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", mounted], check=True)
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(SLOW_S)
        try:
            bench = Bench(name, backup_key=f'"{operator[1]}"')
            policy, real = bench.folder / "policy.yaml", pathlib.Path(managed) / "policy.yaml"
            shutil.move(policy, real)
            policy.symlink_to(real)
            bench.api.post("/notifications", {"secrets": [], "settings": {
                "version": 0, "help_desk": {}, "owner": {}, "on_call": {},
                "rules": [{"kind": "backup", "channels": ["log"]}],
                "channels": [{"name": "log", "kind": "syslog", "host": "127.0.0.1",
                              "port": receiver.getsockname()[1], "transport": "udp"}]}})

            def backup():
                before = bench.api.get("/backup").get("last", {}).get("at")
                bench.api.post("/backup/start", {})
                return wait_for(lambda: (lambda last: last if last and last["at"] != before else None)(
                    bench.api.get("/backup").get("last")), "the backup", SLOW_S)
            good = backup()
            assert "problem" not in good, good
            os.chown(policy, 12345, 12345, follow_symlinks=False)
            bad = backup()
            assert "make it root's" in bad["problem"], bad
            assert "make it root's" in receiver.recv(4096).decode()
            os.chown(policy, 0, 0, follow_symlinks=False)
            accounts = (mounted / "accounts").read_bytes()
            bench.stop()
            (mounted / "accounts").write_text("spoilt")
            real.unlink()  # the tool is not there on a new machine
            policy.unlink()
            bench.command("restore", good["file"], "--key", operator[0])
            assert (mounted / "accounts").read_bytes() == accounts
            assert os.stat(mounted / "accounts").st_uid == os.stat(mounted).st_uid
            assert policy.read_text() == receivers.POLICY
            assert not list(mounted.glob("*.new"))
            aside = [path for path in (bench.state / "set-aside").rglob("accounts")]
            assert [path.read_text() for path in aside] == ["spoilt"]
            bench.start()
        finally:
            receiver.close()
            if bench:
                bench.close()
            subprocess.run(["umount", "-l", mounted], check=False)


def test_full_disk():
    """Nothing is acknowledged that is not stored, what was acknowledged stays, and it goes on by
    itself when there is room again."""
    with tempfile.TemporaryDirectory(prefix="cordon-full-") as name:
        small = pathlib.Path(name) / "state"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=0755", "tmpfs", small],
                       check=True)
        bench = None
        try:
            bench = Bench(name)
            bench.contain("02:00:00:00:00:31", "there was room")
            reserve = next(small.glob("*/cordon.db")).parent / "reserve"
            wait_for(lambda: reserve.exists() and reserve.stat().st_size >= 4 << 20,
                     "room in reserve", SLOW_S)
            filler = small / "filler"
            with pytest.raises(OSError), open(filler, "wb", buffering=0) as file:
                while True:
                    file.write(b"\0" * 4096)
            acknowledged, refused = ["there was room"], 0
            for number in range(2000):
                try:
                    bench.contain(f"02:00:00:00:01:{number % 256:02x}", f"number {number}")
                    acknowledged.append(f"number {number}")
                except ApiError as error:
                    assert error.status == 503, error
                    refused += 1
                if refused == 5:
                    break
            # Of what was held in reserve blocks went on, though there was not a byte.
            assert len(acknowledged) > 20, len(acknowledged)
            assert reserve.stat().st_size == 0
            assert refused == 5
            assert sorted(acknowledged) == bench.reasons()
            os.remove(filler)

            def has_room():
                try:
                    return bench.contain("02:00:00:00:00:32", "room again")
                except (OSError, ApiError):
                    return None
            wait_for(has_room, "room", SLOW_S, 0.2)
            acknowledged.append("room again")
            os.kill(bench.cordon.roles()["core"], signal.SIGKILL)
            wait_for(bench.is_there, "core", SLOW_S)
            wait_for(lambda: bench.knows(acknowledged), "everything acknowledged", SLOW_S)
        finally:
            if bench:
                bench.close()
            subprocess.run(["umount", "-l", small], check=False)
