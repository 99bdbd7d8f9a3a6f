"""Profiles of deliveries, made by a second process while the graph goes on: Great Expectations takes seconds to import."""

import re
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.settings import BarsSettings
from ats_assets.sources.profile import Profile, prepare_profiles, profile
from ats_assets.storage.second_process import beside


def delivers(command: Sequence[str]) -> bool:
    """Whether a command line of Dagster's asks for a delivery of bars by name.

    Examples
    --------
    >>> delivers(["dagster", "asset", "materialize", "-m", "ats_assets.definitions", "--select", "raw_bars,bars+", "--partition", "2024-03-01"])
    True
    >>> delivers(["dagster", "asset", "materialize", "--select", "rejected_raw_bars"]), delivers(["dagster", "asset", "list", "--select", "raw_bars"])
    (False, False)
    """
    return "materialize" in command and any(re.search(r"(?<!\w)raw_bars(?!\w)", word) for word in command)


def prepare_for(command: Sequence[str], settings: BarsSettings) -> None:
    """Have the second process import Great Expectations while the graph is made, where a command will need both: each takes seconds."""
    if settings.profile and delivers(command):
        beside(prepare_profiles)


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
