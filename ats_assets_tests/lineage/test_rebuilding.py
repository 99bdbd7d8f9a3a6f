"""What was known at a time can be made again, and what is stored comes out byte for byte."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ats_assets.cli.reproduce import reproduced
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, MissingPartitionError, SettingsError
from ats_assets.lineage.rebuilding import copy_vintages, empty_world
from ats_assets_tests.lineage.conftest import LAST, market
from ats_assets_tests.lineage.test_healing import DAY, LATER, deliver
from ats_assets_tests.small_market import differences, files_of, make_history

pytestmark = pytest.mark.slow
Changed = Callable[..., Deployment]


def test_signals_come_out_byte_for_byte_in_an_empty_folder(whole: Path, tmp_path: Path) -> None:
    deployment = market(whole)
    found = reproduced(deployment, "signals", [LAST, deployment.calendar.offset(LAST, -7)], tmp_path / "world")
    assert found.different == ()
    assert f"signals/session={LAST}/data.parquet" in found.same
    assert {path.split("/")[0] for path in found.same} >= {"raw_bars", "bars", "universe", "trend", "lightgbm_model", "predictions"}


def test_what_differs_is_named(changed: Changed, tmp_path: Path) -> None:
    deployment = changed()
    path = deployment.warehouse.path("universe", LAST)
    footer = deployment.warehouse.footer("universe", LAST)
    versions = {"code_version": footer.code_version, "settings_version": footer.settings_version, "upstream": footer.upstream}
    deployment.warehouse.write(
        "universe", LAST, deployment.warehouse.read("universe", [LAST]).with_columns(rank=pl.col("rank") + 1), **versions
    )
    assert reproduced(deployment, "universe", [LAST], tmp_path / "world").different == (f"universe/session={LAST}/{path.name}",)
    with pytest.raises(AtsError, match="choose one of"):
        reproduced(deployment, "backtest", [LAST], tmp_path / "other")
    deployment.warehouse.path("universe", DAY).unlink()
    with pytest.raises(MissingPartitionError, match=f"universe {DAY} is not stored"):
        reproduced(deployment, "universe", [DAY], tmp_path / "other")


def test_a_world_as_of_a_time_is_the_one_before_the_restatement(changed: Changed, whole: Path, tmp_path: Path) -> None:
    deployment = changed()
    deliver(deployment, lambda rows: rows.with_columns(pl.col("volume") * 3))
    world = empty_world(deployment, tmp_path / "world")
    sessions = copy_vintages(deployment, world, as_of=datetime(2021, 11, 30, tzinfo=UTC))
    make_history(world, sessions[0], sessions[-1], ["bars", "rejected_bars", "universe"])
    mine = {
        path: content
        for path, content in files_of(whole).items()
        if path.split("/")[1] in {"raw_bars", "bars", "rejected_bars", "universe"}
    }
    assert differences(files_of(tmp_path / "world"), mine) == []
    newest = empty_world(deployment, tmp_path / "newest")
    copy_vintages(deployment, newest, as_of=LATER)
    assert newest.warehouse.footer("raw_bars", DAY) == deployment.warehouse.footer("raw_bars", DAY)
    early = empty_world(deployment, tmp_path / "early")
    assert copy_vintages(deployment, early, as_of=datetime(2021, 1, 10, tzinfo=UTC))[-1] == date(2021, 1, 8)
    with pytest.raises(MissingPartitionError, match="no vintage of raw_bars was known"):
        copy_vintages(deployment, early, as_of=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(SettingsError, match="is not empty"):
        empty_world(deployment, tmp_path / "early")
