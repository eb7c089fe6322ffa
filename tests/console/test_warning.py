"""The warning page, edited in a real browser: what the preview shows is what a contained endpoint
gets from its edge."""
import os

import pytest
from netns import wait_for
from probes import Http, can

SHOTS = os.environ.get("CORDON_SCREENS")
TITLE = "Cut off by the network team <b>& friends</b>"


def frame(admin):
    return admin.run("return await page.frameLocator('iframe').locator('body').innerText()")


def served(machine, address):
    """What the contained endpoint's browser is given for any plain HTTP page."""
    return machine.run("curl", "-s", "-m", "10", f"http://{address}/", check=False).stdout


@pytest.mark.incremental
class TestWarning:
    def test_the_preview_follows_the_keys(self, admin):
        admin.goto("#/warning")
        admin.heading("Warning page")
        admin.troubles()
        admin.run("await page.getByLabel('Heading').nth(1).fill(args.text)", text=TITLE)
        admin.run("""await page.frameLocator('iframe').getByText(args.text).waitFor()""", text=TITLE)
        assert "AB12-CD34" in frame(admin)
        # the page's own look, under the console's strict policy: nothing was refused
        assert admin.run("""return await page.frameLocator('iframe').locator('section').first()
            .evaluate((one) => getComputedStyle(one).borderLeftStyle)""") == "solid"
        assert admin.troubles() == []
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "warning.edit.png"))

    def test_a_contained_endpoint_gets_it(self, admin, cordon, campus, c5):
        made = cordon.api.post("/containments", {"action": "isolate", "mac": c5.mac,
                                                 "reason": "a test of the page",
                                                 "expires_in_s": 600})
        admin.click("Save")
        admin.fill("Reason (kept in the operation log)", "new words")
        admin.click("Save", nth=1)
        admin.see("Saved.")
        escaped = TITLE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        page = wait_for(lambda: (lambda got: got if escaped in got else None)(
            served(c5, campus["web"].ip4)), "the new page", 30)
        assert made["case_number"] in page
        # byte by byte what the preview of this case is
        now = cordon.api.get("/warning")
        preview = cordon.api.raw("POST", "/warning/preview", {
            "texts": now["texts"], "reason": "a test of the page",
            "case_number": made["case_number"]})[1]
        assert preview.decode() == page
        kept = cordon.api.get("/audit?action=warning.change")["items"][0]
        assert (kept["account"], kept["detail"]) == ("account:admin", "new words")

    def test_back_to_the_file(self, admin, cordon, campus, c5):
        admin.click("Back to the file’s texts")
        admin.fill("Reason (kept in the operation log)", "enough")
        admin.click("Back to the file’s texts", nth=1)
        admin.see("Saved.")
        wait_for(lambda: "friends" not in served(c5, campus["web"].ip4), "the old page", 30)
        for one in cordon.containments(c5, "isolate", pending=False):
            cordon.api.post(f"/containments/{one['id']}/release", {"reason": "done"})
        can(Http(campus["web"].ip4, "www.campus.test", "Campus web"), c5)
