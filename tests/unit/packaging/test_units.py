#!/usr/bin/env python3
"""The systemd units against what the processes need: `cordond --sandbox` is the table, systemd says what
its words mean.  test_units.py CORDOND SOURCE"""
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CORDOND, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
UNITS = SOURCE / "packaging" / "systemd"
ROLES = {"cordond.service": ["supervisor", "core", "driver", "intake", "web", "notify", "login"],
         "cordon-sensor@.service": ["sensor"], "cordon-edge@.service": ["edge"]}
# Before a process is locked in: to become its user, to give folders to users, to write there.
START = {"setuid", "setgid", "setpcap", "chown", "dac_override"}
# What opens the capture, mounts and loads, likewise (the units say why).
MORE = {"cordon-sensor@.service": {"net_raw"}, "cordon-edge@.service": {"sys_admin", "sys_resource"}}
FAMILIES = {"unix": "AF_UNIX", "ipv4": "AF_INET", "ipv6": "AF_INET6", "netlink": "AF_NETLINK",
            "packet": "AF_PACKET"}


def unit(name):
    """{setting: all its values}, lines joined."""
    text = (UNITS / name).read_text().replace("\\\n", " ")
    found = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.M):
        found.setdefault(key, []).append(value)
    return found


@functools.cache
def table():
    said = subprocess.run([CORDOND, "--sandbox"], capture_output=True, text=True, check=True).stdout
    whole = json.loads(said)
    return {row["name"]: row for row in whole["processes"]}, whole


@functools.cache
def group(word):
    """What a word with '@' stands for, words with '@' among it."""
    told = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True,
                          check=True).stdout
    return re.findall(r"^\s+([@\w-]+)$", told, re.M)


def calls(words):
    """The system calls that 'words' of SystemCallFilter= name."""
    found = set()
    for word in words:
        found |= calls(group(word)) if word.startswith("@") else {word}
    return found


class Units(unittest.TestCase):
    def test_all_are_looked_at(self):
        self.assertEqual({path.name for path in UNITS.iterdir()}, set(ROLES))

    def test_capabilities(self):
        """Exactly what the rows keep and the start needs: one less and it does not start, one more
        and a process that was taken over before its lock has it."""
        for name, roles in ROLES.items():
            granted = {one.removeprefix("CAP_").lower()
                       for one in unit(name)["CapabilityBoundingSet"][0].split()}
            kept = {one for role in roles for one in table()[0][role]["capabilities"]}
            self.assertEqual(granted, kept | START | MORE.get(name, set()), name)

    def test_sockets(self):
        for name, roles in ROLES.items():
            allowed = set(unit(name)["RestrictAddressFamilies"][0].split())
            needed = {FAMILIES[one] for role in roles for one in table()[0][role]["sockets"]}
            self.assertEqual(needed - allowed, set(), name)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_system_calls(self):
        lists = table()[1]["calls"]
        for name, roles in ROLES.items():
            if "SystemCallFilter" not in unit(name):
                continue
            allowed = calls(unit(name)["SystemCallFilter"][0].split())
            for role in roles:
                needed = {call for part in table()[0][role]["calls"] for call in lists[part]}
                self.assertGreater(len(needed), 50)
                self.assertEqual(needed - allowed, set(), f"{name}: {role}")

    def test_nothing_else_that_a_role_cannot_do_without(self):
        """Each role is another user's process, and locks itself in: what would keep it from that."""
        for name in ROLES:
            settings = unit(name)
            self.assertEqual(settings["NoNewPrivileges"], ["yes"])
            for forbidden in ("User", "DynamicUser", "PrivateUsers", "AmbientCapabilities"):
                self.assertNotIn(forbidden, settings, name)
        self.assertIn("landlock_restrict_self", unit("cordond.service")["SystemCallFilter"][0])

    def test_folders(self):
        """Where the packaged configuration keeps things can be written under ProtectSystem=strict."""
        settings = unit("cordond.service")
        self.assertEqual(settings["ProtectSystem"], ["strict"])
        config = (SOURCE / "packaging" / "cordond.yaml").read_text()
        self.assertIn("state_dir: /var/lib/" + settings["StateDirectory"][0] + "\n", config)
        self.assertIn("secret_key_file: /var/lib/cordon/", config)
        for path in re.findall(r"(?:policy_file|bind_password_file|client_secret_file): (\S+)", config):
            self.assertTrue(path.startswith("/etc/cordon/"), path)
        self.assertEqual(settings["ReadWritePaths"], ["-/etc/cordon"])
        self.assertEqual(settings["StateDirectoryMode"], ["0711"])  # roles pass, nobody looks

    def test_users(self):
        made = set(re.findall(r"^u\s+(\S+)", (SOURCE / "packaging/sysusers.d/cordon.conf").read_text(),
                              re.M))
        self.assertEqual(made, {row["user"] for row in table()[0].values()} - {"root"})

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_systemd_takes_them(self):
        """No unknown setting, no wrong value; and the exposure that systemd reckons does not grow."""
        most = {"cordond.service": 3.0, "cordon-sensor@.service": 3.0, "cordon-edge@.service": 7.0}
        with tempfile.TemporaryDirectory() as folder:
            for name in ROLES:
                text = re.sub(r"/usr/local/bin/cordon\S*", "/bin/true", (UNITS / name).read_text())
                path = os.path.join(folder, name.replace("@", "@trial"))
                pathlib.Path(path).write_text(text)
                done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True,
                                      timeout=60, check=False)
                wrong = [line for line in done.stderr.splitlines() if "cordon" in line]
                self.assertEqual((done.returncode, wrong), (0, []), name)
                told = subprocess.run(["systemd-analyze", "security", "--offline=true", path],
                                      capture_output=True, text=True, timeout=60, check=False).stdout
                level = float(re.search(r"exposure level for \S+: ([\d.]+)", told).group(1))
                self.assertLessEqual(level, most[name], name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
