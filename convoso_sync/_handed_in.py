"""What callers hand in to jobs, as async jobs take it: ours by its async self, all else in worker threads.

Written by hand, as are `_runtime` and `_look_ahead`.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Hashable,
    Iterable,
    Iterator,
    Sized,
)
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from inspect import iscoroutine, iscoroutinefunction, ismethod
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from convoso_async.jobs.interrupts import INTERRUPTS
from convoso_async.jobs.progress import OnProgress, Progress, check_progress

from ._runtime import Facade, run, running
from .paging import Pager

if TYPE_CHECKING:
    from typing import IO

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")

LOG = logging.getLogger("convoso_async.jobs")
OTHER_NAMES = {"close": "aclose"}
"""The methods whose async selves have another name."""
PLAIN = (list, tuple, deque, range, set, frozenset, dict)
"""What can be iterated in the loop, because no code of the caller's runs then."""


def run_job(job: Coroutine[Any, Any, T]) -> T:
    """What a job returns or raises, as `run` gives it.

    In the main thread, the first Ctrl-C lets what is under way finish and the second cancels it, where the
    job has items to account for: then it ends with its report. Any other is cancelled, and Ctrl-C is raised.
    """
    with INTERRUPTS.listen():
        try:
            return run(job, leaves_tasks=True)
        except CarriedError as carried:
            error = carried.error
    try:
        raise error
    finally:
        del error  # or the error and this frame would keep each other


class CarriedError(BaseException):
    """Carries what is no `Exception` out of a job: a `SystemExit` in one of its tasks would end the loop."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


# -- what is ours -----------------------------------------------------------------------------------


def behind(function: object) -> object | None:
    """The async self of a method of one of our objects; None for all else."""
    if not ismethod(function) or not isinstance(function.__self__, Facade):
        return None
    if function.__func__.__module__.partition(".")[0] != __package__:  # of a subclass of the caller's
        return None
    method: object = getattr(function.__self__._async, OTHER_NAMES.get(function.__name__, function.__name__))
    return method


def unwrapped(name: str, given: Facade[A]) -> A:
    """The async self of a client or a pager. Raises TypeError for what is neither, as an async one."""
    if isinstance(given, Facade):
        return given._async
    raise TypeError(f"{name} must be of convoso_sync, not {type(given).__module__}.{type(given).__name__}")


# -- callables --------------------------------------------------------------------------------------


def awaitable(function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """A callable of the caller's for async code: ours as its async self, any other in worker threads.

    Raises TypeError for a coroutine function, and its result does for any other that gives a coroutine.
    """
    if isinstance(function, partial):
        inner = awaitable(cast(Callable[..., T], function.func))
        return partial(inner, *function.args, **function.keywords)
    own = behind(function)
    if iscoroutinefunction(own):
        return cast(Callable[P, Awaitable[T]], own)
    given: object = function
    if not callable(given) or iscoroutinefunction(given):
        kind = "coroutine functions" if callable(given) else type(given).__name__
        raise TypeError(f"convoso_sync takes plain functions, not {kind}")

    async def in_worker(*args: P.args, **kwargs: P.kwargs) -> T:
        value = await in_thread(running().workers, partial(function, *args, **kwargs))
        if iscoroutine(value):
            value.close()
            raise TypeError("convoso_sync takes plain functions; this one gave a coroutine")
        return value

    # A journal knows an operation by these.
    in_worker.__module__ = function.__module__
    in_worker.__qualname__ = getattr(function, "__qualname__", type(function).__qualname__)
    return in_worker


async def in_thread(threads: Executor, work: Callable[[], T]) -> T:
    """What `work` returns or raises in a thread, with the context of the caller."""

    def ended() -> tuple[T | None, BaseException | None]:
        try:  # the error as a value: a future does not take all that can be raised
            return work(), None
        except BaseException as error:
            return None, error

    context = copy_context()
    value, error = await asyncio.get_running_loop().run_in_executor(threads, lambda: context.run(ended))
    if error is None:
        return cast(T, value)
    try:
        raise error if isinstance(error, Exception) else CarriedError(error)
    finally:
        del error


def key_for(key: Callable[[T], Hashable] | None) -> Callable[[T], Hashable] | None:
    """What gives the keys of items, in worker threads: its awaitables are awaited."""
    return None if key is None else cast(Callable[[T], Hashable], awaitable(key))


def target_for(
    to: "str | os.PathLike[str] | IO[Any] | Callable[[list[T]], object]",
) -> "str | os.PathLike[str] | IO[Any] | Callable[[list[T]], object]":
    """Where an export goes: a function in worker threads; paths and file objects as they are, which it
    writes in a thread of its own.
    """
    if isinstance(to, str | os.PathLike) or hasattr(to, "write") or not callable(to):
        return to
    return awaitable(to)


# -- items ------------------------------------------------------------------------------------------


def items_for(items: T) -> T:
    """An iterable of the caller's for async jobs: a pager of ours as its async self, any other in a thread.

    It is one thread from beginning to end, since a generator may hold what belongs to its thread, such as a
    connection to SQLite. Each item is pulled when it is wanted. Paths, and collections in memory that are
    Python's own, are as they are. Raises TypeError for an async iterable.
    """
    if isinstance(items, str | bytes | os.PathLike) or type(items) in PLAIN:
        return items
    if isinstance(items, AsyncIterable):
        raise TypeError(f"convoso_sync reads plain iterables, not {type(items).__name__}; use convoso_async")
    given: Any = items
    taken: object
    if isinstance(items, Pager):
        taken = items._async
    else:
        taken = _SizedItems(given, len(items)) if isinstance(items, Sized) else _Items(given)
    return cast(T, taken)  # what takes an iterable there takes an async one as well


class _Items(Generic[T]):
    """An iterable that is read in a thread."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = items

    def __aiter__(self) -> AsyncIterator[T]:
        return _pulled(self._items)


class _SizedItems(_Items[T]):
    """One that knows how many there are."""

    def __init__(self, items: Iterable[T], length: int) -> None:
        super().__init__(items)
        self._length = length

    def __len__(self) -> int:
        return self._length


async def _pulled(items: Iterable[T]) -> AsyncGenerator[T, None]:
    source = _Source(items)
    thread = ThreadPoolExecutor(1, thread_name_prefix="convoso-items")
    waiting = True
    try:
        while item := await in_thread(thread, source.pull):
            waiting = False
            yield item[0]
            waiting = True
        waiting = False
    finally:
        closed = thread.submit(source.close)
        thread.shutdown(wait=False)
        if not waiting:  # an item that is still awaited may never come
            await asyncio.wrap_future(closed)


class _Source(Generic[T]):
    """An iterable that is read, item by item, in a thread of its own."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = items
        self._iterator: Iterator[T] | None = None

    def pull(self) -> tuple[T] | tuple[()]:
        """The next item, or nothing at the end."""
        if self._iterator is None:
            self._iterator = iter(self._items)
        for item in self._iterator:
            return (item,)
        return ()

    def close(self) -> None:
        """Lets a generator clean up."""
        if isinstance(self._iterator, Generator):
            self._iterator.close()


# -- progress ---------------------------------------------------------------------------------------


@contextmanager
def told(progress: OnProgress | None) -> Iterator[OnProgress | None]:
    """What a job takes as `progress` in place of the caller's, which has been told all when this ends.

    Raises TypeError for what is no plain function.
    """
    if progress is None:
        yield None
        return
    check_progress(progress)
    teller = _Teller(progress)
    try:
        yield teller
    finally:
        teller.worker.shutdown()


class _Teller:
    """The caller's `progress`, called in a worker thread: with the newest, once it is done with the last."""

    def __init__(self, on_progress: OnProgress) -> None:
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="convoso-progress")
        self._on_progress = on_progress
        self._run_there = copy_context().run
        self._last: Future[None] | None = None

    def __call__(self, progress: Progress, /) -> None:
        """Hands a telling to the worker; drops it where that is busy and more will follow. In the loop."""
        if progress.finished or self._last is None or self._last.done():
            self._last = self.worker.submit(self._run_there, self._tell, progress)

    def _tell(self, progress: Progress) -> None:
        try:
            self._on_progress(progress)
        except BaseException as error:  # who watches a job must not decide how it ends
            LOG.error("progress raised %s", type(error).__name__)
