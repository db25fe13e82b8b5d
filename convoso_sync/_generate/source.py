"""Reads: a module of the async package, its names, docstrings, classes and functions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from .tables import ATTRIBUTES, BASES, LEFT_OVER, MACHINERY, NOT_TAKEN, WORDS

Def = ast.FunctionDef | ast.AsyncFunctionDef


class NotUnderstoodError(Exception):
    """The source has something that no rule covers."""


class Source:
    """A module of the package in `root`. `used` collects the words that its docstrings say otherwise here."""

    def __init__(self, root: Path, name: str, used: set[str]) -> None:
        self.name = name
        self.module = "convoso_async" if name == "__init__" else f"convoso_async.{name}"
        self.root = root
        self.path = root / f"{name.replace('.', '/')}.py"
        self.text = self.path.read_text("utf-8")
        self.tree = ast.parse(self.text)
        self._lines = self.text.encode().splitlines(keepends=True)
        self._used = used
        self.homes = dict(self._homes())

    def fail(self, node: ast.AST, why: str) -> NotUnderstoodError:
        """The error for a part that no rule covers."""
        line = getattr(node, "lineno", 1)
        return NotUnderstoodError(f"convoso_async/{self.path.relative_to(self.root)}:{line}: {why}")

    def beside(self, name: str) -> "Source":
        """Another module of the same package."""
        return Source(self.root, name, self._used)

    def _homes(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Where each name of the module comes from: its module, and its name there."""
        here = self.module
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
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield node.target.id, (here, node.target.id)

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

    def type_variable(self, name: str) -> ast.expr | None:
        """What makes a type variable of the module; None where the name is none."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and self.segment(node.targets[0]) == name:
                made = self.segment(node.value).startswith("TypeVar(")
                return node.value if made else None
        return None

    def functions(self) -> list[Def]:
        """The functions of the module."""
        return [node for node in self.tree.body if isinstance(node, Def)]

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
        modules = {path.stem for path in (self.root / "resources").glob("*.py")} - {"__init__"}
        if found and set(found) != modules:
            raise self.fail(self.tree, f"RESOURCES and the modules differ: {sorted(set(found) ^ modules)}")
        return found
