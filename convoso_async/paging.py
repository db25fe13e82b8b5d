"""Pagers: all rows that match, one request at a time or several ahead, or as a plan for many readers."""

import asyncio
import copy
import operator
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, SupportsIndex, TypeVar

import attrs

from .endpoint import DAY, Endpoint, Paging, RangeFilter
from .errors import ConvosoAPIError, IncompleteError, PagingError
from .form import Form, Pairs
from .parameters import clock
from .reading import FIRST_MOMENT, LAST_MOMENT, Ask, Reading, Report, floor
from .rows import Page, Row

if TYPE_CHECKING:
    import pyarrow

R = TypeVar("R", bound=Row)
Unread = Callable[[], Page[R]]
"""A page whose reply is here, and whose rows are not made yet: they are when it is called."""
Fetch = Callable[[Endpoint[R], Pairs], Awaitable[Unread[R]]]

UNKNOWN_LIMIT = 1_000
"""Rows per page where the documentation names no maximum."""
OWN = ("order", "limit", "offset")
TURNS_TO_SEND = 2
"""Turns of the event loop after which a request that was started has gone out."""


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


@attrs.frozen
class _Part:
    """One filtered search of a read: its texts without the range, and its range."""

    texts: Mapping[str, str]
    span: RangeFilter | None
    start: datetime | None
    end: datetime | None
    clip: datetime | None = None


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
        self._endpoint = endpoint
        self._paging: Paging = endpoint.paging
        self._fetch = fetch
        filters = dict(params)
        partitions = filters.pop("partitions", None)
        self._page_size = page_size(endpoint.id, filters.pop("page_size", None), self._paging.limit_max)
        self._max_rows = whole(endpoint.id, "max_rows", filters.pop("max_rows", None))
        for name in OWN:
            if name in filters:
                raise TypeError(f"{endpoint.id}: {name} is the pager's own; for one page, leave out _all")
        self._zone = zone
        self._asked = [
            dict(form.pairs(chosen, zone)) for chosen in chosen_filters(endpoint.id, filters, partitions)
        ]
        self._parts = [part_of(endpoint, dict(texts), zone) for texts in self._asked]
        self.report = Report()

    # -- one request at a time ----------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[R]:
        """The rows, one by one."""
        return self._rows()

    async def _rows(self) -> AsyncIterator[R]:
        async for page in self.pages():
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
        run = _Run(self)
        while (page := await run.next_page()) is not None:
            yield page

    # -- several ahead ------------------------------------------------------------------------------

    def prefetch(self, requests: int = 8) -> "Prefetch[R]":
        """A context that reads ahead: so many requests in flight, rows still in order.

            async with pager.prefetch(8) as rows:
                async for row in rows: ...

        It holds at most the rows of the pages in flight. An error comes at its place in the order. Leaving
        the context ends all requests.
        """
        ahead = whole(self._endpoint.id, "requests", requests)
        if not ahead:
            raise ValueError(f"{self._endpoint.id}: requests must be 1 or more")
        return Prefetch(self, ahead)

    # -- a plan for many readers --------------------------------------------------------------------

    async def plan(self) -> list[Window]:
        """The read cut into windows that can be read apart, with `read`, on any machine.

        One request for each window and one more for each search; two for each window, where the order of
        rows is not documented. No row is delivered. Windows do not overlap: together they hold every row
        once, and one that still holds more than offsets reach is cut again by its reader.

        Raises IncompleteError where the windows do not add up to the whole, because some rows have no time.
        """
        return [window for part in self._parts for window in await self._windows(part)]

    async def _windows(self, part: _Part) -> list[Window]:
        reading = self._reading(part, Report())
        cuts = await (
            self._goes_on(part, reading) if self._paging.oldest_first else self._halves(part, reading)
        )
        return [
            Window(
                filters=part.texts,
                start=start,
                end=end,
                expected=expected,
                last=place == len(cuts),
                range=part.span,
            )
            for place, (start, end, expected) in enumerate(cuts, start=1)
        ]

    async def _goes_on(self, part: _Part, reading: Reading[R]) -> list[_Cut]:
        """Stretches of one search, oldest first, each begun where offsets end in the one before."""
        starts = [part.start]
        totals: list[int | None] = []
        while len(totals) < len(starts):
            page = await self._ask(part, Ask(starts[-1], part.end, reading.cap, 2))
            totals.append(page.total)
            cut = reading.cut_at(page, starts[-1], part.end)
            if cut is not None:
                starts.append(cut)
        return [
            (start, end, None if total is None or after is None else max(0, total - after))
            for start, end, total, after in zip(
                starts, [*starts[1:], part.end], totals, [*totals[1:], 0], strict=True
            )
        ]

    async def _halves(self, part: _Part, reading: Reading[R]) -> list[_Cut]:
        """Stretches of one search whose order is not documented, each small enough to be read."""
        cuts: list[_Cut] = []
        pending = [(part.start, part.end)]
        whole: int | None = None
        before_end: timedelta | None = None
        while pending:
            start, end = pending.pop()
            asked = end if before_end is None or end is None or not pending else end - before_end
            page = await self._ask(part, Ask(start, asked, reading.cap, 2))
            cut = reading.cut_at(page, start, end)
            if cut is not None and before_end is None:
                whole, before_end = page.total, await self._before_end(part, reading, cut)
            if cut is None or before_end is None:
                cuts.append((start, end, page.total))
            else:
                pending += [(cut, end or LAST_MOMENT), (start or FIRST_MOMENT, cut)]
        if len(cuts) > 1:
            await self._add_up(part, cuts, whole)
        return cuts

    async def _before_end(self, part: _Part, reading: Reading[R], moment: datetime) -> timedelta | None:
        """How far before the next window's start one must end so that they share nothing.

        None where the range is one of other times than the rows show: then a reader must find the way.
        """
        assert part.span is not None
        for width in (timedelta(0), part.span.unit):
            page = await self._ask(part, Ask(moment, moment + width, 0, 2))
            if page.rows:
                return part.span.unit - width if reading.all_lie_in(page.rows, moment, width) else None
        return None

    async def _add_up(self, part: _Part, cuts: list[_Cut], whole: int | None) -> None:
        counts = [count for _, _, count in cuts if count is not None]
        if whole is None or len(counts) < len(cuts) or sum(counts) >= whole:
            return
        now = (await self._ask(part, Ask(part.start, part.end, 0, 2))).total
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
        pager._parts = [_Part(window.filters, window.range, window.start, window.end, clip)]
        pager.report = Report()
        return pager

    # -- requests -----------------------------------------------------------------------------------

    def _reading(self, part: _Part, report: Report, seen: set[object] | None = None) -> Reading[R]:
        limit = self._page_size if self._max_rows is None else min(self._page_size, self._max_rows)
        return Reading(
            self._endpoint,
            report,
            limit=limit,
            span=part.span,
            start=part.start,
            end=part.end,
            clip=part.clip,
            most=self._max_rows,
            seen=seen,
        )

    async def _ask(self, part: _Part, ask: Ask) -> Page[R]:
        return (await self._asked_for(part, ask))()

    async def _asked_for(self, part: _Part, ask: Ask) -> Unread[R]:
        texts = dict(part.texts)
        if part.span is not None:
            for name, moment in ((part.span.start, ask.start), (part.span.end, ask.end)):
                if moment is not None:
                    texts[name] = moment.isoformat(" ", "seconds")[: 10 if part.span.unit == DAY else None]
        if self._paging.order is not None:
            texts[self._paging.order] = "desc" if ask.descending else "asc"
        texts["limit"], texts["offset"] = str(ask.limit), str(ask.offset)
        return await self._fetch(self._endpoint, list(texts.items()))


class _Run(Generic[R]):
    """One iteration of a pager, which asks for one page at a time."""

    def __init__(self, pager: Pager[R]) -> None:
        self._pager = pager
        self._report = pager.report = Report()
        self._left = pager._max_rows
        self._parts = deque(pager._parts)
        self._seen: set[object] | None = None if len(self._parts) == 1 else set()
        self._expected: list[int | None] = []
        self._failed: PagingError | None = None  # raised when the rows that came before are delivered
        self._begin_part()

    def _begin_part(self) -> None:
        self._part = self._parts.popleft()
        self._reading = self._pager._reading(self._part, self._report, self._seen)
        self._steps = self._reading.steps()
        self._next: Ask | None = next(self._steps)
        self._expected.append(None)

    async def next_page(self) -> Page[R] | None:
        """The next page with new rows, None at the end."""
        if self._left == 0:
            return None
        while self._next is not None:
            page = await self._answer(self._next)
            try:
                self._next = self._steps.send(page)
            except StopIteration:
                self._next = None
            except PagingError as error:
                self._next, self._failed = None, error
            page.rows = self._take()
            if self._next is None and self._failed is None and self._parts:
                self._begin_part()
            if page.rows:
                return page
        if self._failed is not None:
            raise self._failed
        self._report.complete = True
        return None

    def _take(self) -> list[R]:
        """The new rows, up to `max_rows`."""
        rows = self._reading.take_fresh()
        self._expected[-1] = self._reading.expected
        counts = [count for count in self._expected if count is not None]
        self._report.expected = sum(counts) if len(counts) == len(self._expected) else None
        if self._left is not None:
            rows = rows[: self._left]
            self._left -= len(rows)
        self._report.rows += len(rows)
        return rows

    async def _answer(self, ask: Ask) -> Page[R]:
        """The page asked for; smaller ones when the service refuses the size."""
        while True:
            try:
                return await self._send(ask)
            except ConvosoAPIError as refused:
                about_size = "limit" in f"{refused.description} {refused.text}".lower()
                if not about_size or not self._reading.smaller_pages():
                    raise
                ask = attrs.evolve(ask, limit=self._reading.limit)

    async def _send(self, ask: Ask) -> Page[R]:
        self._report.requests += 1
        return await self._pager._ask(self._part, ask)


class Prefetch(_Run[R]):
    """Rows read ahead. Made by `Pager.prefetch`; an async context manager and an async iterator."""

    def __init__(self, pager: Pager[R], requests: int) -> None:
        super().__init__(pager)
        self._requests = requests
        self._ahead: deque[_Sent[R]] = deque()
        self._look: _Sent[R] | None = None
        self._dropped: list[_Sent[R]] = []
        self._rows: deque[R] = deque()
        self._open = False
        self._turn = asyncio.Lock()  # several tasks may take rows

    async def __aenter__(self) -> Self:
        """The rows, to iterate over."""
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends all requests, and waits until they have ended."""
        self._open = False
        await self._drop()

    def __aiter__(self) -> AsyncIterator[R]:
        """The rows, one by one."""
        return self

    async def __anext__(self) -> R:
        """The next row. Several tasks may share the rows."""
        if not self._open:
            raise RuntimeError("prefetch is a context: async with pager.prefetch(8) as rows: ...")
        while not self._rows:
            async with self._turn:
                if not self._rows:
                    page = await self.next_page()
                    if page is None:
                        raise StopAsyncIteration
                    self._rows.extend(page.rows)
        return self._rows.popleft()

    async def _send(self, ask: Ask) -> Page[R]:
        if not self._ahead or not self._ahead[0].is_for(self._part, ask):
            self._forget_from(0)
            self._ahead.append(self._start(ask))
        self._fill(ask, self._requests - 1)
        try:
            page = await asyncio.shield(self._ahead[0].task)
        except Exception:
            self._ahead.popleft()
            raise
        self._look_ahead()
        self._fill(ask, self._requests)
        for _ in range(TURNS_TO_SEND):  # the requests go out before this page takes its time
            await asyncio.sleep(0)
        self._ahead.popleft()
        return page()

    def _fill(self, ask: Ask, beyond: int) -> None:
        """Starts what will be asked after `ask`, as far as it can be told, and forgets what will not be."""
        wanted = list(islice(self._reading.upcoming(ask), beyond))
        kept = 1
        while kept < len(self._ahead) and kept <= len(wanted) and self._ahead[kept].ask == wanted[kept - 1]:
            kept += 1
        self._forget_from(kept)
        free = beyond + 1 - kept - (self._look is not None)
        self._ahead.extend(self._start(following) for following in wanted[kept - 1 :][: max(0, free)])

    def _forget_from(self, place: int) -> None:
        """Ends requests whose pages will not be asked for."""
        self._dropped = [sent for sent in self._dropped if not sent.task.done()]
        while len(self._ahead) > place:
            self._dropped.append(self._ahead.pop().cancelled())

    def _look_ahead(self) -> None:
        """Learns where the next window begins before this one is read, so that no request waits for it."""
        look = self._look
        if look is not None and look.task.done():
            self._look = None
            failed = look.task.cancelled() or look.task.exception() is not None
            if look.part is self._part:
                self._reading.looked_ahead(look.ask, None if failed else look.task.result()())
        elif look is None and self._requests > 2:  # of two, one would wait for it
            ask = self._reading.look_ahead(self._requests)
            self._look = self._start(ask) if ask is not None else None

    def _start(self, ask: Ask) -> "_Sent[R]":
        self._report.requests += 1
        task = asyncio.ensure_future(self._pager._asked_for(self._part, ask))
        task.add_done_callback(_retrieved)
        return _Sent(self._part, ask, task)

    async def _drop(self) -> None:
        """Ends what is in flight, and waits until it has ended."""
        self._forget_from(0)
        if self._look is not None:
            self._dropped.append(self._look)
            self._look = None
        await asyncio.gather(*(sent.cancelled().task for sent in self._dropped), return_exceptions=True)
        self._dropped.clear()


def _retrieved(task: "asyncio.Future[Unread[R]]") -> None:
    """Marks an error as seen: a page that is dropped must not warn of it."""
    if not task.cancelled():
        task.exception()


@attrs.frozen
class _Sent(Generic[R]):
    """A request in flight."""

    part: _Part
    ask: Ask
    task: "asyncio.Future[Unread[R]]"

    def is_for(self, part: _Part, ask: Ask) -> bool:
        """Whether this is the request for a page of a search, and will have an answer."""
        return part is self.part and ask == self.ask and not self.task.cancelled()

    def cancelled(self) -> Self:
        """Itself, told to end."""
        self.task.cancel()
        return self


def chosen_filters(
    call: str, filters: Mapping[str, object], partitions: object
) -> Sequence[Mapping[str, object]]:
    """The filters of each search of a read: one, or one for each partition."""
    if partitions is None:
        return [filters]
    if isinstance(partitions, str | bytes | Mapping) or not isinstance(partitions, Sequence):
        raise TypeError(f"{call}: partitions must be a list of mappings of filters")
    if not partitions:
        raise ValueError(f"{call}: partitions is empty; leave it out to read one search")
    chosen = []
    for place, partition in enumerate(partitions):
        if not isinstance(partition, Mapping):
            raise TypeError(f"{call}: partitions[{place}] must be a mapping of filters")
        twice = sorted(set(partition) & {name for name, value in filters.items() if value is not None})
        own = sorted(set(partition) & {*OWN, "page_size", "max_rows", "partitions"})
        if twice or own:
            raise ValueError(f"{call}: partitions[{place}] must not hold {', '.join(twice or own)}")
        chosen.append({**filters, **partition})
    return chosen


def part_of(endpoint: Endpoint[R], texts: dict[str, str], zone: tzinfo) -> _Part:
    """A search with its range taken out of its texts: the caller's own range filter, where it has one.

    Both ends are fixed where the service may read only today without them; else an open end stays open.
    """
    paging = endpoint.paging
    assert paging is not None
    spans = [span for span in endpoint.ranges if span.field is not None]
    span = next((one for one in spans if one.start in texts or one.end in texts), spans[0] if spans else None)
    if span is None:
        return _Part(texts, None, None, None)
    start, end = (
        moment_of(endpoint.id, name, texts.pop(name, None), zone, span.unit)
        for name in (span.start, span.end)
    )
    if paging.oldest_first:
        start = start or FIRST_MOMENT
        end = end or max(start, latest(zone, span.unit))
    return _Part(texts, span, start, end)


def latest(zone: tzinfo, unit: timedelta) -> datetime:
    """The present on the account's clock. While it shows an hour again, the first run is not over before its
    end.
    """
    now = datetime.now(zone)
    shown = now.replace(tzinfo=None) + timedelta(hours=now.fold)
    return floor(shown, unit)


def moment_of(call: str, name: str, text: str | None, zone: tzinfo, unit: timedelta) -> datetime | None:
    """A bound of a range on the account's clock."""
    if text is None:
        return None
    moment = clock(text, zone, ends_range="end" in name)
    if moment is None:
        raise ValueError(f"{call}: {name} must be a date or a time such as 2026-03-31 09:00:00")
    return floor(moment, unit)


def whole(call: str, name: str, value: object) -> int | None:
    """A whole number of rows, or None. Raises TypeError and ValueError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{call}: {name} must be an int, not {type(value).__name__}")
    number = operator.index(value)
    if number < 0:
        raise ValueError(f"{call}: {name} must be 0 or more, not {number}")
    return number


def page_size(call: str, value: object, largest: int | None) -> int:
    """Rows per page: the largest that the call gives, unless the caller wants fewer."""
    size = whole(call, "page_size", value)
    if size is None:
        return largest or UNKNOWN_LIMIT
    if size < 1 or (largest is not None and size > largest):
        most = f"1 to {largest}" if largest else "1 or more"
        raise ValueError(f"{call}: page_size must be {most}, not {size}")
    return size
