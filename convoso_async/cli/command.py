"""The verbs of the command, and what becomes of an error: a line or two, and an exit code.

A verb is a function in a module of its own, sync or async, with a row in `VERBS`. It takes which account and
how to tell of it as one parameter each, and gives an exit code:

    async def export(what: What, /, *, account: Account = ACCOUNT, output: Output = OUTPUT) -> Exit:
        ...
        async with account.client() as client:
            with checked():  # a TypeError or ValueError in here is the user's
                pager = client.call_logs.retrieve_all(...)
            report = await jobs.export(pager, out, progress=output.progress("call logs"))
        output.report("Exported", {"rows": f"{report.rows:,}"}, {"rows": report.rows})
        return Exit.DONE

Its docstring is its help. The first line is an example to paste, `Example: convoso export ...`, of 79 columns
at most; then what it does, and `Args:` with a line for each option. Anything heavy is imported inside the
function, so that help stays quick. It raises `BadUse` for what cannot be done as asked, `Interrupted` where
Ctrl-C leaves more to say; `explain` has the rest, and shows a note on an error (`add_note`) as what to do
about it. `--debug` is everybody's.
"""

import errno
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated

from attrs import frozen
from cyclopts import (
    App,
    CycloptsError,
    MissingArgumentError,
    Parameter,
    UnknownCommandError,
    UnusedCliTokensError,
)

from .. import (
    AuthenticationError,
    ConfigurationError,
    ConvosoConnectionError,
    ConvosoError,
    ConvosoTimeoutError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
)
from . import NEEDED
from .exit import BadUse, Exit, Interrupted
from .screen import complain, out


@frozen
class Verb:
    """A verb: `module:function`, and what the list of verbs says of it; the rest stands there."""

    place: str
    summary: str


VERBS: Mapping[str, Verb] = {
    "demo": Verb("demo:demo", "A tour on a simulated account; there is nothing to set up."),
    "export": Verb("export:export", "All rows of one kind in a file: JSON lines, CSV or Parquet."),
    "import leads": Verb("import_:leads", "A lead for each row of a file, each inserted once."),
    "sync dnc": Verb("sync:dnc", "The do-not-call list brought into line with a file."),
    "sync opt-outs": Verb("sync:opt_outs", "The SMS opt-outs of a file added to those there are."),
    "recordings download": Verb("recordings:download", "The audio of calls in a folder."),
    "monitor": Verb("monitor:monitor", "Agents and queues, live."),
    "call": Verb("call:call", "Any of the 37 calls, by its name."),
    "endpoints": Verb("endpoints:endpoints", "The 37 calls, and what each of them is."),
    "errors": Verb("errors:errors", "What an error code means, on which call."),
    "doctor": Verb("doctor:doctor", "Whether everything is set up, and what to do where it is not."),
    "simulator": Verb(
        "simulator:simulator", "A small Convoso on this machine, to try things on and to test against."
    ),
}
GROUPS: Mapping[str, tuple[str, str]] = {
    "import": (
        "Rows of a file put into the account.",
        "convoso import leads leads.csv --list-id 333 --dry-run",
    ),
    "sync": (
        "Lists of the account brought into line with a file.",
        "convoso sync dnc dnc.csv --mode mirror --dry-run",
    ),
    "recordings": ("The audio of calls.", "convoso recordings download --from yesterday --out recordings"),
}
"""What is said of a verb's first word, where a second one follows, and its example."""

COMPLETION = "--install-completion"

HINTS: Mapping[type[ConvosoError], str] = {
    AuthenticationError: "The service does not take this token. To see where it comes from: convoso doctor",
    PermissionDeniedError: "The token has no right to this call. Convoso gives rights per API section.",
    RateLimitError: "The service wants fewer requests: try again in a minute.",
    OutcomeUnknownError: "It may have been done: look before you send it again.",
    ConvosoConnectionError: "Check the network, and the address if you set one. To see more: convoso doctor",
    ConvosoTimeoutError: "The service or the network is slow: try again. To see more: convoso doctor",
}
"""What to do about an error that does not say so itself."""


def run(words: Sequence[str]) -> Exit:
    """Runs one verb. An error becomes a line or two on standard error; `--debug` puts its traceback first."""
    if sys.stdout is None:  # a verb would find out when its work is done
        complain("Standard output is closed: send what is not wanted to /dev/null")
        return Exit.BAD_USE
    try:
        return launched(words)
    except BrokenPipeError:  # who read the output went away, and wants no more of it, nor a word on that
        return Exit.NOT_COMPLETE
    except OSError as error:  # help had no room; a verb's own errors are explained
        return explain(error)


def launched(words: Sequence[str]) -> Exit:
    """Runs one verb, with every error explained but those that `run` and `main` know."""
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
            if isinstance(error, BrokenPipeError) or is_missing_extra(error):
                raise
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
        console=out,
        version=version_line,
        suppress_keyboard_interrupt=False,
    )
    app.meta.suppress_keyboard_interrupt = False  # it does not follow; without, Ctrl-C ends without a word
    groups: dict[str, App] = {}
    for place, (name, verb) in enumerate(VERBS.items()):
        first, _, second = name.partition(" ")
        if second and first not in groups:
            told, example = GROUPS[first]
            told = f"Example: {example}\n\n{told}" if first in words else told
            groups[first] = App(name=first, help=told, sort_key=place)
            app.command(groups[first])
        groups.get(first, app).command(
            f"{__package__}.{verb.place}",
            name=second or first,
            help=None if set(name.split()) <= set(words) else verb.summary,
            sort_key=place,
        )
    app.command(
        f"{__package__}.completion:install",
        name=COMPLETION,
        help=None if COMPLETION in words else "Have the shell complete verbs, options and values.",
    )
    return app


def version_line() -> str:
    """The name and the version."""
    from importlib.metadata import version

    return f"convoso {version('convoso')}"


def called(app: App, words: Sequence[str]) -> Exit:
    """Parses the words and runs what they name. Raises whatever goes wrong."""
    result = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    return result if isinstance(result, Exit) else Exit.DONE  # help and version give none


def is_missing_extra(error: Exception) -> bool:
    """Whether a module of the extra `cli` is not there, which `main` tells."""
    return isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in NEEDED


def explain(error: Exception) -> Exit:
    """Says what went wrong and what to do, and gives the exit code."""
    if isinstance(error, CycloptsError):
        place = ("convoso", *(error.command_chain or ()), "--help")
        complain(misunderstood(error), f"See: {' '.join(place)}")
        return Exit.BAD_USE
    if isinstance(error, Interrupted):
        complain(str(error))
        return Exit.INTERRUPTED
    if isinstance(error, BadUse | ConfigurationError):
        complain(str(error))
        return Exit.BAD_USE
    if isinstance(error, ConvosoError):
        complain(str(error), next(hints_of(error), None))
        return Exit.BAD_USE if error.outcome == "not_sent" and is_bad_file(error) else Exit.NOT_COMPLETE
    if isinstance(error, OSError) and error.strerror:
        complain(*trouble_with_a_file(error))
    elif isinstance(error, ImportError):  # of an extra beside `cli`; it says which
        complain(str(error))
        return Exit.BAD_USE
    else:
        complain(f"Unexpected {type(error).__name__}: {error}", "With --debug it shows where that came from.")
    return Exit.NOT_COMPLETE


def misunderstood(error: CycloptsError) -> str:
    """What in a command line is wrong."""
    odd = " ".join(error.unused_tokens or ())
    if isinstance(error, UnknownCommandError):
        return unknown_command(odd.split()[0], error.command_chain or ())
    if isinstance(error, MissingArgumentError) and error.argument is not None and not error.keyword:
        choices = ", ".join(error.argument.get_choices() or ())
        told = f", one of {choices}" if choices else ""
        return f"{' '.join(error.command_chain or ())} needs {error.argument.name}{told}"
    return f"Not understood: {odd}" if isinstance(error, UnusedCliTokensError) and odd else str(error)


def unknown_command(word: str, chain: Sequence[str]) -> str:
    """What may have been meant by a verb that is none. No module is loaded to find out."""
    before = "".join(f"{name} " for name in chain)
    known = [name.removeprefix(before).split()[0] for name in VERBS if name.startswith(before)]
    names = list(dict.fromkeys(known))
    there = f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}"
    if not known:  # below `call`, which has loaded them
        from .reference import endpoints

        known = list(endpoints())
        some = [name for name in known if word.casefold() in name]
        there = f"there are {', '.join(some)}" if some else "all of them: convoso endpoints"
    if word.startswith("-"):
        return f"A command goes before {word}; {there}"
    near = get_close_matches(word.casefold(), known, n=1)
    return f"Unknown command {word}; {f'did you mean {near[0]}?' if near else there}"


def hints_of(error: ConvosoError) -> Iterator[str]:
    """What to do about an error: what a verb noted on it, else what is known of its class."""
    yield from getattr(error, "__notes__", ())
    yield from (hint for kind, hint in HINTS.items() if isinstance(error, kind))


def is_bad_file(error: ConvosoError) -> bool:
    """Whether a file that was named is not what it should be."""
    from ..jobs import BadFileError, JournalError

    return isinstance(error, BadFileError | JournalError)


def trouble_with_a_file(error: OSError) -> tuple[str, str | None]:
    """Why a file, or the disk, did not do, and what to do about it."""
    where = f"{error.filename}: " if error.filename else ""
    hint = "Make room there, or write elsewhere." if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
    return f"{where}{error.strerror}", hint
