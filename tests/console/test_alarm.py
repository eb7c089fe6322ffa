"""A storm as a person sees it: the banner on every screen, the budgets and the conflicts, and what is asked before
a server is blocked for everybody."""
import copy
import os
import subprocess

import pytest
from browser import Browser
from conftest import PASSWORD
from light import POLICY, arp_frame
from netns import wait_for
from test_storm import StormLab, ip

CROWD, BUDGET, SERVER = 250, 3, "198.51.100.66"
SMALL = (POLICY.replace("10.77.0.0/24", "10.0.0.0/8").replace("per_minute: 10000", f"per_minute: {BUDGET}")
         .replace("per_hour: 10000", f"per_hour: {BUDGET}")
         .replace("- {action: isolate}", "- {action: isolate}\n      - {action: block_server}")
         .replace("lists:\n", "never_block:\n  prefixes: [198.51.100.0/24]\nlists:\n"))
DOUBTFUL = CROWD - 1  # of whom only weak evidence is there before the storm
SEEN = {
    False: ("more endpoints are to be isolated than the budget allows", "Budgets and conflicts",
            "seen in two places at once", "endpoints talk to it", "Pending"),
    True: ("自動隔離の上限を超えています", "自動隔離の上限と競合", "2 か所で同時に観測", "このサーバーと通信したことを検知", "承認待ち"),
}
FAILED = {False: "That did not work", True: "実行できませんでした"}  # of nothing that works
SHOTS = os.environ.get("CORDON_SHOTS")  # a folder, to look at


def doubtful(made):
    return [one["containment"] for one in made.items("/pending")
            if one["containment"]["hold"] == "weak" and one["containment"]["ip"] == ip(DOUBTFUL)
            and one["containment"]["action"] == "isolate"]


@pytest.fixture(scope="module")
def lab():
    made = StormLab(CROWD, SMALL, sure=lambda _: False, server=SERVER)
    hearsay = made.eve.replace("eve.json", "hearsay.json")
    made.sources += f'  - {{name: hearsay, kind: eve-file, path: "{hearsay}", strength: weak, confidence: 50}}\n'
    with made:
        with made.crowd():
            wait_for(lambda: made.api.get("/endpoints?limit=1")["total"] >= CROWD, "everybody is known", 60, 0.2)
            made.write(hearsay, [DOUBTFUL])
            wait_for(lambda: doubtful(made), "what somebody could have forged waits", 30, 0.2)
            made.storm()
            wait_for(lambda: made.api.get("/budgets").get("storm"), "the storm", 60, 0.2)
            wait_for(lambda: made.api.get("/pending?limit=1")["total"] >= CROWD - BUDGET, "the others wait", 60, 0.2)
            double = copy.copy(made.endpoints[2])
            double.cable = made.endpoints[10].cable

            def clash():
                made.wires.put(made.endpoints[2], arp_frame(double))
                made.wires.put(double, arp_frame(double))
                return [one for one in made.items("/conflicts") if "two places" in one["why"]]
            wait_for(clash, "a conflict", 30, 0.2)
            yield made


@pytest.fixture(scope="module")
def browser(lab):
    made = Browser(lab.machines["ctl"], "https://127.0.0.1:8443")
    with open(os.path.join(lab.state_dir, "admin.password"), encoding="ascii") as file:
        first = file.read().strip()
    made.sign_in("admin", first)
    made.fill("Password so far", first)
    made.fill("New password (at least 12 characters)", PASSWORD)
    made.fill("New password, once more", PASSWORD)
    made.click("Set password")
    made.heading("Dashboard")
    yield made
    made.close()


@pytest.mark.parametrize("japanese", (False, True), ids=("en", "ja"))
def test_the_storm_is_seen(lab, browser, japanese):
    banner, limits, conflict, talkers, pending = SEEN[japanese]
    browser.open(japanese=japanese)
    browser.sign_in("admin", PASSWORD, japanese)
    browser.see(banner)
    browser.troubles()
    for screen, words in (("budgets", (limits, conflict)), ("pending", (pending,))):
        browser.goto(f"#/{screen}")
        browser.heading(words[0])
        browser.see(banner)
        for each in words[1:]:
            browser.see(each)
        assert FAILED[japanese] not in browser.text()
        assert not browser.violations()
        if SHOTS:
            browser.shot(os.path.join(SHOTS, f"{screen}.{'ja' if japanese else 'en'}.png"))
    used = lab.api.get("/budgets")
    assert used["minute"] <= used["hour"] == BUDGET
    # before the server is blocked for everybody: who talks to it?
    one = next(each for each in lab.items("/pending") if each["containment"]["action"] == "block_server")
    assert one["containment"]["hold"] == "never_block", one
    browser.run("const box = page.getByRole('searchbox').first(); await box.fill(args.text)", text=one["containment"]["id"])
    browser.run("await page.getByRole('article').filter({hasText: args.what}).first()"
                ".getByRole('button', {name: args.name, exact: true}).click()",
                what="サーバーの遮断" if japanese else "Block server", name="実施" if japanese else "Enforce")
    browser.see(talkers)
    shown = lab.api.get(f"/server-assessment?server={SERVER}")
    assert len(shown["talkers"]) == 100 and shown["more"] == CROWD - 100
    assert not browser.violations() and not browser.troubles()
    if SHOTS:
        browser.shot(os.path.join(SHOTS, f"block.{'ja' if japanese else 'en'}.png"))


@pytest.mark.parametrize("japanese", (False, True), ids=("en", "ja"))
def test_why_what_is_certain_by_now_still_waits_is_seen(lab, browser, japanese):
    one = wait_for(lambda: [each for each in doubtful(lab) if each.get("refused")], "its budget is spent", 60, 0.2)[0]
    browser.open(japanese=japanese)
    browser.sign_in("admin", PASSWORD, japanese)
    browser.troubles()
    for screen, word in (("pending", {False: "Policy could not enforce it", True: "ポリシーが実施できなかった理由"}),
                         (f"containments/{one['id']}", {False: "could not enforce it",
                                                        True: "実施できませんでした"})):
        browser.visit(screen)
        if screen == "pending":
            browser.run("const box = page.getByRole('searchbox').first(); await box.fill(args.text)", text=one["id"])
        browser.see(word[japanese])
        assert japanese != (one["refused"] in browser.text()), one["refused_said"]
        assert not browser.violations() and not browser.troubles()
    shown = subprocess.run(
        [lab.program("cordonctl"), "pending"], check=True, capture_output=True, text=True, timeout=60,
        env=dict(os.environ, CORDON_URL="https://10.99.0.1:8443", CORDON_TOKEN_FILE=f"{lab.state_dir}/admin.token",
                 CORDON_CA=f"{lab.state_dir}/pki/ca.pem")).stdout
    assert "REFUSED" in shown and one["refused"] in shown, shown
