"""Jobs: imports, exports, lists kept equal and recordings fetched, each of which finishes what it starts.

from convoso_async import jobs

report = await jobs.import_leads(client, "leads.csv", list_id=333, journal="leads.journal")
for item in report:
    print(item.line, item.state, item.error)
"""

from typing import TYPE_CHECKING

from ..public_names import public_names

if TYPE_CHECKING:
    from .engine import run as run
    from .exporting import ExportReport as ExportReport, export as export
    from .files import BadFileError as BadFileError
    from .importing import import_leads as import_leads
    from .journal import JournalError as JournalError
    from .lines import (
        read_rows as read_rows,
        write_dead_letters as write_dead_letters,
        write_results as write_results,
    )
    from .mirror import MirrorError as MirrorError
    from .opt_outs import sync_dnc as sync_dnc, sync_sms_opt_out as sync_sms_opt_out
    from .phones import Phone as Phone
    from .progress import OnProgress as OnProgress, Progress as Progress, rich_bar as rich_bar
    from .recordings import (
        RecordingsReport as RecordingsReport,
        download_recordings as download_recordings,
    )
    from .report import (
        BadRowError as BadRowError,
        JobItem as JobItem,
        JobReport as JobReport,
        Problem as Problem,
    )
    from .sync_report import SyncPlan as SyncPlan, SyncReport as SyncReport

_HOMES = {
    ".engine": "run",
    ".exporting": "ExportReport export",
    ".files": "BadFileError",
    ".importing": "import_leads",
    ".journal": "JournalError",
    ".lines": "read_rows write_dead_letters write_results",
    ".mirror": "MirrorError",
    ".opt_outs": "sync_dnc sync_sms_opt_out",
    ".phones": "Phone",
    ".progress": "OnProgress Progress rich_bar",
    ".recordings": "RecordingsReport download_recordings",
    ".report": "BadRowError JobItem JobReport Problem",
    ".sync_report": "SyncPlan SyncReport",
}

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = public_names(__name__, _HOMES)
