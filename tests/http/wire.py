"""HTTP/1.1 by hand: what is sent is what a test says, what comes is read strictly."""

import json
import re
import select
import socket
import time

STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) [\t -~]*")
HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*")


def readable(file, seconds):
    """Whether there is something to read, or the end, within so long; also beyond 1,024 descriptors."""
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class Closed(Exception):
    """The connection ended before the answer did."""


class Answer:
    def __init__(self, status, headers):
        self.status = status
        self.headers = headers
        self.body = b""

    def all(self, name):
        return [value for known, value in self.headers if known == name.lower()]

    def header(self, name):
        """Its value, or None; a header that is there twice is none of ours."""
        values = self.all(name)
        assert len(values) < 2, f"{name} is there {len(values)} times"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body.decode("utf-8", "strict"))

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


def request_bytes(method, target, body=None, headers=(), host="127.0.0.1", version="HTTP/1.1"):
    """A request's bytes. @headers replace those that are made here; a value of None leaves it out."""
    given = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} {version}"]
    if "host" not in given:
        lines.append(f"Host: {host}")
    if body is not None:
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        if "content-type" not in given:
            lines.append("Content-Type: application/json")
        if not given & {"content-length", "transfer-encoding"}:
            lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in headers if value is not None]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chunked(pieces):
    """@pieces as chunks, with the last one."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


class Connection:
    def __init__(self, port, timeout=10, address="127.0.0.1", receive_buffer=None):
        self.host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((address, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def timeout(self, seconds):
        self.socket.settimeout(seconds)

    def send(self, data):
        self.socket.sendall(data)

    def send_what_is_taken(self, data):
        """Send until all is sent or the other end will have no more. How much it was, at most."""
        sent = 0
        view = memoryview(data)
        try:
            while sent < len(data):
                sent += self.socket.send(view[sent:sent + (1 << 16)])
        except OSError:
            pass
        return sent

    def ask(self, method, target, body=None, headers=(), version="HTTP/1.1"):
        """Send a request and read its answer."""
        self.send(request_bytes(method, target, body, headers, self.host, version))
        return self.answer(head=method == "HEAD")

    def _more(self):
        try:
            piece = self.socket.recv(1 << 18)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        except TimeoutError:
            raise AssertionError(f"nothing came within {self.socket.gettimeout()} s, "
                                 f"after {bytes(self.unread[:100])!r}") from None
        if not piece:
            raise Closed(f"after {bytes(self.unread[:200])!r}")
        self.unread += piece

    def _until(self, mark):
        looked = 0
        while (at := self.unread.find(mark, looked)) < 0:
            looked = max(0, len(self.unread) - len(mark))
            self._more()
        piece = bytes(self.unread[:at])
        del self.unread[:at + len(mark)]
        return piece

    def _exactly(self, length):
        while len(self.unread) < length:
            self._more()
        piece = bytes(self.unread[:length])
        del self.unread[:length]
        return piece

    def head(self):
        """The head of an answer, 1xx ones too."""
        lines = self._until(b"\r\n\r\n").split(b"\r\n")
        status = STATUS_LINE.fullmatch(lines[0])
        assert status, f"status line {lines[0]!r}"
        headers = []
        for line in lines[1:]:
            match = HEADER_LINE.fullmatch(line)
            assert match, f"header line {line!r}"
            headers.append((match[1].decode().lower(), match[2].decode("latin-1")))
        return Answer(int(status[1]), headers)

    def chunk(self):
        """The next chunk of a body; empty at its end."""
        size = self._until(b"\r\n")
        assert re.fullmatch(rb"[0-9a-fA-F]+", size), f"chunk size {size!r}"
        data = self._exactly(int(size, 16))
        end = self._exactly(2)
        assert end == b"\r\n", f"chunk ends with {end!r}"
        return data

    def answer(self, head=False):
        """The next final answer, with its body."""
        answer = self.head()
        while answer.status < 200:
            answer = self.head()
        length = answer.header("content-length")
        coding = answer.header("transfer-encoding")
        assert not (length and coding), "both a length and a coding"
        if head or answer.status in (204, 304):
            return answer
        if coding:
            assert coding.lower() == "chunked", coding
            pieces = []
            while piece := self.chunk():
                pieces.append(piece)
            answer.body = b"".join(pieces)
        elif length is not None:
            answer.body = self._exactly(int(length))
        else:
            answer.body = self._rest()
        return answer

    def _rest(self):
        try:
            while True:
                self._more()
        except Closed:
            rest = bytes(self.unread)
            self.unread.clear()
            return rest

    def answer_or_end(self):
        """The next answer; None when the connection ended without one."""
        try:
            return self.answer()
        except Closed:
            return None

    def ended(self, within=5.0):
        """Whether the other end closes in time. What comes before that is thrown away."""
        end = time.monotonic() + within
        while (left := end - time.monotonic()) > 0:
            if not readable(self.socket, left):
                return False
            try:
                if not self.socket.recv(1 << 16):
                    return True
            except ConnectionError:
                return True
        return False
