"""Do-not-call and opt-out lists brought into line with a file."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from .account import ACCOUNT, Account
from .exit import Exit
from .file_job import FILE_JOB, FileJob, check_text, counts_of, exit_of, hinted, kept_in
from .options import LEFT_OUT, REPEATED, SCOPE_OPTIONS, SWITCH
from .output import OUTPUT, Output

if TYPE_CHECKING:
    from ..jobs import SyncReport


@Parameter(name="*", group=SCOPE_OPTIONS)
@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which entries of a list: those of one campaign, or of all. Others are never touched."""

    campaign_id: str = "0"
    """The scope: 0 for all campaigns, one campaign, or -1 for a purpose type."""

    phone_code: str = "1"
    """The country code of the scope, and of numbers without one."""

    reason: Annotated[str | None, LEFT_OUT] = None
    """The reason of new entries, such as DNC."""

    purpose: Annotated[str | None, LEFT_OUT] = None
    """The purpose of new entries, such as TELEMKT."""

    partition: Annotated[Sequence[str], REPEATED] = ()
    """Filters of one part of a list that is past the reach of a single search. Repeat for each part."""

    def options(self, call: str) -> dict[str, Any]:
        """What the jobs take. Raises BadUse for partitions that the call does not know."""
        from .filters import parts_of
        from .reference import endpoint_named

        return {
            "campaign_id": self.campaign_id,
            "phone_code": self.phone_code,
            "reason": self.reason,
            "purpose": self.purpose,
            "partitions": parts_of(endpoint_named(call), self.partition),
        }


SCOPE = Scope()
"""All campaigns, country code 1."""


async def dnc(
    file: Path,
    /,
    *,
    mode: Literal["add", "mirror"] = "add",
    max_delete_fraction: float = 0.1,
    allow_empty: Annotated[bool, SWITCH] = False,
    scope: Scope = SCOPE,
    job: FileJob = FILE_JOB,
    account: Account = ACCOUNT,
    output: Output = OUTPUT,
) -> Exit:
    """Example: convoso sync dnc dnc.csv --dry-run

    Puts the numbers of a file on the do-not-call list: those that are not on it.
    The file has a column phone_number, or one that --map names. Others are
    ignored, but for phone_code, reason and purpose. With --dry-run it only says
    what it would do.

      convoso sync dnc dnc.csv --campaign-id 111 --journal dnc.journal

    With --mode mirror it also takes off what the file does not have, in exactly
    that scope: the entries of --campaign-id and --phone-code.

      convoso sync dnc dnc.csv --mode mirror --dry-run

    Args:
        file: The file: CSV in any dialect, or JSON lines (.jsonl).
        mode: Whether to add only, or also to take off what the file does not have.
        max_delete_fraction: What part of the scope a mirror may take off at most, 0 to 1.
        allow_empty: Let a mirror take a file without a number for an empty list.
    """
    from .. import jobs

    check_text(file)
    async with account.client() as client:
        work = jobs.sync_dnc(
            client,
            file,
            mode=mode,
            max_delete_fraction=max_delete_fraction,
            allow_empty=allow_empty,
            progress=output.progress("do not call"),
            **scope.options("dnc.search"),
            **job.options(file),
        )
        return await done(work, job, output)


async def opt_outs(
    file: Path,
    /,
    *,
    scope: Scope = SCOPE,
    job: FileJob = FILE_JOB,
    account: Account = ACCOUNT,
    output: Output = OUTPUT,
) -> Exit:
    """Example: convoso sync opt-outs opt-outs.csv --dry-run

    Opts the numbers of a file out of text messages: those that are not yet. The
    file has a column phone_number, or one that --map names. Others are ignored,
    but for phone_code, reason and purpose. The service has no call to take a
    number off again.

    Args:
        file: The file: CSV in any dialect, or JSON lines (.jsonl).
    """
    from .. import jobs

    check_text(file)
    async with account.client() as client:
        work = jobs.sync_sms_opt_out(
            client,
            file,
            progress=output.progress("opt-outs"),
            **scope.options("sms_opt_out.search"),
            **job.options(file),
        )
        return await done(work, job, output)


async def done(work: "Awaitable[SyncReport]", job: FileJob, output: Output) -> Exit:
    """Does a sync, tells of it, and gives the exit code."""
    with hinted():
        report = await work
    job.complain_of(report)
    if job.failed_to is not None and report.failed + report.unknown:
        kept_in(job.failed_to, report, "failed", "unknown")
    tell(report, output, dry_run=job.dry_run)
    return exit_of(report)


def tell(report: "SyncReport", output: Output, *, dry_run: bool) -> None:
    """Ends a sync, or says what one would do."""
    plan = report.plan
    counts = {
        "added": len(plan.add) if dry_run else report.added,
        "removed": len(plan.remove) if dry_run else report.removed,
        "there": report.there or len(plan.there),
        "repeated": report.repeated,
        "withheld": report.withheld,
        "failed": report.failed,
        "unknown": report.unknown,
        "confirmed": report.confirmed,
    }
    words = {
        "added": "to add" if dry_run else "added",
        "removed": "to take off" if dry_run else "taken off",
        "there": "there already",
        "repeated": "named again",
        "withheld": "left on the list",
        "confirmed": "confirmed",
    }
    told = {
        words.get(name, name): f"{number:,}"
        for name, number in counts.items()
        if number or name in ("added", "there")
    }
    if dry_run:
        told["written"] = "nothing: a dry run"
    output.report(
        "Would do" if dry_run else "Synced", told, {"dry_run": dry_run, **counts_of(report), **counts}
    )
