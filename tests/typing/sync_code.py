"""Typical code of a user of the sync package, and slips: each `type: ignore` says what must be found."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import assert_type

from convoso_async.events import Event
from convoso_sync import (
    CallLog,
    Convoso,
    ConvosoError,
    DuplicateError,
    LeadResult,
    Page,
    Pager,
    Prefetch,
    Report,
    Window,
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
