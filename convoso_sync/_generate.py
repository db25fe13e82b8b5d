"""Writes the sync package: reads the source of `convoso_async`, and gives each public part its sync twin.

    python -m convoso_sync._generate            writes the files
    python -m convoso_sync._generate --check    says whether they are as they should be

What is taken, and what is not and why, stands in the tables at the top. A part of the source that they do
not name, or that the rules do not cover, is an error: nothing is skipped. The text comes out formatted.
"""

import argparse
import ast
import builtins
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "convoso_async"
WIDTH = 110
BY_HAND = {"_generate.py", "_look_ahead.py", "_runtime.py", "py.typed"}

TAKEN = {"__init__", "client", "paging", "resources"}
SHARED = {
    "endpoint": "what a call is, for both",
    "errors": "raised by both",
    "events": "told by both",
    "otel": "an `on_event` for both",
    "reading": "reports, for both",
    "rows": "what replies become, for both",
}
"""Modules whose public names are those of both packages, re-exported and never copied."""
INTERNAL = set("convert form known pacing parameters reply resource retry row_source transport".split())
"""Modules that callers do not import."""
NOT_TAKEN = {
    "cli": "the command, which runs the loop itself",
    "connect": "not yet; all of it but `call_log` and `lead`, which take a client, serves both as it is",
    "jobs": "not yet",
    "simulator": "serves both as it is: it has a thread of its own",
    "AsyncConvoso.session": "a session belongs to the loop it was made in, and sync callers have none",
    "Pager.__init__": "pagers are made by resources",
    "Prefetch.__init__": "made by Pager.prefetch",
}
"""Modules, parameters and methods without a sync twin, each with the reason."""
BASES = {"", "Generic[R]", "Resource", "_Run[R]"}
"""Bases of taken classes. What they define is internal, or taken care of by `_look_ahead`."""
RENAMED = {
    "AsyncConvoso": "Convoso",
    "AsyncIterator": "Iterator",
    "aclose": "close",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}
WRAPPED = {"Pager", "Prefetch"}
"""Async objects that a method gives, and that go into their sync twins."""
ATTRIBUTES = {"Pager.report": "Report"}
"""Public attributes that are set in `__init__`, and their types."""
MACHINERY = {"AsyncConvoso.__getattr__", "AsyncConvoso.__dir__", "AsyncConvoso.__init__"}
"""Parts of the client whose twins have a form of their own."""
BODIES = {
    "AsyncConvoso.__repr__": 'return f"<{type(self).__name__} {self._async._settings.base_url}>"',
    "AsyncConvoso.aclose": "self._async.close()",
    "AsyncConvoso.__aenter__": "return self",
    "AsyncConvoso.__aexit__": "self.close()",
    "Pager.__aiter__": "return rows(self._async)",
    "Pager.pages": "return pages(self._async)",
    "Prefetch.__aenter__": "return self._enter()",
    "Prefetch.__aexit__": "self._leave()",
    "Prefetch.__aiter__": "return self",
    "Prefetch.__anext__": "return self._take()",
}
"""Bodies that the rules do not give."""
FACADES = {"Prefetch": "PrefetchedRows[R]"}
"""Bases of sync classes, where they are not the plain facade."""
ADAPTED = {"AsyncConvoso.on_event": "events_for(on_event)"}
"""What callers hand in and the loop must not run: the parameter, and what is passed on for it."""
HANDED_IN = re.compile(r"\b(Callable|Awaitable|Coroutine|(Async)?(Iterable|Iterator|Generator))\b")
WORDS = {
    "tasks of one event loop. Nothing is opened before the first call.": (
        "threads. Nothing is opened, and no thread started, before the first call."
    ),
    "        session: a session of yours. "
    "It keeps its cookies, proxy and connector, and is never closed.\n": "",
    "called with each `Event` of a call, in the event loop; see `convoso_async.events`.": (
        "called with each `Event` of a call, in a worker thread, one after the other; see\n"
        "            `convoso_async.events`."
    ),
    " A session of yours stays open.\n\n"
    "        Raises ConfigurationError in another event loop while that of the client's calls still runs."
    "\n        ": "",
    "Several tasks may share the rows.": "Several threads may share the rows.",
    "an async context manager and an async iterator": "a context manager and an iterator",
    "The Convoso API for Python's asyncio:": "The Convoso API for sync code:",
    "async with ": "with ",
    "async for ": "for ",
    "await ": "",
    "AsyncConvoso": "Convoso",
    "from convoso_async import": "from convoso_sync import",
}
"""What docstrings say otherwise here. Each must be found somewhere, or it is out of date."""
LEFT_OVER = re.compile(
    r"\b(async|await|asyncio|coroutines?|tasks?|event loop|session of yours|aiohttp)\b", re.IGNORECASE
)


STANDARD, OTHERS = 0, 1
Def = ast.FunctionDef | ast.AsyncFunctionDef


class NotUnderstoodError(Exception):
    """The source has something that no rule covers."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the files are written or right, 1 when `--check` finds them wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check = parser.parse_args(arguments).check
    try:
        wanted = generated()
    except NotUnderstoodError as error:
        say(str(error))
        return 1
    wrong = [name for name, text in wanted.items() if text != text_of(HERE / name)]
    orphans = sorted(files_in(HERE) - set(wanted) - BY_HAND)
    if not check:
        for name in wrong:
            (HERE / name).parent.mkdir(exist_ok=True)
            (HERE / name).write_text(wanted[name], "utf-8")
        for name in orphans:
            (HERE / name).unlink()
    for name in wrong:
        say(f"convoso_sync/{name} {'is not what its source gives' if check else 'written'}")
    for name in orphans:
        say(f"convoso_sync/{name} {'has no source' if check else 'removed'}")
    if check and (wrong or orphans):
        say("run python -m convoso_sync._generate")
        return 1
    if not wrong and not orphans:
        say(f"convoso_sync is up to date: {len(wanted)} files")
    return 0


def say(line: str) -> None:
    """One line to the terminal."""
    sys.stdout.write(f"{line}\n")


def text_of(path: Path) -> str | None:
    """What a file holds, None where there is none."""
    return path.read_text("utf-8") if path.exists() else None


def files_in(folder: Path) -> set[str]:
    """All files below a folder, but for what Python itself leaves there."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def generated() -> dict[str, str]:
    """The text of every generated file by its name."""
    used: set[str] = set()
    check_modules()
    client = Source("client", used)
    resources = {name: Source(f"resources.{name}", used) for name in client.resources()}
    files = {
        "__init__.py": package(Source("__init__", used)),
        "client.py": client_module(client),
        "paging.py": paging_module(Source("paging", used)),
        "resources/__init__.py": Source("resources.__init__", used).docstring() + "\n",
    }
    files |= {f"resources/{name}.py": resource_module(source) for name, source in resources.items()}
    if unused := set(WORDS) - used:
        raise NotUnderstoodError(f"WORDS has what no docstring says: {sorted(unused)}")
    for name, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > WIDTH:
                raise NotUnderstoodError(f"{name}:{number} would be longer than {WIDTH}: {line.strip()}")
    return files


def check_modules() -> None:
    """Every module of the source is in a table: a new one is not forgotten."""
    found = {path.stem for path in SOURCE.glob("*.py")}
    found |= {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    listed = {name for name in NOT_TAKEN if "." not in name} | set(SHARED) | TAKEN | INTERNAL
    if unknown := sorted(found - listed):
        raise NotUnderstoodError(
            f"convoso_async has {', '.join(unknown)}, which no table of {Path(__file__).name} names:"
            " add it to INTERNAL, SHARED or NOT_TAKEN, or to TAKEN and write its twin"
        )


# -- reading ----------------------------------------------------------------------------------------


class Source:
    """A module of `convoso_async`."""

    def __init__(self, name: str, used: set[str]) -> None:
        self.name = name
        self.path = SOURCE / f"{name.replace('.', '/')}.py"
        self.text = self.path.read_text("utf-8")
        self.tree = ast.parse(self.text)
        self._lines = self.text.encode().splitlines(keepends=True)
        self._used = used
        self.homes = dict(self._homes())

    def fail(self, node: ast.AST, why: str) -> NotUnderstoodError:
        """The error for a part that no rule covers."""
        line = getattr(node, "lineno", 1)
        return NotUnderstoodError(f"convoso_async/{self.path.relative_to(SOURCE)}:{line}: {why}")

    def _homes(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Where each name of the module comes from: its module, and its name there."""
        here = "convoso_async" if self.name == "__init__" else f"convoso_async.{self.name}"
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                if node.level:
                    parts = here.split(".")[: -node.level]
                    module = ".".join([*parts, module])
                for alias in node.names:
                    yield alias.asname or alias.name, (module, alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.asname or alias.name, (alias.name, "")
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef):
                yield node.name, (here, node.name)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                yield node.targets[0].id, (here, node.targets[0].id)

    def segment(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node as it stands there."""
        assert node.end_lineno is not None
        lines = self._lines[node.lineno - 1 : node.end_lineno]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"".join(lines).decode()

    def docstring(self, node: ast.ClassDef | Def | None = None) -> str:
        """The docstring as it stands there, quotes included, in the words of the sync package."""
        owner = node or self.tree
        if ast.get_docstring(owner) is None:
            raise self.fail(owner, "no docstring")
        text = self.segment(owner.body[0])
        for there, here in WORDS.items():
            if there in text:
                self._used.add(there)
                text = text.replace(there, here)
        if left := LEFT_OVER.search(text.replace("convoso_async", "")):
            raise self.fail(owner, f"the docstring speaks of {left[0]!r}; say in WORDS what to say here")
        return text

    def import_of(self, module: str) -> str:
        """The line that imports a module, with what it tells type checkers."""
        pattern = re.compile(rf"^ *(import {re.escape(module)}\b.*)$", re.MULTILINE)
        (line,) = pattern.findall(self.text)
        return str(line)

    def literal(self, name: str) -> dict[str, str]:
        """The value of a table of the module."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and self.segment(node.targets[0]) == name:
                found: dict[str, str] = ast.literal_eval(node.value)
                return found
        raise self.fail(self.tree, f"there is no {name}")

    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes of the module by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}

    def public(self, cls: ast.ClassDef) -> Iterator[Def]:
        """The methods of a taken class that have a twin."""
        bases = {self.segment(base) for base in cls.bases}
        if not bases <= BASES or cls.keywords or cls.decorator_list:
            raise self.fail(cls, f"{cls.name} has bases or decorators that BASES does not name")
        for node in cls.body[1:]:
            match node:
                case ast.AnnAssign(target=ast.Name(id=name)) if name in self.resources():
                    pass
                case ast.If(
                    test=ast.UnaryOp(operand=ast.Name(id="TYPE_CHECKING")), body=[ast.FunctionDef(name=name)]
                ):
                    if f"{cls.name}.{name}" not in MACHINERY:
                        raise self.fail(node, f"{name} is in no table")
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    self._check_attributes(cls, node)
                    own = f"{cls.name}.{name}"
                    private = name.startswith("_") and not name.endswith("__")
                    if not private and own not in NOT_TAKEN and own not in MACHINERY:
                        yield node
                case _:
                    raise self.fail(node, f"{cls.name} has a {type(node).__name__} that no rule covers")

    def _check_attributes(self, cls: ast.ClassDef, method: ast.AST) -> None:
        for node in ast.walk(method):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AnnAssign | ast.AugAssign):
                targets = [node.target]
            for target in targets:
                if isinstance(target, ast.Attribute) and self.segment(target.value) == "self":
                    name = target.attr
                    if not name.startswith("_") and f"{cls.name}.{name}" not in ATTRIBUTES:
                        raise self.fail(node, f"{cls.name}.{name} is public and not in ATTRIBUTES")

    def resources(self) -> dict[str, str]:
        """The resources of the client, and the class of each in its module."""
        found = self.literal("RESOURCES") if self.name == "client" else {}
        modules = {path.stem for path in (SOURCE / "resources").glob("*.py")} - {"__init__"}
        if found and set(found) != modules:
            raise self.fail(self.tree, f"RESOURCES and the modules differ: {sorted(set(found) ^ modules)}")
        return found


# -- writing ----------------------------------------------------------------------------------------


@dataclass
class Imports:
    """What a module imports: names by their module, and whole modules by their line."""

    names: dict[str, set[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    def use(self, module: str, *names: str) -> None:
        """Imports names."""
        self.names.setdefault(module, set()).update(names)

    def blocks(self) -> list[str]:
        """The lines in the order in which they are sorted: standard, of others, ours, of this package."""
        groups: list[list[str]] = [[], [], [], []]
        for line in sorted(self.whole):
            groups[home_of(line.split()[1])].append(line)
        for module in sorted(self.names, key=lambda module: (-dots(module), module)):
            groups[home_of(module)].append(import_line(module, self.names[module]))
        return ["\n".join(lines) for lines in groups if lines]


@dataclass
class Module:
    """A module that is being written. `here` leads to the package: one dot, or two."""

    source: Source
    here: str = "."
    runtime: Imports = field(default_factory=Imports)
    checking: Imports = field(default_factory=Imports)

    def text(self, *body: str, constants: str = "") -> str:
        """The whole file."""
        origin = self.source.path.relative_to(SOURCE.parent).as_posix()
        head = f"# Made from {origin} by convoso_sync._generate: change those.\n{self.source.docstring()}"
        checking = self.checking.blocks()
        if checking:
            self.runtime.use("typing", "TYPE_CHECKING")
        blocks = [head, *self.runtime.blocks()]
        if checking:
            blocks.append("if TYPE_CHECKING:\n" + indent("\n\n".join(checking), "    "))
        if constants:
            blocks.append(constants)
        return "\n\n".join(blocks) + "\n\n\n" + "\n\n\n".join(body) + "\n"

    def annotation(self, node: ast.expr | None) -> str:
        """An annotation for a sync signature. What it names is imported."""
        match node:
            case None:
                raise self.source.fail(self.source.tree, "a public signature lacks an annotation")
            case ast.Constant(value=str(text)):
                self._import(node, text, self.checking)
                return f'"{in_sync(text)}"'
            case _:
                text = self.source.segment(node)
                self._import(node, text, self.runtime)
                return in_sync(text)

    def _import(self, node: ast.expr, text: str, imports: Imports) -> None:
        names = {part.id for part in ast.walk(ast.parse(text)) if isinstance(part, ast.Name)}
        for name in names - set(dir(builtins)) - {"R"}:
            if name not in self.source.homes:
                raise self.source.fail(node, f"no telling where {name} comes from")
            module, there = self.source.homes[name]
            if there in WRAPPED:
                if self.source.name != "paging":
                    imports.use(f"{self.here}paging", there)
            elif there and home_of(module) != OTHERS:
                imports.use(module, in_sync(there))
            elif not there and (imports is self.checking or home_of(module) != OTHERS):
                imports.whole.add(self.source.import_of(module))
            else:
                raise self.source.fail(node, f"{name} is from {module}, which no rule covers")

    def method(self, cls: str, node: Def) -> str:
        """The sync twin of a method."""
        own = f"{cls}.{node.name}"
        decorators = [f"    @{self.source.segment(one)}" for one in node.decorator_list]
        if decorators and decorators != ["    @property"]:
            raise self.source.fail(node, f"{own} has decorators that no rule covers")
        arguments, given = self.arguments(cls, node)
        head = f"    def {RENAMED.get(node.name, node.name)}("
        head = wrapped(head, ["self", *arguments], f") -> {self.annotation(node.returns)}:")
        if decorators:
            body = f"return self._async.{node.name}"
        else:
            body = BODIES.get(own) or self._body(own, node, ", ".join(given))
        for name in ("rows", "pages"):
            if f" {name}(" in body:
                self.runtime.use(f"{self.here}_look_ahead", name)
        return "\n".join([*decorators, head, f"        {self.source.docstring(node)}", f"        {body}"])

    def arguments(self, cls: str, node: Def) -> tuple[list[str], list[str]]:
        """The parameters of a signature, and how they are passed on."""
        args = node.args
        if args.posonlyargs or args.vararg:
            raise self.source.fail(node, f"{node.name} takes parameters in a way that no rule covers")
        plain = args.args[1:]
        defaults = [*[None] * (len(plain) - len(args.defaults)), *args.defaults]
        arguments: list[str] = []
        given: list[str] = []
        for one, default in zip(plain, defaults, strict=True):
            self._argument(cls, one, default, arguments, given)
        if args.kwonlyargs:
            arguments.append("*")
        for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            self._argument(cls, one, default, arguments, given, f"{one.arg}=")
        if args.kwarg:
            self._argument(cls, args.kwarg, None, arguments, given, "**")
            arguments[-1] = f"**{arguments[-1]}"
        return arguments, given

    def _argument(
        self,
        cls: str,
        node: ast.arg,
        default: ast.expr | None,
        arguments: list[str],
        given: list[str],
        how: str = "",
    ) -> None:
        own = f"{cls}.{node.arg}"
        if own in NOT_TAKEN:
            return
        annotation = self.annotation(node.annotation)
        if HANDED_IN.search(annotation) and own not in ADAPTED:
            raise self.source.fail(node, f"{own} is the caller's code or items: say in ADAPTED how it is run")
        text = f"{node.arg}: {annotation}"
        arguments.append(text if default is None else f"{text} = {self.source.segment(default)}")
        given.append(how + ADAPTED.get(own, node.arg))

    def _body(self, own: str, node: Def, given: str) -> str:
        call = f"self._async.{node.name}({given})"
        returns = self.annotation(node.returns).strip('"')
        yields = any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(node))
        if node.name.startswith("__") or yields:
            raise self.source.fail(node, f"{own} needs a body in BODIES")
        if isinstance(node, ast.AsyncFunctionDef):
            self.runtime.use(f"{self.here}_runtime", "run")
            return f"run({call})" if returns == "None" else f"return run({call})"
        kind = returns.partition("[")[0]
        if kind not in WRAPPED:
            raise self.source.fail(node, f"{own} gives {returns}: no rule says how that becomes sync")
        return f"return {kind}({call})"


def in_sync(text: str) -> str:
    """An annotation, or a name in one, as the sync package says it."""
    return text.replace("AsyncIterator", "Iterator")


def wrapped(head: str, items: Sequence[str], tail: str) -> str:
    """A signature or a call, broken as the formatter would break it."""
    left = " " * (len(head) - len(head.lstrip()))
    line = f"{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH:
        return line
    inner = f"{left}    {', '.join(items)}"
    if len(inner) <= WIDTH:
        return f"{head}\n{inner}\n{left}{tail}"
    return "\n".join([head, *(f"{left}    {item}," for item in items), f"{left}{tail}"])


def home_of(module: str) -> int:
    """Which block of the imports a module belongs in."""
    first = module.partition(".")[0]
    if not first:
        return 3
    return STANDARD if first in sys.stdlib_module_names else 2 if first == "convoso_async" else OTHERS


def dots(module: str) -> int:
    """How many dots a relative import begins with."""
    return len(module) - len(module.lstrip("."))


def import_line(module: str, names: Iterable[str]) -> str:
    """One import, broken as the formatter would break it."""
    ordered = sorted(names, key=import_order)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")"])


def import_order(name: str) -> tuple[int, str, str]:
    """Constants, then classes, then the rest; each without regard to case."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return kind, name.casefold(), name


# -- the modules ------------------------------------------------------------------------------------


def resource_module(source: Source) -> str:
    """A resource: one class, and the types of its signatures from the async module."""
    bases = {name: [source.segment(base) for base in cls.bases] for name, cls in source.classes().items()}
    taken = [name for name in bases if "Resource" in bases[name]]
    if len(taken) != 1:
        raise source.fail(source.tree, "a resource module has exactly one class of calls")
    module = Module(source, here="..")
    cls = twin(module, taken[0])
    return module.text(cls)


def paging_module(source: Source) -> str:
    """The pagers."""
    if unknown := {name for name in source.classes() if name[0] != "_"} - WRAPPED - {"Window"}:
        raise source.fail(source.tree, f"{', '.join(unknown)}: no rule says whether that has a twin")
    module = Module(source)
    module.runtime.use("typing", "TypeVar")
    module.runtime.use("convoso_async.rows", "Row")
    classes = [twin(module, name, "[R]") for name in sorted(WRAPPED)]
    return module.text(*classes, constants='R = TypeVar("R", bound=Row)')


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
    arguments, given = module.arguments(cls.name, init)
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


def package(source: Source) -> str:
    """The public names: those of the async package, with our client and pagers in place of its own."""
    own: dict[str, list[str]] = {}
    shared: list[str] = []
    for module, names in source.literal("_HOMES").items():
        for name in names.split():
            if name in WRAPPED or name in RENAMED:
                own.setdefault(module, []).append(RENAMED.get(name, name))
            elif module.partition(".")[0] in TAKEN | set(SHARED):
                shared.append(name)
            else:
                raise source.fail(
                    source.tree, f"{name}, from {module}, is public: no table says what it is here"
                )
    shared.sort(key=import_order)
    again = {module: ", ".join(f"{name} as {name}" for name in names) for module, names in own.items()}
    return PACKAGE.format(
        docstring=source.docstring(),
        shared="\n".join(f"        {name} as {name}," for name in shared),
        ours="\n".join(f"    from .{module} import {names}" for module, names in again.items()),
        homes="".join(f'    "{module}": "{" ".join(names)}",\n' for module, names in own.items()),
        words=filled(shared),
    )


def filled(names: Sequence[str]) -> str:
    """Names in lines of the right width."""
    lines = [""]
    for name in names:
        if len(f"        {lines[-1]} {name}") > WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {name}".strip()
    return "\n        ".join(lines)


PACKAGE = '''\
# Made from convoso_async/__init__.py by convoso_sync._generate: change those.
{docstring}

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convoso_async import (
{shared}
    )

{ours}

_HOMES = {{
{homes}    "convoso_async": """
        {words}
    """,
}}
_MODULES = {{name: module for module, names in _HOMES.items() for name in names.split()}}

__all__ = sorted(_MODULES)

if not TYPE_CHECKING:  # type checkers read the imports above, or they would accept any name

    def __getattr__(name: str) -> Any:
        """Imports a public name on its first use: building a client must not load aiohttp."""
        if name not in _MODULES:
            raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}", name=name)
        home = _MODULES[name]
        module = import_module(home if home == "convoso_async" else f".{{home}}", __name__)
        value = globals()[name] = getattr(module, name)
        return value


def __dir__() -> list[str]:
    """The public names."""
    return list(__all__)
'''


if __name__ == "__main__":
    sys.exit(main())
