"""What the models owe to their features out of sample: where settings want `importance`."""

from collections.abc import Mapping, Sequence

from ats_assets.deployment import Deployment
from ats_assets.reports.formatting import decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

NAME, PARTS = "importance", ("importance",)
FIRST = 20
NOTES = {
    "features": "Rank IC lost when a feature's values are permuted within each session. What another feature says as well is not missed.",
    "clusters": "The same of all features of a cluster at once, so that none stands in for another. Named by the most typical one.",
    "alone": "Rank IC of a model of the feature alone.",
    "contributions": "Share in the size of all contributions to the scores of tested rows (Shapley values, exact for LightGBM): what moves scores, right or wrong.",
}


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """A table for each model and way, the largest first."""
    found = inputs.tables.get(NAME, {}).get(NAME)
    if found is None or found.is_empty():
        return None
    blocks: list[Block] = [Note(text="In purged folds of the newest training window; standard errors are from how the folds differ.")]
    for (model, way), rows in found.group_by("model", "way", maintain_order=True):
        is_share = way == "contributions"
        shown = [
            (
                row["name"],
                whole(row["folds"]),
                percent(row["importance"], 2) if is_share else decimal(row["importance"], 4, signed=True),
                percent(row["standard_error"], 2) if is_share else decimal(row["standard_error"], 4),
                ", ".join(row["features"]) if way == "clusters" else "",
            )
            for row in rows.head(FIRST).iter_rows(named=True)
        ]
        columns = ("feature", "folds", "share" if is_share else "rank IC", "standard error", "in the cluster")
        blocks.append(Heading(text=f"{model}: {way}", note=NOTES[str(way)]))
        cut = slice(None) if way == "clusters" else slice(-1)
        blocks.append(Table(columns=columns[cut], rows=[row[cut] for row in shown], wide=-1 if way == "clusters" else None))
        if rows.height > FIRST:
            blocks.append(
                Note(text=f"The first {FIRST} of {whole(rows.height)}; all are in importance/importance.parquet of the warehouse.")
            )
    return blocks


def tables(deployment: Deployment) -> Mapping[str, tuple[str, ...]]:
    """That of the importance, where settings want it."""
    return {NAME: PARTS} if deployment.settings.importance.ways else {}


SECTION = ReportSection(title="What models owe to their features", short="Importance", place=93, make=make, tables=tables)
