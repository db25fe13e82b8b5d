"""The tree of errors, and what each carries."""

import copy
import pickle
import re

import pytest

from convoso_async import errors
from convoso_async.errors import ConvosoError, OutcomeUnknownError, RateLimitError, ReplyError, ServerError

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, ConvosoError)
}
EVERYTHING = {
    "endpoint": "leads.insert",
    "attempts": 3,
    "outcome": "rejected",
    "status": 400,
    "body": '{"success": false}',
    "code": 6009,
    "text": "There",
    "description": "phone_number already there",
}


def drawn() -> dict[str, str]:
    """Each class and its parent, read from the drawing at the top of the module."""
    parents, above = {}, [""]
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│├└─ ]*)([A-Z]\w+Error)\b", line)
        if found:
            depth = len(found[1]) // 4
            above[depth + 1 :] = [found[2]]
            parents[found[2]] = above[depth]
    return parents


def test_the_drawing_is_the_tree() -> None:
    assert drawn() == {
        name: "" if cls is ConvosoError else cls.__mro__[1].__name__ for name, cls in CLASSES.items()
    }


@pytest.mark.parametrize("cls", CLASSES.values())
def test_an_error_carries_what_is_known(cls: type[ConvosoError]) -> None:
    error = cls("went wrong", **EVERYTHING)  # type: ignore[arg-type]
    assert EVERYTHING.items() <= vars(error).items()
    assert error.message == "went wrong"
    assert str(error) == "leads.insert: went wrong after 3 attempts"


@pytest.mark.parametrize("cls", CLASSES.values())
def test_without_anything_nothing_was_sent(cls: type[ConvosoError]) -> None:
    error = cls("went wrong")
    assert (error.endpoint, error.attempts, error.outcome, error.status) == (None, 0, "not_sent", None)
    assert (error.body, error.code, error.text, error.description) == (None, None, None, None)
    assert str(error) == "went wrong"


@pytest.mark.parametrize(
    ("endpoint", "attempts", "expected"),
    [
        (None, 1, "went wrong"),
        ("leads.insert", 0, "leads.insert: went wrong"),
        ("leads.insert", 1, "leads.insert: went wrong"),
        ("leads.insert", 2, "leads.insert: went wrong after 2 attempts"),
    ],
)
def test_the_text_says_where_and_how_often(endpoint: str | None, attempts: int, expected: str) -> None:
    assert expected == str(ConvosoError("went wrong", endpoint=endpoint, attempts=attempts))


@pytest.mark.parametrize("cls", CLASSES.values())
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_a_pickle(cls: type[ConvosoError], protocol: int) -> None:
    error = cls("went wrong", **EVERYTHING)  # type: ignore[arg-type]
    back = pickle.loads(pickle.dumps(error, protocol))
    assert type(back) is cls
    assert (str(error), vars(error)) == (str(back), vars(back))
    assert vars(error) == vars(copy.copy(error))


def test_an_unknown_outcome_keeps_its_reason_through_a_pickle() -> None:
    error = OutcomeUnknownError("went wrong", outcome="unknown")
    error.reason = ServerError
    assert pickle.loads(pickle.dumps(error)).reason is ServerError


@pytest.mark.parametrize(
    ("cls", "name", "expected"),
    [
        (RateLimitError, "retry_after", None),
        (ReplyError, "unreadable", False),
        (OutcomeUnknownError, "reason", ConvosoError),
    ],
)
def test_what_single_classes_add(cls: type[ConvosoError], name: str, expected: object) -> None:
    assert expected is getattr(cls("went wrong"), name)


def test_every_class_says_what_it_means() -> None:
    assert [name for name, cls in CLASSES.items() if not cls.__doc__] == []
