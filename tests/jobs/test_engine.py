"""The engine: each item sent once, each accounted for, at the rate that the service allows."""

import asyncio
import gc
import importlib
import signal
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from convoso_async import (
    AsyncConvoso,
    AuthenticationError,
    ConfigurationError,
    ConvosoConnectionError,
    ConvosoError,
    DuplicateError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    RejectedError,
    ReplyError,
    ServerError,
    jobs,
)
from convoso_async.client import RESOURCES
from convoso_async.endpoint import UNSAFE, Endpoint
from convoso_async.jobs import BadRowError, JobItem, JobReport, JournalError, engine
from convoso_async.jobs.engine import carry_out, opened
from convoso_async.jobs.journal import Journal, entry_of
from convoso_async.jobs.progress import Meter
from convoso_async.jobs.work import Item, Work, client_of, endpoint_of, is_repeatable, items_of
from convoso_async.resources import leads

from .fake_time import run_in_fake_time


def rejected(kind: type[ConvosoError] = RateLimitError) -> ConvosoError:
    return kind("no", outcome="rejected")


class Service:
    """Does what a script says with each item, in its order, and notes what was asked of it."""

    def __init__(
        self, script: dict[Any, list[Exception | None]] | None = None, latency: float = 0.05
    ) -> None:
        self.script = script or {}
        self.latency = latency
        self.seen: list[Any] = []
        self.now: set[Any] = set()
        self.most = 0

    async def __call__(self, item: Any) -> str:
        self.seen.append(item)
        self.now.add(item)
        self.most = max(self.most, len(self.now))
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.now.discard(item)
        planned = self.script.get(item)
        error = planned.pop(0) if planned else None
        if error is not None:
            raise error
        return f"did {item}"


def run_job(service: Any, items: Any, **options: Any) -> JobReport:
    """A job in fake time."""
    return run_in_fake_time(lambda: jobs.run(service, items, **options))


# -- items ------------------------------------------------------------------------------------------


def test_each_item_is_done_once() -> None:
    service = Service()
    report = run_job(service, range(50))
    assert (report.total, report.done, report.ok, list(report)) == (50, 50, True, [])
    assert sorted(service.seen) == list(range(50))
    assert service.most <= 8


def test_a_mapping_becomes_keywords_and_anything_else_the_one_argument() -> None:
    seen: list[object] = []

    async def operation(*args: object, **keywords: object) -> None:
        seen.append((args, keywords))

    run_job(operation, [{"a": 1, "b": 2}, ("c", 3)])
    assert seen == [((), {"a": 1, "b": 2}), ((("c", 3),), {})]


def test_async_iterables_are_read_too_and_closed() -> None:
    closed = []

    async def items() -> AsyncIterator[int]:
        try:
            for number in range(20):
                await asyncio.sleep(0.01)
                yield number
        finally:
            closed.append(True)

    assert run_job(Service(), items()).done == 20
    assert closed


def test_items_are_read_as_they_are_needed() -> None:
    read = []
    service = Service()

    def items() -> Iterator[int]:
        for number in range(60):
            read.append(number)
            assert len(read) - len(service.seen) <= 4
            yield number

    assert run_job(service, items(), concurrency=4).ok


@pytest.mark.parametrize("concurrency", [0, -1, True, 2.0])
def test_the_concurrency_is_a_whole_number(concurrency: Any) -> None:
    with pytest.raises(ValueError, match="concurrency must be a whole number"):
        run_job(Service(), [1], concurrency=concurrency)


def test_an_operation_can_be_called() -> None:
    with pytest.raises(TypeError, match="operation must be an async callable, not int"):
        run_job(1, [1])


def test_what_the_iterable_raises_is_raised_once_all_under_way_has_ended() -> None:
    service = Service(latency=30.0)

    async def items() -> AsyncIterator[int]:
        for number in range(5):
            yield number
        await asyncio.sleep(10)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        run_job(service, items())
    assert (len(service.seen), service.now) == (5, set())


def test_memory_is_bounded_however_long_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FIRST_RATE", 1000.0)

    async def operation(text: str) -> str:
        return text

    def peak(count: int) -> int:
        gc.collect()
        tracemalloc.start()
        report = run_job(operation, (f"{number:0500}" for number in range(count)))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert report.done == count
        return top

    peak(100)
    assert peak(5_000) < peak(500) + 50_000


def test_what_failed_does_not_hold_on_to_the_frames_that_sent_it() -> None:
    refused, slip = rejected(DuplicateError), ZeroDivisionError("a slip of the operation's own")
    report = run_job(Service({1: [refused], 2: [slip]}), [1, 2])
    assert [item.error for item in report] == [refused, slip]
    assert refused.__traceback__ is None
    assert slip.__traceback__ is not None


# -- order ------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 6), st.randoms(use_true_random=False))
def test_items_with_the_same_key_go_one_after_the_other(
    keys: list[int], concurrency: int, random: Random
) -> None:
    ended: list[tuple[int, int]] = []
    now: set[int] = set()

    async def operation(item: tuple[int, int]) -> None:
        assert item[0] not in now
        now.add(item[0])
        await asyncio.sleep(random.random())
        now.discard(item[0])
        if random.random() < 0.2:
            raise rejected()
        ended.append(item)

    items = [(key, place) for place, key in enumerate(keys)]
    report = run_job(operation, items, key=lambda item: item[0], concurrency=concurrency)
    assert report.ok
    for key in range(4):
        assert [item for item in ended if item[0] == key] == [item for item in items if item[0] == key]


# -- outcomes ---------------------------------------------------------------------------------------


def test_a_throttled_item_goes_back_and_does_not_fail() -> None:
    service = Service({3: [rejected()] * 4, 5: [rejected()]})
    report = run_job(service, range(10))
    assert (report.done, report.ok) == (10, True)
    assert (service.seen.count(3), service.seen.count(5)) == (5, 2)


@pytest.mark.parametrize(
    ("error", "repeatable", "sent", "state"),
    [
        (DuplicateError("there", outcome="rejected"), True, 1, "failed"),
        (ServerError("503", outcome="unknown"), False, 1, "unknown"),
        (ServerError("503", outcome="unknown"), True, engine.TRIES, "unknown"),
        (OutcomeUnknownError("?", outcome="unknown"), False, 1, "unknown"),
        (RateLimitError("429", outcome="unknown"), False, 1, "unknown"),
        (ReplyError("cut", outcome="applied"), False, 1, "done"),
        (TypeError("what I did before, nobody knows"), False, 1, "unknown"),
        (TypeError("but it may be repeated"), True, 1, "failed"),
    ],
)
def test_what_becomes_of_an_item(error: Exception, repeatable: bool, sent: int, state: str) -> None:
    service = Service({1: [error] * 50})
    report = run_job(service, range(3), repeatable=repeatable)
    assert service.seen.count(1) == sent
    assert (report.done, getattr(report, state)) == ((3, 3) if state == "done" else (2, 1))
    assert [(item.position, item.row, item.state, item.error) for item in report] == (
        [] if state == "done" else [(1, 1, state, error)]
    )
    assert report.ok is (state == "done")


def test_an_item_that_was_not_sent_goes_back_until_it_is() -> None:
    refused = ConvosoConnectionError("refused", outcome="not_sent")
    service = Service({1: [refused] * (engine.PATIENCE - 1)})
    report = run_job(service, range(3), concurrency=1)
    assert (report.ok, service.seen.count(1)) == (True, engine.PATIENCE)


def test_errors_can_mean_that_there_was_nothing_to_do() -> None:
    service = Service({1: [DuplicateError("there", outcome="rejected")]})
    work = Work(operation=service, skips=(DuplicateError,))

    async def main() -> JobReport:
        return await carry_out(
            work, items_of(range(3), None), journal=None, options={}, concurrency=2, progress=None
        )

    report = run_in_fake_time(main)
    assert (report.done, report.skipped, report.ok, list(report)) == (2, 1, True, [])


def test_the_report_lists_in_the_order_of_the_input() -> None:
    late = {number: [RejectedError("no", outcome="rejected")] for number in range(0, 30, 3)}
    service = Service(late)

    async def operation(item: int) -> None:
        await asyncio.sleep((7 * item) % 11)
        await service(item)

    report = run_job(operation, range(30))
    assert [item.row for item in report] == list(range(0, 30, 3))


# -- stopping ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("wrong token", outcome="rejected"),
        PermissionDeniedError("not for you", outcome="rejected"),
        ConfigurationError("closed"),
    ],
)
def test_what_every_item_would_meet_stops_the_job(error: ConvosoError) -> None:
    service = Service({10: [error]})
    report = run_job(service, range(1000), concurrency=4)
    assert report.stopped == str(error)
    assert (report.failed, report.unknown, report.ok, list(report)) == (0, 0, False, [])
    assert report.total == report.done + report.left
    assert report.left >= 1
    assert len(service.seen) < 30


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (ConvosoConnectionError("refused", outcome="not_sent"), False),
        (OutcomeUnknownError("reset", outcome="unknown"), True),
    ],
)
def test_a_service_that_is_out_of_order_stops_the_job(error: ConvosoError, unknown: bool) -> None:
    service = Service({number: [error] * 99 for number in range(5, 1000)})
    report = run_job(service, range(1000), concurrency=4)
    assert report.stopped == f"the service is out of order: {error}"
    assert report.done == 5
    # Whoever was in the middle of a call then may still add to it.
    assert report.unknown in (range(engine.PATIENCE, engine.PATIENCE + 4) if unknown else (0,))
    assert report.total == report.done + report.unknown + report.left


def test_a_repeatable_item_of_a_stopped_job_may_have_been_applied() -> None:
    error = ServerError("503", outcome="unknown")
    service = Service({number: [error] * 99 for number in range(1000)})
    report = run_job(service, range(1000), concurrency=1, repeatable=True)
    assert report.unknown == engine.PATIENCE // engine.TRIES
    assert (report.failed, report.left) == (0, 0)


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110  # nobody sets an event for it
        await asyncio.sleep(0.001)


async def stopped_by(signals: int, monkeypatch: pytest.MonkeyPatch) -> tuple[JobReport, Service]:
    """A job that is interrupted, in real time: a signal is no matter of the loop's clock."""
    monkeypatch.setattr(engine, "FIRST_RATE", 1000.0)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    service = Service(latency=0.1 if signals == 1 else 3600.0)
    job = asyncio.create_task(jobs.run(service, range(1000), concurrency=4))
    await until(lambda: len(service.now) == 4)
    for _ in range(signals):
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0.01)
    report = await job
    assert signal.signal(signal.SIGINT, before) == signal.default_int_handler
    return report, service


async def test_the_first_interrupt_lets_what_is_under_way_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    report, service = await stopped_by(1, monkeypatch)
    assert (report.interrupted, report.ok) == (True, False)
    assert report.done == len(service.seen) == 4
    assert report.total == report.done + report.left


def test_a_stop_meets_items_that_wait_for_one_with_their_key() -> None:
    async def operation(item: str) -> None:
        await asyncio.sleep(1 if item == "one" else 0.5)
        if item == "other":
            raise AuthenticationError("wrong token", outcome="rejected")

    report = run_job(operation, ["one", "one", "one", "other"], key=str, concurrency=4)
    assert (report.stopped, report.done, report.left) == ("wrong token", 1, 3)


async def test_the_second_interrupt_cancels_it(monkeypatch: pytest.MonkeyPatch) -> None:
    report, service = await stopped_by(2, monkeypatch)
    assert (report.interrupted, report.done, report.unknown) == (True, 0, 4)
    assert sorted(item.row for item in report) == sorted(service.seen)  # type: ignore[type-var]
    assert {str(item.error) for item in report} == {"the job ended while it was under way"}


async def test_an_interrupt_is_for_all_jobs_that_run() -> None:
    services = [Service(latency=0.1), Service(latency=0.1)]
    both = asyncio.gather(*(jobs.run(service, range(1000), concurrency=2) for service in services))
    await until(lambda: all(service.now for service in services))
    signal.raise_signal(signal.SIGINT)
    assert [report.interrupted for report in await both] == [True, True]


async def test_whoever_ignores_interrupts_goes_on_ignoring_them() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        job = asyncio.create_task(jobs.run(Service(latency=0.05), range(2)))
        await asyncio.sleep(0.01)
        signal.raise_signal(signal.SIGINT)
        assert (await job).ok
    finally:
        signal.signal(signal.SIGINT, before)


async def test_a_job_can_run_in_another_thread() -> None:
    report = await asyncio.to_thread(lambda: asyncio.run(jobs.run(Service(latency=0.0), range(2))))
    assert report.ok


async def test_cancelling_the_job_cancels_what_is_under_way() -> None:
    service = Service(latency=3600.0)
    job = asyncio.create_task(jobs.run(service, range(10), concurrency=2))
    await until(lambda: service.now)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert service.now == set()


def test_an_operation_that_cancels_itself_is_no_end_of_the_input() -> None:
    async def operation(item: int) -> None:
        raise asyncio.CancelledError

    report = run_job(operation, range(10), concurrency=2)
    assert (report.unknown, report.ok, report.stopped) == (2, False, "the operation cancelled its own task")


# -- what an operation is ---------------------------------------------------------------------------


def every_method() -> Iterator[tuple[str, str]]:
    for name, class_name in RESOURCES.items():
        resource = getattr(importlib.import_module(f"convoso_async.resources.{name}"), class_name)
        for method, function in vars(resource).items():
            if not method.startswith("_") and asyncio.iscoroutinefunction(function):
                yield name, method


@pytest.mark.parametrize(("resource", "method"), list(every_method()))
def test_every_method_knows_its_call(resource: str, method: str) -> None:
    client = AsyncConvoso("t")
    operation = getattr(getattr(client, resource), method)
    for asked in (operation, partial(operation, a=1), partial(partial(operation))):
        endpoint = endpoint_of(asked)
        assert isinstance(endpoint, Endpoint)
        assert endpoint.id == f"{resource}.{method}"
        assert client_of(asked) is client
    assert is_repeatable(endpoint) is (endpoint.retry is not UNSAFE)


def test_a_resource_of_ones_own_makes_the_same_calls() -> None:
    class MyLeads(leads.Leads):
        async def import_one(self) -> None: ...

    mine = MyLeads(AsyncConvoso("t"))
    assert endpoint_of(mine.insert) is leads.INSERT
    assert endpoint_of(mine.import_one) is None


def test_any_other_callable_is_no_call_of_ours() -> None:
    client = AsyncConvoso("t")

    async def operation() -> None: ...

    assert (endpoint_of(operation), client_of(operation)) == (None, None)
    assert (endpoint_of(client.request), client_of(client.request)) == (None, client)


@pytest.mark.parametrize("items", [[7], {"lead_id": 7}, "7"])
async def test_an_item_of_a_call_is_a_mapping(items: Any) -> None:
    async with AsyncConvoso("token", base_url="http://127.0.0.1:9") as client:
        (item,) = await jobs.run(client.leads.update, items)
    kind = "int" if isinstance(items, list) else "str"
    told = f"an item of leads.update is a mapping of its parameters, not {kind}"
    assert (item.state, str(item.error)) == ("failed", told)


async def test_a_wrong_parameter_fails_without_being_sent() -> None:
    async with AsyncConvoso("t", base_url="http://127.0.0.1:1") as client:
        report = await jobs.run(client.leads.insert, [{"phone": "2125550123"}])
    (item,) = report
    assert (item.state, type(item.error)) == ("failed", TypeError)


def test_only_the_package_decides_what_may_be_repeated() -> None:
    error = ServerError("503", outcome="unknown")
    service = Service({1: [error] * 9})
    assert run_job(service, [1]).unknown == 1
    assert service.seen == [1]


# -- the rate ---------------------------------------------------------------------------------------


class Limited:
    """A service with a limit that nobody tells of: a bucket that fills evenly."""

    def __init__(self, limit: float, random: Random) -> None:
        self.limit = limit
        self.random = random
        self.left = self.size = max(1.0, limit)
        self.since = 0.0
        self.log: list[tuple[float, bool]] = []

    async def __call__(self, item: object) -> None:
        now = asyncio.get_running_loop().time()
        self.left = min(self.size, self.left + (now - self.since) * self.limit)
        self.since = now
        good = self.left >= 1
        self.left -= good
        self.log.append((now, good))
        await asyncio.sleep(0.05 * self.random.uniform(0.5, 1.5))
        if not good:
            raise rejected()

    def share(self, since: float, until: float, limit: float) -> tuple[float, float]:
        """What share of the limit was used, and what share of the requests was throttled."""
        window = [good for at, good in self.log if since <= at < until]
        good = sum(window)
        return good / (until - since) / limit, 1 - good / len(window)


@pytest.mark.parametrize(("limit", "concurrency"), [(3, 8), (7, 8), (20, 8), (60, 8), (200, 32)])
def test_the_rate_settles_below_a_hidden_limit_and_follows_it(limit: int, concurrency: int) -> None:
    service = Limited(limit, Random(limit))
    minutes = 120.0

    async def main() -> tuple[float, JobReport]:
        clock = asyncio.get_running_loop().time
        begun = clock()

        def items() -> Iterator[int]:
            while clock() < begun + 2 * minutes:
                service.limit = limit if clock() < begun + minutes else 2 * limit
                yield 1

        return begun, await jobs.run(service, items(), concurrency=concurrency)

    begun, report = run_in_fake_time(main)
    assert report.ok
    for since, until, allowed in ((60, 120, limit), (180, 240, 2 * limit)):
        used, throttled = service.share(begun + since, begun + until, allowed)
        assert 0.7 <= used <= 1.02  # what the bucket held before counts too
        assert throttled < 0.05


def test_a_rate_that_was_not_used_does_not_grow() -> None:
    service = Service(latency=10.0)
    job: list[engine.Engine] = []
    original = engine.Engine.run

    async def watched(self: engine.Engine) -> JobReport:
        job.append(self)
        return await original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.Engine, "run", watched)
        run_job(service, range(200), concurrency=2)
    assert job[0]._rate.per_second < 1.1 * engine.FIRST_RATE


async def test_the_engine_heeds_what_the_client_gets_over_by_itself(
    convoso_simulator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real run: the client retries a 429 by itself, and the engine learns of it all the same."""
    sim = convoso_simulator
    sim.rate_limit, sim.rate_burst = 30.0, 3.0
    monkeypatch.setattr(engine, "FIRST_RATE", 26.0)
    target = sim.account.ids("lists")[0]
    rows = ({"list_id": target, "phone_number": f"2125550{number:03}"} for number in range(110))
    async with AsyncConvoso(sim.token, base_url=sim.url) as client:
        report = await jobs.run(client.leads.insert, rows)
    calls = sim.calls("leads.insert")
    throttled = sum(call.status == 429 for call in calls)
    assert (report.done, report.ok, sum(call.applied for call in calls)) == (110, True, 110)
    assert 0 < throttled < 0.05 * len(calls)


# -- progress ---------------------------------------------------------------------------------------


def test_progress_tells_numbers_that_mean_something() -> None:
    told: list[jobs.Progress] = []
    service = Service({5: [RejectedError("no", outcome="rejected")]})
    report = run_job(service, range(100), progress=told.append)
    last = told[-1]
    assert report.total == 100
    assert (last.done, last.failed, last.ended, last.total, last.finished) == (99, 1, 100, 100, True)
    assert [one.finished for one in told].count(True) == 1
    seconds = [one.seconds for one in told]
    assert all(later - earlier >= 0.099 for earlier, later in pairwise(seconds[:-1]))
    middle = told[len(told) // 2]
    assert middle.remaining == pytest.approx((100 - middle.ended) / middle.per_second)


def test_progress_that_raises_does_not_break_the_job(caplog: pytest.LogCaptureFixture) -> None:
    def broken(progress: jobs.Progress) -> None:
        raise RuntimeError("2125550123")

    assert run_job(Service(), range(3), progress=broken).ok
    assert {record.getMessage() for record in caplog.records} == {"progress raised RuntimeError"}


# -- steps ------------------------------------------------------------------------------------------


async def given(*items: Item) -> AsyncGenerator[Item, None]:
    for item in items:
        yield item


async def test_what_is_needless_is_not_sent_and_each_end_is_told(tmp_path: Path) -> None:
    service = Service({2: [RejectedError("no", outcome="rejected")]}, latency=0)
    ends: list[tuple[object, str]] = []
    work = Work(
        operation=service,
        repeatable=True,
        skips=(DuplicateError,),
        ended=lambda item, state: ends.append((item.row, state)),
    )
    bad = BadRowError((jobs.Problem(None, "bad"),))

    async def once() -> JobReport:
        ends.clear()
        items = given(Item(row=1), Item(row=2), Item(row=3, needless=True), Item(row=4, refusal=bad))
        return await carry_out(
            work, items, journal=tmp_path / "journal", options={}, concurrency=1, progress=None
        )

    report = await once()
    assert (report.done, report.failed, report.skipped) == (1, 2, 1)
    assert ends == [(1, "done"), (2, "failed"), (3, "skipped"), (4, "failed")]
    assert service.seen == [1, 2]
    again = await once()
    assert (again.earlier, ends) == (4, [(1, "done"), (2, "failed"), (3, "skipped"), (4, "failed")])
    assert service.seen == [1, 2]


async def test_what_was_sent_and_is_needless_now_was_done(tmp_path: Path) -> None:
    book = await Journal.open(tmp_path / "journal", Work(operation=Service()).fingerprint({}))
    await book.sent(entry_of(0, None, 7))
    await book.close()
    work = Work(operation=Service(), repeatable=True)
    report = await carry_out(
        work,
        given(Item(row=7, needless=True)),
        journal=tmp_path / "journal",
        options={},
        concurrency=1,
        progress=None,
    )
    assert (report.done, report.skipped, report.ok) == (1, 0, True)


async def test_steps_share_a_report_and_a_journal(tmp_path: Path) -> None:
    async def both(second: tuple[int, ...]) -> JobReport:
        work = Work(operation=Service(latency=0), repeatable=True)
        meter = Meter(None, asyncio.get_running_loop().time)
        async with opened(tmp_path / "journal", work.fingerprint({})) as book:
            report = JobReport()
            for rows, last in (((1, 2), False), (second, True)):
                items = given(*(Item(row=row) for row in rows))
                await engine.Engine(work, items, book, 2, meter, report, last=last).run()
        return report

    assert ((await both((3, 4))).total, (await both((3, 4))).earlier) == (4, 4)
    with pytest.raises(JournalError, match="it ends after 3 items, and the journal has 4"):
        await both((3,))


def test_a_look_at_the_account_corrects_the_report() -> None:
    error = ConvosoError("?", outcome="unknown")
    first, second = (
        JobItem(position=place, line=None, row=place, state="unknown", error=error) for place in (4, 1)
    )
    report = JobReport(total=3)
    report.count("done")
    report.count("done")
    report.count("unknown", first)
    report.settle([("unknown", 4, "done"), ("done", second, "unknown")])
    assert (report.done, report.unknown, list(report), report.ok) == (2, 1, [second], False)
    report.settle([])
    assert list(report) == [second]
