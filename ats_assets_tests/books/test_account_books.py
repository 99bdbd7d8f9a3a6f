"""Books of strategies over random histories: shares and cents add up, by a ledger that goes through the rows with integers and fractions of its own."""

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.backtests import run_backtest
from ats_assets.books.account_books import account_books
from ats_assets.books.account_history import history_of_backtest
from ats_assets.books.contracts import CONTRACTS
from ats_assets_tests.books.books_market import CAPITAL, cents, random_books
from ats_assets_tests.rounds import rounds

MONEY = ("cash", "positions_value", "equity", "pnl", "income")
COSTS = ("commission", "spread_cost", "slippage_cost", "borrow_cost", "interest")


@settings(max_examples=rounds(25, 300), deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 24), st.integers(1, 6), st.booleans(), st.sampled_from([CAPITAL, {"up": 0.7, "down": 0.6}]))
def test_books_sum_to_the_account_share_for_share_and_cent_for_cent(
    seed: int, n_sessions: int, n_symbols: int, shorts: bool, capital: dict[str, float]
) -> None:
    result, inputs, days = random_books(seed, n_sessions, n_symbols, capital, shorts=shorts)
    books = account_books(history_of_backtest(result), inputs, days)
    for name, contract in CONTRACTS.items():
        if name != "attribution":
            contract.validate(getattr(books, name))
    together = books.equity.group_by("session", maintain_order=True).agg(pl.col(*MONEY, *COSTS, "other").sum())
    assert together["session"].to_list() == result.equity["session"].to_list()
    for name in (*MONEY, *COSTS[:3]):
        assert list(map(cents, together[name])) == list(map(cents, result.equity[name])), name
    financing = (together["borrow_cost"] + together["interest"]).to_list()
    assert list(map(cents, financing)) == list(map(cents, result.equity["financing_cost"]))
    assert not any(map(cents, together["other"])), "every cent of a backtest belongs to a trade, an action or a loan"
    held = books.positions.group_by("session", "symbol", "instrument").agg(pl.col("shares").sum().round(9), pl.col("value").sum().round(2))
    account = result.positions.select("session", "symbol", "instrument", "shares", "value").sort("session", "symbol", "instrument")
    assert held.filter(pl.col("shares") != 0).sort("session", "symbol", "instrument").equals(account)
    assert not held.filter((pl.col("shares") == 0) & (pl.col("value") != 0)).height
    _fills_sum_to_trades(books.fills, result.trades)
    _replayed(books, inputs.settings.initial_cash, capital)


def _fills_sum_to_trades(fills: pl.DataFrame, trades: pl.DataFrame) -> None:
    keys = ["session", "instrument"]
    sign = pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)
    traded = trades.group_by(keys).agg((pl.col("shares") * sign).sum().round(9), pl.col(*COSTS[:3], "cash_flow").sum().round(2)).sort(keys)
    split = fills.group_by(keys).agg(pl.col("shares").sum().round(9), pl.col(*COSTS[:3], "cash_flow").sum().round(2)).sort(keys)
    alone = split.join(traded, on=keys, how="anti")
    assert not alone.select("shares", *COSTS[:3], "cash_flow").to_numpy().any(), "what strategies trade with each other sums to nothing"
    assert split.join(traded, on=keys, how="semi").equals(traded)


def _replayed(books: object, initial: float, capital: dict[str, float]) -> None:
    """Each strategy's cash and shares from its own fills, income and costs: integers, and no code of the package."""
    rows = {name: getattr(books, name) for name in ("equity", "positions", "fills", "profit")}
    cash: dict[str, int] = {}
    value: dict[str, int] = defaultdict(int)
    flows: dict[tuple[object, str], int] = defaultdict(int)
    for session, strategy, flow in rows["fills"].select("session", "strategy", "cash_flow").iter_rows():
        flows[session, strategy] += cents(flow)
    for row in rows["profit"].iter_rows(named=True):
        moved = cents(row["income"]) - cents(row["borrow_cost"]) - cents(row["interest"]) + cents(row["other"])
        flows[row["session"], row["strategy"]] += moved
    marked: dict[tuple[object, str], int] = defaultdict(int)
    for session, strategy, worth in rows["positions"].select("session", "strategy", "value").iter_rows():
        marked[session, strategy] += cents(worth)
    for row in rows["equity"].iter_rows(named=True):
        session, name = row["session"], row["strategy"]
        if name not in cash:
            cash[name] = cents(row["cash"])
            part = Fraction(str(capital[name])) if name in capital else 1 - sum(Fraction(str(one)) for one in capital.values())
            assert abs(cash[name] - part * cents(initial)) < 1
        else:
            before = cash[name] + value[name]
            cash[name] += flows[session, name]
            costs = sum(cents(row[one]) for one in COSTS)
            assert cents(row["equity"]) - before == cents(row["pnl"]) - costs + cents(row["other"])
        value[name] = marked[session, name]
        assert (cents(row["cash"]), cents(row["positions_value"])) == (cash[name], value[name])
    if rows["equity"].height:
        assert sum(one for one in map(cents, rows["equity"].filter(session=rows["equity"]["session"][0])["cash"])) == cents(initial)


@settings(max_examples=rounds(8, 60), deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_one_strategy_alone_gets_all(seed: int, shorts: bool) -> None:
    result, inputs, days = random_books(seed, 20, 4, {"only": 1.0}, shorts=shorts)
    books = account_books(history_of_backtest(result), inputs, days)
    own = books.equity.select("session", *MONEY, *COSTS[:3])
    assert own.equals(result.equity.select("session", *MONEY, *COSTS[:3]))
    assert set(books.fills["how"]) <= {"market", "delisted"}
    names = ["session", "symbol", "shares", "value"]
    assert books.positions.select(names).sort(names).equals(result.positions.select(names).sort(names))


@settings(max_examples=rounds(5, 60), deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_an_engine_without_lots_leaves_but_the_cents_that_it_rounds(seed: int, shorts: bool) -> None:
    """The engine `weights` keeps fractions, of shorts too, so that no action pays for any."""
    _, inputs, days = random_books(seed, 20, 4, CAPITAL, shorts=shorts)
    own = replace(
        inputs,
        targets=inputs.targets.with_columns(pl.col("target_weight") * 0.5),
        settings=inputs.settings.model_copy(update={"engine": "weights"}),
    )
    how = {"portfolio": own.portfolio, "settings": own.settings, "actions": own.actions, "instruments": own.known}
    result = run_backtest(own.targets, own.bars, days, **how)
    books = account_books(history_of_backtest(result), own, days)
    together = books.equity.group_by("session", maintain_order=True).agg(pl.col("equity", "other").sum())
    assert list(map(cents, together["equity"])) == list(map(cents, result.equity["equity"]))
    assert max(map(abs, map(cents, together["other"])), default=0) <= 10


@pytest.mark.parametrize("seed", [3, 9])
def test_the_same_history_gives_the_same_books_to_the_bit(seed: int) -> None:
    result, inputs, days = random_books(seed, 20, 5, CAPITAL)
    one, other = (account_books(history_of_backtest(result), inputs, days) for _ in range(2))
    assert all(getattr(one, name).equals(getattr(other, name)) for name in ("equity", "positions", "fills", "profit"))
