"""Several sources of ticks as one, in an order of preference: `[intraday.trades] kind = "preferred"`.

A session, in three steps:

1. The vendors are asked in the order of preference; one that fails, or has nothing of the session, is passed over. Where none answers, so does this source, with what each said.
2. A symbol's ticks are those of the first vendor that has any; with `fill = "gaps"` a silence of that vendor is filled with the next one's ticks (`intraday.stitching`).
   Ticks without a symbol are those of the first vendor that answered.
3. Each row gets its vendor's name, and, where that is not the first, why: `massive: no row`, `massive: not answered`, `massive: no tick from 14:31:00Z to 14:36:02.5Z`.

How far a session is known, and what a vendor that answers later changes, is that of all sources of several (`sources.vendors_in_order`).
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, cast

import polars as pl
from pydantic import Field

from ats_assets.deployment import Deployment
from ats_assets.intraday.respelled_ticks import open_ticks
from ats_assets.intraday.schema import SCHEMAS
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.stitching import stitched
from ats_assets.intraday.tick_source import TickSource, TickSourcePlugin, What
from ats_assets.plugins import TICK_SOURCES
from ats_assets.settings.section import Positive
from ats_assets.settings.vendor_order import VendorOrder
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets.sources.vendors_in_order import VendorsBySession, assets_of_vendors, chosen_vendors, followed_vendors, rows_of_new


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
        self._vendors = VendorsBySession(vendors, f"intraday.{what}")

    def sessions(self) -> list[date]:
        """As `VendorsBySession.sessions`."""
        return self._vendors.sessions()

    def ticks(self, session: date) -> pl.DataFrame:
        """As `TickSource.ticks`, with the columns of `VENDOR_SCHEMA`.

        Raises
        ------
        SourceError
            If no vendor answers; with what each said.
        """
        schema = pl.Schema({**SCHEMAS[f"raw_{self._what}"], **VENDOR_SCHEMA})
        taken = self._vendors.merged(
            session,
            lambda vendor: vendor.ticks(session),
            schema,
            lambda taken, rows, name: self._with(taken, rows, name, session),
            fill=self._settings.fill != "sessions",
        )
        return taken.sort("symbol", "sequence", maintain_order=True)

    def known_at(self, session: date) -> datetime:
        """When the last vendor knew of it."""
        return self._vendors.known_at(session)

    def describe(self) -> str:
        """The order, whom it was passed over for, and each vendor's own description."""
        return self._vendors.described(
            f"{self._what}: vendors {', '.join(self._settings.order)}; of the next one {self._settings.fill} that one lacks"
        )

    def _with(self, taken: pl.DataFrame, rows: pl.DataFrame, name: str, session: date) -> pl.DataFrame:
        """What was taken so far, with what the next vendor is to add."""
        new = rows_of_new(taken, rows, "symbol")
        if self._settings.fill == "gaps" and taken.height:
            how = {"longest": self._settings.gap_seconds * 10**9, "tolerance": round(self._settings.clock_difference_ms * 1e6)}
            whose = taken.group_by("symbol").agg(vendor_reason=pl.col("vendor").first())
            others = rows.drop("vendor_reason").join(whose, on="symbol", maintain_order="left").select(rows.columns)
            taken, filled = stitched(taken, others, self._what, self._hours, **how)
            if filled.height:
                told = f"{filled['ticks'].sum():,} ticks of {name} fill {filled.height:,} gaps of {filled['symbol'].n_unique():,} symbols"
                self._vendors.remarks[f"gaps:{name}", session] = f"{session}: {told}"
        return pl.concat([taken, new])


def open_preferred_ticks(own: PreferredTicksSettings, what: What, hours: SessionHours, deployment: Deployment) -> PreferredTicks:
    """Each vendor opened by its own table."""
    opened: dict[str, TickSource] = {}
    for name, chosen in chosen_vendors(own, TICK_SOURCES, f"intraday.{what}", deployment.settings.plugins.folder).items():
        opened[name] = open_ticks(cast("TickSourcePlugin[Any]", chosen.plugin), chosen.settings, what, hours, deployment)
    return PreferredTicks(own, what, hours, opened)


def _followed(own: PreferredTicksSettings) -> PreferredTicksSettings:
    """What a partition depends on: the order, how it is filled, and of each vendor what its own partitions would."""
    vendors = followed_vendors(own, TICK_SOURCES, "intraday", lambda plugin, settings: plugin.ticks_follow(settings))
    unset = {} if own.fill == "gaps" else {"gap_seconds": 300, "clock_difference_ms": 1.0}
    return own.model_copy(update={"vendors": vendors, **unset})


def _taken_from(own: PreferredTicksSettings, what: What) -> tuple[str, ...]:
    """The assets that any vendor reads."""
    return assets_of_vendors(own, TICK_SOURCES, "intraday", lambda plugin, settings: plugin.reads(settings, what))


PLUGIN = TickSourcePlugin(
    settings=PreferredTicksSettings, make=open_preferred_ticks, ticks_follow=_followed, reads=_taken_from, names_vendors=True
)
