"""Whether probabilities mean what they say: the symbols of which 55% was said should beat the median of their session in 55% of the cases."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.evaluation.event_skill import reliability
from ats_assets.reports.charts import BarGroup, bar_chart
from ats_assets.reports.formatting import decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Note, Pair, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

NEWEST = 126
"""Sessions that are read: enough for thousands of probabilities, and a report must not read all of history for one table."""
LEAST = 200
"""Probabilities with an outcome, for groups that say something."""
OUTCOMES = "forward_returns"


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """Groups of about as many probabilities each, said beside found, and the Brier score."""
    judged = judged_probabilities(inputs)
    if judged.height < LEAST:
        return None
    said, won = judged["probability"].to_numpy(), judged["won"].to_numpy()
    groups = reliability(said, won)
    brier, base = float(np.mean((said - won) ** 2)), float(np.mean((won.mean() - won) ** 2))
    gap = float((groups["events"] * (groups["mean_probability"] - groups["share_gained"]).abs()).sum()) / judged.height
    told = (
        f"{whole(judged.height)} probabilities of the newest {whole(judged['session'].n_unique())} sessions with an outcome, that a symbol beats the median of its session over "
        f"{whole(inputs.horizon_sessions)} sessions. Said and found differ by {percent(gap)} in the mean; Brier score {decimal(brier, 4)}, "
        f"{decimal(base, 4)} for who always says {percent(float(won.mean()))}. Outcomes of neighbouring sessions overlap, so the groups scatter more than their size suggests."
    )
    names = [percent(p) for p in groups["mean_probability"]]
    bars = [
        BarGroup(name="said", values=[100.0 * p for p in groups["mean_probability"]], tone="other"),
        BarGroup(name="found", values=[100.0 * p for p in groups["share_gained"]], tone="own"),
    ]
    chart = bar_chart(
        "reliability",
        "Probability said and found (%)",
        "By groups of the probability said.",
        names,
        bars,
        unit="%",
        height=200,
        most_names=5,
    )
    rows = [(percent(p), percent(y), percent(y - p, signed=True), whole(n)) for p, y, n in groups.iter_rows()]
    columns = ("said", "found", "found less said", "probabilities")
    return [Note(text=told), Pair(cells=[[chart], [Table(columns=columns, rows=rows, text_columns=0, caption="Groups")]])]


def judged_probabilities(inputs: ReportInputs) -> pl.DataFrame:
    """Symbol, session, probability and whether it won, of the sessions that have outcomes: above the median of what has one."""
    empty = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date, "probability": pl.Float64, "won": pl.Float64})
    outcomes = inputs.of(OUTCOMES)
    signals = [rows for name in inputs.rows if name.endswith("signals") and (rows := inputs.of(name)) is not None]
    if outcomes is None or not signals or inputs.horizon_sessions is None:
        return empty
    known = outcomes.filter(pl.col("horizon_sessions") == inputs.horizon_sessions, pl.col("forward_return").is_finite())
    won = known.select(
        "symbol",
        session="decision_session",
        won=(pl.col("forward_return") > pl.col("forward_return").median().over("decision_session")).cast(pl.Float64),
    )
    said = pl.concat([rows.select("symbol", "session", "probability") for rows in signals]).drop_nulls()
    return said.join(won, on=["symbol", "session"], how="inner").sort("session", "symbol")


def reads(deployment: Deployment) -> tuple[str, ...]:
    """The signals of each strategy, and what became of them."""
    return (*deployment.signals.values(), OUTCOMES)


def newest(deployment: Deployment) -> dict[str, int]:
    """No more than the newest sessions of each."""
    return dict.fromkeys(reads(deployment), NEWEST)


COLUMNS = {OUTCOMES: ("symbol", "decision_session", "horizon_sessions", "forward_return")}
SECTION = ReportSection(
    title="Calibration", short="Calibration", place=86, make=make, reads=reads, newest=newest, columns=COLUMNS, is_of_trading=True
)
