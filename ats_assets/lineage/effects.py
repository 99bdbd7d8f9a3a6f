"""What came of a restatement: the signals and the backtest of two deployments side by side."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.strategies.schema import SIGNALS_SCHEMA

KEYS = ("symbol", "session")
COMPARED = ("rank", "score", "direction", "probability", "target_weight")


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What differs.

    Attributes
    ----------
    sessions
        In how many sessions there are signals in either, and in how many of them signals differ.
    signals
        Sorted by session and symbol, the signals that differ, `rank`, `score`, `direction`, `probability` and `target_weight` before and, with the ending
        `_now`, now; null where there was, or is, none.
    metrics
        Figure of the backtest -> before and now, where they differ; units are those of `BacktestMetrics`.
    """

    sessions: tuple[int, int]
    signals: pl.DataFrame
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
    joined = one.join(other, on=KEYS, how="full", suffix="_now", coalesce=True)
    moved = pl.any_horizontal(*(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in COMPARED))
    columns = [column for name in COMPARED for column in (name, f"{name}_now")]
    signals = joined.filter(moved).select("session", "symbol", *columns).sort("session", "symbol")
    was, now_is = (json.loads(world.warehouse.read_text("backtest", "metrics.json")) for world in (before, now))
    metrics = {name: (was.get(name), now_is.get(name)) for name in {**was, **now_is} if was.get(name) != now_is.get(name)}
    return Effects(sessions=(days, signals["session"].n_unique()), signals=signals, metrics=metrics)


def _signals(deployment: Deployment) -> pl.DataFrame:
    sessions = deployment.sessions("signals")
    return deployment.warehouse.read("signals", sessions) if sessions else SIGNALS_SCHEMA.to_frame()
