"""Building a client is cheap: what takes long to import waits for the first call."""

import json
import subprocess
import sys

import pytest

from .uncounted import uncounted

HEAVY = ("aiohttp", "anyio", "asyncio", "cattrs", "multidict", "orjson", "yarl")


def imported_by(program: str) -> set[str]:
    """The modules that are loaded at the end of a program."""
    tail = "; import json, sys; print(json.dumps(sorted(sys.modules)))"
    words = [sys.executable, "-c", program + tail]
    run = subprocess.run(words, env=uncounted(), capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    "program",
    [
        "import convoso_async",
        "from convoso_async import AsyncConvoso",
        "from convoso_async import AsyncConvoso; AsyncConvoso('t')",
        "from convoso_async import AsyncConvoso; AsyncConvoso('t', proxy='http://a.example.org', ssl=False)",
        "from convoso_async import AsyncConvoso; repr(AsyncConvoso('t')), dir(AsyncConvoso('t'))",
        "from convoso_async import AsyncConvoso, ConvosoError, RateLimitError",
        "from convoso_sync import Convoso",
        "from convoso_sync import Convoso; Convoso('t')",
    ],
)
def test_a_client_loads_nothing_heavy(program: str) -> None:
    assert imported_by(program) & set(HEAVY) == set()


@pytest.mark.parametrize(
    "program", ["from convoso_async import AsyncConvoso", "from convoso_sync import Convoso"]
)
def test_an_import_loads_not_even_what_builds_a_client(program: str) -> None:
    assert imported_by(program) & {"attrs", "inspect", "urllib.parse", "zoneinfo"} == set()


def test_the_resources_wait_for_their_use() -> None:
    modules = imported_by("from convoso_async import AsyncConvoso; client = AsyncConvoso('t'); client.leads")
    resources = {name for name in modules if name.startswith("convoso_async.resources.")}
    assert resources == {"convoso_async.resources.leads"}


def test_the_names_come_on_their_first_use() -> None:
    modules = imported_by("import convoso_async")
    assert {name for name in modules if name.startswith("convoso_async.")} == {"convoso_async.public_names"}
