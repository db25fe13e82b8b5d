"""The rule of a complete export, held against a model of a living account at tiny caps.

Every row that existed from beginning to end, inside the range, is delivered exactly once, or the reading
raises. No id twice. No request past the cap. It ends.
"""

import random
from math import ceil

import pytest
from hypothesis import given, settings, strategies as st

from convoso_async.errors import IncompleteError, OffsetCapError, PagingError, WindowTooDenseError

from .model_account import Account, read

times = st.integers(0, 30)
rows = st.dictionaries(st.integers(1, 400), times, max_size=60)
calm = {
    "cap": st.integers(3, 12),
    "end_inside": st.booleans(),
    "totals": st.sampled_from(["true", "missing", "low", "page"]),
}


def accounts(**more: st.SearchStrategy[object]) -> st.SearchStrategy[Account]:
    """Accounts with any rows and any way to answer."""
    return st.builds(Account, rows=rows, **calm, **more)


@settings(max_examples=400)
@given(accounts(page_cut=st.none() | st.integers(2, 4), start_inside=st.booleans()), st.integers(2, 9))
def test_everything_is_delivered_once(account: Account, limit: int) -> None:
    try:
        delivered, report = read(account, limit=limit)
    except WindowTooDenseError:
        return
    assert sorted(account.rows) == sorted(delivered)
    assert report.requests == len(account.asks)


@settings(max_examples=300)
@given(accounts(), st.integers(2, 9), st.integers(2, 9))
def test_the_result_does_not_depend_on_the_page_size(account: Account, one: int, other: int) -> None:
    try:
        results = [read(account, limit=limit)[0] for limit in (one, other)]
    except WindowTooDenseError:
        return
    assert results[0] == results[1]


@settings(max_examples=300)
@given(accounts(order=st.sampled_from(["time", "newest", "mixed"])), st.integers(2, 9))
def test_a_call_without_a_documented_order(account: Account, limit: int) -> None:
    try:
        delivered, _ = read(account, limit=limit, oldest_first=False, start=None, end=None)
    except WindowTooDenseError:
        return
    assert sorted(account.rows) == sorted(delivered)


class Life:
    """Changes an account between two answers, and remembers which rows lived through it all."""

    def __init__(self, account: Account, seed: int, busy: float) -> None:
        self._random = random.Random(seed)
        self._busy = busy
        self.survivors = set(account.rows)
        self._next_id = 1_000

    def __call__(self, account: Account) -> None:
        while self._random.random() < self._busy:
            change = self._random.choice(["insert", "delete", "both"])
            if change != "insert" and account.rows:
                gone = self._random.choice(list(account.rows))
                del account.rows[gone]
                self.survivors.discard(gone)
            if change != "delete":
                self._next_id += 1
                account.rows[self._next_id] = self._random.randint(0, 30)


@settings(max_examples=600)
@given(accounts(), st.integers(2, 9), st.integers(), st.sampled_from([0.2, 0.5, 0.7]))
def test_a_living_account(account: Account, limit: int, seed: int, busy: float) -> None:
    life = Life(account, seed, busy)
    try:
        delivered, _ = read(account, limit=limit, between=life)
    except PagingError:
        return
    assert len(delivered) == len(set(delivered))
    assert life.survivors <= set(delivered)


@settings(max_examples=400)
@given(
    accounts(order=st.sampled_from(["time", "newest", "mixed"])),
    st.integers(2, 9),
    st.integers(),
    st.sampled_from([0.2, 0.5]),
)
def test_a_living_account_in_an_undocumented_order(
    account: Account, limit: int, seed: int, busy: float
) -> None:
    life = Life(account, seed, busy)
    try:
        delivered, _ = read(account, limit=limit, between=life, oldest_first=False, start=None, end=None)
    except PagingError:
        return
    assert len(delivered) == len(set(delivered))
    assert life.survivors <= set(delivered)


@pytest.mark.parametrize("totals", ["true", "missing"])
@pytest.mark.parametrize("end_inside", [True, False])
def test_a_hot_second_up_to_twice_the_reach(end_inside: bool, totals: str) -> None:
    account = Account(rows=dict.fromkeys(range(1, 13), 5) | {90: 0, 91: 5, 92: 9}, end_inside=end_inside)
    account.totals = totals
    delivered, _ = read(account, limit=3)
    assert sorted(account.rows) == sorted(delivered)


@pytest.mark.parametrize("end_inside", [True, False])
def test_a_second_past_twice_the_reach_is_refused(end_inside: bool) -> None:
    account = Account(rows=dict.fromkeys(range(1, 40), 5), end_inside=end_inside)
    with pytest.raises(WindowTooDenseError, match="39 rows share one second, 2026-03-01 00:00:05"):
        read(account, limit=3)


@pytest.mark.parametrize("totals", ["true", "missing"])
def test_a_hot_second_whose_ties_do_not_turn_round_is_never_short(totals: str) -> None:
    account = Account(rows=dict.fromkeys(range(1, 15), 5), stable_ties=False, totals=totals)
    with pytest.raises(WindowTooDenseError):
        read(account, limit=3)


def test_a_delete_and_an_insert_that_leave_the_total_are_noticed() -> None:
    account = Account(rows={key: key for key in range(1, 7)}, cap=100)

    def swap(account: Account) -> None:
        if len(account.asks) == 1:
            del account.rows[1]
            account.rows[99] = 30

    delivered, _ = read(account, limit=3, between=swap)
    assert {2, 3, 4, 5, 6} <= set(delivered)


def test_without_windows_the_cap_is_an_error_before_the_first_row() -> None:
    account = Account(rows=dict.fromkeys(range(1, 30), 0))
    with pytest.raises(OffsetCapError, match="29 rows match"):
        read(account, limit=3, oldest_first=False, windows=False)
    assert len(account.asks) == 1


def test_a_total_that_the_service_does_not_honour_is_an_error() -> None:
    account = Account(rows={1: 1, 2: 2}, totals="high")
    with pytest.raises(IncompleteError, match="although it counts 3"):
        read(account)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50, 400, 1_000])
def test_the_cost(count: int) -> None:
    account = Account(rows={key: key for key in range(count)}, cap=80)
    _, report = read(account, limit=20, end=2_000)
    assert report.requests <= 1.1 * ceil(count / 20) + 3 * report.windows


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
    print(complete)
    assert complete > 190
