"""/healthz and /metrics: for those who watch the gateway."""

import re
import time

import tap
import wire
from tap import test
from world import World, expect_error, expect_ok, gauge, is_alive

world = World()
gateway = world.gateway

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?,?\}})? (\S+)(?: -?\d+)?")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


def read_metrics(text):
    """{(name, labels): value}, after the rules of Prometheus' text format."""
    assert text.endswith("\n") and "\n\n" not in text, "lines"
    found, types, helps, closed, last = {}, {}, set(), set(), None
    for line in text.splitlines():
        if line.startswith("#"):
            _, word, name, rest = line.split(" ", 3)
            assert word in ("HELP", "TYPE") and re.fullmatch(NAME, name), line
            if word == "TYPE":
                assert name not in types and rest in TYPES, line
                types[name] = rest
            else:
                assert name not in helps, line
                helps.add(name)
            family = name
        else:
            match = SAMPLE.fullmatch(line)
            assert match, f"no sample: {line!r}"
            name = match[1]
            family = re.sub("_(bucket|sum|count)$", "", name)
            family = family if types.get(family) == "histogram" else name
            assert family in types and family in helps, f"{name} without TYPE or HELP"
            labels = tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")))
            assert (name, labels) not in found, f"twice: {line}"
            found[name, labels] = float(match[3])
        if family != last:
            assert family not in closed, f"{family} is told in two places"
            closed.add(last)
            last = family
    expect_histograms(found, [name for name, kind in types.items() if kind == "histogram"])
    return found, types


def expect_histograms(found, names):
    for name in names:
        series = {}
        for (sample, labels), value in found.items():
            if sample == name + "_bucket":
                rest = tuple(pair for pair in labels if pair[0] != "le")
                series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
        for labels, buckets in series.items():
            bounds, values = zip(*buckets)
            assert list(bounds) == sorted(bounds) and bounds[-1] == float("inf"), f"{name} {bounds}"
            assert list(values) == sorted(values), f"{name} {values}"
            assert found[name + "_count", labels] == values[-1], f"{name} {labels}"
            assert found[name + "_sum", labels] >= 0


def metrics(where=None):
    answer = (where or gateway).get("/metrics")
    assert answer.status == 200, answer
    assert re.match(r"text/plain; version=0\.0\.4", answer.header("content-type")), answer.headers
    assert answer.header("x-request-id").startswith("req_"), answer.headers
    return read_metrics(answer.body.decode())[0]


def total(found, **labels):
    wanted = set(labels.items())
    return sum(value for (name, have), value in found.items()
               if name == "runstore_gateway_requests_total" and wanted <= set(have))


@test
def healthz_says_ok():
    answer = gateway.get("/healthz")
    assert expect_ok(answer) == {"status": "ok"}
    answer = gateway.ask("HEAD", "/healthz")
    assert answer.status == 200 and not answer.body
    expect_ok(gateway.get("/healthz?whatever=1"))
    for method in ("POST", "PUT", "DELETE", "PATCH", "BREW"):
        answer = gateway.ask(method, "/healthz")
        expect_error(answer, 405, "method_not_allowed")
        assert answer.header("allow") == "GET, HEAD", answer.headers


@test
def metrics_are_valid_text_of_prometheus():
    thread, run = world.run()
    gateway.get(f"/v1/threads/{thread}/runs/{run}")
    gateway.get("/nothing")
    gateway.ask("BREW", "/v1/threads")
    gateway.get('/v1/threads/"x\\y{}\n'.replace("\n", "%0a"))
    found = metrics()
    assert found["runstore_up", ()] == 1
    for name in ("connections", "held", "streams"):
        assert ("runstore_gateway_" + name, ()) in found, name
    for name in ("runs", "steps", "threads"):
        assert found["runstore_" + name, ()] >= 0, name
    assert found["runstore_runs", ()] >= 1
    answer = gateway.ask("POST", "/metrics")
    expect_error(answer, 405, "method_not_allowed")
    assert answer.header("allow") == "GET, HEAD"
    assert gateway.ask("HEAD", "/metrics").status == 200


@test
def counters_count_each_request_once_by_route_method_and_status():
    thread, run = world.run()
    before = metrics()
    for _ in range(7):
        expect_ok(gateway.get(f"/v1/threads/{thread}/runs/{run}"))
    for _ in range(5):
        expect_ok(gateway.post("/v1/threads", {}))
    for _ in range(3):
        expect_error(gateway.get(f"/v1/threads/{thread}/runs/run_x"), 404, "not_found")
    for _ in range(2):
        expect_error(gateway.get("/v1/nothing"), 404, "unknown_path")
    expect_error(gateway.ask("PUT", "/v1/threads"), 405, "method_not_allowed")
    expect_error(gateway.post("/v1/threads", "x", headers=[("Content-Type", "text/plain")]), 415,
                 "unsupported_media_type")
    expect_error(gateway.post("/v1/threads", "x"), 400, "invalid_params")
    expect_error(gateway.get("/v1/threads", headers=[("Host", "evil.com")]), 403, "forbidden_host")

    def grown(now, **labels):
        return total(now, **labels) - total(before, **labels)

    def all_counted():
        return grown(metrics()) >= 21
    assert tap.eventually(all_counted), grown(metrics())
    now = metrics()
    route = "threads/{thread_id}/runs/{run_id}"
    assert grown(now, method="GET", route=route, status="200") == 7
    assert grown(now, method="GET", route=route, status="404") == 3
    assert grown(now, method="POST", route="threads", status="200") == 5
    assert grown(now, method="POST", route="threads", status="400") == 1
    assert grown(now, method="POST", route="threads", status="415") == 1
    assert grown(now, status="405") == 1 and grown(now, status="403") == 1
    for key, value in before.items():
        if key[0].endswith(("_total", "_count", "_bucket")):
            assert now[key] >= value, f"{key} shrank from {value} to {now[key]}"


@test
def what_clients_invent_makes_no_series_of_its_own():
    """Labels come from the table of routes, or anybody could fill the memory."""
    with gateway.connect() as connection:
        for number in range(50):
            connection.ask("GET", f"/v1/nothing-{number}")
            connection.ask("GET", f"/v1/threads/thread_{number}/runs/run_{number}")
            connection.ask(f"M{number}", "/v1/threads")
    first = len(metrics())
    with gateway.connect() as connection:
        for number in range(100):
            connection.ask("GET", f"/v1/something-{number}")
            connection.ask("GET", f"/v1/threads/other_{number}/runs/run_{number}")
            connection.ask(f"N{number}", "/v1/threads")
    assert len(metrics()) <= first + 2, f"{first} -> {len(metrics())} series"


@test
def gauges_follow_what_is_open():
    thread, run = world.run()
    mine = world.another_gateway()
    assert gauge(mine, "connections") == 1 and gauge(mine, "streams") == 0 == gauge(mine, "held")
    connections = [mine.connect() for _ in range(9)]
    assert tap.eventually(lambda: gauge(mine, "connections") == 10), gauge(mine, "connections")
    for connection in connections[:4]:
        connection.send(wire.request_bytes("GET", f"/v1/threads/{thread}/runs/{run}/events"))
        assert connection.head().status == 200
    for connection in connections[4:7]:
        connection.send(wire.request_bytes("GET", f"/v1/threads/{thread}/runs/{run}", None,
                                           [("X-Stainless-Poll-Helper", "true")]))
    assert tap.eventually(lambda: (gauge(mine, "streams"), gauge(mine, "held")) == (4, 3))
    world.move(run, "cancelled")
    assert tap.eventually(lambda: (gauge(mine, "streams"), gauge(mine, "held")) == (0, 0))
    for connection in connections:
        connection.close()
    assert tap.eventually(lambda: gauge(mine, "connections") == 1), gauge(mine, "connections")
    mine.end()


@test
def the_daemons_own_numbers_are_told():
    before = metrics()
    for _ in range(3):
        world.run()
    now = metrics()
    for name in ("runs", "threads"):
        assert now["runstore_" + name, ()] == before["runstore_" + name, ()] + 3
    stats = world.call("server.stats")
    assert now["runstore_commits", ()] <= stats["commits"]


@test
def latencies_are_not_told_of_what_was_held():
    thread, run = world.run()
    route = (("method", "GET"), ("route", "threads/{thread_id}/runs/{run_id}"))
    expect_ok(gateway.get(f"/v1/threads/{thread}/runs/{run}"))
    name = "runstore_gateway_request_seconds_count"
    assert tap.eventually(lambda: metrics().get((name, route), 0) > 0)
    time.sleep(0.1)
    before = metrics()[name, route]
    poll = gateway.connect()
    poll.send(wire.request_bytes("GET", f"/v1/threads/{thread}/runs/{run}", None,
                                 [("X-Stainless-Poll-Helper", "true")]))
    assert tap.eventually(lambda: gauge(gateway, "held") == 1)
    world.move(run, "cancelled")
    expect_ok(poll.answer())
    time.sleep(0.1)
    assert metrics()[name, route] == before


@test
def metrics_are_readable_while_many_ask():
    def ask():
        with gateway.connect(timeout=20) as connection:
            for _ in range(300):
                expect_ok(connection.ask("GET", "/v1/assistants"))

    def look():
        for _ in range(40):
            metrics()
    tap.parallel([ask] * 8 + [look] * 4)
    is_alive(gateway)


tap.main()
