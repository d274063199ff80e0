"""Poll helpers: a GET of a run is held until there is news, and news is never missed."""

import random
import statistics
import threading
import time

import tap
import wire
from tap import test
from world import World, expect_error, expect_ok, gauge, is_alive, room_for_descriptors

room_for_descriptors(4096)
world = World()
gateway = world.gateway

HELPER = ("X-Stainless-Poll-Helper", "true")
AT_ONCE_S = 6 if tap.SANITIZED else 3  # on a busy machine; a held request that nobody wakes takes ten
SLACK_S = 3 if tap.SANITIZED else 0.9


class Poll:
    """A request of a poll helper, on a connection of its own."""

    def __init__(self, thread, run, *headers, where=None, method="GET", warm=False):
        self.connection = (where or gateway).connect(timeout=20)
        if warm:
            expect_ok(self.connection.ask("GET", f"/v1/threads/{thread}"))
        self.begun = time.monotonic()
        self.connection.send(wire.request_bytes(
            method, f"/v1/threads/{thread}/runs/{run}", None, [HELPER, *headers]))

    def is_held(self, seconds=0.3):
        self.connection.timeout(seconds)
        try:
            self.connection.head()
        except AssertionError:  # nothing came
            return True
        return False

    def answer(self, within=AT_ONCE_S):
        self.connection.timeout(max(within, 0.01))
        answer = self.connection.answer()
        self.took = time.monotonic() - self.begun
        self.connection.close()
        return answer

    def run(self, within=AT_ONCE_S):
        answer = self.answer(within)
        assert answer.header("openai-poll-after-ms") == "0", answer.headers
        return expect_ok(answer, "thread.run")


@test
def a_status_that_no_executor_will_change_is_answered_at_once():
    with tap.cases() as cases:
        for status in ("requires_action", "completed", "incomplete", "failed", "cancelled", "expired"):
            with cases.case(status):
                assert Poll(*world.run(status=status)).run()["status"] == status


@test
def what_an_executor_is_at_is_held_until_the_status_is_another():
    with tap.cases() as cases:
        for status, then in (("queued", "in_progress"), ("queued", "cancelled"), ("queued", "expired"),
                             ("in_progress", "requires_action"), ("in_progress", "completed"),
                             ("in_progress", "incomplete"), ("in_progress", "failed"),
                             ("in_progress", "cancelling"), ("cancelling", "cancelled"),
                             ("cancelling", "completed")):
            with cases.case(f"{status} to {then}"):
                thread, run = world.run(status=status)
                poll = Poll(thread, run)
                assert poll.is_held(0.1), f"{status} was answered"
                world.move(run, then)
                told = poll.run()["status"]
                assert told == then, f"answered with {told}"


@test
def only_the_helper_is_held():
    thread, run = world.run()
    for headers in ((), [("X-Stainless-Poll-Helper", "false")], [("X-Stainless-Poll-Helper", "")],
                    [("X-Stainless-Timeout", "600")], [("X-Stainless-Custom-Poll-Interval", "5")]):
        begun = time.monotonic()
        expect_ok(gateway.get(f"/v1/threads/{thread}/runs/{run}", headers=headers), "thread.run")
        assert time.monotonic() - begun < AT_ONCE_S, headers


@test
def other_requests_with_the_header_are_not_held():
    thread, run = world.run()
    for target in (f"/v1/threads/{thread}", f"/v1/threads/{thread}/runs", "/v1/assistants",
                   f"/v1/threads/{thread}/runs/{run}/steps", "/healthz"):
        assert gateway.get(target, headers=[HELPER], timeout=AT_ONCE_S).status == 200, target
    answer = gateway.post(f"/v1/threads/{thread}/runs/{run}", {}, headers=[HELPER], timeout=AT_ONCE_S)
    expect_ok(answer, "thread.run")


@test
def what_is_refused_is_refused_at_once():
    thread, run = world.run()
    other = world.thread()
    with tap.cases() as cases:
        for target, status, code in (
                (f"{thread}/runs/run_unknown", 404, "not_found"), (f"{other}/runs/{run}", 404, "not_found"),
                (f"nothing/runs/{run}", 404, "not_found"), (f"{thread}/runs/a%2Fb", 400, "invalid_id"),
                (f"{thread}/runs/{run}?limit=1", 400, "unknown_param")):
            with cases.case(target):
                answer = gateway.get(f"/v1/threads/{target}", headers=[HELPER], timeout=AT_ONCE_S)
                expect_error(answer, status, code)


@test
def a_change_of_metadata_alone_is_no_news():
    thread, run = world.run()
    poll = Poll(thread, run)
    assert poll.is_held()
    for number in range(20):
        world.call("runs.update", run_id=run, metadata={"n": str(number)})
    assert poll.is_held()
    world.move(run, "in_progress")
    now = poll.run()
    assert (now["status"], now["metadata"]) == ("in_progress", {"n": "19"})


@test
def steps_and_messages_are_no_news():
    thread, run = world.run(status="in_progress")
    poll = Poll(thread, run)
    assert poll.is_held()
    world.call("messages.create", thread_id=thread, role="assistant", content="x", run_id=run)
    world.call("steps.create", run_id=run, type="tool_calls",
               step_details={"type": "tool_calls", "tool_calls": []})
    assert poll.is_held()
    world.move(run, "failed")
    assert poll.run()["status"] == "failed"


@test
def news_of_other_runs_wake_nobody():
    thread, run = world.run()
    poll = Poll(thread, run)
    for _ in range(20):
        world.run(thread, status="completed")
    assert poll.is_held()
    world.move(run, "cancelled")
    assert poll.run()["status"] == "cancelled"


@test
def a_run_given_back_by_its_worker_is_news():
    thread = world.thread()
    run = world.call("runs.create", thread_id=thread, assistant_id="asst_claimed")["id"]
    claim = world.call("runs.claim", worker="w", assistant_ids=["asst_claimed"])
    poll = Poll(thread, run)
    assert poll.is_held()
    world.call("runs.release", run_id=run, lease=claim["lease"]["token"])
    assert poll.run()["status"] == "queued"
    world.move(run, "cancelled")


@test
def a_run_that_expires_is_news():
    thread = world.thread()
    run = world.call("runs.create", thread_id=thread, assistant_id="a", expires_in=2)["id"]
    assert Poll(thread, run).run(within=4 + AT_ONCE_S)["status"] == "expired"


@test
def a_run_that_is_deleted_meanwhile_is_not_found():
    for what in ("run", "thread"):
        thread, run = world.run()
        poll = Poll(thread, run)
        assert poll.is_held()
        if what == "run":
            world.call("runs.delete", run_id=run)
        else:
            world.call("threads.delete", thread_id=thread)
        expect_error(poll.answer(), 404, "not_found")


@test
def all_who_wait_for_one_run_are_told():
    mine = world.another_gateway()
    thread, run = world.run()
    polls = [Poll(thread, run, where=mine) for _ in range(50)]
    assert tap.eventually(lambda: gauge(mine, "held") == 50), gauge(mine, "held")
    world.move(run, "in_progress")
    for poll in polls:
        assert poll.run()["status"] == "in_progress"
    assert tap.eventually(lambda: gauge(mine, "held") == 0)
    mine.end()


@test
def requests_behind_a_held_one_wait_for_it_and_come_in_order():
    thread, run = world.run()
    with gateway.connect() as connection:
        path = f"/v1/threads/{thread}/runs/{run}"
        connection.send(wire.request_bytes("GET", path, None, [HELPER]) +
                        wire.request_bytes("GET", f"/v1/threads/{thread}") +
                        wire.request_bytes("GET", path, None, [HELPER]))
        connection.timeout(0.3)
        try:
            assert not connection.head(), "it was not held"
        except AssertionError as nothing:
            assert "nothing came" in str(nothing), nothing
        connection.timeout(5)
        world.move(run, "cancelled")
        assert expect_ok(connection.answer())["status"] == "cancelled"
        assert expect_ok(connection.answer())["object"] == "thread"
        assert expect_ok(connection.answer())["status"] == "cancelled"


@test(beside=True)
def the_timeout_of_the_client_is_honoured():
    """The answer is to be there a second before the client gives up, and after ten at the latest."""
    def took(*headers):
        thread, run = world.run()
        poll = Poll(thread, run, *headers)
        assert poll.run(within=15)["status"] == "queued"
        world.move(run, "cancelled")
        return poll.took

    expected = {"2": 1, "3": 2, "2.5": 1.5, "6": 5, "11": 10, "600": 10, "100000000": 10, None: 10}
    found = tap.parallel([lambda text=text: took(*([("X-Stainless-Timeout", text)] if text else []))
                          for text in expected])
    for (text, seconds), real in zip(expected.items(), found):
        assert seconds - 0.2 < real < seconds + SLACK_S, f"{text}: {real:.2f} s instead of {seconds}"


@test
def a_timeout_of_a_second_or_less_is_answered_at_once():
    thread, run = world.run()
    with tap.cases() as cases:
        for text in ("1", "0.5", "0", "-1", "-1000000000000000000000"):
            with cases.case(text):
                answer = Poll(thread, run, ("X-Stainless-Timeout", text)).answer()
                expect_ok(answer, "thread.run")
                after = answer.header("openai-poll-after-ms")
                assert after is None or int(after) >= 0, after


@test(beside=True)
def a_timeout_that_is_no_number_does_no_harm():
    def ask(text):
        thread, run = world.run()
        poll = Poll(thread, run, ("X-Stainless-Timeout", text))
        expect_ok(poll.answer(within=13), "thread.run")
    tap.parallel([lambda text=text: ask(text) for text in
                  ("", "x", "nan", "inf", "-inf", "1e400", "0x10", "1,5", "9" * 400, "%s%n", "\xff")])


def hold_500(warm):
    """As many as that, on connections that asked for something before if @warm."""
    mine = world.another_gateway()
    runs = [world.run() for _ in range(500)]
    empty = mine.rss_kib()
    polls = [Poll(thread, run, where=mine, warm=warm) for thread, run in runs]
    assert tap.eventually(lambda: gauge(mine, "held") == 500, within=8), gauge(mine, "held")
    held = mine.rss_kib()
    slowest = max(is_alive(mine) for _ in range(20))
    begun = time.monotonic()
    for _, run in runs:
        world.move(run, "in_progress")
    moved = time.monotonic()
    for poll in polls:
        assert poll.run(within=3)["status"] == "in_progress"
    done = time.monotonic()
    tap.note(f"500 held on {'used' if warm else 'new'} connections: {held / 1024:.1f} MiB, "
             f"{empty / 1024:.1f} MiB before, at the peak {mine.peak_kib() / 1024:.1f} MiB; another "
             f"request took at most {slowest * 1000:.1f} ms; moving them took "
             f"{(moved - begun) * 1000:.0f} ms, the last was told {(done - moved) * 1000:.0f} ms later")
    assert slowest < AT_ONCE_S
    assert done - moved < 2 + SLACK_S
    assert tap.eventually(lambda: gauge(mine, "held") == 0)
    assert tap.SANITIZED or held < 64 * 1024, f"{held} KiB while they are held"
    assert tap.SANITIZED or mine.peak_kib() < 64 * 1024, f"{mine.peak_kib()} KiB at the peak"
    mine.end()


@test(beside=True)
def five_hundred_held_requests_fit_in_64_mib_and_are_all_answered():
    hold_500(warm=False)


@test(beside=True)
def five_hundred_held_requests_of_programs_that_created_their_runs_fit_in_64_mib():
    hold_500(warm=True)


@test(beside=True)
def held_requests_of_clients_that_are_gone_are_let_go():
    mine = world.another_gateway()
    polls = [Poll(*world.run(), where=mine) for _ in range(200)]
    assert tap.eventually(lambda: gauge(mine, "held") == 200, within=8)
    for poll in polls:
        poll.connection.close()
    assert tap.eventually(lambda: gauge(mine, "held") == 0, within=14), gauge(mine, "held")
    assert tap.eventually(lambda: gauge(mine, "connections") == 1), gauge(mine, "connections")
    mine.end()


@test
def held_requests_need_no_threads():
    mine = world.another_gateway("--threads", "1")
    runs = [world.run() for _ in range(100)]
    polls = [Poll(*run, where=mine) for run in runs]
    assert tap.eventually(lambda: gauge(mine, "held") == 100, within=8)
    assert max(is_alive(mine) for _ in range(10)) < AT_ONCE_S
    for _, run in runs:
        world.move(run, "cancelled")
    for poll in polls:
        assert poll.run(within=3)["status"] == "cancelled"
    mine.end()


def rounds(n, seed, change):
    """@n times: a poll and @change(run) at random moments of each other. The times until the answer."""
    chance = random.Random(seed)
    took = []
    for _ in range(n):
        thread, run = world.run()
        ready = threading.Barrier(2)

        def move():
            world.rpc()
            ready.wait(10)
            time.sleep(later)
            change(run)
            moved.append(time.monotonic())

        moved, later, sooner = [], chance.random() * 0.004, chance.random() * 0.004
        mover = threading.Thread(target=move)
        mover.start()
        ready.wait(10)
        time.sleep(sooner)
        poll = Poll(thread, run)
        answer = poll.run(within=9)
        answered = time.monotonic()
        while answer["status"] in ("queued", "in_progress"):
            poll = Poll(thread, run)
            answer = poll.run(within=9)
            answered = time.monotonic()
        mover.join()
        took.append(answered - max(moved[0], poll.begun))
    return took


def expect_no_change_lost(change, n=60):
    seed = random.randrange(1 << 32)
    found = tap.parallel([lambda at=at: rounds(n, seed + at, change) for at in range(6)], limit=35)
    took = sorted(seconds for some in found for seconds in some)
    tap.note(f"{len(took)} rounds, seed {seed}: median {statistics.median(took) * 1000:.1f} ms, "
             f"slowest {took[-1] * 1000:.1f} ms")
    assert took[-1] < AT_ONCE_S, f"seed {seed}: one took {took[-1]:.2f} s"


@test
def no_end_is_lost_between_read_and_wait():
    expect_no_change_lost(lambda run: world.move(run, "cancelled"))


@test
def no_change_of_many_is_lost():
    def change(run):
        world.move(run, "in_progress")
        world.move(run, "completed")
    expect_no_change_lost(change)


@test
def no_change_of_a_batch_is_lost():
    def change(run):
        world.rpc().batch([("runs.update", {"run_id": run, "status": "in_progress"}),
                           ("runs.update", {"run_id": run, "status": "completed"})])
    expect_no_change_lost(change, n=30)


@test
def completion_is_seen_soon():
    took = []
    for _ in range(60):
        thread, run = world.run(status="in_progress")
        poll = Poll(thread, run)
        time.sleep(0.01)
        world.move(run, "completed")
        done = time.monotonic()
        assert poll.run()["status"] == "completed"
        took.append(time.monotonic() - done)
    took.sort()
    tap.note(f"after completion: median {statistics.median(took) * 1000:.2f} ms, "
             f"nine of ten {took[53] * 1000:.2f} ms, slowest {took[-1] * 1000:.2f} ms")
    assert tap.SANITIZED or statistics.median(took) < 0.02


@test
def head_is_held_like_get_and_has_no_body():
    thread, run = world.run()
    poll = Poll(thread, run, ("X-Stainless-Timeout", "1.5"), method="HEAD")
    poll.connection.timeout(5)
    answer = poll.connection.head()
    assert answer.status == 200
    assert not poll.connection.unread, bytes(poll.connection.unread)


tap.main()
