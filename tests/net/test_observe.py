"""Mode observe: nothing is contained, and the log says what would have been."""
import time
import os

import campus as places
import malware
import pytest
from netns import wait_for
from probes import Ping, can, cannot


def _policy():
    path = os.path.join(places.HERE, "config", "policy.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.count("mode: auto") == 1
    return text.replace("mode: auto", "mode: observe")


CORDON = {"policy_text": _policy()}


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)


def test_nothing_is_contained_and_the_log_says_what_would_have_been(campus, cordon, c2):
    malware.contact(campus, c2)
    endpoint = cordon.endpoint(c2)
    wait_for(lambda: cordon.api.items(f"/incidents?endpoint={endpoint['id']}"), "an incident", 30)
    wait_for(lambda: [line for line in cordon.cordond.log(50000).splitlines()
                      if "observe" in line and "isolate" in line],
             "the log says what would have been", 30)
    assert cordon.api.items("/containments") == []
    can(Ping(campus["world"].ip4), c2)
    can(Ping(places.CNC[places.CNC_NAME][0]), c2)


def test_a_policy_file_is_tried_and_a_broken_one_refused_with_line_and_column(cordon, tmp_path):
    event = tmp_path / "events.json"
    from test_forgeries import eve_alert
    event.write_text(eve_alert(cordon.campus["c3"].ip4, "198.51.100.1", cordon.campus["c3"].mac))
    text = cordon.ctl("policy", "test", str(event)).stdout
    assert "isolate" in text, text
    with open(cordon.policy_file, "a", encoding="utf-8") as file:
        file.write("nonsense: [1, 2\n")
    done = cordon.campus.machines["ctl"].run(
        cordon.program("cordond"), "--check-config", "--config",
        cordon.config_file, check=False)
    assert done.returncode != 0
    lines = len(open(cordon.policy_file, encoding="utf-8").read().splitlines())
    assert any(f":{line}:" in done.stderr for line in (lines, lines + 1)), done.stderr
    cordon.reload()
    can(Ping(cordon.campus["world"].ip4), cordon.campus["c2"])
    assert cordon.is_answering()  # the running policy stays


def test_a_good_policy_file_is_taken_without_a_restart(campus, cordon, c3, c4):
    with open(cordon.policy_file, "w", encoding="utf-8") as file:
        file.write(CORDON["policy_text"].replace("mode: observe", "mode: auto"))
    cordon.reload()
    malware.contact(campus, c3, "hard.evil.example")
    cordon.wait_state("verified", c3, "isolate")


def test_what_a_rule_leaves_to_people_is_held_and_its_twin_is_contained(campus, cordon, c3, c4, c5, c6):
    """By port and by class; with the same contact, in mode auto."""
    place = cordon.endpoint(c4)["location"]
    cordon.api.post(f"/endpoints/{cordon.endpoint(c5)['id']}/annotate", {"class": "medical"})
    rules = f"""
rollout:
  - name: one careful port
    when: {{ports: ["{place['switch']}/{place['port']}"]}}
    mode: approve
  - name: medical devices
    when: {{classes: [medical]}}
    mode: approve
maintenance:
  - name: long ago
    mode: observe
    once: {{from: "2001-01-01T00:00:00Z", to: "2001-01-02T00:00:00Z"}}
"""
    with open(cordon.policy_file, "w", encoding="utf-8") as file:
        file.write(CORDON["policy_text"].replace("mode: observe", "mode: auto")
                   .replace("then: revert", "then: enforce").replace("pending_s: 3600", "pending_s: 5")
                   + rules)
    cordon.reload()
    world = Ping(campus["world"].ip4)
    for client in (c4, c5, c6):
        can(world, client)
    for client in (c4, c5, c6):
        malware.contact(campus, client, "hard.evil.example")
    cordon.wait_state("verified", c6, "isolate")
    cannot(world, c6, c4)

    def held(client):
        return [one["containment"] for one in cordon.api.items("/pending")
                if one["containment"].get("endpoint_id") == cordon.endpoint(client)["id"]
                and one["containment"]["action"] == "isolate"]
    for client, rule in ((c4, "one careful port"), (c5, "medical devices")):
        wait_for(lambda client=client: held(client), f"a held decision about {client.name}", 30)
        pending = held(client)[0]
        assert pending["hold"] == "rollout", pending
        assert rule in pending["hold_detail"], pending
        can(world, client)
    # "enforce" after five seconds is for network modes: what a rule leaves to people waits for them,
    # and is not let go either
    time.sleep(7)
    for client in (c4, c5):
        assert held(client), client.name
        can(world, client)
    told = cordon.api.get("/policy/rollout")
    assert {one["name"]: one["endpoints"] for one in told["rules"]} == {"one careful port": 1,
                                                                       "medical devices": 1}
    assert [one["in_force"] for one in told["maintenance"]] == [False]
