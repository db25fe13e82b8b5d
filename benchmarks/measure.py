"""Bursts in turn, and what is made of them: medians, ratios, and how far to trust them."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen


@frozen
class Cost:
    """What one thing costs.

    Attributes:
        cpu: microseconds of this process's time for each, the median of the bursts.
        wall: microseconds that passed.
        ratio: the median, over all rounds, of its CPU time to that of the base in the same round.
        noise: half the distance between the quartiles of that ratio.
        bursts: the CPU time for each in every round.
    """

    cpu: float
    wall: float
    ratio: float
    noise: float
    bursts: tuple[float, ...] = ()

    def to(self, other: "Cost") -> float:
        """The median, over the rounds of one run, of this CPU time to another's."""
        return statistics.median(mine / its for mine, its in zip(self.bursts, other.bursts, strict=True))


def in_turn(
    bursts: Mapping[str, Callable[[], object]], *, base: str, rounds: int, each: Mapping[str, int] | int
) -> dict[str, Cost]:
    """Runs bursts one after another, round by round, so that what disturbs one disturbs all.

    `each` is how many things one burst does. The first round is not counted.
    """
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in bursts}
    for turn in range(rounds + 1):
        for name, burst in bursts.items():
            cpu, wall = time.process_time(), time.perf_counter()
            burst()
            if turn:
                count = each if isinstance(each, int) else each[name]
                took = time.process_time() - cpu, time.perf_counter() - wall
                spent[name].append((took[0] / count * 1e6, took[1] / count * 1e6))
    return {name: cost(times, spent[base]) for name, times in spent.items()}


def cost(times: Sequence[tuple[float, float]], base: Sequence[tuple[float, float]]) -> Cost:
    """What the bursts of one thing say."""
    ratios = [mine[0] / its[0] for mine, its in zip(times, base, strict=True)]
    low, middle, high = (
        statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    )
    return Cost(
        cpu=statistics.median(cpu for cpu, _ in times),
        wall=statistics.median(wall for _, wall in times),
        ratio=middle,
        noise=(high - low) / 2,
        bursts=tuple(cpu for cpu, _ in times),
    )


# -- what is shown ----------------------------------------------------------------------------------


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of text, its first column to the left and numbers to the right."""
    cells = [[*columns], *([shown(value) for value in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) if not place else cell.rjust(width) for place, (cell, width) in parts)
        for parts in (list(enumerate(zip(row, widths, strict=True))) for row in cells)
    ]
    return "\n".join(["", title, lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def shown(value: object) -> str:
    """A number with three digits that count."""
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 10 else f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def chart(title: str, values: Mapping[str, float], unit: str) -> str:
    """Bars of text, the longest 40 wide."""
    longest, widest = max(values.values()), max(map(len, values))
    bars = [
        f"{name.rjust(widest)}  {'█' * max(1, round(40 * value / longest))} {shown(value)} {unit}"
        for name, value in values.items()
    ]
    return "\n".join(["", title, *bars])
