"""The models on splits of their newest training window that share no knowledge, beside shuffled rows: where settings want `cross_validation`."""

from collections.abc import Mapping, Sequence

from ats_assets.deployment import Deployment
from ats_assets.reports.formatting import decimal, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.validation.schema import PURGED
from ats_assets.validation.validation_figures import validation_figures

NAME, PARTS = "cross_validation", ("splits", "paths")
COLUMNS = ("model", "splits fitted", "paths", "rank IC", "worst path", "best path", "t", "shuffled K-fold")


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """A sentence and a row for each model, and its splits."""
    found = inputs.tables.get(NAME, {})
    if not {*PARTS} <= found.keys():
        return None
    splits, paths = (found[part] for part in PARTS)
    figures = validation_figures(splits, paths, inputs.horizon_sessions or 1)
    rows = [
        (
            one.model,
            f"{one.fitted} of {one.splits}",
            whole(one.paths),
            *(decimal(value, 4, signed=True) for value in (one.rank_ic, one.lowest, one.highest)),
            decimal(one.t_statistic, 1, signed=True),
            decimal(one.shuffled_rank_ic, 4, signed=True),
        )
        for one in figures
    ]
    of_splits = [
        (
            row["model"],
            row["blocks"],
            *(whole(row[name]) for name in ("train_rows", "test_rows", "purged", "embargoed", "sessions")),
            decimal(row["rank_ic"], 4, signed=True),
            row["reason"] or "",
        )
        for row in splits.filter(way=PURGED).iter_rows(named=True)
    ]
    columns = ("model", "tested blocks", "rows trained on", "tested", "purged", "embargoed", "sessions", "rank IC", "not fitted because")
    return [
        *(Note(text=one.text) for one in figures),
        Table(columns=COLUMNS, rows=rows, caption="Models"),
        Heading(text="Splits", note="The test is never looked at: a fit stops by the newest part of its own training rows."),
        Table(columns=columns, rows=of_splits, text_columns=2, wide=-1),
    ]


def tables(deployment: Deployment) -> Mapping[str, tuple[str, ...]]:
    """Those of the cross-validation, where settings want it."""
    return {NAME: PARTS} if deployment.settings.cross_validation.kind != "none" else {}


SECTION = ReportSection(title="Cross-validation", short="Validation", place=92, make=make, tables=tables)
