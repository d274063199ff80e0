"""What the lint tests share: the sources, and results as the Test Anything Protocol has them."""

import pathlib
import sys

FOLDERS = ("proto", "client", "daemon", "tools", "tests")


def root():
    return pathlib.Path(sys.argv[1]).resolve()


def sources(*suffixes):
    """The files of the project with these suffixes, (path from the root, text) each."""
    top = root()
    for folder in FOLDERS:
        for path in sorted((top / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path.relative_to(top).as_posix(), path.read_text(encoding="utf-8")


class Report:
    def __init__(self):
        self.lines = []
        self.failed = False

    def note(self, text):
        self.lines.append(f"# {text}")

    def result(self, name, problems):
        """One test: it passes when there are no problems."""
        problems = list(problems)
        number = sum(not line.startswith("#") for line in self.lines) + 1
        self.lines.append(f"{'not ' if problems else ''}ok {number} - {name}")
        for problem in problems:
            self.note(problem)
        self.failed = self.failed or bool(problems)

    def end(self):
        count = sum(not line.startswith("#") for line in self.lines)
        print("\n".join([f"1..{count}", *self.lines]))
        sys.exit(1 if self.failed else 0)
