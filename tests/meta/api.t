#!/usr/bin/env python3
"""API.md lists the server's requests, codes and reasons, none more and none fewer; privityd(8) its options."""

import re

from sources import ROOT, c_files

from tap import done, is_, ok

API = (ROOT / "docs/API.md").read_text()
FORMAT = (ROOT / "docs/FORMAT.md").read_text()
server = re.sub(r"/\*.*?\*/", "", "\n".join((ROOT / path).read_text() for path in c_files("server")), flags=re.S)

# ---- requests: who may ask, and whether a body comes

AUTH = {"NONE": "", "SESSION": "session", "ROOM": "session", "READ": "session or ticket", "WRITE": "session, editor or owner"}


def plain(path):
    return re.sub(r"\{\w+\}", "{}", path.split("?")[0])


routes = {(method, plain(path)): (AUTH[auth], limit != "0") for method, path, auth, limit in
          re.findall(r'\{PV_METHOD_(\w+), "([^"]+)", PV_ROUTE_(\w+), \w+, ([^,]+), pv_\w+\}', server)}
told = {}
for request, auth, body in re.findall(r"^\| ((?:`[A-Z]+`, )?`[A-Z]+ /[^|]*`) \| ([^|]*?) ?\| ([^|]*?) ?\|", API, re.M):
    method, path = re.search(r"`([A-Z]+) (/[^`]*)`", request).groups()
    who = auth if auth == AUTH["WRITE"] else re.split(r"[,;]", auth)[0]
    told[method, plain(path)] = (who, body != "")
ok(len(routes) > 20, "the table of routes is found")
is_(sorted(told), sorted(routes), "each request of the server is in API.md")
for key in sorted(set(told) & set(routes)):
    is_(told[key], routes[key], f"{' '.join(key)}: who may ask, and whether a body comes")

# ---- codes and reasons

section = API[API.index("### Codes and reasons"):]
table = re.findall(r'X\(PV_(?:OK|ERR_\w+), \d, (\d+), "([a-z-]+)"', (ROOT / "core/base/err.h").read_text())
codes = {code: status for status, line in re.findall(r"^\| (\d{3}) \| (.*) \|$", section, re.M)
         for code in re.findall(r"`([a-z-]+)`", line)}
is_(codes, {code: status for status, code in table if code != "ok"}, "each code with its status")

verdicts = set(re.findall(r'X\(\w+, "(\w+)"\)', (ROOT / "core/room/roster.h").read_text()))
used = set(re.findall(r'(?:pv_problem(?:_status)?|refuse)\((?:[^";]|\([^)]*\))*?, "([a-z_]+)"', server))
used |= set(re.findall(r'"(early|expired|spent|revoked|unsigned|unapproved|password|impossible)"', server))
listed = {word for line in re.findall(r"^\| (`[a-z].*?) \|", section, re.M) for word in re.findall(r"`([a-z]+)`", line)}
ok(len(used) > 30, "reasons are found", *sorted(used))
is_(sorted(used - listed - verdicts), [], "each reason that the server gives is in API.md")
is_(sorted(listed - used), [], "each reason in API.md is one that the server gives")
rest = API[:API.index("### Codes and reasons")]
refused = rest[rest.index("| what | answer |"):rest.index("A client room is founded by")]
strange = {word for word in re.findall(r"`([a-z_]+)`", refused)} - used - verdicts - set(codes) - {"seen"}
is_(sorted(strange), [], "what refuses an append names codes and reasons that there are")

# ---- options and variables

variables = set(re.findall(r'^      \{"([A-Z_]+)", ', (ROOT / "cli/manual.c").read_text(), re.M))
sources = "\n".join((ROOT / path).read_text() for path in c_files("cli", "client", "core"))
asked = set(re.findall(r'getenv\("([A-Z_]+)"\)', sources))
for pair in re.findall(r'struct source \w+ = \{"([A-Z_]+)", "([A-Z_]+)"\}', sources):
    asked.update(pair)
# Said beside others, or what every program asks.
is_(sorted(asked - variables - {"HOME", "TERM", "XDG_DATA_HOME", "SSL_CERT_FILE"}), [], "privity(1) names each variable that is asked for")
is_(sorted(variables - asked), [], "and no other")

options = set(re.findall(r'^    \{"([a-z-]+)", "', (ROOT / "server/config.c").read_text(), re.M))
manual = set(re.findall(r"Fl -([a-z-]+)", "\n".join(re.findall(r"^\.It (Fl.*)$", (ROOT / "docs/man/privityd.8").read_text(), re.M))))
ok(len(options) > 10, "options of privityd are found")
alone = {"config", "check-config", "completion", "json", "help", "version"}  # of the command line
is_(sorted(manual - alone), sorted(options - alone), "privityd(8) lists each option")
is_(sorted(alone - manual), [], "and those of the command line alone")
admin = set(re.findall(r'^    \{\.name = "([a-z-]+)", ', (ROOT / "server/admin.c").read_text(), re.M))
is_(sorted(set(re.findall(r"^\.It Cm admin ([a-z-]+)", (ROOT / "docs/man/privityd.8").read_text(), re.M))), sorted(admin),
    "and each command of the operator")
done()
