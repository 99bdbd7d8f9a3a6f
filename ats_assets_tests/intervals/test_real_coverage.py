"""Coverage on real prices: S&P 500 members, five years, a score that everybody knows."""

from datetime import date

import polars as pl

from ats_assets.calendar import session_calendar
from ats_assets.intervals.coverage import coverage_verdict, session_coverage
from ats_assets.intervals.return_intervals import return_intervals
from ats_assets.settings import ConfidenceSettings
from ats_assets_tests.market_data import SP500_2018, needs_market_data

HORIZON = 5


@needs_market_data
def test_nine_tenths_of_the_returns_of_real_stocks_lie_inside() -> None:
    bars = pl.read_parquet(SP500_2018).rename({"date": "session"}).with_columns(pl.col("session").cast(pl.Date))
    some = bars["symbol"].unique().sort().gather_every(12)
    bars = bars.filter(pl.col("symbol").is_in(some.implode()), pl.col("open") > 0).sort("symbol", "session")
    calendar = session_calendar("XNYS", date(2012, 1, 3))
    days = calendar.sessions(date(2013, 2, 8), date(2018, 2, 7))
    opens = bars.select("symbol", "session", "open")

    def after(n: int, name: str) -> pl.DataFrame:
        later = pl.col("session").replace_strict(dict(zip(days[:-n], days[n:], strict=True)), default=None, return_dtype=pl.Date)
        known = opens.rename({"session": "at", "open": name})
        return opens.select("symbol", "session", at=later).join(known, on=["symbol", "at"])

    both = after(1, "entry").drop("at").join(after(HORIZON + 1, "exit"), on=["symbol", "session"])
    returns = both.select(
        "symbol",
        session="at",
        decision_session="session",
        horizon_sessions=pl.lit(HORIZON, pl.Int32),
        forward_return=pl.col("exit") / pl.col("entry") - 1.0,
    )
    score = 1.0 - pl.col("close") / pl.col("close").shift(5).over("symbol")
    predictions = bars.select("symbol", "session", score=score, model_session=pl.lit(date(2013, 1, 2))).drop_nulls()
    made = return_intervals(predictions, returns, days, days, ConfidenceSettings(), calendar=calendar, horizon_sessions=HORIZON)
    covered = session_coverage(made, returns, HORIZON)
    verdict = coverage_verdict(covered, HORIZON, tolerance=0.01)
    assert verdict.sessions > 1_100
    assert verdict.is_sound, verdict.text
    assert abs(float(covered["coverage"].mean()) - 0.9) < 0.01  # pyright: ignore[reportArgumentType]
