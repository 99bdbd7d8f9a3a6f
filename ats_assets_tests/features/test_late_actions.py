"""A corporate action that a source of files says was known late: no partition knows it before."""

from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.storage.knowledge import time_of
from ats_assets_tests.features.test_assets import FAMILY, RAW, market
from ats_assets_tests.small_market import FIRST, make_history, small_market

LAST, SPLIT, KNOWN = date(2021, 1, 22), date(2021, 1, 13), "2021-01-15T12:00:00Z"


def splitting_market(root: Path, known: str) -> Deployment:
    """Two symbols that rise by a percent a session; B splits two for one on 2021-01-13."""
    days = small_market(root / "other").calendar.sessions(FIRST, LAST)
    rows = []
    for i, day in enumerate(days):
        for symbol in "AB":
            close = round(100 * 1.01**i / (2 if symbol == "B" and day >= SPLIT else 1), 4)
            rows.append((symbol, day, close, close, close, close, 1000.0))
    folder = root / "delivered"
    folder.mkdir(parents=True)
    pl.DataFrame(rows, schema=["symbol", "date", "open", "high", "low", "close", "volume"], orient="row").write_csv(folder / "bars.csv")
    (root / "actions.csv").write_text(f"symbol,ex_date,type,ratio,known_at\nB,{SPLIT},split,2,{known}\n", encoding="utf-8")
    source = {"kind": "files", "files": {"path": folder, "actions": root / "actions.csv"}}
    universe = {"min_history_sessions": 2, "lookback_sessions": 3, "min_price": 0.0}
    return market(root, {"moves": FAMILY}, source=source, universe=universe, labels={"horizons_sessions": (1, 5)}, bars={"profile": False})


def test_a_split_that_was_known_late_adjusts_nothing_before(tmp_path: Path) -> None:
    """It was known on 2021-01-15: what looks back over it on the 13th and the 14th shows the jump that was seen then, later windows do not."""
    late, early = splitting_market(tmp_path / "late", KNOWN), splitting_market(tmp_path / "early", "")
    gains = {}
    for name, deployment in (("late", late), ("early", early)):
        make_history(deployment, FIRST, LAST, [*RAW, "moves"])
        days = deployment.calendar.sessions(SPLIT, LAST)
        gains[name] = deployment.warehouse.read("moves", days).filter(symbol="B").sort("session")["GAIN3"].to_list()
    risen = 1.01**3 - 1
    assert [round(gain, 3) for gain in gains["early"]] == [round(risen, 3)] * len(gains["early"])
    jump = 1.01**3 / 2 - 1
    assert [round(gain, 3) for gain in gains["late"]] == [round(jump, 3)] * 2 + [round(risen, 3)] * (len(gains["late"]) - 2)
    stamps = late.warehouse.stamps("raw_corporate_actions", SPLIT)
    assert [time_of(stamp).isoformat() for stamp in stamps] == ["2021-01-13T21:00:00+00:00", "2021-01-15T12:00:00+00:00"]
    make_history(late, FIRST, LAST, RAW)
    assert late.warehouse.stamps("raw_corporate_actions", SPLIT) == stamps, "delivered again, it is nothing new"
