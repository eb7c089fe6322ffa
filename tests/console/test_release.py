"""After a release: who is watched, what came since, and undo; several at once; who is affected by what
is asked."""
import os

import campus as places
import malware
import pytest
from netns import wait_for
from probes import Http, can, cannot

SHOTS = os.environ.get("CORDON_SCREENS")
REASON = "Reason (kept in the operation log)"


def isolate(cordon, client):
    return cordon.api.post("/containments", {"action": "isolate", "mac": client.mac,
                                             "permit_set": "", "reason": "a test of many",
                                             "expires_in_s": 7200})


def page_of(campus):
    return Http(campus["web"].ip4, "www.campus.test", "Campus web")


def live(cordon, client):
    return cordon.containments(client, "isolate", pending=False)


@pytest.mark.incremental
class TestRelease:
    def test_several_get_an_expiry(self, admin, cordon, campus, c4, c5, c6):
        for one in (c4, c5, c6):
            can(page_of(campus), one)
        made = [isolate(cordon, one) for one in (c4, c5)]
        admin.goto("#/containments")
        admin.see("a test of many")
        for one in made:
            admin.run("await page.getByLabel(args.label, {exact: true}).check()",
                      label=f"Select {one['id']}")
        admin.click("Set expiry of selected (2)")
        admin.see("When shall these 2 end?")
        admin.fill("Hours from now", "1")
        admin.click("Set expiry")
        wait_for(lambda: all(one["expires"] < made[0]["expires"]
                             for client in (c4, c5) for one in live(cordon, client)),
                 "both end earlier")

    def test_several_are_released(self, admin, cordon, campus, c4, c5, c6):
        cannot(page_of(campus), c4, c6)
        for client in (c4, c5):
            admin.run("await page.getByLabel(args.label, {exact: true}).check()",
                      label=f"Select {live(cordon, client)[0]['id']}")
        admin.click("Release selected (2)")
        # who is affected, by name, address and port
        for word in ("c4", c4.mac, "c5", "e2"):
            admin.run("await page.getByRole('dialog').getByText(args.word).first().waitFor()", word=word)
        admin.fill(REASON, "all clean")
        admin.click("Release")
        admin.see("Released just now:")
        for client in (c4, c5):  # it is acknowledged when durable: switches let go milliseconds later
            wait_for(lambda one=client: page_of(campus).ask(one)[0], f"{client.name} is free", 30)

    def test_who_is_watched(self, admin, cordon, campus, c4):
        admin.goto("#/watch")
        admin.see("all clean")
        text = admin.text()
        assert "c4" in text and "c5" in text and "Nothing new" in text
        assert admin.violations() == []
        malware.outbreak(campus, c4, places.CNC_NAME, places.SWEPT)
        admin.run("""await page.getByRole('row').filter({hasText: 'c4'})
            .getByRole('link', {name: /High|Medium/}).first().waitFor()""")
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "watch.new.png"))
        row = [one for one in cordon.api.get("/watch")["items"]
               if one["containment"]["mac"] == c4.mac or one["containment"]["host_name"] == "c4"][0]
        assert row["again"] >= 1

    def test_undo(self, admin, cordon, campus, c5, c6):
        admin.goto("#/watch")
        admin.run("""await page.getByRole('row').filter({hasText: 'c5'})
            .getByRole('button', {name: 'Contain again'}).click()""")
        admin.see("with the same settings as before?")
        admin.fill(REASON, "too early")
        admin.click("Contain again", nth=-1)
        again = wait_for(lambda: live(cordon, c5), "it is contained again")[0]
        assert again["requested_by"] == "account:admin" and again["reason"] == "too early"
        cordon.wait_state("verified", c5, "isolate")
        cannot(page_of(campus), c5, c6)
        admin.see("Contained again")
        cordon.api.post(f"/containments/{again['id']}/release", {"reason": "done"})

    def test_a_server_before_it_is_blocked(self, admin, cordon):
        # not the one by an IPv6 address that nobody was known to hold yet
        server = next(one["server"] for one in cordon.api.items("/incidents")
                      if one.get("server") and one.get("host_name") == "c4")
        admin.goto("#/servers")
        admin.click("Block a server")
        admin.fill("Address or network (for example 203.0.113.7 or 203.0.113.0/28)", server)
        admin.see("detections saw")
        admin.run("await page.getByRole('dialog').getByText('c4').first().waitFor()")
        admin.click("Cancel")
