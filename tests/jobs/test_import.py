"""Leads from files as people have them, into an account, each once."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from datetime import date
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from convoso_async import AsyncConvoso, DuplicateError, jobs
from convoso_async.endpoint import Endpoint
from convoso_async.form import parameters_of
from convoso_async.jobs import BadFileError, BadRowError, JournalError, engine, importing
from convoso_async.resources.leads import INSERT
from convoso_async.simulator import Simulator

PHONES = [f"2125550{number:03}" for number in range(100, 200)]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FIRST_RATE", 1_000.0)


@pytest.fixture
def sim(convoso_simulator: Simulator) -> Simulator:
    return convoso_simulator


@pytest.fixture
def list_id(sim: Simulator) -> str:
    return sim.account.ids("lists")[0]


@pytest.fixture
async def client(sim: Simulator) -> AsyncIterator[AsyncConvoso]:
    async with AsyncConvoso(sim.token, base_url=sim.url) as client:
        yield client


def sent(sim: Simulator) -> list[dict[str, str]]:
    """What arrived, without the list."""
    calls = sorted(sim.calls("leads.insert"), key=lambda call: call.params["phone_number"])
    return [{name: value for name, value in call.params.items() if name != "list_id"} for call in calls]


def problems(report: jobs.JobReport) -> list[str]:
    assert all(isinstance(item.error, BadRowError) for item in report)
    return [str(item.error) for item in report]


# -- what a file may look like ----------------------------------------------------------------------

PLAIN = [
    {"phone_number": "2125550101", "first_name": "Ann, Jr.", "city": "Zürich"},
    {"phone_number": "2125550102", "first_name": 'the "Bob"', "city": "São Paulo"},
    {"phone_number": "2125550103", "first_name": "two\nlines"},
]
BACKSLASHES = (
    'phone_number,first_name,city\n2125550101,"Ann, Jr.",Zürich\n2125550102,"the \\"Bob\\"",São Paulo\n'
)
FILES = {
    "commas": (
        'phone_number,first_name,city\n2125550101,"Ann, Jr.",Zürich\n'
        '2125550102,"the ""Bob""",São Paulo\n2125550103,"two\nlines",\n'
    ),
    "semicolons": (
        "phone_number;first_name;city\r\n2125550101;Ann, Jr.;Zürich\r\n"
        '2125550102;"the ""Bob""";São Paulo\r\n2125550103;"two\nlines";\r\n'
    ),
    "tabs": (
        "phone_number\tfirst_name\tcity\n2125550101\tAnn, Jr.\tZürich\n"
        '2125550102\tthe "Bob"\tSão Paulo\n2125550103\t"two\nlines"\t\n'
    ),
    "bars": (
        '"phone_number"|"first_name"|"city"\n"2125550101"|"Ann, Jr."|"Zürich"\n'
        '"2125550102"|"the ""Bob"""|"São Paulo"\n"2125550103"|"two\nlines"|""'
    ),
    "single quotes": (
        "'phone_number','first_name','city'\n'2125550101','Ann, Jr.','Zürich'\n"
        "'2125550102','the \"Bob\"','São Paulo'\n'2125550103','two\nlines',''\n"
    ),
    "backslashes": BACKSLASHES + '2125550103,"two\nlines",\n',
    "blanks": (
        ' phone_number , first_name , city \n\n2125550101 , "Ann, Jr.", Zürich\n ,, \n'
        '2125550102, "the ""Bob""", São Paulo \n\n2125550103, "two\nlines", \n\n'
    ),
    "marked": (
        "sep=;\nphone_number;first_name;city\n2125550101;Ann, Jr.;Zürich\n"
        '2125550102;"the ""Bob""";São Paulo\n2125550103;"two\nlines";\n'
    ),
    "capitals": (
        'Phone Number,FIRST-NAME,City\n2125550101,"Ann, Jr.",Zürich\n'
        '2125550102,"the ""Bob""",São Paulo\n2125550103,"two\nlines",\n'
    ),
    "wider rows": (
        'phone_number,first_name,city\n2125550101,"Ann, Jr.",Zürich,,\n'
        '2125550102,"the ""Bob""",São Paulo,\n2125550103,"two\nlines",\n'
    ),
    "unnamed columns": (
        ',phone_number,first_name,city,\n,2125550101,"Ann, Jr.",Zürich,\n'
        ',2125550102,"the ""Bob""",São Paulo,\n,2125550103,"two\nlines",,\n'
    ),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("encoding", [None, "utf-8-sig", "utf-16", "cp1252"])
async def test_a_file_in_any_dialect(
    name: str, encoding: str | None, client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(FILES[name].encode(encoding or "utf-8"))
    declared = {} if encoding in (None, "utf-8-sig") else {"encoding": encoding}
    report = await jobs.import_leads(client, path, list_id=list_id, **declared)  # type: ignore[arg-type]
    assert (report.done, report.ok, problems(report)) == (3, True, [])
    assert sent(sim) == PLAIN


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
async def test_a_byte_order_mark_is_taken_off_also_where_the_encoding_does_not_ask_for_one(
    ending: str, encoding: str, client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    path = (tmp_path / "leads").with_suffix(ending)
    text = '{"phone_number": "2125550101"}\n' if ending == ".jsonl" else "phone_number\n2125550101\n"
    path.write_bytes(f"\ufeff{text}".encode(encoding))
    report = await jobs.import_leads(client, path, list_id=list_id, encoding=encoding)
    assert (report.ok, sent(sim)) == (True, [{"phone_number": "2125550101"}])


async def test_the_lines_are_those_of_the_file(client: AsyncConvoso, list_id: str, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text('sep=;\nphone_number;notes\n\n1;x\n2125550101;"a\nb\nc"\n2;y\n')
    report = await jobs.import_leads(client, path, list_id=list_id)
    assert [(item.line, item.position) for item in report] == [(4, 0), (8, 2)]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8).map(str.strip)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([0, 1]),
)
def test_what_was_written_is_read(
    tmp_path: Path, rows: list[tuple[str, str]], delimiter: str, quoting: Any
) -> None:
    import csv

    path = tmp_path / "leads.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
        writer.writerow(["phone_number", "city", "notes"])
        writer.writerows(("2125550101", *row) for row in rows)
    columns = importing.Columns({})
    with importing.RowFile(path, "utf-8-sig", columns) as file_of_rows:
        read = [row.values for row in file_of_rows._read()]
    assert [(row["city"], row["notes"]) for row in read] == rows


# -- files that cannot be imported ------------------------------------------------------------------

HEADER = b"phone_number,first_name\n"
GOOD = b"2125550101,Ann\n"
BAD_FILES = {
    "empty": (b"", "{} is empty"),
    "blank": (b"\n \n\n", "{} is empty"),
    "no phones": (b"first_name,city\nAnn,Reno\n", "{}: no column is phone_number; name it in columns="),
    "unknown column": (
        b"phone_number,job group\n",
        "{}: column 'job group': 'job_group' is no parameter of leads.insert; name it in columns=, or leave"
        " it out with None",
    ),
    "misspelt column": (
        b"phone_number,frist name\n",
        "{}: column 'frist name': 'frist_name' is no parameter of leads.insert; did you mean 'first_name'?"
        " name it in columns=, or leave it out with None",
    ),
    "two of one name": (b"phone_number,city,city\n", "{}: more than one column is named 'city'"),
    "two of one meaning": (
        b"phone_number,city,City\n",
        "{}: columns 'city' and 'City' are both city",
    ),
    "a list of its own": (
        b"phone_number,list_id\n",
        "{}: column 'list_id': list_id is the same for all leads of an import; leave it out with None",
    ),
    "not UTF-8": (
        HEADER + GOOD * 3000 + b"2125550102,Ren\xe9e\n",
        "{}, line 3002: byte 0xE9 is not in UTF-8; give encoding=, such as 'cp1252'",
    ),
    "UTF-16": (
        "phone_number\n2125550101\n".encode("utf-16"),
        "{} is not in UTF-8: it begins like UTF-16; give encoding='utf-16'",
    ),
    "open quote": (
        HEADER + GOOD + b'2125550102,"Bob\n' + GOOD * 3,
        "{}, line 3: a quote that opens here is never closed",
    ),
    "stray quote": (
        HEADER + GOOD + b'2125550102,"Bob" jr\n' + GOOD,
        "{}, line 3: something stands between a closing quote and the end of its cell: a blank, or a quote"
        " before it that is not doubled",
    ),
    "swallowed": (
        HEADER + b'2125550102,"Bob\n' + GOOD * 20_000,
        "{}, line 2: a cell is longer than 131,072 characters: is a quote not closed?",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
async def test_a_bad_file_gets_one_line_and_leaves_nothing(
    name: str, client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    content, told = BAD_FILES[name]
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    with pytest.raises(BadFileError) as caught:
        await jobs.import_leads(client, path, list_id=list_id, journal=tmp_path / "journal")
    assert str(caught.value) == told.format(path)
    assert (sim.requests, os.listdir(tmp_path)) == ([], ["leads.csv"])  # noqa: PTH208


async def test_a_path_that_is_no_file(client: AsyncConvoso, list_id: str, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path, told in (
        (tmp_path, "{} is a directory"),
        (tmp_path / "none.csv", "{}: No such file or directory"),
        (tmp_path / "none.jsonl", "{}: No such file or directory"),
        (fifo, "{} is no regular file, and it has to be read twice"),
    ):
        with pytest.raises(BadFileError) as caught:
            await jobs.import_leads(client, path, list_id=list_id)
        assert str(caught.value) == told.format(path)
    (tmp_path / "leads.csv").touch()
    with pytest.raises(BadFileError, match="there is no encoding 'utf-9'"):
        await jobs.import_leads(client, tmp_path / "leads.csv", list_id=list_id, encoding="utf-9")


def test_a_permission_denied_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "leads.csv"
    path.touch()

    def denied(*args: object, **keywords: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(BadFileError) as caught:
        importing.RowFile(path, "utf-8", importing.Columns({}))
    assert str(caught.value) == f"{path}: Permission denied"


async def test_a_file_that_changes_under_the_import(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(HEADER + GOOD)
    survey = importing.survey

    async def then_change(*args: Any, **keywords: Any) -> Any:
        found = await survey(*args, **keywords)
        with path.open("ab") as file:
            file.write(GOOD)
        return found

    monkeypatch.setattr(importing, "survey", then_change)
    with pytest.raises(BadFileError, match="was changed while it was read"):
        await jobs.import_leads(client, path, list_id=list_id)
    assert sim.requests == []


# -- columns and options ----------------------------------------------------------------------------


async def test_columns_become_parameters_and_custom_fields(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("Telephone,Group,city,Internal,fields.statuz\n2125550101,g7,Reno,x,gold\n")
    report = await jobs.import_leads(
        client,
        path,
        list_id=list_id,
        columns={"Telephone": "phone_number", "Group": "job_group", "Internal": None},
        status="NEW",
        city="Nowhere",
        fields={"source_file": "march"},
    )
    assert report.ok
    assert sent(sim) == [
        {
            "phone_number": "2125550101",
            "status": "NEW",
            "city": "Reno",
            "source_file": "march",
            "job_group": "g7",
            "statuz": "gold",
        }
    ]


async def test_a_column_that_the_file_lacks(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("Telephone,city\n2125550101,Reno\n")
    with pytest.raises(BadFileError) as caught:
        await jobs.import_leads(
            client, path, list_id=list_id, columns={"Phone": "phone_number", "Mail": "email"}
        )
    assert str(caught.value) == (
        f"{path}: there is no column 'Phone'; there is no column 'Mail'; column 'Telephone': 'telephone' is"
        " no parameter of leads.insert; name it in columns=, or leave it out with None"
    )


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (
            {"A": "frist_name"},
            "columns: 'A': .* did you mean 'first_name'.* a custom field is 'fields.frist_name'",
        ),
        ({"A": "list_id"}, "columns: 'A': list_id is the same for all leads"),
        ({"A": "auth_token"}, "columns: 'A': 'auth_token' has a parameter of its own"),
        ({"A": "fields.city"}, "columns: 'A': 'city' has a parameter of its own"),
        ({"A": "a\nb"}, "columns: 'A': the name of a field must not be empty or hold NUL"),
    ],
)
async def test_columns_that_cannot_be(
    client: AsyncConvoso, sim: Simulator, columns: dict[str, str], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        await jobs.import_leads(client, [{"A": "x"}], list_id=1, columns=columns)
    assert sim.requests == []


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"chek_dup": 1}, TypeError, "did you mean 'check_dup'"),
        ({"check_dup": 7}, ValueError, "check_dup must be 0 to 4"),
        ({"hopper": "yes"}, TypeError, "hopper must be a bool"),
        ({"phone_number": "2125550101"}, TypeError, "phone_number comes from the rows"),
        ({"phone_code": "999"}, ValueError, "phone_code is no country's code"),
        ({"fields": {"city": "x"}}, ValueError, "fields must not hold 'city'"),
    ],
)
async def test_options_are_checked_before_anything_is_read(
    client: AsyncConvoso, sim: Simulator, options: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        await jobs.import_leads(client, "/there/is/no/such/file.csv", list_id=1, **options)
    assert sim.requests == []


def one_option(name: str) -> Iterator[Any]:
    """A value that the parameter takes."""
    for value in (True, 1, "2125550101", "7", date(2026, 3, 1), "ASC", "MOBILE"):
        try:
            INSERT_FORM[name].rule.text(name, value, None)  # type: ignore[arg-type]  # no stamp among them
        except (TypeError, ValueError):
            continue
        yield value


INSERT_FORM = parameters_of(INSERT.params)
OPTIONS = [name for name in INSERT_FORM if name not in ("list_id", "phone_number", "phone_code", "lead_id")]


@pytest.mark.parametrize("name", OPTIONS)
async def test_every_option_of_the_call_passes_through(
    name: str, client: AsyncConvoso, sim: Simulator, list_id: str
) -> None:
    assert isinstance(INSERT, Endpoint)
    value = next(one_option(name))
    await jobs.import_leads(client, [{"phone_number": "2125550101"}], list_id=list_id, **{name: value})
    assert set(sent(sim)[0]) == {"phone_number", name}


# -- rows -------------------------------------------------------------------------------------------


async def test_text_becomes_what_its_parameter_takes(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(
        "phone_number,hopper,hopper_priority,monthly_revenue,date_of_birth,update_order_by_last_called_time,"
        "alt_phone_1,alt_phone_2,city\n"
        "(212) 555-0101,Yes,99,1234.50,1990-02-03,asc,212 555 0190,n/a,Reno\n"
        "212.555.0102,0,7.0,.5,1990-02-03 00:00:00,DESC,,,\n"
    )
    report = await jobs.import_leads(client, path, list_id=list_id)
    assert problems(report) == []
    assert sent(sim) == [
        {
            "phone_number": "2125550101",
            "hopper": "true",
            "hopper_priority": "99",
            "monthly_revenue": "1234.50",
            "date_of_birth": "1990-02-03",
            "update_order_by_last_called_time": "ASC",
            "alt_phone_1": "2125550190",
            "alt_phone_2": "n/a",
            "city": "Reno",
        },
        {
            "phone_number": "2125550102",
            "hopper": "false",
            "hopper_priority": "7",
            "monthly_revenue": "0.5",
            "date_of_birth": "1990-02-03",
            "update_order_by_last_called_time": "DESC",
        },
    ]


async def test_all_problems_of_a_row_are_told_at_once_and_the_others_are_sent(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(
        "Phone,hopper,hopper_priority,monthly_revenue,date_of_birth\n"
        "=cmd(),maybe,100,much,03/01/1990\n"
        "2125550101,,,,\n"
        ",yes,,,\n"
        "2125550102,yes\n"
        "2125550103,,x,,,,more\n"
    )
    report = await jobs.import_leads(client, path, list_id=list_id, columns={"Phone": "phone_number"})
    assert (report.total, report.done, report.failed) == (5, 1, 4)
    assert problems(report) == [
        "line 2: hopper must be yes or no, true or false, 1 or 0; hopper_priority must be 0 to 99, not 100;"
        " monthly_revenue must be a number, such as 1234.50; date_of_birth must be a date, YYYY-MM-DD;"
        " Phone: it is no phone number",
        "line 4: it has no phone number",
        "line 5: it has 2 cells, and the header has 5",
        "line 6: it has 7 cells, and the header has 5; hopper_priority must be a whole number",
    ]
    (first, *_) = report
    assert isinstance(first.error, BadRowError)
    assert [problem.column for problem in first.error.problems] == [
        "hopper",
        "hopper_priority",
        "monthly_revenue",
        "date_of_birth",
        "Phone",
    ]
    assert (first.error.line, first.error.outcome) == (2, "not_sent")
    assert sent(sim) == [{"phone_number": "2125550101"}]


async def test_the_problems_of_a_row_are_in_the_journal_too(
    client: AsyncConvoso, list_id: str, tmp_path: Path
) -> None:
    path, journal = tmp_path / "leads.csv", tmp_path / "journal"
    path.write_text("phone_number,hopper\n2125550101,\n=cmd(),maybe\n")
    first, again = [await jobs.import_leads(client, path, list_id=list_id, journal=journal) for _ in range(2)]
    assert (again.failed, again.earlier) == (1, 2)
    assert problems(first) == problems(again) != []
    assert [item.line for item in again] == [3]


async def test_a_cell_under_no_name_is_a_problem(client: AsyncConvoso, list_id: str, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("phone_number,\n2125550101,x\n")
    assert problems(await jobs.import_leads(client, path, list_id=list_id)) == [
        "line 2: cell 2 stands under no name"
    ]


@pytest.mark.parametrize(
    ("row", "options", "arrives"),
    [
        ({"phone_number": 2125550101}, {}, {"phone_number": "2125550101"}),
        ({"phone_number": 2125550101.0}, {}, {"phone_number": "2125550101"}),
        (
            {"phone_number": "+44 20 7946 0958"},
            {},
            {"phone_number": "2079460958", "phone_code": "44"},
        ),
        (
            {"phone_number": "020 7946 0958", "phone_code": "44"},
            {"phone_code": "1"},
            {"phone_number": "2079460958", "phone_code": "44"},
        ),
        (
            {"phone_number": "+1 212 555 0101"},
            {"phone_code": "1"},
            {"phone_number": "2125550101", "phone_code": "1"},
        ),
        (
            {"phone_number": "2125550101", "fields": {"tier": 3, "vip": True}, "city": None, "email": " "},
            {},
            {"phone_number": "2125550101", "tier": "3", "vip": "true"},
        ),
        (
            {"phone_number": "2125550101", "date_of_birth": date(1990, 2, 3), "hopper": True},
            {},
            {"phone_number": "2125550101", "date_of_birth": "1990-02-03", "hopper": "true"},
        ),
    ],
)
async def test_mappings_are_rows_too(
    client: AsyncConvoso,
    sim: Simulator,
    list_id: str,
    row: dict[str, object],
    options: dict[str, Any],
    arrives: dict[str, str],
) -> None:
    report = await jobs.import_leads(client, [row], list_id=list_id, **options)
    assert problems(report) == []
    assert sent(sim) == [arrives]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"city": "Reno"}, "it has no phone number"),
        ({"phone_number": ["2125550101"]}, "phone_number must be a str, not list"),
        ({"phone_number": nan}, "it has no phone number"),
        ({"phone_number": inf}, "phone_number: it is no phone number"),
        ({"phone_number": -2125550101}, "phone_number: it is no phone number"),
        ({"phone_number": True}, "phone_number: it is no phone number"),
        (
            {"phone_number": "2125550101", 1: "x"},
            "1: '1' is no parameter of leads.insert; name it in columns=, or leave it out with None",
        ),
        ({"phone_number": "2125550101", "postal_code": 89501}, "postal_code must be a str, not int"),
        (
            {"phone_number": "2125550101", "first name": "Ann", "first_name": "Ann"},
            "first_name: 'first name' is first_name too",
        ),
        (
            {"phone_number": "2125550101", "job_group": "x"},
            "job_group: 'job_group' is no parameter of leads.insert; name it in columns=, or leave it out"
            " with None",
        ),
        (
            {"phone_number": "2125550101", "phone_code": "zz"},
            "phone_code is no country's code, such as 1 or 44",
        ),
        (
            {"phone_number": "2125550101", "fields": {"city": "x"}},
            "fields.city: 'city' has a parameter of its own",
        ),
    ],
)
async def test_a_mapping_that_is_no_lead(
    client: AsyncConvoso, sim: Simulator, list_id: str, row: dict[str, object], told: str
) -> None:
    assert problems(await jobs.import_leads(client, [row], list_id=list_id)) == [told]
    assert sim.requests == []


@pytest.mark.parametrize("rows", [5, None, b"2125550101", {"phone_number": "2125550101"}])
async def test_what_holds_no_rows_is_refused(client: AsyncConvoso, rows: Any) -> None:
    with pytest.raises(TypeError, match=f"rows must be mappings, .* not {type(rows).__name__}"):
        await jobs.import_leads(client, rows, list_id=1)


async def test_a_hole_in_a_table_is_an_empty_cell(client: AsyncConvoso, sim: Simulator, list_id: str) -> None:
    row = {"phone_number": 2125550101.0, "city": nan, "date_of_birth": nan, "fields": {"job_group": nan}}
    report = await jobs.import_leads(client, [row], list_id=list_id)
    assert (report.ok, sent(sim)) == (True, [{"phone_number": "2125550101"}])


class NAType:
    """As pandas' own, which can neither be compared nor be asked whether it is true."""

    def __eq__(self, other: object) -> Any:
        return self

    __ne__ = __eq__
    __hash__ = None  # type: ignore[assignment]  # as theirs

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


class Int64:
    """As numpy's own: a whole number that is no int."""

    def __index__(self) -> int:
        return 2125550101


async def test_numbers_of_a_table_are_digits(client: AsyncConvoso, sim: Simulator, list_id: str) -> None:
    row = {"phone_number": 2079460958.0, "phone_code": 44.0, "alt_phone_1": 2079460959}
    report = await jobs.import_leads(client, [row], list_id=list_id)
    arrives = {"phone_number": "2079460958", "phone_code": "44", "alt_phone_1": "2079460959"}
    assert (problems(report), sent(sim)) == ([], [arrives])


async def test_a_row_of_a_data_frame(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    row = {"phone_number": Int64(), "city": NAType(), "date_of_birth": type("NaTType", (), {})()}
    report = await jobs.import_leads(client, [row], list_id=list_id, journal=tmp_path / "journal")
    assert (problems(report), sent(sim)) == ([], [{"phone_number": "2125550101"}])
    assert (await jobs.sync_dnc(client, [row], journal=tmp_path / "dnc.journal")).ok


async def test_rows_are_mappings(client: AsyncConvoso) -> None:
    with pytest.raises(TypeError, match="rows must be mappings, or the path of a file, not list"):
        await jobs.import_leads(client, [["2125550101"]], list_id=1)  # type: ignore[list-item]


async def test_rows_may_come_from_an_async_iterable(
    client: AsyncConvoso, sim: Simulator, list_id: str
) -> None:
    async def rows() -> AsyncIterator[dict[str, str]]:
        for phone in PHONES[:5]:
            await asyncio.sleep(0)
            yield {"phone_number": phone}

    assert (await jobs.import_leads(client, rows(), list_id=list_id)).done == 5


async def test_the_same_phone_is_never_under_way_twice_and_keeps_its_order(
    client: AsyncConvoso, sim: Simulator, list_id: str
) -> None:
    under_way: set[str] = set()
    sim.latency = 0.005
    order: list[tuple[str, str]] = []
    insert = client.leads.insert

    async def watched(**lead: Any) -> Any:
        phone = lead["phone_number"]
        assert phone not in under_way
        under_way.add(phone)
        try:
            return await insert(**lead)
        finally:
            under_way.discard(phone)
            order.append((phone, lead["notes"]))

    written = ["2125550101", "(212) 555-0101", "+1 212 555 0101", "2125550102", "212.555.0101"]
    rows = [{"phone_number": phone, "notes": str(place)} for place, phone in enumerate(written * 3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(client.leads), "insert", lambda self, **lead: watched(**lead))
        report = await jobs.import_leads(client, rows, list_id=list_id)
    assert report.ok
    for phone in ("2125550101", "2125550102"):
        notes = [int(note) for number, note in order if number == phone]
        assert notes == sorted(notes)


# -- the account ------------------------------------------------------------------------------------


async def test_what_the_service_refuses_is_listed_with_its_row(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("phone_number,first_name\n2125550101,Ann\n2125550101,Bob\n2125550102,Cid\n")
    report = await jobs.import_leads(client, path, list_id=list_id, check_dup=1)
    (item,) = report
    assert (report.done, report.failed) == (2, 1)
    assert (item.line, item.row) == (3, {"phone_number": "2125550101", "first_name": "Bob"})
    assert isinstance(item.error, DuplicateError)


async def test_an_unknown_list_stops_the_import(client: AsyncConvoso, sim: Simulator) -> None:
    rows = [{"phone_number": phone} for phone in PHONES]
    report = await jobs.import_leads(client, rows, list_id="9999999", concurrency=2)
    assert (report.done, report.failed) == (0, 0)
    assert report.stopped is not None
    assert "no list with that id" in report.stopped
    assert len(sim.requests) <= 2


async def test_a_lost_reply_is_unknown_and_nothing_is_sent_twice(
    client: AsyncConvoso, sim: Simulator, list_id: str
) -> None:
    sim.fail("leads.insert", drop="after", times=3, skip=5)
    sim.fail("leads.insert", status=429, times=3, skip=2)
    rows = [{"phone_number": phone} for phone in PHONES[:30]]
    report = await jobs.import_leads(client, rows, list_id=list_id)
    assert (report.done, report.unknown, report.failed) == (27, 3, 0)
    held = [sim.account.lead(lead)["phone_number"] for lead in sim.account.lead_ids()]
    assert all(held.count(phone) == 1 for phone in PHONES[:30])


async def test_a_dry_run_checks_and_sends_nothing(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("phone_number\n2125550101\nx\n2125550102\n")
    told: list[jobs.Progress] = []
    for rows in (
        path,
        [{"phone_number": "2125550101"}, {"phone_number": "x"}, {"phone_number": "2125550102"}],
    ):
        report = await jobs.import_leads(
            client, rows, list_id=list_id, dry_run=True, journal=tmp_path / "j", progress=told.append
        )
        assert (report.total, report.skipped, report.failed, report.ok) == (3, 2, 1, False)
        assert [item.position for item in report] == [1]
    assert (told[-1].ended, told[-1].finished) == (3, True)
    assert (sim.requests, (tmp_path / "j").exists()) == ([], False)


# -- the journal of an import -----------------------------------------------------------------------


async def test_a_changed_file_is_refused_before_anything_is_sent(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    path, journal = tmp_path / "leads.csv", tmp_path / "journal"
    lines = ["phone_number", *PHONES[:6]]

    async def import_lines(*changed: str, **options: Any) -> jobs.JobReport:
        path.write_text("\n".join(changed) + "\n")
        options = {"list_id": list_id, "check_dup": 0, **options}
        return await jobs.import_leads(client, path, journal=journal, **options)

    assert (await import_lines(*lines)).done == 6
    requests = len(sim.requests)
    for changed, options, told in (
        ([*lines[:3], PHONES[50], *lines[4:]], {}, "the input has changed since: line 4 is not what it was"),
        ([*lines, PHONES[50]], {}, "the input has changed since: it had 6 rows, and now has 7 rows"),
        (lines[:-1], {}, "the input has changed since: it had 6 rows, and now has 5 rows"),
        (lines, {"list_id": "7"}, f'belongs to another job: list_id was "{list_id}" and is "7"'),
        (lines, {"check_dup": 1}, "belongs to another job: check_dup was 0 and is 1"),
        (lines, {"hopper": True}, "belongs to another job: hopper was not set and is true"),
        (
            lines,
            {"blueinkdigital_token": "planted-secret"},
            "belongs to another job: the blueinkdigital_token is another",
        ),
    ):
        with pytest.raises(JournalError) as caught:
            await import_lines(*changed, **options)  # type: ignore[arg-type]
        assert str(caught.value).endswith(told)
    assert len(sim.requests) == requests
    again = await import_lines(*lines)
    assert (again.done, again.earlier, len(sim.requests)) == (6, 6, requests)


async def test_the_same_rows_in_another_order_are_another_input(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    """Also where the journal has not come as far as the difference."""
    path, journal = tmp_path / "leads.csv", tmp_path / "journal"
    path.write_text("\n".join(["phone_number", *PHONES]))
    sim.token = "another"
    first = await jobs.import_leads(client, path, list_id=list_id, journal=journal, concurrency=1)
    assert (first.stopped is not None, first.done) == (True, 0)
    path.write_text("\n".join(["phone_number", *PHONES[:50], *reversed(PHONES[50:])]))
    with pytest.raises(JournalError, match="it had 100 rows, and now has others"):
        await jobs.import_leads(client, path, list_id=list_id, journal=journal)


async def test_dead_letters_go_in_again(
    client: AsyncConvoso, sim: Simulator, list_id: str, tmp_path: Path
) -> None:
    path, dead = tmp_path / "leads.csv", tmp_path / "dead.jsonl"
    path.write_text("Phone,hopper\n2125550101,maybe\n2125550102,yes\n")
    columns = {"Phone": "phone_number"}
    report = await jobs.import_leads(client, path, list_id=list_id, columns=columns)
    assert jobs.write_dead_letters(report, dead) == 1
    dead.write_text(dead.read_text().replace('"hopper":"maybe"', '"hopper":"no"'))
    again = await jobs.import_leads(client, dead, list_id=list_id, columns=columns)
    assert (again.total, again.ok) == (1, True)
    assert sent(sim) == [
        {"phone_number": "2125550101", "hopper": "false"},
        {"phone_number": "2125550102", "hopper": "true"},
    ]


async def test_lines_that_are_no_json(client: AsyncConvoso, list_id: str, tmp_path: Path) -> None:
    path = tmp_path / "leads.jsonl"
    for text in ("{", "[1]", '{"row": 3}', '{"position": 0, "row": 3}'):
        path.write_text(f"{json.dumps({'phone_number': '2125550101'})}\n\n{text}\n")
        with pytest.raises(BadFileError) as caught:
            await jobs.import_leads(client, path, list_id=list_id)
        assert str(caught.value) == f"{path}, line 3: it is no JSON object"


async def test_a_column_of_lines_may_be_called_row(
    client: AsyncConvoso, list_id: str, sim: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "leads.jsonl"
    path.write_text('{"row": 17, "phone_number": "2125550101"}\n')
    report = await jobs.import_leads(client, path, list_id=list_id, columns={"row": None})
    assert (report.ok, sent(sim)[0]["phone_number"]) == (True, "2125550101")
