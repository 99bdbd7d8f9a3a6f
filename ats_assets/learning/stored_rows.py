"""What drift is looked for in, read a few sessions at a time and kept while a window needs it."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.deployment import Deployment
from ats_assets.features import joined
from ats_assets.features.choosing import model_families
from ats_assets.models.feature_matrix import feature_matrix
from ats_assets.regimes.choosing import NamedRegimes

READ_TOGETHER = 21
"""Sessions."""


class UniverseFeatures:
    """The features of the universe's symbols at each session, as models learn from them.

    Parameters
    ----------
    sessions
        All that can be asked for, ascending.
    reach
        How many sessions before the newest that was asked for are kept.
    """

    def __init__(self, deployment: Deployment, sessions: Sequence[date], reach: int) -> None:
        self._deployment, self._sessions, self._reach = deployment, list(sessions), reach
        self._place = {day: i for i, day in enumerate(self._sessions)}
        self._kept: dict[date, NDArray[np.float32]] = {}
        self.names: list[str] = []
        """Of the features; known once a session was asked for."""

    def __call__(self, session: date) -> NDArray[np.float32]:
        """The rows of a session, sorted by symbol."""
        if session not in self._kept:
            place = self._place[session]
            some = [day for day in self._sessions[place : place + READ_TOGETHER] if day not in self._kept]
            self._kept |= self._read(some)
            oldest = self._sessions[max(0, place - self._reach)]
            self._kept = {day: rows for day, rows in self._kept.items() if day >= oldest}
        return self._kept[session]

    def _read(self, sessions: Sequence[date]) -> dict[date, NDArray[np.float32]]:
        read = self._deployment.warehouse.read
        members = read("universe", sessions, ["symbol", "session"])
        families = {
            name: read(name, sessions).join(members, on=["symbol", "session"], how="semi", maintain_order="left")
            for name in self._deployment.of(model_families)
        }
        rows = joined(families).sort("session", "symbol")
        self.names = [column for column in rows.columns if column not in {"symbol", "session"}]
        found = {key[0]: part for key, part in rows.group_by("session", maintain_order=True)}
        return {day: feature_matrix(found.get(day, rows.clear()), self.names) for day in sessions}


def scores_by_session(predictions: pl.DataFrame) -> dict[date, NDArray[np.float64]]:
    """The scores of each session that has some."""
    return {
        key[0]: rows["score"].to_numpy() for key, rows in predictions.sort("session", "symbol").group_by("session", maintain_order=True)
    }


def market_states(one: NamedRegimes, rows: pl.DataFrame) -> dict[date, NDArray[np.float64]]:
    """The filtered probabilities of the market's states by session: the same for each symbol."""
    columns = [f"{one.name}_p{state}" for state in range(one.settings.max_states)]
    first = rows.group_by("session", maintain_order=True).first()
    return {row[0]: np.array(row[1:], np.float64) for row in first.select("session", *columns).iter_rows()}
