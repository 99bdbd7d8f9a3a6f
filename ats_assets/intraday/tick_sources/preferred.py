"""Several sources of ticks as one, in an order of preference: `[intraday.trades] kind = "preferred"`.

A session, in three steps:

1. The vendors are asked in the order of preference; one that fails, or has nothing of the session, is passed over. Where none answers, so does this source, with what each said.
2. A symbol's ticks are those of the first vendor that has any; with `fill = "gaps"` a silence of that vendor is filled with the next one's ticks (`intraday.stitching`).
   Ticks without a symbol are those of the first vendor that answered.
3. Each row gets its vendor's name, and, where that is not the first, why: `massive: no row`, `massive: not answered`, `massive: no tick from 14:31:00Z to 14:36:02.5Z`.

How far a session is known is said by the first vendor that answers: one that is merely late is waited for, one that fails is not. A vendor that was down and answers later makes a
new vintage of what is asked for again; what was taken meanwhile stays.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Literal, TypeVar, cast

import polars as pl
from pydantic import Field

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.intraday.respelled_ticks import open_ticks
from ats_assets.intraday.schema import SCHEMAS
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.stitching import stitched
from ats_assets.intraday.tick_source import TickSource, TickSourcePlugin, What
from ats_assets.plugins import TICK_SOURCES
from ats_assets.settings.section import Positive
from ats_assets.settings.vendor_order import VendorOrder
from ats_assets.sources.schema import VENDOR_SCHEMA

T = TypeVar("T")
_SILENT, _DOWN = "no row", "not answered"
_log = logging.getLogger(__name__)


class PreferredTicksSettings(VendorOrder):
    """Each vendor has a table of its own, `[intraday.trades.<name>]`."""

    fill: Literal["sessions", "symbols", "gaps"] = Field(
        default="symbols",
        description="what is taken of the next vendor: sessions that one does not give; symbols that it has nothing of, too; or gaps of a symbol, too",
    )
    gap_seconds: Positive = Field(default=300, description="with gaps: the longest silence of a symbol within its hours that is none")
    clock_difference_ms: float = Field(default=1.0, ge=0, le=60_000, description="how far two vendors' times of one tick may differ")


class PreferredTicks:
    """Vendors in an order, as a `TickSource`.

    Parameters
    ----------
    vendors
        The opened sources by name, in the order of preference.
    """

    def __init__(self, settings: PreferredTicksSettings, what: What, hours: SessionHours, vendors: Mapping[str, TickSource]) -> None:
        self._settings = settings
        self._what: What = what
        self._hours = hours
        self._vendors = dict(vendors)
        self._remarks: dict[tuple[str, date], str] = {}

    def sessions(self) -> list[date]:
        """Those of all vendors that answer, up to the last one of the first that does."""
        told = {name: days for name, days in self._of_all(lambda vendor: vendor.sessions()).items() if days}
        if not told:
            return []
        latest = next(iter(told.values()))[-1]
        return sorted({day for days in told.values() for day in days if day <= latest})

    def ticks(self, session: date) -> pl.DataFrame:
        """As `TickSource.ticks`, with the columns of `VENDOR_SCHEMA`.

        Raises
        ------
        SourceError
            If no vendor answers; with what each said.
        """
        schema = pl.Schema({**SCHEMAS[f"raw_{self._what}"], **VENDOR_SCHEMA})
        taken, passed, failed, answered = schema.to_frame(), list[str](), list[str](), False
        for name, vendor in self._vendors.items():
            if taken.height and self._settings.fill == "sessions":
                break
            self._remarks.pop((name, session), None)
            said = self._said(name, vendor, session, failed)
            if said is not None and said.height:
                why = pl.lit("; ".join(passed) or None, pl.String)
                rows = said.with_columns(vendor=pl.lit(name, pl.String), vendor_reason=why).match_to_schema(schema)
                taken = self._with(taken, rows, name, session)
            answered |= said is not None
            passed.append(f"{name}: {_DOWN if any(one.startswith(f'{name}: ') for one in failed) else _SILENT}")
        if failed and not answered:
            raise SourceError(f"no vendor of intraday.{self._what}.order answers for {session}:\n- " + "\n- ".join(failed))
        return taken.sort("symbol", "sequence", maintain_order=True)

    def known_at(self, session: date) -> datetime:
        """When the last vendor knew of it."""
        return max(vendor.known_at(session) for vendor in self._vendors.values())

    def describe(self) -> str:
        """The order, whom it was passed over for, and each vendor's own description."""
        said = self._of_all(lambda vendor: vendor.describe())
        parts = [f"-- {name}\n{text or 'does not answer'}" for name, text in said.items()]
        head = f"{self._what}: vendors {', '.join(self._vendors)}; of the next one {self._settings.fill} that one lacks"
        return "\n".join([head, *self._remarks.values(), *parts])

    def _said(self, name: str, vendor: TickSource, session: date, failed: list[str]) -> pl.DataFrame | None:
        """What a vendor says of a session, which may be nothing; None where it fails, or has no ticks of that time at all."""
        try:
            there = vendor.sessions()
            if session in there:
                return vendor.ticks(session)
            return SCHEMAS[f"raw_{self._what}"].to_frame() if there and there[0] < session < there[-1] else None
        except SourceError as error:
            failed.append(f"{name}: {error}")
            self._remarks[name, session] = f"{name} does not answer for {session}, and the next vendor is asked: {error}"
            _log.warning("intraday.%s: %s", self._what, self._remarks[name, session])
            return None

    def _with(self, taken: pl.DataFrame, rows: pl.DataFrame, name: str, session: date) -> pl.DataFrame:
        """What was taken so far, with what the next vendor is to add."""
        there = taken.select("symbol").unique()
        new = rows.join(there, on="symbol", how="anti").filter(pl.col("symbol").is_not_null() | pl.lit(taken.is_empty()))
        if self._settings.fill == "gaps" and taken.height:
            how = {"longest": self._settings.gap_seconds * 10**9, "tolerance": round(self._settings.clock_difference_ms * 1e6)}
            whose = taken.group_by("symbol").agg(vendor_reason=pl.col("vendor").first())
            others = rows.drop("vendor_reason").join(whose, on="symbol", maintain_order="left").select(rows.columns)
            taken, filled = stitched(taken, others, self._what, self._hours, **how)
            if filled.height:
                told = f"{filled['ticks'].sum():,} ticks of {name} fill {filled.height:,} gaps of {filled['symbol'].n_unique():,} symbols"
                self._remarks[f"gaps:{name}", session] = f"{session}: {told}"
        return pl.concat([taken, new])

    def _of_all(self, ask: Callable[[TickSource], T]) -> dict[str, T | None]:
        """What each vendor says, None where it fails; an error that holds what each said where all do."""
        found: dict[str, T | None] = {}
        failed: list[str] = []
        for name, vendor in self._vendors.items():
            try:
                found[name] = ask(vendor)
            except SourceError as error:
                found[name] = None
                failed.append(f"{name}: {error}")
        if len(failed) == len(self._vendors):
            raise SourceError(f"no vendor of intraday.{self._what}.order answers:\n- " + "\n- ".join(failed))
        return found


def open_preferred_ticks(own: PreferredTicksSettings, what: What, hours: SessionHours, deployment: Deployment) -> PreferredTicks:
    """Each vendor opened by its own table."""
    opened: dict[str, TickSource] = {}
    for name in own.order:
        where = f"intraday.{what}.{name}"
        chosen = TICK_SOURCES.chosen(own.kind_of(name), own.table_of(name), deployment.settings.plugins.folder, where)
        opened[name] = open_ticks(cast("TickSourcePlugin[Any]", chosen.plugin), chosen.settings, what, hours, deployment)
    return PreferredTicks(own, what, hours, opened)


def _followed(own: PreferredTicksSettings) -> PreferredTicksSettings:
    """What a partition depends on: the order, how it is filled, and of each vendor what its own partitions would."""
    vendors = {}
    for name in own.order:
        kind, table = own.kind_of(name), dict(own.table_of(name))
        if kind in TICK_SOURCES.names():  # one's own is looked for where all settings are at hand
            found = cast("TickSourcePlugin[Any]", TICK_SOURCES.find(kind))
            checked = found.ticks_follow(TICK_SOURCES.checked(kind, table, None, f"intraday.{name}"))
            table = checked.model_dump(mode="json", exclude_defaults=True)
        vendors[name] = {"kind": kind, **table}
    unset = {} if own.fill == "gaps" else {"gap_seconds": 300, "clock_difference_ms": 1.0}
    return own.model_copy(update={"vendors": vendors, **unset})


def _taken_from(own: PreferredTicksSettings, what: What) -> tuple[str, ...]:
    """The assets that any vendor reads."""
    found: list[str] = []
    for name in own.order:
        kind = own.kind_of(name)
        if kind in TICK_SOURCES.names():
            plugin = cast("TickSourcePlugin[Any]", TICK_SOURCES.find(kind))
            found += plugin.reads(TICK_SOURCES.checked(kind, own.table_of(name), None, f"intraday.{name}"), what)
    return tuple(dict.fromkeys(found))


PLUGIN = TickSourcePlugin(
    settings=PreferredTicksSettings, make=open_preferred_ticks, ticks_follow=_followed, reads=_taken_from, names_vendors=True
)
