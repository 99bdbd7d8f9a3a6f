"""Forward returns: what a position decided on at a session's close earned from the next open on.

A decision after the close of session d is traded at the open of d+1 and held for h sessions, to the open of d+1+h:

    forward_return = open[d+1+h] / open[d+1] - 1

The price of the entry is scaled by the corporate actions in between, those with an ex-session after the entry up to the exit (`corporate_actions/adjustment.py`), which are
all known when the return is: a split is no return, and a dividend is one. A change of name in between changes nothing: the label has the symbol of its decision.

A bar without volume has a price that nobody traded at. What could not be traded is treated as the backtest treats it: nothing is decided or bought there, so that
there is no label, and nothing is sold there, so that the position is worth what it was marked at, the last close before.

It is known at the close of D = d+1+h and is stored there, never under d. So whoever reads partitions up to D sees no label whose holding period
has not ended, and purging (López de Prado, Advances in Financial Machine Learning, 2018, section 7.4.1) needs no code of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.labels.contracts import ForwardReturns
from ats_assets.labels.fixed_holding import held_positions
from ats_assets.labels.label import ADJUSTMENTS, positions
from ats_assets.labels.price_panel import price_factors, price_panel
from ats_assets.labels.schema import FORWARD_RETURNS_SCHEMA
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import ForwardReturnsSettings, KnownAfter, TrainingSettings


class ForwardReturnLabel:
    """Returns from the open after a decision to the open some sessions later, raw and ranked, stored at the session at which they become known."""

    contract = ForwardReturns
    schema = FORWARD_RETURNS_SCHEMA
    keys = ("symbol", "horizon_sessions")
    learnable = ("forward_return",)

    def __init__(self, settings: ForwardReturnsSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """Bars from the decision of the longest horizon on, corporate actions from after its entry on."""
        back = lookback_sessions(self.settings)
        return Needs(asset="bars", back=back), Needs(asset="corporate_actions", back=back - 2)

    def known_after(self, training: TrainingSettings) -> KnownAfter:
        """The entry is a session after the decision, and the exit `training.horizon_sessions` after that."""
        return KnownAfter(first=training.horizon_sessions + 1, last=training.horizon_sessions + 1)

    def label(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """See `forward_returns`."""
        return forward_returns(frames["bars"], days, sessions, self.settings, frames[ADJUSTMENTS])

    def outcomes(self, rows: pl.DataFrame, training: TrainingSettings) -> pl.DataFrame:
        """The returns over `training.horizon_sessions`."""
        own = rows.filter(pl.col("horizon_sessions") == training.horizon_sessions)
        return own.select("symbol", "session", "decision_session", y="forward_return")


def lookback_sessions(settings: ForwardReturnsSettings) -> int:
    """How many sessions before D its labels reach back to: the decision of the longest horizon."""
    return max(settings.horizons_sessions) + 1


def forward_returns(
    bars: pl.DataFrame,
    calendar_sessions: Sequence[date],
    sessions: Sequence[date],
    settings: ForwardReturnsSettings,
    adjustments: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The forward returns that become known at each of `sessions`, for every horizon.

    A label needs a bar with volume at its decision (without one nothing was decided) and at its entry (without one nothing was bought). It needs none at its
    exit: what can't be sold there leaves at its last close since the entry (`exit` = "last_close"); to leave it out would keep
    survivors only. Horizons that reach back before `calendar_sessions` have no rows.

    Parameters
    ----------
    bars
        symbol, perhaps instrument, session, open, close, volume; unique by (symbol, session), in any order. Rows outside `calendar_sessions` are not looked at. A
        position is in an instrument, where there is that column.
    calendar_sessions
        Consecutive sessions of the calendar in order, from `lookback_sessions(settings)` before the first of `sessions` (or the calendar's
        first) to the last of them.
    sessions
        The sessions to make, each one of `calendar_sessions`.
    settings
        The horizons, in sessions.
    adjustments
        symbol (instrument, where the bars have it), session, and the factor `price` by which prices before that session are multiplied; one row a key. Default: none.

    Returns
    -------
    polars.DataFrame
        The contract `ForwardReturns`, sorted by (session, horizon_sessions, symbol).

    Raises
    ------
    CalendarError
        If one of `sessions` is not one of `calendar_sessions`.
    ContractError
        If a bar is there twice.
    """
    position = positions(calendar_sessions, sessions)
    panel = price_panel(bars, calendar_sessions)
    factors = price_factors(adjustments, panel.series, position)
    parts = [pl.DataFrame(schema=FORWARD_RETURNS_SCHEMA)]
    for session in sorted(set(sessions)):
        for horizon in sorted(set(settings.horizons_sessions)):
            if held := held_positions(panel, factors, known=position[session], horizon=horizon):
                rows = _rows(panel.symbols(held.decision, held.columns), held.returns, held.at_open, horizon=horizon)
                parts.append(rows.with_columns(session=pl.lit(session), decision_session=pl.lit(calendar_sessions[held.decision])))
    percentile = pl.col("forward_return").rank("average") / pl.len()
    return pl.concat(parts).with_columns(rank=percentile.over("session", "horizon_sessions"))


def _rows(symbols: pl.Series, returns: np.ndarray, at_open: np.ndarray, *, horizon: int) -> pl.DataFrame:
    """The rows of one session and horizon by symbol; the sessions and the rank are filled in later."""
    return (
        pl.DataFrame({"symbol": symbols, "forward_return": returns, "at_open": at_open})
        .sort("symbol")
        .select(
            "symbol",
            pl.lit(None, pl.Date).alias("session"),
            pl.lit(None, pl.Date).alias("decision_session"),
            pl.lit(horizon, pl.Int32).alias("horizon_sessions"),
            "forward_return",
            pl.lit(None, pl.Float64).alias("rank"),
            pl.when("at_open").then(pl.lit("open")).otherwise(pl.lit("last_close")).alias("exit"),
        )
    )


PLUGIN = Plugin(settings=ForwardReturnsSettings, make=ForwardReturnLabel)
