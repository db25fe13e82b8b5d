"""What a job tells while it runs."""

import io
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from convoso_async import AsyncConvoso, jobs
from convoso_async.jobs import Progress, rich_bar
from convoso_async.jobs.progress import Meter, counts, pace
from convoso_async.simulator import Simulator


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_pace_is_that_of_the_last_seconds() -> None:
    clock, told = Clock(), list[Progress]()
    meter = Meter(told.append, clock, total=1_000)
    for second in range(1, 31):
        clock.now += 1
        meter.tell(done=second if second <= 15 else 15 + 10 * (second - 15))
    assert told[9].per_second == 1
    assert told[-1].per_second == 10
    assert told[-1].remaining == (1_000 - 165) / 10


def test_what_earlier_runs_did_is_no_pace() -> None:
    clock, told = Clock(), list[Progress]()
    meter = Meter(told.append, clock, total=100)
    clock.now += 2
    meter.tell(done=54, failed=2, earlier=50)
    assert (told[0].ended, told[0].per_second, told[0].remaining) == (56, 3, 44 / 3)


def test_it_tells_at_most_ten_times_a_second_and_always_at_the_end() -> None:
    clock, told = Clock(), list[Progress]()
    meter = Meter(told.append, clock)
    for number in range(1_000):
        clock.now += 0.001
        meter.tell(done=number)
    meter.tell(done=1_000, finished=True)
    assert 10 <= len(told) <= 12
    assert (told[-1].done, told[-1].finished, told[-1].remaining) == (1_000, True, None)


def test_each_phase_has_a_pace_of_its_own_and_the_last_telling_that_of_all() -> None:
    clock, told = Clock(), list[Progress]()
    meter = Meter(told.append, clock)
    meter.enter("reading", 500)
    clock.now += 1
    meter.tell(done=500)
    meter.enter("writing", 10)
    clock.now += 4
    meter.tell(done=8)
    meter.enter(None, 10)
    meter.tell(done=10, finished=True)
    assert [(one.phase, one.total, one.per_second) for one in told] == [
        ("reading", 500, 500.0),
        ("writing", 10, 2.0),
        (None, 10, 2.0),
    ]


def names_in(folder: Path) -> list[str]:
    return [found.name for found in folder.iterdir()]


async def tells(progress: Progress) -> None:
    """Nobody would await it."""


@pytest.mark.parametrize(
    ("progress", "told"), [(tells, "plain function"), ("bar", "not str"), (7, "not int")]
)
async def test_what_cannot_be_told_is_refused_before_anything_is_sent(
    progress: Any, told: str, convoso_simulator: Simulator, tmp_path: Path
) -> None:
    sim = convoso_simulator
    async with AsyncConvoso(sim.token, base_url=sim.url) as client:
        begun: list[Coroutine[Any, Any, object]] = [
            jobs.run(client.leads.update, [{"lead_id": 1}], progress=progress),
            jobs.import_leads(client, [{"phone_number": "2125550123"}], list_id=1, progress=progress),
            jobs.sync_dnc(client, ["2125550123"], progress=progress),
            jobs.export(client.call_logs.retrieve_all(), tmp_path / "calls.csv", progress=progress),
            jobs.download_recordings(client, [], tmp_path / "recordings", progress=progress),
        ]
        for job in begun:
            with pytest.raises(TypeError, match=f"progress must be .*{told}"):
                await job
    assert sim.requests == []
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("progress", "words", "speed"),
    [
        (Progress(done=1_200, failed=3, total=5_000), "1,203 of 5,000, 3 failed", "0.0/s"),
        (Progress(unknown=1, skipped=2), "3, 1 unknown, 2 skipped", "0.0/s"),
        (Progress(per_second=48.2, remaining=80.4), "0", "48/s, 1:20 left"),
        (Progress(per_second=2.25, remaining=3_661), "0", "2.2/s, 1:01:01 left"),
        (Progress(per_second=2.0, remaining=0.0, finished=True), "0", "2.0/s"),
    ],
)
def test_the_words_of_a_bar(progress: Progress, words: str, speed: str) -> None:
    assert (counts(progress), pace(progress)) == (words, speed)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_shows_on_a_terminal_alone(terminal: bool) -> None:
    screen = io.StringIO()
    bar = rich_bar("leads", console=Console(file=screen, force_terminal=terminal, width=100))
    bar(Progress(done=1, total=2, per_second=1.0))
    bar(Progress(done=2, total=2, per_second=1.0, phase="reading", finished=True))
    shown = screen.getvalue()
    assert ("leads reading" in shown, "2 of 2" in shown) == (terminal, terminal)
    assert bool(shown.strip()) is terminal


def test_rich_is_loaded_by_the_first_bar_alone() -> None:
    program = (
        "import sys; from convoso_async.jobs import rich_bar; rich_bar('x'); print('rich' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
