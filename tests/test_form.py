"""Typed keywords in, form body out."""

import copy
import pickle
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Required, TypedDict, cast
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from convoso_async.auth_token import Token
from convoso_async.endpoint import DAY, READ, UNSAFE, Endpoint, RangeFilter
from convoso_async.form import Body, Form, encode, raw_pairs, read_as
from convoso_async.parameters import (
    Bit,
    CallbackTime,
    Day,
    FieldValue,
    Flag,
    Id,
    Ids,
    IntegerRule,
    Number,
    Offset,
    Until,
    When,
    Words,
    YesNo,
)
from convoso_async.resources import agent_productivity, call_logs, leads

ZONE = ZoneInfo("America/Los_Angeles")
SECRET = "tok/en+with=signs é"
TOKEN = Token(SECRET)


class Everything(TypedDict, total=False):
    """One parameter of each kind."""

    lead_id: Required[Id]
    first_name: str | None
    list_ids: Ids | None
    status: Words | None
    hopper: Flag | None
    active: Bit | None
    final: YesNo | None
    revenue: Number | None
    return_: Bit | None
    limit: Annotated[int, IntegerRule(1, 500)] | None
    order: Literal["asc", "desc"] | None
    start_time: When | None
    end_time: Until | None
    date_start: Day | None
    date_end: Day | None
    fields: dict[str, FieldValue] | None


class CallbackParams(TypedDict, total=False):
    """As `callbacks.update` has them."""

    callback_time: CallbackTime | None
    callback_time_zone: Offset | None


class Nothing(TypedDict):
    """A call without parameters."""


FORM = Form(
    Endpoint(
        id="leads.everything",
        path="/leads/everything",
        retry=UNSAFE,
        params=Everything,
        result=object,
        ranges=(RangeFilter("start_time", "end_time"), RangeFilter("date_start", "date_end", unit=DAY)),
        custom_fields=".*",
    )
)
CALLBACK = Form(Endpoint(id="callbacks.x", path="/x", retry=UNSAFE, params=CallbackParams, result=object))
EMPTY = Form(Endpoint(id="campaigns.x", path="/x", retry=READ, params=Nothing, result=object))


def sent(values: Mapping[str, object], form: Form = FORM) -> dict[str, str]:
    """What the form would send, without the lead that is required."""
    given = {"lead_id": 1, **values} if form is FORM else values
    pairs = dict(form.pairs(given, ZONE))
    if form is FORM and "lead_id" not in values:
        del pairs["lead_id"]
    return pairs


def decoded(body: Body) -> list[tuple[str, str]]:
    return parse_qsl(body.data.decode("ascii"), keep_blank_values=True, strict_parsing=True)


# -- the body ---------------------------------------------------------------------------------------

any_text = st.text()
names = st.text(min_size=1).filter(str.isprintable)


@given(st.dictionaries(names, any_text), names.filter(str.strip))
def test_any_text_survives_the_form(fields: dict[str, str], token: str) -> None:
    fields = {name: text for name, text in fields.items() if read_as(name) not in FORM.reserved}
    body = encode(FORM.pairs({"lead_id": "1", "fields": fields}, ZONE), Token(token))
    assert [("auth_token", token), ("lead_id", "1"), *fields.items()] == decoded(body)


@given(any_text)
def test_any_text_survives_as_a_parameter(text: str) -> None:
    body = encode(FORM.pairs({"lead_id": text, "first_name": text}, ZONE), TOKEN)
    assert [("auth_token", SECRET), ("lead_id", text), ("first_name", text)] == decoded(body)


class Word(str, Enum):  # noqa: UP042  # the `str()` of a StrEnum is the text
    """Texts that have names, whose `str()` is the name."""

    CITY = "San José"


def test_a_member_of_an_enum_is_sent_as_its_text() -> None:
    """yarl's quoter would send the name of the member."""
    values = {"lead_id": Word.CITY, "status": [Word.CITY], "fields": {Word.CITY: Word.CITY}}
    body = encode(FORM.pairs(values, ZONE), TOKEN)
    assert decoded(body)[1:] == [("lead_id", "San José"), ("status", "San José"), ("San José", "San José")]
    body = encode(raw_pairs({Word.CITY: Word.CITY}, ZONE), TOKEN)
    assert decoded(body)[1:] == [("San José", "San José")]


def test_the_token_comes_first() -> None:
    body = encode(FORM.pairs({"first_name": "Jane", "lead_id": 1}, ZONE), TOKEN)
    assert body.data.startswith(b"auth_token=tok%2Fen%2Bwith%3Dsigns+%C3%A9&")


def test_without_parameters_only_the_token_goes() -> None:
    assert decoded(encode(EMPTY.pairs({}, ZONE), TOKEN)) == [("auth_token", SECRET)]


@pytest.mark.parametrize("text", ["\ud800", "Jane \udfff Doe"])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^first_name holds half of a surrogate") as caught:
        encode([("first_name", text)], TOKEN)
    assert "Jane" not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


# -- what goes in -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"first_name": None, "list_ids": None, "fields": None}, {}),
        ({"first_name": ""}, {"first_name": ""}),
        ({"status": ""}, {"status": ""}),
        ({"hopper": True, "active": True, "final": True}, {"hopper": "true", "active": "1", "final": "Y"}),
        (
            {"hopper": False, "active": False, "final": False},
            {"hopper": "false", "active": "0", "final": "N"},
        ),
        ({"return_": 1}, {"return": "1"}),
        ({"revenue": Decimal("1E+2")}, {"revenue": "100"}),
        ({"list_ids": [7, "8"]}, {"list_ids": "7,8"}),
        ({"limit": 500}, {"limit": "500"}),
        ({"order": "ASC"}, {"order": "asc"}),
        ({"start_time": date(2025, 7, 4)}, {"start_time": "2025-07-04 00:00:00"}),
        ({"end_time": date(2025, 7, 4)}, {"end_time": "2025-07-04 23:59:59"}),
        (
            {"start_time": datetime(2025, 7, 4, 8, tzinfo=UTC), "end_time": datetime(2025, 7, 4, 8)},
            {"start_time": "2025-07-04 01:00:00", "end_time": "2025-07-04 08:00:00"},
        ),
        ({"fields": {"job group": 5, "x": None, "y": ""}}, {"job group": "5", "y": ""}),
        ({"fields": {}}, {}),
    ],
)
def test_the_service_gets(values: dict[str, object], expected: dict[str, str]) -> None:
    assert expected == sent(values)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"frist_name": "Jane"}, "unknown parameter 'frist_name'; did you mean 'first_name'?"),
        ({"campaignid": 1}, "unknown parameter 'campaignid'; known: lead_id, "),
        ({"field": {}}, "did you mean 'fields'?"),
        ({"zzzzz": 1}, r"custom fields go in fields=\{...\}"),
        ({"auth_token": "x"}, "unknown parameter 'auth_token'"),
        ({"return": 1}, "did you mean 'return_'?"),
        ({"frist_name": None}, "did you mean 'first_name'?"),
        ({"lead_id": None}, "lead_id is required"),
        ({"first_name": 5}, "first_name must be a str, not int"),
        ({"limit": "5"}, "limit must be an int, not str"),
        ({"fields": [("a", "b")]}, "fields must be a mapping of names to values, not list"),
        ({"fields": {5: "x"}}, "the name of a field must be a str, not int"),
        ({"fields": {"x": [1]}}, r"fields\['x'\] must be text"),
    ],
)
def test_a_slip_of_the_program_is_a_type_error(values: dict[str, object], told: str) -> None:
    with pytest.raises(TypeError, match=told) as caught:
        sent(values)
    assert str(caught.value).startswith("leads.everything: ")


@pytest.mark.parametrize(
    ("form", "name", "meant"),
    [
        (Form(leads.INSERT), "phone", "phone_number"),  # which is required; phone_code looks more like it
        (Form(leads.SEARCH), "phone", "phone_number"),
        (Form(leads.INSERT), "LIST_ID", "list_id"),
        (Form(call_logs.RETRIEVE), "start", "start_time"),
        (Form(call_logs.RETRIEVE), "_end", "end_time"),
        (Form(agent_productivity.SEARCH), "start_date", "date_start"),
        (Form(leads.INSERT), "firstName", "first_name"),
    ],
)
def test_the_name_that_was_meant_is_suggested(form: Form, name: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"unknown parameter '{name}'; did you mean '{meant}'"):
        form.pairs({name: 1}, ZONE)


def test_a_call_without_custom_fields_refuses_them() -> None:
    with pytest.raises(TypeError, match=r"^callbacks.x: unknown parameter 'fields'; known: callback_time, "):
        sent({"fields": {"x": "y"}}, CALLBACK)
    with pytest.raises(TypeError, match=r"^campaigns.x: unknown parameter 'limit'; known: none$"):
        sent({"limit": 5}, EMPTY)


def test_what_is_required_must_be_there() -> None:
    with pytest.raises(TypeError, match=r"^leads.everything: lead_id is required$"):
        FORM.pairs({"first_name": "Jane"}, ZONE)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"limit": 501}, "limit must be 1 to 500, not 501"),
        ({"order": "up"}, "order must be one of asc, desc"),
        ({"list_ids": []}, "list_ids is an empty list"),
        ({"list_ids": ["7,8"]}, "must not be empty or hold a comma"),
        ({"fields": {"auth_token": "x"}}, "fields must not hold 'auth_token'"),
        ({"fields": {"first_name": "x"}}, "fields must not hold 'first_name'"),
        ({"fields": {"first_name": None}}, "fields must not hold 'first_name'"),
        ({"fields": {"return": "x"}}, "fields must not hold 'return'"),
        ({"fields": {"return_": "x"}}, "fields must not hold 'return_'"),
        ({"fields": {"": "x"}}, "must not be empty or hold NUL, line breaks"),
        ({"fields": {"a\0b": "x"}}, "must not be empty or hold NUL, line breaks"),
        ({"fields": {"a\nb": "x"}}, "must not be empty or hold NUL, line breaks"),
        ({"fields": {"a\rb": "x"}}, "must not be empty or hold NUL, line breaks"),
        ({"fields": {"a\u2028b": "x"}}, "must not be empty or hold NUL, line breaks"),
        ({"fields": {"a\ud800": "x"}}, "must not be empty or hold NUL, line breaks"),
        ({"fields": {"x": float("nan")}}, "must be a finite number"),
    ],
)
def test_a_value_out_of_bounds_is_a_value_error(values: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        sent(values)
    assert str(caught.value).startswith("leads.everything: ")


def test_custom_fields_have_names_as_the_call_wants_them() -> None:
    form = Form(
        Endpoint(
            id="x",
            path="/x",
            retry=READ,
            params=Nothing,
            result=object,
            custom_fields=r"extra_field_\d\d",
        )
    )
    assert sent({"fields": {"extra_field_07": "x"}}, form) == {"extra_field_07": "x"}
    for name in ("extra_field_7", "extra_field_071", "job"):
        with pytest.raises(ValueError, match="fields must have names that match"):
            sent({"fields": {name: "x"}}, form)
    with pytest.raises(ValueError, match="fields must have names that match"):
        sent({"call_log_id": 1, "fields": {"extra_field_\u0660\u0663": "x"}}, Form(call_logs.UPDATE))


@pytest.mark.parametrize("name", [name for name in FORM.parameters if name != "lead_id"])
def test_an_error_never_shows_a_text(name: str) -> None:
    told = ""
    try:
        sent({name: "Jane Doe"})
    except (TypeError, ValueError) as error:
        told = str(error)
    assert "Jane" not in told


# -- ranges -----------------------------------------------------------------------------------------


def pst(hour: int, minute: int, second: int = 0) -> datetime:
    """Winter time on the day that the clocks go back."""
    return datetime(2025, 11, 2, hour, minute, second, tzinfo=ZONE, fold=1)


def pdt(hour: int, minute: int, second: int = 0) -> datetime:
    """Summer time on that day."""
    return datetime(2025, 11, 2, hour, minute, second, tzinfo=ZONE, fold=0)


def utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


REVERSED = [
    (datetime(2025, 7, 4, 9), datetime(2025, 7, 4, 8, 59, 59)),
    (datetime(2025, 7, 4, 9, tzinfo=UTC), datetime(2025, 7, 4, 8, tzinfo=UTC)),
    (datetime(2025, 7, 4, 9, tzinfo=UTC), datetime(2025, 7, 4, 10, 30, tzinfo=ZoneInfo("Europe/Paris"))),
    ("2025-07-04 09:00:00", "2025-07-04 08:00:00"),
    ("2025-07-04T09:00:00", "2025-07-04 08:00:00"),
    ("2025-07-05", "2025-07-04"),
    (date(2025, 7, 5), date(2025, 7, 4)),
    (date(2025, 7, 5), "2025-07-04"),
    (date(2025, 7, 5), datetime(2025, 7, 4, 23, 59, 59)),
    (datetime(2025, 7, 4, 9), "2025-07-04 08:00:00"),
    ("2025-07-04 09:00:00", datetime(2025, 7, 4, 8)),
    # 8:00 in Los Angeles is 15:00 in UTC
    (datetime(2025, 7, 4, 15, 0, 1, tzinfo=UTC), datetime(2025, 7, 4, 8)),
    (datetime(2025, 7, 4, 8, 0, 1), datetime(2025, 7, 4, 15, tzinfo=UTC)),
    (datetime(2025, 7, 4, 15, 0, 1, tzinfo=UTC), "2025-07-04 08:00:00"),
    ("2025-07-04T15:00:01+00:00", "2025-07-04 08:00:00"),
    # through the hour that the clock shows twice: later moments that read earlier, and the reverse
    (pdt(1, 50), pst(1, 10)),
    (utc(pdt(1, 50)), utc(pst(1, 10))),
    (utc(pdt(1, 50)), pst(1, 10)),
    (utc(pdt(1, 50)), "2025-11-02 01:10:00"),
    (pst(1, 10), pdt(1, 50)),
    (utc(pst(1, 10)), utc(pdt(1, 50))),
    (pst(1, 10), utc(pdt(1, 50))),
]


@pytest.mark.parametrize(("start", "end"), REVERSED)
def test_a_range_that_ends_before_it_starts_is_refused(start: object, end: object) -> None:
    with pytest.raises(ValueError, match=r"^leads.everything: end_time must not lie before start_time"):
        sent({"start_time": start, "end_time": end})


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2025, 7, 5), date(2025, 7, 4)),
        ("2025-07-05", "2025-07-04"),
        (date(2025, 7, 5), datetime(2025, 7, 5, 1, tzinfo=UTC)),
    ],
)
def test_a_range_of_days_that_ends_before_it_starts_is_refused(start: object, end: object) -> None:
    with pytest.raises(ValueError, match=r"^leads.everything: date_end must not lie before date_start"):
        sent({"date_start": start, "date_end": end})


FORWARD = [
    (datetime(2025, 7, 4, 9), datetime(2025, 7, 4, 9)),
    (date(2025, 7, 4), date(2025, 7, 4)),
    ("2025-07-04", "2025-07-04"),
    (datetime(2025, 7, 4, 9), date(2025, 7, 4)),
    (datetime(2025, 7, 4, 9), "2025-07-04"),
    ("yesterday", "today"),
    ("2025-07-04 09:00:00", "now"),
    ("now", datetime(2025, 7, 4)),
    (pdt(1, 10), pst(1, 50)),
    (utc(pdt(1, 10)), utc(pst(1, 50))),
    (pdt(1, 10), pst(1, 10)),
    ("2025-11-02 01:10:00", pst(1, 10)),
    # through the hour that the clock skips
    (datetime(2025, 3, 9, 1, 59), datetime(2025, 3, 9, 3, 0)),
    (datetime(2025, 3, 9, 2, 30), datetime(2025, 3, 9, 3, 0)),
    (datetime(2025, 3, 9, 2, 45, tzinfo=ZONE), datetime(2025, 3, 9, 3, 15, tzinfo=ZONE)),
    (datetime(2025, 3, 9, 2, 45, tzinfo=ZONE, fold=1), datetime(2025, 3, 9, 3, 15, tzinfo=ZONE)),
    (datetime(2025, 3, 9, 1, 45, tzinfo=ZONE), datetime(2025, 3, 9, 2, 15, tzinfo=ZONE, fold=1)),
    (datetime(2025, 3, 9, 2, 30, tzinfo=ZONE), datetime(2025, 3, 9, 2, 30, tzinfo=ZONE)),
    (datetime(2025, 3, 9, 2, 30), datetime(2025, 3, 9, 10, tzinfo=UTC)),
    (datetime(2025, 3, 9, 9, 59, tzinfo=UTC), datetime(2025, 3, 9, 2, 30)),
]


@pytest.mark.parametrize(("start", "end"), FORWARD)
def test_a_range_that_does_not_is_sent(start: object, end: object) -> None:
    assert {"start_time", "end_time"} == set(sent({"start_time": start, "end_time": end}))


@pytest.mark.parametrize("name", ["start_time", "end_time"])
def test_a_range_may_be_open(name: str) -> None:
    assert {name} == set(sent({name: datetime(2025, 7, 4)}))


gap = datetime(2025, 3, 9, 2, 30)
around_the_gap = st.integers(-7200, 7200).map(lambda seconds: gap + timedelta(seconds=seconds))
forms = st.sampled_from(
    [
        lambda moment: moment,
        lambda moment: moment.isoformat(" "),
        lambda moment: moment.replace(tzinfo=ZONE),
        lambda moment: moment.replace(tzinfo=ZONE, fold=1),
    ]
)


@given(around_the_gap, around_the_gap, forms, forms)
def test_no_range_on_the_clock_is_refused_for_the_hour_that_it_skips(
    one: datetime, other: datetime, first: Any, last: Any
) -> None:
    start, end = sorted((one, other))
    sent({"start_time": first(start), "end_time": last(end)})


changes = st.sampled_from([datetime(2025, 3, 9, 10, tzinfo=UTC), datetime(2025, 11, 2, 9, tzinfo=UTC)])
seconds = st.integers(-4000, 4000)


@given(changes, seconds, seconds, st.booleans(), st.booleans())
def test_two_moments_make_a_range_when_they_are_in_order_as_moments_and_on_the_clock(
    change: datetime, one: int, other: int, first_local: bool, last_local: bool
) -> None:
    start, end = change + timedelta(seconds=one), change + timedelta(seconds=other)
    on_clock = [moment.astimezone(ZONE).replace(tzinfo=None) for moment in (start, end)]
    values = {
        "start_time": start.astimezone(ZONE) if first_local else start,
        "end_time": end.astimezone(ZONE) if last_local else end,
    }
    if start <= end and on_clock[0] <= on_clock[1]:
        sent(values)
    else:
        with pytest.raises(ValueError, match="must not lie before"):
            sent(values)


# -- callbacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "zone", "expected"),
    [
        (datetime(2025, 7, 16, 15, 15), None, ("2025-07-16 03:15 PM", None)),
        (datetime(2025, 7, 16, 15, 15), -7, ("2025-07-16 03:15 PM", "-7.00")),
        ("2025-07-16 03:15 PM", 5.30, ("2025-07-16 03:15 PM", "+5.30")),
        (None, "0.00", (None, "0.00")),
        # an aware time brings its zone
        (datetime(2025, 7, 16, 15, 15, tzinfo=ZONE), None, ("2025-07-16 03:15 PM", "-7.00")),
        (datetime(2025, 1, 16, 15, 15, tzinfo=ZONE), None, ("2025-01-16 03:15 PM", "-8.00")),
        (datetime(2025, 7, 16, 15, 15, tzinfo=UTC), None, ("2025-07-16 03:15 PM", "0.00")),
        (
            datetime(2025, 7, 16, 15, 15, tzinfo=ZoneInfo("Asia/Kolkata")),
            None,
            ("2025-07-16 03:15 PM", "+5.30"),
        ),
        (
            datetime(2025, 7, 16, 15, 15, tzinfo=ZoneInfo("America/St_Johns")),
            None,
            ("2025-07-16 03:15 PM", "-2.30"),
        ),
        # an offset that has no spelling goes over to the account's zone
        (
            datetime(2025, 7, 16, 15, 34, tzinfo=timezone(timedelta(minutes=19))),
            None,
            ("2025-07-16 08:15 AM", "-7.00"),
        ),
        # or is written in the zone that was given
        (datetime(2025, 7, 16, 15, 15, tzinfo=UTC), -7, ("2025-07-16 08:15 AM", "-7.00")),
        (datetime(2025, 7, 16, 15, 15, tzinfo=UTC), 5.30, ("2025-07-16 08:45 PM", "+5.30")),
        (datetime(2025, 7, 16, 15, 15, tzinfo=UTC), "+5.30", ("2025-07-16 08:45 PM", "+5.30")),
        (datetime(2025, 7, 16, 15, 15, tzinfo=UTC), -3.30, ("2025-07-16 11:45 AM", "-3.30")),
        (
            datetime(2025, 7, 16, 15, 15, tzinfo=UTC),
            "America/Denver",
            ("2025-07-16 09:15 AM", "America/Denver"),
        ),
    ],
)
def test_a_callback_is_written_with_its_zone(
    when: object, zone: object, expected: tuple[str | None, str | None]
) -> None:
    pairs = sent({"callback_time": when, "callback_time_zone": zone}, CALLBACK)
    assert expected == (pairs.get("callback_time"), pairs.get("callback_time_zone"))


def test_a_callback_in_a_zone_that_is_none_is_refused() -> None:
    moment = datetime(2025, 7, 16, 15, 15, tzinfo=UTC)
    with pytest.raises(
        ValueError, match=r"^callbacks.x: callback_time_zone must be hours such as -7 or 5.30"
    ):
        sent({"callback_time": moment, "callback_time_zone": "Mars/Olympus"}, CALLBACK)


@pytest.mark.parametrize(
    ("when", "zone"),
    [
        (datetime.min.replace(tzinfo=UTC), -7),
        (datetime.max.replace(tzinfo=UTC), 5.30),
        (datetime.min.replace(tzinfo=timezone(timedelta(minutes=19))), None),
    ],
)
def test_a_callback_at_the_ends_of_the_calendar_is_refused(when: datetime, zone: object) -> None:
    with pytest.raises(ValueError, match=r"^callbacks.x: callback_time must not lie at the ends"):
        sent({"callback_time": when, "callback_time_zone": zone}, CALLBACK)


# -- the token --------------------------------------------------------------------------------------

FORMS_OF_THE_TOKEN = [
    SECRET,
    quote(SECRET),
    quote(SECRET, safe=""),
    "tok%2Fen%2Bwith%3Dsigns+%C3%A9",
    r"tok\/en+with=signs \u00e9",  # as JSON writes it
    r"tok/en+with=signs \u00e9",
    r"tok\/en+with=signs é",
]


@pytest.mark.parametrize("form", FORMS_OF_THE_TOKEN)
def test_every_form_of_the_token_is_blotted_out(form: str) -> None:
    assert TOKEN.scrub(f"a {form} b {form}") == "a [auth_token] b [auth_token]"


def test_no_repr_or_text_shows_the_token() -> None:
    body = encode([("first_name", "Jane")], TOKEN)
    for shown in (repr(TOKEN), str(TOKEN), f"{TOKEN}", repr(body), str(body), f"{body!r}"):
        assert not any(form in shown for form in [*FORMS_OF_THE_TOKEN, "signs", "Jane"])
    assert repr(TOKEN) == "<auth_token>"
    assert f"<form of {len(body.data)} bytes>" == repr(body)


@pytest.mark.parametrize("thing", [TOKEN, encode([], TOKEN)])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_token_cannot_be_pickled(thing: object, protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be pickled") as caught:
        pickle.dumps(thing, protocol)
    assert "tok/" not in str(caught.value)
    with pytest.raises(TypeError, match="cannot be pickled"):
        copy.copy(thing)


# -- calls that are not declared --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, []),
        ({"b": "x", "a": ""}, [("b", "x"), ("a", "")]),
        ({"a": None, "n": 5, "f": True}, [("n", "5"), ("f", "true")]),
        ({"ids": [1, "2"]}, [("ids", "1,2")]),
        ({"d": date(2025, 7, 4)}, [("d", "2025-07-04")]),
        ({"t": datetime(2025, 7, 4, 8, tzinfo=UTC)}, [("t", "2025-07-04 01:00:00")]),
    ],
)
def test_any_name_goes_with_a_call_that_is_not_declared(
    params: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert expected == raw_pairs(params, ZONE)


def test_but_not_the_tokens_and_none_with_controls() -> None:
    with pytest.raises(ValueError, match="params must not hold auth_token"):
        raw_pairs({"auth_token": "x"}, ZONE)
    with pytest.raises(ValueError, match="NUL"):
        raw_pairs({"a\0": "x"}, ZONE)
    with pytest.raises(TypeError, match=r"^a must be text"):
        raw_pairs({"a": {}}, ZONE)
    with pytest.raises(TypeError, match=r"^a\[0\] must be text"):
        raw_pairs({"a": [None]}, ZONE)
    for values in ([], ["1,2"], [""]):
        with pytest.raises(ValueError, match=r"^a"):
            raw_pairs({"a": values}, ZONE)
    for params in ([("a", 1)], "a=1", 7):
        with pytest.raises(TypeError, match=r"^params must be a mapping of names to values"):
            raw_pairs(cast(Any, params), ZONE)


@pytest.mark.parametrize(
    "name",
    [
        "auth_token",
        "auth.token",
        "auth token",
        " auth_token",
        "auth_token[]",
        "auth_token[0]",
        "auth[token",  # PHP takes a bracket that is not closed for an underscore
        " auth[token",
    ],
)
def test_no_spelling_of_the_token_is_a_field(name: str) -> None:
    with pytest.raises(ValueError, match="must not hold"):
        sent({"fields": {name: "x"}})
    with pytest.raises(ValueError, match="must not hold"):
        raw_pairs({name: "x"}, ZONE)
