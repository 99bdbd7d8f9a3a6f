"""Another warehouse from the raw vintages of this one: as it would have been known at a time, or to compare what comes out, byte for byte."""

import filecmp
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from ats_assets.deployment import MODELS, Deployment
from ats_assets.errors import MissingPartitionError, SettingsError
from ats_assets.lineage.index import Entry
from ats_assets.lineage.records import Found, read_record

RAW = "raw_bars"
Wanted = dict[str, set[str]]
"""Asset -> sessions (ISO)."""


def empty_world(deployment: Deployment, folder: Path) -> Deployment:
    """The same settings over an empty folder, which will hold `warehouse`, `models` and `data`; nothing is logged or profiled there.

    Raises
    ------
    SettingsError
        If the folder holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty: name a folder that is, or that is not there yet")
    settings = deployment.settings
    places = {name: (folder / name).absolute() for name in ("warehouse", "models", "data")}
    changes = {
        "storage": settings.storage.model_copy(update=places),
        "mlflow": settings.mlflow.model_copy(update={"enabled": False}),
        "bars": settings.bars.model_copy(update={"profile": False}),
    }
    return Deployment(settings.model_copy(update=changes))


def copy_vintages(deployment: Deployment, world: Deployment, *, as_of: datetime | None = None, until: date | None = None) -> list[date]:
    """Copy the raw bars, of each session the newest vintage known at `as_of`; returns the sessions that there are.

    Raises
    ------
    MissingPartitionError
        If nothing was known.
    """
    made: list[date] = []
    for session in deployment.warehouse.sessions(RAW):
        vintages = deployment.warehouse.vintages(RAW, session)
        known = [time for time in vintages if as_of is None or time <= as_of]
        if not known or (until is not None and session > until):
            continue
        target = world.warehouse.folder(RAW, session)
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(vintages[max(known)], target / vintages[max(known)].name)
        made.append(session)
    if not made:
        raise MissingPartitionError(f"no vintage of {RAW} was known at {as_of}: the first of {deployment.warehouse.root} came later")
    return made


def closure(deployment: Deployment, entries: Iterable[Entry], asset: str, sessions: Iterable[date]) -> Wanted:
    """Everything that partitions were made from, themselves among it.

    Raises
    ------
    MissingPartitionError
        If something of it is not stored.
    """
    stored = {(entry.asset, entry.key): entry for entry in entries}
    wanted: Wanted = {}
    waiting = [(asset, session.isoformat()) for session in sessions]
    while waiting:
        name, day = waiting.pop()
        if day in wanted.setdefault(name, set()):
            continue
        wanted[name].add(day)
        entry = stored.get((name, day))
        if entry is None:
            raise MissingPartitionError(
                f"{name} {day} is not stored, so nothing can be compared with it: ats stale --heal makes what is missing"
            )
        upstream = read_record(deployment, Found(path=entry.path, asset=name, key=day, known=entry.known, stamp="")).upstream
        waiting += [(other, key) for other, versions in upstream.items() for key in versions]
    return wanted


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Files that have the same bytes in both, and those that have not, or that only one has."""

    same: tuple[str, ...]
    different: tuple[str, ...]


def compare(deployment: Deployment, world: Deployment, wanted: Mapping[str, Iterable[str]]) -> Comparison:
    """The files of partitions in two deployments, byte for byte."""
    same: list[str] = []
    different: list[str] = []
    for asset, days in sorted(wanted.items()):
        for day in sorted(days):
            mine, other = (_folder(one, asset, date.fromisoformat(day)) for one in (deployment, world))
            names = {path.name for folder in (mine, other) if folder.is_dir() for path in folder.iterdir() if not path.name.startswith(".")}
            if asset == RAW:  # one vintage was copied
                names = {path.name for path in other.iterdir()}
            for name in sorted(names):
                both = (mine / name).is_file() and (other / name).is_file()
                alike = both and filecmp.cmp(mine / name, other / name, shallow=False)
                (same if alike else different).append(f"{asset}/session={day}/{name}")
    return Comparison(same=tuple(same), different=tuple(different))


def _folder(deployment: Deployment, asset: str, session: date) -> Path:
    return deployment.model_store(asset).folder(session) if asset in MODELS else deployment.warehouse.folder(asset, session)
