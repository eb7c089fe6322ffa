"""A server with people on it: its administrator has signed in, and may set up a second factor."""
import base64
import hashlib
import hmac
import pathlib
import time
import unittest
import urllib.parse

from serving import Browser, Server, wait_for

PASSWORD = "correct horse battery"


def totp(secret, step):
    """RFC 6238, written again: base32 secret and step to six digits."""
    key = base64.b32decode(secret)
    mac = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(int.from_bytes(mac[at:at + 4], 'big') & 0x7fffffff) % 10**6:06}"


class App:
    """A person's authenticator.  The server's clock stands still but for 'wait'."""

    def __init__(self, uri, started):
        parts = urllib.parse.urlsplit(uri)
        assert parts.scheme == "otpauth" and parts.netloc == "totp", uri
        self.secret = urllib.parse.parse_qs(parts.query)["secret"][0]
        self.step = int(started) // 30

    def code(self, ahead=0):
        return totp(self.secret, self.step + ahead)


class Case(unittest.TestCase):
    """Each test has a server of its own: what people do stays."""

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.first = pathlib.Path(self.server.folder.name, "admin.password").read_text().strip()
        self.admin = Browser(self.server)
        self.assertEqual(self.admin.sign_in("admin", self.first)[0], 200)
        status, body = self.admin.send("POST", "/session/password",
                                       {"old": self.first, "new": PASSWORD})
        self.assertEqual(status, 200)
        self.admin.csrf = body["csrf"]

    def now(self):
        """The server's wall clock: the newest row of the audit may be old, so of a fresh token."""
        name = f"clock{time.monotonic_ns()}"
        made = self.server.apis["admin"].post("/tokens", {"name": name, "role": "viewer"})
        self.server.apis["admin"].post(f"/tokens/{name}/revoke", {})
        stamp = made["created"].replace("Z", "+00:00")
        return __import__("datetime").datetime.fromisoformat(stamp).timestamp()

    def enrolled(self, browser, password=PASSWORD):
        """(app, recovery codes)"""
        status, begun = browser.send("POST", "/session/factor/begin", {"password": password})
        self.assertEqual(status, 200, begun)
        app = App(begun["uri"], self.now())
        self.assertEqual(app.secret, begun["secret"])
        status, kept = browser.send("POST", "/session/factor/confirm", {"code": app.code()})
        self.assertEqual(status, 200, kept)
        return app, kept["codes"]

    def next_step(self, app):
        self.server.tell("wait 30")
        app.step += 1

    def assert_audited(self, action):
        wait_for(lambda: action in [row["action"] for row in self.server.apis["admin"].get("/audit")["items"]],
                 action)
