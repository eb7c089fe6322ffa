"""The first words after a release, or after panic.

A release is acknowledged when it is durable; switches let go milliseconds later.  A frame that is sent
in between is dropped, and none after it: what the endpoint was told (the sink) is put right by then.
"""
import os
import re

import pytest
from netns import wait_for
from probes import Ping, can, cannot

ROUNDS = int(os.environ.get("CORDON_ROUNDS", "2"))
EVERY_MS = 10
WORDS = 300
FREE_MS = 1500  # after the acknowledgement: half of the words; usually below 30, and a disk may be slow


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)
    for client in (campus["c2"], campus["c3"]):
        can(Ping(campus["c1"].ip4), client)


@pytest.fixture(scope="module", autouse=True)
def end(cordon):
    yield
    if cordon.api.get("/enforcement")["state"] == "suspended":
        cordon.api.post("/enforcement/resume", {"reason": "end of a test"})
    cordon.release_all()


def words(client, address):
    """One every EVERY_MS: which had an answer."""
    done = client.ns.run("ping", "-n", f"-c{WORDS}", f"-i{EVERY_MS / 1000}", "-W1", address, check=False)
    return sorted({int(number) for number in re.findall(r"icmp_seq=(\d+) ttl", done.stdout)})


def silent_ms(client, address):
    """How long nothing came at first; nothing is lost behind that."""
    heard = words(client, address)
    assert heard, "nothing came"
    assert heard == list(range(heard[0], WORDS + 1)), f"lost later: {heard}"
    return (heard[0] - 1) * EVERY_MS


def contain(cordon, client):
    return cordon.api.post("/containments", {
        "action": "isolate", "endpoint_id": cordon.endpoint(client)["id"], "reason": "a test"})


def test_after_a_release(campus, cordon, c1, c2, c3):
    worst = 0
    for number in range(ROUNDS):
        made = contain(cordon, c2)
        cordon.wait_state("verified", c2, "isolate")
        if number % 2:  # it asks anew, and is told the sink a moment before
            c2.ns.run("ip", "neigh", "flush", "dev", "eth0")
        cannot(Ping(c1.ip4), c2, twin=c3)
        stall = cordon.stall()
        cordon.api.post(f"/containments/{made['id']}/release", {"reason": "a test"})
        worst = max(worst, silent_ms(c2, c1.ip4) - stall.seconds() * 1000)
        assert worst <= FREE_MS, worst
        can(Ping(campus["world"].ip4), c2)
    print(f"{ROUNDS} releases: silent for {worst:.0f} ms at most")


def test_after_panic(campus, cordon, c1, c2, c3):
    worst = 0
    contain(cordon, c2)
    for number in range(ROUNDS):
        cordon.wait_state("verified", c2, "isolate")
        if number % 2:
            c2.ns.run("ip", "neigh", "flush", "dev", "eth0")
        wait_for(lambda: not Ping(c1.ip4).ask(c2)[0], "it is cut off again", 30)  # milliseconds after the answer
        cannot(Ping(c1.ip4), c2, twin=c3)
        stall = cordon.stall()
        cordon.api.post("/enforcement/panic", {"reason": "a test"})
        worst = max(worst, silent_ms(c2, c1.ip4) - stall.seconds() * 1000)
        assert worst <= FREE_MS, worst
        cordon.api.post("/enforcement/resume", {"reason": "a test"})
    print(f"{ROUNDS} panics: silent for {worst:.0f} ms at most")
