"""Typical code of a user of the sync package, and slips: each `type: ignore` says what must be found."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from functools import partial
from typing import assert_type

from convoso_async import AsyncConvoso
from convoso_async.events import Event
from convoso_sync import (
    CallLog,
    Convoso,
    ConvosoError,
    DuplicateError,
    Lead,
    LeadResult,
    Page,
    Pager,
    Prefetch,
    Report,
    Window,
    connect,
    jobs,
)


def watch(event: Event) -> None:
    print(event.endpoint)


def settings() -> None:
    client = Convoso("token", timezone="Europe/Vienna", timeout=10, deadline=60.0, on_event=watch)
    assert_type(client.zone, tzinfo)
    client.close()
    with Convoso(auth_token="token", base_url="http://127.0.0.1:8080/v1", max_connections=5) as other:
        assert_type(other, Convoso)
    Convoso("token", time_out=10)  # type: ignore[call-arg]
    Convoso("token", session=None)  # type: ignore[call-arg]


def one_page(client: Convoso) -> list[CallLog]:
    page = client.call_logs.retrieve(campaign_id=111, limit=100, offset=0, order="asc")
    assert_type(page, Page[CallLog])
    for call in page:
        assert_type(call.call_date, datetime | None)
    client.call_logs.retrieve(campain_id=111)  # type: ignore[call-arg]
    client.call_logs.retrieve(limit="many")  # type: ignore[arg-type]
    return list(page)


def everything(client: Convoso) -> Iterator[str | None]:
    pager = client.call_logs.retrieve_all(start_time=datetime(2026, 1, 1), page_size=500)
    assert_type(pager, Pager[CallLog])
    for call in pager:
        assert_type(call, CallLog)
        yield call.id
    assert_type(pager.report, Report)
    for page in pager.pages():
        assert_type(page, Page[CallLog])
    assert_type(pager.collect(), list[CallLog])
    with pager.prefetch(8) as rows:
        assert_type(rows, Prefetch[CallLog])
        assert_type(next(rows), CallLog)
        yield from (row.id for row in rows)
    windows = pager.plan()
    assert_type(windows, list[Window])
    assert_type(pager.read(windows[0]), Pager[CallLog])
    client.call_logs.retrieve_all(limit=100)  # type: ignore[call-arg]


def writes(client: Convoso) -> object:
    lead = client.leads.insert(
        list_id=333, phone_number="2125550123", first_name="Jane", fields={"group": "x"}
    )
    assert_type(lead, LeadResult)
    try:
        client.lists.insert(name="January leads", campaign_id="111")
    except DuplicateError as error:
        print(error.code, error.text, error.description)
    except ConvosoError as error:
        print(error.endpoint, error.outcome)
    client.leads.insert(list_id=333)  # type: ignore[call-arg]
    client.leads.inzert(list_id=333)  # type: ignore[attr-defined]
    return client.request("/leads/search", {"limit": 1})


def show(progress: jobs.Progress) -> None:
    print(progress.done, progress.per_second, progress.remaining)


def lead_of(change: dict[str, str]) -> str:
    return change["lead_id"]


def many_writes(client: Convoso, changes: Iterator[dict[str, str]], other: AsyncConvoso) -> None:
    def remove(lead_id: str) -> None:
        client.leads.delete(lead_id=lead_id)

    report = jobs.run(client.leads.update, changes, key=lead_of, journal="changes.journal", progress=show)
    assert_type(report, jobs.JobReport)
    for item in report:
        assert_type(item, jobs.JobItem)
        print(item.line, item.state, item.error)
    jobs.run(partial(client.leads.update, status="DNC"), changes, progress=jobs.rich_bar("Leads"))
    jobs.run(remove, ["1", "2"], repeatable=True)
    imported = jobs.import_leads(
        client, "leads.csv", list_id=333, columns={"Phone": "phone_number"}, hopper=True
    )
    assert_type(imported, jobs.JobReport)
    jobs.import_leads(client, ({"phone_number": "2125550123"} for _ in range(3)), list_id="333")
    synced = jobs.sync_dnc(client, ["212-555-0123", 2125550124], mode="mirror", dry_run=True)
    assert_type(synced, jobs.SyncReport)
    jobs.sync_sms_opt_out(client, client.dnc.search_all(campaign_id=0), reason="Texted STOP")
    jobs.sync_dnc(client, [], mode="replace")  # type: ignore[arg-type]
    jobs.import_leads(other, "leads.csv", list_id=333)  # type: ignore[arg-type]
    jobs.import_leads(client, "leads.csv", list_id=333, chek_dup=1)  # type: ignore[call-arg]
    jobs.import_leads(client, "leads.csv", list_id=333, hopper_priority="high")  # type: ignore[arg-type]
    jobs.run(client.leads.update, 5)  # type: ignore[arg-type]
    jobs.run(client.leads.update, changes, progress=lead_of)  # type: ignore[arg-type]


def files(client: Convoso, other: AsyncConvoso) -> None:
    def take(calls: list[CallLog]) -> None:
        print(len(calls))

    calls = client.call_logs.retrieve_all(include_recordings=True)
    assert_type(jobs.export(calls, "calls.parquet", progress=show), jobs.ExportReport)
    jobs.export(calls, take)
    fetched = jobs.download_recordings(client, calls, "recordings")
    assert_type(fetched, jobs.RecordingsReport)
    jobs.export(other.call_logs.retrieve_all(), "calls.csv")  # type: ignore[arg-type]
    jobs.export(calls, "calls.csv", format="xlsx")  # type: ignore[arg-type]


def webhooks(client: Convoso) -> connect.Receiver:
    def handle(event: connect.ConnectEvent) -> None:
        assert_type(connect.lead(client, event), Lead | None)
        assert_type(connect.call_log(client, event), CallLog | None)

    assert_type(connect.parse(b"call_log_id=1"), connect.ConnectEvent)
    print([event.description for event in connect.WorkflowEvent])
    return connect.Receiver(secret="blue-heron-7", on_event=handle)
