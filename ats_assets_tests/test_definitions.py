"""What Dagster loads: how often the graph is built, and what its import brings."""

import subprocess
import sys
from pathlib import Path

from ats_assets.definitions import built_once
from ats_assets.settings import FeaturesSettings, Settings

LATE = (
    "great_expectations",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "numba",
    "plotly",
    "scipy.cluster",
    "scipy.signal",
    "scipy.stats",
    "sklearn",
)
"""Libraries that take from a quarter of a second to several to import, and that only some assets need when they are made."""


def test_the_graph_is_built_once_until_settings_or_own_files_change(tmp_path: Path) -> None:
    """`dagster asset materialize` loads it five times over."""
    settings = Settings(features=FeaturesSettings(families=(), folder=tmp_path))
    first = built_once(settings)
    assert built_once(Settings(features=FeaturesSettings(families=(), folder=tmp_path))) is first
    (tmp_path / "calm.toml").write_text('[features]\ncalm = "Std($close, 5)"\n', encoding="utf-8")
    second = built_once(settings)
    assert second is not first
    assert {key.to_user_string() for key in second.resolve_all_asset_keys()} >= {"calm"}
    (tmp_path / "calm.toml").write_text('[features]\ncalmer = "Std($close, 10)"\n', encoding="utf-8")
    assert built_once(settings) is not second
    assert built_once(settings.model_copy(update={"features": FeaturesSettings(families=(), folder=tmp_path / "none")})) is not second


def test_loading_the_graph_imports_nothing_that_only_some_assets_need() -> None:
    program = f"import sys, ats_assets.definitions; print([name for name in {LATE} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
