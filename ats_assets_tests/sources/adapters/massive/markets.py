"""A source over Massive's double, and the same bars as flat files."""

import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ats_assets.calendar import session_calendar
from ats_assets.settings import MassiveSettings, Settings, StorageSettings
from ats_assets.sources.adapters.massive import MassiveSource, MassiveSourceSettings
from ats_assets.vendors.massive.flat_files import Dataset, FlatFiles, object_key
from ats_assets.vendors.massive.massive_connection import massive_rest
from ats_assets_tests.vendors.alpaca.connections import Waits
from ats_assets_tests.vendors.doubles import VendorDouble
from ats_assets_tests.vendors.massive_double import KEY, MassiveData, massive_double
from ats_assets_tests.vendors.massive_market import DAYS, market, nanos
from ats_assets_tests.vendors.quick_vendors import quick_vendors

XNYS = session_calendar("XNYS", date(2020, 1, 2))
AFTER = datetime(2024, 4, 3, 4, 30, tzinfo=UTC)
"""Half past midnight in New York, after the last day."""


@dataclass
class Massive:
    """The double, what it knows, and what asks it."""

    double: VendorDouble
    data: MassiveData

    def settings(self, folder: Path, *, attempts: int = 4, **massive: Any) -> Settings:
        connection = {"url": self.double.url} | massive
        return Settings(
            massive=MassiveSettings(**connection),
            storage=StorageSettings(data=folder / "data", warehouse=folder / "warehouse", fsync=False),
            vendors=quick_vendors(folder, attempts),
        )

    def source(self, folder: Path, *, now: datetime = AFTER, massive: Mapping[str, Any] | None = None, **own: Any) -> MassiveSource:
        settings = self.settings(folder, **(massive or {}))
        chosen = MassiveSourceSettings(**{"first_session": DAYS[0], **own})
        return MassiveSource(
            chosen,
            XNYS,
            settings,
            rest=massive_rest(settings, backoff=Waits().backoff()),
            files=FlatFiles(folder / "flat"),
            now=lambda: now,
        )


@contextmanager
def massive(data: MassiveData | None = None) -> Iterator[Massive]:
    """With the key in the environment."""
    with massive_double(known := data or market()) as double, pytest.MonkeyPatch.context() as environment:
        environment.setenv("MASSIVE_API_KEY", KEY)
        yield Massive(double, known)


def write_flat_file(folder: Path, dataset: Dataset, day: date, lines: list[str]) -> Path:
    """A day's file, in the layout of the bucket."""
    path = folder / object_key(dataset, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return path


def write_bars(folder: Path, data: MassiveData) -> None:
    """The market's daily bars as flat files."""
    for day in DAYS:
        lines = ["ticker,volume,open,close,high,low,window_start,transactions"]
        for ticker, bars in sorted(data.bars.items()):
            if (bar := bars.get(day)) and not bar.get("otc"):
                lines.append(f"{ticker},{bar['v']:g},{bar['o']},{bar['c']},{bar['h']},{bar['l']},{nanos(day, '00:00:00')},{bar['n']}")
        write_flat_file(folder, "us_stocks_sip/day_aggs_v1", day, lines)
