"""What a model of impact is given in a backtest and on paper: the market as it was known before each session, session by session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.impact.impact_model import ImpactMarket, ImpactModel, model_terms
from ats_assets.impact.impact_terms import Floats, ImpactTerms
from ats_assets.settings import BacktestSettings, ImpactSettings

_KNOWN = ("dollar_volume", "volatility", "spread")


@dataclass(frozen=True, kw_only=True)
class MarketImpact:
    """A model with what it needs.

    Attributes
    ----------
    inputs
        Rows of `impact_inputs`; a trade is judged by those of the session before it.
    scales
        By session, what `impact_fit` says of it: it scales the trades of the sessions after it, until the next one.
    multiple
        Of what the model says of spread and impact; see `scaled_costs`.
    """

    model: ImpactModel
    settings: ImpactSettings
    inputs: pl.DataFrame
    scales: Mapping[date, float] = field(default_factory=dict)
    multiple: float = 1.0

    def scale_before(self, session: date) -> float:
        """What was known of the model's scale before a session; 1 where nothing was."""
        before = [day for day in self.scales if day < session]
        return self.scales[max(before)] if before else 1.0

    def inputs_at(self, session: date, symbols: Sequence[str]) -> dict[str, Floats]:
        """What was known of symbols at the close of a session, arrays of shape (n_symbols,)."""
        named = pl.DataFrame({"symbol": symbols}, schema={"symbol": pl.String})
        found = named.join(self.inputs.filter(session=session), on="symbol", how="left", maintain_order="left")
        known = {name: found[name].fill_null(float("nan")).to_numpy() for name in _KNOWN}
        return known | {"turnover_days": turnover_of(self.settings, symbols)}

    def terms(
        self,
        known: Mapping[str, Floats],
        costs: BacktestSettings,
        *,
        volume: Floats,
        scale: float | Floats = 1.0,
    ) -> tuple[ImpactTerms, NDArray[np.int64]]:
        """What trades cost, and why where it is not the model's own.

        Parameters
        ----------
        known
            dollar_volume, volatility, spread and turnover_days by name, of one shape: what was known before each session.
        volume
            Of the sessions themselves, in shares, of the same shape; NaN where there is no bar.
        scale
            Of the impact, of a shape that fits.
        """
        most = self.settings.max_participation
        market = ImpactMarket(
            dollar_volume=known["dollar_volume"],
            volatility=known["volatility"],
            half_spread=known["spread"] / 2.0,
            duration_days=np.full(volume.shape, np.nan),
            turnover_days=known["turnover_days"],
        )
        bound = None if most is None else most * np.nan_to_num(volume)
        return model_terms(self.model, market, costs, scale=scale, multiple=self.multiple, most_shares=bound)


def turnover_of(settings: ImpactSettings, symbols: Sequence[str] | NDArray[np.object_]) -> Floats:
    """Shares outstanding over a day's volume, of shape (n_symbols,); NaN where the settings do not say."""
    return np.array([settings.turnover_days.get(str(symbol), np.nan) for symbol in symbols], dtype=np.float64)
