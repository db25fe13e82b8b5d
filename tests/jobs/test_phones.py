"""Phone numbers as people write them."""

import subprocess
import sys

import pytest
from hypothesis import given, strategies as st

from convoso_async.jobs.phones import Phone, country_of, phone_of


@pytest.mark.parametrize(
    ("text", "code", "phone"),
    [
        ("5551234567", None, Phone("1", "5551234567")),  # the documentation's own: possible, not valid
        ("(212) 555-0134", "1", Phone("1", "2125550134")),
        (" 1-212-555-0134 ", "+1", Phone("1", "2125550134")),
        ("+1 212.555.0134", None, Phone("1", "2125550134")),
        ("212\u00a0555\u20110134", None, Phone("1", "2125550134")),
        ("2125550134.0", "1", Phone("1", "2125550134")),
        ("'2125550134", "1", Phone("1", "2125550134")),
        ("212-555-0134 ext. 12", "1", Phone("1", "2125550134")),
        ("212-555-0134 x12", "1", Phone("1", "2125550134")),
        ("+44 20 7946 0958", None, Phone("44", "2079460958")),
        ("020 7946 0958", "44", Phone("44", "2079460958")),
        ("1234 5678", "800", Phone("800", "12345678")),
    ],
)
def test_a_possible_number_becomes_digits(text: str, code: str | None, phone: Phone) -> None:
    assert phone_of(text, code) == phone


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("=cmd()", None, "it is no phone number"),
        ("=2125550134", None, "it is no phone number"),
        ("n/a", None, "it is no phone number"),
        ("+", None, "it is no phone number"),
        ("2.12555E+09", None, "a spreadsheet has rounded it; write the column as text there"),
        ("2,12555e+9", None, "a spreadsheet has rounded it; write the column as text there"),
        ("1-800-FLOWERS", None, "it is no phone number"),
        ("555-0134", None, "it lacks the area code"),
        ("212555", None, "it is too short for a number of country code 1"),
        ("21255501345", None, "it is too long for a number of country code 1"),
        ("212-555-0134, 555-0135", None, "it is no phone number"),
        ("2125550134,5550135", None, "it looks like two numbers; write one in each row"),
        ("2125550134; 5550135", "1", "it looks like two numbers; write one in each row"),
        ("+44 20 7946 0958", "1", "it is a number of country code 44, and phone_code is 1"),
        ("2125550134", "999", "phone_code is no country's code, such as 1 or 44"),
        ("2125550134", "one", "phone_code is no country's code, such as 1 or 44"),
    ],
)
def test_what_cannot_be_dialled_is_refused_in_words(text: str, code: str | None, told: str) -> None:
    with pytest.raises(ValueError) as caught:
        phone_of(text, code)
    assert str(caught.value) == told


@given(st.from_regex(r"[2-9][0-9]{9}", fullmatch=True))
def test_a_plain_number_is_what_it_is_in_any_other_form(digits: str) -> None:
    assert phone_of(digits) == phone_of(digits, "1") == phone_of(f"+1 {digits}") == phone_of(digits, "+1")


@pytest.mark.parametrize(("code", "country"), [(None, 1), ("1", 1), ("+44", 44), (" 52 ", 52), ("1.0", 1)])
def test_a_country_is_its_code(code: str | None, country: int) -> None:
    assert country_of(code) == country


def test_a_missing_extra_is_named() -> None:
    program = "import sys; sys.modules['phonenumbers'] = None\nfrom convoso_async.jobs import import_leads"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: phone numbers need the extra jobs: pip install 'convoso[jobs]'"
    )
