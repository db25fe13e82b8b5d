"""An event loop whose clock jumps: a job of hours takes as long as its computing."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Does not wait: it moves the clock on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout is None:
            return ready or super().select(timeout)
        self.now += max(0.0, timeout)
        return ready


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """Nothing in it may wait for another thread or a socket."""

    def __init__(self) -> None:
        self._fake = _Selector()
        super().__init__(self._fake)

    def time(self) -> float:
        return self._fake.now


def run_in_fake_time(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What `main` gives, at the end of its time."""
    with asyncio.Runner(loop_factory=FakeTimeLoop) as runner:
        return runner.run(main())
