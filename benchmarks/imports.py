"""How long it takes to import the package, and what in it takes longest."""

import re
import statistics
import subprocess
import sys
from resource import RUSAGE_CHILDREN, getrusage

PROGRAMS = {
    "convoso_async": "from convoso_async import AsyncConvoso",
    "convoso_async and convoso_sync": (
        "from convoso_async import AsyncConvoso; from convoso_sync import Convoso"
    ),
    "aiohttp, attrs, cattrs, anyio": "import aiohttp, attrs, cattrs, anyio",
}


def times(rounds: int) -> dict[str, float]:
    """Milliseconds of CPU above the bare interpreter, medians of fresh processes in turn."""
    programs = {"": "pass", **PROGRAMS}
    spent: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            before = getrusage(RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", program], check=True)
            after = getrusage(RUSAGE_CHILDREN)
            took = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            spent[name].append(took * 1_000)
    bare = statistics.median(spent.pop(""))
    return {name: statistics.median(each) - bare for name, each in spent.items()}


def slowest(count: int = 8) -> list[str]:
    """The lines of `-X importtime` with the most time of their own."""
    program = PROGRAMS["convoso_async and convoso_sync"]
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program], check=True, capture_output=True, text=True
    )
    lines = [line for line in run.stderr.splitlines() if re.match(r"import time: +\d", line)]
    lines.sort(key=lambda line: int(line.split(":")[1].split("|")[0]), reverse=True)
    return lines[:count]
