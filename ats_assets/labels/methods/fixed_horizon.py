"""The sign of the return over a fixed horizon, where it is large enough (López de Prado, Advances in Financial Machine Learning, 2018, section 3.2).

A decision after the close of session d is traded at the open of d+1 and left at the open of d+1+h, as `forward_returns` has it, halts and delistings included. The label is 1
where the return is above the threshold, -1 where it is below its negative, and 0 between. A threshold in volatility is so many times the daily volatility known at the decision
(`labels.daily_volatility`) times the square root of h: a fixed one would call nearly all labels of a calm year 0.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import numpy as np
import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pydantic import Field

from ats_assets.labels.daily_volatility import daily_returns, volatility_window
from ats_assets.labels.fixed_holding import held_positions, volatilities
from ats_assets.labels.label import ADJUSTMENTS, positions
from ats_assets.labels.price_panel import factor_matrix, price_factors, price_panel
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import KnownAfter, Positive, Section, TrainingSettings


class FixedHorizonSettings(Section):
    """A holding period, and what return counts as one."""

    horizon_sessions: Positive = Field(default=5, description="from the open of the entry to the open of the exit")
    unit: Literal["volatility", "returns"] = Field(
        default="volatility", description="of the threshold: multiples of the volatility, or a return"
    )
    threshold: float = Field(default=0.5, ge=0, allow_inf_nan=False, description="in that unit; 0: the sign of the return")
    volatility_span_sessions: int = Field(default=20, ge=2, description="span of the exponential weights: alpha = 2 / (span + 1)")
    min_returns: int = Field(default=10, ge=2, description="daily returns that the volatility needs at least: with fewer no label")


class FixedHorizons(pa.DataFrameModel):
    """Signs of returns, stored under the session at whose close they were known, sorted by (session, symbol)."""

    symbol: str = pa.Field(description="ticker at the decision, as in the bars")
    session: date = pa.Field(description="session at whose close the return was known: that of the exit")
    decision_session: date = pa.Field(description="session after whose close the position is decided on; the entry is the next open")
    horizon_sessions: pl.Int32 = pa.Field(ge=1, description="sessions from the open of the entry to the open of the exit")
    threshold: float = pa.Field(ge=0, description="as a return, known at the decision")
    label: pl.Int8 = pa.Field(isin=[1, -1, 0], description="1 above the threshold, -1 below its negative, 0 between")
    return_: float = pa.Field(alias="return", gt=-1, description="exit / entry - 1, in shares of one, before costs")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012


FIXED_HORIZON_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "decision_session": pl.Date,
        "horizon_sessions": pl.Int32,
        "threshold": pl.Float64,
        "label": pl.Int8,
        "return": pl.Float64,
    }
)


class FixedHorizonLabel:
    """Whether the return over a fixed number of sessions was large, and which way."""

    contract = FixedHorizons
    schema = FIXED_HORIZON_SCHEMA
    keys = ("symbol",)
    learnable = ("label", "return")

    def __init__(self, settings: FixedHorizonSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The holding period, and before it the window of the volatility."""
        of_volatility = volatility_window(self.settings.volatility_span_sessions) if self.settings.unit == "volatility" else 0
        back = self.settings.horizon_sessions + 1 + of_volatility
        return Needs(asset="bars", back=back), Needs(asset="corporate_actions", back=back - 1)

    def known_after(self, training: TrainingSettings) -> KnownAfter:  # noqa: ARG002 - the horizon is its own
        """At the close of the session of the exit."""
        return KnownAfter(first=self.settings.horizon_sessions + 1, last=self.settings.horizon_sessions + 1)

    def label(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """The signs that become known at each of the sessions, sorted by (session, symbol)."""
        settings, position = self.settings, positions(days, sessions)
        panel = price_panel(frames["bars"], days)
        factors = price_factors(frames[ADJUSTMENTS], panel.series, position)
        returns = daily_returns(panel, factor_matrix(frames[ADJUSTMENTS], panel, position))
        of_day = volatilities(
            returns,
            [position[session] - settings.horizon_sessions - 1 for session in sessions] if settings.unit == "volatility" else [],
            settings.volatility_span_sessions,
            settings.min_returns,
        )
        parts = [FIXED_HORIZON_SCHEMA.to_frame()]
        for session in sorted(set(sessions)):
            held = held_positions(panel, factors, known=position[session], horizon=settings.horizon_sessions)
            if held is None:
                continue
            limits = np.full(len(held.columns), settings.threshold)
            if settings.unit == "volatility":
                limits = settings.threshold * of_day[held.decision][held.columns] * np.sqrt(settings.horizon_sessions)
            columns = {
                "symbol": panel.symbols(held.decision, held.columns),
                "threshold": limits,
                "label": (held.returns > limits).astype(np.int8) - (held.returns < -limits).astype(np.int8),
                "return": held.returns,
            }
            known = pl.DataFrame(columns).filter(pl.col("threshold").is_finite()).sort("symbol")
            told = {"session": session, "decision_session": days[held.decision], "horizon_sessions": settings.horizon_sessions}
            parts.append(known.with_columns(pl.lit(v).alias(k) for k, v in told.items()).select(FIXED_HORIZON_SCHEMA.names()))
        return pl.concat(part.cast(FIXED_HORIZON_SCHEMA) for part in parts)

    def outcomes(self, rows: pl.DataFrame, training: TrainingSettings) -> pl.DataFrame:
        """The label, or the return."""
        y = pl.col(training.label_column or self.learnable[0]).cast(pl.Float64)
        return rows.select("symbol", "session", "decision_session", y=y)


PLUGIN = Plugin(
    settings=FixedHorizonSettings,
    make=FixedHorizonLabel,
    quick={"horizon_sessions": 2, "volatility_span_sessions": 3, "min_returns": 2},
)
