#!/usr/bin/python3
"""Resets, addresses of owners, tokens with scope and expiry, sessions: what each is for, and what
somebody else can try against it.

    test_accounts.py SERVE CORDONCTL SOURCE"""
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from accounts import Case, PASSWORD  # noqa: E402  (after the path)
from serving import Browser, client  # noqa: E402  (after the path)


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
