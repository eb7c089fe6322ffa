#!/usr/bin/env python3
"""What the commands of cordond that need no running server leave as it was.  test_commands.py CORDOND"""
import datetime
import fcntl
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "lab"))
import opened  # noqa: E402

CORDOND = sys.argv.pop(1)
NAME = "cordon.hospital.example"


class Commands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cordon-commands-")
        self.addCleanup(folder.cleanup)
        self.state = pathlib.Path(folder.name, "state")
        self.out = pathlib.Path(folder.name, "out")
        self.run_command("pki", "issue", "edge", "e0", "--out", str(self.out))  # makes the authority
        self.server = self.state / "pki" / "server.pem"

    def run_command(self, *words):
        done = subprocess.run([CORDOND, *words, "--state", str(self.state)], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def near_its_end(self):
        """server.pem with a name, as the supervisor made it most of a year ago."""
        pki = self.state / "pki"
        authority = x509.load_pem_x509_certificate((pki / "ca.pem").read_bytes())
        signer = serialization.load_pem_private_key(
            opened.opened(self.state, "pki/ca.key.sealed", "authority"), None)
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        made = (x509.CertificateBuilder()
                .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cordond")]))
                .issuer_name(authority.subject).public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=390))
                .not_valid_after(now + datetime.timedelta(days=7))
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), False)
                .sign(signer, hashes.SHA256()))
        pem = serialization.Encoding.PEM
        self.server.write_bytes(made.public_bytes(pem) + authority.public_bytes(pem))
        (pki / "server.key").write_bytes(key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        (pki / "server.key").chmod(0o600)  # as an earlier release kept it

    def test_the_servers_certificate_keeps_its_names(self):
        commands = [("token", "add", "soar", "operator"), ("account", "reset", "admin"),
                    ("account", "add", "kim", "viewer"),
                    ("pki", "issue", "edge", "e1", "--out", str(self.out))]
        for words in commands:
            with self.subTest(words[0] + " " + words[1]):
                self.near_its_end()
                before = self.server.read_bytes()
                self.run_command(*words)
                self.assertEqual(self.server.read_bytes(), before)

    def test_the_first_command_leaves_it_to_the_first_start(self):
        self.assertFalse(self.server.exists())
        self.assertTrue((self.state / "pki" / "ca.pem").exists())

    def test_an_authority_is_made_by_one_at_a_time(self):
        """A first start has made the master key, and is about to make the authority."""
        authority = self.state / "pki" / "ca.pem"
        for path in self.state.glob("pki/*"):
            path.unlink()
        words = [CORDOND, "pki", "issue", "edge", "e2", "--out", self.out, "--state", self.state]
        with open(self.state / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            other = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                with self.assertRaises(subprocess.TimeoutExpired):
                    other.wait(1)
                self.assertFalse(authority.exists())
            finally:
                fcntl.flock(lock, fcntl.LOCK_UN)
                _, said = other.communicate(timeout=30)
        self.assertEqual(other.returncode, 0, said)
        self.assertTrue(authority.exists())

    def test_first_commands_at_once_make_one_authority(self):
        for path in self.state.glob("pki/*"):
            path.unlink()
        all_at_once = [
            subprocess.Popen([CORDOND, "pki", "issue", "edge", f"m{i}", "--out", self.out / str(i),
                              "--state", self.state], stdout=subprocess.DEVNULL)
            for i in range(8)]
        self.assertEqual([each.wait(60) for each in all_at_once], [0] * 8)
        made = {(self.out / str(i) / "ca.pem").read_bytes() for i in range(8)}
        self.assertEqual(len(made), 1)
        self.run_command("pki", "issue", "edge", "later", "--out", str(self.out))  # key and all

    def test_a_rotation_that_was_cut_off_is_not_told_as_a_new_key(self):
        key = self.state / "secret.key"
        self.assertIn("is new", self.run_command("key", "rotate"))
        first = key.read_bytes()
        key.chmod(0o600)
        key.write_bytes(first + os.urandom(32))  # both, as a restore leaves it
        said = self.run_command("key", "rotate")
        self.assertNotIn("is new", said)
        self.assertIn("had been cut off", said)
        self.assertEqual(key.read_bytes(), first)
        self.assertIn("is new", self.run_command("key", "rotate"))
        self.assertNotEqual(key.read_bytes(), first)


if __name__ == "__main__":
    unittest.main()
