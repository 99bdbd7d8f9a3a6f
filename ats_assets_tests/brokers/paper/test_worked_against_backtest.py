"""Orders that are worked in parts come to the same account on paper and in the backtest, to the cent, and both to what an independent ledger says."""

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA
from ats_assets.algorithms.choosing import chosen_algorithm
from ats_assets.algorithms.stored_days import StoredDays
from ats_assets.backtests import BacktestResult, run_backtest
from ats_assets.books.account_books import BookInputs, account_books
from ats_assets.books.account_history import history_of_backtest
from ats_assets.brokers.paper import PaperBroker
from ats_assets.brokers.paper.worked_parts import PaperWorking
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.execution.order import Fill
from ats_assets.execution.working import recorded_algorithm
from ats_assets.orders.broker_frames import account_frame, instruments_frame, positions_frame
from ats_assets.orders.order_plan import intents_of, order_plan
from ats_assets.orders.work_plans import WorkChooser
from ats_assets.portfolio.held_books import HeldBooks
from ats_assets.portfolio.held_parts import HeldSession, held_sessions
from ats_assets.portfolio.netting import netted
from ats_assets.portfolio.targets import targets_of
from ats_assets.portfolio.working_rules import WorkingRules
from ats_assets.settings import Settings
from ats_assets.trade_state import TradeState
from ats_assets_tests.backtests.small_markets import random_actions, random_impact, random_market
from ats_assets_tests.books.books_market import CAPITAL, keep_the_books
from ats_assets_tests.brokers.paper.test_against_backtest import Frames
from ats_assets_tests.rounds import FULL, rounds

SLICED = {"slice_minutes": 240}
ALGORITHMS: dict[str, dict[str, Any]] = {
    "at_close": {},
    "twap": SLICED,
    "vwap": {"slice_minutes": 300, "style": "passive"},
    "participation": {"rate": 0.2, "look_minutes": 60},
    "iceberg": {"shown_share": 0.3, "limit_bps": 100.0},
    "adaptive_limit": {"patience_minutes": 900},
    "implementation_shortfall": SLICED,
}
SEEDS = rounds(1, 25)
RESTING = {"at_close", "twap", "iceberg"}
"""Where one of the strategies has no signals after the second session, and holds what it has."""
NO_CHANGES = KNOWN_SCHEMAS["corporate_actions"].to_frame()


def minutes_of(seed: int, session: date, bars: pl.DataFrame, opens: Any) -> pl.DataFrame:
    """Forty minutes of the day that have traded, from the open to the close; one symbol in ten has none."""
    random, rows = np.random.default_rng([seed, session.toordinal()]), []
    for symbol, first, last, volume in bars.filter(pl.col("session") == session).select("symbol", "open", "close", "volume").iter_rows():
        at = np.sort(random.choice(1440, 40, replace=False))
        path = np.exp(np.linspace(np.log(first), np.log(last), 41) + np.r_[0.0, random.normal(0, 0.01, 39), 0.0])
        prices = np.maximum(np.round(path, 2), 0.01)
        if random.random() < 0.1:
            continue
        for k, minute in enumerate(at):
            low, high = sorted((prices[k], prices[k + 1]))
            start = opens + timedelta(minutes=int(minute))
            traded = float(random.integers(0, 400)) if volume else 0.0
            rows.append((symbol, start, prices[k], high, low, prices[k + 1], traded, start + timedelta(minutes=1)))
    names = ["symbol", *MINUTE_SCHEMA.names()[:6], "known_at"]
    return pl.DataFrame(rows, schema={name: pl.String if name == "symbol" else MINUTE_SCHEMA[name] for name in names}, orient="row")


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_worked_orders_on_paper_come_to_the_account_of_the_backtest_to_the_cent(algorithm: str, seed: int) -> None:
    """Random histories with all of it: strategies netted that often disagree, long and short, dividends, splits, halts, quiet days, borrowed shares, market impact, a least commission,
    cash that does not reach, orders filled in parts, small ones sent as brackets. The backtest and the paper broker agree to the cent, so do a ledger of the executions and the books of the strategies.
    """
    rng = np.random.default_rng([seed, len(algorithm)])
    shorts, unfilled = bool(rng.random() < 0.6), ["cross", "close", "end"][int(rng.integers(3))]
    limited = seed % 3 == 1
    small = {"algorithm": "at_open", "max_size": 3e-5, "kind": "market_on_open" if seed % 2 else "bracket"}
    selection = [] if seed % 3 else [small, {"algorithm": algorithm, "min_urgency": 0.2}]
    settings = Settings(
        orders={  # pyright: ignore[reportArgumentType]
            "algorithm": algorithm,
            "kind": "limit" if limited else "market_on_open",
            "collar_bps": float(rng.choice([20.0, 100.0])) if limited else 500.0,
            "take_profit_bps": 150.0,
            "stop_loss_bps": 100.0,
            "selection": selection,
            "unfilled": unfilled,
            "session_bars": "minutes",
            "urgency": float(rng.random()),
            "start_minutes": int(rng.integers(0, 200)),
            "limits": {"allow_short": shorts, "max_gross_share": 1.5},
        },
        algorithms={algorithm: ALGORITHMS[algorithm]},
        samplers={"minutes": {"kind": "time"}},
        backtest={  # pyright: ignore[reportArgumentType]
            "initial_cash": float(rng.choice([5_000.0, 100_000.0])),
            "commission_bps": float(rng.uniform(0, 20)),
            "spread_bps": float(rng.uniform(0, 30)),
            "slippage_bps": float(rng.uniform(0, 20)),
            "fractional_shares": bool(seed % 4 == 3),
            "max_missing_sessions": 2,
            "min_commission": float(rng.choice([0.0, 1.0, 7.0])),
            "margin": {"borrow_bps_a_year": float(rng.choice([0.0, 900.0])), "borrow_bps_by_symbol": {"S1": 20_000.0}},
        },
    )
    bars, base, days = random_market(seed + 100, 7 if FULL else 5, 4, shorts=shorts)
    wanted = opinions(rng, base, shorts=shorts)
    actions = random_actions(seed, bars)
    signals, parts = netted(wanted, CAPITAL).select("symbol", "session", target_weight="proposed_weight"), ()
    if algorithm in RESTING:
        signals, parts = held_after(days[1], wanted, bars, actions, days)
    days = [day for day in days if day >= signals["session"].min()]
    frames = Frames(bars, actions)
    stored = StoredDays(
        lambda session: minutes_of(seed, session, bars, frames.calendar.opens_at(session)),
        frames.calendar,
        settings.backtest.spread_bps / 1e4,
    )
    made = {name: chosen_algorithm(settings, name).made() for name in {algorithm}}
    working = WorkingRules(orders=settings.orders, days=stored, algorithms=made)
    impact = random_impact(seed, bars, "square_root", most=0.3) if seed % 2 or algorithm == "twap" else None
    how: dict[str, Any] = {
        "impact": impact,
        "portfolio": settings.portfolio,
        "settings": settings.backtest,
        "limits": settings.orders.limits,
    }
    expected = run_backtest(signals, frames.prices, days, actions=actions, working=working, **how)
    with tempfile.TemporaryDirectory() as folder, TradeState(f"sqlite:///{Path(folder) / 'state.sqlite'}") as state:
        paper = PaperWorking(days=stored, make=recorded_algorithm, volume_share=settings.orders.minute_volume_share)
        broker = PaperBroker(state, frames, settings.backtest, settings.orders, working=paper, impact=lambda _: impact)
        for day in days:
            assert broker.settle(day) is None
            compare(day, broker, expected)
            send(day, broker, signals, bars, settings)
        replay_executions(broker, days[0], settings.backtest.initial_cash)
        assert any("-0" in fill.client_order_id[-3:] for fill in broker.fills(broker._market.calendar.opens_at(days[0]))) or seed
        assert broker.open_orders() == [] or all(one.client_order_id.startswith(f"main-{days[-1]:%Y%m%d}") for one in broker.open_orders())

    def own(name: str) -> pl.DataFrame:
        active = netted(wanted, {other: share if other == name else 0.0 for other, share in CAPITAL.items()})
        held = [(symbol, one.day, weight) for one in parts for symbol, weight in one.parts[name].items()]
        rows = active.filter(~pl.col("session").is_in([one.day for one in parts])).select("symbol", "session", "proposed_weight")
        return pl.concat([rows, pl.DataFrame(held, schema=rows.schema, orient="row")])

    resting = {name: [one.day for one in parts if name in one.since] for name in CAPITAL}
    given = {"bars": bars, "actions": actions, "portfolio": settings.portfolio, "settings": settings.backtest}
    inputs = BookInputs(capital=CAPITAL, targets=signals, averaged=own, known=identities_of(NO_CHANGES), resting=resting, **given)
    keep_the_books(account_books(history_of_backtest(expected), inputs, days), expected, inputs)


def held_after(
    last: date, wanted: dict[str, pl.DataFrame], bars: pl.DataFrame, actions: pl.DataFrame, days: Sequence[date]
) -> tuple[pl.DataFrame, Sequence[HeldSession]]:
    """The targets where the first of the strategies has no signals after a session, and what each strategy has of them then."""
    name = next(iter(wanted))
    wanted[name] = wanted[name].filter(pl.col("session") <= last)
    told = pl.concat([NO_CHANGES, actions], how="diagonal_relaxed").select(NO_CHANGES.columns)
    frames = {"bars": bars, "corporate_actions": told}
    made = targets_of(wanted, CAPITAL, kept=len(days), frames=frames, days=days, sessions=days)
    books = HeldBooks(frames=frames, days=days, kept=len(days))
    parts = held_sessions(wanted, CAPITAL, holding=1, longest=1, books=books, sessions=days)
    return made.select("symbol", "session", "target_weight", "allowed_change"), parts


def opinions(rng: np.random.Generator, base: pl.DataFrame, *, shorts: bool) -> dict[str, pl.DataFrame]:
    """What three strategies want, of some symbols each."""
    found = {}
    for name in CAPITAL:
        rows = base.filter(pl.Series(rng.random(base.height) < 0.8))
        own = rng.normal(0.4, 1.0, rows.height).clip(-1, 1) if shorts else rng.random(rows.height)
        found[name] = rows.with_columns(target_weight=pl.col("target_weight") * pl.Series(own, dtype=pl.Float64))
    return found


@pytest.mark.parametrize("algorithm", ["at_close", "twap"])
def test_a_limit_of_the_order_bounds_its_parts_in_both(algorithm: str) -> None:
    """The backtest knew of no limit: orders.kind was ignored there."""
    test_worked_orders_on_paper_come_to_the_account_of_the_backtest_to_the_cent(algorithm, 1)


def send(day: date, broker: PaperBroker, signals: pl.DataFrame, bars: pl.DataFrame, settings: Settings) -> None:
    today, held = signals.filter(session=day), broker.positions()
    symbols = sorted({*today["symbol"], *(p.symbol for p in held)})
    instruments = instruments_frame(day, broker.instruments(symbols))
    plan = order_plan(
        day,
        targets=today,
        bars=bars.filter(session=day),
        positions=positions_frame(day, held),
        account=account_frame(day, "paper", broker.account(), []),
        instruments=instruments,
        portfolio=settings.portfolio,
        orders=settings.orders,
        fractional=settings.backtest.fractional_shares,
        margin=settings.backtest.margin,
    )
    chooser = WorkChooser(settings=settings, days=broker._working.days if broker._working else None)
    plan = chooser.with_work(day, plan, bars.filter(session=day), instruments)
    for intent in intents_of(plan, settings.orders.strategy):
        broker.submit(intent)


def compare(day: date, broker: PaperBroker, expected: BacktestResult) -> None:
    account, row = broker.account(), expected.equity.filter(session=day).row(0, named=True)
    opens, closes = broker._market.calendar.opens_at(day), broker._market.calendar.closes_at(day)
    fills = [one for one in broker.fills(opens) if opens <= one.at <= closes and f"-{day:%Y%m%d}-" in one.fill_id]
    trades = expected.trades.filter(pl.col("session") == day, pl.col("reason") != "delisted")
    theirs = trades.select("symbol", "side", "shares", "commission").rows()
    assert sorted((f.symbol, str(f.side), float(f.quantity), float(f.fees)) for f in fills) == sorted(theirs), day
    assert (float(account.cash), float(account.equity)) == (row["cash"], row["equity"]), day
    ours = [(p.symbol, float(p.quantity), float(p.cost or 0), float(p.price or 0)) for p in broker.positions()]
    assert ours == expected.positions.filter(session=day).select("symbol", "shares", "basis", "price").rows(), day


def replay_executions(broker: PaperBroker, since: date, initial_cash: float) -> None:
    """An independent ledger: cash and shares from executions and entries alone; and no order is filled beyond what it was for."""
    start = broker._market.calendar.opens_at(since) - timedelta(days=1)
    fills, entries = broker.fills(start), broker.entries(start)
    cash, held = Decimal(str(initial_cash)), defaultdict[str, Decimal](Decimal)
    by_order: defaultdict[str, list[Fill]] = defaultdict(list)
    for fill in fills:
        cash += fill.cash_flow
        held[fill.symbol] += fill.side.sign * fill.quantity
        by_order[fill.client_order_id].append(fill)
    for entry in entries:
        cash += entry.cash
        if entry.symbol:
            held[entry.symbol] += entry.quantity
    assert cash == broker.account().cash
    assert {symbol: shares for symbol, shares in held.items() if shares} == {p.symbol: p.quantity for p in broker.positions()}
    for name, some in by_order.items():
        order = broker.find(name)
        assert order is not None
        assert sum((fill.quantity for fill in some), Decimal(0)) == order.filled_quantity <= order.quantity
        parent = broker.find(name[:-3]) if name[-3] == "-" and name[-2:].isdigit() else None
        if parent is not None:
            assert sum((one.filled_quantity for one in parent.legs), Decimal(0)) == parent.filled_quantity <= parent.quantity
