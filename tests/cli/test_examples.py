"""Every example of the command that help and README show, run as it is pasted, on a simulated account."""

import csv
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("cyclopts")
pytest.importorskip("pty", reason="Windows has no pseudo-terminals in the standard library")
from convoso_async.cli.command import VERBS
from convoso_async.simulator import Simulator

from .emulator import convoso, pointed_at, started

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
OURS = ("demo:", "simulator:", "export:", "import_:", "sync:", "recordings:")
HELPED = [name for name, verb in VERBS.items() if verb.place.startswith(OURS)] + ["--install-completion"]
ENDLESS = ("simulator", "monitor")
"""Verbs that run until somebody ends them."""


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(call_logs=200, dnc=0) as simulator:
        yield simulator


def examples_in(text: str) -> list[str]:
    """The commands in a text, each in a line of its own, or in several with a backslash at their ends."""
    joined = re.sub(r"\\\n\s*", "", text)
    return [found[1] for found in re.finditer(r"^(?:Example: |  )?(convoso .*)$", joined, re.MULTILINE)]


def in_readme() -> list[str]:
    """The commands in the README's blocks of shell lines."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [example for language, block in blocks if not language for example in examples_in(block)]


def works(example: str, sim: Simulator, folder: Path) -> None:
    """Runs an example in a folder with the files that it names, on lists and campaigns that are there."""
    ids = {"333": sim.account.ids("lists")[0], "111": sim.account.ids("campaigns")[0]}
    words = [re.sub(r"\b(333|111)\b", lambda found: ids[found[0]], word) for word in shlex.split(example)[1:]]
    env = {**pointed_at(sim), "HOME": str(folder), "SHELL": "/bin/bash", "BASH_VERSION": "5"}
    for name in {"leads.csv", "dnc.csv", "opt-outs.csv"} & set(words):
        column = "phone" if "phone=phone_number" in words else "phone_number"
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([[column], ["212-555-0123"], ["212-555-0124"]])
    if words[0] in ENDLESS:
        words = [word if word != "8080" else "0" for word in words]
        with started(*words, folder=folder, **env) as process:
            assert process.stdout
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate(timeout=30)
            assert first.endswith("\n")
            assert (process.returncode, complaint) in ((0, ""), (130, "Interrupted.\n"))
        return
    done = convoso(*words, folder=folder, **env)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    for option in ("--out", "--journal", "--output"):
        if option in words and words[words.index(option) + 1] != "-":
            assert (folder / words[words.index(option) + 1]).exists()


@pytest.mark.parametrize("verb", HELPED)
def test_the_examples_in_help_work(sim: Simulator, tmp_path: Path, verb: str) -> None:
    shown = convoso(*verb.split(), "--help").stdout
    assert max(map(len, shown.splitlines())) <= 80, "a terminal would break it"
    examples = examples_in(shown)
    assert examples
    for number, example in enumerate(examples):
        folder = tmp_path / str(number)
        folder.mkdir()
        works(example, sim, folder)


@pytest.mark.parametrize("example", in_readme())
def test_the_examples_in_the_readme_work(sim: Simulator, tmp_path: Path, example: str) -> None:
    works(example, sim, tmp_path)


def test_the_readme_has_examples() -> None:
    assert len(in_readme()) >= 9
