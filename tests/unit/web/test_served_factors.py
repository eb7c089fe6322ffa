#!/usr/bin/python3
"""Second factors and recovery codes: what each is for, and what somebody else can try against it.

    test_served_factors.py SERVE CORDONCTL SOURCE"""
import base64
import concurrent.futures
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from accounts import App, Case, PASSWORD  # noqa: E402  (after the path)
from serving import Browser, client  # noqa: E402  (after the path)


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


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
