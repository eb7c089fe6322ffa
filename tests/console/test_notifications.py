"""The notifications screen in a real browser, over a real controller and a real mail server; without
the campus."""
import os
import pathlib
import shutil
import tempfile

import api as client
import pytest
import receivers
from browser import TOP, Browser
from conftest import PASSWORD
from netns import wait_for
from receivers import PASSWORD as MAIL_PASSWORD

BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
SHOTS = os.environ.get("CORDON_SCREENS")
SLOW_S = 60


class Here:
    """In a machine's place: this one."""

    @staticmethod
    def call(function):
        return function()


class Bench:
    def __init__(self, folder):
        self.mail = receivers.Mail(folder).start()
        self.cordon = receivers.Controller(os.path.join(BUILD, "cordond"), folder).start()
        state = self.cordon.state
        self.api = client.Api(f"https://127.0.0.1:{self.cordon.port}", str(state / "admin.token"),
                              str(state / "pki" / "ca.pem"))
        wait_for(self.is_there, "cordond", SLOW_S)
        self.browser = Browser(Here, f"https://127.0.0.1:{self.cordon.port}")

    def is_there(self):
        return self.api.is_up()

    def stop(self):
        self.browser.close()
        self.cordon.stop()
        self.mail.stop()


@pytest.fixture(scope="module")
def bench():
    if not os.path.isdir(os.path.join(TOP, "console", "node_modules", "playwright-core")):
        pytest.skip("the console was not built")
    if not shutil.which("chromium"):
        pytest.skip("there is no chromium")
    with tempfile.TemporaryDirectory(prefix="cordon-notify-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)  # the mail server has no rights of ours
        bench = Bench(folder)
        yield bench
        bench.stop()


@pytest.fixture(scope="module")
def admin(bench):
    first = (bench.cordon.state / "admin.password").read_text(encoding="ascii").strip()
    bench.browser.sign_in("admin", first)
    bench.browser.heading("Choose your own password")
    bench.browser.fill("Password so far", first)
    bench.browser.fill("New password (at least 12 characters)", PASSWORD)
    bench.browser.fill("New password, once more", PASSWORD)
    bench.browser.click("Set password")
    bench.browser.heading("Dashboard")
    bench.browser.troubles()
    return bench.browser


@pytest.mark.incremental
class TestNotifications:
    def test_a_channel_is_made_and_tested(self, admin, bench):
        admin.goto("#/notifications")
        admin.see("No channel: nobody is told anything.")
        admin.click("New channel")
        admin.fill("Name", "mail")
        admin.run("await page.getByLabel('Language of the texts').selectOption('ja')")
        admin.fill("Server", "localhost")
        admin.fill("Port (empty: 587)", str(bench.mail.starttls))
        admin.fill("Sign-in name", "cordon")
        admin.fill("Sender", "cordon@hospital.example")
        admin.fill("Recipients, one per line", "net@hospital.example")
        admin.fill("Password", "wrong horse")
        admin.fill("Authorities in PEM: a path on the server (empty: the system’s)",
                   bench.cordon.give_notify(bench.mail.cert))
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "notifications-channel.en.png"))
        admin.click("Use it")
        admin.see("There are changes that are not saved.")
        admin.click("Save changes")
        admin.see("Saved.")
        admin.click("Send a test: mail")
        admin.see("Not delivered")
        assert "535" in admin.text()  # the server's own words

        admin.click("Edit: mail")
        admin.see("One is kept.")
        admin.fill("Password", MAIL_PASSWORD)
        admin.click("Use it")
        admin.click("Save changes")
        admin.see("Saved.")
        admin.click("Send a test: mail")
        admin.run("await page.getByText(/250 OK id=/).first().waitFor()")
        wait_for(bench.mail.messages, "the test message", SLOW_S)
        assert bench.mail.messages()[0]["Subject"] == "[Cordon] テスト通知"
        assert MAIL_PASSWORD not in admin.run("return await page.content()")

    def test_a_rule_is_ticked_and_followed(self, admin, bench):
        admin.run("""await page.getByLabel('All enforcement suspended to mail').check();
            await page.getByLabel('Least severity: Pending: waits for a person').selectOption('high');
            await page.getByLabel('Pending: waits for a person to mail').check()""")
        admin.click("Save changes")
        admin.see("Saved.")
        rules = bench.api.get("/notifications")["settings"]["rules"]
        assert {"kind": "panic", "channels": ["mail"]} in rules, rules
        assert {"kind": "pending", "least": "high", "channels": ["mail"]} in rules, rules
        bench.api.post("/enforcement/panic", {"reason": "<b>drill</b>"})
        wait_for(lambda: len(bench.mail.messages()) == 2, "the notice", SLOW_S)
        admin.run("""await page.getByRole('row').filter({hasText: 'All enforcement suspended'})
            .filter({hasText: 'Delivered'}).first().waitFor()""")  # without a reload

    def test_who_is_on_call(self, admin, bench):
        admin.click("Add: Contacts")
        # labels of the rows
        admin.run("""const area = page.getByRole('region', {name: 'On call'});
            await area.getByLabel('Name', {exact: true}).fill('花');
            await area.getByLabel('E-mail address').fill('hana@hospital.example');
            await area.getByLabel('By this e-mail channel').selectOption('mail');
            await area.getByLabel('Contacts are told of pending decisions').check()""")
        for _ in range(2):
            admin.click("Add: Steps")
        for _ in range(7):
            admin.click("Add: Weekly rota (local time of the server)")
        admin.run("""const area = page.getByRole('region', {name: 'On call'});
            const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
            for (let i = 0; i < 7; i++) {
                await area.getByLabel('Day').nth(i).selectOption(days[i]);
                await area.getByLabel('From').nth(i).fill('00:00');
                await area.getByLabel('Until').nth(i).fill('00:00');
            }""")
        admin.click("Save changes")
        admin.see("On call now: 花")
        settings = bench.api.get("/notifications")["settings"]["on_call"]
        assert [step.get("after_min", 0) for step in settings["steps"]] == [0, 15]
        assert len(settings["shifts"]) == 7

    def test_what_the_server_refuses_is_said(self, admin):
        admin.fill("Address of this console, for links in notices", "http://plain.example/")
        admin.click("Save changes")
        admin.see("console_url must begin with https://")
        admin.click("Discard")
        assert "There are changes" not in admin.text()

    @pytest.mark.parametrize("japanese", (False, True), ids=("en", "ja"))
    @pytest.mark.parametrize("dark", (False, True), ids=("light", "dark"))
    def test_it_is_accessible_when_it_is_full(self, admin, japanese, dark):
        admin.open(japanese=japanese, dark=dark)
        admin.sign_in("admin", PASSWORD, japanese)
        admin.heading("ダッシュボード" if japanese else "Dashboard")
        admin.troubles()
        admin.goto("#/notifications")
        admin.see("送信済み" if japanese else "Delivered")
        assert admin.violations() == []
        if SHOTS and not dark:
            admin.run("await page.screenshot({path: args.path, fullPage: true})",
                      path=os.path.join(SHOTS, f"notifications-full.{'ja' if japanese else 'en'}.png"))
        admin.click("編集: mail" if japanese else "Edit: mail")
        assert admin.violations() == []
        assert admin.troubles() == []

    def test_on_a_phone(self, admin):
        admin.open(width=360, height=740)
        admin.sign_in("admin", PASSWORD)
        admin.heading("Dashboard")
        admin.goto("#/notifications")
        admin.see("Delivered")
        assert admin.run("return await page.evaluate(() => document.documentElement.scrollWidth)") <= 360
        if SHOTS:
            admin.run("await page.screenshot({path: args.path, fullPage: true})",
                      path=os.path.join(SHOTS, "notifications-phone.en.png"))
