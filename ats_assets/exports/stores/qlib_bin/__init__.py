"""Partitions in qlib's binary layout, in a folder that qlib can be pointed at."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from ats_assets.exports.store import StorePlace
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, Section

if TYPE_CHECKING:
    from ats_assets.exports.stores.qlib_bin.qlib_store import QlibStore

__all__ = ["PLUGIN", "QlibSettings"]


class QlibSettings(Section):
    """Where the files lie, and how many sessions they hold."""

    folder: Path = Field(
        default=Path("qlib"),
        description="in it a folder named by graph.prefix, if there is one, and the export; relative to the working directory",
    )
    keep_sessions: Positive | None = Field(default=None, description="the newest sessions that it holds; all where it is not set")


def _open_qlib(own: QlibSettings, place: StorePlace) -> "QlibStore":
    from ats_assets.exports.stores.qlib_bin.qlib_store import QlibStore  # noqa: PLC0415 - Polars, which settings need not import

    return QlibStore(own, place)


PLUGIN = Plugin(settings=QlibSettings, make=_open_qlib)
