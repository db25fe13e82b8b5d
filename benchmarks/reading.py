"""Exports of call logs: how fast with pages read ahead, and what a long one costs."""

import asyncio
import json
import resource
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import orjson

from convoso_async import AsyncConvoso

from .pages import CALLS_A_SECOND, FIRST_CALL

PAGE = 500
TOKEN = "benchmark-token"


def last_call(rows: int) -> datetime:
    """The second of the last call."""
    return FIRST_CALL + timedelta(seconds=(rows - 1) // CALLS_A_SECOND)


def one_page_at_a_time(url: str, rows: int) -> float:
    """Seconds for a loop over offsets with bare aiohttp and orjson."""

    async def read() -> int:
        got = 0
        async with aiohttp.ClientSession() as session:
            while got < rows:
                form = {"auth_token": TOKEN, "limit": PAGE, "offset": got, "order": "asc"}
                async with session.post(f"{url}/log/retrieve", data=form) as response:
                    got += len(orjson.loads(await response.read())["data"]["results"])
        return got

    began = time.perf_counter()
    assert asyncio.run(read()) == rows
    return time.perf_counter() - began


def with_prefetch(url: str, rows: int, requests: int) -> float:
    """Seconds for the pager, with so many requests in flight; 0 for `async for`."""
    began = time.perf_counter()
    assert asyncio.run(stream(url, rows, requests)) == rows
    return time.perf_counter() - began


async def stream(url: str, rows: int, requests: int = 0) -> int:
    """Reads so many rows and drops them."""
    got = 0
    async with AsyncConvoso(TOKEN, base_url=url) as client:
        pager = client.call_logs.retrieve_all(start_time=FIRST_CALL, end_time=last_call(rows))
        if requests:
            async with pager.prefetch(requests) as ahead:
                async for _ in ahead:
                    got += 1
        else:
            async for _ in pager:
                got += 1
        assert pager.report.complete
    return got


def streamed(url: str, rows: int) -> dict[str, float]:
    """What `report` gives, from a fresh process."""
    arguments = [sys.executable, "-m", "benchmarks.reading", url, str(rows)]
    run = subprocess.run(arguments, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    found: dict[str, float] = json.loads(run.stdout)
    return found


def peak() -> float:
    """The peak of the resident memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def report(url: str, rows: int) -> dict[str, float]:
    """Seconds to stream so many rows, and the peak memory in MB above the start, with everything imported."""
    asyncio.run(stream(url, PAGE))
    memory, cpu, wall = peak(), time.process_time(), time.perf_counter()
    assert asyncio.run(stream(url, rows)) == rows
    return {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "above": peak() - memory,
    }


if __name__ == "__main__":
    print(json.dumps(report(sys.argv[1], int(sys.argv[2]))))
