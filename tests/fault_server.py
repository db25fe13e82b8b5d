"""A service that fails on demand, on raw sockets, and the calls to try it with.

A `Fault` says what one attempt meets. The server's own log is the judge: which requests came whole, and which
were carried out.
"""

import asyncio
import contextlib
import gzip
import json
import socket
import struct
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable
from importlib import import_module
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

import attrs
import pytest

from convoso_async import AsyncConvoso, retry
from convoso_async.client import RESOURCES
from convoso_async.endpoint import Endpoint, Retry
from convoso_async.parameters import ChoiceRule, FlagRule, IntegerRule, NumberRule, TextRule
from convoso_async.resource import form_of

TOKEN = "s3cret-Tokén+/=&%Zq9"
GOOD = b'{"success": true}'

# -- the calls --------------------------------------------------------------------------------------

ENDPOINTS: dict[str, Endpoint[Any]] = {
    value.id: value
    for name in RESOURCES
    for value in vars(import_module(f"convoso_async.resources.{name}")).values()
    if isinstance(value, Endpoint)
}
READS = [call for call, endpoint in ENDPOINTS.items() if endpoint.retry is Retry.READ]
IDEMPOTENTS = [call for call, endpoint in ENDPOINTS.items() if endpoint.retry is Retry.IDEMPOTENT]
UNSAFES = [call for call, endpoint in ENDPOINTS.items() if endpoint.retry is Retry.UNSAFE]
URGENT = [call for call, endpoint in ENDPOINTS.items() if endpoint.urgent]


def values_of(call: str) -> dict[str, Any]:
    """The least that a call can be made with, from its declaration."""
    form = form_of(ENDPOINTS[call])
    return {name: value_of(form.parameters[name].rule) for name in form.required}


def value_of(rule: object) -> object:
    """Some value that a rule takes."""
    match rule:
        case ChoiceRule():
            return rule.words[0]
        case IntegerRule():
            return rule.least or 1
        case FlagRule():
            return True
        case NumberRule():
            return 1
        case TextRule():
            return "1" * max(1, rule.shortest)
    return "1"


def good_body(endpoint: Endpoint[Any] | None) -> bytes:
    """A good reply to a call: no rows, or a plain success."""
    payload: dict[str, Any] = {"success": True}
    place: Any = payload
    names = endpoint.rows[0].split(".") if endpoint is not None and endpoint.rows else []
    if names == ["$"]:
        return b"[]"
    for name in names[:-1]:
        place = place.setdefault(name, {})
    if names:
        place[names[-1]] = []
    return json.dumps(payload).encode()


async def make(client: AsyncConvoso, call: str, **values: Any) -> Any:
    """Makes a call by its name, such as `leads.insert`."""
    resource, _, method = call.partition(".")
    return await getattr(getattr(client, resource), method)(**{**values_of(call), **values})


# -- the faults -------------------------------------------------------------------------------------

End = Literal["keep", "close", "reset", "stall"]


@attrs.frozen
class Request:
    """One request as it came. `whole` tells whether all of it was read, `applied` whether it was done."""

    connection: int
    at: float
    path: str
    headers: dict[str, str]
    form: dict[str, str]
    body: bytes
    whole: bool
    applied: bool


@attrs.frozen
class Fault:
    """What one attempt meets.

    It strikes before there is a connection (`connect`, where the client makes it through `refusing`), when it
    is accepted (`accept`), when data is there but not read (`data`), or when the request is read (`request`).
    The server carries the request out or not, sends `reply` in pieces, and then keeps the connection, closes
    it, resets it, or says nothing more. `pause` is seconds before each piece, `stray` is sent a moment after
    the reply.
    """

    name: str
    at: Literal["connect", "accept", "data", "request"] = "request"
    apply: bool = False
    reply: Callable[[Request], Iterable[bytes]] | bytes | None = None
    end: End = "close"
    pause: float = 0.0
    stray: bytes = b""

    def __str__(self) -> str:
        return self.name


def http(
    body: bytes = b"", status: str = "200 OK", *headers: str, length: int | None = None, bare: bool = False
) -> bytes:
    """A reply in HTTP. `bare` leaves the length out, `length` tells another one."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    if not bare:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def fine() -> Fault:
    """The good reply of the call, and the connection stays open."""

    def reply(request: Request) -> Iterable[bytes]:
        endpoint = next((each for each in ENDPOINTS.values() if each.path == request.path), None)
        yield http(good_body(endpoint))

    return Fault("fine", apply=True, reply=reply, end="keep")


def status(line: str, *headers: str, body: bytes = b"", apply: bool = False, name: str = "") -> Fault:
    """A reply with a status, after which the connection stays open."""
    return Fault(name or line, apply=apply, reply=http(body, line, *headers), end="keep")


def refusal(code: int | None, text: str, line: str = "200 OK") -> Fault:
    """The service says no, in a code and in words."""
    body: dict[str, object] = {"success": False, "text": text} | ({} if code is None else {"code": code})
    return Fault(f"{code} {text}", reply=http(json.dumps(body).encode(), line), end="keep")


def bomb(size: int) -> bytes:
    """A reply that is small on the wire and `size` bytes long when it is unpacked."""
    packed = gzip.compress(b"[" + b" " * (size - 2) + b"]")
    return http(packed, "200 OK", "Content-Encoding: gzip")


def endless(request: Request) -> Iterable[bytes]:
    """A reply that never ends."""
    yield http(b"[", bare=True)
    while True:
        yield b" " * 65_536


HTML = b"<html><body>502 Bad Gateway</body></html>"
SUCCESS_CUT = b'{"success": true, "data": {"lead_id": 1234, "na'

SILENT: list[Fault] = [
    Fault("accepted and closed", at="accept"),
    Fault("accepted and reset", at="accept", end="reset"),
    Fault("reset before reading", at="data", end="reset"),
    Fault("closed before reading", at="data"),
    Fault("stall before applying", end="stall"),
    Fault("closed after reading"),
    Fault("reset after reading", end="reset"),
    Fault("closed after applying", apply=True),
    Fault("reset after applying", apply=True, end="reset"),
    Fault("stall after applying", apply=True, end="stall"),
]
"""No reply: the client cannot tell whether it was carried out."""
BROKEN: list[Fault] = [
    Fault("status line cut", reply=b"HTTP/1.1 20"),
    Fault("status line cut, reset", apply=True, reply=b"HTTP/1.1 20", end="reset"),
    Fault("headers cut", apply=True, reply=b"HTTP/1.1 200 OK\r\nContent-Le"),
    Fault("garbage", apply=True, reply=b"\x16\x03\x01\x00\xff garbage \xfe\r\n\r\n"),
    Fault("words for a status", reply=b"HTTP/1.1 OK fine\r\n\r\n"),
    Fault("header without a colon", apply=True, reply=b"HTTP/1.1 200 OK\r\nno header\r\n\r\n{}"),
    Fault("two lengths", apply=True, reply=http(b"{}", "200 OK", "Content-Length: 7")),
    Fault("headers too large", apply=True, reply=http(b"{}", "200 OK", "X-Large: " + "x" * 70_000)),
    Fault("too many headers", apply=True, reply=http(b"{}", "200 OK", *(f"X-{n}: 1" for n in range(2_000)))),
    Fault("body cut with a length", apply=True, reply=http(b'{"data": [{"id"', length=500)),
    Fault("body reset with a length", apply=True, reply=http(b'{"data": [{"id"', length=500), end="reset"),
    Fault("body cut without a length", apply=True, reply=http(b'{"data": [{"id"', bare=True)),
    Fault("body empty with a length", reply=http(b"", length=500)),
    Fault(
        "chunk cut",
        apply=True,
        reply=http(b'1f\r\n{"data": [', "200 OK", "Transfer-Encoding: chunked", bare=True),
    ),
    Fault(
        "last chunk missing",
        apply=True,
        reply=http(b'd\r\n{"data": []} \r\n', "200 OK", "Transfer-Encoding: chunked", bare=True),
    ),
    Fault(
        "chunk size garbage",
        apply=True,
        reply=http(b'zz\r\n{"data": []}\r\n', "200 OK", "Transfer-Encoding: chunked", bare=True),
    ),
    Fault("stall in the body", apply=True, reply=http(b'{"data": [', length=500), end="stall"),
    Fault("no gzip", apply=True, reply=http(b'{"success"', "200 OK", "Content-Encoding: gzip")),
    Fault(
        "gzip cut",
        apply=True,
        reply=http(gzip.compress(b'{"data": [], "total": 0}')[:-9], "200 OK", "Content-Encoding: gzip"),
    ),
    Fault("HTML under 200", reply=http(HTML), end="keep"),
    Fault("HTML under 200, applied", apply=True, reply=http(HTML), end="keep"),
    Fault("nothing under 200", apply=True, reply=http(b""), end="keep"),
    Fault("blanks under 200", reply=http(b" \r\n "), end="keep"),
    status("204 No Content", apply=True),
]
"""A reply that cannot be read, carried out or not."""
FAILING: list[Fault] = [
    status("500 Internal Server Error"),
    status("500 Internal Server Error", apply=True, name="500 after applying"),
    status("502 Bad Gateway", body=HTML, apply=True),
    status("503 Service Unavailable", body=b'{"success": false, "text": "busy"}'),
    status("504 Gateway Timeout", apply=True),
    Fault("500 cut", reply=http(b"<html>", "500 Oops", length=99), apply=True),
    Fault("502 that stalls", reply=http(b"<html>", "502 Bad Gateway", length=99), apply=True, end="stall"),
]
"""5xx: it may have been carried out, whatever the reply says."""
THROTTLING: list[Fault] = [
    status("429 Too Many Requests"),
    status("429 Too Many Requests", "Retry-After: 0", name="429 with Retry-After"),
    status(
        "429 Too Many Requests",
        "Date: Mon, 02 Mar 2026 10:00:00 GMT",
        "Retry-After: Mon, 02 Mar 2026 10:00:00 GMT",
        name="429 with a date",
    ),
    status("429 Too Many Requests", "Retry-After: soon", body=HTML, name="429 with words"),
    Fault("429 cut", reply=http(b"<html>", "429 Too Many Requests", length=99)),
    Fault("429 that stalls", reply=http(b"<html>", "429 Too Many Requests", length=99), end="stall"),
]
REFUSING: list[Fault] = [
    *(
        status(f"{code} Elsewhere", "Location: http://127.0.0.1:9/v1/stolen")
        for code in (300, 301, 302, 303, 304, 305, 307, 308)
    ),
    status("400 Bad Request", body=HTML),
    status("401 Unauthorized", body=b'{"success": false, "text": "no"}'),
    status("403 Forbidden"),
    status("404 Not Found", body=HTML),
    status("413 Too Large"),
    Fault("403 cut", reply=http(b"<html>", "403 Forbidden", length=99)),
    Fault("401 that stalls", reply=http(b"<html>", "401 Unauthorized", length=99), end="stall"),
    refusal(9999, "No"),
    refusal(None, "Invalid auth_token"),
]
"""The service did nothing, and says so."""
UNREADABLE_SUCCESS: list[Fault] = [
    Fault("success cut with a length", apply=True, reply=http(SUCCESS_CUT, length=500)),
    Fault("success cut without a length", apply=True, reply=http(SUCCESS_CUT, bare=True)),
    Fault("success reset", apply=True, reply=http(SUCCESS_CUT, length=500), end="reset"),
    Fault("success that stalls", apply=True, reply=http(SUCCESS_CUT, length=500), end="stall"),
    Fault(
        "success in a gzip that is cut",
        apply=True,
        reply=http(gzip.compress(SUCCESS_CUT)[:-9], "200 OK", "Content-Encoding: gzip"),
    ),
    Fault("success with garbage", apply=True, reply=http(SUCCESS_CUT + b"\x00\xff"), end="keep"),
]
"""`success: true`, and the rest cannot be read."""
EVERY = [*SILENT, *BROKEN, *FAILING, *THROTTLING, *REFUSING, *UNREADABLE_SUCCESS]


# -- the server -------------------------------------------------------------------------------------


class FaultServer:
    """A service on a port of this machine: each attempt meets the next fault, then `then`.

    `requests` are those that were read, `touched` counts those of which anything came, and `connections` what
    was accepted. After `accepts` connections nobody listens any more. While `gate` is closed, no reply goes
    out; `waiting` counts those.
    """

    def __init__(
        self,
        faults: Iterable[Fault] = (),
        then: Fault | None = None,
        *,
        port: int = 0,
        accepts: int | None = None,
    ) -> None:
        self.faults = deque(faults)
        self.then = then or fine()
        self.requests: list[Request] = []
        self.connections = 0
        self.touched = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0
        self._socket = socket.create_server(("127.0.0.1", port), backlog=2_000)
        self._socket.setblocking(False)
        self._url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._accepts = accepts
        self._open: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it is."""
        return self._url

    @property
    def applied(self) -> int:
        """How many requests were carried out."""
        return sum(request.applied for request in self.requests)

    @property
    def arrived(self) -> int:
        """How many requests came whole."""
        return sum(request.whole for request in self.requests)

    @property
    def paths(self) -> Counter[str]:
        """How often each path was asked."""
        return Counter(request.path for request in self.requests)

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._socket, self._accept)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listen_no_more()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self._open:
            connection.close()

    def _listen_no_more(self) -> None:
        if self._socket.fileno() < 0:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except BlockingIOError:
            return
        self.connections += 1
        self._open.append(connection)
        task = asyncio.get_running_loop().create_task(self._serve(connection, self.connections))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.connections == self._accepts:
            self._listen_no_more()

    def refusing(self, address: Any) -> socket.socket:
        """A socket for a connection to this server; or none, if that is the next fault."""
        if self._peek().at == "connect":
            self._next()
            raise ConnectionRefusedError(111, "Connection refused")
        return socket.socket(*address[:3])

    def _next(self) -> Fault:
        return self.faults.popleft() if self.faults else self.then

    def _peek(self) -> Fault:
        return self.faults[0] if self.faults else self.then

    async def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, contextlib.suppress(OSError):
            connection.setblocking(False)
            if self._peek().at == "accept":
                self._end(connection, self._next().end)
                return
            while await readable(connection):
                self.touched += 1
                while (fault := self._next()).at == "connect":
                    pass  # this connection is there already
                if fault.at == "data":
                    if isinstance(fault.reply, bytes):
                        await asyncio.get_running_loop().sock_sendall(connection, fault.reply)
                    if fault.end == "stall":
                        await asyncio.Event().wait()
                    self._end(connection, fault.end)
                    return
                request = await self._read(connection, number, fault)
                if request is None:
                    return
                self.requests.append(request)
                await self._answer(connection, fault, request)
                if fault.stray:
                    await asyncio.sleep(0.02)
                    await asyncio.get_running_loop().sock_sendall(connection, fault.stray)
                if fault.end == "stall":
                    await asyncio.Event().wait()
                if fault.end != "keep":
                    self._end(connection, fault.end)
                    return

    async def _read(self, connection: socket.socket, number: int, fault: Fault) -> Request | None:
        loop = asyncio.get_running_loop()
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := await loop.sock_recv(connection, 65_536)):
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(body) < length:
            if not (more := await loop.sock_recv(connection, 65_536)):
                break
            body += more
        form = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
        whole = len(body) == length and first.startswith("POST ")
        path = first.split(" ")[1] if " " in first else ""
        return Request(number, loop.time(), path, headers, form, body, whole, fault.apply and whole)

    async def _answer(self, connection: socket.socket, fault: Fault, request: Request) -> None:
        loop = asyncio.get_running_loop()
        self.waiting += 1
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
        pieces = [fault.reply] if isinstance(fault.reply, bytes) else fault.reply or []
        for piece in pieces(request) if callable(pieces) else pieces:
            if fault.pause:
                await asyncio.sleep(fault.pause)
            await loop.sock_sendall(connection, piece)

    def _end(self, connection: socket.socket, end: End) -> None:
        if end == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


async def readable(connection: socket.socket) -> bool:
    """Waits for data without reading it. False at the end of the connection."""
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(connection, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(connection)
    return bool(connection.recv(1, socket.MSG_PEEK))


def client_of(server: FaultServer | str, **settings: Any) -> AsyncConvoso:
    """A client of a fault server."""
    url = server if isinstance(server, str) else server.url
    return AsyncConvoso(**{"auth_token": TOKEN, "base_url": url, "timezone": "UTC", **settings})


@contextlib.asynccontextmanager
async def served(*faults: Fault, then: Fault | None = None, **settings: Any) -> AsyncIterator[Any]:
    """A server with these faults, and a client of it."""
    async with FaultServer(faults, then) as server, client_of(server, **settings) as client:
        yield server, client


async def until(condition: Callable[[], object]) -> None:
    """Waits until something is so."""
    for _ in range(5_000):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came")


def no_waiting(patch: pytest.MonkeyPatch) -> None:
    """Makes all pauses between attempts tiny: no test sleeps for real time."""
    patch.setattr(retry, "TRANSIENT_BASE", 0.001)
    patch.setattr(retry, "THROTTLED_BASE", 0.001)
    patch.setattr(retry, "LONGEST_PAUSE", 0.01)
