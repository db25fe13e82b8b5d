"""When a call may go out: so many at once, so many a second, and none while the service asks for rest."""

import asyncio
from collections.abc import Callable

Clock = Callable[[], float]


class Rate:
    """Starts spread evenly, without bursts: one every `1 / per_second` seconds."""

    def __init__(self, per_second: float, clock: Clock | None = None) -> None:
        self.per_second = per_second
        self._clock = clock
        self._next_start = 0.0

    async def turn(self) -> None:
        """Waits for this caller's turn. Turns come in the order in which they were asked for."""
        await asyncio.sleep(self.reserve(self._now()))

    def reserve(self, now: float) -> float:
        """Takes the next turn. Seconds until it comes."""
        start = max(now, self._next_start)
        self._next_start = start + 1.0 / self.per_second
        return start - now

    def _now(self) -> float:
        return (self._clock or asyncio.get_running_loop().time)()


class AdaptiveRate(Rate):
    """A rate that finds the service's limit: additive increase, multiplicative decrease.

    Each good reply adds a little, so that the rate grows by `step` per second in every second; a 429 cuts it
    by `cut`, once per round trip: requests that were under way at the cut say nothing new.
    """

    def __init__(
        self,
        per_second: float = 5.0,
        *,
        least: float = 0.5,
        most: float = 1_000.0,
        step: float = 1.0,
        cut: float = 0.7,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(per_second, clock)
        self._least = least
        self._most = most
        self._step = step
        self._cut = cut
        self._last_cut = float("-inf")

    def succeeded(self) -> None:
        """A request that was started under this rate had a good reply."""
        self.per_second = min(self._most, self.per_second + self._step / self.per_second)

    def throttled(self, started: float) -> None:
        """A request that was started at `started`, on this rate's clock, had a 429."""
        if started >= self._last_cut:
            self.per_second = max(self._least, self.per_second * self._cut)
            self._last_cut = self._now()


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
        if self._rate is None and not self._rest_until and not self._places.locked():
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
        clock = asyncio.get_running_loop().time
        await self._rest(clock)
        if self._rate is not None:
            await self._rate.turn()
            await self._rest(clock)

    async def _rest(self, clock: Clock) -> None:
        while (pause := self._rest_until - clock()) > 0:  # noqa: ASYNC110  # another 429 may move it meanwhile
            await asyncio.sleep(pause)

    def rest(self, seconds: float) -> None:
        """The service asked for rest: no call starts for so long."""
        self._rest_until = max(self._rest_until, asyncio.get_running_loop().time() + seconds)
