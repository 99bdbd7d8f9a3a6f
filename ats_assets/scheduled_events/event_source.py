"""What a source of scheduled events is: days in, a frame of what is told of the events on them out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

import polars as pl
from pydantic import BaseModel

from ats_assets.plugins import Plugin

S = TypeVar("S", bound=BaseModel)


class EventSource(Protocol):
    """Where scheduled events come from.

    A source converts, it does not judge: every row that was delivered is told, defects included. `known_at` says from when a row was known; the stage decides which sessions knew it.
    """

    @property
    def remote(self) -> bool:
        """Whether it tells what is so now alone, as a vendor's server does: a past session whose schedule is stored is not asked for again, for less is known of it by then."""
        ...

    def told(self, first: date, last: date) -> pl.DataFrame:
        """All rows of events whose day is from `first` to `last`, both included, of events whose name (`event`) one of these bears, and of those without a day that can be read.

        Returns
        -------
        polars.DataFrame
            `TOLD_EVENTS_SCHEMA`, in the order of delivery. More may be told than is asked for.

        Raises
        ------
        SourceError
            If the source can't be read.
        """
        ...

    def describe(self) -> str:
        """What is read or asked for, for people."""
        ...


def _as_written(settings: BaseModel) -> BaseModel:
    return settings


@dataclass(frozen=True, kw_only=True)
class EventSourcePlugin(Plugin[S, EventSource]):
    """A source of scheduled events. Its `make` is called with its own settings and the deployment; it must not ask or read anything yet.

    Parameters
    ----------
    events_follow
        Settings -> those of them that the events depend on, as a section. Default: all.
    names_vendors
        Whether its rows have the columns of `VENDOR_SCHEMA` beside those of all sources, and are told in the order of preference.
    """

    events_follow: Callable[[S], BaseModel] = _as_written
    names_vendors: bool = False
