"""What a source of options is: sessions in, a frame of `raw_option_chains` out, a session at a time, since a session of all contracts is more than a million rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeVar

import polars as pl
from pydantic import BaseModel

from ats_assets.options.schema import KEY, RAW_OPTION_CHAINS_SCHEMA
from ats_assets.plugins import Plugin
from ats_assets.sources.source import require_within

S = TypeVar("S", bound=BaseModel)


class OptionSource(Protocol):
    """Where option chains come from.

    A source converts, it does not judge: every row of a contract that was delivered is in exactly one session, defects included. What a session holds depends on the
    delivery alone, never on which sessions are asked for. Where `options.underlyings` names some, it may leave out the others.
    """

    def sessions(self) -> list[date]:
        """Those that it has chains for, ascending."""
        ...

    def chains(self, session: date) -> pl.DataFrame:
        """The chains of a session as delivered, sorted as `chain_order` does: `RAW_OPTION_CHAINS_SCHEMA`. Empty where there are none.

        Raises
        ------
        SourceError
            If the source can't be read.
        """
        ...

    def known_at(self, session: date) -> datetime:
        """The UTC time from which this source's version of a session was known; never before its close."""
        ...

    def describe(self) -> str:
        """What is read, what was recognised in it and what was left, for people."""
        ...


def _same(settings: BaseModel) -> BaseModel:
    return settings


def _nothing(_settings: BaseModel) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class OptionSourcePlugin(Plugin[S, OptionSource]):
    """A source of options. Its `make` is called with its own settings and the deployment; it must not read anything yet.

    Parameters
    ----------
    chains_follow
        Settings -> those of them that the chains of a session depend on, as a section. Default: all.
    reads
        Settings -> the assets that its chains are made from, where they are in the warehouse already. Default: none.
    names_vendors
        Whether its chains have the columns of `VENDOR_SCHEMA` beside those of all sources.
    """

    chains_follow: Callable[[S], BaseModel] = _same
    reads: Callable[[S], tuple[str, ...]] = _nothing
    names_vendors: bool = False


def chain_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of any columns of `RAW_OPTION_CHAINS_SCHEMA` as its frame: what is absent is null, and they are sorted by contract, then in the order of delivery."""
    absent = {name: pl.lit(None, dtype) for name, dtype in RAW_OPTION_CHAINS_SCHEMA.items() if name not in rows.columns}
    frame = rows.with_columns(**absent).select(RAW_OPTION_CHAINS_SCHEMA.names()).cast(dict(RAW_OPTION_CHAINS_SCHEMA))  # pyright: ignore[reportArgumentType]
    return frame.sort("session", *KEY, nulls_last=True, maintain_order=True)


def require_chains(source: OptionSource, sessions: Sequence[date]) -> None:
    """Refuse sessions that the source does not have yet, or from before it begins; one in between without chains is an empty session.

    Raises
    ------
    SourceError
        Naming the sessions that it has.
    """
    require_within(source, sessions, of="options", has="chains", remedy="deliver chains, or correct [options.chains]")


def chosen_chains(source: OptionSource, session: date, underlyings: Sequence[str]) -> pl.DataFrame:
    """The chains of a session, of the given underlyings alone where there are some; rows that name none stay."""
    rows = source.chains(session)
    return rows.filter(pl.col("underlying").is_in(list(underlyings)) | pl.col("underlying").is_null()) if underlyings else rows
