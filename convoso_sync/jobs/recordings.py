# Made from convoso_async/jobs/recordings.py by convoso_sync._generate: change those.
"""Recordings on disk: fetched at a gentle pace, told from notices, none fetched twice."""

from collections.abc import Iterable
from os import PathLike

from convoso_async.jobs.progress import OnProgress
from convoso_async.jobs.recordings import (
    INTERVAL,
    HasRecordings,
    RecordingsReport,
    download_recordings as async_download_recordings,
)

from .._handed_in import items_for, run_job, told, unwrapped
from ..client import Convoso


def download_recordings(
    client: Convoso,
    recordings: Iterable[HasRecordings],
    to: str | PathLike[str],
    *,
    concurrency: int = 2,
    interval: float = INTERVAL,
    progress: OnProgress | None = None,
) -> RecordingsReport:
    """Fetches recordings into the folder `to`, and gives a report.

        calls = client.call_logs.retrieve_all(start_time=a, end_time=b, include_recordings=True)
        jobs.download_recordings(client, calls, "recordings")

    `recordings` are call logs, which have none unless `include_recordings=True` was asked for, or rows of
    `leads.get_recordings` or `users.recordings`: a page, a pager, any iterable. It is read as the work
    goes on.

    Downloads start `interval` seconds apart, `concurrency` at once. After a 429 all wait: as long as the
    service says, else 15 seconds, doubled each time up to 300. A throttled recording has not failed.

    The client's token is not sent, nor its session or proxy used. Links must be https and lead to public
    addresses, also after a redirect; where the client's `base_url` is on this machine, as a simulator's is,
    they may lead to that origin as well.

    A file has the name that the service gives it, made safe, or the recording's id, and is put in its place
    whole. `manifest.jsonl` there has a line for each recording: `recording`, `outcome`, `file`, `bytes`,
    `sha256`, `link` without its query, and the `reason` where there is no file. The same call goes on where
    another one ended: what is in the manifest and in the folder is skipped.

    Raises what reading `recordings` raises; OSError where the folder cannot be written, and then nothing half
    fetched is left; JournalError where another process is at work there.
    """
    with told(progress) as telling:
        return run_job(
            async_download_recordings(
                unwrapped("client", client),
                items_for(recordings),
                to,
                concurrency=concurrency,
                interval=interval,
                progress=telling,
            )
        )
