"""Outside clients of Cordon that write down what was acknowledged to them, and nothing else.

Each goes on for as long as it runs: what is not answered is asked again, as a good client does.  At
the end (or in between, while they rest) what they remember is compared with what Cordon says, what
its database holds and what the switches do.
"""
import http.client
import json
import random
import socket
import ssl
import struct
import threading
import time

PATIENCE_S = 5


class Http:
    """One connection to the API, made again whenever it breaks."""

    def __init__(self, lab):
        with open(f"{lab.state_dir}/admin.token", encoding="ascii") as file:
            self.headers = {"Authorization": f"Bearer {file.read().strip()}",
                            "Content-Type": "application/json"}
        self.tls = ssl.create_default_context(cafile=f"{lab.state_dir}/pki/ca.pem")
        self.connection = None

    def ask(self, method, path, body=None):
        """(status, answer); None: no answer came, and what became of it is not known."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection("127.0.0.1", 8443, context=self.tls,
                                                              timeout=PATIENCE_S)
            self.connection.request(method, "/api/v1" + path,
                                    json.dumps(body) if body is not None else None, self.headers)
            answer = self.connection.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data else None
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            return None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None


class Client(threading.Thread):
    """Does one step after another; rests between two of them when it is told to."""

    def __init__(self, lab, seed):
        super().__init__(daemon=True)
        self.lab, self.random = lab, random.Random(seed)
        self.may_go, self.rests, self.is_over = threading.Event(), threading.Event(), False
        self.errors = []

    def run(self):
        while not self.is_over:
            if not self.may_go.is_set():
                self.rests.set()
                self.may_go.wait(0.05)
                continue
            self.rests.clear()
            try:
                self.step()
            except Exception as error:  # a test must hear of it
                self.errors.append(f"{type(self).__name__}: {error!r}")
                return
        self.rests.set()

    def step(self):
        raise NotImplementedError

    def pause(self, most_s):
        time.sleep(self.random.uniform(0, most_s))

    def until_answered(self, ask, good, most_s=60):
        """Asks again until there is an answer of a status in 'good'; anything else but a server's
        own trouble is an error."""
        end = time.monotonic() + most_s
        while time.monotonic() < end:
            answer = ask()
            if answer and answer[0] in good:
                return answer
            if answer and answer[0] < 500 and answer[0] != 429:
                raise AssertionError(f"refused: {answer}")
            time.sleep(0.01)
        raise AssertionError(f"no good answer within {most_s} s; the last was {answer}")


class Wisher(Client):
    """Contains its endpoints and releases them again, by external ids of its own."""

    def __init__(self, lab, seed, endpoints):
        super().__init__(lab, seed)
        self.http = Http(lab)
        self.endpoints = endpoints
        self.made = {}      # external id -> containment id, as acknowledged
        self.released = set()  # containment ids whose release was acknowledged
        self.live = {}      # endpoint -> containment id, by what was acknowledged
        self.number = 0

    def step(self):
        endpoint = self.random.choice(self.endpoints)
        if endpoint in self.live:
            self._release(endpoint)
        else:
            self._contain(endpoint)
        self.pause(0.02)

    def _contain(self, endpoint):
        self.number += 1
        name = f"{self.name}-{self.number}"
        body = {"action": "isolate", "mac": endpoint.mac, "reason": f"wish {name}",
                "external_id": name}
        _, answer = self.until_answered(lambda: self.http.ask("POST", "/containments", body),
                                        (200, 201))
        self.made[name] = answer["id"]
        self.live[endpoint] = answer["id"]

    def _release(self, endpoint):
        wanted = self.live[endpoint]
        self.until_answered(lambda: self.http.ask(
            "POST", f"/containments/{wanted}/release", {"reason": f"by {self.name}"}), (200,))
        self.released.add(wanted)
        del self.live[endpoint]


class Operator(Client):
    """Releases what detections contained, now and then."""

    def __init__(self, lab, seed, endpoints):
        super().__init__(lab, seed)
        self.http = Http(lab)
        self.macs = {one.mac: one for one in endpoints}
        self.released = set()
        self.released_at = {}  # endpoint -> when the last release was acknowledged

    def step(self):
        answer = self.http.ask("GET", "/containments?limit=100")
        found = answer[1]["items"] if answer and answer[0] == 200 else []
        found = [one for one in found if one.get("mac") in self.macs
                 and one.get("requested_by", "").startswith("policy:")
                 and one["state"] not in ("pending",)]
        if found:
            one = self.random.choice(found)
            self.until_answered(lambda: self.http.ask(
                "POST", f"/containments/{one['id']}/release", {"reason": "operator"}), (200,))
            self.released.add(one["id"])
            self.released_at[self.macs[one["mac"]]] = time.time()
        self.pause(0.1)


def eve_line(endpoint, name):
    """A Suricata alert; its signature tells it from all others."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    stamp += f".{int(now * 1e6) % 10**6:06d}+0000"
    return json.dumps({
        "timestamp": stamp, "flow_id": time.time_ns() % 10**15, "event_type": "alert",
        "src_ip": endpoint.ip, "src_port": 40001, "dest_ip": "198.51.100.66", "dest_port": 443,
        "proto": "TCP", "app_proto": "tls", "direction": "to_server",
        "alert": {"action": "allowed", "gid": 1, "signature_id": 2030001, "rev": 1,
                  "signature": f"C2 check-in {name}",
                  "category": "Malware Command and Control Activity Detected", "severity": 1},
        "flow": {"src_ip": endpoint.ip, "dest_ip": "198.51.100.66", "src_port": 40001,
                 "dest_port": 443},
        "ether": {"src_mac": endpoint.mac}}) + "\n"


class Suricata(Client):
    """Writes alerts into its file, which Cordon follows: what is in the file must not be lost."""

    def __init__(self, lab, seed, endpoints, path):
        super().__init__(lab, seed)
        self.endpoints, self.path = endpoints, path
        self.written = []
        self.last = {}  # endpoint -> when we began to write its last line

    def step(self):
        endpoint = self.random.choice(self.endpoints)
        name = f"{self.name}-{len(self.written)}"
        begin = time.time()  # before it: a release that comes while we write may be meant for it, too
        with open(self.path, "ab", buffering=0) as file:
            file.write(eve_line(endpoint, name).encode())
        self.written.append(f"C2 check-in {name}")
        self.last[endpoint] = begin
        self.pause(0.02)


class Malware(Client):
    """Calls its C&C server by real frames, which a real sensor sees while it lives."""

    def __init__(self, lab, seed, endpoints, router):
        super().__init__(lab, seed)
        self.endpoints, self.router = endpoints, router

    def step(self):
        self.lab.wires.call_home(self.random.choice(self.endpoints), self.router)
        self.pause(0.1)


class WireSensor(Client):
    """A sensor of our own kind with a spool: sends until it is acknowledged, over mutual TLS."""

    def __init__(self, lab, seed, endpoints, name="w1", address=("10.99.0.1", 8702)):
        super().__init__(lab, seed)
        pki = lab.issue("sensor", name)
        self.sensor, self.endpoints, self.address = name, endpoints, address
        self.tls = ssl.create_default_context(cafile=f"{pki}/ca.pem")
        self.tls.check_hostname = False
        self.tls.load_cert_chain(f"{pki}/{name}.pem", f"{pki}/{name}.key")
        self.socket, self.buffer = None, b""
        self.spool = {}    # id -> message, not acknowledged
        self.acked = set()
        self.sent, self.number = [], 0
        self.connects = 0

    def _send(self, message):
        data = json.dumps(message).encode()
        self.socket.sendall(struct.pack("!I", len(data)) + data)

    def _open(self):
        raw = socket.create_connection(self.address, timeout=PATIENCE_S)
        try:
            self.socket = self.tls.wrap_socket(raw)
        except (OSError, ssl.SSLError):
            raw.close()
            raise
        self.buffer = b""
        self.connects += 1
        self._send({"type": "hello", "name": self.sensor, "version": "test", "boot_id": "b",
                    "run_id": "r", "wall_us": int(time.time() * 1e6)})
        for message in list(self.spool.values()):
            self._send(message)

    def close_connection(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    def _read(self, wait_s):
        """Acknowledgements that are here; none: within 'wait_s'."""
        self.socket.settimeout(max(wait_s, 0.001))
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return
        if not data:
            raise OSError("closed")
        self.buffer += data
        while len(self.buffer) >= 4:
            size = struct.unpack("!I", self.buffer[:4])[0]
            if len(self.buffer) < 4 + size:
                break
            message = json.loads(self.buffer[4:4 + size])
            self.buffer = self.buffer[4 + size:]
            for name in message.get("ids", []) if message["type"] == "ack" else []:
                self.acked.add(name)
                self.spool.pop(name, None)

    def make(self, endpoint):
        self.number += 1
        name = f"{self.sensor}-{self.number:06d}"
        now = int(time.time() * 1e6)
        self.spool[name] = {
            "type": "detection", "id": name, "sensor": self.sensor, "maker": "cordon",
            "seen_us": now, "first_us": now, "reported_us": now, "signature": f"wire {name}",
            "category": "Malware", "phase": "c2", "severity": "high", "confidence": 90,
            "src": {"ip": endpoint.ip, "mac": endpoint.mac, "port": 40000},
            "dst": {"ip": "198.51.100.67", "port": 443}, "protocol": 6, "suspect": "src",
            "count": 1}
        self.sent.append(name)
        return self.spool[name]

    def step(self):
        try:
            if self.socket is None:
                self._open()
            if len(self.spool) < 200:
                self._send(self.make(self.random.choice(self.endpoints)))
            self._read(self.random.uniform(0.001, 0.02))
        except (OSError, ssl.SSLError, ValueError):
            self.close_connection()
            time.sleep(0.02)

    def drain(self, most_s=60):
        """Sends until all is acknowledged; called while the thread rests."""
        end = time.monotonic() + most_s
        while self.spool and time.monotonic() < end:
            try:
                if self.socket is None:
                    self._open()
                self._read(0.05)
            except (OSError, ssl.SSLError, ValueError):
                self.close_connection()
                time.sleep(0.05)
        assert not self.spool, f"not acknowledged within {most_s} s: {sorted(self.spool)[:5]}"
