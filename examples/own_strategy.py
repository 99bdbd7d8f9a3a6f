"""A strategy of one's own in one file, checked for look-ahead, and traded beside another one.

    python examples/own_strategy.py [--folder FOLDER]

The strategy is plugins/strategies/quiet_dip.py, forty lines: its settings, what it reads, a score for each symbol. Settings name it; nothing is registered. The leak
check changes data after random sessions and looks whether any signal before them changes.
"""

import polars as pl
from small_deployment import ats, deployment, use_folder


def main(arguments: list[str] | None = None) -> None:
    """Run both strategies, check them, and see what each wants and what is wanted in the end."""
    use_folder("own_strategy", __doc__, arguments)
    ats("run", "--select", "+backtest")
    ats("leakcheck", "quiet_dip_signals", "--sessions", "24", "--symbols", "8", "--draws", "2")

    market = deployment()
    newest = market.valid_sessions("targets")[-1]
    wanted = market.warehouse.read("quiet_dip_signals", [newest]).select("symbol", "score", own="target_weight")
    held = market.warehouse.read("targets", [newest]).select("symbol", "target_weight")
    print(f"\n{newest}: what quiet_dip wants of its half, and what is wanted in all")
    print(wanted.join(held, on="symbol", how="left").sort("score", descending=True).head(5))
    signals = market.warehouse.read("quiet_dip_signals", market.valid_sessions("quiet_dip_signals"))
    print(
        f"Its signals: {signals.height} rows in {signals['session'].n_unique()} sessions; long {signals.filter(pl.col('direction') == 'long').height}"
    )


if __name__ == "__main__":
    main()
