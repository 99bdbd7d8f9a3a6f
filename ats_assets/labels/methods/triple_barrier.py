"""The triple barrier: which of three ends a position came to first (López de Prado, Advances in Financial Machine Learning, 2018, section 3.4).

A decision after the close of session d is traded at the open of d+1. From there on there are three barriers, in prices of which corporate actions are taken out:

    upper     open[d+1] * (1 + upper_multiple * unit)
    lower     open[d+1] * (1 - lower_multiple * unit)
    vertical  the open of d+1+max_holding_sessions

The unit is the volatility of a day as it was known at the decision (`ats_assets.labels.daily_volatility`, after the book's snippet 3.1), or with `unit = "returns"` 1: then the
multiples are returns. How a position is followed is said in `labels.daily_barriers`:

1. A session that opens beyond a barrier ends the position at its open: nobody was filled at the barrier.
2. Else the lower barrier is touched where the low is at or below it, and the upper one where the high is at or above it; the exit is at the barrier's price. A daily bar
   does not say which came first: where both were touched, it is the lower one, the worse for a long position.
3. What has touched neither in the `max_holding_sessions` sessions from the entry on leaves at the next open, wherever that is: the vertical barrier.

The label is 1, -1 or 0. It is known at the close of the session of the exit, d+1 at the earliest and d+1+max_holding_sessions at the latest, and stored there. A training
window counts on the latest: of the newest decisions only those with a quick end are known, which are no fair sample of all.

As with forward returns, a bar without volume is one that nobody traded on: it touches nothing, decides and buys nothing. What can't be sold at the vertical barrier is
worth its last close since the entry (`exit` = "last_close"), so that what was delisted keeps its label.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pydantic import Field, model_validator

from ats_assets.labels.daily_barriers import EXITS, BarrierRules, BarrierUnit, daily_ends, require_returns
from ats_assets.labels.label import ADJUSTMENTS
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import KnownAfter, Positive, Section, TrainingSettings

BARRIERS = {1: "upper", -1: "lower", 0: "vertical"}


class TripleBarrierSettings(Section):
    """Barriers in multiples of the daily volatility or in returns, and the longest holding period."""

    upper_multiple: float = Field(default=2.0, ge=0, allow_inf_nan=False, description="of the unit; 0: no upper barrier")
    lower_multiple: float = Field(default=2.0, ge=0, allow_inf_nan=False, description="of the unit; 0: no lower barrier")
    unit: BarrierUnit = Field(
        default="volatility", description="of the barriers: the daily volatility known at the decision, or the entry's price"
    )
    min_holding_sessions: Positive = Field(
        default=1, description="the session of the holding period, counted from 1, from which on a touch counts"
    )
    max_holding_sessions: Positive = Field(default=10, description="from the open of the entry to the open of the vertical barrier")
    volatility_span_sessions: int = Field(default=20, ge=2, description="span of the exponential weights: alpha = 2 / (span + 1)")
    min_returns: int = Field(default=10, ge=2, description="daily returns that the volatility needs at least: with fewer no label")
    min_volatility: float = Field(default=1e-4, ge=1e-9, description="a day; with no more, prices hardly move: no label")

    @model_validator(mode="after")
    def _returns_are_told(self) -> "TripleBarrierSettings":
        require_returns(self, "upper_multiple", "lower_multiple")
        return self


class TripleBarriers(pa.DataFrameModel):
    """Ends of positions, stored under the session at whose close they were known, sorted by (session, decision_session, symbol)."""

    symbol: str = pa.Field(description="ticker at the decision, as in the bars")
    session: date = pa.Field(description="session at whose close the outcome was known: that of the exit")
    decision_session: date = pa.Field(description="session after whose close the position is decided on; the entry is the next open")
    horizon_sessions: pl.Int32 = pa.Field(ge=1, description="sessions from the open of the entry to the vertical barrier")
    volatility: float = pa.Field(gt=0, nullable=True, description="of a day, known at the decision; null where barriers are not in it")
    barrier: str = pa.Field(isin=[*BARRIERS.values()], description="the barrier that was met first")
    label: pl.Int8 = pa.Field(isin=[*BARRIERS], description="1 upper, -1 lower, 0 vertical")
    return_: float = pa.Field(alias="return", gt=-1, description="exit / entry - 1, in shares of one, before costs")
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
    def _decided_before_known(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        return data.lazyframe.select(
            (pl.col("decision_session") < pl.col("touched_session")) & (pl.col("touched_session") <= pl.col("session"))
        )

    @pa.dataframe_check
    def _the_return_has_the_labels_sign(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        return data.lazyframe.select((pl.col("label") == 0) | (pl.col("return").sign() == pl.col("label")))


TRIPLE_BARRIER_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "decision_session": pl.Date,
        "horizon_sessions": pl.Int32,
        "volatility": pl.Float64,
        "barrier": pl.String,
        "label": pl.Int8,
        "return": pl.Float64,
        "touched_session": pl.Date,
        "exit": pl.String,
    }
)


class TripleBarrierLabel:
    """Which of three barriers a position met first: a gain or a loss of so many daily volatilities, or the longest holding period."""

    contract = TripleBarriers
    schema = TRIPLE_BARRIER_SCHEMA
    keys = ("symbol", "decision_session")
    learnable = ("label", "return")

    def __init__(self, settings: TripleBarrierSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The longest holding period, and before it the window of the volatility."""
        back = rules_of(self.settings).back
        return Needs(asset="bars", back=back), Needs(asset="corporate_actions", back=back - 1)

    def known_after(self, training: TrainingSettings) -> KnownAfter:  # noqa: ARG002 - the horizon is its own
        """As the positions end."""
        return rules_of(self.settings).known_after

    def label(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """See `triple_barriers`."""
        return triple_barriers(frames["bars"], days, sessions, self.settings, frames[ADJUSTMENTS])

    def outcomes(self, rows: pl.DataFrame, training: TrainingSettings) -> pl.DataFrame:
        """The label, or the return."""
        y = pl.col(training.label_column or self.learnable[0]).cast(pl.Float64)
        return rows.select("symbol", "session", "decision_session", y=y)


def triple_barriers(
    bars: pl.DataFrame,
    calendar_sessions: Sequence[date],
    sessions: Sequence[date],
    settings: TripleBarrierSettings,
    adjustments: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The ends that become known at each of `sessions`.

    Parameters
    ----------
    bars
        symbol, perhaps instrument, session, open, high, low, close, volume; unique by (symbol, session), in any order. Rows outside `calendar_sessions` are not looked at.
    calendar_sessions
        Consecutive sessions of the calendar in order, from `rules_of(settings).back` before the first of `sessions` (or the calendar's first)
        to the last of them.
    sessions
        The sessions to make, each one of `calendar_sessions`.
    adjustments
        symbol (instrument, where the bars have it), session, and the factor `price` by which prices before that session are multiplied; one row a key. Default: none.

    Returns
    -------
    polars.DataFrame
        The contract `TripleBarriers`, sorted by (session, decision_session, symbol).

    Raises
    ------
    CalendarError
        If one of `sessions` is not one of `calendar_sessions`.
    ContractError
        If a bar is there twice.
    """
    ends = daily_ends(bars, calendar_sessions, sessions, rules_of(settings), adjustments)
    made = ends.with_columns(
        horizon_sessions=pl.lit(settings.max_holding_sessions),
        barrier=pl.col("met").replace_strict(BARRIERS, return_dtype=pl.String),
        label="met",
    )
    return made.select(pl.col(name).cast(dtype) for name, dtype in TRIPLE_BARRIER_SCHEMA.items())


def rules_of(settings: TripleBarrierSettings) -> BarrierRules:
    """The barriers of a long position: the upper one is its gain, the lower one its loss."""
    return BarrierRules(
        gain=settings.upper_multiple,
        loss=settings.lower_multiple,
        max_holding_sessions=settings.max_holding_sessions,
        min_holding_sessions=settings.min_holding_sessions,
        unit=settings.unit,
        volatility_span_sessions=settings.volatility_span_sessions,
        min_returns=settings.min_returns,
        min_volatility=settings.min_volatility,
    )


PLUGIN = Plugin(
    settings=TripleBarrierSettings,
    make=TripleBarrierLabel,
    quick={"max_holding_sessions": 3, "volatility_span_sessions": 3, "min_returns": 2},
)
