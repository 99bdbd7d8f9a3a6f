"""The book of a session minute by minute, as the session loop has written it down: read by the loop's monitors, and by whoever serves them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

KEEP, BREACH = "keep", "breach"
JUDGED = (KEEP, BREACH)
"""What decisions about the whole book are called in the journal."""
_RISK = ("equity", "gross_share", "net_share", "largest_share", "largest_symbol", "positions", "exposure")


def risk_of(at: datetime, what: str, reason: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The risk by one of these decisions: a row of `live_risk`.

    Parameters
    ----------
    what, reason, fields
        Of the decision, as the journal has it.
    """
    return {"at": at, **{name: fields[name] for name in _RISK}, "breach": reason if what == BREACH else None}


def performance_of(at: datetime, fields: Mapping[str, Any], highest: float) -> dict[str, Any]:
    """What the session has made by one of these decisions: a row of `live_performance`.

    Parameters
    ----------
    highest
        Equity of the session, this one's included.

    Examples
    --------
    >>> from datetime import UTC
    >>> told = performance_of(datetime(2024, 3, 4, 15, tzinfo=UTC), {"equity": 99.0, "profit": -1.0}, 110.0)
    >>> told["session_return"], round(told["drawdown"], 12)
    (-0.01, 0.1)
    """
    equity, profit = fields["equity"], fields["profit"]
    before = equity - profit
    return {
        "at": at,
        "equity": equity,
        "profit": profit,
        "session_return": profit / before if before > 0.0 else 0.0,
        "drawdown": 1.0 - equity / highest if highest > 0.0 else 0.0,
    }
