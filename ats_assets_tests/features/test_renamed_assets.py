"""A change of name in the graph: a source of files tells of it, and universe, features and labels go on, in a batch and alone."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ats_assets.brokers.paper import WarehouseMarket
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.execution.names import known_identities, known_name_changes
from ats_assets.orchestration.graph import reads_of
from ats_assets.storage.knowledge import stamp_of
from ats_assets_tests.features.test_assets import FAMILY, RAW, market
from ats_assets_tests.small_market import FIRST, make_history, small_market

LAST = date(2021, 1, 22)
CHANGED = date(2021, 1, 13)
MADE = ["universe", "moves", "forward_returns", "bar_gaps"]


def renaming_market(root: Path, days: list[date]) -> Deployment:
    """Four symbols; B is called Z from 2021-01-13 on, with a split of two for one on the same day, delivered under the new ticker."""
    rows = []
    for i, day in enumerate(days):
        for j, symbol in enumerate("ABCD"):
            price = (10.0 + j) * (1.01 + 0.01 * j) ** i
            half = symbol == "B" and day >= CHANGED
            close = round(price / 2, 4) if half else round(price, 4)
            name = "Z" if half else symbol
            rows.append((name, day, close, close, close, close, 1000.0 * (j + 1) * (2 if half else 1)))
    folder = root / "delivered"
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows, schema=["symbol", "date", "open", "high", "low", "close", "volume"], orient="row").write_csv(folder / "bars.csv")
    (root / "actions.csv").write_text(
        f"symbol,ex_date,type,ratio,new_symbol\nB,{CHANGED},name_change,,Z\nZ,{CHANGED},split,2,\n", encoding="utf-8"
    )
    source = {"kind": "files", "files": {"path": folder, "actions": root / "actions.csv"}}
    universe = {"min_history_sessions": 5, "lookback_sessions": 6, "min_price": 0.0}
    return market(
        root,
        {"moves": FAMILY},
        source=source,
        universe=universe,
        labels={"horizons_sessions": (1, 5)},
        bars={"profile": False, "gap_sessions": 3},
    )


def _deliver_late(deployment: Deployment) -> None:
    """Another change of name of the same session, known a month after it."""
    warehouse = deployment.warehouse
    rows = warehouse.read("corporate_actions", [CHANGED])
    another = rows.filter(kind="name_change").with_columns(symbol=pl.lit("C"), new_symbol=pl.lit("Y"))
    stamp = stamp_of(deployment.calendar.closes_at(CHANGED) + timedelta(days=30))
    warehouse.write_made_vintage("corporate_actions", CHANGED, pl.concat([rows, another]), stamp=stamp, upstream={})


def test_universe_features_and_labels_go_on_in_a_batch_and_alone(tmp_path: Path) -> None:
    days = small_market(tmp_path / "other").calendar.sessions(FIRST, LAST)
    batch, alone = (renaming_market(tmp_path / name, days) for name in ("batch", "alone"))
    make_history(batch, FIRST, LAST, [*RAW, *MADE])
    make_history(alone, FIRST, LAST, RAW)
    for day in reversed(days):
        make_history(alone, day, day, MADE)
    for asset in MADE:
        assert batch.data_versions(asset, days) == alone.data_versions(asset, days), asset
    moves = batch.warehouse.read("moves", days).filter(pl.col("symbol").is_in(["B", "Z"])).sort("session")
    assert moves["GAIN3"].is_nan().to_list() == [True] * 3 + [False] * (len(days) - 3)
    assert (moves["GAIN3"][3:] - (1.02**3 - 1)).abs().max() < 1e-4  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    assert batch.warehouse.read("bar_gaps", days).is_empty(), "B has a bar as Z"
    members = batch.warehouse.read("universe", [CHANGED])
    assert members.select("symbol", "history_sessions").rows() == [("A", 6), ("C", 6), ("D", 6), ("Z", 6)]
    labels = batch.warehouse.read("forward_returns", days).filter(pl.col("symbol").is_in(["B", "Z"]), horizon_sessions=5)
    assert labels.height == len(days) - 6
    assert labels["exit"].unique().to_list() == ["open"]
    assert (labels["forward_return"] - (1.02**5 - 1)).abs().max() < 1e-4  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    at_open = WarehouseMarket(batch).actions(CHANGED)
    assert at_open.select("symbol", "kind", "ratio", "new_symbol").rows() == [("B", "name_change", None, "Z"), ("Z", "split", 2.0, None)]
    known = known_identities(batch, LAST)
    assert (known.of("B", FIRST), known.of("Z", LAST), known.of("A", LAST)) == ("files:B", "files:B", "files:A")
    told = known_name_changes(batch)
    assert told(FIRST).rows() == [(CHANGED, "B", "Z")]
    _deliver_late(batch)
    assert told(FIRST).rows() == [(CHANGED, "B", "Z"), (CHANGED, "C", "Y")], "who trades knows now what was told late"
    assert known_identities(batch, LAST).of("Y", LAST) == "files:C"
    for day in (day for day in days if day >= CHANGED):
        shutil.rmtree(batch.warehouse.folder("corporate_actions", day))  # not stored yet: the source is asked
    assert known_name_changes(batch)(FIRST).rows() == [(CHANGED, "B", "Z")]
    assert known_name_changes(batch)(LAST).is_empty()


def test_only_a_source_that_tells_of_names_makes_the_graph_read_more(tmp_path: Path) -> None:
    days = small_market(tmp_path / "other").calendar.sessions(FIRST, LAST)
    read = {}
    for name, deployment in (("files", renaming_market(tmp_path / "files", days)), ("synthetic", small_market(tmp_path / "synthetic"))):
        specs = {spec.key.path[-1]: spec for spec in build(deployment).resolve_all_asset_specs()}
        read[name] = {asset: {r.asset for r in reads_of(specs[asset].metadata)} for asset in ("universe", "skill")}
    assert read["synthetic"] == {"universe": {"bars"}, "skill": {"predictions", "forward_returns"}}
    assert all("corporate_actions" in assets for assets in read["files"].values())
