"""Real receivers of notices on loopback, each a process of its own with a configuration of its own:
Exim (SMTP with TLS and AUTH), rsyslog (UDP, TCP, TLS), and an HTTPS server that keeps what it gets."""
import email
import email.policy
import http.server
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import threading

from netns import wait_for

PASSWORD = "correct horse"


_given = []  # by name of each port: no other run of tests on this machine gets it before we end


def free_port(kind=socket.SOCK_STREAM):
    """One that nobody gets by chance until its daemon binds it, nor while that is stopped: below those that
    the kernel gives to whoever connects somewhere."""
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            name.bind(f"\0cordon-tests-port-{port}")
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        _given.append(name)
        return port


def certificate(folder, name):
    """Self-signed for one DNS name; (certificate, key)."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    if not cert.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-keyout", key, "-out", cert, "-subj", f"/CN={name}",
                        "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
        os.chmod(key, 0o644)  # of this test only; the daemons drop their rights before they read
    return cert, key


class Authority:
    """Certificates for TLS servers of a test."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.file, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", self.key,
                 "-out", self.file, "-subj", "/CN=authority of a test",
                 "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    @staticmethod
    def run(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def issue(self, name):
        """(certificate, key) for one DNS name; localhost is also 127.0.0.1."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, more = self.folder / "request.pem", self.folder / "extensions"
        ours = ",IP:127.0.0.1" if name == "localhost" else ""
        more.write_text(f"subjectAltName=DNS:{name}{ours}\nbasicConstraints=CA:FALSE\n")
        self.run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj",
                 f"/CN={name}")
        self.run("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-days", "2",
                 "-CAcreateserial", "-out", cert, "-extfile", more)
        return cert, key


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Daemon:
    def __init__(self):
        self.process = None

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None


EXIM = """
primary_hostname = localhost
spool_directory = {folder}/spool
log_file_path = {folder}/spool/exim-%s.log
local_interfaces = 127.0.0.1
daemon_smtp_ports = {starttls} : {tls}
tls_on_connect_ports = {tls}
tls_advertise_hosts = *
tls_certificate = {cert}
tls_privatekey = {key}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
domainlist local_domains = *
never_users =
keep_environment =
begin acl
rcpt:
  deny message = there is no such person
       local_parts = nobody.here
  accept authenticated = *
  deny message = sign in first
begin routers
keep:
  driver = accept
  transport = keep
begin transports
keep:
  driver = appendfile
  directory = {folder}/mail
  maildir_format
  user = Debian-exim
  group = Debian-exim
  envelope_to_add
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{cordon}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


class Mail(Daemon):
    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.cert, key = certificate(folder, "localhost")
        self.starttls, self.tls = free_port(), free_port()
        for name in ("spool", "mail"):
            (folder / name).mkdir()
            subprocess.run(["chown", "Debian-exim", folder / name], check=True)
        self.config = folder / "exim.conf"
        self.config.write_text(EXIM.format(folder=folder, starttls=self.starttls, tls=self.tls,
                                           cert=self.cert, key=key, password=PASSWORD))
        os.chmod(self.config, 0o644)

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/exim4", "-bdf", "-C", self.config],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: is_open(self.starttls) and is_open(self.tls), "the mail server", 30)
        return self

    def messages(self):
        """In the order in which Cordon made them: its ids rise.  The names of the mailbox's files do
        not (their microseconds have no leading zeros), nor do two deliveries wait for one another."""
        found = []
        for path in (self.folder / "mail").glob("new/*"):
            with open(path, "rb") as file:
                found.append(email.message_from_binary_file(file, policy=email.policy.default))
        return sorted(found, key=lambda message: message["Message-ID"])

    def to(self, address):
        return [m for m in self.messages() if address in m["Envelope-to"]]


RSYSLOG = """
global(workDirectory="{folder}" net.enableDNS="off" defaultNetstreamDriver="ossl"
       defaultNetstreamDriverCAFile="{cert}" defaultNetstreamDriverCertFile="{cert}"
       defaultNetstreamDriverKeyFile="{key}")
module(load="imudp")
module(load="imtcp")
template(name="whole" type="string" string="%rawmsg%\\n")
ruleset(name="keep") {{ action(type="omfile" file="{folder}/syslog.txt" template="whole"
                              asyncWriting="off" flushOnTXEnd="on") }}
input(type="imudp" address="127.0.0.1" port="{udp}" ruleset="keep")
input(type="imtcp" address="127.0.0.1" port="{tcp}" ruleset="keep" streamDriver.mode="0"
      streamDriver.name="ptcp")
input(type="imtcp" address="127.0.0.1" port="{tls}" ruleset="keep" streamDriver.mode="1"
      streamDriver.name="ossl" streamDriver.authMode="anon")
"""


class Syslog(Daemon):
    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.cert, key = certificate(folder, "localhost")
        self.ports = {"udp": free_port(socket.SOCK_DGRAM), "tcp": free_port(), "tls": free_port()}
        self.config = folder / "rsyslog.conf"
        self.config.write_text(RSYSLOG.format(folder=folder, cert=self.cert, key=key, **self.ports))

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/rsyslogd", "-n", "-f", self.config, "-i",
                                         self.folder / "rsyslog.pid"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for(lambda: is_open(self.ports["tcp"]) and is_open(self.ports["tls"]), "rsyslog", 30)
        return self

    def lines(self):
        """Whole ones: the last may be there in part."""
        path = self.folder / "syslog.txt"
        data = path.read_bytes() if path.exists() else b""
        return data[:data.rfind(b"\n") + 1].decode().splitlines()


class Hook:
    """Keeps each request; answers what 'status' says at that time."""

    def __init__(self, folder):
        self.cert, key = certificate(folder, "localhost")
        self.requests, self.status, self.answer = [], 200, b"kept"
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802  (the module's name)
                body, status = self.rfile.read(int(self.headers["Content-Length"])), hook.status
                # a test that has seen it may change the status before it is answered
                hook.requests.append((self.path, dict(self.headers), body, status))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                try:
                    self.wfile.write(hook.answer if status == 200 else b"not now")
                except OSError:
                    pass  # it has heard enough

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def bodies(self, status=200):
        return [json.loads(body) for _, _, body, said in self.requests if said == status]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


POLICY = """
networks:
  - {name: campus, prefixes: [192.0.2.0/24], mode: auto, home: true}
permit_sets: []
policies: []
"""


class Controller:
    """cordond alone, with one switch made of memory."""

    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)
        self.state = self.folder / "state"
        self.port = free_port()
        self.config = self.folder / "cordond.yaml"
        (self.folder / "policy.yaml").write_text(POLICY)
        self.config.write_text(
            f"state_dir: {self.state}\npolicy_file: {self.folder}/policy.yaml\n"
            f'api_listen: "127.0.0.1:{self.port}"\nedge_listen: "127.0.0.1:{free_port()}"\n'
            f'sensor_listen: "127.0.0.1:{free_port()}"\nserver_names: "127.0.0.1"\n'
            "switches: [{name: e1, driver: dummy}]\n")
        self.log = open(self.folder / "cordond.log", "ab")
        self.process = self.env = None

    def start(self):
        self.process = subprocess.Popen([self.program, "--config", self.config],
                                        stdout=self.log, stderr=self.log, env=self.env)
        return self

    def give_notify(self, path):
        """A copy that the process which delivers may read; its path."""
        folder = self.state / "notify"
        wait_for(folder.is_dir, "the folder of notify", 60)
        return str(shutil.copy(path, folder))

    def roles(self):
        """{role: pid} of now."""
        found = {}
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        for pid in pathlib.Path(path).read_text().split():
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found[words[words.index(b"--role") + 1].decode()] = int(pid)
            except (OSError, ValueError):
                continue  # it ended meanwhile, or is not a role yet
        return found

    def kill(self, role):
        pid = wait_for(lambda: self.roles().get(role), f"the role {role}", 30)
        os.kill(pid, signal.SIGKILL)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.log.close()
        assert status == 0, status

    def said(self):
        return (self.folder / "cordond.log").read_bytes()
