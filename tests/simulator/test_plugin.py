"""The fixture `convoso_simulator`, in a project of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PLUGIN = "convoso_async.simulator.pytest_plugin"
TESTS = """
import asyncio
import json
import urllib.parse
import urllib.request


def total(sim):
    form = urllib.parse.urlencode({"auth_token": sim.token}).encode()
    with urllib.request.urlopen(sim.url + "/log/retrieve", form, timeout=5) as reply:
        return json.load(reply)["total_found"]


def test_sync(convoso_simulator):
    assert total(convoso_simulator) == 100
    convoso_simulator.account.add_call_log()


def test_fresh_and_async(convoso_simulator):
    async def main():
        return await asyncio.to_thread(total, convoso_simulator)

    assert asyncio.run(main()) == 100
"""


def run(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A child Python that can import the project."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_the_fixture_serves_sync_and_async_tests(tmp_path):
    (tmp_path / "test_mine.py").write_text(TESTS)
    options = ["-q", "-W", "error", "-p", "no:cacheprovider"]
    # Installed, the entry point loads the plugin.
    loaded = f"""
import sys, pytest
from importlib.metadata import entry_points
if not any(e.value == {PLUGIN!r} for e in entry_points(group="pytest11")):
    sys.argv += ["-p", {PLUGIN!r}]
sys.exit(pytest.main({options!r} + sys.argv[1:]))
"""
    done = run(loaded, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_plugin_is_light(tmp_path):
    heavy = ["aiohttp", "orjson", "cattrs", "anyio", "yaml"]
    done = run(f"import sys, {PLUGIN}; print([name for name in {heavy} if name in sys.modules])", tmp_path)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_names_of_the_package(tmp_path):
    code = """
import convoso_async.simulator as package
for name in package.__all__:
    assert getattr(package, name) is not None
try:
    package.Simulater
except AttributeError as error:
    assert "Simulater" in str(error)
else:
    raise SystemExit("no AttributeError")
"""
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
