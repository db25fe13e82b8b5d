"""What is written down of a shared rate: who goes next, how fast, and until when all rest. Pure."""

from typing import NamedTuple, Protocol

from ..pacing import AdaptiveRate

FIRST_RATE = 5.0
"""Starts per second before anything is known of the service's limit."""
LEAST = 0.2
MOST = 1_000.0


class Turn(NamedTuple):
    """A turn: its time and when it was taken, on the clock of the place, and the rate then."""

    at: float
    taken: float
    per_second: float


class Place(Protocol):
    """Where a record is kept, and changed by one at a time.

    Each method raises OutOfReachError where that is not possible for now, and ConfigurationError where it
    never will be.
    """

    async def take(self, good: int) -> Turn:
        """The next turn. `good` replies came since the last that was taken here."""
        ...

    async def void_before(self) -> float:
        """When the last 429 was told of: turns taken before it, and not begun, are void."""
        ...

    async def throttled(self, started: float | None, seconds: float) -> None:
        """A request of the turn `started`, or of none, had a 429; all shall rest for so many seconds."""
        ...

    async def aclose(self) -> None:
        """Lets go of it."""
        ...


class OutOfReachError(Exception):
    """The place cannot be used for now: its text says why."""


class Limits(NamedTuple):
    """How a record may change, for those who change it elsewhere."""

    most: float
    first: float
    least: float
    step: float
    cut: float


class Values(NamedTuple):
    """A record as it is written: times on the clock of the place, rates per second, 0 for no limit found."""

    seen: float
    last_start: float
    rest_until: float
    per_second: float
    limit: float
    void_before: float


class Record(AdaptiveRate):
    """The rate of one account, which all who share it change in turn. `most` is what it may not exceed."""

    def __init__(self, most: float | None, first: float | None = None, limit: float | None = None) -> None:
        top = MOST if most is None else most
        super().__init__(
            min(first or most or FIRST_RATE, top),
            least=min(LEAST, top),
            most=top,
            clock=lambda: self._seen,
        )
        self._told = most is not None
        self._limit = limit
        self._seen = self._last_start = self._rest_until = self._cut_holds_from = 0.0

    @property
    def limits(self) -> Limits:
        """How it may change."""
        return Limits(self._most, self.per_second, self._least, self._step, self._cut)

    @property
    def values(self) -> Values:
        """What is written down."""
        return Values(
            self._seen,
            self._last_start,
            self._rest_until,
            self.per_second,
            self._limit or 0.0,
            self._cut_holds_from,
        )

    def load(self, values: Values) -> None:
        """Takes what another wrote."""
        self._seen, self._last_start, self._rest_until, rate, limit, self._cut_holds_from = values
        self._limit = limit or None
        never_cut = self._told and self._limit is None
        self.per_second = self._most if never_cut else min(rate, self._most)

    def take(self, now: float, good: int) -> Turn:
        """The next turn. A rate that nobody waits for does not grow, however good the replies are."""
        self._heed(now)
        if self._last_start + 1.0 / self.per_second > now:
            for _ in range(good):
                self.succeeded()
        self.reserve(max(now, self._rest_until))
        return Turn(self._last_start, now, self.per_second)

    def rest(self, now: float, started: float | None, seconds: float) -> None:
        """All rest, take new turns, and go on more slowly. Who began before the last 429 says nothing new."""
        self._heed(now)
        if started is not None or now >= self._rest_until:
            self.throttled(now if started is None else started)
        self._last_start = min(self._last_start, now)
        self._cut_holds_from = now
        self._rest_until = max(self._rest_until, now + seconds)

    def _heed(self, now: float) -> None:
        """Moves all times along with a clock that went back, as it does when the machine starts anew."""
        if (back := self._seen - now) > 0:
            self._last_start -= back
            self._rest_until -= back
            self._cut_holds_from -= back
        self._seen = now
