"""A command's run in MLflow: fits nested in it, and the backtest that came of them."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ats_assets.evaluation.event_skill import event_skill
from ats_assets.models.tracking import Fit, Tracking, begin_command, end_command, log_fit
from ats_assets.reports.backtest_log import _logged
from ats_assets.reports.backtest_tracking import MOST_POINTS, log_backtest, log_files
from ats_assets.reports.regime_files import confusion_text, regime_files
from ats_assets.settings import MlflowSettings
from ats_assets_tests.reports.test_backtest_report import all_inputs, traded

pytestmark = [
    pytest.mark.slow,  # MLflow takes seconds to import and to make the tables of a new database
    pytest.mark.filterwarnings("ignore:.*noload.*"),
]
SETTINGS, TIMES = MlflowSettings(), {"started": 1_700_000_000_000, "ended": 1_700_000_001_000}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracked")


def runs(data: Path) -> dict[str, tuple[str, str | None]]:
    """Name of each run -> its status and the name of the run that it is nested in."""
    client = Tracking(SETTINGS, data).client()
    found = client.search_runs([Tracking(SETTINGS, data).experiment_id(client)])
    names = {run.info.run_id: str(run.info.run_name) for run in found}
    return {str(run.info.run_name): (run.info.status, names.get(run.data.tags.get("mlflow.parentRunId", ""))) for run in found}


def test_a_command_is_a_run_with_its_fits_nested_and_the_backtest_in_it(data: Path, tmp_path: Path) -> None:
    told = _logged(all_inputs())
    segment = told.segments[0]
    begin_command(SETTINGS, data, "one", "ats run")
    fit = log_fit(SETTINGS, data, Fit(asset="m", partition=str(segment.model_session), command="one", **TIMES))
    run_id = log_backtest(SETTINGS, data, "one", told)
    (tmp_path / "report.json").write_text("{}")
    log_files(SETTINGS, data, "one", {str(tmp_path / "report.json"): "report"}, {"equity.svg": "<svg/>"})
    end_command(SETTINGS, data, "one", "FINISHED", "all of it")

    client = Tracking(SETTINGS, data).client()
    run = client.get_run(run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", told.name)
    assert run.data.params["backtest.initial_cash"] == "1000000.0"
    assert run.data.metrics["sharpe"] == all_inputs().metrics.sharpe
    history = client.get_metric_history(run_id, "equity")
    assert [point.value for point in sorted(history, key=lambda point: point.step)] == traded().equity["equity"].to_list()
    assert len(client.get_metric_history(run_id, "segment_rank_ic")) == len(told.segments)
    nested = client.get_run(fit)
    assert nested.data.tags["mlflow.parentRunId"] == run_id
    assert nested.data.metrics["out_of_sample_rank_ic"] == segment.rank_ic
    assert {file.path for file in client.list_artifacts(run_id)} == {"report", "equity.svg", "run.log"}
    assert {file.path for file in client.list_artifacts(run_id, "report")} == {"report/report.json"}


def test_regimes_and_the_confusion_matrix_of_events_are_files_of_the_run(data: Path) -> None:
    texts = regime_files(all_inputs().rows)
    (rows,) = (pl.read_csv(io.StringIO(text)) for text in texts.values())
    assert rows.height == all_inputs().rows["regimes"]["session"].n_unique()
    assert set(rows["in_state_0"].unique()) == {0.0, 1.0}  # one regime for all symbols
    assert np.allclose(rows["market_p0"] + rows["market_p1"], 1.0)
    matrix = json.loads(confusion_text(event_skill([0.9, 0.8, 0.2, 0.6], [True, False, False, True]).to_dict()))
    assert matrix == {"classes": ["lost", "gained"], "true_by_predicted": [[1, 1], [0, 2]], "accuracy": 0.75}
    begin_command(SETTINGS, data, "regimes", "ats run")
    log_files(SETTINGS, data, "regimes", {}, texts | {"event_backtest/confusion_matrix-m.json": json.dumps(matrix)})
    client = Tracking(SETTINGS, data).client()
    run_id = Tracking(SETTINGS, data).of_command("regimes").run_id
    end_command(SETTINGS, data, "regimes", "FINISHED", "")
    assert run_id is not None
    files = {file.path for folder in ("regimes", "event_backtest") for file in client.list_artifacts(run_id, folder)}
    assert files == {"regimes/regimes.csv", "event_backtest/confusion_matrix-m.json"}


def test_a_long_curve_is_thinned_and_keeps_its_end(data: Path) -> None:
    told = _logged(all_inputs())
    values = [float(n) for n in range(2 * MOST_POINTS + 7)]
    run_id = log_backtest(SETTINGS, data, "long", type(told)(name="long", equity=values))
    history = Tracking(SETTINGS, data).client().get_metric_history(run_id, "equity")
    assert len(history) <= MOST_POINTS
    assert max(point.value for point in history) == values[-1]
    end_command(SETTINGS, data, "long", "FINISHED", "")


def test_a_command_that_fails_is_a_failed_run_and_one_that_did_nothing_is_none(data: Path) -> None:
    for place, status in (("failed", "FAILED"), ("nothing", "FINISHED"), ("interrupted", "KILLED")):
        begin_command(SETTINGS, data, place, f"ats run {place}")
        end_command(SETTINGS, data, place, status, "why")  # type: ignore[arg-type]
    found = runs(data)
    assert found["ats run failed"] == ("FAILED", None)
    assert found["ats run interrupted"] == ("KILLED", None)
    assert "ats run nothing" not in found


def test_a_command_that_is_killed_is_ended_by_the_second_process(data: Path) -> None:
    """The second process is left where its command is killed; that of a step in Dagster's UI says nothing at its end."""
    work = f"""
import os, signal
from pathlib import Path
from ats_assets.models.tracking import Fit, begin_command, log_fit
from ats_assets.reports.regime_files import confusion_text, regime_files
from ats_assets.settings import MlflowSettings
from ats_assets.storage.second_process import beside
where = (MlflowSettings(), Path({str(data)!r}))
beside(begin_command, *where, "killed", "ats run killed")
for place, status in (("killed", "FINISHED"), ("ui", "FINISHED"), ("ui failed", "FAILED")):
    fit = Fit(asset=place, partition="2024-01-02", started=1, ended=2, status=status, command=place)
    beside(log_fit, *where, fit).result()
from ats_assets.storage import second_process
process = second_process._second_process(os.getpid())._process
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    made = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True, check=False, timeout=120)
    pid = int(made.stdout)
    for _ in range(600):
        if not Path(f"/proc/{pid}").exists():
            break
        subprocess.run(["sleep", "0.05"], check=True)
    client = Tracking(SETTINGS, data).client()
    found = client.search_runs([Tracking(SETTINGS, data).experiment_id(client)])
    parents = {run.data.tags.get("mlflow.parentRunId"): str(run.data.tags.get("asset")) for run in found}
    ended = {parents[run.info.run_id]: run.info.status for run in found if run.info.run_id in parents}
    assert {name: ended[name] for name in ("killed", "ui", "ui failed")} == {"killed": "KILLED", "ui": "FINISHED", "ui failed": "FAILED"}
