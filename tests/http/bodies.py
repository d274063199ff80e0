"""Bodies of requests: what is no JSON, what is no object, of what type, and too large."""

import json
import time

import tap
import wire
from tap import test
from world import ANY, World, expect_error, expect_ok, is_alive

MIB = 1 << 20
KEPT_KIB = 64 * 1024

world = World()
gateway = world.gateway


def threads():
    return world.call("server.stats")["threads"]


NO_JSON = (b"{", b"}", b"{}}", b"[", b'{"metadata"}', b'{"metadata":}', b'{"metadata":{},}', b'{,}',
           b"{'metadata':{}}", b"{metadata:{}}", b'{"metadata":{}} x', b"{}{}", b"{}\n{}",
           b"// no\n{}", b"/**/{}", b"{}//", b"nul", b"tru", b"NaN", b'{"metadata":{"a":"b}}',
           b'{"metadata":{"a":"b"', b'{"metadata" {}}', b'{"metadata"={}}',
           b'{"metadata":{}"tool_resources":{}}', b" \n x", b"\xef\xbb\xbf{}", b"\0", b"{}\0",
           b"{\0}", b"\0{}", b'{"metadata":nul}', b'{"metadata":{"a":"\x01"}}',
           b'{"metadata":{"a":"\n"}}', b'{"metadata":{"a":"\t"}}', rb'{"metadata":{"a":"\q"}}',
           rb'{"metadata":{"a":"\u12"}}', rb'{"metadata":{"a":"\u12zz"}}',
           rb'{"metadata":{"a":"\ud800"}}', rb'{"metadata":{"a":"\udc00"}}',
           rb'{"metadata":{"a":"\udc00\ud800"}}', rb'{"metadata":{"a":"\ud800x"}}',
           rb'{"metadata":{"\ud800":"a"}}', b'{"metadata":{"a":"b\\"}}', b"--boundary\r\n",
           b"metadata[a]=b", b"<xml/>", b"\x80\x81", b"\x82\xa1a\x01")

NO_NUMBER = (b"01", b"+1", b".5", b"1.", b"0x10", b"1e", b"1e+", b"-", b"- 1", b"1_000", b"NaN",
             b"-Infinity", b"Infinity", b"1e999", b"99999999999999999999999", b"1,5", b"0b1", b"00",
             "\u0663".encode())

NO_UTF8 = (b"\xff", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xe2\x82",
           b"\xf4\x90\x80\x80", b"\x80", b"a\xe9b", b"\xf8\x88\x80\x80\x80", b"\xfe")


@test
def what_is_no_json_is_refused_and_creates_nothing():
    before = threads()
    with tap.cases() as cases, gateway.connect() as connection:
        for body in NO_JSON:
            with cases.case(repr(body)):
                expect_error(connection.ask("POST", "/v1/threads", body), 400, "invalid_params")
    assert threads() == before


@test
def what_is_no_number_of_json_is_refused():
    thread = world.thread()
    with tap.cases() as cases, gateway.connect() as connection:
        for number in NO_NUMBER:
            with cases.case(repr(number)):
                body = b'{"assistant_id":"a","max_prompt_tokens":%s}' % number
                expect_error(connection.ask("POST", f"/v1/threads/{thread}/runs", body), 400,
                             "invalid_params")
    assert not world.call("runs.list", thread_id=thread)["data"]


@test
def what_is_not_utf_8_is_refused():
    before = threads()
    bodies = [b'{"metadata":{"a":"%s"}}' % text for text in NO_UTF8]
    bodies += [b'{"metadata":{"%s":"a"}}' % text for text in NO_UTF8]
    bodies += ['{"metadata":{}}'.encode(code) for code in ("utf-16", "utf-16-le", "utf-32")]
    with tap.cases() as cases, gateway.connect() as connection:
        for body in bodies:
            with cases.case(repr(body)):
                expect_error(connection.ask("POST", "/v1/threads", body), 400, "invalid_params")
    assert threads() == before


@test
def all_of_unicode_comes_back_as_it_was_sent():
    texts = ["é", "€", "𝄞", "\u2028", "\ufeff", "\uffff", "\U0010ffff", '"\\/\b\f\n\r\t', "\x7f",
             "ﬀ" * 512]
    with tap.cases() as cases, gateway.connect() as connection:
        for text in texts:
            for plain in (False, True):
                with cases.case(f"{text[:9]!a} {plain}"):
                    body = json.dumps({"metadata": {"k": text}}, ensure_ascii=not plain)
                    answer = connection.ask("POST", "/v1/threads", body)
                    assert expect_ok(answer, "thread")["metadata"] == {"k": text}, answer


@test
def a_nul_in_a_text_is_kept_or_refused_but_cuts_nothing():
    answer = gateway.post("/v1/threads", rb'{"metadata":{"k":"a\u0000b"}}')
    if answer.status == 200:
        assert answer.json()["metadata"] == {"k": "a\0b"}, answer
    else:
        expect_error(answer, 400, "invalid_params")
    answer = gateway.post("/v1/threads", rb'{"metadata":{"a\u0000b":"1","a":"2"}}')
    if answer.status == 200:
        assert answer.json()["metadata"] == {"a\0b": "1", "a": "2"}, answer
    else:
        expect_error(answer, 400, "invalid_params")


@test
def a_key_that_is_there_twice_is_refused():
    thread = world.thread()
    bodies = (b'{"metadata":{},"metadata":{}}', b'{"metadata":{"a":"1","a":"2"}}',
              rb'{"metadata":{"a":"1","\u0061":"2"}}',
              b'{"metadata":{},"tool_resources":null,"metadata":null}')
    with tap.cases() as cases:
        for body in bodies:
            with cases.case(repr(body)):
                expect_error(gateway.post("/v1/threads", body), 400, "invalid_params")
        with cases.case("deep in the tools of a run"):
            body = (b'{"assistant_id":"a","tools":[{"type":"function","function":{"name":"f",'
                    b'"parameters":{"x":{"y":1,"y":1}}}}]}')
            expect_error(gateway.post(f"/v1/threads/{thread}/runs", body), 400, "invalid_params")


@test
def a_body_that_is_no_object_is_refused():
    with tap.cases() as cases:
        for body in (b"[]", b"[{}]", b'"text"', b"1", b"-1.5e3", b"null", b"true", b"false", b'""',
                     b'[{"metadata":{}}]'):
            for target in ("/v1/threads", "/v1/assistants", "/v1/threads/runs"):
                with cases.case(f"{body} to {target}"):
                    expect_error(gateway.post(target, body), 400, "invalid_params")


@test
def what_is_nested_too_deep_is_refused_however_deep():
    thread = world.thread()
    target = f"/v1/threads/{thread}/runs"

    def body(levels):
        return (b'{"assistant_id":"a","tools":[{"type":"function","function":{"name":"f","parameters":'
                + b'{"x":' * levels + b"{}" + b"}" * levels + b"}}]}")

    with tap.cases() as cases:
        with cases.case("20 levels are well"):
            expect_ok(gateway.post(target, body(20)), "thread.run")
        for levels in (22, 32, 40, 100, 1000):
            with cases.case(f"{levels} levels"):
                expect_error(gateway.post(target, body(levels)), (400, 413),
                             ("too_large", "invalid_params"))
        for opening in (b"[", b'{"a":', b'[{"a":'):
            with cases.case(f"100,000 times {opening}"):
                expect_error(gateway.post(target, opening * 100_000), (400, 413),
                             ("invalid_params", "too_large"))
        with cases.case("100,000 levels, closed"):
            expect_error(gateway.post(target,
                                      b'{"tools":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
                         (400, 413), ("invalid_params", "too_large"))
    is_alive(gateway)


@test
def an_empty_body_is_an_empty_object():
    thread = world.thread(metadata={"a": "b"})
    with tap.cases() as cases, gateway.connect() as connection:
        for headers in ((("Content-Length", "0"),), (),
                        (("Content-Type", "text/plain"), ("Content-Length", "0")),
                        (("Content-Type", "application/json"), ("Content-Length", "0"))):
            with cases.case(f"create with {headers}"):
                answer = connection.ask("POST", "/v1/threads", headers=headers)
                assert expect_ok(answer, "thread")["metadata"] == {}
        with cases.case("chunked"):
            connection.send(wire.request_bytes("POST", "/v1/threads",
                            headers=[("Transfer-Encoding", "chunked")]) + b"0\r\n\r\n")
            expect_ok(connection.answer(), "thread")
        with cases.case("an update that changes nothing"):
            answer = connection.ask("POST", f"/v1/threads/{thread}",
                                    headers=[("Content-Length", "0")])
            assert expect_ok(answer, "thread")["metadata"] == {"a": "b"}
        for target, params in (("/v1/assistants", ["model"]),
                               ("/v1/threads/runs", ["assistant_id"]),
                               (f"/v1/threads/{thread}/runs", ["assistant_id"]),
                               (f"/v1/threads/{thread}/messages", ["role", "content"])):
            with cases.case(target):
                answer = connection.ask("POST", target, headers=[("Content-Length", "0")])
                assert expect_error(answer, 400, "missing_param")["param"] in params, answer


GOOD_TYPES = ("application/json", "APPLICATION/JSON", "application/json; charset=utf-8",
              "application/json;charset=UTF-8", 'application/json; charset="utf-8"',
              "application/json ; charset=utf-8", "application/json;",
              "application/merge-patch+json", "application/vnd.api+json; version=2")
BAD_TYPES = ("text/plain", "text/json-seq", "application/x-www-form-urlencoded",
             "multipart/form-data; boundary=x", "application/jsonp", "application/json-seq",
             "application/octet-stream", "json", "application/", "/json", "", " ",
             "application json", "text/plain; application/json", "application/xml", "*/*",
             "application/json, text/plain", "xapplication/json", "text/html;+json",
             "application/x;a=+json")


@test
def json_types_are_taken():
    with tap.cases() as cases, gateway.connect() as connection:
        for kind in GOOD_TYPES:
            with cases.case(kind):
                expect_ok(connection.ask("POST", "/v1/threads", "{}", [("Content-Type", kind)]))


@test
def other_types_and_none_are_refused():
    before = threads()
    with tap.cases() as cases, gateway.connect() as connection:
        for kind in BAD_TYPES:
            with cases.case(repr(kind)):
                answer = connection.ask("POST", "/v1/threads", "{}", [("Content-Type", kind)])
                expect_error(answer, 415, "unsupported_media_type")
        with cases.case("none"):
            answer = connection.ask("POST", "/v1/threads", "{}", [("Content-Type", None)])
            expect_error(answer, 415, "unsupported_media_type")
    assert threads() == before


@test
def unknown_fields_are_refused_by_their_names():
    thread, run = world.run()
    message = world.call("messages.create", thread_id=thread, role="assistant", content="x")["id"]
    assistant = world.call("assistants.create", model="m")["id"]
    fine = {"/v1/threads/runs": {"assistant_id": "a"}, "/v1/assistants": {"model": "m"},
            f"/v1/threads/{thread}/messages": {"role": "assistant", "content": "x"},
            f"/v1/threads/{thread}/runs": {"assistant_id": "a", "on_active": "parallel"},
            f"/v1/threads/{thread}/runs/{run}/submit_tool_outputs": {"tool_outputs": []}}
    targets = ["/v1/threads", f"/v1/threads/{thread}", f"/v1/threads/{thread}/runs/{run}",
               f"/v1/threads/{thread}/messages/{message}", f"/v1/assistants/{assistant}", *fine]
    with tap.cases() as cases:
        for target in targets:
            for field in ("surprise", "Metadata", "lease", "idempotency_key", "expected_status",
                          ""):
                with cases.case(f"{field} to {target}"):
                    answer = gateway.post(target, {**fine.get(target, {}), field: "x"})
                    expect_error(answer, 400, "unknown_param", field or ANY)


@test
def what_only_workers_set_is_not_taken_over_http():
    thread, run = world.run(status="in_progress")
    message = world.call("messages.create", thread_id=thread, role="assistant", content="x")["id"]
    with tap.cases() as cases:
        for target, field, value in (
                (f"runs/{run}", "status", "completed"), (f"runs/{run}", "last_error", None),
                (f"runs/{run}", "usage", None), (f"runs/{run}", "required_action", None),
                (f"messages/{message}", "content", "y"),
                (f"messages/{message}", "status", "incomplete"),
                ("messages", "status", "in_progress"), ("messages", "id", "msg_1"),
                ("messages", "run_id", run), ("runs", "id", "run_1"), ("runs", "status", "queued"),
                ("runs", "thread_id", "t")):
            with cases.case(f"{field} to {target}"):
                fine = {"messages": {"role": "user", "content": "x"}, "runs": {"assistant_id": "a"}}
                answer = gateway.post(f"/v1/threads/{thread}/{target}",
                                      {**fine.get(target, {}), field: value})
                expect_error(answer, 400, "unknown_param", field)
    assert world.call("runs.get", run_id=run)["status"] == "in_progress"


@test
def a_body_of_exactly_16_mib_is_taken_and_one_byte_more_is_not():
    body = b'{"metadata":{"a":"b"}}'
    answer = gateway.post("/v1/threads", body + b" " * (16 * MIB - len(body)))
    assert expect_ok(answer, "thread")["metadata"] == {"a": "b"}
    with gateway.connect() as connection:
        connection.send(wire.request_bytes("POST", "/v1/threads",
                        headers=[("Content-Type", "application/json"),
                                 ("Content-Length", 16 * MIB + 1)]))
        expect_error(connection.answer(), 413, "too_large")


@test
def a_message_of_3_mib_is_kept_and_one_of_5_is_too_large():
    thread = world.thread()
    text = "ä" * (3 * MIB // 2)
    answer = gateway.post(f"/v1/threads/{thread}/messages", {"role": "user", "content": text})
    message = expect_ok(answer, "thread.message")
    got = gateway.get(f"/v1/threads/{thread}/messages/{message['id']}").json()
    assert got["content"][0]["text"]["value"] == text
    answer = gateway.post(f"/v1/threads/{thread}/messages",
                          json.dumps({"role": "user", "content": "x" * 5 * MIB}))
    expect_error(answer, 413, "too_large")


@test
def twenty_mib_with_a_length_are_refused_without_waiting_for_them():
    for expect in ((), (("Expect", "100-continue"),)):
        with gateway.connect(timeout=3) as connection:
            head = wire.request_bytes("POST", "/v1/threads", headers=[
                ("Content-Type", "application/json"), ("Content-Length", 20 * MIB), *expect])
            begun = time.monotonic()
            connection.send(head)
            answer = connection.head()
            assert answer.status == 413, f"{answer.status} with {expect}"
            assert time.monotonic() - begun < 1
    with gateway.connect(timeout=5) as connection:
        connection.send(head_of_20_mib())
        expect_error(connection.answer(), 413, "too_large")
        connection.send_what_is_taken(b" " * 20 * MIB)
    is_alive(gateway)


def head_of_20_mib():
    return wire.request_bytes("POST", "/v1/threads", headers=[
        ("Content-Type", "application/json"), ("Content-Length", 20 * MIB)])


@test
def a_client_that_sends_20_mib_first_and_reads_then_learns_of_it_or_is_closed():
    with gateway.connect(timeout=10) as connection:
        connection.send(head_of_20_mib())
        connection.send_what_is_taken(b" " * 20 * MIB)
        answer = connection.answer_or_end()
        if answer:
            expect_error(answer, 413, "too_large")
    is_alive(gateway)


@test
def huge_and_absurd_lengths_are_refused():
    with tap.cases() as cases:
        for length in (1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, 10 ** 40):
            with cases.case(str(length)), gateway.connect(timeout=5) as connection:
                connection.send(wire.request_bytes("POST", "/v1/threads", headers=[
                    ("Content-Type", "application/json"), ("Content-Length", length)]) + b"{}")
                answer = connection.answer_or_end()
                assert answer is None or answer.status in (400, 413), answer
                if answer and length < 1 << 63:
                    expect_error(answer, 413, "too_large")
    is_alive(gateway)


def endless(mib):
    """Send a chunked body of @mib: what was answered, if anything was, and how much was taken."""
    chunk = b"100000\r\n" + b" " * MIB + b"\r\n"
    with gateway.connect(timeout=10) as connection:
        connection.send(wire.request_bytes("POST", "/v1/threads", headers=[
            ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]))
        sent = connection.send_what_is_taken(chunk * mib + b"0\r\n\r\n")
        return connection.answer_or_end(), sent


@test
def twenty_mib_in_chunks_are_refused_and_leave_nothing_behind():
    before = threads()
    for _ in range(30):
        answer, _ = endless(20)
        if answer:
            expect_error(answer, 413, "too_large")
    assert threads() == before
    is_alive(gateway)
    memory_is_given_back()


def memory_is_given_back():
    """That what the large ones took does not stay for ever."""
    given_back = tap.eventually(lambda: gateway.rss_kib() < KEPT_KIB, within=2)
    tap.note(f"memory afterwards: {gateway.rss_kib()} KiB, at its peak {gateway.peak_kib()} KiB")
    assert tap.SANITIZED or given_back, f"{gateway.rss_kib()} KiB stay"


@test
def a_body_without_an_end_is_not_read_for_ever():
    before = gateway.peak_kib()
    answer, sent = endless(200)
    if answer:
        expect_error(answer, 413, "too_large")
    tap.note(f"of 200 MiB {sent // MIB} were taken, peak {before} -> {gateway.peak_kib()} KiB")
    assert sent < 200 * MIB, "all of 200 MiB was read"
    assert tap.SANITIZED or gateway.peak_kib() < before + 64 * 1024
    is_alive(gateway)


@test
def ten_large_bodies_at_once_keep_nobody_waiting():
    def large():
        with gateway.connect(timeout=20) as connection:
            body = b'{"metadata":{}}' + b" " * (15 * MIB)
            return connection.ask("POST", "/v1/threads", body)

    def small():
        return max(is_alive(gateway) for _ in range(50))

    results = tap.parallel([large] * 10 + [small])
    for answer in results[:10]:
        expect_ok(answer, "thread")
    tap.note(f"the slowest small request beside took {results[10] * 1000:.0f} ms")
    assert tap.SANITIZED or results[10] < 2
    memory_is_given_back()


tap.main()
