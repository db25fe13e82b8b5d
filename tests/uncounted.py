"""Child processes that coverage leaves alone: it imports modules of its own, and writes a file at the end."""

import os


def uncounted(**more: str) -> dict[str, str]:
    """The environment of such a process."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")} | more
