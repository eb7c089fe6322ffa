"""The console in a real browser, over a real controller with the campus behind it."""
import base64
import contextlib
import json
import os
import shutil
import sqlite3
import string

import campus as places
import malware
import opened
import pytest
from conftest import PASSWORD
from netns import wait_for
from probes import Http, Ping, can, cannot
from test_forgeries import eve_alert
from way import Way

SCREENS = ("dashboard", "pending", "incidents", "hosts", "containments", "watch", "budgets", "endpoints", "map", "switches", "mirrors",
           "sources", "policies", "rollout", "report", "permits", "protected", "servers", "warning", "notifications",
           "certificates", "accounts", "retention", "profile", "audit",
           "system")
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

    def test_what_works_is_counted(self, admin, cordon):
        """By word and mark: the tile of each kind leads to its screen."""
        def switches():
            return {one["check"]: one for one in cordon.api.get("/doctor")["parts"]}["switch"]
        wait_for(lambda: (switches()["total"], switches()["good"]) == (3, 3), "three good switches")
        admin.run("await page.getByRole('link', {name: 'Switches 3 all good'}).waitFor()")
        admin.run("await page.getByRole('link', {name: /^Sensors 1 /}).waitFor()")
        admin.run("await page.getByRole('link', {name: 'Switches 3 all good'}).click()")
        admin.heading("Switches")
        admin.goto("#/dashboard")

    def test_an_infection_arrives_by_itself(self, admin, cordon, campus, c2, c3):
        admin.goto("#/containments")
        admin.see("Nothing is contained.")
        can(page_of(campus), c2)
        malware.outbreak(campus, c2, places.CNC_NAME, places.SWEPT)
        admin.see("Verified")  # without a reload
        assert "c2" in admin.text()
        cordon.wait_state("verified", c2, "isolate")  # the word may have been the server block's
        cannot(page_of(campus), c2, c3)

    def test_why_where_and_how_fast(self, admin):
        admin.run("""await page.getByRole('row').filter({hasText: 'Isolate'})
            .filter({hasText: '02:00:00:00:00:02'}).getByRole('link', {name: 'Verified'})
            .first().click()""")
        admin.heading("Isolate: c2")
        for word in ("Timeline", "What each switch holds", "Still reachable", "core", "e1", "e2"):
            admin.see(word)

    def test_the_packets_that_prove_it(self, admin, campus):
        admin.goto("#/hosts")
        admin.heading("Affected hosts")
        admin.run("""await page.getByRole('row').filter({hasText: 'c2'})
            .getByRole('link', {name: /High/}).first().click()""")
        admin.see("ATT&CK")
        admin.click("Show packets")
        admin.see("Save as pcap")
        admin.run("await page.getByRole('table', {name: 'Packets'}).waitFor()")
        text = admin.text()
        assert campus["c2"].mac in text and "T1071" in text, text  # by IPv4 or IPv6, as its C&C came first
        assert "Application Layer Protocol" in text, text
        assert admin.run("""const one = page.getByRole('link', {name: /^T1071/}).first();
            return [await one.getAttribute('rel'), await one.getAttribute('href')];""")[0] == (
                "noreferrer noopener")
        saved = admin.run("""
            const [file] = await Promise.all([page.waitForEvent('download'),
                page.getByRole('button', {name: 'Save as pcap'}).click()]);
            return (await import('node:fs')).readFileSync(await file.path()).toString('base64');""")
        assert base64.b64decode(saved)[:4] in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4")
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "evidence.en.png"))

    def test_release_and_traffic_flows(self, admin, cordon, campus, c2):
        admin.goto(f"#/containments/{cordon.containments(c2, 'isolate', pending=False)[0]['id']}")
        admin.click("Release")
        admin.see("Release this containment?")
        admin.fill("Reason (kept in the operation log)", "cleaned, by the console")
        admin.click("Release", nth=1)
        admin.see("Released")
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
        admin.see("e2 / p")

    def test_isolate_by_hand(self, admin, cordon, campus, c3, c5):
        admin.goto("#/endpoints")
        admin.fill("Search", "c5")
        admin.click("c5", "link")
        admin.click("Isolate")
        admin.see("loses all traffic")
        admin.fill("Reason (kept in the operation log)", "by hand")
        can(page_of(campus), c5)
        admin.click("Isolate", nth=1)
        admin.see("Verified")
        cordon.wait_state("verified", c5, "isolate")
        cannot(page_of(campus), c5, c3)
        admin.click("Release")
        admin.fill("Reason (kept in the operation log)", "enough")
        admin.click("Release", nth=1)
        admin.see("Released")
        can(page_of(campus), c5)


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
            admin.visit(screen)
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
            admin.visit(screen)
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


class TestPolicy:
    def test_a_pasted_line_says_what_would_be_done(self, admin, campus, c4):
        admin.open()
        admin.sign_in("admin", PASSWORD)
        admin.heading("Dashboard")
        admin.goto("#/policies")
        admin.fill("Events, one per line: Suricata EVE JSON, Deep Discovery CEF, or Cordon’s own "
                   "detections", eve_alert(c4.ip4, "198.51.100.66", c4.mac) + "\nrubbish")
        admin.click("What would it do?")
        admin.see("Not a detection")
        assert "isolate" in admin.text()


def stored_detections(cordon, count):
    """Copies of a detection that is stored, spread over the days before; in small commits, so that
    nobody waits for the disk."""
    with contextlib.closing(sqlite3.connect(os.path.join(cordon.state_dir, "core", "cordon.db"),
                                            timeout=20, isolation_level=None)) as base:
        text, seen = base.execute("SELECT json, seen_us FROM detection"
                                  " ORDER BY number DESC LIMIT 1").fetchone()
        one = json.loads(text)
        for begin in range(0, count, 500):
            base.execute("BEGIN IMMEDIATE")
            for i in range(begin, begin + 500):
                one["id"], one["seen_us"] = f"copy-{i}", seen - (count - i) * 1_000_000
                base.execute("INSERT INTO detection(id, incident_id, seen_us, json)"
                             " VALUES(?, 'copies', ?, ?)",
                             (one["id"], one["seen_us"], json.dumps(one)))
            base.execute("COMMIT")


class TestReport:
    def test_what_auto_would_have_done_is_told(self, admin, cordon, c2):
        admin.open()
        admin.sign_in("admin", PASSWORD)
        admin.heading("Dashboard")
        admin.goto("#/report")
        admin.heading("What auto would have done")
        admin.fill("Days back", "2")
        admin.click("Replay")
        admin.see("Compared with what really happened")
        admin.run("await page.getByRole('table', {name: 'Each decision'}).getByText('c2').first().waitFor()")
        text = admin.text()
        assert "What follows from it" in text and "campus" in text, text
        job = cordon.api.items("/jobs")[0]
        assert (job["kind"], job["state"]) == ("policy.replay", "done")
        told = cordon.api.get(f"/policy/replay/{job['id']}")
        mine = [one for one in told["endpoints"] if one.get("host_name") == c2.name]
        assert mine and mine[0]["really"] == "contained" and mine[0]["contained"] >= 1, told
        saved = admin.run("""
            const [file] = await Promise.all([page.waitForEvent('download'),
                page.getByRole('button', {name: 'Save as CSV'}).click()]);
            return (await import('node:fs')).readFileSync(await file.path()).toString('utf8');""")
        assert saved.splitlines()[0].endswith('"endpoint_id"'), saved[:300]
        assert f'"{c2.name}"' in saved
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "report-found.en.png"))

    def test_a_long_one_shows_its_progress_and_is_cancelled(self, admin, cordon):
        stored_detections(cordon, 60_000)
        admin.click("New replay", "link")
        admin.fill("Days back", "2")
        admin.click("Replay")
        admin.run("""await page.waitForFunction(() => {
            const bar = document.querySelector('progress');
            return bar && bar.position > 0 && bar.position < 1; }, null, {timeout: 60000});""")
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "report-progress.en.png"))
        admin.click("Cancel")
        admin.see("This is not the whole")
        job = cordon.api.items("/jobs")[0]
        assert job["state"] == "cancelled" and 0 < job["done"] < job["total"], job
        assert cordon.api.items("/audit?q=job.cancel")[0]["object"] == job["id"]


class TestPeople:
    def test_an_account_and_a_token(self, admin, cordon):
        admin.open()
        admin.sign_in("admin", PASSWORD)
        admin.heading("Dashboard")
        admin.goto("#/accounts")
        admin.click("New account")
        admin.fill("Name", "kim")
        admin.run("await page.getByLabel('Role', {exact: true}).selectOption('auditor')")
        admin.fill("First password (at least 12 characters; must be changed at sign-in)", "short one")
        admin.click("Create")
        assert admin.run("return await page.getByRole('dialog').isVisible()")
        admin.fill("First password (at least 12 characters; must be changed at sign-in)",
                   "first password of kim")
        admin.click("Create")
        admin.closed()
        admin.see("kim")
        admin.click("New token")
        admin.fill("Name", "soar")
        admin.click("Create")
        admin.see("never shown again")
        assert "cordon_" in admin.text()
        admin.click("I have copied it")
        admin.gone("cordon_")
        assert {one["name"] for one in cordon.api.get("/tokens")["items"]} >= {"admin", "soar"}

    def test_an_auditor_changes_nothing(self, admin):
        admin.open()
        admin.sign_in("kim", "first password of kim")
        admin.fill("Password so far", "first password of kim")
        admin.fill("New password (at least 12 characters)", "another one of kim")
        admin.fill("New password, once more", "another one of kim")
        admin.click("Set password")
        admin.heading("Dashboard")
        assert "Accounts and tokens" not in admin.text()
        admin.goto("#/endpoints")
        admin.fill("Search", "c4")
        admin.click("c4", "link")
        admin.heading("c4")
        assert "Isolate" not in admin.text()
        admin.goto("#/accounts")
        admin.see("There is no such screen.")
        admin.goto("#/audit")
        admin.see("account.create")

    def test_signed_out_is_out(self, admin):
        admin.run("await page.locator('header summary').click()")
        admin.click("Sign out")
        admin.heading("Sign in to Cordon")
        assert admin.run("""return await page.evaluate(async () =>
            (await fetch('api/v1/endpoints')).status)""") == 401


EVIL = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>{{7*7}}"


class TestHostile:
    def test_what_attackers_write_stays_text(self, admin, cordon, c6):
        made = cordon.api.post("/containments", {
            "action": "isolate", "mac": c6.mac, "reason": EVIL, "external_id": "evil-1",
            "expires_in_s": 600})
        admin.open()
        admin.sign_in("admin", PASSWORD)
        admin.heading("Dashboard")
        admin.troubles()
        for screen in ("dashboard", "containments", f"containments/{made['id']}", "audit",
                       "endpoints", "pending"):
            admin.visit(screen)
            assert admin.run("""return await page.evaluate(() =>
                [window.hacked, document.querySelectorAll('img[src=x]').length])""") == [None, 0]
        admin.visit(f"containments/{made['id']}")
        admin.see(EVIL)
        assert admin.troubles() == []
        cordon.api.post(f"/containments/{made['id']}/release", {"reason": EVIL})

    def test_nobody_frames_us(self, admin):
        admin.run("""await page.goto('about:blank');
            await page.setContent(`<iframe src="${args.url}/"></iframe>`);
            await page.waitForTimeout(1500);""", url=admin.url)
        text = admin.run("""const frame = page.frames()[1];
            return frame ? await frame.locator('body').innerText().catch(() => '') : ''""")
        assert "Sign in" not in text and "Dashboard" not in text, text
        admin.troubles()


INITIAL_MOST = 250_000  # bytes, compressed
BYTES = """return await page.evaluate(() => performance.getEntriesByType('resource')
    .concat(performance.getEntriesByType('navigation'))
    .filter((one) => !one.name.includes('/api/'))
    .reduce((sum, one) => sum + one.encodedBodySize, 0))"""


class TestLive:
    def test_what_is_loaded_first_is_small(self, admin):
        admin.open()
        admin.goto()
        admin.see("Sign in")
        admin.sign_in("admin", PASSWORD)
        admin.heading("Dashboard")
        loaded = admin.run(BYTES)
        assert 10_000 < loaded <= INITIAL_MOST, loaded
        assert [one for one in admin.troubles() if "another host" in one] == []

    def test_cut_off_it_says_so_and_loses_nothing(self, admin, cordon, c1):
        """What happens meanwhile is there when the way is, in a page that nobody touches."""
        way = Way(("127.0.0.1", 8443))
        own = admin.url
        try:
            admin.url = f"https://127.0.0.1:{way.port}"
            admin.open()
            admin.sign_in("admin", PASSWORD)
            admin.heading("Dashboard")
            admin.visit("containments")
            admin.see("Live")
            admin.run("await page.evaluate(() => { window.untouched = true; })")
            way.cut()
            admin.see("Not live since")
            made = cordon.api.post("/containments", {"action": "isolate", "mac": c1.mac,
                                                     "reason": "while nobody saw it"})
            cordon.wait_state("verified", c1, "isolate")
            assert "while nobody saw it" not in admin.text()
            assert "Not live since" in admin.text()
            way.join()
            admin.see("while nobody saw it")
            admin.gone("Not live since")
            assert admin.run("return await page.evaluate(() => window.untouched)") is True
            cordon.api.post(f"/containments/{made['id']}/release", {"reason": "seen"})
            admin.gone("while nobody saw it")
        finally:
            admin.url = own
            way.cut()

    def test_every_list_is_told_of_what_changes(self, admin, cordon, c6):
        """The lists whose rows are no objects of their own, without a reload of the page."""
        events = cordon.api.events()
        made = cordon.api.post("/containments", {"action": "isolate", "mac": c6.mac,
                                                 "reason": "for the list", "expires_in_s": 600})
        admin.visit("audit")
        admin.see("for the list")
        cordon.api.post(f"/containments/{made['id']}/release", {"reason": "seen in the list"})
        admin.see("seen in the list", 25)  # before it would ask by itself
        seen = []

        def told():
            seen.extend(e["body"]["list"] for e in events.poll() if e["topic"] == "changed")
            return {"audit", "sensors"} <= set(seen)
        wait_for(told, f"audit and sensors are told: {seen}", 30)
        cordon.api.post("/enforcement/panic", {"reason": "for the banner"})
        try:
            admin.see("for the banner")
        finally:
            cordon.api.post("/enforcement/resume", {"reason": "seen"})
        admin.run("await page.getByRole('alert').waitFor({state: 'detached'})")
        wait_for(lambda: told() and "enforcement" in seen, f"enforcement is told: {seen}", 30)
        events.close()


PROXY = string.Template("""daemon off; worker_processes 1; pid $dir/nginx.pid; error_log $dir/error.log;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path $dir/a; proxy_temp_path $dir/b; fastcgi_temp_path $dir/c;
  uwsgi_temp_path $dir/d; scgi_temp_path $dir/e;
  server {
    listen 127.0.0.1:9443 ssl;
    ssl_certificate $state/pki/server.pem; ssl_certificate_key $dir/server.key;
    location /security/cordon/ {
      proxy_pass https://127.0.0.1:8443/; proxy_http_version 1.1; proxy_set_header Host $$http_host;
    }
  }
}
""")


class TestProxy:
    def test_under_a_sub_path_of_a_reverse_proxy(self, admin, cordon, campus, tmp_path, c4):
        assert shutil.which("nginx"), "nginx-light is not installed"
        config = tmp_path / "nginx.conf"
        opened.key_written(os.path.join(cordon.state_dir, "pki"), "server", tmp_path / "server.key")
        config.write_text(PROXY.substitute(dir=tmp_path, state=cordon.state_dir))
        proxy = campus.machines["ctl"].spawn("nginx", "nginx", "-c", str(config), "-e",
                                             str(tmp_path / "error.log"))
        own = admin.url
        try:
            admin.url = "https://127.0.0.1:9443/security/cordon"
            admin.open()
            admin.run("""for (let i = 0; i < 500; i++) {
                try { await page.goto(args.url); return; } catch { await page.waitForTimeout(100); }
            }""", url=admin.url + "/")
            admin.sign_in("admin", PASSWORD)
            admin.heading("Dashboard")
            admin.see("Live")
            admin.goto("#/containments")
            made = cordon.api.post("/containments", {
                "action": "isolate", "mac": c4.mac, "reason": "seen through the proxy",
                "expires_in_s": 600})
            admin.see("seen through the proxy")  # a live change, through it
            cordon.api.post(f"/containments/{made['id']}/release", {"reason": "done"})
        finally:
            admin.url = own
            proxy.kill()
