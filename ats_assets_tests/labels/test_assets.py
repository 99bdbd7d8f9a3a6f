"""Labels of the settings: an asset each, learnt by the models where `training.label_source` says so, and honest as all others."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.labels import labels, learnt_label
from ats_assets.labels.methods.triple_barrier import TripleBarriers
from ats_assets.leakcheck import find_leaks, of_deployment
from ats_assets.leakcheck.subjects import stored_bars
from ats_assets.orchestration.graph import READS, SETTINGS
from ats_assets.settings import LabelsSettings, load_settings
from ats_assets_tests.small_market import ALL_ASSETS, EARLY_MODELS, FIRST, copy_until, differences, files_of, make_history, small_market

LAST, DAY = date(2021, 2, 5), date(2021, 1, 25)
ENDS = {"kind": "triple_barrier", "max_holding_sessions": 2, "volatility_span_sessions": 3, "min_returns": 2}
OWN = """
from ats_assets.labels.methods.triple_barrier import TripleBarrierLabel, TripleBarrierSettings
from ats_assets.plugins import Plugin

class Mine(TripleBarrierLabel):
    \"\"\"One's own.\"\"\"

PLUGIN = Plugin(settings=TripleBarrierSettings, make=Mine)
"""
MADE = [*ALL_ASSETS, "ends"]


def market(root: Path, *, last_session: date = LAST, **training: Any) -> Deployment:
    """A small market whose model learns the triple barrier."""
    changes = {**EARLY_MODELS, "labels": {"horizons_sessions": (1,), "ends": ENDS}}
    changes["training"] = {**changes["training"], "label_source": "ends", "label": "raw"} | training
    return small_market(root, last_session=last_session, **changes)


def reads_of(deployment: Deployment, asset: str) -> str:
    metadata = {spec.key.path[-1]: spec.metadata for spec in build(deployment).resolve_all_asset_specs()}
    return str(metadata[asset][READS])


def versions_of(deployment: Deployment) -> dict[str, tuple[str | None, str]]:
    """Of code and settings, less the label that is new and the report, which shows the settings."""
    specs = {spec.key.path[-1]: spec for spec in build(deployment).resolve_all_asset_specs()}
    return {name: (s.code_version, s.metadata[SETTINGS]) for name, s in specs.items() if name not in {"ends", "backtest_report"}}


def test_a_label_that_is_not_named_is_no_asset_and_one_that_is_named_is_learnt_only_where_it_is_chosen(tmp_path: Path) -> None:
    plain, both = small_market(tmp_path), small_market(tmp_path, labels={"horizons_sessions": (1, 5), "ends": ENDS})
    assert list(plain.of(labels)) == ["forward_returns"]
    assert list(both.of(labels)) == ["forward_returns", "ends"]
    assert reads_of(both, "lightgbm_model") == reads_of(plain, "lightgbm_model")
    assert versions_of(plain) == versions_of(both), "nothing else is stale"


def test_a_model_reads_its_label_from_the_first_session_at_which_one_may_be_known(tmp_path: Path) -> None:
    """6 decision sessions, an embargo of 1, known after 1 to 3 sessions: the newest decision is D-4, the oldest D-9, whose label may be known at D-8."""
    assert "alpha158[D-9..D-4]" in reads_of(market(tmp_path), "lightgbm_model")
    assert "ends[D-8..D-1]" in reads_of(market(tmp_path), "lightgbm_model")


def test_a_label_of_ones_own_is_a_file_in_the_folder_of_additions(tmp_path: Path) -> None:
    (tmp_path / "plugins" / "labels").mkdir(parents=True)
    (tmp_path / "plugins" / "labels" / "mine.py").write_text(OWN)
    deployment = small_market(
        tmp_path,
        plugins={"folder": tmp_path / "plugins"},
        labels={"horizons_sessions": (1, 5), "mine": {"max_holding_sessions": 4}},
        training={"label_source": "mine"},
    )
    assert deployment.of(learnt_label).label.known_after(deployment.settings.training).last == 5
    assert "mine[D-44..D-1]" in reads_of(deployment, "lightgbm_model")


@pytest.mark.slow
def test_a_model_of_the_triple_barrier_is_made_without_the_future(tmp_path: Path) -> None:
    deployment = market(tmp_path / "all")
    make_history(deployment, FIRST, LAST, MADE)
    found = deployment.warehouse.read("ends", deployment.valid_sessions("ends"))
    TripleBarriers.validate(found, lazy=True)
    assert set(found["label"]) == {-1, 0, 1}
    record = deployment.model_store("lightgbm_model").active(LAST)
    assert record is not None
    assert record.label is not None
    assert (record.label.source, record.label.horizon_sessions, record.label.kind) == ("ends", 2, "raw")
    assert deployment.warehouse.read("predictions", [LAST]).height > 0
    bars, days = stored_bars(deployment, 25, 12)
    subjects = {subject.name: subject for subject in of_deployment(deployment, bars, days)}
    for name in ("ends", "lightgbm_model"):
        assert find_leaks(subjects[name], days, draws=2) == [], name
    before = max(day for day in deployment.valid_sessions("bars") if day < DAY)
    copy_until(tmp_path / "all", tmp_path / "until", before)
    make_history(market(tmp_path / "until", last_session=DAY), DAY, DAY, MADE)
    assert not differences(files_of(tmp_path / "until", [DAY]), files_of(tmp_path / "all", [DAY]))


def test_the_label_and_the_return_are_both_learnt(tmp_path: Path) -> None:
    for column, expected in ((None, [1.0, -1.0]), ("label", [1.0, -1.0]), ("return", [0.2, -0.1])):
        learnt = market(tmp_path, label_column=column).of(learnt_label)
        day = date(2021, 1, 5)
        rows = pl.DataFrame({"symbol": ["A", "B"], "session": day, "decision_session": day, "label": [1, -1], "return": [0.2, -0.1]})
        assert learnt.outcomes(rows)["y"].to_list() == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"training": {"label_source": "ends"}},
            r"label_source is 'ends', which is no label: choose one of forward_returns, or add a table",
        ),
        ({"labels": {"horizons_sessions": (5,), "forward_returns": {}}}, "stand in \\[labels\\] itself"),
        ({"labels": {"horizons_sessions": (5,), "horizon": 5}}, "labels.horizon"),
    ],
)
def test_settings_that_do_not_fit_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(**changes)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"barriers": {}}, r"labels.barriers is 'barriers', which is no label: choose one of .*forward_returns, .*triple_barrier"),
        ({"triple_barrier": {"max_holding": 5}}, r"\[labels.triple_barrier\] has 1 wrong setting.*It knows upper_multiple"),
        ({"bars": ENDS}, r"\[labels.bars\]: `bars` is the name of an asset"),
        ({"history": ENDS}, r"\[labels.history\]: `history` is the name of an asset or a job"),
    ],
)
def test_labels_that_can_not_be_made_are_named(tmp_path: Path, own: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        build(small_market(tmp_path, labels={"horizons_sessions": (1, 5)} | own))


def test_a_column_that_can_not_be_learnt_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"label_column is 'rank', but of ends a model can learn label, return"):
        build(market(tmp_path, label_column="rank"))


def test_labels_are_written_as_they_are_read() -> None:
    settings = LabelsSettings.model_validate({"horizons_sessions": [1, 5], "ends": ENDS})
    assert settings.model_dump(mode="json") == {"horizons_sessions": [1, 5], "ends": ENDS}
    assert LabelsSettings.model_validate(settings.model_dump(mode="json")) == settings
    assert LabelsSettings().model_dump(mode="json") == {"horizons_sessions": [1, 5, 20]}
