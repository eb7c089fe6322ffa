#!/usr/bin/python3
"""The API from outside, over a fake controller on loopback: every route, every right, abuse, live
events, and cordonctl.  Each JSON answer is checked against the OpenAPI document.

    test_server.py SERVE CORDONCTL SOURCE"""
import base64
import concurrent.futures
import csv
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

SERVE, CORDONCTL, SOURCE = sys.argv[1:4]
sys.path.insert(0, str(pathlib.Path(SOURCE) / "tests" / "net"))
sys.dont_write_bytecode = True
import api as client  # noqa: E402  (after the path)

ROLES = ("viewer", "operator", "admin", "auditor")
SLOW_S = 120  # of waits, on a machine that has much to do; never of a measurement
WISH = {"action": "isolate", "mac": "02:00:00:00:01:01", "reason": "a test"}


def counted(number):
    """One of 30 that a rule of the fixture asks for."""
    return {"id": f"d-{number}", "sensor": "s1", "maker": "cordon",
            "seen_us": 1700000000000000 + number * 1000, "signature": "sweep",
            "phase": "discovery", "severity": "high", "confidence": 90, "handshake": True,
            "src": {"ip": "192.0.2.101"}, "dst": {"ip": "192.0.2.150"}}


class Server:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="cordon-web-")
        self.process = subprocess.Popen([SERVE, self.folder.name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca = f"{self.folder.name}/pki/ca.pem"
        self.apis = {role: client.Api(self.url, self.token_file(role), self.ca) for role in ROLES}

    def token_file(self, role):
        return f"{self.folder.name}/{role}.token"

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"done {command}\n"

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(SLOW_S)
        self.process.stdout.close()
        self.folder.cleanup()
        assert status == 0, f"the server ended with {status}"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.viewer, cls.operator, cls.admin = (cls.server.apis[role] for role in ROLES[:3])

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def connect(self):
        context = ssl.create_default_context(cafile=self.server.ca)
        plain = socket.create_connection(("127.0.0.1", self.server.port), timeout=SLOW_S)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def talk(self, request):
        """Sends bytes as they are; the status of the first answer; 0: closed without one."""
        with self.connect() as tls:
            try:
                tls.sendall(request)
                answer = tls.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return 0
        return int(answer.split()[1]) if answer else 0

    def ctl(self, *words, role="admin", env=None):
        environment = dict(PATH=os.environ["PATH"], CORDON_URL=self.server.url,
                           CORDON_CA=self.server.ca, LANG="C.UTF-8",
                           CORDON_TOKEN_FILE=self.server.token_file(role)) | (env or {})
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        return subprocess.run([CORDONCTL, *words], env=environment, capture_output=True, text=True,
                              timeout=SLOW_S, check=False)


class Reading(Case):
    def test_every_list_and_object_is_as_documented(self):
        # Api checks each answer against the document.
        for path in ("/endpoints", "/annotations", "/links", "/switches", "/containments", "/server-blocks",
                     "/pending", "/incidents", "/conflicts", "/intake", "/sensors", "/mirrors", "/protected",
                     "/jobs"):
            self.assertIn("items", self.viewer.get(path), path)
        for path in ("/switches/e1", "/policy", "/policy/rollout", "/policy/maintenance", "/enforcement", "/budgets", "/doctor", "/version"):
            self.viewer.get(path)
        self.operator.get("/audit")

    def test_the_document_is_open_and_is_the_one_in_docs(self):
        status, document = self.viewer.raw("GET", "/openapi.json", token=None, validate=False)
        self.assertEqual(status, 200)
        kept = json.loads((pathlib.Path(SOURCE) / "docs/api/openapi.json").read_text())
        self.assertEqual(document, kept)
        self.assertEqual(document["openapi"], "3.1.0")

    def test_schemas_are_schemas(self):
        for name, schema in self.viewer.document["components"]["schemas"].items():
            client.jsonschema.Draft202012Validator.check_schema(schema)
            self.assertIn("properties", schema, name)

    def test_an_endpoint_by_each_of_its_names(self):
        endpoint = self.viewer.items("/endpoints?q=c2")[0]
        self.assertEqual(endpoint["addresses"], ["192.0.2.101"])
        self.assertEqual(endpoint["location"]["switch"], "e1")
        for name in (endpoint["id"], "02:00:00:00:01:01", "0200.0000.0101", "192.0.2.101", "c2",
                     "C2"):
            self.assertEqual(self.viewer.get(f"/endpoints/{name}")["id"], endpoint["id"], name)
        detail = self.viewer.get("/endpoints/c2")
        self.assertTrue(detail["location"]["why"])
        self.assertEqual(detail["bindings"][0]["source"], "dhcp4")
        self.assertTrue(detail["events"])
        self.assertEqual(self.viewer.raw("GET", "/endpoints/nobody")[0], 404)

    def test_search_finds_any_part(self):
        for part in ("c2", "01:01", "02-00-00-00-01-01", "2.101", "e1/p2", "C2"):
            found = [e["host_name"] for e in self.viewer.items(f"/endpoints?q={part}")]
            self.assertIn("c2", found, part)
        self.assertEqual(self.viewer.items("/endpoints?q=nothing"), [])
        self.assertEqual(len(self.viewer.items("/endpoints?q=e1")), 2)

    def test_pages(self):
        first = self.viewer.get("/endpoints?limit=1")
        self.assertEqual((len(first["items"]), first["total"]), (1, 2))
        second = self.viewer.get(f"/endpoints?limit=1&cursor={first['next']}")
        self.assertNotIn("next", second)
        self.assertNotEqual(first["items"][0]["id"], second["items"][0]["id"])
        self.assertEqual(self.viewer.get(f"/endpoints?cursor={first['next'] + 98}")["items"], [])
        status, _, body = self.viewer.ask("GET", "/endpoints?cursor=99")  # of another run
        self.assertEqual((status, json.loads(body)["where"]), (409, "cursor"))

    def test_evidence_is_a_pcap(self):
        status, media, pcap = self.admin.ask("GET", "/evidence/d-1")
        self.assertEqual((status, media), (200, "application/vnd.tcpdump.pcap"))
        self.assertEqual(pcap[:4], b"\xd4\xc3\xb2\xa1")
        self.assertEqual(self.admin.raw("GET", "/evidence/d-2")[0], 404)

    def test_payload_is_for_those_who_may(self):
        """Packets, names and URLs: by name, whatever the role; and each reading is in the audit."""
        def names(api):
            incident = api.get("/incidents")["items"][0]
            shown = api.get(f"/incidents/{incident['id']}")["detections"][0]
            return shown.get("server_name"), shown.get("redacted", False)

        def read(**words):
            return [(row["account"], row["object"], row["detail"])
                    for row in self.admin.items("/audit?action=payload.read", **words)]
        self.assertEqual(self.operator.raw("GET", "/evidence/d-1")[0], 403)
        self.assertEqual(self.viewer.raw("GET", "/evidence/d-1")[0], 403)
        whole, is_redacted = names(self.admin)
        self.assertTrue(whole and not is_redacted)
        self.assertEqual(names(self.operator), (None, True))
        self.assertEqual(names(self.viewer), (None, True))
        before = read()
        self.assertFalse([row for row in before if row[0] == "token:operator"])
        self.assertTrue([row for row in before if row[0] == "token:admin"])
        refused = self.operator.raw("POST", "/payload-readers/token:operator",
                                    {"right": "allowed", "reason": "I want to"})
        self.assertEqual(refused[0], 403)
        self.admin.post("/payload-readers/token:operator",
                        {"right": "allowed", "reason": "looks into case 7"})
        self.assertEqual(names(self.operator), (whole, False))
        self.assertEqual(self.operator.raw("GET", "/evidence/d-1?reason=case+7")[0], 200)
        self.assertIn(("token:operator", "d-1", "packets: case 7"), read())
        self.admin.post("/payload-readers/token:admin", {"right": "denied", "reason": "four eyes"})
        self.assertEqual(self.admin.raw("GET", "/evidence/d-1")[0], 403)
        self.assertEqual(names(self.admin), (None, True))
        told = self.ctl("payload-readers", "--json")
        self.assertEqual({one["account"]: one["right"] for one in json.loads(told.stdout)},
                         {"token:admin": "denied", "token:operator": "allowed"})
        for who in ("token:admin", "token:operator"):
            self.assertEqual(self.ctl("payload-readers", "reset", who, "--reason", "over").returncode, 0)
        self.assertEqual(self.operator.raw("GET", "/evidence/d-1")[0], 403)
        self.assertEqual(names(self.admin), (whole, False))

    def test_a_token_is_made_with_its_right_to_read_payload(self):
        def make(name, **more):
            made = self.admin.post("/tokens", {"name": name, "role": "viewer", **more})
            return made, client.Api(self.server.url, ca_file=self.server.ca, token=made["token"])

        def rows(action, who):
            return [row for row in self.admin.items(f"/audit?action={action}")
                    if row["object"] == who]
        made, forensic = make("forensic", payload="allowed", reason="case 9")
        self.assertEqual(made["payload"], "allowed")
        self.assertEqual(forensic.raw("GET", "/evidence/d-1")[0], 200)
        self.assertEqual(len(rows("token.create", "forensic")), 1)
        self.assertEqual([row["detail"] for row in rows("payload.allow", "token:forensic")], ["case 9"])
        made, plain = make("plain")
        self.assertNotIn("payload", made)
        self.assertEqual(plain.raw("GET", "/evidence/d-1")[0], 403)
        _, robot = make("robot", role="admin", payload="denied", reason="four eyes")
        self.assertEqual(robot.raw("GET", "/evidence/d-1")[0], 403)
        _, root = make("root", role="admin")
        self.assertEqual(root.raw("GET", "/evidence/d-1")[0], 200)
        for wrong in ({"payload": "allowed"}, {"payload": "allowed", "reason": "  "},
                      {"payload": "yes", "reason": "x"}):
            self.assertEqual(self.admin.raw("POST", "/tokens", {"name": "w", "role": "viewer",
                                                                **wrong})[0], 422, wrong)
        # what was said of one is not said of the next of that name
        self.admin.post("/tokens/forensic/revoke", {})
        self.assertEqual(make("forensic")[1].raw("GET", "/evidence/d-1")[0], 403)
        told = self.ctl("tokens", "create", "ctl", "viewer", "--payload", "allow", "--reason", "case 10")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("allowed", told.stdout)
        self.assertIn("token:ctl", self.ctl("payload-readers").stdout)
        self.assertEqual(self.ctl("tokens", "create", "no", "viewer", "--payload", "allow").returncode, 2)
        for name in ("forensic", "plain", "robot", "root", "ctl"):
            self.admin.post(f"/tokens/{name}/revoke", {})

    def test_incident_with_its_detections(self):
        incident = self.viewer.items("/incidents")[0]
        detail = self.viewer.get(f"/incidents/{incident['id']}")
        self.assertEqual(detail["detections"][0]["techniques"], ["T1071.001"])
        self.assertEqual(detail["host_name"], "c2")
        self.assertEqual(self.viewer.get("/incidents?closed=true")["total"], 1)

    def test_doctor_says_what_where_and_what_to_do(self):
        doctor = self.viewer.get("/doctor")
        self.assertFalse(doctor["healthy"])
        found = {(f["check"], f["where"].split(",")[0]): f for f in doctor["findings"]}
        self.assertEqual(found[("switch", "e2")]["severity"], "error")
        self.assertEqual(found[("clock", "s1")]["severity"], "error")
        self.assertIn("ahead", found[("clock", "s1")]["what"])
        self.assertEqual(found[("br_netfilter", "e1")]["severity"], "warning")
        self.assertIn("90 of 100", found[("mirror", "s1")]["what"])
        self.assertIn("3 of 10", found[("source", "ids")]["what"])
        self.assertNotIn(("switch", "e1"), found)
        ranks = ["error", "warning", "note"]
        order = [ranks.index(f["severity"]) for f in doctor["findings"]]
        self.assertEqual(order, sorted(order))
        self.assertTrue(all(f["advice"] for f in doctor["findings"]))

    def test_doctor_counts_what_works(self):
        told = {p["check"]: (p["good"], p["total"]) for p in self.viewer.get("/doctor")["parts"]}
        for check, path in (("sensor", "/sensors"), ("switch", "/switches"), ("source", "/intake")):
            self.assertEqual(told[check][1], self.viewer.get(path)["total"], check)
        seen = [m for s in self.viewer.items("/sensors") for m in s["mirrors"]]
        self.assertEqual(told["mirror"][1], len(seen))
        bad = {f["where"].split(",")[0] for f in self.viewer.get("/doctor")["findings"]
               if f["check"] in ("switch", "mtu", "br_netfilter") and f["severity"] != "note"}
        self.assertEqual(told["switch"][1] - told["switch"][0], len(bad))
        self.assertEqual(told["mirror"][0], 0)  # one-sided: 90 of 100 flows
        self.assertEqual(told["source"][0], 0)  # 3 of 10 lines refused

    def test_metrics_are_prometheus_text(self):
        text = self.viewer.text("/metrics")
        self.assertIn('cordon_source_lines_total{source="ids",what="refused"} 3', text)
        self.assertIn("cordon_web_core_connected 1", text)
        for line in text.splitlines():
            if not line.startswith("#"):
                self.assertGreaterEqual(float(line.rsplit(" ", 1)[1]), 0, line)

    def test_health_needs_no_token(self):
        self.assertEqual(self.viewer.raw("GET", "/health", token=None),
                         (200, {"status": "ok", "version": self.viewer.get("/version")["version"]}))

    def test_policy_test_takes_lines(self):
        ours = {"id": "d-9", "sensor": "s1", "maker": "cordon", "seen_us": 1700000000000000,
                "signature": "listed server", "phase": "c2", "severity": "high", "confidence": 90,
                "src": {"ip": "192.0.2.101"}, "dst": {"ip": "203.0.113.80"}, "handshake": True}
        lines = [{"line": 1, "text": json.dumps(ours)}, {"line": 2, "text": "rubbish"}]
        told = self.operator.post("/policy/test", {"lines": lines, "assume": True})
        self.assertEqual([line["detection"] for line in told["lines"]], [True, False])
        self.assertTrue(any("why:" in said for said in told["lines"][0]["says"]))
        self.assertEqual(told["lines"][1]["why"], "not understood by the fixture")
        self.assertIn("assumed", told)
        self.assertNotIn("run", told)
        before = len(self.viewer.items("/containments"))
        self.assertEqual(len(self.viewer.items("/containments")), before)

    def test_policy_test_goes_on(self):
        lines = [{"line": number, "text": json.dumps(counted(number))} for number in range(1, 16)]
        first = self.operator.post("/policy/test", {"lines": lines, "assume": True, "run": "new"})
        other = self.operator.post("/policy/test", {"lines": lines, "assume": True, "run": "new"})
        self.assertNotEqual(first["run"], other["run"])
        told = self.operator.post("/policy/test", {"lines": lines, "run": first["run"]})
        self.assertEqual(told["run"], first["run"])
        self.assertIn("[policy counted", "".join(told["lines"][14]["says"]))  # the 30th
        self.assertNotIn("[policy counted", "".join(told["lines"][13]["says"]))
        # the other one counts by itself; it is its account's, and ends when it is said to
        ask = {"lines": lines[:14], "run": other["run"]}
        self.assertEqual(self.admin.post_raw("/policy/test", ask)[0], 404)
        told = self.operator.post("/policy/test", {**ask, "last": True})
        self.assertNotIn("[policy counted", "".join(told["lines"][13]["says"]))
        self.assertNotIn("run", told)
        self.assertEqual(self.operator.post_raw("/policy/test", ask)[0], 404)
        # few are kept: the one that was not used for longest makes room
        runs = [self.operator.post("/policy/test", {"lines": [], "run": "new"})["run"]
                for _ in range(3)]
        ask["run"] = first["run"]
        self.assertEqual(self.operator.post_raw("/policy/test", ask)[0], 404)
        for _ in range(6):
            self.server.tell("slow")  # over a minute
        ask["run"] = runs[2]
        self.assertEqual(self.operator.post_raw("/policy/test", ask)[0], 404)


DRAFT = """# a draft
networks:
  - {name: campus, prefixes: [192.0.2.0/24], mode: observe, home: true}
policies:
  - name: drafted
    when: {phases: [c2]}
    then: [{action: isolate}]
"""
BROKEN = "policies:\n  - name: a\n    then: [{action: explode}]\n"


class Policy(Case):
    def setUp(self):
        self.now = self.viewer.get("/policy")
        self.file = pathlib.Path(self.server.folder.name, "policy.yaml")

    def save(self, text, reason="a test", base=None, **more):
        return self.admin.post_raw("/policy", {"text": text, "reason": reason, **more, "base_revision":
                                               self.viewer.get("/policy")["revision"]
                                               if base is None else base})

    def test_shows_text_and_who_stored_it(self):
        self.assertEqual(self.now["text"], self.file.read_text())
        self.assertEqual(self.now["file"], str(self.file))
        self.assertEqual(self.now["file_state"], "same")
        self.assertNotIn("file_problem", self.now)

    def test_check_says_where_and_what_to_do(self):
        told = self.operator.post("/policy/check", {"text": BROKEN})
        self.assertFalse(told["good"])
        self.assertEqual((told["problems"][0]["line"], told["problems"][0]["column"]), (3, 13))
        self.assertIn("not one of the known words", told["problems"][0]["what"])
        self.assertEqual(told["problems"][0]["what_said"]["code"], "word.text.at")
        self.assertEqual(told["problems"][0]["what_said"]["values"][1]["code"], "form.words")
        self.assertEqual(told["problems"][0]["advice_said"]["code"], "do.use_one")
        self.assertEqual(self.operator.post("/policy/check", {"text": DRAFT}),
                         {"good": True, "problems": []})
        self.assertEqual(self.viewer.get("/policy"), self.now)

    def test_stored_and_restored(self):
        status, told = self.save(DRAFT + "# 保存\n", "観察に切り替え")
        self.assertEqual(status, 200)
        self.assertEqual(told["revision"], self.now["revision"] + 1)
        self.assertEqual(told["account"], "token:admin")
        self.assertEqual(told["reason"], "観察に切り替え")
        self.assertEqual(told["permit_sets"], [])
        self.assertEqual(self.file.read_text(), DRAFT + "# 保存\n")
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o640)
        row = self.operator.get("/audit")["items"][0]
        self.assertEqual((row["action"], row["account"], row["detail"]),
                         ("policy.save", "token:admin", "観察に切り替え"))
        listed = self.viewer.items("/policy/revisions")
        self.assertEqual([one["revision"] for one in listed],
                         list(range(told["revision"], 0, -1)))
        old = self.viewer.get(f"/policy/revisions/{self.now['revision']}")
        self.assertEqual((old["text"], old["sha256"]), (self.now["text"], self.now["sha256"]))
        told = self.admin.post(f"/policy/revisions/{self.now['revision']}/restore",
                               {"reason": "back", "base_revision": told["revision"]})
        self.assertEqual(told["text"], self.now["text"])
        self.assertEqual(told["revision"], self.now["revision"] + 2)
        self.assertEqual(self.operator.get("/audit")["items"][0]["action"], "policy.restore")
        page = self.viewer.get("/policy/revisions?limit=2")
        self.assertEqual(len(page["items"]), 2)
        self.assertEqual(self.viewer.get(f"/policy/revisions?limit=2&cursor={page['next']}")
                         ["items"][0]["revision"], self.now["revision"])
        found = self.viewer.get("/policy/revisions?q=%E5%88%87%E3%82%8A")["items"]
        self.assertEqual([one["revision"] for one in found], [self.now["revision"] + 1])

    def test_refusals_change_nothing(self):
        before = len(self.viewer.items("/policy/revisions"))
        status, problem = self.save(BROKEN)
        self.assertEqual((status, problem["where"]), (422, "text: line 3, column 13, policies[0].then[0].action"))
        self.assertEqual(self.save(DRAFT + "#\x0b")[0], 422)
        self.assertEqual(self.save(DRAFT, " ")[0], 422)
        self.assertEqual(self.save(DRAFT + "#" * 256 * 1024)[0], 422)
        self.assertEqual(self.admin.post_raw("/policy", {"text": DRAFT, "reason": "r"})[0], 422)
        status, problem = self.save(DRAFT, base=self.now["revision"] + 7)
        self.assertEqual((status, problem["where"]), (409, "base_revision"))
        self.assertEqual(self.save(self.now["text"])[0], 409)
        for number in ("0", "999999", "-1", "1x", "99999999999999999999"):
            self.assertEqual(self.viewer.raw("GET", f"/policy/revisions/{number}")[0], 404)
            self.assertEqual(self.admin.post_raw(f"/policy/revisions/{number}/restore",
                                                 {"reason": "r"})[0], 404)
        self.assertEqual(self.viewer.get("/policy"), self.now)
        self.assertEqual(len(self.viewer.items("/policy/revisions")), before)

    def test_a_draft_is_tried_and_not_stored(self):
        line = {"line": 1, "text": json.dumps(dict(counted(1), phase="c2"))}
        told = self.operator.post("/policy/test", {"lines": [line], "assume": True,
                                                   "policy": DRAFT})
        self.assertIn("[policy drafted, mode observe", "".join(told["lines"][0]["says"]))
        told = self.operator.post("/policy/test", {"lines": [line], "assume": True})
        self.assertIn("[policy contact", "".join(told["lines"][0]["says"]))
        status, problem = self.operator.post_raw("/policy/test", {"lines": [line],
                                                                  "policy": BROKEN})
        self.assertEqual((status, problem["where"]), (422, "policy: line 3, column 13, policies[0].then[0].action"))
        first = self.operator.post("/policy/test", {"lines": [line], "assume": True, "run": "new",
                                                    "policy": DRAFT})
        told = self.operator.post("/policy/test", {"lines": [line], "run": first["run"]})
        self.assertIn("drafted", "".join(told["lines"][0]["says"]))
        self.assertEqual(self.operator.post_raw("/policy/test", {
            "lines": [line], "run": first["run"], "policy": DRAFT})[0], 422)
        self.assertEqual(self.viewer.get("/policy"), self.now)

    def wait(self, good):
        end = time.monotonic() + SLOW_S
        while not good(now := self.viewer.get("/policy")):
            self.assertLess(time.monotonic(), end, now)
        return now

    def test_a_file_broken_by_hand_is_shown_and_overwritten_when_told(self):
        self.file.write_text(BROKEN)
        self.server.tell("reload")
        now = self.wait(lambda one: one["file_state"] == "refused")
        self.assertEqual((now["file_problem"]["line"], now["file_problem"]["column"]), (3, 13))
        self.assertEqual(now["revision"], self.now["revision"])
        self.assertIn("policy", [one["check"] for one in self.viewer.get("/doctor")["findings"]])
        self.assertIn("explode", self.file.read_text())
        told = self.save(self.now["text"], overwrite_file=True)[1]
        self.assertEqual((told["file_state"], told["revision"]), ("same", self.now["revision"]))
        self.assertEqual(self.file.read_text(), self.now["text"])
        self.assertNotIn("policy", [one["check"] for one in self.viewer.get("/doctor")["findings"]])

    def test_a_good_file_is_taken_over(self):
        self.file.write_text(self.now["text"] + "# by hand\n")
        self.server.tell("reload")
        now = self.wait(lambda one: one["revision"] > self.now["revision"])
        self.assertEqual((now["account"], now["file_state"]), ("file", "same"))
        self.assertTrue(now["text"].endswith("# by hand\n"))

    def test_by_cordonctl(self):
        draft = pathlib.Path(self.server.folder.name, "draft.yaml")
        draft.write_text(BROKEN)
        done = self.ctl("policy", "check", str(draft))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"{draft}:3:13: ", done.stdout)
        done = self.ctl("policy", "put", str(draft), "--reason", "r")
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 3, column 13", done.stderr)
        draft.write_text(self.ctl("policy", "text").stdout.replace("mode: auto", "mode: approve"))
        self.assertEqual(self.ctl("policy", "check", str(draft)).returncode, 0)
        self.assertEqual(self.ctl("policy", "put", str(draft)).returncode, 2)  # why?
        self.assertEqual(self.ctl("policy", "put", str(draft), "--reason", "r", "--base", "x")
                         .returncode, 2)
        stale = self.ctl("policy", "put", str(draft), "--reason", "r", "--base", "999")
        self.assertEqual(stale.returncode, 1)
        done = self.ctl("policy", "put", str(draft), "--reason", "by hand")
        self.assertEqual(done.returncode, 0, done.stderr)
        number = self.viewer.get("/policy")["revision"]
        self.assertEqual(number, self.now["revision"] + 1)
        done = self.ctl("policy", "diff", str(number - 1), str(number))
        self.assertEqual(done.returncode, 1)
        changed = [line for line in done.stdout.splitlines() if line[0] in "+-"]
        self.assertEqual([line[0] for line in changed], ["-", "+"], done.stdout)
        self.assertIn("mode: approve", changed[1])
        self.assertEqual(self.ctl("policy", "diff", str(number)).returncode, 0)
        self.assertIn("by hand", self.ctl("policy", "history").stdout)
        self.assertEqual(self.ctl("policy", "restore", str(number - 1), "--reason", "b", role="operator")
                         .returncode, 4)
        self.assertEqual(self.ctl("policy", "restore", str(number - 1), "--reason", "b").returncode, 0)
        self.assertEqual(self.viewer.get("/policy")["text"], self.now["text"])
        self.assertEqual(self.ctl("policy", "text", str(number)).stdout, draft.read_text())
        self.assertEqual(self.ctl("policy", "nonsense").returncode, 2)


class Wishing(Case):
    def test_idempotent_by_external_id(self):
        wish = dict(WISH, external_id="manager-7", permit_set="updates", expires_in_s=60)
        status, first = self.operator.post_raw("/containments", wish)
        self.assertEqual(status, 201)
        self.assertEqual(first["requested_by"], "token:operator")
        status, again = self.operator.post_raw("/containments", wish)
        self.assertEqual((status, again["id"]), (200, first["id"]))
        for other in ({"permit_set": ""}, {"mac": "02:00:00:00:01:09"}, {"action": "mirror",
                                                                        "permit_set": ""}):
            wrong = {k: v for k, v in dict(wish, **other).items() if v}
            self.assertEqual(self.operator.post_raw("/containments", wrong)[0], 409, other)

    def test_show_release_extend(self):
        made = self.operator.post("/containments", dict(WISH, permit_set="updates"))
        detail = self.viewer.get(f"/containments/{made['id']}")
        self.assertEqual(detail["timeline"][1]["step_us"], 1234)
        self.assertEqual(detail["switches"][0]["state"], "verified")
        self.assertTrue(any("192.0.2.200 TCP 443" in line for line in detail["residual_reach"]))
        self.assertEqual(self.viewer.get("/endpoints/c2")["containment_state"], "verified")
        self.operator.post(f"/containments/{made['id']}/extend", {"expires_in_s": 600})
        self.assertIn("expires", self.viewer.get(f"/containments/{made['id']}"))
        self.operator.post(f"/containments/{made['id']}/release", {"reason": "clean"})
        status, problem = self.operator.post_raw(f"/containments/{made['id']}/release",
                                                 {"reason": "again"})
        self.assertEqual((status, problem["title"]), (409, "Refused"))

    def test_location_header(self):
        body = json.dumps(WISH).encode()
        headers = {"Authorization": f"Bearer {self.operator.token}",
                   "Content-Type": "application/json"}
        status, told, answer = self.operator._send("POST", "/containments", body, headers)
        self.assertEqual(status, 201)
        self.assertEqual(told["Location"], "/api/v1/containments/" + json.loads(answer)["id"])

    def test_refusals(self):
        post = self.operator.post_raw
        self.assertEqual(post("/containments", dict(WISH, mac="02:00:00:00:01:02"))[0], 409)
        self.assertEqual(post("/containments", dict(WISH, mac="02:00:00:00:09:09"))[0], 404)
        status, problem = post("/containments", dict(WISH, site="elsewhere"))
        self.assertEqual((status, problem["where"]), (422, "site"))
        self.assertEqual(post("/containments", dict(WISH, permit_set="no such set"))[0], 422)
        self.assertEqual(post("/containments/nothing/release", {"reason": "x"})[0], 404)

    def test_server_blocks_are_apart(self):
        status, made = self.operator.post_raw("/server-blocks", {"server": "203.0.113.80",
                                                                "reason": "listed"})
        self.assertEqual(status, 201)
        self.assertEqual(made["action"], "block_server")
        other = self.operator.post("/containments", WISH)
        self.assertEqual(self.viewer.raw("GET", f"/server-blocks/{other['id']}")[0], 404)
        self.assertEqual(self.operator.post_raw(f"/server-blocks/{other['id']}/release",
                                                {"reason": "x"})[0], 404)
        self.assertIn(made["id"], [s["id"] for s in self.viewer.items("/server-blocks")])
        self.operator.post(f"/server-blocks/{made['id']}/release", {"reason": "x"})

    def test_pending_is_judged_once(self):
        held = self.viewer.items("/pending")[0]
        self.assertEqual(held["containment"]["hold"], "weak")
        self.assertEqual(held["detections"][0]["id"], "d-1")
        identity = held["containment"]["id"]
        self.operator.post(f"/pending/{identity}/check", {"reason": "seen"})
        self.assertEqual(self.operator.post_raw(f"/pending/{identity}/enforce",
                                                {"reason": "x"})[0], 409)

    def test_panic_and_resume(self):
        told = self.operator.post("/enforcement/panic", {"reason": "wrong"})
        self.assertEqual((told["state"], told["account"]), ("suspended", "token:operator"))
        self.assertEqual(self.viewer.get("/enforcement")["state"], "suspended")
        self.assertEqual(self.operator.post("/enforcement/resume", {"reason": "x"})["state"],
                         "active")

    def test_protected(self):
        self.admin.post("/protected/pr-1/confirm", {"reason": "it is the gateway"})
        self.assertEqual(self.admin.post_raw("/protected/pr-0/remove", {"reason": "x"})[0], 409)
        self.assertEqual(self.admin.post_raw("/protected/pr-9/confirm", {"reason": "x"})[0], 404)


class Rights(Case):
    def test_each_route_with_each_role(self):
        refused = allowed = 0
        for path, methods in self.viewer.document["paths"].items():
            for method, operation in methods.items():
                where = path.replace("{id}", "nothing")
                body = {} if method == "post" else None
                if operation.get("security") == [] and method == "post":  # ways to sign in
                    self.assertIn(self.viewer.raw("POST", where, body, token=None)[0], (404, 422))
                    continue
                if operation.get("security") == []:
                    self.assertEqual(self.viewer.raw(method.upper(), where, body, token=None)[0],
                                     200, where)
                    continue
                for token in (None, "cordon_" + "A" * 43, "", "x" * 3000):
                    self.assertEqual(self.viewer.raw(method.upper(), where, body, token=token)[0],
                                     401, where)
                if path.endswith("/events"):
                    continue
                for role in ROLES:
                    # A permitted POST of {} is refused for its content: nothing is done.
                    status = self.server.apis[role].raw(method.upper(), where, body)[0]
                    may = role in operation["x-roles"]
                    if path.endswith("/evidence/{id}"):
                        may = role == "admin"  # by right to read payload, not by role alone
                    self.assertEqual(status == 403, not may,
                                     (role, method, where, status))
                    refused += status == 403
                    allowed += status != 403
        self.assertGreaterEqual(refused, 18)
        self.assertGreater(allowed, 60)

    def test_a_new_token_counts_at_once(self):
        path = pathlib.Path(self.server.folder.name, "web", "tokens")
        text = path.read_text()
        try:
            path.write_text("".join(line + "\n" for line in text.splitlines()
                                    if not line.startswith("viewer ")))
            self.assertEqual(self.viewer.raw("GET", "/links")[0], 401)
            path.write_text("rubbish\n")  # the last good list stays
            self.assertEqual(self.operator.raw("GET", "/links")[0], 200)
            self.assertEqual(self.viewer.raw("GET", "/links")[0], 401)
        finally:
            path.write_text(text)
        self.assertEqual(self.viewer.raw("GET", "/links")[0], 200)

    def test_problems_say_what_where_and_what_to_do(self):
        status, media, text = self.viewer.ask("POST", "/containments", WISH)
        problem = json.loads(text)
        self.assertEqual((status, media), (403, "application/problem+json"))
        self.assertEqual(problem["type"], "urn:cordon:problem:not-allowed")
        self.assertIn("operator", problem["detail"])
        self.assertTrue(problem["advice"])


class Device:
    """A machine that enrols: its key, and what it asks with it."""

    def __init__(self, server, role="edge", name="sw1"):
        self.server, self.role, self.name = server, role, name
        self.folder = tempfile.TemporaryDirectory(prefix="cordon-device-")
        self.key = f"{self.folder.name}/key"
        self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)

    def openssl(self, *words):
        return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout

    def request(self, subject=None, *more):
        return base64.b64encode(self.openssl(
            "req", "-new", "-key", self.key, "-outform", "DER", "-subj",
            subject or f"/O=Cordon/OU={self.role}/CN={self.name}", *more)).decode()

    def enrol(self, token, request=None):
        """(status, JSON)"""
        status, _, text = self.server.apis["viewer"].send(
            "POST", client.full("/enrol"),
            json.dumps({"token": token, "request": self.request() if request is None else request}).encode(),
            {"Content-Type": "application/json"})
        return status, json.loads(text)

    def certificate(self, answer):
        path = f"{self.folder.name}/certificate"
        pathlib.Path(path).write_bytes(base64.b64decode(answer["certificate"]))
        return path

    def close(self):
        self.folder.cleanup()


class Enrolment(Case):
    def setUp(self):
        self.server.tell("wait 4000")  # what a test before guessed wrong is forgotten
        self.name = self.id().rsplit(".", 1)[1].replace("_", "-")[:50]

    def device(self, role="edge", name=None):
        device = Device(self.server, role, name or self.name)
        self.addCleanup(device.close)
        return device

    def offer(self, role="edge", name=None, **more):
        return self.admin.post("/enrolments", {
            "role": role, "name": name or self.name, "controller": self.server.url, **more})

    def certificates(self, name=None):
        return [item for item in self.viewer.items("/certificates")
                if item["name"].startswith(name or self.name)]

    def refused(self, why):
        return [peer for peer in self.viewer.items("/refused-peers") if peer["why"] == why]

    def test_a_device_gets_its_certificate_once(self):
        offer, device = self.offer(), self.device()
        self.assertEqual(len(base64.urlsafe_b64decode(offer["token"].split("_", 1)[1] + "=")), 32)
        self.assertIn(f"--ca {offer['authority']} --out ", offer["command"])
        status, answer = device.enrol(offer["token"])
        self.assertEqual((status, answer.get("name"), answer.get("role")), (200, self.name, "edge"))
        path = device.certificate(answer)
        shown = device.openssl("x509", "-inform", "DER", "-in", path, "-noout", "-subject",
                               "-serial", "-fingerprint", "-sha256", "-pubkey").decode()
        self.assertIn(f"O = Cordon, OU = edge, CN = {self.name}", shown)
        self.assertIn(device.openssl("pkey", "-in", device.key, "-pubout").decode(), shown)
        pem = device.openssl("x509", "-inform", "DER", "-in", path)
        pathlib.Path(path).write_bytes(pem)
        device.openssl("verify", "-no_check_time", "-CAfile", self.server.ca, path)
        listed, = self.certificates()
        self.assertEqual((listed["name"], listed["role"], listed["state"], listed["origin"]),
                         (self.name, "edge", "valid", "enrolled"))
        self.assertEqual(listed["serial"], answer["serial"])
        self.assertIn(answer["serial"].upper(), shown)
        self.assertEqual(self.viewer.items("/enrolments")[0]["state"], "used")

    def test_a_token_works_for_one_key_only(self):
        offer, device, thief = self.offer(), self.device(), self.device()
        first = device.enrol(offer["token"])
        self.assertEqual(first[0], 200)
        self.assertEqual(device.enrol(offer["token"]), first)  # an answer that was lost
        status, problem = thief.enrol(offer["token"])
        self.assertEqual((status, problem["detail"]), (403, "this enrolment token was used already"))
        self.assertEqual(self.refused("token")[0]["detail"], "this enrolment token was used already")
        self.assertEqual(len(self.certificates()), 1)
        self.server.tell("wait 901")  # its life is over: not even the same key
        self.assertEqual(device.enrol(offer["token"])[1]["detail"], "this enrolment token has expired")
        rows = [row["action"] for row in self.admin.items("/audit")]
        for action in ("enrolment.offer", "certificate.enrol", "peer.refuse"):
            self.assertIn(action, rows)

    def test_a_race_has_one_winner(self):
        won = []
        for turn in range(10):
            offer = self.offer(name=f"{self.name}{turn}")
            devices = [self.device(name=f"{self.name}{turn}") for _ in range(2)]
            requests = [device.request() for device in devices]
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                results = list(pool.map(lambda pair: pair[0].enrol(offer["token"], pair[1])[0],
                                        zip(devices, requests)))
            self.assertEqual(sorted(results), [200, 403])
            won.append(results.index(200))
            self.server.tell("wait 4000")  # who lost ten times must not wait for it
        self.assertEqual(len(self.certificates()), 10)

    def test_what_a_token_is_not_good_for(self):
        offer = self.offer()
        for role, name, why in (("sensor", None, "this enrolment token is for another role"),
                                ("edge", "sw2", "this enrolment token is for another name"),
                                ("server", None, "this enrolment token is for another role")):
            status, problem = self.device(role, name).enrol(offer["token"])
            self.assertEqual((status, problem["detail"]), (403, why))
        device = self.device()
        for token in ("", "x", "enrol_" + "A" * 43, offer["token"][:-1] + "?"):
            status, problem = device.enrol(token)
            self.assertEqual((status, problem["detail"]), (403, "this enrolment token is not known"), token)
        self.server.tell("wait 901")
        self.assertEqual(device.enrol(offer["token"])[1]["detail"], "this enrolment token has expired")
        self.assertEqual(self.certificates(), [])
        self.server.tell("wait 4000")
        second = self.offer()
        third = self.offer()  # takes the place of the second
        self.assertEqual(device.enrol(second["token"])[1]["detail"], "this enrolment token was withdrawn")
        self.admin.post(f"/enrolments/{third['id']}/withdraw", {"reason": "not today"})
        self.assertEqual(device.enrol(third["token"])[1]["detail"], "this enrolment token was withdrawn")
        self.assertEqual(self.certificates(), [])

    def test_no_secret_is_kept(self):
        offer = self.offer()
        self.device().enrol(offer["token"])
        files = b"".join(path.read_bytes() for path in
                         pathlib.Path(self.server.folder.name).glob("cordon.db*"))
        self.assertIn(hashlib.sha256(offer["token"].encode()).hexdigest().encode(), files)
        self.assertNotIn(offer["token"].encode(), files)
        self.assertNotIn("token", self.viewer.items("/enrolments")[0])

    def test_requests_that_are_none(self):
        offer, device = self.offer(), self.device()
        whole = base64.b64decode(device.request())
        forged = bytearray(whole)
        forged[-1] ^= 1  # the signature
        other = base64.b64decode(self.device().request())
        key = whole.index(b"\x03\x42\x00\x04") + 3
        stolen = whole[:key] + other[other.index(b"\x03\x42\x00\x04") + 3:][:65] + whole[key + 65:]
        wrong = [base64.b64encode(bytes(each)).decode()
                 for each in (forged, stolen, whole[:-1], whole + b"x", b"", b"0" * 1000)]
        wrong += [device.request("/O=Cordon/OU=edge/CN=sw1/CN=sw2"), device.request("/CN=sw1"),
                  device.request("/O=Other/OU=edge/CN=sw1"),
                  device.request(None, "-addext", "subjectAltName=DNS:cordond")]
        for each in wrong:
            status, problem = device.enrol(offer["token"], each)
            self.assertEqual(status, 422, problem)
            self.server.tell("wait 4000" if each == wrong[5] else "wait 1")
            if each == wrong[5]:
                offer = self.offer()
        self.server.tell("wait 4000")
        self.assertEqual(device.enrol(self.offer()["token"])[0], 200)

    def test_whoever_guesses_waits(self):
        device, offer = self.device(), self.offer()
        request, codes = device.request(), []
        for _ in range(14):
            codes.append(device.enrol("enrol_" + "B" * 43, request)[0])
        self.assertEqual(codes, [403] * 10 + [429] * 4)
        self.assertEqual(device.enrol(offer["token"], request)[0], 429)  # even with a good one
        self.server.tell("wait 600")
        self.assertEqual(device.enrol(offer["token"], request)[0], 200)

    def test_a_name_that_enrols_again_and_one_that_is_revoked(self):
        first, second = self.device(), self.device()
        old = first.enrol(self.offer()["token"])[1]
        new = second.enrol(self.offer()["token"])[1]
        states = {item["serial"]: item["state"] for item in self.certificates()}
        self.assertEqual(states, {old["serial"]: "replaced", new["serial"]: "valid"})
        self.assertEqual(self.admin.post_raw(f"/certificates/{self.name}/revoke", {"reason": " "})[0], 422)
        self.assertEqual(self.admin.post_raw("/certificates/sw9/revoke", {"reason": "x"})[0], 404)
        open_one = self.offer()
        told = self.admin.post(f"/certificates/{self.name}/revoke", {"reason": "stolen"})
        self.assertEqual((told["state"], told["reason"]), ("revoked", "stolen"))
        self.assertEqual(first.enrol(open_one["token"])[1]["detail"], "this enrolment token was withdrawn")
        self.assertEqual(self.admin.post_raw(f"/certificates/{new['serial']}/revoke",
                                             {"reason": "again"})[0], 409)
        revoked = [row for row in self.admin.items("/audit")
                   if row["action"] == "certificate.revoke" and self.name in row["object"]]
        self.assertEqual([(row["object"], row["detail"]) for row in revoked],
                         [(f"edge {self.name}", "stolen")])

    def test_the_command_is_fit_for_a_shell(self):
        for controller in ("https://ctl:8443; reboot", "https://", "http://ctl:8443",
                           "https://$(id)", "https://ctl/../x", "https://a b"):
            self.assertEqual(self.admin.post_raw("/enrolments", {
                "role": "edge", "name": "sw1", "controller": controller})[0], 422, controller)
        for name in ("sw1;id", "$(id)", "a b", "../x", "ca", "server", ""):
            self.assertIn(self.admin.post_raw("/enrolments", {
                "role": "edge", "name": name, "controller": self.server.url})[0], (409, 422), name)
        self.assertEqual([item for item in self.viewer.items("/enrolments")
                          if item["name"] in ("sw1", "ca", "server")], [])


class Browser:
    """One browser: its cookie, and the session's csrf."""

    def __init__(self, server):
        self.api, self.cookie, self.csrf = server.apis["viewer"], None, ""

    def send(self, method, path, body=None, **headers):
        """(status, JSON); headers with '_' for '-', None leaves one out."""
        own = {"Cookie": self.cookie, "X_Cordon_Csrf": self.csrf,
               "Content_Type": "application/json" if body is not None else None, **headers}
        status, told, text = self.api.send(
            method, client.full(path), json.dumps(body).encode() if body is not None else None,
            {name.replace("_", "-"): value for name, value in own.items() if value})
        self.api.check(method, path, status, told.get("Content-Type", ""), text)
        self.told = told
        if told.get("Set-Cookie"):
            self.cookie = told["Set-Cookie"].split(";")[0]
        return status, json.loads(text)

    def sign_in(self, name, password, **headers):
        status, body = self.send("POST", "/session", {"name": name, "password": password},
                                 **headers)
        self.csrf = body.get("csrf", "")
        return status, body


class People(unittest.TestCase):
    """Each test has a server of its own: what people do stays."""

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.first = pathlib.Path(self.server.folder.name, "admin.password").read_text().strip()

    def administrator(self):
        browser = Browser(self.server)
        self.assertEqual(browser.sign_in("admin", self.first)[0], 200)
        status, body = browser.send("POST", "/session/password",
                                    {"old": self.first, "new": "correct horse battery"})
        self.assertEqual(status, 200, body)
        browser.csrf = body["csrf"]
        return browser

    def test_first_sign_in(self):
        browser = Browser(self.server)
        status, session = browser.sign_in("admin", self.first)
        self.assertEqual((status, session["must_change_password"]), (200, True))
        cookie = browser.told["Set-Cookie"]
        for word in ("__Host-cordon=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
            self.assertIn(word, cookie)
        planted = browser.cookie
        for path in ("/endpoints", "/accounts", "/audit", "/events"):
            self.assertEqual(browser.send("GET", path)[0], 403, path)
        for new, wanted in (("short", 422), (self.first, 422), ("a" * 20, 422)):
            self.assertEqual(browser.send("POST", "/session/password",
                                          {"old": self.first, "new": new})[0], wanted)
        self.assertEqual(browser.send("POST", "/session/password",
                                      {"old": "wrong one", "new": "correct horse battery"})[0], 401)
        status, session = browser.send("POST", "/session/password",
                                       {"old": self.first, "new": "correct horse battery"})
        self.assertEqual((status, session["must_change_password"]), (200, False))
        self.assertNotEqual(browser.cookie, planted)
        self.assertFalse(os.path.exists(f"{self.server.folder.name}/admin.password"))
        self.assertEqual(browser.send("GET", "/endpoints")[0], 200)
        old = Browser(self.server)
        old.cookie = planted  # an id from before is worth nothing
        self.assertEqual(old.send("GET", "/endpoints")[0], 401)
        self.assertEqual(Browser(self.server).sign_in("admin", self.first)[0], 401)
        self.assertEqual(Browser(self.server).sign_in("admin", "correct horse battery")[0], 200)

    def test_only_our_own_page(self):
        browser = self.administrator()
        good = {"reason": "a test"}
        host = self.server.url.split("//")[1]
        for headers in ({"X_Cordon_Csrf": None}, {"X_Cordon_Csrf": "wrong"},
                        {"X_Cordon_Csrf": browser.csrf[:-1]},
                        {"Origin": "https://evil.example"}, {"Origin": "null"},
                        {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}):
            status, _ = browser.send("POST", "/enforcement/panic", good, **headers)
            self.assertEqual(status, 403, headers)
        self.assertEqual(browser.send("GET", "/enforcement")[1]["state"], "active")
        self.assertEqual(browser.send("POST", "/enforcement/panic", good,
                                      Origin=f"https://{host}")[0], 200)
        self.assertEqual(browser.send("POST", "/enforcement/resume", good,
                                      Sec_Fetch_Site="same-origin")[0], 200)
        for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
            self.assertEqual(Browser(self.server).sign_in("admin", "correct horse battery",
                                                          **headers)[0], 403)
        # a form of another page can send no JSON
        self.assertEqual(browser.send("POST", "/session", {"name": "a", "password": "b"},
                                      Content_Type="text/plain")[0], 415)

    def test_guessing(self):
        answers = set()
        for name in ("admin", "nobody", "admin.", "x"):
            status, body = Browser(self.server).sign_in(name, "not the password")
            answers.add((status, body["detail"]))
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(answers.pop()[0], 401)
        for _ in range(4):
            self.assertEqual(Browser(self.server).sign_in("admin", "no")[0], 401)
        browser = Browser(self.server)
        self.assertEqual(browser.sign_in("admin", self.first)[0], 429)  # also the right one
        self.assertEqual(browser.told["Retry-After"], "1")
        self.server.tell("wait 1")
        self.assertEqual(browser.sign_in("admin", "no")[0], 401)
        self.assertEqual(browser.sign_in("admin", self.first)[0], 429)
        self.assertEqual(browser.told["Retry-After"], "2")
        self.server.tell("wait 2")
        self.assertEqual(browser.sign_in("admin", self.first)[0], 200)
        rows = self.server.apis["admin"].get("/audit")["items"]
        self.assertTrue([row for row in rows if row["action"] == "session.failed"
                         and row["object"] == "admin from 127.0.0.1"], rows)
        self.assertTrue([row for row in rows if row["action"] == "session.open"
                         and row["account"] == "account:admin"], rows)

    def test_accounts(self):
        admin = self.administrator()
        new = {"name": "kim", "role": "operator", "password": "first password of kim"}
        status, account = admin.send("POST", "/accounts", new)
        self.assertEqual((status, account["must_change_password"]), (201, True))
        self.assertEqual(admin.send("POST", "/accounts", new)[0], 409)
        self.assertEqual(admin.send("POST", "/accounts", {**new, "name": "a b"})[0], 422)
        self.assertEqual(admin.send("POST", "/accounts", {**new, "name": "lee",
                                                          "password": "short"})[0], 422)
        kim = Browser(self.server)
        self.assertEqual(kim.sign_in("kim", new["password"])[0], 200)
        status, body = kim.send("POST", "/session/password",
                                {"old": new["password"], "new": "another one, kept"})
        self.assertEqual(status, 200)
        kim.csrf = body["csrf"]
        self.assertEqual(kim.send("POST", "/containments", {
            "action": "isolate", "mac": "02:00:00:00:01:01", "reason": "by kim"})[0], 201)
        self.assertEqual(kim.send("GET", "/accounts")[0], 403)
        self.assertEqual(admin.send("POST", "/accounts/kim/role", {"role": "auditor"})[0], 200)
        self.assertEqual(kim.send("GET", "/endpoints")[0], 401)  # the session was an operator's
        self.assertEqual(kim.sign_in("kim", "another one, kept")[0], 200)
        self.assertEqual(kim.send("GET", "/audit")[0], 200)
        self.assertEqual(kim.send("POST", "/enforcement/panic", {"reason": "x"})[0], 403)
        self.assertEqual(admin.send("POST", "/accounts/kim/disable", {})[0], 200)
        self.assertEqual(kim.send("GET", "/endpoints")[0], 401)
        self.assertEqual(Browser(self.server).sign_in("kim", "another one, kept")[0], 401)
        self.assertEqual(admin.send("POST", "/accounts/kim/enable", {})[0], 200)
        self.assertEqual(kim.sign_in("kim", "another one, kept")[0], 200)
        self.assertEqual(admin.send("POST", "/accounts/admin/remove", {})[0], 409)
        self.assertEqual(admin.send("POST", "/accounts/kim/remove", {})[0], 200)
        self.assertEqual(admin.send("POST", "/accounts/kim/remove", {})[0], 404)
        self.assertEqual([one["name"] for one in admin.send("GET", "/accounts")[1]["items"]],
                         ["admin"])
        actions = [row["action"] for row in admin.send("GET", "/audit")[1]["items"]]
        for action in ("account.create", "account.role", "account.disable", "account.enable",
                       "account.remove", "account.own-password"):
            self.assertIn(action, actions)

    def test_sign_out(self):
        here, there = self.administrator(), Browser(self.server)
        self.assertEqual(there.sign_in("admin", "correct horse battery")[0], 200)
        third = Browser(self.server)
        self.assertEqual(third.sign_in("admin", "correct horse battery")[0], 200)
        stolen, csrf = third.cookie, third.csrf
        self.assertEqual(third.send("POST", "/session/end", {})[0], 200)
        self.assertIn("Max-Age=0", third.told["Set-Cookie"])
        thief = Browser(self.server)
        thief.cookie, thief.csrf = stolen, csrf
        self.assertEqual(thief.send("GET", "/endpoints")[0], 401)
        self.assertEqual(there.send("GET", "/endpoints")[0], 200)
        self.assertEqual(here.send("POST", "/session/end-all", {})[0], 200)
        self.assertEqual(there.send("GET", "/endpoints")[0], 401)

    def test_sessions_end_by_time(self):
        browser = self.administrator()
        self.server.tell("wait 1700")
        self.assertEqual(browser.send("GET", "/endpoints")[0], 200)
        self.server.tell("wait 1801")
        self.assertEqual(browser.send("GET", "/endpoints")[0], 401)

    def test_listening_ends_with_the_session(self):
        browser = self.administrator()
        with socket.create_connection(("127.0.0.1", self.server.port)) as plain, \
                self.server.apis["viewer"].tls.wrap_socket(plain, server_hostname="localhost") as tls:
            tls.settimeout(SLOW_S)
            tls.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: {browser.cookie}"
                        "\r\n\r\n".encode())
            text = tls.recv(65536)
            self.assertIn(b"200 OK", text)
            self.server.tell("event")
            while b"event: containment" not in text:
                text += tls.recv(65536)
            self.assertEqual(browser.send("POST", "/session/end", {})[0], 200)
            while not text.endswith(b"0\r\n\r\n"):
                more = tls.recv(65536)
                self.assertTrue(more, "closed without an end")
                text += more

    def test_tokens(self):
        admin = self.administrator()
        status, made = admin.send("POST", "/tokens", {"name": "soar", "role": "operator"})
        self.assertEqual(status, 201)
        program = client.Api(self.server.url, ca_file=self.server.ca, token=made["token"])
        self.assertEqual(program.raw("GET", "/links")[0], 200)
        self.assertEqual(program.get("/session")["account"],
                         {"name": "token:soar", "role": "operator"})
        self.assertEqual(program.raw("POST", "/session/end", {})[0], 409)
        listed = admin.send("GET", "/tokens")[1]["items"]
        self.assertIn("soar", [one["name"] for one in listed])
        self.assertNotIn("token", {key for one in listed for key in one})
        self.assertEqual(admin.send("POST", "/tokens/soar/revoke", {})[0], 200)
        self.assertEqual(program.raw("GET", "/links")[0], 401)
        self.assertEqual(admin.send("POST", "/tokens/soar/revoke", {})[0], 404)

    def test_core_is_away(self):
        admin = self.administrator()
        self.server.tell("away")
        status, _ = admin.send("POST", "/accounts", {"name": "kim", "role": "viewer",
                                                     "password": "first password of kim"})
        self.assertEqual(status, 503)
        self.server.tell("back")
        self.assertEqual(len(admin.send("GET", "/accounts")[1]["items"]), 1)


class Abuse(Case):
    def head(self, path="/api/v1/containments", method="POST", more=""):
        return (f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                f"{self.operator.token}\r\n{more}").encode()

    def test_bad_bodies(self):
        good = json.dumps(WISH)
        for text, wanted in (("", 400), ("{", 400), ("[]", 400), ("1", 400), ("null", 400),
                             (good + good, 400), (good + "x", 400), ("[" * 100, 400),
                             ('{"a":' * 30 + "1" + "}" * 30, 400),
                             (good[:-1] + ',"colour":1}', 422),
                             (good[:-1] + ',"reason":"again"}', 422),
                             (good.replace("a test", "a\\u0000b"), 400),
                             (good.replace("a test", "a\\nb"), 422),
                             (good.replace("a test", "x" * 600), 422),
                             (good.replace("isolate", "ISOLATE"), 422),
                             (good.replace('"a test"', "7"), 422),
                             (good[:-1] + ',"expires_in_s":-1}', 422),
                             (good[:-1] + ',"expires_in_s":1e99}', 422),
                             (good[:-1] + ',"id":"x"}', 422)):
            body = text.encode()
            request = self.head(more=f"Content-Type: application/json\r\n"
                                     f"Content-Length: {len(body)}\r\n\r\n") + body
            self.assertEqual(self.talk(request), wanted, text[:80])

    def test_body_that_is_not_utf8(self):
        body = json.dumps(WISH).encode().replace(b"a test", b"\xff\xfe")
        request = self.head(more="Content-Type: application/json\r\n"
                                 f"Content-Length: {len(body)}\r\n\r\n") + body
        self.assertEqual(self.talk(request), 422)

    def test_wrong_media_type(self):
        for media in ("Content-Type: text/plain\r\n", "",
                      "Content-Type: application/jsonx\r\n"):
            request = self.head(more=f"{media}Content-Length: 2\r\n\r\n") + b"{}"
            self.assertEqual(self.talk(request), 415, media)
        request = self.head(more="Content-Type: application/json; charset=utf-8\r\n"
                                 "Content-Length: 2\r\n\r\n") + b"{}"
        self.assertEqual(self.talk(request), 422)

    def test_id_in_the_body_as_well(self):
        self.assertEqual(self.operator.raw("POST", "/containments/x/release",
                                           {"id": "y", "reason": "r"})[0], 422)

    def test_parameters_of_a_post_in_the_query(self):
        self.assertEqual(self.operator.raw("POST", "/containments?action=isolate", WISH)[0], 400)

    def test_bad_queries(self):
        for query, wanted in (("limit=0", 422), ("limit=501", 422), ("colour=red", 422),
                              ("q=a&q=b", 400), ("q=%zz", 400), ("q=%00", 400), ("limit=x", 422),
                              ("q=" + "a" * 300, 422), ("q=" + "a" * 2000, 400)):
            self.assertEqual(self.viewer.raw("GET", f"/endpoints?{query}")[0], wanted, query[:40])

    def test_wrong_methods_and_paths(self):
        for method in ("PUT", "DELETE", "PATCH"):
            status, headers, text = self.viewer._send(method, "/containments", b"", {})
            self.assertEqual((status, headers["Allow"]), (405, "GET, POST"), method)
            self.assertEqual(json.loads(text)["title"], "Wrong method")
        for path in ("/api/v1/endpoints/", "/assets/", "/assets/../index.html", "/index.html/", "/api/v1/../../etc/passwd", "/api/v2/endpoints",
                     "/api/v1/endpoints/%2e%2e/%2e%2e", "//api/v1/endpoints"):
            self.assertEqual(self.talk(self.head(path, "GET", "\r\n")), 404, path)
        self.assertIn(self.talk(self.head("/api/v1/endpoints", "BREW", "\r\n")), (400, 501))

    def test_too_large(self):
        size = 600 * 1024
        request = self.head(more="Content-Type: application/json\r\n"
                                 f"Content-Length: {size}\r\n\r\n")
        self.assertIn(self.talk(request + b" " * size), (0, 413))
        request = self.head(more="X: " + "a" * 20000 + "\r\n\r\n")
        self.assertIn(self.talk(request), (0, 400, 413))
        request = self.head("/api/v1/" + "a" * 20000, "GET", "\r\n")
        self.assertIn(self.talk(request), (0, 400, 404, 413, 414))
        self.assertEqual(self.viewer.raw("GET", "/links")[0], 200)

    def test_smuggling(self):
        """A second request hidden by two lengths is never answered as one."""
        hidden = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        for more in ("Content-Type: application/json\r\nContent-Length: 4\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n",
                     "Content-Type: application/json\r\nContent-Length: 4\r\n"
                     f"Content-Length: {len(hidden) + 2}\r\n\r\n",
                     "Content-Type: application/json\r\nContent-Length: -1\r\n\r\n",
                     "Content-Type: application/json\r\nContent-Length: 2x\r\n\r\n"):
            with self.connect() as tls:
                tls.settimeout(3)
                text = b""
                try:
                    tls.sendall(self.head(more=more) + b"{}\r\n" + hidden)
                    while chunk := tls.recv(65536):
                        text += chunk
                except (OSError, ssl.SSLError):
                    pass
                self.assertNotIn(b'"status":"ok"', text, more)

    def test_no_tls_no_answer(self):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=SLOW_S) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                answer = plain.recv(4096)
            except ConnectionError:
                answer = b""
        self.assertNotIn(b"HTTP/1.1 200", answer)

    def test_old_tls_is_refused(self):
        context = ssl.create_default_context(cafile=self.server.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=SLOW_S) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain, server_hostname="127.0.0.1")

    def hold(self, count):
        return [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(count)]

    def count(self, name):
        text = self.viewer.text("/metrics")
        return int(re.search(rf"^{name} (\d+)$", text, re.M).group(1))

    def test_held_open_connections_keep_nobody_out(self):
        """The fixture's limit is 40: beyond, the oldest strangers make room; whoever has shown a
        token stays."""
        events = self.viewer.events()
        held = self.hold(300)  # more than may be on their way out at once
        try:
            with self.connect() as half:
                half.sendall(b"GET /api/v1/links HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                self.assertEqual(self.viewer.raw("GET", "/links")[0], 200)
                # 64 may have been told to go and not be gone yet
                self.assertLessEqual(self.count("cordon_web_connections"), 40 + 64 + 1)
                self.assertEqual(self.count("cordon_web_listeners"), 1)
                self.assertGreaterEqual(self.count("cordon_web_strangers_closed_total"), 20)
        finally:
            for each in held:
                each.close()
            events.close()

    @staticmethod
    def whole(tls, ask):
        tls.sendall(ask)
        answer = tls.recv(65536)
        while b'"total"' not in answer:
            answer += tls.recv(65536)
        return answer

    def test_a_stranger_that_drips_bytes_is_sent_away(self):
        """Each byte comes in time; the request never does."""
        with self.connect() as tls, self.connect() as known:
            ask = self.head("/api/v1/links", "GET", "\r\n")
            self.assertIn(b" 200 ", self.whole(known, ask))
            tls.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
            with self.assertRaises((OSError, EOFError)):
                for _ in range(60):
                    tls.sendall(b"X")
                    self.server.tell("slow")  # eleven seconds each time
                    tls.settimeout(0.3)
                    try:
                        if not tls.recv(1):
                            raise EOFError
                    except TimeoutError:
                        continue
            self.assertIn(b" 200 ", self.whole(known, ask))

    def test_client_that_leaves_before_the_answer(self):
        self.server.tell("mute")
        for _ in range(5):
            tls = self.connect()
            tls.sendall(self.head("/api/v1/links", "GET", "\r\n"))
            tls.close()
        self.server.tell("away")  # answers them all: to nobody
        self.server.tell("back")
        self.assertEqual(self.viewer.raw("GET", "/links")[0], 200)


class CoreAway(Case):
    def tearDown(self):
        self.server.tell("back")

    def test_away(self):
        self.server.tell("away")
        status, headers, text = self.viewer._send("GET", "/links", None,
                                                  self.viewer._headers(client.KEEP))
        self.assertEqual((status, headers["Retry-After"]), (503, "1"))
        self.viewer.check("GET", "/links", status, headers["Content-Type"], text)
        self.assertEqual(self.viewer.raw("GET", "/health", token=None)[0], 503)
        self.assertIn("cordon_web_core_connected 0", self.viewer.text("/metrics"))
        self.assertEqual(self.viewer.raw("GET", "/links", token=None)[0], 401)
        self.assertEqual(self.ctl("links").returncode, 3)

    def test_a_token_that_is_in_no_audit_is_none(self):
        self.server.tell("mute")
        body = json.dumps({"name": "lost", "role": "admin", "payload": "denied", "reason": "x"})
        with self.connect() as tls:
            tls.sendall((f"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                         f"{self.admin.token}\r\nContent-Type: application/json\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
            tls.settimeout(0.3)
            answer = b""
            for _ in range(20):
                self.server.tell("slow")
                try:
                    answer = tls.recv(65536)
                    break
                except TimeoutError:
                    continue
        self.assertIn(b" 503 ", answer.split(b"\r\n")[0])
        self.server.tell("away")
        self.server.tell("back")
        self.assertNotIn("lost", [one["name"] for one in self.admin.items("/tokens")])

    def test_late(self):
        self.server.tell("mute")
        with self.connect() as tls:
            tls.sendall(b"GET /api/v1/links HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                        + self.viewer.token.encode() + b"\r\n\r\n")
            # The ask may come after the first steps of time: then a later one is enough.
            tls.settimeout(0.3)
            answer = b""
            for _ in range(200):
                self.server.tell("slow")
                try:
                    answer = tls.recv(65536)
                    break
                except TimeoutError:
                    continue
            self.assertIn(b" 504 ", answer.split(b"\r\n")[0])


class Live(Case):
    def test_events_replay_and_gaps(self):
        events = self.viewer.events()
        self.server.tell("event")
        first = events.wait(lambda e: e["topic"] == "containment")
        schema = {"$ref": "#/components/schemas/Containment"}
        self.viewer.validator(json.dumps(schema)).validate(first["body"])
        events.close()
        self.server.tell("event")
        again = self.viewer.events(last_id=first["id"])
        second = again.wait(lambda e: e["topic"] == "containment")
        self.assertNotEqual(second["id"], first["id"])
        self.server.tell("gap")
        again.wait(lambda e: e["topic"] == "gap")
        self.server.tell("away")
        self.server.tell("back")
        again.wait(lambda e: e["topic"] == "gap")
        again.close()
        stale = self.viewer.events(last_id=first["id"])
        stale.wait(lambda e: e["topic"] == "gap")
        stale.close()

    def test_who_was_told_is_told_to_nobody_who_may_not_list_it(self):
        """Notices have addresses of people."""
        heard = {}
        for name, api in (("viewer", self.viewer), ("operator", self.operator)):
            events = api.events()
            self.server.tell("notice")
            self.server.tell("event")
            heard[name] = []
            events.wait(lambda e: heard[name].append(e["topic"]) or e["topic"] == "containment")
            events.close()
        self.assertNotIn("notice", heard["viewer"])
        self.assertIn("notice", heard["operator"])

    def test_listeners_come_and_go(self):
        for _ in range(20):
            events = [self.viewer.events() for _ in range(10)]
            self.server.tell("event")
            for each in events[:5]:
                each.wait(lambda e: e["topic"] == "containment")
            for each in events:
                each.close()
        self.server.tell("event")
        self.assertEqual(self.viewer.raw("GET", "/links")[0], 200)

    def test_a_sign_of_life(self):
        with self.connect() as tls:
            tls.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                        + self.viewer.token.encode() + b"\r\n\r\n")
            tls.settimeout(SLOW_S)
            text = tls.recv(65536)
            self.assertIn(b"text/event-stream", text)
            self.server.tell("slow")
            self.server.tell("slow")
            while b"event: alive" not in text:
                text += tls.recv(65536)


@unittest.skipUnless(os.environ.get("CORDON_CONSOLE"), "built without the console")
class Console(Case):
    def ask(self, path, method="GET", **headers):
        return self.viewer.send(method, path, None,
                                {name.replace("_", "-"): value for name, value in headers.items()})

    def test_page_and_its_files(self):
        status, headers, page = self.ask("/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        names = re.findall(rb'(?:src|href)="\./([^"]+)"', page)
        self.assertGreaterEqual(len(names), 3, page)
        for name in names:
            path = "/" + name.decode()
            status, headers, plain = self.ask(path)
            self.assertEqual(status, 200, path)
            self.assertNotIn("Content-Encoding", headers)
            status, headers, packed = self.ask(path, Accept_Encoding="br, gzip;q=0.8")
            self.assertEqual((status, headers["Content-Encoding"]), (200, "gzip"))
            self.assertEqual(gzip.decompress(packed), plain)
            self.assertEqual("immutable" in headers["Cache-Control"], path.startswith("/assets/"))
            status, _, none = self.ask(path, If_None_Match=headers["ETag"])
            self.assertEqual((status, none), (304, b""))
            self.assertNotIn("Content-Encoding", self.ask(path, Accept_Encoding="gzip;q=0")[1])

    def test_nothing_inline_and_nobody_else(self):
        _, headers, page = self.ask("/")
        rules = dict(rule.strip().split(" ", 1)
                     for rule in headers["Content-Security-Policy"].split(";"))
        self.assertEqual(rules["default-src"], "'none'")
        self.assertEqual(rules["script-src"], "'self'")
        # and the one style of the warning page, which is previewed in a sandboxed frame
        warning_page_html = self.viewer.raw("POST", "/warning/preview", {"texts": []})[1].decode()
        style = re.search("<style>(.*)</style>", warning_page_html).group(1)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.assertEqual(rules["style-src"], f"'self' 'sha256-{digest}'")
        self.assertEqual(rules["frame-ancestors"], "'none'")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertNotRegex(page, rb"<script[^>]*>[^<]|<style|https?://")

    def test_no_writing(self):
        self.assertEqual(self.ask("/", "POST")[0], 404)
        status, _, body = self.ask("/", "HEAD")
        self.assertEqual((status, body), (200, b""))


class Watch(Case):
    def test_a_server_before_it_is_blocked(self):
        incident = self.viewer.items("/incidents")[0]
        told = self.viewer.get(f"/server-assessment?server={incident['server']}")
        self.assertEqual((told["never_block"], len(told["talkers"])), (False, 1))
        self.assertEqual(told["talkers"][0]["host_name"], "c2")
        self.assertGreaterEqual(told["talkers"][0]["detections"], 1)
        # by a prefix around it, and another server
        self.assertEqual(len(self.viewer.get("/server-assessment?server=203.0.113.0/24")
                             ["talkers"]), 1)
        self.assertEqual(self.viewer.get("/server-assessment?server=198.51.100.9")["talkers"], [])
        self.assertEqual(self.viewer.raw("GET", "/server-assessment")[0], 422)
        self.assertIn("c2", self.ctl("assess", incident["server"], role="viewer").stdout)

    def test_storage(self):
        told = self.viewer.get("/storage")
        self.assertGreater(told["database_bytes"], 4096)
        self.assertGreater(told["total_bytes"], told["free_bytes"])
        self.assertIn("database", self.ctl("storage", role="viewer").stdout.lower())

    def test_retention(self):
        told = self.viewer.get("/retention")
        days = {kind["kind"]: kind["days"] for kind in told["kinds"]}
        self.assertEqual((days["evidence"], days["names"], days["audit"]), (30, 90, 1095))
        self.assertEqual(told["disk"]["share"], 42)
        change = {"kinds": [{"kind": "names", "days": 14}], "reason": "as our officer says"}
        self.assertEqual(self.operator.raw("POST", "/retention", change)[0], 403)
        self.assertEqual(self.admin.raw("POST", "/retention", {**change, "reason": ""})[0], 422)
        for kind, number in (("audit", 364), ("evidence", 366), ("names", 731), ("detections", 6)):
            refused = self.admin.raw("POST", "/retention", {
                "kinds": [{"kind": kind, "days": number}], "reason": "x"})
            self.assertEqual(refused[0], 422, kind)
        both = {"budget_mib": 100, "no_budget": True, "kinds": [], "reason": "x"}
        self.assertEqual(self.admin.raw("POST", "/retention", both)[0], 422)
        told = self.admin.post("/retention", {**change, "budget_mib": 500})
        days = {kind["kind"]: kind["days"] for kind in told["kinds"]}
        self.assertEqual((days["names"], days["evidence"]), (14, 30))
        self.assertEqual(told["disk"]["budget_mib"], 500)
        said = self.ctl("retention", "set", "evidence=7", "budget=none", "--reason", "less",
                        role="admin")
        self.assertEqual(said.returncode, 0, said.stderr)
        told = self.viewer.get("/retention")
        self.assertEqual(told["kinds"][0]["days"], 7)
        self.assertEqual(told["disk"]["budget_mib"], 0)
        self.assertIn("evidence", self.ctl("retention", role="viewer").stdout)
        self.assertNotEqual(self.ctl("retention", "set", "evidence=7", role="admin").returncode, 0)
        self.assertNotEqual(
            self.ctl("retention", "set", "nothing", "--reason", "x", role="admin").returncode, 0)
        rows = [row for row in self.admin.get("/audit")["items"] if row["action"] == "retention.set"]
        self.assertEqual({row["detail"] for row in rows}, {"as our officer says", "less"})

    def test_purge(self):
        asked = {"subject": "name", "value": "alice.example", "reason": "case 12", "dry_run": True}
        self.assertEqual(self.operator.raw("POST", "/purges", asked)[0], 403)
        for wrong in ({"value": "ab"}, {"value": ""}, {"reason": ""}, {"value": 'a"b"c'},
                      {"subject": "address"}, {"subject": "mac"}, {"subject": "older"},
                      {"subject": "everything"}):
            self.assertEqual(self.admin.raw("POST", "/purges", {**asked, **wrong})[0], 422, wrong)
        # The reason stays for years: it must not say whom.
        for reason in ("Alice.Example asked", "about ALICE.EXAMPLE."):
            self.assertEqual(
                self.admin.raw("POST", "/purges", {**asked, "reason": reason})[0], 422)
        unknown = {**asked, "subject": "endpoint", "value": "nobody-at-all"}
        self.assertEqual(self.admin.raw("POST", "/purges", unknown)[0], 404)
        job = self.admin.post("/purges", asked)
        found = self.admin.get("/purges/" + job["id"])
        self.assertTrue(found["dry_run"])
        self.assertEqual(found["kinds"], [{"kind": "detections", "rows": 1, "bytes": 0, "kept": 1}])
        self.assertEqual(self.viewer.raw("GET", "/purges/" + job["id"])[0], 403)
        self.assertEqual(self.admin.raw("GET", "/purges/none")[0], 404)
        said = self.ctl("purge", "name", "bob.example", "--reason", "case 13", "--dry-run",
                        role="admin")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("detections", said.stdout)
        # Nothing that anybody can read later names them.
        rows = json.dumps(self.admin.get("/audit")) + json.dumps(self.viewer.get("/jobs"))
        self.assertIn("purge.count", rows)
        self.assertIn("case 12", rows)
        for name in ("alice.example", "bob.example"):
            self.assertNotIn(name, rows.lower())

    def test_backup(self):
        told = self.viewer.get("/backup")
        self.assertFalse(told["running"])
        self.assertEqual((told["every_h"], told["keep"]), (0, 7))
        self.assertEqual(told["restored_cause"], "the file is gone")
        self.assertEqual(self.operator.raw("POST", "/backup/start", {})[0], 403)
        self.assertEqual(self.admin.raw("POST", "/backup/schedule", {"every_h": 24, "keep": 0})[0], 422)
        told = self.admin.post("/backup/schedule", {"every_h": 24, "keep": 3})
        self.assertEqual((told["every_h"], told["keep"]), (24, 3))
        self.assertTrue(self.admin.post("/backup/start", {})["running"])
        self.assertEqual(self.admin.raw("POST", "/backup/start", {})[0], 409)
        self.assertIn("24", self.ctl("backup", role="viewer").stdout)
        actions = [row["action"] for row in self.admin.get("/audit")["items"]]
        self.assertIn("backup.start", actions)
        self.assertIn("backup.schedule", actions)

    def test_unproven(self):
        self.assertEqual(self.viewer.get("/unproven")["items"], [])
        self.assertEqual(self.ctl("unproven", role="viewer").returncode, 0)
        refused = self.operator.raw("POST", "/unproven/nobody/keep", {"reason": "seen"})
        self.assertEqual(refused[0], 409)
        self.assertEqual(self.viewer.raw("POST", "/unproven/x/keep", {"reason": "x"})[0], 403)

    def test_nobody_was_released(self):
        self.assertEqual(self.viewer.get("/watch")["items"], [])
        self.assertEqual(self.ctl("watch", role="viewer").returncode, 0)


class Warning(Case):
    TEXTS = [{"language": "en", "title": "Cut off", "body": "Call us.", "contact": "ext. 7700"},
             {"language": "ja", "title": "遮断中", "body": "連絡してください。"}]

    def change(self, role="admin", status=200, **changes):
        body = {"texts": self.TEXTS, "reason": "new words",
                "version": self.viewer.get("/warning")["version"]}
        got, answer = self.server.apis[role].raw("POST", "/warning", {**body, **changes})
        self.assertEqual(got, status, answer)
        return answer

    def test_changed_kept_and_audited(self):
        now = self.viewer.get("/warning")
        if now["version"] == 0:
            self.assertEqual((now["edited"], now["texts"][0]["language"]), (False, "ja"))
        made = self.change()
        self.assertEqual((made["edited"], made["version"]), (True, now["version"] + 1))
        self.assertEqual(made["texts"], self.TEXTS)
        self.assertEqual(made["account"], "token:admin")
        self.assertEqual(self.viewer.get("/warning"), made)
        row = self.server.apis["auditor"].get("/audit?action=warning.change")["items"][0]
        self.assertEqual((row["account"], row["object"], row["detail"]),
                         ("token:admin", f"version {made['version']} (en, ja)", "new words"))
        status, back = self.admin.raw("POST", "/warning/reset",
                                      {"version": made["version"], "reason": "as before"})
        self.assertEqual((status, back["edited"], back["version"]), (200, False,
                                                                   made["version"] + 1))
        self.assertEqual(back["texts"][0]["title"], "通信を制限しています")

    def test_nobody_overwrites_unseen(self):
        version = self.viewer.get("/warning")["version"]
        self.change()
        self.change(version=version, status=409)
        self.assertEqual(self.admin.raw("POST", "/warning/reset",
                                        {"version": version, "reason": "r"})[0], 409)

    def test_refusals(self):
        text = self.TEXTS[0]
        for texts in ([], [{**text, "language": "english"}], [{**text, "language": "EN"}],
                      [text, text], [{**text, "title": " "}], [{**text, "body": ""}],
                      [{**text, "title": "x" * 600}], [{**text, "body": "a\nb"}],
                      [{**text, "language": a + b, "body": "字" * 600}
                       for a in "ab" for b in "abcd"]):
            self.change(texts=texts, status=422)
        self.change(reason=" ", status=422)
        self.change(role="operator", status=403)

    def preview(self, **body):
        status, page = self.viewer.raw("POST", "/warning/preview", {"texts": [], **body})
        self.assertEqual(status, 200, page)
        return page.decode()

    def test_preview(self):
        evil = "</style><script>alert(1)</script>\"'&"
        page = self.preview(texts=[{"language": "fr", "title": evil, "body": evil, "contact": evil}],
                            reason=evil, case_number="K7\"<b>")
        self.assertNotIn("<script", page)
        self.assertNotIn("<b>", page)
        self.assertEqual(page.count("&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;'&amp;"),
                         5)
        self.change()
        page = self.preview(case_number="AAAA-1")  # those in force
        for word in ("Cut off", "ext. 7700", "遮断中", "Case number", "受付番号", "AAAA-1"):
            self.assertIn(word, page)
        self.assertLess(page.index("Cut off"), page.index("遮断中"))

    def test_ctl(self):
        path = pathlib.Path(self.server.folder.name, "warning.json")
        told = self.ctl("warning", "--json", role="viewer")
        now = json.loads(told.stdout)
        path.write_text(json.dumps({**now, "texts": self.TEXTS}))
        done = self.ctl("warning", "set", str(path), "--reason", "by ctl")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ext. 7700", self.ctl("warning").stdout)
        again = self.ctl("warning", "set", str(path), "--reason", "by ctl")
        self.assertEqual(again.returncode, 1)  # the version in the file is old
        page = self.ctl("warning", "preview", str(path)).stdout
        self.assertTrue(page.startswith("<!DOCTYPE html>"))
        self.assertIn("Cut off", page)
        self.assertEqual(self.ctl("warning", "reset", "--reason", "r").returncode, 0)
        self.assertNotIn("Cut off", self.ctl("warning", "preview").stdout)
        self.assertEqual(self.ctl("warning", "set", "/none", "--reason", "r").returncode, 2)
        self.assertEqual(self.ctl("warning", "set", str(path)).returncode, 2)


class Audit(Case):
    EVIL = "=cmd|' /C calc'!A0"

    def browse(self, query=""):
        rows, cursor = [], ""
        while True:
            page = self.server.apis["auditor"].get(f"/audit?limit=100{query}{cursor}")
            rows += page["items"]
            if "next" not in page:
                return rows
            cursor = f"&cursor={page['next']}"

    def export(self, query=""):
        token = pathlib.Path(self.server.token_file("auditor")).read_text().strip()
        context = ssl.create_default_context(cafile=self.server.ca)
        request = urllib.request.Request(f"{self.server.url}/api/v1/audit/export{query}",
                                         headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            return answer.headers, answer.read()

    def test_filters(self):
        self.server.tell("audit 230")
        rows = self.browse("&action=filler&q=of%20230")
        self.assertEqual(len(rows), 230)
        self.assertEqual([row["number"] for row in rows],
                         sorted((row["number"] for row in rows), reverse=True))
        self.assertEqual(len(self.browse("&account=token:filler&q=FILLER%2022%20of%20230")), 1)
        self.assertEqual(self.browse("&object=01FILLE"), [])
        at = rows[-1]["at"]
        self.assertEqual(self.browse(f"&action=filler.row&q=of%20230&until={at}"), [])
        self.assertEqual(len(self.browse(f"&action=filler.row&q=of%20230&from={at}")), 230)
        status, body = self.operator.raw("GET", "/audit?from=yesterday")
        self.assertEqual((status, body["where"]), (422, "from"))

    def test_verify(self):
        self.server.tell("audit 10")
        told = self.server.apis["auditor"].get("/audit/verify")
        self.assertEqual((told["sound"], told["fault"]), (True, "none"))
        newest = self.browse()[0]
        self.assertEqual((told["newest"], told["checked"]), (newest["hash"], newest["number"]))
        self.server.tell("audit 1")
        self.assertTrue(self.operator.get(f"/audit/verify?newest={told['newest']}")["sound"])
        other = "0" * 64
        self.assertEqual(self.operator.get(f"/audit/verify?newest={other}")["fault"], "cut")
        self.assertEqual(self.operator.raw("GET", "/audit/verify?newest=zz")[0], 422)

    def test_export_of_many_parts(self):
        """1,700 rows: four parts, as one file that verifies."""
        Browser(self.server).sign_in(self.EVIL, "x")
        self.server.tell("audit 1700")
        headers, body = self.export()
        self.assertEqual(headers["Content-Type"], "application/x-ndjson")
        self.assertIn("attachment", headers["Content-Disposition"])
        lines = [json.loads(line) for line in body.splitlines()]
        end = lines.pop()
        self.assertEqual([line["number"] for line in lines], list(range(1, len(lines) + 1)))
        self.assertGreater(len(lines), 1700)
        self.assertEqual((end["rows"], end["newest"], end["whole"]),
                         (len(lines), lines[-1]["hash"], True))
        # it is in the audit, with who and what
        kept = self.browse("&action=audit.export")[0]
        self.assertEqual((kept["account"], kept["object"], kept["detail"]),
                         ("token:auditor", "json", "all rows"))
        self.assertIn("audit.export", [line["action"] for line in lines])

    def test_export_of_a_part(self):
        self.server.tell("audit 600")
        _, body = self.export("?action=filler&account=token:filler&q=of%20600")
        lines = [json.loads(line) for line in body.splitlines()]
        self.assertEqual(len(lines), 601)
        self.assertFalse(lines[-1]["whole"])
        self.assertEqual(self.browse("&action=audit.export")[0]["detail"],
                         "account token:filler, action filler, text of 600")

    def test_spreadsheets_compute_nothing(self):
        Browser(self.server).sign_in(self.EVIL, "x")
        Browser(self.server).sign_in("＝cmd|calc", "x")  # in Japanese settings
        headers, body = self.export("?format=csv")
        self.assertTrue(headers["Content-Type"].startswith("text/csv"))
        rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
        self.assertEqual(rows[0][:3], ["number", "at", "account"])
        evil = [row for row in rows if "calc" in row[4]]
        self.assertTrue(evil)
        self.assertLessEqual({"'=", "'＝"}, {row[4][:2] for row in evil})
        for row in rows[1:]:
            self.assertEqual(len(row), 7)
            for cell in row[2:6]:
                self.assertNotIn(cell.lstrip()[:1], tuple("=+-@＝＋－＠"))

    def test_cef(self):
        Browser(self.server).sign_in("a|b=c", "x")
        _, body = self.export("?format=cef&action=session.failed")
        line = [line for line in body.decode().splitlines() if "a|b" in line][-1]
        self.assertTrue(line.startswith("CEF:0|Cordon|cordond|"), line)
        self.assertIn("|session.failed|session.failed|3|rt=", line)
        self.assertIn("cs1=a|b\\=c from 127.0.0.1", line)

    def test_a_client_that_leaves_in_the_middle(self):
        self.server.tell("audit 3000")
        token = pathlib.Path(self.server.token_file("auditor")).read_text().strip()
        for _ in range(20):  # more than may be under way at once
            with self.connect() as tls:
                tls.sendall(f"GET /api/v1/audit/export HTTP/1.1\r\nHost: a\r\n"
                            f"Authorization: Bearer {token}\r\n\r\n".encode())
                tls.recv(1000)
        # nobody else waits for what that one left
        operator = self.server.apis["operator"]
        status, _, text = operator.send("GET", client.full("/audit/export"), None,
                                        {"Authorization": f"Bearer {operator.token}"})
        self.assertEqual(status, 200, text[:300])
        self.server.tell("wait 121")  # what core keeps of them is forgotten
        self.assertGreater(len(self.export()[1]), 3000 * 200)

    def test_ctl(self):
        self.server.tell("audit 20")
        told = self.ctl("audit", "--action", "filler", "--json")
        self.assertGreaterEqual(len(json.loads(told.stdout)), 20)
        told = self.ctl("audit", "verify", role="auditor")
        self.assertEqual(told.returncode, 0, told.stderr)
        newest = self.browse()[0]["hash"]
        self.assertIn(newest, told.stdout)
        self.assertEqual(self.ctl("audit", "verify", "--newest", newest).returncode, 0)
        told = self.ctl("audit", "verify", "--newest", "1" * 64, "--json")
        self.assertEqual((told.returncode, json.loads(told.stdout)["fault"]), (1, "cut"))
        self.assertEqual(self.ctl("audit", "verify", "--newest", "12").returncode, 2)
        self.assertEqual(self.ctl("audit", "verify", role="viewer").returncode, 4)
        self.assertEqual(self.ctl("audit", "export", role="viewer").returncode, 4)

    def verify_file(self, lines, *words):
        path = pathlib.Path(self.server.folder.name, "changed.jsonl")
        path.write_text("".join(line + "\n" for line in lines))
        told = self.ctl("audit", "verify", "--file", str(path), *words, "--json",
                        env={"CORDON_URL": "https://127.0.0.1:1", "CORDON_TOKEN_FILE": "/none"})
        check = json.loads(told.stdout) if told.stdout else {}
        self.assertEqual(told.returncode, 0 if check.get("sound") else 1, told.stderr)
        return check

    def test_ctl_checks_a_file_without_a_server(self):
        self.server.tell("audit 700")
        path = pathlib.Path(self.server.folder.name, "audit.jsonl")
        self.assertEqual(self.ctl("audit", "export", "-o", str(path)).returncode, 0)
        lines = path.read_text().splitlines()
        self.assertGreater(len(lines), 700)
        check = self.verify_file(lines)
        self.assertEqual((check["sound"], check["checked"]), (True, len(lines) - 1))
        newest = json.loads(lines[-2])["hash"]
        self.assertEqual(check["newest"], newest)
        edited = lines[:]
        edited[99] = edited[99].replace("token:filler", "token:killer")
        for changed, fault, bad in (
                (edited, "edited", 100),
                (lines[:50] + lines[60:], "removed", 61),
                (lines[10:], "removed", 11),
                (lines[:20] + [lines[30]] + lines[21:30] + [lines[20]] + lines[31:], "reordered",
                 31),
                (lines[:-1], "cut", len(lines)),
                (lines[:-10] + lines[-1:], "cut", len(lines) - 9)):
            check = self.verify_file(changed)
            self.assertEqual((check["fault"], check.get("bad_number")), (fault, bad))
        self.assertEqual(self.verify_file(lines, "--newest", "2" * 64)["fault"], "cut")
        self.assertTrue(self.verify_file(lines, "--newest", newest)["sound"])
        self.assertEqual(self.verify_file(["rubbish"]), {})
        # Old rows were pruned: the file begins behind an anchor, which a key must have signed.
        rows = [json.loads(line) for line in lines]
        end = {**rows[-1], "rows": rows[-1]["rows"] - 5}
        cut = lines[5:-1] + [json.dumps(end)]
        sixth = base64.b64encode(bytes.fromhex(rows[4]["hash"])).decode()
        signature = base64.b64encode(bytes(68)).decode()
        anchor = json.dumps({"pruned": f"cordon-pruned cordon/0123456789abcdef 5 {sixth} "
                                       f"2026-03-09T02:58:24.532140Z {signature}"})
        self.assertEqual(self.verify_file(cut)["fault"], "removed")
        check = self.verify_file([anchor] + cut)
        self.assertTrue(check["sound"], check)
        self.assertEqual((check["pruned"], check["checked"]), (5, len(rows) - 6))
        self.assertIn("give --key", check["what"])
        self.assertEqual(self.verify_file([anchor] + lines[7:-1] + [json.dumps(
            {**rows[-1], "rows": rows[-1]["rows"] - 7})])["fault"], "removed")
        key = self.ctl("audit", "key", role="auditor").stdout.split()[0]
        if "+" in key:
            check = self.verify_file([anchor] + cut, "--key", key)
            self.assertFalse(check["sound"])
            self.assertIn("not signed by that key", check["what"])
        # a part of the log: each row by itself, and it says that gaps cannot be seen
        part = pathlib.Path(self.server.folder.name, "part.jsonl")
        self.ctl("audit", "export", "--action", "filler", "-o", str(part))
        lines = part.read_text().splitlines()
        self.assertIn("cannot be seen", self.verify_file(lines)["what"])
        lines[5] = lines[5].replace("filler.row", "filler.raw")
        self.assertEqual(self.verify_file(lines)["fault"], "edited")


class Ctl(Case):
    def test_lists_for_people(self):
        done = self.ctl("endpoints")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("02:00:00:00:01:01", done.stdout)
        self.assertIn("e1/p2", done.stdout)
        self.assertNotIn("\033", done.stdout)
        heads = [line.split("  ")[0] for line in done.stdout.splitlines()]
        self.assertEqual(heads[0], "HOST NAME")
        japanese = self.ctl("endpoints", env={"LC_ALL": "ja_JP.UTF-8"}).stdout
        self.assertTrue(japanese.startswith("ホスト名"))

    def test_every_command_that_reads(self):
        for words in (["links"], ["annotations"], ["switches"], ["switch", "e1"], ["switch", "show", "e1"],
                      ["containments", "--ended"], ["server-blocks"], ["pending"], ["incidents"],
                      ["incidents", "--closed"], ["intake"], ["sensors"], ["mirrors"],
                      ["protected"], ["policy", "show"], ["policy", "history"],
                      ["policy", "rollout"], ["policy", "maintenance"], ["policy", "replay"], ["jobs"], ["enforcement"], ["budgets"], ["conflicts"], ["audit"],
                      ["version"],
                      ["openapi"], ["endpoint", "show", "c2"], ["endpoint", "192.0.2.101"]):
            done = self.ctl(*words)
            self.assertEqual(done.returncode, 0, (words, done.stderr))
            self.assertTrue(done.stdout.strip(), words)
            told = self.ctl(*words, "--json")
            self.assertEqual(told.returncode, 0, words)
            json.loads(told.stdout)

    def test_show_says_why_and_history(self):
        text = self.ctl("endpoint", "show", "c2").stdout
        why = self.viewer.get("/endpoints/c2")["location"]["why"]
        self.assertIn(why, text)
        self.assertIn("history", text)

    def test_contain_and_release(self):
        done = self.ctl("contain", "c2", "--permit", "updates", "--reason", "a test", "--expires",
                        "8h", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        made = json.loads(done.stdout)
        self.assertEqual(made["permit_set"], "updates")
        text = self.ctl("containment", "show", made["id"]).stdout
        self.assertIn("timeline", text)
        self.assertIn("1.234", text)
        self.assertEqual(self.ctl("extend", made["id"], "--expires", "1d").returncode, 0)
        self.assertEqual(self.ctl("release", "c2", "--reason", "clean").returncode, 0)
        self.assertEqual(self.viewer.get(f"/containments/{made['id']}")["state"], "released")
        self.assertEqual(self.ctl("release", "c2", "--reason", "clean").returncode, 1)

    def test_other_wishes(self):
        for words in (["block-server", "c2.example.net", "--reason", "r"],
                      ["block-server", "203.0.113.0/24", "--reason", "r", "--expires", "90s"],
                      ["block-pair", "c2", "203.0.113.80", "--reason", "r"],
                      ["mirror", "02:00:00:00:01:01", "--for", "10m", "--reason", "r"],
                      ["contain", "192.0.2.101", "--none", "--reason", "r"],
                      ["panic", "--reason", "r"], ["resume", "--reason", "r"],
                      ["protected", "confirm", "pr-1", "--reason", "r"]):
            done = self.ctl(*words)
            self.assertEqual(done.returncode, 0, (words, done.stderr))

    def test_annotate(self):
        done = self.ctl("endpoint", "annotate", "c2", "--class", "medical", "--tags", "ward 3, pump",
                        "--owner", "Ann", role="operator")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ward 3, pump", done.stdout)
        done = self.ctl("endpoint", "annotate", "c2", "--note", "by the window", "--json")
        said = json.loads(done.stdout)
        self.assertEqual((said["tags"], said["owner"]), (["ward 3", "pump"], "Ann"))  # kept
        self.assertEqual(said["annotated_by"], "token:admin")
        self.assertIn("by the window", self.ctl("endpoint", "c2").stdout)
        self.assertIn("medical", self.ctl("endpoints", "pump").stdout)
        self.assertEqual(self.ctl("endpoint", "annotate", "c2").returncode, 2)
        self.assertEqual(self.ctl("endpoint", "annotate", "c2", "--class", "pump").returncode, 1)
        self.assertEqual(self.ctl("endpoint", "annotate", "nobody", "--note", "x").returncode, 1)
        self.assertEqual(self.ctl("endpoint", "annotate", "c2", "--note", "x",
                                  role="viewer").returncode, 4)
        coming = "02-00-00-00-0A-01"
        for words in (["--class", "printer"], ["--note", "to come"]):
            self.assertEqual(self.ctl("endpoint", "annotate", coming, *words).returncode, 0)
        told = self.ctl("annotations", "--unseen").stdout
        self.assertIn("02:00:00:00:0a:01", told)
        self.assertRegex(told, "printer .* to come")
        self.assertNotIn("pump", told)

    def test_export_and_import(self):
        path = pathlib.Path(self.server.folder.name, "inventory.csv")
        path.write_text("mac;class;note;serial\n02:00:00:00:01:01;camera;=1+1;7\n"
                        "02-00-00-00-0B-01;printer;to come;8\n02:00:00:00:01:01;iot;again;9\n"
                        "rubbish;iot;;\n;;;\n02:00:00:00:01:02;toaster;;\n", encoding="utf-8-sig")
        dry = self.ctl("endpoints", "import", str(path), "--dry-run")
        self.assertEqual(dry.returncode, 1, dry.stderr)  # some are refused
        self.assertIn("created 1, changed 1, unchanged 0, refused 3 (dry run)", dry.stdout)
        self.assertNotEqual(self.viewer.get("/endpoints/c2")["class"], "camera")
        done = self.ctl("endpoints", "import", str(path), "--json")
        told = {row["line"]: row for row in json.loads(done.stdout)}
        self.assertEqual([told[line]["result"] for line in (2, 3, 4, 5, 7)],
                         ["changed", "created", "refused", "refused", "refused"])
        self.assertIn("line 2", told[4]["why"])
        self.assertIn("medical", told[7]["why"])  # says which would do
        self.assertEqual(self.viewer.get("/endpoints/c2")["note"], "=1+1")
        out = pathlib.Path(self.server.folder.name, "out.csv")
        self.assertEqual(self.ctl("endpoints", "export", str(out), "--bom").returncode, 0)
        text = out.read_bytes().decode("utf-8")
        self.assertTrue(text.startswith("\ufeffmac,class,tags,note,owner,owner_email,host_name,ip,"))
        self.assertIn('camera,', text)
        self.assertIn('"\'=1+1"', text)  # no formula
        self.assertIn("02:00:00:00:0b:01,printer,,\"to come\",", text)
        again = self.ctl("endpoints", "import", str(out))
        self.assertEqual(again.returncode, 0, again.stdout)
        self.assertRegex(again.stdout, r"created 0, changed 0, unchanged \d+, refused 0")
        self.assertEqual(self.ctl("endpoints", "export", "/nonexistent/x").returncode, 2)
        path.write_text("name,note\nx,y\n")
        self.assertEqual(self.ctl("endpoints", "import", str(path)).returncode, 2)
        path.write_text("mac,note\n02:00:00:00:01:01,")
        with path.open("ab") as file:
            file.write("メモ\n".encode("shift_jis"))
        self.assertIn("UTF-8", self.ctl("endpoints", "import", str(path)).stdout)

    def test_export_in_pages(self):
        pages, cursor = [], ""
        while True:
            status, headers, text = self.page(f"/api/v1/endpoints.csv?limit=1{cursor}")
            self.assertEqual((status, headers["Content-Type"]), (200, "text/csv; charset=utf-8"))
            pages.append(text)
            if "X-Cordon-Next" not in headers:
                break
            cursor = "&cursor=" + headers["X-Cordon-Next"]
        whole = self.page("/api/v1/endpoints.csv")[2]
        self.assertEqual("".join(pages), whole)
        self.assertGreater(len(pages), 2)
        self.assertEqual(whole.count("mac,class"), 1)
        self.assertEqual(self.page("/api/v1/endpoints.csv?cursor=x")[0], 422)
        self.assertEqual(len(self.page("/api/v1/endpoints.csv?q=192.0.2.101")[2].splitlines()), 2)

    def page(self, path):
        context = ssl.create_default_context(cafile=self.server.ca)
        token = pathlib.Path(self.server.token_file("viewer")).read_text().strip()
        request = urllib.request.Request(self.server.url + path,
                                         headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, context=context, timeout=SLOW_S) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def test_layout(self):
        self.assertEqual(self.ctl("layout", "--", "e1", "-20", "40").returncode, 0)
        self.assertEqual(self.ctl("layout", "e2", "3", "x").returncode, 2)
        self.assertEqual(self.ctl("layout", "e2", "3", "4", role="viewer").returncode, 4)
        done = self.ctl("layout", "e2", "3", "4", "--json")
        self.assertEqual(json.loads(done.stdout)["places"],
                         [{"switch": "e1", "x": -20, "y": 40}, {"switch": "e2", "x": 3, "y": 4}])
        version = self.viewer.get("/map/layout")["version"]
        body = {"places": [{"switch": "e1", "x": 0, "y": 0}], "version": version - 1}
        self.assertEqual(self.operator.raw("POST", "/map/layout", body)[0], 409)
        body = {"places": [], "removed": ["e1"], "version": version}
        self.assertEqual(self.operator.post("/map/layout", body)["places"],
                         [{"switch": "e2", "x": 3, "y": 4}])

    def test_protect_by_hand(self):
        done = self.ctl("endpoint", "protect", "gw", "--reason", "the gateway", role="operator")
        self.assertEqual(done.returncode, 4)
        self.assertEqual(self.ctl("endpoint", "protect", "gw").returncode, 2)
        self.assertEqual(self.ctl("endpoint", "protect", "gw", "--reason", "r").returncode, 0)
        self.assertTrue(self.viewer.get("/endpoints/gw")["protected"])

    def test_pending_by_both_ways(self):
        identity = self.viewer.items("/pending")[0]["containment"]["id"]
        self.assertIn("weak", self.ctl("pending").stdout)
        self.assertEqual(self.ctl("pending", "enforce", identity, "--reason", "r").returncode, 0)
        self.assertEqual(self.ctl("revert", identity, "--reason", "r").returncode, 1)

    def test_evidence_to_a_file(self):
        out = pathlib.Path(self.server.folder.name, "evidence.pcap")
        self.assertEqual(self.ctl("evidence", "d-1", "-o", str(out)).returncode, 0)
        self.assertEqual(out.read_bytes()[:4], b"\xd4\xc3\xb2\xa1")

    def test_policy_replay(self):
        self.server.tell("wait 5")
        done = self.ctl("policy", "replay", "--days", "2", "--auto", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertTrue(told["replay"]["complete"])
        self.assertEqual(told["replay"]["assume"], "auto")
        self.assertGreaterEqual(told["replay"]["detections"], 1)
        self.assertEqual(len([one for one in told["decisions"] if not one.get("settled")]),
                         told["replay"]["contained"]
                         + told["replay"]["held"] + told["replay"]["observed"])
        out = pathlib.Path(self.server.folder.name, "replay.csv")
        draft = pathlib.Path(self.server.folder.name, "draft.yaml")
        draft.write_text("networks: [{name: '=1+1', prefixes: [192.0.2.0/24], mode: approve, home: true}]\n"
                         "policies: [{name: '=cmd()', then: [{action: isolate}]}]\n")
        done = self.ctl("policy", "replay", str(draft), "-o", str(out))
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = out.read_text().splitlines()
        self.assertTrue(lines[0].startswith("first,last,times,outcome"))
        self.assertGreaterEqual(len(lines), 2)
        self.assertIn("'=cmd()", lines[1])  # no spreadsheet takes it for a formula
        self.assertNotIn(",=", "".join(lines))
        draft.write_text("policies: [\n")
        self.assertEqual(self.ctl("policy", "replay", str(draft)).returncode, 1)
        self.assertEqual(self.ctl("policy", "replay", "--days", "100").returncode, 2)
        jobs = json.loads(self.ctl("jobs", "--json").stdout)
        self.assertEqual(jobs[0]["kind"], "policy.replay")
        self.assertEqual(jobs[0]["state"], "done")
        self.assertEqual(self.ctl("jobs", "cancel", jobs[0]["id"]).returncode, 1)
        self.assertIn("policy.replay", self.ctl("jobs").stdout)

    def test_policy_test_of_a_file(self):
        path = pathlib.Path(self.server.folder.name, "events")
        path.write_text("# a comment\n\nrubbish\n" + "x" * 20000 + "\n" + "rubbish\n" * 450)
        done = self.ctl("policy", "test", str(path), "--json")
        lines = json.loads(done.stdout)
        self.assertEqual(len(lines), 452)
        self.assertEqual(sorted(line["line"] for line in lines), list(range(3, 455)))
        self.assertEqual(self.ctl("policy", "test", "/nonexistent").returncode, 2)

    def test_policy_test_counts_over_all_of_a_long_file(self):
        """1,000 lines go in several requests; 30 events on both sides of the first border count."""
        path = pathlib.Path(self.server.folder.name, "long")
        lines = ["rubbish"] * 1000
        for number in list(range(186, 216)) + list(range(985, 1000)):
            lines[number - 1] = json.dumps(counted(number))
        path.write_text("\n".join(lines) + "\n")
        done = self.ctl("policy", "test", str(path), "--assume", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual([line["line"] for line in told], list(range(1, 1001)))
        self.assertEqual([line["line"] for line in told
                          if "[policy counted" in "".join(line.get("says", []))], [215])
        self.assertIn("isolate is already", "".join(told[999 - 1]["says"]))  # 800 lines later

    def test_doctor_exits_with_1(self):
        done = self.ctl("doctor")
        self.assertEqual(done.returncode, 1)
        self.assertIn("br_netfilter", done.stdout)
        self.assertRegex(done.stdout, r"CHECK +ALL +GOOD")

    def test_exit_codes(self):
        self.assertEqual(self.ctl("endpoint", "nobody").returncode, 1)
        self.assertEqual(self.ctl().returncode, 2)
        self.assertEqual(self.ctl("nonsense").returncode, 2)
        self.assertEqual(self.ctl("contain", "c2", "--reason", "r").returncode, 2)
        self.assertEqual(self.ctl("contain", "c2", "--none").returncode, 2)
        self.assertEqual(self.ctl("links", "--colour").returncode, 2)
        self.assertEqual(self.ctl("links", "--url", "http://127.0.0.1:1").returncode, 2)
        self.assertEqual(self.ctl("links", "--url", "https://127.0.0.1:1").returncode, 3)
        self.assertEqual(self.ctl("links", "--ca", "/etc/ssl/certs/ca-certificates.crt").returncode,
                         3)
        self.assertEqual(self.ctl("links", env={"CORDON_TOKEN": "wrong"}).returncode, 4)
        done = self.ctl("panic", "--reason", "r", role="viewer")
        self.assertEqual(done.returncode, 4)
        self.assertIn("operator", done.stderr)

    def test_help(self):
        overview = self.ctl("--help")
        self.assertEqual(overview.returncode, 0)
        for name in ("endpoints", "contain", "doctor"):
            self.assertIn(name, overview.stdout)
            self.assertIn("SYNOPSIS", self.ctl(name, "--help").stdout)

    def test_events_are_followed(self):
        environment = dict(os.environ, CORDON_URL=self.server.url, CORDON_CA=self.server.ca,
                           CORDON_TOKEN_FILE=self.server.token_file("viewer"))
        process = subprocess.Popen([CORDONCTL, "events", "--json"], env=environment,
                                   stdout=subprocess.PIPE, text=True)
        try:
            while "cordon_web_listeners 1" not in self.viewer.text("/metrics"):
                pass
            self.server.tell("event")
            event = json.loads(process.stdout.readline())
            self.assertEqual(event["event"], "containment")
            self.assertTrue(event["id"])
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
