"""Again or not, and after how long. Pure: an attempt's evidence in, a decision out.

The evidence is the error that the attempt ended with: its class says what failed, its `outcome` whether the
request can have reached the service. Clock and random source are the caller's.
"""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import attrs

from .endpoint import Endpoint, Retry
from .errors import (
    ConvosoConnectionError,
    ConvosoError,
    ConvosoTimeoutError,
    Outcome,
    OutcomeUnknownError,
    RateLimitError,
    ReplyError,
    ServerError,
)
from .reply import plain

TRANSIENT_BASE = 0.25
THROTTLED_BASE = 1.0
LONGEST_PAUSE = 20.0


@attrs.frozen
class Policy:
    """How often a client tries again, and its random source (0 to 1)."""

    max_retries: int
    random: Callable[[], float]

    def pause(
        self, endpoint: Endpoint[Any], error: ConvosoError, attempt: int, remaining: float
    ) -> float | None:
        """Seconds to wait before the next attempt, None when the call must end with `error`.

        `attempt` counts from 1, `remaining` is the time to the deadline.
        """
        if not is_transient(error) or not may_repeat(endpoint.retry, error):
            return None
        if attempt > self.max_retries and not endpoint.urgent:
            return None
        pause = backoff(error, attempt, self.random())
        return pause if pause < remaining else None


class Budget:
    """How many retries a client has left, over all its calls: an outage must not become a storm.

    Each retry takes one, each good reply gives a fifth of one back, up to the full budget.
    """

    def __init__(self, size: float = 100.0, earned: float = 0.2) -> None:
        self._size = size
        self._earned = earned
        self._left = size

    def spend(self) -> bool:
        """Takes one retry. False when none is left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def earn(self) -> None:
        """A good reply came."""
        self._left = min(self._size, self._left + self._earned)


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """The seconds that a `Retry-After` header names, as a number or as a date.

    A date is measured against the reply's own `Date`, so that a wrong clock here does no harm.
    """
    named = headers.get("Retry-After", "").strip()
    if named.isascii() and named.replace(".", "", 1).isdigit() and len(named) < 12:
        return float(named)
    moment = _http_date(named)
    if moment is None:
        return None
    sent = _http_date(headers.get("Date", ""))
    return max(0.0, (moment - (sent or datetime.fromtimestamp(now(), UTC))).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def is_transient(error: ConvosoError) -> bool:
    """Whether the same request may fare better later."""
    if isinstance(error, ReplyError):
        return error.unreadable
    return isinstance(error, ConvosoConnectionError | ConvosoTimeoutError | RateLimitError | ServerError)


def may_repeat(retry: Retry, error: ConvosoError) -> bool:
    """Whether sending again cannot do the thing twice."""
    if error.outcome == "applied":
        return retry is Retry.READ
    return retry is not Retry.UNSAFE or error.outcome == "not_sent" or isinstance(error, RateLimitError)


def overall(before: Outcome, last: Outcome) -> Outcome:
    """The outcome of a call, from that of its earlier attempts and that of the last.

    What one attempt may have done, no later one can take back.
    """
    order: tuple[Outcome, ...] = ("not_sent", "rejected", "unknown", "applied")
    return before if order.index(before) > order.index(last) else last


def may_be_done(outcome: Outcome) -> bool:
    """Whether attempts with this outcome may have been carried out."""
    return outcome in ("unknown", "applied")


def backoff(error: ConvosoError, attempt: int, chance: float) -> float:
    """Exponential backoff with full jitter; a time that the service named is waited for in full."""
    base = THROTTLED_BASE if isinstance(error, RateLimitError) else TRANSIENT_BASE
    pause = chance * min(LONGEST_PAUSE, base * 2.0 ** min(attempt - 1, 10))
    named = error.retry_after if isinstance(error, RateLimitError) else None
    return pause if named is None else named + chance * TRANSIENT_BASE


def says_already(endpoint: Endpoint[Any], error: ConvosoError) -> bool:
    """Whether a refusal on a repeat says that the first attempt did it."""
    if isinstance(error.code, int) and error.code in endpoint.already:
        return re.search(endpoint.already[error.code], error.text or "", re.IGNORECASE) is not None
    if error.code is not None or not endpoint.already:
        return False
    said = plain(error.text or "")
    told = next((meaning for text, meaning in endpoint.texts.items() if plain(text) == said), None)
    return told is not None and told.kind is endpoint.codes[next(iter(endpoint.already))].kind


def final_error(endpoint: Endpoint[Any], error: ConvosoError) -> ConvosoError:
    """The error to raise: a write that must not be repeated and may have been applied says so."""
    if endpoint.retry is not Retry.UNSAFE or error.outcome not in ("unknown", "applied"):
        return error
    fate = "was applied" if error.outcome == "applied" else "may or may not have been applied"
    unknown = OutcomeUnknownError(f"it {fate}; look before sending it again: {error.message}")
    unknown.__dict__.update(error.__dict__)
    unknown.reason = type(error)
    return unknown
