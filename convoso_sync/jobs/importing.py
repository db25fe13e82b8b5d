# Made from convoso_async/jobs/importing.py by convoso_sync._generate: change those.
"""Leads from a file, or from anywhere: checked row by row, then each inserted once."""

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Unpack

from convoso_async.jobs.importing import import_leads as async_import_leads
from convoso_async.jobs.progress import OnProgress
from convoso_async.jobs.report import JobReport
from convoso_async.resources.leads import LeadOptions

from .._handed_in import items_for, run_job, told, unwrapped

if TYPE_CHECKING:
    from ..client import Convoso


def import_leads(
    client: "Convoso",
    rows: str | os.PathLike[str] | Iterable[Mapping[str, object]],
    *,
    list_id: str | int,
    columns: Mapping[str, str | None] | None = None,
    encoding: str = "utf-8-sig",
    journal: str | os.PathLike[str] | None = None,
    concurrency: int = 8,
    progress: OnProgress | None = None,
    dry_run: bool = False,
    **options: Unpack[LeadOptions],
) -> JobReport:
    """Inserts a lead for each row, and reports what became of every one.

        report = jobs.import_leads(
            client, "leads.csv", list_id=333, columns={"Phone": "phone_number"}, journal="leads.journal"
        )

    POST /leads/insert, once for each row. No lead is sent twice after it may have arrived, in this run or,
    with a `journal`, in a later one; what cannot be known is `unknown` in the report. Leads with the same
    phone go in the order of the input, one after the other. See `run` for `journal`, `concurrency`,
    `progress`, Ctrl-C, and what stops a job; a list that does not exist stops this one.

    Args:
        rows: the path of a CSV file in any dialect or, with the ending `.jsonl`, of JSON lines such as
            `write_dead_letters` writes; or mappings. A file is read to its end before anything is sent.
        list_id: the list that all leads go to.
        columns: what the columns of the input are: parameters of `leads.insert`, custom fields, or None to
            leave them out. Those not named must be called like a parameter, whatever the case, or
            `fields.x` for a custom field x.
        encoding: the file's, UTF-8 unless given; a byte-order mark is taken off.
        dry_run: only checks: `skipped` counts the rows that could be sent, nothing is sent or journaled.
        **options: parameters of `leads.insert` for all leads, such as `check_dup`, `update_if_found`,
            `hopper`, `phone_code`, `status` or `fields={...}`. What a row says itself goes first.

    Text becomes what its parameter takes: numbers, dates as YYYY-MM-DD, flags as yes or no, true or false, 1
    or 0. An empty cell is left out. A phone number may be written in any way that is possible in the country
    of its `phone_code`, 1 where there is none; an extension is left out. A row with a bad value is not sent:
    it counts as `failed`, with a BadRowError that names all its problems, and the others are sent.

    Raises BadFileError when the file cannot be read to its end or its columns are not right, with nothing
    sent; TypeError or ValueError for options and columns that the call does not know; JournalError as `run`.
    Needs the extra `jobs`.
    """
    with told(progress) as telling:
        return run_job(
            async_import_leads(
                unwrapped("client", client),
                items_for(rows),
                list_id=list_id,
                columns=columns,
                encoding=encoding,
                journal=journal,
                concurrency=concurrency,
                progress=telling,
                dry_run=dry_run,
                **options,
            )
        )
