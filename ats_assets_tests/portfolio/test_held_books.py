"""What a strategy without signals holds stays: no order for its part, whatever the others trade, by an independent ledger of shares; and where a rule or the brake cuts it, it is made smaller."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.backtests import BacktestResult, run_backtest
from ats_assets.backtests.metrics import wanted_and_held
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.portfolio.allowed_changes import COLUMN
from ats_assets.portfolio.schema import WANTED_SCHEMA, HeldTargets
from ats_assets.portfolio.targets import targets_of
from ats_assets.risk import NamedRule
from ats_assets.risk.rules.limits import Limits, LimitsSettings
from ats_assets.settings import BacktestSettings, BrakeSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import NO_BORROWING, bars_of, random_actions, random_market, weekdays
from ats_assets_tests.bars.companies import ACTIONS_SCHEMA, name_change_actions
from ats_assets_tests.rounds import rounds

CAPITAL = {"steady": 0.5, "other": 0.4}
WIDE = PortfolioSettings(max_weight=1.0, max_gross=10.0, max_net=10.0, max_turnover=4.0, no_trade_band=0.0)
LAST = 3
"""The session at which the strategy `steady` has signals for the last time."""
NONE = pl.DataFrame(schema=CORPORATE_ACTIONS_SCHEMA)
Books = Mapping[str, Mapping[tuple[int, str], float]]


def frame(days: Sequence[date], book: Mapping[tuple[int, str], float]) -> pl.DataFrame:
    rows = [(symbol, days[i], weight) for (i, symbol), weight in book.items()]
    return pl.DataFrame(rows, schema=WANTED_SCHEMA, orient="row").sort("session", "symbol")


def targets(
    bars: pl.DataFrame, days: Sequence[date], books: Books, *rules: NamedRule, actions: pl.DataFrame = NONE, **how: Any
) -> pl.DataFrame:
    signals = {name: frame(days, book) for name, book in books.items()}
    given_frames = {"bars": bars, "corporate_actions": actions}
    period = how.pop("period", 1)
    capital = how.pop("capital", CAPITAL)
    how = {"days": days, "sessions": days, "kept": 63, **how}
    return HeldTargets.validate(targets_of(signals, capital, rules, longest=period, holding_sessions=period, frames=given_frames, **how))


def traded(wanted: pl.DataFrame, bars: pl.DataFrame, days: Sequence[date], actions: pl.DataFrame = NONE, **how: Any) -> BacktestResult:
    made: dict[str, Any] = {"engine": "orders", "commission_bps": 5.0, "spread_bps": 4.0, "margin": NO_BORROWING, "max_missing_sessions": 2}
    made |= how.pop("backtest", {})
    return run_backtest(wanted, bars, days, portfolio=how.pop("portfolio", WIDE), settings=BacktestSettings(**made), actions=actions, **how)


def ledger(result: BacktestResult, actions: pl.DataFrame, days: Sequence[date]) -> dict[date, dict[str, Fraction]]:
    """Shares at each close, from trades and splits alone; fractions of a share that a split leaves are paid out."""
    splits = {
        (day, symbol): Fraction(str(ratio))
        for symbol, day, ratio in actions.filter(kind="split").select("symbol", "session", "ratio").iter_rows()
    }
    held, closes = defaultdict[str, Fraction](Fraction), dict[date, dict[str, Fraction]]()
    for day in days:
        for symbol in held:
            held[symbol] *= splits.get((day, symbol), Fraction(1))
            held[symbol] -= held[symbol] % 1
        for symbol, side, shares in result.trades.filter(session=day).select("symbol", "side", "shares").iter_rows():
            held[symbol] += (1 if side == "buy" else -1) * Fraction(shares)
        closes[day] = {symbol: shares for symbol, shares in held.items() if shares}
    return closes


def plain_actions(seed: int, bars: pl.DataFrame) -> pl.DataFrame:
    """Random splits and payments, without changes of name."""
    unnamed = random_actions(seed, bars).with_columns(new_symbol=pl.lit(None, pl.String), new_ratio=pl.lit(None, pl.Float64))
    return unnamed.select(*ACTIONS_SCHEMA)


@settings(max_examples=rounds(8, 400))
@given(st.integers(0, 10_000), st.integers(1, 3), st.booleans(), st.sampled_from(["orders", "weights"]))
def test_what_is_held_without_signals_is_not_ordered_whatever_the_others_trade(seed: int, period: int, idle: bool, engine: str) -> None:
    """Halts, quiet sessions, listings, delistings, splits and payments. The other strategy wants something of three symbols, of which one is held by both; or nothing at all."""
    random = np.random.default_rng(seed)
    bars, _, days = random_market(seed, 12, 6, shorts=False)
    actions = plain_actions(seed, bars)
    shape = random.dirichlet(np.ones(4))
    steady = {(i, f"S{j}"): float(shape[j]) for i in range(1, LAST + 1) for j in range(4)}
    its = set() if idle else {"S3", "S4", "S5"}
    other = {(i, f"S{j}"): float(random.random() / 3) if f"S{j}" in its else 0.0 for i in range(1, len(days)) for j in range(6)}
    wanted = targets(bars, days, {"steady": steady, "other": other}, actions=actions, period=period)
    result = traded(wanted, bars, days, actions, backtest={"engine": engine})
    made = result.trades.filter(pl.col("session") > days[LAST + 1], pl.col("reason") != "delisted")
    assert set(made["symbol"]) <= its
    if engine == "weights":
        return
    shares = ledger(result, actions, days)
    for day in days:
        held = {symbol: Fraction(own) for symbol, own in result.positions.filter(session=day).select("symbol", "shares").iter_rows()}
        assert shares.get(day, {}) == held
    gone = set(result.trades.filter(reason="delisted")["symbol"])
    for day, before in zip(days[LAST + 2 :], days[LAST + 1 :], strict=False):
        for symbol in {"S0", "S1", "S2"} - gone:
            grown = [Fraction(str(r)) for r in actions.filter(pl.col("session") == day, symbol=symbol, kind="split")["ratio"]]
            expected = shares[before].get(symbol, Fraction(0)) * (grown[0] if grown else 1)
            assert shares[day].get(symbol, Fraction(0)) == expected - expected % 1


def flat(n_symbols: int, n_sessions: int, price: float = 10.0) -> tuple[pl.DataFrame, list[date]]:
    days = weekdays(n_sessions)
    return bars_of([(f"S{j}", day, price, price) for day in days for j in range(n_symbols)]), days


def test_of_a_symbol_of_both_the_other_sells_its_own_part_alone() -> None:
    bars, days = flat(2, 6)
    steady = {(0, "S0"): 0.5, (0, "S1"): 0.5}
    other = {(i, "S0"): 1.0 if i < 3 else 0.0 for i in range(6)} | {(i, "S1"): 0.0 for i in range(6)}
    wanted = targets(bars, days, {"steady": steady, "other": other})
    result = traded(wanted, bars, days, backtest={"commission_bps": 0.0, "spread_bps": 0.0, "slippage_bps": 0.0, "initial_cash": 10_000.0})
    trades = result.trades.select("session", "symbol", "side", "shares").rows()
    assert trades == [(days[1], "S0", "buy", 650.0), (days[1], "S1", "buy", 250.0), (days[4], "S0", "sell", 400.0)]
    assert wanted.filter(session=days[2])[COLUMN].to_list() == ["any", "none"]
    told = [f"steady: no signals since {days[0]}, what it held stays"]
    assert wanted.filter(session=days[4])["reasons"].to_list() == [told, told]


@pytest.mark.parametrize(("begins", "halted"), [(4, 0), (5, 1), (6, 2)])
def test_an_exit_that_a_halt_holds_up_is_made_though_another_holder_has_no_signals_by_then(begins: int, halted: int) -> None:
    """At session 3 the other leaves S0, which is halted from the next on; the first has no signals from `begins` on."""
    bars, days = flat(2, 12)
    bars = bars.filter(~((pl.col("symbol") == "S0") & pl.col("session").is_between(days[4], days[3 + halted], closed="both")))
    steady = {(i, symbol): 0.5 for i in range(begins) for symbol in ("S0", "S1")}
    other = {(i, "S0"): 1.0 if i < 3 else 0.0 for i in range(12)} | {(i, "S1"): 0.0 for i in range(12)}
    wanted = targets(bars, days, {"steady": steady, "other": other})
    result = traded(wanted, bars, days, backtest={"commission_bps": 0.0, "spread_bps": 0.0, "slippage_bps": 0.0, "initial_cash": 10_000.0})
    sold = result.trades.filter(side="sell").select("session", "symbol", "shares").rows()
    first = 4 + halted + (halted > 0)  # where there is no bar a part of a position is not decided of
    assert sold == [(days[first], "S0", 400.0)]


def test_where_nobody_has_signals_everything_stays_until_nobody_knows_of_it() -> None:
    """What is to leave and has not left yet stays, too: its target was 0 and it has had no bar."""
    bars, days = flat(2, 9)
    bars = bars.filter(~((pl.col("symbol") == "S1") & (pl.col("session") == days[2])))
    wanted = targets(bars, days, {"steady": {(0, "S0"): 0.4, (0, "S1"): 0.4, (1, "S0"): 0.4}}, capital={"steady": 1.0}, kept=3)
    assert wanted["session"].unique().sort().to_list() == days[:5]
    assert wanted.filter(pl.col("session") > days[1])[COLUMN].to_list() == ["none"] * 3
    result = traded(wanted, bars, days)
    assert set(result.trades["session"]) <= set(days[1:3])
    assert result.positions.filter(session=days[-1])["symbol"].to_list() == ["S0", "S1"]


def test_a_limit_cuts_what_is_held_and_never_adds_to_it() -> None:
    days = weekdays(6)
    rising = [10.0, 10.0, 10.0, 14.0, 9.0, 9.0]
    bars = bars_of([(symbol, day, price, price) for day, price in zip(days, rising, strict=True) for symbol in ("S0",)])
    limits = NamedRule(name="limits", rule=Limits(LimitsSettings(max_weight=0.45)))
    wanted = targets(bars, days, {"steady": {(0, "S0"): 0.4}}, limits, capital={"steady": 1.0})
    assert wanted[COLUMN].to_list() == ["any", "none", "none", "smaller", "none", "none"]
    assert wanted["target_weight"].round(4).to_list() == [0.4, 0.4, 0.4, 0.45, 0.375, 0.375]
    assert "limits: max_weight" in wanted["reasons"].to_list()[3][1]
    trades = traded(wanted, bars, days).trades
    assert trades.select("session", "side").rows() == [(days[1], "buy"), (days[4], "sell")]


def test_the_brake_makes_smaller_what_is_held_and_buys_nothing_back() -> None:
    days = weekdays(8)
    prices = [10.0, 10.0, 10.0, 8.0, 8.0, 10.0, 10.0, 10.0]
    bars = bars_of([("S0", day, price, price) for day, price in zip(days, prices, strict=True)])
    wanted = targets(bars, days, {"steady": {(0, "S0"): 0.8}}, capital={"steady": 1.0})
    trades = traded(wanted, bars, days, brake=BrakeSettings(brake_from=0.05, max_drawdown=0.3)).trades
    assert trades.select("session", "side").rows()[:2] == [(days[1], "buy"), (days[4], "sell")]
    assert set(trades["side"][1:]) == {"sell"}


def test_no_turnover_is_wanted_of_what_stays() -> None:
    days = weekdays(3)
    wanted = pl.DataFrame({"session": [days[0], days[1]], "symbol": ["A", "A"], "target_weight": [0.2, 0.2], COLUMN: ["smaller", "none"]})
    positions = pl.DataFrame({"session": [days[0], days[1], days[1]], "symbol": ["A", "A", "B"], "weight": [0.3, 0.3, 0.1]})
    made = wanted_and_held(wanted, positions, PortfolioSettings())
    assert made["wanted_turnover"].round(9).to_list() == [0.15, 0.0]


GAPS = st.lists(st.sampled_from(range(20)), max_size=14, unique=True)


@settings(max_examples=rounds(3, 300))
@given(st.integers(0, 10_000), st.fixed_dictionaries({"steady": GAPS, "other": GAPS}), st.integers(1, 3))
def test_each_session_is_a_function_of_its_own_window(seed: int, gaps: dict[str, list[int]], period: int) -> None:
    """Splits, payments and changes of name; windows of six sessions, so that gaps outlast them."""
    random = np.random.default_rng(seed)
    bars, base, days = random_market(seed, 20, 4, shorts=True)
    plain = plain_actions(seed, bars)
    day = days[int(random.integers(1, 20))]
    renamed = [
        frame.with_columns(symbol=pl.when((pl.col("session") >= day) & (pl.col("symbol") == "S0")).then(pl.lit("N0")).otherwise("symbol"))
        for frame in (bars, base)
    ]
    actions = pl.concat([name_change_actions((day, "S0", "N0")), plain.filter(pl.col("symbol") != "S0")])
    signals = {
        name: renamed[1].filter(~pl.col("session").is_in([days[i] for i in of]), pl.Series(random.random(base.height) < 0.9))
        for name, of in gaps.items()
    }

    def made(window: Sequence[date], wanted: Sequence[date]) -> pl.DataFrame:
        inside = pl.col("session").is_between(window[0], window[-1])
        frames = {"bars": renamed[0].filter(inside), "corporate_actions": actions.filter(inside)}
        own = {name: rows.filter(inside) for name, rows in signals.items()}
        how: dict[str, Any] = {"holding_sessions": period, "longest": period, "frames": frames, "days": window, "sessions": wanted}
        return HeldTargets.validate(targets_of(own, CAPITAL, kept=6, **how))

    whole = made(days, days)
    assert whole.equals(made(days, days))
    back = 6 + period - 1
    for i, one in enumerate(days):
        assert made(days[max(0, i - back) : i + 1], [one]).equals(whole.filter(session=one)), one


def test_a_bar_before_the_window_of_a_session_moves_no_book_of_it() -> None:
    """The last book is a mean over a gap, which a halted symbol begins: its last close lies before the window, where one session alone reads none."""
    days = weekdays(7)
    prices = [10.0, 10.0, 20.0, 20.0, 20.0, 20.0, 20.0]
    bars = bars_of([("S0", day, price, price) for i, (day, price) in enumerate(zip(days, prices, strict=True)) if i != 1])
    books = {"steady": {(1, "S0"): 0.5, (3, "S0"): 0.5}}
    whole = targets(bars, days, books, capital={"steady": 1.0}, period=3, kept=3)
    alone: dict[str, Any] = {"days": days[1:], "sessions": days[6:]}
    signals = {"steady": frame(days, books["steady"])}
    frames = {"bars": bars.filter(pl.col("session") >= days[1]), "corporate_actions": NONE}
    made = targets_of(signals, {"steady": 1.0}, kept=3, holding_sessions=3, longest=3, frames=frames, **alone)
    assert made.height == 1
    assert made.equals(whole.filter(session=days[6]))


def test_what_a_limit_on_another_makes_larger_stays() -> None:
    """What a cap cuts off goes to the other weights of its side: no reason to sell of them what the account has more than the book."""
    days = weekdays(4)
    bars = bars_of(
        [
            (f"S{j}", day, price, price)
            for j in range(3)
            for day, price in zip(days, [10.0, 10.0, 12.0 if j == 0 else 10.0, 12.0], strict=True)
        ]
    )
    limits = NamedRule(name="limits", rule=Limits(LimitsSettings(max_weight=0.3)))
    wanted = targets(bars, days, {"steady": {(0, "S0"): 0.3, (0, "S1"): 0.2, (0, "S2"): 0.1}}, limits, capital={"steady": 1.0})
    at = wanted.filter(session=days[2])
    assert at[COLUMN].to_list() == ["smaller", "none", "none"]
    assert (at["target_weight"] > at["proposed_weight"]).to_list() == [False, True, True]


def test_a_brake_that_leaves_nothing_closes_what_no_target_names() -> None:
    days = weekdays(6)
    bars = bars_of([("S1", day, price, price) for day, price in zip(days, [10.0, 10.0, 10.0, 5.0, 5.0, 5.0], strict=True)])
    rows = [(days[0], "S1", 0.5, "any"), *((day, "S0", 0.0, "none") for day in days[1:4])]
    wanted = pl.DataFrame(rows, schema=["session", "symbol", "target_weight", COLUMN], orient="row")
    braked = {exposure: BrakeSettings(brake_from=0.05, max_drawdown=0.1, floor=exposure) for exposure in (0.0, 0.5)}
    trades = {exposure: traded(wanted, bars, days, brake=brake).trades for exposure, brake in braked.items()}
    assert trades[0.0].select("session", "side").rows() == [(days[1], "buy"), (days[4], "sell")]
    assert trades[0.5].select("session", "side").rows() == [(days[1], "buy")]
