"""What an account that changes costs a reader: our rule, and two simple ones, on a model.

    python benchmarks/changing_account.py [--runs 50]

Each run reads 2,000 rows, 50 a page, below an offset cap of 400, from an account in which calls are added and
removed anywhere between two requests. The rules:

    ours       pages overlap by one row; what shifted is followed, and nothing is read from its start again
    again      pages overlap by one row; a window in which anything shifted is read again, up to 20 times
    totals     a window whose total moved while it was read is read again, up to 20 times

`complete` counts runs that came to their end, `lost` those among them that had not delivered a row that was
there all the time, and said nothing.
"""

import argparse
import sys
from collections.abc import Generator
from pathlib import Path
from statistics import mean

import attrs

sys.path.insert(0, str(Path(__file__).parents[1]))  # the model account belongs to the tests

from convoso_async.errors import PagingError
from convoso_async.reading import Ask, Reading
from convoso_async.rows import Page
from tests.model_account import Account, Event, Life, read

ROWS, PAGE, CAP, SECONDS = 2_000, 50, 400, 1_500
TRIES = 20


class Again(Reading[Event]):
    """Reads a window again from its start when a page does not begin with the last row of the one before."""

    def _stretch(self) -> Generator[Ask, Page[Event], bool]:
        for _ in range(TRIES):
            taken: list[Event] = []
            offset = 0
            while True:
                page = yield from self._get(Ask(self.start, self.end, offset, self.limit))
                rows = page.rows
                if self._shifted(page, taken):
                    break
                taken += rows[1:] if taken else rows
                offset += len(rows) - 1
                if len(rows) < 2 or offset > self.cap:
                    self._deliver(taken, self._known.joint(taken, begins=True) or 0)
                    return len(rows) < 2
        raise self._incomplete("the window changed with every try")

    def _shifted(self, page: Page[Event], taken: list[Event]) -> bool:
        return bool(taken) and (not page.rows or self._known.key(page.rows[0]) != self._known.key(taken[-1]))


class Totals(Again):
    """Reads a window again when its total moved."""

    def _shifted(self, page: Page[Event], taken: list[Event]) -> bool:
        before, self.total = self.total, page.total
        return bool(taken) and before != page.total


@attrs.define
class Result:
    """What the runs of one rule came to."""

    requests: list[int] = attrs.field(factory=list)
    complete: int = 0
    lost: int = 0


def run(rule: type[Reading[Event]], busy: float, runs: int) -> Result:
    """Reads so many changing accounts."""
    result = Result()
    for seed in range(runs):
        account = Account(rows={key: (key * 7919 + seed) % SECONDS for key in range(1, ROWS + 1)}, cap=CAP)
        life = Life(account, seed, busy, latest=SECONDS)
        try:
            delivered, _ = read(account, limit=PAGE, end=SECONDS, between=life, kind=rule)
        except PagingError:
            pass
        else:
            result.complete += 1
            result.lost += not life.survivors <= set(delivered)
        result.requests.append(len(account.asks))
    return result


def main(runs: int) -> None:
    """Prints a line for each rule and pace of change."""
    print(
        f"{'changes a request':>17}  {'rule':8} {'requests':>8} {'complete':>8} {'lost':>5}   of {runs} runs"
    )
    for busy in (0.0, 0.02, 0.1, 0.3, 0.5, 0.8):
        for name, rule in (("ours", Reading), ("again", Again), ("totals", Totals)):
            result = run(rule, busy, runs)
            pace = busy / (1 - busy)  # so many changes come before one does not
            print(f"{pace:17.2f}  {name:8} {mean(result.requests):8.1f} {result.complete:8} {result.lost:5}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=50)
    main(parser.parse_args().runs)
