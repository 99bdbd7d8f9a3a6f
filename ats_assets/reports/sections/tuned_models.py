"""What tuning was worth, where models are tuned: the verdict of the nested walk-forward, period by period."""

from collections.abc import Mapping, Sequence

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.reports.formatting import decimal, whole
from ats_assets.reports.page_blocks import Block, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.tuning.worth import worth_figures

NAME, PARTS = "tuning_worth", ("sessions", "periods")
COLUMNS = ("model", "tuned at", "sessions", "rank IC tuned", "own settings", "gain", "the folds had promised", "not compared because")


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """A sentence for each model that is tuned, and a row for each period."""
    found = inputs.tables.get(NAME, {})
    if not {*PARTS} <= found.keys():
        return None
    sessions, periods = (found[part] for part in PARTS)
    means = sessions.group_by("model", "tuned_session").agg(
        pl.len(), pl.col("tuned", "own").mean(), gain=(pl.col("tuned") - pl.col("own")).mean()
    )
    rows = [
        (
            row["model"],
            str(row["tuned_session"]),
            whole(row["len"] or 0),
            *(decimal(row[name], 4, signed=True) for name in ("tuned", "own", "gain", "promised")),
            row["reason"] or "",
        )
        for row in periods.join(means, on=["model", "tuned_session"], how="left", maintain_order="left").iter_rows(named=True)
    ]
    return [
        *(Note(text=one.text) for one in worth_figures(sessions, periods, inputs.horizon_sessions or 1)),
        Table(columns=COLUMNS, rows=rows, caption="Periods between tunings", text_columns=2, wide=-1),
    ]


def tables(deployment: Deployment) -> Mapping[str, tuple[str, ...]]:
    """Those of the comparison, where settings ask for tuning and want to know."""
    tuning = deployment.settings.tuning
    return {NAME: PARTS} if tuning.models and tuning.worth else {}


SECTION = ReportSection(title="What tuning was worth", short="Tuning", place=91, make=make, tables=tables)
