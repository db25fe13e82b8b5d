"""One rate for all clients of an account, whatever processes and machines they are in.

from convoso_async.integrations.shared_rate import SharedRate

client = AsyncConvoso(requests_per_second=SharedRate(3, at="/var/lib/app/convoso.rate"))
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from ..auth_token import Token
from ..errors import ConfigurationError
from ..events import LOG
from ..settings import positive
from .rate_record import FIRST_RATE, OutOfReachError, Place, Record, Turn

T = TypeVar("T")

SCHEMES = ("redis", "rediss")
ALONE_FOR = 10.0
"""Seconds before a place that could not be used is tried again."""
ALONE_SHARE = 0.25
"""The part of the shared rate at which a process goes on alone: the others do so too."""


class SharedRate:
    """What a client takes as `requests_per_second` to share the rate of its account.

        AsyncConvoso(requests_per_second=SharedRate(3, at="/var/lib/app/convoso.rate"))
        AsyncConvoso(requests_per_second=SharedRate(at="redis://cache.example.org:6379/0"))

    All clients with the same token, base URL and place take their turns from one line: evenly spread, without
    bursts, process after process. After a 429 in any of them all wait together, and go on more slowly: the
    rate finds the limit of the service, and follows it, as one rate. Jobs use it in place of their own.
    Do-not-call and opt-out writes pass it by.

    Several accounts can use one place; each has its own line, under a digest of its token. A process that
    dies holds nobody up. Where the place cannot be used (Redis is down, the disk is full), each process goes
    on alone, at a quarter of the rate, says so in the log once, and comes back within 10 seconds of its
    return. A file that was deleted is made anew.

    Args:
        per_second: starts per second that are never exceeded, the same in all processes. None begins with 5
            and goes up and down with what the service allows.
        at: the path of a file, made on first use, for the processes of one machine; or the URL of a Redis
            (`redis://`, or `rediss://` with TLS) for many machines, with the extra `redis`.

    Raises:
        ConfigurationError: a rate that is not above 0, a folder that is not there or cannot be written to, a
            URL of another scheme. Calls raise it for a file that is not a rate file, or a wrong password.
    """

    def __init__(self, per_second: float | None = None, *, at: str | os.PathLike[str]) -> None:
        self._most = None if per_second is None else positive("per_second", per_second)
        self._place, self._name = place_of(at)

    def __repr__(self) -> str:
        """The rate and its place, without a password."""
        return f"SharedRate({self._most}, at={self._name!r})"

    def line(self, base_url: str, token: Token) -> "SharedLine":
        """The line of an account, for one client in one event loop."""
        account = sha256(f"{base_url}\n{token.encoded}".encode()).hexdigest()[:32]
        return SharedLine(self._place(account, self._most), self._most, self._name)


def place_of(at: object) -> tuple[Callable[[str, float | None], Place], str]:
    """What opens the place for an account, and its name without a password."""
    if not isinstance(at, str | os.PathLike) or not os.fspath(at):
        raise ConfigurationError(
            "at must be the path of a file, or the URL of a Redis such as redis://host:6379/0"
        )
    if isinstance(at, str) and "://" in at:
        return in_redis(at)
    from .rate_file import RateFile

    path = Path(at).absolute()
    if not path.parent.is_dir():
        raise ConfigurationError(f"at: the folder {path.parent} does not exist; make it, or name another")
    if path.is_dir():
        raise ConfigurationError(f"at: {path} is a folder; name a file in it")
    for needed in (path.parent, path):
        if needed.exists() and not os.access(needed, os.W_OK):
            raise ConfigurationError(f"at: {needed} cannot be written to; allow it, or name another")
    return partial(RateFile, path), str(path)


def in_redis(url: str) -> tuple[Callable[[str, float | None], Place], str]:
    """The same for a Redis. Its URL may hold a password, so no error shows it."""
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, valid = urlsplit(""), False
    if not valid:
        raise ConfigurationError("at must be a URL such as redis://host:6379/0")
    if parts.scheme not in SCHEMES:
        raise ConfigurationError(
            f"at: {parts.scheme}:// is not known here; give a path, or a URL with redis:// or rediss://"
        )
    try:
        from .rate_redis import RateInRedis
    except ImportError:
        raise ConfigurationError("at: a rate in Redis needs redis-py; install convoso[redis]") from None
    return partial(RateInRedis, url), f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class Alone:
    """A record that nobody shares, in place of one that cannot be used."""

    def __init__(self, most: float | None, per_second: float) -> None:
        self._record = Record(most, per_second, limit=per_second)

    async def take(self, good: int) -> Turn:
        """The next turn."""
        return self._record.take(time.monotonic(), good)

    async def void_before(self) -> float:
        """When the last 429 was told of."""
        return self._record.values.void_before

    async def throttled(self, started: float | None, seconds: float) -> None:
        """A request of the turn `started` had a 429."""
        self._record.rest(time.monotonic(), started, seconds)

    async def aclose(self) -> None:
        """Nothing is open."""


class SharedLine:
    """The turns of one client in a line that others share.

    Only the first of its calls has a turn at any time: nothing more is lost when the process dies, and the
    processes take turns, however many calls wait in each.
    """

    def __init__(self, place: Place, most: float | None, name: str) -> None:
        self._place = place
        self._most = most
        self._name = name
        self._first = asyncio.Lock()
        self._per_second = most or FIRST_RATE
        self._good = 0
        self._throttled: float | None = None
        self._alone: Alone | None = None
        self._try_again = 0.0

    async def turn(self) -> float:
        """Waits for this caller's turn: its time on the clock of the place."""
        async with self._first:
            while True:
                turn = await self._take()
                await asyncio.sleep(turn.at - turn.taken)
                if turn.at <= turn.taken or await self._holds(turn):
                    return turn.at

    def ended(self, turn: float, status: int | None) -> None:
        """A request of this turn had a reply with this status, or none."""
        if status == 429:
            self._throttled = turn
        elif status is not None and status < 500:
            self._good += 1

    async def rest(self, seconds: float) -> None:
        """The service asked for rest: nobody in the line starts for so long. To be called after `ended`."""
        started, self._throttled = self._throttled, None
        await self._ask(lambda place: place.throttled(started, seconds))

    async def aclose(self) -> None:
        """Leaves the line."""
        await self._place.aclose()

    async def _take(self) -> Turn:
        good, self._good = self._good, 0
        turn = await self._ask(lambda place: place.take(good))
        if self._alone is None:
            self._per_second = turn.per_second
        return turn

    async def _holds(self, turn: Turn) -> bool:
        """Whether no 429 came while a turn was waited for."""
        try:
            return await (self._alone or self._place).void_before() <= turn.taken
        except OutOfReachError:
            return True  # whoever takes the next turn will tell

    async def _ask(self, ask: Callable[[Place], Awaitable[T]]) -> T:
        """What the place answers; while it cannot be used, what a record of this client's own does."""
        if self._alone is None or time.monotonic() >= self._try_again:
            try:
                answer = await ask(self._place)
            except OutOfReachError as error:
                self._go_alone(error)
            else:
                if self._alone is not None:
                    LOG.warning("the shared rate at %s is back", self._name)
                    self._alone = None
                return answer
        assert self._alone is not None
        return await ask(self._alone)

    def _go_alone(self, error: OutOfReachError) -> None:
        self._try_again = time.monotonic() + ALONE_FOR
        if self._alone is None:
            alone = self._per_second * ALONE_SHARE
            self._alone = Alone(self._most, alone)
            LOG.warning(
                "the shared rate at %s cannot be used (%s): this process goes on alone, at %.3g requests per"
                " second, and tries again every %g seconds",
                self._name,
                error,
                alone,
                ALONE_FOR,
            )
