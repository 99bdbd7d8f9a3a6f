"""The contracts of events, of their labels, of predictions for them, and of the trades that these make."""

from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

from ats_assets.events.bar_regimes import bar_regime_columns
from ats_assets.settings import BarRegimeSettings

_SYMBOL = "as in the ticks"
_BAR = "number of the bar, within symbol and session, at whose close it was decided"
_KNOWN = "when the decision was made: the close of its bar, UTC"
_SIDE = "1 long, -1 short"


class _Exactly(BaseConfig):
    """Exactly these columns, in this order."""

    strict = True
    ordered = True


class Events(pa.DataFrameModel):
    """Decisions inside a session, sorted by symbol, session, bar."""

    symbol: str = pa.Field(description=_SYMBOL)
    session: pl.Date = pa.Field(description="session of the decision")
    known_at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(description=_KNOWN)
    bar: pl.Int32 = pa.Field(ge=0, description=_BAR)
    direction: pl.Int8 = pa.Field(isin=[-1, 0, 1], description="which way the price had moved to it; 0 where every bar is an event")
    side: pl.Int8 = pa.Field(nullable=True, isin=[-1, 1], description=f"of the primary rule: {_SIDE}; null without one")

    class Config(_Exactly):
        """One event a bar."""

        unique = ["session", "symbol", "bar"]  # noqa: RUF012


class EventLabels(pa.DataFrameModel):
    """What became of events, under the session in which that was known, sorted by symbol, decision session, bar."""

    symbol: str = pa.Field(description=_SYMBOL)
    session: pl.Date = pa.Field(description="session in which the position ended")
    decision_session: pl.Date = pa.Field(description="session of the decision")
    bar: pl.Int32 = pa.Field(ge=0, description=_BAR)
    decided_at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(description=_KNOWN)
    known_at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(
        description="when the outcome was known: the close of the bar in which the position ended"
    )
    label: pl.Int8 = pa.Field(isin=[-1, 0, 1], description="1: the gain was met first, -1: the loss, 0: neither")
    return_: float = pa.Field(alias="return", gt=-1, description="of the position, before costs; a long one where there is no side")
    touched_at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(description="when the position was left")
    barrier: str = pa.Field(isin=["gain", "loss", "vertical"], description="what it met")
    holding_bars: pl.Int32 = pa.Field(ge=0, description="bars from the entry on")
    side: pl.Int8 = pa.Field(nullable=True, isin=[-1, 1], description=f"{_SIDE}; null: the label says which way the price went")
    volatility: float = pa.Field(nullable=True, description="of a bar's return, as known at the decision")
    entry_price: float = pa.Field(gt=0, description="in the quote currency")
    exit_price: float = pa.Field(gt=0, description="in the quote currency")
    exit: str = pa.Field(isin=["barrier", "open", "last_close"], description="the price at which it was left")

    class Config(_Exactly):
        """One label an event."""

        unique = ["decision_session", "symbol", "bar"]  # noqa: RUF012

    @pa.dataframe_check
    def known_after_decided(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Nothing is known before it is decided."""
        return data.lazyframe.select(pl.col("decided_at") <= pl.col("known_at"))


class EventPredictions(pa.DataFrameModel):
    """What the active model of the session before says of events, sorted by symbol, session, bar. No active model: no rows."""

    symbol: str = pa.Field(description=_SYMBOL)
    session: pl.Date = pa.Field(description="session of the decision")
    known_at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(description=_KNOWN)
    bar: pl.Int32 = pa.Field(ge=0, description=_BAR)
    side: pl.Int8 = pa.Field(isin=[-1, 1], description=f"{_SIDE}: the model's own, or the one that it judges")
    score: float = pa.Field(description="of the model: of a rise, or that the side judged gains")
    probability: float = pa.Field(ge=0, le=1, description="that a position on that side gains")
    model_session: pl.Date = pa.Field(description="session at which the model was fitted; before `session`")

    class Config(_Exactly):
        """One prediction an event."""

        unique = ["session", "symbol", "bar"]  # noqa: RUF012

    @pa.dataframe_check
    def fitted_before(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        """No model predicts the session that it was fitted at."""
        return data.lazyframe.select(pl.col("model_session") < pl.col("session"))


class EventTrades(pa.DataFrameModel):
    """The positions of a backtest of events, sorted by decision, symbol. Of a symbol there is one at a time."""

    symbol: str = pa.Field(description=_SYMBOL)
    session: pl.Date = pa.Field(description="session of the decision")
    side: pl.Int8 = pa.Field(isin=[-1, 1], description=_SIDE)
    decided_at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(description=_KNOWN)
    entered_at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(description="first tick of the next bar")
    left_at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(description="when it was left")
    entry_price: float = pa.Field(gt=0, description="in the quote currency, without costs")
    exit_price: float = pa.Field(gt=0, description="in the quote currency, without costs")
    return_gross: float = pa.Field(description="of the position, in shares of the entry's price")
    cost: float = pa.Field(ge=0, description="of both ways, in the same")
    spread_known: bool = pa.Field(description="whether a bar of the entry or of the exit has a quoted spread; else none is in the cost")
    return_net: float = pa.Field(description="the difference")
    probability: float = pa.Field(ge=0, le=1, description="that the model gave it")
    barrier: str = pa.Field(isin=["gain", "loss", "vertical"], description="what ended it")
    holding_bars: pl.Int32 = pa.Field(ge=0, description="bars from the entry on")

    class Config(_Exactly):
        """Exactly these."""


def bar_regimes_contract(settings: BarRegimeSettings) -> pa.DataFrameSchema:
    """Regimes of bars, as far as they were known, sorted by session, symbol, bar; NaN before there is an estimation."""
    features = {name: pa.Column(pl.Float32, nullable=True, description=text) for name, text in bar_regime_columns(settings).items()}
    keys = {
        "symbol": pa.Column(pl.String, description=_SYMBOL),
        "session": pa.Column(pl.Date, description="session of the bar"),
        "known_at": pa.Column(pl.Datetime("ns", "UTC"), description="from when on the row is known, UTC"),
    }
    return pa.DataFrameSchema({**keys, **features}, name="bar_regimes", strict=True, ordered=True)
