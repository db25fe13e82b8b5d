"""What this package costs beside the others: `nox -s bench`, or `python -m benchmarks`.

The server is a process of its own; what is measured is the client. Bursts alternate in one run, so that the
ratios hold on a busy machine, where times do not: compare, do not quote.
"""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

import aiohttp
import orjson
from attrs import define, field

from . import decoding, imports
from .clients import BASE, SENDERS
from .measure import Cost, chart, in_turn, table
from .reading import one_page_at_a_time, streamed, with_prefetch

HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
VERSION = ".".join(platform.python_version_tuple()[:2])
ROWS_IN_WINDOW = 40_000


@define
class Run:
    """One run: how long it may take, and what it found, by name."""

    quick: bool
    million: bool
    found: dict[str, Cost] = field(factory=dict)
    figures: dict[str, float] = field(factory=dict)

    def rounds(self, many: int) -> int:
        """Fewer when it is to be quick."""
        return max(3, many // 4) if self.quick else many


@contextmanager
def server(rows: int) -> Iterator[str]:
    """A server in its own process, and its address."""
    arguments = [sys.executable, "-m", "benchmarks.server", "--rows", str(rows)]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


# -- the parts --------------------------------------------------------------------------------------


def inserts(run: Run) -> None:
    """One insert of eight fields, by each client, one at a time and 64 in flight."""
    with server(0) as url, ExitStack() as open_ones:
        senders = {name: open_ones.enter_context(sender(f"{url}/v1")) for name, sender in SENDERS.items()}
        for in_flight, count, rounds in ((1, 25, 96), (64, 256, 24)):
            bursts: dict[str, Callable[[], object]] = {
                name: lambda burst=burst: burst(count, in_flight)  # noqa: B023  # called in this turn
                for name, burst in senders.items()
            }
            costs = in_turn(bursts, base=BASE, rounds=run.rounds(rounds), each=count)
            how = "one at a time" if in_flight == 1 else f"{in_flight} in flight"
            show(run, f"One insert of eight fields, {how}; {BASE} = 1", f"insert, {how}", costs)
            for other in ("convoso_async", "requests"):
                name = f"insert, {how}: sync to {other.removeprefix('convoso_')}"
                run.figures[name] = costs["convoso_sync"].to(costs[other])


def rows(run: Run) -> None:
    """Rows out of bytes, and the memory that they hold."""
    costs = decoding.costs(run.rounds(40))
    title = "A row of 25 fields out of a page of 500; orjson.loads = 1"
    show(run, title, "row", {name: each for name, each in costs.items() if not name.startswith("8 pages")})
    title = "The same, eight pages being held as by prefetch(8); orjson.loads = 1"
    show(run, title, "row", {name: each for name, each in costs.items() if name.startswith("8 pages")})
    held = decoding.held()
    base = held["dicts of orjson"]
    print(
        table(
            "Memory that a row holds; dicts = 1",
            ["", "bytes", "ratio"],
            [[name, round(size), size / base] for name, size in held.items()],
        )
    )
    run.figures |= {f"row, held memory: {name}": size / base for name, size in held.items()}


def ahead(run: Run) -> None:
    """An export of 40,000 rows with 50 ms of latency."""
    with server(ROWS_IN_WINDOW) as url:
        times = {"bare aiohttp, one page at a time": one_page_at_a_time(f"{url}/wait-50", ROWS_IN_WINDOW)}
        for requests in (0, 8) if run.quick else (0, 2, 4, 8, 16):
            name = f"prefetch({requests})" if requests else "async for"
            times[name] = with_prefetch(f"{url}/wait-50", ROWS_IN_WINDOW, requests)
    slowest = times["bare aiohttp, one page at a time"]
    lines = [[name, took, slowest / took] for name, took in times.items()]
    print(table("40,000 rows, 500 a page, 50 ms of latency", ["", "seconds", "times as fast"], lines))
    run.figures |= {f"40,000 rows: {name}": slowest / took for name, took in times.items()}


def sizes(run: Run) -> None:
    """What a row costs in a long export, and what it adds to the memory."""
    counts = [1_000, 10_000, 100_000][: 2 if run.quick else 3] + [1_000_000] * run.million
    lines: list[list[object]] = []
    with server(max(counts)) as url:
        for count in counts:
            took = streamed(url, count)
            lines.append([f"{count:,} rows", took["cpu"] / count * 1e6, took["wall"], took["above"]])
            run.figures[f"{count:,} rows: MB above the start"] = took["above"]
    print(table("Streaming with async for", ["", "CPU µs a row", "seconds", "MB above the start"], lines))
    print(chart("CPU by size", {str(line[0]): cast("float", line[1]) for line in lines}, "µs a row"))


def in_flight(run: Run) -> None:
    """What an insert costs with more of them in flight."""
    with server(0) as url, ExitStack() as open_ones:
        burst = {
            name: open_ones.enter_context(SENDERS[name](f"{url}/v1")) for name in (BASE, "convoso_async")
        }
        shown: dict[str, float] = {}
        for several in (1, 4, 16, 64) if run.quick else (1, 2, 4, 8, 16, 32, 64):
            costs = in_turn(
                {name: lambda send=send: send(256, several) for name, send in burst.items()},  # noqa: B023  # called in this turn
                base=BASE,
                rounds=run.rounds(8),
                each=256,
            )
            shown[f"{several} in flight"] = costs["convoso_async"].cpu
            run.found[f"insert, {several} in flight (chart): convoso_async"] = costs["convoso_async"]
    print(chart("CPU of one insert by concurrency", shown, "µs"))


def starts(run: Run) -> None:
    """How long the import takes."""
    found = imports.times(run.rounds(16))
    print(
        table(
            "Imports, CPU above the bare interpreter",
            ["", "ms"],
            [[name, milliseconds] for name, milliseconds in found.items()],
        )
    )
    print("\nThe slowest in the package's own, by -X importtime:")
    print("\n".join(imports.slowest()))
    run.figures |= {f"import, ms: {name}": milliseconds for name, milliseconds in found.items()}


PARTS = {
    "inserts": inserts,
    "rows": rows,
    "ahead": ahead,
    "sizes": sizes,
    "in_flight": in_flight,
    "starts": starts,
}


# -- what comes of it -------------------------------------------------------------------------------


def show(run: Run, title: str, topic: str, costs: dict[str, Cost]) -> None:
    """A table of costs, which are noted."""
    run.found |= {f"{topic}: {name}": each for name, each in costs.items()}
    lines = [[name, each.cpu, each.wall, each.ratio, f"±{each.noise:.2f}"] for name, each in costs.items()]
    print(table(title, ["", "CPU µs", "wall µs", "ratio", ""], lines), flush=True)


def goals(run: Run) -> list[tuple[str, float, str]]:
    """What was promised, and how far it holds: name, figure, bound."""
    ratios = {name: each.ratio for name, each in run.found.items()} | run.figures
    parsed = 2.4 if sys.version_info >= (3, 13) else 2.7
    imported = max(60.0, ratios.get("import, ms: aiohttp, attrs, cattrs, anyio", 0) / 4)
    bounds = {
        "insert, one at a time: convoso_async": ("at most", 0.90),
        "insert, 64 in flight: convoso_async": ("at most", 0.85),
        "row: typed rows": ("at most", parsed),
        "row, held memory: typed rows": ("at most", 0.7),
        "40,000 rows: prefetch(8)": ("at least", 6.0),
        "import, ms: convoso_async and convoso_sync": ("at most", imported),
        "1,000,000 rows: MB above the start": ("at most", 15.0),
    }
    if sys.version_info >= (3, 12):
        bounds["insert, one at a time: sync to async"] = ("at most", 1.15)
        bounds["insert, one at a time: sync to requests"] = ("at most", 0.5)
    return [
        (name, ratios[name], f"{word} {bound:g}: {'yes' if holds(ratios[name], word, bound) else 'NO'}")
        for name, (word, bound) in bounds.items()
        if name in ratios
    ]


def holds(value: float, word: str, bound: float) -> bool:
    """Whether a figure keeps its bound."""
    return value <= bound if word == "at most" else value >= bound


def worse(run: Run, recorded: dict[str, float]) -> list[str]:
    """The ratios of this package that are worse than the recorded ones by more than noise: twice the spread
    of this run, and a twentieth.
    """
    return [
        f"{name}: {each.ratio:.2f} ±{each.noise:.2f}, recorded {recorded[name]:.2f}"
        for name, each in run.found.items()
        if name in recorded and each.ratio - 2 * each.noise > 1.05 * recorded[name]
    ]


RECORDED = ("convoso_async", "convoso_sync", "row: typed rows", "row: typed rows, changing keys")


def ours(run: Run) -> dict[str, float]:
    """The ratios that are recorded. Those of held pages are not: they depend on when the collector runs."""
    return {name: round(each.ratio, 3) for name, each in run.found.items() if name.endswith(RECORDED)}


def main() -> None:
    """Runs the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes")
    parser.add_argument("--million", action="store_true", help="also stream a million rows")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part, or several")
    parser.add_argument("--json", type=Path, default=HERE.parent / "build" / "bench.json", help="its file")
    parser.add_argument("--record", action="store_true", help="make these ratios the baseline of this Python")
    chosen = parser.parse_args()
    run = Run(quick=chosen.quick, million=chosen.million)
    print(f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}, orjson {orjson.__version__}")
    for part in chosen.only or PARTS:
        PARTS[part](run)
    if kept := goals(run):
        print(table("What was promised", ["", "figure", "bound"], kept))
    baselines: dict[str, dict[str, float]] = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    for line in worse(run, baselines.get(VERSION, {})):
        print(f"WORSE THAN RECORDED  {line}")
    write(
        chosen.json,
        {VERSION: {"costs": {k: vars_of(v) for k, v in run.found.items()}, "figures": run.figures}},
    )
    if chosen.record:
        write(BASELINE, baselines | {VERSION: baselines.get(VERSION, {}) | ours(run)})


def vars_of(cost: Cost) -> dict[str, float]:
    """A cost as JSON has it."""
    return {"cpu": cost.cpu, "wall": cost.wall, "ratio": cost.ratio, "noise": cost.noise}


def write(path: Path, content: object) -> None:
    """JSON in a file."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
