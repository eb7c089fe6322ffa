"""Endpoints and the network map in a real browser: what people say of machines, inventories, and who
is contained where."""
import csv
import io
import os

import pytest
from conftest import PASSWORD
from netns import wait_for
from probes import Http, Ping, can, cannot

SHOTS = os.environ.get("CORDON_SCREENS")
REASON = "Reason (kept in the operation log)"


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)


def switches_are_level(cordon):
    return all(one["observed_generation"] == one["desired_generation"] and one["missing_rules"] == 0
               for one in cordon.api.items("/switches"))


def page_of(campus):
    return Http(campus["web"].ip4, "www.campus.test", "Campus web")


def drawn(browser, *texts):
    """What the map says beside its canvas, once it says all of that."""
    browser.run("""for (const text of args.texts) {
        await page.getByRole('complementary').getByText(text).first().waitFor(); }""", texts=texts)
    return browser.run("return await page.getByRole('complementary').innerText()")


def place(browser, name):
    """Where the server keeps a switch."""
    layout = browser.run("return await page.evaluate(async () => (await fetch('api/v1/map/layout')).json())")
    return next(((one["x"], one["y"]) for one in layout["places"] if one["switch"] == name), None)


def keys(browser, *names):
    for name in names:
        browser.run("await page.keyboard.press(args.key)", key=name)


def focus_map(browser):
    browser.run("""await page.locator('[role=application][data-drawn]:not([data-drawn="0"])').waitFor();
        await page.locator('[role=application]').focus();""")


@pytest.mark.incremental
class TestEndpoints:
    def test_what_a_machine_is(self, admin, cordon, c4):
        admin.goto("#/endpoints")
        admin.fill("Search", c4.mac)
        admin.click("c4", "link")
        admin.heading("c4")
        admin.click("Describe")
        admin.run("await page.getByLabel('Class', {exact: true}).selectOption('medical')")
        admin.fill("Tags (with commas between)", "ward 3, pump")
        admin.fill("Owner", "Ann Example")
        admin.fill("Owner’s e-mail", "not one address")
        admin.click("Save")
        assert admin.run("return await page.getByRole('dialog').isVisible()")
        admin.fill("Owner’s e-mail", "ann@example.org")
        admin.click("Save")
        admin.see("Medical device")
        for word in ("ward 3, pump", "Ann Example", "account:admin"):
            admin.see(word)
        admin.goto("#/endpoints")
        admin.fill("Search", "PUMP")
        admin.see("Ann Example")
        assert cordon.api.get(f"/endpoints/{c4.mac}")["tags"] == ["ward 3", "pump"]

    def test_another_ones_words_are_not_overwritten(self, admin, cordon, c4):
        admin.click("c4", "link")
        admin.heading("c4")
        admin.click("Describe")
        cordon.api.post(f"/endpoints/{c4.mac}/annotate",
                        {"class": "medical", "note": "said meanwhile"})
        admin.fill("Note", "mine")
        admin.click("Save")
        admin.see("409")
        admin.click("Cancel")
        admin.see("said meanwhile")

    def test_isolating_a_medical_device_warns(self, admin):
        admin.click("Isolate")
        admin.see("marked as a medical device")
        admin.see("Note: said meanwhile")
        admin.click("Cancel")

    def test_an_inventory_is_looked_at_first(self, admin, cordon, c4, c5):
        rows = ("mac,class,tags,note\r\n"
                f"{c4.mac},medical,,said meanwhile\r\n"
                f"{c5.mac},phone,reception,\"=cmd|' /C calc'!A0\"\r\n"
                "02-00-00-00-0c-01,printer,,to come\r\n"
                "rubbish,iot,,\r\n")
        admin.goto("#/endpoints")
        admin.fill("Search", "")
        admin.click("Import CSV")
        admin.run("""await page.getByLabel('CSV file').setInputFiles({name: 'i.csv',
            mimeType: 'text/csv', buffer: Buffer.from(args.rows)})""", rows=rows)
        admin.see("This is what an import would do:")
        text = admin.run("return await page.getByRole('region', {name: 'Import an inventory'}).innerText()")
        assert "rubbish" in text and "MAC address" in text, text
        assert cordon.api.get(f"/endpoints/{c5.mac}")["class"] == "unknown"  # only looked at
        admin.click("Import 2 rows")
        admin.see("Imported.")
        admin.click("Close")
        admin.see("Registered, not seen yet: 1")
        assert cordon.api.get(f"/endpoints/{c5.mac}")["note"] == "=cmd|' /C calc'!A0"

    def test_what_is_exported_comes_back_unchanged(self, admin, c5):
        text = admin.run("""const [file] = await Promise.all([page.waitForEvent('download'),
                page.getByRole('button', {name: 'Export CSV'}).click()]);
            return (await import('node:fs')).readFileSync(await file.path(), 'utf8');""")
        rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
        mine = next(row for row in rows if row["mac"] == c5.mac)
        assert mine["note"].startswith("'=")  # no spreadsheet runs it
        assert mine["switch"] and any(row["mac"] == "02:00:00:00:0c:01" for row in rows)
        admin.click("Import CSV")
        admin.run("""await page.getByLabel('CSV file').setInputFiles({name: 'o.csv',
            mimeType: 'text/csv', buffer: Buffer.from(args.text)})""", text=text)
        admin.see("This is what an import would do:")
        shown = admin.run("""return await page.getByRole('region', {name: 'Import an inventory'})
            .locator('dl').innerText()""").split()
        assert shown == ["New", "0", "Changed", "0", "Unchanged", str(len(rows)), "Refused", "0"], shown
        admin.click("Close")

    def test_protect_by_hand(self, admin, cordon, c5):
        admin.fill("Search", c5.mac)
        admin.click("c5", "link")
        admin.heading("c5")
        admin.click("Protect")
        admin.fill(REASON, "the reception")
        admin.click("Protect", nth=1)
        admin.see("it can never be contained")
        assert not admin.run("return await page.getByRole('button', {name: 'Isolate'}).isVisible()")
        status, _ = cordon.api.post_raw("/containments", {"action": "isolate", "mac": c5.mac, "reason": "r"})
        assert status == 409
        identity = cordon.api.get(f"/endpoints/{c5.mac}")["id"]
        cordon.api.post(f"/protected/{identity}/remove", {"reason": "enough"})


@pytest.mark.incremental
class TestMap:
    def test_the_campus_is_there(self, admin):
        admin.troubles()
        admin.goto("#/map")
        admin.heading("Network map")
        wait_for(lambda: drawn(admin, "core", "e1", "e2").count("good") == 3, "three good switches")
        focus_map(admin)
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "map.en.png"))
        assert admin.violations() + admin.troubles() == []

    def test_who_is_contained_appears_without_a_reload(self, admin, cordon, c2):
        made = cordon.api.post("/containments", {"action": "isolate", "mac": c2.mac,
                                                 "reason": "seen on the map", "expires_in_s": 600})
        drawn(admin, "c2", "Verified")
        admin.goto(f"#/map?containment={made['id']}")
        where = cordon.api.get(f"/endpoints/{c2.mac}")["location"]
        text = drawn(admin, "From the sensor to the core", f"Port {where['port']}", where["switch"])
        assert text.split("\n")[1:] == ["c2", f"Port {where['port']}", where["switch"], "core"], text
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "map-way.en.png"))
        cordon.api.post(f"/containments/{made['id']}/release", {"reason": "enough"})

    def test_keys_alone_from_switch_to_isolation(self, admin, cordon, campus, c3, c4):
        """Arrow keys, Enter, the menu key: to the port, to the endpoint, and it is cut off."""
        where = cordon.api.get(f"/endpoints/{c4.mac}")["location"]
        admin.goto("#/map")
        drawn(admin, where["switch"])
        focus_map(admin)
        for turn in ["ArrowDown"] * 6 + ["ArrowUp"] * 6:  # they stand one above the other
            keys(admin, turn, "ContextMenu")
            title = admin.run("return await page.getByRole('menu').getAttribute('aria-label')")
            if where["switch"] in title:
                break
            keys(admin, "Escape")
        else:
            raise AssertionError(f"{where['switch']} was not reached by keys")
        keys(admin, "Enter")  # the first: its ports
        admin.run("await page.getByRole('link', {name: args.name, exact: true}).focus()",
                  name=f"Port {where['port']}")
        keys(admin, "Enter")
        drawn(admin, "c4")
        can(page_of(campus), c4)
        admin.run("await page.getByRole('button', {name: 'What to do with c4'}).focus()")
        keys(admin, "Enter")
        admin.run("await page.getByRole('menuitem', {name: 'Isolate…'}).waitFor()")
        keys(admin, "Enter")
        admin.see("Isolate c4?")
        can(page_of(campus), c4)  # nothing is done without the confirmation
        admin.fill(REASON, "from the map, by keys")
        admin.click("Isolate")
        drawn(admin, "Verified")
        cordon.wait_state("verified", c4, "isolate")  # the word may have been another one's
        cannot(page_of(campus), c4, c3)
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "map-switch.en.png"))
        assert admin.violations() == []
        made = cordon.containments(c4, "isolate", pending=False)[0]
        cordon.api.post(f"/containments/{made['id']}/release", {"reason": "enough"})
        wait_for(lambda: switches_are_level(cordon), "every switch has let go of c4", 30)
        can(page_of(campus), c4)

    def test_what_is_dragged_stays_there_for_everybody(self, admin, cordon):
        admin.goto("#/map")
        drawn(admin, "core")
        focus_map(admin)
        admin.click("Show all")
        assert place(admin, "core") is None
        admin.run("""const [x, y] = await page.evaluate(() => { /* where it is drawn: whoever else is, it is not the middle */
                const frame = [...document.querySelectorAll('*')].find((one) => one._cyreg?.cy);
                const [box, at] = [frame.getBoundingClientRect(), frame._cyreg.cy.getElementById('s/core').renderedPosition()];
                return [box.x + at.x, box.y + at.y]; });
            await page.mouse.move(x, y); await page.mouse.down();
            await page.mouse.move(x + 30, y - 40, {steps: 5}); await page.mouse.move(x + 60, y - 90, {steps: 5});
            await page.mouse.up();""")
        admin.see("Arranged by account:admin")
        mine = wait_for(lambda: place(admin, "core"), "its place is kept")
        others = [place(admin, name) for name in ("e1", "e2")]
        assert mine[0] > 20 and mine[1] < -30, mine
        assert None not in others  # nobody else moves from now on
        admin.run("await page.reload()")
        drawn(admin, "core")
        assert place(admin, "core") == mine
        # Somebody else, with another account, moves e1; here it is seen without a reload.
        version = cordon.api.get("/map/layout")["version"]
        cordon.api.post("/map/layout", {"version": version, "places": [{"switch": "e1", "x": -321, "y": 12}]})
        admin.see("Arranged by token:")
        assert [place(admin, "core"), place(admin, "e1"), place(admin, "e2")] == [mine, (-321, 12), others[1]]

    def test_another_account_sees_it_there_and_cannot_move_it(self, admin, cordon):
        cordon.api.post("/accounts", {"name": "eve", "role": "viewer", "password": "first password of eve"})
        admin.open()
        admin.sign_in("eve", "first password of eve")
        admin.fill("Password so far", "first password of eve")
        admin.fill("New password (at least 12 characters)", "another one of eve")
        admin.fill("New password, once more", "another one of eve")
        admin.click("Set password")
        admin.heading("Dashboard")
        before = place(admin, "core")
        admin.goto("#/map")
        drawn(admin, "core")
        focus_map(admin)
        assert not admin.run("return await page.getByRole('button', {name: 'Arrange anew'}).isVisible()")
        admin.run("""const box = await page.locator('[role=application]').boundingBox();
            for (const [dx, dy] of [[0, 0], [40, -60], [-40, 60]]) {
                const [x, y] = [box.x + box.width / 2 + dx, box.y + box.height / 2 + dy];
                await page.mouse.move(x, y); await page.mouse.down();
                await page.mouse.move(x + 50, y + 50, {steps: 4}); await page.mouse.up();
            }""")
        assert before and place(admin, "core") == before

    def test_on_a_phone_and_in_japanese(self, admin):
        admin.open(width=360, height=740, japanese=True)
        admin.sign_in("admin", PASSWORD, japanese=True)
        admin.heading("ダッシュボード")
        admin.troubles()
        admin.goto("#/map")
        admin.heading("ネットワーク図")
        drawn(admin, "core")
        focus_map(admin)
        assert admin.run("return await page.evaluate(() => document.documentElement.scrollWidth)") <= 360
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "map.ja.png"))
        assert admin.violations() + admin.troubles() == []
