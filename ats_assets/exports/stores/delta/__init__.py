"""Delta tables in a folder: one for each asset, partitioned by session, for DuckDB, Spark, Polars and all else that reads Delta."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from ats_assets.exports.store import StorePlace
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, Section

if TYPE_CHECKING:
    from ats_assets.exports.stores.delta.delta_tables import DeltaTables

__all__ = ["PLUGIN", "DeltaSettings"]


class DeltaSettings(Section):
    """Where the tables lie, and what they keep."""

    folder: Path = Field(
        default=Path("delta"),
        description="in it a folder named by graph.prefix, if there is one, and the export; relative to the working directory",
    )
    keep_sessions: Positive | None = Field(default=None, description="the newest sessions that it holds; all where it is not set")
    travel_hours: Positive | None = Field(
        default=None, description="for which what was replaced can still be read; for ever where it is not set"
    )


def _open_delta(own: DeltaSettings, place: StorePlace) -> "DeltaTables":
    from ats_assets.exports.stores.delta.delta_tables import DeltaTables  # noqa: PLC0415 - needs deltalake, which may not be installed

    return DeltaTables(own, place)


PLUGIN = Plugin(settings=DeltaSettings, make=_open_delta, needs=("deltalake", "delta"))
