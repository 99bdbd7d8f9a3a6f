"""Raw quotes are split into those that satisfy the contract and those that do not; the sides of quotes that come alone are put together.

1. Each rule is evaluated for every row, so that a rejected quote has all of its reasons.
2. A side that is empty, or zero where `intraday.screening.one_sided` says that this means unchanged, is the last one of its symbol before it in the session's delivery; what came
   before the hours counts, since it stands when they begin. Without one the quote is rejected.
3. Then bid and ask are compared. A crossed quote is rejected, unless `intraday.screening.crossed` keeps it, but its sides stand for those after it: where both sides move, the first
   of the two messages crosses the other side of before. A locked one (bid = ask) is kept.
4. Accepted quotes are sorted by symbol, time and the order of delivery.

Accepted plus rejected is the input, always; of an accepted quote a side may come from an earlier one. Each session is judged by its own rows alone.
"""

import polars as pl

from ats_assets.intraday.conditions import firm
from ats_assets.intraday.schema import QUOTES_SCHEMA, RAW_QUOTES_SCHEMA, REJECTED_QUOTES_SCHEMA
from ats_assets.intraday.session_hours import OUTSIDE, SessionHours
from ats_assets.intraday.tick_rules import KEY, accepted_and_rejected, require_ticks, shared_rules
from ats_assets.settings import TickScreeningSettings

_CONTENT = ("at", "bid", "ask", "bid_size", "ask_size", "exchange")
_NO_SIZE = -1.0
"""Of a side that was delivered without a size, which is not to have that of the side before it."""
_STANDS = frozenset({OUTSIDE})
"""What a quote may have and still stand for those after it."""


def screen_quotes(raw: pl.DataFrame, hours: SessionHours, settings: TickScreeningSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split raw quotes into accepted and rejected ones.

    Parameters
    ----------
    raw
        Of `RAW_QUOTES_SCHEMA`, of any number of sessions.
    hours
        In which each instrument is traded.

    Returns
    -------
    quotes : DataFrame
        Of `QUOTES_SCHEMA`, sorted by session, symbol, at, sequence.
    rejected_quotes : DataFrame
        The others as they came, with their `reasons`, sorted by session, symbol (rows without one last), sequence.

    Raises
    ------
    ContractError
        If `raw` has other columns or types.
    """
    require_ticks(raw, RAW_QUOTES_SCHEMA, "raw quotes")
    raw = raw.sort("session", "symbol", "sequence", nulls_last=True, maintain_order=True)
    own = {f"{side}_negative": (pl.col(side) < 0) | pl.col(side).is_infinite() for side in ("bid", "ask")}
    sizes = [(pl.col(name) < 0) | pl.col(name).is_infinite() for name in ("bid_size", "ask_size")]
    faults = raw.select(
        **{reason: broken.fill_null(value=False) for reason, broken in own.items()},
        size_not_positive=pl.any_horizontal(size.fill_null(value=False) for size in sizes),
        not_firm=~firm(raw["conditions"], settings.conditions),
    )
    shared = shared_rules(raw, hours, _CONTENT, max_disorder_seconds=settings.max_disorder_seconds)
    faults = pl.concat([faults, shared], how="horizontal")
    stand = faults.select(~pl.any_horizontal(name for name in faults.columns if name not in _STANDS)).to_series()
    whole = _put_together(raw, stand, unchanged=settings.one_sided == "unchanged")
    crossed = whole["bid"] > whole["ask"] if not settings.crossed else pl.repeat(value=False, n=raw.height, eager=True)
    faults = faults.with_columns(
        bid_missing=whole["bid"].is_null() & stand,
        ask_missing=whole["ask"].is_null() & stand,
        crossed=crossed.fill_null(value=False) & stand,
    )
    sound, rejected = accepted_and_rejected(raw, faults)
    sides = whole.filter(sound)
    quotes = raw.filter(sound).with_columns(sides.get_columns()).select(QUOTES_SCHEMA.names())
    return quotes.sort("session", "symbol", "at", "sequence", maintain_order=True), rejected.cast(REJECTED_QUOTES_SCHEMA)  # pyright: ignore[reportArgumentType]


def _put_together(raw: pl.DataFrame, stand: pl.Series, *, unchanged: bool) -> pl.DataFrame:
    """Both sides as they stand after each row, with their sizes: null where there is none, and for rows that stand for nothing."""
    rows = raw.select(*KEY, "at", "bid", "ask", "bid_size", "ask_size").with_row_index("row").with_columns(stands=stand)
    filled: dict[str, pl.Expr] = {}
    for side in ("bid", "ask"):
        price, size = pl.col(side).fill_nan(None), pl.col(f"{side}_size").fill_nan(None)
        told = pl.col("stands") & (price > 0 if unchanged else price.is_not_null())
        filled[side] = pl.when(told).then(price).forward_fill().over(KEY)
        filled[f"{side}_size"] = pl.when(told).then(size.fill_null(_NO_SIZE)).forward_fill().over(KEY)
    whole = rows.sort(*KEY, "at", "row", maintain_order=True).with_columns(**filled).sort("row")
    there = {
        name: pl.when(pl.col("stands") & (pl.col(side) > 0) & (pl.col(name) != _NO_SIZE)).then(pl.col(name))
        for side in ("bid", "ask")
        for name in (side, f"{side}_size")
    }
    return whole.select(**there)
