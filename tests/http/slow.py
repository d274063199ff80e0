"""Clients that take their time, and more of them than there is room for. Waiting is shared: all run at once."""

import json
import selectors
import threading
import time

import tap
import wire
from tap import test
from world import World, expect_error, expect_ok, gauge, is_alive, room_for_descriptors

room_for_descriptors(4096)
world = World()
gateway = world.gateway

HEAD_S = (9.5, 15)
BODY_S = (29.5, 35)
SOON_S = 5 if tap.SANITIZED else 2
BODY_HEAD = [("Content-Type", "application/json"), ("Content-Length", "1000")]


def trickle(connections, data, until):
    """Send a byte a second to each that is still there, until all have ended or @until seconds are
    over. When each had something to read, in seconds from now."""
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    begun = time.monotonic()
    ended = {}
    sent = 0
    while len(ended) < len(connections) and time.monotonic() - begun < until:
        left = [connection for connection in connections if connection not in ended]
        for connection in left:
            try:
                connection.socket.send(data[sent % len(data):sent % len(data) + 1])
            except OSError:
                pass
        sent += 1
        tick = time.monotonic() + 1
        while left and (wait := tick - time.monotonic()) > 0:
            for key, _ in selector.select(wait):
                ended[key.data] = time.monotonic() - begun
                selector.unregister(key.fileobj)
                left.remove(key.data)
        time.sleep(max(0.0, tick - time.monotonic()))
    return ended


def expect_timed_out(connections, ended, between):
    assert len(ended) == len(connections), f"{len(connections) - len(ended)} go on for ever"
    first, last = min(ended.values()), max(ended.values())
    assert between[0] <= first and last <= between[1], f"they ended after {first:.1f} to {last:.1f} s"
    answers = [connection.answer_or_end() for connection in connections]
    assert all(answer and answer.status == 408 for answer in answers), answers
    assert all(connection.ended() for connection in connections), "a connection stays"
    assert (answers[0].header("connection") or "").lower() == "close", answers[0].headers
    expect_error(answers[0], 408, "request_timeout")


@test(beside=True)
def two_hundred_heads_of_a_byte_a_second_time_out_and_hold_up_nobody():
    mine = world.another_gateway()
    connections = [mine.connect(timeout=5) for _ in range(200)]
    data = b"GET /v1/assistants HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 100
    over = threading.Event()

    def others():
        slowest = 0.0
        while not over.wait(0.1):
            slowest = max(slowest, is_alive(mine))
        return slowest

    def slow():
        try:
            return trickle(connections, data, 20)
        finally:
            over.set()

    ended, slowest = tap.parallel([slow, others], limit=30)
    tap.note(f"the slowest of the others' requests took {slowest * 1000:.1f} ms, memory {mine.rss_kib()} KiB")
    assert slowest < SOON_S
    expect_timed_out(connections, ended, HEAD_S)
    for connection in connections:
        connection.close()
    assert tap.eventually(lambda: gauge(mine, "connections") == 1), gauge(mine, "connections")
    mine.end()


@test(beside=True)
def who_says_nothing_at_all_is_closed():
    connections = [gateway.connect() for _ in range(50)]
    begun = time.monotonic()
    for connection in connections:
        assert connection.ended(within=HEAD_S[1] + begun - time.monotonic()), "it is still open"
    took = time.monotonic() - begun
    assert took > HEAD_S[0], f"after {took:.1f} s already"


@test(beside=True)
def bodies_that_do_not_come_time_out():
    def body(first, headers=BODY_HEAD):
        connections = [gateway.connect(timeout=5) for _ in range(20)]
        for connection in connections:
            connection.send(wire.request_bytes("POST", "/v1/threads", None, headers) + first)
        return connections

    chunked = [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]
    silent, started, trickling = body(b""), body(b'{"metadata":'), body(b"")
    chunks = body(b"1\r\n{\r\n", chunked)
    ended = trickle(trickling, b" ", 40)
    expect_timed_out(trickling, ended, BODY_S)
    for connection in silent + started + chunks:
        answer = connection.answer_or_end()
        assert answer and answer.status == 408, answer


@test(beside=True)
def a_chunked_body_that_trickles_times_out_too():
    connections = [gateway.connect(timeout=5) for _ in range(10)]
    for connection in connections:
        connection.send(wire.request_bytes("POST", "/v1/threads", None, [
            ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]))
    expect_timed_out(connections, trickle(connections, b"1\r\n \r\n", 40), BODY_S)


@test(beside=True)
def who_is_slow_but_in_time_is_served():
    def head():
        data = wire.request_bytes("GET", "/v1/assistants")
        with gateway.connect() as connection:
            for at in range(0, len(data), len(data) // 6 + 1):
                time.sleep(1.2)
                connection.send(data[at:at + len(data) // 6 + 1])
            expect_ok(connection.answer(), "list")

    def body():
        text = json.dumps({"metadata": {"a": "b" * 100}}).encode()
        with gateway.connect() as connection:
            connection.send(wire.request_bytes("POST", "/v1/threads", None, [
                BODY_HEAD[0], ("Content-Length", str(len(text)))]))
            for at in range(0, len(text), 6):
                time.sleep(1)
                connection.send(text[at:at + 6])
            assert expect_ok(connection.answer(), "thread")["metadata"] == {"a": "b" * 100}

    def keep_alive():
        with gateway.connect() as connection:
            for _ in range(2):
                expect_ok(connection.ask("GET", "/v1/assistants"))
                time.sleep(14)
            expect_ok(connection.ask("GET", "/v1/assistants"))

    tap.parallel([head, body, keep_alive], limit=38)


@test(beside=True, limit=120)
def a_second_head_is_not_waited_for_for_ever():
    if not tap.LONG:
        raise tap.Skip("it takes 80 s: RUNSTORE_LONG_TESTS=1")
    connections = [gateway.connect() for _ in range(20)]
    for connection in connections:
        expect_ok(connection.ask("GET", "/v1/assistants"))
    ended = trickle(connections, b"GET /v1/assistants HTTP/1.1\r\nX: " + b"x" * 200, 100)
    assert len(ended) == 20 and max(ended.values()) < 90, ended.values()


def first_served(where, n, within):
    """Of @n new connections, those that get an answer in time."""
    connections = [where.connect(timeout=within) for _ in range(n)]
    served = []
    for connection in connections:
        try:
            connection.send(wire.request_bytes("GET", "/healthz"))
            answer = connection.answer()
            assert answer.status == 200, answer
            served.append(connection)
        except (wire.Closed, OSError, AssertionError):
            connection.close()
    return served


@test(beside=True)
def more_clients_than_max_connections_wait_until_there_is_room():
    mine = world.another_gateway("--max-connections", "20")
    is_alive(mine)
    before = mine.descriptors()
    open_now = first_served(mine, 40, 0.2)
    assert 10 <= len(open_now) <= 20, f"{len(open_now)} of 40 were served"
    assert mine.descriptors() <= before + 32, f"{before} -> {mine.descriptors()}"
    for connection in open_now:  # those who are in are served on
        expect_ok(connection.ask("GET", "/v1/assistants"), "list")
    for connection in open_now:
        connection.close()
    assert tap.eventually(lambda: len(first_served(mine, 1, 0.5)) == 1), "nobody is let in again"
    is_alive(mine)
    mine.end()


@test(beside=True)
def one_connection_at_a_time_is_enough():
    for most in ("1", "2", "3"):
        mine = world.another_gateway("--max-connections", most, "--threads", "1")
        for _ in range(20):
            assert tap.eventually(lambda: all(c.close() is None for c in first_served(mine, 1, 1)))
        is_alive(mine)
        mine.end()


@test(beside=True)
def a_flood_of_connections_leaves_nothing_behind():
    mine = world.another_gateway("--max-connections", "100")
    is_alive(mine)
    before = mine.descriptors()
    for _ in range(10):
        connections = [mine.connect() for _ in range(300)]
        for connection in connections:
            connection.close()
    assert tap.eventually(lambda: mine.descriptors() <= before + 4, within=12), mine.descriptors()
    is_alive(mine)
    mine.end()


def grow(thread, run, pieces, size):
    """A message of the run that grows by @pieces of @size; the whole of it."""
    message = world.call("messages.create", thread_id=thread, role="assistant", content="", run_id=run,
                         status="in_progress")["id"]
    text = ""
    for number in range(pieces):
        text += chr(ord("a") + number % 26) * size
        world.call("messages.update", thread_id=thread, message_id=message, content=text)
    world.call("messages.update", thread_id=thread, message_id=message, status="completed")
    world.move(run, "completed")
    return text


@test(beside=True)
def a_stream_that_is_not_read_is_not_kept_in_memory_and_is_whole_afterwards():
    mine = world.another_gateway()
    thread, run = world.run(status="in_progress")
    is_alive(mine)
    readers = [mine.connect(timeout=30, receive_buffer=4096) for _ in range(20)]
    for reader in readers:
        reader.send(wire.request_bytes("GET", f"/v1/threads/{thread}/runs/{run}/events"))
        assert reader.head().status == 200
    before = mine.rss_kib()
    text = grow(thread, run, 400, 128)
    time.sleep(1)
    after = mine.rss_kib()
    tap.note(f"20 who do not read: {before} -> {after} KiB")
    # Up to 256 KiB of a stream may wait, besides what the system keeps.
    assert tap.SANITIZED or after < before + 24 * 1024
    is_alive(mine)
    for reader in readers:
        told = b""
        while piece := reader.chunk():
            told += piece
        assert told.endswith(b"event: done\ndata: [DONE]\n\n"), told[-200:]
        parts = [json.loads(event.partition(b"data: ")[2]) for event in told.split(b"\n\n")
                 if b"event: thread.message.delta\n" in event]
        assert "".join(part["delta"]["content"][0]["text"]["value"] for part in parts) == text
        reader.close()
    mine.end()


@test(beside=True)
def answers_that_are_not_read_hold_up_nobody():
    mine = world.another_gateway()
    thread = world.thread()
    for _ in range(3):
        world.call("messages.create", thread_id=thread, role="user", content="x" * 1_000_000)
    readers = [mine.connect(timeout=20, receive_buffer=4096) for _ in range(40)]
    for reader in readers:
        reader.send(wire.request_bytes("GET", f"/v1/threads/{thread}/messages"))
    slowest = max(is_alive(mine) for _ in range(50))
    assert slowest < 5 * SOON_S, f"{slowest:.2f} s"
    for reader in readers[:20]:
        assert len(expect_ok(reader.answer(), "list")["data"]) == 3
    for reader in readers:
        reader.close()
    assert tap.eventually(lambda: gauge(mine, "connections") == 1), gauge(mine, "connections")
    tap.note(f"memory with 40 answers of 3 MB: at the peak {mine.peak_kib()} KiB, then {mine.rss_kib()}")
    mine.end()


@test(beside=True)
def an_answer_may_be_read_byte_by_byte():
    with gateway.connect(receive_buffer=2048) as connection:
        connection.send(wire.request_bytes("GET", "/v1/nothing") + wire.request_bytes("GET", "/v1/nothing"))
        got = b""
        while got.count(b"unknown_path") < 2:
            got += connection.socket.recv(1)
        assert got.count(b"HTTP/1.1 404") == 2


tap.main()
