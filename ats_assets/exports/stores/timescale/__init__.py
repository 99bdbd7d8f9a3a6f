"""PostgreSQL as a store: a table for each asset, with the versions of each row. With the extension TimescaleDB they are hypertables, else partitioned by month."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ats_assets.exports.store import StorePlace
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, Section

if TYPE_CHECKING:
    from ats_assets.exports.stores.timescale.timescale_store import TimescaleStore

__all__ = ["PLUGIN", "TimescaleSettings"]


class TimescaleSettings(Section):
    """Where the tables lie, and what the database does with them by itself."""

    dsn_variable: str = Field(
        default="TIMESCALE_DSN",
        pattern=r"^[A-Z][A-Z0-9_]*$",
        description="the environment variable with the address, such as postgresql://user@host/database; where it is not set, PGHOST, PGDATABASE, PGUSER, PGPASSWORD and so on say it",
    )
    schema_name: str = Field(
        default="ats", pattern=r"^[a-z][a-z0-9_]{0,31}$", description="of the tables; graph.prefix comes behind it where there is one"
    )
    hypertables: Literal["auto", "never"] = Field(default="auto", description="auto: where the database has the extension TimescaleDB")
    compress_after_days: Positive | None = Field(default=None, description="after which TimescaleDB compresses a chunk; never without it")
    drop_after_days: Positive | None = Field(
        default=None, description="after which rows are dropped, and not exported any more; never without it"
    )
    aggregates: tuple[Literal["week", "month"], ...] = Field(
        default=(),
        description="of tables with open, high, low, close and volume: continuous aggregates of TimescaleDB, else views, such as bars_by_week",
    )
    timeout_seconds: Positive = Field(default=300, description="for a statement, one that waits for another exporter among them")


def _open_timescale(own: TimescaleSettings, place: StorePlace) -> "TimescaleStore":
    from ats_assets.exports.stores.timescale.timescale_store import (  # noqa: PLC0415 - needs psycopg, which may not be installed
        TimescaleStore,
    )

    return TimescaleStore(own, place)


PLUGIN = Plugin(settings=TimescaleSettings, make=_open_timescale, needs=("psycopg", "postgresql"))
