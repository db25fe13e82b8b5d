"""What the sync package stands on: one event loop for all threads, and the way there and back.

Written by hand, as are `_look_ahead`, `_handed_in` and `_generate`; the rest of the package is generated.
What takes long to import (asyncio, executors) waits for the first call: a client must be cheap to build.
"""

import _signal  # type: ignore[import-not-found]  # what stands behind `signal`, which makes an enum in each call
import atexit
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Sized
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import partial
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar
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
SECONDS_TO_STAY = 0.2
"""How long the daemon thread runs the loop on when nothing is under way. The next call may come soon, and a
TLS connection closes in several steps.
"""
SECONDS_UNWATCHED = 0.001
"""How long nobody may have run the loop when a call takes a connection: less than the way to any server."""
FRAMES_TO_LEAD = 300
"""What must be left of the stack: an error of too deep a recursion could come anywhere in the loop."""
SIGNALS = sorted(signal.valid_signals())[:31]
"""Those with a meaning of their own, and so with handlers; real-time signals come after them."""
MOST_WORKERS = 256
"""Callables of the caller's that run at once. Threads are made as they are needed, and used again."""


# -- signals ----------------------------------------------------------------------------------------


_harmless: list[object] = []
"""The handlers of `SIGNALS` that were looked at last, and cannot raise."""


def in_main_thread() -> bool:
    """Whether signal handlers run in this thread, between any two steps of what runs here."""
    return threading.get_ident() == threading.main_thread().ident


def may_be_interrupted() -> bool:
    """Whether a signal handler could raise in this thread. Not that of Ctrl-C, which can be set aside."""
    global _harmless
    if not in_main_thread():
        return False
    handlers = [*map(_signal.getsignal, SIGNALS)]
    if handlers != _harmless:
        if any(callable(handler) and handler is not signal.default_int_handler for handler in handlers):
            return True
        _harmless = handlers
    return False


class CtrlC:
    """Ctrl-C, set aside for as long as the main thread runs the loop: it stops the loop, and is raised at the
    end. In other threads, and where it would not raise, nothing changes.
    """

    __slots__ = ("_is_aside", "_loop", "came")

    def __init__(self, loop: "asyncio.AbstractEventLoop") -> None:
        self.came = False
        self._loop = loop
        self._is_aside = False

    def __enter__(self) -> Self:
        if in_main_thread() and _signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            try:
                _signal.signal(signal.SIGINT, self.note)
            except ValueError:  # a sub-interpreter, which no signal reaches
                return self
            self._is_aside = True
        return self

    def note(self, number: int, frame: FrameType | None) -> None:
        """The handler. It stops the run of another thread as well, which then runs on."""
        self.came = True
        self._loop.call_soon_threadsafe(self._loop.stop)

    def __exit__(self, *error: object) -> None:
        if self._is_aside:
            _signal.signal(signal.SIGINT, signal.default_int_handler)
            if self.came:
                raise KeyboardInterrupt


def put_ctrl_c_back() -> None:
    """In a forked child, whose main thread is not the one that set it aside."""
    if isinstance(getattr(_signal.getsignal(signal.SIGINT), "__self__", None), CtrlC):
        _signal.signal(signal.SIGINT, signal.default_int_handler)


# -- the loop ---------------------------------------------------------------------------------------


class Background:
    """An event loop for all clients of one process.

    Who has the `turn` runs it. That is the thread that waits for a call, where it can be: waking another
    takes a third of a call's time. Else, and for what is left when such a call has ended, it is a daemon
    thread, which sleeps while nothing is under way.
    """

    def __init__(self) -> None:
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        self.loop = asyncio.new_event_loop()
        self.loop.slow_callback_duration = math.inf  # or `python -X dev` tells of every slow moment in here
        self.begun: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]] = self.loop.create_task
        if sys.version_info >= (3, 12):  # it runs to its first wait at once, and not in the next round
            self.begun = partial(asyncio.Task, loop=self.loop, eager_start=True)
        self.clients: WeakSet[Client] = WeakSet()
        self.workers = ThreadPoolExecutor(MOST_WORKERS, thread_name_prefix="convoso-worker")
        self.turn = threading.Lock()
        self.inside: set[int] = set()  # the threads that run it, or are about to, or have just done so
        self.watched = False  # whether the loop has seen what came while nobody ran it
        self.ending = False
        self.left_behind: list[object] = []
        self._ended = False
        self._ran = -math.inf
        self._wanted = threading.Lock()
        self._wanted.acquire()
        self._kept: set[asyncio.Task[None]] = set()
        self._under_way = partial(asyncio.all_tasks, self.loop)
        self._loop_here = asyncio._get_running_loop
        self._can_be_led = os.name != "nt" and isinstance(self.loop, asyncio.SelectorEventLoop)
        self._to_do: Sized = getattr(self.loop, "_ready", ())  # what its next round does, where that is told
        self.thread = threading.Thread(target=self._work, name="convoso-sync", daemon=True)
        try:
            self.thread.start()
        except RuntimeError:  # the interpreter ends
            self.loop.close()
            raise

    # -- in the daemon thread -----------------------------------------------------------------------

    def _work(self) -> None:
        # After a fork, what this frame refers to is never freed in the child: its `__del__` would tell of
        # unclosed connections there, and closing them would take the parent's out of the shared epoll.
        self.inside.add(threading.get_ident())
        try:
            while True:
                self._wanted.acquire()
                self._take_turn(wait=True)
                self._tend()
                if self._ended:
                    return  # with the turn: nobody else may run what is about to close
                self._end_turn()
        finally:
            self.loop.close()

    def _tend(self) -> None:
        """Runs the loop while anything is under way, and a little longer."""
        stayed = False
        while not self._ended:
            for _ in range(2):  # rounds in which a call begins, or ends before it began
                self.loop.call_soon(self.loop.stop)
                self.loop.run_forever()
            if tasks := self._under_way():
                tasks.pop().add_done_callback(lambda _: self.loop.stop())
            elif not stayed:
                stayed = True
                self.loop.call_later(SECONDS_TO_STAY, self.loop.stop)
            else:
                return
            self.loop.run_forever()

    def _take_turn(self, *, wait: bool) -> bool:
        if not self.turn.acquire(wait):
            return False
        self.watched = self.loop.time() - self._ran < SECONDS_UNWATCHED
        return True

    def _end_turn(self) -> None:
        self._ran = self.loop.time()
        self.turn.release()

    # -- from other threads -------------------------------------------------------------------------

    def soon(self, do: Callable[[], object]) -> None:
        """Has something done in the loop, and does not wait. For any thread, also in a garbage collection."""
        with suppress(RuntimeError):  # the loop is closed, and all that was in it
            self.call_soon(do)

    def call_soon(self, do: Callable[[], object]) -> None:
        """Has something done in the loop. Raises RuntimeError when that is closed."""
        self.loop.call_soon_threadsafe(do)
        self.wake()

    def wake(self) -> None:
        """Has the daemon thread run the loop when nobody else does."""
        if self._wanted.locked():
            with suppress(RuntimeError):  # another thread was quicker
                self._wanted.release()

    def begin(self, call: "Call[Any]", *, leaves_tasks: bool) -> None:
        """Begins a call: in the daemon thread, or in this one, which then has run it to its end."""
        if leaves_tasks or self.turn.locked() or not self._may_lead() or not self._lead(call):
            self.call_soon(call.start)

    def _may_lead(self) -> bool:
        """Whether this thread can run the loop: an error from outside, anywhere in there, would break it."""
        return self._can_be_led and self._loop_here() is None and not is_deep() and not may_be_interrupted()

    def _lead(self, call: "Call[Any]") -> bool:
        """Runs the loop until a call has ended, or Ctrl-C ends the run. False when another thread runs it."""
        here = threading.get_ident()
        with CtrlC(self.loop) as ctrl_c:
            self.inside.add(here)
            try:
                if not self._take_turn(wait=False):
                    return False
                call.led = True
                try:
                    self.loop.call_soon(call.start)
                    while not call.done and not ctrl_c.came:
                        self.loop.run_forever()
                finally:
                    self._end_turn()
            finally:
                self.inside.discard(here)
            if self._to_do or call.error is not None or ctrl_c.came:
                self.wake()  # for what is left: a connection may be about to close
        return True

    # -- the end ------------------------------------------------------------------------------------

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

        calls = asyncio.all_tasks() - self._kept
        for call in calls:
            call.cancel()
        try:
            async with asyncio.timeout(SECONDS_TO_END):
                await asyncio.gather(*calls, return_exceptions=True)
                await asyncio.gather(*(client.aclose() for client in self.clients))
                await asyncio.gather(*self._kept - {asyncio.current_task()})
        except TimeoutError:
            pass
        self._ended = True
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
    """In a forked child: the parent's threads are not there, nor who held the lock."""
    global _background, _starting
    left, _background = _background, None
    _starting = threading.Lock()
    put_ctrl_c_back()
    if left is not None:
        left.left_behind += [client.leave() for client in list(left.clients)]


finalize(_end, bool).detach()  # the first has `weakref` end its own at exit: those of clients after our end
atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)


# -- there and back ---------------------------------------------------------------------------------


class Call(Generic[T]):
    """A coroutine on its way through the loop, for a thread that waits at `lock`.

    What it ends with is carried as a value, whatever it is: a `SystemExit` would end the loop.
    """

    __slots__ = ("_background", "_task", "coroutine", "done", "error", "led", "lock", "value")

    value: T

    def __init__(self, coroutine: Coroutine[Any, Any, T], lock: threading.Lock, home: Background) -> None:
        self.coroutine = coroutine
        self.lock = lock
        self.done = False
        self.led = False
        self.error: BaseException | None = None
        self._background = home
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, once the loop has seen which connections the server closed meanwhile. In the loop."""
        if self._background.watched:
            self._begin()
        else:
            self._background.loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._background.watched = True
        if not self.done:  # cancelled in between
            self._task = self._background.begun(self._carry())

    async def _carry(self) -> None:
        try:
            self.value = await self.coroutine
        except BaseException as error:
            self.error = _without_catcher(error)
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
        if self.led:
            self._background.loop.stop()
        if not self._background.ending:  # a daemon thread must not wake up to an error when all ends
            self.lock.release()


def _without_catcher(error: BaseException) -> BaseException:
    """An error without the frame that caught it, or that and the error would keep each other."""
    trace = error.__traceback__
    return error.with_traceback(trace.tb_next if trace is not None else None)


_locks: list[threading.Lock] = []
"""Locks that are held and that no call uses."""


def run(coroutine: Coroutine[Any, Any, T], *, leaves_tasks: bool = False) -> T:
    """What a coroutine returns or raises in the one loop. The calling thread waits, or runs the loop itself.

    `leaves_tasks` when others that it began are under way after its end: then another thread must run it.

    Ctrl-C, and whatever else a signal handler raises here, cancels the coroutine, waits for its end, and
    is raised then; a second one does not wait. Context variables are those of the caller.

    Raises RuntimeError for a call from within that loop, which would wait for itself.
    """
    try:
        background = _background or running()
        if threading.get_ident() in background.inside:
            raise RuntimeError(
                "a sync call within the background loop would wait for itself for ever;"
                " make it in any other thread, or use convoso_async"
            )
        if background.ending:
            _too_late()
        try:
            lock = _locks.pop()
        except IndexError:
            lock = threading.Lock()
            lock.acquire()
        call = Call(coroutine, lock, background)
    except BaseException:
        coroutine.close()
        raise
    try:
        background.begin(call, leaves_tasks=leaves_tasks)
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


def is_deep() -> bool:
    """Whether the stack leaves too little room for a loop: an error within it would be anybody's."""
    try:
        sys._getframe(sys.getrecursionlimit() - FRAMES_TO_LEAD)
    except ValueError:
        return False
    return True


def _cancel(call: Call[Any], background: Background) -> None:
    """Ends a call early and waits for it. Its lock is not used again: who holds it cannot be told."""
    try:
        background.call_soon(call.cancel)
    except RecursionError:
        raise
    except RuntimeError:  # the loop is closed
        call.coroutine.close()
        _too_late()
    while not call.done:
        call.lock.acquire(True, PATIENCE)


def _too_late() -> NoReturn:
    """Ends what comes when the interpreter ends. A daemon thread stops here: it may tell nobody any more."""
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

    async def _call(
        self, endpoint: "Endpoint[Any]", pairs: "Pairs", *, raw: bool = False, later: bool = False
    ) -> "Reply":
        call = super()._call(endpoint, pairs, raw=raw, later=later)
        events = self._settings.on_event
        return await (events.with_all_told(call) if isinstance(events, Events) else call)

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

    async def with_all_told(self, call: Coroutine[Any, Any, T]) -> T:
        """What a call returns or raises, once all its events are told."""
        try:
            value = await call
        except Exception:
            await self._told()
            raise
        await self._told()
        return value

    async def _told(self) -> None:
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
    """What a client takes as `on_event` in place of the caller's, checked as there."""
    from convoso_async.settings import listener_of

    checked = listener_of(on_event)
    return None if checked is None else Events(checked)
