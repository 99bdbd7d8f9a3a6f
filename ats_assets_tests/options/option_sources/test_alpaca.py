"""Chains collected from Alpaca, page by page from a double of its server that also fails, become option chains of the session at whose close they were taken."""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ats_assets.definitions import build
from ats_assets_tests.alpaca_double import Plan
from ats_assets_tests.asked_events import asked_instance
from ats_assets_tests.small_market import small_market
from ats_assets_tests.sources.adapters.alpaca.markets import XNYS, stocks

SESSIONS = XNYS.sessions(date(2024, 3, 11), date(2024, 3, 13))


def test_what_is_collected_is_screened_like_any_other_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", "key")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "secret")
    last = SESSIONS[-1]
    quote = {"t": "2024-03-13T19:59:59.5Z", "ap": 7.2, "as": 1, "ax": "C", "bp": 7.0, "bs": 2, "bx": "C", "c": " "}
    greeks = {"delta": 0.5, "gamma": 0.1, "rho": 0.01, "theta": -0.2, "vega": 0.3}
    chain = {f"AAPL240419C00{i}0000": {"latestQuote": quote, "greeks": greeks, "impliedVolatility": 0.31} for i in (17, 18, 19)}
    chain |= {
        "AAPL240419P00170000": {"latestQuote": quote | {"ap": 6.0}},
        "AAPL240419P00165000": {"latestQuote": quote | {"ap": 0, "bp": 0}},
    }
    with stocks(SESSIONS, symbols=("AAPL",), page_limit=2) as market, asked_instance() as instance:
        market.data.add_chain("AAPL", chain)
        market.double.plan = Plan(seed=5, share=0.4)
        url = market.double.url
        deployment = small_market(
            tmp_path,
            source={
                "kind": "alpaca",
                "alpaca": {
                    "symbols": ("AAPL",),
                    "first_session": SESSIONS[0],
                    "collect": ("option_chains",),
                    "option_underlyings": ("AAPL",),
                },
            },
            alpaca={"data_url": url, "trading_url": url, "max_wait_seconds": 0.001, "timeout_seconds": 5},
            calendar={"first_session": date(2020, 1, 2)},
            options={
                "chains": {"kind": "alpaca"},
                "screening": {"max_rejected_share": 0.5, "quoted_tolerance_share": 1.0, "unquoted_tolerance_share": 1.0},
            },
        )
        graph = build(deployment)
        assert graph.resolve_job_def("market_data").execute_in_process(instance=instance, partition_key=last.isoformat()).success
        selected = [
            dg.AssetKey(name)
            for name in ("raw_bars", "bars", "rejected_bars", "raw_option_chains", "option_chains", "rejected_option_chains")
        ]
        history = graph.resolve_job_def("history")
        assert history.execute_in_process(instance=instance, partition_key=last.isoformat(), asset_selection=selected).success
        kept = deployment.warehouse.read("option_chains", [last])
        spot = deployment.warehouse.read("bars", [last])["close"][0]
        assert kept["contract"].to_list() == ["AAPL240419C00170000", "AAPL240419C00180000", "AAPL240419C00190000"]
        call = kept.row(0, named=True)
        assert (call["underlying"], call["bid"], call["ask"], call["mark"], call["spot"]) == ("AAPL", 7.0, 7.2, pytest.approx(7.1), spot)
        assert (call["vendor_volatility"], call["vendor_delta"], call["volume"], call["open_interest"]) == (0.31, 0.5, None, None)
        others = deployment.warehouse.read("rejected_option_chains", [last])
        assert others.select("contract", "reasons").rows() == [("AAPL240419P00165000", ["empty"]), ("AAPL240419P00170000", ["crossed"])]
        assert call["quoted_at"] == XNYS.closes_at(last) - timedelta(milliseconds=500)
