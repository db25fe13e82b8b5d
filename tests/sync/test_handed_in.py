"""What callers hand in to jobs: ours is unwrapped, all else is run in worker threads."""

import asyncio
import contextvars
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from convoso_async import AsyncConvoso
from convoso_async.jobs import Progress
from convoso_async.jobs.work import every
from convoso_async.simulator import Simulator
from convoso_sync import Convoso
from convoso_sync._handed_in import CarriedError, awaitable, behind, items_for, run_job, told, unwrapped
from convoso_sync._runtime import run, running

from .programs import simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with simulator() as started:
        yield started


@pytest.fixture
def client(sim: Simulator) -> Iterator[Convoso]:
    with Convoso(sim.token, base_url=sim.url) as opened:
        yield opened


# -- what is ours -----------------------------------------------------------------------------------


class Mine(Convoso):
    """A client with a method of its own."""

    def count(self) -> int:
        return len(self.leads.search(limit=4))


def test_our_methods_are_unwrapped(client: Convoso) -> None:
    inner = client._async
    assert behind(client.leads.insert) == inner.leads.insert
    assert behind(client.request) == inner.request
    assert behind(client.close) == inner.aclose
    theirs: list[object] = [None, print, [1], "text".upper, Mine("t").count, client, client.leads]
    assert [behind(one) for one in theirs] == [None] * len(theirs)


def test_clients_and_pagers_are_unwrapped(client: Convoso) -> None:
    pager = client.leads.search_all()
    assert unwrapped("client", client) is client._async
    assert unwrapped("pager", pager) is pager._async
    theirs: Any = AsyncConvoso("t")
    with pytest.raises(
        TypeError, match=r"client must be of convoso_sync, not convoso_async.client.AsyncConvoso"
    ):
        unwrapped("client", theirs)


def test_our_methods_are_awaited_as_they_are(client: Convoso) -> None:
    async def use() -> int:
        page: Any = await awaitable(client.leads.search)(limit=3)
        rows = [row async for row in every(items_for(client.call_logs.retrieve_all()))]
        return len(page) + len(rows)

    assert run(use()) == 63


def test_what_calls_nothing_is_no_coroutine_of_ours(client: Convoso) -> None:
    pager = run(awaitable(client.leads.search_all)())
    assert len(pager.collect()) == 20


def test_a_partial_stays_one(client: Convoso, sim: Simulator) -> None:
    call = awaitable(partial(client.leads.search, limit=2))
    assert isinstance(call, partial)
    assert call.func == client._async.leads.search
    assert len(run(call())) == 2


# -- callables --------------------------------------------------------------------------------------


def test_callables_run_in_worker_threads(client: Convoso) -> None:
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("the caller's")

    def work(number: int, *, more: int) -> tuple[str, str, int]:
        name = threading.current_thread().name
        return name, variable.get(), len(client.leads.search(limit=number + more))

    async def use() -> list[tuple[str, str, int]]:
        return await asyncio.gather(*(awaitable(work)(number, more=1) for number in range(4)))

    names, values, counts = zip(*run(use()), strict=True)
    assert all(name.startswith("convoso-worker") for name in names)
    assert set(values) == {"the caller's"}
    assert counts == (1, 2, 3, 4)


class Caller:
    """Can be called, and is no function."""

    def __call__(self) -> int:
        return 7


def test_a_callable_keeps_the_name_that_journals_know_it_by() -> None:
    for given, name in ((simulator, "simulator"), (Caller(), "Caller"), (Mine("t").count, "Mine.count")):
        call: Any = awaitable(given)  # type: ignore[arg-type]
        assert call.__qualname__ == name
        assert call.__module__ == given.__module__
    assert run(awaitable(Caller())()) == 7


@pytest.mark.parametrize("kind", [LookupError, StopIteration, StopAsyncIteration])
def test_an_error_of_a_callable_is_raised(kind: type[Exception]) -> None:
    def fail() -> None:
        raise kind("in the worker")

    async def caught() -> type[BaseException]:
        try:
            await awaitable(fail)()
        except Exception as error:
            return type(error.__cause__ or error)
        return type(None)  # type: ignore[return-value]

    assert run(caught()) is kind


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_whatever_a_callable_raises_comes_out_of_a_job_and_the_loop_goes_on(
    kind: type[BaseException],
) -> None:
    def end() -> None:
        raise kind("over")

    async def in_a_task() -> None:
        task = asyncio.create_task(awaitable(end)())  # type: ignore[arg-type]
        await asyncio.wait([task])
        assert isinstance(task.exception(), CarriedError)
        await task

    with pytest.raises(kind, match="over"):
        run_job(in_a_task())
    assert run(awaitable(Caller())()) == 7


def test_async_functions_are_refused() -> None:
    async def slow() -> None:
        """Does nothing."""

    wrong: Any = 5
    for given, name in (
        (slow, "coroutine functions"),
        (AsyncConvoso("t").leads.insert, "coroutine"),
        (wrong, "int"),
    ):
        with pytest.raises(TypeError, match=f"takes plain functions, not {name}"):
            awaitable(given)
    with pytest.raises(TypeError, match="this one gave a coroutine"):
        run(awaitable(lambda: slow())())


# -- items ------------------------------------------------------------------------------------------


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def read(items: Any, most: int = 99) -> list[Any]:
    """The first items, as a job reads them."""

    async def reading() -> list[Any]:
        found: list[Any] = []
        source = every(items)
        async for item in source:
            found.append(item)
            if len(found) == most:
                break
        await source.aclose()
        return found

    return run(reading())


def test_an_iterable_is_read_in_one_thread_of_its_own_and_closed() -> None:
    threads: list[int] = []

    def numbers() -> Iterator[int]:
        try:
            for number in range(5):
                threads.append(threading.get_ident())
                yield number
        finally:
            threads.append(threading.get_ident())

    assert read(items_for(numbers())) == [0, 1, 2, 3, 4]
    assert (len(threads), len(set(threads))) == (6, 1)
    assert read(items_for(numbers()), 2) == [0, 1]
    assert (len(threads), len(set(threads[6:]))) == (9, 1)
    assert not {threading.get_ident(), running().thread.ident} & set(threads)


def test_an_iterable_is_read_no_further_than_is_wanted() -> None:
    pulled: list[int] = []
    source = (pulled.append(number) or number for number in range(1000))
    assert read(items_for(source), 3) == [0, 1, 2]
    assert pulled == [0, 1, 2]


def test_an_item_that_never_comes_holds_up_no_end() -> None:
    free = threading.Event()
    closed = threading.Event()

    def numbers() -> Iterator[int]:
        try:
            yield 1
            free.wait(10)
        finally:
            closed.set()

    async def broken_off() -> None:
        source = every(items_for(numbers()))
        assert await anext(source) == 1
        task = asyncio.create_task(anext(source))  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])
        await source.aclose()

    run(broken_off())
    assert not closed.is_set()
    free.set()
    assert closed.wait(10)


@pytest.mark.parametrize("given", [[1, 2], (1, 2), range(1, 3), {1: 0, 2: 0}])
def test_collections_in_memory_are_as_they_are(given: Any) -> None:
    assert items_for(given) is given
    assert read(given) == [1, 2]


class Counted:
    """An iterable that knows its length."""

    def __iter__(self) -> Iterator[int]:
        return iter((1, 2))

    def __len__(self) -> int:
        return 2


def test_a_length_is_kept() -> None:
    taken: Any = items_for(Counted())
    assert len(taken) == 2
    assert read(taken) == [1, 2]
    assert not hasattr(items_for(iter((1, 2))), "__len__")


@pytest.mark.parametrize("kind", [LookupError, SystemExit])
def test_what_an_iterable_raises_is_raised(kind: type[BaseException]) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise kind("no more")

    async def all_of_it() -> list[int]:
        return [number async for number in every(items_for(numbers()))]

    with pytest.raises(kind, match="no more"):
        run_job(all_of_it())


def test_async_iterables_are_refused() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(TypeError, match="plain iterables, not async_generator"):
        items_for(numbers())
    with pytest.raises(TypeError, match="'int' object is not iterable"):
        read(items_for(5))


def test_a_prefetch_that_was_begun_goes_on(client: Convoso, sim: Simulator) -> None:
    """It is iterated and not unwrapped: it may hold rows already."""
    with client.call_logs.retrieve_all(page_size=7).prefetch(2) as rows:
        first = next(rows).id
        ids = [row.id for row in read(items_for(rows))]
    assert [first, *ids] == sim.account.call_log_ids()


# -- progress ---------------------------------------------------------------------------------------


def test_progress_is_told_in_one_worker_thread_and_to_its_end() -> None:
    seen: list[tuple[str, int]] = []
    free = threading.Event()

    def note(progress: Progress) -> None:
        assert free.wait(10)
        seen.append((threading.current_thread().name, progress.done))

    async def work(tell: Any) -> None:
        for done in range(4):
            tell(Progress(done=done))
        tell(Progress(done=4, finished=True))

    with told(note) as tell:
        run(work(tell))  # ends: it does not wait for `note`
        free.set()
    assert seen == [("convoso-progress_0", 0), ("convoso-progress_0", 4)]


def test_progress_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(progress: Progress) -> None:
        raise SystemExit

    with told(fail) as tell:
        assert tell is not None
        tell(Progress())
    assert [record.getMessage() for record in caplog.records] == ["progress raised SystemExit"]


def test_no_progress_is_none_and_an_async_one_is_refused() -> None:
    async def slow(progress: Progress) -> None:
        """Does nothing."""

    with told(None) as tell:
        assert tell is None
    with pytest.raises(TypeError, match="progress must be a plain function"), told(slow):
        pass
