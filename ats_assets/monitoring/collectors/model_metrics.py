"""Models: whether each is active and how old it is, skill, champion, drift, signals."""

import statistics
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.monitoring.components import Observed
from ats_assets.monitoring.samples import MetricSpec, Samples
from ats_assets.monitoring.stamped import stamp_of_files
from ats_assets.monitoring.watch import Watch
from ats_assets.storage.artefacts import RECORD_FILE
from ats_assets.storage.model_record import ModelRecord

WINDOW = 63
"""Sessions over which skill is averaged: a quarter."""
OF_MODELS = 50
METRICS = (
    MetricSpec(name="ats_model_available", text="Whether there is a model at the newest session.", labels=("model",), most=OF_MODELS),
    MetricSpec(
        name="ats_model_fitted_timestamp_seconds", text="Close of the session at which it was fitted.", labels=("model",), most=OF_MODELS
    ),
    MetricSpec(name="ats_model_age_sessions", text="Sessions since it was fitted.", labels=("model",), most=OF_MODELS),
    MetricSpec(name="ats_model_max_age_sessions", text="What it may be old (training.max_age_sessions).", most=1),
    MetricSpec(name="ats_model_training_rows", text="Rows that it was fitted on.", labels=("model",), most=OF_MODELS),
    MetricSpec(name="ats_model_validation_rank_ic", text="On the sessions held out of its fit.", labels=("model",), most=OF_MODELS),
    MetricSpec(
        name="ats_model_rank_ic",
        text="Mean of the sessions known in the last quarter, on symbols that all models scored.",
        labels=("model",),
        most=OF_MODELS,
    ),
    MetricSpec(name="ats_champion_info", text="1 for the model whose predictions are traded.", labels=("model",), most=1),
    MetricSpec(
        name="ats_skill_rank_ic", text="Of what is traded, as it became known at the newest session.", labels=("horizon_sessions",), most=10
    ),
    MetricSpec(
        name="ats_skill_rank_ic_mean", text="Mean of the sessions known in the last quarter.", labels=("horizon_sessions",), most=10
    ),
    MetricSpec(
        name="ats_skill_rank_ic_error",
        text="Standard error of that mean, as if every horizon-th session alone told something.",
        labels=("horizon_sessions",),
        most=10,
    ),
    MetricSpec(name="ats_skill_sessions", text="Sessions that it is the mean of.", labels=("horizon_sessions",), most=10),
    MetricSpec(name="ats_drift_alarm", text="Whether the test says that something has drifted.", labels=("model", "of", "test")),
    MetricSpec(
        name="ats_drift_threshold_ratio", text="Its figure, as a share of the threshold of an alarm.", labels=("model", "of", "test")
    ),
    MetricSpec(name="ats_signals", text="Symbols of the newest session by direction.", labels=("strategy", "direction"), most=60),
    MetricSpec(name="ats_targets_exposure_ratio", text="Wanted at the newest session, as a share of equity.", labels=("kind",), most=4),
)


def collect(watch: Watch, observed: Observed, samples: Samples) -> None:  # noqa: ARG001 - as all collectors
    """Add them."""
    deployment = watch.deployment
    samples.put("ats_model_max_age_sessions", deployment.settings.training.max_age_sessions)
    champion = _champion(watch)
    for name in sorted(deployment.daily_models, key=lambda one: (one != f"{champion}_model", one)):
        _model(watch, samples, name)
    samples.put("ats_champion_info", None if champion is None else 1, champion or "")
    _skill(watch, samples)
    for row in _rows(watch, "drift", ["model", "of", "test", "figure", "threshold", "alarm"], alarms_first=True):
        labels = (row["model"], row["of"], row["test"])
        samples.put("ats_drift_alarm", row["alarm"], *labels)
        share = row["figure"] / row["threshold"] if row["figure"] is not None and row["threshold"] else None
        samples.put("ats_drift_threshold_ratio", share, *labels)
    for strategy, asset in deployment.signals.items():
        counts = {"long": 0, "short": 0, "flat": 0}
        for row in _rows(watch, asset, ["direction"]):
            counts[row["direction"]] = counts.get(row["direction"], 0) + 1
        for direction, count in counts.items():
            samples.put("ats_signals", count, strategy, direction)
    weights = [row["target_weight"] for row in _rows(watch, "targets", ["target_weight"])]
    told = {
        "long": sum(w for w in weights if w > 0),
        "short": sum(-w for w in weights if w < 0),
        "gross": sum(map(abs, weights)),
        "net": sum(weights),
    }
    for kind, share in told.items():
        samples.put("ats_targets_exposure_ratio", share if weights else None, kind)


def _model(watch: Watch, samples: Samples, asset: str) -> None:
    deployment, store = watch.deployment, watch.deployment.model_store(asset)
    name = asset.removesuffix("_model")
    stored = store.stored_sessions()
    if not stored:
        return

    def read() -> ModelRecord | None:
        try:
            return store.active(stored[-1])
        except AtsError:
            return None

    file = store.folder(stored[-1]) / RECORD_FILE
    record = watch.kept.get(f"record {asset}", (str(file), stamp_of_files(file)), read)
    fitted = None if record is None else record.fitted_session
    samples.put("ats_model_available", fitted is not None, name)
    if record is None or fitted is None:
        return
    calendar = deployment.calendar
    samples.put("ats_model_fitted_timestamp_seconds", calendar.closes_at(fitted).timestamp() if calendar.is_session(fitted) else None, name)
    newest = max([stored[-1], *deployment.valid_sessions("targets")[-1:]])
    samples.put("ats_model_age_sessions", calendar.count(fitted, newest), name)
    samples.put("ats_model_training_rows", record.training.rows if record.training else None, name)
    samples.put("ats_model_validation_rank_ic", record.validation.rank_ic if record.validation else None, name)


def _champion(watch: Watch) -> str | None:
    """The model that is traded; of one alone nothing need say so."""
    candidates = watch.deployment.settings.candidates
    if len(candidates) == 1:
        return candidates[0]
    return next((row["model"] for row in _rows(watch, "champion", ["model", "is_champion"]) if row["is_champion"]), None)


def _skill(watch: Watch, samples: Samples) -> None:
    """Of what is traded by horizon, and of each candidate where they compete."""
    by_horizon: dict[int, list[float]] = {}
    newest: dict[int, float | None] = {}
    for row in _window(watch, "skill", ("horizon_sessions", "rank_ic")):
        newest[row["horizon_sessions"]] = row["rank_ic"]
        if row["rank_ic"] is not None:
            by_horizon.setdefault(row["horizon_sessions"], []).append(row["rank_ic"])
    for horizon, values in sorted(by_horizon.items()):
        label = str(horizon)
        samples.put("ats_skill_rank_ic", newest[horizon], label)
        samples.put("ats_skill_rank_ic_mean", statistics.fmean(values), label)
        samples.put("ats_skill_sessions", len(values), label)
        independent = len(values) / horizon
        samples.put("ats_skill_rank_ic_error", statistics.stdev(values) / independent**0.5 if len(values) > 1 else None, label)
    by_model: dict[str, list[float]] = {}
    for row in _window(watch, "model_skill", ("model", "rank_ic")):
        if row["rank_ic"] is not None:
            by_model.setdefault(row["model"], []).append(row["rank_ic"])
    for model, values in sorted(by_model.items()):
        samples.put("ats_model_rank_ic", statistics.fmean(values), model)


def _window(watch: Watch, asset: str, columns: Sequence[str]) -> list[Mapping[str, Any]]:
    """The rows of the newest sessions of an asset, in their order; a session is read once, unless its file is replaced."""
    deployment = watch.deployment
    found: list[Mapping[str, Any]] = []
    for day in deployment.valid_sessions(asset)[-WINDOW:]:
        found += _read(watch, deployment, asset, day, columns)
    return found


def _rows(watch: Watch, asset: str, columns: Sequence[str], *, alarms_first: bool = False) -> list[Mapping[str, Any]]:
    """The rows of the newest session of an asset; none where it is not stored, or can't be read."""
    days = watch.deployment.valid_sessions(asset)[-1:]
    found = [row for day in days for row in _read(watch, watch.deployment, asset, day, columns)]
    return sorted(found, key=lambda row: not row["alarm"]) if alarms_first else found


def _read(watch: Watch, deployment: Deployment, asset: str, day: date, columns: Sequence[str]) -> list[Mapping[str, Any]]:
    path = deployment.warehouse.path(asset, day)

    def read() -> list[Mapping[str, Any]]:
        try:
            return [*deployment.warehouse.read_files(asset, {day: path}, list(columns)).to_dicts()]
        except (AtsError, pl.exceptions.PolarsError):
            return []

    return watch.kept.get(f"rows {asset} {day}", (str(path), stamp_of_files(path)), read)
