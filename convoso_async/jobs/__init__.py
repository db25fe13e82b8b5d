"""Jobs: imports, exports, lists kept equal and recordings fetched, each of which finishes what it starts.

from convoso_async import jobs

report = await jobs.import_leads(client, "leads.csv", list_id=333, journal="leads.journal")
for item in report:
    print(item.line, item.state, item.error)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_HOMES = {
    "engine": "run",
    "exporting": "ExportReport export",
    "files": "BadFileError",
    "importing": "import_leads",
    "journal": "JournalError",
    "lines": "read_rows write_dead_letters write_results",
    "progress": "OnProgress Progress rich_bar",
    "recordings": "RecordingsReport download_recordings",
    "report": "BadRowError JobItem JobReport Problem",
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_MODULES)

if not TYPE_CHECKING:  # type checkers read the imports above, or they would accept any name

    def __getattr__(name: str) -> Any:
        """Imports a public name on its first use: an export needs no journal, an import no pyarrow."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        value = globals()[name] = getattr(import_module(f".{_MODULES[name]}", __name__), name)
        return value


def __dir__() -> list[str]:
    """The public names."""
    return list(__all__)
