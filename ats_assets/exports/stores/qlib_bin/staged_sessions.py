"""Sessions as they were exported, a file each: what the binary files are made of, and what they can't hold (texts, which rows there are, versions)."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.exports.store import ExportedPartition, ExportedVersion
from ats_assets.storage.atomic_file import replace_file

_ENDING = ".session"


@dataclass(frozen=True, kw_only=True)
class StagedSessions:
    """A folder of them; each file is a line of JSON and the rows of each asset in Arrow's format, replaced whole."""

    folder: Path

    def sessions(self) -> list[date]:
        """Those that are there, ascending."""
        return sorted(date.fromisoformat(path.stem) for path in self.folder.glob(f"*{_ENDING}"))

    def write(self, session: date, partitions: Sequence[ExportedPartition]) -> None:
        """Replace a session."""
        bodies = [one.current.rows.write_ipc(None).getvalue() for one in partitions]
        heads = [_head(one) | {"bytes": len(body)} for one, body in zip(partitions, bodies, strict=True)]
        content = json.dumps(heads).encode() + b"\n" + b"".join(bodies)
        replace_file(self._path(session), lambda file: file.write(content))

    def heads(self, session: date) -> list[dict[str, Any]]:
        """What is said of each asset of a session; nothing where it is not there."""
        try:
            with self._path(session).open("rb") as file:
                return json.loads(file.readline())
        except FileNotFoundError:
            return []

    def read(self, session: date, asset: str) -> ExportedPartition | None:
        """The partition of an asset, as it was exported; None where there is none."""
        heads, place = self.heads(session), 0
        for head in heads:
            if head["asset"] == asset:
                with self._path(session).open("rb") as file:
                    file.readline()
                    file.seek(place, io.SEEK_CUR)
                    rows = pl.read_ipc(io.BytesIO(file.read(head["bytes"])))
                version = ExportedVersion(
                    known_at=datetime.fromisoformat(head["known_at"]),
                    data_version=head["data_version"],
                    code_version=head["code_version"],
                    model_version=head["model_version"],
                    rows=rows,
                )
                return ExportedPartition(asset=asset, session=session, current=version)
            place += head["bytes"]
        return None

    def has(self, session: date, partitions: Sequence[ExportedPartition]) -> bool:
        """Whether a session is there with these versions."""
        heads = [{key: value for key, value in head.items() if key != "bytes"} for head in self.heads(session)]
        return heads == [_head(one) for one in partitions]

    def remove(self, session: date) -> None:
        """Forget a session."""
        self._path(session).unlink(missing_ok=True)

    def state(self) -> dict[str, list[str]]:
        """Session -> the data versions of its assets: what the binary files have to be of."""
        return {str(day): [f"{head['asset']}:{head['data_version']}" for head in self.heads(day)] for day in self.sessions()}

    def _path(self, session: date) -> Path:
        return self.folder / f"{session}{_ENDING}"


def _head(partition: ExportedPartition) -> dict[str, Any]:
    version = partition.current
    return {
        "asset": partition.asset,
        "known_at": version.known_at.isoformat(),
        "data_version": version.data_version,
        "code_version": version.code_version,
        "model_version": version.model_version,
    }
