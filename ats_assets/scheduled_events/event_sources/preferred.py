"""Several sources of scheduled events as one, in an order of preference: `[scheduled_events.source] kind = "preferred"`.

1. All vendors are asked; one that fails is passed over. Where none answers, so does this source, with what each said.
2. At each session the events of a kind of a symbol are those of the first vendor that has one that was known by then and can be read (`event_schedule`): never of two, since nothing
   says that two vendors' names mean one event. Rows that can't be read are there of each, to be quarantined.
3. Each row gets its vendor's name, and, where that is not the first, why: `massive: no row`, `massive: not answered`.
"""

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.plugins import EVENT_SOURCES
from ats_assets.scheduled_events.event_source import EventSource, EventSourcePlugin
from ats_assets.scheduled_events.schema import TOLD_EVENTS_SCHEMA
from ats_assets.settings.vendor_order import VendorOrder
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets.sources.vendors_in_order import NO_ROW, NOT_ANSWERED, answers_of_all, chosen_vendors, followed_vendors

_SECTION = "scheduled_events.source"
_log = logging.getLogger(__name__)


class PreferredEventsSettings(VendorOrder):
    """Each vendor has a table of its own, `[scheduled_events.source.<name>]`."""


class PreferredEvents:
    """Vendors in an order, as an `EventSource`.

    Parameters
    ----------
    vendors
        The opened sources by name, in the order of preference.
    """

    def __init__(self, vendors: Mapping[str, EventSource]) -> None:
        self._vendors = dict(vendors)
        self._remarks: list[str] = []

    @property
    def remote(self) -> bool:
        """Whether one of them tells what is so now alone."""
        return any(vendor.remote for vendor in self._vendors.values())

    def told(self, first: date, last: date) -> pl.DataFrame:
        """As `EventSource.told`, of every vendor that answers, in the order of preference, with the columns of `VENDOR_SCHEMA`.

        Raises
        ------
        SourceError
            If no vendor answers; with what each said.
        """
        said = {name: _answer(vendor, first, last) for name, vendor in self._vendors.items()}
        failed = {name: answer for name, answer in said.items() if isinstance(answer, str)}
        if len(failed) == len(said):
            raise SourceError(f"no vendor of {_SECTION}.order answers:\n- " + "\n- ".join(f"{name}: {why}" for name, why in failed.items()))
        self._remarks = [f"{name} does not answer, and the next vendor is asked: {why}" for name, why in failed.items()]
        for remark in self._remarks:
            _log.warning("%s: %s", _SECTION, remark)
        schema = pl.Schema({**TOLD_EVENTS_SCHEMA, **VENDOR_SCHEMA})
        parts, passed = [schema.to_frame()], list[str]()
        for name, rows in said.items():
            if isinstance(rows, pl.DataFrame):
                parts.append(rows.with_columns(vendor=pl.lit(name), vendor_reason=pl.lit("; ".join(passed) or None, pl.String)))
            passed.append(f"{name}: {NOT_ANSWERED if name in failed else NO_ROW}")
        return pl.concat(parts)

    def describe(self) -> str:
        """The order, whom it was passed over for, and each vendor's own description."""
        said = answers_of_all(self._vendors, lambda vendor: vendor.describe(), None)
        parts = [f"-- {name}\n{text or 'does not answer'}" for name, text in said.items()]
        return "\n".join([f"scheduled events: vendors {', '.join(self._vendors)}", *self._remarks, *parts])


def _answer(vendor: EventSource, first: date, last: date) -> pl.DataFrame | str:
    """What a vendor tells, or why it does not."""
    try:
        return vendor.told(first, last)
    except SourceError as error:
        return str(error)


def open_preferred_events(own: PreferredEventsSettings, deployment: Deployment) -> PreferredEvents:
    """Each vendor opened by its own table."""
    chosen = chosen_vendors(own, EVENT_SOURCES, _SECTION, deployment.settings.plugins.folder)
    return PreferredEvents({name: one.made(deployment) for name, one in chosen.items()})


def _followed(own: PreferredEventsSettings) -> PreferredEventsSettings:
    """What a partition depends on: the order, and of each vendor what its own partitions would."""
    vendors = followed_vendors(own, EVENT_SOURCES, _SECTION, lambda plugin, settings: plugin.events_follow(settings))
    return own.model_copy(update={"vendors": vendors})


PLUGIN: EventSourcePlugin[Any] = EventSourcePlugin(
    settings=PreferredEventsSettings, make=open_preferred_events, events_follow=_followed, names_vendors=True
)
