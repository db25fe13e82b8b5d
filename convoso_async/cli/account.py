"""Which account a verb works on: its token, its zone, and where its service is.

The token comes from a file, from the environment, or from the keyboard, never from an argument: other
processes can read those, and shells keep them.
"""

import os
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .. import AsyncConvoso, ConfigurationError
from ..settings import zone_of
from .exit import BadUse
from .options import ACCOUNT_OPTIONS, LEFT_OUT
from .output import is_terminal
from .screen import complain, errors

TOKEN, BASE_URL, TIMEZONE = "CONVOSO_AUTH_TOKEN", "CONVOSO_BASE_URL", "CONVOSO_TIMEZONE"
NO_TOKEN = f"No token: set {TOKEN}, or name the file that holds it with --token-file."
ENVIRONMENT = "the environment"
LARGEST = 10_000
"""Characters of a file with a token, or of settings: more is another file, named by mistake."""


@dataclass(frozen=True)
class Found:
    """A setting, and where it was found: `--token-file`, a file of settings, the environment."""

    value: str = field(repr=False)
    where: str


@Parameter(name="*", group=ACCOUNT_OPTIONS)
@dataclass(frozen=True, kw_only=True)
class Account:
    """The account's settings. What an option says goes before a file of settings, that before the
    environment. See `command` for its use.
    """

    token_file: Annotated[Path | None, LEFT_OUT] = None
    """A file that holds the token and nothing else. Else the token is CONVOSO_AUTH_TOKEN, or is asked for."""

    timezone: Annotated[str | None, LEFT_OUT] = None
    """The account's zone, such as America/New_York. Else CONVOSO_TIMEZONE, else America/Los_Angeles."""

    base_url: Annotated[str | None, LEFT_OUT] = None
    """Where the service is, such as a simulator. Else CONVOSO_BASE_URL, else the public one."""

    env_file: Annotated[Path | None, LEFT_OUT] = None
    """A file of these settings, NAME=value a line. None is read unless it is named."""

    def client(self) -> AsyncConvoso:
        """A client of the account, to be closed. On a terminal it asks for a token that is nowhere else.

        Raises BadUse or ConfigurationError, naming what is missing or wrong.
        """
        token = self.token()
        base_url, zone = self.base_url_found(), self.timezone_found()
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")
            with self.named():
                client = AsyncConvoso(
                    asked_token() if token is None else token.value,
                    base_url=None if base_url is None or base_url.where == ENVIRONMENT else base_url.value,
                    timezone=None if zone is None else zone.value,
                )
        for doubt in doubts:
            complain(str(doubt.message))
        return client

    def token(self) -> Found | None:
        """The token. None where it has to be asked for."""
        if self.token_file is not None:
            text = text_of(self.token_file).strip()
            if not text:
                raise BadUse(f"{self.token_file} is empty: it should hold the token.")
            return Found(text, str(self.token_file))
        return self._found(TOKEN)

    def base_url_found(self) -> Found | None:
        """Where the service is. None for the public one."""
        return Found(self.base_url, "--base-url") if self.base_url else self._found(BASE_URL)

    def timezone_found(self) -> Found | None:
        """The account's zone. None for the usual one."""
        return Found(self.timezone, "--timezone") if self.timezone else self._found(TIMEZONE)

    def zone(self) -> tzinfo:
        """The account's zone. Raises ConfigurationError for one that is not known."""
        found = self.timezone_found()
        with self.named():
            return zone_of(None if found is None else found.value)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Where settings are checked: an error names one as it was set, by an option or a variable."""
        try:
            yield
        except ConfigurationError as error:
            base_url, zone = self.base_url_found(), self.timezone_found()
            names = {
                "auth_token": "the token",
                "base_url": "--base-url" if base_url and base_url.where == "--base-url" else BASE_URL,
                "timezone": "--timezone" if zone and zone.where == "--timezone" else TIMEZONE,
            }
            error.args = (in_settings(error.message, names),)
            raise

    def _found(self, name: str) -> Found | None:
        """A setting by its name: from the file of settings, else from the environment. Empty is unset."""
        if self.env_file is not None and (value := settings_in(self.env_file).get(name)):
            return Found(value, str(self.env_file))
        value = os.environ.get(name)
        return Found(value, ENVIRONMENT) if value else None


def in_settings(text: str, names: Mapping[str, str]) -> str:
    """What is wrong with a setting, which is named first, under the name that it was set by."""
    name, blank, told = text.partition(" ")
    for said in (f" ({BASE_URL} has it)", ", or a zoneinfo.ZoneInfo"):  # the name says it, or it is Python's
        told = told.replace(said, "")
    return f"{names.get(name, name)}{blank}{told}"


ACCOUNT = Account()
"""The account of the environment."""


def text_of(path: Path) -> str:
    """What is in a file with a secret. Raises BadUse with the reason in one line, which does not show it."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise BadUse(f"{path}: {error.strerror}") from None
    except UnicodeError:
        raise BadUse(f"{path} is not text in UTF-8.") from None
    if len(text) > LARGEST:
        raise BadUse(f"{path} is too large for what it should hold.")
    return text


def settings_in(path: Path) -> dict[str, str]:
    """The settings in a file of lines NAME=value. Blank lines, `# notes`, `export` and quotes are known."""
    settings = {}
    for number, line in enumerate(text_of(path).splitlines(), 1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, sign, value = text.partition("=")
        if not sign:
            raise BadUse(f"{path}, line {number}: it is not NAME=value.")
        value = value.strip()
        if len(value) > 1 and value[0] in "\"'" and value.endswith(value[0]):
            value = value[1:-1]
        settings[name.strip()] = value
    return settings


def asked_token() -> str:
    """The token, typed without being shown. Raises BadUse where nobody is there to type it."""
    if not is_terminal(sys.stdin):
        raise BadUse(NO_TOKEN)
    from getpass import GetPassWarning, getpass

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a running loop's waits for Enter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)  # it would show what is typed
            token = getpass("Auth token (not shown): ").strip()
    except (EOFError, GetPassWarning):
        token = ""
    except KeyboardInterrupt:
        errors.print()  # the question has no end of line yet
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if not token:
        raise BadUse(NO_TOKEN)
    return token
