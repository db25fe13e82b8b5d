from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from convoso_async.integrations.entities import ENTITIES
from convoso_async.integrations.spark_filters import Pushed, on_clock, pushed_of, values_of

ZONE = ZoneInfo("America/Los_Angeles")


@dataclass
class Test:
    __test__ = False
    attribute: tuple[str, ...]
    value: Any = None


class EqualTo(Test): ...


class In(Test): ...


class GreaterThan(Test): ...


class GreaterThanOrEqual(Test): ...


class LessThan(Test): ...


class LessThanOrEqual(Test): ...


class IsNotNull(Test): ...


@dataclass
class Not:
    child: Test


def noon(day: int) -> datetime:
    """Noon in Los Angeles on a day of March 2026."""
    return datetime(2026, 3, day, 12, tzinfo=ZONE).astimezone(UTC)


def asked(entity: str, *conditions: object, **given: object) -> dict[str, object] | None:
    """The parameters that are asked for."""
    return pushed_of(ENTITIES[entity], conditions, given).filters(ENTITIES[entity], given, ZONE)


def test_ids_and_statuses_become_parameters() -> None:
    conditions = (EqualTo(("campaign_id",), "111"), In(("status",), ("SALE", "NI")))
    assert asked("call_logs", *conditions) == {"campaign_id": ["111"], "status": ["SALE", "NI"]}


@pytest.mark.parametrize(
    "condition",
    [
        EqualTo(("first_name",), "Jane"),  # nobody knows how the service compares names
        EqualTo(("phone_number",), "2125550123"),
        EqualTo(("session_id",), "1"),  # no parameter
        EqualTo(("campaign_id",), None),
        EqualTo(("campaign_id",), ""),
        EqualTo(("campaign_id",), "1,2"),  # one text, which the service would read as two ids
        In(("campaign_id",), ()),
        In(("campaign_id",), ("1", None)),
        In(("campaign_id",), tuple(map(str, range(501)))),
        GreaterThan(("campaign_id",), "1"),
        IsNotNull(("campaign_id",)),
        Not(EqualTo(("campaign_id",), "1")),
        EqualTo(("recording", "recording_id"), "1"),
    ],
)
def test_what_the_call_does_not_test_exactly_stays_with_spark(condition: object) -> None:
    assert asked("call_logs", condition) == {}


def test_an_option_goes_before_a_condition() -> None:
    assert asked("call_logs", EqualTo(("status",), "NI"), status="SALE") == {"status": "SALE"}


def test_of_two_conditions_on_one_column_the_first_becomes_a_parameter() -> None:
    found = asked("call_logs", In(("status",), ("A", "B")), EqualTo(("status",), "B"))
    assert found == {"status": ["A", "B"]}


@pytest.mark.parametrize("entity", ["lists", "statuses", "campaigns", "users"])
def test_a_call_without_such_parameters_is_asked_nothing(entity: str) -> None:
    assert asked(entity, EqualTo(("id",), "1"), EqualTo(("status",), "A")) == {}


def test_moments_become_the_range_a_second_wider() -> None:
    found = asked("call_logs", GreaterThan(("call_date",), noon(2)), LessThan(("call_date",), noon(20)))
    assert found == {
        "start_time": datetime(2026, 3, 2, 11, 59, 59),
        "end_time": datetime(2026, 3, 20, 12, 0, 1),
    }


def test_an_equal_moment_is_both_ends() -> None:
    found = asked("leads", EqualTo(("created_at",), noon(2)))
    assert found == {
        "created_at_start_date": datetime(2026, 3, 2, 11, 59, 59),
        "created_at_end_date": datetime(2026, 3, 2, 12, 0, 1),
    }


def test_options_and_conditions_narrow_each_other() -> None:
    options = {"start_time": "2026-03-05", "end_time": "2026-03-10"}
    wider = (GreaterThanOrEqual(("call_date",), noon(2)), LessThanOrEqual(("call_date",), noon(20)))
    assert asked("call_logs", *wider, **options) == {
        "start_time": datetime(2026, 3, 5),
        "end_time": datetime(2026, 3, 10, 23, 59, 59),
    }
    narrower = (GreaterThanOrEqual(("call_date",), noon(5)), GreaterThan(("call_date",), noon(6)))
    assert asked("call_logs", *narrower, **options) == {
        "start_time": datetime(2026, 3, 6, 11, 59, 59),
        "end_time": "2026-03-10",
    }


def test_a_range_that_nothing_can_lie_in_is_not_asked_for() -> None:
    assert asked("call_logs", GreaterThan(("call_date",), noon(20)), end_time="2026-03-10") is None


def test_the_time_of_callbacks_is_not_what_their_range_is_known_to_test() -> None:
    assert asked("callbacks", GreaterThan(("callback_time",), noon(2))) == {}


def test_a_moment_without_a_zone_stays_with_spark() -> None:
    assert asked("call_logs", GreaterThan(("call_date",), datetime(2026, 3, 2))) == {}


def test_nothing_pushed_changes_nothing() -> None:
    given = {"start_time": "2026-03-05", "campaign_id": "1"}
    assert Pushed().filters(ENTITIES["call_logs"], given, ZONE) == given
    assert values_of(ENTITIES["call_logs"], "status", "EqualTo", "A") == ["A"]


AROUND_CHANGES = st.sampled_from(
    [
        datetime(2026, 3, 8, 10, tzinfo=UTC),
        datetime(2026, 11, 1, 9, tzinfo=UTC),
        datetime(2026, 6, 1, tzinfo=UTC),
    ]
).flatmap(lambda change: st.integers(-10_800, 10_800).map(lambda s: change + timedelta(seconds=s)))


@given(
    bound=AROUND_CHANGES.flatmap(
        lambda moment: st.integers(0, 999_999).map(lambda part: moment.replace(microsecond=part))
    ),
    zone=st.sampled_from([ZONE, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")]),
    apart=st.integers(-10_800, 10_800),
)
def test_no_row_that_a_condition_wants_lies_outside_of_what_is_asked(
    bound: datetime, zone: ZoneInfo, apart: int
) -> None:
    """Rows show the account's clock; Spark has them as the moment that the clock means, the first of two."""
    shown = (
        (bound.replace(microsecond=0) + timedelta(seconds=apart))
        .astimezone(zone)
        .replace(tzinfo=None, fold=0)
    )
    moment = shown.replace(tzinfo=zone)
    if moment.astimezone(UTC) >= bound:
        assert shown >= on_clock(bound, zone, -1)
    if moment.astimezone(UTC) <= bound:
        assert shown <= on_clock(bound, zone, +1)
