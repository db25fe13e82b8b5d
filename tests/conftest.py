import gc
import importlib.util
import inspect
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import aioresponses.core
import pytest
from hypothesis import settings

import convoso_async

# Time limits per example only measure the machine, and the coverage tracer.
settings.register_profile("convoso", deadline=None, print_blob=True)
settings.load_profile("convoso")

# A shell has what it runs in the background ignore Ctrl-C, and that is inherited.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The type checkers are in the environment of `nox -s typing` alone: what they say of the same files does not
# change from Python to Python.
collect_ignore = [] if importlib.util.find_spec("mypy") else ["test_typing.py"]


def pytest_report_header() -> str:
    return f"convoso_async: {Path(convoso_async.__file__).parent}"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONVOSO_AUTH_TOKEN", "CONVOSO_BASE_URL", "CONVOSO_TIMEZONE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module", autouse=True)
def _leaks_show_in_their_own_module() -> Iterator[None]:
    """Collect garbage after each test file: a socket left open in a cycle fails that file, no later one."""
    yield
    gc.collect()


def lacks_stream_writer(source: str) -> bool:
    """Tell whether this source of `aioresponses.core` builds replies in a way that this aiohttp refuses.

    aiohttp 3.14 made `stream_writer` a required argument of ClientResponse; aioresponses 0.7.9 does not
    pass it.
    """
    wanted = inspect.signature(aiohttp.ClientResponse.__init__).parameters
    return "stream_writer" in wanted and "stream_writer" not in source


if lacks_stream_writer(inspect.getsource(aioresponses.core)):
    aioresponses.core.ClientResponse = partial(
        aiohttp.ClientResponse, stream_writer=SimpleNamespace(output_size=0)
    )


@pytest.fixture
def stream_writer_rule() -> Callable[[str], bool]:
    """Give the shim's rule to its test."""
    return lacks_stream_writer
