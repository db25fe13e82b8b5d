"""A process to be killed: mirrors a file on the simulator's DNC, with a journal, and says how it went.

Its words: token, base URL, file, journal.
"""

import asyncio
import json
import sys

from convoso_async import AsyncConvoso, jobs
from convoso_async.jobs import engine

engine.FIRST_RATE = 1_000.0
NAMES = ("total", "failed", "unknown", "stopped", "added", "removed", "there", "confirmed")


async def main(token: str, url: str, path: str, journal: str) -> None:
    async with AsyncConvoso(token, base_url=url) as client:
        report = await jobs.sync_dnc(client, path, mode="mirror", max_delete_fraction=0.5, journal=journal)
    listed = [item.row["remove"]["phone_number"] for item in report]  # type: ignore[index]
    print(json.dumps({**{name: getattr(report, name) for name in NAMES}, "listed": listed}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
