"""One command for everything: `nox` is what CI runs, `nox -s lint` (typing, tests, ...) is a part of it."""

import json
import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "typing", "generate-check", "tests", "dlt", "spark"]
nox.options.error_on_missing_interpreters = False  # nox says which it skips; in CI too

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
GENERATORS = ["tools.make_simulator_tables", "convoso_sync._generate"]

APART = {"dlt": "convoso_async/integrations/dlt_*.py", "spark": "convoso_async/integrations/spark*.py"}
"""Extras that `all` leaves out, too large for what they are to most: each has a session for its modules and
examples, and only there are these tested, type-checked and counted.
"""

# Without it, `python -m` and `python -c` in the project's folder import the checkout, not what is installed.
INSTALLED = {"PYTHONSAFEPATH": "1"}


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group."""
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types of the packages, and how right and wrong user code fares with the installed ones."""
    session.install(".[all]", *group("typing"))
    session.run("mypy")
    session.run("pyright", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})  # or it asks the net for a newer one
    session.run("pytest", "tests/test_typing.py", env=INSTALLED)


@nox.session
def generate(session: nox.Session) -> None:
    """Write the generated files anew; with `-- --check`, only compare."""
    session.install(*group("generate"))
    for generator in GENERATORS:
        session.run("python", "-m", generator, *session.posargs)


@nox.session(name="generate-check")
def generate_check(session: nox.Session) -> None:
    """Compare the generated files with what their sources give now."""
    session.posargs[:] = ["--check"]
    generate(session)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on the installed package, on all cores. With arguments for pytest, on one, and coverage
    is not judged.
    """
    session.install(".[all]", *group("test"))
    env = {**INSTALLED, "COVERAGE_FILE": f".coverage.{session.python}"}
    session.run("coverage", "erase", env=env)
    arguments = session.posargs or ["-n", "auto", "--dist", "worksteal"]
    session.run("coverage", "run", "-m", "pytest", *arguments, env=env)
    if not session.posargs:
        session.notify("coverage")


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Add up what the tests reached under each Python; `tests` calls it."""
    session.install(*(need for need in group("test") if need.startswith("coverage")))
    session.run("coverage", "combine")
    session.run("coverage", "report", "--omit", ",".join(APART.values()))


def apart(session: nox.Session, extra: str, *arguments: str) -> None:
    """Run the tests of an extra, count what they reached, and check the types of its modules and examples."""
    session.install(f".[all,{extra}]", *group(extra))
    env = {**INSTALLED, "COVERAGE_FILE": str(Path(session.create_tmp(), ".coverage").resolve())}
    tests = sorted(map(str, Path("tests/integrations").glob(f"test_{extra}*.py")))
    session.run("coverage", "erase", env=env)
    session.run("coverage", "run", "-m", "pytest", *(session.posargs or [*tests, *arguments]), env=env)
    if session.posargs:
        return
    session.run("coverage", "combine", env=env)
    session.run("coverage", "report", "--include", APART[extra], env=env)
    modules = [str(path) for place in (APART[extra], f"examples/{extra}_*.py") for path in Path().glob(place)]
    session.run("mypy", *modules)
    # Given files, pyright leaves out what pyproject.toml excludes, and finds nothing wrong.
    config = Path(session.create_tmp(), "pyright.json")
    places = [os.path.relpath(module, config.parent) for module in modules]
    config.write_text(json.dumps({"include": places, "exclude": [], "pythonVersion": "3.11"}))
    session.run("pyright", "-p", str(config), env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})


@nox.session
def dlt(session: nox.Session) -> None:
    """Load by dlt into DuckDB and into a PostgreSQL server of the tests' own, where there is PostgreSQL."""
    apart(session, "dlt", "-n", "auto", "--dist", "worksteal")


@nox.session
def spark(session: nox.Session) -> None:
    """Read, stream and write in a Spark of two workers on this machine. It needs a Java of 17 or later."""
    if shutil.which("java") is None:
        session.skip("there is no java, which Spark runs on: apt-get install openjdk-17-jre-headless")
    apart(session, "spark")


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Run `convoso demo` as a newcomer would."""
    session.install(".[cli]")
    session.run("convoso", "demo", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure what the package costs beside the others. Arguments go on: `-- --quick`, `-- --only rows`."""
    session.install(".", *group("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)
