"""Phone numbers as the service keeps them: digits, with the country's code beside them."""

import re

import attrs

try:
    import phonenumbers
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "phone numbers need the extra jobs: pip install 'convoso[jobs]'", name=missing.name
    ) from None

PLAIN = re.compile(r"[2-9][0-9]{9}")
"""A number of code 1 as most are written, which any more thought would take twenty times as long to tell."""
LETTERS = re.compile(r"[^\W\d_]")
LOCAL = 7
"""Digits of a number without its area code."""
EXTENSION = re.compile(r"[\s,;]*(?:ext?\.?|extension|x|#)[\s.:]*\d{1,7}\s*$", re.IGNORECASE)


@attrs.frozen
class Phone:
    """A number: the code of its country, and its digits within the country."""

    code: str
    digits: str


def phone_of(text: str, code: str | None = None) -> Phone:
    """The number in a text as people write it. Raises ValueError with what is wrong.

    `code` is the country's, such as `1`; without one, a number that does not begin with `+` is read as one of
    code 1. The number must be possible: long enough, and not too long. Whether it is given out to anybody is
    not asked, since `5551234567` must pass too. An extension is left out: a dialer cannot dial it.
    """
    digits = text.strip()
    if code in (None, "1") and PLAIN.fullmatch(digits):
        return Phone("1", digits)
    if re.fullmatch(r"\d+\.0+", digits):  # a spreadsheet that took it for a number
        digits = digits.partition(".")[0]
    if re.fullmatch(r"\d[.,]?\d*E\+?\d+", digits, re.IGNORECASE):
        raise ValueError("a spreadsheet has rounded it; write the column as text there")
    bare = EXTENSION.sub("", digits)
    if LETTERS.search(bare) or "=" in bare or not any(sign.isdigit() for sign in bare):
        raise ValueError("it is no phone number")
    country = country_of(code)
    region = phonenumbers.region_code_for_country_code(country)
    if region == "001" and not bare.startswith("+"):  # a service without a country, such as 800
        bare = f"+{country}{bare}"
    try:
        number = phonenumbers.parse(bare, region)
    except phonenumbers.NumberParseException:
        raise ValueError("it is no phone number") from None
    if len(number.extension or "") >= LOCAL:  # nothing but a comma or a semicolon says that it is one
        raise ValueError("it looks like two numbers; write one in each row")
    if number.country_code != country and code is not None:
        raise ValueError(f"it is a number of country code {number.country_code}, and phone_code is {country}")
    reason = phonenumbers.is_possible_number_with_reason(number)
    possible = phonenumbers.ValidationResult
    if reason == possible.IS_POSSIBLE_LOCAL_ONLY:
        raise ValueError("it lacks the area code")
    if reason != possible.IS_POSSIBLE:
        short = reason == possible.TOO_SHORT
        raise ValueError(f"it is too {'short' if short else 'long'} for a number of country code {country}")
    return Phone(str(number.country_code), phonenumbers.national_significant_number(number))


def plainly(phone: Phone) -> Phone:
    """A number that somebody wrote in a way of their own, as `phone_of` writes it; itself if it is none."""
    try:
        return phone_of(phone.digits, phone.code)
    except ValueError:
        return phone


def country_of(code: str | None) -> int:
    """A country's code as a number; 1 where there is none. Raises ValueError for one that no country has."""
    digits = "1" if code is None else code.strip().removeprefix("+").removesuffix(".0")
    known = digits.isascii() and digits.isdigit() and len(digits) < 4
    if not known or phonenumbers.region_code_for_country_code(int(digits)) == "ZZ":
        raise ValueError("phone_code is no country's code, such as 1 or 44")
    return int(digits)
