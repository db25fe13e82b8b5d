"""Yesterday's calls in a file, for cron: complete, or an error and an exit code that is not 0.

CONVOSO_AUTH_TOKEN=... python examples/nightly_export.py calls/

Run again after an error, it goes on where it stopped.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from convoso_sync import Convoso, ConvosoError, jobs


def main(folder: Path) -> str | None:
    """What went wrong, None where nothing did."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Convoso() as client:
            day = datetime.now(client.zone).date() - timedelta(days=1)
            calls = client.call_logs.retrieve_all(start_time=day, end_time=day)  # a plain date is a whole day
            report = jobs.export(calls, folder / f"calls-{day}.csv")
    except (ConvosoError, OSError) as error:
        return f"yesterday's calls: {error}"
    print(f"{report.path}: {report.rows} calls, {report.requests} requests")
    return None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) if len(sys.argv) == 2 else __doc__)
