"""Suspicions: accepted bars that may be wrong. They warn; they reject nothing.

A session D is judged with the bars of sessions D - lookback_sessions to D, each session by itself, so that it is judged alike alone and in a range,
and never with later bars: a spike is known as one when it has reverted, and is reported then.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.bars.panel import Panel, panel
from ats_assets.bars.suspicion_rules import RULES, Found, Judged
from ats_assets.calendar import SessionCalendar
from ats_assets.corporate_actions.identity import INSTRUMENT, identities_of
from ats_assets.settings import SuspicionSettings

SUSPICIONS_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "rule": pl.String, "detail": pl.String})


def suspicions(
    bars: pl.DataFrame,
    sessions: Sequence[date],
    settings: SuspicionSettings,
    *,
    calendar: SessionCalendar,
    actions: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Judge the bars of each session by every rule of `RULES`.

    Parameters
    ----------
    bars
        Accepted bars from `lookback_sessions` sessions before the first of `sessions` on (fewer at the start of history).
    sessions
        Sessions to judge.
    settings
        The thresholds.
    calendar
        The exchange's sessions.
    actions
        Rows of `corporate_actions` of the same sessions; default: none are known. A symbol's past is that of its instrument, as far as their changes of name tell.

    Returns
    -------
    DataFrame
        Columns of `SUSPICIONS_SCHEMA`, sorted by session, symbol and rule: one row for each symbol that a rule finds suspicious at a session.
    """
    if not sessions:
        return SUSPICIONS_SCHEMA.to_frame()
    columns = ("open", "high", "low", "close", "volume", "vwap")
    if actions is not None:
        known = identities_of(actions)
        bars, actions = known.named(bars), known.of_actions(actions)
    laid_out = panel(bars, sessions, columns, calendar=calendar, lookback_sessions=settings.lookback_sessions)
    rows = np.zeros(len(laid_out.sessions), dtype=bool)
    rows[list(laid_out.rows(sessions).values())] = True
    judged = Judged(bars=laid_out, rows=rows, settings=settings, ratios=_ratios(actions, laid_out))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = [_named(name, rule(judged), laid_out) for name, rule in RULES.items()]
    return pl.concat(found).sort("session", "symbol", "rule")


def _ratios(actions: pl.DataFrame | None, bars: Panel) -> np.ndarray:
    """The ratios of the known splits in the cells of the panel."""
    ratios = np.ones(bars.present.shape)
    if actions is not None:
        row, column = ({one: i for i, one in enumerate(of)} for of in (bars.sessions, bars.series))
        for instrument, session, ratio in actions.drop_nulls("ratio").select(INSTRUMENT, "session", "ratio").iter_rows():
            if instrument in column and session in row:
                ratios[row[session], column[instrument]] *= ratio
    return ratios


def suspicion_counts(found: pl.DataFrame, *, examples: int = 5) -> pl.DataFrame:
    """Count what was found: columns rule, count and up to so many example symbols, for every rule, also those that found nothing.

    Examples
    --------
    >>> from datetime import date
    >>> found = pl.DataFrame([("AAA", date(2024, 3, 4), "zero_volume", "volume 0")], schema=SUSPICIONS_SCHEMA, orient="row")
    >>> suspicion_counts(found).filter(pl.col("count") > 0).rows()
    [('zero_volume', 1, ['AAA'])]
    """
    counts = found.group_by("rule").agg(pl.len().alias("count"), pl.col("symbol").unique().sort().head(examples).alias("symbols"))
    every = pl.DataFrame({"rule": sorted(RULES)}, schema={"rule": pl.String}).join(counts, on="rule", how="left")
    return every.with_columns(pl.col("count").fill_null(0), pl.col("symbols").fill_null([])).sort("rule")


def _named(rule: str, found: Found, bars: Panel) -> pl.DataFrame:
    rows, columns, details = found
    return pl.DataFrame(
        {
            "symbol": bars.symbols_at(rows, columns),
            "session": [bars.sessions[i] for i in rows],
            "rule": [rule] * len(details),
            "detail": details,
        },
        schema=SUSPICIONS_SCHEMA,
    )
