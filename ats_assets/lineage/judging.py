"""What is stale, judged again only where something has changed since it was judged last.

The index keeps what was found stale, and which partitions have changed since (`pending`). A changed partition can alter the verdict on itself, on those that are made with
it or of its vintages, on those whose windows hold it, on what its own windows ask for, and on what lies between it and its neighbours. These are judged, from the entries
that their windows reach, and the rest stands: so a look after one new session costs the same after twenty years as after one.

All is judged again where the rules, the settings of knowledge, the start of history or past sessions of the calendar are others, and where much has changed.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.lineage.footers import upstream_of
from ats_assets.lineage.history import StoredSpan
from ats_assets.lineage.index import Entry, LineageIndex, read_entries
from ats_assets.lineage.judged_stale import settings_looked_at
from ats_assets.lineage.rules import AssetRule, LineageRules, PartitionWindow
from ats_assets.lineage.stale import Stale
from ats_assets.lineage.staleness import Staleness
from ats_assets.lineage.wholes import Wholes
from ats_assets.settings import LONGEST_PERIOD
from ats_assets.storage.vintages import OF_MARKET, RESTATEMENTS, WITH_OWN_HISTORY

MOST_PENDING = 1_000
"""Changed partitions above which everything is judged again."""
Partition = tuple[str, str]
"""Asset and session (ISO); the session is empty for an asset without partitions."""


def judge(deployment: Deployment, rules: LineageRules, index: LineageIndex) -> list[Stale]:
    """All that is stale as of the index's last refresh, in the order in which it is to be made."""
    return index.work(lambda connection: _Judgement(deployment, rules, connection).stale())


class _Judgement:
    def __init__(self, deployment: Deployment, rules: LineageRules, connection: sqlite3.Connection) -> None:
        self._deployment = deployment
        self._calendar = deployment.calendar
        self._rules = rules
        self._connection = connection
        stored = {rule.asset: self._range(rule.asset) for rule in rules if rule.partitioned}
        self._ranges = {asset: bounds for asset, bounds in stored.items() if bounds is not None}
        near = [rule for rule in rules if rule.from_source or any(rules[window.asset].from_source for window in rule.windows)]
        self._start = min((self._ranges[rule.asset][0] for rule in near if rule.asset in self._ranges), default=str(self._calendar.first))
        self._wholes = Wholes(connection)
        self._whole = {rule.asset for rule in rules if not rule.partitioned}
        self._newest = max((newest for _, newest in self._ranges.values()), default="")

    def _range(self, asset: str) -> tuple[str, str] | None:
        """The first and the newest session that is stored; a day that turned out to be no session is none."""
        first, newest = self._connection.execute("SELECT MIN(key), MAX(key) FROM files WHERE asset = ?", (asset,)).fetchone()
        after = "SELECT MIN(key) FROM files WHERE asset = ? AND key > ?"
        before = "SELECT MAX(key) FROM files WHERE asset = ? AND key < ?"
        while first and not self._calendar.is_session(date.fromisoformat(first)):
            first = self._connection.execute(after, (asset, first)).fetchone()[0]
        while newest and not self._calendar.is_session(date.fromisoformat(newest)):
            newest = self._connection.execute(before, (asset, newest)).fetchone()[0]
        return (first, newest) if first else None

    def stale(self) -> list[Stale]:
        row = self._connection.execute("SELECT value FROM state WHERE name = 'judged'").fetchone()
        before = json.loads(row[0]) if row else None
        pending: list[Partition] = self._connection.execute("SELECT asset, key FROM pending LIMIT ?", (MOST_PENDING + 1,)).fetchall()
        stands = before is not None and self._stands(before) and len(pending) <= MOST_PENDING
        if pending or not stands:
            self._connection.execute("BEGIN IMMEDIATE")
            if before is None or not stands:
                self._judge_everything()
            else:
                self._judge_concerned(pending, before["newest"])
            self._connection.execute("COMMIT")
        elif before and before.get("settings") != settings_looked_at(self._deployment):
            self._tell_judged()  # the verdicts stand, and are of these settings now
        order = {rule.asset: i for i, rule in enumerate(self._rules)}
        found = [Stale(asset=asset, session=key, reason=reason) for (asset, key), reason in self._verdicts().items()]
        return sorted(found, key=lambda one: (order[one.asset], one.session))

    def _judge_everything(self) -> None:
        staleness = Staleness(self._deployment, self._rules, read_entries(self._connection))
        self._wholes.forget()
        self._keep_wholes(staleness, self._whole)
        self._keep(staleness.stale(), None)

    def _judge_concerned(self, pending: list[Partition], newest: str) -> None:
        """Judge what changes of these partitions concern; `newest` was the newest session when it was judged last."""
        newer = [str(day) for day in self._sessions(newest, self._newest)[1:]]  # what is not there of them can be missing now
        targets = self._concerned(pending) | set(self._no_longer_missed(pending, self._verdicts()))
        targets |= {(rule.asset, day) for rule in self._rules if rule.partitioned for day in newer}
        self._compare_wholes(pending)
        self._keep(list(self._judged(targets)), targets)

    def _verdicts(self) -> dict[Partition, str]:
        return {(asset, key): reason for asset, key, reason in self._connection.execute("SELECT asset, key, reason FROM verdicts")}

    def _keep(self, found: list[Stale], targets: set[Partition] | None) -> None:
        """Store verdicts: on everything, or on `targets` while all others stand."""
        connection = self._connection
        if targets is None:
            connection.execute("DELETE FROM verdicts")
        else:
            connection.executemany("DELETE FROM verdicts WHERE asset = ? AND key = ?", sorted(targets))
        connection.executemany("INSERT INTO verdicts VALUES (?, ?, ?)", [(one.asset, one.session, one.reason) for one in found])
        connection.execute("DELETE FROM pending")
        self._tell_judged()

    def _tell_judged(self) -> None:
        """Say under what the verdicts hold."""
        judged = {"under": self._under(self._newest), "newest": self._newest, "settings": settings_looked_at(self._deployment)}
        self._connection.execute("INSERT OR REPLACE INTO state VALUES ('judged', ?)", (json.dumps(judged),))

    def _stands(self, judged: dict[str, str]) -> bool:
        """Whether what verdicts followed from beside the entries is the same still."""
        return judged["newest"] <= self._newest and judged["under"] == self._under(judged["newest"])

    def _under(self, newest: str) -> str:
        """What verdicts follow from beside the entries: rules, knowledge, and the sessions from the start of history to `newest`."""
        rules = [asdict(rule) for rule in self._rules]
        sessions = [str(day) for day in self._sessions(self._start, newest)]
        known = self._deployment.settings.knowledge.model_dump(mode="json")
        changes = list(map(str, self._deployment.calendar_store.changes()))  # also of times, from which follows what was known when
        return hashlib.sha256(json.dumps([rules, known, self._start, sessions, changes], sort_keys=True).encode()).hexdigest()

    def _sessions(self, first: str, last: str) -> list[date]:
        return self._calendar.sessions(date.fromisoformat(first), date.fromisoformat(last)) if first and last else []

    def _concerned(self, pending: list[Partition]) -> set[Partition]:
        """What a change of these partitions can alter the verdict on."""
        concerned: set[Partition] = set()
        for asset, key in pending:
            if asset == RESTATEMENTS or asset in OF_MARKET:
                concerned |= {(rule.asset, "") for rule in self._rules if rule.tells_restatements}
            if asset not in self._rules:
                continue
            rule = self._rules[asset]
            concerned |= {(other.asset, "") for other in self._rules if not other.partitioned and _reads(other, asset)}
            if not rule.partitioned:
                concerned |= set(self._recorded_and_gone(asset))
                concerned |= {(asset, ""), *((window.asset, "") for window in rule.windows if not self._rules[window.asset].partitioned)}
                continue
            concerned |= set(self._between(rule, key))  # also of one from before the start of history: its asset reaches from there
            if self._start <= key and self._calendar.is_session(date.fromisoformat(key)):
                concerned |= {(name, key) for name in rule.made_with}
                concerned |= {(other.asset, key) for other in self._rules if other.vintages_of == asset}
                concerned |= {*self._readers(asset, key), *self._asked_for(rule, key)}
        return concerned

    def _no_longer_missed(self, pending: list[Partition], verdicts: Mapping[Partition, str]) -> Iterator[Partition]:
        """What is missing and may not be any more: it lay inside a range that has become shorter, or was read by a report that is another one now."""
        shorter: set[str] = set()
        for asset, key in pending:
            if asset in self._rules:
                rule = self._rules[asset]
                windows = () if rule.partitioned else [window.asset for window in rule.windows]
                gone = rule.partitioned and not self._stored(asset, key, key)
                shorter |= {*windows, *(rule.made_with if gone else ())}
        yield from (partition for partition, reason in verdicts.items() if partition[0] in shorter and reason.startswith("missing"))

    def _readers(self, asset: str, key: str) -> Iterator[Partition]:
        """The partitions whose windows hold this one."""
        at, newest = self._position(key), self._position(self._newest)
        for rule in self._rules:
            if not rule.partitioned:
                continue
            widest = max((window.back for window in rule.windows if window.asset == asset), default=-1)
            if rule.asset == asset and rule.refit:
                widest = max(widest, *LONGEST_PERIOD[rule.refit])
            for later in range(at, min(at + widest, newest) + 1):
                session = self._calendar.offset(self._calendar.first, later)
                if any(
                    window.asset == asset and window.lag <= later - at <= window.back
                    for window in rule.windows_read(session, self._calendar)
                ):
                    yield rule.asset, str(session)

    def _asked_for(self, rule: AssetRule, key: str) -> Iterator[Partition]:
        """What the windows of this partition hold and is not stored: missing while this one is there."""
        for window in rule.windows_read(date.fromisoformat(key), self._calendar):
            if sessions := self._window(window, key):
                there = self._stored(window.asset, sessions[0], sessions[-1])
                yield from ((window.asset, day) for day in sessions if day not in there)

    def _recorded_and_gone(self, asset: str) -> Iterator[Partition]:
        """What the files of an asset without partitions say that they read, and is not stored."""
        for path, key in self._connection.execute("SELECT path, key FROM files WHERE asset = ? AND fault = ''", (asset,)).fetchall():
            for other, versions in upstream_of(self._deployment, asset, key, path).items():
                if versions and other in self._rules and self._rules[other].partitioned:
                    yield from ((other, day) for day in versions.keys() - self._stored(other, min(versions), max(versions)))

    def _between(self, rule: AssetRule, key: str) -> Iterator[Partition]:
        """What lies between this partition and its neighbours."""
        names = ", ".join("?" * len(rule.made_with))
        nearest = f"(SELECT MAX(key) FROM files WHERE asset IN ({names}) AND key < ?), (SELECT MIN(key) FROM files WHERE asset IN ({names}) AND key > ?)"  # noqa: S608
        before, after = self._connection.execute(f"SELECT {nearest}", (*rule.made_with, key, *rule.made_with, key)).fetchone()
        for day in self._sessions(before or key, after or key):
            yield from ((name, str(day)) for name in rule.made_with)

    def _judged(self, targets: set[Partition]) -> Iterator[Stale]:
        """Those of the targets that are stale, from the entries that their windows reach."""
        of_sessions = [target for target in targets if target[1] and self._start <= target[1]]
        first = last = self._newest
        if of_sessions:
            absent = [target for target in of_sessions if not self._stored(*target, target[1])]
            readers = [key for target in absent for _, key in self._readers(*target)]  # what reads it may miss it
            last = max([*(key for _, key in of_sessions), *readers])
            first = min(min(self._reach(self._rules[asset], key), key) for asset, key in of_sessions)
        part = StoredSpan(
            first=date.fromisoformat(max(first, self._start)),
            last=date.fromisoformat(last),
            ranges=self._ranges,
            restated=self._restated(),
            wholes=self._wholes,
        )
        entries = self._entries(self._whole | {RESTATEMENTS})
        for asset in sorted({rule.asset for rule in self._rules} - self._whole):
            entries += read_entries(self._connection, asset, (str(part.first), last))
        staleness = Staleness(self._deployment, self._rules, entries, part=part)
        for rule in self._rules:
            keys = {key for asset, key in targets if asset == rule.asset}
            yield from staleness.judged(rule.asset, keys) if keys else ()

    def _entries(self, assets: set[str], *, reads: bool = True) -> list[Entry]:
        return [entry for asset in sorted(assets) for entry in read_entries(self._connection, asset, reads=reads)]

    def _keep_wholes(self, staleness: Staleness, assets: set[str]) -> None:
        """Compare these assets without partitions with all that is stored."""
        for entry in self._entries(assets):
            recorded = {} if entry.fault else upstream_of(self._deployment, entry.asset, entry.key, entry.path)
            self._wholes.keep(entry.path, recorded, staleness.differences(self._rules[entry.asset], entry))

    def _compare_wholes(self, pending: list[Partition]) -> None:
        """Compare assets without partitions that were rebuilt with everything, the others with what has changed."""
        made = self._whole & {asset for asset, _ in pending}
        read = {window.asset for asset in made for window in self._rules[asset].windows}
        self._keep_wholes(Staleness(self._deployment, self._rules, self._entries(read | made, reads=False)), made)
        others = [entry for entry in self._entries(self._whole - made) if not entry.fault]
        for asset, key in pending if others else ():
            entries = read_entries(self._connection, asset, (key, key), reads=False)
            now = Staleness(self._deployment, self._rules, entries).version_of_whole(asset, key) if asset in self._rules else None
            is_stored = bool(entries) and asset in self._ranges
            for entry in others:
                if _reads(self._rules[entry.asset], asset):
                    self._wholes.compare(entry.path, asset, key, now, is_stored=is_stored)

    def _restated(self) -> int:
        several = "SELECT COUNT(*) FROM (SELECT 1 FROM files WHERE asset = ? GROUP BY key HAVING COUNT(*) > 1)"
        return sum(self._connection.execute(several, (asset,)).fetchone()[0] for asset in OF_MARKET)

    def _reach(self, rule: AssetRule, key: str) -> str:
        """The first session that a partition reads."""
        if not self._calendar.is_session(date.fromisoformat(key)):
            return key
        at = self._position(key)
        return self._at(
            max(
                self._position(self._start),
                at - max((window.back for window in rule.windows_read(date.fromisoformat(key), self._calendar)), default=0),
            )
        )

    def _window(self, window: PartitionWindow, key: str) -> list[str]:
        start, at = self._position(self._begins(window.asset)), self._position(key)
        return [self._at(place) for place in range(max(start, at - window.back), at - window.lag + 1)]

    def _begins(self, asset: str) -> str:
        """The first session of an asset's history: where the ticks or chains begin that it is made of, or all history; the newest one where there are none."""
        own = [name for name in (self._rules[asset].begins_with if asset in self._rules else ()) if name in WITH_OWN_HISTORY]
        return max([self._start, *(self._ranges[name][0] if name in self._ranges else self._newest for name in own)])

    def _stored(self, asset: str, first: str, last: str) -> set[str]:
        found = self._connection.execute("SELECT DISTINCT key FROM files WHERE asset = ? AND key BETWEEN ? AND ?", (asset, first, last))
        return {key for (key,) in found}

    def _position(self, key: str) -> int:
        return self._calendar.position(date.fromisoformat(key))

    def _at(self, position: int) -> str:
        return str(self._calendar.offset(self._calendar.first, position))


def _reads(rule: AssetRule, asset: str) -> bool:
    return any(window.asset == asset for window in rule.windows)
