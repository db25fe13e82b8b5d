"""The scenarios of the async wire tests, through the sync package."""

from typing import Any

import pytest

from convoso_sync import Convoso

from .. import test_wire
from ..both import Awaited, connect_sync
from ..test_wire import *  # noqa: F403  # its tests, and the fixtures that they name
from ..test_wire import _no_pauses as _no_pauses

# One page is looked ahead here, so that one request more goes out: see `test_an_early_break_stops_at_once`.
test_a_pager_stops_at_max_rows_and_on_an_early_break = None


@pytest.fixture(autouse=True)
def _through_the_sync_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*given: Any, **settings: Any) -> Awaited:
        return Awaited(Convoso(*given, **settings))

    monkeypatch.setattr(test_wire, "client_of", connect_sync)
    monkeypatch.setattr(test_wire, "AsyncConvoso", connect)


def test_the_scenarios_are_here() -> None:
    there = {name for name in vars(test_wire) if name.startswith("test_")}
    here = {name for name, value in globals().items() if name.startswith("test_") and value is not None}
    assert there - here == {"test_a_pager_stops_at_max_rows_and_on_an_early_break"}
    assert len(there) > 40
