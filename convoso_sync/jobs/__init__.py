# Made from convoso_async/jobs/__init__.py by convoso_sync._generate: change those.
"""Jobs: imports, exports, lists kept equal and recordings fetched, each of which finishes what it starts.

from convoso_sync import jobs

report = jobs.import_leads(client, "leads.csv", list_id=333, journal="leads.journal")
for item in report:
    print(item.line, item.state, item.error)
"""

from typing import TYPE_CHECKING

from convoso_async.public_names import public_names

if TYPE_CHECKING:
    from convoso_async.jobs import (
        BadFileError as BadFileError,
        BadRowError as BadRowError,
        ExportReport as ExportReport,
        JobItem as JobItem,
        JobReport as JobReport,
        JournalError as JournalError,
        MirrorError as MirrorError,
        OnProgress as OnProgress,
        Phone as Phone,
        Problem as Problem,
        Progress as Progress,
        RecordingsReport as RecordingsReport,
        SyncPlan as SyncPlan,
        SyncReport as SyncReport,
        read_rows as read_rows,
        rich_bar as rich_bar,
        write_dead_letters as write_dead_letters,
        write_results as write_results,
    )

    from .engine import run as run
    from .exporting import export as export
    from .importing import import_leads as import_leads
    from .opt_outs import sync_dnc as sync_dnc, sync_sms_opt_out as sync_sms_opt_out
    from .recordings import download_recordings as download_recordings

_HOMES = {
    ".engine": "run",
    ".exporting": "export",
    ".importing": "import_leads",
    ".opt_outs": "sync_dnc sync_sms_opt_out",
    ".recordings": "download_recordings",
    "convoso_async.jobs": """
        BadFileError BadRowError ExportReport JobItem JobReport JournalError MirrorError OnProgress Phone
        Problem Progress RecordingsReport SyncPlan SyncReport read_rows rich_bar write_dead_letters
        write_results
    """,
}

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = public_names(__name__, _HOMES)
