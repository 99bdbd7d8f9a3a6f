"""The wheel: sell puts until one is assigned, then calls on the shares until they are called away.

    python examples/options_wheel.py [--folder FOLDER]

Every session gives a decision for every position, with its reason in a sentence: why a put was rolled, or why nothing was sold. The chains are synthetic, priced off
the synthetic bars, so that premiums pay what they cost: the figures say nothing about a real market.
"""

import polars as pl
from small_deployment import ats, use_folder


def main(arguments: list[str] | None = None) -> None:
    """Make bars, chains, greeks and the backtest, and read the decisions."""
    use_folder("options_wheel", __doc__, arguments)
    ats("run", "--select", "+option_backtest")
    pl.Config.set_fmt_str_lengths(90)
    ats("sql", "SELECT action, rule, COUNT(*) AS decisions FROM option_backtest_decisions GROUP BY action, rule ORDER BY 3 DESC")
    ats("sql", "SELECT session, action, reason FROM option_backtest_decisions WHERE action <> 'hold' ORDER BY session", "--limit", "8")


if __name__ == "__main__":
    main()
