"""What is wrong with stored bars of samplers and the measures beside them, beyond what one row can say."""

import polars as pl
from pandera.errors import SchemaErrors

from ats_assets.intraday.contracts import InformationBars, microstructure_contract
from ats_assets.intraday.microstructure_rows import SHARES
from ats_assets.sources.contracts import schema_violations

_KEYS = ("symbol", "session", "known_at")


def faults_of_bars(bars: pl.DataFrame) -> list[str]:
    """Against the contract, and against each other: numbered from 0 on, known one after the other, with no more bought and sold than traded."""
    faults = schema_violations(InformationBars, bars)
    if faults:
        return faults
    of_symbol = ("session", "symbol")
    judged = bars.select(
        "symbol",
        "bar",
        numbered=pl.col("bar") == pl.int_range(pl.len()).over(of_symbol),
        follows=(pl.col("known_at").shift(1).over(of_symbol) <= pl.col("known_at")).fill_null(value=True),
        divided=(pl.col("buy_volume") + pl.col("sell_volume") <= pl.col("volume") * (1.0 + 1e-9)).fill_null(value=True),
    )
    told = {
        "numbered": "is not numbered from 0 on",
        "follows": "is known before the one before it",
        "divided": "has more bought and sold than traded",
    }
    return [f"bar {row[1]} of {row[0]} {text}" for name, text in told.items() for row in judged.filter(~pl.col(name)).head(1).iter_rows()]


def faults_of_measures(rows: pl.DataFrame, bars: pl.DataFrame) -> list[str]:
    """Against the contract, and against the bars that they stand beside; shares lie between their bounds where they are known."""
    try:
        microstructure_contract().validate(rows, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.select("column", "check", "failure_case").unique(["column", "check"], maintain_order=True)
        return [f"{column}: {check}: {str(case)[:200]}" for column, check, case in cases.iter_rows()]
    lacking, beside = bars.join(rows, on=_KEYS, how="anti").height, rows.join(bars, on=_KEYS, how="anti").height
    faults = [f"{lacking} bars have no row, {beside} rows no bar"] if lacking or beside or rows.height != bars.height else []
    for name, (least, most) in SHARES.items():
        outside = rows.filter(pl.col(name).is_not_nan() & ~pl.col(name).is_between(least - 1e-5, most + 1e-5)).height
        faults += [f"{name}: {outside} values are not between {least:g} and {most:g}"] if outside else []
    return faults
