"""The names of a package, each imported on its first use: building a client must not load aiohttp."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def public_names(
    package: str, homes: Mapping[str, str]
) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """What a package takes as its `__all__`, `__getattr__` and `__dir__`.

    `homes` has the modules that names come from, those of the package itself with a dot before, and the names
    with blanks between. To be called under `if not TYPE_CHECKING`: type checkers read imports beside it, and
    would accept any name of a module with a `__getattr__`.
    """
    modules = {name: module for module, names in homes.items() for name in names.split()}
    public = sorted(modules)

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        value: object = getattr(import_module(modules[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    return public, find, lambda: list(public)
