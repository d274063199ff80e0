"""Nothing is left to be done in the sources, and the documents name what is there."""

import re

import tap

# Put together so that this file does not contain them.
LEFTOVERS = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
SUFFIXES = (".c", ".h", ".def", ".build", ".py", ".sh", ".md", ".map", ".scd", ".in", ".ac")
COMMANDS = ("tools/quickstart", "tools/test")


def leftovers():
    for path, text in tap.sources(*SUFFIXES):
        for number, line in enumerate(text.splitlines(), 1):
            if LEFTOVERS.search(line):
                yield f"{path}:{number}: {line.strip()}"


def missing_in_readme():
    readme = tap.root() / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    for command in COMMANDS:
        if command not in text:
            yield f"README.md does not name {command}"
        elif not (tap.root() / command).is_file():
            yield f"README.md names {command}, which is not there"


report = tap.Report()
report.result("nothing is left to be done", leftovers())
report.result("the README names the commands to begin with", missing_in_readme())
report.end()
