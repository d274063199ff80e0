"""Functions and files stay short."""

import tap

MAX_FUNCTION = 80
MAX_FILE = 600


def functions(text):
    """(first line, number of lines) of each function, as the project's layout has them."""
    lines = text.splitlines()
    start = None
    for at, line in enumerate(lines):
        if line == "{":
            start = at
            while start and not ends_what_was_before(lines[start - 1]):
                start -= 1
        elif line == "}" and start is not None:
            yield start + 1, at - start + 1
            start = None


def ends_what_was_before(line):
    return not line or line.startswith(("#", " *", "/*", "}")) or line.endswith((";", "}", "*/"))


def percentile(sizes, share):
    return sizes[min(len(sizes) - 1, int(len(sizes) * share))] if sizes else 0


def describe(name, sizes):
    sizes = sorted(sizes)
    report.note(f"{name}: {len(sizes)} functions, median {percentile(sizes, 0.5)} lines, "
                f"90th percentile {percentile(sizes, 0.9)}, longest {percentile(sizes, 1)}")


report = tap.Report()
long_functions, long_files = [], []
sizes = {"code": [], "tests": []}
for path, text in tap.sources(".c", ".h"):
    length = text.count("\n")
    if length > MAX_FILE:
        long_files.append(f"{path} has {length} lines")
    for line, size in functions(text):
        sizes["tests" if path.startswith("tests/") else "code"].append(size)
        if size > MAX_FUNCTION:
            long_functions.append(f"{path}:{line}: the function has {size} lines")
for name, found in sizes.items():
    describe(name, found)
report.result(f"no function is longer than {MAX_FUNCTION} lines", long_functions)
report.result(f"no file is longer than {MAX_FILE} lines", long_files)
report.result("there are functions", [] if sizes["code"] else ["none was found"])
report.end()
