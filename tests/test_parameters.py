"""How one value is checked and written."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from convoso_async import parameters
from convoso_async.form import rule_of
from convoso_async.parameters import ChoiceRule, IntegerRule, ListRule, Rule, TextRule

ZONE = ZoneInfo("America/Los_Angeles")
NEW_YORK = ZoneInfo("America/New_York")
INDIA = timezone(timedelta(hours=5, minutes=30))

Order = Literal["asc", "desc"]
Limit = Annotated[int, IntegerRule(1, 500)]
LineTypes = Annotated[str | list[str], ListRule(ChoiceRule(("MOBILE", "VOIP")))]
Name = Annotated[str, TextRule(2, 6)]
Long = Annotated[str, TextRule(10)]


class Index:
    """A whole number of a foreign kind, as numpy has them."""

    def __index__(self) -> int:
        return 7


class Array:
    """What numpy's arrays are: they have the method of an index, and are none."""

    def __index__(self) -> int:
        raise TypeError("only integer scalar arrays can be converted to a scalar index")


class Column:
    """Several values, as numpy's arrays and pandas' columns hold them: they have no truth of their own."""

    def __init__(self, *values: int) -> None:
        self.values = values

    def __iter__(self) -> Iterator[int]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __contains__(self, value: object) -> bool:
        return value in self.values

    def __bool__(self) -> bool:
        raise ValueError("the truth of an array is ambiguous")


class Truth:
    """A truth value of a foreign kind, of the same name, as numpy has it."""


Truth.__name__ = "bool"


class NotATime(datetime):
    """What pandas has for a time that is missing: a datetime that is not equal to itself."""

    def __ne__(self, other: object) -> bool:
        return True


NEVER = NotATime(2025, 7, 4)


class Level(IntEnum):
    """Whole numbers that have names."""

    OFF, ON = 0, 1


class Answer(str, Enum):  # noqa: UP042  # the `str()` of a StrEnum is the text
    """Words that have names, whose `str()` is the name."""

    YES = "Y"


def written(annotation: Any, value: object) -> str:
    return rule_of(annotation).text("name", value, ZONE)


WRITTEN = [
    (str, "", ""),
    (str, "ä b&c=d", "ä b&c=d"),
    (parameters.Id, "0042", "0042"),
    (parameters.Id, 42, "42"),
    (parameters.Id, -1, "-1"),
    (parameters.Id, 0, "0"),
    (parameters.Id, Index(), "7"),
    (int, 12, "12"),
    (int, Index(), "7"),
    (Limit, 1, "1"),
    (Limit, 500, "500"),
    (parameters.Id, Level.ON, "1"),
    (parameters.Number, 3, "3"),
    (parameters.Number, Index(), "7"),
    (parameters.Number, Level.ON, "1"),
    (parameters.Number, 87.25, "87.25"),
    (parameters.Number, 0.1, "0.1"),
    (parameters.Number, 1e22, "10000000000000000000000"),
    (parameters.Number, 1e-7, "0.0000001"),
    (parameters.Number, Decimal("1E+3"), "1000"),
    (parameters.Number, Decimal("87.50"), "87.50"),
    (parameters.NumberOrText, "about 5", "about 5"),
    (parameters.NumberOrText, 5, "5"),
    (parameters.Flag, True, "true"),
    (parameters.Flag, False, "false"),
    (parameters.Bit, True, "1"),
    (parameters.Bit, False, "0"),
    (parameters.Bit, 1, "1"),
    (parameters.Bit, 0, "0"),
    (parameters.YesNo, True, "Y"),
    (parameters.YesNo, False, "N"),
    (parameters.Bit, Level.OFF, "0"),
    (parameters.YesNo, "Y", "Y"),
    (parameters.YesNo, Answer.YES, "Y"),
    (parameters.YesNo, "N", "N"),
    (Order, "asc", "asc"),
    (Order, "DESC", "desc"),
    (parameters.Ids, 7, "7"),
    (parameters.Ids, "7,8", "7,8"),
    (parameters.Ids, [7, "8"], "7,8"),
    (parameters.Ids, (7,), "7"),
    (parameters.Ids, range(1, 4), "1,2,3"),
    (parameters.Ids, {7}, "7"),
    (parameters.Ids, {7: "seven"}.keys(), "7"),
    (parameters.Ids, {"seven": 7}.values(), "7"),
    (parameters.Ids, Column(7, 8), "7,8"),
    (parameters.Words, "SALE", "SALE"),
    (parameters.Words, "", ""),
    (parameters.Words, ["SALE", "DNC"], "SALE,DNC"),
    (LineTypes, "voip", "VOIP"),
    (LineTypes, "mobile,VOIP", "MOBILE,VOIP"),
    (LineTypes, ["voip", "MOBILE"], "VOIP,MOBILE"),
    (parameters.Day, date(2025, 7, 4), "2025-07-04"),
    (parameters.Day, date(1, 2, 3), "0001-02-03"),
    (parameters.Day, datetime(2025, 7, 4, 23, 59), "2025-07-04"),
    (parameters.Day, datetime(2025, 7, 4, 1, tzinfo=UTC), "2025-07-03"),
    (parameters.Day, "today", "today"),
    (parameters.When, datetime(2025, 7, 4, 8, 5, 9, 999_999), "2025-07-04 08:05:09"),
    (parameters.When, datetime(2025, 7, 4, 8, tzinfo=UTC), "2025-07-04 01:00:00"),
    (parameters.When, datetime(2025, 1, 4, 8, tzinfo=UTC), "2025-01-04 00:00:00"),
    (parameters.When, datetime(2025, 7, 4, 8, tzinfo=NEW_YORK), "2025-07-04 05:00:00"),
    (parameters.When, datetime(2025, 7, 4, 8, tzinfo=ZONE), "2025-07-04 08:00:00"),
    (parameters.When, date(2025, 7, 4), "2025-07-04 00:00:00"),
    (parameters.When, "2025-07-04T08:00:00", "2025-07-04T08:00:00"),
    (parameters.Until, date(2025, 7, 4), "2025-07-04 23:59:59"),
    (parameters.Until, datetime(2025, 7, 4), "2025-07-04 00:00:00"),
    (parameters.Until, "2025-07-04", "2025-07-04"),
    # the hour that the clock shows twice, and the one that it skips
    (parameters.When, datetime(2025, 11, 2, 8, 30, tzinfo=UTC), "2025-11-02 01:30:00"),
    (parameters.When, datetime(2025, 11, 2, 9, 30, tzinfo=UTC), "2025-11-02 01:30:00"),
    (parameters.When, datetime(2025, 11, 2, 1, 30, fold=1), "2025-11-02 01:30:00"),
    (parameters.When, datetime(2025, 3, 9, 2, 30), "2025-03-09 02:30:00"),
    (parameters.When, datetime(2025, 3, 9, 9, 59, 59, tzinfo=UTC), "2025-03-09 01:59:59"),
    (parameters.When, datetime(2025, 3, 9, 10, tzinfo=UTC), "2025-03-09 03:00:00"),
    (parameters.CallbackTime, datetime(2025, 7, 16, 0, 5), "2025-07-16 12:05 AM"),
    (parameters.CallbackTime, datetime(2025, 7, 16, 9, 0), "2025-07-16 09:00 AM"),
    (parameters.CallbackTime, datetime(2025, 7, 16, 12, 0), "2025-07-16 12:00 PM"),
    (parameters.CallbackTime, datetime(2025, 7, 16, 23, 59, 59), "2025-07-16 11:59 PM"),
    (parameters.CallbackTime, "2025-07-16 03:15 PM", "2025-07-16 03:15 PM"),
    (parameters.Offset, -7, "-7.00"),
    (parameters.Offset, 0, "0.00"),
    (parameters.Offset, -0.0, "0.00"),
    (parameters.Offset, 5.30, "+5.30"),
    (parameters.Offset, Decimal("5.45"), "+5.45"),
    (parameters.Offset, -3.30, "-3.30"),
    (parameters.Offset, -0.30, "-0.30"),
    (parameters.Offset, 14, "+14.00"),
    (parameters.Offset, -12, "-12.00"),
    (parameters.Offset, "+5.30", "+5.30"),
    (parameters.Color, "3A7f2B", "3A7f2B"),
    (parameters.Color, "#3A7F2B", "3A7F2B"),
    (Name, "ab", "ab"),
    (Name, "abcdef", "abcdef"),
]


@pytest.mark.parametrize(("annotation", "value", "expected"), WRITTEN)
def test_a_value_is_written_as_the_service_wants_it(annotation: Any, value: object, expected: str) -> None:
    assert expected == written(annotation, value)


WRONG_TYPES = [
    (str, 5),
    (str, b"bytes"),
    (parameters.Id, True),
    (parameters.Id, 5.0),
    (parameters.Id, b"5"),
    (parameters.Id, Array()),
    (int, Array()),
    (parameters.Number, Array()),
    (int, "5"),
    (int, True),
    (int, 5.0),
    (int, Decimal(5)),
    (parameters.Number, "5"),
    (parameters.Number, True),
    (parameters.Number, Fraction(1, 3)),
    (parameters.NumberOrText, False),
    (parameters.Flag, 1),
    (parameters.Flag, "true"),
    (parameters.Flag, "Y"),
    (parameters.Bit, "1"),
    (parameters.Bit, "Y"),
    (parameters.Bit, 1.0),
    (parameters.YesNo, 1),
    (Order, True),
    (parameters.Ids, 5.0),
    (parameters.Ids, [5, True]),
    (parameters.Ids, [None]),
    (parameters.Ids, {7: "seven"}),
    (parameters.Ids, (number for number in (7, 8))),
    (parameters.Ids, b"78"),
    (parameters.Ids, bytearray(b"78")),
    (parameters.Words, [5]),
    (parameters.Day, 20250704),
    (parameters.When, 1_751_600_000),
    (parameters.When, timedelta(days=1)),
    (parameters.CallbackTime, date(2025, 7, 16)),
    (parameters.Offset, True),
    (parameters.Color, 0x3A7F2B),
]


@pytest.mark.parametrize(("annotation", "value"), WRONG_TYPES)
def test_a_value_of_a_wrong_type_is_a_type_error(annotation: Any, value: object) -> None:
    with pytest.raises(TypeError, match=r"^name"):
        written(annotation, value)


OUT_OF_BOUNDS = [
    (Limit, 0),
    (Limit, 501),
    (Annotated[int, IntegerRule(0)], -1),
    (Annotated[int, IntegerRule(None, 300)], 301),
    (Name, "a"),
    (Name, "abcdefg"),
    (Long, "ninechars"),
    (parameters.Number, float("nan")),
    (parameters.Number, float("inf")),
    (parameters.Number, Decimal("sNaN")),
    (parameters.Bit, 2),
    (parameters.Bit, Index()),
    (parameters.Day, NEVER),
    (parameters.When, NEVER),
    (parameters.CallbackTime, NEVER),
    (parameters.YesNo, "y"),
    (parameters.YesNo, "Yes"),
    (Order, "newest"),
    (Order, ""),
    (LineTypes, "MOBILE, VOIP"),
    (LineTypes, ["FAX"]),
    (parameters.Ids, []),
    (parameters.Ids, ()),
    (parameters.Ids, set()),
    (parameters.Ids, Column()),
    (parameters.Ids, ["7,8"]),
    (parameters.Ids, [""]),
    (parameters.Words, ["SALE", "NO,SALE"]),
    (parameters.Offset, 5.5),
    (parameters.Offset, -12.15),
    (parameters.Offset, 14.15),
    (parameters.Offset, -420),
    (parameters.Offset, float("nan")),
    (parameters.Color, "#12345"),
    (parameters.Color, "##12345"),
    (parameters.Color, "１２３４５６"),
    (parameters.Color, ""),
]


@pytest.mark.parametrize(("annotation", "value"), OUT_OF_BOUNDS)
def test_a_value_out_of_bounds_is_a_value_error(annotation: Any, value: object) -> None:
    with pytest.raises(ValueError, match=r"^name"):
        written(annotation, value)


@pytest.mark.parametrize(
    ("annotation", "value", "told"),
    [
        (Limit, 501, "1 to 500, not 501"),
        (Annotated[int, IntegerRule(0)], -1, "0 or more, not -1"),
        (Annotated[int, IntegerRule(None, 300)], 301, "at most 300, not 301"),
        (Name, "abcdefg", "2 to 6 characters, not 7"),
        (Long, "short", "10 or more characters, not 5"),
        (Order, "up", "one of asc, desc"),
        (parameters.Offset, 5.5, "five and a half hours are 5.30"),
        (parameters.Ids, [], "leave it out"),
        (parameters.Ids, [1, "2,3"], r"name\[1\]"),
        (parameters.When, NEVER, "must be a time, not NotATime; None leaves it out"),
        (parameters.Ids, iter([7]), "one value, or several in a list, a tuple or a set, not list_iterator"),
        (parameters.Flag, Truth(), "must be a bool, not tests.test_parameters.bool"),
    ],
)
def test_the_error_says_what_would_be_right(annotation: Any, value: object, told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=told):
        written(annotation, value)


SECRET = "Jane Doe, 212-555-0143"
ALL = [
    getattr(parameters, name)
    for name in """Id Ids Words Day When Until CallbackTime Offset
        Number NumberOrText Flag Bit YesNo Color""".split()
]


@pytest.mark.parametrize("annotation", [*ALL, str, int, Order, Limit, LineTypes, Name])
@pytest.mark.parametrize("wrap", [str, lambda text: [text], lambda text: {text: text}, str.encode])
def test_an_error_never_shows_a_text(annotation: Any, wrap: Callable[[str], object]) -> None:
    told = ""
    try:
        written(annotation, wrap(SECRET))
    except (TypeError, ValueError) as error:
        told = str(error)
    assert "Jane" not in told
    assert "0143" not in told


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_without_exponent_and_reads_back_the_same(number: float) -> None:
    text = written(parameters.Number, number)
    assert set(text) <= set("-.0123456789")
    assert number == float(text)


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_any_exact_number_reads_back_the_same(number: int | Decimal) -> None:
    assert number == Decimal(written(parameters.Number, number))


YEARS = {"min_value": datetime(1, 1, 3), "max_value": datetime(9999, 12, 29)}


@given(st.datetimes(**YEARS, timezones=st.sampled_from([UTC, ZONE, NEW_YORK, INDIA])))
def test_an_aware_moment_is_written_by_the_clock_of_the_account(moment: datetime) -> None:
    text = written(parameters.When, moment)
    if moment.tzinfo is ZONE:
        assert moment.replace(tzinfo=None, microsecond=0) == datetime.fromisoformat(text)
    else:
        shown = moment.astimezone(UTC).astimezone(ZONE)
        assert shown.replace(tzinfo=None, microsecond=0) == datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime.min.replace(tzinfo=UTC), "0001-01-01 00:00:00"),
        (datetime.max.replace(tzinfo=NEW_YORK), "9999-12-31 23:59:59"),
    ],
)
def test_the_ends_of_the_calendar_stand_for_ever(moment: datetime, expected: str) -> None:
    zone = ZONE if moment.year == 1 else INDIA
    assert expected == rule_of(parameters.When).text("name", moment, zone)
    assert expected[:10] == rule_of(parameters.Day).text("name", moment, zone)


@given(st.floats() | st.decimals() | st.integers())
def test_any_offset_is_written_or_a_value_error(number: float | Decimal) -> None:
    try:
        text = written(parameters.Offset, number)
    except ValueError:
        return
    assert Decimal(text) == Decimal(str(number))


@given(st.dates())
def test_any_day_is_written_in_full(day: date) -> None:
    assert day.isoformat() == written(parameters.Day, day)
    assert f"{day.isoformat()} 00:00:00" == written(parameters.When, day)
    assert f"{day.isoformat()} 23:59:59" == written(parameters.Until, day)


@given(st.times())
def test_a_callback_time_reads_back_by_the_twelve_hour_clock(time: Any) -> None:
    moment = datetime.combine(date(2025, 7, 16), time)
    text = written(parameters.CallbackTime, moment)
    assert moment.replace(second=0, microsecond=0, fold=0) == datetime.strptime(text, "%Y-%m-%d %I:%M %p")


@given(st.sampled_from(range(-48, 57)))
def test_an_offset_reads_back_as_the_zone_that_it_names(quarters: int) -> None:
    zone = timezone(timedelta(minutes=15 * quarters))
    text = parameters.written_offset(datetime(2025, 7, 16, tzinfo=zone))
    assert text is not None
    moment = datetime(2025, 7, 16, tzinfo=UTC)
    assert zone.utcoffset(moment) == parameters.zone_of("callback_time_zone", text).utcoffset(moment)
    assert text == written(parameters.Offset, Decimal(text))


def test_an_odd_offset_has_no_text() -> None:
    assert parameters.written_offset(datetime(2025, 7, 16, tzinfo=timezone(timedelta(minutes=7)))) is None
    assert parameters.written_offset(datetime(2025, 7, 16)) is None


@pytest.mark.parametrize("given", ["", "Mars/Olympus", "../etc/passwd", "5.5", "nan", True, "\0", "15"])
def test_a_zone_that_is_none_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"^callback_time_zone must be") as caught:
        parameters.zone_of("callback_time_zone", given)
    assert "Olympus" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),
        ("x", "x"),
        (5, "5"),
        (True, "true"),
        (1.5, "1.5"),
        (1e-7, "0.0000001"),
        (Decimal("10.50"), "10.50"),
        (date(2025, 7, 4), "2025-07-04"),
        (datetime(2025, 7, 4, 8, tzinfo=UTC), "2025-07-04 01:00:00"),
    ],
)
def test_a_custom_field_takes_the_usual_types(value: object, expected: str) -> None:
    assert expected == parameters.FIELD.text("name", value, ZONE)


@pytest.mark.parametrize("value", [b"x", ["x"], {"x": 1}, object(), timedelta(1)])
def test_a_custom_field_takes_nothing_else(value: object) -> None:
    with pytest.raises(TypeError, match=r"^name must be text"):
        parameters.FIELD.text("name", value, ZONE)


@pytest.mark.parametrize("annotation", ALL)
def test_an_optional_parameter_has_the_same_rule(annotation: Any) -> None:
    rule: Rule = get_args(annotation)[1]
    assert rule == rule_of(annotation | None)
