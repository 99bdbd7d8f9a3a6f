"""Massive passes the kit of sources: asked for all stocks, for some, and from flat files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from ats_assets.sources import BarSource
from ats_assets.sources.adapters import massive as adapter
from ats_assets_tests.kits.sources import SourceKit
from ats_assets_tests.sources.adapters.massive.markets import massive, write_bars
from ats_assets_tests.vendors.massive_market import DAYS


class TestAllStocks(SourceKit):
    plugin = adapter.PLUGIN
    own: ClassVar[dict[str, Any]] = {"first_session": DAYS[0]}
    wrong: ClassVar[dict[str, Any]] = {"through": "carrier pigeon"}

    @contextmanager
    def opened(self, folder: Path) -> Iterator[BarSource]:
        with massive() as market:
            market.data.page_rows = 2
            yield market.source(folder, **self.own)

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[BarSource]:
        with massive() as market:
            gone = market.source(folder, massive={"attempts": 1}, **self.own)
        yield gone


class TestSomeStocks(TestAllStocks):
    own: ClassVar[dict[str, Any]] = {"first_session": DAYS[0], "symbols": ("OLD", "AAPL", "BRK.B")}
    wrong: ClassVar[dict[str, Any]] = {"collect": ("option_chains",)}


class TestFlatFiles(SourceKit):
    plugin = adapter.PLUGIN
    own: ClassVar[dict[str, Any]] = {"first_session": DAYS[0], "through": "flat_files"}
    wrong: ClassVar[dict[str, Any]] = {"collect": ("snapshots",)}

    @contextmanager
    def opened(self, folder: Path) -> Iterator[BarSource]:
        with massive() as market:
            write_bars(folder / "flat", market.data)
            yield market.source(folder, **self.own)

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[BarSource]:
        with massive() as market:
            write_bars(folder / "flat", market.data)
            for path in (folder / "flat").rglob("*.gz"):
                path.write_bytes(path.read_bytes()[:60])
            yield market.source(folder, **self.own)
