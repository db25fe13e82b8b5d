"""The verbs that work through a file: `import leads`, `sync dnc`, `sync opt-outs`; and the recordings."""

import csv
import json
import re
import signal
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

pytest.importorskip("cyclopts")
pytest.importorskip("pty", reason="Windows has no pseudo-terminals in the standard library")
from convoso_async.cli.exit import BadUse
from convoso_async.cli.file_job import FileJob, free_name, in_options, line_of
from convoso_async.errors import ConvosoTimeoutError
from convoso_async.jobs import JobItem
from convoso_async.simulator import Simulator

from .emulator import Terminal, convoso, pointed_at, started

MAPPED = ("--map", "phone=phone_number")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(call_logs=40, leads=0, dnc=0, sms_opt_outs=0, profile="observed") as simulator:
        yield simulator


@pytest.fixture
def list_id(sim: Simulator) -> str:
    return sim.account.ids("lists")[0]


def phones(number: int) -> list[str]:
    return [f"212-555-{at:04d}" for at in range(100, 100 + number)]


def written(path: Path, numbers: Iterable[str], column: str = "phone") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[column], *([number] for number in numbers)])
    return path


def inserted(sim: Simulator, call: str = "leads.insert") -> list[str]:
    return [request.params["phone_number"] for request in sim.calls(call) if request.applied]


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


# -- import leads -----------------------------------------------------------------------------------


def test_rows_become_leads_and_a_report(sim: Simulator, list_id: str, tmp_path: Path) -> None:
    written(tmp_path / "leads.csv", phones(30))
    done = convoso(
        *("import", "leads", "leads.csv", "--list-id", list_id, *MAPPED, "--set", "status=NEW"),
        *("--set", "fields.source=fair", "--check-dup", "1"),
        folder=tmp_path, **pointed_at(sim),
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert {name: report[name] for name in ("ok", "total", "done", "failed", "files")} == {
        "ok": True, "total": 30, "done": 30, "failed": 0, "files": {}
    }  # fmt: skip
    assert sorted(inserted(sim)) == [number.replace("-", "") for number in phones(30)]
    assert {call.params["source"] for call in sim.calls("leads.insert")} == {"fair"}
    assert {call.params["check_dup"] for call in sim.calls("leads.insert")} == {"1"}
    assert [found.name for found in tmp_path.iterdir()] == ["leads.csv"]


def test_rows_that_failed_can_be_put_in_again(sim: Simulator, list_id: str, tmp_path: Path) -> None:
    written(tmp_path / "leads.csv", [*phones(3), "12", "none"])
    words = ("import", "leads", "--list-id", list_id, *MAPPED)
    first = convoso(*words, "leads.csv", folder=tmp_path, **pointed_at(sim))
    failed = tmp_path / "leads.failed.jsonl"

    assert first.returncode == 1
    assert json.loads(first.stdout)["files"] == {"failed": "leads.failed.jsonl"}
    assert first.stderr.splitlines()[:2] == [
        "line 5: phone: it is too short for a number of country code 1",
        "line 6: phone: it is no phone number",
    ]
    failed.write_text(failed.read_text("utf-8").replace('"12"', '"212-555-0111"'), "utf-8")
    again = convoso(*words, failed.name, folder=tmp_path, **pointed_at(sim))
    assert again.returncode == 1
    assert "2125550111" in inserted(sim)
    assert len(lines(tmp_path / "leads.failed.failed.jsonl")) == 1


def test_rows_that_may_have_arrived_are_kept_apart(sim: Simulator, list_id: str, tmp_path: Path) -> None:
    written(tmp_path / "leads.csv", [*phones(5), "12"])
    sim.fail("leads.insert", skip=2, drop="after")
    words = ("import", "leads", "leads.csv", "--list-id", list_id, *MAPPED, "--failed-to", "bad.jsonl")
    done = convoso(*words, folder=tmp_path, **pointed_at(sim))
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["files"] == {"failed": "bad.jsonl", "unknown": "bad.unknown.jsonl"}
    assert [line["state"] for line in lines(tmp_path / "bad.jsonl")] == ["failed"]
    assert [line["state"] for line in lines(tmp_path / "bad.unknown.jsonl")] == ["unknown"]
    assert "it may have arrived: " in done.stderr
    assert len(inserted(sim)) == len(set(inserted(sim))) == 5


@pytest.mark.parametrize("verb", [("import", "leads"), ("sync", "dnc")])
def test_a_job_is_told_of_though_the_rows_that_failed_find_no_room(
    sim: Simulator, list_id: str, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    written(tmp_path / "in.csv", ["nobody", *phones(2)], "phone_number")
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))"
    words = (*verb, "in.csv", "--failed-to", "bad.jsonl", *(["--list-id", list_id] * (verb[0] == "import")))
    done = convoso(*words, folder=tmp_path, before=limit, **pointed_at(sim))
    assert done.returncode == 1
    assert "bad.jsonl: File too large: the rows that did not succeed are in no file" in done.stderr
    assert (json.loads(done.stdout)["done"], json.loads(done.stdout)["failed"]) == (2, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_dry_run_sends_nothing(sim: Simulator, list_id: str, tmp_path: Path) -> None:
    written(tmp_path / "leads.csv", [*phones(20), *("12" for _ in range(12))])
    words = ("import", "leads", "leads.csv", "--list-id", list_id, *MAPPED, "--dry-run")
    done = convoso(*words, folder=tmp_path, **pointed_at(sim))
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"dry_run": True, "total": 32, "right": 20, "failed": 12}
    assert done.stderr.splitlines()[10] == "and 2 more"
    assert (sim.requests, [found.name for found in tmp_path.iterdir()]) == ([], ["leads.csv"])


def test_with_a_journal_the_same_command_goes_on(sim: Simulator, list_id: str, tmp_path: Path) -> None:
    written(tmp_path / "leads.csv", phones(40))
    words = ("import", "leads", "leads.csv", "--list-id", list_id, *MAPPED, "--journal", "leads.journal")
    sim.latency = 0.1
    with started(*words, folder=tmp_path, **pointed_at(sim)) as process:
        while len(sim.requests) < 5:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(output)["stopped"] == "interrupted"
    assert complaint.splitlines()[:2] == ["Interrupted.", "The same command goes on from there."]
    sim.latency = 0.0
    again = convoso(*words, folder=tmp_path, **pointed_at(sim))
    assert again.returncode == 0
    assert json.loads(again.stdout)["earlier"] > 0
    assert sorted(inserted(sim)) == [number.replace("-", "") for number in phones(40)]


def test_a_journal_that_finds_no_room_is_not_taken_for_nothing_begun(
    sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    written(tmp_path / "leads.csv", phones(400))
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000))"
    words = ("import", "leads", "leads.csv", "--list-id", list_id, *MAPPED, "--journal", "leads.journal")
    done = convoso(*words, folder=tmp_path, before=limit, **pointed_at(sim))
    assert done.returncode == 3
    line, hint = done.stderr.splitlines()
    assert line.startswith("leads.journal: the journal cannot be written: ")
    assert hint == "Once it can be, the same command goes on where it stopped."
    assert 0 < len(inserted(sim)) < 400


def test_a_list_that_is_not_there_stops_it(sim: Simulator, tmp_path: Path) -> None:
    written(tmp_path / "leads.csv", phones(40))
    words = ("import", "leads", "leads.csv", "--list-id", "99", *MAPPED)
    done = convoso(*words, folder=tmp_path, **pointed_at(sim))
    assert done.returncode == 3
    assert done.stderr.splitlines()[0].startswith("Stopped: leads.insert: no list with that id")
    assert done.stderr.splitlines()[1] == "Nothing was written: the same command begins anew."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nofile.csv", *MAPPED], "nofile.csv: No such file or directory"),
        ([".", *MAPPED], ". is a directory"),
        (["leads.csv", "--map", "phone"], "--map takes COLUMN=NAME, such as phone=phone_number, not phone"),
        (["leads.csv", *MAPPED, *MAPPED], "--map names the column phone twice"),
        (["leads.csv", "--map", "phone=phone_numbr"], "--map: 'phone': 'phone_numbr' is no parameter"),
        (["leads.csv", *MAPPED, "--set", "phone_number=1"], "--set takes no phone_number"),
        (
            ["leads.csv", *MAPPED, "--set", "check_dupp=1"],
            "leads.insert has no parameter check_dupp. Did you",
        ),
        (["leads.csv", *MAPPED, "--check-dup", "9"], "--check-dup must be 0 to 4, not 9"),
        (["leads.csv", *MAPPED, "--phone-code", "x"], "--phone-code is no country's code"),
        (["leads.csv", *MAPPED, "--encoding", "utf-99"], "there is no encoding 'utf-99'"),
        (["leads.csv"], "leads.csv: column 'phone': 'phone' is no parameter of leads.insert"),
        (["leads.csv", *MAPPED, "--journal", "leads.csv"], "leads.csv is no journal"),
        (["leads.csv", *MAPPED, "--journal", "nowhere/journal"], "There is no folder nowhere"),
        (["leads.csv", *MAPPED, "--failed-to", "nowhere/failed.jsonl"], "There is no folder nowhere"),
        (
            ["leads.csv", *MAPPED, "--failed-to", "./leads.csv"],
            "--failed-to would write over leads.csv: name",
        ),
        (
            ["leads.csv", *MAPPED, "--failed-to", "j", "--journal", "j"],
            "--failed-to would write over j: name another file",
        ),
        (
            ["leads.csv", *MAPPED, "--failed-to", "/dev/null"],
            "/dev/null is no regular file: --failed-to takes",
        ),
        (["leads.xlsx"], "leads.xlsx is neither CSV nor JSON lines: save it as CSV, and give that"),
    ],
)
def test_what_cannot_be_imported_is_told_before_anything_is_sent(
    sim: Simulator, list_id: str, tmp_path: Path, words: Sequence[str], told: str
) -> None:
    written(tmp_path / "leads.csv", phones(3))
    done = convoso("import", "leads", *words, "--list-id", list_id, folder=tmp_path, **pointed_at(sim))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(told)
    assert len(done.stderr.splitlines()) <= 2
    assert sim.requests == []


def test_columns_without_a_place_are_told_in_a_line_and_what_to_do_in_another(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("Phone,Job\n2125550100,chef\n", "utf-8")
    words = ("import", "leads", "leads.csv", "--list-id", "1")
    done = convoso(*words, folder=tmp_path, CONVOSO_AUTH_TOKEN="s3cret")
    line, hint = done.stderr.splitlines()
    assert line == (
        "leads.csv: column 'Phone': 'phone' is no parameter of leads.insert;"
        " column 'Job': 'job' is no parameter of leads.insert"
    )
    assert hint == "Name a column with --map COLUMN=NAME, or leave it out with --map COLUMN="


def test_a_list_that_is_not_there_stops_an_import_that_names_a_number_twice(
    sim: Simulator, tmp_path: Path
) -> None:
    written(tmp_path / "leads.csv", [*phones(3), *phones(3)], "phone_number")
    done = convoso("import", "leads", "leads.csv", "--list-id", "99", folder=tmp_path, **pointed_at(sim))
    assert done.returncode == 3
    assert done.stderr.startswith("Stopped: leads.insert: no list with that id")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no column is x; name it in columns=", "no column is x; name it with --map COLUMN=phone_number"),
        ("list_id is one; leave it out with None", "--list-id is one; leave it out with --map COLUMN="),
        ("it is empty; give allow_empty=True", "it is empty; give --allow-empty"),
        ("it begins like UTF-16; give encoding='utf-16'", "it begins like UTF-16; give --encoding 'utf-16'"),
        ("dnc.search: partitions[0] must not hold x", "dnc.search: --partition must not hold x"),
        ("leads.insert: check_dup must be 0 to 4", "--check-dup must be 0 to 4"),
        ("leads.csv: columns 'A' and 'B' are both city", "leads.csv: columns 'A' and 'B' are both city"),
    ],
)
def test_jobs_speak_in_the_options_of_the_command(said: str, told: str) -> None:
    assert in_options(said) == told


def test_the_hint_for_a_file_names_this_commands_options(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_bytes(b"phone_number,first_name\r\n2125550100,Jos\xe9\r\n")
    words = ("import", "leads", "leads.csv", "--list-id", "1")
    done = convoso(*words, folder=tmp_path, CONVOSO_AUTH_TOKEN="s3cret")
    assert done.returncode == 2
    assert done.stderr == "leads.csv, line 2: byte 0xE9 is not in UTF-8; give --encoding, such as 'cp1252'\n"
    again = convoso(*words, "--encoding", "cp1252", "--dry-run", folder=tmp_path, CONVOSO_AUTH_TOKEN="s3cret")
    assert (again.returncode, json.loads(again.stdout)["right"]) == (0, 1)


def test_an_import_on_a_terminal(sim: Simulator, list_id: str, tmp_path: Path) -> None:
    written(tmp_path / "leads.csv", [*phones(8), "12"])
    words = ("import", "leads", "leads.csv", "--list-id", list_id, *MAPPED)
    with Terminal(*words, folder=tmp_path, **pointed_at(sim)) as terminal:
        assert terminal.ended() == 1
    shown = terminal.text
    assert re.search(r"^leads ━+ 9 of 9, 1 failed", shown, re.MULTILINE)
    assert "line 10: phone: it is too short" in shown
    assert "│ inserted  8 " in shown
    assert "1, in leads.failed.jsonl: they can be put in again" in shown


@pytest.mark.parametrize("first", ["2125550123", '"+1 (212) 555-0123"'])
def test_a_file_that_begins_with_a_number_loses_none(sim: Simulator, tmp_path: Path, first: str) -> None:
    (tmp_path / "dnc.csv").write_text(f"{first}\n2125550124\n")
    words = ("sync", "dnc", "dnc.csv")
    told = "Where the first line is a number already, put a line above it that reads phone_number."
    done = convoso(*words, folder=tmp_path, **pointed_at(sim))
    assert (done.returncode, done.stderr.splitlines()[1]) == (2, told)
    column = first.strip('"')
    named = convoso(*words, "--map", f"{column}=phone_number", folder=tmp_path, **pointed_at(sim))
    assert (named.returncode, named.stderr) == (
        2,
        f"--map takes the name of a column, not {column}. {told}\n",
    )
    assert sim.calls("dnc.insert") == []


def test_columns_and_names() -> None:
    assert FileJob(map=["a=b=phone_number", "c="]).columns() == {"a=b": "phone_number", "c": None}
    with pytest.raises(BadUse):
        FileJob(map=["=phone_number"]).columns()


def test_a_row_without_a_line_is_told_by_its_place() -> None:
    item = JobItem(position=4, line=None, row={}, state="unknown", error=ConvosoTimeoutError("no\nreply"))
    assert line_of(item) == "row 5: it may have arrived: no reply"


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    for name in ("leads.failed.jsonl", "leads.failed-2.jsonl"):
        assert free_name(tmp_path / "leads.csv", "failed") == tmp_path / name
        (tmp_path / name).touch()


# -- sync -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "call"), [("dnc", "dnc.insert"), ("opt-outs", "sms_opt_out.insert")])
def test_numbers_of_a_file_are_added_once(sim: Simulator, tmp_path: Path, verb: str, call: str) -> None:
    written(tmp_path / "numbers.csv", [*phones(6), phones(1)[0]], "phone_number")
    words = ("sync", verb, "numbers.csv")
    plan = convoso(*words, "--dry-run", folder=tmp_path, **pointed_at(sim))
    assert (plan.returncode, inserted(sim, call)) == (0, [])
    assert json.loads(plan.stdout)["added"] == 6
    assert re.search(r"^to add +6$", plan.stderr, re.MULTILINE)

    first = convoso(*words, folder=tmp_path, **pointed_at(sim))
    again = convoso(*words, folder=tmp_path, **pointed_at(sim))
    assert (first.returncode, again.returncode) == (0, 0)
    assert json.loads(first.stdout)["added"] == 6
    assert (json.loads(again.stdout)["added"], json.loads(again.stdout)["there"]) == (0, 6)
    assert sorted(inserted(sim, call)) == [number.replace("-", "") for number in phones(6)]


def test_a_mirror_takes_off_what_the_file_does_not_have(sim: Simulator, tmp_path: Path) -> None:
    def on_the_list() -> int:
        done = convoso("export", "dnc", "--out", "-", "--quiet", **pointed_at(sim))
        return len(done.stdout.splitlines())

    written(tmp_path / "all.csv", phones(10), "phone_number")
    written(tmp_path / "some.csv", phones(7), "phone_number")
    assert convoso("sync", "dnc", "all.csv", folder=tmp_path, **pointed_at(sim)).returncode == 0
    words = ("sync", "dnc", "some.csv", "--mode", "mirror")

    refused = convoso(*words, folder=tmp_path, **pointed_at(sim))
    assert refused.returncode == 3
    assert "see them with --dry-run and, if that is right, give --max-delete-fraction 0.3" in refused.stderr
    assert on_the_list() == 10

    done = convoso(*words, "--max-delete-fraction", "0.5", folder=tmp_path, **pointed_at(sim))
    assert done.returncode == 0
    assert {name: json.loads(done.stdout)[name] for name in ("added", "removed", "there")} == {
        "added": 0, "removed": 3, "there": 7
    }  # fmt: skip
    assert on_the_list() == 7


def test_a_bad_number_is_told_and_written_where_asked(sim: Simulator, tmp_path: Path) -> None:
    written(tmp_path / "dnc.csv", ["12", *phones(2)], "phone_number")
    words = ("sync", "dnc", "dnc.csv", "--failed-to", "bad.jsonl")
    done = convoso(*words, folder=tmp_path, **pointed_at(sim))
    assert done.returncode == 1
    assert done.stderr.startswith("line 2: it is too short")
    assert [line["line"] for line in lines(tmp_path / "bad.jsonl")] == [2]
    assert json.loads(done.stdout)["added"] == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nofile.csv"], "nofile.csv: No such file or directory"),
        (
            ["dnc.csv", "--max-delete-fraction", "2", "--mode", "mirror"],
            "--max-delete-fraction must be from 0",
        ),
        (["dnc.csv", "--campaign-id", "x"], "--campaign-id must be one campaign's id"),
        (["dnc.csv", "--map", "x=phone"], "--map: 'x' can be phone_number, "),
        (["dnc.csv", "--partition", "reasn=DNC"], "dnc.search has no parameter reasn. Did you mean reason?"),
        (["dnc.csv", "--map", "x=phone_number"], "dnc.csv: there is no column 'x'"),
        (["dnc.csv", "--failed-to", "dnc.csv"], "--failed-to would write over dnc.csv"),
    ],
)
def test_what_cannot_be_synced_is_told(
    sim: Simulator, tmp_path: Path, words: Sequence[str], told: str
) -> None:
    written(tmp_path / "dnc.csv", phones(3), "phone_number")
    done = convoso("sync", "dnc", *words, folder=tmp_path, **pointed_at(sim))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(told)
    assert len(done.stderr.splitlines()) <= 2
    assert inserted(sim, "dnc.insert") == []


# -- recordings -------------------------------------------------------------------------------------


def test_recordings_come_into_a_folder_once(sim: Simulator, tmp_path: Path) -> None:
    words = ("recordings", "download", "--out", "audio", "--interval", "0")
    first = convoso(*words, folder=tmp_path, **pointed_at(sim))
    again = convoso(*words, folder=tmp_path, **pointed_at(sim))
    report, second = json.loads(first.stdout), json.loads(again.stdout)
    assert report["downloaded"] > 5
    assert first.returncode == (0 if report["ok"] else 1)
    assert len(list((tmp_path / "audio").glob("*.mp3"))) == report["downloaded"]
    assert (second["downloaded"], second["skipped"]) == (0, report["downloaded"])
    assert re.search(rf"^downloaded +{report['downloaded']}$", first.stderr, re.MULTILINE)


def test_ctrl_c_in_a_download_says_how_to_go_on(sim: Simulator, tmp_path: Path) -> None:
    words = ("recordings", "download", "--out", "audio")
    with started(*words, folder=tmp_path, **pointed_at(sim)) as process:
        while not list(tmp_path.glob("audio/*.mp3")):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, complaint = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert complaint == "Interrupted. The same command goes on where it stopped.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "file"], "file is a file: name a folder"),
        (["--out", "x", "--from", "soon"], "--from must be a day or a time"),
        (
            ["--out", "x", "--where", "campain_id=1"],
            "call_logs.retrieve has no parameter campain_id. Did you",
        ),
    ],
)
def test_what_cannot_be_downloaded_is_told(
    sim: Simulator, tmp_path: Path, words: Sequence[str], told: str
) -> None:
    (tmp_path / "file").touch()
    done = convoso("recordings", "download", *words, folder=tmp_path, **pointed_at(sim))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith(told)
    assert sim.requests == []
