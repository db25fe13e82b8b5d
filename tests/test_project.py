"""What the project says about itself holds."""

import re
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_ci_runs_the_command_of_the_readme() -> None:
    command = re.search(r"^\{ (python3 .*nox); \}", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert command
    for text in ("README.md", "CONTRIBUTING.md"):
        assert command[1] in (ROOT / text).read_text().splitlines()


@pytest.mark.parametrize(("group", "target"), [("console_scripts", "main"), ("pytest11", None)])
def test_entry_points_lead_somewhere(group: str, target: str | None) -> None:
    (entry,) = entry_points(group=group, name="convoso")
    assert getattr(entry.load(), "__name__", None) in (target, entry.module)


@pytest.mark.parametrize("package", ["convoso_async", "convoso_sync"])
def test_type_checkers_may_read_the_package(package: str) -> None:
    assert (files(package) / "py.typed").is_file()


def test_the_sync_package_says_that_it_is_not_there_yet() -> None:
    with pytest.raises(ImportError, match="no sync client yet, use `from convoso_async import AsyncConvoso`"):
        from convoso_sync import Convoso  # noqa: F401
    import convoso_sync

    assert not hasattr(convoso_sync, "__wrapped__")
