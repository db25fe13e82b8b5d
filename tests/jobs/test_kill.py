"""An import that is killed at any moment, and started again, until it comes to its end.

`HARD=20` in the environment kills 200 times.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from convoso_async.simulator import Simulator

CHILD = Path(__file__).with_name("import_once.py")
HARD = int(os.environ.get("HARD", "1"))
KILLS = 10 * HARD
CONCURRENCY = 8


@pytest.mark.timeout(60 * (1 + HARD))
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_no_lead_is_sent_twice_and_none_is_lost_however_often_it_is_killed(tmp_path: Path) -> None:
    random = Random(7)
    phones = [f"212555{number:04}" for number in range(60 * KILLS if HARD == 1 else 40 * KILLS)]
    assert len(phones) <= 10_000
    path = tmp_path / "leads.csv"
    path.write_text("\n".join(["phone_number", *phones]))
    with Simulator(call_logs=0, leads=0, latency=0.01) as sim:
        list_id = sim.account.ids("lists")[0]
        words = [sim.token, sim.url, str(path), list_id, str(tmp_path / "journal")]
        command = [sys.executable, str(CHILD), *words]
        kills, whole = 0, None
        while whole is None:
            before = len(sim.requests)
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            if kills < KILLS:
                # Half of the kills fall somewhere in the start, half in the middle of the work.
                if random.random() < 0.5:
                    deadline = time.monotonic() + 10
                    while len(sim.requests) == before and time.monotonic() < deadline:
                        time.sleep(0.002)
                time.sleep(random.random() * 0.5)
                child.send_signal(signal.SIGKILL)
            said, _ = child.communicate()
            if child.returncode == 0:
                whole = json.loads(said)
            else:
                assert child.returncode == -signal.SIGKILL
                kills += 1
        sent = Counter(call.params["phone_number"] for call in sim.calls("leads.insert"))
        held = Counter(sim.account.lead(lead)["phone_number"] for lead in sim.account.lead_ids())
    print(f"{kills} kills, {len(phones)} leads, {len(whole['unknown'])} unknown")
    assert kills >= KILLS // 2
    assert set(sent.values()) == {1}
    assert sent.keys() | set(whole["unknown"]) == set(phones)
    assert held.keys() | set(whole["unknown"]) == set(phones)
    assert set(held.values()) == {1}
    assert (whole["total"], whole["failed"], whole["left"], whole["stopped"]) == (len(phones), 0, 0, None)
    assert whole["done"] + len(whole["unknown"]) == len(phones)
    assert len(whole["unknown"]) <= kills * CONCURRENCY


INTERRUPTED = """
import asyncio, sys
from convoso_async import jobs
started = 0
async def add(item):
    global started
    started += 1
    if started == 4:
        print("go", flush=True)
    await asyncio.sleep(float(sys.argv[1]))
async def main():
    report = await jobs.run(add, range(1000), concurrency=4)
    print(report.interrupted, report.done, report.unknown, flush=True)
asyncio.run(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="no Ctrl-C to send there")
@pytest.mark.parametrize(("seconds", "signals", "says"), [("0.3", 1, "True 4 0"), ("3600", 2, "True 0 4")])
def test_ctrl_c_in_a_process_of_its_own(seconds: str, signals: int, says: str) -> None:
    command = [sys.executable, "-W", "error", "-c", INTERRUPTED, seconds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "go\n"
        for _ in range(signals):
            child.send_signal(signal.SIGINT)
            time.sleep(0.1)
        assert child.stdout.read() == f"{says}\n"
        assert child.stderr.read() == ""
    assert child.returncode == 0
