import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TOKEN = "planted-7f3a9c51-must-turn-up-nowhere"
LOG = """
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
appender.file.type = File
appender.file.name = file
appender.file.fileName = {path}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %p %c: %m%n%ex
"""


@pytest.fixture(scope="session")
def spark_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Spark keeps what it writes by itself: its log, and its events with all plans."""
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="session")
def spark_url() -> str:
    """The service's address in the environment of Spark, where nothing is yet."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/v1"


@pytest.fixture(scope="session")
def spark(spark_folder: Path, spark_url: str) -> Iterator[Any]:
    """A Spark of two workers on this machine, which tries each task four times.

    Its processes have the environment of its start: the token must be in there.
    """
    pytest.importorskip("pyspark")
    from pyspark.sql import SparkSession

    from convoso_async.integrations.spark import ConvosoDataSource

    (spark_folder / "events").mkdir()
    (spark_folder / "log4j2.properties").write_text(LOG.format(path=spark_folder / "spark.log"))
    builder = SparkSession.builder.master("local[2,4]")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(spark_folder / "warehouse"),
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": (spark_folder / "events").as_uri(),
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={spark_folder / 'log4j2.properties'}",
    }.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)  # else the first python3 of the path
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("CONVOSO_BASE_URL", spark_url)
        for name in ("CONVOSO_AUTH_TOKEN", "EAST_TOKEN", "WEST_TOKEN"):
            patch.setenv(name, TOKEN)
        session = builder.getOrCreate()
    session.dataSource.register(ConvosoDataSource)
    yield session
    session.stop()


def python_workers() -> list[int]:
    """The processes in which Spark runs tasks: children of the daemon that this process' JVM started."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text().split("\0")
            parents[int(folder.name)] = (
                int((folder / "stat").read_text().rpartition(")")[2].split()[1]),
                command,
            )
        except OSError:
            continue
    daemons = {
        process
        for process, (_, command) in parents.items()
        if "pyspark.daemon" in command and is_ours(process, parents)
    }
    return [process for process, (parent, _) in parents.items() if parent in daemons]


def is_ours(process: int, parents: dict[int, tuple[int, list[str]]]) -> bool:
    while process in parents:
        process = parents[process][0]
        if process == os.getpid():
            return True
    return False


@pytest.fixture
def spark_workers(spark: object) -> Any:
    """Give what finds the processes in which Spark runs tasks."""
    return python_workers


@pytest.fixture
def planted_token() -> str:
    """The token in the environment of Spark, which must turn up nowhere."""
    return TOKEN
