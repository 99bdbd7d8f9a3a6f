"""Confidence: how much of a weight is held, by how sure the return after it is (the asset `prediction_intervals`, which a table `[confidence]` makes).

- `by = "confidence"`: in proportion. The factor rises from 0 at `none_at` to 1 at `full_at`, by the confidence that the return has the sign of the position: that of the
  interval where it expects the same sign, else what it leaves to the other one.
- `by = "bound"`: all or nothing. A long position is held where the lower bound is above the costs of entry and exit, a short one where the upper bound is below their negative. Few
  single returns are that sure at a level of 0.9: a lower level in `[confidence]` is the more usual choice here.

Weights keep their sign and never grow; what is taken away is cash. Where too few outcomes tell (no interval yet) the factor is `unknown`; an unbounded interval is sure of nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ats_assets.impact.priced_trades import PricedTrades
from ats_assets.impact.schema import MARKET
from ats_assets.intervals.schema import INTERVALS
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import Bps, Section, Share

Floats = NDArray[np.float64]


class ConfidenceRuleSettings(Section):
    """How much is held by how sure."""

    by: Literal["confidence", "bound"] = Field(
        default="confidence", description="in proportion to the confidence, or where the bound is beyond costs"
    )
    none_at: Share = Field(default=0.5, description="by confidence: nothing is held up to here")
    full_at: Share = Field(default=0.55, description="by confidence: the whole weight is held from here on")
    costs_bps: Bps | None = Field(
        default=None,
        description="by bound: of entry and exit together; default: what [backtest] and [impact] say of a trade of that weight",
    )
    capital: float = Field(default=1_000_000.0, gt=0, description="that is traded; default: backtest.initial_cash")
    trades: PricedTrades = Field(default=PricedTrades(), description="what [backtest] and [impact] say; it is found, not given")
    unknown: Annotated[float, Field(ge=0, le=1)] = Field(default=1.0, description="the factor where there is no interval yet")

    @model_validator(mode="after")
    def _it_rises(self) -> "ConfidenceRuleSettings":
        if self.none_at >= self.full_at:
            raise ValueError(f"none_at is {self.none_at:g}, not below full_at ({self.full_at:g}): more confidence must hold more")
        return self


class ConfidenceRule:
    """Scale weights by confidence."""

    def __init__(self, settings: ConfidenceRuleSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The intervals of the session, and what prices its trades."""
        own = self.settings
        priced = own.by == "bound" and own.costs_bps is None and own.trades.reads_market
        return (Needs(asset=INTERVALS), *((Needs(asset=MARKET),) if priced else ()))

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],  # noqa: ARG002
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights, each times its factor."""
        columns = ("expected_return", "lower", "upper", "adapted_level", "confidence")
        rows = proposed.join(
            frames[INTERVALS].select("symbol", "session", *columns), on=["symbol", "session"], how="left", maintain_order="left"
        )
        weights = rows["weight"].to_numpy()
        known = rows["adapted_level"].is_not_null().to_numpy()
        values = {name: rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in columns}
        factor, told = (
            self._by_bound(values, weights, self._costs(rows, frames.get(MARKET)))
            if self.settings.by == "bound"
            else self._by_confidence(values, weights)
        )
        factor = np.where(known, factor, self.settings.unknown)
        scaled = weights * factor
        reasons = [
            f"{said if there else 'there is no interval yet'}: times {times:.4f}" if before != after else None
            for said, there, times, before, after in zip(told, known, factor, weights, scaled, strict=True)
        ]
        return proposed.with_columns(weight=pl.Series(scaled), reason=pl.Series(reasons, dtype=pl.String))

    def _by_confidence(self, values: Mapping[str, Floats], weights: Floats) -> tuple[Floats, list[str]]:
        same = (values["expected_return"] >= 0.0) == (weights > 0.0)
        sure = np.where(same, values["confidence"], 1.0 - values["confidence"])
        factor = np.clip((sure - self.settings.none_at) / (self.settings.full_at - self.settings.none_at), 0.0, 1.0)
        return factor, [f"a {_side(weight)} is right with a confidence of {one:.1%}" for weight, one in zip(weights, sure, strict=True)]

    def _costs(self, rows: pl.DataFrame, market: pl.DataFrame | None) -> Floats:
        """Of entry and exit of each row, as a share of its weight."""
        own = self.settings
        if own.costs_bps is not None:
            return np.full(rows.height, own.costs_bps / 1e4)
        prices = own.trades.prices()
        return 2.0 * prices.one_way(rows["weight"].to_numpy() * own.capital, prices.market_of(rows, market))

    @staticmethod
    def _by_bound(values: Mapping[str, Floats], weights: Floats, costs: Floats) -> tuple[Floats, list[str]]:
        bound = np.where(weights > 0.0, values["lower"], -values["upper"])
        told = [
            f"a {_side(weight)} gains {one:+.2%} at the worse end of its interval, and costs are {cost:.2%}"
            if np.isfinite(one)
            else "its interval has no end"
            for weight, one, cost in zip(weights, bound, costs, strict=True)
        ]
        return np.where(bound > costs, 1.0, 0.0), told


def _side(weight: float) -> str:
    return "long" if weight > 0.0 else "short"


PLUGIN = Plugin(settings=ConfidenceRuleSettings, make=ConfidenceRule)
