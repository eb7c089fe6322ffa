"""Two sites with the same addresses, in a real browser: who has the address is told by the site; the one
that a person isolates is cut off, and the other, with the same address, is shown and is free."""
import os

import pytest
from browser import Browser
from conftest import PASSWORD
from netns import wait_for
from test_sites import SiteLab, proven

SEEN = {  # of a row: at which site, not contained; of the dialog
    False: ("at {site}", "Isolate", " at {site}?", "Reason (kept in the operation log)", "Verified"),
    True: ("拠点: {site}", "隔離", "（拠点: {site}） を隔離しますか？", "理由（操作ログに残ります）", "検証済み"),
}


@pytest.fixture(scope="module")
def lab():
    with SiteLab() as made:
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


def rows(browser, ip):
    """Of the list of endpoints, where that address was looked for: MAC to what the row says."""
    browser.goto("#/endpoints")
    browser.run("await page.getByRole('searchbox').first().fill(args.ip)", ip=ip)
    browser.run("await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 2)")
    return browser.run("return await page.locator('main tbody tr').allInnerTexts()")


@pytest.mark.parametrize("japanese, number, twin", [(False, 9, 1), (True, 2, 10)], ids=("en west", "ja east"))
def test_the_operator_sees_which_site(lab, browser, japanese, number, twin):
    about, other = lab.endpoints[number - 1], lab.endpoints[twin - 1]
    site, elsewhere = ("west", "east") if number > 8 else ("east", "west")
    at, isolate, question, reason, verified = SEEN[japanese]
    assert about.ip == other.ip
    browser.open(japanese=japanese)
    browser.sign_in("admin", PASSWORD, japanese)
    browser.heading("ダッシュボード" if japanese else "Dashboard")
    browser.troubles()
    found = rows(browser, about.ip)
    for one, where in ((about, site), (other, elsewhere)):
        row = next(text for text in found if one.mac in text)
        assert at.format(site=where) in row and verified not in row, row
    browser.run("await page.locator('main tbody tr').filter({hasText: args.mac}).getByRole('link').first().click()",
                mac=about.mac)
    browser.see(at.format(site=site))
    browser.click(isolate)
    browser.see(question.format(site=site))
    browser.fill(reason, "a test")
    browser.run("await page.getByRole('dialog').getByRole('button', {name: args.name, exact: true}).click()",
                name=isolate)
    wait_for(lambda: lab.about(about), f"{about} is contained", 30, 0.05)
    browser.see(at.format(site=site))
    proven(lab, about, other)
    found = rows(browser, about.ip)
    browser.see(verified)
    found = browser.run("return await page.locator('main tbody tr').allInnerTexts()")
    assert verified in next(text for text in found if about.mac in text), found
    free = next(text for text in found if other.mac in text)
    assert at.format(site=elsewhere) in free and verified not in free, free
    assert not lab.about(other)
    assert not browser.violations() and not browser.troubles()
    lab.release_all()
