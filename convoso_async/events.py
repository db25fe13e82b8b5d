"""What a client tells of its calls: typed events, and log lines under `convoso_async`.

Neither ever holds a parameter's value, the token, or a reply's body: names, counts and times only.
"""

import logging
from collections.abc import Callable
from typing import TypeAlias

import attrs

from .errors import ConvosoError, Outcome
from .reply import Reply

LOG = logging.getLogger("convoso_async")


@attrs.frozen(kw_only=True)
class AttemptStarted:
    """A request is about to wait for its turn and go out. `attempt` counts from 1."""

    endpoint: str
    parameters: tuple[str, ...]
    attempt: int


@attrs.frozen(kw_only=True)
class AttemptEnded:
    """A request ended: `error` is the name of the error's class, None for a good reply.

    `seconds` is from its start to its end, with the wait for its turn.
    """

    endpoint: str
    parameters: tuple[str, ...]
    attempt: int
    seconds: float
    status: int | None
    outcome: Outcome
    error: str | None


@attrs.frozen(kw_only=True)
class Retried:
    """The call will be tried again after `pause` seconds."""

    endpoint: str
    parameters: tuple[str, ...]
    attempt: int
    pause: float
    error: str


@attrs.frozen(kw_only=True)
class Throttled:
    """The service asked for rest (429): all calls of the client wait `pause` seconds, but for urgent ones."""

    endpoint: str
    parameters: tuple[str, ...]
    attempt: int
    pause: float


@attrs.frozen(kw_only=True)
class CallEnded:
    """A call ended, after `attempts` requests and `seconds` in all.

    `error` is the name of the error's class, None for a good reply. A call that was cancelled has
    `CancelledError` there, and `unknown` as its outcome.
    """

    endpoint: str
    parameters: tuple[str, ...]
    attempts: int
    seconds: float
    status: int | None
    outcome: Outcome
    error: str | None


Event: TypeAlias = AttemptStarted | AttemptEnded | Retried | Throttled | CallEnded
"""Any event of a call, as `on_event` gets it."""


class Watch:
    """Tells of one call: to `on_event`, and to the log."""

    def __init__(
        self,
        endpoint: str,
        parameters: tuple[str, ...],
        clock: Callable[[], float],
        on_event: Callable[[Event], object] | None,
    ) -> None:
        self._call = endpoint
        self._parameters = parameters
        self._clock = clock
        self._on_event = on_event
        self._begun = self._attempt_begun = clock()

    def started(self, attempt: int) -> None:
        """An attempt begins."""
        self._attempt_begun = self._clock()
        self._tell(AttemptStarted(endpoint=self._call, parameters=self._parameters, attempt=attempt))

    def ended(self, attempt: int, got: Reply | ConvosoError) -> None:
        """An attempt ended."""
        seconds = self._clock() - self._attempt_begun
        status, outcome, error = _facts(got)
        LOG.debug("%s attempt %d: %s in %.3f s", self._call, attempt, error or status, seconds)
        self._tell(
            AttemptEnded(
                endpoint=self._call,
                parameters=self._parameters,
                attempt=attempt,
                seconds=seconds,
                status=status,
                outcome=outcome,
                error=error,
            )
        )

    def throttled(self, attempt: int, pause: float) -> None:
        """The service asked for rest."""
        self._tell(Throttled(endpoint=self._call, parameters=self._parameters, attempt=attempt, pause=pause))

    def paused(self, attempt: int, got: ConvosoError, pause: float) -> None:
        """Another attempt will follow."""
        error = type(got).__name__
        LOG.info("%s attempt %d: %s, again in %.2f s", self._call, attempt, error, pause)
        self._tell(
            Retried(
                endpoint=self._call, parameters=self._parameters, attempt=attempt, pause=pause, error=error
            )
        )

    def finished(self, attempts: int, got: Reply | ConvosoError) -> None:
        """The call ended."""
        self._end(attempts, *_facts(got))

    def cancelled(self, attempts: int) -> None:
        """The caller gave the call up."""
        self._end(attempts, None, "unknown", "CancelledError")

    def _end(self, attempts: int, status: int | None, outcome: Outcome, error: str | None) -> None:
        self._tell(
            CallEnded(
                endpoint=self._call,
                parameters=self._parameters,
                attempts=attempts,
                seconds=self._clock() - self._begun,
                status=status,
                outcome=outcome,
                error=error,
            )
        )

    def _tell(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:  # what watches a call must not decide its outcome
            LOG.error("on_event raised %s for %s", type(error).__name__, type(event).__name__)


class Nobody(Watch):
    """The watch of a call that nobody watches: it costs nothing."""

    def __init__(self) -> None:
        pass

    def started(self, attempt: int) -> None:
        pass

    def ended(self, attempt: int, got: Reply | ConvosoError) -> None:
        pass

    def throttled(self, attempt: int, pause: float) -> None:
        pass

    def paused(self, attempt: int, got: ConvosoError, pause: float) -> None:
        pass

    def finished(self, attempts: int, got: Reply | ConvosoError) -> None:
        pass

    def cancelled(self, attempts: int) -> None:
        pass


NOBODY = Nobody()


def _facts(got: Reply | ConvosoError) -> tuple[int | None, Outcome, str | None]:
    if isinstance(got, Reply):
        return got.status, "applied", None
    return got.status, got.outcome, type(got).__name__
