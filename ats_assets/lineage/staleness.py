"""Which partitions are stale, and why.

A partition is judged by what it was made from directly: whether a change upstream reaches it is known only when what lies between has been rebuilt, for a
change may leave a content as it is. So healing asks again after each asset.

Of what keeps vintages a partition should have read those that it knows (`knowledge`): one that came later concerns only the partitions that are later still. What is
made of a delivery row by row has a vintage for each of the delivery's, and each is judged by itself.
"""

import itertools
from collections.abc import Iterable, Iterator
from functools import cached_property

from ats_assets.lineage.history import History
from ats_assets.lineage.index import Entry
from ats_assets.lineage.rules import AssetRule, PartitionWindow
from ats_assets.lineage.stale import SHOWN, Stale, own_reasons, told
from ats_assets.lineage.wholes import Kinds, differences_of
from ats_assets.storage.knowledge import FOREVER
from ats_assets.storage.stored_calendar import Change
from ats_assets.storage.vintages import OF_MARKET, RESTATEMENTS


class Staleness(History):
    """The state of everything that is stored."""

    def stale(self, assets: Iterable[str] | None = None) -> list[Stale]:
        """The stale partitions, in the order in which they are to be made.

        Parameters
        ----------
        assets
            Only these.
        """
        wanted = None if assets is None else set(assets)
        return [stale for rule in self._rules if wanted is None or rule.asset in wanted for stale in self._of(rule)]

    def judged(self, asset: str, keys: Iterable[str]) -> list[Stale]:
        """Those of some partitions of an asset that are stale; the key of an asset without partitions is empty."""
        return list(self._of(self._rules[asset], frozenset(keys)))

    def _of(self, rule: AssetRule, only: frozenset[str] | None = None) -> Iterator[Stale]:
        stored = self._stored.get(rule.asset, {})
        if not rule.partitioned:
            entries = itertools.chain.from_iterable(stored.values())
            reasons = list(dict.fromkeys(reason for entry in entries for reason in self._reasons_of_whole(rule, entry)))
            reasons += [f"{part} is missing" for part in self._missing_parts.get(rule.asset, [])]
            if reasons and (only is None or "" in only):
                yield Stale(asset=rule.asset, session="", reason="; ".join(reasons))
            return
        absent = self._missing.get(rule.asset, {}) if only is None or only - stored.keys() else {}
        for session in sorted({*self._of_history(rule), *absent}):
            if only is not None and session not in only:
                continue
            reasons = [absent[session]] if session in absent else list(self._reasons_of_session(rule, stored[session]))
            if reasons:
                yield Stale(asset=rule.asset, session=session, reason="; ".join(reasons))

    def _reasons_of_session(self, rule: AssetRule, stored: list[Entry]) -> Iterator[str]:
        """Of a partition, or of all of its vintages. Of a delivery only the newest one is judged: the source can't confirm the others any more."""
        if not rule.vintages_of:
            yield from self._reasons(rule, stored[-1])
            return
        session = stored[0].key
        delivered = {entry.known for entry in self._stored.get(rule.vintages_of, {}).get(session, [])}
        made = {entry.known for entry in stored}
        if "" in made:
            yield "stored before vintages were kept"
        if delivered:
            yield from (
                f"upstream {rule.vintages_of}: the vintage known since {known} is gone" for known in sorted(made - delivered - {""})
            )
        yield from (f"upstream {rule.vintages_of}: not made yet of the vintage known since {known}" for known in sorted(delivered - made))
        judged = (entry for entry in stored if entry.known in delivered or not delivered)
        yield from dict.fromkeys(reason for entry in judged for reason in self._reasons(rule, entry))

    def _reasons(self, rule: AssetRule, entry: Entry) -> Iterator[str]:
        if entry.fault:
            yield f"damaged: {entry.fault}"
            return
        own = list(own_reasons(rule, entry))
        yield from own
        if rule.from_source:
            if self._delivered.get(rule.asset, {}).get(entry.key, entry.data_version) != entry.data_version:
                yield "the source delivers another content"
            return
        reads = self._reads(rule, entry.key)
        limits = {window: self._limit(rule, window, entry) for window in reads}
        differing = [
            window
            for window, until in limits.items()
            if entry.reads.get(window.asset, (0, 0)) != self._digest(window.asset).window(*self._bounds(window, entry.key), until)
        ]
        others = entry.reads.keys() - {window.asset for window in reads}
        if differing or others:
            yield from self._moved(entry, differing, others)
        for window in differing:
            yield f"upstream {window.asset} changed" if own else self._change(entry, window, limits[window])
        for other in others:
            yield f"upstream {other} is not read any more"

    def _limit(self, rule: AssetRule, window: PartitionWindow, entry: Entry) -> str:
        """The stamp up to which a partition, or one vintage of it, knows of what a window is over."""
        if window.asset == rule.vintages_of:
            return entry.known
        return self._until(entry.key, entry.known) if self._keeps_vintages(window.asset) else FOREVER

    def _moved(self, entry: Entry, windows: Iterable[PartitionWindow], others: Iterable[str]) -> Iterator[str]:
        """The changes of the calendar through which a partition reads other sessions than it did."""
        if not self._changes:
            return
        recorded = self._recorded(entry)
        was = {day for asset in (*others, *(window.asset for window in windows)) for day in recorded.get(asset, {})}
        bounds = [self._bounds(window, entry.key) for window in windows]
        now = {day for first, last in bounds for day in self._sessions[first : last + 1]}
        since = min(was | now, default=entry.key)
        days = [change for change in self._changes if since <= change.day.isoformat() <= entry.key]
        if days and was != now:
            yield f"calendar changed: {'; '.join(map(str, days[:SHOWN]))}" + (f" and {len(days) - SHOWN} more" if len(days) > SHOWN else "")

    @cached_property
    def _changes(self) -> list[Change]:
        """The days that are sessions no more, or were none."""
        return [change for change in self._deployment.calendar_store.changes() if change.kind != "times"]

    def _change(self, entry: Entry, window: PartitionWindow, until: str) -> str:
        recorded = self._recorded(entry).get(window.asset, {})
        first, last = self._bounds(window, entry.key)
        now = {day: self.version(window.asset, day, until) for day in self._sessions[first : last + 1]}
        return told(window.asset, differences_of(recorded, now))

    def _reasons_of_whole(self, rule: AssetRule, entry: Entry) -> Iterator[str]:
        if entry.fault:
            yield f"damaged: {entry.fault}"
            return
        yield from own_reasons(rule, entry)
        for asset in (window.asset for window in rule.windows):
            if kinds := self._part.wholes.differences(entry.path, asset) if self._part else self._differences(entry, asset):
                yield told(asset, kinds)
        if rule.tells_restatements and self._recorded_of(entry, RESTATEMENTS) != self._restatements:
            yield "what was restated, or the comparison of it, changed"

    def differences(self, rule: AssetRule, entry: Entry) -> dict[str, Kinds]:
        """Where what a file of an asset without partitions was made from differs from what is stored: upstream asset -> kind -> keys. Of all entries alone."""
        return {window.asset: self._differences(entry, window.asset) for window in rule.windows} if not entry.fault else {}

    def _differences(self, entry: Entry, asset: str) -> Kinds:
        recorded, stored = self._recorded(entry).get(asset, {}), self._stored.get(asset, {})
        first = min(recorded) if recorded and self._rules[asset].partitioned else None
        since = [] if first is None else [key for key in stored if key > first]
        return differences_of(recorded, {key: self.version_of_whole(asset, key) for key in {*recorded, *since}})

    @cached_property
    def _restatements(self) -> dict[str, str]:
        """As a report's footer has it: how many deliveries have several vintages, and what was compared of them."""
        several = sum(len(self._vintages[asset].several()) for asset in OF_MARKET if asset in self._vintages)
        if self._part is not None:
            several = self._part.restated
        compared = {key: stored[-1].data_version for key, stored in self._stored.get(RESTATEMENTS, {}).items()}
        return {"sessions": str(several), **compared} if several else {}
