"""The saved model that predicts: the champion, a model of the settings, or a folder."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from ats_assets.deployment import Deployment
from ats_assets.errors import CorruptPartitionError, MissingPartitionError, ModelError, SettingsError
from ats_assets.models.choosing import Model, models
from ats_assets.models.learner import Scorer
from ats_assets.plugins import LEARNERS
from ats_assets.predictions.candidates import candidates
from ats_assets.predictions.inference import check_age
from ats_assets.storage.artefacts import RECORD_FILE, ModelStore
from ats_assets.storage.model_record import ModelRecord
from ats_assets.storage.sealed_file import is_intact

CHAMPION = "champion"


@dataclass(frozen=True, kw_only=True)
class SavedScorer:
    """A loaded model.

    Attributes
    ----------
    model
        With its sequences, for inference.
    past
        The asset whose stored predictions are its own, on whose outcomes it is calibrated; None of a folder that is not of these settings.
    notes
        What there is to say of the choice.
    """

    model: Model
    record: ModelRecord
    scorer: Scorer
    past: str | None
    notes: tuple[str, ...] = ()


def saved_scorer(deployment: Deployment, name: str | None, session: date) -> SavedScorer:
    """The model that is active for the signals of a session: that of the session before, or the newest before it.

    Parameters
    ----------
    name
        `champion` (the default), a name of `[models]`, or the path of a model's folder, `models/<name>_model` or one of its sessions.

    Raises
    ------
    SettingsError
        If there is no such model.
    MissingPartitionError, CorruptPartitionError
        If nothing is stored of it before the session, or what is stored is damaged.
    ModelError
        If it is not available, too old, fitted at the session or after, or not one model.
    """
    named = {model.name: model for model in deployment.of(models).values()}
    wanted = name or CHAMPION
    if wanted == CHAMPION:
        wanted, notes = champion_model(deployment, named, session)
        past = "predictions"
    elif wanted in named:
        past, notes = deployment.of(candidates).get(wanted, "predictions"), ()
    elif Path(wanted).is_dir():
        return _of_folder(deployment, Path(wanted), session)
    else:
        raise SettingsError(
            f"there is no model {wanted!r}: choose {CHAMPION}, one of {', '.join(named)}, or the path of a model's folder ({deployment.settings.storage.models})"
        )
    model = named[wanted]
    record, said = _active(deployment.model_store(model.asset), session, deployment)
    content = deployment.model_store(model.asset).content(record)
    return SavedScorer(model=model, record=record, scorer=model.scorer(record, content), past=past, notes=(*notes, *said))


def champion_model(deployment: Deployment, named: Mapping[str, Model], session: date) -> tuple[str, tuple[str, ...]]:
    """The name of the champion's model, by the newest stored choice up to a session, and what there is to say of it.

    Parameters
    ----------
    named
        The models of sessions by their names; the only one needs no choice.

    Raises
    ------
    MissingPartitionError
        If none is stored.
    ModelError
        If it is no single model.
    """
    if not deployment.of(candidates):
        return next(iter(named)), ()
    stored = [day for day in deployment.valid_sessions(CHAMPION) if day <= session]
    if not stored:
        raise MissingPartitionError(
            f"no champion is stored up to {session}: make it with ats run --select '+champion', or name a model with --model ({', '.join(named)})"
        )
    chosen = deployment.warehouse.read(CHAMPION, stored[-1:]).filter("is_champion")["model"].to_list()
    if len(chosen) != 1 or chosen[0] not in named:
        what = f"{chosen[0]!r}, which is no single saved model" if chosen else "none"
        raise ModelError(f"the champion of {stored[-1]} is {what}: name a model with --model ({', '.join(named)})")
    late = () if stored[-1] == session else (f"the champion is that of {stored[-1]}, the newest stored",)
    return chosen[0], late


def _active(store: ModelStore, session: date, deployment: Deployment) -> tuple[ModelRecord, tuple[str, ...]]:
    """The newest model before a session, which is not older than the settings allow."""
    stored = [day for day in store.stored_sessions() if day < session]
    if not stored:
        raise MissingPartitionError(
            f"{store.name} has no model before {session} in {store.root}: fit it with ats run --select '+{store.name}'"
        )
    record = store.active(stored[-1])
    check_age(record, session, deployment.calendar, deployment.settings.training)
    before = deployment.calendar.before(session)
    return record, () if stored[-1] == before else (f"{store.name} is that of {stored[-1]}: none of {before} is stored",)


def _of_folder(deployment: Deployment, folder: Path, session: date) -> SavedScorer:
    """The model in a folder, which need not be one of these settings: its record says which kind it is."""
    folder, ours = folder.resolve(), deployment.settings.storage.models.resolve()
    notes: tuple[str, ...] = ()
    if (folder / RECORD_FILE).is_file():
        record, content = _read_record(folder)
        check_age(record, session, deployment.calendar, deployment.settings.training)
        place = folder.parent
    else:
        store, place = ModelStore(folder.parent, folder.name), folder
        record, notes = _active(store, session, deployment)
        content = store.content(record)
    known = deployment.of(models).get(place.name) if place.parent == ours else None
    if known is not None and record.learner == known.kind:
        past = deployment.of(candidates).get(known.name, "predictions")
        return SavedScorer(model=known, record=record, scorer=known.scorer(record, content), past=past, notes=notes)
    plugin = LEARNERS.find(record.learner, deployment.settings.plugins.folder, f"the model in {folder}")
    told = {key: value for key, value in record.parameters.items() if key in plugin.settings.model_fields}
    learner = LEARNERS.made(record.learner, told, deployment.settings.plugins.folder, f"the model in {folder}")
    model = Model(name=record.name.removesuffix("_model"), kind=record.learner, learner=learner, quick=learner)
    return SavedScorer(model=model, record=record, scorer=learner.load(content), past=None, notes=notes)


def _read_record(folder: Path) -> tuple[ModelRecord, bytes]:
    """The record and the model of one folder; of a carried one those that it was carried from, which lie beside it."""
    path = folder / RECORD_FILE
    try:
        text = path.read_bytes()
        if not is_intact(text):
            raise CorruptPartitionError(f"{path} can't be used: its SHA-256 is not the one it holds. Copy the folder again")
        record = ModelRecord.model_validate({key: value for key, value in json.loads(text).items() if key != "file_sha256"})
        if record.carried_from is not None:
            return _read_record(folder.parent / f"session={record.carried_from}")
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
