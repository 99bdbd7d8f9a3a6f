"""What plans and fills orders runs as it is or compiled: both come to the same bits."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numba.core.errors import TypingError
from numpy.testing import assert_array_equal

from ats_assets.backtests import BacktestResult, journal, run_backtest
from ats_assets.backtests.ahead_of_time import compile_kernels
from ats_assets.backtests.engines import orders
from ats_assets.backtests.simulation import simulate
from ats_assets.kernels import kernel as kernels
from ats_assets.kernels.kernel import Kernel, kernel
from ats_assets.kernels.sums import nearest, order_by, total
from ats_assets.settings import BacktestSettings, BrakeSettings, MarginSettings, OrderLimitSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import actions_of, random_actions, random_impact, random_market

TABLES = ("equity", "positions", "trades", "unfilled")
HISTORIES = 60
GROWING = 13
ALIKE = 100


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    compile_kernels()


def random_history(seed: int, *, compiled: bool) -> BacktestResult:
    """Halts, quiet sessions, listings and delistings, splits and payments, changes of name, shorts and margin, under limits that cut."""
    random = np.random.default_rng(seed)
    bars, signals, days = random_market(seed, int(random.integers(1, 25)), int(random.integers(1, 30)), shorts=bool(random.random() < 0.6))
    actions = random_actions(seed, bars.filter(pl.col("symbol").is_in(["S0", "S1", "S2", "S3"])))
    if random.random() < 0.5:
        bars, signals, actions = renamed(bars, signals, actions, days[int(random.integers(0, len(days)))])
    portfolio = PortfolioSettings(
        max_weight=random.choice([0.15, 1]),
        max_gross=random.choice([1, 4]),
        max_net=random.choice([0.1, 1, 2]),
        max_turnover=random.choice([0.3, 4, 4]),
        no_trade_band=random.choice([0, 0.02, 0.3]),
    )
    settings = BacktestSettings(
        options={"compiled": compiled},
        initial_cash=random.choice([1_000, 123_456.78, 1e6]),
        commission_bps=random.choice([0, 1, 50]),
        min_commission=random.choice([0, 9.99]),
        slippage_bps=random.choice([2, 500]),
        fractional_shares=bool(random.random() < 0.5),
        max_missing_sessions=int(random.choice([1, 10])),
        delisting_haircut=random.choice([0, 0.25]),
        margin=MarginSettings(initial_share=random.choice([0.3, 1]), borrow_bps_by_symbol={"S0": 9_000.0}),
    )
    limits = OrderLimitSettings(
        allow_short=bool(random.random() < 0.8),
        max_order_share=random.choice([0.02, 10]),
        max_day_share=random.choice([0.1, 20]),
        max_order_notional=random.choice([None, 500]),
        max_gross_share=random.choice([0.5, 10]),
        min_trade_notional=random.choice([0, 100]),
        lot_shares=7 if seed % 3 == 0 else 1,
    )
    some = None if random.random() < 0.3 else limits
    brake = BrakeSettings(max_drawdown=random.choice([0.02, 0.3]), max_session_loss=0.01, after_loss=0.3) if random.random() < 0.5 else None
    model, most = (None, "square_root", "almgren", "spread", "fixed")[seed % 5], 0.0005 if seed % 2 else None
    impact = None if model is None else random_impact(seed, bars, model, most=most, fitted=model == "almgren")
    how = {"limits": some, "brake": brake, "actions": actions, "impact": impact}
    return run_backtest(signals, bars, days, portfolio=portfolio, settings=settings, **how)


def renamed(bars: pl.DataFrame, signals: pl.DataFrame, actions: pl.DataFrame, day: date) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """S0 is called S1 from a day on, whose ticker it takes, and S2 something new."""
    changes = actions_of([(old, day, "name_change", None, None) for old in ("S0", "S2")]).with_columns(new_symbol=pl.Series(["S1", "N"]))
    new = pl.when(pl.col("session") >= day).then(pl.col("symbol").replace({"S0": "S1", "S2": "N"})).otherwise("symbol")
    frames = (frame.with_columns(symbol=new).unique(["symbol", "session"], keep="first", maintain_order=True) for frame in (bars, signals))
    return *frames, pl.concat([actions.with_columns(new_symbol=pl.lit(None, pl.String)), changes])


def test_compiled_or_not_a_backtest_comes_to_the_same_bits() -> None:
    """Every column of every table, of histories with all that the engine knows of."""
    seen = {"trades": 0, "renamed": 0, "delisted": 0, "short": 0}
    reasons: set[str] = set()
    for seed in range(HISTORIES):
        plain, compiled = (random_history(seed, compiled=how) for how in (False, True))
        for table in TABLES:
            assert getattr(plain, table).equals(getattr(compiled, table)), (seed, table)
        seen["trades"] += len(plain.trades)
        seen["renamed"] += int((plain.positions["symbol"] == "N").sum())
        seen["delisted"] += int((plain.trades["reason"] == "delisted").sum())
        seen["short"] += int((plain.positions["shares"] < 0).sum())
        reasons |= set(plain.unfilled["reason"])
    assert len(simulate.compiled.signatures) == 1, "another kind of number or array: it would be compiled again where it was compiled ahead"
    assert min(seen.values()) > 20, seen
    assert {"no_bar", "no_volume", "cash", "participation", "corporate_action", "limit_order", "limit_day", "limit_min_trade"} <= reasons


def test_sums_and_orders_are_those_of_numpy() -> None:
    random = np.random.default_rng(5)
    for n in (*range(20), 127, 128, 129, 255, 256, 257, 1_000, 1_024, 1_030, 8_193, 20_000):
        values = random.normal(size=n) * 10 ** random.uniform(-8, 8, n)
        for sides in (values, values[n // 3 :], np.full(n, -0.0), np.where(values > 0.0, np.inf, values)):  # beginning anywhere in memory
            assert_array_equal(
                np.float64([total.compiled(sides), total(sides)]).view(np.int64), np.float64([sides.sum()] * 2).view(np.int64)
            )
        keys = random.integers(0, 3, (8, n)).astype(float)
        keys[1, random.random(n) < 0.3] = np.nan
        keys[4] = 1.0
        assert order_by.compiled(keys).tolist() == np.lexsort(keys[::-1]).tolist()


def test_a_sum_of_what_does_not_lie_side_by_side_is_refused() -> None:
    """Its address and count would tell of other numbers; nor is what has no address, or several rows."""
    for apart in (np.ones((3, 4))[:, 1], np.ones(4)[::-1], np.ones(4, dtype=np.float32), np.ones((3, 4)), (1.0, 2.0)):
        with pytest.raises(TypingError, match="one row of float64 that lie side by side"):
            total.compiled(apart)


def test_halves_are_rounded_to_the_even_number_and_what_is_not_finite_stays() -> None:
    values = [0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994, 2.0**52 + 1, 1e300, np.nan, np.inf, -np.inf]
    assert [nearest(value) for value in values] == pytest.approx(np.rint(values).tolist(), rel=0, abs=0, nan_ok=True)
    assert [nearest.compiled(value) for value in values] == pytest.approx(np.rint(values).tolist(), rel=0, abs=0, nan_ok=True)


def test_a_kernel_is_compiled_with_those_that_it_calls() -> None:
    assert twice_the_square.compiled(3.0) == twice_the_square(3.0) == 18.0


@kernel
def square(value: float) -> float:
    return value * value


@kernel
def twice_the_square(value: float) -> float:
    return 2.0 * square(value)


def test_compiled_code_is_that_of_all_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """numba looks at the file of the outermost function alone: an edit of an inner one, in another file, would have traded by the old code."""
    stamp = simulate.compiled._cache._cache_file._source_stamp
    assert isinstance(stamp, str)
    assert stamp == kernels._sources("backtests") != total.compiled._cache._cache_file._source_stamp == kernels._sources("kernels")
    monkeypatch.setattr(kernels, "_PACKAGE", tmp_path)
    for name in ("kernels/sums.py", "portfolio/methods/top_k.py", "intraday/samplers/tick.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("1")
    stamps = {folder: kernels._sources.__wrapped__(folder) for folder in ("kernels", "portfolio", "backtests", "intraday", "labels")}
    (tmp_path / "portfolio/methods/top_k.py").write_text("2")
    assert {folder for folder, before in stamps.items() if kernels._sources.__wrapped__(folder) != before} == {"portfolio", "backtests"}
    (tmp_path / "kernels/sums.py").write_text("2")
    assert not [folder for folder, before in stamps.items() if kernels._sources.__wrapped__(folder) == before]


def test_a_large_backtest_runs_compiled_where_code_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    bars, signals, days = random_market(1, 3, 2, shorts=False)
    monkeypatch.setattr(orders, "LOADING_SECONDS", 0.0)
    monkeypatch.setattr(simulate, "function", lambda *_: pytest.fail("plain"))
    run_backtest(signals, bars, days, portfolio=PortfolioSettings(), settings=BacktestSettings())


def test_several_small_backtests_of_the_same_targets_are_as_one_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    bars, signals, days = random_market(1, 3, 2, shorts=False)
    monkeypatch.setattr(orders, "LOADING_SECONDS", 0.5 * ALIKE * orders.PLAIN_SESSION_SECONDS)
    monkeypatch.setattr(simulate, "function", lambda *_: pytest.fail("plain"))
    run_backtest(signals, bars, days, portfolio=PortfolioSettings(), settings=BacktestSettings(), alike=ALIKE)
    with pytest.raises(pytest.fail.Exception, match="plain"):
        run_backtest(signals, bars, days, portfolio=PortfolioSettings(), settings=BacktestSettings())


def test_ledgers_grow_with_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for few rows at first, the tables are the same."""
    wide = random_history(GROWING, compiled=True)
    assert len(wide.unfilled) > 4 * 30, "more than there is room for at first, of 30 symbols at most"
    monkeypatch.setattr(journal, "ROOM", 0)
    for compiled in (False, True):
        narrow = random_history(GROWING, compiled=compiled)
        assert all(getattr(narrow, table).equals(getattr(wide, table)) for table in TABLES)


def test_a_small_backtest_runs_plain_and_needs_no_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    bars, signals, days = random_market(1, 3, 2, shorts=False)
    monkeypatch.setattr(Kernel, "compiled", property(lambda _: pytest.fail("compiled")))
    run_backtest(signals, bars, days, portfolio=PortfolioSettings(), settings=BacktestSettings())
