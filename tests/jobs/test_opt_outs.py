"""Do-not-call and opt-out lists that hold what was asked for, and in no other scope anything else.

`HARD=20` in the environment kills a mirror some 150 times.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from convoso_async import (
    AsyncConvoso,
    ConvosoError,
    IncompleteError,
    InvalidRequestError,
    OffsetCapError,
    OutcomeUnknownError,
    jobs,
    retry,
)
from convoso_async.endpoint import Paging
from convoso_async.jobs import (
    BadFileError,
    BadRowError,
    JournalError,
    MirrorError,
    Phone,
    SyncReport,
    engine,
    syncing,
)
from convoso_async.jobs.journal import rows_in
from convoso_async.jobs.mirror import STATES
from convoso_async.resources import dnc
from convoso_async.simulator import Simulator

HARD = int(os.environ.get("HARD", "1"))
HERE = Path(__file__).parent
PHONES = [f"212555{number:04}" for number in range(1000)]
Entry = tuple[str, str, str]
"""Number, phone code, campaign."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FIRST_RATE", 1_000.0)
    monkeypatch.setattr(retry, "TRANSIENT_BASE", 0.001)
    monkeypatch.setattr(retry, "THROTTLED_BASE", 0.001)


@pytest.fixture
def sim() -> Any:
    with Simulator(call_logs=0, leads=0, dnc=0, sms_opt_outs=0) as sim:
        yield sim


@pytest.fixture
async def client(sim: Simulator) -> AsyncIterator[AsyncConvoso]:
    async with AsyncConvoso(sim.token, base_url=sim.url) as client:
        yield client


def held(sim: Simulator) -> set[Entry]:
    """What is on DNC. No entry twice."""
    entries = [(row["phone_number"], row["phone_code"], row["campaign_id"]) for row in sim.account.dnc]
    assert len(entries) == len(set(entries))
    return set(entries)


def everywhere(*phones: str) -> set[Entry]:
    return {(phone, "1", "0") for phone in phones}


def numbers(sim: Simulator, call: str) -> list[str]:
    return sorted(request.params["phone_number"] for request in sim.calls(call))


def writes(sim: Simulator) -> int:
    return len(sim.calls("dnc.insert")) + len(sim.calls("dnc.delete"))


def short_reach(monkeypatch: pytest.MonkeyPatch, cap: int) -> None:
    """Lets offsets of dnc.search reach no further than `cap`, in pages of 50."""
    paging = Paging(limit_default=50, limit_max=50, offset_max=cap)
    monkeypatch.setattr(dnc, "SEARCH", attrs.evolve(dnc.SEARCH, paging=paging))


def told(report: SyncReport) -> dict[str, int]:
    """What a report counts, without the zeros."""
    names = ("added", "removed", "there", "repeated", "failed", "unknown", "withheld", "confirmed")
    return {name: count for name in names if (count := getattr(report, name))}


# -- what may be given ------------------------------------------------------------------------------


async def test_numbers_in_any_form_each_once(client: AsyncConvoso, sim: Simulator) -> None:
    given: list[Any] = [
        "212-555-0123",
        2125550124,
        {"phone_number": 2125550125.0, "reason": float("nan"), "purpose": None, 7: "not asked"},
        2125550125.0,
        {"phone_number": "+1 (212) 555-0126", "name": "not asked"},
        {"Phone Number": "212.555.0123"},
        "5551234567",
        {"phone_number": "20 7946 0018", "phone_code": 44, "reason": "Wrote in", "purpose": "TELEMKT"},
    ]
    report = await jobs.sync_dnc(client, given, reason="DNC")
    assert told(report) == {"added": 6, "repeated": 2, "confirmed": 6}
    assert (report.total, report.done, report.skipped, report.ok) == (8, 6, 2, True)
    uk = ("2079460018", "44", "0")
    assert held(sim) == {
        *everywhere("2125550123", "2125550124", "2125550125", "2125550126", "5551234567"),
        uk,
    }
    assert len(sim.calls("dnc.insert")) == 6
    facts = {row["phone_number"]: (row["reason"], row["purpose"]) for row in sim.account.dnc}
    assert facts["2125550123"] == facts["2125550125"] == ("DNC", "")
    assert facts["2079460018"] == ("Wrote in", "TELEMKT")


async def test_a_bad_number_is_reported_and_the_rest_goes_on(client: AsyncConvoso, sim: Simulator) -> None:
    bad: list[Any] = [
        "x",
        "555-0123",
        None,
        float("nan"),
        float("inf"),
        True,
        -2125550123,
        "",
        {"phone": "2125550123"},
        {"phone_number": "2125550123", "phone_code": "999"},
        {"phone_number": "2125550123", "campaign_id": "111"},
        {"phone_number": "2125550123", "PHONE_NUMBER": "2125550124"},
        "+44 20 7946 0018",
    ]
    report = await jobs.sync_dnc(client, [*bad, "2125550199"])
    assert held(sim) == everywhere("2125550199")
    assert told(report) == {"added": 1, "failed": len(bad), "confirmed": 1}
    assert not report.ok
    assert [(item.position, item.state, str(item.error)) for item in report] == [
        (place, "failed", error)
        for place, error in enumerate(
            [
                "it is no phone number",
                "it lacks the area code",
                "it has no phone number",
                "it has no phone number",
                "phone_number must be digits or text, not float",
                "phone_number must be digits or text, not bool",
                "it is no phone number",
                "it has no phone number",
                "it has no phone number",
                "phone_code is no country's code, such as 1 or 44",
                "it is of campaign_id 111, and this sync is of 0",
                "PHONE_NUMBER: another column is phone_number too",
                "it is a number of country code 44, and phone_code is 1",
            ]
        )
    ]
    rows = [row if isinstance(row, dict) else {"phone_number": row} for row in bad]
    assert [item.row for item in report] == rows  # nan is equal to itself where it is the same object


async def test_a_campaign_may_be_written_with_zeros_before_it(client: AsyncConvoso, sim: Simulator) -> None:
    sim.account.add_dnc(PHONES[0], "61")
    report = await jobs.sync_dnc(
        client, [{"phone_number": PHONES[0], "campaign_id": "0061"}], campaign_id="061"
    )
    assert (report.there, writes(sim)) == (1, 0)


@pytest.mark.parametrize("name", ["dnc.csv", "dnc.jsonl"])
async def test_a_file(name: str, client: AsyncConvoso, sim: Simulator, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text("Name;Telefon\nJörg;212 555 0123\nAnn;nobody\n;(212)555-0124\n", "cp1252")
    else:
        lines: list[dict[str, object]] = [
            {"Telefon": "212 555 0123"},
            {"row": {"Telefon": "nobody"}, "error": "?"},
            {"Telefon": 2125550124},
        ]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    columns = {"Telefon": "phone_number"}
    report = await jobs.sync_dnc(client, path, columns=columns, encoding="cp1252")
    assert held(sim) == everywhere("2125550123", "2125550124")
    assert [str(item.error) for item in report] == [
        f"line {3 if name.endswith('csv') else 2}: it is no phone number"
    ]
    assert jobs.write_dead_letters(report, tmp_path / "dead.jsonl") == 1
    again = await jobs.sync_dnc(client, tmp_path / "dead.jsonl", columns=columns)
    assert told(again) == {"failed": 1}


async def test_the_rows_of_a_pager_and_of_any_async_iterable(client: AsyncConvoso, sim: Simulator) -> None:
    for phone in PHONES[:5]:
        sim.account.add_sms_opt_out(phone, reason="Texted STOP")
    report = await jobs.sync_dnc(client, client.sms_opt_out.search_all())
    assert (report.added, held(sim)) == (5, everywhere(*PHONES[:5]))
    assert {row["reason"] for row in sim.account.dnc} == {"Texted STOP"}

    async def phones() -> AsyncIterator[str]:
        for phone in PHONES[:7]:
            yield phone

    assert told(await jobs.sync_dnc(client, phones())) == {"added": 2, "there": 5, "confirmed": 7}


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"mode": "merge"}, ValueError, "mode must be 'add' or 'mirror', not 'merge'"),
        ({"campaign_id": "1,2"}, ValueError, "campaign_id must be one campaign's id"),
        ({"campaign_id": ""}, ValueError, "campaign_id must be one campaign's id"),
        ({"campaign_id": None}, ValueError, "campaign_id must be digits or text, not NoneType"),
        ({"phone_code": "999"}, ValueError, "phone_code is no country's code"),
        ({"phone_code": ""}, ValueError, "phone_code is no country's code"),
        ({"reason": 7}, TypeError, "dnc.insert: reason must be a str, not int"),
        ({"columns": {"Tel": "phone"}}, ValueError, "columns: 'Tel' can be phone_number, phone_code"),
        ({"partitions": [{"campaign_id": 1}]}, ValueError, r"partitions\[0\] must not hold campaign_id"),
        ({"partitions": [{"reson": "x"}]}, TypeError, "did you mean 'reason'"),
        ({"max_delete_fraction": 10, "mode": "mirror"}, ValueError, "must be from 0 to 1, not 10"),
        ({"max_delete_fraction": "all", "mode": "mirror"}, TypeError, "must be a number, not str"),
        ({"concurrency": 0}, ValueError, "concurrency must be a whole number"),
        ({"phones": {"phone_number": "2125550123"}}, TypeError, "phones must be numbers, .* not dict"),
        ({"phones": 2125550123}, TypeError, "phones must be numbers, .* not int"),
        ({"phones": "no.csv"}, BadFileError, "no.csv: No such file"),
    ],
)
async def test_bad_input_is_refused_before_anything_is_sent(
    options: dict[str, Any], error: type[Exception], says: str, client: AsyncConvoso, sim: Simulator
) -> None:
    with pytest.raises(error, match=says):
        await jobs.sync_dnc(client, **{"phones": ["2125550123"], **options})
    assert not sim.requests


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2125550123\n2125550124\n", "no column is phone_number; the first line must name the columns"),
        ("phone_number,Phone Number\n1,2\n", "columns 'phone_number' and 'Phone Number' are both"),
        ("", "is empty"),
        ('phone_number\n"2125550123\n', "line 2: a quote that opens here is never closed"),
    ],
)
async def test_a_bad_file_gets_one_clear_line(
    text: str, says: str, client: AsyncConvoso, sim: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "dnc.csv"
    path.write_text(text)
    with pytest.raises(BadFileError, match=says):
        await jobs.sync_dnc(client, path, mode="mirror", max_delete_fraction=1)
    assert not sim.requests


# -- add --------------------------------------------------------------------------------------------


async def test_only_what_is_missing_is_written(client: AsyncConvoso, sim: Simulator) -> None:
    for phone in PHONES[:30]:
        sim.account.add_dnc(phone)
    sim.account.add_dnc(PHONES[30], "111")
    report = await jobs.sync_dnc(client, PHONES[20:40])
    assert numbers(sim, "dnc.insert") == PHONES[30:40]
    assert len(sim.calls("dnc.search")) < 10  # it is cheaper to read the list again than to look numbers up
    assert told(report) == {"added": 10, "there": 10, "confirmed": 20}
    assert held(sim) == {*everywhere(*PHONES[:40]), (PHONES[30], "1", "111")}
    assert (len(report.plan.add), len(report.plan.there), report.plan.remove) == (10, 10, ())
    sim.clear()
    assert told(await jobs.sync_dnc(client, PHONES[:40])) == {"there": 40, "confirmed": 40}
    assert writes(sim) == 0


@pytest.mark.parametrize("known", [True, False])
async def test_a_list_past_the_reach_of_search_is_added_to_without_reading_it(
    known: bool, client: AsyncConvoso, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for phone in PHONES[:300]:
        sim.account.add_dnc(phone)
    if known:
        short_reach(monkeypatch, 100)
    else:
        sim.offset_cap, sim.page_cut = 100, 50
    report = await jobs.sync_dnc(client, PHONES[290:320])
    assert held(sim) == everywhere(*PHONES[:320])
    assert told(report) == {"added": 20, "there": 10, "confirmed": 30}
    assert (report.ok, report.plan.read, len(report.plan.add)) == (True, False, 30)


async def test_there_only_what_is_in_doubt_is_looked_up_where_it_is_much(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "LOOKED_UP", 10)
    monkeypatch.setattr(engine, "TRIES", 1)
    for phone in PHONES[:300]:
        sim.account.add_dnc(phone)
    short_reach(monkeypatch, 100)
    sim.fail("dnc.insert", delay=0.6)
    async with AsyncConvoso(sim.token, base_url=sim.url, deadline=0.3) as hasty:
        report = await jobs.sync_dnc(hasty, PHONES[300:320], concurrency=1)
    assert (report.ok, told(report)) == (True, {"added": 20, "confirmed": 1})
    assert [call.params.get("phone_number") for call in sim.calls("dnc.search")] == [None, PHONES[300]]


async def test_a_list_that_grows_past_the_reach_of_search_is_confirmed_number_by_number(
    client: AsyncConvoso, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_reach(monkeypatch, 60)
    report = await jobs.sync_dnc(client, PHONES[:150])
    assert (report.ok, told(report)) == (True, {"added": 150, "confirmed": 150})


async def test_partitions_read_a_list_past_the_reach_of_search(
    client: AsyncConvoso, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, phone in enumerate(PHONES[:300]):
        sim.account.add_dnc(phone, reason="DNC" if place % 2 else "")
    short_reach(monkeypatch, 160)
    partitions = [{"reason": "-BLANK-"}, {"reason": "-NOTBLANK-"}]
    with pytest.raises(OffsetCapError, match="partitions"):
        await jobs.sync_dnc(client, PHONES[10:300], mode="mirror")
    with pytest.raises(OffsetCapError, match="partitions"):
        await jobs.sync_dnc(client, PHONES[300:], partitions=[{}])
    with pytest.raises(IncompleteError, match="the partitions hold 150 of the 300 entries of this scope"):
        await jobs.sync_dnc(client, PHONES[10:300], mode="mirror", partitions=partitions[1:])
    assert writes(sim) == 0
    report = await jobs.sync_dnc(client, PHONES[10:301], mode="mirror", partitions=partitions)
    assert told(report) == {"added": 1, "removed": 10, "there": 290, "confirmed": 301}
    assert held(sim) == everywhere(*PHONES[10:301])
    assert numbers(sim, "dnc.insert") == [PHONES[300]]


async def test_partitions_that_leave_something_out_do_an_addition_no_harm(
    client: AsyncConvoso, sim: Simulator
) -> None:
    for phone in PHONES[:10]:
        sim.account.add_dnc(phone)
    report = await jobs.sync_dnc(client, PHONES[:12], partitions=[{"reason": "DNC"}])
    assert told(report) == {"added": 2, "there": 10, "confirmed": 12}


# -- mirror -----------------------------------------------------------------------------------------


async def test_a_mirror_removes_what_was_not_asked_for_in_its_scope_alone(
    client: AsyncConvoso, sim: Simulator
) -> None:
    campaign = sim.account.ids("campaigns")[0]
    kept = {(PHONES[0], "1", "0"), (PHONES[1], "1", "-1"), (PHONES[2], "44", campaign)}
    for phone, code, scope in kept:
        sim.account.add_dnc(phone, scope, phone_code=code)
    for phone in PHONES[:10]:
        sim.account.add_dnc(phone, campaign)
    report = await jobs.sync_dnc(client, PHONES[1:12], campaign_id=campaign, mode="mirror")
    assert told(report) == {"added": 2, "removed": 1, "there": 9, "confirmed": 12}
    assert (report.total, report.ok) == (12, True)
    assert held(sim) == kept | {(phone, "1", campaign) for phone in PHONES[1:12]}
    first_removal = sim.requests.index(sim.calls("dnc.delete")[0])
    assert all(sim.requests.index(call) < first_removal for call in sim.calls("dnc.insert"))


async def test_a_mirror_of_another_country(client: AsyncConvoso, sim: Simulator) -> None:
    sim.account.add_dnc("2079460018", phone_code="44")
    sim.account.add_dnc(PHONES[0])
    sync: Callable[..., Any] = jobs.sync_dnc
    report = await sync(client, ["020 7946 0019"], phone_code=44, mode="mirror", max_delete_fraction=1)
    assert held(sim) == {("2079460019", "44", "0"), (PHONES[0], "1", "0")}
    assert report.ok
    report = await sync(client, [{"phone_number": "2079460019", "phone_code": 44}], mode="mirror")
    assert "it is of phone_code 44, and this mirror is of 1" in str(next(iter(report)).error)
    assert writes(sim) == 2


async def test_a_mirror_that_would_remove_too_much_is_refused_with_the_counts(
    client: AsyncConvoso, sim: Simulator
) -> None:
    for phone in PHONES[:40]:
        sim.account.add_dnc(phone)
    with pytest.raises(MirrorError) as caught:
        await jobs.sync_dnc(client, PHONES[5:41], mode="mirror")
    assert str(caught.value) == (
        "the mirror would remove 5 of the 40 numbers on the list, and max_delete_fraction=0.1 allows 4; see"
        " them with dry_run=True and, if that is right, give max_delete_fraction=0.125"
    )
    plan = (await jobs.sync_dnc(client, PHONES[5:41], mode="mirror", dry_run=True)).plan
    assert [phone.digits for phone in plan.remove] == PHONES[:5]
    assert plan.add == (Phone("1", PHONES[40]),)
    assert [phone.digits for phone in plan.there] == PHONES[5:40]
    assert writes(sim) == 0
    report = await jobs.sync_dnc(client, PHONES[5:41], mode="mirror", max_delete_fraction=0.125)
    assert (report.ok, held(sim)) == (True, everywhere(*PHONES[5:41]))


async def test_a_dry_run_counts_and_writes_nothing(
    client: AsyncConvoso, sim: Simulator, tmp_path: Path
) -> None:
    for phone in PHONES[:4]:
        sim.account.add_dnc(phone)
    path = tmp_path / "journal"
    report = await jobs.sync_dnc(
        client, [*PHONES[2:6], "x"], mode="mirror", dry_run=True, journal=path, max_delete_fraction=0
    )
    assert (report.total, report.skipped, report.failed, report.ok) == (5, 4, 1, False)
    assert told(report) == {"there": 2, "failed": 1, "withheld": 2, "confirmed": 2}
    assert (writes(sim), path.exists(), report.journal) == (0, False, None)


async def test_an_empty_input_is_no_empty_list(client: AsyncConvoso, sim: Simulator) -> None:
    for phone in PHONES[:3]:
        sim.account.add_dnc(phone)
    with pytest.raises(MirrorError, match=r"the input is empty; .* give allow_empty=True"):
        await jobs.sync_dnc(client, [], mode="mirror", max_delete_fraction=1)
    assert not sim.requests
    assert (await jobs.sync_dnc(client, [])).ok
    with pytest.raises(MirrorError, match="would remove 3 of the 3"):
        await jobs.sync_dnc(client, [], mode="mirror", allow_empty=True)
    assert writes(sim) == 0
    report = await jobs.sync_dnc(client, [], mode="mirror", allow_empty=True, max_delete_fraction=1)
    assert (told(report), held(sim)) == ({"removed": 3, "confirmed": 3}, set())


async def test_with_a_bad_number_a_mirror_adds_and_removes_nothing(
    client: AsyncConvoso, sim: Simulator
) -> None:
    for phone in PHONES[:3]:
        sim.account.add_dnc(phone)
    report = await jobs.sync_dnc(client, [PHONES[2], PHONES[3], "x"], mode="mirror", max_delete_fraction=1)
    assert held(sim) == everywhere(*PHONES[:4])
    assert told(report) == {"added": 1, "there": 1, "failed": 1, "withheld": 2, "confirmed": 2}
    assert str(next(iter(report)).error) == (
        "it is no phone number; nothing is removed, because the list asked for is not known whole"
    )


@pytest.mark.parametrize("mode", ["add", "mirror"])
async def test_after_a_read_that_is_not_whole_nothing_is_written(
    mode: Any, client: AsyncConvoso, sim: Simulator
) -> None:
    for phone in PHONES[:30]:
        sim.account.add_dnc(phone)
    sim.page_cut, sim.totals = 10, "high"
    with pytest.raises(IncompleteError):
        await jobs.sync_dnc(client, PHONES[:2], mode=mode, max_delete_fraction=1)
    assert writes(sim) == 0


async def test_entries_without_a_scope_are_no_ground_to_remove_any(
    client: AsyncConvoso, sim: Simulator
) -> None:
    rows = [{"id": str(number), "phone_number": PHONES[number], "phone_code": "1"} for number in range(3)]
    page = {"data": {"offset": 0, "limit": 1000, "total": 3, "entries": rows}}
    last = {"data": {"offset": 2, "limit": 1000, "total": 3, "entries": rows[2:]}}
    sim.fail("dnc.search", body=page)
    sim.fail("dnc.search", body=last, times=4)
    with pytest.raises(MirrorError, match="3 entries of the list came without their number, phone_code or"):
        await jobs.sync_dnc(client, PHONES[:1], mode="mirror", max_delete_fraction=1)
    assert writes(sim) == 0


@pytest.mark.parametrize("mode", ["add", "mirror"])
async def test_a_service_that_passes_the_filters_by_leads_nobody_astray(
    mode: Any, client: AsyncConvoso, sim: Simulator
) -> None:
    rows = [
        {"id": "1", "phone_number": PHONES[0], "phone_code": "1", "campaign_id": "111"},
        {"id": "2", "phone_number": PHONES[1], "phone_code": "44", "campaign_id": "0"},
    ]
    page = {"data": {"offset": 0, "limit": 1000, "total": 2, "entries": rows}}
    last = {"data": {"offset": 1, "limit": 1000, "total": 2, "entries": rows[1:]}}
    sim.fail("dnc.search", body=page)
    sim.fail("dnc.search", body=last)
    report = await jobs.sync_dnc(client, PHONES[:1], mode=mode, max_delete_fraction=1)
    assert told(report) == {"added": 1, "confirmed": 1}
    assert numbers(sim, "dnc.delete") == []


async def test_a_number_that_the_list_spells_in_its_own_way_is_not_removed(
    client: AsyncConvoso, sim: Simulator
) -> None:
    sim.account.add_dnc("12125550123")
    sim.account.add_dnc("2125550124")
    report = await jobs.sync_dnc(client, ["2125550123", "2125550124"], mode="mirror")
    assert held(sim) == everywhere("12125550123", "2125550123", "2125550124")
    assert told(report) == {"added": 1, "there": 1, "confirmed": 2}


scopes = st.sampled_from(["0", "-1", "campaign"])
places = st.integers(0, 7)
lists = st.sets(st.tuples(places, st.sampled_from(["1", "44"]), scopes), max_size=12)
forms = st.sampled_from(["212555{:04}", "+1 212 555 {:04}", "(212) 555-{:04}"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=lists, asked=st.lists(st.tuples(places, forms), max_size=8), scope=scopes)
@pytest.mark.parametrize("mode", ["add", "mirror"])
def test_whatever_is_there_and_whatever_is_asked_for(
    mode: Any, before: set[Entry], asked: list[tuple[int, str]], scope: str
) -> None:
    async def main() -> None:
        with Simulator(call_logs=0, leads=0, dnc=0, sms_opt_outs=0) as sim:
            campaign = sim.account.ids("campaigns")[0]
            ids = {"campaign": campaign}
            for place, code, where in before:
                sim.account.add_dnc(PHONES[int(place)], ids.get(where, where), phone_code=code)
            first = held(sim)
            async with AsyncConvoso(sim.token, base_url=sim.url) as client:
                report = await jobs.sync_dnc(
                    client,
                    [form.format(place) for place, form in asked],
                    campaign_id=ids.get(scope, scope),
                    mode=mode,
                    max_delete_fraction=1.0,
                    allow_empty=True,
                )
            assert report.ok
            assert report.confirmed == report.added + report.removed + report.there
            mine = {entry for entry in first if entry[1:] == ("1", ids.get(scope, scope))}
            wanted = {(PHONES[place], "1", ids.get(scope, scope)) for place, _ in asked}
            assert held(sim) == (first - mine if mode == "mirror" else first) | wanted
            assert not {(p, "1", ids.get(scope, scope)) for p in numbers(sim, "dnc.insert")} & first

    asyncio.run(main())


# -- trouble ----------------------------------------------------------------------------------------


async def test_250_numbers_through_every_fault(client: AsyncConvoso, sim: Simulator) -> None:
    faults: list[dict[str, Any]] = [
        {"drop": "before"},
        {"drop": "after"},
        {"status": 500},
        {"status": 500, "apply": True},
        {"status": 429},
        {"html": True},
        {"truncate": True},
        {"truncate": "length"},
    ]
    for round_ in range(12):
        for fault in faults:
            sim.fail("dnc.insert", skip=round_, times=1 + round_ % 3, **fault)
    report = await jobs.sync_dnc(client, PHONES[:250])
    assert held(sim) == everywhere(*PHONES[:250])
    assert (report.ok, told(report)) == (True, {"added": 250, "confirmed": 250})


async def test_a_removal_whose_reply_was_lost_is_looked_up_and_never_repeated(
    client: AsyncConvoso, sim: Simulator
) -> None:
    for phone in PHONES[:10]:
        sim.account.add_dnc(phone)
    sim.fail("dnc.delete", drop="before")
    sim.fail("dnc.delete", drop="after")
    report = await jobs.sync_dnc(client, PHONES[3:10], mode="mirror", max_delete_fraction=0.5, concurrency=1)
    assert told(report) == {"removed": 2, "there": 7, "unknown": 1, "confirmed": 9}
    (item,) = report
    assert isinstance(item.error, OutcomeUnknownError)
    assert item.row == {"remove": {"phone_number": PHONES[0], "phone_code": "1", "campaign_id": "0"}}
    assert (item.position, item.state) == (7, "unknown")
    assert numbers(sim, "dnc.delete") == PHONES[:3]
    assert held(sim) == everywhere(PHONES[0], *PHONES[3:10])


async def test_a_number_that_was_accepted_and_is_not_there_is_told_of(
    client: AsyncConvoso, sim: Simulator, tmp_path: Path
) -> None:
    sim.fail("dnc.insert", body={"success": True, "id": 7})
    path = tmp_path / "journal"
    report = await jobs.sync_dnc(client, PHONES[:5], concurrency=1, journal=path)
    assert told(report) == {"added": 4, "unknown": 1, "confirmed": 4}
    (item,) = report
    assert (item.row, str(item.error)) == (
        {"phone_number": PHONES[0]},
        "dnc.insert: the service took the number, and a search does not show it",
    )
    again = await jobs.sync_dnc(client, PHONES[:5], journal=path)
    assert (again.ok, held(sim)) == (True, everywhere(*PHONES[:5]))


async def test_numbers_that_did_not_succeed_can_be_put_in_again(
    client: AsyncConvoso, sim: Simulator, tmp_path: Path
) -> None:
    sim.fail("dnc.insert", body={"success": False, "code": 6024, "text": "No such campaign"})
    report = await jobs.sync_dnc(client, PHONES[:3], concurrency=1)
    assert told(report) == {"added": 2, "failed": 1, "confirmed": 2}
    letters = tmp_path / "letters.jsonl"
    assert jobs.write_dead_letters(report, letters) == 1
    again = await jobs.sync_dnc(client, letters)
    assert (again.ok, held(sim)) == (True, everywhere(*PHONES[:3]))


async def test_a_removal_that_was_accepted_and_is_still_there_is_told_of(
    client: AsyncConvoso, sim: Simulator
) -> None:
    for phone in PHONES[:2]:
        sim.account.add_dnc(phone)
    sim.fail("dnc.delete", body={"success": True})
    report = await jobs.sync_dnc(client, PHONES[1:2], mode="mirror", max_delete_fraction=1)
    assert told(report) == {"there": 1, "unknown": 1, "confirmed": 1}
    assert "a search still shows it" in str(next(iter(report)).error)


@pytest.mark.parametrize("there", [True, False])
async def test_a_refusal_with_two_meanings_is_settled_by_a_look(
    there: bool, client: AsyncConvoso, sim: Simulator
) -> None:
    sim.account.add_dnc(PHONES[1])
    refusal = {"success": False, "code": 6007, "error": "phone number refused"}
    sim.fail("dnc.insert", body=refusal, apply=there)
    report = await jobs.sync_dnc(client, PHONES[:1])
    if there:
        assert (report.ok, told(report)) == (True, {"there": 1, "confirmed": 1})
        return
    assert told(report) == {"failed": 1}
    error = next(iter(report)).error
    assert isinstance(error, InvalidRequestError)
    assert (error.code, error.outcome) == (6007, "rejected")


async def test_what_all_rows_have_in_common_stops_the_job(client: AsyncConvoso, sim: Simulator) -> None:
    long = "x" * 300
    report = await jobs.sync_dnc(client, PHONES[:200], reason=long, concurrency=2)
    assert "reason" in str(report.stopped)
    assert len(sim.calls("dnc.insert")) <= 2
    report = await jobs.sync_dnc(client, [{"phone_number": PHONES[0], "reason": long}, PHONES[1]])
    assert (report.added, report.failed, report.stopped) == (1, 1, None)


async def test_a_read_back_that_fails_is_told_of(client: AsyncConvoso, sim: Simulator) -> None:
    sim.fail("dnc.search", skip=1, times=1_000, status=503)
    report = await jobs.sync_dnc(client, PHONES[:2])
    assert str(report.stopped).startswith("the list could not be read to confirm: ")
    assert (report.ok, told(report)) == (False, {"added": 2})
    assert held(sim) == everywhere(*PHONES[:2])


@pytest.mark.skipif(os.name == "nt", reason="no Ctrl-C to raise there")
@pytest.mark.parametrize("phase", ["writing", "confirming"])
async def test_ctrl_c_ends_with_the_report(phase: str, client: AsyncConvoso, sim: Simulator) -> None:
    def interrupt(progress: jobs.Progress) -> None:
        if progress.phase == phase and not signalled:
            signalled.append(True)
            signal.raise_signal(signal.SIGINT)

    signalled: list[bool] = []
    for phone in PHONES[100:140]:
        sim.account.add_dnc(phone)
    sim.page_cut = 2  # so that it is cheaper to look numbers up one by one
    report = await jobs.sync_dnc(client, PHONES[:30], progress=interrupt, concurrency=2)
    assert signalled
    assert (report.interrupted, report.ok) == (True, False)
    assert report.added == len(held(sim)) - 40 > report.confirmed
    assert (report.added == 30) is (phase == "confirming")


@pytest.mark.skipif(os.name == "nt", reason="no Ctrl-C to raise there")
async def test_ctrl_c_when_all_is_confirmed_comes_too_late(client: AsyncConvoso, sim: Simulator) -> None:
    def interrupt(progress: jobs.Progress) -> None:
        if progress.phase == "confirming":
            signal.raise_signal(signal.SIGINT)

    report = await jobs.sync_dnc(client, PHONES[:30], progress=interrupt)  # which reads the list in one page
    assert (report.ok, report.stopped, report.confirmed) == (True, None, 30)


async def test_progress_tells_the_phases(client: AsyncConvoso, sim: Simulator) -> None:
    for phone in PHONES[:3]:
        sim.account.add_dnc(phone)
    seen: list[jobs.Progress] = []
    await jobs.sync_dnc(client, PHONES[:9], progress=seen.append)
    phases = list(dict.fromkeys(progress.phase for progress in seen))
    assert phases == ["reading", "writing", "confirming", None]
    last = seen[-1]
    assert (last.finished, last.done, last.skipped, last.total) == (True, 6, 3, 9)
    assert [progress.finished for progress in seen[:-1]] == [False] * (len(seen) - 1)
    seen.clear()
    with pytest.raises(MirrorError):
        await jobs.sync_dnc(client, [], mode="mirror", progress=seen.append)
    assert [progress.finished for progress in seen] == [True]


# -- the journal ------------------------------------------------------------------------------------


async def test_another_input_or_scope_is_refused(
    client: AsyncConvoso, sim: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "journal"
    await jobs.sync_dnc(client, PHONES[:5], journal=path)
    sim.clear()
    for phones, options, says in [
        (PHONES[:6], {}, "it had 5 rows, and now has 6 rows"),
        ([*PHONES[:4], "2125550199"], {}, "item 4 is not what it was"),
        (PHONES[:5], {"mode": "mirror"}, "option mode|mode was"),
        (PHONES[:5], {"campaign_id": -1}, "campaign_id was"),
        (PHONES[:5], {"reason": "DNC"}, "reason was not set"),
    ]:
        with pytest.raises(JournalError, match=says):
            await jobs.sync_dnc(client, phones, journal=path, **options)  # type: ignore[arg-type]
    assert writes(sim) == 0
    again = await jobs.sync_dnc(client, PHONES[:5], journal=path)
    assert (again.earlier, told(again)) == (5, {"added": 5, "confirmed": 5})


async def test_a_newer_opt_out_is_not_undone_by_a_resumed_mirror(
    client: AsyncConvoso, sim: Simulator, tmp_path: Path
) -> None:
    for phone in PHONES[:4]:
        sim.account.add_dnc(phone)
    path = tmp_path / "journal"
    first = await jobs.sync_dnc(client, PHONES[1:4], mode="mirror", max_delete_fraction=1, journal=path)
    sim.account.add_dnc(PHONES[0])
    again = await jobs.sync_dnc(client, PHONES[1:4], mode="mirror", max_delete_fraction=1, journal=path)
    assert (first.removed, again.removed, again.earlier, again.ok) == (1, 1, 4, True)
    assert (again.confirmed, numbers(sim, "dnc.delete")) == (3, PHONES[:1])
    assert held(sim) == everywhere(*PHONES[:4])


async def test_a_removal_that_was_not_done_is_told_of_though_the_look_comes_in_a_later_run(
    client: AsyncConvoso, sim: Simulator, tmp_path: Path
) -> None:
    for phone in PHONES[:4]:
        sim.account.add_dnc(phone)
    path = tmp_path / "journal"

    async def mirrored(**options: Any) -> SyncReport:
        asked = {"mode": "mirror", "max_delete_fraction": 1, "journal": path, **options}
        return await jobs.sync_dnc(client, PHONES[2:4], **asked)

    await mirrored(dry_run=True)
    sim.fail("dnc.search", skip=len(sim.calls("dnc.search")), times=1_000, status=503)
    sim.fail("dnc.delete", body={"success": True})
    first = await mirrored()
    assert (first.removed, first.confirmed, "to confirm" in str(first.stopped)) == (2, 2, True)
    sim.clear()
    for _ in range(2):
        again = await mirrored()
        assert told(again) == {"removed": 1, "there": 2, "unknown": 1, "confirmed": 3}
        assert "a search still shows it" in str(next(iter(again)).error)
    assert sim.calls("dnc.delete") == []


async def test_of_two_runs_that_begin_together_one_removes(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mirrored() -> SyncReport:
        path = tmp_path / "journal"
        async with AsyncConvoso(sim.token, base_url=sim.url) as client:
            return await jobs.sync_dnc(
                client, PHONES[1:4], mode="mirror", max_delete_fraction=1, journal=path
            )

    def overtaken(journal: Path, rows: int) -> dict[Phone, str]:
        """The other run begins and ends, after the list was read and before there was a journal."""
        monkeypatch.undo()
        assert asyncio.run(mirrored()).removed == 1
        return {}

    for phone in PHONES[:4]:
        sim.account.add_dnc(phone)
    monkeypatch.setattr(syncing, "earlier_removals", overtaken)
    with pytest.raises(JournalError, match="another run went on with this journal meanwhile"):
        await mirrored()
    assert numbers(sim, "dnc.delete") == PHONES[:1]
    assert (await mirrored()).ok


async def test_removals_go_on_in_their_places_though_some_overtook_others(
    client: AsyncConvoso, sim: Simulator, tmp_path: Path
) -> None:
    for phone in PHONES[:100]:
        sim.account.add_dnc(phone)
    path = tmp_path / "journal"
    for broken_off in range(1, 9):  # those that lose their turn to a 429 wait behind the next
        sim.fail("dnc.delete", status=429, skip=broken_off)
        mirror = asyncio.ensure_future(
            jobs.sync_dnc(client, PHONES[90:100], mode="mirror", max_delete_fraction=1, journal=path)
        )
        while len(sim.calls("dnc.delete")) < 2 + broken_off and not mirror.done():  # noqa: ASYNC110  # the simulator is in a thread
            await asyncio.sleep(0)
        mirror.cancel()
        with pytest.raises(asyncio.CancelledError):
            await mirror
        sim.clear()
    positions = [row[0] for row in rows_in(path, STATES)]
    report = await jobs.sync_dnc(client, PHONES[90:100], mode="mirror", max_delete_fraction=1, journal=path)
    assert positions == list(range(100))
    assert (report.total, report.failed, report.stopped) == (100, 0, None)
    unsure = {(item.row["remove"]["phone_number"], "1", "0") for item in report if item.row is not None}
    assert held(sim) - unsure == everywhere(*PHONES[90:100])


async def test_a_row_that_looks_like_a_removal_is_none(
    client: AsyncConvoso, sim: Simulator, tmp_path: Path
) -> None:
    for phone in PHONES[:4]:
        sim.account.add_dnc(phone)
    entry = {"phone_number": PHONES[0], "phone_code": "1", "campaign_id": "0"}
    for row in ({"remove": entry}, {"remove": {}}):
        for _ in range(2):
            report = await jobs.sync_dnc(
                client,
                [*PHONES[1:4], row],
                mode="mirror",
                max_delete_fraction=1,
                journal=tmp_path / str(len(row["remove"])),
            )
            assert (report.failed, report.withheld, report.removed) == (1, 1, 0)
    assert held(sim) == everywhere(*PHONES[:4])


@pytest.mark.timeout(180)
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
@pytest.mark.parametrize("seed", range(HARD))
def test_killed_at_any_moment_it_ends_as_if_it_were_not(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    kills = 12
    path = tmp_path / "dnc.csv"
    with Simulator(call_logs=0, leads=0, dnc=0, sms_opt_outs=0, latency=0.005) as sim:
        for phone in PHONES[:200]:
            sim.account.add_dnc(phone)
            sim.account.add_dnc(phone, "-1")
        path.write_text("\n".join(["phone_number", *PHONES[100:600]]))
        command = [sys.executable, str(HERE / "mirror_once.py"), sim.token, sim.url, str(path)]
        killed, whole = 0, None
        while whole is None:
            before = len(sim.requests)
            child = subprocess.Popen([*command, str(tmp_path / "journal")], stdout=subprocess.PIPE, text=True)
            if killed < kills:
                after = before + random.randint(1, 120)
                while len(sim.requests) < after and child.poll() is None:
                    time.sleep(0.001)
                child.send_signal(signal.SIGKILL)
            said, _ = child.communicate()
            if child.returncode == 0:
                whole = json.loads(said)
            else:
                assert child.returncode == -signal.SIGKILL
                killed += 1
        on_list = held(sim)
        removals = Counter(numbers(sim, "dnc.delete"))
    print(f"{killed} kills, {whole['unknown']} unknown")
    assert killed >= kills // 3
    assert set(removals.values()) == {1}
    unknown = set(whole["listed"])
    assert on_list - {(phone, "1", "0") for phone in unknown} == everywhere(*PHONES[100:600]) | {
        (phone, "1", "-1") for phone in PHONES[:200]
    }
    assert len(unknown) == whole["unknown"] <= 8 * killed
    assert (whole["total"], whole["failed"], whole["stopped"]) == (600, 0, None)
    assert (whole["added"], whole["there"], whole["removed"]) == (400, 100, 100 - len(unknown))
    assert whole["confirmed"] == 600 - len(unknown)


# -- text messages ----------------------------------------------------------------------------------


async def test_sms_opt_outs(client: AsyncConvoso, sim: Simulator) -> None:
    sim.account.add_sms_opt_out(PHONES[0])
    sim.fail("sms_opt_out.insert", drop="after")
    report = await jobs.sync_sms_opt_out(client, PHONES[:4], reason="Texted STOP")
    assert told(report) == {"added": 3, "there": 1, "confirmed": 4}
    rows = {row["phone_number"]: row["reason"] for row in sim.account.sms_opt_outs}
    assert rows == {PHONES[0]: "", **dict.fromkeys(PHONES[1:4], "Texted STOP")}
    plan = (await jobs.sync_sms_opt_out(client, PHONES[:5], dry_run=True)).plan
    assert (len(plan.there), plan.add) == (4, (Phone("1", PHONES[4]),))


async def test_a_purpose_scope_wants_a_purpose(client: AsyncConvoso, sim: Simulator) -> None:
    report = await jobs.sync_sms_opt_out(client, PHONES[:100], campaign_id=-1, concurrency=2)
    assert "purpose needed" in str(report.stopped)
    assert len(sim.calls("sms_opt_out.insert")) <= 2
    report = await jobs.sync_sms_opt_out(client, PHONES[:3], campaign_id=-1, purpose="TELEMKT")
    assert (report.ok, report.added) == (True, 3)


async def test_the_errors_are_ours(client: AsyncConvoso) -> None:
    assert issubclass(MirrorError, ConvosoError)
    with pytest.raises(BadRowError):
        raise next(iter(await jobs.sync_dnc(client, ["x"]))).error
