"""web and login are killed while people sign in by the directory, by OpenID and with a second factor:
at the system calls by which they hear, speak and write, one after the other (CORDON_KILL_POINTS: how
many more, by chance).

What nobody was told may be lost, and he signs in again.  What he was told holds: a session that began
goes on, one that ended has ended, and it is his.  A code and an answer of the provider count once,
whether somebody heard of it or not.
"""
import concurrent.futures
import http.client
import os
import random
import shutil
import tempfile
import time

import pytest
from clocks import Clock
from killer import Killer
from netns import wait_for
from people import totp
from test_login import BUILD, LOCAL, OIDC, SLOW_S, Bench, answer_of

POINTS = int(os.environ.get("CORDON_KILL_POINTS", "0"))
SEED = int(os.environ.get("CORDON_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
# role, kind of call, how many of them a round has at least
KINDS = (("web", "wire", 60), ("web", "disk", 20), ("login", "wire", 12))
EACH, KEPT = 2, 4
STEP_S = 60  # from round to round: another code, and nobody's back-off goes on


class People:
    """All who sign in, and what they were told."""

    def __init__(self, bench):
        self.bench, self.told, self.gone = bench, [], []
        self.secret = self._pat()
        self.leaver = self._sure("lee", "lees password")

    def _pat(self):
        """Somebody with a local account and a second factor."""
        admin, pat = self.bench.admin, self.bench.person()
        assert admin.send("POST", "/accounts", {"name": "pat", "role": "viewer",
                                                "password": LOCAL})[0] == 201
        assert pat.sign_in("pat", LOCAL)[0] == 200
        status, begun = pat.send("POST", "/session/factor/begin", {"password": LOCAL})
        assert status == 200, begun
        status, _ = pat.send("POST", "/session/factor/confirm", {"code": self.code(begun["secret"])})
        assert status == 200
        return begun["secret"]

    def code(self, secret=None):
        return totp(secret or self.secret, time.time() + self.bench.passed_s)

    def _sure(self, name, password):
        browser = self.bench.person()
        status, session = browser.sign_in(name, password)
        assert status == 200 and session["account"]["name"] == name, session
        self.told.append((browser, name))
        return browser

    @staticmethod
    def quiet(ask, *words):
        """None: no answer came."""
        try:
            return ask(*words)
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def note(self, browser, answer, name):
        """Remembers what he was told; has he a session?"""
        if not answer or answer[0] != 200 or "__Host-cordon" not in browser.cookies:
            return False
        assert answer[1]["account"]["name"] == name, f"{name} was signed in as {answer[1]}"
        self.told.append((browser, name))
        return True

    def by_directory(self):
        browser = self.bench.person()
        self.note(browser, self.quiet(browser.sign_in, "kim", "kims password"), "kim")

    def by_code(self, code):
        browser = self.bench.person()
        half = self.quiet(browser.sign_in, "pat", LOCAL)
        assert "__Host-cordon" not in browser.cookies, "signed in without the code"
        if not half or half[0] != 200:
            return False
        return self.note(browser, self.quiet(browser.send, "POST", "/session/code", {
            "ticket": half[1]["ticket"], "code": code}), "pat")

    def by_openid(self, browser, answer):
        return self.note(browser, self.quiet(browser.send, "POST", "/session/openid", answer), "kara")

    def guess(self, name):
        browser = self.bench.person()
        answer = self.quiet(browser.sign_in, name, "no password of anybody")
        assert not answer or answer[0] != 200, (name, answer)

    def tidy(self):
        """Nobody has more than a few: beyond 20 of an account the oldest ends."""
        for one in {name for _, name in self.told}:
            for browser, name in [pair for pair in self.told if pair[1] == one][:-KEPT]:
                assert browser.send("POST", "/session/end", {})[0] == 200
                self.told.remove((browser, name))
                self.gone.append(browser)
        del self.gone[:-4 * KEPT]

    def leave(self):
        answer = self.quiet(self.leaver.send, "POST", "/session/end", {})
        self.told = [one for one in self.told if one[0] is not self.leaver]
        if answer and answer[0] == 200:
            self.gone.append(self.leaver)
        self.leaver = None  # who got no answer does not know

    def sessions_of(self, name):
        file = self.bench.cordon.state / "web" / "sessions"
        return sum(line.split()[1] == name for line in file.read_text().splitlines()
                   if len(line.split()) > 2)

    def check(self):
        for browser, name in self.told:
            status, session = browser.send("GET", "/session")
            assert status == 200, f"{name}'s session was lost"
            assert session["account"]["name"] == name, (name, session)
        for browser in self.gone:
            assert browser.send("GET", "/session")[0] == 401, "one that ended lives"


class Dated(Bench):
    """Its time goes by as the test says."""

    def __init__(self, folder):
        super().__init__(folder)
        self.clock, self.passed_s = Clock(folder, "cordond", BUILD), 0
        self.cordon.env = dict(os.environ, **self.clock.env)

    def passes(self, seconds):
        self.passed_s += seconds
        self.clock.set(0, self.passed_s)


@pytest.fixture(scope="module")
def people():
    if not shutil.which("slapd") or not (OIDC / "node_modules").is_dir():
        pytest.skip("there is no slapd, or tests/net/oidc was not installed (npm ci)")
    with tempfile.TemporaryDirectory(prefix="cordon-signin-") as folder:
        bench = Dated(folder)
        try:
            yield People(bench.start())
        finally:
            bench.stop()


def all_at_once(people, code, browser, answer):
    """(was the code told to count, was the answer)"""
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        work = [pool.submit(people.by_code, code), pool.submit(people.by_openid, browser, answer)]
        rest = [pool.submit(people.by_directory), pool.submit(people.guess, "kim"),
                pool.submit(people.guess, "pat"), pool.submit(people.leave)]
        counted = [one.result() for one in work]
        for one in rest:
            one.result()
    return counted


def one_round(people, role, kind, nth):
    """The call before which it was killed; None: after all of them."""
    bench, before = people.bench, people.sessions_of("pat")
    bench.passes(STEP_S)
    if people.leaver is None:
        people.leaver = people._sure("lee", "lees password")
    browser, code = bench.person(), people.code()
    answer = answer_of(bench, browser, "kara")
    with Killer(bench.cordon.roles()[role], nth, kind) as killer:
        counted = all_at_once(people, code, browser, answer)
        call = killer.wait() if killer.has_killed else None
    if not call:
        bench.cordon.kill(role)  # when all have their answers
    wait_for(lambda: {"web", "login"} <= bench.cordon.roles().keys() and people.quiet(bench.is_there),
             "both are back", SLOW_S)
    wait_for(lambda: bench.sign_in("lee", "lees password")[1] == 200, "login was joined", SLOW_S, 0.1)
    people.check()
    bench.passes(5)  # beyond the back-off of who was not told
    again = [people.by_code(code), people.by_code(code)]
    assert counted[0] + sum(again) <= 1, f"the code counted twice: {counted[0]}, {again}"
    assert people.sessions_of("pat") <= before + 1, "one code, two sessions"
    again = [people.by_openid(browser, answer), people.by_openid(bench.person(), answer)]
    assert counted[1] + sum(again) <= 1, f"the answer counted twice: {counted[1]}, {again}"
    people.check()
    people.tidy()
    return call


def test_nobody_killed_while_people_sign_in_signs_in_another(people):
    dice, done = random.Random(SEED), {}
    for role, kind, most in KINDS:
        evenly = [1 + most * turn // EACH for turn in range(EACH)] + [0]
        for nth in evenly + [dice.randrange(1, 2 * most) for _ in range(POINTS)]:
            call = one_round(people, role, kind, nth)
            done.setdefault((role, kind), []).append((nth, call and call.split()[0]))
    print(f"seed {SEED}; killed at {done}; {len(people.told)} sessions go on")
    for one, calls in done.items():
        assert sum(call is not None for _, call in calls) >= EACH - 1, (one, calls)
    assert any(call is None for calls in done.values() for _, call in calls)
