"""Four processes that call in one account, at three requests a second together.

Run it with CONVOSO_AUTH_TOKEN set, and say where to keep the rate: in a file, or in a Redis that processes on
other machines use too. Without a second argument nobody tells it the limit, and it finds it:

    python examples/shared_rate.py /tmp/convoso.rate 3
    python examples/shared_rate.py redis://localhost:6379/0
"""

import sys
import time
from concurrent.futures import ProcessPoolExecutor

from convoso_async.integrations.shared_rate import SharedRate
from convoso_sync import Convoso

PROCESSES = 4
CALLS = 10


def work(rate: SharedRate) -> list[float]:
    """What one process does: some calls, and when each was answered."""
    answered = []
    with Convoso(requests_per_second=rate) as client:
        for _ in range(CALLS):
            client.campaigns.search()
            answered.append(time.monotonic())
    return answered


def main(at: str, per_second: float | None = None) -> None:
    """Has all processes share one rate, and says what it came to."""
    rate = SharedRate(per_second, at=at)
    with ProcessPoolExecutor(PROCESSES) as pool:
        times = sorted(at for answered in pool.map(work, [rate] * PROCESSES) for at in answered)
    seconds = times[-1] - times[0]
    print(f"{len(times)} calls in {seconds:.1f} seconds: {(len(times) - 1) / seconds:.2f} a second")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) == 3 else None)
