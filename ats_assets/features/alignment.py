"""Features of several frames beside decisions inside a session: of each frame the row that was known last.

A row inside a session is taken from the instant `known_at` on, a row of a daily family from the session after its own on, since it is known at its close. Nothing that was known
after the decision is ever taken, and nothing that is older than some sessions.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from ats_assets.features.bar_expressions import windows
from ats_assets.features.family import KEYS, ROW_KEYS


def aligned(
    decisions: pl.DataFrame, frames: Mapping[str, pl.DataFrame], *, days: Sequence[date], back: int, names: Mapping[str, Sequence[str]]
) -> pl.DataFrame:
    """The factors of all frames beside each decision.

    Parameters
    ----------
    decisions
        symbol, session, known_at, and anything else; in any order.
    frames
        By the name of its family: symbol, session, perhaps known_at, then its factors.
    days
        Every session of the calendar that the decisions and frames span, ascending.
    back
        Sessions before its own from which a decision takes a row at most.
    names
        By the name of its family, the factors that are wanted, in their order.

    Returns
    -------
    DataFrame
        The decisions in their order with the factors of all families; NaN where nothing was known.

    Examples
    --------
    >>> from datetime import date, datetime, UTC
    >>> day, at = date(2024, 1, 2), lambda hour, minute: datetime(2024, 1, 2, hour, minute, tzinfo=UTC)
    >>> keys = {"symbol": "A", "session": day}
    >>> decisions = pl.DataFrame([keys | {"known_at": at(10, 4)}, keys | {"known_at": at(10, 5)}])
    >>> minutes = pl.DataFrame([keys | {"known_at": at(10, 5), "x": 1.0}])
    >>> aligned(decisions, {"minutes": minutes}, days=[day], back=0, names={"minutes": ["x"]})["x"].to_list()
    [nan, 1.0]
    """
    oldest = {window[-1]: window[0] for window in windows(days, decisions["session"].unique().sort().to_list(), back)}
    since = pl.col("session").replace_strict(oldest, return_dtype=pl.Date, default=None)
    rows = decisions.with_row_index("_row").with_columns(_since=since).sort("known_at", "_row")
    for family, factors in names.items():
        frame = frames[family]
        inside = "known_at" in frame.columns
        on = "known_at" if inside else "session"
        known = frame.select(*(ROW_KEYS if inside else KEYS), *(pl.col(name).alias(f"?{name}") for name in factors))
        known = known.with_columns(pl.col(on).cast(decisions.schema[on]), _of=pl.col("session")).sort(on, maintain_order=True)
        known = known.drop("session") if inside else known
        rows = rows.sort(on, maintain_order=True).join_asof(
            known, on=on, by="symbol", strategy="backward", allow_exact_matches=inside, check_sortedness=False
        )
        fresh = pl.col("_of") >= pl.col("_since")
        taken = [pl.when(fresh).then(pl.col(f"?{name}")).fill_null(float("nan")).alias(name) for name in factors]
        rows = rows.with_columns(taken).drop("_of", *(f"?{name}" for name in factors))
    return rows.sort("_row").drop("_row", "_since")
