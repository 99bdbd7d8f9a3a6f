"""Where two vendors differ: by how much, whose row was taken, and why."""

from collections.abc import Mapping

import pandera.polars as pa
import polars as pl
from pandera.api.polars.container import DataFrameSchema

from ats_assets.sources.schema import PRICES

FIELDS = (*PRICES, "volume")
NO_BAR = "bar"
"""In place of a field: the other vendor has no bar of the symbol at all, or the vendor whose row was taken had none."""
COMPARISON_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "symbol": pl.String,
        "field": pl.String,
        "taken_vendor": pl.String,
        "taken": pl.Float64,
        "taken_because": pl.String,
        "vendor": pl.String,
        "value": pl.Float64,
        "difference": pl.Float64,
    }
)
_SAID = {
    "session": "that was compared",
    "symbol": "as delivered",
    "field": "open, high, low, close, volume; bar where one of the two has no bar of the symbol",
    "taken_vendor": "whose row is in raw_bars; null where no vendor's is",
    "taken": "its value",
    "taken_because": "why it is not that of the first in the order; null where it is",
    "vendor": "that differs",
    "value": "what it says",
    "difference": "value over taken, less one; null where one of the two has no value",
}
COMPARISON: DataFrameSchema = DataFrameSchema(
    {
        name: pa.Column(dtype, nullable=name not in {"session", "symbol", "field", "vendor"}, description=_SAID[name])
        for name, dtype in COMPARISON_SCHEMA.items()
    },
    name="vendor_comparison",
    strict=True,
    ordered=True,
)

_NO_OTHER = pl.all_horizontal(pl.col(f"{name}_of_other").is_null() for name in FIELDS)


def where_vendors_differ(
    taken: pl.DataFrame, others: Mapping[str, pl.DataFrame], *, price_tolerance: float, volume_tolerance: float
) -> pl.DataFrame:
    """The rows in which a vendor differs from what was taken.

    Parameters
    ----------
    taken
        `raw_bars` of any number of sessions, with the columns of `VENDOR_SCHEMA`.
    others
        By vendor its raw bars of the same sessions; its own rows among `taken` are not compared.
    price_tolerance, volume_tolerance
        As shares; a difference of just so much is passed over.

    Returns
    -------
    DataFrame of `COMPARISON_SCHEMA`, sorted by session, symbol, vendor, then in the order of the fields.

    Examples
    --------
    >>> from datetime import date
    >>> one = {"session": [date(2024, 3, 1)], "symbol": ["A"], "open": [10.0], "high": [11.0], "low": [9.0], "close": [10.5], "volume": [100.0]}
    >>> taken = pl.DataFrame(one | {"vendor": ["first"], "vendor_reason": [None]}, schema_overrides={"vendor_reason": pl.String})
    >>> found = where_vendors_differ(taken, {"second": pl.DataFrame(one | {"close": [10.6]})}, price_tolerance=5e-4, volume_tolerance=0.05)
    >>> found.select("field", "taken_vendor", "vendor", pl.col("difference").round(4)).rows()
    [('close', 'first', 'second', 0.0095)]
    """
    parts = [COMPARISON_SCHEMA.to_frame()]
    named = _once(taken).rename({"vendor": "taken_vendor", "vendor_reason": "taken_because"})
    for vendor, rows in others.items():
        both = named.filter(pl.col("taken_vendor") != vendor).join(
            _once(rows), on=["session", "symbol"], how="full", suffix="_of_other", coalesce=True
        )
        own = named.filter(pl.col("taken_vendor") == vendor).select("session", "symbol")
        both = both.join(own, on=["session", "symbol"], how="anti").with_columns(vendor=pl.lit(vendor))
        parts += [_of_field(both, field, volume_tolerance if field == "volume" else price_tolerance) for field in FIELDS]
        parts.append(_of_bars(both))
    order = pl.col("field").replace_strict({name: place for place, name in enumerate((NO_BAR, *FIELDS))}, return_dtype=pl.Int8)
    return pl.concat(parts).sort("session", "symbol", "vendor", order)


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with a symbol; of one that came twice the first, as screening judges both anyway."""
    columns = [name for name in ("session", "symbol", *FIELDS, "vendor", "vendor_reason") if name in rows.columns]
    named = rows.filter(pl.col("symbol").is_not_null()).select(columns).unique(["session", "symbol"], keep="first", maintain_order=True)
    return named.with_columns(pl.col(FIELDS).cast(pl.Float64).fill_nan(None))


def _of_field(both: pl.DataFrame, field: str, tolerance: float) -> pl.DataFrame:
    there = both.filter(pl.col("taken_vendor").is_not_null(), ~_NO_OTHER)
    ratio = pl.when(pl.col(field) != 0).then(pl.col(f"{field}_of_other") / pl.col(field) - 1.0)
    told = there.with_columns(field=pl.lit(field), taken=pl.col(field), value=pl.col(f"{field}_of_other"), difference=ratio)
    same = pl.col("value").eq_missing(pl.col("taken"))
    near = (pl.col("difference").abs() <= tolerance).fill_null(value=False)
    return told.filter(~same & ~near).select(pl.col(name).cast(dtype) for name, dtype in COMPARISON_SCHEMA.items())


def _of_bars(both: pl.DataFrame) -> pl.DataFrame:
    """The symbols of which one of the two has no bar."""
    told = both.filter(_NO_OTHER | pl.col("taken_vendor").is_null()).with_columns(
        field=pl.lit(NO_BAR), taken=pl.col("close"), value=pl.col("close_of_other"), difference=pl.lit(None, pl.Float64)
    )
    return told.select(pl.col(name).cast(dtype) for name, dtype in COMPARISON_SCHEMA.items())
