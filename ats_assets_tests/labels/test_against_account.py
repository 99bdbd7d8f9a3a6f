"""The label of a decision, the return of adjusted prices and the account of one share say the same of any history, and the backtest holds that account.

Histories have missing bars, bars without volume, splits, reverse splits, payments and changes of name, on sessions with a bar and without one, several in a row among them.
The account is kept in fractions, of a share whatever it is called. A label puts payments back into the share, at the close before them less the payment (`bars/adjustment.py`); the backtest keeps them as cash. That
is the one difference between them, so the account is kept both ways.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate, pairwise

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ats_assets.backtests import BacktestResult, run_backtest
from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.corporate_actions.screening import screen_actions
from ats_assets.labels.methods.forward_returns import forward_returns
from ats_assets.settings import BacktestSettings, LabelsSettings, PortfolioSettings
from ats_assets.sources import RAW_ACTIONS_SCHEMA
from ats_assets_tests.backtests.small_markets import actions_of, signals_of
from ats_assets_tests.bars.companies import name_change_actions
from ats_assets_tests.rounds import rounds

MONDAY = date(2024, 1, 1)
ALL_IN = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0)
FREE = BacktestSettings(
    initial_cash=1_000_000, commission_bps=0, spread_bps=0, slippage_bps=0, fractional_shares=True, max_missing_sessions=100
)


@dataclass(frozen=True)
class Day:
    """A session of one symbol: a bar, a bar without volume, or none; and its actions, of an old share. Money in cents."""

    open: int | None
    close: int | None
    traded: bool = True
    ratio: tuple[int, int] = (1, 1)
    paid: int = 0
    renamed: bool = False
    """Whether the share has a new ticker from its open on."""

    @property
    def tradable(self) -> bool:
        return self.open is not None and self.traded


@st.composite
def histories(draw: st.DrawFn) -> list[Day]:
    """From the decision on. A payment of what the share was worth or more is none, whatever the share was worth before a split on a session without a bar."""
    known, days = Fraction(0), []
    for i in range(draw(st.integers(3, 9))):
        ratio = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 1), (3, 2), (1, 10), (1, 3), (21, 20)]))
        paid = draw(st.sampled_from([0, 0, 0, 1, 7, 250, 4_000])) if known > 300 and i > 1 else 0
        known = (known - counted(known, paid)) / Fraction(*ratio)
        price, kind = st.integers(400, 20_000), draw(st.sampled_from(["bar", "bar", "bar", "none", "no volume"]))
        day = Day(draw(price), draw(price), kind != "no volume") if kind != "none" else Day(None, None)
        known = Fraction(day.close) if day.close else known
        days.append(Day(day.open, day.close, day.traded, ratio, paid, i > 0 and draw(st.sampled_from([False, False, False, True]))))
    return days


def counted(worth: Fraction, paid: int) -> int:
    """The payment, as far as it can be one."""
    return paid if paid < worth else 0


def account_of_a_share(days: list[Day], *, reinvested: bool) -> Fraction:
    """What one share, bought at the open of the second session, is worth at the open of the last one, or as marked before it where it can't be sold; in cents."""
    shares, cash, last = Fraction(1), Fraction(0), Fraction(days[1].close or 0)
    for day in days[2:]:
        paid = counted(last, day.paid)
        after = (last - paid) / Fraction(*day.ratio)
        cash += 0 if reinvested else shares * paid
        shares = shares * last / after if reinvested else shares * Fraction(*day.ratio)
        if day is days[-1]:
            return shares * (day.open if day.open and day.tradable else after) + cash
        last = Fraction(day.close) if day.close else after
    raise AssertionError("no session after the entry")


def tickers(days: list[Day]) -> list[str]:
    """What the share is called at each session."""
    return [f"A{number}" for number in accumulate(int(day.renamed) for day in days)]


def frames(days: list[Day]) -> tuple[pl.DataFrame, pl.DataFrame, list[date]]:
    """Bars, actions and sessions."""
    sessions, called = [MONDAY + timedelta(days=i) for i in range(len(days))], tickers(days)
    each = list(zip(called, sessions, days, strict=True))
    bars = [(name, on, d.open / 100, d.close / 100, 1e6 if d.traded else 0.0) for name, on, d in each if d.open and d.close]
    actions: list[tuple[str, date, str, float | None, float | None]] = []
    for name, session, d in each:
        actions += [(name, session, "split", d.ratio[0] / d.ratio[1], None)] * (d.ratio != (1, 1))
        actions += [(name, session, "cash_dividend", None, d.paid / 100)] * (d.paid > 0)
    changes = [(on, before, name) for (before, _, _), (name, on, d) in pairwise(each) if d.renamed]
    schema = {"symbol": pl.String, "session": pl.Date, "open": pl.Float64, "close": pl.Float64, "volume": pl.Float64}
    told = pl.concat([actions_of(actions), name_change_actions(*changes)], how="diagonal_relaxed")
    return pl.DataFrame(bars, schema=schema, orient="row"), told, sessions


def labelled(bars: pl.DataFrame, actions: pl.DataFrame, sessions: list[date], horizon: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The labels and the factors of the actions, as the graph makes them."""
    known = identities_of(actions)
    named = known.named(bars)
    factors = adjustments(known.of_actions(actions), named, "splits_and_dividends")
    return forward_returns(named, sessions, sessions, LabelsSettings(horizons_sessions=(horizon,)), factors), factors


def held(bars: pl.DataFrame, actions: pl.DataFrame, sessions: list[date], called: list[str]) -> BacktestResult:
    """All bought for the second session's open, to be sold at the last one's, whose bar ends there."""
    signals = signals_of([(called[0], sessions[0], 1.0), (called[-2], sessions[-2], 0.0)])
    last = pl.when(session=sessions[-1]).then(pl.col("open")).otherwise(pl.col("close"))
    return run_backtest(signals, bars.with_columns(close=last), sessions, portfolio=ALL_IN, settings=FREE, actions=actions)


BAR = Day(10_000, 10_000)
HALT_WITH_A_SPLIT_AND_A_PAYMENT = [
    BAR,
    BAR,
    Day(None, None, ratio=(2, 1)),
    Day(None, None, paid=1_000),
    Day(4_000, 4_000),
]
"""100 becomes two shares of 50, which pay 10 each and are worth 40 each: nothing is gained. A payment held against the close of 100 made it 11.1% less."""


PAYMENT_IN_OLD_SHARES = [BAR, BAR, Day(None, None, ratio=(25, 1)), Day(None, None, paid=500), Day(400, 400)]
"""A payment of 5 on a price of 4, after a split of 25 to 1 that has no bar: it was held against the close of 100, and paid to accounts while labels left it out."""
PAYMENT_IN_NEW_SHARES = [Day(400, 400), Day(400, 400), Day(None, None, ratio=(1, 25)), Day(None, None, paid=500), Day(9_500, 9_500)]
"""A payment of 5 on a price of 100, after a reverse split: held against the close of 4, it was rejected."""


@given(histories())
@example(HALT_WITH_A_SPLIT_AND_A_PAYMENT)
@example(PAYMENT_IN_OLD_SHARES)
@example(PAYMENT_IN_NEW_SHARES)
@example([BAR, BAR, Day(None, None, renamed=True), Day(None, None, ratio=(2, 1), paid=100, renamed=True), Day(4_900, 4_900)])
@example([BAR, Day(10_000, 10_000, traded=False), Day(12_000, 12_000), Day(12_000, 12_000)])
@example([BAR, BAR, Day(12_000, 12_000, traded=False)])
@settings(max_examples=rounds(40, 150), deadline=None)
def test_label_adjusted_return_and_account_agree_on_every_history(days: list[Day]) -> None:
    bars, actions, sessions = frames(days)
    labels, factors = labelled(bars, actions, sessions, len(days) - 2)
    result = held(bars, actions, sessions, tickers(days))
    bought = result.trades.filter(session=sessions[1], side="buy")
    if not (days[0].tradable and days[1].tradable):
        assert labels.is_empty()
        assert bought.is_empty()
        return
    (label,), (how,) = labels["forward_return"], labels["exit"]
    entry = days[1].open or 0
    assert float(account_of_a_share(days, reinvested=True) / entry) - 1 == pytest.approx(label, rel=1e-12, abs=1e-12)
    assert how == ("open" if days[-1].tradable else "last_close")
    if days[-1].tradable:
        scale = factors.filter(pl.col("session") > sessions[1])["price"].product()
        assert (days[-1].open or 0) / (entry * scale) - 1 == pytest.approx(label, rel=1e-12, abs=1e-12)
    if days[1].ratio != (1, 1):
        assert bought.is_empty()  # decided in old shares
        return
    (shares,) = bought["shares"]
    gain = float(account_of_a_share(days, reinvested=False) - entry) / 100 * shares
    equity = result.equity["equity"].to_list()
    assert equity[-1 if days[-1].tradable else -2] - 1_000_000 == pytest.approx(gain, abs=0.06, rel=1e-9)
    if days[-1].tradable and days[-1].ratio == (1, 1):
        assert result.equity["positions_value"].to_list()[-1] == 0


def test_a_split_and_a_payment_in_one_gap_of_bars_gain_nothing() -> None:
    bars, actions, sessions = frames(HALT_WITH_A_SPLIT_AND_A_PAYMENT)
    labels, factors = labelled(bars, actions, sessions, 3)
    assert factors["price"].to_list() == [0.5, 0.8]
    assert labels["forward_return"].to_list() == [0.0]
    assert held(bars, actions, sessions, tickers(HALT_WITH_A_SPLIT_AND_A_PAYMENT)).equity["equity"].to_list() == [1_000_000.0] * 5


@pytest.mark.parametrize(("days", "price", "counts"), [(PAYMENT_IN_OLD_SHARES, 0.04, False), (PAYMENT_IN_NEW_SHARES, 25.0, True)])
def test_a_payment_after_a_split_without_a_bar_is_held_against_a_price_in_the_same_shares(
    days: list[Day], price: float, *, counts: bool
) -> None:
    """It was held against the last close, from before the split: 5 on 4 was accepted, 5 on 100 rejected."""
    bars, actions, sessions = frames(days)
    calendar = session_calendar("24/7", MONDAY - timedelta(days=9))
    raw = actions.filter(session=sessions[3]).with_columns(date="session")
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in RAW_ACTIONS_SCHEMA.items() if name not in raw.columns]
    kept, rejected = screen_actions(raw.with_columns(missing).select(RAW_ACTIONS_SCHEMA.names()).cast(RAW_ACTIONS_SCHEMA), bars, calendar)  # pyright: ignore[reportArgumentType]
    assert (kept["cash"].to_list(), rejected.height) == ([5.0], 0)
    _, factors = labelled(bars, actions, sessions, 3)
    assert factors["price"].to_list() == pytest.approx([price, 0.95] if counts else [price])
    income = held(bars, actions, sessions, tickers(days)).equity["income"].to_list()
    assert (income[3] > 0) is counts
