"""Each public part of the async package has its sync twin, or a reason: asked of the classes themselves."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

import convoso_async
import convoso_sync
from convoso_async.client import RESOURCES
from convoso_sync._generate.tables import FUNCTIONS, NOT_TAKEN, PLAIN_TYPES, RENAMED, SHARED


def classes() -> Iterator[tuple[type[Any], type[Any]]]:
    """Each async class whose methods call the service, and its sync twin."""
    yield convoso_async.AsyncConvoso, convoso_sync.Convoso
    yield convoso_async.Pager, convoso_sync.Pager
    yield convoso_async.Prefetch, convoso_sync.Prefetch
    for name, cls in RESOURCES.items():
        modules = (
            import_module(f"{package}.resources.{name}") for package in ("convoso_async", "convoso_sync")
        )
        ours, theirs = (getattr(module, cls) for module in modules)
        yield ours, theirs


def members(cls: type[Any]) -> Iterator[str]:
    """The public methods and properties of a class, and what makes it a context or an iterator."""
    for name, value in vars(cls).items():
        special = name in RENAMED or name in ("__call__", "__len__", "__getitem__", "__repr__")
        if (special or not name.startswith("_")) and (callable(value) or isinstance(value, property)):
            yield name


def functions() -> Iterator[tuple[str, Any, Any]]:
    """Each public coroutine function of jobs and Connect, and its sync twin."""
    for package in FUNCTIONS:
        there, here = (import_module(f"{whole}.{package}") for whole in ("convoso_async", "convoso_sync"))
        for name in there.__all__:
            if inspect.iscoroutinefunction(getattr(there, name)):
                yield f"{package}.{name}", getattr(there, name), getattr(here, name)


PAIRS = list(classes())
CALLS = list(functions())
METHODS = [(ours, theirs, name) for ours, theirs in PAIRS for name in members(ours)]


def test_every_call_is_among_the_methods() -> None:
    assert len([ours for ours, _ in PAIRS]) == 3 + len(RESOURCES)
    assert len(METHODS) >= 37 + 9 + 10


@pytest.mark.parametrize(
    ("ours", "theirs", "name"), METHODS, ids=[f"{ours.__name__}.{name}" for ours, _, name in METHODS]
)
def test_a_method_has_its_twin(ours: type[Any], theirs: type[Any], name: str) -> None:
    if f"{ours.__name__}.{name}" in NOT_TAKEN:
        return
    there, here = inspect.getattr_static(ours, name), getattr(theirs, RENAMED.get(name, name), None)
    assert here is not None, f"{theirs.__name__} has no {name}, and NOT_TAKEN no reason"
    assert inspect.getdoc(here)
    if isinstance(there, property):
        assert isinstance(here, property)
        return
    assert not inspect.iscoroutinefunction(here)
    assert not inspect.isasyncgenfunction(here)
    assert parameters(ours, here) == parameters(ours, there)
    expected = str(inspect.signature(there).return_annotation)
    given = str(inspect.signature(here).return_annotation)
    expected = re.sub(r"convoso_async\.(paging\.Pager|prefetch\.Prefetch)", r"convoso_sync.\1", expected)
    assert given == expected.replace("AsyncIterator", "Iterator")


def parameters(cls: type[Any], method: Any) -> list[tuple[str, object, object, str]]:
    """What a signature takes, without what has a reason not to be taken."""
    return [
        (one.name, one.kind, one.default, str(one.annotation))
        for one in inspect.signature(method).parameters.values()
        if f"{cls.__name__}.{one.name}" not in NOT_TAKEN
    ]


def test_the_settings_are_the_same() -> None:
    ours, theirs = convoso_async.AsyncConvoso, convoso_sync.Convoso
    assert parameters(ours, theirs) == parameters(ours, ours)
    assert list(theirs.__annotations__) == list(RESOURCES)


def test_every_public_name_is_there() -> None:
    expected = {RENAMED.get(name, name) for name in convoso_async.__all__}
    assert set(convoso_sync.__all__) == expected == set(dir(convoso_sync))
    own = {"Convoso", "Pager", "Prefetch"}
    for name in expected - own:
        assert getattr(convoso_sync, name) is getattr(convoso_async, name)
    for name in own:
        assert getattr(convoso_sync, name).__module__.startswith("convoso_sync.")
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        convoso_sync.Nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_the_jobs_and_the_look_ups_are_there() -> None:
    assert {name for name, _, _ in CALLS} >= {
        *("jobs.run", "jobs.import_leads", "jobs.export", "jobs.download_recordings"),
        *("jobs.sync_dnc", "jobs.sync_sms_opt_out", "connect.call_log", "connect.lead"),
    }


@pytest.mark.parametrize(("there", "here"), [pair[1:] for pair in CALLS], ids=[name for name, _, _ in CALLS])
def test_a_function_has_its_twin(there: Any, here: Any) -> None:
    assert here is not there
    assert inspect.getdoc(here)
    assert not inspect.iscoroutinefunction(here)
    ours, theirs = inspect.signature(there), inspect.signature(here)
    assert plain(str(ours.return_annotation)) == str(theirs.return_annotation)
    assert [(one.name, one.kind, one.default) for one in ours.parameters.values()] == [
        (one.name, one.kind, one.default) for one in theirs.parameters.values()
    ]
    for name, one in ours.parameters.items():
        assert plain(written(one.annotation)) == written(theirs.parameters[name].annotation)


def written(annotation: object) -> str:
    """An annotation without the homes of its names."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return re.sub(r"\b(\w+\.)+(?=\w)", "", text)


def plain(text: str) -> str:
    """An annotation without what only async callers can give."""
    text = text.replace("Callable[..., Awaitable[object]]", PLAIN_TYPES["Operation"])
    text, _, _ = text.partition(" | AsyncIterable[")  # it is the last where it is one of several
    return text.replace("AsyncConvoso", "Convoso")


@pytest.mark.parametrize("package", FUNCTIONS)
def test_the_other_names_are_the_same(package: str) -> None:
    there, here = (import_module(f"{whole}.{package}") for whole in ("convoso_async", "convoso_sync"))
    assert here.__all__ == there.__all__ == dir(here)
    own = {name.partition(".")[2] for name, _, _ in CALLS if name.startswith(f"{package}.")}
    for name in set(there.__all__) - own:
        assert getattr(here, name) is getattr(there, name)


def test_every_reason_is_about_something() -> None:
    modules = {module.name for module in iter_modules(convoso_async.__path__)}
    for name in SHARED:
        package, _, cls = name.partition(".")
        assert package in modules
        assert not cls or hasattr(import_module(f"convoso_async.{package}"), cls)
    named = {cls.__name__: cls for cls, _ in PAIRS}
    for name in NOT_TAKEN:
        cls, _, part = name.partition(".")
        if not part:
            assert name in modules
        else:
            assert hasattr(named[cls], part) or part in inspect.signature(named[cls]).parameters
    assert all(len(reason) > 5 for reason in NOT_TAKEN.values())
