"""A model of a living account: a few rows, an order, a cap, and a service that answers asks from it.

It knows nothing of HTTP. Tests drive a `Reading` or a `Pager` against it, thousands of times, at tiny caps.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypedDict

import attrs

from convoso_async.endpoint import DAY, READ, SECOND, Endpoint, Paging, RangeFilter
from convoso_async.form import Form, Pairs
from convoso_async.paging import Pager
from convoso_async.parameters import Until, When
from convoso_async.reading import Ask, Reading, Report
from convoso_async.rows import Page, Row, row
from convoso_async.search import Unread

BEGIN = datetime(2026, 3, 1)
STEPS_A_DAY = 4
"""A row's time is a whole number of seconds or, where the service knows only days, of quarters of a day."""


@row
class Event(Row):
    """A row with an id and a time. `mark` tells apart those that a service gives without ids."""

    id: str | None = None
    at: datetime | None = None
    other: datetime | None = None
    mark: str | None = None


class EventPage(TypedDict, total=False):
    """What the model's call takes."""

    start: When | None
    end: Until | None
    group: str | None
    order: str | None
    limit: int | None
    offset: int | None


@attrs.define
class Account:
    """Rows by id, each with its time, and the ways in which a service may answer.

    Attributes:
        cap: the largest offset, as documented.
        real_cap: the largest that gets rows, where it is another one; beyond it pages are empty.
        order: `time` with ids for equal times, `newest`, or one that follows no time, `mixed`.
        turns: whether newest first turns equal times round too.
        ids: whether rows come with ids.
        untimed: ids of rows without a time, which lie in no range.
        other_time: whether the range tests another time than the row is thought to show.
    """

    rows: dict[int, int]
    cap: int = 6
    real_cap: int | None = None
    days: bool = False
    end_inside: bool = True
    start_inside: bool = True
    page_cut: int | None = None
    totals: str = "true"
    order: str = "time"
    turns: bool = True
    ids: bool = True
    untimed: frozenset[int] = frozenset()
    other_time: bool = False
    asks: list[Ask] = attrs.field(factory=list)

    @property
    def unit(self) -> timedelta:
        """The resolution of the range."""
        return DAY if self.days else SECOND

    def answer(self, ask: Ask, group: str | None = None) -> Page[Event]:
        """The page that the service gives."""
        self.asks.append(ask)
        assert ask.offset <= self.cap, "a request past the cap"
        assert ask.limit >= 2
        assert ask.start is None or ask.end is None or ask.start <= ask.end, (
            "a range that ends before it starts"
        )
        groups = None if group is None else {int(number) for number in group.split(",")}
        found = [
            (key, at) for key, at in self.inside(ask.start, ask.end) if groups is None or key % 3 in groups
        ]
        found = self.ordered(found, descending=ask.descending)
        limit = ask.limit if self.page_cut is None else min(ask.limit, self.page_cut)
        if self.real_cap is not None and ask.offset > self.real_cap:
            limit = 0
        rows = [self.event(key, at) for key, at in found[ask.offset : ask.offset + limit]]
        return Page(rows=rows, total=self.total(len(found)), offset=ask.offset, limit=limit)

    def inside(self, start: datetime | None, end: datetime | None) -> list[tuple[int, int]]:
        """The rows of a stretch, with the ends as this service counts them."""
        if start is None and end is None:
            return list(self.rows.items())
        first = -(10**9) if start is None else (start - BEGIN) // self.unit
        last = 10**9 if end is None else (end - BEGIN) // self.unit
        return [
            (key, at)
            for key, at in self.rows.items()
            if key not in self.untimed
            and (first <= self.place(key) if self.start_inside else first < self.place(key))
            and (self.place(key) <= last if self.end_inside else self.place(key) < last)
        ]

    def place(self, key: int) -> int:
        """The second, or day, of a row, as the range tests it."""
        at = self.rows[key] if not self.other_time else key % 29 - 40
        return at // STEPS_A_DAY if self.days else at

    def busiest(self) -> int:
        """How many rows share one second, or day."""
        return max(Counter(self.place(key) for key in self.rows).values(), default=0)

    def ordered(self, found: Iterable[tuple[int, int]], *, descending: bool) -> list[tuple[int, int]]:
        """Rows in the order of this service."""
        if self.order == "time":
            ascending = sorted(found, key=lambda row: (row[1], row[0]))
            if descending and not self.turns:
                return sorted(found, key=lambda row: (-row[1], row[0]))
            return ascending[::-1] if descending else ascending
        if self.order == "newest":
            return sorted(found, key=lambda row: (-row[1], -row[0]))
        return sorted(found, key=lambda row: (row[0] * 7919) % 1009)

    def total(self, true: int) -> int | None:
        """The total that the service claims."""
        return {"true": true, "missing": None, "low": true // 2, "page": min(true, 2), "high": true + 1}[
            self.totals
        ]

    def event(self, key: int, at: int) -> Event:
        """The row of an id and a time."""
        moment = BEGIN + at * (DAY / STEPS_A_DAY if self.days else SECOND)
        return Event(
            id=str(key) if self.ids else None,
            at=None if key in self.untimed else moment.replace(tzinfo=UTC),
            mark=str(key),
        )


@attrs.define
class Life:
    """Changes an account between two answers, and remembers which rows lived through it all."""

    account: Account
    seed: int
    busy: float
    latest: int = 30
    cuts: bool = False
    survivors: set[int] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.survivors = set(self.account.rows)
        self._next_id = max([1_000, *self.account.rows])

    _random: random.Random = attrs.field(init=False)
    _next_id: int = attrs.field(init=False)

    def __call__(self, account: Account) -> None:
        if self.cuts and self._random.random() < 0.2:
            account.page_cut = self._random.choice([None, 2, 3, 5])
        while self._random.random() < self.busy:
            change = self._random.choice(["insert", "late", "hot", "delete", "both"])
            if change in ("delete", "both") and account.rows:
                gone = self._random.choice(list(account.rows))
                del account.rows[gone]
                self.survivors.discard(gone)
            if change != "delete":
                self._next_id += 1
                account.rows[self._next_id] = self._time(account, change)

    def _time(self, account: Account, change: str) -> int:
        times = list(account.rows.values())
        if change == "hot" and times:
            return self._random.choice(times)
        return self._random.randint(0, 3 if change == "late" else self.latest)


def nothing(account: Account) -> None:
    """An account that stands still."""


def endpoint(account: Account, *, oldest_first: bool = True, windows: bool = True) -> Endpoint[Event]:
    """The declaration of the model's only call. One of days has no order to ask for."""
    return Endpoint(
        id="model.read",
        path="/model",
        retry=READ,
        params=EventPage,
        result=Event,
        paging=Paging(
            limit_default=3,
            offset_max=account.cap,
            order="order" if oldest_first and not account.days else None,
            oldest_first=oldest_first,
        ),
        ranges=(RangeFilter("start", "end", unit=account.unit, field="at"),) if windows else (),
    )


def read(
    account: Account,
    *,
    limit: int = 3,
    oldest_first: bool = True,
    windows: bool = True,
    start: int | None = -50,
    end: int | None = 1_000,
    between: Callable[[Account], object] = nothing,
    most: int = 5_000,
    kind: type[Reading[Event]] = Reading,
) -> tuple[list[int], Report]:
    """The ids that a reading delivers from the account, which `between` changes after every answer."""
    call = endpoint(account, oldest_first=oldest_first, windows=windows)
    report = Report()
    reading = kind(
        call,
        report,
        limit=limit,
        span=call.ranges[0] if windows else None,
        start=None if start is None else BEGIN + start * account.unit,
        end=None if end is None else BEGIN + end * account.unit,
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
            delivered += numbers(reading.take_fresh())
            return delivered, report
        delivered += numbers(reading.take_fresh())
    raise AssertionError("it does not end")


def numbers(rows: Iterable[Event]) -> list[int]:
    """The ids of rows."""
    return [int(row.mark or 0) for row in rows]


@attrs.define
class Service:
    """The account behind a `Pager`: each request waits for a few turns of the loop, before and after.

    With `rounds`, requests are answered together, when no more come: the numbers of those that were.
    """

    account: Account
    seed: int = 0
    between: Callable[[Account], object] = nothing
    slow: bool = True
    in_flight: int = 0
    in_flight_max: int = 0
    rounds: list[int] | None = None
    requests: int = 0
    _waiting: list[asyncio.Future[None]] = attrs.field(factory=list)

    async def fetch(self, call: Endpoint[Event], pairs: Pairs, *, later: bool = False) -> Unread[Event]:
        """What `Resource._unread_page` gives."""
        chance = random.Random(f"{self.seed} {self.requests}")
        self.requests += 1
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        try:
            await self._wait(chance)
            if self.rounds is not None:
                await self._round()
            texts = dict(pairs)
            ask = Ask(
                moment(texts.get("start")),
                moment(texts.get("end")),
                int(texts["offset"]),
                int(texts["limit"]),
                texts.get("order") == "desc",
            )
            page = self.account.answer(ask, texts.get("group"))
            self.between(self.account)
            await self._wait(chance)
            return lambda *, raw: page
        finally:
            self.in_flight -= 1

    async def _round(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer_all, 50)
        self._waiting.append(loop.create_future())
        await self._waiting[-1]

    def _answer_all(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._answer_all, turns - 1)
            return
        waiting = [future for future in self._waiting if not future.done()]
        self._waiting.clear()
        assert self.rounds is not None
        self.rounds.append(len(waiting))
        for future in waiting:
            future.set_result(None)

    async def _wait(self, chance: random.Random) -> None:
        for _ in range(chance.randrange(4) if self.slow else 0):
            await asyncio.sleep(0)

    def pager(self, *, oldest_first: bool = True, windows: bool = True, **params: object) -> Pager[Event]:
        """A pager over the account, its whole range unless `params` say otherwise."""
        call = endpoint(self.account, oldest_first=oldest_first, windows=windows)
        if oldest_first and windows:
            unit = self.account.unit
            params = {"start": BEGIN - 50 * unit, "end": BEGIN + 1_000 * unit, **params}
        return Pager(call, params, self.fetch, Form(call), UTC)


def moment(text: str | None) -> datetime | None:
    """A bound as it is sent."""
    return None if text is None else datetime.fromisoformat(text)


def run(work: Callable[[], Awaitable[list[int]]]) -> list[int]:
    """What a coroutine gives in a loop of its own, which must be left without a task."""

    async def main() -> list[int]:
        try:
            return await work()
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(main())
