"""The store of models: one folder a session.

    <root>/<name>/session=YYYY-MM-DD/model.json      the record, `ModelRecord`
    <root>/<name>/session=YYYY-MM-DD/model.txt       the model in the library's own format, where it was fitted at that session; model.arrow and so on
    <root>/<name>/session=YYYY-MM-DD/upstream.json   at a refit session: asset -> session -> data version of every partition that was read

A folder counts only with its model.json, which names the SHA-256 of the other files and holds its own. Each is written to a temporary file in the folder,
synced and renamed, model.json last; those of many carried models together (`ModelStore.together`). Where another of the others is replaced, the old model.json goes before it: a process killed in between leaves a
partition that is missing, never one that mixes two models.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ats_assets.errors import CorruptPartitionError, MissingPartitionError, ModelError
from ats_assets.storage.atomic_file import FileGroup
from ats_assets.storage.footer import Upstream
from ats_assets.storage.latest_model import LATEST, latest_model
from ats_assets.storage.model_record import ModelRecord
from ats_assets.storage.root_folder import RootFolder
from ats_assets.storage.sealed_file import is_intact
from ats_assets.storage.session_folders import SessionFolders
from ats_assets.storage.warehouse import materialize_command
from ats_assets.storage.write_log import WriteLog

RECORD_FILE = "model.json"
UPSTREAM_FILE = "upstream.json"
NO_MODEL = "unavailable"
"""What stands for a model's data version where there is none."""
TOGETHER = 256
"""Records that share one wait for the disk: more save little, and a killed run loses what waits."""


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """There is no model, and why."""

    reason: str


class ModelStore:
    """The models of one name.

    Parameters
    ----------
    root
        The folder of all models; made at the first write.
    name
        Of the model, which is also the name of its asset.
    fsync
        Sync each file before it is renamed; without it a lost power supply may cost the newest files (a killed process can't).
    root_folder
        What does things to files under the root; default: that of this machine's disk.
    """

    def __init__(self, root: Path, name: str, fsync: bool = True, *, root_folder: RootFolder | None = None) -> None:
        self.root = root
        self.name = name
        self.root_folder = root_folder or RootFolder(root, fsync=fsync)
        self.log = WriteLog(root)
        self._group: FileGroup | None = None
        self._sessions = SessionFolders(lambda folder: os.path.isfile(f"{folder}/{RECORD_FILE}"))  # noqa: PTH113 - asked for each session

    def folder(self, session: date) -> Path:
        """The folder of a session's model."""
        return self.root / self.name / f"session={session.isoformat()}"

    def exists(self, session: date) -> bool:
        """Whether the session's record is stored."""
        self.root_folder.look()
        stored = (self.folder(session) / RECORD_FILE).is_file()
        if not stored:
            self._sessions.forget(self.root / self.name, session)
        return stored

    def stored_sessions(self) -> list[date]:
        """The sessions whose record is stored, ascending."""
        self.root_folder.look()
        return self._sessions.stored_sessions(self.root / self.name)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What this block carries shares its waits for the disk: it is stored with the next model that is not carried, or at the end of the block, when `latest` follows."""
        self._group = self.root_folder.group()
        try:
            yield
        finally:
            group, self._group = self._group, None
            group.finish()
            self._point_latest()

    def write_fitted(self, session: date, content: bytes, upstream: Upstream | None = None, **values: Any) -> ModelRecord:
        """Store a model that was fitted at `session`: its bytes, what was read for it, and the further values of its record."""
        record = ModelRecord(
            name=self.name,
            session=session,
            status="fitted",
            fitted_session=session,
            model_sha256=hashlib.sha256(content).hexdigest(),
            upstream_sha256=_sha256(upstream),
            **values,
        )
        self._write(record, content, upstream)
        return record

    def write_carried(self, session: date, carried_from: date, versions: Mapping[str, str]) -> ModelRecord:
        """Store that the model of the refit session `carried_from` is still active at `session`: it is carried forward.

        Raises
        ------
        MissingPartitionError
            If that session has no record.
        """
        source = self.record(carried_from)
        if source.status == "carried":
            raise ModelError(f"{self.name} of {carried_from} is itself carried from {source.carried_from}: carry from there")
        same = source.model_dump(include={"fitted_session", "learner", "file", "model_sha256"})
        told: dict[str, Any] = {"name": self.name, "session": session, "carried_from": carried_from, "versions": dict(versions)}
        record = ModelRecord(status="carried", **told, **same)
        self._write(record)
        return record

    def write_unavailable(
        self, session: date, unavailable: Unavailable, versions: Mapping[str, str], upstream: Upstream | None = None, *, learner: str = ""
    ) -> ModelRecord:
        """Store that there is no model at `session`, why, what was read to find that out, and which kind of learner found it."""
        record = ModelRecord(
            name=self.name,
            session=session,
            status="unavailable",
            reason=unavailable.reason,
            learner=learner,
            versions=dict(versions),
            upstream_sha256=_sha256(upstream),
        )
        self._write(record, upstream=upstream)
        return record

    def record(self, session: date) -> ModelRecord:
        """The record of `session`.

        Raises
        ------
        MissingPartitionError
            If there is none; the message names the command that makes it.
        CorruptPartitionError
            If model.json is damaged or belongs to another session or model.
        """
        path = self.folder(session) / RECORD_FILE
        try:
            content = self.root_folder.read_bytes(path)
        except FileNotFoundError:
            raise MissingPartitionError(
                f"{self.name} has no model for {session} in {self.root_folder.place}. Make it: {materialize_command(self.name, session)}"
            ) from None
        if not is_intact(content):
            raise self._corrupt(path, session, "its SHA-256 is not the one it holds")
        try:
            record = ModelRecord.model_validate({key: value for key, value in json.loads(content).items() if key != "file_sha256"})
        except ValidationError as error:
            raise self._corrupt(path, session, f"{error.error_count()} faults, first: {error.errors()[0]['msg']}") from error
        if (record.name, record.session) != (self.name, session):
            raise self._corrupt(path, session, f"it is the record of {record.name} at {record.session}")
        return record

    def active(self, session: date) -> ModelRecord:
        """The record behind the model of `session`, carried ones followed: its status is "fitted" or "unavailable".

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
            As `read`, of this session or of the one that it is carried from.
        ModelError
            If that one holds another model than the one that was carried.
        """
        record = self.record(session)
        if record.carried_from is None:
            return record
        source = self.record(record.carried_from)
        if source.status == "carried" or source.model_sha256 != record.model_sha256:
            raise ModelError(
                f"{self.name} of {session} is carried from {record.carried_from}, where another model was stored since. "
                f"Carry that one: {materialize_command(self.name, session)}"
            )
        return source

    def content(self, record: ModelRecord) -> bytes:
        """The model behind a fitted record, checked against its SHA-256.

        Raises
        ------
        CorruptPartitionError
            If its file is missing or is not the one that was recorded.
        """
        if record.status != "fitted":
            raise ModelError(f"{self.name} of {record.session} is {record.status} ({record.reason or record.carried_from}): use active()")
        path = self.folder(record.session) / record.file
        try:
            content = self.root_folder.read_bytes(path)
        except FileNotFoundError as error:
            raise self._corrupt(path, record.session, "it is missing") from error
        if hashlib.sha256(content).hexdigest() != record.model_sha256:
            raise self._corrupt(path, record.session, f"its SHA-256 is not the one in {RECORD_FILE}")
        return content

    def upstream(self, record: ModelRecord) -> dict[str, dict[str, str]]:
        """Asset -> session (ISO) -> data version of all that a record was made from, checked against its SHA-256.

        A carried record was made from the record that it is carried from, whose data version is the SHA-256 of its model.

        Raises
        ------
        CorruptPartitionError
            If upstream.json is missing or is not the one that was recorded.
        """
        if record.carried_from is not None:
            return {self.name: {record.carried_from.isoformat(): record.model_sha256 or NO_MODEL}}
        if record.upstream_sha256 is None:
            return {}
        path = self.folder(record.session) / UPSTREAM_FILE
        try:
            content = self.root_folder.read_bytes(path)
        except FileNotFoundError as error:
            raise self._corrupt(path, record.session, "it is missing") from error
        if hashlib.sha256(content).hexdigest() != record.upstream_sha256:
            raise self._corrupt(path, record.session, f"its SHA-256 is not the one in {RECORD_FILE}")
        return json.loads(content)

    def check(self, session: date) -> ModelRecord:
        """The record of a session, when every file that it names is what was written.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
        """
        record = self.record(session)
        self.upstream(record)
        if record.status == "fitted":
            path = self.folder(record.session) / record.file
            told = self.root_folder.told([path]).get(path)
            if told is None or told.sha256 != record.model_sha256:  # else it is what was written, and compared again when it is fetched
                self.content(record)
        return record

    def _point_latest(self) -> None:
        """Say which version is active; what is damaged there is told by whoever reads it."""
        path = self.root / self.name / LATEST
        with contextlib.suppress(CorruptPartitionError, MissingPartitionError, ModelError, IndexError):
            newest = self.record(self.stored_sessions()[-1])
            content = latest_model(newest, self.active(newest.session))
            self.root_folder.at_hand([path])
            if not path.is_file() or path.read_bytes() != content:
                self.root_folder.replace(path, lambda file: file.write(content))

    def _write(self, record: ModelRecord, model: bytes | None = None, upstream: Upstream | None = None) -> None:
        folder = self.folder(record.session)
        path = folder / RECORD_FILE
        wanted = {UPSTREAM_FILE: _encoded(upstream)} | ({} if model is None else {record.file: model})
        self.log.announce(path)
        stored = {other.name for other in folder.glob("model.*") if other.name != RECORD_FILE}
        names = sorted(stored | wanted.keys())
        self.root_folder.at_hand([folder / name for name in names])
        if others := [folder / name for name in names if _differs(folder / name, wanted.get(name))]:
            self.root_folder.remove(path, *others)
        new = {folder / name: content for name, content in wanted.items() if content is not None and not (folder / name).is_file()}
        group = self.root_folder.group() if self._group is None else self._group
        for file, content in (new | {path: record.encoded()}).items():  # the record last
            group.add(file, lambda opened, content=content: opened.write(content))
        if self._group is None or record.status != "carried" or len(group) >= TOGETHER:
            group.finish()

    def _corrupt(self, path: Path, session: date, what: str) -> CorruptPartitionError:
        return CorruptPartitionError(f"{path} can't be used: {what}. Make it again: {materialize_command(self.name, session)}")


def _differs(path: Path, content: bytes | None) -> bool:
    return path.is_file() and (content is None or path.read_bytes() != content)


def _encoded(upstream: Upstream | None) -> bytes | None:
    values: dict[str, Any] = {asset: dict(found) for asset, found in (upstream or {}).items()}
    return None if upstream is None else (json.dumps(values, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _sha256(upstream: Upstream | None) -> str | None:
    return None if (content := _encoded(upstream)) is None else hashlib.sha256(content).hexdigest()
