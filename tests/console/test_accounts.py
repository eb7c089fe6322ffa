"""Second factors, accounts of others, tokens and one's own sessions in a real browser; without the campus."""
import os
import pathlib
import re
import shutil
import sys
import tempfile

import api as client
import pytest
from browser import TOP, Browser
from conftest import PASSWORD
from netns import wait_for

sys.path.insert(0, os.path.join(TOP, "tests", "net"))
import test_login as servers  # noqa: E402  (after the path)
from people import totp  # noqa: E402

SHOTS = os.environ.get("CORDON_SCREENS")


class Here:
    """In a machine's place: this one."""

    @staticmethod
    def call(function):
        return function()


@pytest.fixture(scope="module")
def bench():
    if not os.path.isdir(os.path.join(TOP, "console", "node_modules", "playwright-core")):
        pytest.skip("the console was not built")
    if not shutil.which("chromium") or not shutil.which("slapd"):
        pytest.skip("there is no chromium, or no slapd")
    with tempfile.TemporaryDirectory(prefix="cordon-login-") as folder:
        made = servers.Bench(folder)
        try:
            made.start()
            made.browser = Browser(Here, made.home.rstrip("/"))
            yield made
        finally:
            if hasattr(made, "browser"):
                made.browser.close()
            made.stop()


@pytest.fixture(scope="module")
def page(bench):
    return bench.browser


def fresh(page, **how):
    page.open(**how)
    page.troubles()


@pytest.mark.incremental
class TestAccounts:
    codes = []

    def test_a_second_factor_is_set_up(self, page):
        page.sign_in("admin", servers.LOCAL)
        page.heading("Dashboard")
        page.goto("#/profile")
        page.heading("My account")
        page.click("Set up a second factor")
        page.fill("Your password, once more", "wrong")
        page.click("Set up")
        page.see("the password is wrong")
        page.fill("Your password, once more", servers.LOCAL)
        page.click("Set up")
        page.see("Scan this code")
        assert page.violations() == []
        assert page.run("return await page.locator('svg.qr path').getAttribute('d')").count("M") > 300
        key = re.search(r"Key: ([A-Z2-7 ]+)", page.text()).group(1).replace(" ", "")
        page.fill("The app’s six digits", "000000" if totp(key) != "000000" else "000001")
        page.click("Confirm")
        page.see("is the clock right?")
        page.fill("The app’s six digits", totp(key))
        page.click("Confirm")
        page.see("The second factor is set up.")
        TestAccounts.codes = re.findall(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){3}\b", page.text())
        assert len(self.codes) == 10
        if SHOTS:
            page.shot(os.path.join(SHOTS, "second-factor.en.png"))
        page.click("I have kept them")
        page.see("10 recovery codes left")
        assert page.violations() == []
        assert [one for one in page.troubles() if "401" not in one and "422" not in one] == []

    def test_sign_in_takes_two_steps(self, page):
        fresh(page)
        page.sign_in("admin", servers.LOCAL)
        page.heading("Second step")
        assert page.violations() == []
        page.fill("Code of your app, or a recovery code", "123456")
        page.click("Continue")
        page.see("The code is wrong, or was used before.")
        page.goto("#/accounts")  # nobody is signed in yet
        page.heading("Second step")
        page.click("Back")
        page.heading("Sign in to Cordon")
        page.sign_in("admin", servers.LOCAL)
        page.heading("Second step")
        page.fill("Code of your app, or a recovery code", self.codes[0])
        page.click("Continue")
        page.heading("Dashboard")
        page.goto("#/profile")
        page.see("9 recovery codes left")

    def test_elsewhere_is_signed_out(self, page, bench):
        other = bench.person()
        status, half = other.sign_in("admin", servers.LOCAL)
        assert status == 200
        assert other.send("POST", "/session/code", {"ticket": half["ticket"],
                                                    "code": self.codes[1]})[0] == 200
        page.goto("#/dashboard")
        page.goto("#/profile")
        page.see(other.address)
        page.click("Sign out everywhere else")
        wait_for(lambda: other.send("GET", "/endpoints")[0] == 401, "signed out", 30)
        page.heading("My account")

    def test_tokens_have_limits(self, page, bench):
        page.goto("#/accounts")
        page.click("New token")
        page.fill("Name", "reader")
        page.fill("Lasts for (days)", "7")
        page.run("await page.getByLabel('Read only').check()")
        page.click("Create")
        page.see("Copy this token now")
        page.click("I have copied it")
        listed = {one["name"]: one for one in bench.api.items("/tokens")}
        assert listed["reader"]["read_only"] and listed["reader"]["expires"]
        page.see("Not yet")
        assert page.violations() == []

    def test_a_token_that_may_read_payload(self, page, bench):
        page.goto("#/accounts")
        page.click("New token")
        page.fill("Name", "forensic")
        page.run("await page.getByLabel('Packets, and names and URLs in detections')"
                 ".selectOption('allowed')")
        assert page.run("return await page.getByRole('button', {name: 'Create'}).isDisabled()")
        page.fill("Reason (kept in the operation log)", "case 9")
        page.click("Create")
        page.click("I have copied it")
        page.run("await page.getByRole('row', {name: /^forensic/}).getByText('May read payload').waitFor()")
        assert {one["account"]: (one["right"], one["reason"])
                for one in bench.api.items("/payload-readers")}["token:forensic"] == ("allowed", "case 9")
        assert page.violations() == []

    def test_the_provider_is_a_button(self, page, bench):
        if not bench.provider.process:
            pytest.skip("tests/net/oidc was not installed (npm ci)")
        fresh(page)
        page.goto()
        page.click("Sign in with Hospital ID")
        page.click("kara", "link")
        page.heading("Dashboard")
        assert "code=" not in page.run("return page.url()")
        fresh(page)
        page.goto()
        page.click("Sign in with Hospital ID")
        page.click("nora", "link")  # in no group that has a role
        page.see("no group of this account has a role here")
        page.heading("Sign in to Cordon")
        assert page.violations() == []

    def test_an_answer_that_nobody_asked_for(self, page):
        """A link of somebody else's, with his code in it."""
        fresh(page)
        page.goto("?code=stolen&state=made-up")
        page.see("The sign-in at the provider did not succeed.")
        assert "code=" not in page.run("return page.url()")
        page.goto("?error=access_denied&state=x&error_description=<b>call+0900</b>")
        page.see("The sign-in at the provider did not succeed.")
        assert "0900" not in page.text()

    def test_where_accounts_come_from(self, page, bench):
        assert bench.sign_in("kim", "kims password")[1] == 200
        fresh(page)
        page.sign_in("admin", servers.LOCAL)
        page.fill("Code of your app, or a recovery code", self.codes[2])
        page.click("Continue")
        page.heading("Dashboard")
        page.goto("#/accounts")
        page.see("Directory (LDAP)")
        page.see("Rules for sign-in")
        assert "ward-it" in page.text()
        if SHOTS:
            page.shot(os.path.join(SHOTS, "accounts-sources.en.png"))
        assert page.violations() == []
        page.click("Reset second factor: admin")
        page.see("Its sessions end, and it signs in without a code")
        page.click("Reset second factor")
        page.heading("Sign in to Cordon")  # it was our own
        page.sign_in("admin", servers.LOCAL)
        page.heading("Dashboard")

    def test_in_japanese_on_a_phone(self, page):
        fresh(page, japanese=True, width=360, height=740)
        page.sign_in("admin", servers.LOCAL, japanese=True)
        page.heading("ダッシュボード")
        for screen, heading in (("profile", "自分のアカウント"), ("accounts", "アカウントとトークン")):
            page.goto(f"#/{screen}")
            page.heading(heading)
            assert page.run("return await page.evaluate(() => document.documentElement.scrollWidth)") \
                <= 360
            assert page.violations() == []


def test_whoever_must_have_one_sets_it_up_first():
    """A cordond whose rules want a second factor of administrators."""
    if not shutil.which("chromium"):
        pytest.skip("there is no chromium")
    import receivers
    with tempfile.TemporaryDirectory(prefix="cordon-required-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        cordon = receivers.Controller(str(servers.BUILD / "cordond"), folder)
        with open(cordon.config, "a", encoding="ascii") as config:
            config.write("accounts:\n  second_factor: [admin]\n")
        cordon.start()
        api = client.Api(f"https://127.0.0.1:{cordon.port}", ca_file=str(cordon.state / "pki" / "ca.pem"))
        wait_for(api.is_up, "cordond", 60)
        page = Browser(Here, f"https://127.0.0.1:{cordon.port}")
        try:
            first = (cordon.state / "admin.password").read_text().strip()
            page.sign_in("admin", first)
            page.heading("Choose your own password")
            page.fill("Password so far", first)
            page.fill("New password (at least 12 characters)", PASSWORD)
            page.fill("New password, once more", PASSWORD)
            page.click("Set password")
            page.heading("Set up your second factor")
            assert page.violations() == []
            page.fill("Your password, once more", PASSWORD)
            page.click("Set up")
            page.see("Scan this code")
            key = re.search(r"Key: ([A-Z2-7 ]+)", page.text()).group(1).replace(" ", "")
            page.fill("The app’s six digits", totp(key))
            page.click("Confirm")
            page.click("I have kept them")
            page.heading("Dashboard")
        finally:
            page.close()
            cordon.stop()
