"""How the returns of the sessions are distributed: histogram, moments, tails, best and worst."""

from collections.abc import Sequence

import polars as pl

from ats_assets.backtests.metrics import (
    conditional_value_at_risk,
    excess_kurtosis,
    histogram,
    period_returns,
    session_returns,
    skewness,
    value_at_risk,
)
from ats_assets.reports.charts import Marker, histogram_chart
from ats_assets.reports.formatting import DASH, day, decimal, percent
from ats_assets.reports.page_blocks import Block, Pair, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection


def make(inputs: ReportInputs) -> Sequence[Block]:
    """The account's returns beside the benchmark's."""
    equity, m = inputs.result.equity, inputs.metrics
    own, other = (session_returns(equity[name].to_numpy()) for name in ("equity", "benchmark"))
    markers = [
        Marker(name="value at risk, 95%", value=m.value_at_risk, tone="third"),
        Marker(name="expected shortfall", value=m.conditional_value_at_risk, tone="loss"),
    ]
    note = "Sessions by return, after costs. One session in twenty is worse than the value at risk; the expected shortfall is the mean of these."
    rows = [
        ("mean of a session", *(percent(float(r.mean()) if len(r) else None, 3, signed=True) for r in (own, other))),
        ("skewness", *(decimal(skewness(r)) for r in (own, other))),
        ("excess kurtosis", *(decimal(excess_kurtosis(r)) for r in (own, other))),
        ("value at risk, 95%", *(percent(value_at_risk(r), 2) for r in (own, other))),
        ("expected shortfall (CVaR), 95%", *(percent(conditional_value_at_risk(r), 2) for r in (own, other))),
        ("value at risk, 99%", *(percent(value_at_risk(r, 0.01), 2) for r in (own, other))),
        ("expected shortfall (CVaR), 99%", *(percent(conditional_value_at_risk(r, 0.01), 2) for r in (own, other))),
    ]
    return [
        histogram_chart("histogram", "Returns of a session (%)", note, histogram(own), markers),
        Pair(
            cells=[
                [Table(columns=("figure", "account", "benchmark"), rows=rows, caption="Moments and tails")],
                [Table(columns=("of the account", "when", "return"), rows=_extremes(equity), text_columns=2, caption="Best and worst")],
            ]
        ),
    ]


def _extremes(equity: pl.DataFrame) -> list[tuple[str, str, str]]:
    returns = pl.DataFrame({"period": equity["session"][1:], "account": session_returns(equity["equity"].to_numpy())})
    found = []
    for name, form, frame in (
        ("session", "%Y-%m-%d", returns),
        ("month", "%Y-%m", period_returns(equity, "month")),
        ("year", "%Y", period_returns(equity, "year")),
    ):
        known = frame.filter(pl.col("account").is_not_null() & pl.col("account").is_not_nan()).sort("account", "period")
        for word, place in (("best", -1), ("worst", 0)):
            when, value = (known["period"][place], known["account"][place]) if known.height else (None, None)
            found.append(
                (
                    f"{word} {name}",
                    DASH if when is None else day(when) if name == "session" else when.strftime(form),
                    percent(value, 2, signed=True),
                )
            )
    return found


SECTION = ReportSection(title="Distribution of returns", short="Distribution", place=30, make=make, is_of_trading=True)
