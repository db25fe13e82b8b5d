"""Loads by dlt into DuckDB and into a real PostgreSQL server, compared with the simulator."""

import gzip
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from convoso_async import AsyncConvoso, ConfigurationError, IncompleteError
from convoso_async.integrations.entities import ENTITIES
from convoso_async.jobs.columns import as_object, columns_of, json_bytes
from convoso_async.resources.leads import Lead
from convoso_async.simulator import Request, Simulator

from .postgres import postgres, programs

dlt = pytest.importorskip("dlt", reason="dlt is not here: nox -s dlt has it")
duckdb = pytest.importorskip("duckdb")
# What follows can be imported only where these are.
from dlt.common.configuration.exceptions import ValueNotSecretException  # noqa: E402
from dlt.extract.exceptions import (  # noqa: E402
    ResourceExtractionError,
    ResourcesNotFoundError,
)
from dlt.pipeline.exceptions import PipelineStepFailed  # noqa: E402

from convoso_async.integrations import dlt_items, dlt_reading  # noqa: E402
from convoso_async.integrations.dlt_source import convoso_source  # noqa: E402

from .load_once import pipeline  # noqa: E402

CHILD = Path(__file__).with_name("load_once.py")
TOKEN = "planted-0f9c-secret-7741"
START = "2026-01-01"
LOS_ANGELES = ZoneInfo("America/Los_Angeles")


@pytest.fixture(autouse=True)
def _settings_of_the_test_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DLT_PROJECT_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(call_logs=600, leads=150, profile="observed", token=TOKEN) as running:
        yield running


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL's initdb and postgres are not on this machine")
    with postgres(folder) as url:
        yield url


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What dlt takes as the place to load to."""
    if request.param == "postgres":
        return str(request.getfixturevalue("server"))
    return str(tmp_path / "convoso.duckdb")


class Loads:
    """The loads of a test: its pipeline, and what stands in the tables."""

    def __init__(self, sim: Simulator, folder: Path, warehouse: str) -> None:
        self.sim = sim
        self.dataset = f"of_{folder.name}"  # tests share the server
        self.pipeline = pipeline(str(folder / "working"), warehouse, self.dataset)

    def source(self, **options: Any) -> Any:
        options = {"auth_token": TOKEN, "base_url": self.sim.url, "start": START, **options}
        return convoso_source(**options)

    def load(self, *resources: str, **options: Any) -> None:
        """One load, and the requests of it alone in the simulator."""
        self.sim.requests.clear()
        source = self.source(**options)
        self.pipeline.run(source.with_resources(*resources) if resources else source)

    def ask(self, sql: str) -> list[Any]:
        with self.pipeline.sql_client() as client:
            return list(client.execute_sql(sql) or ())

    def ids(self, name: str) -> list[str]:
        return sorted(row[0] for row in self.ask(f"select {ENTITIES[name].key[0]} from {name}"))

    @property
    def state(self) -> Any:
        return self.pipeline.state.get("sources")


@pytest.fixture
def loads(sim: Simulator, tmp_path: Path, warehouse: str) -> Loads:
    return Loads(sim, tmp_path, warehouse)


@pytest.fixture
def local(sim: Simulator, tmp_path: Path) -> Loads:
    """Loads into DuckDB, for what is the same everywhere."""
    return Loads(sim, tmp_path, str(tmp_path / "convoso.duckdb"))


def held(sim: Simulator) -> dict[str, list[str]]:
    """The ids that the account holds, by resource."""
    account = sim.account
    ids = {name: account.ids(name) for name in ("callbacks", "dnc", "users", "lists", "campaigns")}
    ids |= {"call_logs": account.call_log_ids(), "leads": account.lead_ids()}
    ids |= {"opt_outs": account.ids("sms_opt_outs"), "statuses": list(account.statuses)}
    ids |= {"agent_events": [f"ev-{number}" for number in account.ids("agent_events")]}
    return {name: sorted(numbers) for name, numbers in ids.items()}


def loaded(loads: Loads) -> dict[str, list[str]]:
    return {name: loads.ids(name) for name in ENTITIES}


def chain(error: BaseException) -> list[BaseException]:
    """An error, and all that it came from."""
    errors = [error]
    while (cause := errors[-1].__cause__ or errors[-1].__context__) is not None:
        errors.append(cause)
    return errors


# -- what is in the tables ------------------------------------------------------------------------------


@pytest.mark.parametrize("page_format", ["arrow", "dicts"])
def test_a_first_load_and_one_with_what_is_new_and_changed(loads: Loads, page_format: str) -> None:
    sim, account = loads.sim, loads.sim.account
    loads.load(page_format=page_format)
    assert loaded(loads) == held(sim)

    late = account.add_call_log(account.now - timedelta(hours=3))
    live = account.call_log_ids()[-5]
    account.change_call_log(live, call_length=1_234, term_reason="CALLER")
    account.add_call_logs(200)
    known = account.lead_ids()[0]
    sim.call("leads.update", lead_id=known, first_name="Anew", Job_Group="welders")
    added = account.add_lead(union_number="212")
    gone = account.ids("dnc")[0]
    account.dnc.remove(gone)
    account.add_sms_opt_out("2125550123")
    account.callbacks.change(account.ids("callbacks")[0], {"comments": "call again"})

    loads.load(page_format=page_format)
    assert loaded(loads) == held(sim)
    assert loads.ask(f"select call_length, term_reason from call_logs where id = '{live}'") == [
        (1_234, "CALLER")
    ]
    assert late in loads.ids("call_logs")
    rows = dict(loads.ask(f"select id, extra from leads where id in ('{known}', '{added}')"))
    assert as_json(rows[known])["Job_Group"] == "welders"
    assert as_json(rows[added])["union_number"] == "212"
    assert loads.ask(f"select first_name from leads where id = '{known}'") == [("Anew",)]
    assert gone not in loads.ids("dnc")
    assert ("call again",) in loads.ask("select comments from callbacks")
    yesterday = str(account.now - timedelta(days=2))
    assert all(call.params["start_time"] > yesterday for call in sim.calls("call_logs.retrieve"))


def as_json(value: object) -> Any:
    """A JSON value, which DuckDB gives as text."""
    return json.loads(value) if isinstance(value, str) else value


@pytest.mark.parametrize(("page_format", "profile"), [("arrow", "documented"), ("dicts", "observed")])
async def test_the_tables_hold_what_the_rows_hold(loads: Loads, page_format: str, profile: Any) -> None:
    loads.sim.profile = profile
    loads.load(page_format=page_format, filters={"call_logs": {"include_recordings": True}})
    async with AsyncConvoso(TOKEN, base_url=loads.sim.url) as client:
        for name, entity in ENTITIES.items():
            filters = {"include_recordings": True} if name == "call_logs" else {}
            given = {}
            for row in [row async for page in entity.pages(client, filters) for row in page]:
                given[getattr(row, entity.key[0])] = comparable(as_object(row))
            columns = columns_of(entity.row)
            names = ", ".join(f'"{dlt_items.column_name(column)}"' for column in columns)
            found = loads.ask(f"select {names} from {name}")
            table = [
                comparable(
                    {
                        column.name: as_json(value) if dlt_items.DATA_TYPES[column.kind] == "json" else value
                        for column, value in zip(columns, row, strict=True)
                    }
                )
                for row in found
            ]
            key = entity.key[0]
            assert {str(row[key]): row for row in table} == given


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """Moments as moments, whatever their zone; nothing as None; rows in rows as JSON has them."""
    plain = {}
    for name, value in row.items():
        if isinstance(value, datetime):
            plain[name] = value.astimezone(UTC)
        elif isinstance(value, list | dict):
            plain[name] = json.loads(json_bytes(value)) or None
        else:
            plain[name] = value
    return plain


@pytest.mark.parametrize("formats", [("arrow", "dicts", "arrow"), ("dicts", "arrow", "dicts")])
def test_the_form_of_the_pages_may_change(loads: Loads, formats: tuple[str, ...]) -> None:
    for page_format in formats:
        loads.sim.account.add_lead()
        loads.load("leads", "users", page_format=page_format)
        assert loads.ids("leads") == held(loads.sim)["leads"]
        assert loads.ids("users") == held(loads.sim)["users"]


@pytest.mark.parametrize("page_format", ["arrow", "dicts"])
def test_a_list_that_is_empty_is_an_empty_table(loads: Loads, page_format: str) -> None:
    account = loads.sim.account
    opt_outs = [dict(row) for row in account.sms_opt_outs]
    for row in opt_outs:
        account.sms_opt_outs.remove(row["id"])
    loads.load("opt_outs", "dnc", page_format=page_format)
    assert loads.ids("opt_outs") == []
    for number in account.ids("dnc"):
        account.dnc.remove(number)
    loads.load("opt_outs", "dnc", page_format=page_format)
    assert loads.ids("dnc") == []


def test_what_jams_a_warehouse_does_not_reach_it(loads: Loads) -> None:
    odd = 'O\'Quote \\ "x"\t€\n😀'
    number = loads.sim.account.add_lead(first_name=f"{odd}\0", called_count=5, job={"\0group": [f"{odd}\0"]})
    for page_format in ("arrow", "dicts"):
        loads.load("leads", page_format=page_format)
        [(name, extra)] = loads.ask(f"select first_name, extra from leads where id = '{number}'")
        assert name == odd
        assert as_json(extra)["job"] == {"group": [odd]}


def test_numbers_that_dlt_cannot_write_are_text() -> None:
    lead = Lead(id="1", called_count=2**70, extra={"deep": [{"number": -(2**70), "small": 5, "on": True}]})
    [item] = dlt_items.items_of(Lead, LOS_ANGELES, "dicts").item([lead])
    assert item["called_count"] is None
    assert item["extra"] == {
        "called_count": str(2**70),
        "deep": [{"number": str(-(2**70)), "small": 5, "on": True}],
    }


def test_a_row_without_its_key_fails_the_load_with_a_word(local: Loads) -> None:
    local.sim.fail(
        "dnc.search", body={"success": True, "data": {"total": "1", "entries": [{"reason": "x"}]}}, times=9
    )
    with pytest.raises(PipelineStepFailed, match=r"dnc.search: a row came without its id"):
        local.load("dnc")


def test_dlt_has_nothing_to_warn_of(local: Loads, dlt_log: pytest.LogCaptureFixture) -> None:
    local.load("leads", "call_logs", page_format="arrow")
    assert [record for record in dlt_log.records if record.levelname == "WARNING"] == []


@pytest.fixture
def dlt_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What dlt logs, and does not hand on to the root."""
    log = logging.getLogger("dlt")
    log.addHandler(caplog.handler)
    yield caplog
    log.removeHandler(caplog.handler)


@pytest.mark.parametrize("page_format", ["arrow", "dicts"])
def test_of_a_lead_that_is_read_twice_the_later_form_is_kept(loads: Loads, page_format: str) -> None:
    account = loads.sim.account
    loads.load("leads", page_format=page_format)
    fresh = account.add_lead(first_name="Early")

    def change(sim: Simulator, request: Request) -> None:
        if "created_at_start_date" in request.params:
            account.leads.change(fresh, {"first_name": "Later", "modified_at": account.tick()})

    loads.sim.before_request = change
    loads.load("leads", page_format=page_format)
    assert loads.ask(f"select first_name from leads where id = '{fresh}'") == [("Later",)]


# -- the mark -------------------------------------------------------------------------------------------


def marks(loads: Loads) -> dict[str, datetime]:
    """How far each resource was read."""
    resources = loads.state["convoso"]["resources"]
    return {
        name: value["last_value"]
        for name, resource in resources.items()
        for value in resource["incremental"].values()
    }


def test_a_load_that_is_not_complete_loads_nothing_and_moves_no_mark(local: Loads) -> None:
    local.load("call_logs", "leads")
    before, ids = marks(local), local.ids("call_logs")
    account = local.sim.account
    account.now += timedelta(days=9)
    account.add_call_logs(60)
    account.now += timedelta(days=9)
    account.add_call_logs(60)
    local.sim.totals = "high"
    with pytest.raises(PipelineStepFailed) as failed:
        local.load("call_logs")
    assert any(isinstance(error, IncompleteError) for error in chain(failed.value))
    assert marks(local) == before
    assert not local.pipeline.has_pending_data
    assert local.ids("call_logs") == ids
    local.sim.totals = None
    local.load("call_logs", "leads")
    assert local.ids("call_logs") == held(local.sim)["call_logs"]
    assert marks(local)["call_logs"] == account.now.replace(tzinfo=LOS_ANGELES)


def test_a_mark_lost_with_the_working_folder_comes_back_from_the_warehouse(
    loads: Loads, tmp_path: Path
) -> None:
    loads.load("call_logs")
    loads.sim.account.add_call_logs(5)
    before = marks(loads)
    loads.pipeline.drop()
    loads.load("call_logs")
    assert marks(loads)["call_logs"] >= before["call_logs"]
    assert len(loads.sim.calls("call_logs.retrieve")) == 2
    assert loads.ids("call_logs") == held(loads.sim)["call_logs"]


def test_no_mark_lies_beyond_the_moment_when_the_reading_began(local: Loads) -> None:
    account = local.sim.account
    account.leads.change(account.lead_ids()[3], {"modified_at": "2999-01-01 00:00:00"})
    began = datetime.now(UTC)
    local.load("leads")
    assert marks(local)["leads"] <= datetime.now(UTC)
    assert marks(local)["leads"] >= began - timedelta(minutes=1)


def test_a_new_lead_is_found_though_nobody_has_changed_it(local: Loads) -> None:
    account = local.sim.account
    local.load("leads")
    fresh = account.add_lead()
    account.leads.change(fresh, {"modified_at": ""})
    local.load("leads")
    assert fresh in local.ids("leads")


def test_rows_older_than_the_lag_are_not_read_again(local: Loads) -> None:
    account = local.sim.account
    local.load("call_logs", "agent_events")
    late, too_late = (account.add_call_log(account.now - timedelta(hours=hours)) for hours in (1, 3))
    local.load("call_logs", "agent_events", lag=7_200.0)
    assert late in local.ids("call_logs")
    assert too_late not in local.ids("call_logs")
    [asked] = {call.params["date_start"] for call in local.sim.calls("agent_productivity.search")}
    newest = marks(local)["agent_events"].astimezone(LOS_ANGELES)
    assert asked == str((newest - timedelta(hours=2)).date())


def test_a_stretch_of_the_past_has_no_mark(local: Loads) -> None:
    account = local.sim.account
    days = [account.end.date() - timedelta(days=back) for back in (9, 6, 3)]
    local.load("call_logs", start=days[2])
    before = local.state
    for first, last in (days[:2], (days[1], days[2])):
        local.load("call_logs", start=first, end=last)
    assert local.state == before
    midnight = datetime.combine(days[0], datetime.min.time())
    assert local.ids("call_logs") == sorted(account.call_log_ids(midnight))


@pytest.mark.parametrize("totals", ["number", "missing"])
@pytest.mark.parametrize("timeless", [False, True])
def test_leads_past_the_cap_are_all_read_or_missed_also_one_without_a_time(
    timeless: bool, totals: Any, tmp_path: Path
) -> None:
    with Simulator(call_logs=0, leads=41_000, token=TOKEN, profile="observed", totals=totals) as sim:
        if timeless:
            sim.account.leads.change(sim.account.lead_ids()[7], {"created_at": ""})
        source = Loads(sim, tmp_path, str(tmp_path / "convoso.duckdb")).source()
        pages = source.resources["leads"]
        if timeless and totals == "missing":  # there may be more of them, where no range reaches
            with pytest.raises(ResourceExtractionError, match=r"some rows have no time, and without a total"):
                list(pages)
            return
        ids = [name for page in pages for name in page.column("id").to_pylist()]
        assert sorted(set(ids)) == held(sim)["leads"]
        assert len({call.params.get("created_at_start_date") for call in sim.calls("leads.search")}) > 1


def test_it_reads_ahead_but_not_without_bounds(local: Loads) -> None:
    local.sim.latency = 0.01
    local.load("call_logs", filters={"call_logs": {"page_size": 50}})
    assert 1 < local.sim.in_flight_max <= dlt_reading.AHEAD


def test_all_resources_together_keep_the_rate(local: Loads) -> None:
    local.sim.rate_limit, local.sim.rate_burst = 60, 10
    local.load(requests_per_second=50)
    assert {request.status for request in local.sim.requests} == {200}


# -- killed ---------------------------------------------------------------------------------------------


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_load_that_is_killed_and_run_again_is_complete(
    sim: Simulator, tmp_path: Path, warehouse: str
) -> None:
    loads = Loads(sim, tmp_path, warehouse)
    sim.latency = 0.02
    command = [
        sys.executable,
        str(CHILD),
        TOKEN,
        sim.url,
        str(tmp_path / "working"),
        warehouse,
        loads.dataset,
    ]
    dice = random.Random(11)
    killed = 0
    for turn in range(3):
        sim.account.add_call_logs(20)
        sim.account.add_lead(first_name=f"Number {turn}")
        before = len(sim.requests)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as child:
            while len(sim.requests) <= before + 5 and child.poll() is None:
                time.sleep(0.01)
            with suppress(subprocess.TimeoutExpired):  # somewhere in reading, normalizing or loading
                child.wait(dice.random() * 2.5)
            child.kill()
        killed += child.returncode == -signal.SIGKILL
    assert killed >= 2
    subprocess.run(command, check=True)
    loads.pipeline.sync_destination()
    assert loaded(loads) == held(sim)


# -- options --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": "yesterday"}, "start must be a date or a time such as 2026-03-31"),
        ({"start": 20260101}, "start must be a date or a time"),
        ({"start": None, "end": "2026-02-01"}, "end needs a start"),
        ({"end": "2025-12-31"}, "end needs a start that is not after it"),
        ({"lag": 60}, "lag must be 3600 seconds or more"),
        ({"lag": "1 day"}, "lag must be 3600 seconds or more"),
        ({"page_format": "parquet"}, "page_format must be 'arrow' or 'dicts', not 'parquet'"),
        ({"timezone": "Mars/Olympus"}, "timezone 'Mars/Olympus' is not known"),
        ({"requests_per_second": 0}, "requests_per_second must be a number above 0"),
        ({"base_url": f"https://me:{TOKEN}@example.org"}, "base_url must not hold a user name"),
        ({"base_url": f"https://example.org/?auth_token={TOKEN}"}, "base_url must be an address"),
        ({"auth_token": None}, "no token: "),
        ({"filters": ["dnc"]}, "filters must be a mapping"),
        ({"filters": {"leeds": {}}}, "there is no entity 'leeds'; did you mean 'leads'"),
        ({"filters": {"leads": "x"}}, "leads must have a mapping"),
        ({"filters": {"leads": {"list": 5}}}, "unknown parameter 'list'; did you mean 'list_id'"),
        ({"filters": {"lists": {"statuz": 1}}}, "unknown parameter 'statuz'; did you mean 'status'"),
        ({"filters": {"call_logs": {"start_time": "2026-01-01"}}}, "call_logs must not have start_time"),
        ({"filters": {"call_logs": {"max_rows": 5}}}, "call_logs must not have max_rows"),
        ({"filters": {"leads": {"auth_token": TOKEN}}}, "auth_token is no filter.*secrets.toml"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    local: Loads, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        local.source(**options)
    assert TOKEN not in "".join(map(str, chain(refused.value)))
    assert local.sim.requests == []


def test_an_unknown_resource_is_refused_with_those_that_there_are(local: Loads) -> None:
    with pytest.raises(ResourcesNotFoundError, match=r"call_log.*agent_events"):
        local.source().with_resources("call_log")


@pytest.mark.parametrize("name", ["call_logs", "agent_events"])
def test_history_needs_a_start(local: Loads, name: str) -> None:
    with pytest.raises(PipelineStepFailed, match=f"{name} needs start, as convoso_source"):
        local.load(name, "leads", start=None)
    assert local.sim.requests == []
    local.load("leads", start=None)
    assert local.ids("leads") == held(local.sim)["leads"]


def test_times_may_be_days_texts_and_moments(local: Loads) -> None:
    account = local.sim.account
    for start in (date(2026, 3, 30), "2026-03-30", datetime(2026, 3, 30, 7, tzinfo=UTC)):
        local.load("call_logs", start=start, end=date(2026, 3, 30))
        asked = local.sim.calls("call_logs.retrieve")[0].params
        assert (asked["start_time"], asked["end_time"]) == ("2026-03-30 00:00:00", "2026-03-30 23:59:59")
    assert local.ids("call_logs") == sorted(
        account.call_log_ids("2026-03-30 00:00:00", "2026-03-30 23:59:59")
    )


def test_filters_choose_rows(local: Loads) -> None:
    campaign = local.sim.account.ids("campaigns")[0]
    here = [local.sim.account.add_dnc(f"212555010{number}", campaign) for number in range(3)]
    scopes = [{"campaign_id": "0"}, {"campaign_id": campaign}]
    local.load(
        "dnc", "call_logs", filters={"dnc": {"partitions": scopes}, "call-logs": {"call_type": "INBOUND"}}
    )
    assert set(here) <= set(local.ids("dnc"))
    assert {row[0] for row in local.ask("select campaign_id from dnc")} == {"0", campaign}
    assert local.ask("select distinct lower(call_type) from call_logs") == [("inbound",)]


def test_without_pyarrow_pages_are_dicts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dlt_items.page_format_of(None) == "arrow"
    monkeypatch.setattr(dlt_items, "find_spec", lambda name: None)
    assert dlt_items.page_format_of(None) == "dicts"
    with pytest.raises(ConfigurationError, match=r"needs pyarrow: pip install 'convoso\[arrow\]'"):
        dlt_items.page_format_of("arrow")


# -- the token ------------------------------------------------------------------------------------------


@contextmanager
def fresh_settings() -> Iterator[None]:
    """dlt as in a new process: it reads its files once."""
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    Container()[PluggableRunContext].reload()
    try:
        yield
    finally:
        shutil.rmtree(".dlt")
        Container()[PluggableRunContext].reload()


def write(folder: Path, name: str, text: str) -> None:
    (folder / ".dlt").mkdir(exist_ok=True)
    (folder / ".dlt" / name).write_text(text)


def reads_leads(loads: Loads, **options: Any) -> bool:
    loads.pipeline.run(convoso_source(**options).with_resources("leads"))
    return loads.ids("leads") == held(loads.sim)["leads"]


def test_settings_come_from_the_files_of_dlt(local: Loads, tmp_path: Path) -> None:
    write(tmp_path, "secrets.toml", f'[sources.convoso]\nauth_token = "{TOKEN}"')
    write(tmp_path, "config.toml", f'[sources.convoso]\nbase_url = "{local.sim.url}"\nstart = 2026-01-01')
    with fresh_settings():
        assert reads_leads(local)


def test_settings_come_from_the_environment(local: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__CONVOSO__AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("CONVOSO__BASE_URL", local.sim.url)
    assert reads_leads(local)


def test_the_variables_of_the_client_will_do(local: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOSO_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("CONVOSO_BASE_URL", local.sim.url)
    assert reads_leads(local)


def test_variables_of_anybody_are_not_taken(local: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTH_TOKEN", "BASE_URL", "TIMEZONE", "START", "END", "LAG", "FILTERS", "PAGE_FORMAT"):
        monkeypatch.setenv(name, "https://elsewhere.example.org")
    assert reads_leads(local, auth_token=TOKEN, base_url=local.sim.url)
    with pytest.raises(ConfigurationError, match="no token"):
        convoso_source(base_url=local.sim.url)


def test_a_token_in_the_file_that_is_committed_is_refused(local: Loads, tmp_path: Path) -> None:
    write(tmp_path, "config.toml", f'[sources.convoso]\nauth_token = "{TOKEN}"')
    with fresh_settings(), pytest.raises(ValueNotSecretException) as refused:
        convoso_source(base_url=local.sim.url)
    assert TOKEN not in str(refused.value)


def test_the_token_is_nowhere(
    loads: Loads,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    dlt_log: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dlt_log.set_level(logging.DEBUG)
    dlt_log.set_level(logging.DEBUG, "dlt")
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")
    loads.load("leads", "lists", filters={"leads": {"list_id": loads.sim.account.ids("lists")[0]}})
    loads.sim.fail(
        "leads.search", status=400, body={"success": False, "text": f"bad auth_token {TOKEN}"}, times=99
    )
    with pytest.raises(PipelineStepFailed) as failed:
        loads.load("leads", "lists")
    told = capfd.readouterr()
    assert "leads" in dlt_log.text
    texts = [
        told.out,
        told.err,
        dlt_log.text,
        *("".join(traceback.format_exception(failed.value))),
        repr(loads.source()),
    ]
    texts += [str(loads.pipeline.last_trace), json.dumps(loads.state, default=str)]
    texts += [str(row) for row in loads.ask("select * from _dlt_pipeline_state")]
    texts += [str(row) for row in loads.ask("select * from _dlt_version")]
    assert not any(TOKEN in text for text in texts)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("trace" in path.name for path in files)
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    for path in tmp_path.rglob("*.gz"):
        assert TOKEN.encode() not in gzip.decompress(path.read_bytes())


# -- the example ----------------------------------------------------------------------------------------


def test_the_example_runs_as_it_says(local: Loads, tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "dlt_warehouse.py"
    settings = {"CONVOSO_AUTH_TOKEN": TOKEN, "CONVOSO_BASE_URL": local.sim.url}
    for _ in range(2):
        local.sim.account.add_lead()
        run = subprocess.run(
            [sys.executable, example, START],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        assert "contains no failed jobs" in run.stdout
        with duckdb.connect(tmp_path / "convoso.duckdb") as tables:
            found = tables.execute("select id from account.leads order by id").fetchall()
        assert [row[0] for row in found] == held(local.sim)["leads"]
