"""Installed by a stranger: `make install` into an empty place, first start with the packaged configuration,
first administrator, a switch that enrols, what the guide's chapters on accounts, certificates, backups and
panic have one type, and uninstalled again.  Everything on loopback, by the installed programs."""
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile

import api as client
import pytest
import receivers
from netns import wait_for
from people import Browser

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = os.environ.get("BUILD", "build")
SLOW_S = 60
PASSWORD = "a long password of our own"


class Place:
    def __init__(self, folder):
        self.root = pathlib.Path(folder)
        self.root.chmod(0o755)
        self.state, self.etc = self.root / "var/lib/cordon", self.root / "etc/cordon"
        self.bin = self.root / "usr/local/bin"
        self.process, self.port = None, receivers.free_port()

    def install(self, *words):
        done = subprocess.run([TOP / "tools/install", *words], text=True, capture_output=True, check=True,
                              env=dict(os.environ, DESTDIR=str(self.root), BUILD=BUILD))
        return done.stdout

    def files(self):
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*")
                      if not path.is_dir())

    def configure(self):
        """The packaged files as they stand, but for where this place is."""
        for name, ports in (("cordond.yaml", {8443: self.port, 8701: receivers.free_port(),
                                              8702: receivers.free_port()}),
                            ("cordonctl.yaml", {8443: self.port})):
            text = (self.etc / name).read_text()
            text = text.replace("/var/lib/cordon", str(self.state)).replace("/etc/cordon", str(self.etc))
            for packaged, ours in ports.items():
                text = text.replace(f":{packaged}", f":{ours}").replace("[::]:", "127.0.0.1:")
            text = text.replace("/run/cordon", str(self.root))
            (self.etc / name).write_text(text)

    def start(self):
        with open(self.root / "log", "ab") as log:
            self.process = subprocess.Popen([self.bin / "cordond", "--config", self.etc / "cordond.yaml"],
                                            stdout=log, stderr=log)
        self.api = client.Api(f"https://127.0.0.1:{self.port}", str(self.state / "admin.token"),
                              str(self.state / "pki" / "ca.pem"))
        wait_for(self.answers, "cordond", SLOW_S)

    def answers(self):
        assert self.process.poll() is None, (self.root / "log").read_text()[-2000:]
        return self.api.is_up()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(SLOW_S) == 0

    def run(self, line, status=0, **settings):
        """A line as the guide has it, with what was installed here."""
        words = shlex.split(line)
        if words[0] == "cordonctl":
            words[1:1] = ["--config", str(self.etc / "cordonctl.yaml")]
        elif words[0] == "cordond" and "--state" not in words and words[1] != "backup-key":
            words += ["--config", str(self.etc / "cordond.yaml")]
        words[0] = str(self.bin / words[0])
        done = subprocess.run(words, text=True, capture_output=True, timeout=SLOW_S, check=False,
                              **settings)
        assert done.returncode == status, f"{line}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def place():
    with tempfile.TemporaryDirectory(prefix="cordon-install-") as folder:
        made = Place(folder)
        yield made
        made.stop()


def test_what_is_installed(place):
    told = place.install()
    assert "systemctl enable --now cordond" in told
    files = place.files()
    for name in ("cordond", "cordonctl", "cordon-edge", "cordon-sensor"):
        assert f"usr/local/bin/{name}" in files
        assert place.bin.joinpath(name).stat().st_mode & 0o777 == 0o755
    assert "usr/local/lib/systemd/system/cordond.service" in files
    assert "usr/lib/sysusers.d/cordon.conf" in files
    mine = place.etc / "policy.yaml"
    mine.write_text(mine.read_text() + "# mine\n")
    assert "is yours and stays" in place.install()
    assert mine.read_text().endswith("# mine\n") and (place.etc / "policy.yaml.new").exists()
    with tempfile.TemporaryDirectory() as other:  # another prefix is where its unit says
        subprocess.run([TOP / "tools/install"], check=True, capture_output=True, env=dict(
            os.environ, DESTDIR=other, PREFIX="/opt/cordon", BUILD=BUILD))
        unit = pathlib.Path(other, "etc/systemd/system/cordond.service").read_text()
        assert "ExecStart=/opt/cordon/bin/cordond" in unit and "/usr/local" not in unit


def test_first_start_and_first_administrator(place):
    place.configure()
    assert "good" in place.run("cordond --check-config")
    place.start()
    first = (place.state / "admin.password").read_text().strip()
    admin = Browser(place.api)
    assert admin.sign_in("admin", first)[0] == 200
    assert admin.send("POST", "/session/password", {"old": first, "new": PASSWORD})[0] == 200
    wait_for(lambda: not (place.state / "admin.password").exists(), "the first one is forgotten", SLOW_S)
    assert "no switch" in place.run("cordonctl doctor", status=1) or "not connected" in place.run(
        "cordonctl doctor", status=1)
    place.run("cordonctl switches")


def test_a_switch_enrols(place):
    told = place.run(f"cordonctl enrol edge sw1 --controller https://127.0.0.1:{place.port}")
    line = re.search(r"^\s*(cordon-edge --enrol .*)$", told, re.M).group(1)
    out = place.root / "device"
    line = re.sub(r"--out \S+", f"--out {out}", line)
    said = place.run(line)
    assert "enrolled as edge sw1" in said
    for name, mode in (("sw1.key", 0o600), ("sw1.pem", 0o644), ("ca.pem", 0o644)):
        assert (out / name).stat().st_mode & 0o777 == mode
    shutil.rmtree(out)
    refused = subprocess.run([place.bin / "cordon-edge", *shlex.split(line)[1:]], text=True,
                             capture_output=True, timeout=SLOW_S, check=False)
    assert refused.returncode != 0 and "used already" in refused.stderr
    assert "sw1" in place.run("cordonctl certificates")
    place.run('cordonctl certificates revoke sw1 --reason "the guide says so"')
    assert "revoked" in place.run("cordonctl certificates")
    place.run("cordonctl certificates refused")
    place.run(f"cordond pki issue edge sw2 --state {place.state} --out {out}")
    assert (out / "sw2.key").exists()


def test_accounts(place):
    assert len(place.run("cordond account add kim operator").strip()) > 10
    assert len(place.run("cordond account reset kim").strip()) > 10
    place.run("cordond account reset-factor kim", status=1)  # there is none
    assert place.run("cordond token add soar operator --days 7").strip()
    place.run('cordonctl payload-readers allow account:kim --reason "forensics"')


def test_panic_and_audit(place):
    place.run('cordonctl panic --reason "tried"')
    assert place.api.get("/enforcement")["state"] == "suspended"
    place.run('cordonctl resume --reason "tried"')
    assert place.api.get("/enforcement")["state"] != "suspended"
    place.run("cordonctl audit verify")
    place.run("cordonctl audit key")
    for line in ("pending", "unproven", "containments --state reverted"):
        place.run(f"cordonctl {line}")


def test_backup_and_restore(place):
    key, file = place.root / "operator.key", place.root / "one.backup"
    told = place.run(f"cordond backup-key --out {key}")
    with open(place.etc / "cordond.yaml", "a", encoding="ascii") as config:
        config.write(told)
    place.stop()
    place.start()
    assert "1970" not in place.run("cordonctl backup")
    place.run("cordonctl backup start")
    wait_for(lambda: place.api.get("/backup").get("last") and not place.api.get("/backup")["running"],
             "a backup", SLOW_S)
    place.run(f"cordond backup --out {file}")
    place.stop()
    before = (place.state / "secret.key").read_bytes()
    place.run("cordond key rotate")
    assert (place.state / "secret.key").read_bytes() != before
    assert "Start cordond now" in place.run(f"cordond restore {file} --key {key}")
    place.start()
    assert [row for row in place.api.items("/audit") if row["action"] == "restored"]


def test_uninstalled(place):
    place.stop()
    told = place.install("--uninstall")
    assert "/var/lib/cordon" in told
    left = [name for name in place.files() if name.startswith("usr/")]
    assert left == []
    assert (place.etc / "cordond.yaml").exists() and (place.state / "secret.key").exists()
