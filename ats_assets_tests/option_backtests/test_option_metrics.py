"""Figures worked out by hand of one turn of a wheel, and an attribution whose greeks explain what a model's own prices did."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from ats_assets.option_backtests.backtested_tables import option_tables
from ats_assets.option_backtests.option_metrics import option_metrics
from ats_assets.option_backtests.session_chain import SessionChain
from ats_assets.option_backtests.strategy_account import OptionTradingRules
from ats_assets.option_strategies import OptionView
from ats_assets.option_strategies.fills import OptionFillRules
from ats_assets.options.contract import Right
from ats_assets.options.valuation import option_values
from ats_assets_tests.option_backtests.option_market import Scripted, chain, contract, on, order, traded

PUT, CALL = contract("XYZ", date(2024, 3, 8), "95", "P"), contract("XYZ", date(2024, 3, 15), "95", "C")
DAYS = [date(2024, 3, day) for day in (4, 5, 6, 7, 8, 11, 12, 13, 14, 15)]


def turn(view: OptionView) -> list:
    """A put is sold and assigned, then a call is sold against the shares, and they are called away."""
    if view.session == DAYS[0]:
        return [order(view, (PUT, -1, "open"))]
    return [order(view, (CALL, -1, "open"))] if view.session == DAYS[4] else []


def test_one_turn_of_a_wheel() -> None:
    spots = [96.0, 96.0, 95.5, 95.0, 94.0, 94.0, 94.5, 95.0, 95.5, 96.0]
    chains = [chain(day, {"XYZ": spot}, [(PUT, 1.0, 1.0), (CALL, 0.5, 0.5)]) for day, spot in zip(DAYS, spots, strict=True)]
    tables = option_tables(traded(Scripted(turn), chains, rules=OptionTradingRules(account="cash_secured"), capital="10000"))
    figures = option_metrics(tables, {"scripted": 10_000.0}, 252)["scripted"]
    assert tables["cycles"].rows() == [("scripted", "XYZ", DAYS[1], DAYS[9], 10, 150.0, True)]
    told = {name: figures[name] for name in ("pnl", "premium_received", "premium_kept", "assignment_rate", "win_rate", "cycles")}
    assert told == {
        "pnl": 150.0,
        "premium_received": 150.0,
        "premium_kept": -50.0,  # to be assigned cost 1.00 a share both times
        "assignment_rate": 1.0,
        "win_rate": 1.0,
        "cycles": 1,
    }
    assert figures["premium_capture"] == pytest.approx(-1 / 3)
    assert figures["days_in_trade"] == (3 + 4) / 2
    assert figures["ended_by"] == {"assigned": 2}
    assert figures["max_margin"] == 100 * (95.5 - 0.5)  # nothing is lent: shares of 95.50, less the premium of the call
    assert figures["return_on_margin"] == pytest.approx(150 / figures["mean_margin"])


def priced(day: date, spot: float, volatility: float) -> SessionChain:
    """A chain of one European call, at the model's own price and greeks in the units of `greeks`."""
    option = contract("XYZ", date(2024, 6, 21), "100", "C")
    years = (option.expiry - day).days / 365
    values = {name: float(one[0]) for name, one in option_values(spot, 100.0, years, 0.03, 0.0, volatility, call=True).items()}
    rows = chain(day, {"XYZ": spot}, [(option, values["price"], values["price"])], "european").rows
    greeks = {"delta": values["delta"], "gamma": values["gamma"], "theta": values["theta"] / 365, "vega": values["vega"] / 100}
    return SessionChain(
        day, rows.with_columns(implied_volatility=pl.lit(volatility), **{name: pl.lit(one) for name, one in greeks.items()})
    )


def test_the_greeks_explain_what_a_model_s_own_prices_did() -> None:
    days = [date(2024, 3, day) for day in (4, 5, 6, 7, 8, 11)]
    path = [(100.0, 0.20), (100.0, 0.20), (101.5, 0.20), (101.5, 0.22), (99.0, 0.21), (99.0, 0.21)]
    chains = [priced(day, spot, volatility) for day, (spot, volatility) in zip(days, path, strict=True)]
    option = contract("XYZ", date(2024, 6, 21), "100", Right.CALL.value)
    free = OptionTradingRules(fills=OptionFillRules(spread_share=Decimal(0)))
    rows = option_tables(traded(Scripted(on(days[0], (option, 10, "open"))), chains, rules=free))["attribution"]
    moved, wider, both, weekend = rows.filter(pl.col("session") > days[1]).iter_rows(named=True)
    for row in (moved, wider, both, weekend):
        assert abs(row["rest"]) < 0.03 * max(abs(row[name]) for name in ("delta", "gamma", "theta", "vega")), row
    assert moved["delta"] == pytest.approx(1000 * 1.5 * chains[1].rows["delta"].item(), abs=0.01)
    assert moved["vega"] == 0.0
    assert wider["vega"] == pytest.approx(1000 * 2 * chains[2].rows["vega"].item(), abs=0.01)
    assert wider["delta"] == wider["gamma"] == 0.0
    assert both["gamma"] == pytest.approx(1000 * 2.5**2 / 2 * chains[3].rows["gamma"].item(), abs=0.01)
    assert weekend["theta"] == pytest.approx(1000 * 3 * chains[4].rows["theta"].item(), abs=0.01)
