"""The console in a real browser, over a real controller with the campus behind it."""
import os

import campus as places
import malware
import pytest
from conftest import PASSWORD
from probes import Http, Ping, can, cannot

SCREENS = ("dashboard", "pending", "incidents", "containments", "endpoints", "switches", "mirrors",
           "sources", "permits", "protected", "servers", "audit", "system")
SHOTS = os.environ.get("CORDON_SCREENS")  # a folder: keeps a picture of each screen


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)


def page_of(campus):
    return Http(campus["web"].ip4, "www.campus.test", "Campus web")


@pytest.mark.incremental
class TestDay:
    def test_first_sign_in(self, admin):
        # "who am I?": nobody yet
        assert [one for one in admin.troubles() if "401 (Not authenticated)" not in one] == []

    def test_an_infection_arrives_by_itself(self, admin, campus, c2, c3):
        admin.goto("#/containments")
        admin.see("Nothing is contained.")
        can(page_of(campus), c2)
        malware.outbreak(campus, c2, places.CNC_NAME, places.SWEPT)
        admin.see("Verified", 15)  # without a reload
        assert "c2" in admin.text()
        cannot(page_of(campus), c2, c3)

    def test_why_where_and_how_fast(self, admin):
        admin.run("""await page.getByRole('row').filter({hasText: 'Isolate'})
            .filter({hasText: '02:00:00:00:00:02'}).getByRole('link', {name: 'Verified'})
            .first().click()""")
        admin.heading("Isolate: c2")
        text = admin.text()
        for word in ("Timeline", "What each switch holds", "Still reachable", "core", "e1", "e2"):
            assert word in text, word

    def test_release_and_traffic_flows(self, admin, campus, c2):
        admin.click("Release")
        admin.see("Release this containment?")
        admin.fill("Reason (kept in the operation log)", "cleaned, by the console")
        admin.click("Release", nth=1)
        admin.see("Released", 10)
        can(page_of(campus), c2)
        admin.goto("#/audit")
        admin.see("cleaned, by the console")
        assert "account:admin" in admin.text()

    def test_find_an_endpoint(self, admin, campus):
        admin.goto("#/endpoints")
        admin.fill("Search", campus["c4"].mac[-5:])
        admin.see("c4")
        admin.click("c4", "link")
        admin.heading("c4")
        assert "e2 / p" in admin.text()

    def test_isolate_by_hand(self, admin, campus, c3, c5):
        admin.goto("#/endpoints")
        admin.fill("Search", "c5")
        admin.click("c5", "link")
        admin.click("Isolate")
        admin.see("loses all traffic")
        admin.fill("Reason (kept in the operation log)", "by hand")
        can(page_of(campus), c5)
        admin.click("Isolate", nth=1)
        admin.see("Verified", 10)
        cannot(page_of(campus), c5, c3)
        admin.click("Release")
        admin.fill("Reason (kept in the operation log)", "enough")
        admin.click("Release", nth=1)
        admin.see("Released", 10)
        can(page_of(campus), c5)


def visit(browser, screen, title=None):
    browser.goto(f"#/{screen}")
    browser.run("await page.locator('main h1').waitFor(); await page.waitForTimeout(700)")


class TestScreens:
    @pytest.mark.parametrize("japanese", (False, True), ids=("en", "ja"))
    @pytest.mark.parametrize("dark", (False, True), ids=("light", "dark"))
    def test_each_screen_is_accessible(self, admin, japanese, dark):
        admin.open(japanese=japanese, dark=dark)
        admin.sign_in("admin", PASSWORD, japanese)
        admin.heading("ダッシュボード" if japanese else "Dashboard")
        admin.troubles()
        found = {}
        for screen in SCREENS:
            visit(admin, screen)
            wrong = admin.violations() + admin.troubles()
            if wrong:
                found[screen] = wrong
            if SHOTS and not dark:
                admin.shot(os.path.join(SHOTS, f"{screen}.{'ja' if japanese else 'en'}.png"))
        assert not found, found

    def test_a_phone_in_the_server_room(self, admin):
        admin.open(width=360, height=740)
        admin.sign_in("admin", PASSWORD)
        admin.heading("Dashboard")
        for screen in SCREENS:
            visit(admin, screen)
            width = admin.run("return document.documentElement.scrollWidth".replace(
                "return ", "return await page.evaluate(() => ") + ")")
            assert width <= 360, (screen, width)
        admin.click("Menu")
        admin.click("Endpoints", "link")
        admin.heading("Endpoints")

    def test_language_and_theme_stay(self, admin):
        admin.open()
        admin.sign_in("admin", PASSWORD)
        admin.heading("Dashboard")
        admin.run("await page.getByLabel('Language').selectOption('ja')")
        admin.heading("ダッシュボード")
        admin.goto("#/endpoints")
        admin.run("await page.reload()")
        admin.heading("端末")
        assert admin.run("return await page.evaluate(() => document.documentElement.lang)") == "ja"
