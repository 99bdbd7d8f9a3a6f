"""What has no sessions: the tables of an asset, and its texts with their footers beside them."""

import hashlib
import json
from pathlib import Path

import polars as pl

from ats_assets.errors import CorruptPartitionError, MissingPartitionError
from ats_assets.storage.data_version import data_version
from ats_assets.storage.footed_files import DAMAGE, FootedFiles
from ats_assets.storage.footer import Footer, Upstream, Written
from ats_assets.storage.sealed_file import is_intact, seal

TEXT_FOOTER = ".footer"
"""Ending of the file beside a text that says what a footer says."""


class Documents(FootedFiles):
    """The tables and texts of assets without partitions."""

    def write_part(
        self,
        asset: str,
        part: str,
        frame: pl.DataFrame,
        *,
        code_version: str = "",
        settings_version: str = "",
        upstream: Upstream | None = None,
    ) -> Written:
        """Store one table of an asset without partitions, as `<root>/<asset>/<part>.parquet`."""
        footer = Footer(
            asset=asset,
            session="",
            data_version=data_version(frame),
            code_version=code_version,
            settings_version=settings_version,
            upstream=upstream or {},
        )
        return self.store(self.part(asset, part), frame, footer)

    def part(self, asset: str, part: str) -> Path:
        """The file of one table of an asset without partitions."""
        self.root_folder.look()
        return self.root / asset / f"{part}.parquet"

    def read_part(self, asset: str, part: str) -> pl.DataFrame:
        """One table of an asset without partitions.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
        """
        path = self.part(asset, part)
        self.put_in_place(path.parent)
        self.root_folder.look()
        if not path.is_file():
            raise MissingPartitionError(
                f"{asset} is not in {self.root_folder.place}. Make it: dagster asset materialize -m ats_assets.definitions --select {asset}"
            )
        self.check(path, f"materialise {asset} again")
        try:
            return pl.read_parquet(path)
        except DAMAGE as error:
            raise CorruptPartitionError(f"{path} is damaged ({error}): delete it and materialise {asset} again") from error

    def write_text(
        self,
        asset: str,
        name: str,
        text: str,
        *,
        code_version: str = "",
        settings_version: str = "",
        upstream: Upstream | None = None,
    ) -> Path:
        """Store a text of an asset without partitions, with its footer in a file beside it."""
        how = {"code_version": code_version, "settings_version": settings_version}
        return self.write_document(asset, name, text.encode(), **how, upstream=upstream)

    def write_document(
        self,
        asset: str,
        name: str,
        content: bytes,
        *,
        code_version: str = "",
        settings_version: str = "",
        upstream: Upstream | None = None,
    ) -> Path:
        """Store a file of any form as `write_text` does a text; the old footer goes first, so that they never belong to two files."""
        path = self.root / asset / name
        footer = Footer(
            asset=asset,
            session="",
            data_version=hashlib.sha256(content).hexdigest(),
            code_version=code_version,
            settings_version=settings_version,
            upstream=upstream or {},
        )
        beside = text_footer(path)
        self.log.announce(path)
        self.root_folder.remove(beside)
        self.root_folder.replace(path, lambda file: file.write(content))
        self.root_folder.replace(beside, lambda file: file.write(seal(footer.encoded().encode())[0]))
        return path

    def remove_document(self, asset: str, name: str) -> None:
        """Remove a text or file and the footer beside it, where it is there: of an asset that is made without it now."""
        path = self.root / asset / name
        if path.exists() or text_footer(path).exists():
            self.log.announce(path)
            self.root_folder.remove(path, text_footer(path))

    def read_text(self, asset: str, name: str) -> str:
        """A text of an asset without partitions, checked against its footer.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
        """
        path = self.root / asset / name
        make = f"Make it: dagster asset materialize -m ats_assets.definitions --select {asset}"
        self.root_folder.at_hand([path])
        if not path.is_file():
            raise MissingPartitionError(f"{path} is not there. {make}")
        if fault := self.text_fault(path):
            raise CorruptPartitionError(f"{path} is damaged ({fault}). {make}")
        return path.read_text(encoding="utf-8")

    def text_fault(self, path: Path) -> str | None:
        """What is wrong with a text or with the footer beside it, or None."""
        try:
            footer = self.footer_of_text(path)
        except CorruptPartitionError as error:
            return str(error)
        same = hashlib.sha256(self.root_folder.read_bytes(path)).hexdigest() == footer.data_version
        return None if same else "its SHA-256 is not the one in its footer"

    def footer_of_text(self, path: Path) -> Footer:
        """The footer beside a text.

        Raises
        ------
        CorruptPartitionError
            If it is missing or damaged.
        """
        beside = text_footer(path)
        try:
            content = self.root_folder.read_bytes(beside)
            footer = Footer(**json.loads(content))
        except (OSError, ValueError, TypeError) as error:
            raise CorruptPartitionError(f"{beside} is missing or damaged ({error}): make {path.parent.name} again") from error
        if not is_intact(content):
            raise CorruptPartitionError(f"{beside} is damaged (its SHA-256 is not the one it holds): make {path.parent.name} again")
        return footer


def text_footer(path: Path) -> Path:
    """Where the footer of a text lies."""
    return path.with_name(path.name + TEXT_FOOTER)
