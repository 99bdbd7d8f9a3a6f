"""When decisions are made inside a session: bars at which the price has moved far enough, or each bar; and the side that a primary rule gives them.

The last bar of a session, which only its end closed, is never one: nothing follows it in that session.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ats_assets.errors import ExpressionError, SettingsError
from ats_assets.events.schema import EVENTS_SCHEMA
from ats_assets.expressions import Flat
from ats_assets.features.bar_expressions import AT_SESSION_END, bar_values, check_bar_expression
from ats_assets.labels.cusum import CusumSettings, cusum_events
from ats_assets.settings import EventsSettings


def events_of(
    bars: pl.DataFrame,
    settings: EventsSettings,
    cusum: CusumSettings,
    *,
    days: Sequence[date],
    sessions: Sequence[date],
    lookback_sessions: int,
    flat: Flat = "relative",
) -> pl.DataFrame:
    """The decisions of some sessions.

    Parameters
    ----------
    bars
        The contract `InformationBars`, from the look-back before the first of the sessions on.
    cusum
        How far the price moves to an event, where `settings.sample` says so.
    days
        Every session of the calendar that the bars span, ascending.
    sessions
        Those that are wanted, each one of `days`.
    lookback_sessions
        Over which the side's expression looks back at most.

    Returns
    -------
    DataFrame
        `EVENTS_SCHEMA`, sorted by symbol, session, bar.
    """
    own = bars.filter(pl.col("session").is_in(list(sessions))).sort("session", "symbol", "bar")
    if settings.side is None:
        own = own.with_columns(side=pl.lit(None, pl.Int8))
    else:
        given = bar_values(bars, {"side": settings.side}, days=days, sessions=sessions, lookback_sessions=lookback_sessions, flat=flat)
        own = own.with_columns(side=given["side"].fill_nan(None).sign().cast(pl.Int8))
    if settings.sample == "cusum":
        moved = cusum_events(bars, days, cusum).select("symbol", "session", "bar", "direction")
        own = own.join(moved, on=["symbol", "session", "bar"], how="inner", maintain_order="left")
    else:
        own = own.with_columns(direction=pl.lit(0, pl.Int8))
    can_be_entered = pl.col("closed_by") != AT_SESSION_END
    has_side = pl.lit(value=True) if settings.side is None else pl.col("side").fill_null(0) != 0
    chosen = own.filter(can_be_entered & has_side).sort("symbol", "session", "bar")
    return chosen.select(pl.col(name).cast(dtype) for name, dtype in EVENTS_SCHEMA.items())


def check_side(settings: EventsSettings) -> None:
    """Whether the side's expression can be computed.

    Raises
    ------
    SettingsError
        If it can't.
    """
    if settings.side is None:
        return
    try:
        check_bar_expression(settings.side)
    except ExpressionError as error:  # a look-ahead has an error of its own
        raise SettingsError(f"events.side is no expression over bars: {error}") from None
