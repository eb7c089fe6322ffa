"""Each process is locked in as the table has it (`cordond --sandbox`): what the kernel says of the live
ones, whose files are whose, and that an administrator's commands and reloads work all the same."""
import concurrent.futures
import grp
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile

import pytest

import api as client
import inject
import receivers
from database import opened
from netns import wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
PROGRAM = os.path.join(BUILD, "cordond")
ROLES = ("core", "driver", "intake", "web", "notify", "login")
SLOW_S = 60  # of waits, on a machine that has much to do; never of a measurement
CAPABILITIES = {"dac_read_search": 2, "kill": 5, "setgid": 6, "setuid": 7, "setpcap": 8,
                "net_bind_service": 10, "net_admin": 12, "net_raw": 13, "perfmon": 38, "bpf": 39}


def table():
    done = subprocess.run([PROGRAM, "--sandbox"], capture_output=True, check=True)
    return {row["name"]: row for row in json.loads(done.stdout)["processes"]}


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    return {line.split(":")[0]: line.split(":", 1)[1].split() for line in text.splitlines()}


def threads_of(pid):
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def limit_of(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return line[26:].split()[:2]
    raise AssertionError(name)


def assert_locked_in(pid, row):
    """The kernel's word on every thread of 'pid' is the table's."""
    user = pwd.getpwnam(row["user"])
    bits = f"{sum(1 << CAPABILITIES[name] for name in row['capabilities']):016x}"
    for thread in threads_of(pid):
        try:
            status = status_of(thread)
        except OSError:
            assert thread != pid
            continue  # that one has ended
        assert status["Uid"] == [str(user.pw_uid)] * 4, row["name"]
        assert status["Gid"] == [str(user.pw_gid)] * 4, row["name"]
        if row["user"] != "root":
            assert status["Groups"] == [], row["name"]
        assert status["CapEff"] == status["CapPrm"] == status["CapBnd"] == [bits], row["name"]
        assert status["CapInh"] == status["CapAmb"] == ["0" * 16], row["name"]
        assert status["NoNewPrivs"] == ["1"], row["name"]
        assert status["Seccomp"] == ["2"], row["name"]
        assert status["Seccomp_filters"] == ["2" if row["name"] in ROLES else "1"], row["name"]
    assert limit_of(pid, "Max core file size") == ["0", "0"]
    files = limit_of(pid, "Max open files")
    assert files[0] == files[1] and int(files[0]) <= row["limits"]["files"]
    if "processes" in row["limits"]:
        assert limit_of(pid, "Max processes") == [str(row["limits"]["processes"])] * 2
    # not dumpable: what /proc shows of it is root's
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0


class Bench:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.eve = self.folder / "suricata" / "eve.json"
        self.eve.parent.mkdir(mode=0o750)
        self.eve.write_text("")
        self.eve.chmod(0o600)
        self.cordon = receivers.Controller(PROGRAM, self.folder)
        with open(self.cordon.config, "a", encoding="utf-8") as file:
            file.write(f"sources: [{{name: suricata, kind: eve-file, path: {self.eve}}}]\n")
        self.state = self.cordon.state
        self.api = client.Api(f"https://127.0.0.1:{self.cordon.port}",
                              str(self.state / "admin.token"), str(self.state / "pki" / "ca.pem"))

    def start(self):
        self.cordon.start()
        wait_for(self.is_there, "cordond", SLOW_S)
        return self

    def is_there(self):
        try:
            pids = self.cordon.roles()
            return (self.api.get("/health", validate=False).get("status") == "ok"
                    and set(pids) == set(ROLES)
                    and all(is_locked(pid) and status_of(pid)["Uid"][0] != "0"
                            for pid in pids.values()))
        except (OSError, ValueError, client.ApiError):
            return False

    def command(self, *words):
        return subprocess.run([PROGRAM, *words, "--config", str(self.cordon.config)],
                              capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def bench():
    with tempfile.TemporaryDirectory(prefix="cordon-sandbox-") as name:
        os.chmod(name, 0o711)
        made = Bench(name).start()
        yield made
        made.cordon.stop()


def test_each_live_process_is_what_the_table_says(bench):
    rows = table()
    pids = bench.cordon.roles()
    assert set(pids) == set(ROLES)
    for role, pid in pids.items():
        assert_locked_in(pid, rows[role])
    assert_locked_in(bench.cordon.process.pid, rows["supervisor"])
    users = [rows[role]["user"] for role in ROLES]
    assert len(set(users)) == len(users)


def test_the_documentation_has_the_same_table():
    text = pathlib.Path(TOP, "docs", "architecture.md").read_text(encoding="utf-8")
    for row in table().values():
        calls = [name for name in row["calls"] if name != "sanitizer"]
        assert (f"| {row['name']} | `{row['user']}` | {', '.join(row['capabilities']) or 'none'} "
                f"| {', '.join(calls)} | {', '.join(row['sockets']) or 'none'} |\n") in text


def test_whose_files_are_whose(bench):
    assert stat.S_IMODE(os.stat(bench.state).st_mode) == 0o711
    for name in ("pki", "admin.token"):
        info = os.stat(bench.state / name)
        assert info.st_uid == 0 and stat.S_IMODE(info.st_mode) & 0o077 == 0
    for role in ROLES:
        user = pwd.getpwnam(f"cordon-{role}")
        for path in [bench.state / role, *(bench.state / role).iterdir()]:
            try:
                info = os.lstat(path)
            except FileNotFoundError:
                continue  # what is being written beside
            assert (info.st_uid, info.st_gid) == (user.pw_uid, user.pw_gid), path
            public = 0o022 if path.suffix == ".pub" else 0o077  # of a key's two halves, one is public
            assert stat.S_IMODE(info.st_mode) & public == 0, path
    assert (bench.state / "core" / "cordon.db").exists()
    assert (bench.state / "web" / "accounts").exists()


def test_commands_of_the_administrator_work_while_it_runs(bench):
    token = bench.command("token", "add", "soar", "operator")
    assert token.returncode == 0, token.stderr
    soar = client.Api(bench.api.url, ca_file=str(bench.state / "pki" / "ca.pem"),
                      token=token.stdout.strip())
    assert soar.get("/version")
    reset = bench.command("account", "reset", "admin")
    assert reset.returncode == 0, reset.stderr
    password = reset.stdout.strip()
    status, _ = soar.raw("POST", "/session", {"name": "admin", "password": password}, token=None)
    assert status == 200
    out = bench.folder / "issued"
    issued = bench.command("pki", "issue", "edge", "e9", "--out", str(out))
    assert issued.returncode == 0, issued.stderr
    assert (out / "e9.pem").exists()
    # and what root wrote is web's again
    test_whose_files_are_whose(bench)


def test_the_policy_file_is_reloaded_and_written(bench):
    policy = bench.folder / "policy.yaml"
    policy.chmod(0o640)
    text = policy.read_text() + "# by hand\n"
    policy.write_text(text)
    bench.cordon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: bench.api.get("/policy")["text"] == text, "the policy of the file", SLOW_S)
    status, answer = bench.api.raw("POST", "/policy", {
        "text": text + "# stored\n", "reason": "a test",
        "base_revision": bench.api.get("/policy")["revision"]})
    assert status == 200, answer
    assert policy.read_text() == text + "# stored\n"
    info = policy.stat()
    assert info.st_uid == 0 and stat.S_IMODE(info.st_mode) == 0o640


def test_a_reload_at_the_start_ends_nobody():
    """SIGHUP as often as it goes, until all is up: each role is the one that was started first."""
    with tempfile.TemporaryDirectory(prefix="cordon-sandbox-") as name:
        os.chmod(name, 0o711)
        made = Bench(name)
        made.cordon.start()
        try:
            wait_for(made.cordon.roles, "the first role", SLOW_S, 0.002)
            wait_for(lambda: made.cordon.process.send_signal(signal.SIGHUP) or made.is_there(),
                     "cordond", SLOW_S, 0.002)
            text = made.api.get("/policy")["text"] + "# by hand\n"
            (made.folder / "policy.yaml").write_text(text)
            made.cordon.process.send_signal(signal.SIGHUP)  # and from then on it is heard
            wait_for(lambda: made.api.get("/policy")["text"] == text, "the file's policy", SLOW_S)
            assert b"is started again" not in made.cordon.said()
        finally:
            made.cordon.stop()


def store_policy(bench, text):
    """(what the API says of the file, why)"""
    status, _ = bench.api.raw("POST", "/policy", {
        "text": text, "reason": "a test", "base_revision": bench.api.get("/policy")["revision"]})
    assert status == 200
    wait_for(lambda: bench.api.get("/policy")["text"] == text, "the text runs", SLOW_S)
    told = bench.api.get("/policy")
    return told["file_state"], told.get("file_problem", "")


def test_the_policy_files_group_is_kept_and_another_users_file_left_alone(bench):
    policy, group = bench.folder / "policy.yaml", grp.getgrnam("games").gr_gid
    text = policy.read_text()
    os.chown(policy, 0, group)
    policy.chmod(0o664)
    assert store_policy(bench, text + "# group\n")[0] == "same"
    info = policy.stat()
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (0, group, 0o664)
    assert policy.read_text() == text + "# group\n"
    # the supervisor is of its own group again
    process = pathlib.Path(f"/proc/{bench.cordon.process.pid}/status").read_text()
    assert re.search(r"^Gid:\t0\t0\t0\t0$", process, re.MULTILINE)
    # somebody else's file: the text runs, the file stays whose and what it is, and it is said
    os.chown(policy, pwd.getpwnam("games").pw_uid, group)
    state, why = store_policy(bench, text + "# owner\n")
    assert state == "unwritten" and "must belong to root" in str(why), (state, why)
    info = policy.stat()
    assert (info.st_uid, info.st_gid) == (pwd.getpwnam("games").pw_uid, group)
    assert policy.read_text() == text + "# group\n"
    assert sorted(path.name for path in bench.folder.glob("policy.yaml*")) == ["policy.yaml"]
    os.chown(policy, 0, 0)  # as it says; and the next text is written
    assert store_policy(bench, text + "# as before\n")[0] == "same"
    assert policy.read_text() == text + "# as before\n"


def test_a_followed_file_is_opened_for_intake_also_after_rotation(bench):
    def told():
        found = [s for s in bench.api.items("/intake") if s["name"] == "suricata"]
        return found[0] if found else {"state": "", "received": 0}

    wait_for(lambda: told()["state"] == "connected", "the file is followed", SLOW_S)
    before = told()["received"]
    with open(bench.eve, "a", encoding="ascii") as file:
        file.write("{}\n")
    wait_for(lambda: told()["received"] == before + 1, "the line of the first file", SLOW_S)
    bench.eve.rename(bench.eve.with_name("eve.json.1"))
    bench.eve.write_text("{}\n{}\n")
    bench.eve.chmod(0o600)
    wait_for(lambda: told()["received"] == before + 3, "the lines of the new file", SLOW_S)


def test_a_role_that_dies_is_started_again_and_the_others_go_on(bench):
    for role in ROLES:
        before = bench.cordon.roles()
        os.kill(before[role], signal.SIGKILL)
        wait_for(lambda: bench.cordon.roles().get(role) not in (None, before[role]),
                 f"{role} is started again", SLOW_S)
        wait_for(bench.is_there, f"{role} again", SLOW_S)
        after = bench.cordon.roles()
        assert {r: p for r, p in after.items() if r != role} == \
            {r: p for r, p in before.items() if r != role}
        assert_locked_in(after[role], table()[role])


# ---- inside the live process, as somebody who has taken it over ----

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, STREAM, RAW = 1, 2, 10, 16, 17, 1, 3
READ, WRITE, MAKE = 0, 1, 0o1101  # of open: write, create, truncate
EXEC = 7  # of mmap: read, write and execute
CONNECTS = ("notify", "login")


def own_file(bench, role):
    return str(bench.state / role / "inside")


def others_files(bench, role):
    """Credentials, the authority, the database, and everybody's folder but its own."""
    state = bench.state
    paths = ["/etc/shadow", state / "pki" / "ca.key.sealed", state / "pki" / "server.key.sealed",
             state / "admin.token", state / "secret.key"]
    for other in ROLES:
        if other != role:
            paths += [state / other, *(state / other).iterdir()]
    return [str(path) for path in paths if os.path.lexists(path)]


def assert_refused(what, answer):
    assert inject.is_refused(answer), f"{what}: {answer}"


def try_files(bench, role, inside):
    for path in others_files(bench, role):
        for how in (READ,) if os.path.isdir(path) else (READ, WRITE):
            assert_refused(f"{role} opens {path} {how}", inside.call("openat", -100, path, how))
    for path in ("/etc/cordon-was-here", "/tmp/cordon-was-here", str(bench.state / "was-here"),
                 str(bench.folder / "policy.yaml"), str(bench.cordon.config)):
        assert_refused(f"{role} makes {path}", inside.call("openat", -100, path, MAKE, 0o600))
    # what is everybody's to read, and none of its business: Landlock, not owners
    assert_refused(f"{role} reads /proc/version", inside.call("openat", -100, "/proc/version", READ))
    # the twin: its own folder; and driver opens nothing at all
    made = inside.call("openat", -100, own_file(bench, role), MAKE, 0o600)
    if role == "driver":
        assert_refused("driver makes a file", made)
    else:
        assert made >= 0, f"{role} in its own folder: {made}"
        assert inside.call("write", made, b"twin", 4) == 4
        assert inside.call("close", made) == 0
        assert inside.call("unlink", own_file(bench, role)) == 0


def try_sockets(role, inside, port):
    address = b"\x02\0" + port.to_bytes(2, "big") + bytes((127, 0, 0, 1)) + bytes(8)
    for family in (AF_INET, AF_INET6, AF_UNIX, AF_NETLINK):
        made = inside.call("socket", family, STREAM if family != AF_NETLINK else RAW, 0)
        if role in CONNECTS:  # the twin
            assert made >= 0, f"{role} makes a socket {family}: {made}"
            if family == AF_INET:
                assert inside.call("connect", made, address, 16) == 0
            inside.call("close", made)
        else:
            assert_refused(f"{role} makes a socket {family}", made)
    assert_refused(f"{role} captures", inside.call("socket", AF_PACKET, RAW, 0x0300))
    assert_refused(f"{role} makes raw packets", inside.call("socket", AF_INET, RAW, 255))
    if role not in CONNECTS:
        for call in ("connect", "bind"):  # with a descriptor that it has
            assert_refused(f"{role}: {call}", inside.call(call, 3, address, 16))


def try_processes(role, inside, others):
    assert inside.call("getpid") == inside.pid  # the twin
    assert inside.call("write", 2, b"", 0) == 0
    for other, pid in others.items():
        if pid != inside.pid:
            assert_refused(f"{role} kills {other}", inside.call("tgkill", pid, pid, 9))
    assert_refused(f"{role} forks", inside.call("clone", 17, 0, 0, 0, 0))
    assert_refused(f"{role} forks", inside.call("clone3", b"\0" * 64, 64))
    assert_refused(f"{role} makes code", inside.call("mmap", 0, 4096, EXEC, 0x22, -1, 0))
    assert_refused(f"{role} makes code", inside.call("mprotect", inside.registers.rsp & ~0xfff,
                                                     4096, EXEC))
    assert_refused(f"{role} is dumped", inside.call("prctl", 4, 1, 0, 0, 0))


FATAL = (("execve", "/bin/sh", 0, 0), ("ptrace", 0, 0, 0, 0), ("kill", 1, 0), ("setuid", 0),
         ("bpf", 0, b"\0" * 64, 64), ("mount", "none", "/mnt", "tmpfs", 0, 0))


@pytest.mark.skipif(not inject.can_inject, reason="calls are made for x86-64")
def test_what_must_not_be_done_cannot_be_done_inside_a_live_role(bench):
    pids = bench.cordon.roles()
    everybody = dict(pids, supervisor=bench.cordon.process.pid)
    for role, pid in pids.items():
        with inject.Inside(pid) as inside:
            try_files(bench, role, inside)
            try_sockets(role, inside, bench.cordon.port)
            try_processes(role, inside, everybody)
    assert bench.is_there() and bench.cordon.roles() == pids  # nobody was hurt by being looked at


def end_each_time(bench, role):
    """Each of the fatal calls, once in each new process of the role."""
    for name, *arguments in FATAL:
        pid = wait_for(lambda: is_locked(bench.cordon.roles().get(role)), f"{role} again", SLOW_S)
        assert inject.made_inside(pid, name, *arguments) == inject.KILLED, f"{role}: {name}"


def is_locked(pid):
    """'pid' where it is a role that is locked in."""
    try:
        return pid if pid and status_of(pid)["Seccomp_filters"] == ["2"] else None
    except OSError:
        return None


@pytest.mark.skipif(not inject.can_inject, reason="calls are made for x86-64")
def test_what_no_part_of_it_ever_does_ends_it_and_it_comes_again(bench):
    with concurrent.futures.ThreadPoolExecutor(len(ROLES)) as pool:
        for done in [pool.submit(end_each_time, bench, role) for role in ROLES]:
            done.result()
    wait_for(bench.is_there, "all roles again", SLOW_S)
    said = bench.cordon.said()
    assert said.count(b"look for an attack") >= len(ROLES) * len(FATAL)


@pytest.mark.skipif(not inject.can_inject, reason="calls are made for x86-64")
def test_the_supervisor_itself_is_bounded(bench):
    """It keeps what it starts roles with; frames, modules, mounts and other namespaces are not that."""
    with inject.Inside(bench.cordon.process.pid) as inside:
        assert_refused("captures", inside.call("socket", AF_PACKET, RAW, 0x0300))
        assert inside.call("getpid") == inside.pid


# ---- the programs beside it ----

class Program:
    """cordon-sensor or cordon-edge alone, in a network namespace of its own."""

    def __init__(self, bench, kind, text):
        self.kind, self.name = kind, f"{kind}-{os.getpid()}"
        self.folder = bench.folder / kind
        self.folder.mkdir()
        issued = bench.command("pki", "issue", kind, kind, "--out", str(self.folder))
        assert issued.returncode == 0, issued.stderr
        self.config = self.folder / f"{kind}.yaml"
        self.config.write_text(text.format(folder=self.folder))
        self.log = open(self.folder / "log", "wb")
        self.process = None

    def __enter__(self):
        for words in (["netns", "add", self.name], ["-n", self.name, "link", "set", "lo", "up"],
                      ["-n", self.name, "link", "add", "p1", "type", "veth", "peer", "name", "p2"]):
            subprocess.run(["ip", *words], check=True)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        before = (self.folder / "log").read_bytes().count(b" started ")
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.name}", os.path.join(
                BUILD, "src", self.kind, f"cordon-{self.kind}"), "--config", self.config],
            stdout=self.log, stderr=self.log)
        wait_for(lambda: self.process.poll() is not None or
                 (self.folder / "log").read_bytes().count(b" started ") > before, f"cordon-{self.kind}", SLOW_S)
        assert self.process.poll() is None, (self.folder / "log").read_text()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.log.close()
        subprocess.run(["umount", self.folder / "run" / "bpf"], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], check=False)


SENSOR = """name: sensor
interfaces: [lo]
spool_dir: {folder}/spool
lists: [{{name: cnc, path: "{folder}/lists/cnc.txt"}}]
"""
EDGE = """name: edge
bridge: br0
makes_bridge: true
ports: [{{name: p1, role: access}}]
server: "127.0.0.1:1"
ca: {folder}/ca.pem
cert: {folder}/edge.pem
key: {folder}/edge.key
state_dir: {folder}/state
run_dir: {folder}/run
"""


@pytest.fixture(scope="module")
def sensor(bench):
    with_lists = Program(bench, "sensor", SENSOR)
    (with_lists.folder / "lists").mkdir(mode=0o755)
    (with_lists.folder / "lists").chmod(0o755)
    (with_lists.folder / "lists" / "cnc.txt").write_text("bad.example\n")
    (with_lists.folder / "lists" / "cnc.txt").chmod(0o644)
    with_lists.folder.chmod(0o711)
    with with_lists as running:
        yield running


@pytest.fixture(scope="module")
def edge(bench):
    program = Program(bench, "edge", EDGE)
    program.folder.chmod(0o711)
    with program as running:
        yield running


def try_program(bench, program, inside):
    for path in ("/etc/shadow", bench.state / "pki" / "ca.key.sealed", bench.state / "core" / "cordon.db",
                 bench.state / "admin.token", program.folder / f"{program.kind}.key"):
        assert_refused(f"{program.kind} opens {path}", inside.call("openat", -100, str(path), READ))
    for path in ("/etc/was-here", "/tmp/was-here", str(program.config)):
        assert_refused(f"{program.kind} makes {path}",
                       inside.call("openat", -100, path, MAKE, 0o600))
    assert_refused("forks", inside.call("clone", 17, 0, 0, 0, 0))
    assert_refused("makes code", inside.call("mmap", 0, 4096, EXEC, 0x22, -1, 0))
    assert_refused("signals", inside.call("tgkill", bench.cordon.process.pid,
                                          bench.cordon.process.pid, 9))
    folder = program.folder / ("spool" if program.kind == "sensor" else "state")
    made = inside.call("openat", -100, str(folder / "inside"), MAKE, 0o600)  # the twin
    assert made >= 0 and inside.call("close", made) == 0
    assert inside.call("unlink", str(folder / "inside")) == 0


@pytest.mark.parametrize("kind", ["sensor", "edge"])
def test_sensor_and_edge_are_what_the_table_says(bench, kind, request):
    program = request.getfixturevalue(kind)
    assert_locked_in(program.process.pid, table()[kind])


@pytest.mark.skipif(not inject.can_inject, reason="calls are made for x86-64")
@pytest.mark.parametrize("kind", ["sensor", "edge"])
def test_what_must_not_be_done_cannot_be_done_inside_sensor_or_edge(bench, kind, request):
    program = request.getfixturevalue(kind)
    with inject.Inside(program.process.pid) as inside:
        try_program(bench, program, inside)
        captured = inside.call("socket", AF_PACKET, RAW, 0x0300)
        if kind == "edge":  # what it is there for
            assert captured >= 0 and inside.call("close", captured) == 0
        else:
            assert_refused("captures once more", captured)
    fatal = ("mount", "none", "/mnt", "tmpfs", 0, 0) if kind == "edge" else \
        ("bpf", 0, b"\0" * 64, 64)
    for name, *arguments in (fatal, ("execve", "/bin/sh", 0, 0)):
        assert inject.made_inside(program.process.pid, name, *arguments) == inject.KILLED
        program.process.wait()
        program.start()  # as root, over what its own user left
    assert_locked_in(program.process.pid, table()[kind])


def test_the_folder_of_an_earlier_version_is_taken_over():
    """Everything in one folder, all root's, as before there were users."""
    with tempfile.TemporaryDirectory(prefix="cordon-sandbox-") as name:
        os.chmod(name, 0o711)
        bench = Bench(name).start()
        revision = bench.api.get("/policy")["revision"]
        bench.cordon.stop()
        state = bench.state
        for folder in ("core", "web", "notify"):
            for path in (state / folder).iterdir():
                path.rename(state / path.name)
            (state / folder).rmdir()
        for root, folders, files in os.walk(state):
            for path in folders + files:
                os.lchown(os.path.join(root, path), 0, 0)
        state.chmod(0o700)
        with opened(state / "cordon.db") as database:
            rows = database.execute("SELECT count(*) FROM audit").fetchone()[0]
        assert rows > 0
        again = Bench.__new__(Bench)
        again.__dict__.update(bench.__dict__)
        again.cordon.log = open(again.folder / "cordond.log", "ab")
        again.start()
        try:
            assert again.api.get("/policy")["revision"] == revision
            test_whose_files_are_whose(again)
            assert not (state / "cordon.db").exists() and not (state / "tokens").exists()
        finally:
            again.cordon.stop()


def reachable(folder):
    """The program for somebody who may not pass the folders above our build, as root's own are."""
    return shutil.copy(PROGRAM, folder)


@pytest.mark.parametrize("text, user, why", [
    ("users: own\n", 0, "not started by root"),
    ("", 65534, "must be started by root"),
])
def test_it_says_what_to_do_where_it_cannot_take_its_users(text, user, why):
    with tempfile.TemporaryDirectory(prefix="cordon-sandbox-") as name:
        os.chmod(name, 0o777)
        cordon = receivers.Controller(PROGRAM, name)
        with open(cordon.config, "a", encoding="utf-8") as file:
            file.write(text)
        os.chmod(cordon.config, 0o644)
        os.chmod(pathlib.Path(name) / "policy.yaml", 0o644)
        done = subprocess.run([reachable(name), "--config", cordon.config], capture_output=True,
                              text=True, timeout=60, check=False, user=user)
        cordon.log.close()
        assert done.returncode == 1 and why in done.stderr
        assert not cordon.state.exists()


def test_a_folder_that_its_users_may_not_pass_is_named():
    with tempfile.TemporaryDirectory(prefix="cordon-sandbox-") as name:  # 0700
        cordon = receivers.Controller(PROGRAM, name)
        done = subprocess.run([PROGRAM, "--config", cordon.config], capture_output=True, text=True,
                              timeout=60, check=False)
        cordon.log.close()
        assert done.returncode == 1
        assert f"cordon-core may not pass {name}: 'chmod o+x' it" in done.stderr


def test_without_root_all_run_as_who_started_it():
    with tempfile.TemporaryDirectory(prefix="cordon-sandbox-") as name:
        os.chmod(name, 0o711)
        nobody = pwd.getpwnam("nobody")
        bench = Bench(name)
        with open(bench.cordon.config, "a", encoding="utf-8") as file:
            file.write("users: own\n")
        for root, folders, files in os.walk(name):
            os.chown(root, nobody.pw_uid, nobody.pw_gid)
            for path in files:
                os.chown(os.path.join(root, path), nobody.pw_uid, nobody.pw_gid)
        bench.cordon.process = subprocess.Popen([reachable(name), "--config", bench.cordon.config],
                                                stdout=bench.cordon.log, stderr=bench.cordon.log,
                                                user=nobody.pw_uid, group=nobody.pw_gid,
                                                extra_groups=[])
        try:
            wait_for(bench.is_there, "cordond", SLOW_S)
            for role, pid in bench.cordon.roles().items():
                status = status_of(pid)
                assert status["Uid"] == [str(nobody.pw_uid)] * 4, role
                assert status["NoNewPrivs"] == ["1"], role
                assert limit_of(pid, "Max core file size") == ["0", "0"]
        finally:
            bench.cordon.stop()
