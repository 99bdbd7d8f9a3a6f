"""What the market traded at meanwhile: of real minute bars, and of whichever prices are stored."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ats_assets.impact import model_named
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.impact.schema import MARKET_SCHEMA
from ats_assets.orders.schema import FILLS_SCHEMA
from ats_assets.orders.trading_costs.session_prices import session_prices
from ats_assets.orders.trading_costs.transaction_costs import PRICES_SCHEMA, FilledOrders, transaction_costs
from ats_assets.settings import BacktestSettings, ImpactSettings
from ats_assets_tests.small_market import small_market

MINUTES = Path("../shared/data/us_minute/trade_bars.parquet")
DAY = date(2013, 10, 7)
OPEN, CLOSE = datetime(2013, 10, 7, 13, 30, tzinfo=UTC), datetime(2013, 10, 7, 20, 0, tzinfo=UTC)


@pytest.mark.skipif(not MINUTES.is_file(), reason="no real market data beside the project")
def test_the_interval_of_an_order_in_ibm_is_that_of_its_minutes() -> None:
    """Two executions at 10:00:30 and 10:59:30 on 7 October 2013: the sixty minutes from 10:00 to 11:00, and none beside them."""
    bars = pl.read_parquet(MINUTES).filter(symbol="IBM").with_columns(at=pl.col("ts").dt.convert_time_zone("UTC"))
    day = bars.filter(pl.col("at").is_between(OPEN, CLOSE, closed="left"))
    prices = day.select("symbol", begins_at="at", ends_at=pl.col("at") + timedelta(minutes=1), price="close", volume="volume")
    hour = day.filter(pl.col("at").is_between(OPEN + timedelta(minutes=30), OPEN + timedelta(minutes=90), closed="left"))
    assert hour.height == 60
    fills = [
        (DAY, f"f{n}", "main-IBM", "IBM", "IBM", "buy", 50.0, 182.0 + n, 0.0, 0.0, OPEN + timedelta(minutes=minute), None, None)
        for n, minute in enumerate((30.5, 89.5))
    ]
    of = FilledOrders(
        fills=pl.DataFrame(fills, schema=FILLS_SCHEMA, orient="row"),
        parents={},
        arrivals={},
        recorded={},
        bars=pl.DataFrame({"symbol": ["IBM"], "open": [float(day["open"][0])], "close": [float(day["close"][-1])]}),
        prices=prices.select(pl.col(name).cast(kind) for name, kind in PRICES_SCHEMA.items()),
        opens_at=OPEN,
        closes_at=CLOSE,
        before=date(2013, 10, 4),
    )
    known = pl.DataFrame([("IBM", date(2013, 10, 4), 6.7e8, 0.0092, 0.0003)], schema=MARKET_SCHEMA, orient="row")
    impact = MarketImpact(model=model_named("almgren"), settings=ImpactSettings(model="almgren"), inputs=known)
    row = transaction_costs(DAY, of, impact, BacktestSettings()).row(0, named=True)
    expected = float((hour["close"] * hour["volume"]).sum()) / float(hour["volume"].sum())
    assert row["interval_vwap"] == pytest.approx(expected, rel=1e-12)
    assert hour["low"].min() <= row["interval_vwap"] <= hour["high"].max()  # pyright: ignore[reportOperatorIssue]
    assert 2.0 < row["expected_bps"] < 3.0, "half the spread of the settings, and a little impact of 9,000 dollars"
    assert row["latency_seconds"] is None


def test_ticks_come_before_bars_and_without_either_there_are_none(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, samplers={"minutes": {"kind": "time"}})
    day = deployment.calendar.sessions(date(2021, 1, 4), date(2021, 1, 4))[0]
    assert session_prices(deployment, day, ["A"]).is_empty()
    versions = {"code_version": "c", "settings_version": "s"}
    at = datetime(2021, 1, 4, 15, 0, tzinfo=UTC)
    bars = pl.DataFrame(
        {"symbol": ["A", "B"], "session": day, "opened_at": at, "known_at": at + timedelta(minutes=1), "vwap": 10.0, "volume": 5.0}
    )
    deployment.warehouse.write("minutes", day, bars, **versions, upstream={})
    found = session_prices(deployment, day, ["A"])
    assert found.rows() == [("A", at, at + timedelta(minutes=1), 10.0, 5.0)]
    ticks = pl.DataFrame({"symbol": ["A", "A"], "session": day, "at": at, "price": 11.0, "size": 2.0, "for_volume": [True, False]})
    deployment.warehouse.write("trades", day, ticks, **versions, upstream={})
    assert session_prices(deployment, day, ["A"]).rows() == [("A", at, at, 11.0, 2.0)]
