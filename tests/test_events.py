"""What a client tells of its calls: typed events and log lines, names and never values."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Any, get_args

import attrs
import pytest

from convoso_async import (
    AsyncConvoso,
    ConfigurationError,
    ConvosoError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
)
from convoso_async.events import (
    NOBODY,
    AttemptEnded,
    AttemptStarted,
    CallEnded,
    Event,
    Nobody,
    Retried,
    Throttled,
    Watch,
)

from .fault_server import (
    ENDPOINTS,
    SILENT,
    THROTTLING,
    TOKEN,
    Fault,
    make,
    no_waiting,
    refusal,
    served,
    status,
    until,
    values_of,
)

SECRETS = {"first_name": "Wilhelmina", "phone_number": "2125550142", "notes": "allergic to bees"}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    no_waiting(monkeypatch)


@pytest.fixture
def events() -> list[Event]:
    return []


def kinds(events: list[Event]) -> list[str]:
    """The kinds of events, in their order."""
    return [type(event).__name__ for event in events]


async def test_a_good_call_tells_of_its_attempt_and_its_end(events: list[Event]) -> None:
    async with served(on_event=events.append) as (_, client):
        await make(client, "leads.insert", **SECRETS)
    names = ("list_id", "phone_number", "first_name", "notes")
    started, ended, call = events
    assert isinstance(started, AttemptStarted)
    assert isinstance(ended, AttemptEnded)
    assert isinstance(call, CallEnded)
    assert (started.endpoint, started.attempt) == ("leads.insert", 1)
    assert (ended.attempt, ended.status, ended.outcome, ended.error) == (1, 200, "applied", None)
    assert (call.attempts, call.status, call.outcome, call.error) == (1, 200, "applied", None)
    assert 0 < ended.seconds <= call.seconds < 5
    for event in events:
        assert sorted(event.parameters) == sorted(names)


async def test_every_attempt_and_every_pause_is_told_of(events: list[Event]) -> None:
    async with served(status("503 Busy"), status("429 Slow Down"), on_event=events.append) as (_, client):
        await make(client, "leads.search")
    assert kinds(events) == [
        *("AttemptStarted", "AttemptEnded", "Retried"),
        *("AttemptStarted", "AttemptEnded", "Throttled", "Retried"),
        *("AttemptStarted", "AttemptEnded", "CallEnded"),
    ]
    ends = [event for event in events if isinstance(event, AttemptEnded)]
    assert [(end.attempt, end.status, end.outcome, end.error) for end in ends] == [
        (1, 503, "unknown", "ServerError"),
        (2, 429, "rejected", "RateLimitError"),
        (3, 200, "applied", None),
    ]
    pauses = [event for event in events if isinstance(event, Retried)]
    assert [(pause.attempt, pause.error) for pause in pauses] == [(1, "ServerError"), (2, "RateLimitError")]
    assert all(0 <= pause.pause < 1 for pause in pauses)


async def test_a_429_is_told_of_also_when_the_call_is_given_up(events: list[Event]) -> None:
    throttled = status("429 Slow Down", "Retry-After: 40")
    async with served(throttled, on_event=events.append, deadline=5.0) as (_, client):
        with pytest.raises(RateLimitError):
            await make(client, "leads.insert")
    assert kinds(events) == ["AttemptStarted", "AttemptEnded", "Throttled", "CallEnded"]
    (rest,) = (event for event in events if isinstance(event, Throttled))
    assert 4 < rest.pause <= 5


@pytest.mark.parametrize(
    ("fault", "status_", "outcome", "error"),
    [
        (Fault("reset", apply=True, end="reset"), None, "unknown", "OutcomeUnknownError"),
        (status("500 Oops"), 500, "unknown", "OutcomeUnknownError"),
        (status("401 Unauthorized"), 401, "rejected", "AuthenticationError"),
        (refusal(6009, "There"), 200, "rejected", "DuplicateError"),
    ],
    ids=str,
)
async def test_the_end_of_a_failed_call_says_how(
    fault: Fault, status_: int | None, outcome: str, error: str, events: list[Event]
) -> None:
    async with served(fault, on_event=events.append) as (_, client):
        with pytest.raises(ConvosoError) as caught:
            await make(client, "leads.insert", **SECRETS)
    end = events[-1]
    assert isinstance(end, CallEnded)
    assert (end.status, end.outcome, end.error) == (status_, outcome, error)
    assert (caught.value.outcome, type(caught.value).__name__) == (outcome, error)


async def test_the_end_of_a_call_counts_all_its_attempts(events: list[Event]) -> None:
    """The last attempt was refused; the first may have been carried out."""
    lost = Fault("reset after applying", apply=True, end="reset")
    async with served(lost, status("401 Unauthorized"), on_event=events.append) as (_, client):
        with pytest.raises(ConvosoError):
            await make(client, "leads.update")
    attempt, call = events[-2:]
    assert isinstance(attempt, AttemptEnded)
    assert isinstance(call, CallEnded)
    assert (attempt.outcome, call.outcome, call.attempts) == ("rejected", "unknown", 2)


async def test_already_so_is_told_of_as_what_it_was(events: list[Event]) -> None:
    lost = Fault("reset after applying", apply=True, end="reset")
    async with served(lost, refusal(6008, "there"), on_event=events.append) as (_, client):
        await make(client, "dnc.insert")
    attempt, call = events[-2:]
    assert isinstance(attempt, AttemptEnded)
    assert isinstance(call, CallEnded)
    assert (attempt.error, attempt.outcome) == ("DuplicateError", "rejected")
    assert (call.error, call.outcome, call.attempts) == (None, "applied", 2)


@pytest.mark.parametrize(
    "fault", [Fault("stall", end="stall"), status("429 Slow Down", "Retry-After: 30")], ids=str
)
async def test_a_call_that_is_given_up_has_an_end(fault: Fault, events: list[Event]) -> None:
    async with served(fault, on_event=events.append) as (server, client):
        task = asyncio.ensure_future(make(client, "leads.insert"))
        await until(lambda: server.requests)
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    end = events[-1]
    assert isinstance(end, CallEnded)
    assert (end.error, end.outcome, end.attempts) == ("CancelledError", "unknown", 1)
    assert kinds(events).count("CallEnded") == 1


# -- names, never values ----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [*SILENT, *THROTTLING, refusal(6009, "Wilhelmina is there")], ids=str)
async def test_no_event_and_no_log_line_holds_a_value(
    fault: Fault, events: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with served(fault, on_event=events.append, timeout=0.05) as (_, client):
        with suppress(ConvosoError):
            await make(client, "leads.insert", **SECRETS)
    told = repr(events) + caplog.text + repr([vars(record) for record in caplog.records])
    assert events
    for value in (*SECRETS.values(), TOKEN, "s3cret"):
        assert value not in told
    assert "first_name" in told


@pytest.mark.parametrize("call", ENDPOINTS)
async def test_every_call_is_told_of_by_name(call: str, events: list[Event]) -> None:
    async with served(on_event=events.append) as (_, client):
        await make(client, call)
    assert kinds(events) == ["AttemptStarted", "AttemptEnded", "CallEnded"]
    assert {event.endpoint for event in events} == {call}
    assert set(values_of(call)) <= {name.rstrip("_") for name in events[0].parameters}


def test_events_are_typed_and_frozen() -> None:
    for kind in get_args(Event):
        fields = attrs.fields_dict(kind)
        assert {"endpoint", "parameters"} <= set(fields)
        event = kind(**dict.fromkeys(fields, None))
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            event.endpoint = "x"


# -- who listens does not decide --------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("s3cret"), KeyError(TOKEN), AssertionError()])
async def test_a_listener_that_raises_does_not_break_the_call(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def raises(event: Event) -> None:
        raise error

    async with served(status("503 Busy"), on_event=raises) as (server, client):
        await make(client, "leads.search")
        assert server.arrived == 2
    lines = [record.getMessage() for record in caplog.records if record.name == "convoso_async"]
    assert f"on_event raised {type(error).__name__} for CallEnded" in lines
    assert "s3cret" not in caplog.text


async def coroutine(event: Event) -> None:
    """A listener that nobody would await."""


async def generator(event: Event) -> AsyncIterator[Event]:
    """A listener that nobody would iterate."""
    yield event


class Waiting:
    """A listener whose call is a coroutine."""

    async def __call__(self, event: Event) -> None: ...


@pytest.mark.parametrize("listener", [coroutine, partial(coroutine), generator, Waiting(), 7, "print"])
def test_a_listener_that_cannot_be_called_is_refused(listener: Any) -> None:
    with pytest.raises(ConfigurationError, match="on_event"):
        AsyncConvoso(TOKEN, on_event=listener)


async def test_the_log_says_little_and_only_when_asked(caplog: pytest.LogCaptureFixture) -> None:
    async with served(status("503 Busy")) as (server, client):
        await make(client, "leads.search")
        assert [record for record in caplog.records if record.name == "convoso_async"] == []
        caplog.set_level(logging.INFO, "convoso_async")
        server.faults.append(status("503 Busy"))
        await make(client, "leads.search")
        lines = [record.getMessage() for record in caplog.records if record.name == "convoso_async"]
        assert len(lines) == 1
        assert lines[0].startswith("leads.search attempt 1: ServerError, again in ")
        caplog.clear()
        caplog.set_level(logging.DEBUG, "convoso_async")
        await make(client, "leads.search")
        lines = [record.getMessage() for record in caplog.records if record.name == "convoso_async"]
        assert len(lines) == 1
        assert lines[0].startswith("leads.search attempt 1: 200 in ")


async def test_when_nobody_watches_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("an event that nobody gets")

    for kind in (Watch, *get_args(Event)):
        monkeypatch.setattr(kind, "__init__", never)
    async with served(status("503 Busy"), status("429 Slow")) as (server, client):
        await make(client, "leads.search")
        assert server.arrived == 3


def test_nobody_takes_everything() -> None:
    calls: dict[str, Callable[[], None]] = {
        "started": lambda: NOBODY.started(1),
        "ended": lambda: NOBODY.ended(1, ServerError("?")),
        "throttled": lambda: NOBODY.throttled(1, 0.1),
        "paused": lambda: NOBODY.paused(1, ServerError("?"), 0.1),
        "finished": lambda: NOBODY.finished(1, OutcomeUnknownError("?")),
        "cancelled": lambda: NOBODY.cancelled(1),
    }
    public = {name for name in vars(Watch) if not name.startswith("_")}
    assert public == set(calls) == {name for name in vars(Nobody) if not name.startswith("_")}
    for call in calls.values():
        call()
