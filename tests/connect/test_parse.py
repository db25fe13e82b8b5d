"""Bodies in all their forms, and the events that they tell of."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, strategies as st

from convoso_async import AsyncConvoso, CallLog, ConfigurationError, Lead
from convoso_async.connect import ConnectEvent, PayloadError, WorkflowAction, WorkflowEvent, parse
from convoso_async.connect.event import AGENT, CALL, CUSTOM, LEAD, SHARED
from convoso_async.convert import fields_of
from convoso_async.rows import annotations_of
from convoso_async.simulator import Simulator

ZONE = ZoneInfo("America/Los_Angeles")
FORM = "application/x-www-form-urlencoded"


def bodies(payload: dict[str, Any]) -> Iterator[tuple[bytes, str | None]]:
    """The same payload in every form, under right and wrong content types."""
    text = json.dumps(payload)
    form = urlencode({name: "" if value is None else value for name, value in payload.items()})
    for content_type in ("application/json", f"{FORM}; charset=UTF-8", "text/plain", "", None):
        yield text.encode(), content_type
        yield b"\xef\xbb\xbf \n" + text.encode(), content_type
        yield json.dumps(payload, ensure_ascii=False, indent=2).encode(), content_type
        yield form.encode(), content_type
        yield f"{quote_plus(text)}=".encode(), content_type
        yield quote_plus(text).encode(), content_type
        yield f"{quote_plus(text)}=&debug=1".encode(), content_type
        yield f"{text}=".encode(), content_type


# -- the fact sheet ---------------------------------------------------------------------------------


def test_every_documented_field_is_there_with_its_type(spec: dict[str, Any]) -> None:
    kinds = {field.name: field.kind for field in fields_of(ConnectEvent, ZONE)}
    for row in spec["payload"]["fields"]:
        name, kind = row["name"], kinds[row["name"]]
        expected: dict[str, tuple[str, ...]] = {
            "integer": ("count",),
            "datetime": ("stamp",),
            "date": ("any",),
            "string": ("number",) if row.get("note") == "money" else ("text", "identifier"),
        }
        assert kind in expected[row["type"]], name
        if kind == "identifier":
            assert name == "id" or name.endswith("_id")


def test_the_sections_are_those_of_the_fact_sheet(spec: dict[str, Any]) -> None:
    groups: dict[str, set[str]] = {"lead": set(), "call_log": set(), "extra": set()}
    for row in spec["payload"]["fields"]:
        groups[row["group"]].add(row["name"])
    assert groups == {
        "lead": {*LEAD, *SHARED},
        "call_log": {*CALL, *SHARED},
        "extra": {*AGENT, *CUSTOM},
    }
    assert set(spec["payload"]["shared_names"]) == set(SHARED)
    assert len({*LEAD, *SHARED, *CALL, *AGENT, *CUSTOM}) == spec["payload"]["counts"]["distinct_names"]


def test_the_enumerations_are_those_of_the_fact_sheet(spec: dict[str, Any]) -> None:
    events, actions = spec["workflow_events"]["items"], spec["workflow_actions"]["items"]
    assert [row["key"] for row in events] == list(WorkflowEvent)
    assert [(row["key"], row["ui_label"]) for row in actions] == [(a, a.label) for a in WorkflowAction]
    assert (len(WorkflowEvent), len(WorkflowAction)) == (11, 12)
    for member in (*WorkflowEvent, *WorkflowAction):
        assert member.description
        assert type(member)(member.value) is member == member.name


def test_the_examples_of_the_fact_sheet(spec: dict[str, Any]) -> None:
    kept, renamed = (example["body"] for example in spec["payload"]["examples"])
    event = parse(json.dumps(kept), "application/json")
    assert (event.call_log_id, event.lead_id, event.status) == ("5520981", "880143", "SALE")
    assert event.call_date == datetime(2025, 7, 14, 10, 5, tzinfo=ZONE)
    assert event.call == CallLog(
        id="5520981",
        lead_id="880143",
        campaign="Harbor Outreach",
        user="Rosa Quill",
        phone_number="2025550143",
        first_name="Imre",
        status="SALE",
        call_length=212,
        call_date=datetime(2025, 7, 14, 10, 5, tzinfo=ZONE),
    )
    assert event.lead == Lead(id="880143", lead_id="880143", extra={"custom_field_1": "blue"})
    assert (event.ambiguous, event.extra, event.raw) == (frozenset(), {}, kept)

    names = {
        "crm_call": "call_log_id",
        "outcome": "status",
        "phone_1": "phone_number",
        "phone_2": "phone_number",
    }
    event = parse(renamed, FORM, names=names)
    assert event.call == CallLog(id="5520981", status="SALE", phone_number="2025550143", call_length=212)
    assert (event.extra, event.lead) == ({}, Lead())
    assert event.raw["phone_2"] == "2025550143"


# -- forms of a body --------------------------------------------------------------------------------


def test_the_same_event_in_every_form(payload: dict[str, Any]) -> None:
    payload |= {
        "first_name": "Zoë & Ünal = 100 % +1",
        "user_id": 40817,
        "queue_id": None,
        "agent_comment": 'said "yes"; {ok}',
        "their_score": 7,
        "their_share": 0.5,
        "their_flag": True,
        "last_name": "null",
    }
    expected = parse(json.dumps(payload), "application/json")
    assert expected.first_name == "Zoë & Ünal = 100 % +1"
    assert (expected.user_id, expected.queue_id, expected.last_name) == ("40817", None, None)
    assert expected.extra == {"their_score": 7, "their_share": 0.5, "their_flag": True}
    for body, content_type in bodies(payload):
        if b"their_flag=True" in body:
            body = body.replace(b"their_flag=True", b"their_flag=1")  # as PHP writes it
        if b"&" not in expected.first_name.encode() or not body.startswith(b'{"call') or body.endswith(b"}"):
            assert parse(body, content_type) == expected, (body, content_type)


def test_different_events_differ(payload: dict[str, Any]) -> None:
    event = parse(json.dumps(payload))
    for name in ("status", "call_log_id", "custom_field_1", "their_key"):
        assert parse(json.dumps({**payload, name: "other"})) != event
    renamed = {"lead_status": "lead.status"}
    assert parse(json.dumps({**payload, "lead_status": "NEW"}), names=renamed) != event


@pytest.mark.parametrize("nothing", [None, "", "null", "-"])
def test_what_means_nothing(payload: dict[str, Any], nothing: object) -> None:
    empty = dict.fromkeys([*LEAD, *CALL, *SHARED, *AGENT, *CUSTOM], nothing)
    event = parse(json.dumps(empty))
    assert event == ConnectEvent()
    assert event.raw == empty
    assert parse(json.dumps(payload | {"their_key": nothing})).extra == {"their_key": nothing}


def test_a_name_that_looks_like_null_is_a_name() -> None:
    assert parse("last_name=Null&first_name=NULL").last_name == "Null"


def test_typed_as_rows_are() -> None:
    event = parse(
        "id=0&owner_id=-&call_log_id=5520981&caller_id=0&called_count=3&queue_seconds=12&monthly_revenue=0.00"
        "&annual_revenue=1200.50&date_of_birth=1980-02-29&start_date=0000-00-00&last_called=2025-07-14T10:05:00"
        "&created_at=2025-07-14 10:05:00%2B02:00&length_in_sec=soon&postal_code=01234",
        timezone="Europe/Vienna",
    )
    vienna = ZoneInfo("Europe/Vienna")
    assert (event.id, event.owner_id, event.caller_id) == (None, None, "0")
    assert (event.called_count, event.queue_seconds, event.length_in_sec) == (3, 12, None)
    assert (event.monthly_revenue, event.annual_revenue) == (None, 1200.5)
    assert (event.date_of_birth, event.start_date) == (date(1980, 2, 29), None)
    assert event.last_called == datetime(2025, 7, 14, 10, 5, tzinfo=vienna)
    assert event.postal_code == "01234"
    assert event.extra == {"length_in_sec": "soon"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        *((body, None) for body in ("", " ", "null", "12", "[]", '[{"status": "SALE"}]', '"a=b"', "status")),
        *(
            (body, "application/json")
            for body in ('{"status": "SALE"', "{]=", '{"a": NaN}', "{a=b}", '["a=b"]')
        ),
        ("[" * 100_000, "application/json"),
        ('{"a":' * 100_000, "application/json"),
        ("&".join("a=b" for _ in range(10_001)), FORM),
        *(
            ("status=SALE", kind)
            for kind in ("multipart/form-data; boundary=x", "text/html", "image/png", "x")
        ),
    ],
)
def test_what_is_no_event(body: str, content_type: str | None) -> None:
    with pytest.raises(PayloadError) as caught:
        parse(body, content_type)
    assert "SALE" not in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "content_type", ["Application/JSON", "application/vnd.crm+json", " text/json ;x=y", ";"]
)
def test_content_types(content_type: str) -> None:
    assert parse('{"status": "SALE"}', content_type).status == "SALE"


def test_western_text_where_the_header_says_so() -> None:
    western = f"{FORM}; charset=ISO-8859-1"
    assert parse(b"first_name=Zo\xeb", western).first_name == "Zoë"
    assert parse(b"first_name=Zo%EB", western).first_name == "Zoë"
    assert parse("first_name=Zoë", western).first_name == "Zoë"
    assert parse(b"first_name=Zo%C3%AB", western).first_name == "Zoë"
    assert parse(b"first_name=Zo%EB", FORM).first_name == "Zo\ufffd"


# -- whose name it is -------------------------------------------------------------------------------


def shared(view: CallLog | Lead) -> dict[str, str | None]:
    return {name: getattr(view, name) for name in SHARED if getattr(view, name) is not None}


@pytest.mark.parametrize("name", SHARED)
def test_shared_names_are_told_by_their_company(name: str) -> None:
    with_call, with_lead, with_both, alone = (
        parse(urlencode({name: "7", **others}))
        for others in (
            {"call_log_id": "5520981"},
            {"email": ""},
            {"call_log_id": "5520981", "email": "jane.doe@example.org"},
            {},
        )
    )
    assert (shared(with_call.call), shared(with_call.lead)) == ({name: "7"}, {})
    assert (shared(with_lead.call), shared(with_lead.lead)) == ({}, {name: "7"})
    for event in (with_both, alone):
        assert (shared(event.call), shared(event.lead), event.ambiguous) == ({}, {}, {name})
    assert [getattr(event, name) for event in (with_call, with_lead, with_both, alone)] == ["7"] * 4
    assert (with_call.ambiguous, with_lead.ambiguous) == (frozenset(), frozenset())


def test_names_tell_them_apart() -> None:
    names = {"outcome": "call_log.status", "standing": "lead.status"}
    event = parse("outcome=SALE&standing=OPEN&email=&call_log_id=1", names=names)
    assert (event.call.status, event.lead.status, event.status) == ("SALE", "OPEN", "SALE")
    assert event.ambiguous == frozenset()


def test_one_renamed_leaves_the_name_to_the_other() -> None:
    event = parse("outcome=SALE&status=OPEN&email=&call_log_id=1", names={"outcome": "call_log.status"})
    assert (event.call.status, event.lead.status, event.status) == ("SALE", "OPEN", "SALE")
    event = parse("standing=OPEN&status=SALE&email=&call_log_id=1", names={"standing": "lead.status"})
    assert (event.call.status, event.lead.status, event.status) == ("SALE", "OPEN", "SALE")
    event = parse("outcome=SALE&status=OPEN&call_log_id=1", names={"outcome": "call_log.status"})
    assert (event.call.status, event.lead.status, event.ambiguous) == ("SALE", "OPEN", frozenset())
    event = parse("a=OPEN&b=SALE&status=X", names={"a": "lead.status", "b": "call_log.status"})
    assert (event.call.status, event.lead.status, event.ambiguous) == ("SALE", "OPEN", frozenset())


def test_a_plain_name_can_be_given_to_a_section() -> None:
    event = parse("status=SALE&email=&call_log_id=1", names={"status": "call_log.status"})
    assert (event.call.status, event.lead.status, event.ambiguous) == ("SALE", None, frozenset())


def test_one_lead_under_two_names() -> None:
    assert parse("id=880143&email=").lead.id == "880143"
    assert parse("id=880143&call_log_id=1").call.lead_id == "880143"
    assert parse("lead_id=880143&call_log_id=1").lead.id == "880143"
    assert parse("id=880143&email=").call == CallLog()


def test_the_call_under_its_other_names() -> None:
    assert parse("uniqueid=5520981").call.id == "5520981"
    event = parse("recording_url=https://media.example.org/1.mp3&call_log_id=1&uniqueid=2")
    assert event.recording == "https://media.example.org/1.mp3"
    assert [recording.public_url for recording in event.call.recording] == [event.recording]
    assert (event.call.id, event.extra) == ("1", {"uniqueid": "2"})


def test_the_first_of_several_keys_with_a_value_counts() -> None:
    names = {"a": "phone_number", "b": "phone_number"}
    event = parse("phone_number=3&a=&b=2", names=names)
    assert (event.phone_number, event.extra) == ("2", {"phone_number": "3"})


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        ({"a": "call_logid"}, "did you mean 'call_log_id'"),
        ({"a": "lead.statu"}, "did you mean 'lead.status'"),
        ({"a": "lead.length_in_sec"}, "unlike 'lead.length_in_sec'"),
        ({"a": "call.status"}, "call_log.status"),
        ({"a": ""}, "unlike ''"),
        ({"a": "raw"}, "unlike 'raw'"),
    ],
)
def test_names_that_are_not_documented(names: dict[str, str], hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse("a=1", names=names)


def test_a_zone_that_is_unknown() -> None:
    with pytest.raises(ConfigurationError):
        parse("a=1", timezone="Mars/Olympus")


def test_keys_like_our_own_attributes_are_extra() -> None:
    event = parse("call=x&lead=y&ambiguous=z&extra=1&raw=2&call_log_id=3")
    assert event.extra == {"call": "x", "lead": "y", "ambiguous": "z", "extra": "1", "raw": "2"}
    assert event.call.id == "3"


# -- dates ------------------------------------------------------------------------------------------

MOMENT = datetime(2025, 7, 4, 21, 5, 9, tzinfo=ZONE)


def php(pattern: str, moment: datetime) -> str:
    """A moment in PHP's date letters."""
    letters = {
        "i": "%M",
        **dict(zip("YymdDMFTHs", ("%Y", "%y", "%m", "%d", "%a", "%b", "%B", "%Z", "%H", "%S"), strict=True)),
    }
    plain = {
        "j": moment.day,
        "n": moment.month,
        "G": moment.hour,
        "g": moment.hour % 12 or 12,
        "a": "am" if moment.hour < 12 else "pm",
    }
    text, quoted = "", False
    for letter in pattern:
        if quoted or (letter not in letters and letter not in plain and letter != "\\"):
            text, quoted = text + letter, False
        elif letter == "\\":
            quoted = True
        else:
            text += str(plain[letter]) if letter in plain else moment.strftime(letters[letter])
    return text


def written(option: dict[str, Any], moment: datetime) -> str:
    if option["pattern"] == "timestamp":
        return str(int(moment.timestamp()))
    zone = UTC if option["pattern"].endswith("\\Z") else moment.tzinfo
    return php(option["pattern"], moment.astimezone(zone))


moments = st.datetimes(datetime(2010, 1, 1), datetime(2068, 1, 1), timezones=st.just(ZONE)).map(
    # What the clock skips does not occur.
    lambda moment: moment.replace(microsecond=0).astimezone(UTC).astimezone(ZONE)
)


@given(moments)
@example(MOMENT)
@example(datetime(2025, 11, 2, 1, 30, tzinfo=ZONE, fold=1))
@example(datetime(2025, 12, 31, 0, 0, tzinfo=ZONE))
@example(datetime(2025, 7, 4, 12, 0, tzinfo=ZONE))
def test_every_format_of_an_adaptor(spec: dict[str, Any], moment: datetime) -> None:
    options = [
        row for row in spec["payload"]["date_formats"]["options"] if row["pattern"] not in (None, "age")
    ]
    assert len(options) == 15
    for option in options:
        text = written(option, moment)
        event = parse(urlencode({"call_date": text, "start_date": text, "their_date": text}))
        exact = option["pattern"] == "timestamp" or any(letter in option["pattern"] for letter in "TZ")
        got = event.call_date
        assert got is not None, text
        if not any(letter in option["pattern"] for letter in "HGgt"):
            expected = moment.replace(hour=0, minute=0, second=0, fold=0)
        elif "s" not in option["pattern"]:
            expected = moment.replace(second=0, fold=0)
        else:
            expected = moment if exact and "\\T" not in option["pattern"][:8] else moment.replace(fold=0)
        assert (got.replace(tzinfo=None), got.tzinfo) == (expected.replace(tzinfo=None), ZONE), text
        if option["pattern"] in ("timestamp", "D M j G:i:s T Y", r"Ymd\THis\Z"):
            assert got.timestamp() == moment.timestamp()
        short_year = "y" in option["pattern"]
        assert event.start_date == (None if short_year else moment.date()), text
        assert event.extra == {"their_date": text} | ({"start_date": text} if short_year else {})


@pytest.mark.parametrize(
    "text",
    [
        *(
            "42",
            "7",
            "13/13/2025",
            "02/30/2025",
            "14:05",
            "Mon Foo 4 10:00:00 PDT 2025",
            "Smarch 4, 2025, 1:00 am",
        ),
        *("Mon Jul 14 10:05:00 CET 2025", "7/4/2025", "00000000", "07/14/25 0:15 am", "never", "١٧٥٢٥١٢٧٠٠"),
        *("Fri Jul 4 10:00:00 +99 2025", "99999999"),
    ],
)
def test_what_is_no_date_stays_as_it_came(text: str) -> None:
    event = parse(urlencode({"call_date": text, "date_of_birth": text}))
    assert (event.call_date, event.date_of_birth) == (None, None)
    assert event.extra == {"call_date": text, "date_of_birth": text}


def test_offsets_and_numbers() -> None:
    utc = datetime(2025, 7, 14, 17, 5, tzinfo=UTC)
    for text in (
        "Mon Jul 14 19:05:00 +02 2025",
        "Mon Jul 14 12:05:00 -05:00 2025",
        "Mon Jul 14 17:05:00 GMT 2025",
    ):
        assert parse(urlencode({"call_date": text})).call_date == utc
    stamp = parse(json.dumps({"call_date": int(utc.timestamp()), "created_at": 20250714}))
    assert (stamp.call_date, stamp.created_at) == (utc, datetime(2025, 7, 14, tzinfo=ZONE))
    assert parse(json.dumps({"call_date": True})).extra == {"call_date": True}


# -- the same call from the API ---------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["documented", "observed"])
@pytest.mark.parametrize("body", ["JSON", "RAW"])
async def test_types_and_times_agree_with_the_api(profile: Any, body: Any) -> None:
    with Simulator(profile=profile, call_logs=60, leads=20) as sim:
        account = sim.account
        webhooks = sim.connect("http://127.0.0.1:9/", body=body)
        for call_id in account.call_log_ids():
            webhooks._call_changed(int(call_id))
        for lead_id in account.lead_ids():
            webhooks._lead_changed(int(lead_id))
        jobs = [webhooks._jobs.get() for _ in range(len(account.call_log_ids()) + 20)]
        events = []
        for job in jobs:
            assert job is not None
            text = json.dumps(job.payload) if body == "JSON" else urlencode(job.payload)
            events.append((job.kind, parse(text, None)))
        async with AsyncConvoso(sim.token, base_url=sim.url) as client:
            calls = {call.id: call async for call in client.call_logs.retrieve_all(include_recordings=True)}
            leads = {lead.id: lead async for lead in client.leads.search_all()}
    for kind, event in events:
        view: CallLog | Lead = event.call if kind == "call" else event.lead
        row: CallLog | Lead = calls[view.id] if kind == "call" else leads[view.id]
        left_out = {"extra", "session_id", "status_name", "number_dialed", "called_count", "recording"}
        if kind == "lead":
            left_out = {"extra", "lead_id", "status_name", "directory_name", "campaign_name"}
            left_out |= {"carrier_type", "locale_gmt"}
        for name in set(annotations_of(type(row))) - left_out:
            if getattr(row, name) in (None, 0):
                continue  # a reply has fewer columns, and an observed one a 0 for no place in a queue
            assert getattr(view, name) == getattr(row, name), (kind, name)
            assert type(getattr(view, name)) is type(getattr(row, name))
        if isinstance(row, CallLog) and isinstance(view, CallLog):
            assert bool(view.recording) == bool(row.recording)
            assert event.ambiguous == frozenset()
            assert view.call_date is not None
            assert view.call_date.utcoffset() in (timedelta(hours=-7), timedelta(hours=-8))


# -- anything ---------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from([*LEAD, *CALL, *SHARED, *AGENT, *CUSTOM, "uniqueid", "a", "b"]) | texts


@given(
    st.dictionaries(keys, values),
    st.dictionaries(keys, st.sampled_from([*CALL, "lead.status", "call_log.status"])),
)
def test_any_object_is_an_event_and_nothing_is_lost(payload: dict[str, Any], names: dict[str, str]) -> None:
    event = parse(json.dumps(payload), names=names)
    assert event.raw == payload
    for name, value in payload.items():
        if (
            name not in names
            and name not in ConnectEvent.__slots__
            and name not in (*LEAD, *CALL, "uniqueid")
        ):
            known = name in (*SHARED, *AGENT, *CUSTOM)
            assert known or event.extra[name] == value


@given(st.dictionaries(keys.filter(bool), texts, min_size=1))
def test_any_texts_are_one_event_in_all_forms(payload: dict[str, str]) -> None:
    expected = parse(json.dumps(payload))
    assert parse(urlencode(payload)) == expected or next(iter(payload)).lstrip().startswith("{")
    assert parse(f"{quote_plus(json.dumps(payload))}=") == expected


@given(st.binary() | texts, st.none() | texts)
@example(b"\xff\xfe=\x00", None)
@example(b"%", FORM)
@example(b"=", FORM)
@example(b'{"a": "\\ud800"}', None)
@example(b'{"call_log_id": 1e999}', None)
@example(b'{"call_log_id": ' + b"9" * 5000 + b"}", None)
def test_anything_else_is_refused_in_one_way(body: bytes | str, content_type: str | None) -> None:
    try:
        event = parse(body, content_type)
    except PayloadError as error:
        assert str(error) in {  # noqa: PT017  # no text of ours holds a value
            "the content type is neither JSON nor a form",
            "the body is neither a JSON object nor a form",
            "the form has too many fields",
        }
    else:
        assert isinstance(event, ConnectEvent)
        repr(event), event == event, parse(body, content_type) == event
