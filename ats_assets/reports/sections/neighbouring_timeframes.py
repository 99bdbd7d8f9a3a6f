"""Whether the models hold on neighbouring horizons: where settings want `timeframe_validation`."""

from collections.abc import Mapping, Sequence

from ats_assets.deployment import Deployment
from ats_assets.reports.formatting import decimal, whole
from ats_assets.reports.page_blocks import Block, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

NAME, PARTS = "timeframe_validation", ("horizons", "verdicts")
COLUMNS = ("model", "horizon", "", "decisions", "rank IC", "t", "by luck", "beyond", "t")
TOLD = (
    "By luck: what the rank IC would be if the skill over the model's own horizon were luck, from the overlap of outcomes and the persistence of scores. "
    "What is beyond that is evidence of its own. To hold is not yet to have an edge: of that the section Skill tells."
)


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """A sentence for each model, and a row for each of its horizons."""
    found = inputs.tables.get(NAME, {})
    if not {*PARTS} <= found.keys():
        return None
    rows = [
        (
            row["model"],
            whole(row["horizon_sessions"]),
            "own" if row["is_own"] else "neighbour" if row["is_neighbour"] else "",
            whole(row["sessions"]),
            decimal(row["rank_ic"], 4, signed=True),
            decimal(row["t_statistic"], 1, signed=True),
            decimal(row["by_luck"], 4, signed=True),
            decimal(row["beyond"], 4, signed=True),
            decimal(row["beyond_t"], 1, signed=True),
        )
        for row in found["horizons"].iter_rows(named=True)
    ]
    verdicts = [Note(text=f"{model} {text}.") for model, text in found["verdicts"].select("model", "text").iter_rows()]
    return [*verdicts, Note(text=TOLD), Table(columns=COLUMNS, rows=rows, caption="Skill by horizon, out of sample")]


def tables(deployment: Deployment) -> Mapping[str, tuple[str, ...]]:
    """Those of the validation, where settings want it."""
    return {NAME: PARTS} if deployment.settings.timeframe_validation is not None else {}


SECTION = ReportSection(title="Neighbouring horizons", short="Horizons", place=94, make=make, tables=tables)
