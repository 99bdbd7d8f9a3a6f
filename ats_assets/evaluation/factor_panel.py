"""Features and what came of them, laid out as matrices of shape (n_sessions, n_series)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.errors import ContractError
from ats_assets.evaluation.session_statistics import Centred, Mask, Matrix, centred, session_ranks


@dataclass(frozen=True, kw_only=True)
class FactorPanel:
    """Where the rows of features lie: sessions of the exchange in a row, and series that stay when a ticker changes."""

    days: Sequence[date]
    n_series: int
    place: NDArray[np.int64]
    """Of each row of the features, in the flattened matrix."""

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrices."""
        return len(self.days), self.n_series

    def matrix(self, values: pl.Series) -> Matrix:
        """The values of the rows, float64; NaN where there is no row, and where a value is missing or infinite."""
        found = np.full(self.shape, np.nan)
        numbers = values.cast(pl.Float64).to_numpy()
        found.reshape(-1)[self.place] = np.where(np.isfinite(numbers), numbers, np.nan)
        return found


@dataclass(frozen=True, kw_only=True)
class HorizonOutcomes:
    """Forward returns over one horizon of the decisions of each session, NaN where there is none."""

    horizon_sessions: int
    returns: Matrix

    @cached_property
    def there(self) -> Mask:
        """Which decisions have an outcome."""
        return ~np.isnan(self.returns)

    @cached_property
    def own(self) -> Centred:
        """The returns less the mean of their session."""
        return centred(self.returns)

    @cached_property
    def ranked(self) -> Centred:
        """The same of their ranks."""
        return centred(session_ranks(self.returns))


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Forward returns by horizon, the shortest first."""

    horizons: Sequence[HorizonOutcomes]

    @cached_property
    def products(self) -> Matrix:
        """What a feature is multiplied by: of each horizon the centred ranks, the centred returns, the returns, and 1 where there is one.

        Of shape (n_sessions, n_series, 4 * n_horizons).
        """
        parts = (
            (one.ranked.values, one.own.values, np.where(one.there, one.returns, 0.0), one.there.astype(np.float64))
            for one in self.horizons
        )
        return np.stack([matrix for of_one in parts for matrix in of_one], axis=2)


def factor_panel(rows: pl.DataFrame, days: Sequence[date]) -> FactorPanel:
    """The place of each row of features.

    Parameters
    ----------
    rows
        symbol, session, perhaps instrument; one row a symbol and session, each session one of `days`.
    days
        Every session of the exchange from the first to the last.

    Raises
    ------
    ContractError
        If a row is there twice.
    """
    key = INSTRUMENT if INSTRUMENT in rows.columns else "symbol"
    series = rows[key].unique().sort()
    calendar = pl.Series(days, dtype=pl.Date)
    place = calendar.search_sorted(rows["session"]).to_numpy().astype(np.int64) * len(series) + series.search_sorted(rows[key]).to_numpy()
    if len(np.unique(place)) < len(place):
        twice = rows.filter(rows.select(key, "session").is_duplicated()).row(0, named=True)
        raise ContractError(f"{twice['symbol']} has more than one row at {twice['session']}: materialise the features again")
    return FactorPanel(days=days, n_series=len(series), place=place)


def known_outcomes(panel: FactorPanel, rows: pl.DataFrame, forward_returns: pl.DataFrame, horizons: Sequence[int]) -> Outcomes:
    """The forward returns of the rows, by horizon, which are ascending.

    Parameters
    ----------
    rows
        Those that the panel was made of.
    forward_returns
        symbol (as of the decision), decision_session, horizon_sessions, forward_return: of what is known, and nothing later.
    """
    placed = rows.select("symbol", decision_session="session").with_columns(place=pl.Series(panel.place))
    known = forward_returns.select("symbol", "decision_session", "horizon_sessions", "forward_return")
    found = known.join(placed, on=["symbol", "decision_session"], how="inner")
    by_horizon: Mapping[int, pl.DataFrame] = {int(key[0]): part for key, part in found.group_by("horizon_sessions")}  # pyright: ignore[reportArgumentType]
    made = []
    for horizon in horizons:
        returns = np.full(panel.shape, np.nan)
        if horizon in by_horizon:
            returns.reshape(-1)[by_horizon[horizon]["place"].to_numpy()] = by_horizon[horizon]["forward_return"].to_numpy()
        made.append(HorizonOutcomes(horizon_sessions=horizon, returns=returns))
    return Outcomes(horizons=made)
