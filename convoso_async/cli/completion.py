"""Shell completion, installed."""

from pathlib import Path
from typing import Annotated, Literal

from .exit import BadUse, Exit
from .options import LEFT_OUT

Shell = Literal["bash", "zsh", "fish", "powershell"]


def install(
    *,
    shell: Annotated[Shell | None, LEFT_OUT] = None,
    output: Annotated[Path | None, LEFT_OUT] = None,
) -> Exit:
    """Example: convoso --install-completion

    Has the shell complete verbs, options and their values: bash, zsh, fish or
    PowerShell. A script is put where that shell looks for such, and a line in
    the file that it starts with. To see the script, and change nothing else:

      convoso --install-completion --shell bash --output convoso.bash

    Args:
        shell: The shell; the one that this is run in by default.
        output: Where the script is put; then nothing else is changed.
    """
    from cyclopts.completion.detect import ShellDetectionError

    from .command import application
    from .screen import say

    try:
        place = application(()).install_completion(shell=shell, output=output, add_to_startup=output is None)
    except ShellDetectionError:
        raise BadUse("Which shell? --shell bash, zsh, fish or powershell") from None
    say(f"Completion is in {place}.")
    say("Load it with your shell." if output else "It works in every new shell.")
    return Exit.DONE
