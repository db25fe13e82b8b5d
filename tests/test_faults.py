"""Every call against every fault, on raw sockets: how often it arrives, and what its error says of that.

The fault server's log is the judge. The tests of one fault make all 37 calls at the same time.
"""

import asyncio
import json
import random
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
from aioresponses import aioresponses

from convoso_async import (
    AsyncConvoso,
    AuthenticationError,
    ConfigurationError,
    ConvosoConnectionError,
    ConvosoError,
    ConvosoHTTPError,
    ConvosoTimeoutError,
    DuplicateError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    ReplyError,
    ServerError,
    transport,
)
from convoso_async.endpoint import Retry
from convoso_async.errors import Outcome

from .fault_server import (
    BROKEN,
    ENDPOINTS,
    FAILING,
    IDEMPOTENTS,
    READS,
    REFUSING,
    SILENT,
    THROTTLING,
    UNREADABLE_SUCCESS,
    UNSAFES,
    URGENT,
    Fault,
    FaultServer,
    Request,
    bomb,
    client_of,
    endless,
    fine,
    good_body,
    http,
    make,
    no_waiting,
    refusal,
    served,
    status,
)

STALLED = 0.7
"""Seconds for an attempt that meets a stall. All 37 calls share the machine meanwhile."""
T = TypeVar("T")
UNHURRIED = [call for call in ENDPOINTS if call not in URGENT]
LATE = 0.2
"""Seconds by which a call may outlive its deadline."""

each_unclear = pytest.mark.parametrize("fault", [*SILENT, *BROKEN, *FAILING], ids=str)
each_throttling = pytest.mark.parametrize("fault", THROTTLING, ids=str)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    no_waiting(monkeypatch)


class Tried:
    """What became of one call: its result or error, and the server's log."""

    def __init__(self, call: str, server: FaultServer, got: object) -> None:
        self.call = call
        self.retry = ENDPOINTS[call].retry
        self.server = server
        self.got = got

    @property
    def error(self) -> ConvosoError:
        """The error that it raised."""
        assert isinstance(self.got, ConvosoError), (self.call, self.got)
        return self.got

    def __repr__(self) -> str:
        outcome = self.got.outcome if isinstance(self.got, ConvosoError) else ""
        return f"{self.call} {self.got!r} {outcome} {self.server.arrived} came, {self.server.applied} applied"


async def attempt(
    calls: Iterable[str], *faults: Fault, then: Fault | None = None, **settings: Any
) -> list[Tried]:
    """Makes each call against a server of its own, all at once, and checks what holds for any call."""

    async def one(call: str) -> Tried:
        stalls = any(fault.end == "stall" for fault in (*faults, then) if fault is not None)
        limits = {"timeout": STALLED if stalls else 20.0, "deadline": 40.0}
        async with served(*faults, then=then, **{**limits, **settings}) as (server, client):
            try:
                got: object = await make(client, call)
            except ConvosoError as error:
                got = error
            tried = Tried(call, server, got)
        truthful(tried)
        return tried

    return await together(map(one, calls))


async def together(work: Iterable[Awaitable[T]]) -> list[T]:
    """The results, all of them awaited before the first error is raised."""
    got = await asyncio.gather(*work, return_exceptions=True)
    for error in got:
        if isinstance(error, BaseException):
            raise error
    return [result for result in got if not isinstance(result, BaseException)]


def truthful(tried: Tried) -> None:
    """Fails where an error says of its request what the server's log contradicts."""
    if not isinstance(tried.got, ConvosoError):
        return
    error, server = tried.got, tried.server
    assert error.endpoint == tried.call
    assert error.attempts >= 1
    if error.outcome == "not_sent":
        assert not server.requests, tried
    if error.outcome == "rejected":
        assert not server.applied, tried
    if error.outcome == "applied":
        assert server.applied, tried
    if tried.retry is Retry.UNSAFE:
        may_be_done = error.outcome in ("unknown", "applied")
        assert may_be_done is isinstance(error, OutcomeUnknownError), tried


# -- a fault, and then the service is well ----------------------------------------------------------


@each_unclear
async def test_an_unsafe_write_that_may_have_arrived_is_not_sent_again(fault: Fault) -> None:
    for tried in await attempt(UNSAFES, fault):
        if fault.at == "accept" and not isinstance(tried.got, ConvosoError):
            assert (tried.server.arrived, tried.server.applied) == (1, 1), tried
            continue  # the connection was gone before anything was written
        error = tried.error
        assert isinstance(error, OutcomeUnknownError), tried
        assert (error.outcome, error.attempts) == ("unknown", 1), tried
        assert tried.server.connections == 1, tried
        assert tried.server.applied == int(fault.apply), tried


@each_unclear
async def test_reads_and_repeatable_writes_survive_two_faults_in_a_row(fault: Fault) -> None:
    for tried in await attempt([*READS, *IDEMPOTENTS], fault, fault):
        assert not isinstance(tried.got, ConvosoError), tried
        assert tried.server.requests[-1].applied, tried


@each_throttling
async def test_every_call_is_sent_again_after_a_429(fault: Fault) -> None:
    for tried in await attempt(ENDPOINTS, fault, fault):
        assert not isinstance(tried.got, ConvosoError), tried
        assert (tried.server.arrived, tried.server.applied) == (3, 1), tried


@pytest.mark.parametrize("fault", UNREADABLE_SUCCESS, ids=str)
async def test_a_success_that_cannot_be_read_is_applied_and_never_sent_again(fault: Fault) -> None:
    for tried in await attempt([*UNSAFES, *IDEMPOTENTS], fault):
        reason = tried.error.reason if isinstance(tried.error, OutcomeUnknownError) else type(tried.error)
        assert reason is ReplyError, tried
        assert isinstance(tried.error, OutcomeUnknownError) is (tried.call in UNSAFES), tried
        assert (tried.error.outcome, tried.error.attempts) == ("applied", 1), tried
        assert (tried.server.arrived, tried.server.applied) == (1, 1), tried
    for tried in await attempt(READS, fault, fault):
        assert not isinstance(tried.got, ConvosoError), tried


@pytest.mark.parametrize("fault", REFUSING, ids=str)
async def test_a_refusal_is_final(fault: Fault) -> None:
    for tried in await attempt(ENDPOINTS, fault):
        assert isinstance(tried.error, ConvosoError)
        assert (tried.error.outcome, tried.error.attempts) == ("rejected", 1), tried
        assert (tried.server.arrived, tried.server.applied) == (1, 0), tried


# -- the same fault to the end ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reads", "outcome"),
    [
        (Fault("accepted and closed", at="accept"), ConvosoConnectionError, "unknown"),
        (Fault("reset before reading", at="data", end="reset"), ConvosoConnectionError, "unknown"),
        (Fault("reset after applying", apply=True, end="reset"), ConvosoConnectionError, "unknown"),
        (Fault("stall after applying", apply=True, end="stall"), ConvosoTimeoutError, "unknown"),
        (Fault("status line cut", reply=b"HTTP/1.1 20"), ConvosoConnectionError, "unknown"),
        (Fault("garbage", reply=b"\x16\x03 garbage\r\n\r\n"), ReplyError, "unknown"),
        (Fault("headers", reply=http(b"{}", "200 OK", "X-Large: " + "x" * 70_000)), ReplyError, "unknown"),
        (Fault("body cut", reply=http(b'{"data": [', length=500)), ReplyError, "unknown"),
        (Fault("stall in the body", reply=http(b"[", length=9), end="stall"), ConvosoTimeoutError, "unknown"),
        (Fault("HTML", reply=http(b"<html>"), end="keep"), ReplyError, "unknown"),
        (status("500 Oops"), ServerError, "unknown"),
        (status("502 Bad Gateway", apply=True), ServerError, "unknown"),
        (status("503 Busy"), ServerError, "unknown"),
        (status("504 Gateway Timeout"), ServerError, "unknown"),
        (status("429 Too Many Requests"), RateLimitError, "rejected"),
    ],
    ids=str,
)
async def test_a_call_that_ran_out_of_tries_has_the_specific_class(
    fault: Fault, reads: type[ConvosoError], outcome: Outcome
) -> None:
    for tried in await attempt(URGENT, then=fault, deadline=0.3):
        assert type(tried.error) in (reads, ConvosoTimeoutError), tried  # the deadline may end an attempt
    for tried in await attempt(UNHURRIED, then=fault):
        error = tried.error
        if fault.at == "accept" and error.outcome == "not_sent":
            assert (type(error), tried.server.requests) == (ConvosoConnectionError, []), tried
            continue
        assert error.outcome == outcome, tried
        if tried.retry is Retry.UNSAFE and outcome == "unknown":
            assert (type(error), error.attempts) == (OutcomeUnknownError, 1), tried
            assert isinstance(error, OutcomeUnknownError)
            assert error.reason is reads, tried
            assert tried.server.connections == 1, tried
        else:
            assert (type(error), error.attempts) == (reads, 3), tried
            if fault.at == "request":
                assert len(tried.server.requests) == error.attempts, tried


@pytest.mark.parametrize("calls", [READS, UNSAFES, IDEMPOTENTS], ids=["read", "unsafe", "idempotent"])
@pytest.mark.parametrize("max_retries", [0, 1, 4])
async def test_there_are_as_many_attempts_as_the_client_allows(calls: list[str], max_retries: int) -> None:
    calls = [call for call in calls if call in UNHURRIED]
    for tried in await attempt(calls, then=status("429 Too Many Requests"), max_retries=max_retries):
        assert tried.server.arrived == max_retries + 1, tried


# -- no connection ----------------------------------------------------------------------------------


def nobody_there() -> str:
    """The URL of a port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


async def refused(client: AsyncConvoso, call: str) -> ConvosoError:
    """The error of a call that cannot be sent."""
    with pytest.raises(ConvosoError) as caught:
        await make(client, call)
    assert caught.value.endpoint == call
    return caught.value


@pytest.mark.parametrize(
    "host", ["refused", "https://name.example.org", "https://192.0.2.1"], ids=["refused", "DNS", "route"]
)
async def test_what_finds_no_connection_was_not_sent_and_is_tried_again(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_name(*args: object, **kwargs: object) -> object:
        raise OSError(-2, "Name or service not known")

    async def no_route(*args: object, **kwargs: object) -> object:
        raise OSError(101, "Network is unreachable")

    if host == "refused":
        host = nobody_there()
    elif "name" in host:
        monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", no_name)
        monkeypatch.setattr(aiohttp.DefaultResolver, "resolve", no_name)
    else:
        monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", no_route)
    async with client_of(host, deadline=0.6) as client:
        errors = await asyncio.gather(*(refused(client, call) for call in ENDPOINTS))
    for error in errors:
        assert error.outcome == "not_sent"
        if error.endpoint in URGENT:  # the deadline may come in the middle of an attempt
            assert isinstance(error, ConvosoConnectionError | ConvosoTimeoutError), error
        else:
            assert (type(error), error.attempts) == (ConvosoConnectionError, 3), error


async def test_a_call_goes_through_once_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with client_of(f"http://127.0.0.1:{port}", max_retries=10_000) as client:
        calls = [asyncio.ensure_future(make(client, call)) for call in UNSAFES]
        await asyncio.sleep(0.03)
        server = FaultServer(port=port)
        async with server:
            await asyncio.gather(*calls)
        assert (server.arrived, server.applied) == (len(UNSAFES), len(UNSAFES))
        assert set(server.paths.values()) == {1}


async def test_a_tls_handshake_that_fails_sends_nothing() -> None:
    """A server that speaks no TLS, and one that breaks the handshake off."""
    for fault in (
        Fault("no TLS", at="data", reply=http(b"{}")),
        Fault("accepted and closed", at="accept"),
        Fault("handshake reset", at="data", end="reset"),
    ):
        async with FaultServer(then=fault) as server:
            url = server.url.replace("http:", "https:")
            async with client_of(url, deadline=0.6) as client:
                for call in (UNSAFES[0], READS[0], IDEMPOTENTS[0]):
                    error = await refused(client, call)
                    assert type(error) is ConvosoConnectionError, error
                    assert (error.outcome, error.attempts) == ("not_sent", 3)
        assert server.arrived == 0


async def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server: ssl.SSLContext) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.read(100))
        writer.close()

    came: list[bytes] = []
    server = await asyncio.start_server(never, "127.0.0.1", 0, ssl=tls_server)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with client_of(url, max_retries=1) as client:
            for call in UNSAFES:
                error = await refused(client, call)
                assert (type(error), error.outcome) == (ConvosoConnectionError, "not_sent")
                assert "ertificate" in str(error)
    assert came == []


@pytest.fixture(scope="module")
def tls_server() -> ssl.SSLContext:
    """A server's context with a certificate that it signed itself, made for these tests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("certificate.pem"))
    return context


# -- an earlier attempt counts ----------------------------------------------------------------------

LOST = Fault("reset after applying", apply=True, end="reset")


async def test_a_call_whose_first_attempt_arrived_never_says_that_nothing_was_sent() -> None:
    """The second attempt finds no connection: that says nothing of the first."""
    for call in {*UNHURRIED} - {*UNSAFES}:
        async with (
            FaultServer([LOST], accepts=1) as server,
            client_of(server) as client,
        ):
            error = await refused(client, call)
        assert (type(error), error.outcome) == (ConvosoConnectionError, "unknown"), error
        assert server.applied == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (refusal(9999, "No"), ConvosoError),
        (status("401 Unauthorized"), AuthenticationError),
        (status("403 Forbidden"), PermissionDeniedError),
        (status("302 Found", "Location: /"), RedirectError),
        (status("404 Not Found"), ConvosoHTTPError),
    ],
    ids=str,
)
async def test_a_refusal_of_a_repeat_says_nothing_of_the_first(
    fault: Fault, expected: type[ConvosoError]
) -> None:
    for tried in await attempt(IDEMPOTENTS, LOST, fault):
        assert isinstance(tried.error, expected), tried
        assert (tried.error.outcome, tried.error.attempts) == ("unknown", 2), tried


ALREADY = [
    ("dnc.insert", 6008, "Phone is on DNC", DuplicateError),
    ("dnc.insert", 6007, "Entry already exists", DuplicateError),
    ("sms_opt_out.insert", 6008, "Number is there", DuplicateError),
    ("sms_opt_out.insert", None, "Phone already in SMS opt-out", DuplicateError),
    ("leads.delete", 6001, "No such lead", NotFoundError),
    ("lists.delete", 6002, "No such List", NotFoundError),
    ("callbacks.delete", 6074, "Callback not found", NotFoundError),
    ("callbacks.delete", None, "Callback not found", NotFoundError),
]
each_already = pytest.mark.parametrize(("call", "code", "text", "expected"), ALREADY)
SURELY_LOST = [fault for fault in [*SILENT, *BROKEN, *FAILING] if fault.apply]


@each_already
async def test_already_so_is_a_success_on_a_repeat(
    call: str, code: int | None, text: str, expected: type[ConvosoError]
) -> None:
    for line in ("200 OK", "404 Not Found", "409 Conflict"):
        for fault in (LOST, random.choice(SURELY_LOST)):
            (tried,) = await attempt([call], fault, refusal(code, text, line=line))
            assert getattr(tried.got, "already", None) is True, (tried, fault)
            assert getattr(tried.got, "success", None) is True, (tried, fault)
            assert (tried.server.arrived, tried.server.applied) == (2, 1), (tried, fault)


@each_already
@pytest.mark.parametrize("before", [[], [status("429 Slow Down")]], ids=["first", "after a 429"])
async def test_already_so_is_the_documented_error_when_nothing_of_ours_was_there_before(
    call: str, code: int | None, text: str, expected: type[ConvosoError], before: list[Fault]
) -> None:
    (tried,) = await attempt([call], *before, refusal(code, text))
    assert type(tried.error) is expected, tried
    assert (tried.error.outcome, tried.error.code) == ("rejected", code), tried
    assert tried.server.arrived == len(before) + 1


async def test_a_bad_number_on_a_repeat_is_no_success() -> None:
    for call in ("dnc.insert", "sms_opt_out.insert"):
        (tried,) = await attempt([call], LOST, refusal(6007, "Phone number is not valid"))
        assert isinstance(tried.error, DuplicateError | InvalidRequestError), tried
        assert tried.error.outcome == "unknown", tried


# -- Retry-After ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        ["Retry-After: 0.2"],
        ["Retry-After: Mon, 02 Mar 2026 10:00:01 GMT", "Date: Mon, 02 Mar 2026 10:00:00 GMT"],
    ],
    ids=["seconds", "date"],
)
async def test_the_time_that_the_service_names_is_waited_for(headers: list[str]) -> None:
    async with served(status("429 Slow Down", *headers)) as (server, client):
        await make(client, "leads.insert")
    first, second = server.requests
    waited = second.at - first.at
    assert (0.2 if "0.2" in headers[0] else 1.0) <= waited < 1.3


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Retry-After: 120"], 120.0),
        (["Retry-After: Mon, 02 Mar 2026 10:05:00 GMT", "Date: Mon, 02 Mar 2026 10:00:00 GMT"], 300.0),
    ],
)
async def test_a_time_past_the_deadline_is_an_error_at_once(headers: list[str], expected: float) -> None:
    loop = asyncio.get_running_loop()
    for call in ("leads.search", "leads.insert", "leads.update", "dnc.insert"):
        async with served(status("429 Slow Down", *headers), deadline=5.0) as (server, client):
            begun = loop.time()
            with pytest.raises(RateLimitError) as caught:
                await make(client, call)
            assert loop.time() - begun < 1.0
        assert (caught.value.retry_after, caught.value.outcome) == (expected, "rejected")
        assert server.arrived == 1


@pytest.mark.parametrize(
    "named",
    [
        "-5",
        "1e9",
        "soon",
        "9" * 40,
        "Mon, 02 Mar 2026 10:00:00 +99999999999999999999",
        "Mon, 02 Mar 99999999999999999999 10:00:00 GMT",
        "Mon, 32 Mar 2026 10:00:00 GMT",
    ],
)
async def test_a_time_that_makes_no_sense_is_no_time(named: str) -> None:
    for header in (f"Retry-After: {named}", f"Date: {named}"):
        async with served(status("429 Slow Down", header), max_retries=0) as (_, client):
            with pytest.raises(RateLimitError) as caught:
                await make(client, "leads.insert")
        assert caught.value.retry_after is None


# -- deadlines --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault("stall before applying", end="stall"),
        Fault("stall in the body", reply=http(b"[", length=500), end="stall"),
        Fault("stall after the status line", reply=b"HTTP/1.1 200 OK\r\n", end="stall"),
        Fault("endless", reply=endless, pause=0.02),
        Fault("continue", reply=lambda request: repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), pause=0.02),
        status("503 Busy"),
        status("429 Slow Down", "Retry-After: 0.05"),
        Fault("accepted and closed", at="accept"),
    ],
    ids=str,
)
async def test_no_call_outlives_its_deadline(fault: Fault) -> None:
    loop = asyncio.get_running_loop()
    late: dict[str, float] = {}

    async def timed(client: AsyncConvoso, call: str) -> None:
        begun = loop.time()
        with suppress(ConvosoError):
            await make(client, call)
        late[call] = loop.time() - begun - 0.5

    async with served(then=fault, deadline=0.5, timeout=30.0, max_retries=1_000) as (_, client):
        await asyncio.gather(
            *(timed(client, call) for call in [*READS[::3], *UNSAFES[::3], *IDEMPOTENTS[::3]])
        )
    assert max(late.values()) < LATE, late


async def test_the_deadline_holds_while_waiting_for_a_place() -> None:
    async with served(deadline=0.3, timeout=30.0, max_connections=2) as (server, client):
        loop = asyncio.get_running_loop()
        server.gate.clear()
        begun = loop.time()
        got = await asyncio.gather(*(make(client, "leads.insert") for _ in range(50)), return_exceptions=True)
        assert loop.time() - begun < 0.3 + LATE
        outcomes = [error.outcome for error in got if isinstance(error, ConvosoError)]
        assert {type(error) for error in got} == {OutcomeUnknownError, ConvosoTimeoutError}
        # A place may come free in the last moment.
        assert 2 <= len(server.requests) <= outcomes.count("unknown") < 10
        assert outcomes.count("not_sent") == 50 - outcomes.count("unknown")
        server.gate.set()
        await make(client, "leads.insert")


async def test_the_deadline_holds_while_the_service_rests() -> None:
    loop = asyncio.get_running_loop()
    async with served(deadline=0.3) as (server, client):
        await make(client, "leads.search")
        client._transport._pacing.rest(60.0)
        begun = loop.time()
        with pytest.raises(ConvosoTimeoutError) as caught:
            await make(client, "leads.insert")
        assert loop.time() - begun < 0.3 + LATE
        assert caught.value.outcome == "not_sent"
        assert server.arrived == 1


async def test_the_deadline_holds_for_a_large_form_that_nobody_reads() -> None:
    """The reply comes before the form is written: what is left to write must not hold the call."""
    loop = asyncio.get_running_loop()
    for reply in (b"", http(b"[", length=500), http(b'{"success": true}')):
        early = Fault("early", at="data", reply=reply, end="stall")
        async with served(then=early, deadline=0.3, timeout=0.3) as (_, client):
            begun = loop.time()
            with suppress(ConvosoError):
                await make(client, "leads.insert", notes="x" * 20_000_000)
            assert loop.time() - begun < 0.3 + LATE + 0.5  # a form of 20 MB takes its time to encode


# -- large replies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [bomb(5_000_000), endless], ids=["bomb", "endless"])
async def test_a_reply_that_is_too_large_is_an_error(
    reply: Callable[[Request], Iterable[bytes]] | bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_BODY", 300_000)
    for tried in await attempt(ENDPOINTS, then=Fault("large", apply=True, reply=reply), timeout=20.0):
        assert tried.error.outcome == "unknown", tried
        assert "larger than 300000 bytes" in str(tried.error), tried
        assert tried.server.arrived == 1, tried
        reason = tried.error.reason if isinstance(tried.error, OutcomeUnknownError) else type(tried.error)
        assert reason is ReplyError, tried


@pytest.mark.parametrize(
    ("line", "head", "expected", "outcome"),
    [
        ("200 OK", b'{"success": true, "data": "', ReplyError, "applied"),
        ("429 Slow Down", b"<html>", RateLimitError, "rejected"),
        ("403 Forbidden", b"<html>", PermissionDeniedError, "rejected"),
    ],
)
async def test_a_reply_that_is_too_large_may_still_tell_what_happened(
    line: str, head: bytes, expected: type[ConvosoError], outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_BODY", 300_000)

    def reply(request: Request) -> Iterable[bytes]:
        yield http(head, line, bare=True)
        while True:
            yield b" " * 65_536

    fault = Fault("endless", apply=outcome == "applied", reply=reply)
    for tried in await attempt(["leads.insert", "leads.update"], then=fault, timeout=20.0):
        reason = tried.error.reason if isinstance(tried.error, OutcomeUnknownError) else type(tried.error)
        assert (reason, tried.error.outcome) == (expected, outcome), tried


async def test_a_reply_as_large_as_allowed_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY", 300_000)
    body = b'{"success": true}'
    for size, fits in ((300_000, True), (300_001, False)):
        reply = http(body + b" " * (size - len(body)))
        (tried,) = await attempt(["leads.insert"], Fault("large", reply=reply, end="keep", apply=True))
        assert fits is not isinstance(tried.got, ConvosoError), tried


# -- replies to nobody ------------------------------------------------------------------------------


async def test_a_reply_that_was_not_asked_for_answers_no_other_call() -> None:
    """A second reply on the same connection: the next call must not take it for its own."""
    good = good_body(ENDPOINTS["leads.insert"])
    for second in (http(b'{"success": true, "lead_id": 666}'), http(b"", "408 Request Timeout")):

        def twice(request: Request, second: bytes = second) -> Iterable[bytes]:
            yield http(good)
            yield second

        stray = Fault("two replies", apply=True, reply=twice, end="keep")
        late = Fault("late stray", apply=True, reply=http(good), end="keep", stray=second)
        for fault in (stray, late):
            async with served(fault) as (server, client):
                await make(client, "leads.insert")
                await asyncio.sleep(0.06)
                result = await make(client, "leads.insert")
                assert result.lead_id is None
                assert (server.arrived, server.applied) == (2, 2)


# -- an outage is no storm --------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["503 Busy", "429 Slow Down"])
async def test_a_thousand_failing_calls_cause_a_bounded_number_of_extra_requests(line: str) -> None:
    async with served(then=status(line), max_connections=50) as (server, client):
        got = await asyncio.gather(
            *(make(client, "leads.search") for _ in range(1_000)), return_exceptions=True
        )
        assert all(isinstance(error, ServerError | RateLimitError) for error in got)
        assert len(server.requests) <= 1_100
        server.then = fine()
        for _ in range(100):
            await make(client, "leads.search")
        server.requests.clear()
        server.faults.extend([status(line)] * 10)
        await asyncio.gather(*(make(client, "leads.search") for _ in range(10)))  # 20 were earned back
        assert len(server.requests) == 20


async def test_an_opt_out_goes_on_through_an_outage() -> None:
    """The budget is spent, and more attempts fail than `max_retries` allows."""
    async with served(then=status("503 Busy"), deadline=20.0) as (server, client):
        await asyncio.gather(*(make(client, "leads.search") for _ in range(100)), return_exceptions=True)
        for call in URGENT:
            server.faults.extend([status("503 Busy")] * 15 + [fine()])
            server.requests.clear()
            await make(client, call)
            assert (server.arrived, server.applied) == (16, 1)


# -- what no fault changes --------------------------------------------------------------------------


async def test_no_redirect_is_followed() -> None:
    async with FaultServer() as elsewhere:
        for code in (301, 302, 303, 307, 308):
            there = status(f"{code} Moved", f"Location: {elsewhere.url}/v1/leads/insert")
            for tried in await attempt(ENDPOINTS, then=there):
                assert type(tried.error) is RedirectError, tried
        assert elsewhere.connections == 0


async def test_no_cookie_is_sent_back() -> None:
    async with served(status("503 Busy", "Set-Cookie: a=b; Path=/")) as (server, client):
        server.then = status("200 OK", "Set-Cookie: session=7; Path=/", body=b'{"success": true}')
        for _ in range(3):
            await make(client, "leads.update")
        assert [request.headers.get("cookie") for request in server.requests] == [None] * 4


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultServer() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.upper(), proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        async with served() as (server, client):
            await make(client, "leads.insert")
        assert (server.arrived, proxy.connections) == (1, 0)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(status("407 Proxy Authentication Required"), "not_sent"), (status("502 Bad Gateway"), "not_sent")],
    ids=str,
)
async def test_a_proxy_that_refuses_a_tunnel_sends_nothing_on(fault: Fault, outcome: Outcome) -> None:
    async with (
        FaultServer(then=fault) as proxy,
        client_of("https://service.example.org", proxy=proxy.url) as client,
    ):
        error = await refused(client, "leads.insert")
        assert (type(error), error.outcome) == (ConvosoConnectionError, outcome)
        assert "proxy" in str(error)
        assert not any(request.form for request in proxy.requests)


@pytest.mark.parametrize(
    "proxy", ["http://someone:pa55word@[bad", "nonsense", "ftp://127.0.0.1:1", "http://"]
)
async def test_a_proxy_that_cannot_be_used_is_a_clear_error(proxy: str) -> None:
    with pytest.raises(ConvosoError) as caught:
        async with client_of("https://service.example.org", proxy=proxy, max_retries=0) as client:
            await make(client, "leads.insert")
    assert isinstance(caught.value, ConfigurationError), caught.value
    assert "pa55word" not in str(caught.value)
    assert caught.value.outcome == "not_sent"


async def test_a_large_form_is_sent_without_a_warning() -> None:
    async with served() as (server, client):
        await make(client, "leads.insert", notes="é" * 1_000_000)
        assert len(server.requests[0].form["notes"]) == 1_000_000


async def test_the_reply_of_the_server_is_read_as_json() -> None:
    """The fault server's own good replies are good for every call."""
    for tried in await attempt(ENDPOINTS):
        assert not isinstance(tried.got, ConvosoError), tried
        assert tried.server.requests[0].form["auth_token"] != ""
        assert json.loads(good_body(ENDPOINTS[tried.call])) is not None


@pytest.mark.parametrize(
    ("line", "reason", "outcome"), [(500, ServerError, "unknown"), (401, AuthenticationError, "rejected")]
)
async def test_a_reply_is_proof_that_the_request_was_sent(
    line: int, reason: type[ConvosoError], outcome: Outcome
) -> None:
    """Also where nobody saw it go out: a mock writes no body."""
    with aioresponses() as mock:
        url = "https://api.example.org/v1/leads/insert"
        mock.post(url, status=line, repeat=True)
        async with client_of("https://api.example.org/v1") as client:
            error = await refused(client, "leads.insert")
        assert (error.outcome, error.attempts) == (outcome, 1)
        assert reason is (error.reason if isinstance(error, OutcomeUnknownError) else type(error))
