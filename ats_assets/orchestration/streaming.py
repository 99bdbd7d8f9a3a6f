"""Partitions of a step that are made and written one after the other, where all of a range together would not fit into memory.

A step returns `Streamed` in the place of a frame; the IO manager takes one session after the other and writes it before the next is made. Its error is that of the step.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.storage.vintages import VINTAGES_OF

if TYPE_CHECKING:
    from ats_assets.orchestration.reading import Reader, VintageRows


@dataclass(frozen=True, kw_only=True)
class SessionRows:
    """The rows of one session.

    Parameters
    ----------
    known
        Of what was delivered: the time from which it was known.
    stamp
        Of what is made of each vintage of a delivery: the time from which that was known, as its file's name has it.
    refused
        Whether nobody is to read this vintage.
    """

    session: date
    rows: pl.DataFrame
    known: datetime | None = None
    stamp: str = ""
    refused: bool = False


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """What a step makes, session by session: all that belongs to a session stands together."""

    parts: Iterable[SessionRows]


@dataclass(frozen=True, kw_only=True)
class InBlocks:
    """What a step makes block by block, each of some sessions: their rows, as the step would return them if they were all."""

    parts: "Iterable[tuple[Sequence[date], pl.DataFrame | list[VintageRows]]]"


def vintages_of_delivery(
    deployment: Deployment, reader: "Reader", sessions: Sequence[date]
) -> Iterator[tuple[date, Mapping[str, pl.DataFrame]]]:
    """Session by session, the delivery that an asset in `VINTAGES_OF` is made of: its rows, by the stamp of each vintage.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
        As the sessions are taken.
    """
    warehouse, delivery = deployment.warehouse, VINTAGES_OF[reader.name]
    warehouse.require(delivery, sessions)
    for session in sessions:
        stamps = warehouse.stamps(delivery, session)
        yield session, {stamp: warehouse.read_files(delivery, {session: warehouse.vintage(delivery, session, stamp)}) for stamp in stamps}
