"""Processes that share a rate, and what the simulator saw of them."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import attrs

from convoso_async.simulator import Simulator
from convoso_async.simulator.service import Request

SHARER = Path(__file__).with_name("rate_sharer.py")


def simulator(**switches: Any) -> Simulator:
    """A small account with the sharers' token."""
    return Simulator(call_logs=0, leads=0, token="invented", **switches)


@contextmanager
def sharers(url: str, at: object, per_second: float, seconds: float, count: int = 4) -> Iterator[list[Any]]:
    """So many processes at work. They are ready before the first of them begins, and gone at the end."""
    words = [sys.executable, "-W", "error", str(SHARER), url, str(at), str(per_second), str(seconds)]
    started = [
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    try:
        assert [process.stdout.readline() for process in started if process.stdout] == ["ready\n"] * count
        for process in started:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def answered(processes: Sequence["subprocess.Popen[str]"]) -> list[int]:
    """How many calls of each process were answered, once all have come to their ends."""
    said = [process.communicate(timeout=90) for process in processes]
    assert [(process.returncode, errors) for process, (_, errors) in zip(processes, said, strict=True)] == [
        (0, "")
    ] * len(processes)
    return [int(out) for out, _ in said]


def about(per_second: float, measured: float) -> bool:
    """Whether a rate was kept: never exceeded, and used as far as a busy machine allows."""
    return 0.7 * per_second < measured < 1.05 * per_second


@attrs.frozen
class Seen:
    """What came of a stretch of time at the service."""

    requests: Sequence[Request]

    @classmethod
    def of(cls, sim: Simulator, since: float = 0.0, until: float = float("inf")) -> Self:
        """The paced calls that came between two times."""
        found = [one for one in sim.requests if one.endpoint_id == "campaigns.search"]
        begun = found[0].time
        return cls([one for one in found if since <= one.time - begun < until])

    @property
    def throttled(self) -> float:
        """The share of the requests that had a 429."""
        return sum(one.status == 429 for one in self.requests) / len(self.requests)

    def good(self, seconds: float) -> float:
        """Good replies a second."""
        return sum(one.status == 200 for one in self.requests) / seconds

    @property
    def per_second(self) -> float:
        """Requests a second, from the first to the last."""
        return (len(self.requests) - 1) / (self.requests[-1].time - self.requests[0].time)

    @property
    def gaps(self) -> list[float]:
        """Seconds between two requests, the shortest first."""
        return sorted(after.time - before.time for before, after in pairwise(self.requests))
