"""Which bodies came a short while ago, by their digests, in bounded memory."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from hashlib import blake2b
from threading import Lock

MOST_REMEMBERED = 65_536
"""Digests kept at once, about 12 MB: a minute of 1,000 events a second."""


class Repeats:
    """Knows a body while it is being handled, and for `seconds` after that. For any thread.

    Past `MOST_REMEMBERED` the oldest are forgotten: better hand an event over twice than not at all.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._key = secrets.token_bytes(32)  # or somebody could prepare two bodies with one digest
        self._lock = Lock()
        self._handled: OrderedDict[bytes, float] = OrderedDict()
        self._under_way: dict[bytes, Future[bool]] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._handled)

    def digest(self, body: bytes) -> bytes:
        """What stands for a body."""
        return blake2b(body, digest_size=16, key=self._key).digest()

    def begin(self, digest: bytes) -> "Future[bool] | None":
        """None for a body that is new: `end` must follow. Else whether the one before it was handled."""
        with self._lock:
            self._forget()
            before = self._under_way.get(digest)
            if before is not None:
                return before
            if digest in self._handled:
                return HANDLED
            outcome = self._under_way[digest] = Future()
            outcome.set_running_or_notify_cancel()  # those who wait for it cannot cancel it
            return None

    def end(self, digest: bytes, *, handled: bool) -> None:
        """A body was handled, and is remembered; or it was not, and may come again."""
        with self._lock:
            outcome = self._under_way.pop(digest)
            if handled:
                self._handled[digest] = self._clock()
        outcome.set_result(handled)

    def _forget(self) -> None:
        now = self._clock()
        while self._handled:
            oldest = next(iter(self._handled))
            if now - self._handled[oldest] < self._seconds and len(self._handled) < MOST_REMEMBERED:
                break
            del self._handled[oldest]


HANDLED: "Future[bool]" = Future()
HANDLED.set_result(True)
