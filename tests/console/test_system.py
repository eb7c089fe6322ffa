"""The system screen in a real browser: storage, licences with their texts, what a panic frees."""
import os

from netns import wait_for
from probes import Ping, can, cannot

SHOTS = os.environ.get("CORDON_SCREENS")


class TestSystem:
    def test_storage_and_licences(self, admin):
        admin.goto("#/system")
        admin.heading("System")
        admin.troubles()
        admin.see("Free on its disk")
        admin.run("await page.getByText('Work of others in Cordon').click()")
        for name in ("svelte", "SQLite", "libevent"):
            admin.run("await page.getByText(args.name, {exact: false}).first().waitFor()", name=name)
        admin.run("await page.getByText(/^svelte /).click()")
        admin.run("""await page.locator('pre:visible')
            .filter({hasText: 'Permission is hereby granted, free of charge'}).waitFor()""")
        assert admin.troubles() == []
        assert admin.violations() == []
        if SHOTS:
            admin.run("await page.screenshot({path: args.path, fullPage: true})",
                      path=os.path.join(SHOTS, "system.png"))

    def test_which_version_each_switch_runs(self, admin, cordon):
        admin.goto("#/system")
        told = cordon.api.items("/switches")
        assert len({(one["driver"], one["version"]) for one in told}) == 1, told
        names = ", ".join(sorted(one["name"] for one in told))
        admin.see(f"{told[0]['driver']} {told[0]['version']}: {names}")

    def test_a_switch_says_how_full_it_is_and_who_is_where(self, admin, cordon, c4):
        where = cordon.api.get(f"/endpoints/{c4.mac}")["location"]
        admin.goto(f"#/switches/{where['switch']}")
        admin.heading(where["switch"])
        told = cordon.api.get(f"/switches/{where['switch']}")
        room = told["capabilities"]["rule_room"]
        admin.see(f"of {room:,} entries (")
        admin.see("tests that a block works")
        admin.run("""await page.getByRole('row').filter({has: page.getByRole('link', {name: args.port,
            exact: true})}).getByRole('link', {name: 'c4', exact: true}).waitFor()""", port=where["port"])
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "switch.en.png"))
        assert admin.violations() + admin.troubles() == []

    def test_a_mirror_says_who_asked_and_how_fast_it_goes(self, admin, cordon, c4):
        made = cordon.api.post("/containments", {"action": "mirror", "mac": c4.mac,
                                                 "reason": "looked at closely", "expires_in_s": 600})
        told = wait_for(lambda: [one for one in cordon.api.items("/mirrors")
                                 if one.get("containment_id") == made["id"]], "the mirror is listed")[0]
        admin.goto("#/mirrors")
        row = "page.getByRole('row').filter({hasText: 'looked at closely'}).first()"
        admin.run(f"await {row}.getByRole('link', {{name: args.who, exact: true}}).waitFor()",
                  who=told["requested_by"])
        assert told["requested_by"] == made["requested_by"]
        admin.run(f"await {row}.getByText(/^[0-9.,]+\\/s$/).waitFor()")
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "mirror.en.png"))
        cordon.api.post(f"/containments/{made['id']}/release", {"reason": "enough"})

    def test_a_panic_says_what_it_frees(self, admin, cordon, c3, c4):
        made = cordon.api.post("/containments", {"action": "isolate", "mac": c4.mac,
                                                 "reason": "counted", "expires_in_s": 600})
        cordon.api.post("/server-blocks", {"server": "203.0.113.99", "reason": "counted",
                                           "expires_in_s": 600})
        admin.goto("#/system")
        admin.click("Suspend all enforcement")
        admin.see("1 contained endpoints and pairs, 1 blocked servers")
        admin.click("Cancel")
        assert cordon.api.get("/enforcement")["state"] == "active"
        # and does it: by frames, until somebody takes it back there
        cordon.wait_state("verified", c4, "isolate")
        world = Ping(cordon.campus["world"].ip4)

        def press(button):
            admin.click(button)
            admin.fill("Reason (kept in the operation log)", f"drill: {button}")
            admin.run("await page.getByRole('dialog').getByRole('button', {name: args.name, exact: true}).click()",
                      name=button)
        try:
            press("Suspend all enforcement")
            admin.see("Enforcement is suspended: nobody is contained.")
            can(world, c4)
            assert cordon.api.get("/enforcement")["state"] == "suspended"
            press("Resume enforcement")
            admin.see("Containments are enforced.")
            wait_for(lambda: not world.ask(c4)[0], "c4 is cut off again", 30)
            cannot(world, c4, twin=c3)
        finally:
            if cordon.api.get("/enforcement")["state"] == "suspended":
                cordon.api.post("/enforcement/resume", {"reason": "the end of a test"})
        rows = {(row["action"], row["account"], row.get("detail"))
                for row in cordon.api.get("/audit?limit=50")["items"]}
        assert {("panic", "account:admin", "drill: Suspend all enforcement"),
                ("resume", "account:admin", "drill: Resume enforcement")} <= rows, rows
        assert admin.violations() == []
        cordon.api.post(f"/containments/{made['id']}/release", {"reason": "done"})

    def test_who_may_read_packets(self, admin, cordon):
        admin.goto("#/accounts")
        admin.heading("Accounts and tokens")
        admin.see("Who may read packets, names and URLs")
        admin.troubles()
        assert admin.violations() == []
        admin.click("Change a right")
        assert admin.violations() == []
        admin.run("await page.getByRole('dialog').getByLabel('Its name').fill('anna')")
        admin.run("await page.getByRole('dialog').getByLabel('Reason').fill('forensics')")
        admin.run("await page.getByRole('dialog').getByRole('button', {name: 'Set'}).click()")
        admin.see("account:anna")
        assert [one["right"] for one in cordon.api.get("/payload-readers")["items"]] == ["allowed"]

    def test_how_long_data_is_kept(self, admin, cordon):
        admin.goto("#/retention")
        admin.heading("Data retention")
        admin.see("90 days")
        admin.troubles()
        assert admin.violations() == []
        admin.click("Change")
        assert admin.violations() == []
        admin.fill("Packets: days (1 to 365)", "14")
        admin.run("await page.getByRole('dialog').getByLabel('Reason').fill("
                  "'our officer for data protection')")
        admin.run("await page.getByRole('dialog').getByRole('button', {name: 'Change'}).click()")
        admin.see("14 days")
        kinds = {one["kind"]: one["days"] for one in cordon.api.get("/retention")["kinds"]}
        assert (kinds["evidence"], kinds["names"]) == (14, 90)
        row = next(one for one in cordon.api.get("/audit")["items"] if one["action"] == "retention.set")
        assert row["detail"] == "evidence 30 -> 14: our officer for data protection"

    def test_a_person_is_purged_after_counting(self, admin, cordon, c4):
        made = cordon.api.post("/containments", {"action": "isolate", "mac": c4.mac,
                                                 "reason": "about zebra-laptop", "expires_in_s": 600})
        cordon.api.post(f"/containments/{made['id']}/release", {"reason": "done"})
        admin.goto("#/retention")
        admin.heading("Data retention")
        about = "page.getByRole('combobox', {name: 'About'})"
        admin.run(f"await {about}.selectOption('name')")
        admin.run("await page.getByLabel('Whom or what').fill('zebra-laptop')")
        # Whom must not stand in the reason: it stays.
        admin.fill("Reason (kept in the operation log)", "request of zebra-laptop")
        admin.click("Count")
        admin.see("that would stay in the audit")
        admin.fill("Reason (kept in the operation log)", "request 4711")
        admin.click("Count")
        admin.run("await page.getByRole('heading', {name: 'What was found'}).waitFor()")
        admin.run("await page.getByRole('columnheader', {name: 'Would go'}).waitFor()")
        admin.troubles()
        assert admin.violations() == []
        assert cordon.api.get(f"/containments/{made['id']}")["reason"] == "about zebra-laptop"
        admin.run("await page.getByRole('button', {name: 'Purge', exact: true}).click()")
        admin.run("await page.getByRole('dialog').getByRole('button', {name: 'Purge'}).click()")
        admin.see("gone from the bytes", 60)
        gone = cordon.api.raw("GET", f"/containments/{made['id']}")[0]
        assert gone == 404
        rows = str(cordon.api.get("/audit?limit=500")["items"])
        assert "purge.start" in rows and "request 4711" in rows
        jobs = str(cordon.api.get("/jobs")["items"])
        assert "zebra" not in jobs

    def test_states_are_worded_in_japanese(self, admin, cordon):
        wait_for(lambda: [one["state"] for one in cordon.api.items("/sensors")] == ["good"], "the sensor is good", 30)
        admin.run("await page.getByLabel('Language').selectOption('ja')")
        admin.goto("#/sources")
        admin.heading("センサーと検知元")
        table = "page.getByRole('table', {name: 'センサー', exact: true})"
        admin.run(f"await {table}.getByText('正常', {{exact: true}}).waitFor()")
        if SHOTS:
            admin.shot(os.path.join(SHOTS, "sources.worded.ja.png"))
        admin.run("await page.getByLabel('言語').selectOption('en')")
