"""Ctrl-C goes to the jobs that the main thread waits for; where there are none, it does what it did."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from convoso_async.jobs.interrupts import INTERRUPTS


@pytest.fixture(autouse=True)
def _as_python_has_it() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class QuickLoop(asyncio.SelectorEventLoop):
    """What it is told is done before the teller goes on, as in a thread that is quick."""

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: object, **_: object) -> None:
        callback(*args)


def test_a_job_that_ends_as_soon_as_it_is_told_has_been_told() -> None:
    told: list[str] = []
    jobs = INTERRUPTS._jobs

    def interrupt() -> None:
        told.append("interrupted")
        jobs.clear()

    async def job() -> None:
        with INTERRUPTS.go_to(interrupt):
            own = list(jobs)
            signal.raise_signal(signal.SIGINT)
            jobs.extend(own)  # for its own end

    with closing(QuickLoop()) as loop:
        loop.run_until_complete(job())
    assert told == ["interrupted"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_where_there_is_no_job_ctrl_c_does_what_it_did() -> None:
    with INTERRUPTS.listen(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with INTERRUPTS.listen():
        assert signal.getsignal(signal.SIGINT) == INTERRUPTS._tell
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_other_threads_listen_to_nothing() -> None:
    seen: list[object] = []

    def listen() -> None:
        with INTERRUPTS.listen():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
