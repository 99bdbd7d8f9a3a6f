"""The reports that are stored as pages."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.errors import CorruptPartitionError

_OF_WAREHOUSE = {
    "backtest": ("backtest_report", "report.html"),
    "models": ("model_report", "report.html"),
    "events": ("event_report", "report.html"),
}
"""Name -> asset and document."""


@dataclass(frozen=True, kw_only=True)
class StoredReport:
    """A report.

    Attributes
    ----------
    version
        The SHA-256 of its content.
    """

    name: str
    path: Path
    made_at: datetime
    bytes: int
    version: str


def stored_reports(deployment: Deployment) -> dict[str, StoredReport]:
    """Each report that is stored, by name: those of the warehouse, and those that commands wrote into the data folder."""
    warehouse = deployment.warehouse
    files = {name: warehouse.root.joinpath(*where) for name, where in _OF_WAREHOUSE.items()}
    warehouse.root_folder.at_hand(files.values())
    others = {file.stem: file for file in sorted((deployment.settings.storage.data / "reports").glob("*.html"))}
    found = {}
    for name, file in (others | files).items():
        try:
            stat = file.stat()
            version = warehouse.footer_of_text(file).data_version if name in files else hashlib.sha256(file.read_bytes()).hexdigest()
        except (FileNotFoundError, NotADirectoryError):
            continue
        made = datetime.fromtimestamp(stat.st_mtime, UTC)
        found[name] = StoredReport(name=name, path=file, made_at=made, bytes=stat.st_size, version=version)
    return found


def report_page(report: StoredReport) -> bytes:
    """The page of a report.

    Raises
    ------
    CorruptPartitionError
        If it is not what was written.
    """
    content = report.path.read_bytes()
    if hashlib.sha256(content).hexdigest() != report.version:
        raise CorruptPartitionError(f"{report.path} is damaged, or is being written: ask again, or make it again with ats report")
    return content
