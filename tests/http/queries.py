"""Query strings: brackets, encodings, what is twice, unknown or empty, and the filters of lists."""

import json
from urllib.parse import quote

import tap
from tap import test
from world import World, expect_error, expect_ok

world = World()
gateway = world.gateway

INCLUDE = "step_details.tool_calls[*].file_search.results[*].content"


def listed(target, connection=None):
    """The ids of the list at @target."""
    answer = (connection or gateway).ask("GET", target)
    return [item["id"] for item in expect_ok(answer, "list")["data"]]


def five_runs():
    """A thread with a run of each of some statuses, oldest first."""
    thread = world.thread()
    runs = {status: world.run(thread, status)[1]
            for status in ("queued", "in_progress", "completed", "failed", "cancelled")}
    return f"/v1/threads/{thread}/runs", runs


@test
def a_limit_is_a_number_from_1_to_100():
    base, runs = five_runs()
    newest = list(reversed(runs.values()))
    with tap.cases() as cases, gateway.connect() as connection:
        for limit in ("0", "101", "-1", "abc", "1.5", "1.0", "1e1", "0x5", "", "+", "%20", "1%20",
                      "%201", "1;order=asc", "99999999999999999999", "18446744073709551617",
                      "4294967297", "-99999999999999999999", "1%00", "%00", "NaN", "null", "true",
                      "1,2", "%D9%A1", "--1", "[1]", "{}", '"1"'):
            with cases.case(f"limit={limit}"):
                expect_error(connection.ask("GET", f"{base}?limit={limit}"), 400, "invalid_params",
                             "limit")
        for limit, wanted in (("1", 1), ("100", 5), ("%31", 1), ("3", 3), ("%35", 5)):
            with cases.case(f"limit={limit}"):
                assert listed(f"{base}?limit={limit}", connection) == newest[:wanted]
        with cases.case("without a value"):
            expect_error(connection.ask("GET", f"{base}?limit"), 400, "invalid_params", "limit")


@test
def every_list_has_the_same_parameters():
    thread, run = world.run()
    lists = ("/v1/assistants", f"/v1/threads/{thread}/runs", f"/v1/threads/{thread}/messages",
             f"/v1/threads/{thread}/runs/{run}/steps")
    with tap.cases() as cases, gateway.connect() as connection:
        for base in lists:
            for query, code, param in (
                    ("limit=0", "invalid_params", "limit"),
                    ("limit=101", "invalid_params", "limit"),
                    ("limit=x", "invalid_params", "limit"), ("order=up", "invalid_params", "order"),
                    ("order=", "invalid_params", "order"), ("order=ASC", "invalid_params", "order"),
                    ("after=a%2Fb", "invalid_id", "after"),
                    ("before=%C3%A9", "invalid_id", "before"),
                    ("after=", "invalid_id", "after"), ("unknown=1", "unknown_param", "unknown"),
                    ("limit=1&limit=1", "invalid_params", "limit"),
                    ("order=asc&limit=1&order=asc", "invalid_params", "order")):
                with cases.case(f"{base}?{query}"):
                    expect_error(connection.ask("GET", f"{base}?{query}"), 400, code, param)
            for cursor in ("after", "before"):
                with cases.case(f"{base} {cursor}"):
                    expect_error(connection.ask("GET", f"{base}?{cursor}=nobody"), 404, "not_found",
                                 cursor)
            with cases.case(f"{base} all of them"):
                expect_ok(connection.ask("GET", f"{base}?limit=5&order=asc"), "list")


@test
def unknown_keys_are_refused_by_their_names():
    base, _ = five_runs()
    with tap.cases() as cases, gateway.connect() as connection:
        for key, name in (("x", "x"), ("Limit", "Limit"), ("LIMIT", "LIMIT"),
                          ("limit%20", "limit "),
                          ("%6Cimits", "limits"), ("limit[]", "limit[]"), ("after[]", "after[]"),
                          ("limit[a]", "limit[a]"), ("stream", "stream"), ("wait_ms", "wait_ms"),
                          ("since_seq", "since_seq"), ("thread_id", "thread_id"),
                          ("metadat", "metadat"),
                          ("metadatas[a]", "metadatas[a]"), ("status[x]", "status[x]"),
                          ("%C3%A9", "é"),
                          ("idempotency_key", "idempotency_key"), ("type", "type"), ("id", "id")):
            with cases.case(key):
                expect_error(connection.ask("GET", f"{base}?{key}=1"), 400, "unknown_param", name)
        for query in ("=1", "=", "limit=1&=x", "%00=1"):
            with cases.case(query):
                expect_error(connection.ask("GET", f"{base}?{query}"), 400,
                             ("unknown_param", "invalid_params"))


@test
def what_is_empty_between_the_signs_does_no_harm():
    base, runs = five_runs()
    newest = list(reversed(runs.values()))
    assert listed(f"{base}?") == newest
    with tap.cases() as cases:
        for query in ("&", "&&&", "limit=1&", "&limit=1", "limit=1&&order=asc", "?limit=1",
                      "limit=1?"):
            with cases.case(query):
                answer = gateway.get(f"{base}?{query}")
                if answer.status != 200:
                    expect_error(answer, 400, ("invalid_params", "unknown_param"))


@test
def other_requests_take_no_query():
    thread, run = world.run()
    base = f"/v1/threads/{thread}"
    assistant = world.call("assistants.create", model="m")["id"]
    with tap.cases() as cases, gateway.connect() as connection:
        for method, target, body in (
                ("GET", base, None), ("GET", f"{base}/runs/{run}", None),
                ("POST", "/v1/threads", b"{}"),
                ("GET", f"/v1/assistants/{assistant}", None), ("POST", base, b"{}"),
                ("DELETE", base, None),
                ("POST", "/v1/assistants", b'{"model":"m"}'), ("POST", f"{base}/runs/{run}", b"{}"),
                ("POST", f"{base}/runs/{run}/cancel", b""),
                ("GET", f"{base}/runs/{run}/events", None),
                ("POST", f"{base}/runs", b'{"assistant_id":"a"}'),
                ("POST", "/v1/threads/runs", b'{"assistant_id":"a"}')):
            for key in ("stream", "limit", "x"):
                with cases.case(f"{method} {target}?{key}"):
                    answer = connection.ask(method, f"{target}?{key}=1", body)
                    expect_error(answer, 400, "unknown_param", key)
    assert world.call("runs.get", run_id=run)["status"] == "queued"
    assert len(world.call("runs.list", thread_id=thread)["data"]) == 1


def searched_step():
    """A run with a step that searched files: the paths of the run and of the step."""
    thread, run = world.run(status="in_progress")
    details = {"type": "tool_calls",
               "tool_calls": [{"id": "call_1", "type": "file_search", "file_search": {
        "ranking_options": {"ranker": "auto", "score_threshold": 0.0}, "results": [
            {"file_id": "file_1", "file_name": "a", "score": 0.5, "content": [
                {"type": "text", "text": "found"}]}]}}]}
    step = world.call("steps.create", run_id=run, type="tool_calls", step_details=details)["id"]
    base = f"/v1/threads/{thread}/runs/{run}/steps"
    return base, f"{base}/{step}"


@test
def include_is_understood_raw_and_encoded():
    steps, step = searched_step()
    fully = quote(f"include[]={INCLUDE}", safe="=")
    forms = (f"include[]={INCLUDE}", f"include%5B%5D={INCLUDE}", f"include%5b%5d={INCLUDE}", fully,
             f"include%5B]={quote(INCLUDE)}", f"%69nclude[]={INCLUDE}", f"include={INCLUDE}")
    with tap.cases() as cases, gateway.connect() as connection:
        for target in (steps, step):
            with cases.case(f"{target} without it"):
                assert "content" not in connection.ask("GET", target).body.decode()
            for form in forms:
                with cases.case(f"{target}?{form}"):
                    answer = connection.ask("GET", f"{target}?{form}")
                    if form.startswith("include=") and answer.status == 400:
                        continue
                    expect_ok(answer)
                    assert '"text":"found"' in answer.body.decode().replace(" ", ""), answer
            for query in ("include[]=", "include[]=x", "include[]", f"include[]={INCLUDE}x",
                          f"include[]={INCLUDE.upper()}", "include[]=step_details"):
                with cases.case(f"{target}?{query}"):
                    error = expect_error(connection.ask("GET", f"{target}?{query}"), 400,
                                         "invalid_params")
                    assert (error["param"] or "").startswith("include"), error


@test
def include_may_come_with_the_creation_of_a_run():
    thread = world.thread()
    with tap.cases() as cases:
        for form in (f"include[]={INCLUDE}", f"include%5B%5D={quote(INCLUDE)}"):
            with cases.case(form):
                answer = gateway.post(f"/v1/threads/{thread}/runs?{form}",
                                      {"assistant_id": "a", "on_active": "parallel"})
                expect_ok(answer, "thread.run")


@test
def status_filters_once_and_several_times():
    base, runs = five_runs()

    def of(*names):
        return [run for name, run in reversed(runs.items()) if name in names]

    with tap.cases() as cases, gateway.connect() as connection:
        for query, wanted in (
                ("status=queued", of("queued")), ("status[]=failed", of("failed")),
                ("status%5B%5D=failed", of("failed")), ("status=expired", []),
                ("status=queued&status=failed", of("queued", "failed")),
                ("status[]=queued&status[]=completed", of("queued", "completed")),
                ("status%5B%5D=queued&status%5b%5d=completed&status[]=cancelled",
                 of("queued", "completed", "cancelled")),
                ("status=queued&limit=1&status=in_progress&order=asc", [runs["queued"]]),
                ("status=%71ueued", of("queued"))):
            with cases.case(query):
                assert listed(f"{base}?{query}", connection) == wanted
        for query in ("status=", "status=bad", "status[]=queued&status[]=bad", "status=QUEUED",
                      "status", "status=queued,failed", "status=queued%00", "status[]="):
            with cases.case(query):
                error = expect_error(connection.ask("GET", f"{base}?{query}"), 400,
                                     "invalid_params")
                assert (error["param"] or "").startswith("status"), error


@test
def metadata_filters_by_all_its_pairs():
    thread = world.thread()
    metas = [{"a": "1"}, {"a": "1", "b": "2"}, {"a": "x y"}, {"a": "x+y"}, {"a": "ü€"}, {"a": ""},
             {"k[x]": "&=#%"},
             {"a": "a&b=c"}, {}]
    ids = [world.run(thread, metadata=meta)[1] for meta in metas]
    base = f"/v1/threads/{thread}/runs?order=asc"

    def at(*places):
        return [ids[place] for place in places]

    with tap.cases() as cases, gateway.connect() as connection:
        for query, wanted in (
                ("metadata[a]=1", at(0, 1)), ("metadata%5Ba%5D=1", at(0, 1)),
                ("metadata%5ba%5d=1", at(0, 1)),
                ("metadata[a]=1&metadata[b]=2", at(1)),
                ("metadata[b]=2&limit=1&metadata%5Ba%5D=1", at(1)),
                ("metadata[a]=x+y", at(2)), ("metadata[a]=x%20y", at(2)),
                ("metadata[a]=x%2By", at(3)),
                (f"metadata[a]={quote('ü€')}", at(4)),
                ("metadata[a]=ü€".encode().decode("latin-1"), at(4)),
                ("metadata[a]=", at(5)), (f"{quote('metadata[k[x]]')}={quote('&=#%')}", at(6)),
                ("metadata[a]=a%26b%3Dc", at(7)), ("metadata[c]=1", []),
                ("metadata[a]=nobody", [])):
            with cases.case(query):
                assert listed(f"{base}&{query}", connection) == wanted, listed(f"{base}&{query}")
        for query, param in (("metadata[a]=1&metadata[a]=1", "metadata[a]"),
                             ("metadata[a]=1&metadata%5Ba%5D=2", "metadata[a]")):
            with cases.case(query):
                expect_error(connection.ask("GET", f"{base}&{query}"), 400, "invalid_params", param)
        for query in ("metadata=1", "metadata", "metadata[a", "metadata]a[=1", "metadata[a]x=1",
                      "metadata[a][b]=1&metadata=x", f"metadata[{'k' * 65}]=1",
                      f"metadata[a]={'v' * 513}",
                      "&".join(f"metadata[k{n}]=1" for n in range(17))):
            with cases.case(query[:40]):
                expect_error(connection.ask("GET", f"{base}&{query}"), 400,
                             ("invalid_params", "unknown_param"))


@test
def the_other_filters_of_runs_work_and_are_judged():
    thread = world.thread()
    old = world.run(thread, model="m 1+2")[1]
    created = world.call("runs.get", run_id=old)["created_at"]
    base = f"/v1/threads/{thread}/runs"
    with tap.cases() as cases, gateway.connect() as connection:
        for query, wanted in (
                ("assistant_id=asst_1", [old]), ("assistant_id=other", []),
                ("model=m+1%2B2", [old]),
                ("model=m%201%2b2", [old]), ("model=m", []), (f"created_after={created}", []),
                (f"created_after={created - 1}", [old]), (f"created_before={created}", []),
                (f"created_before={created + 1}", [old]), ("created_after=0", [old])):
            with cases.case(query):
                assert listed(f"{base}?{query}", connection) == wanted
        for query, code, param in (
                ("created_after=abc", "invalid_params", "created_after"),
                ("created_after=", "invalid_params", "created_after"),
                ("created_before=1e3", "invalid_params", "created_before"),
                ("created_before=99999999999999999999", "invalid_params", "created_before"),
                ("assistant_id=a%2Fb", "invalid_id", "assistant_id"),
                ("model=a&model=a", "invalid_params", "model"),
                ("created_after=1&created_after=1", "invalid_params", "created_after"),
                ("assistant_id=a&assistant_id=b", "invalid_params", "assistant_id")):
            with cases.case(query):
                expect_error(connection.ask("GET", f"{base}?{query}"), 400, code, param)


@test
def the_filters_of_steps_and_messages_work_and_are_judged():
    steps, step = searched_step()
    thread, run = world.run()
    message = world.call("messages.create", thread_id=thread, role="assistant", content="x",
                         run_id=run)["id"]
    world.call("messages.create", thread_id=thread, role="assistant", content="y")
    with tap.cases() as cases, gateway.connect() as connection:
        for query, wanted in (("type=tool_calls", [step.rsplit("/", 1)[1]]),
                              ("type=message_creation", []),
                              ("status=in_progress", [step.rsplit("/", 1)[1]]),
                              ("status=completed", [])):
            with cases.case(query):
                assert listed(f"{steps}?{query}", connection) == wanted
        for query, param in (("type=x", "type"), ("status=queued", "status"), ("type=", "type")):
            with cases.case(query):
                error = expect_error(connection.ask("GET", f"{steps}?{query}"), 400,
                                     "invalid_params")
                assert error["param"].startswith(param), error
        messages = f"/v1/threads/{thread}/messages"
        with cases.case("messages of a run"):
            assert listed(f"{messages}?run_id={run}", connection) == [message]
        for query, code, param in (("run_id=", "invalid_id", "run_id"),
                                   ("run_id=a.b", "invalid_id", "run_id"),
                                   ("run_id=a&run_id=b", "invalid_params", "run_id"),
                                   ("status=completed", "unknown_param", "status")):
            with cases.case(query):
                expect_error(connection.ask("GET", f"{messages}?{query}"), 400, code, param)


@test
def bad_encodings_are_refused():
    base, _ = five_runs()
    with tap.cases() as cases, gateway.connect() as connection:
        for query in ("limit=%", "limit=%3", "limit=%zz", "metadata[a]=%ff", "metadata[a]=%c0%af",
                      "%ff=1", "metadata[a]=%ed%a0%80", "metadata[%ff]=1", "metadata[a]=%e2%82",
                      "model=%", "metadata[a]=\xff", "model=%u0041", "metadata[a]=%%31", "after=%"):
            with cases.case(repr(query)):
                answer = connection.ask("GET", f"{base}?{query}")
                expect_error(answer, 400, ("invalid_params", "unknown_param", "invalid_id"))


@test
def a_nul_in_a_value_cuts_nothing():
    thread = world.thread()
    run = world.run(thread, metadata={"a": "b"}, model="m")[1]
    base = f"/v1/threads/{thread}/runs"
    with tap.cases() as cases:
        for query in ("metadata[a]=b%00", "metadata[a]=b%00c", "model=m%00", "metadata[a%00]=b",
                      "metadata%00[a]=b", f"after={run}%00", "order=asc%00"):
            with cases.case(query):
                answer = gateway.get(f"{base}?{query}")
                if answer.status == 200:
                    assert not answer.json()["data"], answer
                else:
                    error = expect_error(answer, 400,
                                         ("invalid_params", "invalid_id", "unknown_param"))
                    assert error["param"] or "%00" in query.split("=")[0], error


@test
def a_thousand_keys_are_refused_at_once():
    base, _ = five_runs()
    many = ("&".join("limit=1" for _ in range(1500)), "&".join(f"k{n}=" for n in range(1500)),
            "&".join(f"metadata[{n}]=" for n in range(900)), "=" * 15000, "%5B" * 5000,
            "&".join("status[]=queued" for _ in range(900)), "&" * 1500, "&" * 5000, "&" * 15000,
            "&a" * 7000)
    with tap.cases() as cases:
        for query in many:
            with cases.case(f"{query[:20]}, {len(query)} bytes"):
                answer = gateway.get(f"{base}?{query}", timeout=2)
                assert answer.status in (200, 400, 414, 431), answer


@test
def pages_follow_each_other_without_a_gap():
    thread = world.thread()
    results = world.rpc().batch([("runs.create", {"thread_id": thread, "assistant_id": "a",
                                                  "on_active": "parallel"}) for _ in range(253)])
    wanted = [run["id"] for run in results]
    for order, expected in (("asc", wanted), ("desc", wanted[::-1])):
        got, after = [], ""
        with gateway.connect() as connection:
            while True:
                page = json.loads(connection.ask(
                    "GET", f"/v1/threads/{thread}/runs?limit=100&order={order}{after}").body)
                got += [run["id"] for run in page["data"]]
                if not page["has_more"]:
                    break
                after = "&after=" + page["last_id"]
        assert got == expected


tap.main()
