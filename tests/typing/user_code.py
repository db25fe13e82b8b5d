"""Typical code of a user: every type checker, at its strictest, accepts all of it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import assert_type
from zoneinfo import ZoneInfo

from convoso_async import (
    AsyncConvoso,
    AuthenticationError,
    CallLog,
    ConvosoAPIError,
    ConvosoError,
    DuplicateError,
    OutcomeUnknownError,
    Page,
    RateLimitError,
    connect,
    jobs,
)


async def settings() -> None:
    client = AsyncConvoso("token", timezone="Europe/Vienna", timeout=10, deadline=60.0, max_retries=0)
    await client.aclose()
    async with AsyncConvoso(
        auth_token="token",
        base_url="http://127.0.0.1:8080/v1",
        max_connections=5,
        requests_per_second=3,
    ) as other:
        assert_type(other, AsyncConvoso)


async def one_page(client: AsyncConvoso) -> list[CallLog]:
    page = await client.call_logs.retrieve(campaign_id=111, limit=100, offset=0, order="asc")
    assert_type(page, Page[CallLog])
    assert_type(page.rows, list[CallLog])
    assert_type(page.total, int | None)
    print(len(page), page.offset, page.limit, page.raw)
    for call in page:
        assert_type(call.id, str | None)
        assert_type(call.call_length, int | None)
        assert_type(call.call_date, datetime | None)
        if call.call_date is not None and call.call_length is not None:
            print(call.call_date + timedelta(seconds=call.call_length), call.extra.get("new_key"))
    return [call for call in page if call.status == "SALE"]


async def everything(client: AsyncConvoso) -> int:
    zone = ZoneInfo("America/Los_Angeles")
    pager = client.call_logs.retrieve_all(
        start_time=datetime(2026, 1, 1, tzinfo=zone),
        end_time=date(2026, 1, 31),
        page_size=500,
        max_rows=10_000,
    )
    seconds = 0
    async for call in pager:
        assert_type(call, CallLog)
        seconds += call.call_length or 0
    print(pager.report.rows, pager.report.expected, pager.report.windows, pager.report.requests)
    if not pager.report.complete:
        print("stopped early, after", pager.report.duplicates, "duplicates")
    async for page in client.call_logs.retrieve_all(status="SALE").pages():
        assert_type(page, Page[CallLog])
    leads = await client.leads.search_all(list_id="333").collect()
    print([lead.phone_number for lead in leads])
    return seconds


async def writes(client: AsyncConvoso, numbers: Sequence[str]) -> str | None:
    lead = await client.leads.insert(
        list_id=333, phone_number="5551234567", first_name="Jane", hopper=True, fields={"job_group": "x"}
    )
    assert_type(lead.lead_id, str | None)
    for number in numbers:
        await client.dnc.insert(phone_number=number, phone_code="1", campaign_id=0)
    return lead.lead_id


async def troubles(client: AsyncConvoso) -> None:
    try:
        await client.lists.insert(name="January", campaign_id="111")
    except DuplicateError as error:
        print(error.code, error.text, error.description)
    except ConvosoAPIError as error:
        print(error.endpoint, error.attempts, error.outcome, error.status, error.body)
    except RateLimitError as error:
        print(error.retry_after)
    except OutcomeUnknownError as error:
        print(error.reason)
    except (AuthenticationError, ConvosoError) as error:
        print(error)


async def any_call(client: AsyncConvoso) -> object:
    return await client.request("/leads/search", {"limit": 1})


async def many_writes(client: AsyncConvoso) -> None:
    changes = ({"lead_id": lead, "status": "DNC"} for lead in ("1", "2"))
    report = await jobs.run(client.leads.update, changes, key=lambda change: change["lead_id"])
    assert_type(report, jobs.JobReport)
    async for call in client.call_logs.retrieve_all():
        print(call.id)
    await jobs.import_leads(client, "leads.csv", list_id=333, columns={"Phone": "phone_number"}, check_dup=1)
    exported = await jobs.export(client.call_logs.retrieve_all(), "calls.csv", progress=jobs.rich_bar())
    assert_type(exported, jobs.ExportReport)
    await jobs.download_recordings(client, client.leads.get_recordings_all(lead_id=1), "recordings")


async def webhooks(client: AsyncConvoso) -> connect.Receiver:
    async def handle(event: connect.ConnectEvent) -> None:
        lead = await connect.lead(client, event)
        print(lead and lead.phone_number)

    return connect.Receiver(secret="blue-heron-7", on_event=handle)
