"""Programs that run in a process of their own, at Python's strictest."""

import subprocess
import sys
from textwrap import dedent
from typing import Any

from convoso_async.simulator import Simulator

STRICT = (
    "-X",
    "dev",
    "-W",
    "error",
    "-W",
    "ignore:This process:DeprecationWarning",
)  # the last is about fork
HEAD = """
import asyncio, atexit, contextlib, gc, os, signal, sys, threading, time
from convoso_sync import Convoso
from convoso_sync import _runtime

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background

def connect(**settings):
    return Convoso("invented", base_url=sys.argv[1], **settings)

def say(*words):
    print(*words, flush=True)
"""


def start(source: str, url: str = "") -> "subprocess.Popen[str]":
    """Starts a program; `connect()` in it makes a client for the URL."""
    program = f"{HEAD}\n{dedent(source)}"
    return subprocess.Popen(
        [sys.executable, *STRICT, "-c", program, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output_of(source: str, url: str = "", timeout: float = 30) -> list[str]:
    """The lines that a program says. It must end well, and say nothing else."""
    program = start(source, url)
    try:
        said, complained = program.communicate(timeout=timeout)
    finally:
        program.kill()
    assert (program.returncode, complained) == (0, ""), complained
    return said.splitlines()


def simulator(**settings: Any) -> Simulator:
    """A small account that takes the token of `connect()`."""
    return Simulator(**{"call_logs": 60, "leads": 20, "token": "invented", **settings})
