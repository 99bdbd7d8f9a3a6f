"""What a vendor changed between two vintages of the raw bars: symbols, fields, sizes, and what looks like a split."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

import polars as pl

from ats_assets.storage.warehouse import Warehouse

PRICES = ("open", "high", "low", "close", "vwap")
FIELDS = (*PRICES, "volume")
SPLIT_TERMS, SPLIT_TOLERANCE = (100, 5), 0.002
"""The largest numbers in the ratio of a split, such as 3:2 (the larger one only beside 1), and how far all its prices may be from it, relatively."""


@dataclass(frozen=True, kw_only=True)
class Restatement:
    """What changed of one symbol over the sessions that were delivered again.

    Attributes
    ----------
    kind
        appeared, vanished, split, prices, volume, prices and volume.
    sessions
        In how many sessions its rows differ, `first` to `last`.
    fields
        Field -> median of |after / before - 1| over its changed values; None where no ratio can be taken.
    split
        Of a probable split: new shares for old ones, such as "2:1".
    """

    symbol: str
    kind: str
    sessions: int
    first: date
    last: date
    fields: dict[str, float | None]
    split: str | None = None


def changed_rows(warehouse: Warehouse, sessions: Iterable[date], as_of: datetime | None = None) -> pl.DataFrame:
    """The rows of `raw_bars` that differ between a session's newest vintage and the one before.

    Parameters
    ----------
    as_of
        Look only at what was known at this time.

    Returns
    -------
    DataFrame with symbol, session, seen (left: only before, right: only now, both), then each field before and, with the ending `_now`, now. A symbol that a
    delivery has twice in a session is left out, for which row became which is not known.
    """
    parts: list[pl.DataFrame] = []
    for session in sessions:
        vintages = warehouse.vintages("raw_bars", session)
        known = sorted(time for time in vintages if as_of is None or time <= as_of)
        if len(known) < 2:
            continue
        warehouse.root_folder.at_hand(vintages[time] for time in known[-2:])
        before, now = (
            pl.read_parquet(vintages[time], hive_partitioning=False)
            .select("symbol", *FIELDS)
            .filter(pl.col("symbol").is_not_null(), ~pl.col("symbol").is_duplicated())
            for time in known[-2:]
        )
        joined = before.with_columns(was=True).join(now.with_columns(now=True), on="symbol", how="full", suffix="_now", coalesce=True)
        moved = pl.any_horizontal(*(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in FIELDS))
        seen = (
            pl.when(pl.col("now").is_null())
            .then(pl.lit("left"))
            .when(pl.col("was").is_null())
            .then(pl.lit("right"))
            .otherwise(pl.lit("both"))
        )
        parts.append(
            joined.with_columns(seen=seen, session=pl.lit(session))
            .filter((pl.col("seen") != "both") | moved)
            .select("symbol", "session", "seen", *FIELDS, *(f"{name}_now" for name in FIELDS))
        )
    columns = {"symbol": pl.String, "session": pl.Date, "seen": pl.String}
    measures = {name: pl.Float64 for field in FIELDS for name in (field, f"{field}_now")}
    empty = pl.DataFrame(schema={**columns, **{n: measures[n] for n in (*FIELDS, *(f"{f}_now" for f in FIELDS))}})
    return pl.concat([empty, *parts], how="vertical_relaxed").sort("symbol", "session")


def restatements(rows: pl.DataFrame) -> list[Restatement]:
    """The changes by symbol, those in the most sessions first; rows of `changed_rows`."""
    found = [one for _, part in rows.group_by("symbol", maintain_order=True) for one in _of_symbol(part)]
    return sorted(found, key=lambda one: (-one.sessions, one.symbol, one.kind))


def _of_symbol(rows: pl.DataFrame) -> Iterator[Restatement]:
    for seen, kind in (("right", "appeared"), ("left", "vanished")):
        part = rows.filter(pl.col("seen") == seen)
        if part.height:
            yield _said(part, kind, {})
    part = rows.filter(pl.col("seen") == "both")
    if part.is_empty():
        return
    fields = {name: _size(part, name) for name in FIELDS if part[name].ne_missing(part[f"{name}_now"]).any()}
    split = _split(part)
    kinds = [word for word, names in (("prices", PRICES), ("volume", ("volume",))) if any(name in fields for name in names)]
    yield _said(part, "split" if split else " and ".join(kinds), fields, split)


def _said(rows: pl.DataFrame, kind: str, fields: dict[str, float | None], split: str | None = None) -> Restatement:
    days = rows["session"].sort()
    return Restatement(symbol=rows["symbol"][0], kind=kind, sessions=rows.height, first=days[0], last=days[-1], fields=fields, split=split)


def _size(rows: pl.DataFrame, field: str) -> float | None:
    ratio = (rows[f"{field}_now"] / rows[field]).filter(rows[field].ne_missing(rows[f"{field}_now"]))
    finite = ratio.filter(ratio.is_finite())
    return float((finite - 1).abs().median()) if finite.len() else None  # pyright: ignore[reportArgumentType]


def _split(rows: pl.DataFrame) -> str | None:
    """The ratio, if every price of every row was divided by one and the same p / q."""
    ratios = pl.concat([(rows[name] / rows[f"{name}_now"]).alias("ratio") for name in ("open", "high", "low", "close")])
    ratios = ratios.filter(ratios.is_finite())
    middle = ratios.median()
    if not isinstance(middle, float) or middle <= 0:
        return None
    near = Fraction(max(middle, 1 / middle)).limit_denominator(SPLIT_TERMS[1])
    if near == 1 or near.numerator > (SPLIT_TERMS[0] if near.denominator == 1 else 2 * SPLIT_TERMS[1]):
        return None
    new, old = (near.numerator, near.denominator) if middle > 1 else (near.denominator, near.numerator)
    exact = ((ratios * old / new - 1).abs() <= SPLIT_TOLERANCE).all()
    return f"{new}:{old}" if exact else None
