"""Whether everything is set up: checks in order, each with what to do where it fails."""

import sys
from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from .account import ACCOUNT, Account
from .checks import CHECKS, Facts, Finding, Verdict, made
from .exit import Exit
from .output import OUTPUT, Output

MARKS: Mapping[Verdict, tuple[str, str, str]] = {
    "ok": ("✓", "+", "green"),
    "failed": ("✗", "x", "bold red"),
    "unknown": ("-", "-", "dim"),
    "skipped": ("-", "-", "dim"),
}
"""A mark, one for terminals whose encoding lacks it, and its style."""


def doctor(*, account: Account = ACCOUNT, output: Output = OUTPUT) -> Exit:
    """Example: convoso doctor

    Whether everything is set up, and what to do where it is not. It sends two
    small reads. The token is shown nowhere, not even a part of it.

    The exit code is 0 where all is well, 1 where something is not, and 3 where
    that kept it from checking the rest.
    """
    facts = Facts(account)
    failed: set[str] = set()
    skipped = False
    for name, check in CHECKS.items():
        finding = made(check, facts, failed)
        if finding.verdict in ("failed", "skipped"):
            failed.add(name)
        skipped = skipped or finding.verdict == "skipped"
        tell(name, finding, output)
    if not failed:
        output.note("All is well.", "green")
        return Exit.DONE
    return Exit.NOT_COMPLETE if skipped else Exit.SOME_FAILED


def tell(name: str, finding: Finding, output: Output) -> None:
    """Prints what a check found: a mark, what there is to say, and below it what to do."""
    if output.for_programs:
        record = {"check": name, "verdict": finding.verdict, "found": finding.told}
        output.lines([record | {"advice": finding.advice or None}])
    elif not output.quiet or finding.verdict == "failed":
        output.people.print(line_of(name, finding, sys.stdout.encoding))


def line_of(name: str, finding: Finding, encoding: str) -> Table:
    """The mark, the name, and what was found."""
    mark, plain, style = MARKS[finding.verdict]
    told = Text(finding.told, "dim" if finding.verdict == "skipped" else "", overflow="fold")
    if finding.advice:
        told.append(f"\n{finding.advice}", "bold" if finding.verdict == "failed" else "dim")
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column()
    line.add_column(width=max(map(len, CHECKS)))
    line.add_column()
    line.add_row(Text(mark if encoding.lower().startswith("utf") else plain, style), name, told)
    return line
