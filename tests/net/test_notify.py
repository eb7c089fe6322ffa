"""Who must know is told, by real receivers: a mail server with TLS and AUTH, rsyslog, an HTTPS
server.  No campus: cordond with one switch made of memory, everything on loopback."""
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import uuid

import api as client
import pytest
import receivers
from netns import LabError, wait_for
from receivers import PASSWORD

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
SECRETS = {"mail": PASSWORD, "hook": "signing key 0123456789"}
RETRIED_S = 180  # five tries, each after twice the wait of the one before
SLOW_S = 60  # of waits, on a machine that has much to do; never of a measurement


@pytest.fixture(scope="module")
def bench():
    with tempfile.TemporaryDirectory(prefix="cordon-notify-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)  # the mail server has no rights of ours
        bench = Bench(folder)
        yield bench
        bench.stop()


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.mail = receivers.Mail(folder).start()
        self.syslog = receivers.Syslog(folder).start()
        self.hook = receivers.Hook(folder)
        self.cordon = receivers.Controller(os.path.join(BUILD, "cordond"), folder).start()
        self.ca = str(folder / "state" / "pki" / "ca.pem")
        self.token = str(folder / "state" / "admin.token")
        self.api = client.Api(f"https://127.0.0.1:{self.cordon.port}", self.token, self.ca)
        wait_for(self.is_there, "cordond", SLOW_S)

    def is_there(self):
        return self.api.is_up()

    def stop(self):
        self.cordon.stop()
        self.hook.stop()
        self.mail.stop()
        self.syslog.stop()

    def channel(self, kind, called=None, **more):
        ca = self.cordon.give_notify(self.mail.cert)
        channels = {
            "email": {"host": "localhost", "port": self.mail.starttls, "user": "cordon",
                      "from": "cordon@hospital.example", "to": ["net@hospital.example"],
                      "language": "ja", "ca_file": ca},
            "syslog": {"host": "localhost", "transport": "tcp", "ca_file": ca,
                       "port": self.syslog.ports[more.get("transport", "tcp")]},
            "webhook": {"url": f"https://localhost:{self.hook.port}/cordon", "ca_file": ca},
        }
        return {"name": called or kind, "kind": kind, **channels[kind], **more}

    def set(self, channels, kinds=(), secrets=(), **more):
        """Those channels get notices of these kinds, and the settings hold nothing else."""
        version = self.api.get("/notifications")["settings"].get("version", 0)
        names = [channel["name"] for channel in channels]
        settings = {"version": version, "channels": channels,
                    "rules": [{"kind": kind, "channels": names} for kind in kinds],
                    "help_desk": {}, "owner": {}, "on_call": {}, **more}
        return self.api.post("/notifications", {
            "settings": settings,
            "secrets": [{"channel": name, "value": value} for name, value in secrets]})

    def tests(self):
        return [m for m in self.api.get("/notices?limit=200")["items"]
                if m["notices"][0]["kind"] == "test"]

    def test(self, name):
        before = len(self.tests())
        answer = self.api.post(f"/notifications/{name}/test", {})
        wait_for(lambda: len(self.tests()) == before + 1, "noted", SLOW_S)
        if answer["answer"].startswith("250 "):  # into the mailbox, too
            told = self.tests()[0]["id"]
            wait_for(lambda: any(told in m["Message-ID"] for m in self.mail.messages()),
                     "the message in the mailbox", SLOW_S)
        return answer

    def happen(self, reason=None):
        """Something to be told of; its reason is its own."""
        reason = reason or f"reason {uuid.uuid4()}"
        verb = "resume" if self.api.get("/enforcement")["state"] == "suspended" else "panic"
        self.api.post(f"/enforcement/{verb}", {"reason": reason})
        return verb, reason

    def history(self, reason):
        return [m for m in self.api.get("/notices?limit=200")["items"]
                if any(n.get("reason") == reason for n in m["notices"])]


def test_a_test_message_is_real_and_answered_in_the_servers_words(bench):
    for security, port in (("starttls", bench.mail.starttls), ("tls", bench.mail.tls)):
        before = len(bench.mail.messages())
        bench.set([bench.channel("email", "mail", security=security, port=port)],
                  secrets=[("mail", PASSWORD)])
        answer = bench.test("mail")
        assert answer["delivered"] and answer["answer"].startswith("250 "), answer
        wait_for(lambda: len(bench.mail.messages()) == before + 1, "the message", SLOW_S)
        message = bench.mail.messages()[-1]
        assert "esmtpsa" in message["Received"]  # TLS, and signed in
        assert message["Subject"] == "[Cordon] テスト通知"
        assert message["To"] == "net@hospital.example"
        assert message["Auto-Submitted"] == "auto-generated"
        assert re.fullmatch(r"<[0-9A-Z]{26}\.cordon@hospital\.example>", message["Message-ID"])
    history = bench.api.get("/notices?limit=1")["items"][0]
    assert history["state"] == "delivered" and history["answer"].startswith("250 ")


def test_wrong_words_for_the_server_are_told(bench):
    bench.set([bench.channel("email", "mail")], secrets=[("mail", "wrong horse")])
    answer = bench.test("mail")
    assert not answer["delivered"] and "535" in answer["answer"], answer
    bench.set([bench.channel("email", "mail", to=["nobody.here@hospital.example"])],
              secrets=[("mail", PASSWORD)])
    answer = bench.test("mail")
    assert not answer["delivered"] and "there is no such person" in answer["answer"], answer
    # one that is no more keeps it from nobody else
    bench.set([bench.channel("email", "mail", to=["nobody.here@hospital.example",
                                                  "b@hospital.example"])])
    answer = bench.test("mail")
    assert answer["delivered"] and "there is no such person" in answer["answer"], answer


def test_a_secret_goes_to_the_server_that_it_was_given_for_only(bench):
    bench.set([bench.channel("email", "mail")], secrets=[("mail", PASSWORD)])
    assert bench.test("mail")["delivered"]
    before = len(bench.mail.messages())
    bench.set([bench.channel("email", "mail", host="127.0.0.1")])  # elsewhere, as far as one knows
    answer = bench.test("mail")
    assert not answer["delivered"] and "give it again" in answer["answer"], answer
    assert len(bench.mail.messages()) == before


@pytest.mark.parametrize("channel", [
    ("email", {"host": "127.0.0.1"}), ("syslog", {"host": "127.0.0.1", "transport": "tls"}),
    ("webhook", {}), ("email", {"ca_file": ""}), ("syslog", {"ca_file": "", "transport": "tls"})],
    ids=lambda each: f"{each[0]}-{'-'.join(each[1])}")
def test_a_server_that_is_somebody_else_gets_nothing(bench, channel):
    kind, more = channel
    made = bench.channel(kind, "x", **more)
    if kind == "webhook":
        made["url"] = made["url"].replace("localhost", "127.0.0.1")
    made = {name: value for name, value in made.items() if value != ""}
    mails, lines, requests = (len(bench.mail.messages()), len(bench.syslog.lines()),
                              len(bench.hook.requests))
    bench.set([made], secrets=[("x", PASSWORD)])
    answer = bench.test("x")
    assert not answer["delivered"], answer
    assert "certificate is refused, nothing was sent" in answer["answer"], answer
    assert (mails, lines, requests) == (len(bench.mail.messages()), len(bench.syslog.lines()),
                                        len(bench.hook.requests))


def unescaped(line):
    """The extension of a CEF line as {key: value}."""
    extension = re.split(r"(?<!\\)\|", line[line.index("CEF:"):], maxsplit=7)[7]
    parts = re.split(r"(?:^| )([A-Za-z0-9]+)=", extension)[1:]
    return {key: re.sub(r"\\(.)", r"\1", value) for key, value in zip(parts[::2], parts[1::2])}


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_syslog(bench, transport):
    reason = f'a|b\\c=d "e" ] 感染 {uuid.uuid4()}'
    bench.set([bench.channel("syslog", "text", transport=transport),
               bench.channel("syslog", "cef", transport=transport, format="cef", facility=13)],
              kinds=("panic", "resume"))
    verb, _ = bench.happen(reason)
    mark = reason.split()[-1]

    def lines():
        return [line for line in bench.syslog.lines() if mark in line]
    try:
        wait_for(lambda: len(lines()) == 2, "both lines", RETRIED_S)
    except LabError:  # what became of them?
        raise AssertionError((bench.history(reason), bench.cordon.said()[-4000:])) from None
    cef = next(line for line in lines() if "CEF:0|" in line)
    text = next(line for line in lines() if "CEF:0|" not in line)
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
    assert re.match(rf"<34>1 {stamp} \S+ cordon - {verb} - \ufeff", text), text  # 4 * 8 + critical
    escaped = reason.replace("\\", "\\\\").replace('"', '\\"')
    assert f'reason="{escaped}"' in text
    assert re.match(rf"<106>1 {stamp} \S+ cordon - {verb} - CEF:0\|Cordon\|Cordon\|", cef), cef
    assert unescaped(cef)["reason"] == reason
    assert re.split(r"(?<!\\)\|", cef)[6] == "9"


def test_a_webhook_is_signed_and_follows_nobody(bench):
    bench.set([bench.channel("webhook", "hook")], kinds=("panic", "resume"),
              secrets=[("hook", SECRETS["hook"])],
              console_url="https://cordon.hospital.example/")
    before = len(bench.hook.requests)
    bench.hook.status = 302
    answer = bench.test("hook")
    assert not answer["delivered"] and "HTTP 302" in answer["answer"], answer
    bench.hook.status = 200
    verb, reason = bench.happen()
    wait_for(lambda: len(bench.hook.requests) == before + 2, "the notice", SLOW_S)
    assert {path for path, _, _, _ in bench.hook.requests} == {"/cordon"}
    _, headers, body, _ = bench.hook.requests[-1]
    told = json.loads(body)
    key = SECRETS["hook"].encode()
    expected = hmac.new(key, headers["Cordon-Timestamp"].encode() + b"." + body, hashlib.sha256)
    assert hmac.compare_digest(headers["Cordon-Signature"], "v1=" + expected.hexdigest())
    assert headers["Cordon-Id"] == told["id"]
    assert told["notices"][0]["kind"] == verb and told["notices"][0]["reason"] == reason
    assert told["notices"][0]["link"] == "https://cordon.hospital.example/"


def test_one_that_says_no_is_asked_again_by_the_same_id(bench):
    bench.set([bench.channel("webhook", "hook")], kinds=("panic", "resume"),
              secrets=[("hook", SECRETS["hook"])])
    bench.hook.status = 503
    _, reason = bench.happen()
    wait_for(lambda: bench.history(reason) and bench.history(reason)[0].get("attempts"),
             "a first try", SLOW_S)
    state = bench.api.get("/notifications")["channels"][0]
    assert state["failing"] and state["waiting"] == 1 and "503" in state["answer"], state
    bench.hook.status = 200
    wait_for(lambda: bench.history(reason)[0]["state"] == "delivered", "delivered", SLOW_S)
    ids = {headers["Cordon-Id"] for _, headers, body, _ in bench.hook.requests
           if reason.encode() in body}
    assert ids == {bench.history(reason)[0]["id"]}
    assert [reason in json.dumps(body) for body in bench.hook.bodies()].count(True) == 1


@pytest.mark.parametrize("role", ["core", "notify", "both"])
def test_nothing_is_lost_and_nothing_told_twice_when_roles_are_killed(bench, role):
    """The mail server is away; roles are killed; it comes back: one message, once."""
    bench.set([bench.channel("email", "mail")], kinds=("panic", "resume"),
              secrets=[("mail", PASSWORD)])
    bench.mail.stop()
    try:
        _, reason = bench.happen()
        for each in ("core", "notify") if role == "both" else (role,):
            old = bench.cordon.roles().get(each)
            bench.cordon.kill(each)  # at once after the answer: it was promised
            wait_for(lambda: bench.cordon.roles().get(each) not in (None, old), "a new one", SLOW_S)
        wait_for(bench.is_there, "the API again", SLOW_S)
    finally:
        bench.mail.start()

    def told():
        return [m for m in bench.mail.messages()
                if reason in m.get_content().replace("\r\n", "\n")]
    wait_for(lambda: len(told()) > 0, "the message", SLOW_S)
    wait_for(lambda: bench.history(reason)[0]["state"] == "delivered", "noted", SLOW_S)
    assert len(told()) == 1
    assert len(bench.history(reason)) == 1


def test_plain_words_for_the_help_desk_and_none_without_a_containment(bench):
    desk = "desk@hospital.example"
    bench.set([bench.channel("email", "mail")], secrets=[("mail", PASSWORD)],
              help_desk={"on": True, "channel": "mail", "language": "en", "to": [desk]})
    made = bench.api.post("/containments", {"action": "isolate", "mac": "02:00:00:00:77:01",
                                            "reason": "C&C contact"})
    wait_for(lambda: len(bench.mail.to(desk)) == 1, "the help desk is told", SLOW_S)
    number = made["case_number"]
    message = bench.mail.to(desk)[0]
    assert number in message["Subject"] and "Contained" in message["Subject"]
    text = message.get_content()
    assert number in text and "C&C contact" in text and "02:00:00:00:77:01" in text
    bench.api.post(f"/containments/{made['id']}/release", {"reason": "clean again"})
    wait_for(lambda: len(bench.mail.to(desk)) == 2, "and of the release", SLOW_S)
    assert "Released" in bench.mail.to(desk)[1]["Subject"]


# Abbreviations that Japanese uses as they are.
AS_THEY_ARE = r"Cordon|UTC|core"


def english_in(text, *names):
    """Words of three letters or more that are no name, address or what people typed."""
    for name in names:
        text = text.replace(name, "")
    text = re.sub(r"[0-9A-Z]{8,26}|https?://\S+|[0-9a-f]{2}(:[0-9a-f]{2}){5}", "", text)
    return re.findall(r"[A-Za-z]{3,}", re.sub(AS_THEY_ARE, "", text))


def test_what_the_server_says_is_in_the_readers_language(bench):
    """A process that ended, a containment and its end, by real mail: a Japanese channel and help desk
    read Japanese, but for what a person typed; an English channel reads English."""
    japanese, english, desk = (f"{one}@hospital.example" for one in ("ward", "lab", "clerk"))
    typed = "Anna saw it"
    bench.set([bench.channel("email", "mail", to=[japanese]),
               bench.channel("email", "mail-en", to=[english], language="en")],
              kinds=("process", "contained", "expired"),
              secrets=[("mail", PASSWORD), ("mail-en", PASSWORD)],
              help_desk={"on": True, "channel": "mail", "language": "ja", "to": [desk]})
    old = bench.cordon.roles()["core"]
    bench.cordon.kill("core")
    wait_for(lambda: bench.cordon.roles().get("core") not in (None, old), "a new core", SLOW_S)
    wait_for(bench.is_there, "the API again", SLOW_S)
    bench.api.post("/containments", {"action": "isolate", "mac": "02:00:00:00:77:02",
                                     "reason": typed, "expires_in_s": 5})

    def told(address):
        return "\n".join(m["Subject"] + "\n" + m.get_content() for m in bench.mail.to(address))
    ended = {japanese: "封じ込めが期限により終了しました", desk: "封じ込めが期限により終了しました",
             english: "Containment expired"}
    wait_for(lambda: all(end in told(who) for who, end in ended.items()), "all of it", SLOW_S)
    for who in (japanese, desk):
        assert english_in(told(who), typed) == [], told(who)
        assert f"もとの理由: {typed}" in told(who) and "実行者: 自動（期限切れ）" in told(who)
        assert re.search(r"日時: \d{4}年\d+月\d+日 \d+:\d\d:\d\d", told(who))
    assert "プログラムが異常終了しましたが（シグナル 9）、自動的に再起動しました" in told(japanese)
    assert "ネットワークの担当者に連絡してください" in told(desk)
    assert "the process ended by itself (signal 9) and was started again" in told(english)


def test_on_call(bench):
    """Who is on call is told; the place in the steps outlives core."""
    settings = {"on": True, "channel": "mail",
                "contacts": [{"name": "Hana", "email": "hana@hospital.example", "language": "ja"}],
                "shifts": [], "steps": []}
    answer = bench.set([bench.channel("email", "mail")], secrets=[("mail", PASSWORD)],
                       on_call=settings)
    assert "on_call_now" not in answer  # nobody has a shift
    days = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
    settings["shifts"] = [{"contact": "Hana", "day": day, "from": "00:00", "until": "00:00"}
                          for day in days]
    assert bench.set([bench.channel("email", "mail")], on_call=settings)["on_call_now"] == "Hana"


def test_no_secret_is_anywhere_but_where_it_belongs(bench):
    bench.set([bench.channel("email", "mail"), bench.channel("webhook", "hook")],
              secrets=list(SECRETS.items()))
    assert bench.test("mail")["delivered"] and bench.test("hook")["delivered"]
    shown = json.dumps([bench.api.get("/notifications"), bench.api.get("/notices"),
                        bench.api.get("/audit")])
    kept = {}
    for folder, _, names in os.walk(bench.cordon.state):
        for name in names:
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    kept[name] = file.read()
            except FileNotFoundError:
                continue  # what is being written beside
    kept["log"], kept["answers"] = bench.cordon.said(), shown.encode()
    for secret in SECRETS.values():
        assert [name for name, text in kept.items() if secret.encode() in text] == []
    for name, mode in (("notify/secrets.sealed", 0o600), ("secret.key", 0o400)):
        assert os.stat(bench.cordon.state / name).st_mode & 0o777 == mode
    assert [c["has_secret"] for c in bench.api.get("/notifications")["channels"]] == [True, True]
    # and it is forgotten with its channel
    bench.set([bench.channel("email", "mail")])
    bench.set([bench.channel("email", "mail"), bench.channel("webhook", "hook")])
    wait_for(lambda: [c["has_secret"] for c in bench.api.get("/notifications")["channels"]]
             == [True, False], "forgotten", SLOW_S)


def test_settings_are_refused_whole(bench):
    bench.set([bench.channel("email", "mail")], secrets=[("mail", PASSWORD)])
    before = bench.api.get("/notifications")["settings"]
    bad = [
        ({"from": "a@b.example\r\nBcc: thief@elsewhere.example"}, 422),
        ({"to": ["a b@hospital.example"]}, 422),
        ({"to": ["<a@hospital.example>"]}, 422),
        ({"security": "none"}, 422),  # a password in the clear
        ({"ca_file": "mail.pem"}, 422),
        ({"name": "two words"}, 422),
    ]
    for more, expected in bad:
        settings = {**before, "channels": [bench.channel("email", "mail", **more)]}
        status, answer = bench.api.post_raw("/notifications", {"settings": settings})
        assert status == expected, (more, answer)
    for url in ("http://localhost/", "https://user:word@localhost/", "https://"):
        settings = {**before, "channels": [{"name": "hook", "kind": "webhook", "url": url}]}
        assert bench.api.post_raw("/notifications", {"settings": settings})[0] == 422, url
    stale = {**before, "version": before["version"] - 1}
    assert bench.api.post_raw("/notifications", {"settings": stale})[0] == 409
    assert bench.api.get("/notifications")["settings"] == before
    assert bench.api.post_raw("/notifications/none/test", {})[0] == 404


def test_cordonctl(bench, tmp_path):
    environment = dict(PATH=os.environ["PATH"], CORDON_CA=bench.ca, LANG="C.UTF-8",
                       CORDON_URL=f"https://127.0.0.1:{bench.cordon.port}",
                       CORDON_TOKEN_FILE=bench.token)

    def ctl(*words, given=None):
        return subprocess.run([os.path.join(BUILD, "src/cli/cordonctl"), "notify", *words],
                              env=environment, input=given, capture_output=True, text=True,
                              timeout=30, check=False)
    bench.set([bench.channel("email", "mail")])
    assert ctl("secret", "mail", given=PASSWORD + "\n").returncode == 0
    assert ctl("test", "mail").stdout.startswith("250 ")
    path = tmp_path / "settings.json"
    path.write_text(ctl("get").stdout)
    assert ctl("set", str(path)).returncode == 0
    assert ctl("set", str(path)).returncode == 1  # of the version before
    assert "mail" in ctl().stdout and "delivered" in ctl("history").stdout
    assert shutil.which("exim4")
