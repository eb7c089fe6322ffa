"""A small lab for faults: cordond, two switches and many endpoints, up in a second or two.
With has_links, what leads from ctl to a machine can be cut and stretched: links["s1"] (links.py).

             ctl (cordond)  10.99.0.1, bridge mg
              |m-s1     |m-s2                  management: what a test may cut, delay or lose
              s1 ------- s2 ... bridges with cordon-edge, joined by 'uplink'
           p1 .. p8    p1 .. p8 (and mon)
              |           |
             wires: every endpoint's end of its cable, in one namespace, without addresses

Endpoints are not machines but frames: whoever wants to know who reaches whom puts a frame on one
cable and looks at which others it comes out (Wires.reaches), a hundred pairs in a fraction of a
second, and nothing that a stack remembers stands in between.

The calling thread lives in ctl while a Light is open: the API is at 127.0.0.1:8443.
"""
import json
import os
import random
import secrets
import select
import shutil
import signal
import socket
import string
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import campus as places
import netns
from family import Stall, children_of, kill_family
from links import Link
from netns import LabError, wait_for

SWITCHES = ("s1", "s2")
PORTS = 8
MANAGED = SWITCHES + ("sensor", "browser")
MACHINES = ("ctl", "cables") + MANAGED + ("wires",)
NETWORK = "10.77.0"
ETH_P_ALL = 3
CNC = "203.0.113.66"

POLICY = """defaults:
  mode: observe
  low_confidence: 40
networks:
  - name: campus
    prefixes: ["10.77.0.0/24"]
    mode: auto
    home: true
permit_sets:
  - name: updates
    permits:
      - {server: 10.77.0.250, protocol: udp, port: 7}
protected:
  - name: gateway
    addresses: [10.77.0.1]
    macs: ["02:00:00:00:ff:01"]
lists:
  - {name: cnc, confidence: 90}
budgets:
  per_minute: 10000
  per_hour: 10000
  network_percent: 100
  switch_percent: 100
hold:
  pending_s: 3600
  then: revert
after_release:
  grace_s: 0
  watch_s: 0
policies:
  - name: command and control
    when:
      phases: [c2]
      severity: medium
      confidence: 40
    then:
      - {action: isolate}
"""

running = []  # for the report of a failure


class Endpoint:
    """One cable's end: a MAC and an address, on a port of a switch."""

    def __init__(self, number):
        self.number = number
        self.name = f"h{number}"
        self.switch = SWITCHES[(number - 1) // PORTS]
        self.port = f"p{(number - 1) % PORTS + 1}"
        self.cable = self.name  # whose cable it is at now, see Wires.move
        self.mac = f"02:00:00:00:01:{number:02x}"
        self.ip = f"{NETWORK}.{10 + number}"

    def __repr__(self):
        return self.name

    @property
    def mac_bytes(self):
        return bytes.fromhex(self.mac.replace(":", ""))

    @property
    def ip_bytes(self):
        return socket.inet_aton(self.ip)


def arp_frame(endpoint):
    """'I have that address', to everybody."""
    return (b"\xff" * 6 + endpoint.mac_bytes + b"\x08\x06"
            + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + endpoint.mac_bytes + endpoint.ip_bytes
            + bytes(6) + endpoint.ip_bytes).ljust(60, b"\0")


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


def ip_frame(macs, ips, protocol, body):
    """From the first MAC and address to the second ones."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0) + b"".join(ips)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return (macs[1] + macs[0] + b"\x08\x00" + head + body).ljust(60, b"\0")


def udp_frame(source, target, mark, port=9):
    """A datagram from one endpoint to another, with a mark to know it by."""
    body = struct.pack("!HHHH", 40000, port, 8 + len(mark), 0) + mark
    return ip_frame((source.mac_bytes, target.mac_bytes), (source.ip_bytes, target.ip_bytes), 17,
                    body)


def tcp_frame(macs, ips, ports, numbers, flags, data=b""):
    body = struct.pack("!HHIIBBHHH", *ports, *numbers, 0x50, flags, 65535, 0, 0) + data
    pseudo = b"".join(ips) + struct.pack("!HH", 6, len(body))
    body = body[:16] + struct.pack("!H", checksum(pseudo + body)) + body[18:]
    return ip_frame(macs, ips, 6, body)


class Wires:
    """The endpoints' ends of all cables."""

    def __init__(self, namespace, endpoints):
        self.namespace = namespace
        self.endpoints = {one.name: one for one in endpoints}
        self.sockets = {name: namespace.call(self._open, name) for name in self.endpoints}

    @staticmethod
    def _open(name):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        sock.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
        sock.bind((name, ETH_P_ALL))
        sock.setblocking(False)
        return sock

    def close(self):
        for sock in self.sockets.values():
            sock.close()

    def put(self, endpoint, frame):
        try:
            self.sockets[endpoint.cable].send(frame)
        except OSError:
            pass  # the cable is unplugged

    def move(self, endpoint, cable):
        """To another cable, as a machine that is carried elsewhere: link down here, up there."""
        for name in (endpoint.cable, cable):
            self.namespace.ip(f"link set {name} down", f"link set {name} up")
        endpoint.cable = cable
        self.put(endpoint, arp_frame(endpoint))

    def announce(self, endpoints=None):
        for one in endpoints or self.endpoints.values():
            self.put(one, arp_frame(one))

    def reaches(self, pairs, settle_s=0.06, port=9):
        """Which of these (from, to) come through: a set of pairs.  Ends when nothing has come for
        'settle_s'."""
        marks = {}
        self.drain()
        for pair in pairs:
            mark = os.urandom(12)
            marks[mark] = pair
            self.put(pair[0], udp_frame(pair[0], pair[1], mark, port))
        found, end = set(), time.monotonic() + settle_s
        by_socket = {sock: name for name, sock in self.sockets.items()}
        while len(found) < len(marks):
            # what has come is looked at in any case: it may be we who did not run meanwhile
            ready = select.select(list(by_socket), [], [], max(end - time.monotonic(), 0))[0]
            if not ready:
                break
            for sock in ready:
                try:
                    data, where = sock.recvfrom(2048)
                except OSError:
                    continue
                pair = marks.get(data[42:54]) if where[2] != socket.PACKET_OUTGOING else None
                if pair and pair[1].cable == by_socket[sock]:
                    found.add(pair)
                    end = time.monotonic() + settle_s
        return found

    def call_home(self, endpoint, router, server=CNC):
        """A TCP connection to a C&C server, which answers from behind another endpoint."""
        there = (endpoint.mac_bytes, router.mac_bytes), (endpoint.ip_bytes, socket.inet_aton(server))
        back = tuple(reversed(there[0])), tuple(reversed(there[1]))
        port, number = random.randrange(20000, 60000), random.randrange(1, 1 << 30)
        syn, ack, push = 2, 16, 24
        self.put(endpoint, tcp_frame(*there, (port, 443), (number, 0), syn))
        self.put(router, tcp_frame(*back, (443, port), (7000, number + 1), syn | ack))
        self.put(endpoint, tcp_frame(*there, (port, 443), (number + 1, 7001), ack))
        self.put(endpoint, tcp_frame(*there, (port, 443), (number + 1, 7001), push, b"hello"))
        self.put(router, tcp_frame(*back, (443, port), (7001, number + 6), push, b"there"))

    def drain(self):
        for sock in self.sockets.values():
            try:
                while True:
                    sock.recv(2048)
            except OSError:
                pass


class Light:
    """Use as a context manager.  'sources' and 'switches' are YAML for cordond.yaml."""

    def __init__(self, build_dir=None, sources="", switches="", mirrors="", policy=POLICY,
                 env=None, has_links=False):
        self.prefix = f"ll{secrets.token_hex(3)[:5]}"
        self.build = os.path.abspath(build_dir or os.environ.get(
            "CORDON_BUILD", os.path.join(places.TOP, "build")))
        self.dir = os.path.join(places.BASE_DIR, self.prefix)
        self.log_dir = os.path.join(self.dir, "log")
        self.state_dir = os.path.join(self.dir, "state")
        self.config_file = os.path.join(self.dir, "cordond.yaml")
        self.sources, self.switches, self.mirrors, self.policy = sources, switches, mirrors, policy
        self.env = dict(os.environ, **(env or {}))
        self.has_links, self.links, self.roles = has_links, {}, []
        self.machines, self.edges, self.endpoints = {}, {}, []
        self.cordond = self.sensor = self.wires = self._home = self._api = None

    # ------------------------------------------------------------- start, stop

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            print(self.story(), file=sys.stderr)
            self.close()
            raise

    def __exit__(self, kind, value, trace):
        if kind not in (None, KeyboardInterrupt, SystemExit):
            print(self.story(), file=sys.stderr)
        self.close()

    def start(self):
        places.clean_stale()
        os.makedirs(self.log_dir, mode=0o755)
        with open(os.path.join(self.dir, "owner"), "w", encoding="ascii") as file:
            file.write(f"{os.getpid()} {places.start_time(os.getpid())}\n")
        self._make_machines()
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        netns.set_namespace(self.machines["ctl"].fd)
        self._write_config()
        self.start_cordond()
        for name in SWITCHES:
            self.start_edge(name)
        self.wires = Wires(self.machines["wires"], self.endpoints)
        self.wait_level()
        self.roles = sorted(self.role_pids())  # what runs when nothing has died
        self.locate()
        running.append(self)
        return self

    def _make_machines(self):
        netns.batch(None, [f"netns add {self.prefix}-{name}" for name in MACHINES])
        for name in MACHINES:
            self.machines[name] = netns.Namespace(self.prefix, name, self.log_dir)
            self.machines[name].sysctl(dict(places.QUIET, **places.NO_IPV6))
        self.endpoints = [Endpoint(number) for number in range(1, 2 * PORTS + 1)]
        links = [self._veth("s1", "uplink", "s2", "uplink"),
                 self._veth("s1", "mon", "sensor", "mon")]
        for name in MANAGED:
            if self.has_links:
                links += [self._veth("ctl", f"m-{name}", "cables", f"c-{name}"),
                          self._veth("cables", f"d-{name}", name, "mgmt")]
            else:
                links.append(self._veth("ctl", f"m-{name}", name, "mgmt"))
        links += [self._veth(one.switch, one.port, "wires", one.name, one.mac)
                  for one in self.endpoints]
        netns.batch(None, links)
        for index, name in enumerate(MANAGED):
            self.machines[name].ip(f"addr add 10.99.0.{11 + index}/24 dev mgmt", "link set mgmt up",
                                   "link set lo up")
        self.machines["sensor"].ip("link set mon up arp off promisc on")
        self.machines["s1"].ip("link set mon up arp off")
        self.machines["ctl"].ip(
            "link set lo up",
            "link add mg type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            "addr add 10.99.0.1/24 dev mg", "link set mg up",
            *[f"link set m-{name} master mg up" for name in MANAGED])
        for name in MANAGED if self.has_links else ():
            self.machines["cables"].ip(f"link set c-{name} up arp off promisc on",
                                       f"link set d-{name} up arp off promisc on")
            self.links[name] = Link(self.machines["cables"], f"c-{name}", f"d-{name}")
        self.machines["wires"].ip(*[f"link set {one.name} up arp off" for one in self.endpoints])

    def _veth(self, a, a_port, b, b_port, mac=None):
        address = f"address {mac} " if mac else ""
        return (f"link add {b_port} {address}netns {self.prefix}-{b} "
                f"type veth peer name {a_port} netns {self.prefix}-{a}")

    def _write_config(self):
        with open(os.path.join(self.dir, "policy.yaml"), "w", encoding="ascii") as file:
            file.write(self.policy)
        with open(self.config_file, "w", encoding="ascii") as file:
            file.write(f"""state_dir: "{self.state_dir}"
policy_file: "{self.dir}/policy.yaml"
api_listen: "[::]:8443"
edge_listen: "[::]:8701"
sensor_listen: "[::]:8702"
server_names: "10.99.0.1,127.0.0.1,localhost"
log_format: text
switches:
  - name: s1
    driver: edge
  - name: s2
    driver: edge
{self.switches}
{self.mirrors}
{self.sources}
""")

    def program(self, name):
        for folder in ("", "src/edge", "src/sensor", "src/cli"):
            path = os.path.join(self.build, folder, name)
            if os.path.isfile(path):
                return path
        raise LabError(f"{name} is not built: run make build")

    def start_cordond(self, wait=True, env=None):
        self.cordond = self.machines["ctl"].spawn("cordond", self.program("cordond"), "--config",
                                                  self.config_file, env=env or self.env)
        if wait:
            wait_for(lambda: self.is_answering() or not self.cordond.is_running(),
                     "cordond's API", 30)
            if not self.cordond.is_running():
                raise LabError(f"cordond has ended:\n{self.cordond.log(2000)}")

    def is_answering(self):
        """Does core answer through web?"""
        try:
            return self.api.raw("GET", "/version", validate=False)[0] == 200
        except (OSError, ValueError, AssertionError):
            return False

    def issue(self, role, name):
        out = os.path.join(self.dir, name)
        if not os.path.exists(os.path.join(out, f"{name}.pem")):
            done = subprocess.run([self.program("cordond"), "pki", "issue", role, name, "--state",
                                   self.state_dir, "--out", out], capture_output=True, text=True,
                                  timeout=60, check=False)
            if done.returncode != 0:
                raise LabError(f"pki issue {role} {name}: {done.stderr}")
        return out

    def edge_config(self, name):
        ports = [f"  - {{name: p{number}, role: access}}" for number in range(1, PORTS + 1)]
        ports.append("  - {name: uplink, role: uplink}")
        index = SWITCHES.index(name)
        template = os.path.join(places.HERE, "config", "edge.yaml")
        with open(template, encoding="utf-8") as file:
            text = string.Template(file.read()).substitute(
                name=name, pki=self.issue("edge", name), address=f"10.99.0.{11 + index}",
                ports="\n".join(ports), state_dir=self.edge_state(name),
                run_dir=os.path.join(self.dir, f"{name}-pins"))
        path = os.path.join(self.dir, f"{name}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def edge_state(self, name):
        return os.path.join(self.dir, f"{name}-state")

    def start_edge(self, name, env=None):
        self.edges[name] = self.machines[name].spawn(
            f"edge-{name}", self.program("cordon-edge"), "--config", self.edge_config(name),
            env=env or self.env)

    def edge_command(self, name, word):
        """--status, --panic, --resume on the switch itself."""
        return self.machines[name].run(self.program("cordon-edge"), word, "--config",
                                       os.path.join(self.dir, f"{name}.yaml"), check=False)

    def start_sensor(self, name="s9"):
        pki = self.issue("sensor", name)
        lists = os.path.join(self.dir, "lists")
        os.makedirs(lists, exist_ok=True)
        with open(os.path.join(lists, "cnc.txt"), "w", encoding="ascii") as file:
            file.write(f"{CNC}\n")
        path = os.path.join(self.dir, "sensor.yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"""name: "{name}"
interfaces: [mon]
server: "10.99.0.1:8702"
ca: "{pki}/ca.pem"
cert: "{pki}/{name}.pem"
key: "{pki}/{name}.key"
spool_dir: "{self.dir}/sensor-state"
home_networks:
  - prefix: 10.77.0.0/24
lists:
  - {{name: cnc, path: "{lists}/cnc.txt", confidence: 90}}
""")
        self.sensor = self.machines["sensor"].spawn("sensor", self.program("cordon-sensor"),
                                                    "--config", path, env=self.env)

    def close(self):
        if self in running:
            running.remove(self)
        for link in self.links.values():
            link.close()
        if self.wires:
            self.wires.close()
        if self._home is not None:
            netns.set_namespace(self._home)
            os.close(self._home)
            self._home = None
        for machine in self.machines.values():
            machine.close()
        netns.remove(self.prefix)
        for name in SWITCHES:
            places.unmount_below(os.path.join(self.dir, f"{name}-pins"))
        if not os.environ.get("CORDON_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def story(self, last=1500):
        parts = []
        for process in [self.cordond, self.sensor, *self.edges.values()]:
            if process:
                state = "running" if process.is_running() else f"ended {process.popen.returncode}"
                parts.append(f"---- {process.name} ({state})\n{process.log(last)}")
        return "\n".join(parts)

    # ------------------------------------------------------------------ asking

    @property
    def api(self):
        if self._api is None:
            self._api = self.new_api()
        return self._api

    def new_api(self):
        sys.path.insert(0, os.path.join(places.TOP, "tests", "net"))
        import api
        return api.Api("https://127.0.0.1:8443", os.path.join(self.state_dir, "admin.token"),
                       os.path.join(self.state_dir, "pki", "ca.pem"))

    def items(self, path):
        """All items of a list; not checked against the document: that is for other tests."""
        found, cursor = [], None
        while True:
            mark = "&" if "?" in path else "?"
            page = self.api.get(f"{path}{mark}limit=500" + (f"&cursor={cursor}" if cursor else ""),
                                validate=False)
            found += page["items"]
            cursor = page.get("next")
            if cursor is None:
                return found

    def switch(self, name):
        return self.api.get(f"/switches/{name}", validate=False)

    def containment(self, containment_id):
        return self.api.get(f"/containments/{containment_id}", validate=False)

    def contain(self, endpoint, external_id=None, **more):
        body = {"action": "isolate", "mac": endpoint.mac, "reason": "a test", **more}
        if external_id:
            body["external_id"] = external_id
        status, answer = self.api.raw("POST", "/containments", body, validate=False)
        if status not in (200, 201):
            raise LabError(f"contain {endpoint}: HTTP {status}: {answer}")
        return answer

    def release(self, containment_id, reason="a test"):
        status, answer = self.api.raw("POST", f"/containments/{containment_id}/release",
                                      {"reason": reason}, validate=False)
        if status != 200:
            raise LabError(f"release {containment_id}: HTTP {status}: {answer}")
        return answer

    def release_all(self):
        for item in self.items("/containments"):
            if item["state"] == "pending":
                self.api.raw("POST", f"/pending/{item['id']}/revert", {"reason": "end of a test"},
                             validate=False)
            else:
                self.release(item["id"], "end of a test")

    def is_level(self):
        """Every switch is there and holds what it must."""
        switches = [one for one in self.items("/switches") if one["name"] in SWITCHES]
        return len(switches) == len(SWITCHES) and all(one["state"] == "good" for one in switches)

    def wait_level(self, timeout_s=30):
        def level():
            try:
                return self.is_level()
            except (OSError, ValueError, AssertionError):
                return False
        wait_for(level, "both switches are good", timeout_s, 0.05)

    def wait_state(self, containment_id, states=("verified",), timeout_s=30):
        def there():
            try:
                found = self.containment(containment_id)
            except (OSError, ValueError, AssertionError):
                return None
            return found if found["state"] in states else None
        return wait_for(there, f"{containment_id} {'/'.join(states)}", timeout_s, 0.05)

    def locate(self):
        """Every endpoint has said where it is."""
        def located():
            self.wires.announce()
            there = {mac: one for one in self.items("/endpoints") for mac in one.get("macs", [])}
            return all(there.get(one.mac, {}).get("location") for one in self.endpoints)
        wait_for(located, "every endpoint is located", 30, 0.2)
        ends = {(self.endpoints[0], self.endpoints[-1]), (self.endpoints[-1], self.endpoints[0])}
        wait_for(lambda: self.wires.reaches(ends) == ends, "the switches reach each other", 30)

    # ----------------------------------------------------------------- damage

    def role_pids(self):
        """The role processes of cordond that run now, by role."""
        found = {}
        for pid in children_of(self.cordond.pid):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if b"--role" in words:
                found[words[words.index(b"--role") + 1].decode()] = pid
        return found

    def stall(self):
        """See family.Stall: of all programs of this lab."""
        return Stall(lambda: [self.cordond.pid, *children_of(self.cordond.pid),
                              *(one.pid for one in self.edges.values())])

    def kill_all(self):
        kill_family(self.cordond)

    def bpf_maps(self, name):
        """The maps that an edge holds, by name: [{'key': [...], 'value': [...]}]."""
        pid, found = self.edges[name].pid, {}
        for number in os.listdir(f"/proc/{pid}/fdinfo"):
            try:
                with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as file:
                    words = dict(line.split(":", 1) for line in file if ":" in line)
            except OSError:
                continue
            if "map_id" in words:
                try:
                    shown = bpftool("map", "show", "id", words["map_id"].strip())
                except subprocess.CalledProcessError:
                    continue  # closed meanwhile
                found[shown["name"]] = shown
        return found

    def held_macs(self, name):
        """The MACs that the kernel of that switch isolates: read from the map itself."""
        shown = next(one for key, one in self.bpf_maps(name).items() if "iso_mac" in key)
        macs = set()
        for item in bpftool("map", "dump", "id", str(shown["id"])) or []:
            key = bytes(int(byte, 16) for byte in item["key"])
            macs.add(":".join(f"{byte:02x}" for byte in key[:6]))
        return macs


def bpftool(*words):
    done = subprocess.run(["bpftool", "-j", *words], capture_output=True, text=True, timeout=60,
                          check=True)
    return json.loads(done.stdout or "null")
