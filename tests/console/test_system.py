"""The system screen in a real browser: storage, licences with their texts, what a panic frees."""
import os

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

    def test_a_panic_says_what_it_frees(self, admin, cordon, c4):
        made = cordon.api.post("/containments", {"action": "isolate", "mac": c4.mac,
                                                 "reason": "counted", "expires_in_s": 600})
        cordon.api.post("/server-blocks", {"server": "203.0.113.99", "reason": "counted",
                                           "expires_in_s": 600})
        admin.goto("#/system")
        admin.click("Suspend all enforcement")
        admin.see("1 contained endpoints and pairs, 1 blocked servers")
        admin.click("Cancel")
        assert cordon.api.get("/enforcement")["state"] == "active"
        cordon.api.post(f"/containments/{made['id']}/release", {"reason": "done"})
