"""What was known at a time can be rebuilt, and what is stored comes out byte for byte."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, CorruptPartitionError, MissingPartitionError, SettingsError
from ats_assets.lineage.rebuilding import copy_known, empty_world
from ats_assets.runs.reproduction import reproduced
from ats_assets_tests.lineage.conftest import LAST, heal, healing_of, market
from ats_assets_tests.lineage.test_healing import DAY, LATER, MADE, NEXT, deliver
from ats_assets_tests.small_market import differences, files_of, make_history, run_job

pytestmark = pytest.mark.slow
Changed = Callable[..., Deployment]
BEFORE, AFTER = datetime(2021, 11, 30, tzinfo=UTC), datetime(2021, 12, 1, tzinfo=UTC)


def triple_volume(deployment: Deployment, known: datetime = LATER) -> None:
    deliver(deployment, lambda rows: rows.with_columns(pl.col("volume") * 3), known)


def test_signals_come_out_byte_for_byte_in_an_empty_folder(whole: Path, tmp_path: Path) -> None:
    deployment = market(whole)
    found = reproduced(deployment, "signals", [LAST, deployment.calendar.offset(LAST, -7)], tmp_path / "world")
    assert (found.files.different, found.changed) == ((), ())
    assert f"signals/session={LAST}/data.parquet" in found.files.same
    assets = {path.split("/")[0] for path in found.files.same}
    assert assets >= {"bars", "universe", "trend", "lightgbm_model", "predictions"}
    assert not assets & {"raw_bars", "backtest"}


def test_a_backtest_comes_out_with_its_metrics_and_its_report(whole: Path, tmp_path: Path) -> None:
    found = reproduced(market(whole), "backtest_report", [], tmp_path / "world")
    assert (found.files.different, found.changed) == ((), ())
    wanted = {"backtest/metrics.json", "backtest/metrics.json.footer", "backtest/trades.parquet", "backtest_report/report.html"}
    assert wanted <= set(found.files.same)
    assert len([path for path in found.files.same if path.startswith("signals/")]) == len(
        market(whole).warehouse.stored_sessions("signals")
    )


def test_the_report_names_all_that_it_reads_and_is_stale_when_a_fit_is_gone(changed: Changed) -> None:
    """It shows the fits of the models and the quarantined rows, and named neither."""
    deployment = changed()
    report = deployment.warehouse.root / "backtest_report" / "report.html"
    footer = deployment.warehouse.footer_of_text(report)
    of_probabilities = {"signals", "forward_returns"}
    assert set(footer.upstream) == {"backtest", "skill", "targets", "lightgbm_model", "bars", "rejected_bars"} | of_probabilities
    assert {"cost_sensitivity", "wanted", "equity"} <= set(footer.upstream["backtest"])
    graph = build(deployment).resolve_asset_graph()
    (key,) = (key for key in graph.get_all_asset_keys() if key.path[-1] == "backtest_report")
    assert {parent.path[-1] for parent in graph.get(key).parent_keys} == set(footer.upstream)
    assert (
        len(footer.upstream["lightgbm_model"]) == len(footer.upstream["bars"]) == len(deployment.warehouse.read_part("backtest", "equity"))
    )
    day = max(footer.upstream["lightgbm_model"])
    store = deployment.model_store("lightgbm_model")
    (store.folder(date.fromisoformat(day)) / "model.json").unlink()
    stale = {one.asset for one in healing_of(deployment).stale()}
    assert {"lightgbm_model", "backtest_report"} <= stale


def test_a_backtest_over_a_range_is_made_over_that_range(changed: Changed, tmp_path: Path) -> None:
    deployment = changed()
    for session in deployment.warehouse.stored_sessions("targets")[:3]:
        (deployment.warehouse.path("targets", session)).unlink()
    run_job(deployment, "backtest_reports", assets=["backtest"])
    found = reproduced(deployment, "backtest", [], tmp_path / "world")
    assert found.files.different == ()
    assert len([path for path in found.files.same if path.startswith("targets/")]) == len(deployment.warehouse.stored_sessions("targets"))


def test_the_vintage_that_was_read_is_taken_not_the_newest(changed: Changed, tmp_path: Path) -> None:
    deployment = changed()
    triple_volume(deployment)
    found = reproduced(deployment, "signals", [LAST], tmp_path / "world")
    assert (found.files.different, found.changed) == ((), ())
    (raw,) = (tmp_path / "world" / "warehouse" / "raw_bars" / f"session={DAY}").iterdir()
    assert (
        raw.read_bytes() == deployment.warehouse.vintages("raw_bars", DAY)[min(deployment.warehouse.vintages("raw_bars", DAY))].read_bytes()
    )
    make_history(deployment, DAY, DAY, ["bars", "rejected_bars"])
    found = reproduced(deployment, "universe", [NEXT], tmp_path / "half")
    assert (found.files.different, found.changed) == ((), ()), "stale, and yet made as it was: its vintage is there"
    vintages = deployment.warehouse.vintages("raw_bars", DAY)
    vintages[min(vintages)].unlink()
    with pytest.raises(
        MissingPartitionError, match=rf"bars {DAY} was made from a vintage of raw_bars {DAY} \(\w+\) that is no longer stored"
    ):
        reproduced(deployment, "universe", [NEXT], tmp_path / "gone")


def test_what_differs_and_what_has_changed_is_named(changed: Changed, tmp_path: Path) -> None:
    deployment = changed()
    path = deployment.warehouse.path("universe", LAST)
    footer = deployment.warehouse.footer("universe", LAST)
    versions = {"code_version": footer.code_version, "settings_version": footer.settings_version, "upstream": footer.upstream}
    deployment.warehouse.write(
        "universe", LAST, deployment.warehouse.read("universe", [LAST]).with_columns(rank=pl.col("rank") + 1), **versions
    )
    found = reproduced(deployment, "universe", [LAST], tmp_path / "world")
    assert (found.files.different, found.changed) == ((f"universe/session={LAST}/{path.name}",), ())
    found = reproduced(market(path.parents[3], universe={"size": 9}), "predictions", [DAY], tmp_path / "size")
    assert f"universe/session={DAY}/data.parquet" in found.files.different
    (change,) = found.changed
    assert change.startswith(f"settings of universe changed since it was made ({footer.settings_version} → ")
    content = path.read_bytes()
    path.write_bytes(content[:60] + bytes([content[60] ^ 1]) + content[61:])
    with pytest.raises(CorruptPartitionError, match=r"so it can't be compared"):
        reproduced(deployment, "universe", [LAST], tmp_path / "damaged")
    deployment.warehouse.path("universe", DAY).unlink()
    with pytest.raises(MissingPartitionError, match=f"universe {DAY} is not stored"):
        reproduced(deployment, "universe", [DAY], tmp_path / "missing")


@pytest.mark.parametrize(
    ("asset", "sessions", "message"),
    [
        ("backtest", [LAST], "has no sessions"),
        ("signals", [], "name one"),
        ("raw_bars", [LAST], "is a delivery"),
        ("signal", [], "no asset"),
    ],
)
def test_what_can_not_be_rebuilt_is_refused(whole: Path, tmp_path: Path, asset: str, sessions: list[date], message: str) -> None:
    with pytest.raises(AtsError, match=message):
        reproduced(market(whole), asset, sessions, tmp_path / "world")


def test_a_world_as_of_a_time_is_the_one_before_the_restatement(changed: Changed, whole: Path, tmp_path: Path) -> None:
    deployment = changed()
    triple_volume(deployment, AFTER)
    heal(deployment)
    world = empty_world(deployment, tmp_path / "world")
    sessions = copy_known(deployment, world, BEFORE)
    make_history(world, sessions[0], sessions[-1], MADE)
    run_job(world, "backtest_reports")
    assert differences(files_of(tmp_path / "world"), files_of(whole)) == []
    newest = empty_world(deployment, tmp_path / "newest")
    copy_known(deployment, newest, AFTER)
    assert newest.warehouse.footer("raw_bars", DAY) == deployment.warehouse.footer("raw_bars", DAY)


def test_only_what_was_known_is_copied(whole: Path, tmp_path: Path) -> None:
    deployment = market(whole)
    early = empty_world(deployment, tmp_path / "early")
    assert copy_known(deployment, early, datetime(2021, 1, 10, tzinfo=UTC))[-1] == date(2021, 1, 8)
    part = empty_world(deployment, tmp_path / "part")
    assert copy_known(deployment, part, BEFORE, DAY, DAY) == [DAY]
    with pytest.raises(MissingPartitionError, match=r"were known at 2020-01-01 .*the first vintage there was known at 2021-01-04"):
        copy_known(deployment, part, datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(MissingPartitionError, match=r"from 2021-12-01 to .*there is none at all"):
        copy_known(deployment, part, AFTER, AFTER.date())


def test_the_folder_must_be_empty_and_outside(whole: Path, tmp_path: Path) -> None:
    deployment = market(whole)
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is not empty"):
        empty_world(deployment, tmp_path)
    with pytest.raises(SettingsError, match="is not empty"):
        empty_world(deployment, tmp_path / "file")
    with pytest.raises(SettingsError, match="would be taken for an asset"):
        empty_world(deployment, whole / "warehouse" / "as_of")
