"""Idempotency-Key: who asks twice has asked once."""

import json
import random
import threading
import time

import tap
import wire
from tap import test
from world import ACTION, World, expect_error, expect_ok, is_alive

world = World()
gateway = world.gateway

_keys = (f"key-{number}" for number in range(1 << 20))


def key(text=None):
    return ("Idempotency-Key", next(_keys) if text is None else text)


def post(target, body, *headers):
    return gateway.post(target, body, headers=headers)


def count(*what):
    stats = world.call("server.stats")
    return [stats[name] for name in what]


def messages(thread):
    listed = world.call("messages.list", thread_id=thread, order="asc")["data"]
    return [message["content"][0]["text"]["value"] for message in listed]


def run_body(**more):
    return {"assistant_id": "asst_1", "on_active": "parallel", **more}


@test
def the_same_key_twice_gives_the_same_answer_and_one_object():
    thread = world.thread()
    said = {"role": "user", "content": "hello"}
    with tap.cases() as cases:
        for target, body, what in (
                ("/v1/threads", {"metadata": {"a": "b"}}, "threads"),
                ("/v1/threads", None, "threads"),
                ("/v1/threads", {"messages": [said, said]}, "messages"),
                ("/v1/assistants", {"model": "m"}, "assistants"),
                (f"/v1/threads/{thread}/messages", said, "messages"),
                (f"/v1/threads/{thread}/runs", run_body(), "runs"),
                (f"/v1/threads/{thread}/runs", run_body(additional_messages=[said]), "runs"),
                ("/v1/threads/runs", run_body(), "runs"),
                ("/v1/threads/runs", run_body(thread={"messages": [said]}), "messages")):
            with cases.case(f"{target} {body}"):
                mine = key()
                first = expect_ok(post(target, body, mine))
                before = count(what)
                for _ in range(3):
                    assert expect_ok(post(target, body, mine)) == first
                assert count(what) == before, f"{what}: {before}, then {count(what)}"


@test
def without_a_key_or_with_another_each_request_makes_its_own():
    first, second = (expect_ok(post("/v1/threads", {})) for _ in range(2))
    third, fourth = (expect_ok(post("/v1/threads", {}, key())) for _ in range(2))
    assert len({thread["id"] for thread in (first, second, third, fourth)}) == 4


@test
def a_thread_with_its_messages_and_its_run_is_made_once():
    mine = key()
    body = run_body(model="m", thread={"metadata": {"k": "v"}, "messages": [
        {"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]})
    run = expect_ok(post("/v1/threads/runs", body, mine), "thread.run")
    for _ in range(3):
        assert expect_ok(post("/v1/threads/runs", body, mine)) == run
    assert messages(run["thread_id"]) == ["one", "two"]
    assert len(world.call("runs.list", thread_id=run["thread_id"])["data"]) == 1
    assert run["thread_id"].startswith("thread_") and len(run["thread_id"]) == 33


@test
def additional_messages_and_their_run_are_made_once():
    thread = world.thread()
    mine = key()
    body = run_body(additional_messages=[{"role": "user", "content": "one"},
                                         {"role": "user", "content": "two"}])
    run = expect_ok(post(f"/v1/threads/{thread}/runs", body, mine), "thread.run")
    for _ in range(3):
        assert expect_ok(post(f"/v1/threads/{thread}/runs", body, mine)) == run
    assert messages(thread) == ["one", "two"]
    assert len(world.call("runs.list", thread_id=thread)["data"]) == 1


@test
def a_repeated_request_is_answered_with_the_object_as_it_is_now():
    thread = world.thread()
    mine = key()
    run = expect_ok(post(f"/v1/threads/{thread}/runs", run_body(), mine))
    world.move(run["id"], "in_progress")
    again = expect_ok(post(f"/v1/threads/{thread}/runs", run_body(), mine))
    assert (again["id"], again["status"]) == (run["id"], "in_progress")
    world.call("runs.delete", run_id=run["id"])
    expect_error(post(f"/v1/threads/{thread}/runs", run_body(), mine), 404, "not_found")
    assert not world.call("runs.list", thread_id=thread)["data"]


@test
def the_same_key_with_another_body_path_or_method_is_a_conflict():
    thread, other = world.thread(), world.thread()
    said = {"role": "user", "content": "hello"}
    mine = key()
    expect_ok(post(f"/v1/threads/{thread}/messages", said, mine))
    with tap.cases() as cases:
        for target, body in ((f"/v1/threads/{thread}/messages", {**said, "content": "bye"}),
                             (f"/v1/threads/{thread}/messages", {**said, "metadata": {"a": "b"}}),
                             (f"/v1/threads/{other}/messages", said),
                             (f"/v1/threads/{thread}", {"metadata": {}}),
                             (f"/v1/threads/{thread}/runs", run_body()),
                             ("/v1/assistants", {"model": "m"}),
                             ("/v1/threads", {"messages": [said]}),
                             ("/v1/threads/runs", run_body())):
            with cases.case(f"{target} {body}"):
                expect_error(post(target, body, mine), 400, "idempotency_conflict")
        with cases.case("delete"):
            answer = gateway.ask("DELETE", f"/v1/threads/{other}", headers=[mine])
            expect_error(answer, 400, "idempotency_conflict")
    assert messages(thread) == ["hello"] and not messages(other)


@test
def a_batch_that_differs_anywhere_is_a_conflict_and_adds_nothing():
    mine = key()
    fine = run_body(thread={"messages": [{"role": "user", "content": "one"}]})
    run = expect_ok(post("/v1/threads/runs", fine, mine))
    before = count("threads", "messages", "runs")
    with tap.cases() as cases:
        for body in (run_body(thread={"messages": [{"role": "user", "content": "two"}]}),
                     run_body(thread={"messages": []}), run_body(),
                     run_body(thread={"messages": 2 * [{"role": "user", "content": "one"}]}),
                     {**fine, "model": "m"},
                     {**fine, "thread": {**fine["thread"], "metadata": {"a": "b"}}}):
            with cases.case(json.dumps(body)):
                expect_error(post("/v1/threads/runs", body, mine), 400, "idempotency_conflict")
    assert count("threads", "messages", "runs") == before
    assert messages(run["thread_id"]) == ["one"]
    thread = world.thread()
    mine = key()
    fine = run_body(additional_messages=[{"role": "user", "content": "one"}])
    expect_ok(post(f"/v1/threads/{thread}/runs", fine, mine))
    for body in (run_body(), {**fine, "model": "m"},
                 run_body(additional_messages=2 * fine["additional_messages"])):
        expect_error(post(f"/v1/threads/{thread}/runs", body, mine), 400, "idempotency_conflict")
    assert messages(thread) == ["one"]


@test
def a_refused_request_leaves_its_key_free():
    mine = key()
    expect_error(post("/v1/threads/runs", {"model": "m"}, mine), 400, "missing_param")
    broken = run_body(thread={"messages": [{"role": "user", "content": "x"}, {"role": "nobody", "content": "y"}]})
    before = count("threads", "messages", "runs")
    expect_error(post("/v1/threads/runs", broken, mine), 400, "invalid_params",
                 "thread.messages[1].role")
    assert count("threads", "messages", "runs") == before
    expect_ok(post("/v1/threads/runs", run_body(), mine))


@test
def a_key_that_is_empty_too_long_or_no_text_is_refused():
    before = count("threads")
    with tap.cases() as cases, gateway.connect() as connection:
        for text in ("", "x" * 65, "x" * 1000, "ä" * 33, "\xff", "a\x80b"):
            with cases.case(repr(text[:70])):
                # As bytes: headers are sent as latin-1.
                sent = text.encode().decode("latin-1") if text.startswith("ä") else text
                answer = connection.ask("POST", "/v1/threads", {}, [key(sent)])
                error = expect_error(answer, 400, "invalid_params")
                assert (error["param"] or "").lower() in ("idempotency-key", "idempotency_key"), error
    assert count("threads") == before
    for text in ("x", "x" * 64, "a b:c;d=,\"'\\", "ä".encode().decode("latin-1") * 32):
        first = expect_ok(post("/v1/threads", {}, key(text)))
        assert expect_ok(post("/v1/threads", {}, key(text)))["id"] == first["id"]


@test
def two_keys_on_one_request_are_not_taken_for_none():
    both = [key("first-of-two"), key("second-of-two")]
    answer = gateway.post("/v1/threads", {}, headers=both)
    if answer.status != 200:
        expect_error(answer, 400, "invalid_params")
        return
    again = expect_ok(gateway.post("/v1/threads", {}, headers=both))
    assert again["id"] == answer.json()["id"]


@test
def a_get_does_not_use_up_a_key():
    thread = world.thread()
    mine = key()
    for _ in range(2):
        expect_ok(gateway.get(f"/v1/threads/{thread}", headers=[mine]))
    expect_ok(post("/v1/threads", {}, mine))


@test
def cancel_submit_modify_and_delete_take_keys():
    thread, run = world.run(status="requires_action")
    base = f"/v1/threads/{thread}"
    call = ACTION["submit_tool_outputs"]["tool_calls"][0]["id"]
    outputs = {"tool_outputs": [{"tool_call_id": call, "output": "1"}]}
    submit, modify, cancel, delete = key(), key(), key(), key()
    for _ in range(2):
        run_now = expect_ok(post(f"{base}/runs/{run}/submit_tool_outputs", outputs, submit))
        assert run_now["status"] == "queued"
    for _ in range(2):
        expect_ok(post(f"{base}/runs/{run}", {"metadata": {"a": "b"}}, modify))
    for _ in range(2):
        assert expect_ok(post(f"{base}/runs/{run}/cancel", None, cancel))["status"] == "cancelled"
    expect_error(post(f"{base}/runs/{run}/cancel", None, key()), 400, "invalid_transition")
    first = expect_ok(gateway.ask("DELETE", base, headers=[delete]))
    assert expect_ok(gateway.ask("DELETE", base, headers=[delete])) == first
    expect_error(gateway.ask("DELETE", base, headers=[key()]), 404, "not_found")


def at_once(target, body, header, n=20):
    """The answers to @n requests that are there at the same time."""
    gate = threading.Barrier(n)

    def one():
        with gateway.connect(timeout=20) as connection:
            data = wire.request_bytes("POST", target, body, [header])
            connection.send(data[:-1])
            gate.wait(20)
            connection.send(data[-1:])
            return connection.answer()
    return tap.parallel([one] * n)


@test
def twenty_requests_at_once_with_one_key_make_one_object():
    thread = world.thread()
    said = {"role": "user", "content": "x"}
    targets = (("/v1/threads", {"messages": [said]}), ("/v1/assistants", {"model": "m"}),
               ("/v1/threads/runs", run_body(thread={"messages": [said, said]})),
               (f"/v1/threads/{thread}/messages", said),
               (f"/v1/threads/{thread}/runs", run_body(additional_messages=[said])))
    with tap.cases() as cases:
        for target, body in targets:
            for _ in range(4):
                with cases.case(target):
                    before = count("threads", "messages", "runs", "assistants")
                    answers = at_once(target, body, key())
                    ids = {expect_ok(answer)["id"] for answer in answers}
                    assert len(ids) == 1, f"{len(ids)} objects"
                    made = [now - then for now, then in
                            zip(count("threads", "messages", "runs", "assistants"), before)]
                    assert max(made) <= 2 and sum(made) <= 4, f"{made} were made"


@test
def of_different_bodies_under_one_key_at_once_one_wins():
    mine = key()
    bodies = [run_body(metadata={"n": str(number)}) for number in range(10)]
    gate = threading.Barrier(len(bodies))

    def ask(body):
        gate.wait(20)
        return post("/v1/threads/runs", body, mine)
    before = count("runs")
    answers = tap.parallel([lambda body=body: ask(body) for body in bodies])
    won = [answer for answer in answers if answer.status == 200]
    for answer in answers:
        if answer.status != 200:
            expect_error(answer, 400, "idempotency_conflict")
    assert len(won) == 1 and count("runs") == [before[0] + 1]


@test
def who_lost_the_answer_and_asks_again_has_made_one():
    """The connection goes at a random moment; then the same is sent until there is an answer."""
    said = {"role": "user", "content": "x"}
    body = run_body(thread={"messages": [said]})
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    before = count("threads", "messages", "runs")
    rounds = 60
    for _ in range(rounds):
        mine = key()
        data = wire.request_bytes("POST", "/v1/threads/runs", body, [mine])
        for _ in range(chance.randrange(1, 4)):
            connection = gateway.connect()
            connection.send(data[:chance.choice((len(data), len(data), chance.randrange(len(data))))])
            time.sleep(chance.random() * 0.004)
            connection.close()
        expect_ok(post("/v1/threads/runs", body, mine))
    now = count("threads", "messages", "runs")
    assert [a - b for a, b in zip(now, before)] == [rounds] * 3, f"seed {seed}: {before} {now}"
    is_alive(gateway)


@test
def keys_outlive_gateway_and_daemon():
    body = run_body(thread={"messages": [{"role": "user", "content": "x"}]})
    mine = key()
    first = expect_ok(post("/v1/threads/runs", body, mine))
    with_other = world.another_gateway()
    assert expect_ok(with_other.post("/v1/threads/runs", body, headers=[mine])) == first
    world.daemon.end()
    world.start_daemon()
    assert tap.eventually(lambda: gateway.get("/healthz").status == 200)
    assert expect_ok(post("/v1/threads/runs", body, mine)) == first
    assert expect_ok(with_other.post("/v1/threads/runs", body, headers=[mine])) == first
    with_other.end()


tap.main()
