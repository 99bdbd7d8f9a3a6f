"""What came of a restatement: the signals, the targets and the backtest of two deployments side by side."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.portfolio.schema import TARGETS_SCHEMA
from ats_assets.strategies.schema import SIGNALS_SCHEMA

KEYS = ("strategy", "symbol", "session")
COMPARED = ("rank", "score", "direction", "probability", "target_weight")
WEIGHTS = ("proposed_weight", "target_weight")


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What differs.

    Attributes
    ----------
    sessions
        In how many sessions there are signals in either, and in how many of them signals differ.
    signals
        Sorted by session, symbol and strategy, the signals that differ, `rank`, `score`, `direction`, `probability` and `target_weight` before and, with the ending
        `_now`, now; null where there was, or is, none.
    targets
        Likewise the targets whose `proposed_weight` or `target_weight` differs.
    metrics
        Figure of the backtest -> before and now, where they differ; units are those of `BacktestMetrics`.
    """

    sessions: tuple[int, int]
    signals: pl.DataFrame
    targets: pl.DataFrame
    metrics: Mapping[str, tuple[object, object]]


def effects(before: Deployment, now: Deployment) -> Effects:
    """The differences between two deployments.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
        If a backtest is missing, or a file is damaged.
    """
    one, other = _signals(before), _signals(now)
    days = pl.concat([one["session"], other["session"]]).n_unique()
    signals, targets = _moved(one, other, KEYS, COMPARED), _moved(_targets(before), _targets(now), KEYS[1:], WEIGHTS)
    was, now_is = (json.loads(world.warehouse.read_text("backtest", "metrics.json")) for world in (before, now))
    metrics = {name: (was.get(name), now_is.get(name)) for name in {**was, **now_is} if was.get(name) != now_is.get(name)}
    return Effects(sessions=(days, signals["session"].n_unique()), signals=signals, targets=targets, metrics=metrics)


def _moved(one: pl.DataFrame, other: pl.DataFrame, keys: Sequence[str], compared: Sequence[str]) -> pl.DataFrame:
    """The rows of which something compared differs, as it was and as it is."""
    joined = one.join(other, on=keys, how="full", suffix="_now", coalesce=True)
    moved = pl.any_horizontal(*(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in compared))
    columns = [column for name in compared for column in (name, f"{name}_now")]
    ordered = sorted(keys, key=("session", "symbol", "strategy").index)
    return joined.filter(moved).select(*ordered, *columns).sort(ordered)


def _signals(deployment: Deployment) -> pl.DataFrame:
    """Those of all strategies."""
    parts = [SIGNALS_SCHEMA.to_frame().with_columns(strategy=pl.lit("", pl.String))]
    for name, asset in deployment.signals.items():
        if sessions := deployment.valid_sessions(asset):
            parts.append(deployment.warehouse.read(asset, sessions, SIGNALS_SCHEMA.names()).with_columns(strategy=pl.lit(name)))
    return pl.concat(parts)


def _targets(deployment: Deployment) -> pl.DataFrame:
    sessions = deployment.valid_sessions("targets")
    return deployment.warehouse.read("targets", sessions) if sessions else TARGETS_SCHEMA.to_frame()
