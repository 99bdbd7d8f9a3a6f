"""A position is in an instrument: a change of name moves nothing, trades nothing and is no delisting."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.backtests import BacktestPositions, BacktestResult, Trades, Unfilled, run_backtest
from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.settings import BacktestSettings, OrderLimitSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import bars_of, random_actions, random_market, signals_of, weekdays
from ats_assets_tests.bars.companies import ACTIONS_SCHEMA, name_change_actions
from ats_assets_tests.rounds import rounds

FREE = BacktestSettings(initial_cash=100_000, commission_bps=0, spread_bps=0, slippage_bps=0, delisting_haircut=0.2, max_missing_sessions=3)
ALL_IN = PortfolioSettings(max_weight=1, max_turnover=4)


def run(bars: pl.DataFrame, signals: pl.DataFrame, days: list[date], actions: pl.DataFrame, how: BacktestSettings = FREE) -> BacktestResult:
    limits = OrderLimitSettings(max_order_share=1, max_position_share=1)
    return run_backtest(
        signals, bars, days, portfolio=ALL_IN, settings=how, limits=limits, actions=actions, instruments=identities_of(actions, "x")
    )


def test_fb_becomes_meta_and_is_no_delisting_at_a_haircut() -> None:
    """500 FB at 200, META at 220 at the end: 110,000, and not 80,000."""
    days = session_calendar("XNYS", date(2010, 1, 1)).sessions(date(2022, 6, 3), date(2022, 7, 1))
    change = date(2022, 6, 9)
    after = [day for day in days if day >= change]
    prices = [200.0 + 20.0 * i / (len(after) - 1) for i in range(len(after))]
    bars = bars_of(
        [("FB", day, 200.0, 200.0) for day in days if day < change] + [("META", d, p, p) for d, p in zip(after, prices, strict=True)]
    )
    result = run(bars, signals_of([("FB", days[0], 1.0)]), days, name_change_actions((change, "FB", "META")))
    assert result.equity["equity"][-1] == 110_000.0
    assert result.trades.select("symbol", "instrument", "shares", "reason").rows() == [("FB", "x:FB", 500.0, "rebalance")]
    held = result.positions.group_by("symbol", maintain_order=True).agg(pl.col("instrument").unique(), pl.col("session").min()).rows()
    assert held == [("FB", ["x:FB"], days[1]), ("META", ["x:FB"], change)]


def test_a_dividend_and_a_split_on_the_day_of_the_change_are_the_holders() -> None:
    days = weekdays(6)
    bars = bars_of([("FB", day, 200.0, 200.0) for day in days[:3]] + [("META", day, 99.0, 99.0) for day in days[3:]])
    events = [(days[3], "META", "split", None, 2.0, None, None), (days[3], "FB", "cash_dividend", None, None, 2.0, None)]
    actions = pl.concat([name_change_actions((days[3], "FB", "META")), pl.DataFrame(events, schema=ACTIONS_SCHEMA, orient="row")])
    result = run(bars, signals_of([("FB", days[0], 1.0)]), days, actions)
    assert result.equity["income"].to_list() == [0, 0, 0, 1000.0, 0, 0]
    assert result.equity["equity"][-1] == 100_000.0


def test_a_reused_ticker_is_another_position() -> None:
    """The ETF META is held, becomes METV, and the former FB takes the ticker: a signal for META then buys the company, and the ETF leaves as METV."""
    days = weekdays(8)
    rows = [("META", day, 10.0, 10.0) for day in days[:2]] + [("METV", day, 11.0, 11.0) for day in days[2:]]
    rows += [("FB", day, 200.0, 200.0) for day in days[:4]] + [("META", day, 200.0, 200.0) for day in days[4:]]
    actions = name_change_actions((days[2], "META", "METV"), (days[4], "FB", "META"))
    result = run(bars_of(rows), signals_of([("META", days[0], 1.0), ("META", days[5], 1.0)]), days, actions)
    assert result.trades.select("session", "symbol", "instrument", "side", "shares").rows() == [
        (days[1], "META", "x:META", "buy", 10_000.0),
        (days[6], "METV", "x:META", "sell", 10_000.0),
        (days[6], "META", "x:FB", "buy", 550.0),
    ]


def test_who_loses_the_ticker_without_a_new_one_is_closed_there() -> None:
    days = weekdays(6)
    bars = bars_of(
        [("B", day, 50.0, 50.0) for day in days[:3]]
        + [("A", day, 10.0, 10.0) for day in days[:3]]
        + [("B", day, 10.0, 10.0) for day in days[3:]]
    )
    result = run(bars, signals_of([("B", days[0], 1.0)]), days, name_change_actions((days[3], "A", "B")))
    assert result.trades.select("session", "instrument", "reason").rows()[-1] == (days[3], "x:B", "delisted")
    assert result.equity["equity"][-1] == 80_000.0


@settings(max_examples=rounds(8, 25))
@given(
    st.integers(0, 10_000),
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 24), st.integers(0, 3)), unique_by=(lambda x: x[0], lambda x: x[1])),
)
def test_random_accounts_are_the_same_to_the_cent_with_and_without_renames(seed: int, shorts: bool, drawn: list[tuple[int, int]]) -> None:
    """Whatever is halted, split, paid or short: all frames are equal but for the ticker."""
    bars, signals, days = random_market(seed, 25, 4, shorts=shorts)
    events = (
        random_actions(seed, bars)
        .with_columns(new_symbol=pl.lit(None, pl.String), new_ratio=pl.lit(None, pl.Float64))
        .select(*ACTIONS_SCHEMA)
    )
    changes = [(days[i], f"S{j}", f"A{j}") for i, j in drawn]

    def renamed(rows: pl.DataFrame, lag: int = 0) -> pl.DataFrame:
        for i, j in drawn:
            late = pl.col("session") >= (days[i + lag] if i + lag < len(days) else date.max)
            rows = rows.with_columns(
                pl.when(late & (pl.col("symbol") == f"S{j}")).then(pl.lit(f"A{j}")).otherwise("symbol").alias("symbol")
            )
        return rows

    how = BacktestSettings(
        initial_cash=100_000, min_commission=1.0, fractional_shares=seed % 2 == 0, delisting_haircut=0.1, max_missing_sessions=2
    )
    plain = run(bars, signals, days, events, how)
    other = run(renamed(bars), renamed(signals), days, pl.concat([name_change_actions(*changes), renamed(events, 1)]), how)
    assert other.equity.equals(plain.equity)
    for table, contract, keys in (
        ("positions", BacktestPositions, ["session", "symbol"]),
        ("trades", Trades, ["session", "sequence"]),
        ("unfilled", Unfilled, ["session", "symbol", "reason"]),
    ):
        mine, theirs = getattr(other, table), renamed(getattr(plain, table)).sort(keys)
        assert contract.validate(mine).sort(keys).equals(theirs), table


def test_the_benchmark_is_who_has_the_ticker_in_the_end() -> None:
    """QQQQ became QQQ, a ticker that another had, and lost, before."""
    days = weekdays(5)
    rows = [("QQQQ", day, 10.0, 10.0) for day in days[:2]] + [("QQQ", day, 12.0, 12.0) for day in days[2:]]
    bars = bars_of([*rows, ("QQQ", days[0], 99.0, 99.0), *(("A", day, 1.0, 1.0) for day in days)])
    how = FREE.model_copy(update={"benchmark": "QQQ"})
    result = run(bars, signals_of([("A", days[0], 1.0)]), days, name_change_actions((days[2], "QQQQ", "QQQ")), how)
    assert result.equity["benchmark"].to_list() == pytest.approx([100_000, 100_000, 120_000, 120_000, 120_000])
