import pickle
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest

from convoso_async import ConfigurationError
from convoso_async.integrations.shared_rate import SharedRate
from convoso_async.integrations.spark_options import WriteOptions, read_options, write_options, writes

CALLS = {"entity": "call_logs", "start": "2026-03-01"}
DNC = {"call": "dnc.insert"}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOSO_AUTH_TOKEN", "planted-token")


def refusal(options: Mapping[str, str], *, of_write: bool = False) -> str:
    """What is said of options; nothing of a token that is among them."""
    with pytest.raises(ConfigurationError) as error:
        (write_options if of_write else read_options)(options)
    assert "planted" not in str(error.value)
    return str(error.value)


def test_names_come_in_any_case_and_values_with_blanks() -> None:
    read = read_options({"Entity": " Call-Logs ", "START": "2026-03-01", "Where.Campaign_Id": "111, 112"})
    assert read.kind == "call_logs"
    assert read.filters == {"campaign_id": ["111", "112"], "start_time": "2026-03-01"}


def test_where_is_typed() -> None:
    read = read_options({**CALLS, "where.called_count": "2", "where.include_recordings": "yes"})
    assert read.where == {"called_count": 2, "include_recordings": True}


def test_another_range_of_the_call_is_a_filter_like_others() -> None:
    read = read_options({"entity": "leads", "where.updated_at_start_date": "2026-03-01 08:30"})
    assert read.filters == {"updated_at_start_date": datetime(2026, 3, 1, 8, 30)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "option 'entity': say what to read: call_logs, leads"),
        ({"entity": "call_log"}, "option 'entity': there is no entity 'call_log'; did you mean 'call_logs'?"),
        ({"entity": "call_logs"}, "option 'start': call_logs need one, such as 2026-03-01"),
        ({"entity": "agent_events"}, "option 'start': agent_events need one"),
        ({**CALLS, "auth_token": "planted"}, "option 'auth_token': a token must not be an option"),
        ({**CALLS, "Token": "planted"}, "set CONVOSO_AUTH_TOKEN on the driver and the executors"),
        ({**CALLS, "api_key": "planted"}, "option 'api_key': a token must not be an option"),
        ({**CALLS, "strt": "2026-03-01"}, "option 'strt': a read has no such option; did you mean 'start'?"),
        ({**CALLS, "path": "x"}, "option 'path': a read has no such option; there are entity, start, end"),
        ({**CALLS, "call": "dnc.insert"}, "option 'call': a read has no such option"),
        ({**CALLS, "start": "March"}, "option 'start': it must be a date or a time, such as 2026-03-31"),
        ({**CALLS, "end": "31.3.2026"}, "option 'end': it must be a date or a time"),
        ({**CALLS, "end": "2026-02-01"}, "end_time must not lie before start_time"),
        ({"entity": "dnc", "start": "2026-03-01"}, "option 'start': dnc have no time to select by"),
        (
            {**CALLS, "where.campain_id": "1"},
            "option 'where.campain_id': call_logs cannot be filtered by it; did you mean 'campaign_id'?",
        ),
        (
            {**CALLS, "where.start_time": "2026-03-01"},
            "option 'where.start_time': call_logs cannot be filtered",
        ),
        ({**CALLS, "where.campaign_id": " "}, "option 'where.campaign_id': it is empty; give it a value"),
        ({**CALLS, "end": ""}, "option 'end': it is empty; give it a value, or leave it out"),
        ({**CALLS, "where.limit": "5"}, "option 'where.limit': call_logs cannot be filtered by it"),
        ({**CALLS, "where.called_count": "two"}, "option 'where.called_count': this is not a value"),
        ({**CALLS, "where.call_type": "SIDEWAYS"}, "call_type must be one of OUTBOUND, INBOUND"),
        ({**CALLS, "push_filters": "perhaps"}, "option 'push_filters': it must be true or false"),
        ({**CALLS, "requests_per_second": "0"}, "option 'requests_per_second': it must be a number above 0"),
        ({**CALLS, "requests_per_second": "a"}, "option 'requests_per_second': it must be a number above 0"),
        ({**CALLS, "tasks_at_once": "1.5"}, "option 'tasks_at_once': it must be a whole number, 1 or more"),
        ({**CALLS, "lag": "2"}, "option 'lag': it must be a time such as 90m, 2h or 1d"),
        ({**CALLS, "timezone": "Mars"}, "timezone 'Mars' is not known here"),
        ({**CALLS, "base_url": "http://example.org"}, "base_url must be https"),
        ({**CALLS, "timezone.east": "UTC"}, "option 'timezone.east': 'accounts' names no such account"),
        ({**CALLS, "accounts": "A, A"}, "option 'accounts': name each one once"),
        ({**CALLS, "accounts": "east="}, "option 'accounts': name each one once"),
        ({**CALLS, "accounts": "NO_SUCH_TOKEN"}, "no token for the account NO_SUCH_TOKEN on this machine"),
        ({**CALLS, "accounts": "east=/no/such/file"}, "no token for the account east on this machine"),
        ({**CALLS, "accounts": "planted8f1c"}, "no token for an account on this machine"),
        ({**CALLS, "shared_rate": "redis://u:planted@example.org"}, "name the variable that holds it"),
        ({**CALLS, "shared_rate": "/no/such/folder/rate"}, "the folder /no/such/folder does not exist"),
    ],
)
def test_bad_options_of_a_read_name_the_option_and_the_remedy(options: dict[str, str], said: str) -> None:
    assert said in refusal(options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "option 'call': say what call each row is for: call_logs.update"),
        ({"call": "dnc.insrt"}, "option 'call': there is no such write; did you mean 'dnc.insert'?"),
        ({"call": "dnc.search"}, "option 'call': there is no such write"),
        (
            {"call": "leads.insert"},
            "option 'call': leads.insert would be done twice, because Spark repeats tasks; write the"
            " rows to a CSV file, and jobs.import_leads sends each of them once",
        ),
        ({"call": "dnc.delete"}, "jobs.sync_dnc with mode='mirror'"),
        ({"call": "lead_post.insert"}, "make these calls outside Spark, with jobs.run and a journal"),
        ({**DNC, "entity": "dnc"}, "option 'entity': a write has no such option"),
        ({**DNC, "where.id": "1"}, "option 'where.id': a write has no such option"),
        ({**DNC, "accounts": "CONVOSO_AUTH_TOKEN, b=CONVOSO_AUTH_TOKEN"}, "a write goes to one account"),
        ({**DNC, "requests_per_second": "3"}, "option 'tasks_at_once': say how many tasks run at once"),
        ({**DNC, "auth_token": "planted"}, "option 'auth_token': a token must not be an option"),
    ],
)
def test_bad_options_of_a_write_name_the_option_and_the_remedy(options: dict[str, str], said: str) -> None:
    assert said in refusal(options, of_write=True)


def test_exactly_the_calls_that_may_be_repeated_may_be_written() -> None:
    taken = set()
    for name in writes():
        try:
            taken.add(write_options({"call": name}).endpoint.id)
        except ConfigurationError:
            continue
    assert taken == set(
        "call_logs.update callbacks.delete callbacks.update campaigns.status dnc.insert dnc.update"
        " leads.delete leads.update lists.delete lists.update revenue.update sms_opt_out.insert"
        " sms_opt_out.update status.update".split()
    )


def test_accounts_have_names_places_and_zones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EAST", "planted-east")
    (tmp_path / "west").write_text("planted-west\n")
    read = read_options(
        {
            **CALLS,
            "accounts": f"EAST, {tmp_path}/west, north={tmp_path}/west",
            "timezone": "America/Denver",
            "timezone.east": "America/New_York",
        }
    )
    assert [(account.name, account.timezone) for account in read.accounts] == [
        ("EAST", "America/New_York"),
        ("west", "America/Denver"),
        ("north", "America/Denver"),
    ]
    assert [account.token() for account in read.accounts] == ["planted-east", "planted-west", "planted-west"]
    assert b"planted-" not in pickle.dumps(read)
    assert pickle.loads(pickle.dumps(read)) == read


def test_settings_of_the_driver_go_to_the_executors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOSO_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("CONVOSO_TIMEZONE", "America/Chicago")
    read = read_options(CALLS)
    monkeypatch.delenv("CONVOSO_BASE_URL")
    monkeypatch.delenv("CONVOSO_TIMEZONE")
    client = read.client(read.accounts[0])
    assert repr(client) == "<AsyncConvoso http://127.0.0.1:1/v1>"
    assert str(client.zone) == "America/Chicago"


def test_the_rate_is_shared_out(tmp_path: Path) -> None:
    assert read_options(CALLS).pace(13) is None
    assert read_options({**CALLS, "requests_per_second": "6"}).pace(12) == 0.5
    assert read_options({**CALLS, "requests_per_second": "6", "tasks_at_once": "4"}).pace(12) == 1.5
    assert read_options({**CALLS, "requests_per_second": "6", "tasks_at_once": "4"}).pace(2) == 3


def test_a_shared_rate_is_one_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_AT", str(tmp_path / "rate"))
    for place in (str(tmp_path / "rate"), "RATE_AT"):
        pace = read_options({**CALLS, "requests_per_second": "6", "shared_rate": place}).pace(12)
        assert isinstance(pace, SharedRate)
        assert repr(pace) == f"SharedRate(6.0, at={str(tmp_path / 'rate')!r})"
    assert isinstance(
        write_options({**DNC, "requests_per_second": "6", "shared_rate": "RATE_AT"}), WriteOptions
    )


@pytest.mark.parametrize(
    ("text", "lag"),
    [
        ("90m", timedelta(minutes=90)),
        ("2 hours", timedelta(hours=2)),
        ("1d", timedelta(1)),
        ("0s", timedelta(0)),
    ],
)
def test_a_lag_has_a_unit(text: str, lag: timedelta) -> None:
    assert read_options({**CALLS, "lag": text}).lag == lag


def test_without_pyspark_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql.datasource", None)
    monkeypatch.delitem(sys.modules, "convoso_async.integrations.spark", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'convoso\[spark\]'"):
        import_module("convoso_async.integrations.spark")
