"""The protocol document has every method, code and field of the tables, and no method else."""

import re

import tap

METHOD = re.compile(r'^METHOD\(\w+, "([^"]+)"', re.MULTILINE)
CODE = re.compile(r'^ERR\(\w+, \d+, "([^"]+)"', re.MULTILINE)
PARAM = re.compile(r"^PARAM\((\w+)\)", re.MULTILINE)
FIELD = re.compile(r"^FIELD\((\w+),", re.MULTILINE)
NAMED = re.compile(r"`((?:runs|steps|threads|messages|assistants|objects|server|store|changes|analytics|retention)"
                   r"\.[a-z_]+)`")

TABLES = (
    ("method", "methods.def", METHOD),
    ("code", "errors.def", CODE),
    ("parameter", "params.def", PARAM),
    ("field of a run", "run.def", FIELD),
    ("field of a step", "step.def", FIELD),
    ("field of a thread", "thread.def", FIELD),
    ("field of a message", "message.def", FIELD),
    ("field of an assistant", "assistant.def", FIELD),
)


def rows(file, pattern):
    return pattern.findall((tap.root() / "proto" / file).read_text(encoding="utf-8"))


def undocumented(kind, file, pattern):
    for name in rows(file, pattern):
        if not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w])", document):
            yield f"the {kind} {name} is not in proto/PROTOCOL.md"


report = tap.Report()
path = tap.root() / "proto" / "PROTOCOL.md"
document = path.read_text(encoding="utf-8") if path.is_file() else ""
for kind, file, pattern in TABLES:
    report.result(f"there is a {kind} in the table", [] if rows(file, pattern) else [file])
    if document:
        report.result(f"every {kind} is documented", undocumented(kind, file, pattern))
known = set(rows("methods.def", METHOD))
report.result("no other method is documented",
              (f"{name} is not in methods.def" for name in sorted(set(NAMED.findall(document)))
               if name not in known))
report.end()
