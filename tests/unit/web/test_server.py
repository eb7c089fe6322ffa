#!/usr/bin/python3
"""The API from outside: what is read, wished for and refused, live events, the console's files.

    test_server.py SERVE CORDONCTL SOURCE"""
import base64
import gzip
import hashlib
import json
import os
import pathlib
import re
import sys
import unittest

from serving import ROLES, SLOW_S, SOURCE, WISH, Case, client, counted, wait_for


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
        wait_for(lambda: [row for row in read() if row[0] == "token:admin"], "the administrator's reading")
        self.assertFalse([row for row in read() if row[0] == "token:operator"])
        refused = self.operator.raw("POST", "/payload-readers/token:operator",
                                    {"right": "allowed", "reason": "I want to"})
        self.assertEqual(refused[0], 403)
        self.admin.post("/payload-readers/token:operator",
                        {"right": "allowed", "reason": "looks into case 7"})
        self.assertEqual(names(self.operator), (whole, False))
        self.assertEqual(self.operator.raw("GET", "/evidence/d-1?reason=case+7")[0], 200)
        wait_for(lambda: ("token:operator", "d-1", "packets: case 7") in read(), "the operator's reading")
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
            for _ in range(200):  # see test_late
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


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
