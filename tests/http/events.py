"""Streams of events: whole, in order, begun again anywhere, and with clients that go."""

import json
import threading
import time

import tap
import wire
from tap import test
from world import ACTION, World, expect_error, expect_ok, gauge, is_alive, room_for_descriptors

room_for_descriptors(4096)
world = World()
gateway = world.gateway
SOON_S = 5 if tap.SANITIZED else 2


class Stream:
    """A stream of events that is read as it comes."""

    def __init__(self, target, body=None, headers=(), where=None, timeout=20):
        self.connection = (where or gateway).connect(timeout=timeout)
        method = "GET" if body is None else "POST"
        self.connection.send(wire.request_bytes(method, target, body, headers))
        self.answer = self.connection.head()
        self.text = bytearray()
        if self.answer.status != 200:
            self.answer.body = self.connection._exactly(int(self.answer.header("content-length")))
            return
        kind = (self.answer.header("content-type") or "").replace(" ", "").lower()
        assert kind == "text/event-stream;charset=utf-8", self.answer.headers
        assert "no-cache" in self.answer.header("cache-control"), self.answer.headers
        assert (self.answer.header("x-request-id") or "").startswith("req_"), self.answer.headers
        assert self.answer.header("transfer-encoding").lower() == "chunked", self.answer.headers

    def next(self, timeout=20):
        """The next event as (id, name, data); None at the end of the stream."""
        self.connection.timeout(timeout)
        while True:
            while (at := self.text.find(b"\n\n")) < 0:
                piece = self.connection.chunk()
                if not piece:
                    assert not self.text, f"it ends within an event: {self.text!r}"
                    return None
                self.text += piece
            lines = self.text[:at].decode().split("\n")
            del self.text[:at + 2]
            if all(line.startswith(":") for line in lines):
                continue
            fields = {}
            for line in lines:
                name, colon, value = line.partition(": ")
                assert colon and name in ("id", "event", "data") and name not in fields, lines
                fields[name] = value
            data = fields["data"]
            return fields.get("id"), fields.get("event"), data if data == "[DONE]" else json.loads(data)

    def rest(self, timeout=20):
        events = []
        while (event := self.next(timeout)) is not None:
            events.append(event)
        self.connection.close()
        return events

    def until(self, name, timeout=20):
        events = []
        while not events or events[-1][1] != name:
            event = self.next(timeout)
            assert event, f"the stream ends before {name}: {names(events)}"
            events.append(event)
        return events

    def close(self):
        self.connection.close()


def target_of(thread, run):
    return f"/v1/threads/{thread}/runs/{run}/events"


def follow(thread, run, *headers, **more):
    return Stream(target_of(thread, run), headers=headers, **more)


def replay(thread, run, *headers, **more):
    stream = follow(thread, run, *headers, **more)
    assert stream.answer.status == 200, stream.answer
    return stream.rest()


def names(events):
    return [name for _, name, _ in events]


DONE = (None, "done", "[DONE]")
OUTPUTS = {"tool_outputs": [{"tool_call_id": "call_1", "output": "fine"}]}


def step_details(message):
    return {"type": "message_creation", "message_creation": {"message_id": message}}


def play(thread, run, pause=0.0):
    """What a worker does: a tool call, and then a message whose text grows."""
    def call(method, **params):
        time.sleep(pause)
        return world.call(method, run_id=run, **params)

    call("runs.update", status="in_progress")
    call("runs.update", status="requires_action", required_action=ACTION)
    call("runs.submit_tool_outputs", **OUTPUTS)
    call("runs.update", status="in_progress")
    message = call("messages.create", thread_id=thread, role="assistant", content="",
                   status="in_progress")["id"]
    step = call("steps.create", type="message_creation", step_details=step_details(message))["id"]
    for end in range(1, 6):
        time.sleep(pause)
        world.call("messages.update", thread_id=thread, message_id=message, content="Hällo 𝄞"[:end + 2])
    world.call("messages.update", thread_id=thread, message_id=message, status="completed")
    call("steps.update", step_id=step, status="completed")
    call("runs.update", status="completed",
         usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3})


STORY = ["thread.run.created", "thread.run.queued", "thread.run.in_progress",
         "thread.run.step.created", "thread.run.step.in_progress", "thread.run.requires_action",
         "thread.run.step.delta", "thread.run.step.completed", "thread.run.queued",
         "thread.run.in_progress", "thread.message.created", "thread.message.in_progress",
         "thread.message.delta", "thread.run.step.created", "thread.run.step.in_progress",
         "thread.message.delta", "thread.message.completed", "thread.run.step.completed",
         "thread.run.completed", "done"]


def without_repeats(words):
    return [word for at, word in enumerate(words) if not at or word != words[at - 1]]


def expect_story(events):
    """That it is the whole of what play() does."""
    told = without_repeats(names(events))
    assert told == STORY, f"told: {told}"
    assert events[-1] == DONE, events[-1]
    text = "".join(part["text"]["value"] for _, name, data in events if name == "thread.message.delta"
                   for part in data["delta"]["content"])
    whole = next(data for _, name, data in events if name == "thread.message.completed")
    assert text == whole["content"][0]["text"]["value"] == "Hällo 𝄞", text
    for seq, name, data in events[:-1]:
        assert seq and seq.isdigit(), f"{name} has the id {seq}"
        assert isinstance(data, dict) and data["id"] and data["object"], data
        status = name.rpartition(".")[2]
        if status not in ("created", "delta"):
            assert data["status"] == status, f"{name} shows {data['status']}"


@test
def a_run_is_told_from_its_creation_to_its_end():
    thread, run = world.run()
    live = follow(thread, run)
    play(thread, run)
    events = live.rest()
    expect_story(events)
    assert replay(thread, run) == events, "what is told afterwards is something else"


@test
def a_stream_opened_at_any_moment_tells_all_of_it():
    thread, run = world.run()
    player = threading.Thread(target=play, args=(thread, run, 0.02))
    player.start()
    streams = []
    while player.is_alive():
        streams.append(follow(thread, run))
        time.sleep(0.007)
    player.join()
    expected = replay(thread, run)
    expect_story(expected)
    for at, stream in enumerate(streams):
        assert stream.rest() == expected, f"stream {at} of {len(streams)}"
    tap.note(f"{len(streams)} streams")


@test
def from_each_last_event_id_exactly_the_rest_comes():
    thread, run = world.run()
    play(thread, run)
    events = replay(thread, run)
    seqs = list(dict.fromkeys(seq for seq, _, _ in events if seq))
    with tap.cases() as cases:
        for seq in seqs:
            with cases.case(seq):
                last = max(at for at, event in enumerate(events) if event[0] == seq)
                rest = replay(thread, run, ("Last-Event-ID", seq))
                assert rest == events[last + 1:], f"{names(rest)} instead of {names(events[last + 1:])}"


@test
def a_client_that_is_cut_off_again_and_again_misses_nothing():
    thread, run = world.run()
    player = threading.Thread(target=play, args=(thread, run, 0.01))
    player.start()
    told, headers, connections = [], [], 0
    while not told or told[-1] != DONE:
        stream = follow(thread, run, *headers)
        connections += 1
        assert stream.answer.status == 200, stream.answer
        # A browser knows an id when it has seen an event of it; those of one id come at once.
        first = stream.next()
        got = [first]
        while (event := stream.next() if got[-1] != DONE else None) and len(got) < 40:
            if event[0] != first[0]:
                break
            got.append(event)
        told += got
        headers = [("Last-Event-ID", first[0])] if first[0] else []
        stream.close()
    player.join()
    assert told == replay(thread, run), names(told)
    tap.note(f"{connections} connections")


@test
def an_unknown_last_event_id_is_refused():
    thread, run = world.run()
    other_thread, other = world.run()
    play(thread, run)
    play(other_thread, other)
    events, others = replay(thread, run), replay(other_thread, other)
    thread_change = world.call("changes.list", after=0, limit=1)["changes"][0]["seq"]
    wrong = [others[0][0], others[-2][0], str(thread_change), "0", "-1", "1.5", "abc", "1e3", "0x10",
             "+" + events[0][0], events[0][0] + " x", events[0][0] + "x", "9" * 18, "9" * 19, "9" * 400,
             "18446744073709551616", "'", "ü", "null"]
    with tap.cases() as cases:
        for seq in wrong:
            with cases.case(seq[:30]):
                answer = gateway.get(target_of(thread, run), headers=[("Last-Event-ID", seq)])
                error = expect_error(answer, 400, "invalid_params")
                assert (error["param"] or "").lower() in ("last-event-id", "last_event_id"), error


@test
def what_is_refused_is_refused_before_a_stream_begins():
    thread, run = world.run()
    other = world.thread()
    with tap.cases() as cases:
        for target, status, code in (
                (f"/v1/threads/{thread}/runs/run_x/events", 404, "not_found"),
                (f"/v1/threads/{other}/runs/{run}/events", 404, "not_found"),
                (f"/v1/threads/nothing/runs/{run}/events", 404, "not_found"),
                (f"/v1/threads/{thread}/runs/a%2fb/events", 400, "invalid_id"),
                (target_of(thread, run) + "?after=1", 400, "unknown_param"),
                (target_of(thread, run) + "?stream=true", 400, "unknown_param"),
                (target_of(thread, run) + "?include[]=x", 400, "invalid_params")):
            with cases.case(target):
                expect_error(gateway.get(target), status, code)
        for body, code, param in (({"assistant_id": "a", "stream": "yes"}, "invalid_params", "stream"),
                                  ({"assistant_id": "a", "stream": 1}, "invalid_params", "stream"),
                                  ({"stream": True}, "missing_param", "assistant_id"),
                                  ({"assistant_id": "a", "stream": True}, "run_active", None)):
            with cases.case(str(body)):
                expect_error(gateway.post(f"/v1/threads/{thread}/runs", body), 400, code,
                             **({"param": param} if param else {}))
        with cases.case("submit"):
            answer = gateway.post(f"/v1/threads/{thread}/runs/{run}/submit_tool_outputs",
                                  {**OUTPUTS, "stream": True})
            expect_error(answer, 400, "invalid_transition")
        with cases.case("stream: false and null make none"):
            for stream in (False, None):
                expect_ok(gateway.post("/v1/threads/runs", {"assistant_id": "a", "stream": stream}),
                          "thread.run")


@test
def a_stream_of_create_ends_at_requires_action_and_one_of_submit_goes_on():
    stream = Stream("/v1/threads/runs", {"assistant_id": "asst_1", "stream": True})
    first = stream.next()
    assert first[1] == "thread.created" and first[2]["object"] == "thread", first
    created = stream.next()
    assert created[1] == "thread.run.created", created
    thread, run = first[2]["id"], created[2]["id"]
    world.move(run, "in_progress")
    world.move(run, "requires_action")
    told = names(stream.rest())
    assert told[-2:] == ["thread.run.requires_action", "done"], told
    stream = Stream(f"/v1/threads/{thread}/runs/{run}/submit_tool_outputs", {**OUTPUTS, "stream": True})
    assert stream.next()[1] == "thread.run.step.completed"
    assert stream.next()[1] == "thread.run.queued"
    world.move(run, "cancelled")
    assert names(stream.rest()) == ["thread.run.cancelled", "done"]


@test
def a_connection_serves_on_after_its_stream():
    thread, run = world.run(status="completed")
    stream = follow(thread, run)
    for _ in range(20):
        while stream.next():
            pass
        is_there = stream.connection.ask("GET", f"/v1/threads/{thread}/runs/{run}")
        assert expect_ok(is_there)["status"] == "completed"
        stream.connection.send(wire.request_bytes("GET", target_of(thread, run)))
        assert stream.connection.head().status == 200
    stream.close()


@test
def old_http_gets_the_stream_until_the_connection_ends():
    thread, run = world.run()
    with gateway.connect() as connection:
        connection.send(wire.request_bytes("GET", target_of(thread, run), version="HTTP/1.0"))
        assert connection.head().status == 200
        play(thread, run)
        assert connection._rest().endswith(b"event: done\ndata: [DONE]\n\n")


@test
def head_of_a_stream_has_no_body_and_leaves_none_open():
    mine = world.another_gateway()
    with tap.cases() as cases:
        for status in ("completed", "queued"):
            thread, run = world.run(status=status)
            with cases.case(status), mine.connect(timeout=5) as connection:
                connection.send(wire.request_bytes("HEAD", target_of(thread, run)))
                assert connection.head().status == 200
                connection.timeout(0.3)
                try:
                    connection._more()
                except wire.Closed:
                    pass
                except AssertionError as nothing:
                    assert "nothing came" in str(nothing), nothing
                assert not connection.unread, f"a body: {bytes(connection.unread)}"
                world.call("runs.delete", run_id=run)
    assert tap.eventually(lambda: gauge(mine, "streams") == 0), gauge(mine, "streams")
    mine.end()


@test
def a_run_that_is_deleted_ends_its_streams_with_an_error():
    with tap.cases() as cases:
        for what in ("run", "thread"):
            with cases.case(what):
                thread, run = world.run(status="in_progress")
                stream = follow(thread, run)
                stream.until("thread.run.in_progress")
                if what == "run":
                    world.call("runs.delete", run_id=run)
                else:
                    world.call("threads.delete", thread_id=thread)
                events = stream.rest()
                assert names(events) == ["error", "done"], events
                error = events[0][2].get("error", events[0][2])
                assert error["code"] == "not_found" and error["message"], events
                expect_error(gateway.get(target_of(thread, run)), 404, "not_found")


@test
def steps_that_run_at_once_are_told_one_after_the_other():
    thread, run = world.run(status="in_progress")
    stream = follow(thread, run)
    steps = [world.call("steps.create", run_id=run, type="tool_calls",
                        step_details={"type": "tool_calls", "tool_calls": []})["id"] for _ in range(5)]
    for step in reversed(steps):
        world.call("steps.update", run_id=run, step_id=step, status="completed")
    world.move(run, "completed")
    told = [data["id"] for _, name, data in stream.rest() if name.startswith("thread.run.step.")]
    assert told == [step for step in steps for _ in range(3)], told


@test
def events_come_when_they_happen():
    thread, run = world.run()
    stream = follow(thread, run)
    stream.until("thread.run.queued")
    took = []
    for status in ("in_progress", "requires_action"):
        world.move(run, status)
        begun = time.monotonic()
        stream.until(f"thread.run.{status}", timeout=SOON_S)
        took.append(time.monotonic() - begun)
    for _ in range(30):
        thread, run = world.run()
        stream = follow(thread, run)
        stream.until("thread.run.queued")
        world.move(run, "cancelled")
        begun = time.monotonic()
        stream.until("done", timeout=SOON_S)
        took.append(time.monotonic() - begun)
    took.sort()
    tap.note(f"events come after {took[len(took) // 2] * 1000:.2f} ms, {took[-1] * 1000:.2f} ms at most")


@test
def two_hundred_streams_of_one_run_are_all_told_the_same():
    mine = world.another_gateway()
    thread, run = world.run()
    streams = [follow(thread, run, where=mine) for _ in range(200)]
    assert gauge(mine, "streams") == 200
    play(thread, run)
    expected = replay(thread, run)
    expect_story(expected)
    for stream in streams:
        assert stream.rest() == expected
    assert tap.eventually(lambda: gauge(mine, "streams") == 0)
    mine.end()


@test
def two_hundred_runs_at_once_are_each_told_in_full():
    mine = world.another_gateway("--threads", "4")
    runs = [world.run() for _ in range(200)]
    streams = [follow(*run, where=mine) for run in runs]
    for status in ("in_progress", "completed"):
        world.rpc().batch([("runs.update", {"run_id": run, "status": status}) for _, run in runs])
    for (_, run), stream in zip(runs, streams):
        events = stream.rest()
        assert names(events) == ["thread.run.created", "thread.run.queued", "thread.run.in_progress",
                                 "thread.run.completed", "done"], names(events)
        assert {data["id"] for _, _, data in events[:-1]} == {run}
    mine.end()


@test
def clients_that_vanish_leave_nothing_behind():
    mine = world.another_gateway()

    def vanish():
        thread, run = world.run()
        streams = [follow(thread, run, where=mine) for _ in range(100)]
        for at, stream in enumerate(streams):
            if at % 3 == 0:
                stream.next()
            stream.close()
        play(thread, run)
        return replay(thread, run, where=mine)

    expect_story(vanish())
    assert tap.eventually(lambda: gauge(mine, "streams") == 0)
    before, open_before = mine.rss_kib(), mine.descriptors()
    for _ in range(5):
        expect_story(vanish())
    assert tap.eventually(lambda: gauge(mine, "streams") == 0), gauge(mine, "streams")
    assert tap.eventually(lambda: mine.descriptors() <= open_before + 8), mine.descriptors()
    tap.note(f"500 more that vanished: {before} -> {mine.rss_kib()} KiB")
    assert tap.SANITIZED or mine.rss_kib() < before + 8 * 1024
    mine.end()


@test(beside=True)
def those_who_vanish_in_silence_are_noticed_by_the_next_keep_alive():
    mine = world.another_gateway()
    thread, run = world.run()
    streams = [follow(thread, run, where=mine) for _ in range(20)]
    for stream in streams:
        stream.until("thread.run.queued")
        stream.close()
    assert tap.eventually(lambda: gauge(mine, "streams") == 0, within=35, every=0.2), gauge(mine, "streams")
    mine.end()


@test(beside=True)
def a_silent_stream_is_kept_alive_by_comments():
    thread, run = world.run()
    with gateway.connect(timeout=20) as connection:
        connection.send(wire.request_bytes("GET", target_of(thread, run)))
        connection.head()
        text = b""
        while b"\n:" not in text and not text.startswith(b":"):
            text += connection.chunk()
        assert text.endswith(b"\n\n"), text


@test
def a_large_object_is_told_as_it_is_now():
    thread, run = world.run(status="in_progress")
    text = "ß" * 100_000
    world.call("messages.create", thread_id=thread, role="assistant", content=text, run_id=run)
    world.move(run, "completed")
    events = replay(thread, run)
    told = "".join(part["text"]["value"] for _, name, data in events if name == "thread.message.delta"
                   for part in data["delta"]["content"])
    assert told == text, len(told)


tap.main()
