"""Writes: imports, signatures and bodies of the sync package, as the formatter would."""

import ast
import builtins
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from textwrap import indent

from .source import Def, Source
from .tables import ADAPTED, ADAPTED_TYPES, BODIES, HANDED_IN, NOT_TAKEN, PLAIN_TYPES, RENAMED, WRAPPED

WIDTH = 110
STANDARD, OTHERS = 0, 1
WORD = re.compile(r"\w+")
CLIENTS = {"Convoso"}
ORIGINALS = {here: there for there, here in RENAMED.items()}


@dataclass
class Imports:
    """What a module imports: names by their module, and whole modules by their line."""

    names: dict[str, set[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    def use(self, module: str, *names: str) -> None:
        """Imports names."""
        if names:
            self.names.setdefault(module, set()).update(names)

    def without(self, others: "Imports") -> "Imports":
        """Those of them that are not among others."""
        names = {module: names - others.names.get(module, set()) for module, names in self.names.items()}
        return Imports({module: left for module, left in names.items() if left}, self.whole - others.whole)

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
    variables: dict[str, str] = field(default_factory=dict)

    def text(self, *body: str) -> str:
        """The whole file."""
        head = f"{origin(self.source)}\n{self.source.docstring()}"
        checking = self.checking.without(self.runtime).blocks()
        if checking:
            self.runtime.use("typing", "TYPE_CHECKING")
        blocks = [head, *self.runtime.blocks()]
        if checking:
            blocks.append("if TYPE_CHECKING:\n" + indent("\n\n".join(checking), "    "))
        if self.variables:
            blocks.append("\n".join(f"{name} = {self.variables[name]}" for name in sorted(self.variables)))
        return "\n\n".join(blocks) + "\n\n\n" + "\n\n\n".join(body) + "\n"

    def annotation(self, node: ast.expr | None) -> str:
        """An annotation for a sync signature. What it names is imported."""
        match node:
            case None:
                raise self.source.fail(self.source.tree, "a public signature lacks an annotation")
            case ast.Constant(value=str(text)):
                self._import(node, in_sync(text), self.checking)
                return f'"{in_sync(text)}"'
            case _:
                text = in_sync(self.source.segment(node))
                self._import(node, text, self.runtime)
                return text

    def _import(self, node: ast.expr, text: str, imports: Imports) -> None:
        names = {part.id for part in ast.walk(ast.parse(text)) if isinstance(part, ast.Name)}
        for name in names - set(dir(builtins)):
            made = self.source.type_variable(name)
            if made is not None:
                self.variables[name] = self.source.segment(made)
                self._import(made, self.variables[name], self.runtime)
            elif name in WRAPPED or name in CLIENTS:
                home = WRAPPED.get(name, "client")
                if self.source.name != home:
                    imports.use(f"{self.here}{home}", name)
            else:
                self._import_from_its_home(node, name, imports)

    def _import_from_its_home(self, node: ast.expr, name: str, imports: Imports) -> None:
        home = self.source.homes.get(name) or self.source.homes.get(ORIGINALS.get(name, ""))
        if home is None:
            raise self.source.fail(node, f"no telling where {name} comes from")
        module, there = home
        if there and home_of(module) != OTHERS:
            imports.use(module, name)
        elif not there and (imports is self.checking or home_of(module) != OTHERS):
            imports.whole.add(self.source.import_of(module))
        else:
            raise self.source.fail(node, f"{name} is from {module}, which no rule covers")

    def function(self, node: Def) -> str:
        """The sync twin of a coroutine function."""
        if node.decorator_list:
            raise self.source.fail(node, f"{node.name} has decorators that no rule covers")
        arguments, given = self.arguments(node.name, node, node.args.args)
        head = wrapped(f"def {node.name}(", arguments, f") -> {self.annotation(node.returns)}:")
        self.runtime.use(self.source.module, f"{node.name} as async_{node.name}")
        adapters = (re.search(r"(\w+)\(", one) for one in given)
        self.runtime.use(f"{self.here}_handed_in", *(adapter[1] for adapter in adapters if adapter))
        call = f"async_{node.name}("
        if "progress=telling" in given:
            self.runtime.use(f"{self.here}_handed_in", "run_job", "told")
            body = "    with told(progress) as telling:\n" + inside("        return run_job(", call, given)
        else:
            self.runtime.use(f"{self.here}_runtime", "run")
            body = inside("    return run(", call, given)
        return f"{head}\n    {self.source.docstring(node)}\n{body}"

    def method(self, cls: str, node: Def) -> str:
        """The sync twin of a method."""
        own = f"{cls}.{node.name}"
        decorators = [f"    @{self.source.segment(one)}" for one in node.decorator_list]
        if decorators and decorators != ["    @property"]:
            raise self.source.fail(node, f"{own} has decorators that no rule covers")
        arguments, given = self.arguments(cls, node, node.args.args[1:])
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

    def arguments(self, owner: str, node: Def, plain: list[ast.arg]) -> tuple[list[str], list[str]]:
        """The parameters of a signature, and how they are passed on. `owner` is the class or the function."""
        args = node.args
        if args.posonlyargs or args.vararg:
            raise self.source.fail(node, f"{node.name} takes parameters in a way that no rule covers")
        defaults = [*[None] * (len(plain) - len(args.defaults)), *args.defaults]
        arguments: list[str] = []
        given: list[str] = []
        for one, default in zip(plain, defaults, strict=True):
            self._argument(owner, one, default, arguments, given)
        if args.kwonlyargs:
            arguments.append("*")
        for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            self._argument(owner, one, default, arguments, given, f"{one.arg}=")
        if args.kwarg:
            self._argument(owner, args.kwarg, None, arguments, given, "**")
            arguments[-1] = f"**{arguments[-1]}"
        return arguments, given

    def _argument(
        self,
        owner: str,
        node: ast.arg,
        default: ast.expr | None,
        arguments: list[str],
        given: list[str],
        how: str = "",
    ) -> None:
        own = f"{owner}.{node.arg}"
        if own in NOT_TAKEN:
            return
        annotation = self.annotation(node.annotation)
        passed = self._adapted(own, node)
        if HANDED_IN.search(annotation) and passed == node.arg:
            raise self.source.fail(node, f"{own} is the caller's code or items: say in ADAPTED how it is run")
        text = f"{node.arg}: {annotation}"
        if default is not None:
            text += f" = {self.source.segment(default)}"
            self._import(default, self.source.segment(default), self.runtime)
        arguments.append(text)
        given.append(how + passed)

    def _adapted(self, own: str, node: ast.arg) -> str:
        """What is passed on for a parameter."""
        if own in ADAPTED:
            return ADAPTED[own]
        assert node.annotation is not None
        words = set(WORD.findall(self.source.segment(node.annotation)))
        for name, adapter in ADAPTED_TYPES.items():
            if name in words:
                return adapter.format(node.arg)
        return node.arg

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
    """An annotation as the sync package says it."""
    text = " ".join(text.split())
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.BinOp(left=left, right=ast.Subscript(value=ast.Name(id="AsyncIterable")) as right):
                text = text[: left.end_col_offset] + text[right.end_col_offset :]
    return WORD.sub(lambda word: PLAIN_TYPES.get(word[0], RENAMED.get(word[0], word[0])), text)


def origin(source: Source) -> str:
    """The first line of a file."""
    path = source.path.relative_to(source.root.parent).as_posix()
    return f"# Made from {path} by convoso_sync._generate: change those."


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


def inside(head: str, call: str, items: Sequence[str]) -> str:
    """A call within another one, broken as the formatter would break it."""
    left = " " * (len(head) - len(head.lstrip()))
    line = f"{head}{call}{', '.join(items)}))"
    return line if len(line) <= WIDTH else f"{head}\n{wrapped(f'{left}    {call}', items, ')')}\n{left})"


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
