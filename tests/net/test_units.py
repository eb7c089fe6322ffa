"""cordond with no more rights than its systemd unit grants: it starts, starts again, takes over what lay in
the clear in a role's folder, makes a backup and stores a policy.  tests/unit/packaging/test_units.py holds
the unit against the table; this runs it."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile

import api as client
import opened
import pytest
import receivers
from netns import wait_for

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
CORDOND = str(TOP / os.environ.get("BUILD", "build") / "cordond")
UNIT = (TOP / "packaging/systemd/cordond.service").read_text().replace("\\\n", " ")
GRANTED = [one.removeprefix("CAP_").lower()
           for one in re.search(r"^CapabilityBoundingSet=(.*)$", UNIT, re.M).group(1).split()]
SLOW_S = 60


class Limited(receivers.Controller):
    """As the unit starts it: root, with that bounding set, no new privileges, umask 0077."""
    rights = GRANTED

    def start(self):
        only = "-all," + ",".join("+" + one for one in self.rights)
        self.process = subprocess.Popen(
            ["setpriv", "--bounding-set", only, "--inh-caps=-all", "--no-new-privs", self.program,
             "--config", self.config], stdout=self.log, stderr=self.log, umask=0o077)
        return self

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(SLOW_S) == 0


@pytest.fixture
def cordon():
    with tempfile.TemporaryDirectory(prefix="cordon-rights-") as folder:
        os.chmod(folder, 0o755)
        made = Limited(CORDOND, folder)
        yield made
        made.end()
        made.log.close()


def there(cordon):
    api = client.Api(f"https://127.0.0.1:{cordon.port}", str(cordon.state / "admin.token"),
                     str(cordon.state / "pki" / "ca.pem"))

    def answers():
        assert cordon.process.poll() is None, cordon.said().decode()[-2000:]
        return api.is_up()
    wait_for(answers, "cordond", SLOW_S)
    return api


def test_with_the_rights_of_the_unit(cordon):
    cordon.start()
    there(cordon)
    wait_for((cordon.state / "core/audit.key.sealed").exists, "the signing key", SLOW_S)
    cordon.end()
    key = opened.opened(cordon.state, "core/audit.key.sealed", "audit")
    owner = (cordon.state / "core").stat()
    os.remove(cordon.state / "core/audit.key.sealed")
    plain = cordon.state / "core/audit.key"
    plain.write_bytes(key)
    plain.chmod(0o600)
    os.chown(plain, owner.st_uid, owner.st_gid)
    cordon.start()
    api = there(cordon)
    assert not plain.exists()
    assert opened.opened(cordon.state, "core/audit.key.sealed", "audit") == key
    assert (cordon.state / "core/audit.key.sealed").stat().st_uid == owner.st_uid
    api.post("/backup/start", {})
    last = wait_for(lambda: not api.get("/backup")["running"] and api.get("/backup").get("last"),
                    "a backup", SLOW_S)
    assert "problem" not in last and last["bytes"] > 10000
    policy = api.get("/policy")
    stored = api.post("/policy", {"text": receivers.POLICY + "# by the API\n", "reason": "tried",
                                       "base_revision": policy["revision"]})
    assert stored
    wait_for(lambda: "by the API" in (cordon.folder / "policy.yaml").read_text(), "the file", SLOW_S)
    os.kill(cordon.roles()["web"], signal.SIGKILL)
    there(cordon)


@pytest.mark.parametrize("missing", ["setuid", "setgid", "chown"])
def test_one_less_and_it_does_not_start(cordon, missing):
    cordon.rights = [one for one in GRANTED if one != missing]
    cordon.start()
    assert cordon.process.wait(SLOW_S) != 0
