"""Enrolment, renewal and revocation with the real programs, and what a switch or sensor that was
taken over can do: a small lab whose switches enrol as a person would enrol them, with certificates
that live for half a minute."""
import http.client
import os
import re
import shlex
import signal
import ssl
import subprocess
import time

import light
import pytest
from device import Line, alert_of, forge, shorten, shown
from netns import wait_for

EDGES, SENSORS = ("10.99.0.1", 8701), ("10.99.0.1", 8702)
LIFE_S = 30
SETTINGS = f"certificates: {{life_s: {LIFE_S}, grace_s: 600, token_s: 600}}\n"  # replaced is told before expired
GATEWAY = "02:00:00:00:ff:01"


class Enrolling(light.Light):
    def ctl(self, *words):
        return subprocess.run(
            [self.program("cordonctl"), *words], check=True, capture_output=True, text=True,
            timeout=60, env=dict(os.environ, CORDON_URL="https://10.99.0.1:8443", CORDON_TOKEN_FILE=
                                 f"{self.state_dir}/admin.token", CORDON_CA=self.ca)).stdout

    @property
    def ca(self):
        return f"{self.state_dir}/pki/ca.pem"

    def command(self, role, name, out):
        """What 'cordonctl enrol' says to run on the device."""
        words = shlex.split(self.ctl("enrol", role, name, "--reason", "a test"))
        words[0] = self.program(words[0])
        return [out if word == "/etc/cordon/pki" else word for word in words]

    def enrol(self, role, name, out):
        machine = self.machines["sensor" if role == "sensor" else "s1"]
        return machine.run(*self.command(role, name, out), timeout_s=60)

    def issue(self, role, name):
        out = os.path.join(self.dir, name)
        if not os.path.exists(f"{out}/{name}.pem"):
            self.enrol(role, name, out)
        return out

    def certificates(self, name, **wanted):
        return [one for one in self.items("/certificates")
                if one["name"] == name and all(one.get(key) == value
                                               for key, value in wanted.items())]

    def wait_certificate(self, name, timeout_s=60, **wanted):
        return wait_for(lambda: self.certificates(name, **wanted), f"{name} is {wanted}",
                        timeout_s, 0.1)[0]

    def refused(self, why, name=None):
        return [one for one in self.items("/refused-peers")
                if one["why"] == why and name in (None, one.get("name"))]

    def wait_refused(self, why, name=None):
        return wait_for(lambda: self.refused(why, name), f"{name} was refused: {why}", 30, 0.1)[0]

    def metric(self, name):
        text = self.api.ask("GET", "/metrics")[2].decode()
        found = re.search(rf"^{re.escape(name)} (\d+)$", text, re.M)
        return int(found.group(1)) if found else None


MIRROR = """mirrors:
  - switch: s1
    mirror: {kind: port, direction: both, ports: [p7, p8], carrier: local, out_port: mon}
"""


@pytest.fixture(scope="module")
def lab():
    with Enrolling(sources=SETTINGS, mirrors=MIRROR) as made:
        yield made


def paths(lab, name):
    return f"{lab.dir}/{name}/{name}.pem", f"{lab.dir}/{name}/{name}.key", lab.ca


def test_switches_enrolled_and_are_in(lab):
    for name in light.SWITCHES:
        one = lab.wait_certificate(name, connected=True, state="valid")
        assert one["role"] == "edge"
        with open(f"{lab.dir}/{name}/{name}.key", "rb") as file:
            assert b"PRIVATE KEY" in file.read()
        assert os.stat(f"{lab.dir}/{name}/{name}.key").st_mode & 0o777 == 0o600
        assert not os.path.exists(f"{lab.dir}/{name}/{name}.key.new")
    actions = {row["action"] for row in lab.items("/audit")}
    assert {"enrolment.offer", "certificate.enrol"} <= actions


def test_a_stolen_token_works_once(lab):
    """The thief is first: then the genuine one is told, and so are we.  Both at once: one wins."""
    stolen = lab.command("sensor", "s7", f"{lab.dir}/thief")
    genuine = [word.replace("/thief", "/genuine") for word in stolen]
    assert subprocess.run(stolen, timeout=60, check=False).returncode == 0
    told = subprocess.run(genuine, timeout=60, check=False, capture_output=True, text=True)
    assert told.returncode == 1 and "used already" in told.stderr
    assert not os.path.exists(f"{lab.dir}/genuine/s7.pem")
    assert "used already" in lab.wait_refused("token", "s7")["detail"]
    for turn in range(5):
        offer = lab.command("sensor", "s7", f"{lab.dir}/race{turn}a")
        both = [subprocess.Popen([word.replace(f"/race{turn}a", f"/race{turn}{which}")
                                  for word in offer], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL) for which in "ab"]
        assert sorted(one.wait(60) for one in both) == [0, 1]
    assert len(lab.certificates("s7", state="valid")) == 1  # each took the place of the one before
    assert len(lab.certificates("s7", state="replaced")) == 5


def test_a_wrong_fingerprint_is_no_controller(lab):
    words = lab.command("sensor", "s8", f"{lab.dir}/wrong")
    at = words.index("--ca") + 1
    words[at] = words[at][:-1] + ("0" if words[at][-1] != "0" else "1")
    told = subprocess.run(words, timeout=60, check=False, capture_output=True, text=True)
    assert told.returncode == 1 and "not of the authority" in told.stderr
    assert not lab.certificates("s8")  # it did not even send the token
    assert [one["state"] for one in lab.items("/enrolments") if one["name"] == "s8"] == ["open"]


def test_who_is_not_let_in(lab):
    pki = f"{lab.state_dir}/pki"
    wrong = {
        "expired": (forge(f"{lab.dir}/f1", pki, "s2", "edge", -90000, -3600), "expired", "expired"),
        "other authority": (forge(f"{lab.dir}/f2", pki, "s2", "edge", is_ours=False), "unknown", ""),
        "a sensor's": (forge(f"{lab.dir}/f3", pki, "s2", "sensor"), "role", ""),
        "a server's": (forge(f"{lab.dir}/f4", pki, "s2", "server"), "role", ""),
        "not configured": (forge(f"{lab.dir}/f5", pki, "s5", "edge"), "name", ""),
    }
    before = {why: lab.metric(f'cordon_peers_refused_total{{why="{why}"}}')
              for _, why, _ in wrong.values()}
    for about, ((certificate, key), why, alert) in wrong.items():
        told = alert_of(EDGES, certificate, key, lab.ca)
        assert told and alert.upper() in told.upper(), (about, told)
        lab.wait_refused(why, None if about == "other authority" else
                         ("s5" if about == "not configured" else "s2"))
    for why, count in before.items():
        wait_for(lambda why=why, count=count: lab.metric(f'cordon_peers_refused_total{{why="{why}"}}') > count,
                 f"{why} is counted")
    # the twin: one whose clock is behind ours, and who is let in
    good = forge(f"{lab.dir}/f6", pki, "s6", "sensor", 7200, 86400)
    assert alert_of(SENSORS, *good, lab.ca, 3) == ""


def test_renewed_before_the_end_and_nothing_is_lost(lab):
    """A switch is renewed over its line while one of its endpoints is contained; also over a
    restart of the controller, and of the switch, which goes on with what it was renewed to."""
    victim, other = lab.endpoints[0], lab.endpoints[1]
    made = lab.contain(victim)
    lab.wait_state(made["id"])
    first = lab.wait_certificate("s1", connected=True, state="valid")
    second = lab.wait_certificate("s1", connected=True, state="valid", origin="renewed",
                                  timeout_s=2 * LIFE_S)
    if second["serial"] == first["serial"]:
        second = wait_for(lambda: [one for one in lab.certificates("s1", connected=True)
                                   if one["serial"] != first["serial"]], "s1 is renewed",
                          2 * LIFE_S, 0.1)[0]
    assert lab.certificates("s1", serial=first["serial"])[0]["state"] == "replaced"
    lab.wait_level(60)
    lab.wait_state(made["id"])
    assert not lab.wires.reaches([(victim, other)])
    wait_for(lambda: lab.wires.reaches([(lab.endpoints[2], other)]), "others are free", 30)
    # What it was before is refused, to the word.
    told = alert_of(EDGES, *paths(lab, "s1"))
    assert "REVOKED" in told, told
    assert "newer certificate" in lab.wait_refused("replaced", "s1")["detail"]
    # Restarted, both ends: it goes on with the newest one.
    lab.edges["s1"].stop()
    lab.cordond.stop()
    lab.start_cordond()
    lab.start_edge("s1")
    lab.wait_level(60)
    assert lab.wait_certificate("s1", connected=True, state="valid")["origin"] == "renewed"
    assert not lab.wires.reaches([(victim, other)])
    assert "certificate.renew" in {row["action"] for row in lab.items("/audit")}
    lab.release(made["id"])


def sensor_up(lab):
    """It runs; the certificate that it enrolled with."""
    if not lab.sensor or not lab.sensor.is_running():
        lab.start_sensor("s10")
    return wait_for(lambda: [one for one in lab.certificates("s10") if one["origin"] != "renewed"],
                    "s10 is known", 30, 0.1)[0]


def test_our_own_certificate_is_renewed_while_cordond_runs(lab):
    """It lives for half a minute: connections that there are go on beyond its end, and switches, the
    API and whoever else comes after it are let in by the new one."""
    life_s, api = 24, ("127.0.0.1", 8443)
    sensor_up(lab)  # is renewed meanwhile, for the test behind this one
    lab.cordond.stop()
    first = shorten(lab.state_dir, life_s)
    lab.start_cordond()
    begin = time.monotonic()
    context = ssl.create_default_context(cafile=lab.ca)
    kept = http.client.HTTPSConnection(*api, context=context, timeout=20)
    kept.auto_open = 0  # the one connection, or none
    kept.connect()
    socket_of_old = kept.sock
    assert int(socket_of_old.getpeercert()["serialNumber"], 16) == first.serial_number
    process = lab.cordond.popen.pid
    wait_for(lambda: lab.switch("s1")["connected"], "s1 is in", 60, 0.1)

    def ask():
        kept.request("GET", "/api/v1/openapi.json", headers={"Accept-Encoding": "gzip"})
        answer = kept.getresponse()
        answer.read()
        return answer.status == 200
    second = wait_for(lambda: (lambda now: now if ask() and now.serial_number != first.serial_number else None)
                      (shown(api, lab.ca)), "it is made anew", 2 * life_s, 0.2)  # kept, also by being used
    assert second.public_key().public_numbers() == first.public_key().public_numbers()
    assert second.subject == first.subject and second.not_valid_after > first.not_valid_after
    wait_for(lambda: ask() and time.monotonic() - begin > life_s + 1, "the first one has ended",
             life_s * 2, 1)
    assert ask() and kept.sock is socket_of_old  # it was never cut
    assert shown(api, lab.ca).serial_number != first.serial_number
    assert lab.is_answering()  # its own is renewed meanwhile, too, for which it comes anew
    wait_for(lambda: lab.switch("s1")["connected"], "s1 is in", 30, 0.1)
    lab.edges["s1"].kill()  # and one that comes new
    lab.edges["s1"].popen.wait(30)
    wait_for(lambda: not lab.switch("s1")["connected"], "s1 is seen to be away", 30, 0.02)
    lab.start_edge("s1")
    wait_for(lambda: lab.switch("s1")["connected"], "s1 is let in, and lets us in", 30, 0.1)
    driver = lab.role_pids()["driver"]
    os.kill(driver, signal.SIGKILL)  # a role that has read the old file
    wait_for(lambda: not lab.switch("s1")["connected"] or lab.role_pids().get("driver") not in (None, driver),
             "the driver is away", 30, 0.02)
    wait_for(lambda: lab.is_answering() and lab.switch("s1")["connected"],
             "s1 is in again", 30, 0.1)
    assert lab.cordond.popen.pid == process and lab.cordond.is_running()


def contains(lab, one):
    """The sensor sees that call, and it contains."""
    def told():
        lab.wires.call_home(one, lab.endpoints[15])
        return [c for c in lab.items("/containments")
                if c.get("mac") == one.mac and c["action"] == "isolate"]
    return wait_for(told, f"a call of {one} contains it", 30, 0.3)[0]["id"]


def test_a_sensor_is_renewed_and_what_it_finds_goes_on(lab):
    """A real one, over its line; after a restart it is who it was renewed to."""
    first = sensor_up(lab)
    made = [contains(lab, lab.endpoints[6])]
    second = lab.wait_certificate("s10", connected=True, state="valid", origin="renewed",
                                  timeout_s=3 * LIFE_S)
    assert second["serial"] != first["serial"]
    assert lab.certificates("s10", serial=first["serial"])[0]["state"] == "replaced"
    kept = f"{lab.dir}/sensor-state/identity.pem"
    assert os.stat(kept).st_mode & 0o777 == 0o600
    made.append(contains(lab, lab.endpoints[7]))
    told = alert_of(SENSORS, *paths(lab, "s10"))  # what it enrolled with is no good any more
    assert "REVOKED" in told, told
    lab.sensor.kill()
    lab.sensor.popen.wait(30)
    lab.release(made[0])
    lab.start_sensor("s10")
    assert lab.wait_certificate("s10", connected=True, state="valid")["origin"] == "renewed"
    made[0] = contains(lab, lab.endpoints[6])
    for one in made:
        lab.release(one)
    lab.sensor.stop()


AT_ONCE_S = 10  # below the time after which a certificate of this lab is renewed


def test_revoked_while_connected(lab):
    lab.wait_certificate("s2", connected=True, state="valid")
    stall, begin = lab.stall(), time.monotonic()
    lab.ctl("certificates", "revoke", "s2", "--reason", "stolen from the rack")
    wait_for(lambda: not lab.switch("s2")["connected"], "s2 is out", 30, 0.02)
    assert time.monotonic() - begin - stall.seconds() < AT_ONCE_S
    gone = lab.wait_refused("revoked", "s2")
    assert "stolen from the rack" in gone["detail"]
    wait_for(lambda: "enrol this device again" in lab.edges["s2"].log(200000),
             "s2 says what to do", 30, 0.1)
    lab.cordond.stop()  # it is no matter of memory
    lab.start_cordond()
    wait_for(lambda: lab.refused("revoked", "s2"), "s2 is still refused", 30, 0.1)
    assert not lab.switch("s2")["connected"]
    lab.edges["s2"].stop()
    lab.enrol("edge", "s2", f"{lab.dir}/s2")  # by a new command it comes back
    lab.start_edge("s2")
    lab.wait_level(60)
    assert lab.wait_certificate("s2", connected=True, state="valid")["origin"] == "enrolled"


def acknowledged(line):
    """What the next acknowledgement names; the line may be told to renew before it."""
    while (message := line.receive()) is not None:
        if "ids" in message:
            return message["ids"]
    raise AssertionError("the line was closed")


def test_a_sensor_that_is_revoked_is_heard_no_more(lab):
    """Its line is there, and was good for a finding; what it sends on is nowhere."""
    lab.issue("sensor", "s11")
    lab.issue("sensor", "s12")
    finding = {"type": "detection", "id": "before-1", "sensor": "s11", "maker": "cordon",
               "seen_us": 1700000000000000, "signature": "x", "phase": "c2", "severity": "high"}
    with Line(SENSORS, *paths(lab, "s11"), "s11") as stolen, Line(SENSORS, *paths(lab, "s12"), "s12") as twin:
        stolen.hello().send(finding)
        assert acknowledged(stolen) == ["before-1"]
        twin.hello()
        stall, begin = lab.stall(), time.monotonic()
        lab.ctl("certificates", "revoke", "s11", "--reason", "stolen from the rack")
        assert stolen.ends()
        assert time.monotonic() - begin - stall.seconds() < AT_ONCE_S
        lab.wait_refused("revoked", "s11")
        told = alert_of(SENSORS, *paths(lab, "s11"))
        assert "REVOKED" in told, told
        twin.send(dict(finding, id="after-1", sensor="s12"))
        assert acknowledged(twin) == ["after-1"]


def offline(lab, name):
    """By 'cordond pki issue', beside the running cordond; (certificate, key)"""
    out = f"{lab.dir}/offline-{name}"
    subprocess.run([lab.program("cordond"), "pki", "issue", "sensor", name, "--out", out, "--state",
                    lab.state_dir], check=True, timeout=60, capture_output=True)
    return f"{out}/{name}.pem", f"{out}/{name}.key"


def test_one_that_was_issued_offline_is_revoked_before_anybody_used_it(lab):
    lost, by_serial, twin = (offline(lab, name) for name in ("s31", "s32", "s33"))
    for name in ("s31", "s32", "s33"):
        one = lab.wait_certificate(name, state="waiting", origin="offline", connected=False)
        assert "last_seen" not in one
    assert "s31" in lab.ctl("certificates")
    lab.ctl("certificates", "revoke", "s31", "--reason", "the stick was lost")
    serial = lab.certificates("s32")[0]["serial"]
    lab.ctl("certificates", "revoke", serial, "--reason", "by its number")
    for name, files in (("s31", lost), ("s32", by_serial)):
        wait_for(lambda files=files: alert_of(SENSORS, *files, lab.ca, 3), f"{name} is refused", 30, 0.1)
        lab.wait_refused("revoked", name)
        assert lab.certificates(name, state="revoked")
    assert alert_of(SENSORS, *twin, lab.ca, 3) == ""
    lab.wait_certificate("s33", state="valid")
    rows = [row for row in lab.items("/audit") if row["action"] == "certificate.issue"]
    assert {row["object"] for row in rows} >= {"sensor s31", "sensor s32", "sensor s33"}


def test_a_sensor_reports_as_itself_only(lab):
    lab.issue("sensor", "s9")
    detection = {"type": "detection", "id": "forged-1", "sensor": "s1", "maker": "cordon",
                 "seen_us": 1700000000000000, "signature": "x", "phase": "c2", "severity": "high"}
    with Line(SENSORS, *paths(lab, "s9"), "s9") as line:
        line.hello().send(detection)
        told = lab.wait_refused("claim", "s9")
        assert told["detail"] == "it reported as another sensor"
        line.send(dict(detection, id="honest-1", sensor="s9"))  # the twin: it is stored
        assert line.receive()["ids"] == ["honest-1"]
        line.send({"type": "facts", "switch_name": "s1", "sequence": 1,
                   "facts": [{"kind": "link_down", "seen_us": 1700000000000000, "port": "p1"}]})
        assert line.ends()
    wait_for(lambda: "may not send" in str(lab.refused("claim", "s9")), "facts are refused", 30)
    stored = [one["id"] for incident in lab.items("/incidents?closed=true")
              for one in lab.api.get(f"/incidents/{incident['id']}",
                                     validate=False)["detections"]]
    assert "forged-1" not in stored


@pytest.fixture
def rogue(lab):
    """s2 was taken over: a program of somebody else speaks with its certificate."""
    lab.edges["s2"].stop()
    lab.enrol("edge", "s2", f"{lab.dir}/s2")
    line = Line(EDGES, *paths(lab, "s2"), "s2").hello()
    line.facts([{"kind": "port", "port": f"p{number}", "port_number": number, "role": "access",
                 "is_up": True} for number in range(1, 9)] +
               [{"kind": "port", "port": "uplink", "port_number": 9, "role": "uplink",
                 "is_up": True}], is_full=True)
    wait_for(lambda: lab.switch("s2")["connected"], "the rogue is in", 30)
    yield line
    line.__exit__()
    lab.start_edge("s2")
    lab.wait_level(60)


def endpoint_of(lab, mac):
    return lab.api.get(f"/endpoints/{mac}", validate=False)


def test_a_switch_speaks_of_itself_only(lab, rogue):
    rogue.facts([{"kind": "link_down", "port": "p1"}], switch="s1")
    assert rogue.ends()
    assert lab.wait_refused("claim", "s2")["detail"] == "it spoke of another switch"
    wait_for(lambda: lab.switch("s1")["connected"], "s1 is in", 30)  # it may come anew just now: it is renewed


def test_a_claimed_mac_carries_no_containment_away(lab, rogue):
    """The contained endpoint is at s1, which sees it; s2 says that it is at a port of its."""
    victim, other = lab.endpoints[0], lab.endpoints[1]
    wait_for(lambda: lab.wires.announce() or
             endpoint_of(lab, victim.mac).get("location", {}).get("switch") == "s1", "it is at s1", 30, 0.1)
    made = lab.contain(victim)
    wait_for(lambda: not lab.wires.reaches([(victim, other)]), "it is cut off", 30)

    def claim():
        lab.wires.announce([victim])
        rogue.facts([{"kind": "mac", "port": "p3", "mac": victim.mac},
                     {"kind": "binding", "port": "p3", "mac": victim.mac, "ip": victim.ip,
                      "source": "arp"}])
        return endpoint_of(lab, victim.mac).get("location", {}).get("class") == "conflict"
    wait_for(claim, "the conflict is seen", 30, 0.1)
    shown = endpoint_of(lab, victim.mac)["location"]
    assert (shown["switch"], shown["port"]) == ("s1", victim.port)
    assert "s2/p3" in shown["why"]
    assert any(one.get("mac") == victim.mac and one["now"] for one in lab.items("/conflicts"))
    assert not lab.wires.reaches([(victim, other)])  # where it really is
    assert lab.containment(made["id"])["state"] not in ("released", "expired", "waiting")
    lab.release(made["id"])
    wait_for(lambda: lab.wires.reaches([(victim, other)]), "it is free", 30)


def test_the_gateways_mac_and_lldp_make_no_network(lab, rogue):
    """Protected hosts are protected by what was declared; a link counts when both ends tell it."""
    for _ in range(3):
        rogue.facts([{"kind": "mac", "port": "p4", "mac": GATEWAY},
                     {"kind": "binding", "port": "p4", "mac": GATEWAY, "ip": "10.77.0.1",
                      "source": "arp"},
                     {"kind": "role_hint", "port": "p4", "mac": GATEWAY, "host_role": "router"},
                     {"kind": "neighbour", "port": "p5", "neighbour_name": "s1",
                      "neighbour_chassis": "x", "neighbour_port": lab.endpoints[2].port,
                      "neighbour_is_bridge": True}])
    wait_for(lambda: lab.items("/links"), "the claimed link", 30)
    assert not any(link["confirmed"] for link in lab.items("/links")
                   if "p5" in (link["a"]["port"], link["b"]["port"]))
    ports = {port["name"]: port for port in lab.switch("s1")["ports"]}
    assert ports[lab.endpoints[2].port]["role"] == "access"
    wait_for(lambda: lab.wires.announce([lab.endpoints[2]]) or
             endpoint_of(lab, lab.endpoints[2].mac).get("location", {}).get("switch") == "s1", "it is at s1", 30, 0.1)
    status, answer = lab.api.raw("POST", "/containments", {
        "action": "isolate", "mac": GATEWAY, "reason": "x"}, validate=False)
    assert status == 409 and "protected" in str(answer)


def test_a_flood_is_bounded_and_told(lab, rogue):
    """300,000 MACs, as fast as it can: bounded, counted, told; the others are served on."""
    def known():  # at one moment: page by page, one that made room is counted beside whoever came for it
        return lab.api.get("/endpoints?limit=1", validate=False)["total"]
    before = known()
    for batch in range(600):
        rogue.facts([{"kind": "mac", "port": f"p{1 + one % 8}", "mac":
                      f"02:aa:{batch >> 8:02x}:{batch & 255:02x}:{one >> 8:02x}:{one & 255:02x}"}
                     for one in range(500)])
    assert lab.wait_refused("flood", "s2")["count"] > 0
    assert known() <= before + 8 * 256
    lab.wires.announce()
    made = lab.contain(lab.endpoints[3])
    wait_for(lambda: not lab.wires.reaches([(lab.endpoints[3], lab.endpoints[4])]),
             "containments go on", 30)
    lab.release(made["id"])
