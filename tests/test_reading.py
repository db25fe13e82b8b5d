"""The rule of a complete export, held against a model of a living account at tiny caps.

Every row that existed from beginning to end, inside the range, is delivered exactly once, or the reading
raises. No id twice. No request past the cap. It ends.

`HARD=100` in the environment runs a hundred times as many examples.
"""

import os
import random
from collections.abc import Callable, Generator
from math import ceil

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from convoso_async.endpoint import SECOND
from convoso_async.errors import IncompleteError, OffsetCapError, PagingError, WindowTooDenseError
from convoso_async.known import Recent, Seen
from convoso_async.reading import Ask, Reading
from convoso_async.rows import Page

from .model_account import BEGIN, Account, Event, Life, Service, numbers, read, run

times = st.integers(0, 30) | st.sampled_from([5, 5, 6, 7])  # hot seconds
rows = st.dictionaries(st.integers(1, 400), times, max_size=60)
ORDERS = st.sampled_from(["time", "newest", "mixed"])
calm = {
    "cap": st.integers(3, 12),
    "days": st.booleans(),
    "end_inside": st.booleans(),
    "ids": st.booleans(),
    "totals": st.sampled_from(["true", "missing", "low", "page"]),
}
page_cuts = st.none() | st.integers(2, 4)
sizes = st.integers(2, 9)


def examples(count: int) -> settings:
    """So many examples, or more when asked to run hard."""
    return settings(max_examples=count * int(os.environ.get("HARD", "1")))


def accounts(**more: st.SearchStrategy[object]) -> st.SearchStrategy[Account]:
    """Accounts with any rows and any way to answer."""
    return st.builds(Account, rows=rows, **calm, **more)


def dense(account: Account) -> int:
    """The rows in one second, or day, that offsets are promised to reach."""
    return account.cap if account.days else 2 * account.cap


# -- an account that stands still -------------------------------------------------------------------


@examples(250)
@given(accounts(page_cut=page_cuts, start_inside=st.booleans()), sizes)
def test_everything_is_delivered_once(account: Account, limit: int) -> None:
    try:
        delivered, report = read(account, limit=limit)
    except WindowTooDenseError:
        assert account.busiest() > dense(account) or not account.start_inside
        return
    assert delivered == [key for key, _ in account.ordered(account.rows.items(), descending=False)]
    assert report.requests == len(account.asks)


@examples(150)
@given(accounts(), sizes, sizes, page_cuts)
def test_the_result_does_not_depend_on_the_page_size(
    account: Account, one: int, other: int, page_cut: int | None
) -> None:
    try:
        first, _ = read(account, limit=one)
        account.page_cut = page_cut
        second, _ = read(account, limit=other)
    except WindowTooDenseError:
        assert account.busiest() > dense(account)
        return
    assert first == second


@examples(250)
@given(accounts(order=ORDERS, page_cut=page_cuts), sizes, st.sampled_from([None, -50]))
def test_a_call_without_a_documented_order(account: Account, limit: int, start: int | None) -> None:
    try:
        delivered, _ = read(account, limit=limit, oldest_first=False, start=start, end=None)
    except WindowTooDenseError:
        assert account.busiest() > account.cap
        return
    assert sorted(account.rows) == sorted(delivered)


@examples(100)
@given(accounts(order=ORDERS, other_time=st.just(True)), sizes)
def test_a_range_of_other_times_than_the_rows_show(account: Account, limit: int) -> None:
    try:
        delivered, _ = read(account, limit=limit, oldest_first=False, start=None, end=None, most=20_000)
    except WindowTooDenseError:
        return
    assert sorted(account.rows) == sorted(delivered)


@examples(100)
@given(accounts(order=ORDERS, untimed=st.frozensets(st.integers(1, 400), min_size=1)), sizes)
def test_rows_without_a_time_are_delivered_or_missed(account: Account, limit: int) -> None:
    account.totals = "true"
    try:
        delivered, _ = read(account, limit=limit, oldest_first=False, start=None, end=None)
    except PagingError:
        return
    assert sorted(account.rows) == sorted(delivered)


@pytest.mark.parametrize("untimed", [2, 8])
def test_without_totals_a_row_without_a_time_is_told_of(untimed: int) -> None:
    """Only those among the first rows can be seen: the others lie in no range that could be asked for."""
    account = Account(
        rows={key: key for key in range(1, 30)}, untimed=frozenset({untimed, 29}), totals="missing"
    )
    with pytest.raises(IncompleteError, match="some rows have no time, and without a total"):
        read(account, limit=3, oldest_first=False, start=None, end=None)


@examples(100)
@given(accounts(order=ORDERS, real_cap=st.integers(1, 8)), sizes, st.booleans())
def test_a_cap_below_the_documented_one_is_noticed(account: Account, limit: int, oldest_first: bool) -> None:
    if oldest_first:
        account.order = "time"
    end = 1_000 if oldest_first else None
    try:
        delivered, _ = read(
            account, limit=limit, oldest_first=oldest_first, start=-50 if end else None, end=end
        )
    except PagingError:
        return
    assert sorted(account.rows) == sorted(delivered)


@examples(100)
@given(accounts(order=st.just("newest")), sizes)
def test_a_service_that_ignores_the_order_asked_for(account: Account, limit: int) -> None:
    account.rows = {key: key for key in account.rows}  # a second as large as the reach would hide it
    try:
        delivered, _ = read(account, limit=limit)
    except PagingError:
        return
    assert sorted(account.rows) == sorted(delivered)


# -- a living account -------------------------------------------------------------------------------

busy = st.sampled_from([0.2, 0.5, 0.7])


@examples(500)
@given(accounts(page_cut=page_cuts), sizes, st.integers(), busy, st.booleans())
def test_a_living_account(account: Account, limit: int, seed: int, busy: float, cuts: bool) -> None:
    life = Life(account, seed, busy, cuts=cuts)
    try:
        delivered, _ = read(account, limit=limit, between=life)
    except PagingError:
        return
    assert len(delivered) == len(set(delivered))
    assert life.survivors <= set(delivered)


@examples(500)
@given(accounts(order=ORDERS), sizes, st.integers(), busy, st.booleans())
def test_a_living_account_in_an_undocumented_order(
    account: Account, limit: int, seed: int, busy: float, cuts: bool
) -> None:
    life = Life(account, seed, busy, cuts=cuts)
    try:
        delivered, _ = read(account, limit=limit, between=life, oldest_first=False, start=None, end=None)
    except PagingError:
        return
    assert len(delivered) == len(set(delivered))
    assert life.survivors <= set(delivered)


def test_how_often_a_living_account_is_read_to_its_end() -> None:
    complete = 0
    for seed in range(200):
        account = Account(rows={key: key % 40 for key in range(1, 80)}, cap=9)
        life = Life(account, seed, 0.3)
        try:
            delivered, _ = read(account, limit=5, between=life)
        except PagingError:
            continue
        complete += life.survivors <= set(delivered)
    assert complete > 195


# -- several requests at once, partitions, plans ----------------------------------------------------


@examples(150)
@given(
    accounts(order=ORDERS, page_cut=page_cuts),
    sizes,
    st.integers(1, 9),
    st.integers(0, 100),
    st.sampled_from([0.0, 0.0, 0.1, 0.5]),
    st.booleans(),
)
def test_prefetch_keeps_the_promise(
    account: Account, limit: int, ahead: int, seed: int, busy: float, oldest_first: bool
) -> None:
    if oldest_first:
        account.order = "time"
    life = Life(account, seed, busy)
    still = account.ordered(account.rows.items(), descending=False)
    service = Service(account, seed, life)
    pager = service.pager(oldest_first=oldest_first, page_size=limit)

    async def work() -> list[int]:
        async with pager.prefetch(ahead) as rows:
            return numbers([row async for row in rows])

    try:
        delivered = run(work)
    except WindowTooDenseError:
        assert busy or account.busiest() > (dense(account) if oldest_first else account.cap)
        return
    except PagingError:
        assert busy
        return
    assert service.in_flight == 0
    assert service.in_flight_max <= ahead
    assert len(delivered) == len(set(delivered))
    assert life.survivors <= set(delivered)
    assert pager.report.complete
    assert pager.report.requests >= len(account.asks)  # those that were dropped in time were never answered
    if not busy and oldest_first:
        assert delivered == [key for key, _ in still]


@examples(100)
@given(accounts(order=ORDERS), sizes, st.booleans(), st.randoms(use_true_random=False))
def test_the_windows_of_a_plan_hold_every_row_once(
    account: Account, limit: int, oldest_first: bool, chance: random.Random
) -> None:
    if oldest_first:
        account.order = "time"
    service = Service(account, slow=False)
    pager = service.pager(oldest_first=oldest_first, page_size=limit)

    async def work() -> list[int]:
        windows = await pager.plan()
        counts = [window.expected for window in windows]
        order = list(range(len(windows)))
        chance.shuffle(order)
        read: list[list[int]] = [[] for _ in windows]
        for place in order:
            read[place] = numbers(await pager.read(windows[place]).collect())
        if account.totals == "true":
            assert sorted(map(len, read)) == sorted(counts)  # type: ignore[type-var]  # all are counted
        return [number for part in read for number in part]

    try:
        delivered = run(work)
    except WindowTooDenseError:
        assert account.busiest() > (dense(account) if oldest_first else account.cap)
        return
    except IncompleteError:
        assert account.totals in ("low", "page")  # windows of an undocumented order must add up
        return
    assert sorted(account.rows) == sorted(delivered)
    if oldest_first:
        assert delivered == [key for key, _ in account.ordered(account.rows.items(), descending=False)]


@pytest.mark.parametrize("oldest_first", [True, False])
def test_partitions_that_overlap_deliver_nothing_twice(oldest_first: bool) -> None:
    account = Account(rows={key: key % 7 for key in range(1, 60)})
    service = Service(account)
    partitions = [{"group": "0"}, {"group": "0,1"}, {"group": "2"}]
    pager = service.pager(oldest_first=oldest_first, partitions=partitions)

    async def work() -> list[int]:
        return numbers(await pager.collect())

    assert sorted(account.rows) == sorted(run(work))
    assert pager.report.rows == 59
    assert pager.report.duplicates >= 19
    assert pager.report.complete


# -- equal times ------------------------------------------------------------------------------------


@pytest.mark.parametrize("totals", ["true", "missing", "low"])
@pytest.mark.parametrize("end_inside", [True, False])
@pytest.mark.parametrize("last", [5, 9])
def test_a_hot_second_up_to_twice_the_reach(end_inside: bool, totals: str, last: int) -> None:
    account = Account(rows=dict.fromkeys(range(1, 13), 5) | {90: 0, 91: 5, 92: last}, end_inside=end_inside)
    account.totals = totals
    delivered, _ = read(account, limit=3, end=last if end_inside else last + 1)
    assert delivered == [90, *range(1, 13), 91, 92]


@pytest.mark.parametrize("end_inside", [True, False])
def test_a_second_past_twice_the_reach_is_told_of_when_all_else_is_read(end_inside: bool) -> None:
    account = Account(rows=dict.fromkeys(range(1, 40), 5) | {90: 0, 91: 6, 92: 7}, end_inside=end_inside)
    delivered: list[int] = []
    with pytest.raises(
        WindowTooDenseError,
        match="39 rows share one second, 2026-03-01 00:00:05, and offsets reach 9 of them from each end",
    ):
        run(lambda: collect(account, delivered))
    assert {90, 91, 92} <= set(delivered)
    assert len(delivered) == len(set(delivered))


async def collect(account: Account, delivered: list[int], **params: object) -> list[int]:
    """Reads into a list, which shows what was delivered before an error."""
    async for row in Service(account).pager(page_size=3, **params):
        delivered.append(int(row.mark or 0))
    return delivered


def test_a_day_past_the_reach_is_told_of_when_all_else_is_read() -> None:
    account = Account(rows=dict.fromkeys(range(1, 40), 5) | {90: 0, 91: 9, 92: 13}, days=True)
    delivered: list[int] = []
    with pytest.raises(
        WindowTooDenseError, match="39 rows share one day, 2026-03-02, and offsets reach 9 of them;"
    ):
        run(lambda: collect(account, delivered))
    assert {90, 91, 92} <= set(delivered)


def test_a_second_past_the_reach_in_an_undocumented_order() -> None:
    account = Account(rows=dict.fromkeys(range(1, 40), 5) | {90: 0, 91: 6, 92: 7}, order="mixed")
    delivered: list[int] = []
    with pytest.raises(WindowTooDenseError, match="39 rows share one second, 2026-03-01 00:00:05"):
        run(lambda: collect(account, delivered, oldest_first=False))
    assert {90, 91, 92} <= set(delivered)


@pytest.mark.parametrize("totals", ["true", "missing", "low", "page"])
def test_a_hot_second_whose_ties_do_not_turn_round_is_never_short(totals: str) -> None:
    account = Account(rows=dict.fromkeys(range(1, 15), 5), turns=False, totals=totals)
    with pytest.raises(WindowTooDenseError):
        read(account, limit=3)


@pytest.mark.parametrize("ids", [True, False])
def test_rows_of_one_second_may_come_in_another_order(ids: bool) -> None:
    def event(mark: str) -> Event:
        return Event(id=mark if ids else None, at=BEGIN, mark=mark)

    known: Recent[Event] = Recent("id", lambda row: row.at, SECOND)
    first, middle, last, late, new = map(event, ("1", "2", "3", "4", "5"))
    assert known.take([first, middle, last], 0) == ([first, middle, last], True)
    page = [late, last, first, middle, new]
    assert known.joint(page, begins=True) == 2
    assert known.take(page, 2) == ([late, new], True)


# -- mutants ----------------------------------------------------------------------------------------


class NoOverlap(Reading[Event]):
    """Goes on after the last row, and believes whatever comes."""

    def _stretch(self) -> Generator[Ask, Page[Event], bool]:
        while True:
            page = yield from self._get(Ask(self.start, self.end, self.offset, self.limit))
            self._hand_out(row for row in page.rows if not self._known.has(row))
            self._known.take(page.rows, 0)
            self.offset += len(page.rows)
            if not page.rows or (page.total is not None and self.offset >= page.total):
                return True
            if self.offset > self.cap:
                return False


class OnlyTotals(Reading[Event]):
    """Steps back when the total moved; else it believes that nothing did."""

    def _stretch(self) -> Generator[Ask, Page[Event], bool]:
        self._known.joint = self._believe  # type: ignore[method-assign]
        return (yield from super()._stretch())

    def _count(self, page: Page[Event]) -> None:
        self._moved = self.total is not None and page.total != self.total
        super()._count(page)

    def _believe(self, rows: list[Event], *, begins: bool) -> int | None:
        return None if self._moved and not begins else 0 if begins else 1


class CountsWhatIsLeftBehind(Reading[Event]):
    """Leaves a part behind when it counts as many rows as were read of it."""

    def _is_read(
        self, known: Seen[Event], *args: object, **more: object
    ) -> Generator[Ask, Page[Event], bool]:
        known.is_here = lambda row: True  # type: ignore[method-assign]
        try:
            return (yield from super()._is_read(known, *args, **more))  # type: ignore[arg-type]
        finally:
            del known.is_here


class MeetsAnywhere(Reading[Event]):
    """Takes a second as read when the two readings of it share any row."""

    def _dense(self, known: Recent[Event], unit: object) -> Generator[Ask, Page[Event], bool]:
        known.is_last = lambda row: True  # type: ignore[method-assign]
        try:
            return (yield from super()._dense(known, unit))  # type: ignore[arg-type]
        finally:
            del known.is_last


class BelievesTheTotal(Reading[Event]):
    """Stops where the total says that it is the end."""

    def _at_end(self, page: Page[Event], place: int) -> Generator[Ask, Page[Event], bool]:
        return True
        yield

    def _deliver(self, rows: list[Event], joint: int) -> bool:
        if self.total is not None and self.offset + len(rows) >= self.total:
            del rows[1:]
        return super()._deliver(rows, joint)


def crowded(seed: int) -> Account:
    """A second with more rows than offsets reach, some before it and after."""
    return Account(rows=dict(enumerate([4] * 3 + [5] * 18 + [6] * 3, 1)))


def spread(seed: int) -> Account:
    """Rows over half a minute, in windows of several pages."""
    return Account(rows={key: (key * 31 + seed) % 30 for key in range(1, 80)}, cap=24)


def few(seed: int) -> Account:
    """So few rows that some by chance rise in time."""
    return Account(rows={key: (key * seed) % 31 for key in range(1, 8)}, cap=3)


def loses(seed: int, kind: type[Reading[Event]], account: Account, limit: int, busy: float) -> bool:
    """Whether a reading lost a row, or delivered one twice, and did not say so."""
    oldest_first = account.order == "time"
    life = Life(account, seed, busy)
    bounds = {} if oldest_first else {"start": None, "end": None}
    try:
        delivered, _ = read(
            account, limit=limit, between=life, oldest_first=oldest_first, kind=kind, **bounds
        )
    except PagingError:
        return False
    return len(delivered) > len(set(delivered)) or not life.survivors <= set(delivered)


@pytest.mark.parametrize(
    ("mutant", "make", "how", "limit", "busy"),
    [
        (NoOverlap, spread, {}, 4, 0.3),
        (OnlyTotals, spread, {}, 4, 0.3),
        (CountsWhatIsLeftBehind, few, {"order": "mixed"}, 2, 0.3),
        (MeetsAnywhere, crowded, {"totals": "low", "turns": False}, 4, 0.0),
        (BelievesTheTotal, spread, {"totals": "low"}, 4, 0.0),
    ],
)
def test_a_weaker_rule_loses_rows(
    mutant: type[Reading[Event]],
    make: Callable[[int], Account],
    how: dict[str, object],
    limit: int,
    busy: float,
) -> None:
    def lost(kind: type[Reading[Event]]) -> list[int]:
        accounts = ((seed, attrs.evolve(make(seed), **how)) for seed in range(200))
        return [seed for seed, account in accounts if loses(seed, kind, account, limit, busy)]

    assert lost(mutant)
    assert not lost(Reading)


def swap(account: Account) -> None:
    """One row goes and one comes after the first page: the total stays."""
    if len(account.asks) == 1:
        del account.rows[1]
        account.rows[99] = 30


def test_a_delete_and_an_insert_that_leave_the_total_are_noticed() -> None:
    def delivered_by(kind: type[Reading[Event]]) -> set[int]:
        account = Account(rows={key: key for key in range(1, 7)}, cap=100)
        return set(read(account, limit=3, between=swap, kind=kind)[0])

    assert {2, 3, 4, 5, 6} <= delivered_by(Reading)
    assert 4 not in delivered_by(NoOverlap)
    assert 4 not in delivered_by(OnlyTotals)


# -- errors and costs -------------------------------------------------------------------------------


def test_without_windows_the_cap_is_an_error_before_the_first_row() -> None:
    account = Account(rows=dict.fromkeys(range(1, 30), 0))
    with pytest.raises(OffsetCapError, match=r"29 rows match.*partitions"):
        read(account, limit=3, oldest_first=False, windows=False)
    assert len(account.asks) == 1


def test_without_windows_and_totals_the_cap_is_an_error_when_it_is_reached() -> None:
    account = Account(rows=dict.fromkeys(range(1, 30), 0), totals="missing")
    with pytest.raises(OffsetCapError, match=r"more rows match than offsets reach \(6\).*partitions"):
        read(account, limit=3, oldest_first=False, windows=False)


@pytest.mark.parametrize("totals", ["true", "missing", "low"])
@pytest.mark.parametrize("count", range(1, 12))
def test_without_windows_all_that_offsets_reach_is_read_and_nothing_lost(count: int, totals: str) -> None:
    """The last page at the cap cannot be followed by one that proves the end: it must prove it itself."""
    account = Account(rows=dict.fromkeys(range(1, count + 1), 0), totals=totals)
    try:
        delivered = read(account, limit=3, oldest_first=False, windows=False)[0]
    except PagingError:
        assert count > {"true": account.cap + 2, "missing": account.cap + 1, "low": 0}[totals]
    else:
        assert delivered == list(range(1, count + 1))


def test_rows_without_any_time_cannot_be_cut() -> None:
    account = Account(rows=dict.fromkeys(range(1, 30), 0), untimed=frozenset(range(1, 30)))
    with pytest.raises(OffsetCapError, match=r"no time to cut by.*partitions"):
        read(account, limit=3, oldest_first=False, start=None, end=None)


def test_a_total_that_the_service_does_not_honour_is_an_error() -> None:
    account = Account(rows={1: 1, 2: 2}, totals="high")
    with pytest.raises(IncompleteError, match="although it counts 3; 2 rows were delivered; read again"):
        read(account)


def test_one_row_a_page_leaves_no_room_for_a_check() -> None:
    account = Account(rows={1: 1, 2: 2}, totals="missing", page_cut=1)
    with pytest.raises(IncompleteError, match="one row a page"):
        read(account)


def test_pages_that_come_short_are_no_end() -> None:
    account = Account(rows={key: key for key in range(1, 200)}, cap=300, totals="missing")

    def cut(account: Account) -> None:
        account.page_cut = 2 if len(account.asks) == 2 else account.page_cut

    assert read(account, limit=20, between=cut)[0] == list(range(1, 200))


@pytest.mark.parametrize("page_cut", [2, 3])
def test_a_hot_second_in_small_pages(page_cut: int) -> None:
    account = Account(rows=dict.fromkeys(range(1, 390), 5), cap=200, page_cut=page_cut)
    assert read(account, limit=90)[0] == list(range(1, 390))


@pytest.mark.parametrize("totals", ["true", "missing"])
@pytest.mark.parametrize("oldest_first", [True, False])
def test_an_end_that_runs_ahead_is_not_chased_for_ever(oldest_first: bool, totals: str) -> None:
    account = Account(rows={key: key for key in range(1, 20)}, cap=15 if oldest_first else 90, totals=totals)

    def grow(account: Account) -> None:
        account.rows[max(account.rows) + 1] = max(account.rows.values()) + 1

    end = 10_000 if oldest_first else None
    delivered, _ = read(account, limit=4, oldest_first=oldest_first, between=grow, end=end)
    assert delivered[:19] == list(range(1, 20))


def test_rows_that_fall_are_followed_by_their_keys_alone() -> None:
    account = Account(rows={key: key for key in range(1, 9)}, cap=100, order="newest")

    def drop_last(account: Account) -> None:
        if len(account.asks) == 2:
            del account.rows[4]  # the one that the next page should begin with

    with pytest.raises(IncompleteError, match="the service gave 3 rows at offset 0"):
        read(account, limit=3, between=drop_last)
    account = Account(rows={key: key for key in range(1, 9)}, cap=100, order="newest")
    assert read(account, limit=3)[0] == list(range(8, 0, -1))


def test_a_window_is_not_turned_among_rows_that_fall() -> None:
    account = Account(rows={key: key for key in range(1, 30)}, order="newest")
    with pytest.raises(IncompleteError, match="another order than the one asked for"):
        read(account, limit=3)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50, 80, 100, 101, 400, 1_000])
@pytest.mark.parametrize("totals", ["true", "missing"])
def test_the_cost(count: int, totals: str) -> None:
    account = Account(rows={key: key for key in range(count)}, cap=80, totals=totals)
    delivered, report = read(account, limit=20, end=2_000)
    assert len(delivered) == count
    assert report.requests <= 1.1 * ceil(count / 20) + 3 * report.windows
    if count <= 80:
        assert report.windows == 1
        assert account.asks[0].offset == 0


@pytest.mark.parametrize("order", ["time", "newest"])
def test_the_cost_of_an_undocumented_order(order: str) -> None:
    account = Account(rows={key: key for key in range(1_000)}, cap=80, order=order)
    _, report = read(account, limit=20, oldest_first=False, start=None, end=None)
    assert report.requests <= 1.1 * ceil(1_000 / 20) + 3 * report.windows


def test_the_cost_of_an_order_that_follows_no_time() -> None:
    account = Account(rows={key: key for key in range(1_000)}, cap=80, order="mixed")
    _, report = read(account, limit=20, oldest_first=False, start=None, end=None)
    assert report.requests <= 3.5 * ceil(1_000 / 20)
