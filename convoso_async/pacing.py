"""When a call may go out: so many at once, so many a second, and none while the service asks for rest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Pacing:
    """The lanes of one client.

    At most `max_connections` calls are under way, and starts are spread evenly at `requests_per_second`.
    After a 429 all calls wait together. Urgent calls, the do-not-call writes, pass all of it by: an opt-out
    must not stand in line behind bulk work.
    """

    def __init__(self, max_connections: int, requests_per_second: float | None = None) -> None:
        self._places = asyncio.Semaphore(max_connections)
        self._interval = 1.0 / requests_per_second if requests_per_second else 0.0
        self._next_start = 0.0
        self._rest_until = 0.0

    @asynccontextmanager
    async def place(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """A place among the calls under way, once it is this call's turn."""
        if urgent:
            yield
            return
        async with self._places:
            if self._interval or self._rest_until:
                await self._turn()
            yield

    async def _turn(self) -> None:
        clock = asyncio.get_running_loop().time
        if self._interval:
            start = max(clock(), self._next_start)
            self._next_start = start + self._interval
            await asyncio.sleep(start - clock())
        while (pause := self._rest_until - clock()) > 0:  # noqa: ASYNC110  # another 429 may move it meanwhile
            await asyncio.sleep(pause)

    def rest(self, seconds: float) -> None:
        """The service asked for rest: no call starts for so long."""
        until = asyncio.get_running_loop().time() + seconds
        self._rest_until = max(self._rest_until, until)
