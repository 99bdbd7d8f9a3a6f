"""Expressions over bars inside a session: the same language, whose windows count bars.

A row is made of its symbol's bars up to its own, and of none that closed more than some sessions before. It is the same whether its session is computed alone or in a range:
each session is computed by itself, from the bars of its own window.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from ats_assets.errors import ExpressionError
from ats_assets.expressions import Flat, compile_expressions, compute, lookback
from ats_assets.features.family import ROW_KEYS
from ats_assets.features.inspection import BAR_FIELDS, inspect

FIRST_PLACE = date(1970, 1, 1)
"""Expressions are evaluated over days: of a bar its place in the window stands for one."""
AT_SESSION_END = "session_end"
"""In the column `closed_by` of bars."""


def check_bar_expression(expression: str) -> None:
    """Whether an expression can run over bars.

    Raises
    ------
    ExpressionError, LookAheadError
        If it is none, names a field that bars lack, looks ahead, or compares symbols.
    """
    inspect(expression, BAR_FIELDS)
    plan = compile_expressions({"it": expression})
    if plan.stages or plan.symbols:
        raise ExpressionError(
            "it compares symbols, or names one, but bars inside a session close at another time for each symbol: use operators within a symbol, "
            "or a family over the daily bars"
        )


def known_bars(bars: pl.DataFrame, closes: Mapping[date, datetime]) -> pl.DataFrame:
    """Bars, where one that only the session's end closed is known when the session has ended, not at its last tick: until then another tick could have followed.

    Parameters
    ----------
    bars
        The contract `InformationBars`.
    closes
        Session -> its end.
    """
    ends = pl.DataFrame(
        {"session": list(closes), "_end": list(closes.values())}, schema={"session": pl.Date, "_end": pl.Datetime("us", "UTC")}
    )
    end = pl.col("_end").cast(bars.schema["known_at"])
    at = pl.when(pl.col("closed_by") == AT_SESSION_END).then(pl.max_horizontal("known_at", end)).otherwise("known_at")
    return bars.join(ends, on="session", how="left", maintain_order="left").with_columns(known_at=at).drop("_end")


def bar_values(
    bars: pl.DataFrame,
    expressions: Mapping[str, str],
    *,
    days: Sequence[date],
    sessions: Sequence[date],
    lookback_sessions: int,
    flat: Flat = "relative",
) -> pl.DataFrame:
    """The values of expressions at each bar of some sessions.

    Parameters
    ----------
    bars
        The contract `InformationBars`, from `lookback_sessions` before the first of the sessions on; see `known_bars`.
    expressions
        Name to expression; see `check_bar_expression`.
    days
        Every session of the calendar that the bars span, ascending.
    sessions
        Those that are wanted, each one of `days`.
    lookback_sessions
        Sessions before its own over whose bars a row looks back at most.
    flat
        See `expressions.compute`.

    Returns
    -------
    DataFrame
        symbol, session, known_at and one Float32 column an expression, sorted by session, symbol and bar. Missing is NaN.
    """
    back = lookback(expressions)
    parts = [
        pl.DataFrame(schema=bars.select(ROW_KEYS).schema | dict.fromkeys(expressions, pl.Float32())),  # for no session at all
        *(_of_session(bars, expressions, window, back, flat) for window in windows(days, sessions, lookback_sessions)),
    ]
    return pl.concat(parts)


def windows(days: Sequence[date], sessions: Sequence[date], back: int) -> list[Sequence[date]]:
    """For each session the days from `back` before it to itself; fewer at the start."""
    place = {day: i for i, day in enumerate(days)}
    return [days[max(0, place[session] - back) : place[session] + 1] for session in sessions]


def _of_session(bars: pl.DataFrame, expressions: Mapping[str, str], window: Sequence[date], back: int, flat: Flat) -> pl.DataFrame:
    session = window[-1]
    known = bars.filter(pl.col("session").is_between(window[0], session)).sort("symbol", "session", "bar")
    known = known.with_columns(_RETURN, _HOUR)
    own, before = known.filter(session=session), known.filter(pl.col("session") < session)
    if own.is_empty():
        return own.select(ROW_KEYS).with_columns(pl.lit(None, pl.Float32).alias(name) for name in expressions)
    before = before.group_by("symbol", maintain_order=True).tail(back)
    place = pl.int_range(pl.len()).over("symbol")
    from_the_end = place - pl.len().over("symbol")  # the last bar before the session has the place before its first
    panel = pl.concat([before.with_columns(place=from_the_end + back), own.with_columns(place=place + back)]).sort("symbol", "place")
    panel = panel.with_columns(session=pl.col("place").cast(pl.Int32).cast(pl.Date)).drop("place")
    made = compute(panel, expressions, since=FIRST_PLACE + timedelta(back), flat=flat)
    return own.select(ROW_KEYS).hstack(made.drop("symbol", "session").get_columns())


_RETURN = (pl.col("close") / pl.col("close").shift(1).over("symbol") - 1.0).alias("return")
"""In double precision, of prices whose last digits single precision would round away."""
_HOUR = (pl.col("known_at").cast(pl.Int64) % 86_400_000_000_000 / 3_600_000_000_000).alias("hour")
