#!/usr/bin/python3
"""cordonctl against the API.

    test_ctl.py SERVE CORDONCTL SOURCE"""
import json
import os
import pathlib
import ssl
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

from serving import CORDONCTL, SLOW_S, Case, counted


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
