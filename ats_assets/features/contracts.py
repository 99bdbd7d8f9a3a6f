"""The contract of a family's frame, and what breaks it."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from ats_assets.features.family import KEYS, ColumnFamily, Feature, FeatureFamily
from ats_assets.sources.broken_rules import sessions_with_broken_rules


def contract(family: FeatureFamily | ColumnFamily) -> pa.DataFrameSchema:
    """The contract of a family's frame; its column descriptions are what the registry says of the factors."""
    made_of = "the bars" if isinstance(family, FeatureFamily) else "what was known"
    said = family.description if isinstance(family, FeatureFamily) else ""
    factors = _factors(family, "sessions")
    return pa.DataFrameSchema(
        {
            "symbol": pa.Column(pl.String, pa.Check.str_length(min_value=1), description="symbol as the source names it"),
            "session": pa.Column(pl.Date, description="exchange session whose close the factors are known at: its partition"),
            **factors,
        },
        checks=_without_nulls(family),
        name=family.name,
        description=f"{said or family.name}: {len(factors)} factors of {made_of} up to the session, one row a symbol",
        strict=True,
        ordered=True,
        unique=["session", "symbol"],
    )


def _factors(family: FeatureFamily | ColumnFamily, unit: str) -> dict[str, pa.Column]:
    if isinstance(family, ColumnFamily):
        return {
            name: pa.Column(pl.Float32, nullable=True, description=f"{said}; NaN = missing") for name, said in family.descriptions.items()
        }
    return {feature.name: pa.Column(pl.Float32, nullable=True, description=_said(feature, unit)) for feature in family.features}


def _without_nulls(family: FeatureFamily | ColumnFamily) -> pa.Check:
    def has_no_null(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.all_horizontal(pl.col(*family.factors).is_not_null()))

    return pa.Check(has_no_null, name="missing values are NaN, not null")


def _said(feature: Feature, unit: str) -> str:
    before = f"{feature.description}: " if feature.description else ""
    return f"{before}{feature.expression} (look-back {feature.lookback_sessions} {unit}; NaN = missing)"


def faults(family: FeatureFamily | ColumnFamily, features: pl.DataFrame, bars: pl.DataFrame) -> dict[date, str]:
    """What is wrong with stored features, by session; nothing for a session that is as it should be.

    Parameters
    ----------
    features
        The rows of a range of sessions.
    bars
        symbol and session of their bars.
    """
    found: dict[date, str] = {}
    lacking, surplus = bars.join(features, on=KEYS, how="anti"), features.join(bars, on=KEYS, how="anti")
    for rows, what in ((lacking, "has no row for the bar of"), (surplus, "has a row without a bar for")):
        for (day,), group in rows.group_by("session", maintain_order=True):
            found[day] = f"{family.name} {what} {', '.join(group['symbol'].sort()[:5])} ({len(group)} in all)"
    return found | sessions_with_broken_rules(contract(family), features, features["session"].unique(maintain_order=True))


def bar_frame_contract(family: FeatureFamily) -> pa.DataFrameSchema:
    """The contract of the frame of a family over bars."""
    return pa.DataFrameSchema(
        {
            "symbol": pa.Column(pl.String, pa.Check.str_length(min_value=1), description="symbol as the ticks name it"),
            "session": pa.Column(pl.Date, description="exchange session of the bar"),
            "known_at": pa.Column(
                pl.Datetime("ns", "UTC"),
                description="from when on the row is known: the bar's last tick, or the session's end where that closed it",
            ),
            **_factors(family, "bars"),
        },
        checks=_without_nulls(family),
        name=family.name,
        description=f"{family.description or family.name}: {len(family.expressions)} factors of the bars of {family.frame} up to the row's own",
        strict=True,
        ordered=True,
    )
