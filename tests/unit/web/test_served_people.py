#!/usr/bin/python3
"""Sign-in, accounts and the enrolment of devices through the API.

    test_served_people.py SERVE CORDONCTL SOURCE"""
import base64
import concurrent.futures
import hashlib
import os
import pathlib
import socket
import sys
import unittest

from serving import SLOW_S, Browser, Case, Device, Server, client, wait_for


class Enrolment(Case):
    def setUp(self):
        self.server.tell("wait 4000")  # what a test before guessed wrong is forgotten
        self.name = self.id().rsplit(".", 1)[1].replace("_", "-")[:50]

    def device(self, role="edge", name=None):
        device = Device(self.server, role, name or self.name)
        self.addCleanup(device.close)
        return device

    def offer(self, role="edge", name=None, **more):
        return self.admin.post("/enrolments", {
            "role": role, "name": name or self.name, "controller": self.server.url, **more})

    def certificates(self, name=None):
        return [item for item in self.viewer.items("/certificates")
                if item["name"].startswith(name or self.name)]

    def refused(self, why):
        return [peer for peer in self.viewer.items("/refused-peers") if peer["why"] == why]

    def test_a_device_gets_its_certificate_once(self):
        offer, device = self.offer(), self.device()
        self.assertEqual(len(base64.urlsafe_b64decode(offer["token"].split("_", 1)[1] + "=")), 32)
        self.assertIn(f"--ca {offer['authority']} --out ", offer["command"])
        status, answer = device.enrol(offer["token"])
        self.assertEqual((status, answer.get("name"), answer.get("role")), (200, self.name, "edge"))
        path = device.certificate(answer)
        shown = device.openssl("x509", "-inform", "DER", "-in", path, "-noout", "-subject",
                               "-serial", "-fingerprint", "-sha256", "-pubkey").decode()
        self.assertIn(f"O = Cordon, OU = edge, CN = {self.name}", shown)
        self.assertIn(device.openssl("pkey", "-in", device.key, "-pubout").decode(), shown)
        pem = device.openssl("x509", "-inform", "DER", "-in", path)
        pathlib.Path(path).write_bytes(pem)
        device.openssl("verify", "-no_check_time", "-CAfile", self.server.ca, path)
        listed, = self.certificates()
        self.assertEqual((listed["name"], listed["role"], listed["state"], listed["origin"]),
                         (self.name, "edge", "valid", "enrolled"))
        self.assertEqual(listed["serial"], answer["serial"])
        self.assertIn(answer["serial"].upper(), shown)
        self.assertEqual(self.viewer.items("/enrolments")[0]["state"], "used")

    def test_a_token_works_for_one_key_only(self):
        offer, device, thief = self.offer(), self.device(), self.device()
        first = device.enrol(offer["token"])
        self.assertEqual(first[0], 200)
        self.assertEqual(device.enrol(offer["token"]), first)  # an answer that was lost
        status, problem = thief.enrol(offer["token"])
        self.assertEqual((status, problem["detail"]), (403, "this enrolment token was used already"))
        self.assertEqual(self.refused("token")[0]["detail"], "this enrolment token was used already")
        self.assertEqual(len(self.certificates()), 1)
        self.server.tell("wait 901")  # its life is over: not even the same key
        self.assertEqual(device.enrol(offer["token"])[1]["detail"], "this enrolment token has expired")
        wait_for(lambda: {"enrolment.offer", "certificate.enrol", "peer.refuse"} <= {
            row["action"] for row in self.admin.items("/audit")}, "each in the audit")

    def test_a_race_has_one_winner(self):
        won = []
        for turn in range(10):
            offer = self.offer(name=f"{self.name}{turn}")
            devices = [self.device(name=f"{self.name}{turn}") for _ in range(2)]
            requests = [device.request() for device in devices]
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                results = list(pool.map(lambda pair: pair[0].enrol(offer["token"], pair[1])[0],
                                        zip(devices, requests)))
            self.assertEqual(sorted(results), [200, 403])
            won.append(results.index(200))
            self.server.tell("wait 4000")  # who lost ten times must not wait for it
        self.assertEqual(len(self.certificates()), 10)

    def test_what_a_token_is_not_good_for(self):
        offer = self.offer()
        for role, name, why in (("sensor", None, "this enrolment token is for another role"),
                                ("edge", "sw2", "this enrolment token is for another name"),
                                ("server", None, "this enrolment token is for another role")):
            status, problem = self.device(role, name).enrol(offer["token"])
            self.assertEqual((status, problem["detail"]), (403, why))
        device = self.device()
        for token in ("", "x", "enrol_" + "A" * 43, offer["token"][:-1] + "?"):
            status, problem = device.enrol(token)
            self.assertEqual((status, problem["detail"]), (403, "this enrolment token is not known"), token)
        self.server.tell("wait 901")
        self.assertEqual(device.enrol(offer["token"])[1]["detail"], "this enrolment token has expired")
        self.assertEqual(self.certificates(), [])
        self.server.tell("wait 4000")
        second = self.offer()
        third = self.offer()  # takes the place of the second
        self.assertEqual(device.enrol(second["token"])[1]["detail"], "this enrolment token was withdrawn")
        self.admin.post(f"/enrolments/{third['id']}/withdraw", {"reason": "not today"})
        self.assertEqual(device.enrol(third["token"])[1]["detail"], "this enrolment token was withdrawn")
        self.assertEqual(self.certificates(), [])

    def test_no_secret_is_kept(self):
        offer = self.offer()
        self.device().enrol(offer["token"])
        files = b"".join(path.read_bytes() for path in
                         pathlib.Path(self.server.folder.name).glob("cordon.db*"))
        self.assertIn(hashlib.sha256(offer["token"].encode()).hexdigest().encode(), files)
        self.assertNotIn(offer["token"].encode(), files)
        self.assertNotIn("token", self.viewer.items("/enrolments")[0])

    def test_requests_that_are_none(self):
        offer, device = self.offer(), self.device()
        whole = base64.b64decode(device.request())
        forged = bytearray(whole)
        forged[-1] ^= 1  # the signature
        other = base64.b64decode(self.device().request())
        key = whole.index(b"\x03\x42\x00\x04") + 3
        stolen = whole[:key] + other[other.index(b"\x03\x42\x00\x04") + 3:][:65] + whole[key + 65:]
        wrong = [base64.b64encode(bytes(each)).decode()
                 for each in (forged, stolen, whole[:-1], whole + b"x", b"", b"0" * 1000)]
        wrong += [device.request("/O=Cordon/OU=edge/CN=sw1/CN=sw2"), device.request("/CN=sw1"),
                  device.request("/O=Other/OU=edge/CN=sw1"),
                  device.request(None, "-addext", "subjectAltName=DNS:cordond")]
        for each in wrong:
            status, problem = device.enrol(offer["token"], each)
            self.assertEqual(status, 422, problem)
            self.server.tell("wait 4000" if each == wrong[5] else "wait 1")
            if each == wrong[5]:
                offer = self.offer()
        self.server.tell("wait 4000")
        self.assertEqual(device.enrol(self.offer()["token"])[0], 200)

    def test_whoever_guesses_waits(self):
        device, offer = self.device(), self.offer()
        request, codes = device.request(), []
        for _ in range(14):
            codes.append(device.enrol("enrol_" + "B" * 43, request)[0])
        self.assertEqual(codes, [403] * 10 + [429] * 4)
        self.assertEqual(device.enrol(offer["token"], request)[0], 429)  # even with a good one
        self.server.tell("wait 600")
        self.assertEqual(device.enrol(offer["token"], request)[0], 200)

    def test_a_name_that_enrols_again_and_one_that_is_revoked(self):
        first, second = self.device(), self.device()
        old = first.enrol(self.offer()["token"])[1]
        new = second.enrol(self.offer()["token"])[1]
        states = {item["serial"]: item["state"] for item in self.certificates()}
        self.assertEqual(states, {old["serial"]: "replaced", new["serial"]: "valid"})
        self.assertEqual(self.admin.post_raw(f"/certificates/{self.name}/revoke", {"reason": " "})[0], 422)
        self.assertEqual(self.admin.post_raw("/certificates/sw9/revoke", {"reason": "x"})[0], 404)
        open_one = self.offer()
        told = self.admin.post(f"/certificates/{self.name}/revoke", {"reason": "stolen"})
        self.assertEqual((told["state"], told["reason"]), ("revoked", "stolen"))
        self.assertEqual(first.enrol(open_one["token"])[1]["detail"], "this enrolment token was withdrawn")
        self.assertEqual(self.admin.post_raw(f"/certificates/{new['serial']}/revoke",
                                             {"reason": "again"})[0], 409)
        revoked = [row for row in self.admin.items("/audit")
                   if row["action"] == "certificate.revoke" and self.name in row["object"]]
        self.assertEqual([(row["object"], row["detail"]) for row in revoked],
                         [(f"edge {self.name}", "stolen")])

    def test_the_command_is_fit_for_a_shell(self):
        for controller in ("https://ctl:8443; reboot", "https://", "http://ctl:8443",
                           "https://$(id)", "https://ctl/../x", "https://a b"):
            self.assertEqual(self.admin.post_raw("/enrolments", {
                "role": "edge", "name": "sw1", "controller": controller})[0], 422, controller)
        for name in ("sw1;id", "$(id)", "a b", "../x", "ca", "server", ""):
            self.assertIn(self.admin.post_raw("/enrolments", {
                "role": "edge", "name": name, "controller": self.server.url})[0], (409, 422), name)
        self.assertEqual([item for item in self.viewer.items("/enrolments")
                          if item["name"] in ("sw1", "ca", "server")], [])


class People(unittest.TestCase):
    """Each test has a server of its own: what people do stays."""

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.first = pathlib.Path(self.server.folder.name, "admin.password").read_text().strip()

    def administrator(self):
        browser = Browser(self.server)
        self.assertEqual(browser.sign_in("admin", self.first)[0], 200)
        status, body = browser.send("POST", "/session/password",
                                    {"old": self.first, "new": "correct horse battery"})
        self.assertEqual(status, 200, body)
        browser.csrf = body["csrf"]
        return browser

    def test_first_sign_in(self):
        browser = Browser(self.server)
        status, session = browser.sign_in("admin", self.first)
        self.assertEqual((status, session["must_change_password"]), (200, True))
        cookie = browser.told["Set-Cookie"]
        for word in ("__Host-cordon=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
            self.assertIn(word, cookie)
        planted = browser.cookie
        for path in ("/endpoints", "/accounts", "/audit", "/events"):
            self.assertEqual(browser.send("GET", path)[0], 403, path)
        for new, wanted in (("short", 422), (self.first, 422), ("a" * 20, 422)):
            self.assertEqual(browser.send("POST", "/session/password",
                                          {"old": self.first, "new": new})[0], wanted)
        self.assertEqual(browser.send("POST", "/session/password",
                                      {"old": "wrong one", "new": "correct horse battery"})[0], 401)
        status, session = browser.send("POST", "/session/password",
                                       {"old": self.first, "new": "correct horse battery"})
        self.assertEqual((status, session["must_change_password"]), (200, False))
        self.assertNotEqual(browser.cookie, planted)
        self.assertFalse(os.path.exists(f"{self.server.folder.name}/admin.password"))
        self.assertEqual(browser.send("GET", "/endpoints")[0], 200)
        old = Browser(self.server)
        old.cookie = planted  # an id from before is worth nothing
        self.assertEqual(old.send("GET", "/endpoints")[0], 401)
        self.assertEqual(Browser(self.server).sign_in("admin", self.first)[0], 401)
        self.assertEqual(Browser(self.server).sign_in("admin", "correct horse battery")[0], 200)

    def test_only_our_own_page(self):
        browser = self.administrator()
        good = {"reason": "a test"}
        host = self.server.url.split("//")[1]
        for headers in ({"X_Cordon_Csrf": None}, {"X_Cordon_Csrf": "wrong"},
                        {"X_Cordon_Csrf": browser.csrf[:-1]},
                        {"Origin": "https://evil.example"}, {"Origin": "null"},
                        {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}):
            status, _ = browser.send("POST", "/enforcement/panic", good, **headers)
            self.assertEqual(status, 403, headers)
        self.assertEqual(browser.send("GET", "/enforcement")[1]["state"], "active")
        self.assertEqual(browser.send("POST", "/enforcement/panic", good,
                                      Origin=f"https://{host}")[0], 200)
        self.assertEqual(browser.send("POST", "/enforcement/resume", good,
                                      Sec_Fetch_Site="same-origin")[0], 200)
        for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
            self.assertEqual(Browser(self.server).sign_in("admin", "correct horse battery",
                                                          **headers)[0], 403)
        # a form of another page can send no JSON
        self.assertEqual(browser.send("POST", "/session", {"name": "a", "password": "b"},
                                      Content_Type="text/plain")[0], 415)

    def test_guessing(self):
        answers = set()
        for name in ("admin", "nobody", "admin.", "x"):
            status, body = Browser(self.server).sign_in(name, "not the password")
            answers.add((status, body["detail"]))
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(answers.pop()[0], 401)
        for _ in range(4):
            self.assertEqual(Browser(self.server).sign_in("admin", "no")[0], 401)
        browser = Browser(self.server)
        self.assertEqual(browser.sign_in("admin", self.first)[0], 429)  # also the right one
        self.assertEqual(browser.told["Retry-After"], "1")
        self.server.tell("wait 1")
        self.assertEqual(browser.sign_in("admin", "no")[0], 401)
        self.assertEqual(browser.sign_in("admin", self.first)[0], 429)
        self.assertEqual(browser.told["Retry-After"], "2")
        self.server.tell("wait 2")
        self.assertEqual(browser.sign_in("admin", self.first)[0], 200)
        def rows(action):
            return [row for row in self.server.apis["admin"].get("/audit")["items"] if row["action"] == action]
        wait_for(lambda: [row for row in rows("session.failed") if row["object"] == "admin from 127.0.0.1"],
                 "the failures in the audit")
        wait_for(lambda: [row for row in rows("session.open") if row["account"] == "account:admin"],
                 "the sign-in in the audit")

    def test_accounts(self):
        admin = self.administrator()
        new = {"name": "kim", "role": "operator", "password": "first password of kim"}
        status, account = admin.send("POST", "/accounts", new)
        self.assertEqual((status, account["must_change_password"]), (201, True))
        self.assertEqual(admin.send("POST", "/accounts", new)[0], 409)
        self.assertEqual(admin.send("POST", "/accounts", {**new, "name": "a b"})[0], 422)
        self.assertEqual(admin.send("POST", "/accounts", {**new, "name": "lee",
                                                          "password": "short"})[0], 422)
        kim = Browser(self.server)
        self.assertEqual(kim.sign_in("kim", new["password"])[0], 200)
        status, body = kim.send("POST", "/session/password",
                                {"old": new["password"], "new": "another one, kept"})
        self.assertEqual(status, 200)
        kim.csrf = body["csrf"]
        self.assertEqual(kim.send("POST", "/containments", {
            "action": "isolate", "mac": "02:00:00:00:01:01", "reason": "by kim"})[0], 201)
        self.assertEqual(kim.send("GET", "/accounts")[0], 403)
        self.assertEqual(admin.send("POST", "/accounts/kim/role", {"role": "auditor"})[0], 200)
        self.assertEqual(kim.send("GET", "/endpoints")[0], 401)  # the session was an operator's
        self.assertEqual(kim.sign_in("kim", "another one, kept")[0], 200)
        self.assertEqual(kim.send("GET", "/audit")[0], 200)
        self.assertEqual(kim.send("POST", "/enforcement/panic", {"reason": "x"})[0], 403)
        self.assertEqual(admin.send("POST", "/accounts/kim/disable", {})[0], 200)
        self.assertEqual(kim.send("GET", "/endpoints")[0], 401)
        self.assertEqual(Browser(self.server).sign_in("kim", "another one, kept")[0], 401)
        self.assertEqual(admin.send("POST", "/accounts/kim/enable", {})[0], 200)
        self.assertEqual(kim.sign_in("kim", "another one, kept")[0], 200)
        self.assertEqual(admin.send("POST", "/accounts/admin/remove", {})[0], 409)
        self.assertEqual(admin.send("POST", "/accounts/kim/remove", {})[0], 200)
        self.assertEqual(admin.send("POST", "/accounts/kim/remove", {})[0], 404)
        self.assertEqual([one["name"] for one in admin.send("GET", "/accounts")[1]["items"]],
                         ["admin"])
        wait_for(lambda: {"account.create", "account.role", "account.disable", "account.enable", "account.remove",
                          "account.own-password"} <= {row["action"] for row in admin.send("GET", "/audit")[1]["items"]},
                 "each in the audit")

    def test_sign_out(self):
        here, there = self.administrator(), Browser(self.server)
        self.assertEqual(there.sign_in("admin", "correct horse battery")[0], 200)
        third = Browser(self.server)
        self.assertEqual(third.sign_in("admin", "correct horse battery")[0], 200)
        stolen, csrf = third.cookie, third.csrf
        self.assertEqual(third.send("POST", "/session/end", {})[0], 200)
        self.assertIn("Max-Age=0", third.told["Set-Cookie"])
        thief = Browser(self.server)
        thief.cookie, thief.csrf = stolen, csrf
        self.assertEqual(thief.send("GET", "/endpoints")[0], 401)
        self.assertEqual(there.send("GET", "/endpoints")[0], 200)
        self.assertEqual(here.send("POST", "/session/end-all", {})[0], 200)
        self.assertEqual(there.send("GET", "/endpoints")[0], 401)

    def test_sessions_end_by_time(self):
        browser = self.administrator()
        self.server.tell("wait 1700")
        self.assertEqual(browser.send("GET", "/endpoints")[0], 200)
        self.server.tell("wait 1801")
        self.assertEqual(browser.send("GET", "/endpoints")[0], 401)

    def test_listening_ends_with_the_session(self):
        browser = self.administrator()
        with socket.create_connection(("127.0.0.1", self.server.port)) as plain, \
                self.server.apis["viewer"].tls.wrap_socket(plain, server_hostname="localhost") as tls:
            tls.settimeout(SLOW_S)
            tls.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: {browser.cookie}"
                        "\r\n\r\n".encode())
            text = tls.recv(65536)
            self.assertIn(b"200 OK", text)
            self.server.tell("event")
            while b"event: containment" not in text:
                text += tls.recv(65536)
            self.assertEqual(browser.send("POST", "/session/end", {})[0], 200)
            while not text.endswith(b"0\r\n\r\n"):
                more = tls.recv(65536)
                self.assertTrue(more, "closed without an end")
                text += more

    def test_tokens(self):
        admin = self.administrator()
        status, made = admin.send("POST", "/tokens", {"name": "soar", "role": "operator"})
        self.assertEqual(status, 201)
        program = client.Api(self.server.url, ca_file=self.server.ca, token=made["token"])
        self.assertEqual(program.raw("GET", "/links")[0], 200)
        self.assertEqual(program.get("/session")["account"],
                         {"name": "token:soar", "role": "operator"})
        self.assertEqual(program.raw("POST", "/session/end", {})[0], 409)
        listed = admin.send("GET", "/tokens")[1]["items"]
        self.assertIn("soar", [one["name"] for one in listed])
        self.assertNotIn("token", {key for one in listed for key in one})
        self.assertEqual(admin.send("POST", "/tokens/soar/revoke", {})[0], 200)
        self.assertEqual(program.raw("GET", "/links")[0], 401)
        self.assertEqual(admin.send("POST", "/tokens/soar/revoke", {})[0], 404)

    def test_core_is_away(self):
        admin = self.administrator()
        self.server.tell("away")
        status, _ = admin.send("POST", "/accounts", {"name": "kim", "role": "viewer",
                                                     "password": "first password of kim"})
        self.assertEqual(status, 503)
        self.server.tell("back")
        self.assertEqual(len(admin.send("GET", "/accounts")[1]["items"]), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
