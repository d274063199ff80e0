"""Errors: each class in the API's own form, by status and code, and nothing of it done."""

import tap
from tap import test
from world import ACTION, REQUEST_ID, World, expect_error, expect_ok

world = World()
gateway = world.gateway


def unchanged(target, was):
    """That GET @target is still answered with what it @was."""
    assert gateway.get(target).json() == was


@test
def what_is_not_there_is_not_found_by_its_kind():
    thread, run = world.run()
    base = f"/v1/threads/{thread}"
    with tap.cases() as cases:
        for method, target, kind in (
                ("GET", "/v1/threads/none", "thread"), ("POST", "/v1/threads/none", "thread"),
                ("DELETE", "/v1/threads/none", "thread"),
                ("GET", "/v1/assistants/none", "assistant"),
                ("POST", "/v1/assistants/none", "assistant"),
                ("DELETE", "/v1/assistants/none", "assistant"),
                ("GET", f"{base}/runs/none", "run"), ("POST", f"{base}/runs/none", "run"),
                ("POST", f"{base}/runs/none/cancel", "run"),
                ("GET", f"{base}/runs/none/steps", "run"),
                ("GET", f"{base}/runs/none/steps/x", "run"),
                ("GET", f"{base}/runs/none/events", "run"),
                ("GET", f"{base}/messages/none", "message"),
                ("POST", f"{base}/messages/none", "message"),
                ("DELETE", f"{base}/messages/none", "message")):
            with cases.case(f"{method} {target}"):
                error = expect_error(gateway.ask(method, target,
                                                 b"{}" if method == "POST" else None),
                                     404, "not_found")
                assert error["message"] == f"No {kind} found with id 'none'.", error
        with cases.case("a step"):
            expect_error(gateway.get(f"{base}/runs/{run}/steps/none"), 404, "not_found")
        with cases.case("lists of an unknown thread"):
            expect_error(gateway.get("/v1/threads/none/messages"), 404, "not_found")


@test
def an_unknown_thread_gets_no_run_unless_it_comes_to_be_with_it():
    answer = gateway.post("/v1/threads/brand_new/runs", {"assistant_id": "a"})
    assert expect_ok(answer, "thread.run")["thread_id"] == "brand_new"
    expect_ok(gateway.get("/v1/threads/brand_new"), "thread")


BAD_RUNS = (
    ({}, "missing_param", "assistant_id"), ({"assistant_id": None}, None, "assistant_id"),
    ({"assistant_id": 1}, "invalid_params", "assistant_id"),
    ({"assistant_id": "a/b"}, "invalid_id", "assistant_id"),
    ({"assistant_id": ""}, "invalid_id", "assistant_id"),
    ({"assistant_id": []}, "invalid_params", "assistant_id"),
    ({"model": 5}, "invalid_params", "model"),
    ({"instructions": {}}, "invalid_params", "instructions"),
    ({"temperature": 2.5}, "invalid_params", "temperature"),
    ({"temperature": "1"}, "invalid_params", "temperature"),
    ({"temperature": -0.1}, "invalid_params", "temperature"),
    ({"top_p": 1.01}, "invalid_params", "top_p"),
    ({"max_prompt_tokens": 255}, "invalid_params", "max_prompt_tokens"),
    ({"max_completion_tokens": 1.5}, "invalid_params", "max_completion_tokens"),
    ({"metadata": []}, "invalid_params", "metadata"),
    ({"metadata": "x"}, "invalid_params", "metadata"),
    ({"metadata": {"a": 1}}, "invalid_params", "metadata.a"),
    ({"metadata": {"a": "x" * 513}}, "invalid_params", "metadata.a"),
    ({"metadata": {"k" * 65: "x"}}, "invalid_params", ...),
    ({"metadata": {str(n): "" for n in range(17)}}, "invalid_params", "metadata"),
    ({"tools": {}}, "invalid_params", "tools"), ({"tools": [1]}, "invalid_params", "tools[0]"),
    ({"tools": [{"type": "code_interpreter"}] * 21}, "invalid_params", "tools"),
    ({"tools": [{"type": "x"}]}, "invalid_params", "tools[0].type"),
    ({"tools": [{}]}, None, "tools[0].type"),
    ({"tools": [{"type": "code_interpreter"},
                {"type": "function", "function": {"name": "f" * 65}}]},
     "invalid_params", "tools[1].function.name"),
    ({"tools": [{"type": "function"}]}, "missing_param", "tools[0].function"),
    ({"tools": [{"type": "code_interpreter", "x": 1}]}, "unknown_param", "tools[0].x"),
    ({"truncation_strategy": {"type": "last_messages", "last_messages": 0}}, "invalid_params",
     "truncation_strategy.last_messages"),
    ({"truncation_strategy": {"type": "x"}}, "invalid_params", "truncation_strategy.type"),
    ({"tool_choice": "sometimes"}, "invalid_params", "tool_choice"),
    ({"parallel_tool_calls": "yes"}, "invalid_params", "parallel_tool_calls"),
    ({"response_format": {"type": "xml"}}, "invalid_params", "response_format.type"),
    ({"expires_in": -1}, "invalid_params", "expires_in"),
    ({"on_active": "x"}, "invalid_params", "on_active"),
    ({"stream": "yes"}, "invalid_params", "stream"), ({"stream": 1}, "invalid_params", "stream"),
    ({"additional_messages": {}}, "invalid_params", "additional_messages"),
    ({"additional_messages": [1]}, "invalid_params", "additional_messages[0]"),
    ({"additional_messages": [{"role": "user", "content": "x"}, {"role": "user"}]}, "missing_param",
     "additional_messages[1].content"),
    ({"additional_messages": [{"role": "system", "content": "x"}]}, "invalid_params",
     "additional_messages[0].role"),
    ({"additional_messages": [{"role": "user", "content": 5}]}, "invalid_params",
     "additional_messages[0].content"),
    ({"additional_messages": [{"role": "user", "content": "x", "y": 1}]}, "unknown_param",
     "additional_messages[0].y"),
    ({"additional_messages": [{"role": "user", "content": "x", "metadata": {"k": 1}}]},
     "invalid_params",
     "additional_messages[0].metadata.k"),
)


@test
def bad_fields_of_a_run_are_named_and_leave_nothing():
    thread = world.thread()
    target = f"/v1/threads/{thread}/runs"
    before = world.call("server.info")["last_seq"]
    with tap.cases() as cases, gateway.connect() as connection:
        for fields, code, param in BAD_RUNS:
            with cases.case(str(fields)[:90]):
                whole = "assistant_id" in fields or not fields
                body = fields if whole else {"assistant_id": "a", **fields}
                error = expect_error(connection.ask("POST", target, body), 400,
                                     code or ("invalid_params", "missing_param"))
                if param is not ...:
                    assert error["param"] == param, error
    assert world.call("server.info")["last_seq"] == before, "something was changed"


@test
def bad_fields_of_a_thread_with_a_run_are_named_and_leave_nothing():
    before = world.call("server.info")["last_seq"]
    fine = {"role": "user", "content": "x"}
    with tap.cases() as cases, gateway.connect() as connection:
        for fields, code, param in (
                ({"thread": []}, "invalid_params", "thread"),
                ({"thread": "x"}, "invalid_params", "thread"),
                ({"thread": {"x": 1}}, "unknown_param", "thread.x"),
                ({"thread": {"id": "t"}}, "unknown_param", "thread.id"),
                ({"thread": {"metadata": {"k": 1}}}, "invalid_params", "thread.metadata.k"),
                ({"thread": {"messages": {}}}, "invalid_params", "thread.messages"),
                ({"thread": {"messages": [fine, {"role": "x", "content": "x"}]}}, "invalid_params",
                 "thread.messages[1].role"),
                ({"thread": {"messages": [{"content": "x"}]}}, "missing_param",
                 "thread.messages[0].role"),
                ({"thread": {"messages": [fine]}, "temperature": 3}, "invalid_params",
                 "temperature"),
                ({"thread": {"messages": [fine]}, "tools": [{"type": "x"}]}, "invalid_params",
                 "tools[0].type"),
                ({"additional_messages": [fine]}, "unknown_param", "additional_messages"),
                ({"thread_id": "t"}, "unknown_param", "thread_id"),
                ({"model": []}, "invalid_params", "model")):
            with cases.case(str(fields)[:90]):
                answer = connection.ask("POST", "/v1/threads/runs", {"assistant_id": "a", **fields})
                expect_error(answer, 400, code, param)
    assert world.call("server.info")["last_seq"] == before, "something was changed"


@test
def bad_fields_of_threads_messages_and_assistants_are_named_and_leave_nothing():
    thread = world.thread()
    before = world.call("server.info")["last_seq"]
    with tap.cases() as cases, gateway.connect() as connection:
        for target, body, code, param in (
                ("threads", {"messages": [{"role": "user", "content": ""}, 7]}, None,
                 "messages[1]"),
                ("threads",
                 {"messages": [{"role": "user", "content": "x"},
                               {"role": "user", "content": None}]},
                 None, "messages[1].content"),
                ("threads", {"metadata": {"a": []}}, "invalid_params", "metadata.a"),
                ("threads", {"tool_resources": 5}, "invalid_params", "tool_resources"),
                (f"threads/{thread}/messages", {"role": "user"}, "missing_param", "content"),
                (f"threads/{thread}/messages", {"role": "tool", "content": "x"}, "invalid_params",
                 "role"),
                (f"threads/{thread}/messages", {"role": "user", "content": [{"type": "text"}]},
                 None,
                 "content[0].text"),
                (f"threads/{thread}/messages", {"role": "user", "content": [{"type": "x"}]},
                 "invalid_params",
                 "content[0].type"),
                (f"threads/{thread}/messages", {"role": "user", "content": "x", "attachments": {}},
                 "invalid_params", "attachments"),
                ("assistants", {"model": 1}, "invalid_params", "model"),
                ("assistants", {"model": "m", "name": "x" * 257}, "invalid_params", "name"),
                ("assistants", {"model": "m", "tools": [{"type": "x"}]}, "invalid_params",
                 "tools[0].type"),
                ("assistants", {"model": "m", "reasoning_effort": "much"}, "invalid_params",
                 "reasoning_effort"),
                (f"threads/{thread}", {"metadata": 3}, "invalid_params", "metadata")):
            with cases.case(f"{target} {body}"[:90]):
                error = expect_error(connection.ask("POST", f"/v1/{target}", body), 400,
                                     code or ("invalid_params", "missing_param"))
                assert error["param"] == param, error
    assert world.call("server.info")["last_seq"] == before, "something was changed"


@test
def conflicts_of_state_are_400_in_openais_words():
    with tap.cases() as cases:
        for status in ("completed", "failed", "cancelled", "expired", "incomplete"):
            with cases.case(f"cancel when {status}"):
                thread, run = world.run(status=status)
                target = f"/v1/threads/{thread}/runs/{run}"
                was = gateway.get(target).json()
                expect_error(gateway.post(target + "/cancel"), 400, "invalid_transition",
                             message=f"Cannot cancel run with status '{status}'.")
                unchanged(target, was)
        for status in ("queued", "in_progress", "completed", "expired"):
            with cases.case(f"outputs when {status}"):
                thread, run = world.run(status=status)
                target = f"/v1/threads/{thread}/runs/{run}"
                was = gateway.get(target).json()
                answer = gateway.post(target + "/submit_tool_outputs",
                                      {"tool_outputs": [{"tool_call_id": "call_1", "output": "x"}]})
                expect_error(answer, 400, "invalid_transition",
                             message=f'Runs in status "{status}" do not accept tool outputs.')
                unchanged(target, was)


@test
def an_active_run_keeps_others_and_messages_away():
    thread = world.thread()
    answer = gateway.post(f"/v1/threads/{thread}/runs", {"assistant_id": "a"})
    run = expect_ok(answer, "thread.run")["id"]
    for body in ({"assistant_id": "a"}, {"assistant_id": "a", "stream": True},
                 {"assistant_id": "a",
                  "additional_messages": [{"role": "assistant", "content": "x"}]}):
        answer = gateway.post(f"/v1/threads/{thread}/runs", body)
        expect_error(answer, 400, "run_active",
                     message=f"Thread {thread} already has an active run {run}.")
    answer = gateway.post(f"/v1/threads/{thread}/messages", {"role": "user", "content": "x"})
    expect_error(answer, 400, "run_active",
                 message=f"Can't add messages to {thread} while a run {run} is active.")
    assert not gateway.get(f"/v1/threads/{thread}/messages").json()["data"]
    assert len(gateway.get(f"/v1/threads/{thread}/runs").json()["data"]) == 1


def pending(calls=2):
    """A run that waits for the outputs of @calls calls: its path."""
    thread, run = world.run(status="in_progress")
    call = ACTION["submit_tool_outputs"]["tool_calls"][0]
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {
        "tool_calls": [{**call, "id": f"call_{n}"} for n in range(calls)]}}
    world.call("runs.update", run_id=run, status="requires_action", required_action=action)
    return f"/v1/threads/{thread}/runs/{run}"


@test
def outputs_must_be_those_of_the_calls():
    target = pending()
    was = gateway.get(target).json()
    good = [{"tool_call_id": f"call_{n}", "output": "x"} for n in range(2)]
    with tap.cases() as cases:
        for outputs in ([], good[:1], good + good[:1], [good[0], good[0]], "x", None, {}, [1],
                        [good[0], {"tool_call_id": "call_9", "output": "x"}], [*good, good[0]],
                        [good[0], {"tool_call_id": "call_1", "output": 5}],
                        [good[0], {"tool_call_id": "call_1"}], [good[0], {"output": "x"}],
                        [good[0], {"tool_call_id": "call_1", "output": "x", "extra": 1}]):
            for stream in ({}, {"stream": True}):
                with cases.case(f"{outputs} {stream}"):
                    answer = gateway.post(target + "/submit_tool_outputs",
                                          {"tool_outputs": outputs, **stream})
                    error = expect_error(answer, 400,
                                         ("invalid_params", "missing_param", "unknown_param"))
                    assert error["param"].startswith("tool_outputs"), error
        with cases.case("none at all"):
            expect_error(gateway.post(target + "/submit_tool_outputs"), 400, "missing_param",
                         "tool_outputs")
    unchanged(target, was)
    answer = gateway.post(target + "/submit_tool_outputs", {"tool_outputs": good})
    assert expect_ok(answer, "thread.run")["status"] == "queued"


@test
def a_refused_stream_is_an_ordinary_error():
    thread = world.thread()
    answer = gateway.post(f"/v1/threads/{thread}/runs",
                          {"assistant_id": "a", "stream": True, "temperature": 9})
    expect_error(answer, 400, "invalid_params", "temperature")
    answer = gateway.post("/v1/threads/runs", {"stream": True})
    expect_error(answer, 400, "missing_param", "assistant_id")
    expect_error(gateway.get(f"/v1/threads/{thread}/runs/none/events"), 404, "not_found")


@test
def unknown_assistants_are_refused_only_when_told_to():
    known = world.call("assistants.create", model="m9")["id"]
    strict = world.another_gateway("--strict-assistants")
    thread = world.thread()
    before = world.call("server.info")["last_seq"]
    with tap.cases() as cases:
        for target in (f"/v1/threads/{thread}/runs", "/v1/threads/runs"):
            for more in ({}, {"stream": True}):
                with cases.case(f"{target} {more}"):
                    answer = strict.post(target, {"assistant_id": "asst_none", **more})
                    error = expect_error(answer, (400, 404), "not_found")
                    assert error["message"] == "No assistant found with id 'asst_none'.", error
        with cases.case("with messages"):
            answer = strict.post(f"/v1/threads/{thread}/runs", {
                "assistant_id": "asst_none",
                "additional_messages": [{"role": "user", "content": "x"}]})
            expect_error(answer, (400, 404), "not_found")
    assert world.call("server.info")["last_seq"] == before, "something was changed"
    assert expect_ok(strict.post(f"/v1/threads/{thread}/runs",
                                 {"assistant_id": known}))["model"] == "m9"
    expect_ok(gateway.post("/v1/threads/runs", {"assistant_id": "asst_none"}), "thread.run")


@test
def every_answer_has_a_request_id_of_its_own():
    thread, run = world.run(status="completed")
    seen = set()
    targets = [("GET", f"/v1/threads/{thread}", 200), ("GET", "/nowhere", 404),
               ("PUT", "/v1/threads", 405),
               ("POST", "/v1/threads", 200), ("GET", "/v1/threads/%00", 400),
               ("HEAD", "/healthz", 200),
               ("GET", f"/v1/threads/{thread}/runs/{run}/events", 200), ("GET", "/metrics", 200)]
    with gateway.connect() as connection:
        for _ in range(25):
            for method, target, status in targets:
                answer = connection.ask(method, target)
                assert answer.status == status, answer
                number = answer.header("x-request-id")
                assert REQUEST_ID.fullmatch(number or ""), (target, answer.headers)
                seen.add(number)
    assert len(seen) == 25 * len(targets)


@test
def what_a_client_says_comes_back_in_no_header():
    answer = gateway.get("/v1/threads/x%0d%0aSet-Cookie:%20a=b", headers=[("X-Request-Id", "mine")])
    expect_error(answer, 400, "invalid_id")
    assert not answer.header("set-cookie")
    answer = gateway.get("/v1/threads/<script>alert(1)<script>")
    expect_error(answer, 400, "invalid_id")


tap.main()
