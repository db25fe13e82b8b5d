"""What the project says about itself holds."""

import re
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import pytest

from convoso_async import AsyncConvoso
from convoso_async.client import RESOURCES
from convoso_sync import Convoso

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


@pytest.mark.parametrize("client", [AsyncConvoso, Convoso])
def test_the_help_of_a_client_names_its_resources(client: type) -> None:
    assert [name for name in RESOURCES if f"`{name}`" not in (client.__doc__ or "")] == []


@pytest.mark.parametrize("package", ["convoso_async", "convoso_sync"])
def test_type_checkers_may_read_the_package(package: str) -> None:
    assert (files(package) / "py.typed").is_file()


def test_nox_runs_every_generator() -> None:
    sources = [*ROOT.glob("tools/*.py"), *ROOT.glob("convoso_*/**/*.py")]
    generators = {path.relative_to(ROOT) for path in sources if '"--check"' in path.read_text("utf-8")}
    listed = (ROOT / "noxfile.py").read_text()
    assert len(generators) == 2
    for path in generators:
        module = ".".join(path.with_suffix("").parts).removesuffix(".__main__")
        assert f'"{module}"' in listed
