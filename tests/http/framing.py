"""Messages on the connection: pieces, chunks, pipelines, old versions, clients that are gone."""

import json
import re
import socket
import struct
import time

import tap
import wire
from tap import test
from world import World, expect_error, expect_ok, is_alive

world = World()
gateway = world.gateway
PLAIN = ("Content-Type", "application/json")
CHUNKED = ("Transfer-Encoding", "chunked")


def threads():
    return world.call("server.stats")["threads"]


@test
def a_request_may_come_byte_by_byte():
    body = json.dumps({"metadata": {"a": "b"}})
    for extra in ((), (("Connection", "close"),)):
        with gateway.connect() as connection:
            for byte in wire.request_bytes("POST", "/v1/threads", body, extra):
                connection.send(bytes([byte]))
            assert expect_ok(connection.answer(), "thread")["metadata"] == {"a": "b"}


@test
def a_body_may_come_in_chunks_of_any_size():
    body = json.dumps({"metadata": {"key": "wörth" * 50}}, ensure_ascii=False).encode()
    head = wire.request_bytes("POST", "/v1/threads", headers=[PLAIN, CHUNKED])
    with gateway.connect() as connection:
        for size in (1, 2, 3, 7, 64, len(body)):
            pieces = [body[at:at + size] for at in range(0, len(body), size)]
            connection.send(head + wire.chunked(pieces))
            assert expect_ok(connection.answer())["metadata"]["key"] == "wörth" * 50


@test
def chunks_may_come_byte_by_byte_with_extensions_and_trailers():
    body = b'{"metadata":{"a":"b"}}'
    pieces = b"".join(b"1;name=value\r\n%c\r\n" % byte for byte in body)
    whole = wire.request_bytes("POST", "/v1/threads", headers=[PLAIN, CHUNKED]) + pieces
    with gateway.connect() as connection:
        for end in (b"0\r\n\r\n", b"00000\r\nX-Trailer: x\r\n\r\n", b"0;last\r\n\r\n"):
            connection.send(whole + end)
            assert expect_ok(connection.answer())["metadata"] == {"a": "b"}
        for byte in whole + b"0\r\n\r\n":
            connection.send(bytes([byte]))
        assert expect_ok(connection.answer())["metadata"] == {"a": "b"}


@test
def chunks_that_are_none_end_the_connection_and_create_nothing():
    before = threads()
    with tap.cases() as cases:
        for chunks in (b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n", b"\r\n{}\r\n0\r\n\r\n",
                       b"2\r\n{}XX0\r\n\r\n", b"0x2\r\n{}\r\n0\r\n\r\n", b"+2\r\n{}\r\n0\r\n\r\n",
                       b"FFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n"):
            with cases.case(repr(chunks)), gateway.connect(timeout=5) as connection:
                connection.send(wire.request_bytes("POST", "/v1/threads",
                                                   headers=[PLAIN, CHUNKED]) + chunks)
                answer = connection.answer_or_end()
                assert answer is None or answer.status in (400, 413), answer
    is_alive(gateway)
    assert threads() == before


@test
def a_client_that_asks_is_told_to_continue():
    body = b'{"metadata":{"a":"b"}}'
    with gateway.connect(timeout=3) as connection:
        for _ in range(2):
            connection.send(wire.request_bytes("POST", "/v1/threads", headers=[
                PLAIN, ("Content-Length", len(body)), ("Expect", "100-continue")]))
            assert connection.head().status == 100
            connection.send(body)
            assert expect_ok(connection.answer())["metadata"] == {"a": "b"}


@test
def a_client_that_asks_and_sends_at_once_is_served_once():
    before = threads()
    with gateway.connect(timeout=3) as connection:
        for _ in range(3):
            connection.send(wire.request_bytes("POST", "/v1/threads", b"{}",
                                               [("Expect", "100-continue")]))
            expect_ok(connection.answer(), "thread")
    assert threads() == before + 3


@test
def pipelined_requests_are_answered_in_their_order():
    ids = [world.thread(metadata={"n": str(number)}) for number in range(50)]
    with gateway.connect() as connection:
        connection.send(b"".join(wire.request_bytes("GET",
                                                    f"/v1/threads/{thread}") for thread in ids))
        assert [connection.answer().json()["id"] for _ in ids] == ids


@test
def pipelined_requests_of_all_kinds_do_not_mix():
    thread = world.thread()
    parts = [("POST", "/v1/threads", b"{}", 200), ("GET", "/nowhere", None, 404),
             ("POST", "/v1/threads", b"{", 400), ("GET", f"/v1/threads/{thread}", None, 200),
             ("PUT", "/v1/threads", b"{}", 405), ("HEAD", f"/v1/threads/{thread}", None, 200),
             ("POST", f"/v1/threads/{thread}", b'{"metadata":{"a":"b"}}', 200),
             ("GET", "/v1/threads/x%00", None, 400), ("DELETE", f"/v1/threads/{thread}", None, 200),
             ("GET", f"/v1/threads/{thread}", None, 404)]
    got = []
    with gateway.connect() as connection:
        connection.send(b"".join(wire.request_bytes(method, target, body)
                                 for method, target, body, _ in parts))
        for method, *_ in parts:
            got.append(connection.answer(head=method == "HEAD").status)
    assert got == [status for *_, status in parts], got


@test
def a_connection_is_kept_for_thousands_of_requests():
    thread = world.thread()
    with gateway.connect() as connection:
        for _ in range(2000):
            assert connection.ask("GET", f"/v1/threads/{thread}").status == 200


@test
def connection_close_is_kept_to():
    with gateway.connect() as connection:
        answer = connection.ask("GET", "/healthz", headers=[("Connection", "close")])
        assert answer.status == 200 and connection.ended(2)


@test
def http_1_0_is_served_and_closed():
    thread = world.thread()
    for target in ("/healthz", f"/v1/threads/{thread}", "/nowhere", f"/v1/threads/{thread}/runs"):
        with gateway.connect() as connection:
            answer = connection.ask("GET", target, version="HTTP/1.0")
            assert answer.status == (404 if target == "/nowhere" else 200), answer
            assert not answer.header("transfer-encoding"), "HTTP/1.0 knows no chunks"
            assert connection.ended(2), "it is not closed"
    with gateway.connect() as connection:
        answer = connection.ask("POST", "/v1/threads", b"{}", version="HTTP/1.0")
        expect_ok(answer, "thread")


@test
def an_event_stream_over_http_1_0_ends_with_its_connection():
    thread, run = world.run(status="completed")
    with gateway.connect() as connection:
        answer = connection.ask("GET", f"/v1/threads/{thread}/runs/{run}/events",
                                version="HTTP/1.0")
        assert answer.status == 200 and not answer.header("transfer-encoding"), answer
        assert answer.body.endswith(b"data: [DONE]\n\n"), answer.body[-100:]


@test
def other_versions_and_no_http_are_refused():
    with tap.cases() as cases:
        for line in (b"GET /healthz HTTP/2.0", b"GET /healthz HTTP/0.9", b"GET /healthz HTTP/9.9",
                     b"GET /healthz", b"GET", b"/healthz", b"GET /healthz FTP/1.1", b"\0\0\0\0",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0",
                     b"GET  HTTP/1.1", b"GET /healthz HTTP/1.1 more", b"SSH-2.0-OpenSSH_9.2",
                     b"\xff" * 100):
            with cases.case(repr(line[:30])), gateway.connect(timeout=4) as connection:
                connection.send(line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                connection.socket.shutdown(socket.SHUT_WR)
                data = wire_rest(connection)
                assert not data or re.match(rb"HTTP/1\.[01] (4\d\d|50[15]) ", data), data[:200]
    is_alive(gateway)


def wire_rest(connection):
    try:
        data = b""
        while piece := connection.socket.recv(1 << 16):
            data += piece
    except ConnectionError:
        pass
    return data


@test
def heads_that_are_none_are_refused():
    heads = (b"NoColon", b"Content-Length: -1", b"Content-Length: 1x", b"Content-Length: 0x2",
             b"Content-Length: two", b"Content-Length: 2\r\nContent-Length: 3",
             b"Content-Length: 2, 3", b"Transfer-Encoding: gzip",
             b"Transfer-Encoding: identity, gzip")
    with tap.cases() as cases:
        for head in heads:
            with cases.case(repr(head)), gateway.connect(timeout=4) as connection:
                before = threads()
                connection.send(b"POST /v1/threads HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                b"application/json\r\nConnection: close\r\n" + head + b"\r\n\r\n{}")
                connection.socket.shutdown(socket.SHUT_WR)
                data = wire_rest(connection)
                assert not data or re.match(rb"HTTP/1\.1 (4\d\d|501) ", data), data[:300]
                assert threads() == before, "a thread was created"
    is_alive(gateway)


@test
def nothing_is_smuggled_past_two_lengths():
    hidden = wire.request_bytes("POST", "/v1/threads", b'{"metadata":{"smuggled":"yes"}}')
    with tap.cases() as cases:
        for name, headers in (
                ("a coding and a length", [CHUNKED, ("Content-Length", 5 + len(hidden))]),
                ("a length and a coding", [("Content-Length", 5 + len(hidden)), CHUNKED])):
            with cases.case(name), gateway.connect(timeout=3) as connection:
                before = threads()
                connection.send(wire.request_bytes("POST", "/v1/threads", headers=[PLAIN, *headers])
                                + b"0\r\n\r\n" + hidden)
                connection.socket.shutdown(socket.SHUT_WR)
                data = wire_rest(connection)
                assert data.count(b"HTTP/1.1 ") <= 1, f"two answers: {data[:2000]}"
                assert threads() <= before + 1


@test
def line_ends_alone_do_not_start_another_request():
    with gateway.connect(timeout=3) as connection:
        connection.send(b"\r\n" + wire.request_bytes("GET", "/healthz"))
        answer = connection.answer_or_end()
        assert answer is None or answer.status in (200, 400), answer
    is_alive(gateway)


@test
def a_body_of_a_get_does_not_become_the_next_request():
    thread = world.thread()
    with gateway.connect(timeout=5) as connection:
        body = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.send(wire.request_bytes("GET", f"/v1/threads/{thread}", body)
                        + wire.request_bytes("GET", "/nowhere"))
        first = connection.answer_or_end()
        assert first is not None and first.status in (200, 400), first
        second = connection.answer_or_end()
        if second:
            expect_error(second, 404, "unknown_path")


HEAD_PART = b"POST /v1/threads HTTP/1.1\r\nHost: loc"
BODY_PART = (b"POST /v1/threads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
             b"Content-Length: 1000\r\n\r\n{\"metadata\":{")
CHUNK_PART = (b"POST /v1/threads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"met\r\n10")
LARGE_PART = (b"POST /v1/threads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              b"Content-Length: 10000000\r\n\r\n" + b" " * 100_000)


def drop(gateway, part, count, reset):
    """Open @count connections, send @part and be gone, with a reset or an orderly end."""
    for _ in range(count):
        connection = gateway.connect()
        connection.send(part)
        if reset:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                         struct.pack("ii", 1, 0))
        connection.close()


def drop_all_kinds(gateway, count):
    whole = wire.request_bytes("POST", "/v1/threads", b"{}")
    for part in (b"", HEAD_PART, BODY_PART, CHUNK_PART, LARGE_PART, whole):
        drop(gateway, part, count, True)
        drop(gateway, part, count, False)


def use_all_threads(gateway):
    """Each thread of the gateway has what it keeps: its connection to the daemon."""
    def create():
        with gateway.connect() as connection:
            for _ in range(20):
                expect_ok(connection.ask("POST", "/v1/threads", b"{}"))

    tap.parallel([create] * 32)


@test(beside=True, limit=60)
def dropped_connections_leak_neither_descriptors_nor_memory():
    with World() as own:
        use_all_threads(own.gateway)
        with own.gateway.connect() as connection:
            expect_ok(connection.ask("POST", "/v1/threads", b"{}"))
            descriptors, memory = own.gateway.descriptors(), own.gateway.rss_kib()
        for _ in range(4):
            drop_all_kinds(own.gateway, 50)
            is_alive(own.gateway)
        # A thread that was idle so far may have got its own connection to the daemon meanwhile.
        settled = tap.eventually(lambda: own.gateway.descriptors() <= descriptors + 8, within=20)
        tap.note(f"over 2,000 dropped: descriptors {descriptors} -> {own.gateway.descriptors()}, "
                 f"memory {memory} -> {own.gateway.rss_kib()} KiB")
        assert settled, f"{own.gateway.descriptors()} descriptors, before it were {descriptors}"
        assert tap.SANITIZED or own.gateway.rss_kib() < memory + 16 * 1024


@test
def a_body_that_breaks_off_creates_nothing():
    before = threads()
    drop(gateway, BODY_PART, 20, False)
    drop(gateway, CHUNK_PART, 20, False)
    is_alive(gateway)
    time.sleep(0.3)
    assert threads() == before


@test
def a_blank_behind_the_name_of_a_header_hides_no_request():
    inner = b"DELETE /v1/assistants/victim HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with gateway.connect() as connection:
        connection.send(b"POST /v1/threads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        b"Content-Length : " + str(len(inner)).encode() + b"\r\n\r\n" + inner)
        answer = connection.answer_or_end()
        assert answer is None or answer.status == 400, answer
        assert connection.answer_or_end() is None


@test
def many_clients_at_once_all_get_their_own():
    ids = [world.thread() for _ in range(16)]

    def ask(thread):
        with gateway.connect() as connection:
            for _ in range(100):
                assert connection.ask("GET", f"/v1/threads/{thread}").json()["id"] == thread

    tap.parallel([lambda thread=thread: ask(thread) for thread in ids])


tap.main()
