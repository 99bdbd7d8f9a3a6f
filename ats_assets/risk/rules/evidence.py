"""Evidence: the book is as large as the lower bound of its edge net of costs allows; without an edge nothing is held.

1. The edge of a past decision is what the scores' best `top_k` returned over the horizon, less the mean of all, less the cost of buying and selling those of them that were not among the best
   one horizon before, each for its part of the capital, at the costs of `[backtest]` and the model of `[impact]` by what was known at the decision. Only decisions whose outcomes were known at the session's close count, the newest `lookback_sessions` of them.
2. Its mean has the standard error of Newey and West, for outcomes overlap, and a lower bound at `confidence` by Student's t, as all verdicts of skill (`evaluation.edge_test`).
3. All weights are multiplied by lower bound / mean, which is 0 where the bound is, and nears 1 as the edge is sure. Fewer than `min_sessions` decisions are no evidence: the factor is `unknown`.

A book that is fully invested in scores that say nothing pays costs for nothing: on most markets, most models have no edge.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import NormalDist

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from ats_assets.evaluation.edge_test import mean_degrees, mean_error, student_equivalent
from ats_assets.impact.priced_trades import PricedTrades
from ats_assets.impact.schema import MARKET
from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.rule import all_allowed, all_scaled, session_by_session
from ats_assets.settings import Bps, Positive, Section, Share

Floats = NDArray[np.float64]


class EvidenceSettings(Section):
    """How sure an edge must be."""

    top_k: Positive = Field(default=10, description="the best by score whose returns are the edge; default: portfolio.top_k")
    horizon_sessions: Positive = Field(default=5, description="of the outcomes; default: training.horizon_sessions")
    lookback_sessions: int = Field(default=252, ge=20, description="decisions that are judged")
    min_sessions: Positive = Field(default=60, description="fewer judged decisions than this are no evidence")
    confidence: float = Field(default=0.9, gt=0.5, lt=1, description="that the edge is above its lower bound")
    costs_bps: Bps | None = Field(
        default=None,
        description="of entry and exit together; default: what [backtest] and [impact] say of a trade of the capital over top_k",
    )
    capital: float = Field(default=1_000_000.0, gt=0, description="that is traded; default: backtest.initial_cash")
    trades: PricedTrades = Field(default=PricedTrades(), description="what [backtest] and [impact] say; it is found, not given")
    unknown: Share = Field(default=0.0, description="the factor where there is no evidence yet")


class EvidenceRule:
    """Hold as much as is known to pay."""

    def __init__(self, settings: EvidenceSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The outcomes of the judged decisions, and their scores, those of a horizon before included."""
        back = self.settings.lookback_sessions - 1
        scored = back + 2 * self.settings.horizon_sessions + 1
        priced = self.settings.costs_bps is None and self.settings.trades.reads_market
        market = (Needs(asset=MARKET, back=scored),) if priced else ()
        return (Needs(asset="forward_returns", back=back), Needs(asset="predictions", back=scored), *market)

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights, those of each session times one factor."""
        known = decision_edges(frames["predictions"], frames["forward_returns"], days, self.settings, market=frames.get(MARKET))
        place = {day: i for i, day in enumerate(days)}

        def judge(rows: pl.DataFrame, session: date) -> pl.DataFrame:
            first = days[max(0, place[session] - self.settings.lookback_sessions + 1)]
            edges = known.filter(pl.col("session").is_between(first, session))["edge"].to_numpy()
            factor, why = self._factor(edges)
            return all_allowed(rows) if factor == 1.0 else all_scaled(rows, factor, why)

        return session_by_session(proposed, judge)

    def _factor(self, edges: Floats) -> tuple[float, str]:
        own = self.settings
        error = mean_error(edges, own.horizon_sessions) if len(edges) >= own.min_sessions else None
        if error is None:
            return own.unknown, f"only {len(edges)} decisions are judged, fewer than {own.min_sessions}: times {own.unknown:.4f}"
        mean = float(edges.mean())
        lower = mean - student_equivalent(NormalDist().inv_cdf(own.confidence), mean_degrees(len(edges), own.horizon_sessions)) * error
        told = f"the edge net of costs is {mean:+.3%} in {own.horizon_sessions} sessions, {lower:+.3%} at least with {own.confidence:.0%} confidence ({len(edges)} decisions)"
        factor = lower / mean if lower > 0.0 else 0.0
        return factor, f"{told}: times {factor:.4f}"


def decision_edges(
    predictions: pl.DataFrame,
    outcomes: pl.DataFrame,
    days: Sequence[date],
    settings: EvidenceSettings,
    *,
    market: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """What each decision earned by choosing, net of costs.

    Parameters
    ----------
    predictions, outcomes
        Rows of the contracts `Predictions` and `ForwardReturns`.
    days
        Consecutive sessions.
    market
        Rows of `impact_inputs`, where a model of impact prices the trades.

    Returns
    -------
    polars.DataFrame
        session (at which the outcome was known), decision_session and edge, by session; a decision with no more than `top_k` outcomes has chosen nothing and is left out.

    Examples
    --------
    >>> days = [date(2024, 1, 1), date(2024, 1, 2)]
    >>> rows = [("A", days[0], 3.0), ("B", days[0], 2.0), ("C", days[0], 1.0)]
    >>> predictions = pl.DataFrame(rows, schema=["symbol", "session", "score"], orient="row")
    >>> outcomes = predictions.select("symbol", session=pl.lit(days[1]), decision_session="session", horizon_sessions=pl.lit(1), forward_return=pl.Series([0.03, 0.0, 0.0]))
    >>> settings = EvidenceSettings(top_k=1, horizon_sessions=1, costs_bps=50)
    >>> decision_edges(predictions, outcomes, days, settings)["edge"].round(4).to_list()  # 3 % less the mean of 1 %, less the cost of a new position
    [0.015]
    """
    best = predictions.filter(pl.col("score").is_finite()).with_columns(
        place=pl.col("score").rank("ordinal", descending=True).over("session", order_by="symbol")
    )
    chosen = best.filter(pl.col("place") <= settings.top_k).select("symbol", "session")
    earlier = {day: days[i - settings.horizon_sessions] for i, day in enumerate(days) if i >= settings.horizon_sessions}
    before = chosen.with_columns(before=pl.col("session").replace_strict(earlier, default=None, return_dtype=pl.Date))
    new = before.join(chosen.rename({"session": "before"}), on=["symbol", "before"], how="anti").select("symbol", "session")
    entered = new.with_columns(cost=pl.Series(_round_trips(new, settings, market), dtype=pl.Float64)).sort("session", "symbol")
    turned = (
        chosen.group_by("session")
        .agg(places=pl.len())
        .join(entered.group_by("session").agg(pl.col("cost").sum()), on="session", how="left")
    )
    turned = turned.select(decision_session="session", cost=pl.col("cost").fill_null(0.0) / pl.col("places"))
    rows = outcomes.filter(pl.col("horizon_sessions") == settings.horizon_sessions, pl.col("forward_return").is_finite())
    rows = rows.select("symbol", "session", "decision_session", "forward_return")  # whose own rank is that of the outcome
    judged = rows.join(best.select("symbol", "score", "place", decision_session="session"), on=["symbol", "decision_session"], how="inner")
    top = pl.col("forward_return").filter(pl.col("place") <= settings.top_k)
    by_decision = judged.sort("decision_session", "symbol").group_by("session", "decision_session", maintain_order=True)
    made = by_decision.agg(
        won=top.mean() - pl.col("forward_return").mean(), many=pl.len(), alike=pl.col("score").min() == pl.col("score").max()
    )
    made = made.filter(pl.col("many") > settings.top_k, ~pl.col("alike"), pl.col("won").is_not_null()).join(
        turned, on="decision_session", how="inner"
    )
    return made.select("session", "decision_session", edge=pl.col("won") - pl.col("cost")).sort("session", "decision_session")


def _round_trips(rows: pl.DataFrame, settings: EvidenceSettings, market: pl.DataFrame | None) -> Floats:
    """Of each row, what buying it and selling it again costs, as a share of what it is bought for."""
    if settings.costs_bps is not None:
        return np.full(rows.height, settings.costs_bps / 1e4)
    values = np.full(rows.height, settings.capital / settings.top_k)
    prices = settings.trades.prices()
    return 2.0 * prices.one_way(values, prices.market_of(rows, market))


PLUGIN = Plugin(settings=EvidenceSettings, make=EvidenceRule, quick={"lookback_sessions": 20, "min_sessions": 5})
