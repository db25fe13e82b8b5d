"""Each example runs as its first lines say, on its own server, and takes what the simulator sends."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from convoso_async.simulator import Simulator

ROOT = Path(__file__).parents[2]
SECRET = "blue-heron-7"


@contextmanager
def running(example: str, sim: Simulator) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The URL of an example's receiver, and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "CONNECT_SECRET": SECRET,
        "CONVOSO_AUTH_TOKEN": sim.token,
        "CONVOSO_BASE_URL": sim.url,
        "PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, ROOT / "examples" / example],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for _ in range(600):
            with socket.socket() as wire:
                if not wire.connect_ex(("127.0.0.1", port)):
                    break
            assert process.poll() is None
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/connect", process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def said(process: "subprocess.Popen[str]", beginning: str) -> str:
    """The next line that begins so; servers have words of their own."""
    assert process.stdout is not None
    return next(line.rstrip() for line in process.stdout if line.startswith(beginning))


@pytest.mark.parametrize("example", ["fastapi_app.py", "aiohttp_app.py", "flask_app.py"])
def test_examples(example: str) -> None:
    renamed = {"call_log_id": "crm_call", "call_log.status": "outcome", "length_in_sec": "length_in_sec"}
    adaptor = renamed if example.startswith("flask") else None
    with Simulator(call_logs=20, leads=5) as sim, running(example, sim) as (url, process):
        with sim.connect(url, headers={"X-Connect-Secret": "wrong"}, adaptor=adaptor) as refused:
            sim.account.add_lead()
        with sim.connect(url, headers={"X-Connect-Secret": SECRET}, adaptor=adaptor, leads=False) as webhooks:
            call_id = sim.account.call_log_ids()[-5]
            sim.account.change_call_log(call_id, status="SALE", call_length=212)
            (sent,) = webhooks.wait()
        assert [one.status for one in refused.sent] == [404]
        assert (sent.status, sent.result) == (200, "true")
        if example.startswith("aiohttp"):
            lead_id = sim.account.call_log(call_id)["lead_id"]
            expected = f"lead {lead_id}: {sim.account.lead(lead_id)['status']}"
        else:
            expected = f"call {call_id}: SALE, 212 s"
        assert said(process, expected.partition(" ")[0]) == expected


def test_there_is_a_test_for_each() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*_app.py")} == {
        "fastapi_app.py",
        "aiohttp_app.py",
        "flask_app.py",
    }
