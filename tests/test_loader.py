"""Compiled loaders make the rows that the plain loader makes."""

import copy
import json
import pickle
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import example, given, settings, strategies as st

from convoso_async import convert
from convoso_async.client import RESOURCES
from convoso_async.convert import RowLoader, fields_of, loader, row_loader
from convoso_async.reply import Json
from convoso_async.resources.call_logs import CallLog, CallLogUpdate, CallRecording
from convoso_async.resources.leads import LeadResult
from convoso_async.rows import Money, Row, Scope, Seconds, Wire, row

ZONE = ZoneInfo("America/Los_Angeles")
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
    """Each kind of value; keys that two attributes share, alike and not; an attribute with two keys."""

    id: str | None = None
    sample_id: Annotated[str | None, Wire("id")] = None
    name: str | None = None
    scope: Scope = None
    revenue: Money = None
    share: float | None = None
    length: Seconds = None
    active: bool | None = None
    at: datetime | None = None
    skills: list[str] = attrs.field(factory=list)
    recording: list[CallRecording] = attrs.field(factory=list)
    call: dict[str, Json] | None = None
    anything: Json = None
    words: Annotated[str | None, Wire("n")] = None
    number: Annotated[int | None, Wire("n")] = None
    purpose: Annotated[str | None, Wire("purpose", "Purpose")] = None


@pytest.fixture(autouse=True)
def _soon_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "SAMPLE", 2)
    monkeypatch.setattr(convert, "_ROW_LOADERS", {})


# -- rows -------------------------------------------------------------------------------------------

NUMBERS: list[Json] = [5, 5.0, 5.5]
usual_forms: dict[str, list[Json]] = {
    "text": ["Jane", "SALE", " ", "0", 5, 1.5, True, {"status": "READY"}, {"name": "x"}, ["x"]],
    "identifier": ["880143", "0", "00", 0, 7, 7.0, -1, True, [7]],
    "count": [
        "5",
        "007",
        "1000",
        "123456789012345678",
        " 5 ",
        "1_0",
        "+3",
        "٣",
        "²",
        "12:30",
        "nan",
        "9" * 4_500,
        True,
        *NUMBERS,
    ],
    "number": [58.4, 5, "58.4", "0.00", "$5", True, 10**400],
    "flag": [True, False, "Y", "N", "y", " Y ", "1", "0", 1, 0, 1.0, 2, "maybe"],
    "stamp": [
        "2025-07-14 10:05:00",
        "2025-07-14T10:05:00",
        "2025-07-14T10:05+07",
        "2025-07-14 10+07:00",
        "2025-W29-1 10:05:00",
        "20250714T100500.123",
        "2025-07-14 10:05 AM",
        "2025-07-16 03:15 PM",
        "0000-00-00 00:00:00",
        "2025-13-14 10:05:00",
        "2025-07-14 25:05:00",
        "0001-01-01T00:00:00+14:00",
        "2025-11-02 01:30:00",
        "2025-03-09 02:30:00",
        1_752_508_920,
        {"date": "2025-07-14 16:20:09.000000", "timezone": "America/New_York"},
    ],
    "rows": [
        [{"src": "a", "type": "mp3", "new": 1}],
        [{"src": "a", "type": "mp3"}, {"src": "b", "type": "mp3"}, {"src": "", "type": 3}, {"type": "mp3"}],
        [{"src": "a", "type": "mp3"}, "r-1.wav", None, 5],
        {"src": "a"},
        {"1": {"src": "a"}, "2": {"src": "b"}},
        "https://media.example.org/r-1",
        5,
    ],
    "words": ["french,spanish", ["french", 5, ""], [["french"]], {"0": "french"}],
    "object": [{"a": 1}, "x", 5],
    "any": ["1980-02-29", "x", 5, ["x"], {"a": 1}],
}
NOTHING: list[Json] = [None, "", "-", [], {}]
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
anything = any_json | st.sampled_from([form for forms in usual_forms.values() for form in forms])
unknown_keys = st.sampled_from(["field_1", "new key", "v", "x y", "a'b\"c\n", "class", "extra", "raw", "ü"])


@st.composite
def pages(draw: st.DrawFn) -> tuple[type[Row], list[Json]]:
    """A class of rows, and some objects of one shape or a few, most values in the forms that they come in."""
    cls = draw(st.just(Sample) | st.sampled_from(ROW_CLASSES))
    kinds = {key: field.kind for field in fields_of(cls, ZONE) for key in field.keys}
    keys = st.lists(
        st.sampled_from(sorted(kinds) or ["id"]) | unknown_keys | st.text(max_size=3), unique=True, max_size=9
    )
    shapes = draw(st.lists(keys, min_size=1, max_size=3))

    def value_of(key: str) -> st.SearchStrategy[Json]:
        usual = st.sampled_from(usual_forms[kinds[key]] + NOTHING) if key in kinds else any_json
        return usual | anything

    page: list[Json] = []
    for place in draw(st.lists(st.integers(0, 12), min_size=1, max_size=12)):
        if place == 12:
            page.append(draw(any_json))
        else:
            page.append({key: draw(value_of(key)) for key in shapes[place % len(shapes)]})
    return cls, page


def shown(value: object) -> object:
    """A value with the types of all that is in it: 1 is not True, and not 1.0."""
    if isinstance(value, Row):
        return type(value), {
            field.name: shown(getattr(value, field.name)) for field in attrs.fields(type(value))
        }
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    return type(value), repr(value), value


@settings(max_examples=150)
@given(pages())
def test_a_page_is_read_as_row_by_row(drawn: tuple[type[Row], list[Json]]) -> None:
    cls, page = drawn
    before = json.dumps(page)
    rows = RowLoader(cls, ZONE)
    expected = [shown(rows.plain(source)) for source in page]
    for _ in range(4):  # plainly, and then by what was compiled
        assert expected == [shown(made) for made in rows.many(page)]
        given_up = list(page)
        assert expected == [shown(made) for made in rows.drain(given_up)]
        assert given_up == []
    assert expected == [shown(rows.one(source)) for source in page]
    assert before == json.dumps(page)


@settings(max_examples=150)
@given(pages(), st.booleans())
def test_each_shape_is_read_as_plainly(drawn: tuple[type[Row], list[Json]], repeated: bool) -> None:
    cls, page = drawn
    rows = RowLoader(cls, ZONE)
    sample = [cls()] * 9 if repeated else []  # looks as if every text came again and again
    for source in page:
        if isinstance(source, dict) and len(source) > 1:
            load = rows.compiled(tuple(source), sample)
            for _ in range(3):
                made: list[Any] = []
                load([source], made)
                assert [shown(rows.plain(source))] == [shown(row) for row in made]


@settings(max_examples=500)
@given(st.text("0123456789-:TWZ+ .", min_size=19, max_size=19))
@example("2025-07-14T10:05+07")
@example("2025-07-14 10+07:00")
@example("2025-W29-1T10:05:00")
@example("2025W291T10:05:00.1")
def test_a_text_as_long_as_a_stamp(text: str) -> None:
    rows = RowLoader(CallLog, ZONE)
    made: list[Any] = []
    source: Json = {"id": "1", "call_date": text}
    rows.compiled(("id", "call_date"))([source], made)
    assert [shown(rows.plain(source))] == [shown(row) for row in made]


@pytest.mark.parametrize("cls", ROW_CLASSES)
def test_every_attribute_is_there(cls: type[Row]) -> None:
    rows = RowLoader(cls, ZONE)
    made: list[Any] = []
    rows.compiled(("field_1", "field_2"))([{"field_1": 1, "field_2": 2}], made)
    assert made == [cls(extra={"field_1": 1, "field_2": 2})]
    assert shown(made[0]) == shown(cls(extra={"field_1": 1, "field_2": 2}))


def test_lists_and_extra_are_each_rows_own() -> None:
    page: list[Json] = [{"id": str(number), "recording": []} for number in range(9)]
    for made in (
        row_loader(CallLog, ZONE).many(page),
        row_loader(CallLog, ZONE).many([{"id": "1", "user": "2"}] * 9),
    ):
        assert len({id(row.recording) for row in made}) == len({id(row.extra) for row in made}) == 9
    assert all(
        row.recording is not source["recording"]  # type: ignore[call-overload, index]
        for row, source in zip(row_loader(CallLog, ZONE).many(page), page, strict=True)
    )


# -- repeated texts ---------------------------------------------------------------------------------


def calls(count: int) -> Iterator[Json]:
    """Calls as they come from a parser: no text is the same object as another."""
    for number in range(count):
        yield json.loads(
            json.dumps({"id": f"55{number:04}", "status": f"S{number % 3}", "user": f"U{number}"})
        )


def test_a_text_that_comes_again_and_again_is_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "SAMPLE", 50)
    rows = row_loader(CallLog, ZONE).many
    rows(list(calls(50)))
    made = rows(list(calls(90)))
    assert len({id(row.status) for row in made}) == 3
    assert len({id(row.user) for row in made}) == 90
    assert [row.status for row in made] == [f"S{number % 3}" for number in range(90)]


def test_a_loader_stops_at_other_keys_and_gives_them_back() -> None:
    load = row_loader(CallLog, ZONE).compiled(("id", "status"))
    fits: Json = {"id": "1", "status": "A"}
    others: list[Json] = [
        {"id": "1", "status": "A", "field_1": 1},
        {"id": "1", "user": "A"},
        {"id": "1"},
        None,
    ]
    for odd in others:
        made: list[Any] = []
        sources = iter([fits, fits, odd, fits])
        assert load(sources, made) is odd
        assert len(made) == 2
        assert list(sources) == [fits]


def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "MOST_KNOWN", 5)
    rows = row_loader(CallLog, ZONE)
    load = rows.compiled(("status", "user"), [CallLog()] * 9)
    made: list[Any] = []
    load([{"status": f"S{number}", "user": None} for number in range(100)], made)
    known = load.__globals__["status_known"]  # type: ignore[attr-defined]
    assert 0 < len(known) <= 5
    assert [row.status for row in made] == [f"S{number}" for number in range(100)]


def test_only_texts_are_known() -> None:
    load = row_loader(CallLog, ZONE).compiled(("status", "user"), [CallLog()] * 9)
    made: list[Any] = []
    for value in (1, True, 1.0, "1", "", None, 0, False):
        load([{"status": value, "user": value}], made)
    assert [row.status for row in made] == ["1", None, "1", "1", None, None, "0", None]
    assert set(load.__globals__["status_known"]) == {"1", "", None}  # type: ignore[attr-defined]


# -- when a loader is compiled ----------------------------------------------------------------------


def compiled_for(cls: type[Row]) -> set[tuple[str, ...]]:
    return set(row_loader(cls, ZONE)._compiled)


def test_only_what_comes_often_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "SAMPLE", 5)
    load = loader(LeadResult, ZONE)
    for number in range(4):
        load({"success": True, "lead_id": number})
    assert compiled_for(LeadResult) == set()
    assert load({"success": True, "lead_id": 4}).lead_id == "4"
    assert compiled_for(LeadResult) == {("success", "lead_id")}
    assert load({"success": True, "lead_id": 5}).lead_id == "5"


@pytest.mark.parametrize("keys", [0, 1, 501])
def test_some_keys_are_always_read_plainly(keys: int) -> None:
    source: Json = {f"field_{number}": number for number in range(keys)}
    assert row_loader(CallLog, ZONE).many([source] * 9) == [CallLog(extra=source)] * 9
    assert compiled_for(CallLog) == set()


def test_shapes_without_end_cost_no_memory_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "MOST_SHAPES", 3)
    page: list[Json] = [{"id": "1", f"field_{number // 2}": number} for number in range(40)]
    rows = row_loader(CallLog, ZONE)
    assert rows.many(page) == [rows.plain(source) for source in page]
    assert len(rows._compiled) <= 3
    rows.many([{"id": "1", f"field_{number}": number} for number in range(40)])
    assert len(rows._samples) <= 3


def test_shapes_may_change_from_row_to_row() -> None:
    shapes: list[Json] = [{"id": "1", "status": "A"}, {"id": "1", "user": "B"}, {"status": "C", "id": "1"}, 5]
    page = [shapes[number * number % 4 if number % 3 else 3] for number in range(60)]
    rows = row_loader(CallLog, ZONE)
    assert rows.many(page) == [rows.plain(source) for source in page]


def test_recordings_of_any_shape_are_all_there() -> None:
    one: Json = {"src": "a", "type": "mp3"}
    lists: list[Json] = [
        [one],
        [one, one],
        [one, {"src": "b", "type": "x", "new": 1}, one],
        ["r-1.wav"],
        [one, None],
    ]
    page: list[Json] = [{"id": "1", "recording": lists[number % 5]} for number in range(40)]
    rows = row_loader(CallLog, ZONE)
    assert rows.many(page) == rows.many(page) == [rows.plain(source) for source in page]
    assert [len(made.recording) for made in rows.many(page)[:5]] == [1, 2, 3, 1, 2]


def test_a_key_that_two_attributes_read_apart() -> None:
    page: list[Json] = [{"n": value, "name": "x"} for value in ("five", "5", 5, "5", "", "six")] * 2
    rows = row_loader(Sample, ZONE)
    assert rows.many(page) == [rows.plain(source) for source in page]
    assert rows.many(page)[0] == Sample(words="five", name="x", extra={"n": "five"})


def test_one_key_more_is_not_lost() -> None:
    page: list[Json] = [{"id": "1", "status": "A"}] * 5 + [{"id": "1", "status": "A", "field_1": "x"}] * 2
    made = row_loader(CallLog, ZONE).many(page)
    assert [row.extra for row in made] == [{}] * 5 + [{"field_1": "x"}] * 2


def test_a_mapping_that_is_no_plain_dict_is_read_plainly() -> None:
    class Counted(dict[str, Json]):
        pass

    page: list[Json] = [{"id": 1, "user": "a"}] * 4
    page[3] = Counted(id=1, user="a")
    assert row_loader(CallLog, ZONE).many(page) == [CallLog(id="1", user="a")] * 4


def test_rows_can_be_pickled_and_copied() -> None:
    page: list[Json] = [
        {"id": 1, "call_date": "2025-07-14 10:05:00", "recording": [{"src": "a", "b": 1}]}
    ] * 4
    made = row_loader(CallLog, ZONE).many(page)
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == made
    assert made[3].call_date == datetime(2025, 7, 14, 10, 5, tzinfo=ZONE)


# -- the source -------------------------------------------------------------------------------------


def test_the_source_can_be_read() -> None:
    keys = ("id", "status", "call_length", "field_1")
    sample = [CallLog(id=str(number), status="SALE") for number in range(9)]
    load: Any = RowLoader(CallLogUpdate, ZONE).compiled(keys, sample)  # type: ignore[arg-type]
    begin, _, end = load.__source__.partition("        row.call_length")
    assert begin == SOURCE
    assert "row.call_date = None\n" in end
    assert "row.recording = []\n" in end
    assert "row.already = False\n" in end


SOURCE = """\
def load(sources, made):
    for source in sources:
        if type(source) is not dict or len(source) != 4:
            return source
        try:
            v_id, v_status, v_call_length, u_3 = values_of(source)
        except KeyError:
            return source
        row = new(cls)
        row.extra = {'field_1': u_3}
        if type(v_id) is str and v_id != "" and v_id != "0" and v_id != "-":
            row.id = v_id
        elif v_id is None or v_id == "" or v_id == "0" or v_id == "-":
            row.id = None
        elif type(v_id) is int and v_id:
            row.id = str(v_id)
        else:
            row.id = settled(row, 'id', v_id, id_read)
        try:
            row.status = status_known[v_status]
        except (KeyError, TypeError):
            row.status = learned(row, 'status', v_status, status_read, status_known)
        if type(v_call_length) is str and v_call_length in counts:
    """


def test_a_loader_holds_no_value_but_those_known() -> None:
    load: Any = row_loader(CallLog, ZONE).compiled(("id", "status"))
    assert "Jane" not in load.__source__
    assert sorted(load.__globals__["id_known"]) == []
