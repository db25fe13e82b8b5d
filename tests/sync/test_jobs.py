"""Jobs without `await`: on real sockets and real files, with Ctrl-C as people press it."""

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from convoso_async import AsyncConvoso, jobs as async_jobs
from convoso_async.jobs import engine
from convoso_async.simulator import Simulator
from convoso_sync import Convoso, PermissionDeniedError, jobs
from convoso_sync._runtime import run, running

from .programs import simulator, start

posix = pytest.mark.skipif(os.name == "nt", reason="no signals as POSIX knows them")
PHONES = [f"2125550{number}" for number in range(100, 140)]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FIRST_RATE", 1_000.0)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with simulator(profile="observed") as started:
        yield started


@pytest.fixture
def client(sim: Simulator) -> Iterator[Convoso]:
    with Convoso(sim.token, base_url=sim.url, timezone=sim.account.zone) as opened:
        yield opened


@pytest.fixture
def list_id(sim: Simulator) -> str:
    return sim.account.ids("lists")[0]


class Threads:
    """Notes the threads in which it is called."""

    def __init__(self) -> None:
        self.seen: list[threading.Thread] = []

    def note(self) -> None:
        self.seen.append(threading.current_thread())

    def are_off_the_loop(self) -> bool:
        here = {running().thread, threading.current_thread()}
        return bool(self.seen) and not here & set(self.seen)


class Watch(Threads):
    """A `progress`."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[jobs.Progress] = []

    def __call__(self, progress: jobs.Progress, /) -> None:
        self.note()
        self.told.append(progress)


# -- import and run ---------------------------------------------------------------------------------


def test_a_csv_file_is_imported(sim: Simulator, client: Convoso, list_id: str, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("Phone,first_name\n" + "".join(f"{phone},Jane\n" for phone in PHONES) + "=cmd(),Joe\n")
    watch = Watch()
    report = jobs.import_leads(
        client,
        file,
        list_id=list_id,
        columns={"Phone": "phone_number"},
        journal=tmp_path / "leads.journal",
        progress=watch,
    )
    assert (report.total, report.done, report.failed, report.ok) == (41, 40, 1, False)
    assert [(item.line, type(item.error)) for item in report] == [(42, jobs.BadRowError)]
    assert sorted(call.params["phone_number"] for call in sim.calls("leads.insert")) == PHONES
    assert watch.are_off_the_loop()
    assert (watch.told[-1].finished, watch.told[-1].done) == (True, 40)


async def test_a_journal_goes_on_in_either_package(
    sim: Simulator, client: Convoso, list_id: str, tmp_path: Path
) -> None:
    rows = [{"phone_number": phone} for phone in PHONES]
    journal = tmp_path / "leads.journal"
    first = jobs.import_leads(client, iter(rows), list_id=list_id, journal=journal)
    async with AsyncConvoso(sim.token, base_url=sim.url) as other:
        second = await async_jobs.import_leads(other, rows, list_id=list_id, journal=journal)
    assert (first.done, second.done, second.earlier) == (40, 40, 40)
    assert len(sim.calls("leads.insert")) == 40


def test_changes_from_a_generator(sim: Simulator, client: Convoso, tmp_path: Path) -> None:
    threads = Threads()
    ids = sim.account.lead_ids()

    def changes() -> Iterator[dict[str, str]]:
        with sqlite3.connect(":memory:") as leads:  # belongs to one thread
            leads.execute("create table lead (id text)")
            leads.executemany("insert into lead values (?)", [(lead,) for lead in ids])
            for (lead,) in leads.execute("select id from lead"):
                threads.note()
                yield {"lead_id": lead, "first_name": "June"}
        leads.close()

    sim.fail("leads.update", drop="after")
    report = jobs.run(client.leads.update, changes(), journal=tmp_path / "changes.journal")
    assert report.ok, list(report)  # so the call was known as one that may be repeated
    assert report.done == len(ids)
    assert {sim.account.lead(lead)["first_name"] for lead in ids} == {"June"}
    assert threads.are_off_the_loop()


def test_a_function_of_ones_own(client: Convoso, sim: Simulator) -> None:
    threads, seen = Threads(), list[tuple[str, str]]()

    def rename(to: str, lead_id: str) -> None:
        threads.note()
        client.leads.update(lead_id=lead_id, first_name=to)
        seen.append((lead_id, to))

    def lead_of(item: dict[str, str]) -> str:
        threads.note()
        return item["lead_id"]

    ids = sim.account.lead_ids()[:3]
    items = [{"lead_id": lead, "to": name} for name in ("Ann", "Bea", "Cleo", "Dora") for lead in ids]
    report = jobs.run(rename, items, key=lead_of, repeatable=True)
    assert report.ok
    for lead in ids:
        assert [to for own, to in seen if own == lead] == ["Ann", "Bea", "Cleo", "Dora"]
    assert threads.are_off_the_loop()


def test_fixed_parameters(client: Convoso, sim: Simulator) -> None:
    ids = sim.account.lead_ids()
    report = jobs.run(partial(client.leads.update, first_name="June"), ({"lead_id": lead} for lead in ids))
    assert report.ok
    assert {sim.account.lead(lead)["first_name"] for lead in ids} == {"June"}


def test_what_the_input_raises_is_raised(client: Convoso) -> None:
    def changes() -> Iterator[dict[str, str]]:
        yield {"lead_id": "1"}
        raise SystemExit("no more")

    with pytest.raises(SystemExit, match="no more"):
        jobs.run(client.leads.update, changes())
    assert len(client.leads.search(limit=3)) == 3


# -- export -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_file_holds_every_row(client: Convoso, sim: Simulator, tmp_path: Path, ending: str) -> None:
    to, watch = tmp_path / f"calls.{ending}", Watch()
    report = jobs.export(client.call_logs.retrieve_all(page_size=7), to, progress=watch)
    assert (report.rows, report.path, report.complete) == (60, to, True)
    assert watch.are_off_the_loop()
    assert watch.told[-1].done == 60
    if ending == "jsonl":
        ids = [json.loads(line)["id"] for line in to.read_text("utf-8").splitlines()]
        assert ids == sim.account.call_log_ids()
    if ending == "csv":
        with to.open(encoding="utf-8", newline="") as file:
            assert [row["id"] for row in csv.DictReader(file)] == sim.account.call_log_ids()


def test_a_function_takes_the_rows(client: Convoso, sim: Simulator) -> None:
    threads, ids = Threads(), list[str | None]()

    def take(rows: list[Any]) -> None:
        threads.note()
        ids.extend(row.id for row in rows)

    report = jobs.export(client.call_logs.retrieve_all(page_size=7), take)
    assert ids == sim.account.call_log_ids()
    assert report.path is None
    assert threads.are_off_the_loop()


class Noted(io.BytesIO, Threads):
    """A file object."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = []

    def write(self, data: Any) -> int:
        self.note()
        return super().write(data)


def test_a_file_object_takes_the_rows(client: Convoso) -> None:
    to = Noted()
    jobs.export(client.call_logs.retrieve_all(), to, format="jsonl")
    assert len(to.getvalue().splitlines()) == 60
    assert to.are_off_the_loop()


def test_an_export_that_failed_goes_on(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.jsonl"
    sim.fail("call_logs.retrieve", skip=3, status=403)
    with Convoso(sim.token, base_url=sim.url, max_retries=0) as client:
        with pytest.raises(PermissionDeniedError):
            jobs.export(client.call_logs.retrieve_all(page_size=7), to)
        assert not to.exists()
        assert jobs.export(client.call_logs.retrieve_all(page_size=7), to).rows == 60


# -- recordings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pager", "page", "generator"])
def test_recordings_are_fetched(client: Convoso, tmp_path: Path, kind: str) -> None:
    given: dict[str, Callable[[], Any]] = {
        "pager": lambda: client.call_logs.retrieve_all(include_recordings=True),
        "page": lambda: client.call_logs.retrieve(include_recordings=True, limit=60),
        "generator": lambda: (row for row in client.call_logs.retrieve_all(include_recordings=True)),
    }
    watch = Watch()
    report = jobs.download_recordings(client, given[kind](), tmp_path, interval=0.0, progress=watch)
    assert report.downloaded > 0
    assert report.failed == report.refused == 0
    assert len(list(tmp_path.iterdir())) == report.downloaded + 1  # and the manifest
    assert watch.told[-1].finished
    assert watch.are_off_the_loop()


# -- lists kept equal -------------------------------------------------------------------------------


def numbers_on(client: Convoso, campaign_id: int) -> set[str | None]:
    """The numbers on DNC in a scope."""
    entries = client.dnc.search_all(campaign_id=campaign_id)
    return {row.phone_number for row in entries if row.campaign_id == str(campaign_id)}


def test_dnc_holds_the_numbers_that_it_should(client: Convoso, sim: Simulator) -> None:
    threads, watch = Threads(), Watch()
    before = numbers_on(client, 0)

    def phones() -> Iterator[str | int]:
        for phone in PHONES:
            threads.note()
            yield phone

    added = jobs.sync_dnc(client, phones(), progress=watch)
    assert added.ok, list(added)
    assert numbers_on(client, 0) == before | set(PHONES)
    assert threads.are_off_the_loop()
    assert watch.told[-1].finished
    assert watch.are_off_the_loop()
    again = jobs.sync_dnc(client, PHONES)
    assert (again.ok, again.done) == (True, 0)
    mirrored = jobs.sync_dnc(client, PHONES, mode="mirror", max_delete_fraction=1.0)
    assert mirrored.ok, list(mirrored)
    assert numbers_on(client, 0) == set(PHONES)


def test_opt_outs_are_added_from_another_list(client: Convoso, sim: Simulator) -> None:
    report = jobs.sync_sms_opt_out(client, client.dnc.search_all(campaign_id=0), dry_run=True)
    assert report.total == len(list(client.dnc.search_all(campaign_id=0)))
    assert sim.calls("sms_opt_out.insert") == []


# -- what is refused --------------------------------------------------------------------------------


def test_what_is_async_is_refused_and_nothing_is_sent(
    client: Convoso, sim: Simulator, tmp_path: Path
) -> None:
    ours: Any = AsyncConvoso(sim.token, base_url=sim.url)

    async def rows() -> Any:
        yield {"phone_number": "2125550123"}

    async def take(given: Any) -> None:
        """Takes what it gets."""

    refused: list[Callable[[], object]] = [
        lambda: jobs.run(ours.leads.update, []),
        lambda: jobs.run(client.leads.update, rows()),  # type: ignore[arg-type]
        lambda: jobs.run(client.leads.update, [{}], key=take),
        lambda: jobs.run(client.leads.update, [{}], progress=take),
        lambda: jobs.import_leads(ours, [], list_id=1),
        lambda: jobs.import_leads(client, rows(), list_id=1),
        lambda: jobs.export(ours.call_logs.retrieve_all(), tmp_path / "calls.csv"),
        lambda: jobs.export(client.call_logs.retrieve_all(), take),
        lambda: jobs.download_recordings(ours, [], tmp_path),
    ]
    for call in refused:
        with pytest.raises(TypeError, match=r"plain|of convoso_sync"):
            call()
    assert sim.requests == []
    assert list(tmp_path.iterdir()) == []


def test_a_job_in_our_own_loop_is_an_error(client: Convoso) -> None:
    async def call() -> None:
        jobs.run(client.leads.update, [{"lead_id": "1"}])

    with pytest.raises(RuntimeError, match="would wait for itself"):
        run(call())


# -- Ctrl-C -----------------------------------------------------------------------------------------


def wait_for(condition: Callable[[], object]) -> None:
    """Waits until something is so, 10 seconds at most."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


UPDATES = """
from convoso_sync import jobs
from convoso_async.jobs import engine
engine.FIRST_RATE = 1_000.0
client = connect()
ids = [lead.id for lead in client.leads.search()]
say("ready")
input()
"""


@contextmanager
def ready(program: "subprocess.Popen[str]") -> Iterator[None]:
    """Lets a program that says that it is ready go on when this ends."""
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    yield
    program.stdin.write("\n")
    program.stdin.flush()


REPORT = """
say(report.interrupted, report.done, report.failed, report.unknown, report.total - report.left)
say(len(client.leads.search(limit=3)))
say(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
OPERATIONS = {
    "a call of ours": "client.leads.update",
    "a function": "lambda **change: client.leads.update(**change)",
}


@posix
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_the_first_ctrl_c_lets_what_is_under_way_finish(sim: Simulator, operation: str) -> None:
    program = start(
        UPDATES
        + f"""
changes = ({{"lead_id": lead, "first_name": "June"}} for _ in range(1000) for lead in ids)
report = jobs.run({operation}, changes, concurrency=4)
"""
        + REPORT,
        sim.url,
    )
    with ready(program):
        sim.latency = 1.0
    wait_for(lambda: len(sim.calls("leads.update")) >= 4)
    program.send_signal(signal.SIGINT)
    said, complained = program.communicate(timeout=20)
    sent = len(sim.calls("leads.update"))
    assert (complained, program.returncode) == ("", 0)
    assert said.splitlines() == [f"True {sent} 0 0 {sent}", "3", "True"]
    assert sent == 4


@posix
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_the_second_ctrl_c_cancels_it(sim: Simulator, operation: str) -> None:
    program = start(
        UPDATES
        + f"""
changes = ({{"lead_id": lead, "first_name": "June"}} for _ in range(1000) for lead in ids)
report = jobs.run({operation}, changes, concurrency=4)
say("over")
input()
"""
        + REPORT,
        sim.url,
    )
    with ready(program):
        sim.fail("leads.update", delay=3, times=4)
    wait_for(lambda: len(sim.calls("leads.update")) == 4)
    program.send_signal(signal.SIGINT)
    time.sleep(0.3)
    begun = time.monotonic()
    program.send_signal(signal.SIGINT)
    assert program.stdout is not None
    assert program.stdout.readline() == "over\n"
    assert time.monotonic() - begun < 1
    said, complained = program.communicate("\n", timeout=20)
    assert (complained, program.returncode) == ("", 0)
    assert said.splitlines() == ["True 0 0 4 4", "3", "True"]


@posix
def test_an_interrupted_import_goes_on(sim: Simulator, list_id: str, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("phone_number\n" + "".join(f"{phone}\n" for phone in PHONES))
    source = f"""
from convoso_sync import jobs
from convoso_async.jobs import engine
engine.FIRST_RATE = 1_000.0
client = connect()
report = jobs.import_leads(
    client, {str(file)!r}, list_id={list_id!r}, journal={str(tmp_path / "leads.journal")!r}
)
say(report.done, report.unknown, report.interrupted)
"""
    sim.latency = 1.0
    program = start(source, sim.url)
    wait_for(lambda: len(sim.calls("leads.insert")) >= 3)
    program.send_signal(signal.SIGINT)
    said, complained = program.communicate(timeout=20)
    done = len(sim.calls("leads.insert"))
    assert (said, complained) == (f"{done} 0 True\n", "")
    sim.latency = 0
    assert start(source, sim.url).communicate(timeout=30) == ("40 0 False\n", "")
    assert sorted(call.params["phone_number"] for call in sim.calls("leads.insert")) == PHONES


@posix
def test_ctrl_c_ends_an_export_which_goes_on_later(sim: Simulator, tmp_path: Path) -> None:
    to = tmp_path / "calls.jsonl"
    program = start(
        f"""
        from convoso_sync import jobs
        client = connect()
        pager = client.call_logs.retrieve_all(page_size=7)
        say("ready")
        input()
        try:
            jobs.export(pager, {str(to)!r})
        except KeyboardInterrupt:
            say("interrupted")
        input()
        say(jobs.export(pager, {str(to)!r}).rows)
        """,
        sim.url,
    )
    with ready(program):
        sim.latency = 60
    wait_for(lambda: sim.requests)
    program.send_signal(signal.SIGINT)
    assert program.stdout is not None
    assert program.stdout.readline() == "interrupted\n"
    sim.latency = 0
    assert not to.exists()
    assert program.communicate("\n", timeout=20) == ("60\n", "")


@posix
def test_ctrl_c_that_kills_still_kills(sim: Simulator, tmp_path: Path) -> None:
    program = start(
        f"""
        from convoso_sync import jobs
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        jobs.export(connect().call_logs.retrieve_all(), {str(tmp_path / "calls.csv")!r})
        """,
        sim.url,
    )
    sim.latency = 60
    wait_for(lambda: sim.requests)
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=20) == ("", "")
    assert program.returncode == -signal.SIGINT


@posix
@pytest.mark.parametrize("main", ["over.wait()", "say(jobs.run(client.leads.update, changes).interrupted)"])
def test_ctrl_c_is_for_the_jobs_that_the_main_thread_waits_for(sim: Simulator, main: str) -> None:
    program = start(
        UPDATES
        + f"""
over = threading.Event()
changes = [{{"lead_id": lead, "first_name": "June"}} for lead in ids]

def work():
    say("ok", jobs.run(client.leads.update, changes, concurrency=2).ok)
    over.set()

threading.Thread(target=work).start()
try:
    {main}
except KeyboardInterrupt:
    say(True)
""",
        sim.url,
    )
    with ready(program):
        sim.latency = 0.2
    wait_for(lambda: len(sim.calls("leads.update")) > 4)
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=20) == ("True\nok True\n", "")
