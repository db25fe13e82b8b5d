import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

pytest.importorskip("cyclopts")
pytest.importorskip("pty", reason="Windows has no pseudo-terminals in the standard library")
from convoso_async.cli import main

from .emulator import Terminal, assert_screen, convoso

SPEC = yaml.safe_load((Path(__file__).parents[1] / "spec/endpoints.yaml").read_text("utf-8"))
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process: exit code, standard output, standard error."""

    def ran(*words: str) -> tuple[int, str, str]:
        code = main(words)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return ran


@pytest.mark.parametrize("verb", ["endpoints", "errors"])
def test_help_begins_with_an_example_that_runs(verb: str, run: Run) -> None:
    shown = run(verb, "--help")[1].splitlines()
    assert shown[2].startswith(f"Example: convoso {verb} ")
    code, shown_by_it, complaint = run(*shlex.split(shown[2].removeprefix("Example: convoso ")))
    assert (code, complaint) == (0, "")
    assert shown_by_it


# -- endpoints --------------------------------------------------------------------------------------


def test_all_endpoints_are_those_of_the_documentation(run: Run) -> None:
    code, shown, _ = run("endpoints")
    found = {call["call"]: call for call in map(json.loads, shown.splitlines())}
    assert code == 0
    assert {name: call["path"] for name, call in found.items()} == {c["id"]: c["path"] for c in SPEC}
    for call in SPEC:
        paging = call["pagination"] or {}
        assert found[call["id"]]["paged"] is bool(paging)
        assert found[call["id"]]["offset_max"] == paging.get("offset_max")


def test_endpoints_are_filtered_by_name_or_path(run: Run) -> None:
    assert {json.loads(line)["call"] for line in run("endpoints", "lead-p")[1].splitlines()} == {
        "lead_post.insert"
    }
    names = [json.loads(line)["call"] for line in run("endpoints", "LOG")[1].splitlines()]
    assert names == ["agent_monitor.logout", "call_logs.retrieve", "call_logs.update"]


def test_endpoints_on_a_terminal_of_80_columns_are_a_table() -> None:
    with Terminal("endpoints", lines=50) as terminal:
        assert terminal.ended() == 0
    assert_screen("endpoints", terminal.text)


def test_a_word_in_no_name_says_so(run: Run) -> None:
    code, shown, complaint = run("endpoints", "leads.serch")
    assert (code, shown) == (2, "")
    assert (
        complaint
        == "No call has leads.serch in its name or path. Did you mean leads.search or leads.insert?\n"
    )
    complaint = run("endpoints", "xyz")[2]
    assert complaint == "No call has xyz in its name or path. All of them: convoso endpoints\n"


# -- errors -----------------------------------------------------------------------------------------


def test_one_code_means_different_things_on_different_calls(run: Run) -> None:
    code, shown, _ = run("errors", "6008")
    found = {entry["call"]: entry for entry in map(json.loads, shown.splitlines())}
    assert code == 0
    assert found["dnc.insert"] == {
        "code": 6008,
        "call": "dnc.insert",
        "meaning": "phone_number already on DNC",
        "another_source": "phone_number already there",
        "error": "DuplicateError",
    }
    assert found["leads.insert"]["error"] == "InvalidRequestError"
    (only,) = run("errors", "6008", "--call", "dnc.insert")[1].splitlines()
    assert json.loads(only) == found["dnc.insert"]


def test_without_a_code_all_of_the_documentation_are_told(run: Run) -> None:
    entries = [json.loads(line) for line in run("errors")[1].splitlines()]
    told = {(entry["call"], entry["code"]): entry["meaning"] for entry in entries}
    assert len(told) == len(entries)
    missing = {(call["id"], code) for call in SPEC for code in call["errors"]} - told.keys()
    assert missing == set()
    assert told["any call", 5001] == "token not valid"
    assert [entry["code"] for entry in entries] == sorted(entry["code"] for entry in entries)


def test_a_code_that_is_a_success_has_no_error(run: Run) -> None:
    entries = [json.loads(line) for line in run("errors", "102")[1].splitlines()]
    assert {(entry["call"], entry["error"]) for entry in entries} == {("lists.delete", None)}


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["9999"], 1, ["No call is known to answer 9999.", "All codes: convoso errors"]),
        (
            ["6008", "--call", "lists.search"],
            1,
            ["lists.search is not known to answer 6008; others are.", "See: convoso errors 6008"],
        ),
        (
            ["--call", "dnc.inser"],
            2,
            ["There is no call dnc.inser. Did you mean dnc.insert or dnc.search? See convoso endpoints"],
        ),
    ],
)
def test_what_is_not_documented_says_so(words: list[str], code: int, told: list[str], run: Run) -> None:
    assert run("errors", *words) == (code, "", "\n".join((*told, "")))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (429, "RateLimitError"),
        (503, "ServerError"),
    ],
)
def test_an_http_status_is_told_too(status: int, error: str, run: Run) -> None:
    code, shown, complaint = run("errors", str(status))
    (entry,) = map(json.loads, shown.splitlines())
    assert (code, entry["error"], complaint) == (0, error, "")
    assert entry["call"].startswith("any call")


def test_a_person_is_told_what_to_do_about_an_http_status() -> None:
    with Terminal("errors", "429") as terminal:
        assert terminal.ended() == 0
    assert "try again in a minute" in terminal.text


def test_a_code_is_a_number(run: Run) -> None:
    code, _, complaint = run("errors", "many")
    assert code == 2
    assert "many" in complaint
    assert "See: convoso errors --help" in complaint


def test_errors_on_a_terminal_of_80_columns_are_a_table() -> None:
    with Terminal("errors", "6008", NO_COLOR="1") as terminal:
        assert terminal.ended() == 0
    assert_screen("errors", terminal.text)


def test_the_shell_completes_the_calls(run: Run) -> None:
    offered = run("__complete", "errors", "--call", "dnc")[1].splitlines()
    assert "dnc.insert" in offered


@pytest.mark.parametrize("line", ["endpoints leads", "errors 6008", "call leads.search -h", "monitor -h"])
def test_the_reference_loads_nothing_heavy(line: str) -> None:
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    done = convoso(*line.split(), before=tell)
    assert done.returncode == 0
    loaded = set(done.stderr.split())
    assert loaded.isdisjoint({"aiohttp", "cattrs", "anyio", "pygments"})
    assert not any(re.match(r"convoso_async\.(simulator|connect|transport)", name) for name in loaded)
