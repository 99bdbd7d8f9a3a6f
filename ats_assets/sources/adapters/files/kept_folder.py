"""The folder in which what was read of one source is kept: under which key, and what is done where nothing can be kept, or what was kept is damaged."""

import hashlib
import logging
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.delivery import Delivery
from ats_assets.sources.adapters.files.kept_rows import Asked, DamagedRowsError, KeptRows
from ats_assets.sources.adapters.files.kept_tables import kept_tables
from ats_assets.storage.versions import code_version

_log = logging.getLogger(__name__)


class KeptFolder:
    """What is kept of the files at one path.

    Parameters
    ----------
    root
        The folder of all sources.
    path
        Where the files lie.
    settings
        All that rows follow from beside the files, with the calendar and the code: where one is another, all files are read again.
    """

    def __init__(self, root: Path, path: Path, settings: FilesSettings, calendar: SessionCalendar) -> None:
        self._path = path
        self._folder = root / hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
        self._settings = settings
        self._calendar = calendar

    def rows(self, asked: Sequence[Asked], read: Callable[[Asked], Delivery]) -> KeptRows | None:
        """The rows from what was kept of them; None where nothing can be kept."""
        for _ in range(2):  # what was kept may be damaged: then once more, from nothing
            try:
                return KeptRows(self._folder, self._key, self._calendar.first, asked, read)
            except DamagedRowsError as error:
                self.forget(error)
            except (OSError, sqlite3.Error) as error:
                self._warn(self._path, error)
                return None
        return None

    def tables(self, path: Path, asked: Sequence[Asked], read: Callable[[Asked], pl.DataFrame]) -> list[pl.DataFrame]:
        """What `read` makes of each file at a path, from what was kept of them where that can be."""
        try:
            return kept_tables(self._folder, self._key, asked, read)
        except (OSError, sqlite3.Error) as error:
            self._warn(path, error)
            return [read(one) for one in asked]

    def forget(self, error: DamagedRowsError) -> None:
        """Remove all of it."""
        _log.warning("what was kept of %s is not what was written (%s): it is removed, and all files are read", self._path, error)
        shutil.rmtree(self._folder, ignore_errors=True)

    @cached_property
    def _key(self) -> str:
        settings = self._settings.model_copy(update={"path": None, "vintage": None, "actions": None}).model_dump_json()
        parts = (settings, self._calendar.digest, code_version("ats_assets.sources"), pl.__version__)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _warn(self, path: Path, error: Exception) -> None:
        _log.warning("what is read of %s can't be kept in %s, so all files are read: %s", path, self._folder, error)
