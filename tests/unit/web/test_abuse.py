#!/usr/bin/python3
"""Requests that are wrong, too large, too many or too slow.

    test_abuse.py SERVE CORDONCTL SOURCE"""
import json
import re
import socket
import ssl
import sys
import unittest

from serving import SLOW_S, WISH, Case


class Abuse(Case):
    def head(self, path="/api/v1/containments", method="POST", more=""):
        return (f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                f"{self.operator.token}\r\n{more}").encode()

    def test_bad_bodies(self):
        good = json.dumps(WISH)
        for text, wanted in (("", 400), ("{", 400), ("[]", 400), ("1", 400), ("null", 400),
                             (good + good, 400), (good + "x", 400), ("[" * 100, 400),
                             ('{"a":' * 30 + "1" + "}" * 30, 400),
                             (good[:-1] + ',"colour":1}', 422),
                             (good[:-1] + ',"reason":"again"}', 422),
                             (good.replace("a test", "a\\u0000b"), 400),
                             (good.replace("a test", "a\\nb"), 422),
                             (good.replace("a test", "x" * 600), 422),
                             (good.replace("isolate", "ISOLATE"), 422),
                             (good.replace('"a test"', "7"), 422),
                             (good[:-1] + ',"expires_in_s":-1}', 422),
                             (good[:-1] + ',"expires_in_s":1e99}', 422),
                             (good[:-1] + ',"id":"x"}', 422)):
            body = text.encode()
            request = self.head(more=f"Content-Type: application/json\r\n"
                                     f"Content-Length: {len(body)}\r\n\r\n") + body
            self.assertEqual(self.talk(request), wanted, text[:80])

    def test_body_that_is_not_utf8(self):
        body = json.dumps(WISH).encode().replace(b"a test", b"\xff\xfe")
        request = self.head(more="Content-Type: application/json\r\n"
                                 f"Content-Length: {len(body)}\r\n\r\n") + body
        self.assertEqual(self.talk(request), 422)

    def test_wrong_media_type(self):
        for media in ("Content-Type: text/plain\r\n", "",
                      "Content-Type: application/jsonx\r\n"):
            request = self.head(more=f"{media}Content-Length: 2\r\n\r\n") + b"{}"
            self.assertEqual(self.talk(request), 415, media)
        request = self.head(more="Content-Type: application/json; charset=utf-8\r\n"
                                 "Content-Length: 2\r\n\r\n") + b"{}"
        self.assertEqual(self.talk(request), 422)

    def test_id_in_the_body_as_well(self):
        self.assertEqual(self.operator.raw("POST", "/containments/x/release",
                                           {"id": "y", "reason": "r"})[0], 422)

    def test_parameters_of_a_post_in_the_query(self):
        self.assertEqual(self.operator.raw("POST", "/containments?action=isolate", WISH)[0], 400)

    def test_bad_queries(self):
        for query, wanted in (("limit=0", 422), ("limit=501", 422), ("colour=red", 422),
                              ("q=a&q=b", 400), ("q=%zz", 400), ("q=%00", 400), ("limit=x", 422),
                              ("q=" + "a" * 300, 422), ("q=" + "a" * 2000, 400)):
            self.assertEqual(self.viewer.raw("GET", f"/endpoints?{query}")[0], wanted, query[:40])

    def test_wrong_methods_and_paths(self):
        for method in ("PUT", "DELETE", "PATCH"):
            status, headers, text = self.viewer._send(method, "/containments", b"", {})
            self.assertEqual((status, headers["Allow"]), (405, "GET, POST"), method)
            self.assertEqual(json.loads(text)["title"], "Wrong method")
        for path in ("/api/v1/endpoints/", "/assets/", "/assets/../index.html", "/index.html/", "/api/v1/../../etc/passwd", "/api/v2/endpoints",
                     "/api/v1/endpoints/%2e%2e/%2e%2e", "//api/v1/endpoints"):
            self.assertEqual(self.talk(self.head(path, "GET", "\r\n")), 404, path)
        self.assertIn(self.talk(self.head("/api/v1/endpoints", "BREW", "\r\n")), (400, 501))

    def test_too_large(self):
        size = 600 * 1024
        request = self.head(more="Content-Type: application/json\r\n"
                                 f"Content-Length: {size}\r\n\r\n")
        self.assertIn(self.talk(request + b" " * size), (0, 413))
        request = self.head(more="X: " + "a" * 20000 + "\r\n\r\n")
        self.assertIn(self.talk(request), (0, 400, 413))
        request = self.head("/api/v1/" + "a" * 20000, "GET", "\r\n")
        self.assertIn(self.talk(request), (0, 400, 404, 413, 414))
        self.assertEqual(self.viewer.raw("GET", "/links")[0], 200)

    def test_smuggling(self):
        """A second request hidden by two lengths is never answered as one."""
        hidden = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        for more in ("Content-Type: application/json\r\nContent-Length: 4\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n",
                     "Content-Type: application/json\r\nContent-Length: 4\r\n"
                     f"Content-Length: {len(hidden) + 2}\r\n\r\n",
                     "Content-Type: application/json\r\nContent-Length: -1\r\n\r\n",
                     "Content-Type: application/json\r\nContent-Length: 2x\r\n\r\n"):
            with self.connect() as tls:
                tls.settimeout(3)
                text = b""
                try:
                    tls.sendall(self.head(more=more) + b"{}\r\n" + hidden)
                    while chunk := tls.recv(65536):
                        text += chunk
                except (OSError, ssl.SSLError):
                    pass
                self.assertNotIn(b'"status":"ok"', text, more)

    def test_no_tls_no_answer(self):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=SLOW_S) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                answer = plain.recv(4096)
            except ConnectionError:
                answer = b""
        self.assertNotIn(b"HTTP/1.1 200", answer)

    def test_old_tls_is_refused(self):
        context = ssl.create_default_context(cafile=self.server.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=SLOW_S) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain, server_hostname="127.0.0.1")

    def hold(self, count):
        return [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(count)]

    def count(self, name):
        text = self.viewer.text("/metrics")
        return int(re.search(rf"^{name} (\d+)$", text, re.M).group(1))

    def test_held_open_connections_keep_nobody_out(self):
        """The fixture's limit is 40: beyond, the oldest strangers make room; whoever has shown a
        token stays."""
        events = self.viewer.events()
        held = self.hold(300)  # more than may be on their way out at once
        try:
            with self.connect() as half:
                half.sendall(b"GET /api/v1/links HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                self.assertEqual(self.viewer.raw("GET", "/links")[0], 200)
                # 64 may have been told to go and not be gone yet
                self.assertLessEqual(self.count("cordon_web_connections"), 40 + 64 + 1)
                self.assertEqual(self.count("cordon_web_listeners"), 1)
                self.assertGreaterEqual(self.count("cordon_web_strangers_closed_total"), 20)
        finally:
            for each in held:
                each.close()
            events.close()

    @staticmethod
    def whole(tls, ask):
        tls.sendall(ask)
        answer = tls.recv(65536)
        while b'"total"' not in answer:
            answer += tls.recv(65536)
        return answer

    def test_a_stranger_that_drips_bytes_is_sent_away(self):
        """Each byte comes in time; the request never does."""
        with self.connect() as tls, self.connect() as known:
            ask = self.head("/api/v1/links", "GET", "\r\n")
            self.assertIn(b" 200 ", self.whole(known, ask))
            tls.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
            with self.assertRaises((OSError, EOFError)):
                for _ in range(200):
                    tls.sendall(b"X")
                    self.server.tell("slow")  # eleven seconds each time
                    tls.settimeout(0.3)
                    try:
                        if not tls.recv(1):
                            raise EOFError
                    except TimeoutError:
                        continue
            self.assertIn(b" 200 ", self.whole(known, ask))

    def test_client_that_leaves_before_the_answer(self):
        self.server.tell("mute")
        for _ in range(5):
            tls = self.connect()
            tls.sendall(self.head("/api/v1/links", "GET", "\r\n"))
            tls.close()
        self.server.tell("away")  # answers them all: to nobody
        self.server.tell("back")
        self.assertEqual(self.viewer.raw("GET", "/links")[0], 200)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
