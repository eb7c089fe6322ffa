"""The name server is there and says nothing: whoever must ask it waits, and nobody else.

Mail, syslog, webhook and directory are configured by name, as everywhere.  The machine's own name
server gets an address on the loopback of the controller's namespace, where everything that is asked
is taken and nothing is answered.
"""
import os
import re
import socket
import threading
import time

import ledger
import pytest
from light import Light
from netns import wait_for
from people import Browser

SETTLED_S = 4  # below the five seconds that a name is asked for: a block, from the question until it is verified: nobody waits for a name
LDAP = """ldap:
  url: ldaps://directory.hospital.example:636
  ca: {folder}/any.pem
  bind_dn: "cn=cordon,dc=hospital,dc=example"
  bind_password_file: {folder}/ldap.password
  base: "dc=hospital,dc=example"
  roles:
    - {{group: "cn=admins,dc=hospital,dc=example", role: admin}}
"""


def name_servers():
    with open("/etc/resolv.conf", encoding="ascii", errors="replace") as file:
        return re.findall(r"^nameserver\s+([0-9.]+)\s*$", file.read(), re.M)


class Silence:
    """Takes every question and answers none."""

    def __init__(self, lab):
        self.asked, self.sockets = [], []
        for address in name_servers():
            if not address.startswith("127."):
                lab.machines["ctl"].ip(f"addr add {address}/32 dev lo")
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, 53))
            self.sockets.append(sock)
            threading.Thread(target=self._take, args=(sock,), daemon=True).start()

    def _take(self, sock):
        try:
            while True:
                self.asked.append(sock.recv(512))
        except OSError:
            pass

    def has_been_asked(self, word):
        return any(word in one for one in self.asked)


@pytest.fixture(scope="module")
def lab():
    if not name_servers():
        pytest.skip("this machine has no name server by IPv4")
    made = Light()
    os.makedirs(made.dir)
    for name, mode in (("ldap.password", 0o400), ("any.pem", 0o644)):
        path = os.path.join(made.dir, name)
        with open(path, "w", encoding="ascii") as file:
            file.write("secret\n")
        os.chmod(path, mode)
    made.sources = LDAP.format(folder=made.dir)
    with made:
        made.silence = Silence(made)
        made.receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.receiver.bind(("127.0.0.1", 0))
        made.receiver.settimeout(30)
        yield made


def configure(lab):
    port = lab.receiver.getsockname()[1]
    channels = [
        {"name": "mail", "kind": "email", "host": "mail.hospital.example",
         "from": "cordon@hospital.example", "to": ["net@hospital.example"]},
        {"name": "log", "kind": "syslog", "host": "log.hospital.example", "transport": "tcp"},
        {"name": "hook", "kind": "webhook", "url": "https://hook.hospital.example/cordon"},
        {"name": "here", "kind": "syslog", "host": "127.0.0.1", "port": port, "transport": "udp"}]
    kinds = ("contained", "released", "panic", "resume")
    version = lab.api.get("/notifications", validate=False)["settings"].get("version", 0)
    lab.api.post("/notifications", {"secrets": [], "settings": {
        "version": version, "channels": channels, "help_desk": {}, "owner": {}, "on_call": {},
        "rules": [{"kind": kind, "channels": [one["name"] for one in channels]} for kind in kinds]}})


def sign_in_of_the_directory(api):
    try:
        Browser(api).sign_in("kim", "x" * 12)
    except OSError:
        pass  # the lab is gone before the directory is given up


def test_a_silent_name_server_holds_up_nothing_that_needs_no_name(lab):
    configure(lab)
    with open(f"{lab.state_dir}/admin.password", encoding="utf-8") as file:
        password = file.read().strip()
    worst = worst_answer = 0
    for number in range(8):
        one = lab.endpoints[number]
        begin, stall = time.monotonic(), lab.stall()
        made = lab.contain(one)["id"]
        lab.wait_state(made)
        worst = max(worst, time.monotonic() - begin - stall.seconds())
        text = lab.receiver.recv(4096).decode("utf-8", "replace")  # who needs no name is told
        assert one.mac in text.lower() or made in text, text
        begin, stall = time.monotonic(), lab.stall()
        assert lab.api.raw("GET", "/health", validate=False)[0] == 200
        worst_answer = max(worst_answer, time.monotonic() - begin - stall.seconds())
        if number == 2:  # the directory is asked for by name, too
            threading.Thread(target=sign_in_of_the_directory, args=(lab.new_api(),),
                             daemon=True).start()
            wait_for(lambda: lab.silence.has_been_asked(b"directory"), "login asks", 30)
    begin, stall = time.monotonic(), lab.stall()
    assert Browser(lab.api).sign_in("admin", password)[0] == 200
    signed_in = time.monotonic() - begin - stall.seconds()
    for word in (b"mail", b"log", b"hook"):
        wait_for(lambda word=word: lab.silence.has_been_asked(word), f"{word} is asked for", 30)
    print(f"blocks within {worst:.2f} s, answers within {worst_answer:.2f} s, a local sign-in in "
          f"{signed_in:.2f} s while {len(lab.silence.asked)} questions were not answered")
    assert worst < SETTLED_S and worst_answer < SETTLED_S and signed_in < 5
    ledger.frames(lab, {lab.endpoints[n].mac: "" for n in range(8)})
    assert lab.roles == sorted(lab.role_pids())
