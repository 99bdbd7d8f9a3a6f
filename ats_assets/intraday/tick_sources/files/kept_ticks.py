"""What texts of ticks say, kept as Parquet: a text is read once, a block at a time, and then a session of it is found by its row groups.

A kept file is named after the text (path, size, times, inode) and after how it was read (settings, code), so that it is used for nothing else. It is written aside and renamed.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow.parquet as pq

from ats_assets.intraday.tick_source import What
from ats_assets.intraday.tick_sources.files.tick_rows import kept_schema
from ats_assets.storage.versions import code_version

UNUSED_DAYS: Final = 30
"""After which what is kept of files that the settings do not name any more is deleted."""
GROUP_ROWS: Final = 65_536
"""Rows of a group, of which one is read as a whole."""


def kept_name(path: Path, settings: str, what: What) -> str:
    """The name of the file in which the rows of a text are kept."""
    stat = path.stat()
    stamp = (str(path.absolute()), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    code = code_version("ats_assets.intraday.tick_sources.files")
    return f"{hashlib.sha256(repr((stamp, settings, what, code)).encode()).hexdigest()[:32]}.parquet"


def keep(path: Path, blocks: Iterator[pl.DataFrame], what: What) -> None:
    """Write the rows of a text, block by block, where they are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = kept_schema(what).to_frame().to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with pq.ParquetWriter(aside, schema, compression="zstd", compression_level=1) as writer:
            for rows in blocks:
                writer.write_table(rows.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema), row_group_size=GROUP_ROWS)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def forget_others(folder: Path, kept: set[str]) -> None:
    """Delete what is kept of texts that are not there any more, or are read otherwise now."""
    for path in folder.glob("*.parquet") if folder.is_dir() else ():
        if path.name not in kept:
            path.unlink(missing_ok=True)


def forget_unused(folder: Path) -> None:
    """Note that a folder is in use, and delete those beside it that nobody has used for `UNUSED_DAYS`: of a path, or a choice of rows, that the settings had once."""
    if folder.is_dir():
        os.utime(folder)
    before = time.time() - UNUSED_DAYS * 86_400
    for other in folder.parent.iterdir() if folder.parent.is_dir() else ():
        if other != folder and other.is_dir() and other.stat().st_mtime < before:
            shutil.rmtree(other, ignore_errors=True)
