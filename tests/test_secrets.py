"""A planted token: after every fault it is looked for in all that a program could log, show or store."""

import asyncio
import base64
import html
import json
import logging
import pickle
import reprlib
import socket
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus

import aiohttp
import pytest

from convoso_async import AsyncConvoso, ConfigurationError, ConvosoError, transport
from convoso_async.auth_token import Token
from convoso_async.events import Event
from convoso_async.form import encode

from .fault_server import (
    ENDPOINTS,
    EVERY,
    TOKEN,
    Fault,
    FaultServer,
    Request,
    bomb,
    client_of,
    endless,
    http,
    make,
    no_waiting,
    served,
    status,
)

CALLS = ["leads.search", "leads.insert", "leads.update"]


def aligned(data: bytes) -> Iterator[bytes]:
    """The base64 letters that stand for `data` alone, wherever it lies in a longer text."""
    for before in range(3):
        letters = base64.b64encode(bytes(before) + data)
        yield letters[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]


NEEDLES = {
    TOKEN,
    quote(TOKEN),
    quote(TOKEN, safe=""),
    quote_plus(TOKEN),
    quote_plus(TOKEN).lower(),
    json.dumps(TOKEN)[1:-1],
    html.escape(TOKEN),
    repr(TOKEN.encode())[2:-1],
    TOKEN.encode().decode("latin-1"),
    base64.b64encode(TOKEN.encode()).decode().rstrip("="),
    base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("="),
    *(letters.decode() for letters in aligned(TOKEN.encode())),
    TOKEN.encode().hex(),
    "s3cret-Tok",  # the beginning, which most forms share
}


def leaks(text: str) -> set[str]:
    """The forms of the token in a text."""
    return {needle for needle in NEEDLES if needle in text}


def test_the_search_finds_what_it_should() -> None:
    for shown in (
        TOKEN,
        f"auth_token={quote_plus(TOKEN)}&a=b",
        json.dumps({"t": TOKEN}),
        repr(TOKEN.encode()),
    ):
        assert leaks(f"... {shown} ...")
    for text in (f"auth_token={TOKEN}", f"xx{TOKEN}yy", f"x{TOKEN}"):
        assert leaks(base64.b64encode(text.encode()).decode())
    assert not leaks("auth_token=[auth_token]")


# -- everything that hangs on an error --------------------------------------------------------------


def family(error: BaseException) -> Iterator[BaseException]:
    """An error, its causes, its contexts and the members of its groups."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions


def frames(trace: TracebackType | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The frames of a traceback, from the package and from below it, each with its locals."""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "/tests/" not in name:
            yield name, trace.tb_frame.f_locals
        trace = trace.tb_next


def told_by(error: BaseException) -> Iterator[tuple[str, str]]:
    """Every text that can be had of an error: where it is from, and the text."""
    for each in family(error):
        yield "str", str(each)
        yield "repr", repr(each)
        yield "args", repr(each.args)
        yield "dict", repr(vars(each))
        yield "notes", repr(getattr(each, "__notes__", None))
        for name, values in frames(each.__traceback__):
            for local, value in values.items():
                yield f"{name} {local}", repr(value)
                yield f"{name} {local}, short", reprlib.repr(value)
                for inner, held in getattr(value, "__dict__", {}).items():
                    yield f"{name} {local}.{inner}", repr(held)
    formatted = traceback.TracebackException.from_exception(error, capture_locals=True)
    for line in formatted.format():
        if "/tests/" not in line:
            yield "traceback", line
    if isinstance(error, ConvosoError):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            yield "pickle", pickle.dumps(error, protocol).decode("latin-1")
            yield "pickle, unescaped", pickle.dumps(error, protocol).decode("raw_unicode_escape", "replace")


class Listener(logging.Handler):
    """Keeps every log record as text, with its arguments and its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.told: list[tuple[str, str]] = []
        self.formatter = logging.Formatter("%(name)s %(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append((f"log {record.name}", f"{self.format(record)} {record.args!r} {vars(record)!r}"))
        if record.exc_info and record.exc_info[1]:
            self.told += told_by(record.exc_info[1])


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """Every logger at DEBUG."""
    handler = Listener()
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in ("asyncio", "aiohttp", "aiohttp.client", "aiohttp.internal", "convoso_async"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
        logging.getLogger(name).manager._clear_cache()  # type: ignore[attr-defined]
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


def attentive(listener: Listener) -> None:
    """asyncio's debug mode: every step of the loop counts as slow, and is told of."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0

    def told(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        listener.told.append(("loop", repr(context)))

    loop.set_exception_handler(told)


async def examine(
    listener: Listener, faults: Iterable[Fault], *, timeout: float = 0.05, **settings: Any
) -> list[ConvosoError]:
    """Makes calls against a fault, and fails if the token is found anywhere after it."""
    attentive(listener)
    events: list[Event] = []
    errors: list[ConvosoError] = []
    told: list[tuple[str, str]] = []
    faults = list(faults)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for call in CALLS:
            async with FaultServer(faults, faults[-1]) as server:
                settings = {"max_retries": 1, "on_event": events.append, **settings}
                client = client_of(server, timeout=timeout, deadline=2.0, **settings)
                async with client:
                    try:
                        await make(client, call)
                    except ConvosoError as error:
                        told += told_by(error)
                        errors.append(error)
                told += [("client", repr(client)), ("client", repr(vars(client)))]
    told += listener.told
    told += [("event", repr(event)) for event in events]
    told += [("warning", str(warning)) for warning in caught]
    assert events
    assert listener.told
    found = {(where, text[:2_000]) for where, text in told if leaks(text)}
    assert not found
    return errors


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    no_waiting(monkeypatch)


@pytest.mark.parametrize("fault", EVERY, ids=str)
async def test_no_fault_brings_the_token_out(fault: Fault, listener: Listener) -> None:
    await examine(listener, [fault])


@pytest.mark.parametrize("reply", [bomb(1_000_000), endless], ids=["bomb", "endless"])
async def test_no_large_reply_brings_the_token_out(
    reply: Any, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_BODY", 100_000)
    errors = await examine(listener, [Fault("large", reply=reply)], timeout=2.0)
    assert len(errors) == len(CALLS)


async def test_no_connection_brings_no_token_out(listener: Listener) -> None:
    attentive(listener)
    async with FaultServer() as gone:
        url = gone.url
    for base_url in (url, url.replace("http:", "https:"), "https://name.invalid"):
        async with client_of(base_url, max_retries=1, deadline=1.0) as client:
            with pytest.raises(ConvosoError) as caught:
                await make(client, "leads.insert")
        assert not [text for _, text in (*told_by(caught.value), *listener.told) if leaks(text)]


async def test_a_write_that_fails_brings_no_token_out(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncio's debug mode logs it with all frames, and their locals."""

    def fails(*args: object) -> int:
        raise ConnectionResetError(104, "Connection reset by peer")

    for notes in ("short", "long" * 2_000):
        async with served(max_retries=0) as (_, client):
            attentive(listener)
            with monkeypatch.context() as patch:
                patch.setattr(socket.socket, "send", fails, raising=False)
                patch.setattr(socket.socket, "sendmsg", fails, raising=False)
                with pytest.raises(ConvosoError) as caught:
                    await make(client, "leads.insert", notes=notes)
        assert any("Fatal write error" in text for _, text in listener.told)
        assert not [text for _, text in (*told_by(caught.value), *listener.told) if leaks(text)]


# -- a service that says the token back -------------------------------------------------------------


def written(request: Request) -> dict[str, bytes]:
    """The token, and the whole request, as a reply may repeat them."""
    token = request.form["auth_token"].encode()
    return {
        "body": request.body,
        "token": token,
        "latin": token.decode().encode("latin-1"),
        "json": json.dumps({"error": f"bad token {token.decode()}", "got": request.form}).encode(),
        "php": json.dumps({"success": False, "text": token.decode()}).replace("/", "\\/").encode(),
        "code": json.dumps({"success": False, "code": token.decode()}).encode(),
        "nested": json.dumps({"success": False, "error": {"form": request.form}}).encode(),
        "html": b"<html>" + html.escape(token.decode()).encode() + b"</html>",
        "html of the body": b"<html>" + html.escape(request.body.decode()).encode() + b"</html>",
        "repr": repr(token).encode(),
        "base64": base64.b64encode(token),
        "base64 for URLs": base64.urlsafe_b64encode(token),
        "base64 of the body": base64.b64encode(request.body),
        "base64 of the text": base64.b64encode(b"the token was " + token + b"."),
        "lower": quote(token).lower().encode(),
        "often": (token + b" ") * 400,
        "late": b"x" * 1_990 + token,
    }


ECHOES = list(
    written(
        Request(
            0, 0.0, "", {}, {"auth_token": TOKEN}, b"auth_token=" + quote_plus(TOKEN).encode(), True, False
        )
    )
)
LINES = ["200 OK", "302 Found", "400 Bad", "401 Unauthorized", "404 Not Found", "429 Slow Down", "500 Oops"]


@pytest.mark.parametrize("echo", ECHOES)
async def test_a_reply_that_repeats_the_request_brings_no_token_out(echo: str, listener: Listener) -> None:
    for line in LINES:
        fault = Fault(line, reply=lambda request, line=line: [http(written(request)[echo], line)], end="keep")
        errors = await examine(listener, [fault], max_retries=0)
        assert len(errors) == len(CALLS)
        listener.told.clear()


async def test_a_reply_that_is_cut_within_the_token_brings_no_beginning_of_it_out(listener: Listener) -> None:
    shown = []
    for left in (4, 9, 13, 20):  # 13 is in the middle of a letter

        def reply(request: Request, left: int = left) -> Iterable[bytes]:
            yield http(
                b'{"success": false, "text": "' + request.form["auth_token"].encode()[:left], bare=True
            )

        shown += await examine(listener, [Fault("cut", reply=reply)], timeout=2.0, max_retries=0)
        listener.told.clear()
    assert {'{"success": false, "text": "[auth_token]'} == {error.body for error in shown}


@pytest.mark.parametrize("form", sorted({TOKEN, quote(TOKEN), base64.b64encode(TOKEN.encode()).decode()}))
def test_a_text_that_ends_within_the_token_does_not_show_its_beginning(form: str) -> None:
    token = Token(TOKEN)
    for length in range(4, len(form)):
        assert token.scrub(f"bad token {form[:length]}") == "bad token [auth_token]"
    assert token.scrub(f"bad token {form[:3]}") == f"bad token {form[:3]}"
    assert token.scrub("") == ""


HEADERS: dict[str, bytes] = {
    "header": b"HTTP/1.1 500 Oops\r\nX-Got: %s\r\nContent-Length: 0\r\n\r\n",
    "location": b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:9/%s\r\nContent-Length: 0\r\n\r\n",
    "cookie": b"HTTP/1.1 200 OK\r\nSet-Cookie: t=%s\r\nContent-Length: 0\r\n\r\n",
    "bad cookie": b"HTTP/1.1 200 OK\r\nSet-Cookie: %s;;=%s\r\nContent-Length: 0\r\n\r\n",
    "reason": b"HTTP/1.1 500 %s\r\nContent-Length: 0\r\n\r\n",
    "status line": b"%s\r\n\r\n",
    "status": b"HTTP/1.1 %s\r\n\r\n",
    "header name": b"HTTP/1.1 200 OK\r\n%s\r\n\r\n",
    "header cut": b"HTTP/1.1 200 OK\r\nX-Got: %s\r\n",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
    "encoding": b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: 2\r\n\r\n{}",
    "charset": b"HTTP/1.1 200 OK\r\nContent-Type: a/b; charset=%s\r\nContent-Length: 2\r\n\r\n<>",
    "chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
    "retry": b"HTTP/1.1 429 Slow\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
    "date": b"HTTP/1.1 429 Slow\r\nRetry-After: Mon, 02 Mar 2026 10:00:00 %s\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("place", HEADERS)
async def test_a_header_that_repeats_the_request_brings_no_token_out(place: str, listener: Listener) -> None:
    for echo in ("token", "body", "latin", "repr", "base64 of the body", "often", "late"):

        def reply(request: Request, echo: str = echo) -> Iterable[bytes]:
            token = written(request)[echo]
            yield HEADERS[place].replace(b"%s", token.replace(b"\r", b"").replace(b"\n", b""))

        await examine(listener, [Fault(place, reply=reply)], max_retries=0)
        listener.told.clear()


# -- where it goes ----------------------------------------------------------------------------------


async def test_the_token_is_in_the_body_and_nowhere_else() -> None:
    for call in ENDPOINTS:
        async with served() as (server, client):
            await make(client, call)
        (request,) = server.requests
        assert request.form["auth_token"] == TOKEN
        assert not leaks(request.path)
        assert not leaks(repr(request.headers))


async def came_elsewhere() -> int:
    """How many requests a redirect brings to another address."""
    async with FaultServer() as elsewhere:
        for code in (301, 302, 303, 307, 308):
            there = status(f"{code} Moved", f"Location: {elsewhere.url}/v1/leads/insert")
            async with served(then=there) as (_, client):
                for call in CALLS:
                    with suppress(ConvosoError):
                        await make(client, call)
        return elsewhere.touched


async def test_no_redirect_takes_the_token_along(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await came_elsewhere() == 0
    # And the test would see it: without that one argument, it goes out.
    post = aiohttp.ClientSession.post
    monkeypatch.setattr(
        aiohttp.ClientSession,
        "post",
        lambda self, url, **kwargs: post(self, url, **{**kwargs, "allow_redirects": True}),
    )
    assert await came_elsewhere() > 0


# -- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://someone@api.example.org/v1",
        "https://someone:pa55word@api.example.org/v1",
        "https://:pa55word@api.example.org",
        "https://@api.example.org",
        f"https://{quote(TOKEN, safe='')}@api.example.org",
    ],
)
def test_a_base_url_with_userinfo_is_refused_and_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for given in (True, False):
        monkeypatch.setenv("CONVOSO_BASE_URL", url)
        with pytest.raises(ConfigurationError) as caught:
            AsyncConvoso(TOKEN, base_url=url if given else None)
        told = f"{caught.value} {caught.value!r} {vars(caught.value)}"
        assert "pa55word" not in told
        assert "someone" not in told
        assert not leaks(told)


async def test_the_password_of_a_proxy_is_not_shown() -> None:
    client = AsyncConvoso(TOKEN, proxy="http://someone:pa55word@xn--\u00fc.example.org")
    async with client:
        with pytest.raises(ConfigurationError, match="InvalidURL of the base_url or the proxy") as caught:
            await make(client, "leads.insert")
    assert not [text for _, text in told_by(caught.value) if "pa55word" in text]


@pytest.mark.parametrize(
    "url",
    ["http://api.example.org", "ftp://127.0.0.1", "http://127.0.0.1.example.org", "//x", "x", "https://"],
)
def test_only_https_and_this_machine(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AsyncConvoso(TOKEN, base_url=url)
    assert not [text for _, text in told_by(caught.value) if leaks(text)]


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("https://api.example.org/v1", True),
        ("https://convoso.com.example.org", True),
        ("https://notconvoso.com", True),
        ("https://api.convoso.com/v1", False),
        ("https://other.convoso.com/v2", False),
        ("http://127.0.0.1:8080", False),
    ],
)
def test_a_strange_base_url_of_the_environment_is_warned_of(
    url: str, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVOSO_BASE_URL", url)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        AsyncConvoso(TOKEN)
        AsyncConvoso(TOKEN, base_url="https://api.example.org/v1")  # the program's own choice
    assert len(caught) == int(warned)
    assert not leaks(str([str(each) for each in caught]))
    if warned:
        assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "value", [TOKEN + "\n", " " + TOKEN, f"{TOKEN}\x00{TOKEN}", b"s3cret-Tok", "", "  ", 7]
)
def test_a_token_that_cannot_be_one_is_not_shown(value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AsyncConvoso(value)
    assert not [text for _, text in told_by(caught.value) if leaks(text)]


async def test_parameters_that_are_refused_do_not_bring_the_token_out() -> None:
    async with served() as (server, client):
        for values in (
            {"nonsense": 1},
            {"phone_number": 7},
            {"first_name": "\ud800"},
            {"fields": {"auth_token": "x"}},
        ):
            with pytest.raises((TypeError, ValueError)) as caught:
                await make(client, "leads.insert", **values)
            assert not [text for _, text in told_by(caught.value) if leaks(text)]
        assert server.connections == 0


def test_a_form_on_its_way_shows_its_size_only() -> None:
    """aiohttp keeps it in the locals of frames that fail, and writes what it holds through others."""
    sent = transport.SentBody(encode([("a", "b")], Token(TOKEN)))
    for shown in (repr(sent), repr(sent._value), repr(vars(sent)), repr(sent._value[:50])):
        assert not leaks(shown)
    assert repr(sent).startswith("<form of ")


def test_a_client_cannot_be_pickled() -> None:
    client = AsyncConvoso(TOKEN)
    for thing in (client, client._settings, client._settings.token):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
