"""The rules for each kind of module: the client, a resource, the pagers, functions, a package's names."""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import indent

from .source import Def, NotUnderstoodError, Source
from .tables import (
    ADAPTED_TYPES,
    ATTRIBUTES,
    FACADES,
    FUNCTIONS,
    INTERNAL,
    NOT_TAKEN,
    RENAMED,
    SHARED,
    TAKEN,
    WORDS,
    WRAPPED,
)
from .writing import WIDTH, WORD, Module, import_line, import_order, origin, wrapped


def generated(root: Path) -> dict[str, str]:
    """The text of every generated file by its name, for the async package in `root`."""
    used: set[str] = set()
    check_modules(root)
    client = Source(root, "client", used)
    files = {
        "__init__.py": public_package(client.beside("__init__")),
        "client.py": client_module(client),
        "resources/__init__.py": client.beside("resources.__init__").docstring() + "\n",
    }
    files |= {f"{name}.py": pager_module(client.beside(name)) for name in WRAPPED.values()}
    files |= {
        f"resources/{name}.py": resource_module(client.beside(f"resources.{name}"))
        for name in client.resources()
    }
    for name in FUNCTIONS:
        files |= function_modules(client.beside(f"{name}.__init__"), name)
    if unused := set(WORDS) - used:
        raise NotUnderstoodError(f"WORDS has what no docstring says: {sorted(unused)}")
    for name, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > WIDTH:
                raise NotUnderstoodError(f"{name}:{number} would be longer than {WIDTH}: {line.strip()}")
    return files


def check_modules(root: Path) -> None:
    """Every module of the source is in a table: a new one is not forgotten."""
    found = {path.stem for path in root.glob("*.py")}
    found |= {path.parent.name for path in root.glob("*/__init__.py")}
    listed = {*NOT_TAKEN, *SHARED, *TAKEN, *INTERNAL}
    if unknown := sorted(found - listed):
        raise NotUnderstoodError(
            f"convoso_async has {', '.join(unknown)}, which no table names:"
            " add it to INTERNAL, SHARED or NOT_TAKEN, or to TAKEN and write its twin"
        )


def resource_module(source: Source) -> str:
    """A resource: one class, and the types of its signatures from the async module."""
    bases = {name: [source.segment(base) for base in cls.bases] for name, cls in source.classes().items()}
    taken = [name for name in bases if "Resource" in bases[name]]
    if len(taken) != 1:
        raise source.fail(source.tree, "a resource module has exactly one class of calls")
    module = Module(source, here="..")
    cls = twin(module, taken[0])
    return module.text(cls)


def pager_module(source: Source) -> str:
    """The pagers, or the rows that they read ahead."""
    taken = [name for name, home in WRAPPED.items() if home == source.name]
    if unknown := {name for name in source.classes() if name[0] != "_"} - {*taken, "Window"}:
        raise source.fail(source.tree, f"{', '.join(unknown)}: no rule says whether that has a twin")
    module = Module(source)
    return module.text(*(twin(module, name, "[R]") for name in taken))


def twin(module: Module, name: str, generic: str = "") -> str:
    """The sync twin of a class."""
    source = module.source
    cls = source.classes()[name]
    base = FACADES.get(name)
    if base is None:
        base = f"Facade[Async{name}{generic}]"
        module.runtime.use(f"{module.here}_runtime", "Facade")
        module.runtime.use(f"convoso_async.{source.name}", f"{name} as Async{name}")
    else:
        module.runtime.use(f"{module.here}_look_ahead", base.partition("[")[0])
    members = [module.method(name, node) for node in source.public(cls)]
    attributes = [
        (own.partition(".")[2], type_) for own, type_ in ATTRIBUTES.items() if own.startswith(f"{name}.")
    ]
    members += [property_of(module, attribute, type_) for attribute, type_ in attributes]
    return "\n\n".join([f"class {name}({base}):\n    {source.docstring(cls)}", *members])


def property_of(module: Module, name: str, type_: str) -> str:
    """A public attribute, read from behind."""
    module.runtime.use(*module.source.homes[type_])
    return f'''\
    @property
    def {name}(self) -> {type_}:
        """The `{type_}` of the last iteration."""
        return self._async.{name}'''


def client_module(source: Source) -> str:
    """The client: its settings as they are, its resources by name."""
    cls = source.classes()["AsyncConvoso"]
    (init,) = (node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    module = Module(source)
    resources = source.resources()
    for name, resource in resources.items():
        module.checking.use(f".resources.{name}", resource)
    module.runtime.use("._runtime", "Client", "Facade", "events_for")
    module.runtime.use("importlib", "import_module")
    module.runtime.use("typing", "Any")
    module.runtime.use("convoso_async.client", "RESOURCES")
    arguments, given = module.arguments(cls.name, init, init.args.args[1:])
    members = [
        f"class Convoso(Facade[Client]):\n    {source.docstring(cls)}",
        "\n".join(f'    {name}: "{resource}"' for name, resource in resources.items()),
        SETTINGS.format(
            head=wrapped("    def __init__(", ["self", *arguments], ") -> None:"),
            client=wrapped("            client = Client(", given, ")"),
        ),
        RESOURCE_ACCESS,
        *(module.method(cls.name, node) for node in source.public(cls)),
    ]
    return module.text("\n\n".join(members))


SETTINGS = """\
{head}
        try:
{client}
        finally:
            auth_token = None  # a traceback shows the locals of this frame
        super().__init__(client)"""

RESOURCE_ACCESS = '''\
    if not TYPE_CHECKING:  # type checkers read the annotations above, or they would accept any name

        def __getattr__(self, name: str) -> Any:
            """Imports a resource on its first use."""
            if name not in RESOURCES:
                raise AttributeError(
                    f"{type(self).__name__!r} has no attribute {name!r}", name=name, obj=self
                )
            module = import_module(f".resources.{name}", __package__)
            resource = getattr(module, RESOURCES[name])(getattr(self._async, name))
            self.__dict__[name] = resource
            return resource

    def __dir__(self) -> list[str]:
        """The names to complete, resources that were not used yet among them."""
        return sorted({*super().__dir__(), *RESOURCES})'''


def function_modules(source: Source, name: str) -> dict[str, str]:
    """A package whose coroutine functions get twins: each in a module like its own."""
    twins: dict[str, list[str]] = {}
    for home, public in names_of(source):
        if needs_twin(source.beside(f"{name}{home}"), f"{name}.{public}"):
            twins.setdefault(home, []).append(public)
    files = {f"{name}/__init__.py": package(source, twins)}
    for home, functions in twins.items():
        module = Module(source.beside(f"{name}{home}"), here="..")
        bodies = [module.function(node) for node in module.source.functions() if node.name in functions]
        files[f"{name}/{home[1:]}.py"] = module.text(*bodies)
    return files


def needs_twin(source: Source, name: str) -> bool:
    """Whether a public name is a coroutine function. What else is async, or takes what is, is an error."""
    own = name.partition(".")[2]
    parts = [node for node in source.functions() if node.name == own]
    twin = any(isinstance(node, ast.AsyncFunctionDef) for node in parts)
    if own in source.classes() and name not in SHARED:
        parts = [part for part in source.classes()[own].body if isinstance(part, Def)]
    for part in [] if twin else parts:
        words = set(WORD.findall(source.segment(part).partition('"""')[0]))
        if isinstance(part, ast.AsyncFunctionDef) or words & {*ADAPTED_TYPES} - {"OnProgress"}:
            raise source.fail(part, f"{name} has to do with async code, and no table says what it is here")
    return twin


def public_package(source: Source) -> str:
    """The public names: those of the async package, with our client and pagers in place of its own."""
    own: dict[str, list[str]] = {}
    for module, name in names_of(source):
        if name in WRAPPED or name in RENAMED:
            own.setdefault(module, []).append(name)
        elif module[1:].partition(".")[0] not in TAKEN | set(SHARED):
            raise source.fail(
                source.tree, f"{name}, from {module[1:]}, is public: no table says what it is here"
            )
    return package(source, own)


def names_of(source: Source) -> list[tuple[str, str]]:
    """The public names of a package, each with its module before it."""
    homes = source.literal("_HOMES")
    return [(module, name) for module, names in homes.items() for name in names.split()]


def package(source: Source, own: Mapping[str, Sequence[str]]) -> str:
    """The public names of a package: some are of modules of its own, all others the async package's."""
    there = source.module.removesuffix(".__init__")
    ours = {module: [RENAMED.get(name, name) for name in names] for module, names in own.items()}
    twins = {name for names in own.values() for name in names}
    shared = sorted((name for _, name in names_of(source) if name not in twins), key=import_order)
    imports = [import_line(module, [f"{name} as {name}" for name in names]) for module, names in ours.items()]
    return PACKAGE.format(
        origin=origin(source),
        docstring=source.docstring(),
        there=there,
        shared="\n".join(f"        {name} as {name}," for name in shared),
        ours=indent("\n".join(sorted(imports)), "    "),
        homes="".join(f'    "{module}": "{" ".join(names)}",\n' for module, names in ours.items()),
        words=filled(shared),
    )


def filled(names: Sequence[str]) -> str:
    """A text of names, in lines of the right width where one is too short."""
    lines = [""]
    for name in names:
        if len(f"        {lines[-1]} {name}") > WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {name}".strip()
    if len(lines) == 1:
        return f'"{lines[0]}"'
    return "\n        ".join(['"""', *lines]) + '\n    """'


PACKAGE = """\
{origin}
{docstring}

from typing import TYPE_CHECKING

from convoso_async.public_names import public_names

if TYPE_CHECKING:
    from {there} import (
{shared}
    )

{ours}

_HOMES = {{
{homes}    "{there}": {words},
}}

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = public_names(__name__, _HOMES)
"""
