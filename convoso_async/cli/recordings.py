"""The audio of calls, in a folder."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts.types import NonNegativeFloat, PositiveInt

from .account import ACCOUNT, Account
from .exit import BadUse, Exit, Interrupted, checked
from .options import FROM, REPEATED, TO
from .output import OUTPUT, Output

if TYPE_CHECKING:
    from ..jobs import RecordingsReport

WORDS = {
    "downloaded": "downloaded",
    "skipped": "there before",
    "purged": "gone: the service keeps audio for about 155 days",
    "no_link": "without a link",
    "notice": "a text in place of audio",
    "empty": "empty",
    "html": "a page in place of audio",
    "refused": "not fetched: a link that is not https, or not public",
    "failed": "failed",
}
"""What is said of each way in which a recording can end."""


async def download(
    *,
    out: Path,
    start: Annotated[str | None, FROM] = None,
    end: Annotated[str | None, TO] = None,
    where: Annotated[Sequence[str], REPEATED] = (),
    interval: NonNegativeFloat = 0.35,
    concurrency: PositiveInt = 2,
    account: Account = ACCOUNT,
    output: Output = OUTPUT,
) -> Exit:
    r"""Example: convoso recordings download --from yesterday --out recordings

    The audio of calls in a folder, with a list of it in manifest.jsonl there. The
    same command goes on where another one ended; nothing is fetched twice.

      convoso recordings download --from 2026-03-01 --to 2026-03-31 \
        --where campaign_id=111 --out march

    Args:
        out: The folder. It is made where it is not there.
        start: First day or moment, in account time: 2026-03-01, '2026-03-01 08:30', today, yesterday.
        end: Last day or moment. A day counts to its end.
        where: A filter of calls, name=value, named as in the API reference. Repeatable.
        interval: Seconds between the starts of two downloads; the service throttles a faster pace.
        concurrency: Downloads at once.
    """
    from .. import jobs
    from .filters import range_of
    from .reference import endpoint_named
    from .values import given

    check_folder(out)
    endpoint = endpoint_named("call_logs.retrieve")
    async with account.client() as client:
        filters = {**given(endpoint, where), "include_recordings": True}
        with checked():
            calls = client.call_logs.retrieve_all(**range_of(endpoint, start, end, client.zone), **filters)  # type: ignore[arg-type]  # checked there
        try:
            report = await jobs.download_recordings(
                client,
                calls,
                out,
                concurrency=concurrency,
                interval=interval,
                progress=output.progress("recordings"),
            )
        except asyncio.CancelledError:
            raise Interrupted("Interrupted. The same command goes on where it stopped.") from None
    tell(report, output)
    return Exit.DONE if report.ok else Exit.SOME_FAILED


def check_folder(out: Path) -> None:
    """Raises BadUse for a place that cannot be a folder."""
    if out.exists() and not out.is_dir():
        raise BadUse(f"{out} is a file: name a folder")


def tell(report: "RecordingsReport", output: Output) -> None:
    """Ends with what became of the recordings."""
    counts = {ended: getattr(report, ended) for ended in WORDS}
    told = {"recordings": f"{report.total:,}"}
    told |= {WORDS[ended]: f"{count:,}" for ended, count in counts.items() if count}
    told |= {"bytes": f"{report.bytes:,}", "folder": str(report.folder), "list": report.manifest.name}
    record = {
        "ok": report.ok,
        "total": report.total,
        **counts,
        "bytes": report.bytes,
        "seconds": round(report.seconds, 3),
        "folder": str(report.folder),
    }
    output.report("Recordings", told, record)
