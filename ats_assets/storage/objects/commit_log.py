"""The log of writes to a root in an object store: what lies there, and what is being written, without a listing.

    <root>/.ats/log/000000000001.json, …2.json, …      records, each written only where none of that number is there yet
    <root>/.ats/checkpoint.json.gz                     all that records up to one number come to; written now and then

A record says what a writer is about to write (`intends`), or what it has written and removed, which closes its intent. Whoever has read up to n asks for n + 1: while there
is none, nothing has changed. The log is no truth of its own: an object is what its conditional write made of it, and an intent that nobody closed says which
objects are to be looked at.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ats_assets.errors import ObjectStoreError

CONTROL = ".ats/"
"""Under which the log lies, beside the assets."""
CHECKPOINT = f"{CONTROL}checkpoint.json.gz"
CHECKPOINT_EVERY = 200
"""Records."""
LOCAL = 0
"""In place of a record's number, of what one machine knows and did not write to the log."""


@dataclass(frozen=True)
class StoredObject:
    """An object: SHA-256 of its bytes (empty where nobody has read it yet), size, ETag, the time that its file has, and what it says of itself (`told_file`)."""

    sha256: str
    size: int
    etag: str
    mtime_ns: int
    said: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class LogRecord:
    """One record.

    Attributes
    ----------
    id
        Of this record alone.
    writer
        Host, process and its start (`processes`).
    intends
        The keys that are about to be written.
    closes
        The ids of the intents that this ends.
    """

    id: str
    writer: str
    intends: Sequence[str] = ()
    closes: Sequence[str] = ()
    stored: Mapping[str, StoredObject] = field(default_factory=dict)
    removed: Sequence[str] = ()

    def encoded(self) -> bytes:
        """As JSON."""
        values = vars(self) | {"stored": {key: list(vars(one).values()) for key, one in self.stored.items()}}
        return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def of(cls, content: bytes, where: str) -> "LogRecord":
        """A record that was read.

        Raises
        ------
        ObjectStoreError
            If it is none.
        """
        try:
            values: dict[str, Any] = json.loads(content)
            values["stored"] = {key: StoredObject(*one) for key, one in values["stored"].items()}
            return cls(**values)
        except (ValueError, TypeError, KeyError) as error:
            raise ObjectStoreError(
                f"{where} is no record of the log of writes that this version of the package reads ({type(error).__name__}): a later one wrote it, or it was "
                f"changed by hand. Install that version; or, while nothing is running, remove everything under {CONTROL} there and what storage.cache holds: the "
                "log is begun anew from what is stored"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """All objects as of a record."""

    version: int
    last: str
    stored: Mapping[str, StoredObject]
    intents: Mapping[str, tuple[str, Sequence[str]]]

    def encoded(self) -> bytes:
        """As compressed JSON."""
        values = vars(self) | {"stored": {key: list(vars(one).values()) for key, one in self.stored.items()}}
        return gzip.compress(json.dumps(values, sort_keys=True, separators=(",", ":")).encode(), compresslevel=1, mtime=0)

    @classmethod
    def of(cls, content: bytes) -> "Checkpoint | None":
        """A checkpoint that was read; None where it is none, for the log says the same."""
        try:
            values: dict[str, Any] = json.loads(gzip.decompress(content))
            intents = {key: (writer, keys) for key, (writer, keys) in values["intents"].items()}
            return cls(**values | {"stored": {key: StoredObject(*one) for key, one in values["stored"].items()}, "intents": intents})
        except (OSError, EOFError, ValueError, TypeError, KeyError):
            return None


def record_key(version: int) -> str:
    """Where a record lies."""
    return f"{CONTROL}log/{version:012d}.json"
