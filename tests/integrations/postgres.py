"""A PostgreSQL server of a test's own: its folder, its port, gone at the end."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
"""Where Debian, Red Hat's kin and Homebrew keep what they do not put on the path."""
UNPRIVILEGED = ("postgres", "nobody")
"""Who runs the server for root, as whom it refuses to run."""
UNICODE = ("-E", "UTF8", "--no-locale")
PATIENCE = 30.0


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, None where there is none."""
    named = (
        subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True).stdout.strip()
        if (shutil.which("pg_config"))
        else ""
    )
    found = [Path(named)] if named else []
    for place in PLACES:
        found += sorted(Path("/").glob(place.lstrip("/")), reverse=True)
    return next((folder for folder in found if {"initdb", "postgres"} <= names_in(folder)), None)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def user_of_server() -> str | None:
    """Who is to run it: None for whoever runs the tests."""
    if os.name == "nt" or os.geteuid() != 0:
        return None
    users = {user.pw_name for user in pwd.getpwall()}
    return next(user for user in UNPRIVILEGED if user in users)


@contextmanager
def postgres(folder_of_programs: Path) -> Iterator[str]:
    """The URL of a running server with an empty database, for whoever connects from this machine."""
    user = user_of_server()
    # Another user cannot look into the folders of root's, such as pytest's or nox's.
    public = None if user is None else "/tmp"
    with tempfile.TemporaryDirectory(
        prefix="convoso-postgres-", dir=public, ignore_cleanup_errors=True
    ) as place:
        if user is not None:
            shutil.chown(place, user)
        data = Path(place) / "data"
        subprocess.run(
            [folder_of_programs / "initdb", "-D", data, "-U", "convoso", "-A", "trust", *UNICODE, "-N"],
            user=user,
            cwd=place,
            check=True,
            capture_output=True,
        )
        port = free_port()
        words = ["-D", data, "-p", str(port), "-k", "", "-h", "127.0.0.1", "-F"]
        with (Path(place) / "log").open("wb") as log:
            server = subprocess.Popen(
                [folder_of_programs / "postgres", *words], user=user, cwd=place, stdout=log, stderr=log
            )
        try:
            wait_for(server, port, Path(place) / "log")
            yield f"postgresql://convoso:any@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # at SIGTERM it would wait until all have gone
            server.wait(PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Returns when the server takes connections."""
    import psycopg2

    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user="convoso", dbname="postgres").close()
        except psycopg2.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
