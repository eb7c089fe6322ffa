#!/usr/bin/python3
"""The words of the enums have one Japanese wording wherever people read them: the server's sentences
(wire/said_words.c), the console (words/domain.ts and the screens that show modes), messages
(notify/text.c) and cordonctl (cli/catalog.c).  Every value of an enum has its word.

    test_words.py SOURCE"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(sys.argv[1])
NAMES = "src/model/names.c"
# The enum's names in C: their prefix in the server's table, and in the console's.
ENUMS = {
    "action_names": ("action", "action"), "mode_names": ("mode", None), "phase_names": ("phase", "phase"),
    "severity_names": ("severity", "severity"), "strength_names": ("strength", "strength"),
    "hold_names": ("hold", "hold"), "containment_state_names": ("state", "state"),
    "location_class_names": (None, "class"), "endpoint_class_names": (None, "machine"),
    "account_role_names": (None, "role"),
}
# The words that a heading of cordonctl shares with the console and the guide: English to Japanese.
HEADINGS = {
    "ACTION": "措置", "CLASS": "分類", "HELD": "保留の理由", "PHASE": "攻撃フェーズ", "ROLE": "権限",
    "SERVER": "サーバー", "SEVERITY": "重大度", "SOURCE": "検知元", "STRENGTH": "証拠の強さ",
    "residual reach": "まだ到達できる範囲", "timeline": "時系列",
}
wrong = []


def text_of(path):
    return (SOURCE / path).read_text()


def values_of(name):
    path = "src/wire/op.c" if name == "account_role_names" else NAMES
    body = re.search(rf"\b{name}\[[^\]]*\] = {{(.*?)}};", text_of(path), re.S).group(1)
    return re.findall(r'"(\w+)"', body)


def screen_words(path):
    """The Japanese half of a screen's words."""
    half = re.search(r"\n *ja: {\n(.*?)\n *},\n *}\);", text_of(path), re.S).group(1)
    return dict(re.findall(r"^ *(\w+): '([^']*)',$", half, re.M))


def message_words(table, names):
    """A table of notify/text.c, by designators or in the order of the enum."""
    body = re.search(rf"\b{table}\[\w+\] = {{(.*?)}};", text_of("src/notify/text.c"), re.S).group(1)
    rows = re.findall(r'(?:\[(\w+)\] = )?{{"[^"]*", "([^"]*)"}}', body)
    return {label.split("_", 1)[1].lower() if label else name: word
            for name, (label, word) in zip(names, rows, strict=True)}


def same(what, *places):
    """Each place: who says it, and the word or nothing."""
    said = [f"{who}: {word or 'no word'}" for who, word in places]
    if len({word for _, word in places}) != 1 or not places[0][1]:
        wrong.append(f"{what}: " + "; ".join(said))


server = dict(re.findall(r'{"word\.(\w+\.\w+)", "[^"]*", "([^"]*)"}', text_of("src/wire/said_words.c")))
console = screen_words("console/src/words/domain.ts")
modes = {"words/replay.ts": ("console/src/words/replay.ts", "mode_"),
         "Modes.svelte": ("console/src/policy/Modes.svelte", "mode_"),
         "Rollout.svelte": ("console/src/screens/Rollout.svelte", "")}
catalog = dict(re.findall(r'{"([^"]+)",\s*"([^"]+)"}', text_of("src/cli/catalog.c")))
messages = {name: message_words(table, values_of(name))
            for name, table in (("action_names", "actions"), ("severity_names", "severities"))}

for enum, (code, kind) in ENUMS.items():
    values = values_of(enum)
    assert len(values) > 2, enum
    for value in values:
        places = []
        if code:
            places.append(("said_words.c", server.get(f"{code}.{value}")))
        if kind:
            places.append(("domain.ts", console.get(f"{kind}_{value}")))
        if enum in messages:
            places.append(("text.c", messages[enum].get(value)))
        if enum == "mode_names":
            places += [(who, screen_words(path).get(prefix + value)) for who, (path, prefix) in modes.items()]
            places.append(("catalog.c", catalog.get(value.upper())))
        same(f"{enum} {value}", *places)
for english, japanese in HEADINGS.items():
    same(f"heading {english}", ("here", japanese), ("catalog.c", catalog.get(english)))
for path in [*SOURCE.glob("console/src/screens/**/*.svelte"), *SOURCE.glob("src/wire/said_*.c"),
             SOURCE / "src/notify/text.c", *SOURCE.glob("docs/*.ja.md")]:
    for other, one in (("深刻度", "重大度"), ("攻撃段階", "攻撃フェーズ")):
        if other in path.read_text():
            wrong.append(f"{path.relative_to(SOURCE)}: {other} is called {one}")

print("\n".join(wrong))
sys.exit(1 if wrong else 0)
