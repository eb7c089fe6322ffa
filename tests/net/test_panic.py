"""Panic: all enforcement is suspended at once, here and on each switch; what is in force afterwards is
exactly what was, and what was decided meanwhile."""
import json
import os
import subprocess

import pytest
from netns import wait_for
from probes import Ping, can, cannot

KINDS = ("cdn_iso_mac", "cdn_iso_ip", "cdn_iso_port", "cdn_hold", "cdn_known", "cdn_server", "cdn_pair",
         "cdn_protect_ip", "cdn_protect_mac")  # what blocks, and what never is


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)
        if client.name != "c6":
            can(Ping(campus["c6"].ip4), client)


@pytest.fixture(autouse=True)
def clean(cordon):
    yield
    if cordon.api.get("/enforcement")["state"] == "suspended":
        cordon.api.post("/enforcement/resume", {"reason": "the end of a test"})
    cordon.release_all()


def isolate(cordon, client):
    told = cordon.api.post("/containments", {
        "action": "isolate", "endpoint_id": cordon.endpoint(client)["id"],
        "permit_set": "updates", "reason": "a test"})
    return told["id"]


def bpftool(*words):
    done = subprocess.run(["bpftool", "-j", *words], capture_output=True, text=True, timeout=60,
                          check=True)
    return json.loads(done.stdout or "null")


def maps_of(cordon, edge):
    """{map: its keys} of what blocks, by what the kernel holds."""
    found = {}
    folder = f"/proc/{cordon.edges[edge].pid}/fdinfo"
    for number in os.listdir(folder):
        try:
            with open(os.path.join(folder, number), encoding="ascii") as file:
                words = dict(line.split(":", 1) for line in file if ":" in line)
        except OSError:
            continue  # closed meanwhile
        if "map_id" not in words:
            continue
        try:
            entry = bpftool("map", "show", "id", words["map_id"].strip())
        except subprocess.CalledProcessError:
            continue  # closed meanwhile
        if entry.get("name", "").startswith(tuple(kind[:15] for kind in KINDS)):
            found[entry["name"]] = sorted(
                "".join(f"{int(b, 16):02x}" for b in item["key"])
                for item in bpftool("map", "dump", "id", str(entry["id"])) or [])
    return found


def intent(cordon):
    keys = ("id", "action", "endpoint_id", "permit_set", "reason", "requested", "expires", "server")
    return sorted(json.dumps({key: c.get(key) for key in keys}) for c in cordon.containments())


def all_good(cordon):
    return all(s["state"] == "good" for s in cordon.api.items("/switches"))


def settled(cordon):
    wait_for(lambda: cordon.is_answering() and all_good(cordon), "the switches are good", 30, 0.1)


def audited(cordon, action):
    return [row for row in cordon.api.get("/audit?limit=50")["items"] if row["action"] == action]


def test_what_was_decided_meanwhile_holds_afterwards(campus, cordon, c3, c4, c5, c6):
    """A release, an expiry and a new containment during panic."""
    released, expiring = isolate(cordon, c4), isolate(cordon, c5)
    for client in (c4, c5):
        cordon.wait_state("verified", client, "isolate")
    cordon.api.post("/enforcement/panic", {"reason": "an outage"})
    world = Ping(campus["world"].ip4)
    cordon.api.post(f"/containments/{released}/release", {"reason": "a mistake"})
    cordon.api.post(f"/containments/{expiring}/extend", {"expires_in_s": 600})
    kept = isolate(cordon, c6)
    can(world, c6)  # asked for, and not in force
    cordon.api.post("/enforcement/resume", {"reason": "it is over"})
    cordon.wait_state("verified", c6, "isolate")
    cordon.wait_state("verified", c5, "isolate")
    cannot(world, c6, twin=c3)
    cannot(world, c5, twin=c3)
    can(world, c4)
    assert {c["id"] for c in cordon.containments()} == {expiring, kept}


def test_a_switch_alone_is_suspended_and_nobody_else_lifts_it(campus, cordon, c2, c3, c4, c6):
    """cordon-edge --panic: what the controller says, or a restart, changes nothing.  The other switches
    go on, also with what comes from there."""
    for client in (c2, c4):
        isolate(cordon, client)
        cordon.wait_state("verified", client, "isolate")
    world, beside = Ping(campus["world"].ip4), Ping(c6.ip4)
    can(beside, campus["c5"])

    def at_switch(word):
        campus.machines["e2"].run(cordon.program("cordon-edge"), word, "--config",
                                  os.path.join(cordon.dir, "e2.yaml"))
    before = maps_of(cordon, "e2")
    at_switch("--panic")
    can(beside, c4)
    cannot(world, c2, twin=c3)
    cannot(world, c4, twin=c3)  # at the core
    rows = wait_for(lambda: [r for r in audited(cordon, "panic") if r["account"] == "switch:e2"],
                    "it is audited", 30, 0.1)
    assert rows[0]["object"] == "e2"
    wait_for(lambda: "on the switch itself" in cordon.api.get("/switches/e2").get("problem", ""), "it is shown", 30)
    cordon.edges["e2"].kill()
    cordon.edges["e2"].popen.wait(30)
    wait_for(lambda: not cordon.api.get("/switches/e2")["connected"], "e2 is away", 30, 0.1)
    cordon.start_edge("e2")
    wait_for(lambda: cordon.api.get("/switches/e2")["connected"], "e2 is back", 30, 0.1)
    isolate(cordon, campus["c5"])  # the controller goes on telling it what to hold

    def holds_more():
        now = maps_of(cordon, "e2")
        return now.keys() == before.keys() and now != before
    wait_for(holds_more, "e2 holds what is new", 30, 0.2)
    can(beside, c4)
    at_switch("--resume")
    for client in (c4, campus["c5"]):
        wait_for(lambda client=client: not beside.ask(client)[0], f"{client} is cut off again", 30)
        cannot(beside, client, twin=c3)
    wait_for(lambda: [r for r in audited(cordon, "resume") if r["account"] == "switch:e2"],
             "it is audited", 30, 0.1)
    for client in (c4, campus["c5"]):
        cordon.wait_state("verified", client, "isolate", timeout_s=30)


def test_resume_restores_exactly_what_was_also_over_restarts(campus, cordon, c3, c4, c5):
    """With a block of each kind; core and an edge are killed in the middle."""
    isolate(cordon, c4)
    world = Ping(campus["world"].ip4)
    for action in ("block_pair", "block_server"):
        wish = {"action": action, "server": "198.51.100.77", "reason": "a test"}
        if action == "block_pair":
            wish |= {"endpoint_id": cordon.endpoint(c5)["id"], "server": campus["web"].ip4}
        cordon.api.post("/containments", wish)
    wait_for(lambda: all(c["state"] == "verified" for c in cordon.containments()), "all verified",
             30, 0.1)
    cannot(world, c4, twin=c3)
    before = {edge: maps_of(cordon, edge) for edge in cordon.edges}, intent(cordon)
    assert len(before[1]) == 3 and any(before[0]["e2"].values())

    cordon.ctl("panic", "--reason", "an outage")
    can(world, c4)
    can(Ping(campus["web"].ip4), c5)
    assert intent(cordon) == before[1]  # suspended, not released
    assert audited(cordon, "panic")[0]["detail"] == "an outage"
    cordon.kill_role("core")
    cordon.edges["e2"].kill()
    cordon.edges["e2"].popen.wait(30)
    can(world, c4)
    cordon.start_edge("e2")
    settled(cordon)
    assert cordon.api.get("/enforcement")["state"] == "suspended"  # nobody else lifts it
    can(world, c4)
    cordon.ctl("resume", "--reason", "it is over")
    wait_for(lambda: all(c["state"] == "verified" for c in cordon.containments()), "all verified",
             30, 0.1)
    for probe, client in ((world, c4), (Ping(campus["web"].ip4), c5)):  # switches hear of it after the answer
        wait_for(lambda probe=probe, client=client: not probe.ask(client)[0], f"{client} is cut off again", 30)
        cannot(probe, client, twin=c3)
    assert intent(cordon) == before[1]
    wait_for(lambda: {edge: maps_of(cordon, edge) for edge in cordon.edges} == before[0],
             "each switch holds exactly what it held", 30, 0.2)
    assert audited(cordon, "resume")[0]["detail"] == "it is over"
