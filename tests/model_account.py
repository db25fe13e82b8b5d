"""A model of a living account: a few rows, an order, a cap, and a service that answers asks from it.

It knows nothing of HTTP. Tests drive a `Reading` against it, thousands of times, at tiny caps.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import attrs

from convoso_async.endpoint import READ, SECOND, Endpoint, Paging, RangeFilter
from convoso_async.reading import Ask, Reading, Report
from convoso_async.rows import Page, Row, row

BEGIN = datetime(2026, 3, 1)


@row
class Event(Row):
    """A row with an id and a second."""

    id: str | None = None
    at: datetime | None = None


@attrs.define
class Account:
    """Rows by id, each with its second, and the ways in which a service may answer."""

    rows: dict[int, int]
    cap: int = 6
    end_inside: bool = True
    start_inside: bool = True
    page_cut: int | None = None
    totals: str = "true"
    order: str = "time"
    stable_ties: bool = True
    asks: list[Ask] = attrs.field(factory=list)

    def answer(self, ask: Ask) -> Page[Event]:
        """The page that the service gives."""
        self.asks.append(ask)
        assert ask.offset <= self.cap, "a request past the cap"
        assert ask.limit >= 2
        found = self.ordered(self.inside(ask.start, ask.end), descending=ask.descending)
        limit = ask.limit if self.page_cut is None else min(ask.limit, self.page_cut)
        rows = [event(key, at) for key, at in found[ask.offset : ask.offset + limit]]
        return Page(rows=rows, total=self.total(len(found)), offset=ask.offset, limit=limit)

    def inside(self, start: datetime | None, end: datetime | None) -> list[tuple[int, int]]:
        """The rows of a stretch, with the ends as this service counts them."""
        first = -(10**9) if start is None else int((start - BEGIN) / SECOND)
        last = 10**9 if end is None else int((end - BEGIN) / SECOND)
        return [
            (key, at)
            for key, at in self.rows.items()
            if (first <= at if self.start_inside else first < at)
            and (at <= last if self.end_inside else at < last)
        ]

    def ordered(self, found: Iterable[tuple[int, int]], *, descending: bool) -> list[tuple[int, int]]:
        """Rows in the order of this service: by time, or one that follows no time."""
        if self.order == "time":
            ascending = sorted(found, key=lambda row: (row[1], row[0]))
            if descending and not self.stable_ties:
                return sorted(found, key=lambda row: (-row[1], row[0]))
            return ascending[::-1] if descending else ascending
        if self.order == "newest":
            return sorted(found, key=lambda row: (-row[1], -row[0]))
        return sorted(found, key=lambda row: (row[0] * 7919) % 1009)

    def total(self, true: int) -> int | None:
        """The total that the service claims."""
        return {"true": true, "missing": None, "low": true // 2, "page": min(true, 2), "high": true + 1}[self.totals]


def event(key: int, at: int) -> Event:
    """The row of an id and a second."""
    return Event(id=str(key), at=BEGIN + timedelta(seconds=at))


def endpoint(account: Account, *, oldest_first: bool, windows: bool = True) -> Endpoint[Event]:
    """The declaration of the model's only call."""
    return Endpoint(
        id="model.read",
        path="/model",
        retry=READ,
        params=dict,
        result=Event,
        paging=Paging(
            limit_default=3,
            offset_max=account.cap,
            order="order" if oldest_first else None,
            oldest_first=oldest_first,
        ),
        ranges=(RangeFilter("start", "end", field="at"),) if windows else (),
    )


def read(
    account: Account,
    *,
    limit: int = 3,
    oldest_first: bool = True,
    windows: bool = True,
    start: int | None = -50,
    end: int | None = 1_000,
    between: Callable[[Account], object] = lambda account: None,
    most: int = 5_000,
) -> tuple[list[int], Report]:
    """The ids that a reading delivers from the account, which `between` changes after every answer."""
    call = endpoint(account, oldest_first=oldest_first, windows=windows)
    report = Report()
    reading = Reading(
        call,
        report,
        limit=limit,
        span=call.ranges[0] if windows else None,
        start=None if start is None else BEGIN + timedelta(seconds=start),
        end=None if end is None else BEGIN + timedelta(seconds=end),
    )
    delivered: list[int] = []
    steps = reading.steps()
    ask = next(steps)
    for _ in range(most):
        page = account.answer(ask)
        report.requests += 1
        between(account)
        try:
            ask = steps.send(page)
        except StopIteration:
            delivered += [int(row.id or 0) for row in reading.take_fresh()]
            return delivered, report
        delivered += [int(row.id or 0) for row in reading.take_fresh()]
    raise AssertionError("it does not end")
