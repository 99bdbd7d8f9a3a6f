"""From the double into the warehouse: bars, and the market caps that are collected beside them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ats_assets.automation.requests import range_tags
from ats_assets.definitions import build
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets_tests.small_market import small_market
from ats_assets_tests.sources.adapters.coingecko.coins import COINS
from ats_assets_tests.sources.adapters.coingecko.gecko_double import KEY, GeckoMarket


def test_bars_and_market_caps_are_stored_and_no_key_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_DEMO_API_KEY", KEY)
    now = datetime.now(UTC)
    last = (now - timedelta(days=2)).date()
    days: list[date] = [last - timedelta(days=1), last]
    with GeckoMarket(now=now).double() as double, listed_instance() as instance:
        deployment = small_market(
            tmp_path,
            source={
                "kind": "coingecko",
                "own": {"coingecko": {"symbols": COINS, "ids": {"BTC": "bitcoin"}, "base_url": double.url, "collect": ["market_caps"]}},
            },
            calendar={"exchange": "24/7", "first_session": days[0] - timedelta(days=30)},
            bars={"profile": False},
            vendors={"coingecko": {"requests_per_minute": 1000}},
        )
        definitions = build(deployment)
        for job, day, names in (
            ("history", days, ("raw_bars", "raw_corporate_actions", "bars", "rejected_bars")),
            ("market_data", days[1:], ("coingecko_market_caps",)),
        ):
            chosen = definitions.resolve_job_def(job).get_subset(asset_selection={dg.AssetKey(name) for name in names})
            if job == "market_data":
                result = chosen.execute_in_process(instance=instance, partition_key=str(day[0]))
            else:
                result = chosen.execute_in_process(instance=instance, tags=range_tags(day))
            assert result.success
    bars = deployment.warehouse.read("bars", days)
    assert bars.select("symbol", "session").rows() == [(coin, day) for day in days for coin in COINS]
    caps = deployment.warehouse.read("coingecko_market_caps", [last])
    assert caps["symbol"].to_list() == list(COINS)
    assert (caps["market_cap"] == 2e7 * caps["price"]).all()
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]
