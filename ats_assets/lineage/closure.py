"""Everything behind a partition, as the files say it: what has to be made again to make it again, from which deliveries, and what has changed since."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, CorruptPartitionError, MissingPartitionError
from ats_assets.lineage.index import Entry
from ats_assets.lineage.records import Found, Record, read_record
from ats_assets.lineage.rules import Rules
from ats_assets.warehouse import DELIVERED

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
        The files of the deliveries that were read.
    changed
        Assets of which code or settings are not those any more that made the partitions, and what is not stored any more as it was read. Bytes can differ then.
    """

    wanted: Mapping[str, frozenset[str]]
    vintages: tuple[Path, ...]
    changed: tuple[str, ...]


def closure(deployment: Deployment, rules: Rules, entries: Iterable[Entry], asset: str, sessions: Sequence[date]) -> Closure:
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
    def __init__(self, deployment: Deployment, rules: Rules, entries: Iterable[Entry]) -> None:
        self._deployment, self._rules = deployment, rules
        self._stored: dict[str, dict[str, list[Entry]]] = {}
        for entry in entries:  # the newest vintage comes last
            self._stored.setdefault(entry.asset, {}).setdefault(entry.key, []).append(entry)
        self._seen: dict[tuple[str, str], Entry] = {}
        self._moved: dict[tuple[str, str], str] = {}

    def closure(self, asset: str, sessions: Sequence[date]) -> Closure:
        whole = not self._rules[asset].partitioned
        keys = sorted(self._stored.get(asset, {})) if whole else [day.isoformat() for day in sessions]
        if not keys:
            raise MissingPartitionError(f"{asset} is not stored, so nothing can be compared with it: ats run makes it")
        waiting = [(asset, key, "", f"reproduce {asset}") for key in keys]
        while waiting:
            name, key, version, reader = waiting.pop()
            entry = self._found(name, key, version, reader)
            if (name, key) not in self._seen:
                self._seen[name, key] = entry
                upstream = self._record(entry).upstream
                waiting += [(other, day, read, f"{name} {key}") for other, versions in upstream.items() for day, read in versions.items()]
        wanted: dict[str, set[str]] = {}
        for name, key in self._seen:
            wanted.setdefault(name, set()).add(key if self._rules[name].partitioned else "")
        return Closure(
            wanted={name: frozenset(keys) for name, keys in wanted.items()}, vintages=self._vintages(wanted), changed=(*self._changes(),)
        )

    def _found(self, asset: str, key: str, version: str, reader: str) -> Entry:
        """The stored file that was read; of what was delivered the vintage of the version, of others what is stored now."""
        if asset not in self._rules:
            raise AtsError(f"{reader} was made from {asset}, which is not in the graph any more: choose the settings that have it")
        vintages = self._stored.get(asset, {}).get(key)
        if not vintages:
            raise MissingPartitionError(
                f"{asset} {key} is not stored, so nothing can be compared with it: ats stale --heal makes what is missing"
            )
        entry = next((one for one in reversed(vintages) if one.data_version == version), vintages[-1])
        if asset in DELIVERED and version and entry.data_version != version:
            raise MissingPartitionError(f"{reader} was made from a vintage of {asset} {key} ({version[:12]}) that is not stored any more")
        known = self._seen.get((asset, key), entry)
        if version and (entry.data_version != version or known.data_version != version):
            self._moved.setdefault((asset, key), reader)
        return entry

    def _record(self, entry: Entry) -> Record:
        record = read_record(self._deployment, Found(path=entry.path, asset=entry.asset, key=entry.key, known=entry.known, stamp=""))
        if record.fault:
            raise CorruptPartitionError(f"{entry.path} is damaged ({record.fault}), so nothing can be compared with it: ats stale --heal")
        return record

    def _vintages(self, wanted: Mapping[str, Iterable[str]]) -> tuple[Path, ...]:
        """Those that were read; and the newest of each other session that something is made of, so that history begins where it did."""
        days = {day for asset, keys in wanted.items() if self._rules[asset].partitioned for day in keys}
        stored = [(asset, day, vintages[-1]) for asset in DELIVERED for day, vintages in self._stored.get(asset, {}).items() if day in days]
        return tuple(Path(self._seen.get((asset, day), newest).path) for asset, day, newest in sorted(stored, key=lambda one: one[:2]))

    def _changes(self) -> Iterable[str]:
        for asset in sorted({asset for asset, _ in self._seen} - set(DELIVERED)):
            rule, mine = self._rules[asset], [entry for (name, _), entry in self._seen.items() if name == asset]
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
