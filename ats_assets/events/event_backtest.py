"""The backtest of models of events, from what is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.events.choosing import EventModel, EventRules, event_models
from ats_assets.events.event_figures import EventFigures, event_figures
from ats_assets.events.event_trades import event_equity, event_outcomes, event_trades, sided_labels


@dataclass(frozen=True, kw_only=True)
class EventBacktest:
    """A backtest of one model of events: the tables of `schema`, and what they come to."""

    outcomes: pl.DataFrame
    trades: pl.DataFrame
    equity: pl.DataFrame
    figures: EventFigures

    def tables(self) -> dict[str, pl.DataFrame]:
        """By the name under which each is stored."""
        return {"outcomes": self.outcomes, "trades": self.trades, "equity": self.equity}


@dataclass(frozen=True, kw_only=True)
class EventBacktests:
    """Those of all models, each as if it were the one that is traded, over the sessions for which that one has predictions."""

    traded: str
    found: Mapping[str, EventBacktest]
    upstream: Mapping[str, Mapping[str, str]]

    @property
    def own(self) -> EventBacktest:
        """That of the model that is traded."""
        return self.found[self.traded]

    def to_dict(self) -> dict[str, Any]:
        """The figures of all, by the names of the models."""
        return {"traded": self.traded, "models": {name: one.figures.to_dict() for name, one in self.found.items()}}


def backtests_of_events(deployment: Deployment, rules: EventRules, traded: EventModel) -> EventBacktests:
    """The backtests over all sessions for which there are predictions of the model that is traded, and the data versions of what was read.

    Raises
    ------
    MissingPartitionError
        If there are none.
    """
    barriers, frame, calendar = rules.barriers, rules.frame, deployment.calendar
    sessions = deployment.valid_sessions(traded.predictions)
    if not sessions:
        raise MissingPartitionError(f"there are no {traded.predictions} to trade: make them with ats run --select '+{traded.predictions}'")
    first = calendar.window(sessions[0], barriers.lookback_sessions + 1)[0]
    last = calendar.sessions(sessions[-1], calendar.last)[: barriers.max_sessions + 1][-1]
    known = deployment.known(calendar.sessions(first, last), frame)
    stored = [day for day in known if deployment.warehouse.exists(frame, day)]
    days = [day for day in known if day <= stored[-1]]
    bars = deployment.warehouse.read(frame, stored)
    found: dict[str, EventBacktest] = {}
    upstream = {frame: deployment.data_versions(frame, stored)}
    begins = deployment.warehouse.read(traded.predictions, sessions, ["session"])["session"].min() or sessions[0]
    for name, model in deployment.of(event_models).items():
        own = [day for day in sessions if deployment.warehouse.exists(model.predictions, day)]
        predictions = deployment.warehouse.read(model.predictions, own).filter(pl.col("session") >= begins)
        found[name] = _one(deployment, model, rules, predictions=predictions, bars=bars, days=days)
        upstream[model.predictions] = deployment.data_versions(model.predictions, own)
    return EventBacktests(traded=traded.name, found=found, upstream=upstream)


def _one(
    deployment: Deployment, model: EventModel, rules: EventRules, *, predictions: pl.DataFrame, bars: pl.DataFrame, days: Sequence[date]
) -> EventBacktest:
    settings = deployment.settings.event_backtest
    labels = sided_labels(predictions, bars, days, rules.barriers)
    outcomes = event_outcomes(predictions, labels)
    trades = event_trades(predictions, labels, bars, settings, rules.barriers)
    predicted = predictions["session"].unique().sort().to_list()
    sessions = deployment.calendar.sessions(predicted[0], predicted[-1]) if predicted else []
    equity = event_equity(trades, sessions, bars["symbol"].n_unique())
    figures = event_figures(model, outcomes, trades, equity, threshold=settings.min_probability, spread_share=settings.spread_share)
    return EventBacktest(outcomes=outcomes, trades=trades, equity=equity, figures=figures)
