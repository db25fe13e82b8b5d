"""Receiving webhooks needs no framework, and importing the names no more than they need."""

import json
import subprocess
import sys

import pytest

import convoso_async
from convoso_async import connect

HEAVY = {"aiohttp", "anyio", "cattrs", "yarl"}
FRAMEWORKS = {"fastapi", "starlette", "uvicorn", "flask", "werkzeug", "django"}


def imported_by(program: str) -> set[str]:
    """The modules that are loaded at the end of a program."""
    tail = "; import json, sys; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program + tail], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    ("program", "heavy"),
    [
        ("from convoso_async import connect; dir(connect)", set()),
        ("from convoso_async.connect import *", set()),
        ("from convoso_async import connect; connect.Receiver('hush', print)", {"cattrs"}),
        ("from convoso_async import connect; connect.parse('a=1')", {"cattrs"}),
    ],
)
def test_what_is_loaded(program: str, heavy: set[str]) -> None:
    assert imported_by(program) & (HEAVY | FRAMEWORKS) == heavy


def test_the_public_names() -> None:
    assert connect.__all__ == [
        *("ConnectEvent", "PayloadError", "Receiver", "WorkflowAction", "WorkflowEvent"),
        *("call_log", "lead", "parse"),
    ]
    assert dir(connect) == connect.__all__
    for name in connect.__all__:
        assert getattr(connect, name).__doc__
    with pytest.raises(AttributeError):
        connect.Reciever  # type: ignore[attr-defined]  # noqa: B018
    assert "connect" not in convoso_async.__all__
