"""What a refresh of the lineage index looks at: everything, or what was announced since the look before."""

import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.lineage.footers import Found, asset_folders, find_announced, find_asset, find_files, key_of, look
from ats_assets.storage.write_log import NOWHERE, LogPosition, WriteLog


class Look:
    """What a refresh looks at: everything, or what was announced since the look before and the assets whose folder a person has changed.

    Parameters
    ----------
    before
        What `after` said the last time; None: look at everything.
    """

    def __init__(self, deployment: Deployment, before: dict[str, Any] | None) -> None:
        self._deployment = deployment
        look(deployment)
        self._folders = asset_folders(deployment)
        self._times = {asset: os.stat(folder).st_mtime_ns for asset, folder in self._folders.items()}  # noqa: PTH116
        self._logs = {str(root): WriteLog(root) for root in (deployment.warehouse.root, deployment.settings.storage.models_folder)}
        self._at = time.time()
        self._positions: dict[str, LogPosition] = {}
        self._names: set[tuple[str, str]] | None = None
        self._whole: set[str] = set()
        if before is not None:
            self._names = self._announced(before)
        if self._names is None:
            self._positions = {root: log.start() for root, log in self._logs.items()}
        else:
            self._at = before["at"] if before else self._at

    def _announced(self, before: dict[str, Any]) -> set[tuple[str, str]] | None:
        names: set[tuple[str, str]] = set()
        for root, log in self._logs.items():
            since = log.since(LogPosition(*before["logs"].get(root, astuple(NOWHERE))))
            if since is None:
                return None
            names |= {(parts[0], parts[1]) for path in since[0] if len(parts := path.split("/")) > 1}
            self._positions[root] = since[1]
        written = {asset for asset, _ in names}
        changed = {asset for asset, at in self._times.items() if before["folders"].get(asset) != at}
        self._whole = (changed | (before["folders"].keys() - self._times.keys())) - written
        return names

    def found(self, known: dict[str, tuple[str, str, str]], *, all_of_them: bool) -> tuple[dict[str, Found], list[Found]]:
        """Path -> what is there of what is looked at; and those of them to be read, since they are others than was known."""
        found = {file.path: file for file in self.files()}
        return found, [file for file in found.values() if all_of_them or known.get(file.path, ("",))[0] != file.stamp]

    def files(self) -> Iterator[Found]:
        """What is there of what is looked at."""
        if self._names is None:
            yield from find_files(self._deployment)
            return
        for asset in self._whole & self._folders.keys():
            yield from find_asset(self._deployment, asset)
        for asset, name in self._names:
            yield from find_announced(self._deployment, asset, name)

    def known(self, connection: sqlite3.Connection) -> dict[str, tuple[str, str, str]]:
        """Path -> stamp, asset and key of what the index has of it."""
        select = "SELECT path, stamp, asset, key FROM files"
        if self._names is None:
            rows = connection.execute(select).fetchall()
        else:
            rows = [row for asset in self._whole for row in connection.execute(f"{select} WHERE asset = ?", (asset,))]
            for asset, name in self._names:
                rows += connection.execute(f"{select} WHERE asset = ? AND key = ?", (asset, key_of(name)))
        return {path: (stamp, asset, key) for path, stamp, asset, key in rows}

    def after(self) -> dict[str, Any]:
        """What the next look goes on from."""
        logs = {root: astuple(position) for root, position in self._positions.items()}
        return {"at": self._at, "logs": logs, "folders": self._times}
