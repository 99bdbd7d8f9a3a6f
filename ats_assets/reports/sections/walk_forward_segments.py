"""Walk-forward: each fit judged on the sessions between it and the next, which it had not seen."""

from collections.abc import Sequence

from ats_assets.deployment import Deployment
from ats_assets.evaluation.model_segments import ModelSegment, model_segments
from ats_assets.reports.charts import BarGroup, Chart, bar_chart
from ats_assets.reports.formatting import day, decimal, fit_names, percent, whole
from ats_assets.reports.page_blocks import Block, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

SHOWN = 36
"""The newest segments in the table."""


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """A bar for each segment's IC, one for the account's return, and the table."""
    if "skill" not in inputs.rows or inputs.horizon_sessions is None:
        return None
    segments = model_segments(inputs.rows["skill"], inputs.result.equity.select("session", "equity"), inputs.horizon_sessions)
    if not segments:
        return None
    good = [one for one in segments if one.rank_ic is not None and one.rank_ic > 0]
    told = (
        f"{whole(len(segments))} segments: from each fit to the next, so nothing that is judged here was known to the model that is judged. "
        f"The rank IC over {whole(inputs.horizon_sessions)} sessions is above zero in {percent(len(good) / len(segments), 0)} of them. A single segment is short: "
        "an edge shows as many small bars on one side, not as a few tall ones."
    )
    return [Note(text=told), _ics(segments), _table(segments)]


def _ics(segments: Sequence[ModelSegment]) -> Chart:
    bars = BarGroup(name="rank IC, out of sample", values=[one.rank_ic for one in segments], tone="own", below="loss")
    names = fit_names([one.model_session for one in segments])
    note = "Mean over the decisions of each fit, by the session of the fit."
    return bar_chart("segments", "Rank IC by walk-forward segment", note, names, [bars], height=190, most_names=12)


def _table(segments: Sequence[ModelSegment]) -> Table:
    rows = [
        (
            day(one.model_session),
            f"{one.first} to {one.last}",
            whole(one.sessions),
            decimal(one.rank_ic, 4, signed=True),
            decimal(one.t_statistic, 1, signed=True),
            percent(one.positive_share, 0),
            percent(one.account_return, 2, signed=True),
        )
        for one in list(reversed(segments))[:SHOWN]
    ]
    columns = ("fitted at", "decisions", "sessions", "rank IC", "t", "rank IC > 0", "account")
    return Table(
        columns=columns,
        rows=rows,
        text_columns=2,
        caption=f"The newest {len(rows)} segments; account: its return while the fit was the newest, after costs",
    )


def reads(_: Deployment) -> tuple[str, ...]:
    """The skill of the scores."""
    return ("skill",)


SECTION = ReportSection(title="Walk-forward segments", short="Segments", place=83, make=make, reads=reads)
