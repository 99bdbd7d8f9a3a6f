"""A tiny synthetic market for the command line: its settings file, and the command in a process of its own."""

import os
import shutil
import subprocess
from pathlib import Path

from ats_assets_tests.cli.forking import forked

ROOT = Path(__file__).resolve().parents[2]
FIRST, LAST = "2021-01-04", "2021-03-31"
SETTINGS = """
[calendar]
first_session = 2020-10-01
[storage]
fsync = false
[source.synthetic]
symbols = 10
first_session = 2021-01-04
last_session = 2021-03-31
[bars]
profile = false
max_rejected_share = 0.3
[universe]
min_history_sessions = 3
lookback_sessions = 10
[labels]
horizons_sessions = [1, 5]
[training]
train_sessions = 30
validation_sessions = 8
min_train_sessions = 10
embargo_sessions = 1
refit = "weekly"
[models.lightgbm]
min_data_in_leaf = 5
min_rounds = 5
max_rounds = 10
[mlflow]
enabled = false
[strategies.model_scores]
calibration_sessions = 20
min_calibration_rows = 50
[portfolio]
top_k = 3
max_weight = 0.4
"""


def make_home(folder: Path) -> Path:
    """Put the settings file and the instance's settings into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ats.toml").write_text(SETTINGS, encoding="utf-8")
    shutil.copyfile(ROOT / "dagster.yaml", folder / "dagster.yaml")
    return folder


def environment(home: Path, **changes: str) -> dict[str, str]:
    """The environment of a command whose project is `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATS_", "DAGSTER_", "FORCE_COLOR"))}
    return kept | {"ATS_SETTINGS": str(home / "ats.toml"), **changes}


def ats(home: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run `ats` in a process of its own, its output piped."""
    return forked(arguments, cwd=ROOT, env=environment(home, **changes), timeout=300)
