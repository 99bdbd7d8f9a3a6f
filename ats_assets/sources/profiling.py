"""Profiles of deliveries, made by a second process while the graph goes on: Great Expectations takes seconds to import."""

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.sources.profile import Profile, profile
from ats_assets.storage.second_process import beside


def profiles(deployment: Deployment) -> "Profiles":
    """Those of a deployment: `deployment.of(profiles)`."""
    return Profiles(deployment.settings.storage.data / "data_docs", deployment.settings.bars.max_rejected_share)


class Profiles:
    """Profiles under way.

    Parameters
    ----------
    folder
        Of the pages: a folder in it for each range of sessions.
    max_rejected_share
        See `profile`.
    """

    def __init__(self, folder: Path, max_rejected_share: float) -> None:
        self._folder = folder
        self._share = max_rejected_share
        self._under_way: dict[str, Future[Profile]] = {}

    def begin(self, sessions: Sequence[date], raw: pl.DataFrame) -> None:
        """Have the delivery of some sessions profiled."""
        name = _name(sessions)
        self._under_way[name] = beside(profile, raw, self._folder / name, name=name, max_rejected_share=self._share)

    def has(self, sessions: Sequence[date]) -> bool:
        """Whether that delivery's profile is under way or done, and not taken yet."""
        return _name(sessions) in self._under_way

    def take(self, sessions: Sequence[date]) -> Profile:
        """The profile, once it is done.

        Raises
        ------
        SecondProcessError
            If it could not be made.
        """
        return self._under_way.pop(_name(sessions)).result()


def _name(sessions: Sequence[date]) -> str:
    return f"{sessions[0]}_{sessions[-1]}"
