"""Cordon's own programs in the campus: cordond in ctl, cordon-edge on core, e1 and e2, and
cordon-sensor beside the mirror port; with the configurations of lab/config."""
import datetime
import json
import os
import shutil
import signal
import string
import subprocess
import sys
import time

import campus as places
from family import Stall, children_of, is_alive, kill_family
from netns import LabError, wait_for

CONFIG_DIR = os.path.join(places.HERE, "config")
EDGES = ("core", "e1", "e2")

# Declared mirror sessions by name; every run uses one of them.
MIRRORS = {
    # Port mirroring at the core: each frame once, where it enters (what goes to the Internet and to
    # the servers, and between the edges); and what endpoints of one edge send each other, by ERSPAN.
    "port": """mirrors:
  - switch: core
    mirror:
      kind: port
      direction: in
      ports: [e1, e2, rt, svc, upd, web]
      carrier: local
      out_port: mon
  - switch: e1
    mirror: {kind: always, carrier: erspan, erspan_to: 10.99.0.21, session: 12}
  - switch: e2
    mirror: {kind: always, carrier: erspan, erspan_to: 10.99.0.21, session: 13}
""",
    # The same without the links between the switches: what goes from edge to edge is seen by nobody.
    "servers": """mirrors:
  - switch: core
    mirror: {kind: port, direction: both, ports: [rt, svc, web], carrier: local, out_port: mon}
  - switch: e1
    mirror: {kind: always, carrier: erspan, erspan_to: 10.99.0.21, session: 12}
  - switch: e2
    mirror: {kind: always, carrier: erspan, erspan_to: 10.99.0.21, session: 13}
""",
    # Policy-based mirroring at the core: mail and web only; the edges' copies go in a VLAN
    # through the core (RSPAN), which steers them to the mirror port.
    "policy": """mirrors:
  - switch: core
    mirror:
      kind: policy
      direction: both
      ports: [rt]
      filters:
        - {protocol: 6, port_low: 25, port_high: 25}
        - {protocol: 6, port_low: 80, port_high: 80}
        - {protocol: 6, port_low: 443, port_high: 443}
      carrier: local
      out_port: mon
  - switch: core
    mirror: {kind: transit, carrier: rspan, rspan_vlan: 999, out_port: mon}
  - switch: e1
    mirror: {kind: always, carrier: rspan, out_port: uplink, rspan_vlan: 999}
  - switch: e2
    mirror: {kind: always, carrier: rspan, out_port: uplink, rspan_vlan: 999}
""",
    # Nothing from the edges unless it is asked for in detail, one endpoint at a time.
    "detail": """mirrors:
  - switch: core
    mirror: {kind: port, direction: both, ports: [rt, svc], carrier: local, out_port: mon}
  - switch: e1
    mirror: {kind: detailed, carrier: erspan, erspan_to: 10.99.0.21, session: 22}
  - switch: e2
    mirror: {kind: detailed, carrier: erspan, erspan_to: 10.99.0.21, session: 23}
""",
}


class Cordon:
    """One controller with its edges and sensor, from an empty database."""

    count = 0

    def __init__(self, campus, policy="policy.yaml", mirrors="port", sources="", lists=None,
                 policy_text=None):
        Cordon.count += 1
        self.campus = campus
        self.dir = os.path.join(campus.dir, f"cordon{Cordon.count}")
        self.state_dir = os.path.join(self.dir, "state")
        self.policy_file = os.path.join(self.dir, "policy.yaml")
        self.config_file = os.path.join(self.dir, "cordond.yaml")
        self.lists = lists
        self.mirrors = MIRRORS[mirrors]
        self.sources = sources
        self.policy = policy
        self.policy_text = policy_text
        self.cordond = self.sensor = None
        self.edges = {}
        self._api = None

    # ------------------------------------------------------------- start, stop

    def program(self, name):
        """The path of one of our programs in the build folder."""
        for folder in ("", "src/edge", "src/sensor", "src/cli"):
            path = os.path.join(self.campus.build, folder, name)
            if os.path.isfile(path):
                return path
        raise LabError(f"{name} is not built: run make build")

    def fill(self, template, target, **words):
        with open(os.path.join(CONFIG_DIR, template), encoding="utf-8") as file:
            text = string.Template(file.read()).substitute(words)
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)
        return target

    def start(self):
        os.makedirs(self.dir)
        if self.policy_text is not None:
            with open(self.policy_file, "w", encoding="utf-8") as file:
                file.write(self.policy_text)
        else:
            shutil.copy(os.path.join(CONFIG_DIR, self.policy), self.policy_file)
        self.fill("cordond.yaml", self.config_file, state_dir=self.state_dir,
                  policy_file=self.policy_file, mirrors=self.mirrors, sources=self.sources)
        self.start_cordond()
        for edge in EDGES:
            self.start_edge(edge)
        self.start_sensor()
        self.wait_ready()
        return self

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.complain()
            self.stop()
            raise

    def __exit__(self, kind, value, trace):
        if kind not in (None, KeyboardInterrupt, SystemExit):
            self.complain()
        self.stop()

    def start_cordond(self):
        self.cordond = self.campus.machines["ctl"].spawn(
            "cordond", self.program("cordond"),
            "--config", self.config_file)
        wait_for(lambda: self._is_listening() or not self.cordond.is_running(), "cordond's API", 30)
        if not self.cordond.is_running():
            raise LabError(f"cordond has ended:\n{self.cordond.log(2000)}")

    def _is_listening(self):
        return self.api.is_up()

    def issue(self, role, name):
        out = os.path.join(self.dir, name)
        if not os.path.exists(os.path.join(out, f"{name}.pem")):
            done = subprocess.run([self.program("cordond"), "pki", "issue",
                                   role, name, "--state", self.state_dir, "--out", out],
                                  capture_output=True, text=True, timeout=60, check=False)
            if done.returncode != 0:
                raise LabError(f"pki issue {role} {name}: {done.stderr}")
        return out

    def start_edge(self, name):
        pki = self.issue("edge", name)
        config = self.fill("edge.yaml", os.path.join(self.dir, f"{name}.yaml"), name=name, pki=pki,
                           address=places.MANAGEMENT[name], ports=edge_ports(name),
                           state_dir=os.path.join(self.dir, f"{name}-state"),
                           run_dir=self.pin_dir(name))
        self.edges[name] = self.campus.machines[name].spawn(
            f"edge-{name}", self.program("cordon-edge"), "--config", config)

    def pin_dir(self, name):
        return os.path.join(self.dir, f"{name}-pins")

    def start_sensor(self):
        pki = self.issue("sensor", "s1")
        lists = self.write_lists()
        config = self.fill("sensor.yaml", os.path.join(self.dir, "sensor.yaml"), name="s1", pki=pki,
                           state_dir=os.path.join(self.dir, "sensor-state"), lists=lists,
                           more_lists="\n".join(
                               f'  - {{name: more, path: "{lists}/{name}", confidence: 90}}'
                               for name in self.lists or {}))
        self.sensor = self.campus.machines["sensor"].spawn(
            "sensor", self.program("cordon-sensor"), "--config", config)

    def write_lists(self):
        """One list per policy, so that each C&C server of the lab stands for one of them."""
        folder = os.path.join(self.dir, "lists")
        os.makedirs(folder, exist_ok=True)
        texts = {}
        for name, addresses in places.CNC.items():
            label = name.split(".")[0]
            texts[f"{label}-domains.txt"] = f"{name}\n"
            texts[f"{label}-addresses.txt"] = "".join(f"{a}\n" for a in addresses)
        texts.update(self.lists or {})
        for name, text in texts.items():
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        return folder

    def wait_ready(self):
        """All switches hold their rules, the sensor has reported, every client is located."""
        def ready():
            for process in [self.cordond, self.sensor] + list(self.edges.values()):
                if not process.is_running():
                    raise LabError(f"{process.name} has ended:\n{process.log(2000)}")
            switches = self.api.items("/switches")
            sensors = self.api.items("/sensors")
            return (len(switches) == len(EDGES) and all(s["state"] == "good" for s in switches)
                    and sensors and self._all_located())
        wait_for(ready, "switches good, sensor there, clients located", 30, 0.1)

    def _all_located(self):
        """Endpoints speak now and then; a probe of each makes sure that they have."""
        located = {e.get("host_name"): e.get("location") for e in self.api.items("/endpoints")}
        for client in self.campus.clients:
            if not located.get(client.name):
                self.introduce(client)
        return all(located.get(client.name) for client in self.campus.clients)

    def introduce(self, client):
        """The client renews its lease, so that a newly started edge hears its name."""
        client.start_dhcp()
        wait_for(client.is_ready, f"{client.name} gets its address again", 30)

    def stop(self):
        for process in [self.sensor, *self.edges.values(), self.cordond]:
            if process:
                process.stop()
        for name in EDGES:
            if os.path.isdir(self.pin_dir(name)):
                self.uninstall(name)

    def reload(self):
        """SIGHUP: takes the policy file as it is now, or keeps the running one."""
        said = self.cordond.log_size()
        self.cordond.kill(signal.SIGHUP)
        wait_for(lambda: any(word in self.cordond.log_since(said) for word in (
            "policy loaded", "the policy file is", "the policy file holds")), "what becomes of the file", 30)

    def roles(self):
        """The role processes that cordond runs just now."""
        found = []
        for pid in children_of(self.cordond.pid):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode().split("\0")
            except OSError:
                continue  # it has ended
            found += [words[words.index("--role") + 1]] if "--role" in words else []
        return found

    def kill_role(self, role):
        """SIGKILL to one role process of cordond."""
        def running():
            for pid in children_of(self.cordond.pid):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        words = file.read().split(b"\0")
                except OSError:
                    continue  # it has ended
                if b"--role" in words and words[words.index(b"--role") + 1] == role.encode():
                    return pid
            return None
        pid = wait_for(running, f"the role {role}", 30)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_alive(pid), f"{role} is gone", 30)

    def is_answering(self):
        """Does core answer through web?"""
        try:
            return bool(self.api.get("/version"))
        except (OSError, ValueError, AssertionError):
            return False

    def uninstall(self, name):
        """Takes the programs and maps of a stopped edge off its switch."""
        self.campus.machines[name].run(self.program("cordon-edge"), "--remove", "--config",
                                       os.path.join(self.dir, f"{name}.yaml"), check=False)
        places.unmount_below(self.pin_dir(name))
        shutil.rmtree(self.pin_dir(name), ignore_errors=True)

    def story(self, last=1500):
        """The last lines of every program's log."""
        parts = []
        for process in [self.cordond, self.sensor, *self.edges.values()]:
            if process:
                state = "running" if process.is_running() else f"ended {process.popen.returncode}"
                parts.append(f"---- {process.name} ({state}), {process.log_path}\n"
                             f"{process.log(last)}")
        return "\n".join(parts)

    def sanitizer_reports(self):
        """What the programs' sanitizers said, where they were built with some."""
        reports = []
        for process in [self.cordond, self.sensor, *self.edges.values()]:
            text = process.log(1 << 20) if process else ""
            at = min((text.find(word) for word in ("WARNING: ThreadSanitizer", "runtime error:",
                                                   "ERROR: AddressSanitizer") if word in text),
                     default=-1)
            if at >= 0:
                reports.append(f"{process.name}: {text[at:at + 6000]}")
        return reports

    def complain(self):
        print(self.story(), file=sys.stderr)

    # ------------------------------------------------------------------ asking

    @property
    def api(self):
        if self._api is None:
            sys.path.insert(0, os.path.join(places.TOP, "tests", "net"))
            import api
            self._api = api.Api("https://127.0.0.1:8443", self.token_file, self.ca_file)
        return self._api

    @property
    def token_file(self):
        return os.path.join(self.state_dir, "admin.token")

    @property
    def ca_file(self):
        return os.path.join(self.state_dir, "pki", "ca.pem")

    def ctl_environment(self):
        return dict(os.environ, CORDON_URL="https://127.0.0.1:8443", CORDON_CA=self.ca_file,
                    CORDON_TOKEN_FILE=self.token_file)

    def ctl(self, *words, check=True, timeout_s=60):
        """cordonctl as an operator calls it; returns CompletedProcess."""
        return self.campus.machines["ctl"].run(self.program("cordonctl"), *words,
                                               env=self.ctl_environment(), check=check,
                                               timeout_s=timeout_s)

    def ctl_json(self, *words):
        return json.loads(self.ctl(*words, "--json").stdout)

    def endpoint(self, client):
        """The endpoint that has the client's host name."""
        found = [e for e in self.api.items("/endpoints") if e.get("host_name") == client.name]
        return found[0] if found else None

    def evidence(self, detection_id):
        """The pcap of a detection; None: not there (yet)."""
        status, body = self.api.get_bytes(f"/evidence/{detection_id}")
        return body if status == 200 else None

    def containments(self, client=None, action=None, ended=False, pending=True):
        items = self.api.items("/containments" + ("?ended=true" if ended else ""))
        if client is not None:
            endpoint = self.endpoint(client)
            items = [i for i in items if endpoint and i.get("endpoint_id") == endpoint["id"]]
        if action:
            items = [i for i in items if i["action"] == action]
        return [i for i in items if pending or i["state"] != "pending"]

    def wait_state(self, state, client=None, action=None, timeout_s=30):
        """Waits for a containment in that state and returns it in full."""
        def found():
            items = self.containments(client, action, ended=state in ("released", "expired"))
            return [i for i in items if i["state"] == state]
        try:
            items = wait_for(found, "", timeout_s)
        except LabError:
            seen = [(i["action"], i["state"], i.get("hold"), i.get("host_name"), i.get("problem"))
                    for i in self.containments(ended=True)]
            raise LabError(f"no {action or 'containment'} of {client} became {state} within "
                           f"{timeout_s} s; there are {seen}") from None
        return self.api.get(f"/containments/{items[0]['id']}")

    def release_all(self, reason="end of a test"):
        for item in self.api.items("/containments"):
            if item["state"] == "pending":
                self.api.post(f"/pending/{item['id']}/revert", {"reason": reason})
            elif item["action"] == "block_server":
                self.api.post(f"/server-blocks/{item['id']}/release", {"reason": reason})
            else:
                self.api.post(f"/containments/{item['id']}/release", {"reason": reason})

    # ----------------------------------------------------------------- damage

    def stall(self):
        """See family.Stall: of all our programs."""
        return Stall(lambda: [self.cordond.pid, *children_of(self.cordond.pid),
                              *(one.pid for one in self.edges.values())])

    def kill_cordond(self):
        kill_family(self.cordond)


def edge_ports(name):
    """The ports of a switch and their roles, as its configuration declares them."""
    def role(port):
        if port == "uplink" or port in EDGES:
            return "uplink"
        return "server" if port in places.SERVERS else "access"
    return "\n".join(f"  - {{name: {port}, role: {role(port)}}}" for port in places.ports_of(name))


def parse_time(text):
    """RFC 3339 to seconds since 1970."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
