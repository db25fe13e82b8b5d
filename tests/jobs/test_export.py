"""Exports: every row, once, in order, in the form asked for, however often the export was interrupted."""

import asyncio
import csv
import errno
import io
import itertools
import json
import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pyarrow as pa
import pytest
from hypothesis import example, given, strategies as st
from pyarrow import parquet

from convoso_async import (
    AsyncConvoso,
    AuthenticationError,
    CallLog,
    ConvosoConnectionError,
    IncompleteError,
    PermissionDeniedError,
    jobs,
)
from convoso_async.jobs import columns, formats, part_file
from convoso_async.jobs.arrow import Columns
from convoso_async.jobs.columns import Column, as_object, columns_of
from convoso_async.jobs.formats import defused
from convoso_async.paging import Pager, Window
from convoso_async.resources.agent_monitor import MonitoredAgent
from convoso_async.resources.call_logs import RETRIEVE, CallRecording
from convoso_async.resources.leads import Lead
from convoso_async.rows import Row, row
from convoso_async.simulator import Simulator

CAP = 300
"""The largest offset here, so that a few hundred rows already take several windows."""
SMALL = attrs.evolve(RETRIEVE, paging=attrs.evolve(RETRIEVE.paging, offset_max=CAP, limit_max=100))
ENDINGS = ("jsonl", "csv", "parquet")
ZONE = ZoneInfo("America/Los_Angeles")
KILLS = int(os.environ.get("CONVOSO_KILLS", "8"))


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(call_logs=1500, profile="observed", offset_cap=CAP) as simulator:
        yield simulator


def client_for(sim: Simulator, **settings: Any) -> AsyncConvoso:
    return AsyncConvoso(sim.token, base_url=sim.url, timezone=sim.account.zone, **settings)


def calls(client: AsyncConvoso, sim: Simulator, **filters: Any) -> Pager[CallLog]:
    """All calls of the account, by way of a cap that is small."""
    whole = {"start_time": sim.account.start, "end_time": sim.account.end, "include_recordings": True}
    return client.call_logs._pager(SMALL, {**whole, **filters})


def contents(path: Path) -> Any:
    """What makes two files the same: their bytes, or for Parquet what is in them."""
    return parquet.read_table(path) if path.suffix == ".parquet" else path.read_bytes()


def ids(path: Path) -> list[str]:
    """The ids in a file of any format."""
    if path.suffix == ".parquet":
        return list(parquet.read_table(path)["id"].to_pylist())
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return [record["id"] for record in csv.DictReader(file)]
    return [json.loads(line)["id"] for line in path.read_text("utf-8").splitlines()]


def held(sim: Simulator) -> list[str]:
    return [str(number) for number in sim.account.call_log_ids()]


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def names_in(folder: Path) -> set[str]:
    return {found.name for found in folder.iterdir()}


def left_beside(path: Path) -> set[str]:
    """What stands beside a file, under its name."""
    return {found.name.removeprefix(path.name) for found in path.parent.iterdir()} - {""}


# -- files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_file_holds_every_row_once_in_order(sim: Simulator, tmp_path: Path, ending: str) -> None:
    to = tmp_path / f"calls.{ending}"
    async with client_for(sim) as client:
        report = await jobs.export(calls(client, sim), to)
    assert ids(to) == held(sim)
    assert left_beside(to) == set()
    assert (report.rows, report.resumed, report.path, report.complete) == (1500, 0, to, True)
    assert report.windows >= 1500 / (CAP + 100)
    assert report.requests == len(sim.requests)
    assert report.seconds > 0


async def test_json_lines_are_the_rows(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.jsonl"
    async with client_for(sim) as client:
        await jobs.export(calls(client, sim), to)
        rows = await calls(client, sim).collect()
    written = [json.loads(line) for line in text_of(to).splitlines()]
    assert {tuple(one) for one in written} == {tuple(column.name for column in columns_of(CallLog))}
    assert [one["extra"] for one in written] == [call.extra for call in rows]
    assert [datetime.fromisoformat(one["call_date"]) for one in written] == [call.call_date for call in rows]
    assert [one["call_length"] for one in written] == [call.call_length for call in rows]
    assert [len(one["recording"]) for one in written] == [len(call.recording) for call in rows]
    assert any(one["extra"] for one in written)


async def test_a_csv_file_is_the_rows(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.csv"
    async with client_for(sim) as client:
        await jobs.export(calls(client, sim), to)
        rows = await calls(client, sim).collect()
    with to.open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    assert list(records[0]) == [column.name for column in columns_of(CallLog)]
    for record, call in zip(records, rows, strict=True):
        assert record["agent_comment"] == (call.agent_comment or "")
        assert record["call_length"] == ("" if call.call_length is None else str(call.call_length))
        assert call.call_date is not None
        assert record["call_date"] == call.call_date.isoformat()
        assert (json.loads(record["extra"]) if record["extra"] else {}) == call.extra
        assert len(json.loads(record["recording"]) if record["recording"] else []) == len(call.recording)


async def test_a_parquet_file_has_the_types_of_the_rows(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.parquet"
    async with client_for(sim) as client:
        await jobs.export(calls(client, sim), to)
        rows = await calls(client, sim).collect()
    table = parquet.read_table(to)
    assert table.schema.field("call_date").type == pa.timestamp("us", tz="America/Los_Angeles")
    assert table.schema.field("call_length").type == pa.int64()
    assert table.schema.field("id").type == pa.string()
    assert pa.types.is_list(table.schema.field("recording").type)
    assert table["call_date"].to_pylist() == [call.call_date for call in rows]
    assert table["called_count"].to_pylist() == [call.called_count for call in rows]
    assert [len(found) for found in table["recording"].to_pylist()] == [len(call.recording) for call in rows]
    extra = [json.loads(text) if text else {} for text in table["extra"].to_pylist()]
    assert extra == [call.extra for call in rows]


async def test_a_parquet_file_has_row_groups_of_a_fair_size(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convoso_async.jobs.arrow.GROUP", 400)
    async with client_for(sim) as client:
        await jobs.export(calls(client, sim), tmp_path / "calls.parquet")
    described = parquet.ParquetFile(tmp_path / "calls.parquet").metadata
    sizes = [described.row_group(place).num_rows for place in range(described.num_row_groups)]
    assert sum(sizes) == 1500
    assert all(400 <= size <= 500 for size in sizes[:-1])


@pytest.mark.parametrize("ending", ENDINGS)
async def test_an_export_of_nothing_is_a_file_with_columns(
    sim: Simulator, tmp_path: Path, ending: str
) -> None:
    to = tmp_path / f"calls.{ending}"
    async with client_for(sim) as client:
        report = await jobs.export(calls(client, sim, phone_number="2125550199"), to)
    assert (report.rows, report.complete) == (0, True)
    assert ids(to) == []
    assert to.stat().st_size > 0 or ending == "jsonl"


async def test_a_file_that_is_there_is_replaced_at_the_end(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.csv"
    write(to, "before")
    seen: list[str] = []
    sim.before_request = lambda _, request: seen.append(text_of(to))
    async with client_for(sim) as client:
        await jobs.export(calls(client, sim), str(to), format="jsonl")
    assert set(seen) == {"before"}
    assert [json.loads(line)["id"] for line in text_of(to).splitlines()] == held(sim)


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_so_many_requests_are_in_flight(sim: Simulator, tmp_path: Path, concurrency: int) -> None:
    sim.latency = 0.02
    async with client_for(sim) as client:
        await jobs.export(calls(client, sim), tmp_path / "calls.csv", concurrency=concurrency)
    assert sim.in_flight_max == concurrency


async def test_concurrency_is_checked_before_anything_is_sent(sim: Simulator, tmp_path: Path) -> None:
    async with client_for(sim) as client:
        with pytest.raises(ValueError, match="1 or more"):
            await jobs.export(calls(client, sim), tmp_path / "calls.csv", concurrency=0)
    assert sim.requests == []
    assert names_in(tmp_path) == set()


async def test_progress_is_told(sim: Simulator, tmp_path: Path) -> None:
    told: list[jobs.Progress] = []
    async with client_for(sim) as client:
        await jobs.export(calls(client, sim), tmp_path / "calls.csv", progress=told.append)
    assert (told[-1].done, told[-1].total, told[-1].finished) == (1500, 1500, True)
    assert list(dict.fromkeys(now.phase for now in told)) == ["planning", "writing", None]
    planning = [now for now in told if now.phase == "planning"]
    assert (planning[0].done, {now.total for now in planning}) == (1, {None})
    assert all(now.total == 1500 for now in told if now.phase == "writing")


async def test_progress_is_told_the_end_also_where_planning_fails(sim: Simulator, tmp_path: Path) -> None:
    told: list[jobs.Progress] = []
    async with client_for(sim) as client:
        sim.fail("call_logs.retrieve", status=401)
        with pytest.raises(AuthenticationError):
            await jobs.export(calls(client, sim), tmp_path / "calls.csv", progress=told.append)
        assert told == []  # nor anything begun
        sim.fail("call_logs.retrieve", skip=1, status=401)
        with pytest.raises(AuthenticationError):
            await jobs.export(calls(client, sim), tmp_path / "calls.csv", progress=told.append)
    assert [now.finished for now in told] == [*[False] * (len(told) - 1), True]


async def test_rows_that_were_not_asked_for_are_not_there(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.csv"
    async with client_for(sim) as client:
        report = await jobs.export(calls(client, sim, max_rows=450), to)
    assert ids(to) == held(sim)[:450]
    assert (report.rows, report.complete) == (450, False)


async def test_partitions_that_share_rows_give_each_once(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.jsonl"
    campaigns = sorted({str(campaign["id"]) for campaign in sim.call("campaigns.search")["data"]})
    parts = [{"campaign_id": campaigns}, *({"campaign_id": campaign} for campaign in campaigns)]
    async with client_for(sim) as client:
        report = await jobs.export(calls(client, sim, partitions=parts), to)
    assert ids(to) == held(sim)
    assert report.complete


async def test_what_no_window_holds_is_read_as_one(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def plan(pager: Pager[Any]) -> list[Window]:
        raise IncompleteError("some have no time to cut by")

    monkeypatch.setattr(Pager, "plan", plan)
    async with client_for(sim) as client:
        report = await jobs.export(calls(client, sim), tmp_path / "calls.csv")
    assert ids(tmp_path / "calls.csv") == held(sim)
    assert report.complete


@pytest.mark.parametrize("resource", ["leads", "dnc", "callbacks", "users"])
@pytest.mark.parametrize("ending", ENDINGS)
async def test_any_pager_can_be_exported(sim: Simulator, tmp_path: Path, resource: str, ending: str) -> None:
    to = tmp_path / f"rows.{ending}"
    sim.offset_cap = None
    async with client_for(sim) as client:
        report = await jobs.export(getattr(client, resource).search_all(), to)
        rows = await getattr(client, resource).search_all().collect()
    assert report.rows == len(rows) > 0
    assert ids(to) == [one.id for one in rows]


# -- file objects and functions ---------------------------------------------------------------------


class Slow(io.RawIOBase):
    """Takes a few bytes at a time, as a pipe may."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.taken += bytes(data[:1000])
        return min(len(data), 1000)


@pytest.mark.parametrize("format", ["jsonl", "csv"])
async def test_a_file_object_takes_bytes_or_text(sim: Simulator, tmp_path: Path, format: Any) -> None:
    in_bytes, in_text, slow = io.BytesIO(), io.StringIO(newline=""), Slow()
    async with client_for(sim) as client:
        for file in (in_bytes, in_text, slow):
            report = await jobs.export(calls(client, sim), file, format=format)
            assert (report.rows, report.path, file.closed) == (1500, None, False)
        await jobs.export(calls(client, sim), tmp_path / f"calls.{format}")
    expected = (tmp_path / f"calls.{format}").read_bytes()
    assert in_bytes.getvalue() == expected == bytes(slow.taken)
    assert in_text.getvalue().encode() == expected


async def test_a_file_object_takes_parquet(sim: Simulator, tmp_path: Path) -> None:
    file = io.BytesIO()
    async with client_for(sim) as client:
        await jobs.export(calls(client, sim), file, format="parquet")
    assert not file.closed
    assert parquet.read_table(io.BytesIO(file.getvalue()))["id"].to_pylist() == held(sim)


async def test_the_name_of_a_file_object_tells_its_format(sim: Simulator, tmp_path: Path) -> None:
    async with client_for(sim) as client:
        with (tmp_path / "calls.jsonl").open("wb") as file:
            await jobs.export(calls(client, sim), file)
    assert ids(tmp_path / "calls.jsonl") == held(sim)


class Awaited:
    async def write(self, data: bytes) -> int:
        return len(data)


@pytest.mark.parametrize(
    ("to", "format", "error"),
    [
        (io.StringIO(), "parquet", TypeError),
        (Awaited(), "csv", TypeError),
        (io.BytesIO(), None, ValueError),
        (io.BytesIO(), "xlsx", ValueError),
        ("calls.txt", None, ValueError),
        ("calls", None, ValueError),
        (print, "csv", TypeError),
        (7, None, TypeError),
    ],
)
async def test_a_wrong_target_is_refused_before_anything_is_sent(
    sim: Simulator, to: Any, format: Any, error: type[Exception]
) -> None:
    async with client_for(sim) as client:
        with pytest.raises(error):
            await jobs.export(calls(client, sim), to, format=format)
    assert sim.requests == []


async def test_functions_take_the_rows_of_each_page(sim: Simulator) -> None:
    plain: list[list[CallLog]] = []
    awaited: list[list[CallLog]] = []

    async def take(rows: list[CallLog]) -> None:
        await asyncio.sleep(0)
        awaited.append(rows)

    async with client_for(sim) as client:
        report = await jobs.export(calls(client, sim), plain.append)
        await jobs.export(calls(client, sim), take)
    assert report.rows == 1500
    for pages in (plain, awaited):
        assert [call.id for page in pages for call in page] == held(sim)
        assert max(map(len, pages)) == 100


async def test_what_a_function_raises_ends_the_export(sim: Simulator) -> None:
    def refuse(rows: Sequence[CallLog]) -> None:
        raise LookupError("no table")

    async with client_for(sim) as client:
        with pytest.raises(LookupError):
            await jobs.export(calls(client, sim), refuse)
    assert len(sim.requests) < 12


# -- going on ---------------------------------------------------------------------------------------


async def interrupted(
    client: AsyncConvoso, sim: Simulator, to: Path, *, after: int = 14, **more: Any
) -> None:
    """An export that the network ends after so many requests."""
    sim.fail("call_logs.retrieve", skip=after, times=50, drop="before")
    with pytest.raises(ConvosoConnectionError):
        await jobs.export(calls(client, sim, **more), to, resume=True)
    sim.clear()


@pytest.mark.parametrize("ending", ENDINGS)
async def test_an_interrupted_export_goes_on(sim: Simulator, tmp_path: Path, ending: str) -> None:
    to, whole = tmp_path / f"calls.{ending}", tmp_path / f"whole.{ending}"
    async with client_for(sim, max_retries=0) as client:
        full = await jobs.export(calls(client, sim), whole)
        sim.clear()
        await interrupted(client, sim, to)
        assert not to.exists()
        assert left_beside(to) >= {".part", ".checkpoint"}
        report = await jobs.export(calls(client, sim), to)
    assert contents(to) == contents(whole)
    assert 0 < report.resumed < report.rows == full.rows
    assert report.windows == full.windows
    assert len(sim.requests) < full.requests - 5
    assert report.requests < full.requests + 14
    assert names_in(tmp_path) == {to.name, whole.name}


async def test_an_open_range_ends_where_it_ended(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.csv"
    async with client_for(sim, max_retries=0) as client:
        await interrupted(client, sim, to, end_time=None)
        kept = json.loads(text_of(tmp_path / "calls.csv.checkpoint").splitlines()[0])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("convoso_async.search.datetime", Later)
            await jobs.export(calls(client, sim, end_time=None), to)
    ends = {request.params["end_time"] for request in sim.calls("call_logs.retrieve")}
    assert {datetime.fromisoformat(end) for end in ends} <= {
        datetime.fromisoformat(window["end"]) for window in kept["windows"]
    }
    assert ids(to) == held(sim)


class Later(datetime):
    """A clock that is two years on."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime(2028, 11, 1, tzinfo=tz)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": "AM"}, "filters was .* and is .*AM"),
        ({"end_time": datetime(2026, 3, 20)}, "filters was .* and is .*2026-03-20"),
        ({"format": "jsonl"}, 'format was "csv" and is "jsonl"'),
    ],
)
async def test_another_export_is_refused_with_the_difference(
    sim: Simulator, tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    to = tmp_path / "calls.csv"
    format = change.pop("format", None)
    async with client_for(sim, max_retries=0) as client:
        await interrupted(client, sim, to)
        before = (tmp_path / "calls.csv.part").read_bytes()
        with pytest.raises(jobs.JournalError, match=named):
            await jobs.export(calls(client, sim, **change), to, format=format)
        assert sim.requests == []
        assert (tmp_path / "calls.csv.part").read_bytes() == before
        report = await jobs.export(calls(client, sim, **change), to, format=format, resume=False)
    assert report.resumed == 0
    assert left_beside(to) == set()


async def test_another_account_is_refused_and_no_token_is_kept(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.csv"
    async with client_for(sim, max_retries=0) as client:
        await interrupted(client, sim, to)
    other = AsyncConvoso("another-token", base_url=sim.url, timezone=sim.account.zone)
    moved = AsyncConvoso(sim.token, base_url="http://127.0.0.1:9/v1", timezone=sim.account.zone)
    for client, named in ((other, "the token is another"), (moved, "base_url was http")):
        async with client:
            with pytest.raises(jobs.JournalError, match=named) as refused:
                await jobs.export(calls(client, sim), to)
        assert sim.token not in str(refused.value)
    assert sim.token not in text_of(tmp_path / "calls.csv.checkpoint")


def cut(lines: list[str]) -> str:
    return "\n".join(lines)[:-9]


@pytest.mark.parametrize(
    ("damage", "resumed"),
    [
        (cut, True),
        (
            lambda lines: "\n".join(
                [*lines, '{"windows": 9'],
            ),
            True,
        ),
        (lambda lines: "", False),
        (lambda lines: "nonsense\n", False),
        (lambda lines: lines[0] + "\n", False),
        (lambda lines: lines[0].replace('"export":1', '"export":99') + "\n" + lines[1] + "\n", False),
    ],
)
async def test_a_damaged_checkpoint_does_no_harm(
    sim: Simulator, tmp_path: Path, damage: Callable[[list[str]], str], resumed: bool
) -> None:
    to = tmp_path / "calls.csv"
    async with client_for(sim, max_retries=0) as client:
        await interrupted(client, sim, to, after=17)
        checkpoint = tmp_path / "calls.csv.checkpoint"
        lines = text_of(checkpoint).splitlines()
        assert len(lines) >= 3
        write(checkpoint, damage(lines))
        with (tmp_path / "calls.csv.part").open("ab") as file:
            file.write(b"half a r")
        await interrupted(client, sim, to, after=6)
        report = await jobs.export(calls(client, sim), to)
    assert ids(to) == held(sim)
    assert (report.resumed > 0) is resumed or not resumed


async def test_what_begins_anew_leaves_nothing_to_go_on_with(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.csv"
    beside: list[set[str]] = []
    async with client_for(sim, max_retries=0) as client:
        await interrupted(client, sim, to)
        sim.before_request = lambda *_: beside.append(left_beside(to))
        await jobs.export(calls(client, sim, status="AM"), to, resume=False)
    assert beside[0] == {".part"}


async def test_a_part_that_lacks_what_was_marked_counts_for_nothing(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.csv"
    async with client_for(sim, max_retries=0) as client:
        await interrupted(client, sim, to)
        os.truncate(tmp_path / "calls.csv.part", 100)
        report = await jobs.export(calls(client, sim), to)
    assert (ids(to), report.resumed) == (held(sim), 0)


async def test_a_second_export_to_the_same_place_is_refused(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.csv"
    async with client_for(sim) as client:

        async def second(rows: Sequence[CallLog]) -> None:
            with pytest.raises(jobs.JournalError, match="another process works on"):
                await jobs.export(calls(client, sim), to)
            refused.append(True)

        refused: list[bool] = []
        file = part_file.opened(tmp_path / "calls.csv.part")
        await second([])
        file.close()
        report = await jobs.export(calls(client, sim), to)
    assert refused
    assert report.complete


def test_a_part_that_was_renamed_before_it_was_locked_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = tmp_path / "calls.csv.part"
    part.write_bytes(b"complete")
    locked: list[Any] = []
    lock = part_file.lock

    def renamed_meanwhile(file: Any) -> None:
        if not locked:
            part.rename(tmp_path / "calls.csv")
        locked.append(file)
        lock(file)

    monkeypatch.setattr(part_file, "lock", renamed_meanwhile)
    part_file.opened(part).close()
    assert (tmp_path / "calls.csv").read_bytes() == b"complete"
    assert part.read_bytes() == b""
    assert len(locked) == 2


async def test_a_cancelled_export_goes_on(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.csv"
    sim.latency = 0.01
    async with client_for(sim) as client:
        task = asyncio.ensure_future(jobs.export(calls(client, sim), to))
        while not (tmp_path / "calls.csv.checkpoint").exists():  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        report = await jobs.export(calls(client, sim), to)
    assert report.resumed > 0
    assert ids(to) == held(sim)


async def test_nothing_is_left_of_an_export_that_is_cancelled_while_it_opens_its_file(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    lock = part_file.lock

    def slowly(file: Any) -> None:
        reached.set()
        go_on.wait(10)
        lock(file)

    monkeypatch.setattr(part_file, "lock", slowly)
    async with client_for(sim) as client:
        task = asyncio.ensure_future(jobs.export(calls(client, sim), tmp_path / "calls.csv"))
        await asyncio.to_thread(reached.wait, 10)
        task.cancel()
        asyncio.get_running_loop().call_later(0.01, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize("resume", [True, False])
async def test_nothing_is_left_of_an_export_with_nothing_to_go_on_with(
    sim: Simulator, tmp_path: Path, resume: bool
) -> None:
    sim.fail("call_logs.retrieve", skip=2 if resume else 14, times=50, drop="before")
    async with client_for(sim, max_retries=0) as client:
        with pytest.raises(ConvosoConnectionError):
            await jobs.export(calls(client, sim), tmp_path / "calls.csv", resume=resume)
    assert names_in(tmp_path) == set()


EXPORT = """
import asyncio, sys
import attrs, pyarrow.parquet
from convoso_async import AsyncConvoso, jobs
from convoso_async.resources.call_logs import RETRIEVE

async def main(url, token, to, start, end, cap):
    paging = attrs.evolve(RETRIEVE.paging, offset_max=int(cap), limit_max=100)
    small = attrs.evolve(RETRIEVE, paging=paging)
    async with AsyncConvoso(token, base_url=url) as client:
        await client.campaigns.search()
        pager = client.call_logs._pager(small, {"start_time": start, "end_time": end})
        print("ready", flush=True)
        report = await jobs.export(pager, to)
        print(report.resumed)

asyncio.run(main(*sys.argv[1:]))
"""


def begun(sim: Simulator, to: Path) -> "subprocess.Popen[str]":
    """A process that is about to export."""
    start, end = (f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (sim.account.start, sim.account.end))
    arguments = [sim.url, sim.token, str(to), start, end, str(CAP)]
    process = subprocess.Popen([sys.executable, "-c", EXPORT, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def killed(sim: Simulator, to: Path, requests: int, seconds: float) -> None:
    """An export that is killed so long after its n-th request, or when it is done."""
    with begun(sim, to) as process:
        left = itertools.count(requests - 1, -1)

        def reached(*_: object) -> None:
            if next(left) == 0:
                threading.Timer(seconds, process.kill).start()

        sim.before_request = reached
        process.wait(30)
        sim.before_request = None


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize(("ending", "share"), [("jsonl", 4), ("csv", 4), ("parquet", 2)])
def test_killed_at_any_moment_and_run_again_it_ends_with_the_same_file(
    tmp_path: Path, ending: str, share: int
) -> None:
    chance = random.Random(ending)
    to, whole = tmp_path / f"calls.{ending}", tmp_path / f"whole.{ending}"
    resumed: list[int] = []
    with Simulator(call_logs=3000, offset_cap=CAP) as sim:
        with begun(sim, whole) as process:
            told, _ = process.communicate()
        assert told == "0\n"
        requests = len(sim.calls("call_logs.retrieve"))
        for turn in range(40):
            if turn >= KILLS // share // 2 and any(resumed):
                break  # how far a run came before it was killed is chance: one must have gone on
            for part in (1, 4):
                if not to.exists():  # it may be killed when it is done
                    killed(sim, to, chance.randint(1, requests // part), chance.uniform(0.0, 0.02))
            if not to.exists():
                with begun(sim, to) as process:
                    resumed.append(int(process.communicate()[0]))
                assert left_beside(to) == {whole.name}
            assert contents(to) == contents(whole)
            to.unlink()
    assert any(resumed)


# -- bad places -------------------------------------------------------------------------------------


async def refused(sim: Simulator, to: Path, error: type[OSError]) -> str:
    """The one line of the error that an export to a bad place ends with."""
    async with client_for(sim) as client:
        with pytest.raises(error) as failed:
            await jobs.export(calls(client, sim), to, format="csv")
    assert "\n" not in str(failed.value)
    assert str(to) in str(failed.value)
    return str(failed.value)


async def test_a_directory_is_refused(sim: Simulator, tmp_path: Path) -> None:
    await refused(sim, tmp_path, IsADirectoryError)
    assert sim.requests == []
    assert left_beside(tmp_path) - {found.name for found in tmp_path.parent.iterdir()} == set()


async def test_a_device_is_refused(sim: Simulator) -> None:
    assert "no regular file" in await refused(sim, Path(os.devnull), OSError)
    assert sim.requests == []


async def test_a_missing_folder_is_refused(sim: Simulator, tmp_path: Path) -> None:
    await refused(sim, tmp_path / "missing" / "calls.csv", FileNotFoundError)
    assert sim.requests == []


async def test_a_folder_without_permission_is_refused(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chmod(tmp_path, 0o500)  # noqa: PTH101  # the other way counts as blocking
    if os.geteuid() == 0:  # whom no permission stops

        def no(path: Any, *rest: Any) -> int:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

        monkeypatch.setattr(part_file.os, "open", no)
    await refused(sim, tmp_path / "calls.csv", PermissionError)
    assert sim.requests == []
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize(("writes", "left"), [(0, set()), (3, set()), (12, {".part", ".checkpoint"})])
async def test_a_full_disk_is_told_in_one_line(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int, left: set[str]
) -> None:
    to = tmp_path / "calls.csv"
    write(to, "before")
    done: list[int] = []
    write_all = part_file.write_all

    def until_full(file: Any, data: Any) -> None:
        done.append(len(data))
        if len(done) > writes:
            file.write(data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_all(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(part_file, "write_all", until_full)
        assert "No space left" in await refused(sim, to, OSError)
    assert text_of(to) == "before"
    assert left_beside(to) == left
    async with client_for(sim) as client:
        report = await jobs.export(calls(client, sim), to)
    assert ids(to) == held(sim)
    assert (report.resumed > 0) == bool(left)


async def test_a_full_disk_while_parquet_is_settled_costs_no_request(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "calls.parquet"

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with client_for(sim) as client:
        with monkeypatch.context() as patch:
            patch.setattr("convoso_async.jobs.arrow.Parquet._settle", full)
            with pytest.raises(OSError, match="No space left"):
                await jobs.export(calls(client, sim), to)
        assert left_beside(to) == {".part", ".checkpoint"}
        sim.clear()
        report = await jobs.export(calls(client, sim), to)
    assert sim.requests == []
    assert (report.rows, report.resumed, ids(to)) == (1500, 1500, held(sim))
    assert left_beside(to) == set()


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_rename_that_fails_costs_no_request(sim: Simulator, tmp_path: Path, ending: str) -> None:
    to = tmp_path / f"calls.{ending}"
    sim.before_request = lambda *_: to.mkdir(exist_ok=True)  # in its way, as a file is that Windows has open
    async with client_for(sim) as client:
        with pytest.raises(IsADirectoryError):
            await jobs.export(calls(client, sim), to)
        assert left_beside(to) == {".part", ".checkpoint"}
        to.rmdir()
        sim.before_request = None
        sim.clear()
        report = await jobs.export(calls(client, sim), to)
    assert sim.requests == []
    assert (report.rows, report.resumed, ids(to)) == (1500, 1500, held(sim))
    assert left_beside(to) == set()


@pytest.mark.parametrize("empty", [False, True])
async def test_a_kill_right_after_the_rename_leaves_nothing_to_go_on_with(
    sim: Simulator, tmp_path: Path, empty: bool
) -> None:
    to, checkpoint = tmp_path / "calls.jsonl", tmp_path / "calls.jsonl.checkpoint"
    async with client_for(sim, max_retries=0) as client:
        await interrupted(client, sim, to)
        if empty:  # an account without a row, which has some when it is exported again
            head = text_of(checkpoint).splitlines()[0]
            mark = {"windows": len(json.loads(head)["windows"]), "rows": 0, "size": 0}
            write(checkpoint, f"{head}\n{json.dumps(mark)}\n")
        (tmp_path / "calls.jsonl.part").rename(to)
        report = await jobs.export(calls(client, sim), to)
    assert (ids(to), report.resumed) == (held(sim), 0)
    assert left_beside(to) == set()


async def test_a_full_stream_is_told(sim: Simulator) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has such a device")
    async with client_for(sim) as client:
        with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):  # noqa: ASYNC230, PTH123
            await jobs.export(calls(client, sim), full, format="jsonl")


# -- what stands in a cell --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "=cmd|' /C calc'!A0",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "＝1+1",
        "+A1",
        "-A1",
        "+1 212 555 0123 x5",
        "+1,2",
        "@handle",
        "- call back",
        "+12125550123=1",
    ],
)
def test_formulas_are_defused(text: str) -> None:
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        "+12125550123",
        "+1 (212) 555-0123",
        "+1-212-555-0123",
        "-12.50",
        "-5",
        "-",
        "2125550123",
        "(212) 555-0123",
        "Jane",
        "1=1",
        "a@example.org",
        " =1",
        "'quoted",
        "",
    ],
)
def test_numbers_and_other_text_are_left_alone(text: str) -> None:
    assert defused(text) == text


texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)


@given(st.lists(st.tuples(texts, texts), max_size=5))
@example([("\r", "\n"), ('"', ","), ("a\r", "\x00"), ("'=", "=")])
def test_any_text_comes_back_from_csv(pairs: list[tuple[str, str]]) -> None:
    rows = [Lead(first_name=first, notes=notes) for first, notes in pairs]
    form = formats.Csv(Lead)
    written = (form.head() + form.encode(rows)).decode()
    records = list(csv.DictReader(io.StringIO(written, newline="")))
    assert [(record["first_name"], record["notes"]) for record in records] == [
        (defused(first), defused(notes)) for first, notes in pairs
    ]
    for record in records:
        for cell in record.values():
            assert cell[:1] not in set("=@\t\r\n")


def test_a_row_of_every_kind_is_written_in_every_format() -> None:
    agent = MonitoredAgent(
        user_id="1",
        queue_assignment=datetime(2026, 11, 1, 1, 30, tzinfo=ZONE, fold=1),
        current_call={"number": "+12125550123"},
        extra={"big": 2**70, "=x": "=y"},
    )
    lead = Lead(id="7", date_of_birth=date(1980, 5, 1), called_count=2**70, extra={"job": "x"})
    for one in (agent, lead):
        line = json.loads(formats.JsonLines(type(one)).encode([one]))
        assert line == json.loads(columns.json_bytes(as_object(one)))
        records = list(
            csv.DictReader(
                io.StringIO(
                    (formats.Csv(type(one)).head() + formats.Csv(type(one)).encode([one])).decode(),
                    newline="",
                )
            )
        )
        assert json.loads(records[0]["extra"]) == one.extra
    table = Columns(Lead, ZONE).batch([lead])
    assert table.to_pylist()[0]["date_of_birth"] == date(1980, 5, 1)
    assert table.to_pylist()[0]["called_count"] is None
    assert json.loads(table.to_pylist()[0]["extra"]) == {"job": "x", "called_count": 2**70}
    assert lead.extra == {"job": "x"}
    batch = Columns(MonitoredAgent, ZONE).batch([agent]).to_pylist()[0]
    assert batch["queue_assignment"] == agent.queue_assignment
    assert batch["queue_assignment"].fold == 1
    assert json.loads(batch["current_call"]) == agent.current_call


@row
class Odd(Row):
    """Attributes of the rarer kinds."""

    words: list[str] = attrs.field(factory=list)
    flag: bool | None = None
    share: float | None = None
    recordings: list[CallRecording] = attrs.field(factory=list)


@row
class Bare(Row):
    """Nothing but `extra`."""


def test_rarer_kinds_have_their_columns() -> None:
    kinds = [(column.name, column.kind) for column in columns_of(Odd)]
    assert kinds == [
        ("words", "words"), ("flag", "flag"), ("share", "number"), ("recordings", "rows"), ("extra", "json")
    ]  # fmt: skip
    odd = Odd(
        words=["a", "b"], flag=False, share=0.5, recordings=[CallRecording(src="x", extra={"n": 2**70})]
    )
    cells = next(csv.reader([(formats.Csv(Odd)).encode([odd, Odd()]).decode().splitlines()[0]]))
    assert cells[:3] == ['["a","b"]', "false", "0.5"]
    assert json.loads(cells[3])[0]["extra"] == {"n": 2**70}
    batch = Columns(Odd, ZONE).batch([odd, Odd()]).to_pylist()
    assert (batch[0]["words"], batch[0]["flag"], batch[0]["share"]) == (["a", "b"], False, 0.5)
    assert json.loads(batch[0]["recordings"][0]["extra"]) == {"n": 2**70}
    assert batch[1] == {"words": [], "flag": None, "share": None, "recordings": [], "extra": None}
    assert formats.JsonLines(Bare).encode([Bare(extra={"a": 1})]) == b'{"extra":{"a":1}}\n'
    assert columns_of(Bare) == (Column("extra", "json"),)


def test_what_is_no_json_is_told() -> None:
    with pytest.raises(TypeError, match="object is no JSON"):
        columns.json_bytes(object())


class Nameless(tzinfo):
    """A zone that Arrow has no name for."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=-7, seconds=30)

    def dst(self, moment: datetime | None) -> None:
        return None

    def tzname(self, moment: datetime | None) -> str:
        return "Somewhere"


def test_a_zone_without_a_name_keeps_the_moments() -> None:
    moment = datetime(2026, 3, 1, 9, tzinfo=Nameless())
    batch = Columns(Lead, Nameless()).batch([Lead(created_at=moment)])
    assert batch.schema.field("created_at").type == pa.timestamp("us", tz="UTC")
    assert batch.to_pylist()[0]["created_at"] == moment


# -- some columns -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ENDINGS)
async def test_only_the_columns_that_were_named_in_their_order(
    sim: Simulator, tmp_path: Path, ending: str
) -> None:
    to = tmp_path / f"calls.{ending}"
    async with client_for(sim) as client:
        await jobs.export(calls(client, sim), to, columns=["status", "id"])
        rows = await calls(client, sim).collect()
    if ending == "parquet":
        records = parquet.read_table(to).to_pylist()
    elif ending == "csv":
        records = list(csv.DictReader(io.StringIO(text_of(to))))
    else:
        records = [json.loads(line) for line in text_of(to).splitlines()]
    assert {tuple(record) for record in records} == {("status", "id")}
    assert [(record["status"] or None, record["id"]) for record in records] == [
        (call.status, call.id) for call in rows
    ]


def test_keys_of_extra_can_be_columns() -> None:
    names = ["id", "extra.group", "extra.size"]
    leads = [
        Lead(id="1", extra={"group": "=1+1", "size": 2}),
        Lead(id="2", extra={"group": "A", "size": {"x": True}}),
        Lead(id="3"),
    ]
    written = formats.Csv(Lead, names)
    assert (written.head() + written.encode(leads)).decode().splitlines() == [
        "id,extra.group,extra.size", "1,'=1+1,2", '2,A,"{""x"":true}"', "3,,"
    ]  # fmt: skip
    assert json.loads(formats.JsonLines(Lead, names).encode(leads[:1])) == {
        "id": "1", "extra.group": "=1+1", "extra.size": 2
    }  # fmt: skip
    assert Columns(Lead, ZONE, names).batch(leads).to_pylist() == [
        {"id": "1", "extra.group": "=1+1", "extra.size": "2"},
        {"id": "2", "extra.group": "A", "extra.size": '{"x":true}'},
        {"id": "3", "extra.group": None, "extra.size": None},
    ]


async def test_an_interrupted_export_goes_on_only_with_its_columns(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.csv"
    async with client_for(sim) as client:
        sim.fail("call_logs.retrieve", skip=17, status=403)
        with pytest.raises(PermissionDeniedError):
            await jobs.export(calls(client, sim), to, columns=["id"], concurrency=1)
        with pytest.raises(jobs.JournalError):
            await jobs.export(calls(client, sim), to, concurrency=1)
        report = await jobs.export(calls(client, sim), to, columns=["id"], concurrency=1)
    assert report.resumed
    assert text_of(to).split() == ["id", *held(sim)]


@pytest.mark.parametrize(
    ("names", "kind", "words"),
    [
        (["id", "statos"], ValueError, "CallLog has no 'statos'; did you mean 'status'?"),
        (["zzz"], ValueError, "CallLog has no 'zzz'; it has id, "),
        (["id", "id"], ValueError, "each once"),
        ([], ValueError, "one attribute of CallLog or more"),
        ("id", TypeError, "a list of names, not one text"),
    ],
)
async def test_columns_that_cannot_be_are_refused_before_anything_is_sent(
    sim: Simulator, tmp_path: Path, names: Sequence[str], kind: type[Exception], words: str
) -> None:
    to = tmp_path / "calls.csv"
    async with client_for(sim) as client:
        with pytest.raises(kind, match=re.escape(words)):
            await jobs.export(calls(client, sim), to, columns=names)
        with pytest.raises(TypeError, match="columns are for files"):
            await jobs.export(calls(client, sim), print, columns=["id"])
    assert (sim.requests, names_in(tmp_path)) == ([], set())


def test_a_number_that_int64_cannot_hold_is_null_where_there_is_no_extra() -> None:
    lead = Lead(called_count=2**70)
    batch = Columns(Lead, ZONE, ["called_count", "id"]).batch([lead])
    assert batch.to_pylist() == [{"called_count": None, "id": None}]


# -- tables -----------------------------------------------------------------------------------------


async def test_a_pager_gives_a_table(sim: Simulator) -> None:
    async with client_for(sim) as client:
        table = await calls(client, sim).to_arrow()
        rows = await calls(client, sim).collect()
        none = await calls(client, sim, phone_number="2125550199").to_arrow()
    assert isinstance(table, pa.Table)
    assert table["id"].to_pylist() == [call.id for call in rows]
    assert table["call_date"].to_pylist() == [call.call_date for call in rows]
    assert none.num_rows == 0
    assert none.schema == table.schema


async def test_without_pyarrow_nothing_is_sent(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "convoso_async.jobs.arrow", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    async with client_for(sim) as client:
        with pytest.raises(ImportError, match=r"convoso\[arrow\]"):
            await calls(client, sim).to_arrow()
        with pytest.raises(ImportError, match=r"convoso\[arrow\]"):
            await jobs.export(calls(client, sim), io.BytesIO(), format="parquet")
    assert sim.requests == []
