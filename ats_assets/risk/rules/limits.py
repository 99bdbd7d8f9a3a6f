"""The limits on each weight, on gross and on net exposure; where they hold, nothing changes, to the bit.

1. No weight is above `max_weight`; what is cut off goes to the others of the same side, in proportion, as far as they have room.
2. Where the net is beyond `max_net`, the heavier side shrinks.
3. Where the gross is beyond `max_gross`, all shrink.

By default the limits are those of `[portfolio]`. The rule knows no symbols: equal weights stay equal, whatever they are called.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl
from pydantic import Field

from ats_assets.kernels.weight_limits import Floats, cap_weights, holds, limit_gross, limit_net
from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.rule import RULED_SCHEMA
from ats_assets.settings import PortfolioSettings, Section, Share


class LimitsSettings(Section):
    """Of weights, as shares of equity; default: those of `[portfolio]`."""

    max_weight: Share = 0.15
    max_gross: float = Field(default=1.0, ge=0, le=10, description="sum of |weight|")
    max_net: float = Field(default=1.0, ge=0, le=10, description="|sum of weights|")


class Limits:
    """Keep weights within the limits."""

    def __init__(self, settings: LimitsSettings) -> None:
        self.settings = settings
        self._limits = PortfolioSettings(**settings.model_dump())

    def needs(self) -> tuple[Needs, ...]:
        """Nothing but the weights."""
        return ()

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],  # noqa: ARG002
        days: Sequence[date],  # noqa: ARG002
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights within the limits."""
        parts = [self._of_one_session(rows) for rows in proposed.partition_by("session", maintain_order=True)]
        return pl.concat([RULED_SCHEMA.to_frame(), *parts])

    def _of_one_session(self, rows: pl.DataFrame) -> pl.DataFrame:
        given = rows["weight"].to_numpy()
        order = np.argsort(given, kind="stable")  # sums depend on their order: it is that of the weights, and equal ones come out equal
        weights, reasons = given[order], [""] * len(given)
        if not holds(weights, self._limits):
            for name, limited in self._steps(weights):
                for i in np.flatnonzero(limited != weights):
                    limit = getattr(self.settings, name)
                    reasons[i] += f"{'; ' if reasons[i] else ''}{name} {limit:g}: {weights[i]:+.4%} to {limited[i]:+.4%}"
                weights = limited
        allowed, told = np.empty(len(given)), np.empty(len(given), dtype=object)
        allowed[order], told[order] = weights, reasons
        return rows.with_columns(weight=pl.Series(allowed), reason=pl.Series(told.tolist(), dtype=pl.String).replace("", None))

    def _steps(self, weights: Floats) -> list[tuple[str, Floats]]:
        capped = cap_weights(weights, self.settings.max_weight)
        netted = limit_net(capped, self.settings.max_net)
        return [("max_weight", capped), ("max_net", netted), ("max_gross", limit_gross(netted, self.settings.max_gross))]


PLUGIN = Plugin(settings=LimitsSettings, make=Limits)
