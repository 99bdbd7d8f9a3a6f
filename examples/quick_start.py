"""From nothing to signals: run the graph on a small synthetic market, and read what it made.

    python examples/quick_start.py [--folder FOLDER]

Every step is an asset with a partition a session, and each partition is a Parquet file that any reader opens. The market has a planted edge; three months are too
few to tell it from chance, and the backtest says so.
"""

import json

import polars as pl
from small_deployment import ats, deployment, use_folder


def main(arguments: list[str] | None = None) -> None:
    """Run, then look at the signals as a table, as a file and by where they come from."""
    folder = use_folder("quick_start", __doc__, arguments)
    ats("run")
    ats("signals")

    market = deployment()
    newest = market.valid_sessions("signals")[-1]
    signals = market.warehouse.read("signals", [newest])
    print(f"\nThe same from its file, {market.warehouse.path('signals', newest).relative_to(folder)}:")
    print(signals.sort("score", descending=True).select("symbol", "direction", "score", "target_weight").head(5))

    best = signals.sort("score", descending=True)["symbol"][0]
    ats("explain", best, str(newest))

    metrics = json.loads((market.warehouse.root / "backtest" / "metrics.json").read_text(encoding="utf-8"))
    print(f"\nBacktest: {metrics['total_return']:+.1%} over {metrics['sessions']} sessions, costs included. So few sessions prove nothing.")
    rejected = market.warehouse.read("rejected_bars", market.valid_sessions("rejected_bars"))
    print(f"Quarantined: {rejected.height} rows, for {rejected['reasons'].explode().unique().sort().to_list()}")
    assert isinstance(rejected, pl.DataFrame)


if __name__ == "__main__":
    main()
