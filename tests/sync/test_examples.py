"""The examples of the sync package, each run as its first lines say."""

import csv
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from convoso_async.simulator import Simulator

EXAMPLES = Path(__file__).parents[2] / "examples"


def ran(example: str, *arguments: object, sim: Simulator) -> tuple[int, list[str], str]:
    """An example's exit code, the lines that it says, and what it complains of."""
    settings = {"CONVOSO_AUTH_TOKEN": sim.token, "CONVOSO_BASE_URL": sim.url}
    done = subprocess.run(
        [sys.executable, EXAMPLES / example, *map(str, arguments)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_the_nightly_export(tmp_path: Path) -> None:
    today = datetime.now(ZoneInfo("America/Los_Angeles")).replace(hour=0, minute=0, second=0, tzinfo=None)
    day = (today - timedelta(days=1)).date()
    around = {"start": today - timedelta(days=2), "end": today + timedelta(days=1)}
    with Simulator(call_logs=100, leads=5, **around) as sim:
        code, said, complained = ran("nightly_export.py", tmp_path / "calls", sim=sim)
        file = tmp_path / "calls" / f"calls-{day}.csv"
        with file.open(encoding="utf-8", newline="") as calls:
            ids = [row["id"] for row in csv.DictReader(calls)]
        assert (code, complained) == (0, "")
        assert said == [f"{file}: {len(ids)} calls, {len(sim.requests)} requests"]
        assert ids == sim.account.call_log_ids(f"{day} 00:00:00", f"{day} 23:59:59")
        assert len(ids) > 5
        sim.fail("call_logs.retrieve", status=403)
        code, said, complained = ran("nightly_export.py", tmp_path / "calls", sim=sim)
        assert (code, said) == (1, [])
        assert complained.startswith("yesterday's calls: call_logs.retrieve: ")


@pytest.mark.parametrize("ending", ["ok", "bad row", "no file"])
def test_the_import(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "leads.csv"
    rows = ["212-555-0123,Jane", "212-555-0124,June", *(["=cmd(),Joe"] if ending == "bad row" else [])]
    if ending != "no file":
        file.write_text("Phone,Name\n" + "\n".join(rows))
    with Simulator(leads=5) as sim:
        list_id = sim.account.ids("lists")[0]
        code, said, complained = ran("import_file.py", file, list_id, sim=sim)
        sent = sorted(call.params["first_name"] for call in sim.calls("leads.insert"))
    if ending == "no file":
        assert (code, said, sent) == (1, [], [])
        assert complained == f"{file}: No such file or directory\n"
        return
    failed = ending == "bad row"
    assert (code, complained, sent) == (int(failed), "", ["Jane", "June"])
    assert said[0] == f"2 of {2 + failed} leads, {int(failed)} failed, 0 unknown"
    assert len((tmp_path / "leads.csv.failed.jsonl").read_text().splitlines()) == failed
    if failed:
        assert said[1].startswith("line 4: failed: ")


@contextmanager
def lead_form(sim: Simulator, list_id: str) -> Iterator[int]:
    """The port of the example's app."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"CONVOSO_AUTH_TOKEN": sim.token, "CONVOSO_BASE_URL": sim.url, "LIST_ID": list_id}
    app = subprocess.Popen(
        [sys.executable, EXAMPLES / "lead_form.py"],
        env={**os.environ, **settings, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with socket.socket() as wire:
                if not wire.connect_ex(("127.0.0.1", port)):
                    break
            assert app.poll() is None
            time.sleep(0.05)
        yield port
    finally:
        app.terminate()
        app.wait(20)


def posted(port: int, **form: str) -> tuple[int, str]:
    """The status and the text of the page that answers a form."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", "/lead", urlencode(form), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_lead_form() -> None:
    pytest.importorskip("flask")
    with Simulator(leads=0) as sim:
        list_id = sim.account.ids("lists")[0]
        with lead_form(sim, list_id) as port:
            status, said = posted(port, phone="2125550123", name="Jane")
            (lead_id,) = sim.account.lead_ids()
            assert (status, said) == (201, f"Thank you. Your number is {lead_id}.")
            assert sim.account.lead(lead_id)["first_name"] == "Jane"
            assert posted(port, phone="2125550123")[0] == 200
            assert posted(port, phone="12")[0] == 422
            sim.fail("leads.insert", status=500)
            assert posted(port, phone="2125550124") == (202, "Thank you.")
            sim.fail("leads.insert", status=403)
            assert posted(port, phone="2125550124")[0] == 503


@pytest.mark.parametrize("name", ["nightly_export.py", "import_file.py", "shared_rate.py"])
def test_without_arguments_it_says_how_it_is_run(name: str) -> None:
    with Simulator(call_logs=0, leads=0) as sim:
        code, said, complained = ran(name, sim=sim)
    assert (code, said) == (1, [])
    assert f"python examples/{name}" in complained


def test_there_is_a_test_for_each() -> None:
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert [path.name for path in EXAMPLES.glob("*.py") if f'"{path.stem}' not in tests] == []
