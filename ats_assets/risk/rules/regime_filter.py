"""Regime filter: exposure by the state that the market, or the symbol, is in, as its filtered probabilities tell.

The factor of a symbol is the mean of `exposure` over the states, each by its probability (`by = "probability"`), or that of the most likely state (`by = "state"`). States are in
the order of their variance, the calmest first; those beyond the last `exposure` have the last. All weights of the symbol's row are multiplied by its factor; the
rest is cash. Where no regime is known (no estimation yet, no bar) the factor is `unknown`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

import numpy as np
import polars as pl
from pydantic import Field

from ats_assets.errors import ContractError
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import Section

ENDING = "_sessions_in_state"
"""Of the last column of regimes; what is before it is the name of their entry."""
Factor = Annotated[float, Field(ge=0, le=1)]


class RegimeFilterSettings(Section):
    """Exposure by regime."""

    regimes: str = Field(default="regimes", description="the asset: regimes, or <name>_regimes where [regimes] has several")
    exposure: tuple[Factor, ...] = Field(
        default=(1.0, 0.5, 0.0), min_length=1, description="of each state, the calmest first; the last holds for further ones"
    )
    by: Literal["probability", "state"] = Field(
        default="probability", description="the mean over the states by their probabilities, or the exposure of the most likely state"
    )
    unknown: Factor = Field(default=1.0, description="where no regime is known")


class RegimeFilter:
    """Scale weights by regime."""

    def __init__(self, settings: RegimeFilterSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The regimes of the session."""
        return (Needs(asset=self.settings.regimes),)

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],  # noqa: ARG002
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights, each times the factor of its row of the regimes.

        Raises
        ------
        ContractError
            If the asset has no columns of regimes.
        """
        regimes = frames[self.settings.regimes]
        name = next((column.removesuffix(ENDING) for column in regimes.columns if column.endswith(ENDING)), None)
        if name is None:
            raise ContractError(f"{self.settings.regimes} has no column <name>{ENDING}: set regimes to an asset of regimes")
        chances = [column for column in regimes.columns if column.startswith(f"{name}_p") and column[len(name) + 2 :].isdigit()]
        rows = proposed.join(
            regimes.select("symbol", "session", f"{name}_state", *chances), on=["symbol", "session"], how="left", maintain_order="left"
        )
        probabilities = rows.select(pl.col(chances).cast(pl.Float64)).to_numpy()
        state = rows[f"{name}_state"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        known = np.isfinite(state)
        place = np.clip(np.where(known, state, 0.0).astype(np.int64), 0, len(chances) - 1)
        exposure = np.array([self.settings.exposure[min(k, len(self.settings.exposure) - 1)] for k in range(len(chances))])
        mean, total = np.zeros(len(rows)), np.zeros(len(rows))
        for k, one in enumerate(exposure):
            mean, total = mean + one * probabilities[:, k], total + probabilities[:, k]
        mean = mean / total  # stored as float32 they do not add up to 1 to the bit
        factor = np.where(known, mean if self.settings.by == "probability" else exposure[place], self.settings.unknown)
        factor = np.clip(factor, 0.0, 1.0)
        weights = rows["weight"].to_numpy()
        told = [
            f"{_said(name, int(k), float(p), there=bool(there))}: times {times:.4f}" if weight != weight * times else None
            for k, p, there, times, weight in zip(place, probabilities[np.arange(len(rows)), place], known, factor, weights, strict=True)
        ]
        return proposed.with_columns(weight=pl.Series(weights * factor), reason=pl.Series(told, dtype=pl.String))


def _said(name: str, state: int, probability: float, *, there: bool) -> str:
    return f"{name} is in state {state} with probability {probability:.0%}" if there else f"the regime of {name} is not known"


PLUGIN = Plugin(settings=RegimeFilterSettings, make=RegimeFilter)
