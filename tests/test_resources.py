"""Each resource by itself: the path it posts to, and the object that it makes of a reply.

The session's request is replaced here; what really goes over the wire is in test_wire.py.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from aioresponses import aioresponses

from convoso_async import (
    ActivityCounts,
    AgentEvent,
    AgentStatistics,
    AsyncConvoso,
    Callback,
    CallbackResult,
    CallLog,
    CallLogUpdate,
    CallRecording,
    Campaign,
    Disposition,
    DncEntry,
    DncResult,
    DuplicateError,
    InvalidRequestError,
    Lead,
    LeadList,
    LeadPostResult,
    LeadResult,
    ListDeletion,
    ListResult,
    LogoutResult,
    MonitoredAgent,
    MonitorSnapshot,
    NotFoundError,
    OptOut,
    OptOutResult,
    Page,
    Recording,
    RejectedError,
    Result,
    RevenueResult,
    StatusResult,
    User,
    Verdict,
)

BASE = "https://api.convoso.com/v1"
ZONE = ZoneInfo("America/Los_Angeles")


class Service:
    """Replies by path, and what was asked."""

    def __init__(self, mocked: aioresponses) -> None:
        self.mocked = mocked

    def gives(self, path: str, payload: Any, **more: Any) -> None:
        """The next reply to a call."""
        self.mocked.post(BASE + path, payload=payload, **more)

    @property
    def asked(self) -> list[str]:
        """The paths that were posted to, sorted."""
        return sorted(
            str(url).removeprefix(BASE)
            for (method, url), calls in self.mocked.requests.items()
            for _ in calls
            if method == "POST"
        )


@pytest.fixture
def service() -> Iterator[Service]:
    with aioresponses() as mocked:
        yield Service(mocked)


@pytest.fixture
async def client() -> AsyncIterator[AsyncConvoso]:
    async with AsyncConvoso("invented", max_retries=0) as made:
        yield made


async def test_agent_monitor(client: AsyncConvoso, service: Service) -> None:
    agent = {
        "user_id": 40817,
        "user_full_name": "Mina Okafor",
        "queue_id": "0",
        "queue_assignment": "2026-03-02 08:15:00",
        "status": "INCALL",
        "status_time_sec": "75",
        "status_time_mmss": "01:15",
        "skill_options": "billing,spanish",
        "lead_id": "-",
        "mood": "good",
    }
    service.gives(
        "/agent-monitor/search",
        {"agents": [agent], "agent_total": "1", "agent_incall": 1, "call_data": {"answered": "7"}},
    )
    snapshot = await client.agent_monitor.search(campaign_id=61)
    assert snapshot.agents == [
        MonitoredAgent(
            user_id="40817",
            user_full_name="Mina Okafor",
            queue_assignment=datetime(2026, 3, 2, 8, 15, tzinfo=ZONE),
            status="INCALL",
            status_time_sec=75,
            status_time_mmss="01:15",
            skill_options=["billing", "spanish"],
            extra={"mood": "good"},
        )
    ]
    assert (snapshot.agent_total, snapshot.agent_incall, snapshot.agent_ready) == (1, 1, None)
    assert snapshot.call_data == {"answered": "7"}
    assert isinstance(snapshot, MonitorSnapshot)
    service.gives("/agent-monitor/logout", {"success": True, "count": "1", "logged_out_users": [40817]})
    done = await client.agent_monitor.logout(user_id=40817)
    assert isinstance(done, LogoutResult)
    assert (done.success, done.count, done.logged_out_users) == (True, 1, ["40817"])
    assert service.asked == ["/agent-monitor/logout", "/agent-monitor/search"]


async def test_agent_performance(client: AsyncConvoso, service: Service) -> None:
    keyed = {"40817": {"name": "Mina Okafor", "calls": "12", "talk_sec": "00:41:07", "talk_sec_pt": 61.5}}
    service.gives("/agent-performance/search", {"success": True, "data": keyed, "total": "1"})
    page = await client.agent_performance.search(date_start=date(2026, 3, 1), date_end=date(2026, 3, 31))
    assert page.rows == [
        AgentStatistics(user_id="40817", name="Mina Okafor", calls=12, talk_sec="00:41:07", talk_sec_pt=61.5)
    ]
    assert page.total == 1
    assert service.asked == ["/agent-performance/search"]


async def test_agent_productivity(client: AsyncConvoso, service: Service) -> None:
    event = {
        "id": 7001,
        "user_id": 40817,
        "state": "Ready",
        "event_epoch": "1772467200",
        "event_sec": "02:05",
        "created_at": "2026-03-02 08:00:00",
    }
    service.gives("/agent-productivity/search", {"data": {"total": "90", "limit": "1", "entries": [event]}})
    page = await client.agent_productivity.search(limit=1)
    assert page.rows == [
        AgentEvent(
            id="7001",
            user_id="40817",
            state="Ready",
            event_epoch=1_772_467_200,
            event_sec=125,
            created_at=datetime(2026, 3, 2, 16, tzinfo=UTC).astimezone(ZONE),
        )
    ]
    assert (page.total, page.limit, page.offset) == (90, 1, 0)
    assert service.asked == ["/agent-productivity/search"]


async def test_leads(client: AsyncConvoso, service: Service) -> None:
    row = {
        "id": 1001,
        "lead_id": 1001,
        "first_name": "Jane",
        "owner_id": "0",
        "called_count": "3",
        "last_called": "0000-00-00 00:00:00",
        "date_of_birth": "1990-05-17",
        "created_at": "2026-07-01T09:00:00-04:00",
        "job_group": "x",
    }
    service.gives("/leads/search", {"success": True, "data": {"total": "2", "entries": [row]}})
    (lead,) = await client.leads.search(phone_number="2125550123")
    assert lead == Lead(
        id="1001",
        lead_id="1001",
        first_name="Jane",
        called_count=3,
        date_of_birth=date(1990, 5, 17),
        created_at=datetime(2026, 7, 1, 6, tzinfo=ZONE),
        extra={"job_group": "x"},
    )
    service.gives("/leads/insert", {"success": True, "data": {"lead_id": 1002}})
    assert await client.leads.insert(list_id=333, phone_number="2125550123") == LeadResult(
        success=True, lead_id="1002", id="1002", raw={"success": True, "data": {"lead_id": 1002}}
    )
    service.gives("/leads/update", {"success": True, "lead_id": "1002"})
    assert (await client.leads.update(lead_id=1002, city="Reno")).id == "1002"
    service.gives("/leads/delete", {"success": False, "code": 6001, "text": "No such lead"})
    with pytest.raises(NotFoundError, match="no lead with that id"):
        await client.leads.delete(lead_id=1002)
    service.gives("/leads/get-recordings", {"entries": [{"recording_id": 5, "end_time": ""}]})
    assert (await client.leads.get_recordings(lead_id=1001)).rows == [Recording(recording_id="5")]
    assert service.asked == [
        "/leads/delete",
        "/leads/get-recordings",
        "/leads/insert",
        "/leads/search",
        "/leads/update",
    ]


async def test_lead_post(client: AsyncConvoso, service: Service) -> None:
    service.gives("/lead-post-validation/insert", {"result": "True", "lead_id": 7, "error_description": ""})
    taken = await client.lead_post.insert(criteria_key="k", phone_number="2125550123")
    assert isinstance(taken, LeadPostResult)
    assert (taken.accepted, taken.lead_id, taken.error_description) == (True, "7", None)
    service.gives(
        "/lead-post-validation/insert", {"result": False, "error_description": "Number in DNC list"}
    )
    refused = await client.lead_post.insert(criteria_key="k", phone_number="2125550123")
    assert (refused.accepted, refused.error_description) == (False, "Number in DNC list")
    assert service.asked == ["/lead-post-validation/insert"] * 2


async def test_lead_validation(client: AsyncConvoso, service: Service) -> None:
    for word, accepted in (("Accepted", True), ("Denied", False), ("Declined", False)):
        service.gives("/lead-validation/search", {"success": True, "result": word})
        verdict = await client.lead_validation.search(criteria_key="k", phone_number="2125550123")
        assert isinstance(verdict, Verdict)
        assert (verdict.result, verdict.accepted) == (word, accepted)
    assert service.asked == ["/lead-validation/search"] * 3


async def test_lists(client: AsyncConvoso, service: Service) -> None:
    php = {"date": "2026-03-02 08:15:00.000000", "timezone_type": 3, "timezone": "UTC"}
    row = {"id": 701, "name": "Spring intake", "status": "Y", "last_called_at": php}
    service.gives("/lists/search", {"data": [row]})
    assert (await client.lists.search(status=True)).rows == [
        LeadList(
            id="701",
            name="Spring intake",
            status=True,
            last_called_at=datetime(2026, 3, 2, 0, 15, tzinfo=ZONE),
        )
    ]
    service.gives("/lists/insert", {"success": True, "data": {"list_id": 705}})
    made = await client.lists.insert(name="Autumn intake", campaign_id=61)
    assert isinstance(made, ListResult)
    assert (made.list_id, made.id) == ("705", None)
    service.gives("/lists/update", {"success": False, "error": "List name already exists"})
    with pytest.raises(DuplicateError):
        await client.lists.update(list_id=705, name="Spring intake")
    service.gives("/lists/delete", {"success": False, "code": 102, "text": "List deletion in progress"})
    removal = await client.lists.delete(list_id=705)
    assert isinstance(removal, ListDeletion)
    assert (removal.in_progress, removal.code) == (True, 102)
    assert service.asked == ["/lists/delete", "/lists/insert", "/lists/search", "/lists/update"]


async def test_callbacks(client: AsyncConvoso, service: Service) -> None:
    row = {"id": 1401, "callback_time": "2026-04-02 03:15 PM", "class": "-", "recipient": "USERONLY"}
    service.gives("/callbacks/search", {"data": {"total": "7", "results": [row]}})
    page = await client.callbacks.search(limit=1)
    assert page.rows == [
        Callback(id="1401", callback_time=datetime(2026, 4, 2, 15, 15, tzinfo=ZONE), recipient="USERONLY")
    ]
    assert page.total == 7
    service.gives("/callbacks/insert", {"success": True, "data": {"callback_id": 1402}})
    made = await client.callbacks.insert(
        lead_id=1001, recipient="personal", callback_time=datetime(2026, 4, 2, 15, 15, tzinfo=ZONE)
    )
    assert isinstance(made, CallbackResult)
    assert made.callback_id == "1402"
    service.gives("/callbacks/update", {"success": False, "code": 6074, "error": "Callback not found"})
    with pytest.raises(NotFoundError):
        await client.callbacks.update(callback_id=1402, comments="later")
    service.gives("/callbacks/delete", {"success": True})
    assert type(await client.callbacks.delete(callback_id=1402)) is Result
    assert service.asked == [
        "/callbacks/delete",
        "/callbacks/insert",
        "/callbacks/search",
        "/callbacks/update",
    ]


async def test_call_logs(client: AsyncConvoso, service: Service) -> None:
    recording = {"recording_id": "r-1", "public_url": "https://media.example.org/r-1.mp3"}
    rows = [
        {"id": 5, "call_length": "63", "call_date": "2026-03-02 08:15:00", "recording": [recording]},
        {"id": "4", "call_length": None, "term_reason": "NONE", "recording": "r-2.mp3", "field_1": "x"},
        {"id": "3", "queue_seconds": "-", "called_count": "2", "recording": []},
    ]
    body = {"success": True, "data": {"total_found": "120000", "entries": 3, "results": rows}}
    service.gives("/log/retrieve", body)
    page = await client.call_logs.retrieve(limit=3, offset=6)
    assert page.rows == [
        CallLog(
            id="5",
            call_length=63,
            call_date=datetime(2026, 3, 2, 8, 15, tzinfo=ZONE),
            recording=[CallRecording(recording_id="r-1", public_url="https://media.example.org/r-1.mp3")],
        ),
        CallLog(
            id="4", term_reason="NONE", recording=[CallRecording(filename="r-2.mp3")], extra={"field_1": "x"}
        ),
        CallLog(id="3", called_count=2),
    ]
    assert (page.total, page.offset, page.limit, page.raw) == (120_000, 6, 3, body)
    service.gives("/log/update", {"success": True, "id": 5, "call_length": "63"})
    changed = await client.call_logs.update(call_log_id=5, extra_field_01="gold")
    assert isinstance(changed, CallLogUpdate)
    assert (changed.id, changed.call_length) == ("5", 63)
    assert service.asked == ["/log/retrieve", "/log/update"]


async def test_campaigns(client: AsyncConvoso, service: Service) -> None:
    php = {"date": "2026-03-02", "timezone_type": 3, "timezone": "America/New_York"}
    service.gives("/campaigns/search", {"data": [{"id": 61, "status": "N", "last_call_date": php}]})
    assert (await client.campaigns.search()).rows == [
        Campaign(id="61", status=False, last_call_date=datetime(2026, 3, 2, tzinfo=ZONE))
    ]
    service.gives("/campaigns/status", {"success": True})
    assert (await client.campaigns.status(campaign_id=61, status=True)).success is True
    assert service.asked == ["/campaigns/search", "/campaigns/status"]


async def test_dnc(client: AsyncConvoso, service: Service) -> None:
    rows = [
        {"id": 9001, "campaign_id": 0, "phone_code": 1, "insert_date": "2026-03-02", "reason": ""},
        {"id": 9002, "campaign_id": "-1", "purpose": "TELEMKT"},
    ]
    service.gives("/dnc/search", {"data": {"total": "2", "entries": rows}})
    page = await client.dnc.search(phone_number="2125550123")
    assert page.rows == [
        DncEntry(id="9001", campaign_id="0", phone_code="1", insert_date=datetime(2026, 3, 2, tzinfo=ZONE)),
        DncEntry(id="9002", campaign_id="-1", purpose="TELEMKT"),
    ]
    entry: dict[str, Any] = {"phone_number": "2125550123", "phone_code": "1", "campaign_id": 0}
    service.gives("/dnc/insert", {"success": True, "id": 9003})
    made = await client.dnc.insert(**entry)
    assert isinstance(made, DncResult)
    assert made.id == "9003"
    service.gives("/dnc/update", {"success": True})
    assert (await client.dnc.update(id=9003, reason="")).id is None
    service.gives("/dnc/delete", {"success": False, "code": "6001", "text": "Not found"})
    with pytest.raises(NotFoundError) as caught:
        await client.dnc.delete(**entry)
    assert caught.value.description == "phone_number not on DNC (another source: campaign_id absent)"
    assert service.asked == ["/dnc/delete", "/dnc/insert", "/dnc/search", "/dnc/update"]


async def test_sms_opt_out(client: AsyncConvoso, service: Service) -> None:
    row = {"id": 3001, "campaign_id": "0", "Purpose": "TELEMKT", "insert_date": "2026-03-02 08:15:00"}
    service.gives("/sms-opt-out/search", {"records": [row], "total": 1})
    assert (await client.sms_opt_out.search()).rows == [
        OptOut(
            id="3001",
            campaign_id="0",
            purpose="TELEMKT",
            insert_date=datetime(2026, 3, 2, 8, 15, tzinfo=ZONE),
        )
    ]
    entry: dict[str, Any] = {"phone_number": "2125550123", "phone_code": "1", "campaign_id": 0}
    service.gives("/sms-opt-out/insert", {"success": False, "code": 6008, "error": "no"})
    with pytest.raises(DuplicateError):
        await client.sms_opt_out.insert(**entry)
    service.gives("/sms-opt-out/update", {"success": True, "data": {"id": 3001}})
    changed = await client.sms_opt_out.update(id=3001, reason="-BLANK-")
    assert isinstance(changed, OptOutResult)
    assert changed.id == "3001"
    assert service.asked == ["/sms-opt-out/insert", "/sms-opt-out/search", "/sms-opt-out/update"]


async def test_status(client: AsyncConvoso, service: Service) -> None:
    row = {"status": "WARM", "final": "N", "success": "Y", "custom_status": "1", "hex_color": "#3A7F2B"}
    service.gives("/status/search", {"data": [row]})
    assert (await client.status.search(query="warm")).rows == [
        Disposition(status="WARM", final=False, success=True, custom_status=True, hex_color="#3A7F2B")
    ]
    options: Any = dict.fromkeys(
        ["final", "reached", "success", "dnc", "callback", "contact", "voicemail"], "N"
    )
    service.gives("/status/insert", {"success": True, "code": 200, "data": {"new": "1", "status": "HOT"}})
    made = await client.status.insert(status="HOT", name="Hot lead", **options)
    assert isinstance(made, StatusResult)
    assert (made.code, made.new, made.status) == (200, True, "HOT")
    service.gives("/status/update", {"success": False, "code": 6069, "error": "no"})
    with pytest.raises(RejectedError):
        await client.status.update(status="SALE", final=True)
    assert service.asked == ["/status/insert", "/status/search", "/status/update"]


async def test_revenue(client: AsyncConvoso, service: Service) -> None:
    data = {"call_log_id": 5, "revenue": "87.25", "lead_id": 1001, "call_date": "2026-03-02 08:15:00"}
    service.gives("/revenue/update", {"success": True, "data": data})
    changed = await client.revenue.update(call_log_id=5, revenue=87.25, return_=True)
    assert isinstance(changed, RevenueResult)
    assert (changed.call_log_id, changed.revenue, changed.lead_id) == ("5", 87.25, "1001")
    assert changed.call_date == datetime(2026, 3, 2, 8, 15, tzinfo=ZONE)
    service.gives("/revenue/update", {"success": False, "code": 6036, "text": "no"})
    with pytest.raises(InvalidRequestError, match="neither revenue nor return"):
        await client.revenue.update(call_log_id=5)
    assert service.asked == ["/revenue/update"] * 2


async def test_users(client: AsyncConvoso, service: Service) -> None:
    keyed = {
        "40817": {"id": 40817, "user_level": 1, "allow_transfers": "0", "extension": 2201},
        "40818": {"email": "mina@example.org", "callback_types_allowed": ["system"]},
    }
    service.gives("/users/search", {"success": True, "data": {"total": "2", "results": keyed}})
    page = await client.users.search()
    assert page.rows == [
        User(id="40817", user_level="1", allow_transfers=False, extension=["2201"]),
        User(id="40818", email="mina@example.org", callback_types_allowed=["system"]),
    ]
    assert (page.total, page.limit) == (2, 20)
    service.gives("/users/recordings", {"data": {"total": 0, "entries": None}})
    recordings = await client.users.recordings(user="mina@example.org")
    assert (recordings.rows, recordings.total, isinstance(recordings, Page)) == ([], 0, True)
    assert service.asked == ["/users/recordings", "/users/search"]


@pytest.mark.parametrize(
    "reply",
    [
        lambda users: users,
        lambda users: {"success": True, "data": {"results": users}},
        lambda users: {"data": {"results": {str(user["id"]): user for user in users}}},
        lambda users: {"data": {"results": {str(user.pop("id")): user for user in users}}},
    ],
    ids=["at the root", "a list", "keyed", "keyed, without ids"],
)
async def test_rows_are_the_same_with_the_reply_and_without(
    client: AsyncConvoso, service: Service, reply: Callable[[list[dict[str, Any]]], Any]
) -> None:
    def users() -> list[dict[str, Any]]:
        found = [{"id": 40_000 + number, "email": f"user{number}@example.org"} for number in range(120)]
        found[80] |= {"desk": 7}
        del found[90]["email"]
        return found

    for _ in range(4):
        service.gives("/users/search", reply(users()))
        service.gives("/users/search", reply(users()[-1:]))
    pager = client.users.search_all()
    (page,) = [page async for page in pager.pages()]
    assert page.raw == reply(users())
    assert [user.id for user in page] == [str(40_000 + number) for number in range(120)]
    assert (page[80].extra, page[90].email) == ({"desk": 7}, None)
    assert [user async for user in pager] == page.rows
    assert await pager.collect() == page.rows
    async with pager.prefetch(1) as ahead:
        assert await ahead.next_page() == attrs.evolve(page, raw=None)  # given up, for time and memory


async def test_user_activity(client: AsyncConvoso, service: Service) -> None:
    service.gives("/user-activity/search", {"data": {"available_agents": "4", "logged_in_agents": 9}})
    counts = await client.user_activity.search(queue_id=9)
    assert isinstance(counts, ActivityCounts)
    assert (counts.available_agents, counts.logged_in_agents, counts.success) == (4, 9, None)
    assert service.asked == ["/user-activity/search"]
