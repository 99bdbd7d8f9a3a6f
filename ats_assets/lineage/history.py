"""What is stored, session by session, and what is missing: inside the range of an asset, or read by something that is stored."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from ats_assets.deployment import Deployment
from ats_assets.lineage.footers import upstream_of
from ats_assets.lineage.index import Entry
from ats_assets.lineage.known_vintages import KnownDigests, StoredVintages
from ats_assets.lineage.rules import AssetRule, LineageRules, PartitionWindow
from ats_assets.lineage.wholes import Wholes
from ats_assets.storage.knowledge import FOREVER
from ats_assets.storage.vintages import READ_AS_DELIVERED


@dataclass(frozen=True, kw_only=True)
class StoredSpan:
    """A part of what is stored.

    Attributes
    ----------
    first, last
        The sessions that it reaches from and to.
    ranges
        Asset with partitions -> its first and its newest stored session (ISO), inside the part or not.
    restated
        Deliveries that have several vintages, inside the part or not.
    wholes
        What assets without partitions were made from, and where that differs.
    """

    first: date
    last: date
    ranges: Mapping[str, tuple[str, str]]
    restated: int
    wholes: Wholes


class History:
    """What is stored of all assets, on the sessions of history.

    Parameters
    ----------
    rules
        Of the current graph.
    entries
        Of the index.
    delivered
        Asset -> session (ISO) -> data version of what the source has now, where the source is to be asked.
    part
        Where `entries` are not all that is stored: what they are a part of. Only partitions all of whose windows lie in it can be judged then.
    """

    def __init__(
        self,
        deployment: Deployment,
        rules: LineageRules,
        entries: Iterable[Entry],
        delivered: Mapping[str, Mapping[str, str]] | None = None,
        part: "StoredSpan | None" = None,
    ) -> None:
        self._deployment = deployment
        self._rules = rules
        self._delivered = delivered or {}
        self._part = part
        self._stored: dict[str, dict[str, list[Entry]]] = {}
        partitioned = {rule.asset for rule in rules if rule.partitioned}
        for entry in entries:  # the newest vintage comes last
            if entry.asset in partitioned and not deployment.calendar.is_session(date.fromisoformat(entry.key)):
                continue  # of a day that turned out to be no session: nothing reads it
            self._stored.setdefault(entry.asset, {}).setdefault(entry.key, []).append(entry)
        self._vintages = {asset: StoredVintages(stored) for asset, stored in self._stored.items()}
        self._digests: dict[str, KnownDigests] = {}
        self._firsts: dict[str, int] = {}

    def version(self, asset: str, key: str, until: str | None = None) -> str | None:
        """The data version of what is stored; None where nothing is, or nothing that says it.

        Parameters
        ----------
        until
            The stamp up to which the reader knows; default: the partition's own session.
        """
        vintages = self._vintages.get(asset)
        if vintages is None:
            return None
        if until is None:
            until = self._until(key) if self._keeps_vintages(asset) else FOREVER
        return vintages.version(key, until)

    def version_of_whole(self, asset: str, key: str) -> str | None:
        """The data version that an asset without partitions reads."""
        until = self._deployment.knowledge.until_of_whole(asset, date.fromisoformat(key)) if self._keeps_vintages(asset) else None
        return self.version(asset, key, until)

    def _keeps_vintages(self, asset: str) -> bool:
        return asset in READ_AS_DELIVERED or (asset in self._rules and bool(self._rules[asset].vintages_of))

    def _until(self, session: str, known: str = "") -> str:
        """The stamp up to which a partition knows; a vintage that was known later was made knowing what was known then."""
        return max(self._deployment.knowledge.until(date.fromisoformat(session)), known)

    @cached_property
    def _start(self) -> int:
        """The position in the calendar of the first session with raw bars, or with what was made from them: those are missing then."""
        if self._part is not None:
            return self._deployment.calendar.position(self._part.first)
        firsts = [min(keys) for rule in self._rules if self._is_near_source(rule) and (keys := self._stored.get(rule.asset))]
        return self._deployment.calendar.position(date.fromisoformat(min(firsts))) if firsts else 0

    @cached_property
    def _sessions(self) -> list[str]:
        """Every session from the start of history to the newest that is stored of any asset."""
        if self._part is not None:
            return [day.isoformat() for day in self._deployment.calendar.sessions(self._part.first, self._part.last)]
        newest = max((max(keys) for rule in self._rules if rule.partitioned and (keys := self._stored.get(rule.asset))), default="")
        if not newest:
            return []
        calendar = self._deployment.calendar
        first = calendar.offset(calendar.first, self._start)
        return [day.isoformat() for day in calendar.sessions(first, date.fromisoformat(newest))]

    @cached_property
    def _place(self) -> dict[str, int]:
        """Each of these sessions -> its place among them."""
        return {session: place for place, session in enumerate(self._sessions)}

    def _is_near_source(self, rule: AssetRule) -> bool:
        return rule.from_source or (rule.partitioned and any(self._rules[window.asset].from_source for window in rule.windows))

    def _of_history(self, rule: AssetRule) -> list[str]:
        """The stored sessions of an asset; what lies before the first raw bars can't be judged, nor made."""
        return [day for day in self._stored.get(rule.asset, {}) if day in self._place] if rule.partitioned else []

    @cached_property
    def _missing(self) -> dict[str, dict[str, str]]:
        """Asset -> session -> why it ought to be there: inside the asset's range, or read by a partition that is stored."""
        missing: dict[str, dict[str, str]] = {}
        for asset, day, why in itertools.chain(self._holes(), self._read_by_partitions(), self._read_by_reports()):
            missing.setdefault(asset, {}).setdefault(day, why)
        return missing

    def _holes(self) -> Iterator[tuple[str, str, str]]:
        """Inside an asset's range, which those that are made together share."""
        for rule in self._rules:
            if rule.partitioned and (bounds := self._range(rule)):
                first, newest = bounds
                yield from ((rule.asset, day, "missing") for day in self._absent(rule.asset, self._sessions) if first <= day <= newest)

    def _range(self, rule: AssetRule) -> tuple[str, str] | None:
        """The first and the newest session of those that are made together."""
        if self._part is not None:
            bounds = [self._part.ranges[name] for name in rule.made_with if name in self._part.ranges]
            return (min(first for first, _ in bounds), max(newest for _, newest in bounds)) if bounds else None
        together = [day for name in rule.made_with for day in self._stored.get(name, {})]
        return (min(together), max(together)) if together else None

    def _read_by_partitions(self) -> Iterator[tuple[str, str, str]]:
        for rule in self._rules:
            for session in self._of_history(rule):
                for window in self._reads(rule, session):
                    first, last = self._bounds(window, session)
                    if self._digest(window.asset).count(first, last) <= last - first:
                        why = f"missing, and read by {rule.asset} {session}"
                        yield from ((window.asset, day, why) for day in self._absent(window.asset, self._sessions[first : last + 1]))

    def _read_by_reports(self) -> Iterator[tuple[str, str, str]]:
        for asset, entry in self._whole:
            if self._part:
                read = self._part.wholes.recorded_between(entry.path, str(self._part.first), str(self._part.last))
            else:
                read = [(other, day) for other, versions in self._recorded(entry).items() for day in versions]
            yield from ((other, day, f"missing, and read by {asset}") for other, day in read if self._absent(other, [day]))

    def _absent(self, asset: str, sessions: Iterable[str]) -> list[str]:
        """The sessions of history that are not stored of an asset with partitions."""
        there = self._stored.get(asset, {})
        return (
            [day for day in sessions if day in self._place and day not in there]
            if asset in self._rules and self._rules[asset].partitioned
            else []
        )

    @cached_property
    def _missing_parts(self) -> dict[str, list[str]]:
        """Assets without partitions -> their tables that another asset was made from and that are not there."""
        names = {rule.asset for rule in self._rules if not rule.partitioned}
        return {
            asset: sorted(keys - self._stored.get(asset, {}).keys())
            for asset in names
            if (keys := {key for _, entry in self._whole for key in self._recorded_of(entry, asset)})
        }

    @cached_property
    def _whole(self) -> list[tuple[str, Entry]]:
        """The sound files of assets without partitions."""
        names = [rule.asset for rule in self._rules if not rule.partitioned]
        entries = ((asset, entry) for asset in names for stored in self._stored.get(asset, {}).values() for entry in stored)
        return [(asset, entry) for asset, entry in entries if not entry.fault]

    def _recorded(self, entry: Entry) -> Mapping[str, Mapping[str, str]]:
        return upstream_of(self._deployment, entry.asset, entry.key, entry.path)

    def _recorded_of(self, entry: Entry, asset: str) -> Mapping[str, str]:
        return self._part.wholes.recorded(entry.path, asset) if self._part else self._recorded(entry).get(asset, {})

    def _reads(self, rule: AssetRule, session: str) -> tuple[PartitionWindow, ...]:
        return rule.windows_read(date.fromisoformat(session), self._deployment.calendar)

    def _digest(self, asset: str) -> KnownDigests:
        if asset not in self._digests:
            self._digests[asset] = KnownDigests(self._vintages.get(asset) or StoredVintages({}), self._sessions)
        return self._digests[asset]

    def _bounds(self, window: PartitionWindow, session: str) -> tuple[int, int]:
        """The places of the first and the last session that a partition reads; the last one before the first if there is none."""
        at = self._place[session]
        begins = self._begins(window.asset)
        return max(begins, at - window.back), max(begins - 1, at - window.lag)

    def _begins(self, asset: str) -> int:
        """The place of the first session of an asset's history: 0, or where the ticks begin that it is made of."""
        if asset not in self._firsts:
            deliveries = self._rules[asset].begins_with if asset in self._rules else ()
            firsts = [self._first_of(delivery) for delivery in deliveries]
            self._firsts[asset] = max((sum(day < first for day in self._sessions) for first in firsts), default=0)
        return self._firsts[asset]

    def _first_of(self, delivery: str) -> str:
        """The first session with a delivery; after all sessions where there is none."""
        if delivery == "raw_bars":
            return ""
        if self._part is not None:
            return self._part.ranges[delivery][0] if delivery in self._part.ranges else FOREVER
        return min(self._stored.get(delivery, {}), default=FOREVER)
