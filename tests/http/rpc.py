"""The daemon as a worker sees it: MessagePack-RPC in messages of an SP REQ socket."""

import socket
import struct
import threading
import time

import msgpack

REQ, REP = 48, 49


class Refused(Exception):
    """The daemon's error; .code is its code."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error}")
        self.code = error["code"]


class Rpc:
    """One connection. Threads may share it: one asks at a time."""

    def __init__(self, path, timeout=20):
        self.lock = threading.Lock()
        self.requests = 0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        end = time.monotonic() + timeout
        while self.socket.connect_ex(path):  # many may be in the daemon's queue
            assert time.monotonic() < end, f"no connection to {path}"
            time.sleep(0.01)
        self.socket.sendall(struct.pack(">4sHH", b"\0SP\0", REQ, 0))
        greeting = self._read(8)
        assert greeting == struct.pack(">4sHH", b"\0SP\0", REP, 0), greeting

    def close(self):
        self.socket.close()

    def _read(self, length):
        data = bytearray()
        while len(data) < length:
            piece = self.socket.recv(min(length - len(data), 1 << 20))
            assert piece, "the daemon closed the connection"
            data += piece
        return bytes(data)

    def call(self, method, **params):
        """The result, or Refused."""
        with self.lock:
            self.requests += 1
            number = self.requests
            frame = struct.pack(">I", 1 << 31 | number) + msgpack.pack([0, number, method, [params]])
            self.socket.sendall(struct.pack(">BQ", 1, len(frame)) + frame)
            _, length = struct.unpack(">BQ", self._read(9))
            reply = msgpack.unpack(self._read(length)[4:])
        if reply[2] is not None:
            raise Refused(method, reply[2])
        return reply[3]

    def batch(self, requests):
        """The results of [(method, params)…], all of them or none applied."""
        answer = self.call("batch", requests=[[method, params] for method, params in requests],
                           atomic=True)
        return [result for _, result in answer["results"]]
