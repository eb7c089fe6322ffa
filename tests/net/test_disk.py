"""The disk of the database is slow, or refuses to be written to for a while.

What holds: nothing is acknowledged before it is durable; questions are answered meanwhile; blocks stay;
what cannot be stored is refused clearly, and people are told; it goes on by itself afterwards.
The disk is lab/disk.c, preloaded into core.
"""
import errno
import mmap
import os
import shutil
import signal
import socket
import struct
import tempfile
import threading
import time

import clients
import ledger
import pytest
from light import Light
from netns import wait_for

ALL = bool(os.environ.get("CORDON_DISKS"))  # by hand
SLOW_S = float(os.environ.get("CORDON_SLOW_S", "0.5"))
ANSWER_S = 0.5  # of a question, whatever the disk does
EXTRA_S = 1.5  # of a block, beyond the synchronisations that it waits for


class Disk:
    def __init__(self, build):
        self.dir = tempfile.mkdtemp(prefix="cordon-disk-")
        os.chmod(self.dir, 0o755)
        path = os.path.join(self.dir, "disk")
        with open(path, "wb") as file:
            file.write(bytes(24))
        os.chmod(path, 0o666)
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 24)
        self.env = {"LD_PRELOAD": os.path.join(build, "lab", "libdisk.so"), "LAB_DISK": path}

    def set(self, slow_s=0, error=0):
        self._map[0:16] = struct.pack("=qq", int(slow_s * 1e6), error)

    def syncs(self):
        return struct.unpack("=q", self._map[16:24])[0]

    def close(self):
        self._map.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class DiskLab(Light):
    def __init__(self):
        super().__init__()
        self.disk = Disk(self.build)

    def start_cordond(self, wait=True, env=None):
        super().start_cordond(wait, dict(self.env, **self.disk.env))

    def close(self):
        super().close()
        self.disk.close()


@pytest.fixture(scope="module")
def lab():
    with DiskLab() as made:
        made.receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.receiver.bind(("127.0.0.1", 0))
        made.api.post("/notifications", {"secrets": [], "settings": {
            "version": 0, "help_desk": {}, "owner": {}, "on_call": {},
            "channels": [{"name": "here", "kind": "syslog", "host": "127.0.0.1",
                          "port": made.receiver.getsockname()[1], "transport": "udp"}],
            "rules": [{"kind": "store", "channels": ["here"]}]}})
        yield made


@pytest.fixture(autouse=True)
def calm(lab):
    yield
    lab.disk.set()
    wait_for(lambda: not findings(lab), "the disk is good", 30, 0.2)
    lab.release_all()
    ledger.converge(lab, 30)


def findings(lab):
    return [one for one in lab.api.get("/doctor", validate=False)["findings"]
            if one["check"] == "store"]


def hear(lab, words):
    """People are told that, whatever they were told before."""
    lab.receiver.settimeout(60)
    while words not in lab.receiver.recv(4096).decode("utf-8", "replace"):
        pass


class Questions(threading.Thread):
    """Asks all the time; remembers the slowest answer."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab, self.api, self.is_over, self.worst_s, self.count = lab, lab.new_api(), False, 0, 0
        self.start()

    def run(self):
        paths = ["/health", "/containments", "/switches", "/endpoints?limit=20"]
        while not self.is_over:
            begin, stall = time.monotonic(), self.lab.stall()
            self.api.get(paths[self.count % len(paths)], validate=False)
            self.worst_s = max(self.worst_s, time.monotonic() - begin - stall.seconds())
            self.count += 1
            time.sleep(0.01)

    def stop(self):
        self.is_over = True
        self.join(20)


def test_a_slow_disk_holds_up_what_must_be_durable_and_nothing_else(lab):
    before, others = lab.endpoints[1], lab.endpoints[2:6]
    held = lab.contain(before)["id"]
    ledger.converge(lab, 30)
    lab.disk.set(slow_s=SLOW_S)
    questions = Questions(lab)
    took = []
    for one in others[:2]:
        syncs, begin, stall = lab.disk.syncs(), time.monotonic(), lab.stall()
        made = lab.contain(one)["id"]
        acknowledged = time.monotonic() - begin
        waited = lab.disk.syncs() - syncs
        assert waited >= 1, "acknowledged before it was on the disk"
        assert lab.wires.reaches([(one, lab.endpoints[9])]) == set() or \
            wait_for(lambda: not lab.wires.reaches([(one, lab.endpoints[9])]), "blocked", 30, 0.02)
        lab.wait_state(made)
        took.append((acknowledged, time.monotonic() - begin - stall.seconds(), waited))
        assert took[-1][1] < (waited + 1) * SLOW_S + EXTRA_S, took
    lab.release(held)
    questions.stop()
    print(f"disk of {SLOW_S:g} s: acknowledged after {max(one[0] for one in took):.2f} s, in force "
          f"and verified after {max(one[1] for one in took):.2f} s; slowest of {questions.count} "
          f"answers {questions.worst_s * 1000:.0f} ms")
    assert questions.count > 20 and questions.worst_s < ANSWER_S
    assert lab.roles == sorted(lab.role_pids())


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS] + [errno.ENOSPC] * ALL)
def test_a_disk_that_refuses(lab, error):
    before, asked, later = lab.endpoints[1], lab.endpoints[2], lab.endpoints[3]
    held = lab.contain(before)["id"]
    ledger.converge(lab, 30)
    pids = lab.role_pids()
    sensor = clients.WireSensor(lab, error, [lab.endpoints[4]], f"w{error}")
    lab.disk.set(error=error)
    status, answer = lab.api.raw("POST", "/containments", {
        "action": "isolate", "mac": asked.mac, "reason": "a test"}, validate=False)
    assert status == 503, (status, answer)
    assert "stored" in answer["detail"], answer
    status, answer = lab.api.raw("POST", f"/containments/{held}/release", {"reason": "a test"},
                                 validate=False)
    assert status == 503, (status, answer)
    sensor.step()
    found = wait_for(lambda: findings(lab), "the doctor knows", 30, 0.1)
    assert found[0]["severity"] == "error", found
    hear(lab, "could not be stored")  # though nothing can be stored
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        assert not lab.wires.reaches([(before, lab.endpoints[9])]), "it was let go"
        assert lab.containment(held)["state"] == "verified"
        sensor.step()
    assert not sensor.acked, "acknowledged, and not stored"
    wait_for(lambda: lab.wires.reaches([(asked, lab.endpoints[9])]), "not in force: it is not stored", 30)
    lab.disk.set()
    begin = time.monotonic()
    wait_for(lambda: not findings(lab), "it is seen that the disk is back", 30, 0.1)
    seen = time.monotonic() - begin
    made = lab.contain(later)["id"]
    lab.wait_state(made)
    sensor.close_connection()
    sensor.drain()
    ledger.detections(ledger.Database(lab), sensor.sent, "$.id")
    sensor.close_connection()
    hear(lab, "stored again")
    assert lab.role_pids() == pids
    ledger.switches(lab, ledger.converge(lab, 30))
    assert lab.api.get("/audit/verify", validate=False)["sound"]
    print(f"{os.strerror(error)}: back {seen:.1f} s after the disk")


@pytest.mark.parametrize("target", ["core"] + ["cordond"] * ALL)
def test_a_full_disk_and_a_kill_at_the_same_time(lab, target):
    """Core dies while nothing can be written, starts on a disk that is full, and dies once more: blocks
    stay; afterwards all that was acknowledged is there, and nothing of which it said that it was not."""
    before, refused, later = lab.endpoints[1], lab.endpoints[2], lab.endpoints[3]
    wisher = clients.Wisher(lab, 11, lab.endpoints[9:12])
    for _ in range(6):
        wisher.step()
    held = lab.contain(before)["id"]
    ledger.converge(lab, 10)
    cut_off = [before.mac, *(one.mac for one in wisher.live)]
    sensor = clients.WireSensor(lab, 3, [lab.endpoints[4]], f"k{target}")
    lab.disk.set(error=errno.ENOSPC)
    status, answer = lab.api.raw("POST", "/containments", {
        "action": "isolate", "mac": refused.mac, "reason": "a test"}, validate=False)
    assert status == 503 and "stored" in answer["detail"], (status, answer)
    for _ in range(2):
        sensor.step()
        kill(lab, target)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            for one in (one for one in lab.endpoints if one.mac in cut_off):
                assert not lab.wires.reaches([(one, lab.endpoints[7])], 0.01), f"{one} was let go"
            sensor.step()
    assert not sensor.acked, "acknowledged, and not stored"
    lab.disk.set()
    begin = time.monotonic()
    wait_for(lambda: lab.is_answering() and sorted(lab.role_pids()) == lab.roles, "all are back", 30,
             0.05)
    back = time.monotonic() - begin
    found = ledger.converge(lab, 10)
    assert set(found) - {lab.endpoints[4].mac} == set(cut_off), "what is in force"
    assert lab.containment(held)["state"] == "verified"
    ledger.wishes(lab, wisher, ledger.Database(lab))
    made = lab.contain(later)["id"]
    lab.wait_state(made)
    sensor.close_connection()
    sensor.drain()
    sensor.close_connection()
    ledger.detections(ledger.Database(lab), sensor.sent, "$.id")
    ledger.switches(lab, ledger.converge(lab, 10))
    ledger.chain(lab)
    print(f"{target} killed twice on a full disk: all there {back:.1f} s after the disk")


def kill(lab, target):
    if target == "cordond":
        lab.kill_all()
        lab.start_cordond(wait=False)
    else:
        pid = lab.role_pids().get(target)
        if pid:
            os.kill(pid, signal.SIGKILL)
