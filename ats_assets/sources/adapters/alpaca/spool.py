"""Finished parts of a long backfill, on disk: after a crash they are not asked for again.

A part is kept under the SHA-256 of its question, in a file whose name ends in the SHA-256 of its bytes: what was asked for otherwise, or is damaged, is not used. A
part is forgotten after a day, when Alpaca may have corrected what is in it.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import polars as pl

from ats_assets.storage.atomic_file import replace_file

KEPT_SECONDS = 24 * 3600
_log = logging.getLogger(__name__)


class Spool:
    """Frames by question.

    Parameters
    ----------
    folder
        Made when something is kept.
    now
        Seconds since 1970, as files' times count them.
    """

    def __init__(self, folder: Path, *, fsync: bool = True, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._fsync = fsync
        self._now = now

    def get(self, question: Mapping[str, object]) -> pl.DataFrame | None:
        """What was kept for the question, or None."""
        for file in sorted(self._folder.glob(f"{_key(question)}-*.parquet")):
            content = file.read_bytes()
            fresh = self._now() - file.stat().st_mtime < KEPT_SECONDS
            if fresh and file.stem.endswith(hashlib.sha256(content).hexdigest()):
                return pl.read_parquet(BytesIO(content))
            _log.info("%s is %s: asked for again", file.name, "damaged" if fresh else "older than a day")
            file.unlink(missing_ok=True)
        return None

    def keep(self, question: Mapping[str, object], frame: pl.DataFrame) -> None:
        """Keep what came for the question, in place of anything that was kept for it."""
        buffer = BytesIO()
        frame.write_parquet(buffer, compression="zstd", compression_level=1)
        content = buffer.getvalue()
        name = f"{_key(question)}-{hashlib.sha256(content).hexdigest()}.parquet"
        replace_file(self._folder / name, lambda file: file.write(content), fsync=self._fsync)
        for file in self._folder.glob("*.parquet"):
            if (file.name != name and file.name.startswith(_key(question))) or self._now() - file.stat().st_mtime >= KEPT_SECONDS:
                file.unlink(missing_ok=True)


def _key(question: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(question, sort_keys=True, default=str).encode()).hexdigest()
