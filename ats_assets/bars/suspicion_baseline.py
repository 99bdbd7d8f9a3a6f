"""When suspicious bars are a fault: more of them than this market usually has.

Each rule has its base rate, since each market has its own: illiquid symbols whose close stands still, small ones that nobody trades on a holiday of another country. A warning that
comes each third session is read by nobody. Of session D and a rule,

- `share[t] = found[t] / bars[t]` for each of the `BASELINE_SESSIONS` sessions before D, zero for one without bars or before history;
- `expected = bars[D] * (sum of the shares without the UNUSUAL highest) / (BASELINE_SESSIONS - UNUSUAL)`, which neither one bad delivery nor a few can raise;
- `limit = expected + 3 * sqrt(expected)`, three standard deviations of a Poisson count. What is never seen has the limit 0: one is too many.

Listings and delistings, halts and their ends (`NEWS`) are told and never a fault: a delivery that lacks many symbols fails `completeness`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.bars.suspicion_rules import RULES

NEWS = frozenset({"appeared", "vanished"})
BASELINE_SESSIONS = 63
UNUSUAL = 3


@dataclass(frozen=True, kw_only=True)
class RuleCount:
    """What a rule found at a session, against what it usually finds.

    Attributes
    ----------
    rule
        Its name.
    found
        Symbols.
    limit
        More than so many are a fault; None of news.
    """

    rule: str
    found: int
    limit: float | None

    @property
    def is_fault(self) -> bool:
        """Whether there are more than usual."""
        return self.limit is not None and self.found > self.limit


def rule_counts(
    found: pl.DataFrame, bars: Mapping[date, int], days: Sequence[date], sessions: Sequence[date]
) -> dict[date, list[RuleCount]]:
    """What each rule found at each session; rules that found nothing are left out.

    Parameters
    ----------
    found
        Rows of `suspicions` of all `days`.
    bars
        Session -> number of its bars; a session that is not there has none.
    days
        Ascending: `BASELINE_SESSIONS` before the first of `sessions`, fewer at the start of history, to the last of them.
    sessions
        Those to judge, among `days`.

    Examples
    --------
    >>> days = [date(2024, 1, 2), date(2024, 1, 3)]
    >>> rows = {"session": [days[1]] * 2, "rule": ["vanished", "zero_volume"], "symbol": ["AAA", "BBB"]}
    >>> [(one.rule, one.limit, one.is_fault) for one in rule_counts(pl.DataFrame(rows), dict.fromkeys(days, 500), days, days)[days[1]]]
    [('vanished', None, False), ('zero_volume', 0.0, True)]
    """
    row = {day: i for i, day in enumerate(days)}
    of_day = np.array([bars.get(day, 0) for day in days], dtype=float)
    made: dict[date, list[RuleCount]] = {day: [] for day in sessions}
    for rule in sorted(RULES):
        counts = np.zeros(len(days))
        for day, count in found.filter(rule=rule).group_by("session").len().iter_rows():
            counts[row[day]] = count
        shares = np.divide(counts, of_day, out=np.zeros(len(days)), where=of_day > 0)
        for day in sessions:
            i = row[day]
            if counts[i]:
                limit = None if rule in NEWS else _limit(shares[max(0, i - BASELINE_SESSIONS) : i], float(of_day[i]))
                made[day].append(RuleCount(rule=rule, found=int(counts[i]), limit=limit))
    return made


def _limit(shares: np.ndarray, bars: float) -> float:
    usual = np.sort(shares)[: max(0, len(shares) - UNUSUAL)]
    expected = bars * float(usual.sum()) / (BASELINE_SESSIONS - UNUSUAL)
    return expected + 3 * expected**0.5
