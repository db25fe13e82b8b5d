"""How much memory a long export takes: a million call logs, with `async for` and with `prefetch(8)`.

    python benchmarks/export_memory.py [--rows 1000000] [--latency 0]

The service is a simulator in a process of its own, and each way to read has a fresh process too. What counts
is the peak of the resident memory above its size before the first call, with everything imported.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time

from convoso_async import AsyncConvoso
from convoso_async.simulator import Simulator, serve

LIMIT = 40
WAYS = {"async for": 0, "prefetch(8)": 8}


def serve_calls(rows: int, latency: float) -> None:
    """Serves an account with so many calls, and prints its URL and token."""
    simulator = Simulator(call_logs=rows, latency=latency, days=90)
    serve(simulator, ready=lambda running: print(running.url, running.token, flush=True))


def resident() -> float:
    """The peak of this process's resident memory so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


async def export(url: str, token: str, ahead: int) -> dict[str, float]:
    """Reads every call once, and tells what it took."""
    async with AsyncConvoso(token, base_url=url) as client:
        await client.call_logs.retrieve(limit=1)  # what the first call imports is no part of the export
        before, began = resident(), time.perf_counter()
        pager = client.call_logs.retrieve_all()
        rows = 0
        if ahead:
            async with pager.prefetch(ahead) as calls:
                async for _ in calls:
                    rows += 1
        else:
            async for _ in pager:
                rows += 1
        took = time.perf_counter() - began
        assert pager.report.complete
        assert pager.report.rows == rows == pager.report.expected
        return {
            "rows": rows,
            "windows": pager.report.windows,
            "requests": pager.report.requests,
            "seconds": took,
            "start": before,
            "above": resident() - before,
        }


def measured(url: str, token: str, ahead: int) -> dict[str, float]:
    """What an export takes, in a process of its own."""
    child = [sys.executable, __file__, "--export", url, token, str(ahead)]
    figures: dict[str, float] = json.loads(subprocess.run(child, check=True, capture_output=True).stdout)
    return figures


def main(rows: int, latency: float) -> int:
    """Prints a line for each way to read. 1 when one of them took too much."""
    service = subprocess.Popen(
        [sys.executable, __file__, "--serve", "--rows", str(rows), "--latency", str(latency)],
        stdout=subprocess.PIPE,
        text=True,
    )
    heaviest = 0.0
    try:
        assert service.stdout is not None
        url, token = service.stdout.readline().split()
        titles = ("", "rows", "windows", "requests", "seconds", "MB before", "MB above")
        print("{:12} {:>9} {:>7} {:>8} {:>7} {:>9} {:>8}".format(*titles))
        for way, ahead in WAYS.items():
            took = measured(url, token, ahead)
            heaviest = max(heaviest, took["above"])
            print(
                f"{way:12} {took['rows']:9,} {took['windows']:7} {took['requests']:8,}"
                f" {took['seconds']:7.1f} {took['start']:9.1f} {took['above']:8.1f}"
            )
    finally:
        service.terminate()
        service.wait()
    print(f"limit: {LIMIT} MB above the start")
    return int(heaviest >= LIMIT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--export", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve_calls(given.rows, given.latency)
    elif given.export:
        print(json.dumps(asyncio.run(export(given.export[0], given.export[1], int(given.export[2])))))
    else:
        sys.exit(main(given.rows, given.latency))
