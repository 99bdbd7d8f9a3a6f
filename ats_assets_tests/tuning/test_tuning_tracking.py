"""MLflow has a run for each tuning, nested in the command's, and in it one for each trial."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.models.command_runs import PARENT
from ats_assets.models.tracking import Tracking
from ats_assets.settings import MlflowSettings
from ats_assets.tuning.schema import TUNING_SCHEMA
from ats_assets.tuning.tuning_tracking import TrackedTuning, log_tuning

pytestmark = pytest.mark.slow  # MLflow takes seconds to import and to make the tables of a new database
DAY = date(2024, 1, 2)
ROWS = pl.DataFrame(
    [
        (DAY, DAY, 0, 0, "complete", "{}", 0.02, 0.01, 0.01, [0.01, 0.03], 2, False, None, "optuna 5"),
        (DAY, DAY, 1, 0, "complete", '{"num_leaves": 7}', 0.05, 0.01, 0.04, [0.04, 0.06], 2, True, "the best of 3", "optuna 5"),
        (DAY, DAY, 2, 1, "failed", '{"num_leaves": 1}', None, None, None, [], 1, False, "LightGBMError: no", "optuna 5"),
    ],
    schema=TUNING_SCHEMA,
    orient="row",
)


@pytest.mark.filterwarnings("ignore:.*noload.*")
def test_a_tuning_and_its_trials_are_runs_inside_each_other(tmp_path: Path) -> None:
    told = TrackedTuning(
        asset="lightgbm_tuning", partition=str(DAY), trials=ROWS.to_dicts(), dagster_run_id="r1", command="w", started=1_000, ended=9_000
    )
    run_id = log_tuning(MlflowSettings(), tmp_path, told)
    client = Tracking(MlflowSettings(), tmp_path).client()
    whole = client.get_run(run_id)
    assert whole.data.params == {"chosen_trial": "1", "why": "the best of 3", "num_leaves": "7"}
    assert (whole.info.status, whole.info.start_time, whole.info.end_time) == ("FINISHED", 1_000, 9_000)
    assert [(one.step, one.value) for one in client.get_metric_history(run_id, "value")] == [(0, 0.01), (1, 0.04)]
    command = client.get_run(whole.data.tags[PARENT])
    assert PARENT not in command.data.tags
    inner = [one for one in client.search_runs([whole.info.experiment_id]) if one.data.tags.get(PARENT) == run_id]
    trials = {one.info.run_name: one for one in inner}
    assert sorted(trials) == ["trial 0", "trial 1", "trial 2"]
    assert [one.info.status for _, one in sorted(trials.items())] == ["FINISHED", "FINISHED", "FAILED"]
    best, failed = trials["trial 1"], trials["trial 2"]
    assert [(one.step, one.value) for one in client.get_metric_history(best.info.run_id, "fold_rank_ic")] == [(0, 0.04), (1, 0.06)]
    assert (best.data.metrics["rank_ic"], best.data.tags["chosen"]) == (0.05, "True")
    assert failed.data.tags["reason"] == "LightGBMError: no"
