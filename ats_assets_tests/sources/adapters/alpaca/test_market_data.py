from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ats_assets.errors import SourceError
from ats_assets.sources.adapters.alpaca.market_data import AlpacaMarketData, collected
from ats_assets_tests.alpaca_double import Plan, rfc3339
from ats_assets_tests.sources.adapters.alpaca.markets import ALWAYS, XNYS, Market, bar, crypto, stocks
from ats_assets_tests.vendors.alpaca.connections import Waits

SESSIONS = XNYS.sessions(date(2024, 3, 6), date(2024, 3, 13))
SYMBOLS = ("AAPL", "MSFT")
FIRST, LAST = XNYS.opens_at(SESSIONS[1]), XNYS.closes_at(SESSIONS[-1])


def opened(market: Market, folder: Path, **choice: object) -> AlpacaMarketData:
    source = market.source(folder, **{"symbols": SYMBOLS, **choice})
    calendar = ALWAYS if choice.get("asset_class") == "crypto" else XNYS
    return AlpacaMarketData(source._settings, calendar, backoff=Waits().backoff(), now=lambda: market.double.now)


def instants() -> list[datetime]:
    """Times around every edge: the closes and opens of sessions, early and late, weekends, and the change of the clock."""
    edges = [edge for day in SESSIONS[1:] for edge in (XNYS.opens_at(day), XNYS.closes_at(day))]
    steps = [timedelta(minutes=m) for m in (-240, -2, -1, 0, 1, 2, 200)]
    return sorted({edge + step for edge in edges for step in steps if edge + step <= LAST})


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", ["minute_bars", "trades", "quotes"])
def test_each_row_is_in_the_session_at_whose_close_it_was_known(tmp_path: Path, name: str, seed: int) -> None:
    times = instants()
    rows = {
        "minute_bars": [bar(at, i) for i, at in enumerate(times)],
        "trades": [
            {"t": rfc3339(at)[:-1] + ".000000001Z", "x": "V", "i": i, "p": 10 + i / 8, "s": 1, "c": ["@", "I"], "z": "C"}
            for i, at in enumerate(times)
        ],
        "quotes": [
            {"t": at, "ax": "V", "ap": 11.0, "as": i, "bx": "V", "bp": 10.5, "bs": 2, "c": ["R"], "z": "C"} for i, at in enumerate(times)
        ],
    }[name]
    kind = "bars/1Min" if name == "minute_bars" else name
    with stocks(SESSIONS, symbols=SYMBOLS, page_limit=5) as market:
        for symbol in SYMBOLS:
            market.data.add("stocks", kind, symbol, rows)
        market.double.plan = Plan(seed=seed, share=0.1 * (seed % 8), most=5)
        data = opened(market, tmp_path)
        frames = {day: data.of(name, day) for day in SESSIONS[1:]}
        stamp = collected(name).stamp
        for day, frame in frames.items():
            collected(name).contract.validate(frame)
            known = frame[stamp].dt.epoch("ns") + (60 if name == "minute_bars" else 0) * 10**9
            first, last = (int(XNYS.closes_at(edge).timestamp()) * 10**9 for edge in (XNYS.offset(day, -1), day))
            assert known.is_between(first, last, closed="right").all()
        everything = pl.concat(frames.values())
        assert everything["defects"].null_count() == everything.height
        late = 0 if name == "quotes" else 1  # the minute after the last close; the nanosecond after it
        assert everything.group_by("symbol").len().sort("symbol").rows() == [(symbol, len(times) - late) for symbol in SYMBOLS]
        assert not everything.is_duplicated().any()
        assert_frame_equal(data.of(name, SESSIONS[3]), frames[SESSIONS[3]])


def test_snapshots_and_chains_are_taken_between_close_and_open(tmp_path: Path) -> None:
    trade = {"t": "2024-03-13T19:59:59.123456789Z", "x": "V", "p": 170.5, "s": 100, "c": ["@"], "i": 7, "z": "C"}
    quote = {"t": "2024-03-13T20:00:00Z", "ap": 171.0, "as": 1, "bp": 170.0, "bs": 2}
    with stocks(SESSIONS, symbols=SYMBOLS, page_limit=3) as market:
        market.data.add_snapshot(
            "stocks", "AAPL", {"latestTrade": trade, "latestQuote": quote, "dailyBar": bar(rfc3339(LAST), 5), "prevDailyBar": None}
        )
        greeks = {"delta": 0.5, "gamma": 0.1, "rho": 0.01, "theta": -0.2, "vega": 0.3}
        chain = {f"AAPL240419C00{i:06d}": {"latestQuote": quote, "greeks": greeks, "impliedVolatility": 0.2 + i / 100} for i in range(8)}
        market.data.add_chain("AAPL", chain | {"AAPL240419P00000000": {"latestTrade": trade}})
        data = opened(market, tmp_path, option_underlyings=("AAPL",))
        market.double.plan = Plan(seed=3, share=0.5)
        shots = data.snapshots(SESSIONS[-1])
        collected("snapshots").contract.validate(shots)
        assert shots.select("symbol", "trade_price", "bid_price", "day_open", "previous_open", "taken_at").rows() == [
            ("AAPL", 170.5, 170.0, bar("", 5)["o"], None, market.double.now)
        ]
        options = data.option_chains(SESSIONS[-1])
        collected("option_chains").contract.validate(options)
        assert options.filter(pl.col("delta") == 0.5)["symbol"].to_list() == sorted(chain)
        assert options.filter(pl.col("implied_volatility").is_null())["trade_price"].to_list() == [170.5]
        for now in (XNYS.closes_at(SESSIONS[-1]) - timedelta(minutes=1), XNYS.opens_at(XNYS.offset(SESSIONS[-1], 1))):
            market.double.now = now
            assert not data.can_be_taken(SESSIONS[-1])
            for take in (data.snapshots, data.option_chains):
                with pytest.raises(SourceError, match="what was not taken then is gone"):
                    take(SESSIONS[-1])
        with pytest.raises(SourceError, match="option_underlyings is empty"):
            opened(market, tmp_path).option_chains(SESSIONS[-1])
        with pytest.raises(SourceError, match=r"needs source\.alpaca\.symbols"):
            opened(market, tmp_path, symbols=()).trades(SESSIONS[-1])


def test_crypto_around_the_clock(tmp_path: Path) -> None:
    days = [date(2024, 3, 9), date(2024, 3, 10)]
    with crypto(days) as market:
        hours = [datetime(2024, 3, 9, tzinfo=UTC) + timedelta(hours=i) for i in range(48)]
        market.data.add("crypto", "trades", "BTC/USD", [{"t": at, "p": 1.5, "s": 0.25, "i": i, "tks": "B"} for i, at in enumerate(hours)])
        data = opened(market, tmp_path, asset_class="crypto", symbols=("BTC/USD",))
        found = pl.concat(data.trades(day) for day in days)
        assert sorted(found["trade_id"]) == list(range(1, 48))  # midnight is the close of the day before
        assert set(found["taker_side"]) == {"B"}


def test_odd_cells_are_named(tmp_path: Path) -> None:
    at = FIRST + timedelta(minutes=5)
    with stocks(SESSIONS, symbols=SYMBOLS) as market:
        rows = [{"t": at, "x": 5, "i": 1.5, "p": "10", "s": True, "c": "@", "z": None}, {"t": at, "i": 2**70, "p": 10, "s": 1, "c": [1]}]
        market.data.add("stocks", "trades", "AAPL", rows)
        found = opened(market, tmp_path).trades(SESSIONS[1])
        assert found["defects"].to_list() == [
            "exchange: '5' is not a text; trade_id: '1.5' is not a whole number; price: '10' is not a number; size: 'True' is not a number",
            "trade_id: '1180591620717411303424' is not a whole number; conditions: '[1]' is not a list of texts",
        ]
        assert found["conditions"].to_list() == [["@"], None]
