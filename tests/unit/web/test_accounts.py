#!/usr/bin/python3
"""Second factors, recovery codes, tokens with scope and expiry, sessions: what each is for, and what
somebody else can try against it.

    test_accounts.py SERVE CORDONCTL SOURCE"""
import base64
import concurrent.futures
import hashlib
import hmac
import http.client
import itertools
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from serving import Browser, Device, Server, client, wait_for  # noqa: E402  (after the path)

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


class Resets(Case):
    """A password or a factor that is reset from the shell, beside the running server."""

    def reset(self, *words):
        done = subprocess.run([os.environ["CORDOND"], "account", *words, "--state",
                               self.server.folder.name], capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def colleague(self):
        """Somebody else, whom nothing of this is about."""
        status, _ = self.admin.send("POST", "/accounts", {"name": "lee", "role": "viewer",
                                                          "password": PASSWORD})
        self.assertEqual(status, 201)
        lee = Browser(self.server)
        self.assertEqual(lee.sign_in("lee", PASSWORD)[0], 200)
        lee.csrf = lee.send("POST", "/session/password", {"old": PASSWORD,
                                                          "new": PASSWORD[::-1]})[1]["csrf"]
        return lee

    def test_a_password_reset_ends_stolen_sessions(self):
        thief, lee = Browser(self.server), self.colleague()
        self.assertEqual(thief.sign_in("admin", PASSWORD)[0], 200)
        self.assertEqual(thief.send("GET", "/session")[0], 200)
        first = self.reset("reset", "admin")
        self.assertEqual(thief.send("GET", "/session")[0], 401)
        self.assertEqual(self.admin.send("POST", "/accounts", {"name": "mine", "role": "admin",
                                                              "password": PASSWORD})[0], 401)
        self.assertEqual(lee.send("GET", "/endpoints")[0], 200)
        owner = Browser(self.server)
        self.assertEqual(owner.sign_in("admin", PASSWORD)[0], 401)
        self.assertEqual(owner.sign_in("admin", first)[0], 200)
        self.assertEqual(owner.send("GET", "/session")[0], 200)

    def test_a_password_reset_ends_what_only_listens(self):
        self.colleague()
        self.assertEqual(self.listeners(), 0)
        context = ssl.create_default_context(cafile=self.server.ca)
        line = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=context,
                                           timeout=120)
        self.addCleanup(line.close)
        line.request("GET", "/api/v1/events", headers={"Cookie": self.admin.cookie})
        stream = line.getresponse()
        self.assertEqual(stream.status, 200)
        self.assertEqual(self.listeners(), 1)
        self.reset("reset", "admin")
        self.server.tell("wait 3")
        while stream.readline():  # until it is closed, or the time-out
            pass
        self.assertEqual(self.listeners(), 0)

    def listeners(self):
        text = self.server.apis["admin"].text("/metrics")
        return int(re.search(r"^cordon_web_listeners (\d+)$", text, re.MULTILINE).group(1))

    def test_a_factor_reset_ends_the_sessions(self):
        thief, lee = Browser(self.server), self.colleague()
        app, _ = self.enrolled(self.admin)
        self.assertEqual(self.admin.send("GET", "/session")[0], 200)  # it made it itself
        self.next_step(app)
        ticket = thief.sign_in("admin", PASSWORD)[1]["ticket"]
        self.assertEqual(thief.send("POST", "/session/code", {"ticket": ticket,
                                                              "code": app.code()})[0], 200)
        self.reset("reset-factor", "admin")
        self.assertEqual(thief.send("GET", "/session")[0], 401)
        self.assertEqual(self.admin.send("GET", "/session")[0], 401)
        self.assertEqual(lee.send("GET", "/session")[0], 200)

    def test_who_takes_the_own_factor_away_stays_and_the_others_go(self):
        app, _ = self.enrolled(self.admin)
        other = Browser(self.server)
        self.next_step(app)
        ticket = other.sign_in("admin", PASSWORD)[1]["ticket"]
        self.assertEqual(other.send("POST", "/session/code", {"ticket": ticket,
                                                              "code": app.code()})[0], 200)
        self.next_step(app)
        self.assertEqual(self.admin.send("POST", "/session/factor/remove",
                                         {"code": app.code()})[0], 200)
        self.assertEqual(self.admin.send("GET", "/session")[0], 200)
        self.assertEqual(other.send("GET", "/session")[0], 401)


class Addresses(Case):
    """Where an owner is told: for those who may answer, and for auditors; not for every viewer."""
    ADDRESS = "head.of.ward3@hospital.example"

    def setUp(self):
        super().setUp()
        self.apis = self.server.apis
        self.machine = self.apis["viewer"].items("/endpoints")[0]["id"]
        for machine in (self.machine, "02:00:00:00:0c:01"):  # and one that nobody has seen
            self.apis["operator"].post(f"/endpoints/{machine}/annotate", {
                "class": "medical", "owner": "Ward 3", "owner_email": self.ADDRESS})

    def read(self, role, path):
        api = self.apis[role]
        return api.send("GET", client.full(path), None, {"Authorization": f"Bearer {api.token}"})[2].decode()

    def test_by_role(self):
        paths = ["/endpoints", f"/endpoints/{self.machine}", "/annotations", "/endpoints.csv"]
        for role in ("viewer", "operator", "admin", "auditor"):
            for path in paths:
                with self.subTest(role, path=path):
                    text = self.read(role, path)
                    self.assertIn("Ward 3", text)
                    self.assertEqual(self.ADDRESS in text, role != "viewer")
                    self.assertEqual("owner_email" in text, role != "viewer")
            # nor can it be guessed, letter by letter
            for path in ("/endpoints?q=", "/annotations?q="):
                for part in ("ward3@hospital", "head.of"):
                    found = self.apis[role].get(path + part)["items"]
                    self.assertEqual(bool(found), role != "viewer", (role, path, part))
            self.assertEqual("medical" in self.read(role, "/endpoints.csv?q=head.of"),
                             role != "viewer")
            self.assertTrue(self.apis[role].get("/endpoints?q=ward%203")["items"])

    def test_live(self):
        for role in ("viewer", "operator", "admin", "auditor"):
            events, heard = self.apis[role].events(), []
            self.server.tell("endpoints")
            self.server.tell("event")
            events.wait(lambda one: heard.append(one) or one["topic"] == "containment")
            events.close()
            first = heard[0]["id"]
            again, replayed = self.apis[role].events(last_id=first), []
            self.server.tell("event")
            again.wait(lambda one: replayed.append(one) or one["topic"] == "containment")
            again.close()
            text = json.dumps(heard)
            self.assertIn("Ward 3", text)
            self.assertEqual(self.ADDRESS in text, role != "viewer")
            self.assertNotIn(self.ADDRESS, json.dumps(replayed) if role == "viewer" else "")

    def test_a_viewers_file_takes_no_address_away(self):
        """Exported by a viewer, imported by an operator."""
        folder = self.server.folder.name
        out = pathlib.Path(folder, "out.csv")
        for role, *command in (("viewer", "endpoints", "export", str(out)),
                               ("operator", "endpoints", "import", str(out))):
            environment = {**os.environ, "CORDON_URL": self.server.url, "CORDON_CA": self.server.ca,
                           "CORDON_TOKEN_FILE": self.server.token_file(role)}
            done = subprocess.run([sys.argv[2], *command], env=environment, capture_output=True,
                                  text=True, timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(self.ADDRESS, out.read_text(encoding="utf-8"))
        shown = self.apis["operator"].get(f"/endpoints/{self.machine}")
        self.assertEqual(shown["owner_email"], self.ADDRESS)


class Directory(Case):
    """What the login role says counts for what it was asked only."""

    def test_an_answer_to_something_else_lets_nobody_in(self):
        self.server.tell("directory")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            person = Browser(self.server)
            asked = pool.submit(person.sign_in, "kim", "kims password")
            self.server.tell("asked")
            for answer in ("0 finish kim kim", "0 begin kim kim", "0 password lee lee",
                           "0 password lee kim", "0 password kin kim", "0 password - kim",
                           "1 password kim kim", "-1 password kim kim"):
                self.server.tell("answer " + answer)
            self.assertFalse(asked.done())
            self.server.tell("answer 0 password kim kim")
            self.assertEqual(asked.result()[0], 200)
            self.assertEqual(person.send("GET", "/session")[1]["account"]["name"], "kim")
            # nor does an answer that grants another name
            asked = pool.submit(Browser(self.server).sign_in, "lee", "lees password")
            self.server.tell("asked")
            self.server.tell("answer 0 password lee admin")
            self.assertEqual(asked.result()[0], 401)

    def test_one_question_for_a_name_at_a_time(self):
        self.server.tell("directory")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(Browser(self.server).sign_in, "kim", "kims password")
            self.server.tell("asked")
            for name in ("kim", "KIM", "Kim"):
                self.assertEqual(Browser(self.server).sign_in(name, "a guess")[0], 429)
            self.assertEqual(Browser(self.server).sign_in("admin", PASSWORD)[0], 200)
            self.server.tell("answer 0 password kim kim")
            self.assertEqual(asked.result()[0], 200)
            asked = pool.submit(Browser(self.server).sign_in, "kim", "a guess")
            self.server.tell("asked")
            self.server.tell("wait 13")  # nobody waits longer for a directory that says nothing
            self.assertEqual(asked.result()[0], 503)


class Peers(Case):
    """From where somebody comes, and what counts for whom: behind a proxy, and with many addresses."""

    def peer(self, browser):
        """Where this browser's session comes from, as its owner sees it."""
        return next(one["address"] for one in browser.send("GET", "/session/list")[1]["items"]
                    if one["current"])

    def sign_ins(self):
        """Their rows of the audit, the newest first."""
        return [row for row in self.server.apis["admin"].items("/audit") if row["action"] == "session.open"]

    def failure(self, peer, name="nobody", password="a wrong password"):
        return Browser(self.server).sign_in(name, password, X_Forwarded_For=peer)[0]

    def get(self, *headers):
        """The status of a request without any right, with these header lines as they are."""
        context = ssl.create_default_context(cafile=self.server.ca)
        line = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=context,
                                           timeout=120)
        line.putrequest("GET", "/api/v1/endpoints")
        for name, value in headers:
            line.putheader(name, value)
        line.endheaders()
        status = line.getresponse().status
        line.close()
        return status

    def test_only_a_trusted_proxy_says_for_whom_it_speaks(self):
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP"):
            person = Browser(self.server)
            value = "for=192.0.2.7" if header == "Forwarded" else "192.0.2.7"
            self.assertEqual(person.sign_in("admin", PASSWORD, **{header: value})[0], 200)
            self.assertEqual(self.peer(person), "127.0.0.1")
        self.server.tell("trust 127.0.0.0/8")
        opened = 1 + 4  # until here
        for told, peer in (("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "2001:db8::7"),
                           ("198.51.100.1, 192.0.2.8", "192.0.2.8"),  # the client wrote the first
                           ("127.0.0.1, 192.0.2.9", "192.0.2.9"), ("junk", "127.0.0.1"),
                           ("198.51.100.2, junk", "127.0.0.1"), ("<b>", "127.0.0.1"),
                           ("1.2.3.4" * 200, "127.0.0.1")):
            person, opened = Browser(self.server), opened + 1
            self.assertEqual(person.sign_in("admin", PASSWORD, X_Forwarded_For=told)[0], 200)
            self.assertEqual(self.peer(person), peer, told)
            rows = wait_for(lambda opened=opened: (lambda now: now if len(now) == opened else None)(self.sign_ins()),
                            "that sign-in's row")
            self.assertEqual(rows[0]["object"], peer)

    def test_an_address_that_fails_waits_alone(self):
        self.server.tell("trust 127.0.0.1")
        codes = [self.failure("192.0.2.7", f"name{i}") for i in range(22)]
        self.assertEqual(codes, [401] * 20 + [429] * 2)
        self.assertEqual(self.failure("198.51.100.1, 192.0.2.7"), 429)  # whatever it says itself
        self.assertEqual(self.failure("192.0.2.8"), 401)
        person = Browser(self.server)
        self.assertEqual(person.sign_in("admin", PASSWORD, X_Forwarded_For="192.0.2.8")[0], 200)

    def test_a_network_of_ipv6_is_one_address(self):
        self.server.tell("trust 127.0.0.1")
        codes = [self.failure(f"2001:db8:0:1::{i:x}", f"name{i}") for i in range(22)]
        self.assertEqual(codes, [401] * 20 + [429] * 2)
        self.assertEqual(self.failure("2001:db8:0:1:ffff::1"), 429)
        self.assertEqual(self.failure("2001:db8:0:2::1"), 401)
        # and has one share of what may be asked without any right
        self.server.tell("budget 2")  # at once ten seconds' worth
        codes = [self.get(("X-Forwarded-For", f"2001:db8:0:3::{i:x}")) for i in range(25)]
        self.assertEqual(codes, [401] * 20 + [429] * 5)
        self.assertEqual(self.get(("X-Forwarded-For", "2001:db8:0:4::1")), 401)
        self.assertEqual(self.get(("X-Forwarded-For", "2001:db8:0:4::1"),
                                  ("x-forwarded-for", "2001:db8:0:3::1")), 429)  # both lines count

    def test_guesses_at_the_same_time_are_counted_too(self):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            codes = list(pool.map(lambda i: Browser(self.server).sign_in(
                "admin", f"wrong password {i}")[0], range(20)))
        self.assertEqual(set(codes), {401, 429})
        self.assertLessEqual(codes.count(401), 5)  # as one after the other
        self.server.tell("wait 1000")
        self.assertEqual(Browser(self.server).sign_in("admin", PASSWORD)[0], 200)

    def test_names_at_the_same_time_are_counted_too(self):
        self.server.tell("trust 127.0.0.1")
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            codes = list(pool.map(lambda i: self.failure("192.0.2.7", f"name{i}"), range(40)))
        self.assertLessEqual(codes.count(401), 20)
        self.assertEqual(self.failure("192.0.2.8"), 401)

    def test_junk_does_not_close_enrolment(self):
        """The server's clock stands still: all of it comes within one second."""
        self.server.tell("trust 127.0.0.1")
        device = Device(self.server)
        self.addCleanup(device.close)
        good = {"request": device.request()}
        junk = [b"no JSON", b"{}", json.dumps({"token": "x"}).encode(),
                json.dumps({"token": "enrol_" + "A" * 43, "request": "AAAA"}).encode(),
                json.dumps({"token": "x", **good}).encode(),
                json.dumps({"token": "enrol_" + "A" * 42 + "!", **good}).encode()]
        codes = {}
        for i in range(120):
            peer = f"192.0.2.{i % 12}"
            codes.setdefault(peer, []).append(self.enrol(junk[i // 12 % 6], peer))
        for peer, told in codes.items():
            self.assertNotIn(200, told, peer)
        offer = self.server.apis["admin"].post("/enrolments", {
            "role": "edge", "name": "sw1", "controller": self.server.url})
        body = json.dumps({"token": offer["token"], **good}).encode()
        self.assertEqual(self.enrol(body, "192.0.2.1"), 429)
        self.assertEqual(self.enrol(body, "192.0.2.200"), 200)

    def test_guesses_at_enrolment_take_one_place_only(self):
        """Well-formed ones, while core has not answered any: as many as one address may get wrong."""
        self.server.tell("trust 127.0.0.1")
        device = Device(self.server)
        self.addCleanup(device.close)
        guess = json.dumps({"token": "enrol_" + "B" * 43, "request": device.request()}).encode()
        self.server.tell("mute")
        with concurrent.futures.ThreadPoolExecutor(25) as pool:
            asked = [pool.submit(self.enrol, guess, "192.0.2.99") for _ in range(25)]
            told = [one.result() for one in
                    itertools.islice(concurrent.futures.as_completed(asked, 60), 15)]
            self.assertEqual(told, [429] * 15)
            self.assertEqual(sum(one.done() for one in asked), 15)
            for _ in range(60):  # core is given up; the last of them may have asked it just now
                self.server.tell("slow")
                if not concurrent.futures.wait(asked, 1).not_done:
                    break
            self.assertEqual({one.result() for one in asked}, {429, 504})

    def enrol(self, body, peer):
        return self.server.apis["viewer"].send(
            "POST", client.full("/enrol"), body,
            {"Content-Type": "application/json", "X-Forwarded-For": peer})[0]


class Factors(Case):
    def test_two_steps(self):
        app, codes = self.enrolled(self.admin)
        self.assertEqual(len(set(codes)), 10)
        state = pathlib.Path(self.server.folder.name)
        for path in [one for one in state.rglob("*") if one.is_file()]:
            kept = path.read_bytes()
            for secret in [app.secret, base64.b32decode(app.secret).hex(), *codes]:
                self.assertNotIn(secret.encode(), kept, path)  # sealed and hashed
            self.assertNotIn(base64.b32decode(app.secret), kept, path)
        self.assertEqual(os.stat(state / "web" / "factors.sealed").st_mode & 0o777, 0o600)
        person = Browser(self.server)
        status, half = person.sign_in("admin", PASSWORD)
        self.assertEqual(status, 200)
        self.assertTrue(half["ticket"])
        self.assertNotIn("csrf", half)
        self.assertIsNone(person.told.get("Set-Cookie"))  # no session before the second step
        for way in ({"Cookie": f"__Host-cordon={half['ticket']}"}, {"Cookie": None}):
            self.assertEqual(person.send("GET", "/endpoints", **way)[0], 401)
        self.assertEqual(client.Api(self.server.url, ca_file=self.server.ca,
                                    token=half["ticket"]).raw("GET", "/endpoints")[0], 401)
        # the code with which it was set up is used; the next step's is good, and once only
        step = {"ticket": half["ticket"]}
        self.assertEqual(person.send("POST", "/session/code", {**step, "code": app.code()})[0], 401)
        self.next_step(app)
        self.assertEqual(person.send("POST", "/session/code", {**step, "code": app.code()})[0], 200)
        self.assertEqual(person.send("GET", "/endpoints")[0], 200)
        self.assertEqual(person.send("GET", "/session")[1]["second_factor"], True)
        thief = Browser(self.server)  # looked over the shoulder: password and code
        ticket = thief.sign_in("admin", PASSWORD)[1]["ticket"]
        self.assertEqual(thief.send("POST", "/session/code", {"ticket": ticket,
                                                              "code": app.code()})[0], 401)
        self.assertEqual(thief.send("POST", "/session/code", step | {"code": app.code()})[0], 401)
        self.assert_audited("session.factor-set")
        self.assert_audited("session.code-failed")

    def test_window_of_one_step_either_way(self):
        app, _ = self.enrolled(self.admin)
        self.server.tell("wait 300")
        app.step += 10
        for ahead, wanted in ((-2, 401), (2, 401), (-1, 200), (0, 200), (1, 200), (0, 401)):
            person = Browser(self.server)
            ticket = person.sign_in("admin", PASSWORD)[1]["ticket"]
            status = person.send("POST", "/session/code", {"ticket": ticket,
                                                           "code": app.code(ahead)})[0]
            self.assertEqual(status, wanted, ahead)

    def test_guessing_codes_is_slowed_down_with_the_passwords(self):
        app, _ = self.enrolled(self.admin)
        self.next_step(app)
        wrong = f"{(int(app.code()) + 1) % 10**6:06}"
        person = Browser(self.server)
        ticket = person.sign_in("admin", PASSWORD)[1]["ticket"]
        for _ in range(5):
            self.assertEqual(person.send("POST", "/session/code",
                                         {"ticket": ticket, "code": wrong})[0], 401)
        self.assertEqual(person.send("POST", "/session/code",
                                     {"ticket": ticket, "code": app.code()})[0], 401)  # five tries
        # the right password forgets nothing: else each sign-in would buy five more
        other = Browser(self.server)
        self.assertEqual(other.sign_in("admin", PASSWORD)[0], 429)
        self.server.tell("wait 1")
        status, body = other.sign_in("admin", PASSWORD)
        self.assertEqual(status, 200)
        self.assertEqual(other.send("POST", "/session/code",
                                    {"ticket": body["ticket"], "code": wrong})[0], 401)
        self.assertEqual(other.sign_in("admin", PASSWORD)[0], 429)
        self.assertEqual(other.told["Retry-After"], "2")

    def test_a_ticket_ends(self):
        app, _ = self.enrolled(self.admin)
        person = Browser(self.server)
        ticket = person.sign_in("admin", PASSWORD)[1]["ticket"]
        self.server.tell("wait 301")
        app.step += 10
        self.assertEqual(person.send("POST", "/session/code", {"ticket": ticket,
                                                               "code": app.code()})[0], 401)
        ticket = person.sign_in("admin", PASSWORD)[1]["ticket"]
        # the password is changed meanwhile
        self.assertEqual(self.admin.send("POST", "/session/password",
                                         {"old": PASSWORD, "new": "another one, kept"})[0], 200)
        self.assertEqual(person.send("POST", "/session/code", {"ticket": ticket,
                                                               "code": app.code()})[0], 401)

    def test_odd_codes(self):
        app, _ = self.enrolled(self.admin)
        self.next_step(app)
        good = app.code()
        person = Browser(self.server)
        ticket = person.sign_in("admin", PASSWORD)[1]["ticket"]
        for code in ("", good + "0", good[:5], f" {good}", "-00001"):
            self.assertIn(person.send("POST", "/session/code", {"ticket": ticket, "code": code})[0],
                          (401, 422), code)
        for ticket in ("", "A" * 43, "'", "x" * 5000):
            self.assertIn(person.send("POST", "/session/code", {"ticket": ticket,
                                                                "code": good})[0], (401, 422))

    def test_recovery_codes_work_once(self):
        app, codes = self.enrolled(self.admin)
        for code, wanted in ((codes[0], 200), (codes[0], 401), (codes[9], 200)):
            person = Browser(self.server)
            ticket = person.sign_in("admin", PASSWORD)[1]["ticket"]
            self.assertEqual(person.send("POST", "/session/code", {"ticket": ticket,
                                                                   "code": code})[0], wanted)
        person.csrf = person.send("GET", "/session")[1]["csrf"]
        self.assertEqual(person.send("GET", "/session")[1]["recovery_codes_left"], 8)
        self.next_step(app)
        status, made = person.send("POST", "/session/factor/recover", {"code": app.code()})
        self.assertEqual(status, 200)
        self.assertFalse(set(made["codes"]) & set(codes))
        thief = Browser(self.server)
        ticket = thief.sign_in("admin", PASSWORD)[1]["ticket"]
        self.assertEqual(thief.send("POST", "/session/code", {"ticket": ticket,
                                                              "code": codes[1]})[0], 401)
        self.assert_audited("session.recovery-code")

    def test_many_at_once_with_one_code(self):
        app, codes = self.enrolled(self.admin)
        self.next_step(app)
        for code in (app.code(), codes[0]):
            people = [Browser(self.server) for _ in range(4)]
            tickets = [one.sign_in("admin", PASSWORD)[1]["ticket"] for one in people]
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                statuses = list(pool.map(lambda pair: pair[0].send(
                    "POST", "/session/code", {"ticket": pair[1], "code": code})[0],
                    zip(people, tickets)))
            self.assertEqual(statuses.count(200), 1, statuses)

    def test_setting_up_needs_the_password(self):
        for password in (None, "", "wrong"):
            body = {} if password is None else {"password": password}
            self.assertIn(self.admin.send("POST", "/session/factor/begin", body)[0], (401, 422))
        self.assertEqual(self.admin.send("POST", "/session/factor/confirm",
                                         {"code": "000000"})[0], 409)
        status, begun = self.admin.send("POST", "/session/factor/begin", {"password": PASSWORD})
        app = App(begun["uri"], self.now())
        self.assertEqual(self.admin.send("POST", "/session/factor/confirm",
                                         {"code": app.code(5)})[0], 422)
        other = Browser(self.server)  # nothing is asked for before it is confirmed
        self.assertNotIn("ticket", other.sign_in("admin", PASSWORD)[1])
        # that session began nothing: the secret of another one is not its own
        self.assertEqual(other.send("POST", "/session/factor/confirm",
                                    {"code": app.code()})[0], 409)
        self.assertEqual(self.admin.send("POST", "/session/factor/confirm",
                                         {"code": app.code()})[0], 200)
        self.assertEqual(other.send("GET", "/endpoints")[0], 401)  # other sessions end
        self.assertEqual(self.admin.send("GET", "/endpoints")[0], 200)
        self.assertEqual(self.admin.send("POST", "/session/factor/begin",
                                         {"password": PASSWORD})[0], 409)

    def test_taking_it_away_needs_a_code(self):
        app, _ = self.enrolled(self.admin)
        self.next_step(app)
        self.assertEqual(self.admin.send("POST", "/session/factor/remove", {"code": "123"})[0], 422)
        self.assertEqual(self.admin.send("POST", "/session/factor/remove",
                                         {"code": app.code()})[0], 200)
        self.assertNotIn("ticket", Browser(self.server).sign_in("admin", PASSWORD)[1])
        self.assert_audited("session.factor-removed")

    def test_required(self):
        self.server.tell("require admin")
        person = Browser(self.server)
        status, session = person.sign_in("admin", PASSWORD)
        self.assertEqual((status, session["must_enrol_second_factor"]), (200, True))
        for path in ("/endpoints", "/accounts", "/audit", "/events", "/doctor"):
            self.assertEqual(person.send("GET", path)[0], 403, path)
        self.assertEqual(person.send("POST", "/enforcement/panic", {"reason": "x"})[0], 403)
        app, _ = self.enrolled(person)
        self.assertEqual(person.send("GET", "/endpoints")[0], 200)
        self.next_step(app)
        self.assertEqual(person.send("POST", "/session/factor/remove",
                                     {"code": app.code()})[0], 409)
        self.assertEqual(person.send("GET", "/accounts/rules")[1]["second_factor_roles"], ["admin"])

    def test_an_administrator_resets_it(self):
        self.assertEqual(self.admin.send("POST", "/accounts", {
            "name": "kim", "role": "operator", "password": "first password of kim"})[0], 201)
        kim = Browser(self.server)
        kim.sign_in("kim", "first password of kim")
        kim.csrf = kim.send("POST", "/session/password", {"old": "first password of kim",
                                                          "new": PASSWORD})[1]["csrf"]
        self.enrolled(kim)
        listed = {one["name"]: one for one in self.admin.send("GET", "/accounts")[1]["items"]}
        self.assertTrue(listed["kim"]["second_factor"])
        self.assertFalse(listed["admin"]["second_factor"])
        self.assertEqual(kim.send("POST", "/accounts/kim/reset-factor", {})[0], 403)
        self.assertEqual(self.admin.send("POST", "/accounts/kim/reset-factor", {})[0], 200)
        self.assertEqual(self.admin.send("POST", "/accounts/kim/reset-factor", {})[0], 404)
        self.assertEqual(kim.send("GET", "/endpoints")[0], 401)
        self.assertNotIn("ticket", kim.sign_in("kim", PASSWORD)[1])
        self.assert_audited("account.reset-factor")
        # a name that is given again inherits nothing
        self.enrolled(kim)
        self.assertEqual(self.admin.send("POST", "/accounts/kim/remove", {})[0], 200)
        self.assertEqual(self.admin.send("POST", "/accounts", {
            "name": "kim", "role": "viewer", "password": "first password of kim"})[0], 201)
        self.assertNotIn("ticket", Browser(self.server).sign_in("kim",
                                                                "first password of kim")[1])

    def test_without_the_file_nobody_gets_in(self):
        self.enrolled(self.admin)
        sealed = pathlib.Path(self.server.folder.name, "web", "factors.sealed")
        good = sealed.read_bytes()
        for text in (good[:-1], good[:-1] + bytes([good[-1] ^ 1]), b"", b"key 00"):
            sealed.write_bytes(text)
            self.assertEqual(Browser(self.server).sign_in("admin", PASSWORD)[0], 503, text)
        sealed.write_bytes(good)
        self.assertIn("ticket", Browser(self.server).sign_in("admin", PASSWORD)[1])


class Tokens(Case):
    def program(self, **more):
        made = self.server.apis["admin"].post("/tokens", {"name": f"t{time.monotonic_ns()}",
                                                          "role": "admin", **more})
        return made, client.Api(self.server.url, ca_file=self.server.ca, token=made["token"])

    def test_expiry(self):
        made, program = self.program(expires_s=60)
        self.assertEqual(program.raw("GET", "/links")[0], 200)
        self.server.tell("wait 59")
        self.assertEqual(program.raw("GET", "/links")[0], 200)
        self.server.tell("wait 2")
        status, problem = program.raw("GET", "/links")
        self.assertEqual((status, problem["detail"]), (401, "this token has expired"))
        self.assertEqual(program.raw("POST", "/enforcement/panic", {"reason": "x"})[0], 401)
        listed = {one["name"]: one for one in self.server.apis["admin"].items("/tokens")}
        self.assertTrue(listed[made["name"]]["expired"])

    def test_ninety_days_where_nobody_says(self):
        made, _ = self.program()
        parse = __import__("datetime").datetime.fromisoformat
        life = parse(made["expires"].replace("Z", "+00:00")) - \
            parse(made["created"].replace("Z", "+00:00"))
        self.assertEqual(life.days, 90)
        self.assertNotIn("expires", self.program(never_expires=True)[0])
        admin = self.server.apis["admin"]
        for wrong in ({"expires_s": 0}, {"expires_s": 2**31}, {"expires_s": -1},
                      {"expires_s": 5, "never_expires": True}, {"operations": ["no.such"]},
                      {"operations": ["links.list"] * 33},
                      {"operations": ["links.list", "tokens.create"]},
                      {"operations": ["accounts.create"]}, {"operations": ["accounts.role"]},
                      {"operations": ["accounts.password"]}, {"operations": ["payload-readers.set"]}):
            self.assertEqual(admin.raw("POST", "/tokens", {"name": "w", "role": "viewer",
                                                           **wrong})[0], 422, wrong)

    def test_read_only(self):
        _, program = self.program(read_only=True)
        for path, methods in program.document["paths"].items():
            for method, operation in methods.items():
                if "x-roles" not in operation or path.endswith("/events"):
                    continue
                status = program.raw(method.upper(), path.replace("{id}", "nothing"),
                                     {} if method == "post" else None)[0]
                self.assertEqual(status == 403, method == "post", (method, path, status))

    def test_only_what_it_names(self):
        _, program = self.program(operations=["containments.create", "containments.show"])
        seen = 0
        for path, methods in program.document["paths"].items():
            for method, operation in methods.items():
                if "x-roles" not in operation:
                    continue
                status = program.raw(method.upper(), path.replace("{id}", "nothing"),
                                     {} if method == "post" else None)[0]
                named = operation["operationId"] in ("containments.create", "containments.show")
                self.assertEqual(status != 403, named, (method, path, status))
                seen += 1
        self.assertGreater(seen, 60)
        # what an earlier version had put into a scope: it must not make a token without one
        made, program = self.program(operations=["links.list"])
        kept = pathlib.Path(self.server.folder.name, "web", "tokens")
        kept.write_text("".join(
            line.replace("links.list", "links.list,tokens.create")
            if line.startswith(made["name"] + " ") else line
            for line in kept.read_text().splitlines(True)))
        self.assertEqual(program.raw("GET", "/links")[0], 200)
        self.assertEqual(program.raw("POST", "/tokens", {"name": "more", "role": "admin"})[0], 403)
        # the role still counts
        viewer = self.server.apis["admin"].post("/tokens", {
            "name": "v", "role": "viewer", "operations": ["containments.create"]})
        weak = client.Api(self.server.url, ca_file=self.server.ca, token=viewer["token"])
        self.assertEqual(weak.raw("POST", "/containments", {})[0], 403)

    def test_last_use_is_shown(self):
        made, program = self.program()
        admin = self.server.apis["admin"]
        listed = {one["name"]: one for one in admin.items("/tokens")}
        self.assertNotIn("used", listed[made["name"]])
        program.get("/links")
        listed = {one["name"]: one for one in admin.items("/tokens")}
        self.assertEqual(listed[made["name"]]["used_from"], "127.0.0.1")
        self.assertTrue(listed[made["name"]]["used"])
        admin.post(f"/tokens/{made['name']}/revoke", {})
        self.assertEqual(program.raw("GET", "/links")[0], 401)


class Sessions(Case):
    def test_own_sessions(self):
        there = Browser(self.server)
        self.assertEqual(there.sign_in("admin", PASSWORD, User_Agent="Lynx <b>")[0], 200)
        listed = self.admin.send("GET", "/session/list")[1]["items"]
        self.assertEqual([one["current"] for one in listed].count(True), 1)
        self.assertIn("Lynx <b>", [one.get("browser") for one in listed])
        self.assertEqual({one["address"] for one in listed}, {"127.0.0.1"})
        self.assertEqual(self.admin.send("POST", "/session/end-others", {})[0], 200)
        self.assertEqual(there.send("GET", "/endpoints")[0], 401)
        self.assertEqual(self.admin.send("GET", "/endpoints")[0], 200)
        self.assertEqual(len(self.admin.send("GET", "/session/list")[1]["items"]), 1)

    def test_the_file_of_accounts_counts_at_once(self):
        state = pathlib.Path(self.server.folder.name)
        text = (state / "web" / "accounts").read_text()
        self.assertEqual(self.admin.send("GET", "/endpoints")[0], 200)
        (state / "web" / "accounts").write_text(text.replace(" active ", " disabled "))
        self.assertEqual(self.admin.send("GET", "/endpoints")[0], 401)
        (state / "web" / "accounts").write_text(text)
        self.assertEqual(self.admin.send("GET", "/endpoints")[0], 401)  # it is over

    def test_guessers_elsewhere_keep_nobody_out(self):
        device = next(value.split(";")[0] for name, value in self.admin.told.items()
                      if name == "Set-Cookie" and "device" in value) \
            if hasattr(self.admin.told, "items") else None
        self.assertTrue(device)
        for _ in range(8):
            Browser(self.server).sign_in("admin", "not the password")
            self.server.tell("wait 20")
        stranger, owner = Browser(self.server), Browser(self.server)
        for _ in range(3):
            stranger.sign_in("admin", "not the password")
        self.assertEqual(stranger.sign_in("admin", PASSWORD)[0], 429)
        owner.cookie = device  # signed in from here before
        self.assertEqual(owner.sign_in("admin", PASSWORD)[0], 200)
        # that cookie lets nobody guess faster, and is good for its account only
        thief = Browser(self.server)
        statuses = set()
        for _ in range(6):
            thief.cookie = device
            statuses.add(thief.sign_in("admin", "not the password")[0])
        thief.cookie = device
        self.assertEqual(thief.sign_in("admin", PASSWORD)[0], 429, statuses)
        for forged in (device[:-1] + ("A" if device[-1] != "A" else "B"), device[:-5],
                       re.sub("=.", "=_", device)):
            stranger.cookie = forged
            self.assertEqual(stranger.sign_in("admin", PASSWORD)[0], 429, forged)


class Budgets(Case):
    def test_one_account_is_not_all(self):
        admin, viewer = self.server.apis["admin"], self.server.apis["viewer"]
        viewer.get("/links")
        self.server.tell("budget 5")
        statuses = [viewer.raw("GET", "/links")[0] for _ in range(60)]
        self.assertEqual(statuses[-5:], [429] * 5)
        self.assertLessEqual(statuses.count(200), 50)
        status, told, _ = viewer.send("GET", client.full("/links"), None,
                                      {"Authorization": f"Bearer {viewer.token}"})
        self.assertEqual((status, told["Retry-After"]), (429, "1"))
        self.assertEqual(admin.raw("GET", "/links")[0], 200)
        self.server.tell("wait 1")
        self.assertEqual(viewer.raw("GET", "/links")[0], 200)
        # whoever shows no right shares what is the address's; who shows one does not pay for it
        statuses = [viewer.raw("GET", "/links", token="cordon_x")[0] for _ in range(60)]
        self.assertEqual(statuses[-1], 429)
        self.assertEqual(viewer.raw("GET", "/health", token=None)[0], 429)
        self.assertEqual(Browser(self.server).sign_in("admin", PASSWORD)[0], 429)
        self.assertEqual(admin.raw("GET", "/links")[0], 200)
        self.assertEqual(self.admin.send("GET", "/endpoints")[0], 200)


class Ctl(Case):
    def ctl(self, *words, text=None):
        server = self.server
        environment = dict(PATH=os.environ["PATH"], CORDON_URL=server.url, CORDON_CA=server.ca,
                           LANG="C.UTF-8", CORDON_TOKEN_FILE=server.token_file("admin"))
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        return subprocess.run([sys.argv[2], *words], env=environment, capture_output=True,
                              text=True, timeout=120, check=False, input=text)

    def test_tokens(self):
        made = self.ctl("tokens", "create", "soar", "operator", "--days", "7", "--read-only")
        self.assertEqual(made.returncode, 0, made.stderr)
        listed = {one["name"]: one for one in self.server.apis["admin"].items("/tokens")}
        self.assertTrue(listed["soar"]["read_only"])
        made = self.ctl("tokens", "create", "two", "operator", "--days", "never",
                        "--operations", "links.list,endpoints.list")
        self.assertEqual(made.returncode, 0, made.stderr)
        listed = {one["name"]: one for one in self.server.apis["admin"].items("/tokens")}
        self.assertEqual(listed["two"]["operations"], ["links.list", "endpoints.list"])
        self.assertNotIn("expires", listed["two"])
        self.assertNotEqual(self.ctl("tokens", "create", "x", "admin", "--days", "-1").returncode, 0)
        out = self.ctl("tokens").stdout
        self.assertIn("soar", out)
        self.assertIn("EXPIRES", out)

    def test_accounts(self):
        self.enrolled(self.admin)
        self.assertIn("SECOND FACTOR", self.ctl("accounts").stdout)
        done = self.ctl("accounts", "reset-factor", "admin")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("ticket", Browser(self.server).sign_in("admin", PASSWORD)[1])
        self.assertIn("second_factor_roles", json.loads(self.ctl("accounts", "rules",
                                                                 "--json").stdout))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
