"""Whether a list holds what was written to it: read again whole, or number by number, as is cheaper."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

import attrs

from ..client import AsyncConvoso
from ..errors import PagingError
from .engine import Engine
from .opt_out_list import OptOutList
from .phones import Phone
from .progress import Meter
from .report import INTERRUPTED, JobReport, State
from .work import Work, items_of

T = TypeVar("T")


@attrs.frozen(eq=False)
class Claim:
    """A number that was written: where it belongs, and how the writing ended.

    Attributes:
        position: its place in the job.
        line: its line in a file.
        values: its row.
        phone: the number.
        wanted: whether it is to be on the list, or off.
        state: how it ended by the service's replies.
    """

    position: int
    line: int | None
    values: object
    phone: Phone
    wanted: bool
    state: State


class Confirmation:
    """What a look at the list shows of some claims.

    `stands` has the claims that were looked at, and whether the list is as they say. `trouble` is why not all
    were, None where they were.
    """

    def __init__(self, client: AsyncConvoso, entries: OptOutList, concurrency: int, meter: Meter) -> None:
        self.stands: dict[Claim, bool] = {}
        self.trouble: str | None = None
        self._client = client
        self._entries = entries
        self._concurrency = concurrency
        self._meter = meter

    async def look(self, claims: Sequence[Claim], *, pages: int | None) -> None:
        """Looks at the list. `pages` is what it takes to read it whole, None where that cannot be."""
        left = claims
        if pages is not None and len(claims) > pages:
            await self._each([claims], self._read_whole, total=None)
            # A number that the read does not show may be there in another spelling, or in no partition.
            left = [claim for claim in claims if claim not in self.stands]
        if self.trouble is None:
            await self._each(left, self._look_up, total=len(left))
        if len(self.stands) == len(claims):
            self.trouble = None  # it came too late to matter

    async def _each(
        self, items: Sequence[T], operation: Callable[[T], Awaitable[None]], *, total: int | None
    ) -> None:
        """Reads, at the rate that the service allows, until all is done or Ctrl-C."""
        self._meter.enter("confirming", total)
        work = Work(operation=operation, repeatable=True, client=self._client)
        async with aclosing(items_of(items, None)) as given:
            report = await Engine(work, given, None, self._concurrency, self._meter, JobReport()).run()
        if report.stopped == INTERRUPTED:
            self.trouble = INTERRUPTED
        elif not report.ok:
            why = report.stopped or next(iter(report)).error
            self.trouble = f"the list could not be read to confirm: {why}"

    async def _read_whole(self, claims: Sequence[Claim]) -> None:
        try:
            listed = await self._entries.read(lambda read, total: None)
        except PagingError:
            return  # it may have grown past the reach of search: the numbers are looked up
        right = (claim for claim in claims if (claim.phone in listed.phones) is claim.wanted)
        self.stands = dict.fromkeys(right, True)

    async def _look_up(self, claim: Claim) -> None:
        self.stands[claim] = await self._entries.has(claim.phone) is claim.wanted
