"""One call over the wire: its attempts, its pauses, its deadline. The only module that does I/O."""

import asyncio
import logging
import os
from collections.abc import Mapping
from random import random
from typing import TYPE_CHECKING, Any

import aiohttp
import attrs
from aiohttp.abc import AbstractStreamWriter

from . import reply
from .endpoint import Endpoint
from .errors import (
    ConfigurationError,
    ConvosoConnectionError,
    ConvosoError,
    ConvosoTimeoutError,
    RateLimitError,
    ReplyError,
)
from .events import LOG, NOBODY, Watch
from .form import Body, Pairs, encode
from .pacing import Pacing
from .retry import Budget, Policy, final_error, retry_after, says_already

if TYPE_CHECKING:
    from .client import Settings

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
        super().__init__(memoryview(body.data), content_type=FORM)
        self.begun = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        connection = getattr(writer, "transport", None)
        self.begun = connection is None or not connection.is_closing()
        await super().write_with_length(writer, content_length)

    def __repr__(self) -> str:
        return f"<form of {self.size} bytes>"


@attrs.frozen
class Answer:
    """What came back in one attempt: `whole` is false when the connection broke inside the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool


class TooLargeError(Exception):
    """The reply's body is larger than `MAX_BODY`."""


class Transport:
    """Sends calls for one client, through one session, in the event loop that it was made in."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._pacing = Pacing(settings.max_connections, settings.requests_per_second)
        self._policy = Policy(settings.max_retries, random)
        self._budget = Budget()
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._session = settings.session or self._own_session()
        self._ssl = True if settings.ssl is None else settings.ssl

    def _own_session(self) -> aiohttp.ClientSession:
        connections = self._settings.max_connections + SPARE_CONNECTIONS
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Closes the session, unless it is the caller's."""
        if self._settings.session is None:
            await self._session.close()

    async def call(self, endpoint: Endpoint[Any], pairs: Pairs, *, raw: bool = False) -> reply.Reply:
        """The reply to one call, after as many attempts as its retry class allows before the deadline."""
        self._check_home()
        body = encode(pairs, self._settings.token)
        clock = self._loop.time
        deadline = clock() + self._settings.deadline
        watch = self._watch(endpoint, pairs)
        attempt = 0
        while True:
            attempt += 1
            watch.started(attempt)
            got = await self._attempt(endpoint, body, deadline, raw)
            watch.ended(attempt, got)
            if attempt > 1 and isinstance(got, ConvosoError) and says_already(endpoint, got):
                got = reply.refusal(got)
            if isinstance(got, reply.Reply):
                self._budget.earn()
                watch.finished(attempt, got)
                return got
            got.attempts = attempt
            pause = self._policy.pause(endpoint, got, attempt, deadline - clock())
            if pause is None or not (endpoint.urgent or self._budget.spend()):
                got = final_error(endpoint, got)
                watch.finished(attempt, got)
                raise got
            throttled = isinstance(got, RateLimitError)
            if throttled:
                self._pacing.rest(pause)
            watch.paused(attempt, got, pause, throttled=throttled)
            await asyncio.sleep(pause)

    async def _attempt(
        self, endpoint: Endpoint[Any], body: Body, deadline: float, raw: bool
    ) -> reply.Reply | ConvosoError:
        """The reply of one attempt, or the error that it ended with: a value, so that nothing foreign hangs
        on to it.
        """
        scrub = self._settings.token.scrub
        sent = SentBody(body)
        try:
            if endpoint.urgent:
                answer = await self._exchange(endpoint.path, sent, deadline)
            else:
                await self._pacing.enter(deadline)
                try:
                    answer = await self._exchange(endpoint.path, sent, deadline)
                finally:
                    self._pacing.leave()
            return self._read(endpoint, answer, raw)
        except ConvosoError as error:
            failed = error
        except TooLargeError:
            failed = ReplyError(f"the reply is larger than {MAX_BODY} bytes", outcome="unknown")
        except (TimeoutError, aiohttp.ClientError, OSError, RuntimeError, ValueError) as error:
            failed = translated(error, scrub)
        failed.endpoint = endpoint.id
        if not sent.begun:
            failed.outcome = "not_sent"
        failed.__cause__ = failed.__context__ = None  # foreign errors hold the reply, and frames hold more
        return failed.with_traceback(None)

    async def _exchange(self, path: str, sent: SentBody, deadline: float) -> Answer:
        limit = min(self._loop.time() + self._settings.timeout, deadline)
        async with (
            asyncio.timeout_at(limit),
            self._session.post(
                self._settings.base_url + path,
                data=sent,
                timeout=NO_TIMEOUT,
                allow_redirects=False,
                raise_for_status=False,
                middlewares=(),
                proxy=self._settings.proxy,
                ssl=self._ssl,
            ) as response,
        ):
            body, whole = await read_body(response)
            return Answer(response.status, response.headers, body, whole)

    def _read(self, endpoint: Endpoint[Any], answer: Answer, raw: bool) -> reply.Reply:
        scrub = self._settings.token.scrub
        if not answer.whole and 200 <= answer.status < 300:
            raise reply.unreadable(endpoint, answer.status, answer.body, scrub)
        try:
            return reply.read(endpoint, answer.status, answer.body, scrub, raw=raw)
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


async def read_body(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The body, decompressed and within `MAX_BODY`, and whether it came whole."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > MAX_BODY:
                raise TooLargeError
            chunks.append(chunk)
    except aiohttp.ClientPayloadError:
        return b"".join(chunks), False
    return chunks[0] if len(chunks) == 1 else b"".join(chunks), True


def translated(error: Exception, scrub: Any) -> ConvosoError:
    """Our error for a foreign one, with its type and text only."""
    told = scrub(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    if isinstance(error, TimeoutError):
        return ConvosoTimeoutError("no reply in time", outcome="unknown")
    if isinstance(error, aiohttp.ClientResponseError):
        bad = ReplyError(f"the reply is no HTTP: {told}", outcome="unknown")
        bad.unreadable = True
        return bad
    if isinstance(error, RuntimeError | ValueError):
        return ConfigurationError(f"the session cannot send: {told}", outcome="unknown")
    return ConvosoConnectionError(told, outcome="unknown")
