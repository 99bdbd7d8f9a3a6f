"""A small market for Massive's double: a week with a holiday in it, a split, a share class, a delisted stock, one traded over the counter, ticks and options."""

from datetime import date, datetime, time, timedelta
from typing import Any

from ats_assets_tests.vendors.massive_double import NEW_YORK, MassiveData

DAYS = [date(2024, 3, day) for day in (25, 26, 27, 28)] + [date(2024, 4, day) for day in (1, 2)]
"""2024-03-29 is Good Friday."""
SPLIT = date(2024, 4, 1)
"""Of AAPL, four for one."""
HALTED = date(2024, 3, 27)
"""BRK.B does not trade: there is no bar of it, and OLD has one."""


def bar(n: int, **more: Any) -> dict[str, Any]:
    """The n-th bar: its prices name it."""
    price = 10 + n / 64
    return {"o": price, "h": price + 1, "l": price - 1, "c": price + 0.5, "v": 1000.0 + n, "vw": price + 0.25, "n": 10 + n} | more


def nanos(day: date, clock: str, more: int = 0) -> int:
    """A time of day in New York, in nanoseconds since 1970."""
    return int(datetime.combine(day, time.fromisoformat(clock), NEW_YORK).timestamp()) * 10**9 + more


def trade(day: date, clock: str, n: int, **more: Any) -> dict[str, Any]:
    at = nanos(day, clock, 1_000 + n)
    made = {
        "conditions": [12, 41] if n % 2 else [37],
        "exchange": 11,
        "id": str(n),
        "participant_timestamp": at - 400_000,
        "price": 170.0 + n / 4,
    }
    return made | {"sequence_number": 1000 + n, "sip_timestamp": at, "size": 100 + n, "tape": 3} | more


def quote(day: date, clock: str, n: int, **more: Any) -> dict[str, Any]:
    at = nanos(day, clock, 2_000 + n)
    made = {"ask_exchange": 12, "ask_price": 170.1 + n / 4, "ask_size": 2, "bid_exchange": 11, "bid_price": 170.0 + n / 4, "bid_size": 3}
    return (
        made
        | {"conditions": [1], "participant_timestamp": at - 300_000, "sequence_number": 2000 + n, "sip_timestamp": at, "tape": 3}
        | more
    )


def contract(root: str, expiry: date, right: str, strike: float, *, listed: date = DAYS[0], **more: Any) -> dict[str, Any]:
    ticker = f"O:{root}{expiry:%y%m%d}{right}{round(strike * 1000):08d}"
    made = {"cfi": "OCASPS" if right == "C" else "OPASPS", "contract_type": "call" if right == "C" else "put", "exercise_style": "american"}
    made |= {
        "expiration_date": str(expiry),
        "primary_exchange": "BATO",
        "shares_per_contract": 100,
        "strike_price": strike,
        "ticker": ticker,
    }
    return made | {"underlying_ticker": "AAPL" if root == "AAPL" else "BRK.B", "_listed": str(listed)} | more


def snapshot(of: dict[str, Any], day: date, n: int, **more: Any) -> dict[str, Any]:
    """As it is after the close of a day."""
    details = {
        name: of[name] for name in ("contract_type", "exercise_style", "expiration_date", "shares_per_contract", "strike_price", "ticker")
    }
    at, price = nanos(day, "15:59:59", n), 5.0 + n
    made = {
        "break_even_price": of["strike_price"] + price,
        "day": {
            "change": 0.1,
            "change_percent": 2.0,
            "close": price,
            "high": price + 1,
            "last_updated": nanos(day, "00:00:00"),
            "low": price - 1,
        }
        | {"open": price, "previous_close": price - 0.1, "volume": 10 + n, "vwap": price},
        "details": details,
        "greeks": {"delta": 0.5, "gamma": 0.01, "theta": -0.02, "vega": 0.1},
        "implied_volatility": 0.3,
        "last_quote": {
            "ask": price + 0.05,
            "ask_size": 4,
            "bid": price - 0.05,
            "bid_size": 8,
            "last_updated": at,
            "midpoint": price,
            "timeframe": "DELAYED",
        },
        "last_trade": {"conditions": [209], "exchange": 316, "price": price, "sip_timestamp": at, "size": 2, "timeframe": "DELAYED"},
        "open_interest": 100 + n,
        "underlying_asset": {"change_to_break_even": 1.0, "last_updated": at, "price": 170.0, "ticker": "AAPL", "timeframe": "DELAYED"},
    }
    return made | more


def earning(ticker: str, day: str, clock: str, updated: str, name: str, **more: Any) -> dict[str, Any]:
    """A record of earnings to come, with the fields that the published example has of one."""
    made = {"benzinga_id": name, "company_name": f"{ticker} Inc", "currency": "USD", "date": day, "date_status": "confirmed"}
    made |= {"eps_method": "GAAP", "fiscal_period": "Q1", "fiscal_year": 2024, "importance": 1, "last_updated": updated}
    return made | {"previous_eps": 1.5, "revenue_method": "GAAP", "ticker": ticker, "time": clock} | more


def market() -> MassiveData:
    """Everything of it, made anew."""
    data = MassiveData()
    for i, ticker in enumerate(("AAPL", "BRK.B", "OLD", "OTCX")):
        days = {day: bar(100 * i + j, **({"otc": True} if ticker == "OTCX" else {})) for j, day in enumerate(DAYS)}
        data.bars[ticker] = {
            day: made for day, made in days.items() if not (ticker == "BRK.B" and day == HALTED) and not (ticker == "OLD" and day > DAYS[3])
        }
    for day in DAYS[:2]:
        opening = datetime.combine(day, time(9, 30), NEW_YORK)
        for minutes in (-60, 0, 1, 30, 389, 390, 500):
            at = int((opening + timedelta(minutes=minutes)).timestamp() * 1000)
            data.minutes.setdefault("AAPL", {})[at] = bar(len(data.minutes.get("AAPL", {})))
    for what, made in (("trades", trade), ("quotes", quote)):
        for ticker in ("AAPL", "BRK.B"):
            clocks = ("08:00:00", "09:30:00", "10:00:00", "15:59:59", "16:00:00", "18:30:00")
            rows = [made(day, clock, 10 * j + k) for j, day in enumerate(DAYS[:3]) for k, clock in enumerate(clocks)]
            getattr(data, what)[ticker] = rows
    data.earnings = [
        earning("AAPL", "2024-05-02", "16:30:00", "2024-03-20T10:19:50Z", "E0A"),
        earning("BRK.B", "2024-05-04", "08:00:00", "2024-03-27T23:00:00Z", "E0B", date_status="projected"),
        earning("OLD", "2024-04-30", "00:00:00", "2024-02-01T00:00:00Z", "E0C"),
    ]
    data.splits = [
        {
            "adjustment_type": "forward_split",
            "execution_date": str(SPLIT),
            "historical_adjustment_factor": 0.25,
            "id": "E1",
            "split_from": 1,
            "split_to": 4,
            "ticker": "AAPL",
        },
        {
            "adjustment_type": "stock_dividend",
            "execution_date": "2024-03-26",
            "historical_adjustment_factor": 0.952381,
            "id": "E2",
            "split_from": 100,
            "split_to": 105,
            "ticker": "BRK.B",
        },
        {
            "adjustment_type": "reverse_split",
            "execution_date": "2024-03-29",
            "historical_adjustment_factor": 10.0,
            "id": "E3",
            "split_from": 10,
            "split_to": 1,
            "ticker": "OLD",
        },
    ]
    paid = {
        "declaration_date": "2024-03-01",
        "record_date": "2024-03-27",
        "pay_date": "2024-04-10",
        "frequency": 4,
        "distribution_type": "recurring",
    }
    amounts = (("AAPL", "2024-03-26", 0.24, "USD"), ("BRK.B", "2024-03-27", 1.5, "USD"), ("OLD", "2024-03-27", 0.3, "CAD"))
    data.dividends = [
        {"cash_amount": cash, "currency": currency, "ex_dividend_date": day, "historical_adjustment_factor": 0.99, "id": f"D{ticker}"}
        | {"split_adjusted_cash_amount": cash, "ticker": ticker, **paid}
        for ticker, day, cash, currency in amounts
    ]
    changes = [("2022-06-09", "META"), ("2012-05-18", "FB")]
    data.events["META"] = {
        "name": "Meta Platforms, Inc. Class A Common Stock",
        "composite_figi": "BBG000MM2P62",
        "cik": "0001326801",
        "events": [{"date": day, "type": "ticker_change", "ticker_change": {"ticker": name}} for day, name in changes],
    }
    named = (("AAPL", True), ("BRK.B", True), ("OTCX", True), ("META", True), ("OLD", False), ("OLDER", False), ("OLDEST", False))
    data.tickers = [
        {"active": active, "locale": "us", "market": "stocks", "name": ticker, "ticker": ticker, "type": "CS"} for ticker, active in named
    ]
    expiries = (date(2024, 3, 28), date(2024, 4, 19))
    data.contracts = [contract("AAPL", expiry, right, strike) for expiry in expiries for right in "CP" for strike in (165.0, 170.0, 172.5)]
    data.contracts.append(contract("AAPL", date(2024, 5, 17), "C", 200.0, listed=DAYS[4]))
    data.contracts.append(
        contract(
            "AAPL1",
            expiries[1],
            "C",
            90.0,
            additional_underlyings=[{"amount": 44, "type": "equity", "underlying": "VMW"}],
            underlying_ticker="AAPL",
        )
    )
    data.contracts.append(contract("BRKB", expiries[1], "C", 410.0))
    data.snapshots["AAPL"] = [
        snapshot(one, DAYS[2], n)
        for n, one in enumerate(data.contracts)
        if one["_listed"] <= str(DAYS[2]) and one["underlying_ticker"] == "AAPL"
    ]
    return data
