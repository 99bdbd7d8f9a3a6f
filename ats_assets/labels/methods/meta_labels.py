"""Meta-labels: whether a strategy's own signals were right (López de Prado, Advances in Financial Machine Learning, 2018, sections 3.6 and 3.7).

A primary strategy says on which side to be; a model that learns this label says how likely that is right, and so how much to bet, or whether at all. A signal after the close of
session d that is long or short is traded at the open of d+1, and followed as `labels.daily_barriers` does: on its own side, to a gain or a loss (in daily volatilities or returns), or
to the longest holding period. The label is 1 where it met the gain before the loss, and 0 where it did not; one that met neither is judged by its return (`vertical`).
What the strategy was flat in has no label: nothing was bet.

The signals are those that were stored for session d, as they were traded; the strategy may not ask the models that learn of it, which would be a circle.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pydantic import Field, model_validator

from ats_assets.labels.daily_barriers import EXITS, BarrierRules, BarrierUnit, daily_ends, require_returns
from ats_assets.labels.label import ADJUSTMENTS, SIDES_SCHEMA, signals_asset
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import KnownAfter, Name, Positive, Section, TrainingSettings

MET = {1: "gain", -1: "loss", 0: "vertical"}


class MetaLabelSettings(Section):
    """Whose signals are judged, and when their positions end."""

    strategy: Name = Field(default="momentum", description="the primary strategy: one of [strategies.<name>]")
    gain_multiple: float = Field(default=2.0, ge=0, allow_inf_nan=False, description="of the unit; 0: no such barrier")
    loss_multiple: float = Field(default=2.0, ge=0, allow_inf_nan=False, description="of the unit; 0: no such barrier")
    unit: BarrierUnit = Field(
        default="volatility", description="of the barriers: the daily volatility known at the decision, or the entry's price"
    )
    min_holding_sessions: Positive = Field(
        default=1, description="the session of the holding period, counted from 1, from which on a touch counts"
    )
    max_holding_sessions: Positive = Field(default=10, description="from the open of the entry to the open of the vertical barrier")
    vertical: Literal["return", "loss"] = Field(
        default="return", description="a position that met neither: judged by its return, or a loss"
    )
    volatility_span_sessions: int = Field(default=20, ge=2, description="span of the exponential weights: alpha = 2 / (span + 1)")
    min_returns: int = Field(default=10, ge=2, description="daily returns that the volatility needs at least: with fewer no label")
    min_volatility: float = Field(default=1e-4, ge=1e-9, description="a day; with no more, prices hardly move: no label")

    @model_validator(mode="after")
    def _returns_are_told(self) -> "MetaLabelSettings":
        require_returns(self, "gain_multiple", "loss_multiple")
        return self


class MetaLabels(pa.DataFrameModel):
    """Whether signals were right, stored under the session at whose close it was known, sorted by (session, decision_session, symbol)."""

    symbol: str = pa.Field(description="ticker at the decision, as in the signals")
    session: date = pa.Field(description="session at whose close the outcome was known: that of the exit")
    decision_session: date = pa.Field(description="session of the signal; the entry is the next open")
    horizon_sessions: pl.Int32 = pa.Field(ge=1, description="sessions from the open of the entry to the vertical barrier")
    side: pl.Int8 = pa.Field(isin=[1, -1], description="of the signal: 1 long, -1 short")
    volatility: float = pa.Field(gt=0, nullable=True, description="of a day, known at the decision; null where barriers are not in it")
    barrier: str = pa.Field(isin=[*MET.values()], description="what the position met first")
    label: pl.Int8 = pa.Field(isin=[0, 1], description="1 the side was right, 0 it was not")
    return_: float = pa.Field(
        alias="return", description="of the position, in shares of one, before costs: short ones gain where the price falls"
    )
    touched_session: date = pa.Field(description="session of the exit's price: with last_close that of the last bar, else `session`")
    exit: str = pa.Field(
        isin=[*EXITS],
        description="price of the exit; open: beyond a barrier, or the vertical one; last_close: no bar with volume at the vertical one",
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "decision_session", "symbol"]  # noqa: RUF012

    @pa.dataframe_check
    def _a_barrier_is_right_or_wrong(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        met = pl.when(pl.col("barrier") == "gain").then(1).when(pl.col("barrier") == "loss").then(0).otherwise("label")
        return data.lazyframe.select(met == pl.col("label"))


META_LABELS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "decision_session": pl.Date,
        "horizon_sessions": pl.Int32,
        "side": pl.Int8,
        "volatility": pl.Float64,
        "barrier": pl.String,
        "label": pl.Int8,
        "return": pl.Float64,
        "touched_session": pl.Date,
        "exit": pl.String,
    }
)


class MetaLabel:
    """Whether the signals of a primary strategy were right: 1 where the position on their side met its gain before its loss."""

    contract = MetaLabels
    schema = META_LABELS_SCHEMA
    keys = ("symbol", "decision_session")
    learnable = ("label", "return")

    def __init__(self, settings: MetaLabelSettings) -> None:
        self.settings = settings
        self._rules = BarrierRules(
            gain=settings.gain_multiple,
            loss=settings.loss_multiple,
            max_holding_sessions=settings.max_holding_sessions,
            min_holding_sessions=settings.min_holding_sessions,
            unit=settings.unit,
            volatility_span_sessions=settings.volatility_span_sessions,
            min_returns=settings.min_returns,
            min_volatility=settings.min_volatility,
        )

    @property
    def judges(self) -> str:
        """The strategy whose sides it says are right or not."""
        return self.settings.strategy

    def needs(self) -> tuple[Needs, ...]:
        """The signals of the longest holding period, its bars, and before it the window of the volatility."""
        back = self._rules.back
        signals = Needs(asset=signals_asset(self.settings.strategy), back=self.settings.max_holding_sessions + 1, lag=1)
        return Needs(asset="bars", back=back), Needs(asset="corporate_actions", back=back - 1), signals

    def known_after(self, training: TrainingSettings) -> KnownAfter:  # noqa: ARG002 - the horizon is its own
        """As the positions end."""
        return self._rules.known_after

    def label(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """What became of the signals, sorted by (session, decision_session, symbol)."""
        signals = frames[signals_asset(self.settings.strategy)].select(SIDES_SCHEMA.names()).filter(pl.col("direction") != "flat")
        sides = signals.select("symbol", "session", side=pl.when(pl.col("direction") == "long").then(1).otherwise(-1).cast(pl.Int8))
        ends = daily_ends(frames["bars"], days, sessions, self._rules, frames[ADJUSTMENTS], sides=sides)
        right = pl.col("met") == 1
        if self.settings.vertical == "return":
            right |= (pl.col("met") == 0) & (pl.col("return") > 0)
        made = ends.with_columns(
            horizon_sessions=pl.lit(self.settings.max_holding_sessions),
            barrier=pl.col("met").replace_strict(MET, return_dtype=pl.String),
            label=right,
        )
        return made.select(pl.col(name).cast(dtype) for name, dtype in META_LABELS_SCHEMA.items())

    def outcomes(self, rows: pl.DataFrame, training: TrainingSettings) -> pl.DataFrame:
        """The label, or the return of the position."""
        y = pl.col(training.label_column or self.learnable[0]).cast(pl.Float64)
        return rows.select("symbol", "session", "decision_session", y=y)


PLUGIN = Plugin(
    settings=MetaLabelSettings,
    make=MetaLabel,
    quick={"max_holding_sessions": 3, "volatility_span_sessions": 3, "min_returns": 2},
)
