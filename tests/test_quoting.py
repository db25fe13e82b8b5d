"""What goes into the form comes out of it, whoever quotes."""

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from urllib.parse import parse_qsl, quote_plus

import pytest
from hypothesis import example, given, strategies as st

from convoso_async.auth_token import Token
from convoso_async.form import UNQUOTED, encodable, encode, quoter

TOKEN = Token("a-token")
texts = st.text() | st.text(st.sampled_from("ab &=+;%#?/:@!$'()*,~.-_\\\"<>\x00\n\r\t\x7fé\u2028😀"))
names = st.text(min_size=1)


@given(texts)
@example("a b&c=d;e+f%41%zz")
@example("")
def test_it_is_what_the_standard_library_writes(text: str) -> None:
    assert quote_plus(text, UNQUOTED) == quoter()(text)


def test_it_is_done_by_compiled_code() -> None:
    assert type(quoter()).__module__ == "yarl._quoting_c"


def other_quoter(monkeypatch: pytest.MonkeyPatch, module: object) -> Callable[[str], str]:
    """The quoter that is taken when yarl is another one."""
    monkeypatch.setitem(sys.modules, "yarl._quoting_c", module)  # type: ignore[arg-type]
    return quoter.__wrapped__()


class Changed:
    """A quoter that does not know what it is asked for."""

    def __init__(self, **options: bool) -> None:
        assert options == {"qs": True, "requote": False}

    def __call__(self, text: str) -> str:
        return text


@pytest.mark.parametrize("module", [None, SimpleNamespace(), SimpleNamespace(_Quoter=Changed)])
def test_without_it_the_standard_library_does_it(monkeypatch: pytest.MonkeyPatch, module: object) -> None:
    plain = other_quoter(monkeypatch, module)
    assert plain("a b&c=é!") == "a+b%26c%3D%C3%A9!"


@given(st.lists(st.tuples(names, texts)))
def test_and_can_be_read_back(pairs: list[tuple[str, str]]) -> None:
    body = encode(pairs, TOKEN)
    read = parse_qsl(body.data.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert [("auth_token", "a-token"), *pairs] == read


anything = st.text(st.characters(exclude_categories=()), max_size=6)  # halves of surrogate pairs among them


@given(anything, anything)
@example("a", "\ud83d")
@example("\ude00", "a")
@example("\ud83d", "\ude00")
def test_what_no_encoding_can_write_is_refused_and_nothing_else(name: str, text: str) -> None:
    whole = not any("\ud800" <= character <= "\udfff" for character in name + text)
    assert whole is encodable(name + text)
    if whole:
        assert encode([(name, text)], TOKEN).data.startswith(b"auth_token=a-token&")
    else:
        with pytest.raises(ValueError, match="half of a surrogate pair"):
            encode([(name, text)], TOKEN)


@given(texts)
def test_the_token_is_quoted_too(secret: str) -> None:
    data = encode([("a", "b")], Token(f"t{secret}")).data.decode("ascii")
    assert [("auth_token", f"t{secret}"), ("a", "b")] == parse_qsl(data, strict_parsing=True)


def test_nothing_is_imported_for_it_before_the_first_call() -> None:
    program = (
        "import sys; from convoso_async.auth_token import Token; from convoso_async.form import encode;"
        "early = 'yarl' in sys.modules;"
        "encode([('a', 'b')], Token('t')); sys.exit(early or 'yarl' not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
