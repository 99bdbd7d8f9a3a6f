"""Several sources of options as one, in an order of preference: `[options.chains] kind = "preferred"`.

A session, in three steps:

1. The vendors are asked in the order of preference; one that fails, or has nothing of the session, is passed over. Where none answers, so does this source, with what each said.
2. The chain of an underlying is that of the first vendor that has any of its contracts: never of two, since bid and ask of one vendor's instant contradict those of another's. Rows
   without an underlying are those of the first vendor that answered.
3. Each row gets its vendor's name, and, where that is not the first, why: `alpaca: no row`, `alpaca: not answered`.

How far a session is known, and what a vendor that answers later changes, is that of all sources of several (`sources.vendors_in_order`).
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

import polars as pl
from pydantic import Field

from ats_assets.deployment import Deployment
from ats_assets.options.option_source import OptionSource, OptionSourcePlugin
from ats_assets.options.schema import KEY, RAW_OPTION_CHAINS_SCHEMA
from ats_assets.plugins import OPTION_SOURCES
from ats_assets.settings.vendor_order import VendorOrder
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets.sources.vendors_in_order import VendorsBySession, assets_of_vendors, chosen_vendors, followed_vendors, rows_of_new

_SECTION = "options.chains"


class PreferredChainsSettings(VendorOrder):
    """Each vendor has a table of its own, `[options.chains.<name>]`."""

    fill: Literal["sessions", "underlyings"] = Field(
        default="underlyings",
        description="what is taken of the next vendor: sessions that one does not give; or underlyings that it has nothing of, too",
    )


class PreferredChains:
    """Vendors in an order, as an `OptionSource`.

    Parameters
    ----------
    vendors
        The opened sources by name, in the order of preference.
    """

    def __init__(self, settings: PreferredChainsSettings, vendors: Mapping[str, OptionSource]) -> None:
        self._settings = settings
        self._vendors = VendorsBySession(vendors, _SECTION)

    def sessions(self) -> list[date]:
        """Those of all vendors that answer, up to the last one of the first that does."""
        return self._vendors.sessions()

    def chains(self, session: date) -> pl.DataFrame:
        """As `OptionSource.chains`, with the columns of `VENDOR_SCHEMA`.

        Raises
        ------
        SourceError
            If no vendor answers; with what each said.
        """
        taken = self._vendors.merged(
            session,
            lambda vendor: vendor.chains(session),
            pl.Schema({**RAW_OPTION_CHAINS_SCHEMA, **VENDOR_SCHEMA}),
            lambda taken, rows, _name: pl.concat([taken, rows_of_new(taken, rows, "underlying")]),
            fill=self._settings.fill == "underlyings",
        )
        return taken.sort("session", *KEY, nulls_last=True, maintain_order=True)

    def known_at(self, session: date) -> datetime:
        """When the last vendor knew of it."""
        return self._vendors.known_at(session)

    def describe(self) -> str:
        """The order, whom it was passed over for, and each vendor's own description."""
        return self._vendors.described(
            f"options: vendors {', '.join(self._settings.order)}; of the next one {self._settings.fill} that one lacks"
        )


def open_preferred_chains(own: PreferredChainsSettings, deployment: Deployment) -> PreferredChains:
    """Each vendor opened by its own table."""
    chosen = chosen_vendors(own, OPTION_SOURCES, _SECTION, deployment.settings.plugins.folder)
    return PreferredChains(own, {name: one.made(deployment) for name, one in chosen.items()})


def _followed(own: PreferredChainsSettings) -> PreferredChainsSettings:
    """What a partition depends on: the order, how it is filled, and of each vendor what its own partitions would."""
    vendors = followed_vendors(own, OPTION_SOURCES, _SECTION, lambda plugin, settings: plugin.chains_follow(settings))
    return own.model_copy(update={"vendors": vendors})


def _read(own: PreferredChainsSettings) -> tuple[str, ...]:
    return assets_of_vendors(own, OPTION_SOURCES, _SECTION, lambda plugin, settings: plugin.reads(settings))


PLUGIN: OptionSourcePlugin[Any] = OptionSourcePlugin(
    settings=PreferredChainsSettings, make=open_preferred_chains, chains_follow=_followed, reads=_read, names_vendors=True
)
