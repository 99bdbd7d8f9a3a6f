"""The account at a broker is split as the backtest's is: the same function, on fills in parts and positions as the broker tells them."""

from datetime import UTC, datetime, time, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.backtests import BacktestResult
from ats_assets.books.account_books import account_books
from ats_assets.books.account_history import history_of_backtest, history_of_records
from ats_assets.books.contracts import CONTRACTS
from ats_assets_tests.books.books_market import CAPITAL, cents, random_books
from ats_assets_tests.rounds import rounds


def records(result: BacktestResult, broker: str) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Fills (each trade in two parts), positions and account of a backtest, as a broker would tell them."""
    rows = []
    for n, row in enumerate(result.trades.iter_rows(named=True)):
        paid = [cents(row[name]) for name in ("commission", "spread_cost", "slippage_cost")]
        notional, fees, sign = cents(row["notional"]), sum(paid), -1 if row["side"] == "buy" else 1
        first = row["shares"] // 2
        half = round(notional * first / row["shares"])
        parts = (
            [(first, half, fees // 2), (row["shares"] - first, notional - half, fees - fees // 2)]
            if first
            else [(row["shares"], notional, fees)]
        )
        for part, (shares, own, fee) in enumerate(parts):
            at = datetime.combine(row["session"], time(14, 30), UTC) + timedelta(seconds=2 * n + part)
            named = (row["session"], f"{n}-{part}", row["symbol"], row["instrument"], row["side"])
            rows.append((*named, shares, fee / 100, (sign * own - fee) / 100, at))
    schema = {"session": pl.Date, **dict.fromkeys(("fill_id", "symbol", "instrument", "side"), pl.String)}
    schema |= dict.fromkeys(("quantity", "fees", "cash_flow"), pl.Float64) | {"at": pl.Datetime("us", "UTC")}
    positions = result.positions.rename({"shares": "quantity"}).select("session", "symbol", "instrument", "quantity", "value")
    account = result.equity.select("session", "cash", "equity", broker=pl.lit(broker))
    return pl.DataFrame(rows, schema=schema, orient="row"), positions, account


@settings(max_examples=rounds(10, 100), deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_the_same_account_told_by_a_broker_has_the_same_books(seed: int, shorts: bool) -> None:
    """But for costs, which a broker tells as fees in one; what is delisted is sold like anything else."""
    result, inputs, days = random_books(seed, 20, 4, CAPITAL, shorts=shorts)
    own = account_books(history_of_backtest(result), inputs, days)
    told = account_books(history_of_records(*records(result, "paper")), inputs, days)
    assert told.equity.select("session", "strategy").equals(own.equity.select("session", "strategy"))
    together = told.equity.group_by("session", maintain_order=True).agg(pl.col("cash", "positions_value", "equity", "other").sum())
    for name in ("cash", "positions_value", "equity"):
        assert list(map(cents, together[name])) == list(map(cents, result.equity[name]))
    if result.trades.filter(reason="delisted").is_empty():
        assert not any(map(cents, together["other"])), "the paper broker lends by the rules of the settings"
        assert told.positions.select("session", "strategy", "instrument", "shares").equals(
            own.positions.select("session", "strategy", "instrument", "shares")
        )
        assert all(map(lambda a, b: abs(cents(a) - cents(b)) <= 2 * 20, told.equity["equity"], own.equity["equity"]))


def test_what_a_broker_charges_beside_its_fills_is_shared_by_capital() -> None:
    """Nobody recorded for whom it was: it is no profit of a trade."""
    result, inputs, days = random_books(7, 12, 3, {"up": 0.5, "down": 0.25}, shorts=False)
    fills, positions, account = records(result, "alpaca")
    late = pl.col("session") >= days[5]
    account = account.with_columns(pl.when(late).then(pl.col(name) - 10.0).otherwise(name).alias(name) for name in ("cash", "equity"))
    books = account_books(history_of_records(fills, positions, account), inputs, days)
    CONTRACTS["equity"].validate(books.equity)
    charged = books.equity.filter(pl.col("other") != 0)
    assert set(charged["session"]) == {days[5]}
    assert dict(charged.select("strategy", "other").iter_rows()) == {"up": -5.0, "down": -2.5, "unallocated": -2.5}
