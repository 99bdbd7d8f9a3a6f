"""What a position of a stated size earns in dollars, net of its costs: the expected profit is what a model of it predicts.

A decision after the close of session d is traded at the open of d+1, for `notional` dollars, and left at the open of d+1+h, as `forward_returns` has it. Of each of the two trades
half of the spread and the fees are paid on its own value, and an impact by the square-root law (Tóth et al., Physical Review X 1, 2011):

    profit(long)  =  notional * return - cost        profit(short)  =  -notional * return - cost
    cost          =  (notional + notional * (1 + return)) * ((spread_bps / 2 + fee_bps) / 10^4 + impact)  +  2 * fee
    impact        =  impact_coefficient * volatility * sqrt(notional / dollars traded in a session)

Volatility is that of a day and the dollars traded are the mean of the last `volume_sessions` sessions with volume, both as they were known at the decision; who would trade more than
`max_participation` of these can't, and has no label. The label is 1 where the long position earns something after costs, -1 where the short one does, and 0 where neither does: most
moves are smaller than what it costs to trade them.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandera.polars as pa
import polars as pl
from numpy.typing import NDArray
from pandera.api.polars.model_config import BaseConfig
from pydantic import Field

from ats_assets.labels.daily_volatility import daily_returns, volatility_window
from ats_assets.labels.fixed_holding import HeldPositions, held_positions, volatilities
from ats_assets.labels.label import ADJUSTMENTS, positions
from ats_assets.labels.price_panel import Floats, PricePanel, factor_matrix, price_factors, price_panel
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import Bps, KnownAfter, Positive, Section, TrainingSettings


class DollarProfitSettings(Section):
    """How large a position is, how long it is held, and what its trades cost."""

    notional: float = Field(default=10_000.0, gt=0, allow_inf_nan=False, description="dollars of the entry, in the prices' currency")
    horizon_sessions: Positive = Field(default=5, description="from the open of the entry to the open of the exit")
    spread_bps: Bps = Field(default=4.0, description="full spread; half of it is paid on each trade")
    fee_bps: Bps = Field(default=1.0, description="of the value of each trade")
    fee: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="dollars for each trade, whatever its value")
    impact_coefficient: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="of the square-root law; 0: no impact")
    volume_sessions: Positive = Field(default=20, description="that the dollars traded in a session are the mean of")
    max_participation: float = Field(default=0.1, gt=0, le=1, description="of the dollars traded in a session; more is no position")
    volatility_span_sessions: int = Field(default=20, ge=2, description="span of the exponential weights: alpha = 2 / (span + 1)")
    min_returns: int = Field(default=10, ge=2, description="daily returns that the volatility needs at least: with fewer no label")


class DollarProfits(pa.DataFrameModel):
    """Profits of positions, stored under the session at whose close they were known, sorted by (session, symbol)."""

    symbol: str = pa.Field(description="ticker at the decision, as in the bars")
    session: date = pa.Field(description="session at whose close the profit was known: that of the exit")
    decision_session: date = pa.Field(description="session after whose close the position is decided on; the entry is the next open")
    horizon_sessions: pl.Int32 = pa.Field(ge=1, description="sessions from the open of the entry to the open of the exit")
    profit: float = pa.Field(description="of a long position, in dollars after costs")
    short_profit: float = pa.Field(description="of a short position, in dollars after costs, without the fee of borrowing")
    cost: float = pa.Field(ge=0, description="of both trades, in dollars")
    label: pl.Int8 = pa.Field(isin=[1, -1, 0], description="1 where a long position earns something, -1 where a short one does, else 0")
    return_: float = pa.Field(alias="return", gt=-1, description="exit / entry - 1, in shares of one, before costs")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012


DOLLAR_PROFIT_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "decision_session": pl.Date,
        "horizon_sessions": pl.Int32,
        "profit": pl.Float64,
        "short_profit": pl.Float64,
        "cost": pl.Float64,
        "label": pl.Int8,
        "return": pl.Float64,
    }
)


class DollarProfitLabel:
    """What a position of a stated size earns in dollars after spread, fees and impact."""

    contract = DollarProfits
    schema = DOLLAR_PROFIT_SCHEMA
    keys = ("symbol",)
    learnable = ("profit", "label", "return")

    def __init__(self, settings: DollarProfitSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The holding period, and before it the windows of volatility and volume."""
        before = max(volatility_window(self.settings.volatility_span_sessions), self.settings.volume_sessions - 1)
        back = self.settings.horizon_sessions + 1 + before
        return Needs(asset="bars", back=back), Needs(asset="corporate_actions", back=back - 1)

    def known_after(self, training: TrainingSettings) -> KnownAfter:  # noqa: ARG002 - the horizon is its own
        """At the close of the session of the exit."""
        return KnownAfter(first=self.settings.horizon_sessions + 1, last=self.settings.horizon_sessions + 1)

    def label(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """The profits that become known at each of the sessions, sorted by (session, symbol)."""
        position, horizon = positions(days, sessions), self.settings.horizon_sessions
        panel = price_panel(frames["bars"], days, ("open", "close", "volume"))
        factors = price_factors(frames[ADJUSTMENTS], panel.series, position)
        returns = daily_returns(panel, factor_matrix(frames[ADJUSTMENTS], panel, position))
        decisions = [position[session] - horizon - 1 for session in sessions]
        of_day = volatilities(returns, decisions, self.settings.volatility_span_sessions, self.settings.min_returns)
        parts = [DOLLAR_PROFIT_SCHEMA.to_frame()]
        for session in sorted(set(sessions)):
            held = held_positions(panel, factors, known=position[session], horizon=horizon)
            if held is not None:
                rows = self._profits(panel, held, of_day[held.decision][held.columns]).sort("symbol")
                told = {"session": session, "decision_session": days[held.decision], "horizon_sessions": horizon}
                parts.append(rows.with_columns(pl.lit(v).alias(k) for k, v in told.items()).select(DOLLAR_PROFIT_SCHEMA.names()))
        return pl.concat(part.cast(DOLLAR_PROFIT_SCHEMA) for part in parts)

    def outcomes(self, rows: pl.DataFrame, training: TrainingSettings) -> pl.DataFrame:
        """The profit, the label or the return."""
        y = pl.col(training.label_column or self.learnable[0]).cast(pl.Float64)
        return rows.select("symbol", "session", "decision_session", y=y)

    def _profits(self, panel: PricePanel, held: HeldPositions, of_day: Floats) -> pl.DataFrame:
        settings = self.settings
        share = settings.notional / dollars_traded(panel, held.decision, settings.volume_sessions)[held.columns]
        rate = (settings.spread_bps / 2 + settings.fee_bps) / 1e4 + settings.impact_coefficient * of_day * np.sqrt(share)
        cost = settings.notional * (2.0 + held.returns) * rate + 2 * settings.fee
        gross = settings.notional * held.returns
        profit, short = gross - cost, -gross - cost
        columns = {
            "symbol": panel.symbols(held.decision, held.columns),
            "profit": profit,
            "short_profit": short,
            "cost": cost,
            "label": (profit > 0).astype(np.int8) - (short > 0).astype(np.int8),
            "return": held.returns,
        }
        possible: NDArray[np.bool_] = np.isfinite(cost) & (share <= settings.max_participation)
        return pl.DataFrame(columns).filter(pl.Series(possible))


def dollars_traded(panel: PricePanel, row: int, sessions: int) -> Floats:
    """The mean of close times volume over the last sessions up to a row that had volume, of shape (n_series,); NaN where none had.

    Dollars need no corporate actions taken out: a split changes price and volume alike.
    """
    total, count = np.zeros(panel.traded.shape[1]), np.zeros(panel.traded.shape[1])
    for at in range(row, max(-1, row - sessions), -1):
        total += np.where(panel.traded[at], panel.prices["close"][at] * panel.prices["volume"][at], 0.0)
        count += panel.traded[at]
    with np.errstate(invalid="ignore"):
        return total / count


PLUGIN = Plugin(
    settings=DollarProfitSettings,
    make=DollarProfitLabel,
    quick={"horizon_sessions": 2, "volatility_span_sessions": 3, "min_returns": 2, "volume_sessions": 2},
)
