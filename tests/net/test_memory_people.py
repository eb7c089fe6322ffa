"""Memory runs out for the two roles that speak with other people's servers, notify and login, while they
have much to do and those servers answer without end.  Within a limit that is enough nobody is ended;
within one that is not, whoever is ended is started again.  Either way nothing that was acknowledged is
lost, and the other roles go on.  No campus: everything on loopback."""
import os
import pathlib
import tempfile
import threading
import time

import api as client
import liar
import pytest
import receivers
from netns import wait_for
from people import Browser
from test_memory import Group, has_groups

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = TOP / os.environ.get("BUILD", "build")
# For what it takes from then on, on top of what it has: what an answer may come to, and next to nothing.
ENOUGH, LITTLE = 16 << 20, 16 << 10
ENDLESS = b"no end " * (1 << 20)
HAPPENINGS, CHANNELS, SIGN_INS = 120, 4, 24
SLOW_S = 60  # of waits, on a machine that has much to do; never of a measurement


@pytest.fixture
def group():
    if not has_groups():
        pytest.skip("this kernel has no control group for memory here")
    made = Group(f"cordon-people-{os.getpid()}")
    yield made
    made.close()


def others(cordon, role):
    return {name: pid for name, pid in cordon.roles().items() if name != role}


def seen(cordon, group, role, pid, room, took_s):
    """Was it ended?  Only where it had too little; and it is there again."""
    def there():  # one that the kernel ends just now is seen for a moment still
        now = cordon.roles().get(role)
        return now and (now != pid) == (group.kills() > 0) and now
    now = wait_for(there, f"{role} is there, and ended if the kernel says so", SLOW_S)
    print(f"{role} with {room >> 10} KiB: {'ended' if now != pid else 'within its bounds'} in {took_s:.1f} s, "
          f"{group.kills()} ended by the kernel")
    assert now == pid or room == LITTLE
    return now != pid


# ---------------------------------------------------------------- notify

class Told:
    """cordond, and a server that answers each notice with megabytes."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        os.chmod(self.folder, 0o755)
        self.hook = receivers.Hook(self.folder)
        self.hook.answer = ENDLESS
        self.cordon = receivers.Controller(str(BUILD / "cordond"), self.folder).start()
        self.api = client.Api(f"https://127.0.0.1:{self.cordon.port}",
                              str(self.cordon.state / "admin.token"),
                              str(self.cordon.state / "pki" / "ca.pem"))
        wait_for(self.is_there, "cordond", SLOW_S)
        ca = self.cordon.give_notify(self.hook.cert)
        names = [f"hook{number}" for number in range(CHANNELS)]
        self.api.post("/notifications", {"secrets": [], "settings": {
            "version": 0, "help_desk": {}, "owner": {}, "on_call": {},
            "channels": [{"name": name, "kind": "webhook", "ca_file": ca,
                          "url": f"https://localhost:{self.hook.port}/{name}"} for name in names],
            "rules": [{"kind": kind, "channels": names} for kind in ("panic", "resume")]}})

    def is_there(self):
        try:
            return self.api.get("/health", validate=False).get("status") == "ok"
        except (OSError, ValueError):
            return False

    def stop(self):
        self.cordon.stop()
        self.hook.stop()

    def happen(self, name, count):
        """So many things to be told of, each with a reason of its own; what was acknowledged."""
        reasons = [f"{name} {number}" for number in range(count)]
        for number, reason in enumerate(reasons):
            self.api.post(f"/enforcement/{'resume' if number % 2 else 'panic'}", {"reason": reason})
        return reasons

    def arrived(self):
        """{path: reasons that came there}"""
        found = {}
        for path, _, body, _ in list(self.hook.requests):
            found.setdefault(path, set()).add(body)
        return found


@pytest.fixture(scope="module")
def bench():
    with tempfile.TemporaryDirectory(prefix="cordon-told-") as name:
        made = Told(name)
        yield made
        made.stop()


@pytest.mark.parametrize("room", [ENOUGH, LITTLE], ids=["enough", "little"])
def test_a_flood_of_notices_loses_none(bench, group, room):
    pid, rest = bench.cordon.roles()["notify"], others(bench.cordon, "notify")
    group.take(pid)
    group.limit(room)
    begin = time.monotonic()
    reasons = bench.happen(f"room {room}", HAPPENINGS)

    def all_came():
        bodies = {path: b"\n".join(found) for path, found in bench.arrived().items()}
        return len(bodies) == CHANNELS and all(
            f'"{reason}"'.encode() in body for body in bodies.values() for reason in reasons)
    wait_for(all_came, "each of them came to each receiver", 3 * SLOW_S, 0.2)
    seen(bench.cordon, group, "notify", pid, room, time.monotonic() - begin)
    wait_for(lambda: not [one for one in bench.api.items("/notices") if one["state"] == "waiting"],
             "nothing waits", SLOW_S, 0.2)
    told = {(notice.get("reason"), one["channel"]) for one in bench.api.items("/notices")
            if one["state"] == "delivered" for notice in one["notices"]}
    assert {(reason, f"hook{number}") for reason in reasons for number in range(CHANNELS)} <= told
    assert others(bench.cordon, "notify") == rest


# ---------------------------------------------------------------- login

@pytest.fixture(scope="module")
def provider():
    with tempfile.TemporaryDirectory(prefix="cordon-provider-") as name:
        made = liar.Bench(name, BUILD).start()
        yield made
        made.stop()


@pytest.mark.parametrize("room", [ENOUGH, LITTLE], ids=["enough", "little"])
def test_a_flood_of_sign_ins_through_a_provider_without_end(provider, group, room):
    """Who was let in stays in; who was not is told; and others sign in by what we know ourselves."""
    pid, rest = provider.cordon.roles()["login"], others(provider.cordon, "login")
    group.take(pid)
    group.limit(room)
    strangers = [threading.Thread(target=crowd, args=(provider,), daemon=True) for _ in range(4)]
    begin, statuses = time.monotonic(), []
    for one in strangers:
        one.start()
    inside = []
    for number in range(SIGN_INS):
        browser, status = sign_in(provider, "endless answer" if number % 3 else None)
        statuses.append(status)
        inside += [browser] if status == 200 else []
    for one in strangers:
        one.join(SLOW_S)
    took_s = time.monotonic() - begin
    was_ended = seen(provider.cordon, group, "login", pid, room, took_s)
    print(f"{len(inside)} let in; {sorted(set(statuses))}")
    assert inside or was_ended
    browser, status = wait_for(lambda: (lambda found: found if found[1] == 200 else None)(
        sign_in(provider, None)), "one signs in again", SLOW_S, 0.5)
    for one in [*inside, browser]:
        status, session = one.send("GET", "/session")
        assert status == 200 and session["account"]["name"] == "kara"

    def opened():  # rows that are written behind the answer
        return [row for row in provider.api.items("/audit")
                if row["action"] == "session.open" and row["account"] == "account:kara"]
    wait_for(lambda: len(opened()) >= len(inside) + 1, "each has its row of the audit", SLOW_S, 0.2)
    assert others(provider.cordon, "login") == rest


def crowd(provider):
    """Begins sign-ins and comes back with what the provider never gave."""
    for _ in range(6):
        try:
            browser = Browser(provider.api)
            _, begun = browser.send("POST", "/session/openid/begin", {})
            browser.send("POST", "/session/openid", {"code": "any", "state": begun["url"][-43:]})
        except (OSError, KeyError, ValueError):
            pass


def sign_in(provider, lie):
    """(browser, status)"""
    kept = []
    status = provider.sign_in(lie, browsers=kept)
    return kept[0], status
