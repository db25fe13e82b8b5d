"""Receivers on real servers: what they take, what they refuse, and what they tell."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from convoso_async import ConfigurationError
from convoso_async.connect import (
    ConnectEvent,
    Receiver,
    parse,
    receiver as receiver_module,
    secret as secret_module,
)

Serve = Callable[..., AbstractContextManager[Any]]
SECRET = "blue-heron-7"
NOT_FOUND = (404, b"Not Found\n")
TAKEN = (200, b'{"success": true}')
FAILED = (500, b'{"success": false}')
BODY = b'{"call_log_id": "5520981", "status": "SALE"}'


def numbered(number: int) -> bytes:
    return json.dumps({"call_log_id": str(number)}).encode()


# -- what is taken ----------------------------------------------------------------------------------


def test_an_event_in_each_form(serve: Serve, payload: dict[str, Any]) -> None:
    taken: list[ConnectEvent] = []
    with serve(on_event=taken.append) as server:
        assert server.send(json.dumps(payload).encode()) == TAKEN
        form = urlencode(payload).encode()
        assert server.send(form, content_type="application/x-www-form-urlencoded") == TAKEN
        assert server.send(form + b"&", content_type=None) == TAKEN
        pieces = iter([form[:10], form[10:], b"&"] + [b"&"] * 3)
        assert server.send(pieces, content_type="text/plain; charset=utf-8") == TAKEN
    assert taken == [parse(json.dumps(payload))] * 4


def test_settings_reach_the_parser(serve: Serve) -> None:
    taken: list[ConnectEvent] = []
    settings = {"names": {"crm_call": "call_log_id"}, "timezone": "Europe/Vienna"}
    with serve(on_event=taken.append, **settings) as server:
        assert server.send(b"crm_call=7&call_date=2025-07-14 10:05:00") == TAKEN
    (event,) = taken
    assert event.call_log_id == "7"
    assert event.call_date is not None
    assert event.call_date.isoformat() == "2025-07-14T10:05:00+02:00"


def test_the_zone_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOSO_TIMEZONE", "Europe/Vienna")
    assert str(Receiver(SECRET, print)._zone) == "Europe/Vienna"


# -- the secret -------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["hush", "a b", "schlüssel", "秘密", "Bearer x.y=="])
def test_the_secret_in_a_header(serve: Serve, secret: str) -> None:
    with serve(secret=secret, drop_repeats_for=0) as server:
        assert server.send(BODY, secret=secret) == TAKEN
        wrong = secret.encode()
        for presented in (
            *(None, "", " ", secret[:-1], secret + "x", secret.upper() + "1", "x" * 5_000),
            *(wrong[:-1] + bytes([wrong[-1] ^ 1]), "é".encode(), "é".encode("latin-1"), b"\x80"),
        ):
            assert server.send(BODY, secret=presented) == NOT_FOUND, presented
        assert server.send(BODY, secret=None, path=f"/connect?{quote(secret)}={quote(secret)}") == NOT_FOUND
        assert server.send(BODY, secret=None, path=f"/connect/{quote(secret)}") == NOT_FOUND


def test_the_header_has_the_name_that_you_give_it(serve: Serve) -> None:
    with serve(secret="Bearer hush", header="Authorization") as server:
        assert server.send(BODY, secret=None, headers={"authorization": "Bearer hush"}) == TAKEN
        assert server.send(BODY, secret="Bearer hush") == NOT_FOUND


@pytest.mark.parametrize("secret", ["hush", "a+b c&d=e", "schlüssel"])
def test_the_secret_in_the_query(serve: Serve, secret: str) -> None:
    with serve(secret=secret, header=None, query="api key", drop_repeats_for=0) as server:
        good = urlencode({"api key": secret})
        for query in (good, f"x=1&{good}&y", good.replace("+", "%20")):
            assert server.send(BODY, secret=None, path=f"/connect?{query}") == TAKEN, query
        for query in ("", "api+key", "api+key=", f"{good}x", f"{good}&{good}", "x=1"):
            assert server.send(BODY, secret=secret, path=f"/connect?{query}") == NOT_FOUND, query
        assert server.send(BODY + urlencode({"api key": secret}).encode(), secret=None) == NOT_FOUND


@pytest.mark.parametrize("secret", ["hush", "a b+c", "schlüssel", "100%"])
def test_the_secret_in_the_path(serve: Serve, secret: str) -> None:
    with serve(secret=secret, header=None, path=True, drop_repeats_for=0) as server:
        for path in (quote(secret), f"{quote(secret)}/", f"x/{quote(secret)}?y=1"):
            assert server.send(BODY, secret=None, path=f"/connect/{path}") == TAKEN, path
        for path in ("", "x", f"{quote(secret)}x", f"{quote(secret)}/x", f"?{quote(secret)}"):
            assert server.send(BODY, secret=secret, path=f"/connect/{path}") == NOT_FOUND, path


def test_any_of_several_places_will_do(serve: Serve) -> None:
    with serve(query="key", path=True, drop_repeats_for=0) as server:
        assert server.send(BODY) == TAKEN
        assert server.send(BODY, secret=None, path=f"/connect?key={SECRET}") == TAKEN
        assert server.send(BODY, secret=None, path=f"/connect/{SECRET}") == TAKEN
        assert server.send(BODY, secret=None) == NOT_FOUND


def test_both_secrets_work_while_both_are_set(serve: Serve) -> None:
    with serve(previous_secret="grey-heron-6", drop_repeats_for=0) as server:
        assert server.send(BODY) == TAKEN
        assert server.send(BODY, secret="grey-heron-6") == TAKEN
        assert server.send(BODY, secret="grey-heron-7") == NOT_FOUND
    with serve(drop_repeats_for=0) as server:
        assert server.send(BODY, secret="grey-heron-6") == NOT_FOUND


@pytest.mark.parametrize("previous", [None, "grey-heron-6"])
def test_every_secret_is_compared_in_the_same_way(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, previous: str | None
) -> None:
    """The time is that of the comparisons: always as many, always of as many bytes, whatever is presented."""
    compared: list[tuple[type, int, type, int]] = []

    def spied(one: bytes, other: bytes) -> bool:
        compared.append((type(one), len(one), type(other), len(other)))
        return real(one, other)

    real = secret_module.compare_digest
    monkeypatch.setattr(secret_module, "compare_digest", spied)
    with serve(previous_secret=previous, drop_repeats_for=0) as server:
        presented = [SECRET, "blue-heron-8", "", None, "é", b"\xff", "x" * 4_000, "grey-heron-6"]
        counts = []
        for each in presented:
            compared.clear()
            server.send(BODY, secret=each)
            counts.append(list(compared))
    assert counts == [[(bytes, 64, bytes, 64)] * 2] * len(presented)


def test_the_secret_comes_first(serve: Serve) -> None:
    """A request without it is answered before its body is read, and before anything else is looked at."""
    with serve() as server:
        request = b"POST /connect HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n"
        assert server.raw(request)[0] == 404
        for method in ("GET", "PUT", "DELETE", "OPTIONS"):
            assert server.send(BODY, secret="x", method=method) == NOT_FOUND


def test_a_header_that_comes_twice_is_no_secret(serve: Serve) -> None:
    line = f"X-Connect-Secret: {SECRET}\r\n".encode()
    head = b"POST /connect HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n" % len(BODY)
    with serve() as server:
        assert server.raw(head + line + b"\r\n" + BODY)[0] == 200
        assert server.raw(head + line + line + b"\r\n" + BODY)[0] == 404


@pytest.mark.parametrize("header", ["Content-Encoding: gzip", "Content-Type: text/html"])
async def test_a_header_that_comes_twice_hides_nothing(header: str) -> None:
    name, _, value = header.lower().encode().partition(b": ")
    secret = (b"x-connect-secret", SECRET.encode())
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [secret, (name, value), (name, value)]}
    sent = await asgi(Receiver(SECRET, print), scope, {"type": "http.request", "body": BODY})
    assert sent[0]["status"] == 404


@pytest.mark.parametrize(
    "settings",
    [
        {"secret": ""},
        {"secret": "  "},
        {"secret": " hush"},
        {"secret": "hush\n"},
        {"secret": "hu\0sh"},
        {"secret": "\ud800"},
        {"secret": None},
        {"secret": b"hush"},
        {"secret": "a|b"},
        {"previous_secret": ""},
        {"previous_secret": "a|b"},
        {"header": None},
        {"header": ""},
        {"secret": "a/b", "header": None, "path": True},
        {"on_event": None},
        {"max_bytes": 0},
        {"max_bytes": True},
        {"drop_repeats_for": -1},
        {"timezone": "Mars/Olympus"},
    ],
)
def test_settings_that_are_impossible(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Receiver(**{"secret": "hush-hush", "on_event": print} | settings)
    given = settings.get("secret") or settings.get("previous_secret")
    if isinstance(given, str) and given.strip():
        assert given not in str(caught.value)


def test_names_that_are_not_documented() -> None:
    with pytest.raises(ValueError, match="call_log_id"):
        Receiver(SECRET, print, names={"crm_call": "call_logid"})


def test_the_secret_is_not_shown_or_kept() -> None:
    receiver = Receiver(SECRET, print, previous_secret="grey-heron-6")
    assert repr(receiver) == "<Receiver>"
    kept = repr([vars(receiver), vars(receiver._secrets)])
    assert SECRET not in kept
    assert "grey-heron-6" not in kept


# -- the other checks -------------------------------------------------------------------------------


def test_what_is_refused(serve: Serve) -> None:
    taken: list[ConnectEvent] = []
    with serve(on_event=taken.append, max_bytes=100) as server:
        for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert server.send(BODY, method=method) == NOT_FOUND
        assert server.send(b"", method="HEAD") == (404, b"")
        for content_type in ("multipart/form-data; boundary=x", "text/html", "application/octet-stream"):
            assert server.send(BODY, content_type=content_type) == NOT_FOUND
        for coding in ("gzip", "deflate", "x"):
            assert server.send(BODY, headers={"Content-Encoding": coding}) == NOT_FOUND
        for body in (b"", b" ", b"[]", b"null", b'{"a":', b"status"):
            assert server.send(body) == NOT_FOUND
        assert taken == []
        assert server.send(BODY) == TAKEN


def test_bodies_up_to_the_cap(serve: Serve) -> None:
    with serve(max_bytes=100) as server:
        fits = b"status=" + b"x" * 93
        assert server.send(fits) == TAKEN
        assert server.send(fits + b"x") == NOT_FOUND
        assert server.send(iter([fits[:50], fits[50:] + b""])) == TAKEN
        assert server.send(iter([fits, b"x"])) == NOT_FOUND


def test_an_announced_length_is_enough_to_refuse(serve: Serve) -> None:
    """A body above the cap is refused before a byte of it has come."""
    head = (
        f"POST /connect HTTP/1.1\r\nHost: x\r\nX-Connect-Secret: {SECRET}\r\nConnection: close\r\n".encode()
    )
    with serve(max_bytes=100) as server:
        assert server.raw(head + b"Content-Length: 101\r\n\r\n")[0] == 404


def test_an_endless_body_is_cut_off(serve: Serve) -> None:
    """Never more than the cap is kept: the sender hears no before it is done."""

    def endless() -> Iterator[bytes]:
        while not over:
            yield b"x" * 4_096

    over: list[object] = []
    with serve(max_bytes=10_000) as server:
        answers: list[Any] = []

        def send() -> None:
            try:
                answers.append(server.send(endless()))
            except OSError as error:  # the server has hung up while the client was writing
                answers.append(error)

        sender = threading.Thread(target=send)
        sender.start()
        sender.join(0.5)
        over.append(True)
        sender.join()
    assert answers == [NOT_FOUND] or isinstance(answers[0], OSError)


def test_a_body_that_breaks_off_is_no_event(serve: Serve) -> None:
    taken: list[ConnectEvent] = []
    head = f"POST /connect HTTP/1.1\r\nHost: x\r\nX-Connect-Secret: {SECRET}\r\n".encode()
    with serve(on_event=taken.append) as server:
        server.hang_up(head + b"Content-Length: 30\r\n\r\nstatus=SALE&")
        server.hang_up(head + b"Transfer-Encoding: chunked\r\n\r\n20\r\nstatus=SALE&")
        assert server.send(BODY) == TAKEN
    assert [event.call_log_id for event in taken] == ["5520981"]


# -- handing over -----------------------------------------------------------------------------------


def test_the_answer_waits_for_the_handler(serve: Serve, request: pytest.FixtureRequest) -> None:
    done: list[str | None] = []

    def plainly(event: ConnectEvent) -> None:
        done.append(event.call_log_id)

    async def slowly(event: ConnectEvent) -> None:
        import asyncio

        await asyncio.sleep(0)
        done.append(event.call_log_id)

    for number, handler in enumerate((plainly, slowly)):
        if handler is slowly and "wsgi" in request.node.name:
            continue
        with serve(on_event=handler) as server:
            assert server.send(numbered(7 + number)) == TAKEN
            assert done[-1] == str(7 + number)


def test_a_handler_that_fails(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    taken: list[ConnectEvent] = []

    def handle(event: ConnectEvent) -> None:
        taken.append(event)
        if len(taken) < 3:
            raise LookupError(f"no place for {event.status}")

    with serve(on_event=handle) as server:
        assert [server.send(BODY) for _ in range(4)] == [FAILED, FAILED, TAKEN, TAKEN]
    assert len(taken) == 3
    messages = [record.getMessage() for record in caplog.records if record.name == "convoso_async.connect"]
    line = handle.__code__.co_firstlineno + 3
    assert messages == [f"on_event raised LookupError in {__file__}:{line}"] * 2
    assert "SALE" not in caplog.text


def test_a_predicate_that_fails(serve: Serve) -> None:
    taken: list[ConnectEvent] = []
    with serve(on_event=taken.append, never_drop=lambda event: 1 / 0) as server:
        assert server.send(BODY) == FAILED
    assert taken == []


@pytest.mark.filterwarnings("error")
def test_a_coroutine_function_in_a_wsgi_app(caplog: pytest.LogCaptureFixture) -> None:
    async def handle(event: ConnectEvent) -> None: ...

    class Awaitable:
        def __await__(self) -> Iterator[None]:
            yield

    for handler in (handle, lambda event: Awaitable()):
        caplog.clear()
        assert wsgi(Receiver(SECRET, handler), BODY) == "500 Internal Server Error"
        assert "must be a plain function" in caplog.text


def wsgi(receiver: Receiver, body: bytes, **changes: Any) -> str:
    """The status of a WSGI app's answer to a request made by hand."""
    from io import BytesIO

    environ = {
        "REQUEST_METHOD": "POST",
        "HTTP_X_CONNECT_SECRET": SECRET,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    statuses: list[str] = []
    list(receiver.wsgi(environ | changes, lambda status, headers, exc_info=None: statuses.append(status)))  # type: ignore[arg-type, func-returns-value, return-value]
    return statuses[0]


def test_wsgi_servers_with_little_to_say() -> None:
    receiver = Receiver(SECRET, print, drop_repeats_for=0)
    assert wsgi(receiver, BODY) == "200 OK"
    for length in ("", "0", "x", "-1", "1.0", "٣", "9" * 30, "1000"):
        assert wsgi(receiver, BODY, CONTENT_LENGTH=length) == "404 Not Found"
    # A stream that ends by itself needs no length.
    assert wsgi(receiver, BODY, CONTENT_LENGTH="", **{"wsgi.input_terminated": True}) == "200 OK"

    class Broken:
        def read(self, size: int) -> bytes:
            raise RuntimeError("the client has left")

    assert wsgi(receiver, BODY, **{"wsgi.input": Broken()}) == "404 Not Found"


async def asgi(receiver: Receiver, scope: dict[str, Any], *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """What an ASGI app sends after these messages."""
    sent: list[dict[str, Any]] = []
    coming = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(coming)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await receiver.asgi(scope, receive, send)
    return sent


async def test_asgi_servers_with_little_to_say() -> None:
    receiver = Receiver(SECRET, print, path=True, header=None, drop_repeats_for=0)
    scope = {"type": "http", "method": "POST", "path": f"/x/{SECRET}", "headers": []}
    whole = [{"type": "http.request", "body": BODY}]
    assert (await asgi(receiver, scope, *whole))[0]["status"] == 200
    assert (await asgi(receiver, scope | {"raw_path": b"/x"}, *whole))[0]["status"] == 404
    pieces = [{"type": "http.request", "more_body": True}, *whole]
    assert (await asgi(receiver, scope, *pieces))[0]["status"] == 200
    left = [{"type": "http.request", "body": BODY, "more_body": True}, {"type": "http.disconnect"}]
    assert (await asgi(receiver, scope, *left))[0]["status"] == 404
    assert await asgi(receiver, {"type": "websocket"}) == [{"type": "websocket.close"}]


# -- repeats ----------------------------------------------------------------------------------------


def test_repeats_are_dropped_for_a_while(serve: Serve) -> None:
    taken: list[str | None] = []
    now = [0.0]
    settings: dict[str, Any] = {"drop_repeats_for": 60, "clock": lambda: now[0]}
    with serve(on_event=lambda event: taken.append(event.call_log_id), **settings) as server:
        for at, body in [(0, 1), (0, 2), (30, 1), (59.9, 2), (60, 1), (119, 1), (119, 2), (121, 1)]:
            now[0] = at
            assert server.send(numbered(body)) == TAKEN
    assert taken == ["1", "2", "1", "2", "1"]


def test_some_events_are_never_dropped(serve: Serve) -> None:
    taken: list[ConnectEvent] = []
    with serve(on_event=taken.append, never_drop=lambda event: event.call_log_id is None) as server:
        for body in (b"status=NI", BODY) * 2:
            assert server.send(body) == TAKEN
    assert [event.status for event in taken] == ["NI", "SALE", "NI"]


def test_dropping_can_be_turned_off(serve: Serve) -> None:
    taken: list[ConnectEvent] = []
    with serve(on_event=taken.append, drop_repeats_for=0) as server:
        assert [server.send(BODY) for _ in range(3)] == [TAKEN] * 3
    assert len(taken) == 3


@pytest.mark.parametrize("fails", [False, True])
def test_a_repeat_waits_for_the_first(serve: Serve, request: pytest.FixtureRequest, fails: bool) -> None:
    """Yes is said only when the event was handed over, by the first or, if that failed, by the repeat."""
    began, go_on = threading.Event(), threading.Event()
    runs: list[ConnectEvent] = []

    def handle(event: ConnectEvent) -> None:
        runs.append(event)
        if len(runs) == 1:
            began.set()
            assert go_on.wait(10)
            if fails:
                raise OSError

    async def handle_in_a_thread(event: ConnectEvent) -> None:
        import asyncio

        await asyncio.to_thread(handle, event)

    handler = handle if "wsgi" in request.node.name else handle_in_a_thread
    answers: dict[str, object] = {}
    with serve(on_event=handler) as server:
        first = threading.Thread(target=lambda: answers.update(first=server.send(BODY)))
        repeat = threading.Thread(target=lambda: answers.update(repeat=server.send(BODY)))
        first.start()
        assert began.wait(10)
        repeat.start()
        repeat.join(0.2)
        assert "repeat" not in answers
        go_on.set()
        first.join()
        repeat.join()
    assert answers == {"first": FAILED if fails else TAKEN, "repeat": TAKEN}
    assert len(runs) == 1 + fails


# -- nothing is told --------------------------------------------------------------------------------


def test_logs_hold_reasons_and_no_values(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    planted = "osprey-nest"
    with caplog.at_level(logging.DEBUG, "convoso_async"), serve(max_bytes=1_000) as server:
        server.send(BODY, secret=planted)
        server.send(planted.encode(), path=f"/connect?x={planted}")
        server.send(BODY, content_type=f"text/{planted}")
        server.send(BODY, headers={"Content-Encoding": planted})
        server.send(planted.encode() * 1_000)
        server.send(BODY, method="PUT", headers={"X-Other": planted})
    messages = [record.getMessage() for record in caplog.records if record.name == "convoso_async.connect"]
    assert messages == [
        f"a request was refused because of its {part}"
        for part in ("secret", "body", "content type", "content encoding", "length", "method")
    ]
    for record in caplog.records:
        assert planted not in record.getMessage()
        assert SECRET not in record.getMessage()


def test_every_refusal_looks_the_same(serve: Serve) -> None:
    def answer(head: str, body: bytes = BODY) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        begin = "POST /connect HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        text = f"{begin}Content-Length: {len(body)}\r\n{head}\r\n"
        status, headers, answered = server.raw(text.encode() + body)
        return status, tuple(header for header in headers if header[0].lower() != "date"), answered

    with serve(max_bytes=1_000) as server:
        good = f"X-Connect-Secret: {SECRET}\r\n"
        answers = {
            answer(""),
            answer("X-Connect-Secret: x\r\n"),
            answer(good + "Content-Type: text/html\r\n"),
            answer(good, b"x"),
            answer(good, b"x" * 1_001),
        }
    ((status, _, body),) = answers
    assert (status, body) == NOT_FOUND


def test_the_log_is_below_that_of_the_package() -> None:
    assert receiver_module.LOG.name == "convoso_async.connect"
    assert time.monotonic  # the clock that repeats are timed by
