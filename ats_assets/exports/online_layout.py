"""How a partition lies in the online store: one compact row a symbol, and a head that says what the rows are.

A partition is a hash. Its field `head` is JSON: which partition, its versions, when it expires, names and types of the columns, and the texts that rows name by number. The
field `=AAPL` is the row of AAPL, without padding and little-endian:

    row number (uint32) | a bit for each column, set where it is null | the values, as wide as their types; a text is its number in the head (uint32)

The columns `symbol` and `session` are not in the rows, for they are the field and the key. This module knows neither Polars nor Redis.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import OnlineError

FORMAT = 1
HEAD, ROW = b"head", b"="
SYMBOL, SESSION = "symbol", "session"
TYPES = {
    "Boolean": "u1",
    "Int8": "<i1",
    "Int16": "<i2",
    "Int32": "<i4",
    "Int64": "<i8",
    "UInt8": "<u1",
    "UInt16": "<u2",
    "UInt32": "<u4",
    "UInt64": "<u8",
    "Float32": "<f4",
    "Float64": "<f8",
    "Date": "<i4",
    "Datetime us UTC": "<i8",
    "Datetime ns UTC": "<i8",
    "String": "<u4",
}
"""What a column can be, and how a value of it lies in a row."""
_NUMBER, _NULLS = "#row", "#nulls"


def namespace(export: str = "redis", prefix: str = "") -> str:
    """The beginning of every key of an export; in braces, so that a cluster keeps all of them on one node.

    Examples
    --------
    >>> namespace(), namespace("online", prefix="crypto")
    ('{ats:redis}', '{ats:crypto:online}')
    """
    return "{" + ":".join(filter(None, ("ats", prefix, export))) + "}"


def partition_key(space: str, asset: str, session: date) -> str:
    """The key of a partition."""
    return f"{space}:{asset}:{session.isoformat()}"


def sessions_key(space: str, asset: str) -> str:
    """The key of the sessions of an asset: a sorted set, by the session's ordinal number."""
    return f"{space}:{asset}:sessions"


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the head of a partition says.

    Attributes
    ----------
    expires_at
        Seconds since 1970, UTC.
    columns
        Name and type of all columns, `symbol` and `session` among them, in the order of the contract.
    texts
        Column -> the texts that its rows name by number.
    """

    asset: str
    session: date
    data_version: str
    code_version: str
    model_version: str
    known_at: datetime
    expires_at: float
    rows: int
    columns: tuple[tuple[str, str], ...]
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def stored_columns(self) -> tuple[tuple[str, str], ...]:
        """Those that are in the rows."""
        return tuple(column for column in self.columns if column[0] not in {SYMBOL, SESSION})

    @cached_property
    def row_type(self) -> np.dtype[Any]:
        """Of one row."""
        columns = self.stored_columns
        nulls = (_NULLS, "u1", ((len(columns) + 7) // 8,))
        return np.dtype([(_NUMBER, "<u4"), nulls, *((name, TYPES[kind]) for name, kind in columns)])

    def encoded(self) -> bytes:
        """As JSON."""
        plain: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        plain |= {"format": FORMAT, "session": self.session.isoformat(), "known_at": self.known_at.isoformat()}
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def decoded(cls, content: bytes) -> "Head":
        """Of what `encoded` makes.

        Raises
        ------
        OnlineError
            If it is something else.
        """
        try:
            plain = json.loads(content)
            _ = {FORMAT: None}[plain.pop("format")]
            plain["session"], plain["known_at"] = date.fromisoformat(plain["session"]), datetime.fromisoformat(plain["known_at"])
            plain["columns"] = tuple((name, kind) for name, kind in plain["columns"])
            plain["texts"] = {name: tuple(texts) for name, texts in plain["texts"].items()}
            return cls(**plain)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OnlineError(
                f"the head of a partition in the online store can't be read ({error}): another version of this program wrote it, or something else did; export it again"
            ) from error


def packed_rows(head: Head, columns: Mapping[str, NDArray[Any]], nulls: Mapping[str, NDArray[np.bool_]]) -> list[bytes]:
    """The rows of a partition, in order.

    Parameters
    ----------
    columns
        The values of each stored column, shape (rows,), with anything where they are null; texts as their numbers.
    nulls
        Where they are null, shape (rows,), of those columns alone that have nulls.
    """
    rows = np.zeros(head.rows, dtype=head.row_type)
    rows[_NUMBER] = np.arange(head.rows)
    missing = np.zeros((head.rows, len(head.stored_columns)), dtype=np.bool_)
    for i, (name, _) in enumerate(head.stored_columns):
        rows[name] = columns[name]
        if name in nulls:
            missing[:, i] = nulls[name]
    rows[_NULLS] = np.packbits(missing, axis=1, bitorder="little")
    content, width = rows.tobytes(), rows.itemsize
    return [content[i * width : (i + 1) * width] for i in range(head.rows)]


def unpacked_rows(head: Head, rows: list[bytes]) -> NDArray[Any]:
    """Rows as a structured array, one field a column.

    Raises
    ------
    OnlineError
        If one has not the head's width.
    """
    width = head.row_type.itemsize
    if wrong := next((row for row in rows if len(row) != width), None):
        raise OnlineError(
            f"a row of {head.asset} {head.session} in the online store has {len(wrong)} bytes and not {width}: export it again"
        )
    return np.frombuffer(b"".join(rows), dtype=head.row_type)


def missing_values(head: Head, array: NDArray[Any]) -> NDArray[np.bool_]:
    """Where values are null; shape (rows, stored columns)."""
    count = len(head.stored_columns)
    return np.unpackbits(array[_NULLS], axis=1, count=count, bitorder="little").astype(np.bool_)


def row_numbers(array: NDArray[Any]) -> NDArray[np.uint32]:
    """The places of rows in the partition; shape (rows,)."""
    return array[_NUMBER]
