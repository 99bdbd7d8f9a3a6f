"""What the files of the warehouse and the models say of themselves, one record for each file that can be read or made on its own."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, CorruptPartitionError
from ats_assets.storage.artefacts import NO_MODEL, RECORD_FILE, UPSTREAM_FILE
from ats_assets.storage.digests import Digest, set_digest
from ats_assets.storage.documents import TEXT_FOOTER, text_footer
from ats_assets.storage.footer import Upstream
from ats_assets.storage.vintages import DATA_FILE, REFUSED, VINTAGES_OF

SESSION, KNOWN = "session=", "known="


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file that lies there.

    Attributes
    ----------
    key
        The session (ISO) of a partition; of an asset without partitions the file's name, a table's without its ending.
    known
        Of a vintage, the time in its name; else empty.
    stamp
        Times, sizes and inodes of all files that belong to it; another stamp is another version of them.
    """

    path: str
    asset: str
    key: str
    known: str
    stamp: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a file says of itself; with a `fault`, what can still be read of it."""

    data_version: str = ""
    code_version: str = ""
    settings_version: str = ""
    upstream: Upstream = field(default_factory=dict)
    fault: str = ""
    told: Mapping[str, Digest] | None = None
    """Upstream asset -> digest, where these are all that is known of what it read."""

    @property
    def reads(self) -> Mapping[str, Digest]:
        """Upstream asset -> the digest of the partitions read."""
        return {asset: set_digest(versions) for asset, versions in self.upstream.items()} if self.told is None else self.told


def find_files(deployment: Deployment) -> Iterator[Found]:
    """Every partition, vintage, table, text and model that is stored, by looking at names, times and sizes only."""
    for asset in asset_folders(deployment):
        yield from find_asset(deployment, asset)


def asset_folders(deployment: Deployment) -> dict[str, str]:
    """The assets that have a folder, models among them, and its path."""
    root = str(deployment.warehouse.root)
    folders = {name: f"{root}/{name}" for name in _names(root) if os.path.isdir(f"{root}/{name}")}  # noqa: PTH112
    folders |= {name: f"{deployment.model_store(name).root}/{name}" for name in deployment.models}
    return {name: folders[name] for name in sorted(folders) if os.path.isdir(folders[name])}  # noqa: PTH112


def find_asset(deployment: Deployment, asset: str) -> Iterator[Found]:
    """All that is stored of one asset."""
    for name in _names(_folder(deployment, asset)):
        yield from find_announced(deployment, asset, name)


def find_announced(deployment: Deployment, asset: str, name: str) -> Iterator[Found]:
    """The files of one partition, or the table or text, as far as they are stored; `name` is that of the folder or file beneath the asset's."""
    folder = _folder(deployment, asset)
    if not name.startswith(SESSION):
        yield from _part(asset, f"{folder}/{name}", name) if asset not in deployment.models else ()
    elif asset in deployment.models:
        yield from _model(asset, name.removeprefix(SESSION), f"{folder}/{name}")
    else:
        yield from _partition(asset, name.removeprefix(SESSION), f"{folder}/{name}")


def key_of(name: str) -> str:
    """The key of what lies in a folder or file of that name beneath its asset's."""
    return name.removeprefix(SESSION) if name.startswith(SESSION) else name.removesuffix(TEXT_FOOTER).removesuffix(".parquet")


def _folder(deployment: Deployment, asset: str) -> str:
    return f"{deployment.model_store(asset).root if asset in deployment.models else deployment.warehouse.root}/{asset}"


def bring(deployment: Deployment, asset: str, paths: Iterable[Path]) -> int:
    """See to it that the bytes of files of an asset can be read here, where they lie in an object store; returns how many were fetched."""
    held = deployment.model_store(asset).root_folder if asset in deployment.models else deployment.warehouse.root_folder
    return held.at_hand(paths)


def bring_found(deployment: Deployment, found: Iterable[Found]) -> int:
    """Likewise of what is to be read for the index, with what lies beside it."""
    by_asset: dict[str, list[Path]] = {}
    for one in found:
        path, files = Path(one.path), by_asset.setdefault(one.asset, [])
        files += _read_of_model(path.parent) if one.asset in deployment.models else (path, text_footer(path))
    return sum(bring(deployment, asset, files) for asset, files in by_asset.items())


def _read_of_model(folder: Path) -> Iterator[Path]:
    """The files of a model's folder that are read for the index: not the model, whose SHA-256 the log of the store knows."""
    return (folder / name for name in (RECORD_FILE, UPSTREAM_FILE))


def told_records(deployment: Deployment, found: Iterable[Found]) -> dict[Found, Record]:
    """File -> what is known of partitions that are in an object store, and not here: what was told when they were written."""
    of_partitions = {Path(one.path): one for one in found if SESSION in one.path and one.asset not in deployment.models}
    records: dict[Found, Record] = {}
    for path, told in deployment.warehouse.root_folder.told(of_partitions).items():
        one = of_partitions[path]
        if (told.asset, told.session) == (one.asset, one.key):
            records[one] = Record(
                data_version=told.data_version,
                code_version=told.code_version,
                settings_version=told.settings_version,
                told=told.reads,
            )
    return records


def look(deployment: Deployment) -> None:
    """See what other machines have stored, where warehouse or models lie in an object store."""
    deployment.warehouse.root_folder.look()
    for name in deployment.models[:1]:
        deployment.model_store(name).root_folder.look()


def read_record(deployment: Deployment, found: Found, *, again: bool = False) -> Record:
    """What a file says of itself, and whether it is what was written.

    Parameters
    ----------
    again
        Look at every byte even of files that were found intact before.
    """
    if found.asset in deployment.models:
        return _read_model(deployment, found)
    warehouse, path = deployment.warehouse, Path(found.path)
    try:
        text = path.suffix != ".parquet"
        footer = warehouse.footer_of_text(path) if text else warehouse.footer_of(path)
        fault = (warehouse.text_fault(path) if text else warehouse.fault(path, again=again)) or ""
    except (CorruptPartitionError, OSError) as error:
        return Record(fault=str(error))
    if not fault and (footer.asset, footer.session) != (found.asset, found.key if SESSION in found.path else ""):
        fault = f"it is the file of {footer.asset} at {footer.session}"
    return Record(
        data_version=footer.data_version,
        code_version=footer.code_version,
        settings_version=footer.settings_version,
        upstream=footer.upstream,
        fault=fault,
    )


def upstream_of(deployment: Deployment, asset: str, key: str, path: str) -> Upstream:
    """What a file names as read; nothing where it can't be read. Its bytes are not checked: that was done when it came into the index."""
    try:
        if asset in deployment.models:
            store = deployment.model_store(asset)
            return store.upstream(store.record(date.fromisoformat(key)))
        file = Path(path)
        return (deployment.warehouse.footer_of(file) if file.suffix == ".parquet" else deployment.warehouse.footer_of_text(file)).upstream
    except (AtsError, OSError):
        return {}


def _read_model(deployment: Deployment, found: Found) -> Record:
    store = deployment.model_store(found.asset)
    try:
        record = store.check(date.fromisoformat(found.key))
    except (AtsError, OSError, json.JSONDecodeError) as error:
        return Record(fault=str(error))
    versions: Mapping[str, str] = record.versions
    return Record(
        data_version=record.model_sha256 or NO_MODEL,
        code_version=versions.get("code", ""),
        settings_version=versions.get("settings", ""),
        upstream=store.upstream(record),
    )


def _partition(asset: str, session: str, folder: str) -> Iterator[Found]:
    path = f"{folder}/{DATA_FILE}"
    stamp = written_stamp(path)
    if stamp:
        yield Found(path=path, asset=asset, key=session, known="", stamp=stamp)
        if asset not in VINTAGES_OF:
            return
    for name in _names(folder):
        if name.startswith((KNOWN, REFUSED)) and name.endswith(".parquet"):
            known = name.partition("=")[2].removesuffix(".parquet")
            yield Found(path=f"{folder}/{name}", asset=asset, key=session, known=known, stamp=written_stamp(f"{folder}/{name}"))


def _part(asset: str, path: str, name: str) -> Iterator[Found]:
    if name.endswith(TEXT_FOOTER) and not os.path.lexists(path.removesuffix(TEXT_FOOTER)):  # the text is gone
        name, path = name.removesuffix(TEXT_FOOTER), path.removesuffix(TEXT_FOOTER)
    if name.startswith(".") or name.endswith(TEXT_FOOTER):
        return
    if not os.path.lexists(path) and not os.path.lexists(str(text_footer(Path(path)))):
        return
    stamp = written_stamp(path) + ("" if name.endswith(".parquet") else f"|{written_stamp(str(text_footer(Path(path))))}")
    yield Found(path=path, asset=asset, key=name.removesuffix(".parquet"), known="", stamp=stamp)


def _model(asset: str, session: str, folder: str) -> Iterator[Found]:
    files = [name for name in sorted(_names(folder)) if name.startswith("model.") and name != RECORD_FILE]
    stamps = [written_stamp(f"{folder}/{name}") for name in (RECORD_FILE, *files, UPSTREAM_FILE)]
    if stamps[0]:
        yield Found(path=f"{folder}/{RECORD_FILE}", asset=asset, key=session, known="", stamp="|".join(stamps))


def written_stamp(path: str) -> str:
    """Time, size and inode of a file; empty where there is none."""
    try:
        stat = os.stat(path)  # noqa: PTH116 - asked thousands of times: a Path costs more than the call
    except FileNotFoundError:
        return ""
    return f"{stat.st_mtime_ns}:{stat.st_size}:{stat.st_ino}"  # each write makes a new file and renames it: a new inode, however coarse the clock


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return []
