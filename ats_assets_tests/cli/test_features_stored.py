"""`ats features list --stored` and what `ats features show` tells of what is stored."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.serving.queries.feature_registry import family_records
from ats_assets.settings import DriftSettings
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.features.test_assets import FAMILY, market
from ats_assets_tests.small_market import small_market

OWNERS = {"ATS_FEATURES__OWNERS": '{"alpha158": "research team"}'}


def test_what_is_stored_of_each_family(command: Command, made: tuple[Path, object]) -> None:
    command("stale")  # which keeps the rules of the graph, as a run does: the folder has another name now
    run = command("features", "list", "--stored", "--clusters", "--sessions", "20", "--format", "json")
    assert run.exit_code == 0, run.stderr
    (one,) = json.loads(run.stdout)
    assert (one["name"], one["newest"], one["state"], one["owner"]) == ("alpha158", "2021-03-31", "current", "")
    assert {"lightgbm_model", "predictions"} <= set(one["used_by"])
    assert len(one["features"]) == 158
    kmid = one["features"][0]
    files = sorted((made[0] / "warehouse/synthetic/alpha158").glob("session=*/data.parquet"))[-20:]
    values = pl.read_parquet(files, hive_partitioning=False)["KMID"].cast(pl.Float64)
    assert (kmid["name"], kmid["rows"], kmid["last"]) == ("KMID", len(values), "2021-03-31")
    assert kmid["mean"] == pytest.approx(values.fill_nan(None).mean())
    assert kmid["deviation"] == pytest.approx(values.fill_nan(None).std())
    assert {row["cluster"] for row in one["features"]} <= {row["name"] for row in one["features"]}


def test_as_tables_with_the_owner_that_settings_name(command: Command) -> None:
    run = command("features", "list", "--stored", **OWNERS)
    assert run.exit_code == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0].split() == ["family", "owner", "newest", "state", "used", "by"]
    assert lines[1].startswith("alpha158  research team  2021-03-31  current  ")
    assert "lightgbm_model" in lines[1], "by the settings, where no run has kept the rules of these"
    assert lines[3].split()[:5] == ["feature", "family", "rows", "missing", "mean"]
    assert len(lines) == 4 + 158
    wrong = command("features", "list", "--stored", ATS_FEATURES__OWNERS='{"alpha159": "me"}')
    assert wrong.exit_code == 1
    assert "features.owners names `alpha159`" in wrong.stderr


def test_show_tells_them_of_one_feature(command: Command) -> None:
    run = command("features", "show", "ROC5", **OWNERS)
    facts = {line[:11].strip(): line[11:].strip() for line in run.stdout.splitlines()}
    assert facts["owner"] == "research team"
    assert facts["stored"] == "2021-03-31, current"
    assert facts["used by"].startswith("lightgbm_model")
    assert "from 2021-01-05 to 2021-03-31" in facts["rows"]
    assert "deviation" in facts["mean"]
    assert facts["quantiles"].endswith("at 99%")
    (one,) = json.loads(command("features", "show", "ROC5", "--format", "json").stdout)
    assert one["figures"]["name"] == "ROC5"
    assert one["state"] == "current"


def test_a_session_that_has_closed_is_due_and_then_late(tmp_path: Path) -> None:
    """The last partition is that of Tuesday, 2021-01-05."""
    deployment = small_market(tmp_path, source={"synthetic": {"symbols": 3}})
    asset, days = "alpha158", deployment.calendar.sessions(datetime(2021, 1, 4).date(), datetime(2021, 1, 5).date())  # noqa: DTZ001
    for day in days:
        deployment.warehouse.write(asset, day, pl.DataFrame({"symbol": ["A"], "session": [day]}))
    states = {
        datetime(2021, 1, 6, 20, 59, tzinfo=UTC): "current",
        datetime(2021, 1, 6, 21, 0, tzinfo=UTC): "due",
        datetime(2021, 1, 7, 8, 59, tzinfo=UTC): "due",
        datetime(2021, 1, 7, 9, 0, tzinfo=UTC): "late by 1 session",
        datetime(2021, 1, 11, 12, 0, tzinfo=UTC): "late by 3 sessions",
    }
    assert {now: family_records(deployment, now)[asset].state for now in states} == states
    shutil.rmtree(tmp_path / "warehouse")
    assert family_records(Deployment(deployment.settings))[asset].state == "not stored"


def test_alarms_of_drift_are_told_of_the_families_that_models_learn_from(tmp_path: Path) -> None:
    deployment = market(tmp_path, {"moves": FAMILY})
    deployment = Deployment(deployment.settings.model_copy(update={"drift": DriftSettings()}))
    day = deployment.calendar.sessions(datetime(2021, 1, 4).date(), datetime(2021, 1, 4).date())[0]  # noqa: DTZ001
    rows = {"model": "lightgbm", "of": ["features", "features", "skill"], "test": ["psi", "ks", "cusum"], "alarm": [True, False, True]}
    deployment.warehouse.write("drift", day, pl.DataFrame({"session": [day] * 3, **rows, "about": "ROC5 3.1"}))
    records = family_records(deployment)
    assert records["alpha158"].drift == ("2021-01-04: lightgbm, psi: ROC5 3.1",)
    assert records["moves"].drift == ()
