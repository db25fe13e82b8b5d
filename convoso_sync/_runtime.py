"""What the sync package stands on: an event loop in a background thread, and the way there and back.

Written by hand, as are `_look_ahead`, `_handed_in` and `_generate`; the rest of the package is generated.
What takes long to import (asyncio, executors) waits for the first call: a client must be cheap to build.
"""

import atexit
import logging
import math
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar
from weakref import WeakSet, finalize

from convoso_async.client import AsyncConvoso

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

    from convoso_async.endpoint import Endpoint
    from convoso_async.events import Event
    from convoso_async.form import Pairs
    from convoso_async.reply import Reply
    from convoso_async.transport import Transport

A = TypeVar("A")
T = TypeVar("T")

LOG = logging.getLogger("convoso_async")
LOADED_FIRST = ("convoso_async.transport", "convoso_async.convert")
PATIENCE = 0.2 if os.name == "nt" else -1  # Ctrl-C does not interrupt a wait on a lock under Windows
SECONDS_TO_END = 1.0
MOST_WORKERS = 256
"""Callables of the caller's that run at once. Threads are made as they are needed, and used again."""


# -- the loop ---------------------------------------------------------------------------------------


class Background:
    """An event loop in a daemon thread, for all clients of one process."""

    def __init__(self) -> None:
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        self.loop = asyncio.new_event_loop()
        self.loop.slow_callback_duration = math.inf  # or `python -X dev` tells of every slow moment in here
        self.clients: WeakSet[Client] = WeakSet()
        self.workers = ThreadPoolExecutor(MOST_WORKERS, thread_name_prefix="convoso-worker")
        self.ending = False
        self.left_behind: list[object] = []
        self._kept: set[asyncio.Task[None]] = set()
        thread = threading.Thread(target=self._work, name="convoso-sync", daemon=True)
        thread.start()
        self.thread = thread
        self.ident = thread.ident

    def _work(self) -> None:
        # After a fork, what this frame refers to is never freed in the child: its `__del__` would tell of
        # unclosed connections there, and closing them would take the parent's out of the shared epoll.
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()

    def soon(self, do: Callable[[], object]) -> None:
        """Has something done in the loop, and does not wait. For any thread, also in a garbage collection."""
        with suppress(RuntimeError):  # the loop is closed, and all that was in it
            self.loop.call_soon_threadsafe(do)

    def close(self, transport: "Transport") -> None:
        """Closes the connections of a client. In the loop."""
        self._keep(transport.aclose())

    def end(self) -> None:
        """Closes what is open and ends the thread, in a second or so."""
        self.ending = True
        self.soon(lambda: self._keep(self._wind_up()))
        self.thread.join(2 * SECONDS_TO_END)

    def _keep(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine as a task that is not collected before its end: the loop does not hold it."""
        task = self.loop.create_task(coroutine)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def _wind_up(self) -> None:
        import asyncio

        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        try:
            async with asyncio.timeout(SECONDS_TO_END):
                await asyncio.gather(*calls, return_exceptions=True)
                await asyncio.gather(*(client.aclose() for client in self.clients))
        except TimeoutError:
            pass
        self.loop.stop()


_background: Background | None = None
_starting = threading.Lock()


def running() -> Background:
    """The loop of this process, started if it is not there yet."""
    global _background
    if _background is None:
        for module in LOADED_FIRST:  # here, or the first call would hold up the loop for half a second
            import_module(module)
        with _starting:
            if _background is None:
                _background = Background()
    return _background


def is_at_home(task: "asyncio.Future[Any]") -> bool:
    """Whether a task belongs to the loop of this process, and not to that of one that forked it."""
    return _background is not None and task.get_loop() is _background.loop


def _end() -> None:
    if _background is not None:
        _background.end()


def _start_afresh() -> None:
    """In a forked child: the parent's thread is not there, nor who held the lock."""
    global _background, _starting
    left, _background = _background, None
    _starting = threading.Lock()
    if left is not None:
        left.left_behind += [client.leave() for client in list(left.clients)]


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)


# -- there and back ---------------------------------------------------------------------------------

if sys.version_info >= (3, 12):

    def begun(coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """A task that has run to its first wait: the loop's next turn is not waited for."""
        import asyncio

        return asyncio.Task(coroutine, loop=asyncio.get_running_loop(), eager_start=True)

else:

    def begun(coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """A task that runs in the loop's next turn."""
        import asyncio

        return asyncio.get_running_loop().create_task(coroutine)


class Call(Generic[T]):
    """A coroutine on its way through the loop, for a thread that waits at `lock`.

    What it ends with is carried as a value, whatever it is: a `SystemExit` would end the loop.
    """

    __slots__ = ("_background", "_task", "coroutine", "done", "error", "lock", "value")

    value: T

    def __init__(self, coroutine: Coroutine[Any, Any, T], lock: threading.Lock, home: Background) -> None:
        self.coroutine = coroutine
        self.lock = lock
        self.done = False
        self.error: BaseException | None = None
        self._background = home
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins. In the loop."""
        self._task = begun(self._carry())

    async def _carry(self) -> None:
        try:
            self.value = await self.coroutine
        except BaseException as error:
            trace = error.__traceback__  # without this frame, which would refer to itself by way of `error`
            self.error = error.with_traceback(trace.tb_next if trace is not None else None)
        self._finish()

    def cancel(self) -> None:
        """Ends early. In the loop."""
        if self.done:
            return
        if self._task is None:
            self._never_began()
        else:
            self._task.add_done_callback(lambda _: self._never_began())
            self._task.cancel()

    def _never_began(self) -> None:
        """Ends what was cancelled before its first step, and so could not tell its end itself."""
        if not self.done:
            self.coroutine.close()
            self._finish()

    def _finish(self) -> None:
        self.done = True
        if not self._background.ending:  # a daemon thread must not wake up to an error when all ends
            self.lock.release()


_locks: list[threading.Lock] = []
"""Locks that are held and that no call uses."""


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns or raises in the background loop. The calling thread waits.

    Ctrl-C, and whatever else a signal handler raises here, cancels the coroutine, waits for its end, and
    is raised then; a second one does not wait. Context variables are those of the caller.

    Raises RuntimeError in the loop's own thread, which would wait for itself.
    """
    background = _background or running()
    if threading.get_ident() == background.ident:
        coroutine.close()
        raise RuntimeError(
            "a sync call in the thread of the background loop would wait for itself for ever;"
            " make it in any other thread, or use convoso_async"
        )
    if background.ending:
        _too_late(coroutine)
    try:
        lock = _locks.pop()
    except IndexError:
        lock = threading.Lock()
        lock.acquire()
    call = Call(coroutine, lock, background)
    try:
        background.loop.call_soon_threadsafe(call.start)
        while not lock.acquire(True, PATIENCE):
            pass
    except BaseException:
        _cancel(call, background)
        raise
    _locks.append(lock)
    error, call.error = call.error, None
    if error is None:
        return call.value
    try:
        raise error
    finally:
        del error  # or the error and this frame would keep each other


def _cancel(call: Call[Any], background: Background) -> None:
    """Ends a call early and waits for it. Its lock is not used again: who holds it cannot be told."""
    try:
        background.loop.call_soon_threadsafe(call.cancel)
    except RuntimeError:  # the loop is closed
        _too_late(call.coroutine)
    while not call.done:
        call.lock.acquire(True, PATIENCE)


def _too_late(coroutine: Coroutine[Any, Any, object]) -> NoReturn:
    """Ends what comes when the interpreter ends. A daemon thread stops here: it may tell nobody any more."""
    coroutine.close()
    if threading.current_thread() is not threading.main_thread():
        threading.Event().wait()
    raise RuntimeError("the interpreter is about to end, and the background loop has ended")


# -- what stands behind the sync objects ------------------------------------------------------------


class Facade(Generic[A]):
    """A sync object, and the async one behind it."""

    __slots__ = ("_async",)

    def __init__(self, behind: A) -> None:
        self._async = behind


class Client(AsyncConvoso):
    """The client behind a sync one: it lives in the background loop, whichever that is."""

    _closer: "finalize[[Callable[[], object]], Client] | None" = None

    def _open(self) -> "Transport":
        transport = super()._open()
        home = running()
        home.clients.add(self)
        # A client that nobody closed is closed when it goes. In a `__del__` it would be too late: where it is
        # collected with a cycle, so is its session, which tells the world that it is not closed.
        self._closer = finalize(self, home.soon, partial(home.close, transport))
        self._closer.atexit = False  # then all is closed together, after the calls under way
        return transport

    async def _call(self, endpoint: "Endpoint[Any]", pairs: "Pairs", *, raw: bool = False) -> "Reply":
        events = self._settings.on_event
        if not isinstance(events, Events):
            return await super()._call(endpoint, pairs, raw=raw)
        try:
            reply = await super()._call(endpoint, pairs, raw=raw)
        except Exception:
            await events.told()
            raise
        await events.told()
        return reply

    def close(self) -> None:
        """Closes the connections. Starts no thread for a client that was not used."""
        if self._transport is None or self._closed:
            self._closed = True
        else:
            run(self.aclose())

    def leave(self) -> object:
        """What it had in the process that forked this one, which must not be touched here any more."""
        if self._closer is not None:
            self._closer.detach()
        left, self._transport = self._transport, None
        if isinstance(self._settings.on_event, Events):
            self._settings.on_event.start_afresh()
        return left


# -- what callers hand in ---------------------------------------------------------------------------

_telling: ContextVar[bool] = ContextVar("convoso_sync_telling", default=False)


class Events:
    """The caller's `on_event`, called in a worker thread, one event after the other."""

    def __init__(self, on_event: "Callable[[Event], object]") -> None:
        self._on_event = on_event
        self.start_afresh()

    def start_afresh(self) -> None:
        """Takes a new worker: a forked child does not have the parent's."""
        from concurrent.futures import ThreadPoolExecutor

        self._worker = ThreadPoolExecutor(1, thread_name_prefix="convoso-events")
        self._last: Future[None] | None = None

    def __call__(self, event: "Event") -> None:
        """Hands an event to the worker, with the context of the call. In the loop."""
        with suppress(RuntimeError):  # the interpreter ends, and takes no more work for threads
            self._last = self._worker.submit(copy_context().run, self._tell, event)

    async def told(self) -> None:
        """Waits for the events so far, but not when it is `on_event` that makes the call."""
        import asyncio

        if self._last is not None and not _telling.get():
            await asyncio.shield(asyncio.wrap_future(self._last))

    def _tell(self, event: "Event") -> None:
        _telling.set(True)
        try:
            self._on_event(event)
        except BaseException as error:  # what watches a call must not decide its outcome
            LOG.error("on_event raised %s for %s", type(error).__name__, type(event).__name__)


def events_for(on_event: "Callable[[Event], object] | None") -> Events | None:
    """What a client takes as `on_event` in place of the caller's."""
    return None if on_event is None else Events(on_event)
