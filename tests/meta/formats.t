#!/usr/bin/env python3
"""Numbers and reasons in FORMAT.md are those of the code: kinds, types, roles, and which rule gives which reason."""

import re

from sources import ROOT

from tap import done, is_, ok

FORMAT = (ROOT / "docs/FORMAT.md").read_text()


def section(begin, end):
    return FORMAT[FORMAT.index(begin):FORMAT.index(end)]


def code(*paths):
    return re.sub(r"/\*.*?\*/", "", "\n".join((ROOT / path).read_text() for path in paths), flags=re.S)


def enum(text, prefix):
    """{number: name} of the enumeration whose names begin so."""
    return {int(number): name.lower() for name, number in re.findall(rf"\b{prefix}_(\w+) = (\d+)", text)}


def rows(text):
    """{number: name} of a table whose rows begin with both."""
    return {int(number): name for number, name in re.findall(r"^\| (\d+) (\w+) \|", text, re.M)}


def listed(text):
    """{number: name} of "0 viewer, 1 editor"."""
    return {int(number): name for number, name in re.findall(r"\b(\d) ([a-z]+)", text)}


def line(begin, end="\n"):
    at = FORMAT.index(begin) + len(begin)
    return FORMAT[at:FORMAT.index(end, at)]


body_h, entry_h = code("core/room/body.h"), code("core/log/entry.h")
payload = code("core/state/payload.h", "core/state/payload.c")

is_(rows(section("## 5. ", "## 6. ")), enum(body_h, "PV_ROSTER"), "types of roster bodies")
is_(rows(section("## 6. ", "## 7. ")), enum(body_h, "PV_SERVER"), "types of the server's bodies")
is_(rows(section("## 10. ", "## 11. ")), enum(payload, "PV_PAYLOAD"), "types of payloads")
is_(listed(line("\nKinds: ", "`author`").replace("(§4)", "").replace("(§5)", "").replace("(§6)", "")), enum(entry_h, "PV_KIND"), "kinds of entries")
is_(listed(line("\nRoles: ", ".")), enum(body_h, "PV_ROLE"), "roles")
is_(listed(line("    stance  = ")), enum(body_h, "PV_STANCE"), "stances of a sign")
is_(listed(line("; state ")), {number: name for number, name in enumerate(
    word.lower() for word in re.findall(r"PV_ROOM_(INTENDED|JOINED|LEFT)\b = \d", payload))}, "places of a room")
purposes = listed(line("    purpose = "))
is_(sorted(purposes), list(range(int(re.search(r"PURPOSES = (\d+)", code("core/room/body_sign.c"))[1]))), "purposes of a sign")
kinds = {name: kind for name, kind in re.findall(r"PV_PAYLOAD_(\w+), PV_KIND_(TALK|WORK)", payload)}
told = {name: {"2": "TALK", "3": "WORK"}[kind] for name, kind in
        re.findall(r"^\| \d+ (\w+) \| ([23])", section("## 10. ", "## 11. "), re.M)}
is_({name.upper(): kind for name, kind in told.items()}, kinds, "the kind that each payload goes into")

def fields(array):
    """How many items a written array has: `[1, id(16), [a, b], …]` has three and more."""
    depth, count = 0, 1
    for at, sign in enumerate(array):
        depth += (sign in "[(") - (sign in "])")
        if sign == "," and depth == 1:
            count += 1
        if depth == 0:
            return count, array[:at + 1]
    return None


def written(begin, end):
    """{type: fields} of the bodies in a section's table."""
    found = {}
    for number, array in re.findall(r"^\| (\d+) \w+ \| (?:[a-z ]+: )?`(\[\1[^|]*)", section(begin, end), re.M):
        found[int(number)] = fields(array)[0]
    return found


def wanted(path, prefix):
    numbers = {name.upper(): number for number, name in enum(body_h, prefix).items()}
    return {numbers[name]: int(count) for name, count in re.findall(rf"\[{prefix}_(\w+)\] = \{{(\d+), get_", code(path))}


def told_fields(cell):
    """How many fields a payload's row names beside type and write id; how long each is, is said between commas, too."""
    while (flat := re.sub(r"[\[(][^\[\]()]*[\])]", "", cell)) != cell:
        cell = flat
    return len([piece for piece in cell.split(",") if not re.match(r" (?:\d|at most|indexes|epochs)", piece)])


rows_of = re.findall(r"^\| \d+ (\w+) \| [23][^|]*\| (.*) \|$", section("## 10. ", "## 11. "), re.M)
is_({name.upper(): 2 + told_fields(cell) for name, cell in rows_of},
    {name: int(count) for name, count in re.findall(r"PV_PAYLOAD_(\w+), PV_KIND_\w+, (\d+)\}", payload)}, "how many fields each payload has")
is_(written("## 5. ", "## 6. "), wanted("core/room/body.c", "PV_ROSTER"), "how many fields each roster body has")
is_(written("## 6. ", "## 7. "), wanted("core/room/body_sign.c", "PV_SERVER"), "and each of the server's")
for name, line_of, path, constant in (("header", "    header = ", "core/log/entry.c", "HEADER_FIELDS"), ("gate", "    gate     = ", "core/room/gate.c", "GATE_FIELDS"),
                                      ("policy", "    policy   = ", "core/room/gate.c", "POLICY_FIELDS"), ("link", "    link  = ", "core/room/invite_link.c", "LINK_FIELDS"),
                                      ("keystore", "    keystore = ", "core/room/keystore_file.c", "FILE_FIELDS"),
                                      ("keystore's content", "    content  = cbor(", "core/room/keystore_file.c", "CONTENT_FIELDS"),
                                      ("device's secrets", "    secrets        = cbor(", "core/room/keystore.c", "SECRETS_FIELDS"),
                                      ("share", "    shares   = [", "core/room/gate.c", "SHARE_FIELDS"),
                                      ("release request", "\nRelease request: `", "core/room/release.c", "REQUEST_FIELDS"),
                                      ("release answer", " Answer: `", "core/room/release.c", "ANSWER_FIELDS"),
                                      ("succession", "    succession        = ", "core/room/succession.c", "FIELDS"),
                                      ("signed succession", "    signed succession = ", "core/room/succession.c", "SIGNED_FIELDS"),
                                      ("succession's place", "    place   = ", "core/room/succession.c", "PLACE_FIELDS")):
    is_(fields(line(line_of))[0], int(re.search(rf"\b{constant} = (\d+)", code(path))[1]), f"how many fields a {name} has")

RULES = "core/room/roster_{}.c"
PARTS = ("join", "members", "devices", "keeping", "kinds")


def functions(text):
    """{name: body} of the C functions in a text, and {rule: initialiser}."""
    found = dict(re.findall(r"^(?:static )?(?:const )?[\w ]+?\**\b(\w+)\([^;{]*?\)\n\{\n(.*?)^\}", text, re.M | re.S))
    return found, dict(re.findall(r"^const struct pv_rule pv_rule_(\w+) = \{(.*?)\};", text, re.M | re.S))


def reasons(name, known, seen):
    """The reasons that a function gives, itself or by those of its file that it calls."""
    if name in seen or name not in known:
        return set()
    seen.add(name)
    found = set(re.findall(r"PV_REASON_(\w+)", known[name]))
    for called in re.findall(r"\b(\w+)\(", known[name]):
        found |= reasons(called, known, seen)
    return found


given = {}
for part in PARTS:
    known, rules = functions(code(RULES.format(part)))
    for rule, text in rules.items():
        check = re.search(r"\.check = (\w+)", text)
        given[rule] = reasons(check[1], known, set()) if check else set()
        given[rule] |= {reason for field, reason in (("member", "NOT_MEMBER"), ("client", "ROOM"), ("owner", "ROLE"))
                        if f".{field} = true" in text}
given = {rule: {reason.lower() for reason in found - {"NONE"}} for rule, found in given.items()}
ok(len(given) > 20 and len(given["join"]) > 8, "rules and their reasons are found")

IMPLIED = (("member", "not_member"), ("client room", "room"), ("owner", "role"))
said = {}
for name, conditions in re.findall(r"^\| ([\w, ]+?) \| (.*?) \|", section("### 7.2 ", "**Closing**"), re.M)[1:]:
    found = set(re.findall(r"\(`(\w+)`", conditions))
    found |= {reason for word, reason in IMPLIED if re.search(rf"(?:^|; ){word}(?:;|$)", conditions)}
    if name == "any":
        continue
    names = ["sign"] if name.startswith("sign") else name.split(", ")
    for rule in names:
        said[rule] = said.get(rule, set()) | found
is_(sorted(said), sorted(given), "each rule of the code has its row in §7.2")
for rule in sorted(set(said) & set(given)):
    is_(sorted(said[rule]), sorted(given[rule]), f"{rule}: its reasons")
done()
