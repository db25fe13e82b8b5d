"""Typed rows out of any JSON."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from importlib import import_module
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, strategies as st

from convoso_async.client import RESOURCES
from convoso_async.convert import converter, field_of, loader
from convoso_async.reply import Json
from convoso_async.resources.agent_monitor import MonitoredAgent, MonitorSnapshot
from convoso_async.resources.call_logs import CallLog, CallRecording
from convoso_async.resources.campaigns import Campaign
from convoso_async.resources.dnc import DncEntry
from convoso_async.resources.leads import LeadResult, Recording
from convoso_async.resources.sms_opt_out import OptOut
from convoso_async.resources.status import Disposition
from convoso_async.resources.users import User
from convoso_async.rows import Money, Page, Result, Row, Scope, Seconds, Wire, annotations_of, row

ZONE = ZoneInfo("America/Los_Angeles")
NEW_YORK = ZoneInfo("America/New_York")
ROW_CLASSES = sorted(
    {
        value
        for name in RESOURCES
        for value in vars(import_module(f"convoso_async.resources.{name}")).values()
        if isinstance(value, type) and issubclass(value, Row)
    },
    key=lambda cls: cls.__name__,
)


@row
class Sample(Row):
    """One attribute of each kind."""

    id: str | None = None
    lead_id: str | None = None
    campaign_id: Scope = None
    name: str | None = None
    class_: str | None = None
    total: int | None = None
    share: float | None = None
    revenue: Money = None
    length: Seconds = None
    active: bool | None = None
    at: datetime | None = None
    born: date | None = None
    skills: list[str] = attrs.field(factory=list)
    recording: list[CallRecording] = attrs.field(factory=list)
    call: dict[str, Json] | None = None
    anything: Json = None
    purpose: Annotated[str | None, Wire("purpose", "Purpose")] = None


def loaded(source: Json, cls: type[Any] = Sample) -> Any:
    return loader(cls, ZONE)(source)


def la(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZONE, fold=fold)  # type: ignore[misc, arg-type]


READINGS: list[tuple[str, list[tuple[Json, object]]]] = [
    (
        "id",
        [("7", "7"), (7, "7"), ("007", "007"), (7.0, "7"), (-1, "-1"), ("r-1", "r-1"), ("00", "00")]
        + [(nothing, None) for nothing in (None, "", "-", "0", 0, 0.0, [], {})],
    ),
    ("lead_id", [(880143, "880143"), ("0", None), (0, None)]),
    ("campaign_id", [("0", "0"), (0, "0"), ("-1", "-1"), (-1, "-1"), (61, "61"), ("", None), ("-", None)]),
    (
        "name",
        [
            ("Jane", "Jane"),
            (" ", " "),
            ("0", "0"),
            (0, "0"),
            (5, "5"),
            (1.5, "1.5"),
            (2.0, "2"),
            ("null", "null"),
        ]
        + [(1e300, "1e+300")]
        + [(nothing, None) for nothing in (None, "", "-", [], {})],
    ),
    (
        "total",
        [
            (5, 5),
            ("5", 5),
            ("0", 0),
            (0, 0),
            ("007", 7),
            ("-3", -3),
            ("+3", 3),
            (5.0, 5),
            ("5.0", 5),
            (" 5 ", 5),
        ]
        + [("9" * 40, int("9" * 40))]
        + [(nothing, None) for nothing in (None, "", "-", [], {})],
    ),
    (
        "share",
        [(5, 5.0), (58.4, 58.4), ("58.4", 58.4), ("-1", -1.0), ("1e3", 1000.0), (0, 0.0), ("0.00", 0.0)]
        + [(nothing, None) for nothing in (None, "", "-", [], {})],
    ),
    ("revenue", [("0.00", None), (0, 0.0), ("0.50", 0.5), ("87.25", 87.25), (87.25, 87.25), ("-2.00", -2.0)]),
    (
        "length",
        [
            ("01:02:03", 3723),
            ("02:03", 123),
            ("00:00:00", 0),
            ("100:00:00", 360000),
            (74, 74),
            ("74", 74),
            ("", None),
        ],
    ),
    (
        "active",
        [(word, True) for word in (True, 1, "1", "Y", "y", "yes", "true", "True", " Y ")]
        + [(word, False) for word in (False, 0, "0", "N", "n", "no", "false", "False")]
        + [(nothing, None) for nothing in (None, "", "-", [], {})],
    ),
    (
        "at",
        [
            ("2025-07-14 10:05:00", la(2025, 7, 14, 10, 5)),
            ("2025-07-14T10:05:00", la(2025, 7, 14, 10, 5)),
            ("2025-07-14 10:05", la(2025, 7, 14, 10, 5)),
            ("2025-07-14", la(2025, 7, 14)),
            ("2025-07-16 03:15 PM", la(2025, 7, 16, 15, 15)),
            ("2025-07-16 12:05 am", la(2025, 7, 16, 0, 5)),
            ("2025-07-01T09:15:22-0700", la(2025, 7, 1, 9, 15, 22)),
            ("2025-07-01T09:15:22-05:00", la(2025, 7, 1, 7, 15, 22)),
            ("2025-07-01T09:15:22Z", la(2025, 7, 1, 2, 15, 22)),
            ("2025-07-01T09:15:22.500Z", la(2025, 7, 1, 2, 15, 22, 500_000)),
            ("2025-11-02 01:30:00", la(2025, 11, 2, 1, 30)),
            # PHP's object
            (
                {"date": "2025-07-14 16:20:09.000000", "timezone_type": 3, "timezone": "America/Los_Angeles"},
                la(2025, 7, 14, 16, 20, 9),
            ),
            (
                {"date": "2025-07-14 16:20:09.000000", "timezone_type": 3, "timezone": "America/New_York"},
                la(2025, 7, 14, 13, 20, 9),
            ),
            (
                {"date": "2025-07-14 16:20:09", "timezone_type": 1, "timezone": "+00:00"},
                la(2025, 7, 14, 9, 20, 9),
            ),
            (
                {"date": "2025-07-14 16:20:09", "timezone_type": 1, "timezone": "-03:30"},
                la(2025, 7, 14, 12, 50, 9),
            ),
            ({"date": "2025-07-14 16:20:09", "timezone_type": 2, "timezone": "Z"}, la(2025, 7, 14, 9, 20, 9)),
            ({"date": "2025-07-14 16:20:09"}, la(2025, 7, 14, 16, 20, 9)),
            ({"date": "2025-07-14", "timezone_type": 3, "timezone": "America/Denver"}, la(2025, 7, 14)),
            ({"date": None, "timezone_type": 3, "timezone": "America/Denver"}, None),
            ({"date": "0000-00-00 00:00:00", "timezone_type": 3, "timezone": "UTC"}, None),
        ]
        + [(nothing, None) for nothing in (None, "", "-", "0000-00-00 00:00:00", "0000-00-00", [], {})],
    ),
    (
        "born",
        [
            ("1980-02-29", date(1980, 2, 29)),
            ("1980-02-29 00:00:00", date(1980, 2, 29)),
            ("0000-00-00", None),
            ("", None),
            (None, None),
        ],
    ),
    (
        "skills",
        [
            (["french", "billing"], ["french", "billing"]),
            ("french,billing", ["french", "billing"]),
            ([2207], ["2207"]),
            (2207, ["2207"]),
            (["french", None, ""], ["french"]),
            (None, []),
            ([], []),
            ({}, []),
            ("", []),
        ],
    ),
    (
        "recording",
        [
            ([], []),
            (None, []),
            ({}, []),
            ("", []),
            ([{"src": "a", "recording_id": 7}], [CallRecording(src="a", recording_id="7")]),
            ({"src": "a", "recording_id": 7}, [CallRecording(src="a", recording_id="7")]),
            ({"7": {"src": "a"}, "8": {"src": "b"}}, [CallRecording(src="a"), CallRecording(src="b")]),
            ("https://media.example.org/7", [CallRecording(public_url="https://media.example.org/7")]),
            ("7.mp3", [CallRecording(filename="7.mp3")]),
            (["7.mp3", {"src": "a"}], [CallRecording(filename="7.mp3"), CallRecording(src="a")]),
            ([{"src": "a", "size": 5}], [CallRecording(src="a", extra={"size": 5})]),
            ([5], [CallRecording(extra={"value": 5})]),
        ],
    ),
    ("call", [({"call_id": 7}, {"call_id": 7}), ({}, None), ([], None), (None, None), ("", None)]),
    (
        "anything",
        [({"a": 1}, {"a": 1}), ([1], [1]), ("x", "x"), (0, 0), (False, False), (None, None), ([], None)],
    ),
]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [(name, value, expected) for name, readings in READINGS for value, expected in readings],
)
def test_a_value_is_read(name: str, value: Json, expected: object) -> None:
    made = loaded({name: value})
    assert expected == getattr(made, name)
    assert type(expected) is type(getattr(made, name))
    assert made.extra == {}


@pytest.mark.parametrize("name", [name for name, _ in READINGS])
def test_what_is_absent_is_none_or_empty(name: str) -> None:
    assert getattr(loaded({}), name) in (None, [])


def test_stamps_are_in_the_zone_of_the_account() -> None:
    for text in ("2025-07-14 10:05:00", "2025-07-01T09:15:22Z", "2025-07-16 03:15 PM"):
        assert loaded({"at": text}).at.tzinfo is ZONE
        assert loader(Sample, NEW_YORK)({"at": text}).at.tzinfo is NEW_YORK


DRIFT: list[tuple[str, list[Json]]] = [
    ("id", [True, [7], {"x": 7}]),
    ("name", [{"name": "", "first": "Jane"}, False, ["Jane"], {"first": "Jane"}, {"name": 5}]),
    ("total", ["five", 5.5, "5.5", True, [5], {"n": 5}, "inf", "nan", "٥x", "--", " "]),
    ("share", ["half", "nan", "inf", "-inf", True, [5], "1_0", "5 %"]),
    ("revenue", ["$5", "1,000.00", True]),
    ("length", ["1:xx", ":", "::", "-1:30", "1:2.5", "long"]),
    ("active", ["maybe", 2, "2", 1.0, ["Y"], {"y": 1}]),
    (
        "at",
        [
            "soon",
            1_752_508_920,
            "20250714",
            "2025W291",
            "2025/07/14",
            "14/07/2025",
            "2025-13-01",
            "2025-07-14 25:00:00",
            True,
            [1],
            {"day": 1},
        ],
    ),
    ("at", [{"date": "2025-07-14 16:20:09", "timezone": "Mars/Olympus"}, {"date": "soon"}, {"date": 5}]),
    (
        "at",
        [
            {"date": "2025-07-14 16:20:09", "timezone": "+99:99"},
            {"date": "2025-07-14 16:20:09", "timezone": "+x"},
        ],
    ),
    (
        "at",
        [
            {"date": "2025-07-14 16:20:09", "timezone": "../../etc/passwd"},
            "0001-01-01T00:00:00+14:00",
            "2025-07-14 m",
        ],
    ),
    ("born", ["soon", 19800229, "29.02.1980", "1981-02-29", {"date": "1980-02-29"}]),
    ("skills", [True, [True], [["french"]], {"0": "french"}]),
    ("call", ["x", [1], 5, True]),
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in DRIFT for value in values])
def test_what_cannot_be_read_is_none_and_kept(name: str, value: Json) -> None:
    made = loaded({name: value})
    assert getattr(made, name) in (None, [])
    assert made.extra == {name: value}


def test_an_object_of_which_one_text_was_read_is_kept() -> None:
    agent = loaded({"status": {"status": "READY", "duration": 12}}, MonitoredAgent)
    assert agent.status == "READY"
    assert agent.extra == {"status": {"status": "READY", "duration": 12}}


def test_unknown_keys_are_kept() -> None:
    source = {"id": 1, "field_1": "x", "extra": {"a": 1}, "raw": 5, "class": "c", "class_": "d", "Lead_id": 9}
    made = loaded(source)
    assert (made.id, made.class_) == ("1", "c")
    assert made.extra == {"field_1": "x", "extra": {"a": 1}, "raw": 5, "class_": "d", "Lead_id": 9}


def test_a_value_may_stand_under_another_key() -> None:
    assert loaded({"Purpose": "A"}).purpose == "A"
    assert loaded({"purpose": "A", "Purpose": "B"}) == Sample(purpose="A", extra={"Purpose": "B"})
    assert loaded({"purpose": "", "Purpose": "B"}) == Sample(purpose="B")
    assert loaded({"purpose": ["x"], "Purpose": "B"}) == Sample(purpose="B", extra={"purpose": ["x"]})


def test_one_key_may_give_two_attributes() -> None:
    assert loaded({"id": 7}, LeadResult) == LeadResult(lead_id="7", id="7")
    assert loaded({"lead_id": 7}, LeadResult) == LeadResult(lead_id="7", id="7")
    assert loaded({"lead_id": 7, "id": 8}, LeadResult) == LeadResult(lead_id="7", id="8")
    assert loaded({"lead_id": True, "id": 8}, LeadResult) == LeadResult(
        lead_id="8", id="8", extra={"lead_id": True}
    )


@row
class TwoReadings(Row):
    """The same key as text and as a number."""

    words: Annotated[str | None, Wire("n")] = None
    number: Annotated[int | None, Wire("n")] = None


def test_a_key_that_only_one_attribute_can_read_is_kept() -> None:
    assert loaded({"n": "five"}, TwoReadings) == TwoReadings(words="five", extra={"n": "five"})
    assert loaded({"n": "5"}, TwoReadings) == TwoReadings(words="5", number=5)


@pytest.mark.parametrize("source", [None, 5, "x", True, [1, 2], 1.5])
def test_a_row_that_is_no_object_is_kept(source: Json) -> None:
    assert loaded(source) == Sample(extra={"value": source})


@pytest.mark.parametrize(
    ("cls", "source", "expected"),
    [
        (DncEntry, {"campaign_id": 0}, {"campaign_id": "0"}),
        (DncEntry, {"campaign_id": "-1"}, {"campaign_id": "-1"}),
        (OptOut, {"campaign_id": "0", "campaign_uid": ""}, {"campaign_id": "0", "campaign_uid": None}),
        (CallLog, {"campaign_id": "0", "lead_id": "0"}, {"campaign_id": None, "lead_id": None}),
        (CallLog, {"call_length": "212"}, {"call_length": 212}),
        (CallLog, {"term_reason": "NONE", "call_length": None}, {"term_reason": "NONE", "call_length": None}),
        (Recording, {"end_time": "", "seconds": None, "url": "r-1.wav"}, {"end_time": None, "seconds": None}),
        (Disposition, {"success": "N", "custom_status": "Y"}, {"success": False, "custom_status": True}),
        (
            Disposition,
            {"workflow_dispositon_event_option": 1},
            {"workflow_disposition_event_option": "1"},
        ),
        (
            User,
            {"extension": [2207], "allow_transfers": "1"},
            {"extension": ["2207"], "allow_transfers": True},
        ),
        (Campaign, {"status": "N", "last_call_date": None}, {"status": False, "last_call_date": None}),
        (MonitorSnapshot, {"agents": None, "agent_total": "0"}, {"agents": [], "agent_total": 0}),
    ],
)
def test_a_row_of_the_service(cls: type[Row], source: Json, expected: dict[str, object]) -> None:
    made = loaded(source, cls)
    assert expected == {name: getattr(made, name) for name in expected}


# -- any JSON at all --------------------------------------------------------------------------------

texts = st.text(max_size=8) | st.sampled_from(
    [value for _, readings in READINGS for value, _ in readings if isinstance(value, str)]
    + [
        "2025-07-16 03:15 PM",
        "0000-00-00",
        "12:30",
        "999999999999999999999:1",
        "1e5",
        "-",
        "٣",
        "²",
        "m",
        "1_0",
    ]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
inner_keys = st.sampled_from(["date", "timezone", "status", "src", "id", "name"]) | st.text(max_size=4)
any_json = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(inner_keys, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def sources(draw: st.DrawFn) -> tuple[type[Row], Json]:
    """A class of rows and an object that has many of its keys."""
    cls = draw(st.sampled_from([*ROW_CLASSES, Sample, TwoReadings]))
    known = sorted(
        {key for name, hint in annotations_of(cls).items() for key in field_of(name, hint, ZONE).keys}
    )
    return cls, draw(st.dictionaries(st.sampled_from(known) | st.text(max_size=4), any_json, max_size=6))


def nothing(name: str, value: Json) -> bool:
    """Whether a value means none where it stands."""
    if name.endswith("id") and value in (0, "0") and not isinstance(value, bool):
        return True
    if isinstance(value, str):
        return value in ("", "-", "0.00") or value.startswith("0000-00-00")
    if isinstance(value, dict) and "date" in value:
        return nothing("date", value["date"])
    return value in (None, [], {})


def same(typed: object, value: Json) -> bool:
    """Whether a typed value still tells what came."""
    match typed:
        case Row():
            return (
                all(kept(typed, name, inner) for name, inner in value.items())
                if isinstance(value, dict)
                else (typed.extra == {"value": value} or value in attrs.astuple(typed, recurse=False))
            )
        case list():
            if isinstance(value, str):
                return "".join(map(str, typed)) == value.replace(",", "") or same(typed[0], value)
            several = list(value.values()) if isinstance(value, dict) else value
            if isinstance(several, list) and len(several) == len(typed) and all(map(same, typed, several)):
                return True
            left = (
                [item for item in several if not nothing("", item)] if isinstance(several, list) else [value]
            )
            if len(left) == len(typed) and all(map(same, typed, left)):
                return True
            return len(typed) == 1 and same(typed[0], value)  # one alone
        case bool():
            return value is typed or str(value).strip().lower() in (
                "y",
                "yes",
                "1",
                "true",
                "n",
                "no",
                "0",
                "false",
            )
        case datetime() | date():
            return isinstance(value, str) or (isinstance(value, dict) and isinstance(value["date"], str))
        case int() | float() if isinstance(value, str) and ":" in value:
            return True
        case int() | float():
            return float(typed) == float(value)  # type: ignore[arg-type]
        case str() if isinstance(value, float):
            return float(typed) == value
        case _:
            return typed == value or (isinstance(typed, str) and typed == str(value))


def kept(made: Row, key: str, value: Json) -> bool:
    """Whether a value is found again: as it came in `extra`, or typed in an attribute."""
    if key in made.extra and made.extra[key] == value:
        return True
    readers = [
        name for name, hint in annotations_of(type(made)).items() if key in field_of(name, hint, ZONE).keys
    ]
    if readers and (nothing(key, value) or (isinstance(value, list) and all(nothing("", v) for v in value))):
        return True
    return any(same(getattr(made, name), value) for name in readers if getattr(made, name) not in (None, []))


@given(sources())
def test_no_row_raises_and_no_value_is_lost(given: tuple[type[Row], dict[str, Json]]) -> None:
    cls, source = given
    before = json.dumps(source)
    made = loaded(source, cls)
    assert type(made) is cls
    lost = {key: value for key, value in source.items() if not kept(made, key, value)}
    assert lost == {}
    assert before == json.dumps(source)  # the page's `raw` is this very object


@given(st.sampled_from(ROW_CLASSES), any_json)
def test_nothing_that_comes_for_a_row_raises(cls: type[Row], source: Json) -> None:
    assert type(loaded(source, cls)) is cls


@pytest.mark.parametrize("depth", [100, 500, 1_000])
def test_deep_objects_do_not_overflow(depth: int) -> None:
    value: Json = "2025-07-14 10:05:00"
    for _ in range(depth):
        value = {"date": value}
    assert loaded({"at": value}).at is None


# -- classes of rows --------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ROW_CLASSES)
def test_a_row_has_slots_and_can_be_changed(cls: type[Row]) -> None:
    made = cls()
    assert not hasattr(made, "__dict__")
    assert made.extra == {}
    made.extra = {"x": 1}  # type: ignore[misc]  # frozen to type checkers alone
    with pytest.raises(TypeError):
        cls("by position")  # type: ignore[call-arg, misc]


@pytest.mark.parametrize("cls", ROW_CLASSES)
def test_a_row_says_what_it_holds(cls: type[Row]) -> None:
    assert cls.__doc__
    assert "Method generated by attrs" not in cls.__doc__


def test_a_page_is_iterable_has_a_length_and_is_indexed() -> None:
    page = Page(rows=[Sample(id="1"), Sample(id="2")], total=5)
    assert [sample.id for sample in page] == ["1", "2"]
    assert len(page) == 2
    assert page[-1].id == "2"
    assert not Page(rows=[])


# -- cattrs is the public way in --------------------------------------------------------------------


def test_the_converter_makes_rows_and_gives_them_back() -> None:
    source = {
        "id": 1,
        "call_date": "2025-07-14 10:05:00",
        "recording": [{"src": "a", "new": 1}],
        "field_1": "x",
    }
    cattrs_converter = converter(ZONE)
    made = cattrs_converter.structure(source, CallLog)
    assert made == loaded(source, CallLog)
    back = cattrs_converter.unstructure(made)
    assert back == {
        "id": "1",
        "call_date": "2025-07-14T10:05:00-07:00",
        "recording": [{"src": "a", "extra": {"new": 1}}],
        "extra": {"field_1": "x"},
    }
    json.dumps(back)


def test_there_is_one_converter_for_a_zone() -> None:
    assert converter(ZONE) is converter(ZoneInfo("America/Los_Angeles"))
    assert converter(ZONE) is not converter(NEW_YORK)


def test_rows_are_structured_wherever_they_stand() -> None:
    made = converter(ZONE).structure([{"id": 1}, {"id": True}], list[CallLog])
    assert made == [CallLog(id="1"), CallLog(extra={"id": True})]


def test_an_offset_moves_a_stamp_and_nothing_else() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(2025, 7, 14, 10, 5, tzinfo=india)
    assert (
        moment
        == loaded({"at": moment.isoformat()}).at
        == loaded({"at": moment.astimezone(UTC).isoformat()}).at
    )


def test_a_result_has_no_raw_of_its_own() -> None:
    assert loaded({"success": "true", "raw": 1}, Result) == Result(success=True, extra={"raw": 1})
