"""Exposure: of each side, of groups such as sectors, and the number of positions.

1. Where there are more than `max_positions`, the smallest are left out; of equal ones the last by name.
2. The sizes of the weights of those that are in a group at the session add up to its `most` at most, all cut alike.
3. The longs add up to `max_long` at most, the shorts to `max_short`, all of a side cut alike.

The rule `limits`, which is always there, has the limits on each weight, on gross and on net.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.rule import all_allowed, session_by_session, weighed_anew
from ats_assets.settings import Positive, Section
from ats_assets.settings.symbol_groups import GroupLimit, groups_of_file


class ExposureSettings(Section):
    """What a side, a group and a book may be."""

    max_long: float | None = Field(
        default=None, ge=0, description="sum of the longs, as a share of equity; default: no limit but those of the portfolio"
    )
    max_short: float | None = Field(default=None, ge=0, description="sum of the shorts' sizes")
    max_positions: Positive | None = Field(default=None, description="that are held at once")
    groups: dict[str, GroupLimit] = Field(
        default_factory=dict, description="symbols, and the most that they have together, by the name of the group"
    )
    groups_file: Path | None = Field(
        default=None, description="CSV with symbol and group, perhaps from, until and known_from, or TOML of groups"
    )
    max_group: float | None = Field(default=None, gt=0, le=1, description="the most of each group of a CSV file")

    @model_validator(mode="before")
    @classmethod
    def _what_the_file_says(cls, values: Any) -> Any:
        return groups_of_file(values)


class ExposureRule:
    """Limit sides, groups and the number of positions."""

    def __init__(self, settings: ExposureSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """None: it looks at the weights alone."""
        return ()

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],  # noqa: ARG002
        days: Sequence[date],  # noqa: ARG002
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights, with the reason that cut each last."""
        return session_by_session(proposed, self._of_one_session)

    def _of_one_session(self, rows: pl.DataFrame, session: date) -> pl.DataFrame:
        weights, symbols, own = rows["weight"].to_numpy().copy(), rows["symbol"].to_list(), self.settings
        if not weights.any():
            return all_allowed(rows)
        reasons: list[str | None] = [None] * len(weights)
        held = np.flatnonzero(weights)
        if own.max_positions is not None and len(held) > own.max_positions:
            smallest = held[np.argsort(-np.abs(weights[held]), kind="stable")][own.max_positions :]
            self._cut(
                weights, reasons, smallest, 0.0, f"{len(held)} positions are more than {own.max_positions}, and it is among the smallest"
            )
        for name, group in own.groups.items():
            inside = group.members(session)
            members = np.flatnonzero([symbol in inside for symbol in symbols])
            self._fit(weights, reasons, members, group.most, name)
        for side, most, what in ((1.0, own.max_long, "the longs"), (-1.0, own.max_short, "the shorts")):
            if most is not None:
                self._fit(weights, reasons, np.flatnonzero(weights * side > 0.0), most, what)
        return weighed_anew(rows, weights, reasons)

    def _fit(self, weights: np.ndarray, reasons: list[str | None], which: np.ndarray, most: float, what: str) -> None:
        size = float(np.abs(weights[which]).sum())
        if size > most + 1e-12:
            self._cut(weights, reasons, which, most / size, f"{what} have {size:.2%} of equity, above {most:.2%}: times {most / size:.4f}")

    @staticmethod
    def _cut(weights: np.ndarray, reasons: list[str | None], which: np.ndarray, factor: float, why: str) -> None:
        for i in which:
            reasons[i] = "; ".join(filter(None, [reasons[i], why]))
        weights[which] *= factor


PLUGIN = Plugin(settings=ExposureSettings, make=ExposureRule)
