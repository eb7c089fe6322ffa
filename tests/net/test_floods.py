"""What floods and contradicts: a MAC flood, a machine that flaps between two places, one that answers for
everybody's ARP.  The work stays bounded, others stay where they are and can be contained meanwhile, the
operator is told, and it is over when it is over."""
import os
import socket
import threading
import time

import attempts
import netns
import pytest
from netns import wait_for
from probes import Ping, can, cannot
from scapy.all import Ether, Raw, raw

FLOOD = int(os.environ.get("CORDON_FLOOD_MACS", "50000"))
VERIFIED_S = 5  # while it lasts


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)


@pytest.fixture(scope="module", autouse=True)
def forgotten(campus):
    """The switches of the campus outlive this file: the flood's addresses are nobody's afterwards."""
    yield
    for edge in ("e1", "e2", "core"):
        netns.batch(f"{campus.prefix}-{edge}", ["fdb flush dev br0"], "bridge")


@pytest.fixture(autouse=True)
def clean(campus, cordon):
    yield
    cordon.release_all()
    for server in ("svc", "upd", "web"):  # lies in their caches
        campus[server].ns.ip("neigh flush dev eth0")
    for client in campus.clients:
        client.ns.ip("neigh flush dev eth0")
        wait_for(lambda client=client: Ping(campus["world"].ip4).ask(client)[0], f"{client} is heard", 30)


def conflicts(cordon, word):
    return [c for c in cordon.api.items("/conflicts") if word in c["why"]]


def memory_kib(cordon):
    """Of core."""
    from family import children_of
    for pid in children_of(cordon.cordond.pid):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if b"core" in file.read():
                with open(f"/proc/{pid}/status", encoding="ascii") as status:
                    return int(next(line for line in status if line.startswith("VmRSS")).split()[1])
    raise AssertionError("core does not run")


def places(cordon, campus, but=()):
    found = {}
    for client in campus.clients:
        if client.name not in but:
            at = cordon.endpoint(client)["location"]
            found[client.name] = (at["switch"], at["port"], at["class"])
    return found


def contain_meanwhile(campus, cordon, client, twin=None):
    """Contains it, in force and proven by the switches, and by traffic where there is a twin; how long that
    took, without what our programs waited for a processor."""
    began, stall = time.monotonic(), cordon.stall()
    cordon.api.post("/containments", {"action": "isolate", "mac": client.mac, "reason": "a test"})
    cordon.wait_state("verified", client, "isolate", timeout_s=60)
    took = time.monotonic() - began - stall.seconds()
    if twin:
        cannot(Ping(campus["world"].ip4), client, twin=twin)
    return took


class Sender:
    """Sends in a client's name space until it is told to stop."""

    def __init__(self, client, frames, gap_s):
        self.is_over, self.sent, self.took_s = False, 0, 0.0
        sock = client.ns.call(self._open)

        def run():
            began = time.monotonic()
            while not self.is_over:
                for frame in frames:
                    try:
                        sock.send(frame)
                        self.sent += 1
                    except OSError:
                        pass  # the queue is full
                    if gap_s:
                        time.sleep(gap_s)
                if not self.took_s:
                    self.took_s = time.monotonic() - began
            sock.close()
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    @staticmethod
    def _open():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sock.bind(("eth0", 0))
        return sock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join(20)


def test_a_mac_flood(campus, cordon, c3, c4, c6):
    """Fifty thousand new MACs from one port, as fast as they go."""
    payload = b"\x88\xb5" + b"\0" * 46
    frames = [
        bytes.fromhex(campus["svc"].mac.replace(":", "")) + bytes([0x02, 0xf1, 0, i >> 16, i >> 8 & 255,
                                                                  i & 255]) + payload
        for i in range(FLOOD)]
    before, at = memory_kib(cordon), places(cordon, campus)
    with Sender(c6, frames, 0) as flood:
        wait_for(lambda: flood.took_s, f"{FLOOD} frames are sent", 120, 0.01)
        took = contain_meanwhile(campus, cordon, c4, c3)
        told = wait_for(lambda: conflicts(cordon, "MAC addresses on one port"), "it is told", 60, 0.1)
    print(f"FLOOD {FLOOD} MACs in {flood.took_s:.2f} s, {flood.sent} frames; contained in {took:.2f} s; "
          f"memory {before} -> {memory_kib(cordon)} KiB")
    assert took < VERIFIED_S
    assert (told[0]["switch"], told[0]["port"]) == at["c6"][:2]
    assert memory_kib(cordon) - before < 64 * 1024
    assert len(cordon.api.items("/endpoints")) < 10000
    assert places(cordon, campus, but=("c6",)) == {
        name: place for name, place in at.items() if name != "c6"}
    here = cordon.endpoint(c6)["location"]  # with others on its port, as it has said itself
    assert (here["switch"], here["port"]) == at["c6"][:2]
    cordon.release_all()
    assert contain_meanwhile(campus, cordon, c6, c3) < VERIFIED_S  # and the flooder can be contained


def test_one_that_answers_for_everybody(campus, cordon, c1, c3, c4, c6):
    """By ARP, for every address of the campus; what is asked for by address is about its owner."""
    frames = [raw(attempts.arp(c6, attempts.ALL, b"\x56" * 6, op=2, psrc=f"10.77.0.{i}",
                               pdst=f"10.77.0.{i}")) for i in range(1, 255)]
    mine = {client.name: cordon.endpoint(client)["id"] for client in campus.clients}
    with Sender(c6, frames, 0.001) as liar:
        wait_for(lambda: liar.took_s, "all are claimed", 30, 0.01)
        told = wait_for(lambda: [c for c in cordon.api.items("/conflicts")
                                 if c.get("endpoint_id") == mine["c6"]], "it is told", 60, 0.1)
        done = cordon.api.post("/containments", {"action": "isolate", "ip": c4.ip4, "reason": "a test"})
        assert done["endpoint_id"] == mine["c4"]
        cordon.wait_state("verified", c4, "isolate", timeout_s=30)
        # nobody has a gateway while it lies: the switches prove it by their own test frames
        assert contain_meanwhile(campus, cordon, c6) < VERIFIED_S
    assert "claim" in told[0]["why"]
    shown = cordon.endpoint(c6)
    assert len(shown["addresses"]) <= 64, len(shown["addresses"])  # ENDPOINT_BINDINGS_MAX
    for client in (c1, c3):
        client.ns.ip("neigh flush dev eth0")
        can(Ping(campus["world"].ip4), client)


def test_one_that_flaps_between_two_switches(campus, cordon, c2, c3, c4, c5, c6):
    """A MAC every tenth of a second at another switch, while its owner speaks too."""
    frame = raw(Ether(src=c5.mac, dst=attempts.ALL, type=0x88b5) / Raw(b"\0" * 46))
    others = ("c3", "c5", "c6")  # who takes part shares its port with c5's MAC
    at = places(cordon, campus, but=others)
    here = cordon.endpoint(c5)["id"]
    with Sender(c3, [frame], 0.1), Sender(c6, [frame], 0.13):
        told = wait_for(lambda: [c for c in conflicts(cordon, "two places")
                                 if c.get("endpoint_id") == here], "it is told", 60, 0.1)
        assert told[0]["now"]
        took = contain_meanwhile(campus, cordon, c4, c2)
        assert took < VERIFIED_S
        assert contain_meanwhile(campus, cordon, c5, c2) < 2 * VERIFIED_S  # in both places
    print(f"FLAPPING contained in {took:.2f} s")
    assert places(cordon, campus, but=others) == at
    assert cordon.ctl("conflicts").stdout.count("two places") == 1
