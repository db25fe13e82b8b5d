"""Again or not, and after how long."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from convoso_async.endpoint import IDEMPOTENT, READ, UNSAFE, Endpoint, Retry
from convoso_async.errors import (
    AuthenticationError,
    ConfigurationError,
    ConvosoAPIError,
    ConvosoConnectionError,
    ConvosoError,
    ConvosoHTTPError,
    ConvosoTimeoutError,
    DuplicateError,
    IncompleteError,
    InvalidRequestError,
    NotFoundError,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    RejectedError,
    ReplyError,
    ServerError,
)
from convoso_async.resources import callbacks, dnc, leads, sms_opt_out
from convoso_async.retry import (
    Budget,
    Policy,
    backoff,
    final_error,
    is_transient,
    may_repeat,
    retry_after,
    says_already,
)


def call(retry: Retry, *, urgent: bool = False) -> Endpoint[Any]:
    return Endpoint(id="x.y", path="/x", retry=retry, params=dict, result=object, urgent=urgent)


def unreadable(outcome: Outcome = "unknown") -> ReplyError:
    error = ReplyError("cut off", outcome=outcome)
    error.unreadable = True
    return error


TRANSIENT = [ConvosoConnectionError, ConvosoTimeoutError, RateLimitError, ServerError]
FINAL = [
    AuthenticationError,
    ConfigurationError,
    ConvosoAPIError,
    ConvosoError,
    ConvosoHTTPError,
    DuplicateError,
    IncompleteError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RedirectError,
    RejectedError,
    ReplyError,
]


@pytest.mark.parametrize("cls", TRANSIENT)
def test_what_may_pass_is_tried_again(cls: type[ConvosoError]) -> None:
    assert is_transient(cls("?"))


@pytest.mark.parametrize("cls", FINAL)
def test_what_stays_is_not(cls: type[ConvosoError]) -> None:
    assert not is_transient(cls("?"))
    for retry in Retry:
        assert Policy(5, lambda: 0.5).pause(call(retry, urgent=True), cls("?"), 1, 100.0) is None


def test_an_unreadable_reply_may_pass() -> None:
    assert is_transient(unreadable())


@pytest.mark.parametrize(
    ("retry", "error", "expected"),
    [
        (READ, ConvosoTimeoutError("?", outcome="unknown"), True),
        (READ, ConvosoConnectionError("?", outcome="not_sent"), True),
        (READ, ServerError("?", outcome="unknown"), True),
        (READ, RateLimitError("?", outcome="rejected"), True),
        (READ, unreadable(), True),
        (READ, unreadable("applied"), True),
        (IDEMPOTENT, ConvosoTimeoutError("?", outcome="unknown"), True),
        (IDEMPOTENT, ConvosoConnectionError("?", outcome="not_sent"), True),
        (IDEMPOTENT, ServerError("?", outcome="unknown"), True),
        (IDEMPOTENT, RateLimitError("?", outcome="rejected"), True),
        (IDEMPOTENT, unreadable(), True),
        (IDEMPOTENT, unreadable("applied"), False),
        (UNSAFE, ConvosoTimeoutError("?", outcome="unknown"), False),
        (UNSAFE, ConvosoTimeoutError("?", outcome="not_sent"), True),
        (UNSAFE, ConvosoConnectionError("?", outcome="unknown"), False),
        (UNSAFE, ConvosoConnectionError("?", outcome="not_sent"), True),
        (UNSAFE, ServerError("?", outcome="unknown"), False),
        (UNSAFE, RateLimitError("?", outcome="rejected"), True),
        (UNSAFE, unreadable(), False),
        (UNSAFE, unreadable("applied"), False),
    ],
)
def test_a_call_is_repeated_where_that_cannot_do_it_twice(
    retry: Retry, error: ConvosoError, expected: bool
) -> None:
    assert expected is may_repeat(retry, error)
    pause = Policy(2, lambda: 0.5).pause(call(retry), error, 1, 100.0)
    assert expected is (pause is not None)


@given(
    st.sampled_from([ConvosoConnectionError, ConvosoTimeoutError, ServerError, ReplyError]),
    st.sampled_from(["rejected", "unknown", "applied"]),
    st.booleans(),
    st.integers(1, 100),
)
def test_an_unsafe_call_that_may_have_arrived_is_never_repeated(
    cls: type[ConvosoError], outcome: Outcome, urgent: bool, attempt: int
) -> None:
    error = cls("?", outcome=outcome)
    if isinstance(error, ReplyError):
        error.unreadable = True
    assert Policy(100, lambda: 0.0).pause(call(UNSAFE, urgent=urgent), error, attempt, 1e9) is None


@pytest.mark.parametrize(("max_retries", "attempts"), [(0, 0), (1, 1), (2, 2), (5, 5)])
def test_there_are_as_many_attempts_as_the_client_allows(max_retries: int, attempts: int) -> None:
    policy = Policy(max_retries, lambda: 0.5)
    error = ServerError("?", outcome="unknown")
    assert attempts == sum(policy.pause(call(READ), error, n, 1e9) is not None for n in range(1, 20))


def test_an_urgent_call_goes_on_until_the_deadline() -> None:
    policy = Policy(0, lambda: 1.0)
    error = ServerError("?", outcome="unknown")
    assert policy.pause(call(IDEMPOTENT, urgent=True), error, 50, 21.0) == 20.0
    assert policy.pause(call(IDEMPOTENT, urgent=True), error, 50, 20.0) is None


def test_no_pause_reaches_past_the_deadline() -> None:
    policy = Policy(5, lambda: 1.0)
    error = ServerError("?", outcome="unknown")
    assert policy.pause(call(READ), error, 1, 0.26) == 0.25
    assert policy.pause(call(READ), error, 1, 0.25) is None
    assert policy.pause(call(READ), error, 1, -1.0) is None


@pytest.mark.parametrize(
    ("attempt", "chance", "expected"),
    [
        (1, 0.0, 0.0),
        (1, 1.0, 0.25),
        (2, 1.0, 0.5),
        (3, 1.0, 1.0),
        (3, 0.5, 0.5),
        (8, 1.0, 20.0),
        (5_000, 1.0, 20.0),
    ],
)
def test_pauses_double_up_to_a_bound(attempt: int, chance: float, expected: float) -> None:
    assert expected == backoff(ServerError("?"), attempt, chance)


@pytest.mark.parametrize(
    ("retry_after", "attempt", "chance", "expected"),
    [
        (None, 1, 1.0, 1.0),
        (None, 3, 1.0, 4.0),
        (None, 9, 1.0, 20.0),
        (7.0, 1, 0.0, 7.0),
        (7.0, 9, 1.0, 7.25),
        (300.0, 1, 0.0, 300.0),
        (0.0, 1, 0.0, 0.0),
    ],
)
def test_a_time_that_the_service_named_is_waited_for_in_full(
    retry_after: float | None, attempt: int, chance: float, expected: float
) -> None:
    error = RateLimitError("?")
    error.retry_after = retry_after
    assert expected == backoff(error, attempt, chance)


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from(TRANSIENT))
def test_a_pause_is_never_negative_nor_long(attempt: int, chance: float, cls: type[ConvosoError]) -> None:
    assert 0 <= backoff(cls("?"), attempt, chance) <= 20


# -- how long the service wants us to wait, and how much we may ask of it ----------------------------

NOW = 1_752_508_920.0  # Mon, 14 Jul 2025 16:02:00 GMT


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 7 "}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Mon, 14 Jul 2025 16:02:30 GMT"}, 30.0),
        ({"Retry-After": "Mon, 14 Jul 2025 18:02:30 +0200"}, 30.0),
        ({"Retry-After": "Mon, 14 Jul 2025 16:01:00 GMT"}, 0.0),
        # by the clock of the service, where it says what that shows
        ({"Retry-After": "Mon, 14 Jul 2025 17:00:05 GMT", "Date": "Mon, 14 Jul 2025 17:00:00 GMT"}, 5.0),
        ({"Retry-After": "Mon, 14 Jul 2025 16:02:30 GMT", "Date": "today"}, 30.0),
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "-7"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "7.5.1"}, None),
        ({"Retry-After": "٧"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": f"Mon, {'9' * 30} Jul 2025 16:02:30 GMT"}, None),
        ({"Retry-After": f"Mon, 14 Jul 2025 16:02:30 +{'9' * 30}"}, None),
        ({"Date": "Mon, 14 Jul 2025 16:02:00 GMT"}, None),
    ],
)
def test_the_service_names_a_time(headers: dict[str, str], expected: float | None) -> None:
    assert expected == retry_after(headers, lambda: NOW)


@given(st.text(), st.text())
def test_any_header_is_a_time_or_none(named: str, sent: str) -> None:
    seconds = retry_after({"Retry-After": named, "Date": sent}, lambda: NOW)
    assert seconds is None or seconds >= 0


def test_retries_end_when_the_budget_is_spent() -> None:
    budget = Budget(3, earned=0.5)
    assert [budget.spend() for _ in range(5)] == [True, True, True, False, False]
    budget.earn()
    assert not budget.spend()
    budget.earn()
    assert [budget.spend(), budget.spend()] == [True, False]


def test_good_replies_fill_the_budget_and_no_more() -> None:
    budget = Budget(2)
    for _ in range(1_000):
        budget.earn()
    assert [budget.spend() for _ in range(3)] == [True, True, False]


# -- a repeat that finds it done --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "code", "text", "expected"),
    [
        (dnc.INSERT, 6008, "Phone is on DNC", True),
        (dnc.INSERT, 6008, None, True),
        (dnc.INSERT, 6007, "Entry already exists", True),
        (dnc.INSERT, 6007, "Invalid phone number", False),
        (dnc.INSERT, 6007, None, False),
        (dnc.INSERT, 6007, "Phone number exists", True),
        (dnc.INSERT, 6007, "It already exists, so it was not added", True),
        (dnc.INSERT, 6007, "Duplicate entry", True),
        (dnc.INSERT, 6007, "Phone number does not exist", False),
        (dnc.INSERT, 6007, "Phone number doesn't exist", False),
        (dnc.INSERT, 6007, "No such number exists", False),
        (dnc.INSERT, 6026, "Already", False),
        (sms_opt_out.INSERT, 6008, "?", True),
        (sms_opt_out.INSERT, 6007, "Phone number already exists", True),
        (sms_opt_out.INSERT, 6007, "Phone number is not valid", False),
        (sms_opt_out.INSERT, None, "Phone already in SMS opt-out", True),
        (sms_opt_out.INSERT, None, "phone already in SMS opt-out.", True),
        (sms_opt_out.INSERT, None, "Campaign not found", False),
        (sms_opt_out.INSERT, None, "?", False),
        (sms_opt_out.INSERT, None, None, False),
        (sms_opt_out.INSERT, "6008", "?", False),
        (leads.DELETE, 6001, "No lead", True),
        (leads.UPDATE, 6001, "No lead", False),
        (leads.INSERT, 6009, "Lead already exists", False),
        (leads.INSERT, None, "Lead already exists", False),
        (callbacks.DELETE, None, "Callback not found", True),
        (callbacks.DELETE, 6074, "Callback not found", True),
        (callbacks.DELETE, 6073, "?", False),
        (dnc.UPDATE, 6008, "Phone is on DNC", False),
    ],
)
def test_a_refusal_on_a_repeat_may_say_that_it_is_done(
    endpoint: Endpoint[Any], code: int | str | None, text: str | None, expected: bool
) -> None:
    assert expected is says_already(endpoint, ConvosoAPIError("?", code=code, text=text))


# -- the error at the end ---------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [ConvosoConnectionError, ConvosoTimeoutError, ServerError, ReplyError])
def test_an_unsafe_call_with_an_unknown_outcome_says_so(cls: type[ConvosoError]) -> None:
    error = cls("no reply", endpoint="x.y", attempts=2, outcome="unknown", status=502, body="<html>", code=5)
    unknown = final_error(call(UNSAFE), error)
    assert type(unknown) is OutcomeUnknownError
    assert unknown.reason is cls
    assert vars(error).items() <= vars(unknown).items()
    assert "look before sending it again: no reply" in str(unknown)


def test_an_unsafe_call_that_was_applied_and_gave_no_id_says_so() -> None:
    got = final_error(call(UNSAFE), unreadable("applied"))
    assert isinstance(got, OutcomeUnknownError)
    assert (got.reason, got.outcome) == (ReplyError, "applied")
    assert "it was applied; look before sending it again" in str(got)


@pytest.mark.parametrize("outcome", ["not_sent", "rejected"])
def test_a_known_outcome_keeps_its_class(outcome: Outcome) -> None:
    error = ConvosoConnectionError("?", outcome=outcome)
    assert error is final_error(call(UNSAFE), error)


@pytest.mark.parametrize("retry", [READ, IDEMPOTENT])
def test_a_call_that_may_be_repeated_raises_the_specific_class(retry: Retry) -> None:
    error = ServerError("?", outcome="unknown")
    assert error is final_error(call(retry), error)
