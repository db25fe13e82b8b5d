"""The simulator's tables hold what the fact sheet says, and nothing of the client's."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from convoso_async.simulator.tables import calls

ROOT = Path(__file__).parent.parent.parent
TOOL = ROOT / "tools" / "make_simulator_tables.py"
PACKAGE = ROOT / "convoso_async" / "simulator"


def test_the_file_is_what_the_tool_makes():
    done = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_check_says_so_when_the_file_differs(tmp_path):
    for part in ("tools/make_simulator_tables.py", "convoso_async/simulator/tables.json"):
        copy = tmp_path / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / part).read_text("utf-8").replace('"max": 500', '"max": 501'), "utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "spec").symlink_to(ROOT / "tests" / "spec")
    command = [sys.executable, tmp_path / "tools/make_simulator_tables.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "differs" in done.stdout


def test_every_call_parameter_and_code_of_the_fact_sheet_is_there(endpoints):
    assert calls().keys() == endpoints.keys()
    assert len(calls()) == 37
    for name, endpoint in endpoints.items():
        call = calls()[name]
        assert call.path == endpoint["path"]
        assert list(call.params) == [param["name"] for param in endpoint["params"]]
        for param in endpoint["params"]:
            assert (call.params[param["name"]].type, call.params[param["name"]].max) == (
                param["type"],
                param.get("max"),
            )
        assert endpoint["errors"].keys() <= call.codes.keys()


@pytest.mark.parametrize(
    ("call", "name", "kind", "code"),
    [
        ("call_logs.retrieve", "campaign_id", "unknown", 6026),
        ("call_logs.retrieve", "offset", "invalid", 7231),
        ("leads.insert", "list_id", "missing", 6007),
        ("leads.insert", "list_id", "unknown", 6002),
        ("leads.search", "limit", "above", 7258),
        ("dnc.delete", "campaign_id", "unknown", 6002),
        ("dnc.search", "phone_code", "invalid", 6008),
        ("dnc.search", "reason", "invalid", 6057),
        ("sms_opt_out.search", "reason", "invalid", 6058),
        ("status.update", "final", "empty", 6071),
        ("lists.insert", "name", "short", 6046),
        ("agent_productivity.search", "limit", "above", 6034),
    ],
)
def test_the_higher_authority_decides_the_code(call, name, kind, code):
    assert calls()[call].problem(name, kind).code == code


def test_a_problem_that_no_source_speaks_of_is_a_text():
    problem = calls()["callbacks.search"].problem("recipient", "invalid")
    assert (problem.code, problem.text) == (None, "Invalid recipient")


def test_nothing_of_the_client_is_imported():
    for file in PACKAGE.rglob("*.py"):
        depth = len(file.relative_to(PACKAGE).parts)
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert node.level <= depth, f"{file.name}: reaches out of the simulator"
            elif isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("convoso"), file.name
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith("convoso") for alias in node.names), file.name
