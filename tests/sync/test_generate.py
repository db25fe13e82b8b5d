"""The generated files are what their source gives, and what the generator does not understand is an error."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import convoso_async
import convoso_sync
from convoso_sync._generate.__main__ import files_in, main

SYNC = Path(convoso_sync.__file__).parent
ASYNC = Path(convoso_async.__file__).parent


Generate = Callable[..., tuple[int, str]]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Both packages, to be changed."""
    for source in (ASYNC, SYNC):
        shutil.copytree(
            source, tmp_path / source.name, ignore=shutil.ignore_patterns("__pycache__", "*.json")
        )
    return tmp_path


@pytest.fixture
def generate(copy: Path, capsys: pytest.CaptureFixture[str]) -> Generate:
    """Runs the generator on the copy, which is up to date at first: its status, and what it says."""

    def run(*arguments: str) -> tuple[int, str]:
        return main(arguments, copy / "convoso_sync"), capsys.readouterr().out

    assert run()[0] == 0
    return run


def test_the_files_are_what_their_source_gives() -> None:
    command = [sys.executable, "-m", "convoso_sync._generate", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_it_needs_nothing_that_is_installed_or_generated(copy: Path, generate: Generate) -> None:
    names = files_in(SYNC)
    for name in names:
        (copy / "convoso_sync" / name).unlink()
    command = [sys.executable, "-S", "-m", "convoso_sync._generate"]
    env = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert generate("--check") == (0, f"convoso_sync is up to date: {len(names)} files\n")


def edited(name: str, pattern: str, by: str) -> Callable[[Path], None]:
    """A change of a file: exactly one place."""

    def edit(folder: Path) -> None:
        path = folder / name
        text, count = re.subn(pattern, by, path.read_text(), count=1, flags=re.DOTALL | re.MULTILINE)
        assert count == 1
        path.write_text(text)

    return edit


def added(name: str, text: str) -> Callable[[Path], None]:
    """A new file."""

    def add(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    return add


LEADS = "convoso_async/resources/leads.py"
CLIENT = "convoso_async/client.py"
PAGING = "convoso_async/paging.py"
PREFETCH = "convoso_async/prefetch.py"
ENGINE = "convoso_async/jobs/engine.py"
EXPORT = "convoso_async/jobs/exporting.py"
JOBS = "convoso_async/jobs/__init__.py"
DIFFERS = {
    "generated text edited": (
        edited("convoso_sync/resources/leads.py", "return run", "return  run"),
        "resources/leads.py is not",
    ),
    "a generated file removed": (
        lambda folder: (folder / "convoso_sync/resources/leads.py").unlink(),
        "resources/leads.py is not",
    ),
    "an orphan file": (added("convoso_sync/resources/extra.py", ""), "resources/extra.py has no source"),
    "an orphan that is no module": (added("convoso_sync/notes.txt", ""), "notes.txt has no source"),
    "a method removed": (
        edited(LEADS, r"    async def delete\(.*?DELETE, lead\)\n", ""),
        "resources/leads.py is not",
    ),
    "a method added": (
        edited(
            LEADS,
            r"(    async def delete\()",
            '    async def count(self) -> int:\n        """How many."""\n        return 1\n\n\\1',
        ),
        "resources/leads.py is not",
    ),
    "a signature changed": (
        edited(LEADS, r"\*\*filters: Unpack\[LeadPage\]", "**filters: Unpack[LeadFilters]"),
        "resources/leads.py is not",
    ),
    "a docstring changed": (edited(LEADS, "Removes a lead", "Deletes a lead"), "resources/leads.py is not"),
    "a setting added": (
        edited(CLIENT, r"        deadline: float = 120.0,\n", r"\g<0>        patience: float = 1.0,\n"),
        "client.py is not",
    ),
    "a public name added": (
        edited("convoso_async/__init__.py", '"Report",', '"Report Ask",'),
        "__init__.py is not",
    ),
    "a job's signature changed": (
        edited(ENGINE, r"    concurrency: int = 8,\n    progress", "    concurrency: int = 9,\n    progress"),
        "jobs/engine.py is not",
    ),
    "a report made public": (
        edited(JOBS, r'"\.progress": "', "\\g<0>Meter "),
        "jobs/__init__.py is not",
    ),
}
NOT_UNDERSTOOD = {
    "a new module": (added("convoso_async/reports.py", '"""New."""\n'), "has reports, which no table"),
    "a new package": (added("convoso_async/audit/__init__.py", '"""New."""\n'), "has audit, which no table"),
    "a resource that the client lacks": (
        added("convoso_async/resources/queues.py", '"""New."""\n'),
        "RESOURCES and the modules differ: ['queues']",
    ),
    "a resource without its module": (
        lambda folder: (folder / "convoso_async/resources/status.py").unlink(),
        "RESOURCES and the modules differ: ['status']",
    ),
    "two classes of calls": (
        edited(LEADS, r"\Z", '\n\nclass More(Resource):\n    """More."""\n'),
        "exactly one class of calls",
    ),
    "a static method": (
        edited(LEADS, r"    async def delete\(self", "    @staticmethod\n    async def delete(self"),
        "decorators that no rule covers",
    ),
    "a nested class": (
        edited(LEADS, r"    async def delete\(", '    class Inner:\n        """Inner."""\n\n\\g<0>'),
        "a ClassDef that no rule covers",
    ),
    "a class attribute": (
        edited(LEADS, r"    async def delete\(", "    most = 5\n\n\\g<0>"),
        "a Assign that no rule covers",
    ),
    "a method that gives something unknown": (
        edited(
            LEADS, r"    async def delete\(", '    def what(self) -> LeadPage:\n        """What."""\n\n\\g<0>'
        ),
        "Leads.what gives LeadPage: no rule",
    ),
    "a generator": (
        edited(
            LEADS,
            r"    async def delete\(",
            '    async def each(self) -> int:\n        """Each."""\n        yield 1\n\n\\g<0>',
        ),
        "Leads.each needs a body",
    ),
    "positional parameters without end": (
        edited(
            LEADS,
            r"    async def delete\(",
            '    async def all(self, *ids: str) -> int:\n        """All."""\n\n\\g<0>',
        ),
        "takes parameters in a way that no rule covers",
    ),
    "a callback": (
        edited(
            LEADS,
            r"    async def delete\(",
            '    async def each(self, do: "Callable[[Lead], None]") -> int:\n        """Each."""\n\n\\g<0>',
        ),
        "Callable",
    ),
    "a callback of the client": (
        edited(
            CLIENT,
            r'        on_event: "Callable',
            '        on_call: "Callable[[str], None] | None" = None,\n\\g<0>',
        ),
        "AsyncConvoso.on_call is the caller's code or items",
    ),
    "no docstring": (edited(LEADS, r'"""Removes a lead\..*?"""', "pass"), "no docstring"),
    "a docstring about tasks": (
        edited(LEADS, "Removes a lead", "Awaits tasks. Removes a lead"),
        "speaks of 'tasks'",
    ),
    "an annotation from nowhere": (
        edited(LEADS, r"(async def delete.*?) -> Result", r"\1 -> Riddle"),
        "no telling where Riddle comes from",
    ),
    "a public attribute": (
        edited(PAGING, "        self.report = Report\\(\\)\n", "\\g<0>        self.pace = 1\n"),
        "Pager.pace is public and not in ATTRIBUTES",
    ),
    "a public class among the pagers": (
        edited(PAGING, r"class Pager\(", 'class Walk:\n    """A walk."""\n\n\nclass Pager('),
        "Walk: no rule says",
    ),
    "another base": (
        edited(PREFETCH, r"class Prefetch\(Iteration", "class Prefetch(Cache"),
        "bases or decorators",
    ),
    "a public name from within": (
        edited("convoso_async/__init__.py", r'    "\.reading": "Report",', '\\g<0>\n    ".form": "Form",'),
        "Form, from form, is public: no table",
    ),
    "a job that takes a function": (
        edited(EXPORT, r"(async def export\(.*?)    \*,\n", '\\1    *,\n    also: "Callable[[], int]",\n'),
        "export.also is the caller's code or items",
    ),
    "a job that is not one for callers": (
        edited(JOBS, r'"\.engine": "run"', '".engine": "run carry_out"'),
        "carry_out.items is the caller's code or items",
    ),
    "a decorated job": (
        edited(EXPORT, r"^async def export", "@cache\n\\g<0>"),
        "export has decorators that no rule covers",
    ),
    "a public class with async methods": (
        edited(
            "convoso_async/jobs/report.py",
            r"    def count\(",
            '    async def wait(self) -> None:\n        """Waits."""\n\n\\g<0>',
        ),
        "jobs.JobReport has to do with async code",
    ),
    "a public function of pagers": (
        edited(
            "convoso_async/jobs/lines.py", r"def read_rows\(path: ", "def read_rows(to: Pager[Row], path: "
        ),
        "jobs.read_rows has to do with async code",
    ),
    "words that nobody says any more": (
        edited(CLIENT, "One client serves any number of tasks of one event loop.", "One client serves all."),
        "WORDS has what no docstring says",
    ),
    "a line too long": (
        edited(LEADS, r"    async def delete\(self", "    async def delete_" + "x" * 90 + "(self"),
        "would be longer than 110",
    ),
}


@pytest.mark.parametrize(("change", "complaint"), DIFFERS.values(), ids=DIFFERS.keys())
def test_what_differs_fails_the_check(
    copy: Path, generate: Generate, change: Callable[[Path], None], complaint: str
) -> None:
    change(copy)
    status, said = generate("--check")
    assert status == 1
    assert complaint in said
    assert "run python -m convoso_sync._generate" in said


@pytest.mark.parametrize(("change", "complaint"), NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_what_is_not_understood_is_an_error(
    copy: Path, generate: Generate, change: Callable[[Path], None], complaint: str
) -> None:
    change(copy)
    before = {path: path.read_bytes() for path in copy.rglob("*.py")}
    for arguments in (["--check"], []):
        status, said = generate(*arguments)
        assert status == 1
        assert complaint in said
    assert before == {path: path.read_bytes() for path in copy.rglob("*.py")}


def test_an_orphan_goes_when_the_files_are_written(copy: Path, generate: Generate) -> None:
    orphan = copy / "convoso_sync/resources/extra.py"
    orphan.write_text("")
    assert generate() == (0, "convoso_sync/resources/extra.py removed\n")
    assert not orphan.exists()
    assert generate("--check")[0] == 0
