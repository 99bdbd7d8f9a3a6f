"""What a backtest of events comes to, in figures and in a sentence that claims no more than they do."""

from dataclasses import asdict, dataclass, field
from math import sqrt
from typing import Any

import numpy as np
import polars as pl

from ats_assets.errors import how_many
from ats_assets.evaluation import newey_west_t
from ats_assets.evaluation.event_skill import EventSkill, event_skill
from ats_assets.events.choosing import EventModel

SURE = 3.0
"""Standard errors from zero at which something is no chance any more: as for daily scores (decision 7)."""
FEW_SESSIONS = 60
"""Fewer say little, whatever they say."""


@dataclass(frozen=True, kw_only=True)
class EventFigures:
    """A backtest of events; returns are shares of the entry's price, of equity where of sessions. None: nothing to divide by.

    Attributes
    ----------
    t_of_sessions
        Mean net return of a session in standard errors after Newey and West, as a normal value.
    skill
        Of the probabilities of the model that is traded, over all of its predictions.
    trades_without_spread
        Of whose bars none has a quoted spread, so that none is in their costs.
    """

    model: str
    sessions: int
    symbols: int
    predictions: int
    trades: int
    trades_per_session: float | None
    win_rate: float | None
    mean_gross_bps: float | None
    mean_cost_bps: float | None
    mean_net_bps: float | None
    profit_factor: float | None
    mean_holding_bars: float | None
    total_return: float
    max_drawdown: float
    session_volatility: float | None
    sharpe_per_session: float | None
    t_of_sessions: float | None
    skill: EventSkill
    by_barrier: dict[str, int] = field(default_factory=dict)
    trades_without_spread: int = 0

    @property
    def verdict(self) -> str:
        """Whether there is an edge, in a sentence."""
        if not self.predictions:
            return "No verdict: no model was old enough to predict anything."
        if not self.trades:
            return "No edge: no prediction was sure enough to be traded."
        few = f" {self.sessions} sessions are too few to find a small one." if self.sessions < FEW_SESSIONS else ""
        tells = f"AUC {self.skill.auc:.3f}" if self.skill.auc is not None else "no AUC"
        found = f"{tells}, {self.mean_net_bps:+.2f} bps a trade after costs ({self.mean_gross_bps:+.2f} before), t = {_text(self.t_of_sessions)}"
        if self.trades_without_spread:
            few += (
                f" The costs of {self.trades_without_spread} of {how_many(self.trades, 'trade')} have no spread in them, since the bars have none: "
                "set spread = true in their sampler, or event_backtest.cost_bps to what trading costs and spread_share = 0."
            )
        if self.t_of_sessions is not None and self.t_of_sessions >= SURE:
            if self.trades_without_spread:
                return f"No verdict, an edge before the spread: {found}.{few}"
            return f"An edge after costs: {found}.{few}"
        if self.auc_t is not None and self.auc_t >= SURE:
            return f"No edge after costs, though the probabilities tell something: {found}.{few}"
        return f"No edge: {found}.{few}"

    @property
    def auc_t(self) -> float | None:
        """How far the AUC lies above a half, in its standard errors."""
        skill = self.skill
        return (skill.auc - 0.5) / skill.auc_error if skill.auc is not None and skill.auc_error else None

    def to_dict(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self) | {"verdict": self.verdict, "auc_t": self.auc_t}


def event_figures(
    model: EventModel,
    outcomes: pl.DataFrame,
    trades: pl.DataFrame,
    equity: pl.DataFrame,
    *,
    threshold: float = 0.5,
    spread_share: float = 1.0,
) -> EventFigures:
    """The figures of a backtest.

    Parameters
    ----------
    outcomes, trades, equity
        From `event_trades`.
    threshold, spread_share
        `event_backtest.min_probability` and `spread_share`.
    """
    net = trades["return_net"].to_numpy()
    gains, losses = net[net > 0].sum(), -net[net < 0].sum()
    daily = equity["return_net"].to_numpy()
    deviation = float(daily.std(ddof=1)) if len(daily) > 1 else None
    values = equity["equity"].to_numpy()
    peaks = np.maximum.accumulate(np.concatenate([[1.0], values]))[1:] if len(values) else values
    return EventFigures(
        model=model.name,
        sessions=equity.height,
        symbols=outcomes["symbol"].n_unique(),
        predictions=outcomes.height,
        trades=trades.height,
        trades_per_session=trades.height / equity.height if equity.height else None,
        win_rate=float((net > 0).mean()) if len(net) else None,
        mean_gross_bps=_bps(trades["return_gross"]),
        mean_cost_bps=_bps(trades["cost"]),
        mean_net_bps=_bps(trades["return_net"]),
        profit_factor=float(gains / losses) if losses > 0 else None,
        mean_holding_bars=_mean(trades["holding_bars"]),
        total_return=float(values[-1] - 1.0) if len(values) else 0.0,
        max_drawdown=float((1.0 - values / peaks).max()) if len(values) else 0.0,
        session_volatility=deviation,
        sharpe_per_session=float(daily.mean() / deviation) if deviation else None,
        t_of_sessions=newey_west_t(daily, 1),
        skill=_skill(model, outcomes, threshold),
        trades_without_spread=int((~trades["spread_known"]).sum()) if spread_share else 0,
        by_barrier=dict(sorted(trades["barrier"].value_counts().iter_rows())),
    )


def _skill(model: EventModel, outcomes: pl.DataFrame, threshold: float) -> EventSkill:
    """Of the scores themselves: of a model that judges no side whether the price rose, of another one whether the side gained."""
    if model.judges is None:
        return event_skill(outcomes["score"].clip(0.0, 1.0), outcomes["outcome"] * outcomes["side"] > 0)
    return event_skill(outcomes["probability"], outcomes["outcome"] > 0, threshold=threshold)


def standard_error_bps(trades: pl.DataFrame) -> float | None:
    """Of the mean net return of a trade, in basis points, as if trades were independent."""
    n = trades.height
    deviation = trades["return_net"].std() if n > 1 else None
    return 10_000 * float(deviation) / sqrt(n) if isinstance(deviation, float) else None


def _bps(values: pl.Series) -> float | None:
    mean = _mean(values)
    return None if mean is None else 10_000 * mean


def _mean(values: pl.Series) -> float | None:
    mean = values.mean()
    return float(mean) if isinstance(mean, int | float) else None


def _text(t: float | None) -> str:
    return "none" if t is None else f"{t:.1f}"
