"""qlib's exchange, executor and account as an independent engine: the same target weights, traded at the open with proportional costs.

What differs by design is left out of the case: limits, whole shares, missing bars (qlib refuses the order, too, but marks differently), cash that does not
suffice (qlib cuts one order after the other; 90% is invested, so that it always suffices). qlib keeps prices in float32: hence the tolerance.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ats_assets.backtests import run_backtest
from ats_assets.calendar import session_calendar
from ats_assets.settings import BacktestSettings, CalendarSettings, PortfolioSettings
from ats_assets_tests.market_data import SP500_2018, needs_market_data

SYMBOLS = ["AAPL", "GE", "IBM", "JPM", "KO", "MSFT", "NVDA", "PG", "T", "XOM"]
COST_BPS = 12.0


@needs_market_data
@pytest.mark.slow
def test_the_account_is_that_of_qlib_over_a_year(tmp_path: Path) -> None:
    calendar = session_calendar("XNYS", CalendarSettings().first_session)
    bars = pl.read_parquet(SP500_2018).with_columns(pl.col("date").cast(pl.Date).alias("session"), pl.col("volume").cast(pl.Float64))
    bars = bars.filter(pl.col("symbol").is_in(SYMBOLS), pl.col("session").dt.year() == 2016).with_columns(
        pl.col("open", "close").cast(pl.Float32).cast(float)
    )
    days = sorted(set(bars["session"]))
    # each session, other three to five symbols at 90% in all
    random = np.random.default_rng(3)
    rows = []
    for day in days:
        chosen = random.choice(SYMBOLS, random.integers(3, 6), replace=False)
        parts = random.dirichlet(np.ones(len(chosen))) * 0.9
        rows += [(str(s), day, float(w)) for s, w in zip(chosen, parts, strict=True)]
    signals = pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date, "target_weight": pl.Float64}, orient="row")

    result = run_backtest(
        signals,
        bars,
        days,
        portfolio=PortfolioSettings(max_weight=1, max_gross=1, max_turnover=4, no_trade_band=0),
        settings=BacktestSettings(commission_bps=COST_BPS, spread_bps=0, slippage_bps=0, fractional_shares=True),
    )

    held_from = signals.with_columns(
        session=pl.Series([calendar.offset(day, 1) for day in signals["session"]]), weight=pl.col("target_weight")
    ).filter(pl.col("session") <= days[-1])
    held_from.select("symbol", "session", "weight").write_csv(tmp_path / "weights.csv")
    bars.select("symbol", "session", "open", "close").write_csv(tmp_path / "bars.csv")
    (tmp_path / "settings.json").write_text(json.dumps({"cash": 1_000_000.0, "cost": COST_BPS / 1e4}))
    script = Path(__file__).with_name("qlib_account.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(tmp_path)},
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]

    theirs = pl.read_csv(tmp_path / "account.csv", try_parse_dates=True)
    both = result.equity.join(theirs.with_columns(pl.col("session").cast(pl.Date)), on="session", suffix="_qlib")
    assert len(both) == len(days) - 2  # not the first session, nor the last
    np.testing.assert_allclose(both["equity"], both["account"], rtol=2e-6)
    np.testing.assert_allclose(both["cash"], both["cash_qlib"], atol=2.0)
    assert both["costs"].sum() > 100_000
