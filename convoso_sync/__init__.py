"""The sync client. It is not there yet: use `AsyncConvoso` from `convoso_async`."""

from typing import TYPE_CHECKING, NoReturn

if not TYPE_CHECKING:  # or type checkers accept any name

    def __getattr__(name: str) -> NoReturn:
        if name.startswith("__"):  # asked for by the import system and by inspection, which take a plain no
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Not an AttributeError: `from convoso_sync import Convoso` would swallow its text.
        raise ImportError(
            f"there is no convoso_sync.{name}: this version has no sync client yet, "
            "use `from convoso_async import AsyncConvoso`",
            name=__name__,
        )
