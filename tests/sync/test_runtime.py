"""The way to the background loop and back, within one process."""

import asyncio
import contextvars
import gc
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from convoso_async import NotFoundError
from convoso_async.events import Event
from convoso_async.simulator import Simulator
from convoso_sync import ConfigurationError, Convoso, _runtime
from convoso_sync._runtime import run, running

from .programs import simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with simulator() as started:
        yield started


@pytest.fixture
def client(sim: Simulator) -> Iterator[Convoso]:
    with connect(sim) as opened:
        yield opened


def connect(sim: Simulator, **settings: object) -> Convoso:
    return Convoso(sim.token, base_url=sim.url, **settings)  # type: ignore[arg-type]


# -- threads and loops ------------------------------------------------------------------------------


def test_threads_share_a_client(sim: Simulator, client: Convoso) -> None:
    def read(number: int) -> int:
        return len(client.leads.search(limit=1 + number % 5)) + len(client.call_logs.retrieve_all().collect())

    with ThreadPoolExecutor(32) as threads:
        assert list(threads.map(read, range(96))) == [61 + number % 5 for number in range(96)]
    assert sum(thread.name == "convoso-sync" for thread in threading.enumerate()) == 1


def test_threads_share_a_prefetch(client: Convoso, sim: Simulator) -> None:
    seen: list[str | None] = []
    with client.call_logs.retrieve_all(page_size=5).prefetch(3) as rows, ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(lambda: seen.extend(row.id for row in rows)) for _ in range(4)]:
            done.result()
    assert sorted(map(str, seen)) == sim.account.call_log_ids()


async def test_calls_work_in_a_running_loop(client: Convoso) -> None:
    assert asyncio.get_running_loop().is_running()
    assert len(client.leads.search(limit=3)) == 3
    assert len(list(client.call_logs.retrieve_all())) == 60
    assert len(await asyncio.to_thread(client.leads.search, limit=3)) == 3


def test_a_call_in_our_own_loop_is_an_error(client: Convoso) -> None:
    async def call() -> None:
        client.leads.search()

    with pytest.raises(RuntimeError, match="would wait for itself"):
        run(call())
    gc.collect()  # a coroutine that nobody awaited would warn now
    assert len(client.leads.search(limit=2)) == 2


def test_a_call_has_the_callers_context(client: Convoso) -> None:
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("the caller's")

    async def read() -> str:
        return variable.get()

    assert run(read()) == "the caller's"


def test_locks_are_used_again(client: Convoso) -> None:
    client.leads.search()
    before = list(_runtime._locks)
    assert before
    for _ in range(5):
        client.leads.search()
    assert _runtime._locks == before


def test_what_a_fork_leaves_to_the_parent_is_not_closed(client: Convoso) -> None:
    client.leads.search()
    inner = client._async
    closer = inner._closer
    assert closer is not None
    assert closer.alive
    left = inner.leave()
    assert not closer.alive
    assert inner._transport is None
    inner._transport = left  # type: ignore[assignment]  # no fork took place


def test_what_is_about_to_close_at_the_end_is_closed() -> None:
    home, closed = _runtime.Background(), threading.Event()

    async def close() -> None:
        await asyncio.sleep(0.1)
        closed.set()

    home.soon(lambda: home._keep(close()))
    home.end()
    assert closed.is_set()
    assert not home.thread.is_alive()
    assert home.loop.is_closed()


# -- errors -----------------------------------------------------------------------------------------


def test_a_traceback_shows_the_callers_line(client: Convoso) -> None:
    with pytest.raises(NotFoundError) as failed:
        client.leads.delete(lead_id=1)  # this very line
    shown = traceback.extract_tb(failed.value.__traceback__)
    assert shown[0].line == "client.leads.delete(lead_id=1)  # this very line"
    assert [frame.name for frame in shown[:3]] == [
        "test_a_traceback_shows_the_callers_line",
        "delete",
        "run",
    ]
    assert "_carry" not in [frame.name for frame in shown]


class GoneError(Exception):
    pass


def test_a_failed_call_leaves_nothing_to_the_garbage_collector() -> None:
    async def fail() -> None:
        raise GoneError

    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            with suppress(GoneError):
                run(fail())
        kept = (GoneError, _runtime.Call)
        assert [one for one in gc.get_objects() if isinstance(one, kept)] == []
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_any_exception_comes_across_and_the_loop_goes_on(kind: type[BaseException]) -> None:
    async def end() -> None:
        await asyncio.sleep(0)
        raise kind

    async def answer() -> int:
        return 42

    with pytest.raises(kind):
        run(end())
    assert run(answer()) == 42


@pytest.mark.parametrize("begun", ["not at all", "when the loop has looked around", "as a task"])
def test_a_call_that_is_cancelled_before_its_first_step_ends(begun: str) -> None:
    async def never() -> None:
        raise AssertionError("it began")

    lock = threading.Lock()
    lock.acquire()
    call = _runtime.Call(never(), lock, running())

    def both() -> None:
        if begun == "as a task":
            call._task = asyncio.get_running_loop().create_task(call._carry())
        elif begun != "not at all":
            running().watched = False
            call.start()
        call.cancel()

    running().soon(both)
    assert lock.acquire(timeout=5)
    assert call.done
    run(asyncio.sleep(0.01))
    assert call.error is None  # nobody took it up again
    gc.collect()


def test_a_bad_token_is_in_no_frame() -> None:
    with pytest.raises(ConfigurationError) as failed:
        Convoso("planted-secret\n")
    trace = failed.value.__traceback__
    assert trace is not None
    frames = [frame for frame, _ in traceback.walk_tb(trace) if "convoso_" in frame.f_code.co_filename]
    assert len(frames) >= 2
    for frame in frames:
        shown = {name: repr(value) for name, value in frame.f_locals.items()}
        assert "planted-secret" not in str(shown)
    assert repr(frames[0].f_locals["self"]) == "<Convoso without settings>"


def test_a_call_with_no_stack_left_raises_that_error() -> None:
    async def answer() -> int:
        return 42

    def at_depth(frames: int) -> int:
        return at_depth(frames - 1) if frames else run(answer())

    raised = set()
    run(answer())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nor is there the stack to close a coroutine
        for frames in range(sys.getrecursionlimit() - 150, sys.getrecursionlimit()):
            try:
                assert at_depth(frames) == 42
            except Exception as error:
                raised.add(type(error))
        gc.collect()
    assert raised == {RecursionError}
    assert run(answer()) == 42


# -- pages ------------------------------------------------------------------------------------------


def count_after(sim: Simulator, seconds: float) -> int:
    time.sleep(seconds)
    return len(sim.requests)


def test_one_page_is_looked_ahead(sim: Simulator, client: Convoso) -> None:
    pages = client.call_logs.retrieve_all(page_size=10).pages()
    next(pages)
    assert count_after(sim, 0.3) == 2
    next(pages)
    assert count_after(sim, 0.3) == 3


def test_an_early_break_stops_at_once(sim: Simulator, client: Convoso) -> None:
    sim.fail("call_logs.retrieve", skip=1, times=99, delay=20)
    pager = client.call_logs.retrieve_all(page_size=2)
    for _ in pager:
        break
    assert (pager.report.rows, pager.report.complete) == (2, False)
    sim.fail("users.search", skip=1, times=99, delay=20)
    with client.users.search_all(page_size=2).prefetch(4) as rows:
        for _ in rows:
            break
    at_the_break = len(sim.requests)
    assert count_after(sim, 0.3) <= at_the_break + 1
    assert asyncio.all_tasks(running().loop) == set()


def test_a_break_in_the_last_page_is_no_complete_read(sim: Simulator, client: Convoso) -> None:
    pager = client.call_logs.retrieve_all(page_size=100)
    for _ in pager:
        count_after(sim, 0.2)
        break
    assert not pager.report.complete


def test_a_page_that_fails_ahead_fails_no_one_who_does_not_want_it(
    sim: Simulator, client: Convoso, caplog: pytest.LogCaptureFixture
) -> None:
    sim.fail("call_logs.retrieve", skip=1, status=403)
    for _ in client.call_logs.retrieve_all(page_size=10):
        count_after(sim, 0.2)
        break
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def test_the_rows_stop_where_they_were_asked_to(sim: Simulator, client: Convoso) -> None:
    assert len(list(client.call_logs.retrieve_all(page_size=10, max_rows=10))) == 10
    assert count_after(sim, 0.2) == 1


# -- what callers hand in ---------------------------------------------------------------------------


def test_events_are_told_in_one_other_thread(sim: Simulator) -> None:
    names: set[str] = set()

    def note(event: Event) -> None:
        names.add(threading.current_thread().name)

    with connect(sim, on_event=note) as client, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: client.leads.search(limit=1), range(8)))
    assert names == {"convoso-events_0"}


def test_a_slow_on_event_was_told_all_when_the_call_returns(sim: Simulator) -> None:
    events: list[str] = []

    def note(event: Event) -> None:
        time.sleep(0.05)
        events.append(type(event).__name__)

    expected = ["AttemptStarted", "AttemptEnded", "CallEnded"]
    with connect(sim, on_event=note) as client:
        client.leads.search()
        assert events == expected
        with pytest.raises(NotFoundError):
            client.leads.delete(lead_id=1)
        assert events == expected * 2


def test_a_slow_on_event_holds_up_no_other_client(sim: Simulator) -> None:
    busy, free = threading.Event(), threading.Event()

    def wait(event: Event) -> None:
        busy.set()
        free.wait(10)

    with connect(sim, on_event=wait) as slow, connect(sim) as quick, ThreadPoolExecutor(1) as threads:
        held = threads.submit(slow.leads.search, limit=2)
        assert busy.wait(10)
        assert len(quick.leads.search(limit=3)) == 3
        free.set()
        assert len(held.result()) == 2


async def awaited(event: Event) -> None:
    """A listener that nobody would await."""


@pytest.mark.parametrize("listener", [awaited, 7, "print"])
def test_an_on_event_that_cannot_be_called_is_refused(listener: Any) -> None:
    with pytest.raises(ConfigurationError, match="on_event must be a plain function"):
        Convoso("t", on_event=listener)


def test_on_event_may_call_the_client(sim: Simulator) -> None:
    found: list[int] = []

    def look(event: Event) -> None:
        if type(event).__name__ == "CallEnded" and event.endpoint == "leads.search":
            found.append(len(client.users.search(limit=2)))

    with connect(sim, on_event=look) as client:
        client.leads.search()
    assert found == [2]


def test_on_event_has_the_callers_context(sim: Simulator) -> None:
    variable = contextvars.ContextVar("variable", default="none")
    seen = set()

    with connect(sim, on_event=lambda event: seen.add(variable.get())) as client:
        variable.set("the caller's")
        client.leads.search()
    assert seen == {"the caller's"}


# -- small things -----------------------------------------------------------------------------------


def test_a_client_shows_no_token_and_names_what_it_lacks() -> None:
    client = Convoso("planted-secret", base_url="https://convoso.example.org/v1")
    assert repr(client) == "<Convoso https://convoso.example.org/v1>"
    assert {"leads", "call_logs", "close", "request"} <= set(dir(client))
    with pytest.raises(AttributeError, match="'Convoso' has no attribute 'inserts'"):
        client.inserts  # type: ignore[attr-defined]  # noqa: B018
    assert client.leads is client.leads
    assert str(client.zone) == "America/Los_Angeles"
