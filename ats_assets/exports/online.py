"""Read the online store: the newest features and predictions by symbol, for programs that serve them.

A reader names the session that it wants and gets that session's rows, or an error; never those of another one, and never what has expired. What is read together is of
one publication. It needs neither Dagster nor the warehouse; Polars only for `OnlineRows.frame`.

Examples
--------
    reader = OnlineReader.of_environment()                      # redis:// address in REDIS_URL
    session = reader.newest("alpha158")
    both = reader.read_together(["alpha158", "predictions"], session, ["AAPL", "MSFT"])
    both["alpha158"].matrix(["KMID", "ROC5"])                   # NumPy, shape (2, 2)
    both["predictions"].row("AAPL")["score"], both["predictions"].model_version
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import OnlineError
from ats_assets.exports.online_layout import (
    HEAD,
    ROW,
    SESSION,
    SYMBOL,
    Head,
    missing_values,
    namespace,
    partition_key,
    row_numbers,
    sessions_key,
    unpacked_rows,
)

if TYPE_CHECKING:
    import polars as pl

URL_VARIABLE, LOCAL = "REDIS_URL", "redis://127.0.0.1:6379/0"
"""The variable that names the server, and which it is where that is not set."""
ADDRESS_FORMS = "use redis://:password@host:6379/0, rediss:// or unix:///path, with a password's /, @, # and % escaped (%2F, %40, %23, %25)"
HEADS_KEPT = 64
_EPOCH_DAY, _EPOCH = date(1970, 1, 1).toordinal(), datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class OnlineRows:
    """Rows of one partition, in the order in which they were asked for, else in that of the partition.

    Attributes
    ----------
    head
        Which partition it is, of which versions, and its columns.
    array
        One field a column, shape (rows,); texts as numbers into `head.texts`, dates as days and times as micro- or nanoseconds since 1970.
    absent
        Symbols that were asked for and have no row.
    """

    head: Head
    symbols: tuple[str, ...]
    array: NDArray[Any]
    absent: tuple[str, ...] = ()

    @property
    def session(self) -> date:
        """The session at whose close it was known."""
        return self.head.session

    @property
    def data_version(self) -> str:
        """SHA-256 of the partition's rows, as in the warehouse."""
        return self.head.data_version

    @property
    def model_version(self) -> str:
        """The models behind it; empty without any."""
        return self.head.model_version

    def row(self, symbol: str) -> dict[str, Any]:
        """The values of a symbol by column; None where they are null.

        Raises
        ------
        OnlineError
            If it is not among the rows.
        """
        if symbol not in self._places:
            raise OnlineError(f"{symbol} is not among the rows of {self.head.asset} {self.session} that were read")
        i = self._places[symbol]
        values = self.array[i].tolist()[2:]
        missing = self._missing[i]
        return {name: None if missing[j] else self._value(name, kind, values[j]) for j, (name, kind) in enumerate(self.head.stored_columns)}

    def matrix(self, columns: Sequence[str] | None = None) -> NDArray[np.float64]:
        """Numbers as float64, NaN where they are null; shape (rows, columns).

        Parameters
        ----------
        columns
            Default: all that are numbers.
        """
        names = [name for name, _ in self.head.stored_columns]
        kinds = dict(self.head.stored_columns)
        chosen = [name for name in names if kinds[name] != "String"] if columns is None else list(columns)
        made, has_nulls = np.empty((len(self.array), len(chosen))), bool(self._missing.any())
        for j, name in enumerate(chosen):
            if name not in kinds:
                raise OnlineError(f"{self.head.asset} has no column {name} in the online store: choose from {', '.join(names)}")
            made[:, j] = self.array[name]
            if has_nulls:
                made[self._missing[:, names.index(name)], j] = np.nan
        return made

    def frame(self) -> "pl.DataFrame":
        """All columns of the contract, as the warehouse has them. Needs Polars."""
        from ats_assets.exports.online_frame import frame_of  # noqa: PLC0415 - a reader need not have Polars

        return frame_of(self.head, self.symbols, self.array)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {symbol: i for i, symbol in enumerate(self.symbols)}

    @cached_property
    def _missing(self) -> NDArray[np.bool_]:
        return missing_values(self.head, self.array)

    def _value(self, name: str, kind: str, value: Any) -> Any:
        if kind == "String":
            return self.head.texts[name][value]
        if kind == "Date":
            return date.fromordinal(_EPOCH_DAY + value)
        if kind == "Datetime us UTC":
            return _EPOCH + timedelta(microseconds=value)
        return bool(value) if kind == "Boolean" else value


class OnlineReader:
    """Reads what one export has published.

    Parameters
    ----------
    client
        A `redis.Redis`, with a timeout that suits the caller; it may be shared by threads.
    export, prefix
        The name of the table `[exports.<name>]`, and `graph.prefix`.
    clock
        Seconds since 1970; what has expired by it is not returned, whatever the server thinks of the time.
    """

    def __init__(self, client: Any, *, export: str = "redis", prefix: str = "", clock: Callable[[], float] = time.time) -> None:
        self._client, self._space, self._clock = client, namespace(export, prefix), clock
        self._heads: dict[bytes, Head] = {}

    @classmethod
    def of_environment(cls, *, export: str = "redis", prefix: str = "", timeout_seconds: float = 1.0) -> "OnlineReader":
        """A reader of the server that `REDIS_URL` names, by default the one on this machine."""
        import redis  # noqa: PLC0415 - an extra
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        url = os.environ.get(URL_VARIABLE, "").strip() or LOCAL
        again = Retry(NoBackoff(), 1)  # a connection that the server has closed meanwhile
        try:
            client = redis.Redis.from_url(url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds, retry=again)
        except ValueError:  # which repeats a part of the address, perhaps of the password
            raise OnlineError(f"{URL_VARIABLE} is no address of Redis: {ADDRESS_FORMS}") from None
        return cls(client, export=export, prefix=prefix)

    def newest(self, asset: str) -> date:
        """The newest session that was published. It may have expired since: only `read` says.

        Raises
        ------
        OnlineError
            If there is none.
        """
        found = cast("list[bytes]", self._asked(lambda: self._client.zrange(sessions_key(self._space, asset), 0, 0, desc=True)))
        if not found:
            raise OnlineError(
                f"nothing of {asset} is in the online store: it was never exported, or the store was emptied (ats exports refill)"
            )
        return date.fromisoformat(found[0].decode())

    def read(
        self, asset: str, session: date, symbols: Sequence[str] | None = None, *, data_version: str | None = None, partial: bool = False
    ) -> OnlineRows:
        """Rows of one asset, in one round trip.

        Parameters
        ----------
        symbols
            Default: all.
        data_version
            Refuse any other version of the partition.
        partial
            Leave out symbols that have no row (`OnlineRows.absent` names them), and raise no error.

        Raises
        ------
        OnlineError
            If the session is not there, has expired, is of another version, lacks a symbol; or the store can't be reached.
        """
        key = partition_key(self._space, asset, session)
        if symbols is None:
            found = cast("dict[bytes, bytes]", self._asked(lambda: self._client.hgetall(key)))
            return self._all_rows(asset, session, found, data_version)
        wanted = [HEAD, *(ROW + symbol.encode() for symbol in symbols)]
        values = cast("list[bytes | None]", self._asked(lambda: self._client.hmget(key, wanted)))
        return self._rows(asset, session, symbols, values, data_version, partial=partial)

    def read_together(
        self, assets: Sequence[str], session: date, symbols: Sequence[str], *, partial: bool = False
    ) -> Mapping[str, OnlineRows]:
        """Rows of several assets, of one publication, in one round trip; for parameters and errors see `read`."""
        wanted = [HEAD, *(ROW + symbol.encode() for symbol in symbols)]

        def asked() -> Any:
            with self._client.pipeline(transaction=True) as pipeline:
                for asset in assets:
                    pipeline.hmget(partition_key(self._space, asset, session), wanted)
                return pipeline.execute()

        found = cast("list[list[bytes | None]]", self._asked(asked))
        return {
            asset: self._rows(asset, session, symbols, values, None, partial=partial) for asset, values in zip(assets, found, strict=True)
        }

    def _rows(
        self, asset: str, session: date, symbols: Sequence[str], values: Sequence[bytes | None], version: str | None, *, partial: bool
    ) -> OnlineRows:
        head = self._head(asset, session, values[0], version)
        there = {symbol: row for symbol, row in zip(symbols, values[1:], strict=True) if row is not None}
        absent = tuple(symbol for symbol in symbols if symbol not in there)
        if absent and not partial:
            some = ", ".join(absent[:3]) + (f" and {len(absent) - 3} more" if len(absent) > 3 else "")
            raise OnlineError(f"{asset} {session} has no row of {some}: leave them out, or read with partial=True")
        return OnlineRows(head, tuple(there), unpacked_rows(head, list(there.values())), absent)

    def _all_rows(self, asset: str, session: date, found: Mapping[bytes, bytes], version: str | None) -> OnlineRows:
        head = self._head(asset, session, found.get(HEAD), version)
        rows = {field[len(ROW) :].decode(): row for field, row in found.items() if field.startswith(ROW)}
        array = unpacked_rows(head, list(rows.values()))
        if len(array) != head.rows:
            raise OnlineError(
                f"{asset} {session} has {len(array)} rows in the online store, and its head says {head.rows}: export it again"
            )
        order = np.argsort(row_numbers(array))
        symbols = list(rows)
        return OnlineRows(head, tuple(symbols[i] for i in order), array[order])

    def _head(self, asset: str, session: date, content: bytes | None, version: str | None) -> Head:
        if content is None:
            raise OnlineError(f"{asset} {session} is not in the online store: {self._what_there_is(asset, session)}")
        head = self._heads.get(content)
        if head is None:
            head = Head.decoded(content)
            if len(self._heads) >= HEADS_KEPT:
                self._heads.clear()
            self._heads[content] = head
        if (head.asset, head.session) != (asset, session):
            raise OnlineError(f"the online store has {head.asset} {head.session} in the place of {asset} {session}: export it again")
        if head.expires_at <= self._clock():
            raise OnlineError(f"{asset} {session} has expired in the online store: export it again, or ask for a newer session")
        if version is not None and head.data_version != version:
            raise OnlineError(f"{asset} {session} is in the online store as {head.data_version[:12]}, not as {version[:12]}")
        return head

    def _what_there_is(self, asset: str, session: date) -> str:
        newest = self.newest(asset)
        if newest == session:
            return "it has expired, or was removed; export it again (ats exports refill)"
        return f"the newest session that was published is {newest}"

    def _asked(self, ask: Callable[[], Any]) -> Any:
        import redis  # noqa: PLC0415 - an extra

        try:
            return ask()
        except redis.RedisError as error:
            raise OnlineError(f"the online store can't be read: {error}") from error


__all__ = ["SESSION", "SYMBOL", "OnlineReader", "OnlineRows"]
