"""Earnings from Massive's double: each record from its last writing on, with its time of day, and what can't be read named in its row."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.scheduled_events import assets as stage
from ats_assets.scheduled_events.event_sources.massive import EarningsCalendarSettings, open_earnings_calendar
from ats_assets.scheduled_events.event_sources.massive.earnings_calendar import EarningsCalendar, earnings_frame
from ats_assets.scheduled_events.schema import TOLD_EVENTS_SCHEMA
from ats_assets.settings import MassiveSettings, Settings
from ats_assets.vendors.massive.massive_connection import massive_rest
from ats_assets.vendors.massive.massive_rest import MassivePlanError
from ats_assets_tests.small_market import run_job, small_market
from ats_assets_tests.vendors.alpaca.connections import Waits
from ats_assets_tests.vendors.doubles import VendorDouble
from ats_assets_tests.vendors.massive_double import KEY, MassiveData, massive_double
from ats_assets_tests.vendors.massive_market import DAYS, earning, market
from ats_assets_tests.vendors.quick_vendors import quick_tables, quick_vendors

ASSETS = ("raw_scheduled_events", "scheduled_events", "rejected_scheduled_events")
SPAN = date(2024, 2, 25), date(2025, 3, 28)


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[VendorDouble, MassiveData]]:
    monkeypatch.setenv("MASSIVE_API_KEY", KEY)
    data = market()
    data.page_rows = 2
    with massive_double(data) as double:
        yield double, data


def calendar(double: VendorDouble, folder: Path, *symbols: str) -> EarningsCalendar:
    settings = Settings(massive=MassiveSettings(url=double.url), vendors=quick_vendors(folder))
    return EarningsCalendar(symbols, settings, rest=massive_rest(settings, backoff=Waits().backoff()))


def deployed(root: Path, url: str) -> Deployment:
    return small_market(
        root,
        calendar={"first_session": date(2024, 1, 2)},
        source={"synthetic": {"symbols": 2, "first_session": DAYS[0], "last_session": DAYS[-1]}},
        vendors=quick_tables(),
        massive={"url": url},
        scheduled_events={"source": {"kind": "massive"}},
    )


def test_records_of_all_pages_are_rows_known_since_their_last_writing(vendor: tuple[VendorDouble, MassiveData], tmp_path: Path) -> None:
    found = calendar(vendor[0], tmp_path).told(*SPAN)
    assert found.schema == TOLD_EVENTS_SCHEMA
    assert found.sort("symbol").select("symbol", "date", "timing", "event", "status", "known_at").rows() == [
        ("AAPL", date(2024, 5, 2), "amc", "E0A", "confirmed", datetime(2024, 3, 20, 10, 19, 50, tzinfo=UTC)),
        ("BRK.B", date(2024, 5, 4), "bmo", "E0B", "projected", datetime(2024, 3, 27, 23, tzinfo=UTC)),
        ("OLD", date(2024, 4, 30), None, "E0C", "confirmed", datetime(2024, 2, 1, tzinfo=UTC)),
    ]
    assert calendar(vendor[0], tmp_path, "AAPL").told(*SPAN)["symbol"].to_list() == ["AAPL"]
    vendor[1].earnings += [earning(name, "2024-05-01", "08:00:00", "2024-03-01T00:00:00Z", name) for name in ("BACpB", "X:?")]
    more = calendar(vendor[0], tmp_path).told(date(2024, 5, 1), date(2024, 5, 1)).select("symbol", "defects").sort("symbol").rows()
    assert more == [("BAC.PRB", None), ("X:?", "symbol: X:? is not as massive spells")], "as the bars are spelled"
    assert found.filter(pl.col("defects").is_not_null()).is_empty()


def test_what_can_not_be_read_is_named_and_a_plan_without_it_says_so(vendor: tuple[VendorDouble, MassiveData], tmp_path: Path) -> None:
    record = earning("A", "soon", "25:00", "2024-03-20T10:19:50", "E")
    without = {name: value for name, value in record.items() if name not in {"last_updated", "time", "benzinga_id"}}
    told = earnings_frame([record, {**without, "date": "2024-05-02", "ticker": 7}])
    assert told["defects"].to_list() == [
        "date: 'soon' is not a day; time: '25:00' is not a time of day; last_updated: '2024-03-20T10:19:50' is not an instant with its offset",
        "last_updated: there is none, so that it can't be told when this was known",
    ]
    assert told.row(1)[:4] == (None, "earnings", date(2024, 5, 2), None)
    vendor[1].without = ("/benzinga",)
    with pytest.raises(MassivePlanError, match="does not include GET /benzinga/v1/earnings"):
        calendar(vendor[0], tmp_path).told(*SPAN)
    with pytest.raises(SettingsError, match=r"scheduled_events.source.kind is massive, but calendar.exchange is XLON"):
        open_earnings_calendar(EarningsCalendarSettings(), small_market(tmp_path, calendar={"exchange": "XLON"}))


@pytest.mark.parametrize("day", [date(2024, 1, 17), date(2024, 7, 17)])
def test_a_time_of_day_is_taken_for_the_later_of_what_it_may_mean(day: date) -> None:
    """Eastern by one document of Massive's, UTC by another: by neither is an event over before the part of the day that is told."""
    opens, closes = (datetime.combine(day, at, ZoneInfo("America/New_York")) for at in (time(9, 30), time(16)))
    begins = {"bmo": datetime.combine(day, time(), ZoneInfo("America/New_York")), "during": opens, "amc": closes}
    ends = {"bmo": opens, "during": closes, "amc": begins["bmo"] + timedelta(days=1)}
    clocks = [time(minutes // 60, minutes % 60) for minutes in range(1, 1440)]
    told = earnings_frame([earning("A", str(day), str(at), "2024-01-01T00:00:00Z", "E") for at in clocks])["timing"]
    for at, timing in zip(clocks, told, strict=True):
        readings = [datetime.combine(day, at, ZoneInfo(zone)) for zone in ("America/New_York", "UTC")]
        assert begins[timing] <= max(readings) < ends[timing], at


def test_what_was_collected_at_a_close_stays_when_the_server_forgets_it(
    vendor: tuple[VendorDouble, MassiveData], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the second evening the record of AAPL has moved: the first session keeps what it knew, alone or in a range, and the next one knows the new day."""

    class Evening(datetime):
        at = datetime(2024, 3, 26, 21, tzinfo=UTC)

        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return cls.at

    monkeypatch.setattr(stage, "datetime", Evening)
    deployment, known = deployed(tmp_path, vendor[0].url), DAYS[1]
    run_job(deployment, "history", [known], list(ASSETS))
    first = deployment.warehouse.read("scheduled_events", [known])
    assert first.select("symbol", "date").rows() == [("OLD", date(2024, 4, 30)), ("AAPL", date(2024, 5, 2))], "BRK.B is not known yet"
    vendor[1].earnings[0] |= {"date": "2024-05-09", "last_updated": "2024-03-27T19:00:00Z"}
    Evening.at = datetime(2024, 3, 27, 23, 30, tzinfo=UTC)
    run_job(deployment, "history", DAYS[1:3], list(ASSETS))
    asked = len(vendor[0].journal)
    run_job(deployment, "history", [known], list(ASSETS))
    assert len(vendor[0].journal) == asked, "a past session is not asked for again"
    assert deployment.warehouse.read("scheduled_events", [known]).equals(first)
    assert len(deployment.warehouse.stamps("raw_scheduled_events", known)) == 1
    second = deployment.warehouse.read("scheduled_events", [DAYS[2]])
    assert dict(second.select("symbol", "date").iter_rows())["AAPL"] == date(2024, 5, 9)
    assert deployment.warehouse.stamps("raw_scheduled_events", DAYS[2])[0].startswith("2024-03-27T23-30")
