"""The verbs of the command, and what becomes of an error: a line or two, and an exit code."""

import traceback
from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from .. import ConfigurationError, ConvosoError
from .exit import BadUse, Exit
from .screen import complain

VERBS = {
    "demo": "A tour on a simulated account; there is nothing to set up.",
    "simulator": "A small Convoso on this machine, to try things on and to test against.",
}
"""What the list of verbs says of each; the rest stands in the module of that name."""


def run(words: Sequence[str]) -> Exit:
    """Runs one verb. An error becomes a line or two on standard error; `--debug` puts its traceback first."""
    app = application(words)

    @app.meta.default
    def launch(
        *words: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        debug: Annotated[
            bool, Parameter(negative="", show_default=False, help="Show the traceback of an error.")
        ] = False,
    ) -> Exit:
        try:
            return called(app, words)
        except Exception as error:
            if debug:
                traceback.print_exception(error)
            return explain(error)

    try:
        return called(app.meta, words)
    except CycloptsError as error:
        return explain(error)


def application(words: Sequence[str]) -> App:
    """The command with its verbs. A verb's module, and so its long help, is loaded only when it is named."""
    app = App(
        name="convoso",
        help="Convoso from the command line. To see what it does: convoso demo",
        help_format="plaintext",
        version=version_line,
        suppress_keyboard_interrupt=False,
    )
    app.meta.suppress_keyboard_interrupt = False  # it does not follow; without, Ctrl-C ends without a word
    for verb, summary in VERBS.items():
        app.command(f"{__package__}.{verb}:{verb}", name=verb, help=None if verb in words else summary)
    return app


def version_line() -> str:
    """The name and the version."""
    from importlib.metadata import version

    return f"convoso {version('convoso')}"


def called(app: App, words: Sequence[str]) -> Exit:
    """Parses the words and runs what they name. Raises whatever goes wrong."""
    result = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    return result if isinstance(result, Exit) else Exit.DONE  # help and version give none


def explain(error: Exception) -> Exit:
    """Says what went wrong and what to do, and gives the exit code."""
    if isinstance(error, CycloptsError):
        odd = error.unused_tokens if isinstance(error, UnusedCliTokensError) else None
        complain(
            f"Not understood: {' '.join(odd)}" if odd else str(error),
            f"See: {' '.join(('convoso', *(error.command_chain or ()), '--help'))}",
        )
        return Exit.BAD_USE
    if isinstance(error, BadUse | ConfigurationError):
        complain(str(error))
        return Exit.BAD_USE
    if isinstance(error, ConvosoError):
        complain(str(error))
    else:
        complain(f"Unexpected {type(error).__name__}: {error}", "With --debug it shows where that came from.")
    return Exit.NOT_COMPLETE
