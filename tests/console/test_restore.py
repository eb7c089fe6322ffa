"""Backup, restore and what the switches know better, with real switches and a real browser: a block
that the restored database does not know is in force at every moment, is listed, and a person decides."""
import os
import subprocess
import threading

import probes
from conftest import PASSWORD
from netns import wait_for

SLOW_S = 60  # of waits, on a machine that has much to do


class Watched:
    """Does anything of that client come through, ever?"""

    def __init__(self, client, address):
        self.client, self.probe = client, probes.Ping(address)
        self.came_through, self.tries, self.ends = 0, 0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.ends.is_set():
            self.tries += 1
            self.came_through += bool(self.probe.ask(self.client)[0])
            self.ends.wait(0.05)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join(SLOW_S)


def test_backup_restore_and_decide(admin, cordon, campus, c3, c4):
    admin.goto("#/system")
    admin.heading("System")
    admin.troubles()
    admin.see("Backup and restore")
    admin.see("None has been made yet.")
    admin.click("Make a backup now")
    told = wait_for(lambda: not (now := cordon.api.get("/backup"))["running"] and
                    {"file", "problem"} & set(now["last"]) and now["last"], "the backup", SLOW_S)
    assert "problem" not in told
    admin.see(told["file"])
    made = cordon.api.post("/containments", {"action": "isolate", "mac": c4.mac,
                                             "reason": "after the backup"})
    cordon.wait_state("verified", c4)
    probes.can(probes.Ping(campus["web"].ip4), c3)  # it would answer
    with Watched(c4, campus["web"].ip4) as watched:
        cordon.kill_cordond()
        done = subprocess.run([cordon.program("cordond"), "--config", cordon.config_file, "restore",
                               told["file"]], text=True, capture_output=True, timeout=SLOW_S, check=False)
        assert done.returncode == 0, done.stderr
        cordon.start_cordond()
        one = wait_for(lambda: cordon.api.get("/unproven")["items"], "what the switches hold", SLOW_S)[0]
        assert (one["id"], one["reason"]) == (made["id"], "after the backup")
        assert one["unproven"] in ("core", "e1", "e2")
        cordon.wait_state("verified", c4, timeout_s=SLOW_S)
        wait_for(lambda: watched.tries > 3, "a few pings", SLOW_S)
    assert watched.came_through == 0  # from the kill on, at no moment
    admin.open()  # a session may have outlived it, or not
    admin.sign_in("admin", PASSWORD)
    admin.heading("Dashboard")
    admin.goto("#/system")
    admin.see("Unproven blocks")
    admin.see("after the backup")
    admin.troubles()
    assert admin.violations() == []
    admin.click("Keep")
    admin.fill("Reason (kept in the operation log)", "still infected")
    admin.run("await page.getByRole('dialog').getByRole('button', {name: 'Keep'}).click()")
    admin.run("await page.getByText('Unproven blocks').waitFor({state: 'detached'})")
    assert cordon.api.get("/unproven")["items"] == []
    assert cordon.api.get(f"/containments/{made['id']}")["state"] == "verified"
    assert "keep" in [row["action"] for row in cordon.api.get("/audit")["items"]]
    cordon.api.post(f"/containments/{made['id']}/release", {"reason": "end of the test"})
    assert os.path.exists(told["file"])
