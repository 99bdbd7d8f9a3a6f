"""A strategy under both kinds of knowledge: what was known at each close, and the corrected history that nobody had then.

`ats restatements --compare` makes both and stores what comes out; the backtest report shows it, or says how to make it where sessions were delivered more than once.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import SKILL_SCHEMA
from ats_assets.reports.formatting import decimal, percent, whole
from ats_assets.storage.vintages import OF_MARKET, RESTATEMENTS

COMPARISON, SESSIONS = "comparison.json", "sessions"
"""The stored comparison; and the name under which a footer has the number of sessions with several vintages."""


@dataclass(frozen=True, kw_only=True)
class KnowledgeFigures:
    """What a strategy came to: returns and drawdown as fractions, the IC as the mean rank IC over the model's horizon; None where it is not defined."""

    total_return: float | None = None
    sharpe: float | None = None
    max_drawdown: float | None = None
    mean_rank_ic: float | None = None


@dataclass(frozen=True, kw_only=True)
class KnowledgeComparison:
    """Both side by side.

    Attributes
    ----------
    backtest
        Data version of the equity of the stored backtest, one of the two.
    signals, signals_that_differ
        How many signals there are in either, and how many are not the same in both.
    """

    backtest: str
    point_in_time: KnowledgeFigures = field(default_factory=KnowledgeFigures)
    restated: KnowledgeFigures = field(default_factory=KnowledgeFigures)
    signals: int = 0
    signals_that_differ: int = 0

    @property
    def return_from_hindsight(self) -> float | None:
        """The total return on corrected history less that on what was known: what knowledge that nobody had adds."""
        one, other = self.restated.total_return, self.point_in_time.total_return
        return None if one is None or other is None else one - other

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self) | {"return_from_hindsight": self.return_from_hindsight}


def knowledge_figures(deployment: Deployment) -> KnowledgeFigures:
    """Of the stored backtest and skill of a deployment.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    metrics: Mapping[str, Any] = json.loads(deployment.warehouse.read_text("backtest", "metrics.json"))
    sessions = deployment.valid_sessions("skill")
    skill = deployment.warehouse.read("skill", sessions) if sessions else SKILL_SCHEMA.to_frame()
    horizon = deployment.settings.training.horizon_sessions
    rank_ic = skill.filter(pl.col("horizon_sessions") == horizon)["rank_ic"].drop_nulls()
    return KnowledgeFigures(
        total_return=metrics["total_return"],
        sharpe=metrics["sharpe"],
        max_drawdown=metrics["max_drawdown"],
        mean_rank_ic=float(rank_ic.to_numpy().mean()) if rank_ic.len() else None,
    )


def restatements_version(deployment: Deployment) -> dict[str, str]:
    """What the report's footer names of restatements: how many deliveries have several vintages, and the stored comparison; nothing where none has."""
    warehouse = deployment.warehouse
    several = sum(len(warehouse.stamps(asset, day)) > 1 for asset in OF_MARKET for day in warehouse.stored_sessions(asset))
    if not several:
        return {}
    path = warehouse.root / RESTATEMENTS / COMPARISON
    stored = {COMPARISON: warehouse.footer_of_text(path).data_version} if path.is_file() else {}
    return {SESSIONS: str(several), **stored}


def store_comparison(deployment: Deployment, comparison: KnowledgeComparison) -> None:
    """Keep a comparison for the report."""
    text = json.dumps(comparison.plain(), indent=2, sort_keys=True)
    deployment.warehouse.write_text(RESTATEMENTS, COMPARISON, text, upstream={"backtest": {"equity": comparison.backtest}})


def stored_comparison(deployment: Deployment) -> KnowledgeComparison | None:
    """The last comparison; None where there is none, or where it is of another backtest than the one that is stored.

    Raises
    ------
    CorruptPartitionError
    """
    warehouse = deployment.warehouse
    if not (warehouse.root / RESTATEMENTS / COMPARISON).is_file():
        return None
    found: dict[str, Any] = json.loads(warehouse.read_text(RESTATEMENTS, COMPARISON))
    if found["backtest"] != warehouse.footer_of(warehouse.part("backtest", "equity")).data_version:
        return None
    figures = {mode: KnowledgeFigures(**found.pop(mode)) for mode in ("point_in_time", "restated")}
    found.pop("return_from_hindsight")
    whole: dict[str, Any] = found | figures
    return KnowledgeComparison(**whole)


def comparison_rows(comparison: KnowledgeComparison) -> list[tuple[str, str, str]]:
    """Figure, as known at each close, on corrected history; for people."""
    one, other = comparison.point_in_time, comparison.restated
    return [
        ("total return", percent(one.total_return, 2, signed=True), percent(other.total_return, 2, signed=True)),
        ("Sharpe ratio", decimal(one.sharpe), decimal(other.sharpe)),
        ("maximum drawdown", percent(one.max_drawdown, 2), percent(other.max_drawdown, 2)),
        ("mean rank IC", decimal(one.mean_rank_ic, 4, signed=True), decimal(other.mean_rank_ic, 4, signed=True)),
    ]


def comparison_note(comparison: KnowledgeComparison | None, several: int) -> str:
    """The sentence above the table, or in its place."""
    delivered = f"{several:,} deliveries of a session were followed by another with a different content."
    if comparison is None:
        return f"{delivered} How much of this backtest comes from knowledge that nobody had: ats restatements --compare makes both kinds and compares them."
    return (
        f"{delivered} {whole(comparison.signals_that_differ)} of {whole(comparison.signals)} signals differ. Total return on corrected history less that on what was known "
        f"at each close: {percent(comparison.return_from_hindsight, 2, signed=True)}. So much comes from knowledge that nobody had."
    )
