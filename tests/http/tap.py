"""Tests are functions whose names are sentences; results are told as the Test Anything Protocol has them.

A test fails by an AssertionError or any other exception. It has a time limit. Those that mostly wait
are marked `beside=True`: they run in threads, beside the others and each other.
"""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback

LIMIT_S = 40

_tests = []
_notes = threading.Lock()

SANITIZED = os.environ.get("RUNSTORE_SANITIZED", "none") != "none"
LONG = bool(os.environ.get("RUNSTORE_LONG_TESTS"))


class Skip(Exception):
    """The test cannot be made here."""


class TimeLimit(AssertionError):
    pass


class _Test:
    def __init__(self, function, beside, limit):
        self.function = function
        self.name = function.__name__.replace("_", " ")
        self.beside = beside
        self.limit = limit
        self.failure = None
        self.skipped = None
        self.thread = None
        self.took = 0.0

    def run(self):
        begun = time.monotonic()
        try:
            self.function()
        except Skip as skip:
            self.skipped = str(skip)
        except AssertionError as error:
            self.failure = [str(error) or "an assertion", *_where(error)]
        except BaseException:  # whatever it was, it is this test's result
            self.failure = traceback.format_exc().splitlines()
        self.took = time.monotonic() - begun


def _where(error):
    """Lines of this suite that led to the error, the innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"at {os.path.basename(frame.filename)}:{frame.lineno}: {frame.line}"
            for frame in frames if frame.filename != __file__][-3:]


def test(function=None, *, beside=False, limit=LIMIT_S):
    """Make @function a test of this file."""
    def register(function):
        _tests.append(_Test(function, beside, limit))
        return function
    return register(function) if function else register


def note(text):
    """A line for whoever reads the output."""
    with _notes:
        print("\n".join(f"# {line}" for line in str(text).splitlines()), flush=True)


class Cases:
    """Many cases in one test: all that fail are told, not only the first."""

    def __init__(self):
        self.failed = []

    @contextlib.contextmanager
    def case(self, name):
        try:
            yield
        except TimeLimit:
            raise
        except Exception as error:  # the next case may be well
            what = str(error) or type(error).__name__
            if not isinstance(error, AssertionError):
                what = f"{type(error).__name__}: {what}"
            self.failed.append(f"{name}: {what}")

    def end(self):
        if self.failed:
            raise AssertionError(f"{len(self.failed)} cases failed\n" + "\n".join(self.failed))


@contextlib.contextmanager
def cases():
    """Cases, told when the block ends."""
    all_of_them = Cases()
    yield all_of_them
    all_of_them.end()


def parallel(functions, limit=30):
    """Run @functions each in a thread; the results in their order. The first exception is raised."""
    results = [None] * len(functions)
    errors = []

    def run(at):
        try:
            results[at] = functions[at]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(at,), daemon=True)
               for at in range(len(functions))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + limit
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), f"not done within {limit} s"
    return results


def eventually(condition, within=5.0, every=0.02):
    """Whether @condition() comes true in time."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


def _alarm(_signal, _frame):
    raise TimeLimit("the time limit of the test is over")


def _run_in_front(case):
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, case.limit)
    try:
        case.run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _report(number, case):
    verdict = "not ok" if case.failure else "ok"
    skip = f" # SKIP {case.skipped}" if case.skipped else ""
    with _notes:
        print(f"{verdict} {number} - {case.name}{skip}", flush=True)
    if case.took > 3:
        note(f"took {case.took:.1f} s")
    for line in case.failure or []:
        note(line)


def main():
    """Run the tests of this file, or those whose names have a word of the command line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chosen = [case for case in _tests
              if not sys.argv[1:] or any(word in case.function.__name__ for word in sys.argv[1:])]
    print(f"1..{len(chosen)}", flush=True)
    begun = time.monotonic()
    for case in chosen:
        if case.beside:
            case.thread = threading.Thread(target=case.run, daemon=True)
            case.thread.start()
    for number, case in enumerate(chosen, 1):
        if case.thread:
            case.thread.join(max(0.0, begun + case.limit - time.monotonic()))
            if case.thread.is_alive():
                case.failure = [f"it did not end within {case.limit} s"]
        else:
            _run_in_front(case)
        _report(number, case)
    sys.exit(1 if any(case.failure for case in chosen) else 0)
