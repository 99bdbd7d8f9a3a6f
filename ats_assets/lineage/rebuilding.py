"""Another warehouse from the raw vintages of this one: as it would have been known at a time, or to compare what comes out, byte for byte."""

import filecmp
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.errors import CorruptPartitionError, MissingPartitionError, SettingsError
from ats_assets.lineage.footers import bring
from ats_assets.storage.stored_calendar import calendar_files
from ats_assets.storage.vintages import DELIVERED, VINTAGES_OF

RAW = DELIVERED[0]


def empty_world(deployment: Deployment, folder: Path) -> Deployment:
    """The same settings over an empty folder, which will hold `warehouse`, `models` and `data`; nothing is logged, profiled or exported there.

    Raises
    ------
    SettingsError
        If the folder holds something, is a file, or lies among what is stored.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"{folder} is not empty: name a folder that is, or that is not there yet")
    settings = deployment.settings
    for root in (settings.storage.warehouse_folder, settings.storage.models_folder):
        if folder.resolve().is_relative_to(root.resolve()):
            raise SettingsError(f"{folder} lies in {root}, where it would be taken for an asset: name a folder outside")
    places = {name: (folder / name).absolute() for name in ("warehouse", "models", "data")}
    changes = {
        "storage": settings.storage.model_copy(update=places),
        "mlflow": settings.mlflow.model_copy(update={"enabled": False}),
        "bars": settings.bars.model_copy(update={"profile": False}),
        "exports": {},
    }
    return Deployment(settings.model_copy(update=changes))


def copy_known(deployment: Deployment, world: Deployment, time: datetime, first: date = date.min, last: date = date.max) -> list[date]:
    """Copy what was delivered for the sessions from `first` to `last`, of each the vintages known at a time; returns the sessions with raw bars.

    Raises
    ------
    MissingPartitionError
        If nothing was known.
    CorruptPartitionError
        If a vintage is damaged.
    """
    stored = {day: deployment.warehouse.vintages(RAW, day) for day in deployment.valid_sessions(RAW) if first <= day <= last}
    chosen = [day for day, vintages in stored.items() if any(known <= time for known in vintages)]
    if not chosen:
        begun = min((min(vintages) for vintages in stored.values() if vintages), default=None)
        first_known = f"the first vintage there was known at {begun}" if begun else "there is none at all"
        span = "" if (first, last) == (date.min, date.max) else f" from {first} to {last}"
        raise MissingPartitionError(f"no {RAW}{span} in {deployment.warehouse.root} were known at {time}: {first_known}")
    for asset in DELIVERED:
        vintages = (deployment.warehouse.vintages(asset, day) for day in chosen)
        copy_vintages(deployment, world, [path for of_day in vintages for known, path in sorted(of_day.items()) if known <= time])
    return sorted(chosen)


def copy_vintages(deployment: Deployment, world: Deployment, chosen: Iterable[Path]) -> None:
    """Copy vintages of what was delivered, and the calendar in use: what is a session is no knowledge of a time, an exchange's closing was known to all on its day.

    Raises
    ------
    CorruptPartitionError
        If one is damaged.
    """
    for path in [*calendar_files(deployment.warehouse), *chosen]:
        if path.suffix == ".parquet" and (fault := deployment.warehouse.fault(path)):
            raise CorruptPartitionError(
                f"{path} is damaged ({fault}): ats stale --heal restores it where the source still delivers the same, else take it from a backup"
            )
        target = world.warehouse.root / path.relative_to(deployment.warehouse.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Files that have the same bytes in both, and those that have not, or that only one has."""

    same: tuple[str, ...]
    different: tuple[str, ...]


def compare_files(
    deployment: Deployment, world: Deployment, wanted: Mapping[str, Iterable[str]], vintages: Collection[str] = ()
) -> Comparison:
    """The files of two deployments, byte for byte: of partitions, or of an asset without partitions (which has no sessions); what was delivered, copied, is not compared.

    Parameters
    ----------
    vintages
        The files of what keeps vintages that are to be compared; others of the same sessions are not.
    """
    same: list[str] = []
    different: list[str] = []
    for asset, days in sorted(wanted.items()):
        for day in sorted(days) if asset not in DELIVERED else ():
            mine, other = (_folder(one, asset, day) for one in (deployment, world))
            names = {path.name for folder in (mine, other) if folder.is_dir() for path in folder.iterdir() if not path.name.startswith(".")}
            if asset in VINTAGES_OF:
                names &= {Path(path).name for path in vintages if Path(path).parent == mine}
            bring(deployment, asset, [mine / name for name in names])
            for name in sorted(names):
                both = (mine / name).is_file() and (other / name).is_file()
                alike = both and filecmp.cmp(mine / name, other / name, shallow=False)
                (same if alike else different).append(f"{asset}/session={day}/{name}" if day else f"{asset}/{name}")
    return Comparison(same=tuple(same), different=tuple(different))


def _folder(deployment: Deployment, asset: str, day: str) -> Path:
    if not day:
        return deployment.warehouse.root / asset
    session = date.fromisoformat(day)
    return deployment.model_store(asset).folder(session) if asset in deployment.models else deployment.warehouse.folder(asset, session)
