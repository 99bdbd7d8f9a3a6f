"""Whether intervals hold what they say: coverage over time, their width, and whether confidence comes true."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.evaluation.event_skill import reliability
from ats_assets.intervals.coverage import coverage_verdict, session_coverage
from ats_assets.intervals.schema import INTERVALS
from ats_assets.reports.charts import BarGroup, Chart, Line, LinePanel, bar_chart, line_chart
from ats_assets.reports.formatting import percent, whole
from ats_assets.reports.page_blocks import Block, Note, Pair, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.settings import ConfidenceSettings

NEWEST = 504
"""Sessions that are read."""
ROLLING_SESSIONS = 21
OUTCOMES = "forward_returns"


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """The verdict, coverage and width by session, and groups of confidence."""
    intervals, outcomes = inputs.of(INTERVALS), inputs.of(OUTCOMES)
    if intervals is None or outcomes is None or inputs.horizon_sessions is None:
        return None
    covered = session_coverage(intervals, outcomes, inputs.horizon_sessions)
    if covered.is_empty():
        return None
    verdict = coverage_verdict(covered, inputs.horizon_sessions, tolerance=ConfidenceSettings().tolerance)
    unbounded = intervals.filter(pl.col("adapted_level").is_not_null() & pl.col("width").is_null()).height
    told = (
        f"{verdict.text[0].upper()}{verdict.text[1:]}. The level of each interval adapts to what became of those before it, so that coverage holds in the long run whatever the "
        f"market does; the standard error allows for overlapping returns and for what symbols have in common. Newest median width: {percent(intervals['width'].tail(500).median())}."  # pyright: ignore[reportArgumentType]
        + (f" {whole(unbounded)} intervals were unbounded." if unbounded else "")
    )
    return [Note(text=told), _over_time(covered), *_reliability(intervals, outcomes, inputs.horizon_sessions)]


def _over_time(covered: pl.DataFrame) -> Chart:
    share, days = covered["coverage"] * 100.0, covered["session"].to_list()
    rolling = share.rolling_mean(ROLLING_SESSIONS, min_samples=min(ROLLING_SESSIONS, covered.height))
    lines = [
        Line(name="session", values=share, tone="fourth"),
        Line(name=f"mean of {ROLLING_SESSIONS} sessions", values=rolling, tone="own"),
        Line(name="level", values=covered["level"] * 100.0, tone="other", style="dashed"),
    ]
    widths = [Line(name="median width", values=covered["width"] * 100.0, tone="own")]
    panels = [LinePanel(lines=lines, height=180, unit="%"), LinePanel(lines=widths, height=120, unit="%", zero=True)]
    return line_chart(
        "coverage", "Returns inside of their intervals, and median width (%)", "By the session of the decision.", days, panels
    )


def _reliability(intervals: pl.DataFrame, outcomes: pl.DataFrame, horizon_sessions: int) -> list[Block]:
    """Confidence said and found, in groups of about as many intervals each."""
    known = outcomes.filter(pl.col("horizon_sessions") == horizon_sessions, pl.col("forward_return").is_finite())
    came = known.select("symbol", "forward_return", session="decision_session")
    judged = intervals.drop_nulls("confidence").join(came, on=["symbol", "session"], how="inner")
    if judged.is_empty():
        return []
    gained, expected = judged["forward_return"].to_numpy(), judged["expected_return"].to_numpy()
    right = np.where(expected >= 0.0, gained > 0.0, gained < 0.0).astype(np.float64)
    groups = reliability(judged["confidence"].to_numpy(), right)
    bars = [
        BarGroup(name="said", values=[100.0 * p for p in groups["mean_probability"]], tone="other"),
        BarGroup(name="found", values=[100.0 * p for p in groups["share_gained"]], tone="own"),
    ]
    names = [percent(p) for p in groups["mean_probability"]]
    title = "Confidence in the sign of the return, said and found (%)"
    chart = bar_chart("confidence", title, "By groups of the confidence said.", names, bars, unit="%", height=200, most_names=5)
    rows = [(percent(p), percent(y), percent(y - p, signed=True), whole(n)) for p, y, n in groups.iter_rows()]
    table = Table(columns=("said", "found", "found less said", "intervals"), rows=rows, text_columns=0, caption="Groups of confidence")
    return [Pair(cells=[[chart], [table]])]


def reads(deployment: Deployment) -> tuple[str, ...]:
    """Intervals and what became of them, where settings have a table `[confidence]`."""
    return (INTERVALS, OUTCOMES) if deployment.settings.confidence else ()


def newest_intervals(deployment: Deployment) -> dict[str, int]:
    """No more than the newest sessions of each."""
    return dict.fromkeys(reads(deployment), NEWEST)


COLUMNS = {
    INTERVALS: ("symbol", "session", "expected_return", "lower", "upper", "level", "adapted_level", "width", "confidence"),
    OUTCOMES: ("symbol", "decision_session", "horizon_sessions", "forward_return"),
}
SECTION = ReportSection(
    title="Prediction intervals",
    short="Intervals",
    place=87,
    make=make,
    reads=reads,
    newest=newest_intervals,
    columns=COLUMNS,
    is_of_trading=True,
)
