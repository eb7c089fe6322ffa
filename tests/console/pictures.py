"""Pictures of every screen in both languages for the guide and the README: `make screens`.

An infection goes on in the lab meanwhile.  CORDON_PICTURES is the folder (docs/screens)."""
import json
import os
import shutil
import socket
import subprocess

import campus as places
import malware
import pytest
from browser import TOP
from conftest import PASSWORD
from netns import wait_for
from probes import Ping, can
from test_console import SCREENS
from test_forgeries import eve_alert
from test_looks import SOCKET

FOLDER = os.environ.get("CORDON_PICTURES", os.path.join(TOP, "docs", "screens"))
SIZE_MAX = 150_000
CORDON = {"sources": f"""sources:
  - name: suricata
    kind: eve-socket
    path: {SOCKET}
    strength: weak
    confidence: 80
"""}


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)


def is_held(told):
    newest = max((one["number"] for one in told["items"]), default=0)
    return newest > 1 and all(one.get("newest_number") == newest for one in told["switches"])


@pytest.fixture(scope="module")
def day(campus, cordon, admin, c2, c3, c4, c5, c6):
    """A morning: one infection contained, one decision waits, one was made by hand, one is over."""
    api = cordon.api
    for client, more in ((c2, {"class": "workstation", "owner": "reception", "tags": ["ward-3"]}),
                         (c5, {"class": "medical", "owner": "radiology", "note": "X-ray workstation"}),
                         (c6, {"class": "printer", "tags": ["ward-3"]})):
        api.post(f"/endpoints/{client.mac}/annotate", more)
    malware.outbreak(campus, c2, places.CNC_NAME, places.SWEPT)
    cordon.wait_state("verified", c2, "isolate")
    event = json.loads(eve_alert(c3.ip4, "198.51.100.66", c3.mac))
    event["alert"]["signature"] = "ET MALWARE Cobalt Strike Beacon Activity (GET)"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(SOCKET)
        sock.sendall((json.dumps(event) + "\n").encode())
    wait_for(lambda: api.items("/pending"), "a pending decision", 30)
    api.post("/containments", {"action": "isolate", "mac": c4.mac, "expires_in_s": 14400,
                               "reason": "asked for by the help desk"})
    gone = api.post("/containments", {"action": "isolate", "mac": c6.mac, "reason": "unknown device",
                                      "expires_in_s": 14400})
    api.post(f"/containments/{gone['id']}/release", {"reason": "was the new printer"})
    api.post("/server-blocks", {"server": "203.0.113.99", "expires_in_s": 86400,
                                "reason": "phishing site, told by the help desk"})
    cordon.wait_state("verified", c4, "isolate")
    wait_for(lambda: is_held(api.get("/audit/checkpoints")), "the switches hold what was signed last", 60)
    yield api
    cordon.release_all()


def small(path):
    """Few colours are enough for a picture of a screen."""
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--skip-if-larger", "--quality", "60-95", "--output",
                        path, "--", path], check=False)
    size = os.path.getsize(path)
    assert size <= SIZE_MAX, f"{path} has {size} bytes; is pngquant installed?"


def picture(admin, name, language):
    path = os.path.join(FOLDER, f"{name}.{language}.png")
    admin.shot(path)
    small(path)


@pytest.mark.parametrize("language", ("en", "ja"))
def test_pictures(admin, day, campus, language):
    os.makedirs(FOLDER, exist_ok=True)
    is_japanese = language == "ja"
    admin.open(width=1280, height=800, japanese=is_japanese)
    admin.goto()
    admin.heading("Cordon にサインイン" if is_japanese else "Sign in to Cordon")
    picture(admin, "sign-in", language)
    admin.sign_in("admin", PASSWORD, is_japanese)
    admin.heading("ダッシュボード" if is_japanese else "Dashboard")
    for screen in SCREENS:
        admin.visit(screen)
        if screen == "report":
            admin.click("再検証を開始" if is_japanese else "Replay")
            admin.see("実際の結果との比較" if is_japanese else "Compared with what really happened", 30)
        admin.run("await page.waitForTimeout(1500)")  # what is drawn settles: the map, charts
        picture(admin, screen, language)
    contained = day.items("/containments")
    admin.visit(f"containments/{next(one for one in contained if one.get('policy') and one['state'] == 'verified' and one['action'] == 'isolate')['id']}")
    picture(admin, "containment", language)
    incident = next(one for one in day.items("/incidents") if one["strength"] == "strong")
    admin.visit(f"incidents/{incident['id']}")
    picture(admin, "incident", language)
    admin.run("""const button = page.getByRole('button', {name: /Show packets|パケットを表示/}).first();
        await button.click(); await page.getByRole('table', {name: /Packets|パケット/}).waitFor();
        await page.getByRole('table', {name: /Packets|パケット/}).scrollIntoViewIfNeeded();""")
    picture(admin, "evidence", language)
    admin.visit(f"endpoints/{day.get('/endpoints/' + campus['c5'].mac)['id']}")
    picture(admin, "endpoint", language)
    admin.visit("pending")
    admin.run("""await page.getByRole('button', {name: /^(Enforce|実施)$/}).first().click();
        await page.getByRole('dialog').waitFor()""")
    picture(admin, "enforce", language)
    admin.run("await page.keyboard.press('Escape')")
    admin.open(width=360, height=740, japanese=is_japanese)
    admin.sign_in("admin", PASSWORD, is_japanese)
    admin.heading("ダッシュボード" if is_japanese else "Dashboard")
    admin.visit("pending")
    picture(admin, "phone", language)
    admin.open(width=1280, height=800, japanese=is_japanese, dark=True)
    admin.sign_in("admin", PASSWORD, is_japanese)
    admin.heading("ダッシュボード" if is_japanese else "Dashboard")
    admin.visit("dashboard")
    picture(admin, "dark", language)
