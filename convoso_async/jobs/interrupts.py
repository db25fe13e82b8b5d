"""Ctrl-C, as jobs hear it: the first lets what is under way finish, the second cancels it."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_listening: ContextVar[bool] = ContextVar("convoso_listening", default=False)


class _Interrupts:
    """Who hears of Ctrl-C: the jobs that the main thread waits for, all of them, each in its loop."""

    def __init__(self) -> None:
        self._jobs: list[tuple[asyncio.AbstractEventLoop, Callable[[], None]]] = []
        self._listeners = 0
        self._before: Any = signal.SIG_DFL

    @contextmanager
    def listen(self) -> Iterator[None]:
        """While this lasts, Ctrl-C goes to the jobs begun in its context, in whatever thread their loop is.

        While there is none, it does what it did before. Outside the main thread nothing changes.
        """
        before = signal.getsignal(signal.SIGINT)
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or before in (signal.SIG_IGN, None):  # whoever set that wants none, or is no Python
            yield
            return
        if not self._listeners:
            self._before = signal.signal(signal.SIGINT, self._tell)
        self._listeners += 1
        token = _listening.set(True)
        try:
            yield
        finally:
            _listening.reset(token)
            self._listeners -= 1
            if not self._listeners:
                signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def go_to(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While this lasts, Ctrl-C is the job's, if the main thread runs its loop or listens for it."""
        with self.listen():
            if not _listening.get():
                yield
                return
            job = (asyncio.get_running_loop(), interrupt)
            self._jobs.append(job)
            try:
                yield
            finally:
                self._jobs.remove(job)

    def _tell(self, number: int, frame: object) -> None:
        jobs = list(self._jobs)  # one that is told may end, and be gone from there, before this does
        for loop, interrupt in jobs:
            loop.call_soon_threadsafe(interrupt)
        if jobs:
            return
        if callable(self._before):
            self._before(number, frame)
        else:
            signal.signal(number, self._before)
            signal.raise_signal(number)


INTERRUPTS = _Interrupts()
