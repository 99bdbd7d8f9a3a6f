"""Books of strategies over random histories: shares and cents add up, by a ledger that goes through the rows with integers and fractions of its own."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.backtests import run_backtest
from ats_assets.books.account_books import account_books
from ats_assets.books.account_history import history_of_backtest
from ats_assets.books.contracts import CONTRACTS
from ats_assets_tests.backtests.small_markets import random_market
from ats_assets_tests.books.books_market import CAPITAL, COSTS, MONEY, cents, keep_the_books, random_books
from ats_assets_tests.rounds import rounds


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
    keep_the_books(books, result, inputs)


@settings(max_examples=rounds(5, 60), deadline=None)
@given(st.integers(0, 10**6))
def test_bars_of_what_nobody_wants_or_has_change_nothing(seed: int) -> None:
    """So books read those of the rest alone."""
    result, inputs, days = random_books(seed, 20, 4, CAPITAL)
    others = random_market(seed + 1, 20, 3, shorts=True)[0].with_columns(symbol="A" + pl.col("symbol"))
    assert set(others["session"]) <= set(days)
    few = account_books(history_of_backtest(result), inputs, days)
    many = account_books(history_of_backtest(result), replace(inputs, bars=pl.concat([others, inputs.bars])), days)
    assert few.fills.height > 0
    assert all(a.equals(b) for a, b in zip(vars(few).values(), vars(many).values(), strict=True))


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
