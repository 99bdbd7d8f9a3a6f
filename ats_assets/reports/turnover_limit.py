"""What is to be said where the turnover limit keeps the account from following its targets: in the report, the summary of a run and the signals.

It imports nothing of the backtest, which takes a second to load: `ats signals` says it, too.
"""

from collections.abc import Mapping
from typing import Any

WORTH_SAYING = 0.01
"""The share of sessions from which it is: below, it would be said of 0% of them."""


def limit_text(metrics: Mapping[str, Any], max_turnover: float) -> str | None:
    """What is to be said over a backtest, of its figures by name; None where the limit hardly binds, or where nothing is known.

    The way from cash to the first book takes a session or two of the limit in any backtest: that says nothing of the strategy.

    Examples
    --------
    >>> limit_text({"turnover_limit_share": 0.93, "wanted_positions": 10.0, "held_positions": 19.0}, 0.5)
    'The turnover limit (portfolio.max_turnover = 0.5) binds in 93% of sessions: 19 symbols are held where 10 are wanted (medians).'
    """
    share, held, wanted = (metrics.get(name) for name in ("turnover_limit_share", "held_positions", "wanted_positions"))
    if not share or share < WORTH_SAYING or held is None or wanted is None:
        return None
    held = f"{held:.0f} symbols are held where {wanted:.0f} are wanted (medians)"
    return f"The turnover limit (portfolio.max_turnover = {max_turnover:g}) binds in {share:.0%} of sessions: {held}."


def session_text(row: Mapping[str, Any]) -> str:
    """What is to be said of one row of the contract `Wanted`.

    Examples
    --------
    >>> session_text({"held_positions": 19, "wanted_positions": 10, "wanted_turnover": 1.0, "turnover_limit": 0.5, "limit_binds": True})
    'In the backtest 19 symbols are held at this close and 10 are wanted. To get there takes a turnover of 100%, the limit allows 50%: 50% of it is traded at the next open.'
    """
    held = f"In the backtest {row['held_positions']} symbols are held at this close and {row['wanted_positions']} are wanted."
    turnover, limit = row["wanted_turnover"], row["turnover_limit"]
    if limit is None:
        return f"{held} To get there takes a turnover of {turnover:.0%}."
    if not row["limit_binds"]:
        return f"{held} To get there takes a turnover of {turnover:.0%}, within the limit of {limit:.0%}."
    share = limit / turnover
    return f"{held} To get there takes a turnover of {turnover:.0%}, the limit allows {limit:.0%}: {share:.0%} of it is traded at the next open."
