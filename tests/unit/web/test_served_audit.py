#!/usr/bin/python3
"""The operation log, its exports, and what is watched after a release, through the API.

    test_served_audit.py SERVE CORDONCTL SOURCE"""
import base64
import csv
import io
import json
import pathlib
import ssl
import sys
import unittest
import urllib.error
import urllib.request

from serving import Browser, Case, client, wait_for


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
        wait_for(lambda: {"=", "＝"} <= {row["object"][:1] for row in self.browse("&action=session.failed")},
                 "both in the audit")
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
        wait_for(lambda: [row for row in self.browse("&action=session.failed") if "a|b" in row["object"]],
                 "it is in the audit")
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


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
