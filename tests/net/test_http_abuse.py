"""HTTP that is not meant well, against the real server: requests that two readers end at different places,
slow, oversized and malformed ones, garbage instead of TLS; also behind nginx."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import api as client
import pytest
import receivers
from netns import wait_for
from people import Browser

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = TOP / os.environ.get("BUILD", "build")
SLOW_S = 60  # of waits, on a machine that has much to do; never of a measurement
HIDDEN = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
ONE_CHUNK = "\r\n2\r\n{}\r\n0\r\n\r\n"

# What two readers end at different places: name, headers, and what follows them.  Each is answered once,
# refused, and nothing behind it is served.
DOUBTFUL = {
    "length and chunks": ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "\r\n0\r\n\r\n"),
    "chunks and length": ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "\r\n0\r\n\r\n"),
    "two lengths": ("Content-Length: 2\r\nContent-Length: 20\r\n", "\r\n{}"),
    "two equal lengths": ("Content-Length: 2\r\nContent-Length: 2\r\n", "\r\n{}"),
    "a list of lengths": ("Content-Length: 2, 2\r\n", "\r\n{}"),
    "a length with a sign": ("Content-Length: +2\r\n", "\r\n{}"),
    "a negative length": ("Content-Length: -2\r\n", "\r\n{}"),
    "a hexadecimal length": ("Content-Length: 0x2\r\n", "\r\n{}"),
    "a length and more": ("Content-Length: 2 2\r\n", "\r\n{}"),
    "no length": ("Content-Length:\r\n", "\r\n{}"),
    "a length beyond 64 bits": ("Content-Length: 99999999999999999999\r\n", "\r\n{}"),
    "a length that wraps around": ("Content-Length: 18446744073709551618\r\n", "\r\n{}"),
    "a blank before the colon": ("Content-Length : 2\r\n", "\r\n{}"),
    "a blank before the other colon": ("Transfer-Encoding : chunked\r\n", ONE_CHUNK),
    "an unknown coding": ("Transfer-Encoding: xchunked\r\n", ONE_CHUNK),
    "a list of codings": ("Transfer-Encoding: identity, chunked\r\n", ONE_CHUNK),
    "a coding twice": ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", ONE_CHUNK),
    "a coding behind a control character": ("Transfer-Encoding: \x0bchunked\r\n", ONE_CHUNK),
    "a folded length": ("Content-Length:\r\n 2\r\n", "\r\n{}"),
    "a bare CR": ("X: a\rContent-Length: 20\r\nContent-Length: 2\r\n", "\r\n{}"),
    "a length behind a bare LF": ("X: a\nContent-Length: 20\r\nContent-Length: 2\r\n", "\r\n{}"),
    "a NUL in a name": ("Content-Length\0: 20\r\nContent-Length: 2\r\n", "\r\n{}"),
    "a name that is none": ("Content Length: 20\r\nContent-Length: 2\r\n", "\r\n{}"),
    "an empty name": (": 20\r\nContent-Length: 2\r\n", "\r\n{}"),
    "no colon": ("Rubbish\r\nContent-Length: 2\r\n", "\r\n{}"),
    "a chunk with an extension": ("Transfer-Encoding: chunked\r\n",
                                  "\r\n2;a=b\r\n{}\r\n0\r\n\r\n"),
    "an extension with a bare LF": ("Transfer-Encoding: chunked\r\n",
                                    "\r\n2;\nxx\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk": ("Transfer-Encoding: chunked\r\n", "\r\n-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk beyond 64 bits": ("Transfer-Encoding: chunked\r\n",
                               "\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    "a chunk without its end": ("Transfer-Encoding: chunked\r\n", "\r\n2\r\n{}XX0\r\n\r\n"),
}
# Chunks that are read leniently: answered, but nothing behind them on that connection.
LENIENT = {
    "chunked": ("Transfer-Encoding: chunked\r\n", ONE_CHUNK),
    "CHUNKED": ("Transfer-Encoding: CHUNKED\r\n", ONE_CHUNK),
    "0x2": ("Transfer-Encoding: chunked\r\n", "\r\n0x2\r\n{}\r\n0\r\n\r\n"),
    "blanks": ("Transfer-Encoding: chunked\r\n", "\r\n 2 \r\n{}\r\n0\r\n\r\n"),
    "bare LF": ("Transfer-Encoding: chunked\r\n", "\r\n2\n{}\n0\n\n"),
    "a trailer": ("Transfer-Encoding: chunked\r\n", "\r\n2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"),
}
# Whole requests that are refused and closed.
REFUSED = {
    "HTTP/0.9": "GET /health\r\n\r\n",
    "HTTP/2 without TLS's word for it": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": "GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
    "no Host": "GET /health HTTP/1.1\r\n\r\n",
    "two Hosts": "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a GET with a body": f"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: {len(HIDDEN)}\r\n\r\n",
    "a HEAD with a body": f"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(HIDDEN)}\r\n\r\n",
    "a GET with chunks": "GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a method with a control character": "GE\x01T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TRACE": "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    "an endless address": f"GET /{'a' * 20000} HTTP/1.1\r\nHost: x\r\n\r\n",
    "an endless header": f"GET /health HTTP/1.1\r\nHost: x\r\nX: {'a' * 20000}\r\n\r\n",
    "headers without number": "GET /health HTTP/1.1\r\nHost: x\r\n" + "a: b\r\n" * 5000 + "\r\n",
    "garbage": "\x16\x03\x01\x00\xff" * 50 + "\r\n\r\n",
}


class Bench:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        os.chmod(self.folder, 0o755)
        self.cordon = receivers.Controller(str(BUILD / "cordond"), self.folder)
        with open(self.cordon.config, "a", encoding="ascii") as config:
            config.write('trusted_proxies: ["127.0.0.9"]\n')
        self.cordon.start()
        self.api = client.Api(f"https://127.0.0.1:{self.cordon.port}",
                              str(self.cordon.state / "admin.token"),
                              str(self.cordon.state / "pki" / "ca.pem"))
        wait_for(self.is_there, "cordond", SLOW_S)

    def is_there(self):
        return self.api.is_up()

    def post(self, headers):
        return ("POST /api/v1/policy/check HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {self.api.token}\r\n{headers}")

    def connect(self, port=None):
        plain = socket.create_connection(("127.0.0.1", port or self.cordon.port), timeout=SLOW_S)
        return plain if port else self.api.tls.wrap_socket(plain, server_hostname="127.0.0.1")

    def talk(self, text, port=None):
        """(statuses, everything) until the server closes the connection."""
        with self.connect(port) as line:
            heard = b""
            try:
                line.sendall(text.encode("latin-1"))
                while more := line.recv(65536):
                    heard += more
            except OSError as error:  # closed before it had taken all
                assert not isinstance(error, TimeoutError), heard
        return [int(one) for one in re.findall(rb"HTTP/1\.[01] (\d{3})", heard)], heard


@pytest.fixture(scope="module")
def bench():
    with tempfile.TemporaryDirectory(prefix="cordon-abuse-") as folder:
        made = Bench(folder)
        yield made
        made.cordon.stop()


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_can_be_read_in_two_ways_is_refused(bench, name):
    headers, rest = DOUBTFUL[name]
    statuses, heard = bench.talk(bench.post(headers) + rest + HIDDEN)
    assert len(statuses) == 1 and 400 <= statuses[0] < 500, (statuses, heard)
    assert b"hidden" not in heard


@pytest.mark.parametrize("name", LENIENT)
def test_behind_chunks_nothing_is_served(bench, name):
    headers, rest = LENIENT[name]
    statuses, heard = bench.talk(bench.post(headers) + rest + HIDDEN)
    assert len(statuses) == 1, (statuses, heard)
    assert re.search(rb"(?i)connection: close", heard)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_is_refused_and_closed(bench, name):
    statuses, heard = bench.talk(REFUSED[name] + HIDDEN)
    assert len(statuses) <= 1 and all(400 <= one < 600 for one in statuses), (statuses, heard)
    assert bench.is_there()


def test_good_ones_in_a_row_are_answered_in_order(bench):
    ask = "GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + bench.api.token + "\r\n{}\r\n"
    paths = ["/health", "/api/v1/links", "/nothing", "/api/v1/version", "/health"]
    text = "".join(ask.format(path, "") for path in paths[:-1])
    statuses, heard = bench.talk(text + ask.format(paths[-1], "Connection: close\r\n"))
    assert statuses == [200, 200, 404, 200, 200]
    assert heard.index(b'"items"') < heard.index(b"there is no such path")


def test_too_large_a_body_is_not_read(bench):
    for headers in ("Content-Length: 2000000\r\n", "Expect: 100-continue\r\nContent-Length: 2000000\r\n"):
        assert bench.talk(bench.post(headers) + "\r\n" + "x" * 100)[0][-1:] == [413]
        # sent on all the same: closed
        assert bench.talk(bench.post(headers) + "\r\n" + "x" * 100000)[0][-1:] in ([413], [])
    assert bench.talk(bench.post("Transfer-Encoding: chunked\r\n") + "\r\n"
                      + ("10000\r\n" + "x" * 65536 + "\r\n") * 20)[0] in ([413], [])


def test_the_slow_ones_keep_nobody_waiting(bench):
    """Half a header, half a body, half a handshake, each of many: others are served at once."""
    lines = [bench.connect() for _ in range(120)]
    raw = [socket.create_connection(("127.0.0.1", bench.cordon.port)) for _ in range(60)]
    try:
        for number, line in enumerate(lines):
            line.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: " if number % 2 else
                         b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
        for line in raw:
            line.sendall(b"\x16\x03\x01\x02")
        began = time.monotonic()
        for _ in range(5):
            assert bench.api.get("/version")
        assert time.monotonic() - began < SLOW_S
        assert b"cordon_web_connections " in bench.api.text("/metrics").encode()
    finally:
        for line in [*lines, *raw]:
            line.close()


def test_garbage_for_tls_ends_nothing(bench):
    before = bench.cordon.roles()["web"]
    for text in (b"", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(4096),
                 b"\x16\x03\x01\xff\xff" + bytes(200), b"\x80\x2e\x01\x03\x00" + bytes(41)):
        with socket.create_connection(("127.0.0.1", bench.cordon.port), timeout=SLOW_S) as line:
            heard = b""
            try:
                line.sendall(text)
                line.shutdown(socket.SHUT_WR)
                while more := line.recv(4096):
                    heard += more
            except OSError as error:  # it was closed at the first bytes
                assert not isinstance(error, TimeoutError)
            assert not heard.startswith(b"HTTP/")
    assert bench.is_there() and bench.cordon.roles()["web"] == before


def test_nobody_renegotiates(bench):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{bench.cordon.port}",
                           "-tls1_2", "-CAfile", bench.cordon.state / "pki" / "ca.pem"],
                          input="R\n", capture_output=True, text=True, timeout=SLOW_S, check=False)
    assert "no renegotiation" in (done.stdout + done.stderr).lower(), done.stderr
    assert bench.is_there()


# ---- behind a proxy ----

@pytest.fixture(scope="module")
def proxy(bench):
    """nginx, which keeps its connections to cordond for whoever comes next."""
    if not shutil.which("nginx"):
        pytest.skip("there is no nginx")
    port, folder = receivers.free_port(), bench.folder
    (folder / "nginx.conf").write_text(f"""
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream cordon {{ server 127.0.0.1:{bench.cordon.port}; keepalive 1; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass https://cordon; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_request_buffering off; proxy_set_header Host $host;
      proxy_next_upstream off;
    }}
  }}
}}
""")
    process = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf"],
                               stderr=subprocess.DEVNULL)
    wait_for(lambda: receivers.is_open(port), "nginx", SLOW_S)
    yield port
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def test_behind_nginx_nobody_gets_anothers_answer(bench, proxy):
    victim = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert bench.talk(victim, proxy)[0] == [200]
    served = 0
    for name, (headers, rest) in {**DOUBTFUL, **LENIENT}.items():
        with bench.connect(proxy) as line:  # not waited for: the victim comes at once
            line.sendall((bench.post(headers) + rest + HIDDEN).encode("latin-1"))
            for _ in range(2):
                statuses, heard = bench.talk(victim, proxy)
                assert b"hidden" not in heard and b"no such path" not in heard, name
                # a connection that cordond has just closed is the proxy's 502, never another's answer
                assert statuses in ([200], [502]), (name, heard)
                served += statuses == [200]
    assert served > len(DOUBTFUL)


@pytest.fixture(scope="module")
def packaged(bench):
    """The address of nginx with packaging/nginx.conf as it stands, but for places."""
    if not shutil.which("nginx"):
        pytest.skip("there is no nginx")
    port, folder, pki = receivers.free_port(), bench.folder / "packaged", bench.cordon.state / "pki"
    folder.mkdir()
    authority = receivers.Authority(folder / "authority")
    certificate, key = authority.issue("localhost")
    site = (TOP / "packaging" / "nginx.conf").read_text(encoding="utf-8")
    for there, here in (("127.0.0.1:8443", f"127.0.0.1:{bench.cordon.port}"),
                        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
                        ("/etc/nginx/cordon.pem", str(certificate)),
                        ("/etc/nginx/cordon.key", str(key)),
                        ("/etc/nginx/cordon-ca.pem", f"{pki}/ca.pem"),
                        ("proxy_pass https://cordon;",
                         "proxy_pass https://cordon; proxy_bind 127.0.0.9;")):
        assert there in site, there
        site = site.replace(there, here)
    (folder / "nginx.conf").write_text(f"""
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {site}
}}
""")
    process = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf"],
                               stderr=subprocess.DEVNULL)
    wait_for(lambda: receivers.is_open(port), "nginx", SLOW_S)
    yield client.Api(f"https://127.0.0.1:{port}", str(bench.cordon.state / "admin.token"),
                     str(authority.file))
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def test_behind_nginx_each_has_an_own_address(bench, packaged):
    password = (bench.cordon.state / "admin.password").read_text().strip()
    spoofs = [{}, {"X_Forwarded_For": "192.0.2.1"}, {"X_Forwarded_For": "192.0.2.1, 127.0.0.9"},
              {"X_Forwarded_For": "junk"}, {"Forwarded": "for=192.0.2.1"}]
    for api in (packaged, bench.api):  # and straight, where the header is nobody's to send
        for spoof in spoofs:
            person = Browser(api)
            status, _ = person.send("POST", "/session", {"name": "admin", "password": password},
                                    **spoof)
            assert status == 200
            address = next(one["address"] for one in person.send("GET", "/session/list")[1]["items"]
                           if one["current"])
            assert address == person.address, (address, spoof)
            wait_for(lambda: [row for row in bench.api.items("/audit?action=session.open")  # written behind
                              if row["object"] == person.address], "its row of the audit", SLOW_S)
    guesser, other = Browser(packaged), Browser(packaged)
    codes = [guesser.send("POST", "/session", {"name": f"nobody{i}", "password": "a guess at it"},
                          X_Forwarded_For=f"192.0.2.{i}")[0] for i in range(22)]
    assert codes[:20] == [401] * 20 and 429 in codes[20:], codes  # however it calls itself
    assert other.sign_in("admin", password)[0] == 200  # and the next desk signs in
