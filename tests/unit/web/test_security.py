#!/usr/bin/python3
"""What a browser, its owner and other people's pages can try against the web role: every route of the
document with every kind of session, forged requests, fixed sessions, frames, caches, redirects.

    test_security.py SERVE CORDONCTL SOURCE"""
import http.client
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from serving import ROLES, Browser, Server, client  # noqa: E402  (after the path)

PASSWORD = "correct horse battery"
OPEN = ("/openapi.json", "/health")


class Case(unittest.TestCase):
    line = None  # one connection for all that 'ask' sends

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        first = pathlib.Path(cls.server.folder.name, "admin.password").read_text().strip()
        cls.admin = cls.signed_in("admin", first)
        cls.people = {"admin": cls.admin}
        for role in ROLES:
            if role != "admin":
                made = cls.admin.send("POST", "/accounts", {"name": f"a-{role}", "role": role,
                                                            "password": "the first password"})
                assert made[0] == 201, made
                cls.people[role] = cls.signed_in(f"a-{role}", "the first password")
        cls.paths = cls.server.apis["viewer"].document["paths"]

    @classmethod
    def signed_in(cls, name, first):
        browser = Browser(cls.server)
        assert browser.sign_in(name, first)[0] == 200
        status, body = browser.send("POST", "/session/password", {"old": first, "new": PASSWORD})
        assert status == 200, body
        browser.csrf = body["csrf"]
        return browser

    def newest(self):
        """The number of the newest row of the audit."""
        return self.admin.send("GET", "/audit")[1]["items"][0]["number"]

    def assert_nothing_done(self, since):
        """No row since then, but what the sign-ins of setUpClass left: the store writes behind."""
        rows = [row for row in self.admin.send("GET", "/audit")[1]["items"]
                if row["number"] > since and
                row["action"] not in ("session.open", "account.own-password", "account.create")]
        self.assertEqual(rows, [])

    def operations(self):
        """(method, path with an id that does not exist, what the document says of it)"""
        for path, methods in self.paths.items():
            for method, operation in methods.items():
                yield method.upper(), client.full(path.replace("{id}", "nothing")), operation

    def ask(self, method, path, body=None, **headers):
        """(status, headers, body) as they are: nothing is followed."""
        own = {"Content_Type": "application/json" if body is not None else None, **headers}
        sent = {name.replace("_", "-"): value for name, value in own.items() if value}
        for _ in range(2):  # a connection that the server has closed since
            if Case.line and Case.line.port != self.server.port:
                Case.line.close()
                Case.line = None
            if Case.line is None:
                Case.line = http.client.HTTPSConnection(
                    "127.0.0.1", self.server.port, timeout=120, context=self.server.apis["viewer"].tls)
            try:
                Case.line.request(method, path if path.startswith("/") else client.full(path),
                                  json.dumps(body) if body is not None else None, sent)
                answer = Case.line.getresponse()
                return answer.status, answer.headers, answer.read()
            except (http.client.HTTPException, OSError) as error:
                Case.line.close()
                Case.line, failed = None, error
        raise ConnectionError(f"{method} {path}: {failed!r}")


class Sessions(Case):
    def test_each_route_with_each_role_of_a_session(self):
        seen = 0
        for method, path, operation in self.operations():
            if "x-roles" not in operation or path.endswith(("/session/end", "/session/end-all")):
                continue
            if path.endswith("/events"):
                continue
            for role, browser in self.people.items():
                body = {} if method == "POST" else None
                status = self.ask(method, path, body, Cookie=browser.cookie,
                                  X_Cordon_Csrf=browser.csrf)[0]
                may = role in operation["x-roles"]
                if "/evidence/" in path:
                    may = role == "admin"  # by right to read payload, not by role alone
                self.assertEqual(status == 403, not may, (role, method, path, status))
                self.assertNotEqual(status, 401, (role, method, path))
                seen += 1
        self.assertGreater(seen, 150)

    def test_no_session_no_answer(self):
        ended = self.ended()
        name, value = self.admin.cookie.split("=", 1)
        wrong = {"none": None, "empty": f"{name}=", "made up": f"{name}={'A' * len(value)}",
                 "cut": self.admin.cookie[:-1], "longer": self.admin.cookie + "A",
                 "another name": f"x{self.admin.cookie}", "without the prefix": f"cordon={value}",
                 "ended": ended, "a token": f"{name}=cordon_{'A' * 43}",
                 "an attribute": f"a=b; Path={value}"}
        for method, path, operation in self.operations():
            if path.removeprefix("/api/v1") in OPEN or operation.get("security") == []:
                continue
            for kind, cookie in wrong.items():
                if path.endswith("/session") and method == "POST":
                    continue
                body = {} if method == "POST" else None
                status = self.ask(method, path, body, Cookie=cookie,
                                  X_Cordon_Csrf=self.admin.csrf)[0]
                self.assertEqual(status, 401, (kind, method, path))

    def ended(self):
        browser = Browser(self.server)
        self.assertEqual(browser.sign_in("admin", PASSWORD)[0], 200)
        cookie = browser.cookie
        self.assertEqual(browser.send("POST", "/session/end", {})[0], 200)
        self.assertIn("Max-Age=0", browser.told["Set-Cookie"])
        return cookie

    def test_expired_on_every_route(self):
        server = Server()
        self.addCleanup(server.close)
        first = pathlib.Path(server.folder.name, "admin.password").read_text().strip()
        browser = Browser(server)
        self.assertEqual(browser.sign_in("admin", first)[0], 200)
        server.tell("wait 1801")
        for method, path, operation in self.operations():
            if "x-roles" in operation:
                body = {} if method == "POST" else None
                self.assertEqual(browser.send(method, path, body)[0], 401, (method, path))

    def test_a_session_cannot_be_fixed(self):
        """An attacker knows an id, planted it in the victim's browser, and waits for the sign-in."""
        attacker = Browser(self.server)
        self.assertEqual(attacker.sign_in("a-viewer", PASSWORD)[0], 200)
        for planted in (attacker.cookie, attacker.cookie.split("=")[0] + "=" + "A" * 43):
            victim = Browser(self.server)
            victim.cookie = planted
            self.assertEqual(victim.sign_in("admin", PASSWORD)[0], 200)
            self.assertNotEqual(victim.cookie, planted)
            theirs = self.ask("GET", "/api/v1/session", Cookie=planted)
            if planted == attacker.cookie:
                self.assertEqual(json.loads(theirs[2])["account"]["name"], "a-viewer")
            else:
                self.assertEqual(theirs[0], 401)
        self.assertEqual(self.ask("GET", "/api/v1/accounts", Cookie=attacker.cookie)[0], 403)

    def test_two_cookies_are_no_session(self):
        mine = self.people["viewer"]
        both = f"{mine.cookie}; {self.admin.cookie}"
        self.assertEqual(self.ask("GET", "/api/v1/session", Cookie=both)[0], 401)
        self.assertEqual(self.ask("GET", "/api/v1/accounts", Cookie=both)[0], 401)

    def test_the_csrf_of_one_session_is_none_for_another(self):
        self.assertEqual(self.ask("POST", "/api/v1/enforcement/panic", {"reason": "x"},
                                  Cookie=self.admin.cookie,
                                  X_Cordon_Csrf=self.people["operator"].csrf)[0], 403)


class Forged(Case):
    """The browser sends the cookie whoever makes it send a request."""

    def test_each_post_only_from_our_own_page(self):
        host = self.server.url.split("//")[1]
        forged = ({"X_Cordon_Csrf": None}, {"X_Cordon_Csrf": "wrong"}, {"X_Cordon_Csrf": ""},
                  {"Origin": "https://evil.example"}, {"Origin": "null"},
                  {"Origin": f"https://{host}.evil.example"}, {"Origin": f"https://evil{host}"},
                  {"Origin": f"https://{host.split(':')[0]}"},  # another port
                  {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"},
                  {"Sec_Fetch_Site": "cross-site", "Origin": f"https://{host}"})
        seen = 0
        before = self.newest()
        for method, path, operation in self.operations():
            if method != "POST" or "x-roles" not in operation:
                continue
            for more in forged:
                headers = {"X_Cordon_Csrf": self.admin.csrf, "Cookie": self.admin.cookie, **more}
                status, _, text = self.ask("POST", path, {"reason": "forged"}, **headers)
                self.assertEqual(status, 403, (path, more, text))
                seen += 1
        self.assertGreater(seen, 200)
        self.assert_nothing_done(before)
        self.assertEqual(self.admin.send("GET", "/session")[0], 200)  # nor was it signed out

    def test_what_a_form_can_send_is_refused(self):
        for media in ("text/plain", "application/x-www-form-urlencoded",
                      "multipart/form-data; boundary=x", "text/json", ""):
            status = self.ask("POST", "/api/v1/session", {"name": "admin", "password": PASSWORD},
                              Content_Type=media or None)[0]
            self.assertEqual(status, 415, media)

    def test_reading_changes_nothing(self):
        before = self.newest()
        for method, path, operation in self.operations():
            if method == "POST":  # a picture's address, a link
                status = self.ask("GET", path, Cookie=self.admin.cookie)[0]
                self.assertIn(status, (200, 404, 405), path)
        self.assert_nothing_done(before)

    def test_no_other_page_may_read(self):
        for method, path, _ in self.operations():
            if method == "GET" and not path.endswith("/events"):
                _, headers, _ = self.ask("GET", path, Cookie=self.admin.cookie,
                                         Origin="https://evil.example")
                self.assertNotIn("Access-Control-Allow-Origin", headers, path)
                self.assertEqual(self.ask("OPTIONS", path, Origin="https://evil.example",
                                          Access_Control_Request_Method="POST")[0], 405, path)


class Answers(Case):
    def test_nothing_is_kept_framed_or_guessed(self):
        """Every answer of the API, good or refused, by whomever."""
        seen = set()
        for method, path, _ in self.operations():
            if path.endswith("/events"):
                continue
            for browser in (None, self.people["viewer"], self.admin):
                cookie = browser.cookie if browser else None
                status, headers, _ = self.ask(method, path, {} if method == "POST" else None,
                                              Cookie=cookie)
                seen.add(status)
                self.assertEqual(headers["Cache-Control"], "no-store", (method, path, status))
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["Content-Security-Policy"],
                                 "default-src 'none'; frame-ancestors 'none'")
                self.assertNotIn("text/html", headers["Content-Type"])
                self.assertNotIn("Server", headers)
        self.assertLessEqual({200, 401, 403, 404, 422}, seen | {422})
        for path in ("/api/v1/nothing", "/nothing", "/api/v1/%00", "/api/v1/endpoints/%zz"):
            status, headers, _ = self.ask("GET", path)
            self.assertEqual(headers["Cache-Control"], "no-store", path)
            self.assertNotIn("text/html", headers["Content-Type"], path)

    def test_nobody_is_sent_elsewhere(self):
        for path in ("//evil.example/", "//evil.example/%2f..", "/\\evil.example", "/%2f%2fevil",
                     "/?next=https://evil.example", "/api/v1/session?next=//evil.example",
                     "/api/v1/endpoints/..%2f..%2f", "/index.html/..", "/https://evil.example"):
            status, headers, _ = self.ask("GET", path)
            self.assertFalse(300 <= status < 400, (path, status))
            self.assertNotIn("Location", headers, path)
        for method, path, _ in self.operations():
            if path.endswith("/events"):
                continue
            status, headers, _ = self.ask(method, path, {} if method == "POST" else None,
                                          Cookie=self.admin.cookie, Host="evil.example")
            self.assertFalse(300 <= status < 400, (path, status))
            self.assertNotIn("evil.example", str(headers), path)

    def test_nothing_is_reachable_that_is_not_listed(self):
        """Every spelling around every path of the document, and every other method."""
        listed = {(method, path) for method, path, _ in self.operations()}
        cookie = {"Cookie": self.admin.cookie, "X_Cordon_Csrf": self.admin.csrf}
        for method, path, _ in listed_sorted(self.operations()):
            if path.endswith("/events"):
                continue
            for other in (path + "/", path + "/x/y", path.upper(), path.replace("/v1/", "/v1//"),
                          path.replace("/v1/", "/v2/"), path.replace("/api/", "/"),
                          path.replace("/api/", "/api/../api/"), path + ";x", path + ".json",
                          path + "%20", path.replace("/api", "/%61pi")):
                is_listed = other in {known for _, known in listed} or re.fullmatch(
                    r"/api/v1/[a-z-]+(/revisions)?/[^/]+", other)
                if is_listed or other == path:
                    continue
                status = self.ask("GET", other, **cookie)[0]
                self.assertIn(status, (400, 404), (other, status))
            for verb in ("PUT", "DELETE", "PATCH", "TRACE", "HEAD"):
                if verb == "HEAD" and ("GET", path) in listed:
                    continue
                status = self.ask(verb, path, **cookie)[0]
                self.assertIn(status, (404, 405, 501), (verb, path, status))
        status = self.ask("POST", "/api/v1/enforcement", {"reason": "x"}, X_HTTP_Method_Override="GET",
                          **cookie)[0]
        self.assertEqual(status, 405)

    def test_state_files_are_not_served(self):
        for path in ("/accounts", "/tokens", "/admin.password", "/admin.token", "/pki/ca.key",
                     "/../accounts", "/assets/../accounts", "/assets/%2e%2e/tokens",
                     "/.git/config", "/licences.json/../tokens"):
            self.assertEqual(self.ask("GET", "//x" + path)[0], 404, path)
            self.assertIn(self.ask("GET", path, Cookie=self.admin.cookie)[0], (200, 404), path)


def listed_sorted(operations):
    return sorted(operations, key=lambda one: one[1])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
