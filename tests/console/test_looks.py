"""What attackers and operators may write, on every screen; dialogs, keyboard, widths and printing."""
import json
import socket

import campus as places
import malware
import pytest
from conftest import PASSWORD
from netns import wait_for
from probes import Http, Ping, can
from test_console import SCREENS
from test_forgeries import eve_alert

SOCKET = places.socket_path("looks")
CORDON = {"sources": f"""sources:
  - name: ids
    kind: eve-socket
    path: {SOCKET}
    strength: weak
    confidence: 80
"""}

# Script and markup in the forms that a careless page would run; and one too long for any column.
EVIL = ("<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
        "<svg/onload=window.hacked=1>{{7*7}}${7*7}javascript:window.hacked=1//'")
LONG = "<b>" + "W" * 180 + "</b>"


def before_cordon(campus):
    for client in campus.clients:
        can(Ping(campus["world"].ip4), client)


def lldp(mac):
    """A neighbour that calls itself, its port and its maker what it likes."""
    def tlv(kind, value):
        return ((kind << 9) | len(value)).to_bytes(2, "big") + value
    address = bytes.fromhex(mac.replace(":", ""))
    text = EVIL.encode()[:200]
    return (bytes.fromhex("0180c200000e") + address + b"\x88\xcc" + tlv(1, b"\x07" + text) +
            tlv(2, b"\x05" + text) + tlv(3, b"\x00\x78") + tlv(4, text) + tlv(5, text) +
            tlv(6, text) + tlv(0, b""))


def call_itself(client, name):
    """Asks for its address under another host name."""
    with open(client.config, encoding="ascii") as file:
        lines = file.read().splitlines()
    lines[0] = f'send host-name "{name}";'
    with open(client.config, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    client.start_dhcp()


@pytest.fixture(scope="module")
def hostile(campus, cordon, c3, c4, c5, c6):
    """Everything that attackers and operators can fill, filled."""
    name = EVIL[:120]
    call_itself(c6, name)
    malware.raw(c5, lldp(c5.mac))
    malware.resolve(campus, c4)  # and a request whose every part is markup
    address = places.CNC[places.CNC_NAME][0]
    Http(address, places.CNC_NAME, "x", path=f"/{EVIL}\r\nUser-Agent: {EVIL}\r\nX-{EVIL}: 1").ask(c4)
    event = json.loads(eve_alert(c3.ip4, "198.51.100.66", c3.mac))
    event["alert"].update(signature=EVIL, category=EVIL[:60])
    event["http"] = {"hostname": EVIL, "url": EVIL, "http_user_agent": EVIL}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(SOCKET)
        sock.sendall((json.dumps(event) + "\n" + EVIL + "\n").encode())
    api = cordon.api
    api.post(f"/endpoints/{c5.mac}/annotate", {"note": LONG, "owner": EVIL[:60],
                                               "tags": ["<b>x</b>", "{{7*7}}"]})
    api.post("/containments", {"action": "isolate", "mac": c5.mac, "reason": EVIL,
                               "external_id": "<img src=x>", "expires_in_s": 900})
    gone = api.post("/containments", {"action": "mirror", "mac": c3.mac, "reason": LONG,
                                      "expires_in_s": 900})
    api.post(f"/containments/{gone['id']}/release", {"reason": EVIL})
    api.post("/server-blocks", {"server": "203.0.113.99", "reason": EVIL, "expires_in_s": 900})
    wait_for(lambda: name in str(api.get("/endpoints")), "the host name of c6", 30)
    wait_for(lambda: EVIL[:40] in str(api.get("/pending")), "the pending decision about c3", 30)
    wait_for(lambda: [one for one in api.items("/incidents") if "c4" in one.get("summary", "")],
             "the incident of c4", 30)
    yield api
    call_itself(c6, c6.name)
    cordon.release_all()


def signed_in(admin, **more):
    admin.open(**more)
    admin.sign_in("admin", PASSWORD, more.get("japanese", False))
    admin.heading("ダッシュボード" if more.get("japanese") else "Dashboard")
    admin.troubles()


def everything(api):
    """Every screen, and the page of everything that has one."""
    yield from SCREENS
    for one in api.items("/endpoints"):
        if one.get("tags") or "<" in one.get("host_name", ""):
            yield f"endpoints/{one['id']}"
    for one in api.items("/incidents?closed=true"):
        yield f"incidents/{one['id']}"
    for one in api.items("/containments?ended=true"):
        yield f"containments/{one['id']}"
    yield f"switches/{api.items('/switches')[0]['name']}"


LOOK = """return await page.evaluate(() => ({
    ran: [window.hacked, document.querySelectorAll('img[src=x], svg[onload], main script').length],
    wide: document.documentElement.scrollWidth - innerWidth,
    who: document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('main *')]
        .filter((one) => one.getBoundingClientRect().right > innerWidth)
        .map((one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 60)}`).slice(-3)}))"""


class TestHostileTexts:
    def test_nothing_runs_and_nothing_breaks(self, admin, hostile):
        seen = ""
        signed_in(admin, width=360, height=900)  # the narrowest: what breaks, breaks here
        for screen in everything(hostile):
            admin.visit(screen)
            found = admin.run(LOOK)
            assert found["ran"] == [None, 0], screen
            assert found["wide"] <= 0, (screen, found)
            seen += admin.text()
        assert admin.troubles() == []
        for part in (EVIL[:40], "{{7*7}}", "W" * 100):
            assert part in seen, part  # it was there to be seen, as text

    def test_the_packets_of_an_attacker(self, admin, hostile):
        signed_in(admin)
        incident = next(one for one in hostile.items("/incidents") if "c4" in one.get("summary", ""))
        admin.visit(f"incidents/{incident['id']}")
        for i in range(admin.run("return await page.getByRole('button', {name: 'Show packets'}).count()")):
            admin.click("Show packets")
            admin.run("await page.getByRole('table', {name: 'Packets'}).waitFor()")
            admin.run("await page.getByRole('button', {name: 'Bytes of packet 1', exact: true}).click()")
            assert admin.run(LOOK)["ran"] == [None, 0]
            admin.click("Hide packets")
        assert admin.troubles() == []

    def test_dialogs_say_it_as_text(self, admin, hostile, c5):
        signed_in(admin)
        admin.visit(f"endpoints/{hostile.get('/endpoints/' + c5.mac)['id']}")
        for one in hostile.items("/containments"):
            if one["state"] == "pending":
                continue
            admin.visit(f"containments/{one['id']}")
            admin.click("Release")
            assert admin.run(LOOK)["ran"] == [None, 0]
            admin.run("await page.keyboard.press('Escape')")


def focused(admin):
    """The name of what has the focus, as a screen reader says it."""
    return admin.run("""return await page.evaluate(() => {
        const it = document.activeElement;
        const label = it.labels?.[0]?.innerText ?? '';
        return (it.getAttribute('aria-label') || label || it.innerText || it.tagName).trim();
    })""")


def wait_focus(admin, name):
    """The focus goes where it belongs a moment after the screen is there."""
    wait_for(lambda: focused(admin) == name, f"the focus at {name}", every_s=0.05)


def tab_to(admin, name, most=60):
    for _ in range(most):
        if focused(admin) == name:
            return
        admin.run("await page.keyboard.press('Tab')")
    raise AssertionError(f"{name} is not reached with Tab; now at {focused(admin)}")


def keys(admin, text):
    admin.run("await page.keyboard.type(args.text)", text=text)


def press(admin, key):
    admin.run("await page.keyboard.press(args.key)", key=key)


class TestKeyboard:
    def test_from_the_sign_in_to_a_decision(self, admin, hostile, c3):
        admin.open()
        admin.goto()
        admin.heading("Sign in to Cordon")
        tab_to(admin, "Account name")
        keys(admin, "admin")
        press(admin, "Tab")
        wait_focus(admin, "Password")
        keys(admin, PASSWORD)
        press(admin, "Enter")
        admin.heading("Dashboard")
        wait_focus(admin, "Dashboard")
        assert admin.run("return await page.title()") == "Dashboard – Cordon"
        admin.run("""await page.evaluate(() => { /* as if the page was just opened */
            document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); })""")
        press(admin, "Tab")
        wait_focus(admin, "Skip to content")
        press(admin, "Enter")
        admin.run("await page.waitForFunction(() => document.activeElement.id === 'content')")
        admin.run("await page.evaluate(() => document.querySelector('nav a').focus())")
        for _ in range(40):
            if focused(admin).startswith("Pending"):
                break
            press(admin, "Tab")
        press(admin, "Enter")
        admin.heading("Pending")
        wait_focus(admin, "Pending")  # the screen's heading: a reader begins there
        admin.run("await page.getByRole('button', {name: 'Enforce', exact: true}).first().waitFor()")
        tab_to(admin, "Enforce")
        press(admin, "Enter")
        admin.run("await page.getByRole('dialog').waitFor()")
        wait_focus(admin, "Reason (kept in the operation log)")
        for _ in range(12):  # the focus stays within
            press(admin, "Tab")
            assert admin.run("""return await page.evaluate(() => document.activeElement === document.body ||
                document.querySelector('dialog').contains(document.activeElement))""")
        press(admin, "Escape")
        admin.run("await page.getByRole('dialog').waitFor({state: 'detached'})")
        wait_focus(admin, "Enforce")  # back where it was
        press(admin, "Enter")
        wait_focus(admin, "Reason (kept in the operation log)")
        keys(admin, "by keyboard")
        tab_to(admin, "Enforce")
        press(admin, "Enter")
        admin.run("await page.getByRole('dialog').waitFor({state: 'detached'})")
        wait_for(lambda: [one for one in hostile.items("/containments")
                          if one.get("mac") == c3.mac and one["action"] == "isolate"],
                 "the decision about c3 is enforced", 30)
        wait_for(lambda: focused(admin) not in ("BODY", ""), "the focus is not lost with the row")

    def test_everything_with_a_pointer_can_be_focused(self, admin, hostile):
        signed_in(admin)
        for screen in SCREENS:
            admin.visit(screen)
            left = admin.run("""return await page.evaluate(() => [...document.querySelectorAll(
                'a, button, input, select, textarea, summary, [onclick]')].filter((one) =>
                one.offsetParent && one.tabIndex < 0 && !one.disabled).map((one) => one.outerHTML))""")
            assert left == [], screen


DIALOGS = (("accounts", "New account"), ("accounts", "New token"), ("accounts", "Password: admin"),
           ("system", "Suspend all enforcement"), ("servers", "Block a server"))


class TestDialogs:
    @pytest.mark.parametrize("dark", (False, True), ids=("light", "dark"))
    def test_each_is_accessible(self, admin, hostile, dark):
        signed_in(admin, dark=dark)
        found = {}
        for screen, button in DIALOGS:
            admin.visit(screen)
            admin.run("""await page.getByRole('button', {name: args.name, exact: true}).first().click();
                await page.getByRole('dialog').waitFor()""", name=button)
            wrong = admin.violations()
            if wrong:
                found[screen, button] = wrong
            press(admin, "Escape")
        assert not found, found
        assert admin.troubles() == []


class TestLooks:
    def test_a_wall_display_uses_its_width(self, admin, hostile):
        signed_in(admin, width=2560, height=1300)
        for screen in SCREENS:
            admin.visit(screen)
            used = admin.run("""return await page.evaluate(() => {
                const main = document.querySelector('main').getBoundingClientRect();
                return main.right / innerWidth; })""")
            assert used > 0.95, (screen, used)

    def test_printed(self, admin, hostile):
        signed_in(admin)
        admin.visit("containments")
        admin.run("await page.emulateMedia({media: 'print'})")
        shown = admin.run("""return await page.evaluate(() => ['nav', 'button'].map((name) =>
            [...document.querySelectorAll(name)].filter((one) => one.offsetParent).length))""")
        assert shown == [0, 0]
        assert "Containments" in admin.text()
        admin.run("await page.emulateMedia({media: null})")

    def test_forced_colours_and_reduced_motion(self, admin, hostile):
        signed_in(admin)
        admin.run("await page.emulateMedia({forcedColors: 'active', reducedMotion: 'reduce'})")
        for screen in ("dashboard", "pending", "containments"):
            admin.visit(screen)
            assert admin.violations() == []
        moving = admin.run("""return await page.evaluate(() => [...document.querySelectorAll('*')].filter(
            (one) => parseFloat(getComputedStyle(one).animationDuration) > 0.01 ||
                     parseFloat(getComputedStyle(one).transitionDuration) > 0.01).length)""")
        assert moving == 0
        admin.run("await page.emulateMedia({forcedColors: null, reducedMotion: null})")
