"""Who is let in: names of hosts, tokens, pages of other origins, and addresses to listen on."""

import os
import socket
import stat
import time

import tap
import wire
from tap import test
from world import World, expect_error, expect_ok, is_alive, refused_to_start

world = World()
gateway = world.gateway
THREAD = world.thread()
TARGET = f"/v1/threads/{THREAD}"


def raw(gateway, lines, method="GET", target=TARGET, body=b"", version="HTTP/1.1"):
    """The answer to a request with just these header lines; None when there is none."""
    with gateway.connect(timeout=5, address=gateway.address) as connection:
        head = "\r\n".join([f"{method} {target} {version}", *lines]) + "\r\n\r\n"
        connection.send(head.encode("latin-1") + body)
        return connection.answer_or_end()


GOOD_HOSTS = ("localhost", "LOCALHOST", "LocalHost:80", "localhost:{port}", "127.0.0.1",
              "127.0.0.1:{port}", "127.0.0.1:1", "[::1]", "[::1]:{port}", "127.0.0.2",
              "  localhost  ")
BAD_HOSTS = ("evil.com", "evil.com:{port}", "EVIL.COM", "127.0.0.1.evil.com",
             "127.0.0.1.evil.com:{port}", "localhost.evil.com", "evil-localhost",
             "evil.localhost.com", "localhosts", "xlocalhost", "localhos", "127.0.0.1x",
             "127.0.0.1,evil.com", "localhost,evil.com", "evil.com, localhost",
             "evil.com localhost", "localhost@evil.com", "evil.com@localhost", "localhost/evil.com",
             "evil.com/localhost", "evil.com#localhost", "evil.com?localhost",
             "localhost\\evil.com", "http://localhost", "//localhost", "10.0.0.1",
             "192.168.0.1:{port}", "0.0.0.0", "0.0.0.0:{port}", "[::]", "[::2]:{port}", "8.8.8.8",
             "[::ffff:8.8.8.8]", "128.0.0.1", "1.127.0.0.1", "127.0.0.1.", "127.0.0.1:evil",
             "localhost:evil.com", "localhost:80:80", "[::1]evil.com", "[::1].evil.com",
             "[evil.com]", "[localhost]", "[::1", "::1", "127.0.0", "127.0.0.256", "127.0.0.1.1",
             ".localhost", "..", ".", ":", ":{port}", "*", "*.localhost", "%6cocalhost",
             "localhost%00.evil.com", "lоcalhost", "unix:/tmp/x", "null", "undefined", "127。0。0。1",
             "localhost..", "-", "a" * 300)


@test
def names_of_this_machine_are_let_in():
    with tap.cases() as cases:
        for host in GOOD_HOSTS:
            with cases.case(host):
                expect_ok(raw(gateway, [f"Host: {host.format(port=gateway.port)}"]), "thread")


@test
def other_names_are_forbidden():
    with tap.cases() as cases:
        for host in BAD_HOSTS:
            host = host.format(port=gateway.port).encode().decode("latin-1")
            for target in (TARGET, "/metrics", "/nowhere", "/v1/threads/%00"):
                with cases.case(f"{host[:40]} for {target}"):
                    expect_error(raw(gateway, [f"Host: {host}"], target=target), 403,
                                 "forbidden_host")


@test
def a_name_with_a_dot_at_its_end_is_the_same_name_or_forbidden():
    for host in ("localhost.", "localhost.:80"):
        answer = raw(gateway, [f"Host: {host}"])
        if answer.status != 200:
            expect_error(answer, 403, "forbidden_host")
    expect_error(raw(gateway, ["Host: evil.com."]), 403, "forbidden_host")


@test
def without_a_name_nobody_is_let_in():
    with tap.cases() as cases:
        for lines in ([], ["Host:"], ["Host: "], ["X-Forwarded-Host: localhost"],
                      ["Hos: localhost"]):
            with cases.case(str(lines)):
                answer = raw(gateway, lines)
                assert answer is None or answer.status in (400, 403), answer
        with cases.case("HTTP/1.0"):
            answer = raw(gateway, [], version="HTTP/1.0")
            assert answer is None or answer.status in (200, 400, 403), answer
        with cases.case("HTTP/1.0 with another name"):
            expect_error(raw(gateway, ["Host: evil.com"], version="HTTP/1.0"), 403,
                         "forbidden_host")


@test
def two_names_are_one_too_many():
    with tap.cases() as cases:
        for first, second in (("localhost", "evil.com"), ("evil.com", "localhost"),
                              ("localhost", "127.0.0.1"),
                              ("localhost", "localhost"), ("localhost", "")):
            with cases.case(f"{first} and {second}"):
                answer = raw(gateway, [f"Host: {first}", f"Host: {second}"])
                assert answer is None or answer.status in (400, 403), answer


@test
def the_name_is_looked_at_before_anything_is_done():
    before = world.call("server.info")["last_seq"]
    lines = ["Host: evil.com", "Content-Type: application/json"]
    expect_error(raw(gateway, [*lines, "Content-Length: 2"], "POST", "/v1/threads", b"{}"), 403,
                 "forbidden_host")
    expect_error(raw(gateway, lines, "DELETE"), 403, "forbidden_host")
    begun = time.monotonic()
    expect_error(raw(gateway, [*lines, "Content-Length: 1000000"], "POST", "/v1/threads"), 403,
                 "forbidden_host")
    assert time.monotonic() - begun < 2, "it waited for the body"
    assert world.call("server.info")["last_seq"] == before


@test
def names_that_are_allowed_are_let_in_and_no_others():
    other = world.another_gateway("--allow-host", "store.example", "--allow-host", "b.example")
    with tap.cases() as cases:
        for host in ("store.example", "STORE.example", "store.example:443", "b.example",
                     "localhost"):
            with cases.case(host):
                expect_ok(raw(other, [f"Host: {host}"]), "thread")
        for host in ("x.store.example", "store.example.evil.com", "store.exampl", "example",
                     "xstore.example", "store.example:x", "c.example", "evil.com",
                     "store.example,b.example"):
            with cases.case(host):
                expect_error(raw(other, [f"Host: {host}"]), 403, "forbidden_host")


TOKEN = "sk-local-0123456789abcdef"


def token_file(name="token", content=TOKEN.encode() + b"\n"):
    return world.file(name, content)


WRONG = ("Bearer wrong", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Bearer {TOKEN}{TOKEN}",
         f"Bearer {TOKEN.upper()}", f"Basic {TOKEN}", "Basic c2s6bG9jYWw=", TOKEN, "Bearer",
         "Bearer ", "", f"Bearer{TOKEN}", f"Token {TOKEN}", f"Bearer {TOKEN} x",
         f"Bearer x {TOKEN}", f"Bearer,{TOKEN}", f"Bearer \"{TOKEN}\"", f"Bearer: {TOKEN}",
         f"Bearer {TOKEN},", f"x Bearer {TOKEN}", f"Bearer {TOKEN[0]}", f"BearerBearer {TOKEN}",
         "Bearer " + "x" * 10000, f"Bearer {TOKEN[1:]}", "Bearer \xff\xfe", f"Bearer {TOKEN}\xa0",
         f"Bearer {TOKEN}\\n")


@test
def with_a_token_file_its_token_is_needed_on_loopback_too():
    other = world.another_gateway("--token-file", token_file())
    before = world.call("server.info")["last_seq"]
    with tap.cases() as cases:
        for value in WRONG:
            with cases.case(value[:60]):
                answer = other.get(TARGET, headers=[("Authorization", value)])
                expect_error(answer, 401, "unauthorized")
        for method, target in (("GET", TARGET), ("DELETE", TARGET), ("GET", "/metrics"),
                               ("GET", f"{TARGET}/runs/x/events")):
            with cases.case(f"none for {method} {target}"):
                expect_error(other.ask(method, target), 401, "unauthorized")
        with cases.case("none, with a body"):
            expect_error(other.post("/v1/threads", b"{}"), 401, "unauthorized")
        for headers in ([("X-Api-Key", TOKEN)], [("Proxy-Authorization", f"Bearer {TOKEN}")],
                        [("Cookie", f"Authorization=Bearer {TOKEN}")]):
            with cases.case(str(headers)):
                expect_error(other.get(TARGET, headers=headers), 401, "unauthorized")
        for target in (f"{TARGET}?token={TOKEN}", f"{TARGET}?api_key={TOKEN}"):
            with cases.case(target):
                expect_error(other.get(target), 401, "unauthorized")
    assert world.call("server.info")["last_seq"] == before


@test
def the_right_token_is_let_in():
    other = world.another_gateway("--token-file", token_file())
    with tap.cases() as cases:
        for value in (f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER {TOKEN}",
                      f"  Bearer {TOKEN}  "):
            with cases.case(value):
                expect_ok(other.get(TARGET, headers=[("Authorization", value)]), "thread")
        with cases.case("metrics"):
            assert other.get("/metrics",
                             headers=[("Authorization", f"Bearer {TOKEN}")]).status == 200
        with cases.case("a stream"):
            thread, run = world.run(status="completed")
            answer = other.get(f"/v1/threads/{thread}/runs/{run}/events",
                               headers=[("Authorization", f"Bearer {TOKEN}")])
            assert answer.status == 200 and answer.body.endswith(b"[DONE]\n\n")
        with cases.case("healthz is open"):
            is_alive(other)
    assert TOKEN not in other.told()


@test
def line_ends_behind_the_token_do_not_count():
    with tap.cases() as cases:
        for content in (TOKEN.encode(), TOKEN.encode() + b"\n", TOKEN.encode() + b"\r\n"):
            with cases.case(repr(content)):
                other = world.another_gateway("--token-file", token_file("ends", content))
                expect_ok(other.get(TARGET, headers=[("Authorization", f"Bearer {TOKEN}")]),
                          "thread")
                expect_error(other.get(TARGET), 401, "unauthorized")


@test
def a_large_body_is_not_read_from_whom_nobody_knows():
    other = world.another_gateway("--token-file", token_file())
    begun = time.monotonic()
    with other.connect(timeout=5) as connection:
        connection.send(wire.request_bytes("POST", "/v1/threads", headers=[
            ("Content-Type", "application/json"), ("Content-Length", 10_000_000)]))
        expect_error(connection.answer(), 401, "unauthorized")
    assert time.monotonic() - begun < 2


@test
def a_token_file_that_is_gone_later_changes_nothing():
    path = token_file("fleeting")
    other = world.another_gateway("--token-file", path)
    os.unlink(path)
    expect_error(other.get(TARGET), 401, "unauthorized")
    expect_error(other.get(TARGET, headers=[("Authorization", "Bearer ")]), 401, "unauthorized")
    expect_ok(other.get(TARGET, headers=[("Authorization", f"Bearer {TOKEN}")]), "thread")


def refused(word, *options):
    status, out, err = refused_to_start("--url", world.url, *options)
    assert status not in (0, None), f"exit status {status}"
    assert not out.startswith("ready"), out
    assert word in err, f"'{err}' does not tell of '{word}'"


@test
def a_token_file_without_a_token_is_no_reason_to_let_everybody_in():
    with tap.cases() as cases:
        for name, content in (("empty", b""), ("newline", b"\n"), ("newlines", b"\r\n\n\n"),
                              ("long", b"x" * 5000)):
            with cases.case(name):
                refused("token", "--listen", "127.0.0.1:0", "--token-file",
                        world.file(name, content))
        with cases.case("gone"):
            refused("No such file", "--listen", "127.0.0.1:0", "--token-file",
                    world.directory + "/none")
        with cases.case("a directory"):
            refused(world.directory, "--listen", "127.0.0.1:0", "--token-file", world.directory)


@test
def a_token_file_that_others_can_read_is_warned_of():
    path = token_file("open")
    os.chmod(path, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)
    other = world.another_gateway("--token-file", path)
    assert "open" in other.told(), f"nothing is said of it: '{other.told()}'"
    expect_ok(other.get(TARGET, headers=[("Authorization", f"Bearer {TOKEN}")]), "thread")
    assert not world.another_gateway("--token-file", token_file()).told()


@test
def without_a_token_file_any_key_will_do():
    for value in (*WRONG, f"Bearer {TOKEN}"):
        if "\xff" not in value:
            expect_ok(gateway.get(TARGET, headers=[("Authorization", value)]), "thread")


@test
def other_addresses_are_not_listened_on_without_a_token():
    with tap.cases() as cases:
        for listen in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0", "10.0.0.1:8788", "[::ffff:0.0.0.0]:0",
                       "[2001:db8::1]:0"):
            with cases.case(listen):
                refused("token", "--listen", listen)
        for listen in ("nonsense", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:99999",
                       "127.0.0.1:-1", ":8788", "", "127.0.0.1:0x50", "127.0.0.1:1 ",
                       "127.0.0.1:1:1", "http://127.0.0.1:0"):
            with cases.case(repr(listen)):
                refused("", "--listen", listen)


@test
def with_a_token_all_addresses_can_be_listened_on():
    other = world.another_gateway("--token-file", token_file(), listen="0.0.0.0:0")
    key = f"Authorization: Bearer {TOKEN}"
    with tap.cases() as cases:
        for host in ("127.0.0.1", "10.1.2.3", f"192.168.7.7:{other.port}", "[2001:db8::1]",
                     "localhost"):
            with cases.case(host):
                expect_ok(local(other, [f"Host: {host}", key]), "thread")
                expect_error(local(other, [f"Host: {host}"]), 401, "unauthorized")
        for host in ("evil.com", "1.2.3.4.evil.com", "localhost.evil.com"):
            with cases.case(host):
                expect_error(local(other, [f"Host: {host}", key]), 403, "forbidden_host")


def local(gateway, lines):
    with gateway.connect(timeout=5) as connection:
        connection.send(("\r\n".join([f"GET {TARGET} HTTP/1.1", *lines]) + "\r\n\r\n").encode())
        return connection.answer_or_end()


@test
def ipv6_loopback_and_localhost_can_be_listened_on():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        raise tap.Skip("there is no IPv6 here") from error
    other = world.another_gateway(listen="[::1]:0")
    expect_ok(raw(other, [f"Host: [::1]:{other.port}"]), "thread")
    expect_error(raw(other, ["Host: evil.com"]), 403, "forbidden_host")


@test
def wrong_options_are_refused_with_a_reason():
    busy = f"127.0.0.1:{gateway.port}"
    with tap.cases() as cases:
        for options in (("--nonsense",), ("--listen",), ("extra",), ("--threads", "0"),
                        ("--threads", "x"),
                        ("--max-connections", "0"), ("--max-connections", "-1"),
                        ("--log-level", "loud"),
                        ("--listen", busy), ("--token-file",),
                        ("--threads", "99999999999999999999")):
            with cases.case(str(options)):
                status, out, err = refused_to_start("--url", world.url, *options)
                assert status != 0 and err.strip() and not out.startswith("ready"), (status, out,
                                                                                     err)
        for option in ("--help", "--version"):
            with cases.case(option):
                status, out, err = refused_to_start(option)
                assert status == 0 and out.strip() and not err.strip(), (status, out, err)


APP = "https://app.example"


def cors_of(answer):
    return {name: value for name, value in answer.headers if name.startswith("access-control-")}


@test
def pages_of_other_origins_get_no_leave_by_default():
    with tap.cases() as cases:
        for origin in (APP, "null", "http://localhost", "http://127.0.0.1"):
            for method, target in (("GET", TARGET), ("GET", "/nowhere"),
                                   ("POST", "/v1/threads/x/runs")):
                with cases.case(f"{origin} {method} {target}"):
                    answer = gateway.ask(method, target, headers=[("Origin", origin)])
                    assert not cors_of(answer), cors_of(answer)


@test
def pages_of_other_origins_change_nothing():
    """A form needs no leave to be posted, and an empty body no type."""
    before = world.call("server.stats")["threads"]
    with tap.cases() as cases:
        for origin in ("https://evil.com", "null", "http://localhost:1"):
            with cases.case(origin):
                answer = gateway.ask("POST", "/v1/threads", b"", [("Origin", origin)])
                expect_error(answer, 403, "forbidden_origin")
    assert world.call("server.stats")["threads"] == before
    own = f"http://127.0.0.1:{gateway.port}"
    answer = gateway.ask("POST", "/v1/threads", b"", [("Origin", own), ("Host", own[7:])])
    assert answer.status == 200, answer


@test
def only_the_origins_that_are_given_get_leave():
    other = world.another_gateway("--cors", APP, "--cors", "http://localhost:3000")
    with tap.cases() as cases:
        for origin in (APP, "http://localhost:3000"):
            for method, target, status in (("GET", TARGET, 200), ("GET", "/nowhere", 404),
                                           ("PUT", TARGET, 405),
                                           ("POST", "/v1/assistants", 400)):
                with cases.case(f"{origin} {method} {target}"):
                    answer = other.ask(method, target, headers=[("Origin", origin)])
                    assert answer.status == status, answer
                    assert answer.header("access-control-allow-origin") == origin, answer.headers
                    vary = answer.header("vary") or ""
                    assert "origin" in vary.lower(), "Vary: Origin is missing"
                    assert answer.header("access-control-allow-credentials") in (None, "true")
        for origin in ("https://app.example.evil.com", "http://app.example",
                       "https://app.example:8443", "null", "*", "https://app.exampl",
                       "https://evil.com", "https://xapp.example", "app.example", "",
                       "https://app.example https://evil.com",
                       "https://evil.com,https://app.example", "https://app.example/",
                       "HTTPS://app.example/x"):
            with cases.case(f"not {origin}"):
                answer = other.get(TARGET, headers=[("Origin", origin)])
                assert not cors_of(answer), cors_of(answer)
        with cases.case("without an origin"):
            assert other.get(TARGET).status == 200
        with cases.case("a stream"):
            thread, run = world.run(status="completed")
            answer = other.get(f"/v1/threads/{thread}/runs/{run}/events", headers=[("Origin", APP)])
            assert answer.header("access-control-allow-origin") == APP, answer.headers


WANTED = ("authorization,content-type,openai-beta,idempotency-key,x-stainless-os,"
          "x-stainless-poll-helper,last-event-id")


def names_in(text):
    return {name.strip().lower() for name in text.split(",")}


def preflight(gateway, origin, method="POST", wanted=WANTED, target=TARGET):
    return gateway.ask("OPTIONS", target, headers=[
        ("Origin", origin), ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", wanted)])


@test
def preflights_are_answered_for_the_origins_that_are_given():
    other = world.another_gateway("--cors", APP, "--token-file", token_file())
    with tap.cases() as cases:
        for method in ("GET", "POST", "DELETE"):
            with cases.case(f"{method}, without the token"):
                answer = preflight(other, APP, method)
                assert answer.status == 204, answer
                found = cors_of(answer)
                assert found["access-control-allow-origin"] == APP, found
                methods = names_in(found["access-control-allow-methods"])
                assert {"get", "post", "delete"} <= methods, methods
                missing = names_in(WANTED) - names_in(found["access-control-allow-headers"])
                assert not missing, f"{missing} are missing"
        with cases.case("another origin"):
            answer = preflight(other, "https://evil.com")
            assert not cors_of(answer), cors_of(answer)
        with cases.case("another host"):
            answer = other.ask("OPTIONS", TARGET, headers=[("Host", "evil.com"), ("Origin", APP),
                                                          ("Access-Control-Request-Method", "GET")])
            expect_error(answer, 403, "forbidden_host")
        with cases.case("what is asked for comes back in no other header"):
            answer = preflight(other, APP, wanted="x-stainless-os, x\tset-cookie")
            assert answer.status in (204, 400, 403, 405) and not answer.header("set-cookie")
        with cases.case("a refusal can be read by the page"):
            answer = other.get(TARGET, headers=[("Origin", APP)])
            expect_error(answer, 401, "unauthorized")
            assert answer.header("access-control-allow-origin") == APP, answer.headers


tap.main()
