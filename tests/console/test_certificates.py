"""Certificates in a real browser: who has one, enrolling a device with the command that is shown,
whoever was refused, and revoking; in both languages."""
import os
import shlex

from netns import wait_for

SHOTS = os.environ.get("CORDON_SCREENS")


def row(name, table="Certificates of devices"):
    return (f"page.getByRole('table', {{name: '{table}', exact: true}}).getByRole('row')"
            f".filter({{hasText: '{name}'}}).first()")


class TestCertificates:
    def test_who_has_one(self, admin, cordon):
        admin.goto("#/certificates")
        admin.heading("Certificates")
        admin.troubles()  # "who am I?": nobody yet
        for name in ("core", "e1", "e2", "s1"):
            admin.run(f"await {row(name)}.getByText('connected').waitFor()")
        admin.run(f"await {row('e1')}.getByText('Offline').waitFor()")  # by 'cordond pki issue'
        assert admin.violations() + admin.troubles() == []

    def test_a_device_enrols_with_the_command_that_is_shown(self, admin, cordon):
        admin.goto("#/certificates")
        admin.click("Enrol a device")
        admin.run("await page.getByLabel('Kind').selectOption('sensor')")
        admin.fill("Name", "s5")
        assert admin.violations() == []
        admin.click("Make the command")
        admin.see("Run this on s5, as root, within 15 minutes.")
        command = admin.run("return await page.locator('code.command').textContent()")
        words = shlex.split(command)
        words[0] = cordon.program(words[0])
        out = os.path.join(cordon.dir, "s5")
        words = [out if word == "/etc/cordon/pki" else word for word in words]
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "certificates.enrol.en.png"))
        machine = cordon.campus.machines["ctl"]
        machine.run(*words, timeout_s=60)
        admin.run(f"await {row('s5')}.getByText('Valid', {{exact: true}}).waitFor()")
        admin.run(f"await {row('s5', 'Enrolments')}.getByText('Used').waitFor()")
        # Whoever has the command now has nothing.
        stolen = machine.run(*[word.replace("/s5", "/stolen") for word in words], timeout_s=60,
                             check=False)
        assert stolen.returncode == 1
        admin.run(f"await {row('s5', 'Refused peers')}.getByText('Wrong enrolment token').waitFor()")
        admin.click("Done")

    def test_an_enrolment_is_withdrawn(self, admin, cordon):
        admin.click("Enrol a device")
        admin.fill("Name", "e9")
        admin.click("Make the command")
        admin.see("cordond.yaml has no switch of this name yet")
        admin.click("Done")
        admin.run("await page.getByRole('button', {name: 'Withdraw: e9'}).click()")
        admin.fill("Reason (kept in the operation log)", "another switch")
        admin.run("await page.getByRole('dialog').getByRole('button', {name: 'Withdraw'}).click()")
        admin.run(f"await {row('e9', 'Enrolments')}.getByText('Withdrawn').waitFor()")

    def test_a_certificate_is_revoked_in_japanese(self, admin, cordon):
        admin.run("await page.getByLabel('Language').selectOption('ja')")
        admin.heading("証明書")
        assert admin.violations() == []
        admin.run("await page.getByRole('button', {name: '失効: s5'}).first().click()")
        admin.see("接続は直ちに切断され")
        admin.fill("理由（操作ログに残ります）", "盗難")
        admin.run("await page.getByRole('dialog').getByRole('button', {name: '失効'}).click()")
        admin.run("await " + row("s5", "機器の証明書") + ".getByText('盗難').waitFor()")
        wait_for(lambda: [one["state"] for one in cordon.api.items("/certificates")
                          if one["name"] == "s5"] == ["revoked"], "s5 is revoked", 30)
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "certificates.ja.png"))
        assert admin.troubles() == []
        admin.run("await page.getByLabel('言語').selectOption('en')")
