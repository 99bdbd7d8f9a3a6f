"""From the double through Dagster into the warehouse: each candle that was served is there once, and minute bars of the trades beside them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl

from ats_assets.automation.requests import range_tags
from ats_assets.definitions import build
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets.vendors.open_vendor import open_state
from ats_assets_tests.small_market import small_market
from ats_assets_tests.sources.adapters.ccxt.markets import DAYS, FIRST, PAIRS, market
from ats_assets_tests.vendors.ccxt.binance_double import aggregate, milliseconds
from ats_assets_tests.vendors.doubles import Mishap, Wrong

SESSIONS = DAYS[:4]


def test_what_was_served_is_stored_once_whatever_went_wrong(tmp_path: Path) -> None:
    found = market({"BTC/USDT": {DAYS[2]}})
    random = np.random.default_rng(5)
    times = np.sort(random.integers(milliseconds(FIRST), milliseconds(FIRST + timedelta(days=4)), 1500))
    found.trades["BTCUSDT"] = [aggregate(9 + i, int(at), 100.0 + i / 1024, 0.25) for i, at in enumerate(times)]
    found.now = datetime.now(UTC)
    with found.double() as double, listed_instance() as instance:
        double.script += [
            Mishap(Wrong.HALF_PAGE, path="/api/v3/klines"),
            Mishap(Wrong.RATE_LIMIT, skip=2, retry_after="0"),
            Mishap(Wrong.CUT, skip=4),
        ]
        own = {"base_url": double.url, "symbols": PAIRS, "first_session": FIRST}
        deployment = small_market(
            tmp_path,
            source={"kind": "ccxt", "own": {"ccxt": own}},
            calendar={"exchange": "24/7", "first_session": FIRST},
            bars={"profile": False},
            vendors={"binance": {"max_wait_seconds": 0.001, "timeout_seconds": 5}},
            intraday={"trades": {"kind": "ccxt", **own, "symbols": PAIRS[:1]}},
            samplers={"minute_bars": {"kind": "time", "seconds": 60}},
        )
        names = ("raw_bars", "raw_corporate_actions", "bars", "rejected_bars", "raw_trades", "trades", "rejected_trades", "minute_bars")
        job = build(deployment).resolve_job_def("history").get_subset(asset_selection={dg.AssetKey(name) for name in names})
        result = job.execute_in_process(instance=instance, tags=range_tags(SESSIONS))
        assert result.success
        said = str(result.asset_materializations_for_node("raw_bars")[0].metadata["source"].value)
        answered = open_state(deployment.settings).calls(datetime(2024, 1, 1, tzinfo=UTC))
        assert len(answered) == len(double.journal)
        assert {call.vendor for call in answered} == {"binance"}
    assert f"days without a candle, for which nothing is put in: BTC/USDT: {DAYS[2]} (1 day)" in said
    bars = deployment.warehouse.read("bars", SESSIONS)
    expected = [
        (pair, day, 100.0 * (n + 1) + i) for i, day in enumerate(SESSIONS) for n, pair in enumerate(PAIRS) if (pair, i) != ("BTC/USDT", 2)
    ]
    assert bars.select("symbol", "session", "open").rows() == expected
    assert deployment.warehouse.read("raw_trades", SESSIONS)["trade_id"].to_list() == [str(9 + i) for i in range(1500)]
    minutes = deployment.warehouse.read("minute_bars", SESSIONS)
    assert minutes["volume"].sum() == 1500 * 0.25
    assert (minutes["known_at"].dt.epoch("s") % 60 == 0).all() or minutes.filter(pl.col("known_at").dt.epoch("s") % 60 != 0).height <= len(
        SESSIONS
    )
