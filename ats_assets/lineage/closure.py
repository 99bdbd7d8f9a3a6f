"""Everything upstream of a partition, from the footers: what must be rebuilt to reproduce it, from which deliveries, and what has changed since."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, CorruptPartitionError, MissingPartitionError
from ats_assets.lineage.footers import Found, Record, read_record
from ats_assets.lineage.index import Entry
from ats_assets.lineage.known_vintages import read_vintage, until_of
from ats_assets.lineage.rules import LineageRules
from ats_assets.storage.documents import text_footer
from ats_assets.storage.vintages import DELIVERED, FROM_SOURCE, RESTATEMENTS, VINTAGES_OF

SHOWN = 3
"""Partitions that a message names before it counts the others."""


@dataclass(frozen=True, kw_only=True)
class Closure:
    """What partitions were made from, themselves among it.

    Attributes
    ----------
    wanted
        Asset -> sessions (ISO); an asset without partitions has the one session "".
    vintages
        The files of the deliveries that were read, and what was compared of restatements where a report tells of it.
    compared
        The files of what keeps vintages that were read, and are to be compared.
    changed
        Assets of which code or settings are not those any more that made the partitions, and what is not stored any more as it was read. Bytes can differ then.
    """

    wanted: Mapping[str, frozenset[str]]
    vintages: tuple[Path, ...]
    compared: frozenset[str]
    changed: tuple[str, ...]


def closure(deployment: Deployment, rules: LineageRules, entries: Iterable[Entry], asset: str, sessions: Sequence[date]) -> Closure:
    """Everything that partitions were made from.

    Parameters
    ----------
    sessions
        None for an asset without partitions.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
        If something of it is not stored any more, or damaged.
    AtsError
        If an asset of it is not in the graph any more.
    """
    return _Following(deployment, rules, entries).closure(asset, sessions)


class _Following:
    def __init__(self, deployment: Deployment, rules: LineageRules, entries: Iterable[Entry]) -> None:
        self._deployment, self._rules = deployment, rules
        self._stored: dict[str, dict[str, list[Entry]]] = {}
        for entry in entries:  # the newest vintage comes last
            self._stored.setdefault(entry.asset, {}).setdefault(entry.key, []).append(entry)
        self._seen: dict[str, Entry] = {}
        self._moved: dict[tuple[str, str], str] = {}
        self._restated = False

    def closure(self, asset: str, sessions: Sequence[date]) -> Closure:
        whole = not self._rules[asset].partitioned
        keys = sorted(self._stored.get(asset, {})) if whole else [day.isoformat() for day in sessions]
        if not keys:
            raise MissingPartitionError(f"{asset} is not stored, so there is nothing to compare: make it with ats run")
        waiting = [entry for key in keys for entry in self._vintages_of(asset, key)]
        while waiting:
            entry = waiting.pop()
            if entry.path not in self._seen:
                self._seen[entry.path] = entry
                upstream = self._record(entry).upstream
                self._restated |= RESTATEMENTS in upstream
                edges = (
                    (other, day, read) for other, versions in upstream.items() if other != RESTATEMENTS for day, read in versions.items()
                )
                waiting += [self._found(other, day, read, entry) for other, day, read in edges]
        wanted: dict[str, set[str]] = {}
        for entry in self._seen.values():
            wanted.setdefault(entry.asset, set()).add(entry.key if self._rules[entry.asset].partitioned else "")
        return Closure(
            wanted={name: frozenset(keys) for name, keys in wanted.items()},
            vintages=self._delivered(wanted),
            compared=frozenset(path for path, entry in self._seen.items() if entry.asset in VINTAGES_OF),
            changed=(*self._changes(),),
        )

    def _vintages_of(self, asset: str, key: str) -> list[Entry]:
        found = self._stored.get(asset, {}).get(key)
        if not found:
            raise MissingPartitionError(f"{asset} {key} is not stored, so there is nothing to compare: run ats stale --heal")
        return found

    def _found(self, asset: str, key: str, version: str, by: Entry) -> Entry:
        """The stored file that was read; of what keeps vintages the one of the version, of others what is stored now."""
        reader = f"{by.asset} {by.key}"
        if asset not in self._rules:
            raise AtsError(f"{reader} was made from {asset}, which is no longer in the graph: use settings that include it")
        entry = read_vintage(self._vintages_of(asset, key), version, until_of(self._deployment.knowledge, by, asset, key))
        if entry.data_version != version:
            if asset in DELIVERED:
                raise MissingPartitionError(f"{reader} was made from a vintage of {asset} {key} ({version[:12]}) that is no longer stored")
            self._moved.setdefault((asset, key), reader)
        return entry

    def _record(self, entry: Entry) -> Record:
        record = read_record(self._deployment, Found(path=entry.path, asset=entry.asset, key=entry.key, known=entry.known, stamp=""))
        if record.fault:
            raise CorruptPartitionError(f"{entry.path} is damaged ({record.fault}), so it can't be compared: run ats stale --heal")
        return record

    def _delivered(self, wanted: Mapping[str, Iterable[str]]) -> tuple[Path, ...]:
        """What was read; and the newest of each other session that something is made of, so that history begins where it did.

        For a report that tells of restatements: all that was delivered more than once, and what was compared.
        """
        days = {day for asset, keys in wanted.items() if self._rules[asset].partitioned for day in keys}
        chosen: list[Path] = []
        for asset in DELIVERED:
            for day, vintages in sorted(self._stored.get(asset, {}).items()):
                all_told = self._restated and len(vintages) > 1
                read = [entry for entry in vintages if entry.path in self._seen or all_told]
                begins = vintages[-1:] if asset in FROM_SOURCE else []
                chosen += [Path(entry.path) for entry in (read or begins if day in days or all_told else [])]
        if self._restated:
            for stored in self._stored.get(RESTATEMENTS, {}).values():
                chosen += [Path(stored[-1].path), text_footer(Path(stored[-1].path))]
        return tuple(chosen)

    def _changes(self) -> Iterable[str]:
        for asset in sorted({entry.asset for entry in self._seen.values()} - set(DELIVERED)):
            rule, mine = self._rules[asset], [entry for entry in self._seen.values() if entry.asset == asset]
            for what in ("code_version", "settings_version"):
                made_by = sorted({getattr(entry, what) for entry in mine} - {getattr(rule, what)})
                if made_by:
                    yield (
                        f"{what.removesuffix('_version')} of {asset} changed since it was made "
                        f"({', '.join(made_by)} → {getattr(rule, what)}): its bytes can differ, and those of what was made from it"
                    )
        if self._moved:
            some = [f"{reader} read another {asset} {key}" for (asset, key), reader in sorted(self._moved.items())]
            more = f" and {len(some) - SHOWN} more" if len(some) > SHOWN else ""
            yield f"stale: {', '.join(some[:SHOWN])}{more} than is stored now, so they come out as ats stale --heal would make them"
