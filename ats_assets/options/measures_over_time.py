"""A session's measure of an option chain beside those of the sessions before, of one instrument whatever its name was, in windows of the calendar."""

from collections.abc import Iterator, Sequence
from datetime import date
from math import fsum
from typing import Final

import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT, Identities

_KEYS: Final = ("symbol", "session")
_RANKS: Final = pl.Schema({"symbol": pl.String, "session": pl.Date, "rank": pl.Float64, "percentile": pl.Float64})
_RATIOS: Final = pl.Schema({"symbol": pl.String, "session": pl.Date, "ratio": pl.Float64})


def ranked(
    values: pl.DataFrame, known: Identities, days: Sequence[date], sessions: Sequence[date], *, back: int, least: int
) -> pl.DataFrame:
    """Where values lie among those of their window: symbol, session, `rank` and `percentile`.

    The rank is (value - lowest) / (highest - lowest), the percentile the share of the earlier values that are lower: as US brokers define IV rank and IV percentile (tastytrade, thinkorswim). Null with fewer
    than `least` values, its own among them; the rank where all are the same.

    Parameters
    ----------
    values
        symbol, session and `value`, none of them null.
    days
        Every session of the calendar that the values span, ascending.
    back
        Sessions before its own over which a window goes.
    """
    parts = [_RANKS.to_frame()]
    for session, own, earlier in _windows(values, known, days, sessions, back):
        both = own.join(earlier.rename({"value": "was"}), on=INSTRUMENT, how="left")
        told = both.group_by("symbol", "value").agg(
            lowest=pl.col("was").min(), highest=pl.col("was").max(), n=pl.col("was").count(), below=(pl.col("was") < pl.col("value")).sum()
        )
        lowest, highest = pl.min_horizontal("lowest", "value"), pl.max_horizontal("highest", "value")
        enough = pl.col("n") + 1 >= least
        parts.append(
            told.select(
                "symbol",
                session=pl.lit(session),
                rank=pl.when(enough & (highest > lowest)).then((pl.col("value") - lowest) / (highest - lowest)),
                percentile=pl.when(enough & (pl.col("n") > 0)).then(pl.col("below") / pl.col("n")),
            ).sort("symbol")
        )
    return pl.concat(parts)


def over_mean(values: pl.DataFrame, known: Identities, days: Sequence[date], sessions: Sequence[date], *, back: int) -> pl.DataFrame:
    """Values over the mean of those of the sessions before: symbol, session and `ratio`. Null where fewer than half of these sessions have one, or the mean is zero. Parameters as `ranked`."""
    parts = [_RATIOS.to_frame()]
    for session, own, earlier in _windows(values, known, days, sessions, back):
        lists = earlier.sort(INSTRUMENT, "session").group_by(INSTRUMENT, maintain_order=True).agg("value")
        means = [(instrument, fsum(past) / len(past)) for instrument, past in lists.iter_rows() if 2 * len(past) >= back]
        mean = pl.DataFrame(means, schema={INSTRUMENT: pl.String, "mean": pl.Float64}, orient="row").filter(pl.col("mean") > 0.0)
        ratios = own.join(mean, on=INSTRUMENT).select("symbol", session=pl.lit(session), ratio=pl.col("value") / pl.col("mean"))
        parts.append(ratios.sort("symbol"))
    return pl.concat(parts)


def _windows(
    values: pl.DataFrame, known: Identities, days: Sequence[date], sessions: Sequence[date], back: int
) -> Iterator[tuple[date, pl.DataFrame, pl.DataFrame]]:
    """Each session, its own values with their instruments, and those of the sessions before within the window."""
    named, place = known.named(values.select(*_KEYS, "value")), {day: i for i, day in enumerate(days)}
    for session in sessions:
        first = days[max(0, place[session] - back)]
        yield (
            session,
            named.filter(session=session),
            named.filter((pl.col("session") >= first) & (pl.col("session") < session)).select(INSTRUMENT, "session", "value"),
        )
