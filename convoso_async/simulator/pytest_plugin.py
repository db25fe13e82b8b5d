"""The pytest fixture `convoso_simulator`: a fresh small simulator, started, for sync and async tests.

def test_mine(convoso_simulator):
    client = Convoso(auth_token=convoso_simulator.token, base_url=convoso_simulator.url)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .simulator import Simulator


@pytest.fixture
def convoso_simulator() -> Iterator[Simulator]:
    """A running simulator with 100 call logs and 20 leads, whose settings a test may change."""
    # Imported on first use: the plugin is loaded in every test run where the package is installed.
    from .simulator import Simulator

    with Simulator(call_logs=100, leads=20) as simulator:
        yield simulator
