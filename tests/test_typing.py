"""The types as users meet them: mypy and pyright, at their strictest, on the package as it is installed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CODE = Path(__file__).parent / "typing"

Found = dict[str, dict[int, str]]  # file, line, what is wrong there


def mypy(folder: Path) -> Found:
    command = [sys.executable, "-m", "mypy", "--strict", "--output=json", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: Found = {}
    for line in done.stdout.splitlines():
        said = json.loads(line)
        if said["severity"] == "error":
            found.setdefault(said["file"], {})[said["line"]] = said["message"]
    return found


def pyright(folder: Path) -> Found:
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: Found = {}
    for said in json.loads(done.stdout)["generalDiagnostics"]:
        if said["severity"] == "error":
            name, line = Path(said["file"]).name, said["range"]["start"]["line"] + 1
            found.setdefault(name, {})[line] = said["message"]
    return found


@pytest.fixture(scope="module", params=[mypy, pyright])
def errors(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Run a checker in a folder of its own, so that it finds the package only where it is installed."""
    folder = tmp_path_factory.mktemp("user")
    for file in CODE.glob("*.py"):
        shutil.copy(file, folder)
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    check: Callable[[Path], Found] = request.param
    return check(folder)


def test_typical_code_is_accepted(errors: Found) -> None:
    assert errors.get("user_code.py", {}) == {}


def test_exactly_the_slips_are_reported(errors: Found) -> None:
    lines = (CODE / "misuse.py").read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if "# expect-error" in line}
    reported = errors.get("misuse.py", {})
    assert marked == set(reported), {
        number: text for number, text in reported.items() if number not in marked
    }
