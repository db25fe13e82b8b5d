"""One call over the wire: its attempts, its pauses, its deadline. The only module that does I/O."""

import asyncio
import logging
import os
from collections.abc import Mapping
from enum import Enum
from random import random
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from . import reply
from .endpoint import Endpoint
from .errors import (
    ConfigurationError,
    ConvosoConnectionError,
    ConvosoError,
    ConvosoTimeoutError,
    Outcome,
    RateLimitError,
    ReplyError,
)
from .events import LOG, NOBODY, Watch
from .form import Body, Pairs, encode
from .pacing import Pacing
from .retry import Budget, Policy, backoff, final_error, may_be_done, overall, retry_after, says_already

if TYPE_CHECKING:
    from .settings import Settings

FORM = "application/x-www-form-urlencoded"
MAX_BODY = 64 * 1024 * 1024
"""The largest reply that is read, decompressed, in bytes."""
SPARE_CONNECTIONS = 4
"""Connections beyond `max_connections`, for the urgent calls that do not wait in line."""
NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None)
"""The attempt's own timeout holds over everything; the session's must not cut it short."""


class SentBody(aiohttp.BytesPayload):
    """A form body that notes when it begins to be written: the only proof that nothing was sent is that it
    never began. Its repr hides the token, and it writes a view, which tracebacks do not print.
    """

    def __init__(self, body: Body) -> None:
        # Past the initialiser of BytesPayload, which warns of a body above 1 MiB, as an error under -W error.
        super(aiohttp.BytesPayload, self).__init__(memoryview(body.data), content_type=FORM)
        self._size = len(body.data)
        self.begun = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        connection: Any = getattr(writer, "transport", writer)
        gone = connection is None or (connection is not writer and connection.is_closing())
        self.begun = self.begun or not gone
        if asyncio.get_running_loop().get_debug():
            # It then logs a write that failed with its frames: the body must not be joined to the headers.
            writer.send_headers()
        await super().write_with_length(writer, content_length)

    def __repr__(self) -> str:
        return f"<form of {self.size} bytes>"


class Connector(aiohttp.TCPConnector):
    """Gives no connection on which a reply came before it was asked for: it would answer the next request."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        if connection.protocol is not None and connection.protocol.should_close:
            connection.close()
            raise ConvosoConnectionError("the connection held a reply to no request")
        return connection


class Flaw(Enum):
    """Why a body is not whole."""

    LATE = "late"
    CUT = "cut"
    TOO_LARGE = "too large"


class Answer:
    """What came back in one attempt: all of it, or what came before `flaw`."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        self.flaw: Flaw | None = Flaw.LATE
        self._chunks: list[bytes] = []

    async def fill(self, content: aiohttp.StreamReader) -> None:
        """Reads the body, decompressed, up to `MAX_BODY`."""
        size = 0
        try:
            while chunk := await content.readany():
                size += len(chunk)
                if size > MAX_BODY:
                    self.flaw = Flaw.TOO_LARGE
                    del self._chunks[1:]  # the first tells what it was
                    return
                self._chunks.append(chunk)
        except aiohttp.ClientPayloadError:
            self.flaw = Flaw.CUT
        else:
            self.flaw = None

    @property
    def body(self) -> bytes:
        """What came of the body."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)


class Transport:
    """Sends calls for one client, through one session, in the event loop that it was made in."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._pacing = Pacing(settings.max_connections, settings.rate_or_line())
        self._policy = Policy(settings.max_retries, random)
        self._budget = Budget()
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError("a call needs asyncio's event loop, and none runs here") from None
        self._process = os.getpid()
        self._session = settings.session or self._own_session()
        # A session of the caller's may send JSON by default.
        self._headers = {"Content-Type": FORM} if settings.session else None
        self._ssl = True if settings.ssl is None else settings.ssl

    def _own_session(self) -> aiohttp.ClientSession:
        connections = self._settings.max_connections + SPARE_CONNECTIONS
        return aiohttp.ClientSession(
            connector=Connector(limit=connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    @property
    def rest_until(self) -> float:
        """When the rest ends, or ended, that the service asked for last, on the loop's clock."""
        return self._pacing.rest_until

    async def aclose(self) -> None:
        """Leaves the shared rate, and closes the session, unless it is the caller's."""
        if os.getpid() != self._process:
            return  # after a fork, the connections are the parent's
        own = self._settings.session is None
        if own and not self._loop.is_closed():
            self._check_home()
        await self._pacing.aclose()
        if own:
            await self._session.close()

    async def call(
        self, endpoint: Endpoint[Any], pairs: Pairs, *, raw: bool = False, later: bool = False
    ) -> reply.Reply:
        """The reply to one call, after as many attempts as its retry class allows before the deadline."""
        self._check_home()
        body = encode(pairs, self._settings.token)
        clock = self._loop.time
        deadline = clock() + self._settings.deadline
        watch = self._watch(endpoint, pairs)
        attempt = 0
        outcome: Outcome = "not_sent"
        try:
            while True:
                attempt += 1
                watch.started(attempt)
                got = await self._attempt(endpoint, body, deadline, raw, later)
                watch.ended(attempt, got)
                if may_be_done(outcome) and isinstance(got, ConvosoError) and says_already(endpoint, got):
                    got = reply.refusal(got)
                if isinstance(got, reply.Reply):
                    self._budget.earn()
                    watch.finished(attempt, got)
                    return got
                got.attempts = attempt
                outcome = overall(outcome, got.outcome)
                remaining = deadline - clock()
                pause = self._policy.pause(endpoint, got, attempt, remaining)
                if isinstance(got, RateLimitError):
                    rest = min(backoff(got, attempt, 1.0) if pause is None else pause, remaining)
                    await self._pacing.throttled(rest)
                    watch.throttled(attempt, rest)
                if pause is None or not (endpoint.urgent or self._budget.spend()):
                    got.outcome = outcome
                    got = final_error(endpoint, got)
                    watch.finished(attempt, got)
                    raise got
                watch.paused(attempt, got, pause)
                await asyncio.sleep(pause)
        except asyncio.CancelledError:
            watch.cancelled(attempt)
            raise

    async def _attempt(
        self, endpoint: Endpoint[Any], body: Body, deadline: float, raw: bool, later: bool
    ) -> reply.Reply | ConvosoError:
        """The reply of one attempt, or the error that it ended with: a value, so that nothing foreign hangs
        on to it.
        """
        sent = SentBody(body)
        answer: Answer | None = None
        try:
            if endpoint.urgent:
                answer = await self._exchange(endpoint.path, sent, deadline)
            else:
                turn, status = await self._pacing.enter(deadline), None
                try:
                    answer = await self._exchange(endpoint.path, sent, deadline)
                    status = answer.status
                finally:
                    self._pacing.leave(turn, status)
            return self._read(endpoint, answer, raw, later)
        except ConvosoError as error:
            failed = error
        except Exception as error:  # a session of the caller's, and its hooks, may raise anything
            failed = translated(error, self._settings, begun=sent.begun)
        failed.endpoint = endpoint.id
        if answer is None and not sent.begun:
            failed.outcome = "not_sent"
        failed.__cause__ = failed.__context__ = None  # foreign errors hold the reply, and frames hold more
        return failed.with_traceback(None)

    async def _exchange(self, path: str, sent: SentBody, deadline: float) -> Answer:
        limit = min(self._loop.time() + self._settings.timeout, deadline)
        answer: Answer | None = None
        try:
            async with (
                asyncio.timeout_at(limit),
                self._session.post(
                    self._settings.base_url + path,
                    data=sent,
                    headers=self._headers,
                    timeout=NO_TIMEOUT,
                    allow_redirects=False,
                    raise_for_status=False,
                    middlewares=(),
                    proxy=self._settings.proxy,
                    ssl=self._ssl,
                ) as response,
            ):
                answer = Answer(response.status, response.headers)
                await answer.fill(response.content)
        except TimeoutError:
            if answer is None:
                raise
        return answer

    def _read(self, endpoint: Endpoint[Any], answer: Answer, raw: bool, later: bool) -> reply.Reply:
        if answer.flaw is not None and 200 <= answer.status < 300:
            raise flawed(endpoint, answer, self._settings)
        try:
            scrub = self._settings.token.scrub
            return reply.read(endpoint, answer.status, answer.body, scrub, raw=raw, later=later)
        except RateLimitError as error:
            error.retry_after = retry_after(answer.headers)
            raise

    def _check_home(self) -> None:
        """A session works in the loop and the process that it was made in."""
        if os.getpid() != self._process:
            raise ConfigurationError("this client was used before a fork; make a new one in the child")
        if asyncio.get_running_loop() is not self._loop:
            raise ConfigurationError("this client belongs to another event loop; make one for each loop")

    def _watch(self, endpoint: Endpoint[Any], pairs: Pairs) -> Watch:
        on_event = self._settings.on_event
        if on_event is None and not LOG.isEnabledFor(logging.INFO):
            return NOBODY
        return Watch(endpoint.id, tuple(name for name, _ in pairs), self._loop.time, on_event)


def flawed(endpoint: Endpoint[Any], answer: Answer, settings: "Settings") -> ConvosoError:
    """The error for a good status over a body that did not come whole."""
    what = "cut off, or badly compressed" if answer.flaw is Flaw.CUT else None
    error: ConvosoError = reply.unreadable(endpoint, answer.status, answer.body, settings.token.scrub, what)
    if answer.flaw is Flaw.TOO_LARGE:
        told = f"the reply is larger than {MAX_BODY} bytes"
        return ReplyError(told, outcome=error.outcome, status=error.status, body=error.body)
    if answer.flaw is Flaw.LATE and error.outcome != "applied":
        told = f"the reply did not end in time ({settings.limits})"
        return ConvosoTimeoutError(told, outcome="unknown", status=error.status, body=error.body)
    return error


def translated(error: Exception, settings: "Settings", *, begun: bool) -> ConvosoError:
    """Our error for a foreign one, with its type and, where that holds nothing of the reply, its text."""
    scrub = settings.token.scrub
    told = name = type(error).__name__
    if isinstance(error, aiohttp.InvalidURL):
        told = f"{name} of the base_url or the proxy"  # its text has the URL, and so a proxy's password
    elif isinstance(error, OSError | RuntimeError | ValueError) and str(error):
        told = scrub(f"{name}: {error}")
    if isinstance(error, TimeoutError):
        late = "no reply in time" if begun else "it could not be sent in time"
        return ConvosoTimeoutError(f"{late} ({settings.limits})", outcome="unknown")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ConvosoConnectionError(f"the proxy refused: HTTP {error.status}", outcome="unknown")
    if isinstance(error, aiohttp.ClientResponseError):
        what = error.message.partition(":")[0]  # behind the colon comes the line as it came
        bad = ReplyError(f"the reply is no HTTP: {scrub(what)}", outcome="unknown")
        bad.unreadable = True
        return bad
    if isinstance(error, aiohttp.ClientError | OSError) and not isinstance(error, aiohttp.InvalidURL):
        return ConvosoConnectionError(f"no reply: {told}", outcome="unknown")
    return ConfigurationError(f"the session cannot send: {told}", outcome="unknown")
