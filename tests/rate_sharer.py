"""A process that shares a rate with others: makes calls for some seconds, and says how many were answered.

Its words: base URL, place, starts per second or 0 for none told, seconds.
"""

import asyncio
import sys
import time

from convoso_async import AsyncConvoso, RateLimitError, transport
from convoso_async.integrations.shared_rate import SharedRate

TASKS = 4
assert transport


async def main(url: str, at: str, per_second: str, seconds: str) -> int:
    answered = 0
    rate = SharedRate(float(per_second) or None, at=at)
    async with AsyncConvoso("invented", base_url=url, requests_per_second=rate) as client:
        print("ready", flush=True)  # with all that is loaded on a first call
        sys.stdin.readline()
        end = time.monotonic() + float(seconds)

        async def call() -> None:
            nonlocal answered
            while time.monotonic() < end:
                try:
                    await client.campaigns.search()
                except RateLimitError:
                    continue
                answered += 1

        await asyncio.gather(*(call() for _ in range(TASKS)))
    return answered


if __name__ == "__main__":
    print(asyncio.run(main(*sys.argv[1:])))
