"""Whatever a request holds: it is taken, or refused like all others, and nothing of it is told."""

import logging
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from convoso_async.connect import ConnectEvent, Receiver

SECRET = "blue-heron-7"
CAP = 200
NOT_FOUND = (404, b"Not Found\n")
TAKEN = (200, b'{"success": true}')

names = st.sampled_from(
    [b"X-Connect-Secret", b"x-connect-secret", b"Content-Type", b"content-length", b"Content-Encoding"]
)
headers = st.lists(
    st.tuples(names | st.binary(), st.sampled_from([SECRET.encode(), b"", b"7", b"1_0"]) | st.binary())
)
bodies = st.binary(max_size=2 * CAP) | st.sampled_from(
    [b"a=1", b'{"a": 1}', b"%7B%7D", b"x" * CAP, b"x=" * CAP]
)
methods = st.sampled_from(["POST", "POST", "POST", "GET", "post", "", "\u0661"])


class Wire:
    """Gives a body in pieces, and counts what was taken of it."""

    def __init__(self, body: bytes, piece: int) -> None:
        self.left, self.piece, self.taken = body, piece, 0

    def next(self) -> bytes:
        piece, self.left = self.left[: self.piece], self.left[self.piece :]
        self.taken += len(piece)
        return piece


def receiver(events: list[ConnectEvent]) -> Receiver:
    return Receiver(SECRET, events.append, query="key", path=True, max_bytes=CAP, drop_repeats_for=0)


def check(answer: tuple[int, bytes], wire: Wire, events: list[ConnectEvent]) -> None:
    assert answer in (NOT_FOUND, TAKEN)
    assert (answer == TAKEN) == bool(events)
    assert wire.taken <= CAP + wire.piece


@pytest.fixture
def silent(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "convoso_async")
    return caplog


@given(
    methods,
    headers,
    bodies,
    st.binary() | st.just(b"key=" + SECRET.encode()),
    st.none() | st.binary() | st.just(b"/" + SECRET.encode()),
    st.integers(1, CAP),
)
@example("POST", [(b"X-Connect-Secret", SECRET.encode())], b"a=1", b"", b"", 1)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_asgi(
    silent: pytest.LogCaptureFixture,
    method: str,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    query: bytes,
    path: bytes | None,
    piece: int,
) -> None:
    events: list[ConnectEvent] = []
    wire = Wire(body, piece)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": wire.next(), "more_body": bool(wire.left)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "headers": headers, "query_string": query, "raw_path": path}
    silent.clear()
    await receiver(events).asgi(scope | {"path": "/x\udc80"}, receive, send)
    check((sent[0]["status"], sent[1]["body"]), wire, events)
    assert_silent(silent)


@given(
    methods,
    st.dictionaries(
        st.sampled_from(
            ["HTTP_X_CONNECT_SECRET", "CONTENT_TYPE", "CONTENT_LENGTH", "QUERY_STRING", "PATH_INFO"]
        )
        | st.sampled_from(["SCRIPT_NAME", "HTTP_CONTENT_ENCODING", "wsgi.input_terminated"]),
        st.sampled_from([SECRET, f"key={SECRET}", f"/{SECRET}", "", "7", "²"]) | st.text(),
    ),
    bodies,
)
@example("POST", {"HTTP_X_CONNECT_SECRET": SECRET, "CONTENT_LENGTH": "3"}, b"a=1")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wsgi(silent: pytest.LogCaptureFixture, method: str, environ: dict[str, Any], body: bytes) -> None:
    events: list[ConnectEvent] = []
    wire = Wire(body, len(body))
    source = BytesIO(body)

    class Input:
        def read(self, size: int) -> bytes:
            piece = source.read(min(size, CAP))
            wire.taken += len(piece)
            return piece

    wire.piece = CAP
    statuses: list[str] = []
    given: Any = {"REQUEST_METHOD": method, "wsgi.input": Input(), **environ}
    silent.clear()
    answer = receiver(events).wsgi(given, lambda status, headers, exc_info=None: statuses.append(status))  # type: ignore[arg-type, func-returns-value, return-value]
    check((int(statuses[0][:3]), b"".join(answer)), wire, events)
    assert_silent(silent)


def assert_silent(log: pytest.LogCaptureFixture) -> None:
    """Only fixed texts."""
    parts = ("secret", "method", "content type", "content encoding", "length", "body")
    known = {f"a request was refused because of its {part}" for part in parts}
    messages = {record.getMessage() for record in log.records if record.name.startswith("convoso_async")}
    assert messages <= known | {"a request was refused because of a body that breaks off"}


@given(st.lists(st.binary(), max_size=6), st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_bytes_on_the_wire(raw_server: Any, lines: list[bytes], body: bytes) -> None:
    """The server may refuse what is no HTTP by itself; the receiver never fails."""
    head = [b"POST /connect HTTP/1.1", b"Host: x", b"X-Connect-Secret: " + SECRET.encode()]
    head += [b"X: " + line.replace(b"\r", b"").replace(b"\n", b"") for line in lines]
    head += [b"Content-Length: %d" % len(body), b"Connection: close"]
    status, _, answer = raw_server.raw(b"\r\n".join(head) + b"\r\n\r\n" + body)
    assert status == 400 or (status, answer) in (NOT_FOUND, TAKEN)


@pytest.fixture(params=["aiohttp", "asgi"])
def raw_server(request: pytest.FixtureRequest, servers: Any) -> Any:
    with servers(request.param, secret=SECRET) as server:
        yield server
