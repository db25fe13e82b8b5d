"""A process to be killed: imports a file into the simulator's account, with a journal, and says how it went.

Its words: token, base URL, file, list, journal.
"""

import asyncio
import json
import sys

from convoso_async import AsyncConvoso, jobs
from convoso_async.jobs import engine

engine.FIRST_RATE = 1_000.0


async def main(token: str, url: str, path: str, list_id: str, journal: str) -> None:
    async with AsyncConvoso(token, base_url=url) as client:
        report = await jobs.import_leads(client, path, list_id=list_id, journal=journal, check_dup=0)
    unknown = [item.row["phone_number"] for item in report if item.state == "unknown"]  # type: ignore[index]
    numbers = {name: getattr(report, name) for name in ("total", "done", "failed", "left", "stopped")}
    print(json.dumps({**numbers, "unknown": unknown}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
