"""Trend-scanning: whether a trend begins at a decision, and which way it goes (López de Prado, Machine Learning for Asset Managers, 2020, section 5.4).

From the close of the decision's session d on, a straight line is fitted to the closes up to d+h for each h from `min_horizon_sessions` to `max_horizon_sessions`. The horizon whose slope has
the t-value farthest from zero is the trend; its sign is the label, and the t-value says how sure it is. What is below `min_t` is no trend: 0. Corporate actions are taken out of the
closes; a session without volume has none.

Which horizon it is, is known when all have been seen: at the close of d + max_horizon_sessions, whichever it is. What was delisted keeps its label, from the closes that it had, if they are three.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pydantic import Field, model_validator

from ats_assets.labels.label import ADJUSTMENTS, positions
from ats_assets.labels.price_panel import factor_matrix, price_panel
from ats_assets.labels.trend import scanned_trends
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import KnownAfter, Section, TrainingSettings


class TrendScanningSettings(Section):
    """The horizons that are scanned, and what t-value counts as a trend."""

    min_horizon_sessions: int = Field(default=5, ge=2, description="the shortest trend, from the decision's close on")
    max_horizon_sessions: int = Field(default=20, ge=2, description="the longest one; the label is known then")
    min_t: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="a t-value nearer to zero is no trend")

    @model_validator(mode="after")
    def _shortest_before_longest(self) -> "TrendScanningSettings":
        if self.min_horizon_sessions > self.max_horizon_sessions:
            raise ValueError(
                f"min_horizon_sessions ({self.min_horizon_sessions}) is above max_horizon_sessions ({self.max_horizon_sessions})"
            )
        return self


class TrendScans(pa.DataFrameModel):
    """Trends, stored under the session at whose close they were known, sorted by (session, symbol)."""

    symbol: str = pa.Field(description="ticker at the decision, as in the bars")
    session: date = pa.Field(description="session at whose close all horizons were known")
    decision_session: date = pa.Field(description="session at whose close the trend begins")
    horizon_sessions: pl.Int32 = pa.Field(ge=2, description="sessions that the trend goes over")
    t_value: float = pa.Field(description="of the line's slope; of closes on a line a million times sqrt(n - 2)")
    label: pl.Int8 = pa.Field(isin=[1, -1, 0], description="1 up, -1 down, 0 no trend")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012


TREND_SCANNING_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "decision_session": pl.Date,
        "horizon_sessions": pl.Int32,
        "t_value": pl.Float64,
        "label": pl.Int8,
    }
)


class TrendScanningLabel:
    """The direction of the trend that begins at a decision, by the t-value of the line that fits best."""

    contract = TrendScans
    schema = TREND_SCANNING_SCHEMA
    keys = ("symbol",)
    learnable = ("label", "t_value")

    def __init__(self, settings: TrendScanningSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The longest horizon."""
        back = self.settings.max_horizon_sessions
        return Needs(asset="bars", back=back), Needs(asset="corporate_actions", back=back - 1)

    def known_after(self, training: TrainingSettings) -> KnownAfter:  # noqa: ARG002 - the horizons are its own
        """When all horizons are known."""
        return KnownAfter(first=self.settings.max_horizon_sessions, last=self.settings.max_horizon_sessions)

    def label(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """The trends that become known at each of the sessions, sorted by (session, symbol)."""
        settings, position = self.settings, positions(days, sessions)
        panel = price_panel(frames["bars"], days, ("close",))
        known = [day for day in sorted(set(sessions)) if position[day] >= settings.max_horizon_sessions]
        rows = np.array([position[day] - settings.max_horizon_sessions for day in known], dtype=np.int64)
        closes = np.where(panel.traded, panel.prices["close"], np.nan)
        factors = factor_matrix(frames[ADJUSTMENTS], panel, position)
        t, over = scanned_trends.compiled(closes, factors, rows, settings.min_horizon_sessions, settings.max_horizon_sessions)
        i, j = np.nonzero(over)
        found = t[i, j]
        calendar = pl.Series(days, dtype=pl.Date)
        columns = {
            "symbol": panel.symbols(rows[i], j),
            "session": calendar.gather(rows[i] + settings.max_horizon_sessions),
            "decision_session": calendar.gather(rows[i]),
            "horizon_sessions": over[i, j],
            "t_value": found,
            "label": np.where(np.abs(found) >= settings.min_t, np.sign(found), 0.0),
        }
        made = pl.DataFrame({name: pl.Series(name, columns[name]).cast(dtype) for name, dtype in TREND_SCANNING_SCHEMA.items()})
        return made.sort("session", "symbol")

    def outcomes(self, rows: pl.DataFrame, training: TrainingSettings) -> pl.DataFrame:
        """The label, or the t-value."""
        y = pl.col(training.label_column or self.learnable[0]).cast(pl.Float64)
        return rows.select("symbol", "session", "decision_session", y=y)


PLUGIN = Plugin(settings=TrendScanningSettings, make=TrendScanningLabel, quick={"min_horizon_sessions": 2, "max_horizon_sessions": 4})
