"""Accounts from a real directory (slapd) and a real OpenID provider: who gets in, in which role, and what
others can try.  No campus: cordond with one switch made of memory, everything on loopback."""
import concurrent.futures
import contextlib
import math
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import api as client
import liar
import pytest
import receivers
from netns import wait_for
from people import Browser, Walker, totp

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = TOP / os.environ.get("BUILD", "build")
OIDC = TOP / "tests" / "net" / "oidc"
SLOW_S = 60  # of waits, on a machine that has much to do; never of a measurement
ROOT = "dc=hospital,dc=example"
SECRET = "what cordon is known by"
LOCAL = "correct horse battery"


def ldif(name, *lines):
    return f"dn: {name},{ROOT}\n" + "\n".join(lines) + "\n\n"


def person(name, password, *more, ou="people"):
    return ldif(f"uid={name},ou={ou}", "objectClass: inetOrgPerson", f"uid: {name}", f"cn: {name}",
                f"sn: {name}", f"userPassword: {password}", *more)


class Directory:
    """slapd with TLS, its own configuration and data, and people in groups."""

    def __init__(self, folder, ca):
        self.folder = pathlib.Path(folder)
        (self.folder / "data").mkdir(parents=True)
        self.port, self.log = receivers.free_port(), self.folder / "slapd.log"
        self.certificate = ca.issue("localhost")
        self.process = None

    def configure(self):
        cert, key = self.certificate
        (self.folder / "slapd.conf").write_text(f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {self.folder}/slapd.pid
TLSCertificateFile {cert}
TLSCertificateKeyFile {key}
loglevel stats
database mdb
suffix "{ROOT}"
rootdn "cn=root,{ROOT}"
rootpw rootpw
directory {self.folder}/data
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn="cn=cordon,{ROOT}" read by * none
""")

    def start(self):
        self.configure()
        with open(self.log, "ab") as log:
            # -d keeps it in the foreground, as our child
            self.process = subprocess.Popen(
                ["slapd", "-f", self.folder / "slapd.conf", "-d", "stats", "-h",
                 f"ldaps://127.0.0.1:{self.port}"], stdout=log, stderr=log)
        wait_for(self.answers, "slapd", SLOW_S)
        return self

    def answers(self):
        return self.tool("ldapwhoami").returncode == 0

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        self.process = None

    def tool(self, name, text=None):
        environment = dict(os.environ, LDAPTLS_REQCERT="never")
        return subprocess.run([name, "-x", "-H", f"ldaps://127.0.0.1:{self.port}", "-D",
                               f"cn=root,{ROOT}", "-w", "rootpw"], input=text, text=True,
                              capture_output=True, env=environment, timeout=30, check=False)

    def change(self, text):
        done = self.tool("ldapmodify", text)
        assert done.returncode == 0, done.stderr

    def add(self, text):
        done = self.tool("ldapadd", text)
        assert done.returncode == 0, done.stderr

    def said(self):
        return self.log.read_text(errors="replace")

    def fill(self):
        self.add(f"dn: {ROOT}\nobjectClass: dcObject\nobjectClass: organization\no: hospital\n"
                 "dc: hospital\n\n"
                 + "".join(ldif(f"ou={name}", "objectClass: organizationalUnit", f"ou: {name}")
                           for name in ("people", "others", "groups"))
                 + ldif("cn=cordon", "objectClass: person", "cn: cordon", "sn: cordon",
                        f"userPassword: {SECRET}")
                 + person("kim", "kims password") + person("lee", "lees password")
                 + person("max", "maxs password") + person("ona", "onas password")
                 + person("twin", "twins password") + person("twin", "twins password", ou="others")
                 + self.group("cordon-admins", "lee") + self.group("ward-it", "kim", "twin"))

    @staticmethod
    def group(name, *people):
        return ldif(f"cn={name},ou=groups", "objectClass: groupOfNames", f"cn: {name}",
                    *(f"member: uid={one},ou=people,{ROOT}" for one in people))


class Provider:
    """oidc-provider."""

    def __init__(self, folder, ca, redirect):
        self.port, self.people = receivers.free_port(), pathlib.Path(folder) / "people.json"
        self.issuer = f"https://localhost:{self.port}"
        self.cert, self.key = ca.issue("localhost")
        self.redirect, self.process = redirect, None
        self.people.write_text('{"kara": {"name": "kara", "groups": ["ward-it", "x"]},'
                               ' "nora": {"name": "nora", "groups": ["x"]},'
                               ' "odd": {"name": "o d d", "groups": ["ward-it"]},'
                               ' "imp": {"name": "admin", "groups": ["cordon-admins"]}}')

    def start(self):
        self.process = subprocess.Popen(
            ["node", "server.mjs", str(self.port), self.key, self.cert, self.people, SECRET,
             self.redirect], cwd=OIDC, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout.readline() == "ready\n"
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            self.process.stdout.close()
        self.process = None


class Bench:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        os.chmod(self.folder, 0o755)
        self.ca = receivers.Authority(self.folder / "authority")
        self.directory = Directory(self.folder / "ldap", self.ca)
        self.cordon = receivers.Controller(str(BUILD / "cordond"), self.folder)
        self.home = f"https://127.0.0.1:{self.cordon.port}/"
        self.provider = Provider(self.folder, self.ca, self.home)
        for name in ("ldap.password", "openid.secret"):
            (self.folder / name).write_text(SECRET + "\n")
            os.chmod(self.folder / name, 0o400)
        with open(self.cordon.config, "a", encoding="ascii") as config:
            config.write(self.settings())
        self.api = client.Api(f"https://127.0.0.1:{self.cordon.port}",
                              str(self.cordon.state / "admin.token"),
                              str(self.cordon.state / "pki" / "ca.pem"))
        self.tls = ssl.create_default_context(cafile=str(self.ca.file))

    def settings(self):
        return f"""
ldap:
  url: ldaps://127.0.0.1:{self.directory.port}
  ca: {self.ca.file}
  bind_dn: "cn=cordon,{ROOT}"
  bind_password_file: {self.folder}/ldap.password
  base: "{ROOT}"
  roles:
    - {{group: "cn=cordon-admins,ou=groups,{ROOT}", role: admin}}
    - {{group: "CN=ward-it, ou=Groups, {ROOT}", role: operator}}
openid:
  issuer: {self.provider.issuer}
  name: Hospital ID
  ca: {self.ca.file}
  client_id: cordon
  client_secret_file: {self.folder}/openid.secret
  redirect_url: {self.home}
  roles:
    - {{group: cordon-admins, role: admin}}
    - {{group: ward-it, role: operator}}
"""

    def start(self):
        self.directory.start().fill()
        if (OIDC / "node_modules").is_dir():
            self.provider.start()
        self.cordon.start()
        wait_for(self.is_there, "cordond", SLOW_S)
        first = (self.cordon.state / "admin.password").read_text().strip()
        admin = self.person()
        assert admin.sign_in("admin", first)[0] == 200
        assert admin.send("POST", "/session/password", {"old": first, "new": LOCAL})[0] == 200
        self.admin = admin
        return self

    def is_there(self):
        return self.api.is_up()

    def stop(self):
        self.cordon.stop()
        self.directory.stop()
        self.provider.stop()

    def person(self):
        return Browser(self.api)

    def sign_in(self, name, password):
        browser = self.person()
        return browser, *browser.sign_in(name, password)

    def account(self, name):
        return {one["name"]: one for one in self.api.items("/accounts")}.get(name)


@pytest.fixture(scope="module")
def bench():
    if not shutil.which("slapd"):
        pytest.skip("there is no slapd")
    with tempfile.TemporaryDirectory(prefix="cordon-login-") as folder:
        made = Bench(folder)
        try:
            yield made.start()
        finally:
            made.stop()


# ---- the directory ----

def test_groups_of_the_directory_say_the_role(bench):
    for name, password, role in (("kim", "kims password", "operator"),
                                 ("lee", "lees password", "admin")):
        browser, status, session = bench.sign_in(name, password)
        assert status == 200 and session["account"] == {"name": name, "role": role}, session
        assert not session["password"]
        assert (browser.send("GET", "/accounts")[0] == 200) == (role == "admin")
        assert bench.account(name)["source"] == "ldap"
    # the directory does not look at case: it is the same account, not a second one
    assert bench.sign_in("KIM", "kims password")[2]["account"]["name"] == "kim"
    assert bench.account("KIM") is None
    actions = {(row["action"], row["account"]) for row in bench.api.items("/audit")}
    assert ("account.from-source", "account:kim") in actions


def test_who_is_in_no_group_gets_nothing(bench):
    _, status, problem = bench.sign_in("max", "maxs password")
    assert (status, problem["detail"]) == (403, "no group of this account has a role here")
    assert bench.account("max") is None


def test_wrong_ones_are_all_alike(bench):
    told = set()
    for name, password in (("ona", "no"), ("nobody", "kims password"), ("ona", " "),
                           ("twin", "twins password"),  # two people of that name: neither
                           ("cordon", SECRET)):  # has no uid
        _, status, problem = bench.sign_in(name, password)
        told.add((status, problem["detail"]))
    assert told == {(401, "account name or password is wrong")}, told


def test_an_empty_password_is_no_password(bench):
    """A bind without one is anonymous, and succeeds."""
    before = bench.directory.said().count('BIND dn="uid=ona')
    _, status, _ = bench.sign_in("ona", "")
    assert status in (401, 422)
    assert bench.directory.said().count('BIND dn="uid=ona') == before


def test_names_are_names_and_no_filters(bench):
    for name in ("*", "k*", "kim)(uid=*", "*)(objectClass=*", "kim\\2a", "kim\\00", "kim*",
                 f"uid=kim,ou=people,{ROOT}", "kim)(|(uid=*", "(", ")", "\\"):
        _, status, _ = bench.sign_in(name[:60], "kims password")
        assert status in (401, 422), name
    assert 'filter="(uid=*)"' not in bench.directory.said()


def test_a_local_account_is_asked_first(bench):
    """Nobody of the directory becomes an account of ours by its name."""
    bench.directory.add(person("admin", "directorys password")
                        + Directory.group("more-admins", "admin"))
    bench.directory.change(f"dn: cn=cordon-admins,ou=groups,{ROOT}\nchangetype: modify\n"
                           f"add: member\nmember: uid=admin,ou=people,{ROOT}\n")
    assert bench.sign_in("admin", "directorys password")[1] == 401
    assert bench.sign_in("admin", LOCAL)[1] == 200
    for name in ("Admin", "ADMIN"):  # to the directory the same one, to us not
        assert bench.sign_in(name, "directorys password")[1] in (401, 409), name
    assert bench.account("admin")["source"] == "local"


def test_a_group_that_changes_counts_at_the_next_sign_in(bench):
    browser, status, _ = bench.sign_in("kim", "kims password")
    assert status == 200
    bench.directory.change(f"dn: cn=cordon-admins,ou=groups,{ROOT}\nchangetype: modify\n"
                           f"add: member\nmember: uid=kim,ou=people,{ROOT}\n")
    assert bench.sign_in("kim", "kims password")[2]["account"]["role"] == "admin"
    assert browser.send("GET", "/endpoints")[0] == 401  # that session was an operator's
    bench.directory.change(f"dn: cn=cordon-admins,ou=groups,{ROOT}\nchangetype: modify\n"
                           f"delete: member\nmember: uid=kim,ou=people,{ROOT}\n")
    assert bench.sign_in("kim", "kims password")[2]["account"]["role"] == "operator"


def test_disabled_here_is_disabled(bench):
    assert bench.sign_in("kim", "kims password")[1] == 200
    assert bench.admin.send("POST", "/accounts/kim/disable", {})[0] == 200
    assert bench.sign_in("kim", "kims password")[1] == 401
    assert bench.admin.send("POST", "/accounts/kim/enable", {})[0] == 200
    assert bench.admin.send("POST", "/accounts/kim/password",
                            {"password": "a local password"})[0] == 409
    assert bench.sign_in("kim", "kims password")[1] == 200


def test_a_second_factor_is_asked_for_behind_the_directory(bench):
    browser, status, _ = bench.sign_in("kim", "kims password")
    assert status == 200
    status, begun = browser.send("POST", "/session/factor/begin", {})
    assert status == 200, begun
    status, kept = browser.send("POST", "/session/factor/confirm",
                                {"code": totp(begun["secret"])})
    assert status == 200, kept
    other, status, half = bench.sign_in("kim", "kims password")
    assert status == 200 and half["ticket"] and "__Host-cordon" not in other.cookies
    assert other.send("POST", "/session/code", {"ticket": half["ticket"],
                                                "code": kept["codes"][0]})[0] == 200
    assert bench.admin.send("POST", "/accounts/kim/reset-factor", {})[0] == 200


def test_a_name_that_changed_hands_gets_nobody_in(bench):
    assert bench.sign_in("kim", "kims password")[1] == 200
    bench.directory.change(f"dn: uid=kim,ou=people,{ROOT}\nchangetype: delete\n")
    assert bench.sign_in("kim", "kims password")[1] == 401  # removed there
    bench.directory.add(person("kim", "another person"))
    bench.directory.change(f"dn: cn=cordon-admins,ou=groups,{ROOT}\nchangetype: modify\n"
                           f"add: member\nmember: uid=kim,ou=people,{ROOT}\n")
    assert bench.sign_in("kim", "another person")[1] == 409
    assert bench.admin.send("POST", "/accounts/kim/remove", {})[0] == 200
    assert bench.sign_in("kim", "another person")[1] == 200


DIRECTORY_S = 10  # login/directory.h: for all steps of one sign-in
LATE_S = 30       # on a machine that has much to do


def assert_silence_holds_nobody_else_up(bench):
    """'lee' of the directory is told within its time; 'admin', who is ours, signs in meanwhile."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        lee = pool.submit(bench.sign_in, "lee", "lees password")
        meanwhile = 0
        for _ in range(3):
            assert bench.sign_in("admin", LOCAL)[1] == 200
            meanwhile += not lee.done()
        assert meanwhile
        _, status, problem = lee.result()
        took = time.monotonic() - began
    assert status == 503 and "cannot be asked" in problem["detail"], problem
    assert "still work" in problem["advice"]
    assert took < DIRECTORY_S + LATE_S, took


def test_while_the_directory_is_silent_local_accounts_work(bench):
    """And guesses at the same time do not come to it one beside the other."""
    bench.directory.process.send_signal(signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            guesses = [pool.submit(bench.sign_in, "ona", f"guess {i}") for i in range(20)]
            assert_silence_holds_nobody_else_up(bench)
            codes = sorted(guess.result()[1] for guess in guesses)
    finally:
        bench.directory.process.send_signal(signal.SIGCONT)
    assert codes == [429] * 19 + [503], codes
    wait_for(bench.directory.answers, "slapd goes on", SLOW_S)
    assert bench.sign_in("lee", "lees password")[1] == 200


def test_guesses_at_the_same_time_do_not_lock_the_directorys_account(bench):
    before = bench.directory.said().count('BIND dn="uid=ona')
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(lambda i: bench.sign_in("ona", f"guess {i}")[1], range(40)))
    took = time.monotonic() - began
    assert set(codes) == {401, 429}
    binds = bench.directory.said().count('BIND dn="uid=ona') - before
    assert binds <= 5 + int(math.log2(took + 1)), (binds, took)  # as many as one after the other, each after twice the wait


class Trickle(threading.Thread):
    """In the directory's place: the beginning of a TLS record, and then a byte now and then."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", port))
        self.open, self.cut, self.is_over = [], set(), threading.Event()
        self.start()

    def run(self):
        self.socket.settimeout(0.5)
        while not self.is_over.is_set():
            try:
                line = self.socket.accept()[0]
                self.open.append(line)
                with contextlib.suppress(OSError):
                    line.sendall(b"\x16\x03\x03\x3f\x00\x02\x00\x3e\xfc")
                line.setblocking(False)
            except TimeoutError:
                pass
            for line in self.open:
                try:
                    line.sendall(b"\x03")
                    if not line.recv(65536):
                        self.cut.add(line)
                except BlockingIOError:
                    pass
                except OSError:  # cut with a byte of ours unread: that is a reset
                    self.cut.add(line)

    def stop(self):
        self.is_over.set()
        self.join()
        for line in [self.socket, *self.open]:
            line.close()


def test_a_directory_that_sends_a_byte_now_and_then_holds_nobody_up(bench):
    bench.directory.stop()
    trickle = Trickle(bench.directory.port)
    try:
        assert_silence_holds_nobody_else_up(bench)
        wait_for(lambda: trickle.open and trickle.cut == set(trickle.open),
                 "the connection is given up, too", LATE_S)
    finally:
        trickle.stop()
    bench.directory.start()
    assert bench.sign_in("lee", "lees password")[1] == 200


def test_another_authoritys_certificate_sees_no_password(bench):
    bench.directory.stop()
    assert bench.sign_in("lee", "lees password")[1] == 503
    assert bench.sign_in("admin", LOCAL)[1] == 200
    good = bench.directory.certificate
    bench.directory.certificate = receivers.Authority(bench.folder / "evil").issue("localhost")
    bench.directory.start()
    before = bench.directory.said().count("BIND dn=\"cn=cordon")
    assert bench.sign_in("lee", "lees password")[1] == 503
    assert bench.directory.said().count("BIND dn=\"cn=cordon") == before
    bench.directory.stop()
    bench.directory.certificate = bench.ca.issue("elsewhere.example")  # ours, of another machine
    bench.directory.start()
    assert bench.sign_in("lee", "lees password")[1] == 503
    assert bench.directory.said().count("BIND dn=\"cn=cordon") == before
    bench.directory.stop()
    bench.directory.certificate = good
    bench.directory.start()
    assert bench.sign_in("lee", "lees password")[1] == 200


def test_the_role_login_comes_back(bench):
    bench.cordon.kill("login")
    assert bench.sign_in("admin", LOCAL)[1] == 200
    wait_for(lambda: bench.sign_in("lee", "lees password")[1] == 200, "login is back", SLOW_S, 1)


def test_the_death_of_web_signs_nobody_out(bench):
    browser, status, _ = bench.sign_in("lee", "lees password")
    assert status == 200
    gone, _, _ = bench.sign_in("lee", "lees password")
    assert gone.send("POST", "/session/end", {})[0] == 200
    before = bench.cordon.roles()["web"]
    bench.cordon.kill("web")
    wait_for(lambda: bench.cordon.roles().get("web", before) != before and bench.is_there(),
             "web is back", SLOW_S)
    assert browser.send("GET", "/accounts")[0] == 200
    assert browser.send("POST", "/session/end-others", {})[0] == 200  # its csrf is the same
    assert gone.send("GET", "/endpoints")[0] == 401
    wait_for(lambda: bench.sign_in("lee", "lees password")[1] == 200, "login was joined", SLOW_S, 1)


def test_the_secrets_are_in_no_answer_and_no_log(bench):
    status, rules = bench.admin.send("GET", "/accounts/rules")
    assert status == 200 and len(rules["mappings"]) == 4
    log = bench.cordon.said()
    for secret in (SECRET, "lees password", "kims password", LOCAL):
        assert secret.encode() not in log
        assert secret not in str(rules)


# ---- the OpenID provider ----

@pytest.fixture
def provider(bench):
    if not bench.provider.process:
        pytest.skip("tests/net/oidc was not installed (npm ci)")
    return bench.provider


def begin(browser, **headers):
    status, begun = browser.send("POST", "/session/openid/begin", {}, **headers)
    assert status == 200, begun
    return begun["url"]


def answer_of(bench, browser, who):
    """The code and state with which the provider sends 'who' back to us."""
    back = Walker(bench.tls).walk(begin(browser), who, bench.home)
    return {"code": back["code"], "state": back["state"]}


def test_claims_say_the_role(bench, provider):
    browser = bench.person()
    assert browser.send("GET", "/session/ways")[1] == {"openid": "Hospital ID"}
    answer = answer_of(bench, browser, "kara")
    status, session = browser.send("POST", "/session/openid", answer)
    assert status == 200, session
    assert session["account"] == {"name": "kara", "role": "operator"}
    assert browser.send("GET", "/endpoints")[0] == 200
    assert bench.account("kara")["source"] == "openid"
    assert "__Host-cordon-flow" not in browser.cookies
    # each answer counts once, and a code once at the provider, too
    assert bench.person().send("POST", "/session/openid", answer)[0] == 401
    assert browser.send("POST", "/session/openid", answer)[0] == 401
    again = bench.person()
    fresh = answer_of(bench, again, "kara")
    assert again.send("POST", "/session/openid", {**fresh, "code": answer["code"]})[0] == 401
    assert bench.sign_in("kara", "any password")[1] == 401  # no other way in


def test_the_answer_is_for_the_browser_that_asked(bench, provider):
    """Login CSRF: somebody's answer in another one's browser."""
    attacker, victim = bench.person(), bench.person()
    answer = answer_of(bench, attacker, "kara")
    assert victim.send("POST", "/session/openid", answer)[0] == 401
    begin(victim)  # has a way of its own
    assert victim.send("POST", "/session/openid", answer)[0] == 401
    stolen = {**victim.cookies}
    victim.cookies = {"__Host-cordon-flow": "A" * 43}
    assert victim.send("POST", "/session/openid", answer)[0] == 401
    victim.cookies = stolen
    for state in ("", "A" * 43, answer["state"][:-1], answer["state"] + "A"):
        assert attacker.send("POST", "/session/openid", {**answer, "state": state})[0] in (401, 422)
    for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        assert attacker.send("POST", "/session/openid", answer, **headers)[0] == 403
        assert attacker.send("POST", "/session/openid/begin", {}, **headers)[0] == 403


def test_where_it_leads_is_not_for_the_asker_to_say(bench, provider):
    import urllib.parse
    url = begin(bench.person(), Host="evil.example", X_Forwarded_Host="evil.example")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    assert url.startswith(provider.issuer)
    assert query["redirect_uri"] == bench.home and query["code_challenge_method"] == "S256"
    assert len({query["state"], query["nonce"], query["code_challenge"]}) == 3
    assert bench.person().send("POST", "/session/openid/begin",
                               {"redirect_uri": "https://evil.example"})[0] == 422


def test_without_a_mapped_group_or_a_usable_name(bench, provider):
    for who, wanted in (("nora", 403), ("odd", 422), ("imp", 409)):
        browser = bench.person()
        status, problem = browser.send("POST", "/session/openid", answer_of(bench, browser, who))
        assert status == wanted, (who, problem)
        assert browser.send("GET", "/endpoints")[0] == 401
    assert bench.account("admin")["source"] == "local"


def test_while_the_provider_is_away_local_accounts_work(bench, provider):
    browser = bench.person()
    answer = answer_of(bench, browser, "kara")
    provider.stop()
    status, problem = browser.send("POST", "/session/openid", answer)
    assert status == 503 and "cannot be asked" in problem["detail"]
    assert bench.sign_in("admin", LOCAL)[1] == 200
    assert bench.sign_in("lee", "lees password")[1] == 200
    provider.start()


# ---- a provider that lies ----

@pytest.fixture(scope="module")
def lies():
    with tempfile.TemporaryDirectory(prefix="cordon-liar-") as folder:
        made = liar.Bench(folder, BUILD)
        try:
            yield made.start()
        finally:
            made.stop()


def test_a_true_token_is_taken(lies):
    assert lies.sign_in() == 200


def test_a_flood_stops_nobody_elses_sign_in(lies):
    """Five machines begin more of them than there is room for: each pushes out its own."""
    flooders = [Browser(lies.api) for _ in range(5)]

    def flood():
        for flooder in flooders:
            codes = [flooder.send("POST", "/session/openid/begin", {}) for _ in range(64)]
            assert {code for code, _ in codes} == {200}

    assert lies.sign_in(meanwhile=flood) == 200


def test_of_many_machines_the_oldest_go_first(lies):
    """More machines than places, one sign-in each: whoever begins now has his time all the same."""
    def begin_from(count):
        for _ in range(count):
            assert Browser(lies.api).send("POST", "/session/openid/begin", {})[0] == 200

    begin_from(260)
    assert lies.sign_in(meanwhile=lambda: begin_from(20)) == 200


@pytest.mark.parametrize("lie", liar.LIES)
def test_a_false_one_is_not(lies, lie):
    assert lies.sign_in(lie) in (401, 503), lie
    assert lies.sign_in() == 200  # and the next true one is
