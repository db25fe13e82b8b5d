"""Pagers: all rows that match, one request at a time or several ahead, or as a plan for many readers."""

import copy
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from .endpoint import Endpoint, RangeFilter
from .errors import IncompleteError
from .form import Form
from .iteration import Iteration
from .prefetch import Prefetch
from .reading import FIRST_MOMENT, LAST_MOMENT, Ask, Reading, Report
from .rows import Page, Row
from .search import OWN, Fetch, Search, Searches, chosen_filters, page_size, search_of, whole

if TYPE_CHECKING:
    import pyarrow

R = TypeVar("R", bound=Row)


@attrs.frozen(kw_only=True)
class Window:
    """A part of a read, small enough to be read below the offset cap. Picklable, for other machines.

    Attributes:
        filters: the filters of the read, as they are sent.
        start: the first moment of the part, on the account's clock; None where the range is open.
        end: its end, which belongs to the next part, unless this is the `last`.
        expected: rows counted in it when the plan was made, None where the service gives no totals.
        last: whether its end is the end of the whole range.
        range: the range filter that the part was cut by, None where the call has none.
    """

    filters: Mapping[str, str]
    start: datetime | None = None
    end: datetime | None = None
    expected: int | None = None
    last: bool = True
    range: RangeFilter | None = None


_Cut = tuple[datetime | None, datetime | None, int | None]
"""Start, end and count of a stretch."""


class Pager(Generic[R]):
    """All rows that match. Iterate it, take `pages()`, or `collect()` a list.

    Each iteration reads anew, and delivers while it reads; `report` tells of the last one. It is complete or
    raises: `OffsetCapError` when rows lie past the largest offset and nothing splits the read,
    `WindowTooDenseError` when too many share one second, `IncompleteError` when the service withholds rows
    that it counted, or the account moves faster than it can be read.
    """

    def __init__(
        self, endpoint: Endpoint[R], params: Mapping[str, object], fetch: Fetch[R], form: Form, zone: tzinfo
    ) -> None:
        if endpoint.paging is None:
            raise TypeError(f"{endpoint.id} has no pages")
        filters = dict(params)
        partitions = filters.pop("partitions", None)
        size = page_size(endpoint.id, filters.pop("page_size", None), endpoint.paging.limit_max)
        max_rows = whole(endpoint.id, "max_rows", filters.pop("max_rows", None))
        for name in OWN:
            if name in filters:
                raise TypeError(f"{endpoint.id}: {name} is the pager's own; for one page, leave out _all")
        self._endpoint = endpoint
        self._zone = zone
        self._asked = [
            dict(form.pairs(chosen, zone)) for chosen in chosen_filters(endpoint.id, filters, partitions)
        ]
        self._searches = Searches(
            endpoint=endpoint,
            paging=endpoint.paging,
            fetch=fetch,
            each=[search_of(endpoint, dict(texts), zone) for texts in self._asked],
            page_size=size,
            max_rows=max_rows,
        )
        self.report = Report()

    # -- one request at a time ----------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[R]:
        """The rows, one by one."""
        return self._rows()

    async def _rows(self) -> AsyncIterator[R]:
        iteration = Iteration(self._searches, self._new_report())
        while (page := await iteration.next_page()) is not None:
            for row in page.rows:
                yield row

    async def collect(self) -> list[R]:
        """All rows as a list."""
        return [row async for row in self]

    async def to_arrow(self) -> "pyarrow.Table":
        """All rows as a `pyarrow.Table`, for pandas (`.to_pandas()`) and polars (`pl.from_arrow(...)`).

        Columns have the types of the row class, stamps in the account's zone; `extra` is JSON in text. Four
        requests are in flight. Needs pyarrow, the extra `arrow`: ImportError without it, and nothing is sent.
        """
        from .jobs.arrow import Columns

        columns = Columns(self._endpoint.result, self._zone)
        batches = []
        async with self.prefetch(4) as ahead:
            while (page := await ahead.next_page()) is not None:
                batches.append(columns.batch(page.rows))
        return columns.table(batches)

    async def pages(self) -> AsyncIterator[Page[R]]:
        """The pages, each with the rows that no page before it had."""
        iteration = Iteration(self._searches, self._new_report(), raw=True)
        while (page := await iteration.next_page()) is not None:
            yield page

    def _new_report(self) -> Report:
        self.report = Report()
        return self.report

    # -- several ahead ------------------------------------------------------------------------------

    def prefetch(self, requests: int = 8) -> Prefetch[R]:
        """A context that reads ahead: so many requests in flight, rows still in order.

            async with pager.prefetch(8) as rows:
                async for row in rows: ...

        It holds at most the rows of the pages in flight. An error comes at its place in the order. Leaving
        the context ends all requests.
        """
        ahead = whole(self._endpoint.id, "requests", requests)
        if not ahead:
            raise ValueError(f"{self._endpoint.id}: requests must be 1 or more")
        return Prefetch(self._searches, self._new_report(), ahead)

    # -- a plan for many readers --------------------------------------------------------------------

    async def plan(self) -> list[Window]:
        """The read cut into windows that can be read apart, with `read`, on any machine.

        One request for each window and one more for each search; two for each window, where the order of
        rows is not documented. No row is delivered. Windows do not overlap: together they hold every row
        once, and one that still holds more than offsets reach is cut again by its reader.

        Raises IncompleteError where the windows do not add up to the whole, because some rows have no time.
        Where the order is not documented and the service gives no totals, nobody can tell.
        """
        return [window for search in self._searches.each for window in await self._windows(search)]

    async def trusted_plan(self) -> list[Window]:
        """The plan where its windows are sure to hold every row once, nothing where one reader must read all.

        Partitions may share rows, and `max_rows` counts those of the whole read. Rows without a time lie in
        no window, and only a documented order or totals tell that there are none.
        """
        searches = self._searches
        if len(searches.each) > 1 or searches.max_rows is not None:
            return []
        try:
            windows = await self.plan()
        except IncompleteError:
            return []
        counted = None not in [window.expected for window in windows]
        return windows if searches.paging.oldest_first or counted or len(windows) == 1 else []

    async def _windows(self, search: Search) -> list[Window]:
        reading = self._searches.reading(search, Report())
        cut = self._goes_on if self._searches.paging.oldest_first else self._halves
        cuts = await cut(search, reading)
        return [
            Window(
                filters=search.texts,
                start=start,
                end=end,
                expected=expected,
                last=place == len(cuts),
                range=search.span,
            )
            for place, (start, end, expected) in enumerate(cuts, start=1)
        ]

    async def _goes_on(self, search: Search, reading: Reading[R]) -> list[_Cut]:
        """Stretches of one search, oldest first, each begun where offsets end in the one before."""
        starts = [search.start]
        totals: list[int | None] = []
        while len(totals) < len(starts):
            page = await self._ask(search, Ask(starts[-1], search.end, reading.cap, 2))
            totals.append(page.total)
            cut = reading.cut_at(page, starts[-1], search.end)
            if cut is not None:
                starts.append(cut)
        return [
            (start, end, None if total is None or after is None else max(0, total - after))
            for start, end, total, after in zip(
                starts, [*starts[1:], search.end], totals, [*totals[1:], 0], strict=True
            )
        ]

    async def _halves(self, search: Search, reading: Reading[R]) -> list[_Cut]:
        """Stretches of one search whose order is not documented, each small enough to be read."""
        cuts: list[_Cut] = []
        pending = [(search.start, search.end)]
        whole: int | None = None
        before_end: timedelta | None = None
        while pending:
            start, end = pending.pop()
            asked = end if before_end is None or end is None or not pending else end - before_end
            page = await self._ask(search, Ask(start, asked, reading.cap, 2))
            cut = reading.cut_at(page, start, end)
            if cut is not None and before_end is None:
                whole, before_end = page.total, await self._before_end(search, reading, cut)
            if cut is None or before_end is None:
                cuts.append((start, end, page.total))
            else:
                pending += [(cut, end or LAST_MOMENT), (start or FIRST_MOMENT, cut)]
        if len(cuts) > 1:
            await self._add_up(search, cuts, whole)
        return cuts

    async def _before_end(self, search: Search, reading: Reading[R], moment: datetime) -> timedelta | None:
        """How far before the next window's start one must end so that they share nothing.

        None where the range is one of other times than the rows show: then a reader must find the way.
        """
        assert search.span is not None
        for width in (timedelta(0), search.span.unit):
            page = await self._ask(search, Ask(moment, moment + width, 0, 2))
            if page.rows:
                return search.span.unit - width if reading.all_lie_in(page.rows, moment, width) else None
        return None

    async def _add_up(self, search: Search, cuts: list[_Cut], whole: int | None) -> None:
        counts = [count for _, _, count in cuts if count is not None]
        if whole is None or len(counts) < len(cuts) or sum(counts) >= whole:
            return
        now = (await self._ask(search, Ask(search.start, search.end, 0, 2))).total
        if now is not None and sum(counts) < now:
            raise IncompleteError(
                f"the windows hold {sum(counts)} rows of the {now} that match: some have no time to cut by;"
                " iterate the pager instead, or narrow the filters",
                endpoint=self._endpoint.id,
                outcome="rejected",
                attempts=1,
            )

    def read(self, window: Window) -> "Pager[R]":
        """A pager over one window of a plan."""
        pager = copy.copy(self)
        clip = None if window.last else window.end
        search = Search(window.filters, window.range, window.start, window.end, clip)
        pager._searches = attrs.evolve(self._searches, each=[search])
        pager.report = Report()
        return pager

    async def _ask(self, search: Search, ask: Ask) -> Page[R]:
        unread = await self._searches.ask(search, ask)
        return unread(raw=False)
