"""A daemon that is not there, goes, hangs and comes back; and a gateway that is told to end."""

import itertools
import os
import signal
import threading
import time

import tap
import wire
from tap import test
from world import World, expect_error, expect_ok, gauge, is_alive, room_for_descriptors

room_for_descriptors(2048)
HELPER = ("X-Stainless-Poll-Helper", "true")
UNAVAILABLE_S = 4  # within which a daemon that is not there is told
BACK_S = 5         # within which all is well again
END_S = 5


def requests_of(thread, run):
    """One of every kind that needs the daemon."""
    base = f"/v1/threads/{thread}"
    return (("GET", f"{base}/runs/{run}", None, ()), ("GET", f"{base}/runs/{run}", None, [HELPER]),
            ("GET", f"{base}/runs?limit=1", None, ()), ("GET", "/v1/assistants", None, ()),
            ("GET", f"{base}/runs/{run}/events", None, ()), ("POST", "/v1/threads", {}, ()),
            ("POST", "/v1/threads/runs", {"assistant_id": "a"}, ()),
            ("POST", "/v1/threads/runs", {"assistant_id": "a", "stream": True}, ()),
            ("POST", f"{base}/messages", {"role": "user", "content": "x"}, ()),
            ("POST", f"{base}/runs/{run}/submit_tool_outputs",
             {"tool_outputs": [{"tool_call_id": "c", "output": "x"}], "stream": True}, ()),
            ("POST", f"{base}/runs/{run}/cancel", None, ()), ("DELETE", base, None, ()),
            ("GET", "/healthz", None, ()))


def expect_unavailable(gateway, thread="thread_1", run="run_1"):
    def ask(method, target, body, headers):
        begun = time.monotonic()
        error = expect_error(gateway.ask(method, target, body, headers, timeout=20), 503, "unavailable")
        took = time.monotonic() - begun
        assert took < UNAVAILABLE_S, f"{method} {target} took {took:.1f} s"
        return error
    return tap.parallel([lambda one=one: ask(*one) for one in requests_of(thread, run)])


def is_well(gateway):
    answer = gateway.get("/healthz", timeout=20)
    return answer.status == 200 and gateway.get("/v1/assistants", timeout=20).status == 200


@test(beside=True)
def a_gateway_may_be_there_before_its_daemon():
    with World(daemon=False) as world:
        expect_unavailable(world.gateway)
        world.start_daemon()
        begun = time.monotonic()
        assert tap.eventually(lambda: is_well(world.gateway), within=BACK_S)
        tap.note(f"well {time.monotonic() - begun:.2f} s after the daemon came")
        thread, run = world.run()
        poll = world.gateway.connect()
        poll.send(wire.request_bytes("GET", f"/v1/threads/{thread}/runs/{run}", None, [HELPER]))
        time.sleep(0.3)
        world.move(run, "cancelled")
        poll.timeout(3)
        assert expect_ok(poll.answer())["status"] == "cancelled"


@test(beside=True)
def a_daemon_that_ends_and_comes_back_needs_nobodys_help():
    with World() as world:
        thread, run = world.run()
        with world.gateway.connect(timeout=20) as connection:
            for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
                expect_ok(connection.ask("GET", f"/v1/threads/{thread}/runs/{run}"))
                world.daemon.end(how)
                expect_unavailable(world.gateway, thread, run)
                expect_error(connection.ask("GET", f"/v1/threads/{thread}/runs/{run}"), 503, "unavailable")
                world.start_daemon()
                assert tap.eventually(lambda: is_well(world.gateway), within=BACK_S), how
        assert world.call("runs.get", run_id=run)["status"] == "queued"
        assert world.call("server.stats")["runs"] == 1


@test(beside=True)
def what_needs_no_daemon_is_answered_without_one():
    with World(daemon=False) as world:
        gateway = world.gateway
        with tap.cases() as cases:
            for method, target, body, headers, status, code in (
                    ("GET", "/nothing", None, (), 404, "unknown_path"),
                    ("PUT", "/v1/threads", None, (), 405, "method_not_allowed"),
                    ("GET", "/v1/threads/a%2Fb", None, (), 400, "invalid_id"),
                    ("GET", "/v1/assistants?x=1", None, (), 400, "unknown_param"),
                    ("POST", "/v1/threads", "{", (), 400, "invalid_params"),
                    ("POST", "/v1/threads", "{}", [("Content-Type", "text/plain")], 415,
                     "unsupported_media_type"),
                    ("GET", "/v1/assistants", None, [("Host", "evil.com")], 403, "forbidden_host")):
                with cases.case(f"{method} {target}"):
                    begun = time.monotonic()
                    expect_error(gateway.ask(method, target, body, headers), status, code)
                    assert time.monotonic() - begun < 1
            with cases.case("metrics"):
                answer = gateway.get("/metrics", timeout=UNAVAILABLE_S)
                assert answer.status == 200 and b"\nrunstore_up 0\n" in answer.body, answer


def freeze(daemon):
    """Stop it, and all of its threads."""
    def is_frozen():
        states = []
        for thread in os.listdir(f"/proc/{daemon.pid}/task"):
            with open(f"/proc/{daemon.pid}/task/{thread}/stat", encoding="ascii") as stat:
                states.append(stat.read().rpartition(")")[2].split()[0])
        return set(states) == {"T"}
    os.kill(daemon.pid, signal.SIGSTOP)
    assert tap.eventually(is_frozen)


@test(beside=True)
def a_daemon_that_hangs_is_told_by_healthz_and_holds_up_no_end():
    with World() as world:
        world.call("server.info")
        is_alive(world.gateway)
        freeze(world.daemon)
        with tap.cases() as cases:
            with cases.case("healthz, the daemon has a second"):
                begun = time.monotonic()
                expect_error(world.gateway.get("/healthz", timeout=4), 503, ("unavailable", "overloaded"))
                assert time.monotonic() - begun < 3
            with cases.case("a request"):
                # As long as the daemon may be busy, but not for ever.
                answer = world.gateway.get("/v1/threads/t", timeout=25)
                expect_error(answer, 503, ("unavailable", "overloaded"))
            with cases.case("all is well when it goes on"):
                os.kill(world.daemon.pid, signal.SIGCONT)
                assert tap.eventually(lambda: is_well(world.gateway), within=BACK_S)
            with cases.case("an end while it hangs"):
                freeze(world.daemon)
                asking = [world.gateway.connect() for _ in range(20)]
                for connection in asking:
                    connection.send(wire.request_bytes("GET", "/v1/threads/t"))
                time.sleep(0.2)
                status, took = world.gateway.end()
                assert status == 0 and took < END_S + 0.3, f"status {status} after {took:.1f} s"


@test(beside=True)
def held_requests_are_answered_when_the_daemon_goes_or_comes_back():
    with World() as world:
        runs = [world.run() for _ in range(50)]
        for how in (signal.SIGKILL, signal.SIGTERM):
            polls = []
            for thread, run in runs:
                polls.append(world.gateway.connect(timeout=14))
                polls[-1].send(wire.request_bytes("GET", f"/v1/threads/{thread}/runs/{run}", None, [HELPER]))
            assert tap.eventually(lambda: world.held() == 50)
            world.daemon.end(how)
            time.sleep(0.1)
            world.start_daemon()
            assert tap.eventually(lambda: is_well(world.gateway), within=BACK_S)
            for _, run in runs:
                world.move(run, "in_progress" if how == signal.SIGKILL else "completed")
            begun = time.monotonic()
            answers = [poll.answer() for poll in polls]
            took = time.monotonic() - begun
            told = [answer.json()["status"] if answer.status == 200 else "unavailable" for answer in answers]
            for answer in answers:
                if answer.status != 200:
                    expect_error(answer, 503, "unavailable")
            tap.note(f"after {how.name}: {({word: told.count(word) for word in set(told)})}, {took:.2f} s "
                     "after their changes")
            assert took < 3, f"{took:.1f} s"


@test(beside=True)
def streams_go_on_when_the_daemon_is_back():
    with World() as world:
        runs = [world.run() for _ in range(10)]
        streams = []
        for thread, run in runs:
            connection = world.gateway.connect(timeout=15)
            connection.send(wire.request_bytes("GET", f"/v1/threads/{thread}/runs/{run}/events"))
            assert connection.head().status == 200
            streams.append(connection)
        for how, then in ((signal.SIGTERM, "in_progress"), (signal.SIGKILL, "completed")):
            world.daemon.end(how)
            time.sleep(0.5)
            world.start_daemon()
            for _, run in runs:
                world.move(run, then)
        for (thread, run), connection in zip(runs, streams):
            text = b""
            while piece := connection.chunk():
                text += piece
            told = b"".join(line for line in text.splitlines(True) if not line.startswith(b":"))
            again = world.gateway.get(f"/v1/threads/{thread}/runs/{run}/events").body
            assert told.strip() == again.strip(), f"{told[-300:]} instead of {again[-300:]}"
            assert again.endswith(b"event: done\ndata: [DONE]\n\n")


@test(beside=True)
def writers_who_ask_again_write_once_whatever_happens_to_the_daemon():
    with World() as world:
        is_alive(world.gateway)
        numbers, over, unavailable = itertools.count(), threading.Event(), itertools.count()

        def write():
            written = 0
            with world.gateway.connect(timeout=25) as connection:
                while not over.is_set():
                    key = ("Idempotency-Key", f"write-{next(numbers)}")
                    body = {"assistant_id": "a", "thread": {"messages": [{"role": "user", "content": "x"}]}}
                    end = time.monotonic() + 20
                    while (answer := connection.ask("POST", "/v1/threads/runs", body, [key])).status != 200:
                        expect_error(answer, (503, 500), ("unavailable", "overloaded", "io_error"))
                        next(unavailable)
                        assert time.monotonic() < end, answer
                        time.sleep(0.05)
                    written += 1
            return written

        def disturb():
            for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
                time.sleep(0.7)
                world.daemon.end(how)
                time.sleep(0.2)
                world.start_daemon()
            time.sleep(0.5)
            over.set()
            return 0

        written = sum(tap.parallel([write] * 8 + [disturb], limit=38))
        stats = world.call("server.stats")
        tap.note(f"{written} written, {next(unavailable)} times unavailable")
        assert stats["runs"] == stats["threads"] == written, f"{written} were answered, there are {stats}"
        assert written > 50


def open_everything(world):
    """Connections in every state there is."""
    gateway = world.gateway
    held, streams, others = [], [], []
    for _ in range(60):
        thread, run = world.run()
        held.append(gateway.connect())
        held[-1].send(wire.request_bytes("GET", f"/v1/threads/{thread}/runs/{run}", None, [HELPER]))
        streams.append(gateway.connect())
        streams[-1].send(wire.request_bytes("GET", f"/v1/threads/{thread}/runs/{run}/events"))
        assert streams[-1].head().status == 200
        others.append(gateway.connect())
    for at, connection in enumerate(others):
        if at % 4 == 0:
            connection.ask("GET", "/healthz")
        elif at % 4 == 1:
            connection.send(b"GET /v1/thre")
        elif at % 4 == 2:
            connection.send(wire.request_bytes("POST", "/v1/threads", None, [
                ("Content-Type", "application/json"), ("Content-Length", "100")]) + b"{")
    assert tap.eventually(lambda: gauge(gateway, "held") == 60)
    return held, streams, others


@test(beside=True)
def told_to_end_it_answers_the_held_and_ends_the_streams():
    for how in (signal.SIGTERM, signal.SIGINT):
        with World() as world:
            held, streams, _others = open_everything(world)
            status, took = world.gateway.end(how)
            assert status == 0 and took < END_S, f"status {status} after {took:.1f} s: {world.gateway.told()}"
            for connection in held:
                assert expect_ok(connection.answer(), "thread.run")["status"] == "queued"
            for connection in streams:
                text = b""
                while piece := connection.chunk():
                    text += piece
                assert b"event: thread.run.created\n" in text and text.endswith(b"\n\n"), text
            tap.note(f"{how.name}: ended after {took:.2f} s")
            try:
                world.gateway.connect()
                assert False, "it still listens"
            except ConnectionRefusedError:
                pass


@test(beside=True)
def it_ends_in_time_without_a_daemon_and_with_requests_under_way():
    with World() as world:
        held, _streams, _others = open_everything(world)
        world.daemon.end(signal.SIGKILL)
        time.sleep(0.2)
        for _ in range(40):
            world.gateway.connect().send(wire.request_bytes("GET", "/v1/assistants"))
        status, took = world.gateway.end()
        assert status == 0 and took < END_S, f"status {status} after {took:.1f} s"
        answers = [connection.answer_or_end() for connection in held]
        left = answers.count(None)
        assert not left, f"{left} of {len(held)} held requests were left without an answer"
        for answer in answers:
            if answer.status != 200:
                expect_error(answer, 503, "unavailable")


def end_under_load(gateway):
    """End @gateway while many ask, as fast as they can, on connections that stay. How many answers came."""
    over = threading.Event()

    def ask():
        whole = 0
        connection = gateway.connect()
        try:
            while not over.is_set():
                answer = connection.ask("GET", "/v1/assistants?limit=1")  # a list takes a thread
                if answer.status == 503:
                    expect_error(answer, 503, "unavailable")
                else:
                    assert len(expect_ok(answer, "list")["data"][0]["metadata"]) == 16
                whole += 1
        except wire.Closed:
            assert not connection.unread, f"a part of an answer: {bytes(connection.unread[:200])}"
        except OSError:
            pass
        return whole

    def end():
        time.sleep(0.2)
        status, took = gateway.end()
        over.set()
        assert status == 0 and took < END_S, f"status {status} after {took:.1f} s: {gateway.told()}"
        return 0

    return sum(tap.parallel([ask] * 12 + [end]))


@test(beside=True)
def it_ends_well_under_load_and_an_answer_is_whole_or_not_there():
    with World() as world:
        world.call("assistants.create", model="m",
                   metadata={f"k{number}": "v" * 500 for number in range(16)})
        answers = sum(end_under_load(world.another_gateway()) for _ in range(5))
        tap.note(f"ended 5 times, after {answers} answers")
        assert answers > 50


@test(beside=True)
def a_second_signal_changes_nothing():
    with World() as world:
        open_everything(world)
        os.kill(world.gateway.pid, signal.SIGTERM)
        os.kill(world.gateway.pid, signal.SIGTERM)
        os.kill(world.gateway.pid, signal.SIGINT)
        status, _ = world.gateway.end()
        assert status == 0, status


@test(beside=True)
def it_starts_and_ends_again_and_again_at_one_port():
    with World() as world:
        port = world.gateway.port
        connections = []
        for _ in range(10):
            connections.append(world.gateway.connect())
            expect_ok(connections[-1].ask("GET", "/v1/assistants"))
            status, took = world.gateway.end()
            assert status == 0 and took < 2, f"status {status}, {took:.1f} s with an idle connection"
            world.gateway = world.another_gateway(listen=f"127.0.0.1:{port}")


tap.main()
