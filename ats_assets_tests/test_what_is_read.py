"""What the nightly jobs read: of bars the columns that trading takes, of features the universe's rows, a few sessions at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.models import training_run as training
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.small_market import ALL_ASSETS, EARLY_MODELS, FIRST, make_history, run_job, small_market

pytestmark = pytest.mark.slow
LAST = date(2021, 1, 29)
MEMBERS = 4
"""Symbols in the universe, of twelve that have features."""
BEFORE_MODELS = [name for name in ALL_ASSETS if name not in {"alpha158", "predictions", "skill", "signals", "targets", "lightgbm_model"}]


@dataclass
class Reads:
    """Each read of partitions: asset, sessions, columns (None: all) and rows."""

    found: list[tuple[str, int, tuple[str, ...] | None, int]] = field(default_factory=list)

    def of(self, asset: str) -> list[tuple[int, tuple[str, ...] | None, int]]:
        return [rest for name, *rest in self.found if name == asset]  # pyright: ignore[reportReturnType]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """What is read from now on."""
    noted, real = Reads(), Warehouse.read_files

    def reading(self: Warehouse, asset: str, files: Mapping[date, Path], columns: Sequence[str] | None = None) -> pl.DataFrame:
        rows = real(self, asset, files, columns)
        noted.found.append((asset, len(files), tuple(columns) if columns else None, rows.height))
        return rows

    monkeypatch.setattr(Warehouse, "read_files", reading)
    return noted


def market(root: Path) -> Deployment:
    changes: dict[str, Any] = {
        **EARLY_MODELS,
        "features": {"families": ()},
        "universe": {"size": MEMBERS},
        "labels": {"horizons_sessions": (1,)},
        "portfolio": {"top_k": 1, "max_weight": 1.0},
    }
    changes["training"] = {**changes["training"], "families": ("trend",)}
    return small_market(root, last_session=LAST, **changes)


def test_training_holds_the_universe_and_a_backtest_reads_what_it_trades(
    tmp_path: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backtest read all columns of all bars; a training held the features of all symbols and kept the universe's."""
    deployment = market(tmp_path)
    make_history(deployment, FIRST, LAST, BEFORE_MODELS)
    held: list[tuple[int, int]] = []

    def joined(features: pl.DataFrame, labels: pl.DataFrame, universe: pl.DataFrame, *rest: Any) -> Any:
        held.append((features.height, universe.height))
        return real(features, labels, universe, *rest)

    real = training.training_set
    monkeypatch.setattr(training, "training_set", joined)
    monkeypatch.setattr(training, "READ_AT_ONCE", 2)
    reads.found.clear()
    make_history(deployment, FIRST, LAST, ["lightgbm_model"])
    assert held
    assert all(0 < features == universe for features, universe in held)
    features = reads.of("trend")
    assert features
    assert max(sessions for sessions, _, _ in features) <= 2
    assert sum(sessions for sessions, _, _ in features) <= len(deployment.warehouse.stored_sessions("trend")), "none is read twice"

    make_history(deployment, FIRST, LAST, ["predictions", "signals", "targets"])
    reads.found.clear()
    run_job(deployment, "backtest_reports", assets=["backtest"])
    bars = reads.of("bars")
    assert len(bars) == 1
    assert bars[0][1] == ("symbol", "session", "open", "close", "volume")
    assert all(columns is not None for _, columns, _ in reads.of("targets"))
