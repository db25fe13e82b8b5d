"""When a call may go out: so many at once, so many a second, and none while the service asks for rest."""

import asyncio
from collections.abc import Callable
from typing import Protocol

Clock = Callable[[], float]


class Rate:
    """Starts spread evenly, without bursts: one every `1 / per_second` seconds."""

    def __init__(self, per_second: float, clock: Clock | None = None) -> None:
        self.per_second = per_second
        self._clock = clock
        self._last_start = float("-inf")
        self._line = asyncio.Lock()

    async def turn(self) -> None:
        """Waits for this caller's turn. Turns come in the order in which they were asked for."""
        async with self._line:  # only the first in line has a time: a new rate holds for all behind it
            await asyncio.sleep(self.reserve(self._now()))

    def reserve(self, now: float) -> float:
        """Takes the next turn. Seconds until it comes."""
        self._last_start = max(now, self._last_start + 1.0 / self.per_second)
        return self._last_start - now

    def _now(self) -> float:
        return (self._clock or asyncio.get_running_loop().time)()


class AdaptiveRate(Rate):
    """A rate that finds the service's limit: additive increase, multiplicative decrease.

    Good replies add `step` of the rate at the last cut in every second, one reply not more than 0.3 % of it,
    so that a slow rate does not run into its limit every few requests; until the first 429, ten times as
    much. A 429 cuts the rate by `cut`, once per round trip: requests that were under way at the cut say
    nothing new.
    """

    def __init__(
        self,
        per_second: float = 5.0,
        *,
        least: float = 0.2,
        most: float = 1_000.0,
        step: float = 0.02,
        cut: float = 0.75,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(per_second, clock)
        self._least = least
        self._most = most
        self._step = step
        self._cut = cut
        self._limit: float | None = None
        self._cut_holds_from = float("-inf")

    def succeeded(self) -> None:
        """A request that was started under this rate had a good reply."""
        base, speed = (self.per_second, 10) if self._limit is None else (self._limit, 1)
        gain = base * speed * min(0.003, self._step / self.per_second)
        self.per_second = min(self._most, self.per_second + gain)

    def throttled(self, started: float) -> None:
        """A request that was started at `started`, on this rate's clock, had a 429."""
        if started >= self._cut_holds_from:
            self._limit = self.per_second
            self.per_second = max(self._least, self.per_second * self._cut)
            # The first start after a cut had its time before it.
            self._cut_holds_from = self._now() + 1.0 / self.per_second


class Line(Protocol):
    """Where a client takes its turns with others; see `integrations.shared_rate`."""

    async def turn(self) -> float:
        """Waits for this caller's turn: its time on the clock of the line."""
        ...

    def ended(self, turn: float, status: int | None) -> None:
        """A request of this turn had a reply with this status, or none."""
        ...

    async def rest(self, seconds: float) -> None:
        """The service asked for rest: nobody in the line starts for so long."""
        ...

    async def aclose(self) -> None:
        """Leaves the line."""
        ...


class Pacing:
    """The lanes of one client.

    At most `max_connections` calls are under way, and starts are spread evenly at `requests_per_second`.
    After a 429 all calls wait together. Urgent calls, the do-not-call writes, do not come here: an opt-out
    must not stand in line behind bulk work.
    """

    def __init__(self, max_connections: int, requests_per_second: "float | Line | None" = None) -> None:
        self._places = asyncio.Semaphore(max_connections)
        self._line: Line | None = None
        self._rate: Rate | Line | None = None
        if isinstance(requests_per_second, int | float):
            self._rate = Rate(requests_per_second)
        elif requests_per_second is not None:
            self._rate = self._line = requests_per_second
        self._rest_until = 0.0

    async def enter(self, deadline: float) -> float | None:
        """Takes a place, once it is this call's turn. Raises TimeoutError at the deadline.

        The turn, to be given to `leave`, where it comes from a line with others.
        """
        if self._rate is None and not self._resting() and not self._places.locked():
            await self._places.acquire()
            return None
        async with asyncio.timeout_at(deadline):
            await self._places.acquire()
            try:
                return await self._turn()
            except BaseException:
                self._places.release()
                raise

    @property
    def rest_until(self) -> float:
        """When the rest ends, or ended, that the service asked for last, on the loop's clock."""
        return self._rest_until

    def leave(self, turn: float | None = None, status: int | None = None) -> None:
        """Gives the place back. `status` is that of the reply, if one came."""
        self._places.release()
        if turn is not None and self._line is not None:
            self._line.ended(turn, status)

    async def _turn(self) -> float | None:
        while True:
            if pause := self._resting():
                await asyncio.sleep(pause)
                continue  # another 429 may have moved the end of the rest
            if self._rate is None:
                return None
            rest = self._rest_until
            turn = await self._rate.turn()
            if rest == self._rest_until:
                return turn  # else turns before the rest would all come due at its end, in one burst

    def _resting(self) -> float:
        """Seconds of rest to come."""
        return self._rest_until and max(0.0, self._rest_until - asyncio.get_running_loop().time())

    def rest(self, seconds: float) -> None:
        """The service asked for rest: no call starts for so long."""
        self._rest_until = max(self._rest_until, asyncio.get_running_loop().time() + seconds)

    async def throttled(self, seconds: float) -> None:
        """A call had a 429: no call starts for so long, here and in the line with others."""
        self.rest(seconds)
        if self._line is not None:
            await self._line.rest(seconds)

    async def aclose(self) -> None:
        """Leaves the line with others."""
        if self._line is not None:
            await self._line.aclose()
