import json
import re
import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("cyclopts")
pytest.importorskip("pty", reason="Windows has no pseudo-terminals in the standard library")
from convoso_async.cli import main
from convoso_async.cli.command import application
from convoso_async.cli.manual import EXAMPLES
from convoso_async.cli.reference import endpoints
from convoso_async.cli.table import cell
from convoso_async.simulator import Simulator

from .emulator import Terminal, assert_screen, convoso, pointed_at, started

SPEC = {
    call["id"]: call
    for call in yaml.safe_load((Path(__file__).parents[1] / "spec/endpoints.yaml").read_text("utf-8"))
}
FINAL = ["agent_monitor.logout", "callbacks.delete", "dnc.delete", "leads.delete", "lists.delete"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A simulated account, and an environment that points at it."""
    with Simulator(call_logs=300) as made:
        for name, value in pointed_at(made).items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process: exit code, standard output, standard error."""

    def ran(*words: str) -> tuple[int, str, str]:
        code = main(words)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return ran


def example_in(help_text: str) -> list[str]:
    """The words of the example of a help text, as a shell would read them."""
    found = re.search(r"^Example: (convoso (?:.*\\\n)*.*)$", help_text, re.MULTILINE)
    assert found, help_text
    return shlex.split(found[1].replace("\\\n", ""))[1:]


# -- help -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", SPEC)
def test_the_example_of_each_call_runs_as_it_is_pasted(call: str, sim: Simulator, run: Run) -> None:
    words = example_in(run("call", call, "--help")[1])
    assert words[:2] == ["call", call]

    code, shown, complaint = run(*words, *(["--yes"] if call in FINAL else []))

    assert code == 0, complaint
    assert [type(json.loads(line)) for line in shown.splitlines()] == [dict] * len(shown.splitlines())
    assert [request.endpoint_id for request in sim.requests] == [call]


def test_the_example_of_the_verb_runs(sim: Simulator, run: Run) -> None:
    text = run("call", "--help")[1]
    assert text.splitlines()[2].startswith("Example: convoso call")
    assert all(f"│ {call} " in text for call in SPEC)
    code, shown, _ = run(*example_in(text))
    assert (code, len(shown.splitlines())) == (0, 5)


@pytest.mark.parametrize("call", SPEC)
def test_help_has_the_parameters_limits_and_codes_of_the_documentation(call: str, run: Run) -> None:
    text = run("call", call, "--help")[1]
    shown = {
        name.rstrip("*"): (name.endswith("*"), told)
        for name, told in re.findall(r"^  ([\w.]+\*?) +(\S.*)$", text, re.MULTILINE)
    }
    for parameter in SPEC[call]["params"]:
        if parameter["name"] not in shown and SPEC[call].get("custom_fields"):
            continue
        required, told = shown[parameter["name"]]
        assert required or not parameter.get("required") or call == "lead_validation.search"
        if "max" in parameter and parameter["type"] == "integer":
            assert str(parameter["max"]) in told
    assert {str(code) for code in SPEC[call]["errors"]} <= set(shown)
    assert f"Retry class {endpoints()[call].retry.value}:" in text
    assert "POST" in text
    assert max(map(len, text.splitlines())) <= 80


def test_every_call_has_an_example() -> None:
    assert set(EXAMPLES) == set(endpoints()) == set(SPEC)


# -- words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("leads.search list_id=701,702 limit=5", {"list_id": "701,702", "limit": "5"}),
        (
            "leads.search created_at_start_date=2026-03-01 created_at_end_date=2026-03-02",
            {
                "created_at_start_date": "2026-03-01 00:00:00",
                "created_at_end_date": "2026-03-02 23:59:59",
                "limit": "10",
            },
        ),
        (
            "call_logs.retrieve start_time=2026-03-01T08:30:00Z include_recordings=1 status=NI,AM order=ASC",
            {
                "start_time": "2026-03-01 00:30:00",
                "include_recordings": "1",
                "status": "NI,AM",
                "order": "asc",
                "limit": "10",
            },
        ),
        (
            "leads.insert list_id=701 phone_number=2125550123 hopper=on fields.job_group=x=y fields.note=",
            {
                "list_id": "701",
                "phone_number": "2125550123",
                "hopper": "true",
                "job_group": "x=y",
                "note": "",
            },
        ),
        (
            "callbacks.insert lead_id=880003 recipient=SYSTEM callback_time=2026-04-01T14:30-07:00",
            {
                "lead_id": "880003",
                "recipient": "system",
                "callback_time": "2026-04-01 02:30 PM",
                "callback_time_zone": "-7.00",
            },
        ),
        (
            "callbacks.update callback_id=1401 callback_time_zone=America/Denver",
            {"callback_id": "1401", "callback_time_zone": "America/Denver"},
        ),
        ("leads.update lead_id=880001 date_of_birth=", {"lead_id": "880001", "date_of_birth": ""}),
        ("dnc.update id=9001 reason=", {"id": "9001", "reason": ""}),
        (
            "revenue.update call_log_id=5500001 revenue=1e2 return=1",
            {"call_log_id": "5500001", "revenue": "100", "return": "1"},
        ),
        ("campaigns.status campaign_id=61 status=no", {"campaign_id": "61", "status": "false"}),
    ],
)
def test_words_become_what_the_call_takes(words: str, sent: dict[str, str], sim: Simulator, run: Run) -> None:
    run("call", *words.split())
    assert sim.requests[0].params == sent


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("leads.serch", ["Unknown command leads.serch", "leads.search"]),
        ("leads.search lst_id=5", ["leads.search has no parameter lst_id. Did you mean list_id"]),
        ("leads.search 701", ["Not understood: 701", "name=value"]),
        ("leads.search =701", ["Not understood: =701"]),
        ("leads.search limit=many", ["leads.search: limit takes: whole number, 1 to 2000"]),
        ("leads.search limit=5000", ["leads.search: limit must be 1 to 2000, not 5000"]),
        ("leads.search list_id=", ["leads.search: list_id is empty", "leave it out"]),
        ("leads.search phone_number=", ["phone_number is empty"]),
        ("leads.delete lead_id= --yes", ["leads.delete: lead_id is empty"]),
        ("leads.search limit=1 limit=2", ["limit is given twice"]),
        ("leads.search list_id=1,,2", ["list_id[1] must not be empty"]),
        ("leads.search updated_at_start_date=soon", ["updated_at_start_date takes: time, YYYY-MM-DD"]),
        (
            "call_logs.retrieve start_time=2026-03-02 end_time=2026-03-01",
            ["end_time must not lie before start_time"],
        ),
        ("call_logs.retrieve call_type=LOUD", ["call_type must be one of OUTBOUND, INBOUND"]),
        ("leads.insert list_id=701", ["leads.insert: phone_number is required"]),
        ("leads.insert job_group=x", ["A custom field is fields.job_group="]),
        ("leads.insert fields.list_id=x list_id=1 phone_number=1", ["fields must not hold 'list_id'"]),
        ("campaigns.status campaign_id=61 status=maybe", ["status takes: yes or no"]),
        ("campaigns.search --all", ["campaigns.search has no pages: leave out --all"]),
        ("leads.search limit=5 --all", ["leave out limit, or --all"]),
        ("leads.search --all --raw", ["--raw shows one reply"]),
        ("leads.search --columns id,statuss", ["--columns: there is no column statuss. Did you mean status"]),
        ("user_activity.search --columns id", ["one object", "--columns"]),
        ("agent_monitor.search --columns user_id", ["one object", "--columns"]),
        ("leads.delete lead_id=880001", ["leads.delete cannot be undone", "--yes"]),
        ("leads.search --tokens x", ["--tokens"]),
        ("leads.search --timezone Mars", ["--timezone 'Mars' is not known"]),
    ],
)
def test_wrong_words_are_told_before_anything_is_sent(
    words: str, told: list[str], sim: Simulator, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, shown, complaint = run("call", *words.split())
    assert (code, shown, sim.requests) == (2, "", [])
    assert [part for part in told if part not in complaint] == []
    assert len(complaint.splitlines()) <= 2


def test_a_token_among_the_words_is_refused_and_not_repeated(sim: Simulator, run: Run) -> None:
    code, shown, complaint = run("call", "leads.search", "auth_token=s3cret-in-history")
    assert (code, sim.requests) == (2, [])
    assert "auth_token" in complaint
    assert "s3cret" not in shown + complaint


# -- answers ----------------------------------------------------------------------------------------


def test_in_a_pipe_rows_are_lines_of_json(sim: Simulator, run: Run) -> None:
    code, shown, complaint = run("call", "leads.search", "list_id=701", "limit=3")
    rows = [json.loads(line) for line in shown.splitlines()]
    assert (code, len(rows)) == (0, 3)
    assert {row["list_id"] for row in rows} == {"701"}
    assert rows[0].keys() == rows[2].keys() > {"id", "extra", "created_at"}
    assert "Rows: 3" in complaint


def test_all_reads_every_page(sim: Simulator, run: Run) -> None:
    code, shown, complaint = run("call", "call_logs.retrieve", "--all", "--columns", "id")
    assert code == 0
    assert [json.loads(line) for line in shown.splitlines()] == [
        {"id": call} for call in sim.account.call_log_ids()
    ]
    assert complaint == "Rows: 300, and that is all of them\n"


def test_quiet_leaves_only_the_rows(sim: Simulator, run: Run) -> None:
    assert run("call", "leads.search", "lead_id=880001", "--quiet")[2] == ""


def test_raw_is_the_reply_as_it_came(sim: Simulator, run: Run) -> None:
    code, shown, _ = run("call", "campaigns.search", "--raw")
    assert code == 0
    assert json.loads(shown) == json.loads(sim.answer("/campaigns/search", {"auth_token": sim.token}).body)


def test_a_refusal_by_criteria_is_an_answer(sim: Simulator, run: Run) -> None:
    code, shown, _ = run("call", "lead_post.insert", "criteria_key=needs-email", "phone_number=2125550123")
    answer = json.loads(shown)
    assert (code, answer["accepted"]) == (0, False)
    assert "raw" not in answer


def test_a_custom_field_is_a_column_of_its_own(sim: Simulator, run: Run) -> None:
    lead = sim.account.add_lead(job_group="night")
    _, shown, _ = run("call", "leads.search", f"lead_id={lead}", "--columns", "id,extra.job_group")
    assert json.loads(shown) == {"id": lead, "extra.job_group": "night"}


@pytest.mark.parametrize(("columns", "name"), [(80, "call-80"), (160, "call-160")])
def test_rows_on_a_terminal_are_a_table_of_what_fits(sim: Simulator, columns: int, name: str) -> None:
    words = ["call", "call_logs.retrieve", "campaign_id=61", "limit=4"]
    with Terminal(*words, columns=columns, NO_COLOR="1", **pointed_at(sim)) as terminal:
        assert terminal.ended() == 0
    assert_screen(name, terminal.text)
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", terminal.raw)


def test_one_row_on_a_terminal_is_told_line_by_line(sim: Simulator) -> None:
    with Terminal("call", "leads.search", "lead_id=880003", **pointed_at(sim)) as terminal:
        assert terminal.ended() == 0
    assert_screen("call-one", terminal.text)


def test_an_object_with_rows_in_it_has_them_below(sim: Simulator) -> None:
    with Terminal("call", "agent_monitor.search", columns=120, lines=60, **pointed_at(sim)) as terminal:
        assert terminal.ended() == 0
    assert re.search(r"^agent_total +9$", terminal.text, re.MULTILINE)
    assert re.search(r"^40801 +Ada Abara", terminal.text, re.MULTILINE)


def test_what_a_lead_holds_cannot_steer_the_terminal(sim: Simulator) -> None:
    lead = sim.account.add_lead(first_name="\x1b]0;owned\x07\x9b2JAnn")
    for how in ([], ["--raw"], ["--columns", "id,first_name"]):
        with Terminal("call", "leads.search", f"lead_id={lead}", *how, **pointed_at(sim)) as terminal:
            assert terminal.ended() == 0
        assert b"owned\x07" not in terminal.raw
        assert b"\x1b]" not in terminal.raw
        assert "\x9b" not in terminal.raw.decode()
        assert "Ann" in terminal.text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ([], ""),
        ({}, ""),
        (False, "no"),
        (0, "0"),
        (["a", "b"], "a, b"),
        ({"a": [1]}, '{"a":[1]}'),
        ("two\nlines", "two lines"),
    ],
)
def test_a_cell_is_one_line(value: Any, text: str) -> None:
    assert cell(value) == text


# -- calls that cannot be undone --------------------------------------------------------------------


def test_a_person_is_asked_before_a_lead_is_deleted(sim: Simulator) -> None:
    for answer, code, left in (("n", 3, True), ("", 3, True), ("y", 0, False)):
        with Terminal("call", "leads.delete", "lead_id=880002", **pointed_at(sim)) as terminal:
            terminal.until(r"leads.delete lead_id=880002: it cannot be undone. Send it\? \[y/N\]")
            assert ("880002" in sim.account.lead_ids()) is True
            terminal.hit(f"{answer}\r")
            assert terminal.ended() == code
        assert ("880002" in sim.account.lead_ids()) is left
        assert ("Nothing was sent." in terminal.text) is left


def test_ctrl_c_at_the_question_sends_nothing(sim: Simulator) -> None:
    with Terminal("call", "leads.delete", "lead_id=880002", **pointed_at(sim)) as terminal:
        terminal.until(r"\[y/N\]")
        terminal.hit("\x03")
        assert terminal.ended() == 130
    assert terminal.text.endswith("Interrupted.")
    assert sim.requests == []


# -- what goes wrong on the way ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("leads.search limit=1", "Interrupted.\n"),
        (
            "leads.insert list_id=701 phone_number=2125550123",
            "Interrupted: leads.insert may have been done; look before you repeat it.\n",
        ),
    ],
)
def test_ctrl_c_says_whether_it_may_have_been_done(words: str, told: str, sim: Simulator) -> None:
    sim.latency = 20
    with started("call", *words.split(), **pointed_at(sim)) as process:
        while not sim.requests:
            pass
        process.send_signal(signal.SIGINT)
        shown, complaint = process.communicate(timeout=30)
    assert (process.returncode, shown, complaint) == (130, "", told)


@pytest.mark.parametrize(
    ("env", "code", "told"),
    [
        ({"CONVOSO_AUTH_TOKEN": ""}, 2, ["No token", "CONVOSO_AUTH_TOKEN", "--token-file"]),
        ({"CONVOSO_AUTH_TOKEN": "wrong"}, 3, ["token not valid", "convoso doctor"]),
        ({"CONVOSO_BASE_URL": "http://127.0.0.1:9/v1"}, 3, ["no reply", "convoso doctor"]),
        ({"CONVOSO_BASE_URL": "http://example.org/v1"}, 2, ["https"]),
    ],
)
def test_trouble_on_the_way_is_told_in_two_lines(
    env: dict[str, str], code: int, told: list[str], sim: Simulator
) -> None:
    done = convoso("call", "campaigns.search", **pointed_at(sim) | env)
    assert (done.returncode, done.stdout) == (code, "")
    assert [part for part in told if part not in done.stderr] == []
    assert len(done.stderr.splitlines()) <= 2


def test_a_refusal_of_the_service_says_what_the_code_means_there(sim: Simulator, run: Run) -> None:
    code, shown, complaint = run("call", "leads.delete", "lead_id=1", "--yes")
    assert (code, shown) == (3, "")
    assert complaint == "leads.delete: no lead with that id (code 6001, “no lead with that id”)\n"


# -- completion -------------------------------------------------------------------------------------


def test_the_shell_gets_the_words_that_a_call_takes(run: Run) -> None:
    offered = run("__complete", "call", "call_logs.retrieve", "limit=5", "")[1].splitlines()
    assert "status=\ttext; several with commas" in offered
    assert "order=desc\tasc or desc" in offered
    assert "include_recordings=yes\tyes or no" in offered
    assert not any(line.startswith("limit=") for line in offered)
    for parted in (["order", "="], ["order", "=", ""]):  # as bash parts `order=`
        after = run("__complete", "call", "call_logs.retrieve", "limit=5", *parted)[1].splitlines()
        assert [line for line in after if "\t" in line] == ["asc\tasc or desc", "desc\tasc or desc"]


def test_the_completion_script_has_the_names_of_the_calls() -> None:
    script = application(()).generate_completion(shell="bash", prog_name="convoso")
    assert [call for call in SPEC if call not in script] == []
