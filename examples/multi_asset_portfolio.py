"""Stocks, bonds, gold and others in one book, by risk and not by money, at ten percent of volatility a year.

    python examples/multi_asset_portfolio.py [--folder FOLDER]

The prices are drawn here, three months of six funds that move together in part; put a file of real ones in their place (docs/data.md). Equal weights would leave nearly
all of the risk with commodities and stocks; risk parity gives bonds most of the money, so that each fund contributes about the same (exactly so by the shrunk covariance
that the weights come from).
"""

import os
from pathlib import Path

import exchange_calendars
import numpy as np
import polars as pl
from small_deployment import ats, deployment, use_folder

YEARLY = {"STOCKS": 0.18, "WORLD": 0.20, "BONDS": 0.05, "GOLD": 0.15, "GOODS": 0.28, "HOMES": 0.17}
"""Volatility of each fund."""
FIRST, LAST = "2021-01-04", "2021-04-01"


def write_funds(file: Path) -> None:
    """Draw daily bars: one market behind all funds, bonds against it."""
    days = [day.date() for day in exchange_calendars.get_calendar("XNYS").sessions_in_range(FIRST, LAST)]
    draw = np.random.default_rng(7)
    share = np.array([0.8, 0.8, -0.3, 0.1, 0.4, 0.7])  # of each fund's movement that is the market's
    market, own = draw.normal(size=(len(days), 1)), draw.normal(size=(len(days), 6))
    moves = (share * market + np.sqrt(1 - share**2) * own) * np.array(list(YEARLY.values())) / np.sqrt(252)
    closes = 100 * np.exp(np.cumsum(moves, axis=0))
    frames = [
        pl.DataFrame({"date": days, "close": np.round(closes[:, n], 2)}).with_columns(
            symbol=pl.lit(name), open="close", high="close", low="close", volume=1_000_000
        )
        for n, name in enumerate(YEARLY)
    ]
    pl.concat(frames).write_csv(file)


def main(arguments: list[str] | None = None) -> None:
    """Write the funds, run up to the backtest, and compare money with risk."""
    folder = use_folder("multi_asset_portfolio", __doc__, arguments)
    write_funds(folder / "funds.csv")
    os.environ["ATS_SOURCE__PATH"] = str(folder / "funds.csv")
    try:
        ats("run", "--select", "+backtest")
        show_risk()
    finally:
        del os.environ["ATS_SOURCE__PATH"]


def show_risk() -> None:
    """The newest book: each fund's share of the money, and of the variance of the last forty-five sessions."""
    market = deployment()
    newest = market.valid_sessions("targets")[-1]
    signals = market.warehouse.read("signals", [newest]).filter(pl.col("target_weight") > 0).sort("symbol")
    closes = market.warehouse.read("bars", market.calendar.window(newest, 46)).pivot("symbol", index="session", values="close")
    returns = closes.select(pl.col(signals["symbol"].to_list()).pct_change()).drop_nulls().to_numpy()
    weights, covariance = signals["target_weight"].to_numpy(), np.cov(returns.T)
    of_variance = weights * (covariance @ weights) / (weights @ covariance @ weights)
    print(f"\n{newest}: each fund's share of the money, and of the risk")
    print(signals.select("symbol", money="target_weight", risk=pl.Series(np.round(of_variance, 3))))
    held = market.warehouse.read("targets", [newest])["target_weight"].sum()
    print(f"Held in all: {held:.0%} of the equity, at a volatility of {np.sqrt(weights @ covariance @ weights * 252) * held:.1%} a year")


if __name__ == "__main__":
    main()
