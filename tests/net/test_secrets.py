"""Secrets of every kind, each with a canary: sought in the state folder, the database and its log, what
is said, what is answered, backups, crashes, and the memory of each process.  Real processes, no campus."""
import base64
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile

import api as client
import opened
import pytest
import receivers
from cryptography.hazmat.primitives import serialization
from netns import wait_for
from people import Browser, totp

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
CORDOND = str(TOP / os.environ.get("BUILD", "build") / "cordond")
SLOW_S = 60  # of waits, on a machine that has much to do; never of a measurement
PASSWORD = "canary-password-of-admin-4711"
KEYS = {"pki/ca.key": "authority", "pki/server.key": "pki", "core/audit.key": "audit"}


class Bench:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        os.chmod(folder, 0o755)
        self.cordon = receivers.Controller(CORDOND, folder)
        self.state = self.cordon.state
        for name in ("ldap", "openid"):
            self.give(name, f"canary-secret-of-{name}-4711")
        with open(self.cordon.config, "a", encoding="ascii") as config:
            config.write(f"""
ldap: {{url: "ldaps://127.0.0.1:9", bind_dn: "cn=cordon", base: "dc=example", roles: [],
       bind_password_file: {self.folder}/ldap}}
openid: {{issuer: "https://127.0.0.1:9", client_id: cordon, redirect_url: "https://127.0.0.1/",
         client_secret_file: {self.folder}/openid, roles: []}}
""")
        self.start()

    def give(self, name, text, mode=0o400):
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(text + "\n")
        path.chmod(mode)

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
        if self.cordon.process.poll() is None:
            self.stop()
        self.cordon.log.close()

    def command(self, *words, check=True):
        done = subprocess.run([CORDOND, "--config", self.cordon.config, *words], text=True,
                              capture_output=True, timeout=SLOW_S, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    def sealed(self, name, purpose):
        return opened.opened(self.state, f"{name}.sealed", purpose)

    def keys(self):
        return {name: self.sealed(name, purpose) for name, purpose in KEYS.items()}

    def roles(self):
        return dict(self.cordon.roles(), supervisor=self.cordon.process.pid)


def scalar(pem):
    """The secret number of a key, as OpenSSL and as a file may have it."""
    number = serialization.load_pem_private_key(pem, None).private_numbers().private_value
    return [number.to_bytes(32, "big"), number.to_bytes(32, "little")]


@pytest.fixture(scope="module")
def bench():
    with tempfile.TemporaryDirectory(prefix="cordon-secrets-") as folder:
        made = Bench(folder)
        yield made
        made.close()


@pytest.fixture(scope="module")
def canaries(bench):
    """{kind: (its forms, the processes that may know it)}, each really in use."""
    first = (bench.state / "admin.password").read_text().strip()
    admin = Browser(bench.api)
    assert admin.sign_in("admin", first)[0] == 200
    status, _ = admin.send("POST", "/session/password", {"old": first, "new": PASSWORD})
    assert status == 200
    status, begun = admin.send("POST", "/session/factor/begin", {"password": PASSWORD})
    assert status == 200, begun
    status, kept = admin.send("POST", "/session/factor/confirm", {"code": totp(begun["secret"])})
    assert status == 200, kept
    hook = "canary-secret-of-a-channel-4711"
    bench.api.post("/notifications", {
        "settings": {"version": 0, "channels": [
            {"name": "hook", "kind": "webhook", "url": "https://localhost:1/x"}],
            "rules": [], "help_desk": {}, "owner": {}, "on_call": {}},
        "secrets": [{"channel": "hook", "value": hook}]})
    wait_for(lambda: [c["has_secret"] for c in bench.api.get("/notifications")["channels"]] == [True],
             "the channel's secret", SLOW_S)
    keys = bench.keys()
    session = next(value for value in admin.cookies.values())
    return {
        "directory": (["canary-secret-of-ldap-4711"], {"login"}),
        "provider": (["canary-secret-of-openid-4711"], {"login"}),
        "channel": ([hook], {"notify", "web", "core"}),  # the last two pass it on
        "factor": ([begun["secret"], base64.b32decode(begun["secret"])], {"web"}),
        "password": ([PASSWORD], {"web"}),
        "session": ([session], {"web"}),
        "authority": (scalar(keys["pki/ca.key"]), {"core"}),
        "server": (scalar(keys["pki/server.key"]), {"web", "driver", "intake"}),
        "audit": ([keys["core/audit.key"].strip(), bytes.fromhex(keys["core/audit.key"].decode())],
                  {"core"}),
        "master": ([(bench.state / "secret.key").read_bytes()], set()),
    }


def forms(values):
    for value in values:
        value = value if isinstance(value, bytes) else value.encode()
        yield value
        yield value.hex().encode()
        yield base64.b64encode(value).rstrip(b"=")


def held(canaries, blob):
    """The kinds that are in it."""
    return {kind for kind, (values, _) in canaries.items()
            if any(form in blob for form in forms(values))}


def everything(folder):
    for path in sorted(pathlib.Path(folder).rglob("*")):
        try:
            if path.is_file():
                yield str(path.relative_to(folder)), path.read_bytes()
        except FileNotFoundError:
            continue  # what is being written beside


def test_the_search_finds_each_kind(canaries):
    """Its twin: what is there is found, in each form."""
    for kind, (values, _) in canaries.items():
        for form in forms(values):
            assert kind in held(canaries, b"before " + form + b" behind"), kind


def test_nothing_is_on_the_disk_in_the_clear(bench, canaries):
    bench.api.post("/containments", {"action": "isolate", "mac": "02:00:00:00:00:11", "reason": "x"})
    found = {name: kinds for name, blob in everything(bench.state) if (kinds := held(canaries, blob))}
    assert found == {"secret.key": {"master"}}
    assert any("-wal" in name for name, _ in everything(bench.state))
    for name in ("ldap", "openid"):  # what a person wrote is gone, and told
        assert not (bench.folder / name).exists()
    said = bench.cordon.said()
    assert said.count(b"lay in the clear is sealed now") == 2
    assert held(canaries, said) == set()


def test_nothing_is_answered(bench, canaries):
    """Every list that can be read, and errors about what holds a secret."""
    answers = []
    for path, operations in bench.api.document["paths"].items():
        if "get" in operations and "{" not in path and "event-stream" not in json.dumps(operations["get"]):
            _, _, blob = bench.api.send("GET", client.full(path), None,
                                        {"Authorization": f"Bearer {bench.api.token}"})
            answers.append(blob)
    assert len(answers) > 30
    for values, _ in canaries.values():
        text = values[0] if isinstance(values[0], str) else "canary-of-bytes-4711"
        for path, body in (("/notifications", {"settings": {"version": 0}, "secrets": [
                {"channel": "none", "value": text}]}), ("/session", {"name": "nobody", "password": text})):
            answers.append(bench.api.send("POST", client.full(path), json.dumps(body).encode(),
                                          {"Authorization": f"Bearer {bench.api.token}",
                                           "Content-Type": "application/json"})[2])
    assert held(canaries, b"\n".join(answers)) == set()


def memory(pid):
    """What can be written of it: data, heap, stacks, locked memory."""
    parts = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            begin, end, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if rights.startswith("rw"):
                file.seek(int(begin, 16))
                try:
                    parts.append(file.read(int(end, 16) - int(begin, 16)))
                except OSError:
                    continue  # a guard page
    return b"\n".join(parts)


def test_a_process_knows_only_what_is_its_own(bench, canaries):
    wrong, right = {}, set()
    for role, pid in bench.roles().items():
        blob = memory(pid)
        assert len(blob) > 100000, role
        for kind in held(canaries, blob):
            if role not in canaries[kind][1]:
                wrong.setdefault(role, set()).add(kind)
            else:
                right.add(kind)
    assert wrong == {}
    assert {"directory", "channel", "authority", "server"} <= right  # it can be found there


def crashed(pid, folder):
    try:
        resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except PermissionError:
        pass  # in a container not even root may raise what a process gave up
    os.kill(pid, signal.SIGABRT)
    return list(folder.glob("core*"))


def test_a_crash_leaves_no_image(bench, tmp_path):
    """Also where somebody allows images of any size; a process of another kind leaves one."""
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern.startswith(("|", "/")):
        pytest.skip("images of this machine go elsewhere")
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    twin = subprocess.Popen(["sleep", "600"], cwd=tmp_path, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_CORE, (most, most)))
    wait_for(lambda: pathlib.Path(f"/proc/{twin.pid}/cmdline").read_bytes().startswith(b"sleep"), "it", 30)
    crashed(twin.pid, tmp_path)
    twin.wait(SLOW_S)
    if not list(tmp_path.glob("core*")):
        pytest.skip("this machine leaves no images at all")
    for role, pid in bench.cordon.roles().items():
        where = pathlib.Path(os.readlink(f"/proc/{pid}/cwd"))
        before = set(where.glob("core*"))
        crashed(pid, where)
        wait_for(lambda: bench.cordon.roles().get(role) not in (None, pid), f"another {role}", SLOW_S)
        assert set(where.glob("core*")) == before, role
    wait_for(bench.is_there, "all of them", SLOW_S)


def test_backups(bench, canaries):
    """One that anybody can read has none; one that is locked has all, and shows none."""
    plain, locked, phrase = (bench.folder / name for name in ("plain", "locked", "phrase"))
    phrase.write_text("four plain words here\n")
    phrase.chmod(0o400)
    bench.command("backup", "--out", plain)
    assert b"canary" not in plain.read_bytes() and held(canaries, plain.read_bytes()) == set()
    bench.command("backup", "--out", locked, "--passphrase-file", phrase)
    assert held(canaries, locked.read_bytes()) == set()
    assert b".sealed" not in plain.read_bytes()


# ---- the master key, and what an earlier release left ----

def test_another_master_key_changes_nothing(bench, canaries):
    key, before = bench.state / "secret.key", {}
    bench.stop()
    before = dict(everything(bench.state / "pki"))
    os.rename(key, f"{key}.away")
    refused = bench.command(check=False)
    assert refused.returncode == 1 and "put the key back" in refused.stderr, refused.stderr
    assert not key.exists()
    key.write_bytes(bytes(32))
    key.chmod(0o400)
    refused = bench.command(check=False)
    assert refused.returncode == 1 and "put the right one back" in refused.stderr, refused.stderr
    assert str(key) in refused.stderr
    issued = bench.command("pki", "issue", "edge", "e1", "--out", bench.folder / "out", check=False)
    assert issued.returncode == 1 and "put the right one back" in issued.stderr
    assert dict(everything(bench.state / "pki")) == before
    os.replace(f"{key}.away", key)
    bench.start()


def test_what_an_earlier_release_left_in_the_clear(bench, canaries):
    """As it kept them: plain files.  The first start seals them; authority and signing key stay."""
    bench.stop()
    keys, authority = bench.keys(), (bench.state / "pki" / "ca.pem").read_bytes()
    signer = (bench.state / "core" / "audit.pub").read_bytes()
    for name, bytes_ in keys.items():
        sealed = bench.state / f"{name}.sealed"
        owner = sealed.stat()
        sealed.unlink()
        (bench.state / name).write_bytes(bytes_)
        (bench.state / name).chmod(0o600)
        os.chown(bench.state / name, owner.st_uid, owner.st_gid)
    os.remove(bench.state / "secret.key")
    for name in ("notify/secrets.sealed", "web/factors.sealed", "login/ldap.sealed",
                 "login/openid.sealed"):
        os.remove(bench.state / name)
    for name in ("ldap", "openid"):
        bench.give(name, f"canary-secret-of-{name}-4711")
    bench.start()
    assert bench.keys() == keys
    assert (bench.state / "pki" / "ca.pem").read_bytes() == authority
    wait_for(lambda: (bench.state / "core" / "audit.pub").read_bytes() == signer, "the signer", SLOW_S)
    found = {name: kinds for name, blob in everything(bench.state)
             if (kinds := held(canaries, blob) - {"master"})}
    assert found == {}
    for name in KEYS:
        assert not (bench.state / name).exists()
    assert (bench.state / "core/audit.key.sealed").stat().st_uid == (
        bench.state / "core").stat().st_uid


def test_two_sealed_files_cannot_change_places(bench):
    """A process that could write its neighbour's file makes it read nothing of its own."""
    bench.stop()
    login = bench.state / "login"
    swapped = [(login / "ldap.sealed", login / "openid.sealed")]
    for one, two in swapped:
        a, b = one.read_bytes(), two.read_bytes()
        one.write_bytes(b)
        two.write_bytes(a)
    mark = len(bench.cordon.said())
    bench.start()
    wait_for(lambda: bench.cordon.said()[mark:].count(b"a secret cannot be read") == 2, "it is told",
             SLOW_S)
    bench.stop()
    for one, two in swapped:
        a, b = one.read_bytes(), two.read_bytes()
        one.write_bytes(b)
        two.write_bytes(a)
    pki = bench.state / "pki"
    right = (pki / "ca.key.sealed").read_bytes()
    (pki / "ca.key.sealed").write_bytes((pki / "server.key.sealed").read_bytes())
    refused = bench.command(check=False)
    assert refused.returncode == 1 and "another file under its name" in refused.stderr
    (pki / "ca.key.sealed").write_bytes(right)
    bench.start()


def test_a_key_from_systemd(bench):
    """What LoadCredential= gives lies in memory: it is used as it is, and nothing there is touched."""
    folder = pathlib.Path(f"/run/credentials/cordon-test-{os.getpid()}.service")
    config = bench.cordon.config.read_text()
    bench.stop()
    folder.mkdir(parents=True)
    try:
        for name, blob in (("master", (bench.state / "secret.key").read_bytes()),
                           ("ldap", b"canary-secret-of-ldap-4711\n")):
            (folder / name).write_bytes(blob)
            (folder / name).chmod(0o400)
        os.rename(bench.state / "secret.key", bench.folder / "kept")
        os.remove(bench.state / "login" / "ldap.sealed")
        bench.cordon.config.write_text(f"secret_key_file: {folder}/master\n" + config.replace(
            f"{bench.folder}/ldap", f"{folder}/ldap"))
        mark = len(bench.cordon.said())
        bench.start()
        wait_for(lambda: b"canary-secret-of-ldap" in memory(bench.roles()["login"]), "login has it",
                 SLOW_S)
        assert b"cannot be read" not in bench.cordon.said()[mark:]
        assert not (bench.state / "secret.key").exists() and (folder / "ldap").exists()
        assert not (bench.state / "login" / "ldap.sealed").exists()
        bench.stop()
    finally:
        shutil.rmtree(folder)
        os.rename(bench.folder / "kept", bench.state / "secret.key")
        bench.cordon.config.write_text(config)
        bench.give("ldap", "canary-secret-of-ldap-4711")
        bench.start()


def test_a_backup_of_an_earlier_key_comes_back(bench, canaries):
    """Restored after the master key was changed: what only this machine has is sealed with the
    backup's key then, the authority and the signing key are the ones that they were."""
    locked, phrase = bench.folder / "locked", bench.folder / "phrase"
    locked.unlink()
    os.remove(bench.state / "login" / "openid.sealed")  # the backup has none
    bench.command("backup", "--out", locked, "--passphrase-file", phrase)
    keys, signer = bench.keys(), (bench.state / "core" / "audit.pub").read_bytes()
    old = (bench.state / "secret.key").read_bytes()
    bench.stop()
    bench.command("key", "rotate")
    assert (bench.state / "secret.key").read_bytes() != old and bench.keys() == keys
    bench.give("openid", "canary-secret-of-openid-4711")
    bench.start()
    bench.stop()
    bench.command("restore", locked, "--passphrase-file", phrase)
    assert (bench.state / "secret.key").read_bytes() == old
    assert bench.keys() == keys
    assert opened.opened(bench.state, "login/openid.sealed", "login").startswith(b"canary")
    bench.start()
    assert (bench.state / "core" / "audit.pub").read_bytes() == signer
    assert bench.api.get("/audit/verify")["sound"]
