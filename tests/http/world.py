"""The real daemon and the real gateway, in a temporary directory, for as long as a test needs them."""

import atexit
import itertools
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import rpc
import tap
import wire

READY_S = 20
STOP_S = 15
REFUSE_S = 5
READY = re.compile(r"ready listen=(\S+)(?: url=(\S+)| events=(\S+) data=(\S+))")
HTTP = re.compile(r"http://(?:\[(?P<six>[0-9a-f:]+)\]|(?P<four>[0-9.]+)):(?P<port>\d+)")

_numbers = itertools.count(1)
_processes = []


class Process:
    """A child of the test. Whatever happens, it ends with the test."""

    def __init__(self, command, directory):
        self.command = command
        self.log = os.path.join(directory, f"{os.path.basename(command[0])}-{next(_numbers)}.log")
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=log)
        self.pid = self.child.pid
        _processes.append(self)
        self.line = self._first_line()

    def _first_line(self):
        end = time.monotonic() + READY_S
        line = b""
        while not line.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not wire.readable(self.child.stdout, left):
                self.kill()
                raise AssertionError(f"{self.command[0]} was not ready in time: {self.told()}")
            piece = os.read(self.child.stdout.fileno(), 1 << 12)
            if not piece:
                self.child.wait(STOP_S)
                raise AssertionError(f"{self.command[0]} ended: {self.told()}")
            line += piece
        return line.decode()

    def told(self):
        """What it wrote on standard error."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]

    def end(self, how=signal.SIGTERM):
        """Send @how. The exit status and how many seconds it took."""
        begun = time.monotonic()
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.send_signal(how)
        try:
            status = self.child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.command[0]} did not end in {STOP_S} s") from None
        return status, time.monotonic() - begun

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait(STOP_S)

    def alive(self):
        return self.child.poll() is None

    def _status_kib(self, name):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(name + ":"))

    def rss_kib(self):
        return self._status_kib("VmRSS")

    def peak_kib(self):
        return self._status_kib("VmHWM")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Daemon(Process):
    def __init__(self, directory, *options):
        self.data = os.path.join(directory, "data")
        super().__init__([os.environ["RUNSTORED"], "--data", self.data, "--no-supervise", *options],
                         directory)
        self.path = os.path.join(self.data, "rpc.sock")
        self.url = "ipc://" + self.path

    def rpc(self, timeout=20):
        return rpc.Rpc(self.path, timeout)


class Gateway(Process):
    def __init__(self, directory, url, *options, listen="127.0.0.1:0"):
        super().__init__([os.environ["RUNSTORE_GATEWAY"], "--listen", listen, "--url", url, *options],
                         directory)
        ready = READY.match(self.line)
        where = ready and HTTP.fullmatch(ready[1])
        assert where, f"ready line {self.line!r}"
        self.address = where["six"] or where["four"]
        self.port = int(where["port"])

    def connect(self, timeout=10, **options):
        return wire.Connection(self.port, timeout, **options)

    def ask(self, method, target, body=None, headers=(), timeout=10):
        """One request on a connection of its own."""
        with self.connect(timeout) as connection:
            return connection.ask(method, target, body, headers)

    def get(self, target, **options):
        return self.ask("GET", target, **options)

    def post(self, target, body=None, **options):
        return self.ask("POST", target, body, **options)


class World:
    """A store, its daemon and a gateway."""

    def __init__(self, *options, daemon_options=(), daemon=True):
        self.directory = tempfile.mkdtemp(prefix="runstore-http-")
        atexit.register(self.end)
        self.daemon_options = daemon_options
        self.daemon = Daemon(self.directory, *daemon_options) if daemon else None
        self.url = "ipc://" + os.path.join(self.directory, "data", "rpc.sock")
        self.gateway = Gateway(self.directory, self.url, *options)
        self._mine = threading.local()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if not self.directory:
            return
        ours = [process for process in _processes if self.directory in process.log]
        for process in reversed(ours):
            process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory = None

    def another_gateway(self, *options, **more):
        return Gateway(self.directory, self.url, *options, **more)

    def start_daemon(self):
        """The daemon again, on the same store."""
        self.daemon = Daemon(self.directory, *self.daemon_options)
        self._mine = threading.local()
        return self.daemon

    def file(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o600)
        return path

    def rpc(self):
        """A connection to the daemon of the calling thread's own."""
        if not hasattr(self._mine, "rpc"):
            self._mine.rpc = self.daemon.rpc()
        return self._mine.rpc

    def call(self, method, **params):
        return self.rpc().call(method, **params)

    def thread(self, **params):
        return self.call("threads.create", **params)["id"]

    def run(self, thread=None, status="queued", **params):
        """A run of a thread of its own, brought to @status. The thread's id and the run's."""
        thread = thread or self.thread()
        run = self.call("runs.create", thread_id=thread, assistant_id="asst_1",
                        on_active="parallel", **params)["id"]
        for step in WAYS[status]:
            self.move(run, step)
        return thread, run

    def move(self, run, status):
        if status == "cancelling":
            return self.call("runs.cancel", run_id=run)
        return self.call("runs.update", run_id=run, status=status, **WITH.get(status, {}))

    def held(self):
        """How many requests the gateway holds, as its metrics tell."""
        return gauge(self.gateway, "held")


ACTION = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [
    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}

# What an update to the status needs, and the way there from queued.
WITH = {
    "requires_action": {"required_action": ACTION},
    "failed": {"last_error": {"code": "server_error", "message": "no"}},
    "incomplete": {"incomplete_details": {"reason": "max_completion_tokens"}},
}
WAYS = {
    "queued": (),
    "in_progress": ("in_progress",),
    "requires_action": ("in_progress", "requires_action"),
    "completed": ("in_progress", "completed"),
    "incomplete": ("in_progress", "incomplete"),
    "failed": ("in_progress", "failed"),
    "cancelling": ("in_progress", "cancelling"),
    "cancelled": ("cancelled",),
    "expired": ("expired",),
}


def gauge(gateway, word):
    """The sum of the gateway's own gauges whose name has @word in it."""
    text = gateway.get("/metrics").body.decode()
    found = re.findall(rf"^\w*gateway\w*{word}\w*(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
    assert found, f"no metric of '{word}'"
    return sum(float(value) for value in found)


def refused_to_start(*options):
    """Run the gateway with @options, which it is to refuse. Its exit status and what it said."""
    try:
        done = subprocess.run([os.environ["RUNSTORE_GATEWAY"], *options], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=REFUSE_S, check=False)
    except subprocess.TimeoutExpired as still_there:
        raise AssertionError(f"it serves: {still_there.stdout}") from None
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def room_for_descriptors(wanted):
    """Let this process have so many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise tap.Skip(f"only {hard} descriptors are to be had")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


REQUEST_ID = re.compile(r"req_[0-7][0-9A-HJKMNP-TV-Z]{25}")
SERVER_ERRORS = {"unavailable", "overloaded", "read_only", "store_full", "io_error", "internal"}
ANY = object()


def expect_error(answer, status, code, param=ANY, message=None):
    """That @answer is that error, in the API's form and complete."""
    assert answer is not None, f"the connection ended instead of {status} {code}"
    codes = {code} if isinstance(code, str) else set(code)
    statuses = {status} if isinstance(status, int) else set(status)
    assert answer.status in statuses, f"status {answer.status} instead of {status} {code}: {answer}"
    assert answer.header("content-type") in ("application/json", "application/json; charset=utf-8"), \
        f"content type {answer.header('content-type')} of {answer}"
    assert REQUEST_ID.fullmatch(answer.header("x-request-id") or ""), \
        f"x-request-id {answer.header('x-request-id')} of {answer}"
    body = answer.json()
    assert list(body) == ["error"] and isinstance(body["error"], dict), answer
    error = body["error"]
    assert set(error) == {"message", "type", "param", "code"}, f"keys {sorted(error)}"
    assert error["code"] in codes, f"code {error['code']} instead of {code}: {answer}"
    wanted = "server_error" if error["code"] in SERVER_ERRORS else "invalid_request_error"
    assert error["type"] == wanted, f"type {error['type']} of {answer}"
    assert isinstance(error["message"], str) and error["message"], answer
    assert error["param"] is None or isinstance(error["param"], str) and error["param"], answer
    if param is not ANY:
        assert error["param"] == param, f"param {error['param']} instead of {param}: {answer}"
    if message is not None:
        assert error["message"] == message, f"message '{error['message']}' instead of '{message}'"
    if answer.status == 503:
        assert answer.header("retry-after") == "1", f"retry-after {answer.header('retry-after')}"
    return error


def expect_ok(answer, kind=None):
    """That @answer is 200 with an object, of @kind if given. The object."""
    assert answer is not None, "the connection ended without an answer"
    assert answer.status == 200, answer
    assert (answer.header("content-type") or "").startswith("application/json"), answer.headers
    assert REQUEST_ID.fullmatch(answer.header("x-request-id") or ""), answer.headers
    body = answer.json()
    if kind:
        assert body["object"] == kind, answer
    return body


def is_alive(gateway):
    """That the gateway still serves, soon."""
    assert gateway.alive(), f"the gateway ended: {gateway.told()}"
    begun = time.monotonic()
    answer = gateway.get("/healthz", timeout=5)
    assert answer.status == 200 and json.loads(answer.body) == {"status": "ok"}, answer
    return time.monotonic() - begun
