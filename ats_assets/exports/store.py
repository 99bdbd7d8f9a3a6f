"""What a store must be able to do: take partitions of the warehouse, each session at once, and say what it holds.

A store is one module of `exports/stores/`, or one's own, with an object `PLUGIN`. Its `make` is called with its own settings and a `StorePlace`. It holds copies: nothing in
the graph reads them, so that whatever happens to a store changes no partition and no order. Passwords come from the environment alone.

Writing a session is atomic and may be repeated: after it, a reader finds exactly the rows of the versions that were written, or (if it was killed midway) those before.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

import polars as pl
from pydantic import BaseModel


@dataclass(frozen=True, kw_only=True)
class StorePlace:
    """Whose copies a store holds, so that those of two exports, or of two graphs, never mix.

    Attributes
    ----------
    export
        The name of the table `[exports.<name>]`.
    prefix
        `graph.prefix`.
    """

    export: str
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class ExportedTable:
    """The columns of an asset, by its contract.

    Attributes
    ----------
    told
        What the contract says of each column.
    keeps_vintages
        Whether a session can have several vintages.
    """

    asset: str
    schema: pl.Schema
    told: Mapping[str, str] = field(default_factory=dict)
    keeps_vintages: bool = False


@dataclass(frozen=True, kw_only=True)
class ExportedVersion:
    """One version of a partition: its rows, and what its file says of itself.

    Attributes
    ----------
    known_at
        From when its content was known, in UTC: of a vintage when it was delivered, else the close of the session with the grace for late deliveries.
    data_version
        SHA-256 of the rows.
    model_version
        The models behind it, `<asset>:<SHA-256>` and so on; empty where there is none.
    """

    known_at: datetime
    data_version: str
    code_version: str
    model_version: str
    rows: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class ExportedPartition:
    """A partition as it is stored: the version that its session reads, and all vintages of an asset that keeps them (the same one among them)."""

    asset: str
    session: date
    current: ExportedVersion
    vintages: tuple[ExportedVersion, ...] = ()


class StoreConnection(Protocol):
    """A store that is open."""

    def prepare(self, tables: Sequence[ExportedTable]) -> None:
        """Make what is needed for the tables, and add what a contract has gained since.

        Raises
        ------
        ExportError
            If the store holds something that does not fit, or has no room or rights.
        """
        ...

    def write(self, partitions: Sequence[ExportedPartition], *, again: bool = False) -> int | None:
        """Replace one session of all that is exported, at once; how many rows were written, None where the store has these versions already.

        Parameters
        ----------
        partitions
            All of one session, one for each asset.
        again
            Write even what is there.

        Raises
        ------
        ExportError
        """
        ...

    def read(self, table: ExportedTable, session: date, columns: Sequence[str]) -> ExportedPartition | None:
        """What the store holds of a session, as it is there; None where it holds nothing.

        Parameters
        ----------
        columns
            Of the rows as they were exported, in that order: a store may have others of later contracts.
        """
        ...

    def remarks(self) -> list[str]:
        """What endangers the copies: a server that may drop them by itself, no room. Empty where all is well."""
        ...


class ExportStore(Protocol):
    """One kind of store, with its settings."""

    settings: BaseModel

    @property
    def secrets(self) -> tuple[str, ...]:
        """The environment variables that hold its address and passwords; their values are hidden wherever a text leaves the process."""
        ...

    def kept(self, sessions: Sequence[date]) -> list[date]:
        """Which of the sessions that are stored (ascending) it is to hold: the newest, those within a time, or all."""
        ...

    def require_exportable(self, table: ExportedTable) -> None:
        """Refuse what it can't hold.

        Raises
        ------
        SettingsError
        """
        ...

    def schema_text(self, tables: Sequence[ExportedTable]) -> str:
        """What it holds of these tables, for people: as SQL, or as a list of columns."""
        ...

    def connected(self) -> AbstractContextManager[StoreConnection]:
        """The store, open; closed where the block ends.

        Raises
        ------
        StoreUnreachableError
            If it can't be reached.
        """
        ...
