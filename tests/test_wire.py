"""The real client against the simulator and plain sockets: what goes out, and what comes back."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from importlib import import_module
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs
import pytest

from convoso_async import (
    AsyncConvoso,
    AuthenticationError,
    ConvosoAPIError,
    ConvosoConnectionError,
    ConvosoError,
    DuplicateError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    Page,
    Pager,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    RejectedError,
    ReplyError,
    Result,
    Row,
    ServerError,
)
from convoso_async.client import RESOURCES
from convoso_async.endpoint import UNSAFE, Endpoint, Kind
from convoso_async.form import parameters_of
from convoso_async.reply import KIND_ERRORS
from convoso_async.resources.agent_monitor import MonitorSnapshot
from convoso_async.rows import Wire, annotations_of
from convoso_async.simulator import Simulator
from convoso_async.simulator.tables import calls

from .wiretap import http, wiretap

PHONE = "2125550123"
KNOWN_CALL = "5500086"
PROFILES = ["documented", "observed"]
LOS_ANGELES = "America/Los_Angeles"
MODULES = {name: import_module(f"convoso_async.resources.{name}") for name in RESOURCES}
ENDPOINTS: dict[str, Endpoint[Any]] = {
    value.id: value
    for module in MODULES.values()
    for value in vars(module).values()
    if isinstance(value, Endpoint)
}
NO_OPTIONS: dict[str, Any] = dict.fromkeys(
    ["final", "reached", "success", "dnc", "callback", "contact", "voicemail"], False
)

DNC_ENTRY: dict[str, Any] = {"phone_number": PHONE, "phone_code": "1", "campaign_id": 0}

each_profile = pytest.mark.parametrize("profile", PROFILES)
each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda endpoint: str(endpoint.id))


def service(profile: str = "documented", zone: str = LOS_ANGELES, **switches: Any) -> Simulator:
    """A small account with one call that is known in full, its last."""
    settings: dict[str, Any] = {"call_logs": 60, "leads": 20, "profile": profile, "timezone": zone}
    sim = Simulator(**settings, recordings_url="https://media.example.org", **switches)
    sim.account.add_call_log(
        "2026-03-31 16:59:07",
        lead_id=880001,
        list_id=701,
        campaign_id=61,
        campaign="Harbor Outreach",
        user_id=40801,
        user="Ada Abara",
        phone_number="2125550188",
        number_dialed="12125550188",
        first_name="Jane",
        last_name="Doe",
        status="SALE",
        status_name="Sale",
        call_length=63,
        call_type="outbound",
        called_count="3",
        queue_id=None,
        queue=None,
        queue_position=None,
        queue_seconds=None,
        term_reason="AGENT",
        session_id="s-1",
        recorded=True,
    )
    assert sim.account.call_log_ids()[-1] == KNOWN_CALL
    return sim


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with service() as running:
        yield running


def client_of(sim: Simulator, token: str | None = None, **settings: Any) -> AsyncConvoso:
    return AsyncConvoso(token or sim.token, base_url=sim.url, timezone=str(sim.account.zone), **settings)


def method_of(client: AsyncConvoso, call_id: str) -> Callable[..., Any]:
    """The method of a client for a call, such as `leads.insert`."""
    resource, _, name = call_id.partition(".")
    method: Callable[..., Any] = getattr(getattr(client, resource), name)
    return method


async def good_call(client: AsyncConvoso, call_id: str) -> Any:
    """The result of a call with the values of its case."""
    return await method_of(client, call_id)(**BY_ID[call_id].values)


# -- all calls, typed -------------------------------------------------------------------------------


@attrs.frozen
class Case:
    """A good call, and what some attributes of its reply must be: in both profiles, and in either.

    `0.id` is the id of a page's first row. A naive datetime stands for that moment in the account's zone.
    """

    id: str
    values: Mapping[str, Any]
    has: Mapping[str, object]
    documented: Mapping[str, object] = attrs.field(factory=dict)
    observed: Mapping[str, object] = attrs.field(factory=dict)
    rows: int | None = None
    setup: Callable[[Simulator], object] = lambda sim: None


def keep_only_the_last_call(sim: Simulator) -> None:
    for number in sim.account.call_log_ids()[:-1]:
        sim.account.remove_call_log(number)


CASES = [
    Case(
        "agent_monitor.search",
        {"user_id": [40801, "40802", 40803]},
        {
            "agents.0.user_id": "40801",
            "agents.0.user_full_name": "Ada Abara",
            "agents.0.queue_id": "9",
            "agents.0.queue_assignment": datetime(2026, 3, 31, 10, 31, 9),
            "agents.0.lead_id": None,  # not on a call
            "agents.0.calls_today": 49,
            "agents.0.status_time_sec": 780,
            "agents.0.status_time_mmss": "13:00",
            "agents.0.skill_options": [],
            "agents.1.queue_id": None,
            "agents.1.queue_name": None,
            "agents.1.queue_assignment": None,
        },
        {
            "agent_total": 3,
            "queue_dialable_leads": 20,
            "call_data.total_calls": 99,
            "campaigns": None,
            "success": None,
        },
        {
            "agent_total": None,
            "success": True,
            "campaigns.0": {"id": 61, "name": "Harbor Outreach"},
            "agents.0.extra": {"field_1": ""},
        },
    ),
    Case(
        "agent_monitor.logout",
        {"user_id": 40801},
        {"success": True, "message": None, "count": None, "logged_out_users": []},
    ),
    Case(
        "agent_performance.search",
        {"user_ids": 40801, "date_start": date(2026, 3, 31)},
        {
            "0.user_id": "40801",
            "0.calls": 1,
            "0.talk_sec": "00:01:03",
            "0.talk_sec_pt": 60.0,
            "0.am": 0,
            "0.call_type": "outbound",
        },
        {"total": None},
        {"total": 1},
        rows=1,
        setup=keep_only_the_last_call,
    ),
    Case(
        "agent_productivity.search",
        {"date_start": "2026-03-01", "limit": 3},
        {
            "0.id": "ev-7001",
            "0.user_id": "40801",
            "0.state": "LOGIN",
            "0.campaign_id": "61",
            "0.created_at": datetime(2026, 3, 1, 3, 3, 43),
            "0.event_sec": 11_023,
            "offset": 0,
            "limit": 3,
        },
        {"total": None},
        {"total": 200},
        rows=3,
    ),
    Case(
        "leads.search",
        {"limit": 2, "list_id": [701, "702"], "status": ["BUSY", "NEW"]},
        {
            "0.id": "880001",
            "0.created_at": datetime(2025, 12, 31),
            "0.modified_at": datetime(2026, 2, 24, 3, 34),
            "0.list_id": "701",
            "0.owner_id": "40805",
            "0.alt_phone_2": None,
            "0.date_of_birth": None,
            "1.date_of_birth": date(1951, 2, 2),
            "0.phone_number": "2015550100",
            "offset": 0,
            "limit": 2,
        },
        {"total": None, "0.lead_id": None, "0.extra": {}},
        {
            "total": 7,
            "0.lead_id": "880001",
            "0.called_count": 3,
            "0.last_called": datetime(2026, 2, 24, 3, 34),
            "1.last_called": None,
            "0.locale_gmt": "-8.00",
            "0.status_name": "Busy",
            "0.extra": {"last_modified_by": "", "field_1": "", "field_2": "3", "field_84": None},
        },
        rows=2,
    ),
    Case(
        "leads.insert",
        {"list_id": 701, "phone_number": PHONE, "first_name": "Jane"},
        {"success": True, "lead_id": "880021", "id": "880021", "extra": {}},
    ),
    Case(
        "leads.update",
        {"lead_id": 880001, "city": "Reno"},
        {"success": True, "lead_id": "880001", "id": "880001"},
    ),
    Case(
        "leads.delete",
        {"lead_id": "880002"},
        {"success": True, "extra": {}},
    ),
    Case(
        "leads.get_recordings",
        {"lead_id": 880001, "start_time": datetime(2026, 3, 31, 16, 59)},
        {
            "0.lead_id": "880001",
            "0.start_time": datetime(2026, 3, 31, 16, 59, 7),
            "offset": 0,
            "limit": 10,
        },
        {
            "total": None,
            "0.recording_id": "r-5500086",
            "0.end_time": datetime(2026, 3, 31, 17, 0, 10),
            "0.seconds": 63,
            "0.url": "https://media.example.org/r-5500086.mp3",
        },
        {"total": 1, "0.recording_id": KNOWN_CALL},
        rows=1,
    ),
    Case(
        "lead_post.insert",
        {"criteria_key": "accept-all", "phone_number": PHONE},
        {
            "accepted": True,
            "result": True,
            "lead_id": "880021",
            "error_description": None,
            "success": None,
        },
    ),
    Case(
        "lead_validation.search",
        {"criteria_key": "area-only", "phone_number": PHONE, "postal_code": "94601"},
        {"accepted": True, "result": "Accepted", "success": True},
    ),
    Case(
        "lists.search",
        {"status": True},
        {
            "0.id": "701",
            "0.name": "Spring intake 2026",
            "0.status": True,
            "0.last_called_at": datetime(2026, 3, 31, 17),
            "total": None,
        },
        {"0.campaign_id": None, "0.extra": {}},
        {"0.campaign_id": "61", "0.extra": {"description": ""}},
        rows=3,
    ),
    Case(
        "lists.insert",
        {"name": "Autumn intake", "campaign_id": 61},
        {"success": True, "list_id": "705"},
        {"id": "705"},
        {"id": None},
    ),
    Case(
        "lists.update",
        {"list_id": 701, "status": False},
        {"success": True, "list_id": "701"},
    ),
    Case(
        "lists.delete",
        {"list_id": 703},
        {"success": True, "in_progress": False, "code": None},
    ),
    Case(
        "callbacks.search",
        {"limit": 2, "recipient": "Personal"},
        {
            "0.id": "1401",
            "0.callback_time": datetime(2026, 4, 10, 21, 15),
            "0.created_at": datetime(2026, 3, 29, 17, 59, 20),
            "0.comments": "wants a quote",
            "1.comments": None,
            "0.campaign_id": "61",
            "0.user_name": "imre.ibarra8@example.org",
            "total": 20,
        },
        {"0.recipient": "personal", "0.user": "Imre Ibarra", "0.callback_seen": None},
        {
            "0.recipient": "USERONLY",
            "0.user": "40809",
            "0.callback_seen": "N",
            "0.class_": None,
            "0.extra": {"field_1": ""},
        },
        rows=2,
    ),
    Case(
        "callbacks.insert",
        {"lead_id": 880001, "recipient": "system", "callback_time": datetime(2026, 4, 2, 22, 15, tzinfo=UTC)},
        {"success": True, "callback_id": "1441"},
    ),
    Case(
        "callbacks.update",
        {"callback_id": 1401, "comments": "later"},
        {"success": True, "callback_id": "1401"},
    ),
    Case(
        "callbacks.delete",
        {"callback_id": 1402},
        {"success": True},
    ),
    Case(
        "call_logs.retrieve",
        {"limit": 5, "include_recordings": True, "order": "desc"},
        {
            "0.id": KNOWN_CALL,
            "0.lead_id": "880001",
            "0.campaign_id": "61",
            "0.call_date": datetime(2026, 3, 31, 16, 59, 7),
            "0.call_length": 63,
            "0.called_count": 3,
            "0.queue_id": None,
            "0.queue": None,
            "0.queue_seconds": None,
            "0.agent_comment": None,
            "0.originating_agent_id": None,
            "0.recording.0.public_url": "https://media.example.org/r-5500086.mp3",
            "0.recording.0.recording_id": "r-5500086",
            "1.call_length": None,  # this one is live
            "1.term_reason": "NONE",
            "1.status": None,
            "1.recording": [],
            "total": 61,
            "limit": 5,
            "offset": 0,
        },
        {"0.extra": {}, "0.queue_position": None},
        {"0.extra": {"field_1": "", "field_101": "1"}},
        rows=5,
    ),
    Case(
        "call_logs.update",
        {"call_log_id": KNOWN_CALL, "extra_field_01": "gold"},
        {"success": True, "recording": []},
        {"id": KNOWN_CALL, "call_length": 63, "call_date": datetime(2026, 3, 31, 16, 59, 7)},
        {"id": None, "call_length": None},
    ),
    Case(
        "campaigns.search",
        {},
        {"0.id": "61", "0.name": "Harbor Outreach", "0.status": True, "2.last_call_date": None},
        {"0.last_call_date": datetime(2026, 3, 31)},
        {"0.last_call_date": datetime(2026, 3, 31, 17), "0.extra": {"campaign_type": "Outbound"}},
        rows=3,
    ),
    Case(
        "campaigns.status",
        {"campaign_id": 61, "status": False},
        {"success": True},
    ),
    Case(
        "dnc.search",
        {"limit": 2, "offset": 1, "campaign_id": [0, -1]},
        {
            "0.id": "9002",
            "0.campaign_id": "-1",
            "0.phone_code": "1",
            "1.campaign_id": "0",
            "total": 24,
            "offset": 1,
            "limit": 2,
        },
        {"0.insert_date": datetime(2026, 3, 1), "0.campaign_uid": "-1", "0.reason": None},
        {
            "0.insert_date": datetime(2026, 3, 1, 12, 17),
            "0.campaign_uid": None,
            "0.campaign_type": None,
            "0.reason": "DNCT",
            "0.purpose": "NOTIFY",
        },
        rows=2,
    ),
    Case(
        "dnc.insert",
        DNC_ENTRY,
        {"success": True},
        {"id": "9061"},
        {"id": None},
    ),
    Case(
        "dnc.update",
        {"id": 9001, "reason": "DNC"},
        {"success": True},
        {"id": "9001"},
        {"id": None},
    ),
    Case(
        "dnc.delete",
        {"phone_number": "9565550100", "phone_code": "1", "campaign_id": 0},
        {"success": True},
    ),
    Case(
        "sms_opt_out.search",
        {"limit": 2},
        {
            "0.id": "3001",
            "0.campaign_id": "0",
            "1.campaign_id": "-1",
            "0.purpose": "TELEMKT",
            "0.reason": "DNC",
            "total": 30,
        },
        {"1.insert_date": datetime(2026, 3, 2), "0.campaign_name": "All campaigns"},
        {
            "1.insert_date": datetime(2026, 3, 2, 0, 34),
            "0.campaign_name": None,
            "0.campaign_uid": None,
            "0.extra": {"campaign_type": "-"},
        },
        rows=2,
    ),
    Case(
        "sms_opt_out.insert",
        DNC_ENTRY,
        {"success": True, "extra": {}},
    ),
    Case(
        "sms_opt_out.update",
        {"id": 3001, "reason": "-BLANK-"},
        {"success": True, "id": "3001"},
    ),
    Case(
        "status.search",
        {"query": "warm"},
        {
            "0.status": "WARM",
            "0.final": False,
            "0.reached": True,
            "0.success": False,  # the status's own flag
            "0.callback": True,
            "0.custom_status": True,
            "0.extra": {},
        },
        {"0.hex_color": "#3A7F2B", "0.workflow_disposition_event_option": "interest"},
        {"0.hex_color": None, "0.workflow_disposition_event_option": "1"},
        rows=1,
    ),
    Case(
        "status.insert",
        {"status": "HOT", "name": "Hot lead", **NO_OPTIONS},
        {"success": True, "code": 200, "new": True, "status": "HOT"},
    ),
    Case(
        "status.update",
        {"status": "WARM", "final": True, "hex_color": "#AABBCC"},
        {"success": True, "status": "WARM", "code": None},
    ),
    Case(
        "revenue.update",
        {"call_log_id": KNOWN_CALL, "revenue": 87.25, "return_": True},
        {"success": True, "call_log_id": KNOWN_CALL},
        {
            "revenue": 87.25,
            "lead_id": "880001",
            "call_date": datetime(2026, 3, 31, 16, 59, 7),
            "status": "SALE",
        },
        {"revenue": None, "call_date": None},
    ),
    Case(
        "users.search",
        {"limit": 3},
        {
            "0.id": "40801",
            "0.email": "ada.abara@example.org",
            "0.extension": ["2201"],
            "0.callback_types_allowed": ["system", "personal"],
            "0.allow_callbacks": True,
            "0.allow_transfers": True,
            "2.allow_transfers": False,
            "0.last_login": datetime(2026, 3, 31, 10, 31, 9),
            "offset": 0,
            "limit": 3,
        },
        {"total": None, "0.user_level": "admin", "0.created_at": None},
        {
            "total": 12,
            "0.user_level": "4",
            "0.queue_override": "USE_CAMPAIGN",
            "0.status": "Y",
            "0.created_at": datetime(2026, 1, 30),
            "0.notification": None,
        },
        rows=3,
    ),
    Case(
        "users.recordings",
        {
            "user": ["ada.abara@example.org"],
            "start_time": "2026-03-31 16:59:07",
            "end_time": date(2026, 3, 31),
        },
        {"0.lead_id": "880001", "0.start_time": datetime(2026, 3, 31, 16, 59, 7), "limit": 20},
        {"0.seconds": 63, "total": None},
        {"total": 1, "0.recording_id": KNOWN_CALL},
        rows=1,
    ),
    Case(
        "user_activity.search",
        {"user_id": [40801, 40802]},
        {"logged_in_agents": 2, "success": True, "extra": {}},
        {"available_agents": 1},
        {"available_agents": 1},
    ),
]
BY_ID = {case.id: case for case in CASES}
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.id))


def test_the_table_has_every_call() -> None:
    assert [case.id for case in CASES if case.id in ENDPOINTS] == list(BY_ID)
    assert BY_ID.keys() == ENDPOINTS.keys()


@pytest.mark.parametrize(
    ("profile", "zone"),
    [
        ("documented", LOS_ANGELES),
        ("observed", LOS_ANGELES),
        ("documented", "Asia/Kolkata"),
        ("observed", "Asia/Kolkata"),
    ],
)
@each_case
async def test_a_call_works_and_its_reply_is_typed(case: Case, profile: str, zone: str) -> None:
    with service(profile, zone) as sim:
        case.setup(sim)
        async with client_of(sim) as client:
            result = await good_call(client, case.id)
        (request,) = sim.requests
    assert (request.endpoint_id, request.status, request.applied) == (case.id, 200, True)

    twin = service(profile, zone)  # the same account, asked without a client
    case.setup(twin)
    assert result.raw == twin.call(case.id, **request.params)

    endpoint = ENDPOINTS[case.id]
    account_zone = ZoneInfo(zone)
    for path, expected in {**case.has, **getattr(case, profile)}.items():
        wanted = (
            expected.replace(tzinfo=account_zone)
            if isinstance(expected, datetime) and expected.tzinfo is None
            else expected
        )
        got = at(result, path)
        assert (type(got), got) == (type(wanted), wanted), path
    if isinstance(result, Page):
        assert len(result) == len(result.rows) == len(list(result)) == case.rows
        assert result.total is None or type(result.total) is int
        rows = result.rows
        assert {type(row) for row in rows} == {endpoint.result}
    elif isinstance(result, MonitorSnapshot):
        rows = [result, *result.agents]
        assert {type(row) for row in result.agents} == {endpoint.result}
    else:
        rows = [result]
        assert isinstance(result, Result)
        assert type(result) is endpoint.result
    for row in rows:
        assert_typed(row, account_zone)
    assert_nothing_dropped(result, calls()[case.id].rows[profile] if endpoint.rows else None)


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path of attributes, keys and places."""
    for name in path.split("."):
        if name.isdigit():
            value = value[int(name)]
        else:
            value = value[name] if isinstance(value, dict) else getattr(value, name)
    return value


def assert_typed(row: Row, zone: tzinfo) -> None:
    """Every attribute has the type of its annotation, nothing in it is a text that means nothing."""
    for name, hint in annotations_of(type(row)).items():
        if name not in ("raw", "extra"):
            value = getattr(row, name)
            assert fits(value, hint, zone), f"{type(row).__name__}.{name}: {value!r} is no {hint}"
            assert value not in ("", "-"), name
            assert value != "0" or not name.endswith("id") or name.startswith("campaign_"), name
    assert type(row.extra) is dict


def fits(value: object, hint: Any, zone: tzinfo) -> bool:
    """Whether a value is of an annotated type; stamps must be in the account's zone."""
    origin = get_origin(hint)
    if origin is Annotated:
        return fits(value, get_args(hint)[0], zone)
    if origin in (Union, UnionType):
        parts = [part for part in get_args(hint) if part is not NoneType]
        return value is None or len(parts) > 1 or fits(value, parts[0], zone)  # several parts: any JSON
    if origin is list:
        (item,) = get_args(hint)
        return type(value) is list and all(fits(each, item, zone) for each in value)
    if origin is dict:
        return type(value) is dict
    if isinstance(value, datetime):
        return hint is datetime and value.tzinfo is zone
    if isinstance(value, Row):
        assert_typed(value, zone)
    return type(value) is hint


def assert_nothing_dropped(result: Any, path: str | None) -> None:
    """Every key of each row as it came, at a path of the reply, is an attribute or in `extra`."""
    if path is None:
        rows, came = [result], [{**result.raw, **result.raw.get("data", {})}]
    else:
        rows = result.rows if isinstance(result, Page) else result.agents
        found = result.raw if path == "$" else at(result.raw, path)
        came = list(found.values()) if isinstance(found, dict) else found
    for row, source in zip(rows, came, strict=True):
        unknown = source.keys() - wire_names(type(row)) - {"data"}
        assert {name: row.extra[name] for name in unknown} == {name: source[name] for name in unknown}


def wire_names(cls: type[Any]) -> set[str]:
    """The keys that a row class reads."""
    names: set[str] = set()
    for name, hint in annotations_of(cls).items():
        marks = [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Wire)]
        names.update(*(mark.keys for mark in marks) if marks else ({name.removesuffix("_")},))
    return names


async def test_flags_and_counts_do_not_depend_on_how_they_are_written() -> None:
    with service("documented") as one, service("observed") as other:
        async with client_of(one) as documented, client_of(other) as observed:
            users = [(await client.users.search(limit=12)).rows for client in (documented, observed)]
            calls = [
                (await client.call_logs.retrieve(limit=61, include_recordings=True)).rows
                for client in (documented, observed)
            ]
    for name in ("id", "email", "allow_transfers", "allow_queue_selection", "allow_callbacks", "extension"):
        first, second = ([getattr(user, name) for user in rows] for rows in users)
        assert first == second, name
    for name in ("id", "call_length", "called_count", "queue_id", "queue_seconds", "call_date", "user_id"):
        first, second = ([getattr(call, name) for call in rows] for rows in calls)
        assert first == second, name
    links = [
        [[recording.public_url for recording in call.recording] for call in rows] for rows in calls
    ]  # as a bare text in one reply, as an object in the other
    assert links[0] == links[1]
    assert any(links[0])


async def test_stamps_are_in_the_zone_of_the_account_not_of_utc(sim: Simulator) -> None:
    sim.account.add_call_log("2026-01-15 08:00:00")
    async with client_of(sim) as client:
        page = await client.call_logs.retrieve(
            start_time=datetime(2026, 1, 15, 16, 0, tzinfo=UTC), end_time="2026-01-15 08:00:00"
        )
    assert sim.requests[0].params["start_time"] == "2026-01-15 08:00:00"
    (call,) = page
    assert call.call_date == datetime(2026, 1, 15, 16, 0, tzinfo=UTC)
    assert call.call_date is not None
    assert call.call_date.utcoffset() == timedelta(hours=-8)


# -- the account changes ----------------------------------------------------------------------------


@each_profile
async def test_leads_come_change_and_go(profile: str) -> None:
    with service(profile) as sim:
        async with client_of(sim) as client:
            added = await client.leads.insert(
                list_id=701,
                phone_number=PHONE,
                first_name="Zoë & Söhne =%+\n漢字 🎺",
                date_of_birth=date(1990, 5, 17),
                fields={"job_group": "x", "score": 7, "vip": True, "left_out": None},
            )
            assert added.lead_id is not None
            (lead,) = await client.leads.search(phone_number=PHONE)
            assert (lead.id, lead.first_name) == (added.lead_id, "Zoë & Söhne =%+\n漢字 🎺")
            assert (lead.list_id, lead.date_of_birth) == ("701", date(1990, 5, 17))
            await client.leads.update(lead_id=added.lead_id, city="Reno", fields={"job_group": "y"})
            (lead,) = await client.leads.search(lead_id=added.lead_id)
            assert (lead.city, lead.first_name) == ("Reno", "Zoë & Söhne =%+\n漢字 🎺")
            await client.leads.delete(lead_id=added.lead_id)
            assert list(await client.leads.search(lead_id=added.lead_id)) == []
            (lead,) = await client.leads.search(deleted_at_start=sim.account.start)
            assert lead.id == added.lead_id
            with pytest.raises(NotFoundError):
                await client.leads.delete(lead_id=added.lead_id)
        assert sim.account.lead(added.lead_id)["job_group"] == "y"


async def test_custom_fields_arrive_and_come_back(sim: Simulator) -> None:
    fields: dict[str, Any] = {
        "job_group": "x",
        "score": 7,
        "vip": True,
        "since": date(2026, 3, 1),
        "not": None,
    }
    expected = {"job_group": "x", "score": "7", "vip": "true", "since": "2026-03-01"}
    async with client_of(sim) as client:
        added = await client.leads.insert(list_id=701, phone_number=PHONE, fields=fields)
        await client.leads.update(lead_id=880001, fields=fields)
        await client.lead_post.insert(criteria_key="accept-all", phone_number=PHONE, fields=fields)
        await client.call_logs.update(call_log_id=KNOWN_CALL, fields={"extra_field_03": "gold"})
        (lead,) = await client.leads.search(lead_id=added.lead_id)
        (call,) = await client.call_logs.retrieve(id=KNOWN_CALL)
    for request in sim.requests[:3]:
        assert expected.items() <= request.params.items()
        assert "not" not in request.params
    assert lead.extra == expected
    assert call.extra == {"extra_field_03": "gold"}


@each_profile
async def test_lists_come_change_and_go(profile: str) -> None:
    with service(profile) as sim:
        async with client_of(sim) as client:
            added = await client.lists.insert(name="Autumn intake", campaign_id=61, status=0)
            assert added.list_id is not None
            (found,) = await client.lists.search(status=False, id=added.list_id)
            assert (found.id, found.name, found.status) == (added.list_id, "Autumn intake", False)
            assert found.last_called_at is None
            await client.lists.update(list_id=added.list_id, name="Winter intake", status=True)
            (found,) = await client.lists.search(status=1, id=[added.list_id])
            assert (found.name, found.status) == ("Winter intake", True)
            assert not (await client.lists.delete(list_id=added.list_id)).in_progress
            with pytest.raises(NotFoundError):
                await client.lists.search(status=True, id=added.list_id)


@each_profile
async def test_a_removal_that_still_runs_is_no_failure(profile: str) -> None:
    with service(profile, big_list=1) as sim:
        async with client_of(sim) as client:
            running = await client.lists.delete(list_id=701)
            assert (running.in_progress, running.code, running.success) == (True, 102, False)
            assert running.raw == {"success": False, "code": 102, "text": "List deletion in progress"}
            for _ in range(2):
                await client.campaigns.search()
            with pytest.raises(NotFoundError):
                await client.lists.delete(list_id=701)
            assert [lead for lead in await client.leads.search(limit=100) if lead.list_id == "701"] == []


@each_profile
async def test_callbacks_come_change_and_go(profile: str) -> None:
    with service(profile) as sim:
        async with client_of(sim) as client:
            when = datetime(2026, 4, 2, 15, 15, tzinfo=ZoneInfo("America/New_York"))
            added = await client.callbacks.insert(
                lead_id=880001, user_id=40802, recipient="personal", callback_time=when, comments="ring twice"
            )
            assert sim.requests[-1].params["callback_time"] == "2026-04-02 03:15 PM"
            assert sim.requests[-1].params["callback_time_zone"] == "-4.00"
            assert added.callback_id is not None
            (found,) = await client.callbacks.search(comments="ring twice")
            assert (found.id, found.lead_id, found.callback_time) == (added.callback_id, "880001", when)
            await client.callbacks.update(callback_id=added.callback_id, callback_status="dismissed")
            (found,) = await client.callbacks.search(id=added.callback_id, stage="DISMISSED")
            assert found.stage == "DISMISSED"
            await client.callbacks.delete(callback_id=added.callback_id)
            assert len(await client.callbacks.search(id=added.callback_id)) == 0
            with pytest.raises(NotFoundError):
                await client.callbacks.delete(callback_id=added.callback_id)


@each_profile
async def test_dnc_entries_come_change_and_go(profile: str) -> None:
    with service(profile) as sim:
        async with client_of(sim) as client:
            await client.dnc.insert(**DNC_ENTRY, reason="DNC")
            with pytest.raises(DuplicateError) as caught:
                await client.dnc.insert(**DNC_ENTRY)
            assert (caught.value.code, caught.value.attempts) == (6008, 1)
            (found,) = await client.dnc.search(phone_number=PHONE)
            assert (found.campaign_id, found.phone_number) == ("0", PHONE)
            assert found.id is not None
            await client.dnc.update(id=found.id, reason="", purpose=None)
            assert sim.requests[-1].params == {"id": found.id, "reason": ""}
            assert (await client.dnc.search(id=found.id, reason="-BLANK-")).total == 1
            await client.dnc.delete(**DNC_ENTRY)
            assert len(await client.dnc.search(phone_number=PHONE)) == 0
            with pytest.raises(NotFoundError):
                await client.dnc.delete(**DNC_ENTRY)


@each_profile
async def test_opt_outs_come_and_change(profile: str) -> None:
    with service(profile) as sim:
        async with client_of(sim) as client:
            await client.sms_opt_out.insert(**DNC_ENTRY, reason="STOP", purpose="TELEMKT")
            with pytest.raises(DuplicateError):
                await client.sms_opt_out.insert(**DNC_ENTRY)
            (found,) = await client.sms_opt_out.search(phone_number=PHONE)
            assert (found.reason, found.purpose, found.campaign_id) == ("STOP", "TELEMKT", "0")
            assert found.id is not None
            await client.sms_opt_out.update(id=found.id, reason="-BLANK-", campaign_id=-1)
            (found,) = await client.sms_opt_out.search(phone_number=PHONE)
            assert (found.reason, found.campaign_id) == (None, "-1")


@each_profile
async def test_statuses_come_and_change(profile: str) -> None:
    with service(profile) as sim:
        async with client_of(sim) as client:
            assert len(await client.status.search(query="hot")) == 0
            added = await client.status.insert(
                status="HOT", name="Hot lead", **{**NO_OPTIONS, "callback": "Y"}
            )
            assert (added.code, added.new, added.status) == (200, True, "HOT")
            assert sim.requests[-1].params["callback"] == "Y"
            assert sim.requests[-1].params["final"] == "N"
            with pytest.raises(DuplicateError):
                await client.status.insert(status="HOT", name="Hot lead", **NO_OPTIONS)
            await client.status.update(status="HOT", name="Very hot", final=True)
            (found,) = await client.status.search(query="hot")
            assert (found.name, found.final, found.callback, found.custom_status) == (
                "Very hot",
                True,
                True,
                True,
            )


async def test_campaigns_and_agents_change(sim: Simulator) -> None:
    async with client_of(sim) as client:
        await client.campaigns.status(campaign_id=61, status=False)
        assert (await client.campaigns.search())[0].status is False
        before = (await client.user_activity.search()).logged_in_agents
        await client.agent_monitor.logout(user_id=40801)
        after = (await client.user_activity.search()).logged_in_agents
        assert before is not None
        assert after == before - 1
        with pytest.raises(RejectedError):
            await client.agent_monitor.logout(user_id=40801)


async def test_an_empty_text_is_sent_and_none_is_left_out(sim: Simulator) -> None:
    async with client_of(sim) as client:
        await client.leads.update(
            lead_id=880001, notes="", city=None, fields={"job_group": "", "other": None}
        )
        await client.call_logs.retrieve(status=None, campaign_id="", limit=None)
    update, retrieve = sim.requests
    assert update.params == {"lead_id": "880001", "notes": "", "job_group": ""}
    assert retrieve.params == {"campaign_id": "", "limit": "10"}


# -- pagers -----------------------------------------------------------------------------------------


def recorded(sim: Simulator, **wanted: str) -> list[str]:
    """The recordings that an account has of a lead's or a user's calls."""
    calls = [sim.account.call_log(number) for number in sim.account.call_log_ids()]
    prefix = "" if sim.profile == "observed" else "r-"
    return [prefix + call["id"] for call in calls if call["recorded"] and wanted.items() <= call.items()]


@attrs.frozen
class Paged:
    """A pager, what it must deliver, and its largest page."""

    id: str
    pager: Callable[..., Pager[Any]]
    expected: Callable[[Simulator], list[str]]
    largest: int
    key: str = "id"


PAGERS = [
    Paged("leads.search", lambda c, **own: c.leads.search_all(**own), lambda s: s.account.lead_ids(), 2_000),
    Paged(
        "leads.get_recordings",
        lambda c, **own: c.leads.get_recordings_all(lead_id=880001, **own),
        lambda s: recorded(s, lead_id="880001"),
        100,
        "recording_id",
    ),
    Paged(
        "callbacks.search",
        lambda c, **own: c.callbacks.search_all(**own),
        lambda s: s.account.ids("callbacks"),
        5_000,
    ),
    Paged(
        "call_logs.retrieve",
        lambda c, **own: c.call_logs.retrieve_all(end_time="2026-03-31", **own),
        lambda s: s.account.call_log_ids(),
        500,
    ),
    Paged("dnc.search", lambda c, **own: c.dnc.search_all(**own), lambda s: s.account.ids("dnc"), 1_000),
    Paged(
        "sms_opt_out.search",
        lambda c, **own: c.sms_opt_out.search_all(**own),
        lambda s: s.account.ids("sms_opt_outs"),
        1_000,
    ),
    Paged(
        "users.search", lambda c, **own: c.users.search_all(**own), lambda s: s.account.ids("users"), 1_000
    ),
    Paged(
        "users.recordings",
        lambda c, **own: c.users.recordings_all(user="ada.abara@example.org", **own),
        lambda s: recorded(s, user_id="40801"),
        1_000,
        "recording_id",
    ),
    Paged(
        "agent_productivity.search",
        lambda c, **own: c.agent_productivity.search_all(date_end="2026-03-31", **own),
        lambda s: [f"ev-{number}" for number in s.account.ids("agent_events")],
        1_000,
    ),
]
each_pager = pytest.mark.parametrize("paged", PAGERS, ids=lambda paged: str(paged.id))


def account_to_read(profile: str = "documented") -> Simulator:
    """Thirty calls of one lead and one user more, so that recordings fill some pages."""
    sim = service(profile, agent_events=40)
    for minute in range(30):
        sim.account.add_call_log(
            f"2026-03-20 12:{minute:02d}:00", lead_id=880001, user_id=40801, call_length=60, recorded=True
        )
    return sim


def test_the_table_has_every_pager() -> None:
    assert {paged.id for paged in PAGERS} == {name for name, one in ENDPOINTS.items() if one.paging}


@each_profile
@each_pager
async def test_a_pager_delivers_what_the_account_holds(paged: Paged, profile: str) -> None:
    with account_to_read(profile) as sim:
        expected = paged.expected(sim)
        assert len(expected) > 10
        async with client_of(sim) as client:
            pager = paged.pager(client, page_size=7)
            rows = [getattr(row, paged.key) async for row in pager]
            report = pager.report
            assert rows == expected
            assert (report.rows, report.complete) == (len(expected), True)
            assert report.expected in (len(expected), None)
            assert report.requests == len(sim.requests) > len(expected) // 7
            assert {request.endpoint_id for request in sim.requests} == {paged.id}
            assert {int(request.params["limit"]) for request in sim.requests} == {7}

            sim.clear()
            again = [getattr(row, paged.key) for row in await pager.collect()]
            assert again == expected
            pages = [page async for page in pager.pages()]
            assert [getattr(row, paged.key) for page in pages for row in page] == expected
            assert all(0 < len(page) <= 7 for page in pages)
            assert (pager.report.complete, pager.report.rows) == (True, len(expected))


@each_pager
async def test_a_pager_asks_for_the_largest_page(paged: Paged) -> None:
    with account_to_read() as sim:
        async with client_of(sim) as client:
            rows = await paged.pager(client).collect()
        assert len(rows) == len(paged.expected(sim))
        assert {int(request.params["limit"]) for request in sim.requests} == {paged.largest}


@each_pager
async def test_a_pager_stops_at_max_rows_and_on_an_early_break(paged: Paged) -> None:
    with account_to_read("observed") as sim:
        expected = paged.expected(sim)
        async with client_of(sim) as client:
            pager = paged.pager(client, page_size=4, max_rows=6)
            assert [getattr(row, paged.key) for row in await pager.collect()] == expected[:6]
            assert (pager.report.rows, pager.report.complete) == (6, False)

            assert await paged.pager(client, max_rows=0).collect() == []

            sim.clear()
            pager = paged.pager(client, page_size=4)
            async for row in pager:
                assert getattr(row, paged.key) == expected[0]
                break
            assert (pager.report.complete, len(sim.requests)) == (False, 1)


async def test_an_empty_read_is_complete() -> None:
    for profile in PROFILES:
        with service(profile) as sim:
            async with client_of(sim) as client:
                pager = client.leads.search_all(city="Nowhere")
                assert await pager.collect() == []
                assert (pager.report.rows, pager.report.complete) == (0, True)


# -- refusals under 200 -----------------------------------------------------------------------------

NEW_CALLBACK: dict[str, Any] = {
    "lead_id": 880001,
    "recipient": "system",
    "callback_time": "2026-04-02 03:15 PM",
    "callback_time_zone": -7,
}
Bad, Gone, Twice, No = InvalidRequestError, NotFoundError, DuplicateError, RejectedError
REFUSED: list[tuple[str, dict[str, Any], int, type[ConvosoError], str]] = [
    ("agent_monitor.search", {"user_id": 1}, 6006, Bad, "user"),
    ("agent_monitor.search", {"campaign_id": 1}, 6026, Bad, "campaign_id"),
    ("agent_monitor.search", {"queue_id": 1}, 6041, Bad, "queue_id"),
    ("agent_monitor.logout", {"user_id": 1}, 6006, Bad, "user"),
    ("agent_monitor.logout", {"user_id": 40804}, 6012, No, "not signed in"),
    ("agent_performance.search", {"user_ids": [40801, 1]}, 6006, Bad, "user"),
    ("agent_performance.search", {"status_ids": "no"}, 6050, Bad, "status"),
    ("leads.insert", {"list_id": 1, "phone_number": PHONE}, 6002, Gone, "list"),
    ("leads.insert", {"list_id": 701, "phone_number": "12"}, 6008, Bad, "phone_number"),
    ("leads.insert", {"list_id": 701, "phone_number": PHONE, "owner_id": 1}, 6006, Gone, "user"),
    (
        "leads.insert",
        {"list_id": 701, "phone_number": "2015550100", "check_dup": 1},
        6009,
        Twice,
        "phone_number",
    ),
    ("leads.insert", {"list_id": 701, "phone_number": PHONE, "email": "nobody"}, 6079, Bad, "email"),
    ("leads.update", {"lead_id": "x"}, 6070, Bad, "lead_id"),
    ("leads.update", {"lead_id": 1}, 6071, Gone, "lead"),
    ("leads.delete", {"lead_id": 1}, 6001, Gone, "lead"),
    ("leads.get_recordings", {"lead_id": 1}, 6005, Bad, "users"),
    (
        "lead_validation.search",
        {"criteria_key": "accept-all", "phone_number": "12"},
        6004,
        Bad,
        "phone_number",
    ),
    ("lead_validation.search", {"criteria_key": "nope", "phone_number": PHONE}, 6090, Bad, "criteria_key"),
    ("lists.search", {"status": 1, "id": 1}, 6002, Gone, "list"),
    ("lists.insert", {"name": "Autumn intake", "campaign_id": 1}, 6004, Gone, "campaign"),
    ("lists.insert", {"name": "Spring intake 2026", "campaign_id": 61}, 6081, Twice, "name"),
    ("lists.update", {"list_id": 1}, 6002, Gone, "list"),
    ("lists.delete", {"list_id": 1}, 6002, Gone, "list"),
    ("callbacks.search", {"user_id": 1}, 6006, Bad, "user"),
    ("callbacks.search", {"start_date": "soon"}, 6031, Bad, "date"),
    (
        "callbacks.insert",
        {
            "lead_id": 1,
            "recipient": "system",
            "callback_time": "2026-04-02 03:15 PM",
            "callback_time_zone": -7,
        },
        6070,
        Bad,
        "lead_id",
    ),
    (
        "callbacks.insert",
        {"lead_id": 880001, "recipient": "system", "callback_time": "soon", "callback_time_zone": -7},
        6071,
        Bad,
        "callback_time",
    ),
    ("callbacks.update", {"callback_id": "x"}, 6073, Bad, "callback_id"),
    ("callbacks.update", {"callback_id": 1}, 6074, Gone, "callback"),
    ("callbacks.delete", {"callback_id": 1}, 6074, Gone, "callback"),
    ("call_logs.retrieve", {"campaign_id": 1}, 6026, Bad, "campaign_id"),
    ("call_logs.retrieve", {"start_time": "soon"}, 6031, Bad, "date"),
    ("call_logs.retrieve", {"list_id": 1}, 6042, Bad, "list_id"),
    ("call_logs.update", {"call_log_id": 1, "extra_field_01": "x"}, 6061, Gone, "call"),
    ("call_logs.update", {"call_log_id": KNOWN_CALL, "fields": {"extra_field_99": "x"}}, 6062, Bad, "field"),
    ("campaigns.status", {"campaign_id": 1, "status": True}, 6026, Bad, "campaign_id"),
    ("dnc.search", {"phone_number": "x"}, 6006, Bad, "phone_number"),
    ("dnc.search", {"reason": "x" * 256}, 6057, Bad, "reason"),
    (
        "dnc.insert",
        {"phone_number": "9565550100", "phone_code": "1", "campaign_id": 0},
        6008,
        Twice,
        "phone_number already on DNC",
    ),
    ("dnc.update", {"id": 1}, 6056, Gone, "entry"),
    (
        "dnc.delete",
        {"phone_number": "2125550199", "phone_code": "1", "campaign_id": 0},
        6001,
        Gone,
        "not on DNC",
    ),
    ("sms_opt_out.search", {"purpose": "x" * 256}, 6057, Bad, "purpose"),
    (
        "sms_opt_out.insert",
        {"phone_number": PHONE, "phone_code": "1", "campaign_id": -1},
        6080,
        Bad,
        "purpose",
    ),
    ("sms_opt_out.update", {"id": 3001, "phone_number": "x"}, 4002, Bad, "numeric"),
    ("status.insert", {"status": "A_B", "name": "Odd", **NO_OPTIONS}, 6061, Bad, "alphanumerics"),
    ("status.update", {"status": "SALE"}, 6069, No, "custom"),
    ("revenue.update", {"call_log_id": 1, "revenue": 1}, 6033, Gone, "call log"),
    ("revenue.update", {"call_log_id": KNOWN_CALL}, 6036, Bad, "revenue"),
    ("users.search", {"user": "nobody"}, 6005, Bad, "users"),
    ("user_activity.search", {"user_id": "x"}, 6006, Bad, "user_id"),
]


@each_profile
@pytest.mark.parametrize(
    ("call_id", "values", "code", "kind", "meaning"), REFUSED, ids=[f"{one[0]}-{one[2]}" for one in REFUSED]
)
async def test_a_refusal_under_200_raises(
    call_id: str, values: dict[str, Any], code: int, kind: type[ConvosoError], meaning: str, profile: str
) -> None:
    with service(profile) as sim:
        async with client_of(sim) as client:
            with pytest.raises(kind) as caught:
                await method_of(client, call_id)(**values)
        (request,) = sim.requests
        twin = service(profile).call(call_id, **request.params)
    error = caught.value
    assert type(error) is kind
    assert (error.endpoint, error.code, error.status, error.attempts) == (call_id, code, 200, 1)
    assert (error.outcome, error.text) == ("rejected", twin.get("error") or twin.get("text"))
    assert error.description is not None
    assert meaning in error.description
    assert error.description == ENDPOINTS[call_id].codes[code].description
    assert json.loads(error.body or "") == twin
    for word in (call_id, str(code), error.text, error.description):
        assert str(word) in str(error)


@each_endpoint
async def test_every_code_has_its_meaning_on_that_very_call(endpoint: Endpoint[Any], sim: Simulator) -> None:
    async with client_of(sim) as client:
        for code, meaning in endpoint.codes.items():
            if meaning.kind is Kind.SUCCESS:
                continue
            for body in (
                {"success": False, "code": code, "text": "words"},
                {"success": False, "error_code": str(code), "error": "words"},
                {"success": False, "code": code, "message": "words"},
            ):
                sim.fail(endpoint.id, body=body)
                with pytest.raises(KIND_ERRORS[meaning.kind]) as caught:
                    await good_call(client, endpoint.id)
                error = caught.value
                assert (error.code, error.text, error.description) == (code, "words", meaning.description)
        sim.fail(endpoint.id, body={"success": False, "code": 9_999, "text": "words"})
        with pytest.raises(ConvosoAPIError) as unknown:
            await good_call(client, endpoint.id)
        assert type(unknown.value) is ConvosoAPIError
        assert (unknown.value.code, unknown.value.description) == (9_999, None)


TEXTS: list[tuple[str, dict[str, Any], str, type[ConvosoError]]] = [
    ("agent_productivity.search", {"campaign_id": 1}, "Campaign not found", Gone),
    ("agent_productivity.search", {"date_start": "x"}, "Invalid date format. Use YYYY-MM-DD", Bad),
    ("leads.search", {"list_id": 1}, "List not found", Gone),
    ("leads.search", {"phone_number": "x"}, "Invalid phone number", Bad),
    (
        "call_logs.retrieve",
        {"start_time": "soon"},
        "Invalid date format",
        Bad,
    ),
    ("status.insert", {"status": "SALE", "name": "Sale", **NO_OPTIONS}, "Status code already exists", Twice),
]


@pytest.mark.parametrize(("call_id", "values", "text", "kind"), TEXTS, ids=[one[2] for one in TEXTS])
async def test_a_refusal_in_words_raises_too(
    call_id: str, values: dict[str, Any], text: str, kind: type[ConvosoError], sim: Simulator
) -> None:
    async with client_of(sim) as client:
        with pytest.raises(kind) as caught:
            await method_of(client, call_id)(**values)
    assert type(caught.value) is kind
    assert caught.value.text == text
    assert caught.value.description


@each_profile
@pytest.mark.parametrize(
    ("lead", "reason"),
    [
        ({"criteria_key": "nope", "phone_number": PHONE}, "Invalid criteria key"),
        ({"criteria_key": "needs-email", "phone_number": PHONE}, "Missing required field: email"),
        ({"criteria_key": "accept-all", "phone_number": "9565550100"}, "Number in DNC list"),
    ],
)
async def test_a_lead_that_is_turned_down_is_an_answer(
    lead: dict[str, Any], reason: str, profile: str
) -> None:
    with service(profile) as sim:
        async with client_of(sim) as client:
            answer = await client.lead_post.insert(**lead)
            assert (answer.accepted, answer.result, answer.error_description) == (False, False, reason)
            verdict = await client.lead_validation.search(
                criteria_key="area-only", phone_number=PHONE, postal_code="12201"
            )
            assert (verdict.accepted, verdict.result, verdict.success) == (False, "Denied", True)


# -- the token --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("profile", "status"), [("documented", 200), ("observed", 401)])
async def test_a_wrong_token_is_an_authentication_error_on_every_call(profile: str, status: int) -> None:
    with service(profile) as sim:
        async with client_of(sim, "stale-secret") as client:
            for case in CASES:
                with pytest.raises(AuthenticationError) as caught:
                    await good_call(client, case.id)
                error = caught.value
                assert (error.endpoint, error.status, error.attempts) == (case.id, status, 1)
                assert (error.outcome, error.text) == ("rejected", "Invalid authentication token")
                assert "stale-secret" not in f"{error}{error.__dict__}"
        assert len(sim.requests) == len(CASES)
        assert not any(request.applied for request in sim.requests)


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "error": "Missing authentication token"},
        {"success": False, "error": "Invalid authentication token"},
        {"success": False, "text": "Invalid or expired authentication token"},
        {"success": False, "code": 5001, "text": "Auth token is invalid"},
        {"error": "Invalid authentication token"},
    ],
)
@pytest.mark.parametrize("call_id", ["leads.insert", "lead_post.insert", "users.search", "dnc.insert"])
async def test_words_about_the_token_are_an_authentication_error(
    call_id: str, body: dict[str, Any], status: int, sim: Simulator
) -> None:
    sim.fail(call_id, status=status, body=body)
    async with client_of(sim) as client:
        with pytest.raises(AuthenticationError) as caught:
            await good_call(client, call_id)
    assert (caught.value.status, caught.value.outcome, len(sim.requests)) == (status, "rejected", 1)


# -- replies that are none --------------------------------------------------------------------------

NO_REPLY: dict[str, dict[str, Any]] = {
    "HTML": {"html": True},
    "empty": {"empty": True},
    "blank": {"body": " \n"},
    "cut": {"body": b'{"succ'},
    "cut in the length": {"truncate": "length", "body": b'{"results": [{"id": "8800'},
    "no JSON": {"body": "Service unavailable"},
    "NaN": {"body": b'{"success": NaN}'},
}
each_no_reply = pytest.mark.parametrize("fault", NO_REPLY.values(), ids=list(NO_REPLY))


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backoff draws its length at random: the shortest."""
    monkeypatch.setattr("convoso_async.transport.random", lambda: 0.0)


@pytest.mark.usefixtures("_no_pauses")
@each_no_reply
@pytest.mark.parametrize(
    "call_id", ["call_logs.retrieve", "agent_performance.search", "lead_validation.search"]
)
async def test_a_read_without_a_reply_is_tried_again_and_then_raises(
    call_id: str, fault: dict[str, Any], sim: Simulator
) -> None:
    async with client_of(sim, max_retries=2) as client:
        sim.fail(call_id, times=3, **fault)
        with pytest.raises(ReplyError) as caught:
            await good_call(client, call_id)
        assert type(caught.value) is ReplyError
        assert (caught.value.attempts, len(sim.requests), caught.value.status) == (3, 3, 200)
        assert caught.value.endpoint == call_id

        sim.clear()
        sim.fail(call_id, **fault)
        await good_call(client, call_id)
        assert len(sim.requests) == 2


@pytest.mark.usefixtures("_no_pauses")
@each_no_reply
@pytest.mark.parametrize("call_id", [one.id for one in ENDPOINTS.values() if one.retry is UNSAFE])
async def test_a_write_that_must_not_be_repeated_is_of_unknown_outcome(
    call_id: str, fault: dict[str, Any], sim: Simulator
) -> None:
    sim.fail(call_id, apply=True, **fault)
    async with client_of(sim) as client:
        with pytest.raises(OutcomeUnknownError) as caught:
            await good_call(client, call_id)
    error = caught.value
    assert (error.reason, error.outcome, error.attempts) == (ReplyError, "unknown", 1)
    assert (error.endpoint, error.status) == (call_id, 200)
    (request,) = sim.requests
    assert request.applied


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("truncate", [True, "length"])
async def test_replies_cut_in_half(truncate: Any, sim: Simulator) -> None:
    async with client_of(sim) as client:
        sim.fail("call_logs.retrieve", truncate=truncate, times=3)
        with pytest.raises(ReplyError) as caught:
            await client.call_logs.retrieve(limit=5)
        assert (caught.value.attempts, caught.value.outcome) == (3, "unknown")

        sim.clear()
        sim.fail("leads.insert", truncate=truncate)
        with pytest.raises(OutcomeUnknownError) as said:  # the half that came says that it went well
            await client.leads.insert(list_id=701, phone_number=PHONE)
        assert (said.value.outcome, len(sim.requests)) == ("applied", 1)

        sim.clear()
        sim.fail("lead_post.insert", truncate=truncate)
        with pytest.raises(OutcomeUnknownError):  # that of this call does not
            await client.lead_post.insert(criteria_key="accept-all", phone_number=PHONE)
        assert len(sim.requests) == 1


ROWS = [endpoint for endpoint in ENDPOINTS.values() if endpoint.rows]
each_rows = pytest.mark.parametrize("endpoint", ROWS, ids=lambda endpoint: str(endpoint.id))


@each_rows
@pytest.mark.parametrize("body", [{"success": True}, {"success": True, "total": 7}, {}, "words", 7, None])
async def test_a_reply_without_a_key_for_its_rows_is_no_empty_page(
    endpoint: Endpoint[Any], body: Any, sim: Simulator
) -> None:
    sim.fail(endpoint.id, body=json.dumps(body))
    async with client_of(sim) as client:
        with pytest.raises(ReplyError) as caught:
            await good_call(client, endpoint.id)
    assert (caught.value.attempts, caught.value.status) == (1, 200)
    for path in endpoint.rows:
        assert path in str(caught.value)


@each_rows
@pytest.mark.parametrize("nothing", [None, [], {}], ids=["null", "[]", "{}"])
async def test_nothing_under_the_key_is_an_empty_page(
    endpoint: Endpoint[Any], nothing: Any, sim: Simulator
) -> None:
    async with client_of(sim) as client:
        for path in endpoint.rows:
            body: Any = nothing
            if path == "$":
                if nothing != []:
                    continue
            else:
                for name in reversed(path.split(".")):
                    body = {name: body}
                body = {"success": True, **body}
            sim.fail(endpoint.id, body=json.dumps(body))
            result = await good_call(client, endpoint.id)
            assert list(result.agents if isinstance(result, MonitorSnapshot) else result) == [], path
            assert result.raw == body


@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS.values() if not one.rows], ids=lambda endpoint: str(endpoint.id)
)
async def test_a_reply_of_no_known_key_is_no_success(endpoint: Endpoint[Any], sim: Simulator) -> None:
    expected = OutcomeUnknownError if endpoint.retry is UNSAFE else ReplyError
    async with client_of(sim) as client:
        bodies: list[Any] = [{"pong": 1}, [], None, "ok"]
        for body in bodies:
            sim.clear()
            sim.fail(endpoint.id, body=json.dumps(body))
            with pytest.raises(expected):
                await good_call(client, endpoint.id)
            assert len(sim.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"results": [{"id": "1", "first_name": "Zo\xc3\xab"}]}',
        b'{"results": [{"id": "1", "first_name": "Zo\xff"}]}',
        b'{"results": [{"id": "1", "first_name": "\\ud83c"}]}',
    ],
    ids=["byte-order mark", "bad UTF-8", "half a surrogate pair"],
)
async def test_bodies_that_a_strict_parser_refuses_are_read(body: bytes, sim: Simulator) -> None:
    sim.fail("leads.search", body=body)
    async with client_of(sim) as client:
        (lead,) = await client.leads.search()
    assert lead.id == "1"
    assert lead.first_name
    lead.first_name.encode()  # no half pair is left
    assert len(sim.requests) == 1


# -- HTTP statuses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b'{"success": false, "text": "No"}'])
@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (401, AuthenticationError, "rejected"),
        (403, PermissionDeniedError, "rejected"),
        (429, RateLimitError, "rejected"),
        (500, ServerError, "unknown"),
        (503, ServerError, "unknown"),
    ],
)
async def test_a_status_has_its_own_error(
    status: int, kind: type[ConvosoError], outcome: str, body: bytes, sim: Simulator
) -> None:
    for call_id in ("call_logs.retrieve", "leads.update", "leads.insert"):
        async with client_of(sim, max_retries=0) as client:  # one each: a 429 holds up all calls of a client
            sim.clear()
            sim.fail(call_id, status=status, body=body, headers={"Retry-After": "7"})
            with pytest.raises(ConvosoError) as caught:
                await good_call(client, call_id)
            error = caught.value
            if outcome == "unknown" and call_id == "leads.insert":
                assert isinstance(error, OutcomeUnknownError)
                assert error.reason is kind
            else:
                assert type(error) is kind
            assert (error.status, error.outcome, error.endpoint) == (status, outcome, call_id)
            assert (error.attempts, len(sim.requests), error.body) == (1, 1, body.decode())
            if isinstance(error, RateLimitError):
                assert error.retry_after == 7.0


@pytest.mark.usefixtures("_no_pauses")
async def test_a_read_is_tried_again_after_a_server_error_and_a_429(sim: Simulator) -> None:
    async with client_of(sim) as client:
        faults: list[dict[str, Any]] = [
            {"status": 503},
            {"status": 429, "headers": {"Retry-After": "0"}},
            {"drop": "before"},
        ]
        for fault in faults:
            sim.clear()
            sim.fail("leads.search", **fault)
            assert len(await client.leads.search(limit=3)) == 3
            assert len(sim.requests) == 2


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("call_id", [one.id for one in ENDPOINTS.values() if one.retry is UNSAFE])
@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_write_that_was_cut_off_is_not_sent_again(call_id: str, drop: Any, sim: Simulator) -> None:
    sim.fail(call_id, drop=drop)
    async with client_of(sim) as client:
        with pytest.raises(OutcomeUnknownError) as caught:
            await good_call(client, call_id)
    assert caught.value.reason is ConvosoConnectionError
    assert (len(sim.requests), sim.requests[0].applied) == (1, drop == "after")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call_id", ["leads.search", "leads.insert", "dnc.insert"])
async def test_a_redirect_is_refused_and_the_token_not_sent_on(
    call_id: str, status: int, sim: Simulator
) -> None:
    with Simulator(call_logs=0, leads=0) as elsewhere:
        sim.fail(status=status, headers={"Location": elsewhere.url + ENDPOINTS[call_id].path})
        async with client_of(sim) as client:
            with pytest.raises(RedirectError) as caught:
                await good_call(client, call_id)
        assert (caught.value.status, caught.value.outcome) == (status, "rejected")
        assert (len(sim.requests), elsewhere.requests) == (1, [])


@pytest.mark.parametrize(
    ("call_id", "status", "code", "kind"),
    [
        ("leads.update", 404, 6071, NotFoundError),
        ("leads.insert", 409, 6009, DuplicateError),
        ("leads.insert", 422, 6008, InvalidRequestError),
        ("call_logs.retrieve", 400, 6031, InvalidRequestError),
    ],
)
async def test_a_known_code_under_4xx_is_an_api_error(
    call_id: str, status: int, code: int, kind: type[ConvosoError], sim: Simulator
) -> None:
    sim.fail(call_id, status=status, body={"success": False, "code": code, "text": "words"})
    async with client_of(sim) as client:
        with pytest.raises(kind) as caught:
            await good_call(client, call_id)
    assert (caught.value.code, caught.value.status, caught.value.text) == (code, status, "words")


# -- what is not sent -------------------------------------------------------------------------------


async def refused(method: Callable[..., Any], values: Mapping[str, object], kind: type[Exception]) -> str:
    """The words of the error that a call raises before it is sent."""
    with pytest.raises((TypeError, ValueError)) as caught:
        await method(**values)
    assert type(caught.value) is kind
    return str(caught.value)


@each_case
async def test_bad_parameters_are_refused_and_nothing_is_sent(case: Case, sim: Simulator) -> None:
    endpoint, good = ENDPOINTS[case.id], case.values
    parameters = parameters_of(endpoint.params)
    bounds = bounds_of(endpoint)
    async with client_of(sim) as client:
        method = method_of(client, case.id)
        known = [name for name in parameters if len(name) > 3]
        for name in known if case.id != "campaigns.search" else ():
            words = await refused(method, {**good, f"{name}x": 1}, TypeError)
            assert words.startswith(f"{case.id}: unknown parameter '{name}x'; did you mean '")
            if case.id == "callbacks.update" and name in ("status", "callback_status"):
                continue
            assert f"'{name}'" in words
        if case.id != "campaigns.search":  # this one has no parameters, to Python itself
            assert "unknown parameter 'qqq'" in await refused(method, {**good, "qqq": 1}, TypeError)
            assert "auth_token" in await refused(method, {**good, "auth_token": "x"}, TypeError)
        else:
            with pytest.raises(TypeError):
                await method(limit=5)
        for name in parameters:
            assert name in await refused(method, {**good, name: object()}, TypeError)
            assert name in await refused(method, {**good, name: b"bytes"}, TypeError)
        for name, parameter in parameters.items():
            if parameter.required:
                without = {key: value for key, value in good.items() if key != name}
                if name == "callback_time_zone":
                    without["callback_time"] = "2026-04-02 03:15 PM"
                words = await refused(method, without, TypeError)
                assert words == f"{case.id}: {name} is required"
                assert words == await refused(method, {**without, name: None}, TypeError)
        for name, bad in bounds:
            assert name in await refused(method, {**good, name: bad}, ValueError)
        for custom in (
            {"a\nb": 1},
            {"a\0b": 1},
            {"": 1},
            {"auth_token": "x"},
            {next(iter(parameters), ""): 1},
        ):
            if endpoint.custom_fields:
                await refused(method, {**good, "fields": custom}, ValueError)
            elif parameters:
                await refused(method, {**good, "fields": custom}, TypeError)
    assert sim.requests == []


def bounds_of(endpoint: Endpoint[Any]) -> list[tuple[str, int]]:
    """Limits and offsets just out of bounds."""
    if endpoint.paging is None:
        return []
    bad = [("limit", 0), ("limit", -1), ("offset", -1)]
    if endpoint.paging.limit_max is not None:
        bad.append(("limit", endpoint.paging.limit_max + 1))
    if endpoint.paging.offset_max is not None:
        bad.append(("offset", endpoint.paging.offset_max + 1))
    return bad


@each_pager
async def test_a_pager_refuses_what_its_call_refuses(paged: Paged, sim: Simulator) -> None:
    async with client_of(sim) as client:
        wrong: list[dict[str, Any]] = [
            {"limit": 5},
            {"offset": 5},
            {"order": "asc"},
            {"qqq": 1},
            {"page_size": "7"},
        ]
        for own in wrong:
            with pytest.raises(TypeError, match=re.escape(paged.id)):
                paged.pager(client, **own)
        bad: list[dict[str, Any]] = [{"page_size": 0}, {"max_rows": -1}, {"partitions": []}]
        for own in bad:
            with pytest.raises(ValueError, match=re.escape(paged.id)):
                paged.pager(client, **own)
        if ENDPOINTS[paged.id].paging.limit_max is not None:  # type: ignore[union-attr]  # pagers have one
            with pytest.raises(ValueError, match="page_size"):
                paged.pager(client, page_size=paged.largest + 1)
    assert sim.requests == []


async def test_ranges_that_end_before_they_start_are_refused(sim: Simulator) -> None:
    early, late = datetime(2026, 3, 1, 12), datetime(2026, 3, 1, 13)
    async with client_of(sim) as client:
        for endpoint in ENDPOINTS.values():
            for span in endpoint.ranges:
                good = BY_ID[endpoint.id].values
                bad = {**good, span.start: late + timedelta(days=1), span.end: early}
                assert span.start in await refused(method_of(client, endpoint.id), bad, ValueError)
    assert sim.requests == []


# -- the bytes --------------------------------------------------------------------------------------


SAVED = b'{"success": true, "data": {"lead_id": "7"}}'


async def test_the_request_is_a_form_with_the_token_in_its_body_only() -> None:
    token = "s&cr=t+ö/%"
    async with wiretap(http(SAVED)) as tap, AsyncConvoso(token, base_url=tap.url) as client:
        await client.leads.insert(
            list_id=333, phone_number=PHONE, first_name="Zoë & =%+\r\n\0漢字 🎺", notes=""
        )
    head = tap.head().lower()
    assert head.startswith("post /v1/leads/insert http/1.1\r\n")
    assert head.count("content-type: application/x-www-form-urlencoded") == head.count("content-type:") == 1
    assert "cookie" not in head
    assert "authorization" not in head
    assert tap.form() == [
        ("auth_token", token),
        ("list_id", "333"),
        ("phone_number", PHONE),
        ("first_name", "Zoë & =%+\r\n\0漢字 🎺"),
        ("notes", ""),
    ]
    assert "s&cr" not in head
    assert "s%26cr" not in head


async def test_no_cookie_is_kept() -> None:
    reply = http(SAVED, "Set-Cookie: session=1; Path=/")
    async with wiretap(reply) as tap, AsyncConvoso("t", base_url=tap.url) as client:
        for _ in range(2):
            await client.leads.update(lead_id=7)
    assert "cookie" not in tap.head(1).lower()


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (http(SAVED[:9], length=500), ReplyError),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + SAVED[:9], ReplyError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n" + SAVED[:9] + b"\r\n", ReplyError),
        (http(b"", status="204 No Content"), ReplyError),
        (http(b"\x1f\x8b\x08\x00", "Content-Encoding: gzip"), ReplyError),
        (b"Hello\r\n\r\n", ReplyError),
        (b"", ConvosoConnectionError),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ConvosoConnectionError),
    ],
    ids=["length", "close", "chunked", "204", "gzip", "no HTTP", "nothing", "head"],
)
async def test_replies_that_break_off(reply: bytes, reason: type[ConvosoError]) -> None:
    async with wiretap(reply) as tap, AsyncConvoso("t", base_url=tap.url, max_retries=1) as client:
        with pytest.raises(reason) as read:
            await client.leads.search()
        assert (type(read.value), len(tap.requests), read.value.attempts) == (reason, 2, 2)
        with pytest.raises(OutcomeUnknownError) as written:
            await client.leads.insert(list_id=333, phone_number=PHONE)
        assert (written.value.reason, written.value.outcome, len(tap.requests)) == (reason, "unknown", 3)


@pytest.mark.usefixtures("_no_pauses")
async def test_a_reply_that_cannot_be_decompressed_says_so() -> None:
    async with (
        wiretap(http(SAVED, "Content-Encoding: gzip")) as tap,
        AsyncConvoso("t", base_url=tap.url, max_retries=0) as client,
    ):
        with pytest.raises(ReplyError, match="is cut off, or badly compressed"):
            await client.leads.search()


@pytest.mark.usefixtures("_no_pauses")
async def test_json_that_is_whole_in_a_reply_that_is_not() -> None:
    async with (
        wiretap(http(b'{"results": []}', length=500)) as tap,
        AsyncConvoso("t", base_url=tap.url, max_retries=1) as client,
    ):
        with pytest.raises(ReplyError):
            await client.leads.search()
        assert len(tap.requests) == 2


@pytest.mark.usefixtures("_no_pauses")
async def test_what_never_left_was_not_sent() -> None:
    async with wiretap(b"") as tap:
        pass
    async with AsyncConvoso("t", base_url=tap.url) as client:
        for call in (client.leads.search(), client.leads.insert(list_id=333, phone_number=PHONE)):
            with pytest.raises(ConvosoConnectionError) as caught:
                await call
            assert (caught.value.outcome, caught.value.attempts) == ("not_sent", 3)
            assert caught.value.__cause__ is None


async def test_a_url_with_a_path_and_a_slash_at_its_end() -> None:
    async with (
        wiretap(http(b'{"results": []}')) as tap,
        AsyncConvoso("t", base_url=f"{tap.url}/x/") as client,
    ):
        assert len(await client.leads.search()) == 0
    assert tap.head().startswith("POST /v1/x/leads/search HTTP/1.1\r\n")
