"""Redis as the online store: the newest sessions by symbol, to be read in a millisecond (`ats_assets.exports.online`)."""

from typing import TYPE_CHECKING

from pydantic import Field

from ats_assets.exports.online import URL_VARIABLE
from ats_assets.exports.store import StorePlace
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, Section

if TYPE_CHECKING:
    from ats_assets.exports.stores.redis.redis_store import RedisStore

__all__ = ["PLUGIN", "RedisSettings"]


class RedisSettings(Section):
    """What Redis holds, and for how long."""

    url_variable: str = Field(
        default=URL_VARIABLE,
        pattern=r"^[A-Z][A-Z0-9_]*$",
        description="the environment variable with the address, such as redis://:password@host:6379/0, rediss:// or unix://; where it is not set, the server on this machine",
    )
    keep_sessions: Positive = Field(default=3, description="the newest sessions that it holds")
    expire_hours: float = Field(default=168.0, gt=0, le=8784, description="after which what was exported is not served any more")
    timeout_seconds: float = Field(default=5.0, gt=0, le=300, description="for each command")


def _open_redis(own: RedisSettings, place: StorePlace) -> "RedisStore":
    from ats_assets.exports.stores.redis.redis_store import RedisStore  # noqa: PLC0415 - needs redis, which may not be installed

    return RedisStore(own, place)


PLUGIN = Plugin(settings=RedisSettings, make=_open_redis, needs=("redis", "redis"))
