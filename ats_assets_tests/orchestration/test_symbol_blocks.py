"""Features made in blocks by symbol are those made at once, in sessions with splits and changes of name, too."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.orchestration import symbol_blocks
from ats_assets.orchestration.spreading import SomeSessions, spreading
from ats_assets.orchestration.symbol_blocks import panel_of_parts
from ats_assets_tests.small_market import FIRST, make_history, small_market

DAY = date(2021, 2, 10)
RENAMED = "corporate_actions"


@pytest.mark.parametrize("parts", [2, 5])
def test_parts_together_are_the_whole(parts: int, tmp_path: Path) -> None:
    deployment = small_market(
        tmp_path, source={"kind": "synthetic", "synthetic": {"symbols": 12, "first_session": FIRST, "splits_per_year": 9.0}}
    )
    make_history(
        deployment,
        FIRST,
        DAY,
        ("raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions"),
    )
    sessions = deployment.calendar.window(DAY, 2)
    actions = deployment.warehouse.read(RENAMED, deployment.calendar.sessions(FIRST, DAY))
    assert actions.height > 3
    rename(deployment, deployment.calendar.offset(DAY, -5))
    build(deployment)
    work = deployment.of(spreading)
    assert work.by_symbol == {"alpha158"}  # the family trend looks across symbols
    whole: pl.DataFrame = work.steps["alpha158"][1](SomeSessions(partition_keys=[day.isoformat() for day in sessions]))
    told = [work.make_part("alpha158", sessions, part, parts) for part in range(parts)]
    found = [one.partition(b"\n")[2] for one in told]
    assert sum(pl.read_ipc(one).height > 0 for one in found) > 1
    assert panel_of_parts(found).equals(whole, null_equal=True)


def rename(deployment: Any, session: date) -> None:
    """From a session on two symbols of the market bear other names, one that of the other."""
    warehouse = deployment.warehouse
    first, second = warehouse.read("bars", [session])["symbol"].to_list()[:2]
    names = {first: second, second: "NEWNAME"}
    for day in deployment.calendar.sessions(session, DAY):
        rows = warehouse.read("bars", [day])
        warehouse.write("bars", day, rows.with_columns(pl.col("symbol").replace(names)).sort("symbol"))
    rows = warehouse.read("corporate_actions", [session])
    told = {"symbol": [first, second], "new_symbol": [second, "NEWNAME"], "kind": ["name_change"] * 2, "session": [session] * 2}
    changes = pl.DataFrame(told, schema_overrides={name: kind for name, kind in rows.schema.items() if name in told})
    warehouse.write("corporate_actions", session, pl.concat([rows, changes], how="diagonal").sort("symbol"))


def test_small_panels_are_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = small_market(tmp_path)
    make_history(deployment, FIRST, FIRST, ("raw_bars", "bars", "rejected_bars"))
    assert symbol_blocks.parts_for(deployment, [FIRST], 4) == 1
    monkeypatch.setattr(symbol_blocks, "LEAST_SYMBOLS", 4)
    assert symbol_blocks.parts_for(deployment, [FIRST], 2) == 2
