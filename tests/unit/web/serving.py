"""The API from outside, over a fake controller on loopback, for the tests of this folder: each is
called with SERVE CORDONCTL SOURCE.  Each JSON answer is checked against the OpenAPI document."""
import base64
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

SERVE, CORDONCTL, SOURCE = sys.argv[1:4]
sys.path.insert(0, str(pathlib.Path(SOURCE) / "tests" / "net"))
sys.dont_write_bytecode = True
import api as client  # noqa: E402  (after the path)

ROLES = ("viewer", "operator", "admin", "auditor")
SLOW_S = 120  # of waits, on a machine that has much to do; never of a measurement
WISH = {"action": "isolate", "mac": "02:00:00:00:01:01", "reason": "a test"}


def counted(number):
    """One of 30 that a rule of the fixture asks for."""
    return {"id": f"d-{number}", "sensor": "s1", "maker": "cordon",
            "seen_us": 1700000000000000 + number * 1000, "signature": "sweep",
            "phase": "discovery", "severity": "high", "confidence": 90, "handshake": True,
            "src": {"ip": "192.0.2.101"}, "dst": {"ip": "192.0.2.150"}}


def wait_for(good, what):
    """What it gives, once it gives something: some rows of the audit are written behind the answer."""
    end = time.monotonic() + SLOW_S
    while not (value := good()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.01)
    return value


class Server:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="cordon-web-")
        self.process = subprocess.Popen([SERVE, self.folder.name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca = f"{self.folder.name}/pki/ca.pem"
        self.apis = {role: client.Api(self.url, self.token_file(role), self.ca) for role in ROLES}

    def token_file(self, role):
        return f"{self.folder.name}/{role}.token"

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"done {command}\n"

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(SLOW_S)
        self.process.stdout.close()
        self.folder.cleanup()
        assert status == 0, f"the server ended with {status}"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.viewer, cls.operator, cls.admin = (cls.server.apis[role] for role in ROLES[:3])

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def connect(self):
        context = ssl.create_default_context(cafile=self.server.ca)
        plain = socket.create_connection(("127.0.0.1", self.server.port), timeout=SLOW_S)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def talk(self, request):
        """Sends bytes as they are; the status of the first answer; 0: closed without one."""
        with self.connect() as tls:
            try:
                tls.sendall(request)
                answer = tls.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return 0
        return int(answer.split()[1]) if answer else 0

    def ctl(self, *words, role="admin", env=None):
        environment = dict(PATH=os.environ["PATH"], CORDON_URL=self.server.url,
                           CORDON_CA=self.server.ca, LANG="C.UTF-8",
                           CORDON_TOKEN_FILE=self.server.token_file(role)) | (env or {})
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        return subprocess.run([CORDONCTL, *words], env=environment, capture_output=True, text=True,
                              timeout=SLOW_S, check=False)


class Device:
    """A machine that enrols: its key, and what it asks with it."""

    def __init__(self, server, role="edge", name="sw1"):
        self.server, self.role, self.name = server, role, name
        self.folder = tempfile.TemporaryDirectory(prefix="cordon-device-")
        self.key = f"{self.folder.name}/key"
        self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)

    def openssl(self, *words):
        return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout

    def request(self, subject=None, *more):
        return base64.b64encode(self.openssl(
            "req", "-new", "-key", self.key, "-outform", "DER", "-subj",
            subject or f"/O=Cordon/OU={self.role}/CN={self.name}", *more)).decode()

    def enrol(self, token, request=None):
        """(status, JSON)"""
        status, _, text = self.server.apis["viewer"].send(
            "POST", client.full("/enrol"),
            json.dumps({"token": token, "request": self.request() if request is None else request}).encode(),
            {"Content-Type": "application/json"})
        return status, json.loads(text)

    def certificate(self, answer):
        path = f"{self.folder.name}/certificate"
        pathlib.Path(path).write_bytes(base64.b64decode(answer["certificate"]))
        return path

    def close(self):
        self.folder.cleanup()


class Browser:
    """One browser: its cookie, and the session's csrf."""

    def __init__(self, server):
        self.api, self.cookie, self.csrf = server.apis["viewer"], None, ""

    def send(self, method, path, body=None, **headers):
        """(status, JSON); headers with '_' for '-', None leaves one out."""
        own = {"Cookie": self.cookie, "X_Cordon_Csrf": self.csrf,
               "Content_Type": "application/json" if body is not None else None, **headers}
        status, told, text = self.api.send(
            method, client.full(path), json.dumps(body).encode() if body is not None else None,
            {name.replace("_", "-"): value for name, value in own.items() if value})
        self.api.check(method, path, status, told.get("Content-Type", ""), text)
        self.told = told
        if told.get("Set-Cookie"):
            self.cookie = told["Set-Cookie"].split(";")[0]
        return status, json.loads(text)

    def sign_in(self, name, password, **headers):
        status, body = self.send("POST", "/session", {"name": name, "password": password},
                                 **headers)
        self.csrf = body.get("csrf", "")
        return status, body
