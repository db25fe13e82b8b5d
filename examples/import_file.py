"""Leads from a CSV file, each inserted once, however often the import is broken off and started again.

CONVOSO_AUTH_TOKEN=... python examples/import_file.py leads.csv 333

The file has the columns Phone and Name; name yours in `columns`, or leave them out there with None. It needs
the extra `cli`: phone numbers are checked, and there is a bar.

Ctrl-C lets the leads under way finish. What did not make it is in leads.csv.failed.jsonl, and can be
corrected there and imported in turn.
"""

import sys

from convoso_sync import Convoso, ConvosoError, jobs


def main(file: str, list_id: str) -> int | str:
    """An exit code, or what went wrong."""
    try:
        with Convoso() as client:
            report = jobs.import_leads(
                client,
                file,
                list_id=list_id,
                columns={"Phone": "phone_number", "Name": "first_name"},
                check_dup=1,
                journal=f"{file}.journal",
                progress=jobs.rich_bar("Leads"),  # nothing where the output is no terminal
            )
    except ConvosoError as error:
        return str(error)
    print(f"{report.done} of {report.total} leads, {report.failed} failed, {report.unknown} unknown")
    if report.stopped is not None:
        print(f"stopped: {report.stopped}; run it again to go on")
    for item in report:
        reason = str(item.error).removeprefix(f"line {item.line}: ")
        print(f"line {item.line}: {item.state}: {reason}")
    jobs.write_dead_letters(report, f"{file}.failed.jsonl")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 3 else __doc__)
