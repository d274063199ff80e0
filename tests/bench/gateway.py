#!/usr/bin/env python3
"""Measure the gateway next to the daemon alone: GET of a run at 16 clients, and what waiting costs.

    gateway.py RUNSTORED GATEWAY RUNSTORE BENCH [ROUNDS]

The load is wrk's (Debian package wrk); the daemon's own figure, `runs.get` at 16 clients, is that of
runstore-bench, taken in turns with it. Ratios are of the times of a request.
"""
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

CLIENTS = 16
SECONDS = 3
HELD = 500
WAKES = 50


def ready(command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return process, process.stdout.readline().decode()


def ask(url, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def gateway_rate(url):
    told = subprocess.run(["wrk", "-t2", f"-c{CLIENTS}", f"-d{SECONDS}s", url], check=True,
                          capture_output=True, text=True).stdout
    assert "Non-2xx" not in told, told
    return float(re.search(r"Requests/sec:\s*([\d.]+)", told).group(1))


def daemon_rate(bench, runstored):
    told = subprocess.run([bench, "--only", "get", "--rounds", "1", "--seconds", "1", "--json"],
                          env={**os.environ, "RUNSTORED": runstored}, capture_output=True,
                          text=True).stdout
    rows = json.loads(told)["rows"]
    return next(row["value"] for row in rows if row["name"] == "runs.get, rate")


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1))


def hold(port, path):
    """A poll helper's request, sent and not answered."""
    held = socket.create_connection(("127.0.0.1", port))
    held.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Stainless-Poll-Helper: true\r\n\r\n".encode())
    return held


def measure_get(run_url, bench, runstored, rounds):
    pairs = [(daemon_rate(bench, runstored), gateway_rate(run_url)) for _ in range(rounds)]
    ratio = statistics.median(daemon / gateway for daemon, gateway in pairs)
    daemon, gateway = (statistics.median(values) for values in zip(*pairs))
    print(f"GET of a run, {CLIENTS} clients: {gateway / 1000:.1f} k/s, {CLIENTS / gateway * 1e6:.0f} us; "
          f"the daemon alone {daemon / 1000:.1f} k/s, {CLIENTS / daemon * 1e6:.0f} us; ratio {ratio:.2f}")


def measure_held(pid, port, path):
    before = rss_kib(pid)
    held = [hold(port, path) for _ in range(HELD)]
    time.sleep(2)
    after = rss_kib(pid)
    for one in held:
        one.close()
    print(f"{HELD} held requests: {after / 1024:.1f} MiB in all, "
          f"{(after - before) / HELD:.1f} KiB each")


def measure_wake(call, url, port, thread):
    """From the daemon's acknowledgement of an update to the held request's answer."""
    times = []
    for _ in range(WAKES):
        run = ask(url, f"/threads/{thread}/runs", {"assistant_id": "bench", "on_active": "parallel"})["id"]
        held = hold(port, f"/v1/threads/{thread}/runs/{run}")
        time.sleep(0.02)
        call("runs.update", {"run_id": run, "status": "in_progress"})
        begun = time.monotonic()
        held.recv(1 << 16)
        times.append((time.monotonic() - begun) * 1000)
        held.close()
    times.sort()
    print(f"update of a run to the answer that waits for it, behind the end of `runstore call`: "
          f"median {statistics.median(times):.1f} ms, worst {times[-1]:.1f} ms")


def main():
    runstored, gateway, runstore, bench = sys.argv[1:5]
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 5
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as directory:
        daemon, line = ready([runstored, "--data", f"{directory}/d", "--run-ttl", "0"])
        listen = re.search(r"listen=(\S+)", line).group(1)
        server, line = ready([gateway, "--listen", "127.0.0.1:0", "--url", listen])
        port = int(re.search(r":(\d+) url=", line).group(1))
        url = f"http://127.0.0.1:{port}/v1"
        try:
            run = ask(url, "/threads/runs", {"assistant_id": "bench", "instructions": "x" * 200})
            path = f"/v1/threads/{run['thread_id']}/runs/{run['id']}"

            def call(method, params):
                subprocess.run([runstore, "--url", listen, "call", method, json.dumps(params)],
                               check=True, stdout=subprocess.DEVNULL)

            measure_get(f"http://127.0.0.1:{port}{path}", bench, runstored, rounds)
            measure_held(server.pid, port, path)
            measure_wake(call, url, port, run["thread_id"])
        finally:
            for process in (server, daemon):
                process.terminate()
                process.wait(10)


main()
