"""Greeks of a chain: each row from the right market, in the units of the contract, and a reason where there are none."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from ats_assets.options.cash_dividends import CashDividends, values_with_dividends
from ats_assets.options.chain_greeks import chain_greeks
from ats_assets.options.contract import symbols_of
from ats_assets.options.contracts import Greeks
from ats_assets.options.schema import ANNOUNCED_DIVIDENDS_SCHEMA, GREEKS, GREEKS_SCHEMA
from ats_assets.options.valuation import option_values
from ats_assets.sources.contracts import schema_violations

DAY, EXPIRY = date(2014, 6, 2), date(2014, 8, 15)
ROW: dict[str, Any] = {
    "underlying": "A",
    "session": DAY,
    "expiry": EXPIRY,
    "last_session": EXPIRY,
    "style": "american",
    "strike": 100.0,
    "right": "C",
    "bid": None,
    "ask": None,
    "mark": 5.0,
    "spot": 100.0,
}
DIVIDEND = {"symbol": "A", "session": DAY, "ex_session": date(2014, 7, 9), "held_session": date(2014, 7, 8), "cash": 1.0}
YEARS = 74 / 365
RATES = pl.DataFrame({"session": [DAY, date(2014, 6, 3)], "rate": [0.03, 0.05]})


def greeks(*rows: dict[str, Any], dividends: tuple[dict[str, Any], ...] = (), **how: Any) -> pl.DataFrame:
    types = {"mark": pl.Float64, "bid": pl.Float64, "ask": pl.Float64}
    chains = pl.DataFrame([ROW | row for row in rows], schema_overrides=types)
    chains = chains.with_columns(contract=symbols_of(*(pl.col(name) for name in ("underlying", "expiry", "strike", "right"))))
    paid = pl.DataFrame([dict.fromkeys(ANNOUNCED_DIVIDENDS_SCHEMA) | row for row in dividends], schema=ANNOUNCED_DIVIDENDS_SCHEMA)
    found = chain_greeks(chains, paid, RATES, **{"dividend_yields": {}, "symbol_by_underlying": {}} | how)
    assert found.schema == GREEKS_SCHEMA
    assert found.select("underlying", "session", "contract").equals(chains.select("underlying", "session", "contract"))
    if found.height == found.select("session", "contract").n_unique():
        assert not schema_violations(Greeks, found)
    return found


def test_a_volatility_that_was_put_in_is_found_with_the_greeks_in_their_units() -> None:
    strikes = [80.0, 95.0, 105.0, 120.0]
    for style in ("american", "european"):
        for call in (True, False):
            put_in = option_values(100.0, strikes, YEARS, 0.03, 0.0, 0.25, call, american=style == "american")
            rows = [
                {"strike": k, "mark": price, "right": "C" if call else "P", "style": style}
                for k, price in zip(strikes, put_in["price"], strict=True)
            ]
            found = greeks(*rows)
            assert found["why"].to_list() == [""] * 4
            np.testing.assert_allclose(found["implied_volatility"], 0.25, rtol=1e-6)
            for name in GREEKS:
                by = {"theta": 365.0, "vega": 100.0, "rho": 100.0}.get(name, 1.0)
                np.testing.assert_allclose(found[name], put_in[name] / by, rtol=1e-4, atol=1e-7, err_msg=name)


def test_announced_dividends_count_until_the_last_session_and_for_their_own_underlying_and_session() -> None:
    times, cash = np.array([36 / 365]), np.array([1.0])
    one = CashDividends(years=times, amounts=cash, begin=np.zeros(1, np.int64), end=np.ones(1, np.int64))
    price = values_with_dividends(100.0, 100.0, YEARS, 0.03, 0.0, 0.25, True, one, american=True)["price"][0]
    others = [DIVIDEND | {"symbol": "B", "cash": 9.0}, DIVIDEND | {"session": date(2014, 6, 3), "cash": 5.0}]
    late = DIVIDEND | {"ex_session": date(2014, 8, 18), "held_session": EXPIRY, "cash": 7.0}
    found = greeks({"mark": price}, {"last_session": date(2014, 7, 8), "expiry": date(2014, 7, 8)}, dividends=(DIVIDEND, *others, late))
    assert found["implied_volatility"][0] == pytest.approx(0.25, rel=1e-6)
    assert found["dividends"].to_list() == [pytest.approx(np.exp(-0.03 * 36 / 365)), 0.0]
    named = greeks({"mark": price, "underlying": "AX"}, dividends=(DIVIDEND,), symbol_by_underlying={"AX": "A"})
    assert named["implied_volatility"][0] == pytest.approx(0.25, rel=1e-6)


def test_an_assumed_yield_begins_where_the_announced_dividends_end() -> None:
    alone = greeks({"style": "european"}, dividend_yields={"A": 0.02})
    assert alone["dividend_yield"].to_list() == [0.02]
    price = option_values(100.0, 100.0, YEARS, 0.03, 0.02, alone["implied_volatility"][0], True)["price"][0]
    assert price == pytest.approx(5.0, abs=1e-9)
    both = greeks({"style": "european"}, dividends=(DIVIDEND,), dividend_yields={"A": 0.02, "B": 0.5})
    assert both["dividend_yield"].to_list() == [pytest.approx(0.02 * 38 / 74)]


def test_rates_are_those_of_the_session() -> None:
    found = greeks({"style": "european"}, {"style": "european", "session": date(2014, 6, 3)})
    assert found["rate"].to_list() == [0.03, 0.05]
    assert found["years"].to_list() == [pytest.approx(74 / 365), pytest.approx(73 / 365)]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"mark": None}, "no_price"),
        ({"last_session": DAY}, "expires_today"),
        ({"mark": 9.0, "spot": 110.0}, "below_intrinsic"),
        ({"mark": 10.0, "spot": 110.0, "right": "C", "style": "american"}, "below_intrinsic"),
        ({"mark": 30.0, "spot": 70.0, "right": "P"}, "no_time_value"),
        ({"mark": 100.0}, "above_bound"),
        ({"mark": 0.0}, "below_intrinsic"),
        ({"mark": 0.0, "spot": 0.4}, "no_time_value"),
    ],
)
def test_where_there_is_no_volatility_a_reason_says_why_and_the_row_beside_it_has_its_own(row: dict[str, Any], why: str) -> None:
    found = greeks(row, {"strike": 101.0})
    assert found["why"].to_list() == [why, ""]
    assert found.select("implied_volatility", *GREEKS).row(0) == (None,) * 6
    assert None not in found.select("implied_volatility", *GREEKS).row(1)


def test_what_the_price_is_of_and_its_time_value() -> None:
    quoted = {"bid": 4.9, "ask": 5.1, "spot": 103.0}
    found = greeks(
        quoted, {"strike": 101.0, "spot": 103.0}, {"strike": 102.0, "right": "P", "spot": 103.0}, {"strike": 103.0, "mark": None}
    )
    assert found["price_of"].to_list() == ["quotes", "close", "close", None]
    assert found["time_value"].to_list() == [2.0, 3.0, 5.0, None]


def test_an_empty_chain() -> None:
    empty = greeks(ROW).clear()
    chains = pl.DataFrame([ROW]).with_columns(contract=pl.lit("A")).clear()
    assert chain_greeks(chains, ANNOUNCED_DIVIDENDS_SCHEMA.to_frame(), RATES, dividend_yields={"A": 0.1}, symbol_by_underlying={}).equals(
        empty
    )
