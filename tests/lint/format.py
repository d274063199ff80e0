"""Every C file is as clang-format, the second argument, lays it out."""

import subprocess
import sys

import tap


def badly_laid_out(clang_format):
    paths = [tap.root() / path for path, _ in tap.sources(".c", ".h")]
    run = subprocess.run([clang_format, "--dry-run", "-Werror", *paths], text=True,
                         stderr=subprocess.PIPE, cwd=tap.root(), check=False)
    found = [line for line in run.stderr.splitlines() if "error:" in line]
    if run.returncode and not found:
        found = [f"clang-format failed: {run.stderr.strip()}"]
    return found


report = tap.Report()
report.result("every file is formatted", badly_laid_out(sys.argv[2]))
report.end()
