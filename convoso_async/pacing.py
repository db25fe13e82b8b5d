"""When a call may go out: so many at once, so many a second, and none while the service asks for rest."""

import asyncio
from collections.abc import Callable

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


class Pacing:
    """The lanes of one client.

    At most `max_connections` calls are under way, and starts are spread evenly at `requests_per_second`.
    After a 429 all calls wait together. Urgent calls, the do-not-call writes, do not come here: an opt-out
    must not stand in line behind bulk work.
    """

    def __init__(self, max_connections: int, requests_per_second: float | None = None) -> None:
        self._places = asyncio.Semaphore(max_connections)
        self._rate = Rate(requests_per_second) if requests_per_second else None
        self._rest_until = 0.0

    async def enter(self, deadline: float) -> None:
        """Takes a place, once it is this call's turn. Raises TimeoutError at the deadline."""
        if self._rate is None and not self._resting() and not self._places.locked():
            await self._places.acquire()
            return
        async with asyncio.timeout_at(deadline):
            await self._places.acquire()
            try:
                await self._turn()
            except BaseException:
                self._places.release()
                raise

    def leave(self) -> None:
        """Gives the place back."""
        self._places.release()

    async def _turn(self) -> None:
        while True:
            if pause := self._resting():
                await asyncio.sleep(pause)
                continue  # another 429 may have moved the end of the rest
            if self._rate is None:
                return
            rest = self._rest_until
            await self._rate.turn()
            if rest == self._rest_until:
                return  # else turns before the rest would all come due at its end, in one burst

    def _resting(self) -> float:
        """Seconds of rest to come."""
        return self._rest_until and max(0.0, self._rest_until - asyncio.get_running_loop().time())

    def rest(self, seconds: float) -> None:
        """The service asked for rest: no call starts for so long."""
        self._rest_until = max(self._rest_until, asyncio.get_running_loop().time() + seconds)
