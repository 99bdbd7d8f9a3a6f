"""Vendors in an order of preference, as every source of several has them: who fails is passed over, and where all fail, so does the source, with what each said."""

import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import polars as pl
from pydantic import BaseModel

from ats_assets.errors import SourceError
from ats_assets.plugins import Chosen, Kind
from ats_assets.settings.vendor_order import VendorOrder

T = TypeVar("T")
V = TypeVar("V")
NO_ROW, NOT_ANSWERED = "no row", "not answered"
"""Why a row is not that of an earlier vendor."""
_log = logging.getLogger(__name__)


class ToldBySession(Protocol):
    """What sources that tell a session at a time have in common."""

    def sessions(self) -> list[date]:
        """Those that it tells of, ascending."""
        ...

    def known_at(self, session: date) -> datetime:
        """The UTC time from which its version of a session was known."""
        ...

    def describe(self) -> str:
        """What is read or asked for, for people."""
        ...


W = TypeVar("W", bound=ToldBySession)


def answers_of_all(vendors: Mapping[str, V], ask: Callable[[V], T], nobody: str | None) -> dict[str, T | None]:
    """What each vendor says, None of one that fails.

    Parameters
    ----------
    vendors
        By name, in the order of preference.
    nobody
        What is wrong where none answers; None: that is no error.

    Raises
    ------
    SourceError
        If all fail: `nobody`, and what each said.

    Examples
    --------
    >>> answers_of_all({"one": "AAPL", "two": "MSFT"}, str.lower, "nobody answers")
    {'one': 'aapl', 'two': 'msft'}
    """
    found: dict[str, T | None] = {}
    failed: list[str] = []
    for name, vendor in vendors.items():
        try:
            found[name] = ask(vendor)
        except SourceError as error:
            found[name] = None
            failed.append(f"{name}: {error}")
    if nobody is not None and len(failed) == len(vendors):
        raise SourceError(f"{nobody}:\n- " + "\n- ".join(failed))
    return found


class VendorsBySession(Generic[W]):
    """Vendors that are asked for a session at a time.

    How far a session is known is said by the first vendor that answers: one that is merely late is waited for, one that fails is not. A vendor that was down and answers later makes
    a new vintage of what is asked for again; what was taken meanwhile stays.

    Parameters
    ----------
    vendors
        The opened sources by name, in the order of preference.
    section
        Of the settings that name them, for messages.
    """

    def __init__(self, vendors: Mapping[str, W], section: str) -> None:
        self._vendors = dict(vendors)
        self._section = section
        self.remarks: dict[tuple[str, date], str] = {}

    def sessions(self) -> list[date]:
        """Those of all vendors that answer, up to the last one of the first that does."""
        said = answers_of_all(self._vendors, lambda vendor: vendor.sessions(), f"no vendor of {self._section}.order answers")
        told = {name: days for name, days in said.items() if days}
        if not told:
            return []
        latest = next(iter(told.values()))[-1]
        return sorted({day for days in told.values() for day in days if day <= latest})

    def known_at(self, session: date) -> datetime:
        """When the last vendor knew of it, whoever's rows were taken: what another one adds later was not known before."""
        return max(vendor.known_at(session) for vendor in self._vendors.values())

    def described(self, head: str) -> str:
        """The order, whom it was passed over for, and each vendor's own description, behind `head`."""
        said = answers_of_all(self._vendors, lambda vendor: vendor.describe(), f"no vendor of {self._section}.order answers")
        return "\n".join([head, *self.remarks.values(), *(f"-- {name}\n{text or 'does not answer'}" for name, text in said.items())])

    def merged(
        self,
        session: date,
        ask: Callable[[W], pl.DataFrame],
        schema: pl.Schema,
        add: Callable[[pl.DataFrame, pl.DataFrame, str], pl.DataFrame],
        *,
        fill: bool,
    ) -> pl.DataFrame:
        """The rows of a session.

        Parameters
        ----------
        schema
            Of what a vendor tells and `VENDOR_SCHEMA`: whose row it is and, where that is not the first, why.
        add
            What was taken so far, the rows of the next vendor and its name -> what is taken with it.
        fill
            Whether the next vendor is asked where one has rows.

        Raises
        ------
        SourceError
            If no vendor answers; with what each said.
        """
        taken, passed, failed, answered = schema.to_frame(), list[str](), list[str](), False
        for name, vendor in self._vendors.items():
            if taken.height and not fill:
                break
            self.remarks.pop((name, session), None)
            n_failed = len(failed)
            said = self._said(name, vendor, session, ask, failed)
            if said is not None and said.height:
                why = pl.lit("; ".join(passed) or None, pl.String)
                taken = add(taken, said.with_columns(vendor=pl.lit(name, pl.String), vendor_reason=why).match_to_schema(schema), name)
            answered |= said is not None
            passed.append(f"{name}: {NOT_ANSWERED if len(failed) > n_failed else NO_ROW}")
        if failed and not answered:
            raise SourceError(f"no vendor of {self._section}.order answers for {session}:\n- " + "\n- ".join(failed))
        return taken

    def _said(self, name: str, vendor: W, session: date, ask: Callable[[W], pl.DataFrame], failed: list[str]) -> pl.DataFrame | None:
        """What a vendor says of a session, which may be nothing; None where it fails, or has nothing of that time at all."""
        try:
            there = vendor.sessions()
            if session in there:
                return ask(vendor)
            return pl.DataFrame() if there and there[0] < session < there[-1] else None
        except SourceError as error:
            failed.append(f"{name}: {error}")
            self.remarks[name, session] = f"{name} does not answer for {session}, and the next vendor is asked: {error}"
            _log.warning("%s: %s", self._section, self.remarks[name, session])
            return None


def rows_of_new(taken: pl.DataFrame, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The rows whose value of a column nobody had so far; those without one where nothing was taken yet.

    Examples
    --------
    >>> first, second = pl.DataFrame({"symbol": ["A", None]}), pl.DataFrame({"symbol": ["A", "B", None]})
    >>> rows_of_new(first, second, "symbol").rows()
    [('B',)]
    """
    others = rows.join(taken.select(column).unique(), on=column, how="anti")
    return others.filter(pl.col(column).is_not_null() | pl.lit(taken.is_empty()))


def chosen_vendors(own: VendorOrder, kind: Kind[T], section: str, folder: Path | None) -> dict[str, Chosen[T]]:
    """Each vendor of an order, as its own table `[<section>.<name>]` chooses it; errors are those of `Kind.checked`."""
    return {name: kind.chosen(own.kind_of(name), own.table_of(name), folder, f"{section}.{name}") for name in own.order}


def packaged_vendor(own: VendorOrder, name: str, kind: Kind[Any], section: str) -> Chosen[Any] | None:
    """A vendor that comes with the package, with its checked settings; None of one's own, which is looked for where all settings are at hand."""
    if own.kind_of(name) not in kind.names():
        return None
    return kind.chosen(own.kind_of(name), own.table_of(name), None, f"{section}.{name}")


def followed_vendors(
    own: VendorOrder, kind: Kind[Any], section: str, follow: Callable[[Any, BaseModel], BaseModel]
) -> dict[str, dict[str, Any]]:
    """What partitions depend on of each vendor: its kind, and what its own partitions would.

    Parameters
    ----------
    follow
        A vendor's plugin and its settings -> those that its partitions depend on.
    """
    vendors: dict[str, dict[str, Any]] = {}
    for name in own.order:
        found = packaged_vendor(own, name, kind, section)
        table = (
            dict(own.table_of(name))
            if found is None
            else follow(found.plugin, found.settings).model_dump(mode="json", exclude_defaults=True)
        )
        vendors[name] = {"kind": own.kind_of(name), **table}
    return vendors


def assets_of_vendors(
    own: VendorOrder, kind: Kind[Any], section: str, reads: Callable[[Any, BaseModel], tuple[str, ...]]
) -> tuple[str, ...]:
    """The assets that any vendor's rows are made from, each once."""
    found = [packaged_vendor(own, name, kind, section) for name in own.order]
    return tuple(dict.fromkeys(asset for one in found if one is not None for asset in reads(one.plugin, one.settings)))
