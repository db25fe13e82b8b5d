"""Leads from a file into the account."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from .account import ACCOUNT, Account
from .exit import BadUse, Exit
from .file_job import FILE_JOB, FileJob, check_text, counts_of, exit_of, free_name, hinted, kept_in
from .options import LEFT_OUT, REPEATED
from .output import OUTPUT, Output

if TYPE_CHECKING:
    from ..jobs import JobReport


async def leads(
    file: Path,
    /,
    *,
    list_id: str,
    phone_code: Annotated[str | None, LEFT_OUT] = None,
    check_dup: Annotated[int | None, LEFT_OUT] = None,
    set: Annotated[Sequence[str], REPEATED] = (),
    job: FileJob = FILE_JOB,
    account: Account = ACCOUNT,
    output: Output = OUTPUT,
) -> Exit:
    """Example: convoso import leads leads.csv --list-id 333 --journal leads.journal

    A lead for each row of a CSV file, or of JSON lines (.jsonl). To see first
    what is wrong with the file, with nothing sent:

      convoso import leads leads.csv --list-id 333 --dry-run

    A column is the parameter of leads.insert that is called like it, or what
    --map says: a parameter, or fields.NAME for a custom field. Empty cells are
    left out.

      convoso import leads leads.csv --list-id 333 --map phone=phone_number

    Each row is inserted once. With --journal, the same command goes on where it
    was broken off, by whatever. Rows that failed are in leads.failed.jsonl, which
    can be put in again once they are right; those of which it is not known
    whether they arrived are in leads.unknown.jsonl.

    Args:
        file: The file. CSV may be in any dialect; its first line names the columns.
        list_id: The list that the leads go to.
        phone_code: The country code of numbers without one; 1 by default.
        check_dup: Refuse leads that are there: 0 off, 1 in this list, 2 in all lists, 3 or in the archive.
        set: A parameter of leads.insert for rows that do not say it: status=NEW, hopper=yes. Repeatable.
    """
    from .. import jobs

    check_text(file)
    options = options_of(set, phone_code, check_dup)
    async with account.client() as client:
        with hinted():
            report = await jobs.import_leads(
                client,
                file,
                list_id=list_id,
                progress=output.progress("leads"),
                **job.options(file),
                **options,
            )
    job.complain_of(report)
    if job.dry_run:
        tell_check(report, output)
    else:
        tell(report, output, rows_left(report, file, job.failed_to))
    return exit_of(report)


def options_of(words: Sequence[str], phone_code: str | None, check_dup: int | None) -> dict[str, Any]:
    """The parameters for all rows. Raises BadUse for those that cannot be."""
    from .reference import endpoint_named
    from .values import given

    options: dict[str, Any] = given(endpoint_named("leads.insert"), words)
    for name, value in (("phone_code", phone_code), ("check_dup", check_dup)):
        if value is not None:
            options[name] = value
    for name in ("list_id", "phone_number"):
        if name in options:
            raise BadUse(f"--set takes no {name}: it is the same for no two rows, or --list-id has it")
    return options


def rows_left(report: "JobReport", file: Path, failed_to: Path | None) -> dict[str, Path]:
    """Writes the rows that did not succeed, each state in a file of its own, and gives the files."""
    files: dict[str, Path] = {}
    if report.failed and kept_in(to := failed_to or free_name(file, "failed"), report, "failed"):
        files["failed"] = to
    if report.unknown and kept_in(to := free_name(failed_to or file, "unknown"), report, "unknown"):
        files["unknown"] = to
    return files


def tell_check(report: "JobReport", output: Output) -> None:
    """Ends a dry run."""
    told = {"rows": f"{report.total:,}", "right": f"{report.skipped:,}", "sent": "nothing: a dry run"}
    if report.failed:
        told["wrong"] = f"{report.failed:,}; an import passes over them"
    record = {"dry_run": True, "total": report.total, "right": report.skipped, "failed": report.failed}
    output.report("Checked", told, record)


def tell(report: "JobReport", output: Output, files: Mapping[str, Path]) -> None:
    """Ends an import."""
    told = {"rows": f"{report.total:,}", "inserted": f"{report.done:,}"}
    if report.earlier:
        told["rows"] += f", {report.earlier:,} of them in an earlier run"
    places = {state: f", in {path}" for state, path in files.items()}
    if report.failed:
        told["failed"] = f"{report.failed:,}{places.get('failed', '')}: they can be put in again"
    if report.unknown:
        told["unknown"] = (
            f"{report.unknown:,}{places.get('unknown', '')}: they may have arrived, so look first"
        )
    if report.left:
        told["not sent"] = f"{report.left:,} of those that were read"
    record = {**counts_of(report), "files": {state: str(path) for state, path in files.items()}}
    output.report("Imported", told, record)
