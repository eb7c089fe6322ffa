"""The operation log in a real browser: searched, verified, exported; and a row that somebody edits
in the database is found."""
import base64
import json
import os
import subprocess

import pytest
from browser import TOP
from database import opened
from netns import wait_for

SHOTS = os.environ.get("CORDON_SCREENS")
CTL = os.path.join(TOP, "build", "src", "cli", "cordonctl")


def saved(admin):
    """What 'Save as file' gives."""
    return base64.b64decode(admin.run("""
        const [file] = await Promise.all([page.waitForEvent('download'),
            page.getByRole('link', {name: 'Save as file'}).click()]);
        return (await import('node:fs')).readFileSync(await file.path()).toString('base64');"""))


def tamper(cordon, sql, *values):
    with opened(os.path.join(cordon.state_dir, "core", "cordon.db")) as database:
        database.execute(sql, values)


@pytest.mark.incremental
class TestAudit:
    def test_search_and_filters(self, admin, cordon, c6):
        made = cordon.api.post("/containments", {"action": "mirror", "mac": c6.mac,
                                                 "reason": "needle in the log",
                                                 "expires_in_s": 600})
        cordon.api.post(f"/containments/{made['id']}/release", {"reason": "enough of it"})
        admin.goto("#/audit")
        admin.fill("Search", "NEEDLE in")
        admin.see("needle in the log")
        admin.run("""await page.waitForFunction(() =>
            document.querySelectorAll('tbody tr').length === 1)""")
        admin.fill("Search", "")
        admin.run("await page.locator('main details summary').first().click()")
        admin.fill("Action", "session")
        admin.run("await page.getByLabel('Action', {exact: true}).press('Tab')")
        admin.run("""await page.waitForFunction(() => {
            const rows = [...document.querySelectorAll('tbody tr')];
            return rows.length && rows.every((row) => /session\\./.test(row.innerText));})""")

    def test_export_is_what_is_shown_and_is_logged(self, admin, cordon, tmp_path):
        rows = [json.loads(line) for line in saved(admin).splitlines()]
        assert rows[-1]["whole"] is False
        assert {row["action"].split(".")[0] for row in rows[:-1]} == {"session"}
        admin.click("Clear filters")
        body = saved(admin)
        assert json.loads(body.splitlines()[-1])["whole"] is True
        kept = cordon.api.get("/audit?action=audit.export")["items"]
        assert kept[0]["account"] == "account:admin" and kept[0]["detail"] == "all rows"
        path = tmp_path / "audit.jsonl"
        path.write_bytes(body)
        told = subprocess.run([CTL, "audit", "verify", "--file", str(path)], check=False,
                              capture_output=True, text=True)
        assert told.returncode == 0, (told.stdout, told.stderr)

    def test_switches_keep_signed_checkpoints(self, admin, cordon):
        cordon.api.post("/enforcement/resume", {"reason": "a row to be signed"})
        admin.click("Verify the log")
        admin.see("Compared with")
        told = wait_for(lambda: (now := cordon.api.get("/audit/verify"))["switches"] == 3
                        and now["checkpoints"] >= 1 and now, "every switch has a checkpoint")
        assert told["sound"], told
        assert "foreign_checkpoints" not in told
        kept = cordon.api.get("/audit/checkpoints")
        wait_for(lambda: {one["switch"] for one in cordon.api.get("/audit/checkpoints")["switches"]
                          if one["held"]} == {"core", "e1", "e2"}, "each holds one")
        admin.see(kept["key"])
        admin.see("the newest of row")

    def test_verify_finds_an_edited_row(self, admin, cordon):
        admin.click("Verify the log")
        admin.see("Sound: all")
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "audit.verified.png"))
        row = cordon.api.get("/audit?q=needle%20in")["items"][0]
        number = row["number"]
        tamper(cordon, "UPDATE audit SET detail = 'nothing happened' WHERE number = ?", number)
        admin.click("Verify the log")
        admin.see(f"Row {number}: the row is not what was written")
        tamper(cordon, "UPDATE audit SET detail = ? WHERE number = ?", row["detail"], number)
        admin.click("Verify the log")
        admin.see("Sound: all")
