#!/usr/bin/python3
"""Every sentence that the sources say to people is in the table of wire/said.h, so that it is worded in
both languages: the text literals of the calls below are looked for in the OpenAPI document's x-texts.

    test_said_sources.py SOURCE"""
import json
import pathlib
import re
import sys

SOURCE = pathlib.Path(sys.argv[1])
# Who says something to people: the call, in which files, and which of its texts.
CALLS = (
    (r"ask_problem\(", "src/controller/ask/*.c"), (r"refuse\(", "src/web/*.c"), (r"deny\(why,", "src/web/may.c"),
    (r"reply_problem\(", "src/web/*.c"), (r"hold_as\(", "src/policy/*.c"),
    (r"doubt\(", "src/policy/*.c"), (r"rate\(", "src/policy/*.c"),
    (r"\btell\(outcome,", "src/policy/engine.c"), (r"\bdoctor_find\(", "src/controller/ask/ask_doctor*.c"),
    (r"altered_note\(", "src/controller/observed.c"), (r"store_put_audit\(", "src/controller/**/*.c"),
    (r"snprintf\(\s*detail, sizeof\(detail\),",
     "src/controller/**/{enrolments,certificates,unproven,notices,observed,copies,clocks,pressure,ended,storm,follow}.c"),
    (r"\b(?:notices|controller)_tell(?:_object|_containment)?\(", "src/controller/**/*.c"),
    (r"snprintf\(\s*text, sizeof\(text\),", "src/controller/**/{disk,records,resite,observed,overdue,unproven}.c"),
    (r"\btell\(controller,", "src/controller/**/{disk,unstored}.c"),
    (r"snprintf\(\s*(?:copies->view\.last|result|source->stats)\.problem, [^,]+,", "src/{controller,intake}/**/*.c"),
    (r"snprintf\(problem, (?:TEXT_SIZE|sizeof\(problem\)),", "src/intake/*.c"),
    (r"snprintf\(why, 256,", "src/cordond/backup.c"),
    (r"snprintf\(detail, sizeof\(detail\),", "src/topology/*.c"),
    (r"add_reach\(", "src/controller/ask/ask_containments.c"), (r"\bsay\(location,", "src/topology/*.c"),
    (r"held_fail\(", "src/edge/*.c"), (r"problem_add\(", "src/edge/*.c"),
    (r"snprintf\(why, (?:TEXT_SIZE|WHY_SIZE|128),", "src/{policy,controller,wire,edge}/**/*.c"),
    (r"\balteration_tell\((?:turn->)?done, (?:turn->)?context, WISH_\w+,", "src/controller/{wish,pending,alteration}.c"),
    (r"\bdone\(context, NOTIFY_\w+,", "src/controller/notices/*.c"),
    (r"question_answer\(notices, question, false,", "src/controller/notices/*.c"),
    (r"change_end\(notices, NOTIFY_FAILED,", "src/controller/notices/*.c"),
    (r"snprintf\(result(?:->|\.)answer, \S+", "src/notify/{deliver,deliver_syslog,notify_role}.c"),
)
LITERAL = r'"((?:[^"\\]|\\.)*)"'
# Places, names and words that are no sentences.
PLAIN = re.compile(r"^[a-z_A-Z/{}.:%\[\]0-9-]*$|^, |^ \(|^; |^: $|^with |^ and |^ see|^%")
# Put together from pieces; the whole ones are in test_said.c, or not for people.
PIECES = ("(mode observe%s", "is already %s", "in force", " yet for ", "s %s ours", "connected%s%s",
          "since %s, %s%s%s", "port since%s", "access port%s", "class is none of", "the server",
          "bridge and port names", "protected: '", "makes_bridge needs", " leaves it to a person", " says observe by now",
          "HTTP %ld%s", "MAC addresses on one %s", "which is %s", "leased to", "in use by", "%): %s",
          "a link of another", "the master key comes from", "the backup is not locked")


def is_piece(one):
    return any(one.startswith(piece) or one.endswith(piece) or "%s" in piece and piece in one
               for piece in PIECES)


def files(pattern):
    for one in re.findall(r"\{(.*?)\}", pattern):
        for name in one.split(","):
            yield from SOURCE.glob(pattern.replace("{%s}" % one, name))
        return
    yield from SOURCE.glob(pattern)


def argument_text(text, begin):
    """From the open bracket before 'begin' to its end."""
    depth, at = 1, begin
    while depth and at < len(text):
        if text[at] == '"':
            at = re.compile(LITERAL).match(text, at).end() - 1
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[begin:at - 1]


def sentences(arguments):
    arguments = re.sub(r'"\s*PRI\w+\s*"', "d", arguments)
    arguments = re.sub(r'"\s*(API_PREFIX)\s*"', "/api/v1", arguments)
    arguments = re.sub(r'"\s*(JSON_MEDIA)', 'application/json"', arguments)
    for run in re.findall(r"(?:%s\s*)+" % LITERAL.replace("(", "(?:", 1), arguments):
        yield "".join(re.findall(LITERAL, run)).replace('\\"', '"')


def main():
    document = json.loads((SOURCE / "docs/api/openapi.json").read_text())
    rows = document["components"]["schemas"]["Said"]["x-texts"]
    words = {code: row["en"] for code, row in rows.items() if code.startswith("word.")}

    def place(found):
        """What the sample values can stand for; a word may be written out in the source."""
        if found[1].startswith(":word"):
            known = [re.escape(en) for code, en in words.items() if code.startswith(found[1][1:])]
            return "(?:%s)" % "|".join(known + ["x1"])
        if found[1] == "s":
            return r"\d+ s"
        return r"\d+" if found[1] == "#" else r"[x17/:.]+"
    forms = []
    for row in rows.values():
        parts = re.split(r"(\{\d[^}]*\})", row["en"])
        forms.append(re.compile("".join(
            re.sub(r"\{\d([^}]*)\}", place, part) if part.startswith("{") else re.escape(part)
            for part in parts)))
    unknown, seen = [], 0
    for call, where in CALLS:
        for path in files(where):
            text = path.read_text()
            for found in re.finditer(call, text):
                for one in sentences(argument_text(text, found.end())):
                    sample = re.sub(r"%[-.0-9*]*(?:ll|z|l)?[du]", "7", one)
                    sample = re.sub(r"%[-.0-9*]*s", "x1", sample).replace("%%", "%")
                    if " " not in sample or PLAIN.match(one) or is_piece(one):
                        continue
                    seen += 1
                    parts = [sample] if any(f.fullmatch(sample) for f in forms) else sample.split("; ")
                    if not all(any(f.fullmatch(part) for f in forms) for part in parts):
                        unknown.append(f"{path.relative_to(SOURCE)}: {one}")
    print(f"{seen} sentences, {len(unknown)} without words in the table of wire/said.h")
    for one in unknown:
        print("  " + one)
    return 1 if unknown or seen < 200 else 0


if __name__ == "__main__":
    sys.exit(main())
