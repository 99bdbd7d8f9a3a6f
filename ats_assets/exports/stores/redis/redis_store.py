"""The online store in Redis.

A session is published in two steps:

1. Each partition is written to a key of its own that nobody reads, and that expires by itself where the writer dies.
2. One script renames them all to the keys that are read, and notes the session. A reader sees the publication before or this one, never a part of it.

Then the sessions beyond the newest few are removed. Everything expires, so that a store to which nothing comes any more does not serve what is old.
"""

import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import redis
from polars import Date, String
from redis.backoff import NoBackoff
from redis.retry import Retry

from ats_assets.errors import ExportError, SettingsError, StoreUnreachableError
from ats_assets.exports.online import ADDRESS_FORMS, LOCAL
from ats_assets.exports.online_frame import OnlinePartition, frame_of, online_partition, type_name
from ats_assets.exports.online_layout import (
    HEAD,
    ROW,
    SESSION,
    SYMBOL,
    Head,
    namespace,
    partition_key,
    row_numbers,
    sessions_key,
    unpacked_rows,
)
from ats_assets.exports.store import ExportedPartition, ExportedTable, ExportedVersion, StorePlace
from ats_assets.secrecy import redacted

if TYPE_CHECKING:
    from ats_assets.exports.stores.redis import RedisSettings

UNPUBLISHED_MS = 600_000
"""After which what a writer left behind that died is gone."""
FIELDS_AT_ONCE = 512
ALMOST_FULL = 0.9
_PUBLISH = """
local n = #KEYS / 3
for i = 1, n do
  if redis.call('EXISTS', KEYS[i]) == 0 then
    return redis.error_reply('what was written to ' .. KEYS[i] .. ' is gone before it was published')
  end
end
for i = 1, n do
  redis.call('ZADD', KEYS[2 * n + i], ARGV[2 * i], ARGV[2 * i + 1])
  redis.call('PEXPIREAT', KEYS[2 * n + i], ARGV[1])
end
for i = 1, n do
  redis.call('RENAME', KEYS[i], KEYS[n + i])
  redis.call('PEXPIREAT', KEYS[n + i], ARGV[1])
end
return n
"""
"""Whatever can be refused comes before the first rename: a script is not rolled back."""
_GONE = (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError)


class RedisStore:
    """One export in Redis."""

    def __init__(self, own: "RedisSettings", place: StorePlace) -> None:
        self.settings = own
        self._own = own
        self._space = namespace(place.export, place.prefix)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The variable with the address."""
        return (self._own.url_variable,)

    def kept(self, sessions: Sequence[date]) -> list[date]:
        """The newest."""
        return list(sessions[-self._own.keep_sessions :])

    def require_exportable(self, table: ExportedTable) -> None:
        """Refuse what has no symbols, or columns that a row of fixed width can't hold."""
        for needed, dtype in ((SYMBOL, String()), (SESSION, Date())):
            if table.schema.get(needed) != dtype:
                raise SettingsError(
                    f"{table.asset} has no column {needed}, and the online store holds rows by symbol: take it out of assets"
                )
        for name, dtype in table.schema.items():
            if not type_name(dtype):
                raise SettingsError(
                    f"{table.asset} has the column {name} of type {dtype}, which the online store can't hold: take it out of assets"
                )

    def schema_text(self, tables: Sequence[ExportedTable]) -> str:
        """Keys, and the columns of a row in their order."""
        lines = [f"{self._space}:<asset>:sessions    the sessions that were published, by ordinal number"]
        for table in tables:
            lines += ["", f"{self._space}:{table.asset}:<session>    head, and a field =<symbol> for each row:"]
            stored = {name: dtype for name, dtype in table.schema.items() if name not in {SYMBOL, SESSION}}
            lines += [f"    {name}  {type_name(dtype)}  {table.told.get(name, '')}".rstrip() for name, dtype in stored.items()]
        return "\n".join(lines)

    @contextmanager
    def connected(self) -> Iterator["RedisConnection"]:
        """The store, open."""
        url = os.environ.get(self._own.url_variable, "").strip() or LOCAL
        try:
            wait = self._own.timeout_seconds
            once = Retry(NoBackoff(), 0)  # a script whose answer is lost is not repeated alone: the whole session is
            client = redis.Redis.from_url(url, socket_timeout=wait, socket_connect_timeout=wait, retry=once)
        except ValueError:
            raise ExportError(f"{self._own.url_variable} is no address of Redis: {ADDRESS_FORMS}") from None
        try:
            with _explained(self._own.url_variable):
                client.ping()
            yield RedisConnection(client, self._own, self._space)
        finally:
            client.close()


class RedisConnection:
    """The store, open."""

    def __init__(self, client: redis.Redis, own: "RedisSettings", space: str) -> None:
        self._client, self._own, self._space = client, own, space

    def prepare(self, tables: Sequence[ExportedTable]) -> None:
        """Nothing: a head says what its rows are."""

    def write(self, partitions: Sequence[ExportedPartition], *, again: bool = False) -> int:  # noqa: ARG002 - the time at which it expires is another one, so it is written in any case
        """Publish a session; how many rows."""
        expires_at = time.time() + self._own.expire_hours * 3600.0
        made = [online_partition(one, expires_at) for one in partitions]
        token = secrets.token_hex(8)
        keys = {f"{self._space}:unpublished:{token}:{one.head.asset}": one for one in made}
        try:
            with _explained(self._own.url_variable):
                for key, one in keys.items():
                    self._write_unpublished(key, one.fields())
                self._publish(keys, int(expires_at * 1000))
                for one in made:
                    self._remove_old(one.head.asset)
        except ExportError:
            with suppress(redis.RedisError):
                self._client.delete(*keys)
            raise
        return sum(one.head.rows for one in made)

    def _write_unpublished(self, key: str, fields: Mapping[bytes, bytes]) -> None:
        parts = list(fields.items())
        for first in range(0, len(parts), FIELDS_AT_ONCE):
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hset(key, mapping=cast("dict[Any, Any]", dict(parts[first : first + FIELDS_AT_ONCE])))
                pipeline.pexpire(key, UNPUBLISHED_MS)
                pipeline.execute()

    def _publish(self, keys: Mapping[str, OnlinePartition], expires_ms: int) -> None:
        assets = [(one.head.asset, one.head.session) for one in keys.values()]
        published = [partition_key(self._space, asset, session) for asset, session in assets]
        known = [sessions_key(self._space, asset) for asset, _ in assets]
        noted = [str(part) for _, session in assets for part in (session.toordinal(), session.isoformat())]
        self._client.eval(_PUBLISH, 3 * len(keys), *keys, *published, *known, str(expires_ms), *noted)

    def _remove_old(self, asset: str) -> None:
        known = sessions_key(self._space, asset)
        old = cast("list[bytes]", self._client.zrange(known, 0, -self._own.keep_sessions - 1))
        if old:
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.unlink(*(partition_key(self._space, asset, date.fromisoformat(day.decode())) for day in old))
                pipeline.zrem(known, *old)
                pipeline.execute()

    def read(self, table: ExportedTable, session: date, columns: Sequence[str]) -> ExportedPartition | None:
        """What is published of a session."""
        with _explained(self._own.url_variable):
            found = cast("dict[bytes, bytes]", self._client.hgetall(partition_key(self._space, table.asset, session)))
        if HEAD not in found:
            return None
        head = Head.decoded(found[HEAD])
        rows = {field[len(ROW) :].decode(): row for field, row in found.items() if field.startswith(ROW)}
        array = unpacked_rows(head, list(rows.values()))
        order = row_numbers(array).argsort()
        symbols = list(rows)
        frame = frame_of(head, [symbols[i] for i in order], array[order])
        version = ExportedVersion(
            known_at=head.known_at,
            data_version=head.data_version,
            code_version=head.code_version,
            model_version=head.model_version,
            rows=frame.select(columns) if set(columns) <= set(frame.columns) else frame,
        )
        return ExportedPartition(asset=head.asset, session=head.session, current=version)

    def remarks(self) -> list[str]:
        """Whether the server may drop keys by itself, or is full."""
        try:
            told = cast("dict[str, Any]", self._client.info())
        except redis.ResponseError as error:
            return [
                f"the server does not say how it keeps its memory ({redacted(str(error))}): make sure that maxmemory-policy is noeviction"
            ]
        most, used, policy = int(told.get("maxmemory", 0)), int(told.get("used_memory", 0)), str(told.get("maxmemory_policy", "noeviction"))
        found: list[str] = []
        if most and policy != "noeviction":
            dropped = int(told.get("evicted_keys", 0))
            found.append(
                f"maxmemory-policy of the server is {policy}, so that it drops keys in silence where it is full"
                + (f" ({dropped} so far, of all its users)" if dropped else "")
                + ": CONFIG SET maxmemory-policy noeviction"
            )
        if most and used > ALMOST_FULL * most:
            found.append(f"the server uses {used:,} of {most:,} bytes (maxmemory): give it more, or lower keep_sessions")
        return found


@contextmanager
def _explained(variable: str) -> Iterator[None]:
    """Make what Redis says an error that says what to do."""
    try:
        yield
    except redis.AuthenticationError:
        raise ExportError(f"Redis refuses the password: correct {variable}, as redis://:password@host:6379/0") from None
    except _GONE as error:
        raise StoreUnreachableError(
            f"Redis can't be reached ({redacted(str(error)) or type(error).__name__}): start it, or correct {variable}"
        ) from None
    except redis.OutOfMemoryError as error:
        raise ExportError(
            f"Redis has no memory left, and what it held is as it was: raise maxmemory, or lower keep_sessions ({error})"
        ) from None
    except redis.RedisError as error:
        text = redacted(str(error))
        if "OOM" in text or "maxmemory" in text:
            raise ExportError(
                f"Redis has no memory left, and what it held is as it was: raise maxmemory, or lower keep_sessions ({text})"
            ) from None
        raise ExportError(f"Redis refuses a command: {text}") from None
