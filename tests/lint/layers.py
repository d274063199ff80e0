"""Includes point down only, and each library is known to one place."""

import re

import tap

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# What the files under a folder may include of the project. The longest match of a path counts.
MAY_INCLUDE = {
    "proto/": ["proto/"],
    "client/": ["client/", "proto/", "runstore.h"],
    "tools/": ["tools/", "client/", "proto/", "runstore.h"],
    "daemon/": ["daemon/", "proto/"],
    "daemon/store/": ["daemon/store/", "proto/"],
    "daemon/query/": ["daemon/query/", "daemon/store/", "proto/"],
    "daemon/net/": ["daemon/net/", "proto/"],
    "daemon/ops/": ["daemon/ops/", "daemon/query/", "daemon/store/", "proto/"],
    "daemon/rpc/": ["daemon/rpc/", "daemon/ops/", "daemon/store/", "daemon/net/", "daemon/log.h",
                    "proto/"],
}

# Tests of what others see share no code with what they test.
STRANGERS = ("tests/support/", "tests/e2e/")
INSIDE = ("proto/", "client/", "daemon/", "tools/")

# Who may use a library.
LIBRARIES = {
    "lmdb.h": ("daemon/store/kv.c", "tests/bench/"),
    "nanomsg/": ("daemon/net/", "client/", "tests/"),
    "nng/": ("tests/",),
    "cmocka.h": ("tests/",),
    "jansson.h": ("client/", "tools/", "tests/"),
    "microhttpd.h": ("tools/gateway/",),
    "msgpack": ("proto/", "client/", "tests/"),
}

# The contract in code does not touch files, sockets, threads or processes.
NOT_IN_PROTO = ("fcntl.h", "unistd.h", "pthread.h", "signal.h", "poll.h", "syslog.h", "spawn.h",
                "sys/socket.h", "sys/stat.h", "sys/mman.h", "sys/wait.h", "sys/file.h", "netinet/",
                "arpa/")


def includes(suffixes=(".c", ".h", ".def")):
    for path, text in tap.sources(*suffixes):
        for kind, name in INCLUDE.findall(text):
            yield path, kind, name


def project_includes():
    """Includes of the project by their path from the root."""
    for path, kind, name in includes():
        if kind == '"':
            beside = path.rsplit("/", 1)[0] + "/" + name
            yield path, beside if (tap.root() / beside).is_file() else name


def wrong_arrows():
    for path, name in project_includes():
        layers = [folder for folder in MAY_INCLUDE if path.startswith(folder)]
        if layers and not name.startswith(tuple(MAY_INCLUDE[max(layers, key=len)])):
            yield f"{path} includes {name}"


def friends_of_strangers():
    for path, name in project_includes():
        if path.startswith(STRANGERS) and name.startswith(INSIDE):
            yield f"{path} includes {name}"


def misused_libraries():
    for path, _, name in includes():
        for library, users in LIBRARIES.items():
            if name.startswith(library) and not path.startswith(users):
                yield f"{path} includes {name}"


def doing_in_proto():
    for path, kind, name in includes():
        if path.startswith("proto/") and kind == "<" and name.startswith(NOT_IN_PROTO):
            yield f"{path} includes {name}"


report = tap.Report()
report.result("includes point down only", wrong_arrows())
report.result("tests from outside include nothing of the inside", friends_of_strangers())
report.result("each library is included where it belongs", misused_libraries())
report.result("proto does no input or output", doing_in_proto())
report.end()
