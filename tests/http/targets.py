"""Targets of requests: methods, paths, ids in them, and their lengths."""

import socket

import tap
import wire
from tap import test
from world import World, expect_error, expect_ok, is_alive

KIB = 1024

world = World()
gateway = world.gateway

ROUTES = {
    "/v1/assistants": "GET POST",
    "/v1/assistants/asst_1": "GET POST DELETE",
    "/v1/threads": "POST",
    "/v1/threads/t1": "GET POST DELETE",
    "/v1/threads/t1/messages": "GET POST",
    "/v1/threads/t1/messages/msg_1": "GET POST DELETE",
    "/v1/threads/t1/runs": "GET POST",
    "/v1/threads/t1/runs/run_1": "GET POST",
    "/v1/threads/t1/runs/run_1/cancel": "POST",
    "/v1/threads/t1/runs/run_1/submit_tool_outputs": "POST",
    "/v1/threads/t1/runs/run_1/steps": "GET",
    "/v1/threads/t1/runs/run_1/steps/step_1": "GET",
    "/v1/threads/t1/runs/run_1/events": "GET",
    "/healthz": "GET",
    "/metrics": "GET",
}


def with_head(methods):
    methods = set(methods.split())
    return methods | {"HEAD"} if "GET" in methods else methods


@test
def every_route_tells_what_it_allows_when_asked_otherwise():
    with tap.cases() as cases, gateway.connect() as connection:
        for target, methods in ROUTES.items():
            for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
                if method in with_head(methods):
                    continue
                with cases.case(f"{method} {target}"):
                    answer = connection.ask(method, target)
                    assert answer.status == 405, answer
                    allowed = {name.strip() for name in (answer.header("allow") or "").split(",")}
                    assert allowed - {"OPTIONS"} in (set(methods.split()),
                                                     with_head(methods)), allowed
                    if method != "HEAD":
                        expect_error(answer, 405, "method_not_allowed")


@test
def threads_and_a_run_are_made_together_by_post_only():
    with gateway.connect() as connection:
        for method in ("PUT", "PATCH"):
            answer = connection.ask(method, "/v1/threads/runs")
            expect_error(answer, 405, "method_not_allowed")
            assert "POST" in answer.header("allow"), answer.headers
        # Here it may also be a thread of that name, which is not there.
        for method in ("GET", "DELETE"):
            expect_error(connection.ask(method, "/v1/threads/runs"), (404, 405),
                         ("not_found", "method_not_allowed"))


@test
def a_method_may_not_be_allowed_whatever_its_body():
    with gateway.connect() as connection:
        for body in (b"{}", b"{", b"x" * 100_000):
            expect_error(connection.ask("PUT", "/v1/threads", body), 405, "method_not_allowed")
        assert expect_ok(connection.ask("POST", "/v1/threads", b"{}"), "thread")


@test
def names_of_methods_are_as_they_are_written():
    thread = world.thread()
    with tap.cases() as cases:
        for method in ("get", "Get", "delete", "Delete", "FOO", "G", "GETT", "X" * 300,
                       "DELETE\x01"):
            with cases.case(method[:20]), gateway.connect(timeout=5) as connection:
                connection.send(wire.request_bytes(method, f"/v1/threads/{thread}"))
                connection.socket.shutdown(socket.SHUT_WR)
                answer = connection.answer_or_end()
                assert answer is None or answer.status in (400, 405, 501), answer
    expect_ok(gateway.get(f"/v1/threads/{thread}"), "thread")


@test
def head_is_get_without_a_body():
    thread, run = world.run()
    base = f"/v1/threads/{thread}"
    targets = [base, f"{base}/runs", f"{base}/runs/{run}", f"{base}/runs/{run}/steps",
               "/v1/assistants", "/healthz", "/nowhere", "/v1/threads/none", f"{base}/runs?limit=0",
               f"{base}/messages"]
    with tap.cases() as cases, gateway.connect() as connection:
        for target in targets:
            with cases.case(target):
                got = connection.ask("GET", target)
                head = connection.ask("HEAD", target)
                assert head.status == got.status, (head, got)
                assert head.header("content-type") == got.header("content-type"), head.headers
                length = head.header("content-length")
                assert length in (None, str(len(got.body))) or "req_" in got.body.decode(), length


@test
def head_of_an_event_stream_does_not_wait_for_events():
    thread, run = world.run()
    with gateway.connect(timeout=5) as connection:
        connection.send(wire.request_bytes("HEAD", f"/v1/threads/{thread}/runs/{run}/events"))
        assert connection.head().status == 200


@test
def options_gives_nothing_away_without_cors():
    with tap.cases() as cases, gateway.connect() as connection:
        for target in ("/v1/threads", "/healthz", "/v1/threads/t1/runs/run_1"):
            with cases.case(target):
                answer = connection.ask("OPTIONS", target, headers=[
                    ("Origin", "https://app.example"), ("Access-Control-Request-Method", "POST")])
                expect_error(answer, 405, "method_not_allowed")
                assert answer.header("allow")
                assert not [name for name, _ in answer.headers if name.startswith("access-control")]


UNKNOWN = ("/", "/v1", "/v1x", "/v2/threads", "/V1/threads", "/v1/Threads", "/v1/threadz",
           "/v1/thread", "/v1/runs", "/v1/messages", "/v1/threads/t1/runs/run_1/unknown",
           "/v1/threads/t1/steps", "/v1/threads/t1/runs/run_1/steps/step_1/more",
           "/v1/threads/t1/runs/run_1/events/1", "/v1/threads/t1/messages/msg_1/files",
           "/v1/threads/t1/unknown/x", "/v1/threads/t1/runs/r/c/d/e/f", "/v1/chat/completions",
           "/v1/models", "/v1/vector_stores", "/v1/files", "/favicon.ico", "/index.html",
           "/metrics/x", "/healthz/x", "/health", "/v1/healthz", "/v1/metrics", "//",
           "//v1/threads", "/v1//threads", "///", "/v1//threads/t1", "//v1//threads//t1//runs",
           "/v1/threads/t1/runs/run_1/steps/step_1//", "/./v1/threads", "/v1/../v1/threads",
           "/x/../v1/threads", "/v1/assistants/a/b", "/threads", "/threads/t1",
           "/openai/v1/threads", "/%76%31", "/v1%2Fthreads", "/v1/threads%2Ft1", "/v1\\threads",
           "/%", "/%00", "/\xc3\xa9")


@test
def unknown_paths_are_not_found_by_any_method():
    before = world.call("server.stats")["threads"]
    with tap.cases() as cases, gateway.connect() as connection:
        for target in UNKNOWN:
            for method in ("GET", "POST", "DELETE", "PUT"):
                with cases.case(f"{method} {target}"):
                    expect_error(connection.ask(method, target), 404, "unknown_path")
    assert world.call("server.stats")["threads"] == before


@test
def a_slash_at_the_end_is_another_path():
    thread, run = world.run()
    before = world.call("server.stats")["threads"]
    base = f"/v1/threads/{thread}"
    with tap.cases() as cases, gateway.connect() as connection:
        for method, target in (("POST", "/v1/threads/"), ("GET", "/v1/assistants/"),
                               ("GET", base + "/"),
                               ("GET", base + "/runs/"), ("POST", base + "/runs/"),
                               ("GET", f"{base}/runs/{run}/"), ("GET", f"{base}/runs/{run}/steps/"),
                               ("POST", f"{base}/runs/{run}/cancel/"), ("GET", "/healthz/"),
                               ("DELETE", base + "/"), ("GET", f"{base}/runs/{run}/events/")):
            with cases.case(f"{method} {target}"):
                answer = connection.ask(method, target)
                expect_error(answer, (400, 404), ("invalid_id", "unknown_path"))
    assert world.call("runs.get", run_id=run)["status"] == "queued"
    assert world.call("server.stats")["threads"] == before


BAD_IDS = ("%2F", "a%2Fb", "a%2fb", "%00", "a%00", "a%00b", "%00a", "%zz", "a%", "a%2", "%", "%%%",
           "%2", "%gg1", "%C3%A9", "\xc3\xa9", "%c0%af", "%ff", "\xff", "x" * 65, "%78" * 65,
           "x" * 1000, "%20", "a%20b", "a+b", "+", ".", "..", "...", "a.b", "%2e%2e", "%2E", "~",
           "a~b", "a:b", "a;b=c", "a,b", "(a)", "*", "a@b", "$a", "a&b", "a=b", "!", "'", "%22",
           "%3Fx", "%23x", "%0a", "a%0d%0ab", "%5c", "\\", "a|b", "{a}", "[a]", "a%01", "\x7f",
           "%7f")

PLACES = {
    "thread_id": ("/v1/threads/{}", "/v1/threads/{}/runs", "/v1/threads/{}/messages",
                  "/v1/threads/{}/runs/run_1", "/v1/threads/{}/runs/run_1/steps"),
    "run_id": ("/v1/threads/t1/runs/{}", "/v1/threads/t1/runs/{}/steps",
               "/v1/threads/t1/runs/{}/events",
               "/v1/threads/t1/runs/{}/steps/step_1"),
    "step_id": ("/v1/threads/t1/runs/run_1/steps/{}",),
    "message_id": ("/v1/threads/t1/messages/{}",),
    "assistant_id": ("/v1/assistants/{}",),
}


@test
def ids_that_are_none_are_refused_by_the_name_of_their_place():
    with tap.cases() as cases:
        for param, targets in PLACES.items():
            for target in targets:
                with gateway.connect() as connection:
                    for text in BAD_IDS:
                        with cases.case(f"{text[:20]!r} in {target}"):
                            answer = connection.ask("GET", target.format(text))
                            expect_error(answer, 400, "invalid_id", param)


@test
def ids_that_are_none_are_refused_to_writers_too():
    with tap.cases() as cases, gateway.connect() as connection:
        for text in ("a%2Fb", "%00", "a%00b", "%zz", "\xc3\xa9", "x" * 65):
            for method, target, param in (
                    ("POST", "/v1/threads/{}", "thread_id"),
                    ("DELETE", "/v1/threads/{}", "thread_id"),
                    ("POST", "/v1/threads/{}/runs/run_1/cancel", "thread_id"),
                    ("POST", "/v1/threads/t1/runs/{}/cancel", "run_id"),
                    ("POST", "/v1/threads/t1/runs/{}", "run_id"),
                    ("DELETE", "/v1/threads/t1/messages/{}", "message_id"),
                    ("DELETE", "/v1/assistants/{}", "assistant_id")):
                with cases.case(f"{method} {target} {text[:20]!r}"):
                    answer = connection.ask(method, target.format(text), b"{}")
                    expect_error(answer, 400, "invalid_id", param)


@test
def an_empty_id_between_slashes_is_refused():
    with tap.cases() as cases, gateway.connect() as connection:
        for target, param in (("/v1/threads//runs", "thread_id"),
                              ("/v1/threads//messages", "thread_id"),
                              ("/v1/threads/t1/runs//steps", "run_id"),
                              ("/v1/threads//runs/r", "thread_id"),
                              ("/v1/threads/t1/runs//events", "run_id")):
            with cases.case(target):
                expect_error(connection.ask("GET", target), 400, "invalid_id", param)


@test
def ids_of_all_letters_are_looked_up_also_when_they_are_encoded():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    assert len(letters) == 64
    world.call("threads.create", id=letters)
    encoded = "".join(f"%{ord(letter):02x}" for letter in letters)
    mixed = "".join(f"%{ord(letter):02X}" if at % 2 else letter for at,
                    letter in enumerate(letters))
    with tap.cases() as cases, gateway.connect() as connection:
        for text in (letters, encoded, mixed):
            with cases.case(text):
                assert expect_ok(connection.ask("GET", f"/v1/threads/{text}"),
                                 "thread")["id"] == letters
        with cases.case("64 others"):
            error = expect_error(connection.ask("GET", f"/v1/threads/{'y' * 64}"), 404, "not_found")
            assert error["message"] == f"No thread found with id '{'y' * 64}'.", error


@test
def a_run_is_found_in_its_own_thread_only():
    thread, run = world.run()
    other = world.thread()
    with tap.cases() as cases, gateway.connect() as connection:
        for method, rest in (("GET", ""), ("GET", "/steps"), ("GET", "/steps/step_1"),
                             ("GET", "/events"),
                             ("POST", ""), ("POST", "/cancel")):
            with cases.case(f"{method} {rest}"):
                answer = connection.ask(method, f"/v1/threads/{other}/runs/{run}{rest}",
                                        b"{}" if method == "POST" else None)
                expect_error(answer, 404, "not_found")
    assert world.call("runs.get", run_id=run)["status"] == "queued"
    message = world.call("messages.create", thread_id=thread, role="assistant", content="x")["id"]
    expect_error(gateway.get(f"/v1/threads/{other}/messages/{message}"), 404, "not_found")
    expect_error(gateway.ask("DELETE", f"/v1/threads/{other}/messages/{message}"), 404, "not_found")
    expect_ok(gateway.get(f"/v1/threads/{thread}/messages/{message}"), "thread.message")


def one_answer(data, timeout=5):
    with gateway.connect(timeout) as connection:
        connection.send_what_is_taken(data)
        return connection.answer_or_end()


@test
def a_target_is_too_long_from_16_kib_on():
    fine = wire.request_bytes("GET", "/v1/threads/" + "x" * (15 * KIB))
    expect_error(one_answer(fine), 400, "invalid_id", "thread_id")
    with tap.cases() as cases:
        for kib in (17, 20, 24, 31):
            for target in ("/v1/threads/" + "x" * kib * KIB,
                           "/v1/assistants?after=" + "x" * kib * KIB,
                           "/" + "%00" * (kib * KIB // 3), "/nowhere/" + "x/" * (kib * KIB // 2)):
                with cases.case(f"{kib} KiB {target[:30]}"):
                    expect_error(one_answer(wire.request_bytes("GET", target)), 414, "uri_too_long")
    is_alive(gateway)


def expect_refused_head(answer, plainly=False):
    """Refused as too long. @plainly: so long that it may be in the words of the HTTP library."""
    if plainly and answer is not None and answer.header("content-type") is None:
        assert answer.status in (414, 431), answer
    else:
        expect_error(answer, (414, 431), ("uri_too_long", "headers_too_large"))


@test
def a_target_longer_than_a_head_may_be_is_refused():
    with tap.cases() as cases:
        for kib in (33, 64, 100, 1000):
            with cases.case(f"{kib} KiB"):
                answer = one_answer(wire.request_bytes("GET", "/" + "x" * kib * KIB))
                expect_refused_head(answer, plainly=kib > 33)
    is_alive(gateway)


@test
def a_head_is_too_large_from_32_kib_on():
    def head(*headers):
        return wire.request_bytes("GET", "/healthz", headers=headers)

    assert one_answer(head(("X-Pad", "x" * 20 * KIB))).status == 200
    large = {
        "one header": head(("X-Pad", "x" * 34 * KIB)),
        "some headers": head(*[(f"X-Pad-{n}", "x" * KIB) for n in range(40)]),
        "a name": head(("X" * 34 * KIB, "x")),
    }
    # These need more room than their bytes, or have no end.
    larger = {
        "many headers": head(*[(f"X-{n}", "x" * 20) for n in range(1500)]),
        "very many headers": head(*[(f"X{n}", "") for n in range(3000)]),
        "cookies": head(("Cookie", "a=b; " * 7 * KIB)),
        "100 KiB": head(("X-Pad", "x" * 100 * KIB)),
        "1 MiB": head(("X-Pad", "x" * KIB * KIB)),
        "1 MiB of headers": head(*[("X-Pad", "x" * KIB)] * KIB),
    }
    with tap.cases() as cases:
        for name, data in (large | larger).items():
            with cases.case(name):
                answer = one_answer(data)
                assert answer is not None and answer.status == 431, answer
                expect_refused_head(answer, plainly=name in larger)
    is_alive(gateway)


@test
def large_heads_of_posts_create_nothing():
    before = world.call("server.stats")["threads"]
    data = wire.request_bytes("POST", "/v1/threads", b"{}", [("X-Pad", "x" * 40 * KIB)])
    expect_error(one_answer(data), 431, "headers_too_large")
    data = wire.request_bytes("POST", "/v1/threads?x=" + "x" * 17 * KIB, b"{}")
    expect_error(one_answer(data), 414, "uri_too_long")
    assert world.call("server.stats")["threads"] == before


@test
def absolute_targets_are_served_for_this_host_only():
    thread = world.thread()
    with tap.cases() as cases:
        for target, fine in ((f"http://127.0.0.1:{gateway.port}/v1/threads/{thread}", True),
                             (f"http://localhost/v1/threads/{thread}", True),
                             (f"http://evil.com/v1/threads/{thread}", False),
                             (f"http://evil.com:{gateway.port}/v1/threads/{thread}", False),
                             (f"//localhost/v1/threads/{thread}", False)):
            with cases.case(target):
                answer = one_answer(wire.request_bytes("GET", target))
                if fine and answer is not None and answer.status == 200:
                    expect_ok(answer, "thread")
                else:
                    expect_error(answer, (400, 403, 404),
                                 ("unknown_path", "forbidden_host", "invalid_params"))


@test
def targets_of_other_forms_are_refused():
    with tap.cases() as cases:
        for method, target in (("GET", "*"), ("OPTIONS", "*"), ("GET", "v1/threads"),
                               ("GET", "healthz"),
                               ("CONNECT", "localhost:80"), ("GET", "?x"), ("GET", "#"),
                               ("GET", "\\v1")):
            with cases.case(f"{method} {target}"):
                answer = one_answer(wire.request_bytes(method, target))
                assert answer is None or 400 <= answer.status < 500, answer
    is_alive(gateway)


@test
def a_fragment_is_no_part_of_a_path():
    thread = world.thread()
    for target in (f"/v1/threads/{thread}#part", f"/v1/threads/{thread}?#part",
                   f"/v1/threads#/{thread}"):
        answer = one_answer(wire.request_bytes("GET", target))
        assert answer is not None and answer.status in (200, 400, 404, 405), answer
    is_alive(gateway)


tap.main()
