"""Analyses of what was delivered."""

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.serving.queries.analyses.analysis import AnalysisFound, newest_rows
from ats_assets.serving.queries.quality_of_data import QUARANTINES

ROWS = 500
"""The newest ones that are told."""


def quarantined_rows(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """The newest quarantined rows, each with its reasons and all that was delivered, as text; and how many there are."""
    parts, total, looked = [], 0, False
    for asset in QUARANTINES:
        rows = newest_rows(deployment, asset, sessions)
        looked = looked or rows is not None
        if rows is None or rows.is_empty() or "reasons" not in rows.columns:
            continue
        total += rows.height
        parts.append(_told(asset, rows))
    if not looked:
        return None
    schema = {"asset": pl.String, "session": pl.Date, "symbol": pl.String, "reasons": pl.List(pl.String), "row": pl.String}
    found = (
        pl.concat(parts).sort("session", "asset", descending=[True, False], maintain_order=True) if parts else pl.DataFrame(schema=schema)
    )
    return AnalysisFound(tables={"rows": found.head(ROWS)}, facts={"rows": total})


def _told(asset: str, rows: pl.DataFrame) -> pl.DataFrame:
    others = [name for name in rows.columns if name not in {"session", "symbol", "reasons"}]
    newest = rows.sort("session", descending=True, maintain_order=True).head(ROWS)
    values = [", ".join(f"{name} {value}" for name, value in row.items() if value is not None) for row in newest.select(others).to_dicts()]
    return newest.select(
        asset=pl.lit(asset),
        session=pl.col("session"),
        symbol=pl.col("symbol").cast(pl.String),
        reasons=pl.col("reasons").cast(pl.List(pl.String)),
        row=pl.Series(values, dtype=pl.String),
    )


def gaps_of_bars(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """Each symbol that had a bar shortly before: whose row fills the gap, or why nothing does; the newest first."""
    rows = newest_rows(deployment, "bar_gaps", sessions)
    if rows is None:
        return None
    counts = rows.group_by("reason").len("rows").sort("reason")
    return AnalysisFound(tables={"gaps": rows.sort("session", "symbol", descending=[True, False]).head(ROWS), "counts": counts})
