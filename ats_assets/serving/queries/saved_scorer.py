"""What predicts of what is saved: the champion, a model of the settings, their ensemble, or the model in a folder."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from ats_assets.deployment import Deployment
from ats_assets.errors import CorruptPartitionError, MissingPartitionError, ModelError, SettingsError
from ats_assets.models.choosing import Model, models
from ats_assets.models.learner import Scorer
from ats_assets.plugins import LEARNERS
from ats_assets.predictions.active_models import active_model
from ats_assets.predictions.candidates import candidates
from ats_assets.predictions.inference import check_age
from ats_assets.refits import last_refit
from ats_assets.settings import ENSEMBLE
from ats_assets.storage.artefacts import RECORD_FILE, ModelStore
from ats_assets.storage.model_record import ModelRecord
from ats_assets.storage.opened_root import opened_root
from ats_assets.storage.root_folder import RootFolder
from ats_assets.storage.sealed_file import is_intact

CHAMPION, WEIGHTS = "champion", "ensemble_weights"


@dataclass(frozen=True, kw_only=True)
class SavedScorer:
    """A loaded model.

    Attributes
    ----------
    model
        With its sequences, for inference.
    """

    model: Model
    record: ModelRecord
    scorer: Scorer


@dataclass(frozen=True, kw_only=True)
class SavedChoice:
    """What predicts: one model, or several with their weights in the ensemble.

    Attributes
    ----------
    scorers
        By the names of the models.
    weights
        The contract `EnsembleWeights`, of the session; None of one model.
    past
        The asset whose stored predictions are its own, on whose outcomes it is calibrated; None of a folder that is not of these settings.
    notes
        What there is to say of the choice.
    """

    scorers: Mapping[str, SavedScorer]
    weights: pl.DataFrame | None = None
    past: str | None
    notes: tuple[str, ...] = ()


def saved_choice(deployment: Deployment, name: str | None, session: date) -> SavedChoice:
    """What is active for the signals of a session: the model of the session before, or the newest before it.

    Parameters
    ----------
    name
        `champion` (the default), a name of `[models]`, `ensemble`, or the path of a model's folder, `models/<name>_model` or one of its sessions.

    Raises
    ------
    SettingsError
        If there is no such model.
    MissingPartitionError, CorruptPartitionError
        If nothing is stored of it before the session, or what is stored is damaged.
    ModelError
        If it is not available, too old, or fitted at the session or after.
    """
    named = {model.name: model for model in deployment.of(models).values()}
    wanted, notes, past = name or CHAMPION, (), None
    if wanted == CHAMPION:
        wanted, notes = champion_name(deployment, session)
        past = "predictions"
    past = past or deployment.of(candidates).get(wanted, "predictions")
    if wanted == ENSEMBLE and wanted in deployment.of(candidates):
        return _ensemble(deployment, named, session, past, notes)
    if wanted in named:
        one, said = _of_settings(deployment, named[wanted], session)
        return SavedChoice(scorers={wanted: one}, past=past, notes=(*notes, *said))
    if Path(wanted).is_dir():
        return _of_folder(deployment, Path(wanted), session)
    known = ", ".join(deployment.of(candidates) or named)
    raise SettingsError(
        f"there is no model {wanted!r}: choose {CHAMPION}, one of {known}, or the path of a model's folder ({deployment.settings.storage.models})"
    )


def champion_name(deployment: Deployment, session: date) -> tuple[str, tuple[str, ...]]:
    """The champion's name, by the newest stored choice up to a session, and what there is to say of it; where there is one model, that one.

    Raises
    ------
    MissingPartitionError
        If none is stored.
    """
    if not deployment.of(candidates):
        return next(iter(deployment.settings.models)), ()
    stored = [day for day in deployment.valid_sessions(CHAMPION) if day <= session]
    chosen = deployment.warehouse.read(CHAMPION, stored[-1:]).filter("is_champion")["model"].to_list() if stored else []
    if not chosen:
        names = ", ".join(deployment.of(candidates))
        raise MissingPartitionError(
            f"no champion is stored up to {session}: make it with ats run --select '+champion', or name a model with --model ({names})"
        )
    return chosen[0], () if stored[-1] == session else (f"the champion is that of {stored[-1]}, the newest stored",)


def _of_settings(deployment: Deployment, model: Model, session: date) -> tuple[SavedScorer, tuple[str, ...]]:
    newest, said = _newest_before(deployment.model_store(model.asset), session, deployment)
    store, record = active_model(deployment, model, newest)
    check_age(record, session, deployment.calendar, deployment.settings.training)
    return SavedScorer(model=model, record=record, scorer=model.scorer(record, store.content(record))), said


def _ensemble(deployment: Deployment, named: Mapping[str, Model], session: date, past: str, notes: tuple[str, ...]) -> SavedChoice:
    """The models that have a weight at the session. Weights hold until the next refit session: those of an earlier session of the same period are the session's, too."""
    stored = [day for day in deployment.valid_sessions(WEIGHTS) if day <= session]
    refit = deployment.settings.ensemble.refit or deployment.settings.training.refit
    if not stored or last_refit(deployment.calendar, stored[-1], refit) != last_refit(deployment.calendar, session, refit):
        raise MissingPartitionError(
            f"the weights of the ensemble at {session} are not stored: make them with ats run --select '+{WEIGHTS}'"
        )
    weights = deployment.warehouse.read(WEIGHTS, stored[-1:]).with_columns(session=pl.lit(session))
    found = {name: _of_settings(deployment, named[name], session) for name in weights.filter(pl.col("weight") > 0)["model"]}
    if not found:
        raise ModelError(f"no model of the ensemble had a score at {stored[-1]}: choose a later session")
    said = tuple(line for _, lines in found.values() for line in lines)
    late = () if stored[-1] == session else (f"the weights of the ensemble are those of {stored[-1]}, the newest stored",)
    return SavedChoice(scorers={name: one for name, (one, _) in found.items()}, weights=weights, past=past, notes=(*notes, *late, *said))


def _newest_before(store: ModelStore, session: date, deployment: Deployment) -> tuple[date, tuple[str, ...]]:
    """The newest session before another one that has a model, and what there is to say of it."""
    stored = [day for day in store.stored_sessions() if day < session]
    if not stored:
        raise MissingPartitionError(
            f"{store.name} has no model before {session} in {store.root}: fit it with ats run --select '+{store.name}'"
        )
    before = deployment.calendar.before(session)
    return stored[-1], () if stored[-1] == before else (f"{store.name} is that of {stored[-1]}: none of {before} is stored",)


def _of_folder(deployment: Deployment, folder: Path, session: date) -> SavedChoice:
    """The model in a folder, which need not be one of these settings: its record says which kind it is."""
    folder, ours = folder.resolve(), deployment.settings.storage.models_folder.resolve()
    storage = deployment.settings.storage
    notes: tuple[str, ...] = ()
    held = opened_root(storage, storage.models) if folder.is_relative_to(ours) else RootFolder(folder)
    if (folder / RECORD_FILE).is_file():
        record, content = _read_record(folder, held)
        check_age(record, session, deployment.calendar, deployment.settings.training)
        place = folder.parent
    else:
        store, place = ModelStore(folder.parent, folder.name, root_folder=held), folder
        newest, notes = _newest_before(store, session, deployment)
        record = store.active(newest)
        check_age(record, session, deployment.calendar, deployment.settings.training)
        content = store.content(record)
    known = deployment.of(models).get(place.name) if place.parent == ours else None
    if known is not None and record.learner == known.kind:
        past = deployment.of(candidates).get(known.name, "predictions")
        own = SavedScorer(model=known, record=record, scorer=known.scorer(record, content))
        return SavedChoice(scorers={known.name: own}, past=past, notes=notes)
    plugin = LEARNERS.find(record.learner, deployment.settings.plugins.folder, f"the model in {folder}")
    told = {key: value for key, value in record.parameters.items() if key in plugin.settings.model_fields}
    learner = LEARNERS.made(record.learner, told, deployment.settings.plugins.folder, f"the model in {folder}")
    model = Model(name=record.name.removesuffix("_model"), kind=record.learner, learner=learner, quick=learner)
    other = SavedScorer(model=model, record=record, scorer=learner.load(content))
    return SavedChoice(scorers={model.name: other}, past=None, notes=notes)


def _read_record(folder: Path, held: RootFolder) -> tuple[ModelRecord, bytes]:
    """The record and the model of one folder; of a carried one those that it was carried from, which lie beside it."""
    path = folder / RECORD_FILE
    held.at_hand(sorted(folder.glob("*")))
    try:
        text = path.read_bytes()
        if not is_intact(text):
            raise CorruptPartitionError(f"{path} can't be used: its SHA-256 is not the one it holds. Copy the folder again")
        record = ModelRecord.model_validate({key: value for key, value in json.loads(text).items() if key != "file_sha256"})
        if record.carried_from is not None:
            return _read_record(folder.parent / f"session={record.carried_from}", held)
        if record.status != "fitted":
            raise ModelError(f"the model in {folder} is not available: {record.reason}")
        content = (folder / record.file).read_bytes()
    except (OSError, ValidationError) as error:
        raise CorruptPartitionError(f"{folder} holds no whole model: {error}") from error
    if hashlib.sha256(content).hexdigest() != record.model_sha256:
        raise CorruptPartitionError(
            f"{folder / record.file} can't be used: its SHA-256 is not the one in {RECORD_FILE}. Copy the folder again"
        )
    return record, content
