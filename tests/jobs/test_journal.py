"""The journal: what was sent is on disk before it is sent, and a job goes on where it was broken off."""

import asyncio
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from contextlib import closing, suppress
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from convoso_async import (
    AsyncConvoso,
    AuthenticationError,
    ConvosoError,
    DuplicateError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    jobs,
)
from convoso_async.jobs import JobReport, JournalError, engine, journal, report as reports
from convoso_async.jobs.journal import connect

TOKEN = "secret-token-of-the-account"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FIRST_RATE", 1_000.0)
    monkeypatch.setattr(engine, "backoff", lambda error, attempt, chance: 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.journal"


class Service:
    """Notes what arrives, and answers by a script."""

    def __init__(self, script: dict[Any, Exception] | None = None) -> None:
        self.script = script or {}
        self.seen: Counter[Any] = Counter()

    async def add(self, item: Any) -> dict[str, str]:
        self.seen[item] += 1
        await asyncio.sleep(0)
        if item in self.script:
            raise self.script[item]
        return {"lead_id": f"L{item}"}


def states(path: Path) -> dict[int, str]:
    """What a journal says of each item, read by other means."""
    with closing(sqlite3.connect(path)) as base:
        return dict(base.execute("SELECT position, state FROM item"))


# -- going on ---------------------------------------------------------------------------------------


async def test_a_finished_job_is_not_done_again(path: Path) -> None:
    service = Service({3: DuplicateError("there", outcome="rejected", code=6009)})
    first = await jobs.run(service.add, range(10), journal=path)
    again = await jobs.run(service.add, range(10), journal=path)
    assert (first.done, first.failed, first.earlier) == (9, 1, 0)
    assert (again.done, again.failed, again.earlier) == (9, 1, 10)
    assert set(service.seen.values()) == {1}
    for report in (first, again):
        (item,) = report
        assert (item.position, item.row, item.state) == (3, 3, "failed")
        assert isinstance(item.error, DuplicateError)
        assert (item.error.code, item.error.outcome, str(item.error)) == (6009, "rejected", "there")


async def test_errors_that_are_not_ours_keep_their_words(path: Path) -> None:
    service = Service({1: KeyError("phone"), 2: ValueError("bad")})
    first = await jobs.run(service.add, range(3), journal=path, repeatable=True)
    again = await jobs.run(service.add, range(3), journal=path, repeatable=True)
    assert [str(item.error) for item in first] == ["'phone'", "bad"]
    assert [str(item.error) for item in again] == ["KeyError: 'phone'", "ValueError: bad"]
    assert {type(item.error) for item in again} == {ConvosoError}


async def test_a_stopped_job_goes_on_where_it_was(path: Path) -> None:
    service = Service({5: AuthenticationError("wrong token", outcome="rejected")})
    first = await jobs.run(service.add, range(20), journal=path, concurrency=2)
    assert first.stopped == "wrong token"
    assert "failed" not in states(path).values()
    service.script.clear()
    second = await jobs.run(service.add, range(20), journal=path, concurrency=2)
    assert (second.done, second.ok, second.earlier) == (20, True, first.done)
    assert {item for item, count in service.seen.items() if count > 1} <= {5, 6}


async def left_under_way(path: Path, operation: Any, rows: Any, **options: Any) -> None:
    """A journal of a job that was cut off with two items under way."""
    started: list[object] = []

    async def hang(*args: object, **keywords: object) -> None:
        started.append(args)
        await asyncio.sleep(3600)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.Engine, "_call", lambda self, item: hang(item))
        job = asyncio.create_task(jobs.run(operation, rows, journal=path, concurrency=2, **options))
        while len(started) < 2:  # noqa: ASYNC110  # nobody sets an event for it
            await asyncio.sleep(0.001)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
    assert Counter(states(path).values()) == {"sent": 2}


async def test_what_was_under_way_is_unknown_and_never_sent_again(path: Path) -> None:
    service = Service()
    await left_under_way(path, service.add, range(6))
    for earlier in (0, 6):
        report = await jobs.run(service.add, range(6), journal=path)
        assert (report.done, report.unknown, report.earlier) == (4, 2, earlier)
        assert [(item.row, item.state) for item in report] == [(0, "unknown"), (1, "unknown")]
        assert {str(item.error) for item in report} == {"the job ended while it was under way"}
    assert set(service.seen) == {2, 3, 4, 5}


async def test_what_was_under_way_is_sent_again_where_it_may_be(path: Path) -> None:
    service = Service()
    await left_under_way(path, service.add, range(6), repeatable=True)
    report = await jobs.run(service.add, range(6), journal=path, repeatable=True)
    assert (report.done, report.ok) == (6, True)
    assert set(service.seen.values()) == {1}


async def test_an_opt_out_that_was_under_way_is_on_the_list(path: Path, convoso_simulator: Any) -> None:
    """The service says that it is there already: that is what the first run did, or it is there anyway."""
    sim = convoso_simulator
    rows = [{"phone_number": "2125550101", "phone_code": "1", "campaign_id": 0}] * 2
    rows[1] = {**rows[1], "phone_number": "2125550102"}
    async with AsyncConvoso(sim.token, base_url=sim.url) as client:
        await left_under_way(path, client.dnc.insert, rows)
        sim.call("dnc.insert", **rows[0])
        report = await jobs.run(client.dnc.insert, rows, journal=path)
    assert (report.done, report.ok) == (2, True)


async def test_numbers_through_faults_are_all_on_the_list(path: Path, convoso_simulator: Any) -> None:
    sim = convoso_simulator
    for fault in ({"drop": "after"}, {"drop": "before"}, {"status": 500, "apply": True}, {"status": 429}):
        sim.fail("dnc.insert", times=3, skip=7, **fault)
    sim.fail("dnc.insert", times=4, skip=20, html=True, apply=True)
    phones = [f"2125550{number:03}" for number in range(250)]
    rows = ({"phone_number": phone, "phone_code": "1", "campaign_id": 0} for phone in phones)
    async with AsyncConvoso(sim.token, base_url=sim.url) as client:
        report = await jobs.run(client.dnc.insert, rows, journal=path)
    assert (report.done, report.ok, list(report)) == (250, True, [])
    assert Counter(call.params["phone_number"] for call in sim.calls("dnc.insert")).keys() == set(phones)
    held = Counter(row["phone_number"] for row in sim.account.dnc if row["phone_number"] in set(phones))
    assert (held.keys(), set(held.values())) == (set(phones), {1})


async def test_an_item_in_doubt_that_was_not_sent_again_is_unknown(path: Path) -> None:
    service = Service()
    await left_under_way(path, service.add, range(6), repeatable=True)
    service.script = {0: AuthenticationError("wrong token", outcome="rejected")}
    report = await jobs.run(service.add, range(6), journal=path, repeatable=True, concurrency=2)
    assert report.stopped == "wrong token"
    assert [item.row for item in report if item.state == "unknown"][:1] == [0]
    service.script = {}
    assert (await jobs.run(service.add, range(6), journal=path, repeatable=True)).ok


async def test_an_item_in_doubt_stays_sent_while_it_is_throttled(path: Path) -> None:
    service = Service({0: RateLimitError("429", outcome="rejected")})
    await left_under_way(path, service.add, [0, 1], repeatable=True)
    job = asyncio.create_task(jobs.run(service.add, [0, 1], journal=path, repeatable=True))
    while service.seen[0] < 3:  # noqa: ASYNC110  # nobody sets an event for it
        await asyncio.sleep(0.001)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert states(path)[0] == "sent"


async def test_an_unknown_item_is_sent_again_where_it_may_be(path: Path) -> None:
    service = Service({1: ServerError("503", outcome="unknown")})
    first = await jobs.run(service.add, range(3), journal=path, repeatable=True)
    assert (first.unknown, states(path)[1]) == (1, "unknown")
    service.script.clear()
    assert (await jobs.run(service.add, range(3), journal=path, repeatable=True)).ok


async def test_a_throttled_item_is_new_again(path: Path) -> None:
    service = Service({1: RateLimitError("429", outcome="rejected")})
    job = asyncio.create_task(jobs.run(service.add, [0, 1], journal=path))
    while service.seen[1] < 3:  # noqa: ASYNC110  # nobody sets an event for it
        await asyncio.sleep(0.001)
    service.script.clear()
    assert (await job).ok


async def test_more_unsuccessful_items_than_a_report_holds_are_in_the_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "KEPT", 3)
    service = Service({number: OutcomeUnknownError("?", outcome="unknown") for number in range(0, 12, 2)})
    report = await jobs.run(service.add, range(12), journal=path)
    assert (report.unknown, len(report._kept)) == (6, 3)
    assert [(item.row, item.state, type(item.error)) for item in report] == [
        (number, "unknown", OutcomeUnknownError) for number in range(0, 12, 2)
    ]


# -- another job ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([0, 1, 9, 3], "the input has changed since: item 2 is not what it was"),
        ([1, 0, 2, 3], "the input has changed since: item 0 is not what it was"),
        ([0, 1], "the input has changed since: it ends after 2 items, and the journal has 4"),
    ],
)
async def test_another_input_is_refused(path: Path, rows: list[int], told: str) -> None:
    service = Service()
    await jobs.run(service.add, range(4), journal=path)
    with pytest.raises(JournalError, match=told):
        await jobs.run(service.add, rows, journal=path)
    assert set(service.seen.values()) == {1}


async def test_another_operation_is_refused(path: Path) -> None:
    await jobs.run(Service().add, range(4), journal=path)

    async def another(item: int) -> None:
        raise AssertionError

    with pytest.raises(JournalError, match=r"operation was .*Service\.add and is .*another"):
        await jobs.run(another, range(4), journal=path)


@pytest.mark.parametrize(
    ("token", "url", "told"),
    [
        ("another-token", "http://127.0.0.1:1", "the token is another"),
        (TOKEN, "http://127.0.0.1:2", "base_url was http://127.0.0.1:1 and is http://127.0.0.1:2"),
    ],
)
async def test_another_account_is_refused(path: Path, token: str, url: str, told: str) -> None:
    async with AsyncConvoso(TOKEN, base_url="http://127.0.0.1:1") as client:
        await jobs.run(client.leads.insert, [], journal=path)
    async with AsyncConvoso(token, base_url=url) as client:
        with pytest.raises(JournalError) as caught:
            await jobs.run(client.leads.insert, [], journal=path)
    assert str(caught.value) == f"{path} belongs to another job: {told}"


async def test_the_token_is_in_no_file(path: Path, convoso_simulator: Any) -> None:
    sim = convoso_simulator
    async with AsyncConvoso(sim.token, base_url=sim.url) as client:
        insert = partial(client.leads.insert, blueinkdigital_token="planted-secret")
        await jobs.run(insert, [{"list_id": "1", "phone_number": "2125550123"}], journal=path)
    kept = contents(path) or b""
    assert (b"2125550123" in kept, b"planted-secret" in kept, sim.token.encode() in kept) == (
        True,
        False,
        False,
    )


def test_what_is_committed_is_on_disk(path: Path) -> None:
    with closing(connect(path)) as base:
        modes = [base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert modes == ["wal", 2]


@pytest.mark.skipif(os.name == "nt", reason="no modes there")
async def test_only_the_owner_can_read_it(path: Path) -> None:
    before = os.umask(0)
    modes = []

    async def look(item: int) -> None:
        modes.extend(stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir())

    try:
        await jobs.run(look, [1], journal=path)
        jobs.write_results(path, path.with_suffix(".jsonl"))
    finally:
        os.umask(before)
    modes += [stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()]
    assert (len(modes) >= 4, set(modes)) == (True, {0o600})


SECOND = """
import asyncio, sys
from convoso_async import jobs
async def add(item): ...
try:
    asyncio.run(jobs.run(add, range(3), journal=sys.argv[1]))
except jobs.JournalError as error:
    print(error)
"""


async def test_a_second_process_is_refused(path: Path) -> None:
    said = []

    async def meanwhile(item: int) -> None:
        command = [sys.executable, "-c", SECOND, str(path)]
        said.append((await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)).stdout)
        with pytest.raises(JournalError, match="another process works with this journal"):
            await jobs.run(meanwhile, range(3), journal=path)

    assert (await jobs.run(meanwhile, [1], journal=path)).ok
    assert said == [f"{path}: another process works with this journal\n"]


# -- files that are no journals ---------------------------------------------------------------------


def contents(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def text_file(path: Path) -> None:
    path.write_text("phone_number\n2125550123\n" * 100)


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE mine (x)")


def later_version(path: Path) -> None:
    with closing(connect(path)) as base:
        base.execute("PRAGMA user_version=99")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (text_file, "{} is no journal"),
        (other_database, "{} is a database, but no journal"),
        (later_version, "{} was written by a later version of this package"),
        (Path.mkdir, "{}: the journal cannot be written: it is a directory"),
        (
            lambda path: path.parent.rmdir(),
            "{}: the journal cannot be written: No such file or directory",
        ),
    ],
)
async def test_a_file_that_is_no_journal_is_left_alone(path: Path, make: Any, told: str) -> None:
    make(path)
    before = contents(path)
    service = Service()
    with pytest.raises(JournalError) as caught:
        await jobs.run(service.add, range(3), journal=path)
    assert (str(caught.value), caught.value.outcome) == (told.format(path), "not_sent")
    assert (service.seen, contents(path)) == (Counter(), before)


def test_a_journal_that_was_cut_off_is_told_of_and_nothing_is_sent(path: Path) -> None:
    assert asyncio.run(jobs.run(Service().add, range(200), journal=path)).ok
    whole = contents(path)
    assert whole is not None
    service = Service()
    for place in range(512, len(whole), 4096):
        path.write_bytes(whole[:place])
        with pytest.raises(JournalError, match=r"is damaged|the input has changed") as caught:
            asyncio.run(jobs.run(service.add, range(200), journal=path))
        assert caught.value.outcome == "not_sent"
    assert service.seen == Counter()


def test_an_empty_file_becomes_a_journal(path: Path) -> None:
    path.touch()
    assert asyncio.run(jobs.run(Service().add, range(3), journal=path)).ok


async def test_a_full_disk_stops_the_job_before_anything_more_is_sent(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small(path: Path) -> sqlite3.Connection:
        base = connect(path)
        base.execute("PRAGMA max_page_count=8")
        return base

    monkeypatch.setattr(journal, "connect", small)
    service = Service()
    with pytest.raises(JournalError) as caught:
        await jobs.run(service.add, (f"{number:01000}" for number in range(1000)), journal=path)
    assert str(caught.value) == f"{path}: the journal cannot be written: database or disk is full"
    monkeypatch.undo()
    known = states(path)
    assert {f"{place:01000}" for place in known} == set(service.seen)
    assert sum(state == "sent" for state in known.values()) <= 8


async def test_a_journal_keeps_what_json_can_hold(path: Path) -> None:
    class Foreign: ...

    rows = [{"a": date(2026, 3, 1), "b": Decimal("1.5"), "c": "\ud800", "fields": {"d": {"z"}}}]

    async def take(**row: object) -> None: ...

    assert (await jobs.run(take, rows, journal=path)).ok
    for operation, item in ((take, Foreign()), (partial(take, a=Foreign()), 1)):
        with pytest.raises(TypeError, match="a journal cannot keep a Foreign"):
            await jobs.run(operation, [item], journal=path.with_suffix(".2"))


async def test_a_journal_that_breaks_leaves_nobody_waiting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr(journal, "_known", broken)
    monkeypatch.setattr(journal, "_begin", lambda *args: 7)
    with pytest.raises(JournalError, match="the journal cannot be written: by chance"):
        await jobs.run(Service().add, [1], journal=path)


# -- JSON lines -------------------------------------------------------------------------------------


async def test_results_and_dead_letters_can_be_put_in_again(path: Path, tmp_path: Path) -> None:
    service = Service({3: DuplicateError("there", outcome="rejected", code=6009)})
    report = await jobs.run(service.add, range(5), journal=path)
    results, dead, same = tmp_path / "results", tmp_path / "dead", tmp_path / "same"
    assert jobs.write_results(path, results) == 4
    assert jobs.write_dead_letters(path, dead) == jobs.write_dead_letters(report, same) == 1
    assert dead.read_text() == same.read_text()
    assert json.loads(results.read_text().splitlines()[0]) == {
        "position": 0,
        "line": None,
        "row": 0,
        "result": {"lead_id": "L0"},
    }
    assert json.loads(dead.read_text()) == {
        "position": 3,
        "line": None,
        "row": 3,
        "state": "failed",
        "error": {
            "class": "DuplicateError",
            "message": "there",
            "attempts": 0,
            "outcome": "rejected",
            "code": 6009,
        },
    }


def test_dead_letters_take_no_place_but_that_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for place in (Path(os.devnull), tmp_path / "folder"):
        with pytest.raises(OSError, match="no regular file"):
            jobs.write_dead_letters(jobs.JobReport(), place)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


async def test_the_rows_of_dead_letters_are_what_was_given(path: Path, tmp_path: Path) -> None:
    async def refuse(**row: object) -> None:
        raise DuplicateError("there", outcome="rejected")

    rows = [{"phone_number": "2125550123", "city": "Zürich"}, {"phone_number": "2125550124"}]
    jobs.write_dead_letters(await jobs.run(refuse, rows), tmp_path / "dead")
    assert list(jobs.read_rows(tmp_path / "dead")) == rows


def test_there_is_nothing_to_read_where_there_is_no_journal(path: Path) -> None:
    with pytest.raises(JournalError, match="there is no such journal"):
        jobs.write_results(path, path.with_suffix(".out"))
    assert list(path.parent.iterdir()) == []


# -- killed at any moment ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30 * int(os.environ.get("HARD", "1"))))
def test_a_journal_as_it_was_at_any_moment_leads_to_the_same_end(seed: int, tmp_path: Path) -> None:
    """A kill leaves the files as they are: here they are copied in the middle of a job, and it goes on from
    the copy, again and again, until it comes to its end.
    """
    random = Random(seed)
    repeatable, concurrency = random.random() < 0.5, random.randint(1, 5)
    rows = [random.randint(0, 5) for _ in range(random.randint(0, 25))]
    service = Service()
    script: dict[tuple[int, int], ConvosoError] = {}
    for place, value in enumerate(rows):
        if value == 0:
            script[place, value] = DuplicateError("there", outcome="rejected")
        elif value == 1 and not repeatable:
            script[place, value] = OutcomeUnknownError("?", outcome="unknown")
    service.script = script
    home = tmp_path

    async def life(number: int, kill: bool) -> JobReport | None:
        copy = home / f"{number + 1}"
        moments = random.randint(1, 60)

        async def operation(item: list[int]) -> object:
            place = item[0]
            for _ in range(random.randint(0, 3)):
                await asyncio.sleep(0)
            return await service.add((place, rows[place]))

        items = ([place, value] for place, value in enumerate(rows))
        job = asyncio.create_task(
            jobs.run(
                operation,
                items,
                journal=home / f"{number}",
                repeatable=repeatable,
                concurrency=concurrency,
            )
        )
        for _ in range(moments):
            if job.done():
                return job.result()
            await asyncio.sleep(random.choice((0, 0, 0.001)))
        if not kill:
            return await job
        log = home / f"{number}-wal"
        open_before = log.exists()
        with suppress(FileNotFoundError):
            for suffix in ("", "-wal"):
                shutil.copy(home / f"{number}{suffix}", f"{copy}{suffix}")
        if open_before and not log.exists():  # it came to its end while it was copied
            return await job
        job.cancel()
        await asyncio.wait([job])
        return None

    report = None
    number = 0
    while report is None:
        report = asyncio.run(life(number, kill=number < 6))
        number += 1
    assert report.total == len(rows)
    assert report.left == 0
    listed = {item.position for item in report if item.state == "unknown"}
    expected_failed = sum(value == 0 for value in rows)
    assert report.failed <= expected_failed
    if repeatable:
        assert (report.unknown, report.done) == (0, len(rows) - expected_failed)
        assert {place for place, _ in service.seen} == set(range(len(rows)))
    else:
        assert all(count == 1 for count in service.seen.values())
        assert report.unknown <= number * concurrency + sum(value == 1 for value in rows)
        assert set(range(len(rows))) - {place for place, _ in service.seen} <= listed
