import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("cyclopts")
pytest.importorskip("pty", reason="Windows has no pseudo-terminals in the standard library")
from convoso_async import ConfigurationError
from convoso_async.cli.account import LARGEST, NO_TOKEN, Account, settings_in
from convoso_async.cli.exit import BadUse
from convoso_async.simulator import Simulator

from .emulator import Terminal, convoso, pointed_at

TO_FILE = ("export", "leads", "--columns", "id", "--out", "leads.csv")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(call_logs=0, leads=5, token="s3cret-token") as simulator:
        yield simulator


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that says nothing of an account."""
    for name in ("CONVOSO_AUTH_TOKEN", "CONVOSO_BASE_URL", "CONVOSO_TIMEZONE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


# -- where settings come from -----------------------------------------------------------------------


def test_an_option_goes_before_a_file_of_settings_and_that_before_the_environment(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token, settings = tmp_path / "token", tmp_path / ".env"
    token.write_text("from-file\n", "utf-8")
    settings.write_text("CONVOSO_AUTH_TOKEN=from-settings\nCONVOSO_TIMEZONE=America/Denver\n", "utf-8")

    assert Account().token() is None
    bare.setenv("CONVOSO_AUTH_TOKEN", "from-environment")
    bare.setenv("CONVOSO_TIMEZONE", "America/Chicago")
    found = [
        account.token()
        for account in (Account(), Account(env_file=settings), Account(env_file=settings, token_file=token))
    ]
    assert [(one.value, one.where) for one in found if one] == [
        ("from-environment", "the environment"),
        ("from-settings", str(settings)),
        ("from-file", str(token)),
    ]
    assert "from" not in repr(found[0]).replace("the environment", "")
    assert str(Account(env_file=settings).client().zone) == "America/Denver"
    assert str(Account(env_file=settings, timezone="Europe/Berlin").client().zone) == "Europe/Berlin"


def test_a_file_of_settings_is_read_only_when_it_is_named(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CONVOSO_AUTH_TOKEN=x\n", "utf-8")
    bare.chdir(tmp_path)
    assert Account().token() is None


def test_a_file_of_settings_in_the_forms_that_people_write(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "# an account\n\nexport CONVOSO_AUTH_TOKEN='a b#c'\n CONVOSO_TIMEZONE = \"UTC\" \nA=x=y\nEMPTY=\n",
        "utf-8",
    )
    assert settings_in(path) == {
        "CONVOSO_AUTH_TOKEN": "a b#c",
        "CONVOSO_TIMEZONE": "UTC",
        "A": "x=y",
        "EMPTY": "",
    }
    path.write_text("CONVOSO_AUTH_TOKEN\n", "utf-8")
    with pytest.raises(BadUse, match="line 1: it is not NAME=value") as refused:
        settings_in(path)
    assert "CONVOSO" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file or directory"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe\x00", "is not text in UTF-8"),
        (b"x" * (LARGEST + 1), "is too large"),
    ],
)
def test_a_file_that_holds_no_token_is_told(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadUse, match=words):
        Account(token_file=path).client()


def test_two_lines_are_no_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("s3cret\nother\n", "utf-8")
    with pytest.raises(ConfigurationError, match="blanks or line breaks") as refused:
        Account(token_file=path).client()
    assert "s3cret" not in str(refused.value)


def test_a_token_is_sent_to_a_stranger_only_with_a_word(
    bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare.setenv("CONVOSO_AUTH_TOKEN", "t")
    bare.setenv("CONVOSO_BASE_URL", "https://example.org/v1")
    Account().client()
    assert capsys.readouterr().err == (
        "CONVOSO_BASE_URL sends the token to example.org, which is not Convoso\n"
    )
    Account(base_url="https://example.org/v1").client()
    assert capsys.readouterr().err == ""


# -- what is missing or refused ---------------------------------------------------------------------


def test_without_a_token_in_a_pipe_it_says_where_to_put_one(sim: Simulator, tmp_path: Path) -> None:
    done = convoso(*TO_FILE, folder=tmp_path, CONVOSO_BASE_URL=sim.url)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{NO_TOKEN}\n")


def test_a_token_is_no_argument() -> None:
    done = convoso(*TO_FILE, "--token", "s3cret")
    assert done.returncode == 2
    assert "--token-file" in done.stderr


@pytest.mark.parametrize("profile", ["documented", "observed"])
def test_a_refused_token_is_two_lines_and_3(profile: str, tmp_path: Path) -> None:
    with Simulator(call_logs=0, profile=profile) as sim:
        done = convoso(*TO_FILE, folder=tmp_path, CONVOSO_BASE_URL=sim.url, CONVOSO_AUTH_TOKEN="wr0ng")
    line, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (3, "")
    assert line.startswith("leads.search: ")
    assert hint == "The service does not take this token. To see where it comes from: convoso doctor"
    assert "wr0ng" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_two_lines_and_3(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    done = convoso(*TO_FILE, folder=tmp_path, CONVOSO_BASE_URL=url, CONVOSO_AUTH_TOKEN="s3cret")
    line, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (3, "")
    assert "Cannot connect" in line
    assert hint.startswith("Check the network")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--timezone", "Mars/Base"], "--timezone 'Mars/Base' is not known here"),
        (["--base-url", "http://example.org"], "--base-url must be https"),
        (["--token-file", "nope"], "nope: No such file or directory"),
        (["--env-file", "nope"], "nope: No such file or directory"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line_and_2(words: list[str], told: str, tmp_path: Path) -> None:
    done = convoso(*TO_FILE, *words, folder=tmp_path, CONVOSO_AUTH_TOKEN="t")
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith(told)


def test_a_setting_is_called_by_the_variable_that_set_it(tmp_path: Path) -> None:
    env = {"CONVOSO_AUTH_TOKEN": "t", "CONVOSO_BASE_URL": "http://example.org"}
    done = convoso(*TO_FILE, folder=tmp_path, **env)
    assert done.returncode == 2
    assert done.stderr == "CONVOSO_BASE_URL must be https; plain http goes only to this machine\n"
    checked_first = ("call", "campaigns.search")
    zoned = convoso(*checked_first, folder=tmp_path, CONVOSO_AUTH_TOKEN="t", CONVOSO_TIMEZONE="Mars")
    assert zoned.returncode == 2
    assert zoned.stderr.startswith("CONVOSO_TIMEZONE 'Mars' is not known here")


# -- at the keyboard --------------------------------------------------------------------------------


def test_on_a_terminal_the_token_is_asked_for_and_not_shown(sim: Simulator, tmp_path: Path) -> None:
    with Terminal(*TO_FILE, folder=tmp_path, CONVOSO_BASE_URL=sim.url) as terminal:
        terminal.until("Auth token")
        terminal.hit(f"{sim.token}\n")
        assert terminal.ended() == 0
    assert sim.token.encode() not in terminal.raw
    assert len((tmp_path / "leads.csv").read_text("utf-8").split()) == 1 + 5


@pytest.mark.parametrize("keys", ["\n", "\x04"])
def test_no_token_at_the_keyboard_is_none(sim: Simulator, tmp_path: Path, keys: str) -> None:
    with Terminal(*TO_FILE, columns=120, folder=tmp_path, CONVOSO_BASE_URL=sim.url) as terminal:
        terminal.until("Auth token")
        terminal.hit(keys)
        assert terminal.ended() == 2
    assert NO_TOKEN in terminal.text
    assert sim.requests == []


def test_ctrl_c_at_the_question_ends_at_once(sim: Simulator, tmp_path: Path) -> None:
    with Terminal(*TO_FILE, folder=tmp_path, CONVOSO_BASE_URL=sim.url) as terminal:
        terminal.until("Auth token")
        terminal.hit("\x03")
        assert terminal.ended() == 130
    assert terminal.text.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in terminal.text


def test_the_environment_is_enough(sim: Simulator, tmp_path: Path) -> None:
    done = convoso(*TO_FILE, "--quiet", folder=tmp_path, **pointed_at(sim))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
