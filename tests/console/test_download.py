"""The last backup is fetched by a real browser: byte by byte what lies on the controller, to the
operator's key alone; whoever is no administrator sees no button."""
import os
import re
import subprocess
import tempfile

import pytest
from browser import TOP
from conftest import PASSWORD
from netns import wait_for

SLOW_S = 60  # of waits, on a machine that has much to do


def public_key():
    """Of a pair whose secret half nobody needs here."""
    program = os.path.join(TOP, os.environ.get("BUILD", "build"), "cordond")
    with tempfile.TemporaryDirectory(prefix="cordon-operator-") as name:
        told = subprocess.run([program, "backup-key", "--out", os.path.join(name, "operator.key")],
                              capture_output=True, text=True, check=True)
    return re.match(r"backup_key: ([0-9a-f]{64})\n", told.stdout).group(1)


CORDON = {"sources": f"""backup_key: "{public_key()}"\n"""}


@pytest.mark.parametrize("japanese", (False, True), ids=("en", "ja"))
def test_the_last_backup_is_downloaded(admin, cordon, tmp_path, japanese):
    make, fetch = (("今すぐバックアップ", "最新のものをダウンロード") if japanese else
                   ("Make a backup now", "Download the last one"))
    admin.open(japanese=japanese)
    admin.sign_in("admin", PASSWORD, japanese)
    admin.heading("ダッシュボード" if japanese else "Dashboard")
    admin.troubles()
    admin.goto("#/system")
    before = cordon.api.get("/backup")["last"]["at"]
    admin.click(make)
    made = wait_for(lambda: not (now := cordon.api.get("/backup"))["running"] and
                    now["last"]["at"] != before and now["last"], "the backup", SLOW_S)
    assert made["secrets"] and "problem" not in made
    admin.see(os.path.basename(made["file"]))
    path = str(tmp_path / "fetched.backup")
    name = admin.run("""const coming = page.waitForEvent('download');
        await page.getByRole('link', {name: args.fetch}).click();
        const file = await coming; await file.saveAs(args.path); return file.suggestedFilename()""",
                     fetch=fetch, path=path)
    assert name == os.path.basename(made["file"])
    with open(path, "rb") as fetched, open(made["file"], "rb") as kept:
        assert fetched.read() == kept.read()
    rows = cordon.api.items("/audit?action=backup.download")
    assert {row["account"] for row in rows} == {"account:admin"}
    assert not admin.violations() and not admin.troubles()


def test_not_by_others(admin, cordon):
    cordon.api.post("/accounts", {"name": "olga", "role": "operator", "password": "first password of olga"})
    admin.open()
    admin.sign_in("olga", "first password of olga")
    admin.fill("Password so far", "first password of olga")
    admin.fill("New password (at least 12 characters)", "another one of olga")
    admin.fill("New password, once more", "another one of olga")
    admin.click("Set password")
    admin.heading("Dashboard")
    admin.goto("#/system")
    admin.see("Backup and restore")
    assert admin.run("return await page.getByRole('link', {name: 'Download the last one'}).count()") == 0
    assert admin.run("return "
                     "await page.evaluate(async () => (await fetch('/api/v1/backup/download')).status)") == 403
