"""The policy in the console: written as text and by forms, checked, tried, stored, brought back; and
what that does to real traffic."""
import os

import malware
import pytest
from conftest import PASSWORD
from netns import wait_for
from probes import Http, can, cannot
from test_forgeries import eve_alert

SHOTS = os.environ.get("CORDON_SCREENS")
REASON = "Reason (kept in the operation log)"
LINES = "Events, one per line: Suricata EVE JSON, Deep Discovery CEF, or Cordon’s own detections"


def web_of(campus):
    return Http(campus["web"].ip4, "www.campus.test", "Campus web")


def shot(browser, name):
    if SHOTS:
        browser.shot(os.path.join(SHOTS, f"{name}.png"))


def looks_right(browser, name):
    """WCAG 2.1 AA with this open, too; a picture where they are wanted."""
    assert browser.violations() == []
    shot(browser, name)


def running_or_none(cordon):
    try:
        return cordon.api.get("/policy")
    except (OSError, AssertionError):
        return None


def text_of(browser):
    return browser.run("return await page.getByLabel('Policy (YAML)').inputValue()")


def write(browser, text):
    browser.fill("Policy (YAML)", text)


def store(browser, reason, button="Store and run it"):
    browser.fill(REASON, reason)
    browser.click(button)
    browser.run("await page.getByRole('dialog').waitFor({state: 'detached'})")


@pytest.fixture(scope="module")
def running(cordon):
    return lambda: cordon.api.get("/policy")


@pytest.mark.incremental
class TestText:
    def test_broken_text_says_where_and_changes_nothing(self, admin, cordon, running):
        before = running()
        admin.goto("#/policies")
        admin.heading("Policies")
        admin.run("await page.getByLabel('Policy (YAML)').waitFor()")
        assert text_of(admin) == before["text"]
        broken = before["text"].replace("budgets:\n", "budgets:\n  per_minit: 5\n")
        line = broken[:broken.index("per_minit")].count("\n") + 1
        write(admin, broken)
        admin.see("budgets.per_minit is not known here")
        admin.see("check the spelling")
        assert admin.run("return await page.getByRole('button', {name: 'Store…'}).isDisabled()")
        looks_right(admin, "policy-broken.en")
        admin.click(f"Line {line}, column 3")
        at = admin.run("""return await page.getByLabel('Policy (YAML)').evaluate(
            (area) => [document.activeElement === area, area.selectionStart])""")
        assert at == [True, broken.index("per_minit")]
        assert running() == before
        with open(cordon.policy_file, encoding="utf-8") as file:
            assert file.read() == before["text"]

    def test_closing_the_page_asks_first(self, admin):
        assert admin.run("""
            await page.getByLabel('Policy (YAML)').click(); /* a page that nobody touched is not asked for */
            const asked = page.waitForEvent('dialog');
            await page.evaluate(() => void setTimeout(() => location.reload(), 0));
            const dialog = await asked;
            const type = dialog.type();
            await dialog.dismiss();
            return type;""") == "beforeunload"
        assert "per_minit" in text_of(admin)

    def test_a_draft_outlives_another_screen(self, admin):
        admin.goto("#/dashboard")
        admin.heading("Dashboard")
        admin.goto("#/policies")
        admin.see("Draft, not stored")
        assert "per_minit" in text_of(admin)
        admin.click("Discard the draft")
        admin.click("Discard the draft", nth=1)
        admin.run("await page.getByText('Draft, not stored').waitFor({state: 'detached'})")
        assert "per_minit" not in text_of(admin)

    def test_a_draft_is_tried_before_it_is_stored(self, admin, campus, c4, running):
        write(admin, running()["text"].replace("policies:\n", "policies:\n  - name: drafted\n    when: "
                                               "{phases: [c2, unknown]}\n    then: [{action: notify}]\n"
                                               "    goes_on: true\n"))
        admin.see("The text is a good policy.")
        admin.fill(LINES, eve_alert(c4.ip4, "198.51.100.66", c4.mac))
        admin.click("What would it do?")
        admin.see("By the draft:")
        assert "policy drafted" in admin.text()
        assert "drafted" not in running()["text"]
        admin.run("await page.getByLabel('Try the draft').uncheck()")
        admin.click("What would it do?")
        admin.see("By the running policy:")

    def test_stored_with_a_reason_after_a_look_at_the_difference(self, admin, cordon, running):
        before = running()
        admin.click("Store…")
        admin.see("Store this policy?")
        admin.run("await page.getByRole('region', {name: 'What changes in the policy'}).waitFor()")
        added = admin.run("return await page.locator('dialog .add').allInnerTexts()")
        assert len(added) == 4 and any("drafted" in one for one in added), added
        looks_right(admin, "policy-store.en")
        store(admin, "a name for it")
        now = running()
        assert now["revision"] == before["revision"] + 1
        assert (now["account"], now["reason"]) == ("account:admin", "a name for it")
        with open(cordon.policy_file, encoding="utf-8") as file:
            assert file.read() == now["text"]
        rows = cordon.api.get("/audit")["items"]
        assert any(row["action"] == "policy.save" and row["detail"] == "a name for it" for row in rows)
        admin.see("a name for it")

    def test_two_people_at_once_lose_nothing(self, admin, cordon, running):
        before = running()
        write(admin, before["text"].replace("low_confidence: 40", "low_confidence: 41"))
        admin.see("The text is a good policy.")
        admin.click("Store…")
        admin.fill(REASON, "mine")
        cordon.api.post("/policy", {"text": before["text"] + "# theirs\n", "reason": "theirs",
                                    "base_revision": before["revision"]})
        admin.click("Store and run it")
        admin.see("was stored in between by token:admin: theirs")
        looks_right(admin, "policy-conflict.en")
        admin.click("Store and run it")
        admin.run("await page.getByRole('dialog').waitFor({state: 'detached'})")
        now = running()
        assert now["revision"] == before["revision"] + 2
        assert "# theirs\n" in now["text"] and "low_confidence: 41" in now["text"]

    def test_the_same_line_is_nobodys_to_decide_alone(self, admin, cordon, running):
        before = running()
        write(admin, before["text"].replace("low_confidence: 41", "low_confidence: 42"))
        cordon.api.post("/policy", {"text": before["text"].replace("low_confidence: 41", "low_confidence: 43"),
                                    "reason": "faster", "base_revision": before["revision"]})
        admin.see("Both changed the same lines")  # by itself: without a reload
        assert "low_confidence: 42" in text_of(admin)
        admin.click("Discard the draft")
        admin.click("Discard the draft", nth=1)
        admin.run("""await page.waitForFunction(() =>
            document.getElementById('policy-text').value.includes('low_confidence: 43'))""")

    def test_difference_of_any_two_and_back(self, admin, running):
        first = 1
        now = running()
        admin.run("await page.getByLabel('Compare revision 1', {exact: true}).check()")
        admin.run("await page.getByLabel(`Compare revision ${args.n}`, {exact: true}).check()",
                  n=now["revision"])
        admin.see(f"Between revision {first} and revision {now['revision']}")
        admin.run("await page.locator('.cut', {hasText: 'low_confidence: 40'}).waitFor()")
        admin.run("await page.locator('.add', {hasText: 'low_confidence: 43'}).waitFor()")
        looks_right(admin, "policy-history.en")
        admin.click("Bring back revision 1")
        admin.see("Bring back revision 1?")
        admin.run("await page.locator('dialog .add', {hasText: 'low_confidence: 40'}).waitFor()")
        store(admin, "as it was", "Bring back")
        after = running()
        assert (after["revision"], after["reason"]) == (now["revision"] + 1, "as it was")
        assert "low_confidence: 40" in after["text"] and "drafted" not in after["text"]
        wait_for(lambda: text_of(admin) == after["text"], "the text that runs is shown")


class TestFile:
    def test_a_hand_at_the_file_is_shown(self, admin, cordon, running):
        before = running()
        with open(cordon.policy_file, "a", encoding="utf-8") as file:
            file.write("nonsense: true\n")
        cordon.reload()
        line = before["text"].count("\n") + 1
        admin.goto("#/policies")
        admin.see("What stands in the file is no good policy")  # by itself
        admin.see(f"line {line}, column 1")
        looks_right(admin, "policy-file.en")
        assert running()["text"] == before["text"]
        cordon.kill_cordond()
        cordon.start_cordond()  # a broken file is no reason not to start
        wait_for(lambda: running_or_none(cordon), "the API is back", 30)
        assert (running()["text"], running()["file_state"]) == (before["text"], "refused")
        admin.run("await page.reload()")  # the session outlives the processes
        admin.see("What stands in the file is no good policy")
        admin.click("Write the running policy to the file…")
        store(admin, "undone", "Write the file")
        admin.see("In step")
        with open(cordon.policy_file, encoding="utf-8") as file:
            assert file.read() == before["text"]


@pytest.mark.incremental
class TestTraffic:
    def test_a_mode_is_set_with_its_meaning(self, admin, campus, cordon, c3, running):
        admin.goto("#/policies")
        admin.run("await page.getByLabel('Mode of campus').selectOption('approve')")
        admin.see("Nothing is contained until a person enforces it")
        added = admin.run("return await page.locator('dialog .add .text').allInnerTexts()")
        assert added == ["    mode: approve"], added
        store(admin, "first look")
        can(web_of(campus), c3)
        malware.contact(campus, c3, "hard.evil.example")
        cordon.wait_state("pending", c3, "isolate")
        can(web_of(campus), c3)
        cordon.release_all()
        admin.run("await page.getByLabel('Mode of campus').selectOption('auto')")
        admin.see("Cordon contains without asking")
        looks_right(admin, "policy-auto.en")
        store(admin, "trusted now")
        assert "mode: auto" in running()["text"]

    def test_a_permitted_server_is_reached_by_who_is_contained(self, admin, campus, cordon, c5, c4, running):
        before = running()["revision"]
        can(web_of(campus), c5)
        cordon.api.post("/containments", {"action": "isolate", "mac": c5.mac, "permit_set": "updates",
                                          "reason": "a test", "expires_in_s": 900})
        cordon.wait_state("verified", c5, "isolate")
        cannot(web_of(campus), c5, c4)
        admin.goto("#/permits")
        admin.click("Add a server to updates")
        admin.fill("Address, network or name (192.0.2.10, 192.0.2.0/28, *.example.org)",
                   campus["web"].ip4)
        admin.fill("Port, first and last (empty: all)", "80")
        admin.see("Lines added: 1; removed: 0")
        looks_right(admin, "permit-add.en")
        store(admin, "they need the web server")
        admin.see(campus["web"].ip4)
        wait_for(lambda: web_of(campus).ask(c5)[0], "the permitted server answers", 30)
        can(web_of(campus), c5)
        admin.goto("#/policies")
        admin.click(f"Bring back revision {before}")
        store(admin, "no more", "Bring back")
        wait_for(lambda: not web_of(campus).ask(c5)[0], "it does not answer any more", 30)
        cannot(web_of(campus), c5, c4)
        cordon.release_all()

    def test_a_declared_host_cannot_be_contained(self, admin, cordon, c6, running):
        admin.goto("#/protected")
        admin.click("Declare a host…")
        admin.fill("Name", "ventilator")
        admin.fill("MACs, one per line", c6.mac)
        store(admin, "keeps somebody alive")
        assert cordon.api.post_raw("/containments", {"action": "isolate", "mac": c6.mac, "reason": "r"})[0] == 409
        admin.see("ventilator")
        admin.goto("#/endpoints")
        admin.fill("Search", "c6")
        admin.click("c6", "link")
        admin.see("Protected: it can never be contained.")
        admin.see("ventilator")
        shot(admin, "endpoint-protected.en")
        admin.goto("#/protected")
        admin.click("Remove ventilator")
        store(admin, "gone")
        assert cordon.api.get("/policy")["text"].count("ventilator") == 0

    def test_servers_that_are_never_blocked(self, admin, cordon, running):
        admin.goto("#/servers")
        admin.click("Add to “Never block: domains”")
        admin.fill("Domain (for example example.org)", "partner.example")
        store(admin, "our partner")
        admin.see("partner.example")
        assert "never_block: {domains: [partner.example]}" in running()["text"]
        admin.click("Remove partner.example")
        store(admin, "over")
        assert "partner.example" not in running()["text"]


EVIL = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>{{7*7}}"


class TestHostile:
    def test_what_stands_in_a_policy_stays_text(self, admin, cordon, running):
        before = running()
        evil = EVIL.replace('"', "'")
        text = before["text"].replace("policies:\n", f'# {evil}\npolicies:\n  - name: "{evil[:63]}"\n    then: '
                                      "[{action: notify}]\n    goes_on: true\n")
        text = text.replace("protected:\n", f'protected:\n  - {{name: "{evil[:63]}", macs: ["02:00:00:00:00:99"]}}\n')
        text = text.replace("permit_sets:\n", f'permit_sets:\n  - {{name: "{evil[:63]}"}}\n')
        cordon.api.post("/policy", {"text": text, "reason": EVIL, "base_revision": before["revision"]})
        admin.troubles()
        for screen in ("policies", "permits", "protected", "servers"):
            admin.goto(f"#/{screen}")
            admin.run("await page.locator('main h1').waitFor(); await page.waitForTimeout(300)")
            assert admin.run("""return await page.evaluate(() =>
                [window.hacked, document.querySelectorAll('img[src=x]').length])""") == [None, 0]
        admin.goto("#/policies")
        admin.see(EVIL)
        admin.click(f"Bring back revision {before['revision']}")
        admin.run("await page.locator('dialog .cut').first().waitFor()")
        assert EVIL in admin.run("return await page.locator('dialog').innerText()")
        store(admin, "enough", "Bring back")
        assert admin.run("return await page.evaluate(() => window.hacked)") is None
        assert admin.troubles() == []


class TestRoles:
    def test_a_viewer_sees_and_changes_nothing(self, admin, cordon):
        cordon.api.post("/accounts", {"name": "vic", "role": "viewer", "password": "first one of vic"})
        admin.open()
        admin.sign_in("vic", "first one of vic")
        admin.fill("Password so far", "first one of vic")
        admin.fill("New password (at least 12 characters)", PASSWORD)
        admin.fill("New password, once more", PASSWORD)
        admin.click("Set password")
        admin.heading("Dashboard")
        admin.goto("#/policies")
        admin.see("Only operators and administrators can write a draft.")
        assert admin.run("return await page.getByLabel('Policy (YAML)').isEditable()") is False
        text = admin.text()
        for word in ("Store…", "Bring back…", "Try events"):
            assert word not in text, word
        admin.goto("#/permits")
        admin.see("updates")
        assert "Add a server…" not in admin.text()
