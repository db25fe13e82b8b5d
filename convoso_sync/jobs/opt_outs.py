# Made from convoso_async/jobs/opt_outs.py by convoso_sync._generate: change those.
"""Do-not-call and opt-out lists that hold the numbers they should: read, compared, the difference written."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from convoso_async.jobs.opt_outs import sync_dnc as async_sync_dnc, sync_sms_opt_out as async_sync_sms_opt_out
from convoso_async.jobs.phone_rows import Given
from convoso_async.jobs.progress import OnProgress
from convoso_async.jobs.sync_report import SyncReport

from .._handed_in import items_for, run_job, told, unwrapped

if TYPE_CHECKING:
    from ..client import Convoso


def sync_dnc(
    client: "Convoso",
    phones: str | os.PathLike[str] | Iterable[Given],
    *,
    campaign_id: str | int = 0,
    phone_code: str | int = "1",
    mode: Literal["add", "mirror"] = "add",
    reason: str | None = None,
    purpose: str | None = None,
    columns: Mapping[str, str | None] | None = None,
    encoding: str = "utf-8-sig",
    partitions: Sequence[Mapping[str, object]] | None = None,
    dry_run: bool = False,
    max_delete_fraction: float = 0.1,
    allow_empty: bool = False,
    journal: str | os.PathLike[str] | None = None,
    concurrency: int = 8,
    progress: OnProgress | None = None,
) -> SyncReport:
    """Puts numbers on DNC; in `mirror` mode, also takes off those that are not among them.

        report = jobs.sync_dnc(client, "dnc.csv", mode="mirror", journal="dnc.journal")

    POST /dnc/search, then /dnc/insert for what is missing, then /dnc/delete for what is too much, then a read
    to confirm. Before the first write the list and the input are read to their ends. All in one scope:
    entries of another campaign or phone code are never touched. See `run` for `journal`, `concurrency` and
    Ctrl-C; `progress` is told of the phases reading, adding, removing and confirming.

    Args:
        phones: numbers, as text or digits; rows with a `phone_number`, and perhaps a `phone_code`, `reason`
            and `purpose` of their own, such as those of a pager; or the path of a CSV file or, with the
            ending `.jsonl`, of JSON lines with such columns. Held in memory. Numbers may be written in any
            way that is possible in their country; the same number twice is one entry.
        campaign_id: the scope: 0 for all campaigns, one campaign, or -1 for a purpose type.
        phone_code: the country's dialling code, of the numbers that do not bring their own and of the scope.
        mode: `add`, or `mirror`, which makes the scope hold exactly these numbers: what was put on it since
            the input was made is taken off, too.
        reason, purpose: for the new entries whose rows do not say.
        columns: which columns of the input are `phone_number` and the like, or None to leave one out. Those
            not named count by their own name, whatever the case; others are ignored.
        encoding: the file's.
        partitions: filters, by reason, purpose or insert_date, that together hold the whole scope, to read
            one past the reach of search (100,000 entries). Without them, `add` does without reading: every
            number is inserted, and one that is there is refused, which counts as skipped.
        dry_run: only reads: `report.plan` has what would be added and removed, and nothing is written or
            journaled. `skipped` counts all rows that could be read.
        max_delete_fraction: how much of the scope a mirror may remove, from 0 to 1.
        allow_empty: lets a mirror take an empty input for an empty list.

    A row with a bad number counts as `failed`, with a BadRowError, and the others are written; a mirror then
    removes nothing, since the list asked for is not known whole. A removal is never sent twice: one whose
    reply was lost is looked up, and `unknown` if the number is still there. A number that was accepted and
    that a read does not show is `unknown` too; so every number asked for is on the list or in the report.

    Raises before anything is written: MirrorError for a mirror that would remove more than it may, with the
    counts; PagingError when the list cannot be read whole; BadFileError, TypeError, ValueError and
    JournalError as `import_leads`. Needs the extra `jobs`.
    """
    with told(progress) as telling:
        return run_job(
            async_sync_dnc(
                unwrapped("client", client),
                items_for(phones),
                campaign_id=campaign_id,
                phone_code=phone_code,
                mode=mode,
                reason=reason,
                purpose=purpose,
                columns=columns,
                encoding=encoding,
                partitions=partitions,
                dry_run=dry_run,
                max_delete_fraction=max_delete_fraction,
                allow_empty=allow_empty,
                journal=journal,
                concurrency=concurrency,
                progress=telling,
            )
        )


def sync_sms_opt_out(
    client: "Convoso",
    phones: str | os.PathLike[str] | Iterable[Given],
    *,
    campaign_id: str | int = 0,
    phone_code: str | int = "1",
    reason: str | None = None,
    purpose: str | None = None,
    columns: Mapping[str, str | None] | None = None,
    encoding: str = "utf-8-sig",
    partitions: Sequence[Mapping[str, object]] | None = None,
    dry_run: bool = False,
    journal: str | os.PathLike[str] | None = None,
    concurrency: int = 8,
    progress: OnProgress | None = None,
) -> SyncReport:
    """Opts numbers out of text messages: those that are not opted out yet, in that scope.

        report = jobs.sync_sms_opt_out(client, ["212-555-0123", 2125550124], reason="Texted STOP")

    POST /sms-opt-out/search, then /sms-opt-out/insert for what is missing, then a read to confirm. The API
    has no call to take a number off, so there is no mirror. All else is as in `sync_dnc`. A campaign of the
    Purpose type, and so the scope -1, needs a `purpose`, such as TELEMKT.
    """
    with told(progress) as telling:
        return run_job(
            async_sync_sms_opt_out(
                unwrapped("client", client),
                items_for(phones),
                campaign_id=campaign_id,
                phone_code=phone_code,
                reason=reason,
                purpose=purpose,
                columns=columns,
                encoding=encoding,
                partitions=partitions,
                dry_run=dry_run,
                journal=journal,
                concurrency=concurrency,
                progress=telling,
            )
        )
