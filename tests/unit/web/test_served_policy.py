#!/usr/bin/python3
"""The policy and the warning page through the API.

    test_served_policy.py SERVE CORDONCTL SOURCE"""
import json
import pathlib
import sys
import time
import unittest

from serving import SLOW_S, Case, counted


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


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
