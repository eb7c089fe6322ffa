#!/usr/bin/python3
"""From where somebody comes: behind a proxy, with many addresses, with guesses.

    test_served_peers.py SERVE CORDONCTL SOURCE"""
import concurrent.futures
import http.client
import itertools
import json
import pathlib
import ssl
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from accounts import Case, PASSWORD  # noqa: E402  (after the path)
from serving import Browser, Device, client, wait_for  # noqa: E402  (after the path)


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


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
